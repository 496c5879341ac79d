//! `parlor check` and `parlor plugins`: what the host would make of files, without serving them.

mod show;
#[cfg(test)]
mod tests;
mod warnings;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

pub(super) use show::plugin_lines;

use super::output::{Failure, print_json, print_line};
use super::start::Place;
use super::{block_on, load};
use crate::app::checker::{Checker, Looked};
use crate::app::reload::{MAX_WASM_BYTES, refuses_name};
use crate::config::{
    MAX_PLUGIN_FILE_BYTES, PluginSettings, Problem, SETTINGS_FILE, Settings, asks, offered_section,
    sha256_of, unreadable_plugins, webhooks, write_sha256,
};
use crate::mailbox::control::{PluginAsk, PluginWebhook};
use crate::model::description::{CommandSpec, Description};
use crate::model::limits::Limits;
use crate::runtime::compile::ComponentFacts;
use crate::telemetry::strip_control;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Plugins, their settings, or a parlor.toml
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print one JSON object per plugin
    #[arg(long)]
    json: bool,
    /// Print the section of each plugin for the settings, with all that it may hold: `--settings`
    /// without a file asks for it, too
    #[arg(long, conflicts_with = "json")]
    section: bool,
}

/// What looks at a file as the host would.
pub(super) trait Loader {
    /// Looks at a component with the settings of a plugin.
    async fn look(&self, wasm: &Arc<[u8]>, settings: &PluginSettings) -> Looked;
}

impl Loader for Checker {
    async fn look(&self, wasm: &Arc<[u8]>, settings: &PluginSettings) -> Looked {
        Checker::look(self, wasm, settings).await
    }
}

/// Has `--settings` ask for a section where no file follows it: a component is none.
pub(super) fn without_file(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let mut before = arguments.iter().skip(1);
    let verb = loop {
        match before.next() {
            // Its value is no verb.
            Some(it) if it == "--settings" => {
                before.next();
            }
            Some(it) if it.as_encoded_bytes().starts_with(b"-") => {}
            verb => break verb,
        }
    };
    if verb.is_none_or(|verb| verb != "check") {
        return arguments;
    }
    for at in 1..arguments.len() {
        let follows = arguments.get(at + 1).map(|it| it.as_encoded_bytes());
        let is_file = follows.is_some_and(|it| !it.starts_with(b"-") && !it.ends_with(b".wasm"));
        if arguments[at] == "--settings" && !is_file {
            arguments[at] = "--section".into();
        }
    }
    arguments
}

/// Runs the verb.
pub(super) fn run(place: &Place<'_>, args: &CheckArgs) -> Result<ExitCode, Failure> {
    let mut problems = Vec::new();
    let is_folder = args.files.is_empty();
    let settings = match place.require_settings() {
        Ok(path) => load(&path)?,
        Err(_) if is_folder => {
            return Err(Failure::usage(format!(
                "there is no {SETTINGS_FILE} in {}: name the components to check (`parlor check NAME.wasm`), or the \
                 settings of a host with --settings FILE",
                place.folder.display()
            )));
        }
        Err(_) => Settings::defaults(place.folder, place.folder),
    };
    let reports = block_on(async {
        let checker = Checker::new()?;
        let mut reports = Vec::new();
        if is_folder {
            let found = report_folder(&settings, &checker).await;
            reports = found.map_err(anyhow::Error::from)?;
        }
        for file in &args.files {
            if file.file_name().is_some_and(|name| name == SETTINGS_FILE) {
                if let Err(Failure::Usage(lines)) = load(file) {
                    problems.extend(lines);
                }
                continue;
            }
            match refuses_file(file) {
                Some(why) => problems.push(why),
                None => reports.extend(report_file(file, &settings, &checker).await),
            }
        }
        checker.shutdown().await;
        Ok(reports)
    })?;
    let is_right = problems.is_empty() && reports.iter().all(|report| report.problems.is_empty());
    if args.section {
        for report in &reports {
            problems.extend(show::refused(report));
            if let Some(section) = &report.section {
                print_line(&strip_control(section, true))?;
            }
        }
    } else if args.json {
        print_json(&reports)?;
    } else {
        for report in &reports {
            let lines = match is_folder {
                true => show::verdict(report),
                false => show::report(report),
            };
            for line in lines {
                print_line(&strip_control(&line, true))?;
            }
        }
    }
    if is_right {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failure::Usage(problems))
    }
}

