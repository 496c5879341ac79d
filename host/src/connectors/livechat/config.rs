//! What a bot on LiveChat is told at its start.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use crate::model::secret::Secret;
use crate::net::NetConfig;

/// Where the APIs are (livechat.md §0).
pub const DEFAULT_API: &str = "https://api.livechatinc.com";
/// Where accounts give consent and tokens.
pub const DEFAULT_ACCOUNTS: &str = "https://accounts.livechat.com";
/// The same of the era of chat.io.
pub const CHATIO_API: &str = "https://api.chat.io";
/// The same of the era of chat.io.
pub const CHATIO_ACCOUNTS: &str = "https://accounts.chat.io";
/// Chats at one time, at most (livechat.md §2).
pub const MAX_CHATS: u32 = 500;

/// Settings of one bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveChatConfig {
    /// Which version of the APIs is spoken.
    pub version: Version,
    /// Where the APIs are.
    pub api: Url,
    /// Where accounts give consent and tokens.
    pub accounts: Url,
    /// The way out.
    pub net: NetConfig,
    /// The app that owns the bot, and that is installed on licences.
    pub app: App,
    /// A personal access token, for one licence and for registering webhooks.
    pub personal: Option<PersonalToken>,
    /// The bot's name, as people see it.
    pub display_name: String,
    /// What it is, as people see it.
    pub job_title: Option<String>,
    /// Whether the platform's router gives it chats.
    pub routing: Routing,
    /// The groups that it is in.
    pub groups: Vec<Group>,
    /// Chats at one time that the router gives it.
    pub max_chats: Option<u32>,
    /// When it works.
    pub hours: Option<WorkingHours>,
    /// What webhooks show; none: the host makes one and registers the webhooks with it.
    pub webhook_secret: Option<Secret>,
    /// Where the connector keeps its licences and how far it is; none keeps it in memory.
    pub folder: Option<PathBuf>,
}

/// A version of the APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// chat.io, 0.3 or 0.4: bodies wrapped, webhooks a part of the bot.
    ChatIo(u8),
    /// LiveChat, 3.4 to 3.7.
    Three(u8),
}

impl Version {
    /// The one that is spoken where the settings say nothing.
    pub const DEFAULT: Self = Self::Three(6);

    /// Reads `3.6` or `0.3`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        let minor = minor.parse().ok()?;
        match (major, minor) {
            ("0", 3..=4) => Some(Self::ChatIo(minor)),
            ("3", 4..=7) => Some(Self::Three(minor)),
            _ => None,
        }
    }

    /// Whether it is one of chat.io.
    pub fn is_chatio(self) -> bool {
        matches!(self, Self::ChatIo(_))
    }

    /// Whether a bot acts with a token of its own; before, a header names it.
    pub fn has_bot_tokens(self) -> bool {
        matches!(self, Self::Three(6..))
    }

    /// Whether there are rich messages.
    pub fn has_rich_messages(self) -> bool {
        !self.is_chatio()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChatIo(minor) => write!(out, "0.{minor}"),
            Self::Three(minor) => write!(out, "3.{minor}"),
        }
    }
}

/// An app of the platform's developer console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its id.
    pub client_id: String,
    /// Its secret; none of an app that cannot keep one.
    pub client_secret: Option<Secret>,
    /// Where consent leads, as it is registered; none of an app that nobody installs.
    pub redirect: Option<Url>,
}

/// A personal access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalToken {
    /// Whose it is.
    pub account: String,
    /// The token.
    pub token: Secret,
    /// The licence that it is the bot's owner on; none where it only registers webhooks.
    pub organization: Option<String>,
}

/// Whether the platform's router gives the bot chats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Routing {
    /// It hears of chats and takes part where a plugin wants it to.
    #[default]
    NotAccepting,
    /// It is given chats as an agent is.
    Accepting,
}

/// A group that the bot is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its number; 0 is everybody.
    pub id: u64,
    /// When the router gives it a chat of the group.
    pub priority: Priority,
}

/// When the router gives a bot a chat of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Before everybody.
    First,
    /// As everybody.
    Normal,
    /// When nobody else can.
    Last,
    /// Never.
    Supervisor,
}

impl Priority {
    /// Its name on the platform.
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Normal => "normal",
            Self::Last => "last",
            Self::Supervisor => "supervisor",
        }
    }
}

/// When a bot works; on other days it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkingHours {
    /// IANA name of the time zone.
    pub time_zone: String,
    /// Days with their hours.
    pub days: Vec<WorkingDay>,
}

/// One day's hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkingDay {
    /// `monday` to `sunday`.
    pub day: &'static str,
    /// `09:00`.
    pub start: String,
    /// `17:00`.
    pub end: String,
}
