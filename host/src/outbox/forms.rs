//! The form and the buttons that a sent message opens.

use crate::journal::{OpenForm, Part};
use crate::model::action::ActionKind;
use crate::model::content::{Block, Button, ButtonKind, Content, Form, FormAudience, FormEnd};
use crate::model::{Name, Timestamp};

/// How long a form without an end, and buttons, can be used.
const OPEN_MS: u64 = 90 * 24 * 60 * 60 * 1_000;

/// Tells what can be used under a message from now on.
pub(super) fn opened(
    part: &Part,
    message: &str,
    conversation: &Name,
    now: Timestamp,
) -> Option<OpenForm> {
    let content = match &part.what.action.kind {
        ActionKind::Send(send) => &send.content,
        ActionKind::Edit(edit) => &edit.content,
        _ => return None,
    };
    let Content::Blocks(blocks) = content else {
        return None;
    };
    let mut form: Option<&Form> = None;
    let mut buttons: Vec<Button> = Vec::new();
    let mut add = |row: &[Button]| {
        let actions = row.iter();
        let actions = actions.filter(|button| matches!(button.kind, ButtonKind::Action(_)));
        buttons.extend(actions.cloned());
    };
    for block in blocks {
        match block {
            // A turn gives each form a message of its own; its buttons share its entry.
            Block::Form(found) => form = form.or(Some(found)),
            Block::Buttons(row) => add(row),
            Block::Card(card) => add(&card.buttons),
            _ => {}
        }
    }
    if form.is_none() && buttons.is_empty() {
        return None;
    }
    let latest = now.saturating_add(OPEN_MS);
    let ends_at = match form.map(|form| &form.end) {
        None | Some(FormEnd::Never) => latest,
        Some(FormEnd::At(at)) => latest.min(*at),
        Some(FormEnd::After(wait)) => latest.min(now.saturating_add(*wait)),
    };
    let actor = match form.map(|form| &form.audience) {
        Some(FormAudience::Actor) => part.origin.actor.as_ref().map(|actor| actor.id.clone()),
        _ => None,
    };
    Some(OpenForm {
        tenant: Name::clone(&part.tenant),
        plugin: Name::clone(&part.plugin),
        bot: Name::clone(&part.what.bot),
        conversation: Name::clone(conversation),
        message: message.to_owned(),
        form: form.cloned(),
        buttons,
        actor,
        answered: Vec::new(),
        ends_at,
    })
}
