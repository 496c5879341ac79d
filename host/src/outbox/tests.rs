//! What the outbox promises, with a scripted platform and the memory journal.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{InDoubt, Outbox, OutboxConfig, Outcomes, PartEnd};
use crate::journal::memory::MemoryJournal;
use crate::journal::{
    Accepted, Arrival, Committed, EventKey, Journal, NewPart, OpenForm, Part, PartUpdate, Sent,
    StateDelta, Turn, Urgency,
};
use crate::mailbox::{
    Connector, Connectors, LaneKey, OutboxHandle as _, Pace, Read, ReadAnswer, SendError,
};
use crate::model::Name;
use crate::model::action::{
    Action, ActionKind, Edit, EditRule, Fallback, MessageRef, Send, Target,
};
use crate::model::content::{
    ActionButton, Block, Button, ButtonKind, ButtonStyle, Content, Form, FormAnswers, FormAudience,
    FormEnd,
};
use crate::model::delivery::{Route, View};
use crate::model::directory::ReadError;
use crate::model::event::{
    Addressing, Bot, Conversation, ConversationKind, Event, Message, Visibility,
};
use crate::model::payload::{ActionError, EventPayload};

async fn eventually(mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it never came to be"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

type Answer = Box<dyn Fn(&Part, u32) -> Result<Sent, SendError> + std::marker::Send + Sync>;

/// A platform that answers as the test says and remembers what it did.
struct Platform {
    answer: Answer,
    find: Mutex<Vec<Result<Option<Sent>, SendError>>>,
    pace: Pace,
    platform: &'static str,
    tries: Mutex<HashMap<u64, u32>>,
    done: Mutex<Vec<(String, String)>>,
    slow: watch::Sender<bool>,
    requests: AtomicU64,
    finds: AtomicU64,
}

impl Platform {
    fn new(
        answer: impl Fn(&Part, u32) -> Result<Sent, SendError> + std::marker::Send + Sync + 'static,
    ) -> Self {
        Self {
            answer: Box::new(answer),
            find: Mutex::default(),
            pace: Pace {
                per_minute: None,
                conversation_gap: Duration::ZERO,
            },
            platform: "webex",
            tries: Mutex::default(),
            done: Mutex::default(),
            slow: watch::Sender::new(false),
            requests: AtomicU64::new(0),
            finds: AtomicU64::new(0),
        }
    }

    fn good() -> Self {
        Self::new(|part, _| Ok(made(part)))
    }

    /// What it did in a conversation, in order.
    fn done(&self, conversation: &str) -> Vec<String> {
        let done = self.done.lock();
        let here = done.iter().filter(|(place, _)| place == conversation);
        here.map(|(_, what)| what.clone()).collect()
    }

    fn all_done(&self) -> Vec<String> {
        self.done
            .lock()
            .iter()
            .map(|(_, what)| what.clone())
            .collect()
    }
}

fn made(part: &Part) -> Sent {
    Sent {
        message: Some(format!("m{}", part.number)),
        ..Sent::default()
    }
}

fn again() -> SendError {
    SendError::Again {
        after: None,
        detail: "busy".to_owned(),
    }
}

fn say(action: &Action) -> String {
    match &action.kind {
        ActionKind::Send(send) => match &send.content {
            Content::Plain(text) => text.clone(),
            other => format!("{other:?}"),
        },
        ActionKind::Edit(edit) => format!("edit {:?} {:?}", edit.message, edit.content),
        ActionKind::Delete(message) => format!("delete {message:?}"),
        ActionKind::Join(_) => "join".to_owned(),
        ActionKind::Leave(_) => "leave".to_owned(),
        other => format!("{other:?}"),
    }
}

#[async_trait]
impl Connector for Platform {
    fn bot(&self) -> Bot {
        Bot {
            name: "desk".to_owned(),
            platform: self.platform.to_owned(),
            user_id: "bot".to_owned(),
            display_name: "Desk".to_owned(),
        }
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn plan(&self, action: Action) -> Vec<Action> {
        vec![action]
    }

    async fn perform(&self, part: &Part) -> Result<Sent, SendError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if part.what.conversation.starts_with("slow") {
            self.slow
                .subscribe()
                .wait_for(|is_open| *is_open)
                .await
                .unwrap();
        }
        let attempt = {
            let mut tries = self.tries.lock();
            let attempt = tries.entry(part.number).or_default();
            *attempt += 1;
            *attempt
        };
        let answer = (self.answer)(part, attempt);
        if answer.is_ok() {
            let place = part.what.conversation.to_string();
            self.done.lock().push((place, say(&part.what.action)));
        }
        answer
    }

    async fn find_sent(&self, _part: &Part) -> Result<Option<Sent>, SendError> {
        self.finds.fetch_add(1, Ordering::Relaxed);
        self.find.lock().pop().unwrap_or(Ok(None))
    }

    async fn read(&self, _read: Read) -> Result<ReadAnswer, ReadError> {
        Err(ReadError::Unsupported)
    }
}

struct One(Arc<Platform>);

impl Connectors for One {
    fn connector(&self, _tenant: &str, _bot: &str) -> Option<Arc<dyn Connector>> {
        Some(Arc::clone(&self.0) as Arc<dyn Connector>)
    }

    fn bots(&self, _tenant: &str) -> Vec<Name> {
        vec![Name::from("desk")]
    }
}

#[derive(Default)]
struct Ends(Mutex<Vec<(u64, PartEnd)>>, Mutex<Vec<OpenForm>>);

impl Outcomes for Ends {
    fn opened(&self, form: OpenForm) {
        self.1.lock().push(form);
    }

    fn ended(&self, part: &Part, end: &PartEnd) {
        self.0.lock().push((part.number, end.clone()));
    }
}

struct Bench {
    outbox: Outbox,
    platform: Arc<Platform>,
    journal: Arc<MemoryJournal>,
    ends: Arc<Ends>,
    next: AtomicU64,
}

fn quick() -> OutboxConfig {
    OutboxConfig {
        first_wait: Duration::from_millis(1),
        max_wait: Duration::from_millis(5),
        doubt_wait: Duration::from_millis(5),
        ..OutboxConfig::default()
    }
}

impl Bench {
    fn new(platform: Platform) -> Self {
        Self::with(platform, quick(), Arc::new(MemoryJournal::new()))
    }

    fn with(platform: Platform, config: OutboxConfig, journal: Arc<MemoryJournal>) -> Self {
        let platform = Arc::new(platform);
        let ends = Arc::new(Ends::default());
        let outbox = Outbox::new(
            Arc::clone(&journal) as Arc<dyn Journal>,
            Arc::new(One(Arc::clone(&platform))),
            Arc::clone(&ends) as Arc<dyn Outcomes>,
            config,
        );
        Self {
            outbox,
            platform,
            journal,
            ends,
            next: AtomicU64::new(1),
        }
    }

    /// Commits the list of one event; `sending` marks its first part.
    async fn commit(
        &self,
        plugin: &str,
        conversation: &str,
        actions: Vec<Action>,
        urgency: Urgency,
        sending: bool,
    ) -> Vec<Part> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let event = event(&number.to_string(), conversation);
        let arrival = Arrival {
            tenant: Name::from("default"),
            key: EventKey::new(&[&event.id]),
            event: Arc::new(event),
            lane: Name::from(conversation),
            routes: Some(vec![Route {
                plugin: Name::from(plugin),
                view: View::Whole,
                roles: Vec::new(),
            }]),
            timer: None,
            forms: Vec::new(),
        };
        let Accepted::New { deliveries, .. } = self.journal.accept(arrival).await.unwrap().value
        else {
            panic!("a new event");
        };
        let parts = (0u32..).zip(actions).map(|(index, action)| NewPart {
            bot: Name::from("desk"),
            conversation: Name::from(conversation),
            index,
            part: 0,
            urgency,
            action: Arc::new(action),
            sending: sending && index == 0,
        });
        let turn = Turn {
            delivery: deliveries[0].number,
            tenant: Name::from("default"),
            plugin: Name::from(plugin),
            event: Arc::clone(&deliveries[0].event),
            state: StateDelta::default(),
            parts: parts.collect(),
            timers: Vec::new(),
            requests: Vec::new(),
            number,
            took_us: 0,
        };
        match self.journal.commit(turn).await.unwrap().value {
            Committed::Done(parts) => parts,
            Committed::Conflict => panic!("no conflict"),
        }
    }

    async fn send(&self, plugin: &str, conversation: &str, actions: Vec<Action>) {
        let parts = self.commit(plugin, conversation, actions, Urgency::Answer, false);
        self.outbox.enqueue(parts.await);
    }

    async fn pending(&self) -> u64 {
        self.journal.counts().await.unwrap().pending_parts
    }

    async fn through(&self) {
        eventually(|| self.outbox.open_parts() == 0).await;
        self.outbox.stop().await;
        assert_eq!(self.pending().await, 0);
    }

    fn ends(&self) -> Vec<String> {
        let ends = self.ends.0.lock();
        let ends = ends.iter().map(|(_, end)| match end {
            PartEnd::Sent(sent) => format!("sent {}", sent.notes.join(",")),
            PartEnd::Failed(class, _) => format!("{class:?}"),
            PartEnd::Skipped => "skipped".to_owned(),
        });
        ends.collect()
    }
}

