//! Why a plugin gets an event and another does not, in words for an author. Pure, and asked only where
//! somebody traces events: the way of an event does not come by here.

use super::access::Held;
use super::message::Spoken;
use super::table::{Plugin, Table, is_bot, is_own};
use super::{HostSays, Routing};
use crate::model::Name;
use crate::model::delivery::View;
use crate::model::description::EventKind;
use crate::model::event::{Argument, ArgumentValue, Event, Message};
use crate::model::payload::EventPayload;

/// What the router decided for one plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The plugin; none is the host itself.
    pub plugin: Option<Name>,
    /// It gets the event.
    pub gets: bool,
    /// By which command or subscription, or why not.
    pub why: String,
}

impl Table {
    /// Tells of each plugin why it gets the event, or why it does not; and what the host answers itself.
    /// Takes what [`Table::route`] has decided.
    pub fn explain(&self, event: &Event, routing: &Routing) -> Vec<Decision> {
        let plugins = (0..).zip(&self.plugins).map(|(number, plugin)| {
            let mut routes = routing.routes.iter();
            let route = routes.find(|route| route.plugin == plugin.name);
            Decision {
                plugin: Some(plugin.name.clone()),
                gets: route.is_some(),
                why: match route {
                    Some(route) => self.why(event, number, &route.view),
                    None => self.why_not(event, number, plugin),
                },
            }
        });
        let host = routing.host.iter().map(|says| Decision {
            plugin: None,
            gets: true,
            why: match says {
                HostSays::Help(_) => "answers with the list of commands".to_owned(),
                HostSays::Usage(_) => "answers with how the command is written".to_owned(),
                HostSays::Refused { key, .. } => format!("refuses, for {key}"),
            },
        });
        plugins.chain(host).collect()
    }

    fn why(&self, event: &Event, number: u32, view: &View) -> String {
        match view {
            View::Command { name, arguments } => {
                let mut commands = self.commands.iter();
                let command = commands.find(|it| it.plugin == number && it.name == *name);
                let usage = command.map_or_else(String::new, |it| it.pattern.usage());
                format!("command {name}: {usage}{}", captured(arguments))
            }
            View::KeyWord { arguments } => format!("one of its key words{}", captured(arguments)),
            _ => match &event.payload {
                EventPayload::Message(_) => "it hears messages like this one".to_owned(),
                EventPayload::FormSubmitted(form) => format!("it sent the form {}", form.form_id),
                EventPayload::FormClosed(form) => format!("it sent the form {}", form.form_id),
                EventPayload::ButtonPressed(button) => {
                    format!("it sent the button {}", button.button_id)
                }
                payload => match subscribed(payload) {
                    Some((_, name)) => format!("it subscribes to {name}"),
                    None => "the event is its own".to_owned(),
                },
            },
        }
    }

    fn why_not(&self, event: &Event, number: u32, plugin: &Plugin) -> String {
        let name = &plugin.name;
        if is_own(event) {
            return "a bot does not hear itself".to_owned();
        }
        if !plugin.covers(event) {
            return match plugin.only.covers_bot(event) {
                true => format!("it is for {} only", plugin.platforms.join(", ")),
                false => format!("plugin.{name}.only.bots leaves this bot out"),
            };
        }
        if !plugin.only.covers_own(event) {
            return format!("plugin.{name}.only leaves this conversation out");
        }
        match &event.payload {
            EventPayload::Message(message) => self.why_not_message(event, message, number, plugin),
            EventPayload::FormSubmitted(_) | EventPayload::FormClosed(_) => {
                "another plugin sent the form".to_owned()
            }
            EventPayload::ButtonPressed(_) => "another plugin sent the button".to_owned(),
            payload => match subscribed(payload) {
                Some((kind, what)) if !plugin.kinds.contains(&kind) => {
                    format!("it does not subscribe to {what}")
                }
                Some(_) => format!("plugin.{name}.allow or its filters leave this person out"),
                None => "it is another plugin's".to_owned(),
            },
        }
    }

