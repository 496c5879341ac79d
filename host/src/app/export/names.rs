//! Who and what is named in what was recorded, and what it is called in its place.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::journal::PastEvent;
use crate::model::action::{ActionKind, Target};
use crate::model::event::{Bot, Conversation, ConversationKind, Event, Message, User, UserKind};
use crate::model::payload::{EventPayload, FieldValue};

/// What people are called.
const PEOPLE: [&str; 32] = [
    "ada",
    "grace",
    "alan",
    "barbara",
    "edsger",
    "katherine",
    "donald",
    "margaret",
    "tony",
    "frances",
    "john",
    "radia",
    "dennis",
    "hedy",
    "ken",
    "adele",
    "niklaus",
    "karen",
    "robin",
    "joan",
    "leslie",
    "shafi",
    "vint",
    "jean",
    "claude",
    "mary",
    "kurt",
    "emmy",
    "george",
    "betty",
    "blaise",
    "sophie",
];
/// What rooms are called.
const ROOMS: [&str; 12] = [
    "lobby", "kitchen", "library", "garden", "attic", "cellar", "studio", "harbour", "bridge",
    "market", "station", "tower",
];
/// What a dialog calls the bot.
pub(super) const BOT: &str = "parlor";
/// Characters below which a name is not looked for in texts: it would be found everywhere.
const SHORTEST: usize = 2;
/// Characters below which the id of a message is not.
const SHORTEST_ID: usize = 8;
/// Digits below which an id that is a number is not.
const SHORTEST_NUMBER: usize = 6;
/// What stands for a conversation that was not known yet.
const UNKNOWN: [&str; 3] = ["user:", "users:", "email:"];

/// A person, and everything that names them.
#[derive(Debug, Default)]
struct Person {
    words: BTreeSet<String>,
    emails: BTreeSet<String>,
    alias: String,
}

/// What is named, with its names in the dialog.
#[derive(Debug, Default)]
pub(super) struct Names {
    people: Vec<Person>,
    by_key: HashMap<String, usize>,
    /// Rooms by id: the words for them, and the name in the dialog.
    rooms: Vec<(String, BTreeSet<String>, String)>,
    bots: BTreeSet<String>,
    /// Customers, by their chat's id.
    customers: HashMap<String, usize>,
    kinds: HashMap<String, ConversationKind>,
    /// Who speaks alone with the bot, by the conversation's id.
    direct: HashMap<String, usize>,
    messages: Vec<String>,
}

impl Names {
    /// Learns everything that is named in events, and what is to be said instead.
    pub(super) fn of(events: &[PastEvent]) -> Self {
        let mut names = Self::default();
        for past in events {
            names.learn(&past.event);
        }
        // After all events: they say which conversations are rooms.
        let deliveries = events.iter().flat_map(|past| &past.deliveries);
        for action in deliveries.flat_map(|it| &it.actions) {
            names.messages.extend(action.message.clone());
            let person = action.action.as_ref();
            let person = person.and_then(|action| names.learn_action(&action.kind));
            let place = &action.conversation;
            let is_place = !place.is_empty() && !UNKNOWN.iter().any(|it| place.starts_with(it));
            if !is_place || names.kinds.contains_key(place) {
                continue;
            }
            match person {
                Some(person) => {
                    names.direct.insert(place.clone(), person);
                    names.people[person].learn(place);
                }
                None => names.room(place, None),
            }
        }
        names.call_them();
        names
    }

    fn learn(&mut self, event: &Event) {
        if let Some(bot) = &event.bot {
            self.learn_bot(bot);
        }
        let bot_id = event.bot.as_ref().map(|bot| bot.user_id.as_str());
        let is_bot = |user: &User| Some(user.id.as_str()) == bot_id;
        let actor = event.actor.as_ref().filter(|actor| !is_bot(actor));
        let actor = actor.map(|actor| (self.person(actor), actor.kind));
        if let Some(place) = &event.conversation {
            self.learn_place(place, actor);
        }
        self.messages.push(event.id.clone());
        match &event.payload {
            EventPayload::Message(message) => self.learn_message(message, bot_id),
            EventPayload::MessageEdited(edited) => self.learn_message(&edited.message, bot_id),
            EventPayload::MessageDeleted(deleted) => self.messages.push(deleted.message_id.clone()),
            EventPayload::MemberChanged(changed) if !changed.is_self && !is_bot(&changed.who) => {
                self.person(&changed.who);
            }
            EventPayload::FormSubmitted(submitted) => {
                self.messages.push(submitted.message_id.clone());
                for value in &submitted.values {
                    if let FieldValue::Users(users) = &value.value {
                        for user in users {
                            self.person(user);
                        }
                    }
                }
            }
            EventPayload::ButtonPressed(pressed) => self.messages.push(pressed.message_id.clone()),
            _ => {}
        }
    }

