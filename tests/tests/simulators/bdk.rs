//! The official Python BDK works against the simulator, unchanged but for its configuration.

use std::process::Stdio;
use std::time::Duration;

use parlor_tests::bdk::{config, python};
use parlor_tests::guests::workspace;
use parlor_tests::sim::symphony::{BOT, Symphony, SymphonyOptions};
use parlor_tests::sim::{Sent, left_out};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

/// How long the bot may take over anything.
const PATIENCE: Duration = Duration::from_secs(30);

async fn says(lines: &mut Lines<BufReader<ChildStdout>>, expected: &str) {
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
    let line = line.unwrap_or_else(|_| panic!("the bot never said {expected}"));
    assert_eq!(line.expect("it can be read").as_deref(), Some(expected));
}

async fn sent(sim: &Symphony, after: u64, text: &str) -> Sent {
    let found = sim
        .sent_like(after, PATIENCE, |sent| sent.text == text)
        .await;
    found.unwrap_or_else(|| panic!("no {text:?} among {:?}", sim.sent_after(after)))
}

#[tokio::test]
async fn the_official_python_client_works_unchanged() {
    let python = match python().await {
        Ok(python) => python,
        Err(why) => return left_out(&format!("the official Python BDK was not run: {why}")),
    };
    let sim = Symphony::start(SymphonyOptions::default().tls())
        .await
        .expect("it starts");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, config(&sim)).expect("written");
    let mut bot = Command::new(python)
        .arg(workspace().join("tests/bdk/bot.py"))
        .arg(&file)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(bot.stdout.take().expect("an output")).lines();
    says(&mut lines, "ready").await;
    // The bot has a feed once it reads one; what was said before that it would never hear.
    let reads = sim
        .request_like(0, PATIENCE, |it| it.path.ends_with("/read"))
        .await;
    reads.expect("the bot reads its feed");

    // Not `/hello` first: this client asks who it is at its first event, and knows no mention of itself
    // in events that come together with that one.
    sim.say("Desk", "ada", "/rooms");
    says(&mut lines, &format!("rooms ROOM {BOT} 2 UP 1")).await;

    sim.say_to_bot("Desk", "ada", "/hello");
    says(&mut lines, "hello").await;
    let edit = sent(&sim, 0, "Hello there").await;
    assert_eq!(edit.kind, "edit");
    let first = &sim.sent_after(0)[0];
    assert_eq!(
        (first.kind.as_str(), first.text.as_str()),
        ("message", "one moment")
    );
    assert_eq!(edit.raw["replacing"], first.raw["messageId"]);

    let after = sim.sent_count();
    // As typed text the ticker is no argument of this command.
    sim.say_with(
        json!({ "conversation": "Desk", "user": "ada", "text": "/buy 5 $msft", "plain": true }),
    );
    sim.say("Desk", "ada", "/buy 1000 $goog");
    says(&mut lines, "buy").await;
    let bought = sent(&sim, after, "bought 1000 of $goog").await;
    assert_eq!(bought.raw["attachments"][0]["name"], "bot.py");
    assert_eq!(sim.sent_after(after).len(), 1);

    sim.say_im("bob", "/form");
    says(&mut lines, "asked").await;
    sim.submit(
        "im of bob",
        "bob",
        "hello-form",
        "submit",
        json!({ "name": "Bob" }),
    );
    says(&mut lines, "form").await;
    let hello = sent(&sim, after, "Hello Bob!").await;
    assert_eq!(hello.conversation, "im of bob");

    let login = sim
        .requests_after(0)
        .into_iter()
        .find(|it| it.path == "/login/pubkey/authenticate");
    assert_eq!(login.expect("a login").notes["jwt_claims"]["sub"], BOT);
    let complaints = sim.complaints();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
    let misfits = sim.misfits_after(0);
    assert!(misfits.is_empty(), "\n{}\n", misfits.join("\n"));
}
