//! Joins, lists and invitations that go wrong: none of them keeps the bot out of another room.

use std::time::Duration;

use parlor_host::mailbox::control::BotState;
use parlor_host::web::Watched;
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::lseg::{Lseg, TOKEN_PATH};
use parlor_tests::sim::{Fault, Logged};
use serde_json::json;

use crate::alone::connector;
use crate::desk::{Desk, fast};

/// How long nothing has to happen.
const MOMENT: Duration = Duration::from_millis(1_500);

/// Waits until the rooms were listed so often again.
async fn is_listed(desk: &Desk, times: usize) {
    let listed = |it: &Logged| it.path.ends_with("/managed_chatrooms");
    for _ in 0..times {
        let asked = desk.sim.request_count();
        let found = desk.sim.request_like(asked, PATIENCE, listed).await;
        assert!(found.is_some(), "it is not listed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_cannot_be_joined_keeps_the_bot_out_of_no_other() {
    for fault in [
        Fault::default().status(500),
        Fault::default().status(401),
        Fault::default().status(403),
        Fault::default().html(200),
    ] {
        let sim = fast().await;
        // The first of the list.
        let broken = sim.room("Broken");
        sim.room("Desk");
        let fault = Fault {
            matching: format!("POST */{broken}/join"),
            ..fault
        };
        sim.fault(fault.times(0));
        let desk = Desk::on(sim, "rooms = \"listed\"", &[]).await;
        desk.joins("Desk").await;
        assert!(!desk.sim.has_joined("Broken"));
        desk.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_that_is_told_to_wait_is_made_then() {
    let sim = fast().await;
    let first = sim.room("First");
    sim.room("Desk");
    let wait = Fault::on(&format!("POST */{first}/join"));
    sim.fault(wait.status(429).header("retry-after", "1"));
    let desk = Desk::on(sim, "rooms = \"listed\"", &[]).await;
    desk.joins("First").await;
    desk.joins("Desk").await;
    let lists = desk.asked();
    let lists = lists
        .iter()
        .filter(|it| it.ends_with("/chatrooms Some(200)"));
    assert_eq!(lists.count(), 1, "for one room not all are listed again");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn managed_rooms_that_cannot_be_listed_take_the_bot_out_of_nothing() {
    for fault in [
        Fault::on("GET */managed_chatrooms").status(200).body("{}"),
        Fault::on("GET */managed_chatrooms").html(200),
        Fault::on("GET */managed_chatrooms").status(503),
        Fault::on("GET */managed_chatrooms").status(403),
    ] {
        let sim = fast().await;
        sim.room("Lobby");
        let managed = json!({"conversation": "Compliance", "kind": "managed"});
        sim.act("room", managed);
        let more = "rooms = \"listed\"\nrejoin-secs = 1";
        let desk = Desk::on(sim, more, &[]).await;
        desk.joins("Lobby").await;
        desk.joins("Compliance").await;
        desk.sim.fault(fault.clone().times(0));
        desk.sim.room("Ops");
        // Others are joined meanwhile.
        desk.joins("Ops").await;
        is_listed(&desk, 2).await;
        let metrics = Watched::metrics(&**desk.host.host()).await;
        // The bot came into three, and one is new.
        for (kind, count) in [("member-changed", 3), ("conversation-changed", 1)] {
            let line = format!("parlor_events_total{{kind=\"{kind}\"}} {count}\n");
            assert!(metrics.contains(&line), "{fault:?}: {line} {metrics}");
        }
        desk.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_is_left_while_rooms_are_joined_stays_left() {
    let sim = fast().await;
    let first = sim.room("First");
    let room = sim.room("Desk");
    let more = "rooms = [\"First\"]\nrejoin-secs = 1";
    let desk = Desk::on(sim, more, &["actions"]).await;
    desk.joins("First").await;
    desk.sim.say("First", "ada", &format!("/do join {room}"));
    desk.joins("Desk").await;
    desk.host.idle().await;
    // A round of joins is under way: it has the room on its list still.
    let slow = Fault::on(&format!("POST */{first}/join"));
    desk.sim.fault(slow.delay(Duration::from_secs(2)));
    let before = desk.sim.request_count();
    let begun = format!("/{first}/join");
    let begun = |it: &Logged| it.path.ends_with(&begun);
    let found = desk.sim.request_like(before, PATIENCE, begun).await;
    assert!(found.is_some());
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "/do leave");
    desk.does(before, |sent| sent.kind == "leave").await;
    is_listed(&desk, 2).await;
    let is_joined = |sim: &Lseg| sim.has_joined("Desk");
    assert!(!desk.sim.comes_to(MOMENT, is_joined).await);
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_holds_up_no_message_and_is_accepted_in_the_end() {
    let sim = fast().await;
    sim.room("Lobby");
    let more = "rooms = [\"Lobby\"]\naccept-invites = true";
    let desk = Desk::on(sim, more, &["echo"]).await;
    desk.joins("Lobby").await;
    let slow = Fault::on("POST */join").status(503);
    desk.sim.fault(slow.delay(Duration::from_secs(3)));
    let before = desk.sim.request_count();
    let invite = json!({"conversation": "Desk", "user": "bot", "change": "invite"});
    desk.sim.act("member", invite);
    let join = |it: &Logged| it.path.ends_with("/join");
    let found = desk.sim.request_like(before, PATIENCE, join).await;
    assert!(found.is_some());
    desk.sim.say("Lobby", "ada", "hello");
    desk.says(0, "Hello").await;
    let failed = |it: &Logged| join(it) && it.status == Some(503);
    let asked = desk.sim.requests_after(before);
    assert!(!asked.iter().any(failed), "it was answered before");
    desk.joins("Desk").await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_invitation_brings_nobody_back() {
    let data = tempfile::tempdir().expect("a folder");
    let sim = fast().await;
    sim.room("Lobby");
    let room = sim.room("Desk");
    let more = "rooms = [\"Lobby\"]\naccept-invites = true";
    let desk = Desk::in_folder(sim, data.path(), more, &["actions"]).await;
    desk.joins("Lobby").await;
    desk.sim.say("Lobby", "ada", &format!("/do join {room}"));
    desk.joins("Desk").await;
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "/do leave");
    desk.does(before, |sent| sent.kind == "leave").await;
    let sim = desk.stop().await;
    let listed = json!({"invites": [
        {"chatroomId": room, "status": "pending"},
        {"chatroomId": "groupchat-declined", "status": "declined"},
    ]});
    sim.fault(Fault::on("GET */invites").status(200).body(listed));
    let desk = Desk::in_folder(sim, data.path(), more, &[]).await;
    desk.joins("Lobby").await;
    let is_joined = |sim: &Lseg| sim.has_joined("Desk");
    assert!(!desk.sim.comes_to(MOMENT, is_joined).await);
    let asked = desk.asked().join("\n");
    assert!(!asked.contains("groupchat-declined"), "{asked}");
    // An invitation that is heard is a new one.
    let invite = json!({"conversation": "Desk", "user": "bot", "change": "invite"});
    desk.sim.act("member", invite);
    desk.joins("Desk").await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_the_authentication_asks_for_holds_for_everybody() {
    let sim = fast().await;
    sim.room("Desk");
    let desk = Desk::on(sim, "rooms = \"listed\"\nrejoin-secs = 1", &["echo"]).await;
    desk.joins("Desk").await;
    let busy = Fault::on(&format!("POST {TOKEN_PATH}")).status(429);
    desk.sim.fault(busy.header("retry-after", "3"));
    let before = desk.sim.request_count();
    desk.sim.act("expire", json!({}));
    desk.sim.say("Desk", "ada", "hello");
    let asked = |it: &Logged| it.path == TOKEN_PATH;
    let first = desk.sim.request_like(before, PATIENCE, asked).await;
    let first = first.expect("a new token is asked for");
    let soon = Duration::from_secs(2);
    let again = desk.sim.request_like(first.n, soon, asked).await;
    assert!(again.is_none(), "asked again at once: {again:#?}");
    desk.says(0, "Hello").await;
    assert_eq!(desk.grants("password"), 1);
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_may_not_refresh_asks_once() {
    use parlor_host::mailbox::{Connector as _, Read};

    let sim = fast().await;
    let folder = tempfile::tempdir().expect("a folder");
    let bot = connector(&sim, folder.path(), "rooms = \"listed\"");
    let rooms = || bot.read(Read::Conversations { cursor: None });
    assert!(rooms().await.is_ok());
    sim.act("expire", json!({}));
    let denied = Fault::on(&format!("POST {TOKEN_PATH}")).times(0);
    sim.fault(denied.status(403));
    let before = sim.request_count();
    for _ in 0..3 {
        assert!(rooms().await.is_err());
    }
    let asked = sim.requests_after(before);
    let asked = asked.iter().filter(|it| it.path == TOKEN_PATH);
    assert_eq!(asked.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_never_says_connected_is_left() {
    let sim = fast().await;
    sim.set(json!({"mute": true, "connect_secs": 60 * 60}));
    let text = crate::desk::settings(&sim, None, "rooms = \"listed\"");
    let desk = Desk::of(sim, text, &[]).await;
    desk.until(BotState::Disconnected).await;
    let why = desk.state().1.expect("a reason");
    assert!(why.contains("not connected after 15s"), "{why}");
    desk.sim.set(json!({"mute": false}));
    desk.until(BotState::Connected).await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_asks_to_be_left_alone_is_left_alone() {
    let sim = fast().await;
    let path = parlor_tests::sim::lseg::STREAM_PATH;
    let busy = Fault::on(&format!("GET {path}")).status(503);
    sim.fault(busy.header("retry-after", "4"));
    let text = crate::desk::settings(&sim, None, "rooms = \"listed\"");
    let begun = std::time::Instant::now();
    let desk = Desk::of(sim, text, &[]).await;
    desk.until(BotState::Connected).await;
    assert!(begun.elapsed() >= Duration::from_secs(4));
    desk.stop().await;
}
