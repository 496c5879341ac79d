//! The state of the platform: accounts with their tokens, rooms, streams, and what bots did.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::knobs::Knobs;
use super::witness::Witness;
use crate::sim::{Clock, Sent};

/// Things that bots did that are kept.
const SENT_KEPT: usize = 10_000;
/// Frames of clients that are kept.
const FRAMES_KEPT: usize = 10_000;

/// An account.
pub(super) struct Account {
    pub(super) email: String,
    pub(super) password: String,
    /// Sessions that have not ended.
    pub(super) sessions: BTreeMap<u64, Session>,
    /// When its last message came.
    pub(super) last_message: Option<Instant>,
}

/// A login and what came of it.
pub(super) struct Session {
    /// Access tokens and their ends.
    pub(super) access: BTreeMap<String, Instant>,
    /// The refresh token, which is good once, and its end.
    pub(super) refresh: (String, Instant),
}

/// A room.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    pub(super) name: String,
    pub(super) managed: bool,
    pub(super) created: String,
    /// Who made it, where a bot did.
    pub(super) creator: Option<String>,
    /// Bots that were dragged into it: it is in their lists.
    pub(super) listed: BTreeSet<String>,
    /// Bots that have joined: they hear and may speak.
    pub(super) joined: BTreeSet<String>,
    /// People.
    pub(super) people: BTreeSet<String>,
    /// Bots that were invited and have not answered.
    pub(super) invited: BTreeSet<String>,
}

/// An open stream.
pub(super) struct Line {
    /// Whose it is, once it is connected.
    pub(super) account: Option<String>,
    pub(super) out: mpsc::Sender<Out>,
}

/// What a stream is told.
pub(super) enum Out {
    Text(String),
    /// It is cut, without a word.
    Cut,
}

pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) knobs: Knobs,
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) app_keys: BTreeSet<String>,
    pub(super) rooms: BTreeMap<String, Room>,
    pub(super) lines: BTreeMap<u64, Line>,
    pub(super) sent: VecDeque<Sent>,
    pub(super) sent_count: u64,
    /// What clients sent over streams, with their numbers.
    pub(super) frames: VecDeque<Value>,
    pub(super) pings: u64,
    /// Frames that streams were told.
    pub(super) told: u64,
    pub(super) complaints: Vec<String>,
    pub(super) duplicate: bool,
    pub(super) reorder: bool,
    pub(super) witness: Witness,
    held: Option<(u64, String)>,
    next: u64,
    bell: watch::Sender<u64>,
}

