//! What a platform knows: the answers to reads.

use super::event::{Conversation, Message, User};
use serde::{Deserialize, Serialize};

/// Why a read failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadError {
    /// The platform has nothing like it.
    Unsupported,
    /// There is no such thing.
    NotFound,
    /// Not granted, or the platform forbids it.
    Denied,
    /// Ask again after so many milliseconds.
    Throttled(u64),
    /// Anything else.
    Failed(String),
}

/// A page of conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationPage {
    /// The conversations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Conversation>,
    /// For the next page; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A page of users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPage {
    /// The users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<User>,
    /// For the next page; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A message of the past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastMessage {
    /// Who wrote it.
    pub author: User,
    /// When.
    pub at: u64,
    /// The message.
    pub message: Message,
}

/// What became of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactStatus {
    /// Not a contact.
    None,
    /// Asked by the bot, or by whom it asks for.
    Requested,
    /// Asks the bot, or whom it asks for.
    Pending,
    /// A contact.
    Accepted,
    /// Refused.
    Rejected,
}

/// Part of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The bytes from the offset on, at most 1 MiB.
    #[serde(with = "super::base64_bytes")]
    pub bytes: Vec<u8>,
    /// Bytes of the whole file.
    pub total: u64,
}

/// Somebody a customer chat can be handed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferOption {
    /// A group when true, an agent when false.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub group: bool,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Somebody is there to answer.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub available: bool,
}

/// What a platform can do in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationCapabilities {
    /// Messages can be changed.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub edit: bool,
    /// Forms are shown as forms; else the host asks field by field.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub forms: bool,
    /// There are threads.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub threads: bool,
    /// Messages for agents only exist.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub visibility: bool,
    /// Largest message in bytes.
    pub message_bytes: u64,
    /// Largest file in bytes.
    pub file_bytes: u64,
    /// Messages a minute.
    pub rate: u32,
}
