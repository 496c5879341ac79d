//! The platform itself: who is there, what was said, who hears of it.
//!
//! Every change goes one way: a command is decided (`rules`, pure), applied (`state`), written to the
//! log where there is one, and only then shown to bots and front ends, in order.

mod away;
pub mod files;
pub mod forms;
mod inner;
pub mod log;
pub mod names;
mod people;
pub mod rules;
pub mod state;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::{Notify, broadcast};

use self::files::Files;
use self::log::{LOG_MAX, Log};
use self::state::State;
use super::config::LocalConfig;
use crate::mailbox::rooms::{
    Change, Command, Done, RoomEvent, RoomFile, RoomInfo, RoomMember, RoomUser, RoomView, Rooms,
    RoomsError, Snapshot, View, is_private,
};
use crate::mailbox::{Clock, SystemClock};
use crate::model::Name;
use crate::model::event::{ConversationKind, ConversationRole, UserKind, Visibility};
use crate::model::payload::{MemberChange, PresenceStatus};

/// Changes that a front end may lag behind.
pub const CHANGES_MAX: usize = 4_096;
/// Changes that may wait for a bot before users have to wait.
pub const INBOUND_MAX: usize = 8_192;
/// Messages of each conversation in a snapshot.
pub const SNAPSHOT_MESSAGES: usize = 100;
/// Conversations in a snapshot, the latest ones.
pub const SNAPSHOT_ROOMS: usize = 200;
/// Acceptances after which the log hears of them.
const MARK_EVERY: u64 = 256;
/// A start may number 2^20 passing changes a millisecond.
const PASSING_BITS: u32 = 20;
/// How long a user waits for a bot that has too much to do.
const BUSY_AFTER: Duration = Duration::from_secs(30);

/// A change as a bot hears it, with what the event needs from around it.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The change.
    pub event: Arc<RoomEvent>,
    /// Who did it.
    pub actor: Arc<RoomUser>,
    /// Where.
    pub room: Option<Arc<RoomInfo>>,
    /// Who was there then.
    pub members: Arc<Vec<RoomMember>>,
    /// Whom it concerns, for changes of members.
    pub subject: Option<Arc<RoomUser>>,
}

/// A bot of the platform.
#[derive(Clone, Debug)]
pub struct HubBot {
    /// Its number here.
    place: usize,
    /// Its user.
    pub user: Arc<RoomUser>,
}

/// A handle to the platform.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

struct Inner {
    epoch: Name,
    groups: BTreeMap<String, Vec<String>>,
    // Taken before `core` where both are held.
    log: Option<Mutex<Log>>,
    core: Mutex<Core>,
    files: Files,
    changes: broadcast::Sender<Arc<RoomEvent>>,
    space: Notify,
    file_number: AtomicU64,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Core {
    state: State,
    bots: Vec<Arc<RoomUser>>,
    queues: Vec<Queue>,
    marks: HashMap<Name, u64>,
    /// Changes that were read from the log and may not have been accepted.
    reoffer: BTreeMap<u64, Arc<RoomEvent>>,
    /// Passing changes are numbered apart, from the time of the start on, so that no number comes twice.
    passing: u64,
    has_log: bool,
    /// Lines that are not in the log yet, and who hears of them when they are.
    lines: Vec<u8>,
    unshown: Vec<Arc<RoomEvent>>,
    unheard: Vec<(usize, Heard)>,
    dropped_files: Vec<String>,
}

#[derive(Default)]
struct Queue {
    heard: VecDeque<Heard>,
    /// How many of them were handed over and are not accepted yet.
    offered: usize,
    mark: u64,
    logged_mark: u64,
    /// Nobody takes what the bot hears, and how much it missed.
    is_away: bool,
    missed: u64,
    arrived: Arc<Notify>,
}

impl Hub {
    /// Opens the platform.
    ///
    /// # Errors
    /// When its folder cannot be read or written, or a room's name cannot be used.
    pub fn open(config: LocalConfig) -> Result<Self, RoomsError> {
        Self::open_with(config, LOG_MAX, Arc::new(SystemClock))
    }

    /// Opens the platform in memory.
    pub fn in_memory() -> Self {
        let config = LocalConfig::default();
        match Self::open(config) {
            Ok(hub) => hub,
            // Nothing is read or written, and the name of the only room is a constant.
            Err(error) => unreachable!("{error}"),
        }
    }

