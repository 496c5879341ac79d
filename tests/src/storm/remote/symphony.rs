//! A pod of Symphony.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::ground::Ground;
use super::people::Place;
use super::weather::{Counts, Login, Weather};
use crate::bots::section;
use crate::harness::PATIENCE;
use crate::sim::symphony::{Symphony, SymphonyOptions};
use crate::sim::{Dice, Fault, Handout, Posted, Shared};

/// Of a hundred events so many come twice.
const DUPLICATES_PERCENT: u64 = 5;
/// How long the pod waits for an acknowledgement before it hands events out again: the real one waits
/// thirty seconds, which are too long to wait for after each kill.
const VISIBILITY_MS: u64 = 2_000;
/// How long a read of the feed waits.
const LONG_POLL_MS: u64 = 3_000;
/// After so many messages all sessions end …
const EXPIRE_EVERY: u64 = 250;
/// … all feeds are gone …
const FEEDS_GO_EVERY: u64 = 400;
/// … and connections that wait for events are closed.
const CLOSE_EVERY: u64 = 1_500;
/// Of so many reads of a feed one is throttled, and one finds the feed gone that is not.
const READS: u64 = 300;
/// Of so many reads one fails so that the session ends: the host begins the next one after a wait that
/// grows.
const CUT_READS: u64 = 1_500;

pub(super) struct Pod {
    sim: Symphony,
    expired: u64,
    feeds_gone: u64,
    /// Feeds that went while the host was dead.
    gone_unseen: u64,
    closed: u64,
}

impl Pod {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let sim = Symphony::start(SymphonyOptions::default()).await?;
        sim.set(json!({
            "duplicates_percent": DUPLICATES_PERCENT,
            "shuffled": true,
            "visibility_ms": VISIBILITY_MS,
            "long_poll_ms": LONG_POLL_MS,
        }));
        Ok(Self {
            sim,
            expired: 0,
            feeds_gone: 0,
            gone_unseen: 0,
            closed: 0,
        })
    }

    fn lose_feeds(&self) {
        self.sim.act("restart", json!({ "what": "feeds" }));
    }
}

impl Deref for Pod {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.sim
    }
}

impl Ground for Pod {
    const IS_CALLED: bool = false;
    const FORGETS: bool = false;

    fn section(&self, _folder: &Path) -> anyhow::Result<String> {
        let fast = "conversation-messages-per-minute = 600000";
        Ok(section::symphony(&self.sim, "desk", fast))
    }

    fn prepare(&self, _places: &[Place]) {}

    fn say(&self, place: &Place, user: &str, text: &str) -> String {
        let kind = if place.is_alone() { "im" } else { "room" };
        let said = self.sim.say_with(json!({
            "conversation": place.name(), "kind": kind, "user": user, "text": text,
        }));
        said.stream_id
    }

    async fn is_heard(&self, after: u64) -> bool {
        let read = self.request_like(after, PATIENCE, |request| {
            request.path.starts_with("/agent/v5/datafeeds/") && request.path.ends_with("/read")
        });
        read.await.is_some()
    }

    fn messages_from(&self, place: usize) -> Vec<Posted> {
        self.sim.messages_from(place)
    }

    fn handouts(&self) -> Vec<Handout> {
        self.sim.handouts()
    }

    fn dice(&self, seed: u64, counts: Arc<Counts>) -> Dice {
        let throttled = |status: u16| {
            let body = json!({ "code": status, "message": "Too many requests" });
            Fault::default().status(status).body(body)
        };
        // The second as agents translate it since 20.12.
        let throttles = vec![throttled(429), throttled(400)];
        let mut weather = Weather::new(seed, counts, throttles);
        Box::new(move |method, path| match method {
            "POST" if path.ends_with("/message/create") => weather.send(),
            "POST" if path.ends_with("/read") => read(&mut weather),
            "GET" if path.ends_with("/message") => weather.call(Login::No),
            "POST" if path.ends_with("/streams/list") => weather.call(Login::No),
            _ if path.ends_with("/authenticate") || path.ends_with("/sessioninfo") => {
                weather.call(Login::Yes)
            }
            _ => None,
        })
    }

    fn trouble(&mut self, answered: u64) {
        if answered / EXPIRE_EVERY > self.expired {
            self.expired += 1;
            self.fault(Fault::default().expire_tokens());
        }
        if answered / FEEDS_GO_EVERY > self.feeds_gone {
            self.feeds_gone += 1;
            self.lose_feeds();
        }
        if answered / CLOSE_EVERY > self.closed {
            self.closed += 1;
            let read = "POST /agent/v5/datafeeds/*/read";
            self.fault(Fault::on(read).close_socket());
        }
    }

    fn outlived(&mut self) {
        self.gone_unseen += 1;
        self.lose_feeds();
    }

    fn told(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("sessions_expired", self.expired),
            ("feeds_gone", self.feeds_gone + self.gone_unseen),
            ("polls_closed", self.closed),
        ]
    }
}

fn read(weather: &mut Weather) -> Option<Fault> {
    let fault = Fault::default();
    let fault = if weather.random.one_in(CUT_READS) {
        match weather.random.between(0, 3) {
            0 => fault.html(503),
            1 => fault.drop(),
            // It was handed out; nobody has it.
            _ => fault.truncate(20),
        }
    } else if weather.random.one_in(READS / 2) {
        weather.throttled()
    } else if weather.random.one_in(READS) {
        fault
            .status(400)
            .body(json!({ "code": 400, "message": "Could not find a datafeed" }))
    } else {
        return None;
    };
    weather.failed();
    Some(fault)
}
