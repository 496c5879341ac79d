//! What the writer knows by heart: the next numbers and what is open.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension as _};

use super::requests;
use crate::journal::numbers::NumberMap;
use crate::journal::open_deliveries::OpenDeliveries;
use crate::journal::{BroadcastNumber, PartNumber};
use crate::model::Name;
use crate::model::delivery::{DeliveryNumber, EventNumber};

/// State versions reserved on disk at a time, so that none is used twice over a crash.
const VERSION_BLOCK: u64 = 1 << 20;
/// Events up to which they are counted one by one at the start.
const COUNTED_EVENTS: u64 = 100_000;
/// Ranges of deliveries of failed batches that are remembered.
const LOST_RANGES: usize = 1_024;

/// What is known of a broadcast that is not through.
#[derive(Clone, Copy)]
pub(super) struct OpenBroadcast {
    pub(super) event: EventNumber,
    pub(super) parts_each: u64,
    pub(super) targets: u64,
    pub(super) expanded: u64,
    /// Parts that are made and not through.
    pub(super) parts: u64,
}

impl OpenBroadcast {
    /// Parts that are not made.
    fn parts_left(&self) -> u64 {
        self.targets
            .saturating_sub(self.expanded)
            .saturating_mul(self.parts_each)
    }

    /// Tells whether it is through.
    pub(super) fn is_through(&self) -> bool {
        self.parts == 0 && self.expanded >= self.targets
    }
}

/// Numbers and open rows.
#[derive(Default)]
pub(super) struct Index {
    pub(super) next_event: u64,
    pub(super) next_delivery: u64,
    pub(super) next_part: u64,
    pub(super) next_broadcast: u64,
    pub(super) next_request: u64,
    pub(super) next_scope: u64,
    pub(super) next_version: u64,
    /// Versions below this are reserved on disk.
    pub(super) versions_end: u64,
    /// Events stored; beyond [`COUNTED_EVENTS`] estimated at the start.
    pub(super) events: u64,
    pub(super) dead_letters: u64,
    /// Open deliveries, with their events.
    pub(super) deliveries: OpenDeliveries<EventNumber>,
    /// No `overflow` letter is of an event before this one.
    pub(super) overflow_from: EventNumber,
    /// Open parts, with their events.
    pub(super) parts: NumberMap<EventNumber>,
    /// Requests that have not ended, with their events.
    pub(super) requests: requests::Open,
    /// Open broadcasts.
    pub(super) broadcasts: NumberMap<OpenBroadcast>,
    /// Open parts of broadcasts.
    pub(super) broadcast_of: NumberMap<BroadcastNumber>,
    /// Events without routes, with tenant and lane.
    pub(super) unrouted: BTreeMap<EventNumber, (Name, Name)>,
    /// Deliveries whose batch failed: they were numbered and do not exist.
    lost: Vec<Range<DeliveryNumber>>,
}

impl Index {
    /// Reads everything from the database, at the start or after a failed batch. Numbers never go back.
    pub(super) fn load(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let first_lost = self.next_or_one(connection, "deliveries")?;
        if self.next_delivery > first_lost {
            self.remember_lost(first_lost..self.next_delivery);
        }
        self.next_event = self.next_event.max(self.next_or_one(connection, "events")?);
        self.next_delivery = self.next_delivery.max(first_lost);
        self.next_part = self.next_part.max(self.next_or_one(connection, "parts")?);
        self.next_broadcast = self
            .next_broadcast
            .max(self.next_or_one(connection, "broadcasts")?);
        self.next_request = self
            .next_request
            .max(self.next_or_one(connection, "requests")?);
        let scopes: u64 =
            connection.query_row("SELECT coalesce(max(id), 0) FROM scopes", [], |row| {
                row.get(0)
            })?;
        self.next_scope = self.next_scope.max(scopes + 1);
        self.next_version = self
            .next_version
            .max(meta(connection, "next_version")?.unwrap_or(1));
        // What is reserved may have been part of the failed batch: it is reserved anew.
        self.versions_end = self.next_version;
        self.events = count_events(connection)?;
        self.deliveries = open_deliveries(connection)?;
        self.overflow_from = 0;
        self.parts = open_rows(
            connection,
            "SELECT number, event FROM parts WHERE ended_at IS NULL",
        )?;
        self.requests = requests::open(connection)?;
        self.broadcast_of = open_rows(
            connection,
            "SELECT number, broadcast FROM parts
             WHERE ended_at IS NULL AND broadcast IS NOT NULL",
        )?;
        self.broadcasts = open_broadcasts(connection)?;
        for broadcast in self.broadcast_of.values() {
            if let Some(open) = self.broadcasts.get_mut(broadcast) {
                open.parts += 1;
            }
        }
        self.dead_letters = connection.query_row(
            "SELECT count(*) FROM deliveries WHERE reason IS NOT NULL",
            [],
            |row| row.get(0),
        )?;
        let mut statement = connection
            .prepare("SELECT number, tenant, lane FROM events WHERE unrouted IS NOT NULL")?;
        self.unrouted = statement
            .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(())
    }

