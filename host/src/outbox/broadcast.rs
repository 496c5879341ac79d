//! Makes the parts of broadcasts, a few targets at a time, as those made before leave.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{MutexGuard, Notify};

use super::Shared;
use super::bot::Item;
use crate::journal::{Broadcast, BroadcastNumber, JournalResult, Part};
use crate::model::Name;

/// Parts that are made at a time.
pub(super) const ROWS: usize = 100;
/// With so many left, the next are made.
const LOW: usize = ROWS / 2;
/// Broadcasts read from the journal at a time.
const PAGE: usize = 100;
/// How long to wait when the journal does not take the parts.
const JOURNAL_WAIT: Duration = Duration::from_secs(1);

/// The broadcasts that are not through.
#[derive(Default)]
pub(super) struct Broadcasts {
    state: Mutex<State>,
    look: Notify,
    /// Who holds it changes how far broadcasts are.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    running: BTreeMap<BroadcastNumber, Running>,
    /// The last one that was read from the journal.
    last: BroadcastNumber,
}

/// A broadcast, and its parts in lanes.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) broadcast: Broadcast,
    pub(super) open: usize,
}

impl Broadcasts {
    /// Has the journal looked through for new ones, and lets those go on that can.
    pub(super) fn look(&self) {
        self.look.notify_one();
    }

    /// Keeps broadcasts as they are until the guard is dropped.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Those that are not through.
    pub(super) fn all(&self) -> Vec<Running> {
        self.state.lock().running.values().cloned().collect()
    }

    /// Counts a part of a broadcast that a host before this one made.
    pub(super) fn recovered(&self, number: Option<BroadcastNumber>) {
        let mut state = self.state.lock();
        if let Some(running) = number.and_then(|number| state.running.get_mut(&number)) {
            running.open += 1;
        }
    }

    /// Counts a part that ended.
    pub(super) fn ended(&self, number: Option<BroadcastNumber>, is_sent: bool) {
        let Some(number) = number else {
            return;
        };
        let mut state = self.state.lock();
        let Some(running) = state.running.get_mut(&number) else {
            return;
        };
        running.open = running.open.saturating_sub(1);
        if is_sent {
            running.broadcast.sent += 1;
        } else {
            running.broadcast.failed += 1;
        }
        let left = running.broadcast.targets_left();
        if left > 0 && running.open <= LOW {
            self.look.notify_one();
        } else if left == 0 && running.open == 0 {
            state.running.remove(&number);
        }
    }
}

impl Shared {
    /// Reads broadcasts that are not known yet.
    pub(super) async fn load_broadcasts(&self) -> JournalResult<()> {
        loop {
            let after = self.broadcasts.state.lock().last;
            let page = self.journal.pending_broadcasts(after, PAGE).await?;
            let Some(last) = page.last().map(|broadcast| broadcast.number) else {
                return Ok(());
            };
            for broadcast in page {
                let bot = self.bot(&broadcast.tenant, &broadcast.what.bot);
                let left = broadcast.parts_left();
                bot.to_come.fetch_add(left, Ordering::Relaxed);
                let running = Running { broadcast, open: 0 };
                let number = running.broadcast.number;
                self.broadcasts.state.lock().running.insert(number, running);
            }
            self.broadcasts.state.lock().last = last;
        }
    }

    async fn expand_broadcasts(self: &Arc<Self>) -> JournalResult<()> {
        let _turn = self.broadcasts.turn().await;
        self.load_broadcasts().await?;
        for running in self.broadcasts.all() {
            let is_due = running.open <= LOW && running.broadcast.targets_left() > 0;
            if is_due && !self.cancel.is_cancelled() {
                self.expand(&running.broadcast).await?;
            }
        }
        Ok(())
    }

    async fn expand(self: &Arc<Self>, told: &Broadcast) -> JournalResult<()> {
        let ordered = self.journal.expand(told, ROWS).await?;
        ordered.durable.wait().await?;
        let parts: Vec<Part> = ordered.value;
        let bot = self.bot(&told.tenant, &told.what.bot);
        if parts.is_empty() {
            // The turn that it belongs to was never kept.
            self.broadcasts.state.lock().running.remove(&told.number);
            bot.to_come.fetch_sub(told.parts_left(), Ordering::Relaxed);
            return Ok(());
        }
        {
            let mut state = self.broadcasts.state.lock();
            if let Some(running) = state.running.get_mut(&told.number) {
                running.broadcast.expanded += parts.len() / told.what.actions.len().max(1);
                running.open += parts.len();
            }
        }
        bot.to_come.fetch_sub(parts.len(), Ordering::Relaxed);
        for part in &parts {
            self.keys.put(part);
        }
        bot.put(self, parts.into_iter().map(Item::new));
        Ok(())
    }

    /// Drops targets whose parts are not made, but for those that are kept, and gives them. The
    /// caller has the [turn](Broadcasts::turn).
    pub(super) async fn retarget(
        &self,
        running: &Running,
        keeps: impl Fn(&Name) -> bool,
    ) -> JournalResult<Vec<Name>> {
        let told = &running.broadcast;
        let left = told.what.targets.iter().skip(told.expanded).cloned();
        let (kept, targets): (Vec<Name>, Vec<Name>) = left.partition(|target| keeps(target));
        if targets.is_empty() {
            return Ok(targets);
        }
        let dropped = targets.len() * told.what.actions.len();
        let ordered = self.journal.retarget(told, kept.clone()).await?;
        ordered.durable.wait().await?;
        let mut state = self.broadcasts.state.lock();
        if let Some(running) = state.running.get_mut(&told.number) {
            let what = Arc::make_mut(&mut running.broadcast.what);
            what.targets.truncate(told.expanded);
            what.targets.extend(kept);
            running.broadcast.failed += dropped as u64;
            if running.open == 0 && running.broadcast.targets_left() == 0 {
                state.running.remove(&told.number);
            }
        }
        drop(state);
        let bot = self.bot(&told.tenant, &told.what.bot);
        bot.to_come.fetch_sub(dropped, Ordering::Relaxed);
        Ok(targets)
    }
}

/// Makes parts of broadcasts until the outbox stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let cancel = shared.cancel.clone();
    let work = async {
        loop {
            shared.broadcasts.look.notified().await;
            if let Err(error) = shared.expand_broadcasts().await {
                tracing::warn!(%error, "broadcasts wait for the journal");
                tokio::time::sleep(JOURNAL_WAIT).await;
                shared.broadcasts.look();
            }
        }
    };
    // What is cut here is in the journal, and is taken up at the next start.
    let _cut = cancel.run_until_cancelled(work).await;
}
