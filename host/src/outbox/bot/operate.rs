//! What an operator sees of a bot's lanes and does to them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::lane::{Lane, Place};
use super::{BotQueue, Item, State};
use crate::journal::{BroadcastNumber, PartNumber, PartUpdate};
use crate::mailbox::control::{LaneLine, LaneState, Selector};
use crate::mailbox::{LaneKey, LaneKind};
use crate::model::Timestamp;
use crate::outbox::Shared;
use crate::outbox::broadcast::Running;
use crate::outbox::hold::BotHolds;

/// What was taken out of a lane.
pub(in crate::outbox) struct Taken {
    pub(in crate::outbox) lane: LaneKey,
    pub(in crate::outbox) items: Vec<Item>,
    /// The broadcast of the part that is being sent, and stays.
    pub(in crate::outbox) sending: Option<Option<BroadcastNumber>>,
}

impl BotQueue {
    /// Changes what is held, and lets go what is held no more.
    pub(in crate::outbox) fn set_holds(self: &Arc<Self>, shared: &Arc<Shared>, holds: BotHolds) {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.holds = holds;
        let mut free = Vec::new();
        for (key, lane) in &mut state.lanes {
            match (lane.place, state.holds.holds(key)) {
                (Place::Ready, true) => lane.place = Place::Held,
                (Place::Held, false) => free.push(key.clone()),
                // A lane that waits for a moment is held when that has come.
                _ => {}
            }
        }
        for key in free {
            if state.make_ready(&key) {
                self.rouse(state, shared);
            }
        }
        let held: Vec<LaneKey> = state.lanes.keys().cloned().collect();
        for key in held {
            if let Some(unmarked) = state.unmark_held(&key) {
                shared.recorder.note(PartUpdate::Queued(unmarked));
            }
        }
    }

    /// Tells what waits, by lane.
    pub(in crate::outbox) fn lanes(&self, selector: &Selector, now: Timestamp) -> Vec<LaneLine> {
        let state = self.state.lock();
        let meant = state
            .lanes
            .iter()
            .filter(|(key, _)| selector.matches(&key.bot, &key.plugin, &key.conversation));
        meant
            .filter_map(|(key, lane)| line(key, lane, &state.holds, now))
            .collect()
    }

    /// Takes out what waits, and tells how far broadcasts are at that moment. What is being sent
    /// stays, and is told.
    pub(in crate::outbox) fn take(
        &self,
        shared: &Shared,
        selector: &Selector,
    ) -> (Vec<Taken>, Vec<Running>) {
        let mut state = self.state.lock();
        let mut all = Vec::new();
        for (key, lane) in &mut state.lanes {
            if !selector.matches(&key.bot, &key.plugin, &key.conversation) {
                continue;
            }
            let items = lane.drain();
            let sending = lane.sending.map(|(_, broadcast)| broadcast);
            if matches!(lane.place, Place::Ready | Place::Timed | Place::Held) {
                lane.place = Place::Rest;
                lane.due = None;
            }
            if !items.is_empty() || sending.is_some() {
                self.open.fetch_sub(items.len(), Ordering::Relaxed);
                all.push(Taken {
                    lane: key.clone(),
                    items,
                    sending,
                });
            }
        }
        (all, shared.broadcasts.all())
    }

    /// Parts in lanes that are held.
    pub(in crate::outbox) fn held_parts(&self) -> usize {
        self.state.lock().held_parts()
    }

    /// Tells how many parts of each broadcast are being sent.
    pub(in crate::outbox) fn sending(&self) -> Vec<BroadcastNumber> {
        let state = self.state.lock();
        let sending = state.lanes.values().filter_map(|lane| lane.sending);
        sending.filter_map(|(_, broadcast)| broadcast).collect()
    }
}

impl State {
    /// Parts in lanes that are held.
    pub(super) fn held_parts(&self) -> usize {
        if !self.holds.is_any() {
            return 0;
        }
        let held = self.lanes.iter().filter(|(key, _)| self.holds.holds(key));
        held.map(|(_, lane)| lane.len()).sum()
    }

    /// Takes the mark off a held lane's first part, which was put on it before it was held: it is
    /// not being sent, and must not be in doubt after a crash.
    pub(super) fn unmark_held(&mut self, key: &LaneKey) -> Option<PartNumber> {
        if !self.holds.is_any() {
            return None;
        }
        let lane = self.lanes.get_mut(key)?;
        if lane.place != Place::Held {
            return None;
        }
        let first = lane.first_mut()?;
        if !first.is_marked || first.is_in_doubt {
            return None;
        }
        first.is_marked = false;
        Some(first.part.number)
    }
}

fn line(key: &LaneKey, lane: &Lane, holds: &BotHolds, now: Timestamp) -> Option<LaneLine> {
    let state = match lane.place {
        Place::Busy => LaneState::Sending,
        Place::Reserved => LaneState::Ready,
        _ if holds.paused => LaneState::Paused,
        _ if holds.holds(key) => LaneState::Held,
        Place::Timed => LaneState::Waiting,
        Place::Rest | Place::Ready | Place::Held => LaneState::Ready,
    };
    let parts = lane.len() + usize::from(lane.sending.is_some());
    if parts == 0 {
        return None;
    }
    let first = lane.first();
    let until = lane.due.map(|due| {
        let wait = due.saturating_duration_since(Instant::now());
        now.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
    });
    Some(LaneLine {
        bot: key.bot.to_string(),
        plugin: key.plugin.to_string(),
        conversation: key.conversation.to_string(),
        broadcast: key.kind == LaneKind::Broadcast,
        state,
        parts: parts as u64,
        first: first.map_or_else(String::new, |item| {
            item.part.what.action.kind.name().to_owned()
        }),
        in_doubt: first.is_some_and(|item| item.is_in_doubt),
        since: first.map_or(now, |item| item.part.origin.received_at),
        tries: first.map_or(0, |item| u64::from(item.tries)),
        until: until.filter(|_| state == LaneState::Waiting),
    })
}
