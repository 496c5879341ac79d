//! Logging in and out.

use std::collections::BTreeSet;

use parlor_tests::sim::Fault;
use parlor_tests::sim::symphony::{APP, BOT, Symphony, SymphonyOptions, sign_token};
use serde_json::{Value, json};

use super::client::{Client, Got, fits, now, pod, prepare};

fn key(sim: &Symphony, name: &str) -> String {
    std::fs::read_to_string(sim.file(name)).expect("a key")
}

async fn log_in(client: &Client, pem: &str, claims: Value) -> Got {
    let body = json!({ "token": sign_token(pem, &claims) });
    client.post("/login/pubkey/authenticate", &body).await
}

#[tokio::test]
async fn a_bot_logs_in_by_its_key_and_sees_itself() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let own = client.get("/pod/v2/sessioninfo").await.good();
    assert_eq!(own["username"], BOT);
    assert_eq!(own["id"], sim.bot_id());
    assert_eq!(own["accountType"], "SYSTEM");
    assert_eq!(own.get("firstName"), None);
    let echo = client
        .post("/agent/v1/util/echo", &json!({ "message": "hi" }))
        .await;
    assert_eq!(echo.good(), json!({ "message": "hi" }));
    let login = &sim.requests_after(0)[0];
    assert_eq!(login.notes["jwt_claims"]["sub"], BOT);
    fits(&sim);
}

#[tokio::test]
async fn a_login_is_refused_for_key_name_and_time() {
    let sim = pod().await;
    let client = Client::new(&sim);
    let (own, other) = (key(&sim, "bot.pem"), key(&sim, "app.pem"));
    let exp = now() + 240;
    for (pem, claims, why) in [
        (&other, json!({ "sub": BOT, "exp": exp }), "another key"),
        (&own, json!({ "sub": "nobody", "exp": exp }), "not known"),
        (&own, json!({ "sub": BOT, "exp": now() - 60 }), "expired"),
        (
            &own,
            json!({ "sub": BOT, "exp": now() + 400 }),
            "five minutes",
        ),
        (&own, json!({ "exp": exp }), "no sub"),
    ] {
        log_in(&client, pem, claims)
            .await
            .refused(401, "Unauthorized");
        let last = sim.requests_after(0).pop().expect("a request");
        let noted = last.notes["refused"].as_str().expect("a reason");
        assert!(noted.contains(why), "{noted}");
    }
    client
        .post("/login/pubkey/authenticate", &json!({ "token": "x" }))
        .await
        .refused(401, "");
    client
        .post("/login/pubkey/authenticate", &json!({}))
        .await
        .refused(401, "Unauthorized");
    sim.act("user", json!({ "user": BOT, "enabled": false }));
    log_in(&client, &own, json!({ "sub": BOT, "exp": exp }))
        .await
        .refused(401, "");
    fits(&sim);
}

#[tokio::test]
async fn a_key_that_was_replaced_still_works_beside_the_new_one() {
    let sim = pod().await;
    sim.act(
        "user",
        json!({ "user": BOT, "public_key": key(&sim, "app.pem") }),
    );
    let client = Client::new(&sim);
    for name in ["bot.pem", "app.pem"] {
        let pem = key(&sim, name);
        log_in(&client, &pem, json!({ "sub": BOT, "exp": now() + 240 }))
            .await
            .good();
    }
}

#[tokio::test]
async fn tokens_end_when_they_are_told_to_and_a_new_login_is_good() {
    let sim = pod().await;
    let mut client = Client::logged_in(&sim).await;
    sim.fault(Fault::on("").expire_tokens());
    client
        .get("/pod/v2/sessioninfo")
        .await
        .refused(401, "Invalid session");
    client
        .get("/agent/v5/datafeeds")
        .await
        .refused(401, "Invalid session");
    let pem = key(&sim, "bot.pem");
    client.log_in(BOT, &pem).await;
    client.get("/agent/v5/datafeeds").await.good();
    fits(&sim);
}

