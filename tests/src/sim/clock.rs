//! Time as a platform keeps it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The platform's clock: its moments are the real ones, its waits may be shorter.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    speed: f64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { speed: 1.0 }
    }
}

impl Clock {
    /// Makes a clock on which so many seconds of the platform pass in one.
    pub fn faster(speed: f64) -> Self {
        Self {
            speed: if speed.is_finite() && speed > 0.0 {
                speed
            } else {
                1.0
            },
        }
    }

    /// How long a wait of the platform takes here.
    pub fn wait(self, platform: Duration) -> Duration {
        platform.div_f64(self.speed)
    }

    /// This moment, in milliseconds since 1970.
    pub fn now(self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_hour_takes_half_a_minute_on_a_clock_sixty_times_as_fast() {
        let wait = Clock::faster(60.0).wait(Duration::from_secs(1_800));
        assert_eq!(wait, Duration::from_secs(30));
    }

    #[test]
    fn a_clock_of_no_speed_keeps_real_time() {
        let wait = Clock::faster(0.0).wait(Duration::from_secs(5));
        assert_eq!(wait, Duration::from_secs(5));
    }
}
