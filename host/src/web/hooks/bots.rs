//! Calls of bots' platforms, under the bounds of the ingress. Which bot has which path; the connector
//! says who calls.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Body;
use tokio::time::timeout;

use super::body::{BODY_TIMES, Bounds, Turns, read_body, turn};
use super::check::Refusal;
use super::config::MAX_BODY_BYTES;
use super::counts::{Counts, Taken};
use super::{Ingress, TAKE_WITHIN, announced, refused};
use crate::mailbox::calls::{Call, CallAnswer, CallHead, CallRefusal, Called};
use crate::model::{Name, Timestamp};
use crate::telemetry::wire::Exchange;
use crate::web::serve::{empty, with_body};

/// Where the host's own paths begin: no bot's own path does.
pub const RESERVED: [&str; 2] = ["/hooks", "/bots"];

/// The path of a bot, as a client writes it.
pub fn bot_path(tenant: &str, bot: &str) -> String {
    let mut url = url::Url::parse("http://h/bots").expect("a constant address parses");
    // Only an address that cannot be a base has no segments.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.extend([tenant, bot]);
    }
    url.path().to_owned()
}

/// How a bot's calls do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotCallsStatus {
    /// The tenant.
    pub tenant: Name,
    /// The bot.
    pub bot: Name,
    /// Where it is called.
    pub path: String,
    /// Calls that were answered.
    pub taken: u64,
    /// Calls that were refused, by reason; reasons that never came are left out.
    pub refused: Vec<(&'static str, u64)>,
    /// The last refusal: why and when.
    pub last_refusal: Option<(&'static str, Timestamp)>,
}

/// A bot that is called.
pub(super) struct Bell {
    tenant: Name,
    bot: Name,
    path: String,
    called: Arc<dyn Called>,
    counts: Arc<Counts>,
    turns: Turns,
}

/// The bots that are called, by path.
#[derive(Default)]
pub(super) struct Bells(ArcSwap<HashMap<String, Arc<Bell>>>);

impl Bells {
    pub(super) fn add(&self, tenant: &Name, bot: &str, called: Arc<dyn Called>) -> Option<String> {
        let path = called.path().unwrap_or_else(|| bot_path(tenant, bot));
        let is_same = |bell: &Bell| bell.tenant == *tenant && *bell.bot == *bot;
        let mut is_taken = false;
        self.0.rcu(|bells| {
            let mut bells = HashMap::clone(bells);
            is_taken = bells.get(&path).is_some_and(|bell| !is_same(bell));
            let before = bells.values().find(|bell| is_same(bell)).cloned();
            // What it was before is called no more, whether it gets its path or not.
            bells.retain(|_, bell| !is_same(bell));
            if is_taken {
                return bells;
            }
            let bell = Bell {
                tenant: tenant.clone(),
                bot: bot.into(),
                path: path.clone(),
                called: called.clone(),
                counts: match &before {
                    Some(before) => before.counts.clone(),
                    None => Arc::default(),
                },
                turns: match &before {
                    Some(before) => before.turns.clone(),
                    None => Turns::default(),
                },
            };
            bells.insert(path.clone(), Arc::new(bell));
            bells
        });
        (!is_taken).then_some(path)
    }

    pub(super) fn remove(&self, tenant: &Name, bot: &str) {
        self.0.rcu(|bells| {
            let mut bells = HashMap::clone(bells);
            bells.retain(|_, bell| bell.tenant != *tenant || *bell.bot != *bot);
            bells
        });
    }

    pub(super) fn status(&self) -> Vec<BotCallsStatus> {
        let bells = self.0.load();
        let status = |bell: &Arc<Bell>| {
            let (taken, refused) = bell.counts.sums();
            BotCallsStatus {
                tenant: bell.tenant.clone(),
                bot: bell.bot.clone(),
                path: bell.path.clone(),
                taken,
                refused,
                last_refusal: bell.counts.last_refusal(),
            }
        };
        let mut all: Vec<_> = bells.values().map(status).collect();
        all.sort_by(|one, other| one.path.cmp(&other.path));
        all
    }

    /// The bot whose path a path is or begins with, whole segments counted, and what follows.
    pub(super) fn find<'a>(&self, path: &'a str) -> Option<(Arc<Bell>, &'a str)> {
        let bells = self.0.load();
        let mut prefix = path;
        loop {
            if let Some(bell) = bells.get(prefix) {
                let rest = &path[prefix.len()..];
                return Some((bell.clone(), rest.strip_prefix('/').unwrap_or(rest)));
            }
            prefix = &prefix[..prefix.rfind('/')?];
        }
    }
}

