//! What a bot can do and read.

use super::*;
use crate::mailbox::{Read, ReadAnswer};
use crate::model::action::{
    Edit, EditRule, File, Membership, MessageRef, NewConversation, NewRoom, OutgoingAttachment,
    React, TagChat, TransferChat, TransferTarget, UpdateConversation,
};
use crate::model::directory::{ContactStatus, ReadError};
use crate::model::payload::{ActionError, PresenceStatus};

async fn class_of(
    bot: &LocalConnector,
    number: u64,
    conversation: &str,
    kind: ActionKind,
) -> ActionError {
    match perform(bot, number, conversation, kind).await {
        Err(SendError::Permanent { class, .. }) => class,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn sends_to_every_target() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    for user in ["Anna", "Bob"] {
        enter(&hub, user).await;
    }
    let cases = [
        (Target::Reply, LOBBY),
        (Target::Conversation(LOBBY.into()), LOBBY),
        (Target::User("anna".into()), "direct:anna+parlor"),
        (Target::Email("bob@local".into()), "direct:bob+parlor"),
    ];
    for (number, (target, wanted)) in cases.into_iter().enumerate() {
        let sent = perform(&bot, number as u64, LOBBY, send_to(target, "hi"))
            .await
            .unwrap();
        assert_eq!(sent.conversation.as_deref(), Some(wanted));
        assert!(sent.message.is_some());
    }
    let users = Target::Users(vec!["anna".into(), "bob".into()]);
    let sent = perform(&bot, 10, "", send_to(users.clone(), "hi"))
        .await
        .unwrap();
    let again = perform(&bot, 11, "", send_to(users, "hi")).await.unwrap();
    assert_eq!(sent.conversation, again.conversation);
    assert!(sent.conversation.unwrap().starts_with("group:"));
    let nobody = send_to(Target::User("nobody".into()), "hi");
    assert_eq!(class_of(&bot, 12, "", nobody).await, ActionError::NotFound);
    let nowhere = send_to(Target::Conversation("room:none".into()), "hi");
    assert_eq!(class_of(&bot, 13, "", nowhere).await, ActionError::NotFound);
    let wide = Action {
        key: None,
        bot: None,
        as_user: None,
        kind: send_to(Target::Conversations(vec!["a".into(), "b".into()]), "x"),
    };
    assert_eq!(bot.plan(wide).len(), 2);
}

#[tokio::test]
async fn does_what_the_model_lists() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    enter(&hub, "Anna").await;
    let room = NewRoom {
        name: "Plans".into(),
        description: "d".into(),
        members: vec!["anna".into()],
        public: false,
        external: false,
        open: false,
    };
    let made = perform(
        &bot,
        1,
        LOBBY,
        ActionKind::CreateConversation(NewConversation::Room(room)),
    )
    .await
    .unwrap();
    let plans = made.conversation.unwrap();
    let anna = || Membership {
        conversation: None,
        user: "anna".into(),
    };
    let message = perform(&bot, 2, &plans, reply("one"))
        .await
        .unwrap()
        .message
        .unwrap();
    let id = || MessageRef::Id(message.clone());
    let chat = hub
        .act(
            "Anna",
            Command::OpenChat {
                customer: "Carol".into(),
            },
        )
        .await
        .unwrap()
        .conversation
        .unwrap();
    perform(&bot, 3, &chat, ActionKind::Join(None))
        .await
        .unwrap();
    be(&hub, "Anna", PresenceStatus::Available).await;
    let here: Vec<(&str, ActionKind)> = vec![
        (
            &plans,
            ActionKind::Edit(Edit {
                message: id(),
                content: Content::Markdown("**two**".into()),
                otherwise: EditRule::Fail,
            }),
        ),
        (
            &plans,
            ActionKind::React(React {
                message: id(),
                emoji: "heart".into(),
                add: true,
            }),
        ),
        (&plans, ActionKind::Typing(true)),
        (&plans, ActionKind::Promote(anna())),
        (&plans, ActionKind::Demote(anna())),
        (&plans, ActionKind::Remove(anna())),
        (&plans, ActionKind::Invite(anna())),
        (
            &plans,
            ActionKind::UpdateConversation(UpdateConversation {
                conversation: None,
                name: Some("Plans 2".into()),
                description: None,
                public: Some(true),
                open: None,
            }),
        ),
        (&plans, ActionKind::Delete(id())),
        (&plans, ActionKind::Leave(None)),
        ("", ActionKind::RequestContact("anna".into())),
        ("", ActionKind::RemoveContact("anna".into())),
        ("", ActionKind::SetPresence(PresenceStatus::Busy)),
        (
            "",
            ActionKind::CreateConversation(NewConversation::Direct("anna".into())),
        ),
        (
            &chat,
            ActionKind::Tag(TagChat {
                conversation: None,
                tag: "vip".into(),
                add: true,
            }),
        ),
        (
            &chat,
            ActionKind::Transfer(TransferChat {
                conversation: None,
                to: TransferTarget::Agent("anna".into()),
            }),
        ),
        (&chat, ActionKind::Close(None)),
    ];
    for (number, (conversation, kind)) in here.into_iter().enumerate() {
        let what = format!("{kind:?}");
        let done = perform(&bot, 10 + number as u64, conversation, kind).await;
        assert!(done.is_ok(), "{what}: {done:?}");
    }
    let closed = hub.read(|state| state.rooms[&chat].info.closed);
    assert!(closed);
    let message = hub.read(|state| state.message(&message).map(|(_, m)| m.deleted));
    assert_eq!(message, Some(true));
    let other = ActionKind::Other(crate::model::action::OtherAction {
        platform: "local".into(),
        name: "x".into(),
        json: "{}".into(),
    });
    assert_eq!(
        class_of(&bot, 90, LOBBY, other).await,
        ActionError::Unsupported
    );
    assert_eq!(
        class_of(&bot, 91, LOBBY, ActionKind::CancelTimer("x".into())).await,
        ActionError::Unsupported
    );
}

