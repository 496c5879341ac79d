//! The engine: one for the process. Makes artifacts of bytes and builds of artifacts.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{
    Config, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, RegallocAlgorithm,
    WasmBacktraceDetails,
};

use super::artifact::{Artifact, ArtifactHash};
use super::bindings::{Plugin, PluginPre};
use super::compile::{self, Cache, CompileError, check_component, compile_in_child};
use super::fair::Gate;
use super::limiter::{CORE_INSTANCES, MemoryBudget};
use super::lines::Lines;
use super::settings::{Effort, LARGE_ARTIFACT_BYTES, RuntimeConfig};
use super::slow::SlowPool;
use super::store::StoreData;
use super::ticker::Ticker;
use crate::model::limits::{LARGEST_MEMORY_BYTES, LARGEST_TABLE_ELEMENTS};
use crate::net::Egress;

const MIB: usize = 1024 * 1024;

/// Pool slots beyond the instances, for swaps and probes.
const SPARE_SLOTS: u32 = 100;

/// Instances on trial at one time: they take of the spare slots.
const TRIALS: usize = 4;

/// Stack of a guest; deep recursion ends here.
const GUEST_STACK_BYTES: usize = 512 * 1024;

/// Why the engine could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// wasmtime refuses the machine or the settings.
    #[error("engine: {0}")]
    Engine(String),
    /// The cache folder cannot be used.
    #[error("{0}")]
    Cache(String),
    /// A thread could not be started.
    #[error("thread: {0}")]
    Thread(std::io::Error),
    /// The HTTP sender could not be made.
    #[error("{0}")]
    Egress(#[from] crate::net::EgressError),
}

/// How memory for guests is reserved. It changes compiled code, so the compiler is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryPlan {
    /// Slots are reserved once and used again.
    Pooled,
    /// Each memory reserves its own address space.
    Reserved,
    /// Address space is short: memories grow by moving.
    Moving,
}

impl MemoryPlan {
    /// The plan's name on the compiler's command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pooled => "pooled",
            Self::Reserved => "reserved",
            Self::Moving => "moving",
        }
    }

    /// Finds a plan by its name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Pooled, Self::Reserved, Self::Moving]
            .into_iter()
            .find(|plan| plan.name() == name)
    }
}

/// The settings that the compiler needs; the same for the host and its child.
pub(super) fn compile_config(plan: MemoryPlan, effort: Effort) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_threads(false)
        .shared_memory(false);
    // Code of either is loaded by an engine of the other.
    match effort {
        Effort::Full => config.cranelift_opt_level(OptLevel::Speed),
        Effort::Quick => config
            .cranelift_opt_level(OptLevel::None)
            .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass),
    };
    if plan == MemoryPlan::Moving {
        config
            .memory_reservation(0)
            .memory_guard_size(64 * 1024)
            .memory_reservation_for_growth(MIB as u64);
    }
    config
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    let slots = instances.saturating_add(SPARE_SLOTS);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(8))
        .total_memories(slots.saturating_mul(2))
        .total_tables(slots.saturating_mul(4))
        .total_stacks(slots)
        .max_memory_size(usize::try_from(LARGEST_MEMORY_BYTES).unwrap_or(usize::MAX))
        .table_elements(LARGEST_TABLE_ELEMENTS as usize)
        .max_core_instances_per_component(CORE_INSTANCES as u32)
        .max_memories_per_component(8)
        .max_tables_per_component(32)
        // What a plain plugin touches is cleared by writing, which is cheaper than asking the system.
        .linear_memory_keep_resident(64 * 1024)
        .table_keep_resident(16 * 1024);
    pool
}

/// Makes wasmtime's engine with the best plan that the machine has address space for.
fn probe(instances: u32) -> Result<(wasmtime::Engine, MemoryPlan), EngineError> {
    let mut config = compile_config(MemoryPlan::Pooled, Effort::Full);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances)));
    if let Ok(engine) = wasmtime::Engine::new(&config) {
        return Ok((engine, MemoryPlan::Pooled));
    }
    let plan = if has_address_space(64 << 30) {
        MemoryPlan::Reserved
    } else {
        MemoryPlan::Moving
    };
    tracing::warn!(plan = plan.name(), "no address space for pooled memories");
    let engine = wasmtime::Engine::new(&compile_config(plan, Effort::Full));
    let engine = engine.map_err(|error| EngineError::Engine(format!("{error:#}")))?;
    Ok((engine, plan))
}

fn has_address_space(bytes: usize) -> bool {
    // SAFETY: a new mapping without access is made and taken back; nothing else is touched.
    unsafe {
        let at = libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        );
        at != libc::MAP_FAILED && libc::munmap(at, bytes) == 0
    }
}

