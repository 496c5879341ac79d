//! LiveChat with its accounts, its APIs and its webhooks, and chat.io's dialect of them over the same
//! licences.
//!
//! It follows the platform's document (shared facts, section by section) and never the connector; see
//! `tests/tests/simulators/livechat.rs` for what is shown of it. Where the document says that something is not
//! known (the status of an error, which type a refusal has), this copy decides, and the connector must
//! not depend on it.

mod accounts;
mod answer;
mod chats;
mod configuration;
mod events;
mod hooks;
mod members;
mod routes;
mod rtm;
mod script;
mod who;
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
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use self::world::World;
use super::{
    Fault, Listening, Opened, Platform, Reply, Request, Sent, Server, Shared, found_in_time,
};
use crate::outside::Authority;

pub use super::SimOptions as LiveChatOptions;
pub use answer::{ERRORS, error};
pub use hooks::Delivered;
pub use world::{ACCOUNT, AGENT, CLIENT_ID, CLIENT_SECRET, LICENSE, ORGANIZATION, PAT};

/// Where the redirect of the app leads, of a simulator that is run by hand.
const REDIRECT: &str = "http://127.0.0.1:8642/token";

/// The platform, which runs until it is dropped.
pub struct LiveChat {
    desk: Arc<Desk>,
    shared: Arc<Shared>,
    server: Server,
    sender: JoinHandle<()>,
    is_tls: bool,
    folder: TempDir,
}

struct Desk {
    world: Arc<Mutex<World>>,
    told: Arc<Notify>,
    line: OnceLock<Value>,
}

impl LiveChat {
    /// Starts it.
    ///
    /// # Errors
    /// When the port cannot be listened on, or its files cannot be written.
    pub async fn start(options: LiveChatOptions) -> anyhow::Result<Self> {
        // The sender of webhooks needs one. Another test of this process may have been first; theirs
        // is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = Arc::new(Mutex::new(World::new(options.clock)));
        let told = Arc::new(Notify::new());
        let desk = Arc::new(Desk {
            world: world.clone(),
            told: told.clone(),
            line: OnceLock::new(),
        });
        let shared = Shared::new(desk.clone(), options.clock);
        let authority = Authority::new("parlor-sim");
        let names = ["localhost", "127.0.0.1", "livechat.test", "*.livechat.test"];
        let tls = options.tls.then(|| authority.http1(&names, None, false));
        let listening = Listening {
            port: options.port,
            tls,
        };
        let server = Server::start(listening, shared.clone()).await?;
        let folder = tempfile::tempdir().context("no folder for the certificate")?;
        std::fs::write(folder.path().join("ca.pem"), authority.pem())?;
        let sender = tokio::spawn(hooks::send(Arc::downgrade(&world), told));
        let sim = Self {
            desk,
            shared,
            server,
            sender,
            is_tls: options.tls,
            folder,
        };
        {
            let mut world = sim.desk.world.lock();
            world.base = sim.base_url();
            world.redirects = vec![REDIRECT.to_owned()];
        }
        sim.desk.line.get_or_init(|| sim.line());
        Ok(sim)
    }

