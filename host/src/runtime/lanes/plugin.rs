//! One plugin's lanes: what waits, what runs, who is free.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, RwLock};
use tokio::time::Instant;

use super::quarantine::Quarantine;
use super::shadow::Shadow;
use super::status::Counters;
use super::{PluginSpec, Shared, refill};
use crate::journal::Durable;
use crate::model::age::MaxAge;
use crate::model::delivery::{Delivery, DeliveryNumber};
use crate::model::{Name, NameMap, NameSet};

/// Lanes without deliveries that are kept, so that a busy conversation is not made anew each time.
const KEPT_LANES: usize = 4_096;
/// How often a plugin that is held by a full outbox looks again.
const HOLD: Duration = Duration::from_millis(50);

/// A build that serves.
pub(super) struct Installed {
    pub(super) spec: PluginSpec,
    pub(super) generation: u64,
}

/// A plugin and its lanes.
pub(super) struct Plugin {
    pub(super) tenant: Name,
    pub(super) name: Name,
    pub(super) state: Mutex<State>,
    /// Commits with writes share it; a call that lost its reads holds it alone.
    pub(super) commit_turn: RwLock<()>,
    pub(super) counters: Counters,
}

/// What changes.
#[derive(Default)]
pub(super) struct State {
    pub(super) current: Option<Arc<Installed>>,
    pub(super) generation: u64,
    lanes: NameMap<Name, Lane>,
    ready: VecDeque<Name>,
    timed: BinaryHeap<Reverse<(Instant, Name)>>,
    idle: Vec<Arc<Notify>>,
    pub(super) workers: u32,
    pub(super) running: u32,
    pub(super) waiting: usize,
    /// Bytes of the bodies of those that wait.
    pub(super) waiting_bytes: usize,
    pub(super) quarantine: Quarantine,
    /// The bot whose outbox is full, and when it is looked at again.
    held_for: Option<(Name, Instant)>,
    /// Deliveries left in the journal: the first and the last of them.
    pub(super) left_in_journal: Option<(DeliveryNumber, DeliveryNumber)>,
    pub(super) refilling: bool,
    /// The build that sees what the one that serves sees.
    pub(super) shadow: Option<Arc<Shadow>>,
}

#[derive(Default)]
struct Lane {
    queue: VecDeque<Delivery>,
    place: Place,
    /// The delivery that is being handled.
    running: Option<DeliveryNumber>,
    /// When the first try of the delivery at the front began.
    first_try: Option<Instant>,
    /// The last turn that is not handed over yet, and how many are not.
    unsettled: Option<(Durable, u32)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Rest,
    Ready,
    Running,
    Timed,
}

/// What a worker is to do.
pub(super) enum Step {
    Work(Job),
    /// Nothing until woken or this moment; the generation that serves.
    Park(Option<Instant>, u64),
    /// Nothing more: the plugin is gone, or others do its work.
    Leave,
}

/// One delivery to handle.
pub(super) struct Job {
    pub(super) delivery: Delivery,
    pub(super) installed: Arc<Installed>,
    pub(super) first_try: Option<Instant>,
    /// The lane's last turn that is not handed over yet.
    pub(super) after: Option<Durable>,
    /// The build that is compared with the installed one.
    pub(super) shadow: Option<Arc<Shadow>>,
}

/// How a lane goes on after a job.
pub(super) enum Next {
    /// With the next delivery.
    On {
        /// The delivery failed for good.
        is_fault: bool,
    },
    /// With the next delivery; this one was given up without a call.
    Skipped,
    /// With the same one, once more.
    Again {
        /// When its first try began.
        first_try: Instant,
        /// When the next is made.
        at: Instant,
    },
    /// With the same one, when the journal takes writes again.
    Back,
}

impl Plugin {
    pub(super) fn new(tenant: Name, name: Name) -> Self {
        Self {
            tenant,
            name,
            state: Mutex::default(),
            commit_turn: RwLock::new(()),
            counters: Counters::default(),
        }
    }

    pub(super) fn install(self: &Arc<Self>, shared: &Arc<Shared>, spec: PluginSpec) {
        let mut state = self.state.lock();
        state.generation += 1;
        let generation = state.generation;
        state.current = Some(Arc::new(Installed { spec, generation }));
        state.quarantine = Quarantine::default();
        self.counters.begin_anew();
        state.held_for = None;
        // What the build or the settings before were charged with says nothing of these.
        self.counters.forget_fault();
        // Those at rest drop what they hold of the build before.
        state.wake_all();
        let wanted = state.ready.len().max(usize::from(!state.timed.is_empty()));
        for _ in 0..wanted {
            if !self.rouse(&mut state, shared) {
                break;
            }
        }
        let start_refill = refill::start(&mut state, shared);
        drop(state);
        if start_refill {
            refill::spawn(shared, self);
        }
    }

