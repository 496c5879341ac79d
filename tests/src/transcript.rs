//! What is said in a test's conversations, collected as it is said: the platform keeps the last messages only.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_host::connectors::local::Hub;
use parlor_host::connectors::local::hub::state::{HISTORY_MAX, Room};
use parlor_host::mailbox::rooms::{Change, RoomMessage, Rooms as _, View, ViewError};
use parlor_host::model::Name;

/// Who listens; in no conversation.
const LISTENER: &str = "listener";

/// Everything that is said, in order, however long a test goes on.
///
/// Whoever makes it must let it [`hear`](Self::hear) now and then: what it then finds missing is taken
/// from what the platform still keeps, and a test that asks for what nobody has kept fails.
pub struct Transcript {
    hub: Hub,
    heard: Mutex<Heard>,
}

struct Heard {
    view: View,
    conversations: HashMap<Name, Conversation>,
}

#[derive(Default)]
struct Conversation {
    messages: Vec<Arc<RoomMessage>>,
    places: HashMap<Name, usize>,
    /// The platform has dropped messages before they were heard.
    has_gap: bool,
}

impl Transcript {
    /// Begins to listen.
    ///
    /// # Panics
    /// When the platform lets nobody look.
    pub fn begin(hub: &Hub) -> Self {
        let (_, view) = hub.view(LISTENER).expect("a listener can look");
        let transcript = Self {
            hub: hub.clone(),
            heard: Mutex::new(Heard {
                view,
                conversations: HashMap::new(),
            }),
        };
        transcript.heard.lock().catch_up(hub);
        transcript
    }

    /// Takes what was said since the last call.
    pub fn hear(&self) {
        self.heard.lock().drain(&self.hub);
    }

    /// Everything said in a conversation, oldest first, each message as it is now.
    ///
    /// # Panics
    /// When some of it was said unheard.
    pub fn said(&self, conversation: &str) -> Vec<Arc<RoomMessage>> {
        let mut heard = self.heard.lock();
        heard.drain(&self.hub);
        let known = heard.conversations.entry(conversation.into()).or_default();
        // Edits, and conversations that a listener may not see, are read from the platform.
        self.hub.read(|state| {
            if let Some(room) = state.rooms.get(conversation) {
                known.add_kept(room);
            }
        });
        assert!(
            !known.has_gap,
            "{conversation}: messages were dropped before they were heard"
        );
        known.messages.clone()
    }
}

impl Heard {
    fn drain(&mut self, hub: &Hub) {
        loop {
            let event = match self.view.try_next() {
                Ok(Some(event)) => event,
                Ok(None) | Err(ViewError::Closed) => return,
                Err(ViewError::Lagged) => {
                    // What was lost lies before all that is still to come.
                    self.catch_up(hub);
                    continue;
                }
            };
            if let Change::Posted(message) = &event.change {
                let conversation = message.conversation.clone();
                let known = self.conversations.entry(conversation).or_default();
                known.add(message);
            }
        }
    }

    fn catch_up(&mut self, hub: &Hub) {
        hub.read(|state| {
            for (id, room) in &state.rooms {
                let known = self.conversations.entry(id.clone()).or_default();
                known.add_kept(room);
            }
        });
    }
}

impl Conversation {
    /// Adds a message; gives the place of one that is known.
    fn add(&mut self, message: &Arc<RoomMessage>) -> Option<usize> {
        match self.places.entry(message.id.clone()) {
            Entry::Occupied(place) => Some(*place.get()),
            Entry::Vacant(place) => {
                place.insert(self.messages.len());
                self.messages.push(message.clone());
                None
            }
        }
    }

    /// Adds what the platform keeps, which must reach back to what was heard last.
    fn add_kept(&mut self, room: &Room) {
        let is_joined = match self.messages.last() {
            Some(last) => room.messages.iter().rev().any(|kept| kept.id == last.id),
            None => room.messages.len() < HISTORY_MAX,
        };
        self.has_gap |= !is_joined;
        for message in &room.messages {
            if let Some(place) = self.add(message) {
                self.messages[place] = message.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_host::connectors::local::LocalConfig;
    use parlor_host::connectors::local::hub::CHANGES_MAX;
    use parlor_host::mailbox::rooms::{Command, Say};

    async fn open(hub: &Hub, room: &str) -> String {
        let name = room.to_owned();
        let done = hub.act("ada", Command::OpenRoom { name }).await;
        done.expect("a room opens")
            .conversation
            .expect("it has an id")
            .to_string()
    }

    async fn say(hub: &Hub, conversation: &str, number: usize) {
        let say = Say {
            conversation: conversation.to_owned(),
            text: number.to_string(),
            ..Say::default()
        };
        let said = hub.act("ada", Command::Say(say)).await;
        said.expect("a message is posted");
    }

    fn numbers(transcript: &Transcript, conversation: &str) -> Vec<usize> {
        let said = transcript.said(conversation);
        let numbers = said.iter().map(|message| message.text.parse());
        numbers.map(|number| number.expect("a number")).collect()
    }

    #[tokio::test]
    async fn keeps_more_than_the_platform() {
        let hub = Hub::open(LocalConfig::default()).expect("rooms in memory open");
        let transcript = Transcript::begin(&hub);
        let room = open(&hub, "Room").await;
        for number in 0..3 * HISTORY_MAX {
            say(&hub, &room, number).await;
        }
        let all: Vec<usize> = (0..3 * HISTORY_MAX).collect();
        assert_eq!(numbers(&transcript, &room), all);
    }

    #[tokio::test]
    async fn catches_up_after_changes_were_lost() {
        let hub = Hub::open(LocalConfig::default()).expect("rooms in memory open");
        let transcript = Transcript::begin(&hub);
        let room = open(&hub, "Room").await;
        let noise = open(&hub, "Noise").await;
        for number in 0..HISTORY_MAX {
            say(&hub, &room, number).await;
            transcript.hear();
        }
        for number in 0..CHANGES_MAX {
            if number % 40 == 0 {
                say(&hub, &room, HISTORY_MAX + number / 40).await;
            }
            say(&hub, &noise, number).await;
        }
        let all: Vec<usize> = (0..HISTORY_MAX + CHANGES_MAX.div_ceil(40)).collect();
        assert_eq!(numbers(&transcript, &room), all);
        let unheard = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            numbers(&transcript, &noise)
        }));
        assert!(unheard.is_err(), "what nobody kept is not passed over");
    }
}
