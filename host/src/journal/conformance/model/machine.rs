//! Takes steps on a store and on the model, and compares what they say and show.

use std::sync::Arc;

use proptest::prop_assert_eq;
use proptest::test_runner::TestCaseError;

use super::seen::{HOST_VALUE, Seen, state_key};
use super::steps::{Age, Change, End, In, KEYS, LANES, Life, Mark, PLUGINS, Plan, Step, TARGETS};
use super::{Look, Model, Said, place};
use crate::journal::conformance::make::{
    self, TENANT, action, arrival, event, new_part, route, timer, timer_key, turn,
};
use crate::journal::conformance::requests::new_request;
use crate::journal::shared::now;
use crate::journal::{
    Accepted, Arrival, Committed, DeadReason, DeliveryEnd, Durable, EventKey, FiredTimer, HeldFile,
    Journal, NewBroadcast, PartNumber, PartUpdate, RequestNumber, RequestState, Sent, StateChange,
    StateDelta, StateKey, Timer, TimerChange, Turn,
};
use crate::model::Name;
use crate::model::action::{Action, KeptFile};
use crate::model::delivery::{Delivery, DeliveryNumber, Route};
use crate::model::event::Event;
use crate::model::payload::ActionError;

const HOUR_MS: u64 = 60 * 60 * 1000;
/// Who stands for the host where an event is nobody's.
const NOBODY: &str = "nobody";

/// Fine, or why a case fails.
pub(crate) type Checked = Result<(), TestCaseError>;

/// What a store answered, and when that is on disk.
pub(crate) struct Answer {
    pub(crate) said: Said,
    pub(crate) durable: Durable,
}

/// A store's model, with what only the store knows: numbers and versions.
pub(crate) struct Machine {
    pub(crate) model: Model,
    pub(crate) has_past: bool,
    seen: Seen,
    looks: Vec<Look>,
    /// Deliveries that have ended, and requests.
    ended: Vec<Delivery>,
    answered: Vec<RequestNumber>,
    tick: u64,
    last_delivery: DeliveryNumber,
    last_part: PartNumber,
}

/// Where a machine stood.
#[derive(Clone)]
pub(crate) struct Standing {
    model: Model,
    ended: usize,
    answered: usize,
}

impl Machine {
    pub(crate) fn new(has_past: bool) -> Self {
        Self {
            model: Model::default(),
            has_past,
            seen: Seen::default(),
            looks: Vec::new(),
            ended: Vec::new(),
            answered: Vec::new(),
            tick: 0,
            last_delivery: 0,
            last_part: 0,
        }
    }

    /// Takes a step on a store; its answer and what is seen afterwards must be the model's.
    pub(crate) async fn step(&mut self, journal: &dyn Journal, step: &Step) -> Checked {
        let answer = self.perform(journal, step).await;
        answer.durable.wait().await.expect("on disk");
        self.follow(step, &answer.said)?;
        self.look(journal).await
    }

    /// Takes a step on the model; the store's answer must be the same.
    pub(crate) fn follow(&mut self, step: &Step, said: &Said) -> Checked {
        let expected = self.model.take(self.tick, step, &self.looks, said);
        prop_assert_eq!(said, &expected, "{:?}", step);
        if let (Step::Commit(..), Some(plugin)) = (step, self.committed(step)) {
            self.looks.retain(|look| look.plugin != &*plugin);
        }
        if matches!(step, Step::Prune(_) | Step::Forget(_)) {
            // A scope without keys is dropped, and its version with it.
            self.looks.retain(|look| look.key.is_some());
        }
        Ok(())
    }

    /// The plugin whose call a step ends with what it has looked at.
    fn committed(&self, step: &Step) -> Option<Name> {
        match step {
            Step::Commit(at, plan) if plan.uses_looks => {
                let at = place(self.seen.deliveries.len(), *at)?;
                Some(Arc::clone(&self.seen.deliveries[at].plugin))
            }
            _ => None,
        }
    }

