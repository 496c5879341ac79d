//! A form that is asked question by question, where a platform has no forms: what is asked, and what
//! an answer comes to. Pure; whose message is an answer is decided by the caller.

mod answer;
mod question;
mod sentences;

use crate::model::Timestamp;
use crate::model::content::{Block, Button, ButtonKind, Field, FieldKind, Form};
use crate::model::dialog::Dialog;
use crate::model::event::User;
use crate::model::payload::SubmittedField;

use super::forms::{FormContext, FormSentences, check_field};
use super::sentence::fill;

pub use sentences::DialogSentences;

/// How often a question is asked again because its answer was wrong; the next wrong one ends it.
pub const MAX_TRIES: u32 = 3;
/// How long nothing may be heard before the form is closed.
pub const SILENCE_MS: u64 = 10 * 60 * 1_000;
/// The most bytes of all answers of one person.
pub const MAX_ANSWERS_BYTES: usize = 64 * 1024;
/// The id of the button of a form that has none.
pub const DEFAULT_BUTTON: &str = "submit";

/// What the questions need to know beside the form.
pub struct DialogContext<'c> {
    /// What is said.
    pub sentences: &'c DialogSentences,
    /// What is said of wrong answers.
    pub checks: &'c FormSentences,
    /// Other people read along: everything said names its person.
    pub is_shared: bool,
    /// Finds a user by a name, an e-mail address or an id.
    pub user: &'c dyn Fn(&str) -> Option<User>,
    /// Finds a conversation's id by its name or id.
    pub conversation: &'c dyn Fn(&str) -> Option<String>,
    /// The time.
    pub now: Timestamp,
}

/// What a person's message comes to.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one a message, moved once: a box would cost more than it saves"
)]
pub enum Heard {
    /// Another question, or the same one again.
    Asked {
        /// How far the person is now.
        dialog: Dialog,
        /// What is asked.
        says: Vec<Block>,
    },
    /// The last answer: the form is submitted.
    Submitted {
        /// The answers.
        values: Vec<SubmittedField>,
        /// The button's id.
        button: String,
    },
    /// The person ended it.
    Cancelled(Vec<Block>),
    /// The same question was answered wrongly too often.
    GivenUp(Vec<Block>),
}

