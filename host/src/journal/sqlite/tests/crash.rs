//! Crashes, full disks, damage.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::open;
use crate::journal::conformance::make::{
    PLUGIN, accept, arrival, deliver, keep, key, new_part, read, set, turn, write, writes,
};
use crate::journal::conformance::parts::{parts, record, sent};
use crate::journal::conformance::requests::{answer, ask, mark, pending};
use crate::journal::sqlite::{Durability, JOURNAL_FILE, SqliteConfig, SqliteJournal};
use crate::journal::{
    Accepted, Arrival, Committed, Journal as _, JournalError, RequestState, StateChange, Turn,
};
use crate::model::Name;

/// Copies what a crash would leave: database and log, as they are at this moment.
fn copy(from: &Path, to: &Path) {
    for end in ["", "-wal"] {
        let name = format!("{JOURNAL_FILE}{end}");
        std::fs::copy(from.join(&name), to.join(&name)).expect("copied");
    }
}

fn check(folder: &Path) {
    let connection = rusqlite::Connection::open(folder.join(JOURNAL_FILE)).expect("opened");
    let end: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("checked");
    assert_eq!(end, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_keeps_what_was_durable_and_whole_turns_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Arc::new(open(folder.path()));
    let durable = Arc::new(AtomicU64::new(0));
    let writer = {
        let (journal, durable) = (Arc::clone(&journal), Arc::clone(&durable));
        tokio::spawn(async move {
            for id in 0..150u64 {
                let delivery = deliver(&*journal, &id.to_string()).await;
                let whole = Turn {
                    state: writes(vec![(key("count"), StateChange::Add(1))]),
                    parts: vec![new_part(0, false)],
                    ..turn(&delivery)
                };
                keep(&*journal, whole).await;
                durable.store(id + 1, Ordering::SeqCst);
            }
        })
    };
    let mut copies = Vec::new();
    while !writer.is_finished() {
        let sure = durable.load(Ordering::SeqCst);
        let copied = tempfile::tempdir().expect("a folder");
        copy(folder.path(), copied.path());
        copies.push((sure, copied));
        tokio::task::yield_now().await;
        if copies.len() > 40 {
            break;
        }
    }
    writer.await.expect("written");
    for (sure, copied) in copies {
        check(copied.path());
        let journal = open(copied.path());
        let count: u64 = read(&journal, "count")
            .await
            .0
            .map_or(0, |text| text.parse().expect("a number"));
        let parts = journal.pending_parts(0, 1_000).await.expect("listed");
        assert!(count >= sure, "{count} {sure}");
        assert_eq!(parts.len() as u64, count);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_between_answer_and_record_leaves_the_request_or_its_answer() {
    const ROUNDS: u64 = 60;
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Arc::new(open(folder.path()));
    let answered = Arc::new(AtomicU64::new(0));
    let writer = {
        let (journal, answered) = (Arc::clone(&journal), Arc::clone(&answered));
        tokio::spawn(async move {
            for id in 0..ROUNDS {
                ask(&*journal, &format!("asks {id}"), "r").await;
                let number = pending(&*journal).await[0].number;
                mark(&*journal, number, RequestState::Sending).await;
                accept(&*journal, answer(&format!("answers {id}"), number)).await;
                answered.store(id + 1, Ordering::SeqCst);
            }
        })
    };
    let mut copies = Vec::new();
    while !writer.is_finished() && copies.len() <= 40 {
        let sure = answered.load(Ordering::SeqCst);
        let copied = tempfile::tempdir().expect("a folder");
        copy(folder.path(), copied.path());
        copies.push((sure, copied));
        tokio::task::yield_now().await;
    }
    writer.await.expect("written");
    for (sure, copied) in copies {
        check(copied.path());
        let journal = open(copied.path());
        let mut deliveries = journal.pending_deliveries(0, 1_000).await.expect("listed");
        deliveries.retain(|delivery| delivery.event.id.starts_with("answers"));
        let answers = deliveries.len() as u64;
        assert!(answers >= sure, "{answers} {sure}");
        // The next round's request is there or not; none is there together with its answer.
        let open = pending(&journal).await;
        assert!(open.len() <= 1);
        if let Some(request) = open.first() {
            assert_eq!(request.origin.id, format!("asks {answers}"));
        }
    }
}

/// Fills the journal until something is refused; gives back how many were accepted.
async fn fill(journal: &SqliteJournal, prefix: &str) -> (u64, JournalError) {
    for id in 0..100_000u64 {
        let id = format!("{prefix}{id}");
        let ordered = match journal.accept(arrival(&id, &[PLUGIN])).await {
            Ok(ordered) => ordered,
            Err(error) => return (id[prefix.len()..].parse().expect("a number"), error),
        };
        if let Err(error) = ordered.durable.wait().await {
            return (id[prefix.len()..].parse().expect("a number"), error);
        }
    }
    panic!("never full");
}

#[tokio::test]
async fn full_journal_refuses_intake_and_goes_on_with_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = SqliteConfig {
        durability: Durability::Process,
        max_bytes: 400 * 1024,
        ..SqliteConfig::default()
    };
    let journal = SqliteJournal::open(folder.path(), config).expect("opened");
    let first = deliver(&journal, "first").await;
    let (accepted, error) = fill(&journal, "f").await;
    assert!(matches!(error, JournalError::Full(_)), "{error}");
    let pending = journal
        .pending_deliveries(0, 100_000)
        .await
        .expect("listed");
    assert_eq!(pending.len() as u64, accepted + 1);
    // What was accepted can still be ended: intake pauses before the disk is full.
    let whole = Turn {
        parts: vec![new_part(0, true)],
        ..turn(&first)
    };
    let part = keep(&journal, whole).await[0].number;
    record(&journal, sent(part)).await;
    journal
        .set_max_bytes(4 * 1024 * 1024)
        .await
        .expect("raised");
    deliver(&journal, "again").await;
    // The event that was refused was not remembered as seen.
    accept(&journal, arrival(&format!("f{accepted}"), &[PLUGIN])).await;
}

#[tokio::test]
async fn full_disk_fails_the_batch_and_keeps_nothing_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    write(&journal, "w", "k", set("before")).await;
    let (_, version) = read(&journal, "k").await;
    let delivery = deliver(&journal, "first").await;
    // Less than there is: the next page that is needed cannot be had.
    journal.set_max_bytes(1).await.expect("lowered");
    journal
        .set_max_bytes(journal.bytes_used() + 4096)
        .await
        .expect("lowered");
    let large = Turn {
        state: writes(vec![
            (key("k"), set("after")),
            (key("large"), set(&"x".repeat(300_000))),
        ]),
        parts: vec![new_part(0, true)],
        ..turn(&delivery)
    };
    let ordered = journal.commit(large.clone()).await;
    let error = match ordered {
        Ok(ordered) => ordered.durable.wait().await.expect_err("full"),
        Err(error) => error,
    };
    assert!(matches!(error, JournalError::Full(_)), "{error}");
    assert_eq!(
        read(&journal, "k").await,
        (Some("before".to_owned()), version)
    );
    assert_eq!(read(&journal, "large").await, (None, 0));
    assert!(
        journal
            .pending_parts(0, 9)
            .await
            .expect("listed")
            .is_empty()
    );
    assert_eq!(
        journal
            .pending_deliveries(0, 9)
            .await
            .expect("listed")
            .len(),
        1
    );

    journal.set_max_bytes(1 << 30).await.expect("raised");
    assert_eq!(keep(&journal, large).await.len(), 1);
    assert_eq!(read(&journal, "k").await.0.as_deref(), Some("after"));
    drop(journal);
    check(folder.path());
}

#[tokio::test]
async fn delivery_of_a_failed_batch_is_known_to_be_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let kept = deliver(&journal, "kept").await;
    journal.set_max_bytes(1).await.expect("lowered");
    // Intake itself is refused before it fails, so the room ends inside a large event.
    let used = journal.bytes_used();
    journal
        .set_max_bytes(used + used / 2)
        .await
        .expect("lowered");
    let mut large = arrival("large", &[PLUGIN]);
    Arc::make_mut(&mut large.event).raw = Some("x".repeat(1 << 20));
    let refused = journal.accept(large).await;
    assert!(matches!(refused, Err(JournalError::Full(_))), "{refused:?}");
    let lost = Turn {
        delivery: kept.number + 1,
        ..turn(&kept)
    };
    let refused = journal.commit(lost).await;
    assert!(
        matches!(refused, Err(JournalError::NoDelivery(_))),
        "{refused:?}"
    );
    journal.set_max_bytes(1 << 30).await.expect("raised");
    let next = deliver(&journal, "next").await;
    assert!(next.number > kept.number);
}

