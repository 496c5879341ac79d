//! What an event comes to that concerns a form, a button or a number: decided before the router.
//!
//! Pure over a view of open forms. A message may be the answer to a question that the host asked, or
//! a number that stands for a choice; it then is no message for plugins.

use std::collections::HashMap;

use super::forms::{FormKey, Forms, PlaceKey};
use super::submission;
use crate::content::dialog::{self, DialogContext, Heard, names_wanted};
use crate::content::entities_from_text;
use crate::journal::forms::MAX_DIALOGS;
use crate::journal::{FormChange, FormStep, Gone, OpenForm};
use crate::model::content::{Block, Form};
use crate::model::dialog::{Dialog, Numbered};
use crate::model::event::{
    Addressing, ConversationKind, ConversationRole, Event, Message, User, UserKind,
};
use crate::model::payload::{
    ButtonPressed, EventPayload, FormCloseReason, FormClosed, FormSubmitted, MemberChange,
};
use crate::model::{Name, Timestamp};
use crate::outbox::HostedSentences;
use crate::router::{Routing, Table};

/// Digits of a number that stands for a choice.
const NUMBER_DIGITS: usize = 3;

/// What an event comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Hearing {
    /// What changes, in the event's transaction.
    pub(super) changes: Vec<FormChange>,
    /// What the host says to it.
    pub(super) says: Vec<Block>,
    /// Whether plugins get it.
    pub(super) for_plugins: bool,
}

impl Hearing {
    /// Nothing that concerns a form.
    pub(super) fn ordinary() -> Self {
        Self {
            for_plugins: true,
            ..Self::default()
        }
    }

    /// The host answers, and no plugin hears of it.
    pub(super) fn said(says: Vec<Block>) -> Self {
        Self {
            says,
            ..Self::default()
        }
    }

    /// Plugins hear of it, and it changes a form.
    pub(super) fn changed(open: &OpenForm, steps: Vec<FormStep>) -> Self {
        Self {
            changes: changes(open, steps),
            ..Self::ordinary()
        }
    }
}

/// Who and what was looked up for an answer.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Users by the name given.
    pub(super) users: HashMap<String, User>,
    /// Ids of conversations by the name given.
    pub(super) conversations: HashMap<String, String>,
}

/// What is known when an event is heard.
pub(super) struct Hearings<'h> {
    pub(super) forms: &'h Forms,
    pub(super) tenant: &'h Name,
    pub(super) table: Option<&'h Table>,
    pub(super) sentences: &'h HostedSentences,
    pub(super) found: &'h Found,
    /// Where the event is.
    pub(super) kind: ConversationKind,
    /// The bot's platform has forms of its own.
    pub(super) shows_forms: bool,
    pub(super) now: Timestamp,
}

