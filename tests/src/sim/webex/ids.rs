//! Identifiers in the shapes that the platform gives them (webex.md §1.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The public form of an id.
pub(super) fn public(cluster: &str, kind: &str, key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("ciscospark://{cluster}/{kind}/{key}"))
}

/// A person's public id; people are in the first data centre, whatever their organisation is in.
pub(super) fn person(key: &str) -> String {
    public("us", "PEOPLE", key)
}

/// The key that either form of an id stands for; none where it is neither.
pub(super) fn key(id: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(id.trim_end_matches('=')).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some(rest) = text
        .as_deref()
        .and_then(|text| text.strip_prefix("ciscospark://"))
    {
        return rest.splitn(3, '/').nth(2).map(str::to_owned);
    }
    let is_uuid = id.len() == 36
        && id
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_uuid.then(|| id.to_ascii_lowercase())
}

/// Makes keys: random, as those of the platform are.
pub(super) fn uuid() -> String {
    use ring::rand::{SecureRandom as _, SystemRandom};

    let mut bytes = [0_u8; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system has random bytes");
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ]
    .join("-")
}
