//! From a wasm file and settings to a build that serves. Everything is checked before the swap.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::returning::{Choice, Held};
use super::shadow::{Candidate, ShadowLog};
use super::{Plugins, Serving, access_of, hex};
use crate::app::clock;
use crate::app::reload::Sha256Bytes;
use crate::config::{PluginSettings, Problem, ReloadMode, check_plugin};
use crate::model::config::ConfigValue;
use crate::model::description::Description;
use crate::model::payload::Lifecycle;
use crate::net::HttpGrants;
use crate::outbox::requests::PluginHttp;
use crate::router::{Access, Table};
use crate::runtime::lanes::{PluginSpec, Probation};
use crate::runtime::turn::{ActionGrants, Policy};
use crate::runtime::{LogSink, PluginBuild, PluginParts};
use crate::telemetry::audit::What;

/// A build that passed every check and does not serve yet.
pub(super) struct Ready {
    wasm: Arc<[u8]>,
    sha256: Sha256Bytes,
    settings: PluginSettings,
    config: BTreeMap<String, ConfigValue>,
    description: Arc<Description>,
    access: Access,
    http_grants: HttpGrants,
    build: PluginBuild,
}

impl Ready {
    /// What its lanes call, and what it may do.
    pub(super) fn into_parts(self) -> (PluginBuild, HttpGrants) {
        (self.build, self.http_grants)
    }

    /// The file.
    pub(super) fn wasm(&self) -> &Arc<[u8]> {
        &self.wasm
    }

    /// Its hash.
    pub(super) fn sha256(&self) -> Sha256Bytes {
        self.sha256
    }

    /// What it is told and allowed.
    pub(super) fn settings(&self) -> &PluginSettings {
        &self.settings
    }

    /// What it says of itself.
    pub(super) fn description(&self) -> &Description {
        &self.description
    }

    /// The version that it states.
    pub(super) fn version(&self) -> &str {
        &self.description.version
    }
}

impl Plugins {
    /// Loads one plugin; what served before goes on where this fails. Gives what a person should know
    /// although a build serves.
    pub(super) async fn load(&self, name: &str, stem: &str) -> Result<Option<String>, String> {
        let (wasm, sha256, own_file) = {
            let known = self.known.lock();
            let Some(source) = known.sources.get(stem) else {
                return Err(format!("there is no {stem}.wasm"));
            };
            (source.wasm.clone(), source.sha256, source.settings.clone())
        };
        let own_file = own_file.as_ref().filter(|_| name == stem);
        let settings = {
            let own_file = own_file.map(|file| (file.path.as_path(), &*file.text));
            self.settings.load().plugin(name, own_file)
        };
        let settings = settings.map_err(|problems| lines(&problems))?;
        if !settings.enabled {
            self.remove(name).await;
            return Ok(None);
        }
        self.remember(name).await;
        let Choice { kept, note } = self.choose(name, sha256, &settings)?;
        let chosen = kept.unwrap_or(sha256);
        let source = Candidate {
            wasm: &wasm,
            kept,
            sha256: chosen,
        };
        if self.stays_in_shadow(name, stem, &source, &settings).await? {
            return Ok(note);
        }
        let (is_serving, same) = {
            let known = self.known.lock();
            let serving = known.serving.get(name);
            let same = serving
                .filter(|serving| serving.sha256 == chosen && serving.settings == settings)
                .map(|serving| serving.held);
            (serving.is_some(), same)
        };
        match same {
            Some(Held::No) => return Ok(note),
            Some(Held::Waits) => return Ok(self.known.lock().refused.get(name).cloned()),
            Some(Held::TriedAgain) | None => {}
        }
        let wasm = match kept {
            None => wasm,
            Some(kept) => self.read_kept(kept).await?,
        };
        let prepared = self.prepare(name, wasm, chosen, settings.clone()).await;
        let (ready, note) = match prepared {
            Ok(ready) => (ready, note),
            Err(reason) if !is_serving => self.stand_in(name, chosen, &settings, reason).await?,
            Err(reason) => return Err(reason),
        };
        self.may_serve(name, &ready)?;
        self.leave_shadow(name).await;
        self.swap(name, stem, ready).await;
        Ok(note)
    }

    /// Makes a build of a component and checks everything that can be checked before it serves.
    pub(super) async fn prepare(
        &self,
        name: &str,
        wasm: Arc<[u8]>,
        sha256: Sha256Bytes,
        settings: PluginSettings,
    ) -> Result<Ready, String> {
        let log = self.parts.log.clone();
        self.prepare_with(name, wasm, sha256, settings, log).await
    }

    /// As [`Plugins::prepare`], for a build that is to be compared only.
    pub(super) async fn prepare_shadow(
        &self,
        name: &str,
        wasm: Arc<[u8]>,
        sha256: Sha256Bytes,
        settings: PluginSettings,
    ) -> Result<Ready, String> {
        let log = Arc::new(ShadowLog);
        self.prepare_with(name, wasm, sha256, settings, log).await
    }

