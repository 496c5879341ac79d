//! What came of an event on the bench.

use crate::actions::{Action, ActionKind, Send};
use crate::content::{Block, Content, MentionTarget, Span};
use crate::{Error, Reply};

/// What came of an event: actions, or an error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The actions, in order; none where there is an error.
    pub actions: Vec<Action>,
    /// Why the event was not handled.
    pub error: Option<Error>,
}

impl Answer {
    pub(super) fn new(handled: Result<Reply, Error>) -> Self {
        match handled {
            Ok(reply) => Self {
                actions: reply.into(),
                error: None,
            },
            Err(error) => Self {
                actions: Vec::new(),
                error: Some(error),
            },
        }
    }

    /// Lists the messages sent.
    pub fn sends(&self) -> Vec<&Send> {
        self.actions
            .iter()
            .filter_map(|action| match &action.kind {
                ActionKind::Send(send) => Some(send),
                _ => None,
            })
            .collect()
    }

    /// Lists the messages sent, as plain text: cells are parted by tabs, blocks by line feeds.
    pub fn texts(&self) -> Vec<String> {
        self.sends()
            .iter()
            .map(|send| content_text(&send.content))
            .collect()
    }
}

fn content_text(content: &Content) -> String {
    match content {
        Content::Plain(text) | Content::Markdown(text) | Content::MessageMl(text) => text.clone(),
        Content::Blocks(blocks) => blocks.iter().map(block_text).collect::<Vec<_>>().join("\n"),
    }
}

fn block_text(block: &Block) -> String {
    let row = |cells: &[Vec<Span>]| {
        cells
            .iter()
            .map(|cell| spans_text(cell))
            .collect::<Vec<_>>()
            .join("\t")
    };
    match block {
        Block::Paragraph(spans) | Block::Quote(spans) => spans_text(spans),
        Block::Heading(heading) => spans_text(&heading.spans),
        Block::Code(code) => code.text.clone(),
        Block::Divider => "---".to_owned(),
        Block::ListItem(item) => ["- ", &spans_text(&item.spans)].concat(),
        Block::Table(table) => std::iter::once(&table.header)
            .chain(&table.rows)
            .map(|cells| row(cells))
            .collect::<Vec<_>>()
            .join("\n"),
        Block::Image(image) => image.alternative.clone(),
        Block::Attachment(file) => file.name.clone(),
        Block::Card(card) => card.title.clone(),
        Block::Form(form) => form.title.clone().unwrap_or_else(|| form.id.clone()),
        Block::Buttons(buttons) => buttons
            .iter()
            .map(|button| button.label.as_str())
            .collect::<Vec<_>>()
            .join(" "),
        Block::Raw(raw) => raw.text.clone(),
    }
}

fn spans_text(spans: &[Span]) -> String {
    spans
        .iter()
        .map(|span| match span {
            Span::Text(text) => text.text.clone(),
            Span::Link(link) if link.text.is_empty() => link.url.clone(),
            Span::Link(link) => link.text.clone(),
            Span::Mention(mention) => match mention.target {
                MentionTarget::All => "@all".to_owned(),
                _ => ["@", &mention.text].concat(),
            },
            Span::Cashtag(ticker) => ["$", ticker].concat(),
            Span::Hashtag(topic) => ["#", topic].concat(),
            Span::Emoji(code) => [":", code, ":"].concat(),
            Span::DateTime(moment) => moment.at.to_string(),
            Span::LineBreak => "\n".to_owned(),
            Span::Other(other) => other.text.clone(),
        })
        .collect()
}
