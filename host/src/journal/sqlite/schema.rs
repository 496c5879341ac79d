//! The tables of `journal.sqlite`, and how a connection is set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::backup;
use super::error::journal_error;
use crate::journal::{JournalError, JournalResult};

/// The version of the schema below, in `meta`.
const SCHEMA_VERSION: i64 = 4;
/// Marks the file as a journal: `prlr`.
const APPLICATION_ID: i64 = 0x7072_6c72;
/// Bytes of a page.
pub(super) const PAGE_BYTES: u64 = 4096;
/// KiB of pages that the writer keeps in memory.
const WRITER_CACHE_KIB: u32 = 32 * 1024;
/// KiB of pages that a reader keeps in memory.
const READER_CACHE_KIB: u32 = 2 * 1024;
/// Bytes to which the write-ahead log is cut after a checkpoint.
pub(super) const WAL_BYTES: u64 = 64 * 1024 * 1024;
/// How long a statement waits for a lock of another process, such as `sqlite3`.
const BUSY: Duration = Duration::from_secs(2);

// `ended` and `ended_at` are null while a row is open: the partial indexes hold open rows only,
// so they stay small whatever is kept of the past. The part of a broadcast has an empty `action`:
// what it says is in `broadcasts`, once for all its targets. `timers` of a delivery is what its turn
// set and ended, `[]` for none, null where that is not known.
const TABLES: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE events (
    number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, lane TEXT NOT NULL,
    stored_at INTEGER NOT NULL, unrouted INTEGER, event TEXT NOT NULL);
CREATE INDEX events_unrouted ON events (unrouted) WHERE unrouted IS NOT NULL;
CREATE TABLE deliveries (
    number INTEGER PRIMARY KEY, event INTEGER NOT NULL, plugin TEXT NOT NULL,
    attempt INTEGER NOT NULL, view TEXT, roles TEXT,
    ended TEXT, ended_at INTEGER, took_us INTEGER, reason TEXT, detail TEXT, put_back INTEGER,
    timers TEXT);
CREATE INDEX deliveries_of ON deliveries (event);
CREATE INDEX deliveries_open ON deliveries (ended) WHERE ended IS NULL;
CREATE INDEX deliveries_dead ON deliveries (event) WHERE reason IS NOT NULL;
CREATE TABLE parts (
    number INTEGER PRIMARY KEY, event INTEGER NOT NULL, delivery INTEGER NOT NULL,
    tenant TEXT NOT NULL, plugin TEXT NOT NULL, bot TEXT NOT NULL, conversation TEXT NOT NULL,
    place INTEGER NOT NULL, part INTEGER NOT NULL, urgency TEXT NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, action TEXT NOT NULL, broadcast INTEGER,
    ended_at INTEGER, message TEXT, detail TEXT);
CREATE INDEX parts_of ON parts (delivery);
CREATE INDEX parts_open ON parts (ended_at) WHERE ended_at IS NULL;
CREATE TABLE broadcasts (
    number INTEGER PRIMARY KEY, event INTEGER NOT NULL, delivery INTEGER NOT NULL,
    tenant TEXT NOT NULL, plugin TEXT NOT NULL, bot TEXT NOT NULL, place INTEGER NOT NULL,
    actions TEXT NOT NULL, parts_each INTEGER NOT NULL,
    targets TEXT NOT NULL, target_count INTEGER NOT NULL, expanded INTEGER NOT NULL,
    sent INTEGER NOT NULL, failed INTEGER NOT NULL, ended_at INTEGER);
CREATE INDEX broadcasts_of ON broadcasts (delivery);
CREATE INDEX broadcasts_open ON broadcasts (ended_at) WHERE ended_at IS NULL;
CREATE TABLE requests (
    number INTEGER PRIMARY KEY, event INTEGER NOT NULL, delivery INTEGER NOT NULL,
    tenant TEXT NOT NULL, plugin TEXT NOT NULL, key TEXT NOT NULL, place INTEGER NOT NULL,
    token TEXT NOT NULL, roles TEXT, bytes INTEGER NOT NULL, request TEXT NOT NULL,
    stored_at INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, ended_at INTEGER);
