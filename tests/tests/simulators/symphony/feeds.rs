//! Datafeeds, old and new.

use std::time::{Duration, Instant};

use parlor_tests::sim::Fault;
use serde_json::{Value, json};

use super::client::{Client, fast, fits, kinds, pod};

fn texts(events: &[Value]) -> Vec<String> {
    let messages = events.iter().filter_map(|event| {
        event
            .pointer("/payload/messageSent/message/message")?
            .as_str()
    });
    messages
        .map(|message| {
            let inner = message
                .split("<p>")
                .nth(1)
                .and_then(|rest| rest.split("</p>").next());
            inner.unwrap_or(message).to_owned()
        })
        .collect()
}

#[tokio::test]
async fn a_feed_is_made_listed_and_deleted() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    assert_eq!(client.get("/agent/v5/datafeeds").await.good(), json!([]));
    let plain = client.feed().await;
    let tagged = client
        .post("/agent/v5/datafeeds", &json!({ "tag": "desk" }))
        .await;
    assert_eq!(tagged.status, 201);
    let tagged = tagged.json()["id"].as_str().expect("an id").to_owned();
    for id in [&plain, &tagged] {
        let (start, rest) = id.split_once("_f").expect("a feed's id has _f");
        assert!(!start.is_empty() && !start.contains('_'), "{id}");
        assert!(rest.is_empty() || rest.starts_with('_'), "{id}");
    }
    let all = client.get("/agent/v5/datafeeds").await.good();
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    assert_eq!(all[0]["type"], "fanout");
    let some = client.get("/agent/v5/datafeeds?tag=desk").await.good();
    assert_eq!(some[0]["id"], tagged.as_str());
    assert_eq!(some.as_array().map(Vec::len), Some(1));
    let delete = client.request(
        reqwest::Method::DELETE,
        &format!("/agent/v5/datafeeds/{plain}"),
    );
    assert_eq!(Client::send(delete).await.expect("an answer").status, 204);
    client
        .read(&plain, "")
        .await
        .refused(400, "Could not find a datafeed with the id");
    let long = json!({ "tag": "x".repeat(101) });
    client
        .post("/agent/v5/datafeeds", &long)
        .await
        .refused(400, "tag");
    fits(&sim);
}

#[tokio::test]
async fn events_come_again_until_they_are_acknowledged() {
    let sim = fast().await;
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    sim.say("Desk", "ada", "one");
    let (events, _) = client.events(&feed, "").await;
    assert_eq!(kinds(&events), ["USERJOINEDROOM", "MESSAGESENT"]);
    // Nobody acknowledged them: half a minute of the platform later they are there again.
    let (again, ack) = client.events(&feed, "").await;
    assert_eq!(again, events);
    sim.say("Desk", "ada", "two");
    let (next, ack) = client.events(&feed, &ack).await;
    assert_eq!(texts(&next), ["two"]);
    let (none, _) = client.events(&feed, &ack).await;
    assert_eq!(none, Vec::<Value>::new());
    fits(&sim);
}

#[tokio::test]
async fn a_read_waits_for_what_comes_and_ends_with_its_poll() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    let read = client.events(&feed, "");
    let said = async {
        // The read is under way once the record has it.
        let wait = Duration::from_secs(10);
        sim.request_like(0, wait, |it| it.path.ends_with("/read"))
            .await
            .expect("a read");
        sim.say_im("ada", "hi")
    };
    let ((events, _), said) = tokio::join!(read, said);
    assert_eq!(
        events.last().expect("an event")["messageId"],
        said.message_id
    );
    sim.set(json!({ "long_poll_ms": 50 }));
    let started = Instant::now();
    let empty = client.feed().await;
    let (none, ack) = client.events(&empty, "").await;
    assert!(none.is_empty() && !ack.is_empty());
    assert!(started.elapsed() >= Duration::from_millis(50));
    sim.set(json!({ "null_events": true }));
    assert_eq!(client.events(&empty, &ack).await.0, [Value::Null]);
}

