//! Messages as text for a terminal. Nothing a plugin or a person wrote reaches the terminal as a
//! control character.

use unicode_width::UnicodeWidthStr as _;

use crate::model::content::{
    Alignment, Block, Button, ButtonKind, Card, Field, FieldKind, Form, MediaSource, Span, Table,
    TextStyle,
};
use crate::model::event::ReceivedAttachment;

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const ITALIC: &str = "\x1b[3m";
const UNDERLINE: &str = "\x1b[4m";
const STRIKE: &str = "\x1b[9m";
const BLUE: &str = "\x1b[34m";
const RESET: &str = "\x1b[0m";

/// Renders for one terminal.
#[derive(Clone, Debug)]
pub(super) struct Renderer {
    width: usize,
    colour: bool,
}

impl Renderer {
    pub(super) fn new(width: usize, colour: bool) -> Self {
        Self {
            width: width.clamp(20, 400),
            colour,
        }
    }

    /// A line of the console's own.
    pub(super) fn note(&self, text: &str) -> String {
        self.style(DIM, &clean(text))
    }

    /// A message under its head.
    pub(super) fn message(
        &self,
        head: &str,
        text: &str,
        blocks: &[Block],
        files: &[ReceivedAttachment],
    ) -> String {
        let mut lines: Vec<String> = Vec::new();
        if blocks.is_empty() {
            lines.extend(clean_lines(text).lines().map(str::to_owned));
        } else {
            self.blocks(blocks, &mut lines);
        }
        for file in files {
            lines.push(self.style(DIM, &format!("[file {}]", clean(&file.name))));
        }
        let head = self.style(BOLD, &clean(head));
        match lines.as_slice() {
            [] => head,
            [one] => format!("{head} {one}"),
            more => {
                let mut whole = head;
                for line in more {
                    whole.push_str("\n  ");
                    whole.push_str(line);
                }
                whole
            }
        }
    }

    fn blocks(&self, blocks: &[Block], lines: &mut Vec<String>) {
        let mut numbers: Vec<usize> = Vec::new();
        let mut button = 0;
        for block in blocks {
            if !matches!(block, Block::ListItem(_)) {
                numbers.clear();
            }
            match block {
                Block::Paragraph(spans) => self.spans_lines(spans, "", lines),
                Block::Heading(heading) => {
                    let text = self.spans(&heading.spans);
                    lines.push(self.style(BOLD, &text));
                }
                Block::Quote(spans) => self.spans_lines(spans, "> ", lines),
                Block::Code(code) => {
                    let text = clean_lines(&code.text);
                    lines.extend(text.lines().map(|line| format!("    {line}")));
                }
                Block::Divider => lines.push("─".repeat(self.width.min(40))),
                Block::ListItem(item) => {
                    let depth = usize::from(item.indent.min(8));
                    numbers.resize(depth + 1, 0);
                    let mark = if item.ordered {
                        numbers[depth] += 1;
                        format!("{}.", numbers[depth])
                    } else {
                        "•".to_owned()
                    };
                    lines.push(format!(
                        "{}{mark} {}",
                        "  ".repeat(depth),
                        self.spans(&item.spans)
                    ));
                }
                Block::Table(table) => self.table(table, lines),
                Block::Image(image) => {
                    let place = source(&image.source);
                    lines.push(format!("[image: {}]{place}", clean(&image.alternative)));
                }
                Block::Attachment(file) => {
                    let place = source(&file.source);
                    lines.push(format!("[file: {}]{place}", clean(&file.name)));
                }
                Block::Card(card) => self.card(card, &mut button, lines),
                Block::Form(form) => self.form(form, lines),
                Block::Buttons(buttons) => self.buttons(buttons, &mut button, lines),
                // The blocks that follow stand in for it.
                Block::Raw(_) => {}
            }
        }
    }

    fn spans_lines(&self, spans: &[Span], before: &str, lines: &mut Vec<String>) {
        let text = self.spans(spans);
        lines.extend(text.split('\n').map(|line| format!("{before}{line}")));
    }

