//! Datafeeds: v1 hands an event out once, v2 until it is acknowledged, the datahose sees everything.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, good, refuse};
use super::ids::Ids;
use super::sessions::Caller;
use super::world::{Knobs, World};
use crate::sim::{Reply, Request};

/// Letters that a feed's tag may have.
const TAG: usize = 100;
/// Letters that a datahose's tag may have.
const HOSE_TAG: usize = 80;
/// Events that a new feed holds before it is dropped.
const QUEUE: usize = 200_000;
/// Acknowledgements of a feed that are remembered.
const ACKS: usize = 4_096;

/// What kind of feed.
#[derive(Clone, Debug)]
enum Form {
    /// An event handed out is gone.
    Old,
    /// Events come again until they are acknowledged.
    Fanout { tag: Option<String> },
    /// Everything on the pod, of these types.
    Hose { key: String, types: Vec<String> },
}

/// A feed.
#[derive(Debug)]
pub(super) struct Feed {
    id: String,
    pub(super) owner: i64,
    form: Form,
    created: i64,
    last_read: Instant,
    readers: usize,
    queue: VecDeque<Arc<Value>>,
    /// What was handed out and not yet acknowledged.
    out: Vec<Batch>,
    /// Acknowledgements that were given, the oldest first.
    acks: VecDeque<String>,
    /// A feed that held too much is gone at the next read.
    overflowed: bool,
    duplicate: bool,
    reorder: bool,
    /// What comes once more, behind what is handed out next.
    again: Vec<Arc<Value>>,
}

#[derive(Debug)]
struct Batch {
    ack: String,
    events: Vec<Arc<Value>>,
    until: Instant,
}

impl Feed {
    fn new(id: String, owner: i64, form: Form, created: i64) -> Self {
        Self {
            id,
            owner,
            form,
            created,
            last_read: Instant::now(),
            readers: 0,
            queue: VecDeque::new(),
            out: Vec::new(),
            acks: VecDeque::new(),
            overflowed: false,
            duplicate: false,
            reorder: false,
            again: Vec::new(),
        }
    }

    pub(super) fn sees_all(&self) -> bool {
        matches!(self.form, Form::Hose { .. })
    }

    /// Takes an event.
    pub(super) fn push(&mut self, kind: &str, event: &Arc<Value>, limit: usize) {
        if let Form::Hose { types, .. } = &self.form
            && !types.iter().any(|wanted| wanted == kind)
        {
            return;
        }
        self.queue.push_back(event.clone());
        let limit = if self.is_old() { limit } else { QUEUE };
        self.overflowed |= self.queue.len() > limit;
    }

    fn shown(&self) -> Value {
        let kind = if self.sees_all() {
            "datahose"
        } else {
            "fanout"
        };
        json!({ "id": self.id, "type": kind, "createdAt": self.created })
    }

    fn is_old(&self) -> bool {
        matches!(self.form, Form::Old)
    }

    fn is_stale(&self, ttl: std::time::Duration) -> bool {
        self.overflowed || (self.readers == 0 && self.last_read.elapsed() >= ttl)
    }

    /// Puts back what nobody acknowledged in time; tells when the next is due.
    fn put_back(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let mut kept = Vec::new();
        for batch in self.out.drain(..).rev() {
            if batch.until <= now {
                for event in batch.events.into_iter().rev() {
                    self.queue.push_front(event);
                }
            } else {
                kept.push(batch);
            }
        }
        kept.reverse();
        self.out = kept;
        self.out.iter().map(|batch| batch.until).min()
    }

    /// What there is to hand out.
    fn take(&mut self, most: usize) -> Vec<Arc<Value>> {
        let count = self.queue.len().min(most);
        let mut events: Vec<Arc<Value>> = self.queue.drain(..count).collect();
        if events.is_empty() {
            return events;
        }
        if std::mem::take(&mut self.duplicate) {
            let again = events.clone();
            events.extend(again);
        }
        if std::mem::take(&mut self.reorder) {
            events.reverse();
        }
        events
    }

    /// Takes an acknowledgement; tells whether it was one of this feed's.
    fn acknowledge(&mut self, ack: &str) -> bool {
        if ack.is_empty() {
            return true;
        }
        let is_known = self.acks.iter().any(|known| known == ack);
        self.out.retain(|batch| batch.ack != ack);
        is_known
    }

