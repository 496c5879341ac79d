//! A journal that was full takes events again only when there is room for some time.

use std::sync::Arc;

use crate::journal::conformance::make::{PLUGIN, accept, arrival, message};
use crate::journal::shared::{KEEP_FINISHED_MS, now};
use crate::journal::sqlite::{Durability, SqliteConfig, SqliteJournal};
use crate::journal::{Accepted, Arrival, DeliveryEnd, Journal as _, JournalError};

const MAX_BYTES: u64 = 2 * 1024 * 1024;
/// With what else an event has, some two pages.
const TEXT: usize = 3_000;
/// So many events are some five percent of the journal.
const SOME: usize = 12;

fn long(id: &str, plugins: &[&str]) -> Arrival {
    let mut arrival = arrival(id, plugins);
    Arc::make_mut(&mut arrival.event).payload = message(&"x".repeat(TEXT));
    arrival
}

fn percent_used(journal: &SqliteJournal) -> u64 {
    journal.bytes_used() * 100 / MAX_BYTES
}

#[tokio::test]
async fn intake_pauses_at_90_percent_and_goes_on_below_80() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = SqliteConfig {
        durability: Durability::Process,
        max_bytes: MAX_BYTES,
        ..SqliteConfig::default()
    };
    let journal = SqliteJournal::open(folder.path(), config).expect("opened");
    // Nobody wants these: they go with the first pruning.
    for id in 0..SOME {
        accept(&journal, long(&format!("unwanted{id}"), &[])).await;
    }
    let mut waiting = Vec::new();
    let refused = loop {
        let next = long(&format!("waiting{}", waiting.len()), &[PLUGIN]);
        let ordered = match journal.accept(next).await {
            Ok(ordered) => ordered,
            Err(error) => break error,
        };
        ordered.durable.wait().await.expect("on disk");
        let Accepted::New { deliveries, .. } = ordered.value else {
            panic!("it is new");
        };
        waiting.push(deliveries[0].number);
        assert!(percent_used(&journal) < 95, "it is never full");
    };
    assert!(matches!(refused, JournalError::Full(_)), "{refused}");
    assert_eq!(percent_used(&journal), 90);

    let later = now() + KEEP_FINISHED_MS + 60_000;
    journal.prune(later).await.expect("pruned");
    let used = percent_used(&journal);
    assert!((81..90).contains(&used), "{used} %");
    let refused = journal.accept(long("between", &[PLUGIN])).await;
    let refused = refused.expect_err("it was full a moment ago");
    assert!(matches!(refused, JournalError::Full(_)), "{refused}");

    for number in waiting.drain(..2 * SOME) {
        let end = DeliveryEnd::Refused("enough".to_owned());
        journal.settle(number, end).await.expect("ordered");
    }
    journal.prune(later).await.expect("pruned");
    let used = percent_used(&journal);
    assert!(used < 80, "{used} %");
    accept(&journal, long("between", &[PLUGIN])).await;
}