impl World {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            knobs: Knobs::default(),
            accounts: BTreeMap::new(),
            app_keys: BTreeSet::new(),
            rooms: BTreeMap::new(),
            lines: BTreeMap::new(),
            sent: VecDeque::new(),
            sent_count: 0,
            frames: VecDeque::new(),
            pings: 0,
            told: 0,
            complaints: Vec::new(),
            duplicate: false,
            reorder: false,
            witness: Witness::default(),
            held: None,
            next: 0,
            bell: watch::Sender::default(),
        }
    }

    /// The next number of anything.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn bell(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    pub(super) fn ring(&self) {
        self.bell.send_modify(|rung| *rung += 1);
    }

    /// A text of 32 hexadecimal digits that nothing else has.
    pub(super) fn id(&mut self) -> String {
        let number = self.number();
        // Ids of the platform tell nothing; these rise, so that tests can read them.
        format!("{:032x}", u128::from(number) << 64 | 0x5e9)
    }

    pub(super) fn add_account(&mut self, email: &str, password: &str) {
        let account = Account {
            email: email.to_owned(),
            password: password.to_owned(),
            sessions: BTreeMap::new(),
            last_message: None,
        };
        self.accounts.insert(email.to_lowercase(), account);
    }

    /// The account that an access token is of, where it is good.
    pub(super) fn account_of(&self, token: &str) -> Option<String> {
        let now = Instant::now();
        let holds = |session: &Session| session.access.get(token).is_some_and(|end| *end > now);
        let mut accounts = self.accounts.iter();
        let found = accounts.find(|(_, account)| account.sessions.values().any(holds));
        found.map(|(id, _)| id.clone())
    }

    /// Ends all access tokens.
    pub(super) fn expire(&mut self) {
        for account in self.accounts.values_mut() {
            for session in account.sessions.values_mut() {
                session.access.clear();
            }
        }
    }

    /// Notes something that a bot did.
    pub(super) fn did(&mut self, kind: &str, conversation: &str, text: &str, raw: Value) {
        self.sent_count += 1;
        self.sent.push_back(Sent {
            n: self.sent_count,
            kind: kind.to_owned(),
            conversation: conversation.to_owned(),
            text: text.to_owned(),
            raw,
            visibility: "all".to_owned(),
        });
        if self.sent.len() > SENT_KEPT {
            self.sent.pop_front();
        }
        self.ring();
    }

    pub(super) fn heard_frame(&mut self, frame: Value) {
        self.frames.push_back(frame);
        if self.frames.len() > FRAMES_KEPT {
            self.frames.pop_front();
        }
        self.ring();
    }

    pub(super) fn complain(&mut self, what: String) {
        self.complaints.push(what);
        self.ring();
    }

    /// Adds a room with nobody in it.
    pub(super) fn add_room(&mut self, name: &str, managed: bool) -> String {
        let id = format!("groupchat-{}", self.id());
        let room = Room {
            name: name.to_owned(),
            managed,
            created: "2019-11-21T07:11:24Z".to_owned(),
            ..Room::default()
        };
        self.rooms.insert(id.clone(), room);
        id
    }

    /// A room by its name or id.
    pub(super) fn find_room(&self, name: &str) -> Option<String> {
        if self.rooms.contains_key(name) {
            return Some(name.to_owned());
        }
        let mut rooms = self.rooms.iter();
        let found = rooms.find(|(_, room)| room.name == name);
        found.map(|(id, _)| id.clone())
    }

    /// Somebody's post in a room, for every bot that has joined it.
    pub(super) fn post(&mut self, room_id: &str, sender: &str, text: &str) -> String {
        let message_id = self.id();
        let Some(room) = self.rooms.get(room_id) else {
            return message_id;
        };
        let listeners: Vec<String> = room
            .joined
            .iter()
            .filter(|bot| self.knobs.echo || **bot != sender.to_lowercase())
            .cloned()
            .collect();
        let frame = json!({
            "event": "chatroomPost",
            "post": {
                "chatroomId": room_id,
                "chatroomType": "chatroom",
                "sender": {"email": sender},
                "message": text,
                "messageId": message_id,
                "timestamp": timestamp(self.clock.now()),
            },
        });
        self.keep_said(room_id, sender, &message_id, text);
        for bot in listeners {
            self.emit(&bot, &frame.to_string());
        }
        message_id
    }

    /// A frame for every stream of an account, in the order and as often as the faults have it.
    pub(super) fn emit(&mut self, account: &str, frame: &str) {
        let lines: Vec<u64> = self
            .lines
            .iter()
            .filter(|(_, line)| line.account.as_deref() == Some(account))
            .map(|(number, _)| *number)
            .collect();
        for number in lines {
            if std::mem::take(&mut self.reorder) {
                self.held = Some((number, frame.to_owned()));
                continue;
            }
            self.send(number, frame);
            if std::mem::take(&mut self.duplicate) {
                self.send(number, frame);
            }
            if let Some((line, held)) = self.held.take() {
                self.send(line, &held);
            }
        }
        self.ring();
    }

    /// A frame for every stream that is connected.
    pub(super) fn emit_all(&mut self, frame: &str) {
        let accounts: BTreeSet<String> = self
            .lines
            .values()
            .filter_map(|line| line.account.clone())
            .collect();
        for account in accounts {
            self.emit(&account, frame);
        }
    }

    fn send(&mut self, line: u64, frame: &str) {
        let Some(found) = self.lines.get(&line) else {
            return;
        };
        // A stream that does not read loses what it is told, as on any socket that is full.
        if found.out.try_send(Out::Text(frame.to_owned())).is_ok() {
            self.witness.write(line, frame);
        }
    }

    /// Cuts all streams; how many there were.
    pub(super) fn cut(&mut self) -> usize {
        let lines = std::mem::take(&mut self.lines);
        for (number, line) in &lines {
            self.witness.end(*number);
            if line.out.try_send(Out::Cut).is_err() {}
        }
        self.ring();
        lines.len()
    }
}

/// ISO 8601 of milliseconds since 1970.
fn timestamp(millis: i64) -> String {
    let (seconds, rest) = (millis.div_euclid(1_000), millis.rem_euclid(1_000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days of the civil calendar, by Howard Hinnant.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:03}Z")
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn moments_are_written_as_the_platform_writes_them() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_123, "2000-02-29T00:00:00.123Z"),
            (1_574_320_284_000, "2019-11-21T07:11:24.000Z"),
        ] {
            assert_eq!(timestamp(millis), text);
        }
    }
}
