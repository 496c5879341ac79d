//! A text that is longer than a message becomes several, line by line. Pure.

use super::PLATFORM;
use super::render::render_blocks;
use crate::content;
use crate::model::action::Send;
use crate::model::content::{Block, Content, RawBlock};

/// Splits a send into those that are one message each. What fits is not changed; what the host has to
/// make questions or numbers of stays whole.
pub(super) fn split(send: Send, most: usize) -> Vec<Send> {
    let pieces = match &send.content {
        Content::Plain(text) => {
            let lines = cut(text, most);
            lines.into_iter().map(Content::Plain).collect()
        }
        Content::Blocks(blocks) => pieces_of(blocks, most),
        // What cannot be read is refused when it is rendered.
        Content::Markdown(_) | Content::MessageMl(_) => content::blocks(&send.content)
            .map(|blocks| pieces_of(&blocks, most))
            .unwrap_or_default(),
    };
    if pieces.len() < 2 {
        return vec![send];
    }
    let mut parts: Vec<Send> = pieces
        .into_iter()
        .map(|content| Send {
            content,
            attachments: Vec::new(),
            ..send.clone()
        })
        .collect();
    if let Some(first) = parts.first_mut() {
        first.attachments.clone_from(&send.attachments);
    }
    parts
}

fn pieces_of(blocks: &[Block], most: usize) -> Vec<Content> {
    if length(blocks) <= most {
        return Vec::new();
    }
    let mut pieces = Vec::new();
    let mut piece: Vec<Block> = Vec::new();
    for group in groups(blocks) {
        let mut both = piece.clone();
        both.extend(group.iter().cloned());
        if length(&both) <= most {
            piece = both;
            continue;
        }
        if !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
        }
        if length(&group) <= most || group.iter().any(is_hosted) {
            piece = group;
            continue;
        }
        let Ok(rendered) = render_blocks(&group) else {
            // It is refused when it is rendered, and said why.
            piece = group;
            continue;
        };
        let texts = cut(&rendered.text, most);
        pieces.extend(texts.into_iter().map(|text| vec![own(text)]));
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces.into_iter().map(Content::Blocks).collect()
}

/// Text that is rendered already.
fn own(text: String) -> Block {
    Block::Raw(RawBlock {
        platform: PLATFORM.to_owned(),
        text,
        fallback: 0,
    })
}

fn is_hosted(block: &Block) -> bool {
    match block {
        Block::Form(_) | Block::Buttons(_) => true,
        Block::Card(card) => !card.buttons.is_empty(),
        _ => false,
    }
}

fn length(blocks: &[Block]) -> usize {
    let rendered = render_blocks(blocks);
    rendered.map_or(0, |rendered| rendered.text.chars().count())
}

/// Own markup stays with what stands in for it, a title with what it is the title of.
fn groups(blocks: &[Block]) -> Vec<Vec<Block>> {
    let mut groups: Vec<Vec<Block>> = Vec::with_capacity(blocks.len());
    let mut open = 0_usize;
    for block in blocks {
        match groups.last_mut() {
            Some(group) if open > 0 => {
                open -= 1;
                group.push(block.clone());
            }
            _ => groups.push(vec![block.clone()]),
        }
        match block {
            Block::Raw(raw) => open = open.max(usize::try_from(raw.fallback).unwrap_or(usize::MAX)),
            Block::Heading(_) => open = open.max(1),
            _ => {}
        }
    }
    groups
}

