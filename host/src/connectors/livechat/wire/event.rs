//! Events of a chat: what somebody wrote, sent or filled in.

use serde_json::Value;

use super::{first_text, list, moment, short, text};

/// An event of a chat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WireEvent {
    /// Its id.
    pub id: String,
    /// What its sender called it.
    pub custom_id: Option<String>,
    /// `message`, `file`, `filled_form`, `rich_message`, `system_message`, `custom`, …
    pub kind: String,
    /// What it says.
    pub text: Option<String>,
    /// Who made it; nobody made a message of the system.
    pub author: Option<String>,
    /// When.
    pub at: Option<u64>,
    /// Only agents see it.
    pub is_for_agents: bool,
    /// The button that said it.
    pub postback: Option<Postback>,
    /// The answers of a form.
    pub fields: Vec<FormField>,
    /// Where a file is.
    pub url: Option<String>,
    /// What a file is called.
    pub name: Option<String>,
    /// A file's type.
    pub content_type: Option<String>,
    /// Bytes of a file.
    pub size: Option<u64>,
    /// All of it.
    pub raw: Value,
}

/// A pressed button.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Postback {
    /// The button's id.
    pub id: String,
    /// The thread of the message that has it.
    pub thread: Option<String>,
    /// The message that has it.
    pub event: Option<String>,
    /// Pressed, rather than let go.
    pub toggled: bool,
}

/// One answered field of a form.
#[derive(Clone, Debug, PartialEq)]
pub struct FormField {
    /// Its kind: `name`, `email`, `question`, …
    pub kind: String,
    /// What was asked.
    pub label: String,
    /// What was answered.
    pub answer: String,
}

impl WireEvent {
    /// Reads an event; none of what has no id.
    pub fn read(value: &Value) -> Option<Self> {
        let seen = first_text(value, &["visibility", "recipients"]);
        Some(Self {
            id: text(value, "id")?,
            custom_id: text(value, "custom_id"),
            kind: text(value, "type").unwrap_or_default(),
            text: text(value, "text"),
            author: text(value, "author_id"),
            at: moment(value, &["created_at", "timestamp"]),
            is_for_agents: seen.as_deref() == Some("agents"),
            postback: value.get("postback").and_then(Postback::read),
            fields: list(value, "fields")
                .iter()
                .filter_map(FormField::read)
                .collect(),
            url: text(value, "url"),
            name: text(value, "name"),
            content_type: text(value, "content_type"),
            size: value.get("size").and_then(Value::as_u64),
            raw: value.clone(),
        })
    }
}

impl Postback {
    /// Reads a pressed button.
    pub fn read(value: &Value) -> Option<Self> {
        Some(Self {
            id: text(value, "id")?,
            thread: text(value, "thread_id"),
            event: text(value, "event_id"),
            // Versions without the field tell presses only.
            toggled: value
                .get("toggled")
                .and_then(Value::as_bool)
                .unwrap_or(true),
        })
    }
}

impl FormField {
    fn read(value: &Value) -> Option<Self> {
        // `answer` may be a text, the chosen label, or a list of both.
        let said = value.get("answer").or_else(|| value.get("value"))?;
        let of = |value: &Value| match value {
            Value::Object(_) => first_text(value, &["label", "id"]),
            other => super::scalar(other),
        };
        let answer = match said {
            Value::Array(items) => items.iter().filter_map(of).collect::<Vec<_>>().join(", "),
            Value::Null => first_text(value, &["answers"]).unwrap_or_default(),
            other => of(other).unwrap_or_default(),
        };
        Some(Self {
            kind: text(value, "type").unwrap_or_default(),
            label: text(value, "label").map(short).unwrap_or_default(),
            answer: short(answer),
        })
    }
}
