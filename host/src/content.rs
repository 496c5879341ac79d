//! What messages say: reading the three source forms into blocks, checking them, showing them as text.
//!
//! Pure: no I/O, only `model`. What a platform shows is its own renderer's work
//! (`connectors/<platform>/render.rs`); what all of them need is here.

mod address;
mod check;
mod clean;
pub mod dialog;
mod emoji;
mod entities;
pub mod forms;
pub mod hosted;
mod inline;
mod layout;
mod lead;
mod markdown;
mod messageml;
mod own_mention;
mod pieces;
mod presentation;
mod sentence;
mod table;
mod terminal;
mod text;
mod tokens;
mod xml;

use crate::model::content::{Block, Content, Span, TextSpan, TextStyle};

pub use address::{addressing, mentions_bot};
pub use check::{Limits, check};
pub use clean::{clean, clean_line};
pub use emoji::{emoji, emojis, shortcode};
pub use entities::{TextEntities, entities_from_text};
pub use inline::{display_width, moment, span_text, spans_text};
pub use lead::led_by;
pub use messageml::source::{escape, message_ml, message_ml_fragment};
pub use own_mention::without_mention;
pub use pieces::smaller;
pub use presentation::{Presentation, Received, read_presentation, read_received};
pub use sentence::{fill, places};
pub use terminal::{terminal, terminal_notes};
pub use text::text;
pub use tokens::{PlacedToken, Token, Tokens, tokens};

/// The most bytes of one message's text, whatever its form.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;
/// The most blocks of one message.
pub const MAX_BLOCKS: usize = 1_000;
/// The deepest nesting of a source text's elements.
pub const MAX_DEPTH: usize = 32;

/// What is wrong with a message's content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The text is larger than its bound.
    #[error("text of {found} bytes, at most {limit} are allowed")]
    TooLong {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The elements are nested too deeply.
    #[error("elements nested deeper than {limit}")]
    TooDeep {
        /// Levels allowed.
        limit: usize,
    },
    /// There are too many of something.
    #[error("{found} {what}, at most {limit} are allowed")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many were found.
        found: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// The text is not well-formed XML.
    #[error("not well-formed at byte {position}: {what}")]
    Malformed {
        /// Where, in bytes from the start.
        position: u64,
        /// What the reader says.
        what: String,
    },
    /// MessageML has no such element.
    #[error("unknown tag <{tag}>")]
    UnknownTag {
        /// The element's name.
        tag: String,
    },
    /// An element stands where it may not.
    #[error("<{tag}> is not allowed in <{parent}>")]
    Misplaced {
        /// The element's name.
        tag: String,
        /// Where it was found.
        parent: String,
    },
    /// An element lacks an attribute.
    #[error("<{tag}> needs the attribute `{attribute}`")]
    MissingAttribute {
        /// The element's name.
        tag: String,
        /// The attribute's name.
        attribute: &'static str,
    },
    /// An attribute's value cannot be read.
    #[error("<{tag} {attribute}=\"{found}\">: expected {expected}")]
    BadAttribute {
        /// The element's name.
        tag: String,
        /// The attribute's name.
        attribute: &'static str,
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// A block breaks a rule.
    #[error("block {block}: {problem}")]
    Block {
        /// The block's number, from 0.
        block: usize,
        /// Which rule.
        problem: String,
    },
}

/// Reads content into flat blocks, whatever its form.
///
/// # Errors
/// Fails on text above [`MAX_TEXT_BYTES`], more than [`MAX_BLOCKS`] blocks, nesting below
/// [`MAX_DEPTH`], and MessageML that is not well-formed or has a tag that is not known.
pub fn blocks(content: &Content) -> Result<Vec<Block>, ContentError> {
    let blocks = match content {
        Content::Plain(text) => {
            check_length(text)?;
            vec![Block::Paragraph(vec![plain(text)])]
        }
        Content::Markdown(text) => {
            check_length(text)?;
            markdown::read(text)?
        }
        Content::MessageMl(text) => {
            check_length(text)?;
            messageml::read(text)?
        }
        Content::Blocks(blocks) => blocks.clone(),
    };
    check_count(blocks.len())?;
    Ok(blocks)
}

/// Makes a span of text without a style.
pub fn plain(text: impl Into<String>) -> Span {
    Span::Text(TextSpan {
        text: text.into(),
        style: TextStyle::default(),
    })
}

fn check_length(text: &str) -> Result<(), ContentError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(ContentError::TooLong {
            found: text.len(),
            limit: MAX_TEXT_BYTES,
        });
    }
    Ok(())
}

fn check_count(found: usize) -> Result<(), ContentError> {
    if found > MAX_BLOCKS {
        return Err(ContentError::TooMany {
            what: "blocks",
            found,
            limit: MAX_BLOCKS,
        });
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
