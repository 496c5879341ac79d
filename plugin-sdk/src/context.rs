//! The event at hand.

use crate::content::Content;
use crate::events::{
    Addressing, Bot, Conversation, Event, EventPayload, Message as Received, User,
};
use crate::{Message, Reply};

/// The event at hand, with who, where and how.
///
/// ```
/// use parlor_sdk::prelude::*;
///
/// fn greet(cx: &Context) -> Reply {
///     cx.reply(["Hello ", cx.first_name()].concat())
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Context(Event);

impl Context {
    /// Wraps an event.
    pub fn new(event: Event) -> Self {
        Self(event)
    }

    /// Gives the whole event.
    pub fn event(&self) -> &Event {
        &self.0
    }

    /// Gives the event's id: the same over redelivery and restart.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Tells which try this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// Gives the bot; none for events of the plugin alone.
    pub fn bot(&self) -> Option<&Bot> {
        self.0.bot.as_ref()
    }

    /// Gives the conversation, where there is one.
    pub fn conversation(&self) -> Option<&Conversation> {
        self.0.conversation.as_ref()
    }

    /// Gives who did it, where somebody did.
    pub fn actor(&self) -> Option<&User> {
        self.0.actor.as_ref()
    }

    /// Gives the actor's display name, or nothing.
    pub fn display_name(&self) -> &str {
        self.actor().map_or("", |user| &user.display_name)
    }

    /// Gives the actor's first name, else the display name.
    pub fn first_name(&self) -> &str {
        self.actor()
            .and_then(|user| user.first_name.as_deref())
            .unwrap_or(self.display_name())
    }

    /// Tells whether the actor holds one of the operator's roles.
    pub fn has_role(&self, role: &str) -> bool {
        self.actor()
            .is_some_and(|user| user.roles.iter().any(|held| held == role))
    }

    /// Tells whether the bot was spoken to: directly, by mention or by a command.
    pub fn is_addressed(&self) -> bool {
        !matches!(self.0.addressing, Addressing::Ambient)
    }

    /// Gives the message of a message, a command or an edit.
    pub fn message(&self) -> Option<&Received> {
        match &self.0.payload {
            EventPayload::Message(got) => Some(&got.message),
            EventPayload::Command(got) => Some(&got.message),
            EventPayload::MessageEdited(got) => Some(&got.message),
            _ => None,
        }
    }

    /// Gives the message's text, or nothing.
    pub fn text(&self) -> &str {
        self.message().map_or("", |message| &message.text)
    }

    /// Gives a documented extra of the event.
    pub fn extra(&self, name: &str) -> Option<&str> {
        self.0
            .extras
            .iter()
            .find(|extra| extra.name == name)
            .map(|extra| extra.value.as_str())
    }

    /// Answers in the event's conversation. Where there is none the host refuses the list.
    pub fn reply(&self, content: impl Into<Content>) -> Reply {
        Message::reply(content).into()
    }
}
