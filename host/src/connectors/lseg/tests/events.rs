//! Frames as events, and the keys by which they are known again.

use serde_json::{Value, json};

use crate::connectors::lseg::convert::{Heard, Reading, read_frame};
use crate::mailbox::Incoming;
use crate::model::Name;
use crate::model::event::{Addressing, Bot, ConversationKind, UserKind};
use crate::model::payload::{EventPayload, MemberChange};

const NOW: u64 = 1_800_000_000_000;

fn heard_at(frame: &str, now: u64) -> Heard {
    let bot = Bot {
        name: "desk".to_owned(),
        platform: "lseg".to_owned(),
        user_id: "bot_agent.desk@acme.com".to_owned(),
        display_name: "Desk Bot".to_owned(),
    };
    heard_by(&bot, frame, now)
}

fn heard_by(bot: &Bot, frame: &str, now: u64) -> Heard {
    let name = |id: &str| (id == "groupchat-1").then(|| "Desk".to_owned());
    read_frame(
        frame.as_bytes(),
        &Reading {
            tenant: &Name::from("default"),
            bot,
            now,
            name: &name,
            first: &|_| now,
        },
    )
}

/// A post with this id.
pub(in crate::connectors::lseg) fn said(id: &str) -> Incoming {
    let mut frame = post("hello");
    frame["post"]["messageId"] = json!(id);
    happened(&frame)
}

#[test]
fn two_bots_in_one_room_hear_each_for_itself() {
    let keys = ["desk", "ops"].map(|name| {
        let bot = Bot {
            name: name.to_owned(),
            platform: "lseg".to_owned(),
            user_id: format!("bot_agent.{name}@acme.com"),
            display_name: name.to_owned(),
        };
        match heard_by(&bot, &post("hello").to_string(), NOW) {
            Heard::Happened(incoming) => (incoming.key, incoming.event.id),
            other => panic!("{other:?}"),
        }
    });
    assert_ne!(keys[0].0, keys[1].0);
    assert_ne!(keys[0].1, keys[1].1);
}

fn heard(frame: &Value) -> Heard {
    heard_at(&frame.to_string(), NOW)
}

fn happened(frame: &Value) -> Incoming {
    match heard(frame) {
        Heard::Happened(incoming) => *incoming,
        other => panic!("{frame}: {other:?}"),
    }
}

fn post(text: &str) -> Value {
    json!({"event": "chatroomPost", "post": {
        "chatroomId": "groupchat-1", "chatroomType": "chatroom",
        "sender": {"email": "Jane@Example.com"}, "message": text,
        "messageId": "m1", "timestamp": "2019-11-21T07:11:24Z",
    }})
}

#[test]
fn a_post_is_a_message_in_its_room() {
    let event = happened(&post("hello $goog #news")).event;
    assert_eq!(event.id, "lseg:desk:post:m1");
    assert_eq!(event.occurred_at, 1_574_320_284_000);
    let place = event.conversation.unwrap();
    assert_eq!(
        (place.id.as_str(), place.kind),
        ("groupchat-1", ConversationKind::Room)
    );
    assert_eq!(place.name.as_deref(), Some("Desk"));
    assert!(place.external, "who else is there is not known");
    let actor = event.actor.unwrap();
    assert_eq!(
        (actor.id.as_str(), actor.kind),
        ("jane@example.com", UserKind::Human)
    );
    assert_eq!(actor.email.as_deref(), Some("Jane@Example.com"));
    assert_eq!(event.addressing, Addressing::Ambient);
    let EventPayload::Message(message) = event.payload else {
        panic!("it is a message");
    };
    assert_eq!(message.text, "hello $goog #news");
    assert_eq!(message.cashtags[0].ticker, "goog");
    assert_eq!(message.hashtags, ["news"]);
}

#[test]
fn the_own_mention_is_taken_out_by_name_and_by_address() {
    for text in [
        "@Desk Bot /joke",
        "@desk bot, /joke",
        "@bot_agent.desk@acme.com /joke",
        "/joke @Desk Bot",
    ] {
        let event = happened(&post(text)).event;
        assert_eq!(event.addressing, Addressing::Mention, "{text}");
        let EventPayload::Message(message) = event.payload else {
            panic!("it is a message");
        };
        assert_eq!(message.text, "/joke", "{text}");
        assert_eq!(message.mentions[0].user_id, "bot_agent.desk@acme.com");
    }
}

#[test]
fn own_posts_are_dropped_and_other_bots_are_known() {
    let mut own = post("hello");
    own["post"]["sender"]["email"] = json!("Bot_Agent.Desk@ACME.com");
    assert!(matches!(heard(&own), Heard::Nothing));
    let mut other = post("hello");
    other["post"]["sender"]["email"] = json!("bot_agent.other@acme.com");
    assert_eq!(happened(&other).event.actor.unwrap().kind, UserKind::Bot);
}

