//! Which calls of the bot fail, and how: everything that the platforms' documents know of, by dice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::random::Random;
use crate::sim::Fault;

/// Of so many sends one fails.
const SENDS: u64 = 20;
/// Of so many sends that do not fail one is slow, by so many milliseconds at most.
const SLOW: (u64, u64) = (30, 200);
/// Of so many other calls one fails: history, lists, logins.
const OTHERS: u64 = 20;

/// How often calls failed.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) failed_sends: AtomicU64,
    /// Sends whose end the bot cannot know.
    pub(super) in_doubt: AtomicU64,
    /// Sends that were certainly not done, and are to be tried again later.
    pub(super) throttled: AtomicU64,
    pub(super) slow: AtomicU64,
    /// Calls that are no sends.
    pub(super) failed_calls: AtomicU64,
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// The dice of a storm.
pub(super) struct Weather {
    pub(super) random: Random,
    counts: Arc<Counts>,
    /// How the platform says that something comes too fast.
    throttles: Vec<Fault>,
}

/// Whether a call is one that the bot needs to be somebody: it must not be cut too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    Yes,
    No,
}

impl Weather {
    /// Dice that begin with this, on a platform that says so what comes too fast.
    pub(super) fn new(seed: u64, counts: Arc<Counts>, throttles: Vec<Fault>) -> Self {
        Self {
            random: Random::new(seed),
            counts,
            throttles,
        }
    }

    /// What becomes of a send.
    pub(super) fn send(&mut self) -> Option<Fault> {
        let random = &mut self.random;
        if !random.one_in(SENDS) {
            if !random.one_in(SLOW.0) {
                return None;
            }
            add(&self.counts.slow);
            return Some(self.slow());
        }
        add(&self.counts.failed_sends);
        let kind = random.between(0, 20);
        add(if kind < 2 {
            &self.counts.throttled
        } else {
            &self.counts.in_doubt
        });
        let fault = Fault::default();
        Some(match kind {
            0..=1 => self.throttled(),
            2..=4 => fault.status(503).body(json!({ "message": "down" })),
            5..=7 => fault.html(502).performed(),
            8..=9 => fault.status(500),
            10..=11 => fault.html(504).performed(),
            12..=13 => fault.drop(),
            14..=16 => fault.drop().performed(),
            17..=18 => fault.truncate(10),
            _ => self.slow().drop().performed(),
        })
    }

    /// What becomes of any other call.
    pub(super) fn call(&mut self, login: Login) -> Option<Fault> {
        if !self.random.one_in(OTHERS) {
            return None;
        }
        self.failed();
        let fault = Fault::default();
        Some(match (self.random.between(0, 5), login) {
            (0..=1, Login::No) => self.throttled(),
            (2, Login::No) => fault.truncate(10),
            (3, _) => fault.drop(),
            (4, _) => self.slow(),
            _ => fault.html(503),
        })
    }

    /// Counts a call that fails.
    pub(super) fn failed(&self) {
        add(&self.counts.failed_calls);
    }

    /// One of the ways in which the platform says that something comes too fast.
    pub(super) fn throttled(&mut self) -> Fault {
        let ways = self.throttles.len() as u64;
        let way = usize::try_from(self.random.between(0, ways)).unwrap_or(0);
        self.throttles[way].clone().header("retry-after", "1")
    }

    fn slow(&mut self) -> Fault {
        let late = self.random.between(20, SLOW.1);
        Fault::default().delay(Duration::from_millis(late))
    }
}
