//! What a plugin may do without a grant, and which grant everything else wants.

use std::collections::HashSet;
use std::sync::Arc;

use super::{ActionGrants, AnyContent, Policy, Refusal, TurnContext, TurnDraft, build};
use crate::model::Name;
use crate::model::action::{
    Action, ActionKind, Edit, EditRule, File, Membership, MessageRef, Missed, NewConversation,
    OtherAction, OutgoingAttachment, React, Schedule, SetTimer, TagChat, Target, TransferChat,
    TransferTarget, UpdateConversation,
};
use crate::model::content::Content;
use crate::model::delivery::{Delivery, View};
use crate::model::event::{Event, ReceivedAttachment};
use crate::model::grants::{ACTION_GRANTS, PluginGrants};
use crate::model::payload::{ButtonPressed, EventPayload, PresenceStatus};
use crate::runtime::lanes::fakes::{FakeConnectors, action, event, policy, reply, send_to};

fn built(
    actions: Vec<Action>,
    policy: &Policy,
    event: Event,
    own: &[&str],
) -> Result<TurnDraft, Refusal> {
    let lane = event.conversation.as_ref().map_or("", |place| &place.id);
    let delivery = Delivery {
        number: 1,
        tenant: Name::from("default"),
        plugin: Name::from("pizza"),
        lane: Name::from(lane),
        view: View::Whole,
        attempt: 1,
        put_back: None,
        event: Arc::new(event),
    };
    let own: HashSet<String> = own.iter().map(|&id| id.to_owned()).collect();
    let context = TurnContext {
        delivery: &delivery,
        policy,
        connectors: &FakeConnectors,
        contents: &AnyContent,
        own_messages: &own,
        now: 1_800_000_000_000,
    };
    build(actions, &context)
}

/// Checks one action in `room`, with these grants.
fn check(one: Action, grants: &[&str]) -> Result<TurnDraft, Refusal> {
    built(vec![one], &policy(grants), event("1", "room"), &[])
}

fn edit(message: MessageRef) -> Action {
    action(ActionKind::Edit(Edit {
        message,
        content: Content::Plain("b".to_owned()),
        otherwise: EditRule::Repost,
    }))
}

fn react(message: MessageRef) -> Action {
    action(ActionKind::React(React {
        message,
        emoji: "up".to_owned(),
        add: true,
    }))
}

fn by_id(id: &str) -> MessageRef {
    MessageRef::Id(id.to_owned())
}

fn by_key() -> MessageRef {
    MessageRef::Key("k".to_owned())
}

fn by(bot: &str, mut action: Action) -> Action {
    action.bot = Some(bot.to_owned());
    action
}

/// Every action that needs a grant, with its name.
fn granted_actions() -> Vec<(&'static str, Action)> {
    let member = || Membership {
        conversation: None,
        user: "ann".to_owned(),
    };
    let user = || "ann".to_owned();
    let mut as_user = reply("hi");
    as_user.as_user = Some(user());
    let kinds = [
        ("react", react(by_id("m-1")).kind),
        ("react", react(by_key()).kind),
        ("typing", ActionKind::Typing(true)),
        ("invite", ActionKind::Invite(member())),
        ("remove", ActionKind::Remove(member())),
        ("promote", ActionKind::Promote(member())),
        ("demote", ActionKind::Demote(member())),
        (
            "create-conversation",
            ActionKind::CreateConversation(NewConversation::Direct(user())),
        ),
        (
            "update-conversation",
            ActionKind::UpdateConversation(UpdateConversation {
                conversation: None,
                name: None,
                description: None,
                public: None,
                open: None,
            }),
        ),
        ("accept-contact", ActionKind::AcceptContact(user())),
        ("reject-contact", ActionKind::RejectContact(user())),
        ("request-contact", ActionKind::RequestContact(user())),
        ("remove-contact", ActionKind::RemoveContact(user())),
        (
            "set-presence",
            ActionKind::SetPresence(PresenceStatus::Away),
        ),
        (
            "transfer",
            ActionKind::Transfer(TransferChat {
                conversation: None,
                to: TransferTarget::Group("sales".to_owned()),
            }),
        ),
        ("close", ActionKind::Close(None)),
        (
            "tag",
            ActionKind::Tag(TagChat {
                conversation: None,
                tag: "vip".to_owned(),
                add: true,
            }),
        ),
        (
            "other",
            ActionKind::Other(OtherAction {
                platform: "local".to_owned(),
                name: "x".to_owned(),
                json: "{}".to_owned(),
            }),
        ),
        ("join", ActionKind::Join(Some("elsewhere".to_owned()))),
        ("delete", ActionKind::Delete(by_id("m-9"))),
    ];
    let mut all: Vec<(&str, Action)> = kinds.map(|(name, kind)| (name, action(kind))).into();
    let to = |target| send_to(target, "a");
    all.extend([
        ("edit", edit(by_id("m-9"))),
        ("as-user", as_user),
        (
            "send-conversation",
            to(Target::Conversation("x".to_owned())),
        ),
        ("send-conversation", by("other", reply("a"))),
        ("join", by("other", action(ActionKind::Join(None)))),
        (
            "send-conversations",
            to(Target::Conversations(vec!["x".to_owned()])),
        ),
        ("send-user", to(Target::User(user()))),
        ("send-users", to(Target::Users(vec![user()]))),
        ("send-email", to(Target::Email("ann@x".to_owned()))),
    ]);
    all
}

