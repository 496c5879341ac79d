//! What the journal keeps, as its callers see it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{FormChange, OpenForm};
use crate::model::action::{Action, Missed, Schedule};
use crate::model::delivery::{Delivery, DeliveryNumber, EventNumber, Route};
use crate::model::event::{Event, Visibility};
use crate::model::payload::ActionError;
use crate::model::{Name, Timestamp};

/// The number of a part in the journal.
pub type PartNumber = u64;
/// The number of a request in the journal.
pub type RequestNumber = u64;

/// A plugin of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginKey {
    /// The tenant.
    pub tenant: Name,
    /// The plugin.
    pub plugin: Name,
}

/// The number of a broadcast in the journal.
pub type BroadcastNumber = u64;

/// What makes a platform's event one and the same: a hash of what the connector states as its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventKey(pub [u8; 16]);

impl EventKey {
    /// Makes the key of an event: the parts are hashed with their lengths, so that they cannot run together.
    pub fn new(parts: &[&str]) -> Self {
        use sha2::Digest as _;
        let mut hash = sha2::Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Self(key)
    }
}

/// An event to store.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The tenant.
    pub tenant: Name,
    /// Its key.
    pub key: EventKey,
    /// The event. Its `sequence` is set by the journal: the event's number.
    pub event: Arc<Event>,
    /// Whose order it keeps; empty where it has no conversation.
    pub lane: Name,
    /// Who gets it; none while its content has to be fetched.
    pub routes: Option<Vec<Route>>,
    /// The timer it comes from, to be re-armed or removed in the same transaction.
    pub timer: Option<FiredTimer>,
    /// The request that it answers, ended in the same transaction. Where that has ended already,
    /// the event counts as a duplicate.
    pub request: Option<RequestNumber>,
    /// Forms that it changes.
    pub forms: Vec<FormChange>,
}

/// A timer whose firing is stored.
#[derive(Clone, Debug)]
pub struct FiredTimer {
    /// The timer.
    pub key: TimerKey,
    /// When it was due.
    pub due_at: Timestamp,
    /// When it is due next; none ends it.
    pub next: Option<Timestamp>,
}

/// What names a timer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimerKey {
    /// The tenant.
    pub tenant: Name,
    /// The plugin.
    pub plugin: Name,
    /// The conversation; empty where there is none.
    pub conversation: Name,
    /// Its name.
    pub name: String,
}

/// A timer.
#[derive(Clone, Debug)]
pub struct Timer {
    /// What names it.
    pub key: TimerKey,
    /// When it is due.
    pub due_at: Timestamp,
    /// Its rule.
    pub schedule: Schedule,
    /// What of a missed firing.
    pub missed: Missed,
    /// What comes back with it.
    pub payload: String,
    /// The event that set it: gives bot, conversation and actor to its firing. Without its payload.
    pub origin: Arc<Event>,
}

/// A change of timers in a turn.
#[derive(Clone, Debug)]
pub enum TimerChange {
    /// Sets or replaces one.
    Set(Timer),
    /// Ends one; none there is no error.
    Cancel(TimerKey),
}

/// Whose state it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StateScope {
    /// The tenant.
    pub tenant: Name,
    /// The plugin.
    pub plugin: Name,
    /// `p`, or `c` and a conversation's id, or `u` and a user's id.
    pub scope: Name,
}

/// What names a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StateKey {
    /// Whose it is.
    pub scope: StateScope,
    /// Its key.
    pub key: String,
}

/// What a call does to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateChange {
    /// Sets it, until a moment where given.
    Set(Vec<u8>, Option<Timestamp>),
    /// Deletes it.
    Delete,
    /// Adds to the decimal number it holds, 0 where there is none. A value that is no number counts as 0.
    Add(i64),
}

/// What a call read, listed and wrote.
#[derive(Clone, Debug, Default)]
pub struct StateDelta {
    /// Keys read, with the versions seen.
    pub reads: Vec<(StateKey, u64)>,
    /// Scopes listed, with the versions seen.
    pub lists: Vec<(StateScope, u64)>,
    /// Writes, in order.
    pub writes: Vec<(StateKey, StateChange)>,
}

impl StateDelta {
    /// Tells whether the call depends on anything it read.
    pub fn has_reads(&self) -> bool {
        !self.reads.is_empty() || !self.lists.is_empty()
    }
}

