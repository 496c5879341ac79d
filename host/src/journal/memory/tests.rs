//! The suite over the store in memory.

use std::sync::Arc;

use super::MemoryJournal;
use crate::journal::conformance::{Store, store_conformance};

fn store() -> Store {
    Store {
        journal: Arc::new(MemoryJournal::new()),
        folder: None,
    }
}

store_conformance!(conformance, super::store());
