//! What one delivery comes to.

use super::make::{
    PLUGIN, accept, arrival, commit, deliver, keep, key, new_part, read, set, timer, turn, write,
    writes,
};
use crate::journal::{
    Committed, DeadReason, DeliveryEnd, Journal, NewRequest, StateDelta, StateKey, StateScope,
    TimerChange, Turn,
};
use crate::model::Name;
use crate::model::action::Request;

fn whole(delivery: &crate::model::delivery::Delivery, reads: Vec<(StateKey, u64)>) -> Turn {
    let request = Request {
        method: "GET".to_owned(),
        url: "https://a.example/".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: 1_000,
        idempotency_header: None,
    };
    Turn {
        state: StateDelta {
            reads,
            ..writes(vec![(key("count"), set("1"))])
        },
        parts: vec![new_part(0, true), new_part(1, false)],
        timers: vec![TimerChange::Set(timer("t", 9, "x"))],
        requests: vec![NewRequest {
            key: "r".to_owned(),
            index: 2,
            request,
        }],
        ..turn(delivery)
    }
}

pub(crate) async fn turn_is_kept_whole(journal: &dyn Journal) {
    let delivery = deliver(journal, "a").await;
    let parts = keep(journal, whole(&delivery, Vec::new())).await;
    assert_eq!(parts.len(), 2);
    assert_eq!(read(journal, "count").await.0.as_deref(), Some("1"));
    assert_eq!(journal.next_timer().await.expect("read"), Some(9));
    assert!(
        journal
            .pending_deliveries(0, 9)
            .await
            .expect("listed")
            .is_empty()
    );
    assert_eq!(journal.pending_parts(0, 9).await.expect("listed").len(), 2);
}

pub(crate) async fn conflict_keeps_nothing(journal: &dyn Journal) {
    write(journal, "w", "seen", set("1")).await;
    let delivery = deliver(journal, "a").await;
    let turn = whole(&delivery, vec![(key("seen"), 999_999)]);
    assert!(matches!(commit(journal, turn).await, Committed::Conflict));
    assert_eq!(read(journal, "count").await, (None, 0));
    assert_eq!(journal.next_timer().await.expect("read"), None);
    assert!(
        journal
            .pending_parts(0, 9)
            .await
            .expect("listed")
            .is_empty()
    );
    let pending = journal.pending_deliveries(0, 9).await.expect("listed");
    assert_eq!(pending.len(), 1);
    let (_, version) = read(journal, "seen").await;
    keep(journal, whole(&delivery, vec![(key("seen"), version)])).await;
}

pub(crate) async fn turn_is_kept_once(journal: &dyn Journal) {
    let delivery = deliver(journal, "a").await;
    keep(journal, whole(&delivery, Vec::new())).await;
    write(journal, "w", "count", set("2")).await;
    let again = keep(journal, whole(&delivery, Vec::new())).await;
    assert!(again.is_empty());
    assert_eq!(read(journal, "count").await.0.as_deref(), Some("2"));
    assert_eq!(journal.pending_parts(0, 9).await.expect("listed").len(), 2);
}

pub(crate) async fn unknown_delivery_is_refused(journal: &dyn Journal) {
    let delivery = deliver(journal, "a").await;
    let mut turn = whole(&delivery, Vec::new());
    turn.delivery += 1_000;
    assert!(journal.commit(turn).await.is_err());
    assert!(
        journal
            .pending_parts(0, 9)
            .await
            .expect("listed")
            .is_empty()
    );
}

pub(crate) async fn state_of_another_plugin_is_refused(journal: &dyn Journal) {
    let delivery = deliver(journal, "a").await;
    let foreign = StateKey {
        scope: StateScope {
            plugin: Name::from("other"),
            ..key("x").scope
        },
        key: "x".to_owned(),
    };
    let turn = Turn {
        state: writes(vec![(foreign, set("1"))]),
        ..turn(&delivery)
    };
    assert!(journal.commit(turn).await.is_err());
    assert_eq!(
        journal
            .pending_deliveries(0, 9)
            .await
            .expect("listed")
            .len(),
        1
    );
}

pub(crate) async fn pending_deliveries_come_in_pages(journal: &dyn Journal) {
    let mut given = Vec::new();
    for id in 0..25 {
        let deliveries = accept(journal, arrival(&id.to_string(), &[PLUGIN])).await;
        given.push(deliveries[0].number);
    }
    let mut listed = Vec::new();
    loop {
        let after = listed.last().copied().unwrap_or(0);
        let page = journal.pending_deliveries(after, 10).await.expect("listed");
        if page.is_empty() {
            break;
        }
        listed.extend(page.iter().map(|delivery| delivery.number));
    }
    assert_eq!(listed, given);
}

pub(crate) async fn another_attempt_stays_pending(journal: &dyn Journal) {
    let delivery = deliver(journal, "a").await;
    let settled = journal.settle(delivery.number, DeliveryEnd::Again(2)).await;
    settled
        .expect("ordered")
        .durable
        .wait()
        .await
        .expect("on disk");
    let pending = journal.pending_deliveries(0, 9).await.expect("listed");
    assert_eq!(pending[0].attempt, 2);
}

pub(crate) async fn refused_delivery_is_done(journal: &dyn Journal) {
    let delivery = deliver(journal, "a").await;
    let end = DeliveryEnd::Refused("not mine".to_owned());
    journal.settle(delivery.number, end).await.expect("ordered");
    assert!(
        journal
            .pending_deliveries(0, 9)
            .await
            .expect("listed")
            .is_empty()
    );
    assert!(journal.dead_letters(0, 9).await.expect("listed").is_empty());
}

pub(crate) async fn dead_letter_is_listed(journal: &dyn Journal) {
    let first = deliver(journal, "a").await;
    let second = deliver(journal, "b").await;
    for (delivery, detail) in [(&second, "late"), (&first, "trap: \"unreachable\"")] {
        let end = DeliveryEnd::Dead(DeadReason::Expired, detail.to_owned());
        journal.settle(delivery.number, end).await.expect("ordered");
    }
    assert!(
        journal
            .pending_deliveries(0, 9)
            .await
            .expect("listed")
            .is_empty()
    );
    let dead = journal.dead_letters(0, 9).await.expect("listed");
    assert_eq!(dead.len(), 2);
    assert_eq!(dead[0].delivery.number, first.number);
    assert_eq!(dead[0].detail, "trap: \"unreachable\"");
    assert_eq!(dead[0].reason, DeadReason::Expired);
    assert_eq!(dead[0].delivery.event.id, "a");
    assert!(dead[0].at > 0);
    let later = journal.dead_letters(first.number, 9).await.expect("listed");
    assert_eq!(later.len(), 1);
    assert_eq!(journal.counts().await.expect("counted").dead_letters, 2);
}

pub(crate) async fn settled_delivery_stays_settled(journal: &dyn Journal) {
    let delivery = deliver(journal, "a").await;
    let end = DeliveryEnd::Dead(DeadReason::Failed, String::new());
    journal.settle(delivery.number, end).await.expect("ordered");
    let end = DeliveryEnd::Again(2);
    journal.settle(delivery.number, end).await.expect("ordered");
    assert!(
        journal
            .pending_deliveries(0, 9)
            .await
            .expect("listed")
            .is_empty()
    );
    assert!(keep(journal, whole(&delivery, Vec::new())).await.is_empty());
    assert!(
        journal
            .pending_parts(0, 9)
            .await
            .expect("listed")
            .is_empty()
    );
}
