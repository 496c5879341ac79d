//! The form and the buttons that a sent message opens, and those that a changed or deleted one closes.

use std::sync::Arc;

use super::hosted::{blocks_of, is_for_agents, is_here, place};
use crate::content::hosted::Hosted;
use crate::journal::{Gone, OpenForm, Part};
use crate::model::action::{ActionKind, MessageRef};
use crate::model::content::{Block, Button, ButtonKind, Form, FormAudience, FormEnd};
use crate::model::event::{Conversation, Event, User};
use crate::model::payload::{EventPayload, FormCloseReason, OtherEvent};
use crate::model::{Name, Timestamp};

/// How long a form without an end, and buttons, can be used.
const OPEN_MS: u64 = 90 * 24 * 60 * 60 * 1_000;

/// Tells what can be used under a message from now on; an empty one where a change took it away.
pub(super) fn opened(
    part: &Part,
    message: Option<&str>,
    conversation: &Name,
    now: Timestamp,
    hosted: Option<Hosted>,
) -> Option<OpenForm> {
    if let ActionKind::Delete(MessageRef::Id(deleted)) = &part.what.action.kind {
        return Some(gone(
            part,
            deleted,
            conversation,
            FormCloseReason::Cancelled,
        ));
    }
    let (message, blocks) = (message?, blocks_of(part).unwrap_or_default());
    let mut form: Option<&Form> = None;
    let mut buttons: Vec<Button> = Vec::new();
    let mut add = |row: &[Button]| {
        let actions = row.iter();
        let actions = actions.filter(|button| matches!(button.kind, ButtonKind::Action(_)));
        buttons.extend(actions.cloned());
    };
    for block in blocks.iter() {
        match block {
            // A turn gives each form a message of its own; its buttons share its entry.
            Block::Form(found) => form = form.or(Some(found)),
            Block::Buttons(row) => add(row),
            Block::Card(card) => add(&card.buttons),
            _ => {}
        }
    }
    let hosted = hosted.unwrap_or_default();
    if form.is_none() && buttons.is_empty() && hosted.numbered.is_empty() {
        let is_changed = matches!(part.what.action.kind, ActionKind::Edit(_));
        let gone = || gone(part, message, conversation, FormCloseReason::Replaced);
        return is_changed.then(gone);
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
        form: form.cloned(),
        buttons,
        actor,
        ends_at,
        origin: form.map(|_| Arc::new(origin(part, conversation))),
        numbered: hosted.numbered,
        agents_only: is_for_agents(part),
        dialogs: hosted.dialog.into_iter().collect(),
        ..empty(part, message, conversation)
    })
}

/// What an edit leaves under the message that it names where another was sent in its place.
pub(super) fn replaced(part: &Part) -> Option<OpenForm> {
    let ActionKind::Edit(edit) = &part.what.action.kind else {
        return None;
    };
    let MessageRef::Id(message) = &edit.message else {
        return None;
    };
    let conversation = &part.what.conversation;
    Some(gone(part, message, conversation, FormCloseReason::Replaced))
}

/// What a deleted message leaves, and one that was changed and has no form now.
fn gone(part: &Part, message: &str, conversation: &Name, reason: FormCloseReason) -> OpenForm {
    let who = part.origin.bot.as_ref().map(User::of_bot);
    OpenForm {
        gone: Some(Gone { reason, who }),
        ..empty(part, message, conversation)
    }
}

fn empty(part: &Part, message: &str, conversation: &Name) -> OpenForm {
    OpenForm {
        tenant: Name::clone(&part.tenant),
        plugin: Name::clone(&part.plugin),
        bot: Name::clone(&part.what.bot),
        conversation: Name::clone(conversation),
        message: message.to_owned(),
        form: None,
        buttons: Vec::new(),
        actor: None,
        answered: Vec::new(),
        ends_at: 0,
        part: part.number,
        origin: None,
        numbered: Vec::new(),
        agents_only: false,
        unseen: Vec::new(),
        dialogs: Vec::new(),
        before: None,
        gone: None,
    }
}

/// The envelope of what will be told of a form: where the form is, for whom the event came.
fn origin(part: &Part, conversation: &Name) -> Event {
    let own = part.origin.conversation.as_ref();
    let conversation = match own.filter(|_| is_here(part)) {
        Some(own) => own.clone(),
        None => Conversation {
            id: conversation.to_string(),
            kind: place(part),
            name: None,
            external: own.is_some_and(|own| own.external),
            cross_pod: false,
            thread: None,
        },
    };
    Event {
        conversation: Some(conversation),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Other(OtherEvent {
            kind: "origin".to_owned(),
            json: String::new(),
        }),
        ..Event::clone(&part.origin)
    }
}
