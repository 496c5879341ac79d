//! What goes wrong on the way: too fast, broken, unknown whether it arrived.

use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::Fault;
use parlor_tests::sim::lseg::Lseg;
use serde_json::json;

use crate::desk::{Desk, fast, platform};

const POST: &str = "POST */post";

async fn desk(more: &str) -> Desk {
    let sim = fast().await;
    sim.room("Desk");
    let desk = Desk::on(sim, &format!("rooms = \"listed\"\n{more}"), &["echo"]).await;
    desk.joins("Desk").await;
    desk
}

fn posts(sim: &Lseg, after: u64) -> usize {
    let requests = sim.requests_after(after);
    requests
        .iter()
        .filter(|it| it.path.ends_with("/post"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_too_fast_is_sent_later_and_once() {
    for (status, body) in [
        (429, json!("")),
        (
            429,
            json!({"error": {"code": "429", "message": "too many requests"}}),
        ),
        (
            400,
            json!({"error": {"code": "400", "message": "Too many requests"}}),
        ),
    ] {
        let desk = desk("").await;
        let fault = Fault::on(POST).times(2).status(status).body(body);
        desk.sim.fault(fault);
        let before = desk.sim.sent_count();
        desk.sim.say("Desk", "ada", "hello");
        desk.says(before, "Hello").await;
        assert_eq!(desk.meanwhile(before).await.len(), 1, "{status}");
        desk.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_the_platform_asks_for_is_kept() {
    let desk = desk("").await;
    desk.sim
        .fault(Fault::on(POST).status(429).header("retry-after", "2"));
    let before = desk.sim.sent_count();
    let begun = std::time::Instant::now();
    desk.sim.say("Desk", "ada", "hello");
    desk.says(before, "Hello").await;
    assert!(begun.elapsed() >= std::time::Duration::from_secs(2));
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_faster_than_the_platform_takes_them_all_arrive() {
    // The operator says more than the platform takes.
    let sim = platform(4.0).await;
    sim.room("Desk");
    let more = "rooms = \"listed\"\nmessages-per-minute = 6000";
    let desk = Desk::on(sim, more, &["actions"]).await;
    desk.joins("Desk").await;
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "/many 3");
    desk.says(before, "message 2").await;
    let did = desk.said(before);
    let texts: Vec<&str> = did.iter().map(|sent| sent.text.as_str()).collect();
    assert_eq!(texts, ["message 0", "message 1", "message 2"]);
    assert!(desk.asked().iter().any(|line| line.contains("429")));
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_never_left_is_sent_once() {
    let desk = desk("").await;
    // The join that comes first cannot be in doubt either.
    desk.sim.fault(Fault::on(POST).status(403));
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "hello");
    desk.says(before, "Hello").await;
    assert_eq!(desk.meanwhile(before).await.len(), 1);
    desk.stop().await;
}

/// Messenger cannot be asked what was said: a message whose end is not known is sent again, and
/// counted, or dropped where the operator says so.
async fn doubt(fault: Fault, in_doubt: &str) -> (usize, usize, u64, u64) {
    let sim = fast().await;
    sim.room("Desk");
    let text = format!(
        "[outbox]\nin-doubt = \"{in_doubt}\"\n{}",
        crate::desk::settings(&sim, None, "rooms = \"listed\"")
    );
    let desk = Desk::of(sim, text, &["echo"]).await;
    desk.until(parlor_host::mailbox::control::BotState::Connected)
        .await;
    desk.joins("Desk").await;
    desk.sim.fault(fault);
    let before = desk.sim.sent_count();
    let requests = desk.sim.request_count();
    desk.sim.say("Desk", "ada", "hello");
    let status = || {
        let all = desk.host.host().outbox().status();
        all.into_iter().find(|bot| &*bot.bot == crate::desk::DESK)
    };
    let is_over = || {
        status().is_some_and(|bot| bot.open == 0 && (bot.in_doubt > 0) && bot.sent + bot.failed > 0)
    };
    desk.host.eventually("the message has ended", is_over).await;
    let bot = status().expect("the bot is known");
    let said = desk.sim.sent_after(before);
    let said = said.iter().filter(|sent| sent.kind == "message").count();
    let asked = posts(&desk.sim, requests);
    desk.stop().await;
    (said, asked, bot.in_doubt, bot.resent)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_doubt_is_sent_again_and_counted() {
    // It had arrived: twice is the documented exception.
    let lost = Fault::on(POST).close_socket().performed();
    assert_eq!(doubt(lost, "resend").await, (2, 2, 1, 1));
    // It had not.
    let failed = Fault::on(POST).status(502);
    assert_eq!(doubt(failed, "resend").await, (1, 2, 1, 1));
    // Something between says yes to everything.
    let page = Fault::on(POST).html(200);
    assert_eq!(doubt(page, "resend").await, (1, 2, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_doubt_is_dropped_where_the_operator_says_so() {
    let lost = Fault::on(POST).status(500).performed();
    assert_eq!(doubt(lost, "drop").await, (1, 1, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn joins_and_lists_that_fail_are_made_again() {
    for fault in [
        Fault::on("GET */chatrooms").status(500),
        Fault::on("GET */chatrooms").drop(),
        Fault::on("GET */chatrooms").body("<html>").status(200),
        Fault::on("GET */managed_chatrooms").status(503),
        Fault::on("POST */join").status(503),
        Fault::on("POST */join").status(429),
        Fault::on("POST */join").close_socket(),
    ] {
        let sim = fast().await;
        sim.room("Desk");
        sim.fault(fault.clone());
        let desk = Desk::on(sim, "rooms = \"listed\"", &[]).await;
        let joined = desk
            .sim
            .comes_to(PATIENCE, |sim| sim.has_joined("Desk"))
            .await;
        assert!(joined, "{fault:?}");
        desk.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_read_takes_the_bot_out_of_nothing() {
    let desk = desk("rejoin-secs = 1").await;
    let asked = desk.sim.request_count();
    desk.sim
        .fault(Fault::on("GET */chatrooms").times(2).status(200).body("{}"));
    let listed = |it: &parlor_tests::sim::Logged| it.path.ends_with("/join");
    desk.sim
        .request_like(asked, PATIENCE, listed)
        .await
        .expect("it goes on");
    assert!(desk.sim.has_joined("Desk"));
    desk.stop().await;
}
