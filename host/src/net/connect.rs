//! Connections: straight to an address that was checked, or through the proxy by name.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Uri, header};
use http_body_util::Empty;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::egress::{EgressError, chain, of_cause};
use super::resolve::{Lookup, Names};
use super::route::{NetConfig, Proxy, is_own_name};

/// Time for a connection straight to a server.
const CONNECT: Duration = Duration::from_secs(5);
/// Time for a connection through a proxy, which has one to make itself.
const CONNECT_THROUGH: Duration = Duration::from_secs(10);

/// A stream of bytes, with TLS or without.
trait Stream: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Stream for T {}

/// What ended a connection's TLS: HTTP/2 hands on the words of an error, and not what it is.
#[derive(Clone, Default)]
pub(super) struct TlsEnd(Arc<OnceLock<rustls::Error>>);

impl TlsEnd {
    /// What ended the TLS of the connection that an error is about.
    pub(super) fn of(connected: &Connected) -> Option<EgressError> {
        let mut extras = http::Extensions::new();
        connected.get_extras(&mut extras);
        let error = extras.get::<Self>()?.0.get()?;
        Some(EgressError::Tls(error.to_string()))
    }

    fn keep(&self, error: &io::Error) {
        let inner = error.get_ref().and_then(|it| it.downcast_ref());
        if let Some(error) = inner.cloned() {
            // The first is the cause of those after it.
            let _ = self.0.set(error);
        }
    }
}

/// A connection that requests can be made on.
pub(super) struct Line {
    stream: Box<dyn Stream>,
    tls_end: TlsEnd,
    is_http2: bool,
    /// The proxy reads the requests, and wants to be told their whole address.
    is_read_by_proxy: bool,
}

impl Line {
    fn plain(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            tls_end: TlsEnd::default(),
            is_http2: false,
            is_read_by_proxy: false,
        }
    }
}

/// Makes connections; clones share their settings.
#[derive(Clone)]
pub(super) struct Connector {
    parts: Arc<Parts>,
    tls: Arc<ClientConfig>,
}

/// What all connectors of one sender share.
pub(super) struct Parts {
    config: NetConfig,
    to_server: HttpConnector<Names>,
    to_proxy: HttpConnector<Names>,
    proxy_tls: Arc<ClientConfig>,
    /// Whoever connects goes where the operator says, and talks what no proxy reads.
    is_operators: bool,
}

impl Parts {
    /// For requests to where plugins want to go.
    pub(super) fn new(
        config: NetConfig,
        lookup: &Arc<dyn Lookup>,
        proxy_tls: Arc<ClientConfig>,
    ) -> Self {
        Self {
            config,
            to_server: tcp(Names::public(lookup.clone())),
            // The operator names the proxy, which is near as a rule.
            to_proxy: tcp(Names::any(lookup.clone())),
            proxy_tls,
            is_operators: false,
        }
    }

    /// For streams of any kind to where the operator says, near addresses included.
    pub(super) fn of_operator(
        config: NetConfig,
        lookup: &Arc<dyn Lookup>,
        proxy_tls: Arc<ClientConfig>,
    ) -> Self {
        Self {
            to_server: tcp(Names::any(lookup.clone())),
            is_operators: true,
            ..Self::new(config, lookup, proxy_tls)
        }
    }

    pub(super) fn config(&self) -> &NetConfig {
        &self.config
    }
}

fn tcp(names: Names) -> HttpConnector<Names> {
    let mut tcp = HttpConnector::new_with_resolver(names);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp
}

impl Connector {
    /// Makes a connector that shows itself as these TLS settings say.
    pub(super) fn new(parts: Arc<Parts>, tls: Arc<ClientConfig>) -> Self {
        Self { parts, tls }
    }

    /// Connects within the time that there is for it.
    pub(super) async fn open(&self, target: Uri) -> Result<Line, EgressError> {
        let line = tokio::time::timeout(self.time(), self.connect(target)).await;
        line.map_err(|_| EgressError::ConnectTimedOut)?
    }

    async fn connect(&self, target: Uri) -> Result<Line, EgressError> {
        let host = target.host().unwrap_or_default().to_owned();
        let is_secure = target.scheme() == Some(&Scheme::HTTPS);
        let Some(proxy) = self.parts.config.proxy_for(&host) else {
            let stream = reach(&self.parts.to_server, target).await?;
            return if is_secure {
                self.secure(stream, &host).await
            } else {
                Ok(Line::plain(stream))
            };
        };
        if is_own_name(&host) && !self.parts.is_operators {
            let refused = format!("{host} behind a proxy is the proxy itself");
            return Err(EgressError::Address(refused));
        }
        let stream = self.reach_proxy(proxy).await?;
        if !is_secure && !self.parts.is_operators {
            return Ok(Line {
                is_read_by_proxy: true,
                ..Line::plain(stream)
            });
        }
        let port = target
            .port_u16()
            .unwrap_or(if is_secure { 443 } else { 80 });
        let tunnel = open_tunnel(stream, proxy, &format!("{host}:{port}")).await?;
        if is_secure {
            self.secure(tunnel, &host).await
        } else {
            Ok(Line::plain(tunnel))
        }
    }