CREATE INDEX requests_of ON requests (delivery);
CREATE INDEX requests_ended ON requests (ended_at);
CREATE TABLE timers (
    tenant TEXT NOT NULL, plugin TEXT NOT NULL, conversation TEXT NOT NULL, name TEXT NOT NULL,
    due_at INTEGER NOT NULL, schedule TEXT NOT NULL, missed TEXT NOT NULL,
    payload TEXT NOT NULL, origin TEXT NOT NULL, parked INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, plugin, conversation, name)) WITHOUT ROWID;
CREATE INDEX timers_due ON timers (due_at) WHERE parked = 0;
CREATE INDEX timers_due_of ON timers (tenant, plugin, due_at) WHERE parked = 0;
CREATE TABLE scopes (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, plugin TEXT NOT NULL, scope TEXT NOT NULL,
    version INTEGER NOT NULL, bytes INTEGER NOT NULL, UNIQUE (tenant, plugin, scope));
CREATE INDEX scopes_empty ON scopes (bytes) WHERE bytes = 0;
CREATE TABLE state (
    scope INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
    version INTEGER NOT NULL, expires_at INTEGER, PRIMARY KEY (scope, key)) WITHOUT ROWID;
CREATE INDEX state_expires ON state (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE forms (
    tenant TEXT NOT NULL, bot TEXT NOT NULL, message TEXT NOT NULL,
    ends_at INTEGER NOT NULL, form TEXT NOT NULL,
    PRIMARY KEY (tenant, bot, message)) WITHOUT ROWID;
CREATE TABLE message_keys (
    tenant TEXT NOT NULL, plugin TEXT NOT NULL, key TEXT NOT NULL,
    bot TEXT NOT NULL, conversation TEXT NOT NULL, message TEXT NOT NULL, set_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, plugin, key)) WITHOUT ROWID;
CREATE INDEX message_keys_age ON message_keys (set_at);
CREATE TABLE messages (
    tenant TEXT NOT NULL, plugin TEXT NOT NULL, bot TEXT NOT NULL, message TEXT NOT NULL,
    conversation TEXT NOT NULL, visibility TEXT NOT NULL, thread TEXT, set_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, plugin, bot, message)) WITHOUT ROWID;
CREATE INDEX messages_age ON messages (set_at);
CREATE TABLE files (
    delivery INTEGER NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (delivery, sha256)) WITHOUT ROWID;
CREATE TABLE joins (
    tenant TEXT NOT NULL, plugin TEXT NOT NULL, bot TEXT NOT NULL, conversation TEXT NOT NULL,
    count INTEGER NOT NULL, PRIMARY KEY (tenant, plugin, bot, conversation)) WITHOUT ROWID;
