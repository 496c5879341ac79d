//! A client of the simulator, as plain as can be, and a listener for its webhooks.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use parlor_tests::sim::webex::{TOKEN, Webex, WebexOptions};
use reqwest::Method;
use serde_json::Value;

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Got {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Its body, where it is good.
    #[track_caller]
    pub(crate) fn good(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert!(self.status < 300, "{}: {text}", self.status);
        if self.body.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// It is refused with this status, and its message contains this.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, message: &str) {
        let body = self.json();
        assert_eq!(self.status, status, "{body}");
        let text = body["message"].as_str().unwrap_or_default();
        assert!(text.contains(message), "{text}");
        // The number for support stands in the header and in the body.
        let tracking = self
            .headers
            .get("trackingid")
            .and_then(|it| it.to_str().ok());
        assert_eq!(body["trackingId"].as_str(), tracking);
    }
}

/// A platform and a client of it.
pub(crate) struct Client {
    pub(crate) sim: Webex,
    http: reqwest::Client,
}

impl Client {
    pub(crate) async fn new() -> Self {
        Self {
            sim: Webex::start(WebexOptions::default())
                .await
                .expect("a platform"),
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("{}/v1/{path}", self.sim.base_url()),
        };
        self.http.request(method, url).bearer_auth(TOKEN)
    }

    /// A request with a form, as the scripts of old make it.
    pub(crate) fn form(&self, path: &str, pairs: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs);
        let kind = "application/x-www-form-urlencoded";
        self.request(Method::POST, path)
            .header("content-type", kind)
            .body(form.finish())
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Got {
        let answer = request.send().await.expect("an answer");
        Got {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.bytes().await.expect("a body").to_vec(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Got {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Got {
        self.send(self.request(Method::DELETE, path)).await
    }
}

/// A delivery of a webhook as it came.
#[derive(Clone, Debug)]
pub(crate) struct Came {
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Came {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("a delivery is JSON")
    }
}

#[derive(Default)]
struct Heard {
    came: Mutex<Vec<Came>>,
    status: Mutex<Option<u16>>,
}

/// Takes webhooks.
pub(crate) struct Listener {
    pub(crate) url: String,
    heard: Arc<Heard>,
    server: tokio::task::JoinHandle<()>,
}

async fn take(
    State(heard): State<Arc<Heard>>,
    headers: HeaderMap,
    body: bytes::Bytes,
) -> StatusCode {
    heard.came.lock().push(Came {
        headers,
        bytes: body.to_vec(),
    });
    let status = heard.status.lock().unwrap_or(200);
    StatusCode::from_u16(status).expect("a status")
}

impl Listener {
    pub(crate) async fn start() -> Self {
        let heard = Arc::new(Heard::default());
        let router = axum::Router::new().fallback(take).with_state(heard.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self { url, heard, server }
    }

    pub(crate) fn answer(&self, status: u16) {
        *self.heard.status.lock() = Some(status);
    }

    pub(crate) fn came(&self) -> Vec<Came> {
        self.heard.came.lock().clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.server.abort();
    }
}
