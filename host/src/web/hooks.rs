//! The ingress: plugins' webhooks, `POST /hooks/<tenant>/<plugin>/<webhook>`, and what the platforms
//! of bots call, at `/bots/<tenant>/<bot>` or a path of the bot's own.
//!
//! What comes is a stranger's until it has proved otherwise: few bodies at once, small, in a short
//! time, and of one webhook never so many that another has none. A stranger hears a status and
//! nothing else; the operator sees every refusal counted with its reason.

mod body;
pub mod bots;
pub mod check;
pub mod config;
mod counts;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::Bytes;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::header::{ALLOW, CONTENT_LENGTH, HOST, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use self::body::{BODY_TIMES, Bounds, Turns, read_body, turn};
use self::bots::{Bells, BotCallsStatus};
use self::check::{CheckedCall, Proof, Refusal};
use self::config::HookConfig;
pub use self::counts::HookStatus;
use self::counts::{Counts, Taken};
use super::WebError;
use super::serve::{self, Answer, empty};
use crate::journal::EventKey;
use crate::mailbox::calls::{Call, CallAnswer, Called};
use crate::mailbox::{Acceptance, IntakeError};
use crate::model::Name;
use crate::model::payload::WebhookReceived;
use crate::telemetry::latency::{Latency, LatencyCounts};
use crate::telemetry::wire::{Exchange, Way};

/// Connections open at one time.
pub const CONNECTIONS_MAX: usize = 512;
/// Bodies of unproved senders at one time, of those that are not small.
pub const UNPROVED_MAX: usize = 64;
/// Calls of proved senders at one time, on their way into the journal, and their bodies that are not small.
pub const PROVED_MAX: usize = 64;
/// The same of one path, of each kind.
pub const ONE_HOOK_MAX: usize = 16;
/// How long a call waits for its turn to be read.
const TURN_WITHIN: Duration = Duration::from_secs(1);
/// How long the journal may take. Who is told to come again later comes to no harm: the event has a key.
const TAKE_WITHIN: Duration = Duration::from_secs(30);
/// When to come again, in seconds, where nobody knows.
const AGAIN_SECS: u64 = 5;
/// The least calls that may come at once, where so many may come in a minute.
const BURST_MIN: u32 = 10;
/// The share of a minute's calls that may come at once.
const BURST_SHARE: u32 = 6;
/// How often the log tells of calls to addresses that are none.
const UNKNOWN_EVERY: u64 = 1_000;

/// A call that has passed every check.
#[derive(Clone, Debug)]
pub struct HookCall {
    /// The tenant.
    pub tenant: Name,
    /// The plugin.
    pub plugin: Name,
    /// What makes it one and the same.
    pub key: EventKey,
    /// What the plugin gets.
    pub payload: WebhookReceived,
}

/// Takes calls. `app` is it.
#[async_trait]
pub trait HookSink: Send + Sync {
    /// Takes a call; resolves when it is in the journal.
    ///
    /// # Errors
    /// It was not taken, and the sender must hear that.
    async fn take(&self, call: HookCall) -> Result<Acceptance, IntakeError>;

    /// Lets a bot take a call of its platform, with the way in for its events.
    async fn ring(&self, called: &dyn Called, call: Call) -> CallAnswer;
}

/// One webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRoute {
    /// The tenant.
    pub tenant: Name,
    /// The plugin that gets the calls.
    pub plugin: Name,
    /// The webhook.
    pub name: Name,
    /// What it asks of a call.
    pub config: HookConfig,
}

impl HookRoute {
    /// The path it is called at.
    pub fn path(&self) -> String {
        hook_path(&self.tenant, &self.plugin, &self.name)
    }
}

/// The path of a webhook, as a client writes it.
pub fn hook_path(tenant: &str, plugin: &str, name: &str) -> String {
    let mut url = url::Url::parse("http://h/hooks").expect("a constant address parses");
    // Only an address that cannot be a base has no segments.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.extend([tenant, plugin, name]);
    }
    url.path().to_owned()
}

struct Hook {
    route: HookRoute,
    counts: Arc<Counts>,
    limiter: Arc<DefaultDirectRateLimiter>,
    turns: Turns,
}

type Routes = HashMap<String, Arc<Hook>>;

