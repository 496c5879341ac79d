//! Blocks as an Adaptive Card of version 1.3 (webex.md §7).

use serde_json::{Map, Value, json};

use super::markdown::{Lists, Medium, text};
use super::{MAX_ACTIONS, Notes, Shown, field, table};
use crate::connectors::webex::convert::action::{HIDDEN, Hidden};
use crate::content::{self, clean, clean_line};
use crate::model::content::{
    Block, Button, ButtonKind, ButtonStyle, Card, CodeBlock, Form, Heading, Image, ListItem,
    MediaSource, Span,
};

/// The version that is written; Webex knows no later one.
const VERSION: &str = "1.3";
const SCHEMA: &str = "http://adaptivecards.io/schemas/adaptive-card.json";

/// Makes a card of blocks.
pub(super) fn card(blocks: &[Shown<'_>], notes: &mut Notes) -> Value {
    let mut page = Page {
        body: Vec::new(),
        actions: Vec::new(),
        notes,
        list: Vec::new(),
        lists: Lists::default(),
        is_below_line: false,
        count: 0,
    };
    for shown in blocks {
        match shown {
            Shown::Block(block) => page.block(block),
            Shown::Markdown(text) => page.text_block(text.clone(), &[]),
            Shown::Card(_) => {}
        }
    }
    page.end_list();
    let mut card = json!({
        "$schema": SCHEMA,
        "type": "AdaptiveCard",
        "version": VERSION,
        "body": page.body,
    });
    if !page.actions.is_empty() {
        card["actions"] = Value::Array(page.actions);
    }
    card
}

pub(super) struct Page<'n> {
    body: Vec<Value>,
    /// The form's buttons, at the card's end.
    actions: Vec<Value>,
    pub(super) notes: &'n mut Notes,
    /// The lines of the list that is open.
    list: Vec<String>,
    lists: Lists,
    /// A line across comes before the next element.
    is_below_line: bool,
    /// Actions so far.
    count: usize,
}

impl Page<'_> {
    pub(super) fn push(&mut self, mut element: Value) {
        self.end_list();
        if std::mem::take(&mut self.is_below_line) {
            element["separator"] = true.into();
        }
        self.body.push(element);
    }

    pub(super) fn text_block(&mut self, text: String, more: &[(&str, Value)]) {
        if text.trim().is_empty() {
            return;
        }
        self.push(text_block(text, more));
    }

    fn spans(&mut self, spans: &[Span]) -> String {
        text(spans, Medium::Card, self.notes)
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph(spans) => {
                let text = self.spans(spans);
                self.text_block(text, &[]);
            }
            Block::Heading(heading) => self.heading(heading),
            Block::Quote(spans) => {
                let text = self.spans(spans);
                if !text.trim().is_empty() {
                    let items = [text_block(text, &[])];
                    self.push(json!({"type": "Container", "style": "emphasis", "items": items}));
                }
            }
            Block::Code(CodeBlock { text, .. }) => self.monospaced(&clean(text)),
            Block::Divider => {
                self.end_list();
                self.is_below_line = true;
            }
            Block::ListItem(item) => self.item(item),
            Block::Table(found) if table::is_narrow(found) => {
                let mut cells = |row: &[Vec<Span>]| -> Vec<String> {
                    let texts = row.iter().map(|cell| self.spans(cell));
                    texts.map(|text| text.replace("  \n", " ")).collect()
                };
                let header = cells(&found.header);
                let rows = found.rows.iter().map(|row| cells(row)).collect();
                for row in table::rows(found, header, rows) {
                    self.push(row);
                }
            }
            Block::Table(_) => {
                self.notes.add("table → aligned text");
                let (text, _) = content::text(std::slice::from_ref(block));
                self.monospaced(&text);
            }
            Block::Image(image) => self.image(image),
            Block::Attachment(file) => {
                if let MediaSource::Url(url) = &file.source {
                    self.text_block(super::markdown::link(&file.name, url), &[]);
                }
            }
            Block::Card(card) => self.card(card),
            Block::Form(form) => self.form(form),
            Block::Buttons(buttons) => self.buttons(buttons),
            // Looked at before.
            Block::Raw(_) => {}
        }
    }

    fn heading(&mut self, heading: &Heading) {
        let size = match heading.level {
            0..=2 => "Large",
            3..=4 => "Medium",
            _ => "Default",
        };
        let text = self.spans(&heading.spans);
        self.text_block(text, &[("weight", "Bolder".into()), ("size", size.into())]);
    }

    fn monospaced(&mut self, text: &str) {
        let lines = text.trim_end().lines().map(|line| {
            // Spaces at a line's beginning are otherwise none.
            let start = line.len() - line.trim_start().len();
            let line = super::markdown::escape(&line[start..], Medium::Card);
            format!("{}{line}", "\u{a0}".repeat(start))
        });
        let text = lines.collect::<Vec<_>>().join("\n\n");
        self.text_block(text, &[("fontType", "Monospace".into())]);
    }

    fn item(&mut self, item: &ListItem) {
        let (depth, sign) = self.lists.next(item);
        let text = text(&item.spans, Medium::Card, self.notes).replace("  \n", " ");
        self.list
            .push(format!("{}{sign} {text}", "  ".repeat(depth)));
    }

    fn end_list(&mut self) {
        self.lists = Lists::default();
        if self.list.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut self.list).join("\n");
        let element = text_block(lines, &[]);
        self.push(element);
    }

    fn image(&mut self, image: &Image) {
        let alternative = clean_line(image.alternative.trim()).into_owned();
        match &image.source {
            MediaSource::Url(url) if url.starts_with("https://") => {
                let mut element = json!({"type": "Image", "url": url});
                if !alternative.is_empty() {
                    element["altText"] = alternative.into();
                }
                self.push(element);
            }
            MediaSource::Url(url) => {
                self.notes.add("image that is not of https → link");
                self.text_block(super::markdown::link(&alternative, url), &[]);
            }
            MediaSource::Attachment(_) => {
                self.notes
                    .add("attached image in a card → a message of its own");
                self.text_block(alternative, &[("isSubtle", true.into())]);
            }
        }
    }

    fn card(&mut self, card: &Card) {
        let mut items = Vec::new();
        let escaped = |text: &str| super::markdown::escape(&clean_line(text), Medium::Card);
        if !card.title.trim().is_empty() {
            let more = [("weight", "Bolder".into()), ("size", "Medium".into())];
            items.push(text_block(escaped(&card.title), &more));
        }
        if let Some(subtitle) = card.subtitle.as_deref().filter(|it| !it.trim().is_empty()) {
            items.push(text_block(escaped(subtitle), &[("isSubtle", true.into())]));
        }
        for paragraph in &card.paragraphs {
            let text = self.spans(paragraph);
            if !text.trim().is_empty() {
                items.push(text_block(text, &[]));
            }
        }
        if !card.facts.is_empty() {
            // Webex reads them as Markdown too.
            let said = |text: &str| super::markdown::escape(&clean_line(text), Medium::Card);
            let facts: Vec<Value> = card
                .facts
                .iter()
                .map(|fact| json!({"title": said(&fact.name), "value": said(&fact.value)}))
                .collect();
            items.push(json!({"type": "FactSet", "facts": facts}));
        }
        if !items.is_empty() {
            self.push(json!({"type": "Container", "items": items}));
        }
        self.buttons(&card.buttons);
    }

    fn form(&mut self, form: &Form) {
        if let Some(title) = form
            .title
            .as_deref()
            .filter(|title| !title.trim().is_empty())
        {
            let more = [("weight", "Bolder".into()), ("size", "Medium".into())];
            let title = super::markdown::escape(&clean_line(title), Medium::Card);
            self.text_block(title, &more);
        }
        let mut hidden = Hidden {
            form: Some(form.id.clone()),
            ..Hidden::default()
        };
        for found in &form.fields {
            field::write(self, &mut hidden, found);
        }
        let is_action = |button: &Button| matches!(button.kind, ButtonKind::Action(_));
        if !form.buttons.iter().any(is_action) {
            let submit = Hidden {
                button: "submit".to_owned(),
                ..hidden.clone()
            };
            let action = submit_action("Submit", ButtonStyle::Primary, &submit, true);
            self.action(action);
        }
        for button in &form.buttons {
            if let Some(action) = button_action(button, Some(&hidden), self.notes) {
                self.action(action);
            }
        }
    }

    fn action(&mut self, action: Value) {
        if self.count >= MAX_ACTIONS {
            self.notes.add("more than 5 buttons → left out");
            return;
        }
        self.count += 1;
        self.actions.push(action);
    }

    fn buttons(&mut self, buttons: &[Button]) {
        let mut actions = Vec::new();
        for button in buttons {
            if self.count >= MAX_ACTIONS {
                self.notes.add("more than 5 buttons → left out");
                break;
            }
            if let Some(action) = button_action(button, None, self.notes) {
                self.count += 1;
                actions.push(action);
            }
        }
        if !actions.is_empty() {
            self.push(json!({"type": "ActionSet", "actions": actions}));
        }
    }
}

