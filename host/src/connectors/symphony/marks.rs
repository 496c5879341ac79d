//! How far the bot is on its platform, over restarts: the feed it reads, the last event it has, and
//! since when it has to read back.

use std::path::PathBuf;

use parking_lot::Mutex;

use super::session::Feed;
use crate::model::Timestamp;

/// The time of the last event.
const LAST: &str = "last-event";
/// Since when what was said has to be read back; is there only until that is done.
const GAP: &str = "not-read-back";
/// How much later the next event must be before it is written down again: what is read twice is known.
const STEP_MS: u64 = 1_000;

/// What is kept.
#[derive(Debug)]
pub(super) struct Marks {
    folder: Option<PathBuf>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    feed: Option<Feed>,
    last_event: Option<Timestamp>,
    written: Timestamp,
    gap: Option<Timestamp>,
    /// Batches that the journal has.
    batches: u64,
    /// The first session of this run has begun.
    has_begun: bool,
}

impl Marks {
    /// Reads what the last run has left.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        let read = |name: &str| {
            let file = folder.as_ref()?.join(name);
            // Without the file there is nothing yet, and nothing else is known of one that is damaged.
            let text = std::fs::read_to_string(file).ok()?;
            text.trim().parse().ok()
        };
        let kept = Kept {
            last_event: read(LAST),
            gap: read(GAP),
            ..Kept::default()
        };
        Self {
            folder,
            kept: Mutex::new(kept),
        }
    }

    /// The feed of this run that is read on.
    pub(super) fn feed(&self) -> Option<Feed> {
        self.kept.lock().feed.clone()
    }

    /// Tells the first session of this run from those after it.
    pub(super) fn is_first(&self) -> bool {
        !std::mem::replace(&mut self.kept.lock().has_begun, true)
    }

    /// Keeps the feed for the next session of this run.
    pub(super) fn keep(&self, feed: Option<Feed>) {
        self.kept.lock().feed = feed;
    }

    /// Batches that the journal has.
    pub(super) fn batches(&self) -> u64 {
        self.kept.lock().batches
    }

    /// Notes that the journal has a batch, with everything up to there; 0 is nothing new.
    pub(super) fn reached(&self, at: Timestamp) {
        let mut kept = self.kept.lock();
        kept.batches += 1;
        if kept.last_event.is_some_and(|last| last >= at) || at == 0 {
            return;
        }
        kept.last_event = Some(at);
        if at >= kept.written + STEP_MS {
            kept.written = at;
            self.write(LAST, at);
        }
    }

    /// Notes that the bot hears from now on, where it has never heard anything.
    pub(super) fn begin(&self, now: Timestamp) {
        let mut kept = self.kept.lock();
        if kept.last_event.is_none() {
            kept.last_event = Some(now);
            self.write(LAST, now);
        }
    }

    /// Since when what was said has to be read back.
    pub(super) fn gap(&self) -> Option<Timestamp> {
        self.kept.lock().gap
    }

    /// Notes that what was said since the last event has to be read back. One that is open already
    /// began earlier.
    pub(super) fn open_gap(&self) {
        let mut kept = self.kept.lock();
        if let (None, Some(last)) = (kept.gap, kept.last_event) {
            kept.gap = Some(last);
            self.write(GAP, last);
        }
    }

    /// Notes that everything was read back.
    pub(super) fn close_gap(&self) {
        self.kept.lock().gap = None;
        let Some(folder) = &self.folder else {
            return;
        };
        // Where it stays, what was read back is read once more, and known.
        if let Err(error) = std::fs::remove_file(folder.join(GAP)) {
            tracing::warn!(%error, "the mark of a gap is not taken away");
        }
    }

    fn write(&self, name: &str, at: Timestamp) {
        let Some(folder) = &self.folder else {
            return;
        };
        // A few bytes in place of a few: where that fails, a gap is read from further back.
        if let Err(error) = std::fs::write(folder.join(name), at.to_string()) {
            tracing::warn!(name, %error, "how far the bot is, is not written down");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_kept_over_restarts_until_it_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let marks = || Marks::new(Some(folder.path().to_owned()));
        let first = marks();
        first.open_gap();
        assert_eq!(first.gap(), None, "who never heard anything missed nothing");
        first.begin(5_000);
        first.begin(9_000);
        first.open_gap();
        first.reached(8_000);
        first.open_gap();
        assert_eq!(first.gap(), Some(5_000));
        let second = marks();
        assert_eq!(second.gap(), Some(5_000));
        second.close_gap();
        let third = marks();
        assert_eq!(third.gap(), None);
        third.open_gap();
        assert_eq!(third.gap(), Some(8_000));
    }
}
