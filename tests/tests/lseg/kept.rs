//! The platform keeps nothing: what was read is kept, however a session ends; what nobody heard is counted.

use std::sync::Arc;
use std::time::Duration;

use parlor_host::mailbox::control::BotState;
use parlor_host::mailbox::session::{Session as _, SessionEnd};
use parlor_host::mailbox::{Connector as _, Read};
use parlor_host::web::Watched;
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::Fault;
use parlor_tests::sim::lseg::{APP_KEY, Lseg, PASSWORD, TOKEN_PATH};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::alone::{Alone, Journal, connector};
use crate::desk::{DESK, Desk, fast, platform, settings};

/// Somebody says so many things in a room; waits until the stream was told all of them.
async fn says(sim: &Lseg, count: usize) -> Vec<String> {
    let before = sim.told();
    let texts: Vec<String> = (0..count).map(|number| format!("word {number}")).collect();
    for text in &texts {
        sim.say("Desk", "ada", text);
    }
    let all = before + count as u64;
    assert!(sim.comes_to(PATIENCE, |sim| sim.told() >= all).await);
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_before_a_cut_is_handed_over_in_order() {
    let sim = fast().await;
    sim.room("Desk");
    let folder = tempfile::tempdir().expect("a folder");
    let bot = Arc::new(connector(&sim, folder.path(), "rooms = \"listed\""));
    let journal = Arc::new(Journal::default());
    let session = Alone::start(&bot, &journal).await;
    journal.set_full(true);
    let texts = says(&sim, 200).await;
    assert_eq!(sim.cut(), 1);
    let end = session.ends().await;
    assert!(matches!(end, SessionEnd::Lost(_)), "{end:?}");
    assert_eq!(journal.texts(), [""; 0]);
    assert_eq!(bot.quiet(), None, "there is something to hand over");
    journal.set_full(false);
    let session = Alone::start(&bot, &journal).await;
    journal.has(texts.len()).await;
    assert_eq!(journal.texts(), texts);
    session.stop().await;
    assert!(bot.quiet().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_before_a_stop_is_handed_over() {
    let sim = fast().await;
    sim.room("Desk");
    let folder = tempfile::tempdir().expect("a folder");
    let bot = Arc::new(connector(&sim, folder.path(), "rooms = \"listed\""));
    let journal = Arc::new(Journal::default());
    for _ in 0..3 {
        let before = journal.texts().len();
        let session = Alone::start(&bot, &journal).await;
        let texts = says(&sim, 100).await;
        assert_eq!(session.stop().await, SessionEnd::Stopped);
        assert_eq!(journal.texts()[before..], texts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_before_the_stream_says_connected_is_heard() {
    let sim = fast().await;
    let post = json!({"event": "chatroomPost", "post": {
        "chatroomId": "groupchat-1", "sender": {"email": "ada@example.com"},
        "message": "early", "messageId": "m1",
    }});
    sim.set(json!({"early": post.to_string()}));
    let folder = tempfile::tempdir().expect("a folder");
    let bot = Arc::new(connector(&sim, folder.path(), "rooms = \"listed\""));
    let journal = Arc::new(Journal::default());
    let session = Alone::start(&bot, &journal).await;
    journal.has(1).await;
    session.stop().await;
    assert_eq!(journal.texts(), ["early"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_bots_in_one_room_hear_each_for_itself() {
    const OTHER: &str = "bot_agent.ops@example.com";
    let sim = fast().await;
    sim.room("Desk");
    sim.act("account", json!({"username": OTHER, "password": PASSWORD}));
    sim.act(
        "member",
        json!({"conversation": "Desk", "user": OTHER, "change": "join"}),
    );
    let first = settings(&sim, None, "rooms = \"listed\"");
    // The account is named like the bot.
    let second = first.replace(DESK, "ops");
    let desk = Desk::of(sim, format!("{first}{second}"), &["echo"]).await;
    desk.until(BotState::Connected).await;
    desk.joins("Desk").await;
    let both = |sim: &Lseg| sim.streams() == 2 && sim.has_joined_as(OTHER, "Desk");
    assert!(desk.sim.comes_to(PATIENCE, both).await);
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "hello");
    let first = desk.says(before, "Hello").await;
    desk.says(first.n, "Hello").await;
    assert_eq!(desk.meanwhile(before).await.len(), 2);
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_heard_is_counted_with_its_length() {
    let data = tempfile::tempdir().expect("a folder");
    let sim = fast().await;
    sim.room("Desk");
    let desk = Desk::in_folder(sim, data.path(), "rooms = \"listed\"", &[]).await;
    let heard = |desk: &Desk| {
        let bot = desk.host.host().inbox().activity().bot("default", DESK);
        (bot.gaps, bot.unheld_ms)
    };
    assert_eq!(
        heard(&desk),
        (0, 0),
        "who never heard anything missed nothing"
    );
    desk.sim.cut();
    desk.until(BotState::Disconnected).await;
    desk.until(BotState::Connected).await;
    let (gaps, unheld_ms) = heard(&desk);
    assert_eq!(gaps, 1);
    assert!(unheld_ms >= 1_000, "{unheld_ms}");
    let metrics = Watched::metrics(&**desk.host.host()).await;
    let line =
        format!("parlor_bot_gaps_total{{tenant=\"default\",bot=\"{DESK}\",platform=\"lseg\"}} 1");
    assert!(metrics.contains(&line), "{metrics}");
    let sim = desk.stop().await;
    // While no host runs nobody hears either.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let desk = Desk::in_folder(sim, data.path(), "rooms = \"listed\"", &[]).await;
    let (gaps, unheld_ms) = heard(&desk);
    assert_eq!(gaps, 1);
    assert!((1_500..60_000).contains(&unheld_ms), "{unheld_ms}");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_gone_without_a_word_is_left_and_its_gap_begins_when_it_was_heard_last() {
    let sim = fast().await;
    let folder = tempfile::tempdir().expect("a folder");
    let more = "rooms = \"listed\"\nheartbeat = { every-secs = 1, timeout-secs = 2 }";
    let bot = Arc::new(connector(&sim, folder.path(), more));
    let journal = Arc::new(Journal::default());
    let session = Alone::start(&bot, &journal).await;
    assert!(sim.comes_to(PATIENCE, |sim| sim.pings() >= 1).await);
    sim.set(json!({"hangs": true}));
    let end = session.ends().await;
    let SessionEnd::Lost(why) = end else {
        panic!("{end:?}");
    };
    assert!(why.contains("no answer to a ping within 2s"), "{why}");
    sim.set(json!({"hangs": false}));
    let session = Alone::start(&bot, &journal).await;
    let gaps = journal.gaps();
    let [gap] = gaps.as_slice() else {
        panic!("one gap: {gaps:?}");
    };
    // A second until the ping and two for its answer.
    assert!(*gap >= Duration::from_secs(2), "{gap:?}");
    session.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_is_heard_and_answered_while_a_new_token_is_fetched() {
    let sim = platform(30.0).await;
    sim.room("Desk");
    let more = "rooms = \"listed\"\nstream-window-secs = 10\nstream-margin-secs = 8";
    let desk = Desk::on(sim, more, &["echo"]).await;
    desk.joins("Desk").await;
    let slow = Fault::on(&format!("POST {TOKEN_PATH}")).performed();
    desk.sim.fault(slow.delay(Duration::from_secs(5)));
    let before = desk.sim.request_count();
    let fetching = |it: &parlor_tests::sim::Logged| it.path == TOKEN_PATH;
    let found = desk.sim.request_like(before, PATIENCE, fetching).await;
    assert!(found.is_some());
    desk.sim.say("Desk", "ada", "hello");
    desk.says(0, "Hello").await;
    assert_eq!(desk.sim.frames().len(), 1, "the token is not there yet");
    let shown = |sim: &Lseg| sim.frames().len() >= 2;
    assert!(desk.sim.comes_to(PATIENCE, shown).await);
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_fails_until_the_end_leads_to_a_new_connection() {
    let sim = platform(30.0).await;
    let more = "rooms = \"listed\"\nstream-window-secs = 4\nstream-margin-secs = 3";
    let desk = Desk::on(sim, more, &[]).await;
    let away = Fault::on(&format!("POST {TOKEN_PATH}"))
        .times(0)
        .status(503);
    desk.sim.fault(away);
    desk.until(BotState::Disconnected).await;
    let why = desk.state().1.expect("a reason");
    assert!(
        why.contains("no new token before the old one ended"),
        "{why}"
    );
    desk.sim.clear_faults();
    desk.until(BotState::Connected).await;
    assert_eq!(
        desk.grants("password"),
        1,
        "the refresh token is good still"
    );
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_refused_is_not_tried_at_every_connection() {
    let sim = fast().await;
    let folder = tempfile::tempdir().expect("a folder");
    let bot = Arc::new(connector(&sim, folder.path(), "rooms = \"listed\""));
    let journal = Arc::new(Journal::default());
    let session = Alone::start(&bot, &journal).await;
    let denied = Fault::on(&format!("POST {TOKEN_PATH}")).times(0);
    sim.fault(denied.status(400));
    sim.act("expire", json!({}));
    // Somebody else than the session finds out.
    let read = bot.read(Read::Conversations { cursor: None }).await;
    assert!(read.is_err());
    let asked = |sim: &Lseg| {
        let requests = sim.requests_after(0);
        requests.iter().filter(|it| it.path == TOKEN_PATH).count()
    };
    let before = asked(&sim);
    assert_eq!(before, 3, "a login, a refresh, and one more login");
    sim.cut();
    session.ends().await;
    for _ in 0..2 {
        let end = bot
            .run(&*journal, &*journal, CancellationToken::new())
            .await;
        assert!(matches!(end, SessionEnd::Refused(_)), "{end:?}");
    }
    assert_eq!(asked(&sim), before);
    // An operator has changed something.
    sim.clear_faults();
    bot.leave();
    Alone::start(&bot, &journal).await.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_a_platform_quotes_are_shown_to_nobody() {
    let sim = fast().await;
    let quoted = json!({"error": "no", "error_description": format!("{PASSWORD} of {APP_KEY}")});
    let fault = Fault::on(&format!("POST {TOKEN_PATH}")).status(400);
    sim.fault(fault.body(quoted));
    let text = settings(&sim, None, "rooms = \"listed\"");
    let desk = Desk::of(sim, text, &[]).await;
    desk.until(BotState::Stopped).await;
    let why = desk.state().1.expect("a reason");
    assert!(why.contains("… of …"), "{why}");
    desk.stop().await;
}
