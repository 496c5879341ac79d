//! What a store holds beside the guest: one instance's share of the host.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store};
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::bindings::parlor::bot as wit;
use super::call::CpuClock;
use super::host::log::{CallLog, LogSink, LogStream};
use super::host::{DirectoryReads, HttpDoor, StateCall, StateFrom};
use super::limiter::{Limiter, MemoryBudget};
use super::notes::Notes;
use super::world::{self, World};
use crate::mailbox::{Clock as _, SystemClock};
use crate::model::config::ConfigValue;
use crate::model::event::Event;
use crate::model::limits::Limits;
use crate::model::{Name, Timestamp};
use crate::net::{Egress, HttpGrants};

/// The moment that a plugin sees while it describes itself: 2020-01-01T00:00:00Z.
const FIXED_TIME: Duration = Duration::from_secs(1_577_836_800);

/// Room below a plugin's share of the journal in which its size is asked for again.
const SIZE_MARGIN: u64 = 1024 * 1024;

/// What every instance of one plugin shares.
pub(super) struct PluginShared {
    pub(super) tenant: Name,
    pub(super) name: Name,
    pub(super) config: BTreeMap<String, ConfigValue>,
    pub(super) grants: Arc<HttpGrants>,
    pub(super) limits: Limits,
    /// None while it describes itself.
    pub(super) outside: Option<Outside>,
    pub(super) log: Arc<dyn LogSink>,
    /// Bytes of state, never too few by more than what other calls write at the moment.
    pub(super) state_size: AtomicU64,
}

/// Where a plugin's state lies and who answers its reads.
#[derive(Clone)]
pub(super) struct Outside {
    pub(super) state: StateFrom,
    pub(super) directory: Arc<dyn DirectoryReads>,
}

/// A size that was not asked for yet.
pub(super) const UNKNOWN_SIZE: u64 = u64::MAX;

impl PluginShared {
    /// Tells how much state the plugin has: exactly near its limit, else at most so much.
    pub(super) async fn state_size(&self) -> Result<u64, wit::state::StateError> {
        let known = self.state_size.load(Ordering::Relaxed);
        if known.saturating_add(SIZE_MARGIN) <= self.limits.state_bytes {
            return Ok(known);
        }
        let outside = self
            .outside
            .as_ref()
            .ok_or(wit::state::StateError::Failed)?;
        let size = outside.state.size(&self.tenant, &self.name).await;
        let size = size.map_err(|_| wit::state::StateError::Failed)?;
        self.state_size.store(size, Ordering::Relaxed);
        Ok(size)
    }

    /// Counts bytes that a call wrote. A value written twice counts twice, until the size is asked for again.
    pub(super) fn wrote_state(&self, bytes: u64) {
        let _ = self
            .state_size
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |size| {
                (size != UNKNOWN_SIZE).then(|| size.saturating_add(bytes))
            });
    }
}

/// What an instance is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To handle events.
    Serve,
    /// To describe itself: the same answer every time, from nothing but the artifact.
    Describe,
    /// To handle one event on trial, as if it were this moment: it reaches nothing outside.
    Trial(Timestamp),
}

/// The data of a store.
pub(super) struct StoreData {
    pub(super) plugin: Arc<PluginShared>,
    pub(super) log: CallLog,
    pub(super) state: StateCall,
    pub(super) door: HttpDoor,
    pub(super) limiter: Limiter,
    pub(super) clock: Arc<CpuClock>,
    /// The event under way; none while the plugin starts or describes itself.
    pub(super) event: Option<Arc<Event>>,
    /// Where what the call under way reads is noted, if it is.
    pub(super) notes: Option<Arc<Notes>>,
    /// What it takes for the world; none is the real one.
    world: Option<Arc<dyn World>>,
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
}

/// A capability used where there is none.
#[derive(Debug, thiserror::Error)]
#[error("state and directory can be used only while an event is handled")]
pub(super) struct NoEvent;

