//! How fast a bot may go.

use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);
/// A bot that was silent may catch up on so much of its allowance at once.
const BURST: Duration = Duration::from_secs(5);

/// A token bucket, kept as the moment at which it would be full (GCRA).
#[derive(Default)]
pub(super) struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    /// Tells when the next request may leave; none: now.
    pub(super) fn wait(&self, per_minute: u32, now: Instant) -> Option<Instant> {
        let slack = BURST.saturating_sub(MINUTE / per_minute.max(1));
        let at = self.full_at?.checked_sub(slack)?;
        (at > now).then_some(at)
    }

    /// Takes one request's share.
    pub(super) fn take(&mut self, per_minute: u32, now: Instant) {
        let from = self.full_at.map_or(now, |full_at| full_at.max(now));
        self.full_at = Some(from + MINUTE / per_minute.max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_to_the_rate_after_a_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::default();
        let mut now = start;
        for _ in 0..600 {
            if let Some(at) = bucket.wait(60, now) {
                now = at;
            }
            bucket.take(60, now);
        }
        let took = now - start;
        assert!(took > Duration::from_secs(590) && took < Duration::from_secs(600));
    }

    #[test]
    fn a_slow_rate_has_no_burst() {
        let now = Instant::now();
        let mut bucket = Bucket::default();
        bucket.take(1, now);
        assert_eq!(bucket.wait(1, now), Some(now + MINUTE));
    }
}
