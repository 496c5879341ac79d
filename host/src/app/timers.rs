//! Timers that are due become events.
//!
//! A firing goes through the journal with the id (plugin, conversation, name, due-at) and is re-armed
//! in the same transaction, so it comes once, over restarts too.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::clock;
use super::intake::{Directed, Inbox};
use crate::journal::{EventKey, FiredTimer, Journal, Timer};
use crate::model::Timestamp;
use crate::model::action::Missed;
use crate::model::event::{Addressing, Event};
use crate::model::payload::{EventPayload, TimerFired};
use crate::runtime::turn::schedule::following;

/// The longest sleep: a timer set meanwhile is seen after this at the latest.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Firings of one round; after a long stop there are at most this many each [`ROUND`].
const MAX_A_ROUND: usize = 20;
/// The time a full round takes: 100 firings a second.
const ROUND: Duration = Duration::from_millis(200);
/// A firing later than this was missed: the host was stopped when it was due.
const MISSED_AFTER_MS: u64 = 60_000;
/// A timer that waited this long begins a new chain of causes.
const NEW_CHAIN_MS: u64 = 10_000;

/// Fires timers until it is told to stop.
pub(super) async fn run(journal: Arc<dyn Journal>, inbox: Arc<Inbox>, stop: CancellationToken) {
    loop {
        let wait = match fire_due(journal.as_ref(), &inbox).await {
            Ok(fired) if fired == MAX_A_ROUND => ROUND,
            Ok(_) => next_wait(journal.as_ref()).await,
            Err(error) => {
                tracing::warn!(%error, "timers wait for the journal");
                LOOK_EVERY
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn next_wait(journal: &dyn Journal) -> Duration {
    match journal.next_timer().await {
        Ok(Some(due)) => Duration::from_millis(due.saturating_sub(clock::now())).min(LOOK_EVERY),
        _ => LOOK_EVERY,
    }
}

async fn fire_due(journal: &dyn Journal, inbox: &Inbox) -> anyhow::Result<usize> {
    let now = clock::now();
    let due = journal.due_timers(now, MAX_A_ROUND).await?;
    let count = due.len();
    for timer in due {
        let fired = FiredTimer {
            key: timer.key.clone(),
            due_at: timer.due_at,
            next: following(&timer.schedule, timer.due_at, now),
        };
        let skipped =
            timer.missed == Missed::Skip && now.saturating_sub(timer.due_at) > MISSED_AFTER_MS;
        inbox.fire(fire(timer, now), fired, skipped).await?;
    }
    Ok(count)
}

fn fire(timer: Timer, now: Timestamp) -> Directed {
    let Timer {
        key,
        due_at,
        payload,
        origin,
        ..
    } = timer;
    let due = due_at.to_string();
    let event_key = EventKey::new(&["timer", &key.plugin, &key.conversation, &key.name, &due]);
    let waited = due_at.saturating_sub(origin.received_at);
    let event = Event {
        id: format!(
            "timer:{}:{}:{}:{due}",
            key.plugin, key.conversation, key.name
        ),
        occurred_at: now,
        addressing: Addressing::Ambient,
        cause: Some(origin.id.clone()),
        depth: if waited >= NEW_CHAIN_MS {
            0
        } else {
            origin.depth + 1
        },
        trace_id: clock::trace_id(),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::TimerFired(TimerFired {
            name: key.name.clone(),
            payload,
            due_at,
        }),
        ..Event::clone(&origin)
    };
    Directed {
        tenant: key.tenant,
        plugin: key.plugin,
        key: event_key,
        event,
    }
}
