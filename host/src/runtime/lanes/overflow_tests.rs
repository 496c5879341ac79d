//! What the lanes promise where too much waits for a plugin.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;

use super::LanesConfig;
use super::fakes::{Bench, Door, FakeBuild, event, eventually, fault, quick, reply};
use super::shaky::ShakyJournal;
use crate::journal::memory::MemoryJournal;
use crate::journal::{
    Accepted, Arrival, DeadLetter, DeadReason, DeliveryLoad, EventKey, StateDelta,
};
use crate::mailbox::DeliverySink as _;
use crate::model::Name;
use crate::model::delivery::{Route, View};
use crate::model::event::Event;
use crate::model::payload::{EventPayload, WebhookReceived};
use crate::runtime::guest::{CallEnd, FaultKind};

/// May wait in these tests.
const MOST: usize = 100;

fn config() -> LanesConfig {
    LanesConfig {
        most_waiting: DeliveryLoad {
            count: MOST as u64,
            bytes: u64::MAX,
        },
        overflow: Duration::from_millis(5),
        // Longer than a test: a plugin that is put into quarantine stays there.
        quarantine: Duration::from_secs(300),
        ..quick()
    }
}

fn bench(config: LanesConfig) -> Bench {
    Bench::with(Arc::new(MemoryJournal::new()), config)
}

fn ids(ids: std::ops::Range<usize>) -> Vec<String> {
    ids.map(|id| id.to_string()).collect()
}

async fn say(bench: &Bench, range: std::ops::Range<usize>) {
    for id in range {
        bench.say(&id.to_string(), "room").await;
    }
}

