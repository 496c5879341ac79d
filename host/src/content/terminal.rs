//! Blocks for a terminal: styled where it can show styles, boxes around tables.

use super::text::{buttons_text, cells, field_text, padded, span_text, spans_text, widths};
use super::{clean, text};
use crate::model::content::{Alignment, Block, Card, FieldKind, Form, Span, Table, TextStyle};

/// Renders blocks for a terminal of this many columns.
pub fn terminal(blocks: &[Block], width: usize, styled: bool) -> String {
    let mut parts = Vec::new();
    let mut numbers = [0_usize; 10];
    for block in blocks {
        if let Block::ListItem(item) = block {
            let level = usize::from(item.indent).min(8);
            numbers[level] += 1;
            numbers[level + 1..].fill(0);
            let mark = if item.ordered {
                format!("{}.", numbers[level])
            } else {
                "•".to_owned()
            };
            parts.push(format!(
                "{}{mark} {}",
                "  ".repeat(level),
                spans(&item.spans, styled)
            ));
            continue;
        }
        numbers = [0; 10];
        parts.extend(match block {
            Block::Paragraph(line) => Some(spans(line, styled)),
            Block::Heading(heading) => Some(paint("1", &spans_text(&heading.spans), styled)),
            Block::Quote(line) => Some(framed("│ ", &spans(line, styled))),
            Block::Code(code) => Some(framed("    ", &clean(&code.text))),
            Block::Divider => Some("─".repeat(width.clamp(4, 40))),
            Block::Table(table) => Some(boxed(table, styled)),
            Block::Card(card) => Some(framed("┃ ", &card_lines(card, styled))),
            Block::Form(form) => Some(framed("┃ ", &form_lines(form, styled))),
            Block::Buttons(buttons) => Some(buttons_text(buttons)),
            Block::Raw(raw) if raw.platform == "local" => Some(clean(&raw.text)),
            Block::Raw(_) => None,
            other => Some(text(std::slice::from_ref(other)).0),
        });
    }
    parts.join("\n")
}

fn spans(spans: &[Span], styled: bool) -> String {
    spans
        .iter()
        .map(|span| match span {
            Span::Text(part) => match codes(part.style) {
                codes if codes.is_empty() => span_text(span),
                codes => paint(&codes, &clean(&part.text), styled),
            },
            Span::Mention(_) | Span::Cashtag(_) | Span::Hashtag(_) => {
                paint("36", &span_text(span), styled)
            }
            Span::Link(_) => paint("4", &span_text(span), styled),
            _ => span_text(span),
        })
        .collect()
}

fn codes(style: TextStyle) -> String {
    [
        (style.bold, "1"),
        (style.italic, "3"),
        (style.underline, "4"),
        (style.strike, "9"),
        (style.code, "33"),
    ]
    .into_iter()
    .filter_map(|(on, code)| on.then_some(code))
    .collect::<Vec<_>>()
    .join(";")
}

fn paint(codes: &str, text: &str, styled: bool) -> String {
    if styled && !text.is_empty() {
        format!("\u{1b}[{codes}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

fn framed(mark: &str, text: &str) -> String {
    text.lines()
        .map(|line| format!("{mark}{line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn boxed(table: &Table, styled: bool) -> String {
    let rows = cells(table);
    let widths = widths(&rows);
    let rule = |left: &str, middle: &str, right: &str| {
        let parts: Vec<String> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
        format!("{left}{}{right}", parts.join(middle))
    };
    let mut lines = vec![rule("┌", "┬", "┐")];
    for (index, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(column, cell)| {
                let side = table
                    .columns
                    .get(column)
                    .copied()
                    .unwrap_or(Alignment::Left);
                let cell = padded(cell, widths[column], side);
                if index == 0 {
                    paint("1", &cell, styled)
                } else {
                    cell
                }
            })
            .collect();
        lines.push(format!("│ {} │", cells.join(" │ ")));
        if index == 0 && rows.len() > 1 {
            lines.push(rule("├", "┼", "┤"));
        }
    }
    lines.push(rule("└", "┴", "┘"));
    lines.join("\n")
}

fn card_lines(card: &Card, styled: bool) -> String {
    let mut lines = vec![paint("1", &clean(&card.title), styled)];
    lines.extend(card.subtitle.as_deref().map(clean));
    lines.extend(card.paragraphs.iter().map(|line| spans(line, styled)));
    lines.extend(card.facts.iter().map(|fact| {
        format!(
            "{}: {}",
            paint("1", &clean(&fact.name), styled),
            clean(&fact.value)
        )
    }));
    if !card.buttons.is_empty() {
        lines.push(buttons_text(&card.buttons));
    }
    lines.join("\n")
}

fn form_lines(form: &Form, styled: bool) -> String {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(
        form.title
            .as_deref()
            .map(|title| paint("1", &clean(title), styled)),
    );
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
