//! One bot's lanes: what waits, what is being sent, who is free.

mod lane;
mod operate;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use self::lane::{Lane, Place};
pub(super) use self::operate::Taken;
use super::Shared;
use super::fair::Ready;
use super::hold::BotHolds;
use super::pace::{Bucket, Conversations};
use crate::journal::{Part, PartState, PartUpdate, Urgency};
use crate::mailbox::{Connector, LaneKey, LaneKind, Pace, Rate};
use crate::model::{Name, NameMap};

/// Lanes without parts that are kept, so that a busy conversation is not made anew each time.
const KEPT_LANES: usize = 4_096;

/// A part on its way.
pub(super) struct Item {
    pub(super) part: Part,
    /// It is marked on disk as being sent.
    pub(super) is_marked: bool,
    /// Its end is in doubt.
    pub(super) is_in_doubt: bool,
    /// Requests that came to nothing.
    pub(super) tries: u32,
    pub(super) first_try: Option<Instant>,
    /// Its plugin has heard that it is tried again.
    pub(super) is_told: bool,
}

impl Item {
    /// A part of a turn that was just committed.
    pub(super) fn new(part: Part) -> Self {
        Self {
            is_marked: part.what.sending,
            is_in_doubt: false,
            tries: 0,
            first_try: None,
            is_told: false,
            part,
        }
    }

    /// A part that a host before this one left.
    pub(super) fn recovered(part: Part) -> Self {
        let was_sending = part.state == PartState::Sending;
        Self {
            is_marked: was_sending,
            is_in_doubt: was_sending,
            tries: 0,
            first_try: None,
            is_told: false,
            part,
        }
    }
}

/// How a bot's outbox does.
#[derive(Clone, Debug, serde::Serialize)]
pub struct BotOutbox {
    /// The tenant.
    pub tenant: Name,
    /// The bot.
    pub bot: Name,
    /// Parts that are not through, those of broadcasts included that are in no lane yet.
    pub open: usize,
    /// Parts in lanes that are held.
    pub held: usize,
    /// Whether the bot is paused.
    pub paused: bool,
    /// Parts that an operator dropped.
    pub dropped: u64,
    /// Parts done.
    pub sent: u64,
    /// Parts that failed for good.
    pub failed: u64,
    /// Requests made again.
    pub retried: u64,
    /// Parts whose end was in doubt.
    pub in_doubt: u64,
    /// Parts sent again though nobody could tell whether they had been sent.
    pub resent: u64,
    /// What the last request that failed said.
    pub last_error: Option<String>,
}

/// Counts of one bot.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) sent: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) in_doubt: AtomicU64,
    pub(super) resent: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) last_error: Mutex<Option<String>>,
}

/// Adds one to a count.
pub(super) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A bot and its lanes.
pub(super) struct BotQueue {
    pub(super) tenant: Name,
    pub(super) bot: Name,
    pub(super) counters: Counters,
    open: AtomicUsize,
    /// Parts of broadcasts that are in no lane yet.
    pub(super) to_come: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    holds: BotHolds,
    lanes: NameMap<LaneKey, Lane>,
    ready: Ready,
    timed: BinaryHeap<Reverse<(Instant, Order)>>,
    /// Lanes that were timed up to now.
    orders: u64,
    idle: Vec<Arc<Notify>>,
    workers: usize,
    bucket: Bucket,
    conversations: Conversations,
    /// Until when the platform wants nothing of the bot.
    quiet_until: Option<Instant>,
}

/// A lane's key in the heap. Of those that wait for one moment, who came first is first: lanes that
/// share a paced conversation take turns.
struct Order(u64, LaneKey);

impl PartialEq for Order {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl Eq for Order {}
impl PartialOrd for Order {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Order {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

/// What a worker is to do.
pub(super) enum Step {
    Work(Box<Job>),
    Park(Option<Instant>),
    Leave,
}

/// A part to perform.
pub(super) struct Job {
    pub(super) lane: LaneKey,
    pub(super) item: Item,
    /// A later edit of the same message waits: this one need not be made.
    pub(super) is_overtaken: bool,
}

/// How a lane goes on after a job.
pub(super) enum Next {
    /// With the next part.
    On,
    /// Without the rest of this part's list.
    Skip,
    /// With the same part, later.
    Later(Instant),
    /// Without this part, which waits outside the order: an edit of this message.
    Aside(Instant, String),
}

impl BotQueue {
    pub(super) fn new(tenant: Name, bot: Name, holds: BotHolds) -> Self {
        Self {
            tenant,
            bot,
            counters: Counters::default(),
            open: AtomicUsize::new(0),
            to_come: AtomicUsize::new(0),
            state: Mutex::new(State {
                holds,
                ..State::default()
            }),
        }
    }

