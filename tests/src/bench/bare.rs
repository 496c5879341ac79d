//! A bare writer of a host's rows: what they cost on this disk with nothing around them.
//!
//! The tables and the rows are those that a host has just written. One thread puts what is due into one
//! transaction and syncs it, as the journal does; an answer is there when its transaction is.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, ffi, params_from_iter};

use super::disk_folder;
use super::load::{Open, TICK};

/// Messages of one transaction.
const BATCH: usize = 512;
/// Messages that may wait for the writer.
const QUEUE: usize = 8_192;
/// Pages in the log at which it goes over into the database, as SQLite does it by itself.
const CHECKPOINT_PAGES: i32 = 1_000;

/// What a host has written.
pub(crate) struct Rows {
    tables: Vec<String>,
    messages: Vec<Message>,
    warm_up: usize,
}

/// The rows of one message, each as its statement binds it.
struct Message {
    event: Vec<Value>,
    delivery: Vec<Value>,
    done: Vec<Value>,
    part: Vec<Value>,
    sent: Vec<Value>,
}

/// The columns of a message, in the order in which the statements below bind them.
const READ: &str = "SELECT
    e.number, e.tenant, e.lane, e.stored_at, e.unrouted, e.event,
    d.number, e.number, d.plugin, d.view, d.roles,
    d.number, d.ended_at, d.took_us,
    p.number, e.number, d.number, p.tenant, p.plugin, p.bot, p.conversation,
        p.place, p.part, p.urgency, p.action,
    p.number, p.ended_at, p.message, p.detail
    FROM deliveries d JOIN events e ON e.number = d.event JOIN parts p ON p.delivery = d.number
    ORDER BY e.number";

const ADD_KEY: &str = "INSERT INTO keys_log_0 (key) VALUES (?1)";
const ADD_EVENT: &str = "INSERT INTO events (number, tenant, lane, stored_at, unrouted, event)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const ADD_DELIVERY: &str = "INSERT INTO deliveries (number, event, plugin, attempt, view, roles)
    VALUES (?1, ?2, ?3, 1, ?4, ?5)";
const END_DELIVERY: &str =
    "UPDATE deliveries SET ended = 'done', ended_at = ?2, took_us = ?3 WHERE number = ?1";
const ADD_PART: &str = "INSERT INTO parts (number, event, delivery, tenant, plugin, bot,
    conversation, place, part, urgency, action, state, attempts)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'sending', 1)";
const END_PART: &str =
    "UPDATE parts SET state = 'sent', ended_at = ?2, message = ?3, detail = ?4 WHERE number = ?1";

