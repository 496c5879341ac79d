//! Deliveries with what came of them, read from a journal at rest, and the state that replayed calls
//! see. Nothing is changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::apply::moment;
use super::error::journal_error;
use super::read;
use super::rest::RestingJournal;
use super::rows::{self, LastEvent, column, from_json, word};
use crate::journal::forget::FORGOTTEN;
use crate::journal::shared::{add, now};
use crate::journal::{
    JournalResult, NewBroadcast, NewPart, NewRequest, PastState, Recorded, RecordedQuery,
    SentMessage, StateChange, StateDelta, StateKey, StateScope,
};
use crate::model::Name;
use crate::model::delivery::DeliveryNumber;
use crate::model::payload::EventPayload;

/// Deliveries that one read looks through, so that none holds the log for long.
const STRETCH: u64 = 10_000;

impl RestingJournal {
    /// The deliveries that are meant, the oldest first.
    ///
    /// # Errors
    /// The journal's.
    pub fn recorded_numbers(&self, query: &RecordedQuery) -> JournalResult<Vec<DeliveryNumber>> {
        let mut found = Vec::new();
        let mut before = newest(&self.connection)
            .map_err(|error| journal_error(&error))?
            .saturating_add(1);
        while before > 1 && found.len() < query.limit {
            let from = before.saturating_sub(STRETCH);
            let step = stretch(&self.connection, query, from, before);
            let step = step.map_err(|error| journal_error(&error))?;
            let is_old = |(_, stored_at): &(DeliveryNumber, u64)| {
                query.since.is_some_and(|since| *stored_at < since)
            };
            let is_last = step.iter().any(is_old);
            let left = query.limit - found.len();
            let meant = step.iter().filter(|it| !is_old(it)).take(left);
            found.extend(meant.map(|(number, _)| *number));
            before = if is_last { 0 } else { from };
        }
        found.reverse();
        Ok(found)
    }

    /// A delivery with what came of it; none where it is not kept any more.
    ///
    /// # Errors
    /// The journal's.
    pub fn recorded(&self, number: DeliveryNumber) -> JournalResult<Option<Recorded>> {
        let failed = |error: rusqlite::Error| journal_error(&error);
        let sql = format!(
            "SELECT {}, d.ended, d.ended_at, d.took_us, d.reason, d.detail, d.timers
             FROM deliveries d JOIN events e ON e.number = d.event WHERE d.number = ?1",
            rows::DELIVERY_COLUMNS
        );
        let mut statement = self.connection.prepare_cached(&sql).map_err(failed)?;
        let mut found = statement.query([moment(number)]).map_err(failed)?;
        let Some(row) = found.next().map_err(failed)? else {
            return Ok(None);
        };
        let mut recorded = delivery(row)?;
        let of = recorded.delivery.number;
        let connection = &self.connection;
        let mut is_whole = true;
        recorded.parts = kept(connection, PARTS, of, part, &mut is_whole)?;
        recorded.broadcasts = kept(connection, BROADCASTS, of, broadcast, &mut is_whole)?;
        recorded.requests = kept(connection, REQUESTS, of, request, &mut is_whole)?;
        recorded.is_forgotten |= !is_whole;
        Ok(Some(recorded))
    }

    /// A message that a plugin sent with a bot and that is remembered, by the platform's id.
    ///
    /// # Errors
    /// The journal's.
    pub fn sent_message(&self, place: [&str; 4]) -> JournalResult<Option<SentMessage>> {
        read::sent_message(&self.connection, place).map_err(|error| journal_error(&error))
    }
}

fn newest(connection: &Connection) -> rusqlite::Result<DeliveryNumber> {
    let sql = "SELECT coalesce(max(number), 0) FROM deliveries";
    connection.query_row(sql, [], |row| row.get(0))
}