    fn learn_bot(&mut self, bot: &Bot) {
        let words = [&bot.display_name, &bot.user_id].into_iter();
        let words = words.filter(|word| word.chars().count() >= SHORTEST);
        self.bots.extend(words.cloned());
    }

    fn learn_place(&mut self, place: &Conversation, actor: Option<(usize, UserKind)>) {
        self.kinds.insert(place.id.clone(), place.kind);
        match (place.kind, actor) {
            (ConversationKind::Direct, Some((person, _))) => {
                self.direct.insert(place.id.clone(), person);
                self.people[person].learn(&place.id);
            }
            (ConversationKind::CustomerChat, Some((person, kind))) => {
                // Whoever speaks first stands in for a customer that says nothing.
                let known = self.customers.entry(place.id.clone()).or_insert(person);
                if kind == UserKind::Customer {
                    *known = person;
                }
            }
            (ConversationKind::Direct | ConversationKind::CustomerChat, None) => {}
            _ => self.room(&place.id, place.name.as_deref()),
        }
    }

    fn learn_message(&mut self, message: &Message, bot_id: Option<&str>) {
        self.messages.push(message.id.clone());
        self.messages.extend(message.reply_to.clone());
        for mention in &message.mentions {
            if Some(mention.user_id.as_str()) != bot_id {
                self.word(&mention.user_id, &mention.text);
            }
        }
        if let Some(quoted) = &message.quoted {
            self.messages.push(quoted.id.clone());
            self.word(&quoted.author, &quoted.author);
        }
    }

