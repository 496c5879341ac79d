//! What a journal is, as plainly as it can be said: lists, and loops over them.
//!
//! The model has no numbers, versions, threads or files. It says what a store must answer to a
//! step and what must be seen afterwards; `machine` takes the same steps on a store and compares.

pub(crate) mod machine;
mod outbox;
pub(crate) mod seen;
pub(crate) mod steps;
mod values;

use std::collections::BTreeMap;

use self::steps::{Age, End, In, Life, Plan, Step};

/// Days for which the key of an event is surely remembered, beside the one on which it came.
const DAYS_REMEMBERED: u64 = 2;

/// What a step is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// There was nothing to do it to, or nothing to say.
    Nothing,
    /// Which arrivals were new.
    New(Vec<bool>),
    /// The turn is kept; so many parts.
    Kept(usize),
    Conflict,
    /// Deliveries or parts made.
    Made(usize),
    /// Whether there was such a thing.
    Was(bool),
}

/// Something that a call read: in the model it has a stamp where a store has a version.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) plugin: &'static str,
    pub(crate) scope: &'static str,
    pub(crate) key: Option<&'static str>,
    pub(crate) version: u64,
    pub(crate) stamp: u64,
}

#[derive(Clone, Debug)]
struct Event {
    id: String,
    /// None once forgotten.
    user: Option<String>,
    lane: String,
    is_unrouted: bool,
}

#[derive(Clone, Debug)]
struct Delivery {
    event: String,
    plugin: String,
    lane: String,
    attempt: u32,
    was_put_back: bool,
    /// `waiting`, `done`, `refused` or `dead`.
    state: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug)]
struct Part {
    event: String,
    plugin: String,
    conversation: String,
    name: String,
    is_sending: bool,
    attempts: u32,
    broadcast: Option<String>,
}

#[derive(Clone, Debug)]
struct Broadcast {
    /// The first of its names.
    name: String,
    event: String,
    plugin: String,
    targets: Vec<&'static str>,
    names: Vec<String>,
    expanded: usize,
    sent: u64,
    failed: u64,
}

#[derive(Clone, Debug)]
struct Request {
    event: String,
    plugin: String,
    name: String,
    is_sending: bool,
    attempts: u32,
}

#[derive(Clone, Debug)]
struct Timer {
    due: u64,
    user: Option<String>,
    is_parked: bool,
}

#[derive(Clone, Debug)]
struct Value {
    text: String,
    stamp: u64,
    life: Life,
}

#[derive(Clone, Debug, Default)]
struct Scope {
    /// Of the turn in which a key came or went last.
    stamp: u64,
    values: BTreeMap<&'static str, Value>,
}

/// The journal as it must be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    /// Days gone by.
    today: u64,
    /// Keys of events, with the day on which they came.
    keys: BTreeMap<String, u64>,
    events: Vec<Event>,
    /// In the order of their making, those that ended too.
    deliveries: Vec<Delivery>,
    parts: Vec<Part>,
    broadcasts: Vec<Broadcast>,
    requests: Vec<Request>,
    timers: BTreeMap<(String, String), Timer>,
    scopes: BTreeMap<(String, String), Scope>,
    stamps: u64,
    /// The message that a name means, by plugin.
    named: BTreeMap<(String, String), String>,
    joins: BTreeMap<(String, String), u64>,
    host_value: Option<String>,
}

/// The place that a step means; none where the list is empty.
pub(crate) fn place(of: usize, at: usize) -> Option<usize> {
    (of > 0).then(|| at % of)
}

impl Model {
    /// Takes a step; what must be answered. `heard` is what the store answered: where the key of an
    /// event is so old that it may have been forgotten, the store has the word.
    pub(crate) fn take(&mut self, tick: u64, step: &Step, looks: &[Look], heard: &Said) -> Said {
        match step {
            Step::Accept(arrivals) => self.accept(tick, arrivals, heard),
            Step::Route(at, plugins) => self.route(*at, plugins),
            Step::Look(..) => Said::Nothing,
            Step::Commit(at, plan) => self.commit(tick, *at, plan, looks),
            Step::End(at, end) => self.end(*at, *end),
            // It is too late for any effect.
            Step::Late(..) | Step::AnswerAgain(_) => heard.clone(),
            Step::PutBack(at) => self.put_back(*at),
            Step::Record(marks) => self.record(tick, marks),
            Step::Expand(at, rows) => self.expand(*at, *rows),
            Step::MarkRequest(at, is_sending) => {
                if let Some(at) = place(self.requests.len(), *at) {
                    let request = &mut self.requests[at];
                    request.is_sending = *is_sending;
                    request.attempts += u32::from(*is_sending);
                }
                Said::Nothing
            }
            Step::Answer(at) => self.answer(tick, *at),
            Step::Fire(at, next, is_off) => self.fire(tick, *at, *next, *is_off, heard),
            Step::Park(plugin, is_parked) => {
                let timers = self.timers.iter_mut();
                let own = timers.filter(|((owner, _), _)| owner == plugin);
                own.for_each(|(_, timer)| timer.is_parked = *is_parked);
                Said::Nothing
            }
            Step::HostValue(value) => {
                self.host_value = Some(value.to_string());
                Said::Nothing
            }
            Step::Prune(age) => {
                self.prune(*age != Age::Hour, *age == Age::Month);
                if *age != Age::Hour {
                    self.expire(Life::Soon);
                }
                self.expire(Life::Over);
                Said::Nothing
            }
            Step::Forget(user) => {
                self.forget(user);
                Said::Nothing
            }
        }
    }

