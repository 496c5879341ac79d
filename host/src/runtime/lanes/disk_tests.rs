//! What the lanes promise where the disk is slow, full or loses writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::fakes::{Bench, FakeBuild, eventually, quick, reply};
use super::shaky::ShakyJournal;
use super::{PluginSpec, PluginState};
use crate::journal::StateDelta;
use crate::mailbox::DeliverySink as _;
use crate::runtime::guest::CallEnd;

#[tokio::test]
async fn parts_reach_the_outbox_when_they_are_on_disk_and_lanes_do_not_wait_for_it() {
    let journal = ShakyJournal::new();
    journal.holds_writes.store(true, Ordering::Relaxed);
    let bench = Bench::with(Arc::clone(&journal) as Arc<_>, quick());
    bench.install(FakeBuild::echo(""));
    for n in 0..10 {
        bench.say(&n.to_string(), "room").await;
    }
    eventually(|| journal.ordered() == 10).await;
    assert_eq!(bench.outbox.len(), 0);
    journal.sync().await;
    eventually(|| bench.outbox.len() == 10).await;
    let wanted: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    assert_eq!(bench.outbox.texts("room"), wanted);
}

#[tokio::test]
async fn a_turn_on_disk_does_not_overtake_one_that_is_still_being_handed_over() {
    let journal = ShakyJournal::new();
    journal.holds_writes.store(true, Ordering::Relaxed);
    let bench = Bench::with(Arc::clone(&journal) as Arc<_>, quick());
    bench.install(FakeBuild::new(move |delivery| {
        let journal = Arc::clone(&journal);
        async move {
            if delivery.event.id == "1" {
                // The turn before comes to the disk, and so will this one, before anybody can hear of either.
                journal.holds_writes.store(false, Ordering::Relaxed);
                journal.sync().await;
            }
            let answer = reply(&delivery.event.id);
            (CallEnd::Done(vec![answer]), StateDelta::default())
        }
    }));
    for n in 0..3 {
        bench.say(&n.to_string(), "room").await;
    }
    eventually(|| bench.outbox.len() == 3).await;
    assert_eq!(bench.outbox.texts("room"), ["0", "1", "2"]);
}

#[tokio::test]
async fn turns_that_the_disk_lost_are_made_again_in_order() {
    let journal = ShakyJournal::new();
    journal.holds_writes.store(true, Ordering::Relaxed);
    let bench = Bench::with(Arc::clone(&journal) as Arc<_>, quick());
    bench.install(FakeBuild::echo(""));
    for n in 0..5 {
        bench.say(&n.to_string(), "room").await;
        bench.say(&n.to_string(), "elsewhere").await;
    }
    eventually(|| journal.ordered() == 10).await;
    journal.is_full.store(true, Ordering::Relaxed);
    journal.lose();
    bench.say("5", "room").await;
    eventually(|| bench.status().state == PluginState::JournalHeld).await;
    eventually(|| bench.status().waiting == 11).await;
    let refusals = journal.refusals.load(Ordering::Relaxed);
    eventually(|| journal.refusals.load(Ordering::Relaxed) > refusals + 1).await;
    assert_eq!((bench.outbox.len(), journal.ordered()), (0, 0));
    assert!(bench.outbox.reserved.lock().is_empty());
    journal.is_full.store(false, Ordering::Relaxed);
    journal.holds_writes.store(false, Ordering::Relaxed);
    eventually(|| bench.outbox.len() == 11).await;
    let wanted: Vec<String> = (0..6).map(|n| n.to_string()).collect();
    assert_eq!(bench.outbox.texts("room"), wanted);
    assert_eq!(bench.outbox.texts("elsewhere"), wanted[..5]);
    assert_eq!((bench.status().dead, bench.pending().await), (0, 0));
    assert_eq!(bench.status().state, PluginState::Serving);
}

#[tokio::test]
async fn a_full_journal_holds_all_lanes_and_costs_no_tries() {
    let journal = ShakyJournal::new();
    let bench = Bench::with(Arc::clone(&journal) as Arc<_>, quick());
    bench.install(FakeBuild::echo(""));
    journal.is_full.store(true, Ordering::Relaxed);
    for n in 0..20 {
        bench.say(&n.to_string(), "room").await;
    }
    // One by a commit, the others by looking whether there is room.
    eventually(|| journal.refusals.load(Ordering::Relaxed) >= 4).await;
    assert_eq!(bench.outbox.len(), 0);
    journal.is_full.store(false, Ordering::Relaxed);
    eventually(|| bench.outbox.len() == 20).await;
    let wanted: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(bench.outbox.texts("room"), wanted);
    assert_eq!((bench.status().faults, bench.status().dead), (0, 0));
}

#[tokio::test]
async fn a_delivery_whose_event_was_lost_is_passed_over_and_costs_nothing() {
    let bench = Bench::new();
    bench.install(FakeBuild::echo(""));
    let mut lost = bench.accept("lost", "room").await;
    // It was numbered in a batch that a full disk did not take.
    lost[0].number += 1_000;
    bench.lanes.deliver(lost);
    bench.say("next", "room").await;
    eventually(|| bench.outbox.len() == 1).await;
    assert_eq!(bench.outbox.texts("room"), ["next"]);
    let status = bench.status();
    assert_eq!((status.faults, status.dead), (0, 0));
    assert_eq!(status.state, PluginState::Serving);
}

#[tokio::test]
async fn one_instance_serves_other_rooms_while_its_turn_is_being_ordered() {
    let journal = ShakyJournal::new();
    journal.order.close();
    let bench = Bench::with(Arc::clone(&journal) as Arc<_>, quick());
    let calls = Arc::new(AtomicU64::new(0));
    let build = FakeBuild::new({
        let calls = Arc::clone(&calls);
        move |delivery| {
            calls.fetch_add(1, Ordering::Relaxed);
            async move {
                let answer = reply(&delivery.event.id);
                (CallEnd::Done(vec![answer]), StateDelta::default())
            }
        }
    });
    bench.lanes.install(PluginSpec {
        instances: 1,
        ..Bench::spec(Arc::clone(&build) as Arc<_>)
    });
    for n in 0..5 {
        bench.say(&format!("{n}a"), &format!("room-{n}")).await;
        bench.say(&format!("{n}b"), &format!("room-{n}")).await;
    }
    // One turn of each room is under way: the second of a room waits for the first.
    eventually(|| calls.load(Ordering::Relaxed) == 5).await;
    journal.order.open();
    eventually(|| bench.outbox.len() == 10).await;
    assert_eq!(bench.outbox.texts("room-3"), ["3a", "3b"]);
    assert_eq!(build.made.load(Ordering::Relaxed), 1);
}
