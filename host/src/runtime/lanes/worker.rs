//! One worker of a plugin: takes ready lanes in turn and keeps an instance while it lives.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Shared;
use super::commit::Attend;
use super::plugin::{Next, Plugin, Step};
use super::status::count;
use crate::runtime::guest::Instance;

/// An instance that can be called, of one generation of the plugin.
pub(super) struct Held {
    pub(super) instance: Box<dyn Instance>,
    pub(super) generation: u64,
    pub(super) alive: Alive,
}

/// Counts an instance as alive while it is.
pub(super) struct Alive(Arc<Plugin>);

impl Alive {
    pub(super) fn new(plugin: &Arc<Plugin>) -> Self {
        count(&plugin.counters.instances);
        Self(Arc::clone(plugin))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let alive = &self.0.counters.instances;
        alive.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Works until the plugin has nothing to do for long, is gone, or the lanes stop.
pub(super) async fn run(shared: Arc<Shared>, plugin: Arc<Plugin>) {
    let me = Arc::new(Notify::new());
    let mut held: Option<Held> = None;
    loop {
        // Where neither guest nor journal ever waits, others of this thread still get their turn.
        tokio::task::coop::consume_budget().await;
        if shared.gate.is_closed() {
            let open = shared.gate.wait_open();
            // Where the lanes stop, there is nothing more to take.
            let _stopped = shared.cancel.run_until_cancelled(open).await;
        }
        match plugin.next(&shared, &me) {
            Step::Work(job) => {
                let attend = Attend {
                    shared: Arc::clone(&shared),
                    plugin: Arc::clone(&plugin),
                    job: Arc::new(job),
                };
                attend.run(&mut held).await;
            }
            Step::Park(wake, generation) => {
                if held
                    .as_ref()
                    .is_some_and(|held| held.generation != generation)
                {
                    held = None;
                }
                let idle_at = Instant::now() + shared.config.idle;
                let until = wake.map_or(idle_at, |wake| wake.min(idle_at));
                let woken = tokio::time::timeout_at(until, me.notified()).await;
                if woken.is_err() && plugin.rise(&me, until == idle_at) {
                    return;
                }
            }
            Step::Leave => return,
        }
    }
}

impl Next {
    /// The delivery is through.
    pub(super) const DONE: Self = Self::On { is_fault: false };
    /// The delivery failed for good.
    pub(super) const FAILED: Self = Self::On { is_fault: true };
}
