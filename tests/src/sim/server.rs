//! One HTTP server for all simulators, with or without TLS, that can fail in the ways networks do.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Response;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::ServerConfig;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::control::{Controls, PREFIX};
use super::der::common_name;
use super::fault::Faults;
use super::http::query_pairs;
use super::record::shown;
use super::socket::is_asked_for;
use super::{Clock, Dice, Fault, Logged, Platform, Record, Reply, Request, Sent, found_in_time};

/// Bytes that a request may have.
const BODY_LIMIT: usize = 160 * 1024 * 1024;
/// How long a client may take over its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How a server shows itself: with which certificate, and whose it asks for.
pub type Tls = Arc<ServerConfig>;

/// What all of a simulator's servers share.
pub struct Shared {
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) faults: Faults,
    pub(crate) record: Arc<Record>,
    pub(crate) clock: Clock,
    waiting: Mutex<Vec<Waiting>>,
}

struct Waiting {
    number: u64,
    method: String,
    path: String,
    close: CancellationToken,
}

impl Shared {
    /// Makes what servers of this platform share.
    pub fn new(platform: Arc<dyn Platform>, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            platform,
            faults: Faults::default(),
            record: Arc::default(),
            clock,
            waiting: Mutex::default(),
        })
    }

    /// Every request so far.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Makes the next matching calls fail.
    pub fn fault(&self, fault: Fault) {
        Controls::add(self, fault);
    }

    /// Lets dice decide which calls fail.
    pub fn fault_by(&self, dice: Dice) {
        self.faults.roll(dice);
    }

    /// Lets all calls succeed again.
    pub fn clear_faults(&self) {
        self.faults.clear();
    }

    /// Does what a script asks, as `POST /_sim/{verb}`.
    ///
    /// # Panics
    /// When it cannot be done.
    #[track_caller]
    pub fn act(&self, verb: &str, what: Value) -> Value {
        match self.platform.act(verb, &what) {
            Ok(done) => done,
            Err(why) => panic!("{verb} {what}: {why}"),
        }
    }

    /// Sets how the platform behaves, as `POST /_sim/set`.
    #[track_caller]
    pub fn set(&self, what: Value) {
        self.act("set", what);
    }

    /// What bots did after this number.
    pub fn sent_after(&self, after: u64) -> Vec<Sent> {
        self.platform.sent(after)
    }

    /// The number of the last thing a bot did.
    pub fn sent_count(&self) -> u64 {
        self.platform.sent_count()
    }

    /// Waits until something a bot did after this number is as wanted; none when it takes too long.
    pub async fn sent_like(
        &self,
        after: u64,
        patience: Duration,
        is_wanted: impl Fn(&Sent) -> bool,
    ) -> Option<Sent> {
        let look = || {
            let mut sent = self.sent_after(after).into_iter();
            sent.find(|sent| is_wanted(sent))
        };
        found_in_time(self.platform.bell(), patience, look).await
    }

    /// The webhooks that the platform sent, a line each, where it has any.
    pub fn called(&self) -> Vec<String> {
        self.platform.called()
    }

    /// The requests after this number.
    pub fn requests_after(&self, after: u64) -> Vec<Logged> {
        self.record.after(after)
    }

    /// How many requests there were.
    pub fn request_count(&self) -> u64 {
        self.record.count()
    }

    /// Waits until a request after this number is as wanted; it may be under way still. None when it
    /// takes too long.
    pub async fn request_like(
        &self,
        after: u64,
        patience: Duration,
        is_wanted: impl Fn(&Logged) -> bool,
    ) -> Option<Logged> {
        let look = || {
            let mut asked = self.requests_after(after).into_iter();
            asked.find(|logged| is_wanted(logged))
        };
        found_in_time(self.record.bell(), patience, look).await
    }

    /// Closes the connections of matching calls that are under way; tells how many.
    pub(crate) fn close_waiting(&self, fault: &Fault) -> u32 {
        let waiting = self.waiting.lock();
        let most = match fault.times {
            Some(0) => usize::MAX,
            times => times.unwrap_or(1) as usize,
        };
        let matching = waiting
            .iter()
            .filter(|call| fault.is_about(&call.method, &call.path));
        let mut closed = 0;
        for call in matching.take(most) {
            call.close.cancel();
            closed += 1;
        }
        closed
    }
}

/// A server that listens until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: CancellationToken,
}

/// What a server is asked to be.
pub struct Listening {
    /// Its port; 0: any free one.
    pub port: u16,
    /// Its certificate; none: plain HTTP.
    pub tls: Option<Tls>,
}

impl Server {
    /// Listens on loopback.
    ///
    /// # Errors
    /// When the port cannot be listened on.
    pub async fn start(listening: Listening, shared: Arc<Shared>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", listening.port)).await?;
        let server = Self {
            address: listener.local_addr()?,
            stop: CancellationToken::new(),
        };
        let stop = server.stop.clone();
        let acceptor = listening.tls.map(TlsAcceptor::from);
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = stop.cancelled() => return,
                };
                let Ok((stream, _)) = accepted else {
                    // No more files can be opened, or the client is gone already: the others go on.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                let stop = stop.clone();
                let served = serve(stream, acceptor.clone(), shared.clone(), stop.clone());
                tokio::spawn(async move {
                    tokio::select! { () = served => {}, () = stop.cancelled() => {} }
                });
            }
        });
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    stop: CancellationToken,
) {
    // Answers are small; waiting to fill a packet only makes tests slow.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    match acceptor {
        None => connection(stream, None, shared, stop).await,
        Some(acceptor) => {
            let shaken = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
            // Who does not get through the handshake learns of it by the handshake.
            if let Ok(Ok(stream)) = shaken {
                let shown = stream.get_ref().1.peer_certificates();
                let name = shown
                    .and_then(|chain| chain.first())
                    .and_then(|shown| common_name(shown));
                connection(stream, name, shared, stop).await;
            }
        }
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    certificate: Option<String>,
    shared: Arc<Shared>,
    stop: CancellationToken,
) {
    let service = service_fn(|request| {
        let (shared, certificate) = (shared.clone(), certificate.clone());
        answer(shared, certificate, request, stop.clone())
    });
    let served = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // How a connection ends is the client's affair, or a fault that was asked for.
    if served.await.is_err() {}
}

