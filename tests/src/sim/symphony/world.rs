//! The state of the pod and its agent: one lock over all of it, and a bell that rings when it changes.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::connections::Connection;
use super::feeds::Feed;
use super::ids::Ids;
use super::messages::Message;
use super::people::Person;
use super::sessions::Sessions;
use super::signals::Signal;
use super::streams::Stream;
use crate::random::Random;
use crate::sim::witness::Handouts;
use crate::sim::{Clock, Sent};

/// Things bots did that are kept.
const SENT_KEPT: usize = 50_000;

/// What a test may set otherwise than the platform has it.
#[derive(Clone, Debug)]
pub(super) struct Knobs {
    /// How long a read waits for events.
    pub(super) long_poll: Duration,
    /// How long events that were handed out wait for their acknowledgement.
    pub(super) visibility: Duration,
    /// How long a feed lives that nobody reads.
    pub(super) feed_ttl: Duration,
    /// How many v2 feeds an account may have.
    pub(super) feed_cap: usize,
    /// How many v1 feeds an account may have.
    pub(super) old_feed_cap: usize,
    /// How many events a v1 feed holds before it is dropped.
    pub(super) old_feed_queue: usize,
    /// How many events one read hands out.
    pub(super) batch: usize,
    /// Of a hundred events so many are handed out once more, with those of a later read.
    pub(super) duplicates_percent: u64,
    /// Events of different conversations change places.
    pub(super) shuffled: bool,
    /// How long a session lives.
    pub(super) session: Duration,
    /// Whether v1 feeds have been switched off.
    pub(super) old_feeds_disabled: bool,
    /// Whether sessions may do without a key manager's token.
    pub(super) simplified_keys: bool,
    /// The agent's version.
    pub(super) agent_version: String,
    /// Which node a balancer's `GET /agent/v1/info` names; nothing: whom the client asked.
    pub(super) server_fqdn: String,
    /// Whether ids of form messages end with digits, as some do.
    pub(super) form_id_suffix: bool,
    /// Whether `GET /v3/health/extended` says that all is well.
    pub(super) healthy: bool,
    /// Reads without events answer `[null]`, as old agents did.
    pub(super) null_events: bool,
    /// Throttling is told as 400 with `Retry-After`, as agents since 20.12 do.
    pub(super) rate: Option<Rate>,
}

/// A limit on calls.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    pub(super) per_second: usize,
    pub(super) status: u16,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            long_poll: Duration::from_secs(30),
            visibility: Duration::from_secs(30),
            feed_ttl: Duration::from_secs(30 * 60),
            feed_cap: 20,
            old_feed_cap: 5,
            old_feed_queue: 250,
            batch: 500,
            duplicates_percent: 0,
            shuffled: false,
            session: Duration::from_secs(24 * 60 * 60),
            old_feeds_disabled: false,
            simplified_keys: false,
            agent_version: "Agent-25.8.1-96-0b07c1a".to_owned(),
            server_fqdn: String::new(),
            form_id_suffix: false,
            healthy: true,
            null_events: false,
            rate: None,
        }
    }
}

/// The pod, the key manager and the agent.
pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) knobs: Knobs,
    pub(super) ids: Ids,
    pub(super) people: BTreeMap<i64, Person>,
    pub(super) streams: BTreeMap<String, Stream>,
    /// By the names that scripts gave them.
    pub(super) labels: HashMap<String, String>,
    pub(super) messages: Vec<Message>,
    /// Where a message is in the list.
    pub(super) places: HashMap<String, usize>,
    pub(super) feeds: BTreeMap<String, Feed>,
    pub(super) sessions: Sessions,
    pub(super) connections: BTreeMap<(i64, i64), Connection>,
    pub(super) signals: BTreeMap<String, Signal>,
    pub(super) sent: VecDeque<Sent>,
    pub(super) sent_count: u64,
    /// What was handed out to bots, the oldest first.
    pub(super) handouts: Handouts,
    /// Decides what comes twice, and what changes places.
    pub(super) random: Random,
    pub(super) recent_calls: VecDeque<std::time::Instant>,
    bell: watch::Sender<u64>,
}

impl World {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            knobs: Knobs::default(),
            ids: Ids::default(),
            people: BTreeMap::new(),
            streams: BTreeMap::new(),
            labels: HashMap::new(),
            messages: Vec::new(),
            places: HashMap::new(),
            feeds: BTreeMap::new(),
            sessions: Sessions::default(),
            connections: BTreeMap::new(),
            signals: BTreeMap::new(),
            sent: VecDeque::new(),
            sent_count: 0,
            handouts: Handouts::default(),
            random: Random::new(1),
            recent_calls: VecDeque::new(),
            bell: watch::Sender::new(0),
        }
    }

    /// Rings whenever something has changed.
    pub(super) fn bell(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    pub(super) fn ring(&self) {
        self.bell.send_modify(|times| *times += 1);
    }

    /// Hands an event to every feed of these people.
    pub(super) fn emit(&mut self, kind: &str, initiator: i64, payload: Value, to: &[i64]) {
        let at = self.clock.now();
        let user = if kind == "MESSAGESUPPRESSED" {
            json!({ "userId": initiator })
        } else {
            self.v4(initiator)
        };
        let message = payload
            .pointer("/messageSent/message/messageId")
            .and_then(Value::as_str)
            .map_or_else(|| Ids::message(at), str::to_owned);
        let event = Arc::new(json!({
            "id": Ids::short(6),
            "messageId": message,
            "timestamp": at,
            "type": kind,
            "initiator": { "user": user },
            "payload": payload,
        }));
        let limit = self.knobs.old_feed_queue;
        for feed in self.feeds.values_mut() {
            if to.contains(&feed.owner) || feed.sees_all() {
                feed.push(kind, &event, limit);
            }
        }
        self.ring();
    }

    /// Notes what a bot did.
    pub(super) fn did(&mut self, kind: &str, stream: &str, text: &str, raw: Value) {
        self.sent_count += 1;
        if self.sent.len() >= SENT_KEPT {
            self.sent.pop_front();
        }
        let name = self.streams.get(stream).and_then(|it| it.shown_name());
        let label = self
            .labels
            .iter()
            .find(|(_, id)| *id == stream)
            .map(|(label, _)| label);
        let conversation = label.cloned().or(name).unwrap_or_else(|| stream.to_owned());
        self.sent.push_back(Sent {
            n: self.sent_count,
            kind: kind.to_owned(),
            conversation,
            text: text.to_owned(),
            raw,
            visibility: "all".to_owned(),
        });
        self.ring();
    }
}
