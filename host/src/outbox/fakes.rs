//! A scripted platform and a bench around the outbox.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Outbox, OutboxConfig, Outcomes, PartEnd};
use crate::content::hosted::Shows;
use crate::journal::memory::MemoryJournal;
use crate::journal::{
    Accepted, Arrival, Broadcast, Committed, EventKey, Journal, NewBroadcast, NewPart, OpenForm,
    Part, Sent, StateDelta, Turn, Urgency,
};
use crate::mailbox::{
    Connector, Connectors, OutboxHandle as _, Pace, Rate, Read, ReadAnswer, SendError,
};
use crate::model::Name;
use crate::model::action::{
    Action, ActionKind, Edit, EditRule, Fallback, MessageRef, Send, Target,
};
use crate::model::content::{Block, Content, Form, FormAnswers, FormAudience, FormEnd};
use crate::model::delivery::{Route, View};
use crate::model::directory::ReadError;
use crate::model::event::{
    Addressing, Bot, Conversation, ConversationKind, Event, Message, Visibility,
};
use crate::model::payload::{ActionError, EventPayload};

pub(super) async fn eventually(mut holds: impl FnMut() -> bool) {
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
pub(super) struct Platform {
    pub(super) answer: Answer,
    pub(super) find: Mutex<Vec<Result<Option<Sent>, SendError>>>,
    pub(super) pace: Pace,
    /// How it paces conversations, where they are not alike.
    pub(super) paces: Option<fn(&NewPart) -> Option<Rate>>,
    pub(super) shows: Shows,
    pub(super) platform: &'static str,
    pub(super) performs_once: bool,
    pub(super) tries: Mutex<HashMap<u64, u32>>,
    pub(super) done: Mutex<Vec<(String, String)>>,
    /// Messages that were sent.
    pub(super) sends: Mutex<Vec<Send>>,
    pub(super) slow: watch::Sender<bool>,
    pub(super) requests: AtomicU64,
    pub(super) finds: AtomicU64,
}

impl Platform {
    pub(super) fn new(
        answer: impl Fn(&Part, u32) -> Result<Sent, SendError> + std::marker::Send + Sync + 'static,
    ) -> Self {
        Self {
            answer: Box::new(answer),
            find: Mutex::default(),
            pace: Pace::FREE,
            paces: None,
            shows: Shows::ALL,
            platform: "webex",
            performs_once: false,
            tries: Mutex::default(),
            done: Mutex::default(),
            sends: Mutex::default(),
            slow: watch::Sender::new(false),
            requests: AtomicU64::new(0),
            finds: AtomicU64::new(0),
        }
    }

    pub(super) fn good() -> Self {
        Self::new(|part, _| Ok(made(part)))
    }

    /// What it did in a conversation, in order.
    pub(super) fn done(&self, conversation: &str) -> Vec<String> {
        let done = self.done.lock();
        let here = done.iter().filter(|(place, _)| place == conversation);
        here.map(|(_, what)| what.clone()).collect()
    }

    pub(super) fn all_done(&self) -> Vec<String> {
        self.done
            .lock()
            .iter()
            .map(|(_, what)| what.clone())
            .collect()
    }
}

pub(super) fn made(part: &Part) -> Sent {
    Sent {
        message: Some(format!("m{}", part.number)),
        ..Sent::default()
    }
}

pub(super) fn again() -> SendError {
    SendError::Again {
        after: None,
        detail: "busy".to_owned(),
    }
}

pub(super) fn say(action: &Action) -> String {
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

    fn conversation_pace(&self, part: &NewPart) -> Option<Rate> {
        match self.paces {
            Some(paces) => paces(part),
            None => self.pace.conversation,
        }
    }

    fn performs_once(&self) -> bool {
        self.performs_once
    }

    fn shows(&self) -> Shows {
        self.shows
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
            if let ActionKind::Send(send) = &part.what.action.kind {
                self.sends.lock().push(send.clone());
            }
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
pub(super) struct Ends(
    Mutex<Vec<(u64, PartEnd)>>,
    pub(super) Mutex<Vec<OpenForm>>,
    /// Broadcasts of which parts were dropped, and how many.
    pub(super) Mutex<Vec<(u64, usize)>>,
);

#[async_trait]
impl Outcomes for Ends {
    fn opened(&self, form: OpenForm) {
        self.1.lock().push(form);
    }

    fn wants(&self, _part: &Part, _end: &PartEnd) -> bool {
        true
    }

    async fn ended(&self, part: &Part, end: &PartEnd) {
        self.0.lock().push((part.number, end.clone()));
    }

    async fn dropped(&self, broadcast: &Broadcast, parts: usize) {
        self.2.lock().push((broadcast.number, parts));
    }
}

pub(super) struct Bench {
    pub(super) outbox: Outbox,
    pub(super) platform: Arc<Platform>,
    pub(super) journal: Arc<MemoryJournal>,
    pub(super) ends: Arc<Ends>,
    pub(super) next: AtomicU64,
}

pub(super) fn quick() -> OutboxConfig {
    OutboxConfig {
        first_wait: Duration::from_millis(1),
        max_wait: Duration::from_millis(5),
        doubt_wait: Duration::from_millis(5),
        ..OutboxConfig::default()
    }
}

impl Bench {
    pub(super) fn new(platform: Platform) -> Self {
        Self::with(platform, quick(), Arc::new(MemoryJournal::new()))
    }

    pub(super) fn with(
        platform: Platform,
        config: OutboxConfig,
        journal: Arc<MemoryJournal>,
    ) -> Self {
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

    /// Another outbox of the same platform and journal, which tells this one.
    pub(super) fn outbox_telling(&self, outcomes: Arc<dyn Outcomes>) -> Outbox {
        Outbox::new(
            Arc::clone(&self.journal) as Arc<dyn Journal>,
            Arc::new(One(Arc::clone(&self.platform))),
            outcomes,
            quick(),
        )
    }

    /// Commits the list of one event; `sending` marks its first part.
    pub(super) async fn commit(
        &self,
        plugin: &str,
        conversation: &str,
        actions: Vec<Action>,
        urgency: Urgency,
        sending: bool,
    ) -> Vec<Part> {
        let parts = (0u32..).zip(actions).map(|(index, action)| NewPart {
            bot: Name::from("desk"),
            conversation: Name::from(conversation),
            index,
            part: 0,
            urgency,
            action: Arc::new(action),
            sending: sending && index == 0,
        });
        self.keep(plugin, conversation, parts.collect(), Vec::new())
            .await
    }

    /// Commits a broadcast of a text and tells the outbox.
    pub(super) async fn broadcast(&self, plugin: &str, targets: &[String], say: &str) {
        let broadcast = NewBroadcast {
            bot: Name::from("desk"),
            index: 0,
            actions: vec![Arc::new(text(say))],
            targets: targets.iter().map(|id| Name::from(id.as_str())).collect(),
        };
        self.keep(plugin, "room", Vec::new(), vec![broadcast]).await;
        self.outbox.look_for_broadcasts();
    }

    async fn keep(
        &self,
        plugin: &str,
        conversation: &str,
        parts: Vec<NewPart>,
        broadcasts: Vec<NewBroadcast>,
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
            request: None,
            forms: Vec::new(),
        };
        let Accepted::New { deliveries, .. } = self.journal.accept(arrival).await.unwrap().value
        else {
            panic!("a new event");
        };
        let turn = Turn {
            delivery: deliveries[0].number,
            tenant: Name::from("default"),
            plugin: Name::from(plugin),
            event: Arc::clone(&deliveries[0].event),
            state: StateDelta::default(),
            parts,
            broadcasts,
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

    pub(super) async fn send(&self, plugin: &str, conversation: &str, actions: Vec<Action>) {
        let parts = self.commit(plugin, conversation, actions, Urgency::Answer, false);
        self.outbox.enqueue(parts.await);
    }

    pub(super) async fn pending(&self) -> u64 {
        self.journal.counts().await.unwrap().pending_parts
    }

    pub(super) async fn through(&self) {
        eventually(|| self.outbox.open_parts() == 0).await;
        self.outbox.stop().await;
        assert_eq!(self.pending().await, 0);
    }

    /// As [`Self::through`], with broadcasts that may not have begun.
    pub(super) async fn through_all(&self) {
        let begun = std::time::Instant::now();
        while self.pending().await > 0 || self.outbox.open_parts() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(60), "it never ends");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.through().await;
    }

    pub(super) fn ends(&self) -> Vec<String> {
        let ends = self.ends.0.lock();
        let ends = ends.iter().filter_map(|(_, end)| match end {
            PartEnd::Sent(sent) => Some(format!("sent {}", sent.notes.join(","))),
            PartEnd::Failed(class, _) => Some(format!("{class:?}")),
            PartEnd::Retrying(..) => None,
            PartEnd::Skipped => Some("skipped".to_owned()),
        });
        ends.collect()
    }

    /// The parts that are tried again, with why, as they were told.
    pub(super) fn retries(&self) -> Vec<(u64, ActionError)> {
        let ends = self.ends.0.lock();
        let retries = ends.iter().filter_map(|(part, end)| match end {
            PartEnd::Retrying(class, _) => Some((*part, *class)),
            _ => None,
        });
        retries.collect()
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
        payload: EventPayload::Message(Message::of_text(id, "")),
    }
}

pub(super) fn action(kind: ActionKind) -> Action {
    Action {
        key: None,
        bot: None,
        as_user: None,
        kind,
    }
}

pub(super) fn content(content: Content) -> Action {
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

/// A form without fields.
pub(super) fn form(id: &str) -> Block {
    Block::Form(Form {
        id: id.to_owned(),
        title: None,
        fields: Vec::new(),
        buttons: Vec::new(),
        answers: FormAnswers::Any,
        audience: FormAudience::Anyone,
        end: FormEnd::Never,
    })
}

pub(super) fn text(text: impl ToString) -> Action {
    content(Content::Plain(text.to_string()))
}

pub(super) fn edit(key: &str, text: &str) -> Action {
    action(ActionKind::Edit(Edit {
        message: MessageRef::Key(key.to_owned()),
        content: Content::Plain(text.to_owned()),
        otherwise: EditRule::Repost,
    }))
}

pub(super) fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|n| n.to_string()).collect()
}
