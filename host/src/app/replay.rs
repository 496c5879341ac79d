//! Replays: events of the past, run through a build, and compared with what went then.
//!
//! The journal is read as it is at rest, whether a host runs or not: nothing here could write into
//! it. Calls reach nothing outside, and what they write into their state is seen by the calls after
//! them and by nobody else.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde::Serialize;

use super::bots::BotDirectory;
use super::contents::ParsedContent;
use super::entry::{UsageError, private_cache};
use super::events;
use super::platforms::{BuiltIn, Platforms as _};
use super::reload::MAX_WASM_BYTES;
use crate::config::{
    MAX_PLUGIN_FILE_BYTES, PluginSettings, Problem, Settings, check_plugin, sha256_of, write_sha256,
};
use crate::connectors::local::{Hub, LocalConfig};
use crate::journal::memory::MemoryJournal;
use crate::journal::sqlite::{CarriedState, RestingJournal};
use crate::journal::{
    DeadReason, JournalResult, PastState, Recorded, RecordedQuery, StateKey, StateScope,
};
use crate::model::action::Action;
use crate::model::delivery::Delivery;
use crate::model::directory::ReadError;
use crate::model::{DEFAULT_TENANT, Name, Timestamp};
use crate::net::HttpGrants;
use crate::runtime::compare::{Difference, Outcome};
use crate::runtime::guest::{CallEnd, TrialBuild as _, TrialView, Tried};
use crate::runtime::turn::{self, ActionGrants, Policy, TurnContext};
use crate::runtime::{
    CompilerProgram, Engine, NoReads, PluginBuild, PluginParts, RuntimeConfig, StateReads,
    TracingLog,
};

/// The priority of calls: a host that runs beside them comes first, and they still come to their end
/// before their deadline where the machine is busy.
const NICE: i32 = 5;

/// What to replay.
pub struct ReplayOptions {
    /// The settings.
    pub settings: Settings,
    /// The build; none is the file in the plugin folder.
    pub build: Option<PathBuf>,
    /// Compare with what this build comes to now, and not with what went then.
    pub against: Option<PathBuf>,
    /// Which deliveries.
    pub which: RecordedQuery,
}

/// How a replayed event compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compared {
    /// It comes to the same.
    Same,
    /// It comes to something else.
    Differs,
    /// There is nothing to compare with.
    Skipped,
}

/// A line about a replay.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum ReplayLine {
    /// An event.
    Replayed(ReplayedLine),
    /// All of them; the last line.
    Total(ReplayTotal),
}

/// An event that was replayed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ReplayedLine {
    /// Its number.
    pub event: u64,
    /// The delivery.
    pub delivery: u64,
    /// When the call was made then, as its clock says now.
    pub at: Timestamp,
    /// What it is: `message`, `form-submitted`, …
    pub kind: String,
    /// The conversation, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// Who did it, as people see the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The beginning of what it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How it compares.
    pub compared: Compared,
    /// Why it was skipped, or how it fails now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What went then and would not go now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub was: Vec<String>,
    /// What would go now and did not go then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub now: Vec<String>,
    /// Fields in which lines differ that look alike.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReplayTotal {
    /// The plugin.
    pub plugin: String,
    /// The build's file.
    pub file: PathBuf,
    /// Its hash.
    pub sha256: String,
    /// The version that it states.
    pub version: String,
    /// Events that come to the same.
    pub same: u64,
    /// Events that come to something else.
    pub differ: u64,
    /// Events that were not compared.
    pub skipped: u64,
}

