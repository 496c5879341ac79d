//! Tells what happened again from what is told again, where the platform numbers neither.
//!
//! A webhook's `webhook_id` names its registration, and of joining, leaving or a pressed button
//! nothing else is told than who and where. What is told again comes within about a minute
//! (livechat.md §3); what is the same after that happened again. So did what comes behind its
//! opposite: nobody joins twice without leaving in between.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::journal::EventKey;
use crate::model::Timestamp;

/// How long the same is what is told again.
const WINDOW_MS: u64 = 120_000;
/// What is remembered of; the oldest go first.
const MAX: usize = 10_000;

/// What was told lately.
#[derive(Debug, Default)]
pub struct Repeats(Mutex<VecDeque<Told>>);

#[derive(Debug)]
struct Told {
    key: EventKey,
    at: Timestamp,
    /// How often it happened before, within the window.
    before: u32,
    /// Its opposite was told since.
    is_over: bool,
}

impl Repeats {
    /// The number of the time at which this is told, the same for what is told again. It is made of
    /// the time, so that one that comes again behind a restart has mostly the same.
    pub fn number(&self, key: EventKey, now: Timestamp) -> Option<String> {
        let mut told = self.0.lock();
        Some(number(&mut told, key, now))
    }

    /// As [`number`](Self::number), for what is over when `other` is told.
    pub fn number_until(&self, key: EventKey, other: EventKey, now: Timestamp) -> Option<String> {
        let mut told = self.0.lock();
        for known in told.iter_mut().filter(|known| known.key == other) {
            known.is_over = true;
        }
        Some(number(&mut told, key, now))
    }
}

fn number(told: &mut VecDeque<Told>, key: EventKey, now: Timestamp) -> String {
    while told
        .front()
        .is_some_and(|known| now.saturating_sub(known.at) >= WINDOW_MS)
    {
        told.pop_front();
    }
    let known = told.iter().rposition(|known| known.key == key);
    let (at, before) = match known.map(|place| &told[place]) {
        Some(known) if !known.is_over => (known.at, known.before),
        known => {
            let before = known.map_or(0, |known| known.before + 1);
            if told.len() >= MAX {
                told.pop_front();
            }
            told.push_back(Told {
                key,
                at: now,
                before,
                is_over: false,
            });
            (now, before)
        }
    };
    let window = at / WINDOW_MS;
    match before {
        0 => window.to_string(),
        before => format!("{window}-{before}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_again_for_two_minutes_and_then_happened_again() {
        let repeats = Repeats::default();
        let key = EventKey::new(&["joined", "ada"]);
        let now = 10 * WINDOW_MS + WINDOW_MS - 10;
        let first = repeats.number(key, now);
        assert_eq!(repeats.number(key, now + 60_000), first);
        assert_ne!(repeats.number(key, now + WINDOW_MS), first);
        // Behind a restart nothing is remembered, and the time says it.
        assert_eq!(Repeats::default().number(key, now + 5), first);
    }

    #[test]
    fn who_comes_again_behind_leaving_has_come_again() {
        let repeats = Repeats::default();
        let joined = EventKey::new(&["joined", "ada"]);
        let left = EventKey::new(&["left", "ada"]);
        let mut numbers = Vec::new();
        for second in 0..3 {
            let now = 5 * WINDOW_MS + second * 1_000;
            let came = repeats.number_until(joined, left, now);
            assert_eq!(repeats.number_until(joined, left, now + 1), came);
            let went = repeats.number_until(left, joined, now + 2);
            assert_eq!(repeats.number_until(left, joined, now + 3), went);
            numbers.push((came, went));
        }
        numbers.dedup();
        assert_eq!(numbers.len(), 3, "{numbers:?}");
    }
}
