//! What the journal was before it was brought to a new version: copies beside it, which hold what people said as
//! the journal does, and so are kept no longer.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::{JOURNAL_FILE, SqliteJournal};
use crate::journal::{JournalError, JournalResult};
use crate::model::Timestamp;

/// What stands between the journal's name and the version that a copy is of.
pub(super) const VERSION: &str = ".v";

impl SqliteJournal {
    /// Removes copies in which nothing is left that is still kept; gives back how many.
    pub(super) async fn drop_old_copies(&self, now: Timestamp) -> JournalResult<u64> {
        let keep = self.keep.lock().finished;
        self.drop_copies(Some(now.saturating_sub(keep))).await
    }

    /// Removes copies, all of them or those of a moment or before; gives back how many.
    pub(super) async fn drop_copies(&self, until: Option<Timestamp>) -> JournalResult<u64> {
        let path = self.path.clone();
        let dropped = tokio::task::spawn_blocking(move || drop_copies(&path, until)).await;
        dropped.map_err(|_| JournalError::Closed)?
    }
}

fn drop_copies(journal: &Path, until: Option<Timestamp>) -> JournalResult<u64> {
    let failed = |path: &Path, error: &std::io::Error| {
        JournalError::Failed(format!("{}: {error}", path.display()))
    };
    let folder = journal.parent().unwrap_or(Path::new("."));
    let mut dropped = 0;
    for entry in std::fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
        let entry = entry.map_err(|error| failed(folder, &error))?;
        if !is_copy(&entry.file_name()) {
            continue;
        }
        let path: PathBuf = entry.path();
        let drop = || {
            if let Some(until) = until {
                let changed = entry.metadata()?.modified()?;
                let changed = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
                if changed.as_millis() > u128::from(until) {
                    return Ok(0);
                }
            }
            std::fs::remove_file(&path).map(|()| 1)
        };
        dropped += drop().map_err(|error| failed(&path, &error))?;
    }
    if dropped > 0 {
        tracing::info!(
            dropped,
            "copies of the journal from before an upgrade are gone"
        );
    }
    Ok(dropped)
}

/// Tells whether a file is a copy, whole or not, or what SQLite left beside one.
fn is_copy(name: &OsStr) -> bool {
    let version = name.to_str().and_then(|name| {
        let rest = name.strip_prefix(JOURNAL_FILE)?;
        rest.strip_prefix(VERSION)
    });
    version.is_some_and(|version| {
        let digits = version.trim_start_matches(|c: char| c.is_ascii_digit());
        digits.len() < version.len() && (digits.is_empty() || digits.starts_with('-'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_known_by_its_name() {
        for name in [
            "journal.sqlite.v1",
            "journal.sqlite.v12",
            "journal.sqlite.v1-wal",
        ] {
            assert!(is_copy(OsStr::new(name)), "{name}");
        }
        for name in [
            "journal.sqlite",
            "journal.sqlite-wal",
            "journal.sqlite.v",
            "journal.sqlite.v1.kept",
            "journal.sqlite.vault",
            "other.sqlite.v1",
        ] {
            assert!(!is_copy(OsStr::new(name)), "{name}");
        }
    }
}