    fn hand_out(&mut self, events: Vec<Arc<Value>>, until: Instant, nulls: bool) -> Value {
        let ack = Ids::uuid();
        if self.acks.len() >= ACKS {
            self.acks.pop_front();
        }
        self.acks.push_back(ack.clone());
        let shown: Vec<Value> = if events.is_empty() && nulls {
            vec![Value::Null]
        } else {
            events.iter().map(|event| Value::clone(event)).collect()
        };
        if !events.is_empty() {
            self.out.push(Batch {
                ack: ack.clone(),
                events,
                until,
            });
        }
        json!({ "events": shown, "ackId": ack })
    }
}

impl World {
    /// Ends feeds that nobody read for too long.
    fn drop_stale_feeds(&mut self) {
        let ttl = self.clock.wait(self.knobs.feed_ttl);
        self.feeds.retain(|_, feed| !feed.is_stale(ttl));
    }

    /// Ends all feeds of a kind: an agent that starts again has lost the old ones.
    pub(super) fn drop_feeds(&mut self, old_only: bool) {
        self.feeds.retain(|_, feed| old_only && !feed.is_old());
        self.ring();
    }

    /// Disturbs what is delivered next.
    pub(super) fn disturb_feeds(&mut self, duplicate: bool, reorder: bool) {
        for feed in self.feeds.values_mut() {
            feed.duplicate |= duplicate;
            feed.reorder |= reorder;
        }
    }

    /// Lets events come as they do on a bad day: some once more later, and in another order, in which
    /// those of one conversation keep theirs.
    fn unsettle(&mut self, id: &str, mut events: Vec<Arc<Value>>) -> Vec<Arc<Value>> {
        let (percent, is_shuffled) = (self.knobs.duplicates_percent, self.knobs.shuffled);
        let random = &mut self.random;
        let Some(feed) = self.feeds.get_mut(id).filter(|_| !events.is_empty()) else {
            return events;
        };
        let conversation = |event: &Value| {
            let stream = event.pointer("/payload/messageSent/message/stream/streamId");
            stream.cloned()
        };
        for place in 1..events.len() {
            let is_free = is_shuffled
                && conversation(&events[place - 1]) != conversation(&events[place])
                && random.one_in(2);
            if is_free {
                events.swap(place - 1, place);
            }
        }
        let twice = events.iter().filter(|_| random.between(0, 100) < percent);
        let twice: Vec<_> = twice.cloned().collect();
        events.append(&mut feed.again);
        feed.again = twice;
        events
    }

    fn feed(&mut self, id: &str, owner: i64) -> Result<&mut Feed, Refusal> {
        self.drop_stale_feeds();
        let feed = self.feeds.get_mut(id).filter(|feed| feed.owner == owner);
        feed.ok_or_else(|| stale(id))
    }
}

fn stale(id: &str) -> Refusal {
    Refusal {
        status: 400,
        body: json!({
            "code": 400,
            "message": format!("Could not find a datafeed with the id: {id}"),
            "details": {},
        }),
    }
}

/// `GET /agent/v5/datafeeds`.
pub(super) fn list(world: &mut World, caller: &Caller, request: &Request) -> Answer {
    world.drop_stale_feeds();
    let wanted = request.query("tag").filter(|tag| !tag.is_empty());
    let mut feeds: Vec<&Feed> = world
        .feeds
        .values()
        .filter(|feed| feed.owner == caller.user && !feed.is_old())
        .filter(|feed| match (&feed.form, wanted) {
            (_, None) => true,
            (Form::Fanout { tag }, Some(wanted)) => tag.as_deref() == Some(wanted),
            _ => false,
        })
        .collect();
    feeds.sort_by_key(|feed| (feed.created, feed.id.clone()));
    good(&feeds.into_iter().map(Feed::shown).collect())
}

