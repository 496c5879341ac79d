//! The state of the platform: one lock over all of it, and a bell that rings when it changes.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use super::answer::Upload;
use super::hooks::{Delivered, Delivery, Hook};
use super::ids;
use super::socket::{Device, Line};
use crate::sim::witness::Handouts;
use crate::sim::{Clock, Sent};

/// Where its organisation is homed: ids of spaces and messages name it.
pub(super) const CLUSTER: &str = "urn:TEAM:eu-central-1_k";

/// What a test may set otherwise than the platform has it.
#[derive(Clone, Debug)]
pub(super) struct Knobs {
    /// The next page's address leaves `mentionedPeople` out.
    pub(super) drops_mentioned: bool,
    /// The next page's address says `max=null`.
    pub(super) null_max: bool,
    /// The second page of a list is empty and has a next one.
    pub(super) empty_page: bool,
    /// Pages are no larger than this, whatever is asked for.
    pub(super) page_size: Option<usize>,
    /// Messages with cards can be edited, as in practice.
    pub(super) edits_cards: bool,
    /// Mentions in HTML name people by their keys, as clients do; else by their public ids.
    pub(super) bare_mentions: bool,
    /// So many fetches of a new message find nothing: the API lags.
    pub(super) lag: u32,
    /// The first page of spaces has a title that cannot be decrypted.
    pub(super) broken_title: bool,
    /// Refusals of cards have their errors in an object.
    pub(super) object_errors: bool,
    /// The socket writes binary frames.
    pub(super) binary_frames: bool,
    /// The socket answers no pings.
    pub(super) silent: bool,
    /// The socket's next frame comes after so many that are lost.
    pub(super) lost_frames: u64,
    /// A file makes two `created` frames, of which the first names nothing.
    pub(super) double_share: bool,
    /// The socket leaves its greeting out.
    pub(super) no_greeting: bool,
    /// `messages:updated` webhooks can be made.
    pub(super) update_hooks: bool,
    /// So many deliveries to come are lost: nobody hears of them, and nobody is told.
    pub(super) lost_deliveries: u32,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            drops_mentioned: false,
            null_max: false,
            empty_page: false,
            page_size: None,
            edits_cards: true,
            bare_mentions: true,
            lag: 0,
            broken_title: false,
            object_errors: true,
            binary_frames: false,
            silent: false,
            lost_frames: 0,
            double_share: false,
            no_greeting: false,
            update_hooks: false,
            lost_deliveries: 0,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) key: String,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) is_bot: bool,
    pub(super) token: Option<String>,
    pub(super) created: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Room {
    pub(super) key: String,
    pub(super) title: String,
    pub(super) is_direct: bool,
    pub(super) is_locked: bool,
    pub(super) is_public: bool,
    pub(super) description: Option<String>,
    pub(super) creator: String,
    pub(super) created: i64,
    pub(super) active: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) person: String,
    pub(super) room: String,
    pub(super) is_moderator: bool,
    pub(super) created: i64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub(super) key: String,
    pub(super) room: String,
    pub(super) person: String,
    pub(super) parent: Option<String>,
    pub(super) text: Option<String>,
    pub(super) markdown: Option<String>,
    pub(super) html: Option<String>,
    pub(super) files: Vec<Upload>,
    pub(super) attachments: Vec<Value>,
    pub(super) mentioned: Vec<String>,
    pub(super) groups: Vec<String>,
    pub(super) created: i64,
    pub(super) updated: Option<i64>,
    pub(super) edits: u32,
    /// So many fetches find nothing yet.
    pub(super) hidden: u32,
    /// The request that it came by; 0 of people.
    pub(super) request: u64,
}

#[derive(Clone, Debug)]
pub(super) struct CardAction {
    pub(super) key: String,
    pub(super) message: String,
    pub(super) person: String,
    pub(super) inputs: Value,
    pub(super) created: i64,
}

