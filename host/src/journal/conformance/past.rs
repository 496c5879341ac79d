//! The past: what became of events, and dead letters put back.

use std::sync::Arc;

use super::make::{
    PLUGIN, TENANT, accept, arrival, deliver, keep, new_part, route, scope, set, timer, turn,
    writes,
};
use crate::journal::{
    Arrival, DeadReason, DeliveryEnd, EventQuery, Forgotten, Journal, PastEvent, PastState,
    StateKey, TimerChange, Turn,
};
use crate::model::delivery::DeliveryNumber;
use crate::model::event::User;

pub(crate) async fn past(journal: &dyn Journal, query: EventQuery) -> Vec<PastEvent> {
    journal.events(query).await.expect("read")
}

pub(crate) fn all() -> EventQuery {
    EventQuery {
        limit: 100,
        ..EventQuery::default()
    }
}

/// Ends a delivery as a dead letter.
pub(crate) async fn bury(journal: &dyn Journal, delivery: DeliveryNumber, detail: &str) {
    let end = DeliveryEnd::Dead(DeadReason::Failed, detail.to_owned());
    let settled = journal.settle(delivery, end).await.expect("ordered");
    settled.durable.wait().await.expect("on disk");
}

pub(crate) async fn past_tells_what_each_plugin_did(journal: &dyn Journal) {
    let both = accept(journal, arrival("a", &[PLUGIN, "other"])).await;
    let kept = Turn {
        parts: vec![new_part(0, true), new_part(1, false)],
        ..turn(&both[0])
    };
    keep(journal, kept).await;
    bury(journal, both[1].number, "trapped").await;
    let waiting = deliver(journal, "b").await;

    let found = past(journal, all()).await;
    let numbers: Vec<u64> = found.iter().map(|it| it.number).collect();
    assert_eq!(numbers, [waiting.event.sequence, both[0].event.sequence]);
    assert_eq!(found[0].deliveries[0].state, PastState::Waiting);
    let event = &found[1];
    assert_eq!(
        (event.event.id.as_str(), event.event.sequence),
        ("a", event.number)
    );
    let mut deliveries = event.deliveries.clone();
    deliveries.sort_by_key(|it| it.number);
    let [done, dead] = deliveries.as_slice() else {
        panic!("two deliveries: {deliveries:?}")
    };
    assert_eq!((&*done.plugin, done.state), (PLUGIN, PastState::Done));
    let states: Vec<&str> = done.actions.iter().map(|it| it.state.as_str()).collect();
    assert_eq!(states, ["sending", "queued"]);
    let action = &done.actions[1];
    assert_eq!((action.index, action.what.as_str()), (1, "typing"));
    assert_eq!(
        (action.bot.as_str(), action.conversation.as_str()),
        ("desk", "room")
    );
    assert_eq!((&*dead.plugin, dead.state), ("other", PastState::Dead));
    assert_eq!(dead.reason, Some(DeadReason::Failed));
    assert_eq!(dead.detail.as_deref(), Some("trapped"));
    assert!(dead.ended_at.is_some());
}

pub(crate) async fn past_is_asked_for_in_part(journal: &dyn Journal) {
    let first = accept(journal, arrival("a", &[PLUGIN])).await;
    let second = accept(journal, arrival("b", &["other"])).await;
    let third = accept(journal, arrival("c", &[PLUGIN, "other"])).await;
    bury(journal, third[1].number, "trapped").await;
    let number = |delivery: &crate::model::delivery::Delivery| delivery.event.sequence;
    let (a, b, c) = (number(&first[0]), number(&second[0]), number(&third[0]));
    let name = |name: &str| Some(name.to_owned());
    for (query, wanted) in [
        (all(), vec![c, b, a]),
        (EventQuery { limit: 2, ..all() }, vec![c, b]),
        (
            EventQuery {
                before: Some(c),
                ..all()
            },
            vec![b, a],
        ),
        (
            EventQuery {
                number: Some(b),
                ..all()
            },
            vec![b],
        ),
        (
            EventQuery {
                number: Some(c + 9),
                ..all()
            },
            vec![],
        ),
        (
            EventQuery {
                plugin: name("other"),
                ..all()
            },
            vec![c, b],
        ),
        (
            EventQuery {
                plugin: name("nobody"),
                ..all()
            },
            vec![],
        ),
        (
            EventQuery {
                dead: true,
                ..all()
            },
            vec![c],
        ),
        (
            EventQuery {
                dead: true,
                plugin: name("other"),
                ..all()
            },
            vec![c],
        ),
        (
            EventQuery {
                dead: true,
                plugin: name(PLUGIN),
                ..all()
            },
            vec![],
        ),
        (
            EventQuery {
                bot: name("desk"),
                ..all()
            },
            vec![c, b, a],
        ),
        (
            EventQuery {
                bot: name("other"),
                ..all()
            },
            vec![],
        ),
        (
            EventQuery {
                trace: name("t1"),
                ..all()
            },
            vec![c, b, a],
        ),
        (
            EventQuery {
                trace: name("t2"),
                ..all()
            },
            vec![],
        ),
        (
            EventQuery {
                since: Some(u64::MAX / 4),
                ..all()
            },
            vec![],
        ),
    ] {
        let found = past(journal, query.clone()).await;
        let found: Vec<u64> = found.iter().map(|it| it.number).collect();
        assert_eq!(found, wanted, "{query:?}");
    }
}

