//! What a bot on Symphony is told at its start.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use ring::signature::RsaKeyPair;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use url::Url;

pub use crate::mailbox::AgentsOnly;
use crate::model::secret::Secret;
use crate::net::{Identity, NetConfig};

/// The tag's most characters (symphony.md §3.3).
pub const MAX_TAG: usize = 100;

/// The least time between logins that are refused, where the settings say nothing else: as the older
/// clients wait (symphony.md §2.9), so that five of them are more than a pod's restart.
pub const LOGIN_WAIT: Duration = Duration::from_secs(30);

/// Settings of one bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymphonyConfig {
    /// The service account's name.
    pub username: String,
    /// What it proves itself with.
    pub credential: Credential,
    /// The pod: users, rooms, the login by key.
    pub pod: Endpoint,
    /// The agents: messages and feeds. Never empty.
    pub agents: Vec<Endpoint>,
    /// How calls are spread over the agents.
    pub balancing: Balancing,
    /// The key manager.
    pub key_manager: Endpoint,
    /// Where the login by certificate is.
    pub session_auth: Endpoint,
    /// The app by which the bot acts for users.
    pub app: Option<AppConfig>,
    /// How events are heard.
    pub feed: FeedConfig,
    /// The least time between logins that are refused.
    pub login_wait: Duration,
    /// The pod is asked with a common token in place of the session's.
    pub common_jwt: bool,
    /// What becomes of a message for agents only, which Symphony does not have.
    pub agents_only: AgentsOnly,
    /// Where the connector keeps how far it is; none keeps it in memory.
    pub folder: Option<PathBuf>,
}

/// A host of the platform and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Scheme, host, port and context path, without the component's prefix; no `/` at its end.
    pub base: Url,
    /// The way.
    pub net: NetConfig,
    /// Sent with every request.
    pub headers: HeaderMap,
}

/// What an account proves itself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A private key, whose public half is in the account.
    Key(AccountKey),
    /// A client certificate with the account's name.
    Certificate(AccountCertificate),
}

impl Credential {
    /// Where it was read from, for errors.
    pub fn origin(&self) -> &str {
        match self {
            Self::Key(key) => &key.origin,
            Self::Certificate(certificate) => &certificate.origin,
        }
    }
}

/// A certificate and where it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountCertificate {
    /// The certificate with its key.
    pub identity: Identity,
    /// As the settings name it.
    pub origin: String,
}

/// A private key and where it was read from.
#[derive(Clone)]
pub struct AccountKey {
    pair: Arc<RsaKeyPair>,
    pem: Secret,
    origin: String,
}

/// Why a text is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is none in it.
    #[error("holds no private key in PEM")]
    NoKey,
    /// It is of another kind.
    #[error("holds a private key that is not RSA")]
    OtherKind,
    /// It is damaged, or too small or large.
    #[error("holds an RSA key that cannot be used ({0}); 2048 to 4096 bits are")]
    Unusable(String),
}

impl AccountKey {
    /// Reads a key in PEM, PKCS#1 or PKCS#8.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(pem: Secret, origin: String) -> Result<Self, KeyError> {
        let der = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes());
        let pair = match der.map_err(|_| KeyError::NoKey)? {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            _ => return Err(KeyError::OtherKind),
        };
        let pair = pair.map_err(|error| KeyError::Unusable(error.to_string()))?;
        Ok(Self {
            pair: Arc::new(pair),
            pem,
            origin,
        })
    }

    /// The key itself.
    pub fn pair(&self) -> &RsaKeyPair {
        &self.pair
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AccountKey({})", self.origin)
    }
}

impl PartialEq for AccountKey {
    fn eq(&self, other: &Self) -> bool {
        self.pem == other.pem && self.origin == other.origin
    }
}

impl Eq for AccountKey {}

/// How calls are spread over several agents. Reads of a feed stay with one, as long as it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balancing {
    /// One after the other.
    #[default]
    RoundRobin,
    /// By chance.
    Random,
    /// The first is a balancer, which says which agent is behind it.
    External,
}

/// An app that may act for users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppConfig {
    /// Its id.
    pub id: String,
    /// What it proves itself with.
    pub credential: Credential,
}

/// How events are heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedConfig {
    /// The interface.
    pub version: FeedVersion,
    /// Marks the bot's feed among the account's.
    pub tag: Option<String>,
    /// Version 1: the feed of the last run is read on.
    pub reuse: bool,
    /// Version 1: where its id lies; a folder holds `datafeed.id`.
    pub id_file: Option<PathBuf>,
    /// Reading makes the account available.
    pub updates_presence: bool,
}

impl Default for FeedConfig {
    fn default() -> Self {
        Self {
            version: FeedVersion::V2,
            tag: None,
            reuse: true,
            id_file: None,
            updates_presence: true,
        }
    }
}

/// The interface of feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedVersion {
    /// An event that was handed out is gone.
    V1,
    /// Events are acknowledged.
    V2,
}
