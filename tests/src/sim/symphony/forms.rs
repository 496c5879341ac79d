//! Forms as messages hold them, and what a person's submission becomes.

use roxmltree::Node;
use serde_json::{Map, Value, json};

/// A form.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) id: String,
    pub(super) multi_submit: bool,
    fields: Vec<Field>,
    /// Name and type.
    buttons: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
struct Field {
    kind: String,
    name: String,
    /// What a choice stands for; what a text begins as.
    value: String,
    checked: bool,
    disabled: bool,
    multiple: bool,
    options: Vec<(String, bool)>,
}

/// The forms of a message.
pub(super) fn forms_of(root: Node<'_, '_>) -> Vec<Form> {
    let forms = root
        .descendants()
        .filter(|node| node.tag_name().name() == "form");
    forms.map(form_of).collect()
}

fn form_of(node: Node<'_, '_>) -> Form {
    let mut form = Form {
        id: node.attribute("id").unwrap_or("").to_owned(),
        multi_submit: node.attribute("multi-submit").is_some(),
        fields: Vec::new(),
        buttons: Vec::new(),
    };
    const FIELDS: [&str; 11] = [
        "text-field",
        "textarea",
        "richtextarea",
        "checkbox",
        "radio",
        "select",
        "person-selector",
        "room-selector",
        "date-picker",
        "time-picker",
        "timezone-picker",
    ];
    for part in node.descendants() {
        let kind = part.tag_name().name();
        let name = part.attribute("name").unwrap_or("").to_owned();
        let is = |attribute: &str| part.attribute(attribute) == Some("true");
        if kind == "button" {
            let kind = part.attribute("type").unwrap_or("action");
            form.buttons.push((name, kind.to_owned()));
        } else if FIELDS.contains(&kind) {
            let options = part
                .children()
                .filter(|it| it.tag_name().name() == "option");
            let options = options.map(|option| {
                let value = option.attribute("value").unwrap_or("").to_owned();
                (value, option.attribute("selected") == Some("true"))
            });
            let is_choice = matches!(kind, "checkbox" | "radio");
            let usual = if is_choice {
                "on"
            } else {
                part.text().unwrap_or("")
            };
            form.fields.push(Field {
                kind: kind.to_owned(),
                name,
                value: part.attribute("value").unwrap_or(usual).to_owned(),
                checked: is("checked"),
                disabled: is("disabled"),
                multiple: is("multiple"),
                options: options.collect(),
            });
        }
    }
    form
}

impl Form {
    /// The values of a submission by this button: what the person gave, else what the form begins with.
    ///
    /// # Errors
    /// When the form has no such button or field, or a field no such value.
    pub(super) fn submitted(
        &self,
        button: &str,
        given: &Map<String, Value>,
    ) -> Result<Value, String> {
        let pressed = self.buttons.iter().find(|(name, _)| name == button);
        match pressed {
            None => return Err(format!("the form {} has no button {button}", self.id)),
            Some((_, kind)) if kind == "reset" => {
                return Err(format!(
                    "the button {button} resets the form; it submits nothing"
                ));
            }
            Some(_) => {}
        }
        if let Some(name) = given
            .keys()
            .find(|name| !self.fields.iter().any(|it| it.name == **name))
        {
            return Err(format!("the form {} has no field {name}", self.id));
        }
        let mut values = Map::new();
        values.insert("action".to_owned(), button.into());
        let mut names: Vec<&str> = self
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .collect();
        names.dedup();
        for name in names {
            let mut entries = Vec::new();
            let fields = self
                .fields
                .iter()
                .filter(|it| it.name == name && !it.disabled);
            for field in fields {
                entries.extend(field.entry(given.get(name))?);
            }
            let entry = match entries.len() {
                0 => continue,
                1 => entries.remove(0),
                _ => Value::Array(entries),
            };
            values.insert(name.to_owned(), entry);
        }
        Ok(Value::Object(values))
    }
}

impl Field {
    /// What a field puts into the values of a submission; nothing where it was left alone.
    fn entry(&self, given: Option<&Value>) -> Result<Option<Value>, String> {
        match self.kind.as_str() {
            "checkbox" | "radio" => Ok(self.ticked(given)?.then(|| self.value.clone().into())),
            "select" => self.selected(given),
            "person-selector" => Ok(given.cloned().or_else(|| {
                let usual: Option<Value> = serde_json::from_str(&self.value).ok();
                usual.or(Some(json!([])))
            })),
            "room-selector" => Ok(given
                .cloned()
                .or_else(|| Some(json!({ "userIds": [], "streamIds": [] })))),
            "date-picker" | "time-picker" | "timezone-picker" => {
                let usual = (!self.value.is_empty()).then(|| self.value.clone().into());
                Ok(given.cloned().or(usual))
            }
            _ => Ok(Some(
                given.cloned().unwrap_or_else(|| self.value.clone().into()),
            )),
        }
    }

    fn ticked(&self, given: Option<&Value>) -> Result<bool, String> {
        match given {
            None => Ok(self.checked),
            Some(Value::Bool(ticked)) => Ok(*ticked),
            Some(Value::String(value)) => Ok(*value == self.value),
            Some(Value::Array(values)) => Ok(values
                .iter()
                .any(|value| value.as_str() == Some(&self.value))),
            Some(Value::Null) => Ok(false),
            Some(other) => Err(format!("{other} is no value of {}", self.name)),
        }
    }

    fn selected(&self, given: Option<&Value>) -> Result<Option<Value>, String> {
        let chosen: Vec<String> = match given {
            None => {
                let selected = self.options.iter().filter(|(_, selected)| *selected);
                selected.map(|(value, _)| value.clone()).collect()
            }
            Some(Value::String(value)) => vec![value.clone()],
            Some(Value::Array(values)) => values
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            Some(other) => return Err(format!("{other} is no value of {}", self.name)),
        };
        if let Some(value) = chosen
            .iter()
            .find(|value| !self.options.iter().any(|(it, _)| it == *value))
        {
            return Err(format!("{value} is no option of {}", self.name));
        }
        if self.multiple {
            return Ok((!chosen.is_empty()).then(|| chosen.into()));
        }
        Ok(chosen.into_iter().next().map(Value::String))
    }
}
