//! A Symphony pod with its key manager and its agent.
//!
//! It follows the platform's document (shared facts, section by section) and the official descriptions; see
//! `tests/tests/simulators/symphony.rs` for what is shown of it.

mod agent;
mod answer;
mod connections;
mod described;
mod feeds;
mod forms;
mod history;
mod ids;
mod keys;
mod knobs;
mod login;
mod members;
mod messageml;
mod messages;
mod multipart;
mod people;
mod rooms;
mod routes;
mod script;
mod sessions;
mod signals;
mod streams;
mod users;
mod witness;
mod world;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

use self::multipart::Draft;
use self::world::World;
use super::{Fault, Listening, Platform, Reply, Request, Sent, Server, Shared};
use crate::outside::{Authority, Pair};

pub use super::SimOptions as SymphonyOptions;
pub use described::symphony_api;

/// The service account that is there from the start.
pub const BOT: &str = "trade.bot";
/// Its name for people.
pub const BOT_NAME: &str = "Trade Bot";
/// The extension app that may act for people.
pub const APP: &str = "parlor-app";

/// Signs a token with a private key in PEM, as a client does to log in.
///
/// # Panics
/// When it is no RSA key.
pub fn sign_token(key: &str, claims: &Value) -> String {
    let key = keys::private_key(key).expect("an RSA key");
    keys::sign(&key, "RS512", None, claims)
}

/// A pod that runs until it is dropped.
pub struct Symphony {
    pod: Arc<Pod>,
    shared: Arc<Shared>,
    server: Server,
    /// Takes nobody without a certificate.
    strict: Option<Server>,
    authority: Authority,
    folder: TempDir,
}

struct Pod {
    world: Mutex<World>,
    bot: i64,
    line: OnceLock<Value>,
}

impl Symphony {
    /// Starts one.
    ///
    /// # Errors
    /// When the port cannot be listened on, or its files cannot be written.
    pub async fn start(options: SymphonyOptions) -> anyhow::Result<Self> {
        let mut world = World::new(options.clock);
        let bot = world.add_service(BOT, BOT_NAME);
        let now = world.clock.now();
        let key = |pem: &str| keys::public_key(pem).map_err(anyhow::Error::msg);
        world.sessions.set_key(BOT, key(keys::BOT_KEY)?, now);
        world.sessions.set_key(APP, key(keys::APP_KEY)?, now);
        world
            .sessions
            .apps
            .insert(APP.to_owned(), sessions::App::default());
        let pod = Arc::new(Pod {
            world: Mutex::new(world),
            bot,
            line: OnceLock::new(),
        });
        let shared = Shared::new(pod.clone(), options.clock);
        let authority = Authority::new("parlor-sim");
        // The names of a pod whose components lie apart, for clients that go through a proxy.
        let names = ["localhost", "127.0.0.1", "symphony.test", "*.symphony.test"];
        let tls = options
            .tls
            .then(|| authority.http1(&names, Some(&authority), false));
        let listening = Listening {
            port: options.port,
            tls,
        };
        let server = Server::start(listening, shared.clone()).await?;
        let strict = if options.tls {
            let tls = authority.http1(&names, Some(&authority), true);
            let listening = Listening {
                port: 0,
                tls: Some(tls),
            };
            Some(Server::start(listening, shared.clone()).await?)
        } else {
            None
        };
        let folder = tempfile::tempdir().context("no folder for the keys")?;
        let certificate = authority.client(BOT);
        let pem = format!("{}{}", certificate.certificate, certificate.key);
        for (name, text) in [
            ("bot.pem", keys::BOT_KEY),
            ("app.pem", keys::APP_KEY),
            ("bot-certificate.pem", &pem),
            ("ca.pem", &authority.pem()),
        ] {
            std::fs::write(folder.path().join(name), text)?;
        }
        let sim = Self {
            pod,
            shared,
            server,
            strict,
            authority,
            folder,
        };
        sim.pod.line.get_or_init(|| sim.line());
        Ok(sim)
    }

    /// Where all its components are.
    pub fn base_url(&self) -> String {
        let scheme = if self.strict.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.server.address())
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// Where it takes nobody who shows no certificate, as `sessionauth` and `keyauth` have it; with TLS only.
    pub fn certificate_url(&self) -> Option<String> {
        let server = self.strict.as_ref()?;
        Some(format!("https://{}", server.address()))
    }

    /// The file of a key or certificate: `bot.pem`, `app.pem`, `bot-certificate.pem`, `ca.pem`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a started simulator prints.
    pub fn line(&self) -> Value {
        let shown = |path: &Path| path.display().to_string();
        let mut line = json!({
            "platform": "symphony",
            "base_url": self.base_url(),
            "control_url": format!("{}/_sim", self.base_url()),
            "bot": {
                "username": BOT,
                "private_key_file": shown(&self.file("bot.pem")),
                "certificate_file": shown(&self.file("bot-certificate.pem")),
                "app_id": APP,
                "app_private_key_file": shown(&self.file("app.pem")),
            },
        });
        if let Some(url) = self.certificate_url() {
            line["ca_file"] = shown(&self.file("ca.pem")).into();
            line["certificate_url"] = url.into();
        }
        line
    }

    /// Somebody says something in a room, which is made with the bot in it where there is none yet.
    #[track_caller]
    pub fn say(&self, room: &str, user: &str, text: &str) -> Said {
        self.say_with(json!({ "conversation": room, "user": user, "text": text }))
    }

    /// Somebody says something to the bot alone.
    #[track_caller]
    pub fn say_im(&self, user: &str, text: &str) -> Said {
        let name = format!("im of {user}");
        self.say_with(json!({ "conversation": name, "kind": "im", "user": user, "text": text }))
    }

