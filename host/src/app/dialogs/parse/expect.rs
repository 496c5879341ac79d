//! `expect …`.

use super::Mistake;
use super::http::http_request;
use super::lines::Block;
use crate::app::dialogs::said::{ACTIONS, ActionForm};
use crate::app::dialogs::script::{Expectation, ExpectedPlace, Matcher, What};
use crate::app::dialogs::update::is_keyword;

const EXPECTED: &str = "what is expected: a text, `~ EXPRESSION`, `* PART`, `any`, `none`, `edit`, `deleted`, `joined`, `left`, `action`, `http`, `failed` or `log`";
/// Actions that `expect` has words of their own for.
const OWN_WORDS: [(&str, &str); 7] = [
    ("send", "`expect TEXT`"),
    ("edit", "`expect edit TEXT`"),
    ("delete", "`expect deleted`"),
    ("join", "`expect joined`"),
    ("leave", "`expect left`"),
    ("request", "`expect http METHOD URL`"),
    (
        "other",
        "`expect failed ~ …`: the local platform has no action of other platforms",
    ),
];

/// Reads the step.
pub(super) fn expectation(block: &Block<'_>) -> Result<Expectation, Mistake> {
    if block.rest.is_empty() && block.body.is_empty() {
        return Err(block.wrong(EXPECTED));
    }
    let mut reading = Reading {
        block,
        rest: block.rest,
    };
    let mut place = ExpectedPlace::Here;
    let mut agents = false;
    loop {
        match reading.peek() {
            "in" if place == ExpectedPlace::Here => {
                reading.take();
                let room = reading.name("a room: `expect in lobby Hello`")?;
                place = ExpectedPlace::Room(room);
            }
            "to" if place == ExpectedPlace::Here => {
                reading.take();
                let person = reading.name("a person: `expect to ada Hello`")?;
                place = ExpectedPlace::Person(person);
            }
            "agents" if !agents => {
                reading.take();
                agents = true;
            }
            _ => break,
        }
    }
    let word = reading.peek();
    let what = reading.what(agents)?;
    let (is_anywhere, word) = match &what {
        What::Nothing | What::Http { .. } | What::Failed(_) | What::Log(_) => {
            (true, word.to_owned())
        }
        What::Action { form, .. } => (!form.is_placed, format!("action {}", form.name)),
        _ => (false, word.to_owned()),
    };
    if is_anywhere && place != ExpectedPlace::Here {
        let expected = format!("`expect {word}`: it is looked for everywhere");
        return Err(Mistake::new(format!("a place before `{word}`"), expected));
    }
    let written = block.source.len() - block.source.trim_end().len();
    let end = block.source.len() - written - reading.rest.len();
    Ok(Expectation {
        place,
        what,
        head: block.source[..end].trim_end().to_owned(),
    })
}

struct Reading<'b> {
    block: &'b Block<'b>,
    /// What was not read yet of the first line.
    rest: &'b str,
}