    fn why_not_message(
        &self,
        event: &Event,
        message: &Message,
        number: u32,
        plugin: &Plugin,
    ) -> String {
        let name = &plugin.name;
        if is_bot(event) && !plugin.from_bots {
            return "it does not hear bots".to_owned();
        }
        let mut held = Held::default();
        let spoken = Spoken::new(event, message);
        let own = self.commands.iter().filter(|it| it.plugin == number);
        let (mut near, mut commands) = (None, 0);
        for command in own {
            commands += 1;
            if spoken.matches(command).is_some() {
                let key = &command.allow_key;
                return format!("plugin.{name}.allow.\"{key}\" leaves this person out");
            }
            if spoken.would_match_with_mention(command) {
                return format!("the command {} wants the bot mentioned", command.name);
            }
            let is_near = command.pattern.first_word().is_some()
                && command.pattern.first_word() == spoken.first_word();
            if is_near && near.is_none() {
                near = Some(command);
            }
        }
        if let Some(near) = near {
            return format!(
                "the command {} is written {}",
                near.name,
                near.pattern.usage()
            );
        }
        let hears = plugin.kinds.contains(&EventKind::Message);
        let actor = event.actor.as_ref();
        if hears && !self.roles.allow(&plugin.allowed, actor, &mut held) {
            return format!("plugin.{name}.allow.\"*\" leaves this person out");
        }
        match (hears, commands) {
            (true, 0) => "none of its filters takes the message".to_owned(),
            (true, _) => "it is none of its commands, and no filter takes it".to_owned(),
            (false, 0) => "it does not subscribe to message, and has no commands".to_owned(),
            (false, _) => "it is none of its commands".to_owned(),
        }
    }
}

/// The kind that a plugin subscribes to for a payload, with its name; none where the event is one
/// plugin's own.
fn subscribed(payload: &EventPayload) -> Option<(EventKind, &'static str)> {
    Some(match payload {
        EventPayload::Message(_) => (EventKind::Message, "message"),
        EventPayload::MessageEdited(_) => (EventKind::MessageEdited, "message-edited"),
        EventPayload::MessageDeleted(_) => (EventKind::MessageDeleted, "message-deleted"),
        EventPayload::FormSubmitted(_) => (EventKind::FormSubmitted, "form-submitted"),
        EventPayload::FormClosed(_) => (EventKind::FormClosed, "form-closed"),
        EventPayload::ButtonPressed(_) => (EventKind::ButtonPressed, "button-pressed"),
        EventPayload::MemberChanged(_) => (EventKind::MemberChanged, "member-changed"),
        EventPayload::ConversationChanged(_) => {
            (EventKind::ConversationChanged, "conversation-changed")
        }
        EventPayload::ContactChanged(_) => (EventKind::ContactChanged, "contact-changed"),
        EventPayload::Reaction(_) => (EventKind::Reaction, "reaction"),
        EventPayload::Typing(_) => (EventKind::Typing, "typing"),
        EventPayload::Presence(_) => (EventKind::Presence, "presence"),
        EventPayload::ActionDone(_) => (EventKind::ActionDone, "action-done"),
        EventPayload::ActionFailed(_) => (EventKind::ActionFailed, "action-failed"),
        EventPayload::Lifecycle(_) => (EventKind::Lifecycle, "lifecycle"),
        EventPayload::Other(_) => (EventKind::Other, "other"),
        EventPayload::TimerFired(_)
        | EventPayload::ResponseReceived(_)
        | EventPayload::WebhookReceived(_) => return None,
    })
}

/// ` (quantity = 1000, ticker = $goog)`, or nothing.
fn captured(arguments: &[Argument]) -> String {
    let of = |argument: &Argument| {
        let value = match &argument.value {
            ArgumentValue::Text(text) => text.clone(),
            ArgumentValue::Integer(number) => number.to_string(),
            ArgumentValue::Number(number) => number.to_string(),
            ArgumentValue::Flag(flag) => flag.to_string(),
            ArgumentValue::Mention(mention) => format!("@{}", mention.text),
            ArgumentValue::Hashtag(tag) => format!("#{tag}"),
            ArgumentValue::Cashtag(tag) => format!("${}", tag.ticker),
        };
        format!("{} = {value}", argument.name)
    };
    match arguments {
        [] => String::new(),
        some => {
            let some: Vec<String> = some.iter().map(of).collect();
            format!(" ({})", some.join(", "))
        }
    }
}
