//! What Symphony shows of a content: MessageML. Pure.
//!
//! MessageML that a plugin wrote goes as it is written once `content` understands it. Everything else
//! is made of blocks. Where a block or span has no element that the agent takes, the nearest is sent,
//! with a note.

mod field;
mod form;
mod inline;
mod markup;
mod page;

use serde_json::{Value, json};

use self::page::Page;
use crate::content::{self, clean};
use crate::mailbox::SendError;
use crate::model::content::{Block, Content, MediaSource, Span};
use crate::model::payload::ActionError;

/// The most bytes of a message and its data.
pub const MAX_MESSAGE_BYTES: usize = 1_500_000;
/// The most entities (mentions, tags, emoji, moments) of a message.
pub const MAX_ENTITIES: usize = 80;
/// What the mark of a message is called in its entity data.
pub(super) const MARK_KEY: &str = "parlor";
/// The type of that entity.
pub(super) const MARK_TYPE: &str = "dev.parlor.part";

/// What a rendering has to know beside the content.
#[derive(Clone, Copy, Debug, Default)]
pub struct RenderOptions<'o> {
    /// How many attachments the send has.
    pub attachments: usize,
    /// What the message is found again by: it goes into the entity data, where nobody sees it.
    pub mark: Option<&'o str>,
}

/// A message as the agent gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The whole message, `<messageML>…</messageML>`.
    pub message: String,
    /// Its entity data.
    pub data: Option<String>,
    /// What is not shown as it was meant.
    pub notes: Vec<String>,
    /// The send's attachments, in the order in which they go.
    pub files: Vec<usize>,
}

/// Renders a content.
///
/// # Errors
/// When the content does not parse, or makes more than Symphony takes.
pub fn render(content: &Content, options: RenderOptions<'_>) -> Result<Rendered, SendError> {
    let (message, notes, files) = match content {
        Content::MessageMl(source) => {
            // What is understood here is what the agent will understand.
            content::blocks(content).map_err(refused)?;
            let message = content::message_ml(source).map_err(refused)?;
            (message, Vec::new(), files(&[], options.attachments))
        }
        Content::Plain(text) => {
            let mut page = Page::default();
            page.line(&[content::plain(text.as_str())]);
            let (body, notes) = page.finish();
            (wrap(&body), notes, files(&[], options.attachments))
        }
        Content::Blocks(blocks) => {
            let (message, notes) = blocks_message(blocks);
            (message, notes, files(blocks, options.attachments))
        }
        Content::Markdown(_) => {
            let blocks = content::blocks(content).map_err(refused)?;
            let (message, notes) = blocks_message(&blocks);
            (message, notes, files(&blocks, options.attachments))
        }
    };
    let data = options.mark.map(|mark| {
        let mark = mark_data(mark);
        json!({ MARK_KEY: mark }).to_string()
    });
    let rendered = Rendered {
        message,
        data,
        notes,
        files,
    };
    match rendered.bytes() {
        bytes if bytes > MAX_MESSAGE_BYTES => Err(too_large(bytes)),
        _ => Ok(rendered),
    }
}

impl Rendered {
    /// How much the agent gets.
    pub(super) fn bytes(&self) -> usize {
        self.message.len() + self.data.as_ref().map_or(0, String::len)
    }
}

/// The entity by which a message is found again.
pub(super) fn mark_data(mark: &str) -> Value {
    json!({"type": MARK_TYPE, "version": "1.0", "id": mark})
}

/// Refuses a message of so many bytes.
pub(super) fn too_large(bytes: usize) -> SendError {
    SendError::Permanent {
        class: ActionError::TooLarge,
        detail: format!("message of {bytes} bytes, Symphony takes {MAX_MESSAGE_BYTES}"),
    }
}

fn blocks_message(blocks: &[Block]) -> (String, Vec<String>) {
    if is_chime(blocks) {
        return (wrap("<chime/>"), Vec::new());
    }
    let mut page = Page::default();
    page.blocks(blocks);
    let (body, notes) = page.finish();
    (wrap(&body), notes)
}

// The agent takes it only where it is all that a message says.
fn is_chime(blocks: &[Block]) -> bool {
    match blocks {
        [Block::Paragraph(spans)] => {
            matches!(spans.as_slice(), [Span::Other(other)] if other.kind == "chime")
        }
        _ => false,
    }
}

// The agent refuses a message that says nothing; a space is enough.
fn wrap(body: &str) -> String {
    let body = if body.is_empty() { " " } else { body };
    format!("<messageML>{body}</messageML>")
}

// What the blocks name stands where they name it; the rest follows.
fn files(blocks: &[Block], attachments: usize) -> Vec<usize> {
    let mut files: Vec<usize> = Vec::with_capacity(attachments);
    let named = blocks.iter().filter_map(attachment_of);
    for number in named.chain(0..attachments) {
        if number < attachments && !files.contains(&number) {
            files.push(number);
        }
    }
    files
}

/// The attachment that a block names.
pub(super) fn attachment_of(block: &Block) -> Option<usize> {
    let source = match block {
        Block::Image(image) => &image.source,
        Block::Attachment(file) => &file.source,
        _ => return None,
    };
    match source {
        MediaSource::Attachment(number) => usize::try_from(*number).ok(),
        MediaSource::Url(_) => None,
    }
}

fn refused(error: content::ContentError) -> SendError {
    SendError::Permanent {
        class: ActionError::Failed,
        detail: clean(&error.to_string()).into_owned(),
    }
}

/// What a block makes of a message, for the one who splits.
pub(super) fn rendered_block(block: &Block) -> String {
    let mut page = Page::default();
    page.blocks(std::slice::from_ref(block));
    page.finish().0
}
