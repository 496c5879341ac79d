//! The plugins that are there: a change in the folder is compiled, checked and swapped in.
//!
//! A change for the worse leaves what served before in place and says why.

mod absent;
mod artifacts;
mod builds;
mod commands;
mod health;
mod load;
mod returning;
mod settings;
mod shadow;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use self::artifacts::Artifacts;
use self::builds::Builds;
use self::returning::Held;
pub use self::returning::RollBackError;
use self::settings::Releasing;
pub use self::settings::{OnSettings, ReloadError};
use self::shadow::Shadow;
use super::clock;
use super::hooks::Hooks;
use super::intake::{Directed, Inbox};
use super::reads::Reads;
use super::reload::{FolderChange, PluginFile, Sha256Bytes};
use super::sessions::Sessions;
use crate::config::{PluginSettings, Settings, asks, webhooks};
use crate::journal::{EventKey, Journal, PluginKey};
use crate::mailbox::control::{PluginLine, SettingsLine};
use crate::model::config::ConfigValue;
use crate::model::description::{Description, EventKind};
use crate::model::event::{Addressing, Bot, Event};
use crate::model::payload::{EventPayload, Lifecycle};
use crate::model::{Name, Timestamp};
use crate::outbox::requests::Requests;
use crate::router::{Access, Only, PluginRoutes, Roles, Table};
use crate::runtime::lanes::{Lanes, Probation};
use crate::runtime::{Engine, LogSink};
use crate::telemetry::Audit;
use crate::telemetry::audit::{What, Who, short_reason};
use crate::web::{PanelSource, PluginRow};

/// What the plugins are joined to.
pub struct PluginsParts {
    /// The tenant whose plugins they are.
    pub tenant: Name,
    /// The settings at the start.
    pub settings: Settings,
    /// Compiles and runs.
    pub engine: Engine,
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Where builds serve.
    pub lanes: Arc<Lanes>,
    /// Where routes are used.
    pub inbox: Arc<Inbox>,
    /// Who makes requests.
    pub requests: Arc<Requests>,
    /// Who answers reads.
    pub reads: Arc<Reads>,
    /// Where webhooks are taken.
    pub hooks: Arc<Hooks>,
    /// The bots: `started` is for each of them, and settings change them.
    pub sessions: Arc<Sessions>,
    /// Where builds that served are kept; in memory where there is no folder.
    pub artifacts: Option<PathBuf>,
    /// Where the lines of plugins go.
    pub log: Arc<dyn LogSink>,
}

/// One wasm file.
struct Source {
    wasm: Arc<[u8]>,
    sha256: Sha256Bytes,
    settings: Option<PluginFile>,
}

/// A plugin that serves.
struct Serving {
    stem: String,
    sha256: Sha256Bytes,
    settings: PluginSettings,
    config: BTreeMap<String, ConfigValue>,
    description: Arc<Description>,
    access: Access,
    since: Timestamp,
    /// Which load it was.
    load: u64,
    /// Its probation, while that lasts.
    probation: Option<Arc<Probation>>,
    /// Whether it is called although it had a fault in its probation.
    held: Held,
}

#[derive(Default)]
struct Known {
    sources: BTreeMap<String, Source>,
    serving: BTreeMap<String, Serving>,
    /// Why a plugin, a file or a change of one is refused, or waits.
    refused: BTreeMap<String, String>,
    /// What is remembered of the builds of each plugin that was ever looked at.
    builds: BTreeMap<String, Builds>,
    /// Builds that are compared with the one that serves.
    shadows: BTreeMap<String, Shadow>,
    /// Everything that lay in the folder at the start was looked at.
    was_scanned: bool,
    /// The refusals that the audit has: one that goes on is told once.
    audited: BTreeMap<String, String>,
}

/// The plugins of one tenant.
pub struct Plugins {
    parts: PluginsParts,
    settings: ArcSwap<Settings>,
    known: Mutex<Known>,
    changed: watch::Sender<u64>,
    /// Changes are applied one at a time, in the order in which they came.
    applying: tokio::sync::Mutex<()>,
    boot: String,
    /// Held changes are being let through.
    releasing: Mutex<Releasing>,
    audit: OnceLock<Audit>,
    /// The settings that the host was started with.
    started_with: Settings,
    /// Whether they come from a file, which may be read again.
    has_settings_file: bool,
    notes: Mutex<Vec<SettingsLine>>,
    listeners: Mutex<Vec<OnSettings>>,
    loads: AtomicU64,
    artifacts: Artifacts,
    /// Rings when a probation has ended.
    verdicts: Arc<Notify>,
}

