//! The requests of the pizza bot's script, one after the other as it makes them.

use parlor_tests::sim::livechat::{CLIENT_ID, CLIENT_SECRET, LICENSE};
use serde_json::json;

use super::client::{Client, Ear, REDIRECT};

#[tokio::test]
async fn the_script_s_requests_are_answered_as_it_expects() {
    let client = Client::new().await;
    let ear = Ear::new().await;
    let code = client.code().await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("redirect_uri", REDIRECT),
    ];
    let tokens = client.token("token", &form).await;
    assert_eq!(
        (tokens.status, tokens.body["token_type"].as_str()),
        (200, Some("Bearer"))
    );
    let token = tokens.body["access_token"].as_str().unwrap();
    let url = format!("{}/info", client.sim.base_url());
    let info = client
        .send(client.http.get(url).bearer_auth(token))
        .await
        .body;
    assert_eq!(info["license_id"], LICENSE);
    let bearer = format!("Bearer {token}");
    let bot = json!({"name": "Pizza BOT", "status": "not accepting chats", "webhooks": {
        "url": ear.url, "secret_key": "ABCDE12345",
        "actions": [{"name": "incoming_event"}, {"name": "incoming_chat_thread"}]}});
    let path = "configuration/v0.3/agents/create_bot_agent";
    let made = client.ask(&bearer, path, bot).await.body;
    let bot = made["bot_agent_id"].as_str().unwrap().to_owned();

    client.sim.say("shop", "ann", "where is my pizza?");
    let heard = ear
        .hears(|hook| hook["action"] == "incoming_chat_thread")
        .await;
    assert_eq!(heard["secret_key"], "ABCDE12345");
    let chat = &heard["data"]["chat"];
    let said = &chat["thread"]["events"][0];
    assert_eq!(
        (said["text"].as_str(), said["recipients"].as_str()),
        (Some("where is my pizza?"), Some("all"))
    );
    assert!(said["timestamp"].is_u64() && said["order"].is_u64());
    for (action, payload) in [
        (
            "join_chat",
            json!({"chat_id": chat["id"], "agent_ids": [bot]}),
        ),
        (
            "send_event",
            json!({"chat_id": chat["id"], "event": {"type": "message",
                "text": "Pizza is on the way!", "recipients": "agents"}}),
        ),
        (
            "remove_from_chat",
            json!({"chat_id": chat["id"], "agent_ids": [bot]}),
        ),
    ] {
        let body = json!({"author_id": bot, "payload": payload});
        let path = format!("agent/v0.3/action/{action}");
        let done = client.ask(&bearer, &path, body.clone()).await;
        assert_eq!(done.status, 200, "{action}: {:?}", done.body);
        // Without the wrapper it is nothing.
        let bare = client.ask(&bearer, &path, body["payload"].clone()).await;
        assert_eq!(bare.kind(), "validation");
    }
    let own = ear
        .hears(|hook| hook["data"]["event"]["text"] == "Pizza is on the way!")
        .await;
    assert_eq!(own["data"]["event"]["author_id"], bot);
    assert!(
        own["data"].get("thread_id").is_none(),
        "this dialect does not say"
    );
    let kinds: Vec<String> = client
        .sim
        .sent_after(0)
        .into_iter()
        .map(|it| it.kind)
        .collect();
    assert_eq!(kinds, ["join", "message", "leave"]);
}
