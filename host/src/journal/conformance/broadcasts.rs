//! Broadcasts: one body, parts a few targets at a time.

use std::sync::Arc;

use super::make::{action, deliver, keep, turn};
use super::parts::{record, sent};
use crate::journal::{Broadcast, Journal, NewBroadcast, Part, PartUpdate, Turn, Urgency};
use crate::model::Name;
use crate::model::payload::ActionError;

/// A day and a little.
const NEXT_DAY_MS: u64 = 25 * 60 * 60 * 1000;

/// Commits a broadcast of so many parts to `room-0`, `room-1` and so on.
pub(crate) async fn broadcast(
    journal: &dyn Journal,
    id: &str,
    targets: usize,
    parts: usize,
) -> Broadcast {
    let delivery = deliver(journal, id).await;
    let new = NewBroadcast {
        bot: Name::from("desk"),
        index: 3,
        actions: (0..parts).map(|part| action(&format!("p{part}"))).collect(),
        targets: (0..targets).map(room).collect(),
    };
    let turn = Turn {
        broadcasts: vec![new],
        ..turn(&delivery)
    };
    assert!(keep(journal, turn).await.is_empty(), "no part is made yet");
    let last = open(journal).await.pop().expect("it is open");
    assert_eq!(last.delivery, delivery.number);
    last
}

fn room(number: usize) -> Name {
    Name::from(format!("room-{number}"))
}

async fn open(journal: &dyn Journal) -> Vec<Broadcast> {
    let open = journal.pending_broadcasts(0, 100).await;
    open.expect("listed")
}

pub(crate) async fn expand(journal: &dyn Journal, broadcast: &Broadcast, rows: usize) -> Vec<Part> {
    let ordered = journal.expand(broadcast, rows).await.expect("ordered");
    ordered.durable.wait().await.expect("on disk");
    ordered.value
}

async fn retarget(journal: &dyn Journal, broadcast: &Broadcast, kept: Vec<Name>) -> bool {
    let ordered = journal.retarget(broadcast, kept).await.expect("ordered");
    ordered.durable.wait().await.expect("on disk");
    ordered.value
}

async fn pending_parts(journal: &dyn Journal) -> u64 {
    journal.counts().await.expect("counted").pending_parts
}

pub(crate) async fn broadcast_is_expanded_from_one_body(journal: &dyn Journal) {
    let all = broadcast(journal, "a", 250, 1).await;
    assert_eq!((all.expanded, all.targets_left()), (0, 250));
    assert_eq!(pending_parts(journal).await, 250);
    let first = expand(journal, &all, 100).await;
    assert_eq!(first.len(), 100);
    assert_eq!(pending_parts(journal).await, 250);
    let now = open(journal).await.remove(0);
    assert_eq!((now.expanded, now.targets_left()), (100, 150));
    let second = expand(journal, &now, 100).await;
    let third = expand(journal, &open(journal).await[0], 100).await;
    assert_eq!((second.len(), third.len()), (100, 50));
    let listed = journal.pending_parts(0, 1_000).await.expect("listed");
    let made: Vec<&Part> = first.iter().chain(&second).chain(&third).collect();
    assert_eq!(listed.len(), made.len());
    for (target, (listed, made)) in listed.iter().zip(made).enumerate() {
        assert_eq!(listed.number, made.number);
        assert_eq!(listed.what.conversation, room(target));
        assert_eq!(made.what.conversation, room(target));
        for part in [listed, made] {
            assert_eq!(part.what.action, all.what.actions[0]);
            assert_eq!(part.what.urgency, Urgency::Broadcast);
            assert_eq!((part.what.index, part.what.part), (3, 0));
            assert_eq!(part.broadcast, Some(all.number));
            assert_eq!(part.delivery, all.delivery);
            assert_eq!(part.origin.id, "a");
            assert!(!part.what.sending);
        }
    }
}

pub(crate) async fn broadcast_of_several_parts_keeps_their_order(journal: &dyn Journal) {
    let all = broadcast(journal, "a", 5, 2).await;
    // Three rows are one target's two and a half of the next: whole targets only.
    let made = expand(journal, &all, 3).await;
    let places: Vec<(String, u32)> = made
        .iter()
        .map(|part| (part.what.conversation.to_string(), part.what.part))
        .collect();
    assert_eq!(places, [("room-0".to_owned(), 0), ("room-0".to_owned(), 1)]);
    assert_eq!(made[1].what.action, all.what.actions[1]);
    // Fewer rows than one target needs are still one target.
    let made = expand(journal, &open(journal).await[0], 1).await;
    assert_eq!(made.len(), 2);
    assert_eq!(pending_parts(journal).await, 10);
}

