//! Entities made from plain text, for platforms that have none of their own.

use crate::model::event::{Cashtag, Mention, User};

/// What was found in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextEntities {
    /// Members named behind an `@`.
    pub mentions: Vec<Mention>,
    /// `$word`.
    pub cashtags: Vec<Cashtag>,
    /// `#word`.
    pub hashtags: Vec<String>,
}

/// The most entities taken from one text; Symphony's own bound.
const MAX_ENTITIES: usize = 80;

/// Finds `$word`, `#word` and `@` with a member's display name, user name or e-mail address.
///
/// A sum (`$5`) and a number (`#12`) are not tags: both need a letter.
pub fn entities_from_text(text: &str, members: &[User]) -> TextEntities {
    let mut found = TextEntities::default();
    let mut count = 0;
    let mut before = ' ';
    for (start, sign) in text.char_indices() {
        let begins = before.is_whitespace() || matches!(before, '(' | '[' | '"' | '\'');
        before = sign;
        if !begins || !matches!(sign, '$' | '#' | '@') || count >= MAX_ENTITIES {
            continue;
        }
        let tail = &text[start + 1..];
        match sign {
            '@' => {
                let Some(mention) = member_at(tail, members) else {
                    continue;
                };
                if !found.mentions.contains(&mention) {
                    found.mentions.push(mention);
                    count += 1;
                }
            }
            _ => {
                let Some(word) = tag_at(tail) else { continue };
                if sign == '$' && !found.cashtags.iter().any(|known| known.ticker == word) {
                    found.cashtags.push(Cashtag {
                        ticker: word.to_owned(),
                        ids: Vec::new(),
                    });
                    count += 1;
                } else if sign == '#' && !found.hashtags.iter().any(|known| known == word) {
                    found.hashtags.push(word.to_owned());
                    count += 1;
                }
            }
        }
    }
    found
}

fn tag_at(tail: &str) -> Option<&str> {
    let end = tail
        .find(|sign: char| !sign.is_alphanumeric() && !matches!(sign, '_' | '-' | '.' | '/'))
        .unwrap_or(tail.len());
    let word = tail[..end].trim_end_matches(['.', '-', '/']);
    word.chars().any(char::is_alphabetic).then_some(word)
}

// The mention's text is what was written, so that it is found in the message again.
fn member_at(tail: &str, members: &[User]) -> Option<Mention> {
    members
        .iter()
        .flat_map(|member| {
            [
                Some(&member.display_name),
                member.user_name.as_ref(),
                member.email.as_ref(),
            ]
            .into_iter()
            .flatten()
            .map(move |name| (member, name))
        })
        .filter_map(|(member, name)| prefix_of(tail, name).map(|written| (member, written)))
        .max_by_key(|(_, written)| written.len())
        .map(|(member, written)| Mention {
            user_id: member.id.clone(),
            text: written.to_owned(),
        })
}

fn prefix_of<'a>(tail: &'a str, name: &str) -> Option<&'a str> {
    if name.is_empty() {
        return None;
    }
    let mut rest = tail.chars();
    for wanted in name.chars() {
        let sign = rest.next()?;
        if !sign.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    let after = rest.as_str();
    let ends = after
        .chars()
        .next()
        .is_none_or(|sign| !sign.is_alphanumeric() && sign != '_');
    ends.then(|| &tail[..tail.len() - after.len()])
}
