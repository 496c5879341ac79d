//! `parlor chat --trace`, with the real program.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use axum::http::StatusCode;
use parlor_tests::api::Api;
use parlor_tests::guests;
use parlor_tests::harness::PATIENCE;
use tokio::io::AsyncWriteExt as _;

/// What is shown when these lines are typed to plugins in a folder.
async fn chat(folder: &Path, arguments: &[&str], typed: &str) -> anyhow::Result<String> {
    let mut chat = tokio::process::Command::new(env!("CARGO_BIN_EXE_parlor-under-test"))
        .arg("chat")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut input = chat.stdin.take().context("a pipe")?;
    input.write_all(typed.as_bytes()).await?;
    drop(input);
    let ended = tokio::time::timeout(PATIENCE, chat.wait_with_output()).await??;
    let error = String::from_utf8_lossy(&ended.stderr);
    ensure!(ended.status.success(), "{error}");
    Ok(String::from_utf8(ended.stdout)?)
}

/// The place of the first line that has all of these, after another one.
fn line_of(shown: &str, after: usize, parts: &[&str]) -> usize {
    let lines = shown.lines().enumerate().skip(after);
    let mut found = lines.filter(|(_, line)| parts.iter().all(|part| line.contains(part)));
    let place = found.next().map(|(place, _)| place);
    place.unwrap_or_else(|| panic!("no line after {after} has {parts:?}:\n{shown}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn below_what_is_said_stands_who_got_it_what_that_used_and_how_platforms_show_it()
-> anyhow::Result<()> {
    let source = Api::start().await;
    let joke = r#"{"setup": "Why?", "punchline": "Because."}"#;
    source.set_answer("/joke", StatusCode::OK, joke);
    let folder = tempfile::tempdir()?;
    for plugin in ["joke", "pizza"] {
        let file = folder.path().join(format!("{plugin}.wasm"));
        std::fs::write(file, guests::bytes(plugin))?;
    }
    let settings = format!(
        "config = {{ source = \"{}\" }}\n{}\n",
        source.url("/joke?key=s3cret"),
        source.grant()
    );
    std::fs::write(folder.path().join("joke.toml"), settings)?;
    source.set_answer("/joke?key=s3cret", StatusCode::OK, joke);
    let files = ["--trace", "joke.wasm", "pizza.wasm"];
    let shown = chat(folder.path(), &files, "/joke\nnobody\n/help\n").await?;
    let said = line_of(&shown, 0, &["  Why?"]);
    let event = line_of(&shown, said, &["  message of you", "in lobby", ": /joke"]);
    let ids = line_of(&shown, event, &["    event ", ", trace "]);
    let gets = line_of(&shown, ids, &["    → joke: command joke: /joke"]);
    line_of(
        &shown,
        ids,
        &["    ✗ pizza: none of its filters takes the message"],
    );
    let call = line_of(
        &shown,
        gets,
        &[
            "    joke 0.1.0: ",
            " of 100 ms processor time",
            " of 5000 ms",
            " of 64 MiB memory",
            "1 of 16 HTTP requests",
        ],
    );
    let asked = line_of(
        &shown,
        call,
        &["      GET http://127.0.0.1:", "/joke: 200, ", " ms"],
    );
    assert!(!shown.contains("s3cret"), "{shown}");
    let written = line_of(&shown, asked, &["      1 value written"]);
    let sent = line_of(&shown, written, &["      send in ", "Why?"]);
    let message = line_of(
        &shown,
        sent,
        &["    message ", " of joke, on each platform"],
    );
    for platform in ["Symphony", "Webex", "LiveChat", "LSEG Messenger"] {
        line_of(&shown, message, &["      ", platform, "is sent:"]);
    }
    let next = line_of(&shown, message, &["  message of you", ": nobody"]);
    line_of(&shown, next, &["    ✗ joke: it is none of its commands"]);
    line_of(&shown, next, &["    nobody gets it"]);
    let help = line_of(&shown, next, &["  message of you", ": /help"]);
    line_of(
        &shown,
        help,
        &["    the host answers with the list of commands"],
    );
    // A terminal's styles are for terminals.
    assert!(!shown.contains('\u{1b}'), "{shown}");

    let plain = chat(folder.path(), &files[1..], "/joke\n").await?;
    assert!(
        plain.contains("Why?") && !plain.contains("trace"),
        "{plain}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_of_a_debug_build_is_shown_with_its_line_and_its_log() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shaky.wasm");
    std::fs::write(file, guests::debug_bytes("trap-handle"))?;
    let shown = chat(folder.path(), &["--trace", "shaky.wasm"], "trap\n").await?;
    let source = include_str!("../guests/examples/trap-handle.rs").lines();
    let line = 1 + source.take_while(|line| !line.contains("panic!")).count();
    let call = line_of(&shown, 0, &["    shaky ", "of 100 ms processor time"]);
    line_of(&shown, call, &["      log info: about to trap"]);
    let place = format!("examples/trap-handle.rs:{line}");
    line_of(
        &shown,
        call,
        &["      failed: Trap: ", "handle does not work", &place],
    );
    line_of(&shown, call, &["    shaky ", ", try 2: "]);
    Ok(())
}
