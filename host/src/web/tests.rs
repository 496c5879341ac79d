//! Tests of the page's listener with a real client.

use std::net::SocketAddr;
use std::sync::Arc;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{PageConfig, PageServer, PanelSource, PluginRow, WebError};
use crate::mailbox::rooms::{Command, Done, RoomFile, RoomUser, Rooms, RoomsError, Snapshot, View};
use crate::model::event::UserKind;

/// A platform that answers every command, and knows nobody.
struct FakeRooms {
    changes: tokio::sync::broadcast::Sender<Arc<crate::mailbox::rooms::RoomEvent>>,
    asked: parking_lot::Mutex<Vec<(String, String)>>,
}

#[async_trait::async_trait]
impl Rooms for FakeRooms {
    async fn act(&self, user: &str, command: Command) -> Result<Done, RoomsError> {
        let text = serde_json::to_string(&command).unwrap();
        self.asked.lock().push((user.to_owned(), text));
        match command {
            Command::Leave { .. } => Err(RoomsError::NotFound("room".to_owned())),
            _ => Ok(Done::default()),
        }
    }

    fn view(&self, user: &str) -> Result<(Snapshot, View), RoomsError> {
        let snapshot = Snapshot {
            number: 0,
            viewer: Arc::new(RoomUser {
                id: user.to_lowercase().into(),
                name: user.into(),
                kind: UserKind::Human,
            }),
            users: Vec::new(),
            present: Vec::new(),
            rooms: Vec::new(),
        };
        let view = View::new(&snapshot, self.changes.subscribe());
        Ok((snapshot, view))
    }

    fn file(&self, _user: &str, id: &str) -> Option<RoomFile> {
        (id == "known").then(|| RoomFile {
            about: crate::model::event::ReceivedAttachment {
                id: id.to_owned(),
                name: "a\"b\r\n.html".to_owned(),
                media_type: "text/html".to_owned(),
                size: None,
            },
            bytes: "<script>".into(),
        })
    }
}

struct FakePanel(watch::Sender<u64>);

impl PanelSource for FakePanel {
    fn plugins(&self) -> Vec<PluginRow> {
        vec![PluginRow {
            name: format!("joke-{}", *self.0.borrow()),
            state: "serving".to_owned(),
            ..PluginRow::default()
        }]
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

struct Page {
    address: SocketAddr,
    url: String,
    rooms: Arc<FakeRooms>,
    panel: Arc<FakePanel>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), WebError>>,
}

async fn page() -> Page {
    let rooms = Arc::new(FakeRooms {
        changes: tokio::sync::broadcast::Sender::new(16),
        asked: parking_lot::Mutex::default(),
    });
    let panel = Arc::new(FakePanel(watch::Sender::new(0)));
    let config = PageConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        token: None,
    };
    let server = PageServer::bind(config, rooms.clone(), panel.clone())
        .await
        .unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    Page {
        address: server.address(),
        url: server.url(),
        rooms,
        panel,
        stop,
        serving: tokio::spawn(server.serve(async {
            // A dropped sender stops it too.
            let _ = stopped.await;
        })),
    }
}

impl Page {
    fn token(&self) -> &str {
        self.url.split_once("token=").unwrap().1
    }