impl<'b> Reading<'b> {
    fn peek(&self) -> &'b str {
        let end = self.rest.find(char::is_whitespace);
        &self.rest[..end.unwrap_or(self.rest.len())]
    }

    fn take(&mut self) -> &'b str {
        let word = self.peek();
        self.rest = self.rest[word.len()..].trim_start();
        word
    }

    /// A name of one word, or in quotation marks.
    fn name(&mut self, expected: &str) -> Result<String, Mistake> {
        let wrong = || Mistake::new(format!("`{}`", self.block.source.trim_end()), expected);
        if let Some(inside) = self.rest.strip_prefix('"') {
            let (name, rest) = inside.split_once('"').ok_or_else(wrong)?;
            self.rest = rest.trim_start();
            return Ok(name.to_owned());
        }
        match self.peek() {
            "" => Err(wrong()),
            _ => Ok(self.take().to_owned()),
        }
    }

    fn what(&mut self, agents: bool) -> Result<What, Mistake> {
        let word = self.peek();
        // A message only can be for agents, or be somewhere else in words.
        let what = match word {
            "none" => What::Nothing,
            "deleted" => What::Deleted,
            "joined" => What::Joined,
            "left" => What::Left,
            "edit" => {
                self.take();
                What::Edited(self.matcher()?)
            }
            "failed" => {
                self.take();
                What::Failed(self.matcher_or_any()?)
            }
            "log" => {
                self.take();
                What::Log(self.matcher_or_any()?)
            }
            "http" => {
                self.take();
                let request = http_request(self.rest)?;
                let body = (!self.block.body.is_empty()).then(|| self.block.body.join("\n"));
                What::Http { request, body }
            }
            "action" => {
                self.take();
                self.action()?
            }
            _ => {
                let text = self.matcher()?;
                return Ok(What::Said { agents, text });
            }
        };
        let is_alone = matches!(
            what,
            What::Nothing | What::Deleted | What::Joined | What::Left
        );
        let after = self.rest.strip_prefix(word).unwrap_or_default().trim();
        let is_comment = after.is_empty() || after.starts_with('#');
        if is_alone && !(is_comment && self.block.body.is_empty()) {
            return Err(
                Mistake::new(format!("text behind `{word}`"), format!("`{word}` alone")).hint(
                    format!("a message that begins with this word: `expect = {word} …`"),
                ),
            );
        }
        if agents {
            return Err(Mistake::new(
                format!("`agents` before `{word}`"),
                "a message behind `agents`",
            ));
        }
        Ok(what)
    }

    /// `react :eyes:`, `tag off urgent`, `close`.
    fn action(&mut self) -> Result<What, Mistake> {
        let name = self.take();
        let Some(form) = ActionForm::of(name) else {
            return Err(unknown_action(name));
        };
        let off = form.takes_off && self.peek() == "off";
        if off {
            self.take();
        }
        let is_bare = self.rest.is_empty() || (!form.has_about && self.rest.starts_with('#'));
        if is_bare && self.block.body.is_empty() {
            let about = Matcher::Any;
            return Ok(What::Action { form, off, about });
        }
        if !form.has_about {
            return Err(Mistake::new(
                format!("text behind `action {name}`"),
                format!("`action {name}` alone"),
            ));
        }
        let about = match self.matcher()? {
            // As the step `react` takes it, too.
            Matcher::Is(emoji) if name == "react" => {
                Matcher::Is(format!(":{}:", emoji.trim_matches(':')))
            }
            about => about,
        };
        Ok(What::Action { form, off, about })
    }

    fn matcher_or_any(&self) -> Result<Matcher, Mistake> {
        match self.rest.is_empty() && self.block.body.is_empty() {
            true => Ok(Matcher::Any),
            false => self.matcher(),
        }
    }

    fn matcher(&self) -> Result<Matcher, Mistake> {
        let word = self.peek();
        let behind = self.rest[word.len()..].trim_start();
        match word {
            "~" => {
                let text = self.block.text_after(behind);
                if text.is_empty() {
                    let expected = "a regular expression that is found in the message";
                    return Err(Mistake::new("nothing behind `~`", expected));
                }
                regex::Regex::new(&text)
                    .map(Matcher::Finds)
                    .map_err(|error| {
                        let error = error.to_string();
                        let last = error.lines().last().unwrap_or_default();
                        Mistake::new(
                            format!(
                                "`{text}` is no regular expression: {}",
                                last.trim_start_matches("error: ")
                            ),
                            "one as the crate `regex` takes",
                        )
                    })
            }
            "*" => {
                let text = self.block.text_after(behind);
                match text.is_empty() {
                    true => Err(Mistake::new("nothing behind `*`", "a part of the message")),
                    false => Ok(Matcher::Contains(text)),
                }
            }
            "=" => Ok(Matcher::Is(self.block.text_after(behind))),
            "any" => {
                let is_comment = behind.is_empty() || behind.starts_with('#');
                match is_comment && self.block.body.is_empty() {
                    true => Ok(Matcher::Any),
                    false => Err(Mistake::new("text behind `any`", "`any` alone")
                        .hint("a message that begins with this word: `expect = any …`")),
                }
            }
            word if is_keyword(word) => Err(Mistake::new(format!("`{word}` here"), "a text").hint(
                format!("a message that begins with this word: `expect = {word} …`"),
            )),
            _ => {
                let text = self.block.text_after(self.rest);
                match text.is_empty() {
                    true => Err(Mistake::new("no text", "what is expected")),
                    false => Ok(Matcher::Is(text)),
                }
            }
        }
    }
}

fn unknown_action(name: &str) -> Mistake {
    let own = OWN_WORDS.iter().find(|(action, _)| *action == name);
    if let Some((_, words)) = own {
        return Mistake::new(format!("`action {name}`"), *words);
    }
    let names: Vec<&str> = ACTIONS.iter().map(|form| form.name).collect();
    let found = match name {
        "" => "nothing behind `action`".to_owned(),
        name => format!("`{name}` is no action"),
    };
    let mistake = Mistake::new(found, format!("one of {}", names.join(", ")));
    let near = names
        .into_iter()
        .min_by_key(|known| strsim::osa_distance(name, known));
    match near.filter(|near| strsim::osa_distance(name, near) <= 2) {
        Some(near) => mistake.hint(format!("did you mean `{near}`?")),
        None => mistake,
    }
}
