//! LSEG Messenger: its authentication, its rooms and its stream.
//!
//! It follows the platform's document (shared facts, §7 is its checklist); what is shown of it is in
//! `tests/tests/simulators/lseg.rs`. What the document marks as not known is a switch (`POST /_sim/set`).

mod knobs;
mod rest;
mod script;
mod stream;
mod token;
mod witness;
mod world;

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

use self::world::World;
use super::{
    Fault, Listening, Opened, Platform, Reply, Request, Sent, Server, Shared, found_in_time,
};
use crate::outside::Authority;

/// The bot's account.
pub const BOT: &str = "bot_agent.desk@example.com";
/// Its password.
pub const PASSWORD: &str = "b0t passw0rd+&=%";
/// The AppKey, which a person has made.
pub const APP_KEY: &str = "0123456789abcdef0123456789abcdef01234567";
/// The path of the stream.
pub const STREAM_PATH: &str = stream::PATH;
/// The path of tokens.
pub const TOKEN_PATH: &str = "/auth/oauth2/v1/token";

pub use super::SimOptions as LsegOptions;

/// A platform that runs until it is dropped.
pub struct Lseg {
    desk: Arc<Desk>,
    shared: Arc<Shared>,
    server: Server,
    tls: bool,
    folder: TempDir,
}

/// The platform itself.
pub(crate) struct Desk {
    world: Mutex<World>,
    line: OnceLock<Value>,
    own: OnceLock<std::sync::Weak<Self>>,
}

impl Lseg {
    /// Starts one.
    ///
    /// # Errors
    /// When the port cannot be listened on, or its files cannot be written.
    pub async fn start(options: LsegOptions) -> anyhow::Result<Self> {
        let mut world = World::new(options.clock);
        world.add_account(BOT, PASSWORD);
        world.app_keys.insert(APP_KEY.to_owned());
        let desk = Arc::new(Desk {
            world: Mutex::new(world),
            line: OnceLock::new(),
            own: OnceLock::new(),
        });
        desk.own.get_or_init(|| Arc::downgrade(&desk));
        let shared = Shared::new(desk.clone(), options.clock);
        let authority = Authority::new("parlor-sim");
        let names = ["localhost", "127.0.0.1", "lseg.test", "*.lseg.test"];
        let listening = Listening {
            port: options.port,
            tls: options.tls.then(|| authority.http1(&names, None, false)),
        };
        let server = Server::start(listening, shared.clone()).await?;
        let folder = tempfile::tempdir().context("no folder for the authority")?;
        std::fs::write(folder.path().join("ca.pem"), authority.pem())?;
        std::fs::write(folder.path().join("password"), format!("{PASSWORD}\n"))?;
        std::fs::write(folder.path().join("app-key"), format!("{APP_KEY}\n"))?;
        let sim = Self {
            desk,
            shared,
            server,
            tls: options.tls,
            folder,
        };
        sim.desk.line.get_or_init(|| sim.line());
        Ok(sim)
    }

    /// On a clock so many times as fast these are the platform's own times: only messages are taken so
    /// much faster.
    pub fn keep_times(&self, speed: u32) {
        self.set(json!({
            "token_secs": speed * 600, "refresh_secs": speed * 900, "window_secs": speed * 300,
            "connect_secs": speed * 10,
        }));
    }