/// The ingress. It serves on as many listeners as it is given, and knows the routes of the moment.
pub struct Ingress {
    sink: Arc<dyn HookSink>,
    routes: ArcSwap<Routes>,
    bells: Bells,
    unproved: Arc<Semaphore>,
    proved: Arc<Semaphore>,
    unknown: AtomicU64,
    took: Latency,
    counted: Notify,
}

impl Ingress {
    /// Makes an ingress without routes.
    pub fn new(sink: Arc<dyn HookSink>) -> Self {
        Self {
            sink,
            routes: ArcSwap::default(),
            bells: Bells::default(),
            unproved: Arc::new(Semaphore::new(UNPROVED_MAX)),
            proved: Arc::new(Semaphore::new(PROVED_MAX)),
            unknown: AtomicU64::new(0),
            took: Latency::default(),
            counted: Notify::new(),
        }
    }

    /// Replaces the routes. A call under way ends by the rules it began with; what was counted goes on.
    pub fn set_routes(&self, routes: Vec<HookRoute>) {
        let before = self.routes.load();
        let made = routes.into_iter().map(|route| {
            let path = route.path();
            let hook = match before.get(&path) {
                Some(old) if old.route == route => old.clone(),
                Some(old) => Arc::new(Hook {
                    counts: old.counts.clone(),
                    turns: old.turns.clone(),
                    limiter: match old.route.config.per_minute == route.config.per_minute {
                        true => old.limiter.clone(),
                        false => limiter(&route.config),
                    },
                    route,
                }),
                None => Arc::new(Hook {
                    counts: Arc::default(),
                    turns: Turns::default(),
                    limiter: limiter(&route.config),
                    route,
                }),
            };
            (path, hook)
        });
        self.routes.store(Arc::new(made.collect()));
    }

    /// Tells how each webhook does, by its path.
    pub fn status(&self) -> Vec<HookStatus> {
        let routes = self.routes.load();
        let mut all: Vec<HookStatus> = routes
            .values()
            .map(|hook| hook.counts.status(&hook.route))
            .collect();
        all.sort_by(|one, other| one.path.cmp(&other.path));
        all
    }

    /// Lets a bot be called from now on, at its own path or the host's. Gives the path; none where
    /// it is another's.
    pub fn add_bot(&self, tenant: &Name, bot: &str, called: Arc<dyn Called>) -> Option<String> {
        self.bells.add(tenant, bot, called)
    }

    /// Lets a bot be called no more. A call under way ends.
    pub fn remove_bot(&self, tenant: &Name, bot: &str) {
        self.bells.remove(tenant, bot);
    }

    /// Tells how the bots that are called do, by path.
    pub fn bot_status(&self) -> Vec<BotCallsStatus> {
        self.bells.status()
    }

    /// Resolves when a call was counted since this was last asked, by one asker.
    pub async fn counted(&self) {
        self.counted.notified().await;
    }

    /// Calls of proved senders that are under way.
    #[cfg(test)]
    fn proved_now(&self) -> usize {
        PROVED_MAX - self.proved.available_permits()
    }

    /// Calls of addresses that are no webhook's.
    pub fn unknown(&self) -> u64 {
        self.unknown.load(Ordering::Relaxed)
    }

    /// How long calls took, refused ones too.
    pub fn took(&self) -> LatencyCounts {
        self.took.counts()
    }

    /// Serves on a listener, which must be bound and non-blocking, until `stop` is cancelled. Gives
    /// where it listens, and the task that serves.
    ///
    /// # Errors
    /// When the system does not let it listen.
    pub fn listen(
        self: &Arc<Self>,
        listener: std::net::TcpListener,
        stop: CancellationToken,
    ) -> Result<(SocketAddr, impl Future<Output = ()> + Send + use<>), WebError> {
        let address = listener.local_addr().map_err(WebError::Ended)?;
        let listener = TcpListener::from_std(listener).map_err(WebError::Ended)?;
        let serving = serve::serve(listener, CONNECTIONS_MAX, self.clone(), stop);
        Ok((address, serving))
    }

