//! Content of outgoing messages, checked and parsed before it is committed.

use crate::content::{self, Limits, check};
use crate::model::content::{Block, Content};
use crate::runtime::turn::ContentCheck;

/// Parses everything but plain text into blocks: connectors, forms and buttons need them. MessageML stays
/// as it was written once it is understood, because a platform that has it shows all of it; with
/// several forms it is blocks too, which are sent one form a message.
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
        let forms = blocks
            .iter()
            .filter(|block| matches!(block, Block::Form(_)));
        if matches!(content, Content::MessageMl(_)) && forms.count() < 2 {
            return Ok(content);
        }
        Ok(Content::Blocks(blocks))
    }
}
