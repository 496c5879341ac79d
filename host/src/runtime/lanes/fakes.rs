//! Stand-ins for the siblings: a build out of a closure, a journal whose disk can fail, an outbox
//! that remembers.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::journal::memory::MemoryJournal;
use crate::journal::{Accepted, Arrival, EventKey, Journal, Part, Sent, StateDelta};
use crate::mailbox::{
    Connector, Connectors, LaneKey, OutboxHandle, Pace, Read, ReadAnswer, RequestsHandle,
    SendError, SystemClock,
};
use crate::model::Name;
use crate::model::action::{Action, ActionKind, Fallback, Send, Target};
use crate::model::age::MaxAge;
use crate::model::content::Content;
use crate::model::delivery::{Delivery, Route, View};
use crate::model::directory::ReadError;
use crate::model::event::{
    Addressing, Bot, Conversation, ConversationKind, Event, Message, Visibility,
};
use crate::model::grants::{GrantList, PluginGrants};
use crate::model::limits::Limits;
use crate::model::payload::EventPayload;
use crate::runtime::guest::{Build, CallEnd, Called, Fault, FaultKind, Instance, Spent};
use crate::runtime::lanes::{Lanes, LanesConfig, LanesParts, PluginSpec};
use crate::runtime::turn::{ActionGrants, AnyContent, Policy};

/// Waits until a condition holds.
pub(crate) async fn eventually(mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it never came to be"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Something that calls wait for until the test opens it.
#[derive(Clone)]
pub(crate) struct Door(watch::Sender<bool>);

impl Door {
    pub(crate) fn closed() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn opened() -> Self {
        Self(watch::Sender::new(true))
    }

    pub(crate) fn close(&self) {
        self.0.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }

    pub(crate) async fn pass(&self) {
        self.0
            .subscribe()
            .wait_for(|is_open| *is_open)
            .await
            .unwrap();
    }
}

/// Settings with short waits.
pub(crate) fn quick() -> LanesConfig {
    LanesConfig {
        first_wait: Duration::from_millis(2),
        quarantine: Duration::from_millis(50),
        ..LanesConfig::default()
    }
}

pub(crate) fn policy(grants: &[&str]) -> Policy {
    Policy {
        actions: ActionGrants::These(Box::new(PluginGrants {
            actions: GrantList {
                names: grants.iter().map(|&name| name.to_owned()).collect(),
                key: "grants.actions".to_owned(),
                place: "in `[plugin.pizza]` of parlor.toml".to_owned(),
            },
            ..PluginGrants::default()
        })),
        http: None,
        limits: Limits::DEFAULT,
    }
}

/// A message event of the bot `desk`.
pub(crate) fn event(id: &str, conversation: &str) -> Event {
    Event {
        id: id.to_owned(),
        sequence: 0,
        attempt: 1,
        occurred_at: 0,
        received_at: 0,
        bot: Some(Bot {
            name: "desk".to_owned(),
            platform: "local".to_owned(),
            user_id: "bot".to_owned(),
            display_name: "Desk".to_owned(),
        }),
        conversation: (!conversation.is_empty()).then(|| Conversation {
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
        payload: EventPayload::Message(Message::of_text(&format!("m-{id}"), id)),
    }
}

pub(crate) fn action(kind: ActionKind) -> Action {
    Action {
        key: None,
        bot: None,
        as_user: None,
        kind,
    }
}

pub(crate) fn send_to(target: Target, text: &str) -> Action {
    action(ActionKind::Send(Send {
        target,
        content: Content::Plain(text.to_owned()),
        attachments: Vec::new(),
        thread: None,
        visibility: Visibility::All,
        quiet: false,
        fallback: Fallback::Degrade,
    }))
}

pub(crate) fn reply(text: &str) -> Action {
    send_to(Target::Reply, text)
}

/// The text of a part that sends plain text.
pub(crate) fn text_of(action: &Action) -> String {
    match &action.kind {
        ActionKind::Send(Send {
            content: Content::Plain(text),
            ..
        }) => text.clone(),
        other => format!("{other:?}"),
    }
}

type Handle =
    dyn Fn(Delivery) -> BoxFuture<'static, (CallEnd, StateDelta)> + std::marker::Send + Sync;

/// A build whose instances are a closure.
pub(crate) struct FakeBuild {
    handle: Arc<Handle>,
    pub(crate) made: AtomicU64,
}

impl FakeBuild {
    pub(crate) fn new<F>(
        handle: impl Fn(Delivery) -> F + std::marker::Send + Sync + 'static,
    ) -> Arc<Self>
    where
        F: Future<Output = (CallEnd, StateDelta)> + std::marker::Send + 'static,
    {
        Arc::new(Self {
            handle: Arc::new(move |delivery| Box::pin(handle(delivery))),
            made: AtomicU64::new(0),
        })
    }

    /// A build that answers each event with its id behind a mark.
    pub(crate) fn echo(mark: &'static str) -> Arc<Self> {
        Self::new(move |delivery| async move {
            let text = format!("{mark}{}", delivery.event.id);
            (CallEnd::Done(vec![reply(&text)]), StateDelta::default())
        })
    }
}

struct FakeInstance(Arc<Handle>);

#[async_trait]
impl Instance for FakeInstance {
    async fn handle(self: Box<Self>, delivery: Delivery) -> Called {
        let (end, state) = (self.0)(delivery).await;
        let is_whole = matches!(end, CallEnd::Done(_) | CallEnd::Refused(_));
        Called {
            end,
            state,
            spent: Spent::default(),
            instance: is_whole.then_some(self as Box<dyn Instance>),
        }
    }
}

#[async_trait]
impl Build for FakeBuild {
    async fn instantiate(&self) -> Result<Box<dyn Instance>, Fault> {
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(FakeInstance(Arc::clone(&self.handle))))
    }
}

pub(crate) fn fault(kind: FaultKind) -> CallEnd {
    CallEnd::Fault(Fault {
        kind,
        detail: "it broke".to_owned(),
    })
}

/// An outbox that remembers what it was given.
#[derive(Default)]
pub(crate) struct FakeOutbox {
    pub(crate) parts: Mutex<Vec<Part>>,
    pub(crate) reserved: Mutex<HashSet<LaneKey>>,
    pub(crate) count: AtomicU64,
    pub(crate) forget: AtomicBool,
    /// Bots that have too much to send.
    pub(crate) full: Mutex<HashSet<String>>,
    /// How often it was asked whether one has.
    pub(crate) asked: AtomicU64,
}

impl FakeOutbox {
    /// The texts sent to a conversation, in order.
    pub(crate) fn texts(&self, conversation: &str) -> Vec<String> {
        let parts = self.parts.lock();
        let here = parts
            .iter()
            .filter(|part| *part.what.conversation == *conversation);
        here.map(|part| text_of(&part.what.action)).collect()
    }

    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.count.load(Ordering::Relaxed)).unwrap()
    }
}

