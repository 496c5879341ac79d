//! Dropping what its age allows, a bounded number of rows at a turn.

use rusqlite::{OptionalExtension as _, Row};

use super::SqliteJournal;
use super::apply::moment;
use super::state::{Kept, Scope};
use super::writer::{Command, Writer};
use crate::journal::shared::{KEEP_ENDED_FORMS_MS, KEEP_MESSAGE_KEYS_MS};
use crate::journal::{JournalResult, StateChange, StateKey, StateScope};
use crate::model::Timestamp;
use crate::model::delivery::EventNumber;

/// Rows that one turn looks at.
const TURN_ROWS: usize = 500;

/// Percent of the journal's share from which on less is kept…
pub(super) const EARLY_PERCENT: u64 = 70;
/// … and from which on only the least.
const LAST_PERCENT: u64 = 80;
/// What is kept of the past however full the journal is, in milliseconds.
const KEEP_LEAST_MS: u64 = 10 * 60 * 1000;

/// Where pruning stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cursor {
    Start,
    Parts(Past),
    Deliveries(Past),
    Events(Past),
    Requests,
    Broadcasts,
    State,
    Scopes,
    Forms,
    MessageKeys,
    Messages,
    Files,
    Overflow,
    Done,
}

/// A walk over old rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Past {
    /// The row looked at last.
    after: u64,
    /// The last event that is old enough.
    last_event: EventNumber,
}

impl SqliteJournal {
    /// Takes turns from a place on until all is done.
    pub(super) async fn prune_from(&self, from: Cursor, now: Timestamp) -> JournalResult<()> {
        let mut cursor = from;
        while cursor != Cursor::Done {
            let turn = self
                .write(|reply| Command::Prune(cursor, now, reply))
                .await?;
            turn.durable.wait().await?;
            cursor = turn.value;
        }
        Ok(())
    }
}