impl Plugins {
    /// Makes the plugins; none is there before [`Plugins::apply`].
    pub fn new(mut parts: PluginsParts) -> Self {
        let artifacts = Artifacts::new(parts.artifacts.take());
        Self {
            artifacts,
            verdicts: Arc::default(),
            settings: ArcSwap::from_pointee(parts.settings.clone()),
            started_with: parts.settings.clone(),
            has_settings_file: parts.settings.path.is_file(),
            notes: Mutex::default(),
            listeners: Mutex::default(),
            loads: AtomicU64::new(0),
            parts,
            known: Mutex::default(),
            changed: watch::channel(0).0,
            applying: tokio::sync::Mutex::default(),
            boot: clock::trace_id(),
            releasing: Mutex::default(),
            audit: OnceLock::new(),
        }
    }

    /// Sets where changes are written down.
    pub(super) fn set_audit(&self, audit: Audit) {
        // Set once, by the one who joins the host.
        let _ = self.audit.set(audit);
    }

    /// Applies a change of the folder; resolves when it serves or is refused.
    pub async fn apply(&self, change: FolderChange) {
        let _turn = self.applying.lock().await;
        match change {
            FolderChange::Upsert {
                name,
                wasm,
                sha256,
                settings,
            } => {
                self.known.lock().refused.remove(&name);
                let source = Source {
                    wasm,
                    sha256,
                    settings,
                };
                self.known.lock().sources.insert(name.clone(), source);
                self.load_stem(&name).await;
            }
            FolderChange::SettingsChanged => self.load_settings(false).await,
            FolderChange::Removed { name } => {
                let gone: Vec<String> = {
                    let mut known = self.known.lock();
                    known.sources.remove(&name);
                    known.refused.remove(&name);
                    known.refused.remove(&absent::file_row(&name));
                    let serving = known.serving.iter();
                    serving
                        .filter(|(_, plugin)| plugin.stem == name)
                        .map(|(plugin, _)| plugin.clone())
                        .collect()
                };
                for plugin in gone {
                    self.remove(&plugin).await;
                }
            }
            FolderChange::Refused { name, reason } => self.refuse(&name, &reason).await,
            FolderChange::Scanned => {
                self.known.lock().was_scanned = true;
                self.prune_artifacts();
            }
        }
        self.changed.send_modify(|number| *number += 1);
    }

    /// Tells the plugins that listen that the host stops.
    pub async fn drain(&self) {
        let names: Vec<String> = self.known.lock().serving.keys().cloned().collect();
        for name in names {
            self.tell(
                &name,
                Lifecycle::Draining,
                &format!("draining:{}", self.boot),
            )
            .await;
        }
    }

    /// Loads every plugin that uses a file, and drops those that used it and do so no more.
    async fn load_stem(&self, stem: &str) {
        let has_own_file = {
            let known = self.known.lock();
            let source = known.sources.get(stem);
            source.is_some_and(|source| source.settings.is_some())
        };
        let wanted = self.settings.load().plugins_of(stem, has_own_file);
        self.note_taken_name(stem, has_own_file).await;
        let dropped: Vec<String> = {
            let known = self.known.lock();
            known
                .serving
                .iter()
                .filter(|(name, plugin)| plugin.stem == stem && !wanted.contains(name))
                .map(|(name, _)| name.clone())
                .collect()
        };
        for name in dropped {
            self.remove(&name).await;
        }
        for name in wanted {
            match self.load(&name, stem).await {
                Ok(None) => {
                    self.known.lock().refused.remove(&name);
                }
                Ok(Some(note)) => {
                    self.known.lock().refused.insert(name, note);
                }
                Err(reason) => self.refuse(&name, &reason).await,
            }
        }
    }

    async fn refuse(&self, name: &str, reason: &str) {
        tracing::error!(plugin = name, reason, "plugin refused");
        let artifact = {
            let mut known = self.known.lock();
            known.refused.insert(name.to_owned(), reason.to_owned());
            let artifact = known.sources.get(name).map(|source| hex(&source.sha256));
            let told = format!("{} {reason}", artifact.as_deref().unwrap_or_default());
            if known.audited.insert(name.to_owned(), told.clone()) == Some(told) {
                return;
            }
            artifact
        };
        self.audit(What::PluginRefused {
            tenant: self.parts.tenant.to_string(),
            plugin: name.to_owned(),
            artifact,
            reason: short_reason(reason),
        })
        .await;
    }

    async fn remove(&self, name: &str) {
        tracing::info!(plugin = name, "plugin removed");
        let removed = {
            let mut known = self.known.lock();
            known.refused.remove(name);
            known.audited.remove(name);
            known.serving.remove(name)
        };
        self.end_shadow(name);
        self.rebuild_table();
        self.parts.lanes.remove(&self.parts.tenant, name);
        self.parts.requests.remove(&self.parts.tenant, &name.into());
        if let Some(removed) = removed {
            self.audit(What::PluginRemoved {
                tenant: self.parts.tenant.to_string(),
                plugin: name.to_owned(),
                artifact: hex(&removed.sha256),
            })
            .await;
        }
    }

