//! Events of the datafeed (`V4Event` and what it holds), read so that nothing that a pod adds, leaves
//! out or writes in another way loses an event.
//!
//! A payload is read only when its type is known, and apart from its envelope: one that cannot be read
//! is [`Payload::Unknown`] and still an event.

mod payload;

use serde::Deserialize;
use serde_json::value::RawValue;

pub use payload::{
    AttachmentInfo, ElementsAction, GenericSystemEvent, Membership, MessageSuppressed, Payload,
    RoomProperties, RoomProperty, SharedPost, StreamEvent, V4Message, V4Stream, V4User,
};

use super::scalar::{number, text};

/// Who did it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct V4Initiator {
    /// The user.
    pub user: Option<V4User>,
}

/// An event's envelope, with its payload as text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct V4Event {
    /// Not unique: two things done in one gesture share it.
    #[serde(deserialize_with = "text")]
    pub id: Option<String>,
    /// The event's own message id.
    #[serde(rename = "messageId", deserialize_with = "text")]
    pub message_id: Option<String>,
    /// Milliseconds since 1970.
    #[serde(deserialize_with = "number")]
    pub timestamp: Option<u64>,
    /// Its type, `MESSAGESENT`.
    #[serde(rename = "type", deserialize_with = "text")]
    pub kind: Option<String>,
    /// Why its content could not be decoded.
    #[serde(deserialize_with = "text")]
    pub diagnostic: Option<String>,
    /// Who did it.
    pub initiator: Option<V4Initiator>,
    /// What happened, one member named for the type.
    pub payload: Option<Box<RawValue>>,
}

impl V4Event {
    /// Reads an event. One that is not as it should be keeps its text as its payload and says why.
    pub fn read(source: &RawValue) -> Self {
        serde_json::from_str(source.get()).unwrap_or_else(|error| {
            // Only the envelope's plain members, whatever the others are.
            let plain: Plain = serde_json::from_str(source.get()).unwrap_or_default();
            Self {
                id: plain.id,
                message_id: plain.message_id,
                timestamp: plain.timestamp,
                kind: plain.kind,
                diagnostic: Some(format!("event not readable: {error}")),
                initiator: None,
                payload: Some(source.to_owned()),
            }
        })
    }

    /// Reads the payload.
    pub fn payload(&self) -> Payload {
        match (&self.kind, &self.payload) {
            (Some(kind), Some(payload)) => Payload::read(kind, payload.get()),
            _ => Payload::Unknown,
        }
    }

    /// The user who did it.
    pub fn user(&self) -> Option<&V4User> {
        self.initiator.as_ref()?.user.as_ref()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Plain {
    #[serde(deserialize_with = "text")]
    id: Option<String>,
    #[serde(rename = "messageId", deserialize_with = "text")]
    message_id: Option<String>,
    #[serde(deserialize_with = "number")]
    timestamp: Option<u64>,
    #[serde(rename = "type", deserialize_with = "text")]
    kind: Option<String>,
}

/// An event with the text that it was read from.
#[derive(Clone, Debug)]
pub struct ReceivedEvent {
    /// The event.
    pub event: V4Event,
    /// Its text.
    pub source: Box<RawValue>,
}

/// What one read of a feed brought.
#[derive(Clone, Debug, Default)]
pub struct FeedBatch {
    /// The events, nulls left out.
    pub events: Vec<ReceivedEvent>,
    /// What the next read acknowledges them with; none on feeds of version 1.
    pub ack_id: Option<String>,
}

impl FeedBatch {
    /// Reads the answer to a read: an object with `events` and `ackId` on feeds of version 2, a list on
    /// feeds of version 1, nothing at all where there is nothing.
    ///
    /// # Errors
    /// When it is no JSON of either shape.
    pub fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        let body = body.trim_ascii();
        if body.is_empty() {
            return Ok(Self::default());
        }
        let (sources, ack_id) = if body.starts_with(b"[") {
            (serde_json::from_slice::<Sources>(body)?.0, None)
        } else {
            let answer: Answer = serde_json::from_slice(body)?;
            (answer.events, answer.ack_id)
        };
        let events = sources.into_iter().map(|source| ReceivedEvent {
            event: V4Event::read(&source),
            source,
        });
        Ok(Self {
            events: events.collect(),
            ack_id,
        })
    }
}

#[derive(Deserialize)]
struct Sources(#[serde(deserialize_with = "sources")] Vec<Box<RawValue>>);

#[derive(Deserialize)]
struct Answer {
    #[serde(default, deserialize_with = "sources")]
    events: Vec<Box<RawValue>>,
    #[serde(default, rename = "ackId", deserialize_with = "text")]
    ack_id: Option<String>,
}

// `Option<RawValue>` takes `null` for a value: nulls are left out by their text.
fn sources<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Box<RawValue>>, D::Error> {
    let found: Option<Vec<Box<RawValue>>> = Option::deserialize(from)?;
    let mut found = found.unwrap_or_default();
    found.retain(|source| source.get() != "null");
    Ok(found)
}
