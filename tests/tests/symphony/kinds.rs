//! Every type of event that the platform has reaches a plugin, as what it means.

use std::time::Instant;

use parlor_host::mailbox::{Clock as _, SystemClock};
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::Sent;
use serde_json::{Value, json};

use crate::bank::Bank;

/// Waits until the guest has heard an event of this kind with this in it.
async fn is_heard(bank: &Bank, cause: &str, kind: &str, wanted: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let before = bank.sim.sent_count();
        bank.sim.say_im("ada", &format!("seen {kind}"));
        let told = bank.does(before, |sent| {
            sent.kind == "message" && sent.conversation == "im of ada"
        });
        let told = told.await.text;
        let (told_small, wanted_small) = (told.to_lowercase(), wanted.to_lowercase());
        if told_small.contains(&wanted_small) {
            return;
        }
        assert!(
            Instant::now() < until,
            "{cause}: no {kind} with {wanted}: {told}"
        );
    }
}

/// As the platform shows a room in events.
fn room(id: &str) -> Value {
    json!({"streamId": id, "streamType": "ROOM", "roomName": "Desk", "external": false, "crossPod": false})
}

#[tokio::test(flavor = "multi_thread")]
async fn all_seventeen_types_reach_a_plugin() {
    let bank = Bank::with(&["kinds", "activities"]).await;
    let sim = &bank.sim;
    let said = sim.say("Desk", "ada", "hello there");
    is_heard(&bank, "MESSAGESENT", "message", "hello there").await;

    let wall = json!({"conversation": "wall", "kind": "post", "user": "ada", "text": "original"});
    let original = sim.say_with(wall).message_id;
    sim.say_with(json!({
        "conversation": "wall of grace", "kind": "post", "user": "grace", "text": "look",
        "share": original,
    }));
    is_heard(&bank, "SHAREDPOST", "message", "original").await;

    sim.act("suppress", json!({"message_id": said.message_id}));
    is_heard(
        &bank,
        "MESSAGESUPPRESSED",
        "message-deleted",
        &said.message_id,
    )
    .await;

    sim.say_im("heidi", "hello");
    is_heard(
        &bank,
        "INSTANTMESSAGECREATED",
        "conversation-changed",
        "created",
    )
    .await;
    let event = |kind: &str, payload: Value| {
        sim.act(
            "event",
            json!({"type": kind, "user": "ada", "payload": payload}),
        );
    };
    let here = room(&said.stream_id);
    let renamed = json!({"name": "Desk 2", "description": "daily"});
    event(
        "ROOMUPDATED",
        json!({"roomUpdated": {"stream": here.clone(), "newRoomProperties": renamed}}),
    );
    is_heard(&bank, "ROOMUPDATED", "conversation-changed", "updated").await;
    let active = |is_active: bool| {
        sim.act("room", json!({"conversation": "Desk", "active": is_active}));
    };
    active(false);
    is_heard(&bank, "ROOMDEACTIVATED", "conversation-changed", "closed").await;
    active(true);
    is_heard(&bank, "ROOMREACTIVATED", "conversation-changed", "reopened").await;
    event(
        "ROOMCREATED",
        json!({"roomCreated": {"stream": here.clone(), "roomProperties": {"name": "Desk"}}}),
    );
    is_heard(&bank, "ROOMCREATED", "conversation-changed", "created").await;

    sim.act(
        "member",
        json!({"conversation": "Desk", "user": "bot", "change": "promote", "by": "ada"}),
    );
    for (kind, change, wanted) in [
        ("USERREQUESTEDTOJOINROOM", "request", "joinrequested"),
        ("USERJOINEDROOM", "join", "joined"),
        ("ROOMMEMBERPROMOTEDTOOWNER", "promote", "promoted"),
        ("ROOMMEMBERDEMOTEDFROMOWNER", "demote", "demoted"),
        ("USERLEFTROOM", "leave", "left"),
    ] {
        sim.act(
            "member",
            json!({"conversation": "Desk", "user": "frank", "change": change}),
        );
        is_heard(&bank, kind, "member-changed", wanted).await;
    }

    sim.act(
        "connection",
        json!({"user": "eve@other.com", "change": "request"}),
    );
    is_heard(&bank, "CONNECTIONREQUESTED", "contact-changed", "requested").await;
    event(
        "CONNECTIONACCEPTED",
        json!({"connectionAccepted": {"fromUser": {"userId": sim.bot_id(), "displayName": "Trade Bot"}}}),
    );
    is_heard(&bank, "CONNECTIONACCEPTED", "contact-changed", "accepted").await;

    // What is submitted goes to whose form it is.
    let before = sim.sent_count();
    sim.say_im("grace", "/form");
    let is_form = |sent: &Sent| sent.raw.to_string().contains("hello-form");
    let form = bank.does(before, is_form).await;
    sim.submit(
        "im of grace",
        "grace",
        "hello-form",
        "submit",
        json!({"name": "Grace"}),
    );
    bank.says(form.n, "Hello, Grace").await;
    event(
        "GENERICSYSTEMEVENT",
        json!({"genericSystemEvent": {
            "stream": here, "eventTimestamp": SystemClock.now(), "sourceSystem": "federation",
            "eventSubtype": "some.event", "parameters": {"any": "value"},
        }}),
    );
    is_heard(&bank, "GENERICSYSTEMEVENT", "other", "some.event").await;
    bank.stop().await;
}
