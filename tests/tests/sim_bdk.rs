//! The official Python BDK works against the simulator, unchanged but for its configuration.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use parlor_tests::guests::workspace;
use parlor_tests::sim::Sent;
use parlor_tests::sim::symphony::{BOT, Symphony, SymphonyOptions};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

/// What the test asks the package index for.
const PACKAGE: &str = "symphony-bdk-python>=2.11,<4";
/// How long an installation may take.
const INSTALLING: Duration = Duration::from_secs(300);
/// How long the bot may take over anything.
const PATIENCE: Duration = Duration::from_secs(30);

#[expect(
    clippy::print_stderr,
    reason = "who runs the tests must know what they did not show"
)]
fn left_out(why: &str) {
    eprintln!("LEFT OUT: the official Python BDK was not run: {why}");
}

async fn done(command: &mut Command) -> Result<(), String> {
    let command = command.stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(INSTALLING, command.output()).await {
        Err(_) => Err("it took too long".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// A Python that has the BDK, in an environment of its own which is kept between runs.
async fn python() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bdk-python");
    let python = folder.join("bin/python");
    let has_bdk = "import symphony.bdk.core.symphony_bdk";
    if done(Command::new(&python).args(["-c", has_bdk]))
        .await
        .is_ok()
    {
        return Ok(python);
    }
    done(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )
    .await?;
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        PACKAGE,
    ];
    done(Command::new(&python).args(install)).await?;
    // What was installed must work: from here on a failure is one.
    let works = done(Command::new(&python).args(["-c", has_bdk])).await;
    works.unwrap_or_else(|why| panic!("the BDK was installed and cannot be imported: {why}"));
    Ok(python)
}

fn config(sim: &Symphony) -> String {
    format!(
        "scheme: https\nhost: 127.0.0.1\nport: {}\nbot:\n  username: {BOT}\n  privateKey:\n    path: {}\nssl:\n  trustStore:\n    path: {}\n",
        sim.port(),
        sim.file("bot.pem").display(),
        sim.file("ca.pem").display(),
    )
}

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
        Err(why) => return left_out(&why),
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
