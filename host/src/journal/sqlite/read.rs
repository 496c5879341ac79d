//! Reads: the small pool for state, and what the writer answers because it must see what is ordered.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, Row};
use tokio::sync::Semaphore;

use super::error::journal_error;
use super::index::Index;
use super::rows::{self, LastBody, LastEvent, from_json};
use super::schema::open_reader;
use super::state::Value;
use crate::journal::shared::now;
use crate::journal::{
    Broadcast, Counts, DeadLetter, JournalError, JournalResult, OpenForm, Part, SentMessage,
    StateKey, StateScope, Unrouted,
};
use crate::model::Name;
use crate::model::delivery::Delivery;

/// Bytes of the bodies in one page of deliveries.
const PAGE_BODIES: usize = 16 * 1024 * 1024;
/// Connections that read.
const READERS: usize = 2;

/// A few connections that read, used off the async workers.
pub(super) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Arc::default(),
            free: Arc::new(Semaphore::new(READERS)),
        }
    }

    /// Reads with a connection of the pool.
    pub(super) async fn read<T, F>(&self, read: F) -> JournalResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let free = Arc::clone(&self.free).acquire_owned().await;
        let permit = free.map_err(|_| JournalError::Closed)?;
        let idle = Arc::clone(&self.idle);
        let path = self.path.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let kept = idle.lock().pop();
            let mut connection = match kept {
                Some(connection) => connection,
                None => open_reader(&path)?,
            };
            let result = read(&mut connection)?;
            // A connection whose read failed is not used again.
            idle.lock().push(connection);
            Ok(result)
        });
        match task.await {
            Ok(result) => result.map_err(|error: rusqlite::Error| journal_error(&error)),
            Err(_) => Err(JournalError::Closed),
        }
    }

    /// Ends reading; reads that wait hear `Closed`.
    pub(super) async fn close(&self) {
        // All permits together mean that nobody reads.
        let all = u32::try_from(READERS).unwrap_or(u32::MAX);
        let permits = self.free.acquire_many(all).await;
        self.free.close();
        drop(permits);
        self.idle.lock().clear();
    }
}

/// Reads a value of the columns value, version, expires_at.
pub(super) fn value(row: &Row<'_>) -> rusqlite::Result<Value> {
    Ok(Value {
        bytes: Some(row.get(0)?),
        version: row.get(1)?,
        expires_at: row.get(2)?,
    })
}

pub(super) fn state_value(connection: &Connection, key: &StateKey) -> rusqlite::Result<Value> {
    let mut statement = connection.prepare_cached(
        "SELECT s.value, s.version, s.expires_at FROM state s JOIN scopes c ON c.id = s.scope
         WHERE c.tenant = ?1 AND c.plugin = ?2 AND c.scope = ?3 AND s.key = ?4",
    )?;
    let place = (
        &key.scope.tenant,
        &key.scope.plugin,
        &key.scope.scope,
        &key.key,
    );
    let found = statement.query_row(place, value).optional()?;
    Ok(found.unwrap_or_default())
}

