//! Opens the journal: the tables, the index, the writer's thread and the disk's.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::backup;
use super::disk::Disk;
use super::error::journal_error;
use super::index::Index;
use super::read::{self, Readers};
use super::schema;
use super::state::StateCache;
use super::writer::{Command, Writer};
use super::{Durability, JOURNAL_FILE, SqliteConfig, SqliteJournal};
use crate::journal::blobs::{Blobs, SyncPath, sync_path};
use crate::journal::lock::make_private_folder;
use crate::journal::{JournalError, JournalResult};

/// The folder of files beside the database.
pub(super) const FILES_FOLDER: &str = "blobs";
/// The share of the database's bytes that files beside it may take, as well.
const FILES_SHARE: u64 = 4;
/// Commands that may wait for the writer; who comes later waits for room.
const QUEUE: usize = 1_024;

impl SqliteJournal {
    /// Opens the journal of a data folder, and makes it where there is none. Blocks for the time
    /// that takes. The folder should be [locked](crate::journal::lock::DataLock).
    ///
    /// # Errors
    /// [`JournalError::Failed`] where the file is no journal, is damaged, is of another version, or
    /// cannot be opened.
    pub fn open(folder: &Path, config: SqliteConfig) -> JournalResult<Self> {
        let durability = config.durability;
        let disk = move |log: &Path, commands| match durability {
            Durability::Power => Disk::start(log, commands),
            Durability::Process => Ok(Disk::unsynced()),
        };
        Self::open_with(folder, config, Arc::new(sync_path), disk)
    }

    pub(super) fn open_with(
        folder: &Path,
        config: SqliteConfig,
        sync: SyncPath,
        disk: impl FnOnce(&Path, mpsc::WeakSender<Command>) -> std::io::Result<Disk>,
    ) -> JournalResult<Self> {
        let failed = |what: &dyn std::fmt::Display| JournalError::Failed(what.to_string());
        make_private_folder(folder).map_err(|error| failed(&error))?;
        let path = folder.join(JOURNAL_FILE);
        let connection = schema::open_writer(&path)?;
        backup::unpack(&connection, &folder.join(FILES_FOLDER), &sync)?;
        let damaged = |error: rusqlite::Error| {
            let error = journal_error(&error);
            JournalError::Failed(format!("{} cannot be read: {error}", path.display()))
        };
        let mut index = Index::default();
        index.load(&connection).map_err(damaged)?;
        let sizes = read::state_sizes(&connection).map_err(damaged)?;
        let state = Arc::new(StateCache::new(sizes));
        let pages_used = Arc::new(AtomicU64::new(0));
        let sync = (config.durability == Durability::Power).then_some(sync);
        let files = folder.join(FILES_FOLDER);
        let files = Blobs::open(files, sync, config.max_bytes / FILES_SHARE);
        let files = Arc::new(files.map_err(|error| failed(&error))?);
        let (commands, receiver) = mpsc::channel(QUEUE);
        let disk = disk(&log_path(&path), commands.downgrade()).map_err(|error| failed(&error))?;
        let commits = disk.times();
        let keep = Arc::new(Mutex::new(config.keep));
        let (ready, is_ready) = std::sync::mpsc::sync_channel(1);
        let writer = {
            let (state, pages_used) = (Arc::clone(&state), Arc::clone(&pages_used));
            let (max_bytes, keep) = (config.max_bytes, Arc::clone(&keep));
            std::thread::Builder::new()
                .name("journal".to_owned())
                .spawn(move || {
                    // The statements borrow the connection, so both live in this thread.
                    match Writer::new(&connection, index, state, max_bytes, pages_used, disk) {
                        Ok(mut writer) => {
                            writer.keep = keep;
                            // `open` waits for this and cannot have gone.
                            let _ = ready.send(Ok(()));
                            writer.run(receiver);
                        }
                        Err(error) => {
                            let _ = ready.send(Err(error));
                        }
                    }
                })
                .map_err(|error| failed(&error))?
        };
        is_ready
            .recv()
            .map_err(|_| JournalError::Closed)?
            .map_err(damaged)?;
        Ok(Self {
            readers: Readers::new(path.clone()),
            path,
            commands,
            state,
            pages_used,
            files,
            commits,
            keep,
            writer: Mutex::new(Some(writer)),
        })
    }
}

/// SQLite's write-ahead log beside its database.
pub(super) fn log_path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}