/// Says why a file is nothing to check, and what would be.
fn refuses_file(file: &Path) -> Option<String> {
    let shown = file.display();
    if file.is_dir() {
        return Some(format!(
            "{shown} is a folder: name the files in it ({}), or nothing in the folder of a {SETTINGS_FILE}, which \
             checks that with all of its plugins",
            file.join("*.wasm").display()
        ));
    }
    if !file.exists() {
        return Some(format!("{shown} is not there"));
    }
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("wasm" | "toml") => None,
        _ => Some(format!(
            "{shown} is nothing to check: that is a component (NAME.wasm, which `parlor build` makes), its settings \
             (the NAME.toml beside it) or a {SETTINGS_FILE}"
        )),
    }
}

/// What the host would make of a plugin.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct PluginReport {
    pub(super) plugin: String,
    pub(super) file: PathBuf,
    pub(super) state: PluginState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) problems: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    component: Option<ComponentReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) commands: Vec<CommandSpec>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) asks: Vec<PluginAsk>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) webhooks: Vec<PluginWebhook>,
    /// Its section for the settings.
    #[serde(skip)]
    section: Option<String>,
}

/// What is known of the file itself.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ComponentReport {
    sha256: String,
    bytes: u64,
    /// The version of the contract that it is built for.
    #[serde(skip_serializing_if = "Option::is_none")]
    contract: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    made_with: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adapter: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    imports: Vec<ImportReport>,
    debug_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    compiled: Option<CompiledReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_rest: Option<AtRestReport>,
}

#[derive(Debug, PartialEq, Serialize)]
struct ImportReport {
    name: String,
    /// The host has it.
    known: bool,
    /// The component uses it.
    used: bool,
}

#[derive(Debug, PartialEq, Serialize)]
struct CompiledReport {
    ms: u64,
    /// Its code was taken from the cache.
    cached: bool,
}

/// An instance that has described itself, beside what it may use.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct AtRestReport {
    memory_bytes: u64,
    memory_limit: u64,
    table_elements: u64,
    table_limit: u64,
    describe_cpu_ms: u64,
    cpu_limit_ms: u64,
}

impl PluginReport {
    /// A report of which nothing is known yet: what is not found to be right is refused.
    fn refused(plugin: String, file: &Path) -> Self {
        Self {
            plugin,
            file: file.to_owned(),
            ..Self::default()
        }
    }

    fn describe(&mut self, description: &Description, settings: &PluginSettings, file: &Path) {
        self.version = Some(description.version.clone());
        self.summary = Some(description.summary.clone());
        self.asks = asks(description, settings, file);
        self.commands.clone_from(&description.commands);
        let section = offered_section(&self.plugin, &settings.artifact, description);
        self.section = Some(section);
    }
}

impl ComponentReport {
    fn new(bytes: &[u8], looked: &Looked, limits: &Limits) -> Self {
        let ComponentFacts {
            contract,
            imports,
            made_with,
            adapter,
            debug_bytes,
        } = looked.facts.clone();
        let millis =
            |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            sha256: write_sha256(&sha256_of(bytes)),
            bytes: bytes.len() as u64,
            contract,
            made_with,
            adapter,
            imports: imports
                .into_iter()
                .map(|import| ImportReport {
                    name: import.name,
                    known: import.is_known,
                    used: import.is_used,
                })
                .collect(),
            debug_bytes,
            compiled: looked.compiled.map(|(took, cached)| CompiledReport {
                ms: millis(took),
                cached,
            }),
            at_rest: looked.weight.map(|weight| AtRestReport {
                memory_bytes: weight.memory_bytes,
                memory_limit: limits.memory_bytes,
                table_elements: weight.table_elements,
                table_limit: u64::from(limits.table_elements),
                describe_cpu_ms: millis(weight.cpu),
                cpu_limit_ms: u64::from(limits.cpu_ms),
            }),
        }
    }
}

/// Whether it would serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PluginState {
    Ready,
    Disabled,
    #[default]
    Refused,
}

impl PluginState {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Disabled => "disabled",
            Self::Refused => "refused",
        }
    }
}

/// Reports the plugins of a folder, and those that the settings name.
///
/// # Errors
/// The folder cannot be read.
pub(super) async fn report_folder(
    settings: &Settings,
    loader: &impl Loader,
) -> Result<Vec<PluginReport>, Problem> {
    let unreadable = |error: std::io::Error| unreadable_plugins(settings, &error);
    let mut stems = BTreeSet::new();
    for entry in std::fs::read_dir(&settings.plugins_folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_plugin = path
            .extension()
            .is_some_and(|extension| extension == "wasm" || extension == "toml");
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if is_plugin
            && path != settings.path
            && let Some(stem) = stem.filter(|stem| !stem.starts_with('.'))
        {
            stems.insert(stem.to_owned());
        }
    }
    for plugin in settings.plugins.values() {
        stems.insert(plugin.artifact.trim_end_matches(".wasm").to_owned());
    }
    let mut reports = Vec::new();
    for stem in stems {
        let path = settings.plugins_folder.join(format!("{stem}.wasm"));
        reports.extend(report_file(&path, settings, loader).await);
    }
    warnings::note_doubles(&mut reports);
    Ok(reports)
}