/// The order in which lanes are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// An answer to a person.
    Answer,
    /// What a timer made.
    Timer,
    /// One of many.
    Broadcast,
}

/// An action to perform, resolved and split so that it is one request to the platform.
#[derive(Clone, Debug)]
pub struct NewPart {
    /// The bot that performs it.
    pub bot: Name,
    /// Its conversation; empty where it is not known yet or there is none.
    pub conversation: Name,
    /// Its place in the plugin's list.
    pub index: u32,
    /// Its place in the action.
    pub part: u32,
    /// How urgent it is.
    pub urgency: Urgency,
    /// The action, with every target resolved as far as it can be.
    pub action: Arc<Action>,
    /// It is marked as being sent with the commit, because its lane is empty and reserved.
    pub sending: bool,
}

/// One message for many conversations: a body that is stored once, and parts made of it a few
/// targets at a time.
#[derive(Clone, Debug)]
pub struct NewBroadcast {
    /// The bot that sends it.
    pub bot: Name,
    /// Its place in the plugin's list.
    pub index: u32,
    /// What each conversation gets, one request an entry; never empty. Their target is the part's
    /// own conversation.
    pub actions: Vec<Arc<Action>>,
    /// The conversations, in order; never empty.
    pub targets: Vec<Name>,
}

/// A broadcast that is not through.
#[derive(Clone, Debug)]
pub struct Broadcast {
    /// Its number.
    pub number: BroadcastNumber,
    /// The tenant.
    pub tenant: Name,
    /// The plugin.
    pub plugin: Name,
    /// The delivery it comes from.
    pub delivery: DeliveryNumber,
    /// The event it grew out of.
    pub origin: Arc<Event>,
    /// What goes where. Targets that were dropped are not among them.
    pub what: Arc<NewBroadcast>,
    /// Targets whose parts are made; they come first.
    pub expanded: usize,
    /// Parts done.
    pub sent: u64,
    /// Parts that failed for good, were skipped or dropped.
    pub failed: u64,
}

impl Broadcast {
    /// Targets whose parts are not made.
    pub fn targets_left(&self) -> usize {
        self.what.targets.len().saturating_sub(self.expanded)
    }

    /// Parts that are not made.
    pub fn parts_left(&self) -> usize {
        self.targets_left().saturating_mul(self.what.actions.len())
    }
}

/// A part with its place in the journal.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its number; also its idempotency key on platforms that take one.
    pub number: PartNumber,
    /// The tenant.
    pub tenant: Name,
    /// The plugin.
    pub plugin: Name,
    /// The delivery it comes from.
    pub delivery: DeliveryNumber,
    /// The event it grew out of: bot, conversation, thread and actor of outcomes.
    pub origin: Arc<Event>,
    /// What is to be done.
    pub what: NewPart,
    /// The broadcast it belongs to.
    pub broadcast: Option<BroadcastNumber>,
    /// Its state. [`PartState::Sending`] after a start means that its end is in doubt.
    pub state: PartState,
    /// Requests made so far.
    pub attempts: u32,
}

/// Where a part stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartState {
    /// Waits.
    Queued,
    /// A request is about to leave or has left.
    Sending,
    /// Done.
    Sent,
    /// Not done, for good.
    Failed,
    /// Not tried, because one before it in its list failed.
    Skipped,
}

/// A message that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// The bot.
    pub bot: String,
    /// The conversation.
    pub conversation: String,
    /// The message.
    pub message: String,
    /// How it was sent.
    pub how: SentAs,
}

/// How a message was sent: what it must be sent as where it is sent anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentAs {
    /// Who sees it.
    pub visibility: Visibility,
    /// The thread.
    pub thread: Option<String>,
}

/// How a performed part ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// The message made.
    pub message: Option<String>,
    /// The conversation made or used.
    pub conversation: Option<String>,
    /// What was degraded or noted.
    pub notes: Vec<String>,
    /// The bot was a member before; for `join`.
    pub was_member: bool,
}

/// What became of a part.
#[derive(Clone, Debug)]
pub enum PartUpdate {
    /// Its request is about to leave.
    Sending(PartNumber),
    /// It waits again; its request was certainly not performed.
    Queued(PartNumber),
    /// It is done.
    Sent {
        /// The part.
        part: PartNumber,
        /// How.
        sent: Sent,
        /// Forms and buttons that can be used now.
        forms: Vec<OpenForm>,
        /// The message's name for its plugin.
        key: Option<String>,
        /// How the message was sent, where it is remembered as the plugin's own.
        how: Option<SentAs>,
        /// What it adds to the plugin's joins of this conversation.
        joins: i64,
    },
    /// It failed for good.
    Failed(PartNumber, ActionError, String),
    /// It is not tried.
    Skipped(PartNumber),
}

