//! Fields of forms as inputs of a card (webex.md §7.3). What a client checks is a hint: the host checks
//! every answer.

use serde_json::{Value, json};

use super::card::Page;
use super::markdown::{Medium, escape};
use crate::connectors::webex::convert::action::{HIDDEN, Hidden, HiddenField, Holds, listed};
use crate::content::{clean, clean_line};
use crate::model::content::{Choice, Field, FieldKind};

/// The most choices that are written out.
const MAX_CHOICES: usize = 100;

pub(super) fn write(page: &mut Page<'_>, hidden: &mut Hidden, field: &Field) {
    if field.kind == FieldKind::Hidden {
        return;
    }
    if field.read_only {
        return fixed(page, field);
    }
    let name = name(hidden, field);
    let holds = match &field.kind {
        FieldKind::MultiSelect => Holds::List,
        FieldKind::User => Holds::Users,
        FieldKind::Conversation => Holds::Conversations,
        _ => Holds::Text,
    };
    if name != field.id || holds != Holds::Text {
        let known = HiddenField {
            id: field.id.clone(),
            kind: holds,
        };
        hidden.fields.insert(name.clone(), known);
    }
    let mut input = json!({ "id": name });
    let label = clean_line(field.label.trim()).into_owned();
    if !label.is_empty() && field.kind != FieldKind::Checkbox {
        input["label"] = label.into();
    }
    if field.required {
        input["isRequired"] = true.into();
    }
    let first = field.defaults.first().map(|text| clean(text).into_owned());
    match &field.kind {
        FieldKind::Text | FieldKind::Multiline => text(&mut input, field, first),
        FieldKind::Number => {
            input["type"] = "Input.Number".into();
            for (name, bound) in [("min", &field.min), ("max", &field.max), ("value", &first)] {
                let number = bound
                    .as_ref()
                    .and_then(|text| text.trim().parse::<f64>().ok());
                if let Some(number) = number.filter(|number| number.is_finite()) {
                    input[name] = number.into();
                }
            }
            placeholder(&mut input, field);
        }
        FieldKind::Checkbox => checkbox(&mut input, field, first.as_deref()),
        FieldKind::Radio => choices(page, &mut input, field, "Expanded"),
        FieldKind::Select => choices(page, &mut input, field, "Compact"),
        FieldKind::MultiSelect => {
            choices(page, &mut input, field, "Expanded");
            input["isMultiSelect"] = true.into();
        }
        FieldKind::Date | FieldKind::Time => {
            let is_date = field.kind == FieldKind::Date;
            input["type"] = if is_date { "Input.Date" } else { "Input.Time" }.into();
            for (name, bound) in [("min", &field.min), ("max", &field.max), ("value", &first)] {
                if let Some(bound) = bound.as_deref().filter(|bound| !bound.trim().is_empty()) {
                    input[name] = bound.trim().into();
                }
            }
            placeholder(&mut input, field);
        }
        FieldKind::Timezone => {
            page.notes.add("time zone picker → text");
            text(&mut input, field, first);
            hint(&mut input, "Europe/London");
        }
        FieldKind::User => {
            page.notes.add("person picker → text");
            text(&mut input, field, joined(field));
            hint(&mut input, "name@example.com");
        }
        FieldKind::Conversation => {
            page.notes.add("room picker → text");
            text(&mut input, field, joined(field));
        }
        FieldKind::Other(other) => {
            let note = format!("{} field → text", clean_line(&other.name));
            page.notes.add(&note);
            text(&mut input, field, first);
        }
        FieldKind::Hidden => {}
    }
    page.push(input);
}

/// A name that no other input of the card has.
fn name(hidden: &Hidden, field: &Field) -> String {
    let mut name = match field.id.trim() {
        "" | HIDDEN => "field".to_owned(),
        _ => field.id.clone(),
    };
    while hidden.fields.contains_key(&name) || name == HIDDEN {
        name.push('_');
    }
    name
}

