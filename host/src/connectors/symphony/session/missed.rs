//! What was said while the bot had no feed, read from the conversations' history.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::Hearing;
use crate::connectors::symphony::api::ApiError;
use crate::connectors::symphony::auth::AuthError;
use crate::connectors::symphony::past::{Said, Time};
use crate::connectors::symphony::site::{Call, CallError};
use crate::connectors::symphony::wire::event::{V4Event, V4Message};
use crate::mailbox::session::SessionEnd;
use crate::model::Timestamp;
use crate::net::RestError;

/// Conversations of one page.
const PAGE: usize = 100;
/// Conversations that are looked through.
const MAX_STREAMS: usize = 2_000;
/// How far back a gap is read, at most: a day.
const MAX_GAP_MS: u64 = 24 * 60 * 60 * 1000;
/// How much earlier than the last event the reading begins: clocks and order are the platform's.
const MARGIN_MS: u64 = 60_000;
/// After this time the feed has a turn: one that nobody reads is given up by the platform.
const TURN: Duration = Duration::from_secs(60);
/// The longest wait during which the feed is left alone.
const LONGEST: Duration = Duration::from_secs(30);
/// Failures of one call that are borne.
const MAX_FAILED: u32 = 5;
/// The wait after the first of them; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(200);

/// How far a session is with reading back.
#[derive(Default)]
pub(super) struct Behind {
    /// Not before this.
    due: Option<Instant>,
    /// The conversations that are done.
    done: HashSet<String>,
}

/// Why no more is read back.
enum Halt {
    /// The platform wants to be asked later: the feed is heard meanwhile.
    Later(Duration),
    /// The session ends.
    End(SessionEnd),
    Failed(ApiError),
}

impl Hearing<'_> {
    /// Reads back what was said while the bot had no feed, where there was such a time and the
    /// platform lets it. Gives how the session ends, where it has to: the next goes on.
    pub(super) async fn catch_up(
        &self,
        behind: &mut Behind,
    ) -> Result<Option<SessionEnd>, ApiError> {
        let Some(last) = self.connector.progress.gap() else {
            return Ok(None);
        };
        if behind.due.is_some_and(|due| Instant::now() < due) {
            return Ok(None);
        }
        match self.fetch_missed(last, &mut behind.done).await {
            Ok(()) => {
                self.connector.progress.close_gap();
                Ok(None)
            }
            Err(Halt::Later(wait)) => {
                behind.due = Some(Instant::now() + wait);
                Ok(None)
            }
            Err(Halt::End(end)) => Ok(Some(end)),
            Err(Halt::Failed(error)) => Err(error),
        }
    }

    /// Hands over the messages since the last event that is known. Forms, members and everything else
    /// of that time cannot be read back; the log tells how long it was.
    async fn fetch_missed(&self, last: Timestamp, done: &mut HashSet<String>) -> Result<(), Halt> {
        let now = self.connector.now();
        let since = last
            .saturating_sub(MARGIN_MS)
            .max(now.saturating_sub(MAX_GAP_MS));
        let begun = Instant::now();
        let (mut read, mut skipped) = (0, 0);
        loop {
            let (count, streams) = match self.streams(skipped).await {
                Err(Halt::Failed(error)) if will_not(&error) => {
                    let bot = self.connector.name();
                    // The feed is worth more than what was before it.
                    tracing::error!(bot, %error, "conversations not listed; what was missed is lost");
                    return Ok(());
                }
                streams => streams?,
            };
            for stream in streams {
                if done.contains(&stream) {
                    continue;
                }
                if begun.elapsed() > TURN {
                    return Err(Halt::Later(Duration::ZERO));
                }
                if let Some(said) = self.said_there(&stream, since).await? {
                    read += said.messages.len();
                    let events = said.messages.iter().filter_map(event_of_message);
                    let events: Vec<V4Event> = events.collect();
                    match self.take(&events).await {
                        None => return Err(Halt::End(SessionEnd::Stopped)),
                        Some(Err(end)) => return Err(Halt::End(end)),
                        Some(Ok(())) => {}
                    }
                }
                done.insert(stream);
            }
            skipped += count;
            if count < PAGE {
                break;
            }
            if skipped >= MAX_STREAMS {
                let bot = self.connector.name();
                tracing::warn!(
                    bot,
                    skipped,
                    "what was missed in more conversations is lost"
                );
                break;
            }
        }
        tracing::warn!(
            bot = self.connector.name(),
            gap_ms = now.saturating_sub(last),
            read,
            "messages since the last event were read back; other events of that time are gone where no feed had them"
        );
        Ok(())
    }

    /// A page of the bot's conversations: how many it has, and the ids of those that can be read.
    async fn streams(&self, skip: usize) -> Result<(usize, Vec<String>), Halt> {
        let body = json!({"includeInactiveStreams": false});
        let call = Call::post(&["pod", "v1", "streams", "list"], body)
            .query("skip", skip)
            .query("limit", PAGE);
        let mut patience = Patience::default();
        let listed: Vec<Value> = loop {
            match self.connector.api.ask_pod(&call).await {
                Ok(listed) => break listed,
                Err(error) => patience.wait_or_give(error).await?,
            }
        };
        let ids = listed.iter().filter_map(|stream| stream["id"].as_str());
        Ok((listed.len(), ids.map(str::to_owned).collect()))
    }

    /// What was said in a conversation; none where the platform will not say, now or later.
    async fn said_there(&self, stream: &str, since: u64) -> Result<Option<Said>, Halt> {
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
    /// Waits as long as the platform says, or a little longer each time; halts where that helps
    /// nothing, has helped nothing so far, or would leave the feed alone for too long.
    async fn wait_or_give(&mut self, error: ApiError) -> Result<(), Halt> {
        let throttled = error.refusal().and_then(|refusal| refusal.throttled);
        let wait = match throttled {
            Some(wait) if wait > LONGEST => return Err(Halt::Later(wait)),
            Some(wait) => wait,
            None if self.failed >= MAX_FAILED || is_final(&error) => {
                return Err(Halt::Failed(error));
            }
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
        ApiError::Auth(AuthError::Unavailable(..)) => false,
        ApiError::Auth(_) => true,
        ApiError::Call(CallError::Refused(refusal)) => refusal.status.is_client_error(),
        ApiError::Call(_) => false,
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
fn event_of_message((read, message): &(V4Message, Box<RawValue>)) -> Option<V4Event> {
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
    Some(V4Event::read(&to_raw_value(&event).ok()?))
}
