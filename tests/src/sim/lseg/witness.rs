//! What Messenger itself knows of what was said and handed out: for audits.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::Lseg;
use super::world::World;
use crate::sim::witness::Handouts;
use crate::sim::{Handout, Posted};

/// Everything that was said in rooms.
#[derive(Default)]
pub(super) struct Witness {
    posts: Vec<Post>,
    /// By the ids of messages.
    places: HashMap<String, usize>,
    handouts: Handouts,
    /// When streams ended.
    ended: BTreeMap<u64, Instant>,
    /// The request that is answered.
    pub(super) request: u64,
}

struct Post {
    posted: Posted,
    at: Instant,
    /// Those to which it was written.
    streams: Vec<u64>,
}

impl Witness {
    /// Notes that a stream has ended; the first time counts.
    pub(super) fn end(&mut self, stream: u64) {
        self.ended.entry(stream).or_insert_with(Instant::now);
    }

    /// Notes that a frame is written to a stream.
    pub(super) fn write(&mut self, stream: u64, frame: &str) {
        let frame: Value = serde_json::from_str(frame).unwrap_or_default();
        let id = frame["post"]["messageId"].as_str();
        let Some(&place) = id.and_then(|id| self.places.get(id)) else {
            return;
        };
        self.posts[place].streams.push(stream);
        self.handouts.give(vec![place], None);
    }
}

impl World {
    /// Notes that something is said in a room.
    pub(super) fn keep_said(&mut self, room: &str, sender: &str, message_id: &str, text: &str) {
        let by_bot = self.accounts.contains_key(&sender.to_lowercase());
        let witness = &mut self.witness;
        let place = witness.posts.len();
        witness.places.insert(message_id.to_owned(), place);
        witness.posts.push(Post {
            posted: Posted {
                conversation: room.to_owned(),
                by_bot,
                text: text.to_owned(),
                request: if by_bot { witness.request } else { 0 },
            },
            at: Instant::now(),
            streams: Vec::new(),
        });
    }
}

impl Lseg {
    /// All messages from this place on, in the order in which they were said.
    pub fn messages_from(&self, place: usize) -> Vec<Posted> {
        let world = self.desk.world.lock();
        let posts = world.witness.posts.iter().skip(place);
        posts.map(|post| post.posted.clone()).collect()
    }

    /// What clients were given, the oldest first.
    pub fn handouts(&self) -> Vec<Handout> {
        self.desk.world.lock().witness.handouts.all()
    }

    /// The places of what people said while nobody held it: it was written to no stream, or each to which
    /// it was ended within this time, with what it had on the way.
    pub fn unheld(&self, on_the_way: Duration) -> BTreeSet<usize> {
        let world = self.desk.world.lock();
        let witness = &world.witness;
        let is_held = |post: &Post| {
            post.streams.iter().any(|stream| {
                let end = witness.ended.get(stream);
                end.is_none_or(|end| end.duration_since(post.at) > on_the_way)
            })
        };
        let posts = witness.posts.iter().enumerate();
        let unheld = posts.filter(|(_, post)| !post.posted.by_bot && !is_held(post));
        unheld.map(|(place, _)| place).collect()
    }
}
