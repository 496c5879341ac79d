//! One bot's lanes: what waits, what is being sent, who is free.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Shared;
use super::fair::Ready;
use super::pace::Bucket;
use crate::journal::{Part, PartState, Urgency};
use crate::mailbox::{LaneKey, LaneKind, Pace};
use crate::model::Name;
use crate::model::action::{ActionKind, MessageRef};
use crate::model::delivery::DeliveryNumber;

/// Conversations whose last send is remembered for the gap; above that the older are forgotten.
const GAPS: usize = 10_000;
/// Parts behind an edit that are looked at for a later one of the same message.
const LOOKED_AHEAD: usize = 100;
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
    /// Parts that are not through.
    pub open: usize,
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
    pub(super) last_error: Mutex<Option<String>>,
}

/// A bot and its lanes.
pub(super) struct BotQueue {
    pub(super) tenant: Name,
    pub(super) bot: Name,
    pub(super) counters: Counters,
    open: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lanes: HashMap<LaneKey, Lane>,
    ready: Ready,
    timed: BinaryHeap<Reverse<(Instant, Order)>>,
    idle: Vec<Arc<Notify>>,
    workers: usize,
    bucket: Bucket,
    /// When the next message may go into a conversation.
    gaps: HashMap<Name, Instant>,
}

#[derive(Default)]
struct Lane {
    queue: VecDeque<Item>,
    place: Place,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Rest,
    /// A turn that is being committed will bring its first part.
    Reserved,
    Ready,
    Busy,
    Timed,
}

/// A lane's key in the heap, where only the moment orders.
struct Order(LaneKey);

