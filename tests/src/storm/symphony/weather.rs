//! Which calls of the bot fail, and how: everything that the platform's document knows of, by dice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::random::Random;
use crate::sim::{Dice, Fault};

/// Of so many sends one fails.
const SENDS: u64 = 20;
/// Of so many sends that do not fail one is slow, by so many milliseconds at most.
const SLOW: (u64, u64) = (30, 200);
/// Of so many reads of a feed one is throttled, and one finds the feed gone that is not.
const READS: u64 = 300;
/// Of so many reads one fails so that the session ends: the host begins the next one after a wait that
/// grows.
const CUT_READS: u64 = 1_500;
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

/// Dice that begin with this.
pub(super) fn dice(seed: u64, counts: Arc<Counts>) -> Dice {
    let mut random = Random::new(seed);
    Box::new(move |method, path| {
        let is_list = path.ends_with("/streams/list");
        match method {
            "POST" if path.ends_with("/message/create") => send(&mut random, &counts),
            "POST" if path.ends_with("/read") => read(&mut random, &counts),
            "GET" if path.ends_with("/message") => other(&mut random, &counts, Login::No),
            "POST" if is_list => other(&mut random, &counts, Login::No),
            _ if path.ends_with("/authenticate") || path.ends_with("/sessioninfo") => {
                other(&mut random, &counts, Login::Yes)
            }
            _ => None,
        }
    })
}

fn send(random: &mut Random, counts: &Counts) -> Option<Fault> {
    if !random.one_in(SENDS) {
        if !random.one_in(SLOW.0) {
            return None;
        }
        add(&counts.slow);
        return Some(slow(random));
    }
    add(&counts.failed_sends);
    let kind = random.between(0, 20);
    add(if kind < 2 {
        &counts.throttled
    } else {
        &counts.in_doubt
    });
    let fault = Fault::default();
    Some(match kind {
        0 => throttled(429),
        // As agents translate it since 20.12.
        1 => throttled(400),
        2..=4 => fault.status(503).body(json!({ "message": "down" })),
        5..=7 => fault.html(502).performed(),
        8..=9 => fault.status(500),
        10..=11 => fault.html(504).performed(),
        12..=13 => fault.drop(),
        14..=16 => fault.drop().performed(),
        17..=18 => fault.truncate(10),
        _ => slow(random).drop().performed(),
    })
}

fn read(random: &mut Random, counts: &Counts) -> Option<Fault> {
    let fault = Fault::default();
    let fault = if random.one_in(CUT_READS) {
        match random.between(0, 3) {
            0 => fault.html(503),
            1 => fault.drop(),
            // It was handed out; nobody has it.
            _ => fault.truncate(20),
        }
    } else if random.one_in(READS) {
        throttled(429)
    } else if random.one_in(READS) {
        throttled(400)
    } else if random.one_in(READS) {
        fault
            .status(400)
            .body(json!({ "code": 400, "message": "Could not find a datafeed" }))
    } else {
        return None;
    };
    add(&counts.failed_calls);
    Some(fault)
}

/// Whether a call is one that the bot needs to be somebody: it must not be cut too often.
enum Login {
    Yes,
    No,
}

fn other(random: &mut Random, counts: &Counts, login: Login) -> Option<Fault> {
    if !random.one_in(OTHERS) {
        return None;
    }
    add(&counts.failed_calls);
    let fault = Fault::default();
    Some(match (random.between(0, 5), login) {
        (0, Login::No) => throttled(429),
        (1, Login::No) => throttled(400),
        (2, Login::No) => fault.truncate(10),
        (3, _) => fault.drop(),
        (4, _) => slow(random),
        _ => fault.html(503),
    })
}

fn throttled(status: u16) -> Fault {
    let body = json!({ "code": status, "message": "Too many requests" });
    let fault = Fault::default().status(status).body(body);
    fault.header("retry-after", "1")
}

fn slow(random: &mut Random) -> Fault {
    let late = random.between(20, SLOW.1);
    Fault::default().delay(Duration::from_millis(late))
}
