//! Command patterns, well enough for tests. The true grammar is the host's.

use crate::events::{Argument, ArgumentValue, Cashtag, Mention};

/// Captures what a pattern names, or none where the text does not match.
pub(super) fn captures(pattern: &str, text: &str) -> Option<Vec<Argument>> {
    let mut rest = text.trim();
    let mut arguments = Vec::new();
    for part in pattern.split_whitespace() {
        let Some(inside) = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'))
        else {
            let (word, after) = word(rest)?;
            if !word.eq_ignore_ascii_case(part) {
                return None;
            }
            rest = after;
            continue;
        };
        let (sigil, inside) = match inside.chars().next()? {
            sigil @ ('@' | '#' | '$') => (Some(sigil), &inside[1..]),
            _ => (None, inside),
        };
        let (name, kind) = inside.split_once(':').unwrap_or((inside, ""));
        let (name, all) = match name.strip_suffix("...") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (name, optional) = match name.strip_suffix('?') {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (kind, optional) = match kind.strip_suffix('?') {
            Some(kind) => (kind, true),
            None => (kind, optional),
        };
        let taken = if all && !rest.is_empty() {
            Some((rest, ""))
        } else {
            quoted(rest)
        };
        let Some((raw, after)) = taken else {
            if optional || all {
                continue;
            }
            return None;
        };
        let value = value(sigil, kind, raw)?;
        arguments.push(Argument {
            name: name.to_owned(),
            value,
        });
        rest = after;
    }
    rest.is_empty().then_some(arguments)
}

fn value(sigil: Option<char>, kind: &str, raw: &str) -> Option<ArgumentValue> {
    Some(match (sigil, kind) {
        (Some('@'), _) => {
            let text = raw.strip_prefix('@')?.to_owned();
            ArgumentValue::Mention(Mention {
                user_id: text.clone(),
                text,
            })
        }
        (Some('#'), _) => ArgumentValue::Hashtag(raw.strip_prefix('#')?.to_owned()),
        (Some(_), _) => {
            let ticker = raw.strip_prefix('$')?.to_owned();
            ArgumentValue::Cashtag(Cashtag {
                ticker,
                ids: Vec::new(),
            })
        }
        (None, "int") => ArgumentValue::Integer(raw.parse().ok()?),
        (None, "number") => ArgumentValue::Number(raw.parse().ok()?),
        (None, "bool") => ArgumentValue::Flag(match raw {
            "true" | "yes" | "on" => true,
            "false" | "no" | "off" => false,
            _ => return None,
        }),
        (None, _) => ArgumentValue::Text(raw.to_owned()),
    })
}

fn word(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    Some((&text[..end], text[end..].trim_start()))
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some((inside, after)) => Some((inside, after.trim_start())),
        None => word(text),
    }
}

#[cfg(test)]
mod tests {
    use super::captures;
    use crate::events::ArgumentValue;

    #[track_caller]
    fn check(pattern: &str, text: &str, wanted: Option<&[&str]>) {
        let found = captures(pattern, text).map(|arguments| {
            arguments
                .into_iter()
                .map(|argument| match argument.value {
                    ArgumentValue::Text(text) | ArgumentValue::Hashtag(text) => text,
                    ArgumentValue::Integer(number) => number.to_string(),
                    ArgumentValue::Number(number) => number.to_string(),
                    ArgumentValue::Flag(flag) => flag.to_string(),
                    ArgumentValue::Mention(mention) => mention.text,
                    ArgumentValue::Cashtag(cashtag) => cashtag.ticker,
                })
                .collect::<Vec<_>>()
        });
        let wanted = wanted.map(|list| list.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(found, wanted, "{pattern} on {text}");
    }

    #[test]
    fn captures_by_kind() {
        check("/joke", "/joke", Some(&[]));
        check("/joke", "/joke now", None);
        check("/bot joke", "/bot joke", Some(&[]));
        check(
            "/buy {quantity} {$ticker}",
            "/buy 1000 $goog",
            Some(&["1000", "goog"]),
        );
        check("/buy {quantity} {$ticker}", "/buy 1000 goog", None);
        check(
            "/remind {seconds:int} {text...}",
            "/remind 5 tea is ready",
            Some(&["5", "tea is ready"]),
        );
        check("/remind {seconds:int} {text...}", "/remind soon tea", None);
        check(
            "/say {what} {note?}",
            "/say \"two words\"",
            Some(&["two words"]),
        );
        check(
            "/ask {@who} {loud:bool}",
            "/ask @ada yes",
            Some(&["ada", "true"]),
        );
    }
}
