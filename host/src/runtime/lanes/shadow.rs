//! A build in the shadow of the one that serves: it sees the same events and the same state, and
//! nothing of what it does is kept.
//!
//! The way of the build that serves is not changed: its call notes what it reads, and hands that
//! over without waiting. Where the shadow is behind, comparisons are left out and counted.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::Shared;
use super::draft::draft;
use super::plugin::Plugin;
use super::status::count;
use crate::journal::{Journal, JournalResult, StateDelta, StateKey, StateScope};
use crate::model::Timestamp;
use crate::model::delivery::Delivery;
use crate::runtime::compare::{Difference, Outcome};
use crate::runtime::guest::{CallEnd, TrialBuild, TrialView};
use crate::runtime::host::StateReads;
use crate::runtime::notes::Notes;
use crate::runtime::turn::{Policy, Refusal, TurnDraft};

/// Comparisons of one plugin that wait.
const WAITING: usize = 64;
/// Bytes of what waits: events, and what was read over them.
const WAITING_BYTES: usize = 16 * 1024 * 1024;
/// Differences that are kept, the newest.
const KEPT_DIFFERENCES: usize = 5;

/// Hears that something was compared. Must not block.
pub type OnCompared = Box<dyn Fn() + Send + Sync>;

/// A build to compare with the one that serves.
pub struct ShadowSpec {
    /// Its version, as operators read it.
    pub version: String,
    /// Makes its calls.
    pub build: Arc<dyn TrialBuild>,
    /// What it may do.
    pub policy: Arc<Policy>,
    /// Hears of comparisons.
    pub hear: OnCompared,
}

/// A call that ended in another way than that of the build that serves.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DifferenceNote {
    /// When it was compared.
    pub at: Timestamp,
    /// The event.
    pub event: String,
    /// The event's conversation.
    pub conversation: Option<String>,
    /// The lines of the difference.
    pub difference: Difference,
}

/// How a comparison stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ShadowStatus {
    /// The version in the shadow.
    pub version: String,
    /// Calls compared.
    pub compared: u64,
    /// Calls among them that ended in another way.
    pub differ: u64,
    /// Calls that were not compared.
    pub skipped: u64,
    /// Why the last of those was not.
    pub last_skipped: Option<String>,
    /// The newest differences, the newest last.
    pub recent: Vec<DifferenceNote>,
}

/// The shadow of a plugin.
pub(super) struct Shadow {
    queue: mpsc::Sender<Comparison>,
    tally: Arc<Tally>,
}

#[derive(Default)]
struct Tally {
    version: String,
    compared: AtomicU64,
    differ: AtomicU64,
    skipped: AtomicU64,
    last_skipped: Mutex<Option<String>>,
    recent: Mutex<VecDeque<DifferenceNote>>,
    waiting: AtomicUsize,
    waiting_bytes: AtomicUsize,
}

impl Tally {
    fn skip(&self, why: &str) {
        count(&self.skipped);
        *self.last_skipped.lock() = Some(why.to_owned());
    }
}

/// A place in the shadow's queue, given back when it is dropped.
struct Place {
    tally: Arc<Tally>,
    bytes: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.tally.waiting.fetch_sub(1, Ordering::Relaxed);
        let bytes = &self.tally.waiting_bytes;
        bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A call of the build that serves, while it is under way.
pub(super) struct Watch {
    shadow: Arc<Shadow>,
    place: Place,
    plugin: Arc<Plugin>,
    delivery: Delivery,
    notes: Arc<Notes>,
    called_at: Timestamp,
    /// Commits with writes that were over when the call began.
    writes_ended: u64,
}

/// What the call came to.
enum Ended {
    Drafted(TurnDraft),
    Other(Outcome),
}

/// A call that ended, to be made by the shadow as well.
struct Comparison {
    watch: Watched,
    ended: Ended,
}

struct Watched {
    _place: Place,
    plugin: Arc<Plugin>,
    delivery: Delivery,
    notes: Arc<Notes>,
    called_at: Timestamp,
    writes_ended: u64,
    /// What the call wrote.
    written: HashSet<StateKey>,
}

impl Shadow {
    /// Watches a call; none where the shadow is too far behind.
    pub(super) fn watch(
        self: &Arc<Self>,
        plugin: &Arc<Plugin>,
        delivery: &Delivery,
        notes: Arc<Notes>,
    ) -> Option<Watch> {
        let tally = &self.tally;
        let is_behind = tally.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING
            || tally.waiting_bytes.load(Ordering::Relaxed) >= WAITING_BYTES;
        let place = Place {
            tally: tally.clone(),
            bytes: 0,
        };
        if is_behind {
            tally.skip("too many others waited to be compared");
            return None;
        }
        Some(Watch {
            shadow: self.clone(),
            place,
            plugin: plugin.clone(),
            delivery: delivery.clone(),
            notes,
            called_at: system_now(),
            writes_ended: plugin.counters.writes_ended.load(Ordering::SeqCst),
        })
    }