impl PartialEq for Order {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}
impl Eq for Order {}
impl PartialOrd for Order {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Order {
    fn cmp(&self, _other: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
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
    pub(super) fn new(tenant: Name, bot: Name) -> Self {
        Self {
            tenant,
            bot,
            counters: Counters::default(),
            open: AtomicUsize::new(0),
            state: Mutex::default(),
        }
    }

    pub(super) fn open_parts(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn status(&self) -> BotOutbox {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BotOutbox {
            tenant: Name::clone(&self.tenant),
            bot: Name::clone(&self.bot),
            open: self.open_parts(),
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
        match state.lanes.get_mut(key) {
            Some(lane) if lane.place == Place::Rest => lane.place = Place::Reserved,
            Some(_) => return false,
            None => {
                let lane = Lane {
                    queue: VecDeque::new(),
                    place: Place::Reserved,
                };
                state.lanes.insert(key.clone(), lane);
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
        if lane.place == Place::Rest && state.make_ready(&key) {
            self.rouse(state, shared);
        }
    }

    /// Takes a request's share of what the bot may do; how long to wait where there is none left.
    pub(super) fn charge(&self, per_minute: u32) -> Option<Duration> {
        let now = Instant::now();
        let mut state = self.state.lock();
        if let Some(at) = state.bucket.wait(per_minute, now) {
            return Some(at.saturating_duration_since(now));
        }
        state.bucket.take(per_minute, now);
        None
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
        pace: Pace,
        me: &Arc<Notify>,
    ) -> Step {
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
            if let Some(per_minute) = pace.per_minute
                && let Some(at) = state.bucket.wait(per_minute, Instant::now())
            {
                wake = Some(at);
                break;
            }
            if let Some(job) = state.begin(pace) {
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
    pub(super) fn finish(&self, job: Job, next: Next) -> Vec<Part> {
        let Job {
            lane: key, item, ..
        } = job;
        let mut state = self.state.lock();
        let state = &mut *state;
        let Some(lane) = state.lanes.get_mut(&key) else {
            return Vec::new();
        };
        let mut skipped = Vec::new();
        match next {
            Next::Later(at) => {
                lane.queue.push_front(item);
                lane.place = Place::Timed;
                state.timed.push(Reverse((at, Order(key))));
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
        let Some(lane) = state.lanes.get_mut(&key) else {
            return skipped;
        };
        lane.place = Place::Rest;
        if lane.queue.is_empty() && state.lanes.len() > KEPT_LANES {
            state.lanes.remove(&key);
        } else {
            // The worker that ran it is free and takes the next: nobody needs to be woken.
            state.make_ready(&key);
        }
        skipped
    }
}

impl Lane {
    /// Puts a part in its place by number; nearly always that is the end.
    fn put(&mut self, item: Item) {
        let later = self.queue.iter().rev();
        let later = later.take_while(|other| other.part.number > item.part.number);
        let place = self.queue.len() - later.count();
        self.queue.insert(place, item);
    }

    /// Takes out the rest of a list, but for leaving.
    fn skip(&mut self, delivery: DeliveryNumber) -> Vec<Part> {
        let mut skipped = Vec::new();
        let mut kept = VecDeque::with_capacity(self.queue.len());
        for item in self.queue.drain(..) {
            let leaves = matches!(item.part.what.action.kind, ActionKind::Leave(_));
            if item.part.delivery == delivery && !leaves {
                skipped.push(item.part);
            } else {
                kept.push_back(item);
            }
        }
        self.queue = kept;
        skipped
    }

    /// Tells whether a part that waits edits the same message anew, so that this one need not be made.
    fn is_overtaken(&self, item: &Item) -> bool {
        let ActionKind::Edit(edit) = &item.part.what.action.kind else {
            return false;
        };
        if item.is_in_doubt {
            return false;
        }
        let mut between: Vec<DeliveryNumber> = Vec::new();
        for later in self.queue.iter().take(LOOKED_AHEAD) {
            let action = &later.part.what.action;
            match &action.kind {
                // One behind others of its own list may be skipped with them.
                ActionKind::Edit(next) if next.message == edit.message => {
                    return !between.contains(&later.part.delivery);
                }
                ActionKind::Delete(message) if *message == edit.message => return false,
                // From here on the key names another message.
                ActionKind::Send(_) if matches!(&edit.message, MessageRef::Key(key) if action.key.as_ref() == Some(key)) =>
                {
                    return false;
                }
                _ => between.push(later.part.delivery),
            }
        }
        false
    }
}

impl State {
    /// Lets an edit wait in a lane of its own message, outside the order of its conversation.
    fn set_aside(&mut self, lane: &LaneKey, message: &str, item: Item, at: Instant) {
        let key = LaneKey {
            conversation: Name::from(format!("edit:{message}")),
            kind: LaneKind::Aside,
            ..lane.clone()
        };
        let aside = self.lanes.entry(key.clone()).or_default();
        aside.put(item);
        if aside.place == Place::Rest {
            aside.place = Place::Timed;
            self.timed.push(Reverse((at, Order(key))));
        }
    }

    /// Makes a resting lane ready where it has parts.
    fn make_ready(&mut self, key: &LaneKey) -> bool {
        let Some(lane) = self.lanes.get_mut(key) else {
            return false;
        };
        let Some(item) = lane.queue.front() else {
            return false;
        };
        lane.place = Place::Ready;
        self.ready.push(item.part.what.urgency, key.clone());
        true
    }

    fn begin(&mut self, pace: Pace) -> Option<Job> {
        let key = self.ready.pop()?;
        let limits = pace.per_minute.is_some() || !pace.conversation_gap.is_zero();
        let now = limits.then(Instant::now);
        if let Some(now) = now
            && let Some(at) = self.gaps.get(&key.conversation).copied()
            && at > now
        {
            if let Some(lane) = self.lanes.get_mut(&key) {
                lane.place = Place::Timed;
            }
            self.timed.push(Reverse((at, Order(key))));
            return None;
        }
        let lane = self.lanes.get_mut(&key)?;
        let Some(item) = lane.queue.pop_front() else {
            lane.place = Place::Rest;
            return None;
        };
        lane.place = Place::Busy;
        let is_overtaken = lane.is_overtaken(&item);
        if let Some(now) = now.filter(|_| !is_overtaken) {
            if let Some(per_minute) = pace.per_minute {
                self.bucket.take(per_minute, now);
            }
            if !pace.conversation_gap.is_zero() {
                if self.gaps.len() >= GAPS {
                    self.gaps.retain(|_, at| *at > now);
                }
                let conversation = Name::clone(&key.conversation);
                self.gaps.insert(conversation, now + pace.conversation_gap);
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
            && let Some(Reverse((_, Order(key)))) = self.timed.pop()
        {
            count += usize::from(self.make_ready(&key));
        }
        count
    }
}

/// The urgency of a part; kept here so that a lane's turn follows its first part.
const _: () = assert!(Urgency::Answer as usize == 0 && Urgency::Broadcast as usize == 2);
