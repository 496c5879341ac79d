//! What each step of a dialog does, and what each expectation looks at.

use std::collections::BTreeMap;

use super::DiffLine;
use super::answers::is_body;
use super::difference::difference;
use super::heard::{Said, SaidWhat};
use super::places::Place;
use super::run::{DialogMode, Running, Wrong};
use super::script::{
    Expectation, ExpectedPlace, HttpRequest, Matcher, Step, StepKind, SubmitStep, What, tidy,
};
use super::update::{Change, expect_lines};
use crate::config::DEFAULT_BOT;
use crate::connectors::local::hub::forms::{buttons, find_form};
use crate::connectors::local::hub::names;
use crate::mailbox::Connectors as _;
use crate::mailbox::rooms::{Command, Done, Rooms as _, Say};
use crate::model::content::{Block, Button, ButtonKind, FieldKind};
use crate::model::event::{Bot, ConversationKind};
use crate::model::{DEFAULT_TENANT, Name};

impl Running<'_> {
    /// Does what a step says, and waits until it is answered.
    pub(super) async fn act(&mut self, step: &StepKind) -> Result<(), Wrong> {
        if self.acting.follow(step) {
            // A room is there from the beginning; these begin when they are named.
            if matches!(step, StepKind::Direct | StepKind::Chat(_)) {
                self.here().await?;
                self.settle().await?;
            }
            return Ok(());
        }
        match step {
            StepKind::Say(text) => {
                let here = self.here().await?;
                let say = Command::Say(Say {
                    conversation: here.to_string(),
                    text: text.clone(),
                    ..Say::default()
                });
                let done = self.command(say).await?;
                if let Some(message) = done.message {
                    let who = self.acting.person.clone();
                    self.messages.insert((here, who), message.to_string());
                }
            }
            StepKind::Edit(text) => {
                let edit = Command::Edit {
                    message: self.own_message().await?,
                    text: text.clone(),
                    content: Vec::new(),
                };
                self.command(edit).await?;
            }
            StepKind::Delete => {
                let message = self.own_message().await?;
                self.command(Command::Delete { message }).await?;
            }
            StepKind::React(emoji) => {
                let here = self.here().await?;
                let newest = self.find_message(&here, |_| Some(()));
                let Some((message, ())) = newest else {
                    return Err(Wrong::new("there is no message to react to"));
                };
                let react = Command::React {
                    message,
                    emoji: emoji.clone(),
                    add: true,
                };
                self.command(react).await?;
            }
            StepKind::Click(label) => self.click(label).await?,
            StepKind::Submit(submit) => self.submit(submit).await?,
            StepKind::Join(person) => {
                let come = match &self.acting.place {
                    Place::Room(name) => Command::OpenRoom { name: name.clone() },
                    Place::Chat(customer) => Command::OpenChat {
                        customer: customer.clone(),
                    },
                    Place::Direct => {
                        return Err(Wrong::new("nobody else comes into a direct conversation"));
                    }
                };
                self.command_of(&person.clone(), come).await?;
            }
            StepKind::Leave(person) => {
                let conversation = self.here().await?.to_string();
                let leave = Command::Leave { conversation };
                self.command_of(&person.clone(), leave).await?;
            }
            StepKind::Advance(ms) => return self.advance(*ms).await,
            StepKind::Webhook { name, body } => self.call(name, body).await?,
            StepKind::As(_)
            | StepKind::Room(_)
            | StepKind::Direct
            | StepKind::Chat(_)
            | StepKind::Fixture(_)
            | StepKind::Expect(_) => {}
        }
        self.settle().await
    }

    async fn command(&self, command: Command) -> Result<Done, Wrong> {
        self.command_of(&self.acting.person, command).await
    }

    async fn command_of(&self, person: &str, command: Command) -> Result<Done, Wrong> {
        let done = self.hub.act(person, command).await;
        done.map_err(|error| Wrong::new(format!("{person} cannot do this: {error}")))
    }

    /// The conversation that the dialog is in, begun where it is not there yet.
    async fn here(&self) -> Result<Name, Wrong> {
        let open = match &self.acting.place {
            Place::Room(_) => None,
            Place::Direct => Some(Command::OpenDirect {
                user: DEFAULT_BOT.to_owned(),
            }),
            Place::Chat(customer) => Some(Command::OpenChat {
                customer: customer.clone(),
            }),
        };
        let found = match open {
            None => self.here_now(),
            Some(open) => self.command(open).await?.conversation,
        };
        found.ok_or_else(|| Wrong::new("there is no such conversation"))
    }

    /// The conversation that the dialog is in, where it is there.
    pub(super) fn here_now(&self) -> Option<Name> {
        match &self.acting.place {
            Place::Room(name) => self.room(name),
            Place::Direct => self.direct(&self.acting.person),
            Place::Chat(customer) => self.hub.read(|state| {
                let customer = names::find_user(state, customer)?.id.clone();
                let mut rooms = state.rooms.values();
                let chat = rooms.find(|room| {
                    room.info.kind == ConversationKind::CustomerChat
                        && room.member(&customer).is_some()
                });
                chat.map(|room| room.info.id.clone())
            }),
        }
    }

    /// The bot, as its platform knows it.
    pub(super) fn first_bot(&self) -> Option<Bot> {
        let directory = self.host.directory();
        let connector = directory.connector(DEFAULT_TENANT, DEFAULT_BOT)?;
        Some(connector.bot())
    }

    /// A person's id.
    pub(super) fn person_id(&self, name: &str) -> Option<Name> {
        self.hub
            .read(|state| names::find_user(state, name).map(|user| user.id.clone()))
    }

    fn room(&self, name: &str) -> Option<Name> {
        self.hub
            .read(|state| names::find_room(state, name).map(|room| room.info.id.clone()))
    }

    fn direct(&self, person: &str) -> Option<Name> {
        self.hub.read(|state| {
            let person = names::find_user(state, person)?.id.clone();
            let mut rooms = state.rooms.values();
            let direct = rooms.find(|room| {
                room.info.kind == ConversationKind::Direct
                    && room.member(&person).is_some()
                    && room.member(&self.bot).is_some()
            });
            direct.map(|room| room.info.id.clone())
        })
    }

    async fn own_message(&self) -> Result<String, Wrong> {
        let here = self.here().await?;
        let person = &self.acting.person;
        let own = self.messages.get(&(here, person.clone()));
        own.cloned()
            .ok_or_else(|| Wrong::new(format!("{person} has said nothing here")))
    }

    /// The newest message of a conversation in which something is found.
    fn find_message<T>(
        &self,
        conversation: &str,
        find: impl Fn(&[Block]) -> Option<T>,
    ) -> Option<(String, T)> {
        self.hub.read(|state| {
            let room = state.rooms.get(conversation)?;
            let mut newest = room.messages.iter().rev().filter(|it| !it.deleted);
            newest.find_map(|message| Some((message.id.to_string(), find(&message.content)?)))
        })
    }

    async fn click(&self, label: &str) -> Result<(), Wrong> {
        let here = self.here().await?;
        let id = |button: &Button| match &button.kind {
            ButtonKind::Action(action) => action.id.clone(),
            ButtonKind::Link(_) | ButtonKind::Reply(_) => button.label.clone(),
        };
        let is_meant = |button: &&Button| button.label == label || id(button) == label;
        let found = self.find_message(&here, |blocks| buttons(blocks).find(is_meant).map(id));
        if let Some((message, button)) = found {
            return self
                .command(Command::Press { message, button })
                .await
                .map(drop);
        }
        let in_form = self.find_message(&here, |blocks| {
            blocks.iter().find_map(|block| match block {
                Block::Form(form) => form
                    .buttons
                    .iter()
                    .any(|button| is_meant(&button))
                    .then(|| form.id.clone()),
                _ => None,
            })
        });
        let wrong = Wrong::new(format!("no message here has a button `{label}`"));
        Err(match in_form {
            Some((_, form)) => wrong.hint(format!("it is a form's: `submit {form} …`")),
            None => wrong,
        })
    }

    async fn submit(&self, submit: &SubmitStep) -> Result<(), Wrong> {
        let here = self.here().await?;
        let found = self.find_message(&here, |blocks| find_form(blocks, &submit.form).cloned());
        let Some((message, form)) = found else {
            return Err(Wrong::new(format!(
                "no message here has a form `{}`",
                submit.form
            )));
        };
        let takes_several = |field: &str| {
            let field = form.fields.iter().find(|it| it.id == field);
            field.is_some_and(|field| {
                matches!(
                    field.kind,
                    FieldKind::MultiSelect | FieldKind::User | FieldKind::Conversation
                )
            })
        };
        let values = submit.values.iter().map(|(field, value)| {
            let values = match takes_several(field) {
                true => value.split(',').map(|it| it.trim().to_owned()).collect(),
                false => vec![value.clone()],
            };
            (field.clone(), values)
        });
        let values: BTreeMap<String, Vec<String>> = values.collect();
        // By what stands on it, or by its id.
        let button = submit.button.as_ref().map(|wanted| {
            let mut buttons = form.buttons.iter();
            let labelled = buttons.find(|button| button.label == *wanted);
            match labelled.map(|button| &button.kind) {
                Some(ButtonKind::Action(action)) => action.id.clone(),
                _ => wanted.clone(),
            }
        });
        let command = Command::Submit {
            message,
            form: submit.form.clone(),
            button,
            values,
        };
        self.command(command).await.map(drop)
    }

    async fn call(&mut self, name: &str, body: &str) -> Result<(), Wrong> {
        self.webhooks += 1;
        let plugin = self.build.name();
        let body = body.as_bytes().to_vec();
        let hooks = self.host.hooks();
        let taken = hooks.take_checked(plugin, name, self.webhooks, body).await;
        taken.map_err(|error| {
            Wrong::new(format!("the webhook `{name}` does not take it: {error}")).hint(format!(
                "the dialog's `settings` name it: `webhooks.{name} = {{ … }}`"
            ))
        })
    }

    /// Looks whether something is as expected.
    pub(super) fn expect(&mut self, step: &Step, expected: &Expectation) -> Result<(), Wrong> {
        match &expected.what {
            What::Nothing => {
                let said = self.unexpected().map(|said| said.what.words());
                let lines = said.flat_map(|words| {
                    let lines = words.lines().map(str::to_owned);
                    lines.collect::<Vec<String>>()
                });
                let difference: Vec<DiffLine> = lines.map(DiffLine::Said).collect();
                match difference.is_empty() {
                    true => Ok(()),
                    false => Err(Wrong {
                        difference,
                        ..Wrong::new("expected nothing more, and this was said")
                    }),
                }
            }
            What::Http { request, body } => self.expect_request(request, body.as_deref()),
            What::Failed(text) => {
                let mut failed = self.failed.iter_mut().filter(|it| !it.is_expected);
                if let Some(found) = failed.find(|it| text.matches(&it.text)) {
                    found.is_expected = true;
                    return Ok(());
                }
                let failed = self.failed.iter().filter(|it| !it.is_expected);
                let failed: Vec<&str> = failed.map(|it| it.text.as_str()).collect();
                Err(expected_of("a failure", text, &failed))
            }
            What::Log(text) => {
                let mut lines = self.logged.iter_mut().filter(|it| !it.is_expected);
                if let Some(found) = lines.find(|it| text.matches(&it.text)) {
                    found.is_expected = true;
                    return Ok(());
                }
                let lines = self.logged.iter().filter(|it| !it.is_expected);
                let lines: Vec<&str> = lines.map(|it| it.text.as_str()).collect();
                Err(expected_of("a line of the log", text, &lines))
            }
            _ => self.expect_said(step, expected),
        }
    }

    fn expect_request(&self, request: &HttpRequest, body: Option<&str>) -> Result<(), Wrong> {
        self.answers.with_made(|made| {
            let mut open = made.iter_mut().filter(|it| !it.is_expected);
            let is_meant = |it: &&mut super::answers::Made| {
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
        let place = match &expected.place {
            ExpectedPlace::Here => self.here_now(),
            ExpectedPlace::Room(name) => self.room(name),
            ExpectedPlace::Person(person) => self.direct(person),
        };
        let is_there = |said: &Said| Some(&said.conversation) == place.as_ref();
        let comes_or_goes = matches!(expected.what, What::Joined | What::Left);
        let next = self.heard.said.iter().position(|said| {
            let is_kind = match expected.what {
                What::Joined => said.what == SaidWhat::Joined,
                What::Left => said.what == SaidWhat::Left,
                _ => said.what.is_said(),
            };
            is_kind && !said.is_expected && is_there(said)
        });
        let Some(next) = next else {
            return Err(self.nothing_said(expected, place.as_ref()));
        };
        let said = &self.heard.said[next];
        let is_right = comes_or_goes
            || match (&expected.what, &said.what) {
                (
                    What::Said { agents, text },
                    SaidWhat::Message {
                        text: said,
                        agents: to,
                    },
                ) => agents == to && text.matches(said),
                (What::Edited(text), SaidWhat::Edit { text: said }) => text.matches(said),
                (What::Deleted, SaidWhat::Deletion) => true,
                _ => false,
            };
        if is_right || self.take_over(step, expected, next) {
            self.heard.said[next].is_expected = true;
            return Ok(());
        }
        Err(wrong_said(&expected.what, &self.heard.said[next].what))
    }

    /// Where answers are taken over: writes down what was said in the place of an exact text.
    fn take_over(&mut self, step: &Step, expected: &Expectation, next: usize) -> bool {
        let said = &self.heard.said[next].what;
        let text = match (&expected.what, said) {
            (
                What::Said {
                    agents,
                    text: Matcher::Is(_),
                },
                SaidWhat::Message { text, agents: to },
            ) if agents == to => text,
            (What::Edited(Matcher::Is(_)), SaidWhat::Edit { text }) => text,
            _ => return false,
        };
        if self.mode != DialogMode::Update {
            return false;
        }
        self.changes.push(Change {
            line: step.line,
            end: step.end,
            lines: expect_lines(&expected.head, text),
        });
        true
    }

    /// How a step begins that expects this; none where no step can.
    pub(super) fn head_of(&self, said: &Said, here: Option<&Name>) -> Option<String> {
        let mut head = "expect".to_owned();
        if Some(&said.conversation) != here {
            let found = self.hub.read(|state| {
                let room = state.rooms.get(&said.conversation)?;
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
        head.push_str(match &said.what {
            SaidWhat::Message { agents: true, .. } => " agents",
            SaidWhat::Edit { .. } => " edit",
            SaidWhat::Deletion => " deleted",
            _ => "",
        });
        Some(head)
    }

    fn nothing_said(&self, expected: &Expectation, place: Option<&Name>) -> Wrong {
        let what = match &expected.what {
            What::Said { text, .. } => text.words(),
            What::Edited(text) => format!("an edit to {}", text.words()),
            What::Deleted => "a message to be deleted".to_owned(),
            What::Joined => "the bot to join".to_owned(),
            What::Left => "the bot to leave".to_owned(),
            _ => String::new(),
        };
        let at = match (&expected.place, place) {
            (ExpectedPlace::Person(person), _) => format!("to {person} alone"),
            (ExpectedPlace::Room(room), _) => format!("in {room}"),
            (ExpectedPlace::Here, Some(place)) => format!("in {}", self.heard.place_name(place)),
            (ExpectedPlace::Here, None) => "here".to_owned(),
        };
        let verb = match expected.what {
            What::Joined | What::Left => "it did not",
            _ => "nothing more was said there",
        };
        let wrong = Wrong::new(format!("expected {what} {at}; {verb}"));
        let failed = self.failed.iter().find(|it| !it.is_expected);
        if let Some(failed) = failed {
            return wrong.hint(failed.text.clone());
        }
        let elsewhere = self.unexpected().find(|it| Some(&it.conversation) != place);
        let elsewhere = elsewhere.and_then(|said| {
            let head = self.head_of(said, self.here_now().as_ref())?;
            let words = said.what.words();
            let first = words.lines().next().unwrap_or_default();
            Some(format!("said elsewhere: `{head} {first}`"))
        });
        match elsewhere {
            Some(elsewhere) => wrong.hint(elsewhere),
            None => wrong,
        }
    }
}

fn quoted(name: &str) -> String {
    match name.contains(char::is_whitespace) {
        true => format!("\"{name}\""),
        false => name.to_owned(),
    }
}

/// A failure or a line of the log was expected, and there were others or none.
fn expected_of(what: &str, text: &Matcher, others: &[&str]) -> Wrong {
    let expected = text.words();
    match others {
        [] => Wrong::new(format!("expected {what}, {expected}; there was none")),
        others => Wrong {
            difference: others
                .iter()
                .flat_map(|text| text.lines())
                .map(|line| DiffLine::Said(line.to_owned()))
                .collect(),
            ..Wrong::new(format!("expected {what}, {expected}; there was"))
        },
    }
}

/// In what something that was said is not what was expected.
fn wrong_said(expected: &What, said: &SaidWhat) -> Wrong {
    let (text, words) = match (expected, said) {
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
        (expected, said) => {
            let expected = match expected {
                What::Said { .. } => "a message",
                What::Edited(_) => "an edit",
                _ => "a message to be deleted",
            };
            let lines = said.words();
            return Wrong {
                difference: lines
                    .lines()
                    .map(|it| DiffLine::Said(it.to_owned()))
                    .collect(),
                ..Wrong::new(format!("expected {expected}; there was"))
            };
        }
    };
    match text {
        Matcher::Is(expected) => Wrong {
            difference: difference(&tidy(expected), &tidy(words)),
            ..Wrong::new("expected another text")
        },
        other => Wrong {
            difference: words
                .lines()
                .map(|it| DiffLine::Said(it.to_owned()))
                .collect(),
            ..Wrong::new(format!("expected {}; this was said", other.words()))
        },
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
