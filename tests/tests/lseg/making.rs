//! Rooms that plugins make, and people that they ask in and take out.

use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::Fault;
use parlor_tests::sim::lseg::Lseg;
use serde_json::json;

use crate::desk::{Desk, fast};

async fn desk(more: &str) -> Desk {
    let sim = fast().await;
    sim.room("Desk");
    let more = format!("rooms = \"listed\"\n{more}");
    let desk = Desk::on(sim, &more, &["actions"]).await;
    desk.joins("Desk").await;
    desk
}

fn made(sim: &Lseg) -> usize {
    let did = sim.sent_after(0);
    did.iter().filter(|sent| sent.kind == "create").count()
}

const TIGERS: &str = "create-with Tigers:ada@example.com,bob@example.com";
const BOTH: [&str; 2] = ["ada@example.com", "bob@example.com"];

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_made_with_people_in_it_and_one_is_taken_out_again() {
    let desk = desk("").await;
    let outcome = desk.outcome(TIGERS).await;
    assert!(
        outcome.contains("done") && outcome.contains("groupchat-"),
        "{outcome}"
    );
    assert_eq!(made(&desk.sim), 1);
    assert_eq!(desk.sim.people("Tigers"), BOTH);
    assert!(desk.sim.has_joined("Tigers"), "the bot is in it");
    // It hears and speaks there, and may take out whom it has asked in.
    let before = desk.sim.sent_count();
    desk.sim.say("Tigers", "ada", "/do remove bob@example.com");
    let removed = desk.does(before, |sent| sent.kind == "remove").await;
    assert_eq!(removed.conversation, "Tigers");
    assert_eq!(desk.sim.people("Tigers"), ["ada@example.com"]);
    desk.sim
        .say("Tigers", "ada", "/do invite carol@example.com");
    desk.does(before, |sent| sent.kind == "invite").await;
    assert!(
        desk.sim
            .people("Tigers")
            .contains(&"carol@example.com".to_owned())
    );
    let said = desk.sim.sent_count();
    desk.sim.say("Tigers", "ada", "/do send roar");
    assert_eq!(desk.says(said, "roar").await.conversation, "Tigers");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_managed_room_is_joined_spoken_in_cleared_and_left() {
    let desk = desk("").await;
    let managed = json!({"conversation": "Compliance", "kind": "managed", "creator": "bot"});
    let room = desk.sim.act("room", managed);
    let room = room["conversation_id"].as_str().expect("an id");
    desk.sim.say("Desk", "ada", &format!("/do join {room}"));
    desk.joins("Compliance").await;
    let before = desk.sim.sent_count();
    desk.sim.say("Compliance", "bob", "/do send noted");
    assert_eq!(desk.says(before, "noted").await.conversation, "Compliance");
    assert_eq!(desk.sim.people("Compliance"), ["bob@example.com"]);
    desk.sim
        .say("Compliance", "ada", "/do remove bob@example.com");
    desk.does(before, |sent| sent.kind == "remove").await;
    assert_eq!(desk.sim.people("Compliance"), ["ada@example.com"]);
    desk.sim.say("Compliance", "ada", "/do leave");
    desk.does(before, |sent| sent.kind == "leave").await;
    assert!(!desk.sim.has_joined("Compliance"));
    let asked = desk.asked().join("\n");
    assert!(!asked.contains(&format!("/chatrooms/{room}")), "{asked}");
    assert!(
        asked.contains(&format!("/managed_chatrooms/{room}/participants/remove")),
        "{asked}"
    );
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_whose_making_is_in_doubt_is_made_once_and_has_its_people() {
    for fault in [
        Fault::on("POST */chatrooms").close_socket().performed(),
        Fault::on("POST */chatrooms").status(502).performed(),
        Fault::on("POST */chatrooms")
            .status(200)
            .body("{}")
            .performed(),
    ] {
        // Its schedule lists it before anybody looks for it; another of its name was there before.
        let desk = desk("rejoin-secs = 1").await;
        desk.sim.room("Tigers");
        desk.joins("Tigers").await;
        desk.sim.fault(fault.clone());
        desk.sim.say("Desk", "ada", &format!("/do {TIGERS}"));
        let invited = desk
            .sim
            .sent_like(0, PATIENCE, |sent| sent.kind == "invite")
            .await;
        let invited = invited.unwrap_or_else(|| panic!("{fault:?}: {:#?}", desk.asked()));
        assert_eq!(invited.text, BOTH.join(" "));
        // The first of the name is the one that was there.
        assert_eq!(desk.sim.people("Tigers"), [""; 0], "{fault:?}");
        desk.host.idle().await;
        assert_eq!(made(&desk.sim), 1, "{fault:?}");
        desk.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_whose_people_cannot_be_asked_in_at_once_is_made_once() {
    for fault in [
        Fault::on("POST */invite").status(503),
        Fault::on("POST */invite")
            .status(429)
            .header("retry-after", "1"),
        Fault::on("POST */invite").close_socket(),
    ] {
        let desk = desk("").await;
        desk.sim.fault(fault.clone());
        desk.sim.say("Desk", "ada", &format!("/do {TIGERS}"));
        desk.does(0, |sent| sent.kind == "invite").await;
        desk.host.idle().await;
        assert_eq!(made(&desk.sim), 1, "{fault:?}");
        assert_eq!(desk.sim.people("Tigers"), BOTH, "{fault:?}");
        desk.stop().await;
    }
    // Who may not be asked in at all is told, and the room is there.
    let desk = desk("").await;
    desk.sim.fault(Fault::on("POST */invite").status(403));
    let outcome = desk.outcome(TIGERS).await;
    assert!(outcome.contains("nobody was invited"), "{outcome}");
    assert_eq!(made(&desk.sim), 1);
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_changed_is_said_anew_and_says_so() {
    let desk = desk("").await;
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "/do send first");
    desk.says(before, "first").await;
    desk.host.idle().await;
    let before = desk.sim.sent_count();
    desk.sim.say("Desk", "ada", "/do edit");
    assert_eq!(desk.says(before, "edited").await.text, "Updated: edited");
    desk.stop().await;
}
