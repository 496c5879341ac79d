//! Symphony: a service account that reads a datafeed and speaks MessageML.
//!
//! | Where | What |
//! |---|---|
//! | `config` | hosts, ways and credentials |
//! | `site`, `api`, `auth`, `agents` | requests, logins, which agent |
//! | `session`, `convert`, `past` | the feed, its events as events of ours, and what was said before |
//! | `send`, `render` | actions as requests, content as MessageML |
//! | `reads`, `files` | the answers to reads, and files that were received |
//! | `doctor` | what is wrong with a bot |
//!
//! The datahose and the handshake of extension apps are not here.

mod agents;
mod api;
mod auth;
pub mod config;
pub mod convert;
mod doctor;
mod files;
pub mod ids;
mod marks;
mod past;
mod preview;
mod reads;
pub mod render;
mod send;
mod session;
mod site;
pub mod split;
#[cfg(test)]
mod tests;
pub mod wire;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use config::SymphonyConfig;
pub use doctor::examine;
pub use preview::preview;

use self::api::Api;
use self::marks::Marks;
use self::wire::rest::PodUser;
use crate::journal::{NewPart, Part, Sent};
use crate::mailbox::session::{BotTuning, Session, SessionEnd, ShownCommand, Watch};
use crate::mailbox::{
    Clock, Connector, Intake, Pace, Progress, Rate, Read, ReadAnswer, SendError, SystemClock,
};
use crate::model::action::{Action, ActionKind};
use crate::model::directory::ReadError;
use crate::model::event::Bot;
use crate::model::{Name, Timestamp};
use crate::net::RestError;

/// The platform's name in events and settings.
pub const PLATFORM: &str = "symphony";

/// Two messages a second in a room is what the platform recommends for bots (symphony.md §10.1).
const PACE: Pace = Pace {
    bot: None,
    conversation: Some(Rate {
        every: Duration::from_millis(500),
        burst: 2,
    }),
};

/// Changes of members that a room takes (symphony.md §10.1).
const MEMBERS: Rate = Rate::one_in(Duration::from_millis(334));

/// One bot on Symphony.
pub struct SymphonyConnector {
    tenant: Name,
    name: Name,
    config: Arc<SymphonyConfig>,
    api: Api,
    own: RwLock<Bot>,
    marks: Marks,
    progress: Progress,
    files: files::Files,
    /// Logins in a row that were refused.
    refused: Mutex<u32>,
    /// The platform's pace where the settings say nothing else, …
    pace: ArcSwap<Pace>,
    /// … and what the settings say.
    tuned: ArcSwap<Pace>,
    /// What of conversations is known: whether people of other companies are there.
    places: send::Places,
    /// What people are shown that it understands.
    commands: watch::Sender<Vec<ShownCommand>>,
}

impl SymphonyConnector {
    /// Makes the bot. Nothing is connected yet.
    ///
    /// # Errors
    /// When a proxy, an authority or a certificate cannot be used.
    pub fn new(tenant: Name, name: &str, config: SymphonyConfig) -> Result<Self, RestError> {
        let config = Arc::new(config);
        if let Some(folder) = &config.folder {
            std::fs::create_dir_all(folder).map_err(|error| {
                RestError::Setup(format!("cannot make {}: {error}", folder.display()))
            })?;
        }
        Ok(Self {
            tenant,
            name: name.into(),
            api: Api::new(config.clone())?,
            own: RwLock::new(Bot {
                name: name.to_owned(),
                platform: PLATFORM.to_owned(),
                // Both are the pod's to say, after the first login.
                user_id: String::new(),
                display_name: config.username.clone(),
            }),
            marks: Marks::default(),
            progress: Progress::new(config.folder.clone()),
            files: files::Files::default(),
            refused: Mutex::default(),
            pace: ArcSwap::from_pointee(PACE),
            tuned: ArcSwap::from_pointee(Pace::FREE),
            places: send::Places::default(),
            commands: watch::Sender::default(),
            config,
        })
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn bot_now(&self) -> Bot {
        self.own.read().clone()
    }

    fn own_id(&self) -> String {
        self.own.read().user_id.clone()
    }

    fn set_own(&self, user: &PodUser) {
        let mut own = self.own.write();
        own.user_id.clone_from(&user.id);
        if let Some(name) = &user.display_name {
            own.display_name.clone_from(name);
        }
    }

    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn logins_refused<T>(&self, change: impl FnOnce(&mut u32) -> T) -> T {
        change(&mut self.refused.lock())
    }
}

fn is_message(kind: &ActionKind) -> bool {
    match kind {
        ActionKind::Send(_) | ActionKind::Edit(_) => true,
        ActionKind::Other(other) => send::is_own(other),
        _ => false,
    }
}

#[async_trait]
impl Connector for SymphonyConnector {
    fn bot(&self) -> Bot {
        self.bot_now()
    }

    fn pace(&self) -> Pace {
        **self.pace.load()
    }

    /// The recommendation is for rooms; people alone with the bot read as fast as it writes.
    fn conversation_pace(&self, part: &NewPart) -> Option<Rate> {
        match &part.action.kind {
            kind if is_message(kind) => {
                let pace = match self.places.is_direct(&part.conversation) {
                    true => &self.tuned,
                    false => &self.pace,
                };
                pace.load().conversation
            }
            ActionKind::Join(_)
            | ActionKind::Leave(_)
            | ActionKind::Invite(_)
            | ActionKind::Remove(_)
            | ActionKind::Promote(_)
            | ActionKind::Demote(_) => Some(MEMBERS),
            _ => None,
        }
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

    async fn read_as(&self, user: &str, read: Read) -> Result<ReadAnswer, ReadError> {
        self.answer_as(user, read).await
    }
}

#[async_trait]
impl Session for SymphonyConnector {
    async fn run(
        &self,
        intake: &dyn Intake,
        watch: &dyn Watch,
        stop: CancellationToken,
    ) -> SessionEnd {
        self.hear(intake, watch, &stop).await
    }

    fn tune(&self, tuning: BotTuning) {
        self.pace.store(Arc::new(PACE.tuned(&tuning)));
        self.tuned.store(Arc::new(Pace::FREE.tuned(&tuning)));
    }

    fn show_commands(&self, commands: &[ShownCommand]) {
        self.commands.send_if_modified(|shown| {
            let is_other = shown != commands;
            if is_other {
                *shown = commands.to_vec();
            }
            is_other
        });
    }

    fn leave(&self) {}

    fn quiet(&self) -> Option<(u64, u64)> {
        let batches = self.marks.batches();
        Some((batches, batches))
    }
}
