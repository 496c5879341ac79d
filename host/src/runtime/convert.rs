//! Between the model and the contract's types. Pure; the contract's types stop here.

mod action_from_wit;
mod content_from_wit;
mod content_to_wit;
mod description_from_wit;
mod directory_to_wit;
mod event_to_wit;
mod payload_to_wit;

pub(super) use action_from_wit::action_from_wit;
pub(super) use description_from_wit::description_from_wit;
pub(super) use directory_to_wit::{
    capabilities_to_wit, chunk_to_wit, contact_status_to_wit, conversation_page_to_wit,
    limits_to_wit, past_message_to_wit, read_error_to_wit, transfer_option_to_wit,
    user_page_to_wit,
};
pub(super) use event_to_wit::{conversation_to_wit, user_to_wit};
pub(super) use payload_to_wit::presence_status_to_wit;

use crate::model::config::ConfigValue;
use crate::model::delivery::{Delivery, View};
use crate::model::event::{Argument, Event, Extra, Message};
use crate::model::payload::EventPayload;
use crate::runtime::bindings::parlor::bot as wit;

/// Makes the event that a plugin gets: the platform's event as the delivery's view shows it.
pub(super) fn event_to_wit(delivery: &Delivery) -> wit::events::Event {
    let event: &Event = &delivery.event;
    wit::events::Event {
        id: event.id.clone(),
        sequence: event.sequence,
        attempt: delivery.attempt,
        occurred_at: event.occurred_at,
        received_at: event.received_at,
        bot: event.bot.as_ref().map(event_to_wit::bot_to_wit),
        conversation: event.conversation.as_ref().map(conversation_to_wit),
        actor: event.actor.as_ref().map(user_to_wit),
        addressing: event_to_wit::addressing_to_wit(&event.addressing),
        cause: event.cause.clone(),
        depth: event.depth,
        trace_id: event.trace_id.clone(),
        extras: event
            .extras
            .iter()
            .chain(put_back_extra(delivery).iter())
            .map(event_to_wit::extra_to_wit)
            .collect(),
        raw: event.raw.clone(),
        payload: payload_to_wit(&event.payload, &delivery.view),
    }
}

/// Tells the plugin that the event comes outside of its conversation's order, and since when.
fn put_back_extra(delivery: &Delivery) -> Option<Extra> {
    delivery.put_back.map(|at| Extra {
        name: "put-back".to_owned(),
        value: at.to_string(),
    })
}

fn payload_to_wit(payload: &EventPayload, view: &View) -> wit::events::EventPayload {
    use payload_to_wit as p;
    use wit::events::EventPayload as Wit;
    match payload {
        EventPayload::Message(message) => message_to_wit(message, view),
        EventPayload::MessageEdited(x) => Wit::MessageEdited(p::message_edited_to_wit(x)),
        EventPayload::MessageDeleted(x) => Wit::MessageDeleted(p::message_deleted_to_wit(x)),
        EventPayload::FormSubmitted(x) => Wit::FormSubmitted(p::form_submitted_to_wit(x)),
        EventPayload::FormClosed(x) => Wit::FormClosed(p::form_closed_to_wit(x)),
        EventPayload::ButtonPressed(x) => Wit::ButtonPressed(p::button_pressed_to_wit(x)),
        EventPayload::MemberChanged(x) => Wit::MemberChanged(p::member_changed_to_wit(x)),
        EventPayload::ConversationChanged(x) => {
            Wit::ConversationChanged(p::conversation_changed_to_wit(x))
        }
        EventPayload::ContactChanged(x) => Wit::ContactChanged(p::contact_changed_to_wit(x)),
        EventPayload::Reaction(x) => Wit::Reaction(p::reaction_to_wit(x)),
        EventPayload::Typing(x) => Wit::Typing(*x),
        EventPayload::Presence(x) => Wit::Presence(p::presence_status_to_wit(x)),
        EventPayload::TimerFired(x) => Wit::TimerFired(p::timer_fired_to_wit(x)),
        EventPayload::ResponseReceived(x) => Wit::ResponseReceived(p::response_received_to_wit(x)),
        EventPayload::WebhookReceived(x) => Wit::WebhookReceived(p::webhook_received_to_wit(x)),
        EventPayload::ActionDone(x) => Wit::ActionDone(p::action_done_to_wit(x)),
        EventPayload::ActionFailed(x) => Wit::ActionFailed(p::action_failed_to_wit(x)),
        EventPayload::Lifecycle(x) => Wit::Lifecycle(p::lifecycle_to_wit(x)),
        EventPayload::Other(x) => Wit::Other(p::other_event_to_wit(x)),
    }
}

fn message_to_wit(message: &Message, view: &View) -> wit::events::EventPayload {
    let message = event_to_wit::message_to_wit(message);
    let arguments = |arguments: &[Argument]| {
        arguments
            .iter()
            .map(event_to_wit::argument_to_wit)
            .collect()
    };
    match view {
        View::Command {
            name,
            arguments: captured,
        } => wit::events::EventPayload::Command(wit::events::Command {
            name: name.clone(),
            arguments: arguments(captured),
            message,
        }),
        View::KeyWord {
            arguments: captured,
        } => wit::events::EventPayload::Message(wit::events::MessageReceived {
            message,
            arguments: arguments(captured),
        }),
        // `Say` and `Act` never reach a component: they are for the built-in plugin.
        View::Whole | View::Say(_) | View::Act(_) => {
            wit::events::EventPayload::Message(wit::events::MessageReceived {
                message,
                arguments: Vec::new(),
            })
        }
    }
}

/// Makes a setting's value as the plugin gets it.
pub(super) fn config_value_to_wit(value: &ConfigValue) -> wit::config::Value {
    match value {
        ConfigValue::Text(x) => wit::config::Value::Text(x.clone()),
        ConfigValue::Number(x) => wit::config::Value::Number(*x),
        ConfigValue::Flag(x) => wit::config::Value::Flag(*x),
        ConfigValue::Duration(x) => wit::config::Value::Duration(*x),
        ConfigValue::Texts(x) => wit::config::Value::Texts(x.clone()),
    }
}
