//! What was recorded, as a dialog that `parlor test` runs: `parlor events export`.
//!
//! People, rooms, addresses, ids and what looks like a secret are replaced, the same by the same
//! everywhere in one file. What stands for what is known in memory alone, and gone with it.

mod names;
mod redact;
mod script;

#[cfg(test)]
mod redact_tests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use self::names::Names;
use self::redact::Redact;
use self::script::Script;
use super::entry::UsageError;
use super::replay::plugin_settings;
use crate::config::{Literal, PluginSettings, Settings};
use crate::journal::sqlite::RestingJournal;
use crate::journal::{EventQuery, NewRequest, PastEvent};
use crate::model::HOST_PLUGIN;
use crate::model::payload::EventPayload;

/// Which events become a dialog, and how.
pub struct ExportOptions {
    /// The settings.
    pub settings: Settings,
    /// Which events.
    pub which: EventQuery,
    /// Texts are not changed; who acts and where still is.
    pub keep_text: bool,
}

/// A dialog of what was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The text of the file.
    pub text: String,
    /// The plugin whose answers it expects.
    pub plugin: String,
    /// Events that became steps.
    pub steps: usize,
    /// Events that could not become one; the file says so where they were.
    pub left_out: usize,
}

/// What is recorded of a talk.
struct Recording {
    /// The events, the oldest first.
    events: Vec<PastEvent>,
    /// The plugin whose answers are expected.
    plugin: String,
    /// What it asked other servers for, by the event's id and the request's key.
    requests: HashMap<(String, String), NewRequest>,
}

/// Makes a dialog of what is recorded. It only reads, so that it makes no difference whether a host runs.
///
/// # Errors
/// [`UsageError`] where it is not clear what is meant; the journal's.
pub fn export(options: ExportOptions) -> anyhow::Result<Exported> {
    let ExportOptions {
        settings,
        which,
        keep_text,
    } = options;
    let Some(journal) = RestingJournal::open(&settings.data)? else {
        anyhow::bail!("there is no journal in {}", settings.data.display());
    };
    let named = which.plugin.clone();
    let mut events = journal.events(which)?;
    events.reverse();
    let plugin = the_plugin(&events, named)?;
    let mut requests = HashMap::new();
    for event in &events {
        for delivery in event.deliveries.iter().filter(|it| *it.plugin == *plugin) {
            if !delivery
                .actions
                .iter()
                .any(|action| action.what == "request")
            {
                continue;
            }
            let recorded = journal.recorded(delivery.number)?;
            let recorded = recorded.into_iter().flat_map(|it| it.requests);
            let id = &event.event.id;
            requests.extend(recorded.map(|it| ((id.clone(), it.key.clone()), it)));
        }
    }
    let own = plugin_settings(&settings, &plugin)?.0;
    let recording = Recording {
        events,
        plugin,
        requests,
    };
    Ok(dialog(&recording, &own, keep_text))
}

/// The plugin whose dialog it is: the one that is named, or the only one that got something.
fn the_plugin(events: &[PastEvent], named: Option<String>) -> Result<String, UsageError> {
    let deliveries = events.iter().flat_map(|event| &event.deliveries);
    let got: BTreeSet<&str> = deliveries
        .map(|it| &*it.plugin)
        .filter(|plugin| *plugin != HOST_PLUGIN)
        .collect();
    if let Some(named) = named {
        return match got.contains(named.as_str()) {
            true => Ok(named),
            false => Err(UsageError(format!("no event that {named} got is kept"))),
        };
    }
    let mut all = got.iter();
    match (all.next(), all.next()) {
        (Some(only), None) => Ok((*only).to_owned()),
        (None, _) => Err(UsageError(
            "no such event is kept that a plugin got; `parlor events` lists what is".to_owned(),
        )),
        (Some(_), Some(_)) => {
            let all: Vec<&str> = got.into_iter().collect();
            Err(UsageError(format!(
                "a dialog is of one plugin, and these got events: {}; name one with --plugin",
                all.join(", ")
            )))
        }
    }
}

/// Writes the dialog. Pure.
fn dialog(recording: &Recording, own: &PluginSettings, keep_text: bool) -> Exported {
    let names = Names::of(&recording.events);
    let write = |redact: &Redact<'_>| {
        let mut script = Script::new(recording, &names, redact);
        script.begin(&settings_lines(recording, own, redact), own);
        for event in &recording.events {
            script.event(event);
        }
        script.finish()
    };
    // What is once said to be a secret is one before that, too.
    let redact = Redact::new(&names, keep_text);
    write(&redact);
    write(&redact.again())
}

/// The plugin's settings as far as a dialog needs them; empty where it needs none.
fn settings_lines(recording: &Recording, own: &PluginSettings, redact: &Redact<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if !own.config.is_empty() {
        let config: toml::Table = (own.config.iter())
            .map(|(key, value)| (key.clone(), literal(value, redact)))
            .collect();
        let config = config.iter();
        let config = config.map(|(key, value)| format!("{key} = {value}"));
        lines.push(format!(
            "config = {{ {} }}",
            config.collect::<Vec<_>>().join(", ")
        ));
    }
    let list = |texts: Vec<String>| {
        let texts = texts
            .into_iter()
            .map(|text| toml::Value::from(text).to_string());
        texts.collect::<Vec<_>>().join(", ")
    };
    let http: Vec<String> = own.grants.http.iter().map(|it| it.allow.clone()).collect();
    for (name, texts) in [
        ("http", http),
        ("actions", own.grants.actions.clone()),
        ("reads", own.grants.reads.clone()),
    ] {
        if !texts.is_empty() {
            lines.push(format!("grants.{name} = [{}]", list(texts)));
        }
    }
    let called = recording
        .events
        .iter()
        .filter_map(|past| match &past.event.payload {
            EventPayload::WebhookReceived(webhook) => Some(webhook.name.as_str()),
            _ => None,
        });
    // A dialog calls them as one that has passed the check.
    let called: BTreeSet<&str> = called.collect();
    lines.extend(
        called
            .into_iter()
            .map(|name| format!("webhooks.{name} = {{ verify = \"none\" }}")),
    );
    lines
}

fn literal(value: &Literal, redact: &Redact<'_>) -> toml::Value {
    match value {
        Literal::Text(text) => toml::Value::from(redact.text(text)),
        Literal::Integer(number) => toml::Value::from(*number),
        Literal::Float(number) => toml::Value::from(*number),
        Literal::Flag(flag) => toml::Value::from(*flag),
        Literal::Texts(texts) => {
            let texts = texts.iter().map(|text| redact.text(text));
            toml::Value::from(texts.collect::<Vec<_>>())
        }
    }
}
