//! One delivery: the call, what it comes to, the commit, and what to do where it does not succeed.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::draft::draft;
use super::plugin::{Job, Next, Plugin};
use super::probation::Failing;
use super::settle::{Settling, Unsettled};
use super::shadow::Watch;
use super::status::{FaultNote, count};
use super::timers::CommitTurn;
use super::trace::CallTrace;
use super::worker::{Alive, Held};
use super::{Shared, bounds, expiry, files, gate, timers};
use crate::journal::{
    Committed, DeadReason, DeliveryEnd, Durable, HeldFile, JournalError, NewPart, Ordered, Part,
    StateDelta, Turn, Urgency,
};
use crate::mailbox::{LaneKey, LaneKind};
use crate::model::Name;
use crate::model::action::Action;
use crate::runtime::compare::Outcome;
use crate::runtime::guest::{CallEnd, Fault, FaultKind};
use crate::runtime::notes::Notes;
use crate::runtime::turn::Refusal;

/// Calls of one delivery that may be lost to conflicts. The second already holds the commit turn,
/// so more are only needed where a value's time ran out meanwhile.
const CONFLICTS: u32 = 16;

/// One delivery being attended to.
#[derive(Clone)]
pub(super) struct Attend {
    pub(super) shared: Arc<Shared>,
    pub(super) plugin: Arc<Plugin>,
    pub(super) job: Arc<Job>,
}

/// What a try came to.
enum Tried {
    Ended(Next),
    Conflict,
    /// Its commit is being ordered by itself.
    Left,
}

impl Attend {
    /// Attends to the delivery and lets its lane go on.
    pub(super) async fn run(self, held: &mut Option<Held>) {
        let began = Instant::now();
        let attended = AssertUnwindSafe(self.tries(held, began)).catch_unwind();
        let next = match attended.await {
            Ok(Some(next)) => next,
            Ok(None) => return,
            Err(_) => {
                *held = None;
                self.panicked(began).await
            }
        };
        self.plugin.finish(&self.shared, &self.job, next);
    }

    /// Calls the plugin and commits; again where what it read has changed meanwhile. Gives nothing
    /// where the commit goes on by itself.
    async fn tries(&self, held: &mut Option<Held>, began: Instant) -> Option<Next> {
        let now = self.shared.parts.clock.now();
        let ages = &self.job.installed.spec.max_age;
        if let Some(text) = expiry::reason(ages, &self.job.delivery, now) {
            return Some(self.bury(DeadReason::Expired, text, Next::Skipped).await);
        }
        match self.attempt(held, began, false).await {
            Tried::Ended(next) => return Some(next),
            Tried::Left => return None,
            Tried::Conflict => count(&self.plugin.counters.conflicts),
        }
        // It lost once. Holding the turn from its first read on, it cannot lose again.
        let _turn = self.plugin.commit_turn.write().await;
        for _ in 1..CONFLICTS {
            *held = None;
            match self.attempt(held, began, true).await {
                Tried::Ended(next) => return Some(next),
                Tried::Left => return None,
                Tried::Conflict => count(&self.plugin.counters.conflicts),
            }
        }
        let text = "what it read changed again and again";
        Some(self.host_failed(text, began).await)
    }