impl Writer<'_> {
    /// How long what is finished is kept now: less where the journal's share is nearly used up, so
    /// that the past makes room before intake pauses.
    fn keep_finished(&self) -> u64 {
        let keep = self.keep.lock().finished;
        match self.percent_used() {
            0..EARLY_PERCENT => keep,
            EARLY_PERCENT..LAST_PERCENT => (keep / 4).max(KEEP_LEAST_MS).min(keep),
            _ => KEEP_LEAST_MS.min(keep),
        }
    }

    /// Takes one turn; gives back where to go on.
    pub(super) fn prune(&mut self, cursor: Cursor, at: Timestamp) -> rusqlite::Result<Cursor> {
        match cursor {
            Cursor::Start => self.begin_prune(at),
            Cursor::Parts(past) => self.prune_parts(past, at),
            Cursor::Deliveries(past) => self.prune_deliveries(past, at),
            Cursor::Events(past) => self.prune_events(past),
            Cursor::Requests => self.prune_some(
                cursor,
                Cursor::Broadcasts,
                "DELETE FROM requests WHERE number IN
                    (SELECT number FROM requests WHERE ended_at <= ?1 LIMIT ?2)",
                at.saturating_sub(self.keep_finished()),
            ),
            Cursor::Broadcasts => self.prune_some(
                cursor,
                Cursor::State,
                "DELETE FROM broadcasts WHERE number IN
                    (SELECT number FROM broadcasts WHERE ended_at <= ?1 LIMIT ?2)",
                at.saturating_sub(self.keep_finished()),
            ),
            Cursor::State => self.prune_state(at),
            Cursor::Scopes => self.prune_scopes(),
            Cursor::Forms => self.prune_some(
                cursor,
                Cursor::MessageKeys,
                "DELETE FROM forms WHERE (tenant, bot, message) IN
                    (SELECT tenant, bot, message FROM forms WHERE ends_at <= ?1 LIMIT ?2)",
                at.saturating_sub(KEEP_ENDED_FORMS_MS),
            ),
            Cursor::MessageKeys => self.prune_some(
                cursor,
                Cursor::Messages,
                "DELETE FROM message_keys WHERE (tenant, plugin, key) IN
                    (SELECT tenant, plugin, key FROM message_keys WHERE set_at <= ?1 LIMIT ?2)",
                at.saturating_sub(KEEP_MESSAGE_KEYS_MS),
            ),
            Cursor::Messages => self.prune_some(
                cursor,
                Cursor::Files,
                "DELETE FROM messages WHERE (tenant, plugin, bot, message) IN
                    (SELECT tenant, plugin, bot, message FROM messages WHERE set_at <= ?1 LIMIT ?2)",
                at.saturating_sub(KEEP_MESSAGE_KEYS_MS),
            ),
            // A file is named by its delivery while a part or a broadcast of that is open.
            Cursor::Files => self.prune_some(
                cursor,
                Cursor::Overflow,
                "DELETE FROM files WHERE (delivery, sha256) IN
                    (SELECT delivery, sha256 FROM files WHERE delivery NOT IN
                        (SELECT delivery FROM parts WHERE ended_at IS NULL)
                     AND delivery NOT IN
                        (SELECT delivery FROM broadcasts WHERE ended_at IS NULL) LIMIT ?2)",
                at,
            ),
            Cursor::Overflow => self.prune_overflow(),
            Cursor::Done => Ok(Cursor::Done),
        }
    }

    fn begin_prune(&mut self, at: Timestamp) -> rusqlite::Result<Cursor> {
        // Rows may go; the numbers they had must not come again.
        for (name, next) in self.index.next_numbers() {
            self.statements.set_meta.execute((name, next))?;
        }
        let last_event = self.last_event_before(at.saturating_sub(self.keep_finished()))?;
        Ok(Cursor::Parts(Past {
            after: 0,
            last_event,
        }))
    }

    /// Finds by halving the last event stored up to a moment.
    fn last_event_before(&self, cut: Timestamp) -> rusqlite::Result<EventNumber> {
        let mut statement = self.connection.prepare_cached(
            "SELECT number, stored_at FROM events WHERE number >= ?1 ORDER BY number LIMIT 1",
        )?;
        let (mut low, mut high) = (0, self.index.next_event);
        // All events below `low` are old; none from `high` on is.
        while low < high {
            let middle = low + (high - low) / 2;
            let found: Option<(u64, u64)> = statement
                .query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            match found {
                Some((number, stored_at)) if stored_at <= cut => low = number + 1,
                _ => high = middle,
            }
        }
        Ok(low.saturating_sub(1))
    }

    fn prune_parts(&mut self, past: Past, at: Timestamp) -> rusqlite::Result<Cursor> {
        let cut = at.saturating_sub(self.keep_finished());
        let sql = "SELECT number, event, ended_at, 0 FROM parts
            WHERE number > ?1 ORDER BY number LIMIT ?2";
        let next = self.prune_ended(past, sql, "DELETE FROM parts WHERE number = ?1", |row| {
            row.ended_at.is_some_and(|ended| ended <= cut)
        })?;
        Ok(next.map_or(Cursor::Deliveries(Past { after: 0, ..past }), Cursor::Parts))
    }

    fn prune_deliveries(&mut self, past: Past, at: Timestamp) -> rusqlite::Result<Cursor> {
        let cut = at.saturating_sub(self.keep_finished());
        let dead_cut = at.saturating_sub(self.keep.lock().dead);
        let sql = "SELECT number, event, ended_at, reason IS NOT NULL FROM deliveries
            WHERE number > ?1 ORDER BY number LIMIT ?2";
        let delete = "DELETE FROM deliveries WHERE number = ?1";
        let mut dead = 0;
        let next = self.prune_ended(past, sql, delete, |row| {
            let cut = if row.is_dead { dead_cut } else { cut };
            let goes = row.ended_at.is_some_and(|ended| ended <= cut);
            dead += u64::from(goes && row.is_dead);
            goes
        })?;
        self.index.dead_letters = self.index.dead_letters.saturating_sub(dead);
        Ok(next.map_or(
            Cursor::Events(Past { after: 0, ..past }),
            Cursor::Deliveries,
        ))
    }

    /// Looks at one turn of rows; gives back where to go on, if there may be more old ones.
    fn prune_ended(
        &mut self,
        past: Past,
        select: &str,
        delete: &str,
        mut goes: impl FnMut(&EndedRow) -> bool,
    ) -> rusqlite::Result<Option<Past>> {
        let mut rows = Vec::new();
        {
            let mut select = self.connection.prepare_cached(select)?;
            let found = select.query_map((past.after, TURN_ROWS), EndedRow::read)?;
            for row in found {
                rows.push(row?);
            }
        }
        let mut delete = self.connection.prepare_cached(delete)?;
        for row in rows.iter().filter(|row| goes(row)) {
            delete.execute([row.number])?;
        }
        let is_at_end =
            rows.len() < TURN_ROWS || rows.iter().all(|row| row.event > past.last_event);
        Ok(rows.last().filter(|_| !is_at_end).map(|row| Past {
            after: row.number,
            ..past
        }))
    }

    fn prune_events(&mut self, past: Past) -> rusqlite::Result<Cursor> {
        let mut select = self.connection.prepare_cached(
            "SELECT number, EXISTS (SELECT 1 FROM deliveries
                WHERE reason IS NOT NULL AND event = events.number)
             FROM events WHERE number > ?1 AND number <= ?2 ORDER BY number LIMIT ?3",
        )?;
        let rows = select
            .query_map((past.after, past.last_event, TURN_ROWS), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<rusqlite::Result<Vec<(EventNumber, bool)>>>()?;
        let in_use = self.index.events_in_use(past.last_event);
        let mut delete = self
            .connection
            .prepare_cached("DELETE FROM events WHERE number = ?1")?;
        for (number, has_dead) in &rows {
            if !has_dead && !in_use.contains(number) {
                delete.execute([number])?;
                self.index.events = self.index.events.saturating_sub(1);
            }
        }
        Ok(match rows.last() {
            Some((number, _)) if rows.len() == TURN_ROWS => Cursor::Events(Past {
                after: *number,
                ..past
            }),
            _ => Cursor::Requests,
        })
    }

    fn prune_state(&mut self, at: Timestamp) -> rusqlite::Result<Cursor> {
        self.flush_state()?;
        let keys = {
            let mut select = self.connection.prepare_cached(
                "SELECT c.tenant, c.plugin, c.scope, s.key FROM state s
                 JOIN scopes c ON c.id = s.scope WHERE s.expires_at <= ?1 LIMIT ?2",
            )?;
            select
                .query_map((moment(at), TURN_ROWS), |row| {
                    let scope = read_scope(row)?;
                    let key = StateKey {
                        scope,
                        key: row.get(3)?,
                    };
                    Ok((key, StateChange::Delete))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?
        };
        let is_last = keys.len() < TURN_ROWS;
        self.write_state(keys)?;
        Ok(if is_last {
            Cursor::Scopes
        } else {
            Cursor::State
        })
    }

    pub(super) fn prune_scopes(&mut self) -> rusqlite::Result<Cursor> {
        self.flush_state()?;
        let empty = {
            let mut select = self.connection.prepare_cached(
                "SELECT tenant, plugin, scope, id FROM scopes WHERE bytes = 0 LIMIT ?1",
            )?;
            select
                .query_map([TURN_ROWS], |row| Ok((read_scope(row)?, row.get(3)?)))?
                .collect::<rusqlite::Result<Vec<(StateScope, u64)>>>()?
        };
        let mut delete = self
            .connection
            .prepare_cached("DELETE FROM scopes WHERE id = ?1")?;
        for (scope, id) in &empty {
            delete.execute([id])?;
            self.state.put_scope(scope, Scope::default(), Kept::Open);
        }
        Ok(if empty.len() < TURN_ROWS {
            Cursor::Forms
        } else {
            Cursor::Scopes
        })
    }

    fn prune_some(
        &mut self,
        same: Cursor,
        next: Cursor,
        sql: &str,
        cut: Timestamp,
    ) -> rusqlite::Result<Cursor> {
        let mut delete = self.connection.prepare_cached(sql)?;
        let deleted = delete.execute((moment(cut), TURN_ROWS))?;
        Ok(if deleted < TURN_ROWS { next } else { same })
    }
}

struct EndedRow {
    number: u64,
    event: EventNumber,
    ended_at: Option<Timestamp>,
    is_dead: bool,
}

impl EndedRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            event: row.get(1)?,
            ended_at: row.get(2)?,
            is_dead: row.get(3)?,
        })
    }
}

fn read_scope(row: &Row<'_>) -> rusqlite::Result<StateScope> {
    Ok(StateScope {
        tenant: row.get(0)?,
        plugin: row.get(1)?,
        scope: row.get(2)?,
    })
}
