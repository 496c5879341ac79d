//! Every kind of event that the platform has reaches a plugin, as what it means.

use std::time::Instant;

use parlor_tests::harness::PATIENCE;
use serde_json::json;

use crate::cloud::Cloud;

/// Waits until the guest has heard an event of this kind with this in it.
async fn is_heard(cloud: &Cloud, kind: &str, wanted: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let before = cloud.sim.sent_count();
        cloud.sim.say_direct("ada", &format!("seen {kind}"));
        let told = cloud.says(before, "").await.text;
        if told.to_lowercase().contains(&wanted.to_lowercase()) {
            return;
        }
        assert!(Instant::now() < until, "no {kind} with {wanted}: {told}");
    }
}

async fn every_kind_is_heard(cloud: Cloud) {
    let said = cloud.sim.say_to_bot("Desk", "grace", "hello there");
    is_heard(&cloud, "message", "hello there").await;
    cloud.sim.act("delete", json!({"message_id": said}));
    is_heard(&cloud, "message-deleted", &said).await;
    cloud.sim.act(
        "member",
        json!({"room": "Desk", "user": "heidi", "change": "add", "by": "grace"}),
    );
    is_heard(&cloud, "member-changed", "heidi").await;
    cloud.sim.act(
        "member",
        json!({"room": "Desk", "user": "heidi", "change": "promote", "by": "grace"}),
    );
    is_heard(&cloud, "member-changed", "promoted").await;
    cloud.sim.act(
        "member",
        json!({"room": "Desk", "user": "heidi", "change": "remove", "by": "grace"}),
    );
    is_heard(&cloud, "member-changed", "left").await;
    cloud.sim.act(
        "rename",
        json!({"room": "Desk", "title": "Desk 2", "user": "grace"}),
    );
    is_heard(&cloud, "conversation-changed", "updated").await;
    // The bot itself is taken out.
    cloud.sim.act(
        "member",
        json!({"room": "Desk 2", "user": "bot", "change": "remove", "by": "grace"}),
    );
    is_heard(&cloud, "member-changed", "is-self: true").await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_heard_by_webhook() {
    every_kind_is_heard(Cloud::with(&["kinds"]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_heard_by_websocket() {
    every_kind_is_heard(Cloud::with_socket(&["kinds"]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_are_heard_by_websocket() {
    let cloud = Cloud::with_socket(&["kinds"]).await;
    let said = cloud.sim.say_direct("ada", "first");
    is_heard(&cloud, "message", "first").await;
    cloud
        .sim
        .act("edit", json!({"message_id": said, "text": "second"}));
    is_heard(&cloud, "message-edited", "second").await;
    cloud.stop().await;
}
