//! `parlor events export`: what was recorded, as a dialog.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::ask::{Meant, count, now};
use super::events::parse_since;
use super::output::{Failure, print_line, say};
use crate::app::export::{ExportOptions, export};
use crate::journal::EventQuery;
use crate::telemetry::strip_control;

/// Events that are exported where nothing is said.
const EXPORTED: usize = 100;
/// Events that one dialog holds at most: nobody reads more.
const MOST: usize = 10_000;

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Only events that this plugin got [default: the only one that got some]
    #[arg(long, value_name = "PLUGIN")]
    plugin: Option<String>,
    /// Only events of this bot
    #[arg(long, value_name = "BOT")]
    bot: Option<String>,
    /// Only events of this conversation, by id
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// At most so many, the newest [default: 100, or all of --since]
    #[arg(long, value_name = "COUNT", value_parser = parse_last)]
    last: Option<usize>,
    /// Only events of this last time: 10m, 2h, 1d
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<u64>,
    /// Write into this file, which must not be there [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Leave what people and plugins said as it is; who spoke, and where, is replaced all the same
    #[arg(long)]
    keep_text: bool,
}

fn parse_last(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(last @ 1..=MOST) => Ok(last),
        _ => Err(format!("is not between 1 and {MOST}")),
    }
}

/// Runs the verb. It only reads, so that it makes no difference whether a host runs.
pub(super) fn run(meant: &Meant, args: ExportArgs) -> Result<ExitCode, Failure> {
    let all = if args.since.is_some() { MOST } else { EXPORTED };
    let exported = export(ExportOptions {
        settings: meant.settings()?,
        which: EventQuery {
            plugin: args.plugin,
            bot: args.bot,
            conversation: args.conversation,
            since: args.since.map(|since| now().saturating_sub(since)),
            limit: args.last.unwrap_or(all),
            ..EventQuery::default()
        },
        keep_text: args.keep_text,
    })?;
    let Some(to) = args.to else {
        print_line(&strip_control(exported.text.trim_end_matches('\n'), true))?;
        return Ok(ExitCode::SUCCESS);
    };
    // Whoever exports decides who else reads it.
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&to);
    let written = file.and_then(|mut file| file.write_all(exported.text.as_bytes()));
    written.map_err(|error| {
        Failure::Failed(anyhow::anyhow!(
            "{} cannot be written: {error}",
            to.display()
        ))
    })?;
    say(&format!(
        "{}: {} of {}, {} left out; read it before you show it to anybody",
        to.display(),
        count(exported.steps as u64, "step"),
        exported.plugin,
        exported.left_out
    ));
    Ok(ExitCode::SUCCESS)
}
