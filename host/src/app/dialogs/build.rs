//! A component that is tested: compiled and described once, for all of its dialogs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::script::{Dialog, DialogFile};
use crate::app::entry::private_cache;
use crate::app::reload::Sha256Bytes;
use crate::config::{
    DEFAULT_BOT, PluginScope, PluginSettings, Problem, check_plugin, parse_plugin_file,
};
use crate::model::description::Description;
use crate::model::limits::Limits;
use crate::router::Table;
use crate::runtime::{ArtifactHash, CompileError, CompilerProgram, Engine, RuntimeConfig};

/// Why a host would refuse a component.
#[derive(Clone, Debug, thiserror::Error)]
#[error("refused: {0}")]
pub struct RefusedBuild(String);

/// A component that is tested.
pub struct TestedBuild {
    pub(super) name: String,
    pub(super) wasm: Arc<[u8]>,
    pub(super) sha256: Sha256Bytes,
    pub(super) cache: PathBuf,
    pub(super) compiler: CompilerProgram,
    description: Description,
}

impl TestedBuild {
    /// Compiles a component, or takes its code from the user's cache, and asks it what it is.
    ///
    /// # Errors
    /// [`RefusedBuild`]; the engine's.
    pub async fn prepare(
        name: &str,
        wasm: Vec<u8>,
        compiler: CompilerProgram,
    ) -> anyhow::Result<Self> {
        let cache = private_cache()?;
        let engine = Engine::new(RuntimeConfig {
            instances: 1,
            slow_threads: 1,
            ..RuntimeConfig::attended(cache.clone(), compiler.clone())
        })?;
        let sha256 = ArtifactHash::of(&wasm).0;
        let shared: Arc<[u8]> = wasm.as_slice().into();
        let described = async {
            let artifact = match engine.compile(wasm).await {
                Ok(artifact) => artifact,
                Err(error @ CompileError::Host(_)) => return Err(error.into()),
                Err(error) => return Err(refused(&error)),
            };
            let memory = Limits::DEFAULT.memory_bytes;
            let described = engine.describe(&artifact, memory).await;
            let described = described.map_err(|error| refused(&error))?;
            Table::check(&described).map_err(|error| refused(&error))?;
            anyhow::Ok(described)
        };
        let described = described.await;
        engine.shutdown().await;
        Ok(Self {
            name: name.to_owned(),
            wasm: shared,
            sha256,
            cache,
            compiler,
            description: described?,
        })
    }

    /// Its name in the settings.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says of itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Every mistake in the settings that a file's dialogs give it.
    pub fn check(&self, file: &DialogFile) -> Vec<Problem> {
        let mut problems: Vec<Problem> = Vec::new();
        for dialog in &file.dialogs {
            let settings = self.settings(&file.path, dialog);
            let checked = settings.and_then(|it| check_plugin(&it, &self.description).map(drop));
            for problem in checked.err().into_iter().flatten() {
                // Dialogs that share their settings share their mistakes.
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
        problems
    }

    /// The settings that a dialog gives it.
    pub(super) fn settings(
        &self,
        path: &Path,
        dialog: &Dialog,
    ) -> Result<PluginSettings, Vec<Problem>> {
        let text = dialog.settings.as_ref().map_or("", |it| it.text.as_str());
        let scope = PluginScope {
            bots: [DEFAULT_BOT.to_owned()].into(),
            roles: dialog.roles.keys().cloned().collect(),
        };
        // No secret of this machine is read, and a dialog needs none.
        let environment = |name: &str| Some(format!("secret-of-{}", name.to_lowercase()));
        parse_plugin_file(path, text, &self.name, &scope, &environment)
    }
}

fn refused(error: &dyn std::fmt::Display) -> anyhow::Error {
    RefusedBuild(error.to_string()).into()
}
