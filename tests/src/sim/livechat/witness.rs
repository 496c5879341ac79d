//! What the platform itself knows of what was said and handed out: for audits.

use serde_json::Value;

use super::LiveChat;
use super::world::{ChatEvent, World};
use crate::sim::{Handout, Posted, Reply, Request};

impl World {
    /// Notes that something is said in a chat.
    pub(super) fn keep_said(&mut self, organization: &str, chat: &str, event: &ChatEvent) {
        let is_said = event.raw.get("type").and_then(Value::as_str) == Some("message");
        if !is_said {
            return;
        }
        let author = event.raw.get("author_id").and_then(Value::as_str);
        let licence = self.licence_of(organization);
        let bot = licence.and_then(|licence| licence.bot(author.unwrap_or_default()));
        let by_bot = bot.is_some();
        self.places.insert(event.id.clone(), self.said.len());
        self.said.push(Posted {
            conversation: chat.to_owned(),
            by_bot,
            text: event.text(),
            request: 0,
        });
    }

    /// Notes what a webhook tells of.
    pub(super) fn hand_out_by_hook(&mut self, body: &Value, ack: &str) {
        let payload = &body["payload"];
        let places = self.places_in(&payload["chat"]["thread"], &payload["event"]);
        self.handouts.give(places, Some(ack));
    }

    /// Notes what a chat holds that was asked for.
    pub(super) fn hand_out_by_read(&mut self, request: &Request, reply: &Reply) {
        if reply.status != 200 || !request.path.ends_with("/get_chat") {
            return;
        }
        let chat: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let places = self.places_in(&chat["thread"], &Value::Null);
        self.handouts.give(places, None);
    }

    fn places_in(&self, thread: &Value, event: &Value) -> Vec<usize> {
        let events = thread["events"].as_array().map(Vec::as_slice);
        let events = events.unwrap_or_default().iter().chain([event]);
        let ids = events.filter_map(|event| event["id"].as_str());
        ids.filter_map(|id| self.places.get(id).copied()).collect()
    }
}

impl LiveChat {
    /// All messages from this place on, in the order in which they were said.
    pub fn messages_from(&self, place: usize) -> Vec<Posted> {
        let world = self.desk.world.lock();
        world.said.iter().skip(place).cloned().collect()
    }

    /// What clients were given, the oldest first.
    pub fn handouts(&self) -> Vec<Handout> {
        self.desk.world.lock().handouts.all()
    }
}
