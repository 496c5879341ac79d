//! Events: what has been, and dead letters put back.

use super::refused;
use crate::app::events::{self, PutBackError};
use crate::app::host::Host;
use crate::journal::forget::is_of;
use crate::journal::{EventQuery, JournalError};
use crate::mailbox::control::{ForgotLine, Line, Refused, RefusedReason};
use crate::model::DEFAULT_TENANT;
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

/// Forgets a person: what waits for a plugin in memory, then the journal.
pub(super) async fn forget(host: &Host, user: String) -> Result<ForgotLine, Refused> {
    host.lanes()
        .drop_waiting(|delivery| is_of(&delivery.event, &user));
    // Before the journal, which then empties its log.
    host.plugins().forget_faults().await;
    let journal = host.journal();
    let forgot = journal
        .forget(DEFAULT_TENANT, &user)
        .await
        .map_err(failed)?;
    host.inbox().forms.forget_person(&user);
    // A call that was under way may have been told of until now.
    host.lanes().forget_told();
    host.plugins().tell_panel();
    Ok(ForgotLine {
        user,
        events: forgot.events,
        given_up: forgot.given_up,
        values: forgot.values,
        timers: forgot.timers,
        forms: forgot.forms,
        actions: forgot.actions,
        copies: forgot.copies,
    })
}

fn failed(error: JournalError) -> Refused {
    refused(RefusedReason::Failed, error.to_string())
}