fn event(id: &str, conversation: &str) -> Event {
    Event {
        id: id.to_owned(),
        sequence: 0,
        attempt: 1,
        occurred_at: 0,
        received_at: 0,
        bot: None,
        conversation: Some(Conversation {
            id: conversation.to_owned(),
            kind: ConversationKind::Room,
            name: None,
            external: false,
            cross_pod: false,
            thread: None,
        }),
        actor: None,
        addressing: Addressing::Ambient,
        cause: None,
        depth: 0,
        trace_id: String::new(),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Message(Message {
            id: id.to_owned(),
            text: String::new(),
            content: Vec::new(),
            mentions: Vec::new(),
            cashtags: Vec::new(),
            hashtags: Vec::new(),
            entities: Vec::new(),
            attachments: Vec::new(),
            reply_to: None,
            quoted: None,
            visibility: Visibility::All,
        }),
    }
}

fn action(kind: ActionKind) -> Action {
    Action {
        key: None,
        bot: None,
        as_user: None,
        kind,
    }
}

fn content(content: Content) -> Action {
    action(ActionKind::Send(Send {
        target: Target::Reply,
        content,
        attachments: Vec::new(),
        thread: None,
        visibility: Visibility::All,
        quiet: false,
        fallback: Fallback::Degrade,
    }))
}

