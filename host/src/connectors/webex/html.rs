//! The HTML of received messages as text: what is mentioned as `@Name`, the bot's own mention left out.
//! Pure. It is read as it comes: Webex's own clients write it, and it need not be well-formed.

use quick_xml::escape::resolve_html5_entity;

use super::ids::is_same;
use crate::model::event::Mention;

/// Bytes that are read; a message has 7,439 before the platform makes HTML of it.
const MAX_BYTES: usize = 256 * 1024;
/// The most mentions that are listed.
const MAX_MENTIONS: usize = 500;
/// The longest name of a character that is looked for behind an `&`.
const MAX_NAME: usize = 32;

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HtmlText {
    /// The text, without the bot's own mention.
    pub text: String,
    /// Who is mentioned: by id as it stands there, groups (`all`) not.
    pub mentions: Vec<Mention>,
}

/// Reads a message's HTML; `own_id` is the bot's, in either form of ids.
pub fn read_html(html: &str, own_id: &str) -> HtmlText {
    let mut end = html.len().min(MAX_BYTES);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let mut reader = Reader {
        own_id,
        out: String::with_capacity(end),
        mentions: Vec::new(),
        mention: None,
        lists: Vec::new(),
        is_kept: 0,
    };
    let mut rest = &html[..end];
    while !rest.is_empty() {
        rest = reader.step(rest);
    }
    reader.end_mention();
    HtmlText {
        text: tidy(&reader.out),
        mentions: reader.mentions,
    }
}

struct Reader<'a> {
    own_id: &'a str,
    out: String,
    mentions: Vec<Mention>,
    /// The mention that is open: whose, and where its name begins.
    mention: Option<(Mentioned, usize)>,
    /// The lists that are open: the number of the next item where they are numbered.
    lists: Vec<Option<u32>>,
    /// Inside of text that keeps its spaces.
    is_kept: usize,
}

enum Mentioned {
    Own,
    Person(String),
    Group,
}

impl Reader<'_> {
    fn step<'h>(&mut self, rest: &'h str) -> &'h str {
        if let Some(tag) = rest.strip_prefix('<') {
            let begins = tag
                .strip_prefix('/')
                .unwrap_or(tag)
                .starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '!');
            if let (true, Some(end)) = (begins, tag.find('>')) {
                self.tag(&tag[..end]);
                return &tag[end + 1..];
            }
            self.out.push('<');
            return tag;
        }
        if rest.starts_with('&') {
            let (text, length) = character(rest);
            self.out.push_str(&text);
            return &rest[length..];
        }
        let end = rest.find(['<', '&']).unwrap_or(rest.len());
        let text = &rest[..end];
        if self.is_kept > 0 {
            self.out.push_str(text);
        } else {
            // Line ends of HTML are spaces.
            let flat = text.chars().map(|sign| match sign {
                '\n' | '\r' | '\t' => ' ',
                sign => sign,
            });
            self.out.extend(flat);
        }
        &rest[end..]
    }

    fn tag(&mut self, tag: &str) {
        let (is_end, tag) = match tag.strip_prefix('/') {
            Some(tag) => (true, tag),
            None => (false, tag),
        };
        let length = tag
            .find(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '-'))
            .unwrap_or(tag.len());
        let name = tag[..length].to_ascii_lowercase();
        match (name.as_str(), is_end) {
            ("spark-mention", false) => {
                self.end_mention();
                let id = attribute(tag, "data-object-id").unwrap_or_default();
                let kind = attribute(tag, "data-object-type").unwrap_or_default();
                let who = match kind.as_str() {
                    "groupMention" => Mentioned::Group,
                    _ if is_same(&id, self.own_id) => Mentioned::Own,
                    _ => Mentioned::Person(id),
                };
                self.mention = Some((who, self.out.len()));
            }
            ("spark-mention", true) => self.end_mention(),
            ("ul", false) => self.lists.push(None),
            ("ol", false) => self.lists.push(Some(1)),
            ("ul" | "ol", true) => {
                self.lists.pop();
                self.line();
            }
            ("li", false) => {
                self.line();
                let depth = self.lists.len().saturating_sub(1);
                self.out.push_str(&"  ".repeat(depth.min(8)));
                match self.lists.last_mut() {
                    Some(Some(number)) => {
                        self.out.push_str(&format!("{number}. "));
                        *number = number.saturating_add(1);
                    }
                    _ => self.out.push_str("- "),
                }
            }
            ("pre", false) => {
                self.line();
                self.is_kept += 1;
            }
            ("pre", true) => {
                self.is_kept = self.is_kept.saturating_sub(1);
                self.line();
            }
            ("br", _) => self.out.push('\n'),
            (
                "p" | "div" | "blockquote" | "li" | "tr" | "hr" | "h1" | "h2" | "h3" | "h4" | "h5"
                | "h6",
                _,
            ) => self.line(),
            ("td" | "th", true) => self.out.push(' '),
            _ => {}
        }
    }

    fn line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn end_mention(&mut self) {
        let Some((who, start)) = self.mention.take() else {
            return;
        };
        let name = self.out[start..].trim().trim_start_matches('@').to_owned();
        self.out.truncate(start);
        match who {
            Mentioned::Own => {
                self.mentioned(self.own_id.to_owned(), &name);
                // What follows begins the line, or the word after the one before.
                if self.out.ends_with(' ') {
                    self.out.pop();
                }
            }
            Mentioned::Person(id) => {
                self.out.push('@');
                self.out.push_str(&name);
                self.mentioned(id, &name);
            }
            Mentioned::Group => {
                self.out.push('@');
                self.out.push_str(&name);
            }
        }
    }

    fn mentioned(&mut self, user_id: String, name: &str) {
        let is_known = self.mentions.iter().any(|known| known.user_id == user_id);
        if !is_known && self.mentions.len() < MAX_MENTIONS {
            self.mentions.push(Mention {
                user_id,
                text: name.to_owned(),
            });
        }
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = tag.find(&format!("{name}="))? + name.len() + 1;
    let rest = &tag[at..];
    let value = match rest.chars().next()? {
        quote @ ('"' | '\'') => rest[1..].split(quote).next()?,
        _ => rest.split(|sign: char| sign.is_whitespace()).next()?,
    };
    Some(value.to_owned())
}

