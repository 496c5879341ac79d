//! Waits for the disk, apart from the writer, so that ordering goes on meanwhile.
//!
//! SQLite's `synchronous = FULL` syncs the log inside each commit. Here a commit leaves its pages
//! in the log, as with `NORMAL`, and this thread syncs that file: one sync for every batch that was
//! committed before it began. What is said to be on disk is the same.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use super::writer::Command;
use crate::journal::{JournalError, JournalResult};
use crate::telemetry::latency::Latency;

/// Batches that may wait for the disk; above that the writer waits too.
const WAITING: usize = 64;

/// The least time from one batch to the next. A lone write does not wait for it; many share a
/// batch, which costs less of the processor: pages that they share are written once. Longer ones
/// were measured to cost latency and to save nothing.
const GAP: Duration = Duration::from_micros(250);

/// Where a batch's end is said.
type OnDisk = watch::Sender<Option<JournalResult<()>>>;
/// A batch that waits for the disk, and when its commit began.
type Waiting = (OnDisk, Instant);

/// The way to the disk.
pub(super) struct Disk {
    /// None where a commit is all that is promised.
    thread: Option<(SyncSender<Waiting>, JoinHandle<()>)>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Batches that are not on disk.
    waiting: AtomicUsize,
    /// The disk lost writes: what SQLite believes to be stored may be gone.
    lost: Mutex<Option<JournalError>>,
    /// From the beginning of a commit until it is kept.
    times: Arc<Latency>,
}

impl Disk {
    /// For a journal that survives its process only: a commit is enough.
    pub(super) fn unsynced() -> Self {
        Self {
            thread: None,
            shared: Arc::default(),
        }
    }

    /// Syncs this file, and tells the writer by a command when nothing waits any more.
    ///
    /// # Errors
    /// When the file cannot be opened or no thread can be made.
    pub(super) fn start(log: &Path, commands: mpsc::WeakSender<Command>) -> io::Result<Self> {
        let log = File::options().read(true).write(true).open(log)?;
        Self::start_with(move || log.sync_data(), commands)
    }

    pub(super) fn start_with(
        sync: impl Fn() -> io::Result<()> + Send + 'static,
        commands: mpsc::WeakSender<Command>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (sender, batches) = sync_channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("journal-disk".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || run(&shared, &batches, sync, &commands)
            })?;
        Ok(Self {
            thread: Some((sender, thread)),
            shared,
        })
    }

    /// How long batches take from the beginning of their commit until they are kept.
    pub(super) fn times(&self) -> Arc<Latency> {
        Arc::clone(&self.shared.times)
    }

    /// Tells whether everything committed is on disk.
    pub(super) fn is_idle(&self) -> bool {
        self.shared.waiting.load(Ordering::Acquire) == 0
    }

    /// Says whether writes can still be kept.
    ///
    /// # Errors
    /// The error of the disk that lost writes. It stays until the journal is opened anew, because
    /// after a failed sync nobody can tell what the file holds.
    pub(super) fn check(&self) -> JournalResult<()> {
        self.shared.lost.lock().clone().map_or(Ok(()), Err)
    }

    /// Puts a batch whose commit began then on disk, and then says so.
    pub(super) fn sync(&self, batch: OnDisk, began: Instant) {
        let Some((sender, _)) = &self.thread else {
            self.shared.times.took(began.elapsed());
            batch.send_replace(Some(Ok(())));
            return;
        };
        self.shared.waiting.fetch_add(1, Ordering::AcqRel);
        if let Err(refused) = sender.send((batch, began)) {
            // The thread ended before its writer: it panicked.
            let error = JournalError::Failed("journal's disk thread ended".to_owned());
            refused.0.0.send_replace(Some(Err(error)));
        }
    }

    /// Waits until everything is on disk.
    ///
    /// # Errors
    /// The error of the disk that lost writes.
    pub(super) fn finish(&mut self) -> JournalResult<()> {
        if let Some((sender, thread)) = self.thread.take() {
            drop(sender);
            thread
                .join()
                .map_err(|_| JournalError::Failed("journal's disk thread panicked".to_owned()))?;
        }
        self.check()
    }
}

fn run(
    shared: &Shared,
    batches: &Receiver<Waiting>,
    sync: impl Fn() -> io::Result<()>,
    commands: &mpsc::WeakSender<Command>,
) {
    let mut waiting = Vec::with_capacity(WAITING);
    let mut next = batches.recv().ok();
    while let Some(first) = next.take() {
        let began = Instant::now();
        waiting.push(first);
        waiting.extend(batches.try_iter());
        let before = shared.lost.lock().clone();
        let end = before.map_or_else(|| sync().map_err(|error| lost(&error)), Err);
        if let Err(error) = &end {
            tracing::error!(%error, "journal takes no more writes");
            *shared.lost.lock() = Some(error.clone());
        }
        let count = waiting.len();
        for (batch, began) in waiting.drain(..) {
            if end.is_ok() {
                shared.times.took(began.elapsed());
            }
            batch.send_replace(Some(end.clone()));
        }
        // A batch that is full comes before the gap is over.
        next = batches
            .recv_timeout(GAP.saturating_sub(began.elapsed()))
            .ok();
        let is_idle = shared.waiting.fetch_sub(count, Ordering::AcqRel) == count;
        if is_idle && let Some(commands) = commands.upgrade() {
            // A queue that is full needs no waking.
            let _full = commands.try_send(Command::Synced);
        }
        if next.is_none() {
            next = batches.recv().ok();
        }
    }
}

fn lost(error: &io::Error) -> JournalError {
    JournalError::Failed(format!(
        "the disk lost writes ({error}); what it holds is read again at the next start"
    ))
}
