//! §7, 2: rooms and messages.

use parlor_tests::sim::lseg::BOT;
use serde_json::json;

use super::client::{Client, platform};

#[tokio::test]
async fn a_room_is_listed_joined_spoken_in_and_left() {
    let sim = platform(60.0).await;
    let client = Client::logged_in(&sim).await;
    let id = sim.room("Desk");
    sim.act("room", json!({"conversation": "Elsewhere", "bot": "out"}));
    assert_eq!(client.rooms().await, [(id.clone(), "Desk".to_owned())]);
    let post = json!({"message": "hello"});
    let path = format!("chatrooms/{id}/post");
    client
        .post(&path, Some(post.clone()))
        .await
        .refused(403, "not in the chatroom");
    client
        .post(&format!("chatrooms/{id}/join"), None)
        .await
        .good();
    // Again does no harm.
    client
        .post(&format!("chatrooms/{id}/join"), None)
        .await
        .good();
    client.post(&path, Some(post)).await.good();
    client
        .post(&format!("chatrooms/{id}/leave"), None)
        .await
        .good();
    assert!(!sim.has_joined("Desk"));
    assert_eq!(client.rooms().await.len(), 1, "it is listed still");
    let kinds: Vec<String> = sim
        .sent_after(0)
        .into_iter()
        .map(|sent| sent.kind)
        .collect();
    assert_eq!(kinds, ["join", "join", "message", "leave"]);
}

#[tokio::test]
async fn a_message_to_a_person_needs_no_room() {
    let sim = platform(60.0).await;
    let client = Client::logged_in(&sim).await;
    let body = json!({"recipientEmail": "ada@example.com", "message": "hi"});
    client.post("message", Some(body)).await.good();
    let sent = sim.sent_after(0);
    assert_eq!(
        (&*sent[0].conversation, &*sent[0].text),
        ("ada@example.com", "hi")
    );
    for body in [
        json!({"message": "hi"}),
        json!({"recipientEmail": "ada", "message": "hi"}),
    ] {
        client
            .post("message", Some(body))
            .await
            .refused(400, "Validation error");
    }
}

#[tokio::test]
async fn one_message_a_second_is_taken() {
    let sim = platform(1.0).await;
    let client = Client::logged_in(&sim).await;
    let body = || Some(json!({"recipientEmail": "ada@example.com", "message": "hi"}));
    client.post("message", body()).await.good();
    client
        .post("message", body())
        .await
        .refused(429, "too many requests");
    sim.set(json!({"throttle_status": 400}));
    client
        .post("message", body())
        .await
        .refused(400, "too many requests");
    assert_eq!(sim.sent_count(), 1);
}

#[tokio::test]
async fn a_token_that_has_ended_is_told_as_the_gateway_tells_it() {
    let sim = platform(1.0).await;
    let client = Client::logged_in(&sim).await;
    sim.act("expire", json!({}));
    let refused = client.get("chatrooms").await;
    refused.refused(401, "token expired");
    let error = &refused.body["error"];
    assert_eq!(
        (&error["code"], &error["status"]),
        (&json!("401"), &json!("Unauthorized"))
    );
    assert!(error["id"].is_string());
}

#[tokio::test]
async fn managed_rooms_are_apart() {
    let sim = platform(60.0).await;
    let client = Client::logged_in(&sim).await;
    let made = sim.act(
        "room",
        json!({"conversation": "Compliance", "kind": "managed"}),
    );
    let id = made["conversation_id"].as_str().expect("an id").to_owned();
    assert_eq!(client.rooms().await, []);
    let list = client.get("managed_chatrooms").await.good().to_string();
    assert!(list.contains(&id), "{list}");
    client
        .post(&format!("chatrooms/{id}/join"), None)
        .await
        .refused(404, "no such");
    client
        .post(&format!("managed_chatrooms/{id}/join"), None)
        .await
        .good();
    let post = Some(json!({"message": "hi"}));
    client
        .post(&format!("managed_chatrooms/{id}/post"), post)
        .await
        .good();
    client
        .post(&format!("managed_chatrooms/{id}/leave"), None)
        .await
        .good();
    sim.set(json!({"no_managed": true}));
    client
        .get("managed_chatrooms")
        .await
        .refused(403, "not entitled");
}

#[tokio::test]
async fn rooms_are_made_and_people_come_and_go() {
    let sim = platform(60.0).await;
    let client = Client::logged_in(&sim).await;
    let made = client
        .post("chatrooms", Some(json!({"name": "Tigers"})))
        .await
        .good();
    let id = made["room"]["chatroomId"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert!(
        id.starts_with("groupchat-") && id.len() == "groupchat-".len() + 32,
        "{id}"
    );
    let emails = Some(json!({"emails": ["ada@example.com", "bob@example.com"]}));
    client
        .post(&format!("chatrooms/{id}/invite"), emails)
        .await
        .good();
    assert_eq!(sim.people("Tigers"), ["ada@example.com", "bob@example.com"]);
    let bob = Some(json!({"emails": ["bob@example.com"]}));
    let path = format!("chatrooms/{id}/participants/remove");
    client.post(&path, bob.clone()).await.good();
    assert_eq!(sim.people("Tigers"), ["ada@example.com"]);
    let other = sim.room("Desk");
    let path = format!("chatrooms/{other}/participants/remove");
    client.post(&path, bob).await.refused(403, "did not create");
    client
        .post("chatrooms", Some(json!({})))
        .await
        .refused(400, "Validation error");
}

#[tokio::test]
async fn invitations_are_listed_where_the_bot_may() {
    let sim = platform(60.0).await;
    let client = Client::logged_in(&sim).await;
    let invite = json!({"conversation": "Desk", "user": "bot", "change": "invite"});
    sim.act("member", invite);
    client
        .get("chatrooms/invites")
        .await
        .refused(401, "not authorized");
    sim.set(json!({"lists_invites": true}));
    let invites = client.get("chatrooms/invites").await.good();
    assert_eq!(invites["invites"][0]["name"], "Desk");
}

#[tokio::test]
async fn what_there_is_not_is_not_found_and_scripts_are_told_what_is_wrong() {
    let sim = platform(60.0).await;
    let client = Client::logged_in(&sim).await;
    client.get("members").await.refused(404, "no such");
    client
        .post("chatrooms/groupchat-0/join", None)
        .await
        .refused(404, "no such chatroom");
    let control = |verb: &str| client.http.post(format!("{}/_sim/{verb}", sim.base_url()));
    for (verb, body, words) in [
        ("say", json!({"user": "ada", "text": "x"}), "conversation"),
        ("set", json!({"no_such": 1}), "no switch no_such"),
        ("set", json!({"echo": "yes"}), "invalid type"),
        ("submit", json!({}), "no forms"),
        ("grey", json!({"conversation": "Nowhere"}), "no room"),
        ("dance", json!({}), "none of"),
    ] {
        let answer = control(verb).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 400, "{verb}");
        let text = answer.text().await.expect("a body");
        assert!(text.contains(words), "{verb}: {text}");
    }
    let answer = control("say").json(&json!({"conversation": "Desk", "user": "ada", "text": "x"}));
    let said = answer
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a body");
    assert!(said.contains("message_id"), "{said}");
    assert_eq!(client.rooms().await.len(), 1, "{BOT} was dragged into it");
    assert!(!sim.has_joined("Desk"));
}