    /// Parts in lanes, and those of broadcasts that are in none yet.
    pub(super) fn open_parts(&self) -> usize {
        let to_come = self.to_come.load(Ordering::Relaxed);
        self.open.load(Ordering::Relaxed).saturating_add(to_come)
    }

    pub(super) fn status(&self) -> BotOutbox {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (held, paused) = {
            let state = self.state.lock();
            (state.held_parts(), state.holds.paused)
        };
        BotOutbox {
            tenant: Name::clone(&self.tenant),
            bot: Name::clone(&self.bot),
            open: self.open_parts(),
            held,
            paused,
            dropped: read(&self.counters.dropped),
            sent: read(&self.counters.sent),
            failed: read(&self.counters.failed),
            retried: read(&self.counters.retried),
            in_doubt: read(&self.counters.in_doubt),
            resent: read(&self.counters.resent),
            last_error: self.counters.last_error.lock().clone(),
        }
    }

    pub(super) fn reserve(&self, key: &LaneKey) -> bool {
        let mut state = self.state.lock();
        // What is held is not being sent, and must not be marked so.
        if state.holds.holds(key) {
            return false;
        }
        match state.lanes.get_mut(key) {
            Some(lane) if lane.place == Place::Rest => lane.place = Place::Reserved,
            Some(_) => return false,
            None => {
                state.lanes.insert(key.clone(), Lane::reserved());
            }
        }
        true
    }

    pub(super) fn release(self: &Arc<Self>, shared: &Arc<Shared>, key: &LaneKey) {
        let mut state = self.state.lock();
        let Some(lane) = state.lanes.get_mut(key) else {
            return;
        };
        if lane.place == Place::Reserved {
            lane.place = Place::Rest;
            if state.make_ready(key) {
                self.rouse(&mut state, shared);
            }
        }
    }

    /// Takes parts, all of them before any is performed.
    pub(super) fn put(self: &Arc<Self>, shared: &Arc<Shared>, items: impl Iterator<Item = Item>) {
        let mut state = self.state.lock();
        for item in items {
            self.put_one(&mut state, shared, item);
        }
    }

    fn put_one(self: &Arc<Self>, state: &mut State, shared: &Arc<Shared>, item: Item) {
        let key = LaneKey::of(&item.part.tenant, &item.part.plugin, &item.part.what);
        self.open.fetch_add(1, Ordering::Relaxed);
        let lane = match state.lanes.get_mut(&key) {
            Some(lane) => lane,
            None => state.lanes.entry(key.clone()).or_default(),
        };
        if lane.place == Place::Reserved && item.is_marked {
            lane.place = Place::Rest;
        }
        lane.put(item);
        match lane.place {
            Place::Rest => {
                if state.make_ready(&key) {
                    self.rouse(state, shared);
                }
            }
            // What came may be more urgent than what the lane waits with.
            Place::Ready => state.hurry(&key),
            Place::Reserved | Place::Busy | Place::Timed | Place::Held => {}
        }
        if let Some(unmarked) = state.unmark_held(&key) {
            shared.recorder.note(PartUpdate::Queued(unmarked));
        }
    }

    /// Takes a request's share of what the bot may do; how long to wait where there is none left.
    pub(super) fn charge(&self, rate: Option<Rate>) -> Option<Duration> {
        let now = Instant::now();
        let mut state = self.state.lock();
        if let Some(at) = state.paced_until(rate) {
            return Some(at.saturating_duration_since(now));
        }
        if let Some(rate) = rate {
            state.bucket.take(rate, now);
        }
        None
    }

    /// Lets nothing of the bot leave before this moment.
    pub(super) fn be_quiet(&self, until: Instant) {
        let mut state = self.state.lock();
        let until = state.quiet_until.map_or(until, |now| now.max(until));
        state.quiet_until = Some(until);
    }

