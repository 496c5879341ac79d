//! Builds that give way: which one serves instead of the one in the folder, and when.
//!
//! A new build is on probation. With its first fault the last good one is put back, unless the new one
//! has changed the state's version: then it is held, and an operator decides.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::builds::{Builds, GoodBuild, faulted, forget_fault};
use super::load::Ready;
use super::{Plugins, Serving};
use crate::app::reload::Sha256Bytes;
use crate::config::{PluginSettings, write_sha256};
use crate::runtime::ArtifactHash;
use crate::runtime::lanes::{OnFault, Probation, Verdict};

/// Whether a build is called that had a fault in its probation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It had none, or it goes on.
    No,
    /// It is not called: an operator decides.
    Waits,
    /// An operator has decided that it is tried again.
    TriedAgain,
}

/// Which build is to serve.
pub(super) struct Choice {
    /// One that is kept; none is the one in the folder.
    pub(super) kept: Option<Sha256Bytes>,
    /// Why it is not the one in the folder.
    pub(super) note: Option<String>,
}

/// Why a plugin was not rolled back.
#[derive(Debug, thiserror::Error)]
pub enum RollBackError {
    /// There is no such plugin, or it does not serve.
    #[error("there is no plugin {0} that serves")]
    Unknown(String),
    /// No good build from before is known.
    #[error(
        "{0} has no good build from before; one is good when it has served out its probation \
         (`probation-secs` in [reload])"
    )]
    Nothing(String),
    /// The settings ask for the build that serves.
    #[error("{0} is pinned: another `sha256` in its settings makes another build serve")]
    Pinned(String),
    /// The build from before cannot serve with the settings of now.
    #[error("{plugin} {version} cannot serve again: {reason}")]
    Failed {
        /// The plugin.
        plugin: String,
        /// The version that was to serve.
        version: String,
        /// Why it cannot.
        reason: String,
    },
}

impl Plugins {
    /// Puts the last good build before the one that serves back in its place. The one that served does
    /// not serve again by itself.
    ///
    /// # Errors
    /// [`RollBackError`]; nothing has changed then.
    pub async fn roll_back(&self, name: &str) -> Result<(), RollBackError> {
        let _turn = self.applying.lock().await;
        self.remember(name).await;
        if self.drop_shadow(name).await {
            self.changed.send_modify(|number| *number += 1);
            return Ok(());
        }
        let (bad, version, is_pinned) = {
            let known = self.known.lock();
            let serving = known.serving.get(name);
            let serving = serving.ok_or_else(|| RollBackError::Unknown(name.to_owned()))?;
            let version = serving.description.version.clone();
            (serving.sha256, version, serving.settings.sha256.is_some())
        };
        if is_pinned {
            return Err(RollBackError::Pinned(name.to_owned()));
        }
        let good = self.builds(name).instead_of(ArtifactHash(bad));
        let Some(first) = good.first().map(|build| build.version.clone()) else {
            return Err(RollBackError::Nothing(name.to_owned()));
        };
        let put_back = self.put_back(name, &good).await;
        put_back.map_err(|reason| RollBackError::Failed {
            plugin: name.to_owned(),
            version: first,
            reason,
        })?;
        let reason = format!("version {version} was rolled back");
        self.set_aside(name, bad, reason).await;
        self.changed.send_modify(|number| *number += 1);
        Ok(())
    }

    /// Follows the probations of builds until it is time to stop.
    pub async fn follow_probations(self: Arc<Self>, stop: CancellationToken) {
        while stop
            .run_until_cancelled(self.verdicts.notified())
            .await
            .is_some()
        {
            let _turn = self.applying.lock().await;
            let ended: Vec<(String, Verdict)> = {
                let known = self.known.lock();
                let serving = known.serving.iter();
                let ended = serving.filter_map(|(name, serving)| {
                    Some((name.clone(), serving.probation.as_ref()?.verdict()?))
                });
                ended.collect()
            };
            for (name, verdict) in ended {
                match verdict {
                    Verdict::Good => self.pass(&name).await,
                    Verdict::Fault(fault) => self.give_way(&name, &fault).await,
                }
            }
            self.changed.send_modify(|number| *number += 1);
        }
    }

