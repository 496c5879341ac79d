//! The bots and their sessions: started, watched, paused, begun again when they end.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::bots::BotDirectory;
use super::clock;
use super::hooks::Hooks;
use super::intake::{Inbox, WholeIntake};
use super::platforms::Platforms;
use crate::config::{BotConfig, Platform};
use crate::journal::{Journal, JournalResult};
use crate::mailbox::control::BotState;
use crate::mailbox::session::{
    BotTuning, Installation, Session as BotSession, SessionEnd, ShownCommand, Watch,
};
use crate::model::event::Bot;
use crate::model::{Name, Timestamp};
use crate::outbox::Outbox;

/// Where the journal keeps the names of paused bots.
pub(super) const PAUSED: &str = "paused-bots";
/// The wait before a session that ended is begun again; twice as long after each further end.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// How a bot does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotStatus {
    /// Its name.
    pub name: String,
    /// Its platform.
    pub platform: String,
    /// Whether its session lives.
    pub state: BotState,
    /// Since when.
    pub since: Timestamp,
    /// When the last event came from its platform; since the start of the host.
    pub last_event_in: Option<Timestamp>,
    /// Why its session ended last.
    pub reason: Option<String>,
}

/// Why something cannot be done to a bot.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There is no such bot.
    #[error("there is no bot {0}")]
    Unknown(String),
    /// The journal does not take it.
    #[error("journal does not take it: {0}")]
    Journal(#[from] crate::journal::JournalError),
}

/// The bots of a tenant.
pub struct Sessions {
    tenant: Name,
    platforms: Arc<dyn Platforms>,
    directory: Arc<BotDirectory>,
    outbox: Arc<Outbox>,
    inbox: Arc<Inbox>,
    journal: Arc<dyn Journal>,
    hooks: Arc<Hooks>,
    bots: Mutex<BTreeMap<String, Arc<Session>>>,
    paused: Mutex<BTreeSet<String>>,
    /// Bots are started, paused and removed one after the other.
    changing: tokio::sync::Mutex<()>,
    is_open: AtomicBool,
    stop: CancellationToken,
}

/// One bot.
struct Session {
    connector: Arc<dyn BotSession>,
    platform: String,
    /// Its settings when it was made.
    config: Platform,
    standing: Mutex<Standing>,
    running: Mutex<Option<(CancellationToken, JoinHandle<()>)>>,
}

struct Standing {
    state: BotState,
    since: Timestamp,
    reason: Option<String>,
}

/// What the sessions are joined to.
pub(super) struct SessionsParts {
    pub(super) tenant: Name,
    pub(super) platforms: Arc<dyn Platforms>,
    pub(super) directory: Arc<BotDirectory>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) hooks: Arc<Hooks>,
}

impl Sessions {
    /// Makes the bots of the settings known. Nothing is heard before [`Sessions::open`].
    pub(super) async fn new(parts: SessionsParts, bots: &[BotConfig]) -> anyhow::Result<Self> {
        let SessionsParts {
            tenant,
            platforms,
            directory,
            outbox,
            inbox,
            journal,
            hooks,
        } = parts;
        let paused = read_names(&*journal, PAUSED).await?;
        for bot in &paused {
            outbox.set_paused(bot, true);
        }
        let sessions = Self {
            tenant,
            platforms,
            directory,
            outbox,
            inbox,
            journal,
            hooks,
            bots: Mutex::default(),
            paused: Mutex::new(paused),
            changing: tokio::sync::Mutex::default(),
            is_open: AtomicBool::new(false),
            stop: CancellationToken::new(),
        };
        for bot in bots {
            sessions.add(bot)?;
        }
        Ok(sessions)
    }

    /// Begins the sessions of all bots that are not paused.
    pub(super) fn open(&self) {
        self.is_open.store(true, Ordering::Release);
        for session in self.all() {
            self.start(&session);
        }
    }

    /// Whether sessions are open: between [`Sessions::open`] and [`Sessions::close`].
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    /// Ends all sessions.
    pub(super) async fn close(&self) {
        self.is_open.store(false, Ordering::Release);
        self.stop.cancel();
        let _turn = self.changing.lock().await;
        for session in self.all() {
            session.end().await;
        }
    }