    /// Calls a build no more, until another is installed or the gate is opened.
    pub(super) fn shut(&self, generation: u64, reason: String) {
        let mut state = self.state.lock();
        if state.generation == generation {
            state.quarantine.shut(reason);
        }
    }

    /// Calls the build again that is held.
    pub(super) fn reopen(&self) {
        let mut state = self.state.lock();
        let probation = state.current.as_ref();
        if let Some(probation) = probation.and_then(|now| now.spec.probation.as_ref()) {
            probation.release();
        }
        state.quarantine = Quarantine::default();
        state.wake_all();
    }

    /// Tells whether a build is the one that serves.
    pub(super) fn is_current(&self, generation: u64) -> bool {
        self.state.lock().generation == generation
    }

    pub(super) fn uninstall(&self) {
        let mut state = self.state.lock();
        state.generation += 1;
        state.current = None;
        state.wake_all();
    }

    /// How old its events may be.
    pub(super) fn max_age(&self) -> MaxAge {
        let state = self.state.lock();
        let current = state.current.as_ref();
        current.map_or(MaxAge::DEFAULT, |current| current.spec.max_age)
    }

    /// Takes out what waits and is meant. What is being handled is not among it.
    pub(super) fn take_waiting(&self, is_meant: impl Fn(&Delivery) -> bool) -> Vec<Delivery> {
        self.state.lock().take(is_meant)
    }

    /// Takes deliveries that are read from the journal, in order, out of what waits in memory; gives
    /// back those that are not being handled.
    pub(super) fn take_out(&self, mut page: Vec<Delivery>) -> Vec<Delivery> {
        let mut state = self.state.lock();
        page.retain(|delivery| {
            let lane = state.lanes.get(&delivery.lane);
            lane.is_none_or(|lane| lane.running != Some(delivery.number))
        });
        let number = |delivery: &Delivery| delivery.number;
        state.take(|waiting| page.binary_search_by_key(&waiting.number, number).is_ok());
        page
    }

    /// Takes a new delivery.
    pub(super) fn push(self: &Arc<Self>, shared: &Arc<Shared>, delivery: Delivery) {
        let mut state = self.state.lock();
        if state.may_be_crowded(shared) {
            shared.crowded.notify_one();
        }
        if let Some((first, last)) = &mut state.left_in_journal {
            *first = (*first).min(delivery.number);
            *last = (*last).max(delivery.number);
            return;
        }
        if state.is_full(shared) {
            state.left_in_journal = Some((delivery.number, delivery.number));
            return;
        }
        self.queue(&mut state, shared, delivery);
    }

    pub(super) fn queue(
        self: &Arc<Self>,
        state: &mut State,
        shared: &Arc<Shared>,
        delivery: Delivery,
    ) {
        let lane = match state.lanes.get_mut(&delivery.lane) {
            Some(lane) => lane,
            None => state.lanes.entry(Name::clone(&delivery.lane)).or_default(),
        };
        let name = (lane.place == Place::Rest).then(|| Name::clone(&delivery.lane));
        let bytes = delivery.event.payload.body_bytes();
        if lane.put(delivery) {
            state.waiting += 1;
            state.waiting_bytes += bytes;
        }
        if let Some(name) = name {
            lane.place = Place::Ready;
            state.ready.push_back(name);
            self.rouse(state, shared);
        }
    }

    /// Wakes a worker that is at rest, or adds one; tells whether there was one to have.
    fn rouse(self: &Arc<Self>, state: &mut State, shared: &Arc<Shared>) -> bool {
        let Some(current) = &state.current else {
            return false;
        };
        // The one that rested last: those in surplus then rest long enough to go.
        if let Some(idle) = state.idle.pop() {
            idle.notify_one();
            return true;
        }
        if state.workers < current.spec.instances.max(1) && !shared.cancel.is_cancelled() {
            state.workers += 1;
            shared.spawn_worker(self);
            return true;
        }
        false
    }

