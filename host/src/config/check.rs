//! Checks a plugin's settings against what the plugin says of itself.

use std::collections::BTreeMap;

use super::duration::parse_duration_ms;
use super::plugin::{Literal, PluginSettings};
use super::problem::{Problem, nearest};
use super::read::one_of;
use crate::model::config::ConfigValue;
use crate::model::description::{ConfigKey, ConfigKind, Description};

/// The name in `allow` that stands for every command.
const EVERY_COMMAND: &str = "*";

/// Checks a plugin's config and the commands its settings name; returns its config with defaults.
///
/// # Errors
/// Every problem found; the plugin is refused.
pub fn check_plugin(
    settings: &PluginSettings,
    description: &Description,
) -> Result<BTreeMap<String, ConfigValue>, Vec<Problem>> {
    let (values, mut problems) = check_config(settings, &description.config);
    let commands: Vec<&str> = description
        .commands
        .iter()
        .map(|command| command.name.as_str())
        .collect();
    for name in settings.allow.keys() {
        if name != EVERY_COMMAND && !commands.contains(&name.as_str()) {
            let place = settings.spot(&format!("allow.{name}"));
            let found = format!("plugin {} has no command `{name}`", settings.name);
            problems.push(no_command(place.problem(found), name, description));
        }
    }
    if problems.is_empty() {
        Ok(values)
    } else {
        Err(problems)
    }
}

