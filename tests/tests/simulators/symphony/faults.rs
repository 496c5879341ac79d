//! Faults, as networks, gateways and the platform have them.

use std::time::{Duration, Instant};

use parlor_tests::outside::TestProxy;
use parlor_tests::sim::Fault;
use parlor_tests::sim::symphony::{Symphony, SymphonyOptions};
use serde_json::{Value, json};

use super::client::{Client, fits, kinds, pod};

const INFO: &str = "/agent/v1/info";

#[tokio::test]
async fn a_status_comes_with_its_headers_so_many_times() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    sim.fault(
        Fault::on("GET /agent/v1/info")
            .status(429)
            .header("Retry-After", "3")
            .times(2),
    );
    sim.fault(Fault::on(INFO).html(502));
    for _ in 0..2 {
        let got = client.get(INFO).await;
        assert_eq!(got.status, 429);
        assert_eq!(
            got.headers
                .get("retry-after")
                .and_then(|it| it.to_str().ok()),
            Some("3")
        );
    }
    let page = client.get(INFO).await;
    assert_eq!(page.status, 502);
    assert!(page.text.starts_with("<html>"), "{}", page.text);
    client.get(INFO).await.good();
    fits(&sim);
}

#[tokio::test]
async fn a_connection_is_closed_before_the_call_or_after_it_was_performed() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let said = sim.say_im("ada", "hi");
    let path = format!("/agent/v4/stream/{}/message/create", said.stream_id);
    for (fault, sent) in [
        (Fault::on(&path).drop(), 0),
        (Fault::on(&path).drop().performed(), 1),
    ] {
        let before = sim.sent_count();
        sim.fault(fault);
        let body = "--X\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\n<messageML>x</messageML>\r\n--X--\r\n";
        let request = client.request(reqwest::Method::POST, &path);
        let request = request
            .header("content-type", "multipart/form-data; boundary=X")
            .body(body);
        assert!(Client::send(request).await.is_err());
        assert_eq!(sim.sent_after(before).len(), sent);
    }
    // Its answer can also be replaced although it was performed.
    let before = sim.sent_count();
    sim.fault(Fault::on(&path).status(500).performed());
    assert_eq!(
        client
            .say(&said.stream_id, "<messageML>y</messageML>")
            .await
            .status,
        500
    );
    assert_eq!(sim.sent_after(before).len(), 1);
}

#[tokio::test]
async fn a_body_ends_before_its_end() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    sim.fault(Fault::on(INFO).truncate(10));
    let cut = Client::send(client.request(reqwest::Method::GET, INFO)).await;
    assert!(cut.is_err_and(|error| error.is_body() || error.is_decode() || error.is_request()));
    client.get(INFO).await.good();
}

#[tokio::test]
async fn a_long_poll_is_closed_in_the_middle() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    let path = format!("/agent/v5/datafeeds/{feed}/read");
    let body = json!({ "ackId": "" });
    let read = client.try_post(&path, &body);
    let closed = async {
        sim.request_like(0, Duration::from_secs(10), |it| it.path == path)
            .await
            .expect("a read");
        sim.fault(Fault::on("*/read").close_socket());
    };
    let (read, ()) = tokio::join!(read, closed);
    assert!(read.is_err());
    sim.say_im("ada", "hi");
    let (events, _) = client.events(&feed, "").await;
    assert_eq!(kinds(&events), ["INSTANTMESSAGECREATED", "MESSAGESENT"]);
}

#[tokio::test]
async fn events_handed_to_a_connection_that_broke_come_again() {
    let sim = pod().await;
    sim.set(json!({ "visibility_ms": 50 }));
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    sim.say_im("ada", "hi");
    sim.fault(Fault::on("*/read").drop().performed());
    let path = format!("/agent/v5/datafeeds/{feed}/read");
    assert!(
        client
            .try_post(&path, &json!({ "ackId": "" }))
            .await
            .is_err()
    );
    let (events, _) = client.events(&feed, "").await;
    assert_eq!(kinds(&events), ["INSTANTMESSAGECREATED", "MESSAGESENT"]);
}

#[tokio::test]
async fn an_answer_is_held_back() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    sim.fault(Fault::on(INFO).delay(Duration::from_millis(80)));
    let started = Instant::now();
    client.get(INFO).await.good();
    assert!(started.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn an_outage_lasts_until_it_is_over() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    sim.fault(Fault::on("/agent/*").status(503).times(0));
    for _ in 0..5 {
        assert_eq!(client.get("/agent/v5/datafeeds").await.status, 503);
    }
    client.get("/pod/v2/sessioninfo").await.good();
    sim.clear_faults();
    client.get("/agent/v5/datafeeds").await.good();
}

