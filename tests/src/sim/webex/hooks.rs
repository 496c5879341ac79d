//! Webhooks: registered, matched, delivered, switched off (webex.md §4).

use std::sync::Arc;
use std::time::Duration;

use ring::hmac;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::Cloud;
use super::answer::{Answer, Fields, Refusal, gone, good, refuse};
use super::ids;
use super::list;
use super::world::{CardAction, Member, Message, Person, World};
use crate::sim::Request;

/// Failed attempts that switch a webhook off, and the time in which they fail.
const MOST_FAILURES: usize = 100;
const WINDOW: Duration = Duration::from_secs(300);
/// How long an answer may take; the document does not say.
const PATIENCE: Duration = Duration::from_secs(10);

const RESOURCES: [&str; 5] = [
    "messages",
    "memberships",
    "rooms",
    "attachmentActions",
    "all",
];
const EVENTS: [&str; 5] = ["created", "updated", "deleted", "migrated", "all"];

#[derive(Clone, Debug)]
pub(super) struct Hook {
    key: String,
    owner: String,
    name: String,
    target: String,
    resource: String,
    event: String,
    filter: Option<String>,
    secret: Option<String>,
    is_active: bool,
    created: i64,
    /// Moments of failed attempts.
    failures: Vec<i64>,
    /// Until then one failure is enough.
    strict_until: i64,
    /// When it was switched off.
    off_at: i64,
}

impl Hook {
    pub(super) fn shown(&self, _world: &World) -> Value {
        let mut shown = json!({
            "id": World::public("WEBHOOK", &self.key),
            "name": self.name,
            "targetUrl": self.target,
            "resource": self.resource,
            "event": self.event,
            "orgId": ids::public("us", "ORGANIZATION", "96abc2aa-3dcc-11e5-a152-fe34819cdc9a"),
            "createdBy": ids::person(&self.owner),
            "appId": ids::public("us", "APPLICATION", "C32c8"),
            "ownedBy": "creator",
            "status": if self.is_active { "active" } else { "inactive" },
            "created": World::written(self.created),
        });
        if let Some(filter) = &self.filter {
            shown["filter"] = filter.clone().into();
        }
        if let Some(secret) = &self.secret {
            shown["secret"] = secret.clone().into();
        }
        shown
    }
}

/// What waits to be delivered.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    hook: String,
    body: String,
}

/// A delivery and how it was answered.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The webhook's name.
    pub hook: String,
    /// What was delivered.
    pub body: Value,
    /// The status of the answer; 0 where there was none.
    pub status: u16,
}

fn find(world: &World, caller: &Person, id: &str) -> Result<usize, Refusal> {
    let key = ids::key(id);
    let own = |hook: &Hook| Some(&hook.key) == key.as_ref() && hook.owner == caller.key;
    let found = world.hooks.iter().position(own);
    found.ok_or_else(|| refuse(404, "The requested resource could not be found."))
}

pub(super) fn list(world: &World, caller: &Person, request: &Request) -> Answer {
    let own = world.hooks.iter().filter(|hook| hook.owner == caller.key);
    let items = own.map(|hook| hook.shown(world)).collect();
    list::page(world, request, items, (100, 100))
}

pub(super) fn read(world: &World, caller: &Person, id: &str) -> Answer {
    let place = find(world, caller, id)?;
    good(&world.hooks[place].shown(world))
}