impl Ingress {
    /// Answers a request that is no plugin's webhook.
    pub(super) async fn respond_for_bot<B>(
        &self,
        request: Request<B>,
        exchange: &mut Option<Exchange>,
    ) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = request.uri().path().to_owned();
        let Some((bell, rest)) = self.bells.find(&path) else {
            self.count_unknown();
            return empty(StatusCode::NOT_FOUND);
        };
        let answer = self.ring(&bell, rest, request, exchange).await;
        // Its platform may be one of those who were sent away.
        if matches!(answer, Err(Refusal::Busy | Refusal::Paused)) {
            bell.called.turned_away();
        }
        let end = match &answer {
            Ok(CallAnswer::Later) => Err(Refusal::Paused),
            Ok(CallAnswer::Unreadable) => Err(Refusal::Unreadable),
            Ok(CallAnswer::Taken | CallAnswer::Redirect(_) | CallAnswer::Page(_)) => Ok(Taken::New),
            Err(refusal) => Err(*refusal),
        };
        if let Some((refusal, refused)) = bell.counts.count(end) {
            tracing::warn!(
                tenant = &*bell.tenant,
                bot = &*bell.bot,
                reason = refusal.name(),
                refused,
                "call of a bot's address refused"
            );
        }
        match (end, answer) {
            (Err(refusal), _) => refused(refusal),
            (Ok(_), Ok(CallAnswer::Redirect(to))) => redirect(&to),
            (Ok(_), Ok(CallAnswer::Page(html))) => page(html),
            (Ok(_), _) => empty(StatusCode::OK),
        }
    }

    async fn ring<B>(
        &self,
        bell: &Bell,
        rest: &str,
        request: Request<B>,
        exchange: &mut Option<Exchange>,
    ) -> Result<CallAnswer, Refusal>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let said = CallHead {
            method: &head.method,
            rest,
            query: head.uri.query(),
            headers: &head.headers,
        };
        bell.called.check_head(&said).map_err(refusal)?;
        if announced(&head.headers).is_some_and(|bytes| bytes > MAX_BODY_BYTES as u64) {
            return Err(Refusal::TooLarge);
        }
        let bounds = Bounds {
            turns: &bell.turns,
            all: &self.unproved,
            bytes: MAX_BODY_BYTES,
            times: BODY_TIMES,
        };
        let body = read_body(body, bounds).await?;
        if let Some(exchange) = exchange {
            exchange.add_bytes(body.len() as u64);
        }
        let call = Call {
            query: head.uri.query().map(str::to_owned),
            method: head.method,
            rest: rest.to_owned(),
            headers: head.headers,
            body: body.into(),
        };
        bell.called.check(&call).map_err(refusal)?;
        // Those who have proved themselves wait for the journal in a room of their own.
        let _turn = turn(&bell.turns.proved).await?;
        let _proved = turn(&self.proved).await?;
        let taking = self.sink.ring(&*bell.called, call);
        let taken = timeout(TAKE_WITHIN, taking).await;
        taken.map_err(|_| Refusal::Paused)
    }
}

fn refusal(refusal: CallRefusal) -> Refusal {
    match refusal {
        CallRefusal::Unknown => Refusal::Unknown,
        CallRefusal::Method => Refusal::Method,
        CallRefusal::NoProof => Refusal::NoProof,
        CallRefusal::WrongProof => Refusal::WrongProof,
    }
}

/// Sends a browser elsewhere. Its address may hold a code, which goes nowhere.
fn redirect(to: &str) -> Response<Full<Bytes>> {
    let Ok(location) = HeaderValue::from_str(to) else {
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = empty(StatusCode::SEE_OTHER);
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// A page that loads nothing and is kept nowhere.
fn page(html: String) -> Response<Full<Bytes>> {
    let mut response = with_body(StatusCode::OK, "text/html; charset=utf-8", html);
    let headers = response.headers_mut();
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
