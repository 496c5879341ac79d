//! What a list of actions comes to, and what it is refused for.

mod later;

use std::collections::HashSet;
use std::sync::Arc;

use super::{AnyContent, Policy, Refusal, TurnContext, TurnDraft, build};
use crate::journal::{DeadReason, Urgency};
use crate::model::Name;
use crate::model::action::{
    Action, ActionKind, Edit, EditRule, File, MessageRef, OutgoingAttachment, Target,
};
use crate::model::content::{Block, Content, Form, FormAnswers, FormAudience, FormEnd};
use crate::model::delivery::{Delivery, View};
use crate::model::payload::{EventPayload, TimerFired};
use crate::runtime::lanes::fakes::{FakeConnectors, action, event, policy, reply, send_to};

const NOW: u64 = 1_800_000_000_000;

fn delivery(conversation: &str) -> Delivery {
    Delivery {
        number: 1,
        tenant: Name::from("default"),
        plugin: Name::from("pizza"),
        lane: Name::from(conversation),
        event: Arc::new(event("1", conversation)),
        view: View::Whole,
        attempt: 1,
        put_back: None,
    }
}

fn built(actions: Vec<Action>, policy: &Policy, delivery: &Delivery) -> Result<TurnDraft, Refusal> {
    build(
        actions,
        &TurnContext {
            delivery,
            policy,
            connectors: &FakeConnectors,
            contents: &AnyContent,
            own_messages: &HashSet::new(),
            now: NOW,
        },
    )
}

/// Checks a list in `room` without grants but these.
fn check(actions: Vec<Action>, grants: &[&str]) -> Result<TurnDraft, Refusal> {
    built(actions, &policy(grants), &delivery("room"))
}

fn refusal(actions: Vec<Action>) -> String {
    check(actions, &[]).unwrap_err().to_string()
}

#[test]
fn keeps_the_order_of_the_list_and_resolves_its_targets() {
    let join = action(ActionKind::Join(None));
    let leave = action(ActionKind::Leave(None));
    let parts = check(vec![join, reply("hi"), leave], &[]).unwrap().parts;
    let places = parts
        .iter()
        .map(|part| (part.index, &*part.bot, &*part.conversation));
    let places: Vec<_> = places.collect();
    assert_eq!(
        places,
        [
            (0, "desk", "room"),
            (1, "desk", "room"),
            (2, "desk", "room")
        ]
    );
    assert_eq!(
        parts[0].action.kind,
        ActionKind::Join(Some("room".to_owned()))
    );
    let ActionKind::Send(send) = &parts[1].action.kind else {
        panic!("a send");
    };
    assert_eq!(send.target, Target::Conversation("room".to_owned()));
}

#[test]
fn an_answer_stays_in_the_events_thread() {
    let mut delivery = delivery("room");
    let event = Arc::make_mut(&mut delivery.event);
    event.conversation.as_mut().unwrap().thread = Some("t1".to_owned());
    let parts = built(vec![reply("hi")], &policy(&[]), &delivery)
        .unwrap()
        .parts;
    let ActionKind::Send(send) = &parts[0].action.kind else {
        panic!("a send");
    };
    assert_eq!(send.thread.as_deref(), Some("t1"));
}

#[test]
fn without_a_conversation_a_reply_has_no_place() {
    let draft = built(vec![reply("hi")], &policy(&[]), &delivery(""));
    assert_eq!(
        draft.unwrap_err().to_string(),
        "no-conversation: the action send (number 1 of its list) needs a conversation and the event has none"
    );
}

#[test]
fn limits_are_enforced_and_named() {
    let many = vec![reply("x"); 101];
    assert!(refusal(many).contains("actions: 101, at most 100: [plugin.pizza] limits.actions"));
    assert!(refusal(vec![reply(&"x".repeat(65_537))]).contains("limits.message-kib"));
    assert!(refusal(vec![reply(&"x".repeat(60_000)); 9]).contains("bytes of text of one event"));
    let mut key = reply("x");
    key.key = Some("k".repeat(65));
    assert_eq!(refusal(vec![key]), "bytes of a key: 65, at most 64");
    let file = |bytes: usize| {
        let mut action = reply("x");
        if let ActionKind::Send(send) = &mut action.kind {
            send.attachments = vec![OutgoingAttachment::File(File {
                name: "f".to_owned(),
                media_type: "text/plain".to_owned(),
                bytes: vec![0; bytes],
            })];
        }
        action
    };
    assert!(refusal(vec![file((10 << 20) + 1)]).contains("limits.attachment-mib"));
    let both = refusal(vec![file(9 << 20), file(9 << 20)]);
    assert_eq!(both, "bytes of all attachments: 18874368, at most 16777216");
    let targets = (0..1_001).map(|n| n.to_string()).collect();
    let broadcast = send_to(Target::Conversations(targets), "x");
    let found = check(vec![broadcast], &["send-conversations"])
        .unwrap_err()
        .to_string();
    assert!(found.contains("limits.broadcast"), "{found}");
}

