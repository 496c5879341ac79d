//! Timers: set and ended with a turn, armed again with the arrival of their firing, read when due.

use rusqlite::{Connection, OptionalExtension as _};

use super::apply::moment;
use super::error::journal_error;
use super::rows::{self, TimerRow};
use super::writer::Writer;
use crate::journal::{FiredTimer, JournalResult, PluginKey, Timer, TimerKey};
use crate::model::Timestamp;

const COLUMNS: &str =
    "tenant, plugin, conversation, name, due_at, schedule, missed, payload, origin";

impl Writer<'_> {
    pub(super) fn change_timer(&mut self, change: TimerRow) -> rusqlite::Result<()> {
        match change {
            TimerRow::Set {
                key,
                due_at,
                schedule,
                missed,
                payload,
                origin,
            } => self.statements.set_timer.execute((
                key.tenant,
                key.plugin,
                key.conversation,
                key.name,
                moment(due_at),
                schedule,
                missed,
                payload,
                origin,
            )),
            TimerRow::Cancel(key) => {
                let TimerKey {
                    tenant,
                    plugin,
                    conversation,
                    name,
                } = key;
                let cancel = &mut self.statements.cancel_timer;
                cancel.execute((tenant, plugin, conversation, name))
            }
        }?;
        Ok(())
    }

    pub(super) fn fire_timer(&mut self, fired: &FiredTimer) -> rusqlite::Result<()> {
        let TimerKey {
            tenant,
            plugin,
            conversation,
            name,
        } = &fired.key;
        let due_at = moment(fired.due_at);
        match fired.next {
            Some(next) => {
                let rearm = &mut self.statements.rearm_timer;
                rearm.execute((tenant, plugin, conversation, name, due_at, moment(next)))
            }
            None => {
                let end = &mut self.statements.end_timer;
                end.execute((tenant, plugin, conversation, name, due_at))
            }
        }?;
        Ok(())
    }

    pub(super) fn park_timers(
        &mut self,
        plugin: &PluginKey,
        is_parked: bool,
    ) -> rusqlite::Result<()> {
        let park = &mut self.statements.park_timers;
        park.execute((&plugin.tenant, &plugin.plugin, is_parked))?;
        Ok(())
    }
}

pub(super) fn due(
    connection: &Connection,
    at: Timestamp,
    after: Option<&PluginKey>,
    each: usize,
    limit: usize,
) -> JournalResult<Vec<Timer>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM timers WHERE parked = 0 AND due_at <= ?1 ORDER BY due_at LIMIT ?2"
    );
    let mut oldest = read(
        connection,
        &sql,
        (moment(at), rows_of(limit.saturating_add(1))),
    )?;
    if oldest.len() <= limit {
        return Ok(oldest);
    }
    oldest.clear();
    let sql = format!(
        "SELECT {COLUMNS} FROM timers INDEXED BY timers_due_of
         WHERE parked = 0 AND tenant = ?1 AND plugin = ?2 AND due_at <= ?3
         ORDER BY due_at LIMIT ?4"
    );
    // Round from the plugin after `after` to that one itself.
    let mut due = Vec::new();
    let mut plugin = after.cloned();
    let mut has_wrapped = after.is_none();
    while due.len() < limit {
        plugin = next_plugin(connection, plugin.as_ref()).map_err(|error| journal_error(&error))?;
        let Some(found) = &plugin else {
            if has_wrapped {
                break;
            }
            has_wrapped = true;
            continue;
        };
        if has_wrapped && after.is_some_and(|after| found > after) {
            break;
        }
        let most = rows_of(each.min(limit - due.len()));
        let place = (&found.tenant, &found.plugin, moment(at), most);
        due.extend(read(connection, &sql, place)?);
    }
    Ok(due)
}

/// The plugin after another, by name, that has timers which are not parked.
fn next_plugin(
    connection: &Connection,
    after: Option<&PluginKey>,
) -> rusqlite::Result<Option<PluginKey>> {
    let after = after.map_or(("", ""), |after| (&*after.tenant, &*after.plugin));
    connection
        .prepare_cached(
            "SELECT tenant, plugin FROM timers INDEXED BY timers_due_of
             WHERE parked = 0 AND (tenant, plugin) > (?1, ?2) ORDER BY tenant, plugin LIMIT 1",
        )?
        .query_row(after, |row| {
            Ok(PluginKey {
                tenant: row.get(0)?,
                plugin: row.get(1)?,
            })
        })
        .optional()
}

fn read(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> JournalResult<Vec<Timer>> {
    let run = || -> rusqlite::Result<Vec<JournalResult<Timer>>> {
        let mut statement = connection.prepare_cached(sql)?;
        let timers = statement.query_map(parameters, |row| Ok(rows::timer(row)))?;
        timers.collect()
    };
    run()
        .map_err(|error| journal_error(&error))?
        .into_iter()
        .collect()
}

fn rows_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn next(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached("SELECT min(due_at) FROM timers WHERE parked = 0")?
        .query_row([], |row| row.get(0))
}

pub(super) fn count(connection: &Connection, tenant: &str, plugin: &str) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT count(*) FROM timers WHERE tenant = ?1 AND plugin = ?2")?
        .query_row((tenant, plugin), |row| row.get(0))
}

pub(super) fn is_set(connection: &Connection, key: &TimerKey) -> rusqlite::Result<bool> {
    let TimerKey {
        tenant,
        plugin,
        conversation,
        name,
    } = key;
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM timers
             WHERE tenant = ?1 AND plugin = ?2 AND conversation = ?3 AND name = ?4)",
        )?
        .query_row((tenant, plugin, conversation, name), |row| row.get(0))
}
