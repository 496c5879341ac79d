//! LSEG Messenger: a stream that acknowledges nothing, and no history.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::ground::Ground;
use super::people::Place;
use super::weather::{Counts, Login, Weather};
use crate::bots::section;
use crate::harness::PATIENCE;
use crate::sim::lseg::{Lseg, LsegOptions, STREAM_PATH, TOKEN_PATH};
use crate::sim::{Clock, Dice, Fault, Handout, Posted, Shared};

/// How much faster than the real one the platform takes messages.
const SPEED: u32 = 60;
/// What is written to a stream this long before its end may have been on the way: read, and not yet in
/// the journal of a host whose machine is busy.
const ON_THE_WAY: Duration = Duration::from_secs(3);
/// After so many messages the next frame comes twice …
const TWICE_EVERY: u64 = 20;
/// … two change places …
const REORDER_EVERY: u64 = 70;
/// … all tokens end …
const EXPIRE_EVERY: u64 = 300;
/// … the stream is cut …
const CUT_EVERY: u64 = 250;
/// … and the bot is dropped out of a room, and nobody says so.
const GREY_EVERY: u64 = 200;

pub(super) struct Messenger {
    sim: Lseg,
    rooms: Vec<String>,
    twice: u64,
    reordered: u64,
    expired: u64,
    cut: u64,
    grey: u64,
}

impl Messenger {
    pub(super) async fn start(people: usize) -> anyhow::Result<Self> {
        let options = LsegOptions {
            clock: Clock::faster(f64::from(SPEED)),
            ..LsegOptions::default()
        };
        let sim = Lseg::start(options).await?;
        sim.keep_times(SPEED);
        let rooms = super::people::places(people);
        Ok(Self {
            sim,
            rooms: rooms.iter().map(Place::name).collect(),
            twice: 0,
            reordered: 0,
            expired: 0,
            cut: 0,
            grey: 0,
        })
    }
}

impl Deref for Messenger {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.sim
    }
}

impl Ground for Messenger {
    const IS_CALLED: bool = false;
    const FORGETS: bool = true;

    fn section(&self, _folder: &Path) -> anyhow::Result<String> {
        let more = "rooms = \"listed\"\nrejoin-secs = 1\nmessages-per-minute = 3000";
        Ok(section::lseg(&self.sim, "desk", more))
    }

    fn prepare(&self, places: &[Place]) {
        for place in places {
            self.sim.room(&place.name());
        }
    }

    fn say(&self, place: &Place, user: &str, text: &str) -> String {
        let what = json!({ "conversation": place.name(), "user": user, "text": text });
        let said = self.act("say", what);
        said["conversation_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    async fn is_heard(&self, after: u64) -> bool {
        let opened = self.request_like(after, PATIENCE, |request| {
            request.path == STREAM_PATH && request.status == Some(101)
        });
        let rooms = &self.rooms;
        let is_in = |sim: &Lseg| sim.streams() > 0 && rooms.iter().all(|room| sim.has_joined(room));
        opened.await.is_some() && self.sim.comes_to(PATIENCE, is_in).await
    }

    fn messages_from(&self, place: usize) -> Vec<Posted> {
        self.sim.messages_from(place)
    }

    fn handouts(&self) -> Vec<Handout> {
        self.sim.handouts()
    }

    fn unheld(&self) -> BTreeSet<usize> {
        self.sim.unheld(ON_THE_WAY)
    }

    fn shows_own(&self, _conversation: &str) -> bool {
        false
    }

    fn dice(&self, seed: u64, counts: Arc<Counts>) -> Dice {
        let body = json!({ "error": { "code": "429", "message": "too many requests" } });
        let throttles = vec![Fault::default().status(429).body(body)];
        let mut weather = Weather::new(seed, counts, throttles);
        Box::new(move |method, path| match method {
            "POST" if path.ends_with("/post") => weather.send(),
            "POST" if path.ends_with("/join") => weather.call(Login::No),
            "GET" if path.ends_with("/chatrooms") || path.ends_with("/managed_chatrooms") => {
                weather.call(Login::No)
            }
            "POST" if path == TOKEN_PATH => weather.call(Login::Yes),
            _ => None,
        })
    }

    fn trouble(&mut self, answered: u64) {
        if answered / TWICE_EVERY > self.twice {
            self.twice += 1;
            self.fault(Fault::default().duplicate());
        }
        if answered / REORDER_EVERY > self.reordered {
            self.reordered += 1;
            self.fault(Fault::default().reorder());
        }
        if answered / EXPIRE_EVERY > self.expired {
            self.expired += 1;
            self.fault(Fault::default().expire_tokens());
        }
        if answered / CUT_EVERY > self.cut {
            self.cut += 1;
            self.sim.cut();
        }
        if answered / GREY_EVERY > self.grey {
            let room = usize::try_from(self.grey).unwrap_or(0) % self.rooms.len();
            self.grey += 1;
            self.act("grey", json!({ "conversation": self.rooms[room] }));
        }
    }

    fn told(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("frames_twice", self.twice),
            ("frames_reordered", self.reordered),
            ("tokens_expired", self.expired),
            ("streams_cut", self.cut),
            ("rooms_dropped", self.grey),
        ]
    }
}
