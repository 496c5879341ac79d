//! The tests that every plugin gets free: what passes them, and that each can fail.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use parlor_tests::guests::{self, workspace};
use serde_json::Value;

/// The demo plugins.
const PLUGINS: [&str; 6] = [
    "activities",
    "complex-message",
    "echo",
    "expense",
    "joke",
    "pizza",
];
/// How many tests there are.
const TESTS: usize = 11;

/// Tests a component in a folder with these dialogs.
fn test(guest: &str, dialog: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("x.dialog"), dialog).expect("a file is written");
    run(folder.path(), &guests::component(guest), arguments)
}

fn run(folder: &Path, wasm: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor-under-test"));
    command.current_dir(folder).stdin(Stdio::null());
    command.env("XDG_CACHE_HOME", guests::caches());
    command.arg("test").arg("--wasm").arg(wasm).args(arguments);
    command.output().expect("parlor starts")
}

/// The results by name, of those that are of the contract.
fn results(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let results = text.lines().map(|line| {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {text}"))
    });
    let is_free = |it: &Value| {
        it["dialog"]
            .as_str()
            .is_some_and(|it| it.starts_with("contract: "))
    };
    results.filter(is_free).collect()
}

/// What fails: the test's name without what all begin with, and why.
fn failures(output: &Output) -> Vec<(String, String)> {
    let results = results(output);
    assert_eq!(
        results.len(),
        TESTS,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let failed = results.iter().filter(|it| it["outcome"] == "failed");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    failed
        .map(|it| {
            let name = text(&it["dialog"]).replace("contract: ", "");
            (name, text(&it["failure"]["message"]))
        })
        .collect()
}

#[test]
fn the_demo_plugins_pass_every_test_and_say_what_they_use() {
    for plugin in PLUGINS {
        let dialogs = workspace().join("plugins").join(plugin).join("tests");
        let output = run(&dialogs, &guests::component(plugin), &["--json"]);
        let failed = failures(&output);
        assert!(failed.is_empty(), "{plugin}: {failed:#?}");
        let results = results(&output);
        let used = results.iter().find_map(|it| it["note"].as_str());
        let used = used.expect("it says what it uses");
        assert!(
            used.contains(" of 100 ms processor time") && used.contains(" of 64 MiB memory"),
            "{used}"
        );
    }
}

#[test]
fn each_test_fails_where_its_promise_is_broken() {
    for (at, settings, name, why) in [
        (
            "missing",
            "",
            "a command written wrong is answered with how it is written",
            "nobody says what to take",
        ),
        ("empty", "", "an empty message", "an empty message fails: "),
        ("large", "", "the largest message", "that is too much"),
        (
            "unicode",
            "",
            "every script, emoji and control character",
            "this is no ASCII",
        ),
        (
            "kind",
            "",
            "an event of every kind that it subscribes to",
            "nobody was to come",
        ),
        (
            "memory",
            "",
            "another instance answers the same",
            "“/put word” is answered by an instance that was called before",
        ),
        (
            "post",
            "    grants.http = [\"POST https://orders.example/\"]\n",
            "a call that is stopped leaves nothing behind",
            "POST https://orders.example/ was made ",
        ),
        (
            "greedy",
            "    limits.memory-mib = 128\n",
            "stays within the default limits",
            " of 64 MiB memory",
        ),
    ] {
        let dialog =
            format!("settings\n    config = {{ at = \"{at}\" }}\n{settings}\nexpect none\n");
        let output = test("fragile", &dialog, &["--json"]);
        assert_eq!(output.status.code(), Some(1), "{at}");
        let failed = failures(&output);
        let found = failed.iter().find(|(failed, _)| failed == name);
        let found = found.unwrap_or_else(|| panic!("{at}: {failed:#?}"));
        assert!(found.1.contains(why), "{at}: {found:?}");
        // What breaks one promise breaks no other, but for what it does to every call.
        assert!(failed.len() == 1 || at == "missing", "{at}: {failed:#?}");
    }
    let works = test("fragile", "expect none\n", &["--json"]);
    assert_eq!(failures(&works), []);
}

#[test]
fn what_uses_too_much_or_helps_nobody_fails() {
    let slow = "settings\n    config = { at = \"slow\" }\n\nexpect none\n";
    let failed = failures(&test("fragile", slow, &["--json"]));
    let within = failed
        .iter()
        .find(|(name, _)| name == "stays within the default limits");
    assert!(within.is_some(), "{failed:#?}");
    let failed = failures(&test("helpless", "expect none\n", &["--json"]));
    let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["describes itself", "/help names its commands"]);
    assert!(
        failed[0]
            .1
            .contains("the help of the command mystery is empty"),
        "{failed:?}"
    );
    assert!(
        failed[1]
            .1
            .contains("/help does not name /help, /mystery; "),
        "{failed:?}"
    );
}

#[test]
fn they_stand_before_the_dialogs_and_can_be_left_out() {
    let both = test("fragile", "say hi\nexpect none\n", &[]);
    let said = String::from_utf8_lossy(&both.stdout).into_owned();
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("ok "))
        .collect();
    assert_eq!(lines.len(), TESTS + 1, "{said}");
    assert!(
        lines[0].contains("fragile: contract: describes itself"),
        "{said}"
    );
    assert!(lines[TESTS].contains("fragile: x ("), "{said}");
    assert!(
        said.contains("1 dialog and 11 contract tests: 12 ok"),
        "{said}"
    );
    let without = test(
        "fragile",
        "say hi\nexpect none\n",
        &["--no-contract", "--json"],
    );
    assert!(results(&without).is_empty());
    assert!(!without.stdout.is_empty());
    let one = test(
        "fragile",
        "say hi\n",
        &["--json", "--filter", "an empty message"],
    );
    assert_eq!(results(&one).len(), 1);

    // A component without any dialog is tested all the same.
    let folder = tempfile::tempdir().expect("a folder");
    let junit = folder.path().join("junit.xml");
    let junit_path = junit.display().to_string();
    let alone = run(
        folder.path(),
        &guests::component("helpless"),
        &["--junit", &junit_path],
    );
    assert_eq!(alone.status.code(), Some(1));
    let xml = std::fs::read_to_string(junit).expect("it is written");
    assert!(xml.contains("tests=\"11\" failures=\"2\""), "{xml}");
    assert!(
        xml.contains("<testcase name=\"contract: describes itself\""),
        "{xml}"
    );
    let nothing = run(
        folder.path(),
        &guests::component("helpless"),
        &["--no-contract"],
    );
    assert_eq!(nothing.status.code(), Some(64));
}