    async fn attempt(&self, held: &mut Option<Held>, began: Instant, has_turn: bool) -> Tried {
        let spec = &self.job.installed.spec;
        let generation = self.job.installed.generation;
        let mut trace = CallTrace::begin(self);
        let (instance, alive) = match held.take() {
            Some(held) if held.generation == generation => (held.instance, held.alive),
            _ => match spec.build.instantiate().await {
                Ok(instance) => (instance, Alive::new(&self.plugin)),
                Err(fault) => {
                    let outcome = || Outcome::Failed(fault.to_string());
                    CallTrace::tell(trace, self, &StateDelta::default(), outcome);
                    return Tried::Ended(self.faulted(&fault, began).await);
                }
            },
        };
        let notes = trace.as_ref().map(|trace| trace.notes.clone());
        let watch = self.job.shadow.as_ref().and_then(|shadow| {
            let notes = notes.clone().unwrap_or_default();
            shadow.watch(&self.plugin, &self.job.delivery, notes)
        });
        let notes = notes.or_else(|| watch.as_ref().map(|watch| watch.notes().clone()));
        let called = {
            // Never closed; if it were, calls would go on unbounded rather than stop.
            let _permit = self.shared.calls.acquire().await;
            let called_at = Instant::now();
            let delivery = self.job.delivery.clone();
            let called = match notes {
                Some(notes) => instance.handle_noted(delivery, notes).await,
                None => instance.handle(delivery).await,
            };
            let took = called_at.elapsed();
            if let Some(trace) = &mut trace {
                (trace.took, trace.spent) = (took, called.spent);
            }
            let took_us = self.plugin.counters.took(took);
            (called, took_us)
        };
        let (called, took_us) = called;
        let is_reusable = matches!(called.end, CallEnd::Done(_) | CallEnd::Refused(_));
        if is_reusable && !spec.fresh {
            *held = called.instance.map(|instance| Held {
                instance,
                generation,
                alive,
            });
        }
        let end = match called.end {
            CallEnd::Done(actions) => {
                let turn = (actions, called.state, took_us);
                return self.commit(turn, began, has_turn, watch, trace).await;
            }
            end => end,
        };
        CallTrace::tell(trace, self, &called.state, || {
            Outcome::of_end(&end).unwrap_or(Outcome::Done(Vec::new()))
        });
        if let Some(watch) = watch {
            watch.ended(&end, &called.state);
        }
        // An end that rests on values which are no longer true is no fault of the plugin's.
        if called.state.has_reads() {
            match self.has_changed(&called.state).await {
                Ok(false) => {}
                Ok(true) => return Tried::Conflict,
                Err(error) => return Tried::Ended(self.hold(&error)),
            }
        }
        Tried::Ended(match end {
            CallEnd::Done(_) => Next::DONE,
            CallEnd::Refused(reason) => {
                tracing::info!(plugin = %self.plugin.name, event = %self.job.delivery.event.id, reason, "event refused by plugin");
                count(&self.plugin.counters.refused);
                self.settle(DeliveryEnd::Refused(reason), Next::DONE).await
            }
            CallEnd::Retry(after_ms) => {
                count(&self.plugin.counters.retries);
                let text = "the plugin asked to be called again";
                let is_last = self.job.delivery.attempt >= self.shared.config.tries;
                if is_last && self.fails_probation(text) {
                    return Tried::Ended(Next::Back);
                }
                self.again(text, after_ms.map(Duration::from_millis), began)
                    .await
            }
            CallEnd::Fault(fault) => self.faulted(&fault, began).await,
        })
    }

    async fn commit(
        &self,
        (actions, state, took_us): (Vec<Action>, StateDelta, u64),
        began: Instant,
        has_turn: bool,
        watch: Option<Watch>,
        trace: Option<CallTrace>,
    ) -> Tried {
        let policy = &self.job.installed.spec.policy;
        let drafted = draft(&self.shared, &self.job.delivery, policy, actions).await;
        let mut draft = match drafted {
            Ok(Ok(draft)) => draft,
            Ok(Err(refusal)) => {
                let outcome = || Outcome::Disallowed(refusal.to_string());
                CallTrace::tell(trace, self, &state, outcome);
                if let Some(watch) = watch {
                    watch.disallowed(&refusal, &state);
                }
                return self.refused(&state, &refusal).await;
            }
            Err(error) => return Tried::Ended(self.hold(&error)),
        };
        CallTrace::tell(trace, self, &state, || Outcome::of_draft(&draft));
        let notes = watch.as_ref().map(|watch| watch.notes().clone());
        if let Some(watch) = watch {
            watch.drafted(&draft, &state);
        }
        let journal = &*self.shared.parts.journal;
        match bounds::check(journal, &self.job.delivery, &draft).await {
            Ok(None) => {}
            Ok(Some(refusal)) => return self.refused(&state, &refusal).await,
            Err(error) => return Tried::Ended(self.hold(&error)),
        }
        // Held until the turn is ordered: then its rows name the files.
        let files = match files::keep(journal, &mut draft).await {
            Ok(files) => files,
            Err(error) => return Tried::Ended(self.not_kept(error, began).await),
        };
        let writes = !state.writes.is_empty();
        let commit_turn = match timers::take_turn(self, &draft.timers, writes, has_turn).await {
            Ok(Ok(turn)) => turn,
            Ok(Err(refusal)) => return self.refused(&state, &refusal).await,
            Err(error) => return Tried::Ended(self.hold(&error)),
        };
        // The lane's turn before this one may have been lost while this call ran.
        if let Some(error) = self.job.after.clone().and_then(lost) {
            return Tried::Ended(self.hold(&error));
        }
        let reserved = self.reserve(&mut draft.parts);
        let delivery = &self.job.delivery;
        let turn = Turn {
            delivery: delivery.number,
            tenant: Name::clone(&delivery.tenant),
            plugin: Name::clone(&delivery.plugin),
            event: Arc::clone(&delivery.event),
            state,
            parts: draft.parts,
            broadcasts: draft.broadcasts,
            timers: draft.timers,
            requests: draft.requests,
            number: delivery.event.sequence,
            took_us,
        };
        // What touches nothing that calls share cannot conflict, and needs its instance no more.
        let is_alone =
            !has_turn && matches!(commit_turn, CommitTurn::None) && !turn.state.has_reads();
        if is_alone && let Ok(permit) = Arc::clone(&self.shared.ordering).try_acquire_owned() {
            return self.leave(turn, reserved, files, began, permit, notes);
        }
        self.order(turn, reserved, files, began, notes).await
    }

