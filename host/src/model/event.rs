//! What happened: the envelope of an event, with its people, places and messages.

use super::content::Block;
use super::payload::EventPayload;
use serde::{Deserialize, Serialize};

/// Which bot an event concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bot {
    /// Its name in the settings.
    pub name: String,
    /// `symphony`, `webex`, `lseg`, `livechat` or `local`; later versions may add to these.
    pub platform: String,
    /// Its own user id.
    pub user_id: String,
    /// The name people see.
    pub display_name: String,
}

/// What sort of conversation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConversationKind {
    /// One person and the bot.
    Direct,
    /// A few people, without a name.
    Group,
    /// A named room.
    Room,
    /// A customer and agents.
    CustomerChat,
    /// A wall or feed.
    Post,
    /// Anything else.
    Other,
}

/// Where something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Opaque, and the same for ever.
    pub id: String,
    /// Its kind.
    pub kind: ConversationKind,
    /// Its name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// People of other companies take part.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub external: bool,
    /// People of another installation of the platform take part.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub cross_pod: bool,
    /// The thread inside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
}

impl Conversation {
    /// A conversation of which nothing is known but its id and its kind.
    pub fn of_kind(id: &str, kind: ConversationKind) -> Self {
        Self {
            id: id.to_owned(),
            kind,
            name: None,
            external: false,
            cross_pod: false,
            thread: None,
        }
    }
}

/// What sort of user it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserKind {
    /// A person of the operator's platform.
    Human,
    /// A program.
    Bot,
    /// A customer of a customer chat.
    Customer,
    /// Somebody who answers customers.
    Agent,
    /// The platform itself.
    System,
    /// Anything else.
    Other,
}

/// What the platform says of a user's part in the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConversationRole {
    /// Owns or moderates it.
    Owner,
    /// Takes part.
    Member,
    /// Answers customers in it.
    Agent,
    /// The customer.
    Customer,
    /// The platform does not say.
    Unknown,
}

/// A user of a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Opaque, and the same for ever.
    pub id: String,
    /// The name people see.
    pub display_name: String,
    /// The name used to log in, where the platform tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// First name, where the platform tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name, where the platform tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// E-mail address, where the platform tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// IANA time zone, where the platform tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// BCP 47 language tag, where the platform tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Its kind.
    pub kind: UserKind,
    /// Its part in the conversation.
    pub role_here: ConversationRole,
    /// The operator's roles that it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

impl User {
    /// A user of whom nothing is known but the id.
    pub fn of_id(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            display_name: id.to_owned(),
            user_name: None,
            first_name: None,
            last_name: None,
            email: None,
            time_zone: None,
            locale: None,
            kind: UserKind::Human,
            role_here: ConversationRole::Unknown,
            roles: Vec::new(),
        }
    }

    /// A bot as others see it.
    pub fn of_bot(bot: &Bot) -> Self {
        Self {
            display_name: bot.display_name.clone(),
            kind: UserKind::Bot,
            ..Self::of_id(&bot.user_id)
        }
    }
}

/// How the bot was spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Addressing {
    /// In a direct conversation.
    Direct,
    /// By a mention.
    Mention,
    /// By a command's first word.
    Prefix,
    /// Not at all; the bot overheard it.
    Ambient,
}

/// A name with its value, both capped by the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extra {
    /// A documented name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Who sees a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    /// Everybody in the conversation.
    All,
    /// Agents only, not the customer.
    Agents,
}

/// Somebody mentioned in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// Who.
    pub user_id: String,
    /// The name shown, without `@`.
    pub text: String,
}

/// A ticker in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cashtag {
    /// The ticker without `$`.
    pub ticker: String,
    /// What the platform knows of it: (`isin`, …), (`bbgid`, …).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<(String, String)>,
}

/// A custom object in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Its type, `com.acme.order`.
    pub r#type: String,
    /// Its version, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The object as JSON.
    pub json: String,
}

/// A file that came with a message. Its bytes are read with `directory.attachment`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedAttachment {
    /// Names it for `directory.attachment` and for sending it on.
    pub id: String,
    /// File name.
    pub name: String,
    /// Media type, `application/octet-stream` where it is not known.
    pub media_type: String,
    /// Bytes, where the platform tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// A message that another one cites.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedMessage {
    /// Its id.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub at: u64,
}

/// A message as it was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The platform's id.
    pub id: String,
    /// Plain text, with the bot's own mention removed.
    pub text: String,
    /// The same as blocks; empty where `text` says it all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<Block>,
    /// Who is mentioned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// Tickers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cashtags: Vec<Cashtag>,
    /// Topics, without `#`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashtags: Vec<String>,
    /// Custom objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<Entity>,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<ReceivedAttachment>,
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The message it cites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<QuotedMessage>,
    /// Who sees it.
    pub visibility: Visibility,
}

impl Message {
    /// A message of which nothing is known but its id and what it says.
    pub fn of_text(id: &str, text: &str) -> Self {
        Self {
            id: id.to_owned(),
            text: text.to_owned(),
            content: Vec::new(),
            mentions: Vec::new(),
            cashtags: Vec::new(),
            hashtags: Vec::new(),
            entities: Vec::new(),
            attachments: Vec::new(),
            reply_to: None,
            quoted: None,
            visibility: Visibility::All,
        }
    }
}

/// A value that a pattern captured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArgumentValue {
    /// `{name}`, one word; `{rest...}`, the rest of the line; a regular expression's capture.
    Text(String),
    /// `{n:int}`.
    Integer(i64),
    /// `{x:number}`.
    Number(f64),
    /// `{flag:bool}`.
    Flag(bool),
    /// `{@name}`.
    Mention(Mention),
    /// `{#name}`, without `#`.
    Hashtag(String),
    /// `{$name}`.
    Cashtag(Cashtag),
}

/// A named captured value. Optional arguments that were not given are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Argument {
    /// The name in the pattern.
    pub name: String,
    /// The value.
    pub value: ArgumentValue,
}

/// A header of a request or response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Lower-case name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The same over redelivery and restart: a key for de-duplication.
    pub id: String,
    /// Rises within a conversation.
    pub sequence: u64,
    /// 1 for the first delivery.
    pub attempt: u32,
    /// The platform's time.
    pub occurred_at: u64,
    /// The host's time.
    pub received_at: u64,
    /// Which bot; none for events of the plugin alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<Bot>,
    /// Where; none where there is no such place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Conversation>,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<User>,
    /// How the bot was spoken to.
    pub addressing: Addressing,
    /// The id of the event that this one grew out of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// 0 for what a person or platform did, one more than its cause for what the host made of it.
    pub depth: u32,
    /// In logs and in outgoing calls.
    pub trace_id: String,
    /// Documented small extras, capped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extras: Vec<Extra>,
    /// What the platform sent, as JSON; only with a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// What happened.
    pub payload: EventPayload,
}
