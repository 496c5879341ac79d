//! Content of outgoing messages, checked and parsed before it is committed.

use crate::content::{self, Limits, check};
use crate::model::content::Content;
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
        let limits = Limits {
            attachments,
            ..Limits::default()
        };
        check(&blocks, &limits).map_err(|error| error.to_string())?;
        Ok(Content::Blocks(blocks))
    }
}
