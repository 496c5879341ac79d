//! What the bot knows of its rooms, over restarts: which there are, where it is, where it is on purpose
//! and where it is not.
//!
//! The platform may drop a bot out of a room without a word, and lists it there all the same. So a room
//! is joined again and again, and who is told of it is told once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::config::WantedRooms;
use super::files::{read_private, write_private};
use super::wire::{MAX_ROOMS, RoomList};
use crate::mailbox::{Clock as _, SystemClock};
use crate::model::Timestamp;
use crate::model::payload::ConversationChanged;

/// The file.
const FILE: &str = "rooms.json";
/// Rooms that are being made at one time.
const MAX_MAKING: usize = 1_000;

/// What was decided about a room by a plugin, or by an invitation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Will {
    /// Nothing: the settings say.
    #[default]
    Open,
    /// It was joined.
    In,
    /// It was left.
    Out,
}

/// A room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Room {
    name: Option<String>,
    /// It is among the managed ones, which have paths of their own.
    managed: bool,
    listed: bool,
    is_in: bool,
    /// Plugins were told that the bot is in.
    told_in: bool,
    /// Changes that plugins were told of: numbers them.
    changes: u64,
    will: Will,
    /// Somebody has asked the bot in, and it is to go there.
    is_asked: bool,
}

/// A room that is being made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Making {
    /// Rooms of its name that there were before.
    pub(super) before: Vec<String>,
    /// The room, once it is known; what is to be done in it is done still.
    pub(super) made: Option<String>,
}

/// A room as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KnownRoom {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) managed: bool,
    /// The bot was dragged into it.
    pub(super) listed: bool,
}

/// Something that plugins are to be told of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoomNews {
    pub(super) room: KnownRoom,
    pub(super) what: RoomChange,
    /// Numbers the change within its room.
    pub(super) number: u64,
    /// Since when they are numbered: a record that is lost begins another.
    pub(super) era: Timestamp,
}

/// What happened to a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RoomChange {
    /// The bot came in.
    Joined,
    /// The bot went out.
    Left,
    /// Another.
    Room(ConversationChanged),
}

/// What the bot knows of its rooms.
pub(super) struct Rooms {
    file: Option<PathBuf>,
    /// None until somebody asks: until then the session before may write it still.
    kept: Mutex<Option<Kept>>,
    /// Rooms that were made since a list was asked for: it may not have them yet.
    fresh: Mutex<BTreeSet<String>>,
    /// The bot is in or out of a room in another way than plugins were told.
    changed: Notify,
    /// The bot is asked into a room.
    asked: Notify,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    /// When it was begun; 0 where that was not noted.
    era: Timestamp,
    /// Rooms were listed once: later differences are news.
    has_listed: bool,
    rooms: BTreeMap<String, Room>,
    /// Rooms that are being made, by the names of the parts that make them.
    making: BTreeMap<String, Making>,
}

impl Kept {
    fn read(file: Option<&PathBuf>) -> Self {
        let new = || Self {
            era: SystemClock.now(),
            ..Self::default()
        };
        let Some(file) = file else {
            return new();
        };
        let bytes = read_private(file).unwrap_or_else(|error| {
            tracing::warn!(file = %file.display(), %error, "what was known of rooms is not read");
            None
        });
        let Some(bytes) = bytes else {
            return new();
        };
        serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            tracing::warn!(file = %file.display(), %error, "what was known of rooms is damaged");
            new()
        })
    }

    /// Tells whether a room can be kept in mind; one that is nobody's any more makes place for it.
    fn has_place(&mut self, id: &str) -> bool {
        if self.rooms.contains_key(id) || self.rooms.len() < MAX_ROOMS {
            return true;
        }
        let is_over = |room: &Room| !(room.listed || room.is_in || room.told_in || room.is_asked);
        let mut rooms = self.rooms.iter();
        let over = rooms.find(|(_, room)| is_over(room));
        let over = over.map(|(id, _)| id.clone());
        over.is_some_and(|over| self.rooms.remove(&over).is_some())
    }
}

