//! What is asked, in each version's words.

use serde_json::{Map, Value, json};

use crate::connectors::livechat::config::Version;
use crate::connectors::livechat::dialect::{
    By, Call, add, close, join, remove, send_event, tag, transfer, typing,
};
use crate::connectors::livechat::places::Part;
use crate::model::action::TransferTarget;

const NEW: Version = Version::Three(6);
const OLD: Version = Version::ChatIo(3);

fn asked(call: &Call, version: Version) -> (String, Value) {
    (call.path(version), call.wrapped(version, "bot"))
}

fn message() -> Map<String, Value> {
    let event = json!({"type": "message", "text": "Pizza is on the way!"});
    event.as_object().cloned().unwrap()
}

#[test]
fn versions_are_those_that_are_spoken() {
    for (text, version) in [
        ("3.6", Some(NEW)),
        ("3.4", Some(Version::Three(4))),
        ("3.7", Some(Version::Three(7))),
        ("0.3", Some(OLD)),
        ("0.4", Some(Version::ChatIo(4))),
        ("3.3", None),
        ("3.8", None),
        ("0.5", None),
        ("3", None),
        ("", None),
        ("v3.6", None),
    ] {
        assert_eq!(Version::parse(text), version, "{text}");
    }
    assert!(NEW.has_bot_tokens() && !Version::Three(5).has_bot_tokens());
}

#[test]
fn the_pizza_bot_asks_as_it_did() {
    let calls = [
        join(OLD, "c", "bot", Part::Agents),
        send_event(OLD, "c", message(), Part::Agents),
        remove(OLD, "c", "bot"),
    ];
    let found: Vec<_> = calls.iter().map(|call| asked(call, OLD)).collect();
    let wrapped = |action: &str, payload: Value| {
        let path = format!("agent/v0.3/action/{action}");
        (path, json!({"author_id": "bot", "payload": payload}))
    };
    let event = json!({"type": "message", "text": "Pizza is on the way!", "recipients": "agents"});
    assert_eq!(
        found,
        [
            wrapped("join_chat", json!({"chat_id": "c", "agent_ids": ["bot"]})),
            wrapped("send_event", json!({"chat_id": "c", "event": event})),
            wrapped(
                "remove_from_chat",
                json!({"chat_id": "c", "agent_ids": ["bot"]})
            ),
        ]
    );
}

#[test]
fn the_same_is_asked_today_with_the_right_that_each_call_needs() {
    let call = join(NEW, "c", "bot", Part::Agents);
    assert_eq!(call.by, By::Owner);
    let body = json!({"chat_id": "c", "user_id": "bot", "user_type": "agent",
        "visibility": "agents", "ignore_requester_presence": true});
    let path = "v3.6/agent/action/add_user_to_chat".to_owned();
    assert_eq!(asked(&call, NEW), (path, body));
    let call = send_event(NEW, "c", message(), Part::Agents);
    assert_eq!(call.by, By::Bot);
    assert_eq!(call.body["event"]["visibility"], "agents");
    let call = remove(NEW, "c", "bot");
    let path = "v3.7/agent/action/remove_user_from_chat";
    assert_eq!(call.path(Version::Three(7)), path);
    assert_eq!(call.body["user_type"], "agent");
}

#[test]
fn chats_are_closed_handed_on_and_tagged() {
    assert_eq!(close(NEW, "c").body["id"], "c");
    assert_eq!(close(OLD, "c").action, "close_thread");
    let group = TransferTarget::Group("7".to_owned());
    let call = transfer(NEW, "c", &group).unwrap();
    assert_eq!(call.body["target"], json!({"type": "group", "ids": [7]}));
    let agent = TransferTarget::Agent("a@b.c".to_owned());
    let call = transfer(NEW, "c", &agent).unwrap();
    assert_eq!(
        call.body["target"],
        json!({"type": "agent", "ids": ["a@b.c"]})
    );
    assert!(transfer(OLD, "c", &agent).is_none());
    let call = tag(NEW, "c", "t", "vip", true).unwrap();
    assert_eq!(
        (call.action.as_str(), &call.body["thread_id"]),
        ("tag_thread", &json!("t"))
    );
    assert_eq!(
        tag(NEW, "c", "t", "vip", false).unwrap().action,
        "untag_thread"
    );
    assert!(tag(OLD, "c", "t", "vip", true).is_none());
    assert_eq!(typing(OLD, "c", true).body["recipients"], "all");
    assert_eq!(add(NEW, "c", "a@b.c", Part::All).body["visibility"], "all");
}

#[test]
fn settings_have_addresses_of_their_own() {
    let call = Call::configuration("agents/create_bot_agent", json!({"name": "x"}));
    let path = "configuration/v0.3/agents/create_bot_agent".to_owned();
    assert_eq!(asked(&call, OLD), (path, json!({"name": "x"})));
    let call = Call::configuration("create_bot", json!({"name": "x"}));
    assert_eq!(call.path(NEW), "v3.6/configuration/action/create_bot");
}
