//! Webhooks become events. Pure but for the number of what is told without one.
//!
//! | Webhook | Event | Key, behind platform and bot |
//! |---|---|---|
//! | incoming_event; each event inside incoming_chat, incoming_chat_thread | message; button-pressed; other for forms, custom and system events | chat, the event's id |
//! | incoming_chat, incoming_chat_thread | conversation-changed: created, reopened where a thread was before, transferred where it says from where | action, chat, thread, from where |
//! | event_updated | message-edited | action, chat, event, a hash of what it says |
//! | event_deleted | message-deleted | action, chat, event |
//! | chat_deactivated, thread_closed | conversation-changed: closed | action, chat, thread |
//! | chat_transferred | conversation-changed: transferred | action, a hash of the payload, its time |
//! | user_added_to_chat, user_removed_from_chat (chat_user_added, chat_user_removed) | member-changed | joined or left, chat, thread, user, its time |
//! | incoming_rich_message_postback | button-pressed | action, chat, event, user, button, its time |
//! | routing_status_set | presence | action, agent, status, its time |
//! | incoming_typing_indicator | typing | action, a hash of the payload, its time |
//! | anything else | other | action, a hash of the payload, its time |
//!
//! `webhook_id` names the registration and not the delivery, so it is in no key. A message that opens
//! a thread comes inside incoming_chat only, others in both: the same key makes them one. *Its time*
//! is [`Repeats`]: nothing in these webhooks tells the second pressing from the second telling. That
//! somebody left is between two comings of theirs: who comes behind it has come again.
//!
//! Extras of everything in a chat: `thread`, `page`, `page-title`, `referrer`, `country`,
//! `user-agent`, `groups`, `tags`, `pre-chat` (what the customer filled in before, a JSON list of
//! `label` and `answer`); of member-changed and transfers `reason`.
//!
//! What the bot did itself is dropped by its user id: its own messages, for agents too, come back as
//! webhooks. That it came and went is told (`is-self`).

mod message;
mod people;

use serde_json::{Value, json};

use super::PLATFORM;
use super::ids::{ChatId, EventId};
use super::places::{Known, chat_of};
use super::render::SAY;
use super::repeats::Repeats;
use super::wire::{
    Chat, Envelope, Postback, Queue, Thread, WireEvent, WireUser, first_text, flag, text, texts,
};
use crate::content::clean_line;
use crate::journal::EventKey;
use crate::mailbox::Incoming;
use crate::model::event::{Addressing, Bot, Conversation, ConversationKind, Event, Extra, User};
use crate::model::payload::{
    ButtonPressed, ConversationChanged, EventPayload, MemberChange, MemberChanged, MessageDeleted,
    MessageEdited, OtherEvent, PresenceStatus, Transfer,
};
use crate::model::{Name, Timestamp};

pub use message::{Read, message_from_wire, pressed};
pub use people::{user_from_wire, user_of_id};

/// The most extras of an event.
const MAX_EXTRAS: usize = 24;
/// The most characters of an extra's value.
const MAX_EXTRA: usize = 1_024;
/// The most bytes of an event's id that is written out; a longer one is hashed.
const MAX_ID: usize = 256;

/// What is known beside a webhook.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The tenant.
    pub tenant: &'a Name,
    /// The bot, as it is on the licence.
    pub bot: &'a Bot,
    /// The licence.
    pub licence: &'a str,
    /// What is known of the chat, with what the webhook itself says.
    pub known: &'a Known,
    /// What was told lately.
    pub repeats: &'a Repeats,
    /// Now.
    pub now: Timestamp,
}

