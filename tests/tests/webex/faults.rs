//! What goes wrong, each once.

use std::time::{Duration, Instant};

use parlor_host::mailbox::control::BotState;
use parlor_tests::bots::announce;
use parlor_tests::harness::PATIENCE;
use parlor_tests::outside::TestProxy;
use parlor_tests::sim::webex::{Webex, WebexOptions};
use parlor_tests::sim::{Fault, Logged};
use serde_json::json;

use crate::cloud::{Cloud, by_socket, settings};

/// People say these, one after the other, and each is repeated once and in order.
pub(crate) async fn each_is_repeated_once(cloud: &Cloud, words: &[&str]) {
    let before = cloud.sim.sent_count();
    for word in words {
        cloud.sim.say_direct("ada", &format!("/echo {word}"));
    }
    each_was_repeated_once(cloud, before, words).await;
}

/// Waits until the bot has said these words, and holds that it said nothing else: each once and in order.
pub(crate) async fn each_was_repeated_once(cloud: &Cloud, before: u64, words: &[impl AsRef<str>]) {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    for word in &words {
        cloud.does(before, |sent| sent.text == *word).await;
    }
    let said = cloud.meanwhile(before).await;
    let texts: Vec<&str> = said.iter().map(|sent| sent.text.as_str()).collect();
    assert_eq!(texts, words, "each once and in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_in_mid_flight_stops_the_bot_alone() {
    let cloud = Cloud::with(&["echo"]).await;
    each_is_repeated_once(&cloud, &["one"]).await;
    cloud.sim.fault(Fault::default().expire_tokens());
    cloud
        .host
        .eventually("the bot is refused", || {
            let (state, reason) = cloud.state();
            state != BotState::Connected
                && reason.is_some_and(|why| why.contains("refuses the token"))
        })
        .await;
    let asked = cloud.sim.request_count();
    cloud.meanwhile(0).await;
    assert_eq!(
        cloud.sim.request_count(),
        asked,
        "it does not ask on and on"
    );
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_waited_for_in_every_form() {
    let cloud = Cloud::with(&["echo"]).await;
    let post = || Fault::on("POST /v1/messages").status(429);
    cloud.sim.fault(post().header("retry-after", "1"));
    cloud.sim.fault(
        Fault::on("GET /v1/messages/*")
            .html(429)
            .header("retry-after", "1"),
    );
    each_is_repeated_once(&cloud, &["one"]).await;
    // Neither of these says how long: they are not asked again at once, and not given up.
    let get = || Fault::on("GET /v1/messages/*").status(429);
    cloud
        .sim
        .fault(get().header("retry-after", "rand(30),add(30)"));
    cloud.sim.fault(get());
    let (before, begun) = (cloud.sim.sent_count(), Instant::now());
    cloud.sim.say_direct("ada", "/echo two");
    cloud.sim.say_direct("grace", "/echo three");
    cloud.says(before, "two").await;
    cloud.says(before, "three").await;
    assert!(begun.elapsed() > Duration::from_secs(14));
    // For an hour nothing more is sent.
    let asked = cloud.sim.request_count();
    cloud.sim.fault(post().header("retry-after", "3600"));
    cloud.sim.say_direct("ada", "/echo four");
    let is_post = |it: &Logged| it.method == "POST" && it.path == "/v1/messages";
    let told = cloud
        .sim
        .request_like(asked, PATIENCE, |it| is_post(it) && it.status == Some(429));
    assert!(told.await.is_some());
    cloud.sim.say_direct("grace", "/echo five");
    assert_eq!(cloud.meanwhile(before + 2).await.len(), 0);
    let asked = cloud.sim.requests_after(asked);
    assert_eq!(asked.iter().filter(|it| is_post(it)).count(), 1);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_cannot_be_read_are_asked_for_again() {
    let cloud = Cloud::with(&["echo"]).await;
    // A gateway's page with a 200, and JSON that is no message.
    let get = || Fault::on("GET /v1/messages/*");
    cloud.sim.fault(get().html(200).times(4));
    cloud
        .sim
        .fault(get().status(200).body(json!({"id": 5})).times(2));
    each_is_repeated_once(&cloud, &["one"]).await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_fail_are_asked_again_for_what_was_said() {
    let cloud = Cloud::with(&["echo"]).await;
    for status in [500, 502, 503, 504] {
        cloud
            .sim
            .fault(Fault::on("GET /v1/messages/*").html(status));
    }
    cloud.sim.fault(Fault::on("GET /v1/people/*").drop());
    each_is_repeated_once(&cloud, &["one"]).await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_in_a_direct_space_is_looked_for_and_said_once() {
    let cloud = Cloud::with(&["echo"]).await;
    cloud.sim.say_direct("ada", "/echo before");
    cloud.says(0, "before").await;
    cloud
        .sim
        .fault(Fault::on("POST /v1/messages").status(502).performed());
    let before = cloud.sim.sent_count();
    cloud.sim.say_direct("ada", "/echo only once");
    cloud.says(before, "only once").await;
    let read_back = cloud.sim.until(Duration::from_secs(120), |sim| {
        let asked = sim.requests_after(0);
        asked
            .iter()
            .any(|it| it.method == "GET" && it.path == "/v1/messages")
    });
    assert!(read_back.await, "the space is read back");
    cloud.sim.say_direct("ada", "/echo after it");
    cloud.says(before, "after it").await;
    let texts: Vec<String> = cloud
        .sim
        .sent_after(before)
        .into_iter()
        .map(|it| it.text)
        .collect();
    assert_eq!(texts, ["only once", "after it"]);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_come_twice_and_out_of_order_are_heard_once() {
    let cloud = Cloud::with(&["echo"]).await;
    cloud.sim.fault(Fault::default().duplicate());
    each_is_repeated_once(&cloud, &["one"]).await;
    cloud.sim.fault(Fault::default().reorder());
    let before = cloud.sim.sent_count();
    cloud.sim.say_direct("ada", "/echo two");
    cloud.sim.say_direct("ada", "/echo three");
    cloud.says(before, "two").await;
    cloud.says(before, "three").await;
    assert_eq!(cloud.meanwhile(before).await.len(), 2);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_lags_behind_its_webhooks() {
    let cloud = Cloud::with(&["echo"]).await;
    cloud.sim.set(json!({"lag": 1}));
    each_is_repeated_once(&cloud, &["one"]).await;
    // What is gone for good is given up.
    cloud.sim.set(json!({"lag": 100}));
    let before = cloud.sim.sent_count();
    cloud.sim.say_direct("ada", "/echo never");
    cloud.sim.set(json!({"lag": 0}));
    cloud.sim.say_direct("ada", "/echo two");
    cloud.says(before, "two").await;
    assert_eq!(cloud.meanwhile(before).await.len(), 1);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_told_no_and_nothing_more() {
    let cloud = Cloud::with(&["echo"]).await;
    each_is_repeated_once(&cloud, &["one"]).await;
    let before = cloud.sim.sent_count();
    let address = cloud
        .host
        .host()
        .hooks()
        .bot_address("desk")
        .expect("it is called");
    let real = cloud
        .sim
        .deliveries()
        .into_iter()
        .find(|it| it.body["resource"] == "messages");
    let body = real.expect("one was delivered").body.to_string();
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let post = async |signature: Option<&str>, body: String| {
        let mut request = client
            .post(&address)
            .header("content-type", "application/json");
        if let Some(signature) = signature {
            request = request.header("x-spark-signature", signature);
        }
        let answer = request.body(body).send().await.expect("an answer");
        (
            answer.status().as_u16(),
            answer.text().await.unwrap_or_default(),
        )
    };
    let no = (401, String::new());
    assert_eq!(post(None, body.clone()).await, no);
    assert_eq!(post(Some("00"), body.clone()).await, no);
    let secret = std::fs::read_to_string(cloud.kept().join("webhook-secret")).expect("a secret");
    let sign = |body: &str| parlor_tests::sim::webex::signature(&secret, body.as_bytes());
    assert_eq!(post(Some(&sign("another")), body.clone()).await, no);
    // Signed rightly and not JSON; and what was delivered once, replayed.
    assert_eq!(
        post(Some(&sign("nonsense")), "nonsense".to_owned()).await.0,
        400
    );
    assert_eq!(post(Some(&sign(&body)), body.clone()).await.0, 200);
    let get = client.get(&address).send().await.expect("an answer");
    assert_eq!(get.status().as_u16(), 405);
    // Too large: not a byte of it is read.
    let signed = format!("X-Spark-Signature: {}", sign("x"));
    assert_eq!(announce(&address, 1024 * 1024 + 1, &signed).await, 413);
    assert_eq!(
        cloud.meanwhile(before).await.len(),
        0,
        "nothing came of any of them"
    );
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_that_cannot_be_read_is_none() {
    let cloud = Cloud::with(&["kinds"]).await;
    cloud.sim.set(json!({"broken_title": true}));
    cloud.sim.say_to_bot("Desk", "ada", "hello");
    let before = cloud.sim.sent_count();
    cloud.sim.say_direct("ada", "seen message");
    let seen = cloud.says(before, "").await.text;
    assert!(!seen.contains("eyJhbGci"), "{seen}");
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_trusted_where_the_settings_say_so() {
    let options = WebexOptions {
        tls: true,
        ..WebexOptions::default()
    };
    let sim = Webex::start(options).await.expect("a platform");
    let with_authority = |sim: &Webex, folder: &std::path::Path, _: &str| {
        let file = folder.join("ca.pem");
        std::fs::write(&file, sim.authority().unwrap_or_default()).expect("it can be written");
        let more = format!("ca-files = [\"file:{}\"]", file.display());
        let more = more.replace("file:", "");
        settings(sim, folder, &more)
    };
    let cloud = Cloud::on(sim, &["echo"], with_authority).await;
    each_is_repeated_once(&cloud, &["one"]).await;
    cloud.stop().await;
    // Without it nothing is asked.
    let sim = Webex::start(options).await.expect("a platform");
    let cloud = Cloud::closed(sim, &["echo"], settings).await;
    cloud
        .host
        .eventually("the bot says why", || {
            cloud
                .state()
                .1
                .is_some_and(|why| why.contains("not reached"))
        })
        .await;
    assert_eq!(cloud.sim.request_count(), 0);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_the_websocket_go_through_a_proxy_that_wants_a_password() {
    let options = WebexOptions {
        tls: true,
        real_names: true,
        ..WebexOptions::default()
    };
    let sim = Webex::start(options).await.expect("a platform");
    let (api, socket) = sim.addresses();
    let names = [("webexapis.com", api), ("mercury.wbx2.com", socket)];
    let proxy = TestProxy::start("joe", "s3cret-of-the-proxy", &names).await;
    let with_proxy = |sim: &Webex, folder: &std::path::Path, _: &str| {
        let (ca, password) = (folder.join("ca.pem"), folder.join("password"));
        std::fs::write(&ca, sim.authority().unwrap_or_default()).expect("it can be written");
        std::fs::write(&password, "s3cret-of-the-proxy").expect("it can be written");
        format!(
            "{}ca-files = [\"{}\"]\nproxy = {{ url = \"http://{}\", username = \"joe\", password = \"file:{}\" }}\n",
            by_socket(sim, folder),
            ca.display(),
            proxy.address,
            password.display()
        )
    };
    let cloud = Cloud::on(sim, &["echo"], with_proxy).await;
    each_is_repeated_once(&cloud, &["one"]).await;
    let asked = proxy.asked();
    for name in ["webexapis.com:443", "mercury.wbx2.com:443"] {
        assert!(asked.iter().any(|it| it == name), "{name}: {asked:?}");
    }
    cloud.stop().await;
}
