//! A report for people: a line with the verdict, then what was found, one kind a row. Pure.

use unicode_width::UnicodeWidthStr as _;

use super::{ComponentReport, PluginReport, PluginState};
use crate::cli::output::{size_text, table};
use crate::cli::plugins::{ask_lines, webhook_lines};

/// Columns of a row's name.
const LABEL: usize = 10;
/// Columns of what stands beside it, before the next line is begun.
const WIDTH: usize = 88;
/// Hex digits of a hash that tell it apart.
const DIGITS: usize = 16;

/// The verdict: a line, or one for each problem, and what is worth a look.
pub(super) fn verdict(report: &PluginReport) -> Vec<String> {
    let file = report.file.display();
    if !report.problems.is_empty() {
        return refused(report);
    }
    let version = report.version.as_deref().unwrap_or_default();
    let warned = report.warnings.iter();
    let warned = warned.map(|warning| format!("{file}: warning: {warning}"));
    let ok = format!("{file}: ok, {} {version}", report.plugin);
    std::iter::once(ok).chain(warned).collect()
}

/// Why a plugin is refused.
pub(super) fn refused(report: &PluginReport) -> Vec<String> {
    let file = report.file.display();
    let problems = report.problems.iter();
    problems
        .map(|problem| format!("{file}: refused: {problem}"))
        .collect()
}

/// Plugins as a table, and what they ask for.
pub(in crate::cli) fn plugin_lines(reports: &[PluginReport]) -> Vec<String> {
    let mut rows = vec![
        ["PLUGIN", "VERSION", "STATE", "WHAT IT DOES"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for report in reports {
        let what = if report.state == PluginState::Refused {
            report.problems.join("; ")
        } else {
            report.summary.clone().unwrap_or_default()
        };
        rows.push(vec![
            report.plugin.clone(),
            report.version.clone().unwrap_or_default(),
            report.state.name().to_owned(),
            what,
        ]);
    }
    let mut lines = table(&rows);
    for report in reports {
        lines.extend(webhook_lines(&report.plugin, &report.webhooks));
        lines.extend(ask_lines(&report.plugin, &report.asks));
    }
    lines
}

/// Everything that was found.
pub(super) fn report(report: &PluginReport) -> Vec<String> {
    let mut lines = match report.problems.is_empty() {
        true => verdict(report)[..1].to_vec(),
        false => refused(report),
    };
    let mut rows = Rows(&mut lines);
    if let Some(summary) = report.summary.as_ref().filter(|it| !it.is_empty()) {
        rows.row("does", summary);
    }
    if let Some(component) = &report.component {
        show_component(&mut rows, component);
    }
    let patterns = report.commands.iter().map(|it| it.pattern.width()).max();
    let width = patterns.unwrap_or_default().min(WIDTH / 2);
    for (number, command) in report.commands.iter().enumerate() {
        let label = if number == 0 { "commands" } else { "" };
        rows.row(
            label,
            &format!("{:<width$}  {}", command.pattern, command.help),
        );
    }
    for (number, ask) in report.asks.iter().enumerate() {
        let label = if number == 0 { "asks for" } else { "" };
        let granted = match (ask.granted, ask.optional) {
            (true, _) => "granted",
            (false, true) => "not granted, works without",
            (false, false) => "NOT GRANTED",
        };
        rows.row(label, &format!("{} ({granted}): {}", ask.what, ask.reason));
        if let Some(line) = &ask.line {
            rows.row("", &format!("  to grant it: {line}"));
        }
    }
    for line in webhook_lines(&report.plugin, &report.webhooks) {
        rows.row("webhook", &line);
    }
    for warning in &report.warnings {
        rows.row("warning", warning);
    }
    lines
}

fn show_component(rows: &mut Rows<'_>, component: &ComponentReport) {
    if let Some(version) = &component.contract {
        rows.row("contract", &format!("parlor:bot@{version}"));
    }
    let adapter = component.adapter.iter();
    let adapter = adapter.map(|name| format!("adapter {name}"));
    let tools: Vec<String> = component.made_with.iter().cloned().chain(adapter).collect();
    rows.list("made with", "", &tools);
    for (number, (group, names)) in import_groups(component).iter().enumerate() {
        let label = if number == 0 { "imports" } else { "" };
        rows.list(label, &format!("{group}: "), names);
    }
    let size = size_text(component.bytes);
    let compiled = match &component.compiled {
        None => String::new(),
        Some(it) if it.cached => format!(", code loaded from the cache in {} ms", it.ms),
        Some(it) => format!(", compiled in {} ms", it.ms),
    };
    let digits = component.sha256.get(..DIGITS).unwrap_or_default();
    rows.row("size", &format!("{size}{compiled}, sha256 {digits}…"));
    if let Some(at_rest) = &component.at_rest {
        let mib = |bytes: u64| {
            let tenths = bytes.saturating_mul(10).div_ceil(1024 * 1024);
            format!("{}.{}", tenths / 10, tenths % 10)
        };
        rows.row(
            "at rest",
            &format!(
                "{} of {} MiB of memory, {} of {} table elements; describe took {} of {} ms",
                mib(at_rest.memory_bytes),
                at_rest.memory_limit / (1024 * 1024),
                at_rest.table_elements,
                at_rest.table_limit,
                at_rest.describe_cpu_ms.max(1),
                at_rest.cpu_limit_ms
            ),
        );
    }
}

/// Imports by where they come from: the contract, the system interface in each version, others.
fn import_groups(component: &ComponentReport) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for import in &component.imports {
        let (path, version) = import.name.split_once('@').unwrap_or((&import.name, ""));
        let (group, mut name) = match path.strip_prefix("wasi:") {
            Some(name) => (format!("wasi@{version}"), name.to_owned()),
            None => match path.split_once('/') {
                Some((package, name)) => (format!("{package}@{version}"), name.to_owned()),
                None => ("others".to_owned(), import.name.clone()),
            },
        };
        match (import.known, import.used) {
            (false, _) => name.push_str(" (NOT HERE)"),
            (true, false) => name.push_str(" (not used)"),
            (true, true) => {}
        }
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, names)) => names.push(name),
            None => groups.push((group, vec![name])),
        }
    }
    groups
}

struct Rows<'a>(&'a mut Vec<String>);

impl Rows<'_> {
    fn row(&mut self, label: &str, text: &str) {
        for (number, line) in text.lines().enumerate() {
            let label = if number == 0 { label } else { "" };
            let line = format!("  {label:<LABEL$} {line}");
            self.0.push(line.trim_end().to_owned());
        }
    }

    /// Names with commas, over as many lines as they need.
    fn list(&mut self, label: &str, before: &str, names: &[String]) {
        let mut line = before.to_owned();
        let mut label = label;
        for (number, name) in names.iter().enumerate() {
            let comma = if number + 1 < names.len() { "," } else { "" };
            if line.width() + name.width() > WIDTH && line.len() > before.len() {
                self.row(label, line.trim_end());
                label = "";
                line = " ".repeat(before.width());
            }
            line.push_str(&format!("{name}{comma} "));
        }
        if !names.is_empty() {
            self.row(label, line.trim_end());
        }
    }
}
