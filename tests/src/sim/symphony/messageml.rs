//! MessageML as the agent takes it: expanded, checked, made into PresentationML and entity data.
//!
//! The rules and the wording of refusals are those of the library that the agent uses (messageml-utils), as
//! the platform's document gives them.

mod check;
mod elements;
mod render;
mod rules;
mod single;
mod styles;
mod template;

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

use super::forms::Form;

pub(super) use render::{cashtag, hashtag, mention};

/// Entities that a message may have.
const ENTITIES: usize = 80;

/// How somebody is looked up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who<'a> {
    Id(i64),
    Email(&'a str),
}

/// Finds a person: id and display name.
pub(super) type Find<'a> = &'a dyn Fn(Who<'_>) -> Option<(i64, String)>;

/// A message as it is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub(super) presentation: String,
    pub(super) data: Map<String, Value>,
    pub(super) text: String,
    pub(super) forms: Vec<Form>,
}

/// Which of the two languages a message is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Format {
    MessageMl,
    PresentationMl,
}

/// Takes a message; else says what is wrong with it.
pub(super) fn read(message: &str, data: Option<&str>, find: Find<'_>) -> Result<Message, String> {
    if message.trim().is_empty() {
        return Err("Error parsing message: the message cannot be null or empty".to_owned());
    }
    let data = entity_data(data)?;
    let expanded = template::expand(message, &data)?;
    let is_control = |letter: char| letter < ' ' && !matches!(letter, '\n' | '\r' | '\t');
    if expanded.contains(is_control) {
        return Err("Invalid control characters in message".to_owned());
    }
    let document =
        Document::parse(&expanded).map_err(|error| format!("Invalid messageML: {error}"))?;
    let root = document.root_element();
    bound_entities(root, &data)?;
    let format = match root.tag_name().name() {
        "messageML" => Format::MessageMl,
        "div" => Format::PresentationMl,
        _ => return Err("Root tag must be <messageML> or <div>".to_owned()),
    };
    check::check(root, format, find)?;
    let mut writer = render::Writer::new(data, find);
    writer.root(root);
    let (presentation, data) = writer.done();
    if data.len() > ENTITIES {
        return Err(format!("The message has more than {ENTITIES} entities"));
    }
    Ok(Message {
        text: text_of(&presentation),
        presentation,
        data,
        forms: super::forms::forms_of(root),
    })
}

fn entity_data(data: Option<&str>) -> Result<Map<String, Value>, String> {
    let Some(data) = data.filter(|data| !data.trim().is_empty()) else {
        return Ok(Map::new());
    };
    let wrong = |error: serde_json::Error| format!("Error parsing EntityJSON: {error}");
    let parsed: Value = serde_json::from_str(data).map_err(wrong)?;
    let parsed = match parsed {
        // Data that was turned into a text twice is taken too.
        Value::String(inner) => serde_json::from_str(&inner).map_err(wrong)?,
        other => other,
    };
    match parsed {
        Value::Object(map) => Ok(map),
        _ => Err("Error parsing EntityJSON: provided content is not a JSON object".to_owned()),
    }
}

/// Every `data-entity-id` must have its data, at any depth.
fn bound_entities(root: Node<'_, '_>, data: &Map<String, Value>) -> Result<(), String> {
    for node in root.descendants() {
        let Some(id) = node.attribute("data-entity-id") else {
            continue;
        };
        match find_key(data, id) {
            None => {
                return Err(format!(
                    "Error processing EntityJSON: no entity data provided for \"data-entity-id\"=\"{id}\""
                ));
            }
            Some(Value::Object(_)) => {}
            Some(_) => {
                return Err(format!(
                    "Error processing EntityJSON: the node \"{id}\" has to be an object"
                ));
            }
        }
    }
    Ok(())
}

fn find_key<'a>(data: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    data.get(key).or_else(|| {
        let inner = data.values().filter_map(Value::as_object);
        inner.into_iter().find_map(|map| find_key(map, key))
    })
}

/// What people read of PresentationML.
pub(super) fn text_of(presentation: &str) -> String {
    let Ok(document) = Document::parse(presentation) else {
        return String::new();
    };
    let mut text = String::new();
    write_text(document.root_element(), &mut text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

fn write_text(node: Node<'_, '_>, text: &mut String) {
    if node.is_text() {
        text.push_str(node.text().unwrap_or(""));
        return;
    }
    let name = node.tag_name().name();
    if name == "td" || name == "th" {
        text.push(' ');
    }
    for child in node.children() {
        write_text(child, text);
    }
    let ends_line = [
        "p", "div", "br", "hr", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre",
    ];
    if ends_line.contains(&name) {
        text.push('\n');
    }
}

/// Escapes text for XML as the agent's output is.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