    pub(super) fn open_with(
        config: LocalConfig,
        limit: u64,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RoomsError> {
        let storage = |error: std::io::Error| RoomsError::Storage(error.to_string());
        let now = clock.now();
        let new_epoch: Name = base36(now).into();
        let files =
            Files::open(config.folder.as_ref().map(|f| f.join("files"))).map_err(storage)?;
        let mut core = Core {
            passing: now << PASSING_BITS,
            has_log: config.folder.is_some(),
            ..Core::default()
        };
        let (log, epoch) = match &config.folder {
            Some(folder) => {
                let (log, loaded) = Log::open(folder, &new_epoch, limit).map_err(storage)?;
                core.state = loaded.state;
                core.marks = loaded.marks;
                core.reoffer = loaded.waiting;
                (Some(Mutex::new(log)), loaded.epoch.unwrap_or(new_epoch))
            }
            None => (None, new_epoch),
        };
        let hub = Self {
            inner: Arc::new(Inner {
                epoch,
                groups: config.groups,
                log,
                core: Mutex::new(core),
                files,
                changes: broadcast::Sender::new(CHANGES_MAX),
                space: Notify::new(),
                file_number: AtomicU64::new(now),
                clock,
            }),
        };
        hub.make_rooms(&config.rooms)?;
        hub.make_users(&config.users)?;
        Ok(hub)
    }

    fn make_rooms(&self, rooms: &[String]) -> Result<(), RoomsError> {
        let inner = &self.inner;
        let mut core = inner.core.lock();
        for name in rooms {
            if names::find_room(&core.state, name).is_some() {
                continue;
            }
            names::check_name(name, rules::NAME_MAX)?;
            let room = RoomInfo {
                id: format!("room:{}", names::id_from_name(name)).into(),
                kind: ConversationKind::Room,
                name: name.as_str().into(),
                description: String::new(),
                public: true,
                open: true,
                external: false,
                closed: false,
                tags: Vec::new(),
            };
            let change = Change::Created {
                room: Arc::new(room),
                members: Vec::new(),
            };
            inner.make(&mut core, &"system".into(), inner.clock.now(), None, change);
        }
        drop(core);
        inner.flush()
    }

    /// Makes a bot known, in every public room when it is new, and offers it again what it may not
    /// have accepted before a stop.
    ///
    /// # Errors
    /// When its name cannot be used or a person has it.
    pub fn attach(&self, name: &str, display_name: &str) -> Result<HubBot, RoomsError> {
        let id = names::id_from_name(name);
        let user = Arc::new(RoomUser {
            id: id.clone(),
            ..(*names::new_user(display_name, UserKind::Bot)?).clone()
        });
        let inner = &self.inner;
        let mut core = inner.core.lock();
        let known = core.state.users.get(&id).cloned();
        if known
            .as_ref()
            .is_some_and(|known| known.kind != UserKind::Bot)
        {
            return Err(RoomsError::Denied(format!(
                "{name} is a person's name on the local platform"
            )));
        }
        if let Some(place) = core.bots.iter().position(|bot| bot.id == id) {
            return core.known_bot(place, name);
        }
        let at = inner.clock.now();
        if known.as_ref() != Some(&user) {
            inner.make(&mut core, &id, at, None, Change::User(user.clone()));
        }
        if known.is_none() {
            let mut rooms: Vec<Name> = core
                .state
                .rooms
                .values()
                .filter(|room| room.info.kind == ConversationKind::Room && room.info.public)
                .map(|room| room.info.id.clone())
                .collect();
            rooms.sort();
            for conversation in rooms {
                let change = Change::Member {
                    conversation,
                    user: id.clone(),
                    role: ConversationRole::Member,
                    change: MemberChange::Joined,
                };
                inner.make(&mut core, &id, at, None, change);
            }
        }
        let mark = core.marks.get(&id).copied();
        let mut queue = Queue::default();
        queue.mark = mark.unwrap_or(core.state.number);
        queue.logged_mark = queue.mark;
        for event in core.reoffer.range(queue.mark + 1..).map(|(_, event)| event) {
            if hears(&core.state, &id, event) {
                queue.heard.push_back(heard(&core.state, event));
            }
        }
        if mark.is_none() {
            // Without a mark the next start could not tell what is new to it.
            let number = queue.mark;
            core.marks.insert(id.clone(), number);
            if core.has_log {
                log::put_accepted(&mut core.lines, &id, number);
            }
        }
        let place = core.bots.len();
        core.bots.push(user.clone());
        core.queues.push(queue);
        drop(core);
        inner.flush()?;
        Ok(HubBot { place, user })
    }

    /// Does something as a bot. A part that was performed is not performed again.
    ///
    /// # Errors
    /// Why it was refused.
    pub fn act_as_bot(
        &self,
        bot: &HubBot,
        part: Option<Name>,
        command: Command,
    ) -> Result<Done, RoomsError> {
        self.inner.act(Who::Bot(bot, &[]), part, command)
    }

    /// What became of a part, if it was performed.
    pub fn performed(&self, part: &str) -> Option<Done> {
        self.inner.core.lock().state.performed(part).cloned()
    }

    /// Reads what is there.
    pub fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.inner.core.lock().state)
    }

