//! Events over the WebSocket that Cisco's own clients have, for bots without a public address
//! (webex.md §10). It is described nowhere officially and may change; webhooks are the supported way.
//!
//! What it tells is encrypted, so it says only that something happened: what it was is asked for by
//! the API. A frame is acknowledged when its notices are on disk; what was not acknowledged comes again
//! to the same device.

pub mod activity;
mod device;

use std::time::Duration;

use http::HeaderMap;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use url::Url;

use self::activity::{Frame, notices_of};
pub(super) use self::device::DeviceState;
use super::WebexConnector;
use super::config::SocketConfig;
use super::session::end_of;
use crate::mailbox::session::{SessionEnd, Watch};
use crate::model::Timestamp;
use crate::net::{Opening, WebSocket, WebSocketClient, WebSocketError};

/// Bytes of the largest frame.
const FRAME_BYTES: usize = 4 * 1024 * 1024;
/// How often the server is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(15);
/// How long its answer may take.
const PONG_WITHIN: Duration = Duration::from_secs(14);
/// How long the server may take to say that it knows the bot.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// A connection that lived no longer than this came to nothing.
const SHORT: Duration = Duration::from_secs(10);
/// Connections in a row that may come to nothing before the device is made anew.
const MAX_SHORT: u32 = 3;

/// How a connection ended.
enum Ended {
    /// It may be begun again.
    Lost(String),
    /// The device is no more, or the server will not have it so: another is made.
    Stale(String),
    /// Beginning again helps nothing.
    Refused(String),
}

impl WebexConnector {
    /// Hears by WebSocket until the connection ends. Nothing else is waited for here: what was missed is
    /// read back beside it.
    pub(super) async fn hear_socket(&self, config: &SocketConfig, watch: &dyn Watch) -> SessionEnd {
        let mut may_make_anew = true;
        loop {
            // Its address is asked for each time: one that is over looks like any other, and leads to
            // connections that end at once, or where nothing is ever told.
            let is_worn_out = self.device.shorts() >= MAX_SHORT;
            let device = match self.device(&config.discovery, is_worn_out).await {
                Ok(device) => device,
                Err(error) => return end_of(&error),
            };
            let begun = Instant::now();
            let mut has_been_ready = false;
            let ended = self
                .hear_device(&device.web_socket_url, watch, &mut has_been_ready)
                .await;
            let has_lived = has_been_ready && begun.elapsed() >= SHORT;
            self.device.note_end(has_lived);
            match ended {
                Ended::Lost(why) => return SessionEnd::Lost(why),
                Ended::Refused(why) => return SessionEnd::Refused(why),
                Ended::Stale(why) => {
                    tracing::warn!(bot = self.name(), why, "the device is made anew");
                    self.drop_device(&device).await;
                    if has_been_ready || !std::mem::take(&mut may_make_anew) {
                        return SessionEnd::Lost(why);
                    }
                }
            }
        }
    }

    async fn hear_device(&self, url: &str, watch: &dyn Watch, has_been_ready: &mut bool) -> Ended {
        let mut socket = match self.connect(url).await {
            Ok(socket) => socket,
            Err(ended) => return ended,
        };
        let authorization = json!({
            "id": made_up_id(),
            "type": "authorization",
            "data": { "token": self.api.bearer().to_str().unwrap_or_default() },
            "trackingId": format!("parlor_{}", made_up_id()),
        });
        if let Err(error) = socket.send_text(authorization.to_string()).await {
            return of_error(&error);
        }
        let mut pulse = Pulse::new();
        let mut place = Place {
            sequence: None,
            heard_at: self.now(),
        };
        let until_ready = Instant::now() + READY_WITHIN;
        loop {
            let text = tokio::select! {
                frame = socket.next() => match frame {
                    Ok(frame) => frame,
                    Err(error) => return of_error(&error),
                },
                () = sleep_until(pulse.due()) => {
                    match pulse.beat() {
                        Some(ping) => {
                            if let Err(error) = socket.send_text(ping).await {
                                return of_error(&error);
                            }
                        }
                        None => return Ended::Lost("no pong within 14 s".to_owned()),
                    }
                    continue;
                }
                () = sleep_until(until_ready), if !*has_been_ready => {
                    return Ended::Lost("the server does not say that it knows the bot".to_owned());
                }
            };
            let Ok(frame) = serde_json::from_slice::<Value>(text.as_bytes()) else {
                tracing::warn!(bot = self.name(), "a frame that is no JSON");
                self.has_missed(place.heard_at);
                continue;
            };
            let frame = Frame(frame);
            if frame.kind() == Some("pong") {
                if !pulse.answered(frame.id().unwrap_or_default()) {
                    return Ended::Lost("a pong that answers another ping".to_owned());
                }
            } else if let Some(ended) = self.heard(&frame, &mut socket, &mut place).await {
                return ended;
            }
            // Some servers say nothing but a pong where nobody asked for more.
            let knows_us = frame.is_welcome() || frame.kind() == Some("pong");
            if knows_us && !std::mem::replace(has_been_ready, true) {
                watch.connected();
                self.missed.hears();
            }
        }
    }

