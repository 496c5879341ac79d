//! A host that is killed, and comes back.

use std::path::Path;

use parlor_tests::guests;
use parlor_tests::harness::PATIENCE;
use parlor_tests::process::HostProcess;
use parlor_tests::sim::Sent;
use parlor_tests::sim::lseg::{Lseg, TOKEN_PATH};

use crate::desk::{fast, settings_of_process};

fn start(folder: &Path) -> HostProcess {
    let program = Path::new(env!("CARGO_BIN_EXE_parlor-under-test"));
    HostProcess::start(program, folder).expect("it starts")
}

/// Waits until somebody is answered.
async fn answers(sim: &Lseg, text: &str) {
    sim.say("Desk", "ada", &format!("/echo {text}"));
    let is_answer = |sent: &Sent| sent.kind == "message" && sent.text == text;
    let answer = sim.sent_like(0, PATIENCE, is_answer).await;
    assert!(answer.is_some(), "{text}: {:#?}", sim.sent_after(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_was_killed_is_in_its_rooms_again_and_tells_the_gap() {
    let sim = fast().await;
    sim.room("Desk");
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let plugins = folder.join("plugins");
    std::fs::create_dir(&plugins).expect("a folder");
    std::fs::write(plugins.join("echo.wasm"), guests::bytes("echo")).expect("a plugin");
    let text = settings_of_process(&sim, &folder.join("data"));
    std::fs::write(folder.join("parlor.toml"), text).expect("it can be written");

    let host = start(folder);
    let is_there = |sim: &Lseg| sim.streams() == 1 && sim.has_joined("Desk");
    assert!(sim.comes_to(PATIENCE, is_there).await);
    answers(&sim, "one").await;
    host.kill().await.expect("it is killed");
    assert!(sim.comes_to(PATIENCE, |sim| sim.streams() == 0).await);
    sim.say("Desk", "ada", "/echo lost");
    // A drop comes with it, as it may at any time.
    sim.act("grey", serde_json::json!({"conversation": "Desk"}));

    let host = start(folder);
    assert!(sim.comes_to(PATIENCE, is_there).await);
    answers(&sim, "two").await;
    host.stop().await.expect("it stops");
    let said = sim.sent_after(0).into_iter();
    let said = said.filter(|sent| sent.kind == "message");
    let mut said: Vec<String> = said.map(|sent| sent.text).collect();
    // Whether the first was sent may not have been on disk yet: it is said again then, which is counted.
    said.dedup();
    assert_eq!(said, ["one", "two"]);
    let log = std::fs::read_to_string(folder.join("parlor.log")).expect("a log");
    assert!(log.contains("nobody heard the stream for a while"), "{log}");
    let logins = sim.requests_after(0);
    let logins = logins.iter().filter(|it| it.path == TOKEN_PATH);
    assert_eq!(logins.count(), 1, "the token was kept");
    assert_eq!(sim.complaints(), [""; 0]);
}
