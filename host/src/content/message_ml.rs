//! Symphony's MessageML, read into blocks, so that a message written for it shows on every platform.

use quick_xml::Reader as XmlReader;
use quick_xml::escape::resolve_html5_entity;
use quick_xml::events::{BytesStart, Event};

use super::ContentError;
use crate::model::content::{
    ActionButton, Alignment, Block, Button, ButtonKind, ButtonStyle, Choice, CodeBlock, DateFormat,
    DateTimeSpan, Field, FieldKind, FieldPattern, Form, FormAnswers, FormAudience, FormEnd,
    Heading, Image, LinkSpan, ListItem, MediaSource, MentionSpan, MentionTarget, Span, Table,
    TextSpan, TextStyle,
};

/// Elements inside each other.
const MAX_DEPTH: usize = 64;

/// Reads MessageML.
///
/// # Errors
/// Text that is no XML, and unknown tags, by name.
pub(super) fn read(source: &str) -> Result<Vec<Block>, ContentError> {
    let wrapped;
    let source = if source.trim_start().starts_with('<') {
        source
    } else {
        wrapped = format!("<messageML>{source}</messageML>");
        &wrapped
    };
    let mut xml = XmlReader::from_str(source);
    let mut reader = Reader::default();
    loop {
        match xml.read_event().map_err(|error| wrong(error.to_string()))? {
            Event::Start(tag) => {
                if reader.open.len() >= MAX_DEPTH {
                    return Err(wrong(format!(
                        "more than {MAX_DEPTH} elements inside each other"
                    )));
                }
                let element = Element::read(&tag)?;
                reader.start(&element)?;
                reader.open.push(element);
            }
            Event::Empty(tag) => {
                let element = Element::read(&tag)?;
                reader.start(&element)?;
                reader.end(&element);
            }
            Event::End(_) => {
                if let Some(element) = reader.open.pop() {
                    reader.end(&element);
                }
            }
            Event::Text(text) => {
                let text = text.decode().map_err(|error| wrong(error.to_string()))?;
                reader.text(&text);
            }
            Event::CData(text) => {
                let text = text.decode().map_err(|error| wrong(error.to_string()))?;
                reader.text(&text);
            }
            Event::GeneralRef(name) => {
                let name = name.decode().map_err(|error| wrong(error.to_string()))?;
                reader.text(&entity(&name)?);
            }
            Event::DocType(_) => return Err(wrong("a DOCTYPE is not allowed".to_owned())),
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    reader.flush();
    Ok(reader.blocks)
}

fn wrong(text: String) -> ContentError {
    ContentError::MessageMl(text)
}

fn entity(name: &str) -> Result<String, ContentError> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return code
            .ok()
            .and_then(char::from_u32)
            .map(String::from)
            .ok_or_else(|| wrong(format!("`&{name};` is no character")));
    }
    resolve_html5_entity(name)
        .map(str::to_owned)
        .ok_or_else(|| wrong(format!("`&{name};` is not known")))
}

struct Element {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    fn read(tag: &BytesStart<'_>) -> Result<Self, ContentError> {
        let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
        let attributes = tag
            .attributes()
            .map(|attribute| {
                let attribute = attribute.map_err(|error| wrong(error.to_string()))?;
                let value = attribute
                    .unescape_value()
                    .map_err(|error| wrong(error.to_string()))?;
                let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
                Ok((key, value.into_owned()))
            })
            .collect::<Result<_, ContentError>>()?;
        Ok(Self { name, attributes })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }
}

#[derive(Default)]
struct Reader {
    open: Vec<Element>,
    blocks: Vec<Block>,
    spans: Vec<Span>,
    style: TextStyle,
    lists: Vec<bool>,
    heading: Option<u8>,
    code: Option<CodeBlock>,
    link: Option<(String, String)>,
    table: Option<Table>,
    row: Vec<Vec<Span>>,
    head: bool,
    form: Option<Form>,
    /// The label of the element that is open: a button, an option, a field.
    label: Option<String>,
}

