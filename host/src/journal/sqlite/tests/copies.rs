//! Copies from before an upgrade hold what people said: they go with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::open;
use super::past::is_in_files;
use crate::journal::conformance::make::{PLUGIN, TENANT, accept, arrival, message};
use crate::journal::shared::{KEEP_FINISHED_MS, now};
use crate::journal::sqlite::{JOURNAL_FILE, SqliteJournal};
use crate::journal::{EventQuery, Journal as _};

const MINUTE_MS: u64 = 60 * 1_000;
const SAID: &str = "hush-said";

/// A journal in which somebody said something, brought up from the version before.
async fn brought_up(folder: &Path) -> SqliteJournal {
    let journal = open(folder);
    let mut said = arrival("said", &[PLUGIN]);
    Arc::make_mut(&mut said.event).payload = message(SAID);
    accept(&journal, said).await;
    journal.close().await.expect("closed");
    {
        let path = folder.join(JOURNAL_FILE);
        let connection = rusqlite::Connection::open(path).expect("opened");
        let sql = "ALTER TABLE deliveries DROP COLUMN timers;
            UPDATE meta SET value = 3 WHERE name = 'schema';";
        connection.execute_batch(sql).expect("made older");
    }
    let journal = open(folder);
    assert!(copy_in(folder).exists());
    journal
}

fn copy_in(folder: &Path) -> PathBuf {
    folder.join(format!("{JOURNAL_FILE}.v3"))
}

#[tokio::test]
async fn a_copy_goes_when_what_it_holds_is_kept_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = brought_up(folder.path()).await;
    let old = now() + KEEP_FINISHED_MS;
    journal.prune(old - MINUTE_MS).await.expect("pruned");
    assert!(copy_in(folder.path()).exists());
    journal.prune(old + MINUTE_MS).await.expect("pruned");
    assert!(!copy_in(folder.path()).exists());
    // What waits is kept however old it is.
    let query = EventQuery {
        limit: 9,
        ..EventQuery::default()
    };
    assert_eq!(journal.events(query).await.expect("read").len(), 1);
}

#[tokio::test]
async fn a_copy_goes_with_a_person_who_is_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = brought_up(folder.path()).await;
    assert!(is_in_files(folder.path(), SAID));
    let forgot = journal.forget(TENANT, "u1").await.expect("forgotten");
    assert_eq!((forgot.events, forgot.copies), (1, 1));
    assert!(!is_in_files(folder.path(), SAID));
    let again = journal.forget(TENANT, "u1").await.expect("forgotten");
    assert_eq!(again.copies, 0);
}
