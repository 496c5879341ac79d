//! What each step of a dialog does.

use std::collections::BTreeMap;

use super::places::Place;
use super::run::{Running, Wrong};
use super::script::{StepKind, SubmitStep};
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

    /// A room's id. One that was renamed is known by the name that it had, too.
    pub(super) fn room(&self, name: &str) -> Option<Name> {
        self.hub.read(|state| {
            let first: Name = format!("room:{}", names::id_from_name(name)).into();
            let found = names::find_room(state, name).or_else(|| state.rooms.get(&first));
            found.map(|room| room.info.id.clone())
        })
    }

    /// The direct conversation of a person and the bot.
    pub(super) fn direct(&self, person: &str) -> Option<Name> {
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
}
