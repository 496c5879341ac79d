//! The journal in SQLite: one writer thread, group commit.
//!
//! A write is sent to the writer, which applies it inside the open transaction and answers as soon
//! as its place is fixed. When the disk is idle the transaction is committed and handed to a thread
//! that waits for the disk and then says that the batch is there. State is
//! read from a cache that also holds what is ordered and not yet committed, and else from a small
//! pool of connections; all other reads are answered by the writer itself.
//!
//! The file is `journal.sqlite` in the data folder and can be read with `sqlite3`.

mod apply;
mod backup;
mod broadcast;
mod config;
mod copies;
mod disk;
mod error;
mod files;
mod forget;
mod index;
mod keys;
mod mend;
mod open;
mod overflow;
mod past;
mod prune;
mod read;
mod recorded;
mod requests;
mod rest;
mod rows;
mod schema;
mod state;
mod statements;
mod timers;
mod turn;
mod values;
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
use tokio::sync::{mpsc, oneshot};

use self::apply::Turned;
use self::broadcast::{Expansion, Retargeting};
pub use self::config::{DEFAULT_MAX_BYTES, Durability, Keep, SqliteConfig};
use self::error::journal_error;
use self::index::Index;
use self::prune::Cursor;
use self::read::Readers;
pub use self::recorded::CarriedState;
pub use self::rest::RestingJournal;
use self::rows::{ArrivalRow, TurnRow};
use self::schema::PAGE_BYTES;
use self::state::StateCache;
use self::writer::{Command, Reply};
use super::blobs::Blobs;
use super::open_deliveries::crowds;
use super::open_requests::plugin_key;
use super::shared::{
    broadcast_parts, deliveries, keeps_to_itself, number_event, parts, targets_in, tenant_key,
};
use super::{
    Accepted, Arrival, Broadcast, BroadcastNumber, Committed, Counts, Crowd, DeadLetter,
    DeadReason, DeliveryEnd, DeliveryLoad, EventQuery, Forgotten, HeldFile, Journal, JournalError,
    JournalResult, OpenForm, Ordered, Part, PartNumber, PartUpdate, PastEvent, PendingRequest,
    PluginKey, RequestLoad, RequestNumber, RequestState, SentMessage, StateKey, StateScope, Timer,
    TimerKey, Turn, Unrouted,
};
use crate::model::delivery::{Delivery, DeliveryNumber, EventNumber, Route};
use crate::model::event::Event;
use crate::model::{Name, Timestamp};
use crate::telemetry::latency::{Latency, LatencyCounts};

/// The name of the database in the data folder.
pub const JOURNAL_FILE: &str = "journal.sqlite";

