//! Joins the parts of a host and takes them apart again in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bots::BotDirectory;
use super::contents::ParsedContent;
use super::forms::Forms;
use super::hooks::Hooks;
use super::intake::Inbox;
use super::outcomes::Tell;
use super::plugins::{Plugins, PluginsParts};
use super::reads::Reads;
use super::reload::{FolderChange, FolderWatcher};
use super::speaker::Speaker;
use super::{clock, timers};
use crate::config::{DEFAULT_LIMITS, Settings};
use crate::connectors::local::{Hub, LocalConnector};
use crate::journal::Journal;
use crate::mailbox::{Connector as _, Connectors};
use crate::model::{DEFAULT_TENANT, HOST_PLUGIN, Name, Timestamp};
use crate::outbox::{Outbox, OutboxConfig};
use crate::runtime::lanes::{Lanes, LanesConfig, LanesParts, PluginSpec};
use crate::runtime::turn::{ActionGrants, Policy};
use crate::runtime::{CompilerProgram, Engine, RuntimeConfig};
use crate::telemetry::Audit;

/// How long plugins may take to hear that the host stops, and calls in flight to end.
const DRAIN: Duration = Duration::from_secs(5);
/// How often what is old is dropped from the journal.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// How often the host looks whether everything is answered.
const LOOK_IDLE: Duration = Duration::from_millis(1);

/// What a host is made of.
pub struct HostParts {
    /// The settings.
    pub settings: Settings,
    /// The journal, open.
    pub journal: Arc<dyn Journal>,
    /// The local platform, open.
    pub hub: Hub,
    /// Where compiled code lies.
    pub cache: PathBuf,
    /// Who compiles.
    pub compiler: CompilerProgram,
}

/// A host that runs.
pub struct Host {
    journal: Arc<dyn Journal>,
    hub: Hub,
    engine: Engine,
    outbox: Arc<Outbox>,
    lanes: Arc<Lanes>,
    plugins: Arc<Plugins>,
    inbox: Arc<Inbox>,
    hooks: Arc<Hooks>,
    bots: Vec<Arc<LocalConnector>>,
    sessions: TaskTracker,
    stop_sessions: CancellationToken,
    tasks: TaskTracker,
    stop: CancellationToken,
    open: AtomicBool,
    started_at: Timestamp,
}

impl Host {
    /// Joins a host. It takes no events before [`Host::open`].
    ///
    /// # Errors
    /// What a part says that cannot start.
    pub async fn start(parts: HostParts) -> anyhow::Result<Self> {
        let HostParts {
            settings,
            journal,
            hub,
            cache,
            compiler,
        } = parts;
        let tenant: Name = DEFAULT_TENANT.into();
        let engine = engine(&settings, cache, compiler)?;
        let directory = Arc::new(BotDirectory::default());
        let mut bots = Vec::new();
        for bot in &settings.bots {
            let connector = LocalConnector::new(hub.clone(), tenant.clone(), &bot.name, &bot.name)
                .with_context(|| format!("bot {}", bot.name))?;
            let connector = Arc::new(connector);
            directory.add(&tenant, &bot.name, connector.clone());
            bots.push(connector);
        }
        let connectors: Arc<dyn Connectors> = directory;
        let forms = Arc::new(Forms::load(journal.as_ref()).await?);
        let tell = Arc::new(Tell::new(forms.clone()));
        let outbox = Arc::new(Outbox::new(
            journal.clone(),
            connectors.clone(),
            tell.clone(),
            OutboxConfig::default(),
        ));
        let lanes = Arc::new(Lanes::new(
            LanesParts {
                journal: journal.clone(),
                outbox: outbox.clone(),
                connectors: connectors.clone(),
                contents: Arc::new(ParsedContent),
            },
            LanesConfig {
                calls: settings.limits.calls as usize,
                ..LanesConfig::default()
            },
        ));
        let inbox = Arc::new(Inbox::new(journal.clone(), lanes.clone(), forms));
        tell.set_inbox(&inbox);
        lanes.install(speaker(&tenant));
        let hooks = Hooks::new(tenant.clone(), settings.clone(), &inbox, connectors.clone());
        let plugins = Arc::new(Plugins::new(PluginsParts {
            tenant,
            settings,
            engine: engine.clone(),
            journal: journal.clone(),
            lanes: lanes.clone(),
            inbox: inbox.clone(),
            reads: Arc::new(Reads::new(connectors)),
            hooks: hooks.clone(),
            bots: bots.iter().map(|bot| bot.bot()).collect(),
        }));
        tell.set_plugins(&plugins);
        let panel = Arc::downgrade(&plugins);
        hooks.follow_counts(move || {
            if let Some(plugins) = panel.upgrade() {
                plugins.tell_panel();
            }
        });
        let telling = tell.run();
        let stop = CancellationToken::new();
        let told = stop.clone();
        let tasks = TaskTracker::new();
        tasks.spawn(async move {
            tokio::select! {
                () = told.cancelled() => {}
                () = telling => {}
            }
        });
        Ok(Self {
            journal,
            hub,
            engine,
            outbox,
            lanes,
            plugins,
            inbox,
            hooks,
            bots,
            sessions: TaskTracker::new(),
            stop_sessions: CancellationToken::new(),
            tasks,
            stop,
            open: AtomicBool::new(false),
            started_at: clock::now(),
        })
    }

