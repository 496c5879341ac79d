//! What each expectation of a dialog looks at.

use super::answers::{Made, is_body};
use super::difference::{DiffLine, all_said, difference};
use super::run::{DialogMode, Running, Wrong};
use super::said::{Act, Said, SaidWhat};
use super::script::{
    Expectation, ExpectedPlace, HttpRequest, Matcher, Step, What, first_line, tidy,
};
use super::update::{Change, expect_lines};
use crate::model::Name;
use crate::model::event::ConversationKind;

/// Something that a step may expect by its text alone: a failure, a line of the log.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) text: String,
    pub(super) is_expected: bool,
}

impl Noted {
    pub(super) fn new(text: String) -> Self {
        Self {
            text,
            is_expected: false,
        }
    }
}

impl Running<'_> {
    /// Looks whether something is as expected.
    pub(super) fn expect(&mut self, step: &Step, expected: &Expectation) -> Result<(), Wrong> {
        match &expected.what {
            What::Nothing => {
                let difference = lines_said(self.unexpected());
                match difference.is_empty() {
                    true => Ok(()),
                    false => Err(Wrong {
                        difference,
                        ..Wrong::new("expected nothing more, and this was said or done")
                    }),
                }
            }
            What::Http { request, body } => self.expect_request(request, body.as_deref()),
            What::Failed(text) => expect_noted(&mut self.failed, "a failure", text),
            What::Log(text) => expect_noted(&mut self.logged, "a line of the log", text),
            _ => self.expect_said(step, expected),
        }
    }

    fn expect_request(&self, request: &HttpRequest, body: Option<&str>) -> Result<(), Wrong> {
        self.answers.with_made(|made| {
            let mut open = made.iter_mut().filter(|it| !it.is_expected);
            let is_meant = |it: &&mut Made| {
                it.request == *request && body.is_none_or(|body| is_body(body, &it.body))
            };
            if let Some(found) = open.find(is_meant) {
                found.is_expected = true;
                return Ok(());
            }
            let open = made.iter().filter(|it| !it.is_expected);
            let same: Vec<_> = open.clone().filter(|it| it.request == *request).collect();
            if let (Some(body), Some(other)) = (body, same.first()) {
                return Err(Wrong {
                    difference: difference(&tidy(body), &tidy(&other.body)),
                    ..Wrong::new("expected another body of this request")
                });
            }
            let others: Vec<String> = open.map(|it| it.request.to_string()).collect();
            Err(Wrong::new(match others.is_empty() {
                true => format!("expected the request {request}; the plugin made none"),
                false => format!(
                    "expected the request {request}; the plugin made: {}",
                    others.join(", ")
                ),
            }))
        })
    }

    fn expect_said(&mut self, step: &Step, expected: &Expectation) -> Result<(), Wrong> {
        let what = &expected.what;
        let place = self.place_of(expected);
        let next = self.heard.said.iter().position(|said| {
            !said.is_expected && said.conversation == place && is_sort(what, &said.what)
        });
        let Some(next) = next else {
            return Err(self.nothing_said(expected, place.as_ref()));
        };
        let is_right = is_right(what, &self.heard.said[next].what);
        if is_right || self.take_over(step, expected, next) {
            self.heard.said[next].is_expected = true;
            return Ok(());
        }
        Err(wrong_said(what, &self.heard.said[next].what))
    }

    /// The conversation where something is expected; none where that is no matter.
    fn place_of(&self, expected: &Expectation) -> Option<Name> {
        if let What::Action { form, .. } = &expected.what
            && !form.is_placed
        {
            return None;
        }
        match &expected.place {
            ExpectedPlace::Here => self.here_now(),
            ExpectedPlace::Room(name) => self.room(name),
            ExpectedPlace::Person(person) => self.direct(person),
        }
    }

    /// Where answers are taken over: writes down what was said in the place of an exact text.
    fn take_over(&mut self, step: &Step, expected: &Expectation, next: usize) -> bool {
        let said = &self.heard.said[next].what;
        let is_exact = match (&expected.what, said) {
            (What::Said { agents, text }, SaidWhat::Message { agents: to, .. }) => {
                agents == to && matches!(text, Matcher::Is(_))
            }
            (What::Edited(text), SaidWhat::Edit { .. })
            | (What::Action { about: text, .. }, SaidWhat::Action(_)) => {
                matches!(text, Matcher::Is(_))
            }
            _ => false,
        };
        if !is_exact || self.mode != DialogMode::Update {
            return false;
        }
        let lines = lines_of(&expected.head, said);
        self.changes.push(Change {
            line: step.line,
            end: step.end,
            lines,
        });
        true
    }

    /// The lines of a step that expects this; none where no step can.
    pub(super) fn step_of(&self, said: &Said, here: Option<&Name>) -> Option<Vec<String>> {
        let head = self.head_of(said, here)?;
        Some(lines_of(&head, &said.what))
    }

    /// How a step begins that expects this; none where no step can.
    fn head_of(&self, said: &Said, here: Option<&Name>) -> Option<String> {
        let mut head = "expect".to_owned();
        if let Some(conversation) = &said.conversation
            && Some(conversation) != here
        {
            let found = self.hub.read(|state| {
                let room = state.rooms.get(conversation)?;
                let mut people = room.members.iter().filter(|it| it.user.id != self.bot);
                Some(match room.info.kind {
                    ConversationKind::Room => format!(" in {}", quoted(&room.info.name)),
                    ConversationKind::Direct => {
                        format!(" to {}", quoted(&people.next()?.user.name))
                    }
                    _ => return None,
                })
            });
            head.push_str(&found?);
        }
        match &said.what {
            SaidWhat::Message { agents: true, .. } => head.push_str(" agents"),
            SaidWhat::Message { agents: false, .. } => {}
            SaidWhat::Edit { .. } => head.push_str(" edit"),
            SaidWhat::Deletion { .. } => head.push_str(" deleted"),
            SaidWhat::Joined => head.push_str(" joined"),
            SaidWhat::Left => head.push_str(" left"),
            SaidWhat::Action(act) => {
                head.push(' ');
                head.push_str(&Act::head(act.form, act.off));
            }
        }
        Some(head)
    }

    fn nothing_said(&self, expected: &Expectation, place: Option<&Name>) -> Wrong {
        let what = match &expected.what {
            What::Said { text, .. } => text.words(),
            What::Edited(text) => format!("an edit to {}", text.words()),
            What::Deleted => "a message to be deleted".to_owned(),
            What::Joined => "the bot to join".to_owned(),
            What::Left => "the bot to leave".to_owned(),
            What::Action { form, off, about } => match about {
                Matcher::Any => format!("the {}", Act::head(form, *off)),
                about => format!("the {} of {}", Act::head(form, *off), about.words()),
            },
            _ => String::new(),
        };
        let at = match (&expected.place, place) {
            (ExpectedPlace::Person(person), _) => format!(" to {person} alone"),
            (ExpectedPlace::Room(room), _) => format!(" in {room}"),
            (ExpectedPlace::Here, Some(place)) => format!(" in {}", self.heard.place_name(place)),
            (ExpectedPlace::Here, None) if is_placed(&expected.what) => " here".to_owned(),
            (ExpectedPlace::Here, None) => String::new(),
        };
        let verb = match expected.what {
            What::Joined | What::Left | What::Action { .. } => "it did not",
            _ => "nothing more was said there",
        };
        let wrong = Wrong::new(format!("expected {what}{at}; {verb}"));
        let failed = self.failed.iter().find(|it| !it.is_expected);
        if let Some(failed) = failed {
            return wrong.hint(failed.text.clone());
        }
        let action = action_name(&expected.what);
        let mut notes = self.heard.notes.iter().rev();
        if let Some(note) = notes.find(|note| note.action == action && !note.changed) {
            return wrong.hint(note.to_string());
        }
        let elsewhere = self
            .unexpected()
            .find(|it| it.conversation.as_ref() != place);
        let elsewhere = elsewhere.and_then(|said| {
            let lines = self.step_of(said, self.here_now().as_ref())?;
            let verb = if said.what.is_message() {
                "said"
            } else {
                "done"
            };
            Some(format!("{verb} elsewhere: `{}`", lines.first()?))
        });
        match elsewhere {
            Some(elsewhere) => wrong.hint(elsewhere),
            None => wrong,
        }
    }
}

