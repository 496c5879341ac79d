//! The journal in memory: for tests and `parlor chat`.
//!
//! Nothing outlives the process, so everything ordered counts as durable at once. Events live as
//! long as a delivery or a part needs them; keys of events are remembered up to a bound.

mod broadcasts;
mod desk;
mod parts;
mod past;
mod requests;
mod sent;
mod state;
#[cfg(test)]
mod tests;
mod timers;
mod waiting;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;

use self::broadcasts::Broadcasts;
use self::desk::Desk;
use self::state::StateTable;
use self::waiting::Waiting;
use super::numbers::{NumberMap, RecentKeys};
use super::open_requests::plugin_key;
use super::shared::{deliveries, keeps_to_itself, number_event, parts, tenant_key};
use super::{
    Accepted, Arrival, Broadcast, BroadcastNumber, Committed, Counts, Crowd, DeadLetter,
    DeliveryEnd, DeliveryLoad, Durable, EventQuery, Forgotten, Journal, JournalError,
    JournalResult, OpenForm, Ordered, Part, PartNumber, PartUpdate, PastEvent, PendingRequest,
    PluginKey, RequestLoad, RequestNumber, RequestState, SentMessage, StateKey, StateScope, Timer,
    TimerKey, Turn, Unrouted,
};
use crate::mailbox::{Clock, SystemClock};
use crate::model::delivery::{Delivery, DeliveryNumber, EventNumber, Route};
use crate::model::event::Event;
use crate::model::{Name, Timestamp};

/// Locks that share the load of each table; a power of two.
const SHARDS: usize = 16;
/// Event keys remembered in each shard: at least these, at most twice as many.
const KEYS_IN_SHARD: usize = 32_768;
/// Deliveries that may be open at one time, and parts.
const OPEN_ROWS: usize = 1_000_000;

/// A journal that keeps everything in memory.
pub struct MemoryJournal {
    is_closed: AtomicBool,
    next_event: AtomicU64,
    next_delivery: AtomicU64,
    next_part: AtomicU64,
    next_request: AtomicU64,
    next_version: AtomicU64,
    keys: [Mutex<RecentKeys>; SHARDS],
    waiting: Waiting,
    open_parts: [Mutex<NumberMap<Part>>; SHARDS],
    state: [Mutex<StateTable>; SHARDS],
    desk: Mutex<Desk>,
    broadcasts: Mutex<Broadcasts>,
    clock: Arc<dyn Clock>,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryJournal {
    /// Makes an empty journal.
    pub fn new() -> Self {
        Self::at(Arc::new(SystemClock))
    }

    /// Makes an empty journal with a clock of its own.
    pub fn at(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            is_closed: AtomicBool::new(false),
            next_event: AtomicU64::new(1),
            next_delivery: AtomicU64::new(1),
            next_part: AtomicU64::new(1),
            next_request: AtomicU64::new(1),
            next_version: AtomicU64::new(1),
            keys: std::array::from_fn(|_| Mutex::new(RecentKeys::new(KEYS_IN_SHARD))),
            waiting: Waiting::default(),
            open_parts: std::array::from_fn(|_| Mutex::default()),
            state: std::array::from_fn(|_| Mutex::default()),
            desk: Mutex::default(),
            broadcasts: Mutex::default(),
        }
    }

    fn check_open(&self) -> JournalResult<()> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(JournalError::Closed);
        }
        Ok(())
    }

    /// Tells deliveries that are done from those that never were.
    fn check_known(&self, delivery: DeliveryNumber) -> JournalResult<()> {
        let next = self.next_delivery.load(Ordering::Relaxed);
        if delivery > 0 && delivery < next {
            return Ok(());
        }
        Err(JournalError::NoDelivery(delivery))
    }

    fn state_of(&self, tenant: &str, plugin: &str) -> &Mutex<StateTable> {
        let hash = tenant
            .bytes()
            .chain([0])
            .chain(plugin.bytes())
            .fold(0usize, |hash, byte| {
                hash.wrapping_mul(31).wrapping_add(usize::from(byte))
            });
        &self.state[hash % SHARDS]
    }

    /// Gives an event its number, and its deliveries theirs.
    fn deliver(
        &self,
        tenant: &Name,
        lane: &Name,
        event: &Arc<Event>,
        routes: Vec<Route>,
    ) -> Vec<Delivery> {
        let first = self
            .next_delivery
            .fetch_add(routes.len() as u64, Ordering::Relaxed);
        let deliveries = deliveries(first, tenant, lane, event, routes);
        for delivery in &deliveries {
            self.waiting.insert(delivery.clone());
        }
        deliveries
    }
}

fn shard<T>(shards: &[T; SHARDS], number: u64) -> &T {
    &shards[number as usize % SHARDS]
}

