//! What the platform sends, read as tolerantly as its versions differ.
//!
//! No version is described by a schema, and fields come, go and change their type between them. So
//! every field is looked for by its names, and what is missing or of another type is as if it were not
//! there: nothing that the platform may send fails to be read.

mod chat;
mod event;
mod hook;

pub use chat::{Chat, Thread, WireUser};
pub use event::{FormField, Postback, WireEvent};
pub use hook::{Envelope, Queue};

use serde_json::Value;

/// Characters of what is told of somebody that are kept.
const MAX_TOLD: usize = 2_048;

/// A text; numbers count as texts.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    scalar(value.get(name)?)
}

/// What is told of somebody, as much of it as is kept.
pub(super) fn short(mut told: String) -> String {
    if let Some((end, _)) = told.char_indices().nth(MAX_TOLD) {
        told.truncate(end);
    }
    told
}

/// The first of several names that is there.
pub(super) fn first_text(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(value, name))
}

pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A list; nothing where there is none.
pub(super) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    let found = value.get(name).and_then(Value::as_array);
    found.map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn texts(value: &Value, name: &str) -> Vec<String> {
    list(value, name).iter().filter_map(scalar).collect()
}

pub(super) fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// A moment in milliseconds: RFC 3339 since 3.1, seconds since 1970 before.
pub(super) fn moment(value: &Value, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| match value.get(*name)? {
        Value::String(text) => {
            let at: jiff::Timestamp = text.parse().ok()?;
            u64::try_from(at.as_millisecond()).ok()
        }
        Value::Number(number) => number.as_u64()?.checked_mul(1_000),
        _ => None,
    })
}
