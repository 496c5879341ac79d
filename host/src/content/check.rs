//! The rules that every message keeps, whatever its form was.

use url::Url;

use crate::model::content::{
    Block, Button, ButtonKind, Field, FieldKind, Form, MediaSource, Span, Table,
};

use super::{ContentError, MAX_BLOCKS, MAX_TEXT_BYTES};
use crate::content::forms::compile_pattern;

/// The most fields of a form.
const MAX_FIELDS: usize = 50;
/// The most choices of a field.
const MAX_CHOICES: usize = 500;
/// The most buttons of a row, card or form.
const MAX_BUTTONS: usize = 50;
/// The most columns of a table.
const MAX_COLUMNS: usize = 50;
/// The most bytes of an id.
const MAX_ID_BYTES: usize = 64;
/// The deepest list.
const MAX_INDENT: u8 = 8;
/// The most bytes of an address.
const MAX_URL_BYTES: usize = 2_048;

/// What one message may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text, all blocks together.
    pub text_bytes: usize,
    /// Attachments that the send carries.
    pub attachments: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes: MAX_TEXT_BYTES,
            attachments: 0,
        }
    }
}

/// Checks blocks before they are stored.
///
/// # Errors
/// Fails on the first rule that is broken, with the block's number, what was expected and found.
pub fn check(blocks: &[Block], limits: &Limits) -> Result<(), ContentError> {
    if blocks.len() > MAX_BLOCKS {
        return Err(ContentError::TooMany {
            what: "blocks",
            found: blocks.len(),
            limit: MAX_BLOCKS,
        });
    }
    let mut bytes = 0;
    let mut forms = Vec::new();
    for (place, block) in blocks.iter().enumerate() {
        let mut checker = Checker { limits, bytes: 0 };
        let stand_ins = blocks.len() - place - 1;
        checker
            .block(block, stand_ins, &mut forms)
            .map_err(|problem| ContentError::Block {
                block: place,
                problem,
            })?;
        bytes += checker.bytes;
    }
    if bytes > limits.text_bytes {
        return Err(ContentError::TooLong {
            found: bytes,
            limit: limits.text_bytes,
        });
    }
    Ok(())
}

type Checked = Result<(), String>;

struct Checker<'l> {
    limits: &'l Limits,
    bytes: usize,
}

