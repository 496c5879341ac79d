//! Blocks as lines of styled pieces: what plain text and the terminal have in common.

use unicode_width::UnicodeWidthChar;

use crate::model::content::{
    Block, Button, ButtonKind, Card, Field, FieldKind, Form, Image, MediaSource, Span, TextStyle,
};

use super::clean::{clean, clean_line};
use super::inline::{display_width, span_text};
use super::table;

/// How a piece looks where looks can be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) bold: bool,
    pub(super) dim: bool,
    pub(super) italic: bool,
    pub(super) underline: bool,
    pub(super) strike: bool,
    pub(super) code: bool,
    pub(super) accent: bool,
}

/// A run of safe text without line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) look: Look,
}

pub(super) type Line = Vec<Piece>;

/// Where the lines are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Medium {
    /// Columns; none: lines are as long as they are.
    pub(super) width: Option<usize>,
    /// Tables with frames.
    pub(super) frames: bool,
}

/// Lays blocks out, and says what was not shown as it is.
pub(super) fn lay_out(blocks: &[Block], medium: Medium) -> (Vec<Line>, Vec<String>) {
    let mut page = Page {
        medium,
        lines: Vec::new(),
        notes: Vec::new(),
        numbers: Vec::new(),
        last: None,
    };
    for block in blocks {
        page.block(block);
    }
    (page.lines, page.notes)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    // Belongs to what follows.
    Title,
    // Set apart by an empty line from everything.
    Apart,
    Text,
    // Lines of one list or quote keep together.
    List,
    Quote,
    Close,
}

struct Page {
    medium: Medium,
    lines: Vec<Line>,
    notes: Vec<String>,
    // The last number of each list level that is open.
    numbers: Vec<u32>,
    last: Option<Flow>,
}

impl Page {
    fn block(&mut self, block: &Block) {
        let flow = match block {
            Block::ListItem(_) => Flow::List,
            Block::Quote(_) => Flow::Quote,
            Block::Paragraph(_) => Flow::Text,
            Block::Image(_) | Block::Attachment(_) | Block::Buttons(_) | Block::Divider => {
                Flow::Close
            }
            Block::Heading(_) => Flow::Title,
            Block::Code(_) | Block::Table(_) | Block::Card(_) | Block::Form(_) => Flow::Apart,
            // Its stand-in follows as blocks of its own.
            Block::Raw(raw) => {
                self.note(&format!(
                    "{} markup → its stand-in",
                    clean_line(&raw.platform)
                ));
                return;
            }
        };
        if flow != Flow::List {
            self.numbers.clear();
        }
        let apart = match (self.last, flow) {
            (None | Some(Flow::Title), _) => false,
            (_, Flow::Title | Flow::Apart) => true,
            (Some(Flow::Text), Flow::Text) => true,
            (Some(Flow::Close), _) | (_, Flow::Close) => false,
            (Some(last), _) => last != flow && flow != Flow::List,
        };
        if apart {
            self.lines.push(Line::new());
        }
        self.last = Some(flow);
        self.show(block);
    }

    fn show(&mut self, block: &Block) {
        match block {
            Block::Paragraph(spans) => self.spans(spans, Look::default(), "", ""),
            Block::Heading(heading) => {
                self.degraded("heading → line");
                let look = Look {
                    bold: true,
                    underline: heading.level == 1,
                    ..Look::default()
                };
                self.spans(&heading.spans, look, "", "");
            }
            Block::Quote(spans) => self.spans(
                spans,
                Look {
                    italic: true,
                    ..Look::default()
                },
                "> ",
                "> ",
            ),
            Block::Code(code) => {
                self.degraded("code → plain text");
                let look = Look {
                    code: true,
                    ..Look::default()
                };
                for line in clean(&code.text).lines() {
                    self.lines
                        .push(vec![piece(&line.replace('\t', "    "), look)]);
                }
            }
            Block::Divider => {
                let width = self.medium.width.unwrap_or(24).min(24);
                self.lines.push(vec![piece(
                    &"-".repeat(width),
                    Look {
                        dim: true,
                        ..Look::default()
                    },
                )]);
            }
            Block::ListItem(item) => {
                let level = usize::from(item.indent.min(8));
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
                self.spans(&item.spans, Look::default(), &first, &rest);
            }
            Block::Table(found) => {
                self.degraded("table → aligned text");
                self.lines.extend(table::lines(found, self.medium));
            }
            Block::Image(image) => self.image(image),
            Block::Attachment(file) => {
                let name = clean_line(&file.name);
                let text = match &file.source {
                    MediaSource::Url(url) => format!("📎 {name} ({})", clean_line(url)),
                    MediaSource::Attachment(_) => format!("📎 {name}"),
                };
                self.text(&text, Look::default());
            }
            Block::Card(card) => self.card(card),
            Block::Form(form) => self.form(form),
            Block::Buttons(buttons) => {
                self.degraded("buttons → labels");
                self.buttons(buttons);
            }
            Block::Raw(_) => {}
        }
    }

