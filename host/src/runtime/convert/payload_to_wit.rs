//! Payloads of events, as the contract has them.

use super::event_to_wit::{header_to_wit, message_to_wit, user_to_wit};
use crate::model::payload;
use crate::runtime::bindings::parlor::bot as wit;

pub(in crate::runtime) fn message_edited_to_wit(
    x: &payload::MessageEdited,
) -> wit::events::MessageEdited {
    wit::events::MessageEdited {
        message: message_to_wit(&x.message),
    }
}

pub(in crate::runtime) fn message_deleted_to_wit(
    x: &payload::MessageDeleted,
) -> wit::events::MessageDeleted {
    wit::events::MessageDeleted {
        message_id: x.message_id.clone(),
    }
}

pub(in crate::runtime) fn form_submitted_to_wit(
    x: &payload::FormSubmitted,
) -> wit::events::FormSubmitted {
    wit::events::FormSubmitted {
        form_id: x.form_id.clone(),
        message_id: x.message_id.clone(),
        values: x.values.iter().map(submitted_field_to_wit).collect(),
        button: x.button.clone(),
    }
}

pub(in crate::runtime) fn submitted_field_to_wit(
    x: &payload::SubmittedField,
) -> wit::events::SubmittedField {
    wit::events::SubmittedField {
        id: x.id.clone(),
        value: field_value_to_wit(&x.value),
    }
}

pub(in crate::runtime) fn field_value_to_wit(x: &payload::FieldValue) -> wit::events::FieldValue {
    match x {
        payload::FieldValue::Text(x) => wit::events::FieldValue::Text(x.clone()),
        payload::FieldValue::Number(x) => wit::events::FieldValue::Number(*x),
        payload::FieldValue::Flag(x) => wit::events::FieldValue::Flag(*x),
        payload::FieldValue::Choices(x) => wit::events::FieldValue::Choices(x.clone()),
        payload::FieldValue::Date(x) => wit::events::FieldValue::Date(x.clone()),
        payload::FieldValue::Time(x) => wit::events::FieldValue::Time(x.clone()),
        payload::FieldValue::Users(x) => {
            wit::events::FieldValue::Users(x.iter().map(user_to_wit).collect())
        }
        payload::FieldValue::Conversations(x) => wit::events::FieldValue::Conversations(x.clone()),
        payload::FieldValue::Other(x) => wit::events::FieldValue::Other(x.clone()),
    }
}

pub(in crate::runtime) fn form_closed_to_wit(x: &payload::FormClosed) -> wit::events::FormClosed {
    wit::events::FormClosed {
        form_id: x.form_id.clone(),
        message_id: x.message_id.clone(),
        who: x.who.as_ref().map(user_to_wit),
        reason: form_close_reason_to_wit(&x.reason),
    }
}

pub(in crate::runtime) fn form_close_reason_to_wit(
    x: &payload::FormCloseReason,
) -> wit::events::FormCloseReason {
    match x {
        payload::FormCloseReason::Cancelled => wit::events::FormCloseReason::Cancelled,
        payload::FormCloseReason::Expired => wit::events::FormCloseReason::Expired,
        payload::FormCloseReason::Replaced => wit::events::FormCloseReason::Replaced,
    }
}

pub(in crate::runtime) fn button_pressed_to_wit(
    x: &payload::ButtonPressed,
) -> wit::events::ButtonPressed {
    wit::events::ButtonPressed {
        button_id: x.button_id.clone(),
        value: x.value.clone(),
        message_id: x.message_id.clone(),
    }
}

pub(in crate::runtime) fn member_changed_to_wit(
    x: &payload::MemberChanged,
) -> wit::events::MemberChanged {
    wit::events::MemberChanged {
        who: user_to_wit(&x.who),
        change: member_change_to_wit(&x.change),
        is_self: x.is_self,
    }
}

pub(in crate::runtime) fn member_change_to_wit(
    x: &payload::MemberChange,
) -> wit::events::MemberChange {
    match x {
        payload::MemberChange::Joined => wit::events::MemberChange::Joined,
        payload::MemberChange::Left => wit::events::MemberChange::Left,
        payload::MemberChange::Promoted => wit::events::MemberChange::Promoted,
        payload::MemberChange::Demoted => wit::events::MemberChange::Demoted,
        payload::MemberChange::JoinRequested => wit::events::MemberChange::JoinRequested,
        payload::MemberChange::Invited => wit::events::MemberChange::Invited,
    }
}

pub(in crate::runtime) fn conversation_changed_to_wit(
    x: &payload::ConversationChanged,
) -> wit::events::ConversationChanged {
    match x {
        payload::ConversationChanged::Created => wit::events::ConversationChanged::Created,
        payload::ConversationChanged::Updated => wit::events::ConversationChanged::Updated,
        payload::ConversationChanged::Closed => wit::events::ConversationChanged::Closed,
        payload::ConversationChanged::Reopened => wit::events::ConversationChanged::Reopened,
        payload::ConversationChanged::Transferred(x) => {
            wit::events::ConversationChanged::Transferred(transfer_to_wit(x))
        }
    }
}

pub(in crate::runtime) fn transfer_to_wit(x: &payload::Transfer) -> wit::events::Transfer {
    wit::events::Transfer {
        to: x.to.clone(),
        why: x.why.clone(),
        queue_position: x.queue_position,
    }
}

