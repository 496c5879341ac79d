//! What there is: licences with their people, bots and chats; tokens; webhooks.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::hooks::{Delivered, Delivery};
use super::rtm::Line;
use crate::sim::witness::Handouts;
use crate::sim::{Clock, Posted, Sent};

/// The app that is there from the start.
pub const CLIENT_ID: &str = "c0ffee00c0ffee00c0ffee00c0ffee00";
/// Its secret.
pub const CLIENT_SECRET: &str = "s3cr3t-of-the-app";
/// The licence that is there from the start.
pub const ORGANIZATION: &str = "390e44e6-f1e6-0368-5e1f-4c3a5b1c2d3e";
/// Its number, as chat.io knows it.
pub const LICENSE: u64 = 1_520_001;
/// The account that owns it.
pub const ACCOUNT: &str = "b7eff798-f8df-4364-8059-649c35c9ed0c";
/// A personal access token of that account.
pub const PAT: &str = "dal:pat-of-the-owner";
/// The agent who is there from the start.
pub const AGENT: &str = "agent@example.com";

/// Everything.
pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) base: String,
    pub(super) redirects: Vec<String>,
    /// The app keeps no secret: PKCE and rotating refresh tokens.
    pub(super) is_public: bool,
    pub(super) licences: BTreeMap<String, Licence>,
    pub(super) codes: BTreeMap<String, Code>,
    pub(super) tokens: Vec<Token>,
    pub(super) hooks: Vec<Hook>,
    pub(super) license_hooks_enabled: bool,
    pub(super) files: BTreeMap<String, (String, Vec<u8>)>,
    pub(super) sent: Vec<Sent>,
    pub(super) sent_count: u64,
    pub(super) queue: VecDeque<Delivery>,
    pub(super) delivered: Vec<Delivered>,
    pub(super) knobs: Knobs,
    pub(super) labels: BTreeMap<String, (String, String)>,
    pub(super) redirects_followed: VecDeque<Instant>,
    /// What is said in all chats, in its order …
    pub(super) said: Vec<Posted>,
    /// … and where an event is there.
    pub(super) places: HashMap<String, usize>,
    pub(super) handouts: Handouts,
    /// Sockets that somebody has logged in to.
    pub(super) lines: Vec<Line>,
    bell: watch::Sender<u64>,
    count: u64,
}

/// How the platform behaves.
pub(super) struct Knobs {
    /// How long a new bot takes to hear.
    pub(super) propagation: Duration,
    /// Calls must name this region.
    pub(super) region: Option<String>,
    /// Whoever is asked says no.
    pub(super) denies: bool,
    /// The licence of whoever is at the browser.
    pub(super) installer: String,
    /// Calls a second; none: any.
    pub(super) rate: Option<u32>,
    pub(super) calls: VecDeque<Instant>,
    /// The next webhook comes twice.
    pub(super) duplicates: u32,
    /// The next webhook comes behind the one after it.
    pub(super) reorders: u32,
    /// Webhooks get lost on their way.
    pub(super) loses_hooks: bool,
    /// Webhooks show this in place of their secret.
    pub(super) wrong_secret: Option<String>,
}

pub(super) struct Licence {
    pub(super) organization: String,
    pub(super) number: u64,
    pub(super) account: String,
    pub(super) agents: Vec<Agent>,
    pub(super) groups: Vec<Group>,
    pub(super) bots: Vec<Bot>,
    pub(super) chats: Vec<Chat>,
}

#[derive(Clone)]
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) status: String,
}

pub(super) struct Group {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) agents: Vec<String>,
}

pub(super) struct Bot {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) client: String,
    pub(super) status: String,
    /// The groups that it is in.
    pub(super) groups: Vec<u64>,
    /// As it was made, by its last change.
    pub(super) raw: Map<String, Value>,
    /// chat.io: what it hears, where.
    pub(super) hooks: Option<Value>,
    /// It hears from now on.
    pub(super) hears_at: Instant,
}

