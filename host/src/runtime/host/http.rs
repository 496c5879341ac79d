//! The import `wasi:http`: counts a call's requests and hands them to the host's own sender.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Limited};
use hyper::body::Bytes;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::net::{CappedBody, Caps, Egress, EgressError};
use crate::runtime::notes::{HttpNote, Notes};
use crate::runtime::store::PluginShared;

/// A response and who works on it.
type Answer = (
    hyper::Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

/// An instance's way out: counts, checks, sends.
pub(in crate::runtime) struct HttpDoor {
    egress: Egress,
    plugin: Arc<PluginShared>,
    caps: Caps,
    requests_limit: u32,
    open_limit: u32,
    /// Probes and replays reach nothing outside.
    is_shut: bool,
    requests: u32,
    open: Arc<AtomicU32>,
    /// Where the requests of the call under way are noted, if they are.
    notes: Option<Arc<Notes>>,
}

/// Counts a request as open while its body may still be read.
struct Open(Arc<AtomicU32>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl HttpDoor {
    /// Makes the way out of an instance.
    pub(in crate::runtime) fn new(
        egress: Egress,
        plugin: &Arc<PluginShared>,
        is_shut: bool,
    ) -> Self {
        let limits = &plugin.limits;
        Self {
            egress,
            plugin: plugin.clone(),
            caps: Caps {
                body_bytes: limits.http_body_bytes,
                header_bytes: limits.http_header_bytes as usize,
                time: Duration::from_millis(u64::from(limits.deadline_ms)),
                ..Caps::default()
            },
            requests_limit: limits.http_requests,
            open_limit: limits.http_open,
            is_shut,
            requests: 0,
            open: Arc::new(AtomicU32::new(0)),
            notes: None,
        }
    }

    /// Gives the next call its share.
    pub(in crate::runtime) fn begin_call(&mut self, notes: Option<&Arc<Notes>>) {
        self.requests = 0;
        self.notes = notes.filter(|notes| notes.is_whole()).cloned();
    }

    /// How many requests of the last call were let out.
    pub(in crate::runtime) fn requests(&self) -> u32 {
        self.requests
    }

    /// Tells whether a request was left open.
    pub(in crate::runtime) fn has_open(&self) -> bool {
        self.open.load(Ordering::SeqCst) > 0
    }

    fn admit(&mut self) -> Result<Open, Error> {
        if self.is_shut {
            return Err(Error::HttpRequestDenied);
        }
        if self.requests >= self.requests_limit
            || self.open.load(Ordering::SeqCst) >= self.open_limit
        {
            return Err(Error::ConnectionLimitReached);
        }
        self.requests += 1;
        self.open.fetch_add(1, Ordering::SeqCst);
        Ok(Open(self.open.clone()))
    }
}

impl WasiHttpHooks for HttpDoor {
    fn send_request(
        &mut self,
        request: hyper::Request<WasiBody>,
        options: Option<RequestOptions>,
        _done: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Answer, Error>> + Send> {
        let noting = self.notes.as_ref();
        let noting = noting.map(|notes| Noting::begin(notes, &request));
        let open = match self.admit() {
            Ok(open) => open,
            Err(error) => {
                if let Some(noting) = noting {
                    noting.end(Err(format!("{error:?}")));
                }
                return Box::new(async move { Err(error) });
            }
        };
        let egress = self.egress.clone();
        let plugin = self.plugin.clone();
        let mut caps = self.caps;
        if let Some(options) = options {
            caps.shorten(
                options.connect_timeout,
                options.first_byte_timeout,
                options.between_bytes_timeout,
            );
        }
        Box::new(async move {
            let answered = exchange(&egress, &plugin, &caps, request).await;
            if let Some(noting) = noting {
                let answered = answered.as_ref();
                noting.end(match answered {
                    Ok(response) => Ok(response.status().as_u16()),
                    Err((_, why)) => Err(why.clone()),
                });
            }
            let response = answered.map_err(|(error, _)| error)?;
            let response = response.map(|body| {
                body.map_frame(move |frame: hyper::body::Frame<Bytes>| {
                    let _open = &open;
                    frame
                })
                .map_err(|error| to_wasi(&error))
                .boxed_unsync()
            });
            let worker: Box<dyn Future<Output = Result<(), Error>> + Send> =
                Box::new(async { Ok(()) });
            Ok((response, worker))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        64 * 1024
    }
}

/// A request that is being noted.
struct Noting {
    notes: Arc<Notes>,
    method: String,
    url: String,
    began: Instant,
}

impl Noting {
    fn begin(notes: &Arc<Notes>, request: &hyper::Request<WasiBody>) -> Self {
        let url = request.uri();
        let path = url.path();
        Self {
            notes: notes.clone(),
            method: request.method().to_string(),
            // What stands behind `?` may be a secret of the plugin's.
            url: match (url.scheme_str(), url.authority()) {
                (Some(scheme), Some(authority)) => format!("{scheme}://{authority}{path}"),
                _ => path.to_owned(),
            },
            began: Instant::now(),
        }
    }

    fn end(self, outcome: Result<u16, String>) {
        self.notes.note_http(HttpNote {
            method: self.method,
            url: self.url,
            outcome,
            took: self.began.elapsed(),
        });
    }
}

/// Sends a request where that is granted; what the guest hears where it has no answer, and why.
async fn exchange(
    egress: &Egress,
    plugin: &PluginShared,
    caps: &Caps,
    request: hyper::Request<WasiBody>,
) -> Result<hyper::Response<CappedBody>, (Error, String)> {
    let failed = |error: EgressError| {
        log(plugin, &error);
        (to_wasi(&error), error.to_string())
    };
    // Before the body: a request that is not granted costs nothing.
    let admitted = plugin.grants.admit(&request);
    admitted.map_err(|why| failed(EgressError::Denied(why.to_string())))?;
    let (parts, body) = request.into_parts();
    let limit = usize::try_from(caps.body_bytes).unwrap_or(usize::MAX);
    // Read whole: the length is then known, and a slow guest holds no connection.
    let body = Limited::new(body, limit).collect().await;
    let too_large = |_| {
        let why = format!("the request has more than {limit} bytes");
        (Error::HttpRequestBodySize(None), why)
    };
    let body = body.map_err(too_large)?.to_bytes();
    let request = hyper::Request::from_parts(parts, body);
    let sent = egress.send(request, &plugin.grants, caps).await;
    sent.map_err(failed)
}

/// Tells the operator what the guest is not told: it gets a class, and no text.
fn log(plugin: &PluginShared, error: &EgressError) {
    let (tenant, plugin) = (&*plugin.tenant, &*plugin.name);
    if error.is_for_operator() {
        tracing::warn!(tenant, plugin, %error, "request of a plugin failed");
    } else {
        tracing::debug!(tenant, plugin, %error, "request of a plugin failed");
    }
}

fn to_wasi(error: &EgressError) -> Error {
    match error {
        EgressError::Denied(_) => Error::HttpRequestDenied,
        EgressError::Address(_) => Error::DestinationIpProhibited,
        EgressError::Dns(_) => Error::DnsError {
            rcode: None,
            info_code: None,
        },
        EgressError::Connect(_) => Error::ConnectionRefused,
        EgressError::ConnectTimedOut => Error::ConnectionTimeout,
        EgressError::Tls(_) => Error::TlsProtocolError,
        EgressError::TimedOut => Error::HttpResponseTimeout,
        EgressError::BodyTooLarge(limit) => Error::HttpResponseBodySize(Some(*limit)),
        EgressError::HeadersTooLarge => Error::HttpResponseHeaderSectionSize(None),
        EgressError::RequestHeadersTooLarge => Error::HttpRequestHeaderSectionSize(None),
        EgressError::Busy => Error::ConnectionLimitReached,
        EgressError::Interrupted(_) => Error::ConnectionTerminated,
        EgressError::Encoded(_) => Error::HttpResponseContentCoding(None),
        EgressError::Proxy(_) | EgressError::Credential(_) | EgressError::Setup(_) => {
            Error::ConfigurationError
        }
    }
}
