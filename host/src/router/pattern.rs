//! The command grammar: the Symphony BDK's, with extensions that never change what a base pattern matches.

use std::collections::HashSet;

use crate::model::event::{Argument, ArgumentValue, Cashtag, Mention, Message};

/// A word of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// Plain text.
    Word(String),
    /// A mention.
    Mention(Mention),
    /// A hashtag, without `#`.
    Hashtag(String),
    /// A cashtag.
    Cashtag(Cashtag),
}

/// What a token of a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Text(String),
    Integer(String),
    Number(String),
    Flag(String),
    Mention(String),
    Hashtag(String),
    Cashtag(String),
    Optional(String),
    Rest(String),
}

/// Why a pattern is no pattern. The first three sentences are the BDK's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// `{1x}`, `{a}{b}`.
    #[error("Argument name is not valid")]
    Name,
    /// `/a{b}`.
    #[error("Invalid pattern syntax")]
    Syntax,
    /// One name twice.
    #[error("Argument names must be unique")]
    Unique,
    /// Something follows `{rest...}`, or a required argument an optional one.
    #[error("{0} must be last")]
    Last(String),
    /// A pattern is too long.
    #[error("pattern has {0} words, at most {MAX_TOKENS} are allowed")]
    TooLong(usize),
}

/// Words of a pattern.
const MAX_TOKENS: usize = 64;

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

/// What a message came to under a pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// It matches, with these arguments.
    Yes(Vec<Argument>),
    /// The literal words at the start match, the rest does not.
    Near,
    /// It does not.
    No,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in the BDK's words where it has some.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() > MAX_TOKENS {
            return Err(PatternError::TooLong(words.len()));
        }
        let parts: Vec<Part> = words
            .into_iter()
            .map(parse_part)
            .collect::<Result<_, _>>()?;
        let mut names = HashSet::new();
        let mut optional = None;
        for (index, part) in parts.iter().enumerate() {
            if let Some(name) = part.name()
                && !names.insert(name)
            {
                return Err(PatternError::Unique);
            }
            match part {
                Part::Rest(name) if index + 1 < parts.len() => {
                    return Err(PatternError::Last(format!("{{{name}...}}")));
                }
                Part::Optional(name) => optional = Some(name),
                Part::Rest(_) => {}
                _ => {
                    if let Some(name) = optional {
                        return Err(PatternError::Last(format!("{{{name}?}}")));
                    }
                }
            }
        }
        Ok(Self { parts })
    }

    /// The first word, where it is a literal one.
    pub fn first_literal(&self) -> Option<&str> {
        match self.parts.first() {
            Some(Part::Literal(word)) => Some(word),
            _ => None,
        }
    }

    /// Matches the words of a message.
    pub fn matches(&self, line: &Line) -> Match {
        let literals = self
            .parts
            .iter()
            .take_while(|part| matches!(part, Part::Literal(_)))
            .count();
        let mut arguments = Vec::new();
        let mut at = 0;
        for (index, part) in self.parts.iter().enumerate() {
            let near = || {
                if literals > 0 && index >= literals {
                    Match::Near
                } else {
                    Match::No
                }
            };
            if let Part::Rest(name) = part {
                let Some(rest) = line.rest(at) else {
                    return near();
                };
                arguments.push(argument(name, ArgumentValue::Text(rest)));
                at = line.tokens.len();
                continue;
            }
            let Some(token) = line.tokens.get(at) else {
                if matches!(part, Part::Optional(_)) {
                    continue;
                }
                return near();
            };
            match part.value(token) {
                Some(Some(value)) => {
                    arguments.extend(part.name().map(|name| argument(name, value)))
                }
                Some(None) => {}
                None => return near(),
            }
            at += 1;
        }
        if at < line.tokens.len() {
            return if literals > 0 { Match::Near } else { Match::No };
        }
        Match::Yes(arguments)
    }
}

impl Part {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Text(name)
            | Self::Integer(name)
            | Self::Number(name)
            | Self::Flag(name)
            | Self::Mention(name)
            | Self::Hashtag(name)
            | Self::Cashtag(name)
            | Self::Optional(name)
            | Self::Rest(name) => Some(name),
        }
    }

    /// `None`: no match; `Some(None)`: a literal matched.
    fn value(&self, token: &Token) -> Option<Option<ArgumentValue>> {
        let value = match (self, token) {
            (Self::Literal(literal), Token::Word(word)) => {
                return (literal == word).then_some(None);
            }
            (Self::Text(_) | Self::Optional(_), Token::Word(word)) => {
                ArgumentValue::Text(word.clone())
            }
            (Self::Integer(_), Token::Word(word)) => ArgumentValue::Integer(word.parse().ok()?),
            (Self::Number(_), Token::Word(word)) => {
                let number: f64 = word.parse().ok()?;
                ArgumentValue::Number(number.is_finite().then_some(number)?)
            }
            (Self::Flag(_), Token::Word(word)) => {
                ArgumentValue::Flag(match word.to_lowercase().as_str() {
                    "true" | "yes" | "on" | "1" => true,
                    "false" | "no" | "off" | "0" => false,
                    _ => return None,
                })
            }
            (Self::Mention(_), Token::Mention(mention)) => ArgumentValue::Mention(mention.clone()),
            (Self::Hashtag(_), Token::Hashtag(tag)) => ArgumentValue::Hashtag(tag.clone()),
            (Self::Cashtag(_), Token::Cashtag(tag)) => ArgumentValue::Cashtag(tag.clone()),
            _ => return None,
        };
        Some(Some(value))
    }
}

