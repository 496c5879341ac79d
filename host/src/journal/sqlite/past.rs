//! Reads what has been, a bounded stretch of events at a time, so that no read holds the log for long.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::SqliteJournal;
use super::apply::moment;
use super::error::journal_error;
use super::rows::{column, from_json, word};
use crate::journal::shared::number_event;
use crate::journal::{
    EventQuery, JournalResult, MAX_PAST_ACTIONS, MAX_PAST_DELIVERIES, PastAction, PastDelivery,
    PastEvent, PastState,
};
use crate::model::action::Action;
use crate::model::delivery::{EventNumber, View};
use crate::model::event::Event;

/// Events that one read looks through.
const STRETCH: u64 = 10_000;

impl SqliteJournal {
    pub(super) async fn past(&self, query: EventQuery) -> JournalResult<Vec<PastEvent>> {
        let mut walk = Walk::new(query);
        let mut found = Vec::new();
        while !walk.is_over() {
            let step = move |connection: &mut Connection| {
                let step = walk.step(connection);
                Ok((walk, step))
            };
            let (next, step) = self.readers.read(step).await?;
            walk = next;
            found.extend(step?);
        }
        Ok(found)
    }
}

/// Where a walk through the past stands.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    query: EventQuery,
    /// Events from this number on are behind the walk.
    before: EventNumber,
    left: usize,
}

impl Walk {
    /// Begins a walk at the newest event that is meant.
    pub(super) fn new(query: EventQuery) -> Self {
        let newest = i64::MAX as u64;
        let before = match query.number {
            Some(number) => number.saturating_add(1),
            None => query.before.unwrap_or(newest),
        };
        Self {
            left: query.limit,
            before: before.min(newest),
            query,
        }
    }

    /// Tells whether there is nothing more to look at.
    pub(super) fn is_over(&self) -> bool {
        self.left == 0 || self.before <= 1
    }

    /// Goes on for one stretch.
    pub(super) fn step(&mut self, connection: &Connection) -> JournalResult<Vec<PastEvent>> {
        let Some(newest) = newest_before(connection, self.before)
            .map_err(|error| journal_error(&error))?
            .filter(|(_, stored_at)| self.query.since.is_none_or(|since| *stored_at >= since))
        else {
            self.before = 0;
            return Ok(Vec::new());
        };
        let before = newest.0 + 1;
        let from = match self.query.number {
            Some(number) => number,
            None => before.saturating_sub(STRETCH),
        };
        let found = events(connection, &self.query, from, before, self.left)?;
        self.left -= found.len().min(self.left);
        self.before = match self.query.number {
            Some(_) => 0,
            None => from,
        };
        Ok(found)
    }
}