    /// Keeps what a frame tells, and says that it has come.
    async fn heard(
        &self,
        frame: &Frame,
        socket: &mut WebSocket,
        place: &mut Place,
    ) -> Option<Ended> {
        for notice in notices_of(frame) {
            if let Err(error) = self.kept.spool.keep(notice).await {
                // It comes again to the next connection.
                return Some(Ended::Lost(error.to_string()));
            }
        }
        if let Some(id) = frame.id() {
            let acknowledged = json!({"type": "ack", "messageId": id}).to_string();
            if let Err(error) = socket.send_text(acknowledged).await {
                return Some(of_error(&error));
            }
        }
        if let Some(number) = frame.sequence() {
            let has_gap = place.sequence.is_some_and(|last| number > last + 1);
            place.sequence = Some(number);
            if has_gap {
                tracing::warn!(bot = self.name(), number, "frames were lost");
                // Read back beside this: the socket goes on being read.
                self.has_missed(place.heard_at);
            }
        }
        place.heard_at = self.now();
        None
    }

    async fn connect(&self, url: &str) -> Result<WebSocket, Ended> {
        let lost = |error: &dyn std::fmt::Display| Ended::Lost(error.to_string());
        let mut url = Url::parse(url).map_err(|error| lost(&error))?;
        if !self.may_connect(&url) {
            let host = url.host_str().unwrap_or_default();
            return Err(Ended::Refused(format!(
                "{host} is no host of the platform's"
            )));
        }
        url.query_pairs_mut()
            .append_pair("outboundWireFormat", "text")
            .append_pair("bufferStates", "true")
            .append_pair("aliasHttpStatus", "true");
        let own = concat!("parlor/", env!("CARGO_PKG_VERSION"));
        let client = WebSocketClient::new(&self.config.net, None, own);
        let client = client.map_err(|error| lost(&error))?;
        let mut headers = HeaderMap::new();
        headers.insert(http::header::AUTHORIZATION, self.api.bearer().clone());
        let opening = Opening {
            url: &url,
            protocols: &[],
            headers,
            most: FRAME_BYTES,
            heartbeat: None,
        };
        client.open(opening).await.map_err(|error| of_error(&error))
    }

    /// The token goes where it may, in a WebSocket as in a request.
    fn may_connect(&self, url: &Url) -> bool {
        let scheme = match url.scheme() {
            "wss" => "https",
            "ws" => "http",
            _ => return false,
        };
        // Between these kinds of scheme the crate changes nothing: the address is written anew.
        let (_, rest) = url.as_str().split_once(':').unwrap_or_default();
        Url::parse(&format!("{scheme}:{rest}")).is_ok_and(|url| self.api.may_ask(&url))
    }
}

/// How far a connection is.
struct Place {
    sequence: Option<u64>,
    /// When the last frame came that could be read.
    heard_at: Timestamp,
}

/// What the end of a connection means (webex.md §10.3).
fn of_error(error: &WebSocketError) -> Ended {
    let why = error.to_string();
    match error {
        WebSocketError::Refused(answer) => match answer.status.as_u16() {
            404 => Ended::Stale(why),
            401 | 403 => Ended::Refused(why),
            _ => Ended::Lost(why),
        },
        WebSocketError::Closed { code, reason } => of_close(*code, reason, why),
        _ => Ended::Lost(why),
    }
}

