//! Which ready lane is next: by urgency, then each plugin in turn.

use std::collections::VecDeque;

use crate::journal::Urgency;
use crate::mailbox::LaneKey;
use crate::model::{Name, NameMap};

/// The number of urgencies.
pub(super) const URGENCIES: usize = 3;

/// Lanes that have something to send. A lane may stand here twice, once for each urgency that it
/// had while it waited, and may have lost its turn meanwhile: whoever takes it looks.
#[derive(Default)]
pub(super) struct Ready {
    urgencies: [Turns; URGENCIES],
    count: usize,
}

#[derive(Default)]
struct Turns {
    order: VecDeque<Name>,
    lanes: NameMap<Name, VecDeque<LaneKey>>,
}

impl Ready {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn push(&mut self, urgency: Urgency, lane: LaneKey) {
        self.count += 1;
        let turns = &mut self.urgencies[urgency as usize];
        match turns.lanes.get_mut(&lane.plugin) {
            Some(lanes) => {
                // A plugin without lanes keeps its queue, and has no turn.
                if lanes.is_empty() {
                    turns.order.push_back(Name::clone(&lane.plugin));
                }
                lanes.push_back(lane);
            }
            None => {
                turns.order.push_back(Name::clone(&lane.plugin));
                let plugin = Name::clone(&lane.plugin);
                turns.lanes.insert(plugin, VecDeque::from([lane]));
            }
        }
    }

    /// Takes the lane whose turn it is.
    pub(super) fn pop(&mut self) -> Option<LaneKey> {
        let turns = self.urgencies.iter_mut();
        let turns = turns.into_iter().find(|turns| !turns.order.is_empty())?;
        let plugin = turns.order.pop_front()?;
        let lanes = turns.lanes.get_mut(&plugin)?;
        let lane = lanes.pop_front()?;
        if !lanes.is_empty() {
            turns.order.push_back(plugin);
        }
        self.count -= 1;
        Some(lane)
    }
}