    fn spans(&self, spans: &[Span]) -> String {
        let mut text = String::new();
        for span in spans {
            match span {
                Span::Text(run) => text.push_str(&self.styled(run.style, &clean_lines(&run.text))),
                Span::Link(link) if link.text.is_empty() || link.text == link.url => {
                    text.push_str(&self.style(UNDERLINE, &clean(&link.url)));
                }
                Span::Link(link) => {
                    let shown = format!("{} ({})", clean(&link.text), clean(&link.url));
                    text.push_str(&shown);
                }
                Span::Mention(mention) => {
                    text.push_str(&self.style(BLUE, &format!("@{}", clean(&mention.text))));
                }
                Span::Cashtag(ticker) => {
                    text.push_str(&self.style(BLUE, &format!("${}", clean(ticker))));
                }
                Span::Hashtag(topic) => {
                    text.push_str(&self.style(BLUE, &format!("#{}", clean(topic))));
                }
                Span::Emoji(name) => text.push_str(&emoji(name)),
                Span::DateTime(moment) => text.push_str(&local_time(moment.at, moment.format)),
                Span::LineBreak => text.push('\n'),
                Span::Other(other) => text.push_str(&clean(&other.text)),
            }
        }
        text
    }

    fn styled(&self, style: TextStyle, text: &str) -> String {
        let mut text = text.to_owned();
        if style.code && !self.colour {
            return format!("`{text}`");
        }
        for (on, code) in [
            (style.bold, BOLD),
            (style.italic, ITALIC),
            (style.underline, UNDERLINE),
            (style.strike, STRIKE),
            (style.code, BLUE),
        ] {
            if on {
                text = self.style(code, &text);
            }
        }
        text
    }

    fn style(&self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("{code}{text}{RESET}")
        } else {
            text.to_owned()
        }
    }

    fn table(&self, table: &Table, lines: &mut Vec<String>) {
        // Widths are those of plain text; styles take no columns.
        let plain = Renderer::new(self.width, false);
        let cell = |spans: &Vec<Span>| plain.spans(spans).replace('\n', " ");
        let header: Vec<String> = table.header.iter().map(cell).collect();
        let rows: Vec<Vec<String>> = table
            .rows
            .iter()
            .map(|row| row.iter().map(cell).collect())
            .collect();
        let columns = rows
            .iter()
            .map(Vec::len)
            .chain([header.len()])
            .max()
            .unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                rows.iter()
                    .chain([&header])
                    .filter_map(|row| row.get(column))
                    .map(|text| text.width())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let line = |row: &[String]| {
            let cells: Vec<String> = widths
                .iter()
                .enumerate()
                .map(|(column, width)| {
                    let text = row.get(column).map_or("", String::as_str);
                    let align = table.columns.get(column).copied();
                    pad(text, *width, align.unwrap_or(Alignment::Left))
                })
                .collect();
            cells.join(" │ ").trim_end().to_owned()
        };
        if !header.is_empty() {
            lines.push(self.style(BOLD, &line(&header)));
            let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
            lines.push(rule.join("─┼─"));
        }
        lines.extend(rows.iter().map(|row| line(row)));
    }

    fn card(&self, card: &Card, button: &mut usize, lines: &mut Vec<String>) {
        lines.push(format!("┌ {}", self.style(BOLD, &clean(&card.title))));
        if let Some(subtitle) = &card.subtitle {
            lines.push(format!("│ {}", self.style(DIM, &clean(subtitle))));
        }
        for paragraph in &card.paragraphs {
            self.spans_lines(paragraph, "│ ", lines);
        }
        let width = card.facts.iter().map(|f| f.name.width()).max().unwrap_or(0);
        for fact in &card.facts {
            let name = pad(&clean(&fact.name), width, Alignment::Left);
            lines.push(format!("│ {name}  {}", clean(&fact.value)));
        }
        let mut buttons = Vec::new();
        self.buttons(&card.buttons, button, &mut buttons);
        lines.extend(buttons.into_iter().map(|line| format!("│ {line}")));
        lines.push("└".to_owned());
    }

    fn buttons(&self, buttons: &[Button], number: &mut usize, lines: &mut Vec<String>) {
        if buttons.is_empty() {
            return;
        }
        let shown: Vec<String> = buttons
            .iter()
            .map(|button| {
                *number += 1;
                let label = clean(&button.label);
                match &button.kind {
                    ButtonKind::Link(url) => format!("[{number}] {label} ({})", clean(url)),
                    ButtonKind::Action(_) | ButtonKind::Reply(_) => format!("[{number}] {label}"),
                }
            })
            .collect();
        lines.push(format!("{}   (/click N)", shown.join("  ")));
    }

    fn form(&self, form: &Form, lines: &mut Vec<String>) {
        let title = form.title.as_deref().unwrap_or(&form.id);
        lines.push(format!("┌ {}", self.style(BOLD, &clean(title))));
        let mut usage = String::from("/submit");
        for field in &form.fields {
            if field.kind == FieldKind::Hidden {
                continue;
            }
            lines.push(format!("│ {}", self.field(field)));
            if !field.read_only {
                usage.push_str(&format!(" {}=…", clean(&field.id)));
            }
        }
        let ids: Vec<String> = form
            .buttons
            .iter()
            .filter_map(|button| match &button.kind {
                ButtonKind::Action(action) => Some(clean(&action.id)),
                ButtonKind::Link(_) | ButtonKind::Reply(_) => None,
            })
            .collect();
        if ids.len() > 1 {
            usage.push_str(&format!(" {}", ids.join("|")));
        }
        lines.push(format!("└ {usage}"));
    }

    fn field(&self, field: &Field) -> String {
        let mut text = clean(&field.label);
        if field.required {
            text.push_str(" *");
        }
        text.push_str(&format!(" ({}", clean(&field.id)));
        let kind = match &field.kind {
            FieldKind::Text | FieldKind::Hidden => "",
            FieldKind::Multiline => "text",
            FieldKind::Number => "number",
            FieldKind::Checkbox => "yes or no",
            FieldKind::Radio | FieldKind::Select => "one of",
            FieldKind::MultiSelect => "any of",
            FieldKind::Date => "2026-11-20",
            FieldKind::Time => "14:30",
            FieldKind::Timezone => "time zone",
            FieldKind::User => "user",
            FieldKind::Conversation => "conversation",
            FieldKind::Other(other) => &other.name,
        };
        if !kind.is_empty() {
            text.push_str(&format!(": {}", clean(kind)));
        }
        let choices: Vec<String> = field
            .choices
            .iter()
            .map(|choice| {
                if choice.label == choice.value || choice.label.is_empty() {
                    clean(&choice.value)
                } else {
                    format!("{} = {}", clean(&choice.value), clean(&choice.label))
                }
            })
            .collect();
        if !choices.is_empty() {
            text.push_str(&format!(" {}", choices.join(", ")));
        }
        text.push(')');
        if !field.defaults.is_empty() {
            text.push_str(&format!(" [{}]", clean(&field.defaults.join(", "))));
        }
        text
    }
}

