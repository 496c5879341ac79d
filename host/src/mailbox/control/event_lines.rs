//! Lines about events: what came in, what each plugin did with it, how each action stands.

use serde::{Deserialize, Serialize};

use crate::journal::{DeadReason, PastState};
use crate::model::Timestamp;

/// An event that came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EventLine {
    /// Its number.
    pub event: u64,
    /// When it was stored.
    pub at: Timestamp,
    /// What it is: `message`, `form-submitted`, …
    pub kind: String,
    /// The bot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<String>,
    /// The conversation, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The conversation's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_name: Option<String>,
    /// Who did it, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The name that people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The beginning of what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The event that it grew out of, by the platform's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What joins it with logs, and with what a person was told.
    pub trace: String,
    /// What each plugin did with it.
    pub deliveries: Vec<DeliveryLine>,
}

/// What a plugin did with an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DeliveryLine {
    /// Its number.
    pub delivery: u64,
    /// The plugin.
    pub plugin: String,
    /// The command that it matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// How it stands.
    pub state: PastState,
    /// Tries begun.
    pub tries: u32,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Milliseconds from when the event was stored to when the delivery ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<u64>,
    /// Microseconds that the plugin took, of the try that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
    /// Why it is a dead letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<DeadReason>,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When an operator put it back, outside of its conversation's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put_back: Option<Timestamp>,
    /// What the plugin asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionLine>,
}

/// How an action stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ActionLine {
    /// Its place in the plugin's list, from 0.
    pub index: u32,
    /// The part of it, from 0.
    pub part: u32,
    /// What it does.
    pub action: String,
    /// `queued`, `sending`, `sent`, `failed`, `skipped` or `done`.
    pub state: String,
    /// Requests that were begun.
    pub tries: u32,
    /// The bot.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bot: String,
    /// The conversation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub conversation: String,
    /// The message made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why it failed, or what was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A dead letter that was put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PutBackLine {
    /// The event.
    pub event: u64,
    /// The delivery.
    pub delivery: u64,
    /// The plugin.
    pub plugin: String,
    /// Why it had been given up.
    pub reason: DeadReason,
}

/// What was forgotten of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ForgotLine {
    /// The user, by id.
    pub user: String,
    /// Events whose content is gone.
    pub events: u64,
    /// Deliveries that had not ended, and were given up.
    pub given_up: u64,
    /// Values of plugins' state of that user.
    pub values: u64,
    /// Timers that the person's events had set.
    pub timers: u64,
    /// Open forms that knew the person.
    pub forms: u64,
    /// Actions that grew out of those events and are not through; they are still performed.
    pub actions: u64,
    /// Copies of the journal from before an upgrade, which are gone.
    pub copies: u64,
}