fn text(text: impl ToString) -> Action {
    content(Content::Plain(text.to_string()))
}

fn edit(key: &str, text: &str) -> Action {
    action(ActionKind::Edit(Edit {
        message: MessageRef::Key(key.to_owned()),
        content: Content::Plain(text.to_owned()),
        otherwise: EditRule::Repost,
    }))
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|n| n.to_string()).collect()
}

#[tokio::test]
async fn keeps_order_in_each_lane_while_requests_fail_at_random() {
    let bench = Bench::new(Platform::new(|part, attempt| {
        match (part.number * 7 + u64::from(attempt) * 3) % 5 {
            0 | 1 => Err(again()),
            2 if attempt < 3 => Err(SendError::InDoubt("cut".to_owned())),
            _ => Ok(made(part)),
        }
    }));
    for n in 0..40 {
        for lane in 0..20 {
            let plugin = if lane % 2 == 0 { "joke" } else { "pizza" };
            bench
                .send(plugin, &format!("room-{lane}"), vec![text(n)])
                .await;
        }
    }
    bench.through().await;
    for lane in 0..20 {
        assert_eq!(bench.platform.done(&format!("room-{lane}")), numbers(40));
    }
}

#[tokio::test]
async fn a_slow_conversation_and_a_failing_one_hold_up_no_other() {
    let bench = Bench::new(Platform::new(|part, _| match &*part.what.conversation {
        "failing" => Err(again()),
        _ => Ok(made(part)),
    }));
    for n in 0..10 {
        for place in ["slow-1", "slow-2", "failing", "room-1", "room-2"] {
            bench.send("joke", place, vec![text(n)]).await;
        }
    }
    eventually(|| bench.platform.all_done().len() == 20).await;
    assert_eq!(bench.platform.done("room-1"), numbers(10));
    bench.platform.slow.send_replace(true);
    eventually(|| bench.platform.all_done().len() == 40).await;
    assert_eq!(bench.platform.done("slow-2"), numbers(10));
    assert!(bench.platform.done("failing").is_empty());
}

#[tokio::test]
async fn a_reserved_lane_waits_for_its_part_and_keeps_order() {
    let bench = Bench::new(Platform::good());
    let first = bench
        .commit("joke", "room", vec![text(0)], Urgency::Answer, true)
        .await;
    let lane = LaneKey::of(&first[0].tenant, &first[0].plugin, &first[0].what);
    assert!(bench.outbox.reserve(&lane));
    assert!(!bench.outbox.reserve(&lane));
    // A later turn is faster to the outbox.
    bench.send("joke", "room", vec![text(1)]).await;
    bench.send("joke", "elsewhere", vec![text("x")]).await;
    eventually(|| bench.platform.all_done() == ["x"]).await;
    bench.outbox.enqueue(first);
    eventually(|| bench.platform.done("room") == ["0", "1"]).await;
    bench.through().await;
    assert!(bench.outbox.reserve(&lane));
}

