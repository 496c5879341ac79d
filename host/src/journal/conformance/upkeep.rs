//! Timers, pruning, counting, closing.

use super::make::{
    PLUGIN, TENANT, accept, arrival, deliver, keep, read, set, timer, timer_key, turn, write,
};
use super::parts::{parts, record, sent};
use crate::journal::{
    Accepted, Arrival, DeadReason, DeliveryEnd, FiredTimer, Journal, JournalError, PluginKey,
    StateChange, Timer, TimerChange, Turn,
};

/// A day and a little.
const NEXT_DAY_MS: u64 = 25 * 60 * 60 * 1000;

async fn change(journal: &dyn Journal, id: &str, timers: Vec<TimerChange>) {
    let delivery = deliver(journal, id).await;
    let turn = Turn {
        timers,
        ..turn(&delivery)
    };
    keep(journal, turn).await;
}

async fn due(journal: &dyn Journal, now: u64) -> Vec<(String, u64)> {
    let due = journal.due_timers(now, None, 10, 10).await.expect("listed");
    due.into_iter()
        .map(|timer| (timer.key.name, timer.due_at))
        .collect()
}

fn fired(id: &str, due_at: u64, next: Option<u64>) -> Arrival {
    Arrival {
        timer: Some(FiredTimer {
            key: timer_key(PLUGIN, "t"),
            due_at,
            next,
        }),
        ..arrival(id, &[PLUGIN])
    }
}

pub(crate) async fn timers_are_due_oldest_first(journal: &dyn Journal) {
    assert_eq!(journal.next_timer().await.expect("read"), None);
    let timers = [("b", 20), ("c", 30), ("a", 10)]
        .map(|(name, due_at)| TimerChange::Set(timer(name, due_at, "x")));
    change(journal, "1", timers.into()).await;
    assert_eq!(journal.next_timer().await.expect("read"), Some(10));
    let listed = due(journal, 20).await;
    assert_eq!(listed, [("a".to_owned(), 10), ("b".to_owned(), 20)]);
    let one = journal.due_timers(30, None, 1, 1).await.expect("listed");
    assert_eq!(one.len(), 1);
    let given = timer("a", 10, "x");
    assert_eq!(one[0].key, given.key);
    assert_eq!(
        (&one[0].schedule, one[0].missed),
        (&given.schedule, given.missed)
    );
    assert_eq!((&*one[0].payload, &one[0].origin), ("x", &given.origin));
}

pub(crate) async fn timer_of_the_same_name_is_replaced(journal: &dyn Journal) {
    change(journal, "1", vec![TimerChange::Set(timer("t", 10, "x"))]).await;
    change(journal, "2", vec![TimerChange::Set(timer("t", 50, "y"))]).await;
    assert!(due(journal, 49).await.is_empty());
    assert_eq!(due(journal, 50).await, [("t".to_owned(), 50)]);
    assert_eq!(journal.timer_count(TENANT, PLUGIN).await.expect("read"), 1);
    let is_set = async |plugin, name| journal.has_timer(&timer_key(plugin, name)).await;
    assert!(is_set(PLUGIN, "t").await.expect("read"));
    assert!(!is_set(PLUGIN, "u").await.expect("read"));
    assert!(!is_set("other", "t").await.expect("read"));
}

pub(crate) async fn fired_timer_is_armed_again_or_ends(journal: &dyn Journal) {
    change(journal, "1", vec![TimerChange::Set(timer("t", 10, "x"))]).await;
    accept(journal, fired("f1", 10, Some(60))).await;
    assert_eq!(due(journal, 100).await, [("t".to_owned(), 60)]);
    // The same firing again changes nothing.
    let again = journal
        .accept(fired("f1", 10, Some(60)))
        .await
        .expect("ordered");
    assert!(matches!(again.value, Accepted::Duplicate));
    assert_eq!(due(journal, 100).await, [("t".to_owned(), 60)]);
    accept(journal, fired("f2", 60, None)).await;
    assert!(due(journal, u64::MAX).await.is_empty());
}

pub(crate) async fn timer_set_anew_survives_an_old_firing(journal: &dyn Journal) {
    change(journal, "1", vec![TimerChange::Set(timer("t", 10, "x"))]).await;
    change(journal, "2", vec![TimerChange::Set(timer("t", 50, "y"))]).await;
    accept(journal, fired("f1", 10, None)).await;
    assert_eq!(due(journal, 100).await, [("t".to_owned(), 50)]);
}

pub(crate) async fn cancelled_timer_is_gone(journal: &dyn Journal) {
    change(journal, "1", vec![TimerChange::Set(timer("t", 10, "x"))]).await;
    let cancel = || TimerChange::Cancel(timer_key(PLUGIN, "t"));
    change(journal, "2", vec![cancel(), cancel()]).await;
    assert!(due(journal, 100).await.is_empty());
    assert_eq!(journal.next_timer().await.expect("read"), None);
}

