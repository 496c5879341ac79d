//! Sentences with places that are filled in.

use super::clean_line;

/// Fills the places of a sentence, `{name}`; what is filled in is one line and is not looked at again,
/// so that a name cannot bring places of its own. Places that have no value stay.
pub fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        filled.push_str(before);
        let place = from.find('}').and_then(|end| {
            let name = from.get(1..end)?;
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((end, *value))
        });
        match place {
            Some((end, value)) => {
                filled.push_str(&clean_line(value));
                rest = from.get(end + 1..).unwrap_or_default();
            }
            None => {
                filled.push('{');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// The places of a sentence, in order.
pub fn places(sentence: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = sentence;
    while let Some((_, from)) = rest.split_once('{') {
        if let Some((name, _)) = from.split_once('}')
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        {
            found.push(name);
        }
        rest = from;
    }
    found
}
