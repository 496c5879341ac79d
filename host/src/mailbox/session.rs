//! A bot's tie to its platform: what it performs, and what it hears.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::calls::Called;
use super::{Connector, Intake};
use crate::model::Timestamp;

/// What of a bot's settings can change while its session runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BotTuning {
    /// Requests a minute that it may make; none is as many as its platform takes.
    pub per_minute: Option<u32>,
    /// Messages a minute in one conversation; none is as many as its platform takes.
    pub per_minute_in_conversation: Option<u32>,
    /// It shows text only.
    pub text_only: bool,
    /// Its messages can be changed.
    pub edits: bool,
}

/// A command, as a platform shows it to people who write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCommand {
    /// What is written: `/buy {quantity} {$ticker}`.
    pub pattern: String,
    /// What it does.
    pub help: String,
}

/// How a bot comes onto its platform where somebody has to agree to it first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Where the bot is.
    pub licences: Vec<OnLicence>,
}

/// A licence that somebody has agreed to a bot on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnLicence {
    /// Its id.
    pub licence: String,
    /// Why the bot is not ready there.
    pub reason: Option<String>,
    /// When somebody agreed last; none where nobody had to.
    pub installed_at: Option<Timestamp>,
}

/// Hears how a session does.
pub trait Watch: Send + Sync {
    /// From now on it hears its platform.
    fn connected(&self);

    /// For so long it did not, and what was said then is gone: its platform keeps nothing.
    fn missed(&self, _gap: Duration) {}
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// It was told to, or the host takes no more.
    Stopped,
    /// The connection did not come about or was lost; it may be begun again.
    Lost(String),
    /// As [`Lost`](Self::Lost), and it is begun again no earlier than after so long.
    Later(String, Duration),
    /// The platform refuses the bot: beginning again helps nothing before somebody has changed
    /// something.
    Refused(String),
}

/// A connector that also hears its platform's events.
#[async_trait]
pub trait Session: Connector {
    /// Connects, says so, and offers what the platform says, in order, until `stop` is cancelled, the
    /// host takes no more, or the connection is lost. Whoever runs it begins it again.
    async fn run(
        &self,
        intake: &dyn Intake,
        watch: &dyn Watch,
        stop: CancellationToken,
    ) -> SessionEnd;

    /// Follows the settings from now on.
    fn tune(&self, tuning: BotTuning);

    /// Hears which commands its plugins have, for platforms that show them to people.
    fn show_commands(&self, _commands: &[ShownCommand]) {}

    /// What of it answers its platform's calls; none where it is never called.
    fn called(&self) -> Option<Arc<dyn Called>> {
        None
    }

    /// Where it is installed; none where nobody has to agree to it.
    fn installation(&self) -> Option<Installation> {
        None
    }

    /// Where somebody agrees to it. Each link is good once.
    fn install_link(&self) -> Option<String> {
        None
    }

    /// Notes that nobody runs the session for a while.
    fn leave(&self);

    /// Tells how far the platform is, where everything that the bot heard up to there is accepted.
    fn quiet(&self) -> Option<(u64, u64)>;
}
