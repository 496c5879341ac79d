//! What the lanes promise, with stand-ins for guest, disk and outbox.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::fakes::{Bench, Door, FakeBuild, event, eventually, fault, quick, reply};
use super::{FORGOTTEN_FAULT, LanesConfig, PluginSpec, PluginState};
use crate::journal::memory::MemoryJournal;
use crate::journal::{DeadReason, Journal, StateChange, StateDelta, StateKey, StateScope};
use crate::mailbox::DeliverySink as _;
use crate::model::Name;
use crate::model::action::{ActionKind, Membership};
use crate::runtime::guest::{CallEnd, FaultKind};

fn done() -> (CallEnd, StateDelta) {
    (CallEnd::Done(vec![reply("ok")]), StateDelta::default())
}

fn key() -> StateKey {
    StateKey {
        scope: StateScope {
            tenant: Name::from("default"),
            plugin: Name::from("joke"),
            scope: Name::from("p"),
        },
        key: "count".to_owned(),
    }
}

fn number(value: Option<&[u8]>) -> u64 {
    value.map_or(0, |bytes| {
        std::str::from_utf8(bytes).unwrap().parse().unwrap()
    })
}

/// A build that reads a number, waits a little, and writes it back with one added.
fn counting(journal: Arc<dyn Journal>) -> Arc<FakeBuild> {
    FakeBuild::new(move |_| {
        let journal = Arc::clone(&journal);
        async move {
            let (value, version) = journal.state_get(&key()).await.unwrap();
            tokio::task::yield_now().await;
            let next = number(value.as_deref()) + 1;
            let state = StateDelta {
                reads: vec![(key(), version)],
                lists: Vec::new(),
                writes: vec![(key(), StateChange::Set(next.to_string().into_bytes(), None))],
            };
            (CallEnd::Done(Vec::new()), state)
        }
    })
}

#[tokio::test]
async fn keeps_order_in_each_lane_while_calls_fail_at_random() {
    let bench = Bench::new();
    let turn = AtomicU32::new(1);
    bench.install(FakeBuild::new(move |delivery| {
        // A small generator of our own: the same run every time.
        let step = turn
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_mul(2_654_435_761)
            >> 16;
        async move {
            tokio::time::sleep(Duration::from_millis(u64::from(step % 7))).await;
            match step % 5 {
                0 if delivery.attempt < 3 => (fault(FaultKind::Trap), StateDelta::default()),
                1 if delivery.attempt < 3 => (CallEnd::Retry(Some(10)), StateDelta::default()),
                _ => {
                    let text = delivery.event.id.clone();
                    (CallEnd::Done(vec![reply(&text)]), StateDelta::default())
                }
            }
        }
    }));
    for n in 0..50 {
        for lane in 0..20 {
            bench.say(&n.to_string(), &format!("room-{lane}")).await;
        }
    }
    eventually(|| bench.outbox.len() == 1_000).await;
    let wanted: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    for lane in 0..20 {
        assert_eq!(bench.outbox.texts(&format!("room-{lane}")), wanted);
    }
    assert_eq!(bench.pending().await, 0);
    assert!(bench.status().faults > 0 && bench.status().dead == 0);
}

