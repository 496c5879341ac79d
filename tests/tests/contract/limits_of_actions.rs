//! Limits of what a plugin returns: a list that is over one is refused whole, names the setting where
//! there is one, and costs no further tries.

use std::sync::Arc;

use parlor_host::journal::DeadReason;
use parlor_host::mailbox::rooms::RoomMessage;
use parlor_tests::harness::TestHost;

/// Says something whose answer is refused, and gives the reason.
async fn refused(host: &TestHost, text: &str) -> String {
    let letter = host.given_up(text).await;
    let is_at_once = (letter.reason, letter.delivery.attempt) == (DeadReason::Refused, 1);
    assert!(is_at_once, "{letter:?}");
    letter.detail
}

/// Says something as Ada in the lobby; the last answer.
async fn answer(host: &TestHost, text: &str) -> Arc<RoomMessage> {
    assert_eq!(host.ask(text).await.len(), 1, "{text}");
    let lobby = host.room("ada", "Lobby").await;
    host.answers("ada", &lobby).pop().expect("it answers")
}

fn sizes(message: &RoomMessage) -> Vec<Option<u64>> {
    message.attachments.iter().map(|file| file.size).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_attachment_bytes() {
    let settings = "limits = { attachment-mib = 1, cpu-ms = 5000 }";
    let host = TestHost::with_settings("big-message", settings).await;
    let message = answer(&host, "attach 1048576").await;
    assert_eq!(sizes(&message), [Some(1_048_576)]);
    assert_eq!(
        refused(&host, "attach 1048577").await,
        "bytes of an attachment: 1048577, at most 1048576: [plugin.big-message] limits.attachment-mib"
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_attachments_bytes() {
    // Two of 8 MiB are the 16 MiB that all of one event may have.
    let host = TestHost::with_settings("big-message", "limits = { cpu-ms = 5000 }").await;
    let message = answer(&host, "attach 8388608 8388608").await;
    assert_eq!(sizes(&message), [Some(8_388_608); 2]);
    assert_eq!(
        refused(&host, "attach 8388608 8388609").await,
        "bytes of all attachments: 16777217, at most 16777216"
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_broadcast() {
    let settings = "limits = { broadcast = 3 }\ngrants.actions = [\"send-conversations\"]";
    let host = TestHost::with_settings("actions", settings).await;
    let mut rooms = Vec::new();
    for name in ["One", "Two", "Three", "Four"] {
        rooms.push(host.room("ada", name).await);
    }
    let said = |host: &TestHost| -> Vec<usize> {
        rooms
            .iter()
            .map(|room| host.all_answers(room).len())
            .collect()
    };
    host.ask(&format!("/do send-conversations {}", rooms[..3].join(",")))
        .await;
    assert_eq!(said(&host), [1, 1, 1, 0]);
    assert_eq!(
        refused(
            &host,
            &format!("/do send-conversations {}", rooms.join(","))
        )
        .await,
        "conversations of a broadcast: 4, at most 3: [plugin.actions] limits.broadcast"
    );
    assert_eq!(said(&host), [1, 1, 1, 0], "nothing of it is sent");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_action_key_bytes() {
    let host = TestHost::with(&["big-message"]).await;
    assert_eq!(answer(&host, "key 64").await.text, "with a key");
    assert_eq!(
        refused(&host, "key 65").await,
        "bytes of a key: 65, at most 64"
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_timers() {
    let host = TestHost::with_settings("actions", "limits = { timers = 3 }").await;
    let count = async || {
        let count = host
            .host()
            .journal()
            .timer_count("default", "actions")
            .await;
        count.expect("the journal reads")
    };
    host.ask("/timers 1 3").await;
    assert_eq!(count().await, 3);
    let full = "timers: 4, at most 3: [plugin.actions] limits.timers";
    assert_eq!(refused(&host, "/timers 4 1").await, full);
    // One that is there is set anew, and one that is cancelled makes room.
    host.ask("/timers 2 1").await;
    host.ask("/do cancel-timer timer-1").await;
    host.ask("/timers 4 1").await;
    assert_eq!((count().await, host.dead_letters().await.len()), (3, 1));
    assert_eq!(refused(&host, "/timers 5 2").await, full.replace('4', "5"));
    host.stop().await;
}
