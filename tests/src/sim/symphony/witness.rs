//! What the pod itself knows of what was said and handed out: for audits.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use super::Symphony;
use super::world::World;

/// Times of handing out that are kept.
const KEPT: usize = 200_000;

/// A message as the pod keeps it.
#[derive(Clone, Debug)]
pub struct Posted {
    /// The conversation's id.
    pub conversation: String,
    /// Whether the bot wrote it.
    pub by_bot: bool,
    /// What people read.
    pub text: String,
}

/// Messages that a client was given at one time: by a feed, or by reading a conversation back.
#[derive(Clone, Debug)]
pub struct Handout {
    /// Their places among all messages, in the order in which they were given.
    pub messages: Vec<usize>,
    /// The client said that it has them.
    pub is_acknowledged: bool,
}

/// A handing out, while its acknowledgement may come.
#[derive(Debug)]
pub(super) struct Handed {
    ack: Option<String>,
    messages: Vec<usize>,
    is_acknowledged: bool,
}

impl World {
    /// The places of the messages that events tell of.
    pub(super) fn places_of(&self, events: &[Arc<Value>]) -> Vec<usize> {
        let ids = events.iter().filter_map(|event| {
            let id = event.pointer("/payload/messageSent/message/messageId");
            id.and_then(Value::as_str)
        });
        ids.filter_map(|id| self.places.get(id).copied()).collect()
    }

    /// Notes that a client is given these messages.
    pub(super) fn hand_out(&mut self, messages: Vec<usize>, ack: Option<&str>) {
        if messages.is_empty() {
            return;
        }
        if self.handouts.len() >= KEPT {
            self.handouts.pop_front();
        }
        self.handouts.push_back(Handed {
            ack: ack.map(str::to_owned),
            messages,
            is_acknowledged: false,
        });
    }

    /// Notes that a client has what it was given under this acknowledgement.
    pub(super) fn acknowledged(&mut self, ack: &str) {
        let mut handouts = self.handouts.iter_mut().rev();
        let handed = handouts.find(|handed| handed.ack.as_deref() == Some(ack));
        if let Some(handed) = handed {
            handed.is_acknowledged = true;
        }
    }
}

impl Symphony {
    /// Rings whenever something has changed on the pod.
    pub fn bell(&self) -> watch::Receiver<u64> {
        self.pod.world.lock().bell()
    }

    /// All messages from this place on, in the order in which they were said.
    pub fn messages_from(&self, place: usize) -> Vec<Posted> {
        let world = self.pod.world.lock();
        let messages = world.messages.iter().skip(place);
        let posted = messages.map(|message| Posted {
            conversation: message.stream.clone(),
            by_bot: message.author == self.pod.bot,
            text: message.text.clone(),
        });
        posted.collect()
    }

    /// What clients were given, the oldest first.
    pub fn handouts(&self) -> Vec<Handout> {
        let world = self.pod.world.lock();
        let handouts = world.handouts.iter().map(|handed| Handout {
            messages: handed.messages.clone(),
            is_acknowledged: handed.is_acknowledged,
        });
        handouts.collect()
    }
}