fn of_close(code: Option<u16>, reason: &str, why: String) -> Ended {
    let reason = reason.to_ascii_lowercase();
    let has = |part: &str| reason.contains(part);
    match code {
        // Nothing was said of the token: the exchange took too long, on either side.
        Some(1005 | 1008) | None if has("timeout") || has("did not happen") => Ended::Lost(why),
        // 1005 stands for 1008: the server has no other way to say it.
        Some(1005 | 1008) | None if has("authentication") => Ended::Refused(why),
        Some(1001 | 1005 | 1006 | 1011) | None => Ended::Lost(why),
        Some(1000) if has("idle") || has("done") || has("pong") => Ended::Lost(why),
        Some(4000) => Ended::Refused(format!(
            "{why}: another client has this bot's device; one bot is heard once"
        )),
        Some(4400 | 4401 | 4403) => Ended::Refused(why),
        Some(4404) => Ended::Stale(why),
        Some(_) => Ended::Stale(why),
    }
}

/// Asks in the platform's own words whether the server is there.
struct Pulse {
    next: Instant,
    open: Option<String>,
}

impl Pulse {
    fn new() -> Self {
        Self {
            next: Instant::now() + PING_EVERY,
            open: None,
        }
    }

    fn due(&self) -> Instant {
        self.next
    }

    /// The next ping; none where the last one was not answered.
    fn beat(&mut self) -> Option<String> {
        if self.open.is_some() {
            return None;
        }
        let id = made_up_id();
        let ping = json!({"id": id, "type": "ping"}).to_string();
        self.open = Some(id);
        self.next = Instant::now() + PONG_WITHIN;
        Some(ping)
    }

    /// Takes an answer; tells whether it was one to the last ping.
    fn answered(&mut self, id: &str) -> bool {
        let is_right = self.open.as_deref().is_none_or(|open| open == id);
        self.open = None;
        self.next = Instant::now() + PING_EVERY;
        is_right
    }
}

/// An id in the form that the platform's own have.
fn made_up_id() -> String {
    let mut bytes = [0_u8; 16];
    // Where the system has no randomness an id of zeros serves.
    let _ = getrandom::fill(&mut bytes);
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: Option<u16>, reason: &str) -> &'static str {
        match of_close(code, reason, String::new()) {
            Ended::Lost(_) => "again",
            Ended::Stale(_) => "anew",
            Ended::Refused(_) => "never",
        }
    }

    #[test]
    fn what_a_close_means_is_what_cisco_s_client_makes_of_it() {
        for (code, reason, expected) in [
            (Some(1001), "", "again"),
            (Some(1011), "", "again"),
            (None, "", "again"),
            (Some(1005), "", "again"),
            (Some(1005), "Authentication failed", "never"),
            (
                Some(1005),
                "Authentication did not happen within the timeout window of 30000 seconds.",
                "again",
            ),
            (Some(1008), "authentication did not happen", "again"),
            (Some(1008), "authentication failed", "never"),
            (Some(1000), "idle", "again"),
            (Some(1000), "done (forced)", "again"),
            (Some(1000), "Pong not received", "again"),
            (Some(1000), "Pong mismatch", "again"),
            (Some(1000), "", "anew"),
            (Some(1003), "", "anew"),
            (Some(4000), "replaced", "never"),
            (Some(4400), "", "never"),
            (Some(4401), "", "never"),
            (Some(4403), "", "never"),
            (Some(4404), "", "anew"),
        ] {
            assert_eq!(ended(code, reason), expected, "{code:?} {reason}");
        }
    }

    #[test]
    fn a_ping_is_answered_by_its_own_pong_or_not_at_all() {
        let mut pulse = Pulse::new();
        let ping: Value = serde_json::from_str(&pulse.beat().unwrap()).unwrap();
        assert_eq!(ping["type"], "ping");
        assert_eq!(pulse.beat(), None, "the first one waits for its answer");
        assert!(pulse.answered(ping["id"].as_str().unwrap()));
        assert!(pulse.beat().is_some());
        assert!(!pulse.answered("another"));
    }
}