pub(super) struct Code {
    pub(super) redirect: String,
    pub(super) organization: String,
    pub(super) challenge: Option<(String, String)>,
    pub(super) until: Instant,
}

#[derive(Clone)]
pub(super) struct Token {
    pub(super) access: String,
    pub(super) refresh: Option<String>,
    pub(super) organization: String,
    /// The bot whose own it is; else that of whoever installed the app.
    pub(super) bot: Option<String>,
    pub(super) until: Instant,
    pub(super) lives: Duration,
}

#[derive(Clone)]
pub(super) struct Hook {
    pub(super) id: String,
    pub(super) action: String,
    pub(super) secret: String,
    pub(super) url: String,
    pub(super) client: String,
    pub(super) kind: String,
    pub(super) raw: Map<String, Value>,
}

pub(super) struct Chat {
    pub(super) id: String,
    pub(super) users: Vec<ChatUser>,
    pub(super) threads: Vec<Thread>,
    pub(super) groups: Vec<u64>,
    pub(super) properties: Map<String, Value>,
}

#[derive(Clone)]
pub(super) struct ChatUser {
    pub(super) id: String,
    pub(super) is_customer: bool,
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) present: bool,
    pub(super) visibility: String,
    /// Page, country, browser.
    pub(super) visit: Value,
}

pub(super) struct Thread {
    pub(super) id: String,
    pub(super) active: bool,
    pub(super) created: i64,
    pub(super) events: Vec<ChatEvent>,
    pub(super) tags: Vec<String>,
    pub(super) count: u64,
    pub(super) queue: Option<u32>,
}

#[derive(Clone)]
pub(super) struct ChatEvent {
    pub(super) id: String,
    pub(super) at: i64,
    pub(super) order: u64,
    pub(super) visibility: String,
    /// Without what the others are.
    pub(super) raw: Map<String, Value>,
}

impl World {
    pub(super) fn new(clock: Clock) -> Self {
        let mut world = Self {
            clock,
            base: String::new(),
            redirects: Vec::new(),
            is_public: false,
            licences: BTreeMap::new(),
            codes: BTreeMap::new(),
            tokens: Vec::new(),
            hooks: Vec::new(),
            license_hooks_enabled: false,
            files: BTreeMap::new(),
            sent: Vec::new(),
            sent_count: 0,
            queue: VecDeque::new(),
            delivered: Vec::new(),
            knobs: Knobs {
                propagation: Duration::ZERO,
                region: None,
                denies: false,
                installer: ORGANIZATION.to_owned(),
                rate: None,
                calls: VecDeque::new(),
                duplicates: 0,
                reorders: 0,
                loses_hooks: false,
                wrong_secret: None,
            },
            labels: BTreeMap::new(),
            redirects_followed: VecDeque::new(),
            said: Vec::new(),
            places: HashMap::new(),
            handouts: Handouts::default(),
            lines: Vec::new(),
            bell: watch::Sender::default(),
            count: 0,
        };
        world.add_licence(ORGANIZATION, LICENSE, ACCOUNT);
        world
    }

    pub(super) fn add_licence(&mut self, organization: &str, number: u64, account: &str) {
        let agent = Agent {
            id: AGENT.to_owned(),
            name: "Agent".to_owned(),
            status: "accepting_chats".to_owned(),
        };
        self.licences.insert(
            organization.to_owned(),
            Licence {
                organization: organization.to_owned(),
                number,
                account: account.to_owned(),
                groups: vec![Group {
                    id: 0,
                    name: "General".to_owned(),
                    agents: vec![agent.id.clone()],
                }],
                agents: vec![agent],
                bots: Vec::new(),
                chats: Vec::new(),
            },
        );
    }

    pub(super) fn ring(&self) {
        self.bell.send_modify(|times| *times += 1);
    }

    pub(super) fn bell(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    /// 32 hexadecimal digits.
    pub(super) fn hex(&mut self) -> String {
        self.count += 1;
        format!(
            "{:016x}{:016x}",
            self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            self.count
        )
    }

    /// A UUID.
    pub(super) fn uuid(&mut self) -> String {
        let hex = self.hex();
        let (a, b, c, d, e) = (
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..],
        );
        format!("{a}-{b}-4{c}-8{d}-{e}")
    }

