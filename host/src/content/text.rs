//! Blocks as plain text.

use unicode_width::UnicodeWidthStr as _;

use super::{clean, emoji};
use crate::model::content::{
    Alignment, Block, Button, ButtonKind, Card, DateFormat, Field, FieldKind, Form, MediaSource,
    Span, Table,
};

/// Renders blocks as plain text, with notes on what was degraded.
pub fn text(blocks: &[Block]) -> (String, Vec<String>) {
    let mut lines: Vec<String> = Vec::new();
    let mut notes: Vec<String> = Vec::new();
    let mut note = |text: &str| {
        if !notes.iter().any(|known| known == text) {
            notes.push(text.to_owned());
        }
    };
    let mut numbers = [0_usize; 9];
    for block in blocks {
        if !matches!(block, Block::ListItem(_)) {
            numbers = [0; 9];
        }
        if let Block::Raw(_) = block {
            note("raw → fallback");
            continue;
        }
        match block {
            Block::Paragraph(spans) => lines.push(spans_text(spans)),
            Block::Heading(heading) => lines.push(spans_text(&heading.spans)),
            Block::Quote(spans) => lines.push(prefixed("> ", &spans_text(spans))),
            Block::Code(code) => lines.push(clean(&code.text)),
            Block::Divider => lines.push("----".to_owned()),
            Block::ListItem(item) => {
                let level = usize::from(item.indent).min(8);
                numbers[level] += 1;
                numbers[level + 1..].fill(0);
                let mark = if item.ordered {
                    format!("{}. ", numbers[level])
                } else {
                    "- ".to_owned()
                };
                lines.push(format!(
                    "{}{mark}{}",
                    "  ".repeat(level),
                    spans_text(&item.spans)
                ));
            }
            Block::Table(table) => {
                note("table → aligned text");
                lines.push(table_text(table));
            }
            Block::Image(image) => lines.push(media("image", &image.alternative, &image.source)),
            Block::Attachment(file) => lines.push(media("file", &file.name, &file.source)),
            Block::Card(card) => {
                note("card → text");
                lines.push(card_text(card));
            }
            Block::Form(form) => {
                note("form → text");
                lines.push(form_text(form));
            }
            Block::Buttons(buttons) => lines.push(buttons_text(buttons)),
            Block::Raw(_) => {}
        }
    }
    (lines.join("\n"), notes)
}

/// Renders spans as plain text.
pub fn spans_text(spans: &[Span]) -> String {
    spans.iter().map(span_text).collect()
}

pub(super) fn span_text(span: &Span) -> String {
    match span {
        Span::Text(span) => clean(&span.text),
        Span::Link(link) if link.text.is_empty() || link.text == link.url => clean(&link.url),
        Span::Link(link) => format!("{} ({})", clean(&link.text), clean(&link.url)),
        Span::Mention(mention) => format!("@{}", clean(&mention.text)),
        Span::Cashtag(ticker) => format!("${}", clean(ticker)),
        Span::Hashtag(tag) => format!("#{}", clean(tag)),
        Span::Emoji(code) => {
            emoji(code).map_or_else(|| format!(":{}:", clean(code)), str::to_owned)
        }
        Span::DateTime(moment) => moment_text(moment.at, moment.format),
        Span::LineBreak => "\n".to_owned(),
        Span::Other(other) => clean(&other.text),
    }
}

fn moment_text(at: u64, format: DateFormat) -> String {
    let moment = i64::try_from(at)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let Some(moment) = moment else {
        return at.to_string();
    };
    let pattern = match format {
        DateFormat::Date => "%Y-%m-%d",
        DateFormat::Time => "%H:%M UTC",
        DateFormat::DateTime => "%Y-%m-%d %H:%M UTC",
    };
    moment.strftime(pattern).to_string()
}

/// Every address in a block.
pub(super) fn links(block: &Block) -> Vec<&str> {
    fn of_spans(spans: &[Span]) -> impl Iterator<Item = &str> {
        spans.iter().filter_map(|span| match span {
            Span::Link(link) => Some(link.url.as_str()),
            _ => None,
        })
    }
    fn of_buttons(buttons: &[Button]) -> impl Iterator<Item = &str> {
        buttons.iter().filter_map(|button| match &button.kind {
            ButtonKind::Link(url) => Some(url.as_str()),
            _ => None,
        })
    }
    match block {
        Block::Paragraph(spans) | Block::Quote(spans) => of_spans(spans).collect(),
        Block::Heading(heading) => of_spans(&heading.spans).collect(),
        Block::ListItem(item) => of_spans(&item.spans).collect(),
        Block::Table(table) => table
            .header
            .iter()
            .chain(table.rows.iter().flatten())
            .flat_map(|cell| of_spans(cell))
            .collect(),
        Block::Card(card) => card
            .paragraphs
            .iter()
            .flat_map(|spans| of_spans(spans))
            .chain(of_buttons(&card.buttons))
            .collect(),
        Block::Form(form) => of_buttons(&form.buttons).collect(),
        Block::Buttons(buttons) => of_buttons(buttons).collect(),
        Block::Image(image) => match &image.source {
            MediaSource::Url(url) => vec![url.as_str()],
            MediaSource::Attachment(_) => Vec::new(),
        },
        Block::Attachment(file) => match &file.source {
            MediaSource::Url(url) => vec![url.as_str()],
            MediaSource::Attachment(_) => Vec::new(),
        },
        Block::Code(_) | Block::Divider | Block::Raw(_) => Vec::new(),
    }
}

