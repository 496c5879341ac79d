//! CommonMark with tables and strikethrough. HTML in it is text: what a plugin writes is data.

use pulldown_cmark::{Alignment as Column, CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::model::content::{
    Alignment, Block, CodeBlock, Heading, Image, LinkSpan, ListItem, MediaSource, Span, Table,
    TextSpan, TextStyle,
};

use super::{ContentError, MAX_BLOCKS, MAX_DEPTH};

/// The deepest list that blocks can say.
const MAX_INDENT: usize = 8;

pub(super) fn read(source: &str) -> Result<Vec<Block>, ContentError> {
    let mut reader = Reader::default();
    for event in Parser::new_ext(
        source,
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH,
    ) {
        reader.event(event)?;
        if reader.blocks.len() > MAX_BLOCKS {
            return Err(ContentError::TooMany {
                what: "blocks",
                found: reader.blocks.len(),
                limit: MAX_BLOCKS,
            });
        }
    }
    reader.flush();
    Ok(reader.blocks)
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    spans: Vec<Span>,
    depth: usize,
    bold: usize,
    italic: usize,
    strike: usize,
    quotes: usize,
    heading: Option<u8>,
    // One a list that is open: numbered or not.
    lists: Vec<bool>,
    // The next line flushed is an item's first.
    item: bool,
    link: Option<(String, String)>,
    image: Option<(String, String)>,
    code: Option<CodeBlock>,
    table: Option<Table>,
    row: Vec<Vec<Span>>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) -> Result<(), ContentError> {
        match event {
            Event::Start(tag) => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(ContentError::TooDeep { limit: MAX_DEPTH });
                }
                self.start(tag);
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                self.end(tag);
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.text(&text, false)
            }
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text(&text, true)
            }
            Event::SoftBreak => self.text(" ", false),
            Event::HardBreak if self.image.is_some() || self.link.is_some() => {
                self.text(" ", false)
            }
            Event::HardBreak => self.spans.push(Span::LineBreak),
            Event::Rule => {
                self.flush();
                self.blocks.push(Block::Divider);
            }
            Event::FootnoteReference(_) | Event::TaskListMarker(_) => {}
        }
        Ok(())
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.flush(),
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
                    CodeBlockKind::Fenced(info) => {
                        info.split_whitespace().next().map(str::to_owned)
                    }
                    CodeBlockKind::Indented => None,
                };
                self.code = Some(CodeBlock {
                    language,
                    text: String::new(),
                });
            }
            Tag::List(start) => {
                self.flush();
                self.lists.push(start.is_some());
            }
            Tag::Item => {
                self.flush();
                self.item = true;
            }
            Tag::Table(columns) => {
                self.flush();
                let columns = columns.into_iter().map(alignment).collect();
                self.table = Some(Table {
                    header: Vec::new(),
                    rows: Vec::new(),
                    columns,
                });
            }
            Tag::TableHead | Tag::TableRow => self.row.clear(),
            Tag::TableCell => self.spans.clear(),
            Tag::Emphasis => self.italic += 1,
            Tag::Strong => self.bold += 1,
            Tag::Strikethrough => self.strike += 1,
            Tag::Link { dest_url, .. } => self.link = Some((dest_url.into_string(), String::new())),
            Tag::Image { dest_url, .. } => {
                self.image = Some((dest_url.into_string(), String::new()))
            }
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.flush(),
            TagEnd::Heading(_) => {
                self.flush();
                self.heading = None;
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::CodeBlock => {
                if let Some(mut code) = self.code.take() {
                    code.text.truncate(code.text.trim_end_matches('\n').len());
                    self.blocks.push(Block::Code(code));
                }
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
            }
            TagEnd::Item => {
                self.flush();
                self.item = false;
            }
            TagEnd::Table => self.blocks.extend(self.table.take().map(Block::Table)),
            TagEnd::TableHead => {
                if let Some(table) = &mut self.table {
                    table.header = std::mem::take(&mut self.row);
                }
            }
            TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(std::mem::take(&mut self.row));
                }
            }
            TagEnd::TableCell => self.row.push(std::mem::take(&mut self.spans)),
            TagEnd::Emphasis => self.italic = self.italic.saturating_sub(1),
            TagEnd::Strong => self.bold = self.bold.saturating_sub(1),
            TagEnd::Strikethrough => self.strike = self.strike.saturating_sub(1),
            TagEnd::Link => {
                if let Some((url, text)) = self.link.take() {
                    self.spans.push(Span::Link(LinkSpan { text, url }));
                }
            }
            TagEnd::Image => self.end_image(),
            _ => {}
        }
    }

    // An image in a cell or a link has no place as a block, so it stays what can be opened.
    fn end_image(&mut self) {
        let Some((url, alternative)) = self.image.take() else {
            return;
        };
        if let Some((_, text)) = &mut self.link {
            text.push_str(&alternative);
        } else if self.table.is_some() {
            self.spans.push(Span::Link(LinkSpan {
                text: alternative,
                url,
            }));
        } else {
            self.flush();
            self.blocks.push(Block::Image(Image {
                source: MediaSource::Url(url),
                alternative,
            }));
        }
    }

    fn text(&mut self, text: &str, code: bool) {
        if let Some((_, alternative)) = &mut self.image {
            alternative.push_str(text);
            return;
        }
        if let Some(block) = &mut self.code {
            block.text.push_str(text);
            return;
        }
        if let Some((_, shown)) = &mut self.link {
            shown.push_str(text);
            return;
        }
        let style = TextStyle {
            bold: self.bold > 0,
            italic: self.italic > 0,
            underline: false,
            strike: self.strike > 0,
            code,
        };
        match self.spans.last_mut() {
            Some(Span::Text(last)) if last.style == style => last.text.push_str(text),
            _ => self.spans.push(Span::Text(TextSpan {
                text: text.to_owned(),
                style,
            })),
        }
    }

    fn flush(&mut self) {
        let mut spans = std::mem::take(&mut self.spans);
        if let Some(Span::Text(last)) = spans.last_mut() {
            last.text.truncate(last.text.trim_end_matches('\n').len());
        }
        spans.retain(|span| !matches!(span, Span::Text(text) if text.text.is_empty()));
        if spans.is_empty() {
            return;
        }
        let block = match (self.heading, self.lists.last().copied()) {
            (Some(level), _) => Block::Heading(Heading { level, spans }),
            // An item's second paragraph is a line of its own, so that the list goes on.
            (None, Some(ordered)) if self.item => {
                self.item = false;
                let indent = u8::try_from((self.lists.len() - 1).min(MAX_INDENT)).unwrap_or(0);
                Block::ListItem(ListItem {
                    indent,
                    ordered,
                    spans,
                })
            }
            (None, Some(_)) if self.continues_item(&spans) => return,
            (None, _) if self.quotes > 0 => Block::Quote(spans),
            (None, _) => Block::Paragraph(spans),
        };
        self.blocks.push(block);
    }

    fn continues_item(&mut self, spans: &[Span]) -> bool {
        let Some(Block::ListItem(item)) = self.blocks.last_mut() else {
            return false;
        };
        item.spans.push(Span::LineBreak);
        item.spans.extend_from_slice(spans);
        true
    }
}

fn alignment(column: Column) -> Alignment {
    match column {
        Column::None | Column::Left => Alignment::Left,
        Column::Center => Alignment::Center,
        Column::Right => Alignment::Right,
    }
}
