//! Messages, files and forms.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::client::{Client, fits, kinds, pod};

const HELLO_FORM: &str = "<messageML><h2>Hello Form</h2><form id=\"hello-form\">\
    <text-field name=\"name\" placeholder=\"Enter a name here...\"/>\
    <button name=\"submit\" type=\"action\">Submit</button></form></messageML>";

#[tokio::test]
async fn a_message_is_kept_as_presentation_and_data() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let said = sim.say("Desk", "ada", "hi");
    let source = format!(
        "<messageML>Hello <mention uid=\"{}\"/></messageML>",
        said.user_id
    );
    let sent = client.say(&said.stream_id, &source).await.good();
    let presentation = sent["message"].as_str().expect("a text");
    assert!(
        presentation
            .contains("<span class=\"entity\" data-entity-id=\"mention1\">@Ada Smith</span>")
    );
    assert!(
        sent["data"]
            .as_str()
            .is_some_and(|data| data.contains("mention1"))
    );
    let path = format!(
        "/agent/v1/message/{}",
        sent["messageId"].as_str().expect("an id")
    );
    assert_eq!(client.get(&path).await.good(), sent);
    let done = sim.sent_after(0);
    assert_eq!(done[0].kind, "message");
    assert_eq!(done[0].conversation, "Desk");
    assert_eq!(done[0].text, "Hello @Ada Smith");
    assert_eq!(done[0].raw["messageML"], source);
    fits(&sim);
}

#[tokio::test]
async fn a_message_that_the_agent_does_not_take_is_refused_with_the_reason() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let said = sim.say("Desk", "ada", "hi");
    let wrong = [
        (
            "<messageML><marquee/></messageML>",
            "Invalid MessageML content at element \"marquee\"",
        ),
        ("<messageML>a & b</messageML>", "Invalid messageML"),
        ("hello", "Invalid messageML"),
        ("", "the message cannot be null or empty"),
        (
            "<messageML><mention uid=\"1\"/></messageML>",
            "Failed to lookup user \"1\"",
        ),
    ];
    for (message, why) in wrong {
        client.say(&said.stream_id, message).await.refused(400, why);
    }
    let path = format!("/agent/v4/stream/{}/message/create", said.stream_id);
    let json = client
        .post(&path, &json!({ "message": "<messageML>x</messageML>" }))
        .await;
    json.refused(415, "");
    assert_eq!(sim.sent_count(), 0);
    fits(&sim);
}

#[tokio::test]
async fn only_members_write_and_only_into_what_is_open() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let message = "<messageML>x</messageML>";
    let far =
        sim.say_with(json!({ "conversation": "Far", "user": "ada", "text": "x", "bot": "out" }));
    client
        .say(&far.stream_id, message)
        .await
        .refused(403, "not a member");
    client.say("nowhere", message).await.refused(400, "stream");
    let desk = sim.say("Desk", "ada", "hi");
    sim.act("room", json!({ "conversation": "Desk", "read_only": true }));
    client
        .say(&desk.stream_id, message)
        .await
        .refused(403, "read-only");
    sim.act("room", json!({ "conversation": "Desk", "owner": "bot" }));
    client.say(&desk.stream_id, message).await.good();
    sim.act("room", json!({ "conversation": "Desk", "active": false }));
    client
        .say(&desk.stream_id, message)
        .await
        .refused(400, "not active");
    fits(&sim);
}

