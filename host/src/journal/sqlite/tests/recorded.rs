//! Deliveries with what came of them, and the state that replays carry on.

use std::sync::Arc;

use parking_lot::Mutex;

use super::open;
use crate::journal::conformance::broadcasts::broadcast;
use crate::journal::conformance::make::{
    PLUGIN, TENANT, accept, action, arrival, deliver, keep, key, new_part, scope, set, timer, turn,
    writes,
};
use crate::journal::conformance::past::bury;
use crate::journal::conformance::requests::ask;
use crate::journal::sqlite::{CarriedState, JOURNAL_FILE, RestingJournal};
use crate::journal::{
    DeliveryEnd, Journal as _, PastState, RecordedQuery, StateChange, StateKey, TimerChange,
    TimerNote, Turn,
};

fn all() -> RecordedQuery {
    RecordedQuery {
        plugin: PLUGIN.to_owned(),
        event: None,
        since: None,
        limit: 100,
    }
}

fn rest(folder: &tempfile::TempDir) -> RestingJournal {
    let resting = RestingJournal::open(folder.path()).expect("opened");
    resting.expect("there is one")
}

#[tokio::test]
async fn what_a_plugin_returned_is_read_back_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let done = deliver(&journal, "done").await;
    let set_timer = TimerChange::Set(timer("t", 10, &"x".repeat(300)));
    let key = match &set_timer {
        TimerChange::Set(timer) => timer.key.clone(),
        TimerChange::Cancel(key) => key.clone(),
    };
    let kept = Turn {
        parts: vec![new_part(0, false), new_part(1, false)],
        timers: vec![set_timer, TimerChange::Cancel(key)],
        ..turn(&done)
    };
    keep(&journal, kept).await;
    let news = broadcast(&journal, "news", 3, 1).await;
    ask(&journal, "asks", "k").await;
    let refused = deliver(&journal, "refused").await;
    let end = DeliveryEnd::Refused("not mine".to_owned());
    journal.settle(refused.number, end).await.expect("ordered");
    let dead = deliver(&journal, "dead").await;
    bury(&journal, dead.number, "trapped").await;
    let waits = deliver(&journal, "waits").await;
    accept(&journal, arrival("elsewhere", &["other"])).await;
    journal.close().await.expect("closed");

    let resting = rest(&folder);
    let numbers = resting.recorded_numbers(&all()).expect("read");
    assert!(numbers.is_sorted() && numbers.len() == 6, "{numbers:?}");
    let of = |number| {
        let recorded = resting.recorded(number).expect("read");
        recorded.expect("it is kept")
    };
    let recorded = of(done.number);
    assert_eq!(recorded.state, PastState::Done);
    assert_eq!(recorded.delivery.event.id, "done");
    assert_eq!(recorded.took_us, Some(17));
    assert_eq!(recorded.parts.len(), 2);
    assert_eq!(recorded.parts[1].action, action("k1"));
    let timers = recorded.timers.expect("they are noted");
    let [
        TimerNote::Set { name, payload, .. },
        TimerNote::Cancel(cancelled),
    ] = timers.as_slice()
    else {
        panic!("{timers:?}")
    };
    assert_eq!((name.as_str(), cancelled.as_str()), ("t", "t"));
    assert!(payload.starts_with("sha256:"), "{payload}");
    let recorded = of(news.delivery);
    assert_eq!(recorded.broadcasts[0].targets, news.what.targets);
    assert_eq!(recorded.timers, Some(Vec::new()));
    let asked = numbers.iter().map(|number| of(*number));
    let asked = asked.filter(|it| it.requests.len() == 1).count();
    assert_eq!(asked, 1);
    assert_eq!(of(refused.number).detail.as_deref(), Some("not mine"));
    assert_eq!(of(dead.number).state, PastState::Dead);
    assert_eq!(of(waits.number).state, PastState::Waiting);
    assert!(resting.recorded(4_711).expect("read").is_none());
}

