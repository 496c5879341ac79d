//! A send that is more than one event becomes several. Pure.

use super::{MAX_BUTTONS, MAX_CARDS, MAX_TEXT_BYTES};
use crate::content;
use crate::model::action::Send;
use crate::model::content::{Block, Button, Content, MediaSource};
use crate::model::event::Visibility;

/// Splits a send into those that are one event each: text of up to 16 KB, up to ten cards, a row of
/// buttons with the text before it, a form, a file.
pub fn split(send: &Send, is_rich: bool) -> Vec<Send> {
    // What cannot be read is refused when it is rendered.
    let Ok(blocks) = content::blocks(&send.content) else {
        return vec![send.clone()];
    };
    let mut pieces = Pieces {
        is_rich: is_rich && send.visibility == Visibility::All,
        text: Vec::new(),
        cards: Vec::new(),
        made: Vec::new(),
        files: Vec::new(),
        skip: 0,
    };
    let is_whole = matches!(send.content, Content::Plain(_));
    for block in &blocks {
        pieces.block(block, send.attachments.len());
    }
    pieces.end();
    let has_text = !pieces.made.is_empty();
    let of = |content: Content, files: Vec<usize>| Send {
        content,
        attachments: files
            .into_iter()
            .filter_map(|number| send.attachments.get(number).cloned())
            .collect(),
        ..send.clone()
    };
    let mut parts: Vec<Send> = match (is_whole, pieces.made.len()) {
        // As it was written, with its spaces.
        (true, 1) => vec![of(send.content.clone(), Vec::new())],
        _ => {
            let made = std::mem::take(&mut pieces.made).into_iter();
            made.map(|blocks| of(Content::Blocks(blocks), Vec::new()))
                .collect()
        }
    };
    let is_empty = !has_text || is_nothing(&parts);
    if is_empty && !send.attachments.is_empty() {
        parts.clear();
    }
    for number in 0..send.attachments.len() {
        let shown = pieces.files.iter().find(|(known, _)| *known == number);
        let blocks = shown.map(|(_, block)| first_attachment(block));
        parts.push(of(
            Content::Blocks(blocks.into_iter().collect()),
            vec![number],
        ));
    }
    if parts.is_empty() {
        parts.push(of(Content::Plain(String::new()), Vec::new()));
    }
    parts
}

fn is_nothing(parts: &[Send]) -> bool {
    let mut all = parts.iter();
    all.all(|part| match &part.content {
        Content::Plain(text) => text.trim().is_empty(),
        Content::Blocks(blocks) => content::text(blocks).0.trim().is_empty(),
        Content::Markdown(_) | Content::MessageMl(_) => false,
    })
}

/// The block that stands for a file, in a part that has no other.
fn first_attachment(block: &Block) -> Block {
    let mut block = block.clone();
    match &mut block {
        Block::Image(image) => image.source = MediaSource::Attachment(0),
        Block::Attachment(file) => file.source = MediaSource::Attachment(0),
        _ => {}
    }
    block
}

struct Pieces {
    is_rich: bool,
    text: Vec<Block>,
    cards: Vec<Block>,
    made: Vec<Vec<Block>>,
    /// Which of the send's files a block shows.
    files: Vec<(usize, Block)>,
    /// Blocks that stand in for the platform's own markup.
    skip: u32,
}

impl Pieces {
    fn block(&mut self, block: &Block, attachments: usize) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        let number = match block {
            Block::Image(image) => number_of(&image.source),
            Block::Attachment(file) => number_of(&file.source),
            _ => None,
        };
        if let Some(number) = number.filter(|number| *number < attachments) {
            self.files.push((number, block.clone()));
            return;
        }
        match block {
            Block::Raw(raw) if raw.platform == super::super::PLATFORM => {
                self.end();
                self.made.push(vec![block.clone()]);
                self.skip = raw.fallback;
            }
            // The host makes questions of it, with a button below them.
            Block::Form(_) => {
                self.end_cards();
                self.text.push(block.clone());
                self.end();
            }
            Block::Card(card) if self.is_rich => {
                self.end_text();
                if self.cards.len() == MAX_CARDS {
                    self.end_cards();
                }
                let (first, more) = cut(&card.buttons);
                let mut card = card.clone();
                card.buttons = first;
                self.cards.push(Block::Card(card));
                for row in more {
                    self.end_cards();
                    self.made.push(vec![Block::Buttons(row)]);
                }
            }
            Block::Buttons(buttons) if self.is_rich => {
                self.end_cards();
                let (first, more) = cut(buttons);
                self.end_text_with(Block::Buttons(first));
                self.made
                    .extend(more.into_iter().map(|row| vec![Block::Buttons(row)]));
            }
            block => {
                self.end_cards();
                self.text.push(block.clone());
            }
        }
    }

    fn end(&mut self) {
        self.end_text();
        self.end_cards();
    }

    fn end_cards(&mut self) {
        if !self.cards.is_empty() {
            self.made.push(std::mem::take(&mut self.cards));
        }
    }

    fn end_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !text.is_empty() {
            self.made.extend(fitting(text));
        }
    }

    /// Ends the text with a row of buttons below its last piece.
    fn end_text_with(&mut self, row: Block) {
        self.end_text();
        let is_text = |blocks: &[Block]| {
            let is_other =
                |block: &Block| matches!(block, Block::Card(_) | Block::Buttons(_) | Block::Raw(_));
            !blocks.iter().any(is_other)
        };
        match self.made.last_mut().filter(|blocks| is_text(blocks)) {
            Some(last) => last.push(row),
            None => self.made.push(vec![row]),
        }
    }
}

fn number_of(source: &MediaSource) -> Option<usize> {
    match source {
        MediaSource::Attachment(number) => usize::try_from(*number).ok(),
        MediaSource::Url(_) => None,
    }
}

/// As many buttons as one event has, and the others.
fn cut(buttons: &[Button]) -> (Vec<Button>, Vec<Vec<Button>>) {
    let mut rows = buttons.chunks(MAX_BUTTONS).map(<[Button]>::to_vec);
    let first = rows.next().unwrap_or_default();
    (first, rows.collect())
}

/// Blocks of text in pieces of which each is one message. A form is never cut: it is asked.
fn fitting(blocks: Vec<Block>) -> Vec<Vec<Block>> {
    let size = |blocks: &[Block]| content::text(blocks).0.len();
    if size(&blocks) <= MAX_TEXT_BYTES {
        return vec![blocks];
    }
    let mut pieces: Vec<Vec<Block>> = Vec::new();
    for block in blocks {
        if let Some(last) = pieces.last_mut() {
            last.push(block.clone());
            if size(last) <= MAX_TEXT_BYTES {
                continue;
            }
            last.pop();
        }
        let alone = vec![block];
        if size(&alone) <= MAX_TEXT_BYTES || matches!(alone[..], [Block::Form(_)]) {
            pieces.push(alone);
            continue;
        }
        let (text, _) = content::text(&alone);
        for part in parts_of(&text) {
            pieces.push(vec![Block::Paragraph(vec![content::plain(part)])]);
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Cuts a text at line ends, else at spaces, else where it must.
fn parts_of(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > MAX_TEXT_BYTES {
        let mut end = MAX_TEXT_BYTES;
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let head = &rest[..end];
        let at = head
            .rfind('\n')
            .or_else(|| head.rfind(' '))
            .filter(|at| *at > 0);
        let at = at.unwrap_or(end);
        parts.push(&rest[..at]);
        rest = rest[at..].trim_start_matches(['\n', ' ']);
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}