    fn rouse(self: &Arc<Self>, state: &mut State, shared: &Arc<Shared>) {
        if let Some(idle) = state.idle.pop() {
            idle.notify_one();
        } else if state.workers < shared.config.requests.max(1) && !shared.cancel.is_cancelled() {
            state.workers += 1;
            shared.spawn_worker(self);
        }
    }

    pub(super) fn wake_all(&self) {
        for idle in self.state.lock().idle.drain(..) {
            idle.notify_one();
        }
    }

    /// Tells a worker what to do, and notes it among those at rest where there is nothing.
    pub(super) fn next(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        connector: Option<&Arc<dyn Connector>>,
        me: &Arc<Notify>,
    ) -> Step {
        let pace = connector.map_or(Pace::FREE, |connector| connector.pace());
        let mut state = self.state.lock();
        if shared.cancel.is_cancelled() {
            state.workers -= 1;
            return Step::Leave;
        }
        for _ in 1..state.take_due() {
            self.rouse(&mut state, shared);
        }
        let mut wake = None;
        while !state.ready.is_empty() {
            if let Some(at) = state.paced_until(pace.bot) {
                wake = Some(at);
                break;
            }
            if let Some(job) = state.begin(pace.bot, connector) {
                return Step::Work(Box::new(job));
            }
        }
        let timed = state.timed.peek().map(|Reverse((at, _))| *at);
        let wake = match (wake, timed) {
            (Some(wake), Some(timed)) => Some(wake.min(timed)),
            (wake, timed) => wake.or(timed),
        };
        state.idle.push(Arc::clone(me));
        Step::Park(wake)
    }

    /// Takes a worker from among those at rest whose time is over; tells whether it is to go.
    pub(super) fn rise(&self, me: &Arc<Notify>, is_idle_over: bool) -> bool {
        let mut state = self.state.lock();
        let Some(place) = state.idle.iter().position(|idle| Arc::ptr_eq(idle, me)) else {
            return false;
        };
        state.idle.remove(place);
        let goes = is_idle_over && state.timed.is_empty() && state.ready.is_empty();
        if goes {
            state.workers -= 1;
        }
        goes
    }

    /// Lets a lane go on after a job; gives the parts that are skipped.
    pub(super) fn finish(&self, shared: &Shared, job: Job, next: Next) -> Vec<Part> {
        let Job {
            lane: key, item, ..
        } = job;
        let mut state = self.state.lock();
        let state = &mut *state;
        let Some(lane) = state.lanes.get_mut(&key) else {
            return Vec::new();
        };
        lane.sending = None;
        let is_sent = matches!(next, Next::On);
        // An edit that is set aside goes on, and is no part of a broadcast.
        let ended = (!matches!(next, Next::Aside(..))).then_some(item.part.broadcast);
        let mut skipped = Vec::new();
        match next {
            Next::Later(at) => {
                lane.put(item);
                lane.place = Place::Timed;
                lane.due = Some(at);
                state.time(at, key);
                return skipped;
            }
            Next::Aside(at, message) => state.set_aside(&key, &message, item, at),
            Next::Skip => {
                skipped = lane.skip(item.part.delivery);
                self.open.fetch_sub(1 + skipped.len(), Ordering::Relaxed);
            }
            Next::On => {
                self.open.fetch_sub(1, Ordering::Relaxed);
            }
        }
        // Counted while the lanes are locked, so that a part is either being sent or has ended.
        if let Some(ended) = ended {
            shared.broadcasts.ended(ended, is_sent);
        }
        for part in &skipped {
            shared.broadcasts.ended(part.broadcast, false);
        }
        let Some(lane) = state.lanes.get_mut(&key) else {
            return skipped;
        };
        lane.place = Place::Rest;
        if lane.is_empty() && state.lanes.len() > KEPT_LANES {
            state.lanes.remove(&key);
        } else {
            // The worker that ran it is free and takes the next: nobody needs to be woken.
            state.make_ready(&key);
        }
        skipped
    }
}

impl State {
    /// Lets an edit wait in a lane of its own message, outside the order of its conversation.
    fn set_aside(&mut self, lane: &LaneKey, message: &str, item: Item, at: Instant) {
        let key = LaneKey {
            message: Some(Name::from(message)),
            kind: LaneKind::Aside,
            ..lane.clone()
        };
        let aside = self.lanes.entry(key.clone()).or_default();
        aside.put(item);
        if aside.place == Place::Rest {
            aside.place = Place::Timed;
            aside.due = Some(at);
            self.time(at, key);
        }
    }

