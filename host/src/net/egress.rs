//! The sender of plugins' HTTP requests: grant, address, time and size are checked here and nowhere else.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

use super::grant::HttpGrants;
use super::resolve::{Lookup, PublicOnly, ResolveError, SystemLookup};
use crate::telemetry::wire::{Exchange, Way};

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// Idle connections kept for one host.
const IDLE_PER_HOST: usize = 8;

/// Headers that belong to one connection and are never passed on.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
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
    /// The other side is not who it should be.
    #[error("tls failed: {0}")]
    Tls(String),
    /// The answer took too long.
    #[error("timed out")]
    TimedOut,
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

/// Bounds of one request.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Bytes of the answer's body.
    pub body_bytes: u64,
    /// Bytes of either side's headers.
    pub header_bytes: usize,
    /// Time for everything, the body included.
    pub time: Duration,
    /// Time until the answer's headers.
    pub first_byte: Duration,
    /// Time between two pieces of the body.
    pub between_bytes: Duration,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            body_bytes: 4 * 1024 * 1024,
            header_bytes: 16 * 1024,
            time: Duration::from_secs(30),
            first_byte: Duration::from_secs(30),
            between_bytes: Duration::from_secs(10),
        }
    }
}

impl Caps {
    /// Takes what a guest asks for where it is shorter.
    pub fn shorten(
        &mut self,
        connect: Option<Duration>,
        first_byte: Option<Duration>,
        between_bytes: Option<Duration>,
    ) {
        if connect.is_some() || first_byte.is_some() {
            // Connections are shared, so both end in the wait for the headers.
            let asked = connect
                .unwrap_or(self.time)
                .saturating_add(first_byte.unwrap_or(self.time));
            self.first_byte = self.first_byte.min(asked);
        }
        if let Some(asked) = between_bytes {
            self.between_bytes = self.between_bytes.min(asked);
        }
    }
}

/// Sends requests. Clones share connections.
#[derive(Clone)]
pub struct Egress {
    client: reqwest::Client,
    open: Arc<Semaphore>,
}

impl Egress {
    /// Makes a sender with so many requests open at one time.
    ///
    /// # Errors
    /// [`EgressError::Setup`]: the system's certificates cannot be read.
    pub fn new(open: u32) -> Result<Self, EgressError> {
        Self::with_lookup(open, Arc::new(SystemLookup))
    }

    /// Makes a sender that finds addresses its own way.
    ///
    /// # Errors
    /// As [`Egress::new`].
    pub fn with_lookup(open: u32, lookup: Arc<dyn Lookup>) -> Result<Self, EgressError> {
        // Another part may have installed it already; which one does is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(PublicOnly(lookup)))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .connect_timeout(Duration::from_secs(5))
            .build()
            .map_err(|error| EgressError::Setup(chain(&error)))?;
        Ok(Self {
            client,
            open: Arc::new(Semaphore::new(open as usize)),
        })
    }

    /// Sends a request that the grants cover. Redirects are answers like others.
    ///
    /// # Errors
    /// [`EgressError`].
    pub async fn send(
        &self,
        request: http::Request<Bytes>,
        grants: &HttpGrants,
        caps: &Caps,
    ) -> Result<http::Response<CappedBody>, EgressError> {
        let (mut parts, body) = request.into_parts();
        let granted = grants
            .check(&parts.method, &parts.uri)
            .map_err(|error| EgressError::Denied(error.to_string()))?;
        strip(&mut parts.headers);
        // Both follow from the address and the body.
        parts.headers.remove(header::HOST);
        parts.headers.remove(header::CONTENT_LENGTH);
        if header_bytes(&parts.headers) > caps.header_bytes {
            return Err(EgressError::RequestHeadersTooLarge);
        }
        let mut exchange = Exchange::begin(
            Way::Out,
            parts.method.as_str(),
            parts.uri.host().unwrap_or_default(),
            parts.uri.path(),
        );
        let deadline = Instant::now() + caps.time;
        let permit = tokio::time::timeout_at(deadline, self.open.clone().acquire_owned())
            .await
            .map_err(|_| EgressError::Busy)?
            .map_err(|_| EgressError::Busy)?;
        let request = self
            .client
            .request(parts.method, granted.url)
            .headers(parts.headers)
            .body(body);
        let headers_by = deadline.min(Instant::now() + caps.first_byte);
        let response = tokio::time::timeout_at(headers_by, request.send())
            .await
            .map_err(|_| EgressError::TimedOut)
            .and_then(|sent| sent.map_err(classify));
        let response = match response {
            Ok(response) => response,
            Err(error) => {
                if let Some(exchange) = &mut exchange {
                    exchange.failed(error.to_string());
                }
                return Err(error);
            }
        };
        let mut response = http::Response::from(response);
        if let Some(exchange) = &mut exchange {
            exchange.answered(response.status().as_u16());
        }
        strip(response.headers_mut());
        if header_bytes(response.headers()) > caps.header_bytes {
            return Err(EgressError::HeadersTooLarge);
        }
        let known = response.body().size_hint().lower();
        if known > caps.body_bytes {
            return Err(EgressError::BodyTooLarge(caps.body_bytes));
        }
        Ok(response.map(|body| CappedBody {
            body,
            left: caps.body_bytes,
            limit: caps.body_bytes,
            deadline,
            between: caps.between_bytes,
            sleep: None,
            exchange,
            _permit: permit,
        }))
    }
}

fn strip(headers: &mut HeaderMap) {
    // `connection` may name more headers that end here.
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

fn classify(error: reqwest::Error) -> EgressError {
    // An address may hold a secret in its query.
    let error = error.without_url();
    let mut next: Option<&dyn std::error::Error> = Some(&error);
    while let Some(cause) = next {
        if let Some(error) = cause.downcast_ref::<ResolveError>() {
            return match error {
                ResolveError::Near { .. } => EgressError::Address(error.to_string()),
                ResolveError::Unknown { .. } | ResolveError::Empty(_) => {
                    EgressError::Dns(error.to_string())
                }
            };
        }
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return EgressError::Tls(error.to_string());
        }
        // An I/O error holds the TLS one without naming it as its source.
        if let Some(error) = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            return EgressError::Tls(error.to_string());
        }
        next = cause.source();
    }
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => EgressError::ConnectTimedOut,
        (true, false) => EgressError::Connect(chain(&error)),
        (false, true) => EgressError::TimedOut,
        (false, false) => EgressError::Interrupted(chain(&error)),
    }
}

/// An answer's body: ends with an error where it is too large or too slow.
pub struct CappedBody {
    body: reqwest::Body,
    left: u64,
    limit: u64,
    deadline: Instant,
    between: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Written to the log when the body is done with, where requests are logged.
    exchange: Option<Exchange>,
    _permit: OwnedSemaphorePermit,
}

impl Body for CappedBody {
    type Data = Bytes;
    type Error = EgressError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, EgressError>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.sleep = None;
                let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                let Some(left) = this.left.checked_sub(bytes) else {
                    return Poll::Ready(Some(Err(EgressError::BodyTooLarge(this.limit))));
                };
                this.left = left;
                if let Some(exchange) = &mut this.exchange {
                    exchange.add_bytes(bytes);
                }
                // A body of many small pieces is late by the clock, not by one piece.
                if Instant::now() >= this.deadline {
                    return Poll::Ready(Some(Err(EgressError::TimedOut)));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(classify(error)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let until = this.deadline.min(Instant::now() + this.between);
                let sleep = this
                    .sleep
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
                match sleep.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(EgressError::TimedOut))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