#[tokio::test]
async fn failed_batch_fails_everything_ordered_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let first = deliver(&journal, "first").await;
    let second = deliver(&journal, "second").await;
    journal.set_max_bytes(1).await.expect("lowered");
    journal
        .set_max_bytes(journal.bytes_used() + 4096)
        .await
        .expect("lowered");
    let small = Turn {
        state: writes(vec![(key("k"), set("1"))]),
        ..turn(&first)
    };
    let large = Turn {
        state: writes(vec![(key("large"), set(&"x".repeat(300_000)))]),
        ..turn(&second)
    };
    let (small, large) = tokio::join!(journal.commit(small), journal.commit(large));
    let large = match large {
        Ok(ordered) => ordered.durable.wait().await,
        Err(error) => Err(error),
    };
    assert!(large.is_err());
    // The two may have been in one batch or in two; either way the state says what was promised.
    let small = small.expect("ordered").durable.wait().await;
    let read = read(&journal, "k").await.0;
    assert_eq!(small.is_ok(), read.is_some());
}

#[tokio::test]
async fn panic_of_the_writer_closes_the_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let ended: Result<(), JournalError> = journal
        .query(|_, _| std::panic::resume_unwind(Box::new("a test")))
        .await;
    assert!(matches!(ended, Err(JournalError::Closed)), "{ended:?}");
    let refused = journal.accept(arrival("a", &[PLUGIN])).await;
    assert!(matches!(refused, Err(JournalError::Closed)), "{refused:?}");
}

