//! Blocks as lines.

use super::{Rendered, shown, without_tabs};
use crate::content::{clean_line, emoji, moment};
use crate::mailbox::SendError;
use crate::model::content::{
    Block, Button, ButtonKind, Card, Image, MediaSource, MentionTarget, Span, Table, TextStyle,
};
use crate::model::payload::ActionError;

/// A line across.
const DIVIDER: &str = "------------------------";
/// The deepest level of a list that is set in.
const LEVELS: u8 = 8;

/// How a block stands to the one before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Belongs to what follows.
    Title,
    /// Set apart by an empty line.
    Apart,
    /// One of a run of lines that keep together.
    List,
    Quote,
    Close,
}

#[derive(Default)]
pub(super) struct Page {
    lines: Vec<String>,
    notes: Vec<String>,
    /// The last number of each list level that is open.
    numbers: Vec<u32>,
    last: Option<Flow>,
    /// The last line is a row of a table.
    is_table: bool,
}

impl Page {
    /// Text of this platform's own, with its tables.
    pub(super) fn raw(&mut self, text: &str) {
        self.begin(Flow::Apart);
        self.is_table = text.lines().last().is_some_and(|line| line.contains('\t'));
        self.lines.extend(text.lines().map(str::to_owned));
    }

    pub(super) fn block(&mut self, block: &Block) -> Result<(), SendError> {
        match block {
            Block::Raw(raw) => {
                self.note(&format!(
                    "{} markup → its stand-in",
                    clean_line(&raw.platform)
                ));
                return Ok(());
            }
            Block::Attachment(file) if matches!(file.source, MediaSource::Attachment(_)) => {
                return Err(SendError::Permanent {
                    class: ActionError::Unsupported,
                    detail: format!("Messenger takes no files, and {} has no address", file.name),
                });
            }
            _ => {}
        }
        if !matches!(block, Block::ListItem(_)) {
            self.numbers.clear();
        }
        self.begin(match block {
            Block::Heading(_) => Flow::Title,
            Block::ListItem(_) => Flow::List,
            Block::Quote(_) => Flow::Quote,
            Block::Divider | Block::Image(_) | Block::Attachment(_) | Block::Buttons(_) => {
                Flow::Close
            }
            _ => Flow::Apart,
        });
        self.show(block);
        Ok(())
    }

    fn begin(&mut self, flow: Flow) {
        let apart = match (self.last, flow) {
            (None | Some(Flow::Title), _) => false,
            (Some(Flow::List), Flow::List) | (Some(Flow::Quote), Flow::Quote) => false,
            (Some(Flow::Close), Flow::Close) => false,
            (_, Flow::Close) => self.is_table,
            (Some(Flow::Close), Flow::Apart) => false,
            _ => true,
        };
        if apart {
            self.lines.push(String::new());
        }
        self.last = Some(flow);
        self.is_table = false;
    }

    fn show(&mut self, block: &Block) {
        match block {
            Block::Paragraph(spans) => self.spans(spans, "", ""),
            Block::Heading(heading) => {
                self.note("heading → line");
                self.spans(&heading.spans, "", "");
            }
            Block::Quote(spans) => self.spans(spans, "> ", "> "),
            Block::Code(code) => {
                self.note("code → plain text");
                let text = without_tabs(&code.text);
                self.lines.extend(text.lines().map(str::to_owned));
            }
            Block::Divider => {
                self.note("divider → dashes");
                self.lines.push(DIVIDER.to_owned());
            }
            Block::ListItem(item) => {
                let level = usize::from(item.indent.min(LEVELS));
                self.numbers.truncate(level + 1);
                self.numbers.resize(level + 1, 0);
                let sign = match self.numbers.last_mut() {
                    Some(number) if item.ordered => {
                        *number += 1;
                        format!("{number}. ")
                    }
                    _ => "- ".to_owned(),
                };
                let first = format!("{}{sign}", "  ".repeat(level));
                let rest = " ".repeat(first.len());
                self.spans(&item.spans, &first, &rest);
            }
            Block::Table(table) => self.table(table),
            Block::Image(image) => self.image(image),
            Block::Attachment(file) => {
                self.note("attachment → its address");
                if let MediaSource::Url(url) = &file.source {
                    let line = format!("{} {}", clean_line(&file.name), clean_line(url));
                    self.lines.push(line.trim_start().to_owned());
                }
            }
            Block::Card(card) => self.card(card),
            // The host asks them, and has made numbers of buttons; what is left is shown all the same.
            Block::Form(form) => {
                if let Some(title) = &form.title {
                    self.lines.push(clean_line(title).into_owned());
                }
            }
            Block::Buttons(buttons) => self.buttons(buttons),
            Block::Raw(_) => {}
        }
    }

