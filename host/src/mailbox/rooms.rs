//! The local platform as its front ends (terminal, page) see it: what is there, what changes, what a
//! user can do. `connectors::local` holds it; the front ends reach it through [`Rooms`].

mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use view::{View, ViewError, is_private};

use crate::model::action::{File, TransferTarget};
use crate::model::content::Block;
use crate::model::directory::ContactStatus;
use crate::model::event::{
    ConversationKind, ConversationRole, Entity, QuotedMessage, ReceivedAttachment, UserKind,
    Visibility,
};
use crate::model::payload::{ConversationChanged, MemberChange, PresenceStatus, SubmittedField};
use crate::model::{Name, Timestamp};

/// A user of the local platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomUser {
    /// Made from the name: the same for ever.
    pub id: Name,
    /// The name people see.
    pub name: Name,
    /// Its kind: human or bot; who is a customer depends on the conversation.
    pub kind: UserKind,
}

/// Somebody's part in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomMember {
    /// The user.
    pub user: Arc<RoomUser>,
    /// Its part.
    pub role: ConversationRole,
}

/// A conversation without its members and messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomInfo {
    /// Made from the first name: the same for ever.
    pub id: Name,
    /// Its kind.
    pub kind: ConversationKind,
    /// Its name.
    pub name: Name,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Everybody may join.
    pub public: bool,
    /// Members may invite others.
    pub open: bool,
    /// Open to other companies.
    #[serde(default)]
    pub external: bool,
    /// A customer chat that has ended.
    #[serde(default)]
    pub closed: bool,
    /// Tags of a customer chat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// Who put an emoji on a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomReaction {
    /// Shortcode.
    pub emoji: String,
    /// Who.
    pub users: Vec<Name>,
}

/// Who answered a form or pressed a button under a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomAnswer {
    /// Who.
    pub user: Name,
    /// When.
    pub at: Timestamp,
    /// The form; none for a button alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// The button.
    pub button: String,
}

/// A message. A changed one is a new value with the same id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomMessage {
    /// The same for ever.
    pub id: Name,
    /// Where.
    pub conversation: Name,
    /// Who wrote it.
    pub author: Name,
    /// When.
    pub at: Timestamp,
    /// Plain text.
    pub text: String,
    /// Blocks; empty where `text` says it all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<Block>,
    /// Who sees it.
    pub visibility: Visibility,
    /// The thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The message it cites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<QuotedMessage>,
    /// It calls nobody: no sign that something is unread.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quiet: bool,
    /// Custom objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<Entity>,
    /// What is not shown as its author meant it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<ReceivedAttachment>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// It was taken away; its text is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// Emojis on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<RoomReaction>,
    /// The last answers to its forms and buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<RoomAnswer>,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields are named after what they hold")]
pub enum Change {
    /// Somebody is known now.
    User(Arc<RoomUser>),
    /// A conversation began, with these members.
    Created {
        room: Arc<RoomInfo>,
        members: Vec<RoomMember>,
    },
    /// A conversation changed.
    Updated {
        room: Arc<RoomInfo>,
        what: ConversationChanged,
    },
    /// Who is there changed; `role` is the one held from now on.
    Member {
        conversation: Name,
        user: Name,
        role: ConversationRole,
        change: MemberChange,
    },
    /// A message.
    Posted(Arc<RoomMessage>),
    /// A message has new content.
    Edited(Arc<RoomMessage>),
    /// A message is gone.
    Deleted { conversation: Name, message: Name },
    /// An emoji came or went.
    Reacted {
        conversation: Name,
        message: Name,
        emoji: String,
        added: bool,
    },
    /// A form was submitted.
    Submitted {
        conversation: Name,
        message: Name,
        form: String,
        button: String,
        values: Vec<SubmittedField>,
    },
    /// A button was pressed.
    Pressed {
        conversation: Name,
        message: Name,
        button: String,
        value: String,
    },
    /// A contact of a bot changed.
    Contact {
        bot: Name,
        user: Name,
        status: ContactStatus,
    },
    /// Something the platform has no name for.
    Other {
        conversation: Name,
        kind: String,
        json: String,
    },
    /// Somebody's presence; not kept.
    Presence { status: PresenceStatus },
    /// Somebody types; not kept.
    Typing { conversation: Name, active: bool },
}

