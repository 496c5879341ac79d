//! A test bench: plugins under `cargo test`, without WebAssembly and without a host.
//!
//! It matches commands and key words as the host does in the plain cases (the host's grammar is the
//! true one; regular expressions count as matching), keeps state between events as the host does,
//! and drops the writes of an event that ends in an error.
//!
//! ```
//! use parlor_sdk::prelude::*;
//!
//! #[derive(Default)]
//! struct Counter;
//!
//! #[behaviour(name = "counter", summary = "Counts")]
//! impl Counter {
//!     #[command("/count")]
//!     fn count(&mut self, cx: &Context) -> Result<Reply, Error> {
//!         let n = state::conversation().number("n")?.unwrap_or(0) + 1;
//!         state::conversation().set_number("n", n)?;
//!         Ok(cx.reply(n.to_string()))
//!     }
//! }
//!
//! # fn main() {
//! let mut bench = Bench::new(Counter);
//! assert_eq!(bench.say("/count").texts(), ["1"]);
//! assert_eq!(bench.say("/count").texts(), ["2"]);
//! bench.enter("another room");
//! assert_eq!(bench.say("/count").texts(), ["1"]);
//! # }
//! ```

mod answer;
mod defaults;
mod event;
pub(crate) mod fake;
mod pattern;
mod reads;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use fake::config::{Limits, Value};
pub use fake::log::Level;

use crate::Behaviour;
use crate::actions::{Action, ActionKind, Missed, Request, Schedule, SetTimer};
use crate::description::{Description, KeyWord, MessageFilter};
use crate::events::{
    Addressing, ButtonPressed, Command, Event, EventPayload, FieldValue, FormSubmitted,
    MessageReceived, ResponseError, ResponseReceived, SubmittedField, TimerFired, User, UserKind,
    WebhookReceived,
};
use crate::http::{HttpError, Response};
use crate::matching::message_matches;
use fake::World;

/// What comes back later, with the event that it grows out of.
#[derive(Clone, Debug, PartialEq)]
struct Later<T> {
    cause: Event,
    what: T,
}

impl<T> Later<T> {
    fn conversation(&self) -> Option<&str> {
        self.cause
            .conversation
            .as_ref()
            .map(|here| here.id.as_str())
    }
}

/// A plugin on the bench, with a person who speaks in a conversation.
#[derive(Debug)]
pub struct Bench<P> {
    plugin: P,
    description: Description,
    world: World,
    event: Event,
    count: u64,
    timers: Vec<Later<SetTimer>>,
    requests: Vec<Later<(String, Request)>>,
}

impl<P: Behaviour> Bench<P> {
    /// Puts a plugin on the bench, spoken to by Ada Lovelace in the room `room-1`.
    pub fn new(plugin: P) -> Self {
        let event = event::blank();
        let mut world = World::default();
        world.members.extend(event.actor.clone());
        let description = P::describe();
        world.config = defaults::defaults(&description);
        Self {
            plugin,
            description,
            world,
            event,
            count: 0,
            timers: Vec::new(),
            requests: Vec::new(),
        }
    }

    /// Gives what the plugin says of itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Gives the plugin.
    pub fn plugin(&mut self) -> &mut P {
        &mut self.plugin
    }

    /// Sets a setting to a text; [`Bench::config_value`] sets others.
    #[must_use]
    pub fn config(self, key: &str, text: &str) -> Self {
        self.config_value(key, Value::Text(text.to_owned()))
    }

    /// Sets a setting of any kind.
    #[must_use]
    pub fn config_value(mut self, key: &str, value: Value) -> Self {
        self.world.config.insert(key.to_owned(), value);
        self
    }

