//! What a bot does before its session has asked who it is: the outbox of a host that was killed goes on
//! before the sessions are there.

use std::sync::Arc;

use parlor_host::connectors::symphony::SymphonyConnector;
use parlor_host::mailbox::{Connector as _, SendError};
use parlor_host::model::action::{ActionKind, Edit, EditRule, MessageRef};
use parlor_host::model::content::Content;
use parlor_host::model::payload::ActionError;
use parlor_tests::sim::symphony::{Symphony, SymphonyOptions};
use serde_json::json;

use crate::alone::{connector, part};
use crate::bank::settings;

/// A pod and a bot on it without a session.
async fn bot() -> (Symphony, SymphonyConnector) {
    let sim = Symphony::start(SymphonyOptions::default()).await;
    let sim = sim.expect("a pod");
    let folder = tempfile::tempdir().expect("a folder");
    let bot = connector(folder.path(), &settings(&sim, ""));
    assert_eq!(bot.bot().user_id, "");
    (sim, bot)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_does_not_know_itself_yet_comes_and_goes() {
    let (sim, bot) = bot().await;
    let open = json!({"conversation": "Open", "user": "grace", "public": true, "bot": "out"});
    let room = sim.act("room", open);
    let room = room["stream_id"].as_str().expect("a room has an id");
    let is_there = || sim.members("Open").contains(&"trade.bot".to_owned());
    let join = part(&bot, room, ActionKind::Join(None));
    let joined = bot.perform(&join).await.expect("it comes");
    assert!(!joined.was_member && is_there());
    let again = bot.perform(&join).await.expect("it is there");
    assert!(again.was_member);

    let folder = tempfile::tempdir().expect("a folder");
    let bot = connector(folder.path(), &settings(&sim, ""));
    let leave = part(&bot, room, ActionKind::Leave(None));
    bot.perform(&leave).await.expect("it goes");
    assert!(!is_there());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_does_not_know_itself_yet_knows_its_message() {
    let (sim, bot) = bot().await;
    let own = sim.say("Desk", "trade.bot", "mine");
    let other = sim.say("Desk", "ada", "hers");
    let no = json!({"user": "trade.bot", "may": {"update_message": false}});
    sim.act("user", no);
    let edit = |message: String| {
        ActionKind::Edit(Edit {
            message: MessageRef::Id(message),
            content: Content::Plain("edited".to_owned()),
            otherwise: EditRule::Fail,
        })
    };
    let mine = part(&bot, &own.stream_id, edit(own.message_id));
    let ended = bot.perform(&mine).await;
    // That the pod lets nobody change it is another thing than that it is somebody else's.
    assert!(matches!(ended, Err(SendError::WillNotEdit(_))), "{ended:?}");
    let hers = part(&bot, &other.stream_id, edit(other.message_id));
    let ended = bot.perform(&hers).await;
    assert!(is_refused(&ended, ActionError::Denied), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_moves_the_bot_on_behalf_of_a_user() {
    let (sim, bot) = bot().await;
    let room = sim.say("Desk", "ada", "hello").stream_id;
    for kind in [ActionKind::Join(None), ActionKind::Leave(None)] {
        let mut part = part(&bot, &room, kind);
        let action = Arc::make_mut(&mut part.what.action);
        action.as_user = Some("ada".to_owned());
        let ended = bot.perform(&part).await;
        assert!(is_refused(&ended, ActionError::Unsupported), "{ended:?}");
    }
    assert!(sim.members("Desk").contains(&"trade.bot".to_owned()));
}

fn is_refused<T>(ended: &Result<T, SendError>, wanted: ActionError) -> bool {
    matches!(ended, Err(SendError::Permanent { class, .. }) if *class == wanted)
}
