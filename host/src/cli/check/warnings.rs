//! What is taken and yet may surprise. Pure.

use std::collections::BTreeMap;

use super::{PluginReport, PluginState};
use crate::app::checker::Looked;
use crate::cli::chat::is_of_console;
use crate::config::PluginSettings;
use crate::mailbox::control::PluginAsk;
use crate::model::description::{CommandSpec, Description};
use crate::router::HELP;

/// Bytes of a file from which on it takes long to compile: half of what is taken.
const LARGE_BYTES: usize = 32 * 1024 * 1024;
/// Hundredths of a limit that are near it.
const NEAR: u64 = 75;

/// Lists what is worth a look of a component that describes itself.
pub(super) fn of(
    bytes: &[u8],
    looked: &Looked,
    description: &Description,
    settings: &PluginSettings,
    asks: &[PluginAsk],
) -> Vec<String> {
    let mut warnings = Vec::new();
    if bytes.len() > LARGE_BYTES {
        warnings.push(format!(
            "it has {} MiB: each new build is compiled for a long time before it serves",
            bytes.len() / (1024 * 1024)
        ));
    }
    let debug = looked.facts.debug_bytes;
    if debug > 0 {
        warnings.push(format!(
            "{} KiB of debug information are left in it: good while it is written; `strip = true` in its \
             profile takes it out",
            debug.div_ceil(1024)
        ));
    }
    let unused = looked.facts.imports.iter().filter(|it| !it.is_used);
    warnings.extend(unused.map(|it| format!("it imports {} and never uses it", it.name)));
    if hears_nothing(description) {
        warnings.push("it hears nothing: it has no command and no kind of event".to_owned());
    }
    let commands = description.commands.iter();
    warnings.extend(commands.filter_map(shadowed));
    warnings.extend(near_limits(looked, settings));
    let missing = asks.iter().filter(|ask| !ask.granted && !ask.optional);
    warnings.extend(missing.map(|ask| match &ask.line {
        Some(line) => format!(
            "it needs {}, which is not granted; to grant it: {line}",
            ask.what
        ),
        None => format!("it needs {}, which this host does not have", ask.what),
    }));
    warnings
}

fn hears_nothing(description: &Description) -> bool {
    description.commands.is_empty() && description.subscriptions.kinds.is_empty()
}

/// A command that somebody else takes first, or that takes somebody else's.
fn shadowed(command: &CommandSpec) -> Option<String> {
    let word = command.pattern.split_whitespace().next()?;
    if word == HELP {
        return Some(format!(
            "its command `{}` stands before the host's own list of commands",
            command.pattern
        ));
    }
    is_of_console(word).then(|| {
        format!(
            "its command `{}` is the console's own in `parlor chat`; type `/{word}` there",
            command.pattern
        )
    })
}

fn near_limits(looked: &Looked, settings: &PluginSettings) -> Vec<String> {
    let Some(weight) = &looked.weight else {
        return Vec::new();
    };
    let limits = &settings.limits;
    let is_near = |used: u64, limit: u64| used.saturating_mul(100) > limit.saturating_mul(NEAR);
    let mut near = Vec::new();
    if is_near(weight.memory_bytes, limits.memory_bytes) {
        near.push(format!(
            "an instance at rest has {} of {} MiB of memory; `limits.memory-mib` gives more",
            weight.memory_bytes.div_ceil(1024 * 1024),
            limits.memory_bytes / (1024 * 1024)
        ));
    }
    if is_near(weight.table_elements, u64::from(limits.table_elements)) {
        near.push(format!(
            "an instance has {} of {} table elements; `limits.table-elements` gives more",
            weight.table_elements, limits.table_elements
        ));
    }
    let cpu = u64::try_from(weight.cpu.as_millis()).unwrap_or(u64::MAX);
    if is_near(cpu, u64::from(limits.cpu_ms)) {
        near.push(format!(
            "its first call took {cpu} of {} ms of processor time; `limits.cpu-ms` gives more",
            limits.cpu_ms
        ));
    }
    near
}

/// Adds to plugins that declare one command that both run.
pub(super) fn note_doubles(reports: &mut [PluginReport]) {
    let mut declared: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let ready = |report: &&PluginReport| report.state == PluginState::Ready;
    for report in reports.iter().filter(ready) {
        for command in &report.commands {
            let plugins = declared.entry(command.pattern.to_lowercase()).or_default();
            plugins.push(report.plugin.clone());
        }
    }
    for report in reports {
        for command in &report.commands {
            let plugins = declared.get(&command.pattern.to_lowercase());
            let others = plugins.into_iter().flatten();
            let others: Vec<&str> = others
                .filter(|other| **other != report.plugin)
                .map(String::as_str)
                .collect();
            if report.state == PluginState::Ready && !others.is_empty() {
                report.warnings.push(format!(
                    "its command `{}` is also that of {}: all of them answer",
                    command.pattern,
                    others.join(", ")
                ));
            }
        }
    }
}
