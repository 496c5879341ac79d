//! Requests and answers of the pod, the agent and the logins (symphony.md §2, §3, §5–§7).

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The body of a login by key.
#[derive(Debug, Serialize)]
pub struct Login<'a> {
    /// The signed claim.
    pub token: &'a str,
}

/// The answer of a login.
#[derive(Deserialize)]
pub struct Token {
    /// The token; certificate logins for users call it otherwise.
    #[serde(alias = "sessionToken")]
    pub token: String,
}

/// The answer of a login for the common token.
#[derive(Deserialize)]
pub struct CommonToken {
    /// The token.
    pub access_token: String,
    /// Seconds that it holds.
    pub expires_in: Option<u64>,
}

/// What an agent says of itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentInfo {
    /// Its version, `Agent-24.12.1-…`.
    pub version: Option<String>,
    /// Where it is reached behind a balancer.
    pub server_fqdn: Option<String>,
}

/// A user as the pod shows one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodUser {
    /// The id.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    /// E-mail address.
    pub email_address: Option<String>,
    /// First name; service accounts have none.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// The name people see.
    pub display_name: Option<String>,
    /// The account's name; users of other pods have none.
    #[serde(alias = "userName")]
    pub username: Option<String>,
    /// `NORMAL`, `SYSTEM`, `SDL`.
    pub account_type: Option<String>,
    /// Of another company.
    pub external: Option<bool>,
}

/// The answer of a lookup.
#[derive(Debug, Default, Deserialize)]
pub struct Users {
    /// Those that were found.
    #[serde(default)]
    pub users: Vec<PodUser>,
}

/// An id in a body: of a user, a feed, a stream.
#[derive(Debug, Serialize, Deserialize)]
pub struct Id<T> {
    /// The id.
    pub id: T,
}

/// The body of a read of version 2.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedRead<'a> {
    /// Acknowledges the batch before; empty at first, as `null` is not safe.
    pub ack_id: &'a str,
    /// Makes the account available.
    pub update_presence: bool,
}

/// The attributes of a stream in a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamListed {
    /// The id.
    pub id: String,
    /// Between pods.
    #[serde(default)]
    pub cross_pod: bool,
    /// Whether it is in use.
    pub active: Option<bool>,
    /// What it is.
    pub stream_type: StreamType,
    /// Members of a direct one.
    pub stream_attributes: Option<StreamMembers>,
    /// Name of a room.
    pub room_attributes: Option<RoomName>,
}

/// What a stream is.
#[derive(Clone, Debug, Deserialize)]
pub struct StreamType {
    /// `IM`, `MIM`, `ROOM`, `POST`.
    pub r#type: String,
}

/// Who is in a direct stream.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct StreamMembers {
    /// Ids.
    #[serde(default)]
    pub members: Vec<Value>,
}

/// What a room is called.
#[derive(Clone, Debug, Deserialize)]
pub struct RoomName {
    /// Its name.
    pub name: Option<String>,
}

/// What a room is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomAttributes {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Members may add others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members_can_invite: Option<bool>,
    /// It is found by a search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discoverable: Option<bool>,
    /// Everybody may come in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// Between pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_pod: Option<bool>,
    /// Who comes later sees what was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view_history: Option<bool>,
    /// Only owners write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}

/// A room in whole.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomDetail {
    /// What it is.
    #[serde(default)]
    pub room_attributes: RoomAttributes,
    /// What the system knows of it.
    pub room_system_info: RoomSystemInfo,
}

/// What the system knows of a room.
#[derive(Clone, Debug, Deserialize)]
pub struct RoomSystemInfo {
    /// The stream's id.
    pub id: String,
}

/// The answer of a search for rooms.
#[derive(Debug, Default, Deserialize)]
pub struct RoomsFound {
    /// The rooms.
    #[serde(default)]
    pub rooms: Vec<RoomDetail>,
}

/// A member of a room.
#[derive(Clone, Debug, Deserialize)]
pub struct Member {
    /// The user.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    /// Owns the room.
    #[serde(default)]
    pub owner: bool,
}

/// A connection between two users.
#[derive(Debug, Deserialize)]
pub struct Connection {
    /// `PENDING_INCOMING`, `PENDING_OUTGOING`, `ACCEPTED`, `REJECTED`.
    pub status: Option<String>,
}

/// How somebody is there.
#[derive(Debug, Serialize, Deserialize)]
pub struct Presence {
    /// `AVAILABLE`, …
    pub category: String,
}

/// What of a sent message is needed here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageMade {
    /// Its id; an edit makes a new one.
    pub message_id: String,
}

/// An error's body: every part may be missing, and `code` be a number or a word.
#[derive(Debug, Default, Deserialize)]
pub struct ErrorBody {
    /// A status or a word such as `LIMIT_…`.
    pub code: Option<Value>,
    /// What is wrong.
    pub message: Option<String>,
}

/// Reads an id that is a number here and a text there.
///
/// # Errors
/// When it is neither.
pub fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match Value::deserialize(from)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(serde::de::Error::custom("an id is a number or a text")),
    }
}