/// A journal in a SQLite database.
pub struct SqliteJournal {
    path: PathBuf,
    commands: mpsc::Sender<Command>,
    state: Arc<StateCache>,
    readers: Readers,
    pages_used: Arc<AtomicU64>,
    files: Arc<Blobs>,
    commits: Arc<Latency>,
    keep: Arc<Mutex<Keep>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl SqliteJournal {
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
        let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        bytes(&self.path) + bytes(&open::log_path(&self.path))
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn accept(&self, arrival: Arrival) -> JournalResult<Ordered<Accepted>> {
        let mut ordered = self.accept_all(vec![arrival]).await?;
        let value = ordered.value.pop();
        Ok(Ordered {
            value: value.ok_or(JournalError::Closed)?,
            durable: ordered.durable,
        })
    }

    async fn accept_all(&self, arrivals: Vec<Arrival>) -> JournalResult<Ordered<Vec<Accepted>>> {
        let mut rows = Vec::with_capacity(arrivals.len());
        let mut taken = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            let Arrival {
                tenant,
                key,
                event,
                lane,
                routes,
                timer,
                request,
                forms,
            } = arrival;
            rows.push(ArrivalRow {
                key: tenant_key(&tenant, key),
                event: rows::json(&*event)?,
                routes: routes.as_deref().map(rows::route_rows).transpose()?,
                tenant: Arc::clone(&tenant),
                lane: Arc::clone(&lane),
                timer,
                request,
                forms,
            });
            taken.push((tenant, lane, event, routes.unwrap_or_default()));
        }
        let ordered = self.write(|reply| Command::Accept(rows, reply)).await?;
        let numbered = ordered.value.into_iter().zip(taken);
        let accepted = numbered.map(|(place, (tenant, lane, mut event, routes))| match place {
            None => Accepted::Duplicate,
            Some((number, first)) => {
                number_event(&mut event, number);
                let deliveries = deliveries(first, &tenant, &lane, &event, routes);
                Accepted::New { number, deliveries }
            }
        });
        Ok(Ordered {
            value: accepted.collect(),
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
            files: {
                let parts = turn.parts.iter().map(|part| &part.action);
                let broadcasts = turn.broadcasts.iter().flat_map(|body| &body.actions);
                rows::files(parts.chain(broadcasts))
            },
            parts: turn
                .parts
                .iter()
                .map(rows::part_row)
                .collect::<JournalResult<_>>()?,
            broadcasts: turn
                .broadcasts
                .iter()
                .map(rows::broadcast_row)
                .collect::<JournalResult<_>>()?,
            timer_notes: rows::timer_notes(&turn.timers)?,
            timers: turn
                .timers
                .into_iter()
                .map(rows::timer_row)
                .collect::<JournalResult<_>>()?,
            requests: turn
                .requests
                .into_iter()
                .map(|request| rows::request_row(request, &turn.event))
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

    async fn crowds(&self, most: DeliveryLoad) -> JournalResult<Vec<Crowd>> {
        self.query(move |_, index| Ok(crowds(index.deliveries.loads(), most)))
            .await
    }

    async fn overflow(
        &self,
        plugin: &PluginKey,
        most: DeliveryLoad,
        after: DeliveryNumber,
        limit: usize,
    ) -> JournalResult<Vec<Delivery>> {
        self.oldest_over(plugin, most, after, limit).await
    }

    async fn give_up(
        &self,
        reason: DeadReason,
        letters: Vec<(DeliveryNumber, String)>,
    ) -> JournalResult<Ordered<()>> {
        self.bury_all(reason, letters).await
    }

    async fn record(&self, updates: Vec<PartUpdate>) -> JournalResult<Ordered<()>> {
        self.write(|reply| Command::Record(updates, reply)).await
    }

    async fn state_get(&self, key: &StateKey) -> JournalResult<(Option<Vec<u8>>, u64)> {
        self.value(key).await
    }

    async fn state_keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> JournalResult<(Vec<String>, u64)> {
        self.keys(scope, prefix, after, limit).await
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

    async fn events(&self, query: EventQuery) -> JournalResult<Vec<PastEvent>> {
        self.past(query).await
    }

    async fn put_back(&self, delivery: DeliveryNumber) -> JournalResult<Ordered<Option<Delivery>>> {
        self.put_dead_back(delivery).await
    }

    async fn forget(&self, tenant: &str, user: &str) -> JournalResult<Forgotten> {
        self.forget_user(tenant, user).await
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

    async fn pending_broadcasts(
        &self,
        after: BroadcastNumber,
        limit: usize,
    ) -> JournalResult<Vec<Broadcast>> {
        self.query(move |connection, _| read::pending_broadcasts(connection, after, limit))
            .await
    }

    async fn expand(
        &self,
        broadcast: &Broadcast,
        rows: usize,
    ) -> JournalResult<Ordered<Vec<Part>>> {
        let targets = targets_in(broadcast, rows);
        let expansion = Expansion::of(broadcast, targets);
        let ordered = self
            .write(|reply| Command::Expand(expansion, reply))
            .await?;
        let parts = ordered
            .value
            .map(|first| broadcast_parts(first, broadcast, targets));
        Ok(Ordered {
            value: parts.unwrap_or_default(),
            durable: ordered.durable,
        })
    }

    async fn retarget(
        &self,
        broadcast: &Broadcast,
        kept: Vec<Name>,
    ) -> JournalResult<Ordered<bool>> {
        let retargeting = Retargeting::of(broadcast, kept)?;
        self.write(|reply| Command::Retarget(retargeting, reply))
            .await
    }

    async fn pending_requests(
        &self,
        tenant: &str,
        plugin: &str,
        after: RequestNumber,
        limit: usize,
    ) -> JournalResult<Vec<PendingRequest>> {
        let plugin = plugin_key(tenant, plugin);
        self.query(move |connection, index| {
            requests::pending(connection, index, &plugin, after, limit)
        })
        .await
    }

    async fn mark_request(
        &self,
        request: RequestNumber,
        state: RequestState,
    ) -> JournalResult<Ordered<()>> {
        self.write(|reply| Command::MarkRequest(request, state, reply))
            .await
    }

    async fn request_load(&self, tenant: &str, plugin: &str) -> JournalResult<RequestLoad> {
        let plugin = plugin_key(tenant, plugin);
        self.query(move |_, index| Ok(index.requests.load(&plugin)))
            .await
    }

    async fn due_timers(
        &self,
        now: Timestamp,
        after: Option<&PluginKey>,
        each: usize,
        limit: usize,
    ) -> JournalResult<Vec<Timer>> {
        let after = after.cloned();
        self.query(move |connection, _| timers::due(connection, now, after.as_ref(), each, limit))
            .await
    }

    async fn next_timer(&self) -> JournalResult<Option<Timestamp>> {
        self.query_rows(timers::next).await
    }

    async fn park_timers(
        &self,
        tenant: &str,
        plugin: &str,
        is_parked: bool,
    ) -> JournalResult<Ordered<()>> {
        let plugin = plugin_key(tenant, plugin);
        self.write(|reply| Command::ParkTimers(plugin, is_parked, reply))
            .await
    }

    async fn has_timer(&self, key: &TimerKey) -> JournalResult<bool> {
        let key = key.clone();
        self.query_rows(move |connection| timers::is_set(connection, &key))
            .await
    }

    async fn timer_count(&self, tenant: &str, plugin: &str) -> JournalResult<u64> {
        let (tenant, plugin) = (tenant.to_owned(), plugin.to_owned());
        self.query_rows(move |connection| timers::count(connection, &tenant, &plugin))
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

    async fn sent_message(
        &self,
        tenant: &str,
        plugin: &str,
        bot: &str,
        message: &str,
    ) -> JournalResult<Option<SentMessage>> {
        let place = [tenant, plugin, bot, message].map(str::to_owned);
        self.query_rows(move |connection| {
            read::sent_message(connection, place.each_ref().map(String::as_str))
        })
        .await
    }

    async fn keep_file(&self, bytes: &[u8]) -> JournalResult<Option<HeldFile>> {
        self.put_file(bytes).await.map(Some)
    }

    async fn kept_file(&self, sha256: &str) -> JournalResult<Vec<u8>> {
        self.get_file(sha256).await
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

    fn set_keep(&self, keep: Keep) {
        *self.keep.lock() = keep;
    }

    async fn prune(&self, now: Timestamp) -> JournalResult<()> {
        self.prune_from(Cursor::Start, now).await?;
        self.sweep_files().await?;
        self.drop_old_copies(now).await.map(drop)
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