/// The plugin's deliveries of a stretch and when their events were stored, the newest first.
fn stretch(
    connection: &Connection,
    query: &RecordedQuery,
    from: DeliveryNumber,
    before: DeliveryNumber,
) -> rusqlite::Result<Vec<(DeliveryNumber, u64)>> {
    let mut statement = connection.prepare_cached(
        "SELECT d.number, e.stored_at FROM deliveries d JOIN events e ON e.number = d.event
         WHERE d.number >= ?1 AND d.number < ?2 AND d.plugin = ?3
         AND (?4 IS NULL OR d.event = ?4) ORDER BY d.number DESC",
    )?;
    let event = query.event.map(moment);
    let place = (moment(from), moment(before), &query.plugin, event);
    let rows = statement.query_map(place, |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn delivery(row: &Row<'_>) -> JournalResult<Recorded> {
    let delivery = rows::delivery(row, &mut LastEvent::default())?;
    let ended: Option<String> = column(row, 10)?;
    let reason: Option<String> = column(row, 13)?;
    let timers: Option<String> = column(row, 15)?;
    let is_forgotten = match &delivery.event.payload {
        EventPayload::Other(other) => other.kind == FORGOTTEN && delivery.event.actor.is_none(),
        _ => false,
    };
    Ok(Recorded {
        is_forgotten,
        delivery,
        state: ended.map_or(Ok(PastState::Waiting), |state| word("state", state))?,
        ended_at: column(row, 11)?,
        took_us: column(row, 12)?,
        reason: reason.map(|reason| word("reason", reason)).transpose()?,
        detail: column(row, 14)?,
        timers: timers.map(|text| from_json("timers", &text)).transpose()?,
        parts: Vec::new(),
        broadcasts: Vec::new(),
        requests: Vec::new(),
    })
}

const PARTS: &str = "SELECT bot, conversation, place, part, urgency, action FROM parts
    WHERE delivery = ?1 AND broadcast IS NULL ORDER BY number";

fn part(row: &Row<'_>) -> JournalResult<Option<NewPart>> {
    let text: String = column(row, 5)?;
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(NewPart {
        bot: column(row, 0)?,
        conversation: column(row, 1)?,
        index: column(row, 2)?,
        part: column(row, 3)?,
        urgency: word("urgency", column(row, 4)?)?,
        action: Arc::new(from_json("action", &text)?),
        sending: false,
    }))
}

const BROADCASTS: &str = "SELECT bot, place, actions, targets FROM broadcasts
    WHERE delivery = ?1 ORDER BY number";

fn broadcast(row: &Row<'_>) -> JournalResult<Option<NewBroadcast>> {
    let actions: String = column(row, 2)?;
    let targets: String = column(row, 3)?;
    let broadcast = NewBroadcast {
        bot: column(row, 0)?,
        index: column(row, 1)?,
        actions: from_json("broadcast", &actions)?,
        targets: from_json("targets", &targets)?,
    };
    Ok((!broadcast.actions.is_empty()).then_some(broadcast))
}

const REQUESTS: &str = "SELECT key, place, request FROM requests
    WHERE delivery = ?1 ORDER BY number";

fn request(row: &Row<'_>) -> JournalResult<Option<NewRequest>> {
    let text: String = column(row, 2)?;
    if text == "{}" {
        return Ok(None);
    }
    Ok(Some(NewRequest {
        key: column(row, 0)?,
        index: column(row, 1)?,
        request: from_json("request", &text)?,
    }))
}

/// Reads rows of a delivery. One whose content was forgotten is left out, and not whole.
fn kept<T>(
    connection: &Connection,
    sql: &str,
    of: DeliveryNumber,
    record: impl Fn(&Row<'_>) -> JournalResult<Option<T>>,
    is_whole: &mut bool,
) -> JournalResult<Vec<T>> {
    let failed = |error: rusqlite::Error| journal_error(&error);
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut found = statement.query([moment(of)]).map_err(failed)?;
    let mut all = Vec::new();
    while let Some(row) = found.next().map_err(failed)? {
        match record(row)? {
            Some(one) => all.push(one),
            None => *is_whole = false,
        }
    }
    Ok(all)
}

/// Values by scope and key; none is one that was deleted.
type Written = BTreeMap<(Name, String), Option<Vec<u8>>>;

/// The state of a journal at rest, with what replayed calls would have written over it, in memory.
pub struct CarriedState {
    journal: Arc<Mutex<RestingJournal>>,
    written: Mutex<Written>,
}

impl CarriedState {
    /// Begins with the state as it is.
    pub fn new(journal: Arc<Mutex<RestingJournal>>) -> Self {
        Self {
            journal,
            written: Mutex::default(),
        }
    }

    /// Reads a value.
    ///
    /// # Errors
    /// The journal's.
    pub fn get(&self, key: &StateKey) -> JournalResult<Option<Vec<u8>>> {
        let entry = (key.scope.scope.clone(), key.key.clone());
        if let Some(written) = self.written.lock().get(&entry) {
            return Ok(written.clone());
        }
        let journal = self.journal.lock();
        let value = read::state_value(&journal.connection, key);
        let value = value.map_err(|error| journal_error(&error))?;
        Ok(value.at(now()).0.map(<[u8]>::to_vec))
    }

    /// Lists keys that begin with `prefix`, after `after`, at most `limit`.
    ///
    /// # Errors
    /// The journal's.
    pub fn keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> JournalResult<Vec<String>> {
        let written = self.written.lock();
        let own = || written.iter().filter(|((of, _), _)| *of == scope.scope);
        let from_disk = limit.saturating_add(own().count());
        let listed = {
            let connection = &mut self.journal.lock().connection;
            read::state_keys(connection, scope, prefix, after, from_disk)
        };
        let (mut keys, _) = listed.map_err(|error| journal_error(&error))?;
        for ((_, key), value) in own() {
            let is_asked_for =
                key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after);
            match value {
                None => keys.retain(|it| it != key),
                Some(_) if is_asked_for => keys.push(key.clone()),
                Some(_) => {}
            }
        }
        keys.sort_unstable();
        keys.dedup();
        keys.truncate(limit);
        Ok(keys)
    }

    /// Bytes that a plugin's state takes in the journal.
    ///
    /// # Errors
    /// The journal's.
    pub fn size(&self, tenant: &str, plugin: &str) -> JournalResult<u64> {
        let journal = self.journal.lock();
        let sql = "SELECT sum(bytes) FROM scopes WHERE tenant = ?1 AND plugin = ?2";
        let read = journal
            .connection
            .query_row(sql, (tenant, plugin), |row| row.get::<_, Option<u64>>(0))
            .optional();
        let size = read.map_err(|error| journal_error(&error))?;
        Ok(size.flatten().unwrap_or(0))
    }

    /// Takes what a call would have written: the calls after it see that.
    ///
    /// # Errors
    /// The journal's.
    pub fn carry(&self, delta: StateDelta) -> JournalResult<()> {
        for (key, change) in delta.writes {
            let value = match change {
                StateChange::Set(value, _) => Some(value),
                StateChange::Delete => None,
                StateChange::Add(delta) => Some(add(self.get(&key)?.as_deref(), delta)),
            };
            let entry = (key.scope.scope, key.key);
            self.written.lock().insert(entry, value);
        }
        Ok(())
    }
}