    /// Chooses the build that serves: the one in the folder, unless that is set aside or is not the
    /// one that the settings ask for.
    pub(super) fn choose(
        &self,
        name: &str,
        sha256: Sha256Bytes,
        settings: &PluginSettings,
    ) -> Result<Choice, String> {
        if let Some(pinned) = settings.sha256 {
            let problem = settings.refuses(&sha256).map(|it| it.to_string());
            return match problem {
                None => Ok(Choice {
                    kept: None,
                    note: None,
                }),
                Some(_) if self.artifacts.has(ArtifactHash(pinned)) => Ok(Choice {
                    kept: Some(pinned),
                    note: problem,
                }),
                Some(problem) => Err(problem),
            };
        }
        let builds = self.builds(name);
        if let Some(reason) = builds.aside(ArtifactHash(sha256)) {
            // What serves goes on, though it may be on probation itself.
            let serving = {
                let known = self.known.lock();
                let serving = known.serving.get(name).map(good_of);
                serving.filter(|serving| serving.sha256.0 != sha256)
            };
            let mut instead = serving.iter().chain(builds.good());
            if let Some(other) = instead.find(|other| self.artifacts.has(other.sha256)) {
                let note = format!(
                    "version {} serves instead, until there is another file or `parlor reload {name}`; {reason}",
                    other.version
                );
                return Ok(Choice {
                    kept: Some(other.sha256.0),
                    note: Some(note),
                });
            }
        }
        Ok(Choice {
            kept: None,
            note: None,
        })
    }

    /// Reads a build that is kept.
    pub(super) async fn read_kept(&self, sha256: Sha256Bytes) -> Result<Arc<[u8]>, String> {
        let wasm = self.artifacts.read(ArtifactHash(sha256)).await;
        wasm.ok_or_else(|| format!("the kept build {} cannot be read", write_sha256(&sha256)))
    }

    /// Finds a good build for a plugin of which nothing serves and the folder's build fails.
    pub(super) async fn stand_in(
        &self,
        name: &str,
        failed: Sha256Bytes,
        settings: &PluginSettings,
        reason: String,
    ) -> Result<(Ready, Option<String>), String> {
        if settings.sha256.is_some() {
            return Err(reason);
        }
        for good in self.builds(name).instead_of(ArtifactHash(failed)) {
            let Ok(wasm) = self.read_kept(good.sha256.0).await else {
                continue;
            };
            let prepared = self.prepare(name, wasm, good.sha256.0, settings.clone());
            if let Ok(ready) = prepared.await {
                let note = format!("{reason}; version {} serves instead", good.version);
                tracing::warn!(plugin = name, reason = note, "last good build serves");
                return Ok((ready, Some(note)));
            }
        }
        Err(reason)
    }

    /// Keeps a build that is about to serve and begins its probation, where it needs one.
    pub(super) async fn begin_probation(
        &self,
        name: &str,
        ready: &Ready,
        old: Option<Sha256Bytes>,
    ) -> Option<Arc<Probation>> {
        self.remember(name).await;
        let hash = ArtifactHash(ready.sha256());
        if old.is_some_and(|old| old != ready.sha256()) {
            self.pass_the_only_one(name).await;
        }
        let kept = self.artifacts.keep(hash, ready.wasm()).await;
        if let Err(error) = kept {
            tracing::warn!(plugin = name, %error, "build not kept; it cannot be returned to");
        }
        let builds = self.builds(name);
        let least = self.settings.load().reload.probation;
        if builds.is_good(hash) || least.is_zero() {
            self.promote(name, good_build(ready)).await;
            return None;
        }
        let returns = ready.settings().sha256.is_none() && !builds.instead_of(hash).is_empty();
        let on_fault = if returns {
            OnFault::Hold
        } else {
            OnFault::BeginAnew
        };
        let verdicts = self.verdicts.clone();
        let hear = Box::new(move || verdicts.notify_one());
        Some(Arc::new(Probation::new(least, on_fault, hear)))
    }

