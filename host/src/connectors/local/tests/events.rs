//! What a bot hears of what users do.

use super::*;
use crate::model::content::{
    ActionButton, Block, Button, ButtonKind, ButtonStyle, Field, FieldKind, Form, FormAnswers,
    FormAudience, FormEnd,
};
use crate::model::directory::ContactStatus;
use crate::model::event::{ConversationRole, UserKind};
use crate::model::payload::{
    ContactChanged, ConversationChanged, FieldValue, MemberChange, PresenceStatus,
};

async fn heard(hub: &Hub, bot: &LocalConnector, user: &str, command: Command) -> Vec<Event> {
    let intake = TestIntake::default();
    drain(bot, &intake).await;
    intake.taken.lock().clear();
    hub.act(user, command)
        .await
        .expect("the command is allowed");
    drain(bot, &intake).await;
    intake.events()
}

async fn one(hub: &Hub, bot: &LocalConnector, user: &str, command: Command) -> Event {
    let mut events = heard(hub, bot, user, command).await;
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

#[tokio::test]
async fn messages_become_events() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    enter(&hub, "Anna").await;
    enter(&hub, "Bob").await;
    let say = |text: &str| {
        Command::Say(Say {
            conversation: LOBBY.into(),
            text: text.into(),
            thread: Some("t1".into()),
            ..Say::default()
        })
    };
    let event = one(
        &hub,
        &bot,
        "Anna",
        say("@parlor tell @bob about $goog #now"),
    )
    .await;
    let EventPayload::Message(message) = &event.payload else {
        panic!("{event:?}")
    };
    assert_eq!(message.text, "tell @bob about $goog #now");
    assert_eq!(message.mentions[0].user_id, "bob");
    assert_eq!(message.cashtags[0].ticker, "goog");
    assert_eq!(message.hashtags, ["now"]);
    assert_eq!(event.addressing, Addressing::Mention);
    let conversation = event.conversation.as_ref().unwrap();
    assert_eq!(
        (conversation.id.as_str(), conversation.thread.as_deref()),
        (LOBBY, Some("t1"))
    );
    let actor = event.actor.as_ref().unwrap();
    assert_eq!(
        (actor.id.as_str(), actor.display_name.as_str()),
        ("anna", "Anna")
    );
    assert_eq!(
        (actor.kind, actor.role_here),
        (UserKind::Human, ConversationRole::Member)
    );
    assert_eq!(actor.email.as_deref(), Some("anna@local"));
    assert_eq!(event.bot.as_ref().unwrap().user_id, "parlor");
    assert!(event.id.starts_with(&format!("parlor:{}-", hub.epoch())));
    let plain = one(&hub, &bot, "Anna", say("hello")).await;
    assert_eq!(plain.addressing, Addressing::Ambient);
    let id = hub
        .act(
            "Anna",
            Command::OpenDirect {
                user: "parlor".into(),
            },
        )
        .await
        .unwrap();
    let direct = Command::Say(Say {
        conversation: id.conversation.unwrap().to_string(),
        text: "hi".into(),
        ..Say::default()
    });
    assert_eq!(
        one(&hub, &bot, "Anna", direct).await.addressing,
        Addressing::Direct
    );
}

#[tokio::test]
async fn the_bot_overhears_customer_chats_and_nothing_else() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
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
    let say = Command::Say(Say {
        conversation: chat.to_string(),
        text: "pizza".into(),
        ..Say::default()
    });
    let event = one(&hub, &bot, "Carol", say).await;
    let actor = event.actor.unwrap();
    assert_eq!(
        (actor.kind, actor.role_here),
        (UserKind::Customer, ConversationRole::Customer)
    );
    let direct = hub
        .act("Anna", Command::OpenDirect { user: "Bob".into() })
        .await
        .unwrap()
        .conversation
        .unwrap();
    let say = Command::Say(Say {
        conversation: direct.to_string(),
        text: "psst".into(),
        ..Say::default()
    });
    assert!(heard(&hub, &bot, "Anna", say).await.is_empty());
    // Nor does it hear itself.
    perform(&bot, 1, LOBBY, reply("me")).await.unwrap();
    assert!(bot.quiet().is_some());
}

