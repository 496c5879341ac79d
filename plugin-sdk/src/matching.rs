//! Which of several message filters a delivered message is for.

use crate::description::{KeyWord, KeyWordMatch, MessageFilter, MessageHas};
use crate::events::MessageReceived;

/// Tells whether a message passes a filter. The host has decided that it passes one of the
/// plugin's; a `regex` counts as passed, because only the host evaluates it, so handlers with one
/// are asked last.
pub fn message_matches(filter: &MessageFilter, got: &MessageReceived) -> bool {
    let message = &got.message;
    let has = filter.has.iter().all(|has| match has {
        MessageHas::Mention => !message.mentions.is_empty(),
        MessageHas::Cashtag => !message.cashtags.is_empty(),
        MessageHas::Hashtag => !message.hashtags.is_empty(),
        MessageHas::Attachment => !message.attachments.is_empty(),
    });
    has && (filter.key_words.is_empty()
        || filter
            .key_words
            .iter()
            .any(|word| key_word_matches(word, &message.text)))
}

fn key_word_matches(word: &KeyWord, text: &str) -> bool {
    let (wanted, text) = (word.text.to_lowercase(), text.to_lowercase());
    match word.match_ {
        KeyWordMatch::Contains => text.contains(&wanted),
        KeyWordMatch::Equals => text.trim() == wanted,
        KeyWordMatch::Word => has_word(&text, &wanted),
        KeyWordMatch::Regex => true,
    }
}

fn has_word(text: &str, word: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(word).any(|(at, found)| {
        !text[..at].chars().next_back().is_some_and(part)
            && !text[at + found.len()..].chars().next().is_some_and(part)
    })
}
