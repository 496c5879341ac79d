//! Symphony's PresentationML, as it is received, with its entity data.
//!
//! Entities are found by the BDK's rules (`platforms/symphony.md` §8.3), so that a command matches
//! here exactly where it matches there. The text's own whitespace is kept.

use serde_json::Value;

use crate::model::content::{Block, MentionSpan, MentionTarget, Span, TextSpan, TextStyle};
use crate::model::event::{Cashtag, Entity, Mention};

use super::ContentError;
use super::inline::spans_text;
use super::xml::{Element, Node, parse};

/// A message as Symphony sends it, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presentation {
    /// Plain text with line ends, the bot's own first mention left out.
    pub text: String,
    /// One paragraph with the whole message, entities in their places.
    pub content: Vec<Block>,
    /// Who is mentioned.
    pub mentions: Vec<Mention>,
    /// Tickers.
    pub cashtags: Vec<Cashtag>,
    /// Topics.
    pub hashtags: Vec<String>,
    /// Custom objects.
    pub entities: Vec<Entity>,
}

/// Reads `message` with its `data`; `own_id` is the bot's user id.
///
/// # Errors
/// Fails on text that is not well-formed or too large, and on data that is not a JSON object.
pub fn read_presentation(
    message: &str,
    data: &str,
    own_id: &str,
) -> Result<Presentation, ContentError> {
    let root = parse(message)?;
    let data = read_data(data)?;
    let mut reader = Reader {
        data: &data,
        found: Presentation::default(),
        spans: Vec::new(),
    };
    reader.children(&root, TextStyle::default());
    let Reader {
        mut found, spans, ..
    } = reader;
    let own = |span: &Span| matches!(span, Span::Mention(MentionSpan { target: MentionTarget::User(id), .. }) if id == own_id);
    let shown: Vec<Span> = match spans.iter().position(own) {
        Some(place) => spans
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != place)
            .map(|(_, span)| span.clone())
            .collect(),
        None => spans.clone(),
    };
    found.text = tidy(&spans_text(&shown));
    if !spans.is_empty() {
        found.content = vec![Block::Paragraph(spans)];
    }
    Ok(found)
}

fn read_data(data: &str) -> Result<Value, ContentError> {
    if data.trim().is_empty() {
        return Ok(Value::Null);
    }
    match serde_json::from_str(data) {
        Ok(found @ (Value::Object(_) | Value::Null)) => Ok(found),
        Ok(_) | Err(_) => Err(ContentError::Malformed {
            position: 0,
            what: "entity data is not a JSON object".to_owned(),
        }),
    }
}

// Lines without the space around them, and at most one empty line between two.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.trim().lines().map(str::trim) {
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            if !tidy.is_empty() {
                tidy.push('\n');
            }
            tidy.push_str(line);
        }
    }
    tidy
}

struct Reader<'d> {
    data: &'d Value,
    found: Presentation,
    spans: Vec<Span>,
}

impl Reader<'_> {
    fn children(&mut self, element: &Element, style: TextStyle) {
        for node in &element.children {
            match node {
                Node::Text(text) => self.text(text, style),
                Node::Element(child) => self.element(child, style),
            }
        }
    }

    fn element(&mut self, element: &Element, style: TextStyle) {
        if element.name == "span" && self.entity(element) {
            return;
        }
        if element.attribute("class") == Some("entity") && element.name == "div" {
            self.custom(element);
        }
        match element.name.as_str() {
            "b" => self.children(
                element,
                TextStyle {
                    bold: true,
                    ..style
                },
            ),
            "i" => self.children(
                element,
                TextStyle {
                    italic: true,
                    ..style
                },
            ),
            "code" | "pre" => self.children(
                element,
                TextStyle {
                    code: true,
                    ..style
                },
            ),
            "br" | "hr" => self.spans.push(Span::LineBreak),
            "p" | "div" | "li" | "tr" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table"
            | "ul" | "ol" => {
                self.line_break();
                self.children(element, style);
                self.line_break();
            }
            "td" | "th" => {
                self.children(element, style);
                self.spans.push(Span::Text(TextSpan {
                    text: "\t".to_owned(),
                    style,
                }));
            }
            _ => self.children(element, style),
        }
    }

    fn line_break(&mut self) {
        if !matches!(self.spans.last(), None | Some(Span::LineBreak)) {
            self.spans.push(Span::LineBreak);
        }
    }

    fn text(&mut self, text: &str, style: TextStyle) {
        match self.spans.last_mut() {
            Some(Span::Text(last)) if last.style == style => last.text.push_str(text),
            _ => self.spans.push(Span::Text(TextSpan {
                text: text.to_owned(),
                style,
            })),
        }
    }

    // False where it is no entity: its text counts then.
    fn entity(&mut self, element: &Element) -> bool {
        if element.attribute("class") != Some("entity") {
            return false;
        }
        let Some(data) = element
            .attribute("data-entity-id")
            .and_then(|key| self.data.get(key))
        else {
            return false;
        };
        let ids = data
            .get("id")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let first = ids.first().and_then(value);
        let shown = element.text();
        match (data.get("type").and_then(Value::as_str), first) {
            (Some("com.symphony.user.mention"), Some(id)) => {
                let mut name = shown.trim_end().chars();
                name.next();
                let text = name.as_str().to_owned();
                if !self.found.mentions.iter().any(|known| known.user_id == id) {
                    self.found.mentions.push(Mention {
                        user_id: id.clone(),
                        text: text.clone(),
                    });
                }
                self.spans.push(Span::Mention(MentionSpan {
                    target: MentionTarget::User(id),
                    text,
                }));
            }
            (Some("org.symphonyoss.taxonomy"), Some(tag)) => {
                self.found.hashtags.push(tag.clone());
                self.spans.push(Span::Hashtag(tag));
            }
            (Some("org.symphonyoss.fin.security"), Some(first)) => {
                let ids: Vec<(String, String)> = ids
                    .iter()
                    .filter_map(|id| Some((short_type(id)?, value(id)?)))
                    .collect();
                let ticker = ids
                    .iter()
                    .find(|(kind, _)| kind == "ticker")
                    .map_or(first, |(_, value)| value.clone());
                self.found.cashtags.push(Cashtag {
                    ticker: ticker.clone(),
                    ids,
                });
                self.spans.push(Span::Cashtag(ticker));
            }
            _ => return false,
        }
        true
    }

    fn custom(&mut self, element: &Element) {
        let Some(data) = element
            .attribute("data-entity-id")
            .and_then(|key| self.data.get(key))
        else {
            return;
        };
        let Some(r#type) = data.get("type").and_then(Value::as_str) else {
            return;
        };
        self.found.entities.push(Entity {
            r#type: r#type.to_owned(),
            version: data
                .get("version")
                .and_then(Value::as_str)
                .map(str::to_owned),
            json: data.to_string(),
        });
    }
}

// A user's id is a string or a number, by the agent's version.
fn value(id: &Value) -> Option<String> {
    match id.get("value")? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn short_type(id: &Value) -> Option<String> {
    let name = id.get("type")?.as_str()?;
    Some(name.rsplit('.').next().unwrap_or(name).to_owned())
}
