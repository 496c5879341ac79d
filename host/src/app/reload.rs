//! Watches the plugin folder: what came, changed or went, once it is quiet and read whole.
//!
//! Events of the file system are hints, nothing more: each makes the folder be looked through, and
//! so does a clock, for file systems without events. What is reported is what is there, compared by
//! hash with what was reported before; it does not know what becomes of it.
//!
//! Links are followed, in the folder and the folder itself: whoever may write the folder may also
//! copy the file. Hidden files are not looked at.

mod file;
mod scan;
mod sources;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{mpsc, oneshot};

use crate::config::{ReloadConfig, ReloadMode};
use file::folder_identity;
use scan::{Moment, Scanner};
pub use sources::SourceWatcher;

/// Bytes of a wasm file.
pub const MAX_WASM_BYTES: u64 = 64 * 1024 * 1024;
/// Files that a plugin folder may have.
pub const MAX_FILES: usize = 20_000;
/// Changes that wait to be taken; each may hold a whole wasm file.
const MAX_WAITING: usize = 4;
/// A requested scan ends after so long, though a file may still be changing.
const REQUEST_PATIENCE: Duration = Duration::from_secs(4);
/// A folder that is not there is looked for so often.
const MISSING_INTERVAL: Duration = Duration::from_millis(250);

/// A SHA-256.
pub type Sha256Bytes = [u8; 32];

/// What to watch.
#[derive(Clone, Debug)]
pub struct FolderWatch {
    /// The plugin folder.
    pub folder: PathBuf,
    /// The host's settings file, where there is one.
    pub settings_file: Option<PathBuf>,
    /// Whether changes are looked for without being asked.
    pub mode: ReloadMode,
    /// How often the folder is looked through where no event comes.
    pub poll_interval: Duration,
    /// Whether the file system is asked for events.
    pub events: bool,
}

impl FolderWatch {
    /// Watches a folder as the settings say.
    pub fn new(folder: &Path, settings_file: Option<&Path>, config: &ReloadConfig) -> Self {
        Self {
            folder: folder.to_owned(),
            settings_file: settings_file.map(Path::to_owned),
            mode: config.mode,
            poll_interval: config.poll_interval,
            events: true,
        }
    }
}

/// A plugin's own settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its text.
    pub text: Arc<str>,
}

/// Something that happened in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderChange {
    /// A plugin is there, or is another, or its own settings are.
    Upsert {
        /// The file's stem.
        name: String,
        /// The file, whole.
        wasm: Arc<[u8]>,
        /// Its hash.
        sha256: Sha256Bytes,
        /// The settings beside it.
        settings: Option<PluginFile>,
    },
    /// The host's settings file has another text.
    SettingsChanged,
    /// A plugin's file has been gone for two seconds.
    Removed {
        /// The file's stem.
        name: String,
    },
    /// A plugin's files cannot be used; what served before may go on.
    Refused {
        /// The file's stem.
        name: String,
        /// Why.
        reason: String,
    },
    /// Everything that was there when a scan was asked for has been reported. The first one comes
    /// after the start.
    Scanned,
}

/// Watches a folder from a thread of its own until it is dropped or stopped.
#[derive(Debug)]
pub struct FolderWatcher {
    changes: mpsc::Receiver<FolderChange>,
    bell: Bell,
    ended: oneshot::Receiver<()>,
}

/// Asks a [`FolderWatcher`] to look now.
#[derive(Clone, Debug)]
pub struct ScanHandle(Bell);

impl ScanHandle {
    /// Asks for a scan; its end is a [`FolderChange::Scanned`].
    pub fn scan_now(&self) {
        self.0.shared.requested.fetch_add(1, Ordering::AcqRel);
        self.0.ring();
    }
}

impl FolderWatcher {
    /// Starts to watch; the folder may be missing. Everything that is there is reported first.
    ///
    /// # Errors
    /// The system's, where no thread can be started.
    pub fn start(watch: FolderWatch) -> std::io::Result<Self> {
        let (sender, changes) = mpsc::channel(MAX_WAITING);
        let (ring, rings) = sync_channel(1);
        let bell = Bell::new(ring);
        let (end, ended) = oneshot::channel();
        let thread_bell = bell.clone();
        std::thread::Builder::new()
            .name("parlor-folder".to_owned())
            .spawn(move || {
                Look::new(watch, thread_bell, sender).run(&rings);
                // Whoever waits for the end may have given up.
                let _ = end.send(());
            })?;
        Ok(Self {
            changes,
            bell,
            ended,
        })
    }

    /// Waits for the next change; none when the watcher has ended.
    pub async fn next(&mut self) -> Option<FolderChange> {
        self.changes.recv().await
    }

    /// Makes a handle that asks for scans.
    pub fn handle(&self) -> ScanHandle {
        ScanHandle(self.bell.clone())
    }

    /// Stops watching and waits for the thread to end.
    pub async fn stop(mut self) {
        self.bell.stop();
        self.changes.close();
        while self.changes.recv().await.is_some() {}
        // The sender is dropped only if the thread has ended in another way; either is the end.
        let _ = (&mut self.ended).await;
    }
}

