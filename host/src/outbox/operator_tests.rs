//! Broadcasts, holds, pauses and drops, with a scripted platform and the memory journal.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::OutboxConfig;
use super::fakes::{Bench, Platform, edit, eventually, made, numbers, quick, text};
use crate::journal::memory::MemoryJournal;
use crate::journal::{Journal as _, PartState, Urgency};
use crate::mailbox::control::{LaneState, Selector};
use crate::mailbox::{LaneKey, OutboxHandle as _, Pace, Rate, SendError};
use crate::model::action::{Action, ActionKind};

fn rooms(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}-{n}")).collect()
}

fn all() -> Selector {
    Selector::default()
}

fn of_plugin(plugin: &str) -> Selector {
    Selector {
        plugin: Some(plugin.to_owned()),
        ..Selector::default()
    }
}

fn of_conversation(conversation: &str) -> Selector {
    Selector {
        conversation: Some(conversation.to_owned()),
        ..Selector::default()
    }
}

/// A platform that takes a message every ten milliseconds.
fn paced() -> Platform {
    let mut platform = Platform::good();
    platform.pace = Pace {
        bot: Some(Rate::per_minute(6_000)),
        conversation: None,
    };
    platform
}

/// States of the lanes, by conversation.
fn states(bench: &Bench, selector: &Selector) -> Vec<(String, LaneState, u64)> {
    let lanes = bench.outbox.lanes(selector, 0);
    lanes
        .into_iter()
        .map(|lane| (lane.conversation, lane.state, lane.parts))
        .collect()
}

#[tokio::test]
async fn a_broadcast_reaches_each_conversation_once() {
    let bench = Bench::new(Platform::good());
    let targets = rooms("r", 1_000);
    bench.broadcast("news", &targets, "hello").await;
    bench.through_all().await;
    assert_eq!(bench.platform.all_done().len(), 1_000);
    for target in &targets {
        assert_eq!(bench.platform.done(target), ["hello"]);
    }
}

#[tokio::test]
async fn a_broadcast_is_expanded_as_it_leaves() {
    let bench = Bench::new(Platform::good());
    bench.broadcast("news", &rooms("slow", 1_000), "x").await;
    eventually(|| bench.platform.requests.load(Ordering::Relaxed) == 16).await;
    let made = bench.journal.pending_parts(0, 5_000).await.unwrap();
    assert_eq!(made.len(), 100);
    assert_eq!(bench.pending().await, 1_000);
    assert_eq!(bench.outbox.open_parts(), 1_000);
    let line = bench.outbox.broadcasts(&all()).remove(0);
    assert_eq!((line.sending, line.waiting, line.to_come), (16, 84, 900));
    bench.platform.slow.send_replace(true);
    bench.through_all().await;
    assert!(bench.outbox.broadcasts(&all()).is_empty());
}

#[tokio::test]
async fn an_answer_waits_for_one_send_of_a_broadcast_at_most() {
    let bench = Bench::new(paced());
    bench.broadcast("news", &rooms("r", 2_000), "x").await;
    // The allowance of a silent start is used up first.
    eventually(|| bench.platform.all_done().len() >= 520).await;
    let before = bench.platform.all_done().len();
    bench.send("joke", "room", vec![text("answer")]).await;
    eventually(|| bench.platform.done("room") == ["answer"]).await;
    let place = bench
        .platform
        .all_done()
        .iter()
        .position(|it| it == "answer");
    let overtaken = place.unwrap() - before;
    assert!(
        overtaken <= 2,
        "{overtaken} sends of the broadcast came first"
    );
    bench.outbox.stop().await;
}

#[tokio::test]
async fn an_answer_behind_an_edit_is_served_as_an_answer() {
    let bench = Bench::new(paced());
    // Everything waits until all is there.
    bench.outbox.set_holds(vec![all()]);
    let timers: Vec<_> = (0..5)
        .map(|n| (format!("t-{n}"), Urgency::Timer, text("timer")))
        .collect();
    for (place, urgency, action) in timers {
        let parts = bench.commit("joke", &place, vec![action], urgency, false);
        bench.outbox.enqueue(parts.await);
    }
    let first = bench.commit(
        "pizza",
        "room",
        vec![edit("k", "new")],
        Urgency::Timer,
        false,
    );
    bench.outbox.enqueue(first.await);
    bench.send("pizza", "room", vec![text("answer")]).await;
    bench.outbox.set_holds(Vec::new());
    bench.through_all().await;
    let done = bench.platform.all_done();
    // The edit names no message that was sent, so it fails without a request.
    assert_eq!(done[0], "answer", "{done:?}");
    assert_eq!(done.len(), 6);
}

