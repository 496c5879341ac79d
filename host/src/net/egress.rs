//! The sender of requests on a plugin's behalf: grant, address, credentials, time and size are
//! checked here and nowhere else.
//!
//! [`Egress::send`] is the one door, for what a guest asks for in the middle of a call and for what
//! the host sends after a commit.

mod body;
mod error;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::uri::Scheme;
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body as _;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::client::Clients;
use super::connect::{TlsEnd, refused};
use super::grant::{HttpGrants, Rights};
use super::mask::{Mask, cover_headers};
use super::oauth::Taken;
use super::resolve::{Lookup, SystemLookup};
use super::route::NetConfig;
use super::tls::Identity;
use crate::telemetry::wire::{Exchange, Way};

use body::{BodyBounds, Wire};
use error::classify;

pub use body::CappedBody;
pub use error::EgressError;
pub(super) use error::{chain, of_cause};

/// Bytes of a token endpoint's answer.
const MAX_TOKEN_ANSWER: u64 = 64 * 1024;

/// Headers that belong to one connection and are never passed on.
pub(super) const HOP_BY_HOP: [HeaderName; 9] = [
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

/// Answers requests in the place of the other side, for tests: nothing leaves the process.
pub trait Answers: Send + Sync {
    /// Answers a request that was granted, or says how it fails. Must not block.
    ///
    /// # Errors
    /// As a request fails that has no answer.
    fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, EgressError>;
}

/// Sends requests. Clones share connections.
#[derive(Clone)]
pub struct Egress {
    inner: Arc<Inner>,
}

struct Inner {
    open: Arc<Semaphore>,
    lookup: Arc<dyn Lookup>,
    clients: ArcSwap<Clients>,
    answers: Option<Arc<dyn Answers>>,
}

impl Egress {
    /// Makes a sender with so many requests open at one time.
    ///
    /// # Errors
    /// [`EgressError::Setup`]: the system's certificates cannot be read.
    pub fn new(open: u32) -> Result<Self, EgressError> {
        Self::with_config(open, &NetConfig::default())
    }

    /// Makes a sender that goes out by these settings.
    ///
    /// # Errors
    /// As [`Egress::new`].
    pub fn with_config(open: u32, config: &NetConfig) -> Result<Self, EgressError> {
        Self::with_parts(open, Arc::new(SystemLookup), config)
    }

    /// Makes a sender that finds addresses its own way.
    ///
    /// # Errors
    /// As [`Egress::new`].
    pub fn with_lookup(open: u32, lookup: Arc<dyn Lookup>) -> Result<Self, EgressError> {
        Self::with_parts(open, lookup, &NetConfig::default())
    }

    /// Makes a sender that goes out by these settings and finds addresses its own way.
    ///
    /// # Errors
    /// As [`Egress::new`].
    pub fn with_parts(
        open: u32,
        lookup: Arc<dyn Lookup>,
        config: &NetConfig,
    ) -> Result<Self, EgressError> {
        Self::make(open, lookup, config, None)
    }

    /// Makes a sender that sends nothing: these answer.
    ///
    /// # Errors
    /// As [`Egress::new`].
    pub fn with_answers(open: u32, answers: Arc<dyn Answers>) -> Result<Self, EgressError> {
        let config = NetConfig::default();
        Self::make(open, Arc::new(SystemLookup), &config, Some(answers))
    }

    fn make(
        open: u32,
        lookup: Arc<dyn Lookup>,
        config: &NetConfig,
        answers: Option<Arc<dyn Answers>>,
    ) -> Result<Self, EgressError> {
        let clients = Clients::new(config, &lookup)?;
        Ok(Self {
            inner: Arc::new(Inner {
                open: Arc::new(Semaphore::new(open as usize)),
                lookup,
                clients: ArcSwap::from_pointee(clients),
                answers,
            }),
        })
    }

    /// Goes out by other settings from the next request on; requests under way end as they began.
    ///
    /// # Errors
    /// As [`Egress::new`]; what was set before stays.
    pub fn configure(&self, config: &NetConfig) -> Result<(), EgressError> {
        let clients = Clients::new(config, &self.inner.lookup)?;
        self.inner.clients.store(Arc::new(clients));
        Ok(())
    }

    /// Sends a request that the grants cover: the one way out for everything that a plugin asks
    /// for, be it `wasi:http` in the middle of a call or a `request` action that the host performs
    /// after the commit. Adds the grant's credential, renews a token that was refused, and takes
    /// the grants' secrets out of the answer. Redirects are answers like others.
    ///
    /// The same [`HttpGrants`], or clones of it, must be used for all requests of a plugin: fetched
    /// tokens are kept there.
    ///
    /// # Errors
    /// [`EgressError`]; its text holds no secret.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        grants: &HttpGrants,
        caps: &Caps,
    ) -> Result<Response<CappedBody>, EgressError> {
        let clients = self.inner.clients.load_full();
        let sending = Sending {
            slots: &self.inner.open,
            clients: &clients,
            answers: self.inner.answers.as_deref(),
            grants,
            caps,
            deadline: Instant::now() + caps.time,
        };
        let sent = sending.send(request).await;
        sent.map_err(|error| error.masked(&sending.masks()))
    }
}

