//! The words of a message that is not well-formed.

use quick_xml::escape::resolve_html5_entity;
use serde_json::Value;

use super::{KNOWN_TYPES, Presentation, cashtag, custom, tidy, value};

/// The longest name of a character that is looked for behind an `&`.
const MAX_NAME: usize = 32;

/// Takes the tags out, and what the data names as it stands there: where in the text an entity was
/// cannot be told, so no command matches by one.
pub(super) fn read(message: &str, data: &Value) -> Presentation {
    let mut found = Presentation {
        text: tidy(&words(message)),
        ..Presentation::default()
    };
    for data in data.as_object().into_iter().flat_map(|data| data.values()) {
        let ids = data.get("id").and_then(Value::as_array);
        let ids = ids.map(Vec::as_slice).unwrap_or_default();
        let first = ids.first().and_then(value);
        match (data.get("type").and_then(Value::as_str), first) {
            (Some("com.symphony.user.mention"), Some(id)) => found.mention(id.clone(), id),
            (Some("org.symphonyoss.taxonomy"), Some(tag)) => found.hashtag(tag),
            (Some("org.symphonyoss.fin.security"), Some(first)) => {
                found.cashtag(cashtag(ids, first));
            }
            (Some(kind), _) if !KNOWN_TYPES.contains(&kind) => found.entities.extend(custom(data)),
            _ => {}
        }
    }
    found
}

fn words(message: &str) -> String {
    let mut words = String::with_capacity(message.len());
    let last_end = message.rfind('>').unwrap_or(0);
    let mut at = 0;
    while let Some(place) = message[at..].find(['<', '&']) {
        words.push_str(&message[at..at + place]);
        at += place;
        let rest = &message[at..];
        at += match rest.starts_with('<') {
            // Behind the last end of a tag none is looked for again and again.
            true if at < last_end => tag(rest, &mut words),
            true => {
                words.push('<');
                1
            }
            false => character(rest, &mut words),
        };
    }
    words.push_str(&message[at..]);
    words
}

// A `<` that begins no tag was meant as it is.
fn tag(rest: &str, words: &mut String) -> usize {
    let name = rest[1..].strip_prefix('/').unwrap_or(&rest[1..]);
    let begins = name.starts_with(|sign: char| sign.is_ascii_alphabetic() || "!?".contains(sign));
    if !begins {
        words.push('<');
        return 1;
    }
    let length = name
        .find(|sign: char| !sign.is_ascii_alphanumeric())
        .unwrap_or(name.len());
    match &name[..length] {
        "p" | "div" | "br" | "hr" | "li" | "ul" | "ol" | "tr" | "table" | "h1" | "h2" | "h3"
        | "h4" | "h5" | "h6" => words.push('\n'),
        "td" | "th" => words.push(' '),
        _ => {}
    }
    rest.find('>').map_or(rest.len(), |end| end + 1)
}

fn character(rest: &str, words: &mut String) -> usize {
    let end = rest.bytes().take(MAX_NAME).position(|sign| sign == b';');
    let found = end.and_then(|end| {
        let name = &rest[1..end];
        let number =
            name.strip_prefix('#')
                .and_then(|number| match number.strip_prefix(['x', 'X']) {
                    Some(digits) => u32::from_str_radix(digits, 16).ok(),
                    None => number.parse().ok(),
                });
        let sign = number.and_then(char::from_u32).map(String::from);
        let text = sign.or_else(|| resolve_html5_entity(name).map(str::to_owned))?;
        Some((end + 1, text))
    });
    match found {
        Some((length, text)) => {
            words.push_str(&text);
            length
        }
        None => {
            words.push('&');
            1
        }
    }
}
