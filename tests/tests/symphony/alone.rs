//! A bot's connector without the rest of a host: what it hands over and when, and what it does.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use parlor_host::config::{Platform, Settings};
use parlor_host::connectors::symphony::SymphonyConnector;
use parlor_host::journal::{Durable, EventKey, NewPart, Part, PartState, Sent, Urgency};
use parlor_host::mailbox::session::{Session as _, SessionEnd, Watch};
use parlor_host::mailbox::{
    Acceptance, Clock as _, Connector as _, Incoming, Intake, IntakeError, Read, ReadAnswer,
    SendError, SystemClock,
};
use parlor_host::model::action::{Action, ActionKind};
use parlor_host::model::event::{Addressing, Event};
use parlor_host::model::payload::{EventPayload, OtherEvent};
use parlor_host::model::{DEFAULT_TENANT, Name};
use parlor_tests::harness::PATIENCE;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::bank::DESK;

/// Takes events as a journal does: each key once, and nothing while it is full.
#[derive(Default)]
pub(crate) struct Journal {
    is_full: AtomicBool,
    taken: Mutex<Taken>,
    bell: watch::Sender<u64>,
}

#[derive(Default)]
struct Taken {
    keys: HashSet<EventKey>,
    events: Vec<Event>,
    /// How often it was offered something.
    offers: usize,
    /// How often something was offered that it has.
    again: usize,
}

#[async_trait]
impl Intake for Journal {
    async fn take_ordered(
        &self,
        incoming: Vec<Incoming>,
    ) -> Result<(Vec<Acceptance>, Durable), IntakeError> {
        let taken = self.take_all(incoming);
        self.bell.send_modify(|rung| *rung += 1);
        Ok((taken?, Durable::done()))
    }
}

impl Journal {
    fn take_all(&self, incoming: Vec<Incoming>) -> Result<Vec<Acceptance>, IntakeError> {
        let mut taken = self.taken.lock();
        taken.offers += 1;
        if self.is_full.load(Ordering::Relaxed) {
            return Err(IntakeError::Paused("the journal is full".to_owned()));
        }
        let accept = |incoming: Incoming| {
            if taken.keys.insert(incoming.key) {
                taken.events.push(incoming.event);
                return Acceptance::New(1);
            }
            taken.again += 1;
            Acceptance::Duplicate
        };
        Ok(incoming.into_iter().map(accept).collect())
    }

    /// Is full from now on, or has room again.
    pub(crate) fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    /// How often it was offered something.
    pub(crate) fn offers(&self) -> usize {
        self.taken.lock().offers
    }

    /// How often it was offered something that it has.
    pub(crate) fn again(&self) -> usize {
        self.taken.lock().again
    }

    /// What the messages say that it has, in their order.
    pub(crate) fn texts(&self) -> Vec<String> {
        let taken = self.taken.lock();
        let texts = taken
            .events
            .iter()
            .filter_map(|event| match &event.payload {
                EventPayload::Message(message) => Some(message.text.clone()),
                _ => None,
            });
        texts.collect()
    }

