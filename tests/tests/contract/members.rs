//! Actions on conversations and who is in them, through a wasm guest: what the platform shows somebody
//! else afterwards, and what the plugin hears of it.

use parlor_host::mailbox::rooms::{Change, Command, RoomMember};
use parlor_host::model::event::ConversationRole;
use parlor_host::model::payload::MemberChange;
use parlor_tests::guests;
use parlor_tests::harness::BOT;
use parlor_tests::stage::{ONLOOKER, Stage, TELLER, conversation_in};

fn role(members: &[RoomMember], user: &str) -> Option<ConversationRole> {
    let member = members.iter().find(|member| &*member.user.id == user);
    member.map(|member| member.role)
}

#[tokio::test(flavor = "multi_thread")]
async fn action_join() {
    let stage = Stage::new("actions").await;
    let chat = stage.chat("carol").await;
    assert!(!stage.is_in(BOT, &chat));
    stage.tell_in("carol", &chat, "/do join").await;
    assert!(stage.is_in(BOT, &chat));
    let outcomes = stage.outcomes().await;
    assert_eq!(conversation_in(&outcomes[0]), chat);
    // By id, from elsewhere; a room that is not there, and one that is private.
    let other = stage.chat("dave").await;
    stage.act(&format!("join {other}")).await;
    assert!(stage.is_in(BOT, &other));
    let outcome = stage.act("join room:none").await;
    assert!(
        outcome.starts_with("join: ActionError::NotFound"),
        "{outcome}"
    );
    let direct = Command::OpenDirect {
        user: ONLOOKER.to_owned(),
    };
    let direct = stage
        .host
        .act(TELLER, direct)
        .await
        .expect("it opens")
        .conversation;
    let outcome = stage
        .act(&format!("join {}", direct.expect("it has an id")))
        .await;
    assert!(
        outcome.starts_with("join: ActionError::Denied"),
        "{outcome}"
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_leave() {
    let stage = Stage::new("actions").await;
    let chat = stage.chat("carol").await;
    let do_there = async |what: &str| {
        stage.tell_in("carol", &chat, &format!("/do {what}")).await;
        stage.outcomes().await.pop().expect("an outcome")
    };
    do_there("join").await;
    do_there("join").await;
    // Two joins want two leaves.
    let outcome = do_there("leave").await;
    assert!(
        outcome.contains("still in") && stage.is_in(BOT, &chat),
        "{outcome}"
    );
    do_there("leave").await;
    assert!(!stage.is_in(BOT, &chat));
    // Where no join of the plugin brought the bot in, it stays.
    let outcome = stage.act("leave").await;
    assert!(outcome.contains("was already in"), "{outcome}");
    assert!(stage.is_in(BOT, &stage.lobby));
    stage.act("join").await;
    let outcome = stage.act("leave").await;
    assert!(outcome.contains("was already in"), "{outcome}");
    assert!(stage.is_in(BOT, &stage.lobby));
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leave_takes_out_only_whom_a_join_of_the_same_plugin_brought_in() {
    let stage = Stage::new("actions").await;
    let wasm = guests::bytes("pizza");
    stage.host.load("pizza", wasm, None).await;
    let chat = stage.chat("carol").await;
    stage.tell_in("carol", &chat, "/do join").await;
    // Pizza joins, says its sentence and leaves; the bot was there before, so it stays.
    stage.tell_in("carol", &chat, "a pizza, please").await;
    assert!(stage.is_in(BOT, &chat));
    assert_eq!(stage.texts(ONLOOKER, &chat), ["Pizza is on the way!"]);
    stage.tell_in("carol", &chat, "/do leave").await;
    assert!(!stage.is_in(BOT, &chat));
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_invite() {
    let mut stage = Stage::new("actions").await;
    stage.host.room("dan", "Elsewhere").await;
    stage.seen();
    stage.act("invite dan").await;
    assert!(stage.is_in("dan", &stage.lobby));
    let seen = stage.seen();
    let invited = seen.iter().any(|change| {
        matches!(change, Change::Member { user, change, .. }
            if &**user == "dan" && *change == MemberChange::Invited)
    });
    assert!(invited, "{seen:?}");
    let outcome = stage.act("invite nobody").await;
    assert!(
        outcome.starts_with("invite: ActionError::NotFound"),
        "{outcome}"
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_remove() {
    let stage = Stage::new("actions").await;
    stage.host.room("mallory", "Lobby").await;
    stage.act("remove mallory").await;
    assert!(!stage.is_in("mallory", &stage.lobby));
    let outcome = stage.act("remove mallory").await;
    assert!(
        outcome.starts_with("remove: ActionError::NotFound"),
        "{outcome}"
    );
    stage.host.stop().await;
}

/// Has the bot make a room with the teller in it, and gives its id.
async fn own_room(stage: &Stage) -> String {
    let outcome = stage.act("create-conversation Plans").await;
    conversation_in(&outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn action_promote() {
    let stage = Stage::new("actions").await;
    let room = own_room(&stage).await;
    stage.tell_in(TELLER, &room, "/do promote ada").await;
    let (_, members) = stage.room_of(ONLOOKER, &room).expect("the room is public");
    assert_eq!(role(&members, TELLER), Some(ConversationRole::Owner));
    // Where the bot owns nothing and somebody does, it may not.
    let promote = Command::Promote {
        conversation: stage.lobby.clone(),
        user: TELLER.to_owned(),
    };
    stage
        .host
        .act(TELLER, promote)
        .await
        .expect("the room has no owner yet");
    stage.outcomes().await;
    let outcome = stage.act("promote bob").await;
    assert!(
        outcome.starts_with("promote: ActionError::Denied"),
        "{outcome}"
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_demote() {
    let stage = Stage::new("actions").await;
    let room = own_room(&stage).await;
    let role_of = |user: &str| {
        let (_, members) = stage.room_of(ONLOOKER, &room).expect("the room is public");
        role(&members, user)
    };
    stage.tell_in(TELLER, &room, "/do promote ada").await;
    assert_eq!(role_of(TELLER), Some(ConversationRole::Owner));
    stage.tell_in(TELLER, &room, "/do demote ada").await;
    assert_eq!(role_of(TELLER), Some(ConversationRole::Member));
    assert_eq!(role_of(BOT), Some(ConversationRole::Owner));
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_create_conversation() {
    let stage = Stage::new("actions").await;
    let room = own_room(&stage).await;
    let (info, members) = stage.room_of(ONLOOKER, &room).expect("the room is public");
    assert_eq!(
        (&*info.name, info.description.as_str()),
        ("Plans", "made by a test")
    );
    assert!(info.public && info.open && !info.external);
    assert_eq!(role(&members, BOT), Some(ConversationRole::Owner));
    assert_eq!(role(&members, TELLER), Some(ConversationRole::Member));
    let outcome = stage.act("create-private Secret").await;
    let private = conversation_in(&outcome);
    assert!(stage.room_of(TELLER, &private).is_some());
    assert!(stage.room_of(ONLOOKER, &private).is_none());
    let outcome = stage.act("create-direct bob").await;
    let direct = conversation_in(&outcome);
    let (_, members) = stage.room_of(ONLOOKER, &direct).expect("it is bob's too");
    assert_eq!(members.len(), 2);
    assert!(stage.room_of(TELLER, &direct).is_none());
    let outcome = stage.act("create-direct nobody").await;
    assert!(
        outcome.starts_with("create-direct: ActionError::NotFound"),
        "{outcome}"
    );
    stage.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_update_conversation() {
    let stage = Stage::new("actions").await;
    stage.act("update-conversation Foyer").await;
    let (info, _) = stage.room_of(ONLOOKER, &stage.lobby).expect("bob is in it");
    assert_eq!(
        (&*info.name, info.description.as_str()),
        ("Foyer", "changed by a test")
    );
    assert!(!info.public && info.open);
    // It is private now: who is not in it sees it no more.
    assert!(stage.room_of("eve", &stage.lobby).is_none());
    stage.host.stop().await;
}
