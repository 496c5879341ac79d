//! What was said while the bot had no feed, read from the conversations' history.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::Hearing;
use crate::connectors::symphony::api::ApiError;
use crate::connectors::symphony::auth::AuthError;
use crate::connectors::symphony::past::{Said, Time};
use crate::connectors::symphony::site::{Call, CallError};
use crate::connectors::symphony::wire::event::V4Message;
use crate::connectors::symphony::wire::rest::StreamListed;
use crate::mailbox::session::SessionEnd;
use crate::net::RestError;

/// Conversations of one page.
const PAGE: usize = 100;
/// Conversations that are looked through.
const MAX_STREAMS: usize = 2_000;
/// How far back a gap is read, at most: a day.
const MAX_GAP_MS: u64 = 24 * 60 * 60 * 1000;
/// How much earlier than the last event the reading begins: clocks and order are the platform's.
const MARGIN_MS: u64 = 60_000;
/// Failures of one call that are borne.
const MAX_FAILED: u32 = 5;
/// The wait after the first of them; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(200);

impl Hearing<'_> {
    /// Hands over the messages since the last event that is known, where there was a gap. Forms,
    /// members and everything else of that time cannot be read back; the log tells how long it was.
    /// Gives how the session ends, where it has to: the gap stays open then, and is read once more.
    pub(super) async fn fetch_missed(&self) -> Result<Option<SessionEnd>, ApiError> {
        let marks = &self.connector.marks;
        let Some(last) = marks.gap() else {
            return Ok(None);
        };
        let now = self.connector.now();
        let since = last
            .saturating_sub(MARGIN_MS)
            .max(now.saturating_sub(MAX_GAP_MS));
        let (mut read, mut skipped) = (0, 0);
        while skipped < MAX_STREAMS {
            let streams = self.streams(skipped).await?;
            for stream in &streams {
                let Some(said) = self.said_there(&stream.id, since).await? else {
                    continue;
                };
                read += said.messages.len();
                let events = said.messages.iter().filter_map(event_of_message).collect();
                match self.take(events).await {
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
        marks.close_gap();
        tracing::warn!(
            bot = self.connector.name(),
            gap_ms = now.saturating_sub(last),
            read,
            "messages since the last event were read back; other events of that time are gone where no feed had them"
        );
        Ok(None)
    }

    async fn streams(&self, skip: usize) -> Result<Vec<StreamListed>, ApiError> {
        let body = json!({"includeInactiveStreams": false});
        let call = Call::post(&["pod", "v1", "streams", "list"], body)
            .query("skip", skip)
            .query("limit", PAGE);
        let mut patience = Patience::default();
        loop {
            match self.connector.api.ask_pod(&call).await {
                Err(error) => patience.wait_or_give(error).await?,
                done => return done,
            }
        }
    }

    /// What was said in a conversation; none where the platform will not say, now or later.
    async fn said_there(&self, stream: &str, since: u64) -> Result<Option<Said>, ApiError> {
        let time = Time {
            stream,
            since,
            before: None,
            as_user: None,
        };
        let mut patience = Patience::default();
        let error = loop {
            match self.connector.said(time).await {
                Ok(said) => {
                    if !said.is_whole {
                        tracing::warn!(stream, "more was missed there than is read back");
                    }
                    return Ok(Some(said));
                }
                Err(error) if will_not(&error) => break error,
                Err(error) => patience.wait_or_give(error).await?,
            }
        };
        tracing::warn!(stream, %error, "history not read; what was missed there is lost");
        Ok(None)
    }
}

/// Asks again: of thousands of calls one always fails, and a session that ended with it would begin
/// with the first again.
#[derive(Default)]
struct Patience {
    failed: u32,
}

impl Patience {
    /// Waits as long as the platform says, or a little longer each time; gives the error back where
    /// that helps nothing or has helped nothing so far.
    async fn wait_or_give(&mut self, error: ApiError) -> Result<(), ApiError> {
        let throttled = error.refusal().and_then(|refusal| refusal.throttled);
        let wait = match throttled {
            Some(wait) => wait,
            None if self.failed >= MAX_FAILED || is_final(&error) => return Err(error),
            None => {
                self.failed += 1;
                PAUSE * 2_u32.pow(self.failed - 1)
            }
        };
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// Tells whether the session has to end: nothing else is refused in a way that it does not survive.
fn is_final(error: &ApiError) -> bool {
    match error {
        ApiError::Auth(AuthError::Refused(_)) => true,
        ApiError::Call(CallError::Refused(refusal)) => refusal.status.is_client_error(),
        ApiError::Auth(_) | ApiError::Call(_) => false,
    }
}

/// Tells whether asking again would come to the same.
fn will_not(error: &ApiError) -> bool {
    match error {
        ApiError::Auth(_) => false,
        ApiError::Call(CallError::Refused(refusal)) => {
            refusal.throttled.is_none()
                && refusal.status.is_client_error()
                && refusal.status != http::StatusCode::UNAUTHORIZED
        }
        ApiError::Call(CallError::Rest { error, .. }) => matches!(error, RestError::TooLarge(_)),
        ApiError::Call(CallError::Nonsense { .. }) => true,
    }
}

/// A message of the history as the feed would have brought it.
fn event_of_message((read, message): &(V4Message, Box<RawValue>)) -> Option<Box<RawValue>> {
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
    let event = Sent {
        r#type: "MESSAGESENT",
        message_id: read.message_id.as_deref(),
        timestamp: read.timestamp,
        payload: Payload {
            message_sent: Said { message },
        },
    };
    to_raw_value(&event).ok()
}