    /// Follows the plugin folder; resolves when everything that is there was loaded or refused.
    pub async fn follow(&self, mut watcher: FolderWatcher) {
        while let Some(change) = watcher.next().await {
            if change == FolderChange::Scanned {
                break;
            }
            self.plugins.apply(change).await;
        }
        let plugins = self.plugins.clone();
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => break,
                    change = watcher.next() => match change {
                        Some(change) => plugins.apply(change).await,
                        None => break,
                    },
                }
            }
            watcher.stop().await;
        });
    }

    /// Takes up what the journal holds from before, then opens the bots' sessions.
    ///
    /// # Errors
    /// The journal's.
    pub async fn open(&self) -> anyhow::Result<()> {
        let parts = self.outbox.recover().await?;
        let deliveries = self.lanes.recover().await?;
        if parts + deliveries > 0 {
            tracing::info!(deliveries, parts, "taken up from before");
        }
        let timers = timers::run(self.journal.clone(), self.inbox.clone(), self.stop.clone());
        self.tasks.spawn(timers);
        self.tasks
            .spawn(prune(self.journal.clone(), self.stop.clone()));
        for bot in &self.bots {
            let (bot, inbox) = (bot.clone(), self.inbox.clone());
            let stop = self.stop_sessions.clone();
            self.sessions.spawn(async move {
                bot.run(inbox.as_ref(), stop.cancelled()).await;
            });
        }
        self.open.store(true, Ordering::Release);
        Ok(())
    }

    /// Writes changes of plugins and settings down from now on.
    pub fn set_audit(&self, audit: Audit) {
        self.plugins.set_audit(audit);
    }

    /// The webhooks of plugins.
    pub fn hooks(&self) -> &Arc<Hooks> {
        &self.hooks
    }

    /// The outbox, for its counts.
    pub fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn bots(&self) -> &[Arc<LocalConnector>] {
        &self.bots
    }

    pub(super) fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Whether sessions are open: not yet before [`Host::open`], no more once it stops.
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire) && !self.stop_sessions.is_cancelled()
    }

    /// The local platform.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The plugins.
    pub fn plugins(&self) -> &Arc<Plugins> {
        &self.plugins
    }

    /// The journal.
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// The lanes, for their counts.
    pub fn lanes(&self) -> &Arc<Lanes> {
        &self.lanes
    }

    /// The way in.
    pub fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// Resolves when no event, delivery or part is open. Timers are not waited for.
    pub async fn idle(&self) {
        loop {
            let counts = self.journal.counts().await;
            let nothing_waits = counts
                .is_ok_and(|counts| counts.pending_deliveries == 0 && counts.pending_parts == 0);
            if nothing_waits
                && self.bots.iter().all(|bot| bot.is_idle())
                && self.outbox.open_parts() == 0
            {
                return;
            }
            tokio::time::sleep(LOOK_IDLE).await;
        }
    }

    /// Stops: no new events, calls in flight end and commit, what is committed leaves, the rest
    /// stays in the journal.
    pub async fn stop(&self) {
        self.stop_sessions.cancel();
        self.hooks.stop().await;
        self.sessions.close();
        self.sessions.wait().await;
        if self.open.load(Ordering::Acquire) {
            self.plugins.drain().await;
            // What is not done by then is in the journal.
            let _ = tokio::time::timeout(DRAIN, self.idle()).await;
        }
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.lanes.stop().await;
        self.outbox.stop().await;
        self.engine.shutdown().await;
        if let Err(error) = self.hub.close() {
            tracing::warn!(%error, "local platform not closed cleanly");
        }
        if let Err(error) = self.journal.close().await {
            tracing::warn!(%error, "journal not closed cleanly");
        }
    }
}

fn engine(
    settings: &Settings,
    cache: PathBuf,
    compiler: CompilerProgram,
) -> anyhow::Result<Engine> {
    let mut config = RuntimeConfig::new(cache, compiler);
    config.instances = settings.limits.instances;
    config.calls = settings.limits.calls;
    config.http_requests = settings.limits.http_requests;
    if let Some(bytes) = settings.limits.guest_memory_bytes {
        config.guest_memory_bytes = bytes;
    }
    Ok(Engine::new(config)?)
}

fn speaker(tenant: &Name) -> PluginSpec {
    PluginSpec {
        tenant: tenant.clone(),
        name: HOST_PLUGIN.into(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build: Arc::new(Speaker),
        instances: 1,
        fresh: false,
        policy: Arc::new(Policy {
            actions: ActionGrants::All,
            http: None,
            limits: DEFAULT_LIMITS,
        }),
    }
}

async fn prune(journal: Arc<dyn Journal>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PRUNE_EVERY) => {}
        }
        if let Err(error) = journal.prune(clock::now()).await {
            tracing::warn!(%error, "journal not pruned");
        }
    }
}