/// The settings that lie beside a file.
struct Beside {
    path: PathBuf,
    text: Result<String, String>,
}

impl Beside {
    fn find(file: &Path, settings: &Settings) -> Option<Self> {
        let path = file.with_extension("toml");
        (path.exists() && path != settings.path).then(|| Self {
            text: read_own(&path),
            path,
        })
    }

    fn readable(&self) -> Option<(&Path, &str)> {
        Some((self.path.as_path(), self.text.as_deref().ok()?))
    }
}

/// Reports the plugins of one file: the wasm, or the settings beside it.
pub(super) async fn report_file(
    file: &Path,
    settings: &Settings,
    loader: &impl Loader,
) -> Vec<PluginReport> {
    let wasm = file.with_extension("wasm");
    let stem = file
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    let beside = Beside::find(file, settings);
    let bytes = match read_bounded(&wasm, MAX_WASM_BYTES) {
        Ok(bytes) => match refuses_name(&stem) {
            None => Ok(Arc::from(bytes)),
            Some(why) => Err(why),
        },
        Err(reason) => Err(match &beside {
            Some(own) if !wasm.exists() => {
                format!(
                    "{} is there and {} is not",
                    own.path.display(),
                    wasm.display()
                )
            }
            _ => reason,
        }),
    };
    let mut reports = Vec::new();
    for name in settings.plugins_of(&stem, beside.is_some()) {
        let own = beside.as_ref().filter(|_| name == stem);
        reports.push(report_plugin(name, &wasm, &bytes, settings, own, loader).await);
    }
    if let Some(problem) = settings.name_is_taken(&stem, beside.is_some()) {
        let mut report = PluginReport::refused(stem, &wasm);
        report.problems.push(problem.to_string());
        reports.push(report);
    }
    reports
}

async fn report_plugin(
    name: String,
    wasm: &Path,
    bytes: &Result<Arc<[u8]>, String>,
    settings: &Settings,
    own: Option<&Beside>,
    loader: &impl Loader,
) -> PluginReport {
    let mut report = PluginReport::refused(name, wasm);
    let mut problems = Vec::new();
    if let Some(Err(reason)) = own.map(|own| &own.text) {
        problems.push(reason.clone());
    }
    let found = settings.plugin(&report.plugin, own.and_then(Beside::readable));
    // What the component is does not hang on settings that are wrong.
    let plugin = match &found {
        Ok(plugin) => plugin.clone(),
        Err(wrong) => {
            problems.extend(texts(wrong));
            PluginSettings::defaults(&report.plugin)
        }
    };
    match bytes {
        Err(reason) => problems.push(reason.clone()),
        Ok(bytes) => {
            let looked = loader.look(bytes, &plugin).await;
            problems.extend(looked.refused.clone());
            if found.is_ok() {
                problems.extend(texts(&looked.problems));
                let pinned = plugin.refuses(&sha256_of(bytes));
                problems.extend(pinned.map(|problem| problem.to_string()));
            }
            if let Some(description) = &looked.description {
                report.describe(description, &plugin, &settings.path);
                report.warnings = warnings::of(bytes, &looked, description, &plugin, &report.asks);
            }
            report.component = Some(ComponentReport::new(bytes, &looked, &plugin.limits));
        }
    }
    if found.is_ok() {
        report.webhooks = webhooks(settings, &plugin, None);
    }
    if problems.is_empty() {
        report.state = match plugin.enabled {
            true => PluginState::Ready,
            false => PluginState::Disabled,
        };
    }
    report.problems = problems;
    report
}

fn texts(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(Problem::to_string).collect()
}

fn read_own(path: &Path) -> Result<String, String> {
    let bytes = read_bounded(path, MAX_PLUGIN_FILE_BYTES)?;
    String::from_utf8(bytes).map_err(|_| format!("{} is not text in UTF-8", path.display()))
}

fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > most {
        return Err(format!(
            "{} has {size} bytes; at most {most} are allowed",
            path.display()
        ));
    }
    std::fs::read(path).map_err(failed)
}
