//! The demo plugins, the same files as everywhere.

use serde_json::json;

use crate::cloud::Cloud;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_fetched_and_answered_alone_and_in_a_space() {
    let cloud = Cloud::with(&["joke"]).await;
    cloud.sim.say_direct("ada", "/joke");
    let first = cloud.says(0, "").await;
    cloud.sim.say_to_bot("Desk", "ada", "/joke");
    let second = cloud.says(first.n, "").await;
    assert_eq!(second.conversation, "Desk");
    // A webhook holds an id: the text was asked for.
    let asked = cloud.sim.requests_after(0);
    let fetched = asked
        .iter()
        .filter(|it| it.method == "GET" && it.path.starts_with("/v1/messages/"));
    assert_eq!(fetched.count(), 2);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bot_says_itself_is_not_told_to_it() {
    let cloud = Cloud::with(&["echo"]).await;
    cloud.sim.say_direct("ada", "/echo /echo again");
    let said = cloud.says(0, "/echo again").await;
    assert_eq!(cloud.meanwhile(said.n).await.len(), 0);
    // The platform delivered it, and nobody fetched it.
    let delivered = cloud.sim.deliveries();
    let own = delivered.iter().filter(|it| {
        it.body["actorId"] == cloud.sim.bot_id().as_str() && it.body["resource"] == "messages"
    });
    assert_eq!(own.count(), 1);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_two_words_is_no_part_of_what_was_said() {
    let cloud = Cloud::with(&["echo"]).await;
    for bare in [true, false] {
        cloud.sim.set(json!({"bare_mentions": bare}));
        let before = cloud.sim.sent_count();
        cloud
            .sim
            .say_to_bot("Desk", "ada", "/echo Trade Bot trades");
        let said = cloud.says(before, "").await;
        assert_eq!(said.text, "Trade Bot trades", "bare: {bare}");
    }
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_of_people_is_shown_as_it_is_and_mentions_nobody() {
    let cloud = Cloud::with(&["echo"]).await;
    let text = "<@all> **a** _b_ `c` [d](e) <b>f</b> & $g # h";
    cloud.sim.say_direct("ada", &format!("/echo {text}"));
    let said = cloud.says(0, "").await;
    assert_eq!(said.text, text);
    assert!(said.raw.get("mentionedGroups").is_none(), "{}", said.raw);
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pizza_and_tables_and_cashtags() {
    let cloud = Cloud::with(&["pizza", "activities", "complex-message"]).await;
    cloud.sim.say_to_bot("Desk", "ada", "pizza please");
    let first = cloud.says(0, "Pizza is on the way!").await;
    cloud.sim.say_to_bot("Desk", "ada", "/buy 1000 $goog");
    let second = cloud.says(first.n, "goog").await;
    assert!(second.text.contains("1000"), "{}", second.text);
    cloud.sim.say_direct("ada", "/complex_message");
    let third = cloud.says(second.n, "").await;
    assert!(
        third.raw["markdown"]
            .as_str()
            .unwrap_or_default()
            .contains("```"),
        "{}",
        third.raw
    );
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_goes_there_as_a_card_and_back() {
    let cloud = Cloud::with(&["activities"]).await;
    cloud.sim.say_direct("ada", "/form");
    let form = cloud
        .does(0, |sent| sent.raw.get("attachments").is_some())
        .await;
    let card = &form.raw["attachments"][0]["content"];
    assert_eq!(card["version"], "1.3");
    cloud.sim.act(
        "press",
        json!({"user": "ada", "button": button_of(card), "values": {"name": "Ada"}}),
    );
    cloud.says(form.n, "Hello, Ada").await;
    cloud.stop().await;
}

/// What is written on a card's first button that sends.
fn button_of(card: &serde_json::Value) -> String {
    let actions = card["actions"].as_array().expect("the card has buttons");
    let sends = actions
        .iter()
        .find(|action| action["type"] == "Action.Submit");
    sends.expect("one of them sends")["title"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_stays_in_its_thread() {
    let cloud = Cloud::with(&["echo"]).await;
    let root = cloud.sim.say_direct("ada", "/echo root");
    let first = cloud.says(0, "root").await;
    assert!(first.raw.get("parentId").is_none(), "{}", first.raw);
    cloud.sim.act(
        "say",
        json!({"direct": true, "user": "ada", "text": "/echo reply", "parent": root}),
    );
    let second = cloud.says(first.n, "reply").await;
    assert_eq!(second.raw["parentId"], root.as_str());
    cloud.stop().await;
}
