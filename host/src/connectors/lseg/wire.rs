//! What Messenger's servers say, read leniently: almost nothing of it is documented.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Rooms of one list that are read.
pub(super) const MAX_ROOMS: usize = 10_000;
/// How deep a list may lie in an answer whose shape is not documented.
const DEPTH: usize = 3;

/// An answer with tokens. `expires_in` is a text as a rule, and a number in some places.
#[derive(Clone)]
pub(super) struct TokenAnswer {
    pub(super) access_token: String,
    pub(super) refresh_token: Option<String>,
    pub(super) expires_in: Option<u64>,
    /// As it came, for the file.
    pub(super) whole: Map<String, Value>,
}

impl TokenAnswer {
    /// Reads one; none where it has no access token.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        Self::of(serde_json::from_slice(body).ok()?)
    }

    pub(super) fn of(whole: Map<String, Value>) -> Option<Self> {
        let given = |name: &str| {
            let text = whole.get(name)?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        Some(Self {
            access_token: given("access_token")?,
            refresh_token: given("refresh_token"),
            expires_in: whole.get("expires_in").and_then(number),
            whole,
        })
    }
}

/// A whole number, or a text that is one; what is behind a point does not count.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| whole_of(number.as_f64()?)),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| whole_of(text.parse().ok()?))
        }
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the bounds are checked"
)]
fn whole_of(number: f64) -> Option<u64> {
    (0.0..9e15).contains(&number).then_some(number as u64)
}

/// What an error says, in the forms of the authentication and of the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorBody {
    /// `invalid_grant`, `401`.
    pub(super) code: Option<String>,
    /// For people.
    pub(super) message: Option<String>,
}

impl ErrorBody {
    pub(super) fn read(body: &[u8]) -> Self {
        let Ok(whole) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        match &whole["error"] {
            Value::Object(error) => {
                let of = |name: &str| error.get(name).and_then(text);
                let mut message = of("message");
                let reasons = error.get("errors").and_then(Value::as_array);
                for reason in reasons.into_iter().flatten().take(3) {
                    if let (Some(message), Some(reason)) = (&mut message, text(&reason["reason"])) {
                        *message += &format!("; {reason}");
                    }
                }
                Self {
                    code: of("code"),
                    message: message.or_else(|| of("status")),
                }
            }
            other => Self {
                code: text(other),
                message: text(&whole["error_description"]).or_else(|| text(&whole["message"])),
            },
        }
    }
}

/// A room as a list has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct ListedRoom {
    #[serde(rename = "chatroomId")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: Option<String>,
}

/// Reads a list of rooms: the first list of objects with a `chatroomId`, wherever it lies. None where
/// there is no list at all: an answer that is not understood must not look like "no rooms".
pub(super) fn rooms_of(body: &[u8]) -> Option<Vec<ListedRoom>> {
    let whole: Value = serde_json::from_slice(body).ok()?;
    let list = list_in(&whole, DEPTH)?;
    let rooms = list.iter().take(MAX_ROOMS);
    let rooms = rooms.filter_map(|room| ListedRoom::deserialize(room).ok());
    Some(rooms.filter(|room| !room.id.is_empty()).collect())
}

fn list_in(value: &Value, depth: usize) -> Option<&Vec<Value>> {
    let deeper = depth.checked_sub(1)?;
    match value {
        Value::Array(list) => {
            let is_rooms = list.iter().all(|room| room.get("chatroomId").is_some());
            is_rooms.then_some(list)
        }
        Value::Object(fields) => fields.values().find_map(|value| list_in(value, deeper)),
        _ => None,
    }
}

/// The id of a room that was made: `{"room":{"chatroomId":"…"}}`.
pub(super) fn made_room(body: &[u8]) -> Option<String> {
    let whole: Value = serde_json::from_slice(body).ok()?;
    let place = [&whole["room"], &whole["chatroom"], &whole];
    let id = place
        .iter()
        .find_map(|place| place.get("chatroomId")?.as_str());
    id.filter(|id| !id.is_empty()).map(str::to_owned)
}

/// What a post's answer names its message, where it says.
pub(super) fn posted_message(body: &[u8]) -> Option<String> {
    let whole: Value = serde_json::from_slice(body).ok()?;
    let place = [&whole, &whole["post"], &whole["message"]];
    let id = place
        .iter()
        .find_map(|place| place.get("messageId")?.as_str());
    id.filter(|id| !id.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_text_or_a_number() {
        for (written, expected) in [
            ("\"600\"", Some(600)),
            ("600", Some(600)),
            ("600.0", Some(600)),
            ("\" 600 \"", Some(600)),
            ("\"600.5\"", Some(600)),
            ("null", None),
            ("\"soon\"", None),
            ("-1", None),
        ] {
            let body = format!("{{\"access_token\":\"a\",\"expires_in\":{written}}}");
            let found = TokenAnswer::read(body.as_bytes()).unwrap();
            assert_eq!(found.expires_in, expected, "{written}");
        }
        assert!(TokenAnswer::read(b"{\"access_token\":\"\"}").is_none());
        assert!(TokenAnswer::read(b"<html>").is_none());
    }

    #[test]
    fn errors_are_read_in_both_forms() {
        let read = |body: &str| {
            let found = ErrorBody::read(body.as_bytes());
            (
                found.code.unwrap_or_default(),
                found.message.unwrap_or_default(),
            )
        };
        let is = |body: &str, code: &str, message: &str| {
            assert_eq!(read(body), (code.to_owned(), message.to_owned()), "{body}");
        };
        is(
            r#"{"error":"invalid_client","error_description":"Invalid Application Credential."}"#,
            "invalid_client",
            "Invalid Application Credential.",
        );
        is(
            r#"{"error":{"id":"1","code":"401","message":"token expired","status":"Unauthorized"}}"#,
            "401",
            "token expired",
        );
        is(
            r#"{"error":{"code":400,"message":"Validation error","errors":[{"key":"json","reason":"empty"}]}}"#,
            "400",
            "Validation error; empty",
        );
        is("not json", "", "");
        is("[]", "", "");
    }

    #[test]
    fn rooms_are_found_wherever_their_list_lies() {
        let ids = |body: &str| {
            let rooms = rooms_of(body.as_bytes())?;
            Some(rooms.into_iter().map(|room| room.id).collect::<Vec<_>>())
        };
        let room =
            r#"{"chatroomId":"groupchat-1","name":"Desk","createdTime":"2019-11-21T07:11:24Z"}"#;
        for body in [
            format!("{{\"chatrooms\":[{room}]}}"),
            format!("{{\"total\":1,\"data\":{{\"managedChatrooms\":[{room}]}}}}"),
            format!("[{room}]"),
        ] {
            assert_eq!(ids(&body), Some(vec!["groupchat-1".to_owned()]), "{body}");
        }
        assert_eq!(ids(r#"{"chatrooms":[]}"#), Some(Vec::new()));
        assert_eq!(ids(r#"{"chatrooms":null}"#), None);
        assert_eq!(ids("{}"), None);
        assert_eq!(ids("<html>"), None);
    }

    #[test]
    fn what_was_made_is_named() {
        assert_eq!(
            made_room(br#"{"room":{"chatroomId":"r"}}"#).as_deref(),
            Some("r")
        );
        assert_eq!(made_room(b"{}"), None);
        assert_eq!(
            posted_message(br#"{"messageId":"m"}"#).as_deref(),
            Some("m")
        );
        assert_eq!(posted_message(b"{}"), None);
    }
}