pub(crate) async fn timers_are_counted_by_plugin(journal: &dyn Journal) {
    let other = Timer {
        key: timer_key("other", "t"),
        ..timer("t", u64::MAX, "x")
    };
    let timers = vec![
        TimerChange::Set(timer("a", 10, "x")),
        TimerChange::Set(timer("b", 10, "x")),
        TimerChange::Set(other),
    ];
    change(journal, "1", timers).await;
    assert_eq!(journal.timer_count(TENANT, PLUGIN).await.expect("read"), 2);
    assert_eq!(journal.timer_count(TENANT, "other").await.expect("read"), 1);
    assert_eq!(journal.timer_count(TENANT, "none").await.expect("read"), 0);
}

fn timer_of(plugin: &str, name: &str, due_at: u64) -> TimerChange {
    TimerChange::Set(Timer {
        key: timer_key(plugin, name),
        ..timer(name, due_at, "x")
    })
}

pub(crate) async fn plugins_take_turns_where_many_timers_are_due(journal: &dyn Journal) {
    let mut timers: Vec<TimerChange> = (0..30)
        .map(|number| timer_of("flood", &format!("f{number:02}"), 10 + number))
        .collect();
    timers.push(timer_of("able", "a1", 50));
    timers.push(timer_of("quiet", "q2", 61));
    timers.push(timer_of("quiet", "q1", 60));
    timers.push(timer_of("quiet", "later", 99));
    change(journal, "1", timers).await;
    let due = async |after: Option<&str>, each, limit| {
        let after = after.map(|plugin| PluginKey {
            tenant: TENANT.into(),
            plugin: plugin.into(),
        });
        let due = journal.due_timers(70, after.as_ref(), each, limit).await;
        let names = due.expect("listed").into_iter();
        names.map(|timer| timer.key.name).collect::<Vec<_>>()
    };
    // All of them, oldest first, where there is room for all.
    let all = due(None, 1, 33).await;
    assert_eq!(all.len(), 33);
    assert_eq!((&*all[0], &*all[32]), ("f00", "q2"));
    assert_eq!(due(None, 2, 9).await, ["a1", "f00", "f01", "q1", "q2"]);
    assert_eq!(due(Some("flood"), 2, 4).await, ["q1", "q2", "a1", "f00"]);
    assert_eq!(due(Some("able"), 3, 4).await, ["f00", "f01", "f02", "q1"]);
    assert_eq!(due(Some("zzz"), 1, 2).await, ["a1", "f00"]);
}

pub(crate) async fn parked_timers_are_not_due(journal: &dyn Journal) {
    let timers = vec![timer_of(PLUGIN, "t", 10), timer_of("other", "o", 20)];
    change(journal, "1", timers).await;
    let park = async |is_parked| {
        let parked = journal.park_timers(TENANT, PLUGIN, is_parked).await;
        parked
            .expect("ordered")
            .durable
            .wait()
            .await
            .expect("on disk");
    };
    park(true).await;
    park(true).await;
    assert_eq!(due(journal, 100).await, [("o".to_owned(), 20)]);
    assert_eq!(journal.next_timer().await.expect("read"), Some(20));
    assert_eq!(journal.timer_count(TENANT, PLUGIN).await.expect("read"), 1);
    let key = timer_key(PLUGIN, "t");
    assert!(journal.has_timer(&key).await.expect("read"));
    assert!(
        !journal
            .has_timer(&timer_key(PLUGIN, "u"))
            .await
            .expect("read")
    );
    park(false).await;
    park(false).await;
    assert_eq!(due(journal, 15).await, [("t".to_owned(), 10)]);
    assert_eq!(journal.next_timer().await.expect("read"), Some(10));
    park(true).await;
    // A parked one can be ended, and one that is set is not parked.
    change(journal, "2", vec![TimerChange::Cancel(key.clone())]).await;
    assert!(!journal.has_timer(&key).await.expect("read"));
    change(journal, "3", vec![timer_of(PLUGIN, "t", 5)]).await;
    assert_eq!(due(journal, 7).await, [("t".to_owned(), 5)]);
}

pub(crate) async fn timer_parked_before_its_firing_is_stored_stays_parked(journal: &dyn Journal) {
    change(journal, "1", vec![timer_of(PLUGIN, "t", 10)]).await;
    // It was found due, and its plugin went.
    let parked = journal.park_timers(TENANT, PLUGIN, true).await;
    let durable = parked.expect("ordered").durable;
    durable.wait().await.expect("on disk");
    accept(journal, fired("f1", 10, Some(60))).await;
    assert!(due(journal, 100).await.is_empty());
    assert_eq!(journal.next_timer().await.expect("read"), None);
    let taken_up = journal.park_timers(TENANT, PLUGIN, false).await;
    let durable = taken_up.expect("ordered").durable;
    durable.wait().await.expect("on disk");
    assert_eq!(due(journal, 100).await, [("t".to_owned(), 60)]);
}

