//! How fast a bot may go, how fast in each conversation, and how long it waits after what failed.

use std::time::Duration;

use tokio::time::Instant;

use crate::mailbox::Rate;
use crate::model::{Name, NameMap};

/// Conversations whose buckets are kept; one that is full again is not needed.
const CONVERSATIONS: usize = 10_000;
/// The time between two looks for buckets that are full again, where there are that many.
const SWEEP: Duration = Duration::from_millis(100);

/// A token bucket, kept as the moment at which it would be full (GCRA).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    /// Tells when the next request may leave; none: now.
    pub(super) fn wait(&self, rate: Rate, now: Instant) -> Option<Instant> {
        let slack = rate.every.saturating_mul(rate.burst.saturating_sub(1));
        let at = self.full_at?.checked_sub(slack)?;
        (at > now).then_some(at)
    }

    /// Takes one request's share.
    pub(super) fn take(&mut self, rate: Rate, now: Instant) {
        let from = self.full_at.map_or(now, |full_at| full_at.max(now));
        self.full_at = Some(from + rate.every);
    }

    fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|full_at| full_at <= now)
    }
}

/// The buckets of a bot's conversations.
#[derive(Default)]
pub(super) struct Conversations {
    buckets: NameMap<Name, Bucket>,
    swept: Option<Instant>,
}

impl Conversations {
    /// Tells when the next message may go into a conversation; none: now.
    pub(super) fn wait(
        &mut self,
        conversation: &Name,
        rate: Rate,
        now: Instant,
    ) -> Option<Instant> {
        if let Some(bucket) = self.buckets.get(conversation) {
            return bucket.wait(rate, now);
        }
        if self.buckets.len() < CONVERSATIONS {
            return None;
        }
        if self.swept.is_none_or(|swept| now >= swept + SWEEP) {
            self.swept = Some(now);
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        // Without a bucket it would not be paced: it waits until there is room for one.
        (self.buckets.len() >= CONVERSATIONS).then(|| now + SWEEP)
    }

    /// Takes one message's share.
    pub(super) fn take(&mut self, conversation: &Name, rate: Rate, now: Instant) {
        match self.buckets.get_mut(conversation) {
            Some(bucket) => bucket.take(rate, now),
            None => {
                let mut bucket = Bucket::default();
                bucket.take(rate, now);
                self.buckets.insert(Name::clone(conversation), bucket);
            }
        }
    }
}

/// The wait after so many tries before this one: twice as long each time, from the half of it up, so
/// that lanes that failed together do not come back together.
pub(super) fn backoff(tries: u32, first: Duration, longest: Duration) -> Duration {
    let wait = first.saturating_mul(1 << tries.min(16)).min(longest);
    wait / 2 + share_of(wait / 2)
}

/// The wait that a platform asked for, and up to a tenth more, for the same reason.
pub(super) fn no_sooner(asked: Duration) -> Duration {
    asked + share_of(asked / 10)
}

fn share_of(time: Duration) -> Duration {
    let mut byte = [0];
    let share = match getrandom::fill(&mut byte) {
        Ok(()) => u32::from(byte[0]),
        Err(_) => 128,
    };
    time * share / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// How long so many take from a silence on.
    fn time_of(count: usize, rate: Rate) -> Duration {
        let start = Instant::now();
        let (mut bucket, mut now) = (Bucket::default(), start);
        for _ in 0..count {
            if let Some(at) = bucket.wait(rate, now) {
                now = at;
            }
            bucket.take(rate, now);
        }
        now - start
    }

    #[test]
    fn keeps_to_the_rate_after_a_burst() {
        let took = time_of(600, Rate::per_minute(60));
        assert!(took > Duration::from_secs(590) && took < Duration::from_secs(600));
        let half = Duration::from_millis(500);
        assert_eq!(time_of(9, Rate::one_in(half)), half * 8);
        let of_three = Rate {
            every: half,
            burst: 3,
        };
        assert_eq!(time_of(9, of_three), half * 6);
    }

    #[test]
    fn a_slow_rate_has_no_burst() {
        let now = Instant::now();
        let mut bucket = Bucket::default();
        bucket.take(Rate::per_minute(1), now);
        assert_eq!(bucket.wait(Rate::per_minute(1), now), Some(now + MINUTE));
    }

    #[test]
    fn waits_grow_to_a_bound_and_differ() {
        let (first, longest) = (Duration::from_millis(500), Duration::from_secs(300));
        for (tries, whole) in [
            (0, 0.5),
            (1, 1.0),
            (5, 16.0),
            (10, 300.0),
            (u32::MAX, 300.0),
        ] {
            let whole = Duration::from_secs_f64(whole);
            let waits: Vec<_> = (0..50).map(|_| backoff(tries, first, longest)).collect();
            let fits = |wait: &Duration| *wait >= whole / 2 && *wait <= whole;
            assert!(waits.iter().all(fits), "{tries} tries: {waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
        }
        let asked: Vec<_> = (0..50).map(|_| no_sooner(MINUTE)).collect();
        assert!(
            asked
                .iter()
                .all(|wait| *wait >= MINUTE && *wait <= MINUTE * 11 / 10)
        );
    }

    #[test]
    fn no_more_buckets_than_are_kept_and_none_is_forgotten_before_it_is_full() {
        let now = Instant::now();
        let rate = Rate::one_in(MINUTE);
        let mut all = Conversations::default();
        let name = |n: usize| Name::from(format!("room-{n}"));
        for n in 0..CONVERSATIONS {
            assert_eq!(all.wait(&name(n), rate, now), None);
            all.take(&name(n), rate, now);
        }
        let one_more = name(CONVERSATIONS);
        assert_eq!(all.wait(&one_more, rate, now), Some(now + SWEEP));
        assert_eq!(all.wait(&name(0), rate, now), Some(now + MINUTE));
        let later = now + MINUTE;
        assert_eq!(all.wait(&one_more, rate, later), None);
        all.take(&one_more, rate, later);
        assert_eq!(all.buckets.len(), 1);
    }
}
