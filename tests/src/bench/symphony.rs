//! A flood on Symphony: the whole way of messages through the host, beside the official Python BDK.
//!
//! The pod is a simulator in this process, with TLS; the host is in this process too and keeps its journal
//! safe against the loss of power, the BDK is in a process of its own and keeps nothing.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use parlor_host::journal::sqlite::{SqliteConfig, SqliteJournal};
use parlor_tests::bdk;
use parlor_tests::guests::{self, workspace};
use parlor_tests::harness::{TestHost, TestHostParts};
use parlor_tests::sim::symphony::{BOT, Symphony, SymphonyOptions};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::{Row, disk_folder, note};

/// Messages of a flood, all said before the bot can have answered many.
const MESSAGES: usize = 2_000;
/// Rooms in which they are said.
const ROOMS: usize = 50;
/// Anything comes within this, or the measurement has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Messages a second, from the first message said to the last answer.
pub(crate) async fn flood(python: Result<std::path::PathBuf, String>) -> anyhow::Result<Vec<Row>> {
    let own = own().await.context("the host")?;
    let name = "symphony-flood";
    let python = match python {
        Ok(python) => python,
        Err(why) => {
            note(&format!("the official BDK is left out: {why}"));
            return Ok(vec![Row::beside(name, own, "msg/s", None)]);
        }
    };
    let answers = bdk_answers(&python).await.context("the BDK that answers")?;
    let dispatch = bdk_dispatch(&python).await.context("the BDK that counts")?;
    Ok(vec![
        Row::beside(name, own, "msg/s", Some(answers)),
        Row::beside("symphony-bdk-answers", answers, "msg/s", None),
        Row::beside("symphony-bdk-dispatch", dispatch, "msg/s", Some(own)),
    ])
}

/// A pod, and how far its messages were looked at.
struct Pod {
    sim: Symphony,
    seen: usize,
    answered: usize,
}

impl Pod {
    async fn start() -> anyhow::Result<Self> {
        Ok(Self {
            sim: Symphony::start(SymphonyOptions::default().tls()).await?,
            seen: 0,
            answered: 0,
        })
    }

    async fn has_reader(&self) -> anyhow::Result<()> {
        let read = self
            .sim
            .request_like(0, PATIENCE, |request| request.path.ends_with("/read"));
        read.await.context("nobody reads a feed")?;
        Ok(())
    }

    fn say(&self, number: usize) {
        let room = format!("room {}", number % ROOMS);
        self.sim.say(&room, "ada", &format!("/echo flood-{number}"));
    }

    /// Waits until so many are answered, in all.
    async fn answers(&mut self, wanted: usize) -> anyhow::Result<()> {
        let mut bell = self.sim.bell();
        let waiting = async {
            loop {
                bell.borrow_and_update();
                for posted in self.sim.messages_from(self.seen) {
                    self.seen += 1;
                    self.answered += usize::from(posted.by_bot);
                }
                if self.answered >= wanted {
                    return anyhow::Ok(());
                }
                bell.changed().await?;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.with_context(|| format!("{} of {wanted} answered", self.answered))?
    }

    /// Says everything and waits for the answers; messages per second.
    async fn flood(&mut self) -> anyhow::Result<f64> {
        self.has_reader().await?;
        // The first one of a room makes it, and of a bot its session.
        for number in 0..ROOMS {
            self.say(number);
        }
        self.answers(ROOMS).await?;
        let start = Instant::now();
        for number in 0..MESSAGES {
            self.say(ROOMS + number);
        }
        self.answers(ROOMS + MESSAGES).await?;
        let rate = MESSAGES as f64 / start.elapsed().as_secs_f64();
        ensure!(
            self.answered == ROOMS + MESSAGES,
            "more answers than messages"
        );
        Ok(rate)
    }
}

async fn own() -> anyhow::Result<f64> {
    let mut pod = Pod::start().await?;
    let folder = disk_folder()?;
    let journal = SqliteJournal::open(folder.path(), SqliteConfig::default())?;
    // The BDK knows no pace; here it would be the platform's recommendation that is measured.
    let settings = format!(
        "[[bot]]\nname = \"desk\"\nplatform = \"symphony\"\nhost = \"{}\"\nusername = \"{BOT}\"\n\
         private-key = \"file:{}\"\nca-files = [\"{}\"]\n\
         conversation-messages-per-minute = 600000\n",
        pod.sim.base_url(),
        pod.sim.file("bot.pem").display(),
        pod.sim.file("ca.pem").display(),
    );
    let host = TestHost::start(TestHostParts {
        journal: Arc::new(journal),
        settings,
        ..TestHostParts::default()
    })
    .await;
    host.load("echo", guests::bytes("echo"), None).await;
    let rate = pod.flood().await;
    host.stop().await;
    rate
}

/// A bot of the BDK. It is killed when it is dropped.
struct Bot {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    _folder: tempfile::TempDir,
}

impl Bot {
    async fn start(python: &Path, pod: &Pod, mode: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("config.yaml");
        std::fs::write(&file, bdk::config(&pod.sim))?;
        let mut child = Command::new(python)
            .arg(workspace().join("tests/bdk/flood.py"))
            .arg(&file)
            .args(mode)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().context("no output to read")?;
        let mut bot = Self {
            _child: child,
            lines: BufReader::new(output).lines(),
            _folder: folder,
        };
        bot.says("ready").await?;
        Ok(bot)
    }

    async fn says(&mut self, expected: &str) -> anyhow::Result<()> {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.with_context(|| format!("it never said {expected}"))??;
        ensure!(
            line.as_deref() == Some(expected),
            "{line:?} and not {expected}"
        );
        Ok(())
    }
}

async fn bdk_answers(python: &Path) -> anyhow::Result<f64> {
    let mut pod = Pod::start().await?;
    let _bot = Bot::start(python, &pod, &["answer"]).await?;
    pod.flood().await
}

/// What it hands to a listener that does nothing.
async fn bdk_dispatch(python: &Path) -> anyhow::Result<f64> {
    let pod = Pod::start().await?;
    let count = MESSAGES.to_string();
    let mut bot = Bot::start(python, &pod, &["count", &count]).await?;
    pod.has_reader().await?;
    pod.say(0);
    bot.says("first").await?;
    let start = Instant::now();
    for number in 0..MESSAGES {
        pod.say(1 + number);
    }
    bot.says("all").await?;
    Ok(MESSAGES as f64 / start.elapsed().as_secs_f64())
}