#[tokio::test]
async fn an_acknowledgement_is_a_text_of_this_feed() {
    let sim = fast().await;
    let client = Client::logged_in(&sim).await;
    let (feed, other) = (client.feed().await, client.feed().await);
    let (_, ack) = client.events(&other, "").await;
    client.read(&feed, &ack).await.refused(400, "ackId");
    client.read(&feed, "nonsense").await.refused(400, "ackId");
    let path = format!("/agent/v5/datafeeds/{feed}/read");
    client
        .post(&path, &json!({ "ackId": null }))
        .await
        .refused(400, "ackId");
    client.post(&path, &json!({})).await.good();
    let noted: Vec<Value> = sim
        .requests_after(0)
        .iter()
        .filter_map(|it| it.notes.get("ackId").cloned())
        .collect();
    assert_eq!(noted.len(), 4, "{noted:?}");
}

#[tokio::test]
async fn every_feed_has_every_event_and_readers_of_one_share_it() {
    let sim = pod().await;
    sim.set(json!({ "batch": 1, "long_poll_ms": 100 }));
    let client = Client::logged_in(&sim).await;
    let (one, two) = (client.feed().await, client.feed().await);
    sim.say_im("ada", "hi");
    let (first, _) = client.events(&one, "").await;
    let (second, _) = client.events(&one, "").await;
    assert_eq!(
        [kinds(&first), kinds(&second)],
        [["INSTANTMESSAGECREATED"], ["MESSAGESENT"]]
    );
    let (other, _) = client.events(&two, "").await;
    assert_eq!(kinds(&other), ["INSTANTMESSAGECREATED"]);
}

#[tokio::test]
async fn an_account_has_twenty_feeds_at_most() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    for _ in 0..20 {
        client.feed().await;
    }
    let refused = client.post("/agent/v5/datafeeds", &json!({})).await;
    refused.refused(403, "maximum number of datafeeds");
}

#[tokio::test]
async fn a_feed_that_nobody_reads_is_gone() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    sim.set(json!({ "feed_ttl_ms": 0 }));
    client
        .read(&feed, "")
        .await
        .refused(400, "Could not find a datafeed with the id");
    assert_eq!(client.get("/agent/v5/datafeeds").await.good(), json!([]));
}

#[tokio::test]
async fn a_bots_own_messages_come_back_to_it() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    let said = sim.say_im("ada", "hi");
    let (_, ack) = client.events(&feed, "").await;
    client
        .say(&said.stream_id, "<messageML>own</messageML>")
        .await
        .good();
    let (own, _) = client.events(&feed, &ack).await;
    assert_eq!(own[0]["initiator"]["user"]["userId"], sim.bot_id());
    fits(&sim);
}

#[tokio::test]
async fn what_people_type_comes_with_its_entities() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    sim.say_to_bot("Desk", "ada", "/buy 1000 $goog #urgent");
    let (events, _) = client.events(&feed, "").await;
    let message = &events[1]["payload"]["messageSent"]["message"];
    let text = message["message"].as_str().expect("a text");
    assert!(
        text.contains("<span class=\"entity\" data-entity-id=\"0\">@Trade Bot</span> /buy 1000 ")
    );
    let data: Value =
        serde_json::from_str(message["data"].as_str().expect("a text")).expect("JSON");
    assert_eq!(data["0"]["id"][0]["value"], sim.bot_id().to_string());
    assert_eq!(data["1"]["id"][0]["value"], "goog");
    assert_eq!(data["2"]["id"][0]["value"], "urgent");
    sim.say_with(json!({ "conversation": "Desk", "user": "ada", "text": "$goog", "plain": true }));
    let (events, _) = client.events(&feed, "").await;
    let plain = &events[0]["payload"]["messageSent"]["message"];
    assert_eq!(plain["data"], "{}");
    fits(&sim);
}

