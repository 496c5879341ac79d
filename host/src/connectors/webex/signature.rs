//! Whether Webex signed what came (webex.md §4.6). Pure.

use http::HeaderMap;
use ring::hmac;

/// What Webex signs with: HMAC-SHA1, in hexadecimal digits.
const SPARK: &str = "x-spark-signature";
/// What is taken beside it where the settings say so: HMAC-SHA256.
const WEBEX: &str = "x-webex-signature";

/// Bytes of either.
const SHA1_BYTES: usize = 20;
const SHA256_BYTES: usize = 32;

/// What a call's headers prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// Webex sent it.
    Rightly,
    /// Somebody else did.
    Wrongly,
    /// Nothing is signed.
    Not,
}

/// Checks the signature over the very bytes that came.
pub fn check(secret: &str, takes_sha256: bool, headers: &HeaderMap, body: &[u8]) -> Signed {
    // SHA-1 is what Webex has; in an HMAC it is not known to be weak.
    let spark = tag(headers, SPARK);
    if let Some(tag) = spark {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
        if is_right(&key, tag, body) {
            return Signed::Rightly;
        }
    }
    let webex = tag(headers, WEBEX).filter(|_| takes_sha256);
    if let Some(tag) = webex {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        if is_right(&key, tag.strip_prefix("sha256=").unwrap_or(tag), body) {
            return Signed::Rightly;
        }
    }
    match (spark, webex) {
        (None, None) => Signed::Not,
        _ => Signed::Wrongly,
    }
}

/// Tells whether the headers show anything that could be a signature: what costs nothing to see.
pub fn may_be_signed(takes_sha256: bool, headers: &HeaderMap) -> bool {
    let has = |name: &str, length: usize| {
        let tag =
            tag(headers, name).and_then(|tag| bytes(tag.strip_prefix("sha256=").unwrap_or(tag)));
        tag.is_some_and(|tag| tag.len() == length)
    };
    has(SPARK, SHA1_BYTES) || (takes_sha256 && has(WEBEX, SHA256_BYTES))
}

/// The one value of a header; one that comes twice is none.
fn tag<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then(|| value.trim())
}

fn is_right(key: &hmac::Key, tag: &str, body: &[u8]) -> bool {
    let Some(tag) = bytes(tag) else {
        return false;
    };
    // Compares in the same time whatever is offered; another length is none.
    hmac::verify(key, body, &tag).is_ok()
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    if digits.len() > 64 || !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    (0..digits.len() / 2)
        .map(|place| u8::from_str_radix(&digits[place * 2..place * 2 + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"Y2lzY29zcGFyazovL3VzL1dFQkhPT0svOTZhYmMyYWEtM2RjYy0xMWU1LWExNTItZmUzNDgxOWNkYzlh","resource":"messages","event":"created","data":{"id":"M1","roomId":"R1"}}"#;
    const SHA1: &str = "9422eb8bf1fd166a289aeef2f13ebbdaf609f04c";
    const SHA256: &str = "60695ff4567388eb72b174004a5ad526fea0dad0744c85997a91e388c6856851";

    fn signed(takes_sha256: bool, headers: &[(&'static str, &str)], body: &[u8]) -> Signed {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        check("s3cr3t", takes_sha256, &map, body)
    }

    #[test]
    fn the_platform_s_test_vectors_verify_over_the_raw_bytes() {
        assert_eq!(BODY.len(), 162);
        assert_eq!(signed(false, &[(SPARK, SHA1)], BODY), Signed::Rightly);
        assert_eq!(
            signed(false, &[(SPARK, &SHA1.to_uppercase())], BODY),
            Signed::Rightly
        );
        let mut map = HeaderMap::new();
        map.insert(
            SPARK,
            "6035b1ec9cd0eb7d87c7c74695b7f1ef36323cc3".parse().unwrap(),
        );
        let other = "86dacc007724d8ea666f88fc77d918dad9537a15";
        assert_eq!(check(other, false, &map, BODY), Signed::Rightly);
        // The same JSON in other bytes is another body.
        let spaced = [BODY, b" "].concat();
        assert_eq!(signed(false, &[(SPARK, SHA1)], &spaced), Signed::Wrongly);
    }

    #[test]
    fn what_is_not_signed_as_it_should_be_is_refused() {
        assert_eq!(signed(true, &[], BODY), Signed::Not);
        for wrong in [
            "",
            "9422",
            &SHA1[..38],
            &format!("{SHA1}00"),
            &SHA1.replace('9', "8"),
            "zz22eb8bf1fd166a289aeef2f13ebbdaf609f04c",
            &format!("sha1={SHA1}"),
            SHA256,
            "ü",
        ] {
            assert_ne!(
                signed(true, &[(SPARK, wrong)], BODY),
                Signed::Rightly,
                "{wrong}"
            );
        }
        let twice = [(SPARK, SHA1), (SPARK, SHA1)];
        assert_eq!(signed(true, &twice, BODY), Signed::Not);
    }

    #[test]
    fn what_could_be_a_signature_is_seen_before_the_body() {
        let may = |takes_sha256: bool, name: &'static str, value: &str| {
            let mut map = HeaderMap::new();
            map.insert(name, value.parse().unwrap());
            may_be_signed(takes_sha256, &map)
        };
        assert!(may(false, SPARK, SHA1) && may(false, SPARK, &SHA1.replace('9', "8")));
        assert!(may(true, WEBEX, SHA256) && may(true, WEBEX, &format!("sha256={SHA256}")));
        assert!(!may(false, WEBEX, SHA256) && !may(true, WEBEX, SHA1));
        for wrong in [
            "",
            "00",
            SHA256,
            &SHA1[..38],
            "zz22eb8bf1fd166a289aeef2f13ebbdaf609f04c",
        ] {
            assert!(!may(true, SPARK, wrong), "{wrong}");
        }
        assert!(!may_be_signed(true, &HeaderMap::new()));
    }

    #[test]
    fn sha256_counts_only_where_it_is_asked_for() {
        let prefixed = format!("sha256={SHA256}");
        assert_eq!(signed(false, &[(WEBEX, SHA256)], BODY), Signed::Not);
        assert_eq!(signed(true, &[(WEBEX, SHA256)], BODY), Signed::Rightly);
        assert_eq!(signed(true, &[(WEBEX, &prefixed)], BODY), Signed::Rightly);
        // SHA-1 under that name is none.
        assert_eq!(signed(true, &[(WEBEX, SHA1)], BODY), Signed::Wrongly);
    }
}
