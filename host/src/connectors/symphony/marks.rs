//! How far the bot is on its platform, over restarts: the feed it reads, the last event it has, and
//! from when on something was missed that is not read back yet.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::session::Feed;

/// The file of the last event.
const FILE: &str = "last-event";
/// The file of what was missed; there while something is.
const MISSED_FILE: &str = "missed-since";
/// How much later the next event must be before it is written down again: what is read twice is known.
const STEP_MS: u64 = 1_000;

/// What is kept.
#[derive(Debug)]
pub(super) struct Marks {
    file: Option<PathBuf>,
    missed_file: Option<PathBuf>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    feed: Option<Feed>,
    last_event: Option<u64>,
    /// From when on messages were missed.
    missed: Option<u64>,
    written: u64,
    /// Batches that the journal has.
    batches: u64,
}

impl Marks {
    /// Reads what the last run has left.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        let file = folder.as_ref().map(|folder| folder.join(FILE));
        let missed_file = folder.map(|folder| folder.join(MISSED_FILE));
        Self {
            kept: Mutex::new(Kept {
                last_event: read(file.as_deref()),
                missed: read(missed_file.as_deref()),
                ..Kept::default()
            }),
            file,
            missed_file,
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

    /// From when on messages were missed and not read back yet.
    pub(super) fn missed_since(&self) -> Option<u64> {
        self.kept.lock().missed
    }

    /// Notes that there is no feed any more: what was said since the last event is missed until
    /// [`Marks::caught_up`], over restarts too. A bot that begins to hear has missed nothing.
    pub(super) fn has_no_feed(&self, now: u64) {
        let mut kept = self.kept.lock();
        if kept.missed.is_some() {
            return;
        }
        match kept.last_event {
            Some(last) => {
                kept.missed = Some(last);
                write(self.missed_file.as_deref(), last);
            }
            None => {
                kept.last_event = Some(now);
                kept.written = now;
                write(self.file.as_deref(), now);
            }
        }
    }

    /// Notes that the journal has what was missed.
    pub(super) fn caught_up(&self) {
        self.kept.lock().missed = None;
        let Some(file) = &self.missed_file else {
            return;
        };
        // Where that fails, it is read once more at the next start: what is read twice is known.
        if let Err(error) = std::fs::remove_file(file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(file = %file.display(), %error, "mark is not removed");
        }
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
        write(self.file.as_deref(), at);
    }
}

fn read(file: Option<&Path>) -> Option<u64> {
    let text = std::fs::read_to_string(file?).ok()?;
    text.trim().parse().ok()
}

/// Writes a moment down: a few bytes in place of a few. Where that fails, a gap is read from further
/// back.
fn write(file: Option<&Path>, at: u64) {
    let Some(file) = file else {
        return;
    };
    if let Err(error) = std::fs::write(file, at.to_string()) {
        tracing::warn!(file = %file.display(), %error, "mark is not written down");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(folder: &tempfile::TempDir) -> Marks {
        Marks::new(Some(folder.path().to_owned()))
    }

    #[test]
    fn what_was_missed_is_known_until_it_is_read_back_however_often_the_bot_starts() {
        let folder = tempfile::tempdir().unwrap();
        let first = marks(&folder);
        first.reached(5_000);
        first.has_no_feed(9_000);
        // What the new feed brings meanwhile does not end the gap.
        first.reached(8_000);
        drop(first);

        let second = marks(&folder);
        assert_eq!(second.missed_since(), Some(5_000));
        second.has_no_feed(20_000);
        assert_eq!(second.missed_since(), Some(5_000));
        second.caught_up();
        assert_eq!(marks(&folder).missed_since(), None);
    }

    #[test]
    fn a_bot_that_never_heard_anything_has_missed_nothing_before_its_first_feed() {
        let folder = tempfile::tempdir().unwrap();
        let first = marks(&folder);
        first.has_no_feed(7_000);
        assert_eq!(first.missed_since(), None);
        drop(first);

        let second = marks(&folder);
        second.has_no_feed(9_000);
        assert_eq!(second.missed_since(), Some(7_000));
    }
}
