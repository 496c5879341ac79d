//! Actions on contacts, presence and customer chats, through a wasm guest: what the platform shows
//! somebody else afterwards, and what the plugin hears of it.

use parlor_host::connectors::local::Hub;
use parlor_host::mailbox::rooms::{Change, Command, Rooms as _};
use parlor_host::model::directory::ContactStatus;
use parlor_host::model::payload::{ConversationChanged, PresenceStatus};
use parlor_tests::harness::{BOT, TestHostParts};
use parlor_tests::stage::{ONLOOKER, Stage, all_grants};

/// A contact as the bot sees it.
fn contact(hub: &Hub, user: &str) -> Option<ContactStatus> {
    let key = (BOT.into(), user.into());
    hub.read(|state| state.contacts.get(&key).copied())
}

/// Has a person ask the bot to be a contact, or change that.
async fn ask_contact(stage: &Stage, user: &str, status: ContactStatus) {
    let ask = Command::Contact {
        bot: BOT.to_owned(),
        user: user.to_owned(),
        status,
    };
    stage.host.act(user, ask).await.expect("it is their own");
    stage.host.idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_accept_contact() {
    let mut stage = Stage::new("actions").await;
    let outcome = stage.act("accept-contact bob").await;
    assert!(
        outcome.starts_with("accept-contact: ActionError::NotFound"),
        "{outcome}"
    );
    ask_contact(&stage, ONLOOKER, ContactStatus::Pending).await;
    stage.seen();
    stage.act("accept-contact bob").await;
    let accepted = |change: &Change| {
        matches!(
            change,
            Change::Contact {
                status: ContactStatus::Accepted,
                ..
            }
        )
    };
    assert!(stage.seen().iter().any(accepted));
    assert_eq!(
        contact(stage.host.host().hub(), ONLOOKER),
        Some(ContactStatus::Accepted)
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_reject_contact() {
    let mut stage = Stage::new("actions").await;
    ask_contact(&stage, ONLOOKER, ContactStatus::Pending).await;
    stage.seen();
    stage.act("reject-contact bob").await;
    let rejected = |change: &Change| {
        matches!(
            change,
            Change::Contact {
                status: ContactStatus::Rejected,
                ..
            }
        )
    };
    assert!(stage.seen().iter().any(rejected));
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_request_contact() {
    let mut stage = Stage::new("actions").await;
    stage.seen();
    stage.act("request-contact bob").await;
    let requested = |change: &Change| {
        matches!(
            change,
            Change::Contact {
                status: ContactStatus::Requested,
                ..
            }
        )
    };
    assert!(stage.seen().iter().any(requested));
    // Of somebody else's contacts bob sees nothing.
    stage.act("request-contact ada").await;
    assert!(!stage.seen().iter().any(requested));
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_remove_contact() {
    let mut stage = Stage::new("actions").await;
    ask_contact(&stage, ONLOOKER, ContactStatus::Pending).await;
    stage.act("accept-contact bob").await;
    stage.seen();
    stage.act("remove-contact bob").await;
    let ended = |change: &Change| {
        matches!(
            change,
            Change::Contact {
                status: ContactStatus::None,
                ..
            }
        )
    };
    assert!(stage.seen().iter().any(ended));
    assert_eq!(contact(stage.host.host().hub(), ONLOOKER), None);
    let outcome = stage.act("remove-contact bob").await;
    assert!(
        outcome.starts_with("remove-contact: ActionError::NotFound"),
        "{outcome}"
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_set_presence() {
    let mut stage = Stage::new("actions").await;
    stage.seen();
    stage.act("set-presence").await;
    let busy = |change: &Change| {
        matches!(
            change,
            Change::Presence {
                status: PresenceStatus::Busy
            }
        )
    };
    assert!(stage.seen().iter().any(busy));
    let (snapshot, _) = stage.host.host().hub().view(ONLOOKER).expect("bob looks");
    assert!(snapshot.present.iter().any(|user| &**user == BOT));
    stage.host.stop().await;
}

/// A host whose group `support` is the onlooker.
fn with_support() -> TestHostParts {
    TestHostParts {
        settings: format!("[local]\ngroups = {{ support = [\"{ONLOOKER}\"] }}\n"),
        ..TestHostParts::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn action_transfer() {
    let mut stage = Stage::with("actions", &all_grants(), with_support()).await;
    let chat = stage.chat("carol").await;
    let do_there = async |what: &str| {
        stage.tell_in("carol", &chat, &format!("/do {what}")).await;
        stage.outcomes().await.pop().expect("an outcome")
    };
    do_there("join").await;
    for (what, class) in [
        ("transfer support", "Unavailable"),
        ("transfer-agent bob", "Unavailable"),
        ("transfer sales", "NotFound"),
        ("transfer-agent nobody", "NotFound"),
    ] {
        let outcome = do_there(what).await;
        assert!(
            outcome.contains(&format!("ActionError::{class}")),
            "{what}: {outcome}"
        );
    }
    stage.be(ONLOOKER, PresenceStatus::Available).await;
    do_there("transfer support").await;
    assert!(stage.is_in(ONLOOKER, &chat));
    let seen = stage.seen();
    let handed = seen.iter().find_map(|change| match change {
        Change::Updated {
            what: ConversationChanged::Transferred(transfer),
            ..
        } => Some(transfer.to.clone()),
        _ => None,
    });
    assert_eq!(handed.as_deref(), Some("support"), "{seen:?}");
    // A room is no customer chat.
    let outcome = stage.act("transfer support").await;
    assert!(
        outcome.starts_with("transfer: ActionError::Unsupported"),
        "{outcome}"
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_close() {
    let stage = Stage::new("actions").await;
    let chat = stage.chat("carol").await;
    stage.tell_in("carol", &chat, "/list join close").await;
    let (info, _) = stage.room_of(ONLOOKER, &chat).expect("chats are seen");
    assert!(info.closed);
    // What the customer writes opens it again; by its id it is closed from elsewhere.
    stage.tell_in("carol", &chat, "one more thing").await;
    assert!(
        !stage
            .room_of(ONLOOKER, &chat)
            .expect("chats are seen")
            .0
            .closed
    );
    stage.outcomes().await;
    stage.act(&format!("close-there {chat}")).await;
    assert!(
        stage
            .room_of(ONLOOKER, &chat)
            .expect("chats are seen")
            .0
            .closed
    );
    let outcome = stage.act("close").await;
    assert!(
        outcome.starts_with("close: ActionError::Unsupported"),
        "{outcome}"
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_tag() {
    let stage = Stage::new("actions").await;
    let chat = stage.chat("carol").await;
    let tags = || {
        stage
            .room_of(ONLOOKER, &chat)
            .expect("chats are seen")
            .0
            .tags
    };
    stage
        .tell_in("carol", &chat, "/list join tag=vip tag=angry")
        .await;
    assert_eq!(tags(), ["vip", "angry"]);
    stage.tell_in("carol", &chat, "/do untag vip").await;
    assert_eq!(tags(), ["angry"]);
    stage.host.stop().await;
}
