use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

const BODY: &[u8] = b"Hello, World!";

#[test]
fn takes_the_signature_that_a_well_known_sender_documents() {
    // The example of GitHub's documentation for this secret and body.
    let documented = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let config = config(Verify::HmacSha256 {
        key: HookKey::new("It's a Secret to Everybody"),
        header: HeaderName::from_static("x-hub-signature-256"),
        prefix: "sha256=".to_owned(),
        encoding: Encoding::Hex,
    });
    let value = format!("sha256={documented}");
    assert!(is_taken(&config, &[("x-hub-signature-256", &value)], BODY));
    let upper = format!("sha256={}", documented.to_uppercase());
    assert!(is_taken(&config, &[("x-hub-signature-256", &upper)], BODY));
    for wrong in [
        documented.to_owned(),
        format!("sha1={documented}"),
        format!("{value}0"),
    ] {
        let refused = call(&config, &[("x-hub-signature-256", &wrong)], BODY);
        assert_eq!(refused.unwrap_err(), Refusal::WrongProof, "{wrong}");
    }
    assert!(!is_taken(
        &config,
        &[("x-hub-signature-256", &value)],
        b"Hello, World?"
    ));
}

#[test]
fn takes_base64_with_and_without_padding() {
    let config = signed("", Encoding::Base64);
    let padded = STANDARD.encode(signature(BODY));
    let bare = padded.trim_end_matches('=').to_owned();
    assert!(padded != bare);
    for right in [padded, bare] {
        assert!(
            is_taken(&config, &[("x-signature", &right)], BODY),
            "{right}"
        );
    }
    let short = STANDARD.encode(&signature(BODY)[..31]);
    for wrong in [
        hex(&signature(BODY)),
        short,
        "%%%".to_owned(),
        String::new(),
    ] {
        let refused = call(&config, &[("x-signature", &wrong)], BODY);
        assert_eq!(refused.unwrap_err(), Refusal::WrongProof, "{wrong}");
    }
}

#[test]
fn a_proof_that_is_missing_or_comes_twice_is_none() {
    let right = hex(&signature(BODY));
    let config = signed("", Encoding::Hex);
    assert_eq!(call(&config, &[], BODY).unwrap_err(), Refusal::NoProof);
    let twice = [("x-signature", right.as_str()), ("x-signature", &right)];
    assert_eq!(call(&config, &twice, BODY).unwrap_err(), Refusal::NoProof);
    assert_eq!(call(&token(), &[], BODY).unwrap_err(), Refusal::NoProof);
    assert_eq!(call(&basic(), &[], BODY).unwrap_err(), Refusal::NoProof);
}

#[test]
fn a_token_is_right_or_wrong_as_a_whole() {
    let right = format!("Bearer {SECRET}");
    assert!(is_taken(&token(), &[("authorization", &right)], BODY));
    for wrong in [
        SECRET.to_owned(),
        format!("bearer {SECRET}"),
        format!("Bearer {}", &SECRET[1..]),
        format!("{right}x"),
        "Bearer ".to_owned(),
    ] {
        let refused = call(&token(), &[("authorization", &wrong)], BODY);
        assert_eq!(refused.unwrap_err(), Refusal::WrongProof, "{wrong}");
    }
}

#[test]
fn basic_wants_both_name_and_password() {
    let value = |scheme: &str, pair: &str| format!("{scheme} {}", STANDARD.encode(pair));
    let right = format!("pager:{SECRET}");
    for taken in [value("Basic", &right), value("basic", &right)] {
        assert!(is_taken(&basic(), &[("authorization", &taken)], BODY));
    }
    for wrong in [
        value("Basic", &format!("other:{SECRET}")),
        value("Basic", "pager:guess"),
        value("Basic", "pager"),
        value("Basic", ""),
        value("Bearer", &right),
        "Basic %%%".to_owned(),
        "Basi".to_owned(),
    ] {
        let refused = call(&basic(), &[("authorization", &wrong)], BODY);
        assert_eq!(refused.unwrap_err(), Refusal::WrongProof, "{wrong}");
    }
}

#[test]
fn nothing_but_post_is_taken() {
    for method in ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"] {
        let request = http::Request::builder().method(method).body(());
        let (head, ()) = request.unwrap().into_parts();
        let refused = check(&config(Verify::None), "alerts", "pager", &head, BODY);
        assert_eq!(refused.unwrap_err(), Refusal::Method, "{method}");
    }
}

#[test]
fn a_body_has_a_bound() {
    let mut config = config(Verify::None);
    config.max_body_bytes = 4;
    assert!(is_taken(&config, &[], b"four"));
    assert_eq!(call(&config, &[], b"fives").unwrap_err(), Refusal::TooLarge);
}

