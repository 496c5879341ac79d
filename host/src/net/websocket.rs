//! The WebSocket client of a platform's connector: over our own connections, so that proxies,
//! authorities and certificates are those of its requests, with bounds on what comes in and a
//! heartbeat that notices a server that has gone without a word.
//!
//! Like a connector's requests it goes where the operator's settings say, private addresses included.

use std::future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderValue, Uri, header};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::Url;

use super::connect::{Connector, Line, Parts};
use super::resolve::{Lookup, SystemLookup};
use super::rest::Answer;
use super::route::NetConfig;
use super::tls::{Identity, Trust};

/// How long a server may take to agree to a WebSocket, once it is connected to.
const AGREE: Duration = Duration::from_secs(15);
/// How long something written may take to leave.
const WRITE: Duration = Duration::from_secs(10);
/// How long a server may take to agree to an end.
const CLOSE: Duration = Duration::from_secs(2);
/// Messages that are taken after an end was asked for.
const AFTER: usize = 1_000;
/// Bytes that wait to leave: several of our largest messages.
const UNWRITTEN: usize = 4 * 1024 * 1024;
/// Nothing waits for company.
const WRITE_AT_ONCE: usize = 0;
/// Bytes of a refusal that are kept.
const REFUSAL: usize = 16 * 1024;

/// Why there is no WebSocket, or no more of it.
#[derive(Debug, thiserror::Error)]
pub enum WebSocketError {
    /// The client cannot be made, or the opening is wrong.
    #[error("{0}")]
    Setup(String),
    /// No connection came about.
    #[error("not reached: {0}")]
    Unreached(String),
    /// The server answered, and not with a WebSocket.
    #[error("refused with {}: {}", .0.status.as_u16(), .0.text())]
    Refused(Box<Answer>),
    /// The server does not speak as it should, or agreed to another protocol.
    #[error("not understood: {0}")]
    Protocol(String),
    /// The server has ended it.
    #[error("closed by the server{}", closed_text(*.code, reason))]
    Closed {
        /// The code that it gave.
        code: Option<u16>,
        /// What it said, without control characters.
        reason: String,
    },
    /// The connection is broken.
    #[error("connection lost: {0}")]
    Lost(String),
    /// Something came that is larger than what is taken.
    #[error("a message larger than {0} bytes")]
    TooLarge(usize),
    /// The heartbeat was not answered in this time.
    #[error("no answer to a ping within {0:?}")]
    Silent(Duration),
}

fn closed_text(code: Option<u16>, reason: &str) -> String {
    match (code, reason) {
        (None, _) => String::new(),
        (Some(code), "") => format!(" ({code})"),
        (Some(code), reason) => format!(" ({code}: {reason})"),
    }
}

/// Pings by which both ends, and what lies between them, know that the other is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The time between two pings.
    pub every: Duration,
    /// How long the answer may take.
    pub timeout: Duration,
    /// What a ping holds, at most 125 bytes.
    pub payload: &'static [u8],
}

/// What a WebSocket is opened with.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    /// A `ws` or `wss` address.
    pub url: &'a Url,
    /// The protocols offered; the server must agree to one of them. None: none is spoken of.
    pub protocols: &'a [&'a str],
    /// Headers beside those of every WebSocket.
    pub headers: HeaderMap,
    /// Bytes of the largest message, and of the largest frame, that is taken.
    pub most: usize,
    /// Pings, where there are to be any.
    pub heartbeat: Option<Heartbeat>,
}

/// What a server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

impl Frame {
    /// Its bytes, whichever kind it is of.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// Opens WebSockets; clones share their settings.
#[derive(Clone)]
pub struct WebSocketClient {
    connector: Connector,
    user_agent: HeaderValue,
    /// How long a server may take to agree.
    agree: Duration,
}

impl WebSocketClient {
    /// Makes a client that goes this way and shows this certificate.
    ///
    /// # Errors
    /// [`WebSocketError::Setup`].
    pub fn new(
        config: &NetConfig,
        identity: Option<&Identity>,
        user_agent: &str,
    ) -> Result<Self, WebSocketError> {
        let setup =
            |error: &dyn std::error::Error| WebSocketError::Setup(super::egress::chain(error));
        let trust = Trust::new(&config.authorities).map_err(|error| setup(&error))?;
        // A WebSocket begins as HTTP/1.1.
        let tls = trust.client(identity, &[b"http/1.1"]);
        let tls = tls.map_err(|error| setup(&error))?;
        let proxy_tls = trust.client(None, &[b"http/1.1"]);
        let proxy_tls = proxy_tls.map_err(|error| setup(&error))?;
        let lookup: Arc<dyn Lookup> = Arc::new(SystemLookup);
        let parts = Arc::new(Parts::of_operator(config.clone(), &lookup, proxy_tls));
        Ok(Self {
            connector: Connector::new(parts, tls),
            user_agent: HeaderValue::from_str(user_agent).map_err(|error| setup(&error))?,
            agree: AGREE,
        })
    }

