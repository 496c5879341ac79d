//! The log of the local platform: every change is in it before anybody sees it.
//!
//! `rooms.jsonl` is appended to. When it has grown, it becomes `rooms.old.jsonl`, a new one begins,
//! and a thread writes everything up to there into `rooms.snapshot.jsonl`; then the old one goes.
//! A line cut by a crash was never shown to anybody and is passed over. Nothing is synced: the log
//! survives `kill -9`, not a power cut.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};

use super::state::{Room, State};
use crate::mailbox::rooms::{Done, RoomEvent, RoomInfo, RoomMember, RoomMessage, RoomUser};
use crate::model::Name;
use crate::model::directory::ContactStatus;

/// Bytes of the log at which it is written anew.
pub const LOG_MAX: u64 = 64 * 1024 * 1024;
/// Changes kept for bots that may not have accepted them.
pub const REOFFER_MAX: usize = 32_768;

const CURRENT: &str = "rooms.jsonl";
const OLD: &str = "rooms.old.jsonl";
const SNAPSHOT: &str = "rooms.snapshot.jsonl";
const SNAPSHOT_NEW: &str = "rooms.snapshot.new";

/// A line of the log or of a snapshot.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    /// The first line of every file.
    Platform { epoch: Name },
    /// A change.
    Event(Arc<RoomEvent>),
    /// A bot has accepted everything up to here.
    Accepted { bot: Name, upto: u64 },
    /// Snapshot: a user.
    User(Arc<RoomUser>),
    /// Snapshot: a conversation.
    Room {
        info: Arc<RoomInfo>,
        members: Arc<Vec<RoomMember>>,
    },
    /// Snapshot: a message.
    Message(Arc<RoomMessage>),
    /// Snapshot: a contact.
    Contact {
        bot: Name,
        user: Name,
        status: ContactStatus,
    },
    /// Snapshot: an outbox part that was performed.
    Performed { part: Name, done: Done },
    /// Snapshot: a change that some bot may not have accepted.
    Waiting(Arc<RoomEvent>),
    /// Snapshot: everything up to this change was in it; the last line.
    End { number: u64 },
}

/// What a folder held.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What ids of this platform begin with; empty for a new folder.
    pub epoch: Option<Name>,
    /// Everything.
    pub state: State,
    /// Up to where each bot has accepted.
    pub marks: HashMap<Name, u64>,
    /// Changes that some bot may not have accepted, by number.
    pub waiting: BTreeMap<u64, Arc<RoomEvent>>,
}

impl Loaded {
    fn keep_waiting(&mut self, event: Arc<RoomEvent>) {
        self.waiting.insert(event.number, event);
        if self.waiting.len() > REOFFER_MAX {
            self.waiting.pop_first();
        }
    }

    fn read(&mut self, path: &Path) -> std::io::Result<bool> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        let before = self.state.number;
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            match serde_json::from_slice::<Line>(&line) {
                Ok(entry) => self.take(entry, before),
                Err(error) if !line.ends_with(b"\n") => {
                    tracing::warn!(path = %path.display(), %error, "log ends in half a line");
                }
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "line of the log passed over");
                }
            }
        }
        Ok(true)
    }

    fn take(&mut self, line: Line, before: u64) {
        match line {
            Line::Platform { epoch } => self.epoch = Some(epoch),
            Line::Event(event) => {
                // What a snapshot holds already comes again from the log that it was made of.
                if event.number > before {
                    self.state.apply(&event);
                    self.keep_waiting(event);
                }
            }
            Line::Accepted { bot, upto } => {
                let mark = self.marks.entry(bot).or_default();
                *mark = upto.max(*mark);
            }
            Line::User(user) => {
                self.state.users.insert(user.id.clone(), user);
            }
            Line::Room { info, members } => {
                let room = Room {
                    info: info.clone(),
                    members,
                    messages: std::collections::VecDeque::new(),
                };
                self.state.rooms.insert(info.id.clone(), room);
            }
            Line::Message(message) => self.state.restore(&message),
            Line::Contact { bot, user, status } => {
                self.state.contacts.insert((bot, user), status);
            }
            Line::Performed { part, done } => self.state.remember(part, done),
            Line::Waiting(event) => self.keep_waiting(event),
            Line::End { number } => self.state.number = number,
        }
    }
}

