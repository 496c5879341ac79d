//! The writer thread: takes what waits, applies it in one transaction, commits.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rusqlite::Connection;
use rusqlite::ffi;
use tokio::sync::{mpsc, oneshot, watch};

use super::apply::{Accepted, Turned};
use super::error::{Stop, journal_error};
use super::index::Index;
use super::keys::{DayKeys, LOG_KEYS};
use super::prune::Cursor;
use super::rows::{ArrivalRow, RouteRow, TurnRow};
use super::schema::{PAGE_BYTES, WAL_BYTES};
use super::state::{Scope, StateCache, Value};
use super::statements::Statements;
use crate::journal::shared::now;
use crate::journal::{
    DeliveryEnd, Durable, JournalError, JournalResult, Ordered, PartUpdate, StateKey, StateScope,
};
use crate::model::delivery::{DeliveryNumber, EventNumber};
use crate::model::{Name, Timestamp};
use crate::telemetry::latency::Latency;

/// Commands of one transaction.
const BATCH: usize = 512;
/// Pages in the write-ahead log at which a checkpoint is made.
const CHECKPOINT_PAGES: u64 = 1_000;
/// Intake pauses when this many percent of the journal's share are used…
const PAUSE_PERCENT: u64 = 90;
/// … and goes on at so many.
const RESUME_PERCENT: u64 = 80;

/// Where the answer to a write goes.
pub(super) type Reply<T> = oneshot::Sender<JournalResult<Ordered<T>>>;
/// Where the answer to a close goes.
type CloseReply = oneshot::Sender<JournalResult<()>>;
/// A read that the writer answers, because it must see what is ordered and is asked for seldom.
pub(super) type Query = Box<dyn FnOnce(&Connection, &Index) + Send>;

/// What the writer is asked.
pub(super) enum Command {
    Accept(Box<ArrivalRow>, Reply<Accepted>),
    Route(
        EventNumber,
        String,
        Vec<RouteRow>,
        Reply<Option<(Name, Name, DeliveryNumber)>>,
    ),
    Commit(Box<TurnRow>, Reply<Turned>),
    Settle(DeliveryNumber, DeliveryEnd, Reply<()>),
    Record(Vec<PartUpdate>, Reply<()>),
    SetHostValue(String, String, Reply<()>),
    Query(Query),
    Prune(Cursor, Timestamp, Reply<Cursor>),
    SetMaxBytes(u64, oneshot::Sender<JournalResult<()>>),
    Close(CloseReply),
}

/// Everything the thread owns.
pub(super) struct Writer<'c> {
    pub(super) connection: &'c Connection,
    pub(super) statements: Statements<'c>,
    pub(super) keys: DayKeys<'c>,
    pub(super) index: Index,
    pub(super) state: Arc<StateCache>,
    /// Values and scopes that the open batch wrote, last state of each.
    pub(super) dirty_values: HashMap<StateKey, (u64, Value)>,
    pub(super) dirty_scopes: HashMap<StateScope, Scope>,
    /// The time of the open batch.
    pub(super) now: Timestamp,
    pub(super) intake_is_full: bool,
    pub(super) pages_used: Arc<AtomicU64>,
    commits: Arc<Latency>,
    max_pages: u64,
    durable: Durable,
    /// The index does not agree with the database, because it could not be read after a failure.
    is_stale: bool,
    pages_written: u64,
}

