//! People, spaces, memberships, messages, files and cards.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::client::Client;

#[tokio::test]
async fn who_has_no_token_is_told_so() {
    let client = Client::new().await;
    assert_eq!(client.get("people/me").await.good()["type"], "bot");
    let url = format!("{}/v1/people/me", client.sim.base_url());
    let plain = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let answer = plain.get(url).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 401);
    client
        .sim
        .fault(parlor_tests::sim::Fault::default().expire_tokens());
    client
        .get("people/me")
        .await
        .refused(401, "valid access token");
}

#[tokio::test]
async fn json_forms_and_files_are_taken_and_nothing_else() {
    let client = Client::new().await;
    client.sim.say_to_bot("Desk", "ada", "hello");
    let room = client.sim.room("Desk").expect("a space");
    let body = json!({"roomId": room, "text": "json", "unknown": 1});
    assert_eq!(client.post("messages", &body).await.good()["text"], "json");
    let form = client.form("messages", &[("roomId", room.as_str()), ("text", "form")]);
    assert_eq!(client.send(form).await.good()["text"], "form");
    let file = Part::bytes(b"pixels".to_vec())
        .file_name("a.png")
        .mime_str("image/png")
        .expect("a type");
    let form = Form::new()
        .text("roomId", room.clone())
        .text("text", "file")
        .part("files", file);
    let said = client
        .send(client.request(Method::POST, "messages").multipart(form))
        .await
        .good();
    let url = said["files"][0].as_str().expect("an address").to_owned();
    let head = client.send(client.request(Method::HEAD, &url)).await;
    let header = |name: &str| {
        head.headers
            .get(name)
            .and_then(|it| it.to_str().ok())
            .map(str::to_owned)
    };
    assert_eq!(
        header("content-disposition").as_deref(),
        Some("attachment; filename=\"a.png\"")
    );
    assert_eq!(
        (
            header("content-type").as_deref(),
            header("content-length").as_deref()
        ),
        (Some("image/png"), Some("6"))
    );
    assert_eq!(client.get(&url).await.body, b"pixels");
    let xml = client
        .request(Method::POST, "messages")
        .header("content-type", "text/xml")
        .body("<a/>");
    client
        .send(xml)
        .await
        .refused(415, "Content type 'text/xml' not supported");
}

#[tokio::test]
async fn a_bot_sees_of_a_space_what_mentions_it() {
    let client = Client::new().await;
    let to_it = client.sim.say_to_bot("Desk", "ada", "to the bot");
    let other = client.sim.act(
        "say",
        json!({"room": "Desk", "user": "ada", "text": "to others"}),
    );
    let room = client.sim.room("Desk").expect("a space");
    let other = other["message_id"].as_str().expect("an id");
    assert_eq!(client.get(&format!("messages/{to_it}")).await.status, 200);
    client
        .get(&format!("messages/{other}"))
        .await
        .refused(404, "could not be found");
    client
        .get(&format!("messages?roomId={room}"))
        .await
        .refused(403, "Failed to get activity.");
    let listed = client
        .get(&format!("messages?roomId={room}&mentionedPeople=me"))
        .await
        .good();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    let alone = client.sim.say_direct("ada", "hello");
    let seen = client.get(&format!("messages/{alone}")).await.good();
    assert_eq!(
        (&seen["roomType"], &seen["text"]),
        (&json!("direct"), &json!("hello"))
    );
    // Plain text has no HTML.
    assert!(seen.get("html").is_none());
}

#[tokio::test]
async fn text_and_html_are_made_of_markdown() {
    let client = Client::new().await;
    let said = client.sim.say_to_bot("Desk", "ada", "deploy **it**");
    let seen = client.get(&format!("messages/{said}")).await.good();
    // Of a name of two words the first is shown, without a sign.
    assert_eq!(seen["text"], "Trade deploy it");
    let html = seen["html"].as_str().unwrap_or_default();
    assert!(
        html.contains("<spark-mention data-object-type=\"person\"")
            && html.contains("<strong>it</strong>"),
        "{html}"
    );
    assert_eq!(seen["mentionedPeople"][0], client.sim.bot_id().as_str());
    // Bare keys stand in the text, whole ids beside it; which is switchable.
    assert!(!html.contains(&client.sim.bot_id()));
    client.sim.set(json!({"bare_mentions": false}));
    let said = client.sim.say_to_bot("Desk", "ada", "x");
    let seen = client.get(&format!("messages/{said}")).await.good();
    assert!(
        seen["html"]
            .as_str()
            .unwrap_or_default()
            .contains(&client.sim.bot_id())
    );
}

