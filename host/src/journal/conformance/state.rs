//! Plugins' state and its conflict rule.

use super::make::{
    PLUGIN, TENANT, commit, commit_state, deliver, keep, key, read, scope, set, turn, write, writes,
};
use crate::journal::{Committed, Journal, StateChange, StateDelta, StateKey, Turn};

fn conflicts(end: &Committed) -> bool {
    matches!(end, Committed::Conflict)
}

async fn keys(journal: &dyn Journal, prefix: &str) -> (Vec<String>, u64) {
    let listed = journal.state_keys(&scope("p"), prefix, None, 100).await;
    listed.expect("listed")
}

pub(crate) async fn value_is_read_with_its_version(journal: &dyn Journal) {
    assert_eq!(read(journal, "k").await, (None, 0));
    write(journal, "1", "k", set("a")).await;
    let (value, first) = read(journal, "k").await;
    assert_eq!(value.as_deref(), Some("a"));
    write(journal, "2", "k", set("b")).await;
    let (value, second) = read(journal, "k").await;
    assert_eq!(value.as_deref(), Some("b"));
    assert!(0 < first && first < second);
}

pub(crate) async fn versions_never_come_again(journal: &dyn Journal) {
    write(journal, "1", "k", set("a")).await;
    let (_, first) = read(journal, "k").await;
    write(journal, "2", "k", StateChange::Delete).await;
    assert_eq!(read(journal, "k").await, (None, 0));
    write(journal, "3", "k", set("a")).await;
    let (_, second) = read(journal, "k").await;
    assert!(second > first, "{second} {first}");
}

pub(crate) async fn read_conflicts_with_any_write(journal: &dyn Journal) {
    for (at, change) in [set("b"), StateChange::Delete, StateChange::Add(0)]
        .into_iter()
        .enumerate()
    {
        write(journal, &format!("{at}a"), "k", set("1")).await;
        let (_, version) = read(journal, "k").await;
        write(journal, &format!("{at}b"), "k", change).await;
        let stale = StateDelta {
            reads: vec![(key("k"), version)],
            ..StateDelta::default()
        };
        let end = commit_state(journal, &format!("{at}c"), stale).await;
        assert!(conflicts(&end), "{at}");
    }
}

pub(crate) async fn absent_key_read_conflicts_with_its_making(journal: &dyn Journal) {
    let (_, version) = read(journal, "k").await;
    write(journal, "1", "k", set("a")).await;
    let stale = StateDelta {
        reads: vec![(key("k"), version)],
        ..writes(vec![(key("k"), set("b"))])
    };
    assert!(conflicts(&commit_state(journal, "2", stale).await));
    assert_eq!(read(journal, "k").await.0.as_deref(), Some("a"));
}

pub(crate) async fn list_conflicts_with_a_new_key_only(journal: &dyn Journal) {
    write(journal, "1", "a", set("1")).await;
    let (_, version) = keys(journal, "").await;
    write(journal, "2", "a", set("2")).await;
    let listed = StateDelta {
        lists: vec![(scope("p"), version)],
        ..writes(vec![(key("b"), set("1"))])
    };
    assert!(!conflicts(
        &commit_state(journal, "3", listed.clone()).await
    ));
    let phantom = commit_state(journal, "4", listed).await;
    assert!(conflicts(&phantom));
}

pub(crate) async fn list_conflicts_with_a_key_gone(journal: &dyn Journal) {
    write(journal, "1", "a", set("1")).await;
    let (_, version) = keys(journal, "").await;
    write(journal, "2", "a", StateChange::Delete).await;
    let listed = StateDelta {
        lists: vec![(scope("p"), version)],
        ..StateDelta::default()
    };
    assert!(conflicts(&commit_state(journal, "3", listed).await));
}

pub(crate) async fn add_never_conflicts(journal: &dyn Journal) {
    let mut turns = Vec::new();
    for id in 0..20 {
        let delivery = deliver(journal, &id.to_string()).await;
        turns.push(Turn {
            state: writes(vec![(key("sum"), StateChange::Add(id - 5))]),
            ..turn(&delivery)
        });
    }
    let ends = futures::future::join_all(turns.into_iter().map(|turn| journal.commit(turn))).await;
    for end in ends {
        assert!(!conflicts(&end.expect("ordered").value));
    }
    assert_eq!(read(journal, "sum").await.0.as_deref(), Some("90"));
}

pub(crate) async fn add_counts_what_is_no_number_as_0(journal: &dyn Journal) {
    write(journal, "1", "k", set("pizza")).await;
    write(journal, "2", "k", StateChange::Add(-3)).await;
    assert_eq!(read(journal, "k").await.0.as_deref(), Some("-3"));
    write(journal, "3", "k", StateChange::Add(i64::MIN)).await;
    let least = i64::MIN.to_string();
    assert_eq!(read(journal, "k").await.0, Some(least));
}