/// All of it.
pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) knobs: Knobs,
    pub(super) base: String,
    pub(super) socket_base: String,
    pub(super) people: BTreeMap<String, Person>,
    pub(super) rooms: BTreeMap<String, Room>,
    pub(super) members: Vec<Member>,
    /// Oldest first.
    pub(super) messages: Vec<Message>,
    pub(super) actions: Vec<CardAction>,
    pub(super) hooks: Vec<Hook>,
    pub(super) queue: VecDeque<Delivery>,
    pub(super) queued: Arc<Notify>,
    pub(super) delivered: Vec<Delivered>,
    /// What is delivered next comes twice, or in the wrong order.
    pub(super) duplicates: bool,
    pub(super) reorders: bool,
    pub(super) devices: Vec<Device>,
    pub(super) lines: Vec<Line>,
    pub(super) complaints: Vec<String>,
    pub(super) sent: Vec<Sent>,
    pub(super) sent_count: u64,
    /// Where a message is in the list.
    pub(super) places: HashMap<String, usize>,
    pub(super) handouts: Handouts,
    /// The request that is answered.
    pub(super) request: u64,
    last_moment: i64,
    bell: watch::Sender<u64>,
}

impl World {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            knobs: Knobs::default(),
            base: String::new(),
            socket_base: String::new(),
            people: BTreeMap::new(),
            rooms: BTreeMap::new(),
            members: Vec::new(),
            messages: Vec::new(),
            actions: Vec::new(),
            hooks: Vec::new(),
            queue: VecDeque::new(),
            queued: Arc::default(),
            delivered: Vec::new(),
            duplicates: false,
            reorders: false,
            devices: Vec::new(),
            lines: Vec::new(),
            complaints: Vec::new(),
            sent: Vec::new(),
            sent_count: 0,
            places: HashMap::new(),
            handouts: Handouts::default(),
            request: 0,
            last_moment: 0,
            bell: watch::Sender::default(),
        }
    }

    pub(super) fn bell(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    pub(super) fn ring(&self) {
        self.bell.send_modify(|rung| *rung += 1);
    }

    /// A moment that no other thing here has: lists are sorted by it.
    pub(super) fn moment(&mut self) -> i64 {
        self.last_moment = self.clock.now().max(self.last_moment + 1);
        self.last_moment
    }

    pub(super) fn add_bot(&mut self, email: &str, name: &str, token: &str) -> String {
        self.add_person(email, name, true, Some(token.to_owned()))
    }

    fn add_person(
        &mut self,
        email: &str,
        name: &str,
        is_bot: bool,
        token: Option<String>,
    ) -> String {
        let key = ids::uuid();
        let created = self.moment();
        let person = Person {
            key: key.clone(),
            email: email.to_owned(),
            name: name.to_owned(),
            is_bot,
            token,
            created,
        };
        self.people.insert(key.clone(), person);
        key
    }

    /// Somebody by a short name, an address or a key, made where there is nobody yet. `ada` is Ada
    /// Lovelace-like: a first name with a surname.
    pub(super) fn somebody(&mut self, name: &str) -> String {
        let email = match name.contains('@') {
            true => name.to_owned(),
            false => format!("{name}@example.com"),
        };
        let known = self.people.values().find(|person| person.email == email);
        if let Some(known) = known {
            return known.key.clone();
        }
        let first = name.split('@').next().unwrap_or(name);
        let mut shown: String = first.to_owned();
        if let Some(start) = shown.get_mut(..1) {
            start.make_ascii_uppercase();
        }
        let is_bot = email.ends_with("@webex.bot");
        self.add_person(
            &email,
            &format!("{shown} Example"),
            is_bot,
            Some(format!("token-of-{first}")),
        )
    }

    pub(super) fn revoke_tokens(&mut self) {
        for person in self.people.values_mut().filter(|person| person.is_bot) {
            person.token = None;
        }
    }

    pub(super) fn public(kind: &str, key: &str) -> String {
        ids::public(CLUSTER, kind, key)
    }

    pub(super) fn room_id(&self, key: &str) -> String {
        Self::public("ROOM", key)
    }

    pub(super) fn is_in(&self, person: &str, room: &str) -> bool {
        self.member(person, room).is_some()
    }

    pub(super) fn member(&self, person: &str, room: &str) -> Option<&Member> {
        let mut members = self.members.iter();
        members.find(|member| member.person == person && member.room == room)
    }

    /// The direct space of two people, made where there is none yet.
    pub(super) fn direct(&mut self, one: &str, other: &str) -> String {
        if let Some(known) = self.direct_known(one, other) {
            return known;
        }
        let key = self.add_room("", true, one);
        self.join(&key, one, one);
        self.join(&key, other, one);
        key
    }

    pub(super) fn direct_known(&self, one: &str, other: &str) -> Option<String> {
        let rooms = self.rooms.values();
        let mut fitting = rooms.filter(|room| {
            room.is_direct && self.is_in(one, &room.key) && self.is_in(other, &room.key)
        });
        fitting.next().map(|room| room.key.clone())
    }

    pub(super) fn add_room(&mut self, title: &str, is_direct: bool, creator: &str) -> String {
        let key = ids::uuid();
        let now = self.moment();
        let room = Room {
            key: key.clone(),
            title: title.to_owned(),
            is_direct,
            is_locked: false,
            is_public: false,
            description: None,
            creator: creator.to_owned(),
            created: now,
            active: now,
        };
        self.rooms.insert(key.clone(), room);
        key
    }

    /// Puts somebody into a space, and tells of it.
    pub(super) fn join(&mut self, room: &str, person: &str, by: &str) {
        if self.is_in(person, room) {
            return;
        }
        let created = self.moment();
        let member = Member {
            person: person.to_owned(),
            room: room.to_owned(),
            is_moderator: false,
            created,
        };
        self.members.push(member.clone());
        self.tell_member("created", &member, by);
    }

    /// Notes what a bot did.
    pub(super) fn note(&mut self, by: &str, kind: &str, room: &str, text: &str, raw: Value) {
        if !self.people.get(by).is_some_and(|person| person.is_bot) {
            return;
        }
        self.sent_count += 1;
        let conversation = self.name_of(room, by);
        self.sent.push(Sent {
            n: self.sent_count,
            kind: kind.to_owned(),
            conversation,
            text: text.to_owned(),
            raw,
            visibility: "all".to_owned(),
        });
        self.ring();
    }

    /// A space's title; of a direct one the other person's name.
    pub(super) fn name_of(&self, room: &str, for_whom: &str) -> String {
        let Some(found) = self.rooms.get(room) else {
            return room.to_owned();
        };
        if !found.is_direct {
            return found.title.clone();
        }
        let mut members = self.members.iter().filter(|member| member.room == room);
        let other = members.find(|member| member.person != for_whom);
        let other = other.and_then(|member| self.people.get(&member.person));
        other.map_or_else(String::new, |person| person.name.clone())
    }

    /// Tells whether somebody sees a message: a bot in a space only what mentions it.
    pub(super) fn sees(&self, person: &Person, message: &Message) -> bool {
        if !self.is_in(&person.key, &message.room) {
            return false;
        }
        let is_direct = self
            .rooms
            .get(&message.room)
            .is_some_and(|room| room.is_direct);
        !person.is_bot
            || is_direct
            || message.mentioned.contains(&person.key)
            || message.person == person.key
    }

    /// A moment as the platform writes it.
    pub(super) fn written(at: i64) -> String {
        let seconds = at.div_euclid(1000);
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
            rest / 3_600,
            rest / 60 % 60,
            rest % 60,
            at.rem_euclid(1000)
        )
    }

    pub(super) fn shown_message(&self, message: &Message) -> Value {
        let room = self.rooms.get(&message.room);
        let is_direct = room.is_some_and(|room| room.is_direct);
        let mut shown = json!({
            "id": Self::public("MESSAGE", &message.key),
            "roomId": self.room_id(&message.room),
            "roomType": if is_direct { "direct" } else { "group" },
            "personId": ids::person(&message.person),
            "personEmail": self.people.get(&message.person).map(|person| &person.email),
            "created": Self::written(message.created),
        });
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                shown[name] = value;
            }
        };
        put(
            "parentId",
            message
                .parent
                .as_ref()
                .map(|key| Self::public("MESSAGE", key).into()),
        );
        put("text", message.text.clone().map(Value::from));
        put("markdown", message.markdown.clone().map(Value::from));
        put("html", message.html.clone().map(Value::from));
        put(
            "updated",
            message.updated.map(|at| Self::written(at).into()),
        );
        let list = |items: Vec<String>| (!items.is_empty()).then(|| Value::from(items));
        let mentioned = message
            .mentioned
            .iter()
            .map(|key| ids::person(key))
            .collect();
        put("mentionedPeople", list(mentioned));
        put("mentionedGroups", list(message.groups.clone()));
        let files = (0..message.files.len()).map(|place| self.content_url(&message.key, place));
        put("files", list(files.collect()));
        put(
            "attachments",
            (!message.attachments.is_empty()).then(|| message.attachments.clone().into()),
        );
        shown
    }

    pub(super) fn content_url(&self, message: &str, place: usize) -> String {
        let id = Self::public("CONTENT", &format!("{message}/{place}"));
        format!("{}/v1/contents/{id}", self.base)
    }
}

/// The date of a day, counted from 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
