//! Blocks as plain text, for what reads a message's text only.

use crate::model::content::{Block, ButtonKind, Span};

/// The text of blocks, a line or more for each.
pub fn text_of_blocks(blocks: &[Block]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for block in blocks {
        match block {
            Block::Paragraph(spans) => lines.push(text_of_spans(spans)),
            Block::Heading(heading) => lines.push(text_of_spans(&heading.spans)),
            Block::Quote(spans) => lines.push(format!("> {}", text_of_spans(spans))),
            Block::Code(code) => lines.push(code.text.clone()),
            Block::Divider => lines.push("---".to_owned()),
            Block::ListItem(item) => lines.push(format!("- {}", text_of_spans(&item.spans))),
            Block::Table(table) => {
                for row in std::iter::once(&table.header).chain(&table.rows) {
                    let cells: Vec<String> = row.iter().map(|cell| text_of_spans(cell)).collect();
                    lines.push(cells.join("\t"));
                }
            }
            Block::Image(image) => lines.push(image.alternative.clone()),
            Block::Attachment(attachment) => lines.push(attachment.name.clone()),
            Block::Card(card) => {
                lines.push(card.title.clone());
                lines.extend(card.subtitle.clone());
                lines.extend(card.paragraphs.iter().map(|spans| text_of_spans(spans)));
                lines.extend(
                    card.facts
                        .iter()
                        .map(|f| format!("{}: {}", f.name, f.value)),
                );
            }
            Block::Form(form) => {
                lines.extend(form.title.clone());
                lines.extend(form.fields.iter().map(|field| format!("{}:", field.label)));
            }
            Block::Buttons(buttons) => {
                let label = |button: &crate::model::content::Button| match &button.kind {
                    ButtonKind::Link(url) => format!("[{}] {url}", button.label),
                    ButtonKind::Action(_) | ButtonKind::Reply(_) => format!("[{}]", button.label),
                };
                let labels: Vec<String> = buttons.iter().map(label).collect();
                lines.push(labels.join(" "));
            }
            // What follows stands in for it.
            Block::Raw(_) => {}
        }
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// The text of spans.
pub fn text_of_spans(spans: &[Span]) -> String {
    let mut text = String::new();
    for span in spans {
        match span {
            Span::Text(run) => text.push_str(&run.text),
            Span::Link(link) if link.text.is_empty() => text.push_str(&link.url),
            Span::Link(link) => text.push_str(&link.text),
            Span::Mention(mention) => {
                text.push('@');
                text.push_str(&mention.text);
            }
            Span::Cashtag(ticker) => {
                text.push('$');
                text.push_str(ticker);
            }
            Span::Hashtag(topic) => {
                text.push('#');
                text.push_str(topic);
            }
            Span::Emoji(name) => {
                text.push(':');
                text.push_str(name);
                text.push(':');
            }
            Span::DateTime(moment) => text.push_str(&moment_text(moment.at)),
            Span::LineBreak => text.push('\n'),
            Span::Other(other) => text.push_str(&other.text),
        }
    }
    text
}

/// A moment in words, with its zone named.
fn moment_text(at: u64) -> String {
    i64::try_from(at)
        .ok()
        .and_then(|at| jiff::Timestamp::from_millisecond(at).ok())
        .map_or_else(String::new, |at| {
            at.strftime("%Y-%m-%d %H:%M UTC").to_string()
        })
}
