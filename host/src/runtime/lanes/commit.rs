//! One delivery: the call, what it comes to, the commit, and what to do where it does not succeed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::Instant;

use super::plugin::{Job, Next, Plugin};
use super::settle::{Settling, Unsettled};
use super::status::count;
use super::worker::{Alive, Held};
use super::{Shared, files, gate, now};
use crate::journal::{
    Committed, DeadReason, DeliveryEnd, Durable, JournalError, NewPart, Ordered, Part, StateDelta,
    TimerChange, Turn, Urgency,
};
use crate::mailbox::{LaneKey, LaneKind};
use crate::model::Name;
use crate::model::action::Action;
use crate::runtime::guest::{CallEnd, Fault, FaultKind};
use crate::runtime::turn::{self, Refusal, TurnContext, TurnDraft};

/// Calls of one delivery that may be lost to conflicts. The second already holds the commit turn,
/// so more are only needed where a value's time ran out meanwhile.
const CONFLICTS: u32 = 16;

/// One delivery being attended to.
#[derive(Clone, Copy)]
pub(super) struct Attend<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) plugin: &'a Arc<Plugin>,
    pub(super) job: &'a Job,
}

/// What a try came to.
enum Tried {
    Ended(Next),
    Conflict,
}

impl Attend<'_> {
    /// Calls the plugin and commits; again where what it read has changed meanwhile.
    pub(super) async fn run(&self, held: &mut Option<Held>) -> Next {
        let began = Instant::now();
        match self.attempt(held, began, false).await {
            Tried::Ended(next) => return next,
            Tried::Conflict => count(&self.plugin.counters.conflicts),
        }
        // It lost once. Holding the turn from its first read on, it cannot lose again.
        let _turn = self.plugin.commit_turn.write().await;
        for _ in 1..CONFLICTS {
            *held = None;
            match self.attempt(held, began, true).await {
                Tried::Ended(next) => return next,
                Tried::Conflict => count(&self.plugin.counters.conflicts),
            }
        }
        fail(self, "what it read changed again and again", began).await
    }

    async fn attempt(&self, held: &mut Option<Held>, began: Instant, has_turn: bool) -> Tried {
        let spec = &self.job.installed.spec;
        let generation = self.job.installed.generation;
        let (instance, alive) = match held.take() {
            Some(held) if held.generation == generation => (held.instance, held.alive),
            _ => match spec.build.instantiate().await {
                Ok(instance) => (instance, Alive::new(self.plugin)),
                Err(fault) => return Tried::Ended(self.faulted(&fault, began).await),
            },
        };
        let called = {
            // Never closed; if it were, calls would go on unbounded rather than stop.
            let _permit = self.shared.calls.acquire().await;
            let called_at = Instant::now();
            let called = instance.handle(self.job.delivery.clone()).await;
            let took_us = self.plugin.counters.took(called_at.elapsed());
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
                return self
                    .commit(actions, called.state, took_us, began, has_turn)
                    .await;
            }
            end => end,
        };
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
                self.again(text, after_ms.map(Duration::from_millis), began)
                    .await
            }
            CallEnd::Fault(fault) => self.faulted(&fault, began).await,
        })
    }

    async fn commit(
        &self,
        actions: Vec<Action>,
        state: StateDelta,
        took_us: u64,
        began: Instant,
        has_turn: bool,
    ) -> Tried {
        let mut draft = match self.draft(actions).await {
            Ok(Ok(draft)) => draft,
            Ok(Err(refusal)) => return self.refused(&state, &refusal).await,
            Err(error) => return Tried::Ended(self.hold(&error)),
        };
        // Held until the turn is ordered: then its rows name the files.
        let files = match files::keep(&*self.shared.parts.journal, &mut draft.parts).await {
            Ok(files) => files,
            Err(error) => return Tried::Ended(self.not_kept(error, began).await),
        };
        let _turn = if has_turn || state.writes.is_empty() {
            None
        } else {
            Some(self.plugin.commit_turn.read().await)
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
            timers: draft.timers,
            requests: draft.requests,
            number: delivery.event.sequence,
            took_us,
        };
        let committed = self.shared.parts.journal.commit(turn).await;
        drop(files);
        match committed {
            Ok(Ordered {
                value: Committed::Done(parts),
                durable,
            }) => {
                count(&self.plugin.counters.handled);
                self.heed_full_outbox(&parts);
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
        if matches!(error, JournalError::Failed(_)) && gate::probe(self.shared).await.is_ok() {
            let text = format!("turn not kept: {error}");
            self.plugin.counters.fault(&text);
            return self.again(&text, None, began).await;
        }
        self.hold(&error)
    }

    async fn draft(
        &self,
        actions: Vec<Action>,
    ) -> Result<Result<TurnDraft, Refusal>, JournalError> {
        let parts = &self.shared.parts;
        let delivery = &self.job.delivery;
        let policy = &self.job.installed.spec.policy;
        let own_messages = self.own_messages(&actions).await?;
        let context = TurnContext {
            delivery,
            policy,
            connectors: &*parts.connectors,
            contents: &*parts.contents,
            own_messages: &own_messages,
            now: now(),
        };
        let draft = match turn::build(actions, &context) {
            Ok(draft) => draft,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let new = draft.timers.iter();
        let new = new.filter(|change| matches!(change, TimerChange::Set(_)));
        let new = new.count();
        if new > 0 {
            let journal = &parts.journal;
            let set = journal
                .timer_count(&delivery.tenant, &delivery.plugin)
                .await?;
            let found = usize::try_from(set)
                .unwrap_or(usize::MAX)
                .saturating_add(new);
            let limit = policy.limits.timers as usize;
            if found > limit {
                return Ok(Err(Refusal::Limit {
                    what: "timers",
                    found,
                    limit,
                    plugin: Name::clone(&delivery.plugin),
                    setting: "timers",
                }));
            }
        }
        Ok(Ok(draft))
    }

    /// Finds out which messages that a list names by id the plugin has sent.
    async fn own_messages(&self, actions: &[Action]) -> Result<HashSet<String>, JournalError> {
        let delivery = &self.job.delivery;
        let event = &delivery.event;
        let mut own = HashSet::new();
        // The list may be longer than is allowed, and is refused for that later.
        let most = self.job.installed.spec.policy.limits.actions as usize;
        for (action, id) in turn::named_messages(actions, event).take(most) {
            let event_bot = event.bot.as_ref().map(|bot| bot.name.as_str());
            let Some(bot) = action.bot.as_deref().or(event_bot) else {
                continue;
            };
            let journal = &self.shared.parts.journal;
            let found = journal
                .sent_message(&delivery.tenant, &delivery.plugin, bot, id)
                .await?;
            own.extend(found.map(|found| found.message));
        }
        Ok(own)
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
        let is_first = self.job.after.as_ref().is_none_or(Durable::is_done);
        if is_first && durable.is_done() {
            // A delivery that was through before has no parts: its lanes go back.
            if parts.is_empty() {
                self.release(&reserved);
            } else {
                self.shared.parts.outbox.enqueue(parts);
            }
            return;
        }
        let lane = &self.job.delivery.lane;
        self.plugin.unsettled(lane, durable.clone());
        let unsettled = Settling::Turn(Box::new(Unsettled {
            plugin: Arc::clone(self.plugin),
            delivery: self.job.delivery.clone(),
            durable,
            parts,
            reserved,
        }));
        if self.shared.settling.send(unsettled).await.is_err() {
            tracing::error!("settling ended before the lanes did");
        }
    }

    fn heed_full_outbox(&self, parts: &[Part]) {
        let Some(part) = parts.first() else {
            return;
        };
        let outbox = &self.shared.parts.outbox;
        let is_full = |part: &Part| outbox.is_full(&part.tenant, &part.what.bot);
        let others = parts.iter().filter(|other| other.what.bot != part.what.bot);
        if is_full(part) || others.into_iter().any(is_full) {
            self.plugin.state.lock().hold();
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
        self.plugin.counters.fault(&text);
        // A missing grant is the operator's to give: it says nothing of the plugin's health.
        let next = match refusal {
            Refusal::Loop(_) => Next::FAILED,
            _ => Next::DONE,
        };
        Tried::Ended(self.bury(refusal.reason(), text, next).await)
    }

    async fn faulted(&self, fault: &Fault, began: Instant) -> Next {
        let text = fault.to_string();
        self.plugin.counters.fault(&text);
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
            Err(error) => self.hold(&error),
        }
    }

    /// Holds all lanes until the journal takes writes, and puts the delivery back.
    fn hold(&self, error: &JournalError) -> Next {
        self.shared.gate.close(error);
        Next::Back
    }
}

/// Gives up a delivery over which the host itself failed.
pub(super) async fn fail(attend: &Attend<'_>, text: &str, began: Instant) -> Next {
    attend.plugin.counters.fault(text);
    attend.again(text, None, began).await
}

/// The error of a write that is known to be lost.
fn lost(durable: Durable) -> Option<JournalError> {
    durable.wait().now_or_never().and_then(Result::err)
}