fn text(input: &mut Value, field: &Field, default: Option<String>) {
    input["type"] = "Input.Text".into();
    if field.kind == FieldKind::Multiline {
        input["isMultiline"] = true.into();
    }
    placeholder(input, field);
    if let Some(default) = default.filter(|text| !text.is_empty()) {
        input["value"] = default.into();
    }
    let is_text = matches!(field.kind, FieldKind::Text | FieldKind::Multiline);
    let most = field.max.as_deref().filter(|_| is_text);
    if let Some(most) = most
        .and_then(|most| most.trim().parse::<u32>().ok())
        .filter(|most| *most > 0)
    {
        input["maxLength"] = most.into();
    }
    if let Some(pattern) = &field.pattern {
        input["regex"] = format!("^(?:{})$", pattern.regex).into();
        if !pattern.message.trim().is_empty() {
            input["errorMessage"] = clean_line(&pattern.message).into();
        }
    }
}

fn placeholder(input: &mut Value, field: &Field) {
    let text = field.placeholder.as_deref().unwrap_or_default();
    if !text.trim().is_empty() {
        input["placeholder"] = clean_line(text).into();
    }
}

fn hint(input: &mut Value, text: &str) {
    if input.get("placeholder").is_none() {
        input["placeholder"] = text.into();
    }
}

fn joined(field: &Field) -> Option<String> {
    (!field.defaults.is_empty()).then(|| clean_line(&field.defaults.join(", ")).into_owned())
}

fn checkbox(input: &mut Value, field: &Field, default: Option<&str>) {
    let choice = field.choices.first();
    let value = choice.map(|choice| choice.value.as_str());
    let value = value
        .filter(|value| !value.trim().is_empty())
        .unwrap_or("true");
    let label = match field.label.trim() {
        "" => choice.map_or(field.id.as_str(), |choice| &choice.label),
        label => label,
    };
    let is_ticked = default
        .is_some_and(|default| default == value || matches!(default, "true" | "yes" | "on" | "1"));
    input["type"] = "Input.Toggle".into();
    input["title"] = clean_line(label).into();
    input["valueOn"] = value.into();
    input["valueOff"] = "false".into();
    input["value"] = if is_ticked { value } else { "false" }.into();
    input["wrap"] = true.into();
}

fn choices(page: &mut Page<'_>, input: &mut Value, field: &Field, style: &str) {
    let is_list = field.kind == FieldKind::MultiSelect;
    let written = |value: &str| match is_list {
        true => listed(value),
        false => value.to_owned(),
    };
    if field.choices.len() > MAX_CHOICES {
        page.notes.add("more than 100 choices → left out");
    }
    let offered: Vec<Value> = field
        .choices
        .iter()
        .take(MAX_CHOICES)
        .map(|choice| json!({"title": shown(choice), "value": written(&choice.value)}))
        .collect();
    input["type"] = "Input.ChoiceSet".into();
    input["style"] = style.into();
    input["choices"] = offered.into();
    input["wrap"] = true.into();
    placeholder(input, field);
    let defaults: Vec<String> = match is_list {
        true => field.defaults.iter().map(|value| written(value)).collect(),
        false => field.defaults.iter().take(1).cloned().collect(),
    };
    if !defaults.is_empty() {
        input["value"] = defaults.join(",").into();
    }
}

fn shown(choice: &Choice) -> String {
    match choice.label.trim() {
        "" => clean_line(&choice.value).into_owned(),
        label => clean_line(label).into_owned(),
    }
}

/// A field that is shown only: the host has its value.
fn fixed(page: &mut Page<'_>, field: &Field) {
    let label = clean_line(field.label.trim());
    let label_of = |value: &String| {
        let choice = field.choices.iter().find(|choice| choice.value == *value);
        choice.map_or_else(|| value.clone(), shown)
    };
    let values: Vec<String> = field.defaults.iter().map(label_of).collect();
    let value = clean_line(&values.join(", ")).into_owned();
    let text = match (label.is_empty(), value.is_empty()) {
        (true, _) => value,
        (_, true) => label.into_owned(),
        _ => format!("{label}: {value}"),
    };
    page.text_block(escape(&text, Medium::Card), &[]);
}
