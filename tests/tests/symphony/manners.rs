//! What a bot may do to others' messages and rooms, and who hears what it says.

use serde_json::json;

use crate::actions::outcomes;
use crate::bank::Bank;
use parlor_tests::sim::symphony::SymphonyOptions;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_another_bot_is_neither_changed_nor_said_again_nor_taken_away() {
    let bank = Bank::with(&["actions"]).await;
    let key = std::fs::read_to_string(bank.sim.file("app.pem")).unwrap();
    bank.sim.add_bot("risk.bot", "Risk Bot", &key);
    // Taking away what others wrote is a right of its own.
    bank.sim.act(
        "user",
        json!({"user": "trade.bot", "may": {"suppress": false}}),
    );
    let said = bank.sim.say("Desk", "risk.bot", "mine").message_id;
    for what in ["edit", "edit-fail", "delete"] {
        bank.sim.say("Desk", "ada", &format!("/do {what} {said}"));
        let told = outcomes(&bank).await;
        assert!(told.contains("ActionError::Denied"), "{what}: {told}");
    }
    let did = bank.meanwhile(0).await;
    assert!(
        did.iter().all(|sent| !sent.text.contains("edited")),
        "{did:#?}"
    );
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_message_that_the_pod_does_not_let_change_follows_the_rule_of_the_edit() {
    let bank = Bank::with(&["actions"]).await;
    bank.sim.say("Desk", "ada", "/do send first");
    bank.says(0, "first").await;
    outcomes(&bank).await;
    bank.sim.act(
        "user",
        json!({"user": "trade.bot", "may": {"update_message": false}}),
    );
    bank.sim.say("Desk", "ada", "/do edit-fail");
    let told = outcomes(&bank).await;
    assert!(told.contains("Unsupported"), "{told}");
    let before = bank.sim.sent_count();
    bank.sim.say("Desk", "ada", "/do edit");
    bank.says(before, "edited").await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_does_not_leave_a_room_with_others_in_it() {
    let bank = Bank::with(&["actions"]).await;
    bank.sim.say("Desk", "ada", "hello");
    let member = |user: &str, change: &str| {
        let what = json!({"conversation": "Desk", "user": user, "change": change});
        bank.sim.act("member", what);
    };
    member("bot", "promote");
    member("ada", "demote");
    // It leaves as it takes others out: by its membership.
    let own = bank.sim.bot_id();
    bank.sim.say("Desk", "ada", &format!("/do remove {own}"));
    let told = outcomes(&bank).await;
    assert!(
        told.contains("RefusedByPolicy") && told.contains("last owner"),
        "{told}"
    );
    assert!(bank.sim.members("Desk").contains(&"trade.bot".to_owned()));
    member("ada", "promote");
    bank.sim.say("Desk", "ada", &format!("/do remove {own}"));
    bank.does(0, |sent| sent.kind == "leave").await;
    assert!(!bank.sim.members("Desk").contains(&"trade.bot".to_owned()));
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_agents_only_stays_in_the_company() {
    let bank = Bank::with(&["actions"]).await;
    bank.sim.say("Desk", "ada", "/do send-agents");
    bank.says(0, "to agents").await;
    let told = outcomes(&bank).await;
    assert!(
        told.contains("everybody there, all of the company"),
        "{told}"
    );

    bank.sim.say("Deal", "eve@other.com", "hello");
    let before = bank.sim.sent_count();
    bank.sim.say("Deal", "ada", "/do send-agents");
    let told = outcomes(&bank).await;
    assert!(
        told.contains("RefusedByPolicy") && told.contains("agents-only"),
        "{told}"
    );
    let did = bank.meanwhile(before).await;
    assert!(
        did.iter().all(|sent| sent.conversation != "Deal"),
        "{did:#?}"
    );
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_agents_only_goes_to_all_where_the_settings_say_so() {
    let all = "agents-only = \"all\"";
    let bank = Bank::of(SymphonyOptions::default(), &["actions"], all).await;
    bank.sim.say("Deal", "eve@other.com", "hello");
    bank.sim.say("Deal", "ada", "/do send-agents");
    let said = bank.says(0, "to agents").await;
    assert_eq!(said.conversation, "Deal");
    let told = outcomes(&bank).await;
    assert!(told.contains("agents only"), "{told}");
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_and_a_wall_are_heard_and_answered_where_they_are() {
    let bank = Bank::with(&["kinds"]).await;
    for (kind, wanted) in [("mim", "Group"), ("post", "Post"), ("im", "Direct")] {
        let place = format!("a {kind}");
        let before = bank.sim.sent_count();
        bank.sim.say_with(json!({
            "conversation": place, "kind": kind, "user": "ada", "text": "envelope",
        }));
        let answer = bank.says(before, "conversation=").await;
        assert_eq!(answer.conversation, place);
        assert!(answer.text.contains(wanted), "{kind}: {}", answer.text);
    }
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_a_long_conversation_begins_with_its_end() {
    let bank = Bank::with(&["reads"]).await;
    let mut room = String::new();
    for line in 0..130 {
        room = bank
            .sim
            .say("Desk", "ada", &format!("line {line}."))
            .stream_id;
    }
    let before = bank.sim.sent_count();
    bank.sim.say_im("ada", &format!("/read history {room} 3"));
    let answer = bank.says(before, "").await.text;
    for line in 127..130 {
        assert!(answer.contains(&format!("line {line}.")), "{answer}");
    }
    assert!(!answer.contains("line 126."), "{answer}");
    bank.stop().await;
}
