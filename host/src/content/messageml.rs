//! Symphony's MessageML (`platforms/symphony.md` §5.4–5.6) read into blocks.
//!
//! A tag that MessageML does not have is an error; attributes that only say how something looks are
//! passed over. What blocks cannot say (colours, columns side by side) is dropped.

mod form;
pub(super) mod source;

use crate::model::content::{
    Alignment, Block, Card, CodeBlock, DateFormat, DateTimeSpan, Heading, Image, LinkSpan,
    ListItem, MediaSource, MentionSpan, MentionTarget, OtherSpan, Span, Table, TextSpan, TextStyle,
};

use super::xml::{Element, Node, parse};
use super::{ContentError, MAX_BLOCKS};

use form::FormDraft;

/// The deepest list that blocks can say.
const MAX_INDENT: u8 = 8;
/// The most columns that one cell may span.
const MAX_SPAN: usize = 50;

pub(super) fn read(source: &str) -> Result<Vec<Block>, ContentError> {
    let document = parse(source)?;
    let mut walk = Walk::default();
    // Without its root the text is wrapped, as the BDK does.
    walk.children(&document, TextStyle::default())?;
    walk.flush();
    Ok(walk.blocks)
}

#[derive(Default)]
struct Walk {
    blocks: Vec<Block>,
    spans: Vec<Span>,
    kind: Kind,
    form: Option<FormDraft>,
}

/// What running text becomes when it is flushed.
#[derive(Clone, Copy, Default)]
enum Kind {
    #[default]
    Paragraph,
    Heading(u8),
    Item {
        indent: u8,
        ordered: bool,
        // The line already has its bullet.
        begun: bool,
    },
}

impl Walk {
    fn children(&mut self, element: &Element, style: TextStyle) -> Result<(), ContentError> {
        for node in &element.children {
            match node {
                Node::Text(text) => self.text(text, style),
                Node::Element(child) => self.element(child, &element.name, style)?,
            }
        }
        Ok(())
    }

