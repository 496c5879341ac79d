//! Calls told to whoever traces them. Where nobody does, a call is told to nobody and notes nothing.

use std::sync::Arc;
use std::time::Duration;

use super::commit::Attend;
use crate::journal::StateDelta;
use crate::model::delivery::Delivery;
use crate::model::limits::Limits;
use crate::runtime::compare::Outcome;
use crate::runtime::guest::Spent;
use crate::runtime::notes::Notes;

/// A call that ended.
pub struct CallNote<'a> {
    /// What it was called with.
    pub delivery: &'a Delivery,
    /// The version that was called.
    pub version: &'a str,
    /// What it may use.
    pub limits: &'a Limits,
    /// How long it took, with the wait for a place among all calls.
    pub took: Duration,
    /// What it used.
    pub spent: Spent,
    /// What it did on its way.
    pub notes: &'a Notes,
    /// What it came to.
    pub outcome: &'a Outcome,
    /// Values of its state that it wrote.
    pub writes: usize,
}

/// Hears of calls that ended. Must not block.
pub type OnCall = Box<dyn Fn(&CallNote<'_>) + Send + Sync>;

/// A call that somebody traces.
pub(super) struct CallTrace {
    pub(super) notes: Arc<Notes>,
    pub(super) took: Duration,
    pub(super) spent: Spent,
}

impl CallTrace {
    /// Begins one where somebody traces calls.
    pub(super) fn begin(attend: &Attend) -> Option<Self> {
        attend.shared.calls_heard.get().map(|_| Self {
            notes: Arc::new(Notes::whole()),
            took: Duration::ZERO,
            spent: Spent::default(),
        })
    }

    /// Tells what the call came to, where somebody traces it.
    pub(super) fn tell(
        trace: Option<Self>,
        attend: &Attend,
        state: &StateDelta,
        outcome: impl FnOnce() -> Outcome,
    ) {
        let (Some(trace), Some(hear)) = (trace, attend.shared.calls_heard.get()) else {
            return;
        };
        let spec = &attend.job.installed.spec;
        hear(&CallNote {
            delivery: &attend.job.delivery,
            version: &spec.version,
            limits: &spec.policy.limits,
            took: trace.took,
            spent: trace.spent,
            notes: &trace.notes,
            outcome: &outcome(),
            writes: state.writes.len(),
        });
    }
}
