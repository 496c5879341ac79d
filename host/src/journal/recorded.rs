//! What the journal still knows of a delivery, whole: the event as its plugin saw it, and what the
//! plugin returned. For replays.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{DeadReason, NewBroadcast, NewPart, NewRequest, PastState, TimerChange};
use crate::model::Timestamp;
use crate::model::action::{Missed, Schedule};
use crate::model::delivery::{Delivery, EventNumber};

/// Bytes of a timer's payload that are noted as they are; of a longer one it is the hash.
const NOTED_PAYLOAD_BYTES: usize = 256;

/// Which deliveries of a plugin are asked for; what is absent means all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedQuery {
    /// The plugin.
    pub plugin: String,
    /// Only of this event, by number.
    pub event: Option<EventNumber>,
    /// Only of events stored at this moment or later.
    pub since: Option<Timestamp>,
    /// At most so many, the newest.
    pub limit: usize,
}

/// A delivery with what came of it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The delivery, with the attempt that was the last.
    pub delivery: Delivery,
    /// How it stands.
    pub state: PastState,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Microseconds that the call took which was kept.
    pub took_us: Option<u64>,
    /// Why it is a dead letter.
    pub reason: Option<DeadReason>,
    /// What happened.
    pub detail: Option<String>,
    /// The event's content, or what was done with it, was forgotten.
    pub is_forgotten: bool,
    /// Its actions, as they were sent.
    pub parts: Vec<NewPart>,
    /// Its messages for many conversations.
    pub broadcasts: Vec<NewBroadcast>,
    /// Its requests.
    pub requests: Vec<NewRequest>,
    /// Its timers; none where the journal was of a version that did not note them.
    pub timers: Option<Vec<TimerNote>>,
}

/// What is noted of a timer that a turn sets or ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimerNote {
    /// It is set.
    Set {
        /// Its name.
        name: String,
        /// Its rule.
        schedule: Schedule,
        /// What of a missed firing.
        missed: Missed,
        /// What comes back with it, or its hash.
        payload: String,
    },
    /// It is ended, by name.
    Cancel(String),
}

impl TimerNote {
    /// Notes a change.
    pub fn of(change: &TimerChange) -> Self {
        match change {
            TimerChange::Set(timer) => Self::Set {
                name: timer.key.name.clone(),
                schedule: timer.schedule.clone(),
                missed: timer.missed,
                payload: noted(&timer.payload),
            },
            TimerChange::Cancel(key) => Self::Cancel(key.name.clone()),
        }
    }
}

fn noted(payload: &str) -> String {
    if payload.len() <= NOTED_PAYLOAD_BYTES {
        return payload.to_owned();
    }
    let digest = Sha256::digest(payload.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
