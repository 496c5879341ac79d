//! One request: from the action to bytes, and from the answer to the event's payload.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Uri};
use http_body_util::BodyExt as _;

use super::{PluginHttp, RESPONSE_BODY_BYTES};
use crate::journal::PendingRequest;
use crate::model::action::Request;
use crate::model::event::Header;
use crate::model::payload::{Response, ResponseError};
use crate::net::{Caps, Egress, EgressError};

/// Headers of an answer that hold or ask for credentials. A plugin never sees them.
const CREDENTIALS: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::SET_COOKIE,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("authentication-info"),
    HeaderName::from_static("proxy-authentication-info"),
    HeaderName::from_static("set-cookie2"),
];

/// The sender has no room at the moment; nothing was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotNow;

/// Tells whether a request may be made once more where nobody knows how the first ended: its method
/// says so, or the other side knows it by the id that the host sends.
pub(super) fn is_repeatable(request: &Request) -> bool {
    let is_safe = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"].contains(&request.method.as_str());
    is_safe || request.idempotency_header.is_some()
}

/// Makes a request and reads its answer whole.
pub(super) async fn send(
    egress: &Egress,
    plugin: &PluginHttp,
    request: &PendingRequest,
) -> Result<Result<Response, ResponseError>, NotNow> {
    let time = Duration::from_millis(u64::from(request.what.request.timeout_ms));
    let caps = Caps {
        body_bytes: plugin.body_bytes.min(RESPONSE_BODY_BYTES),
        header_bytes: plugin.header_bytes,
        time,
        // One time for all of it: what is slow here holds up nobody.
        first_byte: time,
        between_bytes: time,
    };
    let Some(http) = http_request(&request.what.request, &request.token) else {
        return Ok(Err(ResponseError::Failed));
    };
    let answer = async {
        let answer = egress.send(http, &plugin.grants, &caps).await?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok::<_, EgressError>(Response {
            status: parts.status.as_u16(),
            headers: headers_of(&parts.headers),
            body: body.to_vec(),
        })
    };
    match answer.await {
        Ok(response) => Ok(Ok(response)),
        Err(EgressError::Busy) => Err(NotNow),
        Err(error) => {
            let plugin = &*request.plugin;
            tracing::info!(plugin, key = request.what.key, %error, "request failed");
            Ok(Err(class_of(&error)))
        }
    }
}

/// None where the request cannot be written; a turn with such a one is refused.
fn http_request(request: &Request, token: &str) -> Option<http::Request<Bytes>> {
    let method = Method::from_bytes(request.method.as_bytes()).ok()?;
    let uri: Uri = request.url.parse().ok()?;
    let mut http = http::Request::new(Bytes::from(request.body.clone()));
    *http.method_mut() = method;
    *http.uri_mut() = uri;
    for Header { name, value } in &request.headers {
        let name: HeaderName = name.parse().ok()?;
        let value = HeaderValue::from_str(value).ok()?;
        http.headers_mut().append(name, value);
    }
    if let Some(name) = &request.idempotency_header {
        let name: HeaderName = name.parse().ok()?;
        // In the place of what the plugin may have put there.
        let value = HeaderValue::from_str(token).ok()?;
        http.headers_mut().insert(name, value);
    }
    Some(http)
}

fn headers_of(headers: &http::HeaderMap) -> Vec<Header> {
    headers
        .iter()
        .filter(|(name, _)| !CREDENTIALS.contains(name))
        .map(|(name, value)| Header {
            name: name.as_str().to_owned(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        })
        .collect()
}

fn class_of(error: &EgressError) -> ResponseError {
    match error {
        EgressError::Denied(_) | EgressError::Address(_) => ResponseError::Denied,
        EgressError::Dns(_) | EgressError::Connect(_) => ResponseError::Unreachable,
        EgressError::ConnectTimedOut | EgressError::TimedOut => ResponseError::TimedOut,
        EgressError::BodyTooLarge(_) | EgressError::HeadersTooLarge => ResponseError::TooLarge,
        _ => ResponseError::Failed,
    }
}
