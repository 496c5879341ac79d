//! A disk that is slow, and one that loses writes.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::journal::blobs::sync_path;
use crate::journal::conformance::make::{PLUGIN, arrival};
use crate::journal::sqlite::disk::Disk;
use crate::journal::sqlite::{SqliteConfig, SqliteJournal};
use crate::journal::{Durable, Journal as _, JournalError};

fn open(folder: &Path, sync: impl Fn() -> io::Result<()> + Send + 'static) -> SqliteJournal {
    let config = SqliteConfig::default();
    let disk = |_: &Path, commands| Disk::start_with(sync, commands);
    SqliteJournal::open_with(folder, config, Arc::new(sync_path), disk).expect("opened")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ordering_goes_on_while_the_disk_is_busy_and_one_sync_serves_all_that_waited() {
    let folder = tempfile::tempdir().expect("a folder");
    let (closed, door) = std::sync::mpsc::sync_channel::<()>(0);
    let syncs = Arc::new(AtomicUsize::new(0));
    let journal = open(folder.path(), {
        let syncs = Arc::clone(&syncs);
        move || {
            // Waits until the other end is dropped.
            let _open = door.recv();
            syncs.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    });
    let mut writes: Vec<Durable> = Vec::new();
    for id in 0..2_000 {
        let ordered = journal.accept(arrival(&id.to_string(), &[PLUGIN])).await;
        writes.push(ordered.expect("ordered").durable);
    }
    assert!(writes.iter().all(|write| !write.is_done()));
    drop(closed);
    for write in writes {
        write.wait().await.expect("on disk");
    }
    // The first alone, then everything that was committed meanwhile, then what was still open.
    assert!(syncs.load(Ordering::SeqCst) <= 3);
    journal.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_loses_writes_takes_no_more_until_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path(), || Err(io::Error::other("I/O error")));
    let first = journal.accept(arrival("first", &[PLUGIN])).await;
    let lost = first.expect("ordered").durable.wait().await;
    assert!(matches!(lost, Err(JournalError::Failed(_))), "{lost:?}");
    let refused = journal.accept(arrival("second", &[PLUGIN])).await;
    let text = refused.expect_err("refused").to_string();
    assert!(text.contains("the disk lost writes (I/O error)"), "{text}");
    journal
        .close()
        .await
        .expect_err("it says so at the end too");
    let journal = super::open(folder.path());
    let pending = journal.pending_deliveries(0, 9).await.expect("listed");
    assert!(pending.iter().all(|delivery| delivery.event.id == "first"));
}
