//! Blocks as Webex's Markdown (webex.md §6.3).
//!
//! What somebody else wrote is text: signs that mean something are escaped, and `<` goes as `&lt;`, so
//! that nothing mentions anybody but a mention.

use std::fmt::Write as _;

use super::{Notes, Shown};
use crate::content::{self, clean, clean_line, emoji, moment};
use crate::model::content::{
    Block, Button, ButtonKind, Card, Form, Heading, Image, LinkSpan, ListItem, MediaSource,
    MentionSpan, MentionTarget, Span, TextStyle,
};

/// Spaces of one level of a list.
const INDENT: &str = "  ";

/// Where text stands: what is Webex's own syntax in a message is not in a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    /// A message.
    Message,
    /// A text of a card.
    Card,
}

/// Writes a whole message.
pub(super) fn page(blocks: &[Shown<'_>], notes: &mut Notes) -> String {
    let mut page = Page {
        out: String::new(),
        notes,
        lists: Lists::default(),
    };
    for shown in blocks {
        match shown {
            Shown::Block(block) => page.block(block),
            Shown::Markdown(text) => page.part(text),
            Shown::Card(_) => {}
        }
    }
    page.out
}

struct Page<'n> {
    out: String,
    notes: &'n mut Notes,
    /// The lists that are open.
    lists: Lists,
}