    /// Learns whom an action names; gives the one person whom it speaks to alone.
    fn learn_action(&mut self, kind: &ActionKind) -> Option<usize> {
        match kind {
            ActionKind::Invite(at)
            | ActionKind::Remove(at)
            | ActionKind::Promote(at)
            | ActionKind::Demote(at) => {
                self.word(&at.user, &at.user);
                None
            }
            ActionKind::Send(send) => match &send.target {
                Target::User(user) => Some(self.word(user, user)),
                Target::Email(email) => Some(self.email(email)),
                Target::Users(users) => {
                    for user in users {
                        self.word(user, user);
                    }
                    None
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// A user, by the id or by the address: one person on two platforms is one.
    fn person(&mut self, user: &User) -> usize {
        let email = user.email.as_ref().map(|email| email.to_lowercase());
        let by_id = self.by_key.get(&user.id).copied();
        let by_email = email
            .as_ref()
            .and_then(|email| self.by_key.get(email))
            .copied();
        let place = by_id.or(by_email).unwrap_or_else(|| {
            self.people.push(Person::default());
            self.people.len() - 1
        });
        self.by_key.insert(user.id.clone(), place);
        if let Some(email) = email {
            self.by_key.insert(email.clone(), place);
            self.people[place].emails.insert(email);
        }
        let named = [
            Some(&user.display_name),
            user.user_name.as_ref(),
            user.first_name.as_ref(),
            user.last_name.as_ref(),
            Some(&user.id),
        ];
        for word in named.into_iter().flatten() {
            self.people[place].learn(word);
        }
        // A platform that knows one name only has it in one piece.
        if user.first_name.is_none() {
            for word in user.display_name.split_whitespace() {
                self.people[place].learn(word);
            }
        }
        place
    }

    /// Somebody of whom an id and a word are known.
    fn word(&mut self, id: &str, word: &str) -> usize {
        let place = self.by_key.get(id).copied().unwrap_or_else(|| {
            self.people.push(Person::default());
            self.people.len() - 1
        });
        self.by_key.insert(id.to_owned(), place);
        self.people[place].learn(id);
        self.people[place].learn(word);
        place
    }

    fn email(&mut self, email: &str) -> usize {
        let email = email.to_lowercase();
        let place = self.by_key.get(&email).copied().unwrap_or_else(|| {
            self.people.push(Person::default());
            self.people.len() - 1
        });
        self.by_key.insert(email.clone(), place);
        self.people[place].emails.insert(email);
        place
    }

    fn room(&mut self, id: &str, name: Option<&str>) {
        self.kinds
            .entry(id.to_owned())
            .or_insert(ConversationKind::Room);
        let known = self.rooms.iter_mut().find(|(known, ..)| known == id);
        let (_, words, _) = match known {
            Some(known) => known,
            None => {
                self.rooms
                    .push((id.to_owned(), BTreeSet::new(), String::new()));
                let last = self.rooms.len() - 1;
                &mut self.rooms[last]
            }
        };
        words.insert(id.to_owned());
        words.extend(name.filter(|it| !it.trim().is_empty()).map(str::to_owned));
    }

    /// Gives everybody a name that nobody has, so that no real name is left anywhere.
    fn call_them(&mut self) {
        let people = self.people.iter().flat_map(|it| it.words.iter());
        let rooms = self.rooms.iter().flat_map(|(_, words, _)| words.iter());
        let taken: HashSet<String> = people.chain(rooms).map(|it| it.to_lowercase()).collect();
        let mut people = free(&PEOPLE, "person", &taken);
        for person in &mut self.people {
            person.alias = people.next().unwrap_or_default();
        }
        let mut rooms = free(&ROOMS, "room", &taken);
        for (_, _, alias) in &mut self.rooms {
            *alias = rooms.next().unwrap_or_default();
        }
    }

    /// What a user is called; none where nothing is known of them.
    pub(super) fn alias(&self, id: &str) -> Option<&str> {
        let place = self
            .by_key
            .get(id)
            .or_else(|| self.by_key.get(&id.to_lowercase()))?;
        Some(&self.people[*place].alias)
    }

    /// What a room is called.
    pub(super) fn room_alias(&self, id: &str) -> Option<&str> {
        let mut rooms = self.rooms.iter();
        rooms
            .find(|(known, ..)| known == id)
            .map(|(_, _, alias)| alias.as_str())
    }

    /// What the customer of a chat is called.
    pub(super) fn customer(&self, id: &str) -> Option<&str> {
        let place = self.customers.get(id)?;
        Some(&self.people[*place].alias)
    }

    /// Who speaks alone with the bot in a conversation.
    pub(super) fn direct(&self, id: &str) -> Option<&str> {
        let place = self.direct.get(id)?;
        Some(&self.people[*place].alias)
    }

    /// A name for somebody who is found in a text only.
    pub(super) fn spare(&self, number: usize) -> String {
        let used = self
            .people
            .iter()
            .map(|person| person.alias.clone())
            .collect();
        free(&PEOPLE, "person", &used)
            .nth(number)
            .unwrap_or_default()
    }

    /// Every word that is replaced in texts, with what stands in its place.
    pub(super) fn words(&self) -> Vec<(String, String)> {
        let mut words = Vec::new();
        for person in &self.people {
            words.extend(
                person
                    .words
                    .iter()
                    .map(|it| (it.clone(), person.alias.clone())),
            );
            let emails = person.emails.iter();
            words.extend(emails.map(|it| (it.clone(), address(&person.alias))));
        }
        for (_, room, alias) in &self.rooms {
            words.extend(room.iter().map(|it| (it.clone(), alias.clone())));
        }
        words.extend(self.bots.iter().map(|it| (it.clone(), BOT.to_owned())));
        let mut ids: Vec<&String> = self.messages.iter().collect();
        ids.retain(|id| id.len() >= SHORTEST_ID && !id.bytes().all(|b| b.is_ascii_digit()));
        let mut seen = HashSet::new();
        ids.retain(|id| seen.insert(id.as_str()));
        let ids = ids.into_iter().enumerate();
        words.extend(ids.map(|(place, id)| (id.clone(), format!("message-{}", place + 1))));
        words
    }
}

impl Person {
    fn learn(&mut self, word: &str) {
        let word = word.trim();
        // A short number is a number before it is anybody's id.
        let least = match word.bytes().all(|b| b.is_ascii_digit()) {
            true => SHORTEST_NUMBER,
            false => SHORTEST,
        };
        if word.chars().count() >= least {
            self.words.insert(word.to_owned());
        }
    }
}

/// An address of a person in the dialog.
pub(super) fn address(alias: &str) -> String {
    format!("{alias}@example.com")
}

/// Names that are not taken, without end.
fn free<'n>(
    known: &'n [&'n str],
    word: &'n str,
    taken: &'n HashSet<String>,
) -> impl Iterator<Item = String> + 'n {
    let known = known.iter().map(|&name| name.to_owned());
    let more = (1..).map(move |number: usize| format!("{word}-{number}"));
    known.chain(more).filter(|name| !taken.contains(name))
}
