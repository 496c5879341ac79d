//! CommonMark with tables and strikethrough, read into blocks.

use pulldown_cmark::{Alignment as Side, CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::model::content::{
    Alignment, Block, CodeBlock, Heading, Image, LinkSpan, ListItem, MediaSource, Span, Table,
    TextSpan, TextStyle,
};

/// Reads Markdown. Nothing in it is an error; HTML is text.
pub(super) fn read(text: &str) -> Vec<Block> {
    let mut reader = Reader::default();
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        reader.take(event);
    }
    reader.flush();
    reader.blocks
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    spans: Vec<Span>,
    style: TextStyle,
    /// Ordered or not, of each open list.
    lists: Vec<bool>,
    quotes: usize,
    heading: Option<u8>,
    code: Option<CodeBlock>,
    link: Option<(String, String)>,
    image: Option<(String, String)>,
    table: Option<Table>,
    row: Vec<Vec<Span>>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) => {
                let style = TextStyle {
                    code: true,
                    ..self.style
                };
                self.spans.push(span(&text, style));
            }
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.spans.push(Span::LineBreak),
            Event::Rule => {
                self.flush();
                self.blocks.push(Block::Divider);
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(code) = &mut self.code {
            code.text.push_str(text);
        } else if let Some((_, label)) = &mut self.image {
            label.push_str(text);
        } else if let Some((_, label)) = &mut self.link {
            label.push_str(text);
        } else {
            self.spans.push(span(text, self.style));
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.heading = Some(level as u8);
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.quotes += 1;
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                let language = match kind {
                    CodeBlockKind::Fenced(name) if !name.is_empty() => Some(name.to_string()),
                    _ => None,
                };
                self.code = Some(CodeBlock {
                    language,
                    text: String::new(),
                });
            }
            Tag::List(first) => {
                self.flush();
                self.lists.push(first.is_some());
            }
            Tag::Item | Tag::Paragraph => self.flush(),
            Tag::Emphasis => self.style.italic = true,
            Tag::Strong => self.style.bold = true,
            Tag::Strikethrough => self.style.strike = true,
            Tag::Link { dest_url, .. } => self.link = Some((dest_url.to_string(), String::new())),
            Tag::Image { dest_url, .. } => {
                self.image = Some((dest_url.to_string(), String::new()));
            }
            Tag::Table(sides) => {
                self.flush();
                self.table = Some(Table {
                    header: Vec::new(),
                    rows: Vec::new(),
                    columns: sides.into_iter().map(side).collect(),
                });
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) | TagEnd::Paragraph | TagEnd::Item => self.flush(),
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::CodeBlock => {
                if let Some(mut code) = self.code.take() {
                    code.text = code.text.trim_end_matches('\n').to_owned();
                    self.blocks.push(Block::Code(code));
                }
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
            }
            TagEnd::Emphasis => self.style.italic = false,
            TagEnd::Strong => self.style.bold = false,
            TagEnd::Strikethrough => self.style.strike = false,
            TagEnd::Link => {
                if let Some((url, text)) = self.link.take() {
                    self.spans.push(link(url, text));
                }
            }
            TagEnd::Image => {
                if let Some((url, alternative)) = self.image.take() {
                    if super::is_safe_url(&url) && self.table.is_none() {
                        self.flush();
                        self.blocks.push(Block::Image(Image {
                            source: MediaSource::Url(url),
                            alternative,
                        }));
                    } else {
                        self.spans.push(span(&alternative, self.style));
                    }
                }
            }
            TagEnd::TableCell => self.row.push(std::mem::take(&mut self.spans)),
            TagEnd::TableHead => {
                let row = std::mem::take(&mut self.row);
                if let Some(table) = &mut self.table {
                    table.header = row;
                }
            }
            TagEnd::TableRow => {
                let row = std::mem::take(&mut self.row);
                if let Some(table) = &mut self.table {
                    table.rows.push(row);
                }
            }
            TagEnd::Table => self.blocks.extend(self.table.take().map(Block::Table)),
            _ => {}
        }
    }

    fn flush(&mut self) {
        if self.spans.is_empty() || self.table.is_some() {
            return;
        }
        let spans = std::mem::take(&mut self.spans);
        let block = if let Some(level) = self.heading.take() {
            Block::Heading(Heading { level, spans })
        } else if let Some(ordered) = self.lists.last() {
            Block::ListItem(ListItem {
                indent: u8::try_from(self.lists.len() - 1)
                    .unwrap_or(u8::MAX)
                    .min(super::MAX_INDENT),
                ordered: *ordered,
                spans,
            })
        } else if self.quotes > 0 {
            Block::Quote(spans)
        } else {
            Block::Paragraph(spans)
        };
        self.blocks.push(block);
    }
}

fn side(side: Side) -> Alignment {
    match side {
        Side::Right => Alignment::Right,
        Side::Center => Alignment::Center,
        Side::Left | Side::None => Alignment::Left,
    }
}

/// A link that may not be one is shown as text.
fn link(url: String, text: String) -> Span {
    if super::is_safe_url(&url) {
        Span::Link(LinkSpan { text, url })
    } else {
        span(&format!("{text} ({url})"), TextStyle::default())
    }
}

fn span(text: &str, style: TextStyle) -> Span {
    Span::Text(TextSpan {
        text: text.to_owned(),
        style,
    })
}