impl Hearings<'_> {
    /// Decides an event; an answer, a press or an end takes the message's place in it. `routing` is
    /// what the router makes of a message.
    pub(super) fn hear(&self, event: &mut Event, routing: Option<&Routing>) -> Hearing {
        match &event.payload {
            EventPayload::FormSubmitted(_) | EventPayload::ButtonPressed(_) => {
                submission::check(self, event)
            }
            EventPayload::MessageDeleted(deleted) => {
                let message = deleted.message_id.clone();
                self.message_gone(event, message)
            }
            EventPayload::MemberChanged(_) => self.member_changed(event),
            EventPayload::Message(message) => {
                let is_command = routing.is_some_and(|routing| routing.is_command(message));
                let heard = match is_command {
                    true => None,
                    false => self.message(event),
                };
                heard.unwrap_or_else(Hearing::ordinary)
            }
            _ => Hearing::ordinary(),
        }
    }

    /// The names in a message that have to be looked up before it is heard.
    pub(super) fn names(&self, event: &Event) -> (Vec<String>, Vec<String>) {
        let answer = || {
            let EventPayload::Message(message) = &event.payload else {
                return None;
            };
            let user = &event.actor.as_ref()?.id;
            let open = self.forms.asked(&self.place(event)?, user, self.now)?;
            let dialog = open.dialog(user)?;
            Some(names_wanted(open.form.as_ref()?, dialog, &message.text))
        };
        answer().unwrap_or_default()
    }

    /// The form or buttons under a message, while they may be used.
    pub(super) fn open(&self, bot: &str, message: &str) -> Option<OpenForm> {
        self.forms.get(self.tenant, bot, message, self.now)
    }

    /// The operator's roles that a user holds.
    pub(super) fn roles(&self, user: &User) -> Vec<String> {
        self.table
            .map_or_else(Vec::new, |table| table.roles_of(user))
    }

    /// A sentence to everybody who reads it.
    pub(super) fn line(&self, sentence: &str) -> Vec<Block> {
        vec![Block::Paragraph(vec![crate::content::plain(sentence)])]
    }

    /// Begins to ask a person who wants to answer.
    pub(super) fn begin(&self, open: &OpenForm, person: User) -> Hearing {
        if let Some(says) = submission::refusal(self, open, &person) {
            return Hearing::said(self.to(says, &person));
        }
        let Some(form) = &open.form else {
            return Hearing::said(self.to(&self.sentences.dialog.closed, &person));
        };
        let is_full = open.dialogs.len() >= MAX_DIALOGS && open.dialog(&person.id).is_none();
        if is_full {
            return Hearing::said(self.to(&self.sentences.dialog.busy, &person));
        }
        self.with_context(|context| {
            let (dialog, says) = dialog::begin(form, person, context);
            Hearing {
                changes: changes(open, vec![FormStep::Asked(Box::new(dialog))]),
                says,
                for_plugins: false,
            }
        })
    }

    fn message(&self, event: &mut Event) -> Option<Hearing> {
        let place = self.place(event)?;
        let person = event.actor.clone().filter(is_person)?;
        let EventPayload::Message(message) = &event.payload else {
            return None;
        };
        let is_mention = event.addressing == Addressing::Mention;
        if !is_mention
            && !message.text.trim().is_empty()
            && let Some(open) = self.forms.asked(&place, &person.id, self.now)
            && let Some(form) = &open.form
            && let Some(dialog) = open.dialog(&person.id)
        {
            let text = message.text.clone();
            return Some(self.answer(event, &open, form, dialog, &text));
        }
        let number = bare_number(&message.text)?;
        let is_shown = |open: &OpenForm| is_shown_to(open, &person);
        let mut shown = self.forms.numbered(&place, self.now).into_iter();
        let open = shown.find(is_shown)?;
        let choice = open.numbered.get(number.checked_sub(1)?)?.clone();
        self.choose(event, &open, choice, person)
    }

    fn answer(
        &self,
        event: &mut Event,
        open: &OpenForm,
        form: &Form,
        dialog: &Dialog,
        text: &str,
    ) -> Hearing {
        let person = &dialog.person;
        let left = || FormStep::Left(person.id.clone());
        if let Some(says) = submission::refusal(self, open, person) {
            return Hearing {
                changes: ending(open, vec![left()]),
                says: self.to(says, person),
                for_plugins: false,
            };
        }
        let heard = self.with_context(|context| dialog::hear(form, dialog, text, context));
        match heard {
            Heard::Asked { dialog, says } => Hearing {
                changes: changes(open, vec![FormStep::Asked(Box::new(dialog))]),
                says,
                for_plugins: false,
            },
            Heard::Submitted { values, button } => {
                let answered = FormStep::Answered(person.id.clone());
                event.payload = EventPayload::FormSubmitted(FormSubmitted {
                    form_id: form.id.clone(),
                    message_id: open.message.clone(),
                    values,
                    button,
                });
                Hearing {
                    changes: ending(open, vec![left(), answered]),
                    ..Hearing::ordinary()
                }
            }
            Heard::Cancelled(says) | Heard::GivenUp(says) => {
                event.payload = EventPayload::FormClosed(FormClosed {
                    form_id: form.id.clone(),
                    message_id: open.message.clone(),
                    who: event.actor.clone(),
                    reason: FormCloseReason::Cancelled,
                });
                Hearing {
                    changes: ending(open, vec![left()]),
                    says,
                    for_plugins: true,
                }
            }
        }
    }

    fn choose(
        &self,
        event: &mut Event,
        open: &OpenForm,
        choice: Numbered,
        person: User,
    ) -> Option<Hearing> {
        match choice {
            Numbered::Answer => Some(self.begin(open, person)),
            Numbered::Press(button) => {
                event.payload = EventPayload::ButtonPressed(ButtonPressed {
                    button_id: button.id,
                    value: button.value,
                    message_id: open.message.clone(),
                });
                Some(Hearing::ordinary())
            }
            Numbered::Say(text) => {
                if let EventPayload::Message(message) = &mut event.payload {
                    say_instead(message, text);
                }
                None
            }
        }
    }

    fn message_gone(&self, event: &Event, message: String) -> Hearing {
        let open = event.bot.as_ref().and_then(|bot| {
            let key: FormKey = (self.tenant.clone(), bot.name.as_str().into(), message);
            self.forms.find(&key)
        });
        match open {
            Some(open) => Hearing::changed(
                &open,
                vec![FormStep::Gone(Gone {
                    reason: FormCloseReason::Cancelled,
                    who: event.actor.clone(),
                })],
            ),
            None => Hearing::ordinary(),
        }
    }

    /// Who comes in has not seen the numbers that are shown already.
    fn member_changed(&self, event: &Event) -> Hearing {
        let EventPayload::MemberChanged(changed) = &event.payload else {
            return Hearing::ordinary();
        };
        let came = matches!(changed.change, MemberChange::Joined | MemberChange::Invited);
        let Some(place) = self.place(event).filter(|_| came && !changed.is_self) else {
            return Hearing::ordinary();
        };
        let shown = self.forms.numbered(&place, self.now);
        let changes = shown.iter().flat_map(|open| {
            let unseen = FormStep::Unseen(changed.who.id.clone());
            changes(open, vec![unseen])
        });
        Hearing {
            changes: changes.collect(),
            ..Hearing::ordinary()
        }
    }

    fn place(&self, event: &Event) -> Option<PlaceKey> {
        let bot = event.bot.as_ref()?;
        let conversation = event.conversation.as_ref()?;
        Some((
            self.tenant.clone(),
            bot.name.as_str().into(),
            conversation.id.as_str().into(),
        ))
    }

    /// A sentence to one person.
    fn to(&self, sentence: &str, person: &User) -> Vec<Block> {
        self.with_context(|context| dialog::named(sentence, person, context))
    }

    fn with_context<T>(&self, run: impl FnOnce(&DialogContext<'_>) -> T) -> T {
        run(&DialogContext {
            sentences: &self.sentences.dialog,
            checks: &self.sentences.checks,
            is_shared: self.kind != ConversationKind::Direct,
            user: &|name| self.found.users.get(name).cloned(),
            conversation: &|name| self.found.conversations.get(name).cloned(),
            now: self.now,
        })
    }
}