    /// Where all its hosts are.
    pub fn base_url(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.server.address())
    }

    /// The file of the authority.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// What a started simulator prints.
    pub fn line(&self) -> Value {
        let mut line = json!({
            "platform": "livechat",
            "base_url": self.base_url(),
            "control_url": format!("{}/_sim", self.base_url()),
            "bot": {
                "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uri": REDIRECT,
                "account_id": ACCOUNT, "pat": PAT, "organization_id": ORGANIZATION,
            },
        });
        if self.is_tls {
            line["ca_file"] = self.ca_file().display().to_string().into();
        }
        line
    }

    /// A customer says something in a chat, which begins where there is none yet; gives its id.
    #[track_caller]
    pub fn say(&self, chat: &str, user: &str, text: &str) -> String {
        let done = self.act(
            "say",
            json!({"conversation": chat, "user": user, "text": text}),
        );
        done["message_id"].as_str().unwrap_or_default().to_owned()
    }

    /// Webhooks that were sent, each try.
    pub fn delivered(&self) -> Vec<Delivered> {
        self.desk.world.lock().delivered.clone()
    }

    /// Waits until a webhook that was sent is as wanted; none when it takes too long.
    pub async fn delivered_like(
        &self,
        patience: Duration,
        is_wanted: impl Fn(&Delivered) -> bool,
    ) -> Option<Delivered> {
        let bell = self.desk.world.lock().bell();
        let look = || self.delivered().into_iter().find(|it| is_wanted(it));
        found_in_time(bell, patience, look).await
    }

    /// Waits until something of the licences is as wanted.
    pub async fn until(&self, patience: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let bell = self.desk.world.lock().bell();
        found_in_time(bell, patience, || holds(self).then_some(()))
            .await
            .is_some()
    }

    /// Bots with their name and status, of the licence that is there from the start.
    pub fn bots(&self) -> Vec<(String, String, String)> {
        self.bots_of(ORGANIZATION)
    }

    /// Bots of a licence.
    pub fn bots_of(&self, organization: &str) -> Vec<(String, String, String)> {
        let world = self.desk.world.lock();
        let bots = world.licence_of(organization).map(|it| it.bots.as_slice());
        let bots = bots.unwrap_or_default().iter().map(|bot| {
            let name = bot.raw["name"].as_str().unwrap_or_default().to_owned();
            (bot.id.clone(), name, bot.status.clone())
        });
        bots.collect()
    }

    /// What a bot was made of.
    pub fn bot_made_of(&self, id: &str) -> Value {
        let world = self.desk.world.lock();
        let mut all = world.licences.values();
        let bot = all.find_map(|licence| licence.bot(id));
        bot.map(|bot| Value::Object(bot.raw.clone()))
            .unwrap_or_default()
    }

    /// What webhooks are registered for, and where they go.
    pub fn hooks(&self) -> Vec<(String, String)> {
        let world = self.desk.world.lock();
        let hooks = world.hooks.iter();
        hooks
            .map(|hook| (hook.action.clone(), hook.url.clone()))
            .collect()
    }

    /// The id of a chat.
    pub fn chat_id(&self, label: &str) -> Option<String> {
        let world = self.desk.world.lock();
        world.labels.get(label).map(|(_, id)| id.clone())
    }

    /// Who is in a chat now.
    pub fn present(&self, label: &str) -> Vec<String> {
        let world = self.desk.world.lock();
        let Some((org, id)) = world.labels.get(label) else {
            return Vec::new();
        };
        let chat = world.licence_of(org).and_then(|licence| licence.chat(id));
        let users = chat.map(|chat| chat.users.as_slice()).unwrap_or_default();
        let there = users.iter().filter(|user| user.present);
        there.map(|user| user.id.clone()).collect()
    }

    /// What is said in a chat: who said it and what.
    pub fn transcript(&self, label: &str) -> Vec<(String, String)> {
        let world = self.desk.world.lock();
        let Some((org, id)) = world.labels.get(label) else {
            return Vec::new();
        };
        let chat = world.licence_of(org).and_then(|licence| licence.chat(id));
        let threads = chat.map(|chat| chat.threads.as_slice()).unwrap_or_default();
        let events = threads.iter().flat_map(|thread| &thread.events);
        let rows = events.map(|event| {
            let author = event.raw.get("author_id").and_then(Value::as_str);
            (author.unwrap_or_default().to_owned(), event.text())
        });
        rows.collect()
    }

    /// The tags of a chat's newest thread.
    pub fn tags(&self, label: &str) -> Vec<String> {
        let world = self.desk.world.lock();
        let Some((org, id)) = world.labels.get(label) else {
            return Vec::new();
        };
        let chat = world.licence_of(org).and_then(|licence| licence.chat(id));
        let thread = chat.and_then(|chat| chat.thread());
        thread.map(|thread| thread.tags.clone()).unwrap_or_default()
    }

    /// Sockets of agents that are logged in.
    pub fn sockets(&self) -> usize {
        self.desk.world.lock().lines.len()
    }

    /// Whether a chat is open.
    pub fn is_open(&self, label: &str) -> bool {
        let world = self.desk.world.lock();
        let Some((org, id)) = world.labels.get(label) else {
            return false;
        };
        let chat = world.licence_of(org).and_then(|licence| licence.chat(id));
        chat.is_some_and(|chat| chat.active().is_some())
    }
}

impl Drop for LiveChat {
    fn drop(&mut self) {
        self.sender.abort();
    }
}

/// What scripts and tests ask of any platform.
impl Deref for LiveChat {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

#[async_trait]
impl Platform for Desk {
    fn name(&self) -> &'static str {
        "livechat"
    }

    async fn handle(&self, request: Request) -> Reply {
        let reply = routes::answer(&self.world, &request).await;
        self.world.lock().hand_out_by_read(&request, &reply);
        self.told.notify_one();
        reply
    }

    fn socket(&self, request: &Request) -> Option<Result<Opened, Reply>> {
        rtm::open(&self.world, &self.told, request)
    }

    fn act(&self, verb: &str, what: &Value) -> Result<Value, String> {
        let done = script::act(&mut self.world.lock(), verb, what);
        self.told.notify_one();
        done
    }

    fn sent(&self, after: u64) -> Vec<Sent> {
        let world = self.world.lock();
        let later = world.sent.iter().filter(|sent| sent.n > after);
        later.cloned().collect()
    }

    fn sent_count(&self) -> u64 {
        self.world.lock().sent_count
    }

    fn called(&self) -> Vec<String> {
        let world = self.world.lock();
        let line = |it: &Delivered| {
            let (attempt, status) = (it.attempt, it.status);
            format!("{} {attempt} {status:?} {}", it.action, it.body)
        };
        world.delivered.iter().map(line).collect()
    }

    fn bell(&self) -> watch::Receiver<u64> {
        self.world.lock().bell()
    }

    fn disturb(&self, fault: &Fault) {
        let mut world = self.world.lock();
        if fault.expire_tokens {
            let now = std::time::Instant::now();
            for token in &mut world.tokens {
                token.until = now;
            }
            world.ring();
        }
        world.knobs.duplicates += u32::from(fault.duplicate);
        world.knobs.reorders += u32::from(fault.reorder);
        drop(world);
        self.told.notify_one();
    }

    fn bot(&self) -> Value {
        self.line.get().cloned().unwrap_or_default()
    }
}
