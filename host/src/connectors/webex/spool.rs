//! What a webhook has brought and was not asked for yet: on disk before Webex is answered, one file
//! each, and gone from there when the journal has the event. Webex wants its answer before anything is
//! asked of it, and tells nothing twice (webex.md §4.7).
//!
//! A folder has one of these in a process (`kept`). What is begun is ended whoever waits for it: a caller
//! that hangs up and a session that ends leave nothing half done.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::wire::Notice;

/// The folder below the bot's.
const FOLDER: &str = "heard";
/// How a file is called until it is whole.
const UNFINISHED: &str = "unfinished";
/// How one is called that cannot be read: it stays for people to look at, and is not read again.
const UNREADABLE: &str = "unreadable";
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
    /// Those that take calls for it.
    rings: AtomicUsize,
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
        // Begun by the time, so that what is kept after a start comes behind what was kept before.
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
                    Err(error) => put_aside(folder, &path, number, &error),
                }
            }
        }
        Ok(Self {
            folder,
            state: Mutex::new(state),
            came: Notify::new(),
            rings: AtomicUsize::new(0),
        })
    }

    /// Notes that somebody takes calls for it from now on, or no more.
    pub(super) fn ring_opens(&self, opens: bool) {
        match opens {
            true => self.rings.fetch_add(1, Ordering::AcqRel),
            false => self.rings.fetch_sub(1, Ordering::AcqRel),
        };
    }

    /// Whether anybody takes calls for it. A call that came to a connector whose place another has
    /// taken is as good as one that came to that.
    pub(super) fn is_open(&self) -> bool {
        self.rings.load(Ordering::Acquire) > 0
    }

    /// Keeps a notice; resolves when it is on disk. Dropped before, it is kept all the same.
    pub(super) async fn keep(self: &Arc<Self>, notice: Notice) -> Result<(), SpoolError> {
        let bytes = serde_json::to_vec(&notice).map_err(io::Error::other)?;
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
        let waiting = Waiting {
            number,
            notice: Arc::new(notice),
        };
        let Some(folder) = self.folder.clone() else {
            self.wait(waiting);
            return Ok(());
        };
        let spool = self.clone();
        let keeping = tokio::task::spawn_blocking(move || {
            let written = write(&folder, number, &bytes);
            match &written {
                Ok(()) => spool.wait(waiting),
                Err(_) => spool.state.lock().open -= 1,
            }
            written
        });
        keeping.await.map_err(io::Error::other)??;
        Ok(())
    }

    /// Puts one that was taken, or is new, to those that wait. Two that were written at the same time
    /// stay in the order in which they came.
    fn wait(&self, waiting: Waiting) {
        let mut state = self.state.lock();
        state.open -= 1;
        let place = state
            .waiting
            .partition_point(|other| other.number < waiting.number);
        state.waiting.insert(place, waiting);
        drop(state);
        self.came.notify_one();
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
        self.wait(taken);
    }

    /// Notes that the journal has the event, or that there is none. Dropped before, it is noted all the
    /// same.
    pub(super) async fn done(self: &Arc<Self>, number: u64) {
        let Some(folder) = &self.folder else {
            return self.end();
        };
        let path = folder.join(name_of(number));
        let spool = self.clone();
        let ending = tokio::task::spawn_blocking(move || {
            // Where it stays it is read once more after a start, and known.
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "a notice is not taken away");
            }
            spool.end();
        });
        if let Err(error) = ending.await {
            tracing::warn!(%error, "a notice is not taken away");
        }
    }

    fn end(&self) {
        let mut state = self.state.lock();
        state.open -= 1;
        state.done += 1;
    }

    /// How many are done, where none waits.
    pub(super) fn quiet(&self) -> Option<u64> {
        let state = self.state.lock();
        (state.waiting.is_empty() && state.open == 0).then_some(state.done)
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

/// Keeps what cannot be read where people find it, and where nothing reads it again.
fn put_aside(folder: &Path, path: &Path, number: u64, error: &io::Error) {
    let aside = folder.join(format!("{UNREADABLE}-{number}"));
    tracing::error!(path = %aside.display(), %error, "an event is lost: its notice cannot be read");
    if let Err(error) = std::fs::rename(path, &aside) {
        tracing::warn!(path = %path.display(), %error, "a notice is not put aside");
    }
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

    fn open(folder: &Path) -> Arc<Spool> {
        Arc::new(Spool::open(Some(folder)).unwrap())
    }

    fn files(folder: &Path) -> Vec<String> {
        let files = std::fs::read_dir(folder.join(FOLDER)).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    /// Begins something and drops it at once, as who hangs up does.
    async fn begin_and_drop(begun: impl Future<Output = ()>) {
        let mut begun = Box::pin(begun);
        std::future::poll_fn(|context| {
            // On its way as a rule, and ended where the disk was faster.
            let _ = begun.as_mut().poll(context);
            std::task::Poll::Ready(())
        })
        .await;
    }

    async fn until(holds: impl Fn() -> bool) {
        let patience = std::time::Duration::from_secs(20);
        let wait = async {
            while !holds() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(patience, wait).await.unwrap();
    }

    #[tokio::test]
    async fn what_was_not_done_comes_again_after_a_start_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let spool = open(folder.path());
        for id in ["1", "2", "3"] {
            spool.keep(notice(id)).await.unwrap();
        }
        let (first, second) = (spool.next().await, spool.next().await);
        spool.done(first.number).await;
        assert_eq!(spool.quiet(), None);
        spool.give_back(second);
        assert_eq!(spool.next().await.notice.data.id, "2");
        // The process ends here.
        let spool = open(folder.path());
        spool.keep(notice("4")).await.unwrap();
        for id in ["2", "3", "4"] {
            let waiting = spool.next().await;
            assert_eq!(waiting.notice.data.id, id);
            spool.done(waiting.number).await;
        }
        assert_eq!(spool.quiet(), Some(3));
        assert_eq!(files(folder.path()), Vec::<String>::new());
    }

    #[tokio::test]
    async fn who_hangs_up_leaves_nothing_half_done() {
        let folder = tempfile::tempdir().unwrap();
        let spool = open(folder.path());
        let keeping = spool.keep(notice("1"));
        begin_and_drop(async { keeping.await.unwrap() }).await;
        let taken = spool.next().await;
        assert_eq!(taken.notice.data.id, "1");
        begin_and_drop(spool.done(taken.number)).await;
        until(|| spool.quiet() == Some(1)).await;
        assert_eq!(files(folder.path()), Vec::<String>::new());
    }

    #[tokio::test]
    async fn what_cannot_be_written_takes_no_room_and_what_cannot_be_read_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let spool = open(folder.path());
        let heard = folder.path().join(FOLDER);
        std::fs::remove_dir(&heard).unwrap();
        let kept = spool.keep(notice("1")).await;
        assert!(matches!(kept, Err(SpoolError::Disk(_))), "{kept:?}");
        assert_eq!(spool.quiet(), Some(0));
        std::fs::create_dir(&heard).unwrap();
        std::fs::write(heard.join(name_of(7)), "nonsense").unwrap();
        std::fs::write(heard.join("unfinished-8"), "{").unwrap();
        assert_eq!(open(folder.path()).quiet(), Some(0));
        assert_eq!(files(folder.path()), ["unreadable-7"]);
        assert_eq!(open(folder.path()).quiet(), Some(0), "once");
    }

    #[tokio::test]
    async fn there_is_room_for_so_many() {
        let spool = Arc::new(Spool::open(None).unwrap());
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