/// Cuts a text into pieces of so many characters: between lines, and where a line is longer, between
/// words. A table that goes on in the next piece has its head there too.
pub(super) fn cut(text: &str, most: usize) -> Vec<String> {
    let most = most.max(1);
    let mut pieces = Vec::new();
    let mut piece: Vec<&str> = Vec::new();
    let mut size = 0;
    let mut head: Option<&str> = None;
    let lines = text.split('\n').flat_map(|line| cut_line(line, most));
    for line in lines {
        let is_row = line.contains('\t');
        head = if is_row { head.or(Some(line)) } else { None };
        let length = line.chars().count();
        if !piece.is_empty() && size + 1 + length > most {
            pieces.push(piece.join("\n"));
            piece.clear();
            size = 0;
            if let Some(head) = head.filter(|head| *head != line) {
                let with_head = head.chars().count();
                if with_head + 1 + length <= most {
                    piece.push(head);
                    size = with_head;
                }
            }
        }
        size += length + usize::from(!piece.is_empty());
        piece.push(line);
    }
    pieces.push(piece.join("\n"));
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

fn cut_line(line: &str, most: usize) -> Vec<&str> {
    let mut rest = line;
    let mut parts = Vec::new();
    while let Some((end, _)) = rest.char_indices().nth(most) {
        let space = match rest[end..].starts_with(' ') {
            true => Some(end),
            false => rest[..end].rfind(' ').filter(|place| *place > 0),
        };
        let (part, next) = rest.split_at(space.unwrap_or(end));
        parts.push(part.trim_end_matches(' '));
        rest = next.strip_prefix(' ').unwrap_or(next);
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::plain;
    use crate::model::action::{Fallback, Target};
    use crate::model::content::{Heading, Table};
    use crate::model::event::Visibility;

    fn texts(content: Content, most: usize) -> Vec<String> {
        let send = Send {
            target: Target::Reply,
            content,
            attachments: Vec::new(),
            thread: None,
            visibility: Visibility::All,
            quiet: false,
            fallback: Fallback::Degrade,
        };
        let parts = split(send, most);
        let text = |part: &Send| super::super::render::render(&part.content).unwrap().text;
        parts.iter().map(text).collect()
    }

    #[test]
    fn lines_stay_whole_and_long_ones_are_cut_between_words() {
        for (text, most, expected) in [
            ("one\ntwo", 7, vec!["one\ntwo"]),
            ("one\ntwo", 6, vec!["one", "two"]),
            ("one two three", 8, vec!["one two", "three"]),
            ("onetwothree", 4, vec!["onet", "woth", "ree"]),
            ("äöü\nß", 3, vec!["äöü", "ß"]),
            ("a\n\n\nb", 1, vec!["a", "b"]),
            ("", 5, vec![]),
        ] {
            assert_eq!(cut(text, most), expected, "{text}");
        }
    }

    #[test]
    fn a_table_that_goes_on_has_its_head_again() {
        let text = "Title\nA\tB\n1\t2\n3\t4\nend";
        assert_eq!(cut(text, 13), ["Title\nA\tB\n1\t2", "A\tB\n3\t4\nend"]);
    }

    #[test]
    fn no_piece_is_longer_and_nothing_is_lost() {
        let words: Vec<String> = (0..500).map(|number| format!("word{number}")).collect();
        let text = words.join(" ");
        for most in [7, 20, 99, 1_000] {
            let pieces = texts(Content::Plain(text.clone()), most);
            assert!(pieces.iter().all(|piece| piece.chars().count() <= most));
            assert_eq!(pieces.join(" "), text, "{most}");
        }
    }

    #[test]
    fn blocks_keep_together_as_long_as_they_fit() {
        let row = |number: usize| vec![vec![plain(format!("r{number}"))], vec![plain("x")]];
        let blocks = vec![
            Block::Paragraph(vec![plain("before")]),
            Block::Heading(Heading {
                level: 1,
                spans: vec![plain("Head")],
            }),
            Block::Table(Table {
                header: vec![vec![plain("A")], vec![plain("B")]],
                rows: (0..6).map(row).collect(),
                columns: Vec::new(),
            }),
            Block::Paragraph(vec![plain("after")]),
        ];
        let whole = texts(Content::Blocks(blocks.clone()), 200);
        assert_eq!(whole.len(), 1);
        let pieces = texts(Content::Blocks(blocks), 24);
        assert_eq!(pieces[0], "before");
        assert_eq!(pieces[1], "Head\nA\tB\nr0\tx\nr1\tx\nr2\tx");
        assert_eq!(pieces[2], "A\tB\nr3\tx\nr4\tx\nr5\tx");
        assert_eq!(pieces[3], "after");
    }
}
