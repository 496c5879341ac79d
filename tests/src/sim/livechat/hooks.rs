//! The sender of webhooks: what happened goes to whoever registered for it, in order, tried again for
//! about a minute.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::world::{Bot, Spoken, World};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// When it is tried again, each behind the last.
const AGAIN: [Duration; 3] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(35),
];

/// A webhook that is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) url: String,
    pub(super) body: Value,
}

/// A webhook that was sent, and what became of it.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// What happened.
    pub action: String,
    /// Where it went.
    pub url: String,
    /// What it said.
    pub body: Value,
    /// Which try it was, from one.
    pub attempt: usize,
    /// The answer's status; none where there was none.
    pub status: Option<u16>,
}

impl World {
    /// Tells whoever registered for it. `payload` is made in the words of each.
    pub(super) fn emit(
        &mut self,
        organization: &str,
        action: &str,
        payload: impl Fn(Spoken) -> Value,
    ) {
        let Some(licence) = self.licences.get(organization) else {
            return;
        };
        let now = Instant::now();
        let hears = |bot: &Bot| bot.status != "offline" && bot.hears_at <= now;
        let mut made = Vec::new();
        let newest = Spoken::Three(6);
        for hook in self.hooks.iter().filter(|hook| hook.action == action) {
            let of_bots = || {
                let mut bots = licence.bots.iter();
                bots.any(|bot| bot.client == hook.client && hears(bot))
            };
            let is_on = match hook.kind.as_str() {
                "bot" => of_bots(),
                _ => self.license_hooks_enabled,
            };
            let payload = payload(newest);
            if !is_on || !passes(hook.raw.get("filters"), &payload, licence) {
                continue;
            }
            let secret = self.knobs.wrong_secret.as_ref().unwrap_or(&hook.secret);
            made.push(Delivery {
                url: hook.url.clone(),
                body: json!({
                    "webhook_id": hook.id, "secret_key": secret, "action": action,
                    "organization_id": organization, "payload": payload, "additional_data": {},
                }),
            });
        }
        let old = old_name(action);
        for bot in licence.bots.iter().filter(|bot| hears(bot)) {
            let Some(hooks) = &bot.hooks else { continue };
            let names = hooks["actions"].as_array().into_iter().flatten();
            if !names.into_iter().any(|it| it["name"] == old) {
                continue;
            }
            let secret = match &self.knobs.wrong_secret {
                Some(wrong) => json!(wrong),
                None => hooks["secret_key"].clone(),
            };
            made.push(Delivery {
                url: hooks["url"].as_str().unwrap_or_default().to_owned(),
                body: json!({
                    "webhook_id": bot.id, "secret_key": secret, "action": old,
                    "data": payload(Spoken::ChatIo),
                }),
            });
        }
        for delivery in made {
            self.put(delivery);
        }
        self.push_to_lines(organization, action, payload);
        self.ring();
    }

    /// Sends what a script says, with the secret of the first webhook.
    pub(super) fn put(&mut self, delivery: Delivery) {
        if self.knobs.loses_hooks {
            return;
        }
        if self.knobs.duplicates > 0 {
            self.knobs.duplicates -= 1;
            self.queue.push_back(delivery.clone());
        }
        if self.knobs.reorders > 0 && !self.queue.is_empty() {
            self.knobs.reorders -= 1;
            let place = self.queue.len() - 1;
            self.queue.insert(place, delivery);
            return;
        }
        self.queue.push_back(delivery);
    }
}

/// What chat.io calls it.
pub(super) fn old_name(action: &str) -> &str {
    match action {
        "incoming_chat" => "incoming_chat_thread",
        "chat_deactivated" => "thread_closed",
        other => other,
    }
}

/// Whether a webhook's filters let something through.
fn passes(filters: Option<&Value>, payload: &Value, licence: &super::world::Licence) -> bool {
    let Some(filters) = filters else { return true };
    if let Some(wanted) = filters["author_type"].as_str() {
        let author = payload["event"]["author_id"].as_str().unwrap_or_default();
        let is_agent = licence.agent_user(author).is_some();
        if (wanted == "agent") != is_agent {
            return false;
        }
    }
    if filters["only_my_chats"] == true {
        let chat = payload["chat_id"].as_str().unwrap_or_default();
        let users = licence.chat(chat).map(|chat| chat.users.as_slice());
        let mut users = users.unwrap_or_default().iter();
        return users.any(|user| user.present && licence.bot(&user.id).is_some());
    }
    true
}

/// Sends the queue of a world until it is gone.
pub(super) async fn send(world: Weak<Mutex<World>>, told: Arc<Notify>) {
    // A certificate of a host in a test is its own affair.
    let client = reqwest::Client::builder().no_proxy().build();
    let Ok(client) = client else { return };
    loop {
        let next = {
            let Some(world) = world.upgrade() else { return };
            let mut world = world.lock();
            // What is to come behind another waits for one.
            let waits = world.knobs.reorders > 0 && world.queue.len() < 2;
            let next = if waits { None } else { world.queue.pop_front() };
            next.map(|next| (next, world.clock))
        };
        let Some((delivery, clock)) = next else {
            told.notified().await;
            continue;
        };
        let status = try_once(&client, &world, &delivery, (1, clock.wait(PATIENCE))).await;
        if status != Some(200) {
            let (client, world) = (client.clone(), world.clone());
            tokio::spawn(async move {
                for (tried, wait) in AGAIN.iter().enumerate() {
                    tokio::time::sleep(clock.wait(*wait)).await;
                    let attempt = (tried + 2, clock.wait(PATIENCE));
                    let status = try_once(&client, &world, &delivery, attempt).await;
                    if status == Some(200) || world.strong_count() == 0 {
                        return;
                    }
                }
            });
        }
    }
}

/// Sends a webhook once, and notes what became of it. `attempt` is which try it is, and how long an answer
/// may take.
async fn try_once(
    client: &reqwest::Client,
    world: &Weak<Mutex<World>>,
    delivery: &Delivery,
    (attempt, patience): (usize, Duration),
) -> Option<u16> {
    let ack = world.upgrade().map(|world| {
        let mut world = world.lock();
        let ack = world.hex();
        world.hand_out_by_hook(&delivery.body, &ack);
        ack
    });
    let status = post(client, delivery, patience).await;
    if let (Some(ack), Some(world), Some(200)) = (ack, world.upgrade(), status) {
        world.lock().handouts.acknowledge(&ack);
    }
    note(world, delivery, attempt, status);
    status
}

async fn post(client: &reqwest::Client, delivery: &Delivery, patience: Duration) -> Option<u16> {
    let request = client.post(&delivery.url).json(&delivery.body);
    let answer = request.timeout(patience).send().await;
    answer.ok().map(|answer| answer.status().as_u16())
}

fn note(world: &Weak<Mutex<World>>, delivery: &Delivery, attempt: usize, status: Option<u16>) {
    let Some(world) = world.upgrade() else { return };
    let mut world = world.lock();
    world.delivered.push(Delivered {
        action: delivery.body["action"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        url: delivery.url.clone(),
        body: delivery.body.clone(),
        attempt,
        status,
    });
    world.ring();
}
