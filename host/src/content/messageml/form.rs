//! Symphony Elements: fields and buttons inside a form.

use crate::model::content::{
    ActionButton, Block, Button, ButtonKind, ButtonStyle, Choice, Field, FieldKind, FieldPattern,
    Form, FormAnswers, FormAudience, FormEnd, TextStyle,
};

use super::super::xml::Element;
use super::super::{ContentError, spans_text};
use super::{Walk, collapse, misplaced};

const ELEMENTS: [&str; 13] = [
    "button",
    "text-field",
    "textarea",
    "richtextarea",
    "checkbox",
    "radio",
    "select",
    "person-selector",
    "room-selector",
    "date-picker",
    "date-selector",
    "time-picker",
    "timezone-picker",
];

pub(super) fn is_element(name: &str) -> bool {
    ELEMENTS.contains(&name)
}

/// A form whose fields are still being found.
#[derive(Default)]
pub(super) struct FormDraft {
    fields: Vec<Field>,
    buttons: Vec<Button>,
    // Where the form's own text begins among the blocks.
    start: usize,
}

impl Walk {
    pub(super) fn form(&mut self, element: &Element) -> Result<(), ContentError> {
        if self.form.is_some() {
            return Err(misplaced(element, "form"));
        }
        let id = element.required("id")?.to_owned();
        self.flush();
        self.form = Some(FormDraft {
            start: self.blocks.len(),
            ..FormDraft::default()
        });
        self.children(element, TextStyle::default())?;
        self.flush();
        let draft = self.form.take().unwrap_or_default();
        // Without `multi-submit` the client disables the form for whoever sent it.
        let answers = if element.attribute("multi-submit").is_some() {
            FormAnswers::Any
        } else {
            FormAnswers::OncePerUser
        };
        self.blocks.push(Block::Form(Form {
            id,
            title: None,
            fields: draft.fields,
            buttons: draft.buttons,
            answers,
            audience: FormAudience::Anyone,
            end: FormEnd::Never,
        }));
        Ok(())
    }

    pub(super) fn form_element(
        &mut self,
        element: &Element,
        parent: &str,
    ) -> Result<(), ContentError> {
        if self.form.is_none() {
            return Err(misplaced(element, parent));
        }
        if element.name == "button" {
            let made = button(element)?;
            if let (Some(form), Some(made)) = (&mut self.form, made) {
                form.buttons.push(made);
            }
            return Ok(());
        }
        let name = element.required("name")?.to_owned();
        let (group, choice) = choice(element);
        let fields = self
            .form
            .as_ref()
            .map(|form| form.fields.as_slice())
            .unwrap_or_default();
        let known = group && fields.iter().any(|field| field.id == name);
        if known {
            let checked = element.flag("checked");
            if let Some(field) = self
                .form
                .as_mut()
                .and_then(|form| form.fields.iter_mut().find(|field| field.id == name))
            {
                join(field, choice, checked);
            }
            return Ok(());
        }
        let mut field = field(element, name)?;
        if field.label.is_empty() {
            field.label = self
                .caption()
                .or_else(|| field.placeholder.clone())
                .unwrap_or_else(|| field.id.clone());
        }
        if let Some(form) = &mut self.form {
            form.fields.push(field);
        }
        Ok(())
    }

    // Text right before a field without a label is what the author asks with it.
    fn caption(&mut self) -> Option<String> {
        self.flush();
        let start = self.form.as_ref()?.start;
        if self.blocks.len() <= start {
            return None;
        }
        match self.blocks.last() {
            Some(Block::Paragraph(spans)) => {
                let text = spans_text(spans).trim().trim_end_matches(':').to_owned();
                self.blocks.pop();
                Some(text)
            }
            _ => None,
        }
    }
}

fn button(element: &Element) -> Result<Option<Button>, ContentError> {
    let style = match element.attribute("class").unwrap_or_default() {
        class if class.contains("destructive") => ButtonStyle::Danger,
        class if class.starts_with("primary") => ButtonStyle::Primary,
        _ => ButtonStyle::Secondary,
    };
    // Emptying the fields is the client's own affair.
    if element.attribute("type") == Some("reset") {
        return Ok(None);
    }
    let name = element.required("name")?.to_owned();
    let label = collapse(&element.text());
    let kind = ButtonKind::Action(ActionButton {
        id: name.clone(),
        value: name,
    });
    Ok(Some(Button { label, kind, style }))
}

