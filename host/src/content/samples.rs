//! What the golden tests of all platforms are made of, and how they show what becomes of it.

use super::dialog::{DialogContext, DialogSentences};
use super::forms::FormSentences;
use super::hosted::{Audience, Hosted, Shows, host_run};
use super::plain;
use crate::model::content::{
    ActionButton, Block, Button, ButtonKind, ButtonStyle, DateFormat, DateTimeSpan, Field,
    FieldKind, ListItem, MentionSpan, MentionTarget, Span, TextSpan, TextStyle,
};
use crate::model::event::User;

/// What is sent, and a line for each thing of it that is not shown as it is.
pub(crate) fn noted(shown: &str, notes: &[String]) -> String {
    let notes = notes.iter().map(|note| format!("\nnote: {note}"));
    shown.to_owned() + &notes.collect::<String>()
}

/// A message as the host makes it where a platform shows no more than this, for somebody who is alone
/// there or among others; none where there is nothing to make.
pub(crate) fn hosted(blocks: &[Block], shows: Shows, person: &str, others: bool) -> Option<Hosted> {
    let (sentences, checks) = (DialogSentences::default(), FormSentences::default());
    let context = DialogContext {
        sentences: &sentences,
        checks: &checks,
        is_shared: true,
        user: &|_| None,
        conversation: &|_| None,
        now: 0,
    };
    let audience = Audience {
        person: Some(User::of_id(person)),
        others,
    };
    host_run(blocks, shows, &audience, &context)
}

/// A text with a style.
pub(crate) fn styled(text: &str, set: impl FnOnce(&mut TextStyle)) -> Span {
    let mut style = TextStyle::default();
    set(&mut style);
    Span::Text(TextSpan {
        text: text.to_owned(),
        style,
    })
}

/// A mention, with what people read.
pub(crate) fn mention(target: MentionTarget, text: &str) -> Span {
    Span::Mention(MentionSpan {
        target,
        text: text.to_owned(),
    })
}

/// A moment of the year 2026.
pub(crate) fn moment(format: DateFormat) -> Span {
    Span::DateTime(DateTimeSpan {
        at: 1_795_617_000_000,
        format,
    })
}

/// A paragraph of plain text.
pub(crate) fn paragraph(text: &str) -> Block {
    Block::Paragraph(vec![plain(text)])
}

/// An item of a list.
pub(crate) fn item(indent: u8, ordered: bool, text: &str) -> Block {
    Block::ListItem(ListItem {
        indent,
        ordered,
        spans: vec![plain(text)],
    })
}

/// A button that stands out.
pub(crate) fn button(label: &str, kind: ButtonKind) -> Button {
    Button {
        label: label.to_owned(),
        kind,
        style: ButtonStyle::Primary,
    }
}

/// What a button of this id does.
pub(crate) fn action(id: &str) -> ButtonKind {
    ButtonKind::Action(ActionButton {
        id: id.to_owned(),
        value: "v".to_owned(),
    })
}

/// A field of which nothing more is asked.
pub(crate) fn field(id: &str, label: &str, kind: FieldKind) -> Field {
    Field {
        id: id.to_owned(),
        label: label.to_owned(),
        kind,
        choices: Vec::new(),
        required: false,
        multiple: false,
        read_only: false,
        defaults: Vec::new(),
        placeholder: None,
        pattern: None,
        min: None,
        max: None,
    }
}
