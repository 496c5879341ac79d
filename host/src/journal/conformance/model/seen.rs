//! What is to be seen of a journal, as lines of text: of the model and of a store.

use super::Model;
use super::steps::{KEYS, LANES, Life, NAMES, PLUGINS, SCOPES, TARGETS, TIMERS};
use crate::journal::conformance::make::{TENANT, timer_key};
use crate::journal::{
    Broadcast, Counts, DeadLetter, EventQuery, Journal, Part, PartState, PendingRequest,
    RequestState, StateKey, StateScope, Timer, Unrouted,
};
use crate::model::Name;
use crate::model::action::{Action, ActionKind, OutgoingAttachment};
use crate::model::delivery::Delivery;

/// More than a test ever makes of anything.
const ALL: usize = 10_000;
/// Later than every timer.
const END_OF_TIME: u64 = 1 << 40;
/// The name of the host's own value.
pub(crate) const HOST_VALUE: &str = "mark";

/// What a store shows.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) dead: Vec<DeadLetter>,
    pub(crate) unrouted: Vec<Unrouted>,
    pub(crate) parts: Vec<Part>,
    pub(crate) broadcasts: Vec<Broadcast>,
    /// Of all plugins, in order.
    pub(crate) requests: Vec<PendingRequest>,
    pub(crate) lines: Vec<String>,
}

pub(crate) fn state_key(plugin: &str, scope: &str, key: &str) -> StateKey {
    StateKey {
        scope: StateScope {
            tenant: Name::from(TENANT),
            plugin: Name::from(plugin),
            scope: Name::from(scope),
        },
        key: key.to_owned(),
    }
}

/// The name of an action in these tests.
pub(crate) fn name(action: &Action) -> &str {
    action.key.as_deref().unwrap_or_default()
}

fn conversations() -> impl Iterator<Item = &'static str> {
    LANES.into_iter().chain(TARGETS)
}

impl Seen {
    /// Looks at everything; at the past only where the store keeps one.
    pub(crate) async fn of(journal: &dyn Journal, has_past: bool) -> Self {
        let requests = PLUGINS.map(|plugin| journal.pending_requests(TENANT, plugin, 0, ALL));
        let (deliveries, dead, unrouted, parts, broadcasts, requests) = futures::join!(
            journal.pending_deliveries(0, ALL),
            journal.dead_letters(0, ALL),
            journal.unrouted(0, ALL),
            journal.pending_parts(0, ALL),
            journal.pending_broadcasts(0, ALL),
            futures::future::join_all(requests),
        );
        let requests = requests.into_iter().map(|all| all.expect("listed"));
        let mut requests: Vec<PendingRequest> = requests.flatten().collect();
        requests.sort_by_key(|request| request.number);
        let mut seen = Self {
            deliveries: deliveries.expect("listed"),
            dead: dead.expect("listed"),
            unrouted: unrouted.expect("listed"),
            parts: parts.expect("listed"),
            broadcasts: broadcasts.expect("listed"),
            requests,
            lines: Vec::new(),
        };
        seen.write_down();
        seen.read_files(journal).await;
        let lines = &mut seen.lines;
        let counts = journal.counts().await.expect("counted");
        lines.push(counts_line(&counts));
        read_state(journal, lines).await;
        read_timers(journal, lines).await;
        read_messages(journal, lines).await;
        if has_past {
            lines.push(format!("{} events", counts.events));
            read_past(journal, lines).await;
        }
        seen
    }

    fn write_down(&mut self) {
        let lines = &mut self.lines;
        for it in &self.deliveries {
            let (event, is_back) = (&it.event.id, it.put_back.is_some());
            lines.push(waiting_line(
                event, &it.plugin, &it.lane, it.attempt, is_back,
            ));
        }
        for it in &self.dead {
            let reason = it.reason.name();
            assert_eq!(it.detail, reason, "the detail is kept");
            lines.push(dead_line(
                &it.delivery.event.id,
                &it.delivery.plugin,
                reason,
            ));
        }
        for it in &self.unrouted {
            lines.push(format!("unrouted {} in {}", it.event.id, it.lane));
        }
        for it in &self.parts {
            lines.push(part_line(
                (&it.origin.id, &it.plugin, name(&it.what.action)),
                &it.what.conversation,
                it.state == PartState::Sending,
                it.attempts,
            ));
        }
        for it in &self.broadcasts {
            lines.push(broadcast_line(
                (&it.origin.id, &it.plugin, name(&it.what.actions[0])),
                it.targets_left(),
                (it.expanded, it.sent, it.failed),
            ));
        }
        for it in &self.requests {
            lines.push(request_line(
                (&it.origin.id, &it.plugin, &it.what.key),
                it.state == RequestState::Sending,
                it.attempts,
            ));
        }
    }

    /// The files of parts and broadcasts are there as long as these are.
    async fn read_files(&self, journal: &dyn Journal) {
        let parts = self.parts.iter().map(|part| &part.what.action);
        let broadcasts = self.broadcasts.iter().flat_map(|it| &it.what.actions);
        for action in parts.chain(broadcasts) {
            for sha256 in files(action) {
                journal.kept_file(sha256).await.expect("the file is there");
            }
        }
    }
}