pub(super) fn create(world: &mut World, caller: &Person, fields: &Fields) -> Answer {
    let name = fields
        .text("name")
        .ok_or_else(|| refuse(400, "name cannot be empty"))?;
    let target = fields.text("targetUrl");
    let target = target.ok_or_else(|| refuse(400, "targetUrl cannot be null"))?;
    let resource = fields.text("resource").unwrap_or_default();
    let event = fields.text("event").unwrap_or_default();
    // Both in small and capital letters as they are.
    if !RESOURCES.contains(&resource) || !EVENTS.contains(&event) {
        return Err(refuse(400, "invalid resource or event"));
    }
    let is_undocumented = (resource, event) == ("messages", "updated");
    if is_undocumented && !world.knobs.update_hooks {
        return Err(refuse(400, "invalid resource or event"));
    }
    let filter = fields.text("filter").map(str::to_owned);
    if let Some(filter) = &filter
        && let Some(room) = filter
            .split('&')
            .find_map(|part| part.strip_prefix("roomId="))
        && !ids::key(room).is_some_and(|key| world.is_in(&caller.key, &key))
    {
        return Err(refuse(400, "invalid value for filter: roomId"));
    }
    let created = world.moment();
    let hook = Hook {
        key: ids::uuid(),
        owner: caller.key.clone(),
        name: name.to_owned(),
        target: target.to_owned(),
        resource: resource.to_owned(),
        event: event.to_owned(),
        filter,
        secret: fields.text("secret").map(str::to_owned),
        is_active: true,
        created,
        failures: Vec::new(),
        strict_until: 0,
        off_at: 0,
    };
    let shown = hook.shown(world);
    world.hooks.push(hook);
    world.ring();
    good(&shown)
}

pub(super) fn update(world: &mut World, caller: &Person, id: &str, fields: &Fields) -> Answer {
    let place = find(world, caller, id)?;
    let name = fields
        .text("name")
        .ok_or_else(|| refuse(400, "name cannot be empty"))?;
    let target = fields.text("targetUrl");
    let target = target.ok_or_else(|| refuse(400, "targetUrl cannot be null"))?;
    let now = world.clock.now();
    let window = millis(world.clock.wait(WINDOW));
    let hook = &mut world.hooks[place];
    name.clone_into(&mut hook.name);
    target.clone_into(&mut hook.target);
    if let Some(secret) = fields.text("secret") {
        hook.secret = Some(secret.to_owned());
    }
    if fields.text("status") == Some("active") && !hook.is_active {
        hook.is_active = true;
        hook.failures.clear();
        if now < hook.off_at + window {
            hook.strict_until = hook.off_at + window;
        }
    }
    let shown = world.hooks[place].shown(world);
    world.ring();
    good(&shown)
}

pub(super) fn delete(world: &mut World, caller: &Person, id: &str) -> Answer {
    let key = ids::key(id);
    let hook = world
        .hooks
        .iter()
        .find(|hook| Some(&hook.key) == key.as_ref());
    let hook = hook.ok_or_else(|| refuse(400, "Invalid webhookId for Delete Webhook request."))?;
    if hook.owner != caller.key {
        let message = "Failed to delete webhook.  You are not the owner of it.";
        return Err(refuse(400, message));
    }
    world.hooks.retain(|hook| Some(&hook.key) != key.as_ref());
    world.ring();
    gone()
}

/// What happened, for those who listen.
struct Happened<'a> {
    resource: &'a str,
    event: &'a str,
    actor: &'a str,
    data: Value,
}

impl World {
    pub(super) fn tell_message(&mut self, event: &str, message: &Message, by: &str) {
        let whole = self.shown_message(message);
        let mut data = Map::new();
        // Nothing that anybody said.
        for name in [
            "id",
            "parentId",
            "roomId",
            "roomType",
            "personId",
            "personEmail",
            "mentionedPeople",
            "mentionedGroups",
            "files",
            "created",
            "updated",
        ] {
            if let Some(value) = whole.get(name) {
                data.insert(name.to_owned(), value.clone());
            }
        }
        let happened = Happened {
            resource: "messages",
            event,
            actor: by,
            data: Value::Object(data),
        };
        let sees = |world: &Self, owner: &str| {
            let owner = world.people.get(owner);
            owner.is_some_and(|owner| world.sees(owner, message))
        };
        self.queue_all(&happened, sees);
        self.socket_message(event, message, by);
    }

