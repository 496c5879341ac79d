//! Chats: who is in them, what is said, how they end.

use parlor_tests::sim::livechat::{AGENT, CLIENT_ID, ERRORS, ORGANIZATION, error};
use serde_json::{Value, json};

use super::client::Client;

async fn join(client: &Client, chat: &str, bot: &str, seen: &str) -> super::client::Said {
    let body = json!({"chat_id": chat, "user_id": bot, "user_type": "agent", "visibility": seen,
        "ignore_requester_presence": true});
    client.chat(&Client::pat(), "add_user_to_chat", body).await
}

fn message(chat: &str, text: &str, seen: &str) -> Value {
    json!({"chat_id": chat, "event": {"type": "message", "text": text, "visibility": seen}})
}

#[tokio::test]
async fn only_who_is_in_a_chat_speaks_there() {
    let client = Client::new().await;
    let (bot, token) = client.bot().await;
    client.sim.say("shop", "ann", "hello");
    let chat = client.sim.chat_id("shop").unwrap();
    let said = client
        .chat(&token, "send_event", message(&chat, "x", "all"))
        .await;
    assert_eq!(said.kind(), "missing_access");
    assert_eq!(join(&client, &chat, &bot, "agents").await.status, 200);
    assert_eq!(
        join(&client, &chat, &bot, "agents").await.kind(),
        "validation"
    );
    // Who is seen by agents speaks to agents.
    let said = client
        .chat(&token, "send_event", message(&chat, "x", "all"))
        .await;
    assert_eq!(said.kind(), "not_allowed");
    let said = client
        .chat(&token, "send_event", message(&chat, "x", "agents"))
        .await;
    assert_eq!(said.status, 200);
    assert!(said.body["event_id"].as_str().unwrap().contains('_'));
    let body = json!({"chat_id": chat, "user_id": bot, "user_type": "agent"});
    // Whoever asks must be there, or say that it need not.
    assert_eq!(
        client
            .chat(&Client::pat(), "remove_user_from_chat", body.clone())
            .await
            .kind(),
        "missing_access"
    );
    assert_eq!(
        client
            .chat(&token, "remove_user_from_chat", body)
            .await
            .status,
        200
    );
    assert_eq!(client.sim.present("shop").len(), 1);
}

#[tokio::test]
async fn a_bot_of_another_group_sees_no_chat() {
    let client = Client::new().await;
    let body = json!({"name": "Other", "owner_client_id": CLIENT_ID,
        "groups": [{"id": 9, "priority": "normal"}]});
    let made = client.configure("create_bot", body).await.body;
    client.sim.say("shop", "ann", "hello");
    let chat = client.sim.chat_id("shop").unwrap();
    let bot = made["id"].as_str().unwrap();
    assert_eq!(
        join(&client, &chat, bot, "all").await.kind(),
        "missing_access"
    );
    let body = json!({"bot_id": bot, "bot_secret": made["secret"], "client_id": CLIENT_ID,
        "organization_id": ORGANIZATION});
    let token = client.configure("issue_bot_token", body).await.body;
    let token = format!("Bearer {}", token["token"].as_str().unwrap());
    let found = client
        .chat(&token, "get_chat", json!({"chat_id": chat}))
        .await;
    assert_eq!(found.kind(), "missing_access");
}

#[tokio::test]
async fn a_closed_chat_takes_nothing_and_begins_again_with_a_new_thread() {
    let client = Client::new().await;
    let (bot, token) = client.bot().await;
    client.sim.say("shop", "ann", "hello");
    let chat = client.sim.chat_id("shop").unwrap();
    join(&client, &chat, &bot, "all").await;
    let close = json!({"id": chat, "ignore_requester_presence": true});
    let pat = Client::pat();
    assert_eq!(
        client
            .chat(&pat, "deactivate_chat", close.clone())
            .await
            .status,
        200
    );
    assert_eq!(
        client.chat(&pat, "deactivate_chat", close).await.kind(),
        "chat_inactive"
    );
    let said = client
        .chat(&token, "send_event", message(&chat, "x", "all"))
        .await;
    assert_eq!(said.kind(), "chat_inactive");
    assert_eq!(
        join(&client, &chat, &bot, "all").await.kind(),
        "chat_inactive"
    );
    client.sim.say("shop", "ann", "again");
    let found = client
        .chat(&pat, "get_chat", json!({"chat_id": chat}))
        .await
        .body;
    assert!(found["thread"]["previous_thread_id"].is_string());
    let threads = client
        .chat(&pat, "list_threads", json!({"chat_id": chat}))
        .await
        .body;
    assert_eq!(threads["found_threads"], 2);
    assert_eq!(
        threads["threads"][0]["id"], found["thread"]["id"],
        "the newest first"
    );
}

