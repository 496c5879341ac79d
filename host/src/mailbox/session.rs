//! A bot's tie to its platform: what it performs, and what it hears.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Connector, Intake};

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

/// A connector that also hears its platform's events.
#[async_trait]
pub trait Session: Connector {
    /// Offers what the platform says, in order, until `stop` is cancelled or the host takes no more.
    async fn run(&self, intake: &dyn Intake, stop: CancellationToken);

    /// Follows the settings from now on.
    fn tune(&self, tuning: BotTuning);

    /// Notes that nobody runs the session for a while.
    fn leave(&self);

    /// Tells how far the platform is, where everything that the bot heard up to there is accepted.
    fn quiet(&self) -> Option<(u64, u64)>;
}
