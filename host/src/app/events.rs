//! What has been, for people: the line of an event. And dead letters put back.

use crate::journal::{
    DeadReason, EventQuery, Journal, JournalError, PastAction, PastDelivery, PastEvent,
};
use crate::mailbox::DeliverySink;
use crate::mailbox::control::{ActionLine, DeliveryLine, EventLine, PutBackLine};
use crate::model::delivery::{EventNumber, View};
use crate::model::event::Event;
use crate::model::payload::EventPayload;

/// Characters of a text that a line shows.
const SHOWN_CHARS: usize = 200;
/// Characters of why a delivery failed: a trap comes with its functions and lines.
const DETAIL_CHARS: usize = 2_000;
/// Actions of one event that a line shows.
const SHOWN_ACTIONS: usize = 500;

/// The line of an event.
pub(super) fn event_line(past: &PastEvent) -> EventLine {
    let event = &past.event;
    let conversation = event.conversation.as_ref();
    let mut room = SHOWN_ACTIONS;
    let deliveries = past.deliveries.iter().map(|it| {
        let line = delivery_line(it, past.stored_at, room);
        room -= line.actions.len();
        line
    });
    EventLine {
        deliveries: deliveries.collect(),
        event: past.number,
        at: past.stored_at,
        kind: kind(&event.payload),
        bot: event.bot.as_ref().map(|bot| bot.name.clone()),
        conversation: conversation.map(|place| place.id.clone()),
        conversation_name: conversation.and_then(|place| place.name.clone()),
        user: event.actor.as_ref().map(|actor| actor.id.clone()),
        user_name: event.actor.as_ref().map(|actor| shown(&actor.display_name)),
        text: text(event),
        cause: event.cause.clone(),
        trace: event.trace_id.clone(),
    }
}

fn delivery_line(past: &PastDelivery, stored_at: u64, room: usize) -> DeliveryLine {
    DeliveryLine {
        delivery: past.number,
        plugin: past.plugin.to_string(),
        command: match &past.view {
            View::Command { name, .. } => Some(name.clone()),
            _ => None,
        },
        state: past.state,
        tries: past.attempt,
        ended: past.ended_at,
        after_ms: past.ended_at.map(|ended| ended.saturating_sub(stored_at)),
        took_us: past.took_us,
        reason: past.reason,
        detail: past.detail.as_deref().map(|text| cut(text, DETAIL_CHARS)),
        put_back: past.put_back,
        actions: past.actions.iter().take(room).map(action_line).collect(),
    }
}

fn action_line(past: &PastAction) -> ActionLine {
    ActionLine {
        index: past.index,
        part: past.part,
        action: past.what.clone(),
        state: past.state.clone(),
        tries: past.attempts,
        bot: past.bot.clone(),
        conversation: past.conversation.clone(),
        message: past.message.clone(),
        detail: past.detail.as_deref().map(shown),
    }
}

fn shown(text: &str) -> String {
    cut(text, SHOWN_CHARS)
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The name of an event's kind, as it is written in the journal.
pub(super) fn kind(payload: &EventPayload) -> String {
    match serde_json::to_value(payload) {
        Ok(serde_json::Value::Object(cases)) => cases.keys().next().cloned().unwrap_or_default(),
        Ok(serde_json::Value::String(case)) => case,
        _ => String::new(),
    }
}

/// The beginning of what an event says.
pub(super) fn text(event: &Event) -> Option<String> {
    let text = match &event.payload {
        EventPayload::Message(message) => &message.text,
        EventPayload::MessageEdited(edited) => &edited.message.text,
        EventPayload::FormSubmitted(form) => &form.form_id,
        EventPayload::FormClosed(form) => &form.form_id,
        EventPayload::ButtonPressed(button) => &button.button_id,
        EventPayload::TimerFired(timer) => &timer.name,
        EventPayload::ResponseReceived(response) => &response.key,
        EventPayload::WebhookReceived(webhook) => &webhook.name,
        EventPayload::Other(other) => &other.kind,
        EventPayload::MemberChanged(member) => &member.who.display_name,
        EventPayload::ActionFailed(failed) => &failed.detail,
        _ => return None,
    };
    Some(shown(text))
}

/// Why nothing was put back.
#[derive(Debug, thiserror::Error)]
pub(super) enum PutBackError {
    /// There is no such event, or nothing of it is a dead letter.
    #[error("{0}")]
    NotDead(String),
    /// The journal's.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Puts back the dead letters of an event: all, or one plugin's.
pub(super) async fn put_back(
    journal: &dyn Journal,
    lanes: &dyn DeliverySink,
    event: EventNumber,
    plugin: Option<&str>,
) -> Result<Vec<PutBackLine>, PutBackError> {
    let query = EventQuery {
        number: Some(event),
        limit: 1,
        ..EventQuery::default()
    };
    let Some(past) = journal.events(query).await?.pop() else {
        let text = format!("there is no event {event}; `parlor events --dead` lists dead letters");
        return Err(PutBackError::NotDead(text));
    };
    let dead = past.deliveries.iter().filter_map(|it| {
        let is_meant = plugin.is_none_or(|plugin| *it.plugin == *plugin);
        it.reason.filter(|_| is_meant).map(|reason| (it, reason))
    });
    let dead: Vec<(&PastDelivery, DeadReason)> = dead.collect();
    let mut lines = Vec::new();
    for (delivery, reason) in dead {
        let back = journal.put_back(delivery.number).await?;
        back.durable.wait().await?;
        // Somebody else may have put it back at the same time.
        let Some(again) = back.value else {
            continue;
        };
        lanes.deliver(vec![again]);
        lines.push(PutBackLine {
            event,
            delivery: delivery.number,
            plugin: delivery.plugin.to_string(),
            reason,
        });
    }
    if lines.is_empty() {
        let of = plugin.map_or_else(String::new, |plugin| format!(" of {plugin}"));
        let text =
            format!("event {event} is no dead letter{of}; `parlor events --dead` lists them");
        return Err(PutBackError::NotDead(text));
    }
    Ok(lines)
}