#[test]
fn everything_else_is_a_grant_of_its_own_name() {
    let all = granted_actions();
    for (grant, action) in &all {
        let refused = check(action.clone(), &[]).unwrap_err().to_string();
        let line = format!("`grants.actions = [\"{grant}\"]` in `[plugin.pizza]` of parlor.toml");
        let name = action.kind.name();
        assert_eq!(
            refused,
            format!(
                "the action {name} (number 1 of its list) needs the grant \"{grant}\": write {line}"
            )
        );
        let others: Vec<&str> = ACTION_GRANTS.iter().map(|(name, _)| *name).collect();
        let others: Vec<&str> = others.into_iter().filter(|name| name != grant).collect();
        assert!(check(action.clone(), &others).is_err(), "{grant}");
        check(action.clone(), &[grant]).unwrap_or_else(|error| panic!("{grant}: {error}"));
    }
    for (name, _) in ACTION_GRANTS {
        assert!(
            all.iter().any(|(grant, _)| *grant == name),
            "{name} grants nothing"
        );
    }
}

#[test]
fn one_refused_action_refuses_the_list() {
    let list = vec![
        reply("first"),
        action(ActionKind::Close(None)),
        reply("last"),
    ];
    let refused = built(list, &policy(&[]), event("1", "room"), &[]).unwrap_err();
    let refused = refused.to_string();
    let wanted = "the action close (number 2 of its list) needs the grant \"close\": ";
    assert!(refused.starts_with(wanted), "{refused}");
}

#[test]
fn its_own_place_and_its_own_messages_need_no_grant() {
    for free in [
        reply("a"),
        by("desk", reply("a")),
        send_to(Target::Conversation("room".to_owned()), "a"),
        action(ActionKind::Join(None)),
        action(ActionKind::Join(Some("room".to_owned()))),
        action(ActionKind::Leave(None)),
        action(ActionKind::Leave(Some("elsewhere".to_owned()))),
        action(ActionKind::Delete(by_key())),
        edit(by_key()),
        action(ActionKind::CancelTimer("t".to_owned())),
        action(ActionKind::SetTimer(SetTimer {
            name: "t".to_owned(),
            schedule: Schedule::After(1_000),
            missed: Missed::Once,
            payload: String::new(),
        })),
    ] {
        let what = format!("{:?}", free.kind);
        check(free, &[]).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

#[test]
fn a_message_named_by_its_id_is_its_own_where_it_sent_it() {
    let list = || vec![edit(by_id("m-9")), action(ActionKind::Delete(by_id("m-9")))];
    built(list(), &policy(&[]), event("1", "room"), &["m-9"]).unwrap();
    built(list(), &policy(&[]), event("1", "room"), &["m-8"]).unwrap_err();
    // The event's own message is somebody else's; that of a pressed button is the plugin's.
    let others = vec![action(ActionKind::Delete(by_id("m-1")))];
    built(others, &policy(&[]), event("1", "room"), &[]).unwrap_err();
    let mut pressed = event("1", "room");
    pressed.payload = EventPayload::ButtonPressed(ButtonPressed {
        button_id: "b".to_owned(),
        value: String::new(),
        message_id: "m-9".to_owned(),
    });
    built(list(), &policy(&[]), pressed, &[]).unwrap();
}

#[test]
fn a_file_that_the_event_carries_is_sent_on_and_another_is_a_read() {
    let send_on = |id: &str| {
        let mut action = reply("look");
        if let ActionKind::Send(send) = &mut action.kind {
            send.attachments = vec![OutgoingAttachment::Received(id.to_owned())];
        }
        action
    };
    let carrying = |size: u64| {
        let mut event = event("1", "room");
        if let EventPayload::Message(message) = &mut event.payload {
            message.attachments = vec![ReceivedAttachment {
                id: "f-1".to_owned(),
                name: "a".to_owned(),
                media_type: "text/plain".to_owned(),
                size: Some(size),
            }];
        }
        event
    };
    built(vec![send_on("f-1")], &policy(&[]), carrying(9), &[]).unwrap();
    let refused = built(vec![send_on("f-2")], &policy(&[]), carrying(9), &[]).unwrap_err();
    assert!(
        matches!(
            &refused,
            Refusal::NotGranted {
                grant: "attachment",
                ..
            }
        ),
        "{refused}"
    );
    let mut reads = PluginGrants::default();
    reads.reads.names.insert("attachment".to_owned());
    let reading = Policy {
        actions: ActionGrants::These(Box::new(reads)),
        ..policy(&[])
    };
    built(vec![send_on("f-2")], &reading, carrying(9), &[]).unwrap();
    // Its bytes are never the plugin's: however many, they do not count with those made here.
    let mut with_file = send_on("f-1");
    if let ActionKind::Send(send) = &mut with_file.kind {
        send.attachments.push(OutgoingAttachment::File(File {
            name: "b".to_owned(),
            media_type: "text/plain".to_owned(),
            bytes: vec![0; 9 << 20],
        }));
    }
    built(
        vec![with_file.clone()],
        &policy(&[]),
        carrying(30 << 20),
        &[],
    )
    .unwrap();
    let refused = built(
        vec![with_file.clone(), with_file],
        &policy(&[]),
        carrying(9),
        &[],
    );
    let refused = refused.unwrap_err();
    assert!(matches!(&refused, Refusal::TooMuch { .. }), "{refused}");
}

#[test]
fn only_bots_holds_for_actions_too() {
    let mut grants = PluginGrants {
        bots: vec!["desk".to_owned()],
        ..PluginGrants::default()
    };
    grants.actions.names.insert("send-conversation".to_owned());
    let narrowed = Policy {
        actions: ActionGrants::These(Box::new(grants)),
        ..policy(&[])
    };
    built(vec![reply("a")], &narrowed, event("1", "room"), &[]).unwrap();
    let other = vec![by("other", reply("a"))];
    let refused = built(other, &narrowed, event("1", "room"), &[]).unwrap_err();
    assert!(
        matches!(&refused, Refusal::OtherBots { bot, .. } if &**bot == "other"),
        "{refused}"
    );
}
