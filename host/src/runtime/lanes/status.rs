//! How a plugin does.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::plugin::Plugin;
use super::quarantine::FaultBudget;
use super::shadow::ShadowStatus;
use crate::model::{Name, Timestamp};

/// Number of buckets of the latency histogram: bucket `n` holds calls of less than 2^n microseconds.
pub const LATENCY_BUCKETS: usize = 26;
/// The longest fault text kept.
const FAULT_BYTES: usize = 4_096;

/// Faults of a plugin that are kept, the newest.
const KEPT_FAULTS: usize = 5;
/// What stands in the place of what a fault said that is forgotten.
pub const FORGOTTEN_FAULT: &str = "what it said was forgotten";

/// A fault of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FaultNote {
    /// When.
    pub at: Timestamp,
    /// The version that had it.
    pub version: String,
    /// The event that it was called with.
    pub event: String,
    /// The event's conversation.
    pub conversation: Option<String>,
    /// Which call of the delivery it was.
    pub attempt: u32,
    /// What it says.
    pub text: String,
}

/// Whether a plugin serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginState {
    /// It is called.
    Serving,
    /// It is not installed; its deliveries wait.
    Waiting,
    /// It failed too often; its deliveries wait for a probe.
    Quarantined,
    /// The journal takes no writes; everything waits.
    JournalHeld,
}

/// How a plugin does.
#[derive(Clone, Debug, serde::Serialize)]
pub struct PluginStatus {
    /// The tenant.
    pub tenant: Name,
    /// The plugin.
    pub name: Name,
    /// The version that serves.
    pub version: Option<String>,
    /// Whether it serves.
    pub state: PluginState,
    /// Why it does not: what the journal says, or what led to the quarantine.
    pub held_by: Option<String>,
    /// How long until it is tried again, where it is in quarantine and nobody has to decide.
    pub probe_in: Option<Duration>,
    /// How far it is from quarantine.
    pub budget: FaultBudget,
    /// Its newest faults, the newest last.
    pub recent: Vec<FaultNote>,
    /// Deliveries that wait in memory.
    pub waiting: usize,
    /// Deliveries being handled.
    pub running: u32,
    /// Instances alive.
    pub instances: u64,
    /// Deliveries that came to a commit.
    pub handled: u64,
    /// Calls that failed.
    pub faults: u64,
    /// Calls made again because what they read had changed.
    pub conflicts: u64,
    /// Calls made again because the plugin asked for it.
    pub retries: u64,
    /// Deliveries that the plugin refused.
    pub refused: u64,
    /// Deliveries that became dead letters.
    pub dead: u64,
    /// What the last fault said.
    pub last_fault: Option<String>,
    /// The build that is compared with the one that serves.
    pub shadow: Option<ShadowStatus>,
    /// Microseconds that calls took, all together.
    pub took_us: u64,
    /// How many calls took less than 2^n microseconds, and not less than half of it.
    pub latency: [u64; LATENCY_BUCKETS],
}

/// Counts of one plugin.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) instances: AtomicU64,
    pub(super) handled: AtomicU64,
    pub(super) faults: AtomicU64,
    pub(super) conflicts: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) dead: AtomicU64,
    /// Commits that write state: those that were begun, and those that are over.
    pub(super) writes_begun: AtomicU64,
    pub(super) writes_ended: AtomicU64,
    last_fault: Mutex<Option<String>>,
    recent: Mutex<VecDeque<FaultNote>>,
    took_us: AtomicU64,
    latency: [AtomicU64; LATENCY_BUCKETS],
}

/// Adds one to a count.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    /// Notes how long a call took; gives microseconds.
    pub(super) fn took(&self, took: Duration) -> u64 {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = (u64::BITS - us.leading_zeros()) as usize;
        count(&self.latency[bucket.min(LATENCY_BUCKETS - 1)]);
        self.took_us.fetch_add(us, Ordering::Relaxed);
        us
    }

    /// Notes a fault. One of a build that was replaced meanwhile says nothing of the one that serves.
    pub(super) fn fault(&self, mut note: FaultNote, is_of_current: bool) {
        count(&self.faults);
        note.text
            .truncate(note.text.floor_char_boundary(FAULT_BYTES));
        if is_of_current {
            *self.last_fault.lock() = Some(note.text.clone());
        }
        let mut recent = self.recent.lock();
        if recent.len() == KEPT_FAULTS {
            recent.pop_front();
        }
        recent.push_back(note);
    }

    /// Forgets the last fault, which was another build's.
    pub(super) fn begin_anew(&self) {
        *self.last_fault.lock() = None;
    }

    /// Forgets what the faults said, and not that there were some.
    fn forget_fault_texts(&self) {
        let last = &mut *self.last_fault.lock();
        let mut recent = self.recent.lock();
        let recent = recent.iter_mut().map(|note| &mut note.text);
        for text in recent.chain(last) {
            FORGOTTEN_FAULT.clone_into(text);
        }
    }

    /// Forgets the last fault.
    pub(super) fn forget_fault(&self) {
        *self.last_fault.lock() = None;
    }
}

impl Plugin {
    /// Forgets what is told of calls: of faults what they said, of a build in the shadow the differences.
    pub(super) fn forget_told(&self) {
        self.counters.forget_fault_texts();
        if let Some(shadow) = &self.state.lock().shadow {
            shadow.drop_differences();
        }
    }

    pub(super) fn status(&self, journal: Option<&str>) -> PluginStatus {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        let state = self.state.lock();
        let version = state.current.as_ref().map(|now| now.spec.version.clone());
        let held = state.quarantine.why();
        let standing = if version.is_none() {
            PluginState::Waiting
        } else if journal.is_some() {
            PluginState::JournalHeld
        } else if held.is_some() {
            PluginState::Quarantined
        } else {
            PluginState::Serving
        };
        PluginStatus {
            tenant: Name::clone(&self.tenant),
            name: Name::clone(&self.name),
            version,
            state: standing,
            probe_in: held
                .as_ref()
                .and_then(|held| held.until)
                .map(|until| until.saturating_duration_since(Instant::now())),
            held_by: journal.map(str::to_owned).or(held.map(|held| held.reason)),
            budget: state.quarantine.budget(),
            recent: counters.recent.lock().iter().cloned().collect(),
            waiting: state.waiting,
            running: state.running,
            instances: read(&counters.instances),
            handled: read(&counters.handled),
            faults: read(&counters.faults),
            conflicts: read(&counters.conflicts),
            retries: read(&counters.retries),
            refused: read(&counters.refused),
            dead: read(&counters.dead),
            last_fault: counters.last_fault.lock().clone(),
            shadow: state.shadow.as_ref().map(|shadow| shadow.status()),
            took_us: read(&counters.took_us),
            latency: std::array::from_fn(|bucket| read(&counters.latency[bucket])),
        }
    }
}
