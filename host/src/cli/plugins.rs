//! `parlor plugins` of a running host: how they do.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::ask::{Meant, PATIENCE, ago, now, settings_lines};
use super::output::{Failure, table};
use super::start::Place;
use crate::mailbox::control::{
    Ask, FaultLine, Line, PluginAsk, PluginHealth, PluginLine, PluginWebhook, ShadowLine,
};
use crate::model::Timestamp;

/// How long a rollback may take: the build may have to be compiled, and another change be made first.
const ROLLBACK_PATIENCE: Duration = Duration::from_secs(10 * 60);

#[derive(Debug, Args)]
pub(super) struct PluginsArgs {
    #[command(subcommand)]
    change: Option<PluginsVerb>,
    /// Print one JSON object per plugin
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
enum PluginsVerb {
    /// Put the last good build of a plugin back in place of the one that serves; drop the one in its
    /// shadow, where there is one
    Rollback {
        /// The plugin
        name: String,
    },
}

/// Runs the verb in a running host; nothing where none runs and nothing is to be changed.
pub(super) fn run(place: &Place<'_>, args: &PluginsArgs) -> Result<Option<ExitCode>, Failure> {
    let meant = Meant::of(place)?;
    match &args.change {
        None => {
            let answer = meant.ask(Ask::Plugins, PATIENCE)?;
            answer
                .map(|answer| answer.print(args.json, |lines| list(lines, now())))
                .transpose()
        }
        Some(PluginsVerb::Rollback { name }) => {
            let plugin = name.clone();
            let answer = meant.require(Ask::RollbackPlugin { plugin }, ROLLBACK_PATIENCE)?;
            answer.print(args.json, rolled_back).map(Some)
        }
    }
}

/// What a rollback came to, for a person.
pub(super) fn rolled_back(lines: &[Line]) -> Vec<String> {
    let plugins = lines.iter().filter_map(|line| match line {
        Line::Plugin(plugin) => Some(plugin),
        _ => None,
    });
    plugins
        .map(|plugin| {
            let version = plugin.version.as_deref().unwrap_or_default();
            let why = plugin.problem.as_deref().unwrap_or_default();
            format!("{}: version {version} serves; {why}", plugin.plugin)
        })
        .collect()
}

/// The plugins as a table, and what they ask for.
pub(super) fn list(lines: &[Line], now: Timestamp) -> Vec<String> {
    let mut rows = vec![
        [
            "PLUGIN",
            "VERSION",
            "STATE",
            "SINCE",
            "WAITING",
            "HANDLED",
            "FAULTS",
            "WHAT IT DOES",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let plugins: Vec<&PluginLine> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Plugin(plugin) => Some(plugin),
            _ => None,
        })
        .collect();
    for plugin in &plugins {
        rows.push(vec![
            plugin.plugin.clone(),
            plugin.version.clone().unwrap_or_default(),
            plugin.state.clone(),
            plugin
                .since
                .map_or_else(|| "-".to_owned(), |at| ago(now, at)),
            plugin.waiting.to_string(),
            plugin.handled.to_string(),
            plugin.faults.to_string(),
            plugin.summary.clone().unwrap_or_default(),
        ]);
    }
    let mut shown = settings_lines(lines);
    shown.extend(table(&rows));
    for plugin in &plugins {
        if let Some(compiling) = &plugin.compiling {
            shown.push(format!("{}: {}", plugin.plugin, compiling.text()));
        }
        if let Some(problem) = &plugin.problem {
            shown.push(format!("{}: {problem}", plugin.plugin));
        }
        if let Some(health) = &plugin.health {
            let lines = health_lines(health, now);
            shown.extend(lines.map(|line| format!("{}: {line}", plugin.plugin)));
        }
        if let Some(shadow) = &plugin.shadow {
            shown.extend(shadow_lines(&plugin.plugin, shadow, now));
        }
    }
    for plugin in &plugins {
        shown.extend(webhook_lines(&plugin.plugin, &plugin.webhooks));
        shown.extend(ask_lines(&plugin.plugin, &plugin.asks));
    }
    shown
}

/// What a plugin asks for, and what to write to grant it.
pub(super) fn ask_lines(plugin: &str, asks: &[PluginAsk]) -> Vec<String> {
    let line = |ask: &PluginAsk| {
        let granted = if ask.granted {
            "granted"
        } else {
            "not granted"
        };
        let optional = if ask.optional { ", optional" } else { "" };
        let asked = format!(
            "{plugin} asks for {} ({granted}{optional}): {}",
            ask.what, ask.reason
        );
        let line = ask
            .line
            .as_ref()
            .map(|line| format!("  to grant it: {line}"));
        std::iter::once(asked).chain(line)
    };
    asks.iter().flat_map(line).collect()
}

/// Where a plugin is called from outside.
pub(super) fn webhook_lines(plugin: &str, webhooks: &[PluginWebhook]) -> Vec<String> {
    let line = |webhook: &PluginWebhook| {
        format!(
            "{plugin} takes the webhook {} at {} (verified: {})",
            webhook.name, webhook.url, webhook.verify
        )
    };
    webhooks.iter().map(line).collect()
}

/// How far a plugin is from quarantine, and what led there; nothing where all is well.
fn health_lines(health: &PluginHealth, now: Timestamp) -> impl Iterator<Item = String> {
    let probation = match (health.probation, &health.rollback_to) {
        (true, Some(version)) => Some(format!(
            "on probation: its first fault puts version {version} back"
        )),
        (true, None) => Some("on probation: no build from before is known to be good".to_owned()),
        (false, _) => None,
    };
    let probe = health.probe_at.map(|at| {
        let wait = at.saturating_sub(now).div_ceil(1_000);
        format!("tried again with one delivery in {wait} s")
    });
    let budget = (health.failed > 0).then(|| {
        format!(
            "{} of the last 50 deliveries failed, in {} conversations; before quarantine {} more may, in {} more conversations",
            health.failed, health.conversations, health.failed_left, health.conversations_left
        )
    });
    let faults: Vec<String> = health.recent.iter().map(|it| fault_line(it, now)).collect();
    let facts = [probation, probe, budget].into_iter().flatten();
    facts.chain(faults)
}

/// How a build in the shadow compares, and its newest differences: what goes with `-`, what would go
/// with `+`.
fn shadow_lines(plugin: &str, shadow: &ShadowLine, now: Timestamp) -> Vec<String> {
    let ShadowLine {
        version,
        compared,
        differ,
        skipped,
        ..
    } = shadow;
    let why = shadow.last_skipped.as_ref();
    let why = why.map_or_else(String::new, |why| format!(" (the last: {why})"));
    let since = ago(now, shadow.since);
    let mut lines = vec![
        format!(
            "version {version} in the shadow for {since}: {compared} compared, {differ} different, {skipped} skipped{why}"
        ),
        format!(
            "`parlor reload {plugin}` lets it serve, `parlor plugins rollback {plugin}` drops it"
        ),
    ];
    if shadow.hears_otherwise {
        lines.push(
            "it declares other commands or subscriptions: what it alone would hear is not compared"
                .to_owned(),
        );
    }
    for difference in &shadow.recent {
        let place = difference.conversation.as_ref();
        let place = place.map_or_else(String::new, |place| format!(" in {place}"));
        let at = ago(now, difference.at);
        lines.push(format!("{at} ago, event {}{place}:", difference.event));
        lines.extend(difference.was.iter().map(|it| format!("  - {it}")));
        lines.extend(difference.now.iter().map(|it| format!("  + {it}")));
        lines.extend(difference.fields.iter().map(|it| format!("    {it}")));
    }
    let lines = lines.into_iter();
    lines.map(|line| format!("{plugin}: {line}")).collect()
}

fn fault_line(fault: &FaultLine, now: Timestamp) -> String {
    let place = fault.conversation.as_ref();
    let place = place.map_or_else(String::new, |place| format!(" in {place}"));
    format!(
        "{} ago, version {}, event {}{place}, call {}: {}",
        ago(now, fault.at),
        fault.version,
        fault.event,
        fault.attempt,
        fault.text
    )
}
