//! The durable record: inbox, deliveries, plugin state, outbox, timers.
//!
//! The trait is the boundary: everything above it sees turns and never a row. `sqlite` is the
//! embedded store, `memory` serves tests and `parlor chat`; both pass one conformance suite.
//!
//! Writing has two moments. A write is *ordered* when its place is fixed and later calls see it;
//! it is *durable* when it is on disk, and only then may the world hear of it. If a write fails,
//! everything ordered after it fails with it.

mod blobs;
pub mod forget;
pub mod forms;
pub mod lock;
pub mod memory;
pub mod past;
pub mod record;
mod recorded;
pub mod sqlite;

#[cfg(test)]
mod conformance;
mod numbers;
mod open_deliveries;
mod open_requests;
mod shared;

use std::sync::Arc;

use async_trait::async_trait;

pub use blobs::HeldFile;
pub use forget::Forgotten;
pub use forms::{FormChange, FormStep, Gone, OpenForm};
pub use past::*;
pub use record::*;
pub use recorded::{Recorded, RecordedQuery, TimerNote};
pub use sqlite::Keep;

use crate::model::delivery::{Delivery, DeliveryNumber, EventNumber, Route};
use crate::model::event::Event;
use crate::model::{Name, Timestamp};
use crate::telemetry::latency::LatencyCounts;

/// Why the journal did not do something.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk, or the journal's share of it, is full. Intake pauses until there is room.
    #[error("journal is full: {0}")]
    Full(String),
    /// The store failed.
    #[error("journal failed: {0}")]
    Failed(String),
    /// There is no such delivery: its event could not be stored, and comes again where its platform
    /// keeps it.
    #[error("there is no delivery {0}: its event could not be stored")]
    NoDelivery(DeliveryNumber),
    /// The journal was closed.
    #[error("journal is closed")]
    Closed,
    /// The store keeps nothing of the past.
    #[error("journal keeps no past")]
    NoPast,
    /// Another owner has taken over; what this one writes is refused.
    #[error("journal has a newer owner")]
    Fenced,
}

/// The moment at which an ordered write is on disk.
#[derive(Clone, Debug)]
pub struct Durable(Option<tokio::sync::watch::Receiver<Option<Result<(), JournalError>>>>);

impl Durable {
    /// Makes one that is already there.
    pub fn done() -> Self {
        Self(None)
    }

    /// Makes one that comes when the sender says so; dropping the sender counts as [`JournalError::Closed`].
    pub fn pending(
        receiver: tokio::sync::watch::Receiver<Option<Result<(), JournalError>>>,
    ) -> Self {
        Self(Some(receiver))
    }

    /// Tells whether nothing needs to be waited for.
    pub fn is_done(&self) -> bool {
        match &self.0 {
            None => true,
            Some(receiver) => matches!(*receiver.borrow(), Some(Ok(()))),
        }
    }

    /// Tells whether the write, or one ordered before it, failed.
    pub fn has_failed(&self) -> bool {
        match &self.0 {
            None => false,
            Some(receiver) => matches!(*receiver.borrow(), Some(Err(_))),
        }
    }

    /// Waits until the write is on disk.
    ///
    /// # Errors
    /// The error of the write, or of one ordered before it.
    pub async fn wait(self) -> Result<(), JournalError> {
        let Some(mut receiver) = self.0 else {
            return Ok(());
        };
        match receiver.wait_for(Option::is_some).await {
            Ok(end) => end.clone().unwrap_or(Err(JournalError::Closed)),
            Err(_) => Err(JournalError::Closed),
        }
    }
}

/// The answer to a write whose place is fixed.
#[derive(Clone, Debug)]
pub struct Ordered<T> {
    /// What the write came to.
    pub value: T,
    /// When it is on disk.
    pub durable: Durable,
}

/// What became of an arrival.
#[derive(Clone, Debug)]
pub enum Accepted {
    /// It is new; these deliveries belong to it, in the order of the routes.
    New {
        /// The event's number.
        number: EventNumber,
        /// One for each route.
        deliveries: Vec<Delivery>,
    },
    /// Its key was seen before.
    Duplicate,
}

/// What became of a turn.
#[derive(Clone, Debug)]
pub enum Committed {
    /// It is kept; its parts with their numbers, in the turn's order.
    Done(Vec<Part>),
    /// Something that the call read has changed; nothing is kept.
    Conflict,
}

/// A result of the journal.
pub type JournalResult<T> = Result<T, JournalError>;

