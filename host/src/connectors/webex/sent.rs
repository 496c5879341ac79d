//! Which message a part became: known the moment Webex says so, before the journal is told. It shortens
//! the doubt after a kill to requests that were under way, and keeps equal texts apart.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::journal::Part;

/// The file, and the one before it.
const NAMES: [&str; 2] = ["sent", "sent-before"];
/// Lines of a file.
const LINES: usize = 5_000;

/// The messages of the bot's last parts.
pub(super) struct SentLog(Mutex<Log>);

#[derive(Default)]
struct Log {
    folder: Option<PathBuf>,
    file: Option<File>,
    lines: usize,
    now: HashMap<String, Place>,
    before: HashMap<String, Place>,
}

/// Where a part went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) room: String,
    pub(super) message: String,
}

/// Names a part, the same at every try.
pub(super) fn mark_of(part: &Part) -> String {
    format!("{}/{}/{}", part.tenant, part.delivery, part.number)
}

impl SentLog {
    /// Reads what the last run has left.
    pub(super) fn new(folder: Option<&Path>) -> Self {
        let mut log = Log {
            folder: folder.map(Path::to_owned),
            ..Log::default()
        };
        if let Some(folder) = folder {
            log.now = read(&folder.join(NAMES[0]));
            log.before = read(&folder.join(NAMES[1]));
            log.lines = log.now.len();
        }
        Self(Mutex::new(log))
    }

    /// Notes what a part became.
    pub(super) fn note(&self, mark: &str, place: &Place) {
        let mut log = self.0.lock();
        if log.lines >= LINES {
            log.turn();
        }
        log.lines += 1;
        log.write(&format!("{mark}\t{}\t{}\n", place.room, place.message));
        log.now.insert(mark.to_owned(), place.clone());
    }

    /// What a part became.
    pub(super) fn find(&self, mark: &str) -> Option<Place> {
        let log = self.0.lock();
        log.now.get(mark).or_else(|| log.before.get(mark)).cloned()
    }

    /// Tells whether a message is another part's.
    pub(super) fn is_of_another(&self, mark: &str, message: &str) -> bool {
        let log = self.0.lock();
        let mut all = log.now.iter().chain(&log.before);
        all.any(|(known, place)| known != mark && place.message == message)
    }
}

impl Log {
    /// Begins a new file; the old one is kept, the one before it goes.
    fn turn(&mut self) {
        self.before = std::mem::take(&mut self.now);
        self.lines = 0;
        self.file = None;
        if let Some(folder) = &self.folder {
            let turned = std::fs::rename(folder.join(NAMES[0]), folder.join(NAMES[1]));
            if let Err(error) = turned {
                tracing::warn!(%error, "the list of sent messages is not begun anew");
            }
        }
    }

    fn write(&mut self, line: &str) {
        let Some(folder) = &self.folder else {
            return;
        };
        if self.file.is_none() {
            let file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(folder.join(NAMES[0]));
            match file {
                Ok(file) => self.file = Some(file),
                Err(error) => tracing::warn!(%error, "sent messages are not written down"),
            }
        }
        // A kill loses nothing that was written; a power failure may, and leaves a doubt as before.
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(line.as_bytes())
        {
            tracing::warn!(%error, "a sent message is not written down");
        }
    }
}

fn read(path: &Path) -> HashMap<String, Place> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let places = text.lines().filter_map(|line| {
        let mut parts = line.split('\t');
        let mark = parts.next()?.to_owned();
        let place = Place {
            room: parts.next()?.to_owned(),
            message: parts.next()?.to_owned(),
        };
        Some((mark, place))
    });
    places.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: usize) -> Place {
        Place {
            room: "R".to_owned(),
            message: format!("M{number}"),
        }
    }

    #[test]
    fn what_a_part_became_is_known_after_a_kill() {
        let folder = tempfile::tempdir().unwrap();
        let log = SentLog::new(Some(folder.path()));
        log.note("t/1/1", &place(1));
        let log = SentLog::new(Some(folder.path()));
        assert_eq!(log.find("t/1/1"), Some(place(1)));
        assert_eq!(log.find("t/1/2"), None);
        assert!(log.is_of_another("t/1/2", "M1") && !log.is_of_another("t/1/1", "M1"));
    }

    #[test]
    fn only_so_many_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let log = SentLog::new(Some(folder.path()));
        for number in 0..LINES * 2 + 1 {
            log.note(&format!("t/1/{number}"), &place(number));
        }
        let log = SentLog::new(Some(folder.path()));
        assert_eq!(log.find("t/1/0"), None);
        let last = LINES * 2;
        assert_eq!(log.find(&format!("t/1/{last}")), Some(place(last)));
        assert_eq!(log.find(&format!("t/1/{LINES}")), Some(place(LINES)));
    }
}
