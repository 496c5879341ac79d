//! Gives each lane of a plugin its deliveries in order, and commits what comes of them.
//!
//! A lane is a conversation of a plugin. Workers, as many as the load wants, take the lanes that
//! have something to do in turn: one delivery, one commit, back to the end of the queue. A lane
//! waits for its commit to be ordered only; what it commits reaches the outbox when it is on disk.

mod bounds;
mod commit;
mod draft;
mod expiry;
mod files;
mod gate;
mod letters;
mod overflow;
mod plugin;
mod probation;
mod quarantine;
mod refill;
mod settle;
mod shadow;
mod status;
mod timers;
mod trace;
mod worker;

#[cfg(test)]
mod body_tests;
#[cfg(test)]
mod disk_tests;
#[cfg(test)]
pub(crate) mod fakes;
#[cfg(test)]
mod overflow_tests;
#[cfg(test)]
mod probation_tests;
#[cfg(test)]
mod shadow_tests;
#[cfg(test)]
mod shaky;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::gate::Gate;
use self::plugin::Plugin;
pub use self::probation::{OnFault, OnVerdict, Probation, Verdict};
pub use self::quarantine::FaultBudget;
use self::settle::Settling;
pub use self::shadow::{DifferenceNote, OnCompared, ShadowSpec, ShadowStatus};
pub use self::status::{FaultNote, LATENCY_BUCKETS, PluginState, PluginStatus};
pub use self::trace::{CallNote, OnCall};
use super::guest::Build;
use super::turn::{ContentCheck, Policy};
use crate::journal::{DeadReason, DeliveryLoad, Journal, JournalResult};
use crate::mailbox::{Clock, Connectors, DeliverySink, OutboxHandle, RequestsHandle};
use crate::model::age::MaxAge;
use crate::model::delivery::{Delivery, DeliveryNumber};
use crate::model::{Name, NameMap};

/// Turns that may wait for the disk at one time; above that, workers wait.
const SETTLING: usize = 16_384;
/// Commits that may be ordered without an instance waiting for them; above that, workers wait.
const ORDERING: usize = 1_024;
/// Deliveries read from the journal at a time.
const PAGE: usize = 1_000;
/// What may wait for one plugin, in memory and in the journal together.
const MOST_WAITING: DeliveryLoad = DeliveryLoad {
    count: 10_000,
    bytes: 64 * 1024 * 1024,
};

/// How the lanes behave.
#[derive(Clone, Copy, Debug)]
pub struct LanesConfig {
    /// Calls of one delivery before it is a dead letter.
    pub tries: u32,
    /// Time in which the tries are made.
    pub tries_within: Duration,
    /// Wait after the first try; four times as long after each further one.
    pub first_wait: Duration,
    /// The longest wait between two tries, whatever a plugin asks for.
    pub longest_wait: Duration,
    /// After this time without work an instance goes.
    pub idle: Duration,
    /// Calls in flight at one time, of all plugins.
    pub calls: usize,
    /// Deliveries of one plugin that wait in memory; those above it wait in the journal.
    pub waiting: usize,
    /// Bytes of the bodies of such deliveries.
    pub waiting_bytes: usize,
    /// How long a plugin stays in quarantine before the first probe; twice as long after each failed one.
    pub quarantine: Duration,
    /// How often what waits is looked through for what is too old.
    pub expiry: Duration,
    /// What may wait for one plugin in all; what is over is given up, the oldest first.
    pub most_waiting: DeliveryLoad,
    /// How often that is looked at where no delivery in particular calls for it.
    pub overflow: Duration,
}

impl Default for LanesConfig {
    fn default() -> Self {
        Self {
            tries: 3,
            tries_within: Duration::from_secs(30),
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            calls: 256,
            waiting: 10_000,
            waiting_bytes: 64 * 1024 * 1024,
            quarantine: Duration::from_secs(10),
            expiry: Duration::from_secs(30),
            most_waiting: MOST_WAITING,
            overflow: Duration::from_secs(1),
        }
    }
}

/// What the lanes work with.
#[derive(Clone)]
pub struct LanesParts {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Where committed parts go.
    pub outbox: Arc<dyn OutboxHandle>,
    /// Who makes committed requests.
    pub requests: Arc<dyn RequestsHandle>,
    /// Tells the time of timers.
    pub clock: Arc<dyn Clock>,
    /// Who splits messages.
    pub connectors: Arc<dyn Connectors>,
    /// Who checks content.
    pub contents: Arc<dyn ContentCheck>,
}

