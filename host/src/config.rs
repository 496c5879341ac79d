//! Settings: parlor.toml and plugins' own files, parsed whole and checked before a port opens.
//!
//! `read` reads TOML key by key and reports what nobody asked for; `sections` and `plugin` ask.
//! A key that nothing enforces yet is refused, not ignored. `environment` alone reads variables.

mod address;
mod age;
mod asks;
mod bots;
mod changes;
mod check;
mod credential;
mod duration;
mod environment;
mod grant;
mod granted;
mod import;
mod limits;
mod livechat;
mod log;
mod lseg;
mod names;
mod net;
mod offer;
mod outbox;
mod places;
mod plugin;
mod problem;
mod read;
mod secret;
mod sections;
mod sentences;
mod sha256;
mod symphony;
#[cfg(test)]
mod tests;
mod webex;
mod webhook;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use toml::de::DeTable;

pub use asks::{asks, webhooks};
pub use bots::{BotConfig, LocalBot, Platform};
pub use check::check_plugin;
pub use duration::parse_duration_ms;
pub use environment::{log_override, variable};
pub use grant::{Grants, HttpGrant};
pub use import::{
    FileKind, Imported, MAX_IMPORT_BYTES, Note, NoteKind, Surroundings, import_symphony, look_at,
};
pub use limits::DEFAULT_LIMITS;
pub use log::ObserveConfig;
pub use names::is_name;
pub use offer::offered_section;
pub use outbox::OutboxSettings;
pub use places::{bind, open_folders, unreadable_plugins};
pub use plugin::{
    Literal, MAX_PLUGIN_FILE_BYTES, Only, PluginScope, PluginSettings, parse_plugin_file,
};
pub use problem::{Problem, Spot, Spots};
pub use secret::{Environment, Secret};
pub use sections::{
    DEFAULT_HTTP_LISTEN, Durability, HostLimits, HttpConfig, JournalConfig, LocalConfig,
    ReloadConfig, ReloadMode,
};
pub use webhook::WebhookSettings;

pub use crate::telemetry::{LogConfig, LogLevel};

pub use sentences::Sentences;
pub use sha256::{parse_sha256, sha256_of, write_sha256};

use crate::net::NetConfig;
use problem::Source;
use read::{Reader, Table};

/// The settings file that is looked for.
pub const SETTINGS_FILE: &str = "parlor.toml";
/// The bot of the local platform where the settings name none.
pub const DEFAULT_BOT: &str = "parlor";
/// Bytes of a settings file.
pub const MAX_SETTINGS_BYTES: u64 = 4 * 1024 * 1024;

/// Everything that parlor.toml says, with defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The file.
    pub path: PathBuf,
    /// The folder of everything the host keeps.
    pub data: PathBuf,
    /// The folder of plugins.
    pub plugins_folder: PathBuf,
    /// Where webhooks and redirects arrive.
    pub http: HttpConfig,
    /// The local platform.
    pub local: LocalConfig,
    /// The journal.
    pub journal: JournalConfig,
    /// How sends end that nobody saw end.
    pub outbox: OutboxSettings,
    /// The way out of every bot and plugin.
    pub net: NetConfig,
    /// The bots; [`DEFAULT_BOT`] where none is named.
    pub bots: Vec<BotConfig>,
    /// Roles: globs over e-mail address, user name and id.
    pub roles: BTreeMap<String, Vec<String>>,
    /// The `[plugin.NAME]` sections.
    pub plugins: BTreeMap<String, PluginSettings>,
    /// How changes of plugins are noticed.
    pub reload: ReloadConfig,
    /// What all plugins together may use.
    pub limits: HostLimits,
    /// What is logged, and where to.
    pub log: LogConfig,
    /// Where health and metrics are asked for.
    pub observe: ObserveConfig,
    /// What the host itself says.
    pub sentences: Sentences,
    /// What the file's text hashes to.
    pub text_hash: TextHash,
    /// Where the keys stand.
    pub spots: Spots,
}

/// The SHA-256 of a file's text, in hexadecimal. Two of these are always equal: a comment changes no
/// setting.
#[derive(Clone, Debug, Default)]
pub struct TextHash(pub String);