/// `POST /agent/v5/datafeeds`.
pub(super) fn create(world: &mut World, caller: &Caller, body: &Value) -> Answer {
    let tag = match body.get("tag") {
        None | Some(Value::Null) => None,
        Some(Value::String(tag)) if tag.chars().count() <= TAG => Some(tag.clone()),
        Some(_) => return Err(refuse(400, "Invalid tag")),
    };
    let flag = body.get("includeInvisible");
    if !matches!(flag, None | Some(Value::Bool(_) | Value::Null)) {
        return Err(refuse(400, "Invalid value of includeInvisible"));
    }
    world.drop_stale_feeds();
    let own = world
        .feeds
        .values()
        .filter(|feed| feed.owner == caller.user && !feed.is_old());
    if own.count() >= world.knobs.feed_cap {
        return Err(refuse(
            403,
            "The account has reached its maximum number of datafeeds",
        ));
    }
    let id = format!("{}_f_{}", Ids::hex(8), Ids::short(5).to_lowercase());
    let feed = Feed::new(
        id.clone(),
        caller.user,
        Form::Fanout { tag },
        world.clock.now(),
    );
    let shown = feed.shown();
    world.feeds.insert(id, feed);
    Ok(Reply::json(201, &shown))
}

/// `DELETE /agent/v5/datafeeds/{id}`.
pub(super) fn delete(world: &mut World, caller: &Caller, id: &str) -> Answer {
    world.feed(id, caller.user)?;
    world.feeds.remove(id);
    world.ring();
    Ok(Reply::empty(204))
}

/// `POST /agent/v4/datafeed/create`.
pub(super) fn create_old(world: &mut World, caller: &Caller) -> Answer {
    disabled(&world.knobs)?;
    world.drop_stale_feeds();
    let own = world
        .feeds
        .values()
        .filter(|feed| feed.owner == caller.user && feed.is_old());
    if own.count() >= world.knobs.old_feed_cap {
        return Err(refuse(503, "Too many datafeeds"));
    }
    let id = Ids::uuid();
    let feed = Feed::new(id.clone(), caller.user, Form::Old, world.clock.now());
    world.feeds.insert(id.clone(), feed);
    good(&json!({ "id": id }))
}

fn disabled(knobs: &Knobs) -> Result<(), Refusal> {
    if knobs.old_feeds_disabled {
        let message = "This endpoint is deprecated and has been disabled";
        return Err(Refusal {
            status: 410,
            body: json!({ "message": message }),
        });
    }
    Ok(())
}

/// Which feed a read is of.
#[derive(Clone, Debug)]
pub(super) enum Read {
    /// `GET /agent/v4/datafeed/{id}/read`.
    Old(String),
    /// `POST /agent/v5/datafeeds/{id}/read`.
    Fanout(String),
    /// `POST /agent/v5/events/read`.
    Hose,
}

/// Reads a feed: answers as soon as there is something, else when the long poll ends.
pub(super) async fn read(world: &Mutex<World>, request: &Request, read: Read) -> Answer {
    let mut bell = world.lock().bell();
    let (id, caller) = begin(world, request, &read)?;
    let reading = Reading { world, id };
    let (until, is_old) = {
        let world = world.lock();
        (
            Instant::now() + world.clock.wait(world.knobs.long_poll),
            matches!(read, Read::Old(_)),
        )
    };
    loop {
        bell.borrow_and_update();
        let next = match reading.attempt(&caller, request, until, is_old)? {
            Attempt::Answer(reply) => return Ok(reply),
            Attempt::Wait(next) => next,
        };
        tokio::select! {
            rung = bell.changed() => {
                // The bell is the world's own; it does not end before the world.
                if rung.is_err() {
                    return Err(refuse(500, "The agent stops"));
                }
            }
            () = tokio::time::sleep_until(next.into()) => {}
        }
    }
}

enum Attempt {
    Answer(Reply),
    /// Nothing yet: look again at this moment at the latest.
    Wait(Instant),
}

/// A read under way: its feed does not go stale meanwhile, even where the client goes away.
struct Reading<'a> {
    world: &'a Mutex<World>,
    id: String,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut world = self.world.lock();
        if let Some(feed) = world.feeds.get_mut(&self.id) {
            feed.readers = feed.readers.saturating_sub(1);
            feed.last_read = Instant::now();
        }
    }
}

