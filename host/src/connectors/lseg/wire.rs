//! What Messenger's servers say, read leniently: almost nothing of it is documented.

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ListedRoom {
    pub(super) id: String,
    pub(super) name: Option<String>,
    /// How an invitation stands.
    pub(super) status: Option<String>,
}

impl ListedRoom {
    fn read(room: &Value) -> Option<Self> {
        let of = |name: &str| match room.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Some(Self {
            id: of("chatroomId").filter(|id| !id.is_empty())?,
            name: of("name"),
            status: of("status"),
        })
    }

    /// Tells whether it can be accepted, where it is an invitation.
    pub(super) fn is_open(&self) -> bool {
        is_pending(self.status.as_deref())
    }
}

/// Tells whether an invitation can be accepted; where nobody says, it can.
pub(super) fn is_pending(status: Option<&str>) -> bool {
    status.is_none_or(|status| status.eq_ignore_ascii_case("pending"))
}

/// The rooms of the bot, as they are listed now.
#[derive(Debug)]
pub(super) struct RoomList {
    /// Each with whether it is a managed one.
    pub(super) rooms: Vec<(ListedRoom, bool)>,
    /// Managed rooms were listed, or there are none for this bot: else nothing is known of them.
    pub(super) knows_managed: bool,
}

/// Reads a list of rooms: the first list of objects with a `chatroomId`, wherever it lies. None where
/// there is no list at all: an answer that is not understood must not look like "no rooms".
pub(super) fn rooms_of(body: &[u8]) -> Option<Vec<ListedRoom>> {
    let whole: Value = serde_json::from_slice(body).ok()?;
    let list = list_in(&whole, DEPTH);
    if list.is_none() && has_no_rooms(&whole, DEPTH) {
        return Some(Vec::new());
    }
    let rooms = list?.iter().take(MAX_ROOMS);
    Some(rooms.filter_map(ListedRoom::read).collect())
}

fn list_in(value: &Value, depth: usize) -> Option<&Vec<Value>> {
    let deeper = depth.checked_sub(1)?;
    match value {
        Value::Array(list) => {
            let is_room = |room: &Value| ListedRoom::read(room).is_some();
            list.iter().any(is_room).then_some(list)
        }
        Value::Object(fields) => fields.values().find_map(|value| list_in(value, deeper)),
        _ => None,
    }
}

/// Tells whether there is a list of rooms with nothing in it: one that is all there is, or is named so.
/// Another list may be empty too, and says nothing of rooms.
fn has_no_rooms(value: &Value, depth: usize) -> bool {
    let Some(deeper) = depth.checked_sub(1) else {
        return false;
    };
    match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.iter().any(|(name, value)| match value {
            Value::Array(list) => list.is_empty() && is_named_so(name),
            value => value.is_object() && has_no_rooms(value, deeper),
        }),
        _ => false,
    }
}

fn is_named_so(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let names = ["room", "invite", "data", "items", "results", "list"];
    names.iter().any(|part| name.contains(part))
}

/// What the body of an answer says that claims to be a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// It was done.
    Done,
    /// An error, by this status.
    Error(u16),
    /// Nothing of the platform's: a page of something that lies between.
    Nonsense,
}

impl Claim {
    /// Reads one. The platform answers with JSON, or with nothing.
    pub(super) fn read(body: &[u8]) -> Self {
        if body.trim_ascii().is_empty() {
            return Self::Done;
        }
        let Ok(whole) = serde_json::from_slice::<Value>(body) else {
            return Self::Nonsense;
        };
        match whole.get("error") {
            Some(error) if is_error(error) => {
                let code = ErrorBody::read(body).code;
                let code = code.and_then(|code| code.parse().ok());
                Self::Error(code.filter(|code| (400..600).contains(code)).unwrap_or(400))
            }
            _ => Self::Done,
        }
    }
}

/// Tells whether what stands in an `error` field is one.
pub(super) fn is_error(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
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
        assert_eq!(ids("[]"), Some(Vec::new()));
        assert_eq!(ids(r#"{"data":{"chatrooms":[]}}"#), Some(Vec::new()));
        // A list that is empty is not always one of rooms.
        for first in ["[]", r#"[{"key":"json"}]"#] {
            let body = format!("{{\"alerts\":{first},\"chatrooms\":[{room}]}}");
            assert_eq!(ids(&body), Some(vec!["groupchat-1".to_owned()]), "{body}");
            let body = format!("{{\"alerts\":{first}}}");
            assert_eq!(ids(&body), None, "{body}");
        }
        // What is odd in a room takes it out of nothing.
        let odd = r#"{"chatrooms":[{"chatroomId":7,"name":["x"]},{"chatroomId":"b","name":8}]}"#;
        assert_eq!(ids(odd), Some(vec!["7".to_owned(), "b".to_owned()]));
        assert_eq!(ids(r#"{"chatrooms":[{"chatroomId":null}]}"#), None);
        assert_eq!(ids(r#"{"chatrooms":null}"#), None);
        assert_eq!(ids("{}"), None);
        assert_eq!(ids("<html>"), None);
    }

    #[test]
    fn a_success_is_one_only_where_the_platform_says_so() {
        for (body, expected) in [
            ("", Claim::Done),
            (" \n", Claim::Done),
            ("{}", Claim::Done),
            ("[]", Claim::Done),
            (r#"{"error":null}"#, Claim::Done),
            (r#"{"error":false}"#, Claim::Done),
            (r#"{"error":""}"#, Claim::Done),
            ("<html>please log in</html>", Claim::Nonsense),
            ("{\"messageId\":", Claim::Nonsense),
            (
                r#"{"error":{"code":"403","message":"no"}}"#,
                Claim::Error(403),
            ),
            (r#"{"error":"no"}"#, Claim::Error(400)),
            (r#"{"error":{"code":"200"}}"#, Claim::Error(400)),
        ] {
            assert_eq!(Claim::read(body.as_bytes()), expected, "{body}");
        }
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