impl PartialEq for TextHash {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Settings {
    /// Reads and checks a settings file.
    ///
    /// # Errors
    /// Every problem found.
    pub fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        let text = read_text(path).map_err(|problem| vec![problem])?;
        Self::parse(path, &text, &variable)
    }

    /// The data folder that a settings file names, however wrong the rest of it may be: a host may
    /// run on it with the last good settings.
    pub fn data_folder(path: &Path) -> PathBuf {
        let text = read_text(path).unwrap_or_default();
        let source = Source::new(path, &text);
        let (document, _) = DeTable::parse_recoverable(&text);
        let named = document.get_ref().get("data");
        let named = named.and_then(|value| value.get_ref().as_str());
        source.folder().join(named.unwrap_or("data"))
    }

    /// Checks the text of a settings file.
    ///
    /// # Errors
    /// Every problem found.
    pub fn parse(
        path: &Path,
        text: &str,
        environment: Environment<'_>,
    ) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(Source::new(path, text), environment);
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            reader.report_syntax(error);
        }
        if !errors.is_empty() {
            // What was recovered misses keys, and would be complained about for the wrong reason.
            return Err(reader.problems);
        }
        let mut top = Table::top(&mut reader, &document, "");
        let mut settings = read_top(&mut reader, &mut top);
        top.finish(&mut reader);
        settings.spots = std::mem::take(&mut reader.spots);
        reader
            .problems
            .sort_by_key(|problem| (problem.line, problem.column));
        if reader.problems.is_empty() {
            Ok(settings)
        } else {
            Err(reader.problems)
        }
    }

    /// The settings of a host without a file, whose folders are given.
    pub fn defaults(plugins_folder: &Path, data: &Path) -> Self {
        let path = plugins_folder.join(SETTINGS_FILE);
        let mut reader = Reader::new(Source::new(&path, ""), &|_| None);
        let (document, _) = DeTable::parse_recoverable("");
        let mut top = Table::top(&mut reader, &document, "");
        let mut settings = read_top(&mut reader, &mut top);
        plugins_folder.clone_into(&mut settings.plugins_folder);
        data.clone_into(&mut settings.data);
        settings
    }

    /// What a plugin's settings may name.
    pub fn scope(&self) -> PluginScope {
        PluginScope {
            bots: self.bots.iter().map(|bot| bot.name.clone()).collect(),
            roles: self.roles.keys().cloned().collect(),
        }
    }

    /// The plugins that use a file of the plugin folder: the sections that name it, and the plugin
    /// that is named after it unless sections name only others.
    pub fn plugins_of(&self, stem: &str, has_own_file: bool) -> Vec<String> {
        let artifact = format!("{stem}.wasm");
        let mut names: Vec<String> = self
            .plugins
            .values()
            .filter(|plugin| plugin.artifact == artifact)
            .map(|plugin| plugin.name.clone())
            .collect();
        let section_is_elsewhere = self.plugins.contains_key(stem);
        if (names.is_empty() || has_own_file)
            && !section_is_elsewhere
            && !names.iter().any(|name| name == stem)
        {
            names.push(stem.to_owned());
        }
        names
    }

    /// Tells why a file of the plugin folder cannot be the plugin that is named after it, where a
    /// section has given that name to another file.
    pub fn name_is_taken(&self, stem: &str, has_own_file: bool) -> Option<Problem> {
        let section = self.plugins.get(stem)?;
        let artifact = format!("{stem}.wasm");
        let mut sections = self.plugins.values();
        let is_used = sections.any(|plugin| plugin.artifact == artifact);
        if section.artifact == artifact || (is_used && !has_own_file) {
            return None;
        }
        let file = if is_used {
            format!("{stem}.toml")
        } else {
            artifact
        };
        let found = format!(
            "plugin {stem} is {}, and {file} is there too",
            section.artifact
        );
        let problem = section.spot("artifact").problem(found);
        Some(problem.expected("one plugin of that name; rename one of the two"))
    }

    /// A plugin's settings, from its section or from its own file.
    ///
    /// # Errors
    /// Every problem of its own file, and that there are both; the plugin is refused.
    pub fn plugin(
        &self,
        name: &str,
        own_file: Option<(&Path, &str)>,
    ) -> Result<PluginSettings, Vec<Problem>> {
        match (self.plugins.get(name), own_file) {
            (None, None) => Ok(PluginSettings::defaults(name)),
            (Some(section), None) => Ok(section.clone()),
            (None, Some((path, text))) => {
                parse_plugin_file(path, text, name, &self.scope(), &variable)
            }
            (Some(section), Some((path, _))) => {
                let problem = section.spots.find(&format!("plugin.{name}")).map_or_else(
                    || Problem::whole_file(&self.path, String::new()),
                    |spot| spot.problem(String::new()),
                );
                Err(vec![Problem {
                    found: format!("plugin {name} has settings here and in {}", path.display()),
                    expected: "one of the two".to_owned(),
                    ..problem
                }])
            }
        }
    }

    /// Makes a problem of a setting that turned out wrong later: a port in use, `local.listen`.
    pub fn problem(&self, key: &str, found: impl Into<String>) -> Problem {
        match self.spots.find(key) {
            Some(spot) => spot.problem(found),
            None => Problem::whole_file(&self.path, found),
        }
    }
}

