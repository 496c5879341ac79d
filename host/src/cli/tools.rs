//! Programs of others that install and build: run with their own words passed on, and ended with this one.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader, Split};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::interruptible;
use super::progress::Progress;

/// Bytes of what tools say that are kept.
pub(super) const MAX_SAID: usize = 256 * 1024;

/// What a line of a tool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// For the person who builds.
    Said,
    /// Something was fetched.
    Came,
    /// For nobody.
    Noise,
}

/// A program that is run.
pub(super) struct Tool<'a> {
    /// It, with its arguments.
    pub(super) command: Command,
    /// What to say where it cannot be started.
    pub(super) missing: &'a str,
    /// What to do about what it cannot know itself.
    pub(super) helps: &'a str,
}

/// How a program is listened to that fetches what it needs.
pub(super) struct Fetching<'a> {
    /// What is shown meanwhile.
    pub(super) progress: Progress,
    /// What a line of it is.
    pub(super) hear: fn(&str) -> Heard,
    /// How long it may take until something comes. From then on it keeps time itself.
    pub(super) within: Duration,
    /// Where it comes from.
    pub(super) from: &'a str,
}

/// A program that ended with a failure.
#[derive(Debug, thiserror::Error)]
#[error("{program} failed ({status}){helps}")]
pub(super) struct ToolFailed {
    program: String,
    status: ExitStatus,
    helps: String,
    /// What it said, where it was listened to.
    pub(super) said: String,
}

impl Tool<'_> {
    /// Runs it; what is wrong it says itself.
    ///
    /// # Errors
    /// It is not there; [`ToolFailed`]; [`super::output::Interrupted`].
    pub(super) fn run(mut self) -> anyhow::Result<()> {
        // What is printed here is read by programs; tools talk to people.
        self.command.stdout(Stdio::from(std::io::stderr()));
        interruptible(async {
            let mut group = self.start()?;
            let status = group.0.wait().await?;
            self.end(status, String::new())
        })
    }

    /// As [`Tool::run`], and keeps what it says.
    ///
    /// # Errors
    /// As [`Tool::run`].
    pub(super) fn listen(mut self, progress: &Progress) -> anyhow::Result<()> {
        interruptible(async {
            let (mut group, mut lines) = self.start_listening()?;
            let mut said = String::new();
            while let Some(line) = lines.next().await {
                keep(&mut said, &line);
                progress.say(&line);
            }
            self.end(group.0.wait().await?, said)
        })
    }

    /// As [`Tool::run`], shows how far it is, and ends it where nothing comes.
    ///
    /// # Errors
    /// As [`Tool::run`]; nothing came.
    pub(super) fn fetch(mut self, fetching: &Fetching<'_>) -> anyhow::Result<()> {
        interruptible(async {
            let (mut group, mut lines) = self.start_listening()?;
            let mut said = String::new();
            let mut has_come = false;
            let patience = tokio::time::sleep(fetching.within);
            tokio::pin!(patience);
            loop {
                let line = tokio::select! {
                    line = lines.next() => line,
                    () = &mut patience, if !has_come => {
                        let (program, helps) = (self.program(), self.helps);
                        let (from, seconds) = (fetching.from, fetching.within.as_secs());
                        bail!("{program} failed: nothing came from {from} in {seconds} s; {helps}");
                    }
                };
                let Some(line) = line else { break };
                match (fetching.hear)(&line) {
                    Heard::Noise => {}
                    Heard::Came => {
                        has_come = true;
                        fetching.progress.step(|count| format!("{count} fetched"));
                    }
                    Heard::Said => {
                        keep(&mut said, &line);
                        fetching.progress.say(&line);
                    }
                }
            }
            self.end(group.0.wait().await?, said)
        })
    }

    /// In a group of its own, so that what it has started ends with it.
    fn start(&mut self) -> anyhow::Result<Group> {
        let child = self.command.stdin(Stdio::null()).process_group(0).spawn();
        Ok(Group(child.with_context(|| self.missing.to_owned())?))
    }

    fn start_listening(&mut self) -> anyhow::Result<(Group, ToolLines)> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = self.start()?;
        let lines = ToolLines {
            out: group.0.stdout.take().map(split),
            err: group.0.stderr.take().map(split),
        };
        Ok((group, lines))
    }

    fn program(&self) -> String {
        let program = Path::new(self.command.as_std().get_program());
        let program = program.file_name().unwrap_or_default();
        program.to_string_lossy().into_owned()
    }

    fn end(&self, status: ExitStatus, said: String) -> anyhow::Result<()> {
        if status.success() {
            return Ok(());
        }
        let joint = if self.helps.is_empty() { "" } else { "; " };
        let failed = ToolFailed {
            program: self.program(),
            status,
            helps: format!("{joint}{}", self.helps),
            said,
        };
        Err(failed.into())
    }
}

