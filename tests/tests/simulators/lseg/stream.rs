//! §7, 3: the stream.

use parlor_tests::sim::Fault;
use parlor_tests::sim::lseg::BOT;
use serde_json::json;

use super::client::{Client, PATIENCE, Stream, platform};

#[tokio::test]
async fn a_stream_without_its_protocol_is_refused() {
    let sim = platform(1.0).await;
    assert_eq!(Stream::open(&sim, None).await.err(), Some(400));
    assert_eq!(Stream::open(&sim, Some("other")).await.err(), Some(400));
    assert!(
        Stream::open(&sim, Some("other, messenger-json"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_stream_that_does_not_connect_in_time_is_closed() {
    let sim = platform(50.0).await;
    let mut stream = Stream::open(&sim, Some("messenger-json"))
        .await
        .expect("it opens");
    assert_eq!(stream.ends().await, 1008);
}

#[tokio::test]
async fn a_token_that_is_none_ends_the_stream_in_either_way() {
    for says in [false, true] {
        let sim = platform(1.0).await;
        sim.set(json!({"says_refusal": says}));
        let mut stream = Stream::open(&sim, Some("messenger-json"))
            .await
            .expect("it opens");
        stream.command("1", "connect", "no-token").await;
        if says {
            assert_eq!(stream.event().await["error"]["message"], "token expired");
        }
        assert_eq!(stream.ends().await, 1008);
    }
}

#[tokio::test]
async fn posts_come_only_from_rooms_that_were_joined() {
    let sim = platform(60.0).await;
    let client = Client::logged_in(&sim).await;
    let mut stream = Stream::connected(&sim, &client).await;
    let id = sim.room("Desk");
    sim.say("Desk", "ada", "not heard");
    client
        .post(&format!("chatrooms/{id}/join"), None)
        .await
        .good();
    let message = sim.say("Desk", "ada", "heard");
    let event = stream.event().await;
    assert_eq!(event["event"], "chatroomPost");
    let post = &event["post"];
    assert_eq!(post["message"], "heard");
    assert_eq!(post["chatroomId"], id.as_str());
    assert_eq!(post["messageId"], message.as_str());
    assert_eq!(post["sender"]["email"], "ada@example.com");
    // The server drops the bot, and nobody says so.
    sim.act("grey", json!({"conversation": "Desk"}));
    sim.say("Desk", "ada", "not heard either");
    client
        .post(&format!("chatrooms/{id}/join"), None)
        .await
        .good();
    sim.say("Desk", "ada", "heard again");
    assert_eq!(stream.event().await["post"]["message"], "heard again");
    assert_eq!(client.rooms().await.len(), 1);
}

#[tokio::test]
async fn a_stream_ends_after_five_minutes_though_its_token_lives() {
    // One and a half seconds.
    let sim = platform(200.0).await;
    let client = Client::logged_in(&sim).await;
    let mut stream = Stream::connected(&sim, &client).await;
    assert_eq!(stream.ends().await, 1001);
    client.get("chatrooms").await.good();
}

#[tokio::test]
async fn a_new_token_holds_the_stream() {
    let sim = platform(200.0).await;
    let client = Client::logged_in(&sim).await;
    let mut stream = Stream::connected(&sim, &client).await;
    let begun = std::time::Instant::now();
    // Half of the time has to pass before it helps.
    let quiet = tokio::time::timeout(std::time::Duration::from_millis(750), stream.next()).await;
    assert!(quiet.is_err(), "nothing comes");
    sim.set(json!({"acknowledges": true}));
    stream.command("2", "authenticate", &client.token).await;
    assert_eq!(stream.event().await["event"], "authenticated");
    assert_eq!(stream.ends().await, 1001);
    assert!(
        begun.elapsed() >= std::time::Duration::from_millis(2_200),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn an_idle_stream_is_dropped_unless_there_are_pings() {
    use futures::SinkExt as _;
    let sim = platform(60.0).await;
    sim.set(json!({"idle_secs": 60}));
    let client = Client::logged_in(&sim).await;
    let mut stream = Stream::connected(&sim, &client).await;
    assert_eq!(stream.ends().await, 0, "without a word");
    let mut stream = Stream::connected(&sim, &client).await;
    let begun = std::time::Instant::now();
    for _ in 0..4 {
        let ping = tokio_tungstenite::tungstenite::Message::Ping("2".into());
        stream.0.send(ping).await.expect("it is open");
        let quiet = tokio::time::timeout(std::time::Duration::from_millis(500), stream.next());
        assert!(quiet.await.is_err(), "it is open");
    }
    assert!(begun.elapsed() >= std::time::Duration::from_secs(2) && sim.pings() >= 4);
}

#[tokio::test]
async fn a_bot_hears_its_own_posts_where_the_switch_says_so() {
    for echo in [false, true] {
        let sim = platform(60.0).await;
        sim.set(json!({ "echo": echo }));
        let client = Client::logged_in(&sim).await;
        let mut stream = Stream::connected(&sim, &client).await;
        let id = sim.room("Desk");
        client
            .post(&format!("chatrooms/{id}/join"), None)
            .await
            .good();
        let post = Some(json!({"message": "own"}));
        client
            .post(&format!("chatrooms/{id}/post"), post)
            .await
            .good();
        sim.say("Desk", "ada", "other");
        let post = stream.event().await["post"].clone();
        let expected = if echo { BOT } else { "ada@example.com" };
        assert_eq!(post["sender"]["email"], expected);
    }
}

#[tokio::test]
async fn anything_can_come_twice_in_another_order_or_unasked() {
    let sim = platform(60.0).await;
    let client = Client::logged_in(&sim).await;
    let mut stream = Stream::connected(&sim, &client).await;
    sim.act("event", json!({"frame": {"event": "somethingNew"}}));
    assert_eq!(stream.event().await["event"], "somethingNew");
    sim.act("event", json!({"frame": "no json"}));
    assert_eq!(stream.event().await, "no json");
    let invite = json!({"conversation": "Ops", "user": "bot", "change": "invite"});
    sim.act("member", invite);
    let event = stream.event().await;
    assert_eq!(
        (&event["event"], &event["invite"]["status"]),
        (&json!("chatroomInvite"), &json!("pending"))
    );
    let id = sim.room("Desk");
    client
        .post(&format!("chatrooms/{id}/join"), None)
        .await
        .good();
    sim.fault(Fault::default().duplicate());
    sim.say("Desk", "ada", "twice");
    let (first, second) = (stream.event().await, stream.event().await);
    assert_eq!(first, second);
    sim.fault(Fault::default().reorder());
    sim.say("Desk", "ada", "first");
    sim.say("Desk", "ada", "second");
    assert_eq!(stream.event().await["post"]["message"], "second");
    assert_eq!(stream.event().await["post"]["message"], "first");
    assert_eq!(sim.cut(), 1);
    assert_eq!(stream.ends().await, 0);
}

#[tokio::test]
async fn what_a_client_does_wrong_is_noted() {
    let sim = platform(60.0).await;
    let client = Client::logged_in(&sim).await;
    let mut stream = Stream::connected(&sim, &client).await;
    stream.command("1", "authenticate", &client.token).await;
    stream
        .command("2", "sendMessageToChatroom", &client.token)
        .await;
    assert_eq!(stream.ends().await, 1008);
    let noted = sim
        .comes_to(PATIENCE, |sim| sim.complaints().len() == 2)
        .await;
    assert!(noted, "{:?}", sim.complaints());
    let complaints = sim.complaints().join("\n");
    assert!(complaints.contains("comes twice") && complaints.contains("sendMessageToChatroom"));
}