    /// Compares what is seen with the model.
    pub(crate) async fn look(&mut self, journal: &dyn Journal) -> Checked {
        let seen = Seen::of(journal, self.has_past).await;
        let wanted = self.model.lines(self.has_past);
        if seen.lines != wanted {
            let only = |own: &[String], other: &[String]| -> Vec<String> {
                let own = own.iter().filter(|line| !other.contains(line));
                own.cloned().collect()
            };
            let (missing, other) = (only(&wanted, &seen.lines), only(&seen.lines, &wanted));
            return Err(TestCaseError::fail(
                match missing.is_empty() && other.is_empty() {
                    true => format!("another order: {:#?} and not {wanted:#?}", seen.lines),
                    false => format!("missing: {missing:#?}, and in their place: {other:#?}"),
                },
            ));
        }
        self.take_view(seen);
        Ok(())
    }

    /// Knows from now on what was seen.
    pub(crate) fn take_view(&mut self, seen: Seen) {
        let deliveries = seen.deliveries.iter().map(|it| it.number);
        self.last_delivery = deliveries.fold(self.last_delivery, DeliveryNumber::max);
        let parts = seen.parts.iter().map(|it| it.number);
        self.last_part = parts.fold(self.last_part, PartNumber::max);
        self.seen = seen;
    }

    /// Remembers where it stands, before a step that may never have been.
    pub(crate) fn mark(&self) -> Standing {
        Standing {
            model: self.model.clone(),
            ended: self.ended.len(),
            answered: self.answered.len(),
        }
    }

    /// Goes back to where it stood: the step was never taken.
    pub(crate) fn go_back(&mut self, mark: Standing) {
        self.model = mark.model;
        self.ended.truncate(mark.ended);
        self.answered.truncate(mark.answered);
    }

    /// The process is gone, and with it every call that was under way.
    pub(crate) fn forget_calls(&mut self) {
        self.looks.clear();
    }

    /// Takes a step on a store; what it says. Nothing where there is nothing to do it to.
    pub(crate) async fn perform(&mut self, journal: &dyn Journal, step: &Step) -> Answer {
        self.tick += 1;
        let done = self.try_perform(journal, step).await;
        let (said, durable) = done.unwrap_or((Said::Nothing, Durable::done()));
        Answer { said, durable }
    }

