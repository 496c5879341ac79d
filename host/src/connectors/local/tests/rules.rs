//! What users may and may not do.

use super::*;
use crate::mailbox::rooms::{Change, ViewError};
use crate::model::event::ConversationKind;

#[tokio::test]
async fn rooms_have_the_bot_and_customer_chats_do_not() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    let bot_id = bot.bot().user_id;
    let room = hub
        .act(
            "Anna",
            Command::OpenRoom {
                name: "Desk".into(),
            },
        )
        .await
        .unwrap();
    let chat = hub
        .act(
            "Anna",
            Command::OpenChat {
                customer: "Carol".into(),
            },
        )
        .await
        .unwrap();
    let direct = hub
        .act(
            "Anna",
            Command::OpenDirect {
                user: "Parlor".into(),
            },
        )
        .await
        .unwrap();
    let has_bot = |id: &str| hub.read(|state| state.rooms[id].member(&bot_id).is_some());
    assert!(has_bot(LOBBY));
    assert!(has_bot(&room.conversation.unwrap()));
    assert!(!has_bot(&chat.conversation.unwrap()));
    let direct = direct.conversation.unwrap();
    assert!(has_bot(&direct));
    let kind = hub.read(|state| state.rooms[&direct].info.kind);
    assert_eq!(
        (&*direct, kind),
        ("direct:anna+parlor", ConversationKind::Direct)
    );
}

#[tokio::test]
async fn names_find_the_same_things_again() {
    let hub = Hub::in_memory();
    let first = hub
        .act(
            "Anna",
            Command::OpenRoom {
                name: "Sales Desk".into(),
            },
        )
        .await
        .unwrap();
    let again = hub
        .act(
            "bob",
            Command::OpenRoom {
                name: "sales desk".into(),
            },
        )
        .await
        .unwrap();
    assert_eq!(first.conversation, again.conversation);
    assert_eq!(first.conversation.as_deref(), Some("room:sales-desk"));
    let members = hub.read(|state| state.rooms["room:sales-desk"].members.len());
    assert_eq!(members, 2);
}

#[tokio::test]
async fn only_members_speak_and_only_authors_edit() {
    let hub = Hub::in_memory();
    connector(&hub);
    enter(&hub, "Anna").await;
    let refused = say(&hub, "Bob", LOBBY, "hi").await.unwrap_err();
    assert_eq!(refused, RoomsError::NotMember("Bob".into()));
    // A refused command leaves nothing behind, not even its user.
    assert!(hub.read(|state| !state.users.contains_key("bob")));
    let message = say(&hub, "Anna", LOBBY, "hi")
        .await
        .unwrap()
        .message
        .unwrap();
    enter(&hub, "Bob").await;
    let edit = |text: &str| Command::Edit {
        message: message.to_string(),
        text: text.to_owned(),
        content: Vec::new(),
    };
    assert!(matches!(
        hub.act("Bob", edit("no")).await,
        Err(RoomsError::Denied(_))
    ));
    hub.act("Anna", edit("hello")).await.unwrap();
    let (text, edited) = hub.read(|state| {
        let (_, message) = state.message(&message).unwrap();
        (message.text.clone(), message.edited_at.is_some())
    });
    assert_eq!((text.as_str(), edited), ("hello", true));
    hub.act(
        "Anna",
        Command::Delete {
            message: message.to_string(),
        },
    )
    .await
    .unwrap();
    assert!(matches!(
        hub.act("Anna", edit("again")).await,
        Err(RoomsError::NotFound(_))
    ));
    assert!(matches!(
        hub.act("parlor", edit("me")).await,
        Err(RoomsError::Denied(_))
    ));
}

