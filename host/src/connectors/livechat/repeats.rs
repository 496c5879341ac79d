//! Tells what happened again from what is told again, where the platform numbers neither.
//!
//! A webhook's `webhook_id` names its registration, and of joining, leaving or a pressed button
//! nothing else is told than who and where. What is told again comes within about a minute
//! (livechat.md §3); what is the same after that happened again.

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
pub struct Repeats(Mutex<VecDeque<(EventKey, Timestamp)>>);

impl Repeats {
    /// The number of the time at which this is told, the same for what is told again. It is made of
    /// the time, so that one that comes again behind a restart has mostly the same.
    pub fn number(&self, key: EventKey, now: Timestamp) -> u64 {
        let mut told = self.0.lock();
        while told
            .front()
            .is_some_and(|(_, at)| now.saturating_sub(*at) >= WINDOW_MS)
        {
            told.pop_front();
        }
        let first = told
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, at)| *at);
        let first = first.unwrap_or_else(|| {
            if told.len() >= MAX {
                told.pop_front();
            }
            told.push_back((key, now));
            now
        });
        first / WINDOW_MS
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
}