impl Page<'_> {
    fn part(&mut self, text: &str) {
        self.lists = Lists::default();
        if text.is_empty() {
            return;
        }
        if !self.out.is_empty() {
            self.out.push_str("\n\n");
        }
        self.out.push_str(text);
    }

    fn line(&mut self, text: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.push_str(text);
    }

    fn spans(&mut self, spans: &[Span]) -> String {
        text(spans, Medium::Message, self.notes)
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph(spans) => {
                let text = self.spans(spans);
                self.part(&text);
            }
            Block::Heading(heading) => self.heading(heading),
            Block::Quote(spans) => {
                let text = self.spans(spans);
                let lines: Vec<String> = text.lines().map(|line| format!("> {line}")).collect();
                self.part(&lines.join("\n"));
            }
            Block::Code(code) => {
                let fence = fence(&code.text);
                let language = code.language.as_deref().unwrap_or_default();
                let language: String = language
                    .chars()
                    .filter(|sign| sign.is_ascii_alphanumeric() || "+-#".contains(*sign))
                    .collect();
                let text = mute(&clean(&code.text));
                self.part(&format!("{fence}{language}\n{}\n{fence}", text.trim_end()));
            }
            Block::Divider => {
                self.notes.add("line across → signs");
                self.part("⸻");
            }
            Block::ListItem(item) => self.item(item),
            Block::Table(_) => {
                self.notes.add("table → aligned text");
                let (text, _) = content::text(std::slice::from_ref(block));
                let text = mute(&text);
                let fence = fence(&text);
                self.part(&format!("{fence}\n{}\n{fence}", text.trim_end()));
            }
            Block::Image(image) => self.image(image),
            Block::Attachment(file) => {
                if let MediaSource::Url(url) = &file.source {
                    let link = link(&file.name, url);
                    self.part(&link);
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
        self.notes.add("heading → bold");
        let mut notes = Notes::default();
        let plain = text(&heading.spans, Medium::Message, &mut notes);
        let plain = plain.replace("**", "");
        if !plain.trim().is_empty() {
            self.part(&format!("**{}**", plain.trim()));
        }
    }

    fn item(&mut self, item: &ListItem) {
        let begins = self.lists.is_empty();
        let (depth, sign) = self.lists.next(item);
        let text = self.spans(&item.spans).replace("  \n", " ");
        let line = format!("{}{sign} {text}", INDENT.repeat(depth));
        if begins && !self.out.is_empty() {
            self.out.push('\n');
        }
        self.line(&line);
    }

    fn image(&mut self, image: &Image) {
        let alternative = image.alternative.trim();
        match &image.source {
            MediaSource::Url(url) => {
                self.notes.add("image → link");
                let link = link(alternative, url);
                self.part(&link);
            }
            MediaSource::Attachment(_) => {
                let text = escape(&clean_line(alternative), Medium::Message);
                self.part(&text);
            }
        }
    }

    fn card(&mut self, card: &Card) {
        let escaped = |text: &str| escape(&clean_line(text), Medium::Message);
        if !card.title.trim().is_empty() {
            self.part(&format!("**{}**", escaped(&card.title)));
        }
        if let Some(subtitle) = card.subtitle.as_deref().filter(|it| !it.trim().is_empty()) {
            self.part(&format!("_{}_", escaped(subtitle)));
        }
        for paragraph in &card.paragraphs {
            let text = self.spans(paragraph);
            self.part(&text);
        }
        let facts: Vec<String> = card
            .facts
            .iter()
            .map(|fact| format!("**{}:** {}", escaped(&fact.name), escaped(&fact.value)))
            .collect();
        self.part(&facts.join("  \n"));
        self.buttons(&card.buttons);
    }

    fn form(&mut self, form: &Form) {
        let escaped = |text: &str| escape(&clean_line(text), Medium::Message);
        if let Some(title) = form
            .title
            .as_deref()
            .filter(|title| !title.trim().is_empty())
        {
            self.part(&format!("**{}**", escaped(title)));
        }
        let labels = form.fields.iter().map(|field| field.label.trim());
        let labels: Vec<String> = labels
            .filter(|label| !label.is_empty())
            .map(|label| format!("- {}", escaped(label)))
            .collect();
        self.part(&labels.join("\n"));
    }

    fn buttons(&mut self, buttons: &[Button]) {
        let labels: Vec<String> = buttons
            .iter()
            .map(|button| match &button.kind {
                ButtonKind::Link(url) => link(&button.label, url),
                ButtonKind::Action(_) | ButtonKind::Reply(_) => {
                    format!(
                        "\\[{}\\]",
                        escape(&clean_line(&button.label), Medium::Message)
                    )
                }
            })
            .collect();
        self.part(&labels.join(" "));
    }
}

/// The lists that are open, outermost first: whether each is numbered, and its last number.
#[derive(Debug, Default)]
pub(super) struct Lists(Vec<(bool, u32)>);

impl Lists {
    /// Whether none is.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How deep an item lies, and what stands before it. One may be a level deeper than the one before
    /// it; where the kind changes another list begins.
    pub(super) fn next(&mut self, item: &ListItem) -> (usize, String) {
        let depth = usize::from(item.indent).min(self.0.len());
        self.0.truncate(depth + 1);
        if self
            .0
            .get(depth)
            .is_none_or(|(ordered, _)| *ordered != item.ordered)
        {
            self.0.truncate(depth);
            self.0.push((item.ordered, 0));
        }
        let number = self.0.last_mut().map_or(1, |(_, number)| {
            *number += 1;
            *number
        });
        let sign = match item.ordered {
            true => format!("{number}."),
            false => "-".to_owned(),
        };
        (depth, sign)
    }
}

/// Writes a line of spans.
pub(super) fn text(spans: &[Span], medium: Medium, notes: &mut Notes) -> String {
    let mut out = String::new();
    for span in spans {
        match span {
            Span::Text(text) => styled(&clean(&text.text), text.style, medium, notes, &mut out),
            Span::Link(LinkSpan { text, url }) => out.push_str(&link(text, url)),
            Span::Mention(mention) => out.push_str(&self::mention(mention, medium, notes)),
            Span::Cashtag(ticker) => {
                out.push_str(&escape(&format!("${}", clean_line(ticker)), medium))
            }
            Span::Hashtag(tag) => out.push_str(&escape(&format!("#{}", clean_line(tag)), medium)),
            Span::Emoji(code) => match emoji(code) {
                Some(sign) => out.push_str(sign),
                None => out.push_str(&escape(&format!(":{}:", clean_line(code)), medium)),
            },
            Span::DateTime(at) => {
                notes.add("moment → UTC");
                out.push_str(&moment(at.at, at.format));
            }
            Span::LineBreak => out.push_str("  \n"),
            Span::Other(other) => {
                let note = format!("{} → text", clean_line(&other.kind));
                notes.add(&note);
                out.push_str(&escape(&clean(&other.text), medium));
            }
        }
    }
    guard_start(out.trim_end_matches(['\n', ' ']))
}

fn styled(text: &str, style: TextStyle, medium: Medium, notes: &mut Notes, out: &mut String) {
    if style.underline {
        notes.add("underlined → plain");
    }
    if style.strike {
        notes.add("struck through → plain");
    }
    if style.code && medium == Medium::Card {
        notes.add("code in a line of a card → plain");
    }
    for (place, line) in text.split('\n').enumerate() {
        if place > 0 {
            out.push_str("  \n");
        }
        let core = line.trim();
        if core.is_empty() {
            out.push_str(line);
            continue;
        }
        // Signs of emphasis hold only where they touch a word.
        let start = line.len() - line.trim_start().len();
        out.push_str(&line[..start]);
        let written = match style.code && medium == Medium::Message {
            true => code(&mute(core)),
            false => escape(core, medium),
        };
        let bold = if style.bold { "**" } else { "" };
        let italic = if style.italic { "_" } else { "" };
        // Writing into a string has no end that is wrong.
        let _ = write!(out, "{bold}{italic}{written}{italic}{bold}");
        out.push_str(&line[start + core.len()..]);
    }
}

/// Keeps code from mentioning anybody: nothing can be escaped in it, and Webex looks for mentions
/// everywhere. The sign that comes in between is not seen.
pub(super) fn mute(text: &str) -> String {
    text.replace("<@", "<\u{2060}@")
}

fn code(text: &str) -> String {
    let mut ticks = "`".to_owned();
    while text.contains(&ticks) {
        ticks.push('`');
    }
    let space = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{ticks}{space}{text}{space}{ticks}")
}

fn fence(text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    fence
}

pub(super) fn link(text: &str, url: &str) -> String {
    let shown = match text.trim() {
        "" => url,
        text => text,
    };
    let url: String = clean_line(url)
        .chars()
        .map(|sign| match sign {
            '(' => "%28".to_owned(),
            ')' => "%29".to_owned(),
            '<' => "%3C".to_owned(),
            '>' => "%3E".to_owned(),
            ' ' => "%20".to_owned(),
            sign => sign.to_string(),
        })
        .collect();
    format!("[{}]({url})", escape(&clean_line(shown), Medium::Message))
}

fn mention(mention: &MentionSpan, medium: Medium, notes: &mut Notes) -> String {
    let name = clean_line(mention.text.trim().trim_start_matches('@'));
    if medium == Medium::Card {
        notes.add("mention in a card → name");
        let name = match &mention.target {
            _ if !name.is_empty() => name.into_owned(),
            MentionTarget::User(id) | MentionTarget::Email(id) => id.clone(),
            MentionTarget::All => "all".to_owned(),
        };
        return escape(&format!("@{name}"), medium);
    }
    // What is inside of the signs is not Markdown; their own signs are left out.
    let inner = |text: &str| -> String {
        let kept = text.chars().filter(|sign| !"<>|\n\r".contains(*sign));
        kept.collect()
    };
    let name = inner(&name);
    let with_name = |what: String| match name.is_empty() {
        true => format!("<@{what}>"),
        false => format!("<@{what}|{name}>"),
    };
    match &mention.target {
        MentionTarget::All => "<@all>".to_owned(),
        MentionTarget::User(id) => with_name(format!("personId:{}", inner(id))),
        MentionTarget::Email(email) => with_name(format!("personEmail:{}", inner(email))),
    }
}

/// Writes a text that somebody else wrote.
pub(super) fn escape(text: &str, medium: Medium) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut signs = text.chars().peekable();
    let mut before = ' ';
    while let Some(sign) = signs.next() {
        let after = signs.peek().copied().unwrap_or(' ');
        match sign {
            '\\' | '`' | '*' | '[' | ']' | '~' => {
                out.push('\\');
                out.push(sign);
            }
            // Inside of a word it means nothing.
            '_' if before.is_alphanumeric() && after.is_alphanumeric() => out.push(sign),
            '_' => out.push_str("\\_"),
            // A text of a card is no HTML, and mentions nobody all the same.
            '<' if medium == Medium::Card && after == '@' => out.push_str("<\u{2060}"),
            '<' | '>' | '&' if medium == Medium::Card => out.push(sign),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            sign => out.push(sign),
        }
        before = sign;
    }
    out
}

/// Keeps the beginnings of lines from being lists, titles or quotes.
fn guard_start(text: &str) -> String {
    let guarded: Vec<String> = text
        .split('\n')
        .map(|line| {
            let start = line.trim_start();
            let indent = &line[..line.len() - start.len()];
            let digits = start.bytes().take_while(u8::is_ascii_digit).count();
            let after = &start[digits..];
            let is_number = digits > 0 && (after.starts_with(". ") || after.starts_with(") "));
            let is_sign = start.starts_with(['#', '+', '='])
                || start.starts_with("- ")
                || start == "-"
                || start.starts_with("---");
            match (is_number, is_sign) {
                (true, _) => format!("{indent}{}\\{after}", &start[..digits]),
                (_, true) => format!("{indent}\\{start}"),
                _ => line.to_owned(),
            }
        })
        .collect();
    guarded.join("\n")
}