/// One request under way.
struct Sending<'a> {
    slots: &'a Arc<Semaphore>,
    clients: &'a Clients,
    answers: Option<&'a dyn Answers>,
    grants: &'a HttpGrants,
    caps: &'a Caps,
    deadline: Instant,
}

impl Sending<'_> {
    fn masks(&self) -> Vec<Mask> {
        vec![self.grants.mask(), self.clients.mask()]
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<CappedBody>, EgressError> {
        let granted = self
            .grants
            .admit(&request)
            .map_err(|error| EgressError::Denied(error.to_string()))?;
        let (mut parts, body) = request.into_parts();
        // The address that was compared, not the one that was written.
        parts.uri = uri_of(granted.url.as_str())?;
        strip(&mut parts.headers);
        // Both follow from the address and the body.
        parts.headers.remove(header::HOST);
        parts.headers.remove(header::CONTENT_LENGTH);
        if header_bytes(&parts.headers) > self.caps.header_bytes {
            return Err(EgressError::RequestHeadersTooLarge);
        }
        if self.grants.has_secrets() {
            ask_for_plain(&mut parts.headers);
        }
        let request = Request::from_parts(parts, body);
        let Some(rights) = granted.rights() else {
            return self.exchange(request, None, self.caps).await;
        };
        let certificate = rights.certificate.as_ref();
        let token = self.token(rights, None).await?;
        let first = authorized(request.clone(), rights, token.as_ref());
        let answer = self.exchange(first, certificate, self.caps).await?;
        match token {
            // Refused with a token that was kept: it may have been revoked, or ended early.
            Some(token) if answer.status() == StatusCode::UNAUTHORIZED && !token.is_new => {
                drop(answer);
                let token = self.token(rights, Some(token.number)).await?;
                let again = authorized(request, rights, token.as_ref());
                self.exchange(again, certificate, self.caps).await
            }
            _ => Ok(answer),
        }
    }

    /// The token that goes with a request; none where the grant has no such credential.
    async fn token(
        &self,
        rights: &Rights,
        refused: Option<u64>,
    ) -> Result<Option<Taken>, EgressError> {
        let Some(source) = &rights.tokens else {
            return Ok(None);
        };
        let certificate = rights.certificate.as_ref();
        let take = source.take(refused, |mut request| async move {
            ask_for_plain(request.headers_mut());
            let caps = Caps {
                body_bytes: MAX_TOKEN_ANSWER,
                ..*self.caps
            };
            let answer = self.fetch(request, certificate, &caps).await?;
            let (parts, body) = answer.into_parts();
            Ok((parts.status, body))
        });
        take.await.map(Some)
    }

    /// Makes a request of the host's own and reads the whole answer, secrets and all.
    async fn fetch(
        &self,
        request: Request<Bytes>,
        certificate: Option<&Identity>,
        caps: &Caps,
    ) -> Result<Response<Bytes>, EgressError> {
        let answer = self.open(request, certificate, caps, Vec::new()).await?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }

    /// Makes a request and gives an answer that the plugin may see.
    async fn exchange(
        &self,
        request: Request<Bytes>,
        certificate: Option<&Identity>,
        caps: &Caps,
    ) -> Result<Response<CappedBody>, EgressError> {
        // Tokens that were fetched for this very request are in the mask by now.
        let masks = self.masks();
        let mut answer = self.open(request, certificate, caps, masks.clone()).await?;
        cover_headers(&masks, answer.headers_mut());
        Ok(answer)
    }

    /// Makes a request, and notes it where requests are logged.
    async fn open(
        &self,
        request: Request<Bytes>,
        certificate: Option<&Identity>,
        caps: &Caps,
        masks: Vec<Mask>,
    ) -> Result<Response<CappedBody>, EgressError> {
        let (method, uri) = (request.method().as_str(), request.uri());
        let mut noted =
            Exchange::begin(Way::Out, method, uri.host().unwrap_or_default(), uri.path());
        let opened = self.open_noted(request, certificate, caps, masks, &mut noted);
        match opened.await {
            Ok(answer) => Ok(answer.map(|body| body.noted_in(noted))),
            Err(error) => {
                if let Some(noted) = &mut noted {
                    noted.failed(error.clone().masked(&self.masks()).to_string());
                }
                Err(error)
            }
        }
    }

    async fn open_noted(
        &self,
        mut request: Request<Bytes>,
        certificate: Option<&Identity>,
        caps: &Caps,
        masks: Vec<Mask>,
        noted: &mut Option<Exchange>,
    ) -> Result<Response<CappedBody>, EgressError> {
        let permit = tokio::time::timeout_at(self.deadline, self.slots.clone().acquire_owned())
            .await
            .map_err(|_| EgressError::Busy)?
            .map_err(|_| EgressError::Busy)?;
        let headers = request.headers_mut();
        if !headers.contains_key(header::ACCEPT) {
            headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        }
        // A tunnel is opened by the connection; what is not secret the proxy reads, request by request.
        let uri = request.uri().clone();
        let proxy = (uri.scheme() == Some(&Scheme::HTTP))
            .then(|| self.clients.config().proxy_for(uri.host().unwrap_or("")))
            .flatten();
        if let Some(value) = proxy.and_then(|proxy| proxy.authorization()) {
            let headers = request.headers_mut();
            headers.insert(header::PROXY_AUTHORIZATION, value.clone());
        }
        let mut answer = match self.answers {
            Some(answers) => answers
                .answer(&request)?
                .map(|body| Wire::Given(Full::new(body))),
            None => {
                let client = self.clients.client(certificate)?;
                let headers_by = self.deadline.min(Instant::now() + caps.first_byte);
                let answer = client.request(request.map(Full::new));
                tokio::time::timeout_at(headers_by, answer)
                    .await
                    .map_err(|_| EgressError::TimedOut)?
                    .map_err(|error| {
                        let tls = error.connect_info().and_then(TlsEnd::of);
                        tls.unwrap_or_else(|| classify(&error))
                    })?
                    .map(Wire::Coming)
            }
        };
        if let Some(noted) = noted {
            noted.answered(answer.status().as_u16());
        }
        if let Some(proxy) = proxy
            && answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
        {
            let authority = uri.authority().map_or("", |authority| authority.as_str());
            return Err(refused(proxy, answer.status(), authority));
        }
        if masks.first().is_some_and(|mask| !mask.is_empty()) {
            check_plain(&answer)?;
        }
        strip(answer.headers_mut());
        if header_bytes(answer.headers()) > caps.header_bytes {
            return Err(EgressError::HeadersTooLarge);
        }
        if answer.body().size_hint().lower() > caps.body_bytes {
            return Err(EgressError::BodyTooLarge(caps.body_bytes));
        }
        let bounds = BodyBounds {
            limit: caps.body_bytes,
            deadline: self.deadline,
            between: caps.between_bytes,
        };
        Ok(answer.map(|body| CappedBody::new(body, &bounds, masks, permit)))
    }
}