fn read_text(path: &Path) -> Result<String, Problem> {
    let failed =
        |error: std::io::Error| Problem::whole_file(path, format!("cannot be read: {error}"));
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_SETTINGS_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_SETTINGS_BYTES {
        return Err(Problem::whole_file(path, "is too large")
            .expected(format!("at most {MAX_SETTINGS_BYTES} bytes")));
    }
    String::from_utf8(bytes)
        .map_err(|_| Problem::whole_file(path, "is not text").expected("TOML in UTF-8"))
}

fn read_top(reader: &mut Reader<'_>, top: &mut Table<'_>) -> Settings {
    let folder = reader.source.folder().to_owned();
    let mut path = |reader: &mut Reader<'_>, name: &'static str| {
        top.get(reader, name)
            .and_then(|item| item.path(reader))
            .unwrap_or_else(|| folder.join(name))
    };
    let data = path(reader, "data");
    let plugins_folder = path(reader, "plugins");
    let item = top.get(reader, "http");
    let http = sections::read_http(reader, item.as_ref());
    let item = top.get(reader, "local");
    let local = sections::read_local(reader, item.as_ref());
    let item = top.get(reader, "journal");
    let journal = sections::read_journal(reader, item.as_ref());
    let item = top.get(reader, "outbox");
    let outbox = outbox::read_outbox(reader, item.as_ref());
    let item = top.get(reader, "net");
    let net = net::read_net(reader, item.as_ref());
    let item = top.get(reader, "bot");
    let around = bots::Around {
        net: &net,
        data: &data,
    };
    let mut bots = bots::read_bots(reader, item.as_ref(), &around);
    if bots.is_empty() && local.enabled {
        bots.push(BotConfig::local(DEFAULT_BOT));
    }
    if let Some(item) = item.filter(|item| item.is_list() && !local.enabled)
        && bots
            .iter()
            .any(|bot| matches!(bot.platform, Platform::Local(_)))
    {
        let problem = item
            .problem("has a bot of the local platform")
            .hint("`enabled = false` in [local] switches that platform off");
        reader.report(problem);
    }
    let item = top.get(reader, "roles");
    let roles = sections::read_roles(reader, item.as_ref());
    let scope = PluginScope {
        bots: bots.iter().map(|bot| bot.name.clone()).collect(),
        roles: roles.keys().cloned().collect(),
    };
    let item = top.get(reader, "plugin");
    let plugins = plugin::read_plugins(reader, item.as_ref(), &scope);
    let item = top.get(reader, "reload");
    let reload = sections::read_reload(reader, item.as_ref());
    let item = top.get(reader, "limits");
    let limits = sections::read_limits(reader, item.as_ref());
    let item = top.get(reader, "log");
    let log = log::read_log(reader, item.as_ref());
    let item = top.get(reader, "observe");
    let observe = log::read_observe(reader, item.as_ref());
    let item = top.get(reader, "sentences");
    let sentences = sentences::read_sentences(reader, item.as_ref());
    Settings {
        path: reader.source.path.clone(),
        data,
        plugins_folder,
        http,
        local,
        journal,
        outbox,
        net,
        bots,
        roles,
        plugins,
        reload,
        limits,
        log,
        observe,
        sentences,
        text_hash: TextHash(format!("{:x}", Sha256::digest(&reader.source.text))),
        spots: Spots::default(),
    }
}
