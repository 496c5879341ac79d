//! What the outbox promises, with a scripted platform and the memory journal.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;

use super::fakes::{
    Bench, Platform, action, again, content, edit, eventually, form, made, numbers, quick, say,
    text,
};
use super::{InDoubt, OutboxConfig};
use crate::journal::memory::MemoryJournal;
use crate::journal::{Journal as _, PartState, Sent, Urgency};
use crate::mailbox::{LaneKey, OutboxHandle as _, Pace, Rate, SendError};
use crate::model::action::{ActionKind, MessageRef};
use crate::model::content::{ActionButton, Block, Button, ButtonKind, ButtonStyle, Content};
use crate::model::payload::ActionError;

#[tokio::test]
async fn keeps_order_in_each_lane_while_requests_fail_at_random() {
    let bench = Bench::new(Platform::new(|part, attempt| {
        match (part.number * 7 + u64::from(attempt) * 3) % 5 {
            0 | 1 => Err(again()),
            2 if attempt < 3 => Err(SendError::InDoubt("cut".to_owned())),
            _ => Ok(made(part)),
        }
    }));
    for n in 0..40 {
        for lane in 0..20 {
            let plugin = if lane % 2 == 0 { "joke" } else { "pizza" };
            bench
                .send(plugin, &format!("room-{lane}"), vec![text(n)])
                .await;
        }
    }
    bench.through().await;
    for lane in 0..20 {
        assert_eq!(bench.platform.done(&format!("room-{lane}")), numbers(40));
    }
}

#[tokio::test]
async fn a_slow_conversation_and_a_failing_one_hold_up_no_other() {
    let bench = Bench::new(Platform::new(|part, _| match &*part.what.conversation {
        "failing" => Err(again()),
        _ => Ok(made(part)),
    }));
    for n in 0..10 {
        for place in ["slow-1", "slow-2", "failing", "room-1", "room-2"] {
            bench.send("joke", place, vec![text(n)]).await;
        }
    }
    eventually(|| bench.platform.all_done().len() == 20).await;
    assert_eq!(bench.platform.done("room-1"), numbers(10));
    bench.platform.slow.send_replace(true);
    eventually(|| bench.platform.all_done().len() == 40).await;
    assert_eq!(bench.platform.done("slow-2"), numbers(10));
    assert!(bench.platform.done("failing").is_empty());
}

#[tokio::test]
async fn a_reserved_lane_waits_for_its_part_and_keeps_order() {
    let bench = Bench::new(Platform::good());
    let first = bench
        .commit("joke", "room", vec![text(0)], Urgency::Answer, true)
        .await;
    let lane = LaneKey::of(&first[0].tenant, &first[0].plugin, &first[0].what);
    assert!(bench.outbox.reserve(&lane));
    assert!(!bench.outbox.reserve(&lane));
    // A later turn is faster to the outbox.
    bench.send("joke", "room", vec![text(1)]).await;
    bench.send("joke", "elsewhere", vec![text("x")]).await;
    eventually(|| bench.platform.all_done() == ["x"]).await;
    bench.outbox.enqueue(first);
    eventually(|| bench.platform.done("room") == ["0", "1"]).await;
    bench.through().await;
    assert!(bench.outbox.reserve(&lane));
}

#[tokio::test]
async fn a_released_lane_goes_on() {
    let bench = Bench::new(Platform::good());
    let parts = bench
        .commit("joke", "room", vec![text(0)], Urgency::Answer, false)
        .await;
    let lane = LaneKey::of(&parts[0].tenant, &parts[0].plugin, &parts[0].what);
    assert!(bench.outbox.reserve(&lane));
    bench.outbox.enqueue(parts);
    bench.outbox.release(&lane);
    bench.through().await;
    assert_eq!(bench.platform.done("room"), ["0"]);
}

#[tokio::test]
async fn a_part_is_marked_on_disk_before_its_request_leaves() {
    let journal = Arc::new(MemoryJournal::new());
    let bench = Bench::with(Platform::good(), quick(), Arc::clone(&journal));
    bench.send("joke", "slow", vec![text(0), text(1)]).await;
    eventually(|| bench.platform.requests.load(Ordering::Relaxed) == 1).await;
    let states: Vec<_> = journal.pending_parts(0, 10).await.unwrap();
    let states: Vec<_> = states
        .iter()
        .map(|part| (part.state, part.attempts))
        .collect();
    assert_eq!(states, [(PartState::Sending, 1), (PartState::Queued, 0)]);
}