    /// Opens a WebSocket.
    ///
    /// # Errors
    /// [`WebSocketError`].
    pub async fn open(&self, opening: Opening<'_>) -> Result<WebSocket, WebSocketError> {
        let target = target_of(opening.url)?;
        let request = self.request_of(&opening)?;
        let line = self.connector.open(target).await;
        let line = line.map_err(|error| WebSocketError::Unreached(error.to_string()))?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(opening.most))
            .max_frame_size(Some(opening.most))
            .write_buffer_size(WRITE_AT_ONCE)
            .max_write_buffer_size(UNWRITTEN);
        let agreed = client_async_with_config(request, TokioIo::new(line), Some(config));
        let (stream, answer) = match timeout(self.agree, agreed).await {
            Err(_) => {
                let late = format!("no WebSocket after {:?}", self.agree);
                return Err(WebSocketError::Unreached(late));
            }
            Ok(agreed) => agreed.map_err(|error| not_agreed(error, opening.most))?,
        };
        let protocol = answer.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
        let protocol = protocol.and_then(|value| value.to_str().ok());
        Ok(WebSocket {
            stream,
            protocol: protocol.map(str::to_owned),
            most: opening.most,
            pulse: opening.heartbeat.map(Pulse::new),
            heard_at: Instant::now(),
        })
    }

    fn request_of(&self, opening: &Opening<'_>) -> Result<http::Request<()>, WebSocketError> {
        let setup = |error: String| WebSocketError::Setup(error);
        let request = opening.url.as_str().into_client_request();
        let mut request = request.map_err(|error| setup(error.to_string()))?;
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, self.user_agent.clone());
        for (name, value) in &opening.headers {
            headers.append(name, value.clone());
        }
        if !opening.protocols.is_empty() {
            let offered = HeaderValue::from_str(&opening.protocols.join(", "));
            let offered = offered.map_err(|error| setup(error.to_string()))?;
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
        }
        Ok(request)
    }
}

/// The address under which connections know it.
fn target_of(url: &Url) -> Result<Uri, WebSocketError> {
    let scheme = match url.scheme() {
        "ws" => "http",
        "wss" => "https",
        other => {
            let wrong = format!("{other} is no scheme of a WebSocket, ws and wss are");
            return Err(WebSocketError::Setup(wrong));
        }
    };
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let target = Uri::builder().scheme(scheme).authority(authority);
    let target = target.path_and_query("/").build();
    target.map_err(|error| WebSocketError::Setup(error.to_string()))
}

/// What it means that an opening failed so.
fn not_agreed(error: Error, most: usize) -> WebSocketError {
    match error {
        Error::Http(answer) => {
            let (parts, body) = answer.into_parts();
            let mut body = body.unwrap_or_default();
            body.truncate(REFUSAL);
            WebSocketError::Refused(Box::new(Answer {
                status: parts.status,
                headers: parts.headers,
                body: body.into(),
            }))
        }
        error => of_error(error, most),
    }
}

/// What it means that a stream failed so.
fn of_error(error: Error, most: usize) -> WebSocketError {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => WebSocketError::Closed {
            code: None,
            reason: String::new(),
        },
        Error::Capacity(tungstenite::error::CapacityError::MessageTooLong { .. }) => {
            WebSocketError::TooLarge(most)
        }
        Error::Io(error) => WebSocketError::Lost(super::egress::chain(&error)),
        Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            WebSocketError::Lost("ended without a closing".to_owned())
        }
        Error::Protocol(tungstenite::error::ProtocolError::HandshakeIncomplete) => {
            WebSocketError::Lost("ended while it was opened".to_owned())
        }
        other => WebSocketError::Protocol(other.to_string()),
    }
}

/// A WebSocket that is open.
pub struct WebSocket {
    stream: WebSocketStream<TokioIo<Line>>,
    protocol: Option<String>,
    most: usize,
    pulse: Option<Pulse>,
    /// When the server last showed that it is there.
    heard_at: Instant,
}

