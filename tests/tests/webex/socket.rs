//! Bots that hear by WebSocket.

use std::time::{Duration, Instant};

use parlor_host::mailbox::control::BotState;
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::Fault;
use serde_json::json;

use crate::cloud::Cloud;

async fn echoes(cloud: &Cloud, word: &str) {
    let before = cloud.sim.sent_count();
    cloud.sim.say_direct("ada", &format!("/echo {word}"));
    cloud.says(before, word).await;
    assert_eq!(cloud.meanwhile(before).await.len(), 1, "{word}: once");
}

async fn all_is_acknowledged(cloud: &Cloud) {
    let done = cloud.sim.until(PATIENCE, |sim| sim.socket_state().1 == 0);
    assert!(done.await, "{:?}", cloud.sim.socket_state());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_without_an_address_hears_and_answers() {
    let cloud = Cloud::with_socket(&["echo", "activities"]).await;
    assert_eq!(cloud.host.host().hooks().address(), None, "nothing listens");
    echoes(&cloud, "one").await;
    let before = cloud.sim.sent_count();
    cloud.sim.say_to_bot("Desk", "ada", "/echo two");
    cloud.says(before, "two").await;
    cloud.sim.set(json!({"binary_frames": true}));
    echoes(&cloud, "three").await;
    cloud.sim.say_direct("ada", "/form");
    let form = cloud
        .does(0, |sent| sent.raw.get("attachments").is_some())
        .await;
    let actions = &form.raw["attachments"][0]["content"]["actions"];
    cloud.sim.act(
        "press",
        json!({"user": "ada", "button": actions[0]["title"], "values": {"name": "Ada"}}),
    );
    cloud.says(form.n, "Hello, Ada").await;
    all_is_acknowledged(&cloud).await;
    assert!(cloud.sim.hooks().is_empty(), "no webhook is made");
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_used_again_and_a_stale_one_is_made_anew() {
    let cloud = Cloud::with_socket(&["echo"]).await;
    echoes(&cloud, "one").await;
    cloud.sim.close_sockets(1001, "going away");
    cloud.sim.say_direct("ada", "/echo while away");
    cloud.says(1, "while away").await;
    assert_eq!(cloud.sim.devices(), 1, "the same one");
    cloud.sim.act("devices", json!({}));
    cloud.sim.close_sockets(1001, "going away");
    let made = cloud.sim.until(PATIENCE, |sim| sim.devices() == 1);
    assert!(made.await);
    cloud.until(BotState::Connected).await;
    echoes(&cloud, "three").await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_over_is_asked_for_anew() {
    let cloud = Cloud::with_socket(&["echo"]).await;
    echoes(&cloud, "one").await;
    // The list goes on naming the old one, and that opens and ends at once.
    cloud.sim.act("devices", json!({"move": true}));
    cloud.sim.close_sockets(1001, "going away");
    cloud.sim.say_direct("ada", "/echo while away");
    cloud.says(1, "while away").await;
    assert_eq!(cloud.sim.devices(), 1, "the same one");
    let refreshed = cloud.sim.requests_after(0);
    let refreshed = refreshed.iter().filter(|it| it.method == "PUT");
    let body = refreshed
        .filter_map(|it| it.json())
        .next_back()
        .expect("it is refreshed");
    assert!(
        body["name"].is_string() && body.get("features").is_none(),
        "{body}"
    );
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_leads_nowhere_is_made_anew_after_a_few_tries() {
    let cloud = Cloud::with_socket(&["echo"]).await;
    echoes(&cloud, "one").await;
    // It cannot be refreshed either.
    cloud
        .sim
        .fault(Fault::on("PUT /wdm/api/v1/devices/*").status(405).times(0));
    cloud.sim.act("devices", json!({"move": true}));
    cloud.sim.close_sockets(1001, "going away");
    cloud.sim.say_direct("ada", "/echo while away");
    cloud.says(1, "while away").await;
    assert_eq!(cloud.sim.devices(), 1, "the old one is taken away");
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_that_takes_too_long_is_begun_again() {
    let cloud = Cloud::with_socket(&["echo"]).await;
    echoes(&cloud, "one").await;
    let why = "Authentication did not happen within the timeout window of 30000 seconds.";
    cloud.sim.close_sockets(1008, why);
    cloud
        .host
        .eventually("it has noticed", || {
            cloud.state().1.is_some_and(|said| said.contains("30000"))
        })
        .await;
    cloud.until(BotState::Connected).await;
    echoes(&cloud, "two").await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_heard_while_what_was_missed_is_read() {
    let cloud = Cloud::with_socket(&["echo"]).await;
    echoes(&cloud, "one").await;
    let asked = cloud.sim.request_count();
    let long = Duration::from_secs(50);
    cloud.sim.fault(Fault::on("GET /v1/rooms").delay(long));
    cloud.sim.set(json!({"lost_frames": 2}));
    cloud.sim.say_direct("ada", "/echo lost");
    let reads = cloud
        .sim
        .request_like(asked, PATIENCE, |it| it.path == "/v1/rooms");
    assert!(reads.await.is_some());
    let begun = Instant::now();
    echoes(&cloud, "heard").await;
    assert!(begun.elapsed() < long / 2, "{:?}", begun.elapsed());
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_on_the_same_device_ends_the_bot_and_no_battle_begins() {
    let cloud = Cloud::with_socket(&["echo"]).await;
    cloud.sim.close_sockets(4000, "replaced");
    cloud
        .host
        .eventually("the bot says why", || {
            cloud
                .state()
                .1
                .is_some_and(|why| why.contains("another client"))
        })
        .await;
    let asked = cloud.sim.request_count();
    cloud.meanwhile(0).await;
    assert_eq!(cloud.sim.request_count(), asked);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_frames_are_read_back() {
    let cloud = Cloud::with_socket(&["echo"]).await;
    echoes(&cloud, "one").await;
    let before = cloud.sim.sent_count();
    cloud.sim.set(json!({"lost_frames": 2}));
    cloud.sim.say_direct("ada", "/echo lost");
    cloud.says(before, "lost").await;
    assert_eq!(cloud.meanwhile(before).await.len(), 1);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_told_of_twice_is_heard_once() {
    let cloud = Cloud::with_socket(&["echo"]).await;
    cloud.sim.set(json!({"double_share": true}));
    cloud.sim.act(
        "say",
        json!({"direct": true, "user": "ada", "text": "/echo with a file",
               "file": {"name": "a.txt", "text": "x"}}),
    );
    cloud.says(0, "with a file").await;
    tokio::time::timeout(Duration::from_secs(10), all_is_acknowledged(&cloud))
        .await
        .expect("in time");
    assert_eq!(cloud.meanwhile(0).await.len(), 1);
    cloud.stop().await;
}
