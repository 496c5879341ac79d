//! HTTP, while the event is handled and under the operator's grants.
//!
//! A call waits at most for the call's deadline (5 s by default). For what may take longer, or must
//! not be lost, return a [`crate::Request`] instead. Redirects are not followed. At most 16
//! requests a call by default.
//!
//! Tokens and passwords are the operator's: the host adds them where a grant says so, and answers
//! come back with `*` in their place. A request must not set a header that the host sets.
//!
//! ```
//! use parlor_sdk::prelude::*;
//!
//! fn price() -> Option<String> {
//!     let answer = http::get("https://api.example.com/price").ok()?;
//!     answer.ok().then(|| answer.text())
//! }
//! ```

#[cfg(target_arch = "wasm32")]
mod guest;
#[cfg(not(target_arch = "wasm32"))]
use crate::backend::http as guest;

use std::time::Duration;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpError {
    /// The URL is not an absolute `http` or `https` one, or a header is not allowed.
    Invalid,
    /// No grant covers it, or it sets a header that the host sets.
    Denied,
    /// Nothing listens there, or the name is not known.
    Unreachable,
    /// It took too long.
    TimedOut,
    /// The answer, the request or its headers are larger than the cap.
    TooLarge,
    /// More requests than one call may make, or may have open at one time.
    TooMany,
    /// Anything else, such as a proxy or a credential that the operator has to see to.
    Failed,
}

impl HttpError {
    /// Names it in a word, for logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Denied => "denied",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::TooLarge => "too-large",
            Self::TooMany => "too-many",
            Self::Failed => "failed",
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers with lower-case names.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Response {
    /// Tells whether the status is 200 to 299.
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Gives the body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Gives a header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_slice())
    }
}

/// A request to make now.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    // What a plugin does not use is not linked: these are set where it asks for them.
    pub(crate) add_headers: Option<guest::AddHeaders>,
    pub(crate) write_body: Option<guest::WriteBody>,
    pub(crate) make_options: Option<guest::MakeOptions>,
    pub(crate) timeout: Duration,
    pub(crate) max_body: usize,
}

impl Call {
    /// Makes one of a method and an absolute `http` or `https` URL; its answer has at most 1 MiB.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            add_headers: None,
            write_body: None,
            make_options: None,
            timeout: Duration::MAX,
            max_body: 1 << 20,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self.add_headers = Some(guest::add_headers);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.write_body = Some(guest::write_body);
        self
    }

    /// Sets how long connecting and each pause may take; the call's deadline holds anyway.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self.make_options = Some(guest::make_options);
        self
    }

    /// Sets the most bytes of the answer's body that are taken.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Makes it, and waits for the whole answer.
    ///
    /// # Errors
    /// As in [`HttpError`]; a status such as 404 is an answer, not an error.
    pub fn send(&self) -> Result<Response, HttpError> {
        guest::send(self)
    }
}

/// Fetches a URL.
///
/// # Errors
/// As [`Call::send`].
pub fn get(url: &str) -> Result<Response, HttpError> {
    Call::new("GET", url).send()
}

/// Posts a body.
///
/// # Errors
/// As [`Call::send`].
pub fn post(url: &str, media_type: &str, body: impl Into<Vec<u8>>) -> Result<Response, HttpError> {
    Call::new("POST", url)
        .header("content-type", media_type)
        .body(body)
        .send()
}

/// Splits a URL into whether it is `https`, the authority, and path with query.
#[cfg_attr(
    not(target_arch = "wasm32"),
    expect(dead_code, reason = "only components split URLs")
)]
fn split(url: &str) -> Option<(bool, &str, &str)> {
    let (secure, rest) = match url.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, url.strip_prefix("http://")?),
    };
    let end = rest
        .bytes()
        .position(|byte| byte == b'#')
        .unwrap_or(rest.len());
    let rest = rest.get(..end)?;
    let at = rest
        .bytes()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(at)?;
    (!authority.is_empty()).then_some((secure, authority, path))
}
