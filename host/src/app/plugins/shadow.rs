//! `shadow = true`: a new build is first compared with the one that serves, on live events, until an
//! operator lets it serve or drops it.

use std::sync::Arc;

use super::load::Ready;
use super::returning::good_of;
use super::{Known, Plugins};
use crate::app::clock;
use crate::app::reload::Sha256Bytes;
use crate::config::{PluginSettings, ReloadMode, write_sha256};
use crate::mailbox::control::{DifferenceLine, ShadowLine};
use crate::model::{Name, Timestamp};
use crate::runtime::lanes::{PluginStatus, ShadowSpec};
use crate::runtime::turn::{ActionGrants, Policy};
use crate::runtime::{ArtifactHash, LogLine, LogSink, TracingLog};

/// A build in the shadow of the one that serves.
pub(super) struct Shadow {
    sha256: Sha256Bytes,
    version: String,
    settings: PluginSettings,
    since: Timestamp,
    hears_otherwise: bool,
}

/// A build that is about to serve.
pub(super) struct Candidate<'a> {
    /// The file in the folder.
    pub(super) wasm: &'a Arc<[u8]>,
    /// The kept build that is meant instead of it.
    pub(super) kept: Option<Sha256Bytes>,
    /// Its hash.
    pub(super) sha256: Sha256Bytes,
}

impl Known {
    /// How a plugin's shadow compares.
    pub(super) fn shadow_line(
        &self,
        name: &str,
        live: Option<&PluginStatus>,
    ) -> Option<ShadowLine> {
        let shadow = self.shadows.get(name)?;
        let status = live.and_then(|live| live.shadow.clone());
        let status = status.unwrap_or_default();
        let recent = status.recent.into_iter().map(|note| DifferenceLine {
            at: note.at,
            event: note.event,
            conversation: note.conversation,
            was: note.difference.was,
            now: note.difference.now,
            fields: note.difference.fields,
        });
        Some(ShadowLine {
            version: shadow.version.clone(),
            sha256: write_sha256(&shadow.sha256),
            since: shadow.since,
            hears_otherwise: shadow.hears_otherwise,
            compared: status.compared,
            differ: status.differ,
            skipped: status.skipped,
            last_skipped: status.last_skipped,
            recent: recent.collect(),
        })
    }
}

impl Plugins {
    /// Has a build compared instead of letting it serve, where its settings say so and another one
    /// serves; tells whether it did.
    pub(super) async fn stays_in_shadow(
        &self,
        name: &str,
        stem: &str,
        candidate: &Candidate<'_>,
        settings: &PluginSettings,
    ) -> Result<bool, String> {
        let is_let = !settings.shadow || self.releasing.lock().lets(name);
        let before = self.builds(name).served().cloned();
        let is_serving = self.known.lock().serving.contains_key(name);
        // After a start, what served before serves again: nobody has let the other one serve yet.
        if let Some(before) = before.filter(|_| !is_let && !is_serving)
            && let Err(reason) = self.serve_kept(name, stem, before.sha256.0, settings).await
        {
            tracing::error!(
                plugin = name,
                reason,
                "the build that served before does not"
            );
        }
        let serving = {
            let known = self.known.lock();
            let serving = known.serving.get(name);
            serving.map(|serving| (serving.sha256, serving.settings != *settings))
        };
        let Some((serving, has_other_settings)) = serving else {
            return Ok(false);
        };
        if is_let || serving == candidate.sha256 {
            // A build that is let serve leaves the shadow when it does.
            if serving == candidate.sha256 || !settings.shadow {
                self.leave_shadow(name).await;
            }
            return Ok(false);
        }
        if self.is_shadow(name, candidate.sha256, settings) {
            return Ok(true);
        }
        self.leave_shadow(name).await;
        let is_manual = self.settings.load().reload.mode == ReloadMode::Manual;
        if has_other_settings && !is_manual {
            self.serve_kept(name, stem, serving, settings).await?;
        }
        let wasm = match candidate.kept {
            None => candidate.wasm.clone(),
            Some(kept) => self.read_kept(kept).await?,
        };
        let prepared = self.prepare_shadow(name, wasm, candidate.sha256, settings.clone());
        self.begin_shadow(name, prepared.await?).await;
        Ok(true)
    }