#[tokio::test]
async fn a_message_has_its_limits() {
    let client = Client::new().await;
    let said = client.sim.say_to_bot("Desk", "ada", "hello");
    let room = client.sim.room("Desk").expect("a space");
    let post = async |more: serde_json::Value| {
        let mut body = json!({"roomId": room});
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        client.post("messages", &body).await
    };
    assert_eq!(post(json!({"text": "x".repeat(7_439)})).await.status, 200);
    // Bytes are counted, not characters.
    post(json!({"markdown": "ü".repeat(3_720)}))
        .await
        .refused(400, "7439");
    post(json!({}))
        .await
        .refused(400, "Both text and file cannot be empty.");
    post(json!({"text": "x", "toPersonEmail": "ada@example.com"}))
        .await
        .refused(400, "Exactly one of the destination fields");
    client
        .post("messages", &json!({"text": "x"}))
        .await
        .refused(400, "Exactly one of the destination fields");
    post(json!({"text": "x", "files": ["https://a/1", "https://a/2"]}))
        .await
        .refused(400, "Only one file");
    let reply = post(json!({"text": "reply", "parentId": said}))
        .await
        .good();
    post(json!({"text": "x", "parentId": reply["id"]}))
        .await
        .refused(400, "reply");
    let unknown = json!({"roomId": "00000000-0000-0000-0000-000000000000", "text": "x"});
    client
        .post("messages", &unknown)
        .await
        .refused(404, "Could not find a room with provided ID.");
}

#[tokio::test]
async fn a_message_is_edited_ten_times_and_never_with_a_file() {
    let client = Client::new().await;
    client.sim.say_to_bot("Desk", "ada", "hello");
    let room = client.sim.room("Desk").expect("a space");
    let said = client
        .post("messages", &json!({"roomId": room, "text": "0"}))
        .await
        .good();
    let path = format!("messages/{}", said["id"].as_str().expect("an id"));
    assert!(said.get("updated").is_none());
    for number in 1..=10 {
        let edited = client
            .put(&path, &json!({"roomId": room, "text": number.to_string()}))
            .await
            .good();
        assert!(edited["updated"].is_string());
    }
    client
        .put(&path, &json!({"roomId": room, "text": "11"}))
        .await
        .refused(400, "10 times");
    let body = json!({"roomId": room, "files": ["https://a/1"], "text": "x"});
    let file = client.post("messages", &body).await.good();
    let file = format!("messages/{}", file["id"].as_str().expect("an id"));
    client
        .put(&file, &json!({"roomId": room, "text": "y"}))
        .await
        .refused(400, "attachments");
    let card = json!({"contentType": "application/vnd.microsoft.card.adaptive",
        "content": {"type": "AdaptiveCard", "version": "1.3", "body": [{"type": "TextBlock", "text": "x"}]}});
    let body = json!({"roomId": room, "text": "x", "attachments": [card]});
    let posted = client.post("messages", &body).await.good();
    let posted = format!("messages/{}", posted["id"].as_str().expect("an id"));
    assert_eq!(client.put(&posted, &body).await.status, 200, "in practice");
    client.sim.set(json!({"edits_cards": false}));
    client.put(&posted, &body).await.refused(400, "attachments");
    assert_eq!(client.delete(&path).await.status, 204);
    client
        .delete(&path)
        .await
        .refused(404, "could not be found");
}

#[tokio::test]
async fn cards_are_checked_and_pressed_by_others() {
    let client = Client::new().await;
    client.sim.say_to_bot("Desk", "ada", "hello");
    let room = client.sim.room("Desk").expect("a space");
    let card = |content: serde_json::Value| {
        json!({"roomId": room, "text": "x", "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive", "content": content}]})
    };
    let wrong =
        card(json!({"type": "AdaptiveCard", "version": "1.3", "body": [{"type": "TextBlock"}]}));
    let refused = client.post("messages", &wrong).await;
    refused.refused(400, "attachments");
    assert_eq!(
        refused.json()["errors"]["attachments"]["code"],
        "invalid_attachments",
        "an object"
    );
    client.sim.set(json!({"object_errors": false}));
    assert!(client.post("messages", &wrong).await.json()["errors"].is_array());
    let newer = card(json!({"type": "AdaptiveCard", "version": "1.4", "body": []}));
    client
        .post("messages", &newer)
        .await
        .refused(400, "attachments");
    let good = card(json!({"type": "AdaptiveCard", "version": "1.3", "body": [
        {"type": "Input.Text", "id": "name"}], "actions": [
        {"type": "Action.Submit", "title": "Send", "data": {"k": "v"}}]}));
    let said = client.post("messages", &good).await.good();
    let id = said["id"].as_str().expect("an id");
    let own = json!({"type": "submit", "messageId": id, "inputs": {}});
    client
        .post("attachment/actions", &own)
        .await
        .refused(400, "Author of a card cannot submit");
    let pressed = client.sim.act(
        "press",
        json!({"user": "ada", "message_id": id, "button": "Send", "values": {"name": "Ada"}}),
    );
    let action = pressed["action_id"].as_str().expect("an id");
    let action = client
        .get(&format!("attachment/actions/{action}"))
        .await
        .good();
    assert_eq!(action["inputs"], json!({"name": "Ada", "k": "v"}));
    client
        .get("attachment/actions/none")
        .await
        .refused(404, "Unable to get attachment action.");
}

