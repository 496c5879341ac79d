//! A host whose disk is full: a small file system of its own, where the machine allows one.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use parlor_host::config::variable;
use parlor_host::mailbox::rooms::{Command, Say};
use parlor_tests::guests;
use parlor_tests::harness::PATIENCE;
use parlor_tests::person::{Listener, Person};
use parlor_tests::process::HostProcess;
use parlor_tests::scale::is_ci;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// This test, as it calls itself where the small disk is.
const NAME: &str = "a_full_disk_pauses_intake_loses_nothing_and_is_overcome_by_itself";
/// Where the small disk is, for the test inside.
const DISK: &str = "PARLOR_SMALL_DISK";
/// Ways to a file system of one's own: with the rights of a user, and of an administrator.
const WAYS: [&[&str]; 2] = [&["--user", "--map-root-user", "--mount"], &["--mount"]];
const SIZE: &str = "size=64m";
/// What a machine says that allows no file system of one's own, to a user or to anybody in a container.
const REFUSALS: [&str; 4] = [
    "operation not permitted",
    "permission denied",
    "no space left on device",
    "no such file or directory",
];
/// Bytes that are left when the flood begins.
const LEFT: u64 = 2 * 1024 * 1024;
/// Messages that are enough to fill it, many times over.
const FLOOD: usize = 3_000;
/// Messages said while it is full.
const WHILE_FULL: usize = 60;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_parlor-under-test"))
}

/// What became of the test inside, or why there is none.
enum Inside {
    Ran(Output),
    Refused(Vec<String>),
}