    /// Lets a commit go on by itself, unless it is through at once.
    fn leave(
        &self,
        turn: Turn,
        reserved: Vec<LaneKey>,
        files: Vec<HeldFile>,
        began: Instant,
        permit: OwnedSemaphorePermit,
        notes: Option<Arc<Notes>>,
    ) -> Tried {
        let attend = self.clone();
        let order = async move {
            let order = attend.order(turn, reserved, files, began, notes);
            let order = AssertUnwindSafe(order).catch_unwind();
            let next = match order.await {
                Ok(Tried::Ended(next)) => next,
                // Neither is possible for a turn without reads.
                Ok(Tried::Conflict | Tried::Left) => Next::Back,
                Err(_) => attend.panicked(began).await,
            };
            drop(permit);
            (attend, next)
        };
        let mut order = Box::pin(order);
        if let Some((_, next)) = order.as_mut().now_or_never() {
            return Tried::Ended(next);
        }
        let order = async move {
            let (attend, next) = order.await;
            attend.plugin.finish(&attend.shared, &attend.job, next);
            attend.plugin.stir(&attend.shared);
        };
        self.shared.tracker.spawn_on(order, &self.shared.handle);
        Tried::Left
    }

    /// Has the journal order a turn. Its files are held until then.
    async fn order(
        &self,
        turn: Turn,
        reserved: Vec<LaneKey>,
        files: Vec<HeldFile>,
        began: Instant,
        notes: Option<Arc<Notes>>,
    ) -> Tried {
        let broadcasts = turn.broadcasts.iter();
        let broadcasts: Vec<Name> = broadcasts.map(|one| Name::clone(&one.bot)).collect();
        let requests = (!turn.requests.is_empty()).then_some(&self.shared.parts.requests);
        if let Some(requests) = requests {
            requests.announce(&self.plugin.tenant, &self.plugin.name);
        }
        let writes = !turn.state.writes.is_empty();
        if writes {
            let begun = &self.plugin.counters.writes_begun;
            begun.fetch_add(1, Ordering::SeqCst);
            if let Some(notes) = notes {
                notes.commits();
            }
        }
        let committed = self.shared.parts.journal.commit(turn).await;
        if writes {
            let ended = &self.plugin.counters.writes_ended;
            ended.fetch_add(1, Ordering::SeqCst);
        }
        if let Some(requests) = requests {
            requests.committed(&self.plugin.tenant, &self.plugin.name);
        }
        drop(files);
        match committed {
            Ok(Ordered {
                value: Committed::Done(parts),
                durable,
            }) => {
                count(&self.plugin.counters.handled);
                if let Some(probation) = &self.job.installed.spec.probation {
                    probation.handled();
                }
                if !broadcasts.is_empty() {
                    self.shared.parts.outbox.look_for_broadcasts();
                }
                self.heed_full_outbox(&parts, &broadcasts);
                self.hand_over(durable, parts, reserved).await;
                Tried::Ended(Next::DONE)
            }
            Ok(Ordered {
                value: Committed::Conflict,
                ..
            }) => {
                self.release(&reserved);
                Tried::Conflict
            }
            Err(error) => {
                self.release(&reserved);
                Tried::Ended(self.not_kept(error, began).await)
            }
        }
    }

