//! Parts: open until they end, those of broadcasts made a few at a time.

use std::sync::atomic::Ordering;

use super::{MemoryJournal, shard};
use crate::journal::shared::{broadcast_parts, now, targets_in};
use crate::journal::{
    Broadcast, OpenForm, Part, PartNumber, PartState, PartUpdate, Sent, SentMessage,
};
use crate::model::Name;

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
                joins,
            } => self.record_sent(part, sent, forms, key, joins),
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

    fn end_part(&self, number: PartNumber, is_sent: bool) -> Option<Part> {
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

    fn record_sent(
        &self,
        number: PartNumber,
        sent: Sent,
        forms: Vec<OpenForm>,
        key: Option<String>,
        joins: i64,
    ) {
        let Some(part) = self.end_part(number, true) else {
            return;
        };
        if forms.is_empty() && key.is_none() && joins == 0 {
            return;
        }
        let mut desk = self.desk.lock();
        for form in forms {
            desk.open_form(form);
        }
        let conversation = sent.conversation.map_or(part.what.conversation, Name::from);
        if let (Some(key), Some(message)) = (key, sent.message) {
            let message = SentMessage {
                bot: part.what.bot.to_string(),
                conversation: conversation.to_string(),
                message,
            };
            let key = (Name::clone(&part.tenant), Name::clone(&part.plugin), key);
            desk.name_message(key, message, now());
        }
        if joins != 0 {
            desk.join(
                (part.tenant, part.plugin, part.what.bot, conversation),
                joins,
            );
        }
    }
}
