//! What a bot's platform calls: an address of the bot's own on the listener for what comes from
//! outside. The listener bounds what a stranger may take; the connector knows who calls, and what it
//! is told.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};

use super::Intake;

/// What a request says before its body.
#[derive(Clone, Copy, Debug)]
pub struct CallHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// What follows the bot's own path, without the slash between them; mostly nothing.
    pub rest: &'a str,
    /// What follows the question mark.
    pub query: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
}

/// A request at a bot's address.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// What follows the bot's own path, without the slash between them; mostly nothing.
    pub rest: String,
    /// What follows the question mark.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's bytes, as they came.
    pub body: Bytes,
}

impl Call {
    /// What it says before its body.
    pub fn head(&self) -> CallHead<'_> {
        CallHead {
            method: &self.method,
            rest: &self.rest,
            query: self.query.as_deref(),
            headers: &self.headers,
        }
    }
}

/// Why a request is not a call. Who made it hears a status and no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallRefusal {
    /// Nothing is called like this: 404.
    Unknown,
    /// Not with this method: 405.
    Method,
    /// What proves the caller is missing: 401.
    NoProof,
    /// It proves nothing: 401.
    WrongProof,
}

/// What a caller that has proved itself is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallAnswer {
    /// What it brought is on disk, or is nothing that anybody waits for: 200.
    Taken,
    /// What it brought cannot be read; it need not come again: 400.
    Unreadable,
    /// Not now; it should come again: 503.
    Later,
    /// Go there: 303.
    Redirect(String),
    /// A page for the person at the browser, in HTML: 200.
    Page(String),
}

/// What of a bot answers its platform's calls.
#[async_trait]
pub trait Called: Send + Sync {
    /// The path that the settings name because the platform knows it; none is one of the host's.
    fn path(&self) -> Option<String> {
        None
    }

    /// Hears at which address its platform reaches it: when the listener opens, and when that
    /// changes. None while nothing listens. Must not block.
    fn set_address(&self, address: Option<&str>);

    /// Tells whether the body is to be read. By default it is for a `POST` at the very address.
    ///
    /// # Errors
    /// Why it is not.
    fn check_head(&self, head: &CallHead<'_>) -> Result<(), CallRefusal> {
        if !head.rest.is_empty() {
            return Err(CallRefusal::Unknown);
        }
        if head.method != Method::POST {
            return Err(CallRefusal::Method);
        }
        Ok(())
    }

    /// Tells whether the caller is the platform, by signature or secret. Nothing else of the call is
    /// looked at before.
    ///
    /// # Errors
    /// Why it is not.
    fn check(&self, call: &Call) -> Result<(), CallRefusal>;

    /// Hears that a caller was sent away before it was known who it is, as there was no room. It may
    /// have been the platform, which comes again a few times at most. Must not block.
    fn turned_away(&self) {}

    /// Takes a call that has passed [`Called::check`]; answers when what it brought is on disk.
    async fn take(&self, call: Call, intake: &dyn Intake) -> CallAnswer;
}
