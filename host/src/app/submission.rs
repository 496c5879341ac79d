//! A submitted form or pressed button, checked against what was sent, before any plugin is woken.

use std::collections::BTreeMap;

use super::forms::is_open;
use super::hearing::{Hearing, Hearings};
use crate::content::forms::{self, FormContext};
use crate::content::hosted::ANSWER_BUTTON;
use crate::journal::{FormStep, OpenForm};
use crate::model::content::{ButtonKind, FormAnswers};
use crate::model::event::{Event, User};
use crate::model::payload::{ButtonPressed, EventPayload, FieldValue, FormSubmitted};

/// Checks a submission or press, and puts the typed values in place of the raw ones.
pub(super) fn check(hearings: &Hearings<'_>, event: &mut Event) -> Hearing {
    let Some(bot) = event.bot.as_ref().map(|bot| bot.name.clone()) else {
        return Hearing::ordinary();
    };
    let actor = event.actor.clone();
    match &mut event.payload {
        EventPayload::FormSubmitted(submitted) => {
            match hearings.open(&bot, &submitted.message_id) {
                Some(open) => check_form(hearings, &open, submitted, actor.as_ref()),
                None => Hearing::said(hearings.line(&hearings.sentences.dialog.closed)),
            }
        }
        EventPayload::ButtonPressed(pressed) => {
            let open = hearings.open(&bot, &pressed.message_id);
            check_press(hearings, open, pressed, actor)
        }
        _ => Hearing::ordinary(),
    }
}

/// Tells why a person may not answer a form; none: they may.
pub(super) fn refusal<'h>(
    hearings: &Hearings<'h>,
    open: &OpenForm,
    user: &User,
) -> Option<&'h str> {
    let sentences = &hearings.sentences.dialog;
    let Some(form) = open.form.as_ref().filter(|_| is_open(open, hearings.now)) else {
        return Some(&sentences.closed);
    };
    let actor = open.actor.as_deref();
    if !forms::may_answer(&form.audience, actor, &user.id, &hearings.roles(user)) {
        return Some(&sentences.not_yours);
    }
    let has_answered = form.answers != FormAnswers::Any && open.answered.contains(&user.id);
    has_answered.then_some(&sentences.answered)
}

fn check_form(
    hearings: &Hearings<'_>,
    open: &OpenForm,
    submitted: &mut FormSubmitted,
    actor: Option<&User>,
) -> Hearing {
    let nobody = User::of_id("");
    let user = actor.unwrap_or(&nobody);
    if let Some(says) = refusal(hearings, open, user) {
        return Hearing::said(hearings.line(says));
    }
    let Some(form) = &open.form else {
        return Hearing::said(hearings.line(&hearings.sentences.dialog.closed));
    };
    let mut known = Known::default();
    let answers: BTreeMap<String, Vec<String>> = submitted
        .values
        .drain(..)
        .map(|field| (field.id, raw_values(field.value, &mut known)))
        .collect();
    let context = FormContext {
        // What the platform did not find stayed a text, and is refused by it.
        user: &|id| known.users.iter().find(|user| user.id == id).cloned(),
        conversation: &|id| {
            known
                .conversations
                .iter()
                .find(|known| *known == id)
                .cloned()
        },
        sentences: &hearings.sentences.checks,
    };
    match forms::validate(form, &answers, &context) {
        Ok(values) => {
            submitted.values = values;
            submitted.form_id.clone_from(&form.id);
            Hearing::changed(open, vec![FormStep::Answered(user.id.clone())])
        }
        Err(problems) => Hearing::said(
            problems
                .into_iter()
                .flat_map(|problem| hearings.line(&problem.sentence))
                .collect(),
        ),
    }
}

fn check_press(
    hearings: &Hearings<'_>,
    open: Option<OpenForm>,
    pressed: &mut ButtonPressed,
    actor: Option<User>,
) -> Hearing {
    let closed = || Hearing::said(hearings.line(&hearings.sentences.dialog.button_closed));
    let Some(open) = open else {
        return closed();
    };
    if pressed.button_id == ANSWER_BUTTON && !hearings.shows_forms {
        return match actor {
            Some(person) => hearings.begin(&open, person),
            None => closed(),
        };
    }
    let known = open.buttons.iter().find_map(|button| match &button.kind {
        ButtonKind::Action(action) if action.id == pressed.button_id => Some(action),
        _ => None,
    });
    match known {
        // Not every platform hands the value back; the button that was sent has it.
        Some(action) => {
            pressed.value.clone_from(&action.value);
            Hearing::ordinary()
        }
        None => closed(),
    }
}

/// Whom and what the platform knows of a submission.
#[derive(Default)]
struct Known {
    users: Vec<User>,
    conversations: Vec<String>,
}

/// A connector hands answers over as text; the form says what they are.
fn raw_values(value: FieldValue, known: &mut Known) -> Vec<String> {
    match value {
        FieldValue::Text(text)
        | FieldValue::Date(text)
        | FieldValue::Time(text)
        | FieldValue::Other(text) => vec![text],
        FieldValue::Number(number) => vec![number.to_string()],
        FieldValue::Flag(flag) => vec![flag.to_string()],
        FieldValue::Choices(texts) => texts,
        FieldValue::Conversations(ids) => {
            known.conversations.extend_from_slice(&ids);
            ids
        }
        FieldValue::Users(users) => {
            let ids = users.iter().map(|user| user.id.clone()).collect();
            known.users.extend(users);
            ids
        }
    }
}
