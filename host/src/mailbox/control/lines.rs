//! The lines of an answer. What the command line prints with `--json` are these.

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;
use crate::model::event::ConversationKind;

/// One line of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Line {
    /// Who answers; the first line.
    Host {
        /// The protocol's version.
        version: u32,
        /// The version of the program.
        parlor: String,
        /// Its process.
        pid: u32,
    },
    /// A bot.
    Bot(BotLine),
    /// A plugin.
    Plugin(PluginLine),
    /// Something about the settings that a person should know.
    Settings(SettingsLine),
    /// A lane of the outbox.
    Lane(LaneLine),
    /// A broadcast that is not through.
    Broadcast(BroadcastLine),
    /// A hold on the outbox.
    Hold(HoldLine),
    /// What was dropped of a lane.
    Dropped(DroppedLine),
    /// What came of a change of the outbox.
    Total(TotalLine),
    /// A conversation.
    Conversation(ConversationLine),
    /// An event that came in.
    Event(super::EventLine),
    /// A dead letter that was put back.
    PutBack(super::PutBackLine),
    /// What was forgotten of a person.
    Forgot(super::ForgotLine),
    /// What became of a message.
    Sent(SentLine),
    /// How a bot is installed.
    Install(InstallLine),
    /// What a reload came to.
    Reloaded(ReloadedLine),
    /// That was all; the last line.
    End {
        /// Lines left out, because there are too many.
        #[serde(default, skip_serializing_if = "is_zero")]
        more: u64,
    },
    /// There is no answer, or none beyond this; the last line.
    Refused(Refused),
}

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The class.
    pub reason: RefusedReason,
    /// A sentence for a person.
    pub text: String,
}

/// The class of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusedReason {
    /// The host speaks another version.
    Version,
    /// The request is no request.
    Malformed,
    /// Too many ask at once, or one asks too slowly.
    Busy,
    /// It names something that is not there.
    NotFound,
    /// The host is about to end.
    Stopping,
    /// It could not be done.
    Failed,
}

/// A bot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BotLine {
    /// Its name.
    pub bot: String,
    /// Its platform.
    pub platform: String,
    /// How it does.
    pub state: BotState,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When the last event came from its platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_in: Option<Timestamp>,
    /// Why it is not connected, or why it was not before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it has to send.
    pub outbox: OutboxCounts,
}

/// How a bot is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct InstallLine {
    /// Its name.
    pub bot: String,
    /// Where somebody agrees to it; good once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licences: Vec<InstalledOn>,
}

/// One licence that a bot is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct InstalledOn {
    /// The licence.
    pub licence: String,
    /// Why the bot is not ready there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When somebody agreed to it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_at: Option<Timestamp>,
}

/// How a bot does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BotState {
    /// No host serves it.
    Stopped,
    /// Its session begins.
    Connecting,
    /// Its session lives.
    Connected,
    /// Its session ended; it is begun again.
    Disconnected,
    /// An operator paused it.
    Paused,
}

impl BotState {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Paused => "paused",
        }
    }
}

/// What a bot has to send. What is absent is not known: it is counted from the start of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OutboxCounts {
    /// Parts that are not through.
    pub waiting: u64,
    /// Parts among them that are held.
    pub held: u64,
    /// Parts done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
    /// Parts that failed for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<u64>,
    /// Requests made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried: Option<u64>,
    /// Parts whose end was in doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_doubt: Option<u64>,
    /// Parts that an operator dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
    /// What the last request that failed said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// A plugin of a running host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PluginLine {
    /// Its name.
    pub plugin: String,
    /// `serving`, `refused`, `waiting`, `quarantined`, …
    pub state: String,
    /// The version that serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// When the build that serves was loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Why it, or a change of it, is refused or waits; else its last fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Deliveries that wait for it.
    #[serde(default)]
    pub waiting: u64,
    /// Deliveries that it handled.
    #[serde(default)]
    pub handled: u64,
    /// Calls that failed.
    #[serde(default)]
    pub faults: u64,
    /// Deliveries that became dead letters.
    #[serde(default)]
    pub dead: u64,
    /// What it asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<PluginAsk>,
    /// Where it is called from outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<PluginWebhook>,
    /// How far it is from quarantine, and what led there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<PluginHealth>,
    /// The build that is compared with the one that serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Box<super::ShadowLine>>,
    /// Its new build is being compiled; what serves goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiling: Option<super::CompilingLine>,
}

/// How far a plugin is from quarantine, and what led there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PluginHealth {
    /// The hash of the build that serves.
    pub sha256: String,
    /// It is new, and gives way with its first fault where there is another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub probation: bool,
    /// The version that a rollback puts back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_to: Option<String>,
    /// Deliveries among the last 50 that failed for good.
    #[serde(default)]
    pub failed: u32,
    /// How many more may before quarantine.
    #[serde(default)]
    pub failed_left: u32,
    /// Conversations in which they failed.
    #[serde(default)]
    pub conversations: u32,
    /// In how many more they may before quarantine.
    #[serde(default)]
    pub conversations_left: u32,
    /// When it is tried again, where it is in quarantine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_at: Option<Timestamp>,
    /// Its newest faults, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<FaultLine>,
}

