//! Webex: a bot that hears by webhooks or a WebSocket, and speaks Markdown and Adaptive Cards.
//!
//! | Where | What |
//! |---|---|
//! | `config` | the token, the way, how events are heard |
//! | `api`, `directory` | requests, pages, people and spaces that were met |
//! | `session`, `hooks`, `socket`, `past` | events: by webhook, by WebSocket, and what was missed |
//! | `kept`, `spool` | what a bot keeps in its folder, notices that wait among it |
//! | `fetch`, `convert`, `html` | what a notice names is asked for, an event is made |
//! | `send`, `render`, `split`, `sent` | actions as requests, content as Markdown and cards |
//! | `reads` | the answers to reads |
//! | `doctor` | what is wrong with a bot |
//!
//! Calls, meetings and teams are not here.

mod api;
pub mod config;
pub mod convert;
mod directory;
mod doctor;
mod fetch;
mod hooks;
pub mod html;
pub mod ids;
mod kept;
mod past;
mod preview;
mod reads;
pub mod render;
mod send;
mod sent;
mod session;
pub mod signature;
pub mod socket;
pub mod split;
mod spool;
pub mod wire;

use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use parking_lot::RwLock;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use config::WebexConfig;
pub use doctor::examine;
pub use kept::Keeps;
pub use preview::preview;

use self::api::Api;
use self::config::Events;
use self::directory::Directory;
use self::hooks::Ring;
use self::kept::Kept;
use self::past::Missed;
use self::socket::DeviceState;
use self::wire::Person;
use crate::journal::{Part, Sent};
use crate::mailbox::calls::Called;
use crate::mailbox::session::{BotTuning, Session, SessionEnd, Watch};
use crate::mailbox::{
    Clock as _, Connector, Intake, Pace, Read, ReadAnswer, SendError, SystemClock,
};
use crate::model::action::Action;
use crate::model::directory::ReadError;
use crate::model::event::Bot;
use crate::model::{Name, Timestamp};
use crate::net::RestError;

/// The platform's name in events and settings.
pub const PLATFORM: &str = "webex";

/// One bot on Webex.
pub struct WebexConnector {
    tenant: Name,
    name: Name,
    config: Arc<WebexConfig>,
    api: Api,
    own: RwLock<Own>,
    directory: Directory,
    kept: Arc<Kept>,
    /// When what was missed is to be read back.
    missed: Missed,
    /// Why the token is taken no more, where a notice could not be followed up for that.
    revoked: watch::Sender<Option<String>>,
    /// What answers Webex's calls, where it calls.
    ring: Option<Arc<Ring>>,
    /// What it is heard by, where it hears by WebSocket.
    device: DeviceState,
    pace: ArcSwap<Pace>,
}

/// Who the bot is.
struct Own {
    bot: Bot,
    nick_name: Option<String>,
}

impl WebexConnector {
    /// Makes the bot. Nothing is connected yet. What it keeps it shares with whoever held its folder
    /// before and holds it still.
    ///
    /// # Errors
    /// When a proxy, an authority or the bot's folder cannot be used.
    pub fn new(
        tenant: Name,
        name: &str,
        config: WebexConfig,
        keeps: &Keeps,
    ) -> Result<Self, RestError> {
        let folder = config.folder.clone();
        let of_folder = |error: std::io::Error| {
            let folder = folder.as_deref().unwrap_or(std::path::Path::new("."));
            RestError::Setup(format!("cannot use {}: {error}", folder.display()))
        };
        let kept = keeps.of(folder.as_deref()).map_err(of_folder)?;
        let ring = match &config.events {
            Events::Webhook(hooks) => {
                let ring = Ring::new(hooks, folder.as_deref(), kept.spool.clone());
                Some(Arc::new(ring.map_err(of_folder)?))
            }
            Events::Websocket(_) => None,
        };
        Ok(Self {
            tenant,
            name: name.into(),
            api: Api::new(&config)?,
            own: RwLock::new(Own {
                bot: Bot {
                    name: name.to_owned(),
                    platform: PLATFORM.to_owned(),
                    // Both are Webex's to say.
                    user_id: String::new(),
                    display_name: name.to_owned(),
                },
                nick_name: None,
            }),
            directory: Directory::default(),
            kept,
            missed: Missed::default(),
            revoked: watch::Sender::default(),
            ring,
            device: DeviceState::default(),
            pace: ArcSwap::from_pointee(Pace::FREE),
            config: Arc::new(config),
        })
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn bot_now(&self) -> Bot {
        self.own.read().bot.clone()
    }

    fn own_id(&self) -> String {
        self.own.read().bot.user_id.clone()
    }

    /// The names under which people see the bot, the longest first.
    fn own_names(&self) -> Vec<String> {
        let own = self.own.read();
        let mut names = vec![own.bot.display_name.clone()];
        names.extend(own.nick_name.clone());
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names
    }

    fn set_own(&self, person: &Person) {
        let mut own = self.own.write();
        own.bot.user_id.clone_from(&person.id);
        if let Some(name) = &person.display_name {
            own.bot.display_name.clone_from(name);
        }
        own.nick_name.clone_from(&person.nick_name);
    }

    fn now(&self) -> Timestamp {
        SystemClock.now()
    }
}

#[async_trait]
impl Connector for WebexConnector {
    fn bot(&self) -> Bot {
        self.bot_now()
    }

    fn pace(&self) -> Pace {
        **self.pace.load()
    }

    fn plan(&self, action: Action) -> Vec<Action> {
        send::plan(action)
    }

    async fn perform(&self, part: &Part) -> Result<Sent, SendError> {
        self.perform_part(part).await
    }

    async fn find_sent(&self, part: &Part) -> Result<Option<Sent>, SendError> {
        self.find_part(part).await
    }

    async fn read(&self, read: Read) -> Result<ReadAnswer, ReadError> {
        self.answer(read).await
    }
}

#[async_trait]
impl Session for WebexConnector {
    async fn run(
        &self,
        intake: &dyn Intake,
        watch: &dyn Watch,
        stop: CancellationToken,
    ) -> SessionEnd {
        self.hear(intake, watch, &stop).await
    }

    fn tune(&self, tuning: BotTuning) {
        // Webex says when it has enough, and not before how much that is (webex.md §2.8).
        self.pace.store(Arc::new(Pace::FREE.tuned(&tuning)));
    }

    fn called(&self) -> Option<Arc<dyn Called>> {
        let ring = self.ring.clone()?;
        Some(ring)
    }

    fn leave(&self) {
        if let Some(ring) = &self.ring {
            ring.set_open(false);
        }
    }

    fn quiet(&self) -> Option<(u64, u64)> {
        let done = self.kept.spool.quiet()?;
        Some((done, done))
    }
}
