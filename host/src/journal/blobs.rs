//! Files beside the journal, each named by the hash of its bytes.
//!
//! A file is there, and on disk where the journal survives the loss of power, before the commit
//! that names it. One that nothing names any more is swept away; whoever has just put one there
//! holds it until its commit is ordered.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::lock::make_private_folder;
use super::{JournalError, JournalResult};
use crate::model::action::{Action, ActionKind, OutgoingAttachment};

/// What a file is called while it is written.
const UNFINISHED: &str = ".part";
/// Hexadecimal digits of a hash.
const DIGITS: usize = 64;

/// Brings a file, or the names in a folder, to the disk.
pub(super) type SyncPath = Arc<dyn Fn(&Path) -> std::io::Result<()> + Send + Sync>;

/// As the system does it.
pub(super) fn sync_path(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

/// A file that was put beside the journal, and stays there while this lives.
#[derive(Clone, Debug)]
pub struct HeldFile {
    /// The hash that names it.
    pub sha256: String,
    _hold: Arc<()>,
}

/// The files of one folder.
pub(super) struct Blobs {
    folder: PathBuf,
    /// How files and their names are brought to the disk, where they are.
    sync: Option<SyncPath>,
    max_bytes: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bytes: u64,
    held: HashMap<String, Weak<()>>,
    /// Sweeps under way.
    sweeps: usize,
    /// What was put there since the first of them began to look what is named.
    put: HashSet<String>,
    /// Files that are there and whose names may not be on disk yet.
    unsynced: HashSet<String>,
    next: u64,
}

impl Blobs {
    /// Opens the folder, makes it where there is none, and removes what was never finished.
    pub(super) fn open(
        folder: PathBuf,
        sync: Option<SyncPath>,
        max_bytes: u64,
    ) -> std::io::Result<Self> {
        make_private_folder(&folder)?;
        let mut bytes = 0;
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().ends_with(UNFINISHED) {
                std::fs::remove_file(entry.path())?;
            } else {
                bytes += entry.metadata()?.len();
            }
        }
        let blobs = Self {
            folder,
            sync,
            max_bytes,
            state: Mutex::new(State {
                bytes,
                ..State::default()
            }),
        };
        // Whoever was killed may have put a file there and not come to this.
        blobs.sync(&blobs.folder)?;
        Ok(blobs)
    }

    fn sync(&self, path: &Path) -> std::io::Result<()> {
        match &self.sync {
            Some(sync) => sync(path),
            None => Ok(()),
        }
    }

    /// Puts a file there and holds it. Blocks for the time that takes.
    pub(super) fn put(&self, bytes: &[u8]) -> JournalResult<HeldFile> {
        let sha256 = hash(bytes);
        let (hold, number) = {
            let mut state = self.state.lock();
            state.held.retain(|_, hold| hold.strong_count() > 0);
            let hold = match state.held.get(&sha256).and_then(Weak::upgrade) {
                Some(hold) => hold,
                None => {
                    let hold = Arc::new(());
                    state.held.insert(sha256.clone(), Arc::downgrade(&hold));
                    hold
                }
            };
            if state.sweeps > 0 {
                state.put.insert(sha256.clone());
            }
            state.next += 1;
            (hold, state.next)
        };
        let path = self.folder.join(&sha256);
        if path.exists() {
            // Whoever put it there may not have brought its name to the disk yet.
            if self.state.lock().unsynced.contains(&sha256) {
                let synced = self.sync(&self.folder);
                synced.map_err(|error| file_error(&error))?;
            }
        } else {
            let size = bytes.len() as u64;
            if self.state.lock().bytes.saturating_add(size) > self.max_bytes {
                let text = format!("files that wait to be sent take {} bytes", self.max_bytes);
                return Err(JournalError::Failed(text));
            }
            let unfinished = self.folder.join(format!("{number}{UNFINISHED}"));
            let written = self.write(&unfinished, &sha256, bytes);
            if let Err(error) = written {
                // Nobody knows of it; the next start removes it where this fails too.
                let _ = std::fs::remove_file(&unfinished);
                return Err(file_error(&error));
            }
        }
        Ok(HeldFile {
            sha256,
            _hold: hold,
        })
    }

    fn write(&self, unfinished: &Path, sha256: &str, bytes: &[u8]) -> std::io::Result<()> {
        let path = self.folder.join(sha256);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(unfinished)?;
        file.write_all(bytes)?;
        drop(file);
        self.sync(unfinished)?;
        {
            let mut state = self.state.lock();
            // Somebody else may have put the same bytes there meanwhile.
            if path.exists() {
                std::fs::remove_file(unfinished)?;
            } else {
                std::fs::rename(unfinished, path)?;
                state.bytes += bytes.len() as u64;
                state.unsynced.insert(sha256.to_owned());
            }
        }
        self.sync(&self.folder)?;
        self.state.lock().unsynced.remove(sha256);
        Ok(())
    }

    /// Reads a file, and makes sure that it is what it was.
    pub(super) fn get(&self, sha256: &str) -> JournalResult<Vec<u8>> {
        if !is_hash(sha256) {
            return Err(JournalError::Failed(format!("{sha256:?} names no file")));
        }
        let bytes = std::fs::read(self.folder.join(sha256)).map_err(|error| file_error(&error))?;
        if hash(&bytes) != sha256 {
            return Err(JournalError::Failed(format!("file {sha256} is damaged")));
        }
        Ok(bytes)
    }

    /// Begins a sweep: what is put there from now on stays.
    pub(super) fn begin_sweep(self: &Arc<Self>) -> Sweep {
        self.state.lock().sweeps += 1;
        Sweep(Arc::clone(self))
    }
}

