//! Requests: added with a turn, marked before they leave, ended with the arrival of their answer.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::error::{Stop, journal_error};
use super::index::Index;
use super::rows::{RequestRow, column, from_json, word};
use super::writer::Writer;
use crate::journal::open_requests::{OpenRequests, no_request};
use crate::journal::shared::{event_with_roles, number_event};
use crate::journal::{
    JournalResult, NewRequest, PendingRequest, PluginKey, RequestNumber, RequestState,
};
use crate::model::Name;
use crate::model::delivery::{DeliveryNumber, EventNumber};
use crate::model::event::Event;

/// Requests that have not ended, with the events that they grew out of.
pub(super) type Open = OpenRequests<EventNumber>;

impl Writer<'_> {
    pub(super) fn add_request(
        &mut self,
        event: EventNumber,
        delivery: DeliveryNumber,
        plugin: PluginKey,
        request: &RequestRow,
    ) -> rusqlite::Result<()> {
        let number = self.index.next_request;
        self.index.next_request += 1;
        self.statements.add_request.execute((
            number,
            event,
            delivery,
            &plugin.tenant,
            &plugin.plugin,
            &request.key,
            request.place,
            &request.token,
            &request.roles,
            request.bytes,
            &request.request,
            self.now,
        ))?;
        self.index
            .requests
            .insert(number, plugin, request.bytes, event);
        Ok(())
    }

    pub(super) fn mark_request(
        &mut self,
        request: RequestNumber,
        state: RequestState,
    ) -> Result<(), Stop> {
        if self.index.requests.get(request).is_none() {
            return Err(Stop::Own(no_request(request)));
        }
        let (state, tries) = match state {
            RequestState::Queued => ("queued", 0),
            RequestState::Sending => ("sending", 1),
        };
        let mark = &mut self.statements.mark_request;
        mark.execute((request, state, tries))?;
        Ok(())
    }

    /// Ends a request; tells whether it had not ended before.
    pub(super) fn end_request(&mut self, request: RequestNumber) -> rusqlite::Result<bool> {
        if self.index.requests.remove(request).is_none() {
            return Ok(false);
        }
        let end = &mut self.statements.end_request;
        end.execute((request, self.now))?;
        Ok(true)
    }
}

/// Reads which requests have not ended.
pub(super) fn open(connection: &Connection) -> rusqlite::Result<Open> {
    let mut open = Open::default();
    let mut statement = connection.prepare(
        "SELECT number, event, tenant, plugin, bytes FROM requests WHERE ended_at IS NULL",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let plugin = PluginKey {
            tenant: row.get(2)?,
            plugin: row.get(3)?,
        };
        open.insert(row.get(0)?, plugin, row.get(4)?, row.get(1)?);
    }
    Ok(open)
}

pub(super) fn pending(
    connection: &Connection,
    index: &Index,
    plugin: &PluginKey,
    after: RequestNumber,
    limit: usize,
) -> JournalResult<Vec<PendingRequest>> {
    let numbers = index.requests.of(plugin, after, limit);
    let mut read = Vec::with_capacity(numbers.len());
    for number in numbers {
        let mut statement = connection
            .prepare_cached(
                "SELECT r.number, r.tenant, r.plugin, r.key, r.place, r.token, r.roles, r.request,
                    r.state, r.attempts, e.number, e.event
                 FROM requests r JOIN events e ON e.number = r.event WHERE r.number = ?1",
            )
            .map_err(|error| journal_error(&error))?;
        let row = statement
            .query_row([number], |row| Ok(request(row)))
            .optional()
            .map_err(|error| journal_error(&error))?;
        read.extend(row.transpose()?);
    }
    Ok(read)
}

fn request(row: &Row<'_>) -> JournalResult<PendingRequest> {
    let roles: Option<String> = column(row, 6)?;
    let roles = roles.map_or(Ok(Vec::new()), |text| from_json("roles", &text))?;
    let request: String = column(row, 7)?;
    let number: EventNumber = column(row, 10)?;
    let event: String = column(row, 11)?;
    let mut event: Arc<Event> = Arc::new(from_json("event", &event)?);
    number_event(&mut event, number);
    let tenant: Name = column(row, 1)?;
    Ok(PendingRequest {
        number: column(row, 0)?,
        tenant,
        plugin: column(row, 2)?,
        origin: event_with_roles(&event, roles),
        what: NewRequest {
            key: column(row, 3)?,
            index: column(row, 4)?,
            request: from_json("request", &request)?,
        },
        token: column(row, 5)?,
        state: word("state", column(row, 8)?)?,
        attempts: column(row, 9)?,
    })
}