pub(crate) async fn expired_value_reads_as_none(journal: &dyn Journal) {
    let over = StateChange::Set(b"x".to_vec(), Some(1));
    let lasting = StateChange::Set(b"y".to_vec(), Some(u64::MAX));
    write(journal, "1", "over", over).await;
    write(journal, "2", "lasting", lasting).await;
    assert_eq!(read(journal, "over").await, (None, 0));
    assert_eq!(read(journal, "lasting").await.0.as_deref(), Some("y"));
    let unread = StateDelta {
        reads: vec![(key("over"), 0)],
        ..writes(vec![(key("over"), StateChange::Add(2))])
    };
    assert!(!conflicts(&commit_state(journal, "3", unread).await));
    assert_eq!(read(journal, "over").await.0.as_deref(), Some("2"));
}

pub(crate) async fn expired_value_is_listed_no_more(journal: &dyn Journal) {
    let over = StateChange::Set(b"x".to_vec(), Some(1));
    write(journal, "1", "over", over).await;
    write(journal, "2", "there", set("1")).await;
    let (listed, version) = keys(journal, "").await;
    assert_eq!(listed, ["there"]);
    write(journal, "3", "over", set("back")).await;
    let stale = StateDelta {
        lists: vec![(scope("p"), version)],
        ..StateDelta::default()
    };
    assert!(conflicts(&commit_state(journal, "4", stale).await));
}

pub(crate) async fn keys_come_in_pages_by_prefix(journal: &dyn Journal) {
    let names = ["a", "b:1", "b:2", "b:3", "b:é", "b;", "c"];
    let all = names.iter().rev().map(|name| (key(name), set("1")));
    let end = commit_state(journal, "1", writes(all.collect())).await;
    assert!(!conflicts(&end));
    let page = async |after: Option<&str>, limit| {
        let listed = journal.state_keys(&scope("p"), "b:", after, limit).await;
        listed.expect("listed").0
    };
    assert_eq!(page(None, 2).await, ["b:1", "b:2"]);
    assert_eq!(page(Some("b:2"), 2).await, ["b:3", "b:é"]);
    assert!(page(Some("b:é"), 2).await.is_empty());
    assert_eq!(page(Some("a"), 1).await, ["b:1"]);
    assert_eq!(keys(journal, "").await.0, names);
}

pub(crate) async fn scopes_are_apart(journal: &dyn Journal) {
    let other = StateKey {
        scope: scope("croom"),
        key: "k".to_owned(),
    };
    let both = writes(vec![(key("k"), set("p")), (other.clone(), set("c"))]);
    assert!(!conflicts(&commit_state(journal, "1", both).await));
    let (_, version) = keys(journal, "").await;
    let (value, _) = journal.state_get(&other).await.expect("read");
    assert_eq!(value.as_deref(), Some(b"c".as_slice()));
    let delete = writes(vec![(other, StateChange::Delete)]);
    assert!(!conflicts(&commit_state(journal, "2", delete).await));
    assert_eq!(keys(journal, "").await, (vec!["k".to_owned()], version));
}

pub(crate) async fn size_follows_writes(journal: &dyn Journal) {
    let size = async || journal.state_size(TENANT, PLUGIN).await.expect("read");
    assert_eq!(size().await, 0);
    write(journal, "1", "key", set("12345")).await;
    assert_eq!(size().await, 8);
    write(journal, "2", "key", set("1")).await;
    assert_eq!(size().await, 4);
    write(journal, "3", "k", StateChange::Add(10)).await;
    assert_eq!(size().await, 7);
    write(journal, "4", "key", StateChange::Delete).await;
    write(journal, "5", "key", StateChange::Delete).await;
    assert_eq!(size().await, 3);
}

pub(crate) async fn writes_of_one_turn_take_their_order(journal: &dyn Journal) {
    let several = writes(vec![
        (key("k"), set("5")),
        (key("k"), StateChange::Add(2)),
        (key("gone"), set("x")),
        (key("gone"), StateChange::Delete),
    ]);
    assert!(!conflicts(&commit_state(journal, "1", several).await));
    assert_eq!(read(journal, "k").await.0.as_deref(), Some("7"));
    assert_eq!(keys(journal, "").await.0, ["k"]);
}

pub(crate) async fn eight_writers_count_exactly(journal: &dyn Journal) {
    const EACH: usize = 25;
    let writers = (0..8).map(|writer| async move {
        for at in 0..EACH {
            let delivery = deliver(journal, &format!("{writer}-{at}")).await;
            loop {
                let (value, version) = read(journal, "count").await;
                let count: u64 = value.map_or(0, |text| text.parse().expect("a number"));
                let state = StateDelta {
                    reads: vec![(key("count"), version)],
                    ..writes(vec![(key("count"), set(&(count + 1).to_string()))])
                };
                let turn = Turn {
                    state,
                    ..turn(&delivery)
                };
                if !conflicts(&commit(journal, turn).await) {
                    break;
                }
            }
        }
    });
    futures::future::join_all(writers).await;
    let sum = (8 * EACH).to_string();
    assert_eq!(read(journal, "count").await.0, Some(sum));
    let delivery = deliver(journal, "last").await;
    assert!(keep(journal, turn(&delivery)).await.is_empty());
}
