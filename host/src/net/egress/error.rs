//! Why a request has no answer, for callers by class and for operators in words.

use std::error::Error;

use crate::net::mask::{Mask, cover_text};
use crate::net::resolve::ResolveError;

/// Why a request has no answer. The texts are for the operator, and hold no secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EgressError {
    /// No grant covers it.
    #[error("not granted: {0}")]
    Denied(String),
    /// It leads to an address that no grant names.
    #[error("address refused: {0}")]
    Address(String),
    /// The name is not known.
    #[error("name not known: {0}")]
    Dns(String),
    /// No connection came about.
    #[error("not connected: {0}")]
    Connect(String),
    /// No connection came about in time.
    #[error("not connected in time")]
    ConnectTimedOut,
    /// The proxy cannot be reached, or does not take the host's credentials.
    #[error("no way out: {0}")]
    Proxy(String),
    /// There is no credential to send along.
    #[error("no credential: {0}")]
    Credential(String),
    /// The other side is not who it should be.
    #[error("tls failed: {0}")]
    Tls(String),
    /// The answer took too long.
    #[error("timed out")]
    TimedOut,
    /// The answer is encoded in a way that hides from the host what is in it.
    #[error("answer is encoded: {0}")]
    Encoded(String),
    /// The answer's body is larger than so many bytes.
    #[error("body is larger than {0} bytes")]
    BodyTooLarge(u64),
    /// The answer's headers are too large.
    #[error("headers are too large")]
    HeadersTooLarge,
    /// The request's headers are too large.
    #[error("request headers are too large")]
    RequestHeadersTooLarge,
    /// Too many requests are open in the process.
    #[error("too many requests are open")]
    Busy,
    /// The connection broke.
    #[error("connection broke: {0}")]
    Interrupted(String),
    /// The sender could not be made.
    #[error("sender could not be made: {0}")]
    Setup(String),
}

impl EgressError {
    /// Tells whether it lasts until an operator changes something: settings, a secret, the proxy.
    pub fn is_for_operator(&self) -> bool {
        matches!(
            self,
            Self::Proxy(_) | Self::Credential(_) | Self::Tls(_) | Self::Encoded(_) | Self::Setup(_)
        )
    }

    /// Takes secrets out of the text, which others had a hand in.
    pub(in crate::net) fn masked(mut self, masks: &[Mask]) -> Self {
        match &mut self {
            Self::Denied(text)
            | Self::Address(text)
            | Self::Dns(text)
            | Self::Connect(text)
            | Self::Proxy(text)
            | Self::Credential(text)
            | Self::Tls(text)
            | Self::Encoded(text)
            | Self::Interrupted(text)
            | Self::Setup(text) => *text = cover_text(masks, text),
            Self::ConnectTimedOut
            | Self::TimedOut
            | Self::BodyTooLarge(_)
            | Self::HeadersTooLarge
            | Self::RequestHeadersTooLarge
            | Self::Busy => {}
        }
        self
    }
}

/// An error and what caused it, in one line.
pub(in crate::net) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

/// The class of the first cause that has one.
pub(in crate::net) fn of_cause(error: &(dyn Error + 'static)) -> Option<EgressError> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(error) = cause.downcast_ref::<EgressError>() {
            return Some(error.clone());
        }
        if let Some(error) = cause.downcast_ref::<ResolveError>() {
            let text = error.to_string();
            return Some(match error {
                ResolveError::Near { .. } => EgressError::Address(text),
                ResolveError::Unknown { .. } | ResolveError::Empty(_) => EgressError::Dns(text),
            });
        }
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return Some(EgressError::Tls(error.to_string()));
        }
        // An I/O error holds the TLS one without naming it as its source.
        if let Some(error) = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            return Some(EgressError::Tls(error.to_string()));
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>()
            && error.is_parse_too_large()
        {
            return Some(EgressError::HeadersTooLarge);
        }
        next = cause.source();
    }
    None
}

/// The class of an error of the connection.
pub(super) fn classify(error: &(dyn Error + 'static)) -> EgressError {
    of_cause(error).unwrap_or_else(|| EgressError::Interrupted(chain(error)))
}