/// What was said, as the lines that nobody expected.
pub(super) fn lines_said<'s>(said: impl Iterator<Item = &'s Said>) -> Vec<DiffLine> {
    let words: Vec<String> = said.map(|said| said.what.words()).collect();
    words.iter().flat_map(|words| all_said(words)).collect()
}

/// Looks for a failure, or a line of the log, that nobody expected yet.
fn expect_noted(noted: &mut [Noted], what: &str, text: &Matcher) -> Result<(), Wrong> {
    let mut open = noted.iter_mut().filter(|it| !it.is_expected);
    if let Some(found) = open.find(|it| text.matches(&it.text)) {
        found.is_expected = true;
        return Ok(());
    }
    let others = noted.iter().filter(|it| !it.is_expected);
    let difference: Vec<DiffLine> = others.flat_map(|it| all_said(&it.text)).collect();
    let expected = text.words();
    Err(match difference.is_empty() {
        true => Wrong::new(format!("expected {what}, {expected}; there was none")),
        false => Wrong {
            difference,
            ..Wrong::new(format!("expected {what}, {expected}; there was"))
        },
    })
}

/// Tells whether something is of the sort that is expected: each sort keeps an order of its own.
fn is_sort(expected: &What, said: &SaidWhat) -> bool {
    match (expected, said) {
        (What::Joined, SaidWhat::Joined) | (What::Left, SaidWhat::Left) => true,
        (What::Action { form, off, .. }, SaidWhat::Action(act)) => {
            act.form == *form && act.off == *off
        }
        (What::Said { .. } | What::Edited(_) | What::Deleted, said) => said.is_message(),
        _ => false,
    }
}

