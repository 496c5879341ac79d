//! How fast a bot goes: in all, in each conversation, and after a platform has had enough of it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::fakes::{Bench, Platform, eventually, made, numbers, quick, text};
use crate::journal::memory::MemoryJournal;
use crate::journal::{NewPart, Part, Urgency};
use crate::mailbox::{OutboxHandle as _, Pace, Rate, SendError};
use crate::model::Name;
use crate::model::payload::ActionError;

const STEP: Duration = Duration::from_millis(40);

/// When each request came: the conversation and the moment.
type Times = Arc<Mutex<Vec<(String, Instant)>>>;

/// A platform that notes when each request comes.
fn timed(pace: Pace) -> (Platform, Times) {
    let times = Times::default();
    let noted = Arc::clone(&times);
    let platform = Platform::new(move |part, _| {
        let place = part.what.conversation.to_string();
        noted.lock().push((place, Instant::now()));
        Ok(made(part))
    });
    (Platform { pace, ..platform }, times)
}

fn bench(platform: Platform) -> Bench {
    Bench::with(platform, quick(), Arc::new(MemoryJournal::new()))
}

/// The times between the requests in a conversation.
fn gaps(times: &Times, conversation: &str) -> Vec<Duration> {
    let times = times.lock();
    let here = times.iter().filter(|(place, _)| place == conversation);
    let here: Vec<Instant> = here.map(|(_, at)| *at).collect();
    here.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

const PER_CONVERSATION: Pace = Pace {
    bot: None,
    conversation: Some(Rate {
        every: STEP,
        burst: 1,
    }),
};

/// LSEG's rule: a message a second in a room.
#[tokio::test]
async fn a_paced_conversation_keeps_its_order_and_holds_up_no_other() {
    let (platform, times) = timed(PER_CONVERSATION);
    let bench = bench(platform);
    for n in 0..6 {
        bench.send("joke", "busy", vec![text(n)]).await;
    }
    let begun = Instant::now();
    for n in 0..50 {
        let place = format!("room-{n}");
        bench.send("joke", &place, vec![text(0)]).await;
    }
    eventually(|| times.lock().len() >= 51).await;
    let others = begun.elapsed();
    bench.through().await;
    assert_eq!(bench.platform.done("busy"), numbers(6));
    assert!(others < STEP * 4, "others waited {others:?}");
    let gaps = gaps(&times, "busy");
    assert!(gaps.iter().all(|gap| *gap >= STEP), "{gaps:?}");
}

#[tokio::test]
async fn plugins_in_a_paced_conversation_share_its_pace_and_take_turns() {
    let (platform, times) = timed(PER_CONVERSATION);
    let bench = bench(platform);
    let plugins = ["a", "b", "c"];
    for n in 0..3 {
        for plugin in plugins {
            let say = text(format!("{plugin}{n}"));
            bench.send(plugin, "room", vec![say]).await;
        }
    }
    bench.through().await;
    let gaps = gaps(&times, "room");
    assert!(gaps.iter().all(|gap| *gap >= STEP), "{gaps:?}");
    let done = bench.platform.done("room");
    for round in done.chunks(3) {
        let mut who: Vec<&str> = round.iter().map(|say| &say[..1]).collect();
        who.sort_unstable();
        assert_eq!(who, plugins, "{done:?}");
    }
}

#[tokio::test]
async fn an_answer_goes_before_a_broadcast_that_waits_for_the_same_conversation() {
    let (platform, _) = timed(PER_CONVERSATION);
    let bench = bench(platform);
    let urgent = |plugin: &'static str, say: &'static str, urgency| {
        bench.commit(plugin, "room", vec![text(say)], urgency, false)
    };
    for say in ["first", "second", "third"] {
        let parts = urgent("news", say, Urgency::Broadcast).await;
        bench.outbox.enqueue(parts);
    }
    eventually(|| bench.platform.done("room").len() == 1).await;
    let parts = urgent("joke", "answer", Urgency::Answer).await;
    bench.outbox.enqueue(parts);
    bench.through().await;
    assert_eq!(
        bench.platform.done("room"),
        ["first", "answer", "second", "third"]
    );
}

/// Symphony's rule: two messages a second, in large rooms.
#[tokio::test]
async fn a_platform_may_pace_some_conversations_and_not_others() {
    fn large_rooms(part: &NewPart) -> Option<Rate> {
        part.conversation
            .starts_with("large")
            .then(|| Rate::one_in(STEP))
    }
    let (platform, times) = timed(Pace::FREE);
    let bench = bench(Platform {
        paces: Some(large_rooms),
        ..platform
    });
    for n in 0..4 {
        for place in ["large", "small"] {
            bench.send("joke", place, vec![text(n)]).await;
        }
    }
    bench.through().await;
    let (large, small) = (gaps(&times, "large"), gaps(&times, "small"));
    assert!(large.iter().all(|gap| *gap >= STEP), "{large:?}");
    assert!(small.iter().sum::<Duration>() < STEP * 3, "{small:?}");
    for place in ["large", "small"] {
        assert_eq!(bench.platform.done(place), numbers(4));
    }
}

#[tokio::test]
async fn a_bot_and_its_conversations_are_paced_at_one_time() {
    let (platform, times) = timed(Pace {
        bot: Some(Rate::one_in(STEP / 4)),
        ..PER_CONVERSATION
    });
    let bench = bench(platform);
    for n in 0..3 {
        for place in ["one", "two"] {
            bench.send("joke", place, vec![text(n)]).await;
        }
    }
    bench.through().await;
    for place in ["one", "two"] {
        let gaps = gaps(&times, place);
        assert!(gaps.iter().all(|gap| *gap >= STEP), "{gaps:?}");
        assert_eq!(bench.platform.done(place), numbers(3));
    }
    let times = times.lock();
    let each = times.windows(2).map(|pair| pair[1].1 - pair[0].1);
    let each: Vec<Duration> = each.collect();
    // A worker may come late to one, never early; the next counts from when that was to be.
    let sum: Duration = each.iter().sum();
    assert!(sum >= STEP / 4 * 5, "{each:?}");
}

fn throttle_first(
    after: Duration,
) -> impl Fn(&Part, u32) -> Result<crate::journal::Sent, SendError> {
    move |part, attempt| match (part.number, attempt) {
        (1, 1) => Err(SendError::Throttled {
            after,
            detail: "429".to_owned(),
        }),
        _ => Ok(made(part)),
    }
}

#[tokio::test]
async fn a_platform_that_has_enough_of_a_bot_is_asked_nothing_until_it_says() {
    let after = STEP * 3;
    let bench = bench(Platform::new(throttle_first(after)));
    let begun = Instant::now();
    bench.send("joke", "room", vec![text(0)]).await;
    eventually(|| bench.retries() == [(1, ActionError::Throttled)]).await;
    let (tenant, bot) = (Name::from("default"), Name::from("desk"));
    let wait = bench.outbox.charge(&tenant, &bot);
    assert!(wait.is_some_and(|wait| wait <= after), "{wait:?}");
    for n in 0..20 {
        let place = format!("room-{n}");
        bench.send("pizza", &place, vec![text(0)]).await;
    }
    eventually(|| !bench.platform.all_done().is_empty()).await;
    assert!(begun.elapsed() >= after, "{:?}", begun.elapsed());
    bench.through().await;
    assert_eq!(bench.platform.all_done().len(), 21);
    let requests = bench
        .platform
        .requests
        .load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(requests, 22, "one was made twice, no other");
}

#[tokio::test]
async fn a_wait_of_one_conversation_is_no_wait_of_others() {
    let hour = Duration::from_secs(3_600);
    let bench = bench(Platform::new(move |part, _| match part.number {
        1 => Err(SendError::Again {
            after: Some(hour),
            detail: "locked".to_owned(),
        }),
        _ => Ok(made(part)),
    }));
    for place in ["room", "room-2"] {
        bench.send("joke", place, vec![text(0)]).await;
    }
    eventually(|| bench.platform.done("room-2").len() == 1).await;
    assert!(bench.platform.done("room").is_empty());
}
