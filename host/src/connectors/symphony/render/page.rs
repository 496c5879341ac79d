//! Blocks.

use super::form::{self, ButtonRow};
use super::inline::{Inline, Place};
use super::markup::{Markup, address};
use crate::connectors::symphony::PLATFORM;
use crate::content::{clean_line, message_ml_fragment, plain};
use crate::model::content::{
    Alignment, AttachmentBlock, Block, Card, CodeBlock, Heading, Image, LinkSpan, ListItem,
    MediaSource, RawBlock, Span, Table, TextSpan, TextStyle,
};

/// The languages that the agent takes.
const LANGUAGES: [&str; 19] = [
    "plaintext",
    "c",
    "cpp",
    "csharp",
    "css",
    "html",
    "java",
    "js",
    "jsx",
    "php",
    "python",
    "r",
    "typescript",
    "tsx",
    "markdown",
    "json",
    "scala",
    "shell",
    "yaml",
];

/// What is not shown as it was meant, each once.
#[derive(Default)]
pub(super) struct Notes(Vec<String>);

impl Notes {
    pub(super) fn add(&mut self, note: &str) {
        if !self.0.iter().any(|known| known == note) {
            self.0.push(note.to_owned());
        }
    }
}

/// A message that is being written.
#[derive(Default)]
pub(super) struct Page {
    pub(super) markup: Markup,
    pub(super) notes: Notes,
    entities: usize,
    /// Rows of buttons so far: each is a form with an id of its own.
    pub(super) rows: usize,
    // Lists that are open, outermost first; true is an ordered one. Each has an open item.
    lists: Vec<bool>,
}

impl Page {
    pub(super) fn finish(mut self) -> (String, Vec<String>) {
        self.close_lists(0);
        (self.markup.into_string(), self.notes.0)
    }

    pub(super) fn blocks(&mut self, blocks: &[Block]) {
        let mut stand_ins = 0;
        for block in blocks {
            if stand_ins > 0 {
                stand_ins -= 1;
                continue;
            }
            if let Block::Raw(raw) = block {
                if self.own_markup(raw) {
                    stand_ins = usize::try_from(raw.fallback).unwrap_or(usize::MAX);
                }
                continue;
            }
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        if !matches!(block, Block::ListItem(_)) {
            self.close_lists(0);
        }
        match block {
            Block::Paragraph(spans) => self.element("p", spans),
            Block::Heading(heading) => self.heading(heading),
            Block::Quote(spans) => {
                self.markup
                    .raw("<div style=\"border-left:3px solid gray;padding-left:8px\">");
                self.line(spans);
                self.markup.close("div");
            }
            Block::Code(code) => self.code(code),
            Block::Divider => self.markup.raw("<hr/>"),
            Block::ListItem(item) => self.list_item(item),
            Block::Table(table) => self.table(table),
            Block::Image(image) => self.image(image),
            Block::Attachment(file) => self.attachment(file),
            Block::Card(card) => self.card(card),
            Block::Form(found) => form::write(self, found),
            Block::Buttons(buttons) => ButtonRow::write(self, buttons),
            // Looked at before: it takes the place of those that follow.
            Block::Raw(_) => {}
        }
    }

    /// Writes spans where anything may stand.
    pub(super) fn line(&mut self, spans: &[Span]) {
        self.inline(Place::Flow).spans(spans);
    }

    fn inline(&mut self, place: Place) -> Inline<'_> {
        Inline::new(&mut self.markup, &mut self.notes, &mut self.entities, place)
    }

    pub(super) fn element(&mut self, name: &str, spans: &[Span]) {
        self.markup.begin(name);
        self.markup.open();
        self.line(spans);
        self.markup.close(name);
    }

    fn heading(&mut self, heading: &Heading) {
        let name = ["h1", "h2", "h3", "h4", "h5", "h6"];
        let level = usize::from(heading.level.clamp(1, 6)) - 1;
        let name = name.get(level).copied().unwrap_or("h6");
        self.markup.begin(name);
        self.markup.open();
        self.inline(Place::Phrasing).spans(&heading.spans);
        self.markup.close(name);
    }

    fn code(&mut self, code: &CodeBlock) {
        match code.language.as_deref().and_then(language) {
            Some(language) => {
                self.markup.begin("code");
                self.markup.attribute("language", language);
                self.markup.open();
                self.markup.text(&code.text);
                self.markup.close("code");
            }
            None => {
                self.markup.raw("<pre>");
                self.markup.text(&code.text);
                self.markup.close("pre");
            }
        }
    }

    fn list_item(&mut self, item: &ListItem) {
        // An item may be one deeper than the one before it, however far in its author put it.
        let depth = usize::from(item.indent).min(self.lists.len());
        self.close_lists(depth + 1);
        if self.lists.len() == depth + 1 {
            if self.lists.last() == Some(&item.ordered) {
                self.markup.raw("</li><li>");
            } else {
                self.close_lists(depth);
            }
        }
        if self.lists.len() == depth {
            self.markup
                .raw(if item.ordered { "<ol><li>" } else { "<ul><li>" });
            self.lists.push(item.ordered);
        }
        self.line(&item.spans);
    }

