//! Where the bot is: by name, by list, by invitation, and again after it was dropped.

use std::time::Duration;

use parlor_host::mailbox::control::BotState;
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::Fault;
use serde_json::json;

use crate::desk::{Desk, fast};

/// How long nothing has to happen.
const MOMENT: Duration = Duration::from_millis(1_500);

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_the_bot_is_dragged_into_later_is_joined_by_the_schedule() {
    let sim = fast().await;
    let desk = Desk::on(sim, "rooms = [\"Desk\"]\nrejoin-secs = 1", &["echo"]).await;
    desk.sim.room("Desk");
    desk.sim.room("Ops");
    desk.joins("Desk").await;
    assert!(!desk.sim.has_joined("Ops"));
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_drop_is_mended_by_the_schedule() {
    let sim = fast().await;
    sim.room("Desk");
    let desk = Desk::on(sim, "rooms = [\"Desk\"]\nrejoin-secs = 1", &["echo"]).await;
    desk.joins("Desk").await;
    desk.sim.act("grey", json!({"conversation": "Desk"}));
    assert!(!desk.sim.has_joined("Desk"));
    desk.joins("Desk").await;
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "hello");
    desk.says(before, "Hello").await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_drop_is_mended_by_the_next_message() {
    let sim = fast().await;
    sim.room("Lobby");
    let room = sim.room("Desk");
    let desk = Desk::on(sim, "rooms = \"listed\"", &["actions"]).await;
    desk.joins("Lobby").await;
    desk.joins("Desk").await;
    desk.sim.act("grey", json!({"conversation": "Desk"}));
    let before = desk.sim.sent_count();
    desk.sim
        .say("Lobby", "ada", &format!("/do send-conversation {room}"));
    let said = desk.says(before, "to a conversation").await;
    assert_eq!(said.conversation, "Desk");
    assert!(desk.sim.has_joined("Desk"));
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_drop_that_cannot_be_mended_at_once_is_mended_later() {
    let sim = fast().await;
    sim.room("Lobby");
    let room = sim.room("Desk");
    let desk = Desk::on(sim, "rooms = \"listed\"", &["actions"]).await;
    desk.joins("Lobby").await;
    desk.joins("Desk").await;
    desk.sim.act("grey", json!({"conversation": "Desk"}));
    for fault in [
        Fault::default().status(503),
        Fault::default().drop(),
        Fault::default().status(429),
    ] {
        desk.sim.fault(Fault {
            matching: "POST */join".to_owned(),
            ..fault
        });
    }
    let before = desk.sim.sent_count();
    desk.sim
        .say("Lobby", "ada", &format!("/do send-conversation {room}"));
    let said = desk.says(before, "to a conversation").await;
    assert_eq!(said.conversation, "Desk");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_listed_and_joined_on_every_connect() {
    let sim = fast().await;
    sim.room("Desk");
    let desk = Desk::on(sim, "rooms = [\"Desk\"]", &["echo"]).await;
    desk.joins("Desk").await;
    // What drops the stream drops the bot out of its rooms, and nobody says so.
    desk.sim.act("grey", json!({"conversation": "Desk"}));
    assert_eq!(desk.sim.cut(), 1);
    desk.joins("Desk").await;
    assert_eq!(
        desk.sim
            .sent_after(0)
            .iter()
            .filter(|sent| sent.kind == "leave")
            .count(),
        0
    );
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_was_left_on_purpose_stays_left() {
    let data = tempfile::tempdir().expect("a folder");
    let sim = fast().await;
    sim.room("Lobby");
    sim.room("Desk");
    let more = "rooms = [\"Lobby\"]\nrejoin-secs = 1";
    let desk = Desk::in_folder(sim, data.path(), more, &["actions"]).await;
    desk.joins("Lobby").await;
    let room = desk.sim.room("Desk");
    desk.sim.say("Lobby", "ada", &format!("/do join {room}"));
    desk.joins("Desk").await;
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "/do leave");
    desk.does(before, |sent| sent.kind == "leave").await;
    let is_joined = |sim: &parlor_tests::sim::lseg::Lseg| sim.has_joined("Desk");
    assert!(
        !desk.sim.comes_to(MOMENT, is_joined).await,
        "the schedule passes it over"
    );
    desk.sim.cut();
    desk.until(BotState::Connected).await;
    assert!(
        !desk.sim.comes_to(MOMENT, is_joined).await,
        "a new connection too"
    );
    let sim = desk.stop().await;
    // Whatever the settings say now.
    let more = "rooms = \"listed\"\nrejoin-secs = 1";
    let desk = Desk::in_folder(sim, data.path(), more, &[]).await;
    desk.joins("Lobby").await;
    assert!(!desk.sim.comes_to(MOMENT, is_joined).await, "a restart too");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_a_plugin_joined_is_joined_again_after_a_drop() {
    let sim = fast().await;
    sim.room("Lobby");
    let room = sim.room("Desk");
    let more = "rooms = [\"Lobby\"]\nrejoin-secs = 1";
    let desk = Desk::on(sim, more, &["actions"]).await;
    desk.joins("Lobby").await;
    desk.sim.say("Lobby", "ada", &format!("/do join {room}"));
    desk.joins("Desk").await;
    desk.sim.act("grey", json!({"conversation": "Desk"}));
    desk.joins("Desk").await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_told_and_accepted_where_the_settings_say_so() {
    for accepts in [false, true] {
        let sim = fast().await;
        sim.room("Lobby");
        let more = format!("rooms = [\"Lobby\"]\naccept-invites = {accepts}");
        let desk = Desk::on(sim, &more, &["kinds"]).await;
        desk.joins("Lobby").await;
        // That it has come in there is told before.
        desk.sees("Lobby", "member-changed", "joined").await;
        let invite = json!({"conversation": "Desk", "user": "bot", "change": "invite"});
        desk.sim.act("member", invite);
        if accepts {
            desk.joins("Desk").await;
        } else {
            let is_joined = |sim: &parlor_tests::sim::lseg::Lseg| sim.has_joined("Desk");
            assert!(!desk.sim.comes_to(MOMENT, is_joined).await);
        }
        let change = if accepts { "joined" } else { "invited" };
        desk.sees("Lobby", "member-changed", change).await;
        desk.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_of_before_are_accepted_where_they_can_be_listed() {
    let sim = fast().await;
    sim.set(json!({"lists_invites": true}));
    let invite = json!({"conversation": "Desk", "user": "bot", "change": "invite"});
    sim.act("member", invite);
    let desk = Desk::on(sim, "accept-invites = true", &[]).await;
    desk.joins("Desk").await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bots_coming_in_is_told_once_and_not_again_after_a_restart() {
    let data = tempfile::tempdir().expect("a folder");
    let sim = fast().await;
    sim.room("Desk");
    let more = "rooms = \"listed\"\nrejoin-secs = 1";
    let desk = Desk::in_folder(sim, data.path(), more, &["kinds"]).await;
    desk.joins("Desk").await;
    desk.sees("Desk", "member-changed", "joined").await;
    let sim = desk.stop().await;
    let desk = Desk::in_folder(sim, data.path(), more, &["kinds"]).await;
    desk.joins("Desk").await;
    let seen = desk.seen("Desk", "member-changed").await;
    assert!(
        !seen.to_lowercase().contains("joined"),
        "told again: {seen}"
    );
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_comes_into_the_list_is_told() {
    let sim = fast().await;
    sim.room("Lobby");
    let desk = Desk::on(sim, "rooms = [\"Lobby\"]\nrejoin-secs = 1", &["kinds"]).await;
    desk.joins("Lobby").await;
    desk.sim.room("Ops");
    let asked = desk.sim.request_count();
    for _ in 0..2 {
        let listed = |it: &parlor_tests::sim::Logged| it.path.ends_with("/managed_chatrooms");
        desk.sim
            .request_like(asked, PATIENCE, listed)
            .await
            .expect("it is listed again");
    }
    desk.sees("Lobby", "conversation-changed", "created").await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn managed_rooms_have_paths_of_their_own() {
    let sim = fast().await;
    sim.act(
        "room",
        json!({"conversation": "Compliance", "kind": "managed"}),
    );
    let desk = Desk::on(sim, "rooms = [\"Compliance\"]", &["echo"]).await;
    desk.joins("Compliance").await;
    let before = desk.sim.sent_count();
    desk.sim.say("Compliance", "ada", "hello");
    desk.says(before, "Hello").await;
    let asked = desk.asked().join("\n");
    assert!(asked.contains("/managed_chatrooms/groupchat-"), "{asked}");
    assert!(!asked.contains("/chatrooms/groupchat-"), "{asked}");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_without_managed_rooms_has_the_others() {
    let sim = fast().await;
    sim.set(json!({"no_managed": true}));
    sim.room("Desk");
    let desk = Desk::on(sim, "rooms = [\"Desk\"]", &["echo"]).await;
    desk.joins("Desk").await;
    desk.stop().await;
}
