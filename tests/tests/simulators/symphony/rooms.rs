//! Conversations, and who is in them.

use parlor_tests::sim::symphony::Symphony;
use serde_json::{Value, json};

use super::client::{Client, fits, kinds, pod};

async fn member(client: &Client, room: &str, verb: &str, user: i64) -> super::client::Got {
    client
        .post(
            &format!("/pod/v1/room/{room}/membership/{verb}"),
            &json!({ "id": user }),
        )
        .await
}

fn done(sim: &Symphony) -> Vec<String> {
    sim.sent_after(0)
        .into_iter()
        .map(|sent| sent.kind)
        .collect()
}

#[tokio::test]
async fn a_room_is_made_by_its_rules() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    let desk = json!({ "name": "Desk", "description": "daily" });
    let made = client.post("/pod/v3/room/create", &desk).await.good();
    assert_eq!(made["roomAttributes"]["public"], false);
    let id = made["roomSystemInfo"]["id"].as_str().expect("an id");
    let (events, _) = client.events(&feed, "").await;
    assert_eq!(kinds(&events), ["ROOMCREATED"]);
    let public = json!({ "name": "Open", "description": "d", "public": true });
    client.post("/pod/v3/room/create", &public).await.good();
    let long = "x".repeat(50);
    for (room, why) in [
        (json!({ "description": "d" }), "name"),
        (json!({ "name": long, "description": "d" }), "50"),
        (json!({ "name": " d ESK", "description": "d" }), "same name"),
        (
            json!({ "name": "P", "description": "d", "public": true, "viewHistory": false }),
            "public",
        ),
        (
            json!({ "name": "X", "description": "d", "crossPod": true, "readOnly": true }),
            "cross-pod",
        ),
        (json!({ "name": 5, "description": "d" }), "name"),
    ] {
        client
            .post("/pod/v3/room/create", &room)
            .await
            .refused(400, why);
    }
    sim.act(
        "user",
        json!({ "user": "trade.bot", "may": { "create_public_room": false } }),
    );
    let public = json!({ "name": "Second", "description": "d", "public": true });
    client
        .post("/pod/v3/room/create", &public)
        .await
        .refused(403, "required entitlement");
    let info = client.get(&format!("/pod/v3/room/{id}/info")).await.good();
    assert_eq!(info["roomAttributes"], made["roomAttributes"]);
    let (path, new) = (
        format!("/pod/v3/room/{id}/update"),
        json!({ "description": "new" }),
    );
    let update = client.post(&path, &new).await.good();
    assert_eq!(update["roomAttributes"]["description"], "new");
    let close = format!("/pod/v1/room/{id}/setActive?active=false");
    assert_eq!(
        client.post(&close, &Value::Null).await.good()["roomSystemInfo"]["active"],
        false
    );
    assert_eq!(
        done(&sim),
        ["create-room", "create-room", "update-room", "deactivate"]
    );
    fits(&sim);
}

#[tokio::test]
async fn a_bot_joins_a_public_room_and_leaves_any() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let open = json!({ "conversation": "Open", "bot": "out", "public": true });
    let open = sim.act("room", open)["stream_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let closed = json!({ "conversation": "Closed", "bot": "out" });
    let closed = sim.act("room", closed)["stream_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let bot = sim.bot_id();
    let feed = client.feed().await;
    member(&client, &closed, "add", bot).await.refused(403, "");
    assert_eq!(
        member(&client, &open, "add", bot).await.good()["message"],
        "Member added"
    );
    assert_eq!(sim.members("Open"), ["ada", "trade.bot"]);
    let (events, ack) = client.events(&feed, "").await;
    assert_eq!(kinds(&events), ["USERJOINEDROOM"]);
    assert_eq!(
        member(&client, &open, "remove", bot).await.good()["message"],
        "Member removed"
    );
    let (events, _) = client.events(&feed, &ack).await;
    assert_eq!(kinds(&events), ["USERLEFTROOM"]);
    assert_eq!(done(&sim), ["join", "leave"]);
    fits(&sim);
}

#[tokio::test]
async fn owners_change_who_is_in_a_room() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let said = sim.say("Desk", "ada", "hi");
    let (room, ada, bob) = (said.stream_id.as_str(), said.user_id, sim.person("bob"));
    member(&client, room, "add", bob).await.good();
    member(&client, room, "remove", bob).await.refused(403, "");
    member(&client, room, "promoteOwner", bob)
        .await
        .refused(403, "");
    sim.act("room", json!({ "conversation": "Desk", "owner": "bot" }));
    let feed = client.feed().await;
    for verb in ["promoteOwner", "demoteOwner", "remove"] {
        member(&client, room, verb, bob).await.good();
    }
    let (events, ack) = client.events(&feed, "").await;
    let expected = [
        "ROOMMEMBERPROMOTEDTOOWNER",
        "ROOMMEMBERDEMOTEDFROMOWNER",
        "USERLEFTROOM",
    ];
    assert_eq!(kinds(&events), expected);
    member(&client, room, "remove", bob)
        .await
        .refused(400, "not a member");
    member(&client, room, "add", 12)
        .await
        .refused(400, "User not found");
    let list = client
        .get(&format!("/pod/v2/room/{room}/membership/list"))
        .await
        .good();
    assert_eq!(list[0]["id"], ada);
    assert_eq!(list[0]["owner"], true);
    sim.act(
        "member",
        json!({ "conversation": "Desk", "user": "carol", "change": "request" }),
    );
    let (events, _) = client.events(&feed, &ack).await;
    assert_eq!(kinds(&events), ["USERREQUESTEDTOJOINROOM"]);
    sim.act("room", json!({ "conversation": "Desk", "active": false }));
    member(&client, room, "add", bob)
        .await
        .refused(400, "not active");
    let kinds = ["invite", "promote", "demote", "remove"];
    assert_eq!(done(&sim), kinds);
    fits(&sim);
}

