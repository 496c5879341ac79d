//! A plugin's settings: `[plugin.NAME]`, or the file beside its wasm.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::age::read_max_age;
use super::grant::{Grants, read_grants};
use super::limits::{DEFAULT_LIMITS, read_limits};
use super::names::is_name;
use super::problem::{Problem, Source, Spot, Spots};
use super::read::{Item, Reader, Table, integer, one_of};
use super::secret::Environment;
use super::sha256::parse_sha256;
use super::webhook::{WebhookSettings, read_webhooks};
use crate::model::HOST_PLUGIN;
use crate::model::age::MaxAge;
use crate::model::limits::Limits;

/// Entries of `only`, `allow` and `config`.
const MAX_ENTRIES: usize = 1_000;
/// Bytes of a plugin's own settings file.
pub const MAX_PLUGIN_FILE_BYTES: u64 = 1024 * 1024;

/// What one plugin is told and allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginSettings {
    /// Its name.
    pub name: String,
    /// The file in the plugin folder.
    pub artifact: String,
    /// The hash that the file must have; none takes any.
    pub sha256: Option<[u8; 32]>,
    /// Whether it takes part.
    pub enabled: bool,
    /// Whether each event gets an instance of its own.
    pub fresh: bool,
    /// Whether a new build is compared with the one that serves before it may serve.
    pub shadow: bool,
    /// What it hears of.
    pub only: Only,
    /// The roles that may use a command; `*` for every command that is not named.
    pub allow: BTreeMap<String, Vec<String>>,
    /// Its config as written; checked once its description is known.
    pub config: BTreeMap<String, Literal>,
    /// What it may do outside.
    pub grants: Grants,
    /// What it may use.
    pub limits: Limits,
    /// Who may call it from outside.
    pub webhooks: BTreeMap<String, WebhookSettings>,
    /// How old an event may be when it gets it.
    pub max_age: MaxAge,
    /// Where its keys stand.
    pub spots: Spots,
    /// The file its settings stand in; none where it has none.
    pub file: Option<PathBuf>,
}

impl PluginSettings {
    /// The settings of a plugin that has none.
    pub fn defaults(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            artifact: format!("{name}.wasm"),
            sha256: None,
            enabled: true,
            fresh: false,
            shadow: false,
            only: Only::default(),
            allow: BTreeMap::new(),
            config: BTreeMap::new(),
            grants: Grants::default(),
            limits: DEFAULT_LIMITS,
            webhooks: BTreeMap::new(),
            max_age: MaxAge::DEFAULT,
            spots: Spots::default(),
            file: None,
        }
    }

    /// Finds where a key stands, `config.source`; a whole file where there is no line.
    pub fn spot(&self, key: &str) -> Spot {
        let path = format!("plugin.{}.{key}", self.name);
        self.spots.find(&path).cloned().unwrap_or_else(|| Spot {
            file: self
                .file
                .clone()
                .unwrap_or_else(|| PathBuf::from(format!("{}.toml", self.name))),
            line: 0,
            column: 0,
        })
    }
}

/// What a plugin hears of; empty is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only {
    /// Bots by name.
    pub bots: Vec<String>,
    /// Globs over conversations' names and ids.
    pub conversations: Vec<String>,
    /// Only conversations with people outside, or only those without.
    pub external: Option<bool>,
}

/// A value of a plugin's config as it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Yes or no.
    Flag(bool),
    /// Texts.
    Texts(Vec<String>),
}

/// What a plugin's settings may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginScope {
    /// The bots.
    pub bots: BTreeSet<String>,
    /// The roles.
    pub roles: BTreeSet<String>,
}

/// Parses a plugin's own file, whose text the caller has read.
///
/// # Errors
/// Every problem found; the plugin is refused.
pub fn parse_plugin_file(
    path: &Path,
    text: &str,
    name: &str,
    scope: &PluginScope,
    environment: Environment<'_>,
) -> Result<PluginSettings, Vec<Problem>> {
    let mut reader = Reader::new(Source::new(path, text), environment);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        reader.report_syntax(error);
    }
    let mut settings = PluginSettings::defaults(name);
    settings.file = Some(path.to_owned());
    if errors.is_empty() {
        let mut table = Table::top(&mut reader, &document, &format!("plugin.{name}"));
        if let Some(item) = table.get(&mut reader, "artifact") {
            let problem = item
                .problem("can only be set in parlor.toml")
                .expected(format!("the settings of {name}.wasm"));
            reader.report(problem);
        }
        read_body(&mut reader, &mut table, &mut settings, scope);
        table.finish(&mut reader);
    }
    settings.spots = std::mem::take(&mut reader.spots);
    if reader.problems.is_empty() {
        Ok(settings)
    } else {
        Err(reader.problems)
    }
}

/// Reads all `[plugin.NAME]`.
pub(super) fn read_plugins(
    reader: &mut Reader<'_>,
    item: Option<&Item<'_>>,
    scope: &PluginScope,
) -> BTreeMap<String, PluginSettings> {
    let mut plugins = BTreeMap::new();
    let Some(table) = item.and_then(|item| item.table(reader)) else {
        return plugins;
    };
    for item in table.items(reader) {
        let name = item.name.clone();
        if !is_name(&name) || name == HOST_PLUGIN {
            let problem = item
                .spot
                .problem(format!("a plugin cannot be named \"{name}\""))
                .expected("letters, digits, `-`, `_` and `.`, and not `host`");
            reader.report(problem);
            continue;
        }
        let Some(mut table) = item.table(reader) else {
            continue;
        };
        let mut settings = PluginSettings::defaults(&name);
        settings.file = Some(reader.source.path.clone());
        if let Some(item) = table.get(reader, "artifact")
            && let Some(artifact) = item.text(reader)
        {
            if is_artifact(artifact) {
                artifact.clone_into(&mut settings.artifact);
            } else {
                item.wrong(reader, "a file in the plugin folder, \"joke.wasm\"");
            }
        }
        read_body(reader, &mut table, &mut settings, scope);
        table.finish(reader);
        plugins.insert(name, settings);
    }
    // Only now are all places of the file known.
    for settings in plugins.values_mut() {
        // Its own only: of thousands of plugins each would keep everybody's.
        let table = format!("plugin.{}", settings.name);
        settings.spots = reader.spots.below(&table);
    }
    plugins
}

