//! What pods add, leave out or write in another way.

use serde_json::json;

use super::support::{converted, event, extra, made, message_of, presentation, sent};
use crate::connectors::symphony::wire::event::FeedBatch;
use crate::model::content::{Block, Span};
use crate::model::payload::EventPayload;

#[test]
fn a_batch_is_read_of_both_versions() {
    let batch = FeedBatch::read(br#"{"events":[null,{"type":"A"},null],"ackId":"ack-1"}"#).unwrap();
    assert_eq!(
        (batch.events.len(), batch.ack_id.as_deref()),
        (1, Some("ack-1"))
    );
    for (body, count) in [
        ("[]", 0),
        (" [null] ", 0),
        ("", 0),
        (r#"[{"type":"A"},{"type":"B"}]"#, 2),
        (r#"{"events":null,"ackId":""}"#, 0),
        (r#"{"ackId":"x"}"#, 0),
    ] {
        let batch = FeedBatch::read(body.as_bytes()).unwrap();
        assert_eq!(batch.events.len(), count, "{body}");
    }
    for body in ["<html>", r#"{"events":[{"#, "3", "\u{0}"] {
        assert!(FeedBatch::read(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn one_event_that_cannot_be_read_loses_no_other() {
    let good = sent(&presentation("hi"), "{}");
    let bad = json!({"id": 7, "messageId": "m", "timestamp": "1700000000000", "type": "MESSAGESENT",
        "initiator": "somebody", "payload": {"messageSent": []}});
    let body = json!({"events": [bad, good, [1, 2], "text"], "ackId": 12});
    let batch = FeedBatch::read(body.to_string().as_bytes()).unwrap();
    assert_eq!(batch.ack_id.as_deref(), Some("12"));
    assert_eq!(batch.events.len(), 4);
    let event = made(&bad);
    assert_eq!(event.occurred_at, 1_700_000_000_000);
    let EventPayload::Other(other) = &event.payload else {
        panic!("{event:?}")
    };
    assert_eq!(other.kind, "MESSAGESENT");
    assert!(other.json.contains("messageSent"));
    let why = extra(&event.extras, "diagnostic").unwrap();
    assert!(why.starts_with("event not readable"), "{why}");
}

#[test]
fn a_payload_that_is_not_as_its_type_says_is_other() {
    for payload in [
        json!({"messageSent": {}}),
        json!({"messageSent": {"message": 3}}),
        json!({"roomCreated": {}}),
        json!({}),
        json!(null),
        json!("x"),
    ] {
        let event = made(&event("MESSAGESENT", payload.clone()));
        assert!(matches!(event.payload, EventPayload::Other(_)), "{payload}");
    }
}

#[test]
fn numbers_may_be_texts_and_texts_numbers() {
    let mut event = sent(&presentation("hi"), "{}");
    event["timestamp"] = json!("1700000000001");
    event["initiator"]["user"]["userId"] = json!("344147139494862");
    event["initiator"]["user"]["added"] = json!({"by": "a pod"});
    let message = &mut event["payload"]["messageSent"]["message"];
    message["timestamp"] = json!("1700000000002");
    message["attachments"] = json!(null);
    message["silent"] = json!("false");
    message["stream"]["external"] = json!("true");
    message["stream"]["members"] = json!([null, {"userId": 1}]);
    let event = made(&event);
    assert_eq!(event.occurred_at, 1_700_000_000_002);
    assert_eq!(event.actor.unwrap().id, "344147139494862");
    assert!(event.conversation.unwrap().external);
}

#[test]
fn data_may_be_missing_null_an_object_or_nonsense() {
    let body = presentation(r##"<span class="entity" data-entity-id="0">#x</span> y"##);
    let entity = r##"{"0":{"type":"org.symphonyoss.taxonomy","id":[{"value":"x"}]}}"##;
    for data in [json!(entity), serde_json::from_str(entity).unwrap()] {
        let mut event = sent(&body, "");
        event["payload"]["messageSent"]["message"]["data"] = data;
        let event = made(&event);
        assert_eq!(extra(&event.extras, "diagnostic"), None);
        assert_eq!(message_of(event).hashtags, ["x"]);
    }
    for data in [
        json!(null),
        json!(""),
        json!("{}"),
        json!("null"),
        json!("  {\n}"),
    ] {
        let mut event = sent(&body, "");
        event["payload"]["messageSent"]["message"]["data"] = data;
        let event = made(&event);
        assert_eq!(extra(&event.extras, "diagnostic"), None);
        assert_eq!(message_of(event).text, "#x y");
    }
    for data in [json!("{"), json!("[1]"), json!(5)] {
        let mut event = sent(&body, "");
        event["payload"]["messageSent"]["message"]["data"] = data.clone();
        let event = made(&event);
        let why = extra(&event.extras, "diagnostic").unwrap();
        assert!(
            why.contains("entity data is not a JSON object"),
            "{data}: {why}"
        );
        assert_eq!(message_of(event).text, "#x y", "{data}");
    }
}

#[test]
fn html_entities_are_read() {
    let message = message_of(made(&sent(
        &presentation("a&nbsp;b &euro;5 &#xA0;&lt;c&gt; d & e"),
        "{}",
    )));
    assert_eq!(message.text, "a\u{a0}b €5 \u{a0}<c> d & e");
}

#[test]
fn of_a_message_that_is_not_well_formed_the_words_are_kept() {
    let data = r##"{"0":{"type":"com.symphony.user.mention","id":[{"value":77}]},"1":{"type":"com.acme.order","n":1}}"##;
    for (message, expected) in [
        ("<div><p>buy <b>10</p></div>", "buy 10"),
        ("<div>never closed", "never closed"),
        (
            "<div>a < b &amp; c &nope; &#65;</div",
            "a < b & c &nope; A</div",
        ),
        ("<div><p>one</p><ul><li>two</li></ul>", "one\n\ntwo"),
        ("<div>x<br>y</div>", "x\ny"),
        ("<!DOCTYPE x><div>z</div>", "z"),
    ] {
        let event = made(&sent(message, data));
        let why = extra(&event.extras, "diagnostic").unwrap();
        assert!(!why.is_empty(), "{message}");
        let message = message_of(event);
        assert_eq!(message.text, expected);
        assert_eq!(message.mentions[0].user_id, "77");
        assert_eq!(message.entities[0].r#type, "com.acme.order");
    }
    let event = made(&sent("", "{}"));
    assert_eq!(message_of(event).text, "");
}

#[test]
fn the_platforms_own_diagnostic_is_told() {
    let mut event = sent(&presentation("hi"), "{}");
    event["diagnostic"] = json!("could not\ndecode");
    assert_eq!(
        extra(&made(&event).extras, "diagnostic"),
        Some("could not decode")
    );
}

#[test]
fn a_large_message_is_read() {
    let text = "word ".repeat(200_000);
    let message = message_of(made(&sent(&presentation(&text), "{}")));
    assert_eq!(message.text.len(), text.trim().len());
}

#[test]
fn emoji_links_and_moments_are_named() {
    let data = r##"{"emoji1":{"type":"com.symphony.emoji","version":"1.0","data":{"shortcode":"smile","unicode":"😄"}},
        "emoji2":{"type":"com.symphony.emoji","data":{"shortcode":"never_heard"}},
        "datetime3":{"type":"org.symphonyoss","data":{"type":"org.symphonyoss.datetime"}}}"##;
    let body = presentation(
        r##"<span class="entity" data-entity-id="emoji1">😄</span> <span class="entity" data-entity-id="emoji2">:never_heard:</span> <a href="https://a.example/x">site</a> <span><time data-entity-id="datetime3" data-format="date" datetime="2024-01-01T10:00:00+01:00">2024-01-01T10:00:00+01:00</time></span>"##,
    );
    let message = message_of(made(&sent(&body, data)));
    assert_eq!(
        message.text,
        "😄 :never_heard: site (https://a.example/x) 2024-01-01"
    );
    let Block::Paragraph(spans) = &message.content[0] else {
        panic!("{message:?}")
    };
    assert!(matches!(&spans[0], Span::Emoji(code) if code == "smile"));
    assert!(
        spans
            .iter()
            .any(|span| matches!(span, Span::Link(link) if link.url == "https://a.example/x"))
    );
    assert!(
        spans
            .iter()
            .any(|span| matches!(span, Span::DateTime(date) if date.at == 1_704_099_600_000))
    );
    assert!(message.entities.is_empty());
}

#[test]
fn an_enhanced_tag_has_all_its_ids() {
    let data = r##"{"tag1":{"type":"org.symphonyoss.fin.security","version":"2.0","id":[
        {"type":"org.symphonyoss.fin.security.id.isin","value":"US38259P5089"},
        {"type":"org.symphonyoss.fin.security.id.ticker","value":"goog"},
        {"type":"org.symphonyoss.fin.security.id.fullBbgCompTicker","value":"GOOG US Equity"}]}}"##;
    let body = presentation(r##"<span class="entity" data-entity-id="tag1">$GOOG</span>"##);
    let message = message_of(made(&sent(&body, data)));
    assert_eq!(message.cashtags.len(), 1);
    assert_eq!(message.cashtags[0].ticker, "goog");
    let kinds: Vec<&str> = message.cashtags[0]
        .ids
        .iter()
        .map(|(kind, _)| kind.as_str())
        .collect();
    assert_eq!(kinds, ["isin", "ticker", "fullBbgCompTicker"]);
}

#[test]
fn custom_objects_are_entities_shown_or_not() {
    let data = r##"{"order":{"type":"com.acme.order","version":"1.2","n":1},"quiet":{"type":"com.acme.note"},
        "parlor":{"type":"dev.parlor.part","id":"b-1"},"0":{"type":"org.symphonyoss.taxonomy","id":[{"value":"x"}]}}"##;
    let body = presentation(r##"<div class="entity" data-entity-id="order">Order 1</div>"##);
    let message = message_of(made(&sent(&body, data)));
    let kinds: Vec<&str> = message
        .entities
        .iter()
        .map(|entity| entity.r#type.as_str())
        .collect();
    assert_eq!(kinds, ["com.acme.order", "com.acme.note"]);
    assert_eq!(message.entities[0].version.as_deref(), Some("1.2"));
    assert!(message.entities[0].json.contains(r#""n":1"#));
    assert_eq!(message.text, "Order 1");
}

#[test]
fn an_event_without_anybody_is_an_event() {
    let mut event = event(
        "ROOMREACTIVATED",
        json!({"roomReactivated": {"stream": null}}),
    );
    event["initiator"] = json!({});
    let found = converted(&event);
    assert_eq!(found.incoming.len(), 1);
    assert_eq!(found.incoming[0].event.actor, None);
    assert_eq!(found.incoming[0].event.conversation, None);
}
