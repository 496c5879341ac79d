//! A bot, webhooks, and what they come to.

use serde_json::{Value, json};

use crate::connectors::livechat::convert::{Around, events_from_hook, events_from_thread};
use crate::connectors::livechat::ids::ChatId;
use crate::connectors::livechat::places::{Known, Places, chat_of};
use crate::connectors::livechat::repeats::Repeats;
use crate::connectors::livechat::wire::{Chat, Envelope};
use crate::mailbox::Incoming;
use crate::model::Name;
use crate::model::event::{Bot, Event};

pub(super) const BOT: &str = "5c9871d5372c824cbf22d860a707a578";
pub(super) const LICENCE: &str = "390e44e6-f1e6-0368-5e1f-4c3a5b1c2d3e";
pub(super) const CUSTOMER: &str = "345f8235-d60d-433e-a3c5-7f813a6ffe25";
pub(super) const CHAT: &str = "PX1A2B3C4D";

pub(super) fn bot() -> Bot {
    Bot {
        name: "desk".to_owned(),
        platform: "livechat".to_owned(),
        user_id: BOT.to_owned(),
        display_name: "Pizza BOT".to_owned(),
    }
}

/// A connector's memory, which webhooks are told to one after the other.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) places: Places,
    repeats: Repeats,
}

impl Heard {
    pub(super) fn hook(&self, hook: &Value) -> Vec<Incoming> {
        let envelope = Envelope::read(hook.to_string().as_bytes()).expect("a webhook");
        self.places.learn_hook(LICENCE, BOT, &envelope);
        let chat = chat_of(&envelope.payload).map(|chat| ChatId::new(&chat, LICENCE));
        let known = chat.map_or_else(Known::default, |chat| self.places.of(&chat));
        let around = Around {
            tenant: &Name::from("default"),
            bot: &bot(),
            licence: LICENCE,
            known: &known,
            repeats: &self.repeats,
            now: 1_780_308_000_000,
        };
        events_from_hook(&around, &envelope)
    }

    /// What is made of a chat that is read back.
    pub(super) fn past(&self, chat: &Value, since: u64) -> Vec<Incoming> {
        let chat = Chat::read(chat).expect("a chat");
        self.places.learn_chat(LICENCE, BOT, &chat);
        let around = Around {
            tenant: &Name::from("default"),
            bot: &bot(),
            licence: LICENCE,
            known: &self.places.of(&ChatId::new(&chat.id, LICENCE)),
            repeats: &self.repeats,
            now: 1_780_308_000_000,
        };
        events_from_thread(&around, &chat, since)
    }

    pub(super) fn events(&self, hook: &Value) -> Vec<Event> {
        self.hook(hook).into_iter().map(|it| it.event).collect()
    }

    pub(super) fn event(&self, hook: &Value) -> Event {
        let mut events = self.events(hook);
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0)
    }
}

pub(super) fn hook(action: &str, payload: Value) -> Value {
    json!({"webhook_id": "a1", "secret_key": "s", "action": action, "organization_id": LICENCE,
        "payload": payload, "additional_data": {}})
}

/// What a customer says in the middle of a thread.
pub(super) fn said(id: &str, text: &str) -> Value {
    hook(
        "incoming_event",
        json!({"chat_id": CHAT, "thread_id": "RT5Y6U7I8O", "event": {
            "id": id, "type": "message", "text": text, "author_id": CUSTOMER,
            "created_at": "2026-06-01T10:00:00.123456Z", "visibility": "all"}}),
    )
}

/// A chat that begins, as the document shows it.
pub(super) fn begun() -> Value {
    let customer = json!({"id": CUSTOMER, "type": "customer", "name": "Ann",
        "email": "ann@example.com", "present": true, "visit": {
            "user_agent": "Mozilla/5.0", "referrer": "https://search.example/",
            "geolocation": {"country_code": "PL", "timezone": "Europe/Warsaw"},
            "last_pages": [{"url": "https://shop.example/first", "title": "First"},
                {"url": "https://shop.example/pizza", "title": "Pizza"}]}});
    let agent = json!({"id": "agent@example.com", "type": "agent", "name": "Bob",
        "email": "agent@example.com", "present": true, "visibility": "all"});
    // The order of the list is not that of what was said.
    let events = json!([
        {"id": "RT5Y6U7I8O_2", "type": "message", "text": "pizza please", "author_id": CUSTOMER,
         "created_at": "2026-06-01T10:00:01.000000Z", "visibility": "all"},
        {"id": "RT5Y6U7I8O_1", "type": "filled_form", "form_id": "1", "author_id": CUSTOMER,
         "created_at": "2026-06-01T10:00:00.000000Z", "visibility": "all", "fields": [
            {"id": "11", "type": "name", "label": "Name:", "answer": "Ann"},
            {"id": "12", "type": "select", "label": "Topic:", "answer": {"id": "1", "label": "Food"}}]}]);
    hook(
        "incoming_chat",
        json!({"chat": {"id": CHAT, "users": [customer, agent], "access": {"group_ids": [0]},
            "thread": {"id": "RT5Y6U7I8O", "active": true, "tags": ["vip"], "events": events}}}),
    )
}
