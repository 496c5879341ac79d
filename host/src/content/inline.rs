//! Spans as plain text.

use unicode_width::UnicodeWidthStr;

use crate::model::content::{DateFormat, MentionTarget, Span};

use super::clean::clean;
use super::emoji::emoji;

/// Counts the columns that a text takes on a terminal.
pub fn display_width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Writes a moment in UTC, with the zone named where a time is shown.
pub fn moment(at: u64, format: DateFormat) -> String {
    let pattern = match format {
        DateFormat::Date => "%Y-%m-%d",
        DateFormat::Time => "%H:%M UTC",
        DateFormat::DateTime => "%Y-%m-%d %H:%M UTC",
    };
    i64::try_from(at)
        .ok()
        .and_then(|at| jiff::Timestamp::from_millisecond(at).ok())
        .map_or_else(
            || at.to_string(),
            |stamp| stamp.strftime(pattern).to_string(),
        )
}

/// Writes one span as safe plain text: names with `@`, tags with their sign, links as `text (url)`.
pub fn span_text(span: &Span) -> String {
    match span {
        Span::Text(text) => clean(&text.text).into_owned(),
        Span::Link(link) if link.text.trim().is_empty() || link.text == link.url => {
            clean(&link.url).into_owned()
        }
        Span::Link(link) => format!("{} ({})", clean(&link.text), clean(&link.url)),
        Span::Mention(mention) => {
            let name = match &mention.target {
                MentionTarget::All if mention.text.is_empty() => "all",
                MentionTarget::User(id) | MentionTarget::Email(id) if mention.text.is_empty() => id,
                MentionTarget::All | MentionTarget::User(_) | MentionTarget::Email(_) => {
                    &mention.text
                }
            };
            format!("@{}", clean(name.trim_start_matches('@')))
        }
        Span::Cashtag(ticker) => format!("${}", clean(ticker)),
        Span::Hashtag(tag) => format!("#{}", clean(tag)),
        Span::Emoji(code) => {
            emoji(code).map_or_else(|| format!(":{}:", clean(code)), str::to_owned)
        }
        Span::DateTime(date) => moment(date.at, date.format),
        Span::LineBreak => "\n".to_owned(),
        Span::Other(other) => clean(&other.text).into_owned(),
    }
}

/// Writes spans as safe plain text.
pub fn spans_text(spans: &[Span]) -> String {
    spans.iter().map(span_text).collect()
}
