//! `chat --as`: beside each answer, what another platform would be sent for it.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::platforms::{BuiltIn, Platforms};
use crate::config::BotConfig;
use crate::connectors::{livechat, lseg, symphony, webex};
use crate::content::hosted::Shows;
use crate::journal::{NewPart, Part, Sent};
use crate::mailbox::session::{BotTuning, Session, SessionEnd, ShownCommand, Watch};
use crate::mailbox::{Connector, Intake, Pace, Rate, Read, ReadAnswer, SendError};
use crate::model::Name;
use crate::model::action::Action;
use crate::model::directory::ReadError;
use crate::model::event::Bot;

/// The platform that is shown beside the local one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownAs {
    /// Events: text, rich messages, files.
    LiveChat,
    /// Plain text with tables.
    Lseg,
    /// MessageML with its data.
    Symphony,
    /// Markdown and Adaptive Cards.
    Webex,
}

/// The local platform, whose bots tell what another one would be sent.
pub struct Previewing {
    inner: BuiltIn,
    shown_as: ShownAs,
}

impl Previewing {
    /// Shows this platform beside those.
    pub fn new(inner: BuiltIn, shown_as: ShownAs) -> Self {
        Self { inner, shown_as }
    }
}

impl Platforms for Previewing {
    fn session(&self, tenant: &Name, bot: &BotConfig) -> anyhow::Result<Arc<dyn Session>> {
        Ok(Arc::new(PreviewingBot {
            inner: self.inner.session(tenant, bot)?,
            shown_as: self.shown_as,
        }))
    }
}

struct PreviewingBot {
    inner: Arc<dyn Session>,
    shown_as: ShownAs,
}

impl PreviewingBot {
    /// What the platform would be sent, a note a request, and what it would not show.
    fn preview(&self, action: &Action) -> Vec<String> {
        match self.shown_as {
            ShownAs::LiveChat => livechat::preview(action),
            ShownAs::Lseg => lseg::preview(action),
            ShownAs::Symphony => symphony::preview(action),
            ShownAs::Webex => webex::preview(action),
        }
    }
}

#[async_trait]
impl Connector for PreviewingBot {
    fn bot(&self) -> Bot {
        self.inner.bot()
    }

    fn pace(&self) -> Pace {
        self.inner.pace()
    }

    fn conversation_pace(&self, part: &NewPart) -> Option<Rate> {
        self.inner.conversation_pace(part)
    }

    fn shows(&self) -> Shows {
        self.inner.shows()
    }

    fn plan(&self, action: Action) -> Vec<Action> {
        self.inner.plan(action)
    }

    async fn perform(&self, part: &Part) -> Result<Sent, SendError> {
        self.perform_noted(part, &[]).await
    }

    async fn perform_noted(&self, part: &Part, notes: &[String]) -> Result<Sent, SendError> {
        let mut shown = notes.to_vec();
        shown.extend(self.preview(&part.what.action));
        self.inner.perform_noted(part, &shown).await
    }

    fn performs_once(&self) -> bool {
        self.inner.performs_once()
    }

    async fn find_sent(&self, part: &Part) -> Result<Option<Sent>, SendError> {
        self.inner.find_sent(part).await
    }

    async fn read(&self, read: Read) -> Result<ReadAnswer, ReadError> {
        self.inner.read(read).await
    }

    async fn read_as(&self, user: &str, read: Read) -> Result<ReadAnswer, ReadError> {
        self.inner.read_as(user, read).await
    }
}

#[async_trait]
impl Session for PreviewingBot {
    async fn run(
        &self,
        intake: &dyn Intake,
        watch: &dyn Watch,
        stop: CancellationToken,
    ) -> SessionEnd {
        self.inner.run(intake, watch, stop).await
    }

    fn tune(&self, tuning: BotTuning) {
        self.inner.tune(tuning);
    }

    fn show_commands(&self, commands: &[ShownCommand]) {
        self.inner.show_commands(commands);
    }

    fn leave(&self) {
        self.inner.leave();
    }

    fn quiet(&self) -> Option<(u64, u64)> {
        self.inner.quiet()
    }
}