    /// Somebody says something in a room and begins with the bot's name.
    #[track_caller]
    pub fn say_to_bot(&self, room: &str, user: &str, text: &str) -> Said {
        self.say_with(json!({
            "conversation": room, "user": user, "text": text, "mention_bot": true,
        }))
    }

    /// Somebody says something, all of it said as `POST /_sim/say` has it.
    #[track_caller]
    pub fn say_with(&self, what: Value) -> Said {
        Said::of(&self.act("say", what))
    }

    /// Somebody submits the newest form of this id in a conversation.
    #[track_caller]
    pub fn submit(&self, conversation: &str, user: &str, form: &str, button: &str, values: Value) {
        self.act(
            "submit",
            json!({
                "conversation": conversation, "user": user, "form_id": form, "button": button,
                "values": values,
            }),
        );
    }

    /// What clients did that a server lets pass and the document forbids, with the request's number.
    pub fn complaints(&self) -> Vec<String> {
        let requests = self.requests_after(0);
        let noted = requests.iter().flat_map(|logged| {
            let found = logged.notes.get("complaints").and_then(Value::as_array);
            let found = found.map(Vec::as_slice).unwrap_or_default();
            found
                .iter()
                .map(|it| format!("{}: {} {}: {it}", logged.n, logged.method, logged.path))
        });
        noted.collect()
    }

    /// The user names in a conversation.
    pub fn members(&self, conversation: &str) -> Vec<String> {
        self.pod.world.lock().names_in(conversation)
    }

    /// Adds a service account that logs in with this key, private or public, in PEM.
    ///
    /// # Panics
    /// When it is no RSA key.
    pub fn add_bot(&self, username: &str, display: &str, key: &str) -> i64 {
        let mut world = self.pod.world.lock();
        let id = world.add_service(username, display);
        let key = keys::public_key(key).expect("an RSA key");
        let now = world.clock.now();
        world.sessions.set_key(username, key, now);
        id
    }

    /// The bot's user id.
    pub fn bot_id(&self) -> i64 {
        self.pod.bot
    }

    /// The id of a person, who is made where there is none of this name yet.
    pub fn person(&self, name: &str) -> i64 {
        self.pod.world.lock().person(name)
    }

    /// Makes a client's certificate of this name, good until the end of this year.
    pub fn certificate(&self, name: &str, until_year: i32) -> Pair {
        self.authority.client_until(name, until_year)
    }
}

/// What somebody said.
#[derive(Clone, Debug)]
pub struct Said {
    /// The message's id.
    pub message_id: String,
    /// The conversation's id.
    pub stream_id: String,
    /// The speaker's id.
    pub user_id: i64,
}

impl Said {
    fn of(done: &Value) -> Self {
        let text = |key: &str| done[key].as_str().unwrap_or("").to_owned();
        Self {
            message_id: text("message_id"),
            stream_id: text("stream_id"),
            user_id: done["user_id"].as_i64().unwrap_or_default(),
        }
    }
}

/// What scripts and tests ask of any platform.
impl Deref for Symphony {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

#[async_trait]
impl Platform for Pod {
    fn name(&self) -> &'static str {
        "symphony"
    }

    async fn handle(&self, request: Request) -> Reply {
        let segments = request.segments();
        let path = routes::known_part(&segments);
        let mut notes = Map::new();
        let found = routes::complaints(&request, &path);
        if !found.is_empty() {
            notes.insert("complaints".to_owned(), found.into());
        }
        let mut reply = match self.throttled() {
            Some(reply) => reply,
            None => self.answer(&request, &path, &mut notes).await,
        };
        reply.notes = notes;
        reply
    }

    fn act(&self, verb: &str, what: &Value) -> Result<Value, String> {
        script::act(&mut self.world.lock(), self.bot, verb, what)
    }

    fn sent(&self, after: u64) -> Vec<Sent> {
        let world = self.world.lock();
        world
            .sent
            .iter()
            .filter(|sent| sent.n > after)
            .cloned()
            .collect()
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
            world.sessions.expire();
            world.ring();
        }
        world.disturb_feeds(fault.duplicate, fault.reorder);
    }

    fn bot(&self) -> Value {
        self.line.get().cloned().unwrap_or_default()
    }
}

impl Pod {
    async fn answer(
        &self,
        request: &Request,
        path: &[&str],
        notes: &mut Map<String, Value>,
    ) -> Reply {
        if let Some(read) = routes::feed_read(request, path) {
            if let Ok(body) = request.json()
                && let Some(ack) = body.get("ackId")
            {
                notes.insert("ackId".to_owned(), ack.clone());
            }
            let answer = feeds::read(&self.world, request, read).await;
            return answer.unwrap_or_else(Reply::from);
        }
        let draft = if routes::has_draft(request, path) {
            let (draft, parts) = multipart::read(request).await;
            notes.insert("parts".to_owned(), parts);
            match draft {
                Ok(draft) => draft,
                Err(refusal) => return refusal.into(),
            }
        } else {
            Draft::default()
        };
        let mut world = self.world.lock();
        let answer = routes::answer(&mut world, request, path, draft, notes);
        answer.unwrap_or_else(Reply::from)
    }

    /// The answer to a call too many.
    fn throttled(&self) -> Option<Reply> {
        let mut world = self.world.lock();
        let rate = world.knobs.rate.clone()?;
        let now = Instant::now();
        let second = world.clock.wait(Duration::from_secs(1));
        world
            .recent_calls
            .retain(|at| now.duration_since(*at) < second);
        if world.recent_calls.len() < rate.per_second {
            world.recent_calls.push_back(now);
            return None;
        }
        let body = json!({ "code": rate.status, "message": "Too many requests" });
        Some(Reply::json(rate.status, &body).header("retry-after", "1"))
    }
}
