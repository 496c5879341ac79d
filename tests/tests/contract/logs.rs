//! What a plugin writes into the operator's log, and how much of it.

use parlor_tests::harness::TestHost;
use parlor_tests::{guests, logs};
use tracing::Level;

/// A host with `log-flood` by a name of its own: logs are told apart by it.
async fn host(name: &str, settings: &str) -> TestHost {
    logs::keep();
    let host = TestHost::with(&[]).await;
    host.load(name, guests::bytes("log-flood"), Some(settings))
        .await;
    assert_eq!(host.row(name).last_error, None);
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn log_write() {
    let host = host("log-write", "").await;
    let levels = [
        ("trace", Level::TRACE),
        ("debug", Level::DEBUG),
        ("info", Level::INFO),
        ("warn", Level::WARN),
        ("error", Level::ERROR),
    ];
    for (name, _) in levels {
        assert_eq!(host.ask(&format!("say {name} by {name}")).await, ["said"]);
    }
    let wanted = levels.map(|(name, level)| (level, format!("by {name}")));
    assert_eq!(logs::written_by("log-write"), wanted);
    host.ask("one").await;
    let last = logs::written_by("log-write").pop();
    let (_, text) = last.expect("a line is written");
    assert_eq!(
        text,
        "one line with \u{fffd}[31mred\u{fffd}[0m and a second line"
    );
    let lines = logs::about("log-write");
    let tenants = lines
        .iter()
        .filter(|line| line.field("message") == "plugin log");
    assert!(
        tenants
            .map(|line| line.field("tenant"))
            .all(|it| it == "default")
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_log_bytes() {
    let host = host("log-bytes", "limits = { log-kib = 1 }").await;
    let lengths = |from: usize| -> Vec<usize> {
        let lines = logs::written_by("log-bytes");
        lines[from..].iter().map(|(_, text)| text.len()).collect()
    };
    // Each call has the whole of it.
    host.ask("write 512 2").await;
    host.ask("write 1024 1").await;
    assert_eq!(lengths(0), [512, 512, 1024]);
    host.ask("write 1025 1").await;
    host.ask("write 512 3").await;
    let lines = logs::written_by("log-bytes");
    let texts: Vec<&str> = lines[3..].iter().map(|(_, text)| text.as_str()).collect();
    let whole = "x".repeat(512);
    assert_eq!(
        texts,
        [
            "1025 bytes of this call's log were dropped",
            &whole,
            &whole,
            "512 bytes of this call's log were dropped"
        ]
    );
    host.stop().await;
}
