//! How a running host is asked: one line of JSON on a socket in its data folder, lines of JSON back.
//!
//! `app::control` answers, `cli` asks. The first line back says who answers, the last one that this
//! was all, or why there is no answer. Everything is bounded: a line, the lines, the time.

mod client;
mod compiling;
mod event_lines;
mod lines;
mod shadow_lines;
mod wire;

use serde::{Deserialize, Serialize};

pub use client::{AskError, ask};
pub use compiling::CompilingLine;
pub use event_lines::{ActionLine, DeliveryLine, EventLine, ForgotLine, PutBackLine};
pub use lines::{
    BotLine, BotState, BroadcastLine, ConversationLine, DroppedLine, FaultLine, HoldLine,
    InstallLine, InstalledOn, LaneLine, LaneState, Line, OutboxCounts, PluginAsk, PluginHealth,
    PluginLine, PluginWebhook, Refused, RefusedReason, ReloadedLine, SentLine, SentState,
    SettingsLine, TotalLine,
};
pub use shadow_lines::{DifferenceLine, ShadowLine};
pub use wire::{LineError, read_line, write_line};

use crate::journal::EventQuery;
use crate::model::action::File;

/// The version of the protocol. A host answers its own only.
pub const CONTROL_VERSION: u32 = 1;
/// The name of the socket in the data folder.
pub const SOCKET_FILE: &str = "control.sock";
/// Bytes of the path of a socket: what the system's address structure has room for.
pub const MAX_SOCKET_PATH_BYTES: usize = 107;
/// Bytes of the files of one `send`.
pub const MAX_FILES_BYTES: usize = 10 * 1024 * 1024;
/// Bytes of a request: the files in base64, and what stands around them.
pub const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of one line of an answer.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;
/// Lines of an answer; what is beyond is counted in the last one.
pub const MAX_LINES: usize = 10_000;

/// A request: the one line that is written to the socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The protocol's version.
    pub version: u32,
    /// What is asked.
    pub ask: Ask,
}

impl Request {
    /// Makes a request of this version.
    pub fn new(ask: Ask) -> Self {
        Self {
            version: CONTROL_VERSION,
            ask,
        }
    }
}

/// What a host is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// How the bots do.
    Bots,
    /// Lets a bot take no events and send nothing.
    PauseBot {
        /// The bot.
        bot: String,
    },
    /// Lets a paused bot go on.
    ResumeBot {
        /// The bot.
        bot: String,
    },
    /// How the plugins do.
    Plugins,
    /// Puts the last good build of a plugin before the one that serves back in its place.
    RollbackPlugin {
        /// The plugin.
        plugin: String,
    },
    /// What waits to be sent.
    ListOutbox(Selector),
    /// Lets it wait.
    HoldOutbox(Selector),
    /// Lets it go.
    ReleaseOutbox(Selector),
    /// Gives it up.
    DropOutbox(Selector),
    /// The conversations of a bot, or of all.
    Conversations {
        /// The bot.
        bot: Option<String>,
    },
    /// What came in and what became of it.
    Events(EventQuery),
    /// Puts dead letters back.
    RetryEvent {
        /// The event.
        event: u64,
        /// Only this plugin's.
        plugin: Option<String>,
    },
    /// Forgets a person.
    Forget {
        /// The user, by id.
        user: String,
    },
    /// Sends a message.
    Send(SendAsk),
    /// Where a bot is installed, and where somebody agrees to it.
    Install {
        /// The bot; none where there is one that is installed.
        bot: Option<String>,
        /// A link is wanted.
        link: bool,
    },
    /// Reads the settings and the plugin folder again, and lets changes serve that wait.
    Reload {
        /// Only this plugin's.
        plugin: Option<String>,
    },
}

/// Which part of the outbox is meant; what is absent means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// The bot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<String>,
    /// The plugin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The conversation, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
}

impl Selector {
    /// Tells whether something of this bot, plugin and conversation is meant.
    pub fn matches(&self, bot: &str, plugin: &str, conversation: &str) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        is(&self.bot, bot) && is(&self.plugin, plugin) && is(&self.conversation, conversation)
    }

    /// Tells whether everything that the other means is meant.
    pub fn covers(&self, other: &Self) -> bool {
        let covers = |own: &Option<String>, other: &Option<String>| own.is_none() || own == other;
        covers(&self.bot, &other.bot)
            && covers(&self.plugin, &other.plugin)
            && covers(&self.conversation, &other.conversation)
    }

    /// Tells whether something may be meant by both.
    pub fn meets(&self, other: &Self) -> bool {
        let meets = |own: &Option<String>, other: &Option<String>| {
            own.is_none() || other.is_none() || own == other
        };
        meets(&self.bot, &other.bot)
            && meets(&self.plugin, &other.plugin)
            && meets(&self.conversation, &other.conversation)
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let named = [
            ("--bot", &self.bot),
            ("--plugin", &self.plugin),
            ("--conversation", &self.conversation),
        ];
        let named = named.iter();
        let named = named.filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
        let named: Vec<String> = named.collect();
        if named.is_empty() {
            out.write_str("(all)")
        } else {
            out.write_str(&named.join(" "))
        }
    }
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendAsk {
    /// The bot that sends it.
    pub bot: String,
    /// A conversation by id or name, or a person's e-mail address.
    pub to: String,
    /// What it says.
    pub text: String,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(bot: &str, plugin: &str, conversation: &str) -> Selector {
        let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        Selector {
            bot: named(bot),
            plugin: named(plugin),
            conversation: named(conversation),
        }
    }

    #[test]
    fn a_selector_means_all_that_it_does_not_name() {
        for (given, meant) in [
            (selector("", "", ""), true),
            (selector("desk", "", ""), true),
            (selector("desk", "joke", "room"), true),
            (selector("", "pizza", ""), false),
            (selector("desk", "joke", "elsewhere"), false),
        ] {
            assert_eq!(given.matches("desk", "joke", "room"), meant, "{given}");
        }
        assert!(selector("desk", "", "").covers(&selector("desk", "joke", "")));
        assert!(!selector("desk", "joke", "").covers(&selector("desk", "", "")));
        assert!(selector("desk", "", "").meets(&selector("", "joke", "")));
        assert!(!selector("desk", "", "").meets(&selector("other", "joke", "")));
    }

    #[test]
    fn a_request_is_the_line_that_the_docs_show() {
        let request = Request::new(Ask::DropOutbox(selector("desk", "", "")));
        let line = serde_json::to_string(&request).unwrap();
        assert_eq!(
            line,
            r#"{"version":1,"ask":{"drop-outbox":{"bot":"desk"}}}"#
        );
        assert_eq!(serde_json::from_str::<Request>(&line).unwrap(), request);
        let wrong = r#"{"version":1,"ask":{"drop-outbox":{"bots":"desk"}}}"#;
        assert!(serde_json::from_str::<Request>(wrong).is_err());
        let bots = r#"{"version":1,"ask":"bots"}"#;
        assert_eq!(
            serde_json::from_str::<Request>(bots).unwrap().ask,
            Ask::Bots
        );
    }
}