/// Reads what a folder holds, and tells whether a stop fell into the writing of a snapshot.
///
/// # Errors
/// When it cannot be read; an absent one holds nothing.
pub fn load(folder: &Path) -> std::io::Result<(Loaded, bool)> {
    let mut loaded = Loaded::default();
    loaded.read(&folder.join(SNAPSHOT))?;
    let has_old = loaded.read(&folder.join(OLD))?;
    loaded.read(&folder.join(CURRENT))?;
    Ok((loaded, has_old))
}

/// What a snapshot is written from.
#[derive(Debug)]
pub struct Copy {
    /// What ids begin with.
    pub epoch: Name,
    /// Everything.
    pub state: State,
    /// Up to where each bot has accepted.
    pub marks: HashMap<Name, u64>,
    /// Changes that some bot may not have accepted.
    pub waiting: Vec<Arc<RoomEvent>>,
}

/// The open log.
#[derive(Debug)]
pub struct Log {
    folder: PathBuf,
    file: File,
    length: u64,
    limit: u64,
    epoch: Name,
    rotation: Option<JoinHandle<std::io::Result<u64>>>,
}

impl Log {
    /// Opens the log of a folder and reads what it holds.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub fn open(folder: &Path, new_epoch: &Name, limit: u64) -> std::io::Result<(Self, Loaded)> {
        create_private(folder)?;
        let (mut loaded, has_old) = load(folder)?;
        let epoch = loaded
            .epoch
            .get_or_insert_with(|| new_epoch.clone())
            .clone();
        let lowest = loaded.marks.values().min().copied().unwrap_or(0);
        loaded.waiting = loaded.waiting.split_off(&(lowest + 1));
        if has_old {
            // A stop fell into the writing of a snapshot: it is made up for here.
            let copy = Copy {
                epoch: epoch.clone(),
                state: loaded.state.clone(),
                marks: loaded.marks.clone(),
                waiting: loaded.waiting.values().cloned().collect(),
            };
            write_snapshot(folder, &copy)?;
            std::fs::remove_file(folder.join(OLD))?;
        }
        let mut log = Self {
            file: open_append(&folder.join(CURRENT))?,
            length: 0,
            limit,
            folder: folder.to_path_buf(),
            epoch: epoch.clone(),
            rotation: None,
        };
        log.length = log.file.metadata()?.len();
        // A line that a crash has cut must not swallow the next one.
        let mut head = if log.length > 0 {
            vec![b'\n']
        } else {
            Vec::new()
        };
        if log.length > 0 && ends_in_line_feed(&folder.join(CURRENT))? {
            head.clear();
        }
        put(&mut head, &Line::Platform { epoch });
        log.append(&head)?;
        Ok((log, loaded))
    }

    /// Appends lines; nothing of them stays when it fails.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn append(&mut self, lines: &[u8]) -> std::io::Result<()> {
        match self.file.write_all(lines) {
            Ok(()) => {
                self.length += lines.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.file.set_len(self.length)?;
                Err(error)
            }
        }
    }

    /// Tells whether the log should be written anew.
    pub fn is_due(&self) -> bool {
        self.length >= self.limit && self.rotation.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Begins a new log; a thread writes `copy` down and then removes the old one.
    ///
    /// # Errors
    /// When the files cannot be renamed or made.
    pub fn rotate(&mut self, copy: Copy) -> std::io::Result<()> {
        self.finish_rotation()?;
        // An old one is there where its snapshot could not be written. It is all there is of its time,
        // so the current one goes on until a snapshot holds both.
        if !self.folder.join(OLD).exists() {
            self.begin_anew()?;
        }
        let folder = self.folder.clone();
        let thread = std::thread::Builder::new()
            .name("rooms-snapshot".to_owned())
            .spawn(move || {
                let bytes = write_snapshot(&folder, &copy)?;
                std::fs::remove_file(folder.join(OLD))?;
                Ok(bytes)
            })?;
        self.rotation = Some(thread);
        Ok(())
    }

    fn begin_anew(&mut self) -> std::io::Result<()> {
        let (current, old) = (self.folder.join(CURRENT), self.folder.join(OLD));
        let mut head = Vec::new();
        put(
            &mut head,
            &Line::Platform {
                epoch: self.epoch.clone(),
            },
        );
        std::fs::rename(&current, &old)?;
        let begun = open_append(&current).and_then(|mut file| {
            file.write_all(&head)?;
            Ok(file)
        });
        match begun {
            Ok(file) => {
                self.file = file;
                self.length = head.len() as u64;
                Ok(())
            }
            Err(error) => {
                // What is open goes on under its own name.
                std::fs::rename(&old, &current)?;
                Err(error)
            }
        }
    }

    /// Waits until a snapshot that is being written is there.
    ///
    /// # Errors
    /// When it could not be written; the old log stays and is read at the next start.
    pub fn finish_rotation(&mut self) -> std::io::Result<()> {
        let Some(thread) = self.rotation.take() else {
            return Ok(());
        };
        let written = thread
            .join()
            .unwrap_or_else(|_| Err(std::io::Error::other("writing a snapshot ended early")));
        match written {
            Ok(bytes) => {
                // A large platform is written anew less often, or it would do nothing else.
                self.limit = self.limit.max(bytes * 2);
                Ok(())
            }
            Err(error) => {
                // Tried again when there is as much once more.
                self.limit = self.limit.saturating_add(self.length);
                Err(error)
            }
        }
    }
}

