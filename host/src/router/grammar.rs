//! Command patterns: `/buy {quantity} {$ticker}`.
//!
//! The base is the Symphony BDK's grammar (`platforms/symphony.md` §8.2). The extensions (typed,
//! optional and rest arguments, quoted words) change nothing in patterns that do not use them.

use std::collections::BTreeMap;

/// The most bytes of a pattern, with its config values filled in.
pub const MAX_PATTERN_BYTES: usize = 512;
/// The most tokens of a pattern.
const MAX_TOKENS: usize = 32;
// Optional arguments are tried both ways, so their number bounds the work of a match.
const MAX_OPTIONAL: usize = 8;

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// An argument's name has other signs than letters, digits, `_` and `$`, or arguments touch.
    #[error("Argument name is not valid: expected a name such as `{{quantity}}`, found `{found}`")]
    ArgumentName {
        /// The word.
        found: String,
    },
    /// A brace stands inside a literal word.
    #[error("Invalid pattern syntax: expected arguments and words apart, found `{found}`")]
    Syntax {
        /// The word.
        found: String,
    },
    /// Two arguments have one name.
    #[error("Argument names must be unique: found `{name}` twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// The type of an argument is not known.
    #[error("expected one of int, number, bool, text as the type of `{name}`, found `{found}`")]
    Type {
        /// The argument.
        name: String,
        /// What stood behind the colon.
        found: String,
    },
    /// A required argument or a word follows an optional one.
    #[error("expected only optional arguments behind `{{{optional}?}}`, found `{found}`")]
    AfterOptional {
        /// The optional argument.
        optional: String,
        /// What follows it.
        found: String,
    },
    /// Something follows the argument that takes the rest.
    #[error("expected `{{{rest}...}}` to be the last, found `{found}` behind it")]
    AfterRest {
        /// The argument.
        rest: String,
        /// What follows it.
        found: String,
    },
    /// A config key that the plugin does not declare, or that has no value.
    #[error("expected a config key with a value, found `{{={key}}}`")]
    ConfigKey {
        /// The key.
        key: String,
    },
    /// The value of a config key would change the pattern's structure.
    #[error("expected a value without braces for `{{={key}}}`")]
    ConfigValue {
        /// The key.
        key: String,
    },
    /// There is too much of something.
    #[error("expected at most {limit} {what}, found {found}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
        /// How many there are.
        found: usize,
    },
}

/// What an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Mention,
    Hashtag,
    Cashtag,
    Integer,
    Number,
    Flag,
    Rest,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PatternToken {
    Literal(Box<str>),
    Argument {
        name: Box<str>,
        kind: Kind,
        optional: bool,
    },
}

/// A compiled command pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub(super) tokens: Vec<PatternToken>,
    // Words in quotes are one word only where the pattern uses an extension.
    pub(super) quoted: bool,
}

impl Pattern {
    /// Compiles a pattern without config keys.
    ///
    /// # Errors
    /// Fails on what the grammar does not allow, saying what was expected and found.
    pub fn parse(pattern: &str) -> Result<Self, PatternError> {
        bounded("bytes", pattern.len(), MAX_PATTERN_BYTES)?;
        let mut tokens: Vec<PatternToken> = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        let mut quoted = false;
        for word in pattern.split_whitespace() {
            let token = if word.starts_with('{') {
                let argument = parse_argument(word)?;
                if names.contains(&argument.name) {
                    return Err(PatternError::Duplicate {
                        name: argument.name.to_owned(),
                    });
                }
                names.push(argument.name);
                quoted |= argument.extension;
                PatternToken::Argument {
                    name: argument.name.into(),
                    kind: argument.kind,
                    optional: argument.optional,
                }
            } else if word.contains(['{', '}']) {
                return Err(PatternError::Syntax {
                    found: word.to_owned(),
                });
            } else {
                PatternToken::Literal(word.into())
            };
            check_order(tokens.last(), &token, word)?;
            tokens.push(token);
        }
        bounded("words and arguments", tokens.len(), MAX_TOKENS)?;
        let optional = tokens
            .iter()
            .filter(|token| matches!(token, PatternToken::Argument { optional: true, .. }))
            .count();
        bounded("optional arguments", optional, MAX_OPTIONAL)?;
        Ok(Self { tokens, quoted })
    }

    /// Gives the first word, where the pattern begins with a literal one.
    pub fn first_word(&self) -> Option<&str> {
        match self.tokens.first() {
            Some(PatternToken::Literal(word)) => Some(word),
            Some(PatternToken::Argument { .. }) | None => None,
        }
    }

    /// Gives the literal words that the pattern begins with, `/expense report`; none where there are none.
    pub fn first_words(&self) -> Option<String> {
        let words = self.tokens.iter().map_while(|token| match token {
            PatternToken::Literal(word) => Some(&**word),
            PatternToken::Argument { .. } => None,
        });
        let words: Vec<&str> = words.collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    /// Writes the pattern for people: `/buy <quantity> <$ticker> [note]`.
    pub fn usage(&self) -> String {
        let words: Vec<String> = self.tokens.iter().map(usage_word).collect();
        words.join(" ")
    }
}

/// Fills `{=key}` with the value that `value` gives.
///
/// # Errors
/// Fails where a key has no value, or one with braces.
pub fn fill<'v>(
    text: &str,
    value: impl Fn(&str) -> Option<&'v str>,
) -> Result<String, PatternError> {
    fill_with(text, |key| match value(key) {
        Some(found) if found.contains(['{', '}']) => Err(PatternError::ConfigValue {
            key: key.to_owned(),
        }),
        Some(found) => Ok(found.to_owned()),
        None => Err(PatternError::ConfigKey {
            key: key.to_owned(),
        }),
    })
}