    async fn try_perform(&mut self, journal: &dyn Journal, step: &Step) -> Option<(Said, Durable)> {
        match step {
            Step::Accept(arrivals) => {
                let arrivals = arrivals.iter().enumerate();
                let arrivals = arrivals.map(|(at, it)| self.arrival(at, it)).collect();
                Some(self.accept(journal, arrivals).await)
            }
            Step::Route(at, plugins) => {
                let unrouted = &self.seen.unrouted[place(self.seen.unrouted.len(), *at)?];
                let event = Arc::clone(&unrouted.event);
                let routed = journal.route(unrouted.number, event, routes(plugins)).await;
                let routed = routed.expect("ordered");
                Some((Said::Made(routed.value.len()), routed.durable))
            }
            Step::Look(plugin, scope, key) => {
                let version = version(journal, plugin, scope, *key).await;
                let mut look = Look {
                    plugin,
                    scope,
                    key: *key,
                    version,
                    stamp: 0,
                };
                look.stamp = self.model.stamp(&look);
                self.looks.push(look);
                None
            }
            Step::Commit(at, plan) => self.commit(journal, *at, plan).await,
            Step::End(at, end) => {
                let at = place(self.seen.deliveries.len(), *at)?;
                let delivery = self.seen.deliveries[at].clone();
                let settled = journal.settle(delivery.number, delivery_end(*end)).await;
                if !matches!(end, End::Again(_)) {
                    self.ended.push(delivery);
                }
                Some((Said::Nothing, settled.expect("ordered").durable))
            }
            Step::Late(at, commits) => {
                let delivery = self.ended[place(self.ended.len(), *at)?].clone();
                self.late(journal, &delivery, *commits).await
            }
            Step::PutBack(at) => {
                let at = place(self.seen.dead.len(), *at)?;
                let number = self.seen.dead[at].delivery.number;
                self.ended.retain(|it| it.number != number);
                let back = journal.put_back(number).await.expect("ordered");
                Some((Said::Was(back.value.is_some()), back.durable))
            }
            Step::Record(marks) => {
                let parts = &self.seen.parts;
                let updates = marks.iter().map(|(at, mark)| {
                    let number = parts[place(parts.len(), *at)?].number;
                    Some(self.update(number, mark))
                });
                let updates: Vec<PartUpdate> = updates.collect::<Option<_>>()?;
                let recorded = journal.record(updates).await.expect("ordered");
                Some((Said::Nothing, recorded.durable))
            }
            Step::Expand(at, rows) => {
                let broadcasts = &self.seen.broadcasts;
                let broadcast = &broadcasts[place(broadcasts.len(), *at)?];
                let made = journal.expand(broadcast, *rows).await.expect("ordered");
                for part in &made.value {
                    assert!(part.number > self.last_part, "numbers rise: {part:?}");
                }
                Some((Said::Made(made.value.len()), made.durable))
            }
            Step::MarkRequest(at, is_sending) => {
                let requests = &self.seen.requests;
                let number = requests[place(requests.len(), *at)?].number;
                let state = match is_sending {
                    true => RequestState::Sending,
                    false => RequestState::Queued,
                };
                let marked = journal.mark_request(number, state).await;
                Some((Said::Nothing, marked.expect("ordered").durable))
            }
            Step::Answer(at) => {
                let at = place(self.seen.requests.len(), *at)?;
                let number = self.seen.requests[at].number;
                let plugin = Arc::clone(&self.seen.requests[at].plugin);
                self.answered.push(number);
                let answer = self.answer(&plugin, number);
                Some(self.accept(journal, vec![answer]).await)
            }
            Step::AnswerAgain(at) => {
                let number = self.answered[place(self.answered.len(), *at)?];
                let answer = self.answer(PLUGINS[0], number);
                let (said, durable) = self.accept(journal, vec![answer]).await;
                assert_eq!(said, Said::New(vec![false]), "a request is answered once");
                Some((said, durable))
            }
            Step::Fire(at, next, is_off) => {
                let (plugin, name, due) = self.model.timer(*at)?;
                let due_at = due + u64::from(*is_off);
                let fired = Arrival {
                    key: EventKey::new(&[&format!("timer {plugin} {name} {due_at}")]),
                    timer: Some(FiredTimer {
                        key: timer_key(&plugin, &name),
                        due_at,
                        next: *next,
                    }),
                    ..self.of_nobody(&plugin)
                };
                Some(self.accept(journal, vec![fired]).await)
            }
            Step::Park(plugin, is_parked) => {
                let parked = journal.park_timers(TENANT, plugin, *is_parked).await;
                Some((Said::Nothing, parked.expect("ordered").durable))
            }
            Step::HostValue(value) => {
                let set = journal.set_host_value(HOST_VALUE, &value.to_string()).await;
                Some((Said::Nothing, set.expect("ordered").durable))
            }
            Step::Prune(age) => {
                let hours = match age {
                    Age::Hour => 1,
                    Age::Day => 25,
                    Age::Month => 31 * 24,
                };
                journal
                    .prune(now() + hours * HOUR_MS)
                    .await
                    .expect("pruned");
                None
            }
            Step::Forget(user) => {
                let theirs = self.seen.deliveries.iter().filter(|it| is_of(it, user));
                self.ended.extend(theirs.cloned());
                journal.forget(TENANT, user).await.expect("forgotten");
                None
            }
        }
    }

    async fn accept(&self, journal: &dyn Journal, arrivals: Vec<Arrival>) -> (Said, Durable) {
        let ordered = journal.accept_all(arrivals).await.expect("ordered");
        let new = ordered.value.iter().map(|accepted| match accepted {
            Accepted::Duplicate => false,
            Accepted::New { deliveries, .. } => {
                for delivery in deliveries {
                    let (number, last) = (delivery.number, self.last_delivery);
                    assert!(number > last, "numbers rise: {number} after {last}");
                }
                true
            }
        });
        (Said::New(new.collect()), ordered.durable)
    }

