//! Somebody's HTTP API on loopback: slow where a test says so, and it remembers what it was asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use parking_lot::Mutex;
use tokio::sync::watch;

/// A request as the API got it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// The API. It serves until the test ends.
///
/// | Path | Answer |
/// |---|---|
/// | `/held…` | `200` when the test opens the door |
/// | `/late…` | `200` after the delay |
/// | `/status/N` | `N` |
/// | `/bytes/N` | `200` and a body of `N` bytes |
/// | one that has its answer | that |
/// | anything else | `200`; the body of all others is `METHOD PATH BODY` |
pub struct Api {
    address: std::net::SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    asked: watch::Sender<Vec<Asked>>,
    door: watch::Sender<bool>,
    delay: Mutex<Duration>,
    answers: Mutex<HashMap<String, (StatusCode, String)>>,
}

impl Api {
    /// Starts it on a port of its own.
    ///
    /// # Panics
    /// When loopback cannot be listened on.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("loopback can be listened on");
        let address = listener.local_addr().expect("it has an address");
        let shared = Arc::new(Shared {
            asked: watch::Sender::default(),
            door: watch::Sender::new(false),
            delay: Mutex::default(),
            answers: Mutex::default(),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The settings' line that grants everything of it.
    pub fn grant(&self) -> String {
        format!("grants.http = [\"* {}\"]", self.url("/*"))
    }

    /// Everything that it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.borrow().clone()
    }

    /// Waits until it was asked so often.
    ///
    /// # Panics
    /// When that takes longer than [`crate::harness::PATIENCE`].
    pub async fn until_asked(&self, times: usize) {
        let mut asked = self.shared.asked.subscribe();
        let enough = asked.wait_for(|asked| asked.len() >= times);
        let waited = tokio::time::timeout(crate::harness::PATIENCE, enough).await;
        assert!(waited.is_ok(), "it was not asked {times} times");
    }

    /// Sets what a path answers from now on.
    pub fn set_answer(&self, path: &str, status: StatusCode, text: &str) {
        let answer = (status, text.to_owned());
        self.shared.answers.lock().insert(path.to_owned(), answer);
    }

    /// Answers what is held at `/held…`, and holds nothing from now on.
    pub fn open_door(&self) {
        self.shared.door.send_replace(true);
    }

    /// Sets how long `/late…` takes.
    pub fn set_delay(&self, delay: Duration) {
        *self.shared.delay.lock() = delay;
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let path = uri.path().to_owned();
    let text = format!("{method} {path} {}", String::from_utf8_lossy(&body));
    shared.asked.send_modify(|asked| {
        asked.push(Asked {
            method,
            path: path.clone(),
            headers,
            body,
        });
    });
    if path.starts_with("/held") {
        // The sender lives in what this borrows from.
        let _ = shared.door.subscribe().wait_for(|is_open| *is_open).await;
    }
    if path.starts_with("/late") {
        let delay = *shared.delay.lock();
        tokio::time::sleep(delay).await;
    }
    if let Some(own) = shared.answers.lock().get(&path) {
        return own.clone();
    }
    let bytes = path.strip_prefix("/bytes/");
    if let Some(bytes) = bytes.and_then(|bytes| bytes.parse().ok()) {
        return (StatusCode::OK, "x".repeat(bytes));
    }
    let status = path
        .strip_prefix("/status/")
        .and_then(|status| status.parse().ok())
        .and_then(|status| StatusCode::from_u16(status).ok());
    (status.unwrap_or(StatusCode::OK), text.trim_end().to_owned())
}