    /// Notes what a terminal with frames and styles shows as it is, and plain text does not.
    fn degraded(&mut self, note: &str) {
        if !self.medium.frames {
            self.note(note);
        }
    }

    fn note(&mut self, note: &str) {
        if !self.notes.iter().any(|known| known == note) {
            self.notes.push(note.to_owned());
        }
    }

    fn spans(&mut self, spans: &[Span], base: Look, first: &str, rest: &str) {
        let is_styled =
            |span: &Span| matches!(span, Span::Text(text) if text.style != TextStyle::default());
        if spans.iter().any(is_styled) {
            self.degraded("styles → plain text");
        }
        let room = self
            .medium
            .width
            .map(|width| width.saturating_sub(display_width(rest)).max(8));
        let mut prefix = first;
        for line in pieces(spans, base) {
            for part in wrap(line, room) {
                let mut whole = Line::new();
                if !prefix.is_empty() {
                    whole.push(piece(
                        prefix,
                        Look {
                            dim: true,
                            ..Look::default()
                        },
                    ));
                }
                whole.extend(part);
                self.lines.push(whole);
                prefix = rest;
            }
        }
    }

    fn text(&mut self, text: &str, look: Look) {
        for line in clean(text).lines() {
            self.lines
                .extend(wrap(vec![piece(line, look)], self.medium.width));
        }
    }

    fn image(&mut self, image: &Image) {
        self.note("image → its text");
        let alternative = clean_line(&image.alternative);
        let text = match &image.source {
            MediaSource::Url(url) if alternative.is_empty() => clean_line(url).into_owned(),
            MediaSource::Url(url) => format!("{alternative} ({})", clean_line(url)),
            MediaSource::Attachment(_) if alternative.is_empty() => "🖼".to_owned(),
            MediaSource::Attachment(_) => format!("🖼 {alternative}"),
        };
        self.text(&text, Look::default());
    }

    fn card(&mut self, card: &Card) {
        self.degraded("card → text");
        self.text(
            &clean_line(&card.title),
            Look {
                bold: true,
                ..Look::default()
            },
        );
        if let Some(subtitle) = &card.subtitle {
            self.text(
                &clean_line(subtitle),
                Look {
                    dim: true,
                    ..Look::default()
                },
            );
        }
        for paragraph in &card.paragraphs {
            self.spans(paragraph, Look::default(), "", "");
        }
        for fact in &card.facts {
            let spans = [super::plain(clean_line(&fact.value))];
            let first = format!("{}: ", clean_line(&fact.name));
            self.spans(&spans, Look::default(), &first, "  ");
        }
        self.buttons(&card.buttons);
    }

    fn form(&mut self, form: &Form) {
        self.degraded("form → list of fields");
        if let Some(title) = &form.title {
            self.text(
                &clean_line(title),
                Look {
                    bold: true,
                    ..Look::default()
                },
            );
        }
        for field in form
            .fields
            .iter()
            .filter(|field| field.kind != FieldKind::Hidden)
        {
            let text = field_text(field);
            self.spans(&[super::plain(text)], Look::default(), "- ", "  ");
        }
        if form.buttons.is_empty() {
            self.text(
                "[Submit]",
                Look {
                    accent: true,
                    ..Look::default()
                },
            );
        } else {
            self.buttons(&form.buttons);
        }
    }

    fn buttons(&mut self, buttons: &[Button]) {
        let labels: Vec<String> = buttons
            .iter()
            .map(|button| match &button.kind {
                ButtonKind::Link(url) => {
                    format!("[{}] ({})", clean_line(&button.label), clean_line(url))
                }
                ButtonKind::Action(_) | ButtonKind::Reply(_) => {
                    format!("[{}]", clean_line(&button.label))
                }
            })
            .collect();
        self.text(
            &labels.join(" "),
            Look {
                accent: true,
                ..Look::default()
            },
        );
    }
}

