//! What is too much for a plugin: which of it, its end as dead letters, and room made by those where
//! the journal's share is nearly used up.

use rusqlite::{Connection, OptionalExtension as _};

use super::SqliteJournal;
use super::error::journal_error;
use super::prune::{Cursor, EARLY_PERCENT};
use super::rows::{self, LastEvent};
use super::writer::{Command, Writer};
use crate::journal::open_deliveries::excess;
use crate::journal::shared::now;
use crate::journal::{DeadReason, DeliveryLoad, JournalResult, Ordered, PluginKey};
use crate::model::delivery::{Delivery, DeliveryNumber, EventNumber};

/// Letters that one turn drops, each with its event.
const TURN_LETTERS: usize = 250;

impl SqliteJournal {
    pub(super) async fn oldest_over(
        &self,
        plugin: &PluginKey,
        most: DeliveryLoad,
        after: DeliveryNumber,
        limit: usize,
    ) -> JournalResult<Vec<Delivery>> {
        let plugin = plugin.clone();
        self.query(move |connection, index| {
            let load = index.deliveries.load(&plugin);
            let oldest = index.deliveries.of(&plugin);
            let picked = excess(load, oldest, most, after, limit);
            deliveries(connection, &picked)
        })
        .await
    }

    pub(super) async fn bury_all(
        &self,
        reason: DeadReason,
        letters: Vec<(DeliveryNumber, String)>,
    ) -> JournalResult<Ordered<()>> {
        let buried = self
            .write(|reply| Command::GiveUp(reason, letters, reply))
            .await?;
        // A flood that is given up must not fill the journal with its letters. That they are
        // dropped late is no reason to say that they were not given up.
        if reason == DeadReason::Overflow
            && let Err(error) = self.prune_from(Cursor::Overflow, now()).await
        {
            tracing::warn!(%error, "no room made by dead letters");
        }
        Ok(buried)
    }
}

fn deliveries(connection: &Connection, numbers: &[DeliveryNumber]) -> JournalResult<Vec<Delivery>> {
    let sql = format!(
        "SELECT {} FROM deliveries d JOIN events e ON e.number = d.event WHERE d.number = ?1",
        rows::DELIVERY_COLUMNS
    );
    let mut last = LastEvent::default();
    let mut found = Vec::with_capacity(numbers.len());
    for number in numbers {
        let row = connection
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                let row = statement.query_row([number], |row| Ok(rows::delivery(row, &mut last)));
                row.optional()
            })
            .map_err(|error| journal_error(&error))?;
        found.extend(row.transpose()?);
    }
    Ok(found)
}

impl Writer<'_> {
    pub(super) fn give_up(
        &mut self,
        reason: DeadReason,
        letters: Vec<(DeliveryNumber, String)>,
    ) -> rusqlite::Result<()> {
        for (delivery, detail) in letters {
            if self.index.deliveries.contains(delivery) {
                self.bury(delivery, reason, detail)?;
            }
        }
        Ok(())
    }

    /// Makes a delivery that is open a dead letter.
    pub(super) fn bury(
        &mut self,
        delivery: DeliveryNumber,
        reason: DeadReason,
        detail: String,
    ) -> rusqlite::Result<()> {
        let end = &mut self.statements.end_delivery;
        end.execute((delivery, "dead", self.now, Some(reason.name()), detail))?;
        let event = self.index.deliveries.remove(delivery);
        self.index.dead_letters += 1;
        if let Some(event) = event
            && reason == DeadReason::Overflow
        {
            self.index.overflow_from = self.index.overflow_from.min(event);
        }
        Ok(())
    }

    /// Drops one turn of the oldest `overflow` letters where the journal's share is nearly used up, as
    /// many as room is wanted for, with events that nothing else needs; gives back where to go on.
    pub(super) fn prune_overflow(&mut self) -> rusqlite::Result<Cursor> {
        let wanted = self.bytes_over(EARLY_PERCENT);
        if wanted == 0 {
            return Ok(Cursor::Done);
        }
        let mut letters: Vec<(DeliveryNumber, EventNumber)> = Vec::new();
        let mut is_last = true;
        {
            let mut select = self.connection.prepare_cached(
                "SELECT number, event, coalesce(
                    (SELECT octet_length(e.event) FROM events e WHERE e.number = d.event), 0)
                 FROM deliveries d INDEXED BY deliveries_dead
                 WHERE reason = 'overflow' AND event >= ?1 ORDER BY event",
            )?;
            let mut rows = select.query([self.index.overflow_from])?;
            let mut freed: u64 = 0;
            while let Some(row) = rows.next()? {
                if letters.len() >= TURN_LETTERS || freed >= wanted {
                    is_last = false;
                    break;
                }
                letters.push((row.get(0)?, row.get(1)?));
                freed += row.get::<_, u64>(2)?;
            }
        }
        if let Some((_, last)) = letters.last() {
            self.drop_letters(&letters, *last)?;
            // Another letter may be of the same event.
            self.index.overflow_from = *last;
        }
        if is_last {
            self.index.overflow_from = self.index.next_event;
            return Ok(Cursor::Done);
        }
        Ok(Cursor::Overflow)
    }

    fn drop_letters(
        &mut self,
        letters: &[(DeliveryNumber, EventNumber)],
        last: EventNumber,
    ) -> rusqlite::Result<()> {
        // Rows go; the numbers they had must not come again.
        for (name, next) in self.index.next_numbers() {
            self.statements.set_meta.execute((name, next))?;
        }
        let in_use = self.index.events_in_use(last);
        let mut letter = self
            .connection
            .prepare_cached("DELETE FROM deliveries WHERE number = ?1")?;
        let mut event = self.connection.prepare_cached(
            "DELETE FROM events WHERE number = ?1
             AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = ?1)",
        )?;
        let mut events = 0;
        for (number, of) in letters {
            letter.execute([number])?;
            if !in_use.contains(of) {
                events += event.execute([of])? as u64;
            }
        }
        let dropped = letters.len() as u64;
        self.index.dead_letters = self.index.dead_letters.saturating_sub(dropped);
        self.index.events = self.index.events.saturating_sub(events);
        Ok(())
    }
}