    /// Tells a store that takes no writes from one that does not take this turn: the first holds
    /// all lanes, the second is this delivery's own fault.
    async fn not_kept(&self, error: JournalError, began: Instant) -> Next {
        if matches!(error, JournalError::NoDelivery(_)) {
            return self.never_was();
        }
        if matches!(error, JournalError::Failed(_)) && gate::probe(&self.shared).await.is_ok() {
            let text = format!("turn not kept: {error}");
            self.note_fault(&text);
            return self.again(&text, None, began).await;
        }
        self.hold(&error)
    }

    /// Marks the first part of each empty outbox lane as being sent.
    fn reserve(&self, parts: &mut [NewPart]) -> Vec<LaneKey> {
        let mut seen: Vec<(LaneKey, bool)> = Vec::new();
        for part in parts {
            if part.urgency == Urgency::Broadcast {
                continue;
            }
            let key = LaneKey::of(&self.plugin.tenant, &self.plugin.name, part);
            if key.kind != LaneKind::Order || seen.iter().any(|(lane, _)| *lane == key) {
                continue;
            }
            part.sending = self.shared.parts.outbox.reserve(&key);
            seen.push((key, part.sending));
        }
        let reserved = seen.into_iter().filter(|(_, is_reserved)| *is_reserved);
        reserved.map(|(key, _)| key).collect()
    }

    fn release(&self, reserved: &[LaneKey]) {
        for lane in reserved {
            self.shared.parts.outbox.release(lane);
        }
    }

    /// Gives parts to the outbox, at once where they are on disk and nothing before them waits.
    async fn hand_over(&self, durable: Durable, parts: Vec<Part>, reserved: Vec<LaneKey>) {
        let lane = &self.job.delivery.lane;
        // That the turn before is on disk does not say that its parts are in the outbox yet.
        let is_first = self.job.after.is_none() || self.plugin.is_settled(lane);
        if is_first && durable.is_done() {
            // A delivery that was through before has no parts: its lanes go back.
            if parts.is_empty() {
                self.release(&reserved);
            } else {
                self.shared.parts.outbox.enqueue(parts);
            }
            return;
        }
        self.plugin.unsettled(lane, durable.clone());
        let unsettled = Settling::Turn(Box::new(Unsettled {
            plugin: Arc::clone(&self.plugin),
            delivery: self.job.delivery.clone(),
            durable,
            parts,
            reserved,
        }));
        if self.shared.settling.send(unsettled).await.is_err() {
            tracing::error!("settling ended before the lanes did");
        }
    }

    fn heed_full_outbox(&self, parts: &[Part], broadcasts: &[Name]) {
        let outbox = &self.shared.parts.outbox;
        let tenant = &self.plugin.tenant;
        let mut last: Option<&Name> = None;
        for bot in parts.iter().map(|part| &part.what.bot).chain(broadcasts) {
            if last.replace(bot) != Some(bot) && outbox.is_full(tenant, bot) {
                self.plugin.state.lock().hold_for(bot);
                return;
            }
        }
    }

