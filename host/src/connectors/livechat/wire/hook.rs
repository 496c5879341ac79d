//! What a webhook brings.

use serde_json::Value;

use super::text;

/// The envelope, the same of every webhook.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    /// What happened.
    pub action: String,
    /// The licence: the organization since 3.4, the licence's number before; nothing in chat.io's.
    pub licences: Vec<String>,
    /// What proves who sent it.
    pub secret: String,
    /// What happened, in full.
    pub payload: Value,
    /// Who did it, of what is done in the settings.
    pub requester: Option<String>,
}

impl Envelope {
    /// Reads one; none of what is no JSON or no webhook.
    pub fn read(body: &[u8]) -> Option<Self> {
        let mut value: Value = serde_json::from_slice(body).ok()?;
        let licences = ["organization_id", "license_id"];
        let licences = licences.iter().filter_map(|name| text(&value, name));
        let requester = value.get("requester");
        Some(Self {
            action: text(&value, "action")?,
            licences: licences.collect(),
            secret: text(&value, "secret_key").unwrap_or_default(),
            requester: requester.and_then(|it| text(it, "user_id")),
            payload: ["payload", "data"]
                .iter()
                .find_map(|name| value.get_mut(*name).map(Value::take))
                .unwrap_or_default(),
        })
    }
}

/// A place in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue(pub u32);

impl Queue {
    /// Reads it.
    pub fn read(payload: &Value) -> Option<Self> {
        let position = payload.get("queue")?.get("position")?.as_u64()?;
        u32::try_from(position).ok().map(Self)
    }
}