/// A sweep under way. It begins before anybody looks what is named.
pub(super) struct Sweep(Arc<Blobs>);

impl Sweep {
    /// Removes what is not named, not held, and was not put there since the sweep began.
    pub(super) fn remove_all_but(self, named: &HashSet<String>) -> JournalResult<()> {
        self.remove(named).map_err(|error| file_error(&error))
    }

    fn remove(&self, named: &HashSet<String>) -> std::io::Result<()> {
        for entry in std::fs::read_dir(&self.0.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !is_hash(&name) || named.contains(&name) {
                continue;
            }
            let mut state = self.0.state.lock();
            let is_held = |hold: &Weak<()>| hold.strong_count() > 0;
            if state.put.contains(&name) || state.held.get(&name).is_some_and(is_held) {
                continue;
            }
            let size = entry.metadata()?.len();
            std::fs::remove_file(entry.path())?;
            state.bytes = state.bytes.saturating_sub(size);
        }
        Ok(())
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.sweeps = state.sweeps.saturating_sub(1);
        if state.sweeps == 0 {
            state.put.clear();
        }
    }
}

/// The files that an action names.
pub(super) fn named_by(action: &Action) -> impl Iterator<Item = &str> {
    let attachments = match &action.kind {
        ActionKind::Send(send) => send.attachments.as_slice(),
        _ => &[],
    };
    attachments
        .iter()
        .filter_map(|attachment| match attachment {
            OutgoingAttachment::Kept(kept) => Some(kept.sha256.as_str()),
            OutgoingAttachment::File(_) | OutgoingAttachment::Received(_) => None,
        })
}

