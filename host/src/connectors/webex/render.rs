//! What Webex shows of a content: Markdown, and an Adaptive Card where there is more to it. Pure.
//!
//! A message with a form, buttons or a card is a card in whole: clients show a card in place of the
//! text, which stays for those that have none. Where a block or span has no element, the nearest is
//! sent, with a note.

mod card;
mod check;
mod field;
mod markdown;

use serde_json::{Value, json};

pub use check::{CardError, check_card};

use super::PLATFORM;
use crate::content::{self, clean, clean_line};
use crate::mailbox::SendError;
use crate::model::content::{Block, Content, RawBlock};
use crate::model::payload::ActionError;

/// Bytes of a message's text (webex.md §6.1).
pub const MAX_TEXT_BYTES: usize = 7_439;
/// The media type of a card.
pub const CARD_TYPE: &str = "application/vnd.microsoft.card.adaptive";
/// The most actions of one card (webex.md §7.1).
pub const MAX_ACTIONS: usize = 5;

/// A message as Webex gets it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendered {
    /// The text in Markdown; of a card what stands in for it.
    pub markdown: String,
    /// The card.
    pub card: Option<Value>,
    /// What is not shown as it was meant.
    pub notes: Vec<String>,
}

impl Rendered {
    /// The card in its envelope.
    pub fn attachments(&self) -> Option<Value> {
        let card = self.card.as_ref()?;
        Some(json!([{ "contentType": CARD_TYPE, "content": card }]))
    }
}

/// What was degraded, each once.
#[derive(Debug, Default)]
struct Notes(Vec<String>);

impl Notes {
    fn add(&mut self, note: &str) {
        if !self.0.iter().any(|known| known == note) {
            self.0.push(note.to_owned());
        }
    }
}

/// Renders a content.
///
/// # Errors
/// When the content does not parse, makes more than Webex takes, or has a card that Webex would refuse.
pub fn render(content: &Content) -> Result<Rendered, SendError> {
    let blocks = content::blocks(content).map_err(|error| failed(&error.to_string()))?;
    let mut notes = Notes::default();
    let mut rendered = render_blocks(&blocks, &mut notes);
    if rendered.markdown.len() > MAX_TEXT_BYTES {
        match &rendered.card {
            // The card says it all; what stands in for it is for clients that have none.
            Some(_) => {
                notes.add("text beside the card → shortened");
                rendered.markdown = cut(&rendered.markdown, MAX_TEXT_BYTES);
            }
            None => {
                let bytes = rendered.markdown.len();
                return Err(SendError::Permanent {
                    class: ActionError::TooLarge,
                    detail: format!("text of {bytes} bytes, Webex takes {MAX_TEXT_BYTES}"),
                });
            }
        }
    }
    if let Some(card) = &rendered.card {
        check_card(card).map_err(|error| {
            let class = match error {
                CardError::TooLarge(_) => ActionError::TooLarge,
                _ => ActionError::Failed,
            };
            SendError::Permanent {
                class,
                detail: error.to_string(),
            }
        })?;
    }
    rendered.notes = notes.0;
    Ok(rendered)
}

fn render_blocks(blocks: &[Block], notes: &mut Notes) -> Rendered {
    let blocks = own_markup(blocks, notes);
    let own_card = blocks.iter().find_map(|block| match block {
        Shown::Card(card) => Some(card.clone()),
        _ => None,
    });
    let plain: Vec<&Block> = blocks
        .iter()
        .filter_map(|shown| match shown {
            Shown::Block(block) => Some(*block),
            _ => None,
        })
        .collect();
    let card = match own_card {
        Some(card) => Some(card),
        None if plain.iter().any(|block| wants_card(block)) => Some(card::card(&blocks, notes)),
        None => None,
    };
    // What only the text degrades, the card shows.
    let mut text_notes = Notes::default();
    let markdown = markdown::page(&blocks, &mut text_notes);
    if card.is_none() {
        for note in text_notes.0 {
            notes.add(&note);
        }
    }
    Rendered {
        markdown,
        card,
        notes: Vec::new(),
    }
}

/// A block, or markup of Webex's own in the place of those that stand in for it.
enum Shown<'b> {
    Block(&'b Block),
    Markdown(String),
    Card(Value),
}

fn own_markup<'b>(blocks: &'b [Block], notes: &mut Notes) -> Vec<Shown<'b>> {
    let mut shown = Vec::with_capacity(blocks.len());
    let mut skipped = 0_usize;
    for block in blocks {
        if skipped > 0 {
            skipped -= 1;
            continue;
        }
        let Block::Raw(raw) = block else {
            shown.push(Shown::Block(block));
            continue;
        };
        if let Some(own) = own_of(raw, notes) {
            let is_card = matches!(own, Shown::Card(_));
            shown.push(own);
            // What stands in for a card is the text of clients that show none.
            if !is_card {
                skipped = usize::try_from(raw.fallback).unwrap_or(usize::MAX);
            }
        }
    }
    shown
}

fn own_of(raw: &RawBlock, notes: &mut Notes) -> Option<Shown<'static>> {
    if raw.platform != PLATFORM {
        let note = format!("{} markup → its stand-in", clean_line(&raw.platform));
        notes.add(&note);
        return None;
    }
    if !raw.text.trim_start().starts_with('{') {
        return Some(Shown::Markdown(clean(&raw.text).into_owned()));
    }
    match serde_json::from_str::<Value>(&raw.text) {
        Ok(card) if check_card(&card).is_ok() => Some(Shown::Card(card)),
        _ => {
            notes.add("webex card that Webex would refuse → its stand-in");
            None
        }
    }
}

/// Tells whether a block is more than text.
pub fn wants_card(block: &Block) -> bool {
    matches!(block, Block::Form(_) | Block::Buttons(_) | Block::Card(_))
}

/// Bytes that a block takes of a message's text.
pub fn text_bytes(block: &Block) -> usize {
    let mut notes = Notes::default();
    markdown::page(&[Shown::Block(block)], &mut notes).len() + 2
}

/// Bytes that a block takes of a card.
pub fn card_bytes(block: &Block) -> usize {
    let mut notes = Notes::default();
    card::card(&[Shown::Block(block)], &mut notes)
        .to_string()
        .len()
}

/// How many actions of a card a block takes.
pub fn actions_of(block: &Block) -> usize {
    match block {
        Block::Buttons(buttons) => buttons.len(),
        Block::Card(card) => card.buttons.len(),
        Block::Form(form) => form.buttons.len().max(1),
        _ => 0,
    }
}

/// The beginning of a text, with a sign that there is more.
fn cut(text: &str, most: usize) -> String {
    let more = "…";
    let mut end = most.saturating_sub(more.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{more}", &text[..end])
}

fn failed(detail: &str) -> SendError {
    SendError::Permanent {
        class: ActionError::Failed,
        detail: clean(detail).into_owned(),
    }
}
