//! Feeds that end, that pause, that hand out again: nothing is lost, and nothing is heard twice.

use std::sync::Arc;

use parlor_host::mailbox::control::BotState;
use parlor_host::mailbox::session::SessionEnd;
use parlor_tests::harness::{PATIENCE, TestHost, TestHostParts};
use parlor_tests::sim::Fault;
use parlor_tests::sim::symphony::{Symphony, SymphonyOptions};
use serde_json::json;

use crate::alone::{Alone, Journal};
use crate::bank::{Bank, DESK, settings};
use crate::faults::each_is_repeated_once;

const READ: &str = "POST /agent/v5/datafeeds/*/read";

fn is_read(path: &str) -> bool {
    path.starts_with("/agent/v5/datafeeds/") && path.ends_with("/read")
}

/// Nobody reads for so long that the platform gives the feed up.
async fn give_up_the_feed(bank: &Bank) {
    let down = Fault::on("/agent/v5/*").status(503).times(0);
    bank.sim.fault(down);
    bank.sim.fault(Fault::on(READ).close_socket());
    bank.until(BotState::Disconnected).await;
    bank.sim.act("restart", json!({"what": "feeds"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_there_was_no_feed_comes_once_and_in_order() {
    let bank = Bank::with(&["echo"]).await;
    each_is_repeated_once(&bank, 0..3).await;
    give_up_the_feed(&bank).await;
    let before = bank.sim.sent_count();
    for line in 3..6 {
        bank.sim.say("Desk", "ada", &format!("/echo line-{line}."));
    }
    bank.sim.say_im("grace", "/echo alone.");
    bank.sim.say("New", "heidi", "/echo a new room.");
    bank.sim.clear_faults();
    for text in ["line-5.", "alone.", "a new room."] {
        bank.says(before, text).await;
    }
    let said = bank.meanwhile(before).await;
    let desk: Vec<&str> = said
        .iter()
        .filter(|sent| sent.conversation == "Desk")
        .map(|sent| sent.text.as_str())
        .collect();
    assert_eq!(desk, ["line-3.", "line-4.", "line-5."]);
    assert_eq!(said.len(), 5, "{said:#?}");
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_is_not_there_yet_is_asked_for_until_it_is() {
    let bank = Bank::with(&["echo"]).await;
    each_is_repeated_once(&bank, 0..1).await;
    give_up_the_feed(&bank).await;
    bank.sim.say("Desk", "ada", "/echo missed.");
    bank.sim.clear_faults();
    // The new feed is made; then the agent stumbles.
    let history = "GET /agent/v4/stream/*/message";
    bank.sim.fault(Fault::on(history).status(503));
    bank.sim.fault(Fault::on(history).drop());
    let later = Fault::on(history).status(429).header("Retry-After", "1");
    bank.sim.fault(later);
    bank.says(0, "missed.").await;
    each_is_repeated_once(&bank, 1..2).await;
    let said = bank.sim.sent_after(0);
    let missed = said.iter().filter(|sent| sent.text == "missed.");
    assert_eq!(missed.count(), 1, "{said:#?}");
    bank.stop().await;
}

/// Lets the platform lose the feed while the bot waits for events.
fn lose_the_feed(bank: &Bank) {
    bank.sim.act("restart", json!({"what": "feeds"}));
    bank.sim.fault(Fault::on(READ).close_socket());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_conversations_that_is_refused_costs_the_gap_and_not_the_bot() {
    let bank = Bank::with(&["echo"]).await;
    each_is_repeated_once(&bank, 0..1).await;
    let list = "POST /pod/v1/streams/list";
    bank.sim.fault(Fault::on(list).status(403).times(0));
    lose_the_feed(&bank);
    let refused = bank.sim.request_like(0, PATIENCE, |request| {
        request.path == "/pod/v1/streams/list"
    });
    refused.await.expect("the bot asks where it is");
    each_is_repeated_once(&bank, 1..3).await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_larger_than_what_is_read_of_an_answer_is_read_in_parts() {
    let bank = Bank::with(&["echo"]).await;
    each_is_repeated_once(&bank, 0..1).await;
    let before = bank.sim.sent_count();
    give_up_the_feed(&bank).await;
    bank.sim.say("Desk", "ada", "/echo said meanwhile.");
    bank.sim.clear_faults();
    let history = "GET /agent/v4/stream/*/message";
    let large = " ".repeat(17 << 20);
    bank.sim.fault(Fault::on(history).status(200).body(large));
    bank.says(before, "said meanwhile.").await;
    let smaller = bank.sim.request_like(0, PATIENCE, |request| {
        request
            .query
            .iter()
            .any(|(name, value)| name == "limit" && value == "50")
    });
    smaller.await.expect("fewer messages are asked for");
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_too_large_is_given_up_with_its_feed_and_read_back() {
    let bank = Bank::with(&["echo"]).await;
    each_is_repeated_once(&bank, 0..1).await;
    let before = bank.sim.sent_count();
    bank.sim
        .fault(Fault::on(READ).status(200).body(" ".repeat(65 << 20)));
    bank.sim.fault(Fault::on(READ).close_socket());
    bank.sim.say("Desk", "ada", "/echo after the flood.");
    bank.says(before, "after the flood.").await;
    let given_up = bank.sim.request_like(0, PATIENCE, |request| {
        request.method == "DELETE" && request.path.starts_with("/agent/v5/datafeeds/")
    });
    given_up.await.expect("the feed is given up");
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_journal_pauses_the_feed_and_what_waits_comes_once() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    sim.set(json!({"visibility_ms": 300}));
    let (folder, journal) = (tempfile::tempdir().unwrap(), Arc::new(Journal::default()));
    let bot = Alone::start(folder.path(), &settings(&sim, ""), &journal).await;
    sim.say("Desk", "ada", "before");
    let is_there = |it: &Journal| it.texts() == ["before"];
    journal.until("the first is there", is_there).await;

    journal.set_full(true);
    let (offers, asked) = (journal.offers(), sim.request_count());
    sim.say("Desk", "ada", "while it was full");
    // Long enough for the platform to take the batch back.
    let is_tried = |it: &Journal| it.offers() >= offers + 4;
    journal.until("it is offered again", is_tried).await;
    let asked = sim.requests_after(asked);
    let reads: Vec<_> = asked.iter().filter(|it| is_read(&it.path)).collect();
    // One read may have begun before; none acknowledges what waits.
    assert!(reads.len() <= 1, "{reads:#?}");

    journal.set_full(false);
    sim.say("Desk", "ada", "after");
    let all = ["before", "while it was full", "after"];
    journal.until("all is there", |it| it.texts() == all).await;
    assert_eq!(bot.stop().await, SessionEnd::Stopped);
    assert_eq!(journal.texts(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_not_acknowledged_comes_again_to_the_next_run() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    sim.set(json!({"visibility_ms": 300}));
    let (folder, journal) = (tempfile::tempdir().unwrap(), Arc::new(Journal::default()));
    let text = settings(&sim, "");
    let bot = Alone::start(folder.path(), &text, &journal).await;
    sim.say("Desk", "ada", "one");
    journal
        .until("one is there", |it| it.texts() == ["one"])
        .await;
    journal.set_full(true);
    let offers = journal.offers();
    sim.say("Desk", "ada", "two");
    journal
        .until("two is offered", |it| it.offers() > offers)
        .await;
    // Killed with the batch in its hands.
    bot.stop().await;

    journal.set_full(false);
    let bot = Alone::start(folder.path(), &text, &journal).await;
    journal
        .until("two is there", |it| it.texts() == ["one", "two"])
        .await;
    sim.say("Desk", "ada", "three");
    let all = ["one", "two", "three"];
    journal.until("all is there", |it| it.texts() == all).await;
    bot.stop().await;
    let feeds = sim.requests_after(0).into_iter();
    let made = feeds.filter(|it| it.method == "POST" && it.path == "/agent/v5/datafeeds");
    assert_eq!(made.count(), 1, "the feed is used again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_cut_off_comes_again_and_is_heard_once() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    sim.set(json!({"visibility_ms": 200}));
    let (folder, journal) = (tempfile::tempdir().unwrap(), Arc::new(Journal::default()));
    let text = settings(&sim, "");
    let bot = Alone::start(folder.path(), &text, &journal).await;
    let is_reading = sim.request_like(0, PATIENCE, |it| is_read(&it.path)).await;
    assert!(is_reading.is_some());
    // The read after this one: the platform thinks that the bot has what the bot has not.
    sim.fault(Fault::on(READ).truncate(40));
    sim.say("Desk", "ada", "line 0");
    journal
        .until("the first is there", |it| it.texts() == ["line 0"])
        .await;
    for line in 1..4 {
        sim.say("Desk", "ada", &format!("line {line}"));
    }
    assert!(matches!(bot.ends().await, SessionEnd::Lost(_)));

    sim.fault(Fault::default().duplicate());
    let bot = Alone::start(folder.path(), &text, &journal).await;
    let is_all = |it: &Journal| it.texts().len() >= 4 && it.again() > 0;
    journal
        .until("all is there, and something twice", is_all)
        .await;
    let mut texts = journal.texts();
    texts.sort();
    assert_eq!(texts, ["line 0", "line 1", "line 2", "line 3"]);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_restarts_ends_sessions_and_loses_nothing() {
    let bank = Bank::with(&["echo"]).await;
    each_is_repeated_once(&bank, 0..2).await;
    let made = |bank: &Bank| {
        let asked = bank.sim.requests_after(0).into_iter();
        asked
            .filter(|it| it.method == "POST" && it.path == "/agent/v5/datafeeds")
            .count()
    };
    let before = made(&bank);
    bank.sim.fault(Fault::on("/pod/*").status(503).times(2));
    bank.sim
        .fault(Fault::on("POST /login/*").html(502).times(2));
    bank.sim.act("restart", json!({"what": "pod"}));
    each_is_repeated_once(&bank, 2..5).await;
    bank.until(BotState::Connected).await;
    assert_eq!(made(&bank), before, "its feed survives");
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_of_version_1_that_an_agent_loses_is_made_anew_and_read_back() {
    let version = "datafeed = { version = \"v1\" }";
    let bank = Bank::of(SymphonyOptions::default(), &["echo"], version).await;
    each_is_repeated_once(&bank, 0..2).await;
    let create = "POST /agent/v4/datafeed/create";
    bank.sim.fault(Fault::on(create).status(503));
    bank.sim.act("restart", json!({"what": "agent"}));
    each_is_repeated_once(&bank, 2..5).await;
    // An answer with an event in it is cut off: version 1 has no other.
    bank.sim
        .fault(Fault::on("GET /agent/v4/datafeed/*/read").truncate(30));
    each_is_repeated_once(&bank, 5..9).await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_all_its_feeds_is_told_so_and_asked_for_slowly() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    sim.set(json!({"feed_cap": 0}));
    let parts = TestHostParts {
        settings: settings(&sim, "datafeed = { tag = \"desk\" }"),
        ..TestHostParts::default()
    };
    let host = TestHost::start(parts).await;
    let is_told = || {
        let all = host.host().sessions().status();
        let reason = all.iter().find(|bot| bot.name == DESK)?.reason.clone();
        reason.filter(|it| it.contains("403") && it.contains("20 feeds at most"))
    };
    host.eventually("the reason is told", || is_told().is_some())
        .await;
    let creates = || -> Vec<i64> {
        let asked = sim.requests_after(0).into_iter();
        asked
            .filter(|it| it.method == "POST" && it.path == "/agent/v5/datafeeds")
            .map(|it| it.at)
            .collect()
    };
    host.eventually("it is tried again", || creates().len() >= 3)
        .await;
    let times = creates();
    assert!(
        times[1] - times[0] >= 900 && times[2] - times[1] >= 1_800,
        "{times:?}"
    );
    sim.set(json!({"feed_cap": 1}));
    let is_connected = || {
        let all = host.host().sessions().status();
        all.iter()
            .any(|bot| bot.name == DESK && bot.state == BotState::Connected)
    };
    host.eventually("the bot is there", is_connected).await;
    let made = sim
        .request_like(0, PATIENCE, |it| {
            it.path == "/agent/v5/datafeeds" && it.status == Some(201)
        })
        .await;
    assert_eq!(made.and_then(|it| it.json()), Some(json!({"tag": "desk"})));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_the_agent_never_takes_stop_the_bot_after_five_logins() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    sim.fault(
        Fault::on("/agent/v5/*")
            .status(401)
            .body(json!({"code": 401, "message": "Invalid session"}))
            .times(0),
    );
    let parts = TestHostParts {
        settings: settings(&sim, "login-wait-secs = 1"),
        ..TestHostParts::default()
    };
    let host = TestHost::start(parts).await;
    let state = || {
        let all = host.host().sessions().status();
        let bot = all.into_iter().find(|bot| bot.name == DESK);
        bot.map(|bot| (bot.state, bot.reason.unwrap_or_default()))
            .unwrap()
    };
    host.eventually("the bot gives up", || state().0 == BotState::Stopped)
        .await;
    let (_, reason) = state();
    assert!(
        reason.contains("401") && reason.contains("5 logins"),
        "{reason}"
    );
    host.stop().await;
}