    /// The bytes of a file of a message that is kept.
    pub fn file_bytes(&self, id: &str) -> Option<RoomFile> {
        let (message, _) = id.rsplit_once('.')?;
        let about = self.read(|state| {
            let (_, message) = state.message(message)?;
            message.attachments.iter().find(|a| a.id == id).cloned()
        })?;
        let bytes = self.inner.files.read(id)?;
        Some(RoomFile { about, bytes })
    }

    /// The groups that chats can be handed to, with their people.
    pub fn groups(&self) -> &BTreeMap<String, Vec<String>> {
        &self.inner.groups
    }

    /// What ids of this platform begin with.
    pub fn epoch(&self) -> &Name {
        &self.inner.epoch
    }

    /// Waits for changes for a bot, and hands over up to `max` of them, in order. They are kept
    /// until they are [accepted](Self::accepted).
    pub async fn next_for(&self, bot: &HubBot, max: usize) -> Vec<Heard> {
        loop {
            let arrived = {
                let mut core = self.inner.core.lock();
                let queue = &mut core.queues[bot.place];
                if queue.offered < queue.heard.len() {
                    let end = queue.heard.len().min(queue.offered + max);
                    let batch = queue.heard.range(queue.offered..end).cloned().collect();
                    queue.offered = end;
                    return batch;
                }
                queue.arrived.clone()
            };
            // A permit stored since the lock was let go ends the wait at once.
            arrived.notified().await;
        }
    }

    /// Notes that the next `count` changes handed over to a bot are in the journal.
    pub fn accepted(&self, bot: &HubBot, count: usize) {
        let mut core = self.inner.core.lock();
        let was_full = core.queues[bot.place].heard.len() >= INBOUND_MAX;
        let queue = &mut core.queues[bot.place];
        let count = count.min(queue.offered);
        queue.offered -= count;
        for heard in queue.heard.drain(..count) {
            if !heard.event.change.is_passing() {
                queue.mark = queue.mark.max(heard.event.number);
            }
        }
        if queue.mark >= queue.logged_mark + MARK_EVERY {
            core.note_mark(bot);
        }
        drop(core);
        if was_full {
            self.inner.space.notify_waiters();
        }
    }

    /// Hands over again what was handed over and not accepted.
    pub fn offer_again(&self, bot: &HubBot) {
        let mut core = self.inner.core.lock();
        let queue = &mut core.queues[bot.place];
        queue.offered = 0;
        queue.arrived.notify_one();
    }

    /// Tells how far the platform is, where a bot has accepted everything that it heard up to there.
    pub fn quiet(&self, bot: &HubBot) -> Option<(u64, u64)> {
        let core = self.inner.core.lock();
        let is_quiet = core.unheard.is_empty() && core.queues[bot.place].heard.is_empty();
        is_quiet.then_some((core.state.number, core.passing))
    }

    /// Writes down how far a bot has accepted, so that the next start does not offer it again.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn write_marks(&self, bot: &HubBot) -> Result<(), RoomsError> {
        self.inner.core.lock().note_mark(bot);
        self.inner.flush()
    }

    /// Writes everything down and waits for a snapshot that is being written.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn close(&self) -> Result<(), RoomsError> {
        self.inner.flush()?;
        match &self.inner.log {
            Some(log) => log
                .lock()
                .finish_rotation()
                .map_err(|error| RoomsError::Storage(error.to_string())),
            None => Ok(()),
        }
    }

    async fn wait_for_space(&self) -> Result<(), RoomsError> {
        let inner = &self.inner;
        let wait = async {
            loop {
                let space = inner.space.notified();
                tokio::pin!(space);
                space.as_mut().enable();
                if !inner.core.lock().is_full(INBOUND_MAX) {
                    return;
                }
                space.await;
            }
        };
        tokio::time::timeout(BUSY_AFTER, wait)
            .await
            .map_err(|_| RoomsError::Busy)
    }
}

#[async_trait]
impl Rooms for Hub {
    async fn act(&self, user: &str, command: Command) -> Result<Done, RoomsError> {
        if self.inner.core.lock().is_full(INBOUND_MAX) {
            self.wait_for_space().await?;
        }
        self.inner.act(Who::Person(user), None, command)
    }

