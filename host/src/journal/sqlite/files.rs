//! The files beside the database, reached off the async workers.

use std::sync::Arc;

use super::{SqliteJournal, read};
use crate::journal::blobs::Blobs;
use crate::journal::{HeldFile, JournalError, JournalResult};

impl SqliteJournal {
    pub(super) async fn put_file(&self, bytes: &[u8]) -> JournalResult<HeldFile> {
        let bytes = bytes.to_vec();
        self.with_files(move |files| files.put(&bytes)).await
    }

    pub(super) async fn get_file(&self, sha256: &str) -> JournalResult<Vec<u8>> {
        let sha256 = sha256.to_owned();
        self.with_files(move |files| files.get(&sha256)).await
    }

    /// Removes files that nothing names any more.
    pub(super) async fn sweep_files(&self) -> JournalResult<()> {
        let sweep = self.files.begin_sweep();
        let named = self.query_rows(read::named_files).await?;
        self.with_files(move |_| sweep.remove_all_but(&named)).await
    }

    async fn with_files<T, F>(&self, act: F) -> JournalResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Blobs) -> JournalResult<T> + Send + 'static,
    {
        let files = Arc::clone(&self.files);
        let done = tokio::task::spawn_blocking(move || act(&files)).await;
        done.map_err(|_| JournalError::Closed)?
    }
}