impl Checker<'_> {
    fn block<'b>(
        &mut self,
        block: &'b Block,
        stand_ins: usize,
        forms: &mut Vec<&'b str>,
    ) -> Checked {
        match block {
            Block::Paragraph(spans) | Block::Quote(spans) => self.spans(spans),
            Block::Heading(heading) => {
                expect(
                    (1..=6).contains(&heading.level),
                    "a heading level from 1 to 6",
                    &heading.level,
                )?;
                self.spans(&heading.spans)
            }
            Block::Code(code) => {
                self.count(&code.text);
                Ok(())
            }
            Block::Divider => Ok(()),
            Block::ListItem(item) => {
                expect(
                    item.indent <= MAX_INDENT,
                    "an indent of at most 8",
                    &item.indent,
                )?;
                self.spans(&item.spans)
            }
            Block::Table(table) => self.table(table),
            Block::Image(image) => {
                self.count(&image.alternative);
                self.media(&image.source)
            }
            Block::Attachment(file) => {
                self.count(&file.name);
                self.media(&file.source)
            }
            Block::Card(card) => {
                self.count(&card.title);
                self.count(card.subtitle.as_deref().unwrap_or_default());
                for paragraph in &card.paragraphs {
                    self.spans(paragraph)?;
                }
                for fact in &card.facts {
                    self.count(&fact.name);
                    self.count(&fact.value);
                }
                self.buttons(&card.buttons)
            }
            Block::Form(form) => {
                expect(
                    !forms.contains(&form.id.as_str()),
                    "a form id of its own in the message",
                    &form.id,
                )?;
                forms.push(&form.id);
                self.form(form)
            }
            Block::Buttons(buttons) => {
                expect(!buttons.is_empty(), "at least one button", &0)?;
                self.buttons(buttons)
            }
            Block::Raw(raw) => {
                self.count(&raw.text);
                expect(
                    !raw.platform.is_empty(),
                    "the name of a platform",
                    &raw.platform,
                )?;
                expect(
                    raw.fallback >= 1,
                    "at least 1 block as its stand-in",
                    &raw.fallback,
                )?;
                let follows = usize::try_from(raw.fallback).is_ok_and(|wanted| wanted <= stand_ins);
                expect(
                    follows,
                    &format!("{} blocks behind it as its stand-in", raw.fallback),
                    &stand_ins,
                )
            }
        }
    }

    fn count(&mut self, text: &str) {
        self.bytes += text.len();
    }

    fn spans(&mut self, spans: &[Span]) -> Checked {
        for span in spans {
            match span {
                Span::Text(text) => self.count(&text.text),
                Span::Link(link) => {
                    self.count(&link.text);
                    self.url(&link.url)?;
                }
                Span::Mention(mention) => self.count(&mention.text),
                Span::Cashtag(text) | Span::Hashtag(text) | Span::Emoji(text) => {
                    self.count(text);
                    let one_word = !text.is_empty() && !text.chars().any(char::is_whitespace);
                    expect(one_word, "a tag or shortcode of one word", text)?;
                }
                Span::Other(other) => self.count(&other.text),
                Span::DateTime(_) | Span::LineBreak => {}
            }
        }
        Ok(())
    }

    fn url(&mut self, url: &str) -> Checked {
        self.count(url);
        expect(
            url.len() <= MAX_URL_BYTES,
            "an address of at most 2048 bytes",
            &url.len(),
        )?;
        let scheme = Url::parse(url).ok().map(|url| url.scheme().to_owned());
        let allowed = matches!(scheme.as_deref(), Some("http" | "https" | "mailto"));
        expect(allowed, "an absolute http, https or mailto address", &url)
    }

    fn media(&mut self, source: &MediaSource) -> Checked {
        match source {
            MediaSource::Url(url) => {
                expect(
                    !url.starts_with("mailto:"),
                    "an absolute http or https address",
                    &url,
                )?;
                self.url(url)
            }
            MediaSource::Attachment(number) => {
                let sent =
                    usize::try_from(*number).is_ok_and(|number| number < self.limits.attachments);
                expect(
                    sent,
                    &format!(
                        "the number of one of {} attachments",
                        self.limits.attachments
                    ),
                    number,
                )
            }
        }
    }

    fn table(&mut self, table: &Table) -> Checked {
        let columns = if table.header.is_empty() {
            table.rows.first().map_or(0, Vec::len)
        } else {
            table.header.len()
        };
        expect(
            (1..=MAX_COLUMNS).contains(&columns),
            "a table of 1 to 50 columns",
            &columns,
        )?;
        expect(
            table.columns.len() <= columns,
            &format!("at most {columns} alignments"),
            &table.columns.len(),
        )?;
        for (number, row) in table.rows.iter().enumerate() {
            expect(
                row.len() <= columns,
                &format!("at most {columns} cells in row {}", number + 1),
                &row.len(),
            )?;
        }
        for cell in table.header.iter().chain(table.rows.iter().flatten()) {
            self.spans(cell)?;
        }
        Ok(())
    }

    fn buttons(&mut self, buttons: &[Button]) -> Checked {
        expect(
            buttons.len() <= MAX_BUTTONS,
            "at most 50 buttons",
            &buttons.len(),
        )?;
        let mut ids = Vec::new();
        for button in buttons {
            self.count(&button.label);
            expect(
                !button.label.trim().is_empty(),
                "a button with a label",
                &button.label,
            )?;
            match &button.kind {
                ButtonKind::Action(action) => {
                    self.count(&action.value);
                    unique("button", &action.id, &mut ids)?;
                }
                ButtonKind::Link(url) => self.url(url)?,
                ButtonKind::Reply(text) => self.count(text),
            }
        }
        Ok(())
    }

    fn form(&mut self, form: &Form) -> Checked {
        expect(is_id(&form.id), "a form id of 1 to 64 bytes", &form.id)?;
        self.count(form.title.as_deref().unwrap_or_default());
        expect(
            form.fields.len() <= MAX_FIELDS,
            "at most 50 fields",
            &form.fields.len(),
        )?;
        let mut ids = Vec::new();
        for field in &form.fields {
            unique("field", &field.id, &mut ids)?;
            self.field(field)
                .map_err(|problem| format!("field `{}`: {problem}", field.id))?;
        }
        self.buttons(&form.buttons)
    }

    fn field(&mut self, field: &Field) -> Checked {
        self.count(&field.label);
        self.count(field.placeholder.as_deref().unwrap_or_default());
        field.defaults.iter().for_each(|value| self.count(value));
        expect(
            field.choices.len() <= MAX_CHOICES,
            "at most 500 choices",
            &field.choices.len(),
        )?;
        let mut values: Vec<&str> = Vec::with_capacity(field.choices.len());
        for choice in &field.choices {
            self.count(&choice.value);
            self.count(&choice.label);
            expect(
                !values.contains(&choice.value.as_str()),
                "choices with values of their own",
                &choice.value,
            )?;
            values.push(&choice.value);
        }
        if matches!(
            field.kind,
            FieldKind::Radio | FieldKind::Select | FieldKind::MultiSelect
        ) {
            expect(!field.choices.is_empty(), "at least one choice", &0)?;
            for value in &field.defaults {
                expect(
                    values.contains(&value.as_str()),
                    "defaults among the choices",
                    value,
                )?;
            }
        }
        if let Some(pattern) = &field.pattern {
            self.count(&pattern.regex);
            self.count(&pattern.message);
            compile_pattern(&pattern.regex)?;
        }
        for bound in [&field.min, &field.max].into_iter().flatten() {
            let fits = crate::content::forms::is_bound(&field.kind, bound);
            expect(fits, "a bound of the field's kind", bound)?;
        }
        Ok(())
    }
}

fn unique<'i>(what: &str, id: &'i str, ids: &mut Vec<&'i str>) -> Checked {
    expect(is_id(id), &format!("a {what} id of 1 to 64 bytes"), &id)?;
    expect(!ids.contains(&id), &format!("each {what} id once"), &id)?;
    ids.push(id);
    Ok(())
}

fn is_id(id: &str) -> bool {
    !id.trim().is_empty() && id.len() <= MAX_ID_BYTES && !id.chars().any(char::is_control)
}

fn expect(holds: bool, expected: &str, found: &dyn std::fmt::Display) -> Checked {
    if holds {
        return Ok(());
    }
    let found: String = found.to_string().chars().take(80).collect();
    Err(format!("expected {expected}, found `{found}`"))
}