/// Makes the events of a webhook.
pub fn events_from_hook(around: &Around<'_>, envelope: &Envelope) -> Vec<Incoming> {
    let payload = &envelope.payload;
    let chat = chat_of(payload).map(|chat| ChatId::new(&chat, around.licence));
    let making = Making { around, chat };
    match envelope.action.as_str() {
        "incoming_chat" | "incoming_chat_thread" => {
            match payload.get("chat").and_then(Chat::read) {
                Some(chat) => making.chat_events(&envelope.action, payload, &chat),
                None => making.other(envelope),
            }
        }
        "incoming_event" => match payload.get("event").and_then(WireEvent::read) {
            Some(event) => making.said(&event).into_iter().collect(),
            None => making.other(envelope),
        },
        "event_updated" => making.updated(envelope),
        "event_deleted" => making.deleted(envelope),
        "chat_deactivated" | "thread_closed" => making.closed(envelope),
        "chat_transferred" => making.transferred(envelope),
        "user_added_to_chat" | "chat_user_added" => making.member(envelope, MemberChange::Joined),
        "user_removed_from_chat" | "chat_user_removed" => {
            making.member(envelope, MemberChange::Left)
        }
        "incoming_rich_message_postback" => making.postback(envelope),
        "routing_status_set" => making.presence(envelope),
        "incoming_typing_indicator" => making.typing(envelope),
        _ => making.other(envelope),
    }
}

/// Makes the events of a thread that was read back, those since a moment: that it began, what was said,
/// and that it was closed, as webhooks would have told of them.
pub fn events_from_thread(around: &Around<'_>, chat: &Chat, since: Timestamp) -> Vec<Incoming> {
    let making = Making {
        around,
        chat: Some(ChatId::new(&chat.id, around.licence)),
    };
    let Some(thread) = &chat.thread else {
        return Vec::new();
    };
    let mut made = Vec::new();
    if thread.created.is_some_and(|at| at >= since) {
        let begun = making.begun("incoming_chat", None, chat, thread);
        made.push(making.make(begun));
    }
    let is_missed = |event: &&WireEvent| event.at.is_some_and(|at| at >= since);
    let missed = thread.events.iter().filter(is_missed);
    made.extend(missed.filter_map(|event| making.said(event)));
    let last = thread.events.last().and_then(|event| event.at);
    if !thread.active && last.is_some_and(|at| at >= since) {
        let key = Key::Exact(vec!["chat_deactivated", &thread.id]);
        let change = EventPayload::ConversationChanged(ConversationChanged::Closed);
        made.push(making.make(Found {
            at: last,
            ..Found::new(change, key)
        }));
    }
    made
}

/// Makes the conversation of a chat.
pub fn conversation_of(chat: &ChatId, known: &Known) -> Conversation {
    let customer = known.customer();
    let name = customer.and_then(|it| it.name.clone().or_else(|| it.email.clone()));
    Conversation {
        id: chat.to_string(),
        kind: ConversationKind::CustomerChat,
        name: name.map(|name| clean_line(&name).into_owned()),
        external: true,
        cross_pod: false,
        thread: None,
    }
}

struct Making<'a> {
    around: &'a Around<'a>,
    chat: Option<ChatId>,
}

/// What makes an event one and the same.
enum Key<'k> {
    /// These.
    Exact(Vec<&'k str>),
    /// These, and when they are told.
    Told(Vec<&'k str>),
    /// As those, until these others are told: who left and comes again has come anew.
    Until(Vec<&'k str>, Vec<&'k str>),
}

struct Found<'k> {
    payload: EventPayload,
    key: Key<'k>,
    actor: Option<User>,
    at: Option<Timestamp>,
    is_mentioned: bool,
    extras: Vec<Extra>,
}

impl<'k> Found<'k> {
    fn new(payload: EventPayload, key: Key<'k>) -> Self {
        Self {
            payload,
            key,
            actor: None,
            at: None,
            is_mentioned: false,
            extras: Vec::new(),
        }
    }
}