/// Adds the line of a change.
pub fn put_event(buffer: &mut Vec<u8>, event: &Arc<RoomEvent>) {
    put(buffer, &Line::Event(event.clone()));
}

/// Adds the line of an acceptance mark.
pub fn put_accepted(buffer: &mut Vec<u8>, bot: &Name, upto: u64) {
    put(
        buffer,
        &Line::Accepted {
            bot: bot.clone(),
            upto,
        },
    );
}

fn put(buffer: &mut Vec<u8>, line: &Line) {
    let start = buffer.len();
    match serde_json::to_writer(&mut *buffer, line) {
        Ok(()) => buffer.push(b'\n'),
        Err(error) => {
            // Plain data with text keys always has a JSON form.
            buffer.truncate(start);
            tracing::error!(%error, "change has no line in the log");
        }
    }
}

fn write_snapshot(folder: &Path, copy: &Copy) -> std::io::Result<u64> {
    let new = folder.join(SNAPSHOT_NEW);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&new)?);
    let mut line = Vec::new();
    let mut bytes = 0;
    let mut write = |entry: &Line| -> std::io::Result<()> {
        line.clear();
        put(&mut line, entry);
        bytes += line.len() as u64;
        out.write_all(&line)
    };
    write(&Line::Platform {
        epoch: copy.epoch.clone(),
    })?;
    for user in copy.state.users.values() {
        write(&Line::User(user.clone()))?;
    }
    for room in copy.state.rooms.values() {
        write(&Line::Room {
            info: room.info.clone(),
            members: room.members.clone(),
        })?;
        for message in &room.messages {
            write(&Line::Message(message.clone()))?;
        }
    }
    for ((bot, user), status) in &copy.state.contacts {
        write(&Line::Contact {
            bot: bot.clone(),
            user: user.clone(),
            status: *status,
        })?;
    }
    for (part, done) in copy.state.all_performed() {
        write(&Line::Performed {
            part: part.clone(),
            done: done.clone(),
        })?;
    }
    for (bot, upto) in &copy.marks {
        write(&Line::Accepted {
            bot: bot.clone(),
            upto: *upto,
        })?;
    }
    for event in &copy.waiting {
        write(&Line::Waiting(event.clone()))?;
    }
    write(&Line::End {
        number: copy.state.number,
    })?;
    out.into_inner()
        .map_err(std::io::IntoInnerError::into_error)?
        .sync_all()?;
    std::fs::rename(&new, folder.join(SNAPSHOT))?;
    Ok(bytes)
}

fn open_append(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn ends_in_line_feed(path: &Path) -> std::io::Result<bool> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Makes a folder that only its owner can read.
///
/// # Errors
/// When it cannot be made.
pub fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}
