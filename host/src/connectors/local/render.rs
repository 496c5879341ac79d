//! What the local platform shows of a content. Pure.

use crate::content::{self, clean_line, plain};
use crate::mailbox::SendError;
use crate::model::content::{Block, Content};
use crate::model::payload::ActionError;

use super::convert::PLATFORM;

/// A content as its message has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendered {
    /// Plain text.
    pub text: String,
    /// Blocks; empty where the text says it all.
    pub content: Vec<Block>,
    /// What is not shown as it was meant.
    pub notes: Vec<String>,
}

/// Renders a content; with `text_only` as a platform would that has nothing else.
///
/// # Errors
/// When the content does not parse.
pub fn render(content: &Content, text_only: bool) -> Result<Rendered, SendError> {
    let parsed;
    let blocks = match content {
        Content::Plain(text) => {
            return Ok(Rendered {
                text: text.clone(),
                ..Rendered::default()
            });
        }
        // The host has checked blocks before it committed them.
        Content::Blocks(blocks) => blocks,
        Content::Markdown(_) | Content::MessageMl(_) => {
            parsed = content::blocks(content).map_err(|error| SendError::Permanent {
                class: ActionError::Failed,
                detail: error.to_string(),
            })?;
            &parsed
        }
    };
    let (blocks, mut notes) = own_markup(blocks);
    let (text, degraded) = content::text(&blocks);
    if !text_only {
        return Ok(Rendered {
            text,
            content: blocks,
            notes,
        });
    }
    notes.extend(degraded);
    Ok(Rendered {
        text,
        content: Vec::new(),
        notes,
    })
}

/// Takes this platform's markup, which is text, in place of what stands in for it; and what stands
/// in for the markup of others.
fn own_markup(blocks: &[Block]) -> (Vec<Block>, Vec<String>) {
    let mut kept = Vec::with_capacity(blocks.len());
    let mut notes: Vec<String> = Vec::new();
    let mut stand_ins = 0;
    for block in blocks {
        match block {
            _ if stand_ins > 0 => stand_ins -= 1,
            Block::Raw(raw) if raw.platform == PLATFORM => {
                kept.push(Block::Paragraph(vec![plain(&raw.text)]));
                stand_ins = usize::try_from(raw.fallback).unwrap_or(usize::MAX);
            }
            Block::Raw(raw) => {
                let note = format!("{} markup → its stand-in", clean_line(&raw.platform));
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
            block => kept.push(block.clone()),
        }
    }
    (kept, notes)
}
