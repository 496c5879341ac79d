//! Order, sharing and swaps with real plugins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parlor_host::mailbox::rooms::RoomMessage;
use parlor_tests::guests;
use parlor_tests::harness::TestHost;
use parlor_tests::scale;

/// Conversations that share a plugin's key.
const ROOMS: usize = 50;
/// Messages that each room says before all are answered.
const TOGETHER: usize = 190;
/// Messages of a room after which whoever speaks looks whether those before them are answered.
const BEHIND: usize = 20;

/// Has each of the rooms add 1 to the guest's one key so often, all at once; the sum is exact.
async fn adds_up(guest: &str, each: usize) {
    let host = Arc::new(TestHost::with(&[guest]).await);
    // Fewer at a time than may wait for a plugin.
    let mut left = each;
    while left > 0 {
        let some = left.min(TOGETHER);
        left -= some;
        let mut people = Vec::new();
        for number in 0..ROOMS {
            let host = host.clone();
            people.push(tokio::spawn(async move {
                let user = format!("user{number}");
                let room = host.room(&user, &format!("room {number}")).await;
                for _ in 0..some {
                    host.say(&user, &room, "+1").await;
                }
            }));
        }
        for person in people {
            person.await.expect("a person speaks");
        }
        host.idle().await;
    }
    assert_eq!(host.ask("total").await, [(ROOMS * each).to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_conversations_add_to_one_key_and_the_sum_is_exact() {
    adds_up("adder", 1_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_and_write_of_one_key_by_many_conversations_is_exact() {
    adds_up("counter", 20).await;
}

/// `versioned` with another answer: a new build without a compiler.
fn build(number: usize) -> Vec<u8> {
    let mut wasm = guests::bytes("versioned");
    let marker = b"ANSWER-0000000000";
    let at = wasm
        .windows(marker.len())
        .position(|window| window == marker)
        .expect("the guest has its marker");
    wasm[at..at + marker.len()].copy_from_slice(format!("ANSWER-{number:010}").as_bytes());
    wasm
}

/// Says `say 0`, `say 1`, … until it is told to stop; gives the room and how often.
async fn talk(host: Arc<TestHost>, number: usize, stop: Arc<AtomicBool>) -> (String, usize) {
    let user = format!("user{number}");
    let room = host.room(&user, &format!("room {number}")).await;
    // 20 messages a second in each of 50 rooms are 1,000 a second.
    let mut beat = tokio::time::interval(Duration::from_millis(50));
    let mut said: usize = 0;
    while !stop.load(Ordering::Relaxed) {
        beat.tick().await;
        host.say(&user, &room, &format!("say {said}")).await;
        said += 1;
        // A machine that cannot answer as many gets fewer, not a heap of them.
        if said.is_multiple_of(BEHIND) {
            host.until_answers(&room, said - BEHIND).await;
        }
    }
    (room, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_swaps_answer_every_message_once_and_in_order() {
    let swaps = scale::choose("swaps of a build that is talked to", 30, 100);
    let host = Arc::new(TestHost::with(&["versioned"]).await);
    let stop = Arc::new(AtomicBool::new(false));
    let people = (0..ROOMS).map(|number| tokio::spawn(talk(host.clone(), number, stop.clone())));
    let people: Vec<_> = people.collect();
    for number in 1..=swaps {
        host.load("versioned", build(number), None).await;
        assert_eq!(host.row("versioned").last_error, None);
        // Each build has its part in the conversation before the next one comes.
        host.until_said(|message| answer_of(message).is_some_and(|(build, _)| build == number))
            .await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut rooms = Vec::new();
    for person in people {
        rooms.push(person.await.expect("a person speaks"));
    }
    host.idle().await;
    for (room, said) in rooms {
        let answers = host.all_answers(&room);
        let answers: Option<Vec<(usize, usize)>> = answers.iter().map(|m| answer_of(m)).collect();
        let answers = answers.expect("nothing else is said");
        let questions: Vec<usize> = answers.iter().map(|(_, question)| *question).collect();
        let asked: Vec<usize> = (0..said).collect();
        assert_eq!(questions, asked, "{room}: each is answered once, in order");
        assert!(
            answers.is_sorted_by_key(|(build, _)| *build),
            "{room}: a later message by an older build"
        );
    }
}

/// The build that gave an answer, and the number of the question.
fn answer_of(message: &RoomMessage) -> Option<(usize, usize)> {
    let (build, question) = message.text.strip_prefix("ANSWER-")?.split_once(' ')?;
    Some((build.parse().ok()?, question.parse().ok()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_conversations_hold_up_no_other() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("loopback can be listened on");
    let port = listener.local_addr().expect("it has an address").port();
    let slow = axum::Router::new().route(
        "/slow",
        axum::routing::get(|| async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            "late"
        }),
    );
    tokio::spawn(async move { axum::serve(listener, slow).await });
    let host = TestHost::with(&[]).await;
    let url = format!("http://127.0.0.1:{port}/slow");
    let settings = format!("config = {{ url = \"{url}\" }}\ngrants.http = [\"GET {url}\"]");
    host.load("wait", guests::bytes("wait"), Some(&settings))
        .await;
    assert_eq!(host.row("wait").last_error, None);
    for number in 0..7 {
        let user = format!("waiter{number}");
        let room = host.room(&user, &format!("slow {number}")).await;
        host.say(&user, &room, "wait 4").await;
    }
    let begun = Instant::now();
    for number in 0..50 {
        let user = format!("user{number}");
        let room = host.room(&user, &format!("quick {number}")).await;
        host.say(&user, &room, "hello").await;
        host.until_answers(&room, 1).await;
    }
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "they waited for the slow ones"
    );
    host.idle().await;
    host.stop().await;
}