    /// A day goes by.
    pub(crate) fn next_day(&mut self) {
        self.today += 1;
    }

    /// Drops what is finished, and dead letters, however young.
    pub(crate) fn prune(&mut self, finished: bool, dead: bool) {
        self.deliveries.retain(|delivery| match delivery.state {
            "waiting" => true,
            "dead" => !dead,
            _ => !finished,
        });
        if !finished {
            return;
        }
        let mut events = std::mem::take(&mut self.events);
        events.retain(|event| {
            let deliveries = self.deliveries.iter().map(|it| &it.event);
            let parts = self.parts.iter().map(|it| &it.event);
            let broadcasts = self.broadcasts.iter().map(|it| &it.event);
            let requests = self.requests.iter().map(|it| &it.event);
            let mut needed = deliveries.chain(parts).chain(broadcasts).chain(requests);
            event.is_unrouted || needed.any(|id| *id == event.id)
        });
        self.events = events;
    }

    /// Tells whether an event of this key must be known, or must be new; none where neither is sure.
    fn is_known(&self, key: &str) -> Option<bool> {
        match self.keys.get(key) {
            None => Some(false),
            Some(day) if self.today - day <= DAYS_REMEMBERED => Some(true),
            Some(_) => None,
        }
    }

    /// Keys of events of which a store must know whether it has seen them, with the word on it.
    pub(crate) fn known_keys(&self, of: usize) -> Vec<(String, bool)> {
        let keys = (0..of).map(|key| format!("key {key}"));
        keys.filter_map(|key| self.is_known(&key).map(|is| (key, is)))
            .collect()
    }

    fn accept(&mut self, tick: u64, arrivals: &[In], heard: &Said) -> Said {
        let mut new = Vec::new();
        for (at, arrival) in arrivals.iter().enumerate() {
            let key = format!("key {}", arrival.key);
            let heard_new = matches!(heard, Said::New(heard) if heard.get(at) == Some(&true));
            let is_new = self.is_known(&key).map_or(heard_new, |is| !is);
            new.push(is_new);
            if is_new {
                let id = format!("e{tick}-{at}");
                self.keys.insert(key, self.today);
                self.events.push(Event {
                    id: id.clone(),
                    user: Some(arrival.user.to_owned()),
                    lane: arrival.lane.to_owned(),
                    is_unrouted: !arrival.is_routed,
                });
                if arrival.is_routed {
                    self.deliver(&id, arrival.lane, &arrival.plugins);
                }
            }
        }
        Said::New(new)
    }

