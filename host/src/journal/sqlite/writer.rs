//! The writer thread: takes what comes, applies it in an open transaction, commits.
//!
//! A batch stays open while the disk is busy with the one before it, so that ordering never waits
//! for the disk, and a slow disk makes batches larger instead of more.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use rusqlite::Connection;
use rusqlite::ffi;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot, watch};

use super::apply::{Accepted, Turned};
use super::broadcast::{Expansion, Retargeting};
use super::config::Keep;
use super::disk::Disk;
use super::error::{Stop, journal_error};
use super::index::Index;
use super::keys::{DayKeys, LOG_KEYS};
use super::mend::Mend;
use super::prune::Cursor;
use super::rows::{ArrivalRow, RouteRow, TurnRow};
use super::schema::{PAGE_BYTES, WAL_BYTES};
use super::state::{Scope, StateCache, Value};
use super::statements::Statements;
use crate::journal::shared::now;
use crate::journal::{
    DeadReason, DeliveryEnd, Durable, JournalError, JournalResult, Ordered, PartNumber, PartUpdate,
    PluginKey, RequestNumber, RequestState, StateKey, StateScope,
};
use crate::model::delivery::{DeliveryNumber, EventNumber};
use crate::model::{Name, Timestamp};

/// Writes of one transaction.
const BATCH: usize = 512;
/// Pages in the write-ahead log at which a checkpoint is made.
const CHECKPOINT_PAGES: u64 = 2_000;
/// Answers that are kept back at most.
const ANSWERS: usize = 64;
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
    Accept(Vec<ArrivalRow>, Reply<Vec<Accepted>>),
    Route(
        EventNumber,
        String,
        Vec<RouteRow>,
        Reply<Option<(Name, Name, DeliveryNumber)>>,
    ),
    Commit(Box<TurnRow>, Reply<Turned>),
    Settle(DeliveryNumber, DeliveryEnd, Reply<()>),
    GiveUp(DeadReason, Vec<(DeliveryNumber, String)>, Reply<()>),
    Record(Vec<PartUpdate>, Reply<()>),
    MarkRequest(RequestNumber, RequestState, Reply<()>),
    ParkTimers(PluginKey, bool, Reply<()>),
    Expand(Expansion, Reply<Option<PartNumber>>),
    Retarget(Retargeting, Reply<bool>),
    SetHostValue(String, String, Reply<()>),
    Mend(Mend, Reply<u64>),
    Query(Query),
    Prune(Cursor, Timestamp, Reply<Cursor>),
    SetMaxBytes(u64, oneshot::Sender<JournalResult<()>>),
    /// The disk is idle again.
    Synced,
    Close(CloseReply),
}

impl Command {
    /// What it counts in a batch.
    fn weight(&self) -> usize {
        match self {
            Self::Accept(arrivals, _) => arrivals.len(),
            Self::Record(updates, _) => updates.len(),
            Self::GiveUp(_, letters, _) => letters.len(),
            _ => 1,
        }
    }
}

/// A batch whose transaction is open.
struct Batch {
    durable: Durable,
    on_disk: watch::Sender<Option<JournalResult<()>>>,
    weight: usize,
}

/// Tells a caller what became of its command.
type Answer = Box<dyn FnOnce() + Send>;

