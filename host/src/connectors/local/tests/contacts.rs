//! Contacts, chats that are handed on, files that are sent on: who may, and who is told.

use std::collections::BTreeMap;

use super::*;
use crate::mailbox::rooms::{Change, View};
use crate::mailbox::{Read, ReadAnswer};
use crate::model::action::{File, OutgoingAttachment, TransferChat, TransferTarget};
use crate::model::directory::ContactStatus;
use crate::model::event::ConversationRole;
use crate::model::payload::ActionError;

async fn ask(hub: &Hub, by: &str, user: &str, status: ContactStatus) -> Result<Done, RoomsError> {
    let command = Command::Contact {
        bot: "parlor".into(),
        user: user.into(),
        status,
    };
    hub.act(by, command).await
}

async fn status(bot: &LocalConnector) -> ContactStatus {
    let read = Read::Contact {
        user: "anna".into(),
    };
    match bot.read(read).await {
        Ok(ReadAnswer::Contact(status)) => status,
        other => panic!("{other:?}"),
    }
}

async fn class(bot: &LocalConnector, number: u64, place: &str, kind: ActionKind) -> ActionError {
    match perform(bot, number, place, kind).await {
        Err(SendError::Permanent { class, .. }) => class,
        other => panic!("{other:?}"),
    }
}

fn contacts(view: &mut View) -> Vec<ContactStatus> {
    let mut seen = Vec::new();
    while let Some(event) = view.try_next().unwrap() {
        if let Change::Contact { status, .. } = event.change {
            seen.push(status);
        }
    }
    seen
}

#[tokio::test]
async fn a_contact_is_what_both_sides_want() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    enter(&hub, "Anna").await;
    enter(&hub, "Eve").await;
    let (_, mut anna) = hub.view("Anna").unwrap();
    let (_, mut eve) = hub.view("Eve").unwrap();
    let who = || "anna".to_owned();
    let accept = || ActionKind::AcceptContact(who());
    // Nobody asked.
    for kind in [
        accept(),
        ActionKind::RejectContact(who()),
        ActionKind::RemoveContact(who()),
    ] {
        assert_eq!(class(&bot, 1, "", kind).await, ActionError::NotFound);
    }
    // The person asks, the bot accepts, the bot ends it.
    ask(&hub, "Anna", "Anna", ContactStatus::Pending)
        .await
        .unwrap();
    assert_eq!(status(&bot).await, ContactStatus::Pending);
    perform(&bot, 2, "", accept()).await.unwrap();
    assert_eq!(status(&bot).await, ContactStatus::Accepted);
    perform(&bot, 3, "", ActionKind::RemoveContact(who()))
        .await
        .unwrap();
    assert_eq!(status(&bot).await, ContactStatus::None);
    // The bot asks twice, the person rejects; asked anew, the person accepts.
    for number in [4, 5] {
        perform(&bot, number, "", ActionKind::RequestContact(who()))
            .await
            .unwrap();
    }
    ask(&hub, "Anna", "Anna", ContactStatus::Rejected)
        .await
        .unwrap();
    assert_eq!(status(&bot).await, ContactStatus::Rejected);
    perform(&bot, 6, "", ActionKind::RequestContact(who()))
        .await
        .unwrap();
    ask(&hub, "Anna", "Anna", ContactStatus::Accepted)
        .await
        .unwrap();
    use ContactStatus::{Accepted, None, Pending, Rejected, Requested};
    let wanted = [
        Pending, Accepted, None, Requested, Rejected, Requested, Accepted,
    ];
    assert_eq!(contacts(&mut anna), wanted);
    // It is nobody else's business.
    assert!(contacts(&mut eve).is_empty());
    let by_eve = ask(&hub, "Eve", "Anna", ContactStatus::None).await;
    assert!(matches!(by_eve, Err(RoomsError::Denied(_))), "{by_eve:?}");
    let oneself = ask(&hub, "Eve", "Eve", ContactStatus::Accepted).await;
    assert!(
        matches!(oneself, Err(RoomsError::NotFound(_))),
        "{oneself:?}"
    );
}

#[tokio::test]
async fn two_who_ask_each_other_are_contacts() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    enter(&hub, "Anna").await;
    perform(&bot, 1, "", ActionKind::RequestContact("anna".into()))
        .await
        .unwrap();
    ask(&hub, "Anna", "Anna", ContactStatus::Pending)
        .await
        .unwrap();
    assert_eq!(status(&bot).await, ContactStatus::Accepted);
}

