//! What a bot on LSEG Messenger is told at its start.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::mailbox::AgentsOnly;
use crate::model::secret::Secret;
use crate::net::NetConfig;

/// Where requests go as a rule.
pub const GATEWAY: &str = "https://api.refinitiv.com";
/// Where events come from as a rule.
pub const STREAM: &str = "wss://api.collab.refinitiv.com/services/nt/api/messenger/v1/stream";
/// Where tokens are given, behind the gateway.
pub const TOKEN_PATH: &str = "/auth/oauth2/v1/token";
/// What stands before every other path; it has been "beta1" for years.
pub const API_PATH: &str = "/messenger/beta1";
/// What a token is for.
pub const SCOPE: &str = "trapi.messenger";
/// Whose hosts a request for a token may be sent on to.
pub const REDIRECT_HOSTS: [&str; 2] = ["refinitiv.com", "lseg.com"];

/// Settings of one bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LsegConfig {
    /// `bot_agent.desk@acme.com`.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// The password's file, where it is in one.
    pub password_file: Option<PathBuf>,
    /// The AppKey, made by a person's account and not by the bot's.
    pub app_key: Secret,
    /// The name that people write behind an `@`; none is the user name.
    pub display_name: Option<String>,
    /// Where requests go.
    pub gateway: Url,
    /// The path of tokens there.
    pub token_path: String,
    /// What stands before every other path there.
    pub api_path: String,
    /// Where events come from.
    pub stream: Url,
    /// What a token is for.
    pub scope: String,
    /// A login ends every other session of the account.
    pub exclusive: bool,
    /// Ends of names to which a request for a token may be sent on.
    pub redirect_hosts: Vec<String>,
    /// The way to the gateway.
    pub net: NetConfig,
    /// The way to the stream.
    pub stream_net: NetConfig,
    /// How the stream is held.
    pub hold: HoldConfig,
    /// Where the bot is.
    pub rooms: WantedRooms,
    /// It goes where it is invited.
    pub accept_invites: bool,
    /// Characters of the longest message.
    pub message_chars: usize,
    /// What becomes of a message for agents only, which Messenger does not have.
    pub agents_only: AgentsOnly,
    /// Where tokens are kept over restarts; none keeps them in memory.
    pub token_file: Option<PathBuf>,
    /// Where the connector keeps what it knows of rooms; none keeps it in memory.
    pub folder: Option<PathBuf>,
}

/// How the stream is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldConfig {
    /// How long the stream takes an old token, whatever the token says itself.
    pub window: Duration,
    /// How long before that end it is shown a new one.
    pub margin: Duration,
    /// The time between two pings, and how long an answer may take; none sends no pings.
    pub heartbeat: Option<(Duration, Duration)>,
    /// How often rooms are listed and joined again.
    pub rejoin: Duration,
}

impl Default for HoldConfig {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(300),
            margin: Duration::from_secs(60),
            heartbeat: Some((Duration::from_secs(60), Duration::from_secs(10))),
            rejoin: Duration::from_secs(240),
        }
    }
}

/// The rooms that a bot is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedRooms {
    /// Those of these names, and those that a plugin has joined.
    Named(Vec<String>),
    /// All that it has been dragged into.
    Listed,
}
