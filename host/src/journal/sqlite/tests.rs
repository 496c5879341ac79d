//! The suite over SQLite, and what only a store on disk can show.

mod copies;
mod crash;
mod crash_points;
mod disk;
mod files;
mod machine;
mod overflow;
mod past;
mod recorded;
mod reopen;
mod room;
mod tape;
mod upgrade;

use std::path::Path;
use std::sync::Arc;

use super::{Durability, SqliteConfig, SqliteJournal};
use crate::journal::conformance::{Store, store_conformance};

fn open(folder: &Path) -> SqliteJournal {
    SqliteJournal::open(folder, SqliteConfig::default()).expect("opened")
}

fn store(durability: Durability) -> Store {
    let folder = tempfile::tempdir().expect("a folder");
    let config = SqliteConfig {
        durability,
        ..SqliteConfig::default()
    };
    let journal = SqliteJournal::open(folder.path(), config).expect("opened");
    Store {
        journal: Arc::new(journal),
        folder: Some(folder),
    }
}

store_conformance!(power, super::store(super::Durability::Power));
store_conformance!(process, super::store(super::Durability::Process));
