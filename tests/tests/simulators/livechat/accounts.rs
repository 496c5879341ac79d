//! Consent, codes and tokens.

use parlor_tests::sim::Fault;
use parlor_tests::sim::livechat::{CLIENT_ID, CLIENT_SECRET, LiveChatOptions, ORGANIZATION};
use serde_json::json;

use super::client::{Client, REDIRECT};

#[tokio::test]
async fn a_link_leads_back_with_a_code_and_the_state() {
    let client = Client::new().await;
    let query = |redirect: &'static str| {
        [
            ("response_type", "code"),
            ("client_id", CLIENT_ID),
            ("redirect_uri", redirect),
            ("state", "s 1"),
        ]
    };
    let to = client.authorize(&query(REDIRECT)).await;
    assert!(to.starts_with(&format!("{REDIRECT}?code=dal%3A")), "{to}");
    assert!(to.ends_with("state=s+1"), "{to}");
    // The path may go on; nothing else may be another.
    assert!(
        client
            .authorize(&query("https://bots.example/token/x"))
            .await
            .contains("code=")
    );
    for other in [
        "https://evil.example/token",
        "https://bots.example/token?x=1",
        "http://bots.example/token",
    ] {
        let to = client.authorize(&query(other)).await;
        assert!(
            to.starts_with("/ooops?oauth_exception=invalid_redirect_uri"),
            "{other}: {to}"
        );
    }
    let wrong = [
        ("response_type", "code"),
        ("client_id", "nobody"),
        ("redirect_uri", REDIRECT),
    ];
    assert!(
        client
            .authorize(&wrong)
            .await
            .contains("client_id_not_found")
    );
    client.sim.set(json!({"denies": true}));
    assert_eq!(
        client.authorize(&query(REDIRECT)).await,
        "",
        "a refusal does not lead back"
    );
}

#[tokio::test]
async fn three_redirects_in_half_a_minute_are_enough() {
    let client = Client::new().await;
    for _ in 0..3 {
        client.code().await;
    }
    let query = [
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", REDIRECT),
    ];
    assert!(
        client
            .authorize(&query)
            .await
            .contains("too_many_redirects")
    );
}

#[tokio::test]
async fn a_code_is_good_once_and_for_its_redirect() {
    let client = Client::new().await;
    let code = client.code().await;
    let tokens = client.exchange(&code).await;
    assert_eq!(tokens.status, 200);
    assert_eq!(tokens.body["organization_id"], ORGANIZATION);
    assert_eq!(tokens.body["expires_in"], 28_800);
    assert!(
        tokens.body["access_token"]
            .as_str()
            .unwrap()
            .starts_with("dal:")
    );
    let again = client.exchange(&code).await;
    assert_eq!(
        (again.status, again.body["error"].as_str()),
        (401, Some("invalid_grant"))
    );
    let code = client.code().await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("redirect_uri", "https://bots.example/token/other"),
    ];
    assert_eq!(client.token("v2/token", &form).await.status, 401);
    assert_eq!(
        client.token("v2/token", &form[1..]).await.body["error"],
        "missing_grant"
    );
    let credentials = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT_ID),
    ];
    assert_eq!(client.token("v2/token", &credentials).await.status, 403);
}

#[tokio::test]
async fn an_expired_code_is_refused() {
    let client = Client::with(LiveChatOptions::default().clock(3_000.0)).await;
    let code = client.code().await;
    // Five minutes of the platform.
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    assert_eq!(client.exchange(&code).await.status, 401);
}

#[tokio::test]
async fn a_refresh_token_stays_with_a_secret_and_is_good_once_without() {
    let client = Client::new().await;
    let tokens = client.exchange(&client.code().await).await.body;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
    ];
    let renewed = client.token("v2/token", &form).await.body;
    assert_eq!(renewed["refresh_token"], tokens["refresh_token"]);
    assert_ne!(renewed["access_token"], tokens["access_token"]);
    client.sim.set(json!({"public_app": true}));
    let renewed = client.token("v2/token", &form[..3]).await.body;
    assert_ne!(renewed["refresh_token"], tokens["refresh_token"]);
    assert_eq!(client.token("v2/token", &form[..3]).await.status, 401);
}

#[tokio::test]
async fn a_challenge_wants_its_verifier() {
    let client = Client::new().await;
    let verifier = "v".repeat(43);
    let query = [
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", REDIRECT),
        ("code_challenge", verifier.as_str()),
    ];
    let code = |to: String| {
        let to = url::Url::parse(&to).unwrap();
        to.query_pairs()
            .find(|(name, _)| name == "code")
            .unwrap()
            .1
            .into_owned()
    };
    // Without a method the challenge is the verifier itself.
    let first = code(client.authorize(&query).await);
    assert_eq!(client.exchange(&first).await.body["error"], "invalid_grant");
    let second = code(client.authorize(&query).await);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", second.as_str()),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("redirect_uri", REDIRECT),
        ("code_verifier", verifier.as_str()),
    ];
    assert_eq!(client.token("v2/token", &form).await.status, 200);
}

#[tokio::test]
async fn a_token_is_told_of_and_taken_back() {
    let client = Client::new().await;
    let tokens = client.exchange(&client.code().await).await.body;
    let token = tokens["access_token"].as_str().unwrap();
    let url = format!("{}/v2/info", client.sim.base_url());
    let info = client.send(client.http.get(&url).bearer_auth(token)).await;
    assert_eq!(info.body["client_id"], CLIENT_ID);
    assert_eq!(info.body["organization_id"], ORGANIZATION);
    assert!(info.body["refresh_token"].is_null());
    let by_query = url::Url::parse_with_params(&url, [("code", token)]).unwrap();
    let by_query = client.send(client.http.get(by_query)).await;
    assert_eq!(by_query.status, 200);
    let revoke = format!("{}/v2/token", client.sim.base_url());
    assert_eq!(
        client
            .send(client.http.delete(&revoke).bearer_auth(token))
            .await
            .status,
        200
    );
    assert_eq!(
        client
            .send(client.http.delete(&revoke).bearer_auth(token))
            .await
            .status,
        404
    );
    assert_eq!(
        client
            .send(client.http.get(&url).bearer_auth(token))
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn the_oldest_of_more_than_25_tokens_is_revoked() {
    let client = Client::with(LiveChatOptions::default().clock(300.0)).await;
    let first = client.exchange(&client.code().await).await.body;
    let refresh = first["refresh_token"].as_str().unwrap();
    let bearer = |token: &serde_json::Value| format!("Bearer {}", token.as_str().unwrap());
    for _ in 0..25 {
        // Ten seconds of the platform between two redirects.
        tokio::time::sleep(std::time::Duration::from_millis(40)).await;
        client.exchange(&client.code().await).await;
    }
    let asked = client
        .chat(&bearer(&first["access_token"]), "list_chats", json!({}))
        .await;
    assert_eq!(asked.kind(), "authentication");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
    ];
    assert_eq!(client.token("v2/token", &form).await.status, 401);
}

#[tokio::test]
async fn tokens_end_when_a_script_says_so() {
    let client = Client::new().await;
    let (_, bot) = client.bot().await;
    assert_eq!(client.chat(&bot, "list_chats", json!({})).await.status, 200);
    client.sim.fault(Fault::default().expire_tokens());
    assert_eq!(
        client.chat(&bot, "list_chats", json!({})).await.kind(),
        "authentication"
    );
    // A personal token does not end.
    assert_eq!(
        client
            .chat(&Client::pat(), "list_chats", json!({}))
            .await
            .status,
        200
    );
}