#[tokio::test]
async fn every_kind_of_change_has_its_event() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    enter(&hub, "Anna").await;
    let id = say(&hub, "Anna", LOBBY, "hi")
        .await
        .unwrap()
        .message
        .unwrap()
        .to_string();
    let lobby = || LOBBY.to_owned();
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
    let cases: Vec<(&str, Command)> = vec![
        (
            "message-edited",
            Command::Edit {
                message: id.clone(),
                text: "ho".into(),
                content: vec![],
            },
        ),
        (
            "reaction",
            Command::React {
                message: id.clone(),
                emoji: "up".into(),
                add: true,
            },
        ),
        (
            "message-deleted",
            Command::Delete {
                message: id.clone(),
            },
        ),
        (
            "typing",
            Command::Typing {
                conversation: lobby(),
                active: true,
            },
        ),
        (
            "presence",
            Command::SetPresence {
                status: PresenceStatus::Available,
            },
        ),
        (
            "invited",
            Command::Invite {
                conversation: lobby(),
                user: "Dan".into(),
            },
        ),
        (
            "promoted",
            Command::Promote {
                conversation: lobby(),
                user: "Anna".into(),
            },
        ),
        (
            "demoted",
            Command::Demote {
                conversation: lobby(),
                user: "Anna".into(),
            },
        ),
        (
            "left",
            Command::Remove {
                conversation: lobby(),
                user: "Dan".into(),
            },
        ),
        (
            "updated",
            Command::Update {
                conversation: lobby(),
                name: None,
                description: Some("x".into()),
                public: None,
                open: None,
            },
        ),
        (
            "closed",
            Command::Close {
                conversation: chat.clone(),
            },
        ),
        (
            "reopened",
            Command::Reopen {
                conversation: chat.clone(),
            },
        ),
        (
            "transferred",
            Command::Transfer {
                conversation: chat.clone(),
                to: crate::model::action::TransferTarget::Agent("Anna".into()),
            },
        ),
        (
            "updated",
            Command::Tag {
                conversation: chat.clone(),
                tag: "vip".into(),
                add: true,
            },
        ),
        ("created", Command::OpenRoom { name: "New".into() }),
        (
            "requested",
            Command::Contact {
                bot: "parlor".into(),
                user: "Anna".into(),
                status: ContactStatus::Pending,
            },
        ),
        (
            "other",
            Command::Other {
                conversation: lobby(),
                kind: "poke".into(),
                json: "{}".into(),
            },
        ),
        (
            "left",
            Command::Leave {
                conversation: lobby(),
            },
        ),
        (
            "join-requested",
            Command::RequestJoin {
                conversation: lobby(),
            },
        ),
        (
            "joined",
            Command::Join {
                conversation: lobby(),
            },
        ),
    ];
    for (wanted, command) in cases {
        let event = one(&hub, &bot, "Anna", command).await;
        let name = match &event.payload {
            EventPayload::MessageEdited(_) => "message-edited",
            EventPayload::MessageDeleted(_) => "message-deleted",
            EventPayload::Reaction(_) => "reaction",
            EventPayload::Typing(_) => "typing",
            EventPayload::Presence(_) => "presence",
            EventPayload::Other(_) => "other",
            EventPayload::ContactChanged(ContactChanged::Requested) => "requested",
            EventPayload::ContactChanged(ContactChanged::Accepted) => "accepted",
            EventPayload::MemberChanged(member) => match member.change {
                MemberChange::Joined => "joined",
                MemberChange::Left => "left",
                MemberChange::Promoted => "promoted",
                MemberChange::Demoted => "demoted",
                MemberChange::JoinRequested => "join-requested",
                MemberChange::Invited => "invited",
            },
            EventPayload::ConversationChanged(change) => match change {
                ConversationChanged::Created => "created",
                ConversationChanged::Updated => "updated",
                ConversationChanged::Closed => "closed",
                ConversationChanged::Reopened => "reopened",
                ConversationChanged::Transferred(_) => "transferred",
            },
            other => panic!("{other:?}"),
        };
        assert_eq!(name, wanted);
        assert_eq!(event.actor.unwrap().id, "anna");
    }
}

#[tokio::test]
async fn the_bot_hears_that_it_was_taken_out() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    enter(&hub, "Anna").await;
    let event = one(
        &hub,
        &bot,
        "Anna",
        Command::Remove {
            conversation: LOBBY.into(),
            user: "parlor".into(),
        },
    )
    .await;
    let EventPayload::MemberChanged(member) = event.payload else {
        panic!()
    };
    assert!(member.is_self);
    let hello = Command::Say(Say {
        conversation: LOBBY.into(),
        text: "gone?".into(),
        ..Say::default()
    });
    assert!(heard(&hub, &bot, "Anna", hello).await.is_empty());
}

fn field(id: &str, kind: FieldKind) -> Field {
    Field {
        id: id.into(),
        label: id.into(),
        kind,
        choices: vec![],
        required: false,
        multiple: false,
        read_only: false,
        defaults: vec![],
        placeholder: None,
        pattern: None,
        min: None,
        max: None,
    }
}

