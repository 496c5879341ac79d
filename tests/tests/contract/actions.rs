//! Actions on messages, through a wasm guest: what the platform shows somebody else afterwards, and what
//! the plugin hears of it.

use parlor_host::mailbox::rooms::{Change, Command, RoomMessage};
use parlor_host::model::event::Visibility;
use parlor_tests::harness::{BOT, TestHostParts};
use parlor_tests::stage::{ONLOOKER, Stage, TELLER, all_grants, message_in};

/// The bot's last message in the lobby, as the onlooker sees it.
fn last(stage: &Stage) -> RoomMessage {
    let mut messages = stage.host.answers(ONLOOKER, &stage.lobby);
    (*messages.pop().expect("the bot has said something")).clone()
}

fn without_edits() -> TestHostParts {
    TestHostParts {
        settings: format!("[[bot]]\nname = \"{BOT}\"\nplatform = \"local\"\nedits = false\n"),
        ..TestHostParts::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn action_edit() {
    // Without any grant: its own messages are a plugin's to change, by key and by id.
    let mut stage = Stage::with("actions", "", TestHostParts::default()).await;
    stage.tell("/do send one").await;
    let id = last(&stage).id;
    let outcomes = stage.outcomes().await;
    assert_eq!(message_in(&outcomes[0]), *id);
    stage.seen();
    stage.tell("/do edit").await;
    let seen = stage.seen();
    assert!(
        matches!(&seen[..], [Change::Edited(message)] if message.id == id && message.text == "edited"),
        "{seen:?}"
    );
    let edit = format!("/do edit {id}");
    stage.tell(&edit).await;
    assert_eq!(stage.seen().len(), 1);
    assert_eq!(stage.host.row("actions").last_error, None);
    // Somebody else's message is not.
    let foreign = stage.host.say(TELLER, &stage.lobby, "mine").await;
    stage.tell(&format!("/do edit {foreign}")).await;
    let error = stage.host.row("actions").last_error.unwrap_or_default();
    assert!(error.contains("needs the grant \"edit\""), "{error}");
    stage.host.stop().await;
    // Nor does a grant make the platform let the bot change it.
    let stage = Stage::new("actions").await;
    let foreign = stage.host.say(TELLER, &stage.lobby, "mine").await;
    let outcome = stage.act(&format!("edit {foreign}")).await;
    assert!(
        outcome.starts_with("edit: ActionError::Denied"),
        "{outcome}"
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_sent_anew_where_the_platform_will_not_edit() {
    let mut stage = Stage::with("actions", &all_grants(), without_edits()).await;
    stage.tell("/do send one").await;
    let first = last(&stage).id;
    stage.outcomes().await;
    stage.seen();
    let outcome = stage.act("edit").await;
    assert!(outcome.contains("sent anew"), "{outcome}");
    let seen = stage.seen();
    assert!(
        matches!(&seen[0], Change::Posted(message) if message.text == "Updated: edited" && message.id != first),
        "{seen:?}"
    );
    // The key names the new message from now on.
    stage.tell("/do delete").await;
    let seen = stage.seen();
    let gone = seen.iter().find_map(|change| match change {
        Change::Deleted { message, .. } => Some(message.to_string()),
        _ => None,
    });
    assert_eq!(gone, Some(message_in(&outcome)));
    let kept = stage.host.messages(ONLOOKER, &stage.lobby);
    assert!(
        kept.iter()
            .any(|message| message.id == first && !message.deleted)
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_left_or_fails_where_its_rule_says_so() {
    let mut stage = Stage::with("actions", &all_grants(), without_edits()).await;
    stage.tell("/do send one").await;
    stage.outcomes().await;
    stage.seen();
    let outcome = stage.act("edit-skip").await;
    assert!(outcome.contains("left as it was"), "{outcome}");
    let outcome = stage.act("edit-fail").await;
    assert!(
        outcome.starts_with("edit-fail: ActionError::Unsupported"),
        "{outcome}"
    );
    let seen = stage.seen();
    let changed = seen.iter().any(|change| match change {
        Change::Edited(_) => true,
        Change::Posted(message) => message.text.contains("edited"),
        _ => false,
    });
    assert!(!changed, "{seen:?}");
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_sent_anew_stays_hidden_from_the_customer() {
    let stage = Stage::with("actions", &all_grants(), without_edits()).await;
    let chat = stage.chat("carol").await;
    stage
        .tell_in("carol", &chat, "/list join send-agents")
        .await;
    stage.outcomes().await;
    let secret = stage.host.answers(ONLOOKER, &chat);
    let secret = secret.last().expect("agents see it").id.to_string();
    stage
        .tell_in("carol", &chat, &format!("/do edit {secret}"))
        .await;
    let shown = stage.texts(ONLOOKER, &chat);
    assert_eq!(shown, ["to agents", "Updated: edited"]);
    assert!(stage.texts("carol", &chat).is_empty());
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_delete() {
    let mut stage = Stage::new("actions").await;
    stage.tell("/do send one").await;
    stage.outcomes().await;
    stage.seen();
    let outcome = stage.act("delete").await;
    assert!(outcome.starts_with("delete: done"), "{outcome}");
    assert!(
        stage
            .seen()
            .iter()
            .any(|change| matches!(change, Change::Deleted { .. }))
    );
    assert!(
        !stage
            .texts(ONLOOKER, &stage.lobby)
            .contains(&"one".to_owned())
    );
    // Another's message goes where the bot owns the room, and not where it does not.
    let rude = stage
        .host
        .say(
            "mallory",
            &stage.host.room("mallory", "Lobby").await,
            "rude",
        )
        .await;
    let promote = |user: &str| Command::Promote {
        conversation: stage.lobby.clone(),
        user: user.to_owned(),
    };
    stage
        .host
        .act(TELLER, promote(TELLER))
        .await
        .expect("the room has no owner yet");
    let outcome = stage.act(&format!("delete {rude}")).await;
    assert!(
        outcome.starts_with("delete: ActionError::Denied"),
        "{outcome}"
    );
    stage
        .host
        .act(TELLER, promote(BOT))
        .await
        .expect("an owner may");
    let outcome = stage.act(&format!("delete {rude}")).await;
    assert!(outcome.starts_with("delete: done"), "{outcome}");
    let messages = stage.host.messages(ONLOOKER, &stage.lobby);
    let shown = messages
        .iter()
        .find(|message| *message.id == *rude)
        .expect("its place stays");
    assert!(shown.deleted && shown.text.is_empty());
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_react() {
    let stage = Stage::new("actions").await;
    let message = stage.host.say(TELLER, &stage.lobby, "lunch?").await;
    let reactions = || {
        let messages = stage.host.messages(ONLOOKER, &stage.lobby);
        let found = messages.iter().find(|known| *known.id == *message);
        found.expect("it is kept").reactions.clone()
    };
    stage.act(&format!("react {message}")).await;
    let shown = reactions();
    assert_eq!(
        (shown[0].emoji.as_str(), &*shown[0].users[0]),
        ("thumbsup", BOT)
    );
    stage.act(&format!("unreact {message}")).await;
    assert!(reactions().is_empty());
    let outcome = stage.act("react message-1").await;
    assert!(
        outcome.starts_with("react: ActionError::NotFound"),
        "{outcome}"
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_typing() {
    let mut stage = Stage::new("actions").await;
    stage.seen();
    for (command, wanted) in [("typing", true), ("typing-off", false)] {
        stage.tell(&format!("/do {command}")).await;
        let seen = stage.seen();
        let [
            Change::Typing {
                conversation,
                active,
            },
        ] = seen.as_slice()
        else {
            panic!("{seen:?}");
        };
        assert_eq!((&**conversation, *active), (stage.lobby.as_str(), wanted));
    }
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_other() {
    let mut stage = Stage::new("actions").await;
    stage.seen();
    let outcome = stage.act("other poke").await;
    assert!(
        outcome.starts_with("other: ActionError::Unsupported"),
        "{outcome}"
    );
    assert!(outcome.contains("poke"), "{outcome}");
    // The only thing that anybody saw is the answer with the outcome.
    assert_eq!(stage.seen().len(), 1);
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_platform_does_not_know_is_unsupported() {
    let stage = Stage::new("actions").await;
    let outcome = stage.act("send-as ada").await;
    assert!(
        outcome.starts_with("send-as: ActionError::Unsupported"),
        "{outcome}"
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_for_good_skips_the_rest_of_its_list_but_for_leaving() {
    let stage = Stage::new("actions").await;
    let chat = stage.chat("carol").await;
    // In between something for another conversation, which goes on.
    let list = "/list join invite=nobody send-thread send-user=bob leave";
    stage.tell_in("carol", &chat, list).await;
    assert!(stage.texts(ONLOOKER, &chat).is_empty());
    assert!(!stage.is_in(BOT, &chat));
    let mut outcomes = stage.outcomes().await;
    outcomes.sort();
    let starts = [
        "invite: ActionError::NotFound retrying=false",
        "join: done",
        "leave: done",
        "send-thread: ActionError::Failed retrying=false skipped",
        "send-user: done",
    ];
    assert_eq!(outcomes.len(), starts.len(), "{outcomes:?}");
    for (outcome, start) in outcomes.iter().zip(starts) {
        assert!(outcome.starts_with(start), "{outcomes:?}");
    }
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_says_who_sees_it_where_and_how_quietly() {
    let stage = Stage::new("actions").await;
    let chat = stage.chat("carol").await;
    stage
        .tell_in(
            "carol",
            &chat,
            "/list join send-agents send-quiet send-thread=t7",
        )
        .await;
    let seen = stage.host.answers(ONLOOKER, &chat);
    let how: Vec<_> = seen
        .iter()
        .map(|message| (message.visibility, message.quiet, message.thread.as_deref()))
        .collect();
    assert_eq!(
        how,
        [
            (Visibility::Agents, false, None),
            (Visibility::All, true, None),
            (Visibility::All, false, Some("t7")),
        ]
    );
    assert_eq!(stage.texts("carol", &chat), ["quietly", "in a thread"]);
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shown_is_degraded_or_fails_as_the_plugin_says() {
    let stage = Stage::new("actions").await;
    let outcome = stage.act("send-raw").await;
    assert!(outcome.starts_with("send-raw: done"), "{outcome}");
    let outcome = stage.act("send-strict-raw").await;
    assert!(
        outcome.starts_with("send-strict-raw: ActionError::Unsupported"),
        "{outcome}"
    );
    // A form is shown here, so strictness costs nothing.
    let outcome = stage.act("send-strict").await;
    assert!(outcome.starts_with("send-strict: done"), "{outcome}");
    let shown = stage.texts(ONLOOKER, &stage.lobby);
    let stand_ins = shown.iter().filter(|text| text.contains("instead of raw"));
    assert_eq!(stand_ins.count(), 1, "{shown:?}");
    stage.host.stop().await;
}