/// Replays, the oldest event first, and tells of each. Nothing is sent, and nothing is kept.
///
/// # Errors
/// [`UsageError`] where a build or its settings cannot be used; the journal's; what `tell` says.
pub async fn replay(
    options: ReplayOptions,
    mut tell: impl FnMut(ReplayLine) -> anyhow::Result<()>,
) -> anyhow::Result<ReplayTotal> {
    let ReplayOptions {
        settings,
        build,
        against,
        which,
    } = options;
    let Some(journal) = RestingJournal::open(&settings.data)? else {
        anyhow::bail!("there is no journal in {}", settings.data.display());
    };
    let journal = Arc::new(Mutex::new(journal));
    let (plugin, in_folder) = plugin_settings(&settings, &which.plugin)?;
    let compiler = CompilerProgram::Child(std::env::current_exe()?);
    let engine = Engine::new(RuntimeConfig {
        trial_nice: NICE,
        ..RuntimeConfig::new(private_cache()?, compiler)
    })?;
    let file = build.unwrap_or(in_folder);
    let new = Replayed::prepare(&engine, &file, &plugin, &journal).await?;
    let old = match &against {
        Some(file) => Some(Replayed::prepare(&engine, file, &plugin, &journal).await?),
        None => None,
    };
    let replay = Replay {
        connectors: bots_of(&settings)?,
        policy: policy(&settings, &plugin)?,
        journal,
        old,
        new,
    };
    let numbers = replay.journal.lock().recorded_numbers(&which)?;
    if let Some(event) = which.event.filter(|_| numbers.is_empty()) {
        anyhow::bail!("no event {event} of {} is kept", which.plugin);
    }
    let mut total = ReplayTotal {
        plugin: which.plugin,
        file,
        sha256: replay.new.sha256.clone(),
        version: replay.new.version.clone(),
        ..ReplayTotal::default()
    };
    for number in numbers {
        // What is pruned meanwhile is not there any more.
        let Some(recorded) = replay.journal.lock().recorded(number)? else {
            continue;
        };
        let line = replay.run(recorded).await?;
        match line.compared {
            Compared::Same => total.same += 1,
            Compared::Differs => total.differ += 1,
            Compared::Skipped => total.skipped += 1,
        }
        tell(ReplayLine::Replayed(line))?;
    }
    tell(ReplayLine::Total(total.clone()))?;
    engine.shutdown().await;
    Ok(total)
}

struct Replay {
    connectors: BotDirectory,
    policy: Policy,
    journal: Arc<Mutex<RestingJournal>>,
    /// What is compared with, where it is not what went then.
    old: Option<Replayed>,
    new: Replayed,
}

/// A build, with the state that it carries on.
struct Replayed {
    build: PluginBuild,
    state: Arc<Carried>,
    version: String,
    sha256: String,
}

impl Replay {
    async fn run(&self, recorded: Recorded) -> anyhow::Result<ReplayedLine> {
        let event = &recorded.delivery.event;
        let conversation = event.conversation.as_ref();
        let at = called_at(&recorded);
        let mut line = ReplayedLine {
            event: event.sequence,
            delivery: recorded.delivery.number,
            at,
            kind: events::kind(&event.payload),
            conversation: conversation.map(|place| place.id.clone()),
            user_name: event.actor.as_ref().map(|actor| actor.display_name.clone()),
            text: events::text(event),
            compared: Compared::Skipped,
            detail: None,
            was: Vec::new(),
            now: Vec::new(),
            fields: Vec::new(),
        };
        let went = match went(&recorded) {
            Ok(went) => went,
            Err(why) => {
                line.detail = Some(why);
                return Ok(line);
            }
        };
        let delivery = &recorded.delivery;
        // With another build, timers are known on both sides.
        let has_timers = self.old.is_some() || recorded.timers.is_some();
        let was = match &self.old {
            Some(old) => self.outcome(old, delivery, at, has_timers).await?,
            None => went,
        };
        let now = self.outcome(&self.new, delivery, at, has_timers).await?;
        line.detail = now.failure().map(str::to_owned);
        match Difference::between(&was, &now) {
            None => line.compared = Compared::Same,
            Some(difference) => {
                line.compared = Compared::Differs;
                line.was = difference.was;
                line.now = difference.now;
                line.fields = difference.fields;
            }
        }
        Ok(line)
    }

