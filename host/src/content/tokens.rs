//! A received message as the words and entities that commands are matched against.
//!
//! The rules are the Symphony BDK's (`platforms/symphony.md` §8.3): text splits at whitespace, an
//! entity ends the word before it and is one token, however many words its text has.

use std::borrow::Cow;

use crate::model::content::{Block, MentionTarget, Span};
use crate::model::event::{Cashtag, Mention, Message};

use super::inline::span_text;

/// A word or an entity.
#[derive(Clone, Debug, PartialEq)]
pub enum Token<'a> {
    /// A word of plain text.
    Word(Cow<'a, str>),
    /// A mention.
    Mention(Cow<'a, Mention>),
    /// A hashtag, without `#`.
    Hashtag(Cow<'a, str>),
    /// A cashtag.
    Cashtag(Cow<'a, Cashtag>),
}

/// A token and where it begins in the line.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedToken<'a> {
    /// The token.
    pub token: Token<'a>,
    /// Where its text begins in [`Tokens::line`], in bytes.
    pub start: usize,
    /// Where its text ends.
    pub end: usize,
}

/// The words and entities of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokens<'a> {
    /// The whole text, for arguments that take the rest of it.
    pub line: Cow<'a, str>,
    /// The tokens in order.
    pub items: Vec<PlacedToken<'a>>,
}

/// Splits a message into words and entities. Only the message's own mentions, cashtags and
/// hashtags count as entities. `glue` joins words over line breaks, as the Symphony BDK does.
pub fn tokens<'a>(message: &'a Message, glue: bool) -> Tokens<'a> {
    if message.content.is_empty() {
        return text_tokens(message);
    }
    let mut walk = Walk {
        message,
        glue,
        line: String::with_capacity(message.text.len() + 16),
        word: String::new(),
        word_start: 0,
        items: Vec::new(),
    };
    for block in &message.content {
        walk.block(block);
        walk.line_break();
    }
    walk.flush();
    Tokens {
        line: Cow::Owned(walk.line),
        items: walk.items,
    }
}

fn text_tokens(message: &Message) -> Tokens<'_> {
    let text = message.text.as_str();
    let plain =
        message.mentions.is_empty() && message.cashtags.is_empty() && message.hashtags.is_empty();
    let mut items = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let start = text.len() - rest.len();
        let entity = if plain {
            None
        } else {
            entity_at(message, rest)
        };
        let (token, length) = entity.unwrap_or_else(|| {
            let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
            (Token::Word(Cow::Borrowed(&rest[..length])), length)
        });
        items.push(PlacedToken {
            token,
            start,
            end: start + length,
        });
        rest = &rest[length..];
    }
    Tokens {
        line: Cow::Borrowed(text),
        items,
    }
}

fn entity_at<'a>(message: &'a Message, rest: &str) -> Option<(Token<'a>, usize)> {
    let tail = rest.get(1..)?;
    match rest.as_bytes().first()? {
        b'@' => longest(message.mentions.iter(), tail, |mention| &mention.text)
            .map(|(mention, length)| (Token::Mention(Cow::Borrowed(mention)), length)),
        b'$' => longest(message.cashtags.iter(), tail, |cashtag| &cashtag.ticker)
            .map(|(cashtag, length)| (Token::Cashtag(Cow::Borrowed(cashtag)), length)),
        b'#' => longest(message.hashtags.iter(), tail, |hashtag| hashtag)
            .map(|(hashtag, length)| (Token::Hashtag(Cow::Borrowed(hashtag)), length)),
        _ => None,
    }
}

// The longest name wins, so that `@Ann Lee` is not taken for `@Ann`. Punctuation behind a name
// belongs to the sentence, not to the name, and goes with it.
fn longest<'a, T>(
    items: impl Iterator<Item = &'a T>,
    tail: &str,
    name: impl Fn(&'a T) -> &'a String,
) -> Option<(&'a T, usize)> {
    let (item, length) = items
        .filter_map(|item| {
            let text = name(item);
            let fits = !text.is_empty() && tail.starts_with(text.as_str());
            fits.then_some((item, text.len()))
        })
        .max_by_key(|(_, length)| *length)?;
    let after = &tail[length..];
    let word = &after[..after.find(char::is_whitespace).unwrap_or(after.len())];
    let punctuation = word
        .chars()
        .all(|sign| !sign.is_alphanumeric() && !matches!(sign, '@' | '#' | '$'));
    punctuation.then_some((item, 1 + length + word.len()))
}