fn field_text(field: &Field) -> String {
    let mut text = clean_line(&field.label).into_owned();
    if field.required {
        text.push_str(" *");
    }
    let shown = |value: &String| {
        let label = field
            .choices
            .iter()
            .find(|choice| &choice.value == value)
            .map_or(value, |choice| &choice.label);
        clean_line(label).into_owned()
    };
    let defaults: Vec<String> = field.defaults.iter().map(shown).collect();
    let kind = match &field.kind {
        FieldKind::Radio | FieldKind::Select | FieldKind::MultiSelect => {
            let labels: Vec<_> = field
                .choices
                .iter()
                .map(|choice| clean_line(&choice.label))
                .collect();
            labels.join(" / ")
        }
        FieldKind::Number => "a number".to_owned(),
        FieldKind::Checkbox => "yes / no".to_owned(),
        FieldKind::Date => "YYYY-MM-DD".to_owned(),
        FieldKind::Time => "HH:MM".to_owned(),
        FieldKind::Timezone => "a time zone".to_owned(),
        FieldKind::User => "a person".to_owned(),
        FieldKind::Conversation => "a conversation".to_owned(),
        FieldKind::Text | FieldKind::Multiline | FieldKind::Hidden | FieldKind::Other(_) => field
            .placeholder
            .as_deref()
            .map(|hint| clean_line(hint).into_owned())
            .unwrap_or_default(),
    };
    if !kind.is_empty() {
        text.push_str(&format!(" ({kind})"));
    }
    if !defaults.is_empty() {
        text.push_str(&format!(" = {}", defaults.join(", ")));
    }
    text
}

pub(super) fn piece(text: &str, look: Look) -> Piece {
    Piece {
        text: text.to_owned(),
        look,
    }
}

pub(super) fn look_of(span: &Span, base: Look) -> Look {
    match span {
        Span::Text(text) => Look {
            bold: base.bold || text.style.bold,
            italic: base.italic || text.style.italic,
            underline: base.underline || text.style.underline,
            strike: text.style.strike,
            code: text.style.code,
            ..base
        },
        Span::Link(_) => Look {
            underline: true,
            ..base
        },
        Span::Mention(_) | Span::Cashtag(_) | Span::Hashtag(_) => Look {
            accent: true,
            ..base
        },
        Span::Emoji(_) | Span::DateTime(_) | Span::LineBreak | Span::Other(_) => base,
    }
}

/// Spans as lines, split at line ends.
pub(super) fn pieces(spans: &[Span], base: Look) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    for span in spans {
        let text = span_text(span);
        for (place, part) in text.split('\n').enumerate() {
            if place > 0 {
                lines.push(Line::new());
            }
            if let Some(line) = lines.last_mut()
                && !part.is_empty()
            {
                line.push(piece(&part.replace('\t', "    "), look_of(span, base)));
            }
        }
    }
    lines
}

pub(super) fn line_width(line: &Line) -> usize {
    line.iter().map(|piece| display_width(&piece.text)).sum()
}

/// Breaks a line at spaces, and words that are too long where they must.
pub(super) fn wrap(line: Line, width: Option<usize>) -> Vec<Line> {
    let Some(width) = width.filter(|width| line_width(&line) > *width) else {
        return vec![line];
    };
    let mut lines = Vec::new();
    let mut current = Line::new();
    let mut used = 0;
    for Piece { text, look } in line {
        for word in text.split_inclusive(' ') {
            let bare = display_width(word.trim_end_matches(' '));
            if used > 0 && used + bare > width {
                lines.push(std::mem::take(&mut current));
                used = 0;
            }
            if bare <= width {
                current.push(piece(word, look));
                used += display_width(word);
                continue;
            }
            let mut part = String::new();
            for sign in word.chars() {
                let columns = sign.width().unwrap_or(0);
                if used + columns > width && used > 0 {
                    current.push(Piece {
                        text: std::mem::take(&mut part),
                        look,
                    });
                    lines.push(std::mem::take(&mut current));
                    used = 0;
                }
                part.push(sign);
                used += columns;
            }
            current.push(Piece { text: part, look });
        }
    }
    lines.push(current);
    lines
}