/// The files beside the journal that an action names.
fn files(action: &Action) -> Vec<&str> {
    let ActionKind::Send(send) = &action.kind else {
        return Vec::new();
    };
    let kept = send.attachments.iter().filter_map(|it| match it {
        OutgoingAttachment::Kept(file) => Some(file.sha256.as_str()),
        _ => None,
    });
    kept.collect()
}

async fn read_state(journal: &dyn Journal, lines: &mut Vec<String>) {
    for plugin in PLUGINS {
        for scope in SCOPES {
            let key = state_key(plugin, scope, "");
            let listed = journal.state_keys(&key.scope, "", None, ALL).await;
            let (keys, _) = listed.expect("listed");
            for key in KEYS {
                let value = journal.state_get(&state_key(plugin, scope, key)).await;
                let (value, _) = value.expect("read");
                assert_eq!(
                    value.is_some(),
                    keys.iter().any(|it| it == key),
                    "{key}: {keys:?}"
                );
                if let Some(value) = value {
                    let text = String::from_utf8(value).expect("text");
                    lines.push(format!("state {plugin} {scope} {key} = {text}"));
                }
            }
        }
        let size = journal.state_size(TENANT, plugin).await.expect("read");
        lines.push(format!("state {plugin}: {size} bytes"));
    }
}

async fn read_timers(journal: &dyn Journal, lines: &mut Vec<String>) {
    let due = journal.due_timers(END_OF_TIME, None, ALL, ALL).await;
    let due = due.expect("listed");
    let order: Vec<u64> = due.iter().map(|timer| timer.due_at).collect();
    assert!(order.is_sorted(), "oldest first: {order:?}");
    let next = journal.next_timer().await.expect("read");
    assert_eq!(next, order.first().copied());
    for plugin in PLUGINS {
        for name in TIMERS {
            let key = timer_key(plugin, name);
            let is_set = journal.has_timer(&key).await.expect("read");
            let is_due = |timer: &&Timer| timer.key == key;
            let at = due.iter().find(is_due).map(|timer| timer.due_at);
            lines.push(timer_line(plugin, name, is_set, at));
        }
        let count = journal.timer_count(TENANT, plugin).await.expect("read");
        lines.push(format!("{count} timers of {plugin}"));
    }
}

async fn read_messages(journal: &dyn Journal, lines: &mut Vec<String>) {
    for plugin in PLUGINS {
        for name in NAMES {
            let found = journal.message_by_key(TENANT, plugin, name).await;
            if let Some(it) = found.expect("read") {
                let message = format!("{} in {}", it.message, it.conversation);
                lines.push(named_line(plugin, name, &message));
            }
        }
        for conversation in conversations() {
            let joins = journal.join_count(TENANT, plugin, "desk", conversation);
            let joins = joins.await.expect("read");
            lines.push(joins_line(plugin, conversation, joins));
        }
    }
    let value = journal.host_value(HOST_VALUE).await.expect("read");
    lines.push(format!("host value {value:?}"));
}

async fn read_past(journal: &dyn Journal, lines: &mut Vec<String>) {
    let query = EventQuery {
        limit: ALL,
        ..EventQuery::default()
    };
    let past = journal.events(query).await.expect("read");
    for event in past.iter().rev() {
        let deliveries = event.deliveries.iter();
        let ends = deliveries.map(|it| format!(" {}:{:?}", it.plugin, it.state).to_lowercase());
        let ends: String = ends.collect();
        lines.push(format!("past {}{ends}", event.event.id));
    }
}

impl Model {
    /// What is to be seen, line by line.
    pub(crate) fn lines(&self, has_past: bool) -> Vec<String> {
        let mut lines = Vec::new();
        for it in self.deliveries.iter().filter(|it| it.state == "waiting") {
            lines.push(waiting_line(
                &it.event,
                &it.plugin,
                &it.lane,
                it.attempt,
                it.was_put_back,
            ));
        }
        for it in self.deliveries.iter().filter(|it| it.state == "dead") {
            lines.push(dead_line(&it.event, &it.plugin, it.reason));
        }
        for it in self.events.iter().filter(|it| it.is_unrouted) {
            lines.push(format!("unrouted {} in {}", it.id, it.lane));
        }
        for it in &self.parts {
            let who = (it.event.as_str(), it.plugin.as_str(), it.name.as_str());
            lines.push(part_line(who, &it.conversation, it.is_sending, it.attempts));
        }
        for it in &self.broadcasts {
            lines.push(broadcast_line(
                (&it.event, &it.plugin, &it.name),
                it.targets.len() - it.expanded,
                (it.expanded, it.sent, it.failed),
            ));
        }
        for it in &self.requests {
            let who = (it.event.as_str(), it.plugin.as_str(), it.name.as_str());
            lines.push(request_line(who, it.is_sending, it.attempts));
        }
        lines.push(counts_line(&self.counts()));
        self.write_state(&mut lines);
        self.write_timers(&mut lines);
        self.write_messages(&mut lines);
        if has_past {
            lines.push(format!("{} events", self.events.len()));
            for event in &self.events {
                let own = self.deliveries.iter().filter(|it| it.event == event.id);
                let ends = own.map(|it| format!(" {}:{}", it.plugin, it.state));
                lines.push(format!("past {}{}", event.id, ends.collect::<String>()));
            }
        }
        lines
    }

