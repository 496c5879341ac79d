//! The official Python SDK works against the simulator, unchanged but for the address.

use std::process::Stdio;
use std::time::Duration;

use parlor_tests::guests::workspace;
use parlor_tests::python::{Package, python};
use parlor_tests::sim::left_out;
use parlor_tests::sim::livechat::{LiveChat, LiveChatOptions};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

const SDK: Package = Package {
    folder: "lc-sdk-python",
    // It imports more than its package says that it needs.
    wanted: &[
        "lc-sdk-python>=0.4,<1",
        "httpx",
        "loguru",
        "websocket-client",
    ],
    import: "import livechat.configuration, livechat.agent, livechat.webhooks.parser",
};

/// How long the bot may take over anything.
const PATIENCE: Duration = Duration::from_secs(60);

async fn says(lines: &mut Lines<BufReader<ChildStdout>>, expected: &str) {
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
    let line = line.unwrap_or_else(|_| panic!("the bot never said {expected}"));
    assert_eq!(line.expect("it can be read").as_deref(), Some(expected));
}

#[tokio::test]
async fn the_official_python_sdk_works_unchanged() {
    let python = match python(SDK).await {
        Ok(python) => python,
        Err(why) => return left_out(&format!("the official Python SDK was not run: {why}")),
    };
    let sim = LiveChat::start(LiveChatOptions::default().tls())
        .await
        .expect("it starts");
    let folder = tempfile::tempdir().expect("a folder");
    let line = folder.path().join("line.json");
    std::fs::write(&line, sim.line().to_string()).expect("written");
    let mut bot = Command::new(python)
        .arg(workspace().join("tests/lc-sdk/bot.py"))
        .arg(&line)
        .arg(sim.ca_file())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(bot.stdout.take().expect("an output")).lines();
    says(&mut lines, "ready").await;
    sim.say("shop", "ann", "where is my pizza?");
    says(&mut lines, "answered True 1").await;
    // That it came, and what it said, comes back to it by webhooks.
    says(&mut lines, "user_added_to_chat").await;
    sim.act("close", json!({"conversation": "shop"}));
    says(&mut lines, "chat_deactivated").await;
    let did: Vec<_> = sim
        .sent_after(0)
        .into_iter()
        .filter(|it| it.kind != "status")
        .collect();
    let kinds: Vec<&str> = did.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(kinds, ["join", "message", "leave"]);
    assert_eq!(
        (did[1].text.as_str(), did[1].visibility.as_str()),
        ("On its way", "agents")
    );
}
