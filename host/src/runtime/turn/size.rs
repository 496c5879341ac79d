//! Counts the bytes of text in a message.

use crate::model::content::{Block, Button, ButtonKind, Content, Span};

/// Bytes of everything that a person could read or a platform would get.
pub(super) fn text_bytes(content: &Content) -> usize {
    match content {
        Content::Plain(text) | Content::Markdown(text) | Content::MessageMl(text) => text.len(),
        Content::Blocks(blocks) => blocks.iter().map(block_bytes).sum(),
    }
}

fn block_bytes(block: &Block) -> usize {
    // A block costs something even where it says nothing, so that a million dividers are not free.
    1 + match block {
        Block::Paragraph(spans) | Block::Quote(spans) => spans_bytes(spans),
        Block::Heading(heading) => spans_bytes(&heading.spans),
        Block::Code(code) => code.text.len() + code.language.as_ref().map_or(0, String::len),
        Block::Divider => 0,
        Block::ListItem(item) => spans_bytes(&item.spans),
        Block::Table(table) => {
            let cells = table.header.iter().chain(table.rows.iter().flatten());
            table.rows.len() + cells.map(|cell| 1 + spans_bytes(cell)).sum::<usize>()
        }
        Block::Image(image) => image.alternative.len() + source_bytes(&image.source),
        Block::Attachment(file) => file.name.len() + source_bytes(&file.source),
        Block::Card(card) => {
            let paragraphs = card.paragraphs.iter().map(|spans| 1 + spans_bytes(spans));
            let facts = card.facts.iter();
            card.title.len()
                + card.subtitle.as_ref().map_or(0, String::len)
                + paragraphs.sum::<usize>()
                + facts
                    .map(|fact| 1 + fact.name.len() + fact.value.len())
                    .sum::<usize>()
                + buttons_bytes(&card.buttons)
        }
        // A form has many small texts; its JSON is what the journal keeps of it.
        Block::Form(form) => serde_json::to_vec(form).map_or(usize::MAX / 4, |json| json.len()),
        Block::Buttons(buttons) => buttons_bytes(buttons),
        Block::Raw(raw) => raw.platform.len() + raw.text.len(),
    }
}

fn spans_bytes(spans: &[Span]) -> usize {
    spans.iter().map(|span| 1 + span_bytes(span)).sum()
}

fn span_bytes(span: &Span) -> usize {
    use crate::model::content::MentionTarget;
    match span {
        Span::Text(text) => text.text.len(),
        Span::Link(link) => link.text.len() + link.url.len(),
        Span::Mention(mention) => {
            mention.text.len()
                + match &mention.target {
                    MentionTarget::User(name) | MentionTarget::Email(name) => name.len(),
                    MentionTarget::All => 0,
                }
        }
        Span::Cashtag(text) | Span::Hashtag(text) | Span::Emoji(text) => text.len(),
        Span::DateTime(_) => 8,
        Span::LineBreak => 0,
        Span::Other(other) => other.kind.len() + other.text.len(),
    }
}

fn source_bytes(source: &crate::model::content::MediaSource) -> usize {
    match source {
        crate::model::content::MediaSource::Url(url) => url.len(),
        crate::model::content::MediaSource::Attachment(_) => 0,
    }
}

fn buttons_bytes(buttons: &[Button]) -> usize {
    let bytes = |button: &Button| {
        button.label.len()
            + match &button.kind {
                ButtonKind::Action(action) => action.id.len() + action.value.len(),
                ButtonKind::Link(text) | ButtonKind::Reply(text) => text.len(),
            }
    };
    buttons.iter().map(|button| 1 + bytes(button)).sum()
}
