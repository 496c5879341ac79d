//! How fast a platform takes what a bot does.

use std::time::Duration;

use super::session::BotTuning;

const MINUTE: Duration = Duration::from_secs(60);
/// Who was silent may catch up on so much of an allowance by the minute at once.
const CATCH_UP: Duration = Duration::from_secs(5);

/// How many requests may leave in a time: a token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The time that each takes up.
    pub every: Duration,
    /// How many may leave at once after a silence; none is as one.
    pub burst: u32,
}

impl Rate {
    /// One in each such time, and never two at once.
    pub const fn one_in(every: Duration) -> Self {
        Self { every, burst: 1 }
    }

    /// So many a minute; after a silence, five seconds' worth at once.
    pub fn per_minute(count: u32) -> Self {
        let every = MINUTE / count.max(1);
        let burst = CATCH_UP.as_nanos() / every.as_nanos().max(1);
        Self {
            every,
            burst: u32::try_from(burst).unwrap_or(u32::MAX),
        }
    }
}

/// What a platform paces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Requests of the bot, reads included; none is unlimited.
    pub bot: Option<Rate>,
    /// Messages in one conversation, of all plugins; none is unlimited.
    pub conversation: Option<Rate>,
}

impl Pace {
    /// As fast as it goes.
    pub const FREE: Self = Self {
        bot: None,
        conversation: None,
    };

    /// This pace, a platform's own, where the operator's settings say nothing else.
    #[must_use]
    pub fn tuned(self, tuning: &BotTuning) -> Self {
        let bot = tuning.per_minute.map(Rate::per_minute);
        let conversation = tuning.per_minute_in_conversation.map(Rate::per_minute);
        Self {
            bot: bot.or(self.bot),
            conversation: conversation.or(self.conversation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_take_the_place_of_the_platforms_own_pace() {
        let second = Rate::one_in(Duration::from_secs(1));
        let platform = Pace {
            bot: Some(second),
            conversation: Some(second),
        };
        let silent = BotTuning {
            per_minute: None,
            per_minute_in_conversation: None,
            text_only: false,
            edits: true,
        };
        assert_eq!(platform.tuned(&silent), platform);
        let tuning = BotTuning {
            per_minute_in_conversation: Some(600),
            ..silent
        };
        let fast = Rate {
            every: Duration::from_millis(100),
            burst: 50,
        };
        let tuned = platform.tuned(&tuning);
        assert_eq!((tuned.bot, tuned.conversation), (Some(second), Some(fast)));
        assert_eq!(Pace::FREE.tuned(&silent), Pace::FREE);
    }
}
