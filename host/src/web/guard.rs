//! Who may reach the page: the right host name, the right origin, and who was given the token.

use std::net::SocketAddr;

use axum::http::header::{AsHeaderName, COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::WebError;

/// Random bytes of a token.
const TOKEN_BYTES: usize = 24;

/// Checks requests.
#[derive(Clone)]
pub struct Guard {
    hosts: Vec<String>,
    token: String,
    cookie_name: String,
    cookie: String,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

impl Guard {
    /// Makes the guard of a listener. The cookie is made from the token, so that one who has it
    /// stays in over a restart that keeps the token.
    pub fn new(address: SocketAddr, token: String) -> Self {
        let port = address.port();
        let digest = Sha256::digest(format!("parlor page cookie {token}"));
        Self {
            hosts: vec![
                address.to_string(),
                format!("127.0.0.1:{port}"),
                format!("localhost:{port}"),
                format!("[::1]:{port}"),
            ],
            token,
            // Cookies do not know ports: two hosts on one machine must not take each other's.
            cookie_name: format!("parlor_{port}"),
            cookie: URL_SAFE_NO_PAD.encode(digest),
        }
    }

    /// Makes a token.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn new_token() -> Result<String, WebError> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| WebError::Random(error.to_string()))?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Tells whether `Host` is a name of this machine: another one means that a page elsewhere has
    /// pointed its own name here.
    pub fn right_host(&self, headers: &HeaderMap) -> bool {
        one(headers, HOST).is_some_and(|host| self.hosts.iter().any(|known| known == host))
    }

    /// Tells whether `Origin`, where there is one, is this page.
    pub fn right_origin(&self, headers: &HeaderMap) -> bool {
        !headers.contains_key(ORIGIN) || self.own_origin(headers)
    }

    /// Tells whether `Origin` is there and is this page, as every browser says for a WebSocket.
    pub fn own_origin(&self, headers: &HeaderMap) -> bool {
        one(headers, ORIGIN)
            .and_then(|origin| origin.strip_prefix("http://"))
            .is_some_and(|origin| self.hosts.iter().any(|known| known == origin))
    }

    /// Tells whether this is the token.
    pub fn right_token(&self, token: &str) -> bool {
        token.as_bytes().ct_eq(self.token.as_bytes()).into()
    }

    /// Tells whether the request carries the cookie.
    pub fn right_cookie(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .any(|(name, value)| {
                name == self.cookie_name
                    && bool::from(value.as_bytes().ct_eq(self.cookie.as_bytes()))
            })
    }

    /// The header that hands out the cookie.
    pub fn set_cookie(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!(
            "{}={}; Path=/; HttpOnly; SameSite=Strict",
            self.cookie_name, self.cookie
        ))
        .ok()
    }
}

/// The value of a header that comes exactly once.
fn one(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}