    fn view(&self, user: &str) -> Result<(Snapshot, View), RoomsError> {
        let inner = &self.inner;
        let mut log = inner.log.as_ref().map(Mutex::lock);
        let mut core = inner.core.lock();
        let (viewer, is_new) = core.person(user)?;
        if is_new {
            let change = Change::User(viewer.clone());
            let at = inner.clock.now();
            inner.make(&mut core, &viewer.id, at, None, change);
        }
        if let Some(log) = &mut log {
            inner.write_down(log, &mut core)?;
            inner.show(&mut core);
        }
        let snapshot = snapshot(&core.state, viewer);
        // Subscribed under the lock, so that nothing falls between the two.
        let view = View::new(&snapshot, inner.changes.subscribe());
        Ok((snapshot, view))
    }

    fn file(&self, user: &str, id: &str) -> Option<RoomFile> {
        let (message, _) = id.rsplit_once('.')?;
        self.may_see(user, message)
            .then(|| self.file_bytes(id))
            .flatten()
    }
}

#[derive(Clone, Copy)]
enum Who<'a> {
    Person(&'a str),
    Bot(&'a HubBot, &'a [String]),
}

/// Tells whether a bot hears of a change. In a customer chat it hears what is said though it is not
/// a member, as the webhooks of customer chat platforms do; elsewhere it hears members only.
fn hears(state: &State, bot: &str, event: &RoomEvent) -> bool {
    if *event.by == *bot {
        return false;
    }
    match &event.change {
        Change::User(_) => false,
        Change::Member { user, .. } if **user == *bot => true,
        Change::Presence { .. } => true,
        Change::Contact { bot: of, .. } => **of == *bot,
        change => {
            let Some(room) = change.conversation().and_then(|id| state.rooms.get(id)) else {
                return false;
            };
            room.info.kind == ConversationKind::CustomerChat || room.member(bot).is_some()
        }
    }
}

fn heard(state: &State, event: &Arc<RoomEvent>) -> Heard {
    let room = event
        .change
        .conversation()
        .and_then(|id| state.rooms.get(id));
    let subject = match &event.change {
        Change::Member { user, .. } | Change::Contact { user, .. } => {
            state.users.get(user).cloned()
        }
        _ => None,
    };
    Heard {
        event: event.clone(),
        actor: state.users.get(&event.by).cloned().unwrap_or_else(|| {
            Arc::new(RoomUser {
                id: event.by.clone(),
                name: event.by.clone(),
                kind: UserKind::System,
            })
        }),
        room: room.map(|room| room.info.clone()),
        members: room.map_or_else(Arc::default, |room| room.members.clone()),
        subject,
    }
}

fn snapshot(state: &State, viewer: Arc<RoomUser>) -> Snapshot {
    let mut rooms: Vec<RoomView> = state
        .rooms
        .values()
        .filter_map(|room| {
            let role = room.member(&viewer.id).map(|member| member.role);
            if role.is_none() && is_private(&room.info) {
                return None;
            }
            let customer = role == Some(ConversationRole::Customer);
            let mut messages: Vec<_> = room
                .messages
                .iter()
                .rev()
                .filter(|m| !(customer && m.visibility == Visibility::Agents))
                .take(SNAPSHOT_MESSAGES)
                .cloned()
                .collect();
            messages.reverse();
            Some(RoomView {
                room: room.info.clone(),
                members: room.members.to_vec(),
                messages,
            })
        })
        .collect();
    let last = |view: &RoomView| view.messages.last().map_or(0, |message| message.at);
    rooms.sort_by(|a, b| last(b).cmp(&last(a)).then(a.room.id.cmp(&b.room.id)));
    rooms.truncate(SNAPSHOT_ROOMS);
    rooms.sort_by(|a, b| a.room.id.cmp(&b.room.id));
    let mut users: Vec<_> = state.users.values().cloned().collect();
    users.sort_by(|a, b| a.id.cmp(&b.id));
    let mut present: Vec<_> = state
        .presence
        .iter()
        .filter(|(_, status)| **status != PresenceStatus::Offline)
        .map(|(user, _)| user.clone())
        .collect();
    present.sort();
    Snapshot {
        number: state.number,
        viewer,
        users,
        present,
        rooms,
    }
}

fn base36(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::new();
    loop {
        digits.push(DIGITS[(number % 36) as usize]);
        number /= 36;
        if number == 0 {
            break;
        }
    }
    digits.reverse();
    String::from_utf8_lossy(&digits).into_owned()
}