impl Making<'_> {
    fn chat_events(&self, action: &str, payload: &Value, chat: &Chat) -> Vec<Incoming> {
        let thread = chat.thread.clone().unwrap_or_default();
        let from = payload.get("transferred_from").filter(|it| it.is_object());
        let moved = from.map(Value::to_string);
        let first = self.begun(action, moved.as_deref(), chat, &thread);
        let mut made = vec![self.make(first)];
        made.extend(thread.events.iter().filter_map(|event| self.said(event)));
        made
    }

    /// That a chat begins, begins again, or comes from elsewhere.
    fn begun<'k>(
        &self,
        action: &'k str,
        from: Option<&'k str>,
        chat: &Chat,
        thread: &'k Thread,
    ) -> Found<'k> {
        let change = if from.is_some() {
            ConversationChanged::Transferred(Transfer {
                to: chat.groups.join(","),
                why: None,
                queue_position: thread.queue,
            })
        } else if thread.previous.is_some() {
            ConversationChanged::Reopened
        } else {
            ConversationChanged::Created
        };
        let key = Key::Exact(vec![action, &thread.id, from.unwrap_or_default()]);
        let actor = chat.customer().map(|user| self.user(user));
        Found {
            actor,
            at: thread.events.first().and_then(|event| event.at),
            ..Found::new(EventPayload::ConversationChanged(change), key)
        }
    }

    /// What somebody said; none where it was the bot.
    fn said(&self, event: &WireEvent) -> Option<Incoming> {
        let bot = self.around.bot;
        if event.author.as_deref() == Some(bot.user_id.as_str()) {
            return None;
        }
        let chat = self.chat.as_ref()?;
        let read = message_from_wire(bot, chat, event, &self.members());
        Some(self.make(Found {
            actor: event.author.as_deref().map(|id| self.user_of(id)),
            at: event.at,
            is_mentioned: read.is_mentioned,
            ..Found::new(read.payload, Key::Exact(vec![&event.id]))
        }))
    }

    fn updated(&self, envelope: &Envelope) -> Vec<Incoming> {
        let event = envelope.payload.get("event").and_then(WireEvent::read);
        let (Some(event), Some(chat)) = (event, &self.chat) else {
            return self.other(envelope);
        };
        let bot = self.around.bot;
        if event.author.as_deref() == Some(bot.user_id.as_str()) {
            return Vec::new();
        }
        let read = message_from_wire(bot, chat, &event, &self.members());
        let EventPayload::Message(message) = read.payload else {
            return self.other(envelope);
        };
        let says = event.raw.to_string();
        let payload = EventPayload::MessageEdited(MessageEdited { message });
        vec![self.make(Found {
            actor: event.author.as_deref().map(|id| self.user_of(id)),
            is_mentioned: read.is_mentioned,
            ..Found::new(
                payload,
                Key::Exact(vec![&envelope.action, &event.id, &says]),
            )
        })]
    }

    fn deleted(&self, envelope: &Envelope) -> Vec<Incoming> {
        let event = text(&envelope.payload, "event_id");
        let (Some(event), Some(chat)) = (event, &self.chat) else {
            return self.other(envelope);
        };
        let payload = EventPayload::MessageDeleted(MessageDeleted {
            message_id: EventId::new(&event, chat).to_string(),
        });
        vec![self.make(Found::new(
            payload,
            Key::Exact(vec![&envelope.action, &event]),
        ))]
    }

    fn closed(&self, envelope: &Envelope) -> Vec<Incoming> {
        let payload = &envelope.payload;
        let thread = first_text(payload, &["thread_id", "order"]).unwrap_or_default();
        let actor = text(payload, "user_id");
        let change = EventPayload::ConversationChanged(ConversationChanged::Closed);
        vec![self.make(Found {
            actor: actor.map(|id| self.user_of(&id)),
            ..Found::new(change, Key::Exact(vec![&envelope.action, &thread]))
        })]
    }

    fn transferred(&self, envelope: &Envelope) -> Vec<Incoming> {
        let payload = &envelope.payload;
        let to = payload.get("transferred_to").unwrap_or(&Value::Null);
        let mut targets = texts(to, "agent_ids");
        targets.extend(texts(to, "group_ids"));
        let why = text(payload, "reason");
        let change =
            EventPayload::ConversationChanged(ConversationChanged::Transferred(Transfer {
                to: targets.join(","),
                why: why.clone(),
                queue_position: Queue::read(payload).map(|queue| queue.0),
            }));
        let whole = payload.to_string();
        let actor = text(payload, "requester_id");
        vec![self.make(Found {
            actor: actor.map(|id| self.user_of(&id)),
            ..Found::new(change, Key::Told(vec![&envelope.action, &whole]))
        })]
    }

    fn member(&self, envelope: &Envelope, change: MemberChange) -> Vec<Incoming> {
        let payload = &envelope.payload;
        let added = payload.get("user").and_then(WireUser::read);
        let id = added.as_ref().map(|user| user.id.clone());
        let Some(id) = id.or_else(|| text(payload, "user_id")) else {
            return self.other(envelope);
        };
        let who = added.map_or_else(|| self.user_of(&id), |user| self.user(&user));
        let thread = text(payload, "thread_id").unwrap_or_default();
        let actor = text(payload, "requester_id");
        let mut extras = Vec::new();
        extra(&mut extras, "reason", text(payload, "reason").as_deref());
        let changed = EventPayload::MemberChanged(MemberChanged {
            is_self: id == self.around.bot.user_id,
            who,
            change,
        });
        let actor = actor.map_or_else(|| self.user_of(&id), |actor| self.user_of(&actor));
        let (word, other) = match change {
            MemberChange::Joined => ("joined", "left"),
            _ => ("left", "joined"),
        };
        let key = Key::Until(vec![word, &thread, &id], vec![other, &thread, &id]);
        vec![self.make(Found {
            actor: Some(actor),
            extras,
            ..Found::new(changed, key)
        })]
    }

    fn postback(&self, envelope: &Envelope) -> Vec<Incoming> {
        let payload = &envelope.payload;
        let postback = payload.get("postback").and_then(Postback::read);
        let event = text(payload, "event_id");
        let (Some(postback), Some(event), Some(chat)) = (postback, event, &self.chat) else {
            return self.other(envelope);
        };
        let user = text(payload, "user_id").unwrap_or_default();
        if !postback.toggled || user == self.around.bot.user_id {
            return Vec::new();
        }
        let message_id = EventId::new(&event, chat).to_string();
        // What a reply button says is said as a message too.
        if postback.id.starts_with(SAY) {
            return Vec::new();
        }
        let Some((button_id, value)) = pressed(&postback.id) else {
            return self.other(envelope);
        };
        let press = EventPayload::ButtonPressed(ButtonPressed {
            button_id,
            value,
            message_id,
        });
        let key = Key::Told(vec![&envelope.action, &event, &user, &postback.id]);
        vec![self.make(Found {
            actor: Some(self.user_of(&user)),
            ..Found::new(press, key)
        })]
    }

    fn presence(&self, envelope: &Envelope) -> Vec<Incoming> {
        let payload = &envelope.payload;
        let (Some(agent), Some(status)) = (text(payload, "agent_id"), text(payload, "status"))
        else {
            return self.other(envelope);
        };
        if agent == self.around.bot.user_id {
            return Vec::new();
        }
        // Written with spaces by some versions, with underscores by others.
        let presence = match status.replace('_', " ").as_str() {
            "accepting chats" => PresenceStatus::Available,
            "not accepting chats" => PresenceStatus::Busy,
            _ => PresenceStatus::Offline,
        };
        vec![self.make(Found {
            actor: Some(self.user_of(&agent)),
            ..Found::new(
                EventPayload::Presence(presence),
                Key::Told(vec![&envelope.action, &agent, &status]),
            )
        })]
    }

    fn typing(&self, envelope: &Envelope) -> Vec<Incoming> {
        let said = envelope.payload.get("typing_indicator");
        let said = said.unwrap_or(&envelope.payload);
        let author = text(said, "author_id").unwrap_or_default();
        if author == self.around.bot.user_id {
            return Vec::new();
        }
        let whole = envelope.payload.to_string();
        vec![self.make(Found {
            actor: Some(self.user_of(&author)),
            ..Found::new(
                EventPayload::Typing(flag(said, "is_typing")),
                Key::Told(vec![&envelope.action, &whole]),
            )
        })]
    }

    fn other(&self, envelope: &Envelope) -> Vec<Incoming> {
        let whole = envelope.payload.to_string();
        let payload = EventPayload::Other(OtherEvent {
            kind: envelope.action.clone(),
            json: whole.clone(),
        });
        vec![self.make(Found {
            actor: envelope.requester.as_deref().map(|id| self.user_of(id)),
            ..Found::new(payload, Key::Told(vec![&envelope.action, &whole]))
        })]
    }

    fn user(&self, user: &WireUser) -> User {
        user_from_wire(user, self.around.bot)
    }

    fn user_of(&self, id: &str) -> User {
        let known = self.around.known.user(id);
        known.map_or_else(|| user_of_id(id, self.around.bot), |user| self.user(user))
    }

    fn members(&self) -> Vec<User> {
        let users = self.around.known.users.iter();
        users.map(|user| self.user(user)).collect()
    }

    fn make(&self, found: Found<'_>) -> Incoming {
        let around = self.around;
        let chat = self.chat.as_ref();
        let mut parts = vec![around.bot.name.as_str()];
        let place = chat.map(ToString::to_string);
        parts.push(place.as_deref().unwrap_or(around.licence));
        let number: Option<String> = match &found.key {
            Key::Exact(key) => {
                parts.extend(key);
                None
            }
            Key::Told(key) => {
                parts.extend(key);
                around.repeats.number(EventKey::new(&parts), around.now)
            }
            Key::Until(key, other) => {
                let mut others = parts.clone();
                others.extend(other);
                parts.extend(key);
                let (key, other) = (EventKey::new(&parts), EventKey::new(&others));
                around.repeats.number_until(key, other, around.now)
            }
        };
        self.make_of(&parts, number.as_deref(), found)
    }

    fn make_of(&self, parts: &[&str], told: Option<&str>, found: Found<'_>) -> Incoming {
        let around = self.around;
        let mut parts: Vec<&str> = parts.iter().copied().filter(|it| !it.is_empty()).collect();
        parts.extend(told);
        let id = event_id(&parts);
        let conversation = self
            .chat
            .as_ref()
            .map(|chat| conversation_of(chat, around.known));
        let addressing = match found.is_mentioned {
            true => Addressing::Mention,
            false => Addressing::Ambient,
        };
        let mut extras = found.extras;
        if conversation.is_some() {
            chat_extras(&mut extras, around.known);
        }
        Incoming {
            tenant: Name::clone(around.tenant),
            key: EventKey::new(&[PLATFORM, &id]),
            event: Event {
                trace_id: id.clone(),
                id,
                sequence: 0,
                attempt: 1,
                occurred_at: found.at.unwrap_or(around.now),
                received_at: 0,
                bot: Some(around.bot.clone()),
                conversation,
                actor: found.actor,
                addressing,
                cause: None,
                depth: 0,
                extras,
                raw: None,
                payload: found.payload,
            },
        }
    }
}

