//! Key words: what a message must have for a plugin to hear of it.

use regex::{Regex, RegexBuilder};

use crate::model::description::{KeyWord, KeyWordMatch, MessageFilter, MessageHas};
use crate::model::event::{Argument, ArgumentValue, Message};

/// Bytes of a regular expression.
const MAX_REGEX_BYTES: usize = 256;
/// Bytes that a compiled expression may take.
const MAX_REGEX_SIZE: usize = 1 << 20;

/// A compiled filter.
#[derive(Debug)]
pub(super) struct Filter {
    words: Vec<Word>,
    has: Vec<MessageHas>,
    pub(super) from_bots: bool,
}

#[derive(Debug)]
enum Word {
    Contains(String),
    Whole(String),
    Equals(String),
    Regex(Box<Regex>),
}

/// Why a key word is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyWordError {
    /// It is empty.
    #[error("key word is empty")]
    Empty,
    /// The expression is too long.
    #[error("expression has {0} bytes, at most {MAX_REGEX_BYTES} are allowed")]
    TooLong(usize),
    /// The expression does not compile.
    #[error("expression is not valid: {0}")]
    Regex(String),
}

impl Filter {
    pub(super) fn new(
        filter: &MessageFilter,
        fill: &dyn Fn(&str) -> String,
    ) -> Result<Self, KeyWordError> {
        let words = filter
            .key_words
            .iter()
            .map(|word| compile(word, fill))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            words,
            has: filter.has.clone(),
            from_bots: filter.from_bots,
        })
    }

    /// What an expression captured, where the message passes.
    pub(super) fn matches(&self, message: &Message, lower: &str) -> Option<Vec<Argument>> {
        let has_all = self.has.iter().all(|has| match has {
            MessageHas::Mention => !message.mentions.is_empty(),
            MessageHas::Cashtag => !message.cashtags.is_empty(),
            MessageHas::Hashtag => !message.hashtags.is_empty(),
            MessageHas::Attachment => !message.attachments.is_empty(),
        });
        if !has_all {
            return None;
        }
        if self.words.is_empty() {
            return Some(Vec::new());
        }
        self.words
            .iter()
            .find_map(|word| word.matches(&message.text, lower))
    }
}

impl Word {
    fn matches(&self, text: &str, lower: &str) -> Option<Vec<Argument>> {
        let found = match self {
            Self::Contains(word) => lower.contains(word.as_str()),
            Self::Equals(word) => lower.trim() == word,
            Self::Whole(word) => whole_word(lower, word),
            Self::Regex(regex) => return captures(regex, text),
        };
        found.then(Vec::new)
    }
}

fn compile(word: &KeyWord, fill: &dyn Fn(&str) -> String) -> Result<Word, KeyWordError> {
    let text = fill(&word.text);
    if text.trim().is_empty() {
        return Err(KeyWordError::Empty);
    }
    let lower = text.to_lowercase();
    Ok(match word.r#match {
        KeyWordMatch::Contains => Word::Contains(lower),
        KeyWordMatch::Word => Word::Whole(lower),
        KeyWordMatch::Equals => Word::Equals(lower.trim().to_owned()),
        KeyWordMatch::Regex => {
            if text.len() > MAX_REGEX_BYTES {
                return Err(KeyWordError::TooLong(text.len()));
            }
            let regex = RegexBuilder::new(&text)
                .case_insensitive(true)
                .size_limit(MAX_REGEX_SIZE)
                .build()
                .map_err(|error| KeyWordError::Regex(error.to_string()))?;
            Word::Regex(Box::new(regex))
        }
    })
}

fn whole_word(text: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, found)| {
        let before = text[..at].chars().next_back();
        let after = text[at + found.len()..].chars().next();
        !before.is_some_and(part_of_word) && !after.is_some_and(part_of_word)
    })
}

/// Named groups by their names, the others by their numbers.
fn captures(regex: &Regex, text: &str) -> Option<Vec<Argument>> {
    let found = regex.captures(text)?;
    let arguments = regex
        .capture_names()
        .enumerate()
        .skip(1)
        .filter_map(|(number, name)| {
            let value = found.get(number)?;
            Some(Argument {
                name: name.map_or_else(|| number.to_string(), str::to_owned),
                value: ArgumentValue::Text(value.as_str().to_owned()),
            })
        })
        .collect();
    Some(arguments)
}