impl Reading<'_> {
    fn attempt(
        &self,
        caller: &Caller,
        request: &Request,
        until: Instant,
        is_old: bool,
    ) -> Result<Attempt, Refusal> {
        let mut world = self.world.lock();
        // A session may end while its read waits.
        world.agent_caller(request)?;
        let knobs = world.knobs.clone();
        let visible = Instant::now() + world.clock.wait(knobs.visibility);
        let feed = world.feed(&self.id, caller.user)?;
        let due = feed.put_back();
        let asked = request
            .number("limit")
            .and_then(|limit| usize::try_from(limit).ok());
        let most = asked
            .filter(|limit| is_old && *limit > 0)
            .unwrap_or(knobs.batch);
        let events = feed.take(most);
        if events.is_empty() && Instant::now() < until {
            return Ok(Attempt::Wait(due.map_or(until, |due| due.min(until))));
        }
        if is_old {
            let places = world.places_of(&events);
            world.handouts.give(places, None);
            let shown: Vec<Value> = events.iter().map(|event| Value::clone(event)).collect();
            return super::answer::list(shown).map(Attempt::Answer);
        }
        let events = world.unsettle(&self.id, events);
        let places = world.places_of(&events);
        let feed = world.feed(&self.id, caller.user)?;
        let body = feed.hand_out(events, visible, knobs.null_events);
        world.handouts.give(places, body["ackId"].as_str());
        Ok(Attempt::Answer(Reply::json(200, &body)))
    }
}

/// Checks a read, takes its acknowledgement, and counts it among the feed's readers.
fn begin(
    world: &Mutex<World>,
    request: &Request,
    read: &Read,
) -> Result<(String, Caller), Refusal> {
    let mut world = world.lock();
    let caller = world.agent_caller(request)?;
    if caller.app.is_some() {
        return Err(refuse(403, "There is no datafeed on behalf of a user"));
    }
    let body = match read {
        Read::Old(_) => json!({}),
        _ if request.body.is_empty() => json!({}),
        _ => request
            .json()
            .map_err(|_| refuse(400, "Invalid request body"))?,
    };
    let ack = match body.get("ackId") {
        None => "",
        Some(Value::String(ack)) => ack,
        // Not even null: the platform insists on a text.
        Some(_) => return Err(refuse(400, "Invalid ackId")),
    };
    let id = match read {
        Read::Old(id) => {
            disabled(&world.knobs)?;
            id.clone()
        }
        Read::Fanout(id) => id.clone(),
        Read::Hose => hose(&mut world, &caller, &body)?,
    };
    if body.get("updatePresence") != Some(&Value::Bool(false))
        && let Some(person) = world.people.get_mut(&caller.user)
        && person.presence == "OFFLINE"
    {
        "AVAILABLE".clone_into(&mut person.presence);
    }
    let feed = world.feed(&id, caller.user)?;
    if feed.is_old() != matches!(read, Read::Old(_)) {
        return Err(stale(&id));
    }
    if !feed.acknowledge(ack) {
        return Err(refuse(400, "The ackId is not one of this datafeed"));
    }
    feed.readers += 1;
    world.handouts.acknowledge(ack);
    Ok((id, caller))
}

/// The datahose of an account, a tag and types; one however often it is asked for.
fn hose(world: &mut World, caller: &Caller, body: &Value) -> Result<String, Refusal> {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let tag = text("tag").filter(|tag| !tag.is_empty() && tag.chars().count() <= HOSE_TAG);
    let tag = tag.ok_or_else(|| refuse(400, "A tag of at most 80 characters is required"))?;
    if text("type") != Some("datahose") {
        return Err(refuse(400, "The type must be datahose"));
    }
    let types: Option<Vec<String>> =
        body.get("eventTypes")
            .and_then(Value::as_array)
            .map(|types| {
                types
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            });
    let types = types.filter(|types| !types.is_empty());
    let types = types.ok_or_else(|| refuse(400, "At least one event type is required"))?;
    let wanted = format!(
        "{tag} {types:?} {}",
        body.get("scopes").unwrap_or(&Value::Null)
    );
    let found = world.feeds.values().find(|feed| {
        let is_it = matches!(&feed.form, Form::Hose { key, .. } if *key == wanted);
        is_it && feed.owner == caller.user
    });
    if let Some(feed) = found {
        return Ok(feed.id.clone());
    }
    let id = format!("{}_p_{}", Ids::hex(8), Ids::short(5).to_lowercase());
    let form = Form::Hose { key: wanted, types };
    let feed = Feed::new(id.clone(), caller.user, form, world.clock.now());
    world.feeds.insert(id.clone(), feed);
    Ok(id)
}