    fn deliver(&mut self, event: &str, lane: &str, plugins: &[&'static str]) {
        for plugin in plugins {
            self.deliveries.push(Delivery {
                event: event.to_owned(),
                plugin: (*plugin).to_owned(),
                lane: lane.to_owned(),
                attempt: 1,
                was_put_back: false,
                state: "waiting",
                reason: "",
            });
        }
    }

    /// An event of the host's own for one plugin, in the first lane.
    fn arrive(&mut self, tick: u64, user: Option<String>, plugin: &'static str) {
        let id = format!("e{tick}-0");
        self.events.push(Event {
            id: id.clone(),
            user,
            lane: steps::LANES[0].to_owned(),
            is_unrouted: false,
        });
        self.deliver(&id, steps::LANES[0], &[plugin]);
    }

    fn route(&mut self, at: usize, plugins: &[&'static str]) -> Said {
        let unrouted: Vec<usize> = (0..self.events.len())
            .filter(|event| self.events[*event].is_unrouted)
            .collect();
        let Some(at) = place(unrouted.len(), at) else {
            return Said::Nothing;
        };
        let event = &mut self.events[unrouted[at]];
        event.is_unrouted = false;
        let (id, lane) = (event.id.clone(), event.lane.clone());
        self.deliver(&id, &lane, plugins);
        Said::Made(plugins.len())
    }

    /// The delivery of a state that a step means.
    fn delivery(&mut self, state: &str, at: usize) -> Option<&mut Delivery> {
        let of_state = self.deliveries.iter_mut().filter(|it| it.state == state);
        let mut all: Vec<&mut Delivery> = of_state.collect();
        let at = place(all.len(), at)?;
        Some(all.swap_remove(at))
    }

    fn commit(&mut self, tick: u64, at: usize, plan: &Plan, looks: &[Look]) -> Said {
        let Some(delivery) = self.delivery("waiting", at).cloned() else {
            return Said::Nothing;
        };
        let own = looks.iter().filter(|look| look.plugin == delivery.plugin);
        if plan.uses_looks && own.clone().any(|look| self.stamp(look) != look.stamp) {
            return Said::Conflict;
        }
        if let Some(delivery) = self.delivery("waiting", at) {
            delivery.state = "done";
        }
        let (event, plugin) = (&delivery.event, &delivery.plugin);
        self.write(plugin, plan);
        for part in 0..plan.parts {
            let is_sending = plan.sending && part == 0;
            self.parts.push(Part {
                event: event.clone(),
                plugin: plugin.clone(),
                conversation: delivery.lane.clone(),
                name: format!("p{tick}-{part}"),
                is_sending,
                attempts: u32::from(is_sending),
                broadcast: None,
            });
        }
        if let Some((targets, each)) = plan.broadcast {
            let names: Vec<String> = (0..each).map(|part| format!("b{tick}-{part}")).collect();
            self.broadcasts.push(Broadcast {
                name: names[0].clone(),
                event: event.clone(),
                plugin: plugin.clone(),
                targets: steps::TARGETS[..targets].to_vec(),
                names,
                expanded: 0,
                sent: 0,
                failed: 0,
            });
        }
        let user = self.events.iter().find(|it| it.id == *event);
        let user = user.and_then(|event| event.user.clone());
        for (name, due) in &plan.timers {
            let key = (plugin.clone(), (*name).to_owned());
            match due {
                None => drop(self.timers.remove(&key)),
                Some(due) => {
                    let timer = Timer {
                        due: *due,
                        user: user.clone(),
                        is_parked: false,
                    };
                    self.timers.insert(key, timer);
                }
            }
        }
        for request in 0..plan.requests {
            self.requests.push(Request {
                event: event.clone(),
                plugin: plugin.clone(),
                name: format!("r{tick}-{request}"),
                is_sending: false,
                attempts: 0,
            });
        }
        Said::Kept(plan.parts)
    }

    fn end(&mut self, at: usize, end: End) -> Said {
        let Some(delivery) = self.delivery("waiting", at) else {
            return Said::Nothing;
        };
        match end {
            End::Again(attempt) => delivery.attempt = attempt,
            End::Refused => delivery.state = "refused",
            End::Failed => (delivery.state, delivery.reason) = ("dead", "failed"),
            End::Expired => (delivery.state, delivery.reason) = ("dead", "expired"),
        }
        Said::Nothing
    }

    fn put_back(&mut self, at: usize) -> Said {
        let Some(delivery) = self.delivery("dead", at) else {
            return Said::Nothing;
        };
        (delivery.state, delivery.reason) = ("waiting", "");
        (delivery.attempt, delivery.was_put_back) = (1, true);
        Said::Was(true)
    }

    fn answer(&mut self, tick: u64, at: usize) -> Said {
        let Some(at) = place(self.requests.len(), at) else {
            return Said::Nothing;
        };
        let request = self.requests.remove(at);
        let plugin = steps::PLUGINS.into_iter().find(|it| *it == request.plugin);
        self.arrive(tick, None, plugin.unwrap_or_default());
        Said::New(vec![true])
    }

    /// The timer that a step means: plugin, name and when it is due.
    pub(crate) fn timer(&self, at: usize) -> Option<(String, String, u64)> {
        let at = place(self.timers.len(), at)?;
        let ((plugin, name), timer) = self.timers.iter().nth(at)?;
        Some((plugin.clone(), name.clone(), timer.due))
    }

    fn fire(
        &mut self,
        tick: u64,
        at: usize,
        next: Option<u64>,
        is_off: bool,
        heard: &Said,
    ) -> Said {
        let Some((plugin, name, due)) = self.timer(at) else {
            return Said::Nothing;
        };
        let fired = due + u64::from(is_off);
        let key = (plugin.clone(), name.clone());
        match (is_off, next) {
            (true, _) => {}
            (false, None) => drop(self.timers.remove(&key)),
            (false, Some(next)) => {
                if let Some(timer) = self.timers.get_mut(&key) {
                    timer.due = next;
                }
            }
        }
        let key = format!("timer {plugin} {name} {fired}");
        let heard_new = *heard == Said::New(vec![true]);
        let is_new = self.is_known(&key).map_or(heard_new, |is| !is);
        if is_new {
            self.keys.insert(key, self.today);
            let plugin = steps::PLUGINS.into_iter().find(|it| *it == plugin);
            self.arrive(tick, None, plugin.unwrap_or_default());
        }
        Said::New(vec![is_new])
    }

    fn forget(&mut self, user: &str) {
        let is_theirs = |of: &Option<String>| of.as_deref() == Some(user);
        for event in self.events.iter_mut().filter(|it| is_theirs(&it.user)) {
            (event.user, event.is_unrouted) = (None, false);
            for delivery in self.deliveries.iter_mut().filter(|it| it.event == event.id) {
                if delivery.state != "done" {
                    (delivery.state, delivery.reason) = ("refused", "");
                }
            }
        }
        self.timers.retain(|_, timer| !is_theirs(&timer.user));
        let scope = format!("u{user}");
        self.scopes.retain(|(_, name), _| *name != scope);
    }
}