fn field(element: &Element, name: String) -> Result<Field, ContentError> {
    let text = collapse(&element.text());
    let given = |name: &str| {
        element
            .attribute(name)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    };
    let mut field = Field {
        id: name,
        label: given("label").unwrap_or_default(),
        kind: FieldKind::Text,
        choices: Vec::new(),
        required: element.flag("required"),
        multiple: false,
        read_only: element.flag("readonly") || element.flag("disabled"),
        defaults: given("value").into_iter().collect(),
        placeholder: given("placeholder").or_else(|| given("data-placeholder")),
        pattern: None,
        min: given("min"),
        max: given("max"),
    };
    match element.name.as_str() {
        "textarea" | "richtextarea" | "text-field" => {
            if element.name != "text-field" {
                field.kind = FieldKind::Multiline;
            }
            field.defaults = Some(element.text().trim().to_owned())
                .filter(|text| !text.is_empty())
                .into_iter()
                .collect();
            field.min = given("minlength");
            field.max = given("maxlength");
            field.pattern = given("pattern").map(|regex| FieldPattern {
                regex,
                message: given("pattern-error-message").unwrap_or_default(),
            });
        }
        "checkbox" | "radio" => {
            let (_, choice) = choice(element);
            let radio = element.name == "radio";
            field.kind = if radio {
                FieldKind::Radio
            } else {
                FieldKind::Checkbox
            };
            // A lone checkbox asks with its own text; a group's text belongs to the choices.
            field.label = if radio {
                String::new()
            } else {
                choice.label.clone()
            };
            field.defaults = element
                .flag("checked")
                .then(|| choice.value.clone())
                .into_iter()
                .collect();
            field.choices = vec![choice];
        }
        "select" => select(element, &mut field)?,
        "person-selector" | "room-selector" => {
            field.kind = if element.name == "person-selector" {
                FieldKind::User
            } else {
                FieldKind::Conversation
            };
            field.multiple = true;
            field.defaults = given("value").map(|value| ids(&value)).unwrap_or_default();
        }
        "date-picker" | "date-selector" => field.kind = FieldKind::Date,
        "time-picker" => field.kind = FieldKind::Time,
        _ => field.kind = FieldKind::Timezone,
    }
    if field.label.is_empty() && element.name == "select" {
        field.label = given("title").unwrap_or_default();
    }
    if field.label.is_empty() && element.name == "checkbox" {
        field.label = text;
    }
    Ok(field)
}

fn select(element: &Element, field: &mut Field) -> Result<(), ContentError> {
    field.multiple = element.flag("multiple");
    field.kind = if field.multiple {
        FieldKind::MultiSelect
    } else {
        FieldKind::Select
    };
    field.defaults.clear();
    for option in super::only_elements(element)? {
        if option.name != "option" {
            return Err(misplaced(option, "select"));
        }
        let value = option.required("value")?.to_owned();
        if option.flag("selected") {
            field.defaults.push(value.clone());
        }
        field.choices.push(Choice {
            value,
            label: collapse(&option.text()),
        });
    }
    if field.choices.is_empty() {
        return Err(ContentError::Misplaced {
            tag: "text".to_owned(),
            parent: "select".to_owned(),
        });
    }
    Ok(())
}

fn choice(element: &Element) -> (bool, Choice) {
    let group = matches!(element.name.as_str(), "checkbox" | "radio");
    let value = element.attribute("value").unwrap_or("on").to_owned();
    let text = collapse(&element.text());
    let label = match element.attribute("label") {
        Some(label) if text.is_empty() => label.to_owned(),
        _ if text.is_empty() => value.clone(),
        _ => text,
    };
    (group, Choice { value, label })
}

// A second box of the same name makes it a question with several answers.
fn join(field: &mut Field, choice: Choice, checked: bool) {
    if field.kind == FieldKind::Checkbox {
        field.kind = FieldKind::MultiSelect;
        field.multiple = true;
        field.label.clone_from(&field.id);
    }
    if checked {
        field.defaults.push(choice.value.clone());
    }
    field.choices.push(choice);
}

fn ids(value: &str) -> Vec<String> {
    let found: Vec<serde_json::Value> = serde_json::from_str(value).unwrap_or_default();
    found
        .into_iter()
        .map(|id| match id {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        })
        .collect()
}