fn newest_before(
    connection: &Connection,
    before: EventNumber,
) -> rusqlite::Result<Option<(EventNumber, u64)>> {
    connection
        .prepare_cached(
            "SELECT number, stored_at FROM events WHERE number < ?1 ORDER BY number DESC LIMIT 1",
        )?
        .query_row([moment(before)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

fn events(
    connection: &Connection,
    query: &EventQuery,
    from: EventNumber,
    before: EventNumber,
    limit: usize,
) -> JournalResult<Vec<PastEvent>> {
    let failed = |error: rusqlite::Error| journal_error(&error);
    let mut statement = connection
        .prepare_cached(
            "SELECT e.number, e.tenant, e.stored_at, e.event FROM events e
             WHERE e.number >= :from AND e.number < :before AND e.stored_at >= :since
             AND (:lane IS NULL OR e.lane = :lane)
             AND (NOT :picks OR EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.number
                AND (:plugin IS NULL OR d.plugin = :plugin)
                AND (NOT :dead OR d.reason IS NOT NULL)))
             AND (:bot IS NULL OR json_extract(e.event, '$.bot.name') = :bot)
             AND (:trace IS NULL OR json_extract(e.event, '$.trace_id') = :trace)
             ORDER BY e.number DESC LIMIT :limit",
        )
        .map_err(failed)?;
    let mut rows = statement
        .query(named_params! {
            ":from": moment(from),
            ":before": moment(before),
            ":since": moment(query.since.unwrap_or(0)),
            ":lane": query.conversation,
            ":picks": query.plugin.is_some() || query.dead,
            ":plugin": query.plugin,
            ":dead": query.dead,
            ":bot": query.bot,
            ":trace": query.trace,
            ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
        })
        .map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let number: EventNumber = column(row, 0)?;
        let text: String = column(row, 3)?;
        let mut event: Arc<Event> = Arc::new(from_json("event", &text)?);
        number_event(&mut event, number);
        found.push(PastEvent {
            number,
            tenant: column(row, 1)?,
            stored_at: column(row, 2)?,
            event,
            deliveries: deliveries(connection, number)?,
        });
    }
    Ok(found)
}

fn deliveries(connection: &Connection, event: EventNumber) -> JournalResult<Vec<PastDelivery>> {
    let mut all = list(
        connection,
        "SELECT number, plugin, attempt, view, ended, ended_at, took_us, reason, detail, put_back
         FROM deliveries WHERE event = ?1 ORDER BY number LIMIT ?2",
        event,
        MAX_PAST_DELIVERIES,
        delivery,
    )?;
    for delivery in &mut all {
        delivery.actions = actions(connection, delivery.number)?;
    }
    Ok(all)
}

fn delivery(row: &Row<'_>) -> JournalResult<PastDelivery> {
    let view: Option<String> = column(row, 3)?;
    let ended: Option<String> = column(row, 4)?;
    let reason: Option<String> = column(row, 7)?;
    Ok(PastDelivery {
        number: column(row, 0)?,
        plugin: column(row, 1)?,
        view: view.map_or(Ok(View::Whole), |text| from_json("view", &text))?,
        state: ended.map_or(Ok(PastState::Waiting), |state| word("state", state))?,
        attempt: column(row, 2)?,
        ended_at: column(row, 5)?,
        took_us: column(row, 6)?,
        reason: reason.map(|reason| word("reason", reason)).transpose()?,
        detail: column(row, 8)?,
        put_back: column(row, 9)?,
        actions: Vec::new(),
    })
}

fn actions(connection: &Connection, delivery: u64) -> JournalResult<Vec<PastAction>> {
    let mut all = list(
        connection,
        "SELECT place, part, bot, conversation, state, attempts, message, detail, action
         FROM parts WHERE delivery = ?1 AND broadcast IS NULL ORDER BY number LIMIT ?2",
        delivery,
        MAX_PAST_ACTIONS,
        part,
    )?;
    all.extend(list(
        connection,
        "SELECT place, bot, target_count, expanded, sent, failed, ended_at IS NULL
         FROM broadcasts WHERE delivery = ?1 ORDER BY number LIMIT ?2",
        delivery,
        MAX_PAST_ACTIONS,
        broadcast,
    )?);
    all.extend(list(
        connection,
        "SELECT place, state, attempts, json_extract(request, '$.method'),
            json_extract(request, '$.url')
         FROM requests WHERE delivery = ?1 ORDER BY number LIMIT ?2",
        delivery,
        MAX_PAST_ACTIONS,
        request,
    )?);
    all.sort_by_key(|action| (action.index, action.part));
    all.truncate(MAX_PAST_ACTIONS);
    Ok(all)
}

fn part(row: &Row<'_>) -> JournalResult<PastAction> {
    let text: String = column(row, 8)?;
    // Empty where the person was forgotten.
    let action: Option<Action> = match text.as_str() {
        "" => None,
        text => Some(from_json("action", text)?),
    };
    let what = action.as_ref().map_or("forgotten", |it| it.kind.name());
    Ok(PastAction {
        index: column(row, 0)?,
        part: column(row, 1)?,
        what: what.to_owned(),
        bot: column(row, 2)?,
        conversation: column(row, 3)?,
        state: column(row, 4)?,
        attempts: column(row, 5)?,
        message: column(row, 6)?,
        detail: column(row, 7)?,
        action: action.map(Arc::new),
    })
}

fn broadcast(row: &Row<'_>) -> JournalResult<PastAction> {
    let [targets, expanded, sent, failed]: [u64; 4] = [
        column(row, 2)?,
        column(row, 3)?,
        column(row, 4)?,
        column(row, 5)?,
    ];
    let is_open: bool = column(row, 6)?;
    let detail =
        format!("{targets} conversations, {expanded} begun; {sent} parts sent, {failed} failed");
    Ok(PastAction {
        index: column(row, 0)?,
        part: 0,
        what: "broadcast".to_owned(),
        bot: column(row, 1)?,
        conversation: String::new(),
        state: if is_open { "sending" } else { "sent" }.to_owned(),
        attempts: 0,
        message: None,
        detail: Some(detail),
        action: None,
    })
}

fn request(row: &Row<'_>) -> JournalResult<PastAction> {
    let method: Option<String> = column(row, 3)?;
    let url: Option<String> = column(row, 4)?;
    let detail = method.zip(url).map(|(method, url)| {
        // What stands behind `?` may be a secret of the plugin's.
        let url = url.split(['?', '#']).next().unwrap_or_default();
        format!("{method} {url}")
    });
    Ok(PastAction {
        index: column(row, 0)?,
        part: 0,
        what: "request".to_owned(),
        bot: String::new(),
        conversation: String::new(),
        state: column(row, 1)?,
        attempts: column(row, 2)?,
        message: None,
        detail,
        action: None,
    })
}

fn list<T>(
    connection: &Connection,
    sql: &str,
    of: u64,
    limit: usize,
    mut record: impl FnMut(&Row<'_>) -> JournalResult<T>,
) -> JournalResult<Vec<T>> {
    let mut run = || -> rusqlite::Result<Vec<JournalResult<T>>> {
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map((moment(of), limit), |row| Ok(record(row)))?;
        rows.collect()
    };
    run()
        .map_err(|error| journal_error(&error))?
        .into_iter()
        .collect()
}