#[tokio::test]
async fn a_platform_that_performs_once_is_asked_without_a_mark() {
    let journal = Arc::new(MemoryJournal::new());
    let platform = Platform {
        performs_once: true,
        ..Platform::good()
    };
    let bench = Bench::with(platform, quick(), Arc::clone(&journal));
    bench.send("joke", "slow", vec![text(0)]).await;
    eventually(|| bench.platform.requests.load(Ordering::Relaxed) == 1).await;
    let parts = journal.pending_parts(0, 10).await.unwrap();
    assert_eq!(parts[0].state, PartState::Queued);
    bench.platform.slow.send_replace(true);
    bench.through().await;
    assert_eq!(bench.ends(), ["sent "]);
}

#[tokio::test]
async fn in_doubt_and_found_is_sent_once() {
    let bench = Bench::new(Platform::new(|_, _| {
        Err(SendError::InDoubt("cut".to_owned()))
    }));
    bench.platform.find.lock().push(Ok(Some(Sent::default())));
    bench.send("joke", "room", vec![text(0)]).await;
    bench.through().await;
    assert_eq!(bench.platform.requests.load(Ordering::Relaxed), 1);
    assert_eq!(bench.ends(), ["sent "]);
}

#[tokio::test]
async fn in_doubt_and_absent_is_sent_again() {
    let bench = Bench::new(Platform::new(|part, attempt| match attempt {
        1 => Err(SendError::InDoubt("cut".to_owned())),
        _ => Ok(made(part)),
    }));
    bench.send("joke", "room", vec![text(0), text(1)]).await;
    bench.through().await;
    assert_eq!(bench.platform.done("room"), ["0", "1"]);
    assert_eq!(bench.platform.finds.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn in_doubt_where_nobody_can_tell_follows_the_setting() {
    for (in_doubt, requests, ends) in [(InDoubt::Resend, 2, "sent "), (InDoubt::Drop, 1, "InDoubt")]
    {
        let config = OutboxConfig {
            in_doubt,
            ..quick()
        };
        let platform = Platform::new(|part, attempt| match attempt {
            1 => Err(SendError::InDoubt("cut".to_owned())),
            _ => Ok(made(part)),
        });
        platform
            .find
            .lock()
            .push(Err(SendError::InDoubt("cannot tell".to_owned())));
        let bench = Bench::with(platform, config, Arc::new(MemoryJournal::new()));
        bench.send("joke", "room", vec![text(0)]).await;
        bench.through().await;
        assert_eq!(bench.platform.requests.load(Ordering::Relaxed), requests);
        assert_eq!(bench.ends(), [ends]);
        let status = bench.outbox.status().remove(0);
        assert_eq!((status.in_doubt, status.resent), (1, requests - 1));
    }
}

#[tokio::test]
async fn what_was_being_sent_at_a_crash_is_looked_for_and_the_rest_is_sent() {
    let journal = Arc::new(MemoryJournal::new());
    let before = Bench::with(Platform::good(), quick(), Arc::clone(&journal));
    let found = before
        .commit("joke", "a", vec![text(0), text(1)], Urgency::Answer, true)
        .await;
    before
        .commit("joke", "b", vec![text(2)], Urgency::Answer, false)
        .await;
    assert_eq!(found.len(), 2);
    let platform = Platform::good();
    platform.find.lock().push(Ok(Some(made(&found[0]))));
    let after = Bench::with(platform, quick(), journal);
    assert_eq!(after.outbox.recover().await.unwrap(), 3);
    after.through().await;
    assert_eq!(after.platform.done("a"), ["1"]);
    assert_eq!(after.platform.done("b"), ["2"]);
}

#[tokio::test]
async fn a_failure_for_good_skips_the_rest_of_its_list_but_for_leaving() {
    let bench = Bench::new(Platform::new(|part, _| {
        match say(&part.what.action).as_str() {
            "bad" => Err(SendError::Permanent {
                class: ActionError::Denied,
                detail: "no".to_owned(),
            }),
            "join" => Ok(Sent::default()),
            _ => Ok(made(part)),
        }
    }));
    let (join, leave) = (ActionKind::Join(None), ActionKind::Leave(None));
    let list = vec![action(join), text("bad"), text("skipped"), action(leave)];
    bench.send("joke", "room", list).await;
    bench.send("joke", "room", vec![text("next")]).await;
    bench.through().await;
    assert_eq!(bench.platform.done("room"), ["join", "leave", "next"]);
    assert_eq!(
        bench.ends(),
        ["sent ", "Denied", "skipped", "sent ", "sent "]
    );
}

#[tokio::test]
async fn what_cannot_get_through_fails_as_unavailable_and_the_lane_moves_on() {
    let bench = Bench::new(Platform::new(|part, _| match part.number {
        1 => Err(again()),
        _ => Ok(made(part)),
    }));
    bench.send("joke", "room", vec![text(0)]).await;
    bench.send("joke", "room", vec![text(1)]).await;
    bench.through().await;
    assert_eq!(bench.platform.requests.load(Ordering::Relaxed), 21);
    assert_eq!(bench.ends(), ["Unavailable", "sent "]);
}

#[tokio::test]
async fn a_leave_takes_the_bot_out_only_where_a_join_brought_it_in() {
    let inside = Arc::new(Mutex::new(HashSet::from(["home".to_owned()])));
    let members = Arc::clone(&inside);
    let bench = Bench::new(Platform::new(move |part, _| {
        let place = part.what.conversation.to_string();
        let mut members = members.lock();
        let was_member = match part.what.action.kind {
            ActionKind::Join(_) => !members.insert(place),
            ActionKind::Leave(_) => members.remove(&place),
            _ => true,
        };
        Ok(Sent {
            was_member,
            ..made(part)
        })
    }));
    let visit = || {
        let (join, leave) = (ActionKind::Join(None), ActionKind::Leave(None));
        vec![action(join), text("pizza"), action(leave)]
    };
    for _ in 0..2 {
        bench.send("pizza", "home", visit()).await;
        bench.send("pizza", "chat", visit()).await;
    }
    bench.through().await;
    assert_eq!(*inside.lock(), HashSet::from(["home".to_owned()]));
    assert_eq!(
        bench.platform.done("home"),
        ["join", "pizza", "join", "pizza"]
    );
    let chat = ["join", "pizza", "leave", "join", "pizza", "leave"];
    assert_eq!(bench.platform.done("chat"), chat);
    assert!(bench.ends().contains(&"sent was already in".to_owned()));
}

#[tokio::test]
async fn a_join_in_doubt_that_finds_the_bot_there_brought_it_in() {
    let inside = Arc::new(Mutex::new(HashSet::new()));
    let members = Arc::clone(&inside);
    let is_first = std::sync::atomic::AtomicBool::new(true);
    let bench = Bench::new(Platform::new(move |part, _| {
        let place = part.what.conversation.to_string();
        let mut members = members.lock();
        let was_member = match part.what.action.kind {
            ActionKind::Join(_) => !members.insert(place),
            ActionKind::Leave(_) => members.remove(&place),
            _ => true,
        };
        if is_first.swap(false, Ordering::Relaxed) {
            return Err(SendError::InDoubt("cut off".to_owned()));
        }
        Ok(Sent {
            was_member,
            ..made(part)
        })
    }));
    let (join, leave) = (ActionKind::Join(None), ActionKind::Leave(None));
    let visit = vec![action(join), text("pizza"), action(leave)];
    bench.send("pizza", "chat", visit).await;
    bench.through().await;
    assert!(inside.lock().is_empty(), "it is out again");
}

#[tokio::test]
async fn a_key_names_the_message_sent_just_before() {
    let bench = Bench::new(Platform::good());
    let mut first = text("one");
    first.key = Some("k".to_owned());
    let delete = action(ActionKind::Delete(MessageRef::Key("k".to_owned())));
    bench
        .send("joke", "room", vec![first, edit("k", "two"), delete])
        .await;
    bench.send("joke", "room", vec![edit("unknown", "x")]).await;
    bench.through().await;
    let done = bench.platform.done("room");
    assert_eq!(
        done[1..],
        [
            r#"edit Id("m1") Plain("two")"#.to_owned(),
            r#"delete Id("m1")"#.to_owned(),
        ]
    );
    assert_eq!(bench.ends().last().unwrap(), "NotFound");
}

#[tokio::test]
async fn edits_that_wait_collapse_into_the_last() {
    let bench = Bench::new(Platform::good());
    let mut first = text("one");
    first.key = Some("k".to_owned());
    let list = vec![first, edit("k", "2"), edit("k", "3"), edit("k", "4")];
    bench.send("joke", "room", list).await;
    bench.through().await;
    assert_eq!(
        bench.platform.done("room"),
        ["one", r#"edit Id("m1") Plain("4")"#]
    );
}

#[tokio::test]
async fn answers_go_before_timers_and_broadcasts_and_plugins_take_turns() {
    let platform = Platform {
        pace: Pace {
            bot: Some(Rate::per_minute(60_000)),
            conversation: None,
        },
        ..Platform::good()
    };
    let config = OutboxConfig {
        requests: 1,
        ..quick()
    };
    let bench = Bench::with(platform, config, Arc::new(MemoryJournal::new()));
    // The one request at a time is held by a slow conversation until all are in.
    bench.send("joke", "slow", vec![text("first")]).await;
    eventually(|| bench.platform.requests.load(Ordering::Relaxed) == 1).await;
    for n in 0..3 {
        let list = vec![text(format!("broadcast {n}"))];
        let place = format!("n{n}");
        let parts = bench.commit("news", &place, list, Urgency::Broadcast, false);
        bench.outbox.enqueue(parts.await);
    }
    let parts = bench.commit("clock", "c", vec![text("timer")], Urgency::Timer, false);
    bench.outbox.enqueue(parts.await);
    for n in 0..3 {
        bench
            .send("a", &format!("a{n}"), vec![text(format!("a{n}"))])
            .await;
    }
    bench.send("b", "b", vec![text("b")]).await;
    bench.platform.slow.send_replace(true);
    bench.through().await;
    assert_eq!(
        bench.platform.all_done(),
        [
            "first",
            "a0",
            "b",
            "a1",
            "a2",
            "timer",
            "broadcast 0",
            "broadcast 1",
            "broadcast 2",
        ]
    );
}

#[tokio::test]
async fn a_form_is_open_once_its_message_is_sent() {
    let bench = Bench::new(Platform::good());
    let button = |kind| Button {
        label: "b".to_owned(),
        kind,
        style: ButtonStyle::Primary,
    };
    let act = ButtonKind::Action(ActionButton {
        id: "go".to_owned(),
        value: String::new(),
    });
    let row = vec![
        button(act),
        button(ButtonKind::Link("https://x".to_owned())),
    ];
    let blocks = vec![form("hello"), Block::Buttons(row)];
    bench
        .send("joke", "room", vec![content(Content::Blocks(blocks))])
        .await;
    bench.through().await;
    let open = bench.journal.open_forms().await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!((&*open[0].message, &*open[0].conversation), ("m1", "room"));
    assert!(open[0].form.is_some());
    // The link is no button that comes back.
    assert_eq!(open[0].buttons.len(), 1);
    assert_eq!(*bench.ends.1.lock(), open);
}

#[tokio::test]
async fn the_form_of_messageml_that_goes_as_it_was_written_is_open() {
    let bench = Bench::new(Platform::good());
    let source = "<messageML><form id=\"f\"><text-field name=\"a\"/><button name=\"b\">c</button></form></messageML>";
    let content = content(Content::MessageMl(source.to_owned()));
    bench.send("joke", "room", vec![content]).await;
    bench.through().await;
    let open = bench.journal.open_forms().await.unwrap();
    let form = open.iter().find(|open| open.message == "m1").unwrap();
    let fields = &form.form.as_ref().unwrap().fields;
    assert_eq!((fields.len(), fields[0].id.as_str()), (1, "a"));
}

#[tokio::test]
async fn tells_when_too_much_waits_for_a_bot() {
    let config = OutboxConfig {
        waiting: 10,
        ..quick()
    };
    let bench = Bench::with(Platform::good(), config, Arc::new(MemoryJournal::new()));
    for n in 0..10 {
        bench.send("joke", "slow", vec![text(n)]).await;
    }
    assert!(bench.outbox.is_full("default", "desk"));
    bench.platform.slow.send_replace(true);
    bench.through().await;
    assert!(!bench.outbox.is_full("default", "desk"));
}

#[tokio::test]
async fn a_stop_cuts_what_takes_too_long_and_leaves_it_in_doubt() {
    let config = OutboxConfig {
        stop_within: Duration::from_millis(5),
        ..quick()
    };
    let bench = Bench::with(Platform::good(), config, Arc::new(MemoryJournal::new()));
    bench.send("joke", "slow", vec![text(0)]).await;
    bench.send("joke", "room", vec![text(1)]).await;
    eventually(|| bench.platform.requests.load(Ordering::Relaxed) == 2).await;
    bench.outbox.stop().await;
    let left = bench.journal.pending_parts(0, 10).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].state, PartState::Sending);
}