    /// The bots, as plugins see them.
    pub fn bots(&self) -> Vec<Bot> {
        let bots = self.bots.lock();
        bots.values()
            .map(|session| session.connector.bot())
            .collect()
    }

    /// How each bot does, by name.
    pub fn status(&self) -> Vec<BotStatus> {
        let bots = self.bots.lock();
        let bots = bots.iter();
        let activity = self.inbox.activity();
        let status = |(name, session): (&String, &Arc<Session>)| {
            let heard = activity.bot(&self.tenant, name);
            session.status(name, heard.last_event_at)
        };
        bots.map(status).collect()
    }

    /// How far the platform is, where the bots have accepted everything that they heard up to there;
    /// a paused bot does not count.
    pub fn quiet(&self) -> Option<Vec<(u64, u64)>> {
        let bots = self.bots.lock();
        let live = bots.values().filter(|session| session.is_running());
        live.map(|session| session.connector.quiet()).collect()
    }

    /// Tells each bot which commands its plugins have.
    pub(super) fn show_commands(&self, of_bot: impl Fn(&str) -> Vec<ShownCommand>) {
        for session in self.all() {
            let bot = session.connector.bot().name;
            session.connector.show_commands(&of_bot(&bot));
        }
    }

    /// Tells whether a bot is paused.
    pub fn is_paused(&self, bot: &str) -> bool {
        self.paused.lock().contains(bot)
    }

    /// Where bots are installed that somebody has to agree to.
    pub fn installations(&self) -> Vec<(String, Installation)> {
        let bots = self.bots.lock();
        let of = |(name, session): (&String, &Arc<Session>)| {
            Some((name.clone(), session.connector.installation()?))
        };
        bots.iter().filter_map(of).collect()
    }

    /// Where somebody agrees to a bot.
    pub fn install_link(&self, bot: &str) -> Option<String> {
        let session = self.find(bot).ok()?;
        session.connector.install_link()
    }

