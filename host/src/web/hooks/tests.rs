//! The checks of a call, case by case, and the ingress with a real client.

mod bots;
mod checks;
mod listener;
mod turned_away;

use http::HeaderMap;
use http::header::HeaderName;
use ring::hmac;

use super::check::{CheckedCall, Refusal, check, hex};
use super::config::{
    DEFAULT_PER_MINUTE, Encoding, HookConfig, HookDigest, HookKey, MAX_BODY_BYTES, Verify,
};

const SECRET: &str = "it is a secret to everybody";

fn config(verify: Verify) -> HookConfig {
    HookConfig {
        verify,
        delivery_id: Some(HeaderName::from_static("x-delivery")),
        max_body_bytes: MAX_BODY_BYTES,
        per_minute: DEFAULT_PER_MINUTE,
    }
}

fn signed(prefix: &str, encoding: Encoding) -> HookConfig {
    config(Verify::HmacSha256 {
        key: HookKey::new(SECRET),
        header: HeaderName::from_static("x-signature"),
        prefix: prefix.to_owned(),
        encoding,
    })
}

fn token() -> HookConfig {
    config(Verify::Token {
        header: HeaderName::from_static("authorization"),
        prefix: "Bearer ".to_owned(),
        token: HookDigest::of(SECRET.as_bytes()),
    })
}

fn basic() -> HookConfig {
    config(Verify::Basic {
        username: HookDigest::of(b"pager"),
        password: HookDigest::of(SECRET.as_bytes()),
    })
}

fn signature(body: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::sign(&key, body).as_ref().to_vec()
}

/// Checks a call with these headers.
fn call(
    config: &HookConfig,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<CheckedCall, Refusal> {
    let mut request = http::Request::post("/hooks/default/alerts/pager");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    check(config, "alerts", "pager", &head, body)
}

fn is_taken(config: &HookConfig, headers: &[(&str, &str)], body: &[u8]) -> bool {
    call(config, headers, body).is_ok()
}
