//! What is too much for a plugin, on disk: counted over restarts, and dropped for want of room.

use std::path::Path;
use std::sync::Arc;

use crate::journal::conformance::make::{
    PLUGIN, accept, arrival, deliver, event, keep, message, turn,
};
use crate::journal::conformance::overflow::{flood, give_up, load, most};
use crate::journal::conformance::past::{all, bury, past};
use crate::journal::conformance::requests::ask;
use crate::journal::sqlite::{SqliteConfig, SqliteJournal};
use crate::journal::{Accepted, Arrival, DeadReason, Journal as _};
use crate::model::delivery::Delivery;

/// Bytes of a journal that is soon full.
const SMALL: u64 = 4 * 1024 * 1024;
/// Bytes of an event that fills it.
const TEXT: usize = 8 * 1024;
/// Such events are more than the journal has room for.
const MANY: u32 = 3_000;
/// So many may wait, which is less than half of its room.
const FEW: u64 = 150;

fn open(folder: &Path, max_bytes: u64) -> SqliteJournal {
    let config = SqliteConfig {
        max_bytes,
        ..SqliteConfig::default()
    };
    SqliteJournal::open(folder, config).expect("opened")
}

fn long(id: &str, plugins: &[&str]) -> Arrival {
    let mut event = event(id);
    event.payload = message(&"x".repeat(TEXT));
    Arrival {
        event: Arc::new(event),
        ..arrival(id, plugins)
    }
}

/// Gives up what is over.
async fn shed(journal: &SqliteJournal) {
    let few = most(FEW, u64::MAX);
    for crowd in journal.crowds(few).await.expect("counted") {
        let over = journal.overflow(&crowd.plugin, few, 0, 500).await;
        let over = over.expect("listed").into_iter();
        let over: Vec<u64> = over.map(|it| it.number).collect();
        give_up(journal, DeadReason::Overflow, &over).await;
    }
}

/// Accepts more than there is room for, for a plugin that is not called.
async fn fill(journal: &SqliteJournal, ids: std::ops::Range<u32>) {
    for id in ids {
        accept(journal, long(&format!("f{id}"), &[PLUGIN])).await;
        if id % 50 == 0 {
            shed(journal).await;
        }
    }
    shed(journal).await;
}

#[tokio::test]
async fn what_waits_is_counted_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = super::open(folder.path());
    let own = flood(&journal, 0..20).await;
    accept(&journal, arrival("both", &[PLUGIN, "other"])).await;
    give_up(&journal, DeadReason::Overflow, &own[..5]).await;
    let before = load(&journal).await;
    assert_eq!(before.count, 16);
    journal.close().await.expect("closed");

    let journal = super::open(folder.path());
    assert_eq!(load(&journal).await, before);
    let letters = journal.dead_letters(0, 99).await.expect("listed");
    assert!(letters.iter().all(|it| it.reason == DeadReason::Overflow));
    assert_eq!(letters.len(), 5);
}

#[tokio::test]
async fn a_flood_for_a_plugin_that_is_not_called_never_fills_the_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path(), SMALL);
    assert!(u64::from(MANY) * TEXT as u64 > 5 * SMALL);
    // Whoever accepts would hear that the journal is full.
    fill(&journal, 0..MANY).await;
    let waiting = journal.pending_deliveries(0, 999).await.expect("listed");
    let ids = waiting.iter().map(|it| it.event.id.clone());
    let newest = (MANY - FEW as u32..MANY).map(|id| format!("f{id}"));
    assert_eq!(ids.collect::<Vec<_>>(), newest.collect::<Vec<_>>());
    // As many of the newest letters are there as there is room for.
    let letters = journal.dead_letters(0, 9_999).await.expect("listed");
    assert!(!letters.is_empty());
    let last = letters.last().map(|it| it.delivery.number);
    assert_eq!(last, Some(waiting[0].number - 1));
    let counts = journal.counts().await.expect("counted");
    assert_eq!(counts.dead_letters, letters.len() as u64);
    assert_eq!(counts.events, FEW + counts.dead_letters);
    // What was dropped was there all the same.
    let again = journal.accept(long("f0", &[PLUGIN])).await;
    let again = again.expect("ordered").value;
    assert!(matches!(again, Accepted::Duplicate));
}

#[tokio::test]
async fn room_is_made_by_letters_of_a_flood_and_by_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path(), SMALL);
    let failed = deliver(&journal, "failed").await;
    bury(&journal, failed.number, "trapped").await;
    let shared = accept(&journal, long("shared", &[PLUGIN, "other"])).await;
    let done = accept(&journal, long("done", &[PLUGIN, "other"])).await;
    keep(&journal, turn(&done[1])).await;
    ask(&journal, "asks", "k").await;
    fill(&journal, 0..MANY / 4).await;

    let letters = journal.dead_letters(0, 9_999).await.expect("listed");
    assert_eq!(letters[0].delivery.number, failed.number);
    let is_there = |it: &Delivery| letters.iter().any(|dead| dead.delivery.number == it.number);
    assert!(!is_there(&shared[0]), "the oldest of the flood is dropped");
    assert!(!is_there(&done[0]));
    let other = journal.pending_deliveries(0, 1).await.expect("listed");
    assert_eq!(
        other[0].number, shared[1].number,
        "and still waits elsewhere"
    );
    assert_eq!(other[0].event, shared[1].event);
    let past = past(
        &journal,
        crate::journal::EventQuery {
            limit: 9_999,
            ..all()
        },
    )
    .await;
    for wanted in ["failed", "shared", "done", "asks"] {
        assert!(past.iter().any(|it| it.event.id == wanted), "{wanted}");
    }
    assert_eq!(journal.counts().await.expect("counted").pending_requests, 1);
}

#[tokio::test]
async fn numbers_of_letters_that_were_dropped_do_not_come_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path(), SMALL);
    let mut id = 0;
    while journal.bytes_used() * 4 < SMALL * 3 {
        accept(&journal, long(&format!("o{id}"), &["other"])).await;
        id += 1;
    }
    // There is no room for any of these.
    let own = flood(&journal, 0..5).await;
    give_up(&journal, DeadReason::Overflow, &own).await;
    assert!(journal.dead_letters(0, 9).await.expect("listed").is_empty());
    journal.close().await.expect("closed");
    let journal = open(folder.path(), SMALL);
    let next = deliver(&journal, "next").await;
    assert!(next.number > own[4]);
    assert!(next.event.sequence > id + 5);
}