    /// Sets what randomness begins with.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.world.seed = seed;
        self
    }

    /// Sets the answer to requests of a URL; others are denied.
    #[must_use]
    pub fn http_response(mut self, url: &str, status: u16, body: impl Into<Vec<u8>>) -> Self {
        let answer = Response {
            status,
            headers: Vec::new(),
            body: body.into(),
        };
        self.world.responses.insert(url.to_owned(), Ok(answer));
        self
    }

    /// Sets the error of requests of a URL.
    #[must_use]
    pub fn http_error(mut self, url: &str, error: HttpError) -> Self {
        self.world.responses.insert(url.to_owned(), Err(error));
        self
    }

    /// Goes into another room, made when it is new; state of the conversation is its own.
    pub fn enter(&mut self, conversation: &str) -> &mut Self {
        if let Some(here) = &mut self.event.conversation {
            here.id = conversation.to_owned();
            here.name = Some(conversation.to_owned());
        }
        self
    }

    /// Speaks as another person from now on, given by first and last name.
    pub fn user(&mut self, first_name: &str, last_name: &str) -> &mut Self {
        let user = event::person(first_name, last_name);
        self.world.members.push(user.clone());
        self.event.actor = Some(user);
        self
    }

    /// Gives the person who speaks, to be changed.
    pub fn actor(&mut self) -> Option<&mut User> {
        self.event.actor.as_mut()
    }

    /// Moves the clock on by some milliseconds.
    pub fn wait(&mut self, ms: u64) -> &mut Self {
        self.world.now += ms;
        self
    }

    /// Says something: at most one command, else a message if the plugin hears it.
    pub fn say(&mut self, text: &str) -> Answer {
        let message = event::message(&self.next_id("message"), text);
        if let Some(payload) = self.command(&message) {
            return self.deliver(payload);
        }
        let payload = MessageReceived {
            message,
            arguments: Vec::new(),
        };
        if self.hears(&payload) {
            return self.deliver(EventPayload::Message(payload));
        }
        Answer::default()
    }

    /// Answers a form. The values are texts; [`Bench::deliver`] takes others.
    pub fn submit(&mut self, form: &str, values: &[(&str, &str)]) -> Answer {
        let values = values
            .iter()
            .map(|(id, text)| SubmittedField {
                id: (*id).to_owned(),
                value: FieldValue::Text((*text).to_owned()),
            })
            .collect();
        self.deliver(EventPayload::FormSubmitted(FormSubmitted {
            form_id: form.to_owned(),
            message_id: "message-0".to_owned(),
            values,
            button: "submit".to_owned(),
        }))
    }

    /// Presses a button with a value.
    pub fn press(&mut self, button: &str, value: &str) -> Answer {
        self.deliver(EventPayload::ButtonPressed(ButtonPressed {
            button_id: button.to_owned(),
            value: value.to_owned(),
            message_id: "message-0".to_owned(),
        }))
    }

    /// Lists the names of the timers that are set.
    pub fn timers(&self) -> Vec<&str> {
        let timers = self.timers.iter();
        timers.map(|timer| timer.what.name.as_str()).collect()
    }

    /// Gives a timer that is set, by name.
    ///
    /// ```
    /// use parlor_sdk::prelude::*;
    ///
    /// #[derive(Default)]
    /// struct Tea;
    ///
    /// #[behaviour(name = "tea", summary = "Times tea")]
    /// impl Tea {
    ///     #[command("/tea")]
    ///     fn tea(&mut self) -> Timer {
    ///         Timer::new("tea", Schedule::After(240_000))
    ///     }
    /// }
    ///
    /// # fn main() {
    /// let mut bench = Bench::new(Tea);
    /// bench.say("/tea");
    /// assert_eq!(bench.timer("tea").map(|tea| tea.schedule.clone()), Some(Schedule::After(240_000)));
    /// # }
    /// ```
    pub fn timer(&self, name: &str) -> Option<&SetTimer> {
        let mut named = self.timers.iter().filter(|timer| timer.what.name == name);
        named.next().map(|timer| &timer.what)
    }

    /// Fires a timer with the payload it was set with, where it was set: one of this conversation,
    /// else of any. One that repeats stays. One that is not set fires here, without a payload.
    pub fn fire_timer(&mut self, name: &str) -> Answer {
        let here = self.event.conversation.as_ref().map(|here| here.id.clone());
        let is_named = |timer: &&Later<SetTimer>| timer.what.name == name;
        let found = self.timers.iter().filter(is_named);
        let found = found.min_by_key(|timer| timer.conversation() != here.as_deref());
        let found = found.cloned().unwrap_or_else(|| Later {
            cause: self.event.clone(),
            what: SetTimer {
                name: name.to_owned(),
                schedule: Schedule::After(0),
                missed: Missed::Once,
                payload: String::new(),
            },
        });
        if matches!(found.what.schedule, Schedule::At(_) | Schedule::After(_)) {
            self.timers.retain(|timer| *timer != found);
        }
        let payload = EventPayload::TimerFired(TimerFired {
            name: name.to_owned(),
            payload: found.what.payload,
            due_at: self.world.now,
        });
        self.deliver_from(&found.cause, payload)
    }

    /// Lists the keys of the request actions that wait for an answer.
    pub fn asked(&self) -> Vec<&str> {
        let requests = self.requests.iter();
        requests.map(|asked| asked.what.0.as_str()).collect()
    }

    /// Gives a request action that waits for an answer, by key.
    pub fn request(&self, key: &str) -> Option<&Request> {
        let mut named = self.requests.iter().filter(|asked| asked.what.0 == key);
        named.next().map(|asked| &asked.what.1)
    }

    /// Answers a request action. The answer comes where the request was asked for.
    ///
    /// ```
    /// use parlor_sdk::prelude::*;
    /// use parlor_sdk::events::ResponseReceived;
    ///
    /// #[derive(Default)]
    /// struct Price;
    ///
    /// #[behaviour(name = "price", summary = "Tells prices")]
    /// impl Price {
    ///     #[command("/price")]
    ///     fn ask(&mut self) -> Request {
    ///         Request::get("price", "https://api.example.com/price")
    ///     }
    ///
    ///     #[response("price")]
    ///     fn tell(&mut self, cx: &Context, received: &ResponseReceived) -> Result<Reply, Error> {
    ///         let answer = received.answer().map_err(|error| Error::failed(error.name()))?;
    ///         Ok(cx.reply(answer.text()))
    ///     }
    /// }
    ///
    /// # fn main() {
    /// let mut bench = Bench::new(Price);
    /// bench.say("/price");
    /// assert_eq!(bench.asked(), ["price"]);
    /// assert_eq!(bench.respond("price", 200, "12.50").texts(), ["12.50"]);
    /// assert!(bench.asked().is_empty());
    /// # }
    /// ```
    pub fn respond(&mut self, key: &str, status: u16, body: impl Into<Vec<u8>>) -> Answer {
        let response = crate::events::Response {
            status,
            headers: Vec::new(),
            body: body.into(),
        };
        self.respond_with(key, Ok(response))
    }

    /// Ends a request action without an answer.
    pub fn respond_error(&mut self, key: &str, error: ResponseError) -> Answer {
        self.respond_with(key, Err(error))
    }

    /// Ends a request action with a whole answer, headers included, or without one. A key that
    /// nobody asked with is answered in this conversation.
    pub fn respond_with(
        &mut self,
        key: &str,
        outcome: Result<crate::events::Response, ResponseError>,
    ) -> Answer {
        let asked = self.requests.iter().position(|asked| asked.what.0 == key);
        let cause = match asked {
            Some(at) => self.requests.remove(at).cause,
            None => self.event.clone(),
        };
        let payload = EventPayload::ResponseReceived(ResponseReceived {
            key: key.to_owned(),
            outcome,
        });
        self.deliver_from(&cause, payload)
    }

    /// Calls a webhook of the plugin's own. It belongs to the room that the bench is in, as where
    /// the settings name one, and nobody is its actor.
    ///
    /// ```
    /// use parlor_sdk::prelude::*;
    ///
    /// #[derive(Default)]
    /// struct Alerts;
    ///
    /// #[behaviour(name = "alerts", summary = "Passes alerts on")]
    /// impl Alerts {
    ///     #[webhook("pager")]
    ///     fn page(&mut self, cx: &Context, body: String) -> Reply {
    ///         cx.reply(["Alert: ", &body].concat())
    ///     }
    /// }
    ///
    /// # fn main() {
    /// let mut bench = Bench::new(Alerts);
    /// assert_eq!(bench.call_webhook("pager", "disk full").texts(), ["Alert: disk full"]);
    /// assert!(bench.call_webhook("other", "x").texts().is_empty());
    /// # }
    /// ```
    pub fn call_webhook(&mut self, name: &str, body: impl Into<Vec<u8>>) -> Answer {
        let actor = self.event.actor.take();
        let answer = self.deliver(EventPayload::WebhookReceived(WebhookReceived {
            name: name.to_owned(),
            delivery_id: None,
            method: "POST".to_owned(),
            headers: Vec::new(),
            body: body.into(),
        }));
        self.event.actor = actor;
        answer
    }

    /// Delivers any payload, whatever the plugin subscribes to.
    pub fn deliver(&mut self, payload: EventPayload) -> Answer {
        let mut event = self.event.clone();
        event.id = self.next_id("event");
        event.sequence = self.count;
        event.occurred_at = self.world.now;
        event.received_at = self.world.now;
        event.payload = payload;
        self.handle(event)
    }

    /// Delivers what grew out of an event.
    fn deliver_from(&mut self, cause: &Event, payload: EventPayload) -> Answer {
        let (event, count) = (cause.clone(), self.count + 1);
        self.count = count;
        self.handle(Event {
            id: ["event-", &count.to_string()].concat(),
            sequence: count,
            attempt: 1,
            occurred_at: self.world.now,
            received_at: self.world.now,
            addressing: Addressing::Ambient,
            cause: Some(cause.id.clone()),
            depth: cause.depth + 1,
            extras: Vec::new(),
            raw: None,
            payload,
            ..event
        })
    }

    /// Handles a whole event.
    pub fn handle(&mut self, event: Event) -> Answer {
        let cause = event.clone();
        self.world.conversation = event.conversation.as_ref().map(|here| here.id.clone());
        self.world.actor = event.actor.as_ref().map(|who| who.id.clone());
        let state = self.world.state.clone();
        fake::swap(&mut self.world);
        let handled = self.plugin.handle(event);
        fake::swap(&mut self.world);
        let answer = Answer::new(handled);
        if answer.error.is_some() {
            self.world.state = state;
        }
        for action in &answer.actions {
            self.keep(&cause, action);
        }
        answer
    }

    /// Keeps what comes back later.
    fn keep(&mut self, cause: &Event, action: &Action) {
        let here = cause.conversation.as_ref().map(|here| here.id.as_str());
        let is_other = |timer: &Later<SetTimer>, name: &str| {
            timer.what.name != name || timer.conversation() != here
        };
        match &action.kind {
            ActionKind::SetTimer(timer) => {
                self.timers.retain(|known| is_other(known, &timer.name));
                self.timers.push(Later {
                    cause: cause.clone(),
                    what: timer.clone(),
                });
            }
            ActionKind::CancelTimer(name) => self.timers.retain(|known| is_other(known, name)),
            ActionKind::Request(request) => self.requests.push(Later {
                cause: cause.clone(),
                what: (action.key.clone().unwrap_or_default(), request.clone()),
            }),
            _ => {}
        }
    }

    /// Lists the log lines so far.
    pub fn log(&self) -> &[(Level, String)] {
        &self.world.log
    }

    /// Lists the HTTP requests made so far: method, URL, body.
    pub fn requests(&self) -> &[(String, String, Vec<u8>)] {
        &self.world.requests
    }

    fn next_id(&mut self, kind: &str) -> String {
        self.count += 1;
        [kind, "-", &self.count.to_string()].concat()
    }

    fn command(&self, message: &crate::events::Message) -> Option<EventPayload> {
        for command in &self.description.commands {
            let pattern = self.fill(&command.pattern);
            if let Some(arguments) = pattern::captures(&pattern, &message.text) {
                let name = command.name.clone();
                let message = message.clone();
                return Some(EventPayload::Command(Command {
                    name,
                    arguments,
                    message,
                }));
            }
        }
        None
    }

    fn hears(&self, payload: &MessageReceived) -> bool {
        let wanted = &self.description.subscriptions;
        let from_bot = matches!(&self.event.actor, Some(user) if user.kind == UserKind::Bot);
        if !wanted
            .kinds
            .contains(&crate::description::EventKind::Message)
        {
            return false;
        }
        if wanted.messages.is_empty() {
            return !from_bot;
        }
        wanted.messages.iter().any(|filter| {
            let key_words = filter
                .key_words
                .iter()
                .map(|word| KeyWord {
                    match_: word.match_,
                    text: self.fill(&word.text),
                })
                .collect();
            let filter = MessageFilter {
                key_words,
                ..filter.clone()
            };
            (filter.from_bots || !from_bot) && message_matches(&filter, payload)
        })
    }

    /// Puts settings in the place of `{=key}`.
    fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (key, value) in &self.world.config {
            if let Value::Text(value) = value {
                filled = filled.replace(&["{=", key, "}"].concat(), value);
            }
        }
        filled
    }
}
