//! Bots and the registration of webhooks.

use parlor_tests::sim::livechat::{CLIENT_ID, ORGANIZATION};
use serde_json::json;

use super::client::{Client, Ear};

#[tokio::test]
async fn a_bot_begins_offline_and_shows_its_secret_once() {
    let client = Client::new().await;
    let made = client.configure("create_bot", json!({"name": "Bot"})).await;
    assert_eq!(made.kind(), "validation", "a personal token names the app");
    let body = json!({"name": "Bot", "owner_client_id": CLIENT_ID, "max_chats_count": 6});
    let made = client.configure("create_bot", body).await.body;
    let (id, secret) = (
        made["id"].as_str().unwrap(),
        made["secret"].as_str().unwrap(),
    );
    assert_eq!((id.len(), secret.len()), (32, 32));
    assert_eq!(client.sim.bots()[0].2, "offline");
    let found = client.configure("get_bot", json!({"id": id})).await.body;
    assert_eq!(found["owner_client_id"], CLIENT_ID);
    assert!(found.get("secret").is_none());
    let listed = client
        .configure("list_bots", json!({"all": true}))
        .await
        .body;
    assert_eq!(listed[0]["name"], "Bot");
    let issue = |secret: &str| {
        json!({"bot_id": id, "bot_secret": secret, "client_id": CLIENT_ID,
            "organization_id": ORGANIZATION})
    };
    assert_eq!(
        client
            .configure("issue_bot_token", issue(secret))
            .await
            .status,
        200
    );
    let reset = client.configure(
        "reset_bot_secret",
        json!({"id": id, "owner_client_id": CLIENT_ID}),
    );
    let reset = reset.await.body;
    assert_eq!(
        client
            .configure("issue_bot_token", issue(secret))
            .await
            .kind(),
        "authorization"
    );
    let new = reset["secret"].as_str().unwrap();
    assert_eq!(
        client.configure("issue_bot_token", issue(new)).await.status,
        200
    );
    client
        .configure("update_bot", json!({"id": id, "name": "Renamed"}))
        .await;
    assert_eq!(client.sim.bots()[0].1, "Renamed");
    assert_eq!(
        client
            .configure("delete_bot", json!({"id": id}))
            .await
            .status,
        200
    );
    assert_eq!(
        client.configure("get_bot", json!({"id": id})).await.kind(),
        "not_found"
    );
    let many = json!({"name": "Bot", "owner_client_id": CLIENT_ID, "max_chats_count": 501});
    assert_eq!(
        client.configure("create_bot", many).await.kind(),
        "validation"
    );
}

#[tokio::test]
async fn a_batch_is_answered_in_order() {
    let client = Client::new().await;
    let one = |name: &str| json!({"name": name, "owner_client_id": CLIENT_ID});
    let body = json!({"requests": [one("A"), {"owner_client_id": CLIENT_ID}, one("B")]});
    let made = client.configure("create_bot", body).await.body;
    assert_eq!(made.as_array().unwrap().len(), 3);
    assert_eq!(made[1]["error"]["type"], "validation");
    let names: Vec<String> = client.sim.bots().into_iter().map(|bot| bot.1).collect();
    assert_eq!(names, ["A", "B"]);
}

#[tokio::test]
async fn webhooks_are_three_of_an_action_and_only_a_personal_token_registers_them() {
    let client = Client::new().await;
    let ear = Ear::new().await;
    let body = json!({"action": "incoming_event", "secret_key": "s", "url": ear.url, "type": "bot",
        "owner_client_id": CLIENT_ID});
    let mut last = String::new();
    for _ in 0..3 {
        let made = client
            .configure("register_webhook", body.clone())
            .await
            .body;
        made["id"].as_str().unwrap().clone_into(&mut last);
    }
    let fourth = client.configure("register_webhook", body.clone()).await;
    assert_eq!(fourth.kind(), "limit_reached");
    let owner = json!({"owner_client_id": CLIENT_ID});
    let listed = client.configure("list_webhooks", owner).await.body;
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert!(
        listed[0].get("secret_key").is_none(),
        "the secret is not told"
    );
    let gone = json!({"id": last, "owner_client_id": CLIENT_ID});
    assert_eq!(
        client
            .configure("unregister_webhook", gone.clone())
            .await
            .status,
        200
    );
    assert_eq!(
        client.configure("unregister_webhook", gone).await.kind(),
        "not_found"
    );
    for (name, value) in [
        ("action", json!("none")),
        ("type", json!("agent")),
        ("url", json!("x".repeat(501))),
        ("secret_key", json!("")),
    ] {
        let mut wrong = body.clone();
        wrong[name] = value;
        assert_eq!(
            client.configure("register_webhook", wrong).await.kind(),
            "validation",
            "{name}"
        );
    }
    let tokens = client.exchange(&client.code().await).await.body;
    let token = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let asked = client
        .ask(&token, "v3.6/configuration/action/register_webhook", body)
        .await;
    assert_eq!(asked.kind(), "authorization");
}

#[tokio::test]
async fn webhooks_of_a_licence_are_switched_on() {
    let client = Client::new().await;
    let ear = Ear::new().await;
    let body = json!({"action": "incoming_event", "secret_key": "s", "url": ear.url,
        "type": "license", "owner_client_id": CLIENT_ID});
    client.configure("register_webhook", body).await;
    client.sim.say("shop", "ann", "opens");
    client.sim.say("shop", "ann", "unheard");
    client.configure("enable_license_webhooks", json!({})).await;
    let state = client
        .configure("get_license_webhooks_state", json!({}))
        .await
        .body;
    assert_eq!(state, json!({"license_webhooks_enabled": true}));
    client.sim.say("shop", "ann", "heard");
    let heard = ear
        .hears(|hook| hook["payload"]["event"]["type"] == "message")
        .await;
    assert_eq!(heard["payload"]["event"]["text"], "heard");
}
