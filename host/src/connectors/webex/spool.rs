//! What a webhook has brought and was not asked for yet: on disk before Webex is answered, one file
//! each, and gone from there when the journal has the event. Webex wants its answer before anything is
//! asked of it, and tells nothing twice (webex.md §4.7).

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::wire::Notice;

/// The folder below the bot's.
const FOLDER: &str = "heard";
/// How a file is called until it is whole.
const UNFINISHED: &str = "unfinished";
/// Notices that wait at most; more are told to come again.
const MAX_WAITING: usize = 10_000;
/// Bytes of a notice's file.
const MAX_BYTES: u64 = 1024 * 1024;

/// A notice with its number.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) number: u64,
    pub(super) notice: Arc<Notice>,
}

/// Why a notice was not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpoolError {
    #[error("{MAX_WAITING} notices wait")]
    Full,
    #[error("notices cannot be written: {0}")]
    Disk(#[from] io::Error),
}

/// The notices that wait.
pub(super) struct Spool {
    folder: Option<PathBuf>,
    state: Mutex<State>,
    came: Notify,
}

#[derive(Default)]
struct State {
    next: u64,
    /// Not taken yet.
    waiting: VecDeque<Waiting>,
    /// Being written, or taken and not done.
    open: usize,
    done: u64,
}

impl Spool {
    /// Opens what the last run has left.
    pub(super) fn open(folder: Option<&Path>) -> io::Result<Self> {
        let folder = folder.map(|folder| folder.join(FOLDER));
        // Begun by the time: a bot whose settings change has two of these for a moment, and neither may
        // write over what the other has.
        let mut state = State {
            next: micros(),
            ..State::default()
        };
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder)?;
            let mut left = Vec::new();
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                let name = entry.file_name();
                let name = name.to_str().unwrap_or_default();
                let Ok(number) = name.parse() else {
                    if name.starts_with(UNFINISHED) {
                        // Nobody was told that it is kept. Where it stays it does no harm.
                        let _ = std::fs::remove_file(entry.path());
                    }
                    continue;
                };
                left.push((number, entry.path()));
            }
            left.sort_unstable();
            for (number, path) in left {
                state.next = state.next.max(number + 1);
                match read(&path) {
                    Ok(notice) => state.waiting.push_back(Waiting {
                        number,
                        notice: Arc::new(notice),
                    }),
                    Err(error) => {
                        tracing::warn!(path = %path.display(), %error, "a notice cannot be read");
                    }
                }
            }
        }
        Ok(Self {
            folder,
            state: Mutex::new(state),
            came: Notify::new(),
        })
    }

    /// Keeps a notice; resolves when it is on disk.
    pub(super) async fn keep(&self, notice: Notice) -> Result<(), SpoolError> {
        let number = {
            let mut state = self.state.lock();
            if state.waiting.len() + state.open >= MAX_WAITING {
                return Err(SpoolError::Full);
            }
            state.open += 1;
            let number = state.next;
            state.next += 1;
            number
        };
        let written = self.write(number, &notice).await;
        let mut state = self.state.lock();
        state.open -= 1;
        written?;
        let waiting = Waiting {
            number,
            notice: Arc::new(notice),
        };
        // Two that were written at the same time stay in the order in which they came.
        let place = state.waiting.partition_point(|other| other.number < number);
        state.waiting.insert(place, waiting);
        drop(state);
        self.came.notify_one();
        Ok(())
    }

    /// Takes the next one; it comes again after a start until it is [done](Spool::done).
    pub(super) async fn next(&self) -> Waiting {
        loop {
            let came = self.came.notified();
            {
                let mut state = self.state.lock();
                if let Some(waiting) = state.waiting.pop_front() {
                    state.open += 1;
                    return waiting;
                }
            }
            came.await;
        }
    }

    /// Gives back what was taken and is not done: the session has ended.
    pub(super) fn give_back(&self, taken: Waiting) {
        let mut state = self.state.lock();
        state.open -= 1;
        let place = state
            .waiting
            .partition_point(|other| other.number < taken.number);
        state.waiting.insert(place, taken);
        drop(state);
        self.came.notify_one();
    }

    /// Notes that the journal has the event, or that there is none.
    pub(super) async fn done(&self, number: u64) {
        if let Some(folder) = &self.folder {
            let path = folder.join(name_of(number));
            // Where it stays it is read once more after a start, and known.
            if let Err(error) = tokio::fs::remove_file(&path).await {
                tracing::warn!(path = %path.display(), %error, "a notice is not taken away");
            }
        }
        let mut state = self.state.lock();
        state.open -= 1;
        state.done += 1;
    }

    /// How many are done, where none waits.
    pub(super) fn quiet(&self) -> Option<u64> {
        let state = self.state.lock();
        (state.waiting.is_empty() && state.open == 0).then_some(state.done)
    }

    async fn write(&self, number: u64, notice: &Notice) -> io::Result<()> {
        let Some(folder) = self.folder.clone() else {
            return Ok(());
        };
        let bytes = serde_json::to_vec(notice).map_err(io::Error::other)?;
        let written = tokio::task::spawn_blocking(move || write(&folder, number, &bytes));
        written.await.map_err(io::Error::other)?
    }
}

fn write(folder: &Path, number: u64, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{UNFINISHED}-{number}"));
    let mut file = File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, folder.join(name_of(number)))?;
    // The name is on disk when the folder is.
    File::open(folder)?.sync_all()
}

fn read(path: &Path) -> io::Result<Notice> {
    if std::fs::metadata(path)?.len() > MAX_BYTES {
        return Err(io::Error::other("larger than a notice can be"));
    }
    let bytes = std::fs::read(path)?;
    serde_json::from_slice(&bytes).map_err(io::Error::other)
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(0))
}

// Leading zeros, so that people see them in their order too.
fn name_of(number: u64) -> String {
    format!("{number:020}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(id: &str) -> Notice {
        let mut notice = Notice::default();
        notice.data.id = id.to_owned();
        notice
    }

    #[tokio::test]
    async fn what_was_not_done_comes_again_after_a_start_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(Some(folder.path())).unwrap();
        for id in ["1", "2", "3"] {
            spool.keep(notice(id)).await.unwrap();
        }
        let (first, second) = (spool.next().await, spool.next().await);
        spool.done(first.number).await;
        assert_eq!(spool.quiet(), None);
        spool.give_back(second);
        assert_eq!(spool.next().await.notice.data.id, "2");
        // The process ends here.
        let spool = Spool::open(Some(folder.path())).unwrap();
        spool.keep(notice("4")).await.unwrap();
        for id in ["2", "3", "4"] {
            let waiting = spool.next().await;
            assert_eq!(waiting.notice.data.id, id);
            spool.done(waiting.number).await;
        }
        assert_eq!(spool.quiet(), Some(3));
        assert_eq!(
            std::fs::read_dir(folder.path().join(FOLDER))
                .unwrap()
                .count(),
            0
        );
    }

    #[tokio::test]
    async fn there_is_room_for_so_many() {
        let spool = Spool::open(None).unwrap();
        for _ in 0..MAX_WAITING {
            spool.keep(notice("x")).await.unwrap();
        }
        assert!(matches!(
            spool.keep(notice("y")).await,
            Err(SpoolError::Full)
        ));
        let taken = spool.next().await;
        spool.done(taken.number).await;
        spool.keep(notice("y")).await.unwrap();
    }
}