fn next_day() -> u64 {
    crate::journal::shared::now() + NEXT_DAY_MS
}

pub(crate) async fn prune_leaves_what_is_open(journal: &dyn Journal) {
    let waiting = deliver(journal, "waiting").await;
    let queued = parts(journal, "queued", 1).await;
    for id in 0..20 {
        let done = parts(journal, &format!("done {id}"), 1).await;
        record(journal, sent(done[0].number)).await;
    }
    let dead = deliver(journal, "dead").await;
    let end = DeliveryEnd::Dead(DeadReason::Loop, "round and round".to_owned());
    journal.settle(dead.number, end).await.expect("ordered");
    let unrouted = Arrival {
        routes: None,
        ..arrival("unrouted", &[])
    };
    accept(journal, unrouted).await;

    journal.prune(next_day()).await.expect("pruned");
    assert_eq!(journal.counts().await.expect("counted").events, 4);
    let pending = journal.pending_deliveries(0, 9).await.expect("listed");
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].event, waiting.event);
    let open = journal.pending_parts(0, 9).await.expect("listed");
    assert_eq!(open[0].origin.id, queued[0].origin.id);
    assert_eq!(journal.dead_letters(0, 9).await.expect("listed").len(), 1);
    assert_eq!(journal.unrouted(0, 9).await.expect("listed").len(), 1);

    // Numbers go on, though the rows that had them are gone.
    let after = parts(journal, "after", 1).await;
    assert!(after[0].number > open[0].number + 20);
    journal
        .prune(next_day() + 31 * NEXT_DAY_MS)
        .await
        .expect("pruned");
    assert!(journal.dead_letters(0, 9).await.expect("listed").is_empty());
    keep(journal, turn(&waiting)).await;
}

pub(crate) async fn prune_drops_expired_state(journal: &dyn Journal) {
    let soon = crate::journal::shared::now() + NEXT_DAY_MS / 2;
    let expiring = StateChange::Set(b"12345".to_vec(), Some(soon));
    write(journal, "1", "going", expiring).await;
    write(journal, "2", "k", set("1")).await;
    let size = async || journal.state_size(TENANT, PLUGIN).await.expect("read");
    assert_eq!(size().await, 12);
    journal.prune(next_day()).await.expect("pruned");
    assert_eq!(size().await, 2);
    assert_eq!(read(journal, "going").await, (None, 0));
    assert_eq!(read(journal, "k").await.0.as_deref(), Some("1"));
    write(journal, "3", "k", StateChange::Delete).await;
    journal.prune(next_day()).await.expect("pruned");
    write(journal, "4", "k", set("2")).await;
    assert_eq!(read(journal, "k").await.0.as_deref(), Some("2"));
    assert_eq!(size().await, 2);
}

pub(crate) async fn counts_what_it_holds(journal: &dyn Journal) {
    let part = parts(journal, "a", 2).await;
    deliver(journal, "b").await;
    change(journal, "c", vec![TimerChange::Set(timer("t", 10, "x"))]).await;
    let counts = journal.counts().await.expect("counted");
    assert_eq!((counts.pending_deliveries, counts.pending_parts), (1, 2));
    assert_eq!((counts.timers, counts.dead_letters), (1, 0));
    assert!(counts.events >= 2, "{counts:?}");
    record(journal, sent(part[0].number)).await;
    assert_eq!(journal.counts().await.expect("counted").pending_parts, 1);
}

pub(crate) async fn durable_comes_after_ordered(journal: &dyn Journal) {
    // What is ordered is seen at once; when a later write is on disk, so is every earlier one.
    let mut earlier = Vec::new();
    for id in 0..50 {
        let ordered = journal.accept(arrival(&id.to_string(), &[PLUGIN])).await;
        earlier.push(ordered.expect("ordered").durable);
    }
    let last = earlier.pop().expect("fifty");
    last.wait().await.expect("on disk");
    for durable in earlier {
        assert!(durable.is_done());
    }
}

pub(crate) async fn closed_journal_says_so(journal: &dyn Journal) {
    let ordered = journal
        .accept(arrival("a", &[PLUGIN]))
        .await
        .expect("ordered");
    journal.close().await.expect("closed");
    ordered.durable.wait().await.expect("on disk");
    let refused = journal.accept(arrival("b", &[PLUGIN])).await;
    assert!(matches!(refused, Err(JournalError::Closed)));
    let refused = journal.state_get(&super::make::key("k")).await;
    assert!(matches!(refused, Err(JournalError::Closed)));
    let refused = journal.pending_parts(0, 1).await;
    assert!(matches!(refused, Err(JournalError::Closed)));
}