#[tokio::test]
async fn what_is_left_of_a_broadcast_goes_on_after_a_restart() {
    let journal = Arc::new(MemoryJournal::new());
    let bench = Bench::with(paced(), quick(), Arc::clone(&journal));
    bench.broadcast("news", &rooms("r", 700), "x").await;
    eventually(|| bench.platform.all_done().len() >= 510).await;
    bench.outbox.stop().await;
    let before = bench.platform.all_done().len();
    let after = Bench::with(Platform::good(), quick(), Arc::clone(&journal));
    after.outbox.recover().await.unwrap();
    after.through_all().await;
    assert_eq!(before + after.platform.all_done().len(), 700);
    for target in rooms("r", 700) {
        let done = [&bench, &after].map(|bench| bench.platform.done(&target).len());
        assert_eq!(done[0] + done[1], 1, "{target}");
    }
}

#[tokio::test]
async fn a_conversation_that_fails_ends_no_other_of_the_broadcast() {
    let bench = Bench::new(Platform::new(|part, _| match &*part.what.conversation {
        "r-3" => Err(SendError::Permanent {
            class: crate::model::payload::ActionError::NotFound,
            detail: "gone".to_owned(),
        }),
        _ => Ok(made(part)),
    }));
    bench.broadcast("news", &rooms("r", 150), "x").await;
    bench.through_all().await;
    assert_eq!(bench.platform.all_done().len(), 149);
    assert_eq!(
        bench.ends().iter().filter(|end| *end == "NotFound").count(),
        1
    );
}

#[tokio::test]
async fn targets_that_are_to_come_count_as_waiting() {
    let config = OutboxConfig {
        waiting: 500,
        ..quick()
    };
    let bench = Bench::with(Platform::good(), config, Arc::new(MemoryJournal::new()));
    bench.broadcast("news", &rooms("slow", 600), "x").await;
    eventually(|| bench.outbox.is_full("default", "desk")).await;
    let dropped = bench.outbox.drop_parts(&all()).await.unwrap();
    assert_eq!(dropped.total.dropped + dropped.total.sending, 600);
    assert!(!bench.outbox.is_full("default", "desk"));
}

#[tokio::test]
async fn a_drop_ends_the_rest_and_says_what_went() {
    let bench = Bench::new(Platform::good());
    let mut targets = rooms("r", 40);
    targets.extend(rooms("slow", 460));
    bench.broadcast("news", &targets, "x").await;
    bench.send("joke", "room", vec![text("answer")]).await;
    eventually(|| bench.platform.requests.load(Ordering::Relaxed) >= 57).await;
    eventually(|| bench.platform.all_done().len() == 41).await;
    let dropped = bench.outbox.drop_parts(&of_plugin("news")).await.unwrap();
    let line = &dropped.broadcasts[0];
    assert_eq!((line.sent, line.failed, line.sending), (40, 0, 16));
    assert_eq!((line.dropped, line.waiting, line.to_come), (444, 0, 0));
    assert_eq!((dropped.total.dropped, dropped.total.sending), (444, 16));
    // Every conversation that gets nothing is named.
    let named: Vec<_> = dropped
        .lanes
        .iter()
        .filter(|lane| lane.dropped == 1)
        .collect();
    assert_eq!(named.len(), 444);
    assert_eq!(*bench.ends.2.lock(), [(1, 400)]);
    let refused = bench.ends();
    let refused = refused.iter().filter(|end| *end == "RefusedByPolicy");
    assert_eq!(refused.count(), 44);
    // What was being sent goes out, and nothing else.
    bench.platform.slow.send_replace(true);
    bench.through_all().await;
    assert_eq!(bench.platform.all_done().len(), 57);
    assert_eq!(bench.outbox.status()[0].dropped, 44);
}

#[tokio::test]
async fn a_drop_of_one_conversation_leaves_the_others() {
    let bench = Bench::new(Platform::good());
    bench.outbox.set_holds(vec![all()]);
    bench.broadcast("news", &rooms("r", 300), "x").await;
    bench.send("joke", "r-7", vec![text(0), text(1)]).await;
    eventually(|| states(&bench, &all()).len() == 101).await;
    for conversation in ["r-7", "r-250"] {
        let selector = of_conversation(conversation);
        let dropped = bench.outbox.drop_parts(&selector).await.unwrap();
        let count = if conversation == "r-7" { 3 } else { 1 };
        assert_eq!(dropped.total.dropped, count, "{conversation}");
        assert_eq!(dropped.broadcasts[0].dropped, 1);
    }
    bench.outbox.set_holds(Vec::new());
    bench.through_all().await;
    assert_eq!(bench.platform.all_done().len(), 298);
    assert!(bench.platform.done("r-7").is_empty());
    assert!(bench.platform.done("r-250").is_empty());
}

#[tokio::test]
async fn a_part_in_doubt_is_dropped_as_one_that_may_have_been_sent() {
    let config = OutboxConfig {
        doubt_wait: Duration::from_secs(600),
        ..quick()
    };
    let platform = Platform::new(|_, _| Err(SendError::InDoubt("cut".to_owned())));
    let bench = Bench::with(platform, config, Arc::new(MemoryJournal::new()));
    bench.send("joke", "room", vec![text(0), text(1)]).await;
    eventually(|| states(&bench, &all()) == [("room".to_owned(), LaneState::Waiting, 2)]).await;
    let dropped = bench.outbox.drop_parts(&all()).await.unwrap();
    assert_eq!((dropped.total.dropped, dropped.total.in_doubt), (2, 1));
    assert_eq!(bench.ends(), ["InDoubt", "RefusedByPolicy"]);
    // The lane is as good as new, though its wait is not over.
    bench.send("joke", "room", vec![text(2)]).await;
    eventually(|| bench.platform.requests.load(Ordering::Relaxed) == 2).await;
}

