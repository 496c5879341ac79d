//! Looks at components as the host does before they serve, and weighs them. Nothing serves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::admit::{Joined, Refusal, Seen, admit};
use super::entry::private_cache;
use crate::config::{PluginSettings, Problem};
use crate::journal::memory::MemoryJournal;
use crate::model::DEFAULT_TENANT;
use crate::model::description::Description;
use crate::model::directory::ReadError;
use crate::runtime::compile::{ComponentFacts, component_facts};
use crate::runtime::{
    ArtifactHash, CompilerProgram, Engine, NoReads, RuntimeConfig, TracingLog, Weight,
};

/// What was found of a component.
#[derive(Debug, Default)]
pub struct Looked {
    /// What it says of itself before it is compiled.
    pub facts: ComponentFacts,
    /// How long its code took, and whether it lay in the cache.
    pub compiled: Option<(Duration, bool)>,
    /// What it says of itself.
    pub description: Option<Description>,
    /// What an instance weighs.
    pub weight: Option<Weight>,
    /// Why the host would refuse it, whatever its settings say.
    pub refused: Option<String>,
    /// What its settings say wrong, once it has described itself.
    pub problems: Vec<Problem>,
}

/// Looks at components in this process.
pub struct Checker {
    engine: Engine,
}

impl Checker {
    /// Makes one, with the user's cache of compiled code.
    ///
    /// # Errors
    /// The engine's.
    pub fn new() -> anyhow::Result<Self> {
        let compiler = CompilerProgram::Child(std::env::current_exe()?);
        let engine = Engine::new(RuntimeConfig::new(private_cache()?, compiler))?;
        Ok(Self { engine })
    }

    /// Looks at a component as the host does that loads it with these settings.
    pub async fn look(&self, wasm: &Arc<[u8]>, settings: &PluginSettings) -> Looked {
        let read = wasm.clone();
        let read =
            tokio::task::spawn_blocking(move || (component_facts(&read), ArtifactHash::of(&read)));
        let (facts, hash) = match read.await {
            Ok(read) => read,
            Err(error) => {
                return Looked {
                    refused: Some(error.to_string()),
                    ..Looked::default()
                };
            }
        };
        let begun = Instant::now();
        let compiled = self.engine.compile_hashed(wasm.clone(), hash).await;
        let took = begun.elapsed();
        let joined = Joined {
            tenant: DEFAULT_TENANT.into(),
            name: settings.name.as_str().into(),
            journal: Arc::new(MemoryJournal::new()),
            reads: Arc::new(NoReads(ReadError::Unsupported)),
            log: Arc::new(TracingLog),
        };
        let mut seen = Seen::default();
        let admitted = admit(&self.engine, compiled, settings, joined, &mut seen).await;
        let mut looked = Looked {
            facts,
            description: seen.description.map(Arc::unwrap_or_clone),
            ..Looked::default()
        };
        if let Some(artifact) = &seen.artifact {
            looked.compiled = Some((took, artifact.was_cached));
            let weighed = self.engine.weigh(artifact, settings.limits.memory_bytes);
            // One that does not describe itself is refused for that.
            looked.weight = weighed.await.ok();
        }
        match admitted {
            Ok(_) => {}
            Err(Refusal::Build(why)) => looked.refused = Some(why),
            Err(Refusal::Settings(problems)) => looked.problems = problems,
        }
        looked
    }

    /// Ends its threads.
    pub async fn shutdown(self) {
        self.engine.shutdown().await;
    }
}