CREATE TABLE keys_log_0 (number INTEGER PRIMARY KEY, key BLOB NOT NULL);
CREATE TABLE keys_log_1 (number INTEGER PRIMARY KEY, key BLOB NOT NULL);
CREATE TABLE host_values (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// What brings an older journal to the next version, with the version that it has.
const UPGRADES: [(i64, &str); 3] = [
    (
        1,
        // No host of that version took a turn with requests, so the table is empty.
        "DROP TABLE requests;
     CREATE TABLE requests (
        number INTEGER PRIMARY KEY, event INTEGER NOT NULL, delivery INTEGER NOT NULL,
        tenant TEXT NOT NULL, plugin TEXT NOT NULL, key TEXT NOT NULL, place INTEGER NOT NULL,
        token TEXT NOT NULL, roles TEXT, bytes INTEGER NOT NULL, request TEXT NOT NULL,
        stored_at INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
        ended_at INTEGER);
     CREATE INDEX requests_ended ON requests (ended_at);
     ALTER TABLE parts ADD COLUMN broadcast INTEGER;
     CREATE TABLE broadcasts (
        number INTEGER PRIMARY KEY, event INTEGER NOT NULL, delivery INTEGER NOT NULL,
        tenant TEXT NOT NULL, plugin TEXT NOT NULL, bot TEXT NOT NULL, place INTEGER NOT NULL,
        actions TEXT NOT NULL, parts_each INTEGER NOT NULL,
        targets TEXT NOT NULL, target_count INTEGER NOT NULL, expanded INTEGER NOT NULL,
        sent INTEGER NOT NULL, failed INTEGER NOT NULL, ended_at INTEGER);
     CREATE INDEX broadcasts_open ON broadcasts (ended_at) WHERE ended_at IS NULL;
     ALTER TABLE timers ADD COLUMN parked INTEGER NOT NULL DEFAULT 0;
     DROP INDEX timers_due;
     CREATE INDEX timers_due ON timers (due_at) WHERE parked = 0;
     CREATE INDEX timers_due_of ON timers (tenant, plugin, due_at) WHERE parked = 0;
     CREATE TABLE messages (
        tenant TEXT NOT NULL, plugin TEXT NOT NULL, bot TEXT NOT NULL, message TEXT NOT NULL,
        conversation TEXT NOT NULL, visibility TEXT NOT NULL, thread TEXT, set_at INTEGER NOT NULL,
        PRIMARY KEY (tenant, plugin, bot, message)) WITHOUT ROWID;
     CREATE INDEX messages_age ON messages (set_at);
     CREATE TABLE files (
        delivery INTEGER NOT NULL, sha256 TEXT NOT NULL,
        PRIMARY KEY (delivery, sha256)) WITHOUT ROWID;",
    ),
    (
        2,
        "ALTER TABLE deliveries ADD COLUMN put_back INTEGER;
     CREATE INDEX deliveries_of ON deliveries (event);
     CREATE INDEX parts_of ON parts (delivery);
     CREATE INDEX broadcasts_of ON broadcasts (delivery);
     CREATE INDEX requests_of ON requests (delivery);",
    ),
    (3, "ALTER TABLE deliveries ADD COLUMN timers TEXT;"),
];

/// Opens the writer's connection and makes the tables in a new file.
pub(super) fn open_writer(path: &Path) -> JournalResult<Connection> {
    let connection = Connection::open(path).map_err(|error| unusable(path, &error))?;
    set_up(&connection).map_err(|error| unusable(path, &error))?;
    check_schema(&connection, path)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "cache_size", -i64::from(READER_CACHE_KIB))?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES as i64)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // NORMAL leaves the log in the system's cache at a commit: it survives the process, however
    // that ends. Against the loss of power `disk` syncs it.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -i64::from(WRITER_CACHE_KIB))?;
    // The writer makes checkpoints itself, after it has told its callers that they are on disk.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES as i64)?;
    // What is taken out of a page that is written anyway is not left readable in it.
    connection.pragma_update(None, "secure_delete", "FAST")?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

fn check_schema(connection: &Connection, path: &Path) -> JournalResult<()> {
    let mut found = schema_version(connection).map_err(|error| unusable(path, &error))?;
    if let Some(version) = found.filter(|version| *version < SCHEMA_VERSION) {
        let kept = backup::keep_version(connection, path, version)?;
        tracing::info!(version, kept = %kept.display(), "journal is brought to a new version");
    }
    for (version, sql) in UPGRADES {
        if found == Some(version) {
            upgrade(connection, version + 1, sql).map_err(|error| unusable(path, &error))?;
            found = Some(version + 1);
        }
    }
    if check_version(connection, path)? {
        return Ok(());
    }
    make_tables(connection).map_err(|error| unusable(path, &error))
}

/// Checks that a file is a journal of this version; false where it has no tables yet.
pub(super) fn check_version(connection: &Connection, path: &Path) -> JournalResult<bool> {
    let found = schema_version(connection).map_err(|error| unusable(path, &error))?;
    match found {
        Some(SCHEMA_VERSION) => Ok(true),
        Some(version) => Err(JournalError::Failed(format!(
            "{} has schema {version}, this parlor knows {SCHEMA_VERSION}",
            path.display()
        ))),
        None => Ok(false),
    }
}

fn schema_version(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(None);
    }
    connection
        .query_row("SELECT value FROM meta WHERE name = 'schema'", [], |row| {
            row.get(0)
        })
        .map(Some)
}

fn upgrade(connection: &Connection, version: i64, sql: &str) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {sql}
         UPDATE meta SET value = {version} WHERE name = 'schema';
         COMMIT;"
    ))
}

fn make_tables(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {TABLES}
         INSERT INTO meta VALUES ('schema', {SCHEMA_VERSION});
         PRAGMA application_id = {APPLICATION_ID};
         COMMIT;"
    ))
}

fn unusable(path: &Path, error: &rusqlite::Error) -> JournalError {
    match journal_error(error) {
        JournalError::Failed(detail) => JournalError::Failed(format!(
            "{} is not a journal that can be used: {detail}",
            path.display()
        )),
        other => other,
    }
}