/// The durable record. Every method may be called from any task; order is the order of the calls.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Stores an arrival with its deliveries, unless its key was seen in the last 24 h or more.
    async fn accept(&self, arrival: Arrival) -> JournalResult<Ordered<Accepted>>;

    /// Stores arrivals in order, as many as it can at one time: the answer may be shorter than the
    /// list, and the rest is to be offered again. Never none: where the first cannot be stored, it
    /// is the error.
    async fn accept_all(&self, arrivals: Vec<Arrival>) -> JournalResult<Ordered<Vec<Accepted>>> {
        let mut value = Vec::with_capacity(arrivals.len());
        let mut durable = Durable::done();
        for arrival in arrivals {
            match self.accept(arrival).await {
                Ok(ordered) => {
                    value.push(ordered.value);
                    durable = ordered.durable;
                }
                Err(error) if value.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(Ordered { value, durable })
    }

    /// Gives an event that was accepted without routes (because its content had to be fetched) its
    /// content and its deliveries.
    async fn route(
        &self,
        number: EventNumber,
        event: Arc<Event>,
        routes: Vec<Route>,
    ) -> JournalResult<Ordered<Vec<Delivery>>>;

    /// Keeps everything that one delivery came to, or nothing.
    async fn commit(&self, turn: Turn) -> JournalResult<Ordered<Committed>>;

    /// Ends a delivery without effects, or records another attempt.
    async fn settle(
        &self,
        delivery: DeliveryNumber,
        end: DeliveryEnd,
    ) -> JournalResult<Ordered<()>>;

    /// Records what became of parts.
    async fn record(&self, updates: Vec<PartUpdate>) -> JournalResult<Ordered<()>>;

    /// Reads a value and its version (0 where there is none).
    async fn state_get(&self, key: &StateKey) -> JournalResult<(Option<Vec<u8>>, u64)>;

    /// Lists keys that begin with `prefix`, after `after`, at most `limit`, with the version of the scope.
    async fn state_keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> JournalResult<(Vec<String>, u64)>;

    /// Bytes that a plugin's state takes.
    async fn state_size(&self, tenant: &str, plugin: &str) -> JournalResult<u64>;

    /// Events that were accepted without routes and still have none, in order, from the one after `after`.
    async fn unrouted(&self, after: EventNumber, limit: usize) -> JournalResult<Vec<Unrouted>>;

    /// Dead letters, in order of their deliveries, from the one after `after`.
    async fn dead_letters(
        &self,
        after: DeliveryNumber,
        limit: usize,
    ) -> JournalResult<Vec<DeadLetter>>;

    /// What has been, the newest first, as far as it is on disk and still kept.
    async fn events(&self, _query: EventQuery) -> JournalResult<Vec<PastEvent>> {
        Err(JournalError::NoPast)
    }

    /// Puts a dead letter back: it is a delivery that is not done, outside of its lane's order.
    /// None where there is no such dead letter.
    async fn put_back(
        &self,
        _delivery: DeliveryNumber,
    ) -> JournalResult<Ordered<Option<Delivery>>> {
        Err(JournalError::NoPast)
    }

    /// Forgets a person: the content of events, what plugins did with them, the user's state, timers
    /// and answers. What is not through yet stays until it is.
    async fn forget(&self, _tenant: &str, _user: &str) -> JournalResult<Forgotten> {
        Err(JournalError::NoPast)
    }

    /// Deliveries that are not done, in order, from the one after `after`.
    async fn pending_deliveries(
        &self,
        after: DeliveryNumber,
        limit: usize,
    ) -> JournalResult<Vec<Delivery>>;

    /// Plugins for which more than this waits. Told from counters: it may be asked for often.
    async fn crowds(&self, _most: DeliveryLoad) -> JournalResult<Vec<Crowd>> {
        Ok(Vec::new())
    }

    /// The oldest of a plugin's deliveries that must go for the rest to keep within `most`: in order,
    /// from the one after `after`, at most `limit`. Those up to `after` count as if they went.
    async fn overflow(
        &self,
        _plugin: &PluginKey,
        _most: DeliveryLoad,
        _after: DeliveryNumber,
        _limit: usize,
    ) -> JournalResult<Vec<Delivery>> {
        Ok(Vec::new())
    }

    /// Ends deliveries as dead letters of one reason, each with what is said of it, in one write.
    /// What is done already, or never was, is passed over. Where the journal's share is nearly used
    /// up, `overflow` is kept no longer than there is room, the oldest going first.
    async fn give_up(
        &self,
        reason: DeadReason,
        letters: Vec<(DeliveryNumber, String)>,
    ) -> JournalResult<Ordered<()>> {
        let mut durable = Durable::done();
        for (delivery, detail) in letters {
            match self
                .settle(delivery, DeliveryEnd::Dead(reason, detail))
                .await
            {
                Ok(ordered) => durable = ordered.durable,
                Err(JournalError::NoDelivery(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Ordered { value: (), durable })
    }

    /// Parts that are not through, in order, from the one after `after`.
    async fn pending_parts(&self, after: PartNumber, limit: usize) -> JournalResult<Vec<Part>>;

    /// Broadcasts that are not through, in order, from the one after `after`.
    async fn pending_broadcasts(
        &self,
        after: BroadcastNumber,
        limit: usize,
    ) -> JournalResult<Vec<Broadcast>>;

    /// Makes the parts of a broadcast's next targets: at most `rows`, but those of one target at
    /// least. There are none where the broadcast is not as it is told to be.
    async fn expand(&self, broadcast: &Broadcast, rows: usize)
    -> JournalResult<Ordered<Vec<Part>>>;

    /// Drops targets of a broadcast whose parts are not made; these are kept. Tells whether it did:
    /// it does not where the broadcast is not as it is told to be.
    async fn retarget(
        &self,
        broadcast: &Broadcast,
        kept: Vec<Name>,
    ) -> JournalResult<Ordered<bool>>;

    /// A plugin's requests that have not ended, in order, from the one after `after`.
    async fn pending_requests(
        &self,
        tenant: &str,
        plugin: &str,
        after: RequestNumber,
        limit: usize,
    ) -> JournalResult<Vec<PendingRequest>>;

    /// Records that a request is about to leave, or that it certainly has not left. It ends with
    /// the [arrival](Arrival::request) of its answer.
    async fn mark_request(
        &self,
        request: RequestNumber,
        state: RequestState,
    ) -> JournalResult<Ordered<()>>;

    /// What a plugin's requests that have not ended amount to.
    async fn request_load(&self, tenant: &str, plugin: &str) -> JournalResult<RequestLoad>;

    /// Timers due at `now` that are not parked: all of them, oldest first, where they are at most
    /// `limit`; else plugins take turns, those after `after` first, at most `each` timers of one.
    async fn due_timers(
        &self,
        now: Timestamp,
        after: Option<&PluginKey>,
        each: usize,
        limit: usize,
    ) -> JournalResult<Vec<Timer>>;

    /// When the next timer is due that is not parked.
    async fn next_timer(&self) -> JournalResult<Option<Timestamp>>;

    /// Parks the timers that a plugin has, or takes them up again. One that is set later is not parked.
    async fn park_timers(
        &self,
        tenant: &str,
        plugin: &str,
        is_parked: bool,
    ) -> JournalResult<Ordered<()>>;

    /// Tells whether a timer is set.
    async fn has_timer(&self, key: &TimerKey) -> JournalResult<bool>;

    /// Number of timers a plugin has.
    async fn timer_count(&self, tenant: &str, plugin: &str) -> JournalResult<u64>;

    /// Forms and buttons that may still be used.
    async fn open_forms(&self) -> JournalResult<Vec<OpenForm>>;

    /// The message that a plugin's key names.
    async fn message_by_key(
        &self,
        tenant: &str,
        plugin: &str,
        key: &str,
    ) -> JournalResult<Option<SentMessage>>;

    /// A message that a plugin sent with a bot and that is remembered, by the platform's id.
    async fn sent_message(
        &self,
        tenant: &str,
        plugin: &str,
        bot: &str,
        message: &str,
    ) -> JournalResult<Option<SentMessage>>;

    /// Puts a file beside the journal, on disk before this returns, and holds it there until a turn
    /// that names it is ordered; after that it stays while a part of the turn is open. None where
    /// this journal keeps files in its records.
    async fn keep_file(&self, _bytes: &[u8]) -> JournalResult<Option<HeldFile>> {
        Ok(None)
    }

    /// Reads a file that is kept beside the journal.
    async fn kept_file(&self, sha256: &str) -> JournalResult<Vec<u8>> {
        Err(JournalError::Failed(format!("no file {sha256} is kept")))
    }

    /// How often a plugin's joins brought a bot into a conversation, less its leaves.
    async fn join_count(
        &self,
        tenant: &str,
        plugin: &str,
        bot: &str,
        conversation: &str,
    ) -> JournalResult<u64>;

    /// Reads a small named value of the host's own (high-water marks, `started` marks).
    async fn host_value(&self, name: &str) -> JournalResult<Option<String>>;

    /// Writes a small named value of the host's own.
    async fn set_host_value(&self, name: &str, value: &str) -> JournalResult<Ordered<()>>;

    /// How long batches took until they were on disk, where the store has one.
    fn commit_times(&self) -> Option<LatencyCounts> {
        None
    }

    /// Counts, for status pages.
    async fn counts(&self) -> JournalResult<Counts>;

    /// Keeps what is finished as long as this from now on, where the store keeps it at all.
    fn set_keep(&self, _keep: Keep) {}

    /// Drops what its age allows, in bounded turns.
    async fn prune(&self, now: Timestamp) -> JournalResult<()>;

    /// Waits until everything ordered is on disk and closes the store.
    async fn close(&self) -> JournalResult<()>;
}
