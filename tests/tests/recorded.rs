//! What was recorded, exported as a dialog and run again, with the real program.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use anyhow::{Context as _, ensure};
use parlor_host::mailbox::rooms::{Command, Say};
use parlor_tests::guests;
use parlor_tests::harness::PATIENCE;
use parlor_tests::person::Person;
use parlor_tests::process::HostProcess;

const SETTINGS: &str = "[local]\nlisten = \"127.0.0.1:0\"\n\n[log]\nlevel = \"warn\"\n";
/// What nobody may find in what is exported.
const PLANTED: [&str; 8] = [
    "mallory",
    "peggy",
    "falcon",
    "corp.example",
    "hunter2",
    "4539",
    "170 1234567",
    "12-34",
];

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_parlor-under-test"))
}

async fn run(folder: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
    let run = tokio::process::Command::new(program())
        .args(arguments)
        .current_dir(folder)
        .env("XDG_CACHE_HOME", guests::caches())
        .output();
    let output = tokio::time::timeout(PATIENCE, run).await;
    Ok(output.with_context(|| format!("{arguments:?} does not end"))??)
}

async fn printed(folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = run(folder, arguments).await?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{arguments:?}: {error}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Says something in a room, and waits for the answer.
async fn ask(person: &mut Person, room: &str, text: &str, answer: &str) -> anyhow::Result<()> {
    let say = Command::Say(Say {
        conversation: room.to_owned(),
        text: text.to_owned(),
        ..Say::default()
    });
    person.act(say).await?;
    person.hears(answer).await.map(drop)
}

async fn open(person: &mut Person) -> anyhow::Result<String> {
    let open = Command::OpenRoom {
        name: "Falcon".to_owned(),
    };
    let room = person.act(open).await?.conversation.context("a room")?;
    Ok(room.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_talk_becomes_a_dialog_without_its_people_that_passes_and_fails_with_another_build()
-> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let folder = place.path();
    std::fs::write(folder.join("parlor.toml"), SETTINGS)?;
    std::fs::create_dir(folder.join("plugins"))?;
    for (name, guest) in [("echo", "echo"), ("activities", "activities")] {
        let file = folder.join("plugins").join(format!("{name}.wasm"));
        std::fs::write(file, guests::bytes(guest))?;
    }
    let mut host = HostProcess::start(program(), folder)?;
    let page = host.page().await?;
    let mut mallory = Person::open(&page, "Mallory").await?;
    let mut peggy = Person::open(&page, "Peggy").await?;
    let room = open(&mut mallory).await?;
    open(&mut peggy).await?;
    ask(&mut mallory, &room, "hello", "Hello Mallory").await?;
    ask(&mut peggy, &room, "hello", "Hello Peggy").await?;
    for text in [
        "Peggy writes from peggy@corp.example",
        "password: hunter2 it is, MALLORY",
        "card 4539 1488 0343 6467 of Falcon",
        "call +49 170 1234567, the pin is 12-34",
    ] {
        ask(&mut mallory, &room, &format!("/echo {text}"), text).await?;
    }
    ask(&mut peggy, &room, "/buy 3 $goog", "Buy 3 of").await?;
    ask(&mut peggy, &room, "/remind 1 tea", "tea").await?;

    let unclear = run(folder, &["events", "export"]).await?;
    assert_eq!(unclear.status.code(), Some(64));
    let why = String::from_utf8_lossy(&unclear.stderr).into_owned();
    assert!(
        why.contains("activities, echo; name one with --plugin"),
        "{why}"
    );
    std::fs::create_dir(folder.join("recorded"))?;
    let export = |plugin: &'static str, file: &'static str| {
        ["events", "export", "--plugin", plugin, "--to", file]
    };
    let echo = folder.join("recorded/echo.dialog");
    printed(folder, &export("echo", "recorded/echo.dialog")).await?;
    let again = run(folder, &export("echo", "recorded/echo.dialog")).await?;
    assert_eq!(
        again.status.code(),
        Some(1),
        "what is there is not written over"
    );
    assert_eq!(
        std::fs::metadata(&echo)?.permissions().mode() & 0o777,
        0o600
    );
    let text = std::fs::read_to_string(&echo)?;
    let lower = text.to_lowercase();
    for planted in PLANTED {
        assert!(!lower.contains(planted), "{planted}:\n{text}");
    }
    for wanted in [
        "as ada\nroom lobby\nsay hello\nexpect Hello ada\n",
        "as grace\nsay hello\nexpect Hello grace\n",
        "say /echo grace writes from alan@example.com\nexpect grace writes from alan@example.com\n",
        "say /echo password: token-1 it is, ada\n",
    ] {
        assert!(text.contains(wanted), "{wanted}:\n{text}");
    }
    let kept = printed(
        folder,
        &["events", "export", "--plugin", "echo", "--keep-text"],
    )
    .await?;
    assert!(
        kept.contains("as ada\nroom lobby\nsay hello\nexpect Hello Mallory\n"),
        "{kept}"
    );
    assert!(host.stop().await?.success());

    // At rest it is the same; and it is what the plugin answers.
    let resting = printed(folder, &["events", "export", "--plugin", "echo"]).await?;
    assert_eq!(resting.trim_end(), text.trim_end());
    let replay =
        |wasm: &'static str, dir: &'static str| ["test", "--wasm", wasm, "--recorded", dir];
    let passed = run(folder, &replay("plugins/echo.wasm", "recorded")).await?;
    let said = String::from_utf8_lossy(&passed.stdout).into_owned();
    assert_eq!(passed.status.code(), Some(0), "{said}{text}");
    assert!(said.contains("ok      echo: echo"), "{said}");
    // Nothing but what is recorded is run.
    assert!(said.contains("1 dialog: 1 ok"), "{said}");
    let failed = run(folder, &replay("plugins/activities.wasm", "recorded")).await?;
    assert_eq!(failed.status.code(), Some(1));
    let nothing = run(folder, &replay("plugins/echo.wasm", "plugins")).await?;
    assert_eq!(nothing.status.code(), Some(64));

    // Timers fire as the clock goes on.
    std::fs::create_dir(folder.join("timers"))?;
    printed(folder, &export("activities", "timers/reminded.dialog")).await?;
    let text = std::fs::read_to_string(folder.join("timers/reminded.dialog"))?;
    let passed = run(folder, &replay("plugins/activities.wasm", "timers")).await?;
    let said = String::from_utf8_lossy(&passed.stdout).into_owned();
    assert_eq!(passed.status.code(), Some(0), "{said}{text}");
    Ok(())
}