impl Change {
    /// Where it happened; none where it concerns no conversation.
    pub fn conversation(&self) -> Option<&Name> {
        match self {
            Self::User(_) | Self::Contact { .. } | Self::Presence { .. } => None,
            Self::Created { room, .. } | Self::Updated { room, .. } => Some(&room.id),
            Self::Posted(message) | Self::Edited(message) => Some(&message.conversation),
            Self::Member { conversation, .. }
            | Self::Deleted { conversation, .. }
            | Self::Reacted { conversation, .. }
            | Self::Submitted { conversation, .. }
            | Self::Pressed { conversation, .. }
            | Self::Other { conversation, .. }
            | Self::Typing { conversation, .. } => Some(conversation),
        }
    }

    /// Tells whether it is only passed on and never kept.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Presence { .. } | Self::Typing { .. })
    }
}

/// A change with its place in the order of all changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomEvent {
    /// Its number, from 1; unique for the platform. Passing changes are numbered apart.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub by: Name,
    /// The outbox part that did it, so that it is done once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Name>,
    /// What changed.
    pub change: Change,
}

/// A message to post.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Say {
    /// Where, by id.
    pub conversation: String,
    /// Plain text.
    pub text: String,
    /// Blocks; empty where `text` says it all.
    #[serde(default)]
    pub content: Vec<Block>,
    /// For agents only.
    #[serde(default)]
    pub agents_only: bool,
    /// The thread.
    #[serde(default)]
    pub thread: Option<String>,
    /// The message it answers.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// Without a sign that something is unread.
    #[serde(default)]
    pub quiet: bool,
    /// Custom objects.
    #[serde(default)]
    pub entities: Vec<Entity>,
    /// Files to send with it.
    #[serde(default)]
    pub files: Vec<File>,
    /// Files that are there already, by id.
    #[serde(default)]
    pub received: Vec<String>,
}

/// What a user, or a bot, can do.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields are named after what they hold")]
pub enum Command {
    /// Posts a message.
    Say(Say),
    /// Changes an own message.
    Edit {
        message: String,
        text: String,
        #[serde(default)]
        content: Vec<Block>,
    },
    /// Takes a message away.
    Delete { message: String },
    /// Puts an emoji on a message or takes it off.
    React {
        message: String,
        emoji: String,
        add: bool,
    },
    /// Goes in.
    Join { conversation: String },
    /// Asks to come in.
    RequestJoin { conversation: String },
    /// Goes out.
    Leave { conversation: String },
    /// Brings somebody in.
    Invite { conversation: String, user: String },
    /// Takes somebody out.
    Remove { conversation: String, user: String },
    /// Makes somebody an owner.
    Promote { conversation: String, user: String },
    /// Makes an owner a member.
    Demote { conversation: String, user: String },
    /// Finds or makes a room by its name and goes in.
    OpenRoom { name: String },
    /// Finds or makes the direct conversation with this user or bot.
    OpenDirect { user: String },
    /// Finds or makes the conversation of these users.
    OpenGroup { users: Vec<String> },
    /// Finds or makes the chat of this customer; who opens it is an agent, unless it is the customer.
    OpenChat { customer: String },
    /// Makes a room.
    CreateRoom {
        name: String,
        description: String,
        members: Vec<String>,
        public: bool,
        open: bool,
        external: bool,
    },
    /// Changes a room.
    Update {
        conversation: String,
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        description: Option<String>,
        #[serde(default)]
        public: Option<bool>,
        #[serde(default)]
        open: Option<bool>,
    },
    /// Ends a customer chat.
    Close { conversation: String },
    /// Opens it again.
    Reopen { conversation: String },
    /// Hands a customer chat on.
    Transfer {
        conversation: String,
        to: TransferTarget,
    },
    /// Puts a tag on a customer chat or takes it off.
    Tag {
        conversation: String,
        tag: String,
        add: bool,
    },
    /// Submits a form; values as typed, several for fields that take several.
    Submit {
        message: String,
        form: String,
        #[serde(default)]
        button: Option<String>,
        values: BTreeMap<String, Vec<String>>,
    },
    /// Presses a button.
    Press { message: String, button: String },
    /// Begins or stops typing.
    Typing { conversation: String, active: bool },
    /// Says whether one is there.
    SetPresence { status: PresenceStatus },
    /// Changes a contact between a bot and a user.
    Contact {
        bot: String,
        user: String,
        status: ContactStatus,
    },
    /// Something the platform has no name for.
    Other {
        conversation: String,
        kind: String,
        json: String,
    },
}

