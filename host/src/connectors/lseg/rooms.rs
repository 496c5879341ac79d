//! What the bot knows of its rooms, over restarts: which there are, where it is, where it is on purpose
//! and where it is not.
//!
//! The platform may drop a bot out of a room without a word, and lists it there all the same. So a room
//! is joined again and again, and who is told of it is told once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::config::WantedRooms;
use super::files::{read_private, write_private};
use super::wire::{ListedRoom, MAX_ROOMS};
use crate::model::payload::ConversationChanged;

/// The file.
const FILE: &str = "rooms.json";

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
    kept: Mutex<Kept>,
    /// The bot is in or out of a room in another way than plugins were told.
    changed: Notify,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    /// Rooms were listed once: later differences are news.
    has_listed: bool,
    rooms: BTreeMap<String, Room>,
}

impl Rooms {
    /// Reads what the last run has left.
    pub(super) fn new(folder: Option<&PathBuf>) -> Self {
        let file = folder.map(|folder| folder.join(FILE));
        let read = file.as_ref().and_then(|file| {
            let bytes = read_private(file).unwrap_or_else(|error| {
                tracing::warn!(file = %file.display(), %error, "what was known of rooms is not read");
                None
            })?;
            let kept = serde_json::from_slice(&bytes);
            kept.map_err(|error| {
                tracing::warn!(file = %file.display(), %error, "what was known of rooms is damaged");
            })
            .ok()
        });
        Self {
            file,
            kept: Mutex::new(read.unwrap_or_default()),
            changed: Notify::new(),
        }
    }

    /// Waits until plugins are to be told that the bot is in or out of a room.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A room that is known.
    pub(super) fn find(&self, id: &str) -> Option<KnownRoom> {
        let kept = self.kept.lock();
        kept.rooms.get(id).map(|room| known(id, room))
    }

    /// Rooms that are listed, by their ids.
    pub(super) fn listed(&self) -> Vec<KnownRoom> {
        let kept = self.kept.lock();
        let listed = kept.rooms.iter().filter(|(_, room)| room.listed);
        listed.map(|(id, room)| known(id, room)).collect()
    }

    /// Tells whether there are managed rooms among those that are listed.
    pub(super) fn has_managed(&self) -> bool {
        let kept = self.kept.lock();
        kept.rooms.values().any(|room| room.listed && room.managed)
    }

    /// Tells whether the bot is in a room, as far as it knows.
    pub(super) fn is_in(&self, id: &str) -> bool {
        self.kept
            .lock()
            .rooms
            .get(id)
            .is_some_and(|room| room.is_in)
    }

    /// Tells whether the bot has left a room on purpose.
    pub(super) fn was_left(&self, id: &str) -> bool {
        let kept = self.kept.lock();
        kept.rooms
            .get(id)
            .is_some_and(|room| room.will == Will::Out)
    }

    /// What is new in a list, against what is known. Nothing is changed: it is told first.
    pub(super) fn news(&self, found: &[(ListedRoom, bool)]) -> Vec<RoomNews> {
        let kept = self.kept.lock();
        if !kept.has_listed {
            return Vec::new();
        }
        let mut news = Vec::new();
        let mut tell = |id: &str, room: &Room, name: Option<String>, change| {
            let mut room = known(id, room);
            room.name = name.or(room.name);
            let number = kept.rooms.get(id).map_or(0, |room| room.changes) + 1;
            let what = RoomChange::Room(change);
            news.push(RoomNews { room, what, number });
        };
        for (listed, managed) in found {
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
        let ids: BTreeSet<&str> = found.iter().map(|(room, _)| room.id.as_str()).collect();
        for (id, room) in &kept.rooms {
            if room.listed && !ids.contains(id.as_str()) {
                tell(id, room, None, ConversationChanged::Closed);
            }
        }
        news
    }

    /// Takes a list over, once its news is told.
    pub(super) fn take(&self, found: &[(ListedRoom, bool)]) {
        let mut kept = self.kept.lock();
        let was_listed = kept.has_listed;
        let mut is_other = !was_listed;
        let ids: BTreeSet<&str> = found.iter().map(|(room, _)| room.id.as_str()).collect();
        for (id, room) in &mut kept.rooms {
            if room.listed && !ids.contains(id.as_str()) {
                room.listed = false;
                // Whoever is not listed any more is not there any more.
                room.is_in = false;
                room.changes += 1;
                is_other = true;
            }
        }
        for (listed, managed) in found {
            if !kept.rooms.contains_key(&listed.id) && kept.rooms.len() >= MAX_ROOMS {
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
        kept.has_listed = true;
        if is_other {
            self.write(&kept);
            self.changed.notify_one();
        }
    }

    /// The rooms that the bot is to be in, and the names of those that are not listed.
    pub(super) fn wanted(&self, wanted: &WantedRooms) -> (Vec<KnownRoom>, Vec<String>) {
        let kept = self.kept.lock();
        let is_wanted = |room: &Room| match (room.will, wanted) {
            (Will::In, _) => true,
            (Will::Out, _) => false,
            (Will::Open, WantedRooms::Listed) => true,
            (Will::Open, WantedRooms::Named(names)) => {
                let name = room.name.as_ref();
                name.is_some_and(|name| names.contains(name))
            }
        };
        let listed = || kept.rooms.iter().filter(|(_, room)| room.listed);
        let rooms = listed().filter(|(_, room)| is_wanted(room));
        let rooms = rooms.map(|(id, room)| known(id, room)).collect();
        let missing = match wanted {
            WantedRooms::Listed => Vec::new(),
            WantedRooms::Named(names) => {
                let is_there =
                    |name: &&String| !listed().any(|(_, room)| room.name.as_ref() == Some(*name));
                names.iter().filter(is_there).cloned().collect()
            }
        };
        (rooms, missing)
    }

    /// Notes that a room was joined: by a plugin or an invitation, or only as the settings say.
    pub(super) fn joined(&self, id: &str, managed: bool, on_purpose: bool) {
        self.change(id, |room| {
            room.managed = managed;
            room.is_in = true;
            if on_purpose {
                room.will = Will::In;
            }
        });
    }

    /// Notes that the bot was not let into a room.
    pub(super) fn refused(&self, id: &str) {
        self.change(id, |room| room.is_in = false);
    }

    /// Notes that a room was left on purpose.
    pub(super) fn left(&self, id: &str) {
        self.change(id, |room| {
            room.is_in = false;
            room.will = Will::Out;
        });
    }

    /// Notes a room that the bot has made, and is in.
    pub(super) fn made(&self, id: &str, name: &str) {
        self.change(id, |room| {
            room.name = Some(name.to_owned());
            room.listed = true;
        });
    }

    /// What plugins are to be told of the bot's coming and going.
    pub(super) fn untold(&self) -> Vec<RoomNews> {
        let kept = self.kept.lock();
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
        };
        untold.map(news).collect()
    }

    /// Notes that plugins were told.
    pub(super) fn told(&self, news: &RoomNews) {
        let mut kept = self.kept.lock();
        if let Some(room) = kept.rooms.get_mut(&news.room.id) {
            room.told_in = news.what == RoomChange::Joined;
            room.changes = room.changes.max(news.number);
        }
        self.write(&kept);
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Room)) {
        let mut kept = self.kept.lock();
        if !kept.rooms.contains_key(id) && kept.rooms.len() >= MAX_ROOMS {
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
