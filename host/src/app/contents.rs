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

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(source: &str) -> Result<Content, String> {
        ParsedContent.check(Content::MessageMl(source.to_owned()), 0)
    }

    #[test]
    fn messageml_that_is_understood_stays_as_it_was_written() {
        let form = |id: &str| {
            format!(
                "<form id=\"{id}\"><text-field name=\"a\"/><button name=\"b\">c</button></form>"
            )
        };
        let one = format!("<messageML>{}</messageML>", form("f"));
        assert_eq!(checked(&one), Ok(Content::MessageMl(one)));
        // Each form gets a message of its own, which is made of blocks.
        let two = format!("<messageML>{}{}</messageML>", form("f"), form("g"));
        assert!(matches!(checked(&two), Ok(Content::Blocks(blocks)) if blocks.len() == 2));
        let refused = checked("<messageML><blink/></messageML>").unwrap_err();
        assert!(refused.contains("unknown tag <blink>"), "{refused}");
    }
}