/// Runs this program once more, where a small file system is mounted that nobody else sees.
async fn inside_a_small_disk() -> Result<Inside> {
    let disk = tempfile::tempdir()?;
    let mount = format!("mount -t tmpfs -o {SIZE} tmpfs \"$0\"");
    let mut refused = Vec::new();
    for way in WAYS {
        let probe = tokio::process::Command::new("unshare")
            .args(way)
            .args(["sh", "-c", &mount])
            .arg(disk.path())
            .output()
            .await;
        let why = match probe {
            Ok(probe) if probe.status.success() => None,
            Ok(probe) => Some(String::from_utf8_lossy(&probe.stderr).trim().to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = why {
            refused.push(format!("unshare {}: {why}", way.join(" ")));
            continue;
        }
        let run = tokio::process::Command::new("unshare")
            .args(way)
            .args(["sh", "-c", &format!("{mount} && exec \"$@\"")])
            .arg(disk.path())
            .arg(std::env::current_exe()?)
            .args(["--exact", NAME, "--nocapture"])
            .env(DISK, disk.path())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(5 * PATIENCE, run).await;
        let output = output.context("the test inside does not end")??;
        return Ok(Inside::Ran(output));
    }
    Ok(Inside::Refused(refused))
}

/// Waits until a line of a log is as wanted.
async fn until_line(log: &Path, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let found = async {
        loop {
            let text = std::fs::read_to_string(log).unwrap_or_default();
            let mut lines = text
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            if let Some(line) = lines.find(|line| wanted(line)) {
                return line;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.with_context(|| std::fs::read_to_string(log).unwrap_or_default())
}

/// A host on a small disk, and people on a platform that is elsewhere.
struct Small {
    folder: tempfile::TempDir,
    disk: PathBuf,
    observe: String,
    ada: Person,
    lobby: String,
    said: usize,
}

impl Small {
    async fn start(disk: PathBuf) -> Result<(Self, HostProcess, Listener)> {
        let folder = tempfile::tempdir()?;
        let rooms = folder.path().join("rooms");
        let data = disk.join("data");
        for new in [&rooms, &data, &folder.path().join("plugins")] {
            std::fs::create_dir(new)?;
        }
        symlink(&rooms, data.join("local"))?;
        std::fs::write(
            folder.path().join("plugins/echo.wasm"),
            guests::bytes("echo"),
        )?;
        let settings = format!(
            "data = \"{}\"\n[local]\nlisten = \"127.0.0.1:0\"\n[observe]\nlisten = \"127.0.0.1:0\"\n\
             [log]\nfile = \"said.log\"\nformat = \"json\"\n",
            data.display()
        );
        std::fs::write(folder.path().join("parlor.toml"), settings)?;
        let mut host = HostProcess::start(program(), folder.path())?;
        let page = host.page().await?;
        let log = folder.path().join("said.log");
        let served = "health and metrics are served";
        let line = until_line(&log, |line| line["message"] == served).await?;
        let observe = line["address"].as_str().context("no address")?.to_owned();
        let mut ada = Person::open(&page, "ada").await?;
        let open = Command::OpenRoom {
            name: "Lobby".to_owned(),
        };
        let lobby = ada.act(open).await?.conversation.context("an id")?;
        let heard = Listener::open(&page, "bob", "parlor").await?;
        let small = Self {
            folder,
            disk,
            observe,
            ada,
            lobby: lobby.to_string(),
            said: 0,
        };
        Ok((small, host, heard))
    }

    async fn say(&mut self) -> Result<()> {
        let text = format!("/echo {} {}", self.said, "x".repeat(2_000));
        let say = Command::Say(Say {
            conversation: self.lobby.clone(),
            text,
            ..Say::default()
        });
        self.ada.act(say).await?;
        self.said += 1;
        Ok(())
    }

    fn filler(&self) -> PathBuf {
        self.disk.join("filler")
    }

    /// Fills the disk up to a little.
    fn fill(&self) -> Result<()> {
        let mut filler = std::fs::File::create(self.filler())?;
        let block = [0; 64 * 1024];
        let full = loop {
            if let Err(error) = filler.write_all(&block) {
                break error;
            }
        };
        ensure!(
            full.kind() == std::io::ErrorKind::StorageFull,
            "the disk is not full: {full}"
        );
        let size = filler.metadata()?.len();
        filler.set_len(size.saturating_sub(LEFT))?;
        Ok(())
    }

    async fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(&self.observe).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    async fn is_paused(&self) -> Result<bool> {
        let ready = self.get("/ready").await?;
        let is_paused = ready.contains("intake pauses");
        let is_ready = ready.starts_with("HTTP/1.1 200");
        ensure!(!(is_paused && is_ready), "{ready}");
        Ok(is_paused)
    }

    async fn metric(&self, name: &str) -> Result<f64> {
        let page = self.get("/metrics").await?;
        let mut lines = page.lines();
        let line = lines.find_map(|line| line.strip_prefix(name));
        Ok(line.with_context(|| page.clone())?.trim().parse()?)
    }

    /// The end of the log.
    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("said.log"));
        let log = log.unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(40).collect();
        lines.join("\n")
    }

    /// Runs a verb that must succeed, and gives what it printed.
    async fn printed(&self, arguments: &[&str]) -> Result<String> {
        let run = tokio::process::Command::new(program())
            .args(arguments)
            .current_dir(self.folder.path())
            .output();
        let output = tokio::time::timeout(PATIENCE, run).await??;
        ensure!(output.status.success(), "{arguments:?}: {output:?}");
        Ok(String::from_utf8(output.stdout)?)
    }
}

async fn inside(disk: PathBuf) -> Result<()> {
    let (mut small, host, heard) = Small::start(disk).await?;
    small.say().await?;
    heard.until(1).await?;
    ensure!(!small.is_paused().await?, "there is room");
    small.fill()?;
    // The room is flooded until the disk is full; then some more.
    while !small.is_paused().await? {
        ensure!(small.said < FLOOD, "it is never full");
        small.say().await?;
    }
    for _ in 0..WHILE_FULL {
        small.say().await?;
    }
    // It stays so, and everybody who asks is told.
    let answered = heard.count();
    ensure!(answered < small.said, "{answered} of {}", small.said);
    ensure!(small.is_paused().await?, "it goes on with a full disk");
    ensure!(small.metric("parlor_intake_paused ").await? == 1.0);
    let bots = small.printed(&["bots"]).await?;
    ensure!(bots.contains("intake pauses"), "{bots}");
    until_line(&small.folder.path().join("said.log"), |line| {
        line["level"] == "WARN" && line.to_string().contains("full")
    })
    .await?;

    std::fs::remove_file(small.filler())?;
    let resumed = heard.until(small.said).await;
    resumed.with_context(|| small.log())?;
    ensure!(!small.is_paused().await?, "there is room again");
    ensure!(small.metric("parlor_intake_paused ").await? == 0.0);
    ensure!(small.metric("parlor_journal_held ").await? == 0.0);
    small.say().await?;
    heard.until(small.said).await?;
    ensure!(host.stop().await?.success());
    // Each is answered once and in its order, and the journal knows of each once.
    let numbers = (0..small.said).map(|number| number.to_string());
    let numbers: Vec<String> = numbers.collect();
    let answers = heard.heard();
    let answers = answers.iter().filter_map(|it| it.split(' ').next());
    assert_eq!(answers.collect::<Vec<_>>(), numbers);
    let events = small
        .printed(&["events", "--limit", "1000", "--json", "--plugin", "echo"])
        .await?;
    let events = events.lines().map(serde_json::from_str::<Value>);
    let events: Vec<Value> = events.collect::<Result<_, _>>()?;
    let mut told: Vec<&str> = Vec::new();
    for event in events.iter().filter(|event| event["kind"] == "message") {
        let delivery = &event["deliveries"][0];
        ensure!(delivery["state"] == "done", "{event:#}");
        ensure!(delivery["actions"][0]["state"] == "sent", "{event:#}");
        told.extend(event["text"].as_str().and_then(|it| it.split(' ').nth(1)));
    }
    told.reverse();
    let last = numbers.len().saturating_sub(told.len());
    assert_eq!(told, numbers[last..]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::print_stderr,
    reason = "whoever runs the tests must hear of it"
)]
async fn a_full_disk_pauses_intake_loses_nothing_and_is_overcome_by_itself() -> Result<()> {
    if let Some(disk) = variable(DISK) {
        return inside(PathBuf::from(disk)).await;
    }
    let output = match inside_a_small_disk().await? {
        Inside::Ran(output) => output,
        Inside::Refused(why) => {
            let is_refusal = |why: &String| {
                let why = why.to_lowercase();
                REFUSALS.iter().any(|refusal| why.contains(refusal))
            };
            let is_known = why.iter().all(is_refusal);
            let why = why.join("; ");
            ensure!(is_known || !is_ci(), "no small file system: {why}");
            eprintln!("left out: this machine allows no file system of one's own: {why}");
            return Ok(());
        }
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{said}\n{errors}");
    ensure!(said.contains("1 passed"), "{said}");
    Ok(())
}
