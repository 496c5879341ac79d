//! The stream itself: opened, connected, shown tokens.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use serde_json::json;
use tokio::time::timeout;

use super::super::LsegConnector;
use super::super::auth::Token;
use super::super::convert::{Heard, read_frame};
use crate::mailbox::session::SessionEnd;
use crate::net::{Frame, Heartbeat, Opening, WebSocket, WebSocketError, retry_after};

/// The one protocol that the stream speaks.
const PROTOCOL: &str = "messenger-json";
/// How long the stream may take to say that it is connected.
const CONNECTED: Duration = Duration::from_secs(15);
/// Bytes of a frame that are taken.
const FRAME_BYTES: usize = 1024 * 1024;
/// What a ping holds, as in the vendor's samples.
const PING: &[u8] = b"2";
/// Request ids are below this, as in the vendor's samples.
const REQUESTS: u32 = 1_000_000;

/// Frames that come before the stream says that it is connected.
const EARLY: usize = 64;

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    /// The bot may not, or its token is none: another may help, once.
    #[error("the stream refuses the token: {0}")]
    Refused(String),
    /// The token was not taken, as it seems; nobody says how that looks.
    #[error("the stream refuses the token: {0}")]
    Doubted(String),
    /// It ended before it was connected.
    #[error("the stream: {0}")]
    Ended(String),
    /// It wants to be left alone for so long.
    #[error("the stream: {0}")]
    Later(String, Duration),
    /// Anything else.
    #[error("the stream: {0}")]
    Lost(String),
}

impl StreamError {
    /// How a session ends with it.
    pub(super) fn end(self) -> SessionEnd {
        let why = self.to_string();
        match self {
            Self::Later(_, wait) => SessionEnd::Later(why, wait),
            _ => SessionEnd::Lost(why),
        }
    }
}

/// An open stream.
pub(super) struct Stream {
    pub(super) socket: WebSocket,
    /// What came before it was connected.
    pub(super) early: Vec<Frame>,
    request: u32,
    /// The token that was shown last.
    pub(super) token: Arc<Token>,
}

impl Stream {
    /// Opens the stream, shows it a token, and waits until it says that it is connected.
    pub(super) async fn open(
        connector: &LsegConnector,
        token: &Arc<Token>,
    ) -> Result<Self, StreamError> {
        let config = &connector.config;
        let heartbeat = config.hold.heartbeat.map(|(every, timeout)| Heartbeat {
            every,
            timeout,
            payload: PING,
        });
        let opening = Opening {
            url: &config.stream,
            protocols: &[PROTOCOL],
            headers: HeaderMap::new(),
            most: FRAME_BYTES,
            heartbeat,
        };
        let socket = connector.sockets.open(opening).await.map_err(of_opening)?;
        let mut stream = Self {
            socket,
            early: Vec::new(),
            request: first_request(),
            token: token.clone(),
        };
        let request = stream.show("connect").await?;
        let connected = timeout(CONNECTED, stream.connected(connector, &request)).await;
        let late = || StreamError::Ended(format!("not connected after {CONNECTED:?}"));
        connected.map_err(|_| late())??;
        Ok(stream)
    }

    /// Shows a new token.
    pub(super) async fn authenticate(&mut self, token: Arc<Token>) -> Result<(), StreamError> {
        self.token = token;
        self.show("authenticate").await.map(|_| ())
    }

    async fn show(&mut self, command: &str) -> Result<String, StreamError> {
        self.request = (self.request + 1) % REQUESTS;
        let request = self.request.to_string();
        let frame = json!({
            "reqId": request,
            "command": command,
            "payload": {"stsToken": self.token.access.expose()},
        });
        let sent = self.socket.send_text(frame.to_string()).await;
        sent.map_err(|error| StreamError::Lost(error.to_string()))?;
        Ok(request)
    }

    /// Waits until the stream is connected. What comes before that is kept.
    async fn connected(
        &mut self,
        connector: &LsegConnector,
        request: &str,
    ) -> Result<(), StreamError> {
        loop {
            let frame = self.socket.next().await;
            let frame = frame.map_err(|error| of_first(&error, &self.token))?;
            let heard = connector.reading(connector.now(), |reading| {
                read_frame(frame.as_bytes(), reading)
            });
            match heard {
                Heard::Connected(of) if of.as_deref().is_none_or(|of| of == request) => {
                    return Ok(());
                }
                Heard::Failed { why, is_denied, .. } => {
                    let why = self.token.hidden_in(&why);
                    return Err(match is_denied {
                        true => StreamError::Refused(why),
                        false => StreamError::Doubted(why),
                    });
                }
                Heard::Happened(_) | Heard::Invited { .. } if self.early.len() < EARLY => {
                    self.early.push(frame);
                }
                _ => {}
            }
        }
    }
}

/// What it means that the stream did not open.
fn of_opening(error: WebSocketError) -> StreamError {
    let why = error.to_string();
    let WebSocketError::Refused(answer) = &error else {
        return StreamError::Lost(why);
    };
    match answer.status.as_u16() {
        401 | 403 | 451 => StreamError::Refused(why),
        429 | 503 => match retry_after::wait(&answer.headers, &answer.body, SystemTime::now()) {
            Some(wait) => StreamError::Later(why, wait),
            None => StreamError::Lost(why),
        },
        _ => StreamError::Lost(why),
    }
}

/// What it means that the stream ended before it was connected.
fn of_first(error: &WebSocketError, token: &Token) -> StreamError {
    let why = token.hidden_in(&error.to_string());
    match error {
        // How a token is refused is not documented: a policy that is broken may be it, or codes of the
        // platform's own.
        WebSocketError::Closed {
            code: Some(1008 | 4401 | 4403),
            ..
        } => StreamError::Doubted(why),
        _ => StreamError::Ended(why),
    }
}

fn first_request() -> u32 {
    let mut bytes = [0_u8; 4];
    // Where the system has no randomness any number serves.
    let _ = getrandom::fill(&mut bytes);
    u32::from_le_bytes(bytes) % REQUESTS
}
