//! What outlasts a session and not the process: the feed that is read on.

use parking_lot::Mutex;

use super::session::Feed;

/// What is kept.
#[derive(Debug, Default)]
pub(super) struct Marks(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    feed: Option<Feed>,
    /// Batches that the journal has.
    batches: u64,
    /// The first session of this run has begun.
    has_begun: bool,
}

impl Marks {
    /// The feed of this run that is read on.
    pub(super) fn feed(&self) -> Option<Feed> {
        self.0.lock().feed.clone()
    }

    /// Tells the first session of this run from those after it.
    pub(super) fn is_first(&self) -> bool {
        !std::mem::replace(&mut self.0.lock().has_begun, true)
    }

    /// Keeps the feed for the next session of this run.
    pub(super) fn keep(&self, feed: Option<Feed>) {
        self.0.lock().feed = feed;
    }

    /// Batches that the journal has.
    pub(super) fn batches(&self) -> u64 {
        self.0.lock().batches
    }

    /// Notes that the journal has one more.
    pub(super) fn taken(&self) {
        self.0.lock().batches += 1;
    }
}