    /// Writes down what somebody did by changing a file.
    async fn audit(&self, what: What) {
        if let Some(audit) = self.audit.get() {
            audit.record(Who::Files, what).await;
        }
    }

    fn rebuild_table(&self) {
        let routes = {
            let known = self.known.lock();
            let routes = known.serving.iter().map(|(name, plugin)| PluginRoutes {
                plugin: name.as_str().into(),
                description: plugin.description.clone(),
                config: texts_of(&plugin.config),
                access: plugin.access.clone(),
            });
            routes.collect()
        };
        let settings = self.settings.load_full();
        let (table, warnings) = Table::new(routes, &Roles(settings.roles.clone()));
        for warning in warnings {
            tracing::warn!(%warning, "routes");
        }
        let table = table.with_sentences(settings.sentences.commands.clone());
        let table = Arc::new(table);
        self.parts.inbox.set_table(&self.parts.tenant, table);
        self.parts
            .sessions
            .show_commands(|bot| self.commands_of(bot));
        let webhooks: Vec<_> = {
            let known = self.known.lock();
            let serving = known.serving.iter();
            serving
                .map(|(name, plugin)| (name.clone(), plugin.settings.webhooks.clone()))
                .collect()
        };
        let webhooks = webhooks.iter().map(|(name, hooks)| (name.as_str(), hooks));
        self.parts.hooks.set(&settings, webhooks);
    }

    /// Tells the panel that counts have changed.
    pub(super) fn tell_panel(&self) {
        self.changed.send_modify(|number| *number += 1);
    }

    /// Sends a plugin an event of its own life, where it listens.
    async fn tell(&self, plugin: &str, lifecycle: Lifecycle, key: &str) {
        if !self.listens(plugin, EventKind::Lifecycle) {
            return;
        }
        let bots: Vec<Option<Bot>> = match lifecycle {
            Lifecycle::Started => self.parts.sessions.bots().into_iter().map(Some).collect(),
            _ => vec![None],
        };
        self.tell_of(plugin, bots, &lifecycle, key).await;
    }

    /// Sends the plugins that listen a `started` for bots that came.
    async fn tell_started(&self, bots: Vec<Bot>) {
        let bots: Vec<Option<Bot>> = bots.into_iter().map(Some).collect();
        let names: Vec<String> = self.known.lock().serving.keys().cloned().collect();
        for name in names {
            if self.listens(&name, EventKind::Lifecycle) {
                self.tell_of(&name, bots.clone(), &Lifecycle::Started, &self.boot)
                    .await;
            }
        }
    }

    async fn tell_of(
        &self,
        plugin: &str,
        bots: Vec<Option<Bot>>,
        lifecycle: &Lifecycle,
        key: &str,
    ) {
        for bot in bots {
            let whose = bot.as_ref().map_or("", |bot| bot.name.as_str());
            let id = format!("lifecycle:{plugin}:{whose}:{key}");
            let now = self.parts.inbox.clock.now();
            let event = lifecycle_event(&id, now, bot.clone(), lifecycle.clone());
            let directed = Directed {
                tenant: self.parts.tenant.clone(),
                plugin: plugin.into(),
                key: EventKey::new(&[&id]),
                event,
            };
            if let Err(error) = self.parts.inbox.take_directed(directed).await {
                tracing::warn!(plugin, %error, "lifecycle event not taken");
            }
        }
    }

    /// Tells whether a plugin wants this kind of event.
    pub fn listens(&self, plugin: &str, kind: EventKind) -> bool {
        let known = self.known.lock();
        let plugin = known.serving.get(plugin);
        plugin.is_some_and(|plugin| plugin.description.subscriptions.kinds.contains(&kind))
    }