#[tokio::test]
async fn a_chat_is_handed_to_who_is_there() {
    let client = Client::new().await;
    client.sim.act(
        "group",
        json!({"id": 7, "name": "Billing", "agents": ["bob"]}),
    );
    client
        .sim
        .act("group", json!({"id": 8, "name": "Night", "agents": []}));
    client.sim.say("shop", "ann", "hello");
    let chat = client.sim.chat_id("shop").unwrap();
    let to = async |target: Value| {
        let body = json!({"id": chat, "target": target, "ignore_requester_presence": true});
        client.chat(&Client::pat(), "transfer_chat", body).await
    };
    assert_eq!(
        to(json!({"type": "group", "ids": [99]})).await.kind(),
        "group_not_found"
    );
    assert_eq!(
        to(json!({"type": "group", "ids": [8]})).await.kind(),
        "groups_offline"
    );
    client.sim.act(
        "agent",
        json!({"user": "bob", "status": "not_accepting_chats"}),
    );
    assert_eq!(
        to(json!({"type": "group", "ids": [7]})).await.kind(),
        "groups_offline"
    );
    let agent = json!({"type": "agent", "ids": ["bob@example.com"]});
    assert_eq!(to(agent.clone()).await.kind(), "agent_offline");
    client
        .sim
        .act("agent", json!({"user": "bob", "status": "accepting_chats"}));
    assert_eq!(to(agent).await.status, 200);
    assert_eq!(to(json!({"type": "group", "ids": [7]})).await.status, 200);
    let body = json!({"chat_id": chat});
    let targets = client
        .chat(&Client::pat(), "list_agents_for_transfer", body)
        .await
        .body;
    assert_eq!(
        targets,
        json!([{"agent_id": "bob@example.com", "total_active_chats": 0}])
    );
}

#[tokio::test]
async fn events_keep_to_the_platform_s_sizes() {
    let client = Client::new().await;
    let (bot, token) = client.bot().await;
    client.sim.say("shop", "ann", "hello");
    let chat = client.sim.chat_id("shop").unwrap();
    join(&client, &chat, &bot, "all").await;
    let send = async |event: Value| {
        client
            .chat(
                &token,
                "send_event",
                json!({"chat_id": chat, "event": event}),
            )
            .await
    };
    let long = json!({"type": "message", "text": "x".repeat(16 * 1024 + 1)});
    assert_eq!(send(long).await.kind(), "entity_too_large");
    assert_eq!(
        send(json!({"type": "message", "text": ""})).await.kind(),
        "validation"
    );
    let old = json!({"type": "message", "text": "x", "recipients": "agents"});
    assert_eq!(send(old).await.kind(), "validation");
    let button = json!({"text": "b", "postback_id": "p", "type": "message", "value": "b"});
    let card = |buttons: usize| json!({"title": "t", "buttons": vec![button.clone(); buttons]});
    let rich = |template: &str, elements: Vec<Value>| json!({"type": "rich_message", "template_id": template, "elements": elements});
    assert_eq!(send(rich("cards", vec![card(13); 10])).await.status, 200);
    assert_eq!(
        send(rich("cards", vec![card(14)])).await.kind(),
        "validation"
    );
    assert_eq!(
        send(rich("cards", vec![card(1); 11])).await.kind(),
        "validation"
    );
    assert_eq!(
        send(rich("quick_replies", vec![card(1); 2])).await.kind(),
        "validation"
    );
    let bare = json!({"title": "t", "buttons": [{"text": "b"}]});
    assert_eq!(send(rich("cards", vec![bare])).await.kind(), "validation");
    let elsewhere = json!({"type": "file", "url": "https://elsewhere.example/x.png"});
    assert_eq!(send(elsewhere).await.kind(), "validation");
}

#[tokio::test]
async fn a_file_goes_up_and_is_shown() {
    let client = Client::new().await;
    let (bot, token) = client.bot().await;
    client.sim.say("shop", "ann", "hello");
    let chat = client.sim.chat_id("shop").unwrap();
    join(&client, &chat, &bot, "all").await;
    let upload = async |name: &str, bytes: Vec<u8>| {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().part("file", part);
        let url = format!("{}/v3.6/agent/action/upload_file", client.sim.base_url());
        let request = client.http.post(url).header("authorization", &token);
        client.send(request.multipart(form)).await
    };
    let url = upload("a.txt", b"text".to_vec()).await.body["url"].clone();
    let event = json!({"type": "file", "url": url});
    let said = client
        .chat(
            &token,
            "send_event",
            json!({"chat_id": chat, "event": event}),
        )
        .await;
    assert_eq!(said.status, 200);
    let kept = client.http.get(url.as_str().unwrap()).send().await.unwrap();
    assert_eq!(kept.text().await.unwrap(), "text");
    assert_eq!(upload("a.exe", b"MZ".to_vec()).await.kind(), "validation");
    let large = vec![0; 10 * 1024 * 1024 + 1];
    assert_eq!(upload("a.bin", large).await.kind(), "entity_too_large");
}