    async fn prepare_with(
        &self,
        name: &str,
        wasm: Arc<[u8]>,
        sha256: Sha256Bytes,
        settings: PluginSettings,
        log: Arc<dyn LogSink>,
    ) -> Result<Ready, String> {
        let engine = &self.parts.engine;
        let artifact = engine
            .compile(wasm.to_vec())
            .await
            .map_err(|error| error.to_string())?;
        let description = engine
            .describe(&artifact, settings.limits.memory_bytes)
            .await
            .map_err(|error| error.to_string())?;
        let config = check_plugin(&settings, &description).map_err(|problems| lines(&problems))?;
        Table::check(&description).map_err(|error| error.to_string())?;
        let access = access_of(&settings);
        let http_grants =
            HttpGrants::new(&settings.grants.http).map_err(|error| error.to_string())?;
        let description = Arc::new(description);
        let build = PluginBuild::new(
            engine,
            PluginParts {
                tenant: self.parts.tenant.clone(),
                name: name.into(),
                artifact,
                description: description.clone(),
                config: config.clone(),
                http_grants: http_grants.clone(),
                limits: settings.limits.clone(),
                journal: self.parts.journal.clone(),
                reads: self.parts.reads.clone(),
                log,
            },
        );
        let probed = build.probe().await;
        probed.map_err(|fault| format!("does not start: {fault}"))?;
        Ok(Ready {
            wasm,
            sha256,
            settings,
            config,
            description,
            access,
            http_grants,
            build,
        })
    }

    /// In manual mode a first build serves; a change of one waits, checked.
    fn may_serve(&self, name: &str, ready: &Ready) -> Result<(), String> {
        let same_build = self
            .known
            .lock()
            .serving
            .get(name)
            .map(|serving| serving.sha256 == ready.sha256);
        let is_manual = self.settings.load().reload.mode == ReloadMode::Manual;
        if let Some(same_build) = same_build
            && is_manual
            && !self.releasing.lock().lets(name)
        {
            let what = if same_build {
                "a change of its settings".to_owned()
            } else {
                format!("version {}", ready.version())
            };
            return Err(format!("{what} waits for `parlor reload`"));
        }
        Ok(())
    }

    /// Lets a checked build serve, and tells it so.
    pub(super) async fn swap(&self, name: &str, stem: &str, ready: Ready) {
        let started = std::time::Instant::now();
        let old = {
            let known = self.known.lock();
            known.serving.get(name).map(|serving| Old {
                sha256: serving.sha256,
                version: serving.description.version.clone(),
                same_settings: serving.settings == ready.settings,
            })
        };
        let old_build = old.as_ref().map(|old| old.sha256);
        let probation = self.begin_probation(name, &ready, old_build).await;
        let version = ready.version().to_owned();
        let sha256 = ready.sha256;
        let serving = self.install(name, stem, ready, probation);
        self.known.lock().serving.insert(name.to_owned(), serving);
        self.rebuild_table();
        if let Some(old) = old_build.filter(|old| *old != sha256) {
            self.give_up(old);
        }
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(plugin = name, version, took_ms, "plugin serves");
        self.known.lock().audited.remove(name);
        let (tenant, plugin) = (self.parts.tenant.to_string(), name.to_owned());
        self.audit(match &old {
            None => What::PluginAdded {
                tenant,
                plugin,
                version,
                artifact: hex(&sha256),
            },
            Some(old) => What::PluginSwapped {
                tenant,
                plugin,
                version,
                before: hex(&old.sha256),
                after: hex(&sha256),
            },
        })
        .await;
        let key = format!("{}:{}", self.boot, clock::trace_id());
        // `started` comes once a start of the host and bot, however often the file comes and goes.
        let (lifecycle, key) = match old {
            None => (Lifecycle::Started, self.boot.clone()),
            Some(old) if old.sha256 == sha256 && !old.same_settings => {
                (Lifecycle::ConfigChanged, key)
            }
            Some(old) => (Lifecycle::Reloaded(old.version), key),
        };
        self.tell(name, lifecycle, &key).await;
    }

    fn install(
        &self,
        name: &str,
        stem: &str,
        ready: Ready,
        probation: Option<Arc<Probation>>,
    ) -> Serving {
        let Ready {
            sha256,
            settings,
            config,
            description,
            access,
            http_grants,
            build,
            ..
        } = ready;
        let plugin: crate::model::Name = name.into();
        let granted = settings.granted(&self.settings.load().path);
        self.parts.reads.set_grants(&plugin, granted.clone());
        let http_grants = Arc::new(http_grants);
        let http = PluginHttp {
            grants: http_grants.clone(),
            body_bytes: settings.limits.http_body_bytes,
            header_bytes: settings.limits.http_header_bytes as usize,
        };
        let tenant = &self.parts.tenant;
        self.parts.requests.install(tenant, &plugin, http);
        self.parts.lanes.install(PluginSpec {
            tenant: self.parts.tenant.clone(),
            name: plugin,
            version: description.version.clone(),
            build: Arc::new(build),
            instances: settings.limits.instances,
            fresh: settings.fresh,
            max_age: settings.max_age,
            policy: Arc::new(Policy {
                actions: ActionGrants::These(Box::new(granted)),
                http: Some(http_grants),
                limits: settings.limits.clone(),
            }),
            probation: probation.clone(),
        });
        Serving {
            stem: stem.to_owned(),
            sha256,
            settings,
            config,
            description,
            access,
            since: clock::now(),
            load: self.loads.fetch_add(1, Ordering::Relaxed),
            probation,
            held: Held::No,
        }
    }
}

/// What served before a swap.
struct Old {
    sha256: Sha256Bytes,
    version: String,
    same_settings: bool,
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