/// Tells whether a form is over when this person is not asked any more: nobody else is, nobody can
/// begin, and there are no buttons beside it.
fn ends_with(open: &OpenForm, user: &str) -> bool {
    let others = open.dialogs.iter().any(|dialog| dialog.person.id != user);
    !others && open.numbered.is_empty() && open.buttons.is_empty()
}

/// What ends a person's dialog; a form that nobody can begin any more ends with it.
pub(super) fn ending(open: &OpenForm, mut steps: Vec<FormStep>) -> Vec<FormChange> {
    let user = steps.iter().find_map(|step| match step {
        FormStep::Left(user) => Some(user.clone()),
        _ => None,
    });
    if user.is_some_and(|user| ends_with(open, &user)) {
        steps.push(FormStep::Closed);
    }
    changes(open, steps)
}

/// Changes of one form.
pub(super) fn changes(open: &OpenForm, steps: Vec<FormStep>) -> Vec<FormChange> {
    let steps = steps.into_iter();
    let changes = steps.map(|what| FormChange {
        bot: open.bot.clone(),
        message: open.message.clone(),
        what,
    });
    changes.collect()
}

fn is_person(user: &User) -> bool {
    !matches!(user.kind, UserKind::Bot | UserKind::System)
}

fn is_shown_to(open: &OpenForm, person: &User) -> bool {
    let is_customer =
        person.kind == UserKind::Customer || person.role_here == ConversationRole::Customer;
    let is_hidden = open.agents_only && is_customer;
    !(is_hidden || open.unseen.contains(&person.id))
}

fn bare_number(text: &str) -> Option<usize> {
    let text = text.trim();
    let is_number =
        (1..=NUMBER_DIGITS).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// The person says what the number stands for.
fn say_instead(message: &mut Message, text: String) {
    let entities = entities_from_text(&text, &[]);
    message.mentions = entities.mentions;
    message.cashtags = entities.cashtags;
    message.hashtags = entities.hashtags;
    message.content = Vec::new();
    message.text = text;
}

#[cfg(test)]
mod tests;
