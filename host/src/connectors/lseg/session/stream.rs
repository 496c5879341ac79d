//! The stream itself: opened, connected, shown tokens.

use std::time::Duration;

use http::HeaderMap;
use serde_json::json;
use tokio::time::timeout;

use super::super::LsegConnector;
use super::super::auth::Token;
use super::super::convert::{Heard, read_frame};
use crate::net::{Frame, Heartbeat, Opening, WebSocket, WebSocketError};

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

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    /// The token was not taken.
    #[error("the stream refuses the token: {0}")]
    Refused(String),
    /// Anything else.
    #[error("the stream: {0}")]
    Lost(String),
}

/// An open stream.
pub(super) struct Stream {
    pub(super) socket: WebSocket,
    request: u32,
    lifetime: Duration,
}

impl Stream {
    /// Opens the stream, shows it a token, and waits until it says that it is connected.
    pub(super) async fn open(
        connector: &LsegConnector,
        token: &Token,
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
            request: first_request(),
            lifetime: token.lifetime,
        };
        let request = stream.show("connect", token).await?;
        let connected = timeout(CONNECTED, stream.connected(connector, &request)).await;
        let late = || StreamError::Lost(format!("not connected after {CONNECTED:?}"));
        connected.map_err(|_| late())??;
        Ok(stream)
    }

    /// How long the token holds that it was opened with, by its own words.
    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Shows a new token.
    pub(super) async fn authenticate(&mut self, token: &Token) -> Result<(), StreamError> {
        self.show("authenticate", token).await.map(|_| ())
    }

    async fn show(&mut self, command: &str, token: &Token) -> Result<String, StreamError> {
        self.request = (self.request + 1) % REQUESTS;
        let request = self.request.to_string();
        let frame = json!({
            "reqId": request,
            "command": command,
            "payload": {"stsToken": token.access.expose()},
        });
        let sent = self.socket.send_text(frame.to_string()).await;
        sent.map_err(|error| StreamError::Lost(error.to_string()))?;
        Ok(request)
    }

    /// Waits until the stream is connected. It says nothing before that anybody could miss.
    async fn connected(
        &mut self,
        connector: &LsegConnector,
        request: &str,
    ) -> Result<(), StreamError> {
        loop {
            let frame: Frame = self.socket.next().await.map_err(of_first)?;
            let heard = connector.reading(connector.now(), |reading| {
                read_frame(frame.as_bytes(), reading)
            });
            match heard {
                Heard::Connected(of) if of.as_deref().is_none_or(|of| of == request) => {
                    return Ok(());
                }
                Heard::Failed { why, .. } => return Err(StreamError::Refused(why)),
                _ => {}
            }
        }
    }
}

/// What it means that the stream did not open.
fn of_opening(error: WebSocketError) -> StreamError {
    match &error {
        WebSocketError::Refused(answer) if matches!(answer.status.as_u16(), 401 | 403) => {
            StreamError::Refused(error.to_string())
        }
        _ => StreamError::Lost(error.to_string()),
    }
}

/// What it means that the stream ended before it was connected.
fn of_first(error: WebSocketError) -> StreamError {
    match &error {
        // How a token is refused is not documented: a policy that is broken may be it, or codes of the
        // platform's own.
        WebSocketError::Closed {
            code: Some(1008 | 4401 | 4403),
            ..
        } => StreamError::Refused(error.to_string()),
        _ => StreamError::Lost(error.to_string()),
    }
}

fn first_request() -> u32 {
    let mut bytes = [0_u8; 4];
    // Where the system has no randomness any number serves.
    let _ = getrandom::fill(&mut bytes);
    u32::from_le_bytes(bytes) % REQUESTS
}