pub(super) fn fill_with(
    text: &str,
    value: impl Fn(&str) -> Result<String, PatternError>,
) -> Result<String, PatternError> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{=") {
        let (before, tail) = rest.split_at(start + 2);
        let key = tail.split('}').next().unwrap_or_default();
        // What cannot be a key is text: an expression may well have `{=`.
        if key.len() == tail.len() || !is_config_key(key) {
            filled.push_str(before);
            rest = tail;
            continue;
        }
        filled.push_str(&before[..start]);
        filled.push_str(&value(key)?);
        rest = &tail[key.len() + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Fills `{=key}` from settings, and from the defaults of the plugin's own declaration.
pub(super) fn config_value<'c>(
    config: &'c BTreeMap<String, String>,
    declared: &'c [crate::model::description::ConfigKey],
    key: &str,
) -> Option<&'c str> {
    config.get(key).map(String::as_str).or_else(|| {
        declared
            .iter()
            .find(|known| known.name == key)
            .and_then(|known| known.default.as_deref())
    })
}

struct ParsedArgument<'a> {
    name: &'a str,
    kind: Kind,
    optional: bool,
    extension: bool,
}

fn parse_argument(word: &str) -> Result<ParsedArgument<'_>, PatternError> {
    let invalid = || PatternError::ArgumentName {
        found: word.to_owned(),
    };
    let inner = word
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .ok_or_else(invalid)?;
    let (sign, inner) = match inner.as_bytes().first() {
        Some(b'@') => (Some(Kind::Mention), &inner[1..]),
        Some(b'#') => (Some(Kind::Hashtag), &inner[1..]),
        Some(b'$') => (Some(Kind::Cashtag), &inner[1..]),
        _ => (None, inner),
    };
    // `{a?...}` and `{a...?}` mean the same.
    let (inner, mut optional) = strip(inner, "?");
    let (inner, rest) = strip(inner, "...");
    let (inner, before) = strip(inner, "?");
    optional |= before;
    let (name, r#type) = match inner.split_once(':') {
        Some((name, r#type)) => (name, Some(r#type)),
        None => (inner, None),
    };
    if !is_name(name)
        || (sign.is_some() && (rest || r#type.is_some()))
        || (rest && r#type.is_some())
    {
        return Err(invalid());
    }
    let kind = match (sign, r#type) {
        (Some(kind), _) => kind,
        (None, _) if rest => Kind::Rest,
        (None, None | Some("text")) => Kind::Word,
        (None, Some("int")) => Kind::Integer,
        (None, Some("number")) => Kind::Number,
        (None, Some("bool")) => Kind::Flag,
        (None, Some(found)) => {
            return Err(PatternError::Type {
                name: name.to_owned(),
                found: found.to_owned(),
            });
        }
    };
    Ok(ParsedArgument {
        name,
        kind,
        optional,
        extension: optional || rest || r#type.is_some(),
    })
}

fn strip<'a>(text: &'a str, end: &str) -> (&'a str, bool) {
    text.strip_suffix(end)
        .map_or((text, false), |rest| (rest, true))
}

fn is_name(name: &str) -> bool {
    let mut signs = name.bytes();
    signs
        .next()
        .is_some_and(|sign| sign.is_ascii_alphabetic() || sign == b'_')
        && signs.all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, b'_' | b'$'))
}

fn is_config_key(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, b'_' | b'-' | b'.'))
}

fn check_order(
    last: Option<&PatternToken>,
    next: &PatternToken,
    word: &str,
) -> Result<(), PatternError> {
    let Some(PatternToken::Argument {
        name,
        kind,
        optional,
    }) = last
    else {
        return Ok(());
    };
    if *kind == Kind::Rest {
        return Err(PatternError::AfterRest {
            rest: name.to_string(),
            found: word.to_owned(),
        });
    }
    let may_follow = match next {
        PatternToken::Literal(_) => false,
        PatternToken::Argument { kind, optional, .. } => *optional || *kind == Kind::Rest,
    };
    if *optional && !may_follow {
        return Err(PatternError::AfterOptional {
            optional: name.to_string(),
            found: word.to_owned(),
        });
    }
    Ok(())
}

fn usage_word(token: &PatternToken) -> String {
    match token {
        PatternToken::Literal(word) => word.to_string(),
        PatternToken::Argument {
            name,
            kind,
            optional,
        } => {
            let sign = match kind {
                Kind::Mention => "@",
                Kind::Hashtag => "#",
                Kind::Cashtag => "$",
                Kind::Word | Kind::Integer | Kind::Number | Kind::Flag | Kind::Rest => "",
            };
            let more = if *kind == Kind::Rest { "…" } else { "" };
            if *optional {
                format!("[{sign}{name}{more}]")
            } else {
                format!("<{sign}{name}{more}>")
            }
        }
    }
}

fn bounded(what: &'static str, found: usize, limit: usize) -> Result<(), PatternError> {
    if found > limit {
        return Err(PatternError::TooLarge { what, limit, found });
    }
    Ok(())
}
