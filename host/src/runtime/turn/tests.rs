//! What a list of actions comes to, and what it is refused for.

use std::collections::HashSet;
use std::sync::Arc;

use super::schedule::{ScheduleError, first_due, following, next_due};
use super::{ActionGrants, AnyContent, HttpGrants, Policy, Refusal, TurnContext, TurnDraft, build};
use crate::journal::{DeadReason, TimerChange, Urgency};
use crate::model::Name;
use crate::model::action::{
    Action, ActionKind, Cron, File, Missed, OutgoingAttachment, Request, Schedule, SetTimer, Target,
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

fn set_timer(schedule: Schedule) -> Action {
    action(ActionKind::SetTimer(SetTimer {
        name: "t".to_owned(),
        schedule,
        missed: Missed::Once,
        payload: "p".to_owned(),
    }))
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
    assert_eq!(draft.unwrap_err(), Refusal::NoConversation(0));
}

#[test]
fn limits_are_enforced_and_named() {
    let many = vec![reply("x"); 101];
    assert!(refusal(many).contains("actions: 101, at most 100: [plugin.pizza] limits.actions"));
    assert!(refusal(vec![reply(&"x".repeat(65_537))]).contains("limits.message-bytes"));
    assert!(refusal(vec![reply(&"x".repeat(60_000)); 9]).contains("bytes of text of one event"));
    let mut key = reply("x");
    key.key = Some("k".repeat(65));
    assert!(refusal(vec![key]).contains("limits.action-key-bytes"));
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
    assert!(refusal(vec![file((10 << 20) + 1)]).contains("limits.attachment-bytes"));
    assert!(refusal(vec![file(9 << 20), file(9 << 20)]).contains("limits.attachments-bytes"));
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
    let parts = check(vec![broadcast], &["send-conversations"])
        .unwrap()
        .parts;
    assert_eq!(parts.len(), 100);
    assert!(parts.iter().all(|part| part.urgency == Urgency::Broadcast));
    assert!(Arc::ptr_eq(&parts[0].action, &parts[99].action));
    assert_eq!(&*parts[42].conversation, "42");
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

struct Example;

impl HttpGrants for Example {
    fn allows(&self, method: &str, url: &str) -> bool {
        method == "GET" && url.starts_with("https://example.com/")
    }
}

#[test]
fn a_request_wants_a_key_and_an_http_grant() {
    let request = |url: &str| Action {
        key: Some("k".to_owned()),
        ..action(ActionKind::Request(Request {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout_ms: 1_000,
            idempotency_header: None,
        }))
    };
    let granted = Policy {
        http: Some(Arc::new(Example)),
        actions: ActionGrants::none(),
        ..policy(&[])
    };
    let room = delivery("room");
    let draft = built(vec![request("https://example.com/a")], &granted, &room).unwrap();
    assert_eq!(draft.requests[0].key, "k");
    let refused = built(vec![request("https://evil.com/a?token=1")], &granted, &room).unwrap_err();
    let line = "[plugin.pizza] grants.http = [\"GET https://evil.com/a\"]";
    assert!(refused.to_string().ends_with(line), "{refused}");
    let mut nameless = request("https://example.com/a");
    nameless.key = None;
    built(vec![nameless], &granted, &room).unwrap_err();
}

#[test]
fn a_timer_belongs_to_the_events_conversation_and_keeps_its_origin() {
    let draft = check(vec![set_timer(Schedule::After(5_000))], &[]).unwrap();
    let TimerChange::Set(timer) = &draft.timers[0] else {
        panic!("a timer that is set");
    };
    assert_eq!(
        (timer.due_at, &*timer.key.conversation),
        (NOW + 5_000, "room")
    );
    assert_eq!(timer.origin.id, "1");
    assert!(!matches!(timer.origin.payload, EventPayload::Message(_)));
    let cancel = action(ActionKind::CancelTimer("t".to_owned()));
    let draft = check(vec![cancel], &[]).unwrap();
    assert!(matches!(&draft.timers[0], TimerChange::Cancel(key) if key.name == "t"));
    assert!(refusal(vec![set_timer(Schedule::Every(10))]).contains("too often"));
}

#[test]
fn schedules_are_due_when_they_say() {
    assert_eq!(first_due(&Schedule::At(5), NOW), Ok(5));
    assert_eq!(first_due(&Schedule::After(5), NOW), Ok(NOW + 5));
    assert_eq!(first_due(&Schedule::Every(1_000), NOW), Ok(NOW + 1_000));
    assert_eq!(
        first_due(&Schedule::After(u64::MAX), NOW),
        Err(ScheduleError::TooFar)
    );
    assert_eq!(following(&Schedule::After(5), NOW, NOW), None);
    let every = Schedule::Every(1_000);
    assert_eq!(following(&every, NOW, NOW + 20), Some(NOW + 1_000));
    // However many were missed, the next is in the future and in step.
    assert_eq!(following(&every, NOW, NOW + 10_500), Some(NOW + 11_000));
}

fn at(text: &str) -> u64 {
    let moment: jiff::Timestamp = text.parse().unwrap();
    u64::try_from(moment.as_millisecond()).unwrap()
}

fn check_cron(expression: &str, zone: &str, after: &str, wanted: &[&str]) {
    let cron = Cron {
        expression: expression.to_owned(),
        time_zone: zone.to_owned(),
    };
    let mut now = at(after);
    for due in wanted {
        now = next_due(&cron, now).unwrap();
        let found = jiff::Timestamp::from_millisecond(i64::try_from(now).unwrap()).unwrap();
        assert_eq!(found.to_string(), *due, "{expression} in {zone}");
    }
}

#[test]
fn cron_is_due_when_it_says() {
    check_cron(
        "*/15 * * * *",
        "UTC",
        "2026-11-20T10:07:00Z",
        &["2026-11-20T10:15:00Z", "2026-11-20T10:30:00Z"],
    );
    check_cron(
        "0 9 * * 1-5",
        "Europe/Berlin",
        "2026-11-20T08:00:00Z",
        &["2026-11-23T08:00:00Z", "2026-11-24T08:00:00Z"],
    );
    check_cron(
        "0 0 29 feb *",
        "UTC",
        "2026-01-01T00:00:00Z",
        &["2028-02-29T00:00:00Z"],
    );
    // Day and weekday both given: either is enough. 7 is Sunday.
    check_cron(
        "0 0 13 * 7",
        "UTC",
        "2026-11-10T00:00:00Z",
        &["2026-11-13T00:00:00Z", "2026-11-15T00:00:00Z"],
    );
}

#[test]
fn cron_lives_through_both_changes_of_summer_time() {
    // 29 March 2026: 02:00 becomes 03:00. What was due at 02:30 is due at 03:30, once.
    check_cron(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T00:00:00Z",
        &[
            "2026-03-28T01:30:00Z",
            "2026-03-29T01:30:00Z",
            "2026-03-30T00:30:00Z",
        ],
    );
    check_cron(
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-03-29T00:10:00Z",
        &[
            "2026-03-29T00:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-29T01:30:00Z",
        ],
    );
    // 25 October 2026: 03:00 becomes 02:00. What is due at 02:30 is due the first time only,
    // what is due every half hour goes on.
    check_cron(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
    );
    check_cron(
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-10-25T00:10:00Z",
        &[
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T02:00:00Z",
        ],
    );
}

#[test]
fn wrong_cron_rules_say_what_is_wrong() {
    for (expression, zone, wanted) in [
        ("* * * *", "UTC", "five fields"),
        ("61 * * * *", "UTC", "minute cannot be \"61\""),
        ("* * * * fun", "UTC", "weekday cannot be \"fun\""),
        ("*/0 * * * *", "UTC", "minute"),
        ("5-1 * * * *", "UTC", "minute"),
        ("* * * * *", "Mars/Base", "Mars/Base"),
        ("0 0 31 2 *", "UTC", "never"),
    ] {
        let cron = Cron {
            expression: expression.to_owned(),
            time_zone: zone.to_owned(),
        };
        let text = next_due(&cron, NOW).unwrap_err().to_string();
        assert!(text.contains(wanted), "{text}");
    }
}
