//! What Webex shows of a content: Markdown, and an Adaptive Card where there is more to it. Pure.
//!
//! A message with a form, buttons or a card is a card in whole: clients show a card in place of the
//! text, which stays for those that have none. Where a block or span has no element, the nearest is
//! sent, with a note.

mod card;
mod check;
mod field;
mod markdown;
mod schema;
mod table;

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
    /// The card is the plugin's own, and something stands in for it.
    pub has_own_card: bool,
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
    render_as(content, OwnCards::Shown)
}

/// Renders a content with what stands in for the plugin's own cards: Webex has refused one.
///
/// # Errors
/// As [`render`].
pub fn render_stand_in(content: &Content) -> Result<Rendered, SendError> {
    render_as(content, OwnCards::Refused)
}

/// What becomes of a plugin's own cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OwnCards {
    Shown,
    Refused,
}

fn render_as(content: &Content, own: OwnCards) -> Result<Rendered, SendError> {
    let blocks = content::blocks(content).map_err(|error| failed(&error.to_string()))?;
    let mut notes = Notes::default();
    let mut rendered = render_blocks(&blocks, own, &mut notes);
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

fn render_blocks(blocks: &[Block], own: OwnCards, notes: &mut Notes) -> Rendered {
    let blocks = own_markup(blocks, own, notes);
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
    let has_own_card = own_card.is_some();
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
        has_own_card,
        notes: Vec::new(),
    }
}

/// A block, or markup of Webex's own in the place of those that stand in for it.
enum Shown<'b> {
    Block(&'b Block),
    Markdown(String),
    Card(Value),
}

fn own_markup<'b>(blocks: &'b [Block], own: OwnCards, notes: &mut Notes) -> Vec<Shown<'b>> {
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
        if let Some(markup) = own_of(raw, own, notes) {
            let is_card = matches!(markup, Shown::Card(_));
            shown.push(markup);
            // What stands in for a card is the text of clients that show none.
            if !is_card {
                skipped = usize::try_from(raw.fallback).unwrap_or(usize::MAX);
            }
        }
    }
    shown
}

fn own_of(raw: &RawBlock, own: OwnCards, notes: &mut Notes) -> Option<Shown<'static>> {
    if raw.platform != PLATFORM {
        let note = format!("{} markup → its stand-in", clean_line(&raw.platform));
        notes.add(&note);
        return None;
    }
    if !raw.text.trim_start().starts_with('{') {
        return Some(Shown::Markdown(clean(&raw.text).into_owned()));
    }
    let checked = serde_json::from_str::<Value>(&raw.text)
        .map_err(|error| error.to_string())
        .and_then(|card| match check_card(&card) {
            Ok(()) => Ok(card),
            Err(error) => Err(error.to_string()),
        });
    match checked {
        Ok(card) if own == OwnCards::Shown => Some(Shown::Card(card)),
        Ok(_) => {
            notes.add("webex card that Webex refuses → its stand-in");
            None
        }
        Err(error) => {
            // What is wrong with it only its author can put right.
            let note = format!("webex card that Webex would refuse ({error}) → its stand-in");
            notes.add(&clean_line(&note));
            None
        }
    }
}

/// Tells whether a block is more than text.
pub fn wants_card(block: &Block) -> bool {
    match block {
        Block::Form(_) | Block::Buttons(_) | Block::Card(_) => true,
        Block::Table(table) => table::is_narrow(table),
        _ => false,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(markdown: &str) -> Rendered {
        render(&Content::Markdown(markdown.to_owned())).unwrap()
    }

    #[test]
    fn code_and_tables_mention_nobody() {
        let wide = "a|b|c|d|e|f\n-|-|-|-|-|-\n<@all>|2|3|4|5|6";
        for text in ["`<@all>`", "```\n<@all>\n```", "# <@all>", "<@all>", wide] {
            let shown = rendered(text).markdown;
            assert!(
                !shown.contains("<@") && shown.contains("@all"),
                "{text}: {shown}"
            );
        }
        let card = rendered("a|b\n-|-\n`<@all>`|<@all>").card.unwrap();
        assert!(!card.to_string().contains("<@"), "{card}");
    }

    #[test]
    fn five_columns_stand_side_by_side_and_more_are_aligned_text() {
        let table = |columns: usize| {
            let row = |cell: &str| vec![cell; columns].join("|");
            rendered(&format!("{}\n{}\n{}", row("h"), row("-"), row("c")))
        };
        let five = table(5);
        let card = five.card.unwrap();
        assert_eq!(card["body"].as_array().unwrap().len(), 2, "{card}");
        assert_eq!(card["body"][1]["columns"].as_array().unwrap().len(), 5);
        assert_eq!(
            card["body"][0]["columns"][0]["items"][0]["weight"],
            "Bolder"
        );
        assert_eq!(five.notes, Vec::<String>::new());
        let six = table(6);
        assert_eq!(
            (six.card, six.notes),
            (None, vec!["table → aligned text".to_owned()])
        );
    }

    #[test]
    fn a_refused_card_of_a_plugin_s_own_has_a_stand_in() {
        let raw = |text: &str| RawBlock {
            platform: PLATFORM.to_owned(),
            text: text.to_owned(),
            fallback: 1,
        };
        let content = |text: &str| {
            let instead = Block::Paragraph(vec![content::plain("instead")]);
            Content::Blocks(vec![Block::Raw(raw(text)), instead])
        };
        let good = content(r#"{"type": "AdaptiveCard", "version": "1.3", "body": []}"#);
        let shown = render(&good).unwrap();
        assert!(shown.card.is_some() && shown.has_own_card && shown.notes.is_empty());
        let refused = render_stand_in(&good).unwrap();
        assert_eq!((refused.card, &*refused.markdown), (None, "instead"));
        assert_eq!(refused.notes.len(), 1);
        let wrong = content(r#"{"type": "AdaptiveCard", "version": "1.3", "body": 5}"#);
        let shown = render(&wrong).unwrap();
        assert_eq!((shown.card, &*shown.markdown), (None, "instead"));
        assert!(
            shown.notes[0].contains("#/body: a list is expected"),
            "{:?}",
            shown.notes
        );
    }
}
