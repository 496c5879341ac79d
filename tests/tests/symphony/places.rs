//! Who may be in a conversation, where an event does not say so.

use std::collections::BTreeSet;
use std::sync::Arc;

use parlor_host::mailbox::{Connector as _, SendError};
use parlor_host::model::action::{ActionKind, Fallback, Send, Target};
use parlor_host::model::content::Content;
use parlor_host::model::event::{Conversation, ConversationKind, Visibility};
use parlor_host::model::payload::ActionError;
use parlor_tests::sim::Fault;
use parlor_tests::sim::symphony::{Symphony, SymphonyOptions};
use serde_json::json;

use crate::alone::{Alone, Journal, connector, part};
use crate::bank::{Bank, settings};

/// The question who may be in a conversation.
fn is_question(path: &str) -> bool {
    path.starts_with("/pod/v2/streams/") && path.ends_with("/info")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pod_is_asked_once_who_may_be_there_where_an_event_does_not_say_it() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    // All of it before the bot hears anything.
    let desk = sim.say("Desk", "ada", "hello").stream_id;
    let deal = sim.say("Deal", "eve@other.com", "hello").stream_id;
    let vault = sim.say("Vault", "ada", "hello").stream_id;
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(Journal::default());
    let bot = Alone::start(folder.path(), &settings(&sim, ""), &journal).await;
    // What closes a room says no more than its id.
    let close = |room: &str| {
        let what = json!({"conversation": room, "active": false});
        sim.act("room", what);
    };
    close("Desk");
    close("Deal");
    let told = |journal: &Journal| journal.places().into_iter().collect::<BTreeSet<_>>();
    journal
        .until("both are told", |it| it.places().len() >= 2)
        .await;
    let known = BTreeSet::from([(desk.clone(), false), (deal, true)]);
    assert_eq!(told(&journal), known);
    let questions = |sim: &Symphony| {
        let all = sim.requests_after(0).into_iter();
        all.filter(|it| is_question(&it.path)).count()
    };
    assert_eq!(questions(&sim), 2);

    // Where the pod does not say it either, they may be there; what it said is known.
    sim.fault(Fault::on("GET /pod/v2/streams/*").status(503).times(0));
    close("Vault");
    let closed = json!({"roomDeactivated": {"stream": {"streamId": desk, "streamType": "ROOM"}}});
    sim.act(
        "event",
        json!({"type": "ROOMDEACTIVATED", "user": "ada", "payload": closed}),
    );
    journal
        .until("all are told", |it| it.places().len() >= 4)
        .await;
    assert!(told(&journal).contains(&(vault, true)));
    let of_desk = journal.places().into_iter().filter(|it| it.0 == desk);
    assert_eq!(of_desk.map(|it| it.1).collect::<Vec<_>>(), [false, false]);
    assert_eq!(questions(&sim), 3);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_says_nothing_of_who_is_there_does_not_make_a_room_internal() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    let deal = sim.say("Deal", "eve@other.com", "hello").stream_id;
    let folder = tempfile::tempdir().unwrap();
    let bot = connector(folder.path(), &settings(&sim, ""));
    let send = ActionKind::Send(Send {
        target: Target::Reply,
        content: Content::Plain("the margin is 3%".to_owned()),
        attachments: Vec::new(),
        thread: None,
        visibility: Visibility::Agents,
        quiet: false,
        fallback: Fallback::Degrade,
    });
    let mut part = part(&bot, &deal, send);
    // As a webhook has it that writes into this room.
    let origin = Arc::make_mut(&mut part.origin);
    origin.conversation = Some(Conversation {
        id: deal.clone(),
        kind: ConversationKind::Other,
        name: None,
        external: false,
        cross_pod: false,
        thread: None,
    });
    let ended = bot.perform(&part).await;
    let is_refused = matches!(
        &ended,
        Err(SendError::Permanent {
            class: ActionError::RefusedByPolicy,
            ..
        })
    );
    assert!(is_refused, "{ended:?}");
    assert_eq!(sim.sent_after(0).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_in_a_direct_conversation_of_one_pod_is_of_the_company() {
    let bank = Bank::with(&["activities"]).await;
    bank.host
        .change("activities", "only = { external = false }")
        .await;
    bank.sim.say_im("ada", "/form");
    let form = bank
        .does(0, |sent| sent.raw.to_string().contains("hello-form"))
        .await;
    bank.sim.submit(
        "im of ada",
        "ada",
        "hello-form",
        "submit",
        json!({"name": "Ada"}),
    );
    bank.says(form.n, "Hello, Ada").await;
    bank.stop().await;
}
