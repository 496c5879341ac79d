//! HTTP clients of one sender: one for everybody, and one for each certificate that is shown.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;

use super::connect::{Connector, Parts};
use super::egress::EgressError;
use super::mask::Mask;
use super::resolve::Lookup;
use super::route::{NetConfig, Proxy};
use super::tls::{Identity, Trust};

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// Idle connections kept for one host.
const IDLE_PER_HOST: usize = 8;
/// Clients kept for certificates; the oldest goes first.
const MAX_CERTIFIED: usize = 64;
/// In the order in which they are offered.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A client that keeps connections.
pub(super) type HttpClient = Client<Connector, Full<Bytes>>;

/// The clients of one sender.
pub(super) struct Clients {
    trust: Trust,
    parts: Arc<Parts>,
    mask: Mask,
    plain: HttpClient,
    /// A connection on which a certificate was shown must serve no request without it.
    certified: Mutex<Vec<(Identity, HttpClient)>>,
}

impl Clients {
    pub(super) fn new(config: &NetConfig, lookup: &Arc<dyn Lookup>) -> Result<Self, EgressError> {
        let trust = Trust::new(&config.authorities)?;
        let proxy_tls = trust.client(None, &PROTOCOLS[1..])?;
        let parts = Arc::new(Parts::new(config.clone(), lookup, proxy_tls));
        let plain = client(&trust, &parts, None)?;
        Ok(Self {
            mask: config.proxy.as_ref().map(Proxy::mask).unwrap_or_default(),
            trust,
            parts,
            plain,
            certified: Mutex::default(),
        })
    }

    pub(super) fn config(&self) -> &NetConfig {
        self.parts.config()
    }

    /// What hides the proxy's password.
    pub(super) fn mask(&self) -> Mask {
        self.mask.clone()
    }

    /// The client that shows a certificate, or none.
    pub(super) fn client(&self, identity: Option<&Identity>) -> Result<HttpClient, EgressError> {
        let Some(identity) = identity else {
            return Ok(self.plain.clone());
        };
        let mut certified = self.certified.lock();
        if let Some((_, client)) = certified.iter().find(|(known, _)| known == identity) {
            return Ok(client.clone());
        }
        let made = client(&self.trust, &self.parts, Some(identity))?;
        if certified.len() >= MAX_CERTIFIED {
            certified.remove(0);
        }
        certified.push((identity.clone(), made.clone()));
        Ok(made)
    }
}

fn client(
    trust: &Trust,
    parts: &Arc<Parts>,
    identity: Option<&Identity>,
) -> Result<HttpClient, EgressError> {
    let tls = trust.client(identity, &PROTOCOLS)?;
    Ok(Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .build(Connector::new(parts.clone(), tls)))
}