/// A plugin's build with its settings.
#[derive(Clone)]
pub struct PluginSpec {
    /// The tenant.
    pub tenant: Name,
    /// The plugin.
    pub name: Name,
    /// Its version, as operators read it.
    pub version: String,
    /// Makes instances.
    pub build: Arc<dyn Build>,
    /// Instances alive at one time, at least 1.
    pub instances: u32,
    /// Each event gets an instance of its own.
    pub fresh: bool,
    /// How old an event may be.
    pub max_age: MaxAge,
    /// What it may do.
    pub policy: Arc<Policy>,
    /// Its probation; none where it needs none.
    pub probation: Option<Arc<Probation>>,
}

/// The lanes of all plugins.
pub struct Lanes {
    shared: Arc<Shared>,
}

/// Hears of a delivery that became a dead letter, and why. Must not block.
pub type OnDead = Box<dyn Fn(&Delivery, DeadReason, &str) + Send + Sync>;

type Plugins = NameMap<Name, NameMap<Name, Arc<Plugin>>>;

struct Shared {
    plugins: RwLock<Plugins>,
    parts: LanesParts,
    config: LanesConfig,
    calls: Semaphore,
    ordering: Arc<Semaphore>,
    gate: Gate,
    /// Called where too much may wait for a plugin.
    crowded: Notify,
    /// Held by whoever reads all that waits, or gives some of it up: what one has in hand is not to end
    /// by the other.
    reading: Semaphore,
    /// Hears which deliveries come to nothing.
    dead: OnceLock<OnDead>,
    /// Hears what each call used and came to.
    calls_heard: OnceLock<OnCall>,
    settling: mpsc::Sender<Settling>,
    tracker: TaskTracker,
    settle_tracker: TaskTracker,
    cancel: CancellationToken,
    settle_cancel: CancellationToken,
    handle: tokio::runtime::Handle,
}

impl Lanes {
    /// Makes lanes without plugins. Must be called within a tokio runtime, which runs the workers.
    pub fn new(parts: LanesParts, config: LanesConfig) -> Self {
        let (settling, settled) = mpsc::channel(SETTLING);
        let shared = Arc::new(Shared {
            plugins: RwLock::default(),
            parts,
            config,
            calls: Semaphore::new(config.calls.clamp(1, Semaphore::MAX_PERMITS)),
            ordering: Arc::new(Semaphore::new(ORDERING)),
            gate: Gate::default(),
            crowded: Notify::new(),
            reading: Semaphore::new(1),
            dead: OnceLock::new(),
            calls_heard: OnceLock::new(),
            settling,
            tracker: TaskTracker::new(),
            settle_tracker: TaskTracker::new(),
            cancel: CancellationToken::new(),
            settle_cancel: CancellationToken::new(),
            handle: tokio::runtime::Handle::current(),
        });
        let settle = settle::run(Arc::clone(&shared), settled);
        shared.settle_tracker.spawn_on(settle, &shared.handle);
        let probe = gate::run(Arc::clone(&shared));
        shared.tracker.spawn_on(probe, &shared.handle);
        let expire = expiry::run(Arc::clone(&shared));
        shared.tracker.spawn_on(expire, &shared.handle);
        let relieve = overflow::run(Arc::clone(&shared));
        shared.tracker.spawn_on(relieve, &shared.handle);
        Self { shared }
    }

    /// Sets who hears of dead letters; the first stays.
    pub fn on_dead(&self, hear: OnDead) {
        // Whoever joins the host does it once.
        let _ = self.shared.dead.set(hear);
    }

    /// Sets who traces calls; the first stays.
    pub fn on_call(&self, hear: OnCall) {
        // As above.
        let _ = self.shared.calls_heard.set(hear);
    }

    /// Lets a build serve. Calls in flight end on the one before it; each lane goes over when its
    /// call has committed.
    pub fn install(&self, spec: PluginSpec) {
        let plugin = self.shared.plugin(&spec.tenant, &spec.name);
        let probation = spec.probation.clone();
        plugin.install(&self.shared, spec);
        if let Some(probation) = probation {
            let look = look_at(self.shared.cancel.clone(), probation);
            self.shared.tracker.spawn_on(look, &self.shared.handle);
        }
    }

    /// Calls the build again that is held for a fault in its probation.
    pub fn reopen(&self, tenant: &str, name: &str) {
        if let Some(plugin) = self.shared.find(tenant, name) {
            plugin.reopen();
        }
    }

