//! A send that is more than Symphony takes at once becomes several, block by block. Pure.

use std::collections::HashSet;

use super::render::{MAX_ENTITIES, attachment_of, rendered_block};
use crate::content::{self, smaller};
use crate::model::action::{OutgoingAttachment, Send};
use crate::model::content::{Block, Content, MediaSource, Span};

/// The most bytes of one message's MessageML: a fifth below what the agent takes, for its data and the
/// form in which it keeps it.
const MAX_BYTES: usize = 1_200_000;
/// The most characters that people see: about 60,000 are kept encrypted.
const MAX_CHARACTERS: usize = 50_000;
/// The most different words: what is above is not found by a search.
const MAX_WORDS: usize = 2_500;
/// The most files of one message.
const MAX_FILES: usize = 25;
/// The most bytes of one message's files.
const MAX_FILE_BYTES: u64 = 30_000_000;

/// Splits a send into those that are one message each. What fits is not changed; each part keeps the
/// attachments that its blocks name, and the last has the others.
pub fn split(send: Send) -> Vec<Send> {
    let pieces = pieces_of(&send.content);
    if pieces.is_none() && fits(&send.attachments) {
        return vec![send];
    }
    let mut parts = match pieces {
        Some(pieces) => parts_of(&send, pieces),
        None => vec![send],
    };
    // Files that are too many for the message that has them follow it.
    let mut all = Vec::with_capacity(parts.len());
    for part in parts.drain(..) {
        all.extend(files_apart(part));
    }
    all
}

// None where it is one message as it is.
fn pieces_of(content: &Content) -> Option<Vec<Vec<Block>>> {
    let own;
    let blocks = match content {
        Content::Blocks(blocks) => blocks,
        Content::Plain(_) | Content::Markdown(_) | Content::MessageMl(_) => {
            // What cannot be read is refused when it is rendered.
            own = content::blocks(content).ok()?;
            &own
        }
    };
    let mut pieces = Vec::new();
    let mut piece = Piece::default();
    for group in groups(blocks) {
        let weight = Weight::of(&group);
        if piece.takes(&weight) {
            piece.add(group, weight);
            continue;
        }
        for group in smaller(group, &|blocks| Weight::of(blocks).fits()) {
            let weight = Weight::of(&group);
            if !piece.takes(&weight) {
                pieces.push(std::mem::take(&mut piece).blocks);
            }
            piece.add(group, weight);
        }
    }
    pieces.push(piece.blocks);
    (pieces.len() > 1).then_some(pieces)
}

// Own markup stays with what stands in for it.
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
        if let Block::Raw(raw) = block {
            open = open.max(usize::try_from(raw.fallback).unwrap_or(usize::MAX));
        }
    }
    groups
}

/// What a message counts as.
#[derive(Default)]
struct Weight {
    bytes: usize,
    characters: usize,
    entities: usize,
    words: HashSet<String>,
}

impl Weight {
    fn of(blocks: &[Block]) -> Self {
        let mut weight = Self::default();
        for block in blocks {
            weight.bytes += rendered_block(block).len();
            let (text, _) = content::text(std::slice::from_ref(block));
            weight.characters += text.chars().count();
            let words = text.split_whitespace().map(str::to_lowercase);
            weight.words.extend(words);
            for_each_span(block, &mut |span| {
                let is_entity = matches!(
                    span,
                    Span::Mention(_)
                        | Span::Cashtag(_)
                        | Span::Hashtag(_)
                        | Span::Emoji(_)
                        | Span::DateTime(_)
                );
                weight.entities += usize::from(is_entity);
            });
        }
        weight
    }

    fn fits(&self) -> bool {
        self.bytes <= MAX_BYTES
            && self.characters <= MAX_CHARACTERS
            && self.entities <= MAX_ENTITIES
            && self.words.len() <= MAX_WORDS
    }
}

#[derive(Default)]
struct Piece {
    blocks: Vec<Block>,
    weight: Weight,
}

impl Piece {
    fn takes(&self, more: &Weight) -> bool {
        let new_words = more.words.difference(&self.weight.words).count();
        self.weight.bytes + more.bytes <= MAX_BYTES
            && self.weight.characters + more.characters <= MAX_CHARACTERS
            && self.weight.entities + more.entities <= MAX_ENTITIES
            && self.weight.words.len() + new_words <= MAX_WORDS
            || self.blocks.is_empty() && more.fits()
    }

