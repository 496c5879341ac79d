//! Webhooks: what is delivered to whom, and when no more.

use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::Fault;
use parlor_tests::sim::webex::signature;
use serde_json::{Value, json};

use super::client::{Came, Client, Listener};

async fn hook(client: &Client, listener: &Listener, more: Value) -> String {
    let mut body = json!({"name": "test", "targetUrl": listener.url, "resource": "messages", "event": "created"});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let made = client.post("webhooks", &body).await.good();
    made["id"].as_str().expect("an id").to_owned()
}

async fn delivered(client: &Client, listener: &Listener, count: usize) -> Vec<Came> {
    let came = client
        .sim
        .until(PATIENCE, |sim| sim.deliveries().len() >= count)
        .await;
    assert!(came, "{:?}", client.sim.deliveries());
    listener.came()
}

#[tokio::test]
async fn a_delivery_is_signed_over_its_bytes_and_holds_no_text() {
    let client = Client::new().await;
    let listener = Listener::start().await;
    hook(&client, &listener, json!({"secret": "s3cr3t"})).await;
    let said = client.sim.say_direct("ada", "a secret of ours");
    let came = delivered(&client, &listener, 1).await.remove(0);
    let shown = came
        .headers
        .get("x-spark-signature")
        .and_then(|it| it.to_str().ok());
    assert_eq!(shown, Some(signature("s3cr3t", &came.bytes).as_str()));
    let body = came.json();
    assert_eq!(
        (&body["resource"], &body["event"]),
        (&json!("messages"), &json!("created"))
    );
    assert_eq!(body["data"]["id"], said.as_str());
    assert_eq!(body["actorId"], client.sim.person("ada").as_str());
    assert!(!body.to_string().contains("a secret of ours") && body.get("secret").is_none());
}

#[test]
fn the_document_s_vectors_are_signed_so() {
    let body = br#"{"id":"Y2lzY29zcGFyazovL3VzL1dFQkhPT0svOTZhYmMyYWEtM2RjYy0xMWU1LWExNTItZmUzNDgxOWNkYzlh","resource":"messages","event":"created","data":{"id":"M1","roomId":"R1"}}"#;
    assert_eq!(
        signature("s3cr3t", body),
        "9422eb8bf1fd166a289aeef2f13ebbdaf609f04c"
    );
}

#[tokio::test]
async fn resources_events_and_filters_choose_what_is_delivered() {
    let client = Client::new().await;
    let listener = Listener::start().await;
    hook(
        &client,
        &listener,
        json!({"name": "all", "resource": "all", "event": "all"}),
    )
    .await;
    hook(
        &client,
        &listener,
        json!({"name": "groups", "filter": "roomType=group&mentionedPeople=me"}),
    )
    .await;
    hook(
        &client,
        &listener,
        json!({"name": "ada", "filter": "personEmail=ada@example.com"}),
    )
    .await;
    hook(
        &client,
        &listener,
        json!({"name": "cards", "resource": "attachmentActions"}),
    )
    .await;
    let seen = |name: &str| {
        let all = client.sim.deliveries();
        let of = all.iter().filter(|it| it.hook == name);
        let said = of.map(|it| {
            format!(
                "{} {}",
                it.body["resource"].as_str().unwrap_or(""),
                it.body["event"].as_str().unwrap_or("")
            )
        });
        said.filter(|it| it.starts_with("messages") || it.starts_with("attachment"))
            .collect::<Vec<_>>()
    };
    let one = client.sim.say_direct("ada", "hello");
    client.sim.say_to_bot("Desk", "grace", "hello");
    // Not to the bot: nobody tells it.
    client.sim.act(
        "say",
        json!({"room": "Desk", "user": "ada", "text": "to others"}),
    );
    let room = client.sim.room("Desk").expect("a space");
    // The bot's own is told too, to a webhook of all.
    let card = json!({"roomId": room, "text": "x", "attachments": [{
        "contentType": "application/vnd.microsoft.card.adaptive",
        "content": {"type": "AdaptiveCard", "version": "1.3", "body": [{"type": "TextBlock", "text": "x"}]}}]});
    client.post("messages", &card).await.good();
    client.sim.act(
        "press",
        json!({"user": "ada", "room": "Desk", "inputs": {}}),
    );
    client.sim.act("delete", json!({"message_id": one}));
    let came = client.sim.until(PATIENCE, |sim| {
        let all = sim.deliveries();
        all.iter().any(|it| it.hook == "cards")
            && all.iter().any(|it| it.body["event"] == "deleted")
    });
    assert!(came.await);
    assert_eq!(
        seen("all"),
        [
            "messages created",
            "messages created",
            "messages created",
            "messages deleted"
        ]
    );
    assert_eq!(seen("groups"), ["messages created"]);
    assert_eq!(seen("ada"), ["messages created"]);
    assert_eq!(
        seen("cards"),
        ["attachmentActions created"],
        "cards are in no firehose"
    );
    let bodies = client.sim.deliveries();
    let card = bodies
        .iter()
        .find(|it| it.hook == "cards")
        .expect("it came");
    assert!(card.body["data"].get("inputs").is_none());
}