pub(crate) async fn dead_letter_is_put_back_once(journal: &dyn Journal) {
    let delivery = deliver(journal, "a").await;
    let waits = journal.put_back(delivery.number).await.expect("ordered");
    assert!(waits.value.is_none(), "it is no dead letter");
    let again = DeliveryEnd::Again(3);
    journal
        .settle(delivery.number, again)
        .await
        .expect("ordered");
    bury(journal, delivery.number, "trapped").await;

    let back = journal.put_back(delivery.number).await.expect("ordered");
    back.durable.wait().await.expect("on disk");
    let back = back.value.expect("it was one");
    assert_eq!((back.number, back.attempt), (delivery.number, 1));
    assert!(back.put_back.is_some());
    assert_eq!(back.event, delivery.event);
    let twice = journal.put_back(delivery.number).await.expect("ordered");
    assert!(twice.value.is_none(), "it is one no more");
    let counts = journal.counts().await.expect("counted");
    assert_eq!((counts.dead_letters, counts.pending_deliveries), (0, 1));
    let pending = journal.pending_deliveries(0, 9).await.expect("listed");
    assert_eq!(pending[0].put_back, back.put_back);

    let kept = Turn {
        parts: vec![new_part(0, false)],
        ..turn(&back)
    };
    assert_eq!(keep(journal, kept).await.len(), 1, "it has its effects now");
    let after = journal.put_back(delivery.number).await.expect("ordered");
    assert!(after.value.is_none(), "it is done");
}

/// State of a user.
pub(crate) fn of_user(user: &str) -> StateKey {
    StateKey {
        scope: scope(&format!("u{user}")),
        key: "k".to_owned(),
    }
}

pub(crate) async fn forgotten_person_leaves_no_content(journal: &dyn Journal) {
    let done = deliver(journal, "done").await;
    let kept = Turn {
        state: writes(vec![(of_user("u1"), set("1")), (of_user("u2"), set("2"))]),
        timers: vec![TimerChange::Set(timer("t", 10, "x"))],
        parts: vec![new_part(0, false)],
        ..turn(&done)
    };
    keep(journal, kept).await;
    deliver(journal, "waits").await;
    let dead = deliver(journal, "dead").await;
    bury(journal, dead.number, "trapped").await;
    let mut other = arrival("other", &[PLUGIN]);
    let event = Arc::make_mut(&mut other.event);
    event.actor = event.actor.take().map(|actor| User {
        id: "u2".to_owned(),
        ..actor
    });
    let others = accept(journal, other).await;

    let elsewhere = journal.forget("tenant", "u1").await.expect("forgotten");
    assert_eq!(
        elsewhere,
        Forgotten::default(),
        "another tenant's are not theirs"
    );
    let forgot = journal.forget(TENANT, "u1").await.expect("forgotten");
    assert_eq!((forgot.given_up, forgot.values), (1, 1));
    assert_eq!((forgot.timers, forgot.actions), (1, 1));
    assert!(forgot.events >= 2, "{forgot:?}");
    let value = async |user: &str| journal.state_get(&of_user(user)).await.expect("read").0;
    assert_eq!(value("u1").await, None);
    assert_eq!(value("u2").await, Some(b"2".to_vec()));
    let pending = journal.pending_deliveries(0, 9).await.expect("listed");
    let numbers: Vec<u64> = pending.iter().map(|it| it.number).collect();
    assert_eq!(numbers, [others[0].number]);
    assert!(journal.dead_letters(0, 9).await.expect("listed").is_empty());
    assert_eq!(
        journal.timer_count(TENANT, PLUGIN).await.expect("counted"),
        0
    );
    let counts = journal.counts().await.expect("counted");
    assert_eq!((counts.dead_letters, counts.pending_deliveries), (0, 1));
    // What is to be sent still is.
    assert_eq!(journal.pending_parts(0, 9).await.expect("listed").len(), 1);
    // A call that was under way has no effects.
    let late = Turn {
        parts: vec![new_part(7, false)],
        ..turn(&dead)
    };
    assert!(keep(journal, late).await.is_empty());
}

pub(crate) async fn forgotten_event_is_routed_no_more(journal: &dyn Journal) {
    let unrouted = Arrival {
        routes: None,
        ..arrival("a", &[])
    };
    accept(journal, unrouted).await;
    let waiting = journal.unrouted(0, 9).await.expect("listed");
    assert_eq!(waiting.len(), 1);
    let forgot = journal.forget(TENANT, "u1").await.expect("forgotten");
    assert_eq!(forgot.events, 1);
    assert!(journal.unrouted(0, 9).await.expect("listed").is_empty());
    // Its content was being fetched.
    let event = waiting[0].event.clone();
    let routed = journal.route(waiting[0].number, event, vec![route(PLUGIN)]);
    assert!(routed.await.expect("ordered").value.is_empty());
    let pending = journal.pending_deliveries(0, 9).await.expect("listed");
    assert!(pending.is_empty());
}
