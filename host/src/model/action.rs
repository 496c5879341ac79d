//! What a plugin asks the host to do.

use super::content::Content;
use super::event::{Header, Visibility};
use super::payload::PresenceStatus;
use serde::{Deserialize, Serialize};

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The event's conversation.
    Reply,
    /// A conversation, by id.
    Conversation(String),
    /// A broadcast to at most 1,000 conversations, by id; a grant.
    Conversations(Vec<String>),
    /// A direct conversation with one user, by id; a grant.
    User(String),
    /// A direct or group conversation with these users, by id; a grant.
    Users(Vec<String>),
    /// A direct conversation with the user of this e-mail address; a grant.
    Email(String),
}

/// A file made by the plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// File name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// The bytes, at most 10 MiB.
    #[serde(with = "super::base64_bytes")]
    pub bytes: Vec<u8>,
}

/// A file made by the plugin whose bytes lie beside the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// File name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// What names the bytes: their SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// How many bytes there are.
    pub size: u64,
}

/// A file to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutgoingAttachment {
    /// Made here.
    File(File),
    /// One that was received, by id.
    Received(String),
    /// Made here, with its bytes beside the journal. A connector never sees this one.
    Kept(KeptFile),
}

/// What to do where a platform cannot show something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fallback {
    /// Send the nearest it can show, with a note.
    Degrade,
    /// Fail with `unsupported`.
    Fail,
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// Where it goes.
    pub target: Target,
    /// What it says.
    pub content: Content,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<OutgoingAttachment>,
    /// The thread; the event's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// Who sees it.
    pub visibility: Visibility,
    /// Without a notification, where the platform can.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub quiet: bool,
    /// What to do where something cannot be shown.
    pub fallback: Fallback,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageRef {
    /// By the platform's id.
    Id(String),
    /// By the key of the action that sent it.
    Key(String),
}

/// What to do where a platform will not edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EditRule {
    /// Send it anew, at most once a minute and message.
    Repost,
    /// Leave it as it is.
    Skip,
    /// Fail.
    Fail,
}

/// New content for a message of the plugin's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// Which message.
    pub message: MessageRef,
    /// What it says now.
    pub content: Content,
    /// Where the platform will not.
    pub otherwise: EditRule,
}

/// An emoji to put on or take off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct React {
    /// Which message.
    pub message: MessageRef,
    /// Shortcode without colons.
    pub emoji: String,
    /// Put on when true.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub add: bool,
}

/// A conversation and a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The conversation, by id; the event's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The user, by id.
    pub user: String,
}

/// A new conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NewConversation {
    /// A direct one with this user, by id.
    Direct(String),
    /// A room.
    Room(NewRoom),
}

/// A new room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRoom {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Who is in it, by user id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// Can be found by everybody.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub public: bool,
    /// Open to other companies.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub external: bool,
    /// Members may invite others.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub open: bool,
}

/// Changes of a conversation; what is absent stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateConversation {
    /// The conversation, by id; the event's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// Its new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Can be found by everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// Members may invite others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
}

/// Who answers a customer chat next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransferTarget {
    /// A group, by id.
    Group(String),
    /// An agent, by id.
    Agent(String),
}

/// A customer chat to hand on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferChat {
    /// The conversation, by id; the event's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// To whom.
    pub to: TransferTarget,
}

/// A word on a customer chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagChat {
    /// The conversation, by id; the event's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The tag.
    pub tag: String,
    /// Put on when true.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub add: bool,
}

/// An HTTP request that the host makes after the commit, under the HTTP
/// grants, over restarts. The answer is a `response-received`. Its key is
/// the action's key, which it must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Absolute `http` or `https` URL.
    pub url: String,
    /// Headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Body, at most 1 MiB.
    #[serde(with = "super::base64_bytes")]
    pub body: Vec<u8>,
    /// Milliseconds, at most 600,000.
    pub timeout_ms: u32,
    /// A header in which the host sends an id of its own, so that repeating is safe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_header: Option<String>,
}

/// When a timer fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// At this moment.
    At(u64),
    /// So many milliseconds from now.
    After(u64),
    /// Every so many milliseconds, at least 1,000.
    Every(u64),
    /// Five fields of cron, in a time zone.
    Cron(Cron),
}