#[tokio::test]
async fn customers_do_not_see_what_is_for_agents() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    let open = Command::OpenChat {
        customer: "Carol".into(),
    };
    let chat = hub.act("Anna", open).await.unwrap().conversation.unwrap();
    let (_, mut customer) = hub.view("Carol").unwrap();
    let (_, mut agent) = hub.view("Anna").unwrap();
    let refused = perform(&bot, 1, &chat, reply("hi")).await.unwrap_err();
    assert!(matches!(
        refused,
        SendError::Permanent {
            class: crate::model::payload::ActionError::Denied,
            ..
        }
    ));
    let joined = perform(&bot, 2, &chat, ActionKind::Join(None))
        .await
        .unwrap();
    assert!(!joined.was_member);
    let ActionKind::Send(mut secret) = reply("Pizza is on the way!") else {
        unreachable!()
    };
    secret.visibility = Visibility::Agents;
    perform(&bot, 3, &chat, ActionKind::Send(secret))
        .await
        .unwrap();
    perform(&bot, 4, &chat, ActionKind::Leave(None))
        .await
        .unwrap();
    let seen = |view: &mut crate::mailbox::rooms::View| {
        let mut texts = Vec::new();
        while let Some(event) = view.try_next().unwrap() {
            if let Change::Posted(message) = &event.change {
                texts.push(message.text.clone());
            }
        }
        texts
    };
    assert_eq!(seen(&mut agent), ["Pizza is on the way!"]);
    assert!(seen(&mut customer).is_empty());
    let snapshot = |user: &str| {
        let rooms = hub.view(user).unwrap().0.rooms;
        rooms
            .iter()
            .find(|r| r.room.id == chat)
            .unwrap()
            .messages
            .len()
    };
    assert_eq!((snapshot("Anna"), snapshot("Carol")), (1, 0));
    let whisper = Say {
        conversation: chat.to_string(),
        text: "x".into(),
        agents_only: true,
        ..Say::default()
    };
    assert!(matches!(
        hub.act("Carol", Command::Say(whisper)).await,
        Err(RoomsError::Denied(_))
    ));
}

#[tokio::test]
async fn private_conversations_stay_private() {
    let hub = Hub::in_memory();
    connector(&hub);
    hub.act(
        "Eve",
        Command::SetPresence {
            status: crate::model::payload::PresenceStatus::Available,
        },
    )
    .await
    .unwrap();
    let (_, mut eve) = hub.view("Eve").unwrap();
    let direct = hub
        .act("Anna", Command::OpenDirect { user: "Bob".into() })
        .await
        .unwrap();
    let direct = direct.conversation.unwrap();
    say(&hub, "Anna", &direct, "secret").await.unwrap();
    while let Some(event) = eve.try_next().unwrap() {
        assert!(matches!(event.change, Change::User(_)), "{event:?}");
    }
    assert!(
        hub.view("Eve")
            .unwrap()
            .0
            .rooms
            .iter()
            .all(|room| room.room.id != direct)
    );
    let join = Command::Join {
        conversation: direct.to_string(),
    };
    assert!(matches!(
        hub.act("Eve", join).await,
        Err(RoomsError::Denied(_))
    ));
}

#[tokio::test]
async fn history_is_bounded() {
    let hub = Hub::in_memory();
    enter(&hub, "Anna").await;
    let first = say(&hub, "Anna", LOBBY, "first")
        .await
        .unwrap()
        .message
        .unwrap();
    for number in 0..super::super::hub::state::HISTORY_MAX {
        say(&hub, "Anna", LOBBY, &number.to_string()).await.unwrap();
    }
    let kept = hub.read(|state| {
        (
            state.rooms[LOBBY].messages.len(),
            state.message(&first).is_some(),
        )
    });
    assert_eq!(kept, (super::super::hub::state::HISTORY_MAX, false));
}

#[tokio::test]
async fn a_slow_front_end_reads_anew() {
    let hub = Hub::in_memory();
    enter(&hub, "Anna").await;
    let (_, mut view) = hub.view("Anna").unwrap();
    for number in 0..=super::super::hub::CHANGES_MAX {
        say(&hub, "Anna", LOBBY, &number.to_string()).await.unwrap();
    }
    assert_eq!(view.try_next(), Err(ViewError::Lagged));
    let (_, mut view) = hub.view("Anna").unwrap();
    assert_eq!(view.try_next(), Ok(None));
}

#[tokio::test]
async fn users_wait_for_a_bot_that_has_too_much_to_do() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    enter(&hub, "Anna").await;
    for _ in 0..super::super::hub::INBOUND_MAX - 1 {
        say(&hub, "Anna", LOBBY, "x").await.unwrap();
    }
    // Its place as a member was the first thing that the bot heard.
    let mut over = std::pin::pin!(say(&hub, "Anna", LOBBY, "over"));
    assert!(futures::poll!(over.as_mut()).is_pending());
    let few = hub.next_for(&bot.user, 10).await;
    assert!(futures::poll!(over.as_mut()).is_pending());
    hub.accepted(&bot.user, few.len());
    let said = over.await;
    said.unwrap();
    // What was handed over and accepted is gone; the rest comes once.
    assert_eq!(hub.next_for(&bot.user, 1).await.len(), 1);
    hub.offer_again(&bot.user);
}