    /// The conversations of the events that it has, and whether people of other companies are there.
    pub(crate) fn places(&self) -> Vec<(String, bool)> {
        let taken = self.taken.lock();
        let places = taken.events.iter().filter_map(|event| {
            let place = event.conversation.as_ref()?;
            assert_eq!(place.external, place.cross_pod);
            Some((place.id.clone(), place.external))
        });
        places.collect()
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let mut bell = self.bell.subscribe();
        let wait = async {
            loop {
                bell.borrow_and_update();
                if holds(self) {
                    return;
                }
                bell.changed().await.expect("the journal is there");
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        waited.unwrap_or_else(|_| panic!("{what}: never; {:?}", self.texts()));
    }
}

#[derive(Default)]
struct Seen(watch::Sender<bool>);

impl Watch for Seen {
    fn connected(&self) {
        self.0.send_replace(true);
    }
}

/// A bot whose session runs.
pub(crate) struct Alone {
    pub(crate) connector: Arc<SymphonyConnector>,
    stop: CancellationToken,
    session: JoinHandle<SessionEnd>,
}

/// The connector of the first bot of these settings. Nothing was asked of its platform yet.
pub(crate) fn connector(folder: &Path, settings: &str) -> SymphonyConnector {
    let path = folder.join("parlor.toml");
    let settings = Settings::parse(&path, settings, &|_| None);
    let settings = settings.unwrap_or_else(|problems| panic!("settings: {problems:?}"));
    let Platform::Symphony(config) = &settings.bots[0].platform else {
        panic!("the bot is on another platform");
    };
    let tenant: Name = DEFAULT_TENANT.into();
    let connector = SymphonyConnector::new(tenant, DESK, (**config).clone());
    connector.expect("the bot can be made")
}

/// A part that does something in a conversation, because of an event of the host's own.
pub(crate) fn part(connector: &SymphonyConnector, there: &str, kind: ActionKind) -> Part {
    let action = Action {
        key: None,
        bot: None,
        as_user: None,
        kind,
    };
    Part {
        number: 1,
        tenant: DEFAULT_TENANT.into(),
        plugin: "test".into(),
        delivery: 1,
        origin: Arc::new(cause(connector)),
        what: NewPart {
            bot: DESK.into(),
            conversation: there.into(),
            index: 0,
            part: 0,
            urgency: Urgency::Answer,
            action: Arc::new(action),
            sending: true,
        },
        broadcast: None,
        state: PartState::Sending,
        attempts: 1,
    }
}

/// What is done comes of an event; here of one of the host's own.
fn cause(connector: &SymphonyConnector) -> Event {
    let now = SystemClock.now();
    Event {
        id: "test:1".to_owned(),
        sequence: 0,
        attempt: 1,
        occurred_at: now,
        received_at: now,
        bot: Some(connector.bot()),
        conversation: None,
        actor: None,
        addressing: Addressing::Ambient,
        cause: None,
        depth: 0,
        trace_id: "tests1".to_owned(),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Other(OtherEvent {
            kind: "test".to_owned(),
            json: "{}".to_owned(),
        }),
    }
}

impl Alone {
    /// Starts the first bot of these settings, and waits until its feed is there.
    pub(crate) async fn start(folder: &Path, settings: &str, journal: &Arc<Journal>) -> Self {
        let connector = Arc::new(connector(folder, settings));
        let stop = CancellationToken::new();
        let seen = Arc::new(Seen::default());
        let mut connected = seen.0.subscribe();
        let session = {
            let (connector, journal, stop) = (connector.clone(), journal.clone(), stop.clone());
            tokio::spawn(async move { connector.run(&*journal, &*seen, stop).await })
        };
        let alone = Self {
            connector,
            stop,
            session,
        };
        let waited = tokio::time::timeout(PATIENCE, connected.wait_for(|it| *it)).await;
        if !matches!(waited, Ok(Ok(_))) {
            panic!("not connected: {:?}", alone.stop().await);
        }
        drop(waited);
        alone
    }

    /// Ends its session, as a host that stops does.
    pub(crate) async fn stop(self) -> SessionEnd {
        self.stop.cancel();
        self.session.await.expect("a session does not panic")
    }

    /// Waits until its session ends by itself.
    pub(crate) async fn ends(self) -> SessionEnd {
        let ended = tokio::time::timeout(PATIENCE, self.session).await;
        let ended = ended.expect("the session ends");
        ended.expect("a session does not panic")
    }

    /// Does something in a conversation.
    pub(crate) async fn does(&self, there: &str, kind: ActionKind) -> Result<Sent, SendError> {
        let part = part(&self.connector, there, kind);
        self.connector.perform(&part).await
    }

    /// Reads something.
    pub(crate) async fn reads(&self, read: Read) -> ReadAnswer {
        let answer = self.connector.read(read.clone()).await;
        answer.unwrap_or_else(|error| panic!("{read:?}: {error:?}"))
    }
}
