//! Webex: its API, its webhooks, and the WebSocket of Cisco's own clients.
//!
//! It follows the platform's document (shared facts, section by section); see
//! `tests/tests/simulators/webex.rs` for what is shown of it.

mod answer;
mod cards;
mod contents;
mod described;
mod hooks;
mod ids;
mod list;
mod markdown;
mod members;
mod messages;
mod options;
mod people;
mod rooms;
mod routes;
mod script;
mod socket;
mod witness;
mod world;

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::answer::Fields;
use self::world::World;
use super::{Fault, Listening, Platform, Reply, Request, Sent, Server, Shared};
use crate::outside::Authority;

pub use described::{folder, webex_api};
pub use options::WebexOptions;

/// The bot that is there from the start.
pub const BOT: &str = "tradebot@webex.bot";
/// Its name for people, of which clients show the first word only.
pub const BOT_NAME: &str = "Trade Bot";
/// Its token.
pub const TOKEN: &str = "NzA3ZDc0YzUtbm90LWEtcmVhbC10b2tlbg_sim_bot";

/// A Webex that runs until it is dropped.
pub struct Webex {
    cloud: Arc<Cloud>,
    shared: Arc<Shared>,
    server: Server,
    socket: SocketAddr,
    authority: Option<Authority>,
    stop: CancellationToken,
}

struct Cloud {
    world: Mutex<World>,
    bot: String,
    line: OnceLock<Value>,
}

impl Webex {
    /// Starts one.
    ///
    /// # Errors
    /// When a port cannot be listened on.
    pub async fn start(options: WebexOptions) -> anyhow::Result<Self> {
        // Its own client needs one to deliver. Another of this process may have been first, and theirs
        // is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut world = World::new(options.clock);
        let bot = world.add_bot(BOT, BOT_NAME, TOKEN);
        let cloud = Arc::new(Cloud {
            world: Mutex::new(world),
            bot,
            line: OnceLock::new(),
        });
        let shared = Shared::new(cloud.clone(), options.clock);
        let authority = options.tls.then(|| Authority::new("parlor-sim"));
        let names = ["localhost", "127.0.0.1", "webexapis.com", "*.wbx2.com"];
        let tls = authority
            .as_ref()
            .map(|authority| authority.http1(&names, None, false));
        let listening = Listening {
            port: options.port,
            tls: tls.clone(),
        };
        let server = Server::start(listening, shared.clone()).await?;
        let stop = CancellationToken::new();
        let scheme = if options.tls { "https" } else { "http" };
        let base = format!("{scheme}://{}", server.address());
        let socket = socket::listen(cloud.clone(), tls, stop.clone()).await?;
        {
            let mut world = cloud.world.lock();
            let socket_scheme = if options.tls { "wss" } else { "ws" };
            (world.base, world.socket_base) = match options.real_names {
                true => (
                    format!("{scheme}://webexapis.com"),
                    format!("{socket_scheme}://mercury.wbx2.com"),
                ),
                false => (base, format!("{socket_scheme}://{socket}")),
            };
        }
        tokio::spawn(hooks::deliver_all(cloud.clone(), stop.clone()));
        let sim = Self {
            cloud,
            shared,
            server,
            socket,
            authority,
            stop,
        };
        sim.cloud.line.get_or_init(|| sim.line());
        Ok(sim)
    }

    /// Where it is, without the API's version.
    pub fn base_url(&self) -> String {
        self.cloud.world.lock().base.clone()
    }

    /// The certificate of its authority, in PEM; with TLS only.
    pub fn authority(&self) -> Option<String> {
        self.authority.as_ref().map(Authority::pem)
    }

