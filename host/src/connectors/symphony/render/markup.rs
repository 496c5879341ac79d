//! Elements and attributes, written so that no text can leave its place.

use url::Url;

use crate::content::{clean, clean_line, escape};

/// MessageML that is being written.
#[derive(Default)]
pub(super) struct Markup {
    out: String,
}

impl Markup {
    pub(super) fn into_string(self) -> String {
        self.out
    }

    /// Writes what is markup already.
    pub(super) fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// Writes text on one line.
    pub(super) fn line(&mut self, text: &str) {
        escape(&clean_line(text), &mut self.out);
    }

    /// Writes text with its line ends.
    pub(super) fn text(&mut self, text: &str) {
        escape(&clean(text), &mut self.out);
    }

    /// Opens an element; attributes may follow.
    pub(super) fn begin(&mut self, name: &str) {
        self.out.push('<');
        self.out.push_str(name);
    }

    /// Writes an attribute of the element that was begun.
    pub(super) fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        escape(&clean_line(value), &mut self.out);
        self.out.push('"');
    }

    /// Writes an attribute that comes back: it is what it was, sign by sign.
    pub(super) fn exact(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        let mut escaped = String::with_capacity(value.len());
        escape(value, &mut escaped);
        for sign in escaped.chars() {
            match sign {
                '\n' => self.out.push_str("&#10;"),
                '\t' => self.out.push_str("&#9;"),
                sign => self.out.push(sign),
            }
        }
        self.out.push('"');
    }

    /// Writes an attribute where there is a value.
    pub(super) fn given(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.attribute(name, value);
        }
    }

    /// Writes `name="true"` where it holds.
    pub(super) fn flag(&mut self, name: &str, holds: bool) {
        if holds {
            self.attribute(name, "true");
        }
    }

    /// Ends the opening of an element that has content.
    pub(super) fn open(&mut self) {
        self.out.push('>');
    }

    /// Ends an element without content.
    pub(super) fn empty(&mut self) {
        self.out.push_str("/>");
    }

    /// Closes an element.
    pub(super) fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }
}

/// Writes an address as Java's `URI` takes it, which knows fewer signs than browsers do; none where it
/// is no absolute address of a kind that pods allow.
pub(super) fn address(url: &str) -> Option<String> {
    let url = Url::parse(url.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https" | "mailto") {
        return None;
    }
    let text = url.as_str();
    let bytes = text.as_bytes();
    let mut safe = String::with_capacity(text.len());
    for (place, sign) in text.char_indices() {
        let is_escape = || {
            let digits = bytes.get(place + 1..place + 3);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        };
        match sign {
            '%' if !is_escape() => safe.push_str("%25"),
            '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' => {
                safe.push_str(&format!("%{:02X}", u32::from(sign)));
            }
            // Those of an IPv6 address stand where they have to.
            '[' | ']'
                if place
                    > text
                        .find("//")
                        .map_or(0, |start| authority_end(text, start)) =>
            {
                safe.push_str(&format!("%{:02X}", u32::from(sign)));
            }
            // Only the first one begins the fragment.
            '#' if text[..place].contains('#') => safe.push_str("%23"),
            sign => safe.push(sign),
        }
    }
    Some(safe)
}

fn authority_end(text: &str, start: usize) -> usize {
    let rest = &text[start + 2..];
    let length = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    start + 2 + length
}

/// Cuts a text to so many of Java's characters, which the agent counts.
pub(super) fn cut(text: &str, limit: usize) -> String {
    let mut units = 0;
    text.chars()
        .take_while(|sign| {
            units += sign.len_utf16();
            units <= limit
        })
        .collect()
}

/// Counts Java's characters.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}
