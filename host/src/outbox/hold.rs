//! What an operator lets wait: paused bots, and holds on parts of the outbox.

use std::collections::BTreeSet;

use crate::mailbox::LaneKey;
use crate::mailbox::control::Selector;

/// Holds at one time.
pub const MAX_HOLDS: usize = 1_000;

/// All of them.
#[derive(Default)]
pub(super) struct Holds {
    pub(super) selectors: Vec<Selector>,
    pub(super) paused: BTreeSet<String>,
}

impl Holds {
    /// Those that concern a bot.
    pub(super) fn of(&self, bot: &str) -> BotHolds {
        let own = self.selectors.iter();
        let own = own.filter(|held| held.bot.as_deref().is_none_or(|held| held == bot));
        BotHolds {
            paused: self.paused.contains(bot),
            selectors: own.cloned().collect(),
        }
    }
}

/// What holds the lanes of one bot.
#[derive(Clone, Default)]
pub(super) struct BotHolds {
    pub(super) paused: bool,
    selectors: Vec<Selector>,
}

impl BotHolds {
    /// Tells whether anything is held.
    pub(super) fn is_any(&self) -> bool {
        self.paused || !self.selectors.is_empty()
    }

    /// Tells whether a lane is held.
    pub(super) fn holds(&self, lane: &LaneKey) -> bool {
        let is_meant = |held: &Selector| held.matches(&lane.bot, &lane.plugin, &lane.conversation);
        self.paused || self.selectors.iter().any(is_meant)
    }
}