#[tokio::test]
async fn deliveries_are_asked_for_in_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let mut numbers = Vec::new();
    for id in ["a", "b", "c"] {
        numbers.push(deliver(&journal, id).await);
    }
    journal.close().await.expect("closed");
    let resting = rest(&folder);
    let found = |query| resting.recorded_numbers(&query).expect("read");
    let number = |index: usize| numbers[index].number;
    let last = RecordedQuery { limit: 2, ..all() };
    assert_eq!(found(last), [number(1), number(2)]);
    let event = RecordedQuery {
        event: Some(numbers[1].event.sequence),
        ..all()
    };
    assert_eq!(found(event), [number(1)]);
    let never = RecordedQuery {
        since: Some(u64::MAX / 4),
        ..all()
    };
    assert!(found(never).is_empty());
    let other = RecordedQuery {
        plugin: "other".to_owned(),
        ..all()
    };
    assert!(found(other).is_empty());
}

#[tokio::test]
async fn what_was_forgotten_is_said_to_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let done = deliver(&journal, "done").await;
    let kept = Turn {
        timers: vec![TimerChange::Set(timer("t", 10, "secret"))],
        ..turn(&done)
    };
    keep(&journal, kept).await;
    journal.forget(TENANT, "u1").await.expect("forgotten");
    journal.close().await.expect("closed");
    let recorded = rest(&folder).recorded(done.number).expect("read");
    let recorded = recorded.expect("that there was one stays");
    assert!(recorded.is_forgotten);
    assert_eq!(recorded.timers, None);
}

#[tokio::test]
async fn a_journal_of_version_3_tells_that_timers_are_not_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let old = deliver(&journal, "old").await;
    keep(&journal, turn(&old)).await;
    journal.close().await.expect("closed");
    {
        let path = folder.path().join(JOURNAL_FILE);
        let connection = rusqlite::Connection::open(path).expect("opened");
        let sql = "ALTER TABLE deliveries DROP COLUMN timers;
            UPDATE meta SET value = 3 WHERE name = 'schema';";
        connection.execute_batch(sql).expect("made older");
    }
    let journal = open(folder.path());
    let new = deliver(&journal, "new").await;
    keep(&journal, turn(&new)).await;
    journal.close().await.expect("closed");
    let resting = rest(&folder);
    let timers = |number| {
        let recorded = resting.recorded(number).expect("read");
        recorded.expect("it is kept").timers
    };
    assert_eq!(timers(old.number), None);
    assert_eq!(timers(new.number), Some(Vec::new()));
}

#[tokio::test]
async fn carried_state_is_seen_and_written_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let delivery = deliver(&journal, "a").await;
    let number = key("number");
    let kept = Turn {
        state: writes(vec![
            (key("a"), set("1")),
            (key("b"), set("2")),
            (number.clone(), set("5")),
        ]),
        ..turn(&delivery)
    };
    keep(&journal, kept).await;
    journal.close().await.expect("closed");
    let path = folder.path().join(JOURNAL_FILE);
    let before = std::fs::read(&path).expect("read");

    let state = CarriedState::new(Arc::new(Mutex::new(rest(&folder))));
    let keys = |prefix: &str, after: Option<&str>, limit| {
        let keys = state.keys(&scope("p"), prefix, after, limit);
        keys.expect("listed")
    };
    assert_eq!(keys("", None, 9), ["a", "b", "number"]);
    let changes = vec![
        (key("a"), StateChange::Delete),
        (key("c"), set("3")),
        (number.clone(), StateChange::Add(2)),
    ];
    state.carry(writes(changes)).expect("carried");
    assert_eq!(keys("", None, 9), ["b", "c", "number"]);
    assert_eq!(keys("", Some("b"), 1), ["c"]);
    assert_eq!(keys("n", None, 9), ["number"]);
    let value = |key: &StateKey| state.get(key).expect("read");
    assert_eq!(value(&key("a")), None);
    assert_eq!(value(&key("b")), Some(b"2".to_vec()));
    assert_eq!(value(&number), Some(b"7".to_vec()));
    assert!(state.size(TENANT, PLUGIN).expect("read") > 0);
    assert_eq!(std::fs::read(&path).expect("read"), before);
}
