//! Where in its source a guest trapped, for builds that say.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::compile::{find_lines, find_lines_in_child};
use super::settings::{CompileBounds, CompilerProgram};

/// Traces of one artifact whose lines are looked up; a guest that traps everywhere has no more.
const MAX_TRACES: usize = 64;
/// What one lookup may use. It gives way to everything else, but less than a compilation does: an event waits for its
/// tenth of a second, which on a machine that compiles would be ten.
const BOUNDS: CompileBounds = CompileBounds {
    cpu: Duration::from_secs(2),
    memory_bytes: 512 * 1024 * 1024,
    deadline: Duration::from_secs(10),
    nice: 5,
};

/// The lines of a trace, in its order.
pub(super) type Trace = Arc<[Option<String>]>;

/// Finds the source lines of one artifact.
pub(super) struct Lines {
    /// The component, with its debug sections.
    file: PathBuf,
    compiler: CompilerProgram,
    found: Mutex<HashMap<Vec<u64>, Trace>>,
    /// Lookups, one at a time.
    looking: tokio::sync::Mutex<()>,
}

impl Lines {
    pub(super) fn new(file: PathBuf, compiler: CompilerProgram) -> Self {
        Self {
            file,
            compiler,
            found: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
        }
    }

    /// The lines of a trace's places; none where they are not to be had now.
    pub(super) async fn of(&self, offsets: &[u64]) -> Trace {
        let nothing = || Arc::from(Vec::new());
        {
            let found = self.found.lock();
            if let Some(lines) = found.get(offsets) {
                return lines.clone();
            }
            if found.len() >= MAX_TRACES {
                return nothing();
            }
        }
        // Whoever traps meanwhile goes without: its event must not wait for somebody else's lines.
        let Ok(_one_at_a_time) = self.looking.try_lock() else {
            return nothing();
        };
        let lines = match self.compiler.child() {
            Some(program) => find_lines_in_child(program, BOUNDS, &self.file, offsets).await,
            None => self.find_here(offsets.to_vec()).await,
        };
        let lines: Trace = lines.into();
        self.found.lock().insert(offsets.to_vec(), lines.clone());
        lines
    }

    async fn find_here(&self, offsets: Vec<u64>) -> Vec<Option<String>> {
        let file = self.file.clone();
        let found = tokio::task::spawn_blocking(move || {
            let bytes = std::fs::read(file).ok()?;
            Some(find_lines(&bytes, &offsets))
        });
        found.await.ok().flatten().unwrap_or_default()
    }
}
