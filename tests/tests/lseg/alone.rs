//! A bot's connector without the rest of a host: what it hands over, and when.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use parlor_host::config::{Platform, Settings};
use parlor_host::connectors::lseg::LsegConnector;
use parlor_host::journal::{Durable, EventKey};
use parlor_host::mailbox::session::{Session as _, SessionEnd, Watch};
use parlor_host::mailbox::{Acceptance, Incoming, Intake, IntakeError};
use parlor_host::model::DEFAULT_TENANT;
use parlor_host::model::payload::EventPayload;
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::lseg::Lseg;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::desk::{DESK, settings};

/// Takes events as a journal does: each key once, and nothing while it is full.
#[derive(Default)]
pub(crate) struct Journal {
    is_full: AtomicBool,
    keys: Mutex<HashSet<EventKey>>,
    texts: watch::Sender<Vec<String>>,
    is_connected: watch::Sender<bool>,
    gaps: Mutex<Vec<Duration>>,
}

#[async_trait]
impl Intake for Journal {
    async fn take_ordered(
        &self,
        incoming: Vec<Incoming>,
    ) -> Result<(Vec<Acceptance>, Durable), IntakeError> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(IntakeError::Paused("the journal is full".to_owned()));
        }
        let take = |incoming: Incoming| {
            if !self.keys.lock().insert(incoming.key) {
                return Acceptance::Duplicate;
            }
            if let EventPayload::Message(message) = incoming.event.payload {
                self.texts.send_modify(|texts| texts.push(message.text));
            }
            Acceptance::New(1)
        };
        Ok((incoming.into_iter().map(take).collect(), Durable::done()))
    }
}

impl Watch for Journal {
    fn connected(&self) {
        self.is_connected.send_replace(true);
    }

    fn missed(&self, gap: Duration) {
        self.gaps.lock().push(gap);
    }
}

impl Journal {
    /// Is full from now on, or has room again.
    pub(crate) fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    /// What the messages say that it has, in their order.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.texts.borrow().clone()
    }

    /// How long nobody heard the platform, each time.
    pub(crate) fn gaps(&self) -> Vec<Duration> {
        self.gaps.lock().clone()
    }

    /// Waits until it has so many messages.
    pub(crate) async fn has(&self, count: usize) {
        let mut texts = self.texts.subscribe();
        let waited = tokio::time::timeout(PATIENCE, texts.wait_for(|it| it.len() >= count)).await;
        assert!(matches!(waited, Ok(Ok(_))), "{:?}", self.texts());
    }
}

/// The connector of the platform's bot. Nothing was asked of the platform yet.
pub(crate) fn connector(sim: &Lseg, folder: &Path, more: &str) -> LsegConnector {
    let text = settings(sim, Some(&folder.join("data")), more);
    let settings = Settings::parse(&folder.join("parlor.toml"), &text, &|_| None);
    let settings = settings.unwrap_or_else(|problems| panic!("settings: {problems:?}"));
    let Platform::Lseg(config) = &settings.bots[0].platform else {
        panic!("the bot is on another platform");
    };
    let connector = LsegConnector::new(DEFAULT_TENANT.into(), DESK, (**config).clone());
    connector.expect("the bot can be made")
}

/// A session that runs.
pub(crate) struct Alone {
    stop: CancellationToken,
    session: JoinHandle<SessionEnd>,
}

impl Alone {
    /// Starts a session, and waits until it is connected.
    pub(crate) async fn start(connector: &Arc<LsegConnector>, journal: &Arc<Journal>) -> Self {
        journal.is_connected.send_replace(false);
        let stop = CancellationToken::new();
        let session = {
            let (connector, journal, stop) = (connector.clone(), journal.clone(), stop.clone());
            tokio::spawn(async move { connector.run(&*journal, &*journal, stop).await })
        };
        let mut connected = journal.is_connected.subscribe();
        let waited = tokio::time::timeout(PATIENCE, connected.wait_for(|it| *it)).await;
        assert!(matches!(waited, Ok(Ok(_))), "not connected");
        Self { stop, session }
    }

    /// Ends the session, as a host that stops does.
    pub(crate) async fn stop(self) -> SessionEnd {
        self.stop.cancel();
        self.ends().await
    }

    /// Waits until the session ends by itself.
    pub(crate) async fn ends(self) -> SessionEnd {
        let ended = tokio::time::timeout(PATIENCE, self.session).await;
        let ended = ended.expect("the session ends");
        ended.expect("a session does not panic")
    }
}