#[tokio::test]
async fn a_hundred_failures_switch_it_off_and_one_more_is_enough_right_after() {
    let client = Client::new().await;
    let listener = Listener::start().await;
    let id = hook(&client, &listener, json!({})).await;
    listener.answer(500);
    let status = async || {
        client.get(&format!("webhooks/{id}")).await.good()["status"]
            .as_str()
            .unwrap_or("")
            .to_owned()
    };
    for number in 0..99 {
        client.sim.say_direct("ada", &number.to_string());
    }
    delivered(&client, &listener, 99).await;
    assert_eq!(status().await, "active");
    client.sim.say_direct("ada", "the hundredth");
    delivered(&client, &listener, 100).await;
    assert_eq!(status().await, "inactive");
    client.sim.say_direct("ada", "told to nobody");
    let back = json!({"name": "test", "targetUrl": listener.url, "status": "active"});
    client.put(&format!("webhooks/{id}"), &back).await.good();
    assert_eq!(status().await, "active");
    client.sim.say_direct("ada", "once more");
    delivered(&client, &listener, 101).await;
    assert_eq!(
        status().await,
        "inactive",
        "within five minutes one is enough"
    );
    // Nothing listens there at all: that is a failure too.
    let gone = json!({"targetUrl": "http://127.0.0.1:9/", "name": "gone"});
    hook(&client, &listener, gone).await;
    client.sim.say_direct("ada", "to nobody");
    let failed = client.sim.until(PATIENCE, |sim| {
        sim.deliveries().iter().any(|it| it.status == 0)
    });
    assert!(failed.await);
}

#[tokio::test]
async fn webhooks_are_checked_listed_changed_and_taken_away() {
    let client = Client::new().await;
    let listener = Listener::start().await;
    let post = async |body: Value| client.post("webhooks", &body).await;
    post(json!({"targetUrl": "x"}))
        .await
        .refused(400, "name cannot be empty");
    post(json!({"name": "x"}))
        .await
        .refused(400, "targetUrl cannot be null");
    // Values are as they are written.
    let wrong = json!({"name": "x", "targetUrl": "x", "resource": "Messages", "event": "created"});
    post(wrong).await.refused(400, "invalid");
    let filtered = json!({"name": "x", "targetUrl": "x", "resource": "messages", "event": "created",
                          "filter": "roomId=00000000-0000-0000-0000-000000000000"});
    post(filtered)
        .await
        .refused(400, "invalid value for filter: roomId");
    let id = hook(&client, &listener, json!({"secret": "s"})).await;
    let again = hook(&client, &listener, json!({"secret": "s"})).await;
    assert_ne!(id, again, "nobody is told that it is there already");
    let change = json!({"name": "other", "targetUrl": listener.url, "resource": "rooms"});
    let changed = client.put(&format!("webhooks/{id}"), &change).await.good();
    assert_eq!(
        (&changed["name"], &changed["resource"]),
        (&json!("other"), &json!("messages"))
    );
    assert_eq!(client.delete(&format!("webhooks/{id}")).await.status, 204);
    client
        .get(&format!("webhooks/{id}"))
        .await
        .refused(404, "could not be found");
    client
        .delete(&format!("webhooks/{id}"))
        .await
        .refused(400, "Invalid webhookId");
}

#[tokio::test]
async fn what_is_delivered_next_comes_twice_or_in_another_order() {
    let client = Client::new().await;
    let listener = Listener::start().await;
    hook(&client, &listener, json!({})).await;
    client.sim.fault(Fault::default().reorder());
    let (one, two) = (
        client.sim.say_direct("ada", "one"),
        client.sim.say_direct("ada", "two"),
    );
    let came = delivered(&client, &listener, 2).await;
    let order: Vec<Value> = came
        .iter()
        .map(|it| it.json()["data"]["id"].clone())
        .collect();
    assert_eq!(order, [json!(two), json!(one)]);
    // One of them was taken from the queue: the disturbance is over.
    client.sim.clear_faults();
    let three = client.sim.say_direct("ada", "three");
    let came = delivered(&client, &listener, 3).await;
    assert_eq!(came[2].json()["data"]["id"], three.as_str());
}
