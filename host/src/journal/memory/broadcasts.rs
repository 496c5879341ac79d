//! Broadcasts that are not through, and how far each is.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::journal::shared::retargeted;
use crate::journal::{Broadcast, BroadcastNumber, NewBroadcast};
use crate::model::Name;
use crate::model::delivery::DeliveryNumber;
use crate::model::event::Event;

#[derive(Debug, Default)]
pub(super) struct Broadcasts {
    open: BTreeMap<BroadcastNumber, Open>,
    last: BroadcastNumber,
}

#[derive(Debug)]
struct Open {
    broadcast: Broadcast,
    /// Parts that are made and not through.
    parts: u64,
}

impl Broadcasts {
    /// Takes those of a turn.
    pub(super) fn add(
        &mut self,
        tenant: &Name,
        plugin: &Name,
        delivery: DeliveryNumber,
        origin: &Arc<Event>,
        new: Vec<NewBroadcast>,
    ) {
        for what in new {
            self.last += 1;
            let broadcast = Broadcast {
                number: self.last,
                tenant: Arc::clone(tenant),
                plugin: Arc::clone(plugin),
                delivery,
                origin: Arc::clone(origin),
                what: Arc::new(what),
                expanded: 0,
                sent: 0,
                failed: 0,
            };
            let open = Open {
                broadcast,
                parts: 0,
            };
            self.open.insert(self.last, open);
        }
    }

    pub(super) fn list(&self, after: BroadcastNumber, limit: usize) -> Vec<Broadcast> {
        let later = self.open.range(after.saturating_add(1)..);
        later
            .take(limit)
            .map(|(_, open)| open.broadcast.clone())
            .collect()
    }

    /// Parts that are not made.
    pub(super) fn parts_left(&self) -> u64 {
        let left = self.open.values().map(|open| open.broadcast.parts_left());
        left.sum::<usize>() as u64
    }

    /// Counts targets as served; tells whether the broadcast is as it is told to be.
    pub(super) fn expand(&mut self, told: &Broadcast, targets: usize, parts: usize) -> bool {
        let Some(open) = self.as_told(told) else {
            return false;
        };
        open.broadcast.expanded += targets;
        open.parts += parts as u64;
        true
    }

    pub(super) fn retarget(&mut self, told: &Broadcast, kept: Vec<Name>) -> bool {
        let Some(open) = self.as_told(told) else {
            return false;
        };
        open.broadcast.what = retargeted(&open.broadcast, kept);
        self.end(told.number);
        true
    }

    /// Counts a part that ended.
    pub(super) fn ended(&mut self, number: BroadcastNumber, is_sent: bool) {
        let Some(open) = self.open.get_mut(&number) else {
            return;
        };
        open.parts = open.parts.saturating_sub(1);
        if is_sent {
            open.broadcast.sent += 1;
        } else {
            open.broadcast.failed += 1;
        }
        self.end(number);
    }

    fn as_told(&mut self, told: &Broadcast) -> Option<&mut Open> {
        let open = self.open.get_mut(&told.number)?;
        let is_same = open.broadcast.expanded == told.expanded
            && open.broadcast.what.targets.len() == told.what.targets.len();
        is_same.then_some(open)
    }

    fn end(&mut self, number: BroadcastNumber) {
        let is_through = |open: &Open| open.parts == 0 && open.broadcast.targets_left() == 0;
        if self.open.get(&number).is_some_and(is_through) {
            self.open.remove(&number);
        }
    }
}
