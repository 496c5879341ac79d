//! Joins the parts of a host and takes them apart again in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answers::Answers;
use super::bots::BotDirectory;
use super::closing;
use super::contents::ParsedContent;
use super::failures::Failures;
use super::forms::Forms;
use super::hooks::Hooks;
use super::hosting::Hosting;
use super::intake::Inbox;
use super::outcomes::Tell;
use super::platforms::Platforms;
use super::plugins::{Plugins, PluginsParts, ReloadError};
use super::reads::Reads;
use super::reload::{FolderChange, FolderWatcher, ScanHandle};
use super::sends::{CountedOutbox, Sends};
use super::sessions::{Sessions, SessionsParts};
use super::speaker::Speaker;
use super::stage::Stage;
use super::timers::Timers;
use super::trace::Trace;
use super::{clock, control};
use crate::config::{DEFAULT_LIMITS, Settings};
use crate::connectors::local::Hub;
use crate::journal::{Journal, JournalResult, Keep};
use crate::mailbox::control::ReloadedLine;
use crate::mailbox::{Clock, Connectors};
use crate::model::age::MaxAge;
use crate::model::{DEFAULT_TENANT, HOST_PLUGIN, Name, Timestamp};
use crate::net::Egress;
use crate::outbox::requests::{Requests, RequestsConfig};
use crate::outbox::{Outbox, OutboxConfig};
use crate::runtime::lanes::{Lanes, LanesConfig, LanesParts, PluginSpec};
use crate::runtime::turn::{ActionGrants, Policy};
use crate::runtime::{CompilerProgram, Engine, RuntimeConfig, TracingLog};
use crate::telemetry::Audit;

/// How long calls may take to end after the grace period; then their deliveries wait in the journal
/// for the next start.
const PARK: Duration = Duration::from_secs(1);
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
    /// Where the bots are.
    pub platforms: Arc<dyn Platforms>,
    /// Where compiled code lies.
    pub cache: PathBuf,
    /// Where builds that served lie; in memory where there is no folder.
    pub artifacts: Option<PathBuf>,
    /// Who compiles.
    pub compiler: CompilerProgram,
    /// Tells the time of events and timers.
    pub clock: Arc<dyn Clock>,
}

/// A host that runs.
pub struct Host {
    journal: Arc<dyn Journal>,
    hub: Hub,
    engine: Engine,
    outbox: Arc<Outbox>,
    requests: Arc<Requests>,
    lanes: Arc<Lanes>,
    plugins: Arc<Plugins>,
    inbox: Arc<Inbox>,
    clock: Arc<dyn Clock>,
    directory: Arc<BotDirectory>,
    sessions: Arc<Sessions>,
    sends: Arc<Sends>,
    hooks: Arc<Hooks>,
    failures: Arc<Failures>,
    scan: Mutex<Option<ScanHandle>>,
    /// Rises with each look through the plugin folder that somebody asked for.
    scans: watch::Sender<u64>,
    /// Holds of the outbox are changed one after the other.
    holds: tokio::sync::Mutex<()>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Has timers look at the clock at once.
    look_at_clock: Arc<Notify>,
    open: AtomicBool,
    started_at: Timestamp,
    grace: Duration,
}

impl Host {
    /// Joins a host. It takes no events before [`Host::open`].
    ///
    /// # Errors
    /// What a part says that cannot start.
    pub async fn start(parts: HostParts) -> anyhow::Result<Self> {
        Self::start_on(None, parts).await
    }

