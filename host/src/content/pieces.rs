//! Blocks that are more than one message by themselves.

use crate::model::content::{Block, CodeBlock, ListItem, Span, Table, TextSpan};

/// The most halvings of one block: it is 64 KiB at most.
const MAX_HALVINGS: u32 = 20;

/// Breaks a group of blocks until each of its pieces fits: running text and cells of a line by spans and
/// words, code and tables by lines. Forms, cards and markup stay whole, and are refused if they must be.
pub fn smaller(group: Vec<Block>, fits: &dyn Fn(&[Block]) -> bool) -> Vec<Vec<Block>> {
    let mut done = Vec::new();
    halve(group, fits, MAX_HALVINGS, &mut done);
    done
}

fn halve(
    group: Vec<Block>,
    fits: &dyn Fn(&[Block]) -> bool,
    left: u32,
    done: &mut Vec<Vec<Block>>,
) {
    if left == 0 || fits(&group) {
        return done.push(group);
    }
    let halves = match group.as_slice() {
        [block] => halves(block),
        _ => None,
    };
    match halves {
        Some((first, second)) => {
            halve(vec![first], fits, left - 1, done);
            halve(vec![second], fits, left - 1, done);
        }
        None => done.push(group),
    }
}

fn halves(block: &Block) -> Option<(Block, Block)> {
    match block {
        Block::Paragraph(spans) => {
            let (first, second) = spans_halves(spans)?;
            Some((Block::Paragraph(first), Block::Paragraph(second)))
        }
        Block::Quote(spans) => {
            let (first, second) = spans_halves(spans)?;
            Some((Block::Quote(first), Block::Quote(second)))
        }
        Block::ListItem(item) => {
            let (first, second) = spans_halves(&item.spans)?;
            let first = ListItem {
                spans: first,
                ..item.clone()
            };
            Some((Block::ListItem(first), Block::Paragraph(second)))
        }
        Block::Code(code) => {
            let (first, second) = text_halves(&code.text)?;
            let half = |text: &str| {
                Block::Code(CodeBlock {
                    language: code.language.clone(),
                    text: text.to_owned(),
                })
            };
            Some((half(first.trim_end_matches('\n')), half(second)))
        }
        Block::Table(table) if table.rows.len() > 1 => {
            let (first, second) = table.rows.split_at(table.rows.len() / 2);
            let half = |rows: &[Vec<Vec<Span>>]| {
                Block::Table(Table {
                    header: table.header.clone(),
                    rows: rows.to_vec(),
                    columns: table.columns.clone(),
                })
            };
            Some((half(first), half(second)))
        }
        _ => None,
    }
}

fn spans_halves(spans: &[Span]) -> Option<(Vec<Span>, Vec<Span>)> {
    if let [Span::Text(text)] = spans {
        let (first, second) = text_halves(&text.text)?;
        let half = |part: &str| {
            vec![Span::Text(TextSpan {
                text: part.to_owned(),
                style: text.style,
            })]
        };
        return Some((half(first), half(second)));
    }
    if spans.len() < 2 {
        return None;
    }
    // Long texts are what makes a line long: the heaviest span is not cut before the others are apart.
    let total: usize = spans.iter().map(weight).sum();
    let mut before = 0;
    let place = spans.iter().position(|span| {
        before += weight(span);
        before * 2 >= total
    });
    let place = place.unwrap_or(0).clamp(1, spans.len() - 1);
    let (first, second) = spans.split_at(place);
    Some((first.to_vec(), second.to_vec()))
}

fn weight(span: &Span) -> usize {
    match span {
        Span::Text(text) => 1 + text.text.len(),
        Span::Link(link) => 1 + link.text.len() + link.url.len(),
        _ => 1,
    }
}

// At the end of a line, else between two words, else anywhere: the last such place before the middle,
// or the first behind it.
fn text_halves(text: &str) -> Option<(&str, &str)> {
    let mut middle = text.len() / 2;
    while !text.is_char_boundary(middle) {
        middle += 1;
    }
    let (before, after) = text.split_at(middle);
    let after_break = |sign: char| {
        let behind = before.rfind(sign).map(|place| place + sign.len_utf8());
        behind.or_else(|| {
            after
                .find(sign)
                .map(|place| middle + place + sign.len_utf8())
        })
    };
    let inside = |place: &usize| *place > 0 && *place < text.len();
    let place = after_break('\n').filter(inside);
    let place = place.or_else(|| after_break(' ').filter(inside));
    let place = place.or(Some(middle)).filter(inside)?;
    Some(text.split_at(place))
}
