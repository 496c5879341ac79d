//! How far the bot is on its platform, over restarts: the feed it reads and the last event it has.

use std::path::PathBuf;

use parking_lot::Mutex;

use super::session::Feed;

/// The file's name.
const FILE: &str = "last-event";
/// How much later the next event must be before it is written down again: what is read twice is known.
const STEP_MS: u64 = 1_000;

/// What is kept.
#[derive(Debug)]
pub(super) struct Marks {
    file: Option<PathBuf>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    feed: Option<Feed>,
    last_event: Option<u64>,
    written: u64,
    /// Batches that the journal has.
    batches: u64,
}

impl Marks {
    /// Reads what the last run has left.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        let file = folder.map(|folder| folder.join(FILE));
        let text = file
            .as_ref()
            .and_then(|file| std::fs::read_to_string(file).ok());
        let last_event = text.and_then(|text| text.trim().parse().ok());
        Self {
            file,
            kept: Mutex::new(Kept {
                last_event,
                ..Kept::default()
            }),
        }
    }

    /// The feed of this run that is read on.
    pub(super) fn feed(&self) -> Option<Feed> {
        self.kept.lock().feed.clone()
    }

    /// Keeps the feed for the next session of this run.
    pub(super) fn keep(&self, feed: Option<Feed>) {
        self.kept.lock().feed = feed;
    }

    /// The time of the last event that the journal has.
    pub(super) fn last_event(&self) -> Option<u64> {
        self.kept.lock().last_event
    }

    /// Batches that the journal has.
    pub(super) fn batches(&self) -> u64 {
        self.kept.lock().batches
    }

    /// Notes that the journal has everything up to there; 0 is nothing new.
    pub(super) fn reached(&self, at: u64) {
        let mut kept = self.kept.lock();
        kept.batches += 1;
        if kept.last_event.is_some_and(|last| last >= at) || at == 0 {
            return;
        }
        kept.last_event = Some(at);
        if at < kept.written + STEP_MS {
            return;
        }
        kept.written = at;
        let Some(file) = &self.file else {
            return;
        };
        // A few bytes in place of a few: where that fails, a gap is read from further back.
        if let Err(error) = std::fs::write(file, at.to_string()) {
            tracing::warn!(file = %file.display(), %error, "last event is not written down");
        }
    }
}