#[tokio::test]
async fn forms_and_buttons_reach_the_bot_with_typed_values() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    enter(&hub, "Anna").await;
    let yes = Button {
        label: "Yes".into(),
        kind: ButtonKind::Action(ActionButton {
            id: "yes".into(),
            value: "1".into(),
        }),
        style: ButtonStyle::Primary,
    };
    let mut hidden = field("secret", FieldKind::Hidden);
    hidden.defaults = vec!["kept".into()];
    let form = Form {
        id: "order".into(),
        title: None,
        fields: vec![
            field("name", FieldKind::Text),
            field("count", FieldKind::Number),
            field("fresh", FieldKind::Checkbox),
            field("many", FieldKind::MultiSelect),
            field("who", FieldKind::User),
            field("day", FieldKind::Date),
            field("empty", FieldKind::Text),
            hidden,
        ],
        buttons: vec![],
        answers: FormAnswers::Any,
        audience: FormAudience::Anyone,
        end: FormEnd::Never,
    };
    let ActionKind::Send(mut send) = reply("") else {
        unreachable!()
    };
    let again = Button {
        kind: ButtonKind::Reply("again please".into()),
        label: "Again".into(),
        ..yes.clone()
    };
    send.content = Content::Blocks(vec![Block::Form(form), Block::Buttons(vec![yes, again])]);
    let message = perform(&bot, 1, LOBBY, ActionKind::Send(send))
        .await
        .unwrap()
        .message
        .unwrap();
    let values = [
        ("name", vec!["Anna"]),
        ("count", vec!["2.5"]),
        ("fresh", vec!["true"]),
        ("many", vec!["a", "b"]),
        ("who", vec!["Anna"]),
        ("day", vec!["2026-11-20"]),
        ("empty", vec![""]),
        ("secret", vec!["forged"]),
    ];
    let values = values
        .iter()
        .map(|(id, list)| {
            (
                (*id).to_owned(),
                list.iter().map(|v| (*v).to_owned()).collect(),
            )
        })
        .collect();
    let submit = Command::Submit {
        message: message.clone(),
        form: "order".into(),
        button: None,
        values,
    };
    let event = one(&hub, &bot, "Anna", submit).await;
    let EventPayload::FormSubmitted(submitted) = event.payload else {
        panic!()
    };
    assert_eq!(
        (submitted.form_id.as_str(), submitted.button.as_str()),
        ("order", "submit")
    );
    let found: Vec<(&str, &FieldValue)> = submitted
        .values
        .iter()
        .map(|f| (f.id.as_str(), &f.value))
        .collect();
    assert_eq!(found[0], ("name", &FieldValue::Text("Anna".into())));
    assert_eq!(found[1], ("count", &FieldValue::Number(2.5)));
    assert_eq!(found[2], ("fresh", &FieldValue::Flag(true)));
    assert_eq!(
        found[3],
        ("many", &FieldValue::Choices(vec!["a".into(), "b".into()]))
    );
    assert!(matches!(found[4], ("who", FieldValue::Users(users)) if users[0].id == "anna"));
    assert_eq!(found[5], ("day", &FieldValue::Date("2026-11-20".into())));
    assert_eq!(found[6], ("secret", &FieldValue::Text("kept".into())));
    assert_eq!(found.len(), 7);

    let event = one(
        &hub,
        &bot,
        "Anna",
        Command::Press {
            message: message.clone(),
            button: "yes".into(),
        },
    )
    .await;
    let EventPayload::ButtonPressed(pressed) = event.payload else {
        panic!()
    };
    assert_eq!(
        (pressed.button_id.as_str(), pressed.value.as_str()),
        ("yes", "1")
    );
    let event = one(
        &hub,
        &bot,
        "Anna",
        Command::Press {
            message: message.clone(),
            button: "Again".into(),
        },
    )
    .await;
    assert!(matches!(event.payload, EventPayload::Message(m) if m.text == "again please"));
    let unknown = Command::Press {
        message,
        button: "no".into(),
    };
    assert!(matches!(
        hub.act("Anna", unknown).await,
        Err(RoomsError::NotFound(_))
    ));
}

#[tokio::test]
async fn order_is_kept_while_intake_pauses() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    enter(&hub, "Anna").await;
    let intake = TestIntake::default();
    *intake.refusals.lock() = 2;
    for n in 0..10 {
        say(&hub, "Anna", LOBBY, &n.to_string()).await.unwrap();
    }
    drain(&bot, &intake).await;
    let wanted: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    assert_eq!(intake.texts(), wanted);
}

#[tokio::test]
async fn what_is_taken_in_pieces_is_not_offered_whole_each_time() {
    let hub = Hub::in_memory();
    let bot = connector(&hub);
    enter(&hub, "Anna").await;
    let intake = TestIntake::default();
    drain(&bot, &intake).await;
    let before = *intake.offered.lock();
    let wanted: Vec<String> = (0..250).map(|n| n.to_string()).collect();
    for text in &wanted {
        say(&hub, "Anna", LOBBY, text).await.unwrap();
    }
    drain(&bot, &intake).await;
    assert_eq!(intake.texts(), wanted);
    // Once for each, the first time all, then at most as many in vain as are taken.
    let offered = *intake.offered.lock() - before;
    assert!(offered <= 3 * wanted.len(), "{offered}");
}