    async fn has_changed(&self, state: &StateDelta) -> Result<bool, JournalError> {
        let journal = &self.shared.parts.journal;
        for (key, version) in &state.reads {
            if journal.state_get(key).await?.1 != *version {
                return Ok(true);
            }
        }
        for (scope, version) in &state.lists {
            if journal.state_keys(scope, "", None, 0).await?.1 != *version {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn refused(&self, state: &StateDelta, refusal: &Refusal) -> Tried {
        match self.has_changed(state).await {
            Ok(false) => {}
            Ok(true) => return Tried::Conflict,
            Err(error) => return Tried::Ended(self.hold(&error)),
        }
        let text = refusal.to_string();
        self.note_fault(&text);
        // A missing grant is the operator's to give: it says nothing of the plugin's health.
        let next = match refusal {
            Refusal::Loop(_) => Next::FAILED,
            _ => Next::DONE,
        };
        Tried::Ended(self.bury(refusal.reason(), text, next).await)
    }

    async fn faulted(&self, fault: &Fault, began: Instant) -> Next {
        let text = fault.to_string();
        self.note_fault(&text);
        if self.fails_probation(&text) {
            // It was no try: the build that is put back makes the first.
            return Next::Back;
        }
        match fault.kind {
            FaultKind::Failed => self.bury(DeadReason::Failed, text, Next::FAILED).await,
            _ => self.again(&text, None, began).await,
        }
    }

    /// Lets the delivery be tried once more, or gives it up where its tries are used up.
    async fn again(&self, text: &str, after: Option<Duration>, began: Instant) -> Next {
        let config = &self.shared.config;
        let attempt = self.job.delivery.attempt;
        let first_try = self.job.first_try.unwrap_or(began);
        let last_at = first_try + config.tries_within;
        let now = Instant::now();
        if attempt >= config.tries || now >= last_at {
            let text = format!("{text} (try {attempt} of {})", config.tries);
            return self.bury(DeadReason::Failed, text, Next::FAILED).await;
        }
        let step = attempt.saturating_sub(1).min(10);
        let wait = after.unwrap_or_else(|| config.first_wait * 4u32.pow(step));
        let wait = wait.min(config.longest_wait);
        let at = now.checked_add(wait).map_or(last_at, |at| at.min(last_at));
        tracing::warn!(plugin = %self.plugin.name, event = %self.job.delivery.event.id, attempt, fault = text, "delivery is tried again");
        self.settle(
            DeliveryEnd::Again(attempt.saturating_add(1)),
            Next::Again { first_try, at },
        )
        .await
    }

    async fn bury(&self, reason: DeadReason, text: String, next: Next) -> Next {
        tracing::warn!(plugin = %self.plugin.name, event = %self.job.delivery.event.id, ?reason, detail = text, "delivery is a dead letter");
        count(&self.plugin.counters.dead);
        if let Some(hear) = self.shared.dead.get() {
            hear(&self.job.delivery, reason, &text);
        }
        self.settle(DeliveryEnd::Dead(reason, text), next).await
    }

    async fn settle(&self, end: DeliveryEnd, next: Next) -> Next {
        let ends = !matches!(end, DeliveryEnd::Again(_));
        let number = self.job.delivery.number;
        match self.shared.parts.journal.settle(number, end).await {
            Ok(ordered) => {
                if ends {
                    self.hand_over(ordered.durable, Vec::new(), Vec::new())
                        .await;
                }
                next
            }
            Err(JournalError::NoDelivery(_)) => self.never_was(),
            Err(error) => self.hold(&error),
        }
    }

    /// Goes on without a delivery whose event was lost with its batch: it is offered again, and is
    /// another one then.
    fn never_was(&self) -> Next {
        let delivery = &self.job.delivery;
        tracing::debug!(plugin = %self.plugin.name, event = %delivery.event.id, "delivery was never stored");
        Next::Skipped
    }

    /// Gives up a delivery over which the host itself failed.
    async fn host_failed(&self, text: &str, began: Instant) -> Next {
        self.note_fault(text);
        self.again(text, None, began).await
    }

    async fn panicked(&self, began: Instant) -> Next {
        let text = "the host panicked over this delivery";
        self.host_failed(text, began).await
    }

    fn note_fault(&self, text: &str) {
        let delivery = &self.job.delivery;
        let event = &delivery.event;
        let note = FaultNote {
            at: self.shared.parts.clock.now(),
            version: self.job.installed.spec.version.clone(),
            event: event.id.clone(),
            conversation: event.conversation.as_ref().map(|place| place.id.clone()),
            attempt: delivery.attempt,
            text: text.to_owned(),
        };
        let is_of_current = self.plugin.is_current(self.job.installed.generation);
        self.plugin.counters.fault(note, is_of_current);
    }

    /// Tells whether the build is given up for this fault, and the plugin held for another.
    fn fails_probation(&self, text: &str) -> bool {
        let installed = &self.job.installed;
        let Some(probation) = &installed.spec.probation else {
            return false;
        };
        match probation.faulted(text) {
            Failing::No => false,
            Failing::First => {
                // Before anybody hears of it: what they do about it must not be undone by this.
                let reason = "it had a fault in its probation".to_owned();
                self.plugin.shut(installed.generation, reason);
                probation.tell();
                true
            }
            Failing::Already => true,
        }
    }

    /// Holds all lanes until the journal takes writes, and puts the delivery back.
    fn hold(&self, error: &JournalError) -> Next {
        self.shared.gate.close(error);
        Next::Back
    }
}

/// The error of a write that is known to be lost.
fn lost(durable: Durable) -> Option<JournalError> {
    durable.wait().now_or_never().and_then(Result::err)
}
