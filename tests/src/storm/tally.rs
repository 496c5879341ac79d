//! What a faulty platform did, over all lives of its host: a letter for each in one file, which no kill takes away.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// The file in the host's folder.
const FILE: &str = "tally";

/// What a platform did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Did {
    /// It told an event.
    Event,
    /// It told one once more.
    Twice,
    /// It told two events of two conversations in the other order.
    Swapped,
    /// It was asked to send something.
    Send,
    /// It failed to.
    Failed,
    /// Nobody knows whether it did; these failed, too.
    InDoubt,
    /// It took its time.
    Slow,
}

impl Did {
    fn letter(self) -> u8 {
        match self {
            Self::Event => b'e',
            Self::Twice => b't',
            Self::Swapped => b'w',
            Self::Send => b's',
            Self::Failed => b'f',
            Self::InDoubt => b'd',
            Self::Slow => b'l',
        }
    }
}

/// Writes down what a platform does.
#[derive(Debug)]
pub(super) struct Tally(File);

impl Tally {
    pub(super) fn open(folder: &Path) -> std::io::Result<Self> {
        let mut options = File::options();
        let file = options.create(true).append(true).open(folder.join(FILE))?;
        Ok(Self(file))
    }

    pub(super) fn note(&self, did: Did, times: usize) {
        if times == 0 {
            return;
        }
        // Whole, or not at all: a host that is killed leaves no half of it.
        if let Err(error) = (&self.0).write_all(&vec![did.letter(); times]) {
            tracing::error!(%error, ?did, "not counted");
        }
    }
}

/// What was written down.
pub(super) struct Tallied(Vec<u8>);

impl Tallied {
    /// Reads what is in a folder; nothing where no faulty platform was.
    pub(super) fn read(folder: &Path) -> std::io::Result<Option<Self>> {
        match std::fs::read(folder.join(FILE)) {
            Ok(letters) => Ok(Some(Self(letters))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn count(&self, did: Did) -> u64 {
        let letters = self.0.iter().filter(|letter| **letter == did.letter());
        letters.count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_life_did_is_counted_together() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Tallied::read(folder.path()).expect("read").is_none());
        for _ in 0..2 {
            let tally = Tally::open(folder.path()).expect("opened");
            tally.note(Did::Send, 3);
            tally.note(Did::Failed, 1);
            tally.note(Did::Slow, 0);
        }
        let tallied = Tallied::read(folder.path()).expect("read");
        let tallied = tallied.expect("there is one");
        let counts = [Did::Send, Did::Failed, Did::Slow, Did::Event].map(|did| tallied.count(did));
        assert_eq!(counts, [6, 2, 0, 0]);
    }
}