impl OutboxHandle for FakeOutbox {
    fn reserve(&self, lane: &LaneKey) -> bool {
        self.forget.load(Ordering::Relaxed) || self.reserved.lock().insert(lane.clone())
    }

    fn release(&self, lane: &LaneKey) {
        self.reserved.lock().remove(lane);
    }

    fn enqueue(&self, parts: Vec<Part>) {
        self.count.fetch_add(parts.len() as u64, Ordering::Relaxed);
        if self.forget.load(Ordering::Relaxed) {
            return;
        }
        let mut reserved = self.reserved.lock();
        for part in &parts {
            let lane = LaneKey::of(&part.tenant, &part.plugin, &part.what);
            let was_reserved = reserved.remove(&lane);
            assert!(
                was_reserved || !part.what.sending,
                "a part is being sent without a reserved lane"
            );
        }
        drop(reserved);
        self.parts.lock().extend(parts);
    }

    fn is_full(&self, _tenant: &str, bot: &str) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.full.lock().contains(bot)
    }
}

/// A connector that splits nothing and performs nothing.
pub(crate) struct FakeConnector;

#[async_trait]
impl Connector for FakeConnector {
    fn bot(&self) -> Bot {
        event("", "").bot.unwrap()
    }

    fn pace(&self) -> Pace {
        Pace::FREE
    }

    fn plan(&self, action: Action) -> Vec<Action> {
        vec![action]
    }