impl<'c> Writer<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        index: Index,
        state: Arc<StateCache>,
        max_bytes: u64,
        pages_used: Arc<AtomicU64>,
        commits: Arc<Latency>,
    ) -> rusqlite::Result<Self> {
        let mut writer = Self {
            connection,
            statements: Statements::prepare(connection)?,
            keys: DayKeys::open(connection, LOG_KEYS)?,
            index,
            state,
            dirty_values: HashMap::new(),
            dirty_scopes: HashMap::new(),
            now: now(),
            intake_is_full: false,
            pages_used,
            commits,
            max_pages: u64::MAX,
            durable: Durable::done(),
            is_stale: false,
            pages_written: 0,
        };
        writer.set_max_bytes(max_bytes)?;
        Ok(writer)
    }

    /// Serves until it is told to close or nobody can ask any more.
    pub(super) fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut closing = None;
        while closing.is_none()
            && let Some(first) = commands.blocking_recv()
        {
            closing = self.batch(first, &mut commands);
            self.checkpoint_when_due();
        }
        // What came after the close is answered with `Closed` by dropping it.
        drop(commands);
        self.checkpoint("TRUNCATE");
        if let Some((reply, end)) = closing {
            // The caller may have gone; the journal is closed all the same.
            let _ = reply.send(end);
        }
    }

    /// Orders what waits and puts it on disk. Gives back the reply to a close, and what it says.
    fn batch(
        &mut self,
        first: Command,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Option<(CloseReply, JournalResult<()>)> {
        if let Err(error) = self.begin() {
            return refuse(first, &journal_error(&error)).map(|reply| (reply, Ok(())));
        }
        let (on_disk, receiver) = watch::channel(None);
        self.durable = Durable::pending(receiver);
        let mut closing = None;
        let mut next = Some(first);
        let mut applied = 0;
        let mut result = Ok(());
        while let Some(command) = next.take() {
            match command {
                Command::Close(reply) => closing = Some(reply),
                command => result = self.apply(command),
            }
            applied += 1;
            if result.is_ok() && closing.is_none() && applied < BATCH {
                next = commands.try_recv().ok();
            }
        }
        let end = result.and_then(|()| self.finish());
        self.durable = Durable::done();
        let end = match end {
            Ok(()) => {
                self.state.commit();
                self.measure();
                Ok(())
            }
            Err(error) => {
                self.undo();
                Err(journal_error(&error))
            }
        };
        on_disk.send_replace(Some(end.clone()));
        closing.map(|reply| (reply, end))
    }

    fn begin(&mut self) -> rusqlite::Result<()> {
        self.now = now();
        if self.is_stale {
            self.reload()?;
        }
        self.keys.turn_day(self.now)?;
        self.statements.begin.execute([])?;
        Ok(())
    }

    fn finish(&mut self) -> rusqlite::Result<()> {
        self.flush_state()?;
        self.keys.settle_some()?;
        let began = Instant::now();
        self.statements.commit.execute([])?;
        self.commits.took(began.elapsed());
        Ok(())
    }

    /// Forgets the open batch, on disk and in memory.
    fn undo(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "journal could not roll back");
        }
        self.is_stale = true;
        if let Err(error) = self.reload() {
            tracing::error!(%error, "journal could not be read again after a failed write");
        }
    }

    fn reload(&mut self) -> rusqlite::Result<()> {
        self.dirty_values.clear();
        self.dirty_scopes.clear();
        self.index.load(self.connection)?;
        self.keys.load()?;
        self.state.reset(super::read::state_sizes(self.connection)?);
        self.is_stale = false;
        self.measure();
        Ok(())
    }

    fn apply(&mut self, command: Command) -> rusqlite::Result<()> {
        match command {
            Command::Accept(arrival, reply) => {
                let result = self.accept(*arrival);
                self.answer(reply, result)
            }
            Command::Route(number, event, routes, reply) => {
                let result = self.route(number, &event, routes);
                self.answer(reply, result)
            }
            Command::Commit(turn, reply) => {
                let result = self.commit(*turn);
                self.answer(reply, result)
            }
            Command::Settle(delivery, end, reply) => {
                let result = self.settle(delivery, end);
                self.answer(reply, result)
            }
            Command::Record(updates, reply) => {
                let result = self.record(updates);
                self.answer(reply, result)
            }
            Command::SetHostValue(name, value, reply) => {
                let set = &mut self.statements.set_host_value;
                let result = set.execute((name, value)).map(drop);
                self.answer(reply, result.map_err(Stop::from))
            }
            Command::Query(query) => {
                query(self.connection, &self.index);
                Ok(())
            }
            Command::Prune(cursor, at, reply) => {
                let result = self.prune(cursor, at).map_err(Stop::from);
                self.answer(reply, result)
            }
            Command::SetMaxBytes(bytes, reply) => {
                let result = self.set_max_bytes(bytes);
                // Whoever asked may have gone.
                let _ = reply.send(result.map_err(|error| journal_error(&error)));
                Ok(())
            }
            Command::Close(reply) => {
                // `batch` takes closes itself.
                drop(reply);
                Ok(())
            }
        }
    }

    fn answer<T>(&self, reply: Reply<T>, result: Result<T, Stop>) -> rusqlite::Result<()> {
        let (answer, end) = match result {
            Ok(value) => {
                let durable = self.durable.clone();
                (Ok(Ordered { value, durable }), Ok(()))
            }
            Err(Stop::Own(error)) => (Err(error), Ok(())),
            Err(Stop::Batch(error)) => (Err(journal_error(&error)), Err(error)),
        };
        // Whoever asked may have gone; the write stands all the same.
        let _ = reply.send(answer);
        end
    }

    fn set_max_bytes(&mut self, bytes: u64) -> rusqlite::Result<()> {
        let pages = (bytes / PAGE_BYTES).clamp(1, u64::from(u32::MAX) - 2);
        // A database that is larger already keeps its size.
        self.max_pages =
            self.connection
                .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| {
                    row.get(0)
                })?;
        self.measure();
        Ok(())
    }

    /// Sees how much of the journal's share is used.
    fn measure(&mut self) {
        let count = |statement: &mut rusqlite::Statement<'_>| {
            statement.query_row([], |row| row.get::<_, u64>(0))
        };
        let (Ok(pages), Ok(free)) = (
            count(&mut self.statements.page_count),
            count(&mut self.statements.freelist_count),
        ) else {
            return;
        };
        let used = pages.saturating_sub(free);
        self.pages_used.store(used, Ordering::Relaxed);
        let bound = if self.intake_is_full {
            RESUME_PERCENT
        } else {
            PAUSE_PERCENT
        };
        self.intake_is_full = used.saturating_mul(100) >= self.max_pages.saturating_mul(bound);
    }

    fn checkpoint_when_due(&mut self) {
        let written = pages_written(self.connection);
        if written.saturating_sub(self.pages_written) < CHECKPOINT_PAGES {
            return;
        }
        self.pages_written = written;
        let pages = self.checkpoint("PASSIVE");
        if pages.saturating_mul(PAGE_BYTES) > WAL_BYTES {
            // Somebody's long read holds the log; wait for it, as long as a statement may wait.
            self.checkpoint("TRUNCATE");
        }
    }

    /// Moves the log into the database; gives back the pages that the log has.
    fn checkpoint(&self, how: &str) -> u64 {
        let sql = format!("PRAGMA wal_checkpoint({how})");
        let result = self
            .connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(1)));
        match result {
            Ok(pages) => u64::try_from(pages).unwrap_or(0),
            Err(error) => {
                tracing::warn!(%error, "journal could not make a checkpoint");
                0
            }
        }
    }
}

/// Answers a command whose batch could not begin.
fn refuse(command: Command, error: &JournalError) -> Option<CloseReply> {
    fn say<T>(reply: oneshot::Sender<JournalResult<T>>, error: &JournalError) {
        // Whoever asked may have gone.
        let _ = reply.send(Err(error.clone()));
    }
    match command {
        Command::Accept(_, reply) => say(reply, error),
        Command::Route(_, _, _, reply) => say(reply, error),
        Command::Commit(_, reply) => say(reply, error),
        Command::Settle(_, _, reply)
        | Command::Record(_, reply)
        | Command::SetHostValue(_, _, reply) => say(reply, error),
        Command::Prune(_, _, reply) => say(reply, error),
        Command::SetMaxBytes(_, reply) => say(reply, error),
        // Its reply is dropped, which says `Closed`.
        Command::Query(query) => drop(query),
        Command::Close(reply) => return Some(reply),
    }
    None
}

/// Pages that the connection has written to the log since it was opened.
fn pages_written(connection: &Connection) -> u64 {
    let mut current = 0;
    let mut highest = 0;
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
    if status == ffi::SQLITE_OK {
        u64::try_from(current).unwrap_or(0)
    } else {
        0
    }
}
