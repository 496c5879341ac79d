//! Mentions, tickers and topics in what a person typed.

use crate::mailbox::rooms::RoomMember;
use crate::model::event::{Cashtag, Mention};

/// Entities of one message; more are text.
const ENTITIES_MAX: usize = 100;

/// What a text names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Entities {
    pub(super) mentions: Vec<Mention>,
    pub(super) cashtags: Vec<Cashtag>,
    pub(super) hashtags: Vec<String>,
}

/// Takes the mentions of the bot out of a text, and tells whether there were any.
pub(super) fn without_mention(text: &str, display_name: &str, id: &str) -> (String, bool) {
    if !text.contains('@') {
        return (text.to_owned(), false);
    }
    let mut rest = String::with_capacity(text.len());
    let mut mentioned = false;
    let mut at = 0;
    while let Some(place) = text[at..].find('@').map(|p| p + at) {
        rest.push_str(&text[at..place]);
        let after = &text[place + 1..];
        let length = name_at(after, display_name).or_else(|| name_at(after, id));
        match length.filter(|_| begins_word(text, place)) {
            Some(length) => {
                mentioned = true;
                at = place + 1 + length;
                // One of the two spaces around it goes too, and what follows a leading mention: `@bot, hi`.
                if rest.trim().is_empty() {
                    rest.clear();
                    at += text[at..].len() - text[at..].trim_start_matches([' ', ',', ':']).len();
                } else if rest.ends_with(' ') && text[at..].starts_with(' ') {
                    at += 1;
                }
            }
            None => {
                rest.push('@');
                at = place + 1;
            }
        }
    }
    rest.push_str(&text[at..]);
    if mentioned {
        let trimmed = rest.trim_end().len();
        rest.truncate(trimmed);
    }
    (rest, mentioned)
}

/// Finds `@` with a member's name, id or address, `$word` and `#word`.
pub(super) fn entities(text: &str, members: &[RoomMember], own_id: &str) -> Entities {
    let mut found = Entities::default();
    for (place, sign) in text.match_indices(['@', '$', '#']) {
        if !begins_word(text, place) {
            continue;
        }
        let after = &text[place + 1..];
        match sign {
            "@" if found.mentions.len() < ENTITIES_MAX => {
                let best = members
                    .iter()
                    .filter(|member| *member.user.id != *own_id)
                    .filter_map(|member| {
                        let user = &member.user;
                        let length = name_at(after, &format!("{}@local", user.id))
                            .or_else(|| name_at(after, &user.name))
                            .or_else(|| name_at(after, &user.id))?;
                        Some((length, user))
                    })
                    .max_by_key(|(length, _)| *length);
                if let Some((_, user)) = best {
                    found.mentions.push(Mention {
                        user_id: user.id.to_string(),
                        text: user.name.to_string(),
                    });
                }
            }
            "$" if found.cashtags.len() < ENTITIES_MAX => {
                let word = word_at(after, |c| {
                    c.is_alphanumeric() || matches!(c, '.' | '-' | '_')
                });
                if word.starts_with(char::is_alphabetic) {
                    found.cashtags.push(Cashtag {
                        ticker: word.to_owned(),
                        ids: Vec::new(),
                    });
                }
            }
            "#" if found.hashtags.len() < ENTITIES_MAX => {
                let word = word_at(after, |c| c.is_alphanumeric() || matches!(c, '-' | '_'));
                if !word.is_empty() {
                    found.hashtags.push(word.to_owned());
                }
            }
            _ => {}
        }
    }
    found
}

fn begins_word(text: &str, place: usize) -> bool {
    text[..place]
        .chars()
        .next_back()
        .is_none_or(|c| !c.is_alphanumeric())
}

/// Length of `name` at the beginning of `text`, where a word ends with it; letter case is ignored.
fn name_at(text: &str, name: &str) -> Option<usize> {
    let mut rest = text.chars();
    for wanted in name.chars() {
        let there = rest.next()?;
        if there != wanted && !there.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    let length = text.len() - rest.as_str().len();
    let ends = rest.next().is_none_or(|c| !c.is_alphanumeric());
    (ends && length > 0).then_some(length)
}

/// The word at the beginning of a text, without a full stop or dash at its end.
fn word_at(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', '-'])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::mailbox::rooms::RoomUser;
    use crate::model::event::{ConversationRole, UserKind};

    #[test]
    fn takes_the_own_mention_out() {
        for (text, wanted, mentioned) in [
            ("hello", "hello", false),
            ("@parlor hello", "hello", true),
            ("@Parlor, hello", "hello", true),
            ("hello @parlor", "hello", true),
            ("hello @parlor you", "hello you", true),
            ("hello @parlors", "hello @parlors", false),
            ("mail me@parlor", "mail me@parlor", false),
            ("@parlor", "", true),
            ("@anna hi @parlor!", "@anna hi !", true),
        ] {
            let found = without_mention(text, "parlor", "parlor");
            assert_eq!(found, (wanted.to_owned(), mentioned), "{text}");
        }
    }

    #[test]
    fn finds_entities() {
        let members = ["Anna", "Anna Lee", "Bob"].map(|name| RoomMember {
            user: Arc::new(RoomUser {
                id: name.to_lowercase().replace(' ', "-").into(),
                name: name.into(),
                kind: UserKind::Human,
            }),
            role: ConversationRole::Member,
        });
        let found = entities(
            "@anna lee and @BOB@local buy $goog, $BRK.B. for $100 #Tech-news! a#b",
            &members,
            "parlor",
        );
        let mentions: Vec<&str> = found.mentions.iter().map(|m| m.user_id.as_str()).collect();
        assert_eq!(mentions, ["anna-lee", "bob"]);
        let tickers: Vec<&str> = found.cashtags.iter().map(|c| c.ticker.as_str()).collect();
        assert_eq!(tickers, ["goog", "BRK.B"]);
        assert_eq!(found.hashtags, ["Tech-news"]);
    }
}