#[tokio::test]
async fn a_released_lane_goes_on() {
    let bench = Bench::new(Platform::good());
    let parts = bench
        .commit("joke", "room", vec![text(0)], Urgency::Answer, false)
        .await;
    let lane = LaneKey::of(&parts[0].tenant, &parts[0].plugin, &parts[0].what);
    assert!(bench.outbox.reserve(&lane));
    bench.outbox.enqueue(parts);
    bench.outbox.release(&lane);
    bench.through().await;
    assert_eq!(bench.platform.done("room"), ["0"]);
}

#[tokio::test]
async fn a_part_is_marked_on_disk_before_its_request_leaves() {
    let journal = Arc::new(MemoryJournal::new());
    let bench = Bench::with(Platform::good(), quick(), Arc::clone(&journal));
    bench.send("joke", "slow", vec![text(0), text(1)]).await;
    eventually(|| bench.platform.requests.load(Ordering::Relaxed) == 1).await;
    let states: Vec<_> = journal.pending_parts(0, 10).await.unwrap();
    let states: Vec<_> = states
        .iter()
        .map(|part| (part.state, part.attempts))
        .collect();
    use crate::journal::PartState::{Queued, Sending};
    assert_eq!(states, [(Sending, 1), (Queued, 0)]);
}

#[tokio::test]
async fn in_doubt_and_found_is_sent_once() {
    let bench = Bench::new(Platform::new(|_, _| {
        Err(SendError::InDoubt("cut".to_owned()))
    }));
    bench.platform.find.lock().push(Ok(Some(Sent::default())));
    bench.send("joke", "room", vec![text(0)]).await;
    bench.through().await;
    assert_eq!(bench.platform.requests.load(Ordering::Relaxed), 1);
    assert_eq!(bench.ends(), ["sent "]);
}