impl Rooms {
    /// Knows what the last run has left, once somebody asks.
    pub(super) fn new(folder: Option<&PathBuf>) -> Self {
        Self {
            file: folder.map(|folder| folder.join(FILE)),
            kept: Mutex::new(None),
            fresh: Mutex::default(),
            changed: Notify::new(),
            asked: Notify::new(),
        }
    }

    fn kept(&self) -> MappedMutexGuard<'_, Kept> {
        MutexGuard::map(self.kept.lock(), |kept| {
            kept.get_or_insert_with(|| Kept::read(self.file.as_ref()))
        })
    }

    /// Notes that a list is about to be asked for.
    pub(super) fn begin_list(&self) {
        self.fresh.lock().clear();
    }

    /// Notes that the bot goes nowhere because it is asked.
    pub(super) fn decline_all(&self) {
        for room in self.asked_into() {
            self.change(&room.id, |room| room.is_asked = false);
        }
    }

    /// Waits until the bot is asked into a room.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Notes that the bot is asked into a room, and is to go there.
    pub(super) fn ask_in(&self, id: &str) {
        self.change(id, |room| room.is_asked = true);
        self.asked.notify_one();
    }

    /// The rooms that the bot is asked into.
    pub(super) fn asked_into(&self) -> Vec<KnownRoom> {
        let kept = self.kept();
        let asked = kept.rooms.iter().filter(|(_, room)| room.is_asked);
        asked.map(|(id, room)| known(id, room)).collect()
    }

    /// The room that a part is making.
    pub(super) fn making(&self, part: &str) -> Option<Making> {
        self.kept().making.get(part).cloned()
    }

    /// Notes that a part is about to make a room, beside these of its name.
    pub(super) fn begin_making(&self, part: &str, before: Vec<String>) {
        let making = Making { before, made: None };
        self.change_making(part, Some(making));
    }

    /// Notes that nothing is to be done any more for a room that a part made, or did not make.
    pub(super) fn end_making(&self, part: &str) {
        self.change_making(part, None);
    }

    fn change_making(&self, part: &str, making: Option<Making>) {
        let mut kept = self.kept();
        let is_other = match making {
            Some(making) => {
                if kept.making.len() >= MAX_MAKING {
                    // Parts that were given up: the oldest of them.
                    kept.making.pop_first();
                }
                kept.making.insert(part.to_owned(), making.clone()) != Some(making)
            }
            None => kept.making.remove(part).is_some(),
        };
        if is_other {
            self.write(&kept);
        }
    }

    /// Waits until plugins are to be told that the bot is in or out of a room.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A room that is known.
    pub(super) fn find(&self, id: &str) -> Option<KnownRoom> {
        let kept = self.kept();
        kept.rooms.get(id).map(|room| known(id, room))
    }

    /// Rooms that are listed, by their ids.
    pub(super) fn listed(&self) -> Vec<KnownRoom> {
        let kept = self.kept();
        let listed = kept.rooms.iter().filter(|(_, room)| room.listed);
        listed.map(|(id, room)| known(id, room)).collect()
    }

    /// Tells whether there are managed rooms among those that are listed.
    pub(super) fn has_managed(&self) -> bool {
        let kept = self.kept();
        kept.rooms.values().any(|room| room.listed && room.managed)
    }

    /// Tells whether the bot is in a room, as far as it knows.
    pub(super) fn is_in(&self, id: &str) -> bool {
        self.kept().rooms.get(id).is_some_and(|room| room.is_in)
    }

    /// Tells whether the bot has left a room on purpose, and nobody has asked it in since.
    pub(super) fn was_left(&self, id: &str) -> bool {
        let kept = self.kept();
        let room = kept.rooms.get(id);
        room.is_some_and(|room| room.will == Will::Out && !room.is_asked)
    }

    /// What is new in a list, against what is known. Nothing is changed: it is told first.
    pub(super) fn news(&self, list: &RoomList) -> Vec<RoomNews> {
        let kept = self.kept();
        if !kept.has_listed {
            return Vec::new();
        }
        let mut news = Vec::new();
        let mut tell = |id: &str, room: &Room, name: Option<String>, change| {
            let mut room = known(id, room);
            room.name = name.or(room.name);
            let number = kept.rooms.get(id).map_or(0, |room| room.changes) + 1;
            let what = RoomChange::Room(change);
            let era = kept.era;
            news.push(RoomNews {
                room,
                what,
                number,
                era,
            });
        };
        for (listed, managed) in &list.rooms {
            let name = listed.name.clone();
            let unknown = Room {
                managed: *managed,
                ..Room::default()
            };
            match kept.rooms.get(&listed.id) {
                Some(room) if room.listed => {
                    if name.is_some() && name != room.name {
                        tell(&listed.id, room, name, ConversationChanged::Updated);
                    }
                }
                Some(room) => tell(&listed.id, room, name, ConversationChanged::Created),
                None => tell(&listed.id, &unknown, name, ConversationChanged::Created),
            }
        }
        let ids = self.ids(list);
        for (id, room) in &kept.rooms {
            if is_gone(id, room, list, &ids) {
                tell(id, room, None, ConversationChanged::Closed);
            }
        }
        news
    }

    /// The rooms that there are by a list.
    fn ids(&self, list: &RoomList) -> BTreeSet<String> {
        let listed = list.rooms.iter().map(|(room, _)| room.id.clone());
        let fresh = self.fresh.lock();
        listed.chain(fresh.iter().cloned()).collect()
    }

    /// Takes a list over, once its news is told.
    pub(super) fn take(&self, list: &RoomList) {
        let mut kept = self.kept();
        let was_listed = kept.has_listed;
        let mut is_other = !was_listed;
        let ids = self.ids(list);
        for (id, room) in &mut kept.rooms {
            if is_gone(id, room, list, &ids) {
                room.listed = false;
                // Whoever is not listed any more is not there any more.
                room.is_in = false;
                room.changes += 1;
                is_other = true;
            }
        }
        for (listed, managed) in &list.rooms {
            if !kept.has_place(&listed.id) {
                tracing::warn!(room = listed.id, "more rooms than are kept in mind");
                continue;
            }
            let room = kept.rooms.entry(listed.id.clone()).or_default();
            let is_renamed = listed.name.is_some() && listed.name != room.name;
            if !room.listed || is_renamed {
                room.changes += u64::from(was_listed);
                is_other = true;
            }
            room.listed = true;
            room.managed = *managed;
            if is_renamed {
                room.name.clone_from(&listed.name);
            }
        }
        // What was not listed whole has rooms that would be news at the next.
        kept.has_listed |= list.knows_managed;
        if is_other {
            self.write(&kept);
            self.changed.notify_one();
        }
    }

    /// The rooms that the bot is to be in, and the names of those that are not listed.
    pub(super) fn wanted(&self, wanted: &WantedRooms) -> (Vec<KnownRoom>, Vec<String>) {
        let kept = self.kept();
        let is_called = |id: &String, room: &Room, name: &String| {
            id == name || room.name.as_ref() == Some(name)
        };
        let is_wanted = |id: &String, room: &Room| match (room.will, wanted) {
            (Will::In, _) => true,
            (Will::Out, _) => false,
            (Will::Open, WantedRooms::Listed) => true,
            (Will::Open, WantedRooms::Named(names)) => {
                names.iter().any(|name| is_called(id, room, name))
            }
        };
        // Where the bot was asked in, it is listed only once it is there.
        let rooms = kept
            .rooms
            .iter()
            .filter(|(id, room)| room.is_asked || (room.listed && is_wanted(id, room)));
        let rooms = rooms.map(|(id, room)| known(id, room)).collect();
        let missing = match wanted {
            WantedRooms::Listed => Vec::new(),
            WantedRooms::Named(names) => {
                let is_missing = |name: &&String| {
                    let mut rooms = kept.rooms.iter();
                    !rooms.any(|(id, room)| room.listed && is_called(id, room, name))
                };
                names.iter().filter(is_missing).cloned().collect()
            }
        };
        (rooms, missing)
    }

    /// Notes that a room was joined: by a plugin or an invitation, or only as the settings say.
    pub(super) fn joined(&self, id: &str, managed: bool, on_purpose: bool) {
        self.change(id, |room| {
            room.managed = managed;
            room.is_in = true;
            if on_purpose || room.is_asked {
                room.will = Will::In;
            }
            room.is_asked = false;
        });
    }

    /// Notes that the bot was not let into a room.
    pub(super) fn refused(&self, id: &str) {
        self.change(id, |room| {
            room.is_in = false;
            room.is_asked = false;
        });
    }

    /// Notes that a room was left on purpose.
    pub(super) fn left(&self, id: &str) {
        self.change(id, |room| {
            room.is_in = false;
            room.is_asked = false;
            room.will = Will::Out;
        });
    }

    /// Notes the room that a part has made.
    pub(super) fn made(&self, part: &str, id: &str, name: &str) {
        let making = Making {
            made: Some(id.to_owned()),
            ..self.making(part).unwrap_or_default()
        };
        self.change_making(part, Some(making));
        self.fresh.lock().insert(id.to_owned());
        self.change(id, |room| {
            room.name = Some(name.to_owned());
            room.listed = true;
        });
    }

    /// What plugins are to be told of the bot's coming and going.
    pub(super) fn untold(&self) -> Vec<RoomNews> {
        let kept = self.kept();
        let untold = kept
            .rooms
            .iter()
            .filter(|(_, room)| room.is_in != room.told_in);
        let news = |(id, room): (&String, &Room)| RoomNews {
            room: known(id, room),
            what: match room.is_in {
                true => RoomChange::Joined,
                false => RoomChange::Left,
            },
            number: room.changes + 1,
            era: kept.era,
        };
        untold.map(news).collect()
    }

    /// Notes that plugins were told.
    pub(super) fn told(&self, news: &RoomNews) {
        let mut kept = self.kept();
        if let Some(room) = kept.rooms.get_mut(&news.room.id) {
            room.told_in = news.what == RoomChange::Joined;
            room.changes = room.changes.max(news.number);
        }
        self.write(&kept);
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Room)) {
        let mut kept = self.kept();
        if !kept.has_place(id) {
            tracing::warn!(room = id, "more rooms than are kept in mind");
            return;
        }
        let room = kept.rooms.entry(id.to_owned()).or_default();
        let before = room.clone();
        change(room);
        if *room == before {
            return;
        }
        self.write(&kept);
        self.changed.notify_one();
    }

    fn write(&self, kept: &Kept) {
        let Some(file) = &self.file else {
            return;
        };
        let written = serde_json::to_vec(kept).map_err(std::io::Error::from);
        let written = written.and_then(|bytes| write_private(file, &bytes));
        if let Err(error) = written {
            tracing::warn!(file = %file.display(), %error, "what is known of rooms is not kept");
        }
    }
}

/// Tells whether a room was in the list before and is not any more.
fn is_gone(id: &str, room: &Room, list: &RoomList, ids: &BTreeSet<String>) -> bool {
    room.listed && !ids.contains(id) && (list.knows_managed || !room.managed)
}

fn known(id: &str, room: &Room) -> KnownRoom {
    KnownRoom {
        id: id.to_owned(),
        name: room.name.clone(),
        managed: room.managed,
        listed: room.listed,
    }
}

#[cfg(test)]
mod tests;