    /// Compares a build from now on with the one that serves, in the place of the one that was
    /// compared before; none ends it.
    pub fn compare(&self, tenant: &Name, name: &Name, spec: Option<ShadowSpec>) {
        let plugin = self.shared.plugin(tenant, name);
        let shadow = spec.map(|spec| shadow::begin(&self.shared, &plugin, spec));
        plugin.state.lock().shadow = shadow;
    }

    /// Calls a plugin no more. Its deliveries wait until it is installed again.
    pub fn remove(&self, tenant: &str, name: &str) {
        if let Some(plugin) = self.shared.find(tenant, name) {
            plugin.uninstall();
        }
    }

    /// Takes up what the journal holds from before. To be called once, before events arrive.
    ///
    /// # Errors
    /// The journal's.
    pub async fn recover(&self) -> JournalResult<u64> {
        // Never closed.
        let _reading = self.shared.reading.acquire().await;
        let mut after: DeliveryNumber = 0;
        let mut count = 0;
        loop {
            let journal = &self.shared.parts.journal;
            let page = journal.pending_deliveries(after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(count);
            };
            after = last.number;
            count += page.len() as u64;
            self.deliver(page);
        }
    }

    /// Gives up in memory what waits and is meant; the journal is the caller's to change.
    pub fn drop_waiting(&self, is_meant: impl Fn(&Delivery) -> bool) {
        for plugin in self.shared.all() {
            plugin.take_waiting(&is_meant);
        }
    }

    /// Gives up the differences that are told of builds in the shadow: they hold what people said.
    pub fn drop_differences(&self) {
        for plugin in self.shared.all() {
            if let Some(shadow) = &plugin.state.lock().shadow {
                shadow.drop_differences();
            }
        }
    }

    /// Tells how each plugin does, by tenant and name.
    pub fn status(&self) -> Vec<PluginStatus> {
        let mut all: Vec<PluginStatus> = {
            let plugins = self.shared.plugins.read();
            let plugins = plugins.values().flat_map(NameMap::values);
            let journal = self.shared.gate.reason();
            plugins
                .map(|plugin| plugin.status(journal.as_deref()))
                .collect()
        };
        all.sort_by(|a, b| (&a.tenant, &a.name).cmp(&(&b.tenant, &b.name)));
        all
    }

    /// Ends: calls in flight end and commit, what is committed goes to the outbox, nothing new begins.
    pub async fn stop(&self) {
        let shared = &self.shared;
        shared.cancel.cancel();
        for plugin in shared.plugins.read().values().flat_map(NameMap::values) {
            plugin.state.lock().wake_all();
        }
        shared.tracker.close();
        shared.tracker.wait().await;
        shared.settle_cancel.cancel();
        shared.settle_tracker.close();
        shared.settle_tracker.wait().await;
    }
}

impl DeliverySink for Lanes {
    fn deliver(&self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            match self.shared.find(&delivery.tenant, &delivery.plugin) {
                Some(plugin) => plugin.push(&self.shared, delivery),
                None => {
                    let plugin = self.shared.plugin(&delivery.tenant, &delivery.plugin);
                    plugin.push(&self.shared, delivery);
                }
            }
        }
    }
}

/// Looks at a probation when its time is over: nothing may happen at that moment that would.
async fn look_at(cancel: CancellationToken, probation: Arc<Probation>) {
    let wait = tokio::time::sleep(probation.least());
    if cancel.run_until_cancelled(wait).await.is_some() {
        probation.look(tokio::time::Instant::now());
    }
}

impl Shared {
    /// All plugins that are known.
    fn all(&self) -> Vec<Arc<Plugin>> {
        let plugins = self.plugins.read();
        plugins
            .values()
            .flat_map(NameMap::values)
            .cloned()
            .collect()
    }

    fn find(&self, tenant: &str, name: &str) -> Option<Arc<Plugin>> {
        let plugins = self.plugins.read();
        plugins.get(tenant)?.get(name).map(Arc::clone)
    }

    fn plugin(&self, tenant: &Name, name: &Name) -> Arc<Plugin> {
        if let Some(plugin) = self.find(tenant, name) {
            return plugin;
        }
        let mut plugins = self.plugins.write();
        let names = plugins.entry(Name::clone(tenant)).or_default();
        let plugin = names
            .entry(Name::clone(name))
            .or_insert_with(|| Arc::new(Plugin::new(Name::clone(tenant), Name::clone(name))));
        Arc::clone(plugin)
    }

    fn spawn_worker(self: &Arc<Self>, plugin: &Arc<Plugin>) {
        let worker = worker::run(Arc::clone(self), Arc::clone(plugin));
        self.tracker.spawn_on(worker, &self.handle);
    }
}