#[test]
fn a_broadcast_is_one_body_in_many_places() {
    let targets = (0..100).map(|n| n.to_string()).collect();
    let broadcast = send_to(Target::Conversations(targets), "x");
    let draft = check(vec![broadcast], &["send-conversations"]).unwrap();
    assert!(draft.parts.is_empty());
    assert_eq!(draft.broadcasts.len(), 1);
    let broadcast = &draft.broadcasts[0];
    assert_eq!((&*broadcast.bot, broadcast.index), ("desk", 0));
    assert_eq!(broadcast.actions.len(), 1);
    assert_eq!(broadcast.targets.len(), 100);
    assert_eq!(&*broadcast.targets[42], "42");
}

#[test]
fn every_target_of_a_broadcast_is_a_message_of_the_event() {
    let broadcast = || {
        let targets = (0..1_000).map(|n| n.to_string()).collect();
        send_to(Target::Conversations(targets), "x")
    };
    assert!(check(vec![broadcast(), broadcast()], &["send-conversations"]).is_ok());
    let found = check(
        vec![broadcast(), broadcast(), reply("x")],
        &["send-conversations"],
    );
    let found = found.unwrap_err().to_string();
    assert_eq!(found, "messages of one event: 2001, at most 2000");
}

#[test]
fn a_broadcast_to_nobody_is_nothing() {
    let nobody = send_to(Target::Conversations(Vec::new()), "x");
    let draft = check(vec![nobody], &["send-conversations"]).unwrap();
    assert!(draft.parts.is_empty() && draft.broadcasts.is_empty());
}

#[test]
fn an_edit_is_less_urgent_than_an_answer() {
    let edit = action(ActionKind::Edit(Edit {
        message: MessageRef::Key("k".to_owned()),
        content: Content::Plain("new".to_owned()),
        otherwise: EditRule::Skip,
    }));
    let parts = check(vec![edit, reply("hi")], &[]).unwrap().parts;
    let urgencies: Vec<Urgency> = parts.iter().map(|part| part.urgency).collect();
    assert_eq!(urgencies, [Urgency::Timer, Urgency::Answer]);
}

#[test]
fn what_a_timer_makes_is_less_urgent_than_an_answer() {
    let mut delivery = delivery("room");
    Arc::make_mut(&mut delivery.event).payload = EventPayload::TimerFired(TimerFired {
        name: "t".to_owned(),
        payload: String::new(),
        due_at: 0,
    });
    let parts = built(vec![reply("hi")], &policy(&[]), &delivery)
        .unwrap()
        .parts;
    assert_eq!(parts[0].urgency, Urgency::Timer);
}

#[test]
fn each_form_has_a_message_of_its_own() {
    let form = |id: &str| {
        Block::Form(Form {
            id: id.to_owned(),
            title: None,
            fields: Vec::new(),
            buttons: Vec::new(),
            answers: FormAnswers::Any,
            audience: FormAudience::Anyone,
            end: FormEnd::Never,
        })
    };
    let mut action = reply("");
    if let ActionKind::Send(send) = &mut action.kind {
        let blocks = vec![Block::Divider, form("a"), form("b"), Block::Divider];
        send.content = Content::Blocks(blocks);
    }
    let parts = check(vec![action], &[]).unwrap().parts;
    assert_eq!(
        parts.iter().map(|part| part.part).collect::<Vec<_>>(),
        [0, 1]
    );
}

#[test]
fn a_loop_is_refused_only_where_it_would_go_on() {
    let mut delivery = delivery("room");
    Arc::make_mut(&mut delivery.event).depth = 8;
    built(Vec::new(), &policy(&[]), &delivery).unwrap();
    let refused = built(vec![reply("x")], &policy(&[]), &delivery).unwrap_err();
    assert_eq!(refused.reason(), DeadReason::Loop);
}
