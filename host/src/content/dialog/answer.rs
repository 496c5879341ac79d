//! What a person's answer means.

use crate::content::forms::{FormContext, check_field};
use crate::content::sentence::fill;
use crate::model::content::{Field, FieldKind, Form};
use crate::model::dialog::Dialog;
use crate::model::payload::FieldValue;

use super::question::{button_labels, can_skip, is_choice, shown};
use super::{DEFAULT_BUTTON, DialogContext, is_word, submits};

/// The most names that one answer is read for.
const MAX_NAMES: usize = 50;

/// The names of people or conversations in an answer.
pub(super) fn names_in(field: &Field, text: &str) -> Vec<String> {
    let is_name = matches!(field.kind, FieldKind::User | FieldKind::Conversation);
    if !is_name {
        return Vec::new();
    }
    let names = match field.multiple {
        true => split(text),
        false => vec![text.trim()],
    };
    let names = names.into_iter().map(|name| bare(field, name));
    names.take(MAX_NAMES).map(str::to_owned).collect()
}

/// Reads the answer to a field; none where it was left out.
pub(super) fn read(
    field: &Field,
    text: &str,
    context: &DialogContext<'_>,
) -> Result<Option<FieldValue>, String> {
    let given = raw(field, text, context);
    let check = FormContext {
        user: context.user,
        conversation: context.conversation,
        sentences: context.checks,
    };
    check_field(field, &given, &check)
}

/// Reads which button is meant.
pub(super) fn button(
    form: &Form,
    text: &str,
    context: &DialogContext<'_>,
) -> Result<String, String> {
    let labels = button_labels(form, context);
    let ids: Vec<&str> = submits(form).map(|(id, _)| id).collect();
    let found = pick(&labels, text).or_else(|| ids.iter().position(|id| *id == text.trim()));
    match found {
        Some(place) => Ok(ids.get(place).copied().unwrap_or(DEFAULT_BUTTON).to_owned()),
        None => Err(fill(
            &context.checks.choice,
            &[
                ("field", &context.sentences.choose),
                ("choices", &labels.join(", ")),
            ],
        )),
    }
}

/// Bytes of everything that was answered.
pub(super) fn bytes(dialog: &Dialog) -> usize {
    let size = |value: &FieldValue| match value {
        FieldValue::Text(text)
        | FieldValue::Date(text)
        | FieldValue::Time(text)
        | FieldValue::Other(text) => text.len(),
        FieldValue::Number(_) | FieldValue::Flag(_) => 8,
        FieldValue::Choices(texts) | FieldValue::Conversations(texts) => {
            texts.iter().map(String::len).sum()
        }
        FieldValue::Users(users) => users
            .iter()
            .map(|user| user.id.len() + user.display_name.len())
            .sum(),
    };
    dialog.answers.values().flatten().map(size).sum()
}

/// The answer as a platform with forms would give it.
fn raw(field: &Field, text: &str, context: &DialogContext<'_>) -> Vec<String> {
    let sentences = context.sentences;
    if can_skip(field) && is_word(text, &sentences.word_skip) {
        return field.defaults.clone();
    }
    let own = |text: &str| vec![text.to_owned()];
    match &field.kind {
        FieldKind::Text | FieldKind::Multiline | FieldKind::Hidden | FieldKind::Other(_) => {
            own(text)
        }
        FieldKind::Number | FieldKind::Date | FieldKind::Time | FieldKind::Timezone => {
            own(text.trim())
        }
        FieldKind::Checkbox if is_word(text, &sentences.word_yes) => own("true"),
        // The second of two, where choices are known to go by number.
        FieldKind::Checkbox if is_word(text, &sentences.word_no) || text.trim() == "2" => {
            own("false")
        }
        FieldKind::Checkbox => own(text.trim()),
        kind if is_choice(kind) => chosen(field, text),
        _ => names_in(field, text),
    }
}

fn chosen(field: &Field, text: &str) -> Vec<String> {
    let labels: Vec<&str> = field.choices.iter().map(shown).collect();
    let value = |text: &str| {
        let choice = pick(&labels, text).and_then(|place| field.choices.get(place));
        choice.map_or_else(|| text.trim().to_owned(), |choice| choice.value.clone())
    };
    if field.kind != FieldKind::MultiSelect || pick(&labels, text).is_some() {
        return vec![value(text)];
    }
    let mut parts = split(text);
    let numbers: Vec<&str> = text.split_whitespace().collect();
    if parts.len() == 1 && numbers.len() > 1 && numbers.iter().all(|word| number(word).is_some()) {
        parts = numbers;
    }
    parts.into_iter().map(value).collect()
}

/// The place of the choice that is meant: by what is written, else by its number.
fn pick(labels: &[&str], text: &str) -> Option<usize> {
    let wanted = text.trim().to_lowercase();
    let by_text = labels
        .iter()
        .position(|label| label.trim().to_lowercase() == wanted);
    by_text.or_else(|| {
        let place = number(text)?.checked_sub(1)?;
        (place < labels.len()).then_some(place)
    })
}

/// A bare number, `2` or `2.`.
pub(super) fn number(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text.strip_suffix(['.', ')']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

fn split(text: &str) -> Vec<&str> {
    let parts = text.split([',', ';', '\n']).map(str::trim);
    parts.filter(|part| !part.is_empty()).collect()
}

fn bare<'t>(field: &Field, name: &'t str) -> &'t str {
    match field.kind {
        FieldKind::User => name.strip_prefix('@').unwrap_or(name),
        _ => name.strip_prefix('#').unwrap_or(name),
    }
}
