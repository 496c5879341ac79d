//! Received files, kept for a moment: plugins read them piece by piece, and the platform gives them
//! in whole only.

use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;

use super::SymphonyConnector;
use super::send::FILES_BYTES;
use crate::mailbox::SendError;

/// How long a file is kept that nobody reads further.
const KEPT: Duration = Duration::from_secs(30);

/// The file that was read last, of the size that a message may have.
#[derive(Debug, Default)]
pub(super) struct Files(Mutex<Option<Kept>>);

#[derive(Debug)]
struct Kept {
    id: String,
    bytes: Bytes,
    read: Instant,
}

impl Files {
    /// Lets go of a file that nobody has read for a while.
    pub(super) fn drop_old(&self) {
        let mut kept = self.0.lock();
        if kept.as_ref().is_some_and(|it| it.read.elapsed() >= KEPT) {
            *kept = None;
        }
    }

    fn find(&self, id: &str) -> Option<Bytes> {
        let mut kept = self.0.lock();
        let found = kept.as_mut().filter(|it| it.id == id)?;
        found.read = Instant::now();
        Some(found.bytes.clone())
    }

    fn keep(&self, id: &str, bytes: &Bytes) {
        *self.0.lock() = Some(Kept {
            id: id.to_owned(),
            bytes: bytes.clone(),
            read: Instant::now(),
        });
    }
}

impl SymphonyConnector {
    /// A received file, for one who reads it in pieces.
    pub(super) async fn file(&self, id: &str) -> Result<Bytes, SendError> {
        if let Some(bytes) = self.files.find(id) {
            return Ok(bytes);
        }
        let bytes = self.received(id, FILES_BYTES).await?;
        self.files.keep(id, &bytes);
        Ok(bytes)
    }
}
