//! What operators change of the past, inside the open transaction.

use rusqlite::OptionalExtension as _;

use super::SqliteJournal;
use super::apply::moment;
use super::error::Stop;
use super::forget::Forget;
use super::writer::{Command, Writer};
use crate::journal::{Journal as _, JournalResult, Ordered};
use crate::model::Name;
use crate::model::delivery::{Delivery, DeliveryNumber, EventNumber};

/// A change of the past.
pub(super) enum Mend {
    /// Puts a dead letter back.
    PutBack(DeliveryNumber),
    /// Forgets a person.
    Forget(Forget),
}

impl SqliteJournal {
    pub(super) async fn put_dead_back(
        &self,
        delivery: DeliveryNumber,
    ) -> JournalResult<Ordered<Option<Delivery>>> {
        let mended = self
            .write(|reply| Command::Mend(Mend::PutBack(delivery), reply))
            .await?;
        let mut value = None;
        if mended.value > 0 {
            let after = delivery.saturating_sub(1);
            value = self.pending_deliveries(after, 1).await?.pop();
        }
        Ok(Ordered {
            value: value.filter(|found| found.number == delivery),
            durable: mended.durable,
        })
    }
}

impl Writer<'_> {
    /// Makes a change; gives back how many rows it was.
    pub(super) fn mend(&mut self, mend: Mend) -> Result<u64, Stop> {
        match mend {
            Mend::PutBack(delivery) => self.put_back(delivery),
            Mend::Forget(turn) => self.forget(turn),
        }
    }

    fn put_back(&mut self, delivery: DeliveryNumber) -> Result<u64, Stop> {
        let found: Option<(EventNumber, Name)> = self
            .connection
            .prepare_cached(
                "UPDATE deliveries SET ended = NULL, ended_at = NULL, reason = NULL, detail = NULL,
                    attempt = 1, put_back = ?2
                 WHERE number = ?1 AND reason IS NOT NULL RETURNING event, plugin",
            )?
            .query_row((delivery, moment(self.now)), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let Some((event, plugin)) = found else {
            return Ok(0);
        };
        let (tenant, bytes): (Name, u64) = self
            .connection
            .prepare_cached("SELECT tenant, octet_length(event) FROM events WHERE number = ?1")?
            .query_row([event], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let deliveries = &mut self.index.deliveries;
        deliveries.insert(delivery, (&tenant, &plugin), bytes, event);
        self.index.dead_letters = self.index.dead_letters.saturating_sub(1);
        Ok(1)
    }
}
