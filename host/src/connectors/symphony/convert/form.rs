//! Submissions of Elements.
//!
//! A submission says the names of elements and what they hold, and nothing of their kinds: values go
//! on as they are, and the host reads them by the form that it keeps. Only people and conversations
//! have to be told apart here, because the host takes those alone that a platform vouches for:
//! a person selector gives a list of numbers, a room selector an object.

use serde_json::{Map, Value};

use super::{Found, Key};
use crate::connectors::symphony::ids::{
    ACTION, ACTION_FIELD, BUTTONS_FORM, REPLY_BUTTON, USER_CONVERSATION, id_from_wire,
    message_id_of_form,
};
use crate::connectors::symphony::wire::event::{ElementsAction, V4Event};
use crate::model::event::{Message, User};
use crate::model::payload::{
    ButtonPressed, EventPayload, FieldValue, FormSubmitted, SubmittedField,
};

pub(super) fn found(event: &V4Event, action: ElementsAction) -> Found {
    let stream = action.stream.or(action.form_stream);
    let values = action.form_values.unwrap_or_default();
    let message_id = message_id_of_form(action.form_message_id.as_deref().unwrap_or_default());
    let form_id = action.form_id.unwrap_or_default();
    let button = values.get(ACTION).and_then(scalar).unwrap_or_default();
    let key = Key::Envelope(Vec::new());
    let payload = if let Some(text) = button.strip_prefix(REPLY_BUTTON) {
        EventPayload::Message(said(event, text, message_id))
    } else if form_id.starts_with(BUTTONS_FORM) {
        EventPayload::ButtonPressed(ButtonPressed {
            button_id: button,
            // The host has the value with the button that it keeps.
            value: String::new(),
            message_id,
        })
    } else {
        EventPayload::FormSubmitted(FormSubmitted {
            form_id,
            message_id,
            values: fields(values),
            button,
        })
    };
    Found::new(payload, key, stream)
}

// A reply button says its text for whoever pressed it.
fn said(event: &V4Event, text: &str, answered: String) -> Message {
    let id = id_from_wire(event.message_id.as_deref().unwrap_or_default());
    Message {
        reply_to: Some(answered).filter(|id| !id.is_empty()),
        ..Message::of_text(&id, text)
    }
}

fn fields(values: Map<String, Value>) -> Vec<SubmittedField> {
    let named = values.into_iter().filter(|(name, _)| name != ACTION);
    named
        .filter_map(|(name, value)| {
            let id = if name == ACTION_FIELD {
                ACTION.to_owned()
            } else {
                name
            };
            Some(SubmittedField {
                id,
                value: field_value(value)?,
            })
        })
        .collect()
}

fn field_value(value: Value) -> Option<FieldValue> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => FieldValue::Flag(flag),
        Value::String(text) => FieldValue::Text(text),
        Value::Number(number) => FieldValue::Text(number.to_string()),
        Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
            match texts {
                // Ids of people; the host makes texts of them again where the form asks for no people.
                Some(ids) if !ids.is_empty() && ids.iter().all(|id| is_user_id(id)) => {
                    FieldValue::Users(ids.iter().map(|id| User::of_id(id)).collect())
                }
                Some(texts) => FieldValue::Choices(texts),
                None => FieldValue::Other(Value::Array(items).to_string()),
            }
        }
        Value::Object(object) => match picked(&object) {
            Some(conversations) => FieldValue::Conversations(conversations),
            None => FieldValue::Other(Value::Object(object).to_string()),
        },
    })
}

// Rooms by their ids, people by theirs: a conversation with one of them may not be there yet.
fn picked(object: &Map<String, Value>) -> Option<Vec<String>> {
    let list = |name: &str| match object.get(name) {
        Some(Value::Array(items)) => Some(items.iter().filter_map(scalar).collect::<Vec<_>>()),
        _ => None,
    };
    let (streams, users) = (list("streamIds"), list("userIds"));
    if streams.is_none() && users.is_none() {
        return None;
    }
    let streams = streams.unwrap_or_default().into_iter();
    let users = users.unwrap_or_default().into_iter();
    let users = users.map(|user| format!("{USER_CONVERSATION}{user}"));
    Some(streams.map(|id| id_from_wire(&id)).chain(users).collect())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_user_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|sign| sign.is_ascii_digit()) && id.parse::<u64>().is_ok()
}
