//! What Webex itself knows of what was said and handed out: for audits. A message that is deleted would
//! change the places of those behind it; nobody deletes any in an audit.

use serde_json::Value;

use super::Webex;
use super::ids;
use super::world::World;
use crate::sim::{Handout, Posted, Reply, Request};

impl World {
    /// The places of messages, by their ids.
    pub(super) fn places_of<'i>(&self, ids: impl Iterator<Item = &'i str>) -> Vec<usize> {
        let keys = ids.filter_map(ids::key);
        keys.filter_map(|key| self.places.get(&key).copied())
            .collect()
    }

    /// Notes what a webhook tells of.
    pub(super) fn hand_out_by_hook(&mut self, body: &str, ack: &str) {
        let told: Value = serde_json::from_str(body).unwrap_or_default();
        if told["resource"] == "messages" && told["event"] == "created" {
            let places = self.places_of(told["data"]["id"].as_str().into_iter());
            self.handouts.give(places, Some(ack));
        }
    }

    /// Notes what a list of messages holds, oldest first.
    pub(super) fn hand_out_by_list(&mut self, request: &Request, reply: &Reply) {
        let is_list = ["/messages", "/messages/direct"]
            .iter()
            .any(|end| request.path.ends_with(end));
        if request.method != "GET" || !is_list || reply.status != 200 {
            return;
        }
        let page: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let items = page["items"].as_array().map(Vec::as_slice);
        let ids = items.unwrap_or_default().iter().rev();
        let places = self.places_of(ids.filter_map(|item| item["id"].as_str()));
        self.handouts.give(places, None);
    }
}

impl Webex {
    /// All messages from this place on, in the order in which they were said.
    pub fn messages_from(&self, place: usize) -> Vec<Posted> {
        let world = self.cloud.world.lock();
        let messages = world.messages.iter().skip(place);
        let posted = messages.map(|message| Posted {
            conversation: world.room_id(&message.room),
            by_bot: message.person == self.cloud.bot,
            text: message.text.clone().unwrap_or_default(),
            request: message.request,
        });
        posted.collect()
    }

    /// What clients were given, the oldest first.
    pub fn handouts(&self) -> Vec<Handout> {
        self.cloud.world.lock().handouts.all()
    }

    /// Whether a space is one of two people alone.
    pub fn is_direct(&self, room: &str) -> bool {
        let world = self.cloud.world.lock();
        let room = ids::key(room).and_then(|key| world.rooms.get(&key));
        room.is_some_and(|room| room.is_direct)
    }
}
