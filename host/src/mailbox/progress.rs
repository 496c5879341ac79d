//! How far a bot is on its platform, over restarts: when the last event was that it has, and since when
//! it has to read back what was said.

use std::path::PathBuf;

use parking_lot::Mutex;

use crate::model::Timestamp;

/// The time of the last event.
const LAST: &str = "last-event";
/// Since when what was said has to be read back; is there only until that is done.
const GAP: &str = "not-read-back";
/// How much later the next event must be before it is written down again: what is read twice is known.
const STEP_MS: u64 = 1_000;

/// What is kept.
#[derive(Debug)]
pub struct Progress {
    folder: Option<PathBuf>,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    last: Option<Timestamp>,
    written: Timestamp,
    gap: Option<Timestamp>,
}

impl Progress {
    /// Reads what the last run has left in the bot's folder; without one nothing outlasts the process.
    pub fn new(folder: Option<PathBuf>) -> Self {
        let read = |name: &str| {
            let file = folder.as_ref()?.join(name);
            // Without the file there is nothing yet, and nothing is known of one that is damaged.
            let text = std::fs::read_to_string(file).ok()?;
            text.trim().parse().ok()
        };
        let kept = Kept {
            last: read(LAST),
            written: 0,
            gap: read(GAP),
        };
        Self {
            kept: Mutex::new(kept),
            folder,
        }
    }

    /// Notes that the bot hears from now on, where it has never heard anything.
    pub fn begin(&self, now: Timestamp) {
        let mut kept = self.kept.lock();
        if kept.last.is_none() {
            kept.last = Some(now);
            self.write(LAST, now);
        }
    }

    /// Notes that the journal has an event of that time, with everything before it; 0 is nothing new.
    pub fn reached(&self, at: Timestamp) {
        let mut kept = self.kept.lock();
        if at == 0 || kept.last.is_some_and(|last| last >= at) {
            return;
        }
        kept.last = Some(at);
        if at >= kept.written + STEP_MS {
            kept.written = at;
            self.write(LAST, at);
        }
    }

    /// The time of the last event that the journal has; none where there was none yet.
    pub fn last(&self) -> Option<Timestamp> {
        self.kept.lock().last
    }

    /// Since when what was said has to be read back.
    pub fn gap(&self) -> Option<Timestamp> {
        self.kept.lock().gap
    }

    /// Notes that what was said since then, or since the last event, has to be read back. One that is
    /// open already began earlier.
    pub fn open_gap(&self, since: Option<Timestamp>) {
        let mut kept = self.kept.lock();
        if let (None, Some(since)) = (kept.gap, since.or(kept.last)) {
            kept.gap = Some(since);
            self.write(GAP, since);
        }
    }

    /// Notes that everything was read back.
    pub fn close_gap(&self) {
        self.kept.lock().gap = None;
        let Some(folder) = &self.folder else {
            return;
        };
        // Where it stays, what was read back is read once more, and known.
        if let Err(error) = std::fs::remove_file(folder.join(GAP)) {
            tracing::warn!(%error, "the mark of a gap is not taken away");
        }
    }

    /// A few bytes beside a few, in whose place they come then: killed in between it is one of both.
    fn write(&self, name: &str, at: Timestamp) {
        let Some(folder) = &self.folder else {
            return;
        };
        let new = folder.join(format!("{name}.new"));
        let written = std::fs::write(&new, at.to_string());
        if let Err(error) = written.and_then(|()| std::fs::rename(&new, folder.join(name))) {
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
        let progress = || Progress::new(Some(folder.path().to_owned()));
        let first = progress();
        first.open_gap(None);
        assert_eq!(first.gap(), None, "who never heard anything missed nothing");
        first.begin(5_000);
        first.begin(9_000);
        first.open_gap(None);
        first.reached(8_000);
        first.open_gap(None);
        assert_eq!(first.gap(), Some(5_000));
        let second = progress();
        assert_eq!(second.gap(), Some(5_000));
        second.close_gap();
        let third = progress();
        assert_eq!(third.gap(), None);
        third.open_gap(None);
        assert_eq!(third.gap(), Some(8_000));
    }

    #[test]
    fn a_gap_stays_where_it_began_until_it_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let progress = || Progress::new(Some(folder.path().to_owned()));
        let first = progress();
        first.open_gap(None);
        assert_eq!(first.gap(), None, "who never heard anything missed nothing");
        first.reached(5_000);
        first.open_gap(None);
        first.reached(9_000);
        first.open_gap(Some(8_000));
        assert_eq!(progress().gap(), Some(5_000));
        first.close_gap();
        first.open_gap(Some(8_000));
        assert_eq!(progress().gap(), Some(8_000));
        first.close_gap();
        let second = progress();
        second.open_gap(None);
        assert_eq!(second.gap(), Some(9_000), "the last event is kept too");
    }
}