    async fn respond<B>(
        &self,
        request: Request<B>,
        exchange: &mut Option<Exchange>,
    ) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let found = self.routes.load().get(request.uri().path()).cloned();
        let Some(hook) = found else {
            return self.respond_for_bot(request, exchange).await;
        };
        let taken = self.take(&hook, request, exchange).await;
        hook.counts.note(&hook.route, taken);
        self.counted.notify_one();
        match taken {
            Ok(_) => empty(StatusCode::ACCEPTED),
            Err(refusal) => refused(refusal),
        }
    }

    async fn take<B>(
        &self,
        hook: &Hook,
        request: Request<B>,
        exchange: &mut Option<Exchange>,
    ) -> Result<Taken, Refusal>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let config = &hook.route.config;
        let (head, body) = request.into_parts();
        // What the head shows is known before a byte of the body is read.
        let proof = check::check_head(config, &head.method, &head.headers)?;
        if announced(&head.headers).is_some_and(|bytes| bytes > config.max_body_bytes as u64) {
            return Err(Refusal::TooLarge);
        }
        let is_signed = matches!(proof, Proof::Signature(_));
        if !is_signed {
            // With a signature the body is needed first: strangers must not use up the sender's calls.
            hook.spend()?;
        }
        let bounds = Bounds {
            turns: &hook.turns,
            all: match proof {
                Proof::Given => &self.proved,
                Proof::NotAsked | Proof::Signature(_) => &self.unproved,
            },
            bytes: config.max_body_bytes,
            times: BODY_TIMES,
        };
        let body = read_body(body, bounds).await?;
        if let Some(exchange) = exchange {
            exchange.add_bytes(body.len() as u64);
        }
        check::check_body(config, &proof, &body)?;
        if is_signed {
            hook.spend()?;
        }
        // Those who have proved themselves wait for the journal in a room of their own.
        let _turn = turn(&hook.turns.proved).await?;
        let _proved = turn(&self.proved).await?;
        let CheckedCall { key, payload } =
            check::make_call(config, &hook.route.plugin, &hook.route.name, &head, body);
        let call = HookCall {
            tenant: hook.route.tenant.clone(),
            plugin: hook.route.plugin.clone(),
            key,
            payload,
        };
        let taking = tokio::time::timeout(TAKE_WITHIN, self.sink.take(call));
        match taking.await {
            Ok(Ok(Acceptance::New(_))) => Ok(Taken::New),
            Ok(Ok(Acceptance::Duplicate)) => Ok(Taken::Duplicate),
            Ok(Err(IntakeError::Paused(_) | IntakeError::Stopping)) | Err(_) => {
                Err(Refusal::Paused)
            }
        }
    }

    fn count_unknown(&self) {
        let before = self.unknown.fetch_add(1, Ordering::Relaxed);
        if before.is_multiple_of(UNKNOWN_EVERY) {
            tracing::info!(
                calls = before + 1,
                "calls of addresses that are no webhook's"
            );
        }
    }
}

impl Answer for Ingress {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let began = Instant::now();
        let host = request.headers().get(HOST);
        let mut exchange = Exchange::begin(
            Way::In,
            request.method().as_str(),
            host.and_then(|host| host.to_str().ok()).unwrap_or_default(),
            request.uri().path(),
        );
        let response = self.respond(request, &mut exchange).await;
        if let Some(exchange) = &mut exchange {
            exchange.answered(response.status().as_u16());
        }
        self.took.took(began.elapsed());
        response
    }
}

impl Hook {
    /// Takes one of the calls that may come.
    fn spend(&self) -> Result<(), Refusal> {
        self.limiter.check().map_err(|not_until| {
            Refusal::TooMany(not_until.wait_time_from(DefaultClock::default().now()))
        })
    }
}

fn limiter(config: &HookConfig) -> Arc<DefaultDirectRateLimiter> {
    let most = config.per_minute;
    let burst = (most.get() / BURST_SHARE).max(BURST_MIN);
    let burst = std::num::NonZeroU32::new(burst).map_or(most, |burst| burst.min(most));
    Arc::new(RateLimiter::direct(
        Quota::per_minute(most).allow_burst(burst),
    ))
}

/// Bytes that the body is said to have.
fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn refused(refusal: Refusal) -> Response<Full<Bytes>> {
    let mut response = empty(refusal.status());
    let headers = response.headers_mut();
    let again = match refusal {
        Refusal::TooMany(wait) => Some(wait.as_secs() + 1),
        Refusal::Busy | Refusal::Paused => Some(AGAIN_SECS),
        _ => None,
    };
    if let Some(secs) = again {
        headers.insert(RETRY_AFTER, HeaderValue::from(secs));
    }
    if refusal == Refusal::Method {
        headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}