#[tokio::test]
async fn people_of_another_company_come_in_by_connection_into_cross_pod_rooms() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let said = sim.say("Desk", "ada", "hi");
    let eve = sim.person("eve@other.com");
    let im = client.post("/pod/v1/im/create", &json!([eve])).await;
    im.refused(403, "not connected");
    member(&client, &said.stream_id, "add", eve)
        .await
        .refused(403, "other pods");
    sim.act("room", json!({ "conversation": "Desk", "external": true }));
    member(&client, &said.stream_id, "add", eve)
        .await
        .refused(403, "not connected");
    sim.act(
        "connection",
        json!({ "user": "eve@other.com", "change": "connected" }),
    );
    member(&client, &said.stream_id, "add", eve).await.good();
    let feed = client.feed().await;
    sim.say("Desk", "eve@other.com", "hello");
    let (events, _) = client.events(&feed, "").await;
    let message = &events[0]["payload"]["messageSent"]["message"];
    assert_eq!(message["stream"]["external"], true);
    assert_eq!(message["user"].get("username"), None);
    client.post("/pod/v1/im/create", &json!([eve])).await.good();
    fits(&sim);
}

#[tokio::test]
async fn a_chat_of_the_same_people_is_the_same_chat() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    let (ada, bob) = (sim.person("ada"), sim.person("bob"));
    let create = |ids: Value| {
        let client = &client;
        async move { client.post("/pod/v1/im/create", &ids).await }
    };
    let im = create(json!([ada])).await.good()["id"].clone();
    assert_eq!(create(json!([ada, ada])).await.good()["id"], im);
    assert_eq!(sim.say_im("ada", "hi").stream_id, im);
    let mim = create(json!([ada, bob])).await.good()["id"].clone();
    assert_ne!(mim, im);
    create(json!([])).await.refused(400, "");
    create(json!([1])).await.refused(400, "User not found");
    let (events, _) = client.events(&feed, "").await;
    let expected = [
        "INSTANTMESSAGECREATED",
        "MESSAGESENT",
        "INSTANTMESSAGECREATED",
    ];
    assert_eq!(kinds(&events), expected);
    let info = client
        .get(&format!(
            "/pod/v2/streams/{}/info",
            mim.as_str().expect("an id")
        ))
        .await;
    assert_eq!(info.good()["streamType"]["type"], "MIM");
    let path = format!("/pod/v1/im/{}/info", im.as_str().expect("an id"));
    assert_eq!(
        client.get(&path).await.good()["V1IMAttributes"]["pinnedMessageId"],
        ""
    );
    fits(&sim);
}

#[tokio::test]
async fn conversations_are_listed_and_rooms_are_found() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let none = client.post("/pod/v1/streams/list", &json!({})).await;
    assert_eq!(none.status, 204);
    sim.say("Desk one", "ada", "x");
    sim.say("Desk two", "ada", "x");
    sim.say_im("ada", "x");
    let list = |kind: &str| json!({ "streamTypes": [{ "type": kind }] });
    for (body, count) in [(json!({}), 3), (list("ROOM"), 2), (list("IM"), 1)] {
        let found = client.post("/pod/v1/streams/list", &body).await.good();
        assert_eq!(found.as_array().map(Vec::len), Some(count), "{body}");
    }
    let page = client
        .post("/pod/v1/streams/list?skip=1&limit=1", &json!({}))
        .await
        .good();
    assert_eq!(page.as_array().map(Vec::len), Some(1));
    sim.act(
        "room",
        json!({ "conversation": "Desk two", "active": false }),
    );
    let rooms = client
        .post("/pod/v1/streams/list", &list("ROOM"))
        .await
        .good();
    assert_eq!(rooms.as_array().map(Vec::len), Some(1));
    let found = client
        .post("/pod/v3/room/search", &json!({ "query": "desk" }))
        .await
        .good();
    assert_eq!(found["count"], 2);
    let active = json!({ "query": "desk", "active": true });
    let found = client.post("/pod/v3/room/search", &active).await.good();
    assert_eq!(found["rooms"][0]["roomAttributes"]["name"], "Desk one");
    client
        .post("/pod/v3/room/search", &json!({}))
        .await
        .refused(400, "query");
    fits(&sim);
}