/// What the writer does next.
enum Next {
    Apply(Command),
    Commit,
    /// Nobody can ask any more.
    End,
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
    /// The log is to be emptied after the batch.
    pub(super) empties_log: bool,
    /// How long what is finished is kept; the settings may change it.
    pub(super) keep: Arc<Mutex<Keep>>,
    pub(super) pages_used: Arc<AtomicU64>,
    max_pages: u64,
    batch: Option<Batch>,
    /// What callers hear when the writer has taken everything that waits: woken one by one, they
    /// would take the processor from it for each.
    answers: Vec<Answer>,
    disk: Disk,
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
        disk: Disk,
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
            empties_log: false,
            keep: Arc::default(),
            pages_used,
            max_pages: u64::MAX,
            batch: None,
            answers: Vec::new(),
            disk,
            is_stale: false,
            pages_written: 0,
        };
        writer.set_max_bytes(max_bytes)?;
        Ok(writer)
    }

    /// Serves until it is told to close or nobody can ask any more.
    pub(super) fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut closing = None;
        loop {
            if self.answers.len() >= ANSWERS {
                self.tell();
            }
            match self.next(&mut commands) {
                Next::Apply(Command::Close(reply)) => {
                    closing = Some(reply);
                    break;
                }
                Next::Apply(command) => self.take(command),
                Next::Commit => {
                    // Whoever waits for the batch hears how it ended.
                    let _ended = self.commit_batch();
                }
                Next::End => break,
            }
        }
        // What came after the close is answered with `Closed` by dropping it.
        drop(commands);
        let end = self.commit_batch();
        let end = end.and(self.disk.finish());
        self.checkpoint("TRUNCATE");
        if let Some(reply) = closing {
            // The caller may have gone; the journal is closed all the same.
            let _ = reply.send(end);
        }
    }

    fn next(&mut self, commands: &mut mpsc::Receiver<Command>) -> Next {
        if let Some(batch) = &self.batch {
            if batch.weight >= BATCH {
                return Next::Commit;
            }
            match commands.try_recv() {
                Ok(command) => return Next::Apply(command),
                Err(TryRecvError::Empty) if self.disk.is_idle() => return Next::Commit,
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Next::End,
            }
        }
        self.tell();
        // A disk that is done says so with a command.
        match commands.blocking_recv() {
            Some(command) => Next::Apply(command),
            None => Next::End,
        }
    }

    /// Orders a command, in a new batch where none is open.
    fn take(&mut self, command: Command) {
        if matches!(command, Command::Synced) {
            return;
        }
        if self.batch.is_none()
            && let Err(error) = self.begin()
        {
            refuse(command, &error);
            return;
        }
        let weight = command.weight();
        match self.apply(command) {
            Ok(()) => {
                if let Some(batch) = &mut self.batch {
                    batch.weight += weight;
                }
            }
            Err(error) => self.undo(&journal_error(&error)),
        }
    }

    fn tell(&mut self) {
        for answer in self.answers.drain(..) {
            answer();
        }
    }

    /// Ends the open batch: what it holds is in the log, and on its way to the disk.
    fn commit_batch(&mut self) -> JournalResult<()> {
        self.tell();
        if self.batch.is_none() {
            return Ok(());
        }
        let began = Instant::now();
        if let Err(error) = self.finish() {
            let error = journal_error(&error);
            self.undo(&error);
            return Err(error);
        }
        self.state.commit();
        if let Some(batch) = self.batch.take() {
            self.disk.sync(batch.on_disk, began);
        }
        self.measure();
        self.checkpoint_when_due();
        Ok(())
    }

    fn begin(&mut self) -> JournalResult<()> {
        self.disk.check()?;
        self.open_batch().map_err(|error| journal_error(&error))?;
        let (on_disk, receiver) = watch::channel(None);
        self.batch = Some(Batch {
            durable: Durable::pending(receiver),
            on_disk,
            weight: 0,
        });
        Ok(())
    }

    fn open_batch(&mut self) -> rusqlite::Result<()> {
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
        self.statements.commit.execute([])?;
        Ok(())
    }

    /// Forgets the open batch, on disk and in memory.
    fn undo(&mut self, why: &JournalError) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "journal could not roll back");
        }
        self.is_stale = true;
        if let Err(error) = self.reload() {
            tracing::error!(%error, "journal could not be read again after a failed write");
        }
        self.tell();
        if let Some(batch) = self.batch.take() {
            batch.on_disk.send_replace(Some(Err(why.clone())));
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
            Command::Accept(arrivals, reply) => {
                let result = self.accept(arrivals);
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
            Command::GiveUp(reason, letters, reply) => {
                let result = self.give_up(reason, letters).map_err(Stop::from);
                self.answer(reply, result)
            }
            Command::Record(updates, reply) => {
                let result = self.record(updates);
                self.answer(reply, result)
            }
            Command::MarkRequest(request, state, reply) => {
                let result = self.mark_request(request, state);
                self.answer(reply, result)
            }
            Command::ParkTimers(plugin, is_parked, reply) => {
                let result = self.park_timers(&plugin, is_parked);
                self.answer(reply, result.map_err(Stop::from))
            }
            Command::Expand(expansion, reply) => {
                let result = self.expand(expansion).map_err(Stop::from);
                self.answer(reply, result)
            }
            Command::Retarget(retargeting, reply) => {
                let result = self.retarget(retargeting).map_err(Stop::from);
                self.answer(reply, result)
            }
            Command::SetHostValue(name, value, reply) => {
                let set = &mut self.statements.set_host_value;
                let result = set.execute((name, value)).map(drop);
                self.answer(reply, result.map_err(Stop::from))
            }
            Command::Mend(mend, reply) => {
                let result = self.mend(mend);
                self.answer(reply, result)
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
            // `run` and `take` see to these.
            Command::Synced | Command::Close(_) => Ok(()),
        }
    }

    fn answer<T: Send + 'static>(
        &mut self,
        reply: Reply<T>,
        result: Result<T, Stop>,
    ) -> rusqlite::Result<()> {
        let (answer, end) = match result {
            Ok(value) => {
                let batch = self.batch.as_ref();
                let durable = batch.map_or_else(Durable::done, |batch| batch.durable.clone());
                (Ok(Ordered { value, durable }), Ok(()))
            }
            Err(Stop::Own(error)) => (Err(error), Ok(())),
            Err(Stop::Batch(error)) => (Err(journal_error(&error)), Err(error)),
        };
        // Whoever asked may have gone; the write stands all the same.
        self.answers
            .push(Box::new(move || drop(reply.send(answer))));
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

    /// Tells how many percent of the journal's share are used.
    pub(super) fn percent_used(&self) -> u64 {
        let used = self.pages_used.load(Ordering::Relaxed);
        used.saturating_mul(100) / self.max_pages.max(1)
    }

    /// Tells how many bytes more than so many percent are used.
    pub(super) fn bytes_over(&self, percent: u64) -> u64 {
        let used = self.pages_used.load(Ordering::Relaxed);
        let may_be = self.max_pages.saturating_mul(percent) / 100;
        used.saturating_sub(may_be).saturating_mul(PAGE_BYTES)
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
        if std::mem::take(&mut self.empties_log) {
            self.checkpoint("TRUNCATE");
        }
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
fn refuse(command: Command, error: &JournalError) {
    fn say<T>(reply: oneshot::Sender<JournalResult<T>>, error: &JournalError) {
        // Whoever asked may have gone.
        let _ = reply.send(Err(error.clone()));
    }
    match command {
        Command::Accept(_, reply) => say(reply, error),
        Command::Route(_, _, _, reply) => say(reply, error),
        Command::Commit(_, reply) => say(reply, error),
        Command::Settle(_, _, reply)
        | Command::GiveUp(_, _, reply)
        | Command::Record(_, reply)
        | Command::MarkRequest(_, _, reply)
        | Command::ParkTimers(_, _, reply)
        | Command::SetHostValue(_, _, reply) => say(reply, error),
        Command::Expand(_, reply) => say(reply, error),
        Command::Retarget(_, reply) => say(reply, error),
        Command::Mend(_, reply) => say(reply, error),
        Command::Prune(_, _, reply) => say(reply, error),
        Command::SetMaxBytes(_, reply) => say(reply, error),
        // Its reply is dropped, which says `Closed`.
        Command::Query(query) => drop(query),
        // `run` and `take` see to these.
        Command::Synced | Command::Close(_) => {}
    }
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
