//! What the platform makes of Markdown: HTML, plain text, and who is mentioned (webex.md §6.3).

use std::fmt::Write as _;

use super::ids;
use super::world::World;

/// What came of a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    pub(super) text: String,
    pub(super) html: String,
    pub(super) mentioned: Vec<String>,
    pub(super) groups: Vec<String>,
}

impl Made {
    /// Notes the groups that code mentions. Whether the platform looks for mentions there is not known;
    /// who relies on it that it does not is found out here.
    fn mentioned_in(&mut self, code: &str) {
        for who in ["all", "here"] {
            if code.contains(&format!("<@{who}>")) {
                self.groups.push(who.to_owned());
            }
        }
    }
}

/// Makes HTML and text of Markdown. `room` is where it is said: who is mentioned is there.
pub(super) fn make(world: &World, room: &str, markdown: &str) -> Made {
    let mut made = Made::default();
    let mut fenced: Option<String> = None;
    let mut list: Option<&'static str> = None;
    let mut lines = Vec::new();
    let close = |list: &mut Option<&'static str>, html: &mut String| {
        if let Some(tag) = list.take() {
            // Writing into a string has no end that is wrong.
            let _ = write!(html, "</{tag}>");
        }
    };
    for paragraph in markdown.split('\n') {
        if let Some(code) = &mut fenced {
            if paragraph.trim_start().starts_with("```") {
                made.mentioned_in(code);
                let _ = write!(made.html, "<pre><code>{}</code></pre>", escaped(code));
                lines.push(code.trim_end().to_owned());
                fenced = None;
            } else {
                code.push_str(paragraph);
                code.push('\n');
            }
            continue;
        }
        let line = paragraph.trim_start();
        if line.starts_with("```") {
            close(&mut list, &mut made.html);
            fenced = Some(String::new());
            continue;
        }
        if line.trim().is_empty() {
            close(&mut list, &mut made.html);
            continue;
        }
        let (tag, item) = match line.strip_prefix("- ") {
            Some(item) => (Some("ul"), item),
            None => match numbered(line) {
                Some(item) => (Some("ol"), item),
                None => (None, line.trim_start_matches("> ")),
            },
        };
        let mut inline = Inline {
            world,
            room,
            made: &mut made,
            text: String::new(),
            html: String::new(),
        };
        inline.run(item.trim_end());
        let (text, html) = (inline.text, inline.html);
        match tag {
            Some(tag) => {
                if list != Some(tag) {
                    close(&mut list, &mut made.html);
                    let _ = write!(made.html, "<{tag}>");
                    list = Some(tag);
                }
                let _ = write!(made.html, "<li>{html}</li>");
            }
            None => {
                close(&mut list, &mut made.html);
                let _ = write!(made.html, "<p>{html}</p>");
            }
        }
        lines.push(text);
    }
    close(&mut list, &mut made.html);
    made.text = lines.join("\n");
    made
}

fn numbered(line: &str) -> Option<&str> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| line[digits..].strip_prefix(". "))?
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

struct Inline<'a> {
    world: &'a World,
    room: &'a str,
    made: &'a mut Made,
    text: String,
    html: String,
}

impl Inline<'_> {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.html.push_str(&escaped(text));
    }

    fn run(&mut self, line: &str) {
        let mut rest = line;
        let (mut bold, mut italic) = (false, false);
        while let Some(sign) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix('\\')
                && let Some(next) = after.chars().next()
                && next.is_ascii_punctuation()
            {
                self.put(&next.to_string());
                rest = &after[1..];
                continue;
            }
            if let Some(after) = rest.strip_prefix("<@")
                && let Some((inner, after)) = after.split_once('>')
            {
                self.mention(inner);
                rest = after;
                continue;
            }
            if let Some(after) = rest.strip_prefix("**") {
                self.html
                    .push_str(if bold { "</strong>" } else { "<strong>" });
                bold = !bold;
                rest = after;
                continue;
            }
            if sign == '_' || sign == '*' {
                self.html.push_str(if italic { "</em>" } else { "<em>" });
                italic = !italic;
                rest = &rest[1..];
                continue;
            }
            if let Some(after) = rest.strip_prefix('`')
                && let Some((code, after)) = after.split_once('`')
            {
                self.made.mentioned_in(code);
                self.text.push_str(code);
                let _ = write!(self.html, "<code>{}</code>", escaped(code));
                rest = after;
                continue;
            }
            if let Some(after) = rest.strip_prefix('[')
                && let Some((shown, after)) = after.split_once("](")
                && let Some((url, after)) = after.split_once(')')
            {
                let shown = shown.replace('\\', "");
                self.text.push_str(&shown);
                let (url, shown) = (escaped(url), escaped(&shown));
                let _ = write!(self.html, "<a href=\"{url}\" rel=\"nofollow\">{shown}</a>");
                rest = after;
                continue;
            }
            if rest.starts_with('&')
                && let Some((name, after)) = rest[1..].split_once(';')
                && let Some(sign) = named(name)
            {
                self.put(sign);
                rest = after;
                continue;
            }
            // HTML that is not known vanishes.
            if sign == '<'
                && let Some((_, after)) = rest.split_once('>')
            {
                rest = after;
                continue;
            }
            self.put(&sign.to_string());
            rest = &rest[sign.len_utf8()..];
        }
    }

    fn mention(&mut self, inner: &str) {
        let (who, shown) = match inner.split_once('|') {
            Some((who, shown)) => (who, Some(shown)),
            None => (inner, None),
        };
        if who == "all" || who == "here" {
            let shown = if who == "all" { "All" } else { "Here" };
            self.text.push_str(shown);
            let _ = write!(
                self.html,
                "<spark-mention data-object-type=\"groupMention\" data-group-type=\"{who}\">{shown}</spark-mention>"
            );
            self.made.groups.push(who.to_owned());
            return;
        }
        let found = match who.split_once(':') {
            Some(("personEmail", email)) => {
                let mut people = self.world.people.values();
                people.find(|person| person.email == email)
            }
            Some(("personId", id)) => ids::key(id).and_then(|key| self.world.people.get(&key)),
            _ => None,
        };
        let Some(person) = found.filter(|person| self.world.is_in(&person.key, self.room)) else {
            self.put(shown.unwrap_or(who));
            return;
        };
        let shown = shown.map_or_else(|| first_word(&person.name), str::to_owned);
        let id = match self.world.knobs.bare_mentions {
            true => person.key.clone(),
            false => ids::person(&person.key),
        };
        self.text.push_str(&shown);
        let _ = write!(
            self.html,
            "<spark-mention data-object-type=\"person\" data-object-id=\"{id}\">{}</spark-mention>",
            escaped(&shown)
        );
        if !self.made.mentioned.contains(&person.key) {
            self.made.mentioned.push(person.key.clone());
        }
    }
}

fn named(name: &str) -> Option<&'static str> {
    Some(match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "quot" => "\"",
        _ => return None,
    })
}

/// All that clients show of a name in a mention.
pub(super) fn first_word(name: &str) -> String {
    name.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}
