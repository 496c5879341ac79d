//! What a bot on Webex is told at its start.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::model::secret::Secret;
use crate::net::NetConfig;

/// Where the API is, where the settings do not say.
pub const DEFAULT_BASE: &str = "https://webexapis.com/v1";
/// Where a bot asks which of Webex's data centres is its own.
pub const DEFAULT_DISCOVERY: &str = "https://u2c.wbx2.com/u2c/api/v1";
/// How often the webhooks are looked at, where the settings do not say.
pub const DEFAULT_CHECK: Duration = Duration::from_secs(120);
/// How often what should have been heard is read back, where the settings do not say.
pub const DEFAULT_READ_BACK: Duration = Duration::from_secs(900);

/// Settings of one bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebexConfig {
    /// The bot's token, which does not end.
    pub token: Token,
    /// The API, with its version and without a slash at its end.
    pub base: Url,
    /// The way there.
    pub net: NetConfig,
    /// How events are heard.
    pub events: Events,
    /// How often what should have been heard is read back, where no gap was noticed.
    pub read_back: Duration,
    /// Where the connector keeps how far it is; none keeps it in memory.
    pub folder: Option<PathBuf>,
}

/// How events are heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Events {
    /// Webex calls the host.
    Webhook(WebhookConfig),
    /// The host calls Webex, and no public address is needed.
    Websocket(SocketConfig),
}

/// Webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookConfig {
    /// The path, where it is to be one of the bot's own.
    pub path: Option<String>,
    /// What signs; none lets the connector make one and keep it.
    pub secret: Option<Token>,
    /// Signatures by SHA-256 are taken too, in `X-Webex-Signature`.
    pub takes_sha256: bool,
    /// How often the webhooks are looked at.
    pub check: Duration,
}

/// The WebSocket that Cisco's own clients have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketConfig {
    /// Where the bot asks for its data centre.
    pub discovery: Url,
}

/// A secret that can be compared; its `Debug` hides it.
#[derive(Clone)]
pub struct Token(pub Secret);

impl Token {
    /// Shows it, for use in a request.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(…)")
    }
}