    /// What a build makes of a delivery.
    async fn outcome(
        &self,
        replayed: &Replayed,
        delivery: &Delivery,
        at: Timestamp,
        has_timers: bool,
    ) -> anyhow::Result<Outcome> {
        let view = TrialView {
            state: replayed.state.clone(),
            directory: Arc::new(NoReads(ReadError::Denied)),
            now: at,
        };
        let Tried { end, state } = replayed.build.try_out(delivery.clone(), view).await;
        let actions = match end {
            CallEnd::Done(actions) => actions,
            end => return Ok(Outcome::of_end(&end).unwrap_or(Outcome::Done(Vec::new()))),
        };
        let own_messages = self.own_messages(delivery, &actions)?;
        let context = TurnContext {
            delivery,
            policy: &self.policy,
            connectors: &self.connectors,
            contents: &ParsedContent,
            own_messages: &own_messages,
            now: at,
        };
        Ok(match turn::build(actions, &context) {
            Ok(mut draft) => {
                // As in life: only what comes to a commit is kept.
                replayed.state.0.carry(state)?;
                if !has_timers {
                    draft.timers.clear();
                }
                Outcome::of_draft(&draft)
            }
            Err(refusal) => Outcome::Disallowed(refusal.to_string()),
        })
    }

    fn own_messages(
        &self,
        delivery: &Delivery,
        actions: &[Action],
    ) -> JournalResult<HashSet<String>> {
        let mut own = HashSet::new();
        let event_bot = delivery.event.bot.as_ref().map(|bot| bot.name.as_str());
        let most = self.policy.limits.actions as usize;
        for (action, id) in turn::named_messages(actions, &delivery.event).take(most) {
            let Some(bot) = action.bot.as_deref().or(event_bot) else {
                continue;
            };
            let place = [&*delivery.tenant, &*delivery.plugin, bot, id];
            let found = self.journal.lock().sent_message(place)?;
            own.extend(found.map(|found| found.message));
        }
        Ok(own)
    }
}

impl Replayed {
    async fn prepare(
        engine: &Engine,
        file: &Path,
        settings: &PluginSettings,
        journal: &Arc<Mutex<RestingJournal>>,
    ) -> anyhow::Result<Self> {
        let refused = |why: String| UsageError(format!("{}: {why}", file.display()));
        let wasm = read_bounded(file, MAX_WASM_BYTES)?;
        let sha256 = write_sha256(&sha256_of(&wasm));
        let artifact = engine.compile(wasm).await;
        let artifact = artifact.map_err(|error| refused(error.to_string()))?;
        let described = engine.describe(&artifact, settings.limits.memory_bytes);
        let description = described
            .await
            .map_err(|error| refused(error.to_string()))?;
        let config = check_plugin(settings, &description);
        let config = config.map_err(|problems| UsageError(lines(&problems)))?;
        let version = description.version.clone();
        let parts = PluginParts {
            tenant: DEFAULT_TENANT.into(),
            name: settings.name.as_str().into(),
            artifact,
            description: Arc::new(description),
            config,
            http_grants: HttpGrants::default(),
            limits: settings.limits.clone(),
            // Each call sees what it is shown instead.
            journal: Arc::new(MemoryJournal::new()),
            reads: Arc::new(NoReads(ReadError::Denied)),
            log: Arc::new(TracingLog),
        };
        Ok(Self {
            build: PluginBuild::new(engine, parts),
            state: Arc::new(Carried(CarriedState::new(journal.clone()))),
            version,
            sha256,
        })
    }
}

/// When the call was made that came to an end.
fn called_at(recorded: &Recorded) -> Timestamp {
    let took_ms = recorded.took_us.unwrap_or(0) / 1_000;
    let began = recorded.ended_at.map(|ended| ended.saturating_sub(took_ms));
    began.unwrap_or(recorded.delivery.event.received_at)
}

