//! Texts with other names, addresses, numbers and secrets in them. What is known to name somebody is
//! replaced wherever it stands as a word; what only looks like an address, a number or a secret is
//! replaced for its looks.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::AhoCorasick;
use regex::{Captures, Regex};

use super::names::{Names, address};

/// What a text is looked through for, in this order: what was found is not looked at again.
const PATTERNS: [(Kind, &str); 12] = [
    (
        Kind::Email,
        r"(?i)[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}",
    ),
    // What is said to be one.
    (
        Kind::Token,
        r#"(?i)\b(?:password|passwort|passwd|pwd|passphrase|secret|token|api[-_ ]?key|access[-_]?key|authorization|pin|tan|otp)["']?\s*[:=]\s*["']?(?:bearer\s+|basic\s+)?([^\s"',;}<>]+)"#,
    ),
    // In a sentence only what is no word.
    (
        Kind::Token,
        r#"(?i)\b(?:password|passwort|passphrase|secret|token|pin|code)\s+(?:is|ist|lautet)\s+["']?([^\s"',;}<>]*[0-9_!$%&/+=@#*-][^\s"',;}<>]*)"#,
    ),
    (
        Kind::Token,
        r"(?i)\b(?:bearer|basic)\s+([a-z0-9._~+/=-]{8,})",
    ),
    (
        Kind::Token,
        r"\b((?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|sk[-_]|pk_|rk_|AKIA|ASIA|AIza|ya29\.|eyJ)[A-Za-z0-9_.=-]{8,})",
    ),
    (
        Kind::Id,
        r"\b([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})\b",
    ),
    (
        Kind::Account,
        r"\b([A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)\b",
    ),
    (Kind::Card, r"\b([0-9](?:[ -]?[0-9]){12,18})\b"),
    (Kind::Mixed, r"([A-Za-z0-9_+/-]{20,}={0,2})"),
    (Kind::Ip, r"\b([0-9]{1,3}(?:\.[0-9]{1,3}){3})\b"),
    (
        Kind::Phone,
        r"(\+[0-9](?:[ ().\u{2011}/-]*[0-9]){6,14}|\b0[0-9](?:[ ()/-]*[0-9]){6,13}\b|\([0-9]{3}\) ?[0-9]{3}[ .-]?[0-9]{4}\b|\b[0-9]{3}[ .-][0-9]{3}[ .-][0-9]{4}\b)",
    ),
    (Kind::Number, r"\b([0-9]{9,})\b"),
];

/// Characters below which a secret is replaced only where it is said to be one.
const SHORTEST_SECRET: usize = 5;

/// What something looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Email,
    Token,
    Id,
    Account,
    Card,
    /// Letters and digits, so many that nobody types them.
    Mixed,
    Ip,
    Phone,
    Number,
}

/// Replaces in texts.
pub(super) struct Redact<'n> {
    names: &'n Names,
    keep_text: bool,
    known: AhoCorasick,
    instead: Vec<String>,
    patterns: Vec<(Kind, Regex)>,
    found: RefCell<Found>,
}

/// What was found for its looks, with what stands in its place.
#[derive(Default)]
struct Found {
    instead: HashMap<(Kind, String), String>,
    counts: HashMap<Kind, usize>,
}

impl<'n> Redact<'n> {
    /// Prepares to replace what is known by these names, and what looks like somebody's; in texts that
    /// are kept nothing.
    pub(super) fn new(names: &'n Names, keep_text: bool) -> Self {
        Self::with(names, &[], keep_text)
    }

    /// The same once more, for those who have seen everything: what was once said to be a secret is one
    /// wherever it stands.
    pub(super) fn again(self) -> Self {
        let secrets = self.secrets();
        Self {
            found: self.found,
            ..Self::with(self.names, &secrets, self.keep_text)
        }
    }

    fn with(names: &'n Names, secrets: &[(String, String)], keep_text: bool) -> Self {
        let mut words = Vec::new();
        let mut instead = Vec::new();
        for (word, alias) in names.words().into_iter().chain(secrets.iter().cloned()) {
            // ASCII is compared without regard to case; other letters only as they are written, in
            // capitals and in small letters.
            let mut forms = vec![word.to_lowercase(), word.to_uppercase(), word];
            forms.dedup();
            for form in forms {
                words.push(form);
                instead.push(alias.clone());
            }
        }
        let mut builder = AhoCorasick::builder();
        let known = builder.ascii_case_insensitive(true).build(&words);
        let pattern = |(kind, text): &(Kind, &str)| {
            let pattern = Regex::new(text).expect("the patterns are tested");
            (*kind, pattern)
        };
        Self {
            names,
            keep_text,
            known: known.expect("an export holds far fewer words than there are states"),
            instead,
            patterns: PATTERNS.iter().map(pattern).collect(),
            found: RefCell::default(),
        }
    }

