//! Spans.
//!
//! Bold, italic, headings and code take *phrasing* only: no `code`, no `dateTime`. So code stands
//! outermost, and where it cannot stand its look does.

use super::MAX_ENTITIES;
use super::markup::{Markup, address};
use super::page::Notes;
use crate::content::{clean, emoji, span_text};
use crate::model::content::{
    DateFormat, DateTimeSpan, LinkSpan, MentionSpan, MentionTarget, Span, TextStyle,
};

/// Where spans stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Anything may stand here.
    Flow,
    /// Phrasing only.
    Phrasing,
}

/// Signs of a hashtag that do not make one by themselves; `messageml-utils` has them.
const HASH_PUNCTUATION: &str = "!@#$%^&*()+=<>,./?`~:;'\"\\|-";
/// Shortcodes of other platforms that mean something else on Symphony, or nothing.
const FOREIGN_EMOJI: [&str; 3] = ["up", "dn", "down"];

/// Writes spans.
pub(super) struct Inline<'p> {
    pub(super) markup: &'p mut Markup,
    pub(super) notes: &'p mut Notes,
    /// Entities of the whole message so far.
    pub(super) entities: &'p mut usize,
    pub(super) place: Place,
    // The last sign was a space, or a line begins: one more would not be seen.
    space: bool,
}

impl<'p> Inline<'p> {
    pub(super) fn new(
        markup: &'p mut Markup,
        notes: &'p mut Notes,
        entities: &'p mut usize,
        place: Place,
    ) -> Self {
        Self {
            markup,
            notes,
            entities,
            place,
            space: true,
        }
    }

    pub(super) fn spans(&mut self, spans: &[Span]) {
        for span in spans {
            match span {
                Span::Text(text) => self.styled(&text.text, text.style),
                Span::Link(link) => self.link(link),
                Span::Mention(mention) => self.mention(span, mention),
                Span::Cashtag(ticker) => self.cashtag(span, ticker),
                Span::Hashtag(tag) => self.hashtag(span, tag),
                Span::Emoji(code) => self.emoji(span, code),
                Span::DateTime(date) => self.date_time(span, date),
                Span::LineBreak => self.line_break(),
                Span::Other(_) => self.text(&span_text(span)),
            }
        }
    }

    fn styled(&mut self, text: &str, style: TextStyle) {
        if text.is_empty() {
            return;
        }
        let mut close: Vec<&str> = Vec::new();
        if style.code && self.place == Place::Flow {
            self.open("<code>", "code", &mut close);
        } else if style.code {
            let look = "<span style=\"font-family:monospace\">";
            self.open(look, "span", &mut close);
        }
        let line = match (style.underline, style.strike) {
            (false, false) => None,
            (true, false) => Some("<span style=\"text-decoration:underline\">"),
            (false, true) => Some("<span style=\"text-decoration:line-through\">"),
            (true, true) => Some("<span style=\"text-decoration:underline line-through\">"),
        };
        if let Some(line) = line {
            self.open(line, "span", &mut close);
        }
        if style.bold {
            self.open("<b>", "b", &mut close);
        }
        if style.italic {
            self.open("<i>", "i", &mut close);
        }
        self.text(text);
        for name in close.into_iter().rev() {
            self.markup.close(name);
        }
    }

    fn open(&mut self, markup: &str, name: &'static str, close: &mut Vec<&str>) {
        self.markup.raw(markup);
        close.push(name);
    }

    /// Writes text: line ends as elements, and spaces so that as many are seen as there are.
    fn text(&mut self, text: &str) {
        let text = clean(text);
        let mut run = String::new();
        for sign in text.chars() {
            match sign {
                '\n' => {
                    self.flush(&mut run);
                    self.line_break();
                }
                '\t' => {
                    run.push_str("\u{a0}\u{a0}\u{a0}\u{a0}");
                    self.space = false;
                }
                ' ' if self.space => run.push('\u{a0}'),
                ' ' => {
                    run.push(' ');
                    self.space = true;
                }
                sign => {
                    run.push(sign);
                    self.space = false;
                }
            }
        }
        self.flush(&mut run);
    }

    fn flush(&mut self, run: &mut String) {
        self.markup.text(run);
        run.clear();
    }

    fn line_break(&mut self) {
        self.markup.raw("<br/>");
        self.space = true;
    }

