//! What the verbs share that ask a running host.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::output::{Failure, print_json, print_line};
use super::start::{Place, Start};
use super::{block_on, demo_settings, load};
use crate::config::Settings;
use crate::mailbox::control::{self, Ask, AskError, Line, SettingsLine};
use crate::model::Timestamp;
use crate::telemetry::strip_control;

/// How long an answer is waited for that the host has at hand.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The host that is meant: that of these settings, or the demo.
pub(super) struct Meant {
    /// The settings file; none for the demo.
    settings: Option<PathBuf>,
    /// Where it keeps its data.
    pub(super) data: PathBuf,
    demo: Option<Settings>,
}

impl Meant {
    /// Finds out which host is meant. Settings that are wrong still name its data folder.
    pub(super) fn of(place: &Place<'_>) -> Result<Self, Failure> {
        Ok(match place.decide()? {
            Start::Run(path) => Self {
                data: Settings::data_folder(&path),
                settings: Some(path),
                demo: None,
            },
            Start::Demo(tree) => Self {
                settings: None,
                data: tree.demo_data(),
                demo: Some(demo_settings(&tree)?),
            },
        })
    }

    /// The settings, for what is told without a host.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        match (&self.settings, &self.demo) {
            (Some(path), _) => load(path),
            (None, Some(settings)) => Ok(settings.clone()),
            (None, None) => Err(Failure::usage("there are no settings")),
        }
    }

    /// Asks the host; none where it does not run.
    pub(super) fn ask(&self, ask: Ask, patience: Duration) -> Result<Option<Answer>, Failure> {
        let asked = block_on(async { Ok(control::ask(&self.data, ask, patience).await) })?;
        match asked {
            Ok((lines, more)) => Ok(Some(Answer { lines, more })),
            Err(AskError::NoHost(_)) => Ok(None),
            Err(error) => Err(Failure::Failed(error.into())),
        }
    }

    /// Asks the host, which must run.
    pub(super) fn require(&self, ask: Ask, patience: Duration) -> Result<Answer, Failure> {
        self.ask(ask, patience)?.ok_or_else(|| self.no_host())
    }

    /// Says that no host runs; where the settings are wrong, that is why.
    fn no_host(&self) -> Failure {
        if let Err(failure) = self.settings() {
            return failure;
        }
        Failure::Failed(anyhow::anyhow!(
            "no host runs on data folder {}; start it with `parlor run`",
            self.data.display()
        ))
    }
}

/// What a host answered, or what can be told without one.
pub(super) struct Answer {
    pub(super) lines: Vec<Line>,
    /// Lines left out.
    pub(super) more: u64,
}

impl Answer {
    /// An answer that is made here.
    pub(super) fn here(lines: Vec<Line>) -> Self {
        Self { lines, more: 0 }
    }

    /// Prints the answer: JSON as it is, or what `show` makes of it for a person.
    pub(super) fn print(
        &self,
        json: bool,
        show: impl FnOnce(&[Line]) -> Vec<String>,
    ) -> Result<ExitCode, Failure> {
        if json {
            print_json(&self.lines)?;
            return Ok(ExitCode::SUCCESS);
        }
        for line in show(&self.lines) {
            print_line(&strip_control(&line, false))?;
        }
        if self.more > 0 {
            print_line(&format!("… and {} more", self.more))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What is to be known of the settings, for a person.
pub(super) fn settings_lines(lines: &[Line]) -> Vec<String> {
    let notes = lines.iter().filter_map(|line| match line {
        Line::Settings(note) => Some(settings_line(note)),
        _ => None,
    });
    notes.collect()
}

fn settings_line(note: &SettingsLine) -> String {
    if note.refused {
        format!(
            "settings not taken, the last good ones are in force: {}",
            note.text
        )
    } else {
        format!("settings: {}", note.text)
    }
}

/// How long ago something was, in its largest unit.
pub(super) fn ago(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.saturating_sub(at) / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The time now.
pub(super) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// `1 part waits`, `2 parts wait`.
pub(super) fn waiting(parts: u64) -> String {
    let verb = if parts == 1 { "waits" } else { "wait" };
    format!("{} {verb}", count(parts, "part"))
}

/// `1 part`, `2 parts`.
pub(super) fn count(number: u64, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}
