//! What has been: events that came in, what each plugin did with them, and how each action stands.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::DeadReason;
use crate::model::action::Action;
use crate::model::delivery::{DeliveryNumber, EventNumber, View};
use crate::model::event::Event;
use crate::model::{Name, Timestamp};

/// Deliveries of one event that are told; more are counted.
pub const MAX_PAST_DELIVERIES: usize = 100;
/// Actions of one delivery that are told; more are counted.
pub const MAX_PAST_ACTIONS: usize = 100;

/// Which events are asked for, the newest first; what is absent means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventQuery {
    /// Only this one, by number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<EventNumber>,
    /// Only those before this number: the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<EventNumber>,
    /// Only those stored at this moment or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only those of this bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bot: Option<String>,
    /// Only those that this plugin got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// Only those of this conversation, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// Only those of this trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Only those that are a dead letter: of the plugin, where one is named.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dead: bool,
    /// At most so many.
    pub limit: usize,
}

/// An event with what became of it.
#[derive(Clone, Debug)]
pub struct PastEvent {
    /// Its number.
    pub number: EventNumber,
    /// The tenant.
    pub tenant: Name,
    /// When it was stored.
    pub stored_at: Timestamp,
    /// The event.
    pub event: Arc<Event>,
    /// What each plugin did with it, at most [`MAX_PAST_DELIVERIES`].
    pub deliveries: Vec<PastDelivery>,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PastState {
    /// It is not through.
    Waiting,
    /// It is kept.
    Done,
    /// The plugin refused it.
    Refused,
    /// It is a dead letter.
    Dead,
}

/// What a plugin did with an event.
#[derive(Clone, Debug)]
pub struct PastDelivery {
    /// Its number.
    pub number: DeliveryNumber,
    /// The plugin.
    pub plugin: Name,
    /// How the plugin saw the event.
    pub view: View,
    /// How it stands.
    pub state: PastState,
    /// Tries begun.
    pub attempt: u32,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Microseconds that the call took which was kept.
    pub took_us: Option<u64>,
    /// Why it is a dead letter.
    pub reason: Option<DeadReason>,
    /// What happened.
    pub detail: Option<String>,
    /// When an operator put it back from the dead letters.
    pub put_back: Option<Timestamp>,
    /// What the plugin asked for, at most [`MAX_PAST_ACTIONS`].
    pub actions: Vec<PastAction>,
}

/// How an action stands.
#[derive(Clone, Debug)]
pub struct PastAction {
    /// Its place in the plugin's list.
    pub index: u32,
    /// The part of it that this is.
    pub part: u32,
    /// What it does: the action's name, `broadcast` or `request`.
    pub what: String,
    /// The bot; empty for a request.
    pub bot: String,
    /// The conversation, as far as it is known.
    pub conversation: String,
    /// `queued`, `sending`, `sent`, `failed`, `skipped`; of a request `queued`, `sending`, `done`.
    pub state: String,
    /// Requests that were begun.
    pub attempts: u32,
    /// The message made.
    pub message: Option<String>,
    /// Why it failed, or what was noted.
    pub detail: Option<String>,
    /// What was asked for; none for broadcasts and requests, and where a person was forgotten.
    pub action: Option<Arc<Action>>,
}