#[tokio::test]
async fn what_is_held_waits_and_goes_on_in_order() {
    let bench = Bench::new(Platform::good());
    bench
        .outbox
        .set_holds(vec![of_plugin("joke"), of_conversation("b")]);
    for n in 0..3 {
        for (plugin, place) in [("joke", "a"), ("pizza", "a"), ("pizza", "b")] {
            bench
                .send(plugin, place, vec![text(format!("{plugin} {n}"))])
                .await;
        }
    }
    eventually(|| bench.platform.all_done().len() == 3).await;
    assert_eq!(bench.platform.done("a"), ["pizza 0", "pizza 1", "pizza 2"]);
    let held = [
        ("a".to_owned(), LaneState::Held, 3),
        ("b".to_owned(), LaneState::Held, 3),
    ];
    assert_eq!(states(&bench, &all()), held);
    assert_eq!(bench.outbox.status()[0].held, 6);
    bench.outbox.set_holds(vec![of_plugin("joke")]);
    eventually(|| bench.platform.done("b").len() == 3).await;
    assert_eq!(bench.platform.done("a").len(), 3);
    bench.outbox.set_holds(Vec::new());
    bench.through_all().await;
    assert_eq!(bench.platform.done("b"), ["pizza 0", "pizza 1", "pizza 2"]);
    assert_eq!(
        bench.platform.done("a")[3..],
        ["joke 0", "joke 1", "joke 2"]
    );
}

#[tokio::test]
async fn a_paused_bot_sends_nothing_and_holds_no_reservation() {
    let bench = Bench::new(Platform::good());
    bench.outbox.set_paused("desk", true);
    bench.send("joke", "room", vec![text(0)]).await;
    let lane = LaneKey {
        tenant: "default".into(),
        bot: "desk".into(),
        conversation: "elsewhere".into(),
        plugin: "joke".into(),
        kind: crate::mailbox::LaneKind::Order,
        message: None,
    };
    assert!(
        !bench.outbox.reserve(&lane),
        "it would be marked as being sent"
    );
    let paused = [("room".to_owned(), LaneState::Paused, 1)];
    assert_eq!(states(&bench, &all()), paused);
    assert!(bench.outbox.status()[0].paused);
    bench.outbox.set_paused("other", true);
    bench.outbox.set_paused("desk", false);
    bench.through_all().await;
    assert_eq!(bench.platform.done("room"), numbers(1));
}

#[tokio::test]
async fn a_part_marked_before_the_hold_is_not_in_doubt_after_a_crash() {
    let journal = Arc::new(MemoryJournal::new());
    let bench = Bench::with(Platform::good(), quick(), Arc::clone(&journal));
    let lane = LaneKey {
        tenant: "default".into(),
        bot: "desk".into(),
        conversation: "room".into(),
        plugin: "joke".into(),
        kind: crate::mailbox::LaneKind::Order,
        message: None,
    };
    assert!(bench.outbox.reserve(&lane));
    let parts = bench
        .commit("joke", "room", vec![text(0)], Urgency::Answer, true)
        .await;
    bench.outbox.set_holds(vec![all()]);
    bench.outbox.enqueue(parts);
    bench.outbox.stop().await;
    let left = journal.pending_parts(0, 10).await.unwrap();
    assert_eq!(left[0].state, PartState::Queued);
    assert!(bench.platform.all_done().is_empty());
}

#[tokio::test]
async fn an_edit_that_waits_to_be_sent_anew_is_of_its_conversation() {
    let platform = Platform::new(|part, _| match part.what.action.kind {
        ActionKind::Edit(_) => Err(SendError::WillNotEdit("never".to_owned())),
        _ => Ok(made(part)),
    });
    let bench = Bench::new(platform);
    let first = Action {
        key: Some("k".to_owned()),
        ..text("one")
    };
    bench
        .send("joke", "room", vec![first, edit("k", "two")])
        .await;
    eventually(|| bench.platform.done("room") == ["one", "Updated: two"]).await;
    bench.send("joke", "room", vec![edit("k", "three")]).await;
    let room = of_conversation("room");
    let state = |state| vec![("room".to_owned(), state, 1)];
    eventually(|| states(&bench, &room) == state(LaneState::Waiting)).await;
    bench.outbox.set_holds(vec![room.clone()]);
    assert_eq!(states(&bench, &room), state(LaneState::Held));
    let dropped = bench.outbox.drop_parts(&room).await.expect("dropped");
    assert_eq!(dropped.total.dropped, 1);
    bench.through().await;
    assert_eq!(bench.platform.done("room"), ["one", "Updated: two"]);
}
