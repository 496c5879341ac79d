//! The WebSocket side, by hand.

use futures::{SinkExt as _, StreamExt as _};
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::webex::TOKEN;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::client::Client;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn device(client: &Client) -> Value {
    let base = client.sim.base_url();
    let catalog = client
        .get(&format!("{base}/u2c/api/v1/catalog?format=hostmap"))
        .await
        .good();
    let devices = format!(
        "{}/devices",
        catalog["serviceLinks"]["wdm"].as_str().expect("an address")
    );
    assert_eq!(client.get(&devices).await.status, 404, "there is none");
    let nameless = client
        .request(Method::POST, &devices)
        .json(&json!({"name": "x"}));
    client.send(nameless).await.refused(400, "Missing Model");
    let body = json!({"name": "x", "model": "x", "localizedModel": "x"});
    client
        .send(client.request(Method::POST, &devices).json(&body))
        .await
        .good()
}

async fn open(device: &Value, token: &str) -> Socket {
    let url = device["webSocketUrl"].as_str().expect("an address");
    let (mut socket, _) = tokio_tungstenite::connect_async(url)
        .await
        .expect("it opens");
    let said =
        json!({"id": "1", "type": "authorization", "data": {"token": format!("Bearer {token}")}});
    socket
        .send(Message::text(said.to_string()))
        .await
        .expect("it is sent");
    socket
}

async fn next(socket: &mut Socket) -> Value {
    let frame = tokio::time::timeout(PATIENCE, socket.next())
        .await
        .expect("in time");
    let frame = frame.expect("a frame").expect("a good one");
    serde_json::from_slice(&frame.into_data()).expect("JSON")
}

#[tokio::test]
async fn frames_come_again_until_they_are_acknowledged() {
    let client = Client::new().await;
    let device = device(&client).await;
    let mut socket = open(&device, TOKEN).await;
    assert_eq!(
        next(&mut socket).await["data"]["eventType"],
        "mercury.buffer_state"
    );
    let said = client.sim.say_direct("ada", "a secret of ours");
    let joined = next(&mut socket).await;
    assert_eq!(joined["data"]["activity"]["verb"], "add");
    let mut frame = joined;
    while frame["data"]["activity"]["verb"] != "post" {
        frame = next(&mut socket).await;
    }
    assert!(!frame.to_string().contains("a secret of ours"));
    assert!(frame["sequenceNumber"].as_u64() > Some(1));
    // By the address of its conversation it is found.
    let activity = &frame["data"]["activity"];
    let (url, room) = (
        activity["target"]["url"].as_str(),
        activity["target"]["id"].as_str(),
    );
    let id = activity["id"].as_str().expect("an id");
    let at = format!("conversations/{}", room.expect("an id"));
    let lookup = url
        .expect("an address")
        .replace(&at, &format!("messages/{id}"));
    assert_eq!(client.get(&lookup).await.good()["id"], said.as_str());
    socket
        .send(Message::text(
            json!({"id": "p", "type": "ping"}).to_string(),
        ))
        .await
        .expect("sent");
    assert_eq!(next(&mut socket).await, json!({"id": "p", "type": "pong"}));
    drop(socket);
    let mut socket = open(&device, TOKEN).await;
    let mut again = Vec::new();
    while again.len() < 3 {
        let frame = next(&mut socket).await;
        let ack = json!({"type": "ack", "messageId": frame["id"]}).to_string();
        socket.send(Message::text(ack)).await.expect("sent");
        again.push(frame);
    }
    assert!(
        again.iter().any(|it| it["id"] == frame["id"]),
        "it came again"
    );
    assert!(
        client
            .sim
            .until(PATIENCE, |sim| sim.socket_state().1 == 0)
            .await
    );
}

#[tokio::test]
async fn a_wrong_token_a_stale_device_and_a_second_client() {
    let client = Client::new().await;
    let device = device(&client).await;
    let mut wrong = open(&device, "other").await;
    let closed = tokio::time::timeout(PATIENCE, wrong.next())
        .await
        .expect("in time");
    let Some(Ok(Message::Close(Some(close)))) = closed else {
        panic!("not closed: {closed:?}");
    };
    assert_eq!(u16::from(close.code), 4401);
    let mut first = open(&device, TOKEN).await;
    next(&mut first).await;
    let mut second = open(&device, TOKEN).await;
    next(&mut second).await;
    let closed = tokio::time::timeout(PATIENCE, first.next())
        .await
        .expect("in time");
    let Some(Ok(Message::Close(Some(close)))) = closed else {
        panic!("not closed: {closed:?}");
    };
    assert_eq!(
        (u16::from(close.code), close.reason.as_str()),
        (4000, "replaced")
    );
    client.sim.act("devices", json!({}));
    let url = device["webSocketUrl"].as_str().expect("an address");
    let refused = tokio_tungstenite::connect_async(url)
        .await
        .map(|_| ())
        .expect_err("there is none");
    assert!(refused.to_string().contains("404"), "{refused}");
}