impl Reader {
    fn start(&mut self, tag: &Element) -> Result<(), ContentError> {
        match tag.name.as_str() {
            "messageML" | "span" | "thead" | "tbody" | "tfoot" | "sub" | "sup" | "header"
            | "body" | "chime" | "title" | "footer" => {}
            "p" | "div" | "card" | "expandable-card" | "li" => self.flush(),
            "br" => self.spans.push(Span::LineBreak),
            "hr" => {
                self.flush();
                self.blocks.push(Block::Divider);
            }
            "b" => self.style.bold = true,
            "i" => self.style.italic = true,
            "u" => self.style.underline = true,
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.flush();
                self.heading = tag.name[1..].parse().ok();
            }
            "pre" | "code" => {
                self.flush();
                self.code.get_or_insert(CodeBlock {
                    language: tag.get("language").map(str::to_owned),
                    text: String::new(),
                });
            }
            "a" => self.link = Some((tag.text("href"), String::new())),
            "img" => {
                self.flush();
                self.blocks.push(Block::Image(Image {
                    source: MediaSource::Url(tag.text("src")),
                    alternative: tag.text("alt"),
                }));
            }
            "ul" | "ol" => {
                self.flush();
                self.lists.push(tag.name == "ol");
            }
            "table" => {
                self.flush();
                self.table = Some(Table {
                    header: Vec::new(),
                    rows: Vec::new(),
                    columns: Vec::new(),
                });
            }
            "tr" | "td" => {}
            "th" => self.head = true,
            "hash" => self.spans.push(Span::Hashtag(tag.text("tag"))),
            "cash" => self.spans.push(Span::Cashtag(tag.text("tag"))),
            "tag" => self.spans.push(Span::Cashtag(financial_tag(tag))),
            "mention" => self.spans.push(mention(tag)),
            "emoji" => self.spans.push(Span::Emoji(tag.text("shortcode"))),
            "dateTime" => self.spans.push(moment(tag)?),
            "form" => {
                self.flush();
                self.form = Some(form(tag));
            }
            "label" | "button" | "option" => self.label = Some(String::new()),
            name if field_kind(name, tag).is_some() => self.start_field(tag),
            name => return Err(wrong(format!("unknown tag `{name}`"))),
        }
        Ok(())
    }

    fn start_field(&mut self, tag: &Element) {
        self.label = Some(String::new());
        let (Some(form), Some(kind)) = (&mut self.form, field_kind(&tag.name, tag)) else {
            return;
        };
        // Radio buttons and boxes of one name are one field with choices.
        if !form.fields.iter().any(|field| field.id == tag.text("name")) {
            form.fields.push(field(tag, kind));
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(code) = &mut self.code {
            code.text.push_str(text);
        } else if let Some(label) = &mut self.label {
            label.push_str(text);
        } else if let Some((_, label)) = &mut self.link {
            label.push_str(text);
        } else if !(text.trim().is_empty() && (text.contains('\n') || self.spans.is_empty())) {
            self.spans.push(Span::Text(TextSpan {
                text: text.to_owned(),
                style: self.style,
            }));
        }
    }

    fn end(&mut self, tag: &Element) {
        match tag.name.as_str() {
            "p" | "div" | "li" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "card"
            | "expandable-card" => self.flush(),
            "b" => self.style.bold = false,
            "i" => self.style.italic = false,
            "u" => self.style.underline = false,
            "pre" | "code" => self.blocks.extend(self.code.take().map(Block::Code)),
            "a" => {
                if let Some((url, text)) = self.link.take() {
                    self.spans.push(Span::Link(LinkSpan { text, url }));
                }
            }
            "ul" | "ol" => {
                self.flush();
                self.lists.pop();
            }
            "td" | "th" => self.row.push(std::mem::take(&mut self.spans)),
            "tr" => {
                let row = std::mem::take(&mut self.row);
                let head = std::mem::take(&mut self.head);
                if let Some(table) = &mut self.table {
                    if head && table.header.is_empty() {
                        table.columns = vec![Alignment::Left; row.len()];
                        table.header = row;
                    } else {
                        table.rows.push(row);
                    }
                }
            }
            "table" => self.blocks.extend(self.table.take().map(Block::Table)),
            "form" => {
                self.flush();
                self.blocks.extend(self.form.take().map(Block::Form));
            }
            "button" => self.end_button(tag),
            "option" => {
                let label = self.label.take().unwrap_or_default();
                self.add_choice(None, tag, label);
            }
            "label" => {
                let label = self.label.take().unwrap_or_default();
                self.spans.push(Span::Text(TextSpan {
                    text: label,
                    style: self.style,
                }));
            }
            name if field_kind(name, tag).is_some() => self.end_field(tag),
            _ => {}
        }
    }

    fn end_button(&mut self, tag: &Element) {
        let label = self.label.take().unwrap_or_default();
        let style = match tag.get("class") {
            Some("primary") | None => ButtonStyle::Primary,
            Some(class) if class.contains("destructive") => ButtonStyle::Danger,
            Some(_) => ButtonStyle::Secondary,
        };
        // `reset` and `cancel` do nothing on the bot's side.
        if tag.get("type").is_some_and(|kind| kind != "action") {
            return;
        }
        let button = Button {
            label: label.trim().to_owned(),
            kind: ButtonKind::Action(ActionButton {
                id: tag.text("name"),
                value: tag.text("name"),
            }),
            style,
        };
        match &mut self.form {
            Some(form) => form.buttons.push(button),
            None => self.blocks.push(Block::Buttons(vec![button])),
        }
    }

    fn end_field(&mut self, tag: &Element) {
        let text = self.label.take().unwrap_or_default().trim().to_owned();
        match tag.name.as_str() {
            "checkbox" | "radio" => self.add_choice(Some(&tag.text("name")), tag, text),
            "text-field" | "textarea" | "richtextarea" if !text.is_empty() => {
                if let Some(field) = self.field(&tag.text("name")) {
                    field.defaults = vec![text];
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, name: &str) -> Option<&mut Field> {
        let fields = &mut self.form.as_mut()?.fields;
        fields.iter_mut().find(|field| field.id == name)
    }

    fn add_choice(&mut self, field: Option<&str>, tag: &Element, label: String) {
        let field = match field {
            Some(name) => self.field(name),
            None => self.form.as_mut().and_then(|form| form.fields.last_mut()),
        };
        let Some(field) = field else {
            return;
        };
        let value = tag.get("value").unwrap_or("on").to_owned();
        if tag.flag("selected") || tag.flag("checked") {
            field.defaults.push(value.clone());
        }
        if field.kind == FieldKind::Checkbox {
            if field.choices.is_empty() && field.label.is_empty() {
                field.label.clone_from(&label);
            } else {
                field.kind = FieldKind::MultiSelect;
            }
        }
        field.choices.push(Choice { value, label });
    }

    fn flush(&mut self) {
        if self.table.is_some() || self.spans.is_empty() {
            return;
        }
        let spans = std::mem::take(&mut self.spans);
        self.blocks.push(if let Some(level) = self.heading.take() {
            Block::Heading(Heading { level, spans })
        } else if let Some(ordered) = self.lists.last() {
            Block::ListItem(ListItem {
                indent: u8::try_from(self.lists.len() - 1)
                    .unwrap_or(u8::MAX)
                    .min(super::MAX_INDENT),
                ordered: *ordered,
                spans,
            })
        } else {
            Block::Paragraph(spans)
        });
    }
}

fn financial_tag(tag: &Element) -> String {
    [
        "fullbbgcompticker",
        "bbgcompticker",
        "figi-ticker",
        "isin",
        "figi",
        "fallback-ticker",
    ]
    .iter()
    .find_map(|name| tag.get(name))
    .unwrap_or_default()
    .to_owned()
}

fn mention(tag: &Element) -> Span {
    let (target, text) = match (tag.get("uid"), tag.get("email")) {
        (Some(id), _) => (MentionTarget::User(id.to_owned()), id),
        (None, Some(email)) => (MentionTarget::Email(email.to_owned()), email),
        (None, None) => (MentionTarget::All, "all"),
    };
    Span::Mention(MentionSpan {
        target,
        text: text.to_owned(),
    })
}

fn moment(tag: &Element) -> Result<Span, ContentError> {
    let value = tag.text("value");
    let at: jiff::Timestamp = value.parse().map_err(|_| {
        wrong(format!(
            "dateTime: `{value}` is no ISO date and time with offset"
        ))
    })?;
    Ok(Span::DateTime(DateTimeSpan {
        at: u64::try_from(at.as_millisecond()).unwrap_or_default(),
        format: match tag.get("format") {
            Some("date") => DateFormat::Date,
            Some("time" | "time_secs") => DateFormat::Time,
            _ => DateFormat::DateTime,
        },
    }))
}

fn form(tag: &Element) -> Form {
    Form {
        id: tag.text("id"),
        title: None,
        fields: Vec::new(),
        buttons: Vec::new(),
        answers: if tag.get("multi-submit").is_some() {
            FormAnswers::Any
        } else {
            FormAnswers::OncePerUser
        },
        audience: FormAudience::Anyone,
        end: FormEnd::Never,
    }
}

fn field_kind(name: &str, tag: &Element) -> Option<FieldKind> {
    Some(match name {
        "text-field" => FieldKind::Text,
        "textarea" | "richtextarea" => FieldKind::Multiline,
        "checkbox" => FieldKind::Checkbox,
        "radio" => FieldKind::Radio,
        "select" if tag.flag("multiple") => FieldKind::MultiSelect,
        "select" => FieldKind::Select,
        "person-selector" => FieldKind::User,
        "room-selector" => FieldKind::Conversation,
        "date-picker" | "date-selector" => FieldKind::Date,
        "time-picker" => FieldKind::Time,
        "timezone-picker" => FieldKind::Timezone,
        _ => return None,
    })
}

fn field(tag: &Element, kind: FieldKind) -> Field {
    let owned = |name: &str| tag.get(name).map(str::to_owned);
    Field {
        id: tag.text("name"),
        label: owned("label")
            .or_else(|| owned("placeholder"))
            .unwrap_or_default(),
        multiple: matches!(kind, FieldKind::MultiSelect | FieldKind::User),
        kind,
        choices: Vec::new(),
        required: tag.flag("required"),
        read_only: tag.flag("readonly"),
        defaults: owned("value")
            .filter(|_| tag.name.ends_with("-picker"))
            .into_iter()
            .collect(),
        placeholder: owned("placeholder"),
        pattern: owned("pattern").map(|regex| FieldPattern {
            regex,
            message: tag.text("pattern-error-message"),
        }),
        min: owned("min").or_else(|| owned("minlength")),
        max: owned("max").or_else(|| owned("maxlength")),
    }
}
