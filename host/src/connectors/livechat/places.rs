//! What is known of chats: who is in them, what the customer said before, whether the bot takes part.
//!
//! A webhook of a message names its author by id alone. The rest came with the chat.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde_json::Value;

use super::ids::ChatId;
use super::wire::{Chat, Envelope, FormField, WireUser};

/// Chats of which something is known; the one unheard of for longest goes first.
const MAX_CHATS: usize = 10_000;
/// People of one chat.
const MAX_USERS: usize = 100;

/// How the bot takes part in a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It speaks to everybody.
    All,
    /// It is seen by agents only, and cannot speak to the customer.
    Agents,
}

/// What is known of a chat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Who is or was in it.
    pub users: Vec<WireUser>,
    /// What the customer filled in before.
    pub form: Vec<FormField>,
    /// The newest thread.
    pub thread: Option<String>,
    /// Since when it is known to be.
    thread_since: Option<u64>,
    /// The groups that may see it.
    pub groups: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// How the bot takes part; none: not at all.
    pub bot: Option<Part>,
    /// The platform was asked for it.
    was_asked: bool,
    heard: u64,
}

impl Known {
    /// Somebody of the chat.
    pub fn user(&self, id: &str) -> Option<&WireUser> {
        self.users.iter().find(|user| user.id == id)
    }

    /// The customer.
    pub fn customer(&self) -> Option<&WireUser> {
        self.users.iter().find(|user| user.is_customer())
    }

    fn put(&mut self, user: WireUser) {
        let has_room = self.users.len() < MAX_USERS;
        match self.users.iter_mut().find(|known| known.id == user.id) {
            Some(known) => *known = user,
            None if has_room => self.users.push(user),
            None => {}
        }
    }
}

/// The chats of a bot.
#[derive(Debug, Default)]
pub struct Places(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    chats: BTreeMap<ChatId, Known>,
    count: u64,
}

impl Places {
    /// What is known of a chat.
    pub fn of(&self, chat: &ChatId) -> Known {
        self.0.lock().chats.get(chat).cloned().unwrap_or_default()
    }

    /// Whether the people of a chat are known.
    pub fn knows(&self, chat: &ChatId) -> bool {
        let inner = self.0.lock();
        let known = inner.chats.get(chat);
        known.is_some_and(|known| known.was_asked || known.customer().is_some())
    }

    /// Notes that the platform was asked for a chat, whatever it said: it is not asked at each webhook.
    pub fn note_asked(&self, chat: &ChatId) {
        self.learn(chat, |known| known.was_asked = true);
    }

    /// Notes how the bot takes part.
    pub fn set_part(&self, chat: &ChatId, part: Option<Part>) {
        self.learn(chat, |known| known.bot = part);
    }

    /// Notes what a chat says of itself.
    pub fn learn_chat(&self, licence: &str, bot: &str, chat: &Chat) {
        let id = ChatId::new(&chat.id, licence);
        self.learn(&id, |known| {
            known.users.clear();
            for user in chat.users.iter().cloned() {
                known.put(user);
            }
            known.groups.clone_from(&chat.groups);
            known.groups.truncate(MAX_USERS);
            let Some(thread) = &chat.thread else {
                return;
            };
            let is_new = known.thread.as_deref() != Some(thread.id.as_str());
            known.thread = Some(thread.id.clone());
            known.thread_since = thread.created;
            known.tags.clone_from(&thread.tags);
            known.tags.truncate(MAX_USERS);
            let forms = thread.events.iter();
            let form = forms
                .filter(|event| event.kind == "filled_form")
                .find(|event| !event.fields.is_empty());
            if is_new || form.is_some() {
                known.form = form.map_or_else(Vec::new, |form| form.fields.clone());
                known.form.truncate(MAX_USERS);
            }
            let own = known.users.iter().find(|user| user.id == bot);
            known.bot = own
                .filter(|user| user.present && thread.active)
                .map(|user| part_of(user.is_for_agents));
        });
    }

    /// Notes what a webhook says.
    pub fn learn_hook(&self, licence: &str, bot: &str, envelope: &Envelope) {
        let payload = &envelope.payload;
        if let Some(chat) = payload.get("chat").and_then(Chat::read) {
            self.learn_chat(licence, bot, &chat);
            return;
        }
        let Some(chat) = super::wire::text(payload, "chat_id") else {
            return;
        };
        let id = ChatId::new(&chat, licence);
        let thread = super::wire::text(payload, "thread_id");
        match envelope.action.as_str() {
            // What opens a thread may come behind what is said in it.
            "incoming_event" => {
                let Some(thread) = thread else {
                    return;
                };
                let event = payload.get("event").unwrap_or(&Value::Null);
                let at = super::wire::moment(event, &["created_at", "timestamp"]);
                self.learn(&id, |known| {
                    // One that was told before may be told again, too.
                    if known.thread.as_ref() != Some(&thread) && at >= known.thread_since {
                        known.thread = Some(thread);
                        known.thread_since = at;
                        known.tags.clear();
                        known.form.clear();
                        known.bot = None;
                    }
                });
            }
            "user_added_to_chat" | "chat_user_added" => {
                let Some(user) = payload.get("user").and_then(WireUser::read) else {
                    return;
                };
                self.learn(&id, |known| {
                    if user.id == bot {
                        known.bot = Some(part_of(user.is_for_agents));
                    }
                    known.put(user);
                });
            }
            "user_removed_from_chat" | "chat_user_removed" => {
                let user = super::wire::text(payload, "user_id");
                self.learn(&id, |known| {
                    if user.as_deref() == Some(bot) {
                        known.bot = None;
                    }
                    if let Some(user) = known
                        .users
                        .iter_mut()
                        .find(|it| Some(it.id.as_str()) == user.as_deref())
                    {
                        user.present = false;
                    }
                });
            }
            "chat_deactivated" | "thread_closed" => self.learn(&id, |known| {
                // One before the newest takes nobody out of that.
                let is_old = thread.is_some() && known.thread.is_some() && thread != known.thread;
                if !is_old {
                    known.bot = None;
                }
            }),
            "thread_tagged" | "thread_untagged" => {
                let Some(tag) = super::wire::text(payload, "tag") else {
                    return;
                };
                let is_put_on = envelope.action == "thread_tagged";
                self.learn(&id, |known| {
                    // Those of threads before are no affair of the newest.
                    if thread.is_some() && known.thread.is_some() && thread != known.thread {
                        return;
                    }
                    known.tags.retain(|it| *it != tag);
                    if is_put_on && known.tags.len() < MAX_USERS {
                        known.tags.push(tag);
                    }
                });
            }
            _ => {}
        }
    }

    fn learn(&self, chat: &ChatId, change: impl FnOnce(&mut Known)) {
        let mut inner = self.0.lock();
        inner.count += 1;
        let count = inner.count;
        if inner.chats.len() >= MAX_CHATS && !inner.chats.contains_key(chat) {
            let oldest = inner.chats.iter().min_by_key(|(_, known)| known.heard);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                inner.chats.remove(&oldest);
            }
        }
        let known = inner.chats.entry(chat.clone()).or_default();
        known.heard = count;
        change(known);
    }
}

fn part_of(is_for_agents: bool) -> Part {
    if is_for_agents {
        Part::Agents
    } else {
        Part::All
    }
}

/// What a payload says of the chat that it is about.
pub fn chat_of(payload: &Value) -> Option<String> {
    let chat = payload
        .get("chat")
        .and_then(|chat| super::wire::text(chat, "id"));
    chat.or_else(|| super::wire::text(payload, "chat_id"))
}
