//! What is replaced in texts, and what is not.

use super::names::Names;
use super::redact::Redact;
use super::tests::{event, mallory, message, past};

/// Texts as they are replaced, one after the other.
fn replaced(texts: &[&str]) -> Vec<String> {
    let events = vec![past(event(1, 0, mallory(), message("x")), Vec::new())];
    let names = Names::of(&events);
    let first = Redact::new(&names, false);
    for text in texts {
        first.text(text);
    }
    let redact = first.again();
    texts.iter().map(|text| redact.text(text)).collect()
}

#[test]
fn what_looks_like_a_secret_or_a_number_of_somebody_is_replaced_the_same_each_time() {
    for (text, wanted) in [
        (
            "call +49 170 1234567 or 0170/1234567",
            "call +1 555 0101 or +1 555 0102",
        ),
        (
            "card 4539 1488 0343 6467, again 4539148803436467",
            "card 4000 0000 0000 0010, again 4000000000000010",
        ),
        (
            "no card: 4539 1488 0343 6468",
            "no card: 4539 1488 0343 6468",
        ),
        ("pay DE89 3704 0044 0532 0130 00", "pay account-1"),
        (
            "hunter2 it was, password: hunter2",
            "token-1 it was, password: token-1",
        ),
        (
            "the pin is 12-34 and the password is wrong",
            "the pin is token-1 and the password is wrong",
        ),
        (
            r#"{"api_key": "abc", "pin": 1234}"#,
            r#"{"api_key": "token-1", "pin": 1002}"#,
        ),
        (
            "Authorization: Bearer abc.def-123",
            "Authorization: Bearer token-1",
        ),
        (
            "ghp_abcdefABCDEF0123456789 sk-live1234567890",
            "token-1 token-2",
        ),
        (
            "it is 6f1d2c3b4a5968778695a4b3c2d1e0f9 ok",
            "it is token-1 ok",
        ),
        ("see 0f8fad5b-d9cb-469f-a165-70867728950e", "see id-1"),
        (
            "customer 123456789, customer 123456789",
            "customer 100000001, customer 100000001",
        ),
        (
            "write to x.y@other.example and X.Y@other.example",
            "write to grace@example.com and grace@example.com",
        ),
        ("at 10.1.2.3", "at 192.0.2.1"),
        (
            "on 2026-01-05 at 10:30 it cost 1,234.50",
            "on 2026-01-05 at 10:30 it cost 1,234.50",
        ),
        (
            "get https://api.example/v1/some/long/path/2026/01",
            "get https://api.example/v1/some/long/path/2026/01",
        ),
        (
            "buy 1000 $goog, see ISIN US0378331005",
            "buy 1000 $goog, see ISIN US0378331005",
        ),
    ] {
        let once = replaced(&[text]);
        assert_eq!(once, [wanted], "{text}");
    }
    let twice = replaced(&["token=aaaaa", "token=bbbbb", "token=aaaaa"]);
    assert_eq!(twice, ["token=token-1", "token=token-2", "token=token-1"]);
}

#[test]
fn names_are_replaced_as_words_and_no_command_is() {
    for (text, wanted) in [
        ("Mallory's, mallory! (Zhou)", "ada's, ada! (ada)"),
        ("mallorybird and zhouse", "mallorybird and zhouse"),
        ("/mallory Mallory", "/mallory ada"),
        ("Deal Desk in Falcon Deal", "parlor in lobby"),
        ("mzhou@corp.example", "ada@example.com"),
    ] {
        assert_eq!(replaced(&[text]), [wanted], "{text}");
    }
}
