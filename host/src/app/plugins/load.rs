//! From a wasm file and settings to a build that serves. Everything is checked before the swap.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Plugins, Serving, access_of, hex};
use crate::app::clock;
use crate::config::{PluginSettings, Problem, ReloadMode, check_plugin};
use crate::model::payload::Lifecycle;
use crate::net::HttpGrants;
use crate::outbox::requests::PluginHttp;
use crate::router::Table;
use crate::runtime::lanes::PluginSpec;
use crate::runtime::turn::{ActionGrants, Policy};
use crate::runtime::{PluginBuild, PluginParts, TracingLog};
use crate::telemetry::audit::What;

impl Plugins {
    /// Loads one plugin; what served before goes on where this fails.
    pub(super) async fn load(&self, name: &str, stem: &str) -> Result<(), String> {
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
            return Ok(());
        }
        let before = {
            let known = self.known.lock();
            known.serving.get(name).map(|serving| {
                let same_build = serving.sha256 == sha256;
                let same_settings = serving.settings == settings;
                (
                    same_build,
                    same_settings,
                    serving.description.version.clone(),
                    hex(&serving.sha256),
                )
            })
        };
        if matches!(before, Some((true, true, ..))) {
            return Ok(());
        }
        let started = std::time::Instant::now();
        let serving = self.install(name, stem, wasm, sha256, settings).await?;
        let version = serving.description.version.clone();
        let is_first = before.is_none();
        self.known.lock().serving.insert(name.to_owned(), serving);
        self.rebuild_table();
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(plugin = name, version, took_ms, "plugin serves");
        self.known.lock().audited.remove(name);
        let (tenant, plugin) = (self.parts.tenant.to_string(), name.to_owned());
        self.audit(match &before {
            None => What::PluginAdded {
                tenant,
                plugin,
                version,
                artifact: hex(&sha256),
            },
            Some((.., before)) => What::PluginSwapped {
                tenant,
                plugin,
                version,
                before: before.clone(),
                after: hex(&sha256),
            },
        })
        .await;
        let key = format!("{}:{}", self.boot, clock::trace_id());
        let lifecycle = match before {
            None => Lifecycle::Started,
            Some((true, false, ..)) => Lifecycle::ConfigChanged,
            Some((_, _, old, _)) => Lifecycle::Reloaded(old),
        };
        // `started` comes once a start of the host and bot, however often the file comes and goes.
        let key = if is_first { self.boot.clone() } else { key };
        self.tell(name, lifecycle, &key).await;
        Ok(())
    }

    async fn install(
        &self,
        name: &str,
        stem: &str,
        wasm: Arc<[u8]>,
        sha256: [u8; 32],
        settings: PluginSettings,
    ) -> Result<Serving, String> {
        let engine = &self.parts.engine;
        let artifact = engine
            .compile(wasm.to_vec())
            .await
            .map_err(|error| error.to_string())?;
        let description = engine
            .describe(&artifact)
            .await
            .map_err(|error| error.to_string())?;
        let config = check_plugin(&settings, &description).map_err(|problems| lines(&problems))?;
        Table::check(&description).map_err(|error| error.to_string())?;
        let access = access_of(&settings);
        let http_grants =
            HttpGrants::new(&settings.grants.http).map_err(|error| error.to_string())?;
        let description = Arc::new(description);
        let plugin: crate::model::Name = name.into();
        let build = PluginBuild::new(
            engine,
            PluginParts {
                tenant: self.parts.tenant.clone(),
                name: plugin.clone(),
                artifact,
                description: description.clone(),
                config: config.clone(),
                http_grants: http_grants.clone(),
                limits: settings.limits.clone(),
                journal: self.parts.journal.clone(),
                reads: self.parts.reads.clone(),
                log: Arc::new(TracingLog),
            },
        );
        let probed = build.probe().await;
        probed.map_err(|fault| format!("does not start: {fault}"))?;
        // In manual mode a first build serves; a change of one waits, checked.
        let same_build = self
            .known
            .lock()
            .serving
            .get(name)
            .map(|serving| serving.sha256 == sha256);
        let is_manual = self.settings.load().reload.mode == ReloadMode::Manual;
        if let Some(same_build) = same_build
            && is_manual
            && !self.releasing.lock().lets(name)
        {
            let what = if same_build {
                "a change of its settings".to_owned()
            } else {
                format!("version {}", description.version)
            };
            return Err(format!("{what} waits for `parlor reload`"));
        }
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
            policy: Arc::new(Policy {
                actions: ActionGrants::These(Box::new(granted)),
                http: Some(http_grants),
                limits: settings.limits.clone(),
            }),
        });
        Ok(Serving {
            stem: stem.to_owned(),
            sha256,
            settings,
            config,
            description,
            access,
            since: clock::now(),
            load: self.loads.fetch_add(1, Ordering::Relaxed),
        })
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