#[tokio::test]
async fn a_call_that_waits_holds_up_its_own_conversation_only() {
    let bench = Bench::new();
    let door = Door::closed();
    let answered = door.clone();
    bench.install(FakeBuild::new(move |delivery| {
        let door = door.clone();
        async move {
            if delivery.lane.starts_with("slow") {
                door.pass().await;
            }
            done()
        }
    }));
    for lane in 0..7 {
        bench.say("a", &format!("slow-{lane}")).await;
        bench.say("b", &format!("slow-{lane}")).await;
    }
    for lane in 0..50 {
        bench.say("c", &format!("quick-{lane}")).await;
    }
    eventually(|| bench.outbox.len() == 50).await;
    assert_eq!(bench.status().running, 7);
    assert_eq!(bench.status().waiting, 7);
    answered.open();
    eventually(|| bench.outbox.len() == 64).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_conversations_add_to_one_number_and_the_sum_is_exact() {
    let bench = Bench::new();
    bench.install(counting(Arc::clone(&bench.journal)));
    for n in 0..100 {
        for lane in 0..50 {
            bench.say(&n.to_string(), &format!("room-{lane}")).await;
        }
    }
    let handled = || bench.status().handled;
    eventually(|| handled() == 5_000).await;
    let (value, _) = bench.journal.state_get(&key()).await.unwrap();
    assert_eq!(number(value.as_deref()), 5_000);
    assert_eq!((bench.status().faults, bench.status().dead), (0, 0));
}

#[tokio::test]
async fn a_call_that_lost_its_reads_holds_the_turn_and_wins() {
    let bench = Bench::new();
    bench.install(counting(Arc::clone(&bench.journal)));
    for lane in 0..8 {
        bench.say("a", &format!("room-{lane}")).await;
    }
    eventually(|| bench.status().handled == 8).await;
    let (value, _) = bench.journal.state_get(&key()).await.unwrap();
    assert_eq!(number(value.as_deref()), 8);
    // Each can lose once at most.
    assert!((1..8).contains(&bench.status().conflicts));
}

#[tokio::test]
async fn a_trap_after_reads_that_changed_is_a_conflict_and_no_fault() {
    let bench = Bench::new();
    let calls = Arc::new(AtomicU32::new(0));
    let door = Door::closed();
    let (journal, seen, written) = (Arc::clone(&bench.journal), Arc::clone(&calls), door.clone());
    bench.install(FakeBuild::new(move |delivery| {
        let (journal, seen) = (Arc::clone(&journal), Arc::clone(&seen));
        let written = written.clone();
        async move {
            if *delivery.lane == *"writer" {
                let state = StateDelta {
                    writes: vec![(key(), StateChange::Add(1))],
                    ..StateDelta::default()
                };
                return (CallEnd::Done(Vec::new()), state);
            }
            let (_, version) = journal.state_get(&key()).await.unwrap();
            let is_first = seen.fetch_add(1, Ordering::Relaxed) == 0;
            written.pass().await;
            let state = StateDelta {
                reads: vec![(key(), version)],
                ..StateDelta::default()
            };
            if is_first {
                (fault(FaultKind::Trap), state)
            } else {
                (CallEnd::Done(vec![reply("ok")]), state)
            }
        }
    }));
    bench.say("a", "reader").await;
    eventually(|| calls.load(Ordering::Relaxed) == 1).await;
    bench.say("b", "writer").await;
    eventually(|| bench.status().handled == 1).await;
    door.open();
    eventually(|| bench.outbox.len() == 1).await;
    let status = bench.status();
    assert_eq!((status.conflicts, status.faults, status.dead), (1, 0, 0));
}

#[tokio::test]
async fn a_swap_under_load_handles_each_delivery_once_and_in_order() {
    let bench = Bench::new();
    let slow = |mark: &'static str| {
        FakeBuild::new(move |delivery| async move {
            tokio::time::sleep(Duration::from_millis(3)).await;
            let text = format!("{mark}{}", delivery.event.id);
            (CallEnd::Done(vec![reply(&text)]), StateDelta::default())
        })
    };
    bench.install(slow(""));
    for n in 0..100 {
        for lane in 0..10 {
            bench.say(&n.to_string(), &format!("room-{lane}")).await;
        }
        bench.install(if n % 2 == 0 { slow("") } else { slow("*") });
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    eventually(|| bench.outbox.len() == 1_000).await;
    let wanted: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let mut new = 0;
    for lane in 0..10 {
        let texts = bench.outbox.texts(&format!("room-{lane}"));
        new += texts.iter().filter(|text| text.starts_with('*')).count();
        let plain = texts
            .iter()
            .map(|text| text.trim_start_matches('*').to_owned());
        assert_eq!(plain.collect::<Vec<_>>(), wanted);
    }
    assert!((100..900).contains(&new), "{new} by one of the builds");
    assert_eq!(bench.status().dead, 0);
}

#[tokio::test]
async fn a_call_in_flight_ends_on_the_old_build_and_its_lane_goes_over_then() {
    let bench = Bench::new();
    let door = Door::closed();
    let inside = door.clone();
    bench.install(FakeBuild::new(move |delivery| {
        let door = inside.clone();
        async move {
            door.pass().await;
            let text = format!("old {}", delivery.event.id);
            (CallEnd::Done(vec![reply(&text)]), StateDelta::default())
        }
    }));
    bench.say("1", "room").await;
    bench.say("2", "room").await;
    eventually(|| bench.status().running == 1).await;
    bench.install(FakeBuild::echo("new "));
    bench.say("3", "elsewhere").await;
    eventually(|| bench.outbox.len() == 1).await;
    assert_eq!(bench.outbox.texts("elsewhere"), ["new 3"]);
    door.open();
    eventually(|| bench.outbox.len() == 3).await;
    assert_eq!(bench.outbox.texts("room"), ["old 1", "new 2"]);
}

#[tokio::test]
async fn deliveries_of_a_removed_plugin_wait_until_it_is_back() {
    let bench = Bench::new();
    bench.say("0", "room").await;
    assert_eq!(bench.status().state, PluginState::Waiting);
    bench.install(FakeBuild::echo(""));
    eventually(|| bench.outbox.len() == 1).await;
    bench.lanes.remove("default", "joke");
    bench.say("1", "room").await;
    bench.say("2", "room").await;
    eventually(|| bench.status().instances == 0).await;
    assert_eq!((bench.outbox.len(), bench.status().waiting), (1, 2));
    bench.install(FakeBuild::echo(""));
    eventually(|| bench.outbox.len() == 3).await;
    assert_eq!(bench.outbox.texts("room"), ["0", "1", "2"]);
}

#[tokio::test]
async fn takes_up_what_the_journal_holds_at_a_start() {
    let bench = Bench::new();
    for n in 0..2_500 {
        bench.accept(&n.to_string(), "room").await;
    }
    bench.install(FakeBuild::echo(""));
    assert_eq!(bench.lanes.recover().await.unwrap(), 2_500);
    eventually(|| bench.outbox.len() == 2_500).await;
    let wanted: Vec<String> = (0..2_500).map(|n| n.to_string()).collect();
    assert_eq!(bench.outbox.texts("room"), wanted);
}

#[tokio::test]
async fn what_is_too_much_for_memory_is_read_from_the_journal_later() {
    let config = LanesConfig {
        waiting: 100,
        ..quick()
    };
    let journal = Arc::new(MemoryJournal::new());
    let bench = Bench::with(journal, config);
    for n in 0..1_000 {
        bench.say(&n.to_string(), "room").await;
    }
    assert_eq!(bench.status().waiting, 100);
    bench.install(FakeBuild::echo(""));
    for n in 1_000..1_500 {
        bench.say(&n.to_string(), "room").await;
        tokio::task::yield_now().await;
    }
    eventually(|| bench.outbox.len() == 1_500).await;
    let wanted: Vec<String> = (0..1_500).map(|n| n.to_string()).collect();
    assert_eq!(bench.outbox.texts("room"), wanted);
    bench.say("1500", "room").await;
    eventually(|| bench.outbox.len() == 1_501).await;
}

#[tokio::test]
async fn a_fault_gets_a_fresh_instance_and_three_tries_while_others_go_on() {
    let config = LanesConfig {
        first_wait: Duration::from_millis(100),
        ..quick()
    };
    let bench = Bench::with(Arc::new(MemoryJournal::new()), config);
    let build = FakeBuild::new(|delivery| async move {
        match &*delivery.event.id {
            "poison" => (fault(FaultKind::Trap), StateDelta::default()),
            _ => done(),
        }
    });
    bench.install(Arc::clone(&build) as Arc<_>);
    bench.say("poison", "room").await;
    bench.say("next", "room").await;
    bench.say("other", "elsewhere").await;
    eventually(|| bench.outbox.texts("elsewhere").len() == 1).await;
    assert_eq!(
        (bench.outbox.texts("room").len(), bench.status().dead),
        (0, 0)
    );
    eventually(|| bench.outbox.texts("room").len() == 1).await;
    let status = bench.status();
    assert_eq!((status.faults, status.dead, status.handled), (3, 1, 2));
    assert!(status.last_fault.unwrap().contains("it broke"));
    assert!(status.recent[0].text.contains("it broke"));
    assert!(build.made.load(Ordering::Relaxed) >= 4);
    let dead = bench.journal.dead_letters(0, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].reason), (1, DeadReason::Failed));
    // A fault may quote who is forgotten. That there were three stays.
    bench.lanes.forget_told();
    let status = bench.status();
    assert_eq!(status.last_fault.as_deref(), Some(FORGOTTEN_FAULT));
    let texts: Vec<&str> = status.recent.iter().map(|note| &*note.text).collect();
    assert_eq!(texts, [FORGOTTEN_FAULT; 3]);
    assert_eq!((status.faults, status.budget.faults), (3, 1));
}

