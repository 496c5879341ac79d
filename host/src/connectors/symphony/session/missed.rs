//! What was said while the bot had no feed, read from the conversations' history.

use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::Hearing;
use crate::connectors::symphony::api::ApiError;
use crate::connectors::symphony::site::Call;
use crate::connectors::symphony::wire::event::V4Message;
use crate::connectors::symphony::wire::rest::StreamListed;
use crate::mailbox::session::SessionEnd;

/// Conversations of one page.
const PAGE: usize = 100;
/// Conversations that are looked through.
const MAX_STREAMS: usize = 2_000;
/// Messages of one conversation that are read; the platform gives no more at once.
const MAX_MESSAGES: usize = 500;
/// How far back a gap is read, at most: a day.
const MAX_GAP_MS: u64 = 24 * 60 * 60 * 1000;
/// How much earlier than the last event the reading begins: clocks and order are the platform's.
const MARGIN_MS: u64 = 60_000;

impl Hearing<'_> {
    /// Hands over the messages since the last event that is known. Forms, members and everything
    /// else of that time cannot be read back; the log tells how long it was.
    pub(super) async fn fetch_missed(&self) -> Result<(), ApiError> {
        let Some(last) = self.connector.marks.last_event() else {
            // It never heard anything.
            return Ok(());
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
            let streams: Vec<StreamListed> = self.connector.api.ask_pod(&call).await?;
            for stream in &streams {
                let call = Call::get(&["agent", "v4", "stream", &stream.id, "message"])
                    .query("since", since)
                    .query("limit", MAX_MESSAGES);
                let read: Result<Vec<Box<RawValue>>, ApiError> =
                    self.connector.api.ask_agent(&call).await;
                match read {
                    Ok(mut messages) => {
                        // The latest come first.
                        messages.reverse();
                        found += messages.len();
                        let events = messages
                            .iter()
                            .filter_map(|it| event_of_message(it))
                            .collect();
                        if let Some(Err(SessionEnd::Lost(why))) = self.take(events).await {
                            tracing::warn!(why, "missed messages were not kept");
                        }
                    }
                    Err(error) => {
                        let stream = &stream.id;
                        tracing::warn!(stream, %error, "history not read; what was missed there is lost");
                    }
                }
            }
            skipped += streams.len();
            if streams.len() < PAGE {
                break;
            }
        }
        tracing::warn!(
            bot = self.connector.name(),
            gap_ms = gap,
            messages = found,
            "there was no feed for a while; messages were read back, other events of that time are gone"
        );
        Ok(())
    }
}

/// A message of the history as the feed would have brought it.
fn event_of_message(message: &RawValue) -> Option<Box<RawValue>> {
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
    let read: V4Message = serde_json::from_str(message.get()).ok()?;
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
