//! How far the bot is on its platform, over restarts.

use std::path::PathBuf;

use parking_lot::Mutex;

use crate::model::Timestamp;

/// The time of the last event.
const LAST: &str = "last-event";
/// How much later the next event must be before it is written down again: what is read twice is known.
const STEP_MS: u64 = 1_000;

/// What is kept.
pub(super) struct Marks {
    folder: Option<PathBuf>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    last: Option<Timestamp>,
    written: Timestamp,
}

impl Marks {
    /// Reads what the last run has left.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        let read = || {
            let file = folder.as_ref()?.join(LAST);
            // Without the file there is nothing yet, and nothing is known of one that is damaged.
            let text = std::fs::read_to_string(file).ok()?;
            text.trim().parse().ok()
        };
        let last = read();
        Self {
            kept: Mutex::new(Kept { last, written: 0 }),
            folder,
        }
    }

    /// When the last event was; none before the first run.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.kept.lock().last
    }

    /// Notes that the journal has an event of that time; 0 is nothing new.
    pub(super) fn reached(&self, at: Timestamp) {
        let mut kept = self.kept.lock();
        if at == 0 || kept.last.is_some_and(|last| last >= at) {
            return;
        }
        kept.last = Some(at);
        if at < kept.written + STEP_MS {
            return;
        }
        kept.written = at;
        let Some(folder) = &self.folder else {
            return;
        };
        // A few bytes in place of a few: where that fails, a gap is read from further back.
        if let Err(error) = std::fs::write(folder.join(LAST), at.to_string()) {
            tracing::warn!(%error, "how far the bot is, is not written down");
        }
    }
}