    /// Lets a lane wait for a moment that it knows.
    fn time(&mut self, at: Instant, key: LaneKey) {
        self.orders += 1;
        self.timed.push(Reverse((at, Order(self.orders, key))));
    }

    /// Tells until when nothing of the bot may leave; none: something may now.
    fn paced_until(&mut self, rate: Option<Rate>) -> Option<Instant> {
        if rate.is_none() && self.quiet_until.is_none() {
            return None;
        }
        let now = Instant::now();
        self.quiet_until = self.quiet_until.filter(|until| *until > now);
        let paced = rate.and_then(|rate| self.bucket.wait(rate, now));
        self.quiet_until.max(paced)
    }

    /// Makes a resting lane ready where it has parts that are not held.
    fn make_ready(&mut self, key: &LaneKey) -> bool {
        let is_held = self.holds.holds(key);
        let Some(lane) = self.lanes.get_mut(key) else {
            return false;
        };
        lane.due = None;
        let Some(urgency) = lane.urgency() else {
            lane.place = Place::Rest;
            return false;
        };
        if is_held {
            lane.place = Place::Held;
            return false;
        }
        lane.place = Place::Ready;
        lane.ready_as = urgency;
        self.ready.push(urgency, key.clone());
        true
    }

    /// Moves a ready lane up where what it has is more urgent now.
    fn hurry(&mut self, key: &LaneKey) {
        if let Some(lane) = self.lanes.get_mut(key)
            && let Some(urgency) = lane.urgency()
            && urgency < lane.ready_as
        {
            lane.ready_as = urgency;
            self.ready.push(urgency, key.clone());
        }
    }

    fn begin(&mut self, bot: Option<Rate>, connector: Option<&Arc<dyn Connector>>) -> Option<Job> {
        let key = self.ready.pop()?;
        // It may stand there twice, or have been emptied or held meanwhile.
        let lane = self.lanes.get_mut(&key)?;
        if lane.place != Place::Ready {
            return None;
        }
        let Some(first) = lane.first() else {
            lane.place = Place::Rest;
            return None;
        };
        let here = connector.filter(|_| !key.conversation.is_empty());
        let here = here.and_then(|connector| connector.conversation_pace(&first.part.what));
        let now = (bot.is_some() || here.is_some()).then(Instant::now);
        if let (Some(rate), Some(now)) = (here, now)
            && let Some(at) = self.conversations.wait(&key.conversation, rate, now)
        {
            lane.place = Place::Timed;
            lane.due = Some(at);
            self.time(at, key);
            return None;
        }
        let item = lane.pop()?;
        lane.place = Place::Busy;
        let is_overtaken = lane.is_overtaken(&item);
        lane.sending = Some((item.part.number, item.part.broadcast));
        if let Some(now) = now.filter(|_| !is_overtaken) {
            if let Some(rate) = bot {
                self.bucket.take(rate, now);
            }
            if let Some(rate) = here {
                self.conversations.take(&key.conversation, rate, now);
            }
        }
        Some(Job {
            lane: key,
            item,
            is_overtaken,
        })
    }

    /// Makes lanes ready whose wait is over; tells how many.
    fn take_due(&mut self) -> usize {
        let mut count = 0;
        if self.timed.is_empty() {
            return count;
        }
        let now = Instant::now();
        while let Some(Reverse((at, _))) = self.timed.peek()
            && *at <= now
            && let Some(Reverse((at, Order(_, key)))) = self.timed.pop()
        {
            // A lane that was emptied meanwhile may wait for another moment, or not at all.
            let is_due = self
                .lanes
                .get(&key)
                .is_some_and(|lane| lane.due == Some(at));
            count += usize::from(is_due && self.make_ready(&key));
        }
        count
    }
}

/// The urgencies in the order in which they are served.
const _: () = assert!(Urgency::Answer as usize == 0 && Urgency::Broadcast as usize == 2);