#[tokio::test]
async fn a_chat_goes_to_whoever_of_a_group_is_there() {
    let hub = Hub::open(LocalConfig {
        groups: BTreeMap::from([
            ("desk".to_owned(), vec!["Bob".to_owned(), "Anna".to_owned()]),
            ("empty".to_owned(), Vec::new()),
        ]),
        ..LocalConfig::default()
    })
    .unwrap();
    let bot = connector(&hub);
    enter(&hub, "Anna").await;
    enter(&hub, "Bob").await;
    let chat = Command::OpenChat {
        customer: "Carol".into(),
    };
    let chat = hub.act("Carol", chat).await.unwrap().conversation.unwrap();
    perform(&bot, 1, &chat, ActionKind::Join(None))
        .await
        .unwrap();
    let to = |to| {
        ActionKind::Transfer(TransferChat {
            conversation: None,
            to,
        })
    };
    let group = |name: &str| to(TransferTarget::Group(name.to_owned()));
    be(&hub, "Bob", PresenceStatus::Busy).await;
    for (number, (kind, wanted)) in [
        (group("desk"), ActionError::Unavailable),
        (group("empty"), ActionError::Unavailable),
        (group("sales"), ActionError::NotFound),
        (
            to(TransferTarget::Agent("bob".into())),
            ActionError::Unavailable,
        ),
        (
            to(TransferTarget::Agent("carol".into())),
            ActionError::Denied,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(class(&bot, 10 + number as u64, &chat, kind).await, wanted);
    }
    let role = |user: &str| hub.read(|state| state.rooms[&chat].member(user).map(|m| m.role));
    assert_eq!(role("anna"), None);
    be(&hub, "Anna", PresenceStatus::Available).await;
    perform(&bot, 20, &chat, group("desk")).await.unwrap();
    assert_eq!(role("anna"), Some(ConversationRole::Agent));
    let read = Read::TransferTargets {
        conversation: chat.to_string(),
    };
    let Ok(ReadAnswer::TransferTargets(targets)) = bot.read(read).await else {
        panic!("targets")
    };
    let available = |id: &str| targets.iter().find(|t| t.id == id).map(|t| t.available);
    assert_eq!(available("desk"), Some(true));
    assert_eq!(available("empty"), Some(false));
    assert_eq!(
        (available("anna"), available("bob")),
        (Some(true), Some(false))
    );
}

#[tokio::test]
async fn a_file_is_sent_on_by_those_who_see_it() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    enter(&hub, "Anna").await;
    enter(&hub, "Eve").await;
    let direct = Command::OpenDirect { user: "Bob".into() };
    let direct = hub.act("Anna", direct).await.unwrap().conversation.unwrap();
    let say = |conversation: &str, files: Vec<File>, received: Vec<String>| {
        Command::Say(Say {
            conversation: conversation.to_owned(),
            text: "look".into(),
            files,
            received,
            ..Say::default()
        })
    };
    let file = File {
        name: "plan.txt".into(),
        media_type: "text/plain".into(),
        bytes: b"secret".to_vec(),
    };
    let sent = hub
        .act("Anna", say(&direct, vec![file], Vec::new()))
        .await
        .unwrap();
    let id = format!("{}.0", sent.message.unwrap());
    let by_eve = hub
        .act("Eve", say(LOBBY, Vec::new(), vec![id.clone()]))
        .await;
    assert!(matches!(by_eve, Err(RoomsError::NotFound(_))), "{by_eve:?}");
    let send_on = |id: &str| {
        let ActionKind::Send(mut send) = reply("look") else {
            unreachable!()
        };
        send.attachments = vec![OutgoingAttachment::Received(id.to_owned())];
        ActionKind::Send(send)
    };
    assert_eq!(
        class(&bot, 1, LOBBY, send_on(&id)).await,
        ActionError::NotFound
    );
    // Whoever was there may show it elsewhere, and from there the bot may too.
    let shown = hub
        .act("Anna", say(LOBBY, Vec::new(), vec![id]))
        .await
        .unwrap();
    let id = format!("{}.0", shown.message.unwrap());
    let sent = perform(&bot, 2, LOBBY, send_on(&id)).await.unwrap();
    let copy = format!("{}.0", sent.message.unwrap());
    assert_eq!(hub.file("Eve", &copy).unwrap().bytes, "secret");
}

#[tokio::test]
async fn a_room_that_becomes_private_is_seen_no_more() {
    let hub = Hub::in_memory();
    let open = Command::OpenRoom {
        name: "Plans".into(),
    };
    let room = hub.act("Anna", open).await.unwrap().conversation.unwrap();
    enter(&hub, "Eve").await;
    let (_, mut eve) = hub.view("Eve").unwrap();
    let close = Command::Update {
        conversation: room.to_string(),
        name: None,
        description: None,
        public: Some(false),
        open: None,
    };
    hub.act("Anna", close).await.unwrap();
    say(&hub, "Anna", &room, "now we are alone").await.unwrap();
    while let Some(event) = eve.try_next().unwrap() {
        assert!(!matches!(event.change, Change::Posted(_)), "{event:?}");
    }
}