    /// The plugins that serve.
    pub fn serving(&self) -> BTreeSet<PluginKey> {
        let known = self.known.lock();
        let names = known.serving.keys();
        names
            .map(|name| PluginKey {
                tenant: self.parts.tenant.clone(),
                plugin: name.as_str().into(),
            })
            .collect()
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// How each plugin does, by name.
    pub fn lines(&self) -> Vec<PluginLine> {
        let status = self.parts.lanes.status();
        let known = self.known.lock();
        let absent = self.without_file(&known);
        let (settings, bound) = (self.settings.load(), self.parts.hooks.address());
        let mut lines: BTreeMap<&String, PluginLine> = BTreeMap::new();
        for (name, plugin) in &known.serving {
            let live = status
                .iter()
                .find(|status| *status.tenant == *self.parts.tenant && *status.name == **name);
            let description = &plugin.description;
            let line = PluginLine {
                plugin: name.clone(),
                state: live.map_or_else(|| "serving".to_owned(), |live| state_name(live.state)),
                version: Some(description.version.clone()),
                summary: Some(description.summary.clone()),
                since: Some(plugin.since),
                problem: live.and_then(health::problem_of),
                health: Some(self.health(name, &known, live)),
                shadow: known.shadow_line(name, live).map(Box::new),
                waiting: live.map_or(0, |live| live.waiting as u64),
                handled: live.map_or(0, |live| live.handled),
                faults: live.map_or(0, |live| live.faults),
                dead: live.map_or(0, |live| live.dead),
                asks: asks(description, Some(&plugin.settings)),
                webhooks: webhooks(&settings, &plugin.settings, bound),
            };
            lines.insert(name, line);
        }
        for (name, reason) in known.refused.iter().chain(&absent) {
            let line = lines.entry(name).or_insert_with(|| PluginLine {
                plugin: name.clone(),
                state: "refused".to_owned(),
                ..PluginLine::default()
            });
            line.problem = Some(reason.clone());
        }
        lines.into_values().collect()
    }

    /// The commands of all plugins, as they are typed.
    pub fn commands(&self) -> Vec<String> {
        let known = self.known.lock();
        let commands = known
            .serving
            .values()
            .flat_map(|plugin| plugin.description.commands.iter());
        commands
            .filter_map(|command| command.pattern.split_whitespace().next())
            .map(str::to_owned)
            .collect()
    }
}

impl PanelSource for Plugins {
    fn plugins(&self) -> Vec<PluginRow> {
        let status = self.parts.lanes.status();
        let mut webhooks = self.parts.hooks.rows();
        let known = self.known.lock();
        let mut rows: BTreeMap<String, PluginRow> = BTreeMap::new();
        for (name, plugin) in &known.serving {
            let live = status
                .iter()
                .find(|status| *status.tenant == *self.parts.tenant && *status.name == **name);
            rows.insert(
                name.clone(),
                PluginRow {
                    name: name.clone(),
                    state: live.map_or_else(|| "serving".to_owned(), |live| state_name(live.state)),
                    version: Some(plugin.description.version.clone()),
                    last_reload: Some(plugin.since),
                    last_error: live
                        .and_then(health::problem_of)
                        .or_else(|| self.parts.reads.last_denied(name)),
                    health: Some(self.health(name, &known, live)),
                    shadow: known.shadow_line(name, live),
                    waiting: live.map_or(0, |live| live.waiting as u64),
                    webhooks: webhooks.remove(name.as_str()).unwrap_or_default(),
                },
            );
        }
        let absent = self.without_file(&known);
        for (name, reason) in known.refused.iter().chain(&absent) {
            let row = rows.entry(name.clone()).or_insert_with(|| PluginRow {
                name: name.clone(),
                state: "refused".to_owned(),
                ..PluginRow::default()
            });
            row.last_error = Some(reason.clone());
        }
        rows.into_values().chain(self.settings_row()).collect()
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

fn state_name(state: crate::runtime::lanes::PluginState) -> String {
    use crate::runtime::lanes::PluginState;
    match state {
        PluginState::Serving => "serving",
        PluginState::Waiting => "waiting",
        PluginState::Quarantined => "quarantined",
        PluginState::JournalHeld => "journal held",
    }
    .to_owned()
}

fn lifecycle_event(id: &str, now: Timestamp, bot: Option<Bot>, lifecycle: Lifecycle) -> Event {
    Event {
        id: id.to_owned(),
        sequence: 0,
        attempt: 1,
        occurred_at: now,
        received_at: now,
        bot,
        conversation: None,
        actor: None,
        addressing: Addressing::Ambient,
        cause: None,
        depth: 0,
        trace_id: clock::trace_id(),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::Lifecycle(lifecycle),
    }
}

/// A hash as hexadecimal digits.
fn hex(hash: &Sha256Bytes) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The router's form of a plugin's `only` and `allow`.
fn access_of(settings: &PluginSettings) -> Access {
    let only = &settings.only;
    Access {
        only: Only {
            bots: only.bots.clone(),
            conversations: only.conversations.clone(),
            external: only.external,
        },
        allow: settings.allow.clone(),
    }
}

/// Settings as text, for `{=key}` in patterns and key words.
pub(super) fn texts_of(config: &BTreeMap<String, ConfigValue>) -> BTreeMap<String, String> {
    let text = |value: &ConfigValue| match value {
        ConfigValue::Text(text) => text.clone(),
        ConfigValue::Number(number) => number.to_string(),
        ConfigValue::Flag(flag) => flag.to_string(),
        ConfigValue::Duration(ms) => ms.to_string(),
        ConfigValue::Texts(texts) => texts.join(" "),
    };
    config
        .iter()
        .map(|(key, value)| (key.clone(), text(value)))
        .collect()
}
