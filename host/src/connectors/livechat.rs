//! LiveChat, and chat.io before it: a bot agent on the licences of companies, that hears of chats by
//! webhooks and takes part in them.
//!
//! | Where | What |
//! |---|---|
//! | `config` | the app, who owns the bot, what it is |
//! | `dialect` | what is asked of the platform, in the words of each version |
//! | `site`, `licence`, `core` | requests, tokens, in whose name |
//! | `install`, `prepare` | how the bot comes onto a licence, and is made there |
//! | `calls`, `convert`, `places`, `repeats` | webhooks, and the events that they become |
//! | `session`, `missed` | readiness, and what was missed |
//! | `send`, `render` | actions as requests, content as messages and rich messages |
//! | `reads` | the answers to reads |
//! | `store` | what is kept over restarts |
//! | `doctor` | what is wrong with a bot |
//!
//! The platform's sockets are for people: no bot may open one, so they are not here.

mod calls;
pub mod config;
pub mod convert;
mod core;
pub mod dialect;
mod doctor;
pub mod ids;
mod install;
mod licence;
mod missed;
pub mod places;
mod prepare;
mod preview;
mod reads;
pub mod render;
pub mod repeats;
mod send;
mod session;
mod site;
mod store;
#[cfg(test)]
mod tests;
pub mod wire;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

pub use config::LiveChatConfig;
pub use doctor::examine;
pub use preview::preview;

use self::core::Core;
use self::install::Of;
use crate::content::hosted::Shows;
use crate::journal::{Part, Sent};
use crate::mailbox::calls::Called;
use crate::mailbox::session::{BotTuning, Installation, Session, SessionEnd, Watch};
use crate::mailbox::{Connector, Intake, Pace, Rate, Read, ReadAnswer, SendError};
use crate::model::Name;
use crate::model::action::Action;
use crate::model::directory::ReadError;
use crate::model::event::Bot;
use crate::net::RestError;

/// The platform's name in events and settings.
pub const PLATFORM: &str = "livechat";

/// The platform has limits and publishes none (livechat.md §6); calls cost money, too.
const PACE: Pace = Pace {
    bot: Some(Rate {
        every: Duration::from_millis(100),
        burst: 20,
    }),
    conversation: Some(Rate {
        every: Duration::from_millis(250),
        burst: 4,
    }),
};

/// One bot on LiveChat.
pub struct LiveChatConnector(Arc<Core>);

impl LiveChatConnector {
    /// Makes the bot. Nothing is connected yet.
    ///
    /// # Errors
    /// When a proxy or an authority cannot be used, or what the bot has kept cannot be read.
    pub fn new(tenant: Name, name: &str, config: LiveChatConfig) -> Result<Self, RestError> {
        Ok(Self(Core::new(tenant, name, config, PACE)?))
    }
}

#[async_trait]
impl Connector for LiveChatConnector {
    fn bot(&self) -> Bot {
        let licence = self.0.licences().into_iter().next();
        let licence = licence.map(|licence| licence.id.clone());
        self.0.bot_on(&licence.unwrap_or_default())
    }

    fn pace(&self) -> Pace {
        **self.0.pace.load()
    }

    fn shows(&self) -> Shows {
        Shows {
            forms: false,
            buttons: self.0.config.version.has_rich_messages(),
        }
    }

    fn plan(&self, action: Action) -> Vec<Action> {
        send::plan(action, self.0.config.version.has_rich_messages())
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
impl Session for LiveChatConnector {
    async fn run(
        &self,
        intake: &dyn Intake,
        watch: &dyn Watch,
        stop: CancellationToken,
    ) -> SessionEnd {
        self.0.hear(intake, watch, &stop).await
    }

    fn tune(&self, tuning: BotTuning) {
        self.0.pace.store(Arc::new(PACE.tuned(&tuning)));
    }

    fn called(&self) -> Option<Arc<dyn Called>> {
        Some(self.0.clone())
    }

    fn installation(&self) -> Option<Installation> {
        self.0.config.app.redirect.as_ref()?;
        Some(Installation {
            licences: self.0.installed_on(),
        })
    }

    fn install_link(&self) -> Option<String> {
        self.0.link(Of::Operator)
    }

    fn leave(&self) {
        self.0.is_left.store(true, Ordering::Release);
    }

    fn quiet(&self) -> Option<(u64, u64)> {
        let hooks = self.0.hooks.load(Ordering::Relaxed);
        Some((hooks, hooks))
    }
}