    fn link(&mut self, link: &LinkSpan) {
        let Some(url) = address(&link.url) else {
            self.notes.add("address that pods do not take → text");
            return self.text(&span_text(&Span::Link(link.clone())));
        };
        self.markup.begin("a");
        self.markup.attribute("href", &url);
        if link.text.trim().is_empty() {
            self.markup.empty();
        } else {
            self.markup.open();
            self.markup.line(&link.text);
            self.markup.close("a");
        }
        self.space = false;
    }

    fn mention(&mut self, span: &Span, mention: &MentionSpan) {
        let (name, value) = match &mention.target {
            MentionTarget::User(id) if id.parse::<i64>().is_ok() => ("uid", id),
            MentionTarget::Email(email) if is_email(email) => ("email", email),
            MentionTarget::All => {
                self.notes.add("mention of everybody → text");
                return self.text(&span_text(span));
            }
            MentionTarget::User(_) | MentionTarget::Email(_) => {
                self.notes.add("mention of a user of elsewhere → text");
                return self.text(&span_text(span));
            }
        };
        if !self.has_room() {
            return self.text(&span_text(span));
        }
        self.markup.begin("mention");
        self.markup.attribute(name, value);
        // Else one user who is not known would have the whole message refused.
        self.markup.attribute("strict", "false");
        self.markup.empty();
        self.space = false;
    }

    fn cashtag(&mut self, span: &Span, ticker: &str) {
        let is_tag = !ticker.is_empty() && !ticker.chars().any(is_no_tag);
        if !is_tag || !self.has_room() {
            return self.text(&span_text(span));
        }
        let is_number = ticker.bytes().all(|sign| sign.is_ascii_digit());
        self.markup.begin("cash");
        // A number without the star is a sum.
        match is_number {
            true => self.markup.attribute("tag", &format!("*{ticker}")),
            false => self.markup.attribute("tag", ticker),
        }
        self.markup.empty();
        self.space = false;
    }

    fn hashtag(&mut self, span: &Span, tag: &str) {
        let has_word = tag.chars().any(|sign| !HASH_PUNCTUATION.contains(sign));
        let is_tag = has_word && !tag.chars().any(is_no_tag);
        if !is_tag {
            self.notes.add("hashtag without a letter → text");
            return self.text(&span_text(span));
        }
        if !self.has_room() {
            return self.text(&span_text(span));
        }
        self.markup.begin("hash");
        self.markup.attribute("tag", tag);
        self.markup.empty();
        self.space = false;
    }

    fn emoji(&mut self, span: &Span, code: &str) {
        let code = code.trim_matches(':');
        let is_code = !code.is_empty()
            && code
                .bytes()
                .all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, b'_' | b'+' | b'-'));
        if !is_code || FOREIGN_EMOJI.contains(&code) || !self.has_room() {
            return self.text(&span_text(span));
        }
        self.markup.begin("emoji");
        self.markup.attribute("shortcode", code);
        // The sign stands in where the agent does not know the shortcode.
        match emoji(code) {
            Some(sign) => {
                self.markup.open();
                self.markup.text(sign);
                self.markup.close("emoji");
            }
            None => self.markup.empty(),
        }
        self.space = false;
    }

    fn date_time(&mut self, span: &Span, date: &DateTimeSpan) {
        let at = i64::try_from(date.at).ok();
        let stamp = at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        let stamp = stamp.filter(|_| self.place == Place::Flow);
        let Some(stamp) = stamp.filter(|_| self.has_room()) else {
            return self.text(&span_text(span));
        };
        self.markup.begin("dateTime");
        self.markup.attribute("value", &stamp.to_string());
        let format = match date.format {
            DateFormat::Date => "date",
            DateFormat::Time => "time",
            DateFormat::DateTime => "date_time",
        };
        self.markup.attribute("format", format);
        self.markup.empty();
        self.space = false;
    }

    // What is one too many is text: a message with more is refused whole.
    fn has_room(&mut self) -> bool {
        if *self.entities >= MAX_ENTITIES {
            self.notes.add("more than 80 tags and mentions → text");
            return false;
        }
        *self.entities += 1;
        true
    }
}

// Spaces, and what would be taken out on the way.
fn is_no_tag(sign: char) -> bool {
    let mut bytes = [0; 4];
    let text = sign.encode_utf8(&mut bytes);
    sign.is_whitespace() || *clean(text) != *text
}

fn is_email(email: &str) -> bool {
    let mut parts = email.splitn(2, '@');
    let (name, domain) = (parts.next().unwrap_or_default(), parts.next());
    !name.is_empty()
        && domain.is_some_and(|domain| !domain.is_empty() && !domain.contains('@'))
        && !email.chars().any(is_no_tag)
}