/// One thing that is asked.
#[derive(Clone, Copy, Debug)]
enum Question<'f> {
    Field(&'f Field),
    // Which button submits it.
    Button(&'f Form),
}

/// Asks a person the first question.
pub fn begin(form: &Form, person: User, context: &DialogContext<'_>) -> (Dialog, Vec<Block>) {
    let dialog = Dialog {
        person,
        question: asked(form).next().map(|field| field.id.clone()),
        answers: std::collections::BTreeMap::new(),
        tries: 0,
        heard_at: context.now,
        ended: None,
    };
    let mut says = question::blocks(question::fixed(form, context), form, &dialog, context);
    let how = fill(
        &context.sentences.how,
        &[
            ("back", &context.sentences.word_back),
            ("cancel", &context.sentences.word_cancel),
        ],
    );
    if !how.is_empty() {
        says.push(question::paragraph(how));
    }
    (dialog, says)
}

/// Takes a message of the person who is asked.
pub fn hear(form: &Form, dialog: &Dialog, text: &str, context: &DialogContext<'_>) -> Heard {
    let sentences = context.sentences;
    if is_word(text, &sentences.word_cancel) {
        return Heard::Cancelled(named(&sentences.cancelled, &dialog.person, context));
    }
    let mut dialog = Dialog {
        heard_at: context.now,
        ..dialog.clone()
    };
    if is_word(text, &sentences.word_back) {
        if let Some(before) = before(form, &dialog) {
            dialog.question = Some(before.id.clone());
            dialog.tries = 0;
        }
        let says = question::blocks(Vec::new(), form, &dialog, context);
        return Heard::Asked { dialog, says };
    }
    let reason = match current(form, &dialog) {
        Some(Question::Field(field)) => match answer::read(field, text, context) {
            Ok(value) => {
                dialog.answers.insert(field.id.clone(), value);
                match answer::bytes(&dialog) > MAX_ANSWERS_BYTES {
                    true => Err(fill(&context.checks.too_large, &[("field", &field.label)])),
                    false => Ok(None),
                }
            }
            Err(reason) => Err(reason),
        },
        Some(Question::Button(form)) => answer::button(form, text, context).map(Some),
        // The form has changed meanwhile, and does not ask that any more.
        None => Ok(None),
    };
    match reason {
        Ok(button) => advance(form, dialog, button, context),
        Err(reason) if dialog.tries >= MAX_TRIES => {
            let given_up = fill(&sentences.given_up, &[("form", title(form))]);
            Heard::GivenUp(named(
                &format!("{reason} {given_up}"),
                &dialog.person,
                context,
            ))
        }
        Err(reason) => {
            dialog.tries += 1;
            let reason = line(&reason, &dialog.person, context);
            let says = question::blocks(vec![reason], form, &dialog, context);
            Heard::Asked { dialog, says }
        }
    }
}

/// The names of users and of conversations in an answer, to be looked up before it is heard.
pub fn names_wanted(form: &Form, dialog: &Dialog, text: &str) -> (Vec<String>, Vec<String>) {
    match current(form, dialog) {
        Some(Question::Field(field)) if field.kind == FieldKind::User => {
            (answer::names_in(field, text), Vec::new())
        }
        Some(Question::Field(field)) => (Vec::new(), answer::names_in(field, text)),
        _ => Default::default(),
    }
}

/// Says something to a person; where others read along, with the person's name.
pub fn named(text: &str, person: &User, context: &DialogContext<'_>) -> Vec<Block> {
    vec![question::paragraph(line(text, person, context))]
}

fn line(text: &str, person: &User, context: &DialogContext<'_>) -> String {
    let sentence = match context.is_shared {
        true => context.sentences.named.as_str(),
        false => "{text}",
    };
    fill(sentence, &[("name", &person.display_name), ("text", text)])
}

/// What a form is called when it is spoken of.
pub fn title(form: &Form) -> &str {
    match form.title.as_deref().map(str::trim) {
        Some(title) if !title.is_empty() => title,
        _ => &form.id,
    }
}

fn advance(
    form: &Form,
    mut dialog: Dialog,
    button: Option<String>,
    context: &DialogContext<'_>,
) -> Heard {
    dialog.tries = 0;
    let next = match button {
        Some(_) => None,
        None => next(form, &dialog),
    };
    // A form that was changed meanwhile may ask what was not asked yet.
    let is_missing = |field: &&Field| !dialog.answers.contains_key(&field.id);
    match next.or_else(|| asked(form).find(is_missing)) {
        Some(field) => dialog.question = Some(field.id.clone()),
        None if button.is_none() && asks_for_button(form) => dialog.question = None,
        None => {
            return Heard::Submitted {
                values: values(form, &dialog, context),
                button: button.unwrap_or_else(|| only_button(form)),
            };
        }
    }
    let says = question::blocks(Vec::new(), form, &dialog, context);
    Heard::Asked { dialog, says }
}

/// The fields that are asked for, in order.
fn asked(form: &Form) -> impl DoubleEndedIterator<Item = &Field> {
    form.fields.iter().filter(|field| is_asked(field))
}

fn is_asked(field: &Field) -> bool {
    field.kind != FieldKind::Hidden && !field.read_only
}

fn current<'f>(form: &'f Form, dialog: &Dialog) -> Option<Question<'f>> {
    match &dialog.question {
        Some(id) => asked(form)
            .find(|field| field.id == *id)
            .map(Question::Field),
        None => asks_for_button(form).then_some(Question::Button(form)),
    }
}

fn next<'f>(form: &'f Form, dialog: &Dialog) -> Option<&'f Field> {
    let id = dialog.question.as_deref()?;
    asked(form).skip_while(|field| field.id != id).nth(1)
}

fn before<'f>(form: &'f Form, dialog: &Dialog) -> Option<&'f Field> {
    match dialog.question.as_deref() {
        Some(id) => asked(form).rev().skip_while(|field| field.id != id).nth(1),
        None => asked(form).next_back(),
    }
}

fn asks_for_button(form: &Form) -> bool {
    asked(form).next().is_none() || submits(form).nth(1).is_some()
}

/// The buttons that submit a form: id and label.
fn submits(form: &Form) -> impl Iterator<Item = (&str, &str)> {
    form.buttons
        .iter()
        .filter_map(|Button { label, kind, .. }| match kind {
            ButtonKind::Action(action) => Some((action.id.as_str(), label.as_str())),
            ButtonKind::Link(_) | ButtonKind::Reply(_) => None,
        })
}

fn only_button(form: &Form) -> String {
    let first = submits(form).next();
    first.map_or(DEFAULT_BUTTON, |(id, _)| id).to_owned()
}

fn values(form: &Form, dialog: &Dialog, context: &DialogContext<'_>) -> Vec<SubmittedField> {
    let check = FormContext {
        user: context.user,
        conversation: context.conversation,
        sentences: context.checks,
    };
    let value = |field: &Field| match is_asked(field) {
        true => dialog.answers.get(&field.id).cloned().flatten(),
        // What the author set is taken even where it breaks the author's own rule.
        false => check_field(field, &field.defaults, &check).ok().flatten(),
    };
    let fields = form.fields.iter();
    fields
        .filter_map(|field| {
            Some(SubmittedField {
                id: field.id.clone(),
                value: value(field)?,
            })
        })
        .collect()
}

fn is_word(text: &str, word: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.to_lowercase() == word.trim().to_lowercase()
}