    /// Tells a worker what to do, and notes it among those at rest where there is nothing.
    pub(super) fn next(self: &Arc<Self>, shared: &Arc<Shared>, me: &Arc<Notify>) -> Step {
        let mut state = self.state.lock();
        let Some(current) = state.current.clone() else {
            state.workers -= 1;
            return Step::Leave;
        };
        if shared.cancel.is_cancelled() || state.workers > current.spec.instances.max(1) {
            state.workers -= 1;
            return Step::Leave;
        }
        let due = state.take_due();
        for _ in 1..due {
            self.rouse(&mut state, shared);
        }
        let hold = state.held(shared, &self.tenant);
        if hold.is_none()
            && let Some(name) = state.ready.pop_front()
            && let Some(job) = state.begin(&name, current)
        {
            let start_refill = refill::start(&mut state, shared);
            drop(state);
            if start_refill {
                refill::spawn(shared, self);
            }
            return Step::Work(job);
        }
        let wake = match (state.timed.peek(), hold) {
            (Some(Reverse((at, _))), Some(hold)) => Some((*at).min(hold)),
            (Some(Reverse((at, _))), None) => Some(*at),
            (None, hold) => hold,
        };
        state.idle.push(Arc::clone(me));
        Step::Park(wake, state.generation)
    }

    /// Takes a worker from among those at rest whose time is over; tells whether it is to go.
    pub(super) fn rise(&self, me: &Arc<Notify>, is_idle_over: bool) -> bool {
        let mut state = self.state.lock();
        let Some(place) = state.idle.iter().position(|idle| Arc::ptr_eq(idle, me)) else {
            // Somebody woke it just now.
            return false;
        };
        state.idle.remove(place);
        let goes = is_idle_over && state.timed.is_empty() && state.ready.is_empty();
        if goes {
            state.workers -= 1;
        }
        goes
    }

    /// Lets a worker see what there is to do, where nobody else would look.
    pub(super) fn stir(self: &Arc<Self>, shared: &Arc<Shared>) {
        let mut state = self.state.lock();
        if !(state.ready.is_empty() && state.timed.is_empty()) {
            self.rouse(&mut state, shared);
        }
    }

    /// Lets a lane go on after a job.
    pub(super) fn finish(&self, shared: &Shared, job: &Job, next: Next) {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.running -= 1;
        if job.installed.generation == state.generation {
            let was_open = state.quarantine.is_open();
            let wait = shared.config.quarantine;
            state.quarantine.end(&job.delivery.lane, &next, wait);
            if !was_open && state.quarantine.is_open() {
                state.wake_all();
            }
            let is_fault = matches!(next, Next::On { is_fault: true } | Next::Again { .. });
            if is_fault || !was_open {
                shared.news.notify_one();
            }
        }
        let Some(lane) = state.lanes.get_mut(&job.delivery.lane) else {
            return;
        };
        lane.running = None;
        let name = Name::clone(&job.delivery.lane);
        let bytes = job.delivery.event.payload.body_bytes();
        match next {
            Next::On { .. } | Next::Skipped => lane.first_try = None,
            Next::Again { first_try, at } => {
                let mut delivery = job.delivery.clone();
                delivery.attempt = delivery.attempt.saturating_add(1);
                if lane.put(delivery) {
                    state.waiting += 1;
                    state.waiting_bytes += bytes;
                }
                lane.first_try = Some(first_try);
                lane.place = Place::Timed;
                state.timed.push(Reverse((at, name)));
                return;
            }
            Next::Back => {
                lane.first_try = None;
                if lane.put(job.delivery.clone()) {
                    state.waiting += 1;
                    state.waiting_bytes += bytes;
                }
            }
        }
        if !lane.queue.is_empty() {
            lane.place = Place::Ready;
            state.ready.push_back(name);
            return;
        }
        lane.place = Place::Rest;
        if lane.unsettled.is_none() && state.lanes.len() > KEPT_LANES {
            state.lanes.remove(&name);
        }
    }

    /// Notes a turn that is ordered and not handed over.
    pub(super) fn unsettled(&self, lane: &Name, durable: Durable) {
        let mut state = self.state.lock();
        if let Some(lane) = state.lanes.get_mut(lane) {
            let before = lane.unsettled.take().map_or(0, |(_, count)| count);
            lane.unsettled = Some((durable, before + 1));
        }
    }

    /// Tells whether what came of each of a lane's turns is handed over.
    pub(super) fn is_settled(&self, lane: &Name) -> bool {
        let state = self.state.lock();
        let lane = state.lanes.get(lane);
        lane.is_none_or(|lane| lane.unsettled.is_none())
    }

    /// Notes that a turn came to the disk and its parts to the outbox, or that it did not: then its
    /// delivery is put back in its place.
    pub(super) fn settled(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        lane: &Name,
        lost: Option<Delivery>,
    ) {
        let mut state = self.state.lock();
        if let Some(found) = state.lanes.get_mut(lane) {
            found.unsettled = match found.unsettled.take() {
                Some((durable, count)) if count > 1 => Some((durable, count - 1)),
                _ => None,
            };
            let is_done =
                found.unsettled.is_none() && found.place == Place::Rest && found.queue.is_empty();
            if is_done && state.lanes.len() > KEPT_LANES {
                state.lanes.remove(lane);
            }
        }
        if let Some(delivery) = lost {
            self.queue(&mut state, shared, delivery);
        }
    }
}