fn prefixed(prefix: &str, text: &str) -> String {
    text.lines()
        .map(|line| format!("{prefix}{line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn media(what: &str, name: &str, source: &MediaSource) -> String {
    match source {
        MediaSource::Url(url) => format!("{} ({})", clean(name), clean(url)),
        MediaSource::Attachment(_) => format!("[{what}: {}]", clean(name)),
    }
}

/// The cells of a table as text, every row as wide as the header.
pub(super) fn cells(table: &Table) -> Vec<Vec<String>> {
    let width = table
        .rows
        .iter()
        .map(Vec::len)
        .chain([table.header.len()])
        .max()
        .unwrap_or(0);
    std::iter::once(&table.header)
        .chain(&table.rows)
        .map(|row| {
            let mut cells: Vec<String> = row
                .iter()
                .map(|cell| spans_text(cell).replace('\n', " "))
                .collect();
            cells.resize(width, String::new());
            cells
        })
        .collect()
}

/// The widest cell of each column.
pub(super) fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.first().map_or(0, Vec::len);
    (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width())
                .max()
                .unwrap_or(0)
        })
        .collect()
}

/// A cell filled up to its column's width.
pub(super) fn padded(cell: &str, width: usize, side: Alignment) -> String {
    let room = width.saturating_sub(cell.width());
    match side {
        Alignment::Left => format!("{cell}{}", " ".repeat(room)),
        Alignment::Right => format!("{}{cell}", " ".repeat(room)),
        Alignment::Center => {
            let left = room / 2;
            format!("{}{cell}{}", " ".repeat(left), " ".repeat(room - left))
        }
    }
}

fn table_text(table: &Table) -> String {
    let rows = cells(table);
    let widths = widths(&rows);
    let line = |row: &Vec<String>| {
        row.iter()
            .enumerate()
            .map(|(column, cell)| {
                let side = table
                    .columns
                    .get(column)
                    .copied()
                    .unwrap_or(Alignment::Left);
                padded(cell, widths[column], side)
            })
            .collect::<Vec<_>>()
            .join("  ")
            .trim_end()
            .to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn card_text(card: &Card) -> String {
    let mut lines = vec![clean(&card.title)];
    lines.extend(card.subtitle.as_deref().map(clean));
    lines.extend(card.paragraphs.iter().map(|spans| spans_text(spans)));
    lines.extend(
        card.facts
            .iter()
            .map(|fact| format!("{}: {}", clean(&fact.name), clean(&fact.value))),
    );
    if !card.buttons.is_empty() {
        lines.push(buttons_text(&card.buttons));
    }
    lines.join("\n")
}

pub(super) fn buttons_text(buttons: &[Button]) -> String {
    buttons
        .iter()
        .map(|button| match &button.kind {
            ButtonKind::Action(_) => format!("[{}]", clean(&button.label)),
            ButtonKind::Link(url) => format!("[{}] ({})", clean(&button.label), clean(url)),
            ButtonKind::Reply(text) => format!("[{}] “{}”", clean(&button.label), clean(text)),
        })
        .collect::<Vec<_>>()
        .join("  ")
}

fn form_text(form: &Form) -> String {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(form.title.as_deref().map(clean));
    lines.extend(
        form.fields
            .iter()
            .filter(|field| field.kind != FieldKind::Hidden)
            .map(field_text),
    );
    lines.push(if form.buttons.is_empty() {
        "[Submit]".to_owned()
    } else {
        buttons_text(&form.buttons)
    });
    lines.join("\n")
}

pub(super) fn field_text(field: &Field) -> String {
    let mut line = format!(
        "{}{}: ",
        clean(&field.label),
        if field.required { " *" } else { "" }
    );
    if field.choices.is_empty() {
        let value = field.defaults.join(", ");
        let hint = field.placeholder.as_deref().unwrap_or_default();
        line.push_str(&if value.is_empty() {
            format!("[{}]", clean(hint))
        } else {
            clean(&value)
        });
    } else {
        let labels: Vec<String> = field.choices.iter().map(|c| clean(&c.label)).collect();
        line.push_str(&labels.join(" | "));
    }
    format!("{line}  ({})", field.id)
}