    /// Takes the next version of the state; `Some` when a new end has to be written down.
    pub(super) fn take_version(&mut self) -> (u64, Option<u64>) {
        let version = self.next_version;
        self.next_version += 1;
        if version < self.versions_end {
            return (version, None);
        }
        self.versions_end = version + VERSION_BLOCK;
        (version, Some(self.versions_end))
    }

    /// Tells whether a delivery was numbered in a batch that failed.
    pub(super) fn is_lost(&self, delivery: DeliveryNumber) -> bool {
        self.lost.iter().any(|range| range.contains(&delivery))
    }

    /// Parts that are not through, those of broadcasts included that are not made yet.
    pub(super) fn pending_parts(&self) -> u64 {
        let left = self.broadcasts.values().map(OpenBroadcast::parts_left);
        (self.parts.len() as u64).saturating_add(left.sum())
    }

    /// Takes the number of a part that ended from its broadcast's.
    pub(super) fn broadcast_of_ended(&mut self, part: PartNumber) -> Option<BroadcastNumber> {
        let number = self.broadcast_of.remove(&part)?;
        let open = self.broadcasts.get_mut(&number)?;
        open.parts = open.parts.saturating_sub(1);
        Some(number)
    }

    /// Events up to `last` that something open still needs.
    pub(super) fn events_in_use(&self, last: EventNumber) -> HashSet<EventNumber> {
        self.deliveries
            .values()
            .chain(self.parts.values())
            .chain(self.requests.values())
            .chain(self.unrouted.keys())
            .chain(self.broadcasts.values().map(|broadcast| &broadcast.event))
            .copied()
            .filter(|event| *event <= last)
            .collect()
    }

    /// The numbers that must be written down before rows are pruned.
    pub(super) fn next_numbers(&self) -> [(&'static str, u64); 5] {
        [
            ("next_events", self.next_event),
            ("next_deliveries", self.next_delivery),
            ("next_parts", self.next_part),
            ("next_broadcasts", self.next_broadcast),
            ("next_requests", self.next_request),
        ]
    }

    fn next_or_one(&self, connection: &Connection, table: &str) -> rusqlite::Result<u64> {
        let last: u64 = connection.query_row(
            &format!("SELECT coalesce(max(number), 0) FROM {table}"),
            [],
            |row| row.get(0),
        )?;
        let kept = meta(connection, &format!("next_{table}"))?.unwrap_or(1);
        Ok(kept.max(last + 1))
    }

    fn remember_lost(&mut self, range: Range<DeliveryNumber>) {
        match self.lost.last_mut() {
            Some(last) if last.end >= range.start => last.end = range.end,
            _ => self.lost.push(range),
        }
        if self.lost.len() > LOST_RANGES {
            self.lost.remove(0);
        }
    }
}

fn meta(connection: &Connection, name: &str) -> rusqlite::Result<Option<u64>> {
    connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| {
            row.get(0)
        })
        .optional()
}

fn open_rows(connection: &Connection, sql: &str) -> rusqlite::Result<NumberMap<EventNumber>> {
    connection
        .prepare(sql)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn open_deliveries(connection: &Connection) -> rusqlite::Result<OpenDeliveries<EventNumber>> {
    let mut open = OpenDeliveries::default();
    let mut statement = connection.prepare(
        "SELECT d.number, d.event, e.tenant, d.plugin, octet_length(e.event)
         FROM deliveries d JOIN events e ON e.number = d.event WHERE d.ended IS NULL",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (tenant, plugin): (Name, Name) = (row.get(2)?, row.get(3)?);
        open.insert(row.get(0)?, (&tenant, &plugin), row.get(4)?, row.get(1)?);
    }
    Ok(open)
}

fn open_broadcasts(connection: &Connection) -> rusqlite::Result<NumberMap<OpenBroadcast>> {
    connection
        .prepare(
            "SELECT number, event, parts_each, target_count, expanded FROM broadcasts
             WHERE ended_at IS NULL",
        )?
        .query_map([], |row| {
            let open = OpenBroadcast {
                event: row.get(1)?,
                parts_each: row.get(2)?,
                targets: row.get(3)?,
                expanded: row.get(4)?,
                parts: 0,
            };
            Ok((row.get(0)?, open))
        })?
        .collect()
}

fn count_events(connection: &Connection) -> rusqlite::Result<u64> {
    let range: u64 = connection.query_row(
        "SELECT coalesce((SELECT max(number) FROM events) - (SELECT min(number) FROM events) + 1, 0)",
        [],
        |row| row.get(0),
    )?;
    if range > COUNTED_EVENTS {
        // Events are pruned from the oldest on, so that few are missing between the first and the last.
        return Ok(range);
    }
    connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0))
}