    /// Lets a bot take no events and send nothing, until it is resumed, over restarts too. Tells
    /// whether that is a change.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn pause(&self, bot: &str) -> Result<bool, SessionError> {
        let _turn = self.changing.lock().await;
        let session = self.find(bot)?;
        if self.is_paused(bot) {
            return Ok(false);
        }
        self.write_paused(bot, true).await?;
        self.outbox.set_paused(bot, true);
        session.end().await;
        session.stand(BotState::Paused, None);
        Ok(true)
    }

    /// Lets a paused bot go on. Tells whether that is a change.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn resume(&self, bot: &str) -> Result<bool, SessionError> {
        let _turn = self.changing.lock().await;
        let session = self.find(bot)?;
        if !self.is_paused(bot) {
            if !session.is_refused() {
                return Ok(false);
            }
            session.end().await;
            self.start(&session);
            return Ok(true);
        }
        self.write_paused(bot, false).await?;
        self.outbox.set_paused(bot, false);
        session.stand(BotState::Connecting, None);
        self.start(&session);
        Ok(true)
    }

    /// Follows new settings: new bots come, others go. Gives those that came.
    ///
    /// # Errors
    /// Says which bot cannot be had; nothing has changed then.
    pub(super) async fn apply(&self, wanted: &[BotConfig]) -> anyhow::Result<Vec<Bot>> {
        let _turn = self.changing.lock().await;
        let known: BTreeSet<String> = self.bots.lock().keys().cloned().collect();
        let mut came: Vec<Arc<Session>> = Vec::new();
        for config in wanted.iter().filter(|config| !known.contains(&config.name)) {
            match self.add(config) {
                Ok(session) => came.push(session),
                Err(error) => {
                    for session in came {
                        self.remove(&session).await;
                    }
                    return Err(error);
                }
            }
        }
        for name in known {
            let session = self.bots.lock().get(&name).cloned();
            let Some(session) = session else {
                continue;
            };
            match wanted.iter().find(|config| config.name == name) {
                Some(config) if is_tunable(&session.config, &config.platform) => {
                    session.connector.tune(tuning(config));
                }
                Some(config) => {
                    // Made before the old one goes: what cannot be made leaves it as it is.
                    let connector = self.platforms.session(&self.tenant, config)?;
                    tracing::info!(bot = name, "bot changed");
                    session.end().await;
                    let session = self.put(config, connector);
                    self.start(&session);
                }
                None => {
                    tracing::info!(bot = name, "bot removed");
                    self.remove(&session).await;
                }
            }
        }
        for session in &came {
            tracing::info!(bot = session.connector.bot().name, "bot added");
            self.start(session);
        }
        Ok(came.iter().map(|session| session.connector.bot()).collect())
    }

    fn add(&self, config: &BotConfig) -> anyhow::Result<Arc<Session>> {
        let connector = self.platforms.session(&self.tenant, config)?;
        Ok(self.put(config, connector))
    }

    fn put(&self, config: &BotConfig, connector: Arc<dyn BotSession>) -> Arc<Session> {
        let name = &config.name;
        connector.tune(tuning(config));
        self.directory.add(&self.tenant, name, connector.clone());
        self.hooks.set_bot(name, connector.called());
        let state = if self.is_paused(name) {
            connector.leave();
            BotState::Paused
        } else {
            BotState::Connecting
        };
        let session = Arc::new(Session {
            platform: connector.bot().platform,
            config: config.platform.clone(),
            connector,
            standing: Mutex::new(Standing {
                state,
                since: clock::now(),
                reason: None,
            }),
            running: Mutex::default(),
        });
        self.bots.lock().insert(name.clone(), session.clone());
        session
    }

    async fn remove(&self, session: &Arc<Session>) {
        session.end().await;
        session.connector.leave();
        let name = session.connector.bot().name;
        self.bots.lock().remove(&name);
        self.directory.remove(&self.tenant, &name);
        self.hooks.set_bot(&name, None);
    }

    fn start(&self, session: &Arc<Session>) {
        let is_wanted = self.is_open.load(Ordering::Acquire)
            && !self.is_paused(&session.connector.bot().name)
            && !session.is_running();
        if !is_wanted {
            return;
        }
        let stop = self.stop.child_token();
        let tenant = Name::clone(&self.tenant);
        let run = supervise(session.clone(), tenant, self.inbox.clone(), stop.clone());
        *session.running.lock() = Some((stop, tokio::spawn(run)));
    }

    fn all(&self) -> Vec<Arc<Session>> {
        self.bots.lock().values().cloned().collect()
    }

    fn find(&self, bot: &str) -> Result<Arc<Session>, SessionError> {
        let bots = self.bots.lock();
        let session = bots.get(bot).cloned();
        session.ok_or_else(|| SessionError::Unknown(bot.to_owned()))
    }

    async fn write_paused(&self, bot: &str, is_paused: bool) -> JournalResult<()> {
        let mut paused = self.paused.lock().clone();
        if is_paused {
            paused.insert(bot.to_owned());
        } else {
            paused.remove(bot);
        }
        write_names(&*self.journal, PAUSED, &paused).await?;
        *self.paused.lock() = paused;
        Ok(())
    }
}

impl Session {
    /// Its session begins; what ended the last one stays readable.
    fn connect(&self) {
        let mut standing = self.standing.lock();
        standing.state = BotState::Connecting;
        standing.since = clock::now();
    }

    /// Its session lives.
    fn connected(&self) {
        let mut standing = self.standing.lock();
        standing.state = BotState::Connected;
        standing.since = clock::now();
    }

    /// Tells whether its platform refused it, so that nothing begins it again.
    fn is_refused(&self) -> bool {
        let running = self.running.lock();
        running.as_ref().is_some_and(|(_, task)| task.is_finished())
    }

    fn stand(&self, state: BotState, reason: Option<String>) {
        *self.standing.lock() = Standing {
            state,
            since: clock::now(),
            reason,
        };
    }

    fn is_running(&self) -> bool {
        self.running.lock().is_some()
    }

    async fn end(&self) {
        let running = self.running.lock().take();
        if let Some((stop, task)) = running {
            stop.cancel();
            if task.await.is_err() {
                tracing::error!(
                    bot = self.connector.bot().name,
                    "session did not end cleanly"
                );
            }
            self.connector.leave();
        }
    }

