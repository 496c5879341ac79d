//! A journal whose disk can fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::fakes::Door;
use crate::journal::memory::MemoryJournal;
use crate::journal::{
    Accepted, Arrival, Broadcast, BroadcastNumber, Committed, Counts, Crowd, DeadLetter,
    DeliveryEnd, DeliveryLoad, Durable, Journal, JournalError, JournalResult, OpenForm, Ordered,
    Part, PartNumber, PartState, PartUpdate, PendingRequest, PluginKey, RequestLoad, RequestNumber,
    RequestState, SentMessage, StateKey, StateScope, Timer, TimerKey, Turn, Unrouted,
};
use crate::model::delivery::{Delivery, DeliveryNumber, EventNumber, Route};
use crate::model::event::Event;
use crate::model::{Name, Timestamp};

/// Says that a write is on disk, or lost.
type Written = watch::Sender<Option<Result<(), JournalError>>>;

/// A journal whose writes come to the disk when the test says so, or are lost.
pub(crate) struct ShakyJournal {
    pub(crate) inner: MemoryJournal,
    pub(crate) is_full: AtomicBool,
    pub(crate) holds_writes: AtomicBool,
    pub(crate) refusals: AtomicU64,
    /// A door that each commit passes before it is ordered.
    pub(crate) order: Door,
    next_part: AtomicU64,
    ordered: Mutex<Vec<(Turn, Written)>>,
}

