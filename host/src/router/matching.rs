//! Matching a message's tokens against a pattern.

use std::borrow::Cow;

use crate::content::{PlacedToken, Token};
use crate::model::event::{Argument, ArgumentValue};

use super::grammar::{Kind, Pattern, PatternToken};

impl Pattern {
    /// Matches tokens; `line` is the text they were made from. The arguments in the pattern's order.
    pub fn matches(&self, line: &str, tokens: &[PlacedToken<'_>]) -> Option<Vec<Argument>> {
        if self.quoted && line.contains(['"', '“', '”']) {
            let joined = join_quoted(line, tokens);
            return self.matches_tokens(line, &joined);
        }
        self.matches_tokens(line, tokens)
    }

    fn matches_tokens(&self, line: &str, tokens: &[PlacedToken<'_>]) -> Option<Vec<Argument>> {
        if !self.quoted && self.tokens.len() != tokens.len() {
            return None;
        }
        // Values are made only when the whole pattern fits.
        let mut search = Search::new(&self.tokens);
        if !search.step(&self.tokens, tokens) {
            return None;
        }
        let taken = search.taken;
        let mut arguments = Vec::new();
        let mut place = 0;
        for (token, took) in self.tokens.iter().zip(&taken) {
            if let (PatternToken::Argument { name, kind, .. }, true) = (token, *took) {
                let value = value(*kind, line, tokens.get(place)?)?;
                arguments.push(Argument {
                    name: name.to_string(),
                    value,
                });
            }
            place += usize::from(*took);
        }
        Some(arguments)
    }
}

/// Optional arguments that are tried in every way; of more, what failed is remembered.
const TRIED_FREELY: usize = 4;

/// The way through a pattern.
struct Search {
    // Of each pattern token whether it took an input token.
    taken: Vec<bool>,
    // Where the rest of the pattern did not fit, by what is left of it and what was taken. Without
    // that each optional argument doubles the time. Empty where there are few.
    failed: Vec<bool>,
    width: usize,
}

impl Search {
    fn new(pattern: &[PatternToken]) -> Self {
        let is_optional =
            |token: &&PatternToken| matches!(token, PatternToken::Argument { optional: true, .. });
        let optional = pattern.iter().filter(is_optional).count();
        let width = pattern.len() + 1;
        Self {
            taken: Vec::with_capacity(pattern.len()),
            failed: match optional > TRIED_FREELY {
                true => vec![false; width * width],
                false => Vec::new(),
            },
            width,
        }
    }

    fn step(&mut self, pattern: &[PatternToken], tokens: &[PlacedToken<'_>]) -> bool {
        let Some((head, pattern_rest)) = pattern.split_first() else {
            return tokens.is_empty();
        };
        if let PatternToken::Argument {
            kind: Kind::Rest,
            optional,
            ..
        } = head
        {
            let fits = *optional || !tokens.is_empty();
            if fits {
                self.taken.push(!tokens.is_empty());
            }
            return fits;
        }
        let took = self.taken.iter().filter(|took| **took).count();
        let state = pattern.len() * self.width + took;
        if self.failed.get(state).copied().unwrap_or_default() {
            return false;
        }
        if let Some((first, tokens_rest)) = tokens.split_first()
            && fits(head, &first.token)
        {
            self.taken.push(true);
            if self.step(pattern_rest, tokens_rest) {
                return true;
            }
            self.taken.pop();
        }
        if matches!(head, PatternToken::Argument { optional: true, .. }) {
            self.taken.push(false);
            if self.step(pattern_rest, tokens) {
                return true;
            }
            self.taken.pop();
        }
        if let Some(failed) = self.failed.get_mut(state) {
            *failed = true;
        }
        false
    }
}

fn fits(pattern: &PatternToken, token: &Token<'_>) -> bool {
    match (pattern, token) {
        (PatternToken::Literal(literal), Token::Word(word)) => **literal == **word,
        (PatternToken::Argument { kind, .. }, Token::Word(word)) => match kind {
            Kind::Word => true,
            Kind::Integer => integer(word).is_some(),
            Kind::Number => number(word).is_some(),
            Kind::Flag => flag(word).is_some(),
            Kind::Mention | Kind::Hashtag | Kind::Cashtag | Kind::Rest => false,
        },
        (PatternToken::Argument { kind, .. }, Token::Mention(_)) => *kind == Kind::Mention,
        (PatternToken::Argument { kind, .. }, Token::Hashtag(_)) => *kind == Kind::Hashtag,
        (PatternToken::Argument { kind, .. }, Token::Cashtag(_)) => *kind == Kind::Cashtag,
        (PatternToken::Literal(_), Token::Mention(_) | Token::Hashtag(_) | Token::Cashtag(_)) => {
            false
        }
    }
}

fn value(kind: Kind, line: &str, placed: &PlacedToken<'_>) -> Option<ArgumentValue> {
    Some(match (kind, &placed.token) {
        (Kind::Rest, _) => ArgumentValue::Text(line.get(placed.start..)?.trim_end().to_owned()),
        (Kind::Integer, Token::Word(word)) => ArgumentValue::Integer(integer(word)?),
        (Kind::Number, Token::Word(word)) => ArgumentValue::Number(number(word)?),
        (Kind::Flag, Token::Word(word)) => ArgumentValue::Flag(flag(word)?),
        (_, Token::Word(word)) => ArgumentValue::Text(word.clone().into_owned()),
        (_, Token::Mention(mention)) => ArgumentValue::Mention(mention.clone().into_owned()),
        (_, Token::Hashtag(tag)) => ArgumentValue::Hashtag(tag.clone().into_owned()),
        (_, Token::Cashtag(cashtag)) => ArgumentValue::Cashtag(cashtag.clone().into_owned()),
    })
}

fn integer(word: &str) -> Option<i64> {
    word.parse().ok()
}

// Rust reads `inf`, `nan` and `infinity` as numbers; people do not.
fn number(word: &str) -> Option<f64> {
    let found: f64 = word.parse().ok()?;
    (found.is_finite() && word.contains(|sign: char| sign.is_ascii_digit())).then_some(found)
}

fn flag(word: &str) -> Option<bool> {
    const YES: [&str; 4] = ["true", "yes", "on", "1"];
    const NO: [&str; 4] = ["false", "no", "off", "0"];
    let is = |known: &[&str]| known.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is(&YES) {
        Some(true)
    } else if is(&NO) {
        Some(false)
    } else {
        None
    }
}

// Phones type “ and ” for ". A quote that is not closed is an ordinary sign.
fn join_quoted<'a>(line: &str, tokens: &[PlacedToken<'a>]) -> Vec<PlacedToken<'a>> {
    // Without a closing quote ahead there is nothing to look for: keeps the work linear.
    let last_close = tokens.iter().rposition(|token| match &token.token {
        Token::Word(word) => word.ends_with(is_quote),
        Token::Mention(_) | Token::Hashtag(_) | Token::Cashtag(_) => false,
    });
    let mut joined = Vec::with_capacity(tokens.len());
    let mut place = 0;
    while let Some(first) = tokens.get(place) {
        let found = last_close
            .filter(|last| *last >= place)
            .and_then(|_| quoted_from(line, tokens, place));
        if let Some((last, text)) = found {
            joined.push(PlacedToken {
                token: Token::Word(Cow::Owned(text)),
                start: first.start,
                end: tokens.get(last).map_or(first.end, |token| token.end),
            });
            place = last + 1;
        } else {
            joined.push(first.clone());
            place += 1;
        }
    }
    joined
}

fn is_quote(sign: char) -> bool {
    matches!(sign, '"' | '“' | '”')
}

fn quoted_from(line: &str, tokens: &[PlacedToken<'_>], first: usize) -> Option<(usize, String)> {
    let opening = tokens.get(first)?;
    let Token::Word(word) = &opening.token else {
        return None;
    };
    let open = word.chars().next().filter(|sign| is_quote(*sign))?;
    for (place, token) in tokens.iter().enumerate().skip(first) {
        let Token::Word(word) = &token.token else {
            continue;
        };
        let inside = if place == first {
            &word[open.len_utf8()..]
        } else {
            word
        };
        if let Some(close) = inside.chars().next_back().filter(|sign| is_quote(*sign)) {
            let text = line.get(opening.start + open.len_utf8()..token.end - close.len_utf8())?;
            return Some((place, text.to_owned()));
        }
    }
    None
}
