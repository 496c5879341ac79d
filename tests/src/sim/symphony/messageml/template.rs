//! Server-side templates, as far as bots use them: values put in by `${…}`.
//!
//! The agent runs FreeMarker. A directive (`<#if …>`) is refused here, loudly, rather than taken as text.

use serde_json::{Map, Value};

/// Expands a message, where it has something to expand.
pub(super) fn expand(message: &str, data: &Map<String, Value>) -> Result<String, String> {
    let has_tags = ["<#", "<@", "${", "#{"]
        .iter()
        .any(|tag| message.contains(tag));
    if !has_tags {
        return Ok(message.to_owned());
    }
    if message.contains("<#") || message.contains("<@") {
        return Err(
            "Error parsing Freemarker template: directives are beyond this simulator".to_owned(),
        );
    }
    let (mut expanded, mut rest) = (String::new(), message);
    while let Some(start) = rest.find("${").into_iter().chain(rest.find("#{")).min() {
        expanded.push_str(&rest[..start]);
        let inner = &rest[start + 2..];
        let end = inner
            .find('}')
            .ok_or_else(|| invalid(message, message.len() - rest.len() + start))?;
        expanded.push_str(
            &value(&inner[..end], data)
                .ok_or_else(|| invalid(message, message.len() - rest.len() + start))?,
        );
        rest = &inner[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn invalid(message: &str, at: usize) -> String {
    let before = &message[..at.min(message.len())];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |last| last.chars().count())
        + 1;
    format!("Error parsing Freemarker template: invalid input at line {line}, column {column}")
}

/// The value of a path: `entity.a.b`, `data['a']["b"]`.
fn value(expression: &str, data: &Map<String, Value>) -> Option<String> {
    let names = path(expression.trim())?;
    let (first, rest) = names.split_first()?;
    if first != "entity" && first != "data" {
        return None;
    }
    let (first, rest) = rest.split_first()?;
    let found = rest
        .iter()
        .try_fold(data.get(first)?, |value, name| value.get(name))?;
    match found {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        // FreeMarker does not print the others.
        _ => None,
    }
}

fn path(expression: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = expression;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let quote = inner
                .chars()
                .next()
                .filter(|quote| matches!(quote, '\'' | '"'))?;
            let (name, after) = inner[1..].split_once(quote)?;
            names.push(name.to_owned());
            rest = after.strip_prefix(']')?;
        } else {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let name = &rest[..end];
            let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
            if name.is_empty() || !name.chars().all(is_name) {
                return None;
            }
            names.push(name.to_owned());
            rest = &rest[end..];
        }
    }
    Some(names)
}
