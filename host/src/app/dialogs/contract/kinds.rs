//! An event of each kind that a plugin can subscribe to.

use crate::model::description::EventKind;
use crate::model::event::{Message, User};
use crate::model::payload::{
    ActionDone, ActionError, ActionFailed, ActionRef, ButtonPressed, ContactChanged,
    ConversationChanged, EventPayload, FormCloseReason, FormClosed, FormSubmitted, Lifecycle,
    MemberChange, MemberChanged, MessageDeleted, MessageEdited, OtherEvent, PresenceStatus,
    Reaction,
};

/// The message that events are about; there is none of this id.
const MESSAGE: &str = "contract:message";

/// A message.
pub(super) fn message(text: &str) -> Message {
    Message::of_text(MESSAGE, text)
}

/// What happens in an event of this kind.
pub(super) fn payload(kind: EventKind, who: &User) -> EventPayload {
    let id = || MESSAGE.to_owned();
    let action = ActionRef {
        key: Some("contract".to_owned()),
        index: 0,
    };
    match kind {
        EventKind::Message => EventPayload::Message(message("hello")),
        EventKind::MessageEdited => EventPayload::MessageEdited(MessageEdited {
            message: message("hello again"),
        }),
        EventKind::MessageDeleted => {
            EventPayload::MessageDeleted(MessageDeleted { message_id: id() })
        }
        EventKind::FormSubmitted => EventPayload::FormSubmitted(FormSubmitted {
            form_id: "contract".to_owned(),
            message_id: id(),
            values: Vec::new(),
            button: "contract".to_owned(),
        }),
        EventKind::FormClosed => EventPayload::FormClosed(FormClosed {
            form_id: "contract".to_owned(),
            message_id: id(),
            who: None,
            reason: FormCloseReason::Expired,
        }),
        EventKind::ButtonPressed => EventPayload::ButtonPressed(ButtonPressed {
            button_id: "contract".to_owned(),
            value: String::new(),
            message_id: id(),
        }),
        EventKind::MemberChanged => EventPayload::MemberChanged(MemberChanged {
            who: who.clone(),
            change: MemberChange::Joined,
            is_self: false,
        }),
        EventKind::ConversationChanged => {
            EventPayload::ConversationChanged(ConversationChanged::Created)
        }
        EventKind::ContactChanged => EventPayload::ContactChanged(ContactChanged::Requested),
        EventKind::Reaction => EventPayload::Reaction(Reaction {
            message_id: id(),
            emoji: "thumbsup".to_owned(),
            added: true,
        }),
        EventKind::Typing => EventPayload::Typing(true),
        EventKind::Presence => EventPayload::Presence(PresenceStatus::Available),
        EventKind::ActionDone => EventPayload::ActionDone(ActionDone {
            action,
            message_id: None,
            conversation: None,
            notes: Vec::new(),
        }),
        EventKind::ActionFailed => EventPayload::ActionFailed(ActionFailed {
            action,
            error: ActionError::Failed,
            retrying: false,
            detail: "the contract's tests say so".to_owned(),
        }),
        EventKind::Lifecycle => EventPayload::Lifecycle(Lifecycle::ConfigChanged),
        EventKind::Other => EventPayload::Other(OtherEvent {
            kind: "contract".to_owned(),
            json: "{}".to_owned(),
        }),
    }
}

/// Whether an event of this kind is one plugin's own, whoever else subscribes to it.
pub(super) fn is_own(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::FormSubmitted
            | EventKind::FormClosed
            | EventKind::ButtonPressed
            | EventKind::ActionDone
            | EventKind::ActionFailed
            | EventKind::Lifecycle
    )
}