    fn arrival(&self, at: usize, it: &In) -> Arrival {
        Arrival {
            key: EventKey::new(&[&format!("key {}", it.key)]),
            event: self.event(at, it.user),
            lane: Name::from(it.lane),
            routes: it.is_routed.then(|| routes(&it.plugins)),
            ..arrival("", &[])
        }
    }

    fn event(&self, at: usize, user: &str) -> Arc<Event> {
        let mut event = event(&format!("e{}-{at}", self.tick));
        if let Some(actor) = &mut event.actor {
            actor.id = user.to_owned();
        }
        Arc::new(event)
    }

    fn of_nobody(&self, plugin: &str) -> Arrival {
        Arrival {
            event: self.event(0, NOBODY),
            lane: Name::from(LANES[0]),
            ..arrival("", &[plugin])
        }
    }

    fn answer(&self, plugin: &str, request: RequestNumber) -> Arrival {
        Arrival {
            key: EventKey::new(&["answer", &self.tick.to_string()]),
            request: Some(request),
            ..self.of_nobody(plugin)
        }
    }

    async fn commit(
        &mut self,
        journal: &dyn Journal,
        at: usize,
        plan: &Plan,
    ) -> Option<(Said, Durable)> {
        let at = place(self.seen.deliveries.len(), at)?;
        let delivery = self.seen.deliveries[at].clone();
        let held = match plan.file {
            Some(file) => journal.keep_file(&[file; 100]).await.expect("kept"),
            None => None,
        };
        let turn = self.turn(&delivery, plan, held.as_ref());
        let committed = journal.commit(turn).await.expect("ordered");
        let said = match committed.value {
            Committed::Conflict => Said::Conflict,
            Committed::Done(parts) => {
                for part in &parts {
                    assert!(part.number > self.last_part, "numbers rise: {part:?}");
                }
                self.ended.push(delivery);
                Said::Kept(parts.len())
            }
        };
        Some((said, committed.durable))
    }

    fn turn(&self, delivery: &Delivery, plan: &Plan, held: Option<&HeldFile>) -> Turn {
        let plugin = &delivery.plugin;
        let tick = self.tick;
        let mut state = StateDelta::default();
        let looks = self.looks.iter().filter(|look| look.plugin == &**plugin);
        for look in looks.filter(|_| plan.uses_looks) {
            let key = state_key(plugin, look.scope, look.key.unwrap_or_default());
            match look.key {
                Some(_) => state.reads.push((key, look.version)),
                None => state.lists.push((key.scope, look.version)),
            }
        }
        let writes = plan.state.iter();
        state.writes = writes
            .map(|(scope, key, change)| (state_key(plugin, scope, key), state_change(change)))
            .collect();
        let parts = (0..plan.parts).map(|part| {
            let name = format!("p{tick}-{part}");
            let index = u32::try_from(part).unwrap_or_default();
            let mut new = new_part(index, plan.sending && part == 0);
            new.conversation = Arc::clone(&delivery.lane);
            new.action = match held.filter(|_| part == 0) {
                Some(held) => sends_file(&name, &held.sha256),
                None => action(&name),
            };
            new
        });
        let broadcasts = plan.broadcast.iter().map(|(targets, each)| NewBroadcast {
            bot: Name::from("desk"),
            index: 9,
            actions: (0..*each)
                .map(|part| action(&format!("b{tick}-{part}")))
                .collect(),
            targets: TARGETS[..*targets]
                .iter()
                .copied()
                .map(Name::from)
                .collect(),
        });
        let timers = plan.timers.iter().map(|(name, due)| match due {
            None => TimerChange::Cancel(timer_key(plugin, name)),
            Some(due) => TimerChange::Set(Timer {
                key: timer_key(plugin, name),
                origin: Arc::clone(&delivery.event),
                ..timer(name, *due, "x")
            }),
        });
        let requests = (0..plan.requests).map(|at| new_request(&format!("r{tick}-{at}"), "body"));
        Turn {
            state,
            parts: parts.collect(),
            broadcasts: broadcasts.collect(),
            timers: timers.collect(),
            requests: requests.collect(),
            ..turn(delivery)
        }
    }