/// A fault of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FaultLine {
    /// When.
    pub at: Timestamp,
    /// The version that had it.
    pub version: String,
    /// The event that it was called with.
    pub event: String,
    /// The event's conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// Which call of the delivery it was.
    pub attempt: u32,
    /// What it says; a guest's backtrace where there is one.
    pub text: String,
}

/// Something that a plugin asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginAsk {
    /// What.
    pub what: String,
    /// What for.
    pub reason: String,
    /// It works without.
    pub optional: bool,
    /// The settings grant it.
    pub granted: bool,
    /// What to write to grant it, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// A webhook of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginWebhook {
    /// Its name.
    pub name: String,
    /// Where it is called.
    pub url: String,
    /// How a sender proves itself: `hmac-sha256`, `token`, `basic` or `none`.
    pub verify: String,
}

/// Something about the settings that a person should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsLine {
    /// They are refused and the last good ones stay in force; else a change waits for the next start.
    pub refused: bool,
    /// What it is, with its line.
    pub text: String,
}

/// A lane of the outbox: what a plugin has to send to a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneLine {
    /// The bot.
    pub bot: String,
    /// The plugin.
    pub plugin: String,
    /// The conversation; `user:` or `email:` and a person where it is not known yet.
    pub conversation: String,
    /// It belongs to broadcasts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub broadcast: bool,
    /// What it waits for.
    pub state: LaneState,
    /// Parts that are not through.
    pub parts: u64,
    /// What the first of them does.
    pub first: String,
    /// The first may have been sent already.
    #[serde(
        default,
        skip_serializing_if = "std::ops::Not::not",
        rename = "in-doubt"
    )]
    pub in_doubt: bool,
    /// When the event came that the first grew out of.
    pub since: Timestamp,
    /// Requests for the first that came to nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tries: u64,
    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What a lane waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LaneState {
    /// Its first part is being sent.
    Sending,
    /// Its turn.
    Ready,
    /// A moment: the platform's pace, or the next try.
    Waiting,
    /// An operator holds it.
    Held,
    /// Its bot is paused.
    Paused,
    /// No host runs.
    Stopped,
}

impl LaneState {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// A broadcast that is not through, or that was just ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BroadcastLine {
    /// Its number.
    pub broadcast: u64,
    /// The bot.
    pub bot: String,
    /// The plugin.
    pub plugin: String,
    /// Parts done.
    pub sent: u64,
    /// Parts that failed for good.
    pub failed: u64,
    /// Parts that are being sent at this moment.
    pub sending: u64,
    /// Parts that wait in lanes.
    pub waiting: u64,
    /// Parts that are not in lanes yet.
    pub to_come: u64,
    /// Parts that were dropped by this request.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// When the event came that it grew out of.
    pub since: Timestamp,
}

/// A hold on the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldLine {
    /// What is held.
    pub held: super::Selector,
    /// It was just ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
}

/// What was dropped of a lane, or is still being sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DroppedLine {
    /// The bot.
    pub bot: String,
    /// The plugin.
    pub plugin: String,
    /// The conversation.
    pub conversation: String,
    /// It belongs to broadcasts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub broadcast: bool,
    /// Parts dropped.
    pub dropped: u64,
    /// Parts among them that may have been sent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub in_doubt: u64,
    /// Parts that are being sent at this moment, and are not dropped.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sending: u64,
}

/// What came of a change of the outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TotalLine {
    /// Parts dropped, those included that were in no lane yet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// Parts among them that may have been sent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub in_doubt: u64,
    /// Parts that are being sent at this moment, and are not dropped.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sending: u64,
    /// Parts that are held now.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held: u64,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationLine {
    /// The bot that is in it.
    pub bot: String,
    /// Its id, for use in settings.
    pub conversation: String,
    /// Its kind.
    pub kind: ConversationKind,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// People of other companies take part.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentLine {
    /// How it stands.
    pub state: SentState,
    /// The bot.
    pub bot: String,
    /// The conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The message's id on the platform; several where it was split.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// What was degraded, or what happened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SentState {
    /// The platform has it.
    Sent,
    /// It will not be sent.
    Failed,
    /// It is in the journal and waits in the outbox.
    Waiting,
}

/// What a reload came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadedLine {
    /// Plugins that serve another build or other settings than before, or serve now.
    pub changed: Vec<String>,
    /// Plugins that serve no more.
    pub removed: Vec<String>,
    /// Plugins of which a change is refused.
    pub refused: Vec<String>,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}
