//! Bots that are paused or gone: they go on hearing, up to a bound, and hold nobody up.

use std::sync::Arc;

use super::{Core, Hub, HubBot, INBOUND_MAX, Queue};
use crate::mailbox::rooms::RoomsError;

impl Hub {
    /// Notes that nobody takes what a bot hears: it is kept up to a bound, the oldest goes first,
    /// and users do not wait for the bot.
    pub fn leave(&self, bot: &HubBot) {
        let mut core = self.inner.core.lock();
        let queue = &mut core.queues[bot.place];
        queue.is_away = true;
        queue.offered = 0;
        drop(core);
        self.inner.space.notify_waiters();
    }

    /// Notes that a bot takes again what it hears; tells how much it missed.
    pub fn come_back(&self, bot: &HubBot) -> u64 {
        let mut core = self.inner.core.lock();
        let queue = &mut core.queues[bot.place];
        queue.is_away = false;
        queue.offered = 0;
        queue.arrived.notify_one();
        std::mem::take(&mut queue.missed)
    }
}

impl Core {
    /// The bot of this place, which was there before and is away.
    ///
    /// # Errors
    /// When it is not away: then there are two of its name.
    pub(super) fn known_bot(&self, place: usize, name: &str) -> Result<HubBot, RoomsError> {
        if !self.queues[place].is_away {
            return Err(RoomsError::Denied(format!("there are two bots {name}")));
        }
        Ok(HubBot {
            place,
            user: Arc::clone(&self.bots[place]),
        })
    }
}

impl Queue {
    /// Tells whether users have to wait for the bot.
    pub(super) fn holds_up(&self, max: usize) -> bool {
        !self.is_away && self.heard.len() >= max
    }

    /// Forgets the oldest that an absent bot did not hear, where there is no room for more.
    pub(super) fn make_room(&mut self) {
        while self.is_away
            && self.heard.len() >= INBOUND_MAX
            && let Some(heard) = self.heard.pop_front()
        {
            if !heard.event.change.is_passing() {
                self.missed += 1;
                self.mark = self.mark.max(heard.event.number);
            }
        }
    }
}