    /// Gives up the differences that are told; they stay counted.
    pub(super) fn drop_differences(&self) {
        self.tally.recent.lock().clear();
    }

    /// How the comparison stands.
    pub(super) fn status(&self) -> ShadowStatus {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let tally = &self.tally;
        ShadowStatus {
            version: tally.version.clone(),
            compared: read(&tally.compared),
            differ: read(&tally.differ),
            skipped: read(&tally.skipped),
            last_skipped: tally.last_skipped.lock().clone(),
            recent: tally.recent.lock().iter().cloned().collect(),
        }
    }
}

impl Watch {
    /// Where the call notes what it reads.
    pub(super) fn notes(&self) -> &Arc<Notes> {
        &self.notes
    }

    /// The call came to a turn.
    pub(super) fn drafted(self, draft: &TurnDraft, state: &StateDelta) {
        self.hand_over(Ended::Drafted(draft.clone()), state);
    }

    /// The call's list of actions is refused.
    pub(super) fn disallowed(self, refusal: &Refusal, state: &StateDelta) {
        let outcome = Outcome::Disallowed(refusal.to_string());
        self.hand_over(Ended::Other(outcome), state);
    }

    /// The call ended without a list of actions.
    pub(super) fn ended(self, end: &CallEnd, state: &StateDelta) {
        if let Some(outcome) = Outcome::of_end(end) {
            self.hand_over(Ended::Other(outcome), state);
        }
    }