fn check_config(
    settings: &PluginSettings,
    keys: &[ConfigKey],
) -> (BTreeMap<String, ConfigValue>, Vec<Problem>) {
    let mut values = BTreeMap::new();
    let mut problems = Vec::new();
    for name in settings.config.keys() {
        if !keys.iter().any(|key| key.name == *name) {
            let place = settings.spot(&format!("config.{name}"));
            let names = keys.iter().map(|key| key.name.as_str());
            let found = format!("plugin {} has no config key `{name}`", settings.name);
            problems.push(unknown(place.problem(found), name, names));
        }
    }
    for key in keys {
        match read_key(settings, key) {
            Ok(Some(value)) => {
                values.insert(key.name.clone(), value);
            }
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    (values, problems)
}

fn read_key(settings: &PluginSettings, key: &ConfigKey) -> Result<Option<ConfigValue>, Problem> {
    let place = settings.spot(&format!("config.{}", key.name));
    if let Some(literal) = settings.config.get(&key.name) {
        return convert(literal, &key.kind).map(Some).map_err(|expected| {
            place
                .problem(format!(
                    "config key `{}` of plugin {} is {}",
                    key.name,
                    settings.name,
                    describe(literal)
                ))
                .expected(expected)
        });
    }
    if let Some(default) = &key.default {
        return from_default(default, &key.kind)
            .map(Some)
            .map_err(|expected| {
                place
                    .problem(format!(
                        "plugin {} gives its config key `{}` the default \"{default}\"",
                        settings.name, key.name
                    ))
                    .expected(expected)
                    .hint("the plugin's author must change it")
            });
    }
    if key.required {
        return Err(place
            .problem(format!(
                "config key `{}` of plugin {} is missing",
                key.name, settings.name
            ))
            .expected(expected(&key.kind))
            .hint(key.help.clone()));
    }
    Ok(None)
}

/// `allow.NAME` names a command as `describe` does, which is not always how people type it.
fn no_command(problem: Problem, name: &str, description: &Description) -> Problem {
    let commands = &description.commands;
    let words = |pattern: &str| -> Vec<String> {
        let words = pattern.split_whitespace();
        let literal = words.take_while(|word| !word.starts_with('{'));
        literal.map(str::to_owned).collect()
    };
    let typed = words(name);
    let meant = commands
        .iter()
        .find(|it| !typed.is_empty() && words(&it.pattern) == typed);
    if let Some(meant) = meant {
        return problem.hint(format!(
            "people type `{}`, and `allow` names it `{}`",
            meant.pattern, meant.name
        ));
    }
    let names = commands.iter().map(|it| it.name.as_str());
    let problem = unknown(problem, name, names.chain([EVERY_COMMAND]));
    match problem.hint {
        Some(_) => problem,
        None => problem.hint(format!(
            "NAME in `allow.NAME` is a command's name, or {EVERY_COMMAND} for all of them"
        )),
    }
}

fn unknown<'a>(problem: Problem, name: &str, names: impl Iterator<Item = &'a str>) -> Problem {
    let names: Vec<&str> = names.collect();
    if let Some(near) = nearest(name, names.iter().copied()) {
        return problem.hint(format!("did you mean `{near}`?"));
    }
    if names.is_empty() {
        return problem.hint("it has none");
    }
    problem.expected(one_of(names))
}

fn convert(literal: &Literal, kind: &ConfigKind) -> Result<ConfigValue, String> {
    let value = match (kind, literal) {
        (ConfigKind::Text, Literal::Text(text)) => Some(ConfigValue::Text(text.clone())),
        (ConfigKind::Number, Literal::Integer(number)) => exact(*number).map(ConfigValue::Number),
        (ConfigKind::Number, Literal::Float(number)) => Some(ConfigValue::Number(*number)),
        (ConfigKind::Flag, Literal::Flag(flag)) => Some(ConfigValue::Flag(*flag)),
        (ConfigKind::Duration, Literal::Text(text)) => {
            parse_duration_ms(text).map(ConfigValue::Duration)
        }
        (ConfigKind::Choice(choices), Literal::Text(text)) if choices.contains(text) => {
            Some(ConfigValue::Text(text.clone()))
        }
        (ConfigKind::List, Literal::Texts(texts)) => Some(ConfigValue::Texts(texts.clone())),
        _ => None,
    };
    value.ok_or_else(|| expected(kind))
}

/// A default is written as in the settings; text may go without quotes.
fn from_default(default: &str, kind: &ConfigKind) -> Result<ConfigValue, String> {
    let literal = match kind {
        ConfigKind::Number => default.trim().parse().ok().map(Literal::Float),
        ConfigKind::Flag => default.trim().parse().ok().map(Literal::Flag),
        ConfigKind::List => parse_list(default).map(Literal::Texts),
        ConfigKind::Text | ConfigKind::Duration | ConfigKind::Choice(_) => {
            Some(Literal::Text(unquoted(default)))
        }
    };
    literal
        .filter(|literal| !matches!(literal, Literal::Float(number) if !number.is_finite()))
        .ok_or_else(|| expected(kind))
        .and_then(|literal| convert(&literal, kind))
}

/// A config key's value as the settings have it: its default, or where it has none something of its
/// kind.
pub(super) fn written(key: &ConfigKey) -> String {
    let default = key.default.as_deref();
    // A default that is none is the author's to change: the plugin is refused with it.
    let usable = default.filter(|default| from_default(default, &key.kind).is_ok());
    match (&key.kind, usable) {
        (ConfigKind::Text | ConfigKind::Duration | ConfigKind::Choice(_), Some(default)) => {
            quoted(&unquoted(default))
        }
        (ConfigKind::Number | ConfigKind::Flag | ConfigKind::List, Some(default)) => {
            default.trim().to_owned()
        }
        (ConfigKind::Text, None) => quoted(""),
        (ConfigKind::Number, None) => "0".to_owned(),
        (ConfigKind::Flag, None) => "false".to_owned(),
        (ConfigKind::Duration, None) => quoted("1m"),
        (ConfigKind::Choice(choices), None) => {
            quoted(choices.first().map_or("", |choice| choice.as_str()))
        }
        (ConfigKind::List, None) => "[]".to_owned(),
    }
}

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn unquoted(text: &str) -> String {
    match toml::de::DeValue::parse(text) {
        Ok(value) => value.get_ref().as_str().unwrap_or(text).to_owned(),
        Err(_) => text.to_owned(),
    }
}

fn parse_list(text: &str) -> Option<Vec<String>> {
    let value = toml::de::DeValue::parse(text).ok()?;
    let list = value.get_ref().as_array()?;
    list.iter()
        .map(|item| item.get_ref().as_str().map(str::to_owned))
        .collect()
}

/// A whole number as a floating one, where nothing is lost.
fn exact(number: i64) -> Option<f64> {
    const LARGEST: i64 = 1 << 53;
    #[expect(
        clippy::cast_precision_loss,
        reason = "the bounds make the conversion exact"
    )]
    (-LARGEST..=LARGEST)
        .contains(&number)
        .then_some(number as f64)
}

/// What a value of a kind is, in words.
pub(super) fn expected(kind: &ConfigKind) -> String {
    match kind {
        ConfigKind::Text => "text in quotes".to_owned(),
        ConfigKind::Number => "a number".to_owned(),
        ConfigKind::Flag => "true or false".to_owned(),
        ConfigKind::Duration => "a duration in quotes, \"5m\" or \"300ms\"".to_owned(),
        ConfigKind::Choice(choices) => one_of(choices.iter().map(String::as_str)),
        ConfigKind::List => "a list of texts".to_owned(),
    }
}

fn describe(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => {
            let short: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
            format!("\"{short}\"")
        }
        Literal::Integer(number) => format!("the number {number}"),
        Literal::Float(number) => format!("the number {number}"),
        Literal::Flag(flag) => flag.to_string(),
        Literal::Texts(_) => "a list".to_owned(),
    }
}