#[tokio::test]
async fn calls_beyond_a_rate_are_throttled_in_either_way() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    for (as_400, status) in [(false, 429), (true, 400)] {
        sim.set(json!({ "calls_per_second": 2 }));
        sim.set(json!({ "throttled_as_400": as_400 }));
        let mut throttled = None;
        for _ in 0..20 {
            let got = client.get(INFO).await;
            if got.status != 200 {
                throttled = Some(got);
                break;
            }
        }
        let got = throttled.expect("a call too many");
        assert_eq!(got.status, status);
        assert!(got.headers.contains_key("retry-after"));
    }
}

#[tokio::test]
async fn scripts_do_by_http_what_tests_do_by_calls() {
    let sim = pod().await;
    let client = Client::new(&sim);
    let said = client
        .post(
            "/_sim/say",
            &json!({ "conversation": "Desk", "user": "ada", "text": "hi" }),
        )
        .await
        .good();
    assert!(said["message_id"].is_string(), "{said}");
    let fault = json!({ "match": INFO, "status": 503 });
    client.post("/_sim/fault", &fault).await.good();
    assert_eq!(client.get(INFO).await.status, 503);
    client
        .post(
            "/_sim/fault",
            &json!({ "match": INFO, "status": 503, "times": 0 }),
        )
        .await
        .good();
    let clear = client.request(reqwest::Method::DELETE, "/_sim/fault");
    Client::send(clear).await.expect("an answer").good();
    assert_eq!(client.get(INFO).await.status, 200);
    let log = client.get("/_sim/log?after=1").await.good();
    assert_eq!(log["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(log["items"][0]["path"], INFO);
    assert_eq!(
        client.get("/_sim/sent").await.good(),
        json!({ "items": [] })
    );
    assert_eq!(client.get("/_sim/bot").await.good(), sim.line());
    for (verb, wrong) in [
        ("fault", json!({ "state": 500 })),
        ("say", json!({ "conversation": "Desk", "user": "ada" })),
        (
            "say",
            json!({ "conversation": "Desk", "user": "ada", "text": "x", "colour": "red" }),
        ),
        ("set", json!({ "gravity": 1 })),
        ("dance", Value::Null),
    ] {
        let got = client.post(&format!("/_sim/{verb}"), &wrong).await;
        assert_eq!(got.status, 400, "{verb} {wrong}");
        assert!(got.json()["error"].is_string(), "{}", got.text);
    }
}

#[tokio::test]
async fn what_a_client_does_against_the_document_is_noted() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    client.get("/pod/v2/sessioninfo").await.good();
    assert_eq!(sim.complaints(), Vec::<String>::new());
    let request = client.request(reqwest::Method::GET, "/pod/v2/sessioninfo");
    let request = request
        .header("x-trace-id", "not six")
        .header("keyManagerToken", "x");
    Client::send(request).await.expect("an answer").good();
    let found = sim.complaints();
    assert_eq!(found.len(), 2, "{found:?}");
}

#[tokio::test]
async fn a_pod_is_reached_through_a_proxy_that_wants_a_password() {
    let sim = Symphony::start(SymphonyOptions::default().tls())
        .await
        .expect("it starts");
    let address = ([127, 0, 0, 1], sim.port()).into();
    let names = [("symphony.test", address), ("agent.symphony.test", address)];
    let proxy = TestProxy::start("joe", "secret", &names).await;
    super::client::prepare();
    let ca = std::fs::read(sim.file("ca.pem")).expect("a certificate");
    for (password, is_let) in [("secret", true), ("wrong", false)] {
        let through = reqwest::Proxy::all(format!("http://{}", proxy.address)).expect("a proxy");
        let ca = reqwest::Certificate::from_pem(&ca).expect("a certificate");
        let client = reqwest::Client::builder()
            .tls_certs_only([ca])
            .proxy(through.basic_auth("joe", password))
            .build()
            .expect("a client");
        for (name, _) in names {
            let got = client.get(format!("https://{name}{INFO}")).send().await;
            assert_eq!(got.is_ok_and(|got| got.status() == 200), is_let, "{name}");
        }
    }
}
