//! A submitted form or pressed button, checked against what was sent, before any plugin is woken.

use std::collections::BTreeMap;

use super::forms::Forms;
use crate::content;
use crate::content::forms::{self, FormContext, FormSentences};
use crate::journal::{FormChange, OpenForm};
use crate::model::Timestamp;
use crate::model::content::{Block, ButtonKind, FormAnswers, FormAudience};
use crate::model::event::{ConversationRole, Event, User, UserKind};
use crate::model::payload::{EventPayload, FieldValue, FormSubmitted};

/// What the check came to.
pub(super) enum Checked {
    /// The event is neither a submission nor a press.
    NotAForm,
    /// It is valid; what it changes.
    Good(Option<FormChange>),
    /// It is not; what the person is told.
    Bad(Vec<Block>),
}

/// Checks a submission or press, and puts the typed values in place of the raw ones.
pub(super) fn check(forms: &Forms, event: &mut Event, now: Timestamp) -> Checked {
    let Some(bot) = event.bot.as_ref().map(|bot| bot.name.clone()) else {
        return Checked::NotAForm;
    };
    let user = event.actor.as_ref().map(|actor| actor.id.clone());
    let roles = event
        .actor
        .as_ref()
        .map(|a| a.roles.clone())
        .unwrap_or_default();
    match &mut event.payload {
        EventPayload::FormSubmitted(submitted) => {
            let Some(open) = forms.get(&bot, &submitted.message_id, now) else {
                return Checked::Bad(sentence("That form is closed."));
            };
            check_form(open, submitted, user, &roles)
        }
        EventPayload::ButtonPressed(pressed) => {
            let known = forms
                .get(&bot, &pressed.message_id, now)
                .is_some_and(|open| {
                    open.buttons.iter().any(|button| {
                        matches!(&button.kind, ButtonKind::Action(action) if action.id == pressed.button_id)
                    })
                });
            if known {
                Checked::Good(None)
            } else {
                Checked::Bad(sentence("That button is no longer in use."))
            }
        }
        _ => Checked::NotAForm,
    }
}

fn check_form(
    open: OpenForm,
    submitted: &mut FormSubmitted,
    user: Option<String>,
    roles: &[String],
) -> Checked {
    let Some(form) = &open.form else {
        return Checked::Bad(sentence("That form is closed."));
    };
    let user = user.unwrap_or_default();
    if !may_answer(&form.audience, &open, &user, roles) {
        return Checked::Bad(sentence("That form is for somebody else."));
    }
    if form.answers != FormAnswers::Any && open.answered.contains(&user) {
        return Checked::Bad(sentence("You have answered that form already."));
    }
    let answers: BTreeMap<String, Vec<String>> = submitted
        .values
        .drain(..)
        .map(|field| (field.id, raw_values(field.value)))
        .collect();
    let context = FormContext {
        // Who is known by an id alone is looked up by the plugin, with `directory.find-user`.
        user: &|id| Some(user_of_id(id)),
        sentences: &FormSentences::default(),
    };
    match forms::validate(form, &answers, &context) {
        Ok(values) => {
            submitted.values = values;
            submitted.form_id.clone_from(&form.id);
            Checked::Good(Some(FormChange::Answered {
                bot: open.bot.clone(),
                message: open.message.clone(),
                user,
            }))
        }
        Err(problems) => Checked::Bad(problems.into_iter().map(|p| line(p.sentence)).collect()),
    }
}

fn may_answer(audience: &FormAudience, open: &OpenForm, user: &str, roles: &[String]) -> bool {
    match audience {
        FormAudience::Anyone => true,
        FormAudience::Actor => open.actor.as_deref() == Some(user),
        FormAudience::Users(users) => users.iter().any(|u| u == user),
        FormAudience::Roles(wanted) => wanted.iter().any(|role| roles.contains(role)),
    }
}

/// A connector hands answers over as text; the form says what they are.
fn raw_values(value: FieldValue) -> Vec<String> {
    match value {
        FieldValue::Text(text)
        | FieldValue::Date(text)
        | FieldValue::Time(text)
        | FieldValue::Other(text) => vec![text],
        FieldValue::Number(number) => vec![number.to_string()],
        FieldValue::Flag(flag) => vec![flag.to_string()],
        FieldValue::Choices(texts) | FieldValue::Conversations(texts) => texts,
        FieldValue::Users(users) => users.into_iter().map(|user| user.id).collect(),
    }
}

fn sentence(text: &str) -> Vec<Block> {
    vec![line(text.to_owned())]
}

fn line(text: String) -> Block {
    Block::Paragraph(vec![content::plain(text)])
}

fn user_of_id(id: &str) -> User {
    User {
        id: id.to_owned(),
        display_name: id.to_owned(),
        user_name: None,
        first_name: None,
        last_name: None,
        email: None,
        time_zone: None,
        locale: None,
        kind: UserKind::Human,
        role_here: ConversationRole::Unknown,
        roles: Vec::new(),
    }
}
