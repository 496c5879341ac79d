//! What was said while the bot had no feed, read from the conversations' history.

use std::future::Future;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::Hearing;
use crate::connectors::symphony::api::ApiError;
use crate::connectors::symphony::pages::{MAX_MESSAGES, Pages};
use crate::connectors::symphony::site::Call;
use crate::connectors::symphony::wire::event::V4Message;
use crate::connectors::symphony::wire::rest::StreamListed;
use crate::mailbox::session::SessionEnd;

/// Conversations of one page.
const PAGE: usize = 100;
/// Conversations that are looked through.
const MAX_STREAMS: usize = 2_000;
/// How often something is asked for before the session is given up.
const TRIES: u32 = 6;
/// The wait after the first try; twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// How far back a gap is read, at most: a day.
const MAX_GAP_MS: u64 = 24 * 60 * 60 * 1000;
/// How much earlier than the last event the reading begins: clocks and order are the platform's.
const MARGIN_MS: u64 = 60_000;

impl Hearing<'_> {
    /// Hands over the messages that were missed, where some were. Forms, members and everything else
    /// of that time cannot be read back; the log tells how long it was. Until all of it is in the
    /// journal the gap stays noted, and the next session begins with it again.
    pub(super) async fn fetch_missed(&self) -> Result<Option<SessionEnd>, ApiError> {
        let marks = &self.connector.marks;
        let Some(last) = marks.missed_since() else {
            return Ok(None);
        };
        let now = self.connector.now();
        let gap = now.saturating_sub(last);
        let since = last
            .saturating_sub(MARGIN_MS)
            .max(now.saturating_sub(MAX_GAP_MS));
        let mut found = 0;
        let mut skipped = 0;
        while skipped < MAX_STREAMS {
            let body = json!({"includeInactiveStreams": false});
            let call = Call::post(&["pod", "v1", "streams", "list"], body)
                .query("skip", skipped)
                .query("limit", PAGE);
            let api = &self.connector.api;
            let streams: Vec<StreamListed> = patiently(|| api.ask_pod(&call)).await?;
            for stream in &streams {
                let messages = match self.missed_in(&stream.id, since).await {
                    Ok(messages) => messages,
                    Err(error) if is_final(&error) => {
                        let stream = &stream.id;
                        tracing::warn!(stream, %error, "history not read; what was missed there is lost");
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                found += messages.len();
                match self.take(messages).await {
                    None => return Ok(Some(SessionEnd::Stopped)),
                    Some(Err(end)) => return Ok(Some(end)),
                    Some(Ok(())) => {}
                }
            }
            skipped += streams.len();
            if streams.len() < PAGE {
                break;
            }
        }
        marks.caught_up();
        tracing::warn!(
            bot = self.connector.name(),
            gap_ms = gap,
            messages = found,
            "there was no feed for a while; messages were read back, other events of that time are gone"
        );
        Ok(None)
    }

    /// The messages of a conversation since then as events, in the order in which they were said.
    async fn missed_in(&self, stream: &str, since: u64) -> Result<Vec<Box<RawValue>>, ApiError> {
        let mut events: Vec<(u64, Box<RawValue>)> = Vec::new();
        let mut pages = Pages::since(since);
        loop {
            let mut call = Call::get(&["agent", "v4", "stream", stream, "message"]);
            for (name, value) in pages.query() {
                call = call.query(name, value);
            }
            let api = &self.connector.api;
            let page: Vec<Box<RawValue>> = patiently(|| api.ask_agent(&call)).await?;
            let page: Vec<_> = page
                .iter()
                .map(|message| event_of_message(message))
                .collect();
            let times: Vec<u64> = page.iter().map(|(at, _)| *at).collect();
            events.extend(
                page.into_iter()
                    .filter_map(|(at, event)| Some((at, event?))),
            );
            if !pages.turn(&times) {
                break;
            }
            if events.len() >= MAX_MESSAGES {
                tracing::warn!(stream, "more was said than is read back");
                break;
            }
        }
        // What the page says of the order is no promise.
        events.sort_by_key(|(at, _)| *at);
        Ok(events.into_iter().map(|(_, event)| event).collect())
    }
}

/// Asks again, a few times, where the platform may answer another time; as often as it likes where it
/// says when.
async fn patiently<T, W>(ask: impl Fn() -> W) -> Result<T, ApiError>
where
    W: Future<Output = Result<T, ApiError>>,
{
    let mut wait = FIRST_WAIT;
    let mut tries = 1;
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if let Some(wait) = error.refusal().and_then(|it| it.throttled) {
            tokio::time::sleep(wait).await;
            continue;
        }
        if is_final(&error) || tries >= TRIES {
            return Err(error);
        }
        tracing::debug!(%error, "history is asked for once more");
        tokio::time::sleep(wait).await;
        tries += 1;
        wait *= 2;
    }
}

/// Tells whether the platform will say the same another time.
fn is_final(error: &ApiError) -> bool {
    error.refusal().is_some_and(|refusal| {
        let status = refusal.status;
        status.is_client_error()
            && status != StatusCode::UNAUTHORIZED
            && refusal.throttled.is_none()
    })
}

/// When a message of the history was said, and the message as the feed would have brought it.
fn event_of_message(message: &RawValue) -> (u64, Option<Box<RawValue>>) {
    #[derive(Serialize)]
    struct Payload<'a> {
        #[serde(rename = "messageSent")]
        message_sent: Said<'a>,
    }
    #[derive(Serialize)]
    struct Said<'a> {
        message: &'a RawValue,
    }
    #[derive(Serialize)]
    struct Sent<'a> {
        r#type: &'static str,
        #[serde(rename = "messageId")]
        message_id: Option<&'a str>,
        timestamp: Option<u64>,
        payload: Payload<'a>,
    }
    let Ok(read) = serde_json::from_str::<V4Message>(message.get()) else {
        return (0, None);
    };
    let event = Sent {
        r#type: "MESSAGESENT",
        message_id: read.message_id.as_deref(),
        timestamp: read.timestamp,
        payload: Payload {
            message_sent: Said { message },
        },
    };
    let at = read.timestamp.unwrap_or_default();
    (at, to_raw_value(&event).ok())
}
