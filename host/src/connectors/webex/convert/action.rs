//! What a card's button gives back. Pure.
//!
//! Values are texts; what of a form's fields is several values, people or conversations, the card has
//! written into its button ([`Hidden`]), because the platform says nothing of kinds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::connectors::webex::wire::AttachmentAction;
use crate::model::event::Message;
use crate::model::payload::{
    ButtonPressed, EventPayload, FieldValue, FormSubmitted, SubmittedField,
};

/// The name under which a button of ours carries what it stands for; no field is called so.
pub const HIDDEN: &str = "parlor";

/// What a button carries.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct Hidden {
    /// The form that it submits; none is a button by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// The button.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub button: String,
    /// What it says for the person who presses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// The form's fields by their names in the card, where those are others or hold more than a text.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, HiddenField>,
}

/// What a field of a card is.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct HiddenField {
    /// The form's name for it.
    pub id: String,
    /// What it holds.
    pub kind: Holds,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// A text.
    Text,
    /// Several values, their commas written otherwise.
    List,
    /// People, by e-mail address, name or id.
    Users,
    /// Conversations, by name or id.
    Conversations,
}

/// Writes a value so that a list of such can be taken apart at its commas.
pub fn listed(value: &str) -> String {
    value.replace('%', "%25").replace(',', "%2C")
}

fn unlisted(value: &str) -> String {
    value.replace("%2C", ",").replace("%25", "%")
}

/// A field whose values have to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookUp {
    /// The form's name for it.
    pub field: String,
    /// People or conversations.
    pub kind: Holds,
    /// What somebody wrote.
    pub names: Vec<String>,
}

/// What an action comes to, and what of it has to be looked up.
pub fn payload_of(action: &AttachmentAction) -> (EventPayload, Vec<LookUp>) {
    let mut inputs = action.inputs.clone().unwrap_or_default();
    let hidden = inputs.remove(HIDDEN);
    // Who writes cards of their own need not have put it there.
    let hidden: Option<Hidden> = hidden.and_then(|hidden| match hidden {
        Value::String(text) => serde_json::from_str(&text).ok(),
        other => serde_json::from_value(other).ok(),
    });
    let Some(hidden) = hidden else {
        let button = inputs.get("action").and_then(text).unwrap_or_default();
        let (values, names) = fields(inputs, &BTreeMap::new());
        return (submitted(action, String::new(), button, values), names);
    };
    if let Some(text) = hidden.reply {
        return (EventPayload::Message(said(action, &text)), Vec::new());
    }
    let Some(form) = hidden.form else {
        let pressed = ButtonPressed {
            button_id: hidden.button,
            // The host has the value with the button that it keeps.
            value: String::new(),
            message_id: action.message_id.clone(),
        };
        return (EventPayload::ButtonPressed(pressed), Vec::new());
    };
    let (values, names) = fields(inputs, &hidden.fields);
    (submitted(action, form, hidden.button, values), names)
}

fn submitted(
    action: &AttachmentAction,
    form_id: String,
    button: String,
    values: Vec<SubmittedField>,
) -> EventPayload {
    EventPayload::FormSubmitted(FormSubmitted {
        form_id,
        message_id: action.message_id.clone(),
        values,
        button,
    })
}

fn fields(
    inputs: Map<String, Value>,
    known: &BTreeMap<String, HiddenField>,
) -> (Vec<SubmittedField>, Vec<LookUp>) {
    let mut names = Vec::new();
    let mut values = Vec::new();
    for (name, value) in inputs {
        let field = known.get(&name);
        let id = field.map_or(name, |field| field.id.clone());
        let holds = field.map_or(Holds::Text, |field| field.kind);
        let Some(text) = text(&value) else {
            if !value.is_null() {
                let value = FieldValue::Other(value.to_string());
                values.push(SubmittedField { id, value });
            }
            continue;
        };
        let value = match holds {
            Holds::Text => FieldValue::Text(text),
            Holds::List => {
                let parts = text.split(',').filter(|part| !part.is_empty());
                FieldValue::Choices(parts.map(unlisted).collect())
            }
            Holds::Users | Holds::Conversations => {
                let parts = text.split([',', ';', '\n']).map(str::trim);
                let parts: Vec<String> = parts
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned)
                    .collect();
                names.push(LookUp {
                    field: id.clone(),
                    kind: holds,
                    names: parts.clone(),
                });
                FieldValue::Choices(parts)
            }
        };
        values.push(SubmittedField { id, value });
    }
    (values, names)
}

// A reply button says its text for whoever pressed it.
fn said(action: &AttachmentAction, text: &str) -> Message {
    Message {
        reply_to: Some(action.message_id.clone()).filter(|id| !id.is_empty()),
        ..Message::of_text(&action.id, text)
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
