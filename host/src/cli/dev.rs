//! `parlor dev`: talk to the plugin in this folder while it is written.

use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use async_trait::async_trait;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::ChildStderr;

use super::build::{PROJECTS, destination, project_around};
use super::output::{Failure, say};
use super::progress::Progress;
use super::start::Place;
use super::terminal::Terminal;
use super::tools::{Group, MAX_SAID};
use super::{block_on, end_code, load, logs};
use crate::app::dev::{Builder, DevOptions, run_dev};
use crate::app::entry::{FrontEnd, Idle};
use crate::config::{LogLevel, Settings};
use crate::mailbox::rooms::Rooms;
use crate::shutdown::Shutdown;

/// Builds, serves and builds again.
pub(super) fn run(place: &Place<'_>) -> Result<ExitCode, Failure> {
    let project = project_around(place.folder).ok_or_else(|| {
        Failure::usage(format!(
            "{} is no plugin's project: there is no {}; `parlor new NAME` makes one",
            place.folder.display(),
            PROJECTS.join(", ")
        ))
    })?;
    let here = Place {
        settings: None,
        folder: &project,
        is_terminal: place.is_terminal,
        built_from: None,
    };
    let settings = place
        .require_settings()
        .or_else(|_| here.require_settings());
    let settings = settings.ok().map(|path| load(&path)).transpose()?;
    // The build is started elsewhere than here.
    let to = place.folder.join(destination(&project, settings.as_ref()));
    let settings = settings.unwrap_or_else(|| Settings::defaults(&to, &project));
    logs(LogLevel::Warn)?;
    let builder = ChildBuilder {
        program: std::env::current_exe()?,
        folder: project.clone(),
        to,
        was_built: AtomicBool::new(false),
    };
    block_on(async {
        let shutdown = Shutdown::new();
        shutdown.listen_for_signals()?;
        let options = DevOptions {
            settings,
            sources: project,
            builder: Box::new(builder),
            front: Box::new(DevTerminal),
        };
        run_dev(options, shutdown.clone()).await?;
        Ok(end_code(&shutdown))
    })
}

/// Talks at the terminal, and says first what it is about.
struct DevTerminal;

#[async_trait]
impl FrontEnd for DevTerminal {
    fn ready(&self, page: Option<&str>) -> anyhow::Result<()> {
        Terminal.ready(page)
    }

    async fn talk(
        &self,
        rooms: Arc<dyn Rooms>,
        commands: Vec<String>,
        idle: Idle,
    ) -> anyhow::Result<()> {
        if !commands.is_empty() {
            let listed = commands.join(", ");
            say(&format!(
                "* it answers {listed}; a file that changes is built at once"
            ));
        }
        Terminal.talk(rooms, commands, idle).await
    }
}

/// Builds in a process of its own, which ends when nobody waits for it any more.
struct ChildBuilder {
    program: PathBuf,
    folder: PathBuf,
    to: PathBuf,
    was_built: AtomicBool,
}

/// A line of `parlor build --json`.
#[derive(Deserialize)]
struct BuiltLine {
    file: PathBuf,
}

#[async_trait]
impl Builder for ChildBuilder {
    async fn build(&self) -> Result<Vec<PathBuf>, String> {
        // The first may fetch and compile everything: whoever waits is told. Later there is a prompt.
        let is_first = !self.was_built.swap(true, Ordering::Relaxed);
        let built = self.run(is_first).await;
        built.unwrap_or_else(|error| Err(format!("{error:#}")))
    }
}

impl ChildBuilder {
    async fn run(&self, is_aloud: bool) -> anyhow::Result<Result<Vec<PathBuf>, String>> {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(["build", "--json", "--to"]).arg(&self.to);
        if !is_aloud {
            command.arg("--quiet");
        }
        // A group of its own, so that its tools end with it.
        let spawned = command
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn();
        let mut group = Group(spawned.context("cannot start the build")?);
        let mut out = group.0.stdout.take().context("no output")?;
        let err = group.0.stderr.take().context("no errors")?;
        let mut lines = String::new();
        let (read, said) = tokio::join!(out.read_to_string(&mut lines), listen(err, is_aloud));
        read.context("cannot read what was built")?;
        if !group.0.wait().await?.success() {
            return Ok(Err(said));
        }
        let files = lines.lines().map(|line| {
            let built: BuiltLine = serde_json::from_str(line)?;
            Ok(built.file)
        });
        files.collect::<anyhow::Result<Vec<_>>>().map(Ok)
    }
}

/// Hears what the tools say, and repeats it to whoever waits for the first build.
async fn listen(err: ChildStderr, is_aloud: bool) -> String {
    let progress = is_aloud.then(|| Progress::moving("building"));
    let mut said = String::new();
    let mut lines = BufReader::new(err).split(b'\n');
    // What cannot be read is not said; how the build ended is known all the same.
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line);
        if let Some(progress) = &progress {
            progress.say(&line);
        }
        let is_said_by_us = line == "parlor: the build failed" || line.starts_with("building ");
        if !is_said_by_us && said.len() + line.len() < MAX_SAID {
            said.push_str(line.strip_prefix("parlor: ").unwrap_or(&line));
            said.push('\n');
        }
    }
    said
}