pub(crate) async fn broadcast_ends_with_its_last_part(journal: &dyn Journal) {
    let all = broadcast(journal, "a", 4, 1).await;
    let first = expand(journal, &all, 2).await;
    record(journal, sent(first[0].number)).await;
    record(journal, sent(first[1].number)).await;
    // Nothing of it is open for the moment, and it is not through.
    let now = open(journal).await.remove(0);
    assert_eq!((now.sent, now.failed, now.targets_left()), (2, 0, 2));
    let rest = expand(journal, &now, 100).await;
    let failed = PartUpdate::Failed(rest[0].number, ActionError::NotFound, "gone".to_owned());
    record(journal, failed).await;
    let now = open(journal).await.remove(0);
    assert_eq!((now.sent, now.failed, now.targets_left()), (2, 1, 0));
    record(journal, sent(rest[1].number)).await;
    assert!(open(journal).await.is_empty());
    assert_eq!(pending_parts(journal).await, 0);
    record(journal, sent(rest[1].number)).await;
    assert!(open(journal).await.is_empty());
}

pub(crate) async fn an_old_picture_of_a_broadcast_expands_nothing(journal: &dyn Journal) {
    let old = broadcast(journal, "a", 10, 1).await;
    assert_eq!(expand(journal, &old, 4).await.len(), 4);
    assert!(expand(journal, &old, 4).await.is_empty());
    assert!(!retarget(journal, &old, Vec::new()).await);
    assert_eq!(pending_parts(journal).await, 10);
    let unknown = Broadcast { number: 77, ..old };
    assert!(expand(journal, &unknown, 4).await.is_empty());
}

pub(crate) async fn dropped_targets_get_no_parts(journal: &dyn Journal) {
    let all = broadcast(journal, "a", 6, 1).await;
    let made = expand(journal, &all, 2).await;
    let now = open(journal).await.remove(0);
    assert!(retarget(journal, &now, vec![room(3), room(5)]).await);
    assert_eq!(pending_parts(journal).await, 4);
    let now = open(journal).await.remove(0);
    assert_eq!(now.what.targets, [0, 1, 3, 5].map(room));
    let rest = expand(journal, &now, 100).await;
    assert_eq!(rest[0].what.conversation, room(3));
    assert_eq!(rest[1].what.conversation, room(5));
    for part in made.iter().chain(&rest) {
        record(journal, sent(part.number)).await;
    }
    assert!(open(journal).await.is_empty());
}

pub(crate) async fn broadcast_without_a_target_left_is_through(journal: &dyn Journal) {
    let all = broadcast(journal, "a", 6, 1).await;
    assert!(retarget(journal, &all, Vec::new()).await);
    assert!(open(journal).await.is_empty());
    assert_eq!(pending_parts(journal).await, 0);
    // With parts on their way it ends with the last of them.
    let all = broadcast(journal, "b", 6, 1).await;
    let made = expand(journal, &all, 1).await;
    let now = open(journal).await.remove(0);
    assert!(retarget(journal, &now, Vec::new()).await);
    assert_eq!(open(journal).await.len(), 1);
    record(journal, sent(made[0].number)).await;
    assert!(open(journal).await.is_empty());
}

pub(crate) async fn broadcasts_come_in_pages(journal: &dyn Journal) {
    let first = broadcast(journal, "a", 1, 1).await;
    let second = broadcast(journal, "b", 2, 1).await;
    assert!(first.number < second.number);
    let page = journal.pending_broadcasts(0, 1).await.expect("listed");
    assert_eq!(page[0].number, first.number);
    let page = journal.pending_broadcasts(first.number, 9).await;
    let page = page.expect("listed");
    assert_eq!(page.len(), 1);
    assert_eq!(page[0].number, second.number);
    assert_eq!(page[0].origin.id, "b");
    assert_eq!(page[0].what.targets.len(), 2);
}

pub(crate) async fn prune_keeps_the_body_of_open_parts(journal: &dyn Journal) {
    let all = broadcast(journal, "a", 3, 1).await;
    let made = expand(journal, &all, 2).await;
    record(journal, sent(made[0].number)).await;
    let later = all.origin.received_at.max(now()) + NEXT_DAY_MS;
    journal.prune(later).await.expect("pruned");
    let listed = journal.pending_parts(0, 10).await.expect("listed");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].what.action, all.what.actions[0]);
    let still = open(journal).await.remove(0);
    assert_eq!(Arc::as_ref(&still.origin).id, "a");
    let rest = expand(journal, &still, 10).await;
    assert_eq!(rest[0].what.action, all.what.actions[0]);
}

fn now() -> u64 {
    crate::journal::shared::now()
}
