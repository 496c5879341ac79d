//! A send that is more than Webex takes at once becomes several: texts by their bytes, one form and one
//! card a message, one file a message. Pure.

use super::PLATFORM;
use super::render::{MAX_ACTIONS, actions_of, card_bytes, text_bytes, wants_card};
use crate::content::{self, smaller};
use crate::model::action::{OutgoingAttachment, Send};
use crate::model::content::{Block, Content};

/// The most bytes of a message's text: what the platform makes of it is larger (webex.md §6.2).
const MAX_TEXT: usize = 7_000;
/// The most bytes of a card.
const MAX_CARD: usize = 20_000;

/// Splits a send into those that are one message each. What fits is not changed.
pub fn split(send: Send) -> Vec<Send> {
    let Ok(blocks) = content::blocks(&send.content) else {
        // What cannot be read is refused when it is rendered.
        return vec![send];
    };
    let pieces = pieces_of(&blocks);
    let mut attachments = send.attachments.clone();
    let bodies: Vec<Content> = match pieces.len() {
        0 | 1 => vec![send.content.clone()],
        _ => pieces.iter().cloned().map(Content::Blocks).collect(),
    };
    let last_is_card = pieces
        .last()
        .is_some_and(|piece| piece.iter().any(|block| wants_card(block) || is_own(block)));
    let says_nothing = pieces.iter().all(|piece| is_silent(piece));
    let with = |content: Content, attachments: Vec<OutgoingAttachment>| Send {
        content,
        attachments,
        ..send.clone()
    };
    let mut parts: Vec<Send> = bodies
        .into_iter()
        .map(|body| with(body, Vec::new()))
        .collect();
    if !attachments.is_empty() {
        // A card takes no file beside it.
        if !last_is_card && let Some(last) = parts.last_mut() {
            last.attachments.push(attachments.remove(0));
        } else if says_nothing {
            parts.clear();
        }
        for file in attachments {
            parts.push(with(Content::Plain(String::new()), vec![file]));
        }
    }
    parts
}

fn pieces_of(blocks: &[Block]) -> Vec<Vec<Block>> {
    let mut pieces = Vec::new();
    let mut piece = Piece::default();
    for group in groups(blocks) {
        let weight = Weight::of(&group);
        if piece.takes(&weight) {
            piece.add(group, &weight);
            continue;
        }
        for group in smaller(group, &|blocks| Weight::of(blocks).fits()) {
            let weight = Weight::of(&group);
            if !piece.takes(&weight) && !piece.blocks.is_empty() {
                pieces.push(std::mem::take(&mut piece).blocks);
            }
            piece.add(group, &weight);
        }
    }
    if !piece.blocks.is_empty() {
        pieces.push(piece.blocks);
    }
    pieces
}

// Own markup stays with what stands in for it; rows of buttons are as long as a card takes.
fn groups(blocks: &[Block]) -> Vec<Vec<Block>> {
    let mut groups: Vec<Vec<Block>> = Vec::with_capacity(blocks.len());
    let mut open = 0_usize;
    for block in blocks {
        match (groups.last_mut(), block) {
            (Some(group), _) if open > 0 => {
                open -= 1;
                group.push(block.clone());
            }
            (_, Block::Buttons(buttons)) if buttons.len() > MAX_ACTIONS => {
                let rows = buttons.chunks(MAX_ACTIONS);
                groups.extend(rows.map(|row| vec![Block::Buttons(row.to_vec())]));
            }
            (_, Block::Card(card)) if card.buttons.len() > MAX_ACTIONS => {
                let mut first = card.clone();
                let rest = first.buttons.split_off(MAX_ACTIONS);
                groups.push(vec![Block::Card(first)]);
                let rows = rest.chunks(MAX_ACTIONS);
                groups.extend(rows.map(|row| vec![Block::Buttons(row.to_vec())]));
            }
            _ => groups.push(vec![block.clone()]),
        }
        if let Block::Raw(raw) = block {
            open = open.max(usize::try_from(raw.fallback).unwrap_or(usize::MAX));
        }
    }
    groups
}

fn is_own(block: &Block) -> bool {
    matches!(block, Block::Raw(raw)
        if raw.platform == PLATFORM && raw.text.trim_start().starts_with('{'))
}

fn is_silent(piece: &[Block]) -> bool {
    let (text, _) = content::text(piece);
    text.trim().is_empty()
}

/// What a message counts as.
#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    text: usize,
    card: usize,
    actions: usize,
    forms: usize,
    /// Cards of the plugin's own: each is a message by itself.
    own: usize,
    wants_card: bool,
}

impl Weight {
    fn of(blocks: &[Block]) -> Self {
        let mut weight = Self::default();
        for block in blocks {
            weight.text += text_bytes(block);
            weight.card += card_bytes(block);
            weight.actions += actions_of(block);
            weight.forms += usize::from(matches!(block, Block::Form(_)));
            weight.own += usize::from(is_own(block));
            weight.wants_card |= wants_card(block);
        }
        weight
    }

