//! How much of what a plugin may use is used by the engine of its language: `parlor check` tells.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use parlor_tests::guests;
use serde_json::Value;

/// How long a check may take: its first one compiles.
const CHECKING: Duration = Duration::from_secs(120);
/// Hundredths of a limit that an engine may use before the behaviour has done anything.
const MOST: u64 = 75;

/// What `parlor check` says of a component.
async fn checked(file: &Path) -> Value {
    let checked = tokio::process::Command::new(env!("CARGO_BIN_EXE_parlor-under-test"))
        .args(["check", "--json"])
        .arg(file)
        .env("XDG_CACHE_HOME", guests::caches())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let checked = tokio::time::timeout(CHECKING, checked).await;
    let checked = checked
        .expect("it is checked in time")
        .expect("parlor starts");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}");
    serde_json::from_str(&said).expect("JSON")
}

/// The heaviest of the behaviours stays within what every plugin may use, and is told to be ready.
pub(super) async fn is_within_the_default_limits(folder: &Path) {
    let file = folder.join("activities.wasm");
    // Twice: the second one takes the code from the cache.
    checked(&file).await;
    let report = checked(&file).await;
    assert_eq!(report["state"], "ready");
    assert_eq!(report["contract"], "0.1.0");
    assert_eq!(report["compiled"]["cached"], true);
    let at_rest = &report["at-rest"];
    for (used, limit) in [
        ("memory-bytes", "memory-limit"),
        ("table-elements", "table-limit"),
    ] {
        let number = |name: &str| at_rest[name].as_u64().expect("a number");
        let (used, limit) = (number(used), number(limit));
        assert!(used * 100 <= limit * MOST, "{at_rest}");
    }
    // What an operator would be warned of.
    let warnings = report["warnings"].as_array().cloned().unwrap_or_default();
    let is_of_limits = |it: &Value| it.as_str().is_some_and(|it| it.contains("limits."));
    assert!(!warnings.iter().any(is_of_limits), "{warnings:?}");
}
