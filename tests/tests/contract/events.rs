//! Events that need more than a message: what somebody does on the platform, as a wasm guest hears it.

use parlor_host::app::reload::FolderChange;
use parlor_host::mailbox::rooms::Command;
use parlor_host::model::action::TransferTarget;
use parlor_host::model::directory::ContactStatus;
use parlor_host::model::payload::PresenceStatus;
use parlor_tests::guests;
use parlor_tests::harness::{BOT, TestHostParts};
use parlor_tests::stage::{ONLOOKER, Stage, TELLER, all_grants};

async fn stage() -> Stage {
    Stage::with("kinds", &all_grants(), TestHostParts::default()).await
}

/// The last event of a kind that the guest has heard.
async fn heard(stage: &Stage, kind: &str) -> String {
    let answers = stage.host.ask(&format!("seen {kind}")).await;
    answers.last().cloned().unwrap_or_default()
}

/// Does something as a user, and waits until it is heard.
async fn act(stage: &Stage, user: &str, command: Command) {
    stage
        .host
        .act(user, command)
        .await
        .expect("the platform allows it");
    stage.host.idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_conversation_changed() {
    let stage = stage().await;
    let create = Command::CreateRoom {
        name: "Plans".to_owned(),
        description: String::new(),
        members: Vec::new(),
        public: true,
        open: true,
        external: false,
    };
    act(&stage, TELLER, create).await;
    let kind = "conversation-changed";
    assert_eq!(
        heard(&stage, kind).await,
        format!("{kind}: ConversationChanged::Created")
    );
    let rename = Command::Update {
        conversation: stage.lobby.clone(),
        name: None,
        description: Some("for all".to_owned()),
        public: None,
        open: None,
    };
    act(&stage, TELLER, rename).await;
    assert_eq!(
        heard(&stage, kind).await,
        format!("{kind}: ConversationChanged::Updated")
    );
    let chat = stage.chat("carol").await;
    let join = Command::OpenChat {
        customer: "carol".to_owned(),
    };
    act(&stage, ONLOOKER, join).await;
    let close = Command::Close {
        conversation: chat.clone(),
    };
    act(&stage, ONLOOKER, close).await;
    assert_eq!(
        heard(&stage, kind).await,
        format!("{kind}: ConversationChanged::Closed")
    );
    let reopen = Command::Reopen {
        conversation: chat.clone(),
    };
    act(&stage, ONLOOKER, reopen).await;
    assert_eq!(
        heard(&stage, kind).await,
        format!("{kind}: ConversationChanged::Reopened")
    );
    stage.be(TELLER, PresenceStatus::Available).await;
    let transfer = Command::Transfer {
        conversation: chat,
        to: TransferTarget::Agent(TELLER.to_owned()),
    };
    act(&stage, ONLOOKER, transfer).await;
    let told = heard(&stage, kind).await;
    assert!(
        told.contains("Transferred") && told.contains("to: \"ada\""),
        "{told}"
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_contact_changed() {
    let stage = stage().await;
    let ask = |status| Command::Contact {
        bot: BOT.to_owned(),
        user: ONLOOKER.to_owned(),
        status,
    };
    act(&stage, ONLOOKER, ask(ContactStatus::Pending)).await;
    let kind = "contact-changed";
    assert_eq!(
        heard(&stage, kind).await,
        format!("{kind}: ContactChanged::Requested")
    );
    act(&stage, ONLOOKER, ask(ContactStatus::None)).await;
    // The bot asks, bob accepts.
    let wasm = guests::bytes("actions");
    stage.host.load("actions", wasm, Some(&all_grants())).await;
    stage.tell("/do request-contact bob").await;
    act(&stage, ONLOOKER, ask(ContactStatus::Accepted)).await;
    assert_eq!(
        heard(&stage, kind).await,
        format!("{kind}: ContactChanged::Accepted")
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_typing() {
    let stage = stage().await;
    for active in [true, false] {
        let typing = Command::Typing {
            conversation: stage.lobby.clone(),
            active,
        };
        act(&stage, ONLOOKER, typing).await;
        assert_eq!(heard(&stage, "typing").await, format!("typing: {active}"));
    }
    // Where the bot is not, it hears nobody.
    let direct = Command::OpenDirect {
        user: TELLER.to_owned(),
    };
    let direct = stage
        .host
        .act(ONLOOKER, direct)
        .await
        .expect("it opens")
        .conversation;
    let typing = Command::Typing {
        conversation: direct.expect("it has an id").to_string(),
        active: true,
    };
    act(&stage, ONLOOKER, typing).await;
    assert_eq!(heard(&stage, "typing").await, "typing: false");
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_presence() {
    let stage = stage().await;
    for (status, name) in [
        (PresenceStatus::Busy, "Busy"),
        (PresenceStatus::DoNotDisturb, "DoNotDisturb"),
        (PresenceStatus::Offline, "Offline"),
    ] {
        stage.be(ONLOOKER, status).await;
        let told = heard(&stage, "presence").await;
        assert_eq!(told, format!("presence: PresenceStatus::{name}"));
    }
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_other() {
    let stage = stage().await;
    let poke = Command::Other {
        conversation: stage.lobby.clone(),
        kind: "poke".to_owned(),
        json: "{\"how\":\"gently\"}".to_owned(),
    };
    act(&stage, ONLOOKER, poke).await;
    let told = heard(&stage, "other").await;
    assert!(
        told.contains("\"poke\"") && told.contains("gently"),
        "{told}"
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_lifecycle() {
    let stage = stage().await;
    stage.host.idle().await;
    assert_eq!(
        heard(&stage, "lifecycle").await,
        "lifecycle: Lifecycle::Started"
    );
    // Another setting of the same build.
    let settings = format!("{}fresh = true\n", all_grants());
    let wasm = guests::bytes("kinds");
    stage
        .host
        .load("kinds", wasm.clone(), Some(&settings))
        .await;
    stage.host.idle().await;
    assert_eq!(
        heard(&stage, "lifecycle").await,
        "lifecycle: Lifecycle::ConfigChanged"
    );
    // The same bytes once more are no news.
    stage.host.load("kinds", wasm, Some(&settings)).await;
    stage.host.idle().await;
    assert_eq!(
        heard(&stage, "lifecycle").await,
        "lifecycle: Lifecycle::ConfigChanged"
    );
    let scanned = FolderChange::Scanned;
    stage.host.host().plugins().apply(scanned).await;
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_action_failed() {
    let stage = Stage::new("actions").await;
    // The class, the key and the place of the action, and that it is not tried any more.
    let outcome = stage.act("delete message-1").await;
    let start = "delete: ActionError::NotFound retrying=false";
    assert!(
        outcome.starts_with(start) && outcome.contains("message-1"),
        "{outcome}"
    );
    for (command, class) in [
        ("send-conversation room:none", "NotFound"),
        ("other poke", "Unsupported"),
        ("transfer support", "Unsupported"),
        ("send-user nobody", "NotFound"),
    ] {
        let outcome = stage.act(command).await;
        let class = format!("ActionError::{class} retrying=false");
        assert!(outcome.contains(&class), "{command}: {outcome}");
    }
    stage.host.stop().await;
    // A plugin that does not listen hears nothing, and the host goes on.
    let stage = Stage::with("kinds", &all_grants(), TestHostParts::default()).await;
    assert_eq!(heard(&stage, "action-failed").await, "nothing");
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_carries_the_place_and_the_person_of_its_event() {
    let stage = Stage::with("kinds", "", TestHostParts::default()).await;
    stage.tell_in(ONLOOKER, &stage.lobby, "answer me").await;
    let told = heard(&stage, "action-done").await;
    let answer = stage.host.answers(ONLOOKER, &stage.lobby);
    let answered = answer
        .iter()
        .find(|message| message.text.contains("answer me"));
    let id = &answered.expect("it answers").id;
    assert!(
        told.contains(&format!("message-id: Some(\"{id}\")")),
        "{told}"
    );
    assert!(told.contains(&stage.lobby), "{told}");
    stage.host.stop().await;
}