fn argument(name: &str, value: ArgumentValue) -> Argument {
    Argument {
        name: name.to_owned(),
        value,
    }
}

fn parse_part(word: &str) -> Result<Part, PatternError> {
    let Some(inner) = word.strip_prefix('{') else {
        return if word.contains(['{', '}']) {
            Err(PatternError::Syntax)
        } else {
            Ok(Part::Literal(word.to_owned()))
        };
    };
    let Some(inner) = inner.strip_suffix('}') else {
        return Err(PatternError::Syntax);
    };
    let name = |text: &str| {
        is_name(text)
            .then(|| text.to_owned())
            .ok_or(PatternError::Name)
    };
    if let Some(rest) = inner.strip_prefix('@') {
        return Ok(Part::Mention(name(rest)?));
    }
    if let Some(rest) = inner.strip_prefix('#') {
        return Ok(Part::Hashtag(name(rest)?));
    }
    if let Some(rest) = inner.strip_prefix('$') {
        return Ok(Part::Cashtag(name(rest)?));
    }
    if let Some(rest) = inner.strip_suffix("...") {
        return Ok(Part::Rest(name(rest)?));
    }
    if let Some(rest) = inner.strip_suffix('?') {
        return Ok(Part::Optional(name(rest)?));
    }
    match inner.split_once(':') {
        None => Ok(Part::Text(name(inner)?)),
        Some((rest, "int")) => Ok(Part::Integer(name(rest)?)),
        Some((rest, "number")) => Ok(Part::Number(name(rest)?)),
        Some((rest, "bool")) => Ok(Part::Flag(name(rest)?)),
        Some(_) => Err(PatternError::Name),
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
}

/// A message cut into tokens.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// The tokens.
    pub tokens: Vec<Token>,
    /// Where each token begins in the text.
    starts: Vec<usize>,
    text: String,
}

impl Line {
    /// Cuts a message into tokens. Entities that the message names are tokens of their own;
    /// quoted words are one token.
    pub fn of(message: &Message) -> Self {
        let text = &message.text;
        let mut line = Self {
            text: text.clone(),
            ..Self::default()
        };
        let mut at = 0;
        while let Some(start) = text[at..]
            .find(|c: char| !c.is_whitespace())
            .map(|n| at + n)
        {
            let (token, end) = token_at(message, text, start);
            line.tokens.push(token);
            line.starts.push(start);
            at = end;
        }
        line
    }

    /// Whether it begins with this word.
    pub fn first_word(&self) -> Option<&str> {
        match self.tokens.first() {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn rest(&self, at: usize) -> Option<String> {
        let start = *self.starts.get(at)?;
        Some(self.text[start..].trim_end().to_owned())
    }
}

fn token_at(message: &Message, text: &str, start: usize) -> (Token, usize) {
    let rest = &text[start..];
    let word_end = start + rest.find(char::is_whitespace).unwrap_or(rest.len());
    if let Some(after) = rest.strip_prefix('@')
        && let Some(mention) = message
            .mentions
            .iter()
            .find(|m| starts_whole(after, &m.text))
    {
        return (
            Token::Mention(mention.clone()),
            start + 1 + mention.text.len(),
        );
    }
    if let Some(after) = rest.strip_prefix('#')
        && let Some(tag) = message.hashtags.iter().find(|t| starts_whole(after, t))
    {
        return (Token::Hashtag(tag.clone()), start + 1 + tag.len());
    }
    if let Some(after) = rest.strip_prefix('$')
        && let Some(tag) = message
            .cashtags
            .iter()
            .find(|t| starts_whole(after, &t.ticker))
    {
        return (Token::Cashtag(tag.clone()), start + 1 + tag.ticker.len());
    }
    if let Some(after) = rest.strip_prefix('"')
        && let Some(length) = after.find('"')
    {
        let end = start + 1 + length + 1;
        let whole = text[end..].chars().next().is_none_or(char::is_whitespace);
        if whole {
            return (Token::Word(after[..length].to_owned()), end);
        }
    }
    (Token::Word(text[start..word_end].to_owned()), word_end)
}

fn starts_whole(text: &str, word: &str) -> bool {
    !word.is_empty()
        && text
            .strip_prefix(word)
            .is_some_and(|after| after.chars().next().is_none_or(char::is_whitespace))
}