#[tokio::test]
async fn versions_have_their_own_words() {
    let client = Client::new().await;
    let (bot, _) = client.bot().await;
    client.sim.say("shop", "ann", "hello");
    let pat = Client::pat();
    let list = async |version: &str| {
        let path = format!("v{version}/agent/action/list_chats");
        client.ask(&pat, &path, json!({})).await
    };
    assert!(list("3.6").await.body["chats_summary"][0]["last_thread_summary"].is_object());
    assert!(list("3.7").await.body["chats_info"][0]["last_thread_info"].is_object());
    assert_eq!(list("3.5").await.headers["legacy"], "2027-12-31");
    assert_eq!(list("3.4").await.headers["deprecation"], "2026-12-31");
    assert_eq!(list("3.3").await.kind(), "unsupported_version");
    // A header named the bot up to 3.5.
    let ask = async |version: &str| {
        let url = format!(
            "{}/v{version}/agent/action/list_chats",
            client.sim.base_url()
        );
        let request = client.http.post(url).header("authorization", &pat);
        client
            .send(request.header("x-author-id", &bot).json(&json!({})))
            .await
    };
    assert_eq!(ask("3.5").await.status, 200);
    assert_eq!(ask("3.6").await.kind(), "validation");
    // A wrapper around the body is none of anybody's business since 3.1.
    let path = "v3.6/agent/action/list_chats";
    let wrapped = client
        .ask(&pat, path, json!({"payload": {"limit": 1}}))
        .await;
    assert_eq!(wrapped.status, 200);
}

#[tokio::test]
async fn chats_are_listed_page_by_page() {
    let client = Client::new().await;
    for number in 0..5 {
        client.sim.say(&format!("chat {number}"), "ann", "hello");
    }
    let pat = Client::pat();
    let body = json!({"limit": 2, "filters": {"active": true}});
    let mut page = client.chat(&pat, "list_chats", body).await.body;
    let mut counts = Vec::new();
    loop {
        counts.push(page["chats_summary"].as_array().unwrap().len());
        assert_eq!(page["found_chats"], 5);
        let Some(next) = page["next_page_id"].as_str() else {
            break;
        };
        page = client
            .chat(&pat, "list_chats", json!({"page_id": next}))
            .await
            .body;
    }
    assert_eq!(counts, [2, 2, 1]);
}

#[tokio::test]
async fn every_type_of_error_can_be_asked_for() {
    let client = Client::new().await;
    for (kind, status) in ERRORS {
        client.sim.fault(error("POST */list_chats", kind));
        let said = client.chat(&Client::pat(), "list_chats", json!({})).await;
        assert_eq!((said.kind(), said.status), (kind, status));
    }
    client.sim.set(json!({"rate": 1}));
    client.chat(&Client::pat(), "list_chats", json!({})).await;
    let said = client.chat(&Client::pat(), "list_chats", json!({})).await;
    assert_eq!(said.kind(), "too_many_requests");
}

#[tokio::test]
async fn a_licence_is_in_its_region() {
    let client = Client::new().await;
    client.sim.set(json!({"region": "fra"}));
    let said = client.chat(&Client::pat(), "list_chats", json!({})).await;
    assert_eq!(said.kind(), "misdirected_request");
    assert_eq!(said.body["error"]["data"]["region"], "fra");
    let url = format!("{}/v3.6/agent/action/list_chats", client.sim.base_url());
    let request = client.http.post(url).header("authorization", Client::pat());
    let said = client
        .send(request.header("x-region", "fra").json(&json!({})))
        .await;
    assert_eq!(said.status, 200);
}

#[tokio::test]
async fn the_system_says_who_comes_and_goes() {
    let client = Client::new().await;
    let (bot, token) = client.bot().await;
    client.sim.say("shop", "ann", "hello");
    let chat = client.sim.chat_id("shop").unwrap();
    join(&client, &chat, &bot, "all").await;
    client.sim.act(
        "member",
        json!({"conversation": "shop", "user": "bob", "change": "joined"}),
    );
    let body = json!({"chat_id": chat, "user_id": bot, "user_type": "agent"});
    client.chat(&token, "remove_user_from_chat", body).await;
    client.sim.act("close", json!({"conversation": "shop"}));
    let found = client
        .chat(&Client::pat(), "get_chat", json!({"chat_id": chat}))
        .await
        .body;
    let events = found["thread"]["events"].as_array().unwrap();
    let kinds: Vec<&str> = events
        .iter()
        .filter_map(|event| event["system_message_type"].as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "agent_added",
            "agent_joined",
            "agent_left",
            "routing.archived_inactive"
        ]
    );
    assert!(!client.sim.present("shop").contains(&AGENT.to_owned()));
}
