//! `parlor reload`: settings and plugins are read again, and what waits serves.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::ask::{Meant, settings_lines};
use super::output::Failure;
use super::start::Place;
use crate::mailbox::control::{Ask, Line};

/// How long it may take: every plugin may have to be compiled.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

#[derive(Debug, Args)]
pub(super) struct ReloadArgs {
    /// Let only this plugin's changes serve
    plugin: Option<String>,
    /// Print JSON objects
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(super) fn run(place: &Place<'_>, args: ReloadArgs) -> Result<ExitCode, Failure> {
    let meant = Meant::of(place)?;
    let ask = Ask::Reload {
        plugin: args.plugin,
    };
    let answer = meant.require(ask, PATIENCE)?;
    answer.print(args.json, shown)?;
    let is_refused = answer.lines.iter().any(|line| match line {
        Line::Settings(note) => note.refused,
        Line::Reloaded(reloaded) => !reloaded.refused.is_empty(),
        _ => false,
    });
    Ok(if is_refused {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// What the reload came to, for a person.
pub(super) fn shown(lines: &[Line]) -> Vec<String> {
    let mut shown = settings_lines(lines);
    for line in lines {
        let Line::Reloaded(reloaded) = line else {
            continue;
        };
        for (what, plugins) in [
            ("changed", &reloaded.changed),
            ("removed", &reloaded.removed),
            ("refused, see `parlor plugins`", &reloaded.refused),
        ] {
            if !plugins.is_empty() {
                shown.push(format!("{what}: {}", plugins.join(", ")));
            }
        }
    }
    if shown.is_empty() {
        shown.push("nothing has changed".to_owned());
    }
    shown
}