/// Reads what a host has written; the first `warm_up` messages are not measured.
pub(crate) fn rows_of(journal: &Path, warm_up: usize) -> anyhow::Result<Rows> {
    let connection = Connection::open_with_flags(journal, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let tables = connection
        .prepare(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*'
             ORDER BY type DESC",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    let mut statement = connection.prepare(READ)?;
    let messages = statement
        .query_map([], |row| {
            let mut next = 0;
            let mut take = |width: usize| -> rusqlite::Result<Vec<Value>> {
                let columns = next..next + width;
                next += width;
                columns.map(|column| row.get(column)).collect()
            };
            Ok(Message {
                event: take(6)?,
                delivery: take(5)?,
                done: take(3)?,
                part: take(11)?,
                sent: take(4)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<Message>>>()?;
    anyhow::ensure!(messages.len() > warm_up, "{} messages", messages.len());
    Ok(Rows {
        tables,
        messages,
        warm_up,
    })
}

/// Writes the rows at a rate; the times are those of an open loop through a host.
pub(crate) async fn write(rows: Rows, rate: u32) -> anyhow::Result<Open> {
    tokio::task::spawn_blocking(move || {
        let folder = disk_folder()?;
        let connection = Connection::open(folder.path().join("bare.sqlite"))?;
        make_tables(&connection, &rows.tables)?;
        let mut writer = Writer {
            connection: &connection,
            messages: &rows.messages,
            sent: Vec::new(),
            written: 0,
        };
        for first in (0..rows.warm_up).step_by(BATCH) {
            let end = (first + BATCH).min(rows.warm_up);
            writer.batch(first..end)?;
            writer.checkpoint_when_due()?;
        }
        let step = Duration::from_secs(1) / rate;
        let (due, waiting) = sync_channel(QUEUE);
        let numbers = rows.warm_up..rows.messages.len();
        let start = Instant::now() + Duration::from_millis(5);
        std::thread::scope(|scope| {
            let sender = scope.spawn(move || send(numbers, start, step, &due));
            let times = writer.run(&waiting);
            // Where the writer fails, nothing more is to be sent to it.
            drop(waiting);
            let late = sender.join();
            let late = late.map_err(|_| anyhow::anyhow!("the sender ended early"))?;
            Ok(Open {
                times: times?,
                late,
            })
        })
    })
    .await?
}

fn make_tables(connection: &Connection, tables: &[String]) -> rusqlite::Result<()> {
    // The settings of the journal, `durability = "power"`.
    connection.pragma_update(None, "page_size", 4096)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -32 * 1024)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    for table in tables {
        connection.execute_batch(table)?;
    }
    Ok(())
}

/// Hands each message over when it is due; tells how late.
#[expect(
    clippy::disallowed_methods,
    reason = "a thread of its own, whose work is to wait for what is due"
)]
fn send(
    numbers: std::ops::Range<usize>,
    start: Instant,
    step: Duration,
    due: &SyncSender<(usize, Instant)>,
) -> Vec<Duration> {
    let mut late = Vec::new();
    for (place, number) in numbers.enumerate() {
        let at = start + step * place as u32;
        while Instant::now() < at {
            std::thread::sleep(TICK);
        }
        late.push(at.elapsed());
        if due.send((number, at)).is_err() {
            break;
        }
    }
    late
}

struct Writer<'c> {
    connection: &'c Connection,
    messages: &'c [Message],
    /// Those whose parts left after the transaction before.
    sent: Vec<usize>,
    /// Pages written before the last checkpoint.
    written: i32,
}

impl Writer<'_> {
    fn run(&mut self, waiting: &Receiver<(usize, Instant)>) -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::new();
        while let Ok(first) = waiting.recv() {
            let mut batch = vec![first];
            batch.extend(waiting.try_iter().take(BATCH - 1));
            self.batch(batch.iter().map(|(number, _)| *number))?;
            times.extend(batch.iter().map(|(_, at)| at.elapsed()));
            self.checkpoint_when_due()?;
        }
        Ok(times)
    }

    /// Left to SQLite it would be part of a commit; here as in the journal, nobody waits for it.
    fn checkpoint_when_due(&mut self) -> rusqlite::Result<()> {
        let written = pages_written(self.connection);
        if written.wrapping_sub(self.written) >= CHECKPOINT_PAGES {
            self.written = written;
            let checkpoint = "PRAGMA wal_checkpoint(PASSIVE)";
            self.connection.query_row(checkpoint, [], |_| Ok(()))?;
        }
        Ok(())
    }

    fn batch(&mut self, numbers: impl Iterator<Item = usize>) -> rusqlite::Result<()> {
        self.execute("BEGIN IMMEDIATE", &[])?;
        for number in std::mem::take(&mut self.sent) {
            self.execute(END_PART, &self.messages[number].sent)?;
        }
        for number in numbers {
            let message = &self.messages[number];
            // Which bytes a key has makes no difference, so long as no two are alike.
            let key = (number as u128).to_be_bytes().to_vec();
            self.execute(ADD_KEY, &[Value::Blob(key)])?;
            self.execute(ADD_EVENT, &message.event)?;
            self.execute(ADD_DELIVERY, &message.delivery)?;
            self.execute(END_DELIVERY, &message.done)?;
            self.execute(ADD_PART, &message.part)?;
            self.sent.push(number);
        }
        self.execute("COMMIT", &[])
    }

    fn execute(&self, sql: &str, values: &[Value]) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute(params_from_iter(values)).map(drop)
    }
}

/// Pages that the connection has written to the log since it was opened.
fn pages_written(connection: &Connection) -> i32 {
    let (mut current, mut highest) = (0, 0);
    // SAFETY: the handle lives as long as the connection, which is borrowed here, and both
    // pointers are valid for the time of the call.
    let status = unsafe {
        ffi::sqlite3_db_status(
            connection.handle(),
            ffi::SQLITE_DBSTATUS_CACHE_WRITE,
            &raw mut current,
            &raw mut highest,
            0,
        )
    };
    if status == ffi::SQLITE_OK { current } else { 0 }
}