impl Drop for FolderWatcher {
    fn drop(&mut self) {
        self.bell.stop();
    }
}

#[derive(Debug)]
struct Shared {
    requested: AtomicU64,
    stopping: AtomicBool,
}

#[derive(Clone, Debug)]
struct Bell {
    ring: SyncSender<()>,
    shared: Arc<Shared>,
}

impl Bell {
    fn new(ring: SyncSender<()>) -> Self {
        Self {
            ring,
            shared: Arc::new(Shared {
                requested: AtomicU64::new(1),
                stopping: AtomicBool::new(false),
            }),
        }
    }

    fn ring(&self) {
        // A bell that already rings is heard all the same.
        let _ = self.ring.try_send(());
    }

    fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.ring();
    }

    fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Acquire)
    }
}

/// The thread's own things.
struct Look {
    watch: FolderWatch,
    scanner: Scanner,
    bell: Bell,
    sender: mpsc::Sender<FolderChange>,
    watcher: Option<RecommendedWatcher>,
    /// The folders for which events come, as they were when they were asked for.
    watched: Vec<(PathBuf, Option<(u64, u64)>)>,
    answered: u64,
}

impl Look {
    fn new(watch: FolderWatch, bell: Bell, sender: mpsc::Sender<FolderChange>) -> Self {
        let watcher = (watch.events && watch.mode == ReloadMode::Watch)
            .then(|| make_watcher(bell.clone()))
            .flatten();
        let mut folders = vec![watch.folder.clone()];
        if let Some(folder) = watch.settings_file.as_deref().and_then(Path::parent) {
            folders.push(folder.to_owned());
        }
        Self {
            scanner: Scanner::new(watch.clone()),
            watch,
            bell,
            sender,
            watcher,
            watched: folders.into_iter().map(|folder| (folder, None)).collect(),
            answered: 0,
        }
    }

    fn run(mut self, rings: &Receiver<()>) {
        let mut asked_at = Instant::now();
        while !self.bell.is_stopping() {
            let requested = self.bell.shared.requested.load(Ordering::Acquire);
            let is_request = requested != self.answered;
            // Events are asked for before the folder is read, so that nothing falls between.
            let missing = self.keep_watching();
            let mut wait = None;
            if is_request || self.watch.mode == ReloadMode::Watch {
                let sender = &self.sender;
                let moment = Moment {
                    now: Instant::now(),
                    wall: SystemTime::now(),
                };
                let pending = self.scanner.scan(moment, is_request, &mut |change| {
                    sender.blocking_send(change).is_ok()
                });
                wait = pending.next;
                if is_request && (!pending.unsettled || asked_at.elapsed() >= REQUEST_PATIENCE) {
                    self.answered = requested;
                    if sender.blocking_send(FolderChange::Scanned).is_err() {
                        return;
                    }
                }
            }
            let is_idle = self.answered == requested;
            if is_idle && self.watch.mode == ReloadMode::Manual {
                wait = None;
            } else if self.watch.mode == ReloadMode::Watch {
                let poll = if missing {
                    self.watch.poll_interval.min(MISSING_INTERVAL)
                } else {
                    self.watch.poll_interval
                };
                wait = Some(wait.map_or(poll, |wait| wait.min(poll)));
            }
            if !wait_for_ring(rings, wait) {
                return;
            }
            if is_idle {
                asked_at = Instant::now();
            }
        }
    }

    /// Asks for the events of each folder that is there and is not the one that was asked for;
    /// tells whether one is missing.
    fn keep_watching(&mut self) -> bool {
        let mut missing = false;
        for (folder, watched) in &mut self.watched {
            let identity = folder_identity(folder);
            missing |= identity.is_none();
            if identity == *watched {
                continue;
            }
            *watched = identity;
            let Some(watcher) = &mut self.watcher else {
                continue;
            };
            // The old folder's watch went with the folder; where it did not, it must go now.
            let _ = watcher.unwatch(folder);
            if identity.is_some()
                && let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive)
            {
                tracing::warn!(folder = %folder.display(), %error, "no events for folder, polling");
            }
        }
        missing
    }
}

fn make_watcher(bell: Bell) -> Option<RecommendedWatcher> {
    let made = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading the folder is an event too, and must not make it be read again.
        let is_reading = matches!(
            event,
            Ok(notify::Event {
                kind: EventKind::Access(kind),
                ..
            }) if kind != AccessKind::Close(AccessMode::Write)
        );
        if !is_reading {
            bell.ring();
        }
    });
    match made {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(%error, "no file system events, polling");
            None
        }
    }
}

/// Waits for the bell or the clock; false when nobody can ring any more.
fn wait_for_ring(rings: &Receiver<()>, wait: Option<Duration>) -> bool {
    match wait {
        None => rings.recv().is_ok(),
        Some(wait) => !matches!(
            rings.recv_timeout(wait),
            Err(RecvTimeoutError::Disconnected)
        ),
    }
}