/// A request to make after the commit.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// The action's key.
    pub key: String,
    /// Its place in the plugin's list.
    pub index: u32,
    /// What is asked.
    pub request: crate::model::action::Request,
}

/// A request that has not ended, with its place in the journal.
#[derive(Clone, Debug)]
pub struct PendingRequest {
    /// Its number.
    pub number: RequestNumber,
    /// The tenant.
    pub tenant: Name,
    /// The plugin.
    pub plugin: Name,
    /// The event it grew out of, as the plugin saw it: gives bot, conversation, thread and actor to
    /// the answer.
    pub origin: Arc<Event>,
    /// What is to be requested.
    pub what: NewRequest,
    /// Made of chance when it was stored: the same in every try, and never used for another.
    pub token: String,
    /// Its state. [`RequestState::Sending`] after a start means that its end is in doubt.
    pub state: RequestState,
    /// Tries that were begun.
    pub attempts: u32,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestState {
    /// Waits.
    Queued,
    /// Is about to leave or has left.
    Sending,
}

/// What requests amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestLoad {
    /// How many.
    pub count: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
}

/// What deliveries that are not done amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeliveryLoad {
    /// How many.
    pub count: u64,
    /// Bytes of their events, as the store keeps them.
    pub bytes: u64,
}

impl DeliveryLoad {
    /// Tells whether it is more than this, by count or by bytes.
    pub fn is_over(&self, most: Self) -> bool {
        self.count > most.count || self.bytes > most.bytes
    }
}

/// A plugin for which too much waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crowd {
    /// The plugin.
    pub plugin: PluginKey,
    /// What waits for it.
    pub load: DeliveryLoad,
}

/// Everything that one delivery came to.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The delivery.
    pub delivery: DeliveryNumber,
    /// The tenant.
    pub tenant: Name,
    /// The plugin.
    pub plugin: Name,
    /// The event it handled.
    pub event: Arc<Event>,
    /// State read and written.
    pub state: StateDelta,
    /// Actions, in order.
    pub parts: Vec<NewPart>,
    /// Messages for many conversations.
    pub broadcasts: Vec<NewBroadcast>,
    /// Timers.
    pub timers: Vec<TimerChange>,
    /// Requests.
    pub requests: Vec<NewRequest>,
    /// The number of the call's event, for the record.
    pub number: EventNumber,
    /// Microseconds that the call took.
    pub took_us: u64,
}

/// How a delivery ends that keeps nothing, or goes on.
#[derive(Clone, Debug)]
pub enum DeliveryEnd {
    /// The plugin refused it, with its reason.
    Refused(String),
    /// It goes to the dead letters.
    Dead(DeadReason, String),
    /// It will be tried again; the number of the next attempt.
    Again(u32),
}

/// Why a delivery is a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeadReason {
    /// Its tries are used up.
    Failed,
    /// It waited too long.
    Expired,
    /// Too many waited.
    Overflow,
    /// Its list of actions was refused.
    Refused,
    /// It grew out of itself too often.
    Loop,
    /// Its plugin is gone.
    Removed,
}

impl DeadReason {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Overflow => "overflow",
            Self::Refused => "refused",
            Self::Loop => "loop",
            Self::Removed => "removed",
        }
    }
}

/// A delivery that was given up.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The delivery.
    pub delivery: Delivery,
    /// Why.
    pub reason: DeadReason,
    /// What happened.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

/// An event whose content has to be fetched before it has routes.
#[derive(Clone, Debug)]
pub struct Unrouted {
    /// Its number.
    pub number: EventNumber,
    /// The tenant.
    pub tenant: Name,
    /// Whose order it keeps.
    pub lane: Name,
    /// The event as far as it is known.
    pub event: Arc<Event>,
}

/// Counts of what the journal holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Events.
    pub events: u64,
    /// Deliveries that are not done.
    pub pending_deliveries: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Parts that are not through, those of broadcasts included that are not made yet.
    pub pending_parts: u64,
    /// Requests that have not ended.
    pub pending_requests: u64,
    /// Timers.
    pub timers: u64,
    /// Bytes on disk.
    pub bytes: u64,
}
