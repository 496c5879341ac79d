//! What the pod itself knows of what was said and handed out: for audits.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use super::Symphony;
use super::world::World;
use crate::sim::{Handout, Posted};

impl World {
    /// The places of the messages that events tell of.
    pub(super) fn places_of(&self, events: &[Arc<Value>]) -> Vec<usize> {
        let ids = events.iter().filter_map(|event| {
            let id = event.pointer("/payload/messageSent/message/messageId");
            id.and_then(Value::as_str)
        });
        ids.filter_map(|id| self.places.get(id).copied()).collect()
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
            request: 0,
        });
        posted.collect()
    }

    /// What clients were given, the oldest first.
    pub fn handouts(&self) -> Vec<Handout> {
        self.pod.world.lock().handouts.all()
    }
}
