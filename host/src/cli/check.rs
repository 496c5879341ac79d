//! `parlor check` and `parlor plugins`: what the host would make of files, without serving them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::app::reload::MAX_WASM_BYTES;
use crate::config::{
    MAX_PLUGIN_FILE_BYTES, Problem, Settings, asks, check_plugin, sha256_of, unreadable_plugins,
    webhooks,
};
use crate::mailbox::control::{PluginAsk, PluginWebhook};
use crate::model::description::Description;

/// What loads a file as the host would, and says what it is.
pub(super) trait Loader {
    /// Describes a component whose instance may have this much memory, or says why it would be
    /// refused.
    async fn describe(&self, wasm: Vec<u8>, memory_bytes: u64) -> Result<Description, String>;
}

/// What the host would make of a plugin.
#[derive(Debug, PartialEq, Eq, Serialize)]
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
    pub(super) asks: Vec<PluginAsk>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) webhooks: Vec<PluginWebhook>,
}

impl PluginReport {
    /// A report of which nothing is known yet: what is not found to be right is refused.
    fn refused(plugin: String, file: &Path) -> Self {
        Self {
            plugin,
            file: file.to_owned(),
            state: PluginState::Refused,
            version: None,
            summary: None,
            problems: Vec::new(),
            asks: Vec::new(),
            webhooks: Vec::new(),
        }
    }
}

/// Whether it would serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PluginState {
    Ready,
    Disabled,
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
    Ok(reports)
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
    let own_path = file.with_extension("toml");
    let own = if own_path.exists() && own_path != settings.path {
        Some(read_own(&own_path))
    } else {
        None
    };
    let plugins = settings.plugins_of(&stem, own.is_some());
    let mut sha256 = None;
    let described = match read_bounded(&wasm, MAX_WASM_BYTES) {
        Ok(bytes) => {
            sha256 = Some(sha256_of(&bytes));
            let memory = plugins.iter().map(|name| {
                let own = own.as_ref().filter(|_| *name == stem);
                let own = own.and_then(|own| Some((own_path.as_path(), own.as_deref().ok()?)));
                let plugin = settings.plugin(name, own);
                plugin.map_or(0, |plugin| plugin.limits.memory_bytes)
            });
            loader.describe(bytes, memory.max().unwrap_or(0)).await
        }
        Err(_) if own.is_some() && !wasm.exists() => Err(format!(
            "{} is there and {} is not",
            own_path.display(),
            wasm.display()
        )),
        Err(reason) => Err(reason),
    };
    let mut reports: Vec<PluginReport> = plugins
        .into_iter()
        .map(|name| {
            let own = own.as_ref().filter(|_| name == stem);
            let mut report = report_plugin(name, &wasm, settings, own, &own_path, &described);
            let own = own.and_then(|own| Some((own_path.as_path(), own.as_deref().ok()?)));
            if let (Ok(plugin), Some(sha256)) = (settings.plugin(&report.plugin, own), &sha256)
                && let Some(problem) = plugin.refuses(sha256)
            {
                report.problems.push(problem.to_string());
                report.state = PluginState::Refused;
            }
            report
        })
        .collect();
    if let Some(problem) = settings.name_is_taken(&stem, own.is_some()) {
        let mut report = PluginReport::refused(stem, &wasm);
        report.problems.push(problem.to_string());
        reports.push(report);
    }
    reports
}

fn report_plugin(
    name: String,
    wasm: &Path,
    settings: &Settings,
    own: Option<&Result<String, String>>,
    own_path: &Path,
    described: &Result<Description, String>,
) -> PluginReport {
    let mut report = PluginReport::refused(name, wasm);
    let own = match own {
        None => None,
        Some(Ok(text)) => Some((own_path, text.as_str())),
        Some(Err(reason)) => {
            report.problems.push(reason.clone());
            None
        }
    };
    let plugin = settings.plugin(&report.plugin, own);
    match (&plugin, described) {
        (Ok(plugin), Ok(description)) => {
            if let Err(problems) = check_plugin(plugin, description) {
                report.problems.extend(texts(&problems));
            }
        }
        (plugin, described) => {
            if let Err(problems) = plugin {
                report.problems.extend(texts(problems));
            }
            if let Err(reason) = described {
                report.problems.push(reason.clone());
            }
        }
    }
    if let Ok(plugin) = &plugin {
        report.webhooks = webhooks(settings, plugin, None);
    }
    if let Ok(description) = described {
        report.version = Some(description.version.clone());
        report.summary = Some(description.summary.clone());
        let plugin = plugin.as_ref().ok();
        report.asks = asks(description, plugin);
    }
    if report.problems.is_empty() {
        let is_enabled = plugin.is_ok_and(|plugin| plugin.enabled);
        report.state = if is_enabled {
            PluginState::Ready
        } else {
            PluginState::Disabled
        };
    }
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
