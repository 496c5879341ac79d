//! What a part that was sent leaves: forms, a message's key, joins.

use super::MemoryJournal;
use crate::journal::{OpenForm, PartNumber, Sent, SentAs, SentMessage};
use crate::model::Name;
use crate::model::event::Visibility;

impl MemoryJournal {
    pub(super) fn record_sent(
        &self,
        number: PartNumber,
        sent: Sent,
        forms: Vec<OpenForm>,
        (key, how): (Option<String>, Option<SentAs>),
        joins: i64,
    ) {
        let Some(part) = self.end_part(number, true) else {
            return;
        };
        if forms.is_empty() && key.is_none() && how.is_none() && joins == 0 {
            return;
        }
        let mut desk = self.desk.lock();
        for form in forms {
            desk.open_form(form);
        }
        let conversation = sent.conversation.map_or(part.what.conversation, Name::from);
        if let Some(message) = sent.message {
            let message = SentMessage {
                bot: part.what.bot.to_string(),
                conversation: conversation.to_string(),
                message,
                how: how.clone().unwrap_or(SentAs {
                    visibility: Visibility::All,
                    thread: None,
                }),
            };
            if how.is_some() {
                desk.remember(
                    &part.tenant,
                    &part.plugin,
                    message.clone(),
                    self.clock.now(),
                );
            }
            if let Some(key) = key {
                let key = (Name::clone(&part.tenant), Name::clone(&part.plugin), key);
                desk.name_message(key, message, self.clock.now());
            }
        }
        if joins != 0 {
            desk.join(
                (part.tenant, part.plugin, part.what.bot, conversation),
                joins,
            );
        }
    }
}