#[tokio::test]
async fn answers_every_read() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    enter(&hub, "Anna").await;
    let ActionKind::Send(mut send) = reply("look") else {
        unreachable!()
    };
    send.attachments = vec![OutgoingAttachment::File(File {
        name: "a.txt".into(),
        media_type: "text/plain".into(),
        bytes: b"0123456789".to_vec(),
    })];
    let message = perform(&bot, 1, LOBBY, ActionKind::Send(send))
        .await
        .unwrap()
        .message
        .unwrap();
    say(&hub, "Anna", LOBBY, "hi @parlor").await.unwrap();
    let chat = hub
        .act(
            "Anna",
            Command::OpenChat {
                customer: "Carol".into(),
            },
        )
        .await
        .unwrap()
        .conversation
        .unwrap()
        .to_string();
    let lobby = || LOBBY.to_owned();
    let read = |read: Read| bot.read(read);
    assert!(
        matches!(read(Read::FindConversation { name: "lobby".into() }).await, Ok(ReadAnswer::Conversation(c)) if c.id == LOBBY)
    );
    assert!(
        matches!(read(Read::Conversations { cursor: None }).await, Ok(ReadAnswer::Conversations(p)) if p.items.len() == 1 && p.next.is_none())
    );
    assert!(
        matches!(read(Read::Members { conversation: lobby(), cursor: None }).await, Ok(ReadAnswer::Members(p)) if p.items.len() == 2)
    );
    for name in ["anna", "Anna", "anna@local", "@Anna"] {
        assert!(
            matches!(read(Read::FindUser { name: name.into() }).await, Ok(ReadAnswer::User(u)) if u.id == "anna")
        );
    }
    assert_eq!(
        read(Read::FindUser { name: "zoe".into() }).await,
        Err(ReadError::NotFound)
    );
    assert_eq!(
        read(Read::Contact {
            user: "anna".into()
        })
        .await,
        Ok(ReadAnswer::Contact(ContactStatus::None))
    );
    assert_eq!(
        read(Read::Presence {
            user: "anna".into()
        })
        .await,
        Ok(ReadAnswer::Presence(PresenceStatus::Offline))
    );
    assert!(
        matches!(read(Read::Message { id: message.clone() }).await, Ok(ReadAnswer::Message(m)) if m.message.text == "look")
    );
    assert!(
        matches!(read(Read::History { conversation: lobby(), before: None, count: 50 }).await, Ok(ReadAnswer::History(h)) if h.len() == 2 && h[0].message.text == "hi")
    );
    let id = format!("{message}.0");
    assert!(
        matches!(read(Read::Attachment { id: id.clone(), offset: 4 }).await, Ok(ReadAnswer::Attachment(c)) if c.bytes == b"456789" && c.total == 10)
    );
    assert!(
        matches!(read(Read::Attachment { id, offset: 400 }).await, Ok(ReadAnswer::Attachment(c)) if c.bytes.is_empty())
    );
    assert!(
        matches!(read(Read::TransferTargets { conversation: chat }).await, Ok(ReadAnswer::TransferTargets(t)) if t.iter().any(|t| t.id == "anna") && t.iter().all(|t| t.id != "carol"))
    );
    assert_eq!(
        read(Read::TransferTargets {
            conversation: lobby()
        })
        .await,
        Err(ReadError::Unsupported)
    );
    assert!(
        matches!(read(Read::Capabilities { conversation: lobby() }).await, Ok(ReadAnswer::Capabilities(c)) if c.edit && c.forms)
    );
    // It is asked for itself alone.
    let for_anna = bot.read_as("anna", Read::Conversations { cursor: None });
    assert_eq!(for_anna.await, Err(ReadError::Unsupported));
    let private = hub
        .act("Anna", Command::OpenDirect { user: "Bob".into() })
        .await
        .unwrap()
        .conversation
        .unwrap();
    assert_eq!(
        read(Read::Members {
            conversation: private.to_string(),
            cursor: None
        })
        .await,
        Err(ReadError::Denied)
    );
}