    /// Where its two servers listen: the API, and the WebSocket.
    pub fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.server.address(), self.socket)
    }

    /// What a started simulator prints.
    pub fn line(&self) -> Value {
        let base = self.base_url();
        let mut line = json!({
            "platform": "webex",
            "base_url": base,
            "control_url": format!("{base}/_sim"),
            "api": format!("{base}/v1"),
            "discovery": format!("{base}/u2c/api/v1"),
            "bot": { "email": BOT, "token": TOKEN, "id": ids::person(&self.cloud.bot) },
        });
        if let Some(pem) = self.authority() {
            line["ca_pem"] = pem.into();
        }
        line
    }

    /// Somebody says something to the bot alone; the message's id.
    #[track_caller]
    pub fn say_direct(&self, user: &str, text: &str) -> String {
        let what = json!({"direct": true, "user": user, "text": text});
        id_of(&self.act("say", what), "message_id")
    }

    /// Somebody mentions the bot in a space, which is made with the bot in it where there is none yet,
    /// and says something; the message's id.
    #[track_caller]
    pub fn say_to_bot(&self, room: &str, user: &str, text: &str) -> String {
        let what = json!({"room": room, "user": user, "text": text, "mention_bot": true});
        id_of(&self.act("say", what), "message_id")
    }

    /// Waits until something holds of the platform; tells whether it came to be.
    pub async fn until(&self, patience: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let look = || holds(self).then_some(());
        self.found(patience, look).await.is_some()
    }

    async fn found<T>(&self, patience: Duration, look: impl Fn() -> Option<T>) -> Option<T> {
        let mut bell = self.cloud.world.lock().bell();
        let mut asked = self.shared.record().bell();
        let until = tokio::time::Instant::now() + patience;
        loop {
            bell.borrow_and_update();
            asked.borrow_and_update();
            if let Some(found) = look() {
                return Some(found);
            }
            tokio::select! {
                changed = bell.changed() => changed.ok()?,
                changed = asked.changed() => changed.ok()?,
                () = tokio::time::sleep_until(until) => return None,
            }
        }
    }

    /// The id of a person, who is made where there is none of this name yet.
    pub fn person(&self, name: &str) -> String {
        let key = self.cloud.world.lock().somebody(name);
        ids::person(&key)
    }

    /// The bot's id.
    pub fn bot_id(&self) -> String {
        ids::person(&self.cloud.bot)
    }

    /// The id of a space, by its title.
    pub fn room(&self, title: &str) -> Option<String> {
        let world = self.cloud.world.lock();
        let room = world.rooms.values().find(|room| room.title == title)?;
        Some(world.room_id(&room.key))
    }

    /// The addresses of those who are in a space.
    pub fn members(&self, title: &str) -> Vec<String> {
        let world = self.cloud.world.lock();
        let Some(room) = world.rooms.values().find(|room| room.title == title) else {
            return Vec::new();
        };
        let members = world
            .members
            .iter()
            .filter(|member| member.room == room.key);
        members
            .filter_map(|member| world.people.get(&member.person))
            .map(|person| person.email.clone())
            .collect()
    }

    /// The webhooks that are registered.
    pub fn hooks(&self) -> Vec<Value> {
        let world = self.cloud.world.lock();
        world.hooks.iter().map(|hook| hook.shown(&world)).collect()
    }

    /// Deliveries of webhooks: the status of each answer, 0 where there was none.
    pub fn deliveries(&self) -> Vec<Delivered> {
        self.cloud.world.lock().delivered.clone()
    }

    /// Devices that are registered.
    pub fn devices(&self) -> usize {
        self.cloud.world.lock().devices.len()
    }

    /// What a client of the WebSocket did that the document forbids, and how many frames it has not
    /// acknowledged.
    pub fn socket_state(&self) -> (Vec<String>, usize) {
        let world = self.cloud.world.lock();
        (world.complaints.clone(), world.unacknowledged())
    }

    /// Ends all WebSockets with this code and reason.
    pub fn close_sockets(&self, code: u16, reason: &str) {
        let mut world = self.cloud.world.lock();
        world.close_sockets(code, reason);
    }
}

pub use hooks::{Delivered, signature};

fn id_of(done: &Value, name: &str) -> String {
    done[name].as_str().unwrap_or_default().to_owned()
}

impl Drop for Webex {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What scripts and tests ask of any platform.
impl Deref for Webex {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

#[async_trait]
impl Platform for Cloud {
    fn name(&self) -> &'static str {
        "webex"
    }

    async fn handle(&self, request: Request) -> Reply {
        let mut notes = Map::new();
        let fields = Fields::read(&request).await;
        if let Ok(fields) = &fields
            && !fields.parts.is_empty()
        {
            notes.insert("parts".to_owned(), fields.parts.clone().into());
        }
        let mut world = self.world.lock();
        world.request = request.number;
        let answer = routes::answer(&mut world, &request, fields);
        world.request = 0;
        let mut reply = answer.unwrap_or_else(|refusal| refusal.reply());
        world.hand_out_by_list(&request, &reply);
        reply.notes = notes;
        reply
    }

    fn act(&self, verb: &str, what: &Value) -> Result<Value, String> {
        script::act(&mut self.world.lock(), &self.bot, verb, what)
    }

    fn sent(&self, after: u64) -> Vec<Sent> {
        let world = self.world.lock();
        let sent = world.sent.iter().filter(|sent| sent.n > after);
        sent.cloned().collect()
    }

    fn sent_count(&self) -> u64 {
        self.world.lock().sent_count
    }

    fn called(&self) -> Vec<String> {
        let world = self.world.lock();
        let line = |it: &Delivered| format!("{} {} {}", it.hook, it.status, it.body);
        world.delivered.iter().map(line).collect()
    }

    fn bell(&self) -> watch::Receiver<u64> {
        self.world.lock().bell()
    }

    fn disturb(&self, fault: &Fault) {
        let mut world = self.world.lock();
        world.duplicates |= fault.duplicate;
        world.reorders |= fault.reorder;
        if fault.expire_tokens {
            world.revoke_tokens();
        }
    }

    fn bot(&self) -> Value {
        self.line.get().cloned().unwrap_or_default()
    }
}
