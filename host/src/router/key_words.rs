//! The key words of all plugins in one index, so that a message is read once, whoever waits for it.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use crate::model::description::{KeyWord, KeyWordMatch};
use crate::model::event::{Argument, ArgumentValue};

/// The most bytes of a key word, regular expressions included.
pub const MAX_KEY_WORD_BYTES: usize = 256;
// What one expression may take when compiled: bounds memory and the time of the linear match.
const MAX_COMPILED_BYTES: usize = 512 * 1024;

/// What is wrong with a key word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyWordError {
    /// It has no text.
    #[error("expected a text, found an empty key word")]
    Empty,
    /// It is too long.
    #[error("expected at most {MAX_KEY_WORD_BYTES} bytes, found {0}")]
    TooLong(usize),
    /// The expression cannot be compiled.
    #[error("expected a regular expression without look-around, found {0}")]
    Regex(String),
    /// It names a config key that is not declared.
    #[error(transparent)]
    Pattern(#[from] super::PatternError),
}

/// Checks a key word whose config keys are filled.
pub(super) fn check(word: &KeyWord) -> Result<(), KeyWordError> {
    if word.text.trim().is_empty() {
        return Err(KeyWordError::Empty);
    }
    if word.text.len() > MAX_KEY_WORD_BYTES {
        return Err(KeyWordError::TooLong(word.text.len()));
    }
    if word.r#match == KeyWordMatch::Regex {
        compile(&word.text)?;
    }
    Ok(())
}

pub(super) fn compile(text: &str) -> Result<Regex, KeyWordError> {
    RegexBuilder::new(text)
        .case_insensitive(true)
        .size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|error| KeyWordError::Regex(summary(&error)))
}

// The crate's text is a drawing over several lines; its last line says what is wrong.
fn summary(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines()
        .last()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .to_owned()
}

/// Case folded sign by sign, so that a word and its text fold alike wherever they stand.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            'ς' => folded.push('σ'),
            sign => folded.extend(
                sign.to_lowercase()
                    .map(|sign| if sign == 'ς' { 'σ' } else { sign }),
            ),
        }
    }
    folded
}

/// Which filter a hit belongs to, and what an expression captured.
pub(super) type Hits = Vec<(u32, Vec<Argument>)>;

struct Needle {
    whole_word: bool,
    filters: Vec<u32>,
}

#[derive(Default)]
pub(super) struct Builder {
    needles: HashMap<(String, bool), Vec<u32>>,
    equals: HashMap<String, Vec<u32>>,
    expressions: Vec<(Regex, u32)>,
}

impl Builder {
    /// Adds a key word that was checked.
    pub(super) fn add(&mut self, word: &KeyWord, filter: u32) -> Result<(), KeyWordError> {
        check(word)?;
        match word.r#match {
            KeyWordMatch::Contains => self
                .needles
                .entry((fold(&word.text), false))
                .or_default()
                .push(filter),
            KeyWordMatch::Word => self
                .needles
                .entry((fold(word.text.trim()), true))
                .or_default()
                .push(filter),
            KeyWordMatch::Equals => self
                .equals
                .entry(fold(word.text.trim()))
                .or_default()
                .push(filter),
            KeyWordMatch::Regex => self.expressions.push((compile(&word.text)?, filter)),
        }
        Ok(())
    }

    pub(super) fn build(self) -> KeyWords {
        let mut words = Vec::with_capacity(self.needles.len());
        let mut needles = Vec::with_capacity(self.needles.len());
        for ((word, whole_word), filters) in self.needles {
            words.push(word);
            needles.push(Needle {
                whole_word,
                filters,
            });
        }
        // Building fails only beyond 2^31 states, and the words of a tenant are far below it.
        let automaton = (!words.is_empty())
            .then(|| AhoCorasick::new(&words).ok())
            .flatten();
        let set = RegexSetBuilder::new(self.expressions.iter().map(|(regex, _)| regex.as_str()))
            .case_insensitive(true)
            .size_limit(MAX_COMPILED_BYTES * 16)
            .build()
            .ok();
        let longest_equals = self.equals.keys().map(String::len).max().unwrap_or(0);
        KeyWords {
            automaton,
            needles,
            longest_equals,
            equals: self.equals,
            set,
            expressions: self.expressions,
        }
    }
}

pub(super) struct KeyWords {
    automaton: Option<AhoCorasick>,
    needles: Vec<Needle>,
    longest_equals: usize,
    equals: HashMap<String, Vec<u32>>,
    // None where all expressions together are too large: then each is tried by itself.
    set: Option<RegexSet>,
    expressions: Vec<(Regex, u32)>,
}

impl KeyWords {
    /// Finds the filters that the text meets. Of the hits of one filter the first one counts.
    pub(super) fn find(&self, text: &str) -> Hits {
        let mut hits = Hits::new();
        if self.automaton.is_some() || self.longest_equals > 0 {
            let folded = fold(text);
            self.find_words(&folded, &mut hits);
            let whole = folded.trim();
            if whole.len() <= self.longest_equals
                && let Some(filters) = self.equals.get(whole)
            {
                hits.extend(filters.iter().map(|filter| (*filter, Vec::new())));
            }
        }
        self.find_expressions(text, &mut hits);
        hits
    }

    fn find_words(&self, folded: &str, hits: &mut Hits) {
        let Some(automaton) = &self.automaton else {
            return;
        };
        let mut seen: Vec<bool> = Vec::new();
        let mut missing = self.needles.len();
        for found in automaton.find_overlapping_iter(folded) {
            let number = found.pattern().as_usize();
            let Some(needle) = self.needles.get(number) else {
                continue;
            };
            if seen.is_empty() {
                seen.resize(self.needles.len(), false);
            }
            let Some(seen) = seen.get_mut(number) else {
                continue;
            };
            if *seen || (needle.whole_word && !is_whole_word(folded, found.start(), found.end())) {
                continue;
            }
            *seen = true;
            hits.extend(needle.filters.iter().map(|filter| (*filter, Vec::new())));
            missing -= 1;
            if missing == 0 {
                return;
            }
        }
    }

    fn find_expressions(&self, text: &str, hits: &mut Hits) {
        match &self.set {
            _ if self.expressions.is_empty() => {}
            Some(set) => {
                for place in set.matches(text) {
                    if let Some((regex, filter)) = self.expressions.get(place) {
                        hits.push((*filter, captures(regex, text)));
                    }
                }
            }
            None => {
                for (regex, filter) in &self.expressions {
                    if regex.is_match(text) {
                        hits.push((*filter, captures(regex, text)));
                    }
                }
            }
        }
    }
}

fn is_whole_word(text: &str, start: usize, end: usize) -> bool {
    let inside = |sign: char| sign.is_alphanumeric() || sign == '_';
    let before = text.get(..start).and_then(|text| text.chars().next_back());
    let after = text.get(end..).and_then(|text| text.chars().next());
    !before.is_some_and(inside) && !after.is_some_and(inside)
}

// Unnamed groups are called by their number, `1` the first.
fn captures(regex: &Regex, text: &str) -> Vec<Argument> {
    if regex.captures_len() == 1 {
        return Vec::new();
    }
    let Some(found) = regex.captures(text) else {
        return Vec::new();
    };
    regex
        .capture_names()
        .enumerate()
        .skip(1)
        .filter_map(|(number, name)| {
            let value = found.get(number)?.as_str().to_owned();
            Some(Argument {
                name: name.map_or_else(|| number.to_string(), str::to_owned),
                value: ArgumentValue::Text(value),
            })
        })
        .collect()
}
