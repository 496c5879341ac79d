//! Joins the parts of a host and takes them apart again in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bots::BotDirectory;
use super::contents::ParsedContent;
use super::forms::Forms;
use super::intake::Inbox;
use super::outcomes::Tell;
use super::plugins::{Plugins, PluginsParts, ReloadError};
use super::reads::Reads;
use super::reload::{FolderChange, FolderWatcher, ScanHandle};
use super::sends::{CountedOutbox, Sends};
use super::sessions::{Sessions, SessionsParts};
use super::speaker::Speaker;
use super::{clock, control, timers};
use crate::config::{DEFAULT_LIMITS, Settings};
use crate::connectors::local::Hub;
use crate::journal::Journal;
use crate::mailbox::Connectors;
use crate::mailbox::control::ReloadedLine;
use crate::model::{DEFAULT_TENANT, HOST_PLUGIN, Name};
use crate::outbox::{Outbox, OutboxConfig};
use crate::runtime::lanes::{Lanes, LanesConfig, LanesParts, PluginSpec};
use crate::runtime::turn::{ActionGrants, Policy};
use crate::runtime::{CompilerProgram, Engine, RuntimeConfig};

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
    directory: Arc<BotDirectory>,
    sessions: Arc<Sessions>,
    sends: Arc<Sends>,
    scan: Mutex<Option<ScanHandle>>,
    /// Rises with each look through the plugin folder that somebody asked for.
    scans: watch::Sender<u64>,
    /// Holds of the outbox are changed one after the other.
    holds: tokio::sync::Mutex<()>,
    tasks: TaskTracker,
    stop: CancellationToken,
    open: AtomicBool,
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
        let connectors: Arc<dyn Connectors> = directory.clone();
        let forms = Arc::new(Forms::load(journal.as_ref()).await?);
        let sends = Arc::new(Sends::default());
        let tell = Arc::new(Tell::new(forms.clone(), sends.clone()));
        let outbox = Arc::new(Outbox::new(
            journal.clone(),
            connectors.clone(),
            tell.clone(),
            OutboxConfig::default(),
        ));
        outbox.set_holds(control::read_holds(journal.as_ref()).await?);
        let lanes = Arc::new(Lanes::new(
            LanesParts {
                journal: journal.clone(),
                outbox: Arc::new(CountedOutbox {
                    outbox: outbox.clone(),
                    sends: sends.clone(),
                }),
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
        let dead = sends.clone();
        lanes.on_dead(Box::new(move |delivery, detail| {
            dead.dead(&delivery.event.id, detail);
        }));
        lanes.install(speaker(&tenant));
        let sessions = SessionsParts {
            tenant: tenant.clone(),
            hub: hub.clone(),
            directory: directory.clone(),
            outbox: outbox.clone(),
            inbox: inbox.clone(),
            journal: journal.clone(),
        };
        let sessions = Arc::new(Sessions::new(sessions, &settings.bots).await?);
        let plugins = Arc::new(Plugins::new(PluginsParts {
            tenant,
            settings,
            engine: engine.clone(),
            journal: journal.clone(),
            lanes: lanes.clone(),
            inbox: inbox.clone(),
            reads: Arc::new(Reads::new(connectors)),
            sessions: sessions.clone(),
        }));
        tell.set_plugins(&plugins);
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
            directory,
            sessions,
            sends,
            scan: Mutex::default(),
            scans: watch::channel(0).0,
            holds: tokio::sync::Mutex::default(),
            tasks,
            stop,
            open: AtomicBool::new(false),
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
        *self.scan.lock() = Some(watcher.handle());
        let plugins = self.plugins.clone();
        let (stop, scans) = (self.stop.clone(), self.scans.clone());
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => break,
                    change = watcher.next() => match change {
                        Some(FolderChange::Scanned) => scans.send_modify(|number| *number += 1),
                        Some(change) => plugins.apply(change).await,
                        None => break,
                    },
                }
            }
            watcher.stop().await;
        });
    }

    /// Reads the settings and the plugin folder again, and lets changes serve that wait in manual
    /// mode: all, or those of one plugin.
    ///
    /// # Errors
    /// [`ReloadError`].
    pub async fn reload(&self, plugin: Option<&str>) -> Result<ReloadedLine, ReloadError> {
        let scan = self.scan.lock().clone();
        let mut scans = self.scans.subscribe();
        let scan = async {
            if let Some(scan) = scan {
                scans.mark_unchanged();
                scan.scan_now();
                // An error says that the folder is followed no more.
                let _ended = scans.changed().await;
            }
        };
        self.plugins.reload(plugin, scan).await
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
        self.sessions.open();
        self.open.store(true, Ordering::Release);
        Ok(())
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

    /// The bots.
    pub fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// The outbox.
    pub fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// Who performs actions, by bot.
    pub(super) fn directory(&self) -> &BotDirectory {
        &self.directory
    }

    /// Keeps the holds of the outbox as they are until the guard is dropped.
    pub(super) async fn holds_turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.holds.lock().await
    }

    /// The messages that somebody waits for.
    pub(super) fn sends(&self) -> &Arc<Sends> {
        &self.sends
    }

    /// The lanes, for their counts.
    pub fn lanes(&self) -> &Arc<Lanes> {
        &self.lanes
    }

    /// The way in.
    pub fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// Resolves when no event, delivery or part is open. Timers, and what is held, are not waited for.
    pub async fn idle(&self) {
        loop {
            let counts = self.journal.counts().await;
            // What is held goes on when an operator says so.
            let held = self.outbox.held_parts();
            let nothing_waits = counts.is_ok_and(|counts| {
                counts.pending_deliveries == 0 && counts.pending_parts <= held as u64
            });
            if nothing_waits && self.sessions.is_idle() && self.outbox.open_parts() <= held {
                return;
            }
            tokio::time::sleep(LOOK_IDLE).await;
        }
    }

    /// Stops: no new events, calls in flight end and commit, what is committed leaves, the rest
    /// stays in the journal.
    pub async fn stop(&self) {
        self.sessions.close().await;
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
