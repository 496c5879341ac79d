//! The socket of agents.

use std::time::{Duration, Instant};

use futures::{SinkExt as _, StreamExt as _};
use parlor_tests::sim::Fault;
use parlor_tests::sim::livechat::{LiveChatOptions, ORGANIZATION};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::client::{Client, PATIENCE};

/// A client's end.
struct Line(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Line {
    async fn open(client: &Client, path: &str) -> Result<Self, u16> {
        use tokio_tungstenite::tungstenite::Error;

        let base = client.sim.base_url().replacen("http", "ws", 1);
        match connect_async(format!("{base}/{path}")).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    async fn new(client: &Client) -> Self {
        let path = format!("v3.6/agent/rtm/ws?organization_id={ORGANIZATION}");
        Self::open(client, &path).await.expect("a socket")
    }

    async fn send(&mut self, frame: Value) {
        let sent = self.0.send(Message::text(frame.to_string())).await;
        sent.expect("it is sent");
    }

    async fn ask(&mut self, action: &str, payload: Value) -> Value {
        let frame = json!({"request_id": action, "action": action, "payload": payload});
        self.send(frame).await;
        self.until(|frame| frame["type"] == "response" && frame["request_id"] == action)
            .await
    }

    /// The next frame; none where the socket ends.
    async fn next(&mut self) -> Option<Value> {
        let next = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => {
                        return Some(serde_json::from_str(text.as_str()).expect("JSON"));
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                    Some(Ok(_)) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, next)
            .await
            .expect("a frame, or the end")
    }

    async fn until(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = self.next().await.expect("the socket is open");
            if is_wanted(&frame) {
                return frame;
            }
        }
    }

    async fn ends_with(&mut self) -> String {
        let told = self.until(|it| it["action"] == "agent_disconnected").await;
        assert_eq!(self.next().await, None, "it is closed behind that");
        let reason = told["payload"]["reason"].as_str();
        reason.unwrap_or_default().to_owned()
    }
}

async fn token(client: &Client) -> String {
    let code = client.code().await;
    let given = client.exchange(&code).await.body;
    format!(
        "Bearer {}",
        given["access_token"].as_str().expect("a token")
    )
}

#[tokio::test]
async fn an_agent_logs_in_and_is_told_what_happens() {
    let client = Client::new().await;
    client.sim.say("shop", "ann", "first");
    let mut line = Line::new(&client).await;
    let early = line.ask("list_chats", json!({})).await;
    assert_eq!(early["success"], false);
    assert_eq!(early["payload"]["error"]["type"], "authentication");
    let login = json!({"token": token(&client).await,
        "pushes": {"3.6": ["incoming_chat", "incoming_event", "incoming_typing_indicator"]}});
    let logged_in = line.ask("login", login).await;
    assert_eq!(logged_in["success"], true, "{logged_in}");
    let payload = &logged_in["payload"];
    assert_eq!(payload["license"]["organization_id"], ORGANIZATION);
    let chat = payload["chats_summary"][0]["id"].clone();
    assert_eq!(chat, client.sim.chat_id("shop").unwrap());
    assert_eq!(client.sim.sockets(), 1);
    client.sim.say("shop", "ann", "second");
    let push = line.until(|frame| frame["type"] == "push").await;
    assert_eq!(push["version"], "3.6");
    assert_eq!(push["action"], "incoming_event");
    assert_eq!(push["payload"]["event"]["text"], "second");
    client.sim.say("other", "eve", "hello");
    let push = line.until(|frame| frame["type"] == "push").await;
    assert_eq!(
        push["action"], "incoming_chat",
        "a chat's first message is in it"
    );
    // What is asked by the socket is what is asked by requests.
    let found = line.ask("get_chat", json!({"chat_id": chat})).await;
    assert_eq!(found["payload"]["thread"]["events"][0]["text"], "first");
    let refused = line.ask("get_chat", json!({"chat_id": "none"})).await;
    assert_eq!(refused["payload"]["error"]["type"], "not_found");
}

#[tokio::test]
async fn bots_and_personal_tokens_may_not_log_in_and_a_licence_is_named() {
    let client = Client::new().await;
    let (_, bot) = client.bot().await;
    let mut line = Line::new(&client).await;
    for (shown, kind) in [
        (bot, "authorization"),
        (Client::pat(), "authentication"),
        ("Bearer guessed".to_owned(), "authentication"),
    ] {
        let refused = line.ask("login", json!({"token": shown})).await;
        assert_eq!(refused["payload"]["error"]["type"], kind);
    }
    assert_eq!(client.sim.sockets(), 0);
    let unnamed = Line::open(&client, "v3.6/agent/rtm/ws").await;
    assert_eq!(unnamed.err(), Some(400));
    let unknown = Line::open(&client, "v2.9/agent/rtm/ws?organization_id=x").await;
    assert_eq!(unknown.err(), Some(400));
}

#[tokio::test]
async fn who_does_not_log_in_or_ping_in_time_is_cut_off() {
    let client = Client::with(LiveChatOptions::default().clock(20.0)).await;
    let began = Instant::now();
    let mut silent = Line::new(&client).await;
    // A ping before the login changes nothing.
    silent.send(json!({"action": "ping", "payload": {}})).await;
    assert_eq!(silent.next().await, None);
    assert!(
        began.elapsed() >= Duration::from_millis(1_400),
        "thirty seconds"
    );
    let login = json!({"token": token(&client).await});
    let mut line = Line::new(&client).await;
    line.ask("login", login).await;
    let began = Instant::now();
    for _ in 0..5 {
        // There is nothing to wait for but the time itself.
        tokio::time::sleep(Duration::from_millis(400)).await;
        let pong = line.ask("ping", json!({})).await;
        assert_eq!(pong["success"], true);
    }
    assert!(began.elapsed() >= Duration::from_millis(2_000));
    assert_eq!(line.ends_with().await, "connection_timeout");
}

#[tokio::test]
async fn a_session_lives_as_long_as_its_token_or_the_next_one() {
    let client = Client::new().await;
    let (first, second) = (token(&client).await, token(&client).await);
    let mut line = Line::new(&client).await;
    line.ask("login", json!({"token": first})).await;
    let swapped = line.ask("update_session", json!({"token": second})).await;
    assert_eq!(swapped["success"], true);
    let revoke = async |token: &str| {
        let url = format!("{}/v2/token", client.sim.base_url());
        let request = client.http.delete(url).header("authorization", token);
        assert_eq!(client.send(request).await.status, 200);
    };
    revoke(&first).await;
    assert_eq!(line.ask("ping", json!({})).await["success"], true);
    revoke(&second).await;
    client.sim.say("shop", "ann", "rings the bell");
    assert_eq!(line.ends_with().await, "access_token_revoked");
    let third = token(&client).await;
    let mut line = Line::new(&client).await;
    line.ask("login", json!({"token": third})).await;
    client.sim.fault(Fault::default().expire_tokens());
    assert_eq!(line.ends_with().await, "access_token_expired");
}

#[tokio::test]
async fn whoever_is_logged_out_or_asks_too_much_at_once_is_told() {
    let client = Client::new().await;
    let shown = token(&client).await;
    let mut line = Line::new(&client).await;
    line.ask("login", json!({"token": shown})).await;
    for number in 0..40 {
        let frame = json!({"request_id": number, "action": "ping", "payload": {}});
        line.0
            .feed(Message::text(frame.to_string()))
            .await
            .expect("it is sent");
    }
    line.0.flush().await.expect("it is sent");
    let kind = "pending_requests_limit_reached";
    let refused = line
        .until(|it| it["payload"]["error"]["type"] == kind)
        .await;
    assert_eq!(refused["success"], false);
    client
        .sim
        .act("disconnect", json!({"reason": "license_expired"}));
    assert_eq!(line.ends_with().await, "license_expired");
    let mut line = Line::new(&client).await;
    line.ask("login", json!({"token": shown})).await;
    line.ask("logout", json!({})).await;
    assert_eq!(line.ends_with().await, "agent_logged_out_remotely");
}

#[tokio::test]
async fn chat_io_s_socket_speaks_its_own_words() {
    let client = Client::new().await;
    let mut line = Line::open(&client, "agent/v0.3/rtm/ws")
        .await
        .expect("a socket");
    let shown = token(&client).await;
    let logged_in = line.ask("login", json!({"token": shown})).await;
    assert_eq!(logged_in["success"], true);
    client.sim.say("shop", "ann", "hello");
    let push = line.until(|frame| frame["type"] == "push").await;
    assert_eq!(push["action"], "incoming_chat_thread");
    let events = &push["payload"]["chat"]["thread"]["events"];
    assert_eq!(events[0]["recipients"], "all");
    assert!(push.get("version").is_none());
}
