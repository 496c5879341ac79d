//! What goes wrong, and what becomes of it.

use std::time::Duration;

use parlor_host::mailbox::control::BotState;
use parlor_tests::bots::announce;
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::Fault;
use parlor_tests::sim::livechat::{LiveChat, LiveChatOptions, error};
use serde_json::{Value, json};

use crate::desk::{Front, installed, personal, registrar};

const SEND: &str = "POST */send_event";
const PIZZA: &str = "Pizza is on the way!";

fn pizzas(front: &Front) -> usize {
    let said = front.sim.transcript("shop");
    said.iter().filter(|(_, text)| text == PIZZA).count()
}

async fn ordered(front: &Front) {
    front.does(0, |sent| sent.kind == "leave").await;
    assert_eq!(pizzas(front), 1, "{:#?}", front.sim.transcript("shop"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_end_in_mid_flight_are_renewed() {
    let sim = LiveChat::start(LiveChatOptions::default()).await.unwrap();
    let settings = installed(&sim, &registrar());
    let front = Front::on(sim, settings, &["pizza"]).await;
    crate::desk::browse(&front, &front.address()).await;
    front.until(BotState::Connected).await;
    // Both: that of whoever installed it, and the bot's own.
    front.sim.fault(Fault::default().expire_tokens());
    front.sim.say("shop", "ann", "pizza");
    ordered(&front).await;
    let asked = front.sim.requests_after(0);
    let refreshed = asked
        .iter()
        .filter(|it| it.body.contains("grant_type=refresh_token"));
    assert_eq!(refreshed.count(), 1);
    let issued = asked
        .iter()
        .filter(|it| it.path.ends_with("/issue_bot_token"));
    assert_eq!(issued.count(), 2);
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_calls_are_waited_for() {
    let front = Front::with(&["pizza"]).await;
    front.sim.fault(
        error(SEND, "too_many_requests")
            .header("retry-after", "1")
            .times(2),
    );
    front.sim.say("shop", "ann", "pizza");
    ordered(&front).await;
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_said_is_looked_for_and_said_once() {
    for fault in [
        // Said, and the answer lost in three ways; …
        Fault::on(SEND).performed().drop(),
        error(SEND, "internal").performed(),
        Fault::on(SEND).performed().html(502),
        Fault::on(SEND).performed().truncate(3),
        // … and not said, which looks the same.
        Fault::on(SEND).drop(),
        error(SEND, "service_unavailable"),
        error(SEND, "request_timeout"),
    ] {
        // Below the bot's section: what follows it is a section of its own.
        let more = "[outbox]\ndoubt-wait = \"0s\"\n";
        let front = Front::of(LiveChatOptions::default(), &["pizza"], more).await;
        front.sim.fault(fault);
        front.sim.say("shop", "ann", "pizza");
        ordered(&front).await;
        front.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_come_twice_or_in_another_order_are_heard_once() {
    let front = Front::with(&["pizza"]).await;
    front.sim.fault(Fault::default().duplicate());
    front.sim.say("shop", "ann", "pizza");
    ordered(&front).await;
    front.sim.fault(Fault::default().duplicate());
    front.sim.say("shop", "ann", "more pizza");
    front.does(4, |sent| sent.kind == "leave").await;
    assert_eq!(pizzas(&front), 2);
    front.sim.fault(Fault::default().reorder());
    let before = front.sim.sent_count();
    front.sim.say("shop", "ann", "pizza of the second");
    front.sim.say("shop", "ann", "pizza of the third");
    front.does(before + 3, |sent| sent.kind == "leave").await;
    assert_eq!(front.meanwhile(before + 6).await.len(), 0);
    assert_eq!(pizzas(&front), 4);
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_that_closes_between_join_and_send_ends_quietly() {
    let front = Front::with(&["pizza"]).await;
    front.sim.fault(error(SEND, "chat_inactive"));
    front.sim.say("shop", "ann", "pizza");
    // The rest of the list is skipped, but for leaving.
    front.does(0, |sent| sent.kind == "leave").await;
    assert_eq!(pizzas(&front), 0);
    assert_eq!(front.host.dead_letters().await.len(), 0);
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_is_in_the_chat_already_stays_in_it() {
    let front = Front::with(&["pizza"]).await;
    front.sim.act(
        "say",
        json!({"conversation": "shop", "user": "ann", "text": "pizza", "bot": "in"}),
    );
    front.says(0, PIZZA).await;
    let did = front.meanwhile(0).await;
    assert!(did.iter().all(|sent| sent.kind != "leave"), "{did:#?}");
    assert!(front.sim.present("shop").iter().any(|id| id.len() == 32));
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_whose_answer_is_lost_is_left_again() {
    const JOIN: &str = "POST */add_user_to_chat";
    for fault in [
        Fault::on(JOIN).performed().drop(),
        error(JOIN, "internal").performed(),
    ] {
        let front = Front::with(&["pizza"]).await;
        front.sim.fault(fault);
        front.sim.say("shop", "ann", "pizza");
        ordered(&front).await;
        assert!(!front.sim.present("shop").iter().any(|id| id.len() == 32));
        front.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_the_bot_is_in_a_chat_is_asked_until_the_platform_tells() {
    let front = Front::with(&["pizza"]).await;
    front.sim.fault(Fault::on("*/get_chat").status(503));
    front.sim.act(
        "say",
        json!({"conversation": "shop", "user": "ann", "text": "pizza", "bot": "in"}),
    );
    front.says(0, PIZZA).await;
    let asked = front.sim.requests_after(0).into_iter();
    let asked = asked.filter(|it| it.path.ends_with("/get_chat"));
    let statuses: Vec<_> = asked.map(|it| it.status).collect();
    assert!(
        statuses.starts_with(&[Some(503), Some(200)]),
        "{statuses:?}"
    );
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_in_another_region_is_asked_for_there() {
    let sim = LiveChat::start(LiveChatOptions::default()).await.unwrap();
    sim.set(json!({"region": "fra"}));
    let settings = personal(&sim, "");
    let front = Front::on(sim, settings, &["pizza"]).await;
    front.until(BotState::Connected).await;
    front.sim.say("shop", "ann", "pizza");
    ordered(&front).await;
    let asked = front.sim.requests_after(0);
    let sent = asked.iter().filter(|it| it.path.ends_with("/send_event"));
    // Once it is known, nothing is asked in vain.
    let statuses: Vec<_> = sent.map(|it| it.status).collect();
    assert_eq!(statuses, [Some(200)]);
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_follows_its_licence_to_another_region() {
    let more = "[roles]\ncontrollers = [\"*@example.com\"]\n";
    let front = Front::of(LiveChatOptions::default(), &["expense"], more).await;
    let wrong = json!({"error": {"type": "misdirected_request", "message": "Wrong region",
        "data": {"region": "fra"}}});
    front
        .sim
        .fault(Fault::on("POST */upload_file").status(421).body(wrong));
    // Who an agent is the platform knows; a customer's address is what they say.
    front
        .sim
        .say("shop", "grace@example.com", "/expense report");
    front.does(0, |sent| sent.raw["type"] == "file").await;
    let asked = front.sim.requests_after(0);
    let uploads = asked.iter().filter(|it| it.path.ends_with("/upload_file"));
    let uploads: Vec<_> = uploads
        .map(|it| (it.status, it.header("x-region")))
        .collect();
    assert_eq!(uploads, [(Some(421), None), (Some(200), Some("fra"))]);
    front.stop().await;
}

/// Calls the bot as a stranger does.
async fn post(front: &Front, body: impl Into<reqwest::Body>) -> u16 {
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let request = client.post(front.address()).body(body);
    let request = request.header("content-type", "application/json");
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    assert_eq!(
        answer.text().await.expect("an answer"),
        "",
        "a stranger hears a status and no more"
    );
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_hears_no_and_nothing_more() {
    let front = Front::with(&["pizza"]).await;
    front.sim.set(json!({"wrong_secret": "guessed"}));
    front.sim.say("shop", "ann", "hello");
    front.hears("incoming_chat", 401).await;
    front.sim.set(json!({"wrong_secret": null}));
    let chat = front.sim.chat_id("shop").unwrap();
    let forged = json!({"webhook_id": "w", "secret_key": "guessed", "action": "incoming_event",
        "organization_id": parlor_tests::sim::livechat::ORGANIZATION,
        "payload": {"chat_id": chat, "thread_id": "T", "event": {"id": "T_1", "type": "message",
            "text": "pizza", "author_id": "a customer", "visibility": "all"}}});
    assert_eq!(post(&front, forged.to_string()).await, 401);
    assert_eq!(
        front
            .meanwhile(0)
            .await
            .iter()
            .filter(|it| it.kind != "status")
            .count(),
        0
    );
    assert_eq!(post(&front, "not JSON").await, 401);
    assert_eq!(post(&front, "{}").await, 401);
    assert_eq!(
        post(
            &front,
            json!({"action": "incoming_event", "secret_key": ""}).to_string()
        )
        .await,
        401
    );
    let json = "Content-Type: application/json";
    assert_eq!(announce(&front.address(), 1024 * 1024 + 1, json).await, 413);
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_played_back_is_heard_once() {
    let front = Front::with(&["pizza"]).await;
    front.sim.say("shop", "ann", "pizza");
    ordered(&front).await;
    front.hears("incoming_chat", 200).await;
    let heard = front.sim.delivered();
    let first = heard
        .iter()
        .find(|it| it.action == "incoming_chat")
        .unwrap();
    for _ in 0..3 {
        assert_eq!(post(&front, first.body.to_string()).await, 200);
    }
    front.meanwhile(front.sim.sent_count()).await;
    assert_eq!(pizzas(&front), 1);
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_slowly_is_not_waited_for_and_holds_up_nobody() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let front = Front::with(&["pizza"]).await;
    let address = front.address();
    let address: url::Url = address.parse().unwrap();
    let to = address.socket_addrs(|| None).unwrap()[0];
    let mut slow = tokio::net::TcpStream::connect(to).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {to}\r\ncontent-length: 100\r\n\r\n{{",
        address.path()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    front.sim.say("shop", "ann", "pizza");
    ordered(&front).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, slow.read_to_end(&mut answer)).await;
    read.expect("it is ended").unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_is_trusted_where_the_settings_name_it() {
    let sim = LiveChat::start(LiveChatOptions::default().tls())
        .await
        .unwrap();
    let trusted = format!("ca-files = [\"{}\"]\n", sim.ca_file().display());
    let settings = personal(&sim, &trusted);
    let front = Front::on(sim, settings, &["pizza"]).await;
    front.until(BotState::Connected).await;
    front.sim.say("shop", "ann", "pizza");
    ordered(&front).await;
    let sim = front.close().await;
    let settings = personal(&sim, "");
    let front = Front::on(sim, settings, &[]).await;
    front.until(BotState::Disconnected).await;
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_of_nothing_known_is_taken_and_told_as_it_is() {
    let front = Front::with(&["pizza"]).await;
    for (action, payload) in [
        ("incoming_event", json!({})),
        ("incoming_chat", json!({"chat": "none"})),
        (
            "of_the_year_2030",
            json!({"chat_id": "X", "what": [1, null]}),
        ),
        ("routing_status_set", Value::Null),
        ("user_added_to_chat", json!({"chat_id": 7})),
    ] {
        front
            .sim
            .act("event", json!({"action": action, "payload": payload}));
        front.hears(action, 200).await;
    }
    front.sim.say("shop", "ann", "pizza");
    ordered(&front).await;
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_nobody_listened_is_read_back() {
    let sim = LiveChat::start(LiveChatOptions::default().clock(50.0))
        .await
        .unwrap();
    let settings = personal(&sim, "");
    let front = Front::on(sim, settings, &["pizza"]).await;
    front.until(BotState::Connected).await;
    front.sim.say("shop", "ann", "hello");
    front.hears("incoming_chat", 200).await;
    let sessions = front.host.host().sessions();
    sessions.pause("desk").await.expect("it pauses");
    // The platform gives up after about a minute: nothing comes by itself any more.
    front.sim.say("shop", "ann", "pizza");
    let given_up = front
        .sim
        .delivered_like(PATIENCE, |it| {
            it.action == "incoming_event" && it.attempt == 4
        })
        .await;
    assert_eq!(given_up.and_then(|it| it.status), Some(503));
    sessions.resume("desk").await.expect("it resumes");
    front.until(BotState::Connected).await;
    ordered(&front).await;
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_not_taken_comes_again() {
    let sim = LiveChat::start(LiveChatOptions::default().clock(50.0))
        .await
        .unwrap();
    let settings = personal(&sim, "");
    let front = Front::on(sim, settings, &["pizza"]).await;
    front.until(BotState::Connected).await;
    front.sim.set(json!({"wrong_secret": "for a moment"}));
    front.sim.say("shop", "ann", "hello");
    front.hears("incoming_chat", 401).await;
    front.sim.set(json!({"wrong_secret": null}));
    front.sim.say("shop", "ann", "pizza");
    ordered(&front).await;
    tokio::time::timeout(Duration::from_secs(20), front.hears("incoming_event", 200))
        .await
        .expect("it is heard");
    front.stop().await;
}
