//! How long something takes, counted without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Number of buckets: bucket `n` holds what took less than 2^n microseconds.
pub const BUCKETS: usize = 26;

/// Counts durations.
#[derive(Debug, Default)]
pub struct Latency {
    counts: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
}

/// What a [`Latency`] has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencyCounts {
    /// How many took less than 2^n microseconds, and not less than half of it; the last: all others.
    pub counts: [u64; BUCKETS],
    /// Microseconds, all together.
    pub sum_us: u64,
}

impl Latency {
    /// Counts one.
    pub fn took(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = (u64::BITS - us.leading_zeros()) as usize;
        self.counts[bucket.min(BUCKETS - 1)].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// Reads the counts.
    pub fn counts(&self) -> LatencyCounts {
        LatencyCounts {
            counts: std::array::from_fn(|bucket| self.counts[bucket].load(Ordering::Relaxed)),
            sum_us: self.sum_us.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_powers_of_two() {
        let latency = Latency::default();
        for us in [0, 1, 2, 3, 1_000, u64::MAX / 2] {
            latency.took(Duration::from_micros(us));
        }
        let counts = latency.counts().counts;
        assert_eq!((counts[0], counts[1], counts[2]), (1, 1, 2));
        assert_eq!((counts[10], counts[BUCKETS - 1]), (1, 1));
        assert_eq!(counts.iter().sum::<u64>(), 6);
    }
}
