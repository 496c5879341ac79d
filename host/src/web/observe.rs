//! What the machines that watch over the host may ask: `/live`, `/ready`, `/metrics`. Read only, and
//! without a password: the listener belongs on loopback or in a network of one's own.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::WebError;
use super::serve::{self, Answer, empty, with_body};
use crate::model::Timestamp;

/// Connections open at one time.
pub const CONNECTIONS_MAX: usize = 64;

/// The media type of `/metrics`: OpenMetrics, which is the text that Prometheus asks for first.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether the host can do its work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// It can.
    pub ready: bool,
    /// Why it cannot, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Every bot.
    pub bots: Vec<BotReadiness>,
}

/// Whether a bot hears its platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BotReadiness {
    /// The tenant.
    pub tenant: String,
    /// The bot.
    pub bot: String,
    /// Its platform.
    pub platform: String,
    /// `disconnected`, `connecting` or `connected`.
    pub state: &'static str,
    /// When its last event came, in milliseconds since 1970; none since the start.
    pub last_event_at: Option<Timestamp>,
}

/// Knows how the host does. `app` is it.
#[async_trait]
pub trait Watched: Send + Sync + 'static {
    /// Whether it can do its work.
    async fn readiness(&self) -> Readiness;

    /// What is counted, as OpenMetrics text.
    async fn metrics(&self) -> String;
}

/// The listener, bound and not yet serving.
pub struct ObserveServer {
    listener: TcpListener,
    address: SocketAddr,
    watched: Arc<dyn Watched>,
}

impl ObserveServer {
    /// Takes a listener that is bound and non-blocking.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn on(
        listener: std::net::TcpListener,
        watched: Arc<dyn Watched>,
    ) -> Result<Self, WebError> {
        let address = listener.local_addr().map_err(WebError::Ended)?;
        Ok(Self {
            listener: TcpListener::from_std(listener).map_err(WebError::Ended)?,
            address,
            watched,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is cancelled.
    pub async fn serve(self, stop: CancellationToken) {
        let answers = Arc::new(Answers(self.watched));
        serve::serve(self.listener, CONNECTIONS_MAX, answers, stop).await;
    }
}

struct Answers(Arc<dyn Watched>);

impl Answer for Answers {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return empty(StatusCode::METHOD_NOT_ALLOWED);
        }
        match request.uri().path() {
            // Whoever gets this answer knows that the process runs its tasks.
            "/live" => with_body(StatusCode::OK, "text/plain; charset=utf-8", "live\n"),
            "/ready" => {
                let readiness = self.0.readiness().await;
                let status = match readiness.ready {
                    true => StatusCode::OK,
                    false => StatusCode::SERVICE_UNAVAILABLE,
                };
                // Plain data always has a JSON form.
                let body = serde_json::to_vec(&readiness).unwrap_or_default();
                with_body(status, "application/json", body)
            }
            "/metrics" => {
                let text = self.0.metrics().await;
                with_body(StatusCode::OK, METRICS_TYPE, text)
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }
}
