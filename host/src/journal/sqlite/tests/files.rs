//! Files beside the database.

use std::path::Path;
use std::sync::Arc;

use super::open;
use crate::journal::conformance::broadcasts::expand;
use crate::journal::conformance::make::{deliver, keep, new_part, sends_file, turn};
use crate::journal::conformance::parts::{record, sent};
use crate::journal::sqlite::SqliteJournal;
use crate::journal::{Journal as _, NewBroadcast, NewPart, Part, Turn};
use crate::model::action::{ActionKind, KeptFile, OutgoingAttachment};

fn part_with(sha256: &str) -> NewPart {
    let file = KeptFile {
        name: "a.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        sha256: sha256.to_owned(),
        size: 3,
    };
    NewPart {
        action: sends_file(None, file),
        ..new_part(0, false)
    }
}

/// Commits a turn that sends a file.
async fn send(journal: &SqliteJournal, id: &str, bytes: &[u8]) -> Part {
    let held = journal.keep_file(bytes).await.expect("kept");
    let held = held.expect("this journal keeps files apart");
    let delivery = deliver(journal, id).await;
    let turn = Turn {
        parts: vec![part_with(&held.sha256)],
        ..turn(&delivery)
    };
    keep(journal, turn).await.remove(0)
}

fn named(part: &Part) -> String {
    match &part.what.action.kind {
        ActionKind::Send(send) => match &send.attachments[0] {
            OutgoingAttachment::Kept(file) => file.sha256.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("blobs"))
        .expect("listed")
        .count()
}

#[tokio::test]
async fn a_file_is_there_over_a_restart_while_a_part_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let first = send(&journal, "a", b"one").await;
    let again = send(&journal, "b", b"one").await;
    send(&journal, "c", b"two").await;
    assert_eq!(files(folder.path()), 2);
    journal.prune(1).await.expect("pruned");
    assert_eq!(files(folder.path()), 2);
    journal.close().await.expect("closed");

    let journal = open(folder.path());
    let parts = journal.pending_parts(0, 9).await.expect("listed");
    assert_eq!(parts.len(), 3);
    let bytes = journal.kept_file(&named(&parts[0])).await.expect("read");
    assert_eq!(bytes, b"one");
    // The text of the part holds no bytes of the file.
    let text = serde_json::to_string(&*parts[0].what.action).expect("text");
    assert!(!text.contains("b25l") && text.len() < 500, "{text}");

    record(&journal, sent(first.number)).await;
    journal.prune(2).await.expect("pruned");
    assert_eq!(files(folder.path()), 2);
    record(&journal, sent(again.number)).await;
    journal.prune(3).await.expect("pruned");
    assert_eq!(files(folder.path()), 1);
    assert!(journal.kept_file(&named(&parts[0])).await.is_err());
    assert!(journal.kept_file(&named(&parts[2])).await.is_ok());
}

#[tokio::test]
async fn a_file_of_a_broadcast_is_there_until_its_last_target_has_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let held = journal
        .keep_file(b"all")
        .await
        .expect("kept")
        .expect("held");
    let sha256 = held.sha256.clone();
    let delivery = deliver(&journal, "a").await;
    let body = NewBroadcast {
        bot: "desk".into(),
        index: 0,
        actions: vec![part_with(&sha256).action],
        targets: vec!["room-0".into(), "room-1".into()],
    };
    let turn = Turn {
        broadcasts: vec![body],
        ..turn(&delivery)
    };
    keep(&journal, turn).await;
    drop(held);
    // None of its parts is made, then only the first of two.
    for at in 1..3 {
        journal.prune(at).await.expect("pruned");
        assert!(journal.kept_file(&sha256).await.is_ok());
        let all = journal.pending_broadcasts(0, 1).await.expect("listed");
        for part in expand(&journal, &all[0], 1).await {
            record(&journal, sent(part.number)).await;
        }
    }
    journal.prune(3).await.expect("pruned");
    assert!(journal.kept_file(&sha256).await.is_err());
}

#[tokio::test]
async fn a_file_without_a_turn_goes_when_nobody_holds_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let held = journal.keep_file(b"never named").await.expect("kept");
    journal.prune(1).await.expect("pruned");
    assert_eq!(files(folder.path()), 1);
    drop(held);
    journal.prune(2).await.expect("pruned");
    assert_eq!(files(folder.path()), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sweeps_take_no_file_from_under_a_turn() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Arc::new(open(folder.path()));
    let sweeper = Arc::clone(&journal);
    let sweeps = tokio::spawn(async move {
        for at in 1..60 {
            sweeper.prune(at).await.expect("pruned");
        }
    });
    for at in 0..60 {
        // The same bytes come and go, so that each turn finds a file that is about to be swept.
        let part = send(&journal, &at.to_string(), b"again and again").await;
        let bytes = journal.kept_file(&named(&part)).await.expect("it is there");
        assert_eq!(bytes, b"again and again");
        record(&*journal, sent(part.number)).await;
    }
    sweeps.await.expect("swept");
}