    async fn secure(&self, stream: impl Stream + 'static, host: &str) -> Result<Line, EgressError> {
        let stream = secure(&self.tls, stream, host).await?;
        let protocol = stream.inner().get_ref().1.alpn_protocol();
        Ok(Line {
            is_http2: protocol == Some(b"h2".as_slice()),
            ..Line::plain(stream)
        })
    }

    async fn reach_proxy(&self, proxy: &Proxy) -> Result<Box<dyn Stream>, EgressError> {
        let uri = proxy.uri();
        let unreachable = |error: &EgressError| {
            EgressError::Proxy(format!("proxy {} not reached: {error}", proxy.name()))
        };
        let host = uri.host().unwrap_or_default().to_owned();
        let is_secure = uri.scheme() == Some(&Scheme::HTTPS);
        let stream = reach(&self.parts.to_proxy, uri).await;
        let stream = stream.map_err(|error| unreachable(&error))?;
        if !is_secure {
            return Ok(Box::new(stream));
        }
        let stream = secure(&self.parts.proxy_tls, stream, &host).await;
        Ok(Box::new(stream.map_err(|error| unreachable(&error))?))
    }

    fn time(&self) -> Duration {
        match self.parts.config.proxy {
            None => CONNECT,
            Some(_) => CONNECT_THROUGH,
        }
    }
}

async fn reach(
    tcp: &HttpConnector<Names>,
    target: Uri,
) -> Result<TokioIo<tokio::net::TcpStream>, EgressError> {
    let reached = tcp.clone().call(target).await;
    reached.map_err(|error| not_connected(&error))
}

async fn secure<S: Stream>(
    tls: &Arc<ClientConfig>,
    stream: S,
    host: &str,
) -> Result<TokioIo<tokio_rustls::client::TlsStream<TokioIo<S>>>, EgressError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.trim_end_matches('.').to_owned());
    let name = name.map_err(|_| EgressError::Tls(format!("{host} is no name of a server")))?;
    let stream = TlsConnector::from(tls.clone()).connect(name, TokioIo::new(stream));
    let stream = stream.await.map_err(|error| not_connected(&error))?;
    Ok(TokioIo::new(stream))
}

fn not_connected(error: &(dyn Error + 'static)) -> EgressError {
    if let Some(known) = of_cause(error) {
        return known;
    }
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(error) = cause.downcast_ref::<io::Error>()
            && error.kind() == io::ErrorKind::TimedOut
        {
            return EgressError::ConnectTimedOut;
        }
        next = cause.source();
    }
    EgressError::Connect(chain(error))
}

/// Has the proxy connect to a name, which the proxy alone looks up.
async fn open_tunnel(
    stream: Box<dyn Stream>,
    proxy: &Proxy,
    authority: &str,
) -> Result<hyper::upgrade::Upgraded, EgressError> {
    let broken = |error: hyper::Error| {
        let error = chain(&error);
        EgressError::Proxy(format!("proxy {} not understood: {error}", proxy.name()))
    };
    let mut request = Request::connect(authority).header(header::HOST, authority);
    if let Some(value) = proxy.authorization() {
        request = request.header(header::PROXY_AUTHORIZATION, value.clone());
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|error| EgressError::Connect(error.to_string()))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
        .await
        .map_err(broken)?;
    let ask = async {
        let answer = sender.send_request(request).await.map_err(broken)?;
        match answer.status() {
            status if status.is_success() => hyper::upgrade::on(answer).await.map_err(broken),
            status => Err(refused(proxy, status, authority)),
        }
    };
    let connection = async { connection.with_upgrades().await.map_err(broken) };
    let ((), tunnel) = tokio::try_join!(connection, ask)?;
    Ok(tunnel)
}

/// What it means that a proxy answered so.
pub(super) fn refused(proxy: &Proxy, status: http::StatusCode, authority: &str) -> EgressError {
    let (name, status) = (proxy.name(), status.as_u16());
    match (status, proxy.authorization().is_some()) {
        (407, true) => EgressError::Proxy(format!(
            "proxy {name} refused the user name or the password (407)"
        )),
        (407, false) => EgressError::Proxy(format!(
            "proxy {name} wants a user name and a password (407)"
        )),
        _ => EgressError::Connect(format!("proxy {name} answered {status} for {authority}")),
    }
}

impl Service<Uri> for Connector {
    type Response = Line;
    type Error = EgressError;
    type Future = Pin<Box<dyn Future<Output = Result<Line, EgressError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), EgressError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.open(target).await })
    }
}

impl Connection for Line {
    fn connected(&self) -> Connected {
        let connected = Connected::new()
            .proxy(self.is_read_by_proxy)
            .extra(self.tls_end.clone());
        if self.is_http2 {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl Read for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Poll::Ready(Err(error)) = &read {
            self.tls_end.keep(error);
        }
        read
    }
}

impl Write for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}
