//! A small tree of XML elements, bounded, and lenient where messages of the wild need it.

use quick_xml::Reader;
use quick_xml::escape::{resolve_html5_entity, unescape_with};
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::{ContentError, MAX_DEPTH, MAX_TEXT_BYTES};

/// The most attributes of one element: the reader compares each with all before it.
const MAX_ATTRIBUTES: usize = 256;
/// The most elements and texts of one message.
const MAX_NODES: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Element(Element),
    Text(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) children: Vec<Node>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.attribute(name)
            .is_some_and(|value| value == "true" || value == name)
    }

    pub(super) fn required(&self, name: &'static str) -> Result<&str, ContentError> {
        self.attribute(name)
            .filter(|value| !value.trim().is_empty())
            .ok_or_else(|| ContentError::MissingAttribute {
                tag: self.name.clone(),
                attribute: name,
            })
    }

    pub(super) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// All text inside, as it stands.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.collect_text(&mut text);
        text
    }

    fn collect_text(&self, text: &mut String) {
        for node in &self.children {
            match node {
                Node::Element(element) => element.collect_text(text),
                Node::Text(found) => text.push_str(found),
            }
        }
    }
}

/// How large a document may be.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) bytes: usize,
    pub(super) depth: usize,
    pub(super) nodes: usize,
}

/// What is written here.
const OWN: Bounds = Bounds {
    bytes: MAX_TEXT_BYTES,
    depth: MAX_DEPTH,
    nodes: MAX_NODES,
};

/// Reads a document or a fragment. The element returned has no name; its children are the roots.
pub(super) fn parse(source: &str) -> Result<Element, ContentError> {
    parse_within(source, OWN)
}

/// Reads a document or a fragment as [`parse`] does, within other bounds.
pub(super) fn parse_within(source: &str, bounds: Bounds) -> Result<Element, ContentError> {
    if source.len() > bounds.bytes {
        return Err(ContentError::TooLong {
            found: source.len(),
            limit: bounds.bytes,
        });
    }
    let mut reader = Reader::from_str(source);
    reader.config_mut().allow_dangling_amp = true;
    let mut open = vec![Element::default()];
    let mut nodes = 0;
    loop {
        let event = reader
            .read_event()
            .map_err(|error| ContentError::Malformed {
                position: reader.error_position(),
                what: error.to_string(),
            })?;
        match event {
            Event::Start(start) => {
                if open.len() > bounds.depth {
                    return Err(ContentError::TooDeep {
                        limit: bounds.depth,
                    });
                }
                open.push(element(&start, reader.buffer_position())?);
            }
            Event::Empty(start) => {
                let found = element(&start, reader.buffer_position())?;
                push(&mut open, Node::Element(found));
            }
            Event::End(_) => {
                // The reader has checked that the names fit, so the last one is not the root.
                if open.len() > 1
                    && let Some(done) = open.pop()
                {
                    push(&mut open, Node::Element(done));
                }
            }
            Event::Text(text) => push_text(&mut open, &text.decode().unwrap_or_default()),
            Event::CData(text) => push_text(&mut open, &text.decode().unwrap_or_default()),
            Event::GeneralRef(reference) => push_text(&mut open, &resolve(&reference)),
            Event::DocType(_) => {
                return Err(ContentError::Malformed {
                    position: reader.buffer_position(),
                    what: "a document type is not allowed".to_owned(),
                });
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
        nodes += 1;
        if nodes > bounds.nodes {
            return Err(ContentError::TooMany {
                what: "elements",
                found: nodes,
                limit: bounds.nodes,
            });
        }
    }
    match open.len() {
        1 => Ok(open.pop().unwrap_or_default()),
        _ => Err(ContentError::Malformed {
            position: reader.buffer_position(),
            what: format!("<{}> is not closed", open.pop().unwrap_or_default().name),
        }),
    }
}

fn element(start: &BytesStart<'_>, position: u64) -> Result<Element, ContentError> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        if attributes.len() >= MAX_ATTRIBUTES {
            return Err(ContentError::TooMany {
                what: "attributes",
                found: attributes.len() + 1,
                limit: MAX_ATTRIBUTES,
            });
        }
        let attribute = attribute.map_err(|error| ContentError::Malformed {
            position,
            what: error.to_string(),
        })?;
        let raw = String::from_utf8_lossy(&attribute.value).into_owned();
        let value = unescape_with(&raw, resolve_html5_entity)
            .map_or_else(|_| raw.clone(), |value| value.into_owned());
        attributes.push((
            String::from_utf8_lossy(attribute.key.as_ref()).into_owned(),
            value,
        ));
    }
    let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
    Ok(Element {
        name,
        attributes,
        children: Vec::new(),
    })
}

// `&nbsp;` and its like are HTML's, not XML's, but people write them; what nobody knows stays text.
fn resolve(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(sign)) = reference.resolve_char_ref() {
        return sign.to_string();
    }
    let name = reference.decode().unwrap_or_default();
    match resolve_html5_entity(&name) {
        Some(text) => text.to_owned(),
        None => format!("&{name};"),
    }
}

fn push_text(open: &mut [Element], text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some(Element { children, .. }) = open.last_mut() {
        if let Some(Node::Text(last)) = children.last_mut() {
            last.push_str(text);
        } else {
            children.push(Node::Text(text.to_owned()));
        }
    }
}

fn push(open: &mut [Element], node: Node) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(node);
    }
}