    /// As [`Host::start`], on a stage.
    pub(super) async fn start_on(stage: Option<Stage>, parts: HostParts) -> anyhow::Result<Self> {
        let HostParts {
            settings,
            journal,
            hub,
            platforms,
            cache,
            artifacts,
            compiler,
            clock,
        } = parts;
        let tenant: Name = DEFAULT_TENANT.into();
        let grace = settings.limits.grace;
        let engine = engine(&settings, cache, compiler, stage.as_ref())?;
        let directory = Arc::new(BotDirectory::default());
        let connectors: Arc<dyn Connectors> = directory.clone();
        let forms = Arc::new(Forms::load(journal.as_ref()).await?);
        let sentences = Arc::new(ArcSwap::from_pointee(settings.sentences.hosted.clone()));
        let sends = Arc::new(Sends::default());
        let on_end = stage.as_ref().map(|stage| stage.on_end.clone());
        let tell = Arc::new(Tell::new(forms.clone(), sends.clone(), on_end));
        let outbox = Arc::new(Outbox::new(
            journal.clone(),
            connectors.clone(),
            tell.clone(),
            OutboxConfig {
                sentences: sentences.clone(),
                in_doubt: settings.outbox.in_doubt,
                doubt_wait: settings.outbox.doubt_wait,
                clock: clock.clone(),
                ..OutboxConfig::default()
            },
        ));
        let requests = Arc::new(Requests::new(
            journal.clone(),
            engine.egress().clone(),
            requests_config(&settings),
        ));
        outbox.set_holds(control::read_holds(journal.as_ref()).await?);
        let lanes_config = LanesConfig {
            calls: settings.limits.calls as usize,
            ..LanesConfig::default()
        };
        let lanes = Arc::new(Lanes::new(
            LanesParts {
                journal: journal.clone(),
                outbox: Arc::new(CountedOutbox {
                    outbox: outbox.clone(),
                    sends: sends.clone(),
                }),
                requests: requests.clone(),
                clock: clock.clone(),
                connectors: connectors.clone(),
                contents: Arc::new(ParsedContent),
            },
            match &stage {
                Some(stage) => stage.lanes(lanes_config),
                None => lanes_config,
            },
        ));
        let hosting = Hosting::new(connectors.clone(), sentences.clone());
        let inbox = Inbox::new(journal.clone(), lanes.clone(), forms.clone(), clock.clone());
        let inbox = Arc::new(inbox.with_hosting(hosting));
        inbox.hosting.set_outbox(&outbox);
        tell.set_inbox(&inbox);
        let dead = sends.clone();
        let failures = Arc::new(Failures::new(&settings.sentences.failure.on_failure));
        failures.set_inbox(&inbox);
        let failed = failures.clone();
        lanes.on_dead(Box::new(move |delivery, _, detail| {
            dead.dead(&delivery.event.id, detail);
            failed.dead(delivery);
        }));
        lanes.install(speaker(&tenant));
        let hooks = Hooks::new(tenant.clone(), settings.clone(), &inbox, connectors.clone());
        let sessions = SessionsParts {
            tenant: tenant.clone(),
            platforms,
            directory: directory.clone(),
            outbox: outbox.clone(),
            inbox: inbox.clone(),
            journal: journal.clone(),
            hooks: hooks.clone(),
        };
        let sessions = Arc::new(Sessions::new(sessions, &settings.bots).await?);
        let plugins = Arc::new(Plugins::new(PluginsParts {
            tenant,
            settings,
            engine: engine.clone(),
            journal: journal.clone(),
            lanes: lanes.clone(),
            inbox: inbox.clone(),
            requests: requests.clone(),
            reads: Arc::new(Reads::new(connectors, outbox.clone())),
            sessions: sessions.clone(),
            hooks: hooks.clone(),
            artifacts,
            log: stage.map_or_else(|| Arc::new(TracingLog) as _, |stage| stage.log),
        }));
        let (failed, kept) = (failures.clone(), journal.clone());
        plugins.on_settings(Box::new(move |settings| {
            kept.set_keep(Keep {
                finished: settings.journal.keep_ms,
                dead: settings.journal.keep_dead_ms,
            });
            failed.set_sentence(&settings.sentences.failure.on_failure);
            sentences.store(Arc::new(settings.sentences.hosted.clone()));
        }));
        tell.set_plugins(&plugins);
        let panel = Arc::downgrade(&plugins);
        hooks.follow_counts(move || {
            if let Some(plugins) = panel.upgrade() {
                plugins.tell_panel();
            }
        });
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(plugins.clone().follow_probations(stop.clone()));
        let failing = failures.clone().run();
        let told = stop.clone();
        tasks.spawn(async move { told.run_until_cancelled(failing).await });
        Ok(Self {
            journal,
            hub,
            engine,
            outbox,
            requests,
            lanes,
            plugins,
            inbox,
            clock,
            directory,
            sessions,
            sends,
            hooks,
            failures,
            scan: Mutex::default(),
            scans: watch::channel(0).0,
            holds: tokio::sync::Mutex::default(),
            tasks,
            stop,
            look_at_clock: Arc::default(),
            open: AtomicBool::new(false),
            started_at: clock::now(),
            grace,
        })
    }

