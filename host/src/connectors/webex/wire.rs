//! What Webex says on the wire. Members that are not read here are passed over; texts and lists may be
//! missing or null.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A page of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct Page<T> {
    /// What is on it; it may be empty and have a next one.
    #[serde(default = "Vec::new")]
    pub items: Vec<T>,
}

/// A person or a bot.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the platform's own names")]
pub struct Person {
    pub id: String,
    #[serde(deserialize_with = "list")]
    pub emails: Vec<String>,
    pub display_name: Option<String>,
    pub nick_name: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub timezone: Option<String>,
    pub r#type: Option<String>,
    pub status: Option<String>,
}

/// A space.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the platform's own names")]
pub struct Room {
    pub id: String,
    pub title: Option<String>,
    pub r#type: Option<String>,
    pub last_activity: Option<String>,
    pub errors: Option<Value>,
}

/// A message. A part that is encrypted still is named by `errors`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the platform's own names")]
pub struct Message {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    pub room_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub markdown: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    pub person_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_email: Option<String>,
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub mentioned_people: Vec<String>,
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub mentioned_groups: Vec<String>,
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Value>,
}

/// Somebody's part in a space.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the platform's own names")]
pub struct Membership {
    pub id: String,
    pub room_id: String,
    pub person_id: String,
    pub person_email: Option<String>,
    pub person_display_name: Option<String>,
    pub is_moderator: bool,
    pub is_room_hidden: bool,
}

/// A webhook, as it is registered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the platform's own names")]
pub struct Webhook {
    pub id: String,
    pub name: String,
    pub target_url: String,
    pub resource: String,
    pub event: String,
    pub filter: Option<String>,
    pub secret: Option<String>,
    pub status: Option<String>,
}

/// A press of a card's button.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the platform's own names")]
pub struct AttachmentAction {
    pub id: String,
    pub message_id: String,
    pub person_id: String,
    pub room_id: String,
    pub created: Option<String>,
    pub inputs: Option<Map<String, Value>>,
}

/// What happened, by webhook or socket alike: which resource, and of it what is no secret.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Notice {
    /// `messages`, `memberships`, `rooms`, `attachmentActions`.
    pub resource: String,
    /// `created`, `updated`, `deleted`, …
    pub event: String,
    /// Who did it.
    pub actor_id: Option<String>,
    /// What it did it to.
    pub data: NoticeData,
    /// Whole, where it was read back and need not be asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Box<Message>>,
    /// Asked for at this address, where the id is not known: what a socket tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookup: Option<String>,
}

/// What a notice says of its resource.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the platform's own names")]
pub struct NoticeData {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_moderator: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_activity: Option<String>,
}
