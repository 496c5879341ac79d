//! What goes wrong between the host and a pod: the bot recovers, nothing is lost or answered twice.

use std::collections::BTreeMap;
use std::time::Duration;

use parlor_host::mailbox::control::BotState;
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::symphony::{Symphony, SymphonyOptions};
use parlor_tests::sim::{Fault, Logged};
use serde_json::json;

use crate::bank::{Bank, settings};

const HISTORY: &str = "GET /agent/v4/stream/*/message";

/// Says numbered lines and waits until each was repeated; none twice.
pub(crate) async fn each_is_repeated_once(bank: &Bank, lines: std::ops::Range<u32>) {
    for line in lines.clone() {
        bank.sim.say("Desk", "ada", &format!("/echo line-{line}."));
    }
    for line in lines.clone() {
        bank.says(0, &format!("line-{line}.")).await;
    }
    bank.meanwhile(bank.sim.sent_count()).await;
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for sent in bank.sim.sent_after(0) {
        *counts.entry(sent.text).or_default() += 1;
    }
    for line in lines {
        let text = format!("line-{line}.");
        assert_eq!(counts.get(&text), Some(&1), "{text} of {counts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_is_gone_is_made_anew_and_what_was_missed_is_read_back() {
    let bank = Bank::with(&["echo"]).await;
    each_is_repeated_once(&bank, 0..2).await;
    bank.sim.fault(
        Fault::on("POST /agent/v5/datafeeds/*/read")
            .status(400)
            .body(json!({"code": 400, "message": "feed gone"})),
    );
    each_is_repeated_once(&bank, 2..5).await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_told_from_staleness() {
    let bank = Bank::with(&["echo"]).await;
    each_is_repeated_once(&bank, 0..1).await;
    let feeds = || {
        let asked = bank.sim.requests_after(0);
        asked
            .iter()
            .filter(|it| it.method == "POST" && it.path == "/agent/v5/datafeeds")
            .count()
    };
    let before = feeds();
    for status in [400, 429] {
        let fault = Fault::on("POST /agent/v5/datafeeds/*/read").status(status);
        bank.sim.fault(fault.header("Retry-After", "1"));
    }
    each_is_repeated_once(&bank, 1..3).await;
    assert_eq!(feeds(), before);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_down_for_a_while_is_come_back_to() {
    let bank = Bank::with(&["echo"]).await;
    each_is_repeated_once(&bank, 0..1).await;
    bank.sim.fault(Fault::on("/agent/*").status(503).times(0));
    bank.sim
        .fault(Fault::on("POST /agent/v5/datafeeds/*/read").close_socket());
    bank.until(BotState::Disconnected).await;
    let is_told = || bank.state().1.is_some_and(|reason| reason.contains("503"));
    bank.host.eventually("the reason is told", is_told).await;
    bank.sim.clear_faults();
    each_is_repeated_once(&bank, 1..3).await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_cut_and_a_page_of_a_gateway_are_no_events() {
    let bank = Bank::with(&["echo"]).await;
    each_is_repeated_once(&bank, 0..1).await;
    let read = "POST /agent/v5/datafeeds/*/read";
    bank.sim.fault(Fault::on(read).truncate(20));
    bank.sim.fault(Fault::on(read).html(502));
    bank.sim.fault(Fault::on(read).drop());
    each_is_repeated_once(&bank, 1..3).await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_delivered_twice_is_answered_once() {
    let bank = Bank::with(&["echo"]).await;
    bank.sim.fault(Fault::default().duplicate());
    bank.sim.fault(Fault::default().reorder());
    each_is_repeated_once(&bank, 0..4).await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_whose_answer_was_lost_is_found_and_not_repeated() {
    let bank = Bank::with(&["echo"]).await;
    let create = "POST /agent/v4/stream/*/message/create";
    bank.sim.fault(Fault::on(create).status(502).performed());
    bank.sim.say("Desk", "ada", "/echo only once");
    bank.says(0, "only once").await;
    let found = bank
        .sim
        .request_like(0, Duration::from_secs(120), |it| {
            it.method == "GET" && it.path.ends_with("/message")
        })
        .await;
    assert!(found.is_some(), "the conversation was read back");
    bank.sim.say("Desk", "ada", "/echo after it");
    bank.says(0, "after it").await;
    let sent = bank.sim.sent_after(0);
    assert_eq!(
        sent.iter()
            .filter(|it| it.text.contains("only once"))
            .count(),
        1,
        "{sent:#?}"
    );
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_was_lost_on_its_way_is_sent_again() {
    let bank = Bank::with(&["echo"]).await;
    let create = "POST /agent/v4/stream/*/message/create";
    bank.sim.fault(Fault::on(create).drop());
    bank.sim
        .fault(Fault::on(create).status(429).header("Retry-After", "1"));
    bank.sim
        .fault(Fault::on(create).status(400).header("Retry-After", "1"));
    bank.sim.say("Desk", "ada", "/echo in the end");
    bank.says(0, "in the end").await;
    let sent = bank.meanwhile(0).await;
    assert_eq!(sent.len(), 1, "{sent:#?}");
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_does_not_answer_is_no_proof_that_a_message_is_not_there() {
    let options = SymphonyOptions::default();
    let bank = Bank::of(options, &["echo"], "[outbox]\ndoubt-wait = \"50ms\"").await;
    let create = "POST /agent/v4/stream/*/message/create";
    bank.sim.fault(Fault::on(create).status(502).performed());
    bank.sim.fault(Fault::on(HISTORY).status(503));
    bank.sim.fault(Fault::on(HISTORY).drop());
    let throttled = Fault::on(HISTORY).status(429).header("Retry-After", "1");
    bank.sim.fault(throttled);
    bank.sim.say("Desk", "ada", "/echo only once");
    bank.sim.say("Desk", "ada", "/echo after it");
    bank.says(0, "after it").await;
    let sent = bank.meanwhile(0).await;
    let texts: Vec<&str> = sent.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts, ["only once", "after it"]);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_gap_is_read_back_in_the_order_in_which_it_was_said() {
    const LINES: usize = 620;
    let bank = Bank::with(&["echo"]).await;
    bank.sim.say_im("ada", "/echo before");
    let before = bank.says(0, "before").await;
    let make = "POST /agent/v5/datafeeds";
    bank.sim
        .fault(Fault::on(make).delay(Duration::from_secs(3)));
    let throttled = Fault::on(HISTORY).status(429).header("Retry-After", "1");
    bank.sim.fault(throttled);
    bank.sim.fault(Fault::on(HISTORY).status(503));
    let asked = bank.sim.request_count();
    let is_make = |it: &Logged| it.method == "POST" && it.path == "/agent/v5/datafeeds";
    bank.sim.act("restart", json!({ "what": "feeds" }));
    let made = bank.sim.request_like(asked, PATIENCE, is_make).await;
    assert!(made.is_some(), "the bot makes another feed");
    for line in 0..LINES {
        bank.sim.say_im("ada", &format!("/echo line-{line}."));
    }
    let made = bank.sim.requests_after(asked).into_iter().find(is_make);
    assert_eq!(made.unwrap().status, None, "all was said before that");
    bank.says(before.n, &format!("line-{}.", LINES - 1)).await;
    let sent = bank.meanwhile(before.n).await;
    let texts: Vec<String> = sent.into_iter().map(|it| it.text).collect();
    let expected: Vec<String> = (0..LINES).map(|line| format!("line-{line}.")).collect();
    assert_eq!(texts, expected);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_read_back_though_the_session_ends_before_it_is() {
    let bank = Bank::with(&["echo"]).await;
    each_is_repeated_once(&bank, 0..1).await;
    bank.sim.fault(Fault::on(HISTORY).status(503).times(0));
    let make = "POST /agent/v5/datafeeds";
    bank.sim
        .fault(Fault::on(make).delay(Duration::from_secs(1)));
    let asked = bank.sim.request_count();
    let is_make = |it: &Logged| it.method == "POST" && it.path == "/agent/v5/datafeeds";
    bank.sim.act("restart", json!({ "what": "feeds" }));
    let made = bank.sim.request_like(asked, PATIENCE, is_make).await;
    assert!(made.is_some(), "the bot makes another feed");
    bank.sim.say("Desk", "ada", "/echo in the gap");
    bank.until(BotState::Disconnected).await;
    bank.sim.clear_faults();
    bank.says(0, "in the gap").await;
    let sent = bank.meanwhile(0).await;
    assert_eq!(sent.len(), 2, "{sent:#?}");
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_messages_are_heard() {
    let bank = Bank::with(&["echo"]).await;
    let say = |presentation: &str, data: serde_json::Value| {
        bank.sim.say_with(json!({
            "conversation": "Desk", "user": "ada", "presentation": presentation, "data": data,
        }));
    };
    say(
        "<div data-format=\"PresentationML\" data-version=\"2.0\">/echo&nbsp;spaced</div>",
        json!({}),
    );
    bank.says(0, "spaced").await;
    say("<div>/echo broken</i></div>", json!({}));
    say(
        "<div data-format=\"PresentationML\" data-version=\"2.0\">/echo <span class=\"entity\" data-entity-id=\"0\">$x</span> fine</div>",
        json!({"0": {"type": "org.symphonyoss.fin.security", "id": "no list"}}),
    );
    bank.says(0, "fine").await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_of_version_1_is_read_and_its_id_kept() {
    let folder = tempfile::tempdir().unwrap();
    let feed = format!(
        "datafeed = {{ version = \"v1\", id-file = \"{}\" }}",
        folder.path().display()
    );
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    let text = settings(&sim, &feed);
    let bank = Bank::on(sim, text.clone(), &["echo"]).await;
    each_is_repeated_once(&bank, 0..2).await;
    let kept = std::fs::read_to_string(folder.path().join("datafeed.id")).unwrap();
    assert!(kept.contains('@'), "{kept}");
    bank.sim.fault(
        Fault::on("GET /agent/v4/datafeed/*/read")
            .status(400)
            .body(json!({"code": 400, "message": "Could not find a datafeed with the id: x"})),
    );
    each_is_repeated_once(&bank, 2..4).await;
    let sim = bank.close().await;

    let created = |sim: &Symphony| {
        let asked = sim.requests_after(0);
        asked
            .iter()
            .filter(|it| it.path == "/agent/v4/datafeed/create")
            .count()
    };
    let before = created(&sim);
    let bank = Bank::on(sim, text, &["echo"]).await;
    bank.sim.say("Desk", "ada", "/echo again");
    bank.says(0, "again").await;
    assert_eq!(created(&bank.sim), before);
    bank.stop().await;
}