/// What a delivery came to then, or why that is not known.
fn went(recorded: &Recorded) -> Result<Outcome, String> {
    if recorded.is_forgotten {
        return Err("what it said was forgotten".to_owned());
    }
    let detail = || recorded.detail.clone().unwrap_or_default();
    match (recorded.state, recorded.reason) {
        (PastState::Waiting, _) => Err("it is not through yet".to_owned()),
        (PastState::Done, _) => Ok(Outcome::of_turn(
            &recorded.parts,
            &recorded.broadcasts,
            &recorded.requests,
            recorded.timers.as_deref().unwrap_or_default(),
        )),
        (PastState::Refused, _) => Ok(Outcome::Refused(detail())),
        (PastState::Dead, Some(DeadReason::Refused | DeadReason::Loop)) => {
            Ok(Outcome::Disallowed(detail()))
        }
        (PastState::Dead, Some(DeadReason::Failed) | None) => Ok(Outcome::Failed(detail())),
        (PastState::Dead, Some(reason)) => {
            Err(format!("it was not handled then: {}", reason.name()))
        }
    }
}

/// A plugin's settings, and the file in the plugin folder.
pub(super) fn plugin_settings(
    settings: &Settings,
    plugin: &str,
) -> Result<(PluginSettings, PathBuf), UsageError> {
    let beside = settings.plugins_folder.join(format!("{plugin}.toml"));
    let own = match beside.is_file() && beside != settings.path {
        true => Some(read_text(&beside)?),
        false => None,
    };
    let own = own.as_deref().map(|text| (beside.as_path(), text));
    let found = settings.plugin(plugin, own);
    let found = found.map_err(|problems| UsageError(lines(&problems)))?;
    let file = settings.plugins_folder.join(&found.artifact);
    Ok((found, file))
}

fn policy(settings: &Settings, plugin: &PluginSettings) -> anyhow::Result<Policy> {
    let http = HttpGrants::new(&plugin.grants.http);
    let http = http.map_err(|error| UsageError(error.to_string()))?;
    Ok(Policy {
        actions: ActionGrants::These(Box::new(plugin.granted(&settings.path))),
        http: Some(Arc::new(http)),
        limits: plugin.limits.clone(),
    })
}

/// The bots of the settings, which split messages as their platforms want. No session of theirs
/// begins.
fn bots_of(settings: &Settings) -> anyhow::Result<BotDirectory> {
    let hub = Hub::open(LocalConfig::default())?;
    let platforms = BuiltIn::new(hub);
    let tenant: Name = DEFAULT_TENANT.into();
    let directory = BotDirectory::default();
    for bot in &settings.bots {
        let session = platforms.session(&tenant, bot)?;
        directory.add(&tenant, &bot.name, session);
    }
    Ok(directory)
}

fn read_text(path: &Path) -> Result<String, UsageError> {
    let bytes = read_bounded(path, MAX_PLUGIN_FILE_BYTES)?;
    String::from_utf8(bytes)
        .map_err(|_| UsageError(format!("{} is not text in UTF-8", path.display())))
}

fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, UsageError> {
    let failed = |error: std::io::Error| {
        let path = path.display();
        UsageError(format!("{path} cannot be read: {error}"))
    };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > most {
        let path = path.display();
        return Err(UsageError(format!(
            "{path} has {size} bytes; at most {most} are allowed"
        )));
    }
    std::fs::read(path).map_err(failed)
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// The state that a build carries on.
struct Carried(CarriedState);

#[async_trait]
impl StateReads for Carried {
    async fn get(&self, key: &StateKey) -> JournalResult<(Option<Vec<u8>>, u64)> {
        self.0.get(key).map(|value| (value, 0))
    }

    async fn keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> JournalResult<(Vec<String>, u64)> {
        let keys = self.0.keys(scope, prefix, after, limit)?;
        Ok((keys, 0))
    }

    async fn size(&self, tenant: &str, plugin: &str) -> JournalResult<u64> {
        self.0.size(tenant, plugin)
    }
}
