//! Code that is made while everything else goes on: what is large takes its compiler seconds, and
//! neither the build before it nor another plugin's change waits for that.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::{Known, Plugins};
use crate::app::reload::{FolderChange, Sha256Bytes};
use crate::mailbox::control::CompilingLine;
use crate::runtime::{Artifact, ArtifactHash, CompileError, LARGE_ARTIFACT_BYTES};

/// How often the panel is told how long it takes.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// The log is told once for so many of these.
const LOG_EACH: u64 = 4;
const MIB: u64 = 1024 * 1024;

/// A component that was compiled, or why it cannot be.
type Code = Result<Arc<Artifact>, CompileError>;

/// A change that waits for its compiler.
#[must_use = "the component is loaded when this is finished"]
pub(in crate::app) struct Slow {
    stem: String,
    sha256: Sha256Bytes,
}

/// A component whose code is being made.
pub(super) struct Compiling {
    sha256: Sha256Bytes,
    bytes: u64,
    /// The plugins that use it.
    plugins: Vec<String>,
    /// None while another is compiled.
    begun: Option<Instant>,
}

/// Whose turn it is to be compiled, and what was compiled for the load under way.
#[derive(Default)]
pub(super) struct Compiler {
    turn: tokio::sync::Mutex<()>,
    made: Mutex<Option<(Sha256Bytes, Code)>>,
}

impl Known {
    /// The plugins that wait for their code, by name.
    pub(super) fn compiling(&self) -> impl Iterator<Item = (&String, CompilingLine)> {
        self.compiling.values().flat_map(|compiling| {
            let begun = compiling.begun;
            let line = CompilingLine {
                bytes: compiling.bytes,
                secs: begun.map(|begun| begun.elapsed().as_secs()),
            };
            let plugins = compiling.plugins.iter();
            plugins.map(move |plugin| (plugin, line))
        })
    }
}

impl Plugins {
    /// Applies a change of the folder; resolves when it serves or is refused.
    pub async fn apply(&self, change: FolderChange) {
        if let Some(slow) = self.begin(change).await {
            self.finish(slow).await;
        }
    }

    /// Resolves when no component waits for its code.
    pub(in crate::app) async fn compiled(&self) {
        let mut changed = self.changed.subscribe();
        while !self.known.lock().compiling.is_empty() {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Notes that a component which has just come is to be compiled first, where that takes long.
    pub(super) fn begin_slow(&self, stem: &str) -> Option<Slow> {
        let mut known = self.known.lock();
        let source = known.sources.get(stem)?;
        let (sha256, bytes) = (source.sha256, source.wasm.len() as u64);
        let has_own_file = source.settings.is_some();
        if bytes < LARGE_ARTIFACT_BYTES || self.parts.engine.has_code(ArtifactHash(sha256), bytes) {
            // Whatever was compiled for this file before is not wanted any more.
            known.compiling.remove(stem);
            return None;
        }
        let compiling = Compiling {
            sha256,
            bytes,
            plugins: self.settings.load().plugins_of(stem, has_own_file),
            begun: None,
        };
        known.compiling.insert(stem.to_owned(), compiling);
        Some(Slow {
            stem: stem.to_owned(),
            sha256,
        })
    }

    /// Compiles a component and then loads it, unless another came in its place meanwhile.
    pub(in crate::app) async fn finish(&self, slow: Slow) {
        let Slow { stem, sha256 } = slow;
        let code = {
            let _one_at_a_time = self.compiler.turn.lock().await;
            let Some(wasm) = self.begin_compiling(&stem, sha256) else {
                return;
            };
            let bytes = wasm.len() as u64;
            let engine = &self.parts.engine;
            let compile = engine.compile_hashed(wasm, ArtifactHash(sha256));
            self.telling(&stem, bytes, compile).await
        };
        let _turn = self.applying.lock().await;
        {
            let mut known = self.known.lock();
            let is_wanted = known.compiling.get(&stem);
            if is_wanted.is_none_or(|compiling| compiling.sha256 != sha256) {
                return;
            }
            known.compiling.remove(&stem);
        }
        *self.compiler.made.lock() = Some((sha256, code));
        self.load_stem(&stem).await;
        *self.compiler.made.lock() = None;
        self.changed.send_modify(|number| *number += 1);
    }

    /// A component's code: what was made for this load, from the cache, or made now.
    pub(super) async fn code_of(&self, wasm: &Arc<[u8]>, sha256: Sha256Bytes) -> Code {
        let made = self.compiler.made.lock().clone();
        match made.filter(|(made, _)| *made == sha256) {
            Some((_, code)) => code,
            None => {
                let engine = &self.parts.engine;
                let hash = ArtifactHash(sha256);
                engine.compile_hashed(wasm.clone(), hash).await
            }
        }
    }

    /// Takes the component whose turn it is; nothing where another came in its place.
    fn begin_compiling(&self, stem: &str, sha256: Sha256Bytes) -> Option<Arc<[u8]>> {
        let mut known = self.known.lock();
        let compiling = known.compiling.get_mut(stem)?;
        if compiling.sha256 != sha256 {
            return None;
        }
        compiling.begun = Some(Instant::now());
        let source = known.sources.get(stem)?;
        (source.sha256 == sha256).then(|| source.wasm.clone())
    }

    /// Tells the panel and the log how long it takes.
    async fn telling(&self, stem: &str, bytes: u64, compile: impl Future<Output = Code>) -> Code {
        let mib = bytes.div_ceil(MIB);
        tracing::info!(plugin = stem, mib, "compiling");
        let begun = Instant::now();
        let mut compile = pin!(compile);
        let mut ticks = tokio::time::interval(TELL_EVERY);
        let mut told = 0_u64;
        loop {
            tokio::select! {
                code = &mut compile => {
                    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                    tracing::info!(plugin = stem, mib, took_ms, "compiled");
                    return code;
                }
                _ = ticks.tick() => {
                    self.changed.send_modify(|number| *number += 1);
                    if told > 0 && told.is_multiple_of(LOG_EACH) {
                        tracing::info!(plugin = stem, mib, secs = begun.elapsed().as_secs(), "compiling");
                    }
                    told += 1;
                }
            }
        }
    }
}
