//! The forms and buttons that a sent message opens.

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
) -> Vec<OpenForm> {
    let content = match &part.what.action.kind {
        ActionKind::Send(send) => &send.content,
        ActionKind::Edit(edit) => &edit.content,
        _ => return Vec::new(),
    };
    let Content::Blocks(blocks) = content else {
        return Vec::new();
    };
    let open = |form: Option<Form>, buttons: Vec<Button>, ends_at: Timestamp| OpenForm {
        tenant: Name::clone(&part.tenant),
        plugin: Name::clone(&part.plugin),
        bot: Name::clone(&part.what.bot),
        conversation: Name::clone(conversation),
        message: message.to_owned(),
        actor: match form.as_ref().map(|form| &form.audience) {
            Some(FormAudience::Actor) => part.origin.actor.as_ref().map(|actor| actor.id.clone()),
            _ => None,
        },
        form,
        buttons,
        answered: Vec::new(),
        ends_at,
    };
    // A message carries one form at most (`content::check`); its buttons share its entry.
    let mut form = None;
    let mut ends_at = now.saturating_add(OPEN_MS);
    let mut buttons: Vec<Button> = Vec::new();
    let mut add = |row: &[Button]| {
        let actions = row.iter();
        let actions = actions.filter(|button| matches!(button.kind, ButtonKind::Action(_)));
        buttons.extend(actions.cloned());
    };
    for block in blocks {
        match block {
            Block::Form(sent) => {
                ends_at = match sent.end {
                    FormEnd::Never => ends_at,
                    FormEnd::At(at) => at.min(ends_at),
                    FormEnd::After(wait) => now.saturating_add(wait.min(OPEN_MS)),
                };
                form = Some(sent.clone());
            }
            Block::Buttons(row) => add(row),
            Block::Card(card) => add(&card.buttons),
            _ => {}
        }
    }
    if form.is_none() && buttons.is_empty() {
        return Vec::new();
    }
    vec![open(form, buttons, ends_at)]
}