impl ShakyJournal {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryJournal::new(),
            is_full: AtomicBool::new(false),
            holds_writes: AtomicBool::new(false),
            refusals: AtomicU64::new(0),
            order: Door::opened(),
            next_part: AtomicU64::new(1),
            ordered: Mutex::default(),
        })
    }

    pub(crate) fn ordered(&self) -> usize {
        self.ordered.lock().len()
    }

    /// Brings what was ordered to the disk.
    pub(crate) async fn sync(&self) {
        let ordered = std::mem::take(&mut *self.ordered.lock());
        for (turn, done) in ordered {
            self.inner.commit(turn).await.unwrap();
            done.send_replace(Some(Ok(())));
        }
    }

    /// Loses what was ordered.
    pub(crate) fn lose(&self) {
        for (_, done) in std::mem::take(&mut *self.ordered.lock()) {
            done.send_replace(Some(Err(JournalError::Full("no room".to_owned()))));
        }
    }

    fn check_room(&self) -> JournalResult<()> {
        if self.is_full.load(Ordering::Relaxed) {
            self.refusals.fetch_add(1, Ordering::Relaxed);
            return Err(JournalError::Full("no room".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl Journal for ShakyJournal {
    async fn accept(&self, arrival: Arrival) -> JournalResult<Ordered<Accepted>> {
        self.inner.accept(arrival).await
    }
    async fn route(
        &self,
        number: EventNumber,
        event: Arc<Event>,
        routes: Vec<Route>,
    ) -> JournalResult<Ordered<Vec<Delivery>>> {
        self.inner.route(number, event, routes).await
    }
    async fn commit(&self, turn: Turn) -> JournalResult<Ordered<Committed>> {
        self.order.pass().await;
        self.check_room()?;
        if !self.holds_writes.load(Ordering::Relaxed) {
            return self.inner.commit(turn).await;
        }
        let parts = turn.parts.iter().map(|what| Part {
            number: self.next_part.fetch_add(1, Ordering::Relaxed),
            tenant: Name::clone(&turn.tenant),
            plugin: Name::clone(&turn.plugin),
            delivery: turn.delivery,
            origin: Arc::clone(&turn.event),
            what: what.clone(),
            broadcast: None,
            state: PartState::Queued,
            attempts: 0,
        });
        let parts = parts.collect();
        let (done, wait) = watch::channel(None);
        self.ordered.lock().push((turn, done));
        Ok(Ordered {
            value: Committed::Done(parts),
            durable: Durable::pending(wait),
        })
    }
    async fn settle(
        &self,
        delivery: DeliveryNumber,
        end: DeliveryEnd,
    ) -> JournalResult<Ordered<()>> {
        self.check_room()?;
        self.inner.settle(delivery, end).await
    }
    async fn record(&self, updates: Vec<PartUpdate>) -> JournalResult<Ordered<()>> {
        self.check_room()?;
        self.inner.record(updates).await
    }
    async fn state_get(&self, key: &StateKey) -> JournalResult<(Option<Vec<u8>>, u64)> {
        self.inner.state_get(key).await
    }
    async fn state_keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> JournalResult<(Vec<String>, u64)> {
        self.inner.state_keys(scope, prefix, after, limit).await
    }
    async fn state_size(&self, tenant: &str, plugin: &str) -> JournalResult<u64> {
        self.inner.state_size(tenant, plugin).await
    }
    async fn unrouted(&self, after: EventNumber, limit: usize) -> JournalResult<Vec<Unrouted>> {
        self.inner.unrouted(after, limit).await
    }
    async fn dead_letters(
        &self,
        after: DeliveryNumber,
        limit: usize,
    ) -> JournalResult<Vec<DeadLetter>> {
        self.inner.dead_letters(after, limit).await
    }
    async fn pending_deliveries(
        &self,
        after: DeliveryNumber,
        limit: usize,
    ) -> JournalResult<Vec<Delivery>> {
        self.inner.pending_deliveries(after, limit).await
    }
    async fn crowds(&self, most: DeliveryLoad) -> JournalResult<Vec<Crowd>> {
        self.inner.crowds(most).await
    }
    async fn overflow(
        &self,
        plugin: &PluginKey,
        most: DeliveryLoad,
        after: DeliveryNumber,
        limit: usize,
    ) -> JournalResult<Vec<Delivery>> {
        self.inner.overflow(plugin, most, after, limit).await
    }
    async fn pending_parts(&self, after: PartNumber, limit: usize) -> JournalResult<Vec<Part>> {
        self.inner.pending_parts(after, limit).await
    }
    async fn pending_broadcasts(
        &self,
        after: BroadcastNumber,
        limit: usize,
    ) -> JournalResult<Vec<Broadcast>> {
        self.inner.pending_broadcasts(after, limit).await
    }
    async fn expand(
        &self,
        broadcast: &Broadcast,
        rows: usize,
    ) -> JournalResult<Ordered<Vec<Part>>> {
        self.inner.expand(broadcast, rows).await
    }
    async fn retarget(
        &self,
        broadcast: &Broadcast,
        kept: Vec<Name>,
    ) -> JournalResult<Ordered<bool>> {
        self.inner.retarget(broadcast, kept).await
    }
    async fn pending_requests(
        &self,
        tenant: &str,
        plugin: &str,
        after: RequestNumber,
        limit: usize,
    ) -> JournalResult<Vec<PendingRequest>> {
        self.inner
            .pending_requests(tenant, plugin, after, limit)
            .await
    }
    async fn mark_request(
        &self,
        request: RequestNumber,
        state: RequestState,
    ) -> JournalResult<Ordered<()>> {
        self.check_room()?;
        self.inner.mark_request(request, state).await
    }
    async fn request_load(&self, tenant: &str, plugin: &str) -> JournalResult<RequestLoad> {
        self.inner.request_load(tenant, plugin).await
    }
    async fn due_timers(
        &self,
        now: Timestamp,
        after: Option<&PluginKey>,
        each: usize,
        limit: usize,
    ) -> JournalResult<Vec<Timer>> {
        self.inner.due_timers(now, after, each, limit).await
    }
    async fn next_timer(&self) -> JournalResult<Option<Timestamp>> {
        self.inner.next_timer().await
    }
    async fn park_timers(
        &self,
        tenant: &str,
        plugin: &str,
        is_parked: bool,
    ) -> JournalResult<Ordered<()>> {
        self.check_room()?;
        self.inner.park_timers(tenant, plugin, is_parked).await
    }
    async fn has_timer(&self, key: &TimerKey) -> JournalResult<bool> {
        self.inner.has_timer(key).await
    }
    async fn timer_count(&self, tenant: &str, plugin: &str) -> JournalResult<u64> {
        self.inner.timer_count(tenant, plugin).await
    }
    async fn open_forms(&self) -> JournalResult<Vec<OpenForm>> {
        self.inner.open_forms().await
    }
    async fn message_by_key(
        &self,
        tenant: &str,
        plugin: &str,
        key: &str,
    ) -> JournalResult<Option<SentMessage>> {
        self.inner.message_by_key(tenant, plugin, key).await
    }
    async fn sent_message(
        &self,
        tenant: &str,
        plugin: &str,
        bot: &str,
        message: &str,
    ) -> JournalResult<Option<SentMessage>> {
        self.inner.sent_message(tenant, plugin, bot, message).await
    }
    async fn join_count(
        &self,
        tenant: &str,
        plugin: &str,
        bot: &str,
        conversation: &str,
    ) -> JournalResult<u64> {
        self.inner
            .join_count(tenant, plugin, bot, conversation)
            .await
    }
    async fn host_value(&self, name: &str) -> JournalResult<Option<String>> {
        self.inner.host_value(name).await
    }
    async fn set_host_value(&self, name: &str, value: &str) -> JournalResult<Ordered<()>> {
        self.check_room()?;
        self.inner.set_host_value(name, value).await
    }
    async fn counts(&self) -> JournalResult<Counts> {
        self.inner.counts().await
    }
    async fn prune(&self, now: Timestamp) -> JournalResult<()> {
        self.inner.prune(now).await
    }
    async fn close(&self) -> JournalResult<()> {
        self.inner.close().await
    }
}
