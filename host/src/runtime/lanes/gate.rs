//! Holds all lanes while the journal takes no writes, and asks it now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Shared, settle};
use crate::journal::{JournalError, JournalResult};

/// The first wait before the journal is asked again.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// The journal's value that is written to see whether it takes writes.
const PROBE: &str = "lanes.probe";

/// Whether the journal takes writes, as far as the lanes know.
#[derive(Default)]
pub(super) struct Gate {
    is_closed: AtomicBool,
    reason: Mutex<Option<String>>,
    closed: Notify,
    opened: Notify,
}

impl Gate {
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Says why nothing runs.
    pub(super) fn reason(&self) -> Option<String> {
        self.reason.lock().clone()
    }

    pub(super) fn close(&self, error: &JournalError) {
        *self.reason.lock() = Some(error.to_string());
        if !self.is_closed.swap(true, Ordering::AcqRel) {
            tracing::warn!(%error, "journal takes no writes, lanes wait");
        }
        self.closed.notify_one();
    }

    fn open(&self) {
        *self.reason.lock() = None;
        self.is_closed.store(false, Ordering::Release);
        tracing::info!("journal takes writes again, lanes go on");
        self.opened.notify_waiters();
    }

    /// Waits until the journal takes writes.
    pub(super) async fn wait_open(&self) {
        loop {
            let opened = self.opened.notified();
            if !self.is_closed() {
                return;
            }
            opened.await;
        }
    }
}

/// Asks the journal while the gate is closed, and opens it.
pub(super) async fn run(shared: Arc<Shared>) {
    while shared
        .cancel
        .run_until_cancelled(shared.gate.closed.notified())
        .await
        .is_some()
    {
        if !shared.gate.is_closed() {
            continue;
        }
        let reopen = reopen(&shared);
        if shared.cancel.run_until_cancelled(reopen).await.is_none() {
            return;
        }
    }
}

async fn reopen(shared: &Shared) {
    let mut wait = FIRST_WAIT;
    loop {
        tokio::time::sleep(wait).await;
        match probe(shared).await {
            // What was lost must be back in its lane before any lane goes on.
            Ok(()) => {
                settle::catch_up(shared).await;
                shared.gate.open();
                return;
            }
            Err(error) => *shared.gate.reason.lock() = Some(error.to_string()),
        }
        wait = (wait * 2).min(MAX_WAIT);
    }
}

/// Writes a value of no meaning, to see whether the journal takes writes.
pub(super) async fn probe(shared: &Shared) -> JournalResult<()> {
    let written = shared.parts.journal.set_host_value(PROBE, "").await?;
    written.durable.wait().await
}
