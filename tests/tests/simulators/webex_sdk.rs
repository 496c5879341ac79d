//! Webex's community SDK for Python works against the simulator, unchanged but for the address.

use std::process::Stdio;
use std::time::Duration;

use parlor_tests::guests::workspace;
use parlor_tests::python::{Package, python};
use parlor_tests::sim::left_out;
use parlor_tests::sim::webex::{TOKEN, Webex, WebexOptions};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

const SDK: Package = Package {
    folder: "webex-python",
    wanted: &["webexpythonsdk>=2,<3"],
    import: "import webexpythonsdk",
};
/// How long the bot may take over anything.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_community_s_python_sdk_works_unchanged() {
    let python = match python(SDK).await {
        Ok(python) => python,
        Err(why) => return left_out(&format!("Webex's Python SDK was not run: {why}")),
    };
    let sim = Webex::start(WebexOptions::default())
        .await
        .expect("it starts");
    for number in 0..5 {
        sim.say_to_bot("Desk", "ada", &format!("said {number}"));
    }
    sim.act("room", json!({"title": "Other", "user": "ada"}));
    let mut bot = Command::new(python)
        .arg(workspace().join("tests/webex-sdk/bot.py"))
        .args([
            &format!("{}/v1/", sim.base_url()),
            TOKEN,
            "http://127.0.0.1:9/",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(bot.stdout.take().expect("an output")).lines();
    let mut input = bot.stdin.take().expect("an input");
    let mut next = async || {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line.expect("the bot says something in time");
        line.expect("it can be read").expect("the bot goes on")
    };
    for expected in [
        "me Trade Bot bot",
        // All pages were read: the SDK puts the next page's address right.
        "heard 5 Trade said 0",
        "said hello Ada",
        "file 1",
    ] {
        assert_eq!(next().await, expected);
    }
    let card = next().await;
    let card = card.strip_prefix("card ").expect("the card's id");
    for expected in ["member grace@example.com", "refused 409", "hook active"] {
        assert_eq!(next().await, expected);
    }
    let pressed = sim.act(
        "press",
        json!({"user": "ada", "message_id": card, "button": "Send", "values": {"name": "Ada"}}),
    );
    let action = pressed["action_id"].as_str().expect("an id");
    input
        .write_all(format!("{action}\n").as_bytes())
        .await
        .expect("it reads");
    assert_eq!(next().await, "inputs Ada");
    assert_eq!(next().await, "direct direct");
    assert!(bot.wait().await.expect("it ends").success());
    let kinds: Vec<String> = sim.sent_after(0).into_iter().map(|it| it.kind).collect();
    assert_eq!(
        kinds,
        [
            "message", "edit", "message", "message", "invite", "remove", "delete", "message"
        ]
    );
    let misfits = sim.misfits_after(0);
    assert!(misfits.is_empty(), "\n{}\n", misfits.join("\n"));
}