    /// The first build of all is good enough to return to, if it never had a fault.
    pub(super) async fn pass_the_only_one(&self, name: &str) {
        let is_first = self.builds(name).good().is_empty();
        let good = {
            let known = self.known.lock();
            let serving = known.serving.get(name);
            let clean = serving.filter(|serving| {
                let probation = serving.probation.as_ref();
                probation.is_some_and(|probation| probation.is_clean())
            });
            clean.filter(|_| is_first).map(good_of)
        };
        if let Some(good) = good {
            self.promote(name, good).await;
        }
    }

    /// Notes that a build has served out its probation.
    async fn pass(&self, name: &str) {
        let good = {
            let mut known = self.known.lock();
            let serving = known.serving.get_mut(name);
            serving.map(|serving| {
                serving.probation = None;
                good_of(serving)
            })
        };
        if let Some(good) = good {
            tracing::info!(plugin = name, version = good.version, "probation is over");
            self.promote(name, good).await;
        }
    }

    /// Puts the last good build back in place of one that had a fault in its probation.
    async fn give_way(&self, name: &str, fault: &str) {
        let bad = {
            let mut known = self.known.lock();
            let serving = known.serving.get_mut(name);
            serving.map(|serving| {
                serving.probation = None;
                good_of(serving)
            })
        };
        let Some(bad) = bad else {
            return;
        };
        let version = &bad.version;
        let reason = faulted(version, fault);
        let good = self.builds(name).instead_of(bad.sha256);
        let Some(last) = good.first() else {
            self.parts.lanes.reopen(&self.parts.tenant, name);
            return;
        };
        if bad.state_version > last.state_version {
            let note = format!(
                "version {version} waits, because version {} cannot read the state that it has written \
                 (state-version {} and {}): `parlor plugins rollback {name}` puts that one back, \
                 `parlor reload {name}` tries this one again; {reason}",
                last.version, last.state_version, bad.state_version
            );
            self.hold(name, note);
            return;
        }
        match self.put_back(name, &good).await {
            Ok(()) => self.set_aside(name, bad.sha256.0, reason).await,
            Err(error) => {
                let note = format!("the last good build cannot serve: {error}; {reason}");
                self.parts.lanes.reopen(&self.parts.tenant, name);
                self.refuse(name, &note).await;
            }
        }
    }

    /// Leaves a build held that the lanes hold, and says why.
    fn hold(&self, name: &str, note: String) {
        tracing::error!(plugin = name, reason = note, "plugin is held");
        let mut known = self.known.lock();
        if let Some(serving) = known.serving.get_mut(name) {
            serving.held = Held::Waits;
        }
        known.refused.insert(name.to_owned(), note);
    }

    /// Lets the first of these builds serve that can.
    async fn put_back(&self, name: &str, builds: &[GoodBuild]) -> Result<(), String> {
        let (stem, settings) = {
            let known = self.known.lock();
            let serving = known.serving.get(name);
            let serving = serving.ok_or("the plugin has gone")?;
            (serving.stem.clone(), serving.settings.clone())
        };
        let mut first = None;
        for build in builds {
            let sha256 = build.sha256.0;
            let prepared = match self.read_kept(sha256).await {
                Ok(wasm) => self.prepare(name, wasm, sha256, settings.clone()).await,
                Err(reason) => Err(reason),
            };
            match prepared {
                Ok(ready) => {
                    self.swap(name, &stem, ready).await;
                    return Ok(());
                }
                Err(reason) => _ = first.get_or_insert(reason),
            }
        }
        Err(first.unwrap_or_default())
    }

    /// Keeps a build from serving again by itself, and shows why.
    pub(super) async fn set_aside(&self, name: &str, sha256: Sha256Bytes, reason: String) {
        tracing::warn!(plugin = name, reason, "build set aside");
        self.change_builds(name, |builds| {
            builds.set_aside(ArtifactHash(sha256), reason);
        })
        .await;
        self.give_up(sha256);
        let chosen = {
            let known = self.known.lock();
            let serving = known.serving.get(name);
            let source = serving.and_then(|serving| known.sources.get(&serving.stem));
            serving
                .zip(source)
                .map(|(serving, source)| (source.sha256, serving.settings.clone()))
        };
        // What the folder holds may be a third one, which waits or is refused for its own reason.
        let note = chosen.and_then(|(sha256, settings)| {
            let choice = self.choose(name, sha256, &settings).ok()?;
            choice.note
        });
        if let Some(note) = note {
            self.known.lock().refused.insert(name.to_owned(), note);
        }
    }

