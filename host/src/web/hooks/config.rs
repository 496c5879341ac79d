//! What a webhook asks of a call.

use std::fmt;
use std::num::NonZeroU32;

use http::HeaderName;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Bytes of a call's body, at most and where the settings say nothing.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Calls a minute where the settings say nothing.
pub const DEFAULT_PER_MINUTE: NonZeroU32 = NonZeroU32::new(600).expect("600 is not 0");

/// What one webhook asks of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookConfig {
    /// How a call shows that it comes from the right sender.
    pub verify: Verify,
    /// The header that names a delivery; without it, the body does.
    pub delivery_id: Option<HeaderName>,
    /// Bytes of a body, at most [`MAX_BODY_BYTES`].
    pub max_body_bytes: usize,
    /// Calls a minute.
    pub per_minute: NonZeroU32,
}

/// How a call shows that it comes from the right sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verify {
    /// A header holds the body's HMAC-SHA256.
    HmacSha256 {
        /// The key.
        key: HookKey,
        /// The header.
        header: HeaderName,
        /// What stands before the signature, `sha256=`.
        prefix: String,
        /// How the signature is written.
        encoding: Encoding,
    },
    /// A header holds a text that only the sender knows.
    Token {
        /// The header.
        header: HeaderName,
        /// What stands before the token, `Bearer `.
        prefix: String,
        /// The token.
        token: HookDigest,
    },
    /// User name and password in `Authorization`.
    Basic {
        /// The user name.
        username: HookDigest,
        /// The password.
        password: HookDigest,
    },
    /// Anybody may call.
    None,
}

impl Verify {
    /// Its name in the settings.
    pub fn name(&self) -> &'static str {
        match self {
            Self::HmacSha256 { .. } => "hmac-sha256",
            Self::Token { .. } => "token",
            Self::Basic { .. } => "basic",
            Self::None => "none",
        }
    }

    /// The header that holds the proof: it goes no further.
    pub(super) fn header(&self) -> Option<&HeaderName> {
        match self {
            Self::HmacSha256 { header, .. } | Self::Token { header, .. } => Some(header),
            Self::Basic { .. } => Some(&http::header::AUTHORIZATION),
            Self::None => None,
        }
    }
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal digits, of either case.
    #[default]
    Hex,
    /// Base64, with or without padding.
    Base64,
}

/// A key that signs; its `Debug` hides it.
#[derive(Clone)]
pub struct HookKey(Box<[u8]>);

impl HookKey {
    /// Makes a key of a secret text's bytes.
    pub fn new(secret: &str) -> Self {
        Self(secret.as_bytes().into())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for HookKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("HookKey(…)")
    }
}

impl PartialEq for HookKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for HookKey {}

/// A secret that is only compared, kept as its SHA-256: comparing takes the same time whatever is
/// offered, and the secret itself is not there to leak.
#[derive(Clone, Copy)]
pub struct HookDigest([u8; 32]);

impl HookDigest {
    /// Makes the digest of a secret.
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    pub(super) fn matches(&self, offered: &[u8]) -> subtle::Choice {
        self.0.ct_eq(&Self::of(offered).0)
    }
}

impl fmt::Debug for HookDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("HookDigest(…)")
    }
}

impl PartialEq for HookDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for HookDigest {}
