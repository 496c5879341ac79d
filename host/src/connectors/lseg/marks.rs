//! When the bot heard its platform last, over restarts. What was said between then and now is gone.

use std::path::PathBuf;

use parking_lot::Mutex;

use super::files::{read_private, write_private};
use crate::model::Timestamp;

/// The file.
const LAST: &str = "last-heard";

/// What is kept.
pub(super) struct Marks {
    file: Option<PathBuf>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The file was read: until then the session before may write it still.
    is_read: bool,
    last: Option<Timestamp>,
    /// It hears now.
    is_hearing: bool,
    /// Times when it did not, since the start of the host.
    gaps: u64,
    /// Events that the journal has.
    taken: u64,
}

impl Marks {
    /// Knows what the last run has left, once the bot hears again.
    pub(super) fn new(folder: Option<&PathBuf>) -> Self {
        Self {
            file: folder.map(|folder| folder.join(LAST)),
            kept: Mutex::default(),
        }
    }

    fn read(&self) -> Option<Timestamp> {
        let file = self.file.as_ref()?;
        // Without the file, or with one that is damaged, nothing is known of a gap.
        let bytes = read_private(file).ok()??;
        std::str::from_utf8(&bytes).ok()?.trim().parse().ok()
    }

    /// Notes that the bot hears from now on; since when it did not.
    pub(super) fn begin(&self, now: Timestamp) -> Option<Timestamp> {
        let mut kept = self.kept.lock();
        if !std::mem::replace(&mut kept.is_read, true) {
            kept.last = self.read();
        }
        let has_heard = std::mem::replace(&mut kept.is_hearing, true);
        let last = kept.last.replace(now);
        self.write(now);
        // However short it was: what was said then is gone.
        let since = last.filter(|_| !has_heard);
        kept.gaps += u64::from(since.is_some());
        since
    }

    /// Notes that it hears still.
    pub(super) fn heard(&self, now: Timestamp) {
        let mut kept = self.kept.lock();
        if kept.is_hearing {
            kept.last = Some(now);
            self.write(now);
        }
    }

    /// Notes that it hears no more, since then: that may have been noticed later.
    pub(super) fn gone(&self, since: Timestamp) {
        self.heard(since);
        self.kept.lock().is_hearing = false;
    }

    /// Times when it did not hear, since the start of the host.
    pub(super) fn gaps(&self) -> u64 {
        self.kept.lock().gaps
    }

    /// Notes that the journal has so many more events.
    pub(super) fn taken(&self, count: usize) {
        self.kept.lock().taken += count as u64;
    }

    /// Events that the journal has.
    pub(super) fn events(&self) -> u64 {
        self.kept.lock().taken
    }

    fn write(&self, at: Timestamp) {
        let Some(file) = &self.file else {
            return;
        };
        if let Err(error) = write_private(file, at.to_string().as_bytes()) {
            tracing::warn!(file = %file.display(), %error, "when the stream was heard last is not written down");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_from_what_was_heard_last_also_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let marks = Marks::new(Some(&path));
        assert_eq!(
            marks.begin(10_000),
            None,
            "who never heard anything missed nothing"
        );
        marks.heard(20_000);
        marks.gone(25_000);
        marks.gone(29_000);
        assert_eq!(marks.begin(30_000), Some(25_000));
        assert_eq!(marks.begin(30_200), None, "it hears already");
        assert_eq!(marks.begin(30_500), None);
        assert_eq!(marks.gaps(), 1);
        let marks = Marks::new(Some(&path));
        marks.heard(70_000);
        assert_eq!(marks.begin(90_000), Some(30_500));
    }
}
