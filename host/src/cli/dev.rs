//! `parlor dev`: talk to the plugin in this folder while it is written.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr};

use super::build::destination;
use super::chat::run_following;
use super::output::{Failure, print_line, say};
use super::start::Place;
use super::terminal::options;
use super::{block_on, end_code, load, logs};
use crate::app::dev::{Builder, DevOptions, run_dev};
use crate::app::entry::{FrontEnd, Idle};
use crate::config::{LogLevel, Platform, Settings};
use crate::mailbox::rooms::Rooms;
use crate::shutdown::Shutdown;

/// Files of which one makes a folder a project.
const PROJECTS: [&str; 3] = ["Cargo.toml", "package.json", "pyproject.toml"];
/// Bytes of what tools say that are kept.
const MAX_SAID: usize = 256 * 1024;

/// Builds, serves and builds again.
pub(super) fn run(place: &Place<'_>) -> Result<ExitCode, Failure> {
    let project = project_around(place.folder).ok_or_else(|| {
        Failure::usage(format!(
            "{} is no plugin's project: there is no {}; `parlor new NAME` makes one",
            place.folder.display(),
            PROJECTS.join(", ")
        ))
    })?;
    let settings = place.require_settings().ok().map(|path| load(&path));
    let settings = settings.transpose()?;
    let here = Place {
        settings: None,
        folder: &project,
        is_terminal: place.is_terminal,
        built_from: None,
    };
    // The build is started elsewhere than here.
    let to = place.folder.join(destination(&here, settings.as_ref()));
    let mut settings = settings.unwrap_or_else(|| Settings::defaults(&to, &project));
    for bot in &mut settings.bots {
        // Never a real platform, whatever the settings say.
        bot.platform = Platform::Local(bot.platform.local());
    }
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

fn project_around(folder: &Path) -> Option<PathBuf> {
    let mut folders = folder.ancestors();
    let found = folders.find(|folder| PROJECTS.iter().any(|it| folder.join(it).is_file()));
    found.map(Path::to_owned)
}

/// Talks at standard input and output, and goes on showing what happens while nobody says anything.
struct DevTerminal;

#[async_trait]
impl FrontEnd for DevTerminal {
    fn ready(&self, page: Option<&str>) -> anyhow::Result<()> {
        if let Some(page) = page {
            // Whoever started it may have closed its output: it serves all the same.
            let _ = print_line(&format!("open {page}"));
        }
        Ok(())
    }

    async fn talk(
        &self,
        rooms: Arc<dyn Rooms>,
        commands: Vec<String>,
        idle: Idle,
    ) -> anyhow::Result<()> {
        if !commands.is_empty() {
            let commands = commands.join(", ");
            say(&format!(
                "* it answers {commands}; a file that changes is built at once"
            ));
        }
        Ok(run_following(rooms, options(commands), idle).await?)
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
    let bar = is_aloud.then(|| {
        let bar = ProgressBar::new_spinner().with_message("building");
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    });
    let mut said = String::new();
    let mut lines = BufReader::new(err).split(b'\n');
    // What cannot be read is not said; how the build ended is known all the same.
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line);
        if let Some(bar) = &bar {
            bar.suspend(|| say(&line));
        }
        let is_said_by_us = line == "parlor: the build failed" || line.starts_with("building ");
        if !is_said_by_us && said.len() + line.len() < MAX_SAID {
            said.push_str(line.strip_prefix("parlor: ").unwrap_or(&line));
            said.push('\n');
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    said
}

/// A process with those that it has started; they end when it is dropped.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // One that was waited for has no number any more.
        let Some(id) = self.0.id().and_then(|id| i32::try_from(id).ok()) else {
            return;
        };
        // SAFETY: it was started as the leader of a group and is not waited for, so the number is its own.
        unsafe { libc::kill(-id, libc::SIGTERM) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_found_from_inside_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("bot/src/deep")).unwrap();
        assert_eq!(project_around(&root.join("bot/src")), None);
        std::fs::write(root.join("bot/package.json"), "{}").unwrap();
        let found = project_around(&root.join("bot/src/deep"));
        assert_eq!(found, Some(root.join("bot")));
    }
}
