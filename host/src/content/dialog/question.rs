//! How a question reads.

use crate::content::plain;
use crate::content::sentence::fill;
use crate::model::content::{Block, Choice, Field, FieldKind, Form, ListItem};
use crate::model::dialog::Dialog;

use super::{DialogContext, Question, current, line, submits};

/// The open question behind some lines, with its choices numbered.
pub(super) fn blocks(
    mut lines: Vec<String>,
    form: &Form,
    dialog: &Dialog,
    context: &DialogContext<'_>,
) -> Vec<Block> {
    let Some(question) = current(form, dialog) else {
        return Vec::new();
    };
    let (text, choices) = match question {
        Question::Field(field) => {
            let hints = hints(field, context);
            let label = field.label.as_str();
            let text = match hints.is_empty() {
                true => label.to_owned(),
                false => format!("{label} ({})", hints.join("; ")),
            };
            let choices = field.choices.iter().filter(|_| is_choice(&field.kind));
            (text, choices.map(shown).collect())
        }
        Question::Button(form) => {
            let labels = button_labels(form, context);
            (context.sentences.choose.clone(), labels)
        }
    };
    lines.push(line(&text, &dialog.person, context));
    let mut blocks = vec![paragraph(lines.join("\n"))];
    blocks.extend(choices.into_iter().map(|label| {
        Block::ListItem(ListItem {
            indent: 0,
            ordered: true,
            spans: vec![plain(fill("{label}", &[("label", label)]))],
        })
    }));
    blocks
}

/// The fields that are shown and not asked.
pub(super) fn fixed(form: &Form, context: &DialogContext<'_>) -> Vec<String> {
    let fields = form.fields.iter();
    let fields = fields.filter(|field| field.read_only && field.kind != FieldKind::Hidden);
    fields
        .map(|field| {
            fill(
                &context.sentences.fixed,
                &[("field", &field.label), ("value", &default_text(field))],
            )
        })
        .collect()
}

pub(super) fn paragraph(text: String) -> Block {
    Block::Paragraph(vec![plain(text)])
}

pub(super) fn is_choice(kind: &FieldKind) -> bool {
    matches!(
        kind,
        FieldKind::Radio | FieldKind::Select | FieldKind::MultiSelect
    )
}

/// What is written for a choice.
pub(super) fn shown(choice: &Choice) -> &str {
    match choice.label.trim() {
        "" => &choice.value,
        label => label,
    }
}

pub(super) fn button_labels<'f>(form: &'f Form, context: &DialogContext<'f>) -> Vec<&'f str> {
    let labels: Vec<&str> = submits(form).map(|(_, label)| label).collect();
    if labels.is_empty() {
        vec![&context.sentences.submit]
    } else {
        labels
    }
}

/// Whether the question can be left out, because there is nothing to give or a value already.
pub(super) fn can_skip(field: &Field) -> bool {
    !field.required || !field.defaults.is_empty()
}

fn hints(field: &Field, context: &DialogContext<'_>) -> Vec<String> {
    let sentences = context.sentences;
    let mut hints = Vec::new();
    hints.extend(field.placeholder.clone());
    let hint = match &field.kind {
        FieldKind::Text | FieldKind::Multiline | FieldKind::Hidden | FieldKind::Other(_) => {
            String::new()
        }
        FieldKind::Number => sentences.hint_number.clone(),
        FieldKind::Checkbox => fill(
            &sentences.hint_flag,
            &[("yes", &sentences.word_yes), ("no", &sentences.word_no)],
        ),
        FieldKind::Radio | FieldKind::Select => sentences.hint_choice.clone(),
        FieldKind::MultiSelect => sentences.hint_choices.clone(),
        FieldKind::Date => sentences.hint_date.clone(),
        FieldKind::Time => sentences.hint_time.clone(),
        FieldKind::Timezone => sentences.hint_time_zone.clone(),
        FieldKind::User if field.multiple => sentences.hint_users.clone(),
        FieldKind::User => sentences.hint_user.clone(),
        FieldKind::Conversation if field.multiple => sentences.hint_conversations.clone(),
        FieldKind::Conversation => sentences.hint_conversation.clone(),
    };
    hints.push(hint);
    let word = sentences.word_skip.as_str();
    if !field.defaults.is_empty() {
        let value = default_text(field);
        let values = [("skip", word), ("value", value.as_str())];
        hints.push(fill(&sentences.hint_default, &values));
    } else if can_skip(field) && field.kind != FieldKind::Checkbox {
        hints.push(fill(&sentences.hint_skip, &[("skip", word)]));
    }
    hints.retain(|hint| !hint.trim().is_empty());
    hints
}

/// A field's default as a person reads it.
fn default_text(field: &Field) -> String {
    let text = |value: &String| {
        let mut choices = field.choices.iter();
        let choice = choices.find(|choice| &choice.value == value);
        choice.map_or(value.as_str(), shown).to_owned()
    };
    let texts: Vec<String> = field.defaults.iter().map(text).collect();
    texts.join(", ")
}
