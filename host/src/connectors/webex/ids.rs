//! Webex's ids: base64 of `ciscospark://{cluster}/{TYPE}/{key}`, or the bare key where the platform
//! feels like it. They are opaque but for comparing the two forms (webex.md §1.1).

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// With or without padding: both occur.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The key that an id stands for, in small letters: what both of its forms have in common.
pub fn key_of(id: &str) -> String {
    let whole = BASE64.decode(id.trim()).ok();
    let whole = whole.and_then(|bytes| String::from_utf8(bytes).ok());
    let key = whole.as_deref().and_then(|uri| {
        let rest = uri.strip_prefix("ciscospark://")?;
        rest.splitn(3, '/').nth(2)
    });
    key.unwrap_or(id.trim()).to_ascii_lowercase()
}

/// Writes an id as the API has it.
pub fn public_id(cluster: &str, kind: &str, key: &str) -> String {
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(format!("ciscospark://{cluster}/{kind}/{key}"))
}

/// The data centre that an id names.
pub fn cluster_of(id: &str) -> Option<String> {
    let uri = String::from_utf8(BASE64.decode(id.trim()).ok()?).ok()?;
    let rest = uri.strip_prefix("ciscospark://")?;
    rest.split('/').next().map(str::to_owned)
}

/// Tells whether two ids are of one and the same thing, in whichever form.
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || key_of(one) == key_of(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: &str =
        "Y2lzY29zcGFyazovL3VzL1BFT1BMRS9mNWIzNjE4Ny1jOGRkLTQ3MjctOGIyZi1mOWM0NDdmMjkwNDY";
    const KEY: &str = "f5b36187-c8dd-4727-8b2f-f9c447f29046";

    #[test]
    fn an_id_and_its_bare_key_are_the_same() {
        assert_eq!(key_of(PERSON), KEY);
        assert_eq!(public_id("us", "PEOPLE", KEY), PERSON);
        assert_eq!(cluster_of(PERSON).as_deref(), Some("us"));
        assert!(is_same(PERSON, KEY) && is_same(&format!("{PERSON}="), &KEY.to_uppercase()));
        assert!(!is_same(PERSON, "f5b36187-c8dd-4727-8b2f-f9c447f29047"));
        // What is neither is compared as it is.
        assert!(is_same("M1", "M1") && !is_same("M1", "M2"));
    }
}