/// How a command ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The conversation made or used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Name>,
    /// The message made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Name>,
    /// Who asked was a member before; for `join`.
    #[serde(default)]
    pub was_member: bool,
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoomsError {
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// Not a member.
    #[error("{0} is not in that conversation: join first")]
    NotMember(String),
    /// Forbidden.
    #[error("{0}")]
    Denied(String),
    /// Makes no sense here.
    #[error("{0}")]
    Unsupported(String),
    /// More than there is room for.
    #[error("{0}")]
    TooLarge(String),
    /// Nobody is there to do it.
    #[error("{0}")]
    Unavailable(String),
    /// Too much waits for the bot.
    #[error("too much waits for the bot; try again")]
    Busy,
    /// The log cannot be written.
    #[error("local platform cannot write its log: {0}")]
    Storage(String),
}

/// A conversation as a user sees it.
#[derive(Clone, Debug, Serialize)]
pub struct RoomView {
    /// The conversation.
    pub room: Arc<RoomInfo>,
    /// Who is there.
    pub members: Vec<RoomMember>,
    /// Its last messages, oldest first.
    pub messages: Vec<Arc<RoomMessage>>,
}

/// Everything a user sees.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// The last change that it holds.
    pub number: u64,
    /// Who looks.
    pub viewer: Arc<RoomUser>,
    /// Everybody known.
    pub users: Vec<Arc<RoomUser>>,
    /// Who said that they are there.
    pub present: Vec<Name>,
    /// The conversations that the user may see.
    pub rooms: Vec<RoomView>,
}

/// A file that came with a message.
#[derive(Clone, Debug)]
pub struct RoomFile {
    /// Name and media type.
    pub about: ReceivedAttachment,
    /// The bytes.
    pub bytes: bytes::Bytes,
}

/// A message as another platform would get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Elsewhere {
    /// The platform's name for people.
    pub platform: String,
    /// What it would be sent, one text for each request: the first line says what it is.
    pub sent: Vec<String>,
    /// What it would not show as it was meant, or why it would be sent nothing.
    pub notes: Vec<String>,
}

/// The local platform.
#[async_trait]
pub trait Rooms: Send + Sync {
    /// Does something as a user, who is made on first use. Waits while too much waits for the bot.
    ///
    /// # Errors
    /// Why it was refused; nothing has changed then.
    async fn act(&self, user: &str, command: Command) -> Result<Done, RoomsError>;

    /// Everything a user sees, and the changes from there on. The user is made on first use.
    ///
    /// # Errors
    /// When there are too many users.
    fn view(&self, user: &str) -> Result<(Snapshot, View), RoomsError>;

    /// A file by its id, if the user may see the message that carries it.
    fn file(&self, user: &str, id: &str) -> Option<RoomFile>;

    /// A message of a bot as each other platform would get it, if the user may see it; none where
    /// that is not known.
    fn elsewhere(&self, _user: &str, _message: &str) -> Option<Vec<Elsewhere>> {
        None
    }
}