    fn spans(&mut self, spans: &[Span], first: &str, rest: &str) {
        let is_styled =
            |span: &Span| matches!(span, Span::Text(text) if text.style != TextStyle::default());
        if spans.iter().any(is_styled) {
            self.note("styles → plain text");
        }
        let text: String = spans.iter().map(span_text).collect();
        let mut prefix = first;
        for line in text.split('\n') {
            self.lines.push(format!("{prefix}{line}"));
            prefix = rest;
        }
    }

    fn table(&mut self, table: &Table) {
        self.note("table → tab-separated text");
        let rows = table.rows.iter();
        let columns = rows.map(Vec::len).chain([table.header.len()]).max();
        let columns = columns.unwrap_or(0);
        if table.header.is_empty() {
            self.note("table without a head → its first row is one");
        }
        if columns == 1 {
            self.note("table of one column → lines");
        }
        let all = std::iter::once(&table.header).filter(|header| !header.is_empty());
        for row in all.chain(&table.rows) {
            let mut cells: Vec<String> = row.iter().map(|cell| cell_text(cell)).collect();
            // A row without its last cells would be a table of its own, or none.
            cells.resize(columns, String::new());
            self.lines.push(cells.join("\t"));
        }
        self.is_table = columns > 1;
    }

    fn image(&mut self, image: &Image) {
        let alternative = clean_line(&image.alternative);
        match &image.source {
            MediaSource::Url(url) => {
                self.note("image → its address");
                let line = format!("{alternative} {}", clean_line(url));
                self.lines.push(line.trim_start().to_owned());
            }
            MediaSource::Attachment(_) => {
                self.note("image → its text");
                self.lines.push(alternative.into_owned());
            }
        }
    }

    fn card(&mut self, card: &Card) {
        self.note("card → text");
        self.lines.push(clean_line(&card.title).into_owned());
        if let Some(subtitle) = &card.subtitle {
            self.lines.push(clean_line(subtitle).into_owned());
        }
        for paragraph in &card.paragraphs {
            self.spans(paragraph, "", "");
        }
        for fact in &card.facts {
            let line = format!("{}: {}", clean_line(&fact.name), clean_line(&fact.value));
            self.lines.push(line);
        }
        self.buttons(&card.buttons);
    }

    fn buttons(&mut self, buttons: &[Button]) {
        for button in buttons {
            let label = clean_line(&button.label);
            self.lines.push(match &button.kind {
                ButtonKind::Link(url) => format!("{label} {}", clean_line(url)),
                ButtonKind::Action(_) | ButtonKind::Reply(_) => format!("[{label}]"),
            });
        }
    }

    fn note(&mut self, note: &str) {
        if !self.notes.iter().any(|known| known == note) {
            self.notes.push(note.to_owned());
        }
    }

    pub(super) fn finish(self) -> Rendered {
        Rendered {
            text: shown(&self.lines.join("\n")),
            notes: self.notes,
        }
    }
}

fn cell_text(cell: &[Span]) -> String {
    let text: String = cell.iter().map(span_text).collect();
    text.replace(['\n', '\t'], " ")
}

/// A span as text. A link's address stands bare, with nothing that the client would take for a part of it.
fn span_text(span: &Span) -> String {
    match span {
        Span::Text(text) => without_tabs(&text.text),
        Span::Link(link) => {
            let (text, url) = (clean_line(&link.text), clean_line(&link.url));
            match text.trim().is_empty() || text == url {
                true => url.into_owned(),
                false => format!("{text} {url}"),
            }
        }
        Span::Mention(mention) => {
            let name = match &mention.target {
                MentionTarget::All if mention.text.is_empty() => "all",
                MentionTarget::User(id) | MentionTarget::Email(id) if mention.text.is_empty() => id,
                _ => &mention.text,
            };
            format!("@{}", clean_line(name.trim_start_matches('@')))
        }
        Span::Cashtag(ticker) => format!("${}", clean_line(ticker)),
        Span::Hashtag(tag) => format!("#{}", clean_line(tag)),
        // These two are the platform's own, and want a space.
        Span::Emoji(code) if code == "up" || code == "dn" => format!("({code}) "),
        Span::Emoji(code) => {
            emoji(code).map_or_else(|| format!(":{}:", clean_line(code)), str::to_owned)
        }
        Span::DateTime(date) => moment(date.at, date.format),
        Span::LineBreak => "\n".to_owned(),
        Span::Other(other) => without_tabs(&other.text),
    }
}