fn keep(said: &mut String, line: &str) {
    if said.len() + line.len() < MAX_SAID {
        said.push_str(line);
        said.push('\n');
    }
}

/// What a program says on both of its outputs, line by line.
struct ToolLines {
    out: Option<Split<BufReader<ChildStdout>>>,
    err: Option<Split<BufReader<ChildStderr>>>,
}

impl ToolLines {
    async fn next(&mut self) -> Option<String> {
        loop {
            let (line, ended) = tokio::select! {
                line = next_of(&mut self.out), if self.out.is_some() => (line, Output::Out),
                line = next_of(&mut self.err), if self.err.is_some() => (line, Output::Err),
                else => return None,
            };
            match (line, ended) {
                (Some(line), _) => return Some(line),
                (None, Output::Out) => self.out = None,
                (None, Output::Err) => self.err = None,
            }
        }
    }
}

enum Output {
    Out,
    Err,
}

fn split<R: AsyncRead + Unpin>(output: R) -> Split<BufReader<R>> {
    BufReader::new(output).split(b'\n')
}

async fn next_of<R: AsyncRead + Unpin>(lines: &mut Option<Split<BufReader<R>>>) -> Option<String> {
    // What cannot be read is not said; how it ended is known all the same.
    let line = lines.as_mut()?.next_segment().await.ok().flatten()?;
    Some(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// A process with those that it has started; they end when it is dropped.
pub(super) struct Group(pub(super) Child);

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
    use crate::cli::output::Voice;

    /// A program that is a line of a shell.
    fn tool(line: &str) -> Tool<'static> {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        Tool {
            command,
            missing: "cannot start sh",
            helps: "look",
        }
    }

    fn silent() -> Progress {
        Progress::start("", Voice::Quiet)
    }

    fn fetching(within: Duration) -> Fetching<'static> {
        Fetching {
            progress: silent(),
            hear: |line| match line {
                "came" => Heard::Came,
                "noise" => Heard::Noise,
                _ => Heard::Said,
            },
            within,
            from: "the shop",
        }
    }

    #[test]
    fn where_nothing_comes_it_is_ended_with_what_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let ended = folder.path().join("ended");
        let line = format!(
            "(exec 2>&-; trap 'echo > {}; exit' TERM; echo noise; while :; do sleep 0.05; done) & wait",
            ended.display()
        );
        let begun = std::time::Instant::now();
        let failed = tool(&line).fetch(&fetching(Duration::from_secs(3)));
        assert_eq!(
            failed.unwrap_err().to_string(),
            "sh failed: nothing came from the shop in 3 s; look"
        );
        assert!(begun.elapsed() < Duration::from_secs(20));
        while !ended.exists() {
            assert!(begun.elapsed() < Duration::from_secs(30), "it goes on");
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_has_come_gives_it_all_the_time_that_it_takes() {
        let slow = fetching(Duration::from_millis(300));
        tool("echo came; sleep 0.6; echo more >&2")
            .fetch(&slow)
            .unwrap();
    }

    #[test]
    fn what_it_says_is_kept_with_how_it_ended() {
        let line = "echo one; echo two >&2; exit 3";
        let quick = fetching(Duration::from_secs(20));
        for failed in [tool(line).listen(&silent()), tool(line).fetch(&quick)] {
            let error = failed.unwrap_err();
            assert_eq!(error.to_string(), "sh failed (exit status: 3); look");
            let said = &error.downcast_ref::<ToolFailed>().unwrap().said;
            let mut lines: Vec<&str> = said.lines().collect();
            lines.sort_unstable();
            assert_eq!(lines, ["one", "two"]);
        }
        let mut missing = tool("");
        missing.command = Command::new("/nonexistent/sh");
        let error = missing.run().unwrap_err();
        assert!(
            format!("{error:#}").starts_with("cannot start sh: "),
            "{error:#}"
        );
    }
}