    async fn late(
        &self,
        journal: &dyn Journal,
        delivery: &Delivery,
        commits: bool,
    ) -> Option<(Said, Durable)> {
        if !commits {
            let end = DeliveryEnd::Again(9);
            let settled = journal.settle(delivery.number, end).await;
            return Some((Said::Nothing, settled.expect("ordered").durable));
        }
        let write = (
            state_key(&delivery.plugin, "p", KEYS[0]),
            StateChange::Set(b"late".to_vec(), None),
        );
        let turn = Turn {
            state: StateDelta {
                writes: vec![write],
                ..StateDelta::default()
            },
            parts: vec![new_part(0, true)],
            ..turn(delivery)
        };
        let committed = journal.commit(turn).await.expect("ordered");
        assert!(
            matches!(&committed.value, Committed::Done(parts) if parts.is_empty()),
            "a delivery has effects once: {:?}",
            committed.value
        );
        Some((Said::Nothing, committed.durable))
    }

    fn update(&self, part: PartNumber, mark: &Mark) -> PartUpdate {
        match mark {
            Mark::Sending => PartUpdate::Sending(part),
            Mark::Queued => PartUpdate::Queued(part),
            Mark::Failed => PartUpdate::Failed(part, ActionError::NotFound, "gone".to_owned()),
            Mark::Skipped => PartUpdate::Skipped(part),
            Mark::Sent(name, joins) => PartUpdate::Sent {
                part,
                sent: Sent {
                    message: Some(format!("m{}", self.tick)),
                    ..Sent::default()
                },
                forms: Vec::new(),
                key: name.map(str::to_owned),
                how: None,
                joins: *joins,
            },
        }
    }
}

fn routes(plugins: &[&str]) -> Vec<Route> {
    plugins.iter().map(|plugin| route(plugin)).collect()
}

fn is_of(delivery: &Delivery, user: &str) -> bool {
    let actor = delivery.event.actor.as_ref();
    actor.is_some_and(|actor| actor.id == user)
}

fn delivery_end(end: End) -> DeliveryEnd {
    match end {
        End::Again(attempt) => DeliveryEnd::Again(attempt),
        End::Refused => DeliveryEnd::Refused("not mine".to_owned()),
        End::Failed => DeliveryEnd::Dead(DeadReason::Failed, "failed".to_owned()),
        End::Expired => DeliveryEnd::Dead(DeadReason::Expired, "expired".to_owned()),
    }
}

fn state_change(change: &Change) -> StateChange {
    match change {
        Change::Delete => StateChange::Delete,
        Change::Add(delta) => StateChange::Add(i64::from(*delta)),
        Change::Set(value, life) => {
            let until = match life {
                Life::Lasting => None,
                Life::Soon => Some(now() + 12 * HOUR_MS),
                Life::Over => Some(1),
            };
            StateChange::Set(value.to_string().into_bytes(), until)
        }
    }
}

/// An action of this name that sends a file which lies beside the journal.
fn sends_file(name: &str, sha256: &str) -> Arc<Action> {
    let file = KeptFile {
        name: "a.bin".to_owned(),
        media_type: "application/octet-stream".to_owned(),
        sha256: sha256.to_owned(),
        size: 100,
    };
    make::sends_file(Some(name), file)
}

/// The version of a value, or of the list of a scope's keys.
async fn version(journal: &dyn Journal, plugin: &str, scope: &str, key: Option<&str>) -> u64 {
    let place: StateKey = state_key(plugin, scope, key.unwrap_or_default());
    match key {
        Some(_) => journal.state_get(&place).await.expect("read").1,
        None => {
            let listed = journal.state_keys(&place.scope, "", None, 100).await;
            listed.expect("listed").1
        }
    }
}
