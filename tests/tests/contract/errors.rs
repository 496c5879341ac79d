//! How a call ends that returns an error: nothing of it is kept.

use std::time::{Duration, Instant};

use parlor_host::journal::DeadReason;
use parlor_tests::harness::TestHost;
use parlor_tests::{guests, logs};

/// A host with `trap-handle` by a name of its own: logs are told apart by it.
async fn host(name: &str) -> TestHost {
    logs::keep();
    let host = TestHost::with(&[]).await;
    host.load(name, guests::bytes("trap-handle"), None).await;
    assert_eq!(host.row(name).last_error, None);
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn error_retry() {
    let host = host("error-retry").await;
    assert_eq!(host.ask("retry").await, ["at the second try"]);
    assert_eq!(host.ask("trapped?").await, ["no"], "the first try is kept");
    assert_eq!(host.row("error-retry").last_error, None, "it is no fault");
    // The host's own waits are half a second and two; the plugin asks for longer ones.
    let began = Instant::now();
    let letter = host.given_up("retry after 1500").await;
    assert!(began.elapsed() >= Duration::from_millis(3_000));
    assert_eq!(
        (letter.reason, letter.delivery.attempt),
        (DeadReason::Failed, 3)
    );
    assert!(letter.detail.contains("try 3 of 3"), "{}", letter.detail);
    let tries = logs::written_by("error-retry");
    let tries: Vec<&str> = tries.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(tries, ["try 1", "try 2", "try 3"]);
    assert_eq!(host.ask("trapped?").await, ["no"], "the lane goes on");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn error_refused() {
    let host = host("error-refused").await;
    assert_eq!(host.ask("refuse").await, Vec::<String>::new());
    assert_eq!(host.dead_letters().await.len(), 0);
    assert_eq!(host.row("error-refused").last_error, None, "it is no fault");
    assert_eq!(host.ask("trapped?").await, ["no"], "its write is kept");
    let reasons: Vec<String> = logs::about("error-refused")
        .iter()
        .filter(|line| line.field("message") == "event refused by plugin")
        .map(|line| line.field("reason").to_owned())
        .collect();
    assert_eq!(reasons, ["not for me"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn error_failed() {
    let host = host("error-failed").await;
    let letter = host.given_up("error").await;
    assert_eq!(
        (letter.reason, letter.delivery.attempt),
        (DeadReason::Failed, 1)
    );
    assert!(
        letter.detail.contains("handle gives up"),
        "{}",
        letter.detail
    );
    let fault = host.row("error-failed").last_error.unwrap_or_default();
    assert!(fault.contains("handle gives up"), "{fault}");
    assert_eq!(host.ask("trapped?").await, ["no"], "its write is kept");
    host.stop().await;
}
