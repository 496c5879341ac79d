//! What messages say: Markdown and MessageML into blocks, blocks into text, forms checked.
//!
//! Pure. Text from plugins and people is data: every renderer here takes control characters,
//! terminal escapes and bidirectional overrides out of it.

mod clean;
mod emoji;
mod entities;
pub mod forms;
mod markdown;
mod message_ml;
mod terminal;
mod text;

pub use clean::clean;
pub use emoji::emoji;
pub use entities::{Entities, entities_from_text};
pub use terminal::terminal;
pub use text::{spans_text, text};

use crate::model::content::{Block, Content, Span, TextSpan, TextStyle};

/// Bytes of one message's text.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Blocks of one message.
pub const MAX_BLOCKS: usize = 1_000;
/// Fields of one form.
const MAX_FIELDS: usize = 50;
/// The deepest list.
const MAX_INDENT: u8 = 8;

/// Why content is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// There is too much of it.
    #[error("{what}: {found}, at most {most} are allowed")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much.
        found: usize,
        /// How much may be.
        most: usize,
    },
    /// MessageML that cannot be read.
    #[error("MessageML: {0}")]
    MessageMl(String),
    /// Something in a block is wrong.
    #[error("{0}")]
    Block(String),
}

/// Parses content into blocks and checks them.
///
/// # Errors
/// What is too much, cannot be read or breaks a rule of the contract.
pub fn blocks(content: &Content) -> Result<Vec<Block>, ContentError> {
    let source = match content {
        Content::Plain(text) | Content::Markdown(text) | Content::MessageMl(text) => text.len(),
        Content::Blocks(_) => 0,
    };
    at_most("bytes of text", source, MAX_TEXT_BYTES)?;
    let blocks = match content {
        Content::Plain(text) => vec![Block::Paragraph(vec![Span::Text(TextSpan {
            text: text.clone(),
            style: TextStyle::default(),
        })])],
        Content::Markdown(text) => markdown::read(text),
        Content::MessageMl(text) => message_ml::read(text)?,
        Content::Blocks(blocks) => blocks.clone(),
    };
    check(&blocks)?;
    Ok(blocks)
}

/// Checks blocks against the rules of the contract.
///
/// # Errors
/// The first rule that is broken.
pub fn check(blocks: &[Block]) -> Result<(), ContentError> {
    at_most("blocks", blocks.len(), MAX_BLOCKS)?;
    let wrong = |text: String| Err(ContentError::Block(text));
    for (index, block) in blocks.iter().enumerate() {
        match block {
            Block::Heading(heading) if !(1..=6).contains(&heading.level) => {
                return wrong(format!("heading: level {} is not 1 to 6", heading.level));
            }
            Block::ListItem(item) if item.indent > MAX_INDENT => {
                return wrong(format!(
                    "list item: indent {} is more than {MAX_INDENT}",
                    item.indent
                ));
            }
            Block::Raw(raw) => {
                let rest = blocks.len() - index - 1;
                if raw.fallback == 0 || raw.fallback as usize > rest {
                    return wrong(format!(
                        "raw: {} fallback blocks announced, {rest} follow; at least 1 is needed",
                        raw.fallback
                    ));
                }
            }
            Block::Form(form) => forms::check(form)?,
            _ => {}
        }
        for link in text::links(block) {
            if !is_safe_url(link) {
                return wrong(format!(
                    "link `{}` is not http, https or mailto",
                    clean(link)
                ));
            }
        }
    }
    at_most("bytes of text", text(blocks).0.len(), MAX_TEXT_BYTES)
}

fn at_most(what: &'static str, found: usize, most: usize) -> Result<(), ContentError> {
    if found > most {
        return Err(ContentError::TooMuch { what, found, most });
    }
    Ok(())
}

fn is_safe_url(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "mailto"))
}