#[tokio::test]
async fn failed_is_a_dead_letter_at_once_and_refused_is_none() {
    let bench = Bench::new();
    bench.install(FakeBuild::new(|delivery| async move {
        match &*delivery.event.id {
            "failed" => (fault(FaultKind::Failed), StateDelta::default()),
            _ => (CallEnd::Refused("no".to_owned()), StateDelta::default()),
        }
    }));
    bench.say("failed", "a").await;
    bench.say("refused", "b").await;
    eventually(|| bench.status().refused == 1 && bench.status().dead == 1).await;
    assert_eq!(bench.pending().await, 0);
    assert_eq!(bench.status().faults, 1);
    assert_eq!(bench.journal.dead_letters(0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_without_its_grant_is_refused_whole_and_names_the_line() {
    let bench = Bench::new();
    bench.install(FakeBuild::new(|_| async move {
        let invite = super::fakes::action(ActionKind::Invite(Membership {
            conversation: None,
            user: "ann".to_owned(),
        }));
        (
            CallEnd::Done(vec![reply("hi"), invite]),
            StateDelta::default(),
        )
    }));
    bench.say("1", "room").await;
    eventually(|| bench.status().dead == 1).await;
    let dead = bench.journal.dead_letters(0, 10).await.unwrap();
    assert_eq!(dead[0].reason, DeadReason::Refused);
    assert!(
        dead[0]
            .detail
            .contains(r#"`grants.actions = ["invite"]` in `[plugin."#)
    );
    assert_eq!(bench.outbox.len(), 0);
}

#[tokio::test]
async fn what_grew_out_of_itself_eight_times_is_a_loop() {
    let bench = Bench::new();
    bench.install(FakeBuild::echo(""));
    let mut deliveries = bench.accept("1", "room").await;
    deliveries[0].event = Arc::new(crate::model::event::Event {
        depth: 8,
        ..event("1", "room")
    });
    bench.lanes.deliver(deliveries);
    eventually(|| bench.status().dead == 1).await;
    let dead = bench.journal.dead_letters(0, 10).await.unwrap();
    assert_eq!(dead[0].reason, DeadReason::Loop);
}

#[tokio::test]
async fn instances_follow_the_load_and_go_when_idle() {
    let config = LanesConfig {
        idle: Duration::from_millis(50),
        ..quick()
    };
    let bench = Bench::with(Arc::new(MemoryJournal::new()), config);
    let door = Door::closed();
    let inside = door.clone();
    let build = FakeBuild::new(move |delivery| {
        let door = inside.clone();
        async move {
            if delivery.event.id == "many" {
                door.pass().await;
            }
            done()
        }
    });
    bench.install(Arc::clone(&build) as Arc<_>);
    for n in 0..5 {
        bench.say(&n.to_string(), "room").await;
    }
    eventually(|| bench.outbox.len() == 5).await;
    assert_eq!(build.made.load(Ordering::Relaxed), 1);
    for lane in 0..50 {
        bench.say("many", &format!("room-{lane}")).await;
    }
    eventually(|| bench.status().running == 8).await;
    assert_eq!(bench.status().instances, 8);
    door.open();
    eventually(|| bench.outbox.len() == 55).await;
    eventually(|| bench.status().instances == 0).await;
    bench.say("one", "room").await;
    eventually(|| bench.outbox.len() == 56).await;
}

#[tokio::test]
async fn fresh_gives_each_event_an_instance_and_one_instance_is_one() {
    let bench = Bench::new();
    let build = FakeBuild::echo("");
    bench.lanes.install(PluginSpec {
        fresh: true,
        ..Bench::spec(Arc::clone(&build) as Arc<_>)
    });
    for n in 0..5 {
        bench.say(&n.to_string(), "room").await;
    }
    eventually(|| bench.outbox.len() == 5).await;
    assert_eq!(build.made.load(Ordering::Relaxed), 5);
    let running = Arc::new(AtomicU32::new(0));
    let most = Arc::new(AtomicU32::new(0));
    let (now, max) = (Arc::clone(&running), Arc::clone(&most));
    let one = FakeBuild::new(move |_| {
        let (now, max) = (Arc::clone(&now), Arc::clone(&max));
        async move {
            max.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(1)).await;
            now.fetch_sub(1, Ordering::Relaxed);
            done()
        }
    });
    bench.lanes.install(PluginSpec {
        instances: 1,
        ..Bench::spec(one)
    });
    for lane in 0..20 {
        bench.say("x", &format!("room-{lane}")).await;
    }
    eventually(|| bench.outbox.len() == 25).await;
    assert_eq!(most.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn one_poison_lane_does_not_quarantine_and_three_do() {
    let bench = Bench::new();
    let heals = Arc::new(AtomicBool::new(false));
    let calls = Arc::new(AtomicU64::new(0));
    let (healed, seen) = (Arc::clone(&heals), Arc::clone(&calls));
    bench.install(FakeBuild::new(move |_| {
        let is_healed = healed.load(Ordering::Relaxed);
        seen.fetch_add(1, Ordering::Relaxed);
        async move {
            if is_healed {
                done()
            } else {
                (fault(FaultKind::Failed), StateDelta::default())
            }
        }
    }));
    for _ in 0..5 {
        bench.say("x", "one").await;
    }
    eventually(|| bench.status().dead == 5).await;
    assert_eq!(bench.status().state, PluginState::Serving);
    bench.say("x", "two").await;
    bench.say("x", "three").await;
    eventually(|| bench.status().state == PluginState::Quarantined).await;
    for lane in 0..20 {
        bench.say("x", &format!("room-{lane}")).await;
    }
    let before = calls.load(Ordering::Relaxed);
    eventually(|| calls.load(Ordering::Relaxed) == before + 2).await;
    assert_eq!(bench.status().state, PluginState::Quarantined);
    heals.store(true, Ordering::Relaxed);
    eventually(|| bench.status().waiting == 0 && bench.status().running == 0).await;
    assert_eq!(bench.outbox.len() as u64 + bench.status().dead, 27);
    assert!(bench.outbox.len() >= 17);
    assert_eq!(bench.status().state, PluginState::Serving);
}

#[tokio::test]
async fn a_stop_lets_calls_in_flight_end() {
    let bench = Bench::new();
    let door = Door::closed();
    let inside = door.clone();
    bench.install(FakeBuild::new(move |_| {
        let door = inside.clone();
        async move {
            door.pass().await;
            done()
        }
    }));
    bench.say("1", "room").await;
    bench.say("2", "room").await;
    eventually(|| bench.status().running == 1).await;
    let lanes = Arc::clone(&bench.lanes);
    let stop = tokio::spawn(async move { lanes.stop().await });
    tokio::task::yield_now().await;
    assert!(!stop.is_finished());
    door.open();
    stop.await.unwrap();
    assert_eq!(bench.outbox.len(), 1);
    assert_eq!(bench.pending().await, 1);
}

#[tokio::test]
async fn a_panic_of_the_host_is_a_fault_of_that_delivery_only() {
    let bench = Bench::new();
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&order);
    bench.install(FakeBuild::new(move |delivery| {
        let seen = Arc::clone(&seen);
        async move {
            assert_ne!(delivery.event.id, "bad", "as intended");
            seen.lock().push(delivery.event.id.clone());
            done()
        }
    }));
    bench.say("bad", "room").await;
    bench.say("good", "room").await;
    eventually(|| bench.outbox.len() == 1).await;
    assert_eq!(*order.lock(), ["good"]);
    assert_eq!(bench.status().dead, 1);
}