    /// Follows the plugin folder; resolves when everything that is there was loaded or refused.
    pub async fn follow(&self, mut watcher: FolderWatcher) {
        while let Some(change) = watcher.next().await {
            let is_all = change == FolderChange::Scanned;
            self.plugins.apply(change).await;
            if is_all {
                break;
            }
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
        self.requests.open(Arc::new(Answers {
            inbox: self.inbox.clone(),
            clock: self.clock.clone(),
        }));
        let timers = Timers::new(
            self.journal.clone(),
            self.inbox.clone(),
            self.plugins.clone(),
            self.clock.clone(),
        );
        let look = self.look_at_clock.clone();
        self.tasks.spawn(timers.run(look, self.stop.clone()));
        self.tasks
            .spawn(closing::run(self.inbox.clone(), self.stop.clone()));
        self.tasks
            .spawn(prune(self.journal.clone(), self.stop.clone()));
        self.sessions.open();
        self.open.store(true, Ordering::Release);
        Ok(())
    }

    /// Writes changes of plugins and settings down from now on.
    pub fn set_audit(&self, audit: Audit) {
        self.plugins.set_audit(audit);
    }

    /// Lets every event be traced from now on; the first who asks for it stays.
    pub fn trace(&self, trace: &Arc<Trace>) {
        self.inbox.set_trace(trace.clone());
        let trace = trace.clone();
        self.lanes.on_call(Box::new(move |note| trace.called(note)));
    }

    /// The webhooks of plugins.
    pub fn hooks(&self) -> &Arc<Hooks> {
        &self.hooks
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Whether sessions are open: not yet before [`Host::open`], no more once it stops.
    pub(super) fn is_open(&self) -> bool {
        self.sessions.is_open()
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

    /// Resolves when no event, delivery, request or part is open. Timers, and what is held, are not
    /// waited for.
    pub async fn idle(&self) {
        loop {
            let requests = self.requests.quiet();
            let heard = self.sessions.quiet();
            let forms = self.inbox.forms_generation();
            let counts = self.journal.counts().await;
            // What is held goes on when an operator says so.
            let held = self.outbox.held_parts();
            let nothing_waits = counts.is_ok_and(|counts| {
                counts.pending_deliveries == 0 && counts.pending_parts <= held as u64
            });
            // What was heard, and a request with its answer, may have come and gone between the two
            // looks.
            if nothing_waits
                && requests.is_some()
                && requests == self.requests.quiet()
                && heard.is_some()
                && heard == self.sessions.quiet()
                && self.failures.is_idle()
                && self.outbox.open_parts() <= held
                && !self.inbox.has_due_forms()
                // What closed meanwhile is a delivery that was not counted.
                && self.inbox.forms_generation() == forms
            {
                return;
            }
            tokio::time::sleep(LOOK_IDLE).await;
        }
    }

    /// When something is due by itself next: a timer, or a form that closes.
    pub(super) async fn next_due(&self) -> JournalResult<Option<Timestamp>> {
        let timer = self.journal.next_timer().await?;
        let closing = self.inbox.next_closing();
        Ok(timer.into_iter().chain(closing).min())
    }

    /// Has everything look that goes by the clock, which was set.
    pub(super) fn clock_was_set(&self) {
        self.look_at_clock.notify_one();
        self.inbox.forms.wake();
    }

    /// Stops: no new events and requests, calls and requests in flight end and commit, what is
    /// committed leaves, the rest stays in the journal.
    pub async fn stop(&self) {
        self.requests.pause();
        tokio::join!(self.sessions.close(), self.hooks.stop());
        self.inbox.settled().await;
        if self.open.load(Ordering::Acquire) {
            let drained = async {
                self.plugins.drain().await;
                self.idle().await;
            };
            // What is not done by then is in the journal.
            let _ = tokio::time::timeout(self.grace, drained).await;
        }
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.requests.stop().await;
        if tokio::time::timeout(PARK, self.lanes.stop()).await.is_err() {
            tracing::warn!("calls are still under way; their events are handled at the next start");
        }
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
    stage: Option<&Stage>,
) -> anyhow::Result<Engine> {
    let mut config = RuntimeConfig::new(cache, compiler);
    config.instances = settings.limits.instances;
    config.calls = settings.limits.calls;
    config.http_requests = settings.limits.http_requests;
    if let Some(bytes) = settings.limits.guest_memory_bytes {
        config.guest_memory_bytes = bytes;
    }
    if let Some(stage) = stage {
        stage.runtime(&mut config);
        let egress = stage.egress(config.http_requests)?;
        return Ok(Engine::with_egress(config, egress)?);
    }
    let egress = Egress::with_config(settings.limits.http_requests, &settings.net)?;
    Ok(Engine::with_egress(config, egress)?)
}

/// Half of the process's requests at most, so that calls in flight always have the other half.
fn requests_config(settings: &Settings) -> RequestsConfig {
    let config = RequestsConfig::default();
    let half = (settings.limits.http_requests as usize / 2).max(1);
    RequestsConfig {
        open: config.open.min(half),
        ..config
    }
}

fn speaker(tenant: &Name) -> PluginSpec {
    PluginSpec {
        tenant: tenant.clone(),
        name: HOST_PLUGIN.into(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build: Arc::new(Speaker),
        instances: 1,
        fresh: false,
        max_age: MaxAge::DEFAULT,
        policy: Arc::new(Policy {
            actions: ActionGrants::All,
            http: None,
            limits: DEFAULT_LIMITS,
        }),
        probation: None,
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
