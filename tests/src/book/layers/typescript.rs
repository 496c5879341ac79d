//! `docs/reference/javascript.md`, of the layer's types.

use std::fmt::Write as _;

use super::{Row, on_one_line, read, table};

const HEAD: &str = "<!-- Made of plugin-sdk/js/src/index.d.ts by tests/tests/book.rs; do not edit. -->
# JavaScript and TypeScript

Everything that `import { … } from \"parlor\"` offers, in TypeScript's words. How a project is made and built is in
[Languages](../languages.md). The modules of the contract can be imported as they are, too, with their types:
`import { enforced } from \"parlor:bot/config@0.1.0\"`.
";

/// Makes the page.
pub fn reference() -> String {
    let types = read("plugin-sdk/js/src/index.d.ts");
    let mut out = HEAD.to_owned();
    let mut rows = Vec::new();
    let mut told = String::new();
    let mut lines = types.lines();
    while let Some(line) = lines.next() {
        if let Some(section) = line.strip_prefix("// --- ") {
            table(&mut out, &std::mem::take(&mut rows));
            let _ = writeln!(out, "\n## {section}");
        } else if let Some(comment) = comment(line) {
            comment.clone_into(&mut told);
        } else if line == "export type {" {
            let names = lines.by_ref().take_while(|line| *line != "};");
            contract_types(&mut out, names);
        } else if let Some(first) = line.strip_prefix("export ") {
            let statement = statement(first, &mut lines);
            let told = std::mem::take(&mut told);
            match members(&statement) {
                Some((name, members)) => {
                    table(&mut out, &std::mem::take(&mut rows));
                    let _ = writeln!(out, "\n### `{name}`\n\n{told}");
                    table(&mut out, &members);
                }
                None => rows.push(Row {
                    written: written(&statement),
                    told,
                }),
            }
        }
    }
    table(&mut out, &rows);
    out
}

fn comment(line: &str) -> Option<&str> {
    line.trim().strip_prefix("/** ")?.strip_suffix(" */")
}

fn contract_types<'a>(out: &mut String, lines: impl Iterator<Item = &'a str>) {
    let names: Vec<String> = lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| format!("[`{name}`](wit.md#{})", kebab(name)))
        .collect();
    let _ = writeln!(
        out,
        "\nThe contract's own types have the same names here:\n{}.",
        names.join(",\n")
    );
}

/// `EventKind` as `event-kind`.
fn kebab(name: &str) -> String {
    let mut out = String::new();
    for sign in name.chars() {
        if sign.is_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.extend(sign.to_lowercase());
    }
    out
}

/// A whole statement: to its `;`, or to the brace that ends it.
fn statement<'a>(first: &str, lines: &mut impl Iterator<Item = &'a str>) -> String {
    let mut text = first.to_owned();
    let depth = |text: &str| {
        let count = |signs: [char; 2]| text.chars().filter(|sign| signs.contains(sign)).count();
        count(['{', '(']) > count(['}', ')'])
    };
    while depth(&text) || !(text.ends_with(';') || text.ends_with('}')) {
        let Some(line) = lines.next() else {
            break;
        };
        text.push('\n');
        text.push_str(line);
    }
    text
}

fn written(statement: &str) -> String {
    let text = on_one_line(statement.trim_end_matches(';'));
    let plain = text
        .strip_prefix("function ")
        .or_else(|| text.strip_prefix("const "));
    plain.unwrap_or(&text).to_owned()
}

/// The name and members of what has some.
fn members(whole: &str) -> Option<(String, Vec<Row>)> {
    let (head, body) = whole.split_once("{\n")?;
    let kind = head.split(' ').next().unwrap_or_default();
    if !matches!(kind, "class" | "interface" | "const") {
        return None;
    }
    let name = head.split([' ', ':']).nth(1)?.to_owned();
    let mut rows: Vec<Row> = Vec::new();
    let mut told = String::new();
    let mut lines = body.lines();
    while let Some(line) = lines.next() {
        if let Some(comment) = comment(line) {
            comment.clone_into(&mut told);
            continue;
        }
        let first = line.trim();
        if first.is_empty() || first.starts_with('}') {
            continue;
        }
        let statement = statement(first, &mut lines);
        let written = on_one_line(statement.trim_end_matches(';'));
        let written = written
            .strip_prefix("readonly ")
            .unwrap_or(&written)
            .to_owned();
        rows.push(Row {
            written,
            told: std::mem::take(&mut told),
        });
    }
    Some((name, rows))
}