pub(super) fn hash(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    use std::fmt::Write as _;
    let digest = sha2::Sha256::digest(bytes);
    digest
        .iter()
        .fold(String::with_capacity(DIGITS), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn is_hash(name: &str) -> bool {
    name.len() == DIGITS
        && name
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn file_error(error: &std::io::Error) -> JournalError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => JournalError::Full(error.to_string()),
        _ => JournalError::Failed(format!("file beside the journal: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn open(folder: &Path) -> Arc<Blobs> {
        let sync: SyncPath = Arc::new(sync_path);
        let blobs = Blobs::open(folder.to_owned(), Some(sync), 1_000);
        Arc::new(blobs.expect("the folder is ours"))
    }

    fn names(folder: &Path) -> usize {
        std::fs::read_dir(folder).expect("listed").count()
    }

    #[test]
    fn equal_bytes_are_one_file_and_come_back_as_they_were() {
        let folder = tempfile::tempdir().expect("made");
        let blobs = open(folder.path());
        let (first, again) = (
            blobs.put(b"one").expect("put"),
            blobs.put(b"one").expect("put"),
        );
        let other = blobs.put(b"two").expect("put");
        assert_eq!(first.sha256, again.sha256);
        assert_eq!(names(folder.path()), 2);
        assert_eq!(blobs.get(&other.sha256).expect("read"), b"two");
        assert_eq!(
            open(folder.path()).get(&first.sha256).expect("read"),
            b"one"
        );
        std::fs::write(folder.path().join(&first.sha256), "changed").expect("written");
        assert!(blobs.get(&first.sha256).is_err());
        assert!(blobs.get("../../etc/passwd").is_err());
    }

    #[test]
    fn a_sweep_leaves_what_is_named_held_or_new() {
        let folder = tempfile::tempdir().expect("made");
        let blobs = open(folder.path());
        let named = blobs.put(b"named").expect("put").sha256;
        let held = blobs.put(b"held").expect("put");
        let gone = blobs.put(b"gone").expect("put").sha256;
        let late = blobs.put(b"late").expect("put").sha256;
        let sweep = blobs.begin_sweep();
        // Its turn is ordered after the sweep has looked what is named.
        blobs.put(b"late").expect("put");
        let kept = HashSet::from([named.clone()]);
        sweep.remove_all_but(&kept).expect("swept");
        for (name, is_there) in [
            (&named, true),
            (&held.sha256, true),
            (&late, true),
            (&gone, false),
        ] {
            assert_eq!(blobs.get(name).is_ok(), is_there, "{name}");
        }
        drop(held);
        let sweep = blobs.begin_sweep();
        sweep.remove_all_but(&HashSet::new()).expect("swept");
        assert_eq!(names(folder.path()), 0);
    }

    #[test]
    fn the_name_of_a_file_is_on_disk_before_anybody_who_put_it_there_goes_on() {
        let folder = tempfile::tempdir().expect("made");
        let (begun, has_begun) = std::sync::mpsc::sync_channel(0);
        let (go, may_go) = std::sync::mpsc::sync_channel::<()>(0);
        let may_go = Mutex::new(Some(may_go));
        let names_synced = Arc::new(AtomicUsize::new(0));
        let sync: SyncPath = Arc::new({
            let names_synced = Arc::clone(&names_synced);
            move |path: &Path| {
                if path.is_dir() && names_synced.fetch_add(1, Ordering::SeqCst) == 1 {
                    // The first put; the one before was the start.
                    begun.send(()).expect("the test waits");
                    let door = may_go.lock().take().expect("this comes once");
                    door.recv().expect("the test opens it");
                }
                Ok(())
            }
        });
        let blobs = Blobs::open(folder.path().to_owned(), Some(sync), 1_000);
        let blobs = Arc::new(blobs.expect("the folder is ours"));
        let first = std::thread::spawn({
            let blobs = Arc::clone(&blobs);
            move || blobs.put(b"one").expect("put").sha256
        });
        let soon = Duration::from_secs(60);
        has_begun.recv_timeout(soon).expect("it comes to that");
        let second = blobs.put(b"one").expect("put");
        assert_eq!(names_synced.load(Ordering::SeqCst), 3, "it did so itself");
        go.send(()).expect("the first waits");
        assert_eq!(first.join().expect("it ends"), second.sha256);
        blobs.put(b"one").expect("put");
        assert_eq!(names_synced.load(Ordering::SeqCst), 3, "it is there by now");
    }

    #[test]
    fn what_was_never_finished_goes_at_the_start() {
        let folder = tempfile::tempdir().expect("made");
        std::fs::write(folder.path().join(format!("1{UNFINISHED}")), "half").expect("written");
        open(folder.path());
        assert_eq!(names(folder.path()), 0);
    }

    #[test]
    fn files_have_a_bound_together() {
        let folder = tempfile::tempdir().expect("made");
        let blobs = open(folder.path());
        blobs.put(&[1; 600]).expect("put");
        assert!(blobs.put(&[2; 600]).is_err());
        blobs.put(&[1; 600]).expect("it is there already");
        let sweep = blobs.begin_sweep();
        sweep.remove_all_but(&HashSet::new()).expect("swept");
        blobs.put(&[2; 600]).expect("there is room again");
    }
}