    /// One request on a connection of its own; the whole answer as text.
    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> String {
        let host = self.address.to_string();
        let mut request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n");
        if headers.iter().all(|(name, _)| *name != "Host") {
            request.push_str(&format!("Host: {host}\r\n"));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn cookie(&self) -> String {
        let answer = self.get(&format!("/?token={}", self.token()), &[]).await;
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        let line = answer
            .lines()
            .find(|l| l.starts_with("set-cookie: "))
            .unwrap();
        assert!(
            line.contains("HttpOnly") && line.contains("SameSite=Strict"),
            "{line}"
        );
        let cookie = line.trim_start_matches("set-cookie: ");
        cookie.split(';').next().unwrap().to_owned()
    }

    async fn socket(&self, headers: &[(&str, &str)]) -> Result<Socket, u16> {
        let mut request = format!("ws://{}/ws", self.address)
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn open(&self) -> Socket {
        let cookie = self.cookie().await;
        let origin = format!("http://{}", self.address);
        let headers = [("Cookie", cookie.as_str()), ("Origin", origin.as_str())];
        self.socket(&headers).await.unwrap()
    }
}

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn say(&mut self, value: Value) {
        self.0.send(Message::text(value.to_string())).await.unwrap();
    }

    /// The next frame that has this key.
    async fn wait_for(&mut self, key: &str) -> Value {
        while let Some(frame) = self.0.next().await {
            if let Message::Text(text) = frame.unwrap() {
                let value: Value = serde_json::from_str(&text).unwrap();
                if let Some(found) = value.get(key) {
                    return found.clone();
                }
            }
        }
        panic!("the socket closed before {key}");
    }
}

#[tokio::test]
async fn nothing_opens_without_the_token() {
    let page = page().await;
    for path in [
        "/",
        "/page.js",
        "/ws",
        "/file/known",
        "/?token=",
        "/?token=wrong",
        "/none",
    ] {
        let answer = page.get(path, &[]).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
    }
    let wrong = format!("parlor_{}=wrong", page.address.port());
    let answer = page.get("/", &[("Cookie", &wrong)]).await;
    assert!(answer.starts_with("HTTP/1.1 403"));
}

#[tokio::test]
async fn the_token_opens_the_page_and_leaves_the_address() {
    let page = page().await;
    let cookie = page.cookie().await;
    let answer = page.get("/", &[("Cookie", &cookie)]).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(!answer.contains(page.token()));
    for wanted in [
        "default-src 'none'",
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
        "no-store",
    ] {
        assert!(answer.contains(wanted), "{wanted}");
    }
    for path in ["/page.css", "/page.js", "/model.js", "/content.js"] {
        assert!(
            page.get(path, &[("Cookie", &cookie)])
                .await
                .starts_with("HTTP/1.1 200"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn another_host_name_or_origin_is_refused() {
    let page = page().await;
    let cookie = page.cookie().await;
    let port = page.address.port();
    let evil = format!("evil.example:{port}");
    let own = format!("localhost:{port}");
    for (headers, wanted) in [
        (vec![("Host", evil.as_str())], "403"),
        (vec![("Host", "127.0.0.1")], "403"),
        (vec![("Host", own.as_str())], "200"),
        (vec![("Origin", "http://evil.example")], "403"),
        (vec![("Origin", "null")], "403"),
    ] {
        let mut all = headers.clone();
        all.push(("Cookie", &cookie));
        let answer = page.get("/", &all).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {wanted}")),
            "{headers:?}: {answer}"
        );
    }
    let evil_token = format!("/?token={}", page.token());
    assert!(
        page.get(&evil_token, &[("Host", &evil)])
            .await
            .starts_with("HTTP/1.1 403")
    );
}

#[tokio::test]
async fn the_socket_wants_cookie_host_and_origin() {
    let page = page().await;
    let cookie = page.cookie().await;
    let origin = format!("http://{}", page.address);
    let evil = format!("evil.example:{}", page.address.port());
    for headers in [
        vec![("Origin", origin.as_str())],
        vec![("Cookie", cookie.as_str())],
        vec![
            ("Cookie", cookie.as_str()),
            ("Origin", "http://evil.example"),
        ],
        vec![("Cookie", cookie.as_str()), ("Origin", "null")],
        vec![
            ("Cookie", cookie.as_str()),
            ("Origin", origin.as_str()),
            ("Host", evil.as_str()),
        ],
    ] {
        assert_eq!(page.socket(&headers).await.err(), Some(403), "{headers:?}");
    }
    let good = [("Cookie", cookie.as_str()), ("Origin", origin.as_str())];
    assert!(page.socket(&good).await.is_ok());
}

#[tokio::test]
async fn the_socket_speaks_its_protocol() {
    let page = page().await;
    let mut socket = page.open().await;
    let rows = socket.wait_for("plugins").await;
    assert_eq!(rows[0]["name"], "joke-0");
    socket
        .say(json!({"id": 1, "do": {"say": {"conversation": "c", "text": "hi"}}}))
        .await;
    let answer = socket.wait_for("answer").await;
    assert_eq!(answer["error"], "say who you are first");
    socket.say(json!({"as": "Anna"})).await;
    assert_eq!(socket.wait_for("snapshot").await["viewer"]["name"], "Anna");
    socket
        .say(json!({"id": 2, "do": {"say": {"conversation": "c", "text": "hi"}}}))
        .await;
    assert_eq!(
        socket.wait_for("answer").await,
        json!({"id": 2, "done": {"was_member": false}})
    );
    socket
        .say(json!({"id": 3, "do": {"leave": {"conversation": "c"}}}))
        .await;
    let answer = socket.wait_for("answer").await;
    assert_eq!(answer, json!({"id": 3, "error": "there is no room"}));
    socket.say(json!({"id": 4, "do": {"fly": {}}})).await;
    assert!(
        socket
            .wait_for("failed")
            .await
            .as_str()
            .unwrap()
            .contains("fly")
    );
    page.panel.0.send_modify(|number| *number += 1);
    assert_eq!(socket.wait_for("plugins").await[0]["name"], "joke-1");
    let change = crate::mailbox::rooms::RoomEvent {
        number: 1,
        at: 5,
        by: "bob".into(),
        part: None,
        change: crate::mailbox::rooms::Change::Typing {
            conversation: "c".into(),
            active: true,
        },
    };
    page.rooms.changes.send(Arc::new(change)).unwrap();
    let event = socket.wait_for("event").await;
    assert_eq!(
        event["change"],
        json!({"typing": {"conversation": "c", "active": true}})
    );
    for _ in 0..40 {
        let lost = crate::mailbox::rooms::RoomEvent {
            number: 2,
            at: 5,
            by: "bob".into(),
            part: None,
            change: crate::mailbox::rooms::Change::Deleted {
                conversation: "c".into(),
                message: "m".into(),
            },
        };
        page.rooms.changes.send(Arc::new(lost)).unwrap();
    }
    // More than the channel holds: the page gets everything anew.
    socket.wait_for("snapshot").await;
    let spoke = page.rooms.asked.lock().clone();
    assert_eq!(spoke[0].0, "Anna");
    assert!(spoke[0].1.contains("available"));
}

#[tokio::test]
async fn files_do_nothing_in_the_browser() {
    let page = page().await;
    let cookie = page.cookie().await;
    let answer = page
        .get("/file/known?as=anna", &[("Cookie", &cookie)])
        .await;
    assert!(
        answer.contains("content-disposition: attachment; filename=\"a_b__.html\""),
        "{answer}"
    );
    assert!(answer.contains("application/octet-stream") && answer.contains("sandbox"));
    let none = page.get("/file/none?as=anna", &[("Cookie", &cookie)]).await;
    assert!(none.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn a_stop_closes_the_pages() {
    let page = page().await;
    let mut socket = page.open().await;
    socket.say(json!({"as": "Anna"})).await;
    socket.wait_for("snapshot").await;
    page.stop.send(()).unwrap();
    let mut closed = false;
    while let Some(Ok(frame)) = socket.0.next().await {
        closed |= matches!(frame, Message::Close(_));
    }
    assert!(closed);
    page.serving.await.unwrap().unwrap();
    // Who was there is there no more.
    assert!(
        page.rooms
            .asked
            .lock()
            .last()
            .unwrap()
            .1
            .contains("offline")
    );
}

#[tokio::test]
async fn other_addresses_than_loopback_are_refused() {
    let page = page().await;
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        let config = PageConfig {
            listen: address.parse().unwrap(),
            token: None,
        };
        let bound = PageServer::bind(config, page.rooms.clone(), page.panel.clone()).await;
        assert!(matches!(bound, Err(WebError::NotLoopback(_))), "{address}");
    }
    let taken = PageConfig {
        listen: page.address,
        token: None,
    };
    let bound = PageServer::bind(taken, page.rooms.clone(), page.panel.clone()).await;
    assert!(matches!(bound, Err(WebError::Listen { .. })));
}