pub(in crate::runtime) fn contact_changed_to_wit(
    x: &payload::ContactChanged,
) -> wit::events::ContactChanged {
    match x {
        payload::ContactChanged::Requested => wit::events::ContactChanged::Requested,
        payload::ContactChanged::Accepted => wit::events::ContactChanged::Accepted,
    }
}

pub(in crate::runtime) fn reaction_to_wit(x: &payload::Reaction) -> wit::events::Reaction {
    wit::events::Reaction {
        message_id: x.message_id.clone(),
        emoji: x.emoji.clone(),
        added: x.added,
    }
}

pub(in crate::runtime) fn presence_status_to_wit(
    x: &payload::PresenceStatus,
) -> wit::events::PresenceStatus {
    match x {
        payload::PresenceStatus::Available => wit::events::PresenceStatus::Available,
        payload::PresenceStatus::Busy => wit::events::PresenceStatus::Busy,
        payload::PresenceStatus::Away => wit::events::PresenceStatus::Away,
        payload::PresenceStatus::DoNotDisturb => wit::events::PresenceStatus::DoNotDisturb,
        payload::PresenceStatus::Offline => wit::events::PresenceStatus::Offline,
    }
}

pub(in crate::runtime) fn timer_fired_to_wit(x: &payload::TimerFired) -> wit::events::TimerFired {
    wit::events::TimerFired {
        name: x.name.clone(),
        payload: x.payload.clone(),
        due_at: x.due_at,
    }
}

pub(in crate::runtime) fn response_received_to_wit(
    x: &payload::ResponseReceived,
) -> wit::events::ResponseReceived {
    wit::events::ResponseReceived {
        key: x.key.clone(),
        outcome: x
            .outcome
            .as_ref()
            .map(response_to_wit)
            .map_err(response_error_to_wit),
    }
}

pub(in crate::runtime) fn response_to_wit(x: &payload::Response) -> wit::events::Response {
    wit::events::Response {
        status: x.status,
        headers: x.headers.iter().map(header_to_wit).collect(),
        body: x.body.clone(),
    }
}

pub(in crate::runtime) fn response_error_to_wit(
    x: &payload::ResponseError,
) -> wit::events::ResponseError {
    match x {
        payload::ResponseError::Denied => wit::events::ResponseError::Denied,
        payload::ResponseError::Unreachable => wit::events::ResponseError::Unreachable,
        payload::ResponseError::TimedOut => wit::events::ResponseError::TimedOut,
        payload::ResponseError::TooLarge => wit::events::ResponseError::TooLarge,
        payload::ResponseError::InDoubt => wit::events::ResponseError::InDoubt,
        payload::ResponseError::Failed => wit::events::ResponseError::Failed,
    }
}

pub(in crate::runtime) fn webhook_received_to_wit(
    x: &payload::WebhookReceived,
) -> wit::events::WebhookReceived {
    wit::events::WebhookReceived {
        name: x.name.clone(),
        delivery_id: x.delivery_id.clone(),
        method: x.method.clone(),
        headers: x.headers.iter().map(header_to_wit).collect(),
        body: x.body.clone(),
    }
}

pub(in crate::runtime) fn action_done_to_wit(x: &payload::ActionDone) -> wit::events::ActionDone {
    wit::events::ActionDone {
        action: action_ref_to_wit(&x.action),
        message_id: x.message_id.clone(),
        conversation: x.conversation.clone(),
        notes: x.notes.clone(),
    }
}

pub(in crate::runtime) fn action_ref_to_wit(x: &payload::ActionRef) -> wit::events::ActionRef {
    wit::events::ActionRef {
        key: x.key.clone(),
        index: x.index,
    }
}

pub(in crate::runtime) fn action_failed_to_wit(
    x: &payload::ActionFailed,
) -> wit::events::ActionFailed {
    wit::events::ActionFailed {
        action: action_ref_to_wit(&x.action),
        error: action_error_to_wit(&x.error),
        retrying: x.retrying,
        detail: x.detail.clone(),
    }
}

pub(in crate::runtime) fn action_error_to_wit(
    x: &payload::ActionError,
) -> wit::events::ActionError {
    match x {
        payload::ActionError::Unsupported => wit::events::ActionError::Unsupported,
        payload::ActionError::Denied => wit::events::ActionError::Denied,
        payload::ActionError::NotFound => wit::events::ActionError::NotFound,
        payload::ActionError::TooLarge => wit::events::ActionError::TooLarge,
        payload::ActionError::Throttled => wit::events::ActionError::Throttled,
        payload::ActionError::Unavailable => wit::events::ActionError::Unavailable,
        payload::ActionError::RefusedByPolicy => wit::events::ActionError::RefusedByPolicy,
        payload::ActionError::InDoubt => wit::events::ActionError::InDoubt,
        payload::ActionError::Failed => wit::events::ActionError::Failed,
    }
}

pub(in crate::runtime) fn lifecycle_to_wit(x: &payload::Lifecycle) -> wit::events::Lifecycle {
    match x {
        payload::Lifecycle::Started => wit::events::Lifecycle::Started,
        payload::Lifecycle::ConfigChanged => wit::events::Lifecycle::ConfigChanged,
        payload::Lifecycle::Reloaded(x) => wit::events::Lifecycle::Reloaded(x.clone()),
        payload::Lifecycle::Draining => wit::events::Lifecycle::Draining,
    }
}

pub(in crate::runtime) fn other_event_to_wit(x: &payload::OtherEvent) -> wit::events::OtherEvent {
    wit::events::OtherEvent {
        kind: x.kind.clone(),
        json: x.json.clone(),
    }
}