impl StoreData {
    /// The event under way.
    pub(super) fn call_event(&self) -> wasmtime::Result<Arc<Event>> {
        Ok(self.event.clone().ok_or(NoEvent)?)
    }

    /// The time as the instance sees it.
    pub(super) fn now(&self) -> Timestamp {
        match &self.world {
            Some(world) => world.now(),
            None => SystemClock.now(),
        }
    }

    /// Where state and reads come from.
    pub(super) fn outside(&self) -> wasmtime::Result<Outside> {
        Ok(self.plugin.outside.clone().ok_or(NoEvent)?)
    }
}

impl WasiView for StoreData {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for StoreData {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.door,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

// These interfaces hold types only.
impl wit::content::Host for StoreData {}
impl wit::events::Host for StoreData {}
impl wit::actions::Host for StoreData {}
impl wit::description::Host for StoreData {}

struct FixedClock;

impl HostWallClock for FixedClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        FIXED_TIME
    }
}

impl HostMonotonicClock for FixedClock {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}

/// A clock that was set to the moment of an earlier call.
struct EarlierClock {
    moment: Duration,
    set: Instant,
}

impl HostWallClock for EarlierClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        self.moment.saturating_add(self.set.elapsed())
    }
}

fn fixed_random() -> Deterministic {
    Deterministic::new(vec![
        0x9e, 0x37, 0x79, 0xb9, 0x7f, 0x4a, 0x7c, 0x15, 0xf3, 0x9c, 0xc0, 0x60, 0x5c, 0xed, 0xc8,
        0x34,
    ])
}

/// Makes a store with every bound set: none is left at wasmtime's default.
pub(super) fn make_store(
    engine: &Engine,
    plugin: &Arc<PluginShared>,
    egress: &Egress,
    budget: &Arc<MemoryBudget>,
    purpose: Purpose,
    world: Option<&Arc<dyn World>>,
) -> Store<StoreData> {
    let limits = &plugin.limits;
    let log = CallLog::new(
        plugin.tenant.clone(),
        plugin.name.clone(),
        plugin.log.clone(),
        limits.log_bytes,
    );
    let mut wasi = WasiCtxBuilder::new();
    wasi.stdout(LogStream::stdout(&log))
        .stderr(LogStream::stderr(&log))
        .max_random_size(u64::from(limits.random_bytes));
    match purpose {
        Purpose::Serve => {
            if let Some(world) = world {
                world::show(world, &mut wasi);
            }
        }
        Purpose::Describe => {
            wasi.wall_clock(FixedClock)
                .monotonic_clock(FixedClock)
                .secure_random(fixed_random())
                .insecure_random(fixed_random())
                .insecure_random_seed(0);
        }
        Purpose::Trial(at) => {
            wasi.wall_clock(EarlierClock {
                moment: Duration::from_millis(at),
                set: Instant::now(),
            });
        }
    }
    let mut table = ResourceTable::new();
    let handles = limits.handles as usize;
    table.set_max_capacity(handles);
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(limits.http_header_bytes as usize);
    let is_shut = purpose != Purpose::Serve;
    let data = StoreData {
        plugin: plugin.clone(),
        log,
        state: StateCall::default(),
        door: HttpDoor::new(egress.clone(), plugin, is_shut),
        limiter: Limiter::new(limits, budget.clone()),
        clock: CpuClock::new(),
        event: None,
        notes: None,
        world: world.filter(|_| purpose == Purpose::Serve).cloned(),
        table,
        wasi: wasi.build(),
        http,
    };
    let mut store = Store::new(engine, data);
    store.limiter(|data| &mut data.limiter);
    store.set_hostcall_fuel(usize::try_from(limits.result_bytes).unwrap_or(usize::MAX));
    store.set_max_component_handles(handles);
    store.set_epoch_deadline(1);
    let clock = store.data().clock.clone();
    store.epoch_deadline_callback(move |_| Ok(clock.at_tick()));
    store
}
