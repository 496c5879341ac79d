//! Calls of a webhook: whatever comes, only who proves himself is taken.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request};
use parlor_host::web::hooks::check::{CheckedCall, Refusal, check};
use parlor_host::web::hooks::config::{
    DEFAULT_PER_MINUTE, Encoding, HookConfig, HookDigest, HookKey, Verify,
};

use crate::hooks::{DELIVERY, SECRET, SIGNATURE, signature};

/// Bytes of a body that the webhook takes.
const MAX_BODY: usize = 1_024;
/// Bytes of the headers that a plugin gets.
const MAX_HEADERS: usize = 16 * 1_024;
/// Bytes of a delivery's id.
const MAX_ID: usize = 256;
/// What stands before a signature.
const HEX: &str = "sha256=";
const TOKEN: HeaderName = HeaderName::from_static("x-token");
const BEARER: &str = "Bearer ";

/// A request's method and headers line by line, a zero byte, and its body: checked by a webhook of
/// each kind, as it is and with the right proof put into it.
pub fn webhook(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == 0);
    let (head, body) = match end {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[][..]),
    };
    let head = head_of(head);
    for verify in kinds() {
        let config = HookConfig {
            verify,
            delivery_id: HeaderName::from_bytes(DELIVERY.as_bytes()).ok(),
            max_body_bytes: MAX_BODY,
            per_minute: DEFAULT_PER_MINUTE,
        };
        holds(&config, &head, body);
        let mut proved = head.clone();
        for (name, value) in right_proof(&config.verify, body) {
            proved.headers.insert(name, value);
        }
        holds(&config, &proved, body);
        if proved.method == Method::POST && body.len() <= MAX_BODY {
            check(&config, "p", "h", &proved, body).expect("the right proof is taken");
        }
    }
}

fn holds(config: &HookConfig, head: &Parts, body: &[u8]) {
    let checked = check(config, "p", "h", head, body);
    // The same call is always the same delivery.
    assert_eq!(checked, check(config, "p", "h", head, body));
    match checked {
        Ok(call) => holds_of_taken(config, head, body, &call),
        Err(refusal) => {
            assert!(refusal.status().is_client_error(), "{refusal:?}");
            let is_small = body.len() <= MAX_BODY;
            assert!(!is_small || refusal != Refusal::TooLarge);
        }
    }
}

fn holds_of_taken(config: &HookConfig, head: &Parts, body: &[u8], call: &CheckedCall) {
    assert!(is_proved(&config.verify, &head.headers, body));
    assert_eq!(head.method, Method::POST);
    assert!(body.len() <= MAX_BODY);
    assert_eq!(call.payload.body, body);
    let id = call.payload.delivery_id.as_deref();
    assert!(id.is_none_or(|id| !id.is_empty() && id.len() <= MAX_ID));
    let mut bytes = 0;
    for header in &call.payload.headers {
        bytes += header.name.len() + header.value.len();
        let is_of_sender = head.headers.get_all(header.name.as_str());
        assert!(is_of_sender.iter().any(|value| *value == *header.value));
        assert!(
            !["authorization", "cookie", "host", "x-forwarded-for"].contains(&&*header.name),
            "{} goes on",
            header.name
        );
        assert!(
            right_proof(&config.verify, body)
                .iter()
                .all(|(name, _)| *name != *header.name),
            "the proof goes on"
        );
    }
    assert!(bytes <= MAX_HEADERS);
}

fn kinds() -> [Verify; 5] {
    let signed = |encoding, prefix: &str| Verify::HmacSha256 {
        key: HookKey::new(SECRET),
        header: signature_header(),
        prefix: prefix.to_owned(),
        encoding,
    };
    [
        signed(Encoding::Hex, HEX),
        signed(Encoding::Base64, ""),
        Verify::Token {
            header: TOKEN,
            prefix: BEARER.to_owned(),
            token: HookDigest::of(SECRET.as_bytes()),
        },
        Verify::Basic {
            username: HookDigest::of(b"ada"),
            password: HookDigest::of(SECRET.as_bytes()),
        },
        Verify::None,
    ]
}

/// The headers that a good sender proves himself with.
fn right_proof(verify: &Verify, body: &[u8]) -> Vec<(HeaderName, HeaderValue)> {
    let (name, value) = match verify {
        Verify::HmacSha256 { encoding, .. } => {
            let hex = signature(SECRET, body);
            let value = match encoding {
                Encoding::Hex => hex,
                Encoding::Base64 => STANDARD.encode(bytes_of(&hex[HEX.len()..])),
            };
            (signature_header(), value)
        }
        Verify::Token { .. } => (TOKEN, [BEARER, SECRET].concat()),
        Verify::Basic { .. } => {
            let pair = STANDARD.encode(["ada:", SECRET].concat());
            (AUTHORIZATION, ["Basic ", &pair].concat())
        }
        Verify::None => return Vec::new(),
    };
    let value = HeaderValue::from_str(&value).expect("a proof is text");
    vec![(name, value)]
}

/// Whether a head holds the right proof and no second one, found out in another way than `check` does.
fn is_proved(verify: &Verify, headers: &HeaderMap, body: &[u8]) -> bool {
    right_proof(verify, body).iter().all(|(name, right)| {
        let mut offered = headers.get_all(name).iter();
        let (Some(offered), None) = (offered.next(), offered.next()) else {
            return false;
        };
        let (Ok(offered), Ok(right)) = (offered.to_str(), right.to_str()) else {
            return false;
        };
        let bare = |text: &str| match verify {
            // Digits of either case, padding or none, spaces before the pair.
            Verify::HmacSha256 {
                encoding: Encoding::Hex,
                ..
            } => text.to_ascii_lowercase(),
            Verify::HmacSha256 { .. } => text.trim_end_matches('=').to_owned(),
            Verify::Basic { .. } => {
                let pair = text.get(6..).unwrap_or_default().trim();
                pair.trim_end_matches('=').to_owned()
            }
            Verify::Token { .. } | Verify::None => text.to_owned(),
        };
        bare(offered) == bare(right)
    })
}

fn signature_header() -> HeaderName {
    HeaderName::from_bytes(SIGNATURE.as_bytes()).expect("a header's name")
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().collect();
    let pairs = digits.chunks_exact(2).map(|pair| {
        let text = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(text, 16).expect("digits")
    });
    pairs.collect()
}

/// The head of a request: its method in the first line, then headers; what is none is left out.
fn head_of(text: &[u8]) -> Parts {
    let mut lines = text.split(|byte| *byte == b'\n');
    let method = lines.next().unwrap_or_default();
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = Method::from_bytes(method).unwrap_or(Method::POST);
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            // A map of headers has a bound of its own.
            let _too_many = head.headers.try_append(name, value);
        }
    }
    head
}