fn is_artifact(text: &str) -> bool {
    text.strip_suffix(".wasm").is_some_and(is_name)
}

fn read_body(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    settings: &mut PluginSettings,
    scope: &PluginScope,
) {
    for (name, flag) in [
        ("enabled", &mut settings.enabled),
        ("fresh", &mut settings.fresh),
        ("shadow", &mut settings.shadow),
    ] {
        if let Some(value) = table.get(reader, name).and_then(|item| item.flag(reader)) {
            *flag = value;
        }
    }
    if let Some(item) = table.get(reader, "sha256")
        && let Some(text) = item.text(reader)
    {
        settings.sha256 = parse_sha256(text);
        if settings.sha256.is_none() {
            item.wrong(reader, "64 hexadecimal digits, as `sha256sum` prints them");
        }
    }
    if let Some(item) = table.get(reader, "only") {
        settings.only = read_only(reader, &item, scope);
    }
    if let Some(item) = table.get(reader, "allow") {
        settings.allow = read_allow(reader, &item, scope);
    }
    if let Some(item) = table.get(reader, "config") {
        settings.config = read_config(reader, &item);
    }
    if let Some(item) = table.get(reader, "grants") {
        settings.grants = read_grants(reader, &item);
    }
    if let Some(item) = table.get(reader, "limits") {
        settings.limits = read_limits(reader, &item);
    }
    if let Some(item) = table.get(reader, "webhooks") {
        settings.webhooks = read_webhooks(reader, &item, &scope.bots, &settings.only.bots);
    }
    if let Some(item) = table.get(reader, "max-age") {
        settings.max_age = read_max_age(reader, &item);
    }
}

fn read_only(reader: &mut Reader<'_>, item: &Item<'_>, scope: &PluginScope) -> Only {
    let mut only = Only::default();
    let Some(mut table) = item.table(reader) else {
        return only;
    };
    if let Some(item) = table.get(reader, "bots")
        && let Some(bots) = item.texts(reader, MAX_ENTRIES)
    {
        report_strangers(reader, &item, "bot", &bots, &scope.bots);
        only.bots = bots;
    }
    if let Some(item) = table.get(reader, "conversations")
        && let Some(globs) = item.texts(reader, MAX_ENTRIES)
    {
        if let Some(glob) = globs.iter().find(|glob| !super::sections::is_glob(glob)) {
            let problem = item
                .problem(format!("has the pattern \"{glob}\""))
                .expected("a glob, \"Desk *\"");
            reader.report(problem);
        }
        only.conversations = globs;
    }
    if let Some(item) = table.get(reader, "external") {
        only.external = item.flag(reader);
    }
    table.finish(reader);
    only
}

fn read_allow(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    scope: &PluginScope,
) -> BTreeMap<String, Vec<String>> {
    let mut allow = BTreeMap::new();
    let Some(table) = item.table(reader) else {
        return allow;
    };
    for item in table.items(reader) {
        if let Some(roles) = item.texts(reader, MAX_ENTRIES) {
            report_strangers(reader, &item, "role", &roles, &scope.roles);
            allow.insert(item.name, roles);
        }
    }
    allow
}

fn report_strangers(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    what: &str,
    names: &[String],
    known: &BTreeSet<String>,
) {
    for name in names.iter().filter(|name| !known.contains(*name)) {
        let mut problem = item.problem(format!("names the {what} \"{name}\", which is not set up"));
        problem = if known.is_empty() {
            problem.hint(format!("no {what} is set up"))
        } else {
            problem.expected(one_of(known.iter().map(String::as_str)))
        };
        reader.report(problem);
    }
}

fn read_config(reader: &mut Reader<'_>, item: &Item<'_>) -> BTreeMap<String, Literal> {
    let mut config = BTreeMap::new();
    let Some(table) = item.table(reader) else {
        return config;
    };
    for item in table.items(reader) {
        if let Some(literal) = read_literal(reader, &item) {
            config.insert(item.name, literal);
        }
    }
    config
}

fn read_literal(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Literal> {
    match item.value() {
        DeValue::String(text) => {
            let refused = item.report_references(reader, text);
            (!refused).then(|| Literal::Text(text.clone().into_owned()))
        }
        DeValue::Integer(_) => {
            let number = integer(item.value());
            if number.is_none() {
                item.wrong(reader, "a number of at most 64 bits");
            }
            number.map(Literal::Integer)
        }
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Some(Literal::Float(number)),
            _ => {
                item.wrong(reader, "a finite number");
                None
            }
        },
        DeValue::Boolean(flag) => Some(Literal::Flag(*flag)),
        DeValue::Array(_) => {
            let texts = item.texts(reader, MAX_ENTRIES)?;
            let refused = texts
                .iter()
                .any(|text| item.report_references(reader, text));
            (!refused).then_some(Literal::Texts(texts))
        }
        DeValue::Datetime(_) | DeValue::Table(_) => {
            item.wrong(reader, "text, a number, true or false, or a list of texts");
            None
        }
    }
}
