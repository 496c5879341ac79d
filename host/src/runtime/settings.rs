//! What the runtime as a whole may use.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::slow::{NICE, TRIAL_NICE};
use super::world::World;

const MIB: u64 = 1024 * 1024;

/// Bytes of an artifact from which on its compilation takes seconds.
pub const LARGE_ARTIFACT_BYTES: u64 = MIB;

/// Memory assumed where the machine does not say how much it has.
const FALLBACK_MACHINE_BYTES: u64 = 2 * 1024 * MIB;

/// Who turns components into machine code.
#[derive(Clone, Debug)]
pub enum CompilerProgram {
    /// A child process: this program with `__compile` and the other hidden commands of
    /// [`child_main`](super::compile::child_main).
    Child(PathBuf),
    /// As [`Self::Child`], for somebody who waits for each build: large components are compiled with as little
    /// work as can be, [`Effort::Quick`], where their code is not there already.
    Quick(PathBuf),
    /// A thread of this process, without bounds on memory and time: for tests and benches only.
    Thread,
}

/// How much work goes into a component's machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// As much as makes it run fast.
    Full,
    /// As little as makes it ready soon, in half of the time: the code is larger and runs slower.
    Quick,
}

impl Effort {
    /// Its name on the compiler's command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Quick => "quick",
        }
    }

    /// Finds one by its name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Full, Self::Quick]
            .into_iter()
            .find(|effort| effort.name() == name)
    }
}

impl CompilerProgram {
    /// The program, where it is a child.
    pub(super) fn child(&self) -> Option<&Path> {
        match self {
            Self::Child(program) | Self::Quick(program) => Some(program),
            Self::Thread => None,
        }
    }

    /// What goes into the code of a component of so many bytes.
    pub(super) fn effort(&self, bytes: u64) -> Effort {
        match self {
            Self::Quick(_) if bytes >= LARGE_ARTIFACT_BYTES => Effort::Quick,
            _ => Effort::Full,
        }
    }
}

/// Settings of the runtime, for the whole process.
#[derive(Clone, Debug)]
pub struct RuntimeConfig {
    /// Where compiled code lies. Made with mode 0700; refused where others can write.
    pub cache_dir: PathBuf,
    /// Who compiles.
    pub compiler: CompilerProgram,
    /// Instances alive at one time.
    pub instances: u32,
    /// Calls at one time.
    pub calls: u32,
    /// Linear memory of all instances in bytes.
    pub guest_memory_bytes: u64,
    /// HTTP requests of plugins at one time.
    pub http_requests: u32,
    /// Threads for calls that use more than a tick.
    pub slow_threads: usize,
    /// The priority of calls that are tried only, as `nice` counts: 19 where others serve beside them.
    pub trial_nice: i32,
    /// Largest artifact in bytes.
    pub artifact_bytes: u64,
    /// Bounds of one compilation.
    pub compile: CompileBounds,
    /// What instances that serve take for the world; none is the real one.
    pub world: Option<Arc<dyn World>>,
}

/// Bounds of one compilation in a child process.
#[derive(Clone, Copy, Debug)]
pub struct CompileBounds {
    /// Processor time.
    pub cpu: Duration,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Time by the wall clock.
    pub deadline: Duration,
    /// Its priority, as `nice` counts: low where others serve beside it; 0 leaves it as it is.
    pub nice: i32,
}

impl Default for CompileBounds {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(60),
            memory_bytes: 1536 * MIB,
            deadline: Duration::from_secs(180),
            nice: NICE,
        }
    }
}

impl RuntimeConfig {
    /// Makes settings for somebody who waits, where nobody is served beside: it compiles at usual priority.
    pub fn attended(cache_dir: PathBuf, compiler: CompilerProgram) -> Self {
        let mut config = Self::new(cache_dir, compiler);
        config.compile.nice = 0;
        config
    }

    /// Makes settings with the defaults: half of the machine's memory, one slow thread a core.
    pub fn new(cache_dir: PathBuf, compiler: CompilerProgram) -> Self {
        Self {
            cache_dir,
            compiler,
            instances: 1_000,
            calls: 256,
            guest_memory_bytes: machine_bytes() / 2,
            http_requests: 512,
            slow_threads: std::thread::available_parallelism().map_or(2, usize::from),
            trial_nice: TRIAL_NICE,
            artifact_bytes: 64 * MIB,
            compile: CompileBounds::default(),
            world: None,
        }
    }
}

fn machine_bytes() -> u64 {
    // SAFETY: sysconf reads a number and has no preconditions.
    let (pages, page) = unsafe {
        (
            libc::sysconf(libc::_SC_PHYS_PAGES),
            libc::sysconf(libc::_SC_PAGESIZE),
        )
    };
    match (u64::try_from(pages), u64::try_from(page)) {
        (Ok(pages), Ok(page)) if pages > 0 => pages.saturating_mul(page),
        _ => FALLBACK_MACHINE_BYTES,
    }
}