/// The connection is to be closed.
#[derive(Debug, thiserror::Error)]
#[error("closed as a script asked")]
struct Closed;

type Body = UnsyncBoxBody<Bytes, Closed>;

async fn answer(
    shared: Arc<Shared>,
    certificate: Option<String>,
    mut request: axum::http::Request<Incoming>,
    stop: CancellationToken,
) -> Result<Response<Body>, Closed> {
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return Ok(response(Reply::empty(413), None));
    };
    let mut request = Request {
        number: 0,
        method: head.method,
        path: head.uri.path().to_owned(),
        query: query_pairs(head.uri.query().unwrap_or("")),
        headers: head.headers,
        body: body.to_bytes(),
        certificate,
    };
    if request.path == PREFIX || request.path.starts_with(&format!("{PREFIX}/")) {
        return Ok(response(Controls::answer(&shared, &request), None));
    }
    // Whoever sees the call recorded knows that what they script now is for the next one.
    let fault = shared.faults.take(request.method.as_str(), &request.path);
    shared.record.begin(shared.clock.now(), &mut request);
    let number = request.number;
    let faulted = fault.is_some();
    if fault.as_ref().is_some_and(Fault::hides_answer) {
        shared.record.hide(number);
    }
    let truncate = fault.as_ref().and_then(|fault| fault.truncate);
    let socket = Socket { upgrade, stop };
    let reply = faulty(&shared, request, fault, socket).await;
    shared.record.end(number, |logged| {
        logged.faulted = faulted;
        match &reply {
            Ok(reply) => {
                logged.status = Some(reply.status);
                logged.notes = reply.notes.clone();
                logged.answer = shown(&reply.body);
            }
            Err(Closed) => logged.status = Some(0),
        }
    });
    Ok(response(reply?, truncate))
}

/// What becomes a WebSocket, where a client asks for one and the platform agrees.
struct Socket {
    upgrade: OnUpgrade,
    stop: CancellationToken,
}

async fn faulty(
    shared: &Arc<Shared>,
    request: Request,
    fault: Option<Fault>,
    socket: Socket,
) -> Result<Reply, Closed> {
    let Some(fault) = fault else {
        return performed(shared, request, socket, true).await;
    };
    let delay = Duration::from_millis(fault.delay_ms);
    if fault.close_socket {
        tokio::select! {
            biased;
            // Its answer is lost either way.
            _ = performed(shared, request, socket, false) => {}
            () = tokio::time::sleep(delay) => {}
        }
        return Err(Closed);
    }
    if !fault.perform {
        tokio::time::sleep(delay).await;
    }
    let replaced = fault.reply();
    if (fault.drop || replaced.is_some()) && !fault.perform {
        return replaced.filter(|_| !fault.drop).ok_or(Closed);
    }
    let reply = performed(shared, request, socket, false).await?;
    if fault.perform {
        tokio::time::sleep(delay).await;
    }
    if fault.drop {
        return Err(Closed);
    }
    Ok(replaced.unwrap_or(reply))
}

/// Performs a call; it may be closed while it is under way, where nothing else is wrong with it.
async fn performed(
    shared: &Arc<Shared>,
    request: Request,
    socket: Socket,
    may_close: bool,
) -> Result<Reply, Closed> {
    if is_asked_for(&request)
        && let Some(opened) = shared.platform.socket(&request)
    {
        return Ok(match opened {
            Ok(opened) => opened.agree(&request, socket.upgrade, socket.stop),
            Err(reply) => reply,
        });
    }
    let close = CancellationToken::new();
    let number = request.number;
    shared.waiting.lock().push(Waiting {
        number,
        method: request.method.to_string(),
        path: request.path.clone(),
        close: close.clone(),
    });
    // Dropped too where the client goes away.
    let _listed = Listed(shared, number);
    // A script that asked for it a moment ago found nobody waiting.
    if may_close
        && shared
            .faults
            .take_close(request.method.as_str(), &request.path)
    {
        close.cancel();
    }
    tokio::select! {
        biased;
        () = close.cancelled() => Err(Closed),
        reply = shared.platform.handle(request) => Ok(reply),
    }
}

struct Listed<'a>(&'a Shared, u64);

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.0.waiting.lock().retain(|call| call.number != self.1);
    }
}

fn response(reply: Reply, truncate: Option<usize>) -> Response<Body> {
    let length = reply.body.len();
    let body = match truncate {
        Some(bytes) if bytes < length => {
            let start = reply.body.slice(..bytes);
            let frames = stream::iter([Ok(Frame::data(start))]);
            // The client must have got the start before the connection ends.
            let end = stream::once(async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(Closed)
            });
            UnsyncBoxBody::new(StreamBody::new(frames.chain(end)))
        }
        _ => Full::new(reply.body)
            .map_err(|never: Infallible| match never {})
            .boxed_unsync(),
    };
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name.as_str(), value.as_str());
    }
    if !matches!(reply.status, 101 | 204 | 304) {
        response = response.header("content-length", length);
    }
    response.body(body).unwrap_or_else(|_| {
        let nothing = Full::new(Bytes::new()).map_err(|never: Infallible| match never {});
        let mut failed = Response::new(nothing.boxed_unsync());
        *failed.status_mut() = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}