/// The engine. Clones are the same one.
#[derive(Clone)]
pub struct Engine {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) wasm: wasmtime::Engine,
    linker: Linker<StoreData>,
    plan: MemoryPlan,
    pub(super) config: RuntimeConfig,
    pub(super) cache: Cache,
    pub(super) ticker: Ticker,
    pub(super) slow: SlowPool,
    /// One thread behind all others, for what is tried and not kept.
    pub(super) trial_pool: SlowPool,
    pub(super) trials: Arc<Gate>,
    pub(super) calls: Arc<Gate>,
    pub(super) instances: Arc<Gate>,
    pub(super) memory: Arc<MemoryBudget>,
    pub(super) egress: Egress,
    /// Compilations: one large and one small at a time, so that seconds of the one are not the other's.
    large_compiler: tokio::sync::Mutex<()>,
    small_compiler: tokio::sync::Mutex<()>,
    /// Artifacts in use: two plugins of one file share their code.
    artifacts: Mutex<HashMap<ArtifactHash, Weak<Artifact>>>,
}

impl Engine {
    /// Makes the engine.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn new(config: RuntimeConfig) -> Result<Self, EngineError> {
        let egress = Egress::new(config.http_requests)?;
        Self::with_egress(config, egress)
    }

    /// Makes the engine with a sender for plugins' HTTP requests.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn with_egress(config: RuntimeConfig, egress: Egress) -> Result<Self, EngineError> {
        let (wasm, plan) = probe(config.instances)?;
        let linker = link(&wasm).map_err(|error| EngineError::Engine(format!("{error:#}")))?;
        let cache = Cache::open(&config.cache_dir, &wasm);
        let cache = cache.map_err(|error| EngineError::Cache(error.to_string()))?;
        let ticking = wasm.clone();
        let ticker = Ticker::start(move || ticking.increment_epoch());
        let slow = SlowPool::start(config.slow_threads);
        let trial_pool = SlowPool::start_trial(config.trial_nice);
        Ok(Self {
            inner: Arc::new(Inner {
                wasm,
                linker,
                plan,
                cache,
                ticker: ticker.map_err(EngineError::Thread)?,
                slow: slow.map_err(EngineError::Thread)?,
                trial_pool: trial_pool.map_err(EngineError::Thread)?,
                trials: Gate::new(TRIALS),
                calls: Gate::new(config.calls as usize),
                instances: Gate::new(config.instances as usize),
                memory: MemoryBudget::new(config.guest_memory_bytes),
                egress,
                large_compiler: tokio::sync::Mutex::new(()),
                small_compiler: tokio::sync::Mutex::new(()),
                artifacts: Mutex::new(HashMap::new()),
                config,
            }),
        })
    }

    /// The sender that plugins' requests go through.
    pub fn egress(&self) -> &Egress {
        &self.inner.egress
    }

    /// Bytes of linear memory that instances hold.
    pub fn guest_memory(&self) -> u64 {
        self.inner.memory.used()
    }

    /// Tells how memory for guests is reserved.
    pub fn memory_plan(&self) -> MemoryPlan {
        self.inner.plan
    }

    /// Checks and compiles an artifact, or takes its code from the cache.
    ///
    /// # Errors
    /// [`CompileError`], in words for the operator.
    pub async fn compile(&self, bytes: Vec<u8>) -> Result<Arc<Artifact>, CompileError> {
        self.is_small_enough(bytes.len())?;
        let bytes: Arc<[u8]> = bytes.into();
        let hashed = bytes.clone();
        // Hashing up to 64 MiB is not for a worker that serves connections.
        let hash = tokio::task::spawn_blocking(move || ArtifactHash::of(&hashed)).await;
        self.compile_hashed(bytes, hash.map_err(|error| host(&error))?)
            .await
    }

    /// As [`Engine::compile`], of bytes that have this hash: whoever read them knows it. What lies in
    /// the cache under it was looked at before it was compiled.
    ///
    /// # Errors
    /// As [`Engine::compile`].
    pub async fn compile_hashed(
        &self,
        bytes: Arc<[u8]>,
        hash: ArtifactHash,
    ) -> Result<Arc<Artifact>, CompileError> {
        self.is_small_enough(bytes.len())?;
        let inner = self.inner.clone();
        let looked = tokio::task::spawn_blocking(move || {
            if let Some(artifact) = inner.known(hash) {
                return Ok(Looked::Known(artifact));
            }
            let len = bytes.len() as u64;
            let effort = inner.config.compiler.effort(len);
            if let Some(component) = inner.cache.load(&inner.wasm, hash, effort) {
                let source = inner.cache.source(hash);
                let lines = source.map(|file| Lines::new(file, inner.config.compiler.clone()));
                let found = Found { hash, len, lines };
                return Ok(Looked::Known(inner.keep(found, component, true)?));
            }
            check_component(&bytes)?;
            let lines = inner.lines(hash, &bytes);
            Ok(Looked::New(Found { hash, len, lines }, bytes))
        });
        match looked.await.map_err(|error| host(&error))?? {
            Looked::Known(artifact) => Ok(artifact),
            Looked::New(found, bytes) => self.compile_new(found, bytes).await,
        }
    }

    /// Tells whether an artifact's code is there, so that nobody waits for a compiler.
    pub fn has_code(&self, hash: ArtifactHash, bytes: u64) -> bool {
        let effort = self.inner.config.compiler.effort(bytes);
        self.inner.known(hash).is_some() || self.inner.cache.has(hash, effort)
    }

    fn is_small_enough(&self, len: usize) -> Result<(), CompileError> {
        let (len, limit) = (len as u64, self.inner.config.artifact_bytes);
        match len > limit {
            true => Err(CompileError::TooLarge { len, limit }),
            false => Ok(()),
        }
    }

    async fn compile_new(
        &self,
        found: Found,
        bytes: Arc<[u8]>,
    ) -> Result<Arc<Artifact>, CompileError> {
        let hash = found.hash;
        let compiler = match found.len < LARGE_ARTIFACT_BYTES {
            true => &self.inner.small_compiler,
            false => &self.inner.large_compiler,
        };
        let _one_at_a_time = compiler.lock().await;
        if let Some(artifact) = self.inner.known(hash) {
            return Ok(artifact);
        }
        let inner = self.inner.clone();
        let input = compile::Temporary(inner.cache.temporary(".wasm"));
        let output = compile::Temporary(inner.cache.temporary(".code"));
        let effort = inner.config.compiler.effort(found.len);
        if let Some(program) = inner.config.compiler.child() {
            let (writer, path) = (inner.clone(), input.0.clone());
            let written =
                tokio::task::spawn_blocking(move || writer.cache.write_temporary(&path, &bytes));
            let written = written.await.map_err(|error| host(&error))?;
            written.map_err(|error| host(&error))?;
            let bounds = inner.config.compile;
            let how = (inner.plan, effort);
            compile_in_child(program, how, bounds, &input.0, output.0.clone()).await?;
        } else {
            let (writer, path) = (inner.clone(), output.0.clone());
            let compiled = tokio::task::spawn_blocking(move || {
                let code = compile::compile_bytes(&bytes, (writer.plan, effort));
                let code = code.map_err(CompileError::Invalid)?;
                let written = writer.cache.write_temporary(&path, &code);
                written.map_err(|error| host(&error))
            });
            compiled.await.map_err(|error| host(&error))??;
        }
        let loaded = tokio::task::spawn_blocking(move || {
            let adopted = inner.cache.adopt(&output.0, hash, effort);
            adopted.map_err(|error| host(&error))?;
            let component = inner.cache.load(&inner.wasm, hash, effort);
            let lost = || CompileError::Host("compiled code cannot be loaded".to_owned());
            inner.keep(found, component.ok_or_else(lost)?, false)
        });
        loaded.await.map_err(|error| host(&error))?
    }

    /// Ends the engine's threads. Calls in flight end as faults.
    pub async fn shutdown(&self) {
        let inner = self.inner.clone();
        // Where it cannot be run, dropping the engine ends them.
        let _ = tokio::task::spawn_blocking(move || {
            inner.trial_pool.stop();
            inner.slow.stop();
            inner.ticker.stop();
        })
        .await;
    }
}

