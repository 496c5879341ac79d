//! `parlor plugins` of a running host: how they do.

use std::process::ExitCode;

use super::ask::{Meant, PATIENCE, ago, now, settings_lines};
use super::output::{Failure, table};
use super::start::Place;
use crate::mailbox::control::{Ask, Line, PluginLine, PluginWebhook};
use crate::model::Timestamp;

/// Lists the plugins of a running host; none where none runs.
pub(super) fn list_live(place: &Place<'_>, json: bool) -> Result<Option<ExitCode>, Failure> {
    let meant = Meant::of(place)?;
    let answer = meant.ask(Ask::Plugins, PATIENCE)?;
    answer
        .map(|answer| answer.print(json, |lines| list(lines, now())))
        .transpose()
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
        if let Some(problem) = &plugin.problem {
            shown.push(format!("{}: {problem}", plugin.plugin));
        }
    }
    for plugin in &plugins {
        shown.extend(webhook_lines(&plugin.plugin, &plugin.webhooks));
        for ask in &plugin.asks {
            let granted = if ask.granted {
                "granted"
            } else {
                "not granted"
            };
            let optional = if ask.optional { ", optional" } else { "" };
            shown.push(format!(
                "{} asks for {} ({granted}{optional}): {}",
                plugin.plugin, ask.what, ask.reason
            ));
        }
    }
    shown
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