    fn is_shadow(&self, name: &str, sha256: Sha256Bytes, settings: &PluginSettings) -> bool {
        let known = self.known.lock();
        let shadow = known.shadows.get(name);
        shadow.is_some_and(|shadow| shadow.sha256 == sha256 && shadow.settings == *settings)
    }

    /// Lets a kept build serve with these settings.
    async fn serve_kept(
        &self,
        name: &str,
        stem: &str,
        sha256: Sha256Bytes,
        settings: &PluginSettings,
    ) -> Result<(), String> {
        let wasm = self.read_kept(sha256).await?;
        let ready = self.prepare(name, wasm, sha256, settings.clone()).await?;
        self.swap(name, stem, ready).await;
        Ok(())
    }

    async fn begin_shadow(&self, name: &str, ready: Ready) {
        // The one that serves must be there after a restart.
        self.pass_the_only_one(name).await;
        let settings = ready.settings().clone();
        let (sha256, version) = (ready.sha256(), ready.version().to_owned());
        let serving = {
            let mut known = self.known.lock();
            let Some(serving) = known.serving.get(name) else {
                return;
            };
            let (old, new) = (&serving.description, ready.description());
            let shadow = Shadow {
                sha256,
                version: version.clone(),
                settings: settings.clone(),
                since: clock::now(),
                hears_otherwise: old.subscriptions != new.subscriptions
                    || old.commands != new.commands,
            };
            let serving = good_of(serving);
            known.shadows.insert(name.to_owned(), shadow);
            serving
        };
        self.change_builds(name, |builds| {
            builds.set_shadow(Some((ArtifactHash(sha256), serving)));
        })
        .await;
        let granted = settings.granted(&self.settings.load().path);
        let (build, http_grants) = ready.into_parts();
        let changed = self.changed.clone();
        let spec = ShadowSpec {
            version,
            build: Arc::new(build),
            policy: Arc::new(Policy {
                actions: ActionGrants::These(Box::new(granted)),
                http: Some(Arc::new(http_grants)),
                limits: settings.limits,
            }),
            hear: Box::new(move || changed.send_modify(|number| *number += 1)),
        };
        let plugin = Name::from(name);
        let lanes = &self.parts.lanes;
        lanes.compare(&self.parts.tenant, &plugin, Some(spec));
    }

    /// Ends a comparison, for a build that is let serve or is there no more.
    pub(super) async fn leave_shadow(&self, name: &str) {
        self.end_shadow(name);
        self.change_builds(name, |builds| builds.set_shadow(None))
            .await;
    }

    /// Ends a comparison for now: the same build goes on in the shadow when its plugin comes back.
    pub(super) fn end_shadow(&self, name: &str) {
        if self.known.lock().shadows.remove(name).is_some() {
            let plugin = Name::from(name);
            self.parts.lanes.compare(&self.parts.tenant, &plugin, None);
        }
    }

    /// Drops the build that is compared, so that it does not serve by itself; tells whether there is one.
    pub(super) async fn drop_shadow(&self, name: &str) -> bool {
        let shadow = {
            let known = self.known.lock();
            let shadow = known.shadows.get(name);
            shadow.map(|shadow| (shadow.sha256, shadow.version.clone()))
        };
        let Some((sha256, version)) = shadow else {
            return false;
        };
        self.leave_shadow(name).await;
        let reason = format!("version {version} was dropped from the shadow");
        self.set_aside(name, sha256, reason).await;
        true
    }
}

/// Gives the lines of a build in the shadow to the log, and says that they are its.
pub(super) struct ShadowLog;

impl LogSink for ShadowLog {
    fn write(&self, mut line: LogLine) {
        line.plugin = format!("{} (shadow)", line.plugin).into();
        TracingLog.write(line);
    }
}