#[test]
fn a_delivery_is_known_by_its_id_or_else_by_its_body() {
    let config = config(Verify::None);
    let key = |headers: &[(&str, &str)], body: &[u8]| call(&config, headers, body).unwrap().key;
    let one = [("x-delivery", "1")];
    assert_eq!(key(&one, b"a"), key(&one, b"b"));
    assert_ne!(key(&one, b"a"), key(&[("x-delivery", "2")], b"a"));
    assert_eq!(key(&[], b"a"), key(&[("x-other", "1")], b"a"));
    assert_ne!(key(&[], b"a"), key(&[], b"b"));
    // An id that looks like the body's own key is still an id.
    assert_ne!(key(&[], b"a"), key(&[("x-delivery", &hex(b"a"))], b"a"));
    let long = "x".repeat(257);
    let call = call(&config, &[("x-delivery", &long)], b"a").unwrap();
    assert_eq!((call.payload.delivery_id, call.key), (None, key(&[], b"a")));
}

#[test]
fn two_webhooks_never_share_a_delivery() {
    let config = config(Verify::None);
    let (head, ()) = http::Request::post("/").body(()).unwrap().into_parts();
    let key = |plugin, hook| check(&config, plugin, hook, &head, b"a").unwrap().key;
    assert_ne!(key("alerts", "pager"), key("alerts", "other"));
    assert_ne!(key("alerts", "pager"), key("other", "pager"));
    assert_ne!(key("ab", "c"), key("a", "bc"));
}

#[test]
fn credentials_and_what_a_proxy_adds_go_no_further() {
    let right = hex(&signature(BODY));
    let taken = call(
        &signed("", Encoding::Hex),
        &[
            ("x-signature", &right),
            ("authorization", "Bearer s3cret"),
            ("cookie", "s3cret"),
            ("x-api-key", "s3cret"),
            ("x-forwarded-for", "192.0.2.1"),
            ("connection", "close"),
            ("content-type", "application/json"),
            ("x-event", "opened"),
            ("x-event", "again"),
        ],
        BODY,
    )
    .unwrap();
    let headers: Vec<(&str, &str)> = taken
        .payload
        .headers
        .iter()
        .map(|header| (header.name.as_str(), header.value.as_str()))
        .collect();
    assert_eq!(
        headers,
        [
            ("content-type", "application/json"),
            ("x-event", "opened"),
            ("x-event", "again")
        ]
    );
    assert_eq!(taken.payload.body, BODY);
    assert_eq!(
        (&*taken.payload.name, &*taken.payload.method),
        ("pager", "POST")
    );
}

#[test]
fn headers_have_a_bound() {
    let long = "v".repeat(9_000);
    let headers = [
        ("x-one", long.as_str()),
        ("x-two", &long),
        ("x-three", "short"),
    ];
    let taken = call(&config(Verify::None), &headers, BODY).unwrap();
    let names: Vec<&str> = taken.payload.headers.iter().map(|h| &*h.name).collect();
    assert_eq!(names, ["x-one", "x-three"]);
}

#[test]
fn nothing_shows_a_secret() {
    for config in [signed("", Encoding::Hex), token(), basic()] {
        let shown = format!("{config:?}");
        assert!(!shown.contains("secret to"), "{shown}");
        let digest = format!("{:?}", &SECRET.as_bytes()[..4]);
        assert!(!shown.contains(digest.trim_matches(['[', ']'])), "{shown}");
    }
}

/// A header's value of any bytes that a header may have.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(
            any::<u8>().prop_filter("no control", |b| *b >= 32 && *b != 127),
            0..200
        ),
        "(sha256=|Bearer |Basic )?[0-9a-fA-F]{0,70}".prop_map(String::into_bytes),
        "(sha256=|Bearer |Basic )?[A-Za-z0-9+/=]{0,60}".prop_map(String::into_bytes),
    ]
}

proptest! {
    /// Whatever comes, the check ends without a panic, and takes nothing from who does not know the
    /// secret.
    #[test]
    fn who_does_not_know_the_secret_is_never_taken(
        name in prop_oneof![Just("x-signature"), Just("authorization"), Just("x-delivery")],
        values in proptest::collection::vec(value(), 0..3),
        body in proptest::collection::vec(any::<u8>(), 0..512),
    ) {
        let mut headers = HeaderMap::new();
        for value in values {
            if let Ok(value) = http::HeaderValue::from_bytes(&value) {
                headers.append(name, value);
            }
        }
        let (mut head, ()) = http::Request::post("/").body(()).unwrap().into_parts();
        head.headers = headers;
        for config in [
            signed("", Encoding::Hex),
            signed("sha256=", Encoding::Base64),
            token(),
            basic(),
        ] {
            prop_assert!(check(&config, "alerts", "pager", &head, &body).is_err());
        }
        let taken = check(&config(Verify::None), "alerts", "pager", &head, &body);
        prop_assert_eq!(&taken.unwrap().payload.body, &body);
    }

    #[test]
    fn who_knows_the_secret_is_always_taken(
        body in proptest::collection::vec(any::<u8>(), 0..2048),
    ) {
        let tag = signature(&body);
        let value = format!("v1={}", hex(&tag));
        let is_hex_taken = is_taken(&signed("v1=", Encoding::Hex), &[("x-signature", &value)], &body);
        prop_assert!(is_hex_taken);
        let value = STANDARD.encode(&tag);
        let is_base64_taken = is_taken(&signed("", Encoding::Base64), &[("x-signature", &value)], &body);
        prop_assert!(is_base64_taken);
    }
}
