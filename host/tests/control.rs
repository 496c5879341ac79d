//! The real program: a host that runs, the verbs that ask it, and those that read without it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The longest that a host may take to serve.
const PATIENCE: Duration = Duration::from_secs(60);

fn parlor(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_parlor"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

/// The exit code and what was printed, without what differs from run to run.
fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = parlor(folder, arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let folder_name = folder.display().to_string();
    let all = format!(
        "$ parlor {}\n{}{}= {}\n",
        arguments.join(" "),
        text(&output.stdout),
        text(&output.stderr),
        output.status.code().unwrap_or(-1)
    );
    let all = all.replace(&folder_name, "…");
    let all = replace(&all, r"\bb-[0-9a-f]{16}\b", "b-MESSAGE");
    let all = replace(&all, r#""(since|last-event-in)":\d+"#, "\"$1\":TIME");
    // A session may be quicker than the answer.
    let all = replace(&all, r#""connecting""#, "\"connected\"");
    replace(&all, r"\b\d+ s\b", "N s")
}

fn replace(text: &str, pattern: &str, by: &str) -> String {
    let pattern = regex::Regex::new(pattern).expect("a pattern");
    pattern.replace_all(text, by).into_owned()
}

/// A host in a process of its own, killed when it is dropped.
struct Running(Child);

impl Running {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_parlor"))
            .arg("run")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        let output = child.stdout.take().expect("its output");
        let running = Self(child);
        let begun = Instant::now();
        let mut lines = BufReader::new(output).lines();
        while let Some(Ok(line)) = lines.next() {
            assert!(begun.elapsed() < PATIENCE, "it does not serve");
            if line.starts_with("open ") {
                return running;
            }
        }
        panic!("the host ended before it served");
    }

    fn kill(mut self) {
        self.0.kill().expect("it is ours");
        self.0.wait().expect("it ended");
    }

    fn terminate(mut self) -> Option<i32> {
        let pid = libc::pid_t::try_from(self.0.id()).expect("a process number");
        // SAFETY: a signal to a child that was not waited for, so that the number is its own.
        let sent = unsafe { libc::kill(pid, libc::SIGTERM) };
        assert_eq!(sent, 0);
        self.0.wait().expect("it ended").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn folder(settings: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("plugins")).expect("a folder");
    std::fs::write(folder.path().join("parlor.toml"), settings).expect("written");
    folder
}

const SETTINGS: &str = "[local]\nlisten = \"127.0.0.1:0\"\n";

#[test]
fn without_a_host_what_reads_reads_and_what_changes_says_so() {
    let folder = folder(SETTINGS);
    let verbs: [&[&str]; 12] = [
        &["bots"],
        &["outbox", "list"],
        &["conversations"],
        &["conversations", "nobody"],
        &["bots", "pause", "parlor"],
        &["outbox", "hold"],
        &["outbox", "release"],
        &["outbox", "drop"],
        &["send", "parlor", "--to", "lobby", "hello"],
        &["reload"],
        &["plugins", "rollback", "joke"],
        &["send", "parlor", "--to", "lobby"],
    ];
    let all: Vec<String> = verbs.iter().map(|verb| said(folder.path(), verb)).collect();
    insta::assert_snapshot!(all.join("\n"));
    // Reading makes nothing.
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_running_host_is_asked_and_a_dead_one_is_read() {
    let folder = folder(SETTINGS);
    let here = folder.path();
    std::fs::write(here.join("report.csv"), "a;b\n").expect("written");
    let mut all = Vec::new();
    let mut run = |verbs: &[&[&str]]| {
        for verb in verbs {
            all.push(said(here, verb));
        }
    };
    let host = Running::start(here);
    run(&[
        &["bots"],
        &["plugins"],
        &["conversations"],
        &["conversations", "--json"],
        &["send", "parlor", "--to", "lobby", "hello", "there"],
        &[
            "send",
            "parlor",
            "--to",
            "room:lobby",
            "--file",
            "report.csv",
            "--json",
            "numbers",
        ],
        &["send", "parlor", "--to", "nowhere", "hello"],
        &["send", "nobody", "--to", "lobby", "hello"],
        &["bots", "pause", "parlor"],
        &["send", "parlor", "--to", "lobby", "later"],
        &["outbox", "list"],
        &["outbox", "list", "--json"],
        &["outbox", "list", "--bot", "nobody"],
        &["outbox", "hold", "--plugin", "host"],
        &["reload"],
        &["reload", "joke"],
        &["plugins", "rollback", "joke"],
    ]);
    // As by `kill -9`: its socket stays behind, and nobody answers on it.
    host.kill();
    assert!(here.join("data/control.sock").exists());
    run(&[
        &["bots"],
        &["bots", "--json"],
        &["outbox", "list"],
        &["conversations"],
        &["bots", "resume", "parlor"],
    ]);
    let host = Running::start(here);
    run(&[
        &["bots"],
        &["outbox", "drop", "--bot", "parlor", "--json"],
        &["outbox", "release"],
        &["bots", "resume", "parlor", "--json"],
        &["outbox", "list"],
    ]);
    assert_eq!(host.terminate(), Some(0));
    assert!(!here.join("data/control.sock").exists());
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn settings_that_turn_wrong_are_told_and_the_host_is_still_asked() {
    let folder = folder(SETTINGS);
    let here = folder.path();
    let host = Running::start(here);
    std::fs::write(here.join("parlor.toml"), "[local]\nlisen = 1\n").expect("written");
    let reload = said(here, &["reload"]);
    assert!(
        reload.contains("parlor.toml:2: unknown key `lisen`"),
        "{reload}"
    );
    assert!(reload.ends_with("= 1\n"), "{reload}");
    for verb in ["bots", "plugins"] {
        let told = said(here, &[verb]);
        assert!(
            told.contains("settings not taken, the last good ones are in force: "),
            "{told}"
        );
        assert!(told.ends_with("= 0\n"), "{told}");
    }
    assert_eq!(host.terminate(), Some(0));
    // Without a host they are a mistake of whoever asks.
    let told = said(here, &["bots", "pause", "parlor"]);
    assert!(told.contains("unknown key `lisen`"), "{told}");
    assert!(told.ends_with("= 64\n"), "{told}");
}

#[test]
fn a_data_folder_with_too_long_a_path_is_refused_with_its_line() {
    let long = "d".repeat(120);
    let folder = folder(SETTINGS);
    let settings = format!("data = \"{long}\"\n{SETTINGS}");
    std::fs::write(folder.path().join("parlor.toml"), settings).expect("written");
    let told = said(folder.path(), &["run"]);
    assert!(told.contains("parlor.toml:1: path "), "{told}");
    assert!(
        told.contains("and a socket's path has at most 107"),
        "{told}"
    );
    assert!(told.ends_with("= 64\n"), "{told}");
}
