//! The journal read without a host: nothing is changed, whoever else has it open.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::journal_error;
use super::open::FILES_FOLDER;
use super::past::Walk;
use super::{JOURNAL_FILE, backup, read, schema};
use crate::journal::{Broadcast, EventQuery, JournalResult, Part, PastEvent};
use crate::model::Timestamp;

/// Events that are looked through for the last one of each bot, the latest first.
const LOOKED_THROUGH: u32 = 10_000;

/// A journal that is only read.
pub struct RestingJournal {
    pub(super) connection: Connection,
    folder: PathBuf,
}

impl RestingJournal {
    /// Opens the journal of a data folder; none where there is none. Blocks for the time that takes.
    ///
    /// # Errors
    /// [`JournalError::Failed`](crate::journal::JournalError::Failed) where the file is no journal,
    /// is damaged or of another version.
    pub fn open(folder: &Path) -> JournalResult<Option<Self>> {
        let path = folder.join(JOURNAL_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let connection = schema::open_reader(&path).map_err(|error| journal_error(&error))?;
        let has_tables = schema::check_version(&connection, &path)?;
        let folder = folder.to_owned();
        Ok(has_tables.then_some(Self { connection, folder }))
    }

    /// Parts that are not through, in order, from the one after `after`.
    ///
    /// # Errors
    /// The journal's.
    pub fn pending_parts(&self, after: u64, limit: usize) -> JournalResult<Vec<Part>> {
        read::pending_parts(&self.connection, after, limit)
    }

    /// Broadcasts that are not through, in order, from the one after `after`.
    ///
    /// # Errors
    /// The journal's.
    pub fn pending_broadcasts(&self, after: u64, limit: usize) -> JournalResult<Vec<Broadcast>> {
        read::pending_broadcasts(&self.connection, after, limit)
    }

    /// A small named value of the host's own.
    ///
    /// # Errors
    /// The journal's.
    pub fn host_value(&self, name: &str) -> JournalResult<Option<String>> {
        read::host_value(&self.connection, name).map_err(|error| journal_error(&error))
    }

    /// Copies the journal into a new file, with what lies beside it; gives back its bytes. Blocks
    /// for the time that takes, in which the log of a running host is not cut.
    ///
    /// # Errors
    /// The journal's; the file is there already or cannot be written.
    pub fn back_up(&self, to: &Path) -> JournalResult<u64> {
        let blobs = self.folder.join(FILES_FOLDER);
        backup::back_up(&self.connection, &blobs, to)
    }

    /// What has been, the newest first.
    ///
    /// # Errors
    /// The journal's.
    pub fn events(&self, query: EventQuery) -> JournalResult<Vec<PastEvent>> {
        let mut walk = Walk::new(query);
        let mut found = Vec::new();
        while !walk.is_over() {
            found.extend(walk.step(&self.connection)?);
        }
        Ok(found)
    }

    /// When the last event came from each bot's platform, as far as the latest events tell.
    ///
    /// # Errors
    /// The journal's.
    pub fn last_events(&self) -> JournalResult<BTreeMap<String, Timestamp>> {
        // What grew out of an earlier event has a cause; what is of a plugin's own life, or was
        // sent by an operator, came from no platform.
        let sql = "SELECT json_extract(event, '$.bot.name') AS bot, max(stored_at)
            FROM (SELECT event, stored_at FROM events ORDER BY number DESC LIMIT ?1)
            WHERE bot IS NOT NULL AND json_extract(event, '$.cause') IS NULL
            AND json_type(event, '$.payload.lifecycle') IS NULL
            AND json_extract(event, '$.id') NOT LIKE 'send:%'
            GROUP BY bot";
        let run = || -> rusqlite::Result<BTreeMap<String, Timestamp>> {
            let mut statement = self.connection.prepare(sql)?;
            let rows =
                statement.query_map([LOOKED_THROUGH], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        };
        run().map_err(|error| journal_error(&error))
    }
}
