//! Mentions, cashtags and hashtags made from plain text, for platforms that have none of their own.

use crate::model::event::{Cashtag, Mention};

/// What a text names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entities {
    /// `@name` of somebody who is there.
    pub mentions: Vec<Mention>,
    /// `$word`.
    pub cashtags: Vec<Cashtag>,
    /// `#word`, without `#`.
    pub hashtags: Vec<String>,
}

/// Finds what a text names. `people` gives id, name and e-mail address of who is there; longer
/// names are tried first.
pub fn entities_from_text(text: &str, people: &[(&str, &str, Option<&str>)]) -> Entities {
    let mut found = Entities::default();
    if !text.contains(['@', '$', '#']) {
        return found;
    }
    let mut names: Vec<(&str, &str)> = people
        .iter()
        .flat_map(|(id, name, email)| std::iter::once((*id, *name)).chain(email.map(|e| (*id, e))))
        .filter(|(_, name)| !name.is_empty())
        .collect();
    names.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if before.is_whitespace() {
            let rest = &text[at + c.len_utf8()..];
            match c {
                '@' => found.mentions.extend(
                    names
                        .iter()
                        .find(|(_, name)| begins_with(rest, name))
                        .map(|(id, name)| Mention {
                            user_id: (*id).to_owned(),
                            text: rest[..name.len()].to_owned(),
                        }),
                ),
                '$' => found
                    .cashtags
                    .extend(word(rest, true).map(|ticker| Cashtag {
                        ticker,
                        ids: Vec::new(),
                    })),
                '#' => found.hashtags.extend(word(rest, false)),
                _ => {}
            }
        }
        before = c;
    }
    found
}

fn begins_with(text: &str, name: &str) -> bool {
    text.get(..name.len())
        .is_some_and(|start| start.to_lowercase() == name.to_lowercase())
        && text[name.len()..]
            .chars()
            .next()
            .is_none_or(|c| !c.is_alphanumeric())
}

/// A word of letters, digits and inner `.`, `-`, `_`, `/`. A cashtag begins with a letter: `$5` is money.
fn word(text: &str, letter_first: bool) -> Option<String> {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/')))
        .unwrap_or(text.len());
    let word = text[..end].trim_end_matches(['.', '-', '/']);
    let first = word.chars().next()?;
    (!letter_first || first.is_alphabetic()).then(|| word.to_owned())
}