fn event_id(parts: &[&str]) -> String {
    let id = parts.join(":");
    if id.len() <= MAX_ID && !id.chars().any(char::is_control) {
        return id;
    }
    let key = EventKey::new(parts);
    let hash: String = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}:{hash}", parts.first().copied().unwrap_or_default())
}

fn chat_extras(extras: &mut Vec<Extra>, known: &Known) {
    extra(extras, "thread", known.thread.as_deref());
    if let Some(customer) = known.customer() {
        let page = customer.page.as_ref();
        extra(extras, "page", page.map(|(url, _)| url.as_str()));
        let title = page.and_then(|(_, title)| title.as_deref());
        extra(extras, "page-title", title);
        extra(extras, "referrer", customer.referrer.as_deref());
        extra(extras, "country", customer.country.as_deref());
        extra(extras, "user-agent", customer.user_agent.as_deref());
    }
    extra(extras, "groups", Some(&known.groups.join(",")));
    extra(extras, "tags", Some(&known.tags.join(",")));
    if !known.form.is_empty() {
        let mut form = String::from("[");
        for field in &known.form {
            let row = json!({"label": field.label, "answer": field.answer}).to_string();
            // Cut where it is whole: what is read must parse.
            if form.chars().count() + row.chars().count() + 2 > MAX_EXTRA {
                break;
            }
            if form.len() > 1 {
                form.push(',');
            }
            form.push_str(&row);
        }
        form.push(']');
        extra(extras, "pre-chat", Some(&form));
    }
}

fn extra(extras: &mut Vec<Extra>, name: &str, value: Option<&str>) {
    let Some(value) = value.filter(|value| !value.trim().is_empty()) else {
        return;
    };
    if extras.len() < MAX_EXTRAS {
        extras.push(Extra {
            name: name.to_owned(),
            value: clean_line(value).chars().take(MAX_EXTRA).collect(),
        });
    }
}
