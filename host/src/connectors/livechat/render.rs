//! What LiveChat shows of a content: one event, a message, or a rich message. Pure.
//!
//! Text is plain there, so nothing can be smuggled into it. Buttons and cards are rich messages; a
//! row of buttons stands below the text that comes before it. Where an agents-only message has
//! buttons, nobody could press them: they are named in the text.

mod rich;
mod split;

use serde_json::{Map, Value, json};

use crate::content;
use crate::mailbox::SendError;
use crate::model::content::{Block, Content, MediaSource};
use crate::model::event::Visibility;
use crate::model::payload::ActionError;

pub use split::split;

/// The most bytes of one message (livechat.md §4).
pub const MAX_TEXT_BYTES: usize = 16 * 1024;
/// Cards of one rich message.
pub const MAX_CARDS: usize = 10;
/// Buttons of one card, or of a row.
pub const MAX_BUTTONS: usize = 13;
/// Stands before the id of a button in its postback.
pub const PRESS: &str = "press:";
/// Stands before what a reply button says in its postback.
pub const SAY: &str = "say:";
/// Stands before the number of a button that opens an address, of which nobody is told.
const OPEN: &str = "open:";

/// What a rendering has to know beside the content.
#[derive(Clone, Copy, Debug)]
pub struct RenderOptions {
    /// Who sees it.
    pub visibility: Visibility,
    /// The version has rich messages.
    pub is_rich: bool,
    /// How many files the send has.
    pub attachments: usize,
}

/// An event as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The event, without who sees it and what it is called.
    pub event: Map<String, Value>,
    /// The file that it is, by its number; it goes up first.
    pub file: Option<usize>,
    /// What is not shown as it was meant.
    pub notes: Vec<String>,
}

/// Renders a content that is one event, as [`split`] leaves it.
///
/// # Errors
/// When the content does not parse.
pub fn render(content: &Content, options: RenderOptions) -> Result<Rendered, SendError> {
    let blocks = content::blocks(content).map_err(|error| SendError::Permanent {
        class: ActionError::Failed,
        detail: error.to_string(),
    })?;
    if options.attachments > 0 {
        return Ok(file(&blocks));
    }
    if let Some(raw) = own_markup(&blocks) {
        return Ok(Rendered {
            event: raw,
            file: None,
            notes: Vec::new(),
        });
    }
    let is_rich = options.is_rich && options.visibility == Visibility::All;
    if is_rich && let Some(rendered) = rich::render(&blocks) {
        return Ok(rendered);
    }
    let (text, notes) = content::text(&blocks);
    Ok(message(&text, notes))
}

/// A message of text.
fn message(text: &str, notes: Vec<String>) -> Rendered {
    let mut event = Map::new();
    event.insert("type".to_owned(), "message".into());
    // An empty one is refused.
    let text = if text.trim().is_empty() {
        "\u{a0}"
    } else {
        text
    };
    event.insert("text".to_owned(), text.into());
    Rendered {
        event,
        file: None,
        notes,
    }
}

/// The platform's own event, which a plugin wrote for it.
fn own_markup(blocks: &[Block]) -> Option<Map<String, Value>> {
    let raw = blocks.iter().find_map(|block| match block {
        Block::Raw(raw) if raw.platform == super::PLATFORM => Some(&raw.text),
        _ => None,
    })?;
    match serde_json::from_str(raw).ok()? {
        Value::Object(event) if event.contains_key("type") => Some(event),
        _ => None,
    }
}

/// A file, with what stands for it where it cannot be seen.
fn file(blocks: &[Block]) -> Rendered {
    let mut event = Map::new();
    event.insert("type".to_owned(), "file".into());
    let named = blocks.iter().find_map(|block| match block {
        Block::Image(image) if matches!(image.source, MediaSource::Attachment(_)) => {
            Some(&image.alternative)
        }
        _ => None,
    });
    if let Some(alternative) = named.filter(|text| !text.trim().is_empty()) {
        let text = content::clean_line(alternative);
        event.insert("alternative_text".to_owned(), json!(text));
    }
    Rendered {
        event,
        file: Some(0),
        notes: Vec::new(),
    }
}
