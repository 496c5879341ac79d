//! The journal in SQLite: one writer thread, group commit.
//!
//! A write is sent to the writer, which applies what waits inside one transaction, answers each
//! caller as soon as its place is fixed, commits, and then says that the batch is on disk. State is
//! read from a cache that also holds what is ordered and not yet committed, and else from a small
//! pool of connections; all other reads are answered by the writer itself.
//!
//! The file is `journal.sqlite` in the data folder and can be read with `sqlite3`.

mod apply;
mod error;
mod index;
mod keys;
mod prune;
mod read;
mod rows;
mod schema;
mod state;
mod statements;
mod turn;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use async_trait::async_trait;
use parking_lot::Mutex;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use self::apply::Turned;
use self::error::journal_error;
use self::index::Index;
use self::prune::Cursor;
use self::read::Readers;
use self::rows::{ArrivalRow, TurnRow};
use self::schema::PAGE_BYTES;
use self::state::{Lookup, StateCache};
use self::writer::{Command, Reply, Writer};
use super::lock::make_private_folder;
use super::shared::{deliveries, keeps_to_itself, now, number_event, parts, tenant_key};
use super::{
    Accepted, Arrival, Committed, Counts, DeadLetter, DeliveryEnd, Journal, JournalError,
    JournalResult, OpenForm, Ordered, Part, PartNumber, PartUpdate, SentMessage, StateKey,
    StateScope, Timer, Turn, Unrouted,
};
use crate::model::Timestamp;
use crate::model::delivery::{Delivery, DeliveryNumber, EventNumber, Route};
use crate::model::event::Event;
use crate::telemetry::latency::{Latency, LatencyCounts};

/// The name of the database in the data folder.
pub const JOURNAL_FILE: &str = "journal.sqlite";
/// Bytes of the database where the settings say nothing.
pub const DEFAULT_MAX_BYTES: u64 = 16 * 1024 * 1024 * 1024;
/// Commands that may wait for the writer; who comes later waits for room.
const QUEUE: usize = 1_024;

/// What a write survives once it is durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// The loss of power.
    #[default]
    Power,
    /// The end of the process, however it comes; not the loss of power.
    Process,
}

/// Settings of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteConfig {
    /// What a write survives.
    pub durability: Durability,
    /// Bytes that the database may take. Intake pauses at 90 % and goes on at 80 %.
    pub max_bytes: u64,
}

impl Default for SqliteConfig {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            max_bytes: DEFAULT_MAX_BYTES,
        }
    }
}