impl WebSocket {
    /// The protocol that the server has agreed to.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// When the server last showed that it is there, as far as anybody looked.
    pub fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// Waits for what comes next. It may be dropped and called again: nothing is lost. The heartbeat
    /// beats, and the server's pings are answered, only while it is waited for.
    ///
    /// # Errors
    /// [`WebSocketError`]; after one there is no more.
    pub async fn next(&mut self) -> Result<Frame, WebSocketError> {
        loop {
            let due = self.pulse.as_ref().map(Pulse::due);
            let message = tokio::select! {
                // What has come counts first: nobody may have looked for a while, and the answer to a
                // ping lies there.
                biased;
                message = self.stream.next() => message,
                () = at(due) => {
                    self.beat().await?;
                    continue;
                }
            };
            let Some(message) = message else {
                return Err(WebSocketError::Closed {
                    code: None,
                    reason: String::new(),
                });
            };
            let message = message.map_err(|error| of_error(error, self.most))?;
            self.heard_at = Instant::now();
            if let Some(pulse) = &mut self.pulse {
                // Whatever comes shows that the server is there.
                pulse.silent_at = None;
            }
            match message {
                Message::Text(text) => return Ok(Frame::Text(text.as_str().to_owned())),
                Message::Binary(bytes) => return Ok(Frame::Binary(bytes)),
                Message::Close(frame) => {
                    // That it was heard is answered in haste, or not at all.
                    let _ = timeout(CLOSE, self.stream.flush()).await;
                    return Err(closed(frame));
                }
                // Pings are answered by the stream itself.
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Sends a text.
    ///
    /// # Errors
    /// [`WebSocketError::Lost`], [`WebSocketError::Closed`].
    pub async fn send_text(&mut self, text: String) -> Result<(), WebSocketError> {
        self.send(Message::text(text)).await
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// [`WebSocketError::Lost`], [`WebSocketError::Closed`].
    pub async fn send_binary(&mut self, bytes: Bytes) -> Result<(), WebSocketError> {
        self.send(Message::Binary(bytes)).await
    }

    /// Ends it: says so, and gives the server a moment to agree.
    pub async fn close(self) {
        self.finish().await;
    }

    /// As [`WebSocket::close`], with what the server had said up to there.
    pub async fn finish(mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        let end = async {
            // Who is gone need not be told.
            let _ = self.stream.close(None).await;
            while let Some(Ok(message)) = self.stream.next().await {
                match message {
                    Message::Text(text) => frames.push(Frame::Text(text.as_str().to_owned())),
                    Message::Binary(bytes) => frames.push(Frame::Binary(bytes)),
                    Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {
                    }
                }
                if frames.len() >= AFTER {
                    break;
                }
            }
        };
        let _ = timeout(CLOSE, end).await;
        frames
    }

    async fn beat(&mut self) -> Result<(), WebSocketError> {
        let Some(pulse) = &mut self.pulse else {
            return Ok(());
        };
        if let Some(silent_at) = pulse.silent_at
            && silent_at <= Instant::now()
        {
            return Err(WebSocketError::Silent(pulse.heartbeat.timeout));
        }
        let ping = Message::Ping(Bytes::from_static(pulse.heartbeat.payload));
        pulse.begin();
        self.send(ping).await
    }

    async fn send(&mut self, message: Message) -> Result<(), WebSocketError> {
        match timeout(WRITE, self.stream.send(message)).await {
            Ok(sent) => sent.map_err(|error| of_error(error, self.most)),
            Err(_) => Err(WebSocketError::Lost(format!("nothing left in {WRITE:?}"))),
        }
    }
}

fn closed(frame: Option<CloseFrame>) -> WebSocketError {
    let reason = frame.as_ref().map(|frame| frame.reason.as_str());
    let reason = reason.unwrap_or_default().chars();
    WebSocketError::Closed {
        code: frame.as_ref().map(|frame| frame.code.into()),
        reason: reason.filter(|c| !c.is_control()).collect(),
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => future::pending().await,
    }
}

/// When the next ping is due, and until when the last may be answered.
struct Pulse {
    heartbeat: Heartbeat,
    ping_at: Instant,
    silent_at: Option<Instant>,
}

impl Pulse {
    fn new(heartbeat: Heartbeat) -> Self {
        Self {
            ping_at: Instant::now() + heartbeat.every,
            heartbeat,
            silent_at: None,
        }
    }

    fn due(&self) -> Instant {
        self.silent_at
            .map_or(self.ping_at, |at| at.min(self.ping_at))
    }

    fn begin(&mut self) {
        let now = Instant::now();
        self.ping_at = now + self.heartbeat.every;
        // The first that is not answered counts.
        self.silent_at = self.silent_at.or(Some(now + self.heartbeat.timeout));
    }
}

#[cfg(test)]
mod tests;
