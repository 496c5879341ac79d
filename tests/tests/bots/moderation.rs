//! Room moderation.

use super::*;
use parlor_tests::harness::BOT;

const OWN: &str = "allow = { forgive = [\"moderators\"] }\nconfig = { words = [\"darn\", \"heck\"] }\n\
    grants.actions = [\"delete\", \"remove\", \"send-user\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_to_be_said_goes_and_so_does_who_goes_on() {
    let host = bot("moderation", "[roles]\nmoderators = [\"ada@local\"]\n", OWN).await;
    let room = host.room("ada", "Lobby").await;
    host.room("mallory", "Lobby").await;
    for owner in ["ada", BOT] {
        let promote = Command::Promote {
            conversation: room.clone(),
            user: owner.to_owned(),
        };
        act(&host, "ada", promote).await;
    }
    let is_gone = |id: &str| {
        let messages = host.messages("ada", &room);
        let found = messages.iter().find(|message| *message.id == *id);
        found.expect("its place stays").deleted
    };
    let rude = async |text: &str| {
        let id = host.say("mallory", &room, text).await;
        host.idle().await;
        id
    };
    assert!(
        !is_gone(&rude("a darned good day").await),
        "only whole words"
    );
    assert!(is_gone(&rude("Oh DARN!").await));
    let warned = last(&host, "ada", &room).text.clone();
    assert_eq!(warned, "@mallory: that is not said here. Strike 1 of 3.");

    // Clean when it was sent.
    let changed = rude("good morning").await;
    let edit = Command::Edit {
        message: changed.clone(),
        text: "heck of a morning".to_owned(),
        content: Vec::new(),
    };
    act(&host, "mallory", edit).await;
    assert!(is_gone(&changed));
    assert!(last(&host, "ada", &room).text.contains("Strike 2 of 3"));

    // Forgiven, it begins anew; but not by anybody.
    host.room("bob", "Lobby").await;
    let refused = host.ask_in("bob", &room, "/forgive @mallory").await;
    assert_eq!(refused, ["You may not use /forgive."]);
    host.ask_in("ada", &room, "/forgive @mallory").await;
    assert_eq!(last(&host, "ada", &room).text, "@mallory starts anew.");
    for strike in 1..=2 {
        assert!(is_gone(&rude("darn").await));
        assert!(
            last(&host, "ada", &room)
                .text
                .contains(&format!("Strike {strike} of 3"))
        );
    }
    assert!(is_gone(&rude("heck").await));
    let out = host.act(
        "mallory",
        Command::Say(Say {
            conversation: room.clone(),
            text: "what?".to_owned(),
            ..Say::default()
        }),
    );
    assert!(matches!(out.await, Err(RoomsError::NotMember(_))));
    let direct = host.direct("mallory").await;
    assert_eq!(
        texts(&host, "mallory", &direct),
        ["You were taken out of Lobby: 3 strikes."]
    );

    // Owners keep order themselves.
    let own = host.say("ada", &room, "darn").await;
    host.idle().await;
    assert!(!is_gone(&own));
    assert_eq!(host.row("moderation").last_error, None);
    host.stop().await;
}
