//! Events: what has been, and dead letters put back.

use super::refused;
use crate::app::events::{self, PutBackError};
use crate::app::host::Host;
use crate::journal::{EventQuery, JournalError};
use crate::mailbox::control::{Line, Refused, RefusedReason};
use crate::model::delivery::EventNumber;

/// Lists what has been.
pub(super) async fn list(host: &Host, query: EventQuery) -> Result<Vec<Line>, Refused> {
    let found = host.journal().events(query).await.map_err(failed)?;
    let lines = found.iter().map(events::event_line);
    Ok(lines.map(Line::Event).collect())
}

/// Puts dead letters of an event back.
pub(super) async fn retry(
    host: &Host,
    event: EventNumber,
    plugin: Option<&str>,
) -> Result<Vec<Line>, Refused> {
    let journal = host.journal().as_ref();
    let back = events::put_back(journal, host.lanes().as_ref(), event, plugin).await;
    match back {
        Ok(lines) => Ok(lines.into_iter().map(Line::PutBack).collect()),
        Err(PutBackError::NotDead(text)) => Err(refused(RefusedReason::NotFound, text)),
        Err(PutBackError::Journal(error)) => Err(failed(error)),
    }
}

fn failed(error: JournalError) -> Refused {
    refused(RefusedReason::Failed, error.to_string())
}
