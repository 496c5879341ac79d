//! What Messenger shows of a content: plain text, with tables of TAB-separated cells. Pure.
//!
//! A line with a TAB is a row of a table, the first of several such lines is its head. So text of
//! plugins and people has no TAB of its own, and tables that follow each other have an empty line
//! between them. `(up)` and `(dn)` are arrows where a space follows.

mod page;

use self::page::Page;
use super::PLATFORM;
use crate::content::{self, clean};
use crate::mailbox::SendError;
use crate::model::content::{Block, Content};
use crate::model::payload::ActionError;

/// What a TAB becomes that is no edge of a cell.
const TAB: &str = "    ";
/// The signs that are drawn where a space follows.
const ARROWS: [&str; 2] = ["(up)", "(dn)"];

/// A message as the platform gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// What is not shown as it was meant.
    pub notes: Vec<String>,
}

/// Renders a content.
///
/// # Errors
/// When it does not parse, or has nothing that can be shown.
pub fn render(content: &Content) -> Result<Rendered, SendError> {
    let parsed;
    let blocks = match content {
        Content::Plain(text) => {
            return Ok(Rendered {
                text: shown(&without_tabs(text)),
                notes: Vec::new(),
            });
        }
        Content::Blocks(blocks) => blocks,
        Content::Markdown(_) | Content::MessageMl(_) => {
            parsed = content::blocks(content).map_err(|error| SendError::Permanent {
                class: ActionError::Failed,
                detail: error.to_string(),
            })?;
            &parsed
        }
    };
    render_blocks(blocks)
}

/// Renders blocks.
///
/// # Errors
/// When one cannot be shown at all.
pub(super) fn render_blocks(blocks: &[Block]) -> Result<Rendered, SendError> {
    let mut page = Page::default();
    let mut stand_ins = 0_usize;
    for block in blocks {
        if stand_ins > 0 {
            stand_ins -= 1;
            continue;
        }
        match block {
            Block::Raw(raw) if raw.platform == PLATFORM => {
                page.raw(&clean(&raw.text));
                stand_ins = usize::try_from(raw.fallback).unwrap_or(usize::MAX);
            }
            block => page.block(block)?,
        }
    }
    Ok(page.finish())
}

/// Text that is a row of no table.
pub(super) fn without_tabs(text: &str) -> String {
    clean(text).replace('\t', TAB)
}

/// A message's text as it leaves: arrows have their space, lines no other space at their end, and there
/// are no empty lines around it.
pub(super) fn shown(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(shown_line).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

fn shown_line(line: &str) -> String {
    let cells: Vec<String> = line.split('\t').map(with_arrows).collect();
    cells.join("\t")
}

/// An arrow at the end of a cell or a line is drawn only with a space behind it.
fn with_arrows(cell: &str) -> String {
    let cell = cell.trim_end();
    match ARROWS.iter().any(|arrow| cell.ends_with(arrow)) {
        true => format!("{cell} "),
        false => cell.to_owned(),
    }
}