/// A journal in a SQLite database.
pub struct SqliteJournal {
    path: PathBuf,
    commands: mpsc::Sender<Command>,
    state: Arc<StateCache>,
    readers: Readers,
    pages_used: Arc<AtomicU64>,
    commits: Arc<Latency>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl SqliteJournal {
    /// Opens the journal of a data folder, and makes it where there is none. Blocks for the time
    /// that takes. The folder should be [locked](super::lock::DataLock).
    ///
    /// # Errors
    /// [`JournalError::Failed`] where the file is no journal, is damaged, is of another version, or
    /// cannot be opened.
    pub fn open(folder: &Path, config: SqliteConfig) -> JournalResult<Self> {
        let failed = |what: &dyn std::fmt::Display| JournalError::Failed(what.to_string());
        make_private_folder(folder).map_err(|error| failed(&error))?;
        let path = folder.join(JOURNAL_FILE);
        let connection = schema::open_writer(&path, config.durability)?;
        let damaged = |error: rusqlite::Error| {
            let error = journal_error(&error);
            JournalError::Failed(format!("{} cannot be read: {error}", path.display()))
        };
        let mut index = Index::default();
        index.load(&connection).map_err(damaged)?;
        let sizes = read::state_sizes(&connection).map_err(damaged)?;
        let state = Arc::new(StateCache::new(sizes));
        let pages_used = Arc::new(AtomicU64::new(0));
        let commits = Arc::new(Latency::default());
        let (commands, receiver) = mpsc::channel(QUEUE);
        let (ready, is_ready) = std::sync::mpsc::sync_channel(1);
        let writer = {
            let (state, pages_used) = (Arc::clone(&state), Arc::clone(&pages_used));
            let commits = Arc::clone(&commits);
            let max_bytes = config.max_bytes;
            std::thread::Builder::new()
                .name("journal".to_owned())
                .spawn(move || {
                    // The statements borrow the connection, so both live in this thread.
                    match Writer::new(&connection, index, state, max_bytes, pages_used, commits) {
                        Ok(writer) => {
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
            commits,
            writer: Mutex::new(Some(writer)),
        })
    }

    /// Changes how much the database may take.
    ///
    /// # Errors
    /// [`JournalError::Closed`], or what SQLite says.
    pub async fn set_max_bytes(&self, bytes: u64) -> JournalResult<()> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::SetMaxBytes(bytes, reply)).await?;
        answer.await.map_err(|_| JournalError::Closed)?
    }

    /// Bytes of the database that hold something.
    pub fn bytes_used(&self) -> u64 {
        self.pages_used.load(Ordering::Relaxed) * PAGE_BYTES
    }

    async fn send(&self, command: Command) -> JournalResult<()> {
        let sent = self.commands.send(command).await;
        sent.map_err(|_| JournalError::Closed)
    }

    async fn write<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> JournalResult<Ordered<T>> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply)).await?;
        answer.await.map_err(|_| JournalError::Closed)?
    }

    /// Reads in the writer, after everything that is ordered.
    async fn query<T, F>(&self, read: F) -> JournalResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Index) -> JournalResult<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let query = move |connection: &Connection, index: &Index| {
            // Whoever asked may have gone.
            let _ = reply.send(read(connection, index));
        };
        self.send(Command::Query(Box::new(query))).await?;
        answer.await.map_err(|_| JournalError::Closed)?
    }

    /// As [`Self::query`], for what SQLite alone can fail.
    async fn query_rows<T, F>(&self, read: F) -> JournalResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.query(move |connection, _| read(connection).map_err(|error| journal_error(&error)))
            .await
    }

    fn bytes_on_disk(&self) -> u64 {
        ["", "-wal"]
            .iter()
            .map(|end| {
                let mut path = self.path.clone().into_os_string();
                path.push(end);
                std::fs::metadata(path).map_or(0, |file| file.len())
            })
            .sum()
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn accept(&self, arrival: Arrival) -> JournalResult<Ordered<Accepted>> {
        let Arrival {
            tenant,
            key,
            mut event,
            lane,
            routes,
            timer,
            forms,
        } = arrival;
        let row = Box::new(ArrivalRow {
            key: tenant_key(&tenant, key),
            event: rows::json(&*event)?,
            routes: routes.as_deref().map(rows::route_rows).transpose()?,
            tenant: Arc::clone(&tenant),
            lane: Arc::clone(&lane),
            timer,
            forms,
        });
        let ordered = self.write(|reply| Command::Accept(row, reply)).await?;
        let value = match ordered.value {
            None => Accepted::Duplicate,
            Some((number, first)) => {
                number_event(&mut event, number);
                let routes = routes.unwrap_or_default();
                let deliveries = deliveries(first, &tenant, &lane, &event, routes);
                Accepted::New { number, deliveries }
            }
        };
        Ok(Ordered {
            value,
            durable: ordered.durable,
        })
    }

    async fn route(
        &self,
        number: EventNumber,
        mut event: Arc<Event>,
        routes: Vec<Route>,
    ) -> JournalResult<Ordered<Vec<Delivery>>> {
        number_event(&mut event, number);
        let text = rows::json(&*event)?;
        let rows = rows::route_rows(&routes)?;
        let ordered = self
            .write(|reply| Command::Route(number, text, rows, reply))
            .await?;
        let value = ordered
            .value
            .map(|(tenant, lane, first)| deliveries(first, &tenant, &lane, &event, routes));
        Ok(Ordered {
            value: value.unwrap_or_default(),
            durable: ordered.durable,
        })
    }

    async fn commit(&self, turn: Turn) -> JournalResult<Ordered<Committed>> {
        if !keeps_to_itself(&turn) {
            return Err(JournalError::Failed("state of another plugin".to_owned()));
        }
        let row = Box::new(TurnRow {
            delivery: turn.delivery,
            tenant: Arc::clone(&turn.tenant),
            plugin: Arc::clone(&turn.plugin),
            took_us: turn.took_us,
            state: turn.state,
            parts: turn
                .parts
                .iter()
                .map(rows::part_row)
                .collect::<JournalResult<_>>()?,
            timers: turn
                .timers
                .into_iter()
                .map(rows::timer_row)
                .collect::<JournalResult<_>>()?,
            requests: turn
                .requests
                .into_iter()
                .map(rows::request_row)
                .collect::<JournalResult<_>>()?,
        });
        let ordered = self.write(|reply| Command::Commit(row, reply)).await?;
        let value = match ordered.value {
            Turned::Conflict => Committed::Conflict,
            Turned::Again => Committed::Done(Vec::new()),
            Turned::Done(first) => Committed::Done(parts(
                first,
                turn.delivery,
                &turn.tenant,
                &turn.plugin,
                &turn.event,
                turn.parts,
            )),
        };
        Ok(Ordered {
            value,
            durable: ordered.durable,
        })
    }

    async fn settle(
        &self,
        delivery: DeliveryNumber,
        end: DeliveryEnd,
    ) -> JournalResult<Ordered<()>> {
        self.write(|reply| Command::Settle(delivery, end, reply))
            .await
    }

    async fn record(&self, updates: Vec<PartUpdate>) -> JournalResult<Ordered<()>> {
        self.write(|reply| Command::Record(updates, reply)).await
    }

    async fn state_get(&self, key: &StateKey) -> JournalResult<(Option<Vec<u8>>, u64)> {
        if self.commands.is_closed() {
            return Err(JournalError::Closed);
        }
        let value = match self.state.value(key) {
            Lookup::Known(value) => value,
            Lookup::Unknown(mark) => {
                let own = key.clone();
                let read = move |connection: &mut Connection| read::state_value(connection, &own);
                let value = self.readers.read(read).await?;
                self.state.fill(key, value.clone(), mark);
                value
            }
        };
        let (bytes, version) = value.at(now());
        Ok((bytes.map(<[u8]>::to_vec), version))
    }

    async fn state_keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> JournalResult<(Vec<String>, u64)> {
        // The overlay is read before the disk: what is committed in between is then in both. The
        // version may be older than the list, which a commit finds; it is never newer.
        let overlay = self.state.overlay(scope);
        let from_disk = limit.saturating_add(overlay.keys.len());
        let (own, begin, last) = (scope.clone(), prefix.to_owned(), after.map(str::to_owned));
        let read = move |connection: &mut Connection| {
            read::state_keys(connection, &own, &begin, last.as_deref(), from_disk)
        };
        let (mut keys, version) = self.readers.read(read).await?;
        if !overlay.keys.is_empty() {
            keys.retain(|key| overlay.keys.get(key) != Some(&false));
            let made = overlay.keys.into_iter().filter(|(key, is_there)| {
                *is_there && key.starts_with(prefix) && after.is_none_or(|after| **key > *after)
            });
            keys.extend(made.map(|(key, _)| key));
            keys.sort_unstable();
            keys.dedup();
        }
        keys.truncate(limit);
        Ok((keys, overlay.version.unwrap_or(version)))
    }

    async fn state_size(&self, tenant: &str, plugin: &str) -> JournalResult<u64> {
        Ok(self.state.size(tenant, plugin))
    }

    async fn unrouted(&self, after: EventNumber, limit: usize) -> JournalResult<Vec<Unrouted>> {
        self.query(move |connection, _| read::unrouted(connection, after, limit))
            .await
    }

    async fn dead_letters(
        &self,
        after: DeliveryNumber,
        limit: usize,
    ) -> JournalResult<Vec<DeadLetter>> {
        self.query(move |connection, _| read::dead_letters(connection, after, limit))
            .await
    }

    async fn pending_deliveries(
        &self,
        after: DeliveryNumber,
        limit: usize,
    ) -> JournalResult<Vec<Delivery>> {
        self.query(move |connection, _| read::pending_deliveries(connection, after, limit))
            .await
    }

    async fn pending_parts(&self, after: PartNumber, limit: usize) -> JournalResult<Vec<Part>> {
        self.query(move |connection, _| read::pending_parts(connection, after, limit))
            .await
    }

    async fn due_timers(&self, now: Timestamp, limit: usize) -> JournalResult<Vec<Timer>> {
        self.query(move |connection, _| read::due_timers(connection, now, limit))
            .await
    }

    async fn next_timer(&self) -> JournalResult<Option<Timestamp>> {
        self.query_rows(read::next_timer).await
    }

    async fn timer_count(&self, tenant: &str, plugin: &str) -> JournalResult<u64> {
        let (tenant, plugin) = (tenant.to_owned(), plugin.to_owned());
        self.query_rows(move |connection| read::timer_count(connection, &tenant, &plugin))
            .await
    }

    async fn open_forms(&self) -> JournalResult<Vec<OpenForm>> {
        self.query(|connection, _| read::open_forms(connection))
            .await
    }

    async fn message_by_key(
        &self,
        tenant: &str,
        plugin: &str,
        key: &str,
    ) -> JournalResult<Option<SentMessage>> {
        let [tenant, plugin, key] = [tenant, plugin, key].map(str::to_owned);
        self.query_rows(move |connection| read::message_by_key(connection, &tenant, &plugin, &key))
            .await
    }

    async fn join_count(
        &self,
        tenant: &str,
        plugin: &str,
        bot: &str,
        conversation: &str,
    ) -> JournalResult<u64> {
        let place = [tenant, plugin, bot, conversation].map(str::to_owned);
        self.query_rows(move |connection| {
            read::join_count(connection, place.each_ref().map(String::as_str))
        })
        .await
    }

    async fn host_value(&self, name: &str) -> JournalResult<Option<String>> {
        let name = name.to_owned();
        self.query_rows(move |connection| read::host_value(connection, &name))
            .await
    }

    async fn set_host_value(&self, name: &str, value: &str) -> JournalResult<Ordered<()>> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(|reply| Command::SetHostValue(name, value, reply))
            .await
    }

    fn commit_times(&self) -> Option<LatencyCounts> {
        Some(self.commits.counts())
    }

    async fn counts(&self) -> JournalResult<Counts> {
        let mut counts = self
            .query(|connection, index| {
                read::counts(connection, index).map_err(|error| journal_error(&error))
            })
            .await?;
        counts.bytes = self.bytes_on_disk();
        Ok(counts)
    }

    async fn prune(&self, now: Timestamp) -> JournalResult<()> {
        let mut cursor = Cursor::Start;
        while cursor != Cursor::Done {
            let turn = self
                .write(|reply| Command::Prune(cursor, now, reply))
                .await?;
            turn.durable.wait().await?;
            cursor = turn.value;
        }
        Ok(())
    }

    async fn close(&self) -> JournalResult<()> {
        self.readers.close().await;
        let (reply, answer) = oneshot::channel();
        self.send(Command::Close(reply)).await?;
        let closed = answer.await.map_err(|_| JournalError::Closed)?;
        let thread = self.writer.lock().take();
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                return Err(JournalError::Failed("journal's writer panicked".to_owned()));
            }
        }
        closed
    }
}
