//! Parts: open until they end, those of broadcasts made a few at a time.

use std::sync::atomic::Ordering;

use super::{MemoryJournal, shard};
use crate::journal::shared::{broadcast_parts, targets_in};
use crate::journal::{Broadcast, Part, PartNumber, PartState, PartUpdate};

impl MemoryJournal {
    pub(super) fn open_parts(&self, parts: &[Part]) {
        for part in parts {
            shard(&self.open_parts, part.number)
                .lock()
                .insert(part.number, part.clone());
        }
    }

    pub(super) fn update_part(&self, update: PartUpdate) {
        match update {
            PartUpdate::Sending(number) => self.change_part(number, |part| {
                part.state = PartState::Sending;
                part.attempts = part.attempts.saturating_add(1);
            }),
            PartUpdate::Queued(number) => {
                self.change_part(number, |part| part.state = PartState::Queued);
            }
            PartUpdate::Sent {
                part,
                sent,
                forms,
                key,
                how,
                joins,
            } => self.record_sent(part, sent, forms, (key, how), joins),
            PartUpdate::Failed(number, _, _) | PartUpdate::Skipped(number) => {
                self.end_part(number, false);
            }
        }
    }

    /// Makes the parts of a broadcast's next targets.
    pub(super) fn expand_broadcast(&self, broadcast: &Broadcast, rows: usize) -> Vec<Part> {
        let targets = targets_in(broadcast, rows);
        let count = targets * broadcast.what.actions.len();
        if !self.broadcasts.lock().expand(broadcast, targets, count) {
            return Vec::new();
        }
        let first = self.next_part.fetch_add(count as u64, Ordering::Relaxed);
        let parts = broadcast_parts(first, broadcast, targets);
        self.open_parts(&parts);
        parts
    }

    pub(super) fn end_part(&self, number: PartNumber, is_sent: bool) -> Option<Part> {
        let part = shard(&self.open_parts, number).lock().remove(&number)?;
        if let Some(broadcast) = part.broadcast {
            self.broadcasts.lock().ended(broadcast, is_sent);
        }
        Some(part)
    }

    fn change_part(&self, number: PartNumber, change: impl FnOnce(&mut Part)) {
        if let Some(part) = shard(&self.open_parts, number).lock().get_mut(&number) {
            change(part);
        }
    }
}
