use proptest::prelude::*;

use super::*;

/// Masks a text in pieces of some bytes each.
fn stream(secrets: &[&str], text: &str, piece: usize) -> String {
    let masks = vec![Mask::new(secrets.iter().copied()), Mask::default()];
    let mut stream = MaskStream::new(masks).expect("there is something to hide");
    let mut out = Vec::new();
    for piece in text.as_bytes().chunks(piece) {
        out.extend_from_slice(&stream.push(piece));
    }
    out.extend_from_slice(&stream.finish());
    String::from_utf8(out).expect("text stays text")
}

fn check(secrets: &[&str], text: &str, masked: &str) {
    for piece in 1..=text.len() {
        assert_eq!(stream(secrets, text, piece), masked, "pieces of {piece}");
    }
    let masks = [Mask::new(secrets.iter().copied())];
    assert_eq!(cover_text(&masks, text), masked);
}

#[test]
fn hides_secrets_wherever_pieces_are_cut() {
    check(&["s3cret"], "a s3cret b", "a ****** b");
    check(&["s3cret"], "s3cres3cret", "s3cre******");
    check(&["s3cret"], "s3creT s3cre", "s3creT s3cre");
    // Both are hidden where they share bytes.
    check(&["abcdef", "defghi"], "-abcdefghi-", "-*********-");
    // The shorter is found before it is known that the longer is not there.
    check(&["cdef", "bcdefg"], "abcdefx", "ab****x");
}

#[test]
fn hides_the_forms_that_servers_send_back() {
    let secret = "a/b+c&d\"e";
    for form in [
        "a/b+c&d\"e",
        "a/b+c&d\\\"e",
        "a\\/b+c&d\\\"e",
        "a/b\\u002Bc\\u0026d\\u0022e",
        "a/b\\u002bc\\u0026d\\u0022e",
        "a%2Fb%2Bc%26d%22e",
        "a%2fb%2bc%26d%22e",
        "a/b+c&amp;d&quot;e",
        "YS9iK2MmZCJl",
    ] {
        let masked = "*".repeat(form.len());
        check(&[secret], &format!("<{form}>"), &format!("<{masked}>"));
    }
}

#[test]
fn what_is_no_beginning_of_a_secret_is_not_held_back() {
    let mut stream = MaskStream::new(vec![Mask::new(["s3cret"])]).expect("a secret");
    assert_eq!(stream.push(b"data: 1\n\n"), "data: 1\n\n");
    assert_eq!(stream.push(b"is s3"), "is ");
    assert_eq!(stream.held(), 2);
    assert_eq!(stream.push(b"cret"), "******");
    assert_eq!(stream.finish(), "");
}

#[test]
fn nothing_short_is_hidden() {
    assert!(Mask::new(["", "abc"]).is_empty());
    assert!(MaskStream::new(vec![Mask::new(["abc"])]).is_none());
}

#[test]
fn headers_stay_headers() {
    let mut headers = HeaderMap::new();
    headers.insert("x-echo", HeaderValue::from_static("Bearer s3cret"));
    headers.insert("x-kept", HeaderValue::from_static("kept"));
    cover_headers(&[Mask::new(["s3cret"])], &mut headers);
    assert_eq!(headers["x-echo"], "Bearer ******");
    assert_eq!(headers["x-kept"], "kept");
}

#[test]
fn tokens_are_hidden_from_when_they_are_fetched() {
    let secrets = Secrets::new(vec![Secret::new("fixed".into())]);
    let shown = |text: &str| cover_text(&[secrets.mask()], text);
    assert_eq!(shown("fixed token0"), "***** token0");
    for number in 0..=RECENT_TOKENS {
        secrets.add(Secret::new(format!("token{number:02}")));
    }
    assert_eq!(shown("fixed token16 token01"), "***** ******* *******");
    assert_eq!(shown("token00"), "token00");
    assert_eq!(format!("{secrets:?}"), "Secrets(1)");
}

proptest! {
    #[test]
    fn pieces_give_what_the_whole_gives(text in "[abc]{0,60}", secret in "[abc]{4,8}", other in "[abc]{4,6}", piece in 1_usize..9) {
        let secrets = [secret.as_str(), other.as_str()];
        let masks = [Mask::new(secrets)];
        let whole = cover_text(&masks, &text);
        prop_assert_eq!(stream(&secrets, &text, piece), whole.clone());
        prop_assert_eq!(whole.len(), text.len());
        prop_assert!(!whole.contains(&secret) && !whole.contains(&other));
    }
}