    fn fits(&self) -> bool {
        let fits_card = self.card <= MAX_CARD && self.actions <= MAX_ACTIONS && self.forms <= 1;
        match self.wants_card {
            true => fits_card,
            false => self.text <= MAX_TEXT,
        }
    }
}

/// A message that fills.
#[derive(Default)]
struct Piece {
    blocks: Vec<Block>,
    weight: Weight,
}

impl Piece {
    fn takes(&self, more: &Weight) -> bool {
        let whole = self.with(more);
        let alone = self.blocks.is_empty() || (self.weight.own == 0 && more.own == 0);
        whole.fits() && alone
    }

    fn with(&self, more: &Weight) -> Weight {
        Weight {
            text: self.weight.text + more.text,
            card: self.weight.card + more.card,
            actions: self.weight.actions + more.actions,
            forms: self.weight.forms + more.forms,
            own: self.weight.own + more.own,
            wants_card: self.weight.wants_card || more.wants_card,
        }
    }

    fn add(&mut self, group: Vec<Block>, weight: &Weight) {
        self.weight = self.with(weight);
        self.blocks.extend(group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::{Fallback, File, Target};
    use crate::model::content::{
        ActionButton, Button, ButtonKind, ButtonStyle, Form, FormAnswers, FormAudience, FormEnd,
    };
    use crate::model::event::Visibility;

    fn send(content: Content, files: usize) -> Send {
        let file = |number: usize| {
            OutgoingAttachment::File(File {
                name: format!("{number}.txt"),
                media_type: "text/plain".to_owned(),
                bytes: vec![0],
            })
        };
        Send {
            target: Target::Conversation("R".to_owned()),
            content,
            attachments: (0..files).map(file).collect(),
            thread: None,
            visibility: Visibility::All,
            quiet: false,
            fallback: Fallback::Degrade,
        }
    }

    fn words(count: usize) -> Block {
        Block::Paragraph(vec![content::plain("word ".repeat(count))])
    }

    fn form(id: &str) -> Block {
        Block::Form(Form {
            id: id.to_owned(),
            title: None,
            fields: Vec::new(),
            buttons: Vec::new(),
            answers: FormAnswers::Any,
            audience: FormAudience::Anyone,
            end: FormEnd::Never,
        })
    }

    fn buttons(count: usize) -> Block {
        let button = |number: usize| Button {
            label: number.to_string(),
            kind: ButtonKind::Action(ActionButton {
                id: number.to_string(),
                value: String::new(),
            }),
            style: ButtonStyle::Secondary,
        };
        Block::Buttons((0..count).map(button).collect())
    }

    fn counts(blocks: Vec<Block>) -> Vec<usize> {
        let parts = split(send(Content::Blocks(blocks), 0));
        let count = |part: &Send| match &part.content {
            Content::Blocks(blocks) => blocks.len(),
            _ => 0,
        };
        parts.iter().map(count).collect()
    }

    #[test]
    fn what_fits_is_not_changed() {
        let one = send(Content::Markdown("**a**".to_owned()), 1);
        assert_eq!(split(one.clone()), [one]);
        assert_eq!(counts(vec![words(3), form("a"), buttons(4)]), [3]);
    }

    #[test]
    fn a_long_text_goes_in_order_and_whole() {
        let text: String = (0..4_000).map(|number| format!("wörd{number} ")).collect();
        let parts = split(send(Content::Plain(text.clone()), 0));
        assert!(parts.len() > 5, "{}", parts.len());
        let mut said = String::new();
        for part in &parts {
            let blocks = content::blocks(&part.content).unwrap();
            assert!(Weight::of(&blocks).text <= MAX_TEXT + 2);
            said.push_str(&content::text(&blocks).0);
            said.push(' ');
        }
        let words =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        assert_eq!(words(&said), words(&text));
    }

    #[test]
    fn a_message_has_one_form_and_five_buttons() {
        assert_eq!(counts(vec![form("a"), form("b")]), [1, 1]);
        assert_eq!(counts(vec![words(1), buttons(5), buttons(1)]), [2, 1]);
        assert_eq!(counts(vec![buttons(12)]), [1, 1, 1]);
    }

    #[test]
    fn each_file_is_a_message_and_none_stands_beside_a_card() {
        let files = |content: Content, count: usize| -> Vec<usize> {
            let parts = split(send(content, count));
            parts.iter().map(|part| part.attachments.len()).collect()
        };
        let text = || Content::Plain("text".to_owned());
        assert_eq!(files(text(), 1), [1]);
        assert_eq!(files(text(), 3), [1, 1, 1]);
        assert_eq!(files(Content::Blocks(vec![form("a")]), 2), [0, 1, 1]);
        assert_eq!(files(Content::Plain(String::new()), 2), [1, 1]);
    }
}