async fn until_pending(bench: &Bench, wanted: usize) {
    while bench.pending().await != wanted as u64 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn letters(bench: &Bench) -> Vec<DeadLetter> {
    let letters = bench.journal.dead_letters(0, 10_000).await;
    letters.expect("listed")
}

async fn overflowed(bench: &Bench) -> Vec<String> {
    let letters = letters(bench).await.into_iter();
    let over = letters.filter(|it| it.reason == DeadReason::Overflow);
    over.map(|it| it.delivery.event.id.clone()).collect()
}

#[tokio::test]
async fn the_newest_remain_of_a_flood_for_a_plugin_that_is_gone() {
    let bench = bench(config());
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let hears = Arc::clone(&heard);
    bench.lanes.on_dead(Box::new(move |delivery, reason, _| {
        assert_eq!(reason, DeadReason::Overflow);
        hears.lock().push(delivery.event.id.clone());
    }));
    say(&bench, 0..1_000).await;
    until_pending(&bench, MOST).await;
    assert_eq!(overflowed(&bench).await, ids(0..900));
    assert_eq!(*heard.lock(), ids(0..900));
    let details: Vec<String> = letters(&bench)
        .await
        .into_iter()
        .map(|it| it.detail)
        .collect();
    assert!(
        details
            .iter()
            .all(|it| it.ends_with(" deliveries waited, at most 100")),
        "{details:?}"
    );
    eventually(|| bench.status().dead == 900).await;
    bench.install(FakeBuild::echo(""));
    eventually(|| bench.outbox.len() == MOST).await;
    assert_eq!(bench.outbox.texts("room"), ids(900..1_000));
    until_pending(&bench, 0).await;
}

#[tokio::test]
async fn a_plugin_in_quarantine_keeps_the_newest_and_goes_on_in_order() {
    let bench = bench(LanesConfig {
        waiting: 30,
        ..config()
    });
    bench.install(FakeBuild::new(|_| async {
        (fault(FaultKind::Failed), StateDelta::default())
    }));
    for room in ["a", "b", "c"] {
        bench.say("fails", room).await;
    }
    eventually(|| bench.status().held_by.is_some()).await;
    for id in 0..500 {
        bench
            .say(&id.to_string(), &format!("room-{}", id % 7))
            .await;
    }
    until_pending(&bench, MOST).await;
    assert_eq!(overflowed(&bench).await, ids(0..400));
    bench.install(FakeBuild::echo(""));
    eventually(|| bench.outbox.len() == MOST).await;
    for room in 0..7 {
        let wanted: Vec<String> = (400..500)
            .filter(|id| id % 7 == room)
            .map(|id| id.to_string())
            .collect();
        assert_eq!(bench.outbox.texts(&format!("room-{room}")), wanted);
    }
    // What came behind memory's bound was read from the journal, and new events go on too.
    bench.say("new", "a").await;
    eventually(|| bench.outbox.len() == MOST + 1).await;
}

#[tokio::test]
async fn what_is_being_handled_is_not_given_up() {
    let bench = bench(config());
    let door = Door::closed();
    let inside = door.clone();
    bench.install(FakeBuild::new(move |delivery| {
        let door = inside.clone();
        async move {
            door.pass().await;
            let text = delivery.event.id.clone();
            (CallEnd::Done(vec![reply(&text)]), StateDelta::default())
        }
    }));
    for room in 0..5 {
        bench
            .say(&format!("first-{room}"), &format!("slow-{room}"))
            .await;
    }
    eventually(|| bench.status().running == 5).await;
    say(&bench, 0..1).await;
    eventually(|| bench.status().running == 6).await;
    say(&bench, 1..700).await;
    // So many wait, and six are being handled.
    until_pending(&bench, MOST + 6).await;
    assert_eq!(overflowed(&bench).await, ids(1..600));
    door.open();
    eventually(|| bench.outbox.len() == MOST + 6).await;
    let mut wanted = ids(600..700);
    wanted.insert(0, "0".to_owned());
    assert_eq!(bench.outbox.texts("room"), wanted);
    for room in 0..5 {
        let texts = bench.outbox.texts(&format!("slow-{room}"));
        assert_eq!(texts, [format!("first-{room}")]);
    }
}

#[tokio::test]
async fn what_waited_at_rest_counts_too() {
    let bench = bench(config());
    for id in 0..2_500 {
        bench.accept(&id.to_string(), "room").await;
    }
    bench.lanes.recover().await.expect("recovered");
    until_pending(&bench, MOST).await;
    bench.install(FakeBuild::echo(""));
    eventually(|| bench.outbox.len() == MOST).await;
    assert_eq!(bench.outbox.texts("room"), ids(2_400..2_500));
    until_pending(&bench, 0).await;
}

#[tokio::test]
async fn bytes_have_a_bound_of_their_own() {
    const BODY: usize = 10_000;
    let call = |id: usize| Event {
        payload: EventPayload::WebhookReceived(WebhookReceived {
            name: "pager".to_owned(),
            delivery_id: None,
            method: "POST".to_owned(),
            headers: Vec::new(),
            body: vec![b'x'; BODY],
        }),
        ..event(&id.to_string(), "room")
    };
    let bench = bench(LanesConfig {
        most_waiting: DeliveryLoad {
            count: u64::MAX,
            bytes: 21 * BODY as u64,
        },
        waiting_bytes: 10 * BODY,
        ..config()
    });
    for id in 0..200 {
        let deliveries = bench.accept_event(call(id)).await;
        bench.lanes.deliver(deliveries);
    }
    until_pending(&bench, 19).await;
    let letters = letters(&bench).await;
    assert_eq!(letters.len(), 181);
    let wanted = " bytes of events waited, at most 210000";
    assert!(letters[0].detail.ends_with(wanted), "{}", letters[0].detail);
    bench.install(FakeBuild::echo(""));
    eventually(|| bench.outbox.len() == 19).await;
    assert_eq!(bench.outbox.texts("room"), ids(181..200));
    assert_eq!(bench.status().waiting, 0);
}

#[tokio::test]
async fn neighbours_keep_what_is_theirs() {
    let bench = bench(config());
    bench.install(FakeBuild::echo(""));
    say(&bench, 0..50).await;
    // A plugin of the same name is another tenant's.
    for id in 0..300 {
        let arrival = Arrival {
            tenant: Name::from("elsewhere"),
            key: EventKey::new(&["elsewhere", &id.to_string()]),
            event: Arc::new(event(&id.to_string(), "room")),
            lane: Name::from("room"),
            routes: Some(vec![Route {
                plugin: Name::from("joke"),
                view: View::Whole,
                roles: Vec::new(),
            }]),
            timer: None,
            request: None,
            forms: Vec::new(),
        };
        let accepted = bench.journal.accept(arrival).await.expect("ordered").value;
        if let Accepted::New { deliveries, .. } = accepted {
            bench.lanes.deliver(deliveries);
        }
    }
    say(&bench, 50..60).await;
    eventually(|| bench.outbox.len() == 60).await;
    until_pending(&bench, MOST).await;
    assert_eq!(bench.outbox.texts("room"), ids(0..60));
    let letters = letters(&bench).await;
    assert_eq!(letters.len(), 200);
    assert!(letters.iter().all(|it| &*it.delivery.tenant == "elsewhere"));
}

#[tokio::test]
async fn what_a_full_journal_does_not_keep_goes_back_to_its_lane() {
    let journal = ShakyJournal::new();
    let bench = Bench::with(Arc::clone(&journal) as Arc<_>, config());
    journal.is_full.store(true, Ordering::Relaxed);
    say(&bench, 0..300).await;
    eventually(|| journal.refusals.load(Ordering::Relaxed) > 0).await;
    assert_eq!(overflowed(&bench).await, ids(0..0));
    assert_eq!(bench.pending().await, 300);
    journal.is_full.store(false, Ordering::Relaxed);
    until_pending(&bench, MOST).await;
    assert_eq!(overflowed(&bench).await, ids(0..200));
    bench.install(FakeBuild::echo(""));
    eventually(|| bench.outbox.len() == MOST).await;
    assert_eq!(bench.outbox.texts("room"), ids(200..300));
}

#[tokio::test]
async fn a_bot_with_too_much_to_send_holds_the_plugins_that_write_to_it() {
    let bench = bench(quick());
    bench.install(FakeBuild::echo(""));
    say(&bench, 0..10).await;
    eventually(|| bench.outbox.len() == 10).await;
    // The commit that finds the outbox full is the last one, however long it stays so.
    bench.outbox.full.lock().insert("desk".to_owned());
    say(&bench, 10..60).await;
    eventually(|| bench.outbox.len() == 11).await;
    let asked = || bench.outbox.asked.load(Ordering::Relaxed);
    let before = asked();
    eventually(|| asked() >= before + 5).await;
    let status = bench.status();
    assert_eq!((bench.outbox.len(), status.waiting), (11, 49));
    // Another bot's outbox is nothing to it.
    bench.outbox.full.lock().insert("other".to_owned());
    bench.outbox.full.lock().remove("desk");
    eventually(|| bench.outbox.len() == 60).await;
    assert_eq!(bench.outbox.texts("room"), ids(0..60));
}