    fn secrets(&self) -> Vec<(String, String)> {
        let found = self.found.borrow();
        let secrets = found.instead.iter().filter(|((kind, text), _)| {
            *kind == Kind::Token && text.chars().count() >= SHORTEST_SECRET
        });
        secrets
            .map(|((_, text), instead)| (text.clone(), instead.clone()))
            .collect()
    }

    /// A text as the dialog has it.
    pub(super) fn text(&self, text: &str) -> String {
        match self.keep_text {
            true => text.to_owned(),
            false => self.replaced(text),
        }
    }

    fn replaced(&self, text: &str) -> String {
        let mut spans: Vec<(Range<usize>, String)> = Vec::new();
        self.find_words(text, &mut spans);
        for (kind, pattern) in &self.patterns {
            for captures in pattern.captures_iter(text) {
                self.find(*kind, text, &captures, &mut spans);
            }
        }
        spans.sort_by_key(|(range, _)| range.start);
        let mut replaced = String::with_capacity(text.len());
        let mut at = 0;
        for (range, instead) in spans {
            replaced.push_str(&text[at..range.start]);
            replaced.push_str(&instead);
            at = range.end;
        }
        replaced.push_str(&text[at..]);
        replaced
    }

    /// Finds what is known, the longest first where several stand in one place.
    fn find_words(&self, text: &str, spans: &mut Vec<(Range<usize>, String)>) {
        let mut all: Vec<(Range<usize>, usize)> = (self.known.find_overlapping_iter(text))
            .filter(|found| is_word(text, &found.range()))
            .map(|found| (found.range(), found.pattern().as_usize()))
            .collect();
        all.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut end = 0;
        for (range, pattern) in all {
            if range.start >= end {
                end = range.end;
                spans.push((range, self.instead[pattern].clone()));
            }
        }
    }

    fn find(
        &self,
        kind: Kind,
        text: &str,
        captures: &Captures<'_>,
        spans: &mut Vec<(Range<usize>, String)>,
    ) {
        let Some(found) = captures.get(1).or_else(|| captures.get(0)) else {
            return;
        };
        let range = found.range();
        let digits: String = found
            .as_str()
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        let is_meant = match kind {
            Kind::Card => is_card(&digits),
            Kind::Account => is_account(found.as_str()),
            Kind::Mixed => is_mixed(found.as_str()) && !is_in_path(text, &range),
            // The end of a longer number is no number of its own.
            Kind::Phone => !text[..range.start]
                .trim_end_matches([' ', '-'])
                .ends_with(|c: char| c.is_ascii_digit()),
            Kind::Ip => found
                .as_str()
                .split('.')
                .all(|part| part.parse::<u8>().is_ok()),
            Kind::Email | Kind::Token | Kind::Id | Kind::Number => true,
        };
        let overlaps = |other: &Range<usize>| range.start < other.end && other.start < range.end;
        // An address of which a part is a known name is one thing, and it is not that name.
        let takes = |other: &Range<usize>| {
            let covers = range.start <= other.start && other.end <= range.end;
            covers && *other != range && matches!(kind, Kind::Email | Kind::Token | Kind::Mixed)
        };
        if !is_meant
            || spans
                .iter()
                .any(|(other, _)| overlaps(other) && !takes(other))
        {
            return;
        }
        spans.retain(|(other, _)| !overlaps(other));
        spans.push((range, self.instead(kind, found.as_str(), &digits)));
    }