enum Looked {
    Known(Arc<Artifact>),
    New(Found, Arc<[u8]>),
}

/// What is known of an artifact before it is compiled.
struct Found {
    hash: ArtifactHash,
    len: u64,
    lines: Option<Lines>,
}

fn host(error: &dyn std::fmt::Display) -> CompileError {
    CompileError::Host(error.to_string())
}

impl Inner {
    fn known(&self, hash: ArtifactHash) -> Option<Arc<Artifact>> {
        self.artifacts.lock().get(&hash).and_then(Weak::upgrade)
    }

    /// Keeps a component that has source lines where they can be looked up.
    fn lines(&self, hash: ArtifactHash, bytes: &[u8]) -> Option<Lines> {
        if !compile::has_lines(bytes) {
            return None;
        }
        match self.cache.keep_source(hash, bytes) {
            Ok(file) => Some(Lines::new(file, self.config.compiler.clone())),
            Err(error) => {
                tracing::warn!(%error, "no source lines");
                None
            }
        }
    }

    fn keep(
        &self,
        found: Found,
        component: Component,
        was_cached: bool,
    ) -> Result<Arc<Artifact>, CompileError> {
        let invalid = |error: wasmtime::Error| CompileError::Invalid(format!("{error:#}"));
        let pre = self.linker.instantiate_pre(&component).map_err(invalid)?;
        let hash = found.hash;
        let artifact = Arc::new(Artifact {
            hash,
            len: found.len,
            was_cached,
            lines: found.lines,
            pre: PluginPre::new(pre).map_err(invalid)?,
        });
        let mut artifacts = self.artifacts.lock();
        artifacts.retain(|_, artifact| artifact.strong_count() > 0);
        artifacts.insert(hash, Arc::downgrade(&artifact));
        Ok(artifact)
    }
}

fn link(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<StoreData>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    Plugin::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |data| data)?;
    Ok(linker)
}