    fn close_lists(&mut self, depth: usize) {
        while self.lists.len() > depth {
            let is_ordered = self.lists.pop() == Some(true);
            self.markup.raw(if is_ordered {
                "</li></ol>"
            } else {
                "</li></ul>"
            });
        }
    }

    fn table(&mut self, table: &Table) {
        let rows = table.rows.iter().map(Vec::len);
        let columns = match table.header.len() {
            0 => rows.max().unwrap_or(0),
            columns => columns,
        };
        if columns == 0 {
            return;
        }
        self.markup.raw("<table>");
        if !table.header.is_empty() {
            self.markup.raw("<thead>");
            self.row("th", &table.header, columns, &table.columns);
            self.markup.raw("</thead>");
        }
        if !table.rows.is_empty() {
            self.markup.raw("<tbody>");
            for row in &table.rows {
                self.row("td", row, columns, &table.columns);
            }
            self.markup.raw("</tbody>");
        }
        self.markup.raw("</table>");
    }

    fn row(&mut self, cell: &str, cells: &[Vec<Span>], columns: usize, align: &[Alignment]) {
        self.markup.raw("<tr>");
        for column in 0..columns {
            self.markup.begin(cell);
            match align.get(column) {
                Some(Alignment::Right) => self.markup.attribute("style", "text-align:right"),
                Some(Alignment::Center) => self.markup.attribute("style", "text-align:center"),
                Some(Alignment::Left) | None => {}
            }
            self.markup.open();
            if let Some(spans) = cells.get(column) {
                self.line(spans);
            }
            self.markup.close(cell);
        }
        self.markup.raw("</tr>");
    }

    // MessageML's images have no alternative text, and a message cannot point at its attachments: an
    // attached image is shown below it.
    fn image(&mut self, image: &Image) {
        match &image.source {
            MediaSource::Url(url) => match address(url) {
                Some(url) => {
                    self.markup.begin("img");
                    self.markup.attribute("src", &url);
                    self.markup.empty();
                }
                None => {
                    self.notes.add("image that pods do not take → text");
                    self.element("p", &[plain(image.alternative.as_str())]);
                }
            },
            MediaSource::Attachment(_) if !image.alternative.trim().is_empty() => {
                self.element("p", &[plain(image.alternative.as_str())]);
            }
            MediaSource::Attachment(_) => {}
        }
    }

    fn attachment(&mut self, file: &AttachmentBlock) {
        if let MediaSource::Url(url) = &file.source {
            let link = Span::Link(LinkSpan {
                text: file.name.clone(),
                url: url.clone(),
            });
            self.element("p", &[link]);
        }
    }

    fn card(&mut self, card: &Card) {
        let title = !card.title.trim().is_empty();
        let subtitle = card.subtitle.as_deref();
        let subtitle = subtitle.filter(|text| !text.trim().is_empty());
        let body = subtitle.is_some() || !card.paragraphs.is_empty() || !card.facts.is_empty();
        if title || body {
            self.markup.raw("<card>");
            if title {
                self.markup.raw("<header>");
                self.line(&[plain(clean_line(&card.title))]);
                self.markup.raw("</header>");
            }
            if body {
                self.markup.raw("<body>");
                if let Some(subtitle) = subtitle {
                    let style = TextStyle {
                        italic: true,
                        ..TextStyle::default()
                    };
                    self.element("p", &[text(&clean_line(subtitle), style)]);
                }
                for paragraph in &card.paragraphs {
                    self.element("p", paragraph);
                }
                for fact in &card.facts {
                    let style = TextStyle {
                        bold: true,
                        ..TextStyle::default()
                    };
                    let name = text(&format!("{}:", clean_line(&fact.name)), style);
                    let value = plain(format!(" {}", fact.value));
                    self.element("p", &[name, value]);
                }
                self.markup.raw("</body>");
            }
            self.markup.raw("</card>");
        }
        ButtonRow::write(self, &card.buttons);
    }

    // Whether it was written: what stands in for it is passed over then.
    fn own_markup(&mut self, raw: &RawBlock) -> bool {
        if raw.platform != PLATFORM {
            let note = format!("{} markup → its stand-in", clean_line(&raw.platform));
            self.notes.add(&note);
            return false;
        }
        match message_ml_fragment(&raw.text) {
            Ok(markup) => {
                self.close_lists(0);
                self.markup.raw(&markup);
                true
            }
            Err(_) => {
                self.notes
                    .add("symphony markup that is not well-formed → its stand-in");
                false
            }
        }
    }
}

fn text(text: &str, style: TextStyle) -> Span {
    Span::Text(TextSpan {
        text: text.to_owned(),
        style,
    })
}

fn language(name: &str) -> Option<&'static str> {
    let name = name.trim().to_ascii_lowercase();
    let name = match name.as_str() {
        "text" | "txt" | "plain" => "plaintext",
        "javascript" | "mjs" => "js",
        "ts" => "typescript",
        "py" | "python3" => "python",
        "sh" | "bash" | "zsh" | "console" => "shell",
        "yml" => "yaml",
        "c++" => "cpp",
        "c#" | "cs" => "csharp",
        "md" => "markdown",
        "h" => "c",
        name => name,
    };
    LANGUAGES.iter().copied().find(|known| *known == name)
}
