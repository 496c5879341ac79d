//! Symphony's PresentationML, as it is received, with its entity data.
//!
//! Entities are found by the BDK's rules (`platforms/symphony.md` §8.3), so that a command matches
//! here exactly where it matches there. The text's own whitespace is kept.

mod strip;

use std::collections::HashSet;

use serde_json::Value;

use crate::model::content::{
    Block, DateFormat, DateTimeSpan, LinkSpan, MentionSpan, MentionTarget, Span, TextSpan,
    TextStyle,
};
use crate::model::event::{Cashtag, Entity, Mention};

use super::ContentError;
use super::emoji::emoji;
use super::inline::spans_text;
use super::xml::{Bounds, Element, Node, parse_within};

/// What may be received: a message and its data may have 1.5 MB on Symphony.
const RECEIVED: Bounds = Bounds {
    bytes: 2 * 1024 * 1024,
    depth: 128,
    nodes: 200_000,
};
/// The most mentions, and the most tags of a kind, that are listed; Symphony's bound is 80.
const MAX_LISTED: usize = 500;
/// The types of entities that are read into something of their own.
const KNOWN_TYPES: [&str; 5] = [
    "com.symphony.user.mention",
    "org.symphonyoss.taxonomy",
    "org.symphonyoss.fin.security",
    "com.symphony.emoji",
    "org.symphonyoss",
];

/// A message that was read whatever it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The message.
    pub presentation: Presentation,
    /// What could not be read of it.
    pub problem: Option<String>,
}

/// Reads `message` with its `data` and loses nothing: entity data that cannot be read is left out, and
/// of a message that is not well-formed the words are kept, with the entities that its data names.
pub fn read_received(message: &str, data: &str, own_id: &str) -> Received {
    let (data, data_problem) = match read_data(data) {
        Ok(data) => (data, None),
        Err(error) => (Value::Null, Some(error.to_string())),
    };
    let (presentation, problem) = match parse_within(message, RECEIVED) {
        Ok(root) => (read(&root, &data, own_id), data_problem),
        Err(error) => (strip::read(message, &data), Some(error.to_string())),
    };
    Received {
        presentation,
        problem,
    }
}

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
    let root = parse_within(message, RECEIVED)?;
    let data = read_data(data)?;
    Ok(read(&root, &data, own_id))
}

fn read(root: &Element, data: &Value, own_id: &str) -> Presentation {
    let mut reader = Reader {
        data,
        found: Presentation::default(),
        spans: Vec::new(),
        custom: HashSet::new(),
    };
    reader.children(root, TextStyle::default());
    reader.unnamed();
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
    found
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
    // Custom objects that are in the message already, by their keys.
    custom: HashSet<&'d str>,
}

impl<'d> Reader<'d> {
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
            "a" => self.link(element, style),
            "time" => self.time(element, style),
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

    // A link has its own text; with something else in it, that counts.
    fn link(&mut self, element: &Element, style: TextStyle) {
        let url = element.attribute("href").unwrap_or_default();
        if url.is_empty() || element.elements().next().is_some() {
            return self.children(element, style);
        }
        self.spans.push(Span::Link(LinkSpan {
            text: element.text(),
            url: url.to_owned(),
        }));
    }

    fn time(&mut self, element: &Element, style: TextStyle) {
        let written = element.attribute("datetime");
        let at = written.and_then(|written| written.parse::<jiff::Timestamp>().ok());
        let Some(at) = at.and_then(|at| u64::try_from(at.as_millisecond()).ok()) else {
            return self.children(element, style);
        };
        let format = match element.attribute("data-format") {
            Some("date") => DateFormat::Date,
            Some("time" | "time_secs") => DateFormat::Time,
            _ => DateFormat::DateTime,
        };
        self.spans.push(Span::DateTime(DateTimeSpan { at, format }));
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
        let kind = data.get("type").and_then(Value::as_str);
        if kind == Some("com.symphony.emoji") {
            return self.emoji(data, &shown);
        }
        match (kind, first) {
            (Some("com.symphony.user.mention"), Some(id)) => {
                let mut name = shown.trim_end().chars();
                name.next();
                let text = name.as_str().to_owned();
                self.found.mention(id.clone(), text.clone());
                self.spans.push(Span::Mention(MentionSpan {
                    target: MentionTarget::User(id),
                    text,
                }));
            }
            (Some("org.symphonyoss.taxonomy"), Some(tag)) => {
                self.found.hashtag(tag.clone());
                self.spans.push(Span::Hashtag(tag));
            }
            (Some("org.symphonyoss.fin.security"), Some(first)) => {
                let cashtag = cashtag(ids, first);
                self.spans.push(Span::Cashtag(cashtag.ticker.clone()));
                self.found.cashtag(cashtag);
            }
            _ => return false,
        }
        true
    }

    // A known emoji is named; another one stays the sign that was written.
    fn emoji(&mut self, data: &Value, shown: &str) -> bool {
        let about = data.get("data");
        let about = |name: &str| about.and_then(|about| about.get(name)?.as_str());
        let code = about("shortcode").or_else(|| about("annotation"));
        let Some(code) = code.filter(|code| emoji(code).is_some()) else {
            return false;
        };
        // With a sign of ours that is another, the text would not be what people see.
        if !shown.is_empty() && emoji(code) != Some(shown) {
            return false;
        }
        self.spans
            .push(Span::Emoji(code.trim_matches(':').to_owned()));
        true
    }

    fn custom(&mut self, element: &Element) {
        let key = element.attribute("data-entity-id").unwrap_or_default();
        let Some((key, data)) = self
            .data
            .as_object()
            .and_then(|data| data.get_key_value(key))
        else {
            return;
        };
        if let Some(entity) = custom(data) {
            self.custom.insert(key);
            self.found.entities.push(entity);
        }
    }

    // Objects that no element shows are for programs.
    fn unnamed(&mut self) {
        for (key, data) in self.data.as_object().into_iter().flatten() {
            if self.custom.contains(key.as_str()) {
                continue;
            }
            let entity = custom(data);
            let is_custom = |entity: &Entity| !KNOWN_TYPES.contains(&entity.r#type.as_str());
            self.found.entities.extend(entity.filter(is_custom));
        }
    }
}

impl Presentation {
    fn mention(&mut self, user_id: String, text: String) {
        let is_known = self.mentions.iter().any(|known| known.user_id == user_id);
        if !is_known && self.mentions.len() < MAX_LISTED {
            self.mentions.push(Mention { user_id, text });
        }
    }

    fn hashtag(&mut self, tag: String) {
        if self.hashtags.len() < MAX_LISTED {
            self.hashtags.push(tag);
        }
    }

    fn cashtag(&mut self, cashtag: Cashtag) {
        if self.cashtags.len() < MAX_LISTED {
            self.cashtags.push(cashtag);
        }
    }
}

fn custom(data: &Value) -> Option<Entity> {
    let text = |name: &str| data.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Entity {
        r#type: text("type")?,
        version: text("version"),
        json: data.to_string(),
    })
}

// An enhanced tag has several ids; the ticker is what people write.
fn cashtag(ids: &[Value], first: String) -> Cashtag {
    let ids: Vec<(String, String)> = ids
        .iter()
        .filter_map(|id| Some((short_type(id)?, value(id)?)))
        .collect();
    let ticker = ids.iter().find(|(kind, _)| kind == "ticker");
    Cashtag {
        ticker: ticker.map_or(first, |(_, value)| value.clone()),
        ids,
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