    pub(super) fn tell_member(&mut self, event: &str, member: &Member, by: &str) {
        let is_direct = self
            .rooms
            .get(&member.room)
            .is_some_and(|room| room.is_direct);
        let happened = Happened {
            resource: "memberships",
            event,
            actor: by,
            data: super::members::shown(self, member),
        };
        if event != "deleted" || !is_direct {
            self.queue_all(&happened, |world, owner| world.is_in(owner, &member.room));
        }
        self.socket_member(event, member, by);
        self.ring();
    }

    pub(super) fn tell_room(&mut self, event: &str, room: &str, by: &str) {
        let Some(found) = self.rooms.get(room) else {
            return;
        };
        let mut data = super::rooms::shown(self, found, by);
        if let Some(data) = data.as_object_mut() {
            for secret in ["title", "description", "errors"] {
                data.remove(secret);
            }
        }
        let happened = Happened {
            resource: "rooms",
            event,
            actor: by,
            data,
        };
        let made = event == "created";
        self.queue_all(&happened, |world, owner| {
            if made {
                owner == by
            } else {
                world.is_in(owner, room)
            }
        });
        self.socket_room(event, room, by);
    }

    pub(super) fn tell_action(&mut self, action: &CardAction) {
        let mut data = super::cards::shown(self, action);
        if let Some(data) = data.as_object_mut() {
            data.remove("inputs");
        }
        let author = self.messages.iter().find(|it| it.key == action.message);
        let author = author.map(|it| it.person.clone()).unwrap_or_default();
        let happened = Happened {
            resource: "attachmentActions",
            event: "created",
            actor: &action.person,
            data,
        };
        self.queue_all(&happened, |_, owner| owner == author);
        self.socket_action(action);
        self.ring();
    }

    /// One delivery for each webhook that matches: those of the bot's own doing too.
    fn queue_all(&mut self, happened: &Happened<'_>, sees: impl Fn(&Self, &str) -> bool) {
        let mut made: Vec<Delivery> = Vec::new();
        for hook in &self.hooks {
            if hook.is_active && matches(self, hook, happened) && sees(self, &hook.owner) {
                let body = envelope(self, hook, happened);
                made.push(Delivery {
                    hook: hook.key.clone(),
                    body: body.to_string(),
                });
            }
        }
        if made.is_empty() {
            return;
        }
        let lost = &mut self.knobs.lost_deliveries;
        made.retain(|_| {
            let is_lost = *lost > 0;
            *lost = lost.saturating_sub(1);
            !is_lost
        });
        if std::mem::take(&mut self.duplicates) {
            made.extend(made.clone());
        }
        self.queue.extend(made);
        self.queued.notify_one();
    }
}

fn matches(world: &World, hook: &Hook, happened: &Happened<'_>) -> bool {
    // Cards are in no firehose.
    let resource = hook.resource == happened.resource
        || (hook.resource == "all" && happened.resource != "attachmentActions");
    let event = hook.event == "all" || hook.event == happened.event;
    let filter = hook.filter.as_deref().unwrap_or_default();
    let owner = ids::person(&hook.owner);
    let fits = |part: &str| {
        let Some((name, wanted)) = part.split_once('=') else {
            return true;
        };
        let data = &happened.data;
        match name {
            "mentionedPeople" => {
                let all = data["mentionedPeople"].as_array();
                let all: Vec<&str> = all
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                wanted.split(',').any(|one| match one {
                    "me" => all.contains(&owner.as_str()),
                    id => all.contains(&id),
                })
            }
            "hasFiles" => data.get("files").is_some() == (wanted == "true"),
            "hasAttachments" => {
                let id = data["id"].as_str().and_then(ids::key);
                let message = world
                    .messages
                    .iter()
                    .find(|it| Some(&it.key) == id.as_ref());
                message.is_some_and(|it| !it.attachments.is_empty()) == (wanted == "true")
            }
            name => match &data[name] {
                Value::String(found) => {
                    found == wanted
                        || ids::key(found) == ids::key(wanted) && ids::key(wanted).is_some()
                }
                Value::Bool(found) => found.to_string() == wanted,
                _ => false,
            },
        }
    };
    resource && event && filter.split('&').filter(|part| !part.is_empty()).all(fits)
}