#[tokio::test]
async fn what_is_delivered_can_come_twice_or_in_the_wrong_order() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    sim.say_im("ada", "zero");
    let (_, ack) = client.events(&feed, "").await;
    sim.fault(Fault::on("").duplicate());
    sim.say_im("ada", "one");
    let (twice, ack) = client.events(&feed, &ack).await;
    assert_eq!(texts(&twice), ["one", "one"]);
    sim.fault(Fault::on("").reorder());
    sim.say_im("ada", "two");
    sim.say_im("ada", "three");
    let (turned, _) = client.events(&feed, &ack).await;
    assert_eq!(texts(&turned), ["three", "two"]);
}

#[tokio::test]
async fn an_old_feed_hands_an_event_out_once() {
    let sim = fast().await;
    let client = Client::logged_in(&sim).await;
    let made = client
        .post("/agent/v4/datafeed/create", &Value::Null)
        .await
        .good();
    let id = made["id"].as_str().expect("an id");
    let path = format!("/agent/v4/datafeed/{id}/read");
    sim.say_im("ada", "one");
    let events = client.get(&path).await.good();
    assert_eq!(
        kinds(events.as_array().expect("a list")),
        ["INSTANTMESSAGECREATED", "MESSAGESENT"]
    );
    let none = client.get(&path).await;
    assert_eq!((none.status, none.text.as_str()), (204, ""));
    sim.say_im("ada", "two");
    sim.say_im("ada", "three");
    let one = client.get(&format!("{path}?limit=1")).await.good();
    assert_eq!(texts(one.as_array().expect("a list")), ["two"]);
    fits(&sim);
    sim.act("restart", json!({ "what": "agent" }));
    let gone = client.get(&path).await;
    gone.refused(400, &format!("Could not find a datafeed with the id: {id}"));
    sim.set(json!({ "old_feeds_disabled": true }));
    client
        .post("/agent/v4/datafeed/create", &Value::Null)
        .await
        .refused(410, "deprecated");
}

#[tokio::test]
async fn an_old_feed_that_holds_too_much_is_dropped() {
    let sim = pod().await;
    sim.set(json!({ "old_feed_queue": 3, "old_feed_cap": 1 }));
    let client = Client::logged_in(&sim).await;
    let made = client
        .post("/agent/v4/datafeed/create", &Value::Null)
        .await
        .good();
    client
        .post("/agent/v4/datafeed/create", &Value::Null)
        .await
        .refused(503, "Too many");
    for text in ["1", "2", "3"] {
        sim.say_im("ada", text);
    }
    let path = format!(
        "/agent/v4/datafeed/{}/read",
        made["id"].as_str().expect("an id")
    );
    client
        .get(&path)
        .await
        .refused(400, "Could not find a datafeed with the id");
}

#[tokio::test]
async fn the_datahose_sees_conversations_the_bot_is_not_in() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let hose = |ack: &str| json!({ "type": "datahose", "tag": "t", "eventTypes": ["MESSAGESENT"], "ackId": ack });
    sim.set(json!({ "long_poll_ms": 50 }));
    let first = client.post("/agent/v5/events/read", &hose("")).await.good();
    sim.say_with(json!({ "conversation": "Far", "user": "ada", "text": "hi", "bot": "out" }));
    let ack = first["ackId"].as_str().expect("an ackId");
    let next = client
        .post("/agent/v5/events/read", &hose(ack))
        .await
        .good();
    assert_eq!(
        kinds(next["events"].as_array().expect("events")),
        ["MESSAGESENT"]
    );
    let listed = client.get("/agent/v5/datafeeds").await.good();
    assert!(
        listed[0]["id"]
            .as_str()
            .is_some_and(|id| id.contains("_p_")),
        "{listed}"
    );
    for wrong in [
        json!({ "type": "fanout", "tag": "t", "eventTypes": ["MESSAGESENT"] }),
        json!({ "type": "datahose", "eventTypes": ["MESSAGESENT"] }),
        json!({ "type": "datahose", "tag": "t", "eventTypes": [] }),
    ] {
        client
            .post("/agent/v5/events/read", &wrong)
            .await
            .refused(400, "");
    }
    fits(&sim);
}
