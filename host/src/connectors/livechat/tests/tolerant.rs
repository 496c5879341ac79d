//! Webhooks of other versions, and what is no webhook.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{BOT, CUSTOMER, Heard};
use crate::connectors::livechat::wire::Envelope;
use crate::model::payload::{ConversationChanged, EventPayload};

/// An envelope of chat.io: `data` in place of `payload`, and no licence.
fn old(action: &str, data: Value) -> Value {
    json!({"webhook_id": "w", "secret_key": "s", "action": action, "data": data})
}

#[test]
fn chat_io_s_webhooks_are_read() {
    let heard = Heard::default();
    let event = json!({"id": "e1", "order": 2, "type": "message", "author_id": CUSTOMER,
        "timestamp": 1_510_000_000, "text": "pizza", "recipients": "all"});
    let made = heard.event(&old(
        "incoming_event",
        json!({"chat_id": "c1", "event": event}),
    ));
    assert!(matches!(&made.payload, EventPayload::Message(it) if it.text == "pizza"));
    assert_eq!(made.occurred_at, 1_510_000_000_000);
    let first = json!({"id": "e0", "order": 1, "type": "message", "author_id": BOT,
        "timestamp": 1_510_000_001, "text": "welcome", "recipients": "all"});
    let thread = json!({"id": "t", "active": true, "order": 1, "events": [event, first]});
    let users = json!([{"id": CUSTOMER, "type": "customer", "name": "Ann"}]);
    let chat = json!({"chat": {"id": "c1", "users": users, "thread": thread}});
    let events = heard.events(&old("incoming_chat_thread", chat));
    assert_eq!(events.len(), 2, "the chat, and what the customer said");
    let closed = heard.event(&old(
        "thread_closed",
        json!({"chat_id": "c1", "thread_id": "t"}),
    ));
    assert_eq!(
        closed.payload,
        EventPayload::ConversationChanged(ConversationChanged::Closed)
    );
}

#[test]
fn an_envelope_may_name_the_licence_by_number() {
    let body = json!({"action": "incoming_event", "license_id": 7, "payload": {}});
    let envelope = Envelope::read(body.to_string().as_bytes()).unwrap();
    assert_eq!(envelope.licences, ["7"]);
    assert_eq!(envelope.secret, "");
    for none in [
        "",
        "[]",
        "null",
        "{\"payload\":{}}",
        "{\"action\":{}}",
        "\u{feff}{}",
    ] {
        assert!(Envelope::read(none.as_bytes()).is_none(), "{none}");
    }
}

#[test]
fn odd_values_are_as_if_they_were_not_there() {
    let heard = Heard::default();
    for (action, payload) in [
        (
            "incoming_event",
            json!({"chat_id": 7, "event": {"id": 3, "type": null, "text": {}}}),
        ),
        ("incoming_event", json!({"event": "e"})),
        ("incoming_event", json!(null)),
        (
            "incoming_chat",
            json!({"chat": {"id": "c", "users": {}, "thread": []}}),
        ),
        (
            "incoming_chat",
            json!({"chat": {"id": "c", "users": [null, 1], "thread": {"id": "t",
                "events": [null, {"id": "e", "created_at": "yesterday"}]}}}),
        ),
        (
            "event_updated",
            json!({"chat_id": "c", "event": {"id": "e", "type": "custom"}}),
        ),
        ("event_deleted", json!({"chat_id": "c"})),
        (
            "chat_transferred",
            json!({"chat_id": "c", "queue": {"position": -1}}),
        ),
        (
            "user_added_to_chat",
            json!({"chat_id": "c", "user": {"name": "no id"}}),
        ),
        (
            "incoming_rich_message_postback",
            json!({"chat_id": "c", "postback": {}}),
        ),
        ("routing_status_set", json!({"agent_id": "a"})),
        ("of_the_year_2030", json!([1, 2])),
    ] {
        let hook = json!({"action": action, "secret_key": "s", "payload": payload});
        let events = heard.events(&hook);
        let is_heard = action != "incoming_event" || payload["chat_id"] == 7;
        assert!(!events.is_empty() || !is_heard, "{hook}");
    }
}

/// JSON of any shape, with names that are looked for.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z@:_0-9-]{0,12}".prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "chat",
        "chat_id",
        "thread",
        "thread_id",
        "event",
        "events",
        "id",
        "type",
        "text",
        "author_id",
        "users",
        "user",
        "user_id",
        "postback",
        "fields",
        "answer",
        "visit",
        "last_pages",
        "url",
        "created_at",
        "timestamp",
        "transferred_to",
        "queue",
        "position",
        "access",
        "group_ids",
        "tags",
        "agent_id",
        "status",
        "event_id",
        "order",
    ]);
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..8).prop_map(|pairs| {
                let pairs = pairs.into_iter();
                Value::Object(
                    pairs
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

fn any_action() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "incoming_chat",
        "incoming_event",
        "event_updated",
        "event_deleted",
        "chat_deactivated",
        "chat_transferred",
        "user_added_to_chat",
        "user_removed_from_chat",
        "thread_tagged",
        "incoming_rich_message_postback",
        "routing_status_set",
        "incoming_typing_indicator",
        "x",
    ])
}

proptest! {
    #[test]
    fn nothing_that_is_sent_breaks_the_reader(payload in any_json(), action in any_action()) {
        let heard = Heard::default();
        let hook = json!({"action": action, "secret_key": "s", "payload": payload});
        let first: Vec<_> = heard.hook(&hook).iter().map(|it| it.key).collect();
        let again: Vec<_> = heard.hook(&hook).iter().map(|it| it.key).collect();
        prop_assert_eq!(first, again, "told again it has the same keys");
    }
}
