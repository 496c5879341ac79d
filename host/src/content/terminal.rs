//! Blocks for a terminal.

use crate::model::content::Block;

use super::layout::{Look, Medium, Piece, lay_out};

/// The narrowest terminal that lines are broken for.
const MIN_WIDTH: usize = 20;

/// Writes blocks for a terminal of `width` columns (0: lines are not broken). Without `styled`
/// there are no escapes; with it there are only this function's own.
pub fn terminal(blocks: &[Block], width: usize, styled: bool) -> String {
    let width = (width > 0).then(|| width.max(MIN_WIDTH));
    let (lines, _) = lay_out(
        blocks,
        Medium {
            width,
            frames: true,
        },
    );
    let mut shown = String::new();
    for (place, line) in lines.iter().enumerate() {
        if place > 0 {
            shown.push('\n');
        }
        for piece in line {
            paint(piece, styled, &mut shown);
        }
    }
    shown
}

/// What a terminal does not show as it is.
pub fn terminal_notes(blocks: &[Block]) -> Vec<String> {
    let medium = Medium {
        width: None,
        frames: true,
    };
    lay_out(blocks, medium).1
}

fn paint(piece: &Piece, styled: bool, shown: &mut String) {
    if !styled || piece.look == Look::default() || piece.text.is_empty() {
        shown.push_str(&piece.text);
        return;
    }
    let look = piece.look;
    let codes: Vec<&str> = [
        (look.bold, "1"),
        (look.dim, "2"),
        (look.italic, "3"),
        (look.underline, "4"),
        (look.strike, "9"),
        (look.code, "36"),
        (look.accent, "34"),
    ]
    .into_iter()
    .filter_map(|(wanted, code)| wanted.then_some(code))
    .collect();
    shown.push_str("\u{1b}[");
    shown.push_str(&codes.join(";"));
    shown.push('m');
    shown.push_str(&piece.text);
    shown.push_str("\u{1b}[0m");
}
