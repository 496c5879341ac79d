//! Whether a call is taken, and what of it goes on. Pure: a fuzz target calls [`check`] as it is.

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::header::{self, AsHeaderName, HeaderMap, HeaderName};
use http::{Method, StatusCode};
use ring::hmac;
use sha2::{Digest as _, Sha256};

use super::config::{Encoding, HookConfig, Verify};
use crate::journal::EventKey;
use crate::model::event::Header;
use crate::model::payload::WebhookReceived;

/// Bytes of a delivery's id; a longer one is none.
const DELIVERY_ID_BYTES: usize = 256;
/// Bytes of the headers that go on; what has no room is left out.
const HEADER_BYTES: usize = 16 * 1024;
/// Bytes of an HMAC-SHA256.
const TAG_BYTES: usize = 32;

/// Headers that hold a secret of the sender's, or concern the connection alone.
const KEPT_BACK: [&str; 20] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "api-key",
    "x-api-key",
    "x-auth-token",
    "x-access-token",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];
/// What a reverse proxy adds.
const PROXY_PREFIX: &str = "x-forwarded-";

/// Why a call was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing is called like this.
    Unknown,
    /// Not `POST`.
    Method,
    /// The header that proves the sender is missing, or comes twice.
    NoProof,
    /// It proves nothing.
    WrongProof,
    /// The body is too large.
    TooLarge,
    /// The body took too long.
    TooSlow,
    /// The body ended before its end.
    CutOff,
    /// What it says cannot be read.
    Unreadable,
    /// Too many bodies are being read.
    Busy,
    /// Too many calls a minute; when the next may come.
    TooMany(Duration),
    /// The journal takes nothing.
    Paused,
}

impl Refusal {
    /// All of them, for counting.
    pub const ALL: [Self; 11] = [
        Self::Unknown,
        Self::Method,
        Self::NoProof,
        Self::WrongProof,
        Self::TooLarge,
        Self::TooSlow,
        Self::CutOff,
        Self::Unreadable,
        Self::Busy,
        Self::TooMany(Duration::ZERO),
        Self::Paused,
    ];

    /// Its place in [`Refusal::ALL`].
    pub(super) fn index(self) -> usize {
        match self {
            Self::Unknown => 0,
            Self::Method => 1,
            Self::NoProof => 2,
            Self::WrongProof => 3,
            Self::TooLarge => 4,
            Self::TooSlow => 5,
            Self::CutOff => 6,
            Self::Unreadable => 7,
            Self::Busy => 8,
            Self::TooMany(_) => 9,
            Self::Paused => 10,
        }
    }

    /// What the operator reads of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "no such address",
            Self::Method => "not a POST",
            Self::NoProof => "no proof of the sender",
            Self::WrongProof => "wrong proof of the sender",
            Self::TooLarge => "body too large",
            Self::TooSlow => "body too slow",
            Self::CutOff => "body cut off",
            Self::Unreadable => "body not understood",
            Self::Busy => "too many bodies at once",
            Self::TooMany(_) => "too many calls a minute",
            Self::Paused => "intake pauses",
        }
    }

    /// What the sender hears of it.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoProof | Self::WrongProof => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::CutOff | Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy | Self::Paused => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// What a request's head proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The sender is the right one.
    Given,
    /// Nobody asks for a proof.
    NotAsked,
    /// The body must have this signature.
    Signature([u8; TAG_BYTES]),
}

/// A call that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedCall {
    /// What makes it one and the same, for its plugin and webhook.
    pub key: EventKey,
    /// What the plugin gets.
    pub payload: WebhookReceived,
}

/// Checks a whole call of a plugin's webhook.
///
/// # Errors
/// Says why it is not taken.
pub fn check(
    config: &HookConfig,
    plugin: &str,
    hook: &str,
    head: &http::request::Parts,
    body: &[u8],
) -> Result<CheckedCall, Refusal> {
    let proof = check_head(config, &head.method, &head.headers)?;
    if body.len() > config.max_body_bytes {
        return Err(Refusal::TooLarge);
    }
    check_body(config, &proof, body)?;
    Ok(make_call(config, plugin, hook, head, body.to_vec()))
}

