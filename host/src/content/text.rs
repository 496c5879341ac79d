//! Blocks as plain text.

use crate::model::content::Block;

use super::layout::{Medium, lay_out};

/// Writes blocks as plain text, and says what was degraded: `table → aligned text`.
///
/// The text has no control characters but line ends, whoever wrote it.
pub fn text(blocks: &[Block]) -> (String, Vec<String>) {
    let (lines, notes) = lay_out(
        blocks,
        Medium {
            width: None,
            frames: false,
        },
    );
    let lines: Vec<String> = lines
        .iter()
        .map(|line| line.iter().map(|piece| piece.text.as_str()).collect())
        .collect();
    (lines.join("\n"), notes)
}