    /// Ten capital letters and digits.
    pub(super) fn short(&mut self, first: char) -> String {
        const SIGNS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

        self.count += 1;
        let mut number = self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut id = String::from(first);
        for _ in 0..9 {
            let place = usize::try_from(number % 36).unwrap_or_default();
            id.push(char::from(SIGNS[place]));
            number /= 36;
        }
        id
    }

    pub(super) fn note(&mut self, kind: &str, chat: &str, text: &str, seen: &str, raw: Value) {
        self.sent_count += 1;
        let label = self
            .labels
            .iter()
            .find(|(_, (_, id))| id == chat)
            .map(|(label, _)| label.clone());
        self.sent.push(Sent {
            n: self.sent_count,
            kind: kind.to_owned(),
            conversation: label.unwrap_or_else(|| chat.to_owned()),
            text: text.to_owned(),
            raw,
            visibility: seen.to_owned(),
        });
        self.ring();
    }

    pub(super) fn licence_of(&self, organization: &str) -> Option<&Licence> {
        self.licences.get(organization)
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now()
    }
}

impl Licence {
    pub(super) fn chat(&self, id: &str) -> Option<&Chat> {
        self.chats.iter().find(|chat| chat.id == id)
    }

    pub(super) fn chat_mut(&mut self, id: &str) -> Option<&mut Chat> {
        self.chats.iter_mut().find(|chat| chat.id == id)
    }

    pub(super) fn bot(&self, id: &str) -> Option<&Bot> {
        self.bots.iter().find(|bot| bot.id == id)
    }

    pub(super) fn bot_mut(&mut self, id: &str) -> Option<&mut Bot> {
        self.bots.iter_mut().find(|bot| bot.id == id)
    }

    /// An agent, or a bot, by its name in a chat.
    pub(super) fn agent_user(&self, id: &str) -> Option<ChatUser> {
        let agent = self.agents.iter().find(|agent| agent.id == id);
        let agent = agent.map(|agent| agent.name.clone());
        let bot = self.bot(id).and_then(|bot| {
            let name = bot.raw.get("name")?;
            name.as_str().map(str::to_owned)
        });
        let is_agent = agent.is_some();
        Some(ChatUser {
            id: id.to_owned(),
            is_customer: false,
            name: agent.or(bot)?,
            email: is_agent.then(|| id.to_owned()),
            present: true,
            visibility: "all".to_owned(),
            visit: Value::Null,
        })
    }

    /// The groups that somebody is in; everybody is in 0 as far as this goes for agents.
    pub(super) fn groups_of(&self, id: &str) -> Vec<u64> {
        if let Some(bot) = self.bot(id) {
            return bot.groups.clone();
        }
        let groups = self.groups.iter();
        let groups = groups.filter(|group| group.agents.iter().any(|agent| agent == id));
        groups.map(|group| group.id).collect()
    }

    /// Whether somebody of a group takes chats.
    pub(super) fn is_answered(&self, group: &Group) -> bool {
        let takes = |agent: &&Agent| agent.status == "accepting_chats";
        let agents = group.agents.iter();
        let mut agents = agents.filter_map(|id| self.agents.iter().find(|it| it.id == *id));
        agents.any(|agent| takes(&agent))
    }
}

impl Chat {
    pub(super) fn thread(&self) -> Option<&Thread> {
        self.threads.last()
    }

    pub(super) fn active(&self) -> Option<&Thread> {
        self.thread().filter(|thread| thread.active)
    }

    pub(super) fn user(&self, id: &str) -> Option<&ChatUser> {
        self.users.iter().find(|user| user.id == id && user.present)
    }