    fn element(
        &mut self,
        element: &Element,
        parent: &str,
        style: TextStyle,
    ) -> Result<(), ContentError> {
        if self.blocks.len() > MAX_BLOCKS {
            return Err(ContentError::TooMany {
                what: "blocks",
                found: self.blocks.len(),
                limit: MAX_BLOCKS,
            });
        }
        match element.name.as_str() {
            "messageML" if parent.is_empty() => self.children(element, style)?,
            "p" | "div" | "title" | "body" | "footer" | "header" => {
                self.flush();
                self.children(element, style)?;
                self.flush();
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.heading(element, style)?,
            "span" | "sub" | "sup" => self.children(element, style)?,
            "b" => self.children(
                element,
                TextStyle {
                    bold: true,
                    ..style
                },
            )?,
            "i" => self.children(
                element,
                TextStyle {
                    italic: true,
                    ..style
                },
            )?,
            "br" => self.spans.push(Span::LineBreak),
            "hr" => {
                self.flush();
                self.blocks.push(Block::Divider);
            }
            "pre" | "code" => self.code(element, style)?,
            "a" => self.link(element)?,
            "img" => {
                let source = MediaSource::Url(element.required("src")?.to_owned());
                let alternative = element.attribute("alt").unwrap_or_default().to_owned();
                self.flush();
                self.blocks.push(Block::Image(Image {
                    source,
                    alternative,
                }));
            }
            "ul" | "ol" => self.list(element, style)?,
            "table" => self.table(element)?,
            "hash" => self
                .spans
                .push(Span::Hashtag(element.required("tag")?.to_owned())),
            "cash" => self.spans.push(Span::Cashtag(
                element.required("tag")?.trim_start_matches('*').to_owned(),
            )),
            "tag" => self.spans.push(financial_tag(element)),
            "mention" => self.spans.push(mention(element)?),
            "emoji" => self.spans.push(emoji(element)?),
            "dateTime" => self.spans.push(date_time(element)?),
            "chime" => self.spans.push(Span::Other(OtherSpan {
                kind: "chime".to_owned(),
                text: "🔔".to_owned(),
            })),
            "card" | "expandable-card" => self.card(element, style)?,
            "form" => self.form(element)?,
            "dialog" | "ui-action" => {
                self.flush();
                self.children(element, style)?;
                self.flush();
            }
            "button" if parent == "ui-action" => self.label(element),
            name if form::is_element(name) => self.form_element(element, parent)?,
            "li" | "thead" | "tbody" | "tfoot" | "tr" | "td" | "th" | "option" | "messageML" => {
                return Err(misplaced(element, parent));
            }
            _ => {
                return Err(ContentError::UnknownTag {
                    tag: element.name.clone(),
                });
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str, style: TextStyle) {
        let mut collapsed = String::with_capacity(text.len());
        let mut space = self.at_space();
        for sign in text.chars() {
            // A no-break space is meant to stay.
            if sign.is_whitespace() && sign != '\u{a0}' {
                if !space {
                    collapsed.push(' ');
                }
                space = true;
            } else {
                collapsed.push(sign);
                space = false;
            }
        }
        self.push(&collapsed, style);
    }

    fn at_space(&self) -> bool {
        match self.spans.last() {
            None | Some(Span::LineBreak) => true,
            Some(Span::Text(last)) => last.text.ends_with(' '),
            Some(_) => false,
        }
    }

    fn push(&mut self, text: &str, style: TextStyle) {
        match self.spans.last_mut() {
            _ if text.is_empty() => {}
            Some(Span::Text(last)) if last.style == style => last.text.push_str(text),
            _ => self.spans.push(Span::Text(TextSpan {
                text: text.to_owned(),
                style,
            })),
        }
    }

    // A button that acts in the platform's own client has no counterpart: its label stays.
    fn label(&mut self, element: &Element) {
        let text = element.text().trim().to_owned();
        self.spans.push(Span::Other(OtherSpan {
            kind: "ui-action".to_owned(),
            text,
        }));
    }

    fn heading(&mut self, element: &Element, style: TextStyle) -> Result<(), ContentError> {
        self.flush();
        let level = element
            .name
            .as_bytes()
            .get(1)
            .copied()
            .map_or(1, |digit| digit - b'0');
        let before = std::mem::replace(&mut self.kind, Kind::Heading(level));
        self.children(element, style)?;
        self.flush();
        self.kind = before;
        Ok(())
    }

    // `code` in running text without a language is a run of text; else it is a block.
    fn code(&mut self, element: &Element, style: TextStyle) -> Result<(), ContentError> {
        let text = element.text();
        let language = element.attribute("language");
        let inline = element.name == "code" && language.is_none() && !text.contains('\n');
        if inline {
            return self.children(
                element,
                TextStyle {
                    code: true,
                    ..style
                },
            );
        }
        self.flush();
        let text = text.trim_matches('\n').to_owned();
        self.blocks.push(Block::Code(CodeBlock {
            language: language.map(str::to_owned),
            text,
        }));
        Ok(())
    }

    fn link(&mut self, element: &Element) -> Result<(), ContentError> {
        let url = element.required("href")?.to_owned();
        let text = collapse(&element.text());
        self.spans.push(Span::Link(LinkSpan { text, url }));
        Ok(())
    }

    fn list(&mut self, element: &Element, style: TextStyle) -> Result<(), ContentError> {
        self.flush();
        let ordered = element.name == "ol";
        let indent = match self.kind {
            Kind::Item { indent, .. } => (indent + 1).min(MAX_INDENT),
            Kind::Paragraph | Kind::Heading(_) => 0,
        };
        let before = self.kind;
        for item in only_elements(element)? {
            if item.name != "li" {
                return Err(misplaced(item, &element.name));
            }
            self.kind = Kind::Item {
                indent,
                ordered,
                begun: false,
            };
            self.children(item, style)?;
            self.flush();
        }
        self.kind = before;
        Ok(())
    }

    fn table(&mut self, element: &Element) -> Result<(), ContentError> {
        self.flush();
        let mut header = Vec::new();
        let mut rows = Vec::new();
        for part in only_elements(element)? {
            match part.name.as_str() {
                "tr" => self.row(part, false, &mut header, &mut rows)?,
                "thead" | "tbody" | "tfoot" => {
                    for row in only_elements(part)? {
                        if row.name != "tr" {
                            return Err(misplaced(row, &part.name));
                        }
                        self.row(row, part.name == "thead", &mut header, &mut rows)?;
                    }
                }
                _ => return Err(misplaced(part, "table")),
            }
        }
        let columns = rows
            .iter()
            .map(Vec::len)
            .chain([header.len()])
            .max()
            .unwrap_or(0);
        self.blocks.push(Block::Table(Table {
            header,
            rows,
            columns: vec![Alignment::Left; columns],
        }));
        Ok(())
    }

    fn row(
        &mut self,
        row: &Element,
        head: bool,
        header: &mut Vec<Vec<Span>>,
        rows: &mut Vec<Vec<Vec<Span>>>,
    ) -> Result<(), ContentError> {
        let mut cells = Vec::new();
        let mut titles = true;
        for cell in only_elements(row)? {
            if !matches!(cell.name.as_str(), "td" | "th") {
                return Err(misplaced(cell, "tr"));
            }
            titles &= cell.name == "th";
            cells.push(self.cell(cell)?);
            let span = cell
                .attribute("colspan")
                .and_then(|span| span.parse::<usize>().ok())
                .unwrap_or(1);
            cells.extend((1..span.min(MAX_SPAN)).map(|_| Vec::new()));
        }
        if header.is_empty() && rows.is_empty() && (head || titles) {
            *header = cells;
        } else {
            rows.push(cells);
        }
        Ok(())
    }

    // A cell holds spans only: blocks inside it become lines, and a form's fields go to the form.
    fn cell(&mut self, cell: &Element) -> Result<Vec<Span>, ContentError> {
        let mut inner = Self {
            form: self.form.take(),
            ..Self::default()
        };
        let done = inner.children(cell, TextStyle::default());
        inner.flush();
        self.form = inner.form.take();
        done?;
        let mut spans = Vec::new();
        for block in inner.blocks {
            let found = match block {
                Block::Paragraph(found) | Block::Quote(found) => found,
                Block::Heading(heading) => heading.spans,
                Block::ListItem(item) => item.spans,
                Block::Code(code) => vec![super::plain(code.text)],
                Block::Image(image) => match image.source {
                    MediaSource::Url(url) => vec![Span::Link(LinkSpan {
                        text: image.alternative,
                        url,
                    })],
                    MediaSource::Attachment(_) => continue,
                },
                Block::Divider
                | Block::Table(_)
                | Block::Attachment(_)
                | Block::Card(_)
                | Block::Form(_)
                | Block::Buttons(_)
                | Block::Raw(_) => continue,
            };
            if !spans.is_empty() {
                spans.push(Span::LineBreak);
            }
            spans.extend(found);
        }
        Ok(spans)
    }

    // Running text becomes the card's; a table, list or form inside it follows the card.
    fn card(&mut self, element: &Element, style: TextStyle) -> Result<(), ContentError> {
        self.flush();
        let mut card = Card {
            title: String::new(),
            subtitle: None,
            paragraphs: Vec::new(),
            facts: Vec::new(),
            buttons: Vec::new(),
        };
        let mut after = Vec::new();
        for part in only_elements(element)? {
            let start = self.blocks.len();
            self.children(part, style)?;
            self.flush();
            let found = self.blocks.split_off(start);
            match part.name.as_str() {
                "header" => {
                    let lines = found.iter().map(block_line).filter(|line| !line.is_empty());
                    card.title = lines.collect::<Vec<_>>().join(" ");
                }
                "body" => {
                    for block in found {
                        match block {
                            Block::Paragraph(spans) if after.is_empty() => {
                                card.paragraphs.push(spans)
                            }
                            block => after.push(block),
                        }
                    }
                }
                _ => return Err(misplaced(part, &element.name)),
            }
        }
        self.blocks.push(Block::Card(card));
        self.blocks.append(&mut after);
        Ok(())
    }

    fn flush(&mut self) {
        let mut spans = std::mem::take(&mut self.spans);
        trim(&mut spans);
        if spans.is_empty() {
            return;
        }
        let block = match &mut self.kind {
            Kind::Paragraph => Block::Paragraph(spans),
            Kind::Heading(level) => Block::Heading(Heading {
                level: *level,
                spans,
            }),
            Kind::Item { begun: true, .. } => match self.blocks.last_mut() {
                Some(Block::ListItem(item)) => {
                    item.spans.push(Span::LineBreak);
                    item.spans.extend(spans);
                    return;
                }
                _ => Block::Paragraph(spans),
            },
            Kind::Item {
                indent,
                ordered,
                begun,
            } => {
                *begun = true;
                Block::ListItem(ListItem {
                    indent: *indent,
                    ordered: *ordered,
                    spans,
                })
            }
        };
        self.blocks.push(block);
    }
}

fn trim(spans: &mut Vec<Span>) {
    while let Some(last) = spans.last_mut() {
        match last {
            Span::LineBreak => {}
            Span::Text(text) => {
                text.text
                    .truncate(text.text.trim_end_matches([' ', '\n', '\t']).len());
                if !text.text.is_empty() {
                    break;
                }
            }
            _ => break,
        }
        spans.pop();
    }
}

fn block_line(block: &Block) -> String {
    match block {
        Block::Paragraph(spans) => super::spans_text(spans),
        Block::Heading(heading) => super::spans_text(&heading.spans),
        _ => String::new(),
    }
}

fn only_elements(element: &Element) -> Result<impl Iterator<Item = &Element>, ContentError> {
    let text = element.children.iter().find_map(|node| match node {
        Node::Text(text) if !text.trim().is_empty() => Some(text),
        Node::Text(_) | Node::Element(_) => None,
    });
    match text {
        Some(_) => Err(ContentError::Misplaced {
            tag: "text".to_owned(),
            parent: element.name.clone(),
        }),
        None => Ok(element.elements()),
    }
}

fn misplaced(element: &Element, parent: &str) -> ContentError {
    let parent = if parent.is_empty() {
        "messageML"
    } else {
        parent
    };
    ContentError::Misplaced {
        tag: element.name.clone(),
        parent: parent.to_owned(),
    }
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn mention(element: &Element) -> Result<Span, ContentError> {
    let target = match (element.attribute("uid"), element.attribute("email")) {
        (Some(id), _) if !id.is_empty() => MentionTarget::User(id.to_owned()),
        (_, Some(email)) if !email.is_empty() => MentionTarget::Email(email.to_owned()),
        _ => {
            return Err(ContentError::MissingAttribute {
                tag: element.name.clone(),
                attribute: "uid` or `email",
            });
        }
    };
    Ok(Span::Mention(MentionSpan {
        target,
        text: String::new(),
    }))
}

fn emoji(element: &Element) -> Result<Span, ContentError> {
    let code = element
        .attribute("shortcode")
        .or_else(|| element.attribute("annotation"));
    match code.filter(|code| !code.is_empty()) {
        Some(code) => Ok(Span::Emoji(code.trim_matches(':').to_owned())),
        None => Err(ContentError::MissingAttribute {
            tag: element.name.clone(),
            attribute: "shortcode",
        }),
    }
}

fn date_time(element: &Element) -> Result<Span, ContentError> {
    let value = element.required("value")?;
    let stamp: jiff::Timestamp = value.parse().map_err(|_| ContentError::BadAttribute {
        tag: element.name.clone(),
        attribute: "value",
        expected: "a date and time with its offset, `2026-11-20T14:30:00+01:00`",
        found: value.to_owned(),
    })?;
    let format = match element.attribute("format") {
        Some("date") => DateFormat::Date,
        Some("time" | "time_secs") => DateFormat::Time,
        _ => DateFormat::DateTime,
    };
    Ok(Span::DateTime(DateTimeSpan {
        at: u64::try_from(stamp.as_millisecond()).unwrap_or(0),
        format,
    }))
}

// An enhanced tag names a paper in one of a dozen ways; the shortest that people know is shown.
fn financial_tag(element: &Element) -> Span {
    const NAMES: [&str; 10] = [
        "fallback-ticker",
        "bbgcompticker",
        "fullbbgcompticker",
        "figi-ticker",
        "local-code",
        "us-code",
        "isin",
        "figi",
        "unique-id",
        "operational-mic",
    ];
    match NAMES.iter().find_map(|name| element.attribute(name)) {
        Some(ticker) => Span::Cashtag(ticker.to_owned()),
        None => Span::Other(OtherSpan {
            kind: "tag".to_owned(),
            text: String::new(),
        }),
    }
}
