//! MessageML as Symphony's agent takes it.
//!
//! The agent is stricter than [`read`](super::read): it knows no HTML entities, no loose `&`, no
//! comments and no CDATA, and it runs FreeMarker over a text with `${`, `#{`, `<#` or `<@` in it. A text
//! that has nothing of these stays as its author wrote it.

use crate::content::ContentError;
use crate::content::xml::{Element, Node, parse};

const ROOT: &str = "messageML";
/// What would make the agent run or refuse a text, though it is XML.
const REFUSED: [&str; 6] = ["${", "#{", "<#", "<@", "<!", "<?"];

/// Gives a message as the agent takes it: unchanged where it is well-formed, mended where a reader
/// would understand it, wrapped in its root where it has none. What `${…}` says is text.
///
/// # Errors
/// When it is not well-formed even for a lenient reader.
pub fn message_ml(source: &str) -> Result<String, ContentError> {
    let source = without_mark(source);
    let tree = parse(source)?;
    let trimmed = source.trim();
    let root = root(&tree);
    if root.is_some() && is_strict(trimmed) {
        return Ok(trimmed.to_owned());
    }
    if let Some(presentation) = root.filter(|root| root.name != ROOT) {
        let mut out = String::with_capacity(source.len());
        write(presentation, &mut out)?;
        return Ok(out);
    }
    let body = body(source, &tree)?;
    Ok(format!("<{ROOT}>{body}</{ROOT}>"))
}

/// Gives what stands inside a message's root, as the agent takes it.
///
/// # Errors
/// As [`message_ml`].
pub fn message_ml_fragment(source: &str) -> Result<String, ContentError> {
    let source = without_mark(source);
    body(source, &parse(source)?)
}

// A byte order mark is no text where a document begins; inside of a root it would be.
fn without_mark(source: &str) -> &str {
    source.strip_prefix('\u{feff}').unwrap_or(source)
}

/// Writes text so that it is text for XML and for FreeMarker. Signs that XML cannot have go.
pub fn escape(text: &str, out: &mut String) {
    // Gone before anything is compared: two signs may be neighbours without one between them.
    let mut signs = text.chars().filter(|sign| is_xml(*sign)).peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What follows the text may begin with a brace too.
            '$' if matches!(signs.peek(), None | Some('{')) => out.push_str("&#36;"),
            '#' if matches!(signs.peek(), None | Some('{')) => out.push_str("&#35;"),
            // As itself it would come back as a line feed.
            '\r' => out.push_str("&#13;"),
            sign => out.push(sign),
        }
    }
}

fn is_xml(sign: char) -> bool {
    match sign {
        '\t' | '\n' | '\r' => true,
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => true,
    }
}

// The one element of a message that has its root.
fn root(tree: &Element) -> Option<&Element> {
    let mut roots = tree.elements();
    let root = roots.next().filter(|_| roots.next().is_none())?;
    let is_alone = tree.children.iter().all(|node| match node {
        Node::Text(text) => text.trim().is_empty(),
        Node::Element(_) => true,
    });
    let is_presentation =
        root.name == "div" && root.attribute("data-format") == Some("PresentationML");
    (is_alone && (root.name == ROOT || is_presentation)).then_some(root)
}

fn body(source: &str, tree: &Element) -> Result<String, ContentError> {
    if !source.contains(ROOT) && is_strict(&format!("<{ROOT}>{source}</{ROOT}>")) {
        return Ok(source.to_owned());
    }
    let mut out = String::with_capacity(source.len());
    for node in &tree.children {
        match node {
            Node::Element(element) if element.name == ROOT => children(element, &mut out)?,
            node => write_node(node, &mut out)?,
        }
    }
    Ok(out)
}

fn is_strict(text: &str) -> bool {
    let is_plain = REFUSED.iter().all(|refused| !text.contains(refused));
    is_plain
        && !text
            .chars()
            .any(|sign| sign.is_control() && !matches!(sign, '\t' | '\n' | '\r'))
        && roxmltree::Document::parse(text).is_ok()
}

fn children(element: &Element, out: &mut String) -> Result<(), ContentError> {
    element
        .children
        .iter()
        .try_for_each(|node| write_node(node, out))
}

fn write_node(node: &Node, out: &mut String) -> Result<(), ContentError> {
    match node {
        Node::Text(text) => {
            escape(text, out);
            Ok(())
        }
        Node::Element(element) => write(element, out),
    }
}

fn write(element: &Element, out: &mut String) -> Result<(), ContentError> {
    if !is_name(&element.name) {
        return Err(ContentError::UnknownTag {
            tag: element.name.clone(),
        });
    }
    out.push('<');
    out.push_str(&element.name);
    for (name, value) in element.attributes().filter(|(name, _)| is_name(name)) {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        let mut escaped = String::with_capacity(value.len());
        escape(value, &mut escaped);
        // A reader makes a space of each of these where it stands as itself.
        for sign in escaped.chars() {
            match sign {
                '\n' => out.push_str("&#10;"),
                '\t' => out.push_str("&#9;"),
                sign => out.push(sign),
            }
        }
        out.push('"');
    }
    if element.children.is_empty() {
        out.push_str("/>");
        return Ok(());
    }
    out.push('>');
    children(element, out)?;
    out.push_str("</");
    out.push_str(&element.name);
    out.push('>');
    Ok(())
}

// MessageML has names of these signs only.
fn is_name(name: &str) -> bool {
    name.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '_')
        && name
            .bytes()
            .all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, b'-' | b'_' | b'.'))
}