#[tokio::test]
async fn an_edit_is_a_new_message_that_replaces_the_old_one() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    let said = sim.say_im("ada", "hi");
    let (_, ack) = client.events(&feed, "").await;
    let first = client
        .say(&said.stream_id, "<messageML>one</messageML>")
        .await
        .good();
    let old = first["messageId"].as_str().expect("an id");
    let path = format!("/agent/v4/stream/{}/message/{old}/update", said.stream_id);
    let parts: &[_] = &[
        ("message", None, b"<messageML>two</messageML>".as_slice()),
        ("silent", None, b"false".as_slice()),
    ];
    let second = client.parts(&path, parts).await.good();
    assert_eq!(second["replacing"], old);
    assert_eq!(second["initialMessageId"], old);
    assert_eq!(second["initialTimestamp"], first["timestamp"]);
    assert_eq!(second["silent"], false);
    assert_ne!(second["messageId"], old);
    let (events, _) = client.events(&feed, &ack).await;
    assert_eq!(kinds(&events), ["MESSAGESENT", "MESSAGESENT"]);
    assert_eq!(
        events[1]["payload"]["messageSent"]["message"]["replacing"],
        old
    );
    let foreign = format!(
        "/agent/v4/stream/{}/message/{}/update",
        said.stream_id, said.message_id
    );
    client.parts(&foreign, parts).await.refused(403, "author");
    sim.act(
        "user",
        json!({ "user": "trade.bot", "may": { "update_message": false } }),
    );
    client.parts(&path, parts).await.refused(403, "entitlement");
    let kinds: Vec<_> = sim
        .sent_after(0)
        .into_iter()
        .map(|sent| sent.kind)
        .collect();
    assert_eq!(kinds, ["message", "edit"]);
    fits(&sim);
}

#[tokio::test]
async fn a_blast_is_good_even_where_a_conversation_refuses() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let one = sim.say("One", "ada", "hi").stream_id;
    let far =
        sim.say_with(json!({ "conversation": "Far", "user": "ada", "text": "x", "bot": "out" }));
    let sids = format!("{one},{}", far.stream_id);
    let message = b"<messageML>to all</messageML>".as_slice();
    let parts: &[_] = &[("message", None, message), ("sids", None, sids.as_bytes())];
    let got = client.parts("/agent/v4/message/blast", parts).await.good();
    assert_eq!(got["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(got["errors"][&far.stream_id]["code"], 403);
    let many = vec!["x"; 101].join(",");
    let parts: &[_] = &[("message", None, message), ("sids", None, many.as_bytes())];
    client
        .parts("/agent/v4/message/blast", parts)
        .await
        .refused(400, "100");
    fits(&sim);
}

#[tokio::test]
async fn files_need_a_name_and_a_type_and_come_back_as_base64() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let said = sim.say_im("ada", "hi");
    let path = format!("/agent/v4/stream/{}/message/create", said.stream_id);
    let parts: &[_] = &[
        ("message", None, b" ".as_slice()),
        (
            "attachment",
            Some(("report.pdf", "application/pdf")),
            b"%PDF".as_slice(),
        ),
        (
            "preview",
            Some(("report.png", "image/png")),
            b"png".as_slice(),
        ),
    ];
    let sent = client.parts(&path, parts).await.good();
    let file = &sent["attachments"][0];
    assert_eq!(
        (&file["name"], &file["size"]),
        (&json!("report.pdf"), &json!(4))
    );
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("fileId", file["id"].as_str().expect("an id"))
        .append_pair("messageId", sent["messageId"].as_str().expect("an id"))
        .finish();
    let got = client
        .get(&format!(
            "/agent/v1/stream/{}/attachment?{query}",
            said.stream_id
        ))
        .await;
    assert_eq!(STANDARD.decode(&got.text).expect("base64"), b"%PDF");
    let listed = client
        .get(&format!("/pod/v1/streams/{}/attachments", said.stream_id))
        .await
        .good();
    assert_eq!(listed[0]["content-type"], "application/pdf");
    let requests = sim.requests_after(0);
    let sent = requests.iter().find(|it| it.path == path).expect("it");
    let parts_seen = &sent.notes["parts"];
    assert_eq!(parts_seen[1]["filename"], "report.pdf");
    for file in [Some(("x.pdf", "")), None] {
        let parts: &[_] = &[
            ("message", None, b" ".as_slice()),
            ("attachment", file, b"x".as_slice()),
        ];
        client.parts(&path, parts).await.refused(400, "");
    }
    let parts: &[_] = &[
        ("message", None, b"<messageML>x</messageML>".as_slice()),
        ("preview", Some(("x.png", "image/png")), b"x".as_slice()),
    ];
    client.parts(&path, parts).await.refused(400, "previews");
    fits(&sim);
}

