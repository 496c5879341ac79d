//! The page of limits, held against the code: each number against the constant that is enforced, each range
//! against what the settings' reader takes.

mod numbers;
mod sources;

use std::collections::BTreeSet;

use parlor_host::config::Settings;
use pulldown_cmark::{Event, Tag, TagEnd};

use super::Page;
use crate::guests::workspace;
use numbers::{constant, read_value};
use sources::SOURCES;

/// A row of the page.
struct Row {
    line: usize,
    limit: String,
    value: String,
    setting: String,
}

/// Complains of what the page says otherwise than the code, and of limits that it does not have.
pub fn check(page: &Page) -> Vec<String> {
    let rows = rows(page);
    let mut found = Vec::new();
    let mut named = BTreeSet::new();
    for row in &rows {
        named.insert(row.limit.as_str());
        let place = format!("{}:{}: {}", page.path, row.line, row.limit);
        if let Err(why) = check_value(row) {
            found.push(format!("{place}: {why}"));
        }
        if let Err(why) = check_range(row) {
            found.push(format!("{place}: {why}"));
        }
    }
    for (limit, ..) in SOURCES.iter().filter(|(limit, ..)| !named.contains(limit)) {
        found.push(format!("{}:1: has no row {limit}", page.path));
    }
    found.extend(missing(page, &rows));
    found
}

fn check_value(row: &Row) -> Result<(), String> {
    let source = SOURCES.iter().find(|(limit, ..)| *limit == row.limit);
    let Some((_, file, name)) = source else {
        return Err("nobody knows where it is enforced".to_owned());
    };
    let path = workspace().join("host/src").join(file);
    let text = std::fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?;
    if name.is_empty() {
        // What is no number is a sentence of that file.
        return if text.contains(&row.value) {
            Ok(())
        } else {
            Err(format!("{file} does not say so"))
        };
    }
    let enforced = constant(&text, name).ok_or_else(|| format!("{file} has no {name}"))?;
    let written = read_value(&row.value).ok_or_else(|| format!("{} is no number", row.value))?;
    if written == enforced {
        return Ok(());
    }
    Err(format!(
        "{} is {written}, and {name} in {file} is {enforced}",
        row.value
    ))
}

/// The least and the most are taken, what is beyond is not.
fn check_range(row: &Row) -> Result<(), String> {
    let Some((key, range)) = row.setting.split_once("`, ") else {
        return Ok(());
    };
    let key = key.trim_start_matches('`');
    let (least, most) = range
        .split_once(" to ")
        .ok_or("a range is `least to most`")?;
    let number = |text: &str| {
        text.replace(',', "")
            .parse::<i64>()
            .map_err(|error| error.to_string())
    };
    let (least, most) = (number(least)?, number(most)?);
    for (value, is_taken) in [
        (least, true),
        (most, true),
        (least - 1, false),
        (most + 1, false),
    ] {
        if takes(key, value) != is_taken {
            let does = if is_taken { "refuse" } else { "take" };
            return Err(format!("the settings {does} {key} = {value}"));
        }
    }
    Ok(())
}

fn takes(key: &str, value: i64) -> bool {
    let text = match key.split_once('.') {
        Some((section, key)) => format!("[{section}]\n{key} = {value}\n"),
        None => format!("[plugin.joke]\nlimits = {{ {key} = {value} }}\n"),
    };
    Settings::parse("parlor.toml".as_ref(), &text, &|_| None).is_ok()
}

/// Limits that plugins and settings have, and the page has not.
fn missing(page: &Page, rows: &[Row]) -> Vec<String> {
    let read = |file: &str| std::fs::read_to_string(workspace().join(file)).unwrap_or_default();
    let mut found = Vec::new();
    let contract = read("wit/host.wit");
    let limits = contract
        .split_once("record limits {")
        .map_or("", |(_, rest)| rest);
    let limits = limits.split_once("\n  }").map_or("", |(limits, _)| limits);
    let fields = limits
        .lines()
        .filter_map(|line| line.trim().split_once(": "));
    for (field, _) in fields.filter(|(field, _)| !field.starts_with("///")) {
        let name = field.replace('-', "_");
        if !SOURCES
            .iter()
            .any(|(_, file, source)| *file == "model/limits.rs" && *source == name)
        {
            found.push(format!(
                "{}:1: has no row for `limits.{field}` of the contract",
                page.path
            ));
        }
    }
    let settings = read("host/src/config/limits.rs");
    let keys = settings.lines().filter_map(|line| {
        let rest = line
            .trim()
            .trim_start_matches("name: ")
            .trim_start_matches('(');
        let rest = rest.strip_prefix('"')?;
        rest.split('"')
            .next()
            .filter(|key| key.contains(|it: char| it.is_ascii_lowercase()))
    });
    for key in keys {
        if !rows
            .iter()
            .any(|row| row.setting.starts_with(&format!("`{key}`, ")))
        {
            found.push(format!("{}:1: has no row for the setting {key}", page.path));
        }
    }
    found
}

fn rows(page: &Page) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut cells: Vec<String> = Vec::new();
    let mut line = 0;
    for (event, place) in page.events() {
        match event {
            Event::Start(Tag::TableRow) => {
                cells.clear();
                line = page.line_of(place.start);
            }
            Event::Start(Tag::TableCell) => cells.push(String::new()),
            Event::Text(text) => {
                if let Some(cell) = cells.last_mut() {
                    cell.push_str(&text);
                }
            }
            Event::Code(code) => {
                if let Some(cell) = cells.last_mut() {
                    cell.push_str(&format!("`{code}`"));
                }
            }
            Event::End(TagEnd::TableRow) => {
                if let [limit, value, setting, _] = cells.as_slice() {
                    rows.push(Row {
                        line,
                        limit: limit.replace('`', ""),
                        value: value.clone(),
                        setting: setting.clone(),
                    });
                }
            }
            _ => {}
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(row: &str) -> Vec<String> {
        let text = format!("| Limit | Is | Setting | Over |\n|---|---|---|---|\n{row}\n");
        let page = Page {
            path: "docs/limits.md".to_owned(),
            text,
        };
        let mut found = check(&page);
        found.retain(|it| it.starts_with("docs/limits.md:3"));
        found
    }

    #[test]
    fn what_the_page_says_otherwise_is_named() {
        let right = "| Processor time of one call | 100 ms | `cpu-ms`, 1 to 60,000 | a fault |";
        assert_eq!(complaints(right), [""; 0]);
        let wrong = complaints(&right.replace("100 ms", "1 s"));
        assert!(
            wrong[0].contains("1 s is 1000, and cpu_ms in model/limits.rs is 100"),
            "{wrong:?}"
        );
        let wrong = complaints(&right.replace("60,000", "60,001"));
        assert!(
            wrong[0].contains("the settings refuse cpu-ms = 60001"),
            "{wrong:?}"
        );
        let wrong = complaints(&right.replace("60,000", "59,999"));
        assert!(
            wrong[0].contains("the settings take cpu-ms = 60000"),
            "{wrong:?}"
        );
        let wrong = complaints("| Luck | 7 | | |");
        assert!(
            wrong[0].contains("nobody knows where it is enforced"),
            "{wrong:?}"
        );
    }
}
