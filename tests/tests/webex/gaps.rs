//! What was not delivered, and webhooks that are not as they should be.

use parlor_host::mailbox::control::BotState;
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::webex::{TOKEN, Webex, WebexOptions};
use parlor_tests::sim::{Fault, Logged};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::{Cloud, settings};
use crate::faults::{each_is_repeated_once, each_was_repeated_once};

/// Asks the platform with the bot's token, as another program of the operator's may.
async fn ask(sim: &Webex, method: Method, path: &str, body: &Value) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let request = client.request(method, format!("{}/v1/{path}", sim.base_url()));
    let answer = request.bearer_auth(TOKEN).json(body).send().await;
    assert_eq!(answer.expect("an answer").status().as_u16(), 200);
}

/// A webhook of the bot's that leads nowhere.
async fn make(sim: &Webex, name: &str, resource: &str, event: &str) {
    let body = json!({"name": name, "targetUrl": "http://127.0.0.1:9/old",
                      "resource": resource, "event": event});
    ask(sim, Method::POST, "webhooks", &body).await;
}

fn is_look(asked: &Logged) -> bool {
    asked.method == "GET" && asked.path == "/v1/webhooks" && asked.status.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_while_settings_change_is_heard_once() {
    let cloud = Cloud::with(&["echo"]).await;
    each_is_repeated_once(&cloud, &["one"]).await;
    // Nothing can be followed up: what is told waits.
    let fetched = "GET /v1/messages/*";
    cloud.sim.fault(Fault::on(fetched).status(503).times(0));
    let before = cloud.sim.sent_count();
    let words: Vec<String> = (0..24).map(|number| format!("word-{number}")).collect();
    for (number, some) in words.chunks(6).enumerate() {
        let more = format!("read-back-secs = {}", 1_000 + number);
        let says = async {
            for word in some {
                cloud.sim.say_direct("ada", &format!("/echo {word}"));
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(cloud.change(&more), says);
    }
    cloud.until(BotState::Connected).await;
    // Each change was one: every bot that came asked who it is.
    let asked = cloud.sim.requests_after(0).into_iter();
    let starts = asked.filter(|it| it.path == "/v1/people/me").count();
    assert!(starts > 1, "the settings were not taken");
    cloud.sim.clear_faults();
    each_was_repeated_once(&cloud, before, &words).await;
    let refused: Vec<u16> = cloud.sim.deliveries().iter().map(|it| it.status).collect();
    assert!(refused.iter().all(|status| *status == 200), "{refused:?}");
    let heard = cloud.kept().join("heard");
    cloud
        .host
        .eventually("nothing is left on disk", || {
            std::fs::read_dir(&heard).is_ok_and(|mut files| files.next().is_none())
        })
        .await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_listener_is_down_webex_gives_up_and_nothing_is_lost() {
    let cloud = Cloud::with(&["echo"]).await;
    each_is_repeated_once(&cloud, &["one"]).await;
    let before = cloud.sim.sent_count();
    let down = cloud.down().await;
    let words: Vec<String> = (0..110).map(|number| format!("word-{number}")).collect();
    for word in &words {
        down.sim.say_direct("ada", &format!("/echo {word}"));
    }
    let gives_up = down.sim.until(PATIENCE, |sim| {
        sim.hooks().iter().any(|hook| hook["status"] == "inactive")
    });
    assert!(gives_up.await, "{:?}", down.sim.hooks());
    let deliveries = down.sim.deliveries();
    let failed = deliveries.iter().filter(|it| it.status == 0).count();
    assert!(failed >= 100, "nobody answers: {failed}");
    // It is back at another port, and by itself.
    let cloud = down.up(&["echo"]).await;
    each_was_repeated_once(&cloud, before, &words).await;
    let all_on = |hook: &Value| hook["status"] == "active";
    assert!(cloud.sim.hooks().iter().all(all_on));
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_led_elsewhere_is_brought_back_and_what_it_missed_is_read() {
    let cloud = Cloud::with(&["echo"]).await;
    each_is_repeated_once(&cloud, &["one"]).await;
    let before = cloud.sim.sent_count();
    let hooks = cloud.sim.hooks();
    let hook = hooks
        .iter()
        .find(|hook| hook["resource"] == "messages" && hook["event"] == "created")
        .expect("it is there");
    let path = format!("webhooks/{}", hook["id"].as_str().expect("an id"));
    let body = json!({"name": hook["name"], "targetUrl": "http://127.0.0.1:9/old"});
    ask(&cloud.sim, Method::PUT, &path, &body).await;
    cloud.sim.say_direct("ada", "/echo missed");
    cloud.says(before, "missed").await;
    assert_eq!(cloud.meanwhile(before).await.len(), 1);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_webex_never_delivered_is_read_back_by_and_by() {
    let sim = Webex::start(WebexOptions::default())
        .await
        .expect("a platform");
    let often = |sim: &Webex, folder: &std::path::Path, _: &str| {
        settings(sim, folder, "read-back-secs = 1")
    };
    let cloud = Cloud::on(sim, &["echo"], often).await;
    each_is_repeated_once(&cloud, &["one"]).await;
    let before = cloud.sim.sent_count();
    cloud.sim.set(json!({"lost_deliveries": 1}));
    cloud.sim.say_direct("ada", "/echo never told of");
    cloud.says(before, "never told of").await;
    // What the journal has is read again and again, and not offered again.
    let asked = cloud.sim.request_count();
    let is_reading = |it: &Logged| it.method == "GET" && it.path == "/v1/messages";
    let again = cloud.sim.request_like(asked, PATIENCE, is_reading);
    assert!(again.await.is_some());
    assert_eq!(cloud.meanwhile(before).await.len(), 1);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_was_off_is_not_forgotten_where_the_same_look_is_throttled() {
    let cloud = Cloud::with(&["echo"]).await;
    each_is_repeated_once(&cloud, &["one"]).await;
    let before = cloud.sim.sent_count();
    // It is switched on, and what comes behind that in the same look is throttled.
    let throttled = Fault::on("DELETE /v1/webhooks/*").status(429);
    cloud.sim.fault(throttled.header("retry-after", "1"));
    cloud.sim.act("hook", json!({"off": "messages created"}));
    cloud.sim.say_direct("ada", "/echo missed");
    make(
        &cloud.sim,
        "parlor default/desk surplus",
        "rooms",
        "created",
    )
    .await;
    cloud.says(before, "missed").await;
    assert_eq!(cloud.meanwhile(before).await.len(), 1);
    let is_there = |sim: &Webex| {
        sim.hooks()
            .iter()
            .any(|hook| hook["event"] == "created" && hook["resource"] == "rooms")
    };
    assert!(cloud.sim.until(PATIENCE, |sim| !is_there(sim)).await);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_webex_does_not_have_is_asked_for_once() {
    let cloud = Cloud::with(&["echo"]).await;
    for _ in 0..3 {
        let asked = cloud.sim.request_count();
        assert!(
            cloud
                .sim
                .request_like(asked, PATIENCE, is_look)
                .await
                .is_some()
        );
    }
    let asked = cloud.sim.requests_after(0).into_iter();
    let bodies = asked
        .filter(|it| it.method == "POST" && it.path == "/v1/webhooks")
        .filter_map(|it| it.json());
    let updates =
        bodies.filter(|body| body["event"] == "updated" && body["resource"] == "messages");
    assert_eq!(updates.count(), 1);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_the_webhooks_that_fails_makes_no_bot_deaf() {
    let cloud = Cloud::with(&["echo"]).await;
    cloud
        .sim
        .fault(Fault::on("GET /v1/webhooks").status(500).times(0));
    for word in ["one", "two"] {
        let asked = cloud.sim.request_count();
        let look = cloud.sim.request_like(asked, PATIENCE, is_look);
        assert_eq!(look.await.and_then(|it| it.status), Some(500));
        each_is_repeated_once(&cloud, &[word]).await;
    }
    assert_eq!(cloud.state(), (BotState::Connected, None));
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_hears_otherwise_from_now_on_keeps_what_it_was_told() {
    let cloud = Cloud::with(&["echo"]).await;
    each_is_repeated_once(&cloud, &["one"]).await;
    let before = cloud.sim.sent_count();
    cloud
        .sim
        .fault(Fault::on("GET /v1/messages/*").status(503).times(0));
    let said = cloud.sim.say_direct("ada", "/echo told by webhook");
    let is_taken = cloud.sim.until(PATIENCE, |sim| {
        let deliveries = sim.deliveries();
        let mut own = deliveries.iter();
        own.any(|it| it.body["data"]["id"] == said.as_str() && it.status == 200)
    });
    assert!(is_taken.await);
    cloud.change_to_socket().await;
    cloud.sim.clear_faults();
    cloud.says(before, "told by webhook").await;
    cloud.until(BotState::Connected).await;
    // Its webhooks would call nobody any more.
    assert!(cloud.sim.hooks().is_empty(), "{:?}", cloud.sim.hooks());
    each_is_repeated_once(&cloud, &["by socket"]).await;
    assert_eq!(cloud.meanwhile(before).await.len(), 2, "each once");
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_space_that_cannot_be_read_keeps_neither_the_bot_nor_another_space_back() {
    let cloud = Cloud::with(&["echo"]).await;
    each_is_repeated_once(&cloud, &["one"]).await;
    let before = cloud.sim.sent_count();
    let list = || Fault::on("GET /v1/messages");
    cloud.sim.fault(list().status(500));
    cloud.sim.fault(list().after(1).html(200).times(3));
    cloud.sim.act("hook", json!({"off": "messages created"}));
    for user in ["ada", "grace", "heidi"] {
        cloud.sim.say_direct(user, &format!("/echo of {user}"));
    }
    for user in ["ada", "grace", "heidi"] {
        cloud.says(before, &format!("of {user}")).await;
    }
    assert_eq!(cloud.meanwhile(before).await.len(), 3);
    assert_eq!(
        cloud.state(),
        (BotState::Connected, None),
        "it never was away"
    );
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_were_switched_off_are_on_again_and_nothing_is_lost() {
    let cloud = Cloud::with(&["echo"]).await;
    each_is_repeated_once(&cloud, &["one"]).await;
    let before = cloud.sim.sent_count();
    // As after ten minutes in which nobody listened: what is said now is told to nobody.
    cloud.sim.act("hook", json!({"off": "messages created"}));
    cloud.sim.say_direct("ada", "/echo missed");
    cloud.sim.say_to_bot("Desk", "grace", "/echo missed too");
    cloud.says(before, "missed").await;
    cloud.says(before, "missed too").await;
    let all_on = cloud
        .sim
        .hooks()
        .iter()
        .all(|hook| hook["status"] == "active");
    assert!(all_on);
    assert_eq!(cloud.meanwhile(before).await.len(), 2, "each once");
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_failures_switch_a_webhook_off_and_it_comes_back_by_itself() {
    let cloud = Cloud::with(&["echo"]).await;
    // Nothing is taken while the bot is paused, as while a tenant has no room.
    let sessions = cloud.host.host().sessions().clone();
    sessions.pause("desk").await.expect("it is paused");
    for number in 0..100 {
        cloud.sim.say_direct("ada", &format!("/echo {number}"));
    }
    let is_off = cloud.sim.until(PATIENCE, |sim| {
        sim.hooks().iter().any(|hook| hook["status"] == "inactive")
    });
    assert!(is_off.await, "the platform gives up");
    sessions.resume("desk").await.expect("it goes on");
    for number in 0..100 {
        cloud.does(0, |sent| sent.text == number.to_string()).await;
    }
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_reconciled_by_their_names_and_others_are_left_alone() {
    let sim = Webex::start(WebexOptions::default())
        .await
        .expect("a platform");
    // Of a start before at another address, made twice, one too many, and somebody else's.
    make(
        &sim,
        "parlor default/desk messages created",
        "messages",
        "created",
    )
    .await;
    make(
        &sim,
        "parlor default/desk messages created",
        "messages",
        "created",
    )
    .await;
    make(&sim, "parlor default/desk all all", "all", "all").await;
    make(&sim, "somebody else", "messages", "created").await;
    let cloud = Cloud::on(sim, &["echo"], settings).await;
    each_is_repeated_once(&cloud, &["one"]).await;
    let hooks = cloud.sim.hooks();
    let mut made: Vec<String> = hooks
        .iter()
        .filter(|hook| {
            hook["name"]
                .as_str()
                .is_some_and(|name| name.starts_with("parlor "))
        })
        .map(|hook| {
            format!(
                "{} {}",
                hook["resource"].as_str().unwrap_or_default(),
                hook["event"].as_str().unwrap_or_default()
            )
        })
        .collect();
    made.sort();
    assert_eq!(
        made,
        [
            "attachmentActions created",
            "memberships all",
            "messages created",
            "messages deleted",
            "rooms updated"
        ]
    );
    let other = hooks.iter().find(|hook| hook["name"] == "somebody else");
    assert_eq!(
        other.expect("it is there")["targetUrl"],
        "http://127.0.0.1:9/old"
    );
    assert!(
        hooks
            .iter()
            .filter(|hook| hook["name"] != "somebody else")
            .all(|hook| hook["secret"].is_string())
    );
    cloud.stop().await;
}
