//! Actions and reads of the contract, each by a plugin.

use parlor_tests::sim::{Fault, Sent};
use serde_json::json;

use crate::cloud::Cloud;

/// Tells the guest to do something in the desk's space, and waits for what the bot does of this kind.
async fn does(cloud: &Cloud, what: &str, kind: &str) -> Sent {
    let before = cloud.sim.sent_count();
    cloud.sim.say_to_bot("Desk", "ada", &format!("/do {what}"));
    cloud.does(before, |sent| sent.kind == kind).await
}

/// What became of the guest's last actions, as it was told.
async fn outcomes(cloud: &Cloud) -> String {
    loop {
        let before = cloud.sim.sent_count();
        cloud.sim.say_to_bot("Desk", "ada", "/outcomes");
        let told = cloud.says(before, "").await.text;
        if told != "nothing" {
            return told;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_to_people_spaces_and_addresses() {
    let cloud = Cloud::with(&["actions"]).await;
    let first = does(&cloud, "send hello", "message").await;
    assert_eq!((&*first.text, &*first.conversation), ("hello", "Desk"));
    let grace = cloud.sim.person("grace");
    let to = does(&cloud, &format!("send-user {grace}"), "message").await;
    assert_eq!(to.conversation, "Grace Example");
    // Whoever has no space with the bot yet gets one.
    let to = does(&cloud, "send-email heidi@example.com", "message").await;
    assert_eq!(to.conversation, "Heidi Example");
    cloud
        .sim
        .act("room", json!({"title": "Annex", "user": "ada"}));
    let annex = cloud.sim.room("Annex").expect("it was made");
    let there = does(&cloud, &format!("send-conversation {annex}"), "message").await;
    assert_eq!(there.conversation, "Annex");
    let file = does(&cloud, "send-file", "message").await;
    assert!(
        file.raw["files"][0]
            .as_str()
            .is_some_and(|url| url.contains("/v1/contents/"))
    );
    assert_eq!(file.text, "with a file");
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_message_is_changed_and_taken_away() {
    let cloud = Cloud::with(&["actions"]).await;
    does(&cloud, "send first", "message").await;
    let edited = does(&cloud, "edit", "edit").await;
    assert_eq!(edited.text, "edited");
    assert!(edited.raw.get("updated").is_some());
    let gone = does(&cloud, "delete", "delete").await;
    assert_eq!(gone.raw["id"], edited.raw["id"]);
    // What is gone is gone: asked for again it is done.
    cloud.sim.say_to_bot("Desk", "ada", "/do delete");
    assert!(outcomes(&cloud).await.contains("done"));
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_changed_any_more_is_said_anew() {
    let cloud = Cloud::with(&["actions"]).await;
    does(&cloud, "send first", "message").await;
    cloud
        .sim
        .fault(Fault::on("PUT /v1/messages/*").status(400).body(json!({
            "message": "A message can be edited 10 times",
            "errors": [{"description": "A message can be edited 10 times"}],
        })));
    let anew = does(&cloud, "edit", "message").await;
    assert_eq!(anew.text, "Updated: edited");
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_go_and_moderate() {
    let cloud = Cloud::with(&["actions"]).await;
    cloud.sim.say_to_bot("Desk", "ada", "/do send here");
    cloud.says(0, "here").await;
    let grace = cloud.sim.person("grace");
    assert_eq!(
        does(&cloud, &format!("invite {grace}"), "invite")
            .await
            .text,
        "grace@example.com"
    );
    assert!(
        cloud
            .sim
            .members("Desk")
            .contains(&"grace@example.com".to_owned())
    );
    // Who is there already is no error.
    outcomes(&cloud).await;
    cloud
        .sim
        .say_to_bot("Desk", "ada", &format!("/do invite {grace}"));
    assert!(outcomes(&cloud).await.contains("was already in"));
    does(&cloud, &format!("promote {grace}"), "promote").await;
    does(&cloud, &format!("demote {grace}"), "demote").await;
    does(&cloud, &format!("remove {grace}"), "remove").await;
    assert!(
        !cloud
            .sim
            .members("Desk")
            .contains(&"grace@example.com".to_owned())
    );
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_goes_out_of_a_space_and_enters_a_public_one() {
    let cloud = Cloud::with(&["actions"]).await;
    cloud.sim.act(
        "room",
        json!({"title": "Open", "user": "grace", "public": true, "bot": false}),
    );
    let open = cloud.sim.room("Open").expect("it was made");
    let joined = does(&cloud, &format!("join {open}"), "join").await;
    assert_eq!(joined.conversation, "Open");
    does(&cloud, &format!("leave {open}"), "leave").await;
    assert!(
        !cloud
            .sim
            .members("Open")
            .iter()
            .any(|it| it.ends_with("@webex.bot"))
    );
    // Another lets nobody in by themselves.
    cloud.sim.act(
        "room",
        json!({"title": "Shut", "user": "grace", "bot": false}),
    );
    let shut = cloud.sim.room("Shut").expect("it was made");
    outcomes(&cloud).await;
    cloud
        .sim
        .say_to_bot("Desk", "ada", &format!("/do join {shut}"));
    assert!(outcomes(&cloud).await.contains("Denied"));
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_made_and_renamed() {
    let cloud = Cloud::with(&["actions"]).await;
    let made = does(&cloud, "create-private Annex", "room").await;
    assert_eq!(made.text, "Annex");
    let renamed = does(&cloud, "update-conversation Desk2", "update-room").await;
    assert_eq!(renamed.text, "Desk2");
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_of_an_answer_is_that_of_its_root() {
    let cloud = Cloud::with(&["actions"]).await;
    let root = cloud.sim.say_direct("ada", "/do send root");
    cloud.says(0, "root").await;
    let reply = cloud.sim.act(
        "say",
        json!({"direct": true, "user": "ada", "text": "a reply", "parent": root}),
    );
    let reply = reply["message_id"].as_str().unwrap_or_default().to_owned();
    let before = cloud.sim.sent_count();
    cloud
        .sim
        .say_direct("ada", &format!("/do send-thread {reply}"));
    let said = cloud.says(before, "in a thread").await;
    assert_eq!(
        said.raw["parentId"],
        root.as_str(),
        "an answer cannot be answered"
    );
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_tell_what_the_platform_knows() {
    let cloud = Cloud::with(&["reads"]).await;
    let said = cloud.sim.say_to_bot("Desk", "ada", "to be read");
    let room = cloud.sim.room("Desk").expect("it was made");
    let (ada, grace) = (cloud.sim.person("ada"), cloud.sim.person("grace"));
    for (read, wanted) in [
        ("find-conversation desk Desk".to_owned(), room.as_str()),
        (format!("find-conversation desk {room}"), "Desk"),
        ("conversations desk".to_owned(), "Desk"),
        (format!("members {room}"), "ada@example.com"),
        (
            "find-user desk grace@example.com".to_owned(),
            grace.as_str(),
        ),
        (format!("find-user desk {ada}"), "Ada Example"),
        (format!("presence {ada}"), "available"),
        (format!("message {said}"), "to be read"),
        (format!("history {room} 5"), "to be read"),
    ] {
        let before = cloud.sim.sent_count();
        cloud.sim.say_direct("ada", &format!("/read {read}"));
        let answer = cloud.says(before, "").await;
        assert!(answer.text.starts_with("Ok("), "{read}: {}", answer.text);
        let (found, wanted) = (answer.text.to_lowercase(), wanted.to_lowercase());
        assert!(found.contains(&wanted), "{read}: no {wanted}: {found}");
    }
    let before = cloud.sim.sent_count();
    cloud.sim.act(
        "say",
        json!({"direct": true, "user": "ada", "text": "/here attachment",
               "file": {"name": "../a.txt", "text": "pixels"}}),
    );
    cloud.says(before, "has 6 bytes").await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_with_the_server_s_faults_are_read_to_the_end() {
    let cloud = Cloud::with(&["reads"]).await;
    for number in 0..5 {
        cloud
            .sim
            .say_to_bot("Desk", "ada", &format!("said {number}"));
    }
    let room = cloud.sim.room("Desk").expect("it was made");
    for knob in ["drops_mentioned", "null_max", "empty_page"] {
        cloud.sim.set(json!({"page_size": 2, knob: true}));
        let before = cloud.sim.sent_count();
        cloud
            .sim
            .say_direct("ada", &format!("/read history {room} 5"));
        let answer = cloud.says(before, "").await.text;
        assert!(
            answer.contains("said 0") && answer.contains("said 4"),
            "{knob}: {answer}"
        );
        cloud.sim.set(json!({knob: false}));
    }
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_looked_at_for_viruses_still_is_tried_again() {
    let cloud = Cloud::with(&["reads", "kinds"]).await;
    let busy = |what: &str| {
        let fault = Fault::on(what).status(423);
        fault.header("retry-after", "1")
    };
    cloud.sim.fault(busy("HEAD /v1/contents/*").times(2));
    cloud.sim.fault(busy("GET /v1/contents/*"));
    let before = cloud.sim.sent_count();
    cloud.sim.act(
        "say",
        json!({"direct": true, "user": "ada", "text": "/here attachment",
               "file": {"name": "report.txt", "text": "pixels"}}),
    );
    cloud.says(before, "has 6 bytes").await;
    let before = cloud.sim.sent_count();
    cloud.sim.say_direct("ada", "seen message");
    cloud.says(before, "report.txt").await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_passed_on_once_it_was_looked_at() {
    let cloud = Cloud::with(&["actions"]).await;
    let busy = Fault::on("GET /v1/contents/*").status(423);
    cloud.sim.fault(busy.header("retry-after", "1").times(2));
    cloud.sim.act(
        "say",
        json!({"direct": true, "user": "ada", "text": "/do send-received",
               "file": {"name": "report.txt", "text": "pixels"}}),
    );
    let passed = cloud.says(0, "passed on").await;
    assert_eq!(passed.raw["files"].as_array().map(Vec::len), Some(1));
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_refused_is_said_in_words() {
    let cloud = Cloud::with(&["actions"]).await;
    let card = does(&cloud, "send-card", "message").await;
    assert!(card.raw["attachments"].is_array(), "{}", card.raw);
    outcomes(&cloud).await;
    let refused = || {
        Fault::on("POST /v1/messages").status(400).body(json!({
            "message": "Unable to post a message: invalid attachments",
            "errors": {"attachments": {"code": "invalid_attachments"}},
        }))
    };
    cloud.sim.fault(refused());
    let words = does(&cloud, "send-card", "message").await;
    assert_eq!(words.text, "instead of the card");
    assert!(words.raw.get("attachments").is_none(), "{}", words.raw);
    assert!(outcomes(&cloud).await.contains("stand-in"));
    // Who wants it so or not at all gets nothing.
    cloud.sim.fault(refused());
    let before = cloud.sim.sent_count();
    cloud.sim.say_to_bot("Desk", "ada", "/do send-strict-card");
    assert!(outcomes(&cloud).await.contains("invalid attachments"));
    let said = cloud.sim.sent_after(before);
    assert!(
        !said.iter().any(|it| it.text.contains("the card")),
        "{said:#?}"
    );
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn code_and_tables_mention_nobody() {
    let cloud = Cloud::with(&["actions"]).await;
    cloud.sim.say_direct("ada", "/do send-code <@all>");
    let said = cloud.says(0, "code:").await;
    assert!(said.raw.get("mentionedGroups").is_none(), "{}", said.raw);
    let shown = said.text.replace('\u{2060}', "");
    assert_eq!(shown.matches("<@all>").count(), 4, "{shown}");
    cloud.stop().await;
}