#[tokio::test]
async fn members_come_and_go_by_the_document() {
    let client = Client::new().await;
    client.sim.say_to_bot("Desk", "ada", "hello");
    let room = client.sim.room("Desk").expect("a space");
    let add = |email: &str| json!({"roomId": room, "personEmail": email});
    let made = client
        .post("memberships", &add("grace@example.com"))
        .await
        .good();
    client
        .post("memberships", &add("grace@example.com"))
        .await
        .refused(409, "already");
    client
        .post("memberships", &json!({"roomId": room}))
        .await
        .refused(400, "Must specify either");
    client
        .post("memberships", &json!({}))
        .await
        .refused(400, "roomId cannot be null");
    client.sim.act(
        "room",
        json!({"title": "Shut", "user": "ada", "bot": false}),
    );
    let shut = client.sim.room("Shut").expect("a space");
    let there = json!({"roomId": shut, "personEmail": "heidi@example.com"});
    client
        .post("memberships", &there)
        .await
        .refused(502, "Add participant failed.");
    let path = format!("memberships/{}", made["id"].as_str().expect("an id"));
    let moderated = client
        .put(&path, &json!({"isModerator": true}))
        .await
        .good();
    assert_eq!(moderated["isModerator"], true);
    assert_eq!(client.delete(&path).await.status, 204);
    client
        .delete(&path)
        .await
        .refused(404, "User is not a participant of the room.");
    client.sim.say_direct("ada", "hello");
    let all = client.get("memberships").await.good();
    let all = all["items"].as_array().expect("a list").clone();
    let direct = all
        .iter()
        .find(|it| it["roomType"] == "direct")
        .expect("a direct one");
    let direct = format!("memberships/{}", direct["id"].as_str().expect("an id"));
    client
        .delete(&direct)
        .await
        .refused(400, "Failed to leave room.");
    let title = client.post("rooms", &json!({"title": ""})).await;
    title.refused(400, "Title cannot be empty.");
    let found = client.get("people").await;
    found.refused(400, "Email, displayName, or id list should be specified.");
}

#[tokio::test]
async fn lists_come_in_pages_with_the_faults_that_are_switched_on() {
    let client = Client::new().await;
    for number in 0..5 {
        client.sim.act(
            "room",
            json!({"title": format!("Room {number}"), "user": "ada"}),
        );
    }
    let next = |got: &super::client::Got| {
        let link = got.headers.get("link").and_then(|it| it.to_str().ok())?;
        let (url, rel) = link.split_once('>')?;
        assert!(rel.contains("next"));
        Some(url.trim_start_matches('<').to_owned())
    };
    let walk = async |first: &str| {
        let (mut found, mut pages) = (0, Vec::new());
        let mut at = Some(first.to_owned());
        while let Some(path) = at {
            let got = client.get(&path).await;
            let count = got.good()["items"].as_array().map_or(0, Vec::len);
            found += count;
            pages.push(count);
            at = next(&got);
            assert!(pages.len() < 20, "{pages:?}");
        }
        (found, pages)
    };
    assert_eq!(walk("rooms?max=2").await, (5, vec![2, 2, 1]));
    assert_eq!(
        walk("rooms?max=5000").await,
        (5, vec![5]),
        "more than allowed is lowered"
    );
    client.sim.set(json!({"empty_page": true}));
    let (found, pages) = walk("rooms?max=2").await;
    assert!(found == 5 && pages.contains(&0), "{pages:?}");
    client
        .sim
        .set(json!({"empty_page": false, "null_max": true}));
    let first = client.get("rooms?max=2").await;
    assert!(next(&first).is_some_and(|url| url.contains("max=null")));
    client
        .sim
        .set(json!({"null_max": false, "drops_mentioned": true}));
    for word in ["a", "b", "c"] {
        client.sim.say_to_bot("Desk", "ada", word);
    }
    let room = client.sim.room("Desk").expect("a space");
    let first = client
        .get(&format!("messages?roomId={room}&mentionedPeople=me&max=2"))
        .await;
    let url = next(&first).expect("there is more");
    assert!(!url.contains("mentionedPeople"));
    client
        .get(&url)
        .await
        .refused(403, "Failed to get activity.");
}