    fn add(&mut self, blocks: Vec<Block>, weight: Weight) {
        self.blocks.extend(blocks);
        self.weight.bytes += weight.bytes;
        self.weight.characters += weight.characters;
        self.weight.entities += weight.entities;
        self.weight.words.extend(weight.words);
    }
}

fn for_each_span(block: &Block, each: &mut impl FnMut(&Span)) {
    match block {
        Block::Paragraph(spans) | Block::Quote(spans) => spans.iter().for_each(each),
        Block::Heading(heading) => heading.spans.iter().for_each(each),
        Block::ListItem(item) => item.spans.iter().for_each(each),
        Block::Table(table) => {
            let cells = table.header.iter().chain(table.rows.iter().flatten());
            cells.flatten().for_each(each);
        }
        Block::Card(card) => card.paragraphs.iter().flatten().for_each(each),
        Block::Code(_)
        | Block::Divider
        | Block::Image(_)
        | Block::Attachment(_)
        | Block::Form(_)
        | Block::Buttons(_)
        | Block::Raw(_) => {}
    }
}

fn parts_of(send: &Send, pieces: Vec<Vec<Block>>) -> Vec<Send> {
    let last = pieces.len() - 1;
    let named: HashSet<usize> = pieces.iter().flatten().filter_map(attachment_of).collect();
    let parts = pieces.into_iter().enumerate().map(|(place, mut blocks)| {
        let mut files: Vec<usize> = Vec::new();
        for number in blocks.iter().filter_map(attachment_of) {
            if !files.contains(&number) {
                files.push(number);
            }
        }
        if place == last {
            files.extend((0..send.attachments.len()).filter(|number| !named.contains(number)));
        }
        for block in &mut blocks {
            renumber(block, &files);
        }
        let files = files
            .iter()
            .filter_map(|number| send.attachments.get(*number));
        Send {
            attachments: files.cloned().collect(),
            content: Content::Blocks(blocks),
            ..bare(send)
        }
    });
    parts.collect()
}

// A send without its content and files: they are not copied to be thrown away.
fn bare(send: &Send) -> Send {
    Send {
        target: send.target.clone(),
        content: Content::Plain(String::new()),
        attachments: Vec::new(),
        thread: send.thread.clone(),
        visibility: send.visibility,
        quiet: send.quiet,
        fallback: send.fallback,
    }
}

fn renumber(block: &mut Block, files: &[usize]) {
    let source = match block {
        Block::Image(image) => &mut image.source,
        Block::Attachment(file) => &mut file.source,
        _ => return,
    };
    if let MediaSource::Attachment(number) = source {
        let old = usize::try_from(*number).ok();
        let new = files.iter().position(|file| Some(*file) == old);
        *number = new
            .and_then(|new| u32::try_from(new).ok())
            .unwrap_or(*number);
    }
}

fn fits(files: &[OutgoingAttachment]) -> bool {
    files.len() <= MAX_FILES && files.iter().map(bytes_of).sum::<u64>() <= MAX_FILE_BYTES
}

// How large a received file is, is not known here: the platform has taken it once.
fn bytes_of(file: &OutgoingAttachment) -> u64 {
    match file {
        OutgoingAttachment::File(file) => file.bytes.len() as u64,
        OutgoingAttachment::Kept(file) => file.size,
        OutgoingAttachment::Received(_) => 0,
    }
}

fn files_apart(mut send: Send) -> Vec<Send> {
    if fits(&send.attachments) {
        return vec![send];
    }
    let mut rows: Vec<Vec<OutgoingAttachment>> = vec![Vec::new()];
    let mut bytes = 0;
    for file in std::mem::take(&mut send.attachments) {
        let more = bytes_of(&file);
        let row = rows.last().map_or(0, Vec::len);
        if row > 0 && (row >= MAX_FILES || bytes + more > MAX_FILE_BYTES) {
            rows.push(Vec::new());
            bytes = 0;
        }
        bytes += more;
        if let Some(row) = rows.last_mut() {
            row.push(file);
        }
    }
    let mut rows = rows.into_iter();
    let follow = bare(&send);
    send.attachments = rows.next().unwrap_or_default();
    let rest = rows.map(|attachments| Send {
        attachments,
        ..bare(&follow)
    });
    std::iter::once(send.clone()).chain(rest).collect()
}