fn uri_of(url: &str) -> Result<Uri, EgressError> {
    url.parse()
        .map_err(|_| EgressError::Denied("the address is no address".to_owned()))
}

fn authorized(
    mut request: Request<Bytes>,
    rights: &Rights,
    token: Option<&Taken>,
) -> Request<Bytes> {
    let headers = request.headers_mut();
    if let Some((name, value)) = rights.fixed_header() {
        headers.insert(name.clone(), value.clone());
    }
    if let Some(token) = token {
        headers.insert(header::AUTHORIZATION, token.header.clone());
    }
    request
}

/// Asks for an answer in which a secret can be found: whole, and not compressed. A server may always
/// answer so.
fn ask_for_plain(headers: &mut HeaderMap) {
    headers.remove(header::RANGE);
    headers.remove(header::IF_RANGE);
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
}

/// Refuses an answer in which a secret could not be found.
fn check_plain<B>(answer: &Response<B>) -> Result<(), EgressError> {
    for (name, plain) in [
        (header::CONTENT_ENCODING, "identity"),
        (header::TRANSFER_ENCODING, "chunked"),
    ] {
        for value in answer.headers().get_all(&name) {
            let text = value.to_str().unwrap_or("?").trim();
            if !text.eq_ignore_ascii_case(plain) && !text.is_empty() {
                return Err(EgressError::Encoded(format!("{name}: {text}")));
            }
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests;
