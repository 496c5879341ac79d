//! What a message says: builders for every block, span and field.
//!
//! Text is data: nothing in it becomes markup, a mention or a link. Markdown and MessageML are for
//! fixed text; put a person's words into [`Blocks`] instead.

mod card;
mod form;
mod line;
mod table;

pub use card::{Buttons, Card};
pub use form::Form;
pub use line::Line;
pub use table::Table;

pub use crate::bindings::parlor::bot::content::{
    Alignment, AttachmentBlock, Block, Button, ButtonKind, ButtonStyle, Choice, CodeBlock, Content,
    DateFormat, DateTimeSpan, Fact, Field, FieldKind, FieldPattern, FormAnswers, FormAudience,
    FormEnd, Heading, Image, LinkSpan, ListItem, MediaSource, MentionSpan, MentionTarget,
    OtherField, OtherSpan, RawBlock, Span, TextSpan, TextStyle, Timestamp,
};

/// The contract's own records for what [`Table`], [`Card`] and [`Form`] build.
pub mod raw {
    pub use crate::bindings::parlor::bot::content::{Card, Form, Table};
}

impl Content {
    /// Shows text as it is.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Plain(text.into())
    }

    /// Shows CommonMark with tables.
    pub fn markdown(text: impl Into<String>) -> Self {
        Self::Markdown(text.into())
    }

    /// Shows Symphony's MessageML, on every platform. An unknown tag refuses the message.
    pub fn message_ml(text: impl Into<String>) -> Self {
        Self::MessageMl(text.into())
    }

    /// Shows blocks.
    pub fn blocks(blocks: impl IntoIterator<Item = impl Into<Block>>) -> Self {
        Self::Blocks(blocks.into_iter().map(Into::into).collect())
    }
}

/// Content made of blocks, one after the other.
///
/// ```
/// use parlor_sdk::prelude::*;
///
/// let page = Blocks::new()
///     .heading(1, "Lunch")
///     .paragraph(Line::new().text("Today: ").bold("soup"))
///     .item("bread")
///     .item("butter")
///     .table(Table::new().header(["What", "Price"]).row(["Soup", "4.50"]));
/// # let _: Content = page.into();
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Blocks(Vec<Block>);

impl Blocks {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds any block.
    #[must_use]
    pub fn block(mut self, block: impl Into<Block>) -> Self {
        self.0.push(block.into());
        self
    }

    /// Adds running text.
    #[must_use]
    pub fn paragraph(self, line: impl Into<Line>) -> Self {
        self.block(Block::Paragraph(line.into().into()))
    }

    /// Adds a title of level 1 (largest) to 6.
    #[must_use]
    pub fn heading(self, level: u8, line: impl Into<Line>) -> Self {
        self.block(Block::Heading(Heading {
            level,
            spans: line.into().into(),
        }))
    }

    /// Adds somebody's words.
    #[must_use]
    pub fn quote(self, line: impl Into<Line>) -> Self {
        self.block(Block::Quote(line.into().into()))
    }

    /// Adds code in no known language.
    #[must_use]
    pub fn code(self, text: impl Into<String>) -> Self {
        self.block(Block::Code(CodeBlock {
            language: None,
            text: text.into(),
        }))
    }

    /// Adds code in a language: `rust`, `json`, …
    #[must_use]
    pub fn code_in(self, language: impl Into<String>, text: impl Into<String>) -> Self {
        self.block(Block::Code(CodeBlock {
            language: Some(language.into()),
            text: text.into(),
        }))
    }

    /// Adds a line across.
    #[must_use]
    pub fn divider(self) -> Self {
        self.block(Block::Divider)
    }

    /// Adds a bullet of the outermost list.
    #[must_use]
    pub fn item(self, line: impl Into<Line>) -> Self {
        self.item_at(0, line)
    }

    /// Adds a bullet, 0 to 8 levels deep.
    #[must_use]
    pub fn item_at(self, indent: u8, line: impl Into<Line>) -> Self {
        let spans = line.into().into();
        self.block(Block::ListItem(ListItem {
            indent,
            ordered: false,
            spans,
        }))
    }

    /// Adds a numbered line, 0 to 8 levels deep; the host numbers it.
    #[must_use]
    pub fn numbered_at(self, indent: u8, line: impl Into<Line>) -> Self {
        let spans = line.into().into();
        self.block(Block::ListItem(ListItem {
            indent,
            ordered: true,
            spans,
        }))
    }

    /// Adds a table.
    #[must_use]
    pub fn table(self, table: Table) -> Self {
        self.block(table)
    }

    /// Adds an image at an address that the reader's client opens.
    #[must_use]
    pub fn image(self, url: impl Into<String>, alternative: impl Into<String>) -> Self {
        let source = MediaSource::Url(url.into());
        self.block(Block::Image(Image {
            source,
            alternative: alternative.into(),
        }))
    }

    /// Adds an image that is one of the send's attachments, from 0.
    #[must_use]
    pub fn attached_image(self, number: u32, alternative: impl Into<String>) -> Self {
        let source = MediaSource::Attachment(number);
        self.block(Block::Image(Image {
            source,
            alternative: alternative.into(),
        }))
    }

    /// Adds a file at an address that the reader's client opens.
    #[must_use]
    pub fn file(self, url: impl Into<String>, name: impl Into<String>) -> Self {
        let source = MediaSource::Url(url.into());
        self.block(Block::Attachment(AttachmentBlock {
            source,
            name: name.into(),
        }))
    }

    /// Adds a file that is one of the send's attachments, from 0.
    #[must_use]
    pub fn attached_file(self, number: u32, name: impl Into<String>) -> Self {
        let source = MediaSource::Attachment(number);
        self.block(Block::Attachment(AttachmentBlock {
            source,
            name: name.into(),
        }))
    }

    /// Adds a card.
    #[must_use]
    pub fn card(self, card: Card) -> Self {
        self.block(card)
    }

    /// Adds a form.
    #[must_use]
    pub fn form(self, form: Form) -> Self {
        self.block(form)
    }

    /// Adds a row of buttons.
    #[must_use]
    pub fn buttons(self, buttons: Buttons) -> Self {
        self.block(buttons)
    }

    /// Adds one platform's own markup, with the blocks that stand in for it elsewhere: at least one.
    #[must_use]
    pub fn raw(
        mut self,
        platform: impl Into<String>,
        text: impl Into<String>,
        fallback: Blocks,
    ) -> Self {
        let count = fallback.0.len().try_into().unwrap_or(u32::MAX);
        let (platform, text) = (platform.into(), text.into());
        self.0.push(Block::Raw(RawBlock {
            platform,
            text,
            fallback: count,
        }));
        self.0.extend(fallback.0);
        self
    }
}

impl From<Blocks> for Content {
    fn from(Blocks(blocks): Blocks) -> Self {
        Self::Blocks(blocks)
    }
}

impl From<Blocks> for crate::Reply {
    fn from(blocks: Blocks) -> Self {
        Content::from(blocks).into()
    }
}

impl crate::IntoReply for Blocks {
    fn into_reply(self) -> Result<crate::Reply, crate::Error> {
        Ok(self.into())
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

impl From<&String> for Content {
    fn from(text: &String) -> Self {
        Self::Plain(text.clone())
    }
}

macro_rules! single_blocks {
    ($($builder:ty),*) => {$(
        impl From<$builder> for Content {
            fn from(block: $builder) -> Self {
                Self::Blocks(vec![block.into()])
            }
        }
    )*};
}

single_blocks!(Line, Table, Card, Form, Buttons);
