//! What a plugin says of itself.

use serde::{Deserialize, Serialize};

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// Messages that match a key word, or all.
    Message,
    /// Changed messages.
    MessageEdited,
    /// Messages taken away.
    MessageDeleted,
    /// Answered forms; always delivered to the plugin that sent the form.
    FormSubmitted,
    /// Closed forms.
    FormClosed,
    /// Pressed buttons; always delivered to the plugin that sent the button.
    ButtonPressed,
    /// Changes of who is there.
    MemberChanged,
    /// Changes of conversations.
    ConversationChanged,
    /// Changes of contacts.
    ContactChanged,
    /// Emoji put on or taken off.
    Reaction,
    /// Typing.
    Typing,
    /// Presence.
    Presence,
    /// Performed actions.
    ActionDone,
    /// Failed actions.
    ActionFailed,
    /// The plugin's own life.
    Lifecycle,
    /// What has no kind here.
    Other,
}

/// How a key word is compared, without regard to case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyWordMatch {
    /// Anywhere in the text.
    Contains,
    /// As a whole word.
    Word,
    /// The whole text.
    Equals,
    /// A regular expression without look-around, at most 256 bytes; captures arrive as arguments.
    Regex,
}

/// A word that a message must have. `{=name}` stands for a config key's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyWord {
    /// How it is compared.
    pub r#match: KeyWordMatch,
    /// The word or expression.
    pub text: String,
}

/// Something a message must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageHas {
    /// A mention.
    Mention,
    /// A cashtag.
    Cashtag,
    /// A hashtag.
    Hashtag,
    /// A file.
    Attachment,
}

/// Which messages the plugin wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageFilter {
    /// Any of these; empty: any text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_words: Vec<KeyWord>,
    /// All of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub has: Vec<MessageHas>,
    /// Messages of other bots too.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub from_bots: bool,
}

/// What the plugin hears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriptions {
    /// Kinds of events. Without `message` and commands no message is delivered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<EventKind>,
    /// Platforms; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// Which messages; any one of these filters is enough; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageFilter>,
}

/// Whether the bot must be mentioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MentionRule {
    /// Yes.
    Required,
    /// It may be.
    Optional,
    /// No.
    Never,
}

/// What an argument means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArgumentHelp {
    /// The name in the pattern.
    pub name: String,
    /// What it means, in a few words.
    pub help: String,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSpec {
    /// Names it in events and settings.
    pub name: String,
    /// `/buy {quantity} {$ticker}`. `{=name}` stands for a config key's value.
    pub pattern: String,
    /// Whether the bot must be mentioned.
    pub mention: MentionRule,
    /// What it does, in a line.
    pub help: String,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<ArgumentHelp>,
    /// Not in `/help`.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub hidden: bool,
}

/// What kind of setting it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigKind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// A duration, `5m`.
    Duration,
    /// One of these.
    Choice(Vec<String>),
    /// Texts.
    List,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigKey {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ConfigKind,
    /// Loading fails without it.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub required: bool,
    /// Its value where it is not set, written as in the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What it does.
    pub help: String,
}

/// Something the plugin would like to be granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// HTTP, `GET https://api.example.com/v1/*`.
    Http(String),
    /// An action that needs a grant, by its name in `action-kind`.
    Action(String),
    /// A read that needs a grant, by its name in `directory`.
    Read(String),
    /// Anything else.
    Other(String),
}

/// A wish with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapabilityRequest {
    /// What.
    pub what: Capability,
    /// Why, in words that a person can judge.
    pub reason: String,
    /// The plugin works without it.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub optional: bool,
}

/// A plugin's description of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version, `1.2.3`.
    pub version: String,
    /// Raised when an older build cannot read this one's state.
    pub state_version: u32,
    /// What it does, in a line.
    pub summary: String,
    /// Who made it.
    pub author: String,
    /// SPDX licence expression.
    pub licence: String,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// What it hears.
    pub subscriptions: Subscriptions,
    /// Its commands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<CommandSpec>,
    /// Its settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub config: Vec<ConfigKey>,
    /// What it asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<CapabilityRequest>,
    /// For later versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extras: Vec<(String, String)>,
}
