//! `docs/reference/python.md`, of the layer's modules.

use std::fmt::Write as _;

use super::{Row, on_one_line, read, table};

const HEAD: &str = "<!-- Made of plugin-sdk/python/parlor by tests/tests/book.rs; do not edit. -->
# Python

Everything that `from parlor import …` offers. How a project is made and built is in [Languages](../languages.md). The
contract's own types are in `wit_world.imports`, by their names there: `wit_world.imports.events.User` is
[`user`](wit.md#user).
";

/// The layer's modules, what is needed most first.
const MODULES: [&str; 11] = [
    "plugin",
    "context",
    "message",
    "content",
    "actions",
    "errors",
    "state",
    "config",
    "http",
    "directory",
    "log",
];

/// Makes the page.
///
/// # Panics
/// A module of the layer is not among those that the page shows.
pub fn reference() -> String {
    let mut out = HEAD.to_owned();
    let init = read("plugin-sdk/python/parlor/__init__.py");
    let public: Vec<&str> = init
        .lines()
        .filter_map(|line| line.trim().strip_suffix("\",")?.strip_prefix('"'))
        .collect();
    for module in MODULES {
        let text = read(&format!("plugin-sdk/python/parlor/{module}.py"));
        // A module's functions are used by its name where it is offered as a module and they are not.
        let is_module = public.contains(&module);
        let _ = writeln!(out, "\n## `{module}`\n\n{}", docstring(text.lines()));
        describe(&mut out, &text, |name| {
            if is_module && !public.contains(&name) {
                format!("{module}.{name}")
            } else {
                name.to_owned()
            }
        });
    }
    for name in public {
        let is_named = [
            format!("`{name}`"),
            format!("`{name}("),
            format!("| `{name}"),
        ];
        assert!(
            is_named.iter().any(|it| out.contains(it)),
            "nothing is told of {name}"
        );
    }
    out
}

fn describe(out: &mut String, text: &str, name_of: impl Fn(&str) -> String) {
    let lines: Vec<&str> = text.lines().collect();
    let mut rows = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].trim_start_matches("async ");
        if let Some(rest) = line.strip_prefix("def ")
            && !rest.starts_with('_')
        {
            rows.push(function(&lines[at..], &name_of));
        } else if let Some(rest) = line.strip_prefix("class ")
            && !rest.starts_with('_')
        {
            table(out, &std::mem::take(&mut rows));
            let end = lines[at + 1..]
                .iter()
                .position(|line| !line.is_empty() && !line.starts_with(' '));
            let body = &lines[at + 1..end.map_or(lines.len(), |end| at + 1 + end)];
            let name = rest.split(['(', ':']).next().unwrap_or_default();
            class(out, &name_of(name), body);
        } else if let Some((names, from)) = reexported(&lines[at..]) {
            let _ = writeln!(out, "\nAs the contract has them: {}.", names.join(", "));
            at += from;
        }
        at += 1;
    }
    table(out, &rows);
}

/// The names that a module passes on of the contract, and over how many lines.
fn reexported(lines: &[&str]) -> Option<(Vec<String>, usize)> {
    let first = lines.first()?;
    if !first.ends_with("(  # noqa: F401") {
        return None;
    }
    let end = lines.iter().position(|line| *line == ")")?;
    let names = lines[1..end]
        .iter()
        .map(|line| format!("`{}`", line.trim().trim_end_matches(',')));
    Some((names.collect(), end))
}

fn class(out: &mut String, name: &str, body: &[&str]) {
    let _ = writeln!(out, "\n### `{name}`\n\n{}", docstring(body.iter().copied()));
    let mut rows = Vec::new();
    let mut fields = Vec::new();
    for (at, line) in body.iter().enumerate() {
        let Some(line) = line
            .strip_prefix("    ")
            .filter(|line| !line.starts_with(' '))
        else {
            continue;
        };
        let line = line.trim_start_matches("async ");
        if line.starts_with("def __init__(") {
            let made = on_one_line(&signature(&body[at..]));
            let made = made.replace("def __init__(self, ", &format!("{name}("));
            rows.push(Row {
                written: made.trim_end_matches(':').to_owned(),
                told: String::new(),
            });
        } else if let Some(rest) = line.strip_prefix("def ") {
            let is_property = at > 0 && body[at - 1].trim() == "@property";
            if !rest.starts_with('_') {
                let mut row = function(&body[at..], &|name| name.to_owned());
                row.written = row.written.replace("(self, ", "(").replace("(self)", "()");
                if is_property {
                    row.written = row.written.replacen("()", "", 1);
                }
                rows.push(row);
            }
        } else if line.contains(": ") && !line.starts_with(['"', '@', '#']) {
            fields.push(format!("`{line}`"));
        }
    }
    if !fields.is_empty() {
        let _ = writeln!(out, "\nFields: {}.", fields.join(", "));
    }
    table(out, &rows);
}

fn function(lines: &[&str], name_of: &impl Fn(&str) -> String) -> Row {
    let signature = on_one_line(&signature(lines));
    let is_async = signature.starts_with("async ");
    let plain = signature
        .trim_start_matches("async ")
        .trim_start_matches("def ");
    let (name, rest) = plain.split_once('(').unwrap_or((plain, ""));
    let after = lines
        .iter()
        .skip_while(|line| !line.trim_end().ends_with(':'))
        .skip(1);
    Row {
        written: format!(
            "{}{}({}",
            if is_async { "await " } else { "" },
            name_of(name),
            rest.trim_end_matches(':')
        ),
        told: docstring(after.copied()),
    }
}

/// From `def` to the colon that ends it.
fn signature(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(line);
        text.push('\n');
        let is_whole = text.matches('(').count() == text.matches(')').count();
        if is_whole && line.trim_end().ends_with(':') {
            break;
        }
    }
    text
}

/// The first paragraph of the text that stands first.
fn docstring<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut lines = lines.map(str::trim).skip_while(|line| line.is_empty());
    let Some(first) = lines.next().and_then(|line| line.strip_prefix("\"\"\"")) else {
        return String::new();
    };
    if let Some(whole) = first.strip_suffix("\"\"\"") {
        return whole.to_owned();
    }
    let rest = lines.take_while(|line| !line.is_empty() && !line.ends_with("\"\"\""));
    let words: Vec<&str> = std::iter::once(first).chain(rest).collect();
    words.join(" ")
}