fn ordered<T>(value: T) -> Ordered<T> {
    Ordered {
        value,
        durable: Durable::done(),
    }
}

/// Collects from every shard the rows after a number, in order.
fn in_order<T: Clone>(shards: &[Mutex<NumberMap<T>>; SHARDS], after: u64, limit: usize) -> Vec<T> {
    let mut numbers: Vec<u64> = shards
        .iter()
        .flat_map(|shard| {
            let numbers: Vec<u64> = shard.lock().keys().copied().collect();
            numbers
        })
        .filter(|number| *number > after)
        .collect();
    numbers.sort_unstable();
    numbers
        .into_iter()
        .filter_map(|number| shard(shards, number).lock().get(&number).cloned())
        .take(limit)
        .collect()
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn accept(&self, arrival: Arrival) -> JournalResult<Ordered<Accepted>> {
        self.check_open()?;
        let Arrival {
            tenant,
            key,
            mut event,
            lane,
            routes,
            timer,
            request,
            forms,
        } = arrival;
        let key = tenant_key(&tenant, key);
        // The next delivery's shard stands for all: numbers go round.
        let next = self.next_delivery.load(Ordering::Relaxed);
        self.waiting.check_room(next)?;
        if let Some(request) = request
            && self.desk.lock().requests.remove(request).is_none()
        {
            return Ok(ordered(Accepted::Duplicate));
        }
        let is_new = self.keys[key as usize % SHARDS].lock().insert(key);
        let fire = || {
            if let Some(timer) = &timer {
                self.desk.lock().timers.fire(timer);
            }
        };
        if !is_new {
            fire();
            return Ok(ordered(Accepted::Duplicate));
        }
        let number = self.next_event.fetch_add(1, Ordering::Relaxed);
        number_event(&mut event, number);
        if !forms.is_empty() || routes.is_none() {
            let mut desk = self.desk.lock();
            for change in forms {
                desk.change_form(&tenant, change);
            }
            if routes.is_none() {
                desk.unrouted.insert(
                    number,
                    Unrouted {
                        number,
                        tenant: Arc::clone(&tenant),
                        lane: Arc::clone(&lane),
                        event: Arc::clone(&event),
                    },
                );
            }
        }
        let deliveries = self.deliver(&tenant, &lane, &event, routes.unwrap_or_default());
        // After that, so that it is due, or under way, or done, whenever somebody looks.
        fire();
        Ok(ordered(Accepted::New { number, deliveries }))
    }

    async fn route(
        &self,
        number: EventNumber,
        mut event: Arc<Event>,
        routes: Vec<Route>,
    ) -> JournalResult<Ordered<Vec<Delivery>>> {
        self.check_open()?;
        let Some(unrouted) = self.desk.lock().unrouted.remove(&number) else {
            return Ok(ordered(Vec::new()));
        };
        number_event(&mut event, number);
        let deliveries = self.deliver(&unrouted.tenant, &unrouted.lane, &event, routes);
        Ok(ordered(deliveries))
    }

    async fn commit(&self, turn: Turn) -> JournalResult<Ordered<Committed>> {
        self.check_open()?;
        if !keeps_to_itself(&turn) {
            return Err(JournalError::Failed("state of another plugin".to_owned()));
        }
        let requests = self.number_requests(&turn)?;
        // Held to the end, and the delivery goes last: whoever counts never finds neither it nor what
        // came of it.
        let mut waiting = self.waiting.shard(turn.delivery).lock();
        if !waiting.contains(turn.delivery) {
            self.check_known(turn.delivery)?;
            return Ok(ordered(Committed::Done(Vec::new())));
        }
        if turn.state.has_reads() || !turn.state.writes.is_empty() {
            let now = self.clock.now();
            let mut state = self.state_of(&turn.tenant, &turn.plugin).lock();
            if !state.is_unchanged(&turn.state, now) {
                return Ok(ordered(Committed::Conflict));
            }
            let version = self.next_version.fetch_add(1, Ordering::Relaxed);
            state.apply(turn.state.writes, version, now);
        }
        if !turn.broadcasts.is_empty() {
            self.broadcasts.lock().add(
                &turn.tenant,
                &turn.plugin,
                turn.delivery,
                &turn.event,
                turn.broadcasts,
            );
        }
        if !turn.timers.is_empty() {
            let mut desk = self.desk.lock();
            for change in turn.timers {
                desk.timers.change(change);
            }
        }
        for request in requests {
            self.add_request(request);
        }
        let first = self
            .next_part
            .fetch_add(turn.parts.len() as u64, Ordering::Relaxed);
        let parts = parts(
            first,
            turn.delivery,
            &turn.tenant,
            &turn.plugin,
            &turn.event,
            turn.parts,
        );
        self.open_parts(&parts);
        waiting.remove(turn.delivery);
        Ok(ordered(Committed::Done(parts)))
    }

    async fn settle(
        &self,
        delivery: DeliveryNumber,
        end: DeliveryEnd,
    ) -> JournalResult<Ordered<()>> {
        self.check_open()?;
        self.check_known(delivery)?;
        self.end_delivery(delivery, end);
        Ok(ordered(()))
    }

    async fn record(&self, updates: Vec<PartUpdate>) -> JournalResult<Ordered<()>> {
        self.check_open()?;
        for update in updates {
            self.update_part(update);
        }
        Ok(ordered(()))
    }

    async fn state_get(&self, key: &StateKey) -> JournalResult<(Option<Vec<u8>>, u64)> {
        self.check_open()?;
        let state = self.state_of(&key.scope.tenant, &key.scope.plugin).lock();
        Ok(state.get(key, self.clock.now()))
    }

    async fn state_keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> JournalResult<(Vec<String>, u64)> {
        self.check_open()?;
        let state = self.state_of(&scope.tenant, &scope.plugin).lock();
        Ok(state.keys(scope, prefix, after, limit, self.clock.now()))
    }

    async fn state_size(&self, tenant: &str, plugin: &str) -> JournalResult<u64> {
        self.check_open()?;
        Ok(self.state_of(tenant, plugin).lock().size(tenant, plugin))
    }

    async fn unrouted(&self, after: EventNumber, limit: usize) -> JournalResult<Vec<Unrouted>> {
        self.check_open()?;
        let desk = self.desk.lock();
        let rows = desk.unrouted.values().filter(|row| row.number > after);
        Ok(rows.take(limit).cloned().collect())
    }

    async fn dead_letters(
        &self,
        after: DeliveryNumber,
        limit: usize,
    ) -> JournalResult<Vec<DeadLetter>> {
        self.check_open()?;
        let mut letters: Vec<DeadLetter> = {
            let desk = self.desk.lock();
            let later = desk.dead.iter().filter(|dead| dead.delivery.number > after);
            later.cloned().collect()
        };
        letters.sort_unstable_by_key(|letter| letter.delivery.number);
        letters.truncate(limit);
        Ok(letters)
    }

    async fn events(&self, query: EventQuery) -> JournalResult<Vec<PastEvent>> {
        self.check_open()?;
        Ok(self.past_events(&query))
    }

    async fn put_back(&self, delivery: DeliveryNumber) -> JournalResult<Ordered<Option<Delivery>>> {
        self.check_open()?;
        Ok(ordered(self.put_dead_back(delivery)))
    }

    async fn forget(&self, tenant: &str, user: &str) -> JournalResult<Forgotten> {
        self.check_open().map(|()| self.forget_user(tenant, user))
    }

    async fn pending_deliveries(
        &self,
        after: DeliveryNumber,
        limit: usize,
    ) -> JournalResult<Vec<Delivery>> {
        self.check_open()?;
        Ok(self.waiting.in_order(after, limit))
    }

    async fn crowds(&self, most: DeliveryLoad) -> JournalResult<Vec<Crowd>> {
        self.check_open().map(|()| self.waiting.crowds(most))
    }

    async fn overflow(
        &self,
        plugin: &PluginKey,
        most: DeliveryLoad,
        after: DeliveryNumber,
        limit: usize,
    ) -> JournalResult<Vec<Delivery>> {
        self.check_open()?;
        Ok(self.waiting.overflow(plugin, most, after, limit))
    }

    async fn pending_parts(&self, after: PartNumber, limit: usize) -> JournalResult<Vec<Part>> {
        self.check_open()?;
        Ok(in_order(&self.open_parts, after, limit))
    }

    async fn pending_broadcasts(
        &self,
        after: BroadcastNumber,
        limit: usize,
    ) -> JournalResult<Vec<Broadcast>> {
        self.check_open()?;
        Ok(self.broadcasts.lock().list(after, limit))
    }

    async fn expand(
        &self,
        broadcast: &Broadcast,
        rows: usize,
    ) -> JournalResult<Ordered<Vec<Part>>> {
        self.check_open()?;
        Ok(ordered(self.expand_broadcast(broadcast, rows)))
    }

    async fn retarget(
        &self,
        broadcast: &Broadcast,
        kept: Vec<Name>,
    ) -> JournalResult<Ordered<bool>> {
        self.check_open()?;
        Ok(ordered(self.broadcasts.lock().retarget(broadcast, kept)))
    }

    async fn pending_requests(
        &self,
        tenant: &str,
        plugin: &str,
        after: RequestNumber,
        limit: usize,
    ) -> JournalResult<Vec<PendingRequest>> {
        self.check_open()?;
        Ok(self.requests_of(&plugin_key(tenant, plugin), after, limit))
    }

    async fn mark_request(
        &self,
        request: RequestNumber,
        state: RequestState,
    ) -> JournalResult<Ordered<()>> {
        self.check_open()?;
        self.set_request_state(request, state).map(ordered)
    }

    async fn request_load(&self, tenant: &str, plugin: &str) -> JournalResult<RequestLoad> {
        self.check_open()?;
        let desk = self.desk.lock();
        Ok(desk.requests.load(&plugin_key(tenant, plugin)))
    }

    async fn due_timers(
        &self,
        now: Timestamp,
        after: Option<&PluginKey>,
        each: usize,
        limit: usize,
    ) -> JournalResult<Vec<Timer>> {
        self.check_open()?;
        Ok(self.desk.lock().timers.due(now, after, each, limit))
    }

    async fn next_timer(&self) -> JournalResult<Option<Timestamp>> {
        self.check_open()?;
        Ok(self.desk.lock().timers.next())
    }

    async fn park_timers(
        &self,
        tenant: &str,
        plugin: &str,
        is_parked: bool,
    ) -> JournalResult<Ordered<()>> {
        self.check_open()?;
        self.desk.lock().timers.park(tenant, plugin, is_parked);
        Ok(ordered(()))
    }

    async fn has_timer(&self, key: &TimerKey) -> JournalResult<bool> {
        self.check_open()?;
        Ok(self.desk.lock().timers.has(key))
    }

    async fn timer_count(&self, tenant: &str, plugin: &str) -> JournalResult<u64> {
        self.check_open()?;
        Ok(self.desk.lock().timers.count(tenant, plugin))
    }

    async fn open_forms(&self) -> JournalResult<Vec<OpenForm>> {
        self.check_open()?;
        Ok(self.desk.lock().open_forms())
    }

    async fn message_by_key(
        &self,
        tenant: &str,
        plugin: &str,
        key: &str,
    ) -> JournalResult<Option<SentMessage>> {
        self.check_open()?;
        Ok(self.desk.lock().message(tenant, plugin, key))
    }

    async fn sent_message(
        &self,
        tenant: &str,
        plugin: &str,
        bot: &str,
        message: &str,
    ) -> JournalResult<Option<SentMessage>> {
        self.check_open()?;
        let desk = self.desk.lock();
        Ok(desk.own_message(tenant, plugin, bot, message))
    }

    async fn join_count(
        &self,
        tenant: &str,
        plugin: &str,
        bot: &str,
        conversation: &str,
    ) -> JournalResult<u64> {
        self.check_open()?;
        Ok(self.desk.lock().joins(tenant, plugin, bot, conversation))
    }

    async fn host_value(&self, name: &str) -> JournalResult<Option<String>> {
        self.check_open()?;
        Ok(self.desk.lock().host_values.get(name).cloned())
    }

    async fn set_host_value(&self, name: &str, value: &str) -> JournalResult<Ordered<()>> {
        self.check_open()?;
        let mut desk = self.desk.lock();
        desk.host_values.insert(name.to_owned(), value.to_owned());
        Ok(ordered(()))
    }

    async fn counts(&self) -> JournalResult<Counts> {
        self.check_open()?;
        let mut events: HashSet<EventNumber> = HashSet::new();
        let mut counts = Counts::default();
        for waiting in self.waiting.shards() {
            let waiting = waiting.lock();
            counts.pending_deliveries += waiting.len() as u64;
            events.extend(waiting.values().map(|delivery| delivery.event.sequence));
        }
        for parts in &self.open_parts {
            let parts = parts.lock();
            counts.pending_parts += parts.len() as u64;
            events.extend(parts.values().map(|part| part.origin.sequence));
        }
        {
            let broadcasts = self.broadcasts.lock();
            counts.pending_parts += broadcasts.parts_left();
            let all = broadcasts.list(0, usize::MAX);
            events.extend(all.iter().map(|broadcast| broadcast.origin.sequence));
        }
        let desk = self.desk.lock();
        events.extend(desk.unrouted.keys());
        let requests = desk.requests.values();
        events.extend(requests.map(|request| request.origin.sequence));
        events.extend(desk.dead.iter().map(|dead| dead.delivery.event.sequence));
        counts.events = events.len() as u64;
        counts.dead_letters = desk.dead.len() as u64;
        counts.timers = desk.timers.len();
        counts.pending_requests = desk.requests.len();
        Ok(counts)
    }

    async fn prune(&self, now: Timestamp) -> JournalResult<()> {
        self.check_open()?;
        self.desk.lock().prune(now);
        for state in &self.state {
            state.lock().prune(now);
        }
        Ok(())
    }

    async fn close(&self) -> JournalResult<()> {
        self.is_closed.store(true, Ordering::Relaxed);
        Ok(())
    }
}
