//! Requests in a list: checked as far as that can be done before they are made.

use http::header::{HeaderName, HeaderValue};
use http::{Method, Uri};

use super::{Builder, ListedAction, Refusal, TurnDraft};
use crate::journal::NewRequest;
use crate::model::Name;
use crate::model::action::Request;
use crate::model::event::Header;

/// Bytes of a request's body.
pub const REQUEST_BODY_BYTES: usize = 1024 * 1024;
/// Bytes of the bodies of all requests of one event: they are in its one transaction.
pub const REQUESTS_BYTES: usize = 4 * 1024 * 1024;
/// Headers of a request.
pub const REQUEST_HEADERS: usize = 100;
/// Longest time of a request.
pub const REQUEST_TIMEOUT_MS: u32 = 600_000;
/// Requests of one plugin that have not ended.
pub const REQUESTS_WAITING: u64 = 10_000;
/// Bytes of their bodies.
pub const REQUESTS_WAITING_BYTES: u64 = 64 * 1024 * 1024;

impl Builder<'_> {
    pub(super) fn add_request(
        &self,
        draft: &mut TurnDraft,
        at: ListedAction,
        key: Option<String>,
        request: Request,
    ) -> Result<(), Refusal> {
        let invalid = |detail: String| Refusal::Invalid { at, detail };
        let key = key.ok_or_else(|| invalid("a request needs a key".to_owned()))?;
        let others = draft.requests.iter();
        let others: usize = others.map(|other| other.request.body.len()).sum();
        for (what, found, limit) in [
            (
                "bytes of a request's body",
                request.body.len(),
                REQUEST_BODY_BYTES,
            ),
            (
                "bytes of the bodies of all requests",
                others + request.body.len(),
                REQUESTS_BYTES,
            ),
            (
                "headers of a request",
                request.headers.len(),
                REQUEST_HEADERS,
            ),
        ] {
            if found > limit {
                return Err(Refusal::TooMuch { what, found, limit });
            }
        }
        check(&request).map_err(invalid)?;
        let policy = self.context.policy;
        let bytes = header_bytes(&request);
        let limit = policy.limits.http_header_bytes as usize;
        if bytes > limit {
            return Err(Refusal::TooMuch {
                what: "bytes of a request's headers",
                found: bytes,
                limit,
            });
        }
        let http = policy.http.as_ref();
        if !http.is_some_and(|grants| grants.allows(&request.method, &request.url)) {
            let url = request.url.split(['?', '#']).next().unwrap_or_default();
            return Err(Refusal::RequestNotGranted {
                at,
                plugin: Name::clone(&self.context.delivery.plugin),
                method: request.method,
                url: url.to_owned(),
            });
        }
        draft.requests.push(NewRequest {
            key,
            index: at.index(),
            request,
        });
        Ok(())
    }
}

/// Says what is wrong with a request. What it says holds nothing that may be secret.
fn check(request: &Request) -> Result<(), String> {
    if Method::from_bytes(request.method.as_bytes()).is_err() {
        return Err("a request's method is no HTTP method".to_owned());
    }
    let is_web = |url: &Uri| matches!(url.scheme_str(), Some("http" | "https"));
    let url = request.url.parse::<Uri>().ok().filter(is_web);
    let Some(authority) = url.as_ref().and_then(Uri::authority) else {
        return Err("a request's url is no URL that begins with http:// or https://".to_owned());
    };
    if authority.as_str().contains('@') {
        return Err("a request's url must not hold credentials".to_owned());
    }
    if request.timeout_ms == 0 || request.timeout_ms > REQUEST_TIMEOUT_MS {
        return Err(format!(
            "a request may take 1 to {REQUEST_TIMEOUT_MS} ms, found {}",
            request.timeout_ms
        ));
    }
    for Header { name, value } in &request.headers {
        if name.parse::<HeaderName>().is_err() {
            return Err(format!("a request's header cannot have the name {name:?}"));
        }
        if HeaderValue::from_str(value).is_err() {
            return Err(format!(
                "the value of a request's header {name} is no text of one line"
            ));
        }
    }
    match &request.idempotency_header {
        Some(name) if name.parse::<HeaderName>().is_err() => Err(format!(
            "a request's idempotency header cannot have the name {name:?}"
        )),
        _ => Ok(()),
    }
}

fn header_bytes(request: &Request) -> usize {
    let headers = request.headers.iter();
    headers
        .map(|header| header.name.len() + header.value.len() + 4)
        .sum()
}