#[tokio::test]
async fn sizes_have_their_limits() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let said = sim.say_im("ada", "hi");
    let path = format!("/agent/v4/stream/{}/message/create", said.stream_id);
    let long = format!("<messageML>{}</messageML>", "x".repeat(1_500_000));
    let got = client.say(&said.stream_id, &long).await;
    assert_eq!(got.status, 413);
    assert_eq!(
        got.json()["code"],
        "LIMIT_MESSAGE_CONTENT_MAX_TOTAL_SIZE_REACHED"
    );
    for (megabytes, status) in [(30, 200), (31, 413)] {
        let file = vec![b'x'; megabytes * 1_024 * 1_024];
        let parts: &[_] = &[
            ("message", None, b" ".as_slice()),
            (
                "attachment",
                Some(("big.bin", "application/octet-stream")),
                &file,
            ),
        ];
        assert_eq!(
            client.parts(&path, parts).await.status,
            status,
            "{megabytes} MB"
        );
    }
}

#[tokio::test]
async fn a_suppressed_message_is_seen_no_more() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    let said = sim.say_im("ada", "hi");
    let (_, ack) = client.events(&feed, "").await;
    let path = format!(
        "/pod/v1/admin/messagesuppression/{}/suppress",
        said.message_id
    );
    assert_eq!(
        client.post(&path, &Value::Null).await.good()["suppressed"],
        true
    );
    let (events, _) = client.events(&feed, &ack).await;
    assert_eq!(kinds(&events), ["MESSAGESUPPRESSED"]);
    assert_eq!(
        events[0]["payload"]["messageSuppressed"]["messageId"],
        said.message_id
    );
    assert_eq!(
        events[0]["initiator"]["user"]
            .as_object()
            .map(serde_json::Map::len),
        Some(1)
    );
    assert_eq!(
        client
            .get(&format!("/agent/v1/message/{}", said.message_id))
            .await
            .status,
        204
    );
    let other = sim.say_im("ada", "more");
    sim.act(
        "user",
        json!({ "user": "trade.bot", "may": { "suppress": false } }),
    );
    let path = format!(
        "/pod/v1/admin/messagesuppression/{}/suppress",
        other.message_id
    );
    client
        .post(&path, &Value::Null)
        .await
        .refused(403, "entitlement");
    fits(&sim);
}

#[tokio::test]
async fn a_conversation_is_read_back_and_searched() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let first = sim.say("Desk", "ada", "alpha #urgent");
    for text in ["beta", "gamma"] {
        sim.say("Desk", "bob", text);
    }
    let path = format!("/agent/v4/stream/{}/message", first.stream_id);
    let all = client.get(&format!("{path}?since=0")).await.good();
    assert_eq!(all.as_array().map(Vec::len), Some(3));
    let second = client
        .get(&format!("{path}?since=0&skip=1&limit=1"))
        .await
        .good();
    assert_eq!(second[0]["messageId"], all[1]["messageId"]);
    let none = client.get(&format!("{path}?since=99999999999999")).await;
    assert_eq!((none.status, none.text.as_str()), (204, ""));
    client.get(&path).await.refused(400, "since");
    for (body, expected) in [
        (json!({ "hashtag": "urgent" }), 1),
        (json!({ "text": "ET", "streamId": first.stream_id }), 1),
        (json!({ "author": first.user_id }), 1),
        (
            json!({ "streamId": first.stream_id, "streamType": "ROOM" }),
            3,
        ),
    ] {
        let found = client.post("/agent/v1/message/search", &body).await.good();
        assert_eq!(found.as_array().map(Vec::len), Some(expected), "{body}");
    }
    assert_eq!(
        client
            .post("/agent/v1/message/search", &json!({ "cashtag": "x" }))
            .await
            .status,
        204
    );
    client
        .post("/agent/v1/message/search", &json!({ "text": "x" }))
        .await
        .refused(400, "streamId");
    let query = format!(
        "/agent/v1/message/search?query=hashtag:urgent%20AND%20author:{}",
        first.user_id
    );
    assert_eq!(
        client.get(&query).await.good().as_array().map(Vec::len),
        Some(1)
    );
    let status = client
        .get(&format!("/pod/v1/message/{}/status", first.message_id))
        .await
        .good();
    assert_eq!(status["author"]["userId"], first.user_id.to_string());
    let relations = format!(
        "/pod/v1/admin/messages/{}/metadata/relationships",
        first.message_id
    );
    assert_eq!(client.get(&relations).await.good()["replies"], json!([]));
    assert!(
        client
            .get("/pod/v1/files/allowedTypes")
            .await
            .good()
            .is_array()
    );
    fits(&sim);
}

