//! A client of the simulator, as plain as can be: it knows nothing of parlor's connector.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{SinkExt as _, StreamExt as _};
use parlor_tests::sim::Clock;
use parlor_tests::sim::lseg::{APP_KEY, BOT, Lseg, LsegOptions, PASSWORD, TOKEN_PATH};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// The longest that a test waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Got {
    #[track_caller]
    pub(crate) fn good(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// Its status, with these words in its body.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert!(self.body.to_string().contains(words), "{}", self.body);
    }
}

pub(crate) async fn platform(speed: f64) -> Lseg {
    let options = LsegOptions {
        clock: Clock::faster(speed),
        ..LsegOptions::default()
    };
    Lseg::start(options).await.expect("it starts")
}

/// The form of a first login, as the vendor's sample has it.
pub(crate) fn login() -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "password".to_owned()),
        ("username", BOT.to_owned()),
        ("password", PASSWORD.to_owned()),
        ("client_id", APP_KEY.to_owned()),
        ("scope", "trapi.messenger".to_owned()),
        ("takeExclusiveSignOnControl", "true".to_owned()),
    ]
}

/// A form with one of its fields another, or without it.
pub(crate) fn with(
    mut form: Vec<(&'static str, String)>,
    name: &'static str,
    value: Option<&str>,
) -> Vec<(&'static str, String)> {
    form.retain(|(known, _)| *known != name);
    form.extend(value.map(|value| (name, value.to_owned())));
    form
}

pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    base: String,
    pub(crate) token: String,
    pub(crate) refresh: String,
}

impl Client {
    pub(crate) fn new(sim: &Lseg) -> Self {
        // Another test of the process may have said so.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Self {
            http: http.expect("a client"),
            base: sim.base_url(),
            token: String::new(),
            refresh: String::new(),
        }
    }

    /// Logs in as the vendor's sample does.
    pub(crate) async fn logged_in(sim: &Lseg) -> Self {
        let mut client = Self::new(sim);
        let tokens = client.tokens(&login(), None).await.good();
        client.take(&tokens);
        client
    }

    pub(crate) fn take(&mut self, tokens: &Value) {
        let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        (self.token, self.refresh) = (text("access_token"), text("refresh_token"));
    }

    /// Asks for tokens with a form, and with this AppKey in the Basic header where there is one.
    pub(crate) async fn tokens(&self, form: &[(&str, String)], basic: Option<&str>) -> Got {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let mut request = self
            .http
            .post(format!("{}{TOKEN_PATH}", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        if let Some(key) = basic {
            let coded = STANDARD.encode(format!("{key}:"));
            request = request.header("authorization", format!("Basic {coded}"));
        }
        got(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        let request = self
            .http
            .get(format!("{}/messenger/beta1/{path}", self.base));
        got(request.bearer_auth(&self.token)).await
    }

    /// Posts JSON, or nothing at all, without a content type, as the samples do.
    pub(crate) async fn post(&self, path: &str, body: Option<Value>) -> Got {
        let request = self
            .http
            .post(format!("{}/messenger/beta1/{path}", self.base));
        let request = request.bearer_auth(&self.token);
        got(match body {
            Some(body) => request.body(body.to_string()),
            None => request.header("content-length", 0),
        })
        .await
    }

    pub(crate) async fn rooms(&self) -> Vec<(String, String)> {
        let list = self.get("chatrooms").await.good();
        let rooms = list["chatrooms"].as_array().expect("a list").clone();
        let text = |room: &Value, name: &str| room[name].as_str().unwrap_or_default().to_owned();
        rooms
            .iter()
            .map(|room| (text(room, "chatroomId"), text(room, "name")))
            .collect()
    }
}

async fn got(request: reqwest::RequestBuilder) -> Got {
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    Got {
        status,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}

/// A stream, opened.
pub(crate) struct Stream(pub(crate) WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>);

impl Stream {
    /// Opens one with this protocol; the status where it is refused.
    pub(crate) async fn open(sim: &Lseg, protocol: Option<&str>) -> Result<Self, u16> {
        let mut request = sim.ws_url().into_client_request().expect("an address");
        if let Some(protocol) = protocol {
            let value = protocol.parse().expect("a header");
            request
                .headers_mut()
                .insert("sec-websocket-protocol", value);
        }
        match connect_async(request).await {
            Ok((stream, _)) => Ok(Self(stream)),
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
                Err(answer.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens one and connects it.
    pub(crate) async fn connected(sim: &Lseg, client: &Client) -> Self {
        let mut stream = Self::open(sim, Some("messenger-json"))
            .await
            .expect("it opens");
        stream.command("1", "connect", &client.token).await;
        assert_eq!(
            stream.event().await,
            json!({"event": "connected", "reqId": "1"})
        );
        stream
    }

    pub(crate) async fn command(&mut self, id: &str, command: &str, token: &str) {
        let frame = json!({"reqId": id, "command": command, "payload": {"stsToken": token}});
        let sent = self.0.send(Message::text(frame.to_string())).await;
        sent.expect("it can be sent");
    }

    /// What comes next: an event, or null and the code where the stream ends.
    pub(crate) async fn next(&mut self) -> (Value, Option<u16>) {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.0.next()).await;
            return match next.expect("something comes") {
                Some(Ok(Message::Text(text))) => {
                    let event = serde_json::from_str(text.as_str());
                    (
                        event.unwrap_or(Value::String(text.as_str().to_owned())),
                        None,
                    )
                }
                Some(Ok(Message::Close(frame))) => (
                    Value::Null,
                    Some(frame.map_or(0, |frame| frame.code.into())),
                ),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => (Value::Null, Some(0)),
            };
        }
    }

    pub(crate) async fn event(&mut self) -> Value {
        let (event, ended) = self.next().await;
        assert_eq!(ended, None, "it has ended");
        event
    }

    /// The code with which it ends; 0 without a word.
    pub(crate) async fn ends(&mut self) -> u16 {
        let (event, ended) = self.next().await;
        ended.unwrap_or_else(|| panic!("it goes on with {event}"))
    }
}