#[tokio::test]
async fn in_doubt_and_absent_is_sent_again() {
    let bench = Bench::new(Platform::new(|part, attempt| match attempt {
        1 => Err(SendError::InDoubt("cut".to_owned())),
        _ => Ok(made(part)),
    }));
    bench.send("joke", "room", vec![text(0), text(1)]).await;
    bench.through().await;
    assert_eq!(bench.platform.done("room"), ["0", "1"]);
    assert_eq!(bench.platform.finds.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn in_doubt_where_nobody_can_tell_follows_the_setting() {
    for (in_doubt, requests, ends) in [(InDoubt::Resend, 2, "sent "), (InDoubt::Drop, 1, "InDoubt")]
    {
        let config = OutboxConfig {
            in_doubt,
            ..quick()
        };
        let platform = Platform::new(|part, attempt| match attempt {
            1 => Err(SendError::InDoubt("cut".to_owned())),
            _ => Ok(made(part)),
        });
        platform
            .find
            .lock()
            .push(Err(SendError::InDoubt("cannot tell".to_owned())));
        let bench = Bench::with(platform, config, Arc::new(MemoryJournal::new()));
        bench.send("joke", "room", vec![text(0)]).await;
        bench.through().await;
        assert_eq!(bench.platform.requests.load(Ordering::Relaxed), requests);
        assert_eq!(bench.ends(), [ends]);
        let status = bench.outbox.status().remove(0);
        assert_eq!((status.in_doubt, status.resent), (1, requests - 1));
    }
}

#[tokio::test]
async fn what_was_being_sent_at_a_crash_is_looked_for_and_the_rest_is_sent() {
    let journal = Arc::new(MemoryJournal::new());
    let before = Bench::with(Platform::good(), quick(), Arc::clone(&journal));
    let found = before
        .commit("joke", "a", vec![text(0), text(1)], Urgency::Answer, true)
        .await;
    before
        .commit("joke", "b", vec![text(2)], Urgency::Answer, false)
        .await;
    assert_eq!(found.len(), 2);
    let platform = Platform::good();
    platform.find.lock().push(Ok(Some(made(&found[0]))));
    let after = Bench::with(platform, quick(), journal);
    assert_eq!(after.outbox.recover().await.unwrap(), 3);
    after.through().await;
    assert_eq!(after.platform.done("a"), ["1"]);
    assert_eq!(after.platform.done("b"), ["2"]);
}

#[tokio::test]
async fn a_failure_for_good_skips_the_rest_of_its_list_but_for_leaving() {
    let bench = Bench::new(Platform::new(|part, _| {
        match say(&part.what.action).as_str() {
            "bad" => Err(SendError::Permanent {
                class: ActionError::Denied,
                detail: "no".to_owned(),
            }),
            "join" => Ok(Sent::default()),
            _ => Ok(made(part)),
        }
    }));
    let (join, leave) = (ActionKind::Join(None), ActionKind::Leave(None));
    let list = vec![action(join), text("bad"), text("skipped"), action(leave)];
    bench.send("joke", "room", list).await;
    bench.send("joke", "room", vec![text("next")]).await;
    bench.through().await;
    assert_eq!(bench.platform.done("room"), ["join", "leave", "next"]);
    assert_eq!(
        bench.ends(),
        ["sent ", "Denied", "skipped", "sent ", "sent "]
    );
}

#[tokio::test]
async fn what_cannot_get_through_fails_as_unavailable_and_the_lane_moves_on() {
    let bench = Bench::new(Platform::new(|part, _| match part.number {
        1 => Err(again()),
        _ => Ok(made(part)),
    }));
    bench.send("joke", "room", vec![text(0)]).await;
    bench.send("joke", "room", vec![text(1)]).await;
    bench.through().await;
    assert_eq!(bench.platform.requests.load(Ordering::Relaxed), 21);
    assert_eq!(bench.ends(), ["Unavailable", "sent "]);
}

#[tokio::test]
async fn a_leave_takes_the_bot_out_only_where_a_join_brought_it_in() {
    let inside = Arc::new(Mutex::new(HashSet::from(["home".to_owned()])));
    let members = Arc::clone(&inside);
    let bench = Bench::new(Platform::new(move |part, _| {
        let place = part.what.conversation.to_string();
        let mut members = members.lock();
        let was_member = match part.what.action.kind {
            ActionKind::Join(_) => !members.insert(place),
            ActionKind::Leave(_) => members.remove(&place),
            _ => true,
        };
        Ok(Sent {
            was_member,
            ..made(part)
        })
    }));
    let visit = || {
        let (join, leave) = (ActionKind::Join(None), ActionKind::Leave(None));
        vec![action(join), text("pizza"), action(leave)]
    };
    for _ in 0..2 {
        bench.send("pizza", "home", visit()).await;
        bench.send("pizza", "chat", visit()).await;
    }
    bench.through().await;
    assert_eq!(*inside.lock(), HashSet::from(["home".to_owned()]));
    assert_eq!(
        bench.platform.done("home"),
        ["join", "pizza", "join", "pizza"]
    );
    let chat = ["join", "pizza", "leave", "join", "pizza", "leave"];
    assert_eq!(bench.platform.done("chat"), chat);
    assert!(bench.ends().contains(&"sent was already in".to_owned()));
}

#[tokio::test]
async fn a_key_names_the_message_sent_just_before() {
    let bench = Bench::new(Platform::good());
    let mut first = text("one");
    first.key = Some("k".to_owned());
    let delete = action(ActionKind::Delete(MessageRef::Key("k".to_owned())));
    bench
        .send("joke", "room", vec![first, edit("k", "two"), delete])
        .await;
    bench.send("joke", "room", vec![edit("unknown", "x")]).await;
    bench.through().await;
    let done = bench.platform.done("room");
    assert_eq!(
        done[1..],
        [
            r#"edit Id("m1") Plain("two")"#.to_owned(),
            r#"delete Id("m1")"#.to_owned(),
        ]
    );
    assert_eq!(bench.ends().last().unwrap(), "NotFound");
}

#[tokio::test]
async fn edits_that_wait_collapse_into_the_last() {
    let bench = Bench::new(Platform::good());
    let mut first = text("one");
    first.key = Some("k".to_owned());
    let list = vec![first, edit("k", "2"), edit("k", "3"), edit("k", "4")];
    bench.send("joke", "room", list).await;
    bench.through().await;
    assert_eq!(
        bench.platform.done("room"),
        ["one", r#"edit Id("m1") Plain("4")"#]
    );
}

#[tokio::test]
async fn answers_go_before_timers_and_broadcasts_and_plugins_take_turns() {
    let platform = Platform {
        pace: Pace {
            per_minute: Some(60_000),
            conversation_gap: Duration::ZERO,
        },
        ..Platform::good()
    };
    let config = OutboxConfig {
        requests: 1,
        ..quick()
    };
    let bench = Bench::with(platform, config, Arc::new(MemoryJournal::new()));
    // The one request at a time is held by a slow conversation until all are in.
    bench.send("joke", "slow", vec![text("first")]).await;
    eventually(|| bench.platform.requests.load(Ordering::Relaxed) == 1).await;
    for n in 0..3 {
        let list = vec![text(format!("broadcast {n}"))];
        let place = format!("n{n}");
        let parts = bench.commit("news", &place, list, Urgency::Broadcast, false);
        bench.outbox.enqueue(parts.await);
    }
    let parts = bench.commit("clock", "c", vec![text("timer")], Urgency::Timer, false);
    bench.outbox.enqueue(parts.await);
    for n in 0..3 {
        bench
            .send("a", &format!("a{n}"), vec![text(format!("a{n}"))])
            .await;
    }
    bench.send("b", "b", vec![text("b")]).await;
    bench.platform.slow.send_replace(true);
    bench.through().await;
    assert_eq!(
        bench.platform.all_done(),
        [
            "first",
            "a0",
            "b",
            "a1",
            "a2",
            "timer",
            "broadcast 0",
            "broadcast 1",
            "broadcast 2",
        ]
    );
}

#[tokio::test]
async fn keeps_the_gap_between_two_messages_of_a_conversation() {
    let gap = Duration::from_millis(20);
    let platform = Platform {
        pace: Pace {
            per_minute: None,
            conversation_gap: gap,
        },
        ..Platform::good()
    };
    let bench = Bench::with(platform, quick(), Arc::new(MemoryJournal::new()));
    let begun = std::time::Instant::now();
    for n in 0..3 {
        bench.send("joke", "room", vec![text(n)]).await;
        bench.send("pizza", "room", vec![text(n)]).await;
    }
    bench.through().await;
    assert!(begun.elapsed() >= gap * 5);
    assert_eq!(bench.platform.all_done().len(), 6);
}

#[tokio::test]
async fn a_form_is_open_once_its_message_is_sent() {
    let bench = Bench::new(Platform::good());
    let form = Form {
        id: "hello".to_owned(),
        title: None,
        fields: Vec::new(),
        buttons: Vec::new(),
        answers: FormAnswers::Any,
        audience: FormAudience::Anyone,
        end: FormEnd::Never,
    };
    let button = |kind| Button {
        label: "b".to_owned(),
        kind,
        style: ButtonStyle::Primary,
    };
    let act = ButtonKind::Action(ActionButton {
        id: "go".to_owned(),
        value: String::new(),
    });
    let row = vec![
        button(act),
        button(ButtonKind::Link("https://x".to_owned())),
    ];
    let blocks = vec![Block::Form(form), Block::Buttons(row)];
    bench
        .send("joke", "room", vec![content(Content::Blocks(blocks))])
        .await;
    bench.through().await;
    let open = bench.journal.open_forms().await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!((&*open[0].message, &*open[0].conversation), ("m1", "room"));
    assert!(open[0].form.is_some());
    // The link is no button that comes back.
    assert_eq!(open[0].buttons.len(), 1);
    assert_eq!(*bench.ends.1.lock(), open);
}

#[tokio::test]
async fn tells_when_too_much_waits_for_a_bot() {
    let config = OutboxConfig {
        waiting: 10,
        ..quick()
    };
    let bench = Bench::with(Platform::good(), config, Arc::new(MemoryJournal::new()));
    for n in 0..10 {
        bench.send("joke", "slow", vec![text(n)]).await;
    }
    assert!(bench.outbox.is_full("default", "desk"));
    bench.platform.slow.send_replace(true);
    bench.through().await;
    assert!(!bench.outbox.is_full("default", "desk"));
}

#[tokio::test]
async fn a_stop_cuts_what_takes_too_long_and_leaves_it_in_doubt() {
    let config = OutboxConfig {
        stop_within: Duration::from_millis(5),
        ..quick()
    };
    let bench = Bench::with(Platform::good(), config, Arc::new(MemoryJournal::new()));
    bench.send("joke", "slow", vec![text(0)]).await;
    bench.send("joke", "room", vec![text(1)]).await;
    eventually(|| bench.platform.requests.load(Ordering::Relaxed) == 2).await;
    bench.outbox.stop().await;
    let left = bench.journal.pending_parts(0, 10).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].state, crate::journal::PartState::Sending);
    // Recording it for good is the next start's; nothing else was touched.
    bench
        .journal
        .record(vec![PartUpdate::Skipped(left[0].number)])
        .await
        .unwrap();
}