impl Lane {
    /// Puts a delivery in its place by number, nearly always the end; tells whether it was not there.
    fn put(&mut self, delivery: Delivery) -> bool {
        let later = self.queue.iter().rev();
        let later = later.take_while(|other| other.number > delivery.number);
        let place = self.queue.len() - later.count();
        let before = place.checked_sub(1).and_then(|place| self.queue.get(place));
        if before.is_some_and(|before| before.number == delivery.number) {
            return false;
        }
        self.queue.insert(place, delivery);
        true
    }
}

impl State {
    /// Tells whether no more may wait in memory.
    pub(super) fn is_full(&self, shared: &Shared) -> bool {
        self.waiting >= shared.config.waiting || self.waiting_bytes >= shared.config.waiting_bytes
    }

    /// Tells whether so much waits that the journal is to be asked whether it is too much.
    fn may_be_crowded(&self, shared: &Shared) -> bool {
        let most = shared.config.most_waiting;
        self.left_in_journal.is_some()
            || self.waiting as u64 >= most.count
            || self.waiting_bytes as u64 >= most.bytes
    }

    /// Takes out what waits and is meant.
    fn take(&mut self, is_meant: impl Fn(&Delivery) -> bool) -> Vec<Delivery> {
        let mut taken = Vec::new();
        let mut left_empty: NameSet<Name> = NameSet::default();
        for (name, lane) in &mut self.lanes {
            let first = lane.queue.front().map(|delivery| delivery.number);
            lane.queue.retain(|delivery| {
                let goes = is_meant(delivery);
                if goes {
                    taken.push(delivery.clone());
                }
                !goes
            });
            if lane.place != Place::Running && lane.queue.front().map(|it| it.number) != first {
                lane.first_try = None;
            }
            if lane.queue.is_empty() && lane.place != Place::Running {
                if lane.place == Place::Ready {
                    left_empty.insert(Name::clone(name));
                }
                lane.place = Place::Rest;
            }
        }
        let bodies = taken.iter().map(|it| it.event.payload.body_bytes());
        self.waiting_bytes -= bodies.sum::<usize>();
        self.waiting -= taken.len();
        self.ready.retain(|name| !left_empty.contains(name));
        taken.sort_unstable_by_key(|delivery| delivery.number);
        taken
    }

    fn begin(&mut self, name: &Name, installed: Arc<Installed>) -> Option<Job> {
        let lane = self.lanes.get_mut(name)?;
        let Some(delivery) = lane.queue.pop_front() else {
            lane.place = Place::Rest;
            return None;
        };
        lane.place = Place::Running;
        lane.running = Some(delivery.number);
        self.waiting -= 1;
        self.waiting_bytes -= delivery.event.payload.body_bytes();
        self.running += 1;
        self.quarantine.begin();
        Some(Job {
            delivery,
            installed,
            first_try: lane.first_try,
            shadow: self.shadow.clone(),
            after: lane.unsettled.as_ref().map(|(durable, _)| durable.clone()),
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
            && let Some(Reverse((_, name))) = self.timed.pop()
        {
            if let Some(lane) = self.lanes.get_mut(&name)
                && lane.place == Place::Timed
            {
                lane.place = Place::Ready;
                // First, as it was before all that came meanwhile.
                self.ready.push_front(name);
                count += 1;
            }
        }
        count
    }

    /// Tells until when nothing of the plugin may run.
    fn held(&mut self, shared: &Shared, tenant: &Name) -> Option<Instant> {
        if self.held_for.is_none() && self.quarantine.is_open() {
            return None;
        }
        let now = Instant::now();
        if let Some((bot, until)) = &mut self.held_for {
            if *until <= now && shared.parts.outbox.is_full(tenant, bot) {
                *until = now + HOLD;
            }
            if *until > now {
                return Some(*until);
            }
            self.held_for = None;
        }
        self.quarantine.held(now, self.running > 0)
    }

    /// Holds the plugin while a bot that it writes to has too much to send.
    pub(super) fn hold_for(&mut self, bot: &Name) {
        self.held_for = Some((Name::clone(bot), Instant::now() + HOLD));
    }

    pub(super) fn wake_all(&mut self) {
        for idle in self.idle.drain(..) {
            idle.notify_one();
        }
    }
}