/// A text that wraps, with more of its properties.
pub(super) fn text_block(text: String, more: &[(&str, Value)]) -> Value {
    let mut block = Map::new();
    block.insert("type".to_owned(), "TextBlock".into());
    block.insert("text".to_owned(), text.into());
    block.insert("wrap".to_owned(), true.into());
    for (name, value) in more {
        block.insert((*name).to_owned(), value.clone());
    }
    Value::Object(block)
}

fn button_action(button: &Button, form: Option<&Hidden>, notes: &mut Notes) -> Option<Value> {
    let label = clean_line(&button.label);
    match &button.kind {
        ButtonKind::Action(action) => {
            let label = match label.trim() {
                "" => clean_line(&action.id).into_owned(),
                label => label.to_owned(),
            };
            let hidden = Hidden {
                button: action.id.clone(),
                ..form.cloned().unwrap_or_default()
            };
            Some(submit_action(&label, button.style, &hidden, form.is_some()))
        }
        ButtonKind::Reply(text) => {
            notes.add("reply button → said by the host, not seen by others");
            let hidden = Hidden {
                reply: Some(text.clone()),
                ..Hidden::default()
            };
            Some(submit_action(&label, button.style, &hidden, false))
        }
        ButtonKind::Link(url) => {
            let title = if label.trim().is_empty() {
                url
            } else {
                &*label
            };
            Some(json!({"type": "Action.OpenUrl", "title": title, "url": url}))
        }
    }
}

fn submit_action(label: &str, style: ButtonStyle, hidden: &Hidden, with_inputs: bool) -> Value {
    // A text: what is in `data` is merged with what people give, and that is made of texts.
    let carried = serde_json::to_string(hidden).unwrap_or_default();
    let title = if label.trim().is_empty() {
        "…"
    } else {
        label
    };
    let mut action = json!({
        "type": "Action.Submit",
        "title": title,
        "data": { HIDDEN: carried },
    });
    match style {
        ButtonStyle::Primary => action["style"] = "positive".into(),
        ButtonStyle::Danger => action["style"] = "destructive".into(),
        ButtonStyle::Secondary => {}
    }
    if !with_inputs {
        // What stands in the card's form is not asked for by this one.
        action["associatedInputs"] = "none".into();
    }
    action
}
