//! Broadcasts inside the open transaction: kept whole, expanded a few targets at a time.

use std::sync::Arc;

use super::index::OpenBroadcast;
use super::rows::{BroadcastRow, json};
use super::writer::Writer;
use crate::journal::shared::retargeted;
use crate::journal::{Broadcast, BroadcastNumber, JournalResult, PartNumber};
use crate::model::Name;
use crate::model::delivery::{DeliveryNumber, EventNumber};

/// How far a caller takes a broadcast to be.
#[derive(Clone, Copy)]
struct Told {
    number: BroadcastNumber,
    expanded: u64,
    targets: u64,
}

impl Told {
    fn of(broadcast: &Broadcast) -> Self {
        Self {
            number: broadcast.number,
            expanded: broadcast.expanded as u64,
            targets: broadcast.what.targets.len() as u64,
        }
    }
}

/// Targets whose parts are to be made.
pub(super) struct Expansion {
    told: Told,
    targets: Vec<Name>,
}

impl Expansion {
    pub(super) fn of(broadcast: &Broadcast, targets: usize) -> Self {
        let all = broadcast.what.targets.iter();
        Self {
            told: Told::of(broadcast),
            targets: all
                .skip(broadcast.expanded)
                .take(targets)
                .map(Arc::clone)
                .collect(),
        }
    }
}

/// A shorter list of targets.
pub(super) struct Retargeting {
    told: Told,
    targets: String,
    target_count: u64,
}

impl Retargeting {
    pub(super) fn of(broadcast: &Broadcast, kept: Vec<Name>) -> JournalResult<Self> {
        let what = retargeted(broadcast, kept);
        Ok(Self {
            told: Told::of(broadcast),
            targets: json(&what.targets)?,
            target_count: what.targets.len() as u64,
        })
    }
}

impl Writer<'_> {
    pub(super) fn add_broadcast(
        &mut self,
        event: EventNumber,
        delivery: DeliveryNumber,
        tenant: &Name,
        plugin: &Name,
        row: BroadcastRow,
    ) -> rusqlite::Result<()> {
        let number = self.index.next_broadcast;
        self.index.next_broadcast += 1;
        self.statements.add_broadcast.execute((
            number,
            event,
            delivery,
            tenant,
            plugin,
            row.bot,
            row.place,
            row.actions,
            row.parts_each,
            row.targets,
            row.target_count,
        ))?;
        let open = OpenBroadcast {
            event,
            parts_each: row.parts_each,
            targets: row.target_count,
            expanded: 0,
            parts: 0,
        };
        self.index.broadcasts.insert(number, open);
        Ok(())
    }

    /// Makes the parts of targets; gives the number of the first.
    pub(super) fn expand(&mut self, expansion: Expansion) -> rusqlite::Result<Option<PartNumber>> {
        let Expansion { told, targets } = expansion;
        let Some(mut open) = self.as_told(told) else {
            return Ok(None);
        };
        let first = self.index.next_part;
        for conversation in &targets {
            for part in 0..open.parts_each {
                let number = self.index.next_part;
                self.index.next_part += 1;
                let add = &mut self.statements.add_broadcast_part;
                add.execute((number, told.number, conversation, part))?;
                self.index.parts.insert(number, open.event);
                self.index.broadcast_of.insert(number, told.number);
                open.parts += 1;
            }
        }
        open.expanded += targets.len() as u64;
        let expand = &mut self.statements.expand_broadcast;
        expand.execute((told.number, open.expanded))?;
        self.index.broadcasts.insert(told.number, open);
        Ok(Some(first))
    }

    /// Shortens a broadcast; tells whether it was as the caller took it to be.
    pub(super) fn retarget(&mut self, retargeting: Retargeting) -> rusqlite::Result<bool> {
        let Retargeting {
            told,
            targets,
            target_count,
        } = retargeting;
        let Some(mut open) = self.as_told(told) else {
            return Ok(false);
        };
        let retarget = &mut self.statements.retarget_broadcast;
        retarget.execute((told.number, targets, target_count))?;
        open.targets = target_count;
        self.index.broadcasts.insert(told.number, open);
        self.end_broadcast(told.number)?;
        Ok(true)
    }

    /// Counts a part that ended, and ends its broadcast with the last one.
    pub(super) fn count_broadcast(
        &mut self,
        part: PartNumber,
        is_sent: bool,
    ) -> rusqlite::Result<()> {
        let Some(number) = self.index.broadcast_of_ended(part) else {
            return Ok(());
        };
        let count = &mut self.statements.count_broadcast;
        count.execute((number, u8::from(is_sent), u8::from(!is_sent)))?;
        self.end_broadcast(number)
    }

    fn as_told(&self, told: Told) -> Option<OpenBroadcast> {
        let open = self.index.broadcasts.get(&told.number)?;
        let is_same = open.expanded == told.expanded && open.targets == told.targets;
        is_same.then_some(*open)
    }

    fn end_broadcast(&mut self, number: BroadcastNumber) -> rusqlite::Result<()> {
        let open = self.index.broadcasts.get(&number);
        if open.is_some_and(OpenBroadcast::is_through) {
            self.index.broadcasts.remove(&number);
            let end = &mut self.statements.end_broadcast;
            end.execute((number, self.now))?;
        }
        Ok(())
    }
}
