//! §7, 1: the authentication.

use parlor_tests::sim::Fault;
use parlor_tests::sim::lseg::{APP_KEY, BOT, PASSWORD, TOKEN_PATH};
use serde_json::json;

use super::client::{Client, login, platform, with};

#[tokio::test]
async fn a_login_takes_the_form_and_either_way_of_naming_the_client() {
    let sim = platform(1.0).await;
    let client = Client::new(&sim);
    for (form, basic) in [
        (login(), Some(APP_KEY)),
        (login(), None),
        (with(login(), "client_id", None), Some(APP_KEY)),
    ] {
        let tokens = client.tokens(&form, basic).await.good();
        // All of it is text.
        assert_eq!(tokens["expires_in"], "600");
        assert_eq!(tokens["token_type"], "Bearer");
        assert!(tokens["access_token"].is_string() && tokens["refresh_token"].is_string());
    }
    client
        .tokens(&with(login(), "client_id", None), None)
        .await
        .refused(401, "Invalid Application Credential.");
    for (form, basic) in [
        (login(), Some("another")),
        (with(login(), "client_id", Some("another")), None),
    ] {
        client
            .tokens(&form, basic)
            .await
            .refused(401, "invalid_client");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_login_is_said() {
    let sim = platform(1.0).await;
    let client = Client::new(&sim);
    for (name, value, words) in [
        ("password", Some("another"), "Invalid username or password."),
        (
            "username",
            Some("nobody@example.com"),
            "Invalid username or password.",
        ),
        ("scope", None, "invalid_scope"),
        ("grant_type", Some("magic"), "unsupported_grant_type"),
    ] {
        let form = with(login(), name, value);
        client.tokens(&form, None).await.refused(400, words);
    }
    let json = client
        .http
        .post(format!("{}{TOKEN_PATH}", sim.base_url()))
        .json(&json!({"grant_type": "password"}))
        .send()
        .await;
    assert_eq!(json.expect("an answer").status(), 400, "it is a form");
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_brings_the_next() {
    let sim = platform(1.0).await;
    let mut client = Client::logged_in(&sim).await;
    let refresh = |token: &str| {
        vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.to_owned()),
            ("username", BOT.to_owned()),
            ("client_id", APP_KEY.to_owned()),
        ]
    };
    let first = client.refresh.clone();
    let tokens = client.tokens(&refresh(&first), None).await.good();
    assert_ne!(tokens["refresh_token"], first.as_str());
    client.take(&tokens);
    client.get("chatrooms").await.good();
    let again = client.tokens(&refresh(&first), None).await;
    again.refused(400, "Refresh token does not exist.");
    again.refused(400, "invalid_grant");
}

#[tokio::test]
async fn tokens_end_and_the_refresh_token_later() {
    // Six seconds are ten minutes, nine are a quarter of an hour.
    let sim = platform(100.0).await;
    sim.set(json!({"token_secs": 50, "refresh_secs": 100}));
    let client = Client::logged_in(&sim).await;
    client.get("chatrooms").await.good();
    let until = std::time::Instant::now() + super::client::PATIENCE;
    while client.get("chatrooms").await.status == 200 {
        assert!(std::time::Instant::now() < until, "it never ends");
    }
    client.get("chatrooms").await.refused(401, "token expired");
}

#[tokio::test]
async fn an_exclusive_login_ends_the_session_before_and_another_is_refused() {
    let sim = platform(1.0).await;
    let first = Client::logged_in(&sim).await;
    let shared = with(login(), "takeExclusiveSignOnControl", Some("false"));
    first
        .tokens(&shared, None)
        .await
        .refused(400, "Session quota is reached.");
    first.get("chatrooms").await.good();
    let second = Client::logged_in(&sim).await;
    first.get("chatrooms").await.refused(401, "token expired");
    second.get("chatrooms").await.good();
}

#[tokio::test]
async fn a_password_is_changed_by_a_login_with_the_new_one() {
    let sim = platform(1.0).await;
    let client = Client::new(&sim);
    let form = with(with(login(), "client_id", None), "newPassword", Some("n3w"));
    client.tokens(&form, Some(APP_KEY)).await.good();
    assert_eq!(sim.password(), "n3w");
    client.tokens(&login(), None).await.refused(400, "Invalid");
    let new = with(login(), "password", Some("n3w"));
    client.tokens(&new, None).await.good();
    let wrong = with(
        with(login(), "newPassword", Some("x")),
        "password",
        Some(PASSWORD),
    );
    client.tokens(&wrong, None).await.refused(400, "Invalid");
    assert_eq!(sim.password(), "n3w");
}

#[tokio::test]
async fn logins_fail_and_are_sent_on_as_a_script_asks() {
    let sim = platform(1.0).await;
    let client = Client::new(&sim);
    for status in [400, 401, 403, 451] {
        sim.fault(
            Fault::on(TOKEN_PATH)
                .status(status)
                .body(json!({"error": "x"})),
        );
        client.tokens(&login(), None).await.refused(status, "x");
    }
    let to = format!("{}/auth/oauth2/beta1/token", sim.base_url());
    sim.set(json!({"redirect": to}));
    let answer = client.tokens(&login(), None).await;
    assert_eq!(answer.status, 307);
    sim.set(json!({"redirect": null}));
    client.tokens(&login(), None).await.good();
}
