//! The stream: its five minutes, its heartbeat, what it says twice, wrongly, or not at all.

use std::time::Duration;

use parlor_host::mailbox::control::BotState;
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::Fault;
use parlor_tests::sim::lseg::{Lseg, STREAM_PATH};
use serde_json::{Value, json};

use crate::desk::{Desk, fast, platform};

fn commands(sim: &Lseg) -> Vec<String> {
    let frames = sim.frames();
    let name = |it: &Value| {
        it["frame"]["command"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    frames.iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_before_five_minutes_though_it_says_ten() {
    // Three seconds are five minutes.
    let sim = platform(100.0).await;
    sim.room("Desk");
    let more = "rooms = \"listed\"\nstream-window-secs = 3\nstream-margin-secs = 1";
    let desk = Desk::on(sim, more, &["echo"]).await;
    desk.joins("Desk").await;
    let is_long = |sim: &Lseg| commands(sim).len() >= 5;
    assert!(desk.sim.comes_to(PATIENCE, is_long).await);
    let frames = desk.sim.frames();
    let names = commands(&desk.sim);
    assert_eq!(names[0], "connect");
    assert!(
        names[1..].iter().all(|name| name == "authenticate"),
        "{names:?}"
    );
    let streams: Vec<&Value> = frames.iter().map(|it| &it["stream"]).collect();
    assert!(
        streams.iter().all(|stream| *stream == streams[0]),
        "one stream held: {streams:?}"
    );
    let tokens: std::collections::BTreeSet<&str> = frames
        .iter()
        .filter_map(|it| it["frame"]["payload"]["stsToken"].as_str())
        .collect();
    assert_eq!(tokens.len(), frames.len(), "a new token each time");
    desk.sim.say("Desk", "ada", "hello");
    desk.says(0, "Hello").await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_follows_the_token_alone_would_be_closed_and_comes_back() {
    // What its settings say is longer than what the platform takes: ten minutes for five.
    let sim = platform(100.0).await;
    sim.room("Desk");
    let more = "rooms = \"listed\"\nstream-window-secs = 6\nstream-margin-secs = 1";
    let desk = Desk::on(sim, more, &["echo"]).await;
    let connects = |sim: &Lseg| {
        commands(sim)
            .iter()
            .filter(|name| *name == "connect")
            .count()
            >= 2
    };
    assert!(desk.sim.comes_to(PATIENCE, connects).await);
    desk.until(BotState::Connected).await;
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "hello");
    desk.says(before, "Hello").await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_fails_for_a_moment_does_not_end_the_stream() {
    // Ten seconds are five minutes.
    let sim = platform(30.0).await;
    let more = "rooms = \"listed\"\nstream-window-secs = 10\nstream-margin-secs = 8";
    let desk = Desk::on(sim, more, &[]).await;
    desk.sim.fault(Fault::on("POST /auth/*").status(503));
    let is_shown = |sim: &Lseg| commands(sim).len() >= 2;
    assert!(desk.sim.comes_to(PATIENCE, is_shown).await);
    assert_eq!(commands(&desk.sim), ["connect", "authenticate"]);
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_is_made_again_and_the_rooms_with_it() {
    let sim = fast().await;
    sim.room("Desk");
    let desk = Desk::on(sim, "rooms = \"listed\"", &["echo"]).await;
    desk.joins("Desk").await;
    for _ in 0..2 {
        let before = desk.sim.sent_count();
        assert_eq!(desk.sim.cut(), 1);
        assert!(desk.sim.comes_to(PATIENCE, |sim| sim.streams() == 1).await);
        desk.does(before, |sent| sent.kind == "join").await;
        desk.until(BotState::Connected).await;
        desk.sim.say("Desk", "ada", "hello");
        desk.says(before, "Hello").await;
    }
    assert_eq!(desk.grants("password"), 1, "the tokens are good still");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_twice_is_heard_once_and_in_another_order_all_the_same() {
    let sim = fast().await;
    sim.room("Desk");
    let desk = Desk::on(sim, "rooms = \"listed\"", &["echo"]).await;
    desk.joins("Desk").await;
    let before = desk.sim.sent_count();
    desk.sim.fault(Fault::default().duplicate());
    desk.sim.say("Desk", "ada", "/echo one");
    desk.says(before, "one").await;
    assert_eq!(desk.meanwhile(before).await.len(), 1);
    let before = desk.sim.sent_count();
    desk.sim.fault(Fault::default().reorder());
    desk.sim.say("Desk", "ada", "/echo two");
    desk.sim.say("Desk", "ada", "/echo three");
    desk.says(before, "two").await;
    let said = desk.meanwhile(before).await;
    let texts: Vec<&str> = said.iter().map(|sent| sent.text.as_str()).collect();
    assert_eq!(texts, ["three", "two"]);
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_documented_is_passed_over_and_told_to_who_wants_it() {
    let sim = fast().await;
    sim.room("Desk");
    let desk = Desk::on(sim, "rooms = \"listed\"", &["kinds", "echo"]).await;
    desk.joins("Desk").await;
    for frame in [
        json!("not json at all"),
        json!("[1, 2]"),
        json!({"event": "chatroomPost"}),
        json!({"event": "chatroomPost", "post": {"chatroomId": 7, "message": null}}),
        json!({"event": "chatroomInvite", "invite": "x"}),
        json!({"no": "event"}),
        json!({"event": "chatroomRenamed", "what": {"id": "x"}}),
    ] {
        desk.sim.act("event", json!({ "frame": frame }));
    }
    desk.sees("Desk", "other", "chatroomrenamed").await;
    assert_eq!(desk.state().0, BotState::Connected);
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_stream_begins_a_new_one() {
    let sim = fast().await;
    sim.room("Desk");
    let desk = Desk::on(sim, "rooms = \"listed\"", &["echo"]).await;
    desk.joins("Desk").await;
    let error = json!({"event": "error", "reqId": "1", "error": {"message": "token expired"}});
    desk.sim.act("event", json!({ "frame": error }));
    let connects = |sim: &Lseg| {
        commands(sim)
            .iter()
            .filter(|name| *name == "connect")
            .count()
            >= 2
    };
    assert!(desk.sim.comes_to(PATIENCE, connects).await);
    desk.until(BotState::Connected).await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_keep_a_stream_that_idles() {
    // Without them it would be dropped after a second.
    let sim = fast().await;
    sim.set(json!({"idle_secs": 120}));
    let more = "rooms = \"listed\"\nheartbeat = { every-secs = 1, timeout-secs = 10 }";
    let desk = Desk::on(sim, more, &[]).await;
    assert!(desk.sim.comes_to(PATIENCE, |sim| sim.pings() >= 3).await);
    assert_eq!(
        commands(&desk.sim)
            .iter()
            .filter(|name| *name == "connect")
            .count(),
        1
    );
    let sim = desk.stop().await;
    let desk = Desk::on(sim, "rooms = \"listed\"\nheartbeat = false", &[]).await;
    let connects = |sim: &Lseg| {
        commands(sim)
            .iter()
            .filter(|name| *name == "connect")
            .count()
            >= 3
    };
    assert!(
        desk.sim.comes_to(PATIENCE, connects).await,
        "without pings it is dropped"
    );
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_stream_refuses_is_renewed_once_and_then_the_bot_stops() {
    for says in [false, true] {
        let data = tempfile::tempdir().expect("a folder");
        let sim = platform(1.0).await;
        sim.set(json!({"says_refusal": says}));
        let desk = Desk::in_folder(sim, data.path(), "rooms = \"listed\"", &[]).await;
        let sim = desk.stop().await;
        // The kept token is good by its own words only.
        sim.act("expire", json!({}));
        let desk = Desk::in_folder(sim, data.path(), "rooms = \"listed\"", &[]).await;
        assert_eq!(desk.grants("refresh_token"), 1, "says {says}");
        desk.stop().await;
    }
    let sim = fast().await;
    sim.fault(
        Fault::on(&format!("GET {STREAM_PATH}"))
            .times(0)
            .status(403),
    );
    let text = crate::desk::settings(&sim, None, "rooms = \"listed\"");
    let desk = Desk::of(sim, text, &[]).await;
    desk.until(BotState::Stopped).await;
    let why = desk.state().1.expect("a reason");
    assert!(why.contains("403"), "{why}");
    assert_eq!(
        (desk.grants("password"), desk.grants("refresh_token")),
        (1, 1)
    );
    desk.stop().await;
}

/// A folder of a bot whose token says that it holds so long, and so much longer.
async fn kept(lifetime: u64, left: u64, more: &str) -> (Lseg, tempfile::TempDir) {
    let data = tempfile::tempdir().expect("a folder");
    let desk = Desk::in_folder(platform(1.0).await, data.path(), more, &[]).await;
    let sim = desk.stop().await;
    let file = data.path().join("connectors/desk/token.json");
    let text = std::fs::read_to_string(&file).expect("it is kept");
    let mut kept: Value = serde_json::from_str(&text).expect("it is JSON");
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    kept["expires_in"] = json!(lifetime.to_string());
    kept["expires_tm"] = json!(since.expect("it is later").as_secs() + left);
    std::fs::write(&file, kept.to_string()).expect("it can be written");
    (sim, data)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_without_a_reason_gets_another_token_where_its_own_is_old() {
    let more = "rooms = \"listed\"";
    let (sim, data) = kept(600, 400, more).await;
    sim.act("expire", json!({}));
    sim.set(json!({"refusal_code": 1000}));
    let before = sim.request_count();
    let desk = Desk::in_folder(sim, data.path(), more, &[]).await;
    let asked = desk.sim.requests_after(before);
    let streams = asked.iter().filter(|it| it.path == STREAM_PATH);
    assert_eq!(streams.count(), 2);
    assert_eq!(desk.grants("refresh_token"), 1);
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_kept_is_replaced_before_its_own_end() {
    // It holds a hundred seconds more; two later it is time.
    let more = "rooms = \"listed\"\nstream-margin-secs = 98";
    let (sim, data) = kept(300, 100, more).await;
    let before = sim.frames().len();
    let desk = Desk::in_folder(sim, data.path(), more, &[]).await;
    let shown = |sim: &Lseg| sim.frames().len() >= before + 2;
    assert!(desk.sim.comes_to(PATIENCE, shown).await);
    assert_eq!(commands(&desk.sim)[before..], ["connect", "authenticate"]);
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_cannot_be_opened_is_tried_again() {
    let sim = fast().await;
    sim.fault(
        Fault::on(&format!("GET {STREAM_PATH}"))
            .times(2)
            .status(502),
    );
    let desk = Desk::on(sim, "rooms = \"listed\"", &[]).await;
    assert_eq!(desk.sim.streams(), 1);
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_that_a_later_version_may_send_do_no_harm() {
    let sim = platform(100.0).await;
    sim.set(json!({"acknowledges": true}));
    let more = "rooms = \"listed\"\nstream-window-secs = 3\nstream-margin-secs = 2";
    let desk = Desk::on(sim, more, &[]).await;
    assert!(
        desk.sim
            .comes_to(PATIENCE, |sim| commands(sim).len() >= 3)
            .await
    );
    assert_eq!(
        commands(&desk.sim)
            .iter()
            .filter(|name| *name == "connect")
            .count(),
        1
    );
    desk.stop().await;
}

/// How long a second start is waited for that must not come.
const NEVER: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_closes_the_stream_and_leaves_no_room() {
    let sim = fast().await;
    sim.room("Desk");
    let desk = Desk::on(sim, "rooms = \"listed\"", &[]).await;
    desk.joins("Desk").await;
    let sim = desk.stop().await;
    assert!(sim.comes_to(NEVER, |sim| sim.streams() == 0).await);
    assert!(sim.has_joined("Desk"));
}
