//! Settings that change while the host runs: taken whole, or the last good ones stay in force.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Plugins;
use crate::config::{Problem, ReloadMode, Settings};
use crate::mailbox::control::{ReloadedLine, SettingsLine};
use crate::telemetry::audit::{What, short_reason};
use crate::telemetry::set_levels;
use crate::web::PluginRow;

/// The name under which the page shows what is wrong with the settings.
const PANEL_ROW: &str = "parlor.toml";

/// Which changes are being let through that wait in manual mode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Releasing {
    /// None.
    #[default]
    Nothing,
    /// All.
    All,
    /// Those of one plugin.
    Only(String),
}

impl Releasing {
    /// Tells whether a plugin's change may serve.
    pub(super) fn lets(&self, plugin: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Only(name) => name == plugin,
        }
    }
}

/// Why a reload was not made.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// There is no such plugin.
    #[error("there is no plugin {0}")]
    Unknown(String),
}

/// Hears of settings that are in force from now on.
pub type OnSettings = Box<dyn Fn(&Settings) + Send + Sync>;

impl Plugins {
    /// Adds somebody who hears of new settings.
    pub fn on_settings(&self, hear: OnSettings) {
        self.listeners.lock().push(hear);
    }

    /// What a person should know of the settings.
    pub fn settings_notes(&self) -> Vec<SettingsLine> {
        self.notes.lock().clone()
    }

    /// Takes settings that somebody else has read, whatever their mode is; tells whether they are others
    /// than before.
    pub(in crate::app) async fn apply_settings(&self, new: Settings) -> bool {
        let _turn = self.applying.lock().await;
        let is_other = new != **self.settings.load();
        self.take_settings(new, true).await;
        self.changed.send_modify(|number| *number += 1);
        is_other
    }

    /// Looks at the settings file again. In manual mode a change waits, unless it is let through.
    pub(super) async fn load_settings(&self, is_let_through: bool) {
        if !self.has_settings_file {
            return;
        }
        match Settings::load(&self.settings.load().path) {
            Ok(new) => self.take_settings(new, is_let_through).await,
            Err(problems) => self.refuse_settings(&problems).await,
        }
    }

    async fn take_settings(&self, new: Settings, is_let_through: bool) {
        let old = self.settings.load_full();
        if new == *old {
            self.notes.lock().clear();
            let new = Arc::new(new);
            // Whoever compares hashes finds that of a file whose comments are others, too.
            self.settings.store(new.clone());
            self.audit_settings(&old, &new).await;
            return;
        }
        if old.reload.mode == ReloadMode::Manual && !is_let_through {
            let text = format!("{}: a change waits for `parlor reload`", old.path.display());
            *self.notes.lock() = vec![SettingsLine {
                refused: false,
                text,
            }];
            return;
        }
        let egress = self.parts.engine.egress();
        // Connections that are kept open are given up where the way out is another.
        let is_another_way = new.net != old.net;
        if is_another_way && let Err(error) = egress.configure(&new.net) {
            let problem = new.problem("net", error.to_string());
            return self.refuse_settings(&[problem]).await;
        }
        let came = match self.parts.sessions.apply(&new.bots).await {
            Ok(came) => came,
            Err(error) => {
                if is_another_way && let Err(error) = egress.configure(&old.net) {
                    tracing::error!(%error, "way out not as it was");
                }
                let problem = new.problem("bot", format!("{error:#}"));
                return self.refuse_settings(&[problem]).await;
            }
        };
        let started = self.started_with.needs_restart(&new);
        for problem in &started {
            tracing::warn!(%problem, "settings");
        }
        let notes = started.iter().map(|problem| SettingsLine {
            refused: false,
            text: problem.to_string(),
        });
        *self.notes.lock() = notes.collect();
        let new = Arc::new(new);
        self.settings.store(new.clone());
        tracing::info!("settings taken");
        if let Err(error) = set_levels(&new.log) {
            tracing::error!(%error, "log levels not changed");
        }
        self.audit_settings(&old, &new).await;
        for hear in self.listeners.lock().iter() {
            hear(&new);
        }
        let stems: Vec<String> = self.known.lock().sources.keys().cloned().collect();
        for stem in stems {
            self.load_stem(&stem).await;
        }
        self.rebuild_table();
        self.tell_started(came).await;
    }