    fn counts(&self) -> Counts {
        let of_state = |state| {
            let deliveries = self.deliveries.iter();
            deliveries.filter(|it| it.state == state).count() as u64
        };
        let unmade = self.broadcasts.iter();
        let unmade = unmade.map(|it| (it.targets.len() - it.expanded) * it.names.len());
        Counts {
            events: 0,
            pending_deliveries: of_state("waiting"),
            dead_letters: of_state("dead"),
            pending_parts: (self.parts.len() + unmade.sum::<usize>()) as u64,
            pending_requests: self.requests.len() as u64,
            timers: self.timers.len() as u64,
            bytes: 0,
        }
    }

    fn write_state(&self, lines: &mut Vec<String>) {
        for plugin in PLUGINS {
            let mut size = 0;
            for scope in SCOPES {
                let place = (plugin.to_owned(), scope.to_owned());
                let values = self.scopes.get(&place).map(|scope| &scope.values);
                for (key, value) in values.into_iter().flatten() {
                    size += key.len() + value.text.len();
                    if value.life != Life::Over {
                        let text = &value.text;
                        lines.push(format!("state {plugin} {scope} {key} = {text}"));
                    }
                }
            }
            lines.push(format!("state {plugin}: {size} bytes"));
        }
    }

    fn write_timers(&self, lines: &mut Vec<String>) {
        for plugin in PLUGINS {
            for name in TIMERS {
                let timer = self.timers.get(&(plugin.to_owned(), name.to_owned()));
                let at = timer.filter(|it| !it.is_parked).map(|it| it.due);
                lines.push(timer_line(plugin, name, timer.is_some(), at));
            }
            let own = self.timers.keys().filter(|(owner, _)| *owner == plugin);
            lines.push(format!("{} timers of {plugin}", own.count()));
        }
    }

    fn write_messages(&self, lines: &mut Vec<String>) {
        for plugin in PLUGINS {
            for name in NAMES {
                let key = (plugin.to_owned(), name.to_owned());
                if let Some(message) = self.named.get(&key) {
                    lines.push(named_line(plugin, name, message));
                }
            }
            for conversation in conversations() {
                let place = (plugin.to_owned(), conversation.to_owned());
                let joins = self.joins.get(&place).copied().unwrap_or(0);
                lines.push(joins_line(plugin, conversation, joins));
            }
        }
        lines.push(format!("host value {:?}", self.host_value));
    }
}

fn waiting_line(event: &str, plugin: &str, lane: &str, attempt: u32, is_back: bool) -> String {
    let back = if is_back { ", put back" } else { "" };
    format!("{plugin} waits for {event} in {lane}, try {attempt}{back}")
}

fn dead_line(event: &str, plugin: &str, reason: &str) -> String {
    format!("{event} of {plugin} is a dead letter: {reason}")
}

/// Event, plugin and name of what a turn made.
type Who<'a> = (&'a str, &'a str, &'a str);

fn part_line(
    (event, plugin, name): Who<'_>,
    place: &str,
    is_sending: bool,
    attempts: u32,
) -> String {
    let state = if is_sending { "sending" } else { "queued" };
    format!("part {name} of {plugin} over {event} to {place}: {state}, {attempts} tries")
}

fn broadcast_line(
    (event, plugin, name): Who<'_>,
    left: usize,
    (expanded, sent, failed): (usize, u64, u64),
) -> String {
    let done = format!("{expanded} begun, {left} left, {sent} sent, {failed} failed");
    format!("broadcast {name} of {plugin} over {event}: {done}")
}

fn request_line((event, plugin, name): Who<'_>, is_sending: bool, attempts: u32) -> String {
    let state = if is_sending { "sending" } else { "queued" };
    format!("request {name} of {plugin} over {event}: {state}, {attempts} tries")
}

fn timer_line(plugin: &str, name: &str, is_set: bool, due: Option<u64>) -> String {
    format!("timer {name} of {plugin}: set {is_set}, due {due:?}")
}

fn named_line(plugin: &str, name: &str, message: &str) -> String {
    format!("{name} of {plugin} is {message}")
}

fn joins_line(plugin: &str, conversation: &str, joins: u64) -> String {
    format!("{joins} joins of {plugin} in {conversation}")
}

fn counts_line(counts: &Counts) -> String {
    let Counts {
        pending_deliveries,
        dead_letters,
        pending_parts,
        pending_requests,
        timers,
        ..
    } = counts;
    format!(
        "{pending_deliveries} deliveries, {dead_letters} dead letters, {pending_parts} parts, \
         {pending_requests} requests, {timers} timers"
    )
}
