//! Messages with entity data of a plugin's own, and rooms that are found among many.

use parlor_host::mailbox::{Connector as _, Read, ReadAnswer};
use parlor_host::model::action::{ActionKind, OtherAction};
use parlor_tests::sim::symphony::{Symphony, SymphonyOptions};
use serde_json::{Value, json};

use crate::alone::{connector, part};
use crate::bank::settings;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_with_its_entity_data_and_is_found_again() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    let room = sim.say("Desk", "ada", "hello").stream_id;
    let folder = tempfile::tempdir().unwrap();
    let bot = connector(folder.path(), &settings(&sim, ""));
    let trade = json!({"type": "com.acme.trade", "version": "1.0", "id": 7});
    let markup =
        "<messageML><div class=\"entity\" data-entity-id=\"trade\">7 lots</div></messageML>";
    let send = |message: Value| {
        ActionKind::Other(OtherAction {
            platform: "symphony".to_owned(),
            name: "send".to_owned(),
            json: message.to_string(),
        })
    };
    let own = part(
        &bot,
        &room,
        send(json!({"message": markup, "data": {"trade": trade}})),
    );
    let sent = bot.perform(&own).await.expect("it is said");
    let message = sent.message.expect("it has an id");
    let said = sim.sent_after(0).pop().expect("it was said");
    assert_eq!(
        (said.conversation.as_str(), said.text.trim()),
        ("Desk", "7 lots")
    );
    let data = said.raw["data"].as_str().expect("it has data");
    let data: Value = serde_json::from_str(data).expect("of JSON");
    assert_eq!(data["trade"], trade);

    // Whoever does not know whether it arrived finds it, and no other one.
    let found = bot.find_sent(&own).await.expect("the pod answers");
    assert_eq!(found.and_then(|it| it.message), Some(message));
    let mut other = own.clone();
    other.delivery = 2;
    assert_eq!(bot.find_sent(&other).await.expect("the pod answers"), None);

    let elsewhere = sim.say("Deal", "ada", "hello").stream_id;
    let there = json!({"message": "<messageML>there</messageML>", "conversation": elsewhere});
    let sent = bot.perform(&part(&bot, &room, send(there))).await;
    assert_eq!(sent.expect("it is said").conversation, Some(elsewhere));
    assert_eq!(sim.complaints(), Vec::<String>::new());
    let misfits = sim.misfits_after(0);
    assert!(misfits.is_empty(), "\n{}\n", misfits.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_found_by_its_name_among_more_than_a_page() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    // The search gives rooms by their names: this one comes last.
    for number in 0..60 {
        sim.say(&format!("a desk {number:02}"), "ada", "hello");
    }
    let room = sim.say("desk", "ada", "hello").stream_id;
    let folder = tempfile::tempdir().unwrap();
    let bot = connector(folder.path(), &settings(&sim, ""));
    let read = Read::FindConversation {
        name: "desk".to_owned(),
    };
    let ReadAnswer::Conversation(found) = bot.read(read).await.expect("it is found") else {
        panic!("no conversation");
    };
    assert_eq!(found.id, room);
}