    /// Where its gateway is.
    pub fn base_url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.server.address())
    }

    /// Where its stream is.
    pub fn ws_url(&self) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}{}", self.server.address(), stream::PATH)
    }

    /// Its address.
    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    /// One of its files: `password`, `app-key`, `ca.pem`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a started simulator prints.
    pub fn line(&self) -> Value {
        let mut line = json!({
            "platform": "lseg",
            "base_url": self.base_url(),
            "ws_url": self.ws_url(),
            "control_url": format!("{}/_sim", self.base_url()),
            "bot": { "username": BOT, "password": PASSWORD, "app_key": APP_KEY },
        });
        if self.tls {
            line["ca_file"] = self.file("ca.pem").display().to_string().into();
        }
        line
    }

    /// Somebody says something in a room, which is made where there is none, with the bot dragged into it
    /// and not joined.
    #[track_caller]
    pub fn say(&self, room: &str, user: &str, text: &str) -> String {
        let what = json!({ "conversation": room, "user": user, "text": text });
        let said = self.act("say", what);
        said["message_id"].as_str().unwrap_or_default().to_owned()
    }

    /// Makes a room into which the bot was dragged; its id.
    #[track_caller]
    pub fn room(&self, name: &str) -> String {
        let made = self.act("room", json!({ "conversation": name }));
        made["conversation_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Cuts all streams; how many there were.
    pub fn cut(&self) -> usize {
        self.desk.world.lock().cut()
    }

    /// Waits until the platform is as wanted; whether it came to be.
    pub async fn comes_to(&self, patience: Duration, is_wanted: impl Fn(&Self) -> bool) -> bool {
        let bell = self.desk.world.lock().bell();
        let look = || is_wanted(self).then_some(());
        found_in_time(bell, patience, look).await.is_some()
    }

    /// What clients sent over streams: `{stream, frame}`.
    pub fn frames(&self) -> Vec<Value> {
        self.desk.world.lock().frames.iter().cloned().collect()
    }

    /// Pings that came.
    pub fn pings(&self) -> u64 {
        self.desk.world.lock().pings
    }

    /// Frames that streams were told, but for answers.
    pub fn told(&self) -> u64 {
        self.desk.world.lock().told
    }

    /// Streams that are connected.
    pub fn streams(&self) -> usize {
        let world = self.desk.world.lock();
        let lines = world.lines.values();
        lines.filter(|line| line.account.is_some()).count()
    }

    /// Tells whether the bot is in a room.
    pub fn has_joined(&self, room: &str) -> bool {
        self.has_joined_as(BOT, room)
    }

    /// Tells whether a bot is in a room.
    pub fn has_joined_as(&self, bot: &str, room: &str) -> bool {
        let world = self.desk.world.lock();
        let room = world
            .find_room(room)
            .and_then(|id| world.rooms.get(&id).cloned());
        room.is_some_and(|room| room.joined.contains(bot))
    }

    /// The addresses of the people in a room.
    pub fn people(&self, room: &str) -> Vec<String> {
        let world = self.desk.world.lock();
        let room = world.find_room(room).and_then(|id| world.rooms.get(&id));
        room.map(|room| room.people.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// The password that the bot's account has now.
    pub fn password(&self) -> String {
        let world = self.desk.world.lock();
        world
            .accounts
            .get(BOT)
            .map(|account| account.password.clone())
            .unwrap_or_default()
    }

    /// What clients did that the document forbids.
    pub fn complaints(&self) -> Vec<String> {
        self.desk.world.lock().complaints.clone()
    }
}

/// What scripts and tests ask of any platform.
impl Deref for Lseg {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

#[async_trait]
impl Platform for Desk {
    fn name(&self) -> &'static str {
        "lseg"
    }

    async fn handle(&self, request: Request) -> Reply {
        let mut world = self.world.lock();
        if token::is_token_path(&request.path) {
            return token::answer(&mut world, &request);
        }
        if request.path == stream::PATH {
            return Reply::text(426, "text/plain", "a WebSocket is wanted here");
        }
        world.witness.request = request.number;
        rest::answer(&mut world, &request)
    }

    fn socket(&self, request: &Request) -> Option<Result<Opened, Reply>> {
        let own = self.own.get().and_then(std::sync::Weak::upgrade)?;
        stream::open(&own, request)
    }

    fn act(&self, verb: &str, what: &Value) -> Result<Value, String> {
        script::act(&mut self.world.lock(), verb, what)
    }

    fn sent(&self, after: u64) -> Vec<Sent> {
        let world = self.world.lock();
        let later = world.sent.iter().filter(|sent| sent.n > after);
        later.cloned().collect()
    }

    fn sent_count(&self) -> u64 {
        self.world.lock().sent_count
    }

    fn bell(&self) -> watch::Receiver<u64> {
        self.world.lock().bell()
    }

    fn disturb(&self, fault: &Fault) {
        let mut world = self.world.lock();
        if fault.expire_tokens {
            world.expire();
        }
        world.duplicate |= fault.duplicate;
        world.reorder |= fault.reorder;
    }

    fn bot(&self) -> Value {
        self.line.get().cloned().unwrap_or_default()
    }
}