    fn hand_over(self, ended: Ended, state: &StateDelta) {
        let tally = self.shadow.tally.clone();
        let Some(noted) = self.notes.bytes() else {
            tally.skip("the call read more than is noted");
            return;
        };
        let mut place = self.place;
        place.bytes = noted + self.delivery.event.payload.body_bytes();
        tally
            .waiting_bytes
            .fetch_add(place.bytes, Ordering::Relaxed);
        let watch = Watched {
            _place: place,
            plugin: self.plugin,
            delivery: self.delivery,
            notes: self.notes,
            called_at: self.called_at,
            writes_ended: self.writes_ended,
            written: state.writes.iter().map(|(key, _)| key.clone()).collect(),
        };
        // There is a place in the queue for whoever has one in the count.
        if self
            .shadow
            .queue
            .try_send(Comparison { watch, ended })
            .is_err()
        {
            tally.skip("the comparison has ended");
        }
    }
}

/// Begins to compare a build.
pub(super) fn begin(shared: &Arc<Shared>, plugin: &Arc<Plugin>, spec: ShadowSpec) -> Arc<Shadow> {
    let (queue, waiting) = mpsc::channel(WAITING);
    let tally = Arc::new(Tally {
        version: spec.version.clone(),
        ..Tally::default()
    });
    tracing::info!(plugin = %plugin.name, version = spec.version, "build is compared in the shadow");
    let run = run(shared.clone(), spec, tally.clone(), waiting);
    shared.tracker.spawn_on(run, &shared.handle);
    Arc::new(Shadow { queue, tally })
}

/// Compares one call after the other, until the shadow is gone or the lanes stop.
async fn run(
    shared: Arc<Shared>,
    spec: ShadowSpec,
    tally: Arc<Tally>,
    mut waiting: mpsc::Receiver<Comparison>,
) {
    let compare_all = async {
        while let Some(comparison) = waiting.recv().await {
            compare(&shared, &spec, &tally, comparison).await;
            (spec.hear)();
        }
    };
    // What is under way when the lanes stop is nobody's.
    let _stopped = shared.cancel.run_until_cancelled(compare_all).await;
}

async fn compare(shared: &Arc<Shared>, spec: &ShadowSpec, tally: &Tally, comparison: Comparison) {
    let Comparison { watch, ended } = comparison;
    let state = Arc::new(SeenState {
        journal: shared.parts.journal.clone(),
        plugin: watch.plugin.clone(),
        notes: watch.notes.clone(),
        written: watch.written,
        writes_ended: watch.writes_ended,
        is_unsure: AtomicBool::new(false),
    });
    let view = TrialView {
        state: state.clone(),
        directory: watch.notes,
        now: watch.called_at,
    };
    let tried = spec.build.try_out(watch.delivery.clone(), view).await;
    if state.is_unsure.load(Ordering::SeqCst) {
        tally.skip("it read state that may have changed since");
        return;
    }
    let now = match tried.end {
        CallEnd::Done(actions) => {
            match draft(shared, &watch.delivery, &spec.policy, actions).await {
                Ok(Ok(draft)) => Outcome::of_draft(&draft),
                Ok(Err(refusal)) => Outcome::Disallowed(refusal.to_string()),
                Err(error) => return tally.skip(&error.to_string()),
            }
        }
        end => match Outcome::of_end(&end) {
            Some(outcome) => outcome,
            None => return,
        },
    };
    let was = match ended {
        Ended::Drafted(draft) => Outcome::of_draft(&draft),
        Ended::Other(outcome) => outcome,
    };
    count(&tally.compared);
    let Some(difference) = Difference::between(&was, &now) else {
        return;
    };
    count(&tally.differ);
    let event = &watch.delivery.event;
    let note = DifferenceNote {
        at: shared.parts.clock.now(),
        event: event.id.clone(),
        conversation: event.conversation.as_ref().map(|place| place.id.clone()),
        difference,
    };
    let mut recent = tally.recent.lock();
    if recent.len() == KEPT_DIFFERENCES {
        recent.pop_front();
    }
    recent.push_back(note);
}

/// The state as the call of the build that serves saw it. What that call did not look at is read
/// now, and counts only where nobody can have written it since.
struct SeenState {
    journal: Arc<dyn Journal>,
    plugin: Arc<Plugin>,
    notes: Arc<Notes>,
    written: HashSet<StateKey>,
    writes_ended: u64,
    is_unsure: AtomicBool,
}

impl SeenState {
    /// Notes that what was just read may not be what it was.
    fn doubt(&self, is_own: bool) {
        let counters = &self.plugin.counters;
        // In this order: own writes that begin between the two looks count as somebody else's.
        let own = u64::from(self.notes.is_committing());
        let begun = counters.writes_begun.load(Ordering::SeqCst);
        if is_own || begun.saturating_sub(own) != self.writes_ended {
            self.is_unsure.store(true, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl StateReads for SeenState {
    async fn get(&self, key: &StateKey) -> JournalResult<(Option<Vec<u8>>, u64)> {
        if let Some(seen) = self.notes.value(key) {
            return Ok((seen, 0));
        }
        let read = self.journal.state_get(key).await;
        self.doubt(self.written.contains(key));
        read
    }

    async fn keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> JournalResult<(Vec<String>, u64)> {
        if let Some(seen) = self.notes.keys(scope, prefix, after, limit) {
            return Ok((seen, 0));
        }
        let read = self.journal.state_keys(scope, prefix, after, limit).await;
        self.doubt(self.written.iter().any(|key| key.scope == *scope));
        read
    }

    async fn size(&self, tenant: &str, plugin: &str) -> JournalResult<u64> {
        self.journal.state_size(tenant, plugin).await
    }
}

/// What a plugin's own clock says: that of the system.
fn system_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
