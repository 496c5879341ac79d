//! LSEG (Refinitiv) Messenger: a bot account that hears a WebSocket and speaks plain text over HTTP.
//!
//! | Where | What |
//! |---|---|
//! | `config` | the account, addresses and ways, rooms |
//! | `auth`, `tokens`, `api` | logins and tokens, kept over restarts; requests |
//! | `session`, `convert` | the stream, and its frames as events |
//! | `rooms`, `marks` | what the bot knows of its rooms, and when it heard the stream last |
//! | `waiting` | what was heard and is not in the journal yet |
//! | `send`, `render`, `split` | actions as requests, content as text |
//! | `reads` | the answers to reads |
//! | `doctor` | what is wrong with a bot |

mod api;
mod auth;
pub mod config;
pub mod convert;
mod doctor;
mod files;
mod marks;
mod preview;
mod reads;
pub mod render;
mod rooms;
mod send;
mod session;
mod split;
#[cfg(test)]
mod tests;
mod tokens;
mod waiting;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

pub use config::LsegConfig;
pub use doctor::examine;
pub use preview::{MESSAGE_CHARS, preview};

use self::api::Api;
use self::convert::Reading;
use self::files::Staged;
use self::marks::Marks;
use self::rooms::Rooms;
use self::send::Gate;
use self::waiting::Waiting;
use crate::content::hosted::Shows;
use crate::journal::{NewPart, Part, Sent};
use crate::mailbox::session::{BotTuning, Session, SessionEnd, Watch};
use crate::mailbox::{
    Clock, Connector, Intake, Pace, Rate, Read, ReadAnswer, SendError, SystemClock,
};
use crate::model::action::{Action, ActionKind};
use crate::model::directory::ReadError;
use crate::model::event::Bot;
use crate::model::secret::Secret;
use crate::model::{Name, Timestamp};
use crate::net::WebSocketClient;

/// The platform's name in events and settings.
pub const PLATFORM: &str = "lseg";

/// One message a second is what the platform takes, and whether of a bot or in a room is not said. A
/// little more, because both ends count.
const PACE: Pace = Pace {
    bot: Some(Rate::one_in(Duration::from_millis(1_050))),
    conversation: None,
};

/// Why a bot cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SetupError(String);

/// Why a password was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The platform says no, or was not reached: it is as it was.
    #[error("{0}")]
    Refused(String),
    /// The platform did not answer as it should: whether it was changed is not known.
    #[error(
        "{0}; whether the password is changed is not known: try again with the old one in the \
         settings, and where it is refused write the new one there"
    )]
    Unknown(String),
    /// Its file cannot be written, so nothing was asked.
    #[error("the password is as it was: {path} cannot be written: {why}")]
    NotWritable {
        /// The file.
        path: String,
        /// What happened.
        why: String,
    },
    /// It was changed, and its file could not be written.
    #[error("the password is changed, and {path} is not written: {why}")]
    NotKept {
        /// The file.
        path: String,
        /// What happened.
        why: String,
    },
}

/// Changes the account's password, and writes it into its file where it has one. That it can be written
/// is seen before the platform is asked.
///
/// # Errors
/// [`PasswordError`].
pub async fn change_password(config: &LsegConfig, new: &Secret) -> Result<(), PasswordError> {
    let staged = match &config.password_file {
        Some(path) => {
            let text = format!("{}\n", new.expose());
            let staged = Staged::in_place_of(path, text.as_bytes());
            let staged = staged.map_err(|error| PasswordError::NotWritable {
                path: path.display().to_string(),
                why: error.to_string(),
            });
            Some((path, staged?))
        }
        None => None,
    };
    auth::change_password(config, new)
        .await
        .map_err(|error| match error {
            auth::AuthError::Refused(why) => PasswordError::Refused(why),
            auth::AuthError::Unavailable(why, _) => PasswordError::Unknown(why),
        })?;
    let Some((path, staged)) = staged else {
        return Ok(());
    };
    staged.put().map_err(|error| PasswordError::NotKept {
        path: path.display().to_string(),
        why: error.to_string(),
    })
}

/// One bot on Messenger.
pub struct LsegConnector {
    tenant: Name,
    config: Arc<LsegConfig>,
    own: Bot,
    api: Api,
    sockets: WebSocketClient,
    rooms: Rooms,
    marks: Marks,
    waiting: Waiting,
    gate: Gate,
    /// One comes into a room, or goes, at one time: who has left is not joined by a round of joins
    /// that began before.
    moving: tokio::sync::Mutex<()>,
    pace: ArcSwap<Pace>,
}

impl LsegConnector {
    /// Makes the bot. Nothing is connected yet.
    ///
    /// # Errors
    /// When a proxy or an authority cannot be used, or the folder cannot be made.
    pub fn new(tenant: Name, name: &str, config: LsegConfig) -> Result<Self, SetupError> {
        if let Some(folder) = &config.folder {
            std::fs::create_dir_all(folder).map_err(|error| {
                SetupError(format!("cannot make {}: {error}", folder.display()))
            })?;
        }
        let own = concat!("parlor/", env!("CARGO_PKG_VERSION"));
        let sockets = WebSocketClient::new(&config.stream_net, None, own);
        Ok(Self {
            tenant,
            own: Bot {
                name: name.to_owned(),
                platform: PLATFORM.to_owned(),
                user_id: config.username.to_lowercase(),
                display_name: config
                    .display_name
                    .clone()
                    .unwrap_or_else(|| config.username.clone()),
            },
            api: Api::new(&config).map_err(|error| SetupError(error.to_string()))?,
            sockets: sockets.map_err(|error| SetupError(error.to_string()))?,
            rooms: Rooms::new(config.folder.as_ref()),
            marks: Marks::new(config.folder.as_ref()),
            waiting: Waiting::default(),
            gate: Gate::default(),
            moving: tokio::sync::Mutex::default(),
            pace: ArcSwap::from_pointee(PACE),
            config: Arc::new(config),
        })
    }

    fn name(&self) -> &str {
        &self.own.name
    }

    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// Reads something with what the bot knows.
    fn reading<T>(&self, now: Timestamp, read: impl FnOnce(&Reading<'_>) -> T) -> T {
        let name = |id: &str| self.rooms.find(id).and_then(|room| room.name);
        let first = |key| self.waiting.heard_at(key, now);
        read(&Reading {
            tenant: &self.tenant,
            bot: &self.own,
            now,
            name: &name,
            first: &first,
        })
    }
}

#[async_trait]
impl Connector for LsegConnector {
    fn bot(&self) -> Bot {
        self.own.clone()
    }

    fn pace(&self) -> Pace {
        **self.pace.load()
    }

    fn conversation_pace(&self, part: &NewPart) -> Option<Rate> {
        match part.action.kind {
            ActionKind::Send(_) => self.pace().conversation,
            _ => None,
        }
    }

    fn shows(&self) -> Shows {
        Shows::NONE
    }

    fn plan(&self, action: Action) -> Vec<Action> {
        send::plan(action, self.config.message_chars)
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
impl Session for LsegConnector {
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
    }

    fn leave(&self) {
        self.api.auth().forgive();
    }

    fn quiet(&self) -> Option<(u64, u64)> {
        let events = self.marks.events();
        (self.waiting.len() == 0).then_some((events, events))
    }
}