fn written(at: u64) -> String {
    let at = i64::try_from(at).ok();
    let stamp = at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    stamp.map_or_else(String::new, |stamp| stamp.to_string())
}

struct Walk<'a> {
    message: &'a Message,
    glue: bool,
    line: String,
    word: String,
    word_start: usize,
    items: Vec<PlacedToken<'a>>,
}

impl<'a> Walk<'a> {
    fn block(&mut self, block: &'a Block) {
        match block {
            Block::Paragraph(spans) | Block::Quote(spans) => self.spans(spans),
            Block::Heading(heading) => self.spans(&heading.spans),
            Block::ListItem(item) => self.spans(&item.spans),
            Block::Code(code) => self.text(&code.text),
            Block::Table(table) => {
                for cell in table.header.iter().chain(table.rows.iter().flatten()) {
                    self.spans(cell);
                    self.line_break();
                }
            }
            Block::Divider
            | Block::Image(_)
            | Block::Attachment(_)
            | Block::Card(_)
            | Block::Form(_)
            | Block::Buttons(_)
            | Block::Raw(_) => {}
        }
    }

    fn spans(&mut self, spans: &'a [Span]) {
        for span in spans {
            match span {
                Span::Mention(mention) => {
                    let known = self
                        .message
                        .mentions
                        .iter()
                        .find(|known| match &mention.target {
                            MentionTarget::User(id) => &known.user_id == id,
                            MentionTarget::Email(_) | MentionTarget::All => {
                                known.text == mention.text
                            }
                        });
                    let found = match (known, &mention.target) {
                        (Some(known), _) => Cow::Borrowed(known),
                        (None, MentionTarget::User(id)) => Cow::Owned(Mention {
                            user_id: id.clone(),
                            text: mention.text.clone(),
                        }),
                        (None, MentionTarget::Email(_) | MentionTarget::All) => {
                            self.text(&span_text(span));
                            continue;
                        }
                    };
                    self.entity(span, Token::Mention(found));
                }
                Span::Cashtag(ticker) => {
                    let known = self
                        .message
                        .cashtags
                        .iter()
                        .find(|known| &known.ticker == ticker);
                    let found = known.map_or_else(
                        || {
                            Cow::Owned(Cashtag {
                                ticker: ticker.clone(),
                                ids: Vec::new(),
                            })
                        },
                        Cow::Borrowed,
                    );
                    self.entity(span, Token::Cashtag(found));
                }
                Span::Hashtag(tag) => self.entity(span, Token::Hashtag(Cow::Borrowed(tag))),
                Span::LineBreak => self.line_break(),
                Span::Text(text) => self.text(&text.text),
                // What is read: the address behind it is no word of the message.
                Span::Link(link) if !link.text.is_empty() => self.text(&link.text),
                // One word, as it is written in the message itself.
                Span::DateTime(date) => self.text(&written(date.at)),
                Span::Link(_) | Span::Emoji(_) | Span::Other(_) => {
                    self.text(&span_text(span));
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        for sign in text.chars() {
            if sign.is_whitespace() {
                self.flush();
            } else {
                if self.word.is_empty() {
                    self.word_start = self.line.len();
                }
                self.word.push(sign);
            }
            self.line.push(sign);
        }
    }

    fn line_break(&mut self) {
        if !self.glue {
            self.flush();
        }
        self.line.push('\n');
    }

    fn entity(&mut self, span: &Span, token: Token<'a>) {
        self.flush();
        let start = self.line.len();
        self.line.push_str(&span_text(span));
        self.items.push(PlacedToken {
            token,
            start,
            end: self.line.len(),
        });
    }

    fn flush(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let word = std::mem::take(&mut self.word);
        self.items.push(PlacedToken {
            token: Token::Word(Cow::Owned(word)),
            start: self.word_start,
            end: self.line.len(),
        });
    }
}