#[tokio::test]
async fn damaged_page_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    for id in 0..200 {
        parts(&journal, &id.to_string(), 1).await;
    }
    journal.close().await.expect("closed");
    let path = folder.path().join(JOURNAL_FILE);
    let mut bytes = std::fs::read(&path).expect("read");
    let pages = bytes.len() / 4096;
    assert!(pages > 10);
    for page in pages / 2..pages {
        bytes[page * 4096..page * 4096 + 64].fill(0xee);
    }
    std::fs::write(&path, bytes).expect("written");
    match SqliteJournal::open(folder.path(), SqliteConfig::default()) {
        Err(JournalError::Failed(text)) => assert!(text.contains(JOURNAL_FILE), "{text}"),
        Err(other) => panic!("{other}"),
        Ok(journal) => {
            let listed = journal.pending_parts(0, 1_000).await;
            assert!(matches!(listed, Err(JournalError::Failed(_))));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ordered_state_is_seen_before_it_is_on_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    for round in 0..200u64 {
        let id = round.to_string();
        let arrival = Arrival {
            lane: Name::from(id.as_str()),
            ..arrival(&id, &[PLUGIN])
        };
        let accepted = journal.accept(arrival).await.expect("ordered").value;
        let Accepted::New { deliveries, .. } = accepted else {
            panic!("duplicate");
        };
        let count = Turn {
            state: writes(vec![
                (key("k"), set(&id)),
                (key(&format!("k{round:03}")), set("1")),
            ]),
            ..turn(&deliveries[0])
        };
        let ordered = journal.commit(count).await.expect("ordered");
        assert!(matches!(ordered.value, Committed::Done(_)));
        assert_eq!(read(&journal, "k").await.0, Some(id));
        let listed = journal.state_keys(&key("k").scope, "k", None, 1_000).await;
        assert_eq!(listed.expect("listed").0.len() as u64, round + 2);
    }
}