    /// Gives the builds of a plugin that are set aside or held another chance.
    pub(super) async fn forgive(&self, name: &str) {
        self.remember(name).await;
        if let Some(serving) = self.known.lock().serving.get_mut(name)
            && serving.held == Held::Waits
        {
            serving.held = Held::TriedAgain;
        }
        if self.builds(name).forgive() {
            self.change_builds(name, |builds| _ = builds.forgive())
                .await;
        }
    }

    /// Forgets what faults said in probations, wherever that is remembered or shown.
    pub async fn forget_faults(&self) {
        let names: Vec<String> = {
            let mut known = self.known.lock();
            known.refused.values_mut().for_each(forget_fault);
            known.builds.keys().cloned().collect()
        };
        for name in names {
            self.change_builds(&name, Builds::forget_faults).await;
        }
    }

    async fn promote(&self, name: &str, build: GoodBuild) {
        let mut over = Vec::new();
        self.change_builds(name, |builds| over = builds.promote(build))
            .await;
        for sha256 in over {
            self.give_up(sha256.0);
        }
    }

    /// Gives up a kept build that no plugin serves with or may return to.
    pub(super) fn give_up(&self, sha256: Sha256Bytes) {
        let is_used = {
            let known = self.known.lock();
            let hash = ArtifactHash(sha256);
            known.builds.values().any(|builds| builds.is_good(hash))
                || known.serving.values().any(|it| it.sha256 == sha256)
        };
        if !is_used {
            self.artifacts.discard(ArtifactHash(sha256));
        }
    }

    /// Gives up the kept builds that no plugin has used for long.
    pub(super) fn prune_artifacts(&self) {
        let known = self.known.lock();
        let good = known.builds.values().flat_map(Builds::good);
        let serving = known.serving.values();
        let used = good
            .map(|build| build.sha256)
            .chain(serving.map(|serving| ArtifactHash(serving.sha256)))
            .collect();
        drop(known);
        self.artifacts.prune(&used);
    }

    pub(super) fn builds(&self, name: &str) -> Builds {
        let known = self.known.lock();
        known.builds.get(name).cloned().unwrap_or_default()
    }

    /// Reads what is remembered of a plugin's builds, once.
    pub(super) async fn remember(&self, name: &str) {
        if self.known.lock().builds.contains_key(name) {
            return;
        }
        let read = Builds::read(&*self.parts.journal, &self.parts.tenant, name).await;
        let builds = read.unwrap_or_else(|error| {
            tracing::error!(plugin = name, %error, "builds not read; none is known to be good");
            Builds::default()
        });
        self.known.lock().builds.insert(name.to_owned(), builds);
    }

    pub(super) async fn change_builds(&self, name: &str, change: impl FnOnce(&mut Builds)) {
        let changed = {
            let mut known = self.known.lock();
            let builds = known.builds.entry(name.to_owned()).or_default();
            let before = builds.clone();
            change(builds);
            (*builds != before).then(|| builds.clone())
        };
        let Some(builds) = changed else {
            return;
        };
        let tenant = &self.parts.tenant;
        if let Err(error) = builds.write(&*self.parts.journal, tenant, name).await {
            tracing::error!(plugin = name, %error, "builds not kept; the next start will not know of them");
        }
    }
}

pub(super) fn good_of(serving: &Serving) -> GoodBuild {
    GoodBuild {
        sha256: ArtifactHash(serving.sha256),
        version: serving.description.version.clone(),
        state_version: serving.description.state_version,
    }
}

fn good_build(ready: &Ready) -> GoodBuild {
    GoodBuild {
        sha256: ArtifactHash(ready.sha256()),
        version: ready.version().to_owned(),
        state_version: ready.description().state_version,
    }
}