/// Checks what comes before the body.
pub(super) fn check_head(
    config: &HookConfig,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Proof, Refusal> {
    if method != Method::POST {
        return Err(Refusal::Method);
    }
    match &config.verify {
        Verify::None => Ok(Proof::NotAsked),
        Verify::HmacSha256 {
            header,
            prefix,
            encoding,
            ..
        } => {
            let signature = after_prefix(one(headers, header)?, prefix)?;
            read_signature(signature, *encoding).map(Proof::Signature)
        }
        Verify::Token {
            header,
            prefix,
            token,
        } => {
            let offered = after_prefix(one(headers, header)?, prefix)?;
            given(token.matches(offered))
        }
        Verify::Basic { username, password } => {
            let offered = one(headers, header::AUTHORIZATION)?;
            let (scheme, encoded) = offered.split_at_checked(6).ok_or(Refusal::WrongProof)?;
            if !scheme.eq_ignore_ascii_case(b"basic ") {
                return Err(Refusal::WrongProof);
            }
            let pair = BASE64
                .decode(encoded.trim_ascii())
                .map_err(|_| Refusal::WrongProof)?;
            let colon = pair
                .iter()
                .position(|byte| *byte == b':')
                .ok_or(Refusal::WrongProof)?;
            // Both are compared whatever the first comes to.
            given(username.matches(&pair[..colon]) & password.matches(&pair[colon + 1..]))
        }
    }
}

/// Checks the body against what the head promised.
pub(super) fn check_body(config: &HookConfig, proof: &Proof, body: &[u8]) -> Result<(), Refusal> {
    match (proof, &config.verify) {
        (Proof::Signature(tag), Verify::HmacSha256 { key, .. }) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.bytes());
            hmac::verify(&key, body, tag).map_err(|_| Refusal::WrongProof)
        }
        (Proof::Signature(_), _) => Err(Refusal::WrongProof),
        (Proof::Given | Proof::NotAsked, _) => Ok(()),
    }
}

/// Makes what the plugin gets of a call that is taken.
pub(super) fn make_call(
    config: &HookConfig,
    plugin: &str,
    hook: &str,
    head: &http::request::Parts,
    body: Vec<u8>,
) -> CheckedCall {
    let delivery_id = config
        .delivery_id
        .as_ref()
        .and_then(|name| one(&head.headers, name).ok())
        .filter(|id| !id.is_empty() && id.len() <= DELIVERY_ID_BYTES)
        .and_then(|id| std::str::from_utf8(id).ok())
        .map(str::to_owned);
    let key = match &delivery_id {
        Some(id) => EventKey::new(&["webhook", plugin, hook, "id", id]),
        None => {
            let digest = hex(&Sha256::digest(&body));
            EventKey::new(&["webhook", plugin, hook, "body", &digest])
        }
    };
    CheckedCall {
        key,
        payload: WebhookReceived {
            name: hook.to_owned(),
            delivery_id,
            method: head.method.to_string(),
            headers: passed_on(&head.headers, config.verify.header()),
            body,
        },
    }
}

/// Either padding: senders differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The value of a header that comes exactly once: of two, a proxy may have read the other.
fn one(headers: &HeaderMap, name: impl AsHeaderName) -> Result<&[u8], Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.as_bytes()),
        _ => Err(Refusal::NoProof),
    }
}

fn after_prefix<'v>(value: &'v [u8], prefix: &str) -> Result<&'v [u8], Refusal> {
    value
        .strip_prefix(prefix.as_bytes())
        .ok_or(Refusal::WrongProof)
}

fn read_signature(text: &[u8], encoding: Encoding) -> Result<[u8; TAG_BYTES], Refusal> {
    let mut tag = [0; TAG_BYTES];
    match encoding {
        Encoding::Hex => {
            if text.len() != TAG_BYTES * 2 {
                return Err(Refusal::WrongProof);
            }
            for (byte, digits) in tag.iter_mut().zip(text.chunks_exact(2)) {
                let digit = |place: usize| {
                    let value = char::from(digits[place]).to_digit(16);
                    value
                        .and_then(|value| u8::try_from(value).ok())
                        .ok_or(Refusal::WrongProof)
                };
                *byte = digit(0)? << 4 | digit(1)?;
            }
        }
        Encoding::Base64 => {
            let bytes = BASE64.decode(text).map_err(|_| Refusal::WrongProof)?;
            tag = bytes.try_into().map_err(|_| Refusal::WrongProof)?;
        }
    }
    Ok(tag)
}

fn given(right: subtle::Choice) -> Result<Proof, Refusal> {
    if right.into() {
        Ok(Proof::Given)
    } else {
        Err(Refusal::WrongProof)
    }
}

/// The headers that the plugin gets: no credentials, nothing of the connection, only text.
fn passed_on(headers: &HeaderMap, proof: Option<&HeaderName>) -> Vec<Header> {
    let mut room = HEADER_BYTES;
    let mut passed = Vec::new();
    for (name, value) in headers {
        let text = name.as_str();
        if Some(name) == proof || KEPT_BACK.contains(&text) || text.starts_with(PROXY_PREFIX) {
            continue;
        }
        let Ok(value) = value.to_str() else {
            continue;
        };
        let Some(left) = room.checked_sub(text.len() + value.len()) else {
            continue;
        };
        room = left;
        passed.push(Header {
            name: text.to_owned(),
            value: value.to_owned(),
        });
    }
    passed
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