    async fn perform(&self, _part: &Part) -> Result<Sent, SendError> {
        Ok(Sent::default())
    }

    async fn find_sent(&self, _part: &Part) -> Result<Option<Sent>, SendError> {
        Ok(None)
    }

    async fn read(&self, _read: Read) -> Result<ReadAnswer, ReadError> {
        Err(ReadError::Unsupported)
    }
}

/// Knows the bots `desk` and `other`.
pub(crate) struct FakeConnectors;

impl Connectors for FakeConnectors {
    fn connector(&self, _tenant: &str, bot: &str) -> Option<Arc<dyn Connector>> {
        ["desk", "other"]
            .contains(&bot)
            .then(|| Arc::new(FakeConnector) as Arc<dyn Connector>)
    }

    fn bots(&self, _tenant: &str) -> Vec<Name> {
        vec![Name::from("desk"), Name::from("other")]
    }
}

/// Makes no requests.
pub(crate) struct NoRequests;

impl RequestsHandle for NoRequests {
    fn announce(&self, _tenant: &Name, _plugin: &Name) {}

    fn committed(&self, _tenant: &Name, _plugin: &Name) {}
}

/// Lanes with stand-ins around them.
pub(crate) struct Bench {
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) outbox: Arc<FakeOutbox>,
    pub(crate) journal: Arc<dyn Journal>,
    next: AtomicU64,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Arc::new(MemoryJournal::new()), quick())
    }

    pub(crate) fn with(journal: Arc<dyn Journal>, config: LanesConfig) -> Self {
        let outbox = Arc::new(FakeOutbox::default());
        let parts = LanesParts {
            journal: Arc::clone(&journal),
            outbox: Arc::clone(&outbox) as Arc<dyn OutboxHandle>,
            requests: Arc::new(NoRequests),
            clock: Arc::new(SystemClock),
            connectors: Arc::new(FakeConnectors),
            contents: Arc::new(AnyContent),
        };
        Self {
            lanes: Arc::new(Lanes::new(parts, config)),
            outbox,
            journal,
            next: AtomicU64::new(1),
        }
    }

    pub(crate) fn spec(build: Arc<dyn Build>) -> PluginSpec {
        PluginSpec {
            tenant: Name::from("default"),
            name: Name::from("joke"),
            version: "1.0.0".to_owned(),
            build,
            instances: 8,
            fresh: false,
            max_age: MaxAge::DEFAULT,
            policy: Arc::new(policy(&[])),
            probation: None,
        }
    }

    pub(crate) fn install(&self, build: Arc<dyn Build>) {
        self.lanes.install(Self::spec(build));
    }

    /// Accepts an event for the plugin `joke`, and gives its deliveries without delivering them.
    pub(crate) async fn accept(&self, id: &str, conversation: &str) -> Vec<Delivery> {
        self.accept_event(event(id, conversation)).await
    }

    /// As [`Bench::accept`], for an event of the test's own.
    pub(crate) async fn accept_event(&self, event: Event) -> Vec<Delivery> {
        let place = event.conversation.as_ref();
        let lane = Name::from(place.map_or("", |place| place.id.as_str()));
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let arrival = Arrival {
            tenant: Name::from("default"),
            key: EventKey::new(&[&event.id, &number.to_string()]),
            event: Arc::new(event),
            lane,
            routes: Some(vec![Route {
                plugin: Name::from("joke"),
                view: View::Whole,
                roles: Vec::new(),
            }]),
            timer: None,
            request: None,
            forms: Vec::new(),
        };
        match self.journal.accept(arrival).await.unwrap().value {
            Accepted::New { deliveries, .. } => deliveries,
            Accepted::Duplicate => Vec::new(),
        }
    }

    /// Lets an event happen.
    pub(crate) async fn say(&self, id: &str, conversation: &str) {
        use crate::mailbox::DeliverySink as _;
        self.lanes.deliver(self.accept(id, conversation).await);
    }

    pub(crate) fn status(&self) -> crate::runtime::lanes::PluginStatus {
        self.lanes.status().remove(0)
    }

    pub(crate) async fn pending(&self) -> u64 {
        self.journal.counts().await.unwrap().pending_deliveries
    }
}