fn is_right(expected: &What, said: &SaidWhat) -> bool {
    match (expected, said) {
        (
            What::Said { agents, text },
            SaidWhat::Message {
                text: said,
                agents: to,
            },
        ) => agents == to && text.matches(said),
        (What::Edited(text), SaidWhat::Edit { text: said }) => text.matches(said),
        (What::Action { about, .. }, SaidWhat::Action(act)) => about.matches(&act.about),
        (What::Deleted, SaidWhat::Deletion { .. })
        | (What::Joined, SaidWhat::Joined)
        | (What::Left, SaidWhat::Left) => true,
        _ => false,
    }
}

fn is_placed(expected: &What) -> bool {
    match expected {
        What::Action { form, .. } => form.is_placed,
        _ => true,
    }
}

/// The action by which something comes to pass, by its name in the contract.
fn action_name(expected: &What) -> &'static str {
    match expected {
        What::Said { .. } => "send",
        What::Edited(_) => "edit",
        What::Deleted => "delete",
        What::Joined => "join",
        What::Left => "leave",
        What::Action { form, .. } => form.name,
        What::Nothing | What::Http { .. } | What::Failed(_) | What::Log(_) => "",
    }
}

/// The lines of a step of which the beginning is known.
fn lines_of(head: &str, said: &SaidWhat) -> Vec<String> {
    match said {
        SaidWhat::Message { text, .. } | SaidWhat::Edit { text } => expect_lines(head, text),
        SaidWhat::Action(act) if !act.about.is_empty() => act.lines(head),
        _ => vec![head.to_owned()],
    }
}

fn quoted(name: &str) -> String {
    match name.contains(char::is_whitespace) {
        true => format!("\"{name}\""),
        false => name.to_owned(),
    }
}

/// In what something that was said is not what was expected.
fn wrong_said(expected: &What, said: &SaidWhat) -> Wrong {
    let (matcher, words) = match (expected, said) {
        (
            What::Said { agents, text },
            SaidWhat::Message {
                text: words,
                agents: to,
            },
        ) => {
            if text.matches(words) && agents != to {
                return match to {
                    true => Wrong::new("only agents see this message")
                        .hint(format!("`expect agents {}`", first_line(words))),
                    false => Wrong::new("everybody sees this message, not agents alone"),
                };
            }
            (text, words)
        }
        (What::Edited(text), SaidWhat::Edit { text: words }) => (text, words),
        (What::Action { about, .. }, SaidWhat::Action(act)) => (about, &act.about),
        (expected, said) => {
            let expected = match expected {
                What::Said { .. } => "a message",
                What::Edited(_) => "an edit",
                _ => "a message to be deleted",
            };
            return Wrong {
                difference: all_said(&said.words()).collect(),
                ..Wrong::new(format!("expected {expected}; there was"))
            };
        }
    };
    let is_action = matches!(expected, What::Action { .. });
    match matcher {
        Matcher::Is(text) => Wrong {
            difference: difference(&tidy(text), &tidy(words)),
            ..Wrong::new(match is_action {
                true => "expected it of another",
                false => "expected another text",
            })
        },
        other => Wrong {
            difference: all_said(words).collect(),
            ..Wrong::new(match is_action {
                true => format!("expected {}; there was", other.words()),
                false => format!("expected {}; this was said", other.words()),
            })
        },
    }
}
