//! One lane: its parts in order, and where it stands.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::Item;
use crate::journal::{BroadcastNumber, Part, PartNumber, Urgency};
use crate::model::action::{ActionKind, MessageRef};
use crate::model::delivery::DeliveryNumber;
use crate::outbox::fair::URGENCIES;

/// Parts behind an edit that are looked at for a later one of the same message.
const LOOKED_AHEAD: usize = 100;

pub(super) struct Lane {
    queue: VecDeque<Item>,
    pub(super) place: Place,
    /// The urgency with which it waits for its turn.
    pub(super) ready_as: Urgency,
    /// When its wait ends.
    pub(super) due: Option<Instant>,
    /// The part that is being sent, while it is busy.
    pub(super) sending: Option<(PartNumber, Option<BroadcastNumber>)>,
    /// Parts of each urgency.
    urgencies: [usize; URGENCIES],
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Place {
    #[default]
    Rest,
    /// A turn that is being committed will bring its first part.
    Reserved,
    Ready,
    Busy,
    Timed,
    /// An operator holds it, or its bot is paused.
    Held,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            place: Place::Rest,
            ready_as: Urgency::Broadcast,
            due: None,
            sending: None,
            urgencies: [0; URGENCIES],
        }
    }
}

impl Lane {
    pub(super) fn reserved() -> Self {
        Self {
            place: Place::Reserved,
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn first(&self) -> Option<&Item> {
        self.queue.front()
    }

    pub(super) fn first_mut(&mut self) -> Option<&mut Item> {
        self.queue.front_mut()
    }

    /// The most urgent of what waits: whoever waits for that should not wait for what stands before
    /// it longer than it must. None where nothing waits.
    pub(super) fn urgency(&self) -> Option<Urgency> {
        let all = [Urgency::Answer, Urgency::Timer, Urgency::Broadcast];
        all.into_iter()
            .find(|urgency| self.urgencies[*urgency as usize] > 0)
    }

    /// Puts a part in its place by number; nearly always that is the end.
    pub(super) fn put(&mut self, item: Item) {
        self.urgencies[item.part.what.urgency as usize] += 1;
        let later = self.queue.iter().rev();
        let later = later.take_while(|other| other.part.number > item.part.number);
        let place = self.queue.len() - later.count();
        self.queue.insert(place, item);
    }

    pub(super) fn pop(&mut self) -> Option<Item> {
        let item = self.queue.pop_front()?;
        self.urgencies[item.part.what.urgency as usize] -= 1;
        Some(item)
    }

    /// Takes out everything that waits.
    pub(super) fn drain(&mut self) -> Vec<Item> {
        self.urgencies = [0; URGENCIES];
        self.queue.drain(..).collect()
    }

    /// Takes out the rest of a list, but for leaving.
    pub(super) fn skip(&mut self, delivery: DeliveryNumber) -> Vec<Part> {
        let mut skipped = Vec::new();
        for item in self.drain() {
            let leaves = matches!(item.part.what.action.kind, ActionKind::Leave(_));
            if item.part.delivery == delivery && !leaves {
                skipped.push(item.part);
            } else {
                self.put(item);
            }
        }
        skipped
    }

    /// Tells whether a part that waits edits the same message anew, so that this one need not be made.
    pub(super) fn is_overtaken(&self, item: &Item) -> bool {
        let ActionKind::Edit(edit) = &item.part.what.action.kind else {
            return false;
        };
        if item.is_in_doubt {
            return false;
        }
        let mut between: Vec<DeliveryNumber> = Vec::new();
        for later in self.queue.iter().take(LOOKED_AHEAD) {
            let action = &later.part.what.action;
            match &action.kind {
                // One behind others of its own list may be skipped with them.
                ActionKind::Edit(next) if next.message == edit.message => {
                    return !between.contains(&later.part.delivery);
                }
                ActionKind::Delete(message) if *message == edit.message => return false,
                // From here on the key names another message.
                ActionKind::Send(_) if matches!(&edit.message, MessageRef::Key(key) if action.key.as_ref() == Some(key)) =>
                {
                    return false;
                }
                _ => between.push(later.part.delivery),
            }
        }
        false
    }
}