    /// Reads the settings again and lets changes serve that wait in manual mode: all, or those of
    /// one plugin. `scan` has the folder looked through between the two.
    ///
    /// # Errors
    /// [`ReloadError`]; nothing has changed then.
    pub async fn reload(
        &self,
        plugin: Option<&str>,
        scan: impl Future<Output = ()>,
    ) -> Result<ReloadedLine, ReloadError> {
        let before = self.loads();
        {
            let _turn = self.applying.lock().await;
            if let Some(plugin) = plugin
                && !self.is_known(plugin)
            {
                return Err(ReloadError::Unknown(plugin.to_owned()));
            }
            let releasing = plugin.map_or(Releasing::All, |name| Releasing::Only(name.to_owned()));
            *self.releasing.lock() = releasing;
            if let Some(plugin) = plugin {
                self.forgive(plugin).await;
            }
            self.load_settings(true).await;
        }
        // What is found meanwhile is applied under the same release.
        scan.await;
        let _turn = self.applying.lock().await;
        let stems: Vec<String> = self.known.lock().sources.keys().cloned().collect();
        for stem in stems {
            self.load_stem(&stem).await;
        }
        *self.releasing.lock() = Releasing::Nothing;
        self.changed.send_modify(|number| *number += 1);
        let after = self.loads();
        let is_new = |name: &&String| before.get(*name) != after.get(*name);
        Ok(ReloadedLine {
            changed: after.keys().filter(is_new).cloned().collect(),
            removed: before
                .keys()
                .filter(|name| !after.contains_key(*name))
                .cloned()
                .collect(),
            refused: self.known.lock().refused.keys().cloned().collect(),
        })
    }

    /// The settings' row on the page; none where there is nothing to say.
    pub(super) fn settings_row(&self) -> Option<PluginRow> {
        let notes = self.notes.lock();
        let is_refused = notes.first()?.refused;
        let texts: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
        Some(PluginRow {
            name: PANEL_ROW.to_owned(),
            state: if is_refused { "refused" } else { "waiting" }.to_owned(),
            last_error: Some(texts.join("\n")),
            ..PluginRow::default()
        })
    }

    async fn refuse_settings(&self, problems: &[Problem]) {
        for problem in problems {
            tracing::error!(%problem, "settings not taken; the last good ones stay in force");
        }
        let lines = problems.iter().map(|problem| SettingsLine {
            refused: true,
            text: problem.to_string(),
        });
        *self.notes.lock() = lines.collect();
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        self.audit(What::SettingsRefused {
            reason: short_reason(&texts.join("\n")),
        })
        .await;
    }

    async fn audit_settings(&self, old: &Settings, new: &Settings) {
        if old.text_hash.0 != new.text_hash.0 {
            self.audit(What::SettingsChanged {
                before: old.text_hash.0.clone(),
                after: new.text_hash.0.clone(),
            })
            .await;
        }
    }

    fn is_known(&self, plugin: &str) -> bool {
        let known = self.known.lock();
        known.serving.contains_key(plugin)
            || known.refused.contains_key(plugin)
            || known.sources.contains_key(plugin)
            || self.settings.load().plugins.contains_key(plugin)
    }

    /// Which build and settings each plugin serves with: the number of its load.
    fn loads(&self) -> BTreeMap<String, u64> {
        let known = self.known.lock();
        let serving = known.serving.iter();
        serving
            .map(|(name, plugin)| (name.clone(), plugin.load))
            .collect()
    }
}
