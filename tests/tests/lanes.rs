//! Order, sharing and swaps with real plugins.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_host::mailbox::rooms::RoomMessage;
use parlor_tests::guests;
use parlor_tests::harness::{PATIENCE, TestHost};

/// Conversations that share a plugin's key.
const ROOMS: usize = 50;

/// Has each of the rooms add 1 to the guest's one key so often, all at once; the sum is exact.
async fn adds_up(guest: &str, each: usize) {
    let host = Arc::new(TestHost::with(&[guest]).await);
    let mut people = Vec::new();
    for number in 0..ROOMS {
        let host = host.clone();
        people.push(tokio::spawn(async move {
            let user = format!("user{number}");
            let room = host.room(&user, &format!("room {number}")).await;
            for _ in 0..each {
                host.say(&user, &room, "+1").await;
            }
        }));
    }
    for person in people {
        person.await.expect("a person speaks");
    }
    host.idle().await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_swaps_answer_every_message_once_and_in_order() {
    const SWAPS: usize = 100;
    let host = Arc::new(TestHost::with(&["versioned"]).await);
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut people = Vec::new();
    for number in 0..ROOMS {
        let (host, stop) = (host.clone(), stop.clone());
        people.push(tokio::spawn(async move {
            let user = format!("user{number}");
            let room = host.room(&user, &format!("room {number}")).await;
            // 20 messages a second in each of 50 rooms are 1,000 a second.
            let mut beat = tokio::time::interval(Duration::from_millis(50));
            let mut said = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) && said < 180 {
                beat.tick().await;
                host.say(&user, &room, &format!("say {said}")).await;
                said += 1;
            }
            (room, said)
        }));
    }
    for number in 1..=SWAPS {
        host.load("versioned", build(number), None).await;
        assert_eq!(host.row("versioned").last_error, None);
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    for person in people {
        let (room, said) = person.await.expect("a person speaks");
        host.idle().await;
        let answers = host.all_answers(&room);
        assert_eq!(answers.len(), said, "{room}: each message is answered once");
        let builds: Vec<&str> = answers.iter().map(|m| build_of(m)).collect();
        assert!(
            builds.is_sorted(),
            "{room}: a later message by an older build"
        );
    }
}

fn build_of(message: &RoomMessage) -> &str {
    let at = message.text.find("ANSWER-").expect("an answer of a build");
    &message.text[at..at + 17]
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
        let answered = tokio::time::timeout(PATIENCE, async {
            while host.answers(&user, &room).is_empty() {
                tokio::task::yield_now().await;
            }
        });
        answered.await.expect("the others are answered");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "they waited for the slow ones"
    );
    host.idle().await;
    host.stop().await;
}
