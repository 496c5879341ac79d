//! Forms and buttons that may still be used, and the rules by which they change. Pure: both stores
//! and the host's own view of them go by these rules, so that they cannot come apart.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::PartNumber;
use crate::model::content::{Button, Form, FormAnswers};
use crate::model::dialog::{Dialog, DialogEnd, Numbered};
use crate::model::event::{Event, User};
use crate::model::payload::FormCloseReason;
use crate::model::{Name, Timestamp};

/// People that one form asks at one time, question by question.
pub const MAX_DIALOGS: usize = 100;
/// People who came after a message and are known not to have seen its numbers.
pub const MAX_UNSEEN: usize = 1_000;

/// A form or buttons under a message that may still be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenForm {
    /// The tenant.
    pub tenant: Name,
    /// The plugin that sent it.
    pub plugin: Name,
    /// The bot that sent it.
    pub bot: Name,
    /// Where.
    pub conversation: Name,
    /// The message that carries it.
    pub message: String,
    /// The form; none for buttons alone.
    pub form: Option<Form>,
    /// Action buttons outside forms.
    pub buttons: Vec<Button>,
    /// For whom the event came that it answers: the `actor` of its audience.
    pub actor: Option<String>,
    /// Who answered it already.
    pub answered: Vec<String>,
    /// When it closes.
    pub ends_at: Timestamp,
    /// The part that showed it: what was shown later has a higher one.
    #[serde(default)]
    pub part: PartNumber,
    /// The event that it grew out of, without its payload: the envelope of what is told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Arc<Event>>,
    /// What the numbers mean that were written before its choices, from 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbered: Vec<Numbered>,
    /// It was shown to agents only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub agents_only: bool,
    /// Who came in after it was shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<String>,
    /// The people whom the host asks its questions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dialogs: Vec<Dialog>,
    /// The form whose place it took, until that form's plugin is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// It cannot be used any more; it stays until its plugin is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Gone>,
}

/// Why a form cannot be used any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Why.
    pub reason: FormCloseReason,
    /// Who did it.
    pub who: Option<User>,
}

/// A change of an open form.
#[derive(Clone, Debug, PartialEq)]
pub struct FormChange {
    /// The bot.
    pub bot: Name,
    /// The message.
    pub message: String,
    /// What happens to the form or buttons under it.
    pub what: FormStep,
}

/// What happens to an open form.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "a few a form, each moved once: a box would cost more than it saves"
)]
pub enum FormStep {
    /// This user answered it.
    Answered(String),
    /// This person is asked, or has come further.
    Asked(Box<Dialog>),
    /// This person is not asked any more.
    Left(String),
    /// This person came in after it was shown.
    Unseen(String),
    /// It cannot be used any more, and its plugin will be told why.
    Gone(Gone),
    /// It was told that it took another form's place.
    Told,
    /// It cannot be used any more.
    Closed,
}

impl OpenForm {
    /// Tells whether there is nothing to use: a message that was changed and has no form now.
    pub fn is_empty(&self) -> bool {
        self.form.is_none() && self.buttons.is_empty() && self.numbered.is_empty()
    }

    /// Tells whether the one answer was given that it takes.
    pub fn is_taken(&self) -> bool {
        let form = self.form.as_ref();
        form.is_some_and(|form| form.answers == FormAnswers::Once) && !self.answered.is_empty()
    }

    /// The dialog with a person.
    pub fn dialog(&self, user: &str) -> Option<&Dialog> {
        self.dialogs.iter().find(|dialog| dialog.person.id == user)
    }

    /// Forgets what it knows of a person but that it was answered; tells whether that is a change.
    pub fn forget(&mut self, user: &str) -> bool {
        let asked = self.dialogs.len();
        self.dialogs.retain(|dialog| dialog.person.id != user);
        let mut is_changed = self.dialogs.len() < asked;
        let origin = self.origin.as_mut();
        let actor = origin.filter(|origin| origin.actor.as_ref().is_some_and(|it| it.id == user));
        if let Some(origin) = actor {
            Arc::make_mut(origin).actor = None;
            is_changed = true;
        }
        is_changed
    }

    /// Applies a change; tells whether the form stays.
    pub fn apply(&mut self, step: FormStep) -> bool {
        match step {
            FormStep::Answered(user) => return self.answered(user),
            FormStep::Asked(dialog) => {
                self.dialogs.retain(|old| old.person.id != dialog.person.id);
                if self.dialogs.len() < MAX_DIALOGS {
                    self.dialogs.push(*dialog);
                }
            }
            FormStep::Left(user) => {
                self.dialogs.retain(|dialog| dialog.person.id != user);
                return !(self.is_taken() && self.dialogs.is_empty());
            }
            FormStep::Unseen(user) => {
                if self.unseen.len() < MAX_UNSEEN && !self.unseen.contains(&user) {
                    self.unseen.push(user);
                }
            }
            FormStep::Gone(gone) => {
                if self.form.is_none() {
                    return false;
                }
                self.go(gone);
            }
            FormStep::Told => self.before = None,
            FormStep::Closed => return false,
        }
        true
    }

    fn answered(&mut self, user: String) -> bool {
        let Some(form) = &self.form else {
            return true;
        };
        match form.answers {
            FormAnswers::Any => true,
            FormAnswers::OncePerUser => {
                if !self.answered.contains(&user) {
                    self.answered.push(user);
                }
                true
            }
            FormAnswers::Once => {
                self.dialogs.retain(|dialog| dialog.person.id != user);
                self.answered.push(user);
                // It stays for those who are in the middle of it, until they are told.
                self.end_dialogs(DialogEnd::Taken);
                !self.dialogs.is_empty()
            }
        }
    }

    fn go(&mut self, gone: Gone) {
        self.numbered.clear();
        self.buttons.clear();
        self.end_dialogs(DialogEnd::Gone);
        self.gone.get_or_insert(gone);
    }

    fn end_dialogs(&mut self, end: DialogEnd) {
        for dialog in &mut self.dialogs {
            dialog.ended.get_or_insert(end);
        }
    }
}

/// What stands under a message that had `old` and is sent or changed with `new`; none: nothing.
pub fn take_place(old: Option<OpenForm>, mut new: OpenForm) -> Option<OpenForm> {
    let Some(mut old) = old else {
        return (!new.is_empty()).then_some(new);
    };
    let old_id = old.form.as_ref().map(|form| form.id.clone());
    if new.is_empty() {
        old_id?;
        old.go(new.gone.unwrap_or(Gone {
            reason: FormCloseReason::Replaced,
            who: None,
        }));
        return Some(old);
    }
    let new_id = new.form.as_ref().map(|form| form.id.as_str());
    let is_same = old_id.is_some() && old_id.as_deref() == new_id;
    if is_same {
        // Shown anew, with a count of answers for one: who has answered has answered.
        new.answered = old.answered;
    } else {
        new.before = old_id.or(old.before.take());
        old.end_dialogs(DialogEnd::Gone);
    }
    new.unseen = old.unseen;
    let asked: Vec<String> = new.dialogs.iter().map(|d| d.person.id.clone()).collect();
    let kept = old.dialogs.into_iter();
    let kept = kept.filter(|dialog| !asked.contains(&dialog.person.id));
    new.dialogs.extend(kept);
    Some(new)
}
