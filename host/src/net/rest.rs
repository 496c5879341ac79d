//! The HTTP client of a platform's connector: its own proxy, authorities and certificate, bounded
//! answers, and errors that tell whether a request can have been performed.
//!
//! Unlike a plugin's requests these go where the operator's settings say, private addresses included.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use reqwest::redirect;

use super::route::NetConfig;
use super::tls::{Identity, Trust};
use crate::telemetry::wire::{Exchange, Way};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(15);
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// Idle connections kept for one host.
const IDLE_PER_HOST: usize = 16;
/// Bytes of an error's text that are shown.
const SHOWN_BYTES: usize = 300;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestError {
    /// The client cannot be made.
    #[error("{0}")]
    Setup(String),
    /// No connection came about: the request was certainly not performed.
    #[error("not reached: {0}")]
    Unreached(String),
    /// The request may have been performed.
    #[error("no answer: {0}")]
    Lost(String),
    /// The server did not take the client's certificate, so it did not hear the request.
    #[error("certificate not taken: {0}")]
    Certificate(String),
    /// The answer is larger than what is read of it.
    #[error("answer larger than {0} bytes")]
    TooLarge(usize),
}

impl RestError {
    /// Tells whether the request certainly was not performed.
    pub fn was_not_sent(&self) -> bool {
        matches!(
            self,
            Self::Setup(_) | Self::Unreached(_) | Self::Certificate(_)
        )
    }
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// What a body says that is no answer to the question: a line of it, without control characters.
    pub fn text(&self) -> String {
        let bytes = &self.body[..self.body.len().min(SHOWN_BYTES)];
        let text = String::from_utf8_lossy(bytes);
        let words: Vec<&str> = text.split_whitespace().collect();
        words
            .join(" ")
            .chars()
            .filter(|c| !c.is_control())
            .collect()
    }

    /// The media type, without its parameters.
    pub fn media_type(&self) -> &str {
        let value = self.headers.get(header::CONTENT_TYPE);
        let value = value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }
}

/// Makes requests to one endpoint.
#[derive(Clone, Debug)]
pub struct RestClient {
    client: reqwest::Client,
    routes: Arc<NetConfig>,
    /// It shows a certificate.
    is_known: bool,
}

impl RestClient {
    /// Makes a client that goes this way and shows this certificate.
    ///
    /// # Errors
    /// [`RestError::Setup`].
    pub fn new(
        config: &NetConfig,
        identity: Option<&Identity>,
        user_agent: &str,
    ) -> Result<Self, RestError> {
        let setup = |error: &dyn std::error::Error| RestError::Setup(super::egress::chain(error));
        let trust = Trust::new(&config.authorities).map_err(|error| setup(&error))?;
        // What is sent as a form of files is not worth a second protocol, and a long poll that is
        // dropped must not take others on its connection along.
        let tls = trust
            .client(identity, &[b"http/1.1"])
            .map_err(|error| setup(&error))?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured((*tls).clone())
            .http1_only()
            // A platform's own headers carry tokens, which no redirect may take elsewhere.
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .user_agent(user_agent)
            // The environment's proxies are none of ours.
            .no_proxy();
        let routes = Arc::new(config.clone());
        if let Some(proxy) = &config.proxy {
            let routes = routes.clone();
            let chosen = reqwest::Proxy::custom(move |url| {
                let host = url.host_str().unwrap_or_default();
                routes.proxy_for(host).map(|proxy| proxy.name().to_owned())
            });
            builder = builder.proxy(match proxy.authorization() {
                Some(value) => chosen.custom_http_auth(value.clone()),
                None => chosen,
            });
        }
        let client = builder.build().map_err(|error| setup(&error))?;
        Ok(Self {
            client,
            routes,
            is_known: identity.is_some(),
        })
    }

    /// Begins a request.
    pub fn request(&self, method: http::Method, url: url::Url) -> reqwest::RequestBuilder {
        self.client.request(method, url)
    }

    /// Makes a request and reads its answer, up to so many bytes of it and so much time.
    ///
    /// # Errors
    /// [`RestError`].
    pub async fn send(
        &self,
        request: reqwest::RequestBuilder,
        time: Duration,
        most: usize,
    ) -> Result<Answer, RestError> {
        let (client, request) = request.build_split();
        let request = request.map_err(|error| RestError::Setup(cause(&error)))?;
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let (method, path) = (request.method().as_str(), request.url().path());
        let mut exchange = Exchange::begin(Way::Out, method, &host, path);
        let run = async {
            let answer = client.execute(request).await;
            let mut answer = answer.map_err(|error| self.of_error(&host, &error))?;
            // What says that it is too large is not begun with.
            if answer
                .content_length()
                .is_some_and(|length| length > most as u64)
            {
                return Err(RestError::TooLarge(most));
            }
            let mut body = BytesMut::new();
            while let Some(chunk) = answer.chunk().await.map_err(|error| lost(&error))? {
                if body.len() + chunk.len() > most {
                    return Err(RestError::TooLarge(most));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Answer {
                status: answer.status(),
                headers: std::mem::take(answer.headers_mut()),
                body: body.freeze(),
            })
        };
        let ended = tokio::time::timeout(time, run).await;
        let ended =
            ended.unwrap_or_else(|_| Err(RestError::Lost(format!("nothing after {time:?}"))));
        if let Some(exchange) = &mut exchange {
            match &ended {
                Ok(answer) => {
                    exchange.answered(answer.status.as_u16());
                    exchange.add_bytes(answer.body.len() as u64);
                }
                Err(error) => exchange.failed(error.to_string()),
            }
        }
        ended
    }

    fn of_error(&self, host: &str, error: &reqwest::Error) -> RestError {
        if self.is_known && is_about_certificate(error) {
            return RestError::Certificate(cause(error));
        }
        if !error.is_connect() {
            return lost(error);
        }
        RestError::Unreached(match self.routes.proxy_for(host) {
            Some(proxy) => format!("by the proxy {}: {}", proxy.name(), cause(error)),
            None => cause(error),
        })
    }
}

/// Tells whether a server has said that it does not take the client's certificate. Since TLS 1.3 it
/// says so after the client has begun to ask.
fn is_about_certificate(error: &reqwest::Error) -> bool {
    use rustls::AlertDescription as Alert;

    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        // An error of input and output shows the source of what is in it, and not that itself.
        let inner = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .and_then(|inner| inner.downcast_ref());
        if let Some(rustls::Error::AlertReceived(alert)) = inner.or_else(|| error.downcast_ref()) {
            return matches!(
                alert,
                Alert::BadCertificate
                    | Alert::UnsupportedCertificate
                    | Alert::CertificateRevoked
                    | Alert::CertificateExpired
                    | Alert::CertificateUnknown
                    | Alert::UnknownCA
                    | Alert::AccessDenied
                    | Alert::CertificateRequired
            );
        }
        source = error.source();
    }
    false
}

fn lost(error: &reqwest::Error) -> RestError {
    RestError::Lost(cause(error))
}

/// What happened, without the address, which the caller knows and which may hold a secret.
fn cause(error: &reqwest::Error) -> String {
    let source = std::error::Error::source(error);
    match source {
        Some(source) => super::egress::chain(source),
        None if error.is_timeout() => "timed out".to_owned(),
        None => "failed".to_owned(),
    }
}

#[cfg(test)]
mod tests;
