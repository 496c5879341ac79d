//! Looks how far one comes on the way that requests to a host go: its name, the proxy, the connection,
//! its certificate, and what time it is there. Nothing is shown to it and nothing is asked of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::Empty;
use tokio::time::timeout;
use url::{Host, Url};

use super::connect::{Connector, Line, Parts};
use super::egress::EgressError;
use super::resolve::{Lookup, SystemLookup};
use super::route::NetConfig;
use super::tls::{Identity, Trust};

/// A connection speaks what every server understands.
const PROTOCOLS: [&[u8]; 1] = [b"http/1.1"];

/// How far one comes.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The proxy that the way leads through.
    pub proxy: Option<String>,
    /// Where the name leads; nothing where the proxy looks it up.
    pub addresses: Vec<IpAddr>,
    /// By how many seconds this machine's clock is ahead of the server's; none where it does not tell
    /// the time.
    pub ahead_secs: Option<i64>,
    /// Why one comes no further; none where the server is reached.
    pub end: Option<EgressError>,
}

/// Goes the way of an address, `https`, `http`, `wss` or `ws`, and shows this certificate where one is
/// asked for. Each step takes no longer than `patience`.
pub async fn probe(
    url: &Url,
    config: &NetConfig,
    identity: Option<&Identity>,
    patience: Duration,
) -> Probe {
    let host = url.host_str().unwrap_or_default();
    let proxy = config.proxy_for(host);
    let mut probe = Probe {
        proxy: proxy.map(|proxy| proxy.name().to_owned()),
        addresses: Vec::new(),
        ahead_secs: None,
        end: None,
    };
    if proxy.is_none() {
        match addresses_of(url, patience).await {
            Ok(addresses) => probe.addresses = addresses,
            Err(error) => {
                probe.end = Some(error);
                return probe;
            }
        }
    }
    match line_to(url, config, identity, patience).await {
        Ok(line) => probe.ahead_secs = ahead_of(line, url, patience).await,
        Err(error) => probe.end = Some(error),
    }
    probe
}

async fn addresses_of(url: &Url, patience: Duration) -> Result<Vec<IpAddr>, EgressError> {
    let name = match url.host() {
        Some(Host::Ipv4(address)) => return Ok(vec![address.into()]),
        Some(Host::Ipv6(address)) => return Ok(vec![address.into()]),
        Some(Host::Domain(name)) => name,
        None => return Err(EgressError::Dns("no name is there".to_owned())),
    };
    let found = match timeout(patience, SystemLookup.lookup(name)).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(EgressError::Dns(format!("{name} is not known: {error}"))),
        Err(_) => return Err(EgressError::Dns(format!("nobody tells where {name} is"))),
    };
    match found.is_empty() {
        true => Err(EgressError::Dns(format!("{name} has no address"))),
        false => Ok(found),
    }
}

async fn line_to(
    url: &Url,
    config: &NetConfig,
    identity: Option<&Identity>,
    patience: Duration,
) -> Result<Line, EgressError> {
    let trust = Trust::new(&config.authorities)?;
    let tls = trust.client(identity, &PROTOCOLS)?;
    let proxy_tls = trust.client(None, &PROTOCOLS)?;
    let lookup: Arc<dyn Lookup> = Arc::new(SystemLookup);
    let parts = Parts::of_operator(config.clone(), &lookup, proxy_tls);
    let scheme = match url.scheme() {
        "https" | "wss" => "https",
        _ => "http",
    };
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let target = Uri::builder().scheme(scheme).authority(authority);
    let target = target.path_and_query("/").build();
    let target = target.map_err(|error| EgressError::Setup(error.to_string()))?;
    let line = timeout(patience, Connector::new(Arc::new(parts), tls).open(target)).await;
    line.map_err(|_| EgressError::ConnectTimedOut)?
}

/// Asks for nothing, and reads in the answer what time it is. Which answer it is does not matter.
async fn ahead_of(line: Line, url: &Url, patience: Duration) -> Option<i64> {
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let request = Request::head("/").header(header::HOST, authority);
    let request = request.body(Empty::<Bytes>::new()).ok()?;
    let ask = async {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(line).await.ok()?;
        let mut answer = std::pin::pin!(sender.send_request(request));
        tokio::select! {
            answer = &mut answer => answer.ok(),
            // Its last act may have been the answer.
            _ = connection => answer.await.ok(),
        }
    };
    let began = SystemTime::now();
    let answer = timeout(patience, ask).await.ok()??;
    let took = began.elapsed().unwrap_or_default();
    let there = answer.headers().get(header::DATE)?.to_str().ok()?;
    let there = httpdate::parse_http_date(there).ok()?;
    Some(seconds_between(began + took / 2, there))
}

fn seconds_between(here: SystemTime, there: SystemTime) -> i64 {
    let whole = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match here.duration_since(there) {
        Ok(ahead) => whole(ahead),
        Err(behind) => -whole(behind.duration()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// A server that answers one request so.
    async fn server(answer: &'static str) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 1024];
            let read = stream.read(&mut head).await.unwrap();
            assert!(head[..read].starts_with(b"HEAD / HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        Url::parse(&format!("http://{address}/x")).unwrap()
    }

    #[tokio::test]
    async fn whatever_a_server_answers_it_is_reached_and_its_clock_is_read() {
        let answer = "HTTP/1.1 404 Not Found\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
        let url = server(answer).await;
        let probe = probe(&url, &NetConfig::default(), None, PATIENCE).await;
        assert!(probe.end.is_none(), "{probe:?}");
        assert_eq!(probe.addresses, [IpAddr::from([127, 0, 0, 1])]);
        let years = probe.ahead_secs.unwrap() / (365 * 24 * 3_600);
        assert!(years > 25, "{probe:?}");
    }

    #[tokio::test]
    async fn a_server_without_a_clock_is_reached_all_the_same() {
        let url = server("HTTP/1.1 200 OK\r\n\r\n").await;
        let probe = probe(&url, &NetConfig::default(), None, PATIENCE).await;
        assert!(probe.end.is_none(), "{probe:?}");
        assert_eq!(probe.ahead_secs, None);
    }

    #[tokio::test]
    async fn each_step_that_fails_has_a_class_of_its_own() {
        let end = async |url: &str| {
            let url = Url::parse(url).unwrap();
            probe(&url, &NetConfig::default(), None, PATIENCE).await.end
        };
        let unknown = end("https://no-such-name.invalid").await;
        assert!(matches!(unknown, Some(EgressError::Dns(_))), "{unknown:?}");
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = closed.local_addr().unwrap();
        drop(closed);
        let refused = end(&format!("https://{address}")).await;
        assert!(
            matches!(refused, Some(EgressError::Connect(_))),
            "{refused:?}"
        );
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = plain.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = plain.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad\r\n\r\n").await.unwrap();
            let mut rest = Vec::new();
            // Until the client gives up.
            let _ = stream.read_to_end(&mut rest).await;
        });
        let no_tls = end(&format!("https://{address}")).await;
        assert!(matches!(no_tls, Some(EgressError::Tls(_))), "{no_tls:?}");
    }

    #[test]
    fn a_clock_may_be_ahead_or_behind() {
        let now = SystemTime::now();
        let minute = Duration::from_secs(60);
        assert_eq!(seconds_between(now + minute, now), 60);
        assert_eq!(seconds_between(now, now + minute), -60);
    }
}