    fn instead(&self, kind: Kind, text: &str, digits: &str) -> String {
        // One number is one, however it is grouped.
        let key = match kind {
            Kind::Card | Kind::Phone | Kind::Number => digits.to_owned(),
            Kind::Email => text.to_lowercase(),
            _ => text.to_owned(),
        };
        let kind_of = match kind {
            Kind::Mixed => Kind::Token,
            kind => kind,
        };
        let mut found = self.found.borrow_mut();
        let Found { instead, counts } = &mut *found;
        let number = match instead.get(&(kind_of, key.clone())) {
            Some(known) if kind != Kind::Card => return known.clone(),
            Some(known) => return grouped(text, known),
            None => {
                let count = counts.entry(kind_of).or_default();
                *count += 1;
                *count
            }
        };
        let made = match kind_of {
            Kind::Email => address(&self.names.spare(number - 1)),
            Kind::Id => format!("id-{number}"),
            Kind::Account => format!("account-{number}"),
            Kind::Card => card(digits.len(), number),
            Kind::Ip => format!("192.0.2.{}", number % 256),
            Kind::Phone => format!("+1 555 {:04}", 100 + number % 9_900),
            Kind::Number => longest(digits.len(), number),
            // So that what takes a number still gets one.
            _ if text.bytes().all(|b| b.is_ascii_digit()) => longest(text.len(), number),
            _ => format!("token-{number}"),
        };
        instead.insert((kind_of, key), made.clone());
        match kind {
            Kind::Card => grouped(text, &made),
            _ => made,
        }
    }
}

/// Tells whether what stands there is no part of a longer word, and no command.
fn is_word(text: &str, range: &Range<usize>) -> bool {
    let is_inside = |c: char| c.is_alphanumeric() || c == '_';
    let first = text[range.clone()].chars().next();
    let last = text[range.clone()].chars().next_back();
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    let begins = !(first.is_some_and(is_inside) && before.is_some_and(is_inside));
    let ends = !(last.is_some_and(is_inside) && after.is_some_and(is_inside));
    let is_command = before == Some('/') && text[..range.start].trim_start() == "/";
    begins && ends && !is_command
}

/// Luhn's check, by which numbers of cards are known.
fn is_card(digits: &str) -> bool {
    (13..=19).contains(&digits.len()) && luhn(digits) == 0 && digits.bytes().any(|b| b != b'0')
}

fn luhn(digits: &str) -> u32 {
    let digits = digits.bytes().rev().map(|digit| u32::from(digit - b'0'));
    let sum: u32 = (0..)
        .zip(digits)
        .map(|(place, digit): (u32, u32)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, twice) if twice > 9 => twice - 9,
            (_, twice) => twice,
        })
        .sum();
    sum % 10
}

/// A number that passes for a card's, and is nobody's.
fn card(length: usize, number: usize) -> String {
    let begin = format!("4{number:0>width$}", width = length.saturating_sub(2));
    let check = (10 - luhn(&format!("{begin}0"))) % 10;
    format!("{begin}{check}")
}

/// A number in the groups of another.
fn grouped(text: &str, digits: &str) -> String {
    let mut digits = digits.chars();
    let of = |c: char| match c.is_ascii_digit() {
        true => digits.next().unwrap_or('0'),
        false => c,
    };
    text.chars().map(of).collect()
}

/// A number of so many digits.
fn longest(length: usize, number: usize) -> String {
    let number = number.to_string();
    let zeros = length.saturating_sub(1 + number.len());
    match length > number.len() {
        true => format!("1{}{number}", "0".repeat(zeros)),
        false => number,
    }
}

/// The check of international account numbers: what is left of them by 97 is 1.
fn is_account(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| *c != ' ').collect();
    if !(15..=34).contains(&plain.len()) {
        return false;
    }
    let (head, tail) = plain.split_at(4);
    let left = format!("{tail}{head}").chars().try_fold(0u32, |left, c| {
        let value = c.to_digit(36)?;
        let shift = if value < 10 { 10 } else { 100 };
        Some((left * shift + value) % 97)
    });
    left == Some(1)
}

/// Tells whether nobody types such a thing: letters and digits through each other.
fn is_mixed(text: &str) -> bool {
    let changes = text.as_bytes().windows(2).filter(|two| {
        let is_digit = |b: u8| b.is_ascii_digit();
        two[0].is_ascii_alphanumeric()
            && two[1].is_ascii_alphanumeric()
            && is_digit(two[0]) != is_digit(two[1])
    });
    changes.count() >= 3
}

/// Tells whether it is several parts of an address's path, none of which is a secret by itself.
fn is_in_path(text: &str, range: &Range<usize>) -> bool {
    let found = &text[range.clone()];
    found.contains('/')
        && !found
            .split('/')
            .any(|part| part.len() >= 20 && is_mixed(part))
}
