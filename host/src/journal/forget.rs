//! What is forgotten of a person, as both stores do it.

use super::past::PastEvent;
use crate::model::event::{Event, User};
use crate::model::payload::{EventPayload, OtherEvent};

/// The kind of an event whose content was forgotten.
pub const FORGOTTEN: &str = "forgotten";

/// What was forgotten of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Events whose content is gone.
    pub events: u64,
    /// Deliveries among them that had not ended, and are given up.
    pub given_up: u64,
    /// Values of plugins' state of that user.
    pub values: u64,
    /// Timers that the person's events set.
    pub timers: u64,
    /// Forms that asked the person question by question.
    pub forms: u64,
    /// Actions that grew out of those events and are not through: they are still performed.
    pub actions: u64,
    /// Copies of the journal from before an upgrade: they are gone whole, since they held the person too.
    pub copies: u64,
}

/// Tells whether an event holds what a person did or is.
pub fn is_of(event: &Event, user: &str) -> bool {
    let is = |who: Option<&User>| who.is_some_and(|who| who.id == user);
    let about = match &event.payload {
        EventPayload::MemberChanged(member) => Some(&member.who),
        EventPayload::FormClosed(form) => form.who.as_ref(),
        _ => None,
    };
    is(event.actor.as_ref()) || is(about)
}

/// What stays of a forgotten event: that there was one, for whatever grew out of it.
pub(super) fn forgotten(event: &Event) -> Event {
    let conversation = event.conversation.clone().map(|mut place| {
        // A direct conversation may be named after the person.
        place.name = None;
        place
    });
    Event {
        actor: None,
        conversation,
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Other(OtherEvent {
            kind: FORGOTTEN.to_owned(),
            json: String::new(),
        }),
        ..event.clone()
    }
}

/// Tells whether an event was forgotten.
pub fn is_forgotten(past: &PastEvent) -> bool {
    match &past.event.payload {
        EventPayload::Other(other) => other.kind == FORGOTTEN && past.event.actor.is_none(),
        _ => false,
    }
}