/// Reads keys in order, and the scope's version, as of one moment.
pub(super) fn state_keys(
    connection: &mut Connection,
    scope: &StateScope,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<(Vec<String>, u64)> {
    let transaction = connection.transaction()?;
    let found: Option<(u64, u64)> = transaction
        .prepare_cached(
            "SELECT id, version FROM scopes WHERE tenant = ?1 AND plugin = ?2 AND scope = ?3",
        )?
        .query_row((&scope.tenant, &scope.plugin, &scope.scope), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((id, version)) = found else {
        return Ok((Vec::new(), 0));
    };
    let mut keys = Vec::new();
    {
        let mut statement = transaction.prepare_cached(
            "SELECT key FROM state WHERE scope = ?1 AND key >= ?2 AND key > ?3
             AND (expires_at IS NULL OR expires_at > ?4) ORDER BY key LIMIT ?5",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let after = after.unwrap_or_default();
        let mut rows = statement.query((id, prefix, after, now(), limit))?;
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            if !key.starts_with(prefix) {
                break;
            }
            keys.push(key);
        }
    }
    Ok((keys, version))
}

/// The bytes of each plugin's state.
pub(super) fn state_sizes(connection: &Connection) -> rusqlite::Result<HashMap<(Name, Name), u64>> {
    connection
        .prepare("SELECT tenant, plugin, sum(bytes) FROM scopes GROUP BY tenant, plugin")?
        .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?
        .collect()
}

/// Runs a query and turns every row into a record.
fn list<T>(
    connection: &Connection,
    sql: &str,
    after: u64,
    limit: usize,
    mut record: impl FnMut(&Row<'_>) -> JournalResult<T>,
) -> JournalResult<Vec<T>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut run = || -> rusqlite::Result<Vec<JournalResult<T>>> {
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map((after, limit), |row| Ok(record(row)))?;
        rows.collect()
    };
    run()
        .map_err(|error| journal_error(&error))?
        .into_iter()
        .collect()
}

pub(super) fn pending_deliveries(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> JournalResult<Vec<Delivery>> {
    let sql = format!(
        "SELECT {} FROM deliveries d JOIN events e ON e.number = d.event
         WHERE d.ended IS NULL AND d.number > ?1 ORDER BY d.number LIMIT ?2",
        rows::DELIVERY_COLUMNS
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let failed = |error: rusqlite::Error| journal_error(&error);
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let mut found = statement.query((after, limit)).map_err(failed)?;
    let mut last = LastEvent::default();
    let mut page: Vec<Delivery> = Vec::new();
    let mut bytes = 0;
    // A page of bodies ends early: its last delivery is where the next one begins.
    while bytes < PAGE_BODIES
        && let Some(row) = found.next().map_err(failed)?
    {
        let delivery = rows::delivery(row, &mut last)?;
        bytes += delivery.event.payload.body_bytes();
        page.push(delivery);
    }
    Ok(page)
}

pub(super) fn dead_letters(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> JournalResult<Vec<DeadLetter>> {
    let sql = format!(
        "SELECT {}, d.reason, d.detail, d.ended_at
         FROM deliveries d JOIN events e ON e.number = d.event
         WHERE d.reason IS NOT NULL AND d.number > ?1 ORDER BY d.number LIMIT ?2",
        rows::DELIVERY_COLUMNS
    );
    let mut last = LastEvent::default();
    list(connection, &sql, after, limit, |row| {
        rows::dead_letter(row, &mut last)
    })
}

pub(super) fn pending_parts(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> JournalResult<Vec<Part>> {
    let sql = format!(
        "SELECT {} FROM parts p JOIN events e ON e.number = p.event
         LEFT JOIN broadcasts b ON b.number = p.broadcast
         WHERE p.ended_at IS NULL AND p.number > ?1 ORDER BY p.number LIMIT ?2",
        rows::PART_COLUMNS
    );
    let (mut last, mut body) = (LastEvent::default(), LastBody::default());
    list(connection, &sql, after, limit, |row| {
        rows::part(row, &mut last, &mut body)
    })
}

pub(super) fn pending_broadcasts(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> JournalResult<Vec<Broadcast>> {
    let sql = format!(
        "SELECT {} FROM broadcasts b JOIN events e ON e.number = b.event
         WHERE b.ended_at IS NULL AND b.number > ?1 ORDER BY b.number LIMIT ?2",
        rows::BROADCAST_COLUMNS
    );
    let mut last = LastEvent::default();
    list(connection, &sql, after, limit, |row| {
        rows::broadcast(row, &mut last)
    })
}

pub(super) fn unrouted(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> JournalResult<Vec<Unrouted>> {
    let sql = "SELECT number, tenant, lane, event FROM events
        WHERE unrouted IS NOT NULL AND number > ?1 ORDER BY number LIMIT ?2";
    let mut last = LastEvent::default();
    list(connection, sql, after, limit, |row| {
        rows::unrouted(row, &mut last)
    })
}

pub(super) fn open_forms(connection: &Connection) -> JournalResult<Vec<OpenForm>> {
    let run = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare_cached("SELECT form FROM forms")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect()
    };
    run()
        .map_err(|error| journal_error(&error))?
        .iter()
        .map(|text| from_json("form", text))
        .collect()
}

pub(super) fn message_by_key(
    connection: &Connection,
    tenant: &str,
    plugin: &str,
    key: &str,
) -> rusqlite::Result<Option<SentMessage>> {
    let sql = format!(
        "SELECT {} FROM message_keys k
         LEFT JOIN messages m USING (tenant, plugin, bot, message)
         WHERE tenant = ?1 AND plugin = ?2 AND key = ?3",
        rows::SENT_COLUMNS.replace("conversation", "k.conversation")
    );
    connection
        .prepare_cached(&sql)?
        .query_row((tenant, plugin, key), rows::sent_message)
        .optional()
}

pub(super) fn sent_message(
    connection: &Connection,
    place: [&str; 4],
) -> rusqlite::Result<Option<SentMessage>> {
    let sql = format!(
        "SELECT {} FROM messages WHERE tenant = ?1 AND plugin = ?2 AND bot = ?3 AND message = ?4",
        rows::SENT_COLUMNS
    );
    connection
        .prepare_cached(&sql)?
        .query_row(place, rows::sent_message)
        .optional()
}

/// The files that something open names, as far as the last prune knows.
pub(super) fn named_files(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    connection
        .prepare_cached("SELECT DISTINCT sha256 FROM files")?
        .query_map([], |row| row.get(0))?
        .collect()
}

pub(super) fn join_count(connection: &Connection, place: [&str; 4]) -> rusqlite::Result<u64> {
    let count: Option<u64> = connection
        .prepare_cached(
            "SELECT count FROM joins
             WHERE tenant = ?1 AND plugin = ?2 AND bot = ?3 AND conversation = ?4",
        )?
        .query_row(place, |row| row.get(0))
        .optional()?;
    Ok(count.unwrap_or(0))
}

pub(super) fn host_value(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT value FROM host_values WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// Counts what the writer knows; the bytes are added by the caller.
pub(super) fn counts(connection: &Connection, index: &Index) -> rusqlite::Result<Counts> {
    let timers = connection
        .prepare_cached("SELECT count(*) FROM timers")?
        .query_row([], |row| row.get(0))?;
    Ok(Counts {
        events: index.events,
        pending_deliveries: index.deliveries.len() as u64,
        dead_letters: index.dead_letters,
        pending_parts: index.pending_parts(),
        pending_requests: index.requests.len(),
        timers,
        bytes: 0,
    })
}
