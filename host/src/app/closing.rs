//! Forms that close by themselves: their time is over, nobody answers, another took their place.
//!
//! What is to be told of a form is seen from the form itself, so that it is told after a restart too;
//! it is told by an event that changes the form in its own transaction, so that it is told once.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::hearing::{changes, ending};
use super::intake::Inbox;
use crate::content::dialog::{self, DialogContext, SILENCE_MS};
use crate::content::fill;
use crate::journal::{EventKey, FormChange, FormStep, OpenForm};
use crate::model::Timestamp;
use crate::model::content::Block;
use crate::model::dialog::{Dialog, DialogEnd};
use crate::model::event::{Addressing, ConversationKind, Event, User};
use crate::model::payload::{EventPayload, FormCloseReason, FormClosed};
use crate::outbox::HostedSentences;

/// The longest sleep: a form that is opened meanwhile is seen after this at the latest.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long to wait where the journal takes nothing.
const AGAIN: Duration = Duration::from_millis(500);
/// What waited this long begins a new chain of causes, as a timer does.
const NEW_CHAIN_MS: u64 = 10_000;

/// What is to be told of a form.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) key: EventKey,
    pub(super) event: Event,
    pub(super) changes: Vec<FormChange>,
    /// The plugin hears of it, where it listens.
    pub(super) for_plugin: bool,
    /// What the host says.
    pub(super) says: Vec<Block>,
}

/// Tells of forms that close until it is told to stop.
pub(super) async fn run(inbox: Arc<Inbox>, stop: CancellationToken) {
    loop {
        let wait = match inbox.close_due().await {
            Ok(()) => inbox.next_closing().map_or(LOOK_EVERY, |due| {
                Duration::from_millis(due.saturating_sub(inbox.clock.now())).min(LOOK_EVERY)
            }),
            Err(error) => {
                tracing::warn!(%error, "closed forms wait for the journal");
                AGAIN
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = inbox.forms_changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// The next thing to tell of a form; none where there is nothing, or nobody to tell.
pub(super) fn next(
    open: &OpenForm,
    sentences: &HostedSentences,
    now: Timestamp,
) -> Option<Closing> {
    let origin = open.origin.as_ref()?;
    let form = open.form.as_ref()?;
    let is_over = now >= open.ends_at;
    let is_silent = |dialog: &Dialog| now >= dialog.heard_at.saturating_add(SILENCE_MS);
    let mut dialogs = open.dialogs.iter();
    let ended = dialogs.find(|dialog| is_over || dialog.ended.is_some() || is_silent(dialog));
    let teller = Teller {
        open,
        origin,
        sentences,
        now,
    };
    if let Some(before) = &open.before {
        let who = origin.bot.as_ref().map(User::of_bot);
        let event = teller.event(None, before, who, FormCloseReason::Replaced);
        return Some(Closing {
            for_plugin: true,
            ..teller.closing(event, "before", vec![FormStep::Told])
        });
    }
    if let Some(dialog) = ended {
        return Some(teller.dialog(dialog, dialog::title(form), &form.id));
    }
    let (reason, who) = match &open.gone {
        Some(gone) => (gone.reason, gone.who.clone()),
        None if is_over && !open.is_taken() => (FormCloseReason::Expired, None),
        None => return None,
    };
    let event = teller.event(None, &form.id, who, reason);
    Some(Closing {
        for_plugin: true,
        ..teller.closing(event, "form", vec![FormStep::Closed])
    })
}

struct Teller<'t> {
    open: &'t OpenForm,
    origin: &'t Event,
    sentences: &'t HostedSentences,
    now: Timestamp,
}

impl Teller<'_> {
    /// Tells of a person who is not asked any more.
    fn dialog(&self, dialog: &Dialog, title: &str, form: &str) -> Closing {
        let person = &dialog.person;
        let own = &self.sentences.dialog;
        let minutes = (SILENCE_MS / 60_000).to_string();
        let (reason, who, for_plugin, sentence) = match dialog.ended {
            Some(DialogEnd::Replaced) => {
                let who = Some(person.clone());
                (FormCloseReason::Replaced, who, true, None)
            }
            Some(DialogEnd::Taken) => (FormCloseReason::Expired, None, false, Some(&own.taken)),
            // What the plugin hears is told of the form as a whole.
            Some(DialogEnd::Gone) => (FormCloseReason::Expired, None, false, Some(&own.closed)),
            None if self.now >= self.open.ends_at => {
                (FormCloseReason::Expired, None, false, Some(&own.closed))
            }
            None => (FormCloseReason::Expired, None, true, Some(&own.silent)),
        };
        let kind = self.origin.conversation.as_ref().map(|place| place.kind);
        let context = DialogContext {
            sentences: own,
            checks: &self.sentences.checks,
            is_shared: kind != Some(ConversationKind::Direct),
            user: &|_| None,
            conversation: &|_| None,
            now: self.now,
        };
        let says = sentence.map(|sentence| {
            let text = fill(sentence, &[("form", title), ("minutes", &minutes)]);
            dialog::named(&text, person, &context)
        });
        let event = self.event(Some(person), form, who, reason);
        let mark = format!("{}:{}", person.id, dialog.heard_at);
        let left = vec![FormStep::Left(person.id.clone())];
        Closing {
            changes: match self.open.gone.is_some() || self.now >= self.open.ends_at {
                // The form itself is told of next.
                true => changes(self.open, left),
                false => ending(self.open, left),
            },
            for_plugin,
            says: says.unwrap_or_default(),
            ..self.closing(event, &mark, Vec::new())
        }
    }

    fn closing(&self, event: Event, mark: &str, steps: Vec<FormStep>) -> Closing {
        let open = self.open;
        let part = open.part.to_string();
        let form = match &event.payload {
            EventPayload::FormClosed(closed) => closed.form_id.as_str(),
            _ => "",
        };
        let id = format!(
            "form-closed:{}:{}:{form}:{part}:{mark}",
            open.bot, open.message
        );
        Closing {
            key: EventKey::new(&[&id]),
            event: Event { id, ..event },
            changes: changes(open, steps),
            for_plugin: false,
            says: Vec::new(),
        }
    }

    /// The event, which is about this person where it is about one.
    fn event(
        &self,
        person: Option<&User>,
        form: &str,
        who: Option<User>,
        reason: FormCloseReason,
    ) -> Event {
        let origin = self.origin;
        let waited = self.now.saturating_sub(origin.received_at);
        Event {
            sequence: 0,
            attempt: 1,
            occurred_at: self.now,
            actor: person.cloned().or_else(|| origin.actor.clone()),
            addressing: Addressing::Ambient,
            cause: Some(origin.id.clone()),
            depth: match waited >= NEW_CHAIN_MS {
                true => 0,
                false => origin.depth + 1,
            },
            payload: EventPayload::FormClosed(FormClosed {
                form_id: form.to_owned(),
                message_id: self.open.message.clone(),
                who,
                reason,
            }),
            ..origin.clone()
        }
    }
}

#[cfg(test)]
mod tests;