    fn status(&self, name: &str, last_event_in: Option<Timestamp>) -> BotStatus {
        let standing = self.standing.lock();
        BotStatus {
            name: name.to_owned(),
            platform: self.platform.clone(),
            state: standing.state,
            since: standing.since,
            last_event_in,
            reason: standing.reason.clone(),
        }
    }
}

fn tuning(config: &BotConfig) -> BotTuning {
    let local = config.platform.local();
    BotTuning {
        per_minute: config.messages_per_minute,
        per_minute_in_conversation: config.conversation_messages_per_minute,
        text_only: local.text_only,
        edits: local.edits,
    }
}

/// Tells whether a bot can follow new settings without a new session.
fn is_tunable(old: &Platform, new: &Platform) -> bool {
    match (old, new) {
        (Platform::Local(_), Platform::Local(_)) => true,
        (old, new) => old == new,
    }
}

/// Keeps a session alive until it is told to end, or its platform refuses the bot.
async fn supervise(
    session: Arc<Session>,
    tenant: Name,
    inbox: Arc<Inbox>,
    stop: CancellationToken,
) {
    let name = session.connector.bot().name;
    let mut wait = FIRST_WAIT;
    loop {
        session.connect();
        let watch = Watching {
            session: &session,
            tenant: &tenant,
            inbox: &inbox,
            since: Mutex::default(),
        };
        let intake = WholeIntake(inbox.clone());
        let run = session.connector.run(&intake, &watch, stop.clone());
        let ended = AssertUnwindSafe(run).catch_unwind().await;
        if stop.is_cancelled() {
            return;
        }
        let mut least = Duration::ZERO;
        let why = match ended {
            Ok(SessionEnd::Stopped) => "the host took no more events".to_owned(),
            Ok(SessionEnd::Lost(why)) => why,
            Ok(SessionEnd::Later(why, wait)) => {
                least = wait;
                why
            }
            Ok(SessionEnd::Refused(why)) => {
                tracing::error!(bot = name, why, "bot refused; it stops");
                let advice = format!("{why}; `parlor bots resume {name}` tries again");
                session.stand(BotState::Stopped, Some(advice));
                return;
            }
            Err(_) => "the session panicked".to_owned(),
        };
        tracing::warn!(bot = name, why, "session ended; it is begun again");
        session.stand(BotState::Disconnected, Some(why));
        let lived = watch.since.lock().map(|since| since.elapsed());
        // One that lived longer than it was waited for is not one that cannot live.
        if lived.is_some_and(|lived| lived >= wait) {
            wait = FIRST_WAIT;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait.max(least)) => {}
        }
        wait = (wait * 2).min(MAX_WAIT);
    }
}

/// Notes that a session lives.
struct Watching<'a> {
    session: &'a Session,
    tenant: &'a Name,
    inbox: &'a Inbox,
    since: Mutex<Option<Instant>>,
}

impl Watch for Watching<'_> {
    fn connected(&self) {
        *self.since.lock() = Some(Instant::now());
        self.session.connected();
    }

    fn missed(&self, gap: Duration) {
        let bot = self.session.connector.bot().name;
        self.inbox.activity().missed(self.tenant, &bot, gap);
    }
}

/// Reads a set of names that the journal keeps.
async fn read_names(journal: &dyn Journal, key: &str) -> JournalResult<BTreeSet<String>> {
    let text = journal.host_value(key).await?.unwrap_or_default();
    if text.is_empty() {
        return Ok(BTreeSet::new());
    }
    Ok(serde_json::from_str(&text).unwrap_or_else(|error| {
        tracing::error!(key, %error, "host value cannot be read; it counts as empty");
        BTreeSet::new()
    }))
}

async fn write_names(
    journal: &dyn Journal,
    key: &str,
    names: &BTreeSet<String>,
) -> JournalResult<()> {
    let text = serde_json::to_string(names).unwrap_or_default();
    let written = journal.set_host_value(key, &text).await?;
    written.durable.wait().await
}