#[test]
fn a_post_that_comes_again_has_its_old_key() {
    let first = happened(&post("hello"));
    let Heard::Happened(again) = heard_at(&post("hello").to_string(), NOW + 60_000) else {
        panic!("it is an event");
    };
    assert_eq!(first.key, again.key);
    let mut other = post("hello");
    other["post"]["messageId"] = json!("m2");
    assert_ne!(first.key, happened(&other).key);
    let mut elsewhere = post("hello");
    elsewhere["post"]["chatroomId"] = json!("groupchat-2");
    assert_ne!(first.key, happened(&elsewhere).key, "an id is its room's");
    // Without an id the moment tells two apart.
    let bare = |stamp: &str| {
        let mut bare = post("hello");
        bare["post"]["messageId"] = Value::Null;
        bare["post"]["timestamp"] = json!(stamp);
        happened(&bare).key
    };
    assert_eq!(bare("2019-11-21T07:11:24Z"), bare("2019-11-21T07:11:24Z"));
    assert_ne!(bare("2019-11-21T07:11:24Z"), bare("2019-11-21T07:11:25Z"));
}

#[test]
fn moments_are_texts_or_numbers() {
    let at = |stamp: Value| {
        let mut frame = post("hello");
        frame["post"]["timestamp"] = stamp;
        happened(&frame).event.occurred_at
    };
    assert_eq!(at(json!(1_574_320_284)), 1_574_320_284_000);
    assert_eq!(at(json!(1_574_320_284_123_u64)), 1_574_320_284_123);
    assert_eq!(at(json!("1574320284123")), 1_574_320_284_123);
    assert_eq!(at(json!("2019-11-21T08:11:24+01:00")), 1_574_320_284_000);
    assert_eq!(at(json!("yesterday")), NOW);
    assert_eq!(at(Value::Null), NOW);
}

#[test]
fn an_invitation_is_one_of_the_bot() {
    let frame = |status: &str| {
        json!({"event": "chatroomInvite", "invite": {
            "chatroomId": "groupchat-2", "chatroomType": "chatroom",
            "from": {"email": "jane@example.com", "company": "Example"}, "status": status,
        }})
    };
    let Heard::Invited {
        room,
        is_open,
        incoming,
    } = heard(&frame("pending"))
    else {
        panic!("it is an invitation");
    };
    assert!(is_open);
    assert_eq!(room, "groupchat-2");
    let event = incoming.event;
    assert_eq!(event.extras[0].value, "Example");
    let EventPayload::MemberChanged(changed) = event.payload else {
        panic!("it is a change of members");
    };
    assert_eq!(
        (changed.change, changed.is_self),
        (MemberChange::Invited, true)
    );
    assert!(matches!(
        heard(&frame("accepted")),
        Heard::Invited { is_open: false, .. }
    ));
}

#[test]
fn answers_and_errors_are_told_apart() {
    let connected = json!({"event": "connected", "reqId": "943378"});
    assert!(matches!(heard(&connected), Heard::Connected(Some(id)) if id == "943378"));
    let connected = json!({"event": "connected", "reqId": 943378});
    assert!(matches!(heard(&connected), Heard::Connected(Some(id)) if id == "943378"));
    for error in [
        json!({"event": "error", "reqId": "1", "error": {"code": "401", "message": "token expired"}}),
        json!({"reqId": "1", "error": "token expired"}),
    ] {
        let Heard::Failed { request, why, .. } = heard(&error) else {
            panic!("{error}");
        };
        assert_eq!(
            (request.as_deref(), why.as_str()),
            (Some("1"), "token expired")
        );
    }
    assert!(matches!(heard(&json!({"reqId": "1"})), Heard::Nothing));
    let is_denied = |error: Value| match heard(&json!({ "error": error })) {
        Heard::Failed { is_denied, .. } => Some(is_denied),
        _ => None,
    };
    assert_eq!(is_denied(json!({"code": "403"})), Some(true));
    assert_eq!(is_denied(json!({"code": 503})), Some(false));
    assert_eq!(is_denied(json!("busy")), Some(false));
    for none in [json!(null), json!(false), json!(""), json!({})] {
        assert_eq!(is_denied(none.clone()), None, "{none}");
    }
    let mut fine = post("hello");
    fine["error"] = json!(false);
    happened(&fine);
    let long = json!({ "error": "x".repeat(10_000) });
    assert!(matches!(heard(&long), Heard::Failed { why, .. } if why.len() == 300));
}

#[test]
fn what_is_not_known_is_told_as_it_is_and_what_is_broken_is_nothing() {
    let event = happened(&json!({"event": "chatroomRenamed", "x": 1})).event;
    let EventPayload::Other(other) = event.payload else {
        panic!("it is another event");
    };
    assert_eq!(other.kind, "chatroomRenamed");
    for broken in [
        "",
        "null",
        "[]",
        "1",
        "{}",
        "{\"event\":7}",
        "{\"event\":\"chatroomPost\"}",
        "{\"event\":\"chatroomPost\",\"post\":{\"chatroomId\":\"\",\"message\":\"x\"}}",
        "{\"event\":\"chatroomPost\",\"post\":{\"chatroomId\":\"r\",\"message\":null}}",
        "{\"event\":\"chatroomInvite\",\"invite\":[]}",
        "{\"event\":",
    ] {
        assert!(matches!(heard_at(broken, NOW), Heard::Nonsense), "{broken}");
    }
}

#[test]
fn a_post_without_a_sender_is_somebodys() {
    let mut frame = post("hello");
    frame["post"]["sender"] = Value::Null;
    assert_eq!(happened(&frame).event.actor, None);
}
