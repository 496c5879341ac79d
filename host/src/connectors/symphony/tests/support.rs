//! A bot, events of the feed, and what they come to.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::connectors::symphony::convert::{Converted, event_from_wire};
use crate::connectors::symphony::wire::event::V4Event;
use crate::mailbox::Incoming;
use crate::model::Name;
use crate::model::event::{Bot, Event, Extra, Message};
use crate::model::payload::{EventPayload, MessageEdited};

pub(super) const BOT: &str = "344147139494999";
pub(super) const ROOM: &str = "bjHSiY4iz3ar4iIh6-VzCX___peoM7cPdA";

pub(super) fn bot() -> Bot {
    Bot {
        name: "desk".to_owned(),
        platform: "symphony".to_owned(),
        user_id: BOT.to_owned(),
        display_name: "Trade Bot".to_owned(),
    }
}

pub(super) fn ada() -> Value {
    json!({"userId": 344147139494862_u64, "firstName": "Ada", "lastName": "Lovelace",
        "displayName": "Ada Lovelace", "email": "ada@acme.com", "username": "ada"})
}

pub(super) fn room() -> Value {
    json!({"streamId": ROOM, "streamType": "ROOM", "roomName": "Desk", "external": false,
        "crossPod": false})
}

/// An event of Ada's.
pub(super) fn event(kind: &str, payload: Value) -> Value {
    json!({"id": "a1B2c3", "messageId": "Fd4Pc8xO5Vg6hVfzabFe2X___oyM1eXobQ",
        "timestamp": 1_700_000_000_000_u64, "type": kind, "initiator": {"user": ada()},
        "payload": payload})
}

pub(super) fn converted(event: &Value) -> Converted {
    let source = RawValue::from_string(event.to_string()).unwrap();
    event_from_wire(
        &Name::from("default"),
        &bot(),
        &V4Event::read(&source),
        None,
    )
}

pub(super) fn incoming(event: &Value) -> Incoming {
    let mut found = converted(event).incoming;
    assert_eq!(found.len(), 1, "{event}");
    found.remove(0)
}

pub(super) fn made(event: &Value) -> Event {
    incoming(event).event
}

pub(super) fn message_of(event: Event) -> Message {
    match event.payload {
        EventPayload::Message(message) | EventPayload::MessageEdited(MessageEdited { message }) => {
            message
        }
        other => panic!("{other:?}"),
    }
}

pub(super) fn extra<'e>(extras: &'e [Extra], name: &str) -> Option<&'e str> {
    let found = extras.iter().find(|extra| extra.name == name)?;
    Some(&found.value)
}

/// A message of Ada's in the room.
pub(super) fn sent(message: &str, data: &str) -> Value {
    event(
        "MESSAGESENT",
        json!({"messageSent": {"message": {
            "messageId": "Fd4Pc8xO5Vg6hVfzabFe2X___oyM1eXobQ", "timestamp": 1_700_000_000_000_u64,
            "message": message, "data": data, "user": ada(), "stream": room()}}}),
    )
}

/// Wraps a body as the agent does.
pub(super) fn presentation(body: &str) -> String {
    format!(r#"<div data-format="PresentationML" data-version="2.0" class="wysiwyg">{body}</div>"#)
}