    /// As it is written; the thread is one of its own.
    pub(super) fn json(&self, version: Spoken, thread: &Thread, previous: Option<&str>) -> Value {
        let users: Vec<Value> = self.users.iter().map(|user| user.json(version)).collect();
        let mut chat = json!({
            "id": self.id, "users": users, "properties": self.properties,
            "thread": thread.json(version, self, previous),
        });
        match version {
            Spoken::ChatIo => {}
            Spoken::Three(_) => chat["access"] = json!({"group_ids": self.groups}),
        }
        chat
    }
}

/// Which version's words are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    /// 0.3 and 0.4.
    ChatIo,
    /// 3.4 to 3.7.
    Three(u8),
}

impl Thread {
    pub(super) fn json(&self, version: Spoken, chat: &Chat, previous: Option<&str>) -> Value {
        let events: Vec<Value> = self
            .events
            .iter()
            .map(|event| event.json(version))
            .collect();
        let users: Vec<&str> = chat.users.iter().map(|user| user.id.as_str()).collect();
        let mut thread = json!({
            "id": self.id, "active": self.active, "user_ids": users, "events": events,
            "properties": {"routing": {"idle": false, "unassigned": false}},
        });
        match version {
            Spoken::ChatIo => {
                thread["timestamp"] = (self.created / 1_000).into();
                thread["order"] = self.created.into();
            }
            Spoken::Three(_) => {
                thread["created_at"] = moment(self.created).into();
                thread["tags"] = json!(self.tags);
                thread["access"] = json!({"group_ids": chat.groups});
                if let Some(previous) = previous {
                    thread["previous_thread_id"] = previous.into();
                }
                if let Some(position) = self.queue {
                    thread["queue"] = json!({
                        "position": position, "wait_time": 120, "queued_at": moment(self.created),
                    });
                }
            }
        }
        thread
    }
}

impl ChatEvent {
    pub(super) fn json(&self, version: Spoken) -> Value {
        let mut event = self.raw.clone();
        event.insert("id".to_owned(), self.id.clone().into());
        match version {
            Spoken::ChatIo => {
                event.insert("timestamp".to_owned(), (self.at / 1_000).into());
                event.insert("order".to_owned(), self.order.into());
                event.insert("recipients".to_owned(), self.visibility.clone().into());
            }
            Spoken::Three(_) => {
                event.insert("created_at".to_owned(), moment(self.at).into());
                event.insert("visibility".to_owned(), self.visibility.clone().into());
            }
        }
        Value::Object(event)
    }

    /// What people read of it.
    pub(super) fn text(&self) -> String {
        let of =
            |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let whole = Value::Object(self.raw.clone());
        if let Some(text) = of(&whole, "text") {
            return text;
        }
        let mut lines = Vec::new();
        for element in whole["elements"].as_array().into_iter().flatten() {
            lines.extend(of(element, "title"));
            lines.extend(of(element, "subtitle"));
            for button in element["buttons"].as_array().into_iter().flatten() {
                lines.extend(of(button, "text").map(|text| format!("[{text}]")));
            }
        }
        lines.join("\n")
    }
}

impl ChatUser {
    pub(super) fn json(&self, version: Spoken) -> Value {
        let kind = if self.is_customer {
            "customer"
        } else {
            "agent"
        };
        let mut user = json!({
            "id": self.id, "type": kind, "name": self.name, "present": self.present,
        });
        if let Some(email) = &self.email {
            user["email"] = email.as_str().into();
        }
        if self.is_customer {
            let name = if version == Spoken::ChatIo {
                "last_visit"
            } else {
                "visit"
            };
            if !self.visit.is_null() {
                user[name] = self.visit.clone();
            }
            user["statistics"] = json!({"chats_count": 1});
        } else if version != Spoken::ChatIo {
            user["visibility"] = self.visibility.as_str().into();
        }
        user
    }
}

/// RFC 3339 with microseconds.
pub(super) fn moment(ms: i64) -> String {
    let (days, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    // Howard Hinnant's algorithm: days since 1970 into a date.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, millis) = (rest / 1_000 % 60, rest % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}000Z")
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn a_moment_has_microseconds() {
        assert_eq!(moment(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(moment(1_780_308_000_123), "2026-06-01T10:00:00.123000Z");
    }
}
