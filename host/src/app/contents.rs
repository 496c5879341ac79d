//! Content of outgoing messages, checked and parsed before it is committed.

use crate::content;
use crate::model::content::{Block, Content, MediaSource};
use crate::runtime::turn::ContentCheck;

/// Parses everything but plain text into blocks: connectors, forms and buttons need them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ParsedContent;

impl ContentCheck for ParsedContent {
    fn check(&self, content: Content, attachments: usize) -> Result<Content, String> {
        if matches!(content, Content::Plain(_)) {
            return Ok(content);
        }
        let blocks = content::blocks(&content).map_err(|error| error.to_string())?;
        for block in &blocks {
            let source = match block {
                Block::Image(image) => &image.source,
                Block::Attachment(file) => &file.source,
                _ => continue,
            };
            if let MediaSource::Attachment(number) = source
                && *number as usize >= attachments
            {
                return Err(format!(
                    "a block names attachment {number}, the message has {attachments}"
                ));
            }
        }
        Ok(Content::Blocks(blocks))
    }
}