/// The character that begins here, and how long its name is.
fn character(rest: &str) -> (String, usize) {
    let end = rest.bytes().take(MAX_NAME).position(|sign| sign == b';');
    let found = end.and_then(|end| {
        let name = &rest[1..end];
        let number = name.strip_prefix('#').and_then(|number| {
            let number = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(number).map(String::from)
        });
        let text = number.or_else(|| resolve_html5_entity(name).map(str::to_owned))?;
        Some((text, end + 1))
    });
    found.unwrap_or_else(|| ("&".to_owned(), 1))
}

/// Lines without the space around them, and at most one empty line between two.
fn tidy(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.split('\n') {
        let line = line.trim_end_matches([' ', '\u{a0}']);
        if line.is_empty() && lines.last().is_none_or(|last| last.is_empty()) {
            continue;
        }
        lines.push(line);
    }
    lines.join("\n").trim().to_owned()
}

/// Takes the bot's name from the beginning of a text that has no HTML: the whole name, its short form,
/// or the first word, which is all that clients show (webex.md §5.2).
pub fn without_name<'t>(text: &'t str, names: &[&str]) -> &'t str {
    let first_words = names
        .iter()
        .filter_map(|name| name.split_whitespace().next());
    for name in names.iter().copied().chain(first_words) {
        if let Some(rest) = prefix(text.trim_start(), name) {
            return rest.trim_start_matches([',', ':', ' ', '\t', '\n', '\u{a0}']);
        }
    }
    text
}

fn prefix<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    if name.trim().is_empty() {
        return None;
    }
    let text = text.strip_prefix('@').unwrap_or(text);
    let mut rest = text.chars();
    for wanted in name.trim().chars() {
        if !rest.next()?.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    let rest = rest.as_str();
    let ends = rest
        .chars()
        .next()
        .is_none_or(|sign| !sign.is_alphanumeric());
    ends.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "a860badd-04fd-40aa-aac5-96f2adad1750";

    fn mention(id: &str, name: &str) -> String {
        format!(
            "<spark-mention data-object-type=\"person\" data-object-id=\"{id}\">{name}</spark-mention>"
        )
    }

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(read_html(html, OWN).text, expected, "{html}");
    }

    #[test]
    fn the_bot_s_own_mention_goes_wherever_it_stands() {
        check(
            &format!("<p>{} deploy api</p>", mention(OWN, "MyBot")),
            "deploy api",
        );
        check(
            &format!("<div>please, {} deploy</div>", mention(OWN, "My")),
            "please, deploy",
        );
        check(&mention(OWN, "My Bot"), "");
        // The id as the API writes it.
        let id = "Y2lzY29zcGFyazovL3VzL1BFT1BMRS9hODYwYmFkZC0wNGZkLTQwYWEtYWFjNS05NmYyYWRhZDE3NTA";
        check(
            &format!("<p>{}\u{a0}/joke</p>", mention(id, "MyBot")),
            "/joke",
        );
    }

    #[test]
    fn others_stay_with_their_names() {
        let html = format!(
            "<p>{} ask {} &amp; all</p>",
            mention(OWN, "MyBot"),
            mention("p2", "Ada")
        );
        let read = read_html(&html, OWN);
        assert_eq!(read.text, "ask @Ada & all");
        let ids: Vec<&str> = read.mentions.iter().map(|it| it.user_id.as_str()).collect();
        assert_eq!(ids, [OWN, "p2"]);
        let all = "<p><spark-mention data-object-type=\"groupMention\" data-group-type=\"all\">All</spark-mention> hi</p>";
        check(all, "@All hi");
    }

    #[test]
    fn markup_becomes_lines() {
        check("<p>one<br/>two</p><p>three</p>", "one\ntwo\nthree");
        check(
            "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>",
            "- a\n  - b\n- c",
        );
        check("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b");
        check("<pre><code>x\n  y</code></pre>", "x\n  y");
        check(
            "1 < 2 &lt;b&gt; &#36;goog &unknown; <b>bold</b>",
            "1 < 2 <b> $goog &unknown; bold",
        );
        check("<p>open <b", "open <b");
    }

    #[test]
    fn without_markup_only_a_leading_name_goes() {
        let names = ["Trade Bot", "Trader"];
        for (text, expected) in [
            ("Trade Bot /joke", "/joke"),
            ("trade bot: /joke", "/joke"),
            ("Trader hello", "hello"),
            ("Trade hello Trade", "hello Trade"),
            ("@Trade, hi", "hi"),
            ("Trades are good", "Trades are good"),
            ("say Trade Bot", "say Trade Bot"),
        ] {
            assert_eq!(without_name(text, &names), expected, "{text}");
        }
    }
}
