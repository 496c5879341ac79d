//! An upgrade that is cut off: the next start makes it.

use std::collections::HashSet;

use super::machine::Recorded;
use super::open;
use super::reopen::{make_version_1, names};
use super::tape::Left;
use crate::journal::conformance::make::{deliver, keep, timer, turn};
use crate::journal::sqlite::{Durability, SqliteConfig, SqliteJournal};
use crate::journal::{Journal as _, TimerChange, Turn};

/// What the journal holds that is brought up.
async fn held(journal: &SqliteJournal) -> (Vec<String>, Vec<String>) {
    let waiting = journal.pending_deliveries(0, 9).await.expect("listed");
    let timers = journal.due_timers(10, None, 9, 9).await.expect("listed");
    (
        waiting.iter().map(|it| it.event.id.clone()).collect(),
        timers.iter().map(|it| it.key.name.to_string()).collect(),
    )
}

#[tokio::test]
async fn an_upgrade_that_is_cut_off_at_any_point_is_made_by_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let done = deliver(&journal, "done").await;
    let set = Turn {
        timers: vec![TimerChange::Set(timer("t", 10, "x"))],
        ..turn(&done)
    };
    keep(&journal, set).await;
    deliver(&journal, "waits").await;
    journal.close().await.expect("closed");
    let wanted = names(folder.path());
    make_version_1(folder.path());
    assert_ne!(names(folder.path()), wanted);

    let store = Recorded::open(folder, Durability::Power);
    let whole = held(&store.journal).await;
    assert_eq!((whole.0.len(), whole.1.len()), (1, 1));
    let mut known = HashSet::new();
    let mut copies = HashSet::new();
    for left in [Left::All, Left::Synced, Left::TheLatest] {
        for done in 0..=store.tape.len() {
            if !known.insert(store.tape.after(done, left)) {
                continue;
            }
            let folder = store.crashed(done, left);
            // Nobody waits for this one's disk.
            let config = SqliteConfig {
                durability: Durability::Process,
                ..SqliteConfig::default()
            };
            let journal = SqliteJournal::open(folder.path(), config).expect("opened");
            assert_eq!(held(&journal).await, whole, "{left:?} after {done}");
            journal.close().await.expect("closed");
            assert_eq!(names(folder.path()), wanted, "{left:?} after {done}");
            let version = |version: &u32| {
                let copy = format!("journal.sqlite.v{version}");
                folder.path().join(copy).exists()
            };
            copies.insert((1..=3).find(version));
        }
    }
    // It was cut off before each of its steps, and behind the last one.
    assert_eq!(copies, [Some(1), Some(2), Some(3), None].into());
}