#[tokio::test]
async fn a_form_is_submitted_once_by_each_person_to_who_sent_it() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    let said = sim.say("Desk", "ada", "hi");
    let (_, ack) = client.events(&feed, "").await;
    let sent = client.say(&said.stream_id, HELLO_FORM).await.good();
    let (_, ack) = client.events(&feed, &ack).await;
    sim.submit(
        "Desk",
        "ada",
        "hello-form",
        "submit",
        json!({ "name": "Ada" }),
    );
    let (events, ack) = client.events(&feed, &ack).await;
    assert_eq!(kinds(&events), ["SYMPHONYELEMENTSACTION"]);
    let action = &events[0]["payload"]["symphonyElementsAction"];
    assert_eq!(action["formId"], "hello-form");
    assert_eq!(
        action["formValues"],
        json!({ "action": "submit", "name": "Ada" })
    );
    let standard = action["formMessageId"].as_str().expect("an id");
    let safe = standard.replace('+', "-").replace('/', "_");
    assert_eq!(
        safe.trim_end_matches('='),
        sent["messageId"].as_str().expect("an id")
    );
    assert!(
        action["stream"]["streamId"]
            .as_str()
            .is_some_and(|id| id.ends_with("=="))
    );
    assert_eq!(events[0]["initiator"]["user"]["userId"], said.user_id);
    let what = json!({
        "conversation": "Desk", "user": "ada", "form_id": "hello-form", "button": "submit",
    });
    let again = client.post("/_sim/submit", &what).await;
    assert!(again.text.contains("closed"), "{}", again.text);
    // Another person, and the same one after they loaded the page again.
    sim.say("Desk", "bob", "me too");
    let (_, ack) = client.events(&feed, &ack).await;
    sim.submit("Desk", "bob", "hello-form", "submit", json!({}));
    let mut what = what;
    what["again"] = true.into();
    sim.act("submit", what);
    sim.set(json!({ "form_id_suffix": true }));
    let (events, _) = client.events(&feed, &ack).await;
    assert_eq!(
        kinds(&events),
        ["SYMPHONYELEMENTSACTION", "SYMPHONYELEMENTSACTION"]
    );
    assert_eq!(
        events[0]["payload"]["symphonyElementsAction"]["formValues"]["name"],
        ""
    );
    fits(&sim);
}

#[tokio::test]
async fn people_edit_share_reply_and_send_files() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    let first = sim.say("Desk", "ada", "one");
    let (_, ack) = client.events(&feed, "").await;
    for more in [
        json!({ "text": "two", "edit": first.message_id }),
        json!({ "text": "re", "reply_to": first.message_id }),
        json!({ "text": "look", "attachments": [{ "name": "a.txt", "type": "text/plain", "base64": "aGk=" }] }),
        json!({ "message_ml": "<messageML><cash tag=\"goog\"/></messageML>" }),
        json!({ "presentation": "<div>&nbsp;</div>" }),
    ] {
        let mut what = json!({ "conversation": "Desk", "user": "ada" });
        what.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("one").clone());
        sim.say_with(what);
    }
    sim.say_with(json!({
        "conversation": "wall of ada", "kind": "post", "user": "ada", "text": "see",
        "share": first.message_id,
    }));
    let (events, _) = client.events(&feed, &ack).await;
    assert_eq!(events.len(), 6);
    let message = |index: usize| &events[index]["payload"]["messageSent"]["message"];
    assert_eq!(message(0)["replacing"], first.message_id);
    assert_eq!(message(1)["parentMessageId"], first.message_id);
    assert_eq!(message(2)["attachments"][0]["size"], 2);
    assert!(
        message(3)["data"]
            .as_str()
            .is_some_and(|data| data.contains("keyword1"))
    );
    assert_eq!(message(4)["message"], "<div>&nbsp;</div>");
    assert_eq!(events[5]["type"], "SHAREDPOST");
    let shared = &events[5]["payload"]["sharedPost"]["sharedMessage"];
    assert_eq!(shared["messageId"], first.message_id);
    fits(&sim);
}
