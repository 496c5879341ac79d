//! Whether a build may serve: the one way for the host that loads it and for `parlor check`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::config::{PluginSettings, Problem, check_plugin};
use crate::journal::Journal;
use crate::model::Name;
use crate::model::config::ConfigValue;
use crate::model::description::Description;
use crate::net::HttpGrants;
use crate::router::Table;
use crate::runtime::{
    Artifact, CompileError, DirectoryReads, Engine, LogSink, PluginBuild, PluginParts,
};

/// What a build is joined to.
pub(super) struct Joined {
    /// The tenant.
    pub(super) tenant: Name,
    /// The plugin's name.
    pub(super) name: Name,
    /// Where its state lies.
    pub(super) journal: Arc<dyn Journal>,
    /// Who answers its reads.
    pub(super) reads: Arc<dyn DirectoryReads>,
    /// Where its lines go.
    pub(super) log: Arc<dyn LogSink>,
}

/// What was found before a build was taken or refused.
#[derive(Default)]
pub(super) struct Seen {
    /// Its code.
    pub(super) artifact: Option<Arc<Artifact>>,
    /// What it says of itself.
    pub(super) description: Option<Arc<Description>>,
}

/// A build that may serve.
pub(super) struct Admitted {
    /// The build, which was started once.
    pub(super) build: PluginBuild,
    /// What it says of itself.
    pub(super) description: Arc<Description>,
    /// Its config with defaults.
    pub(super) config: BTreeMap<String, ConfigValue>,
    /// What it may request.
    pub(super) http_grants: HttpGrants,
}

/// Why a build is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    /// What the component is.
    Build(String),
    /// What its settings say.
    Settings(Vec<Problem>),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(why) => f.write_str(why),
            Self::Settings(problems) => {
                let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

/// Looks at a build with its settings, from what it is to whether it starts, and at nothing twice.
///
/// # Errors
/// Why it may not serve; `seen` has what was found until then.
pub(super) async fn admit(
    engine: &Engine,
    compiled: Result<Arc<Artifact>, CompileError>,
    settings: &PluginSettings,
    joined: Joined,
    seen: &mut Seen,
) -> Result<Admitted, Refusal> {
    fn build(error: &dyn fmt::Display) -> Refusal {
        Refusal::Build(error.to_string())
    }
    let artifact = compiled.map_err(|error| build(&error))?;
    seen.artifact = Some(artifact.clone());
    let described = engine.describe(&artifact, settings.limits.memory_bytes);
    let description = Arc::new(described.await.map_err(|error| build(&error))?);
    seen.description = Some(description.clone());
    Table::check(&description).map_err(|error| build(&error))?;
    let config = check_plugin(settings, &description).map_err(Refusal::Settings)?;
    let http_grants = HttpGrants::new(&settings.grants.http).map_err(|error| {
        let place = settings.spot("grants.http");
        Refusal::Settings(vec![place.problem(error.to_string())])
    })?;
    let Joined {
        tenant,
        name,
        journal,
        reads,
        log,
    } = joined;
    let build = PluginBuild::new(
        engine,
        PluginParts {
            tenant,
            name,
            artifact,
            description: description.clone(),
            config: config.clone(),
            http_grants: http_grants.clone(),
            limits: settings.limits.clone(),
            journal,
            reads,
            log,
        },
    );
    let probed = build.probe().await;
    probed.map_err(|fault| Refusal::Build(format!("does not start: {fault}")))?;
    Ok(Admitted {
        build,
        description,
        config,
        http_grants,
    })
}