fn envelope(world: &World, hook: &Hook, happened: &Happened<'_>) -> Value {
    let mut envelope = hook.shown(world);
    if let Some(envelope) = envelope.as_object_mut() {
        envelope.remove("secret");
        envelope.insert("resource".to_owned(), happened.resource.into());
        envelope.insert("event".to_owned(), happened.event.into());
        envelope.insert("actorId".to_owned(), ids::person(happened.actor).into());
        envelope.insert("data".to_owned(), happened.data.clone());
    }
    envelope
}

/// Delivers what waits, one after the other, until it is stopped.
pub(super) async fn deliver_all(cloud: Arc<Cloud>, stop: CancellationToken) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build();
    let Ok(client) = client else {
        return;
    };
    let queued = cloud.world.lock().queued.clone();
    loop {
        let next = {
            let mut world = cloud.world.lock();
            let swaps = world.reorders && world.queue.len() > 1;
            if swaps {
                world.reorders = false;
                world.queue.swap(0, 1);
            }
            // Who wants another order waits for two.
            let waits = world.reorders;
            if waits { None } else { world.queue.pop_front() }
        };
        let Some(delivery) = next else {
            tokio::select! {
                () = stop.cancelled() => return,
                () = queued.notified() => continue,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = deliver(&cloud, &client, delivery) => {}
        }
    }
}

async fn deliver(cloud: &Cloud, client: &reqwest::Client, delivery: Delivery) {
    let hook = {
        let world = cloud.world.lock();
        let mut hooks = world.hooks.iter();
        hooks
            .find(|hook| hook.key == delivery.hook && hook.is_active)
            .cloned()
    };
    let Some(hook) = hook else {
        return;
    };
    let ack = ids::uuid();
    cloud.world.lock().hand_out_by_hook(&delivery.body, &ack);
    let body = delivery.body.into_bytes();
    let mut request = client
        .post(&hook.target)
        .header("content-type", "application/json;charset=UTF-8")
        .header("user-agent", "WebexWebhooks/1.0");
    if let Some(secret) = &hook.secret {
        request = request.header("X-Spark-Signature", signature(secret, &body));
    }
    let answered = request.body(body.clone()).send().await;
    let status = answered.map_or(0, |answer| answer.status().as_u16());
    let mut world = cloud.world.lock();
    world.delivered.push(Delivered {
        hook: hook.name.clone(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        status,
    });
    match status {
        200..300 => world.handouts.acknowledge(&ack),
        _ => world.failed(&hook.key),
    }
    world.ring();
}

/// The signature of a body: HMAC-SHA1 over its bytes, in small hexadecimal digits.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    let tag = hmac::sign(&key, body);
    tag.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl World {
    /// Counts a failed attempt; the hundredth in five minutes switches the webhook off.
    fn failed(&mut self, key: &str) {
        let now = self.clock.now();
        let window = millis(self.clock.wait(WINDOW));
        let Some(hook) = self.hooks.iter_mut().find(|hook| hook.key == key) else {
            return;
        };
        hook.failures.retain(|at| now - at < window);
        hook.failures.push(now);
        let is_strict = now < hook.strict_until;
        if is_strict || hook.failures.len() >= MOST_FAILURES {
            hook.is_active = false;
            hook.off_at = now;
            hook.failures.clear();
        }
    }

    /// Switches a webhook off at once, as a hundred failures would.
    pub(super) fn switch_off(&mut self, name: &str) {
        let now = self.clock.now();
        for hook in self
            .hooks
            .iter_mut()
            .filter(|hook| hook.name.contains(name))
        {
            hook.is_active = false;
            hook.off_at = now;
        }
        self.ring();
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