/// A calendar rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cron {
    /// Minute, hour, day of month, month, day of week: `0 9 * * 1-5`.
    pub expression: String,
    /// IANA time zone name.
    pub time_zone: String,
}

/// What happens to a firing that fell into a stop of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missed {
    /// However many were missed, it fires once.
    Once,
    /// It does not fire.
    Skip,
}

/// A timer to set. One of the same name in the same conversation is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetTimer {
    /// Unique per plugin and conversation.
    pub name: String,
    /// When.
    pub schedule: Schedule,
    /// What of a missed firing.
    pub missed: Missed,
    /// Comes back with `timer-fired`, at most 64 KiB.
    pub payload: String,
}

/// An action of one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherAction {
    /// The platform.
    pub platform: String,
    /// Its name there.
    pub name: String,
    /// Its settings as JSON.
    pub json: String,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// Send a message.
    Send(Send),
    /// Change an own message.
    Edit(Edit),
    /// Take a message away: an own one, or another's where the bot may.
    Delete(MessageRef),
    /// Put an emoji on a message or take it off.
    React(React),
    /// Show (true) or hide (false) that the bot is typing in the event's conversation.
    Typing(bool),
    /// Go into a conversation, by id; the event's where absent.
    Join(Option<String>),
    /// Go out of it, if a `join` of this plugin brought the bot in.
    Leave(Option<String>),
    /// Bring a user in; a grant.
    Invite(Membership),
    /// Take a user out; a grant.
    Remove(Membership),
    /// Make a user an owner; a grant.
    Promote(Membership),
    /// Make an owner a member; a grant.
    Demote(Membership),
    /// Make a conversation; a grant.
    CreateConversation(NewConversation),
    /// Change a conversation; a grant.
    UpdateConversation(UpdateConversation),
    /// Accept a contact request, by user id; a grant.
    AcceptContact(String),
    /// Reject a contact request, by user id; a grant.
    RejectContact(String),
    /// Ask a user to be a contact, by user id; a grant.
    RequestContact(String),
    /// End a contact, by user id; a grant.
    RemoveContact(String),
    /// Say whether the bot is there; a grant.
    SetPresence(PresenceStatus),
    /// Hand a customer chat on; a grant.
    Transfer(TransferChat),
    /// End a customer chat, by id, the event's where absent; a grant.
    Close(Option<String>),
    /// Put a tag on a customer chat or take it off; a grant.
    Tag(TagChat),
    /// Make an HTTP request and hear of its answer later.
    Request(Request),
    /// Set a timer.
    SetTimer(SetTimer),
    /// End a timer of the event's conversation, by name.
    CancelTimer(String),
    /// Anything else; a grant.
    Other(OtherAction),
}

impl ActionKind {
    /// Its name in the contract.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Send(_) => "send",
            Self::Edit(_) => "edit",
            Self::Delete(_) => "delete",
            Self::React(_) => "react",
            Self::Typing(_) => "typing",
            Self::Join(_) => "join",
            Self::Leave(_) => "leave",
            Self::Invite(_) => "invite",
            Self::Remove(_) => "remove",
            Self::Promote(_) => "promote",
            Self::Demote(_) => "demote",
            Self::CreateConversation(_) => "create-conversation",
            Self::UpdateConversation(_) => "update-conversation",
            Self::AcceptContact(_) => "accept-contact",
            Self::RejectContact(_) => "reject-contact",
            Self::RequestContact(_) => "request-contact",
            Self::RemoveContact(_) => "remove-contact",
            Self::SetPresence(_) => "set-presence",
            Self::Transfer(_) => "transfer",
            Self::Close(_) => "close",
            Self::Tag(_) => "tag",
            Self::Request(_) => "request",
            Self::SetTimer(_) => "set-timer",
            Self::CancelTimer(_) => "cancel-timer",
            Self::Other(_) => "other",
        }
    }
}

/// An action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Names it for later: for edits, deletes and outcomes. At most 64 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Which bot, where the event names none or the plugin has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<String>,
    /// On behalf of this user, by id or user name; a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_user: Option<String>,
    /// What to do.
    pub kind: ActionKind,
}