#[tokio::test]
async fn the_agent_wants_both_tokens_unless_keys_are_delivered_simply() {
    let sim = pod().await;
    let mut client = Client::logged_in(&sim).await;
    let key_token = std::mem::take(&mut client.key);
    client
        .get("/agent/v5/datafeeds")
        .await
        .refused(401, "Invalid session");
    client.key = "0100ff".to_owned();
    client
        .get("/agent/v5/datafeeds")
        .await
        .refused(401, "Invalid session");
    client.key = key_token;
    client.get("/agent/v5/datafeeds").await.good();
    sim.set(json!({ "simplified_keys": true }));
    let pem = key(&sim, "bot.pem");
    client.log_in(BOT, &pem).await;
    client.key.clear();
    client.get("/agent/v5/datafeeds").await.good();
    let claims = client.session.split('.').nth(1).expect("claims");
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(claims)
        .expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(claims["canUseSimplifiedKeyDelivery"], true);
    let info = client.get("/agent/v1/info").await.good();
    assert!(
        info["version"]
            .as_str()
            .is_some_and(|it| it.starts_with("Agent-25.")),
        "{info}"
    );
    fits(&sim);
}

#[tokio::test]
async fn an_app_acts_for_a_person_with_no_more_than_it_was_permitted() {
    let sim = pod().await;
    let said = sim.say("Desk", "ada", "hello");
    let (by_name, got) = Client::acting_as(&sim, "username", "ada").await;
    got.good();
    let own = by_name.get("/pod/v2/sessioninfo").await.good();
    assert_eq!(own["username"], "ada");
    let (by_id, _) = Client::acting_as(&sim, "user", &said.user_id.to_string()).await;
    let sent = by_id
        .say(&said.stream_id, "<messageML>as ada</messageML>")
        .await
        .good();
    assert_eq!(sent["user"]["userId"], said.user_id);
    by_id
        .post("/agent/v5/datafeeds", &json!({}))
        .await
        .refused(403, "on behalf");
    let (_, nobody) = Client::acting_as(&sim, "username", "nobody").await;
    assert_eq!(nobody.status, 401);
    sim.set(json!({ "app_permissions": ["ACT_AS_USER", "LIST_USER_STREAMS"] }));
    by_id.post("/pod/v1/streams/list", &json!({})).await.good();
    let refused = by_id.say(&said.stream_id, "<messageML>x</messageML>").await;
    refused.refused(403, "lacks the required entitlement");
    sim.set(json!({ "app_installed_for": ["bob"] }));
    let (_, ada) = Client::acting_as(&sim, "username", "ada").await;
    assert_eq!(ada.status, 401);
    // An app's own session is nobody's.
    let mut client = Client::new(&sim);
    let token = sign_token(
        &key(&sim, "app.pem"),
        &json!({ "sub": APP, "exp": now() + 9 }),
    );
    let app = client
        .post("/login/pubkey/app/authenticate", &json!({ "token": token }))
        .await
        .good();
    app["token"]
        .as_str()
        .expect("a token")
        .clone_into(&mut client.session);
    client.get("/pod/v2/sessioninfo").await.refused(401, "");
    fits(&sim);
}

#[tokio::test]
async fn a_bearers_token_takes_the_sessions_place_on_the_pod() {
    let sim = pod().await;
    let mut client = Client::logged_in(&sim).await;
    let got = client.post("/login/idm/tokens", &Value::Null).await.good();
    assert_eq!(got["token_type"], "Bearer");
    let keys = client.get("/login/idm/keys").await.good();
    assert_eq!(keys["keys"][0]["alg"], "RS256");
    client.session.clear();
    let bearer = format!("Bearer {}", got["access_token"].as_str().expect("a token"));
    let request = client.request(reqwest::Method::GET, "/pod/v2/sessioninfo");
    let own = Client::send(request.header("authorization", bearer))
        .await
        .expect("an answer");
    assert_eq!(own.good()["username"], BOT);
    let request = client.request(reqwest::Method::GET, "/pod/v2/sessioninfo");
    let other = Client::send(request.header("authorization", "Bearer x"))
        .await
        .expect("an answer");
    assert_eq!(other.status, 401);
    fits(&sim);
}