/// Takes control characters out, line ends too.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c == '\n' || c == '\t' { ' ' } else { c })
        .filter(|c| is_harmless(*c))
        .collect()
}

/// Takes control characters out and keeps line ends.
fn clean_lines(text: &str) -> String {
    text.chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|c| *c == '\n' || is_harmless(*c))
        .collect()
}

/// Marks that turn the direction of text could make a line read as something else.
fn is_harmless(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn pad(text: &str, width: usize, alignment: Alignment) -> String {
    let missing = width.saturating_sub(text.width());
    let left = match alignment {
        Alignment::Left => 0,
        Alignment::Center => missing / 2,
        Alignment::Right => missing,
    };
    format!("{}{text}{}", " ".repeat(left), " ".repeat(missing - left))
}

fn source(source: &MediaSource) -> String {
    match source {
        MediaSource::Url(url) => format!(" {}", clean(url)),
        MediaSource::Attachment(_) => String::new(),
    }
}

fn emoji(name: &str) -> String {
    format!(":{}:", clean(name))
}

fn local_time(at: u64, format: crate::model::content::DateFormat) -> String {
    use crate::model::content::DateFormat;
    let pattern = match format {
        DateFormat::Date => "%Y-%m-%d",
        DateFormat::Time => "%H:%M",
        DateFormat::DateTime => "%Y-%m-%d %H:%M",
    };
    i64::try_from(at)
        .ok()
        .and_then(|at| jiff::Timestamp::from_millisecond(at).ok())
        .map_or_else(String::new, |at| {
            let zoned = at.to_zoned(jiff::tz::TimeZone::system());
            zoned.strftime(pattern).to_string()
        })
}
