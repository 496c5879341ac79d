//! When a timer is due.

use super::cron::{CronError, CronRule};
use crate::model::Timestamp;
use crate::model::action::{Cron, Schedule};

/// The shortest time between two firings.
pub const MIN_EVERY_MS: u64 = 1_000;
/// The farthest moment that a timer may be set to: 100 years ahead.
pub const MAX_AHEAD_MS: u64 = 100 * 366 * 24 * 60 * 60 * 1_000;

/// Why a schedule cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// It fires too often.
    #[error("every {0} ms is too often, at least {MIN_EVERY_MS}")]
    TooOften(u64),
    /// It is too far away.
    #[error("the timer is due more than 100 years ahead")]
    TooFar,
    /// The calendar rule is wrong.
    #[error(transparent)]
    Cron(#[from] CronError),
}

/// Tells when a timer that is set now is due first. A moment of the past, or now, is due in the next
/// millisecond: were it due before, the same firing could have been handled already.
///
/// # Errors
/// The schedule cannot be kept.
pub fn first_due(schedule: &Schedule, now: Timestamp) -> Result<Timestamp, ScheduleError> {
    let soonest = now.saturating_add(1);
    let due = match schedule {
        Schedule::At(at) => soonest.max(*at),
        Schedule::After(wait) => soonest.max(now.saturating_add(*wait)),
        Schedule::Every(gap) if *gap < MIN_EVERY_MS => return Err(ScheduleError::TooOften(*gap)),
        Schedule::Every(gap) => now.saturating_add(*gap),
        Schedule::Cron(cron) => next_due(cron, now)?,
    };
    if due > now.saturating_add(MAX_AHEAD_MS) {
        return Err(ScheduleError::TooFar);
    }
    Ok(due)
}

/// Tells when a timer is due again that was due and fires now; none where it is over. However many
/// firings were missed, the next one lies after now.
pub fn following(schedule: &Schedule, due_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    match schedule {
        Schedule::At(_) | Schedule::After(_) => None,
        Schedule::Every(gap) => {
            let gap = (*gap).max(MIN_EVERY_MS);
            let missed = now.saturating_sub(due_at) / gap;
            Some(due_at.saturating_add(gap.saturating_mul(missed.saturating_add(1))))
        }
        // After the later of the two, so that a clock set back fires nothing twice.
        Schedule::Cron(cron) => next_due(cron, now.max(due_at)).ok(),
    }
}

/// Tells when a calendar rule is due after a moment.
///
/// # Errors
/// The rule or its time zone is wrong, or it is never due.
pub fn next_due(cron: &Cron, after: Timestamp) -> Result<Timestamp, CronError> {
    CronRule::parse(&cron.expression)?.next(&cron.time_zone, after)
}
