//! SQLite's errors as the journal's.

use rusqlite::ErrorCode;

use crate::journal::JournalError;

/// Why the writer stopped at a command.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is the command's own fault; nothing of it was written.
    Own(JournalError),
    /// The store failed, and the batch with it.
    Batch(rusqlite::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Batch(error)
    }
}

/// Translates an error of SQLite.
pub(super) fn journal_error(error: &rusqlite::Error) -> JournalError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => JournalError::Full(error.to_string()),
        _ => JournalError::Failed(error.to_string()),
    }
}

/// Says that a stored text could not be read back.
pub(super) fn unreadable(what: &str, error: &serde_json::Error) -> JournalError {
    // serde's message may quote what it found, and events hold messages of people.
    JournalError::Failed(format!(
        "{what} in the journal cannot be read: {:?} error at column {}",
        error.classify(),
        error.column()
    ))
}