#[tokio::test]
async fn a_logout_ends_its_token_and_no_other() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let other = Client::logged_in(&sim).await;
    client
        .post("/sessionauth/v1/logout", &Value::Null)
        .await
        .good();
    client.get("/pod/v2/sessioninfo").await.refused(401, "");
    other.get("/pod/v2/sessioninfo").await.good();
    client
        .post("/sessionauth/v1/logout", &Value::Null)
        .await
        .refused(400, "");
    let request = client.request(reqwest::Method::POST, "/keyauth/v1/logout");
    let got = Client::send(request.header("keyManagerToken", &client.key)).await;
    got.expect("an answer").good();
    fits(&sim);
}

fn tls_client(sim: &Symphony, identity: Option<&str>) -> reqwest::Client {
    let ca = std::fs::read(sim.file("ca.pem")).expect("a certificate");
    let ca = reqwest::Certificate::from_pem(&ca).expect("a certificate");
    let roots = reqwest::Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .user_agent("parlor-tests/1");
    let client = match identity {
        None => roots,
        Some(pem) => roots.identity(reqwest::Identity::from_pem(pem.as_bytes()).expect("a pair")),
    };
    client.build().expect("a client")
}

#[tokio::test]
async fn a_bot_logs_in_by_its_certificate() {
    prepare();
    let sim = Symphony::start(SymphonyOptions::default().tls())
        .await
        .expect("it starts");
    let strict = sim.certificate_url().expect("it serves with TLS");
    let pem = std::fs::read_to_string(sim.file("bot-certificate.pem")).expect("a pair");
    let http = tls_client(&sim, Some(&pem));
    let mut tokens = BTreeSet::new();
    for path in ["/sessionauth/v1/authenticate", "/keyauth/v1/authenticate"] {
        let got = Client::send(http.post(format!("{strict}{path}")))
            .await
            .expect("an answer");
        tokens.insert(got.good()["name"].as_str().unwrap_or("").to_owned());
    }
    let expected = ["keyManagerToken".to_owned(), "sessionToken".to_owned()];
    assert_eq!(tokens, BTreeSet::from(expected));
    fits(&sim);
    // A body has been too much for real servers.
    let address = format!("{}/sessionauth/v1/authenticate", sim.base_url());
    let with_body = Client::send(http.post(&address).json(&json!({})))
        .await
        .expect("an answer");
    assert_eq!(with_body.status, 401);
    // A name that is no service account's, letter by letter.
    let other = sim.certificate("Trade.Bot", 4_000);
    let other = tls_client(&sim, Some(&format!("{}{}", other.certificate, other.key)));
    let got = Client::send(other.post(&address)).await.expect("an answer");
    assert_eq!(got.status, 403);
    // An app acts for somebody by its certificate; the answer has a shape of its own.
    sim.person("ada");
    let before = sim.request_count();
    let app = sim.certificate(APP, 4_000);
    let app = tls_client(&sim, Some(&format!("{}{}", app.certificate, app.key)));
    let base = format!("{strict}/sessionauth/v1/app");
    let got = Client::send(app.post(format!("{base}/authenticate")))
        .await
        .expect("an answer");
    let session = got.good()["token"].as_str().expect("a token").to_owned();
    let request = app.post(format!("{base}/username/ada/authenticate"));
    let got = Client::send(request.header("sessionToken", session))
        .await
        .expect("an answer");
    assert!(got.good()["sessionToken"].is_string(), "{}", got.text);
    assert_eq!(sim.misfits_after(before), Vec::<String>::new());
    // Without a certificate: an answer where one is welcome, no handshake where one is needed.
    let none = tls_client(&sim, None);
    let got = Client::send(none.post(&address)).await.expect("an answer");
    assert_eq!(got.status, 403);
    assert!(
        Client::send(none.post(format!("{strict}/keyauth/v1/authenticate")))
            .await
            .is_err()
    );
    // One that has expired ends in the handshake.
    let old = sim.certificate(BOT, 2_001);
    let old = tls_client(&sim, Some(&format!("{}{}", old.certificate, old.key)));
    assert!(Client::send(old.post(&address)).await.is_err());
}
