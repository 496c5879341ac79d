//! `parlor events export`: what was recorded, as a dialog.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::ask::{Meant, count, now};
use super::events::{Of, parse_count};
use super::output::{Failure, print_line, say};
use crate::app::export::{ExportOptions, export};
use crate::telemetry::strip_control;

/// Events that are exported where nothing is said.
const EXPORTED: usize = 100;
/// Events that one dialog holds at most: nobody reads more.
const MOST: usize = 10_000;

#[derive(Debug, Args)]
#[command(mut_arg("plugin", |it| it.help("Only events that this plugin got [default: the only one that got some]")))]
pub(super) struct ExportArgs {
    #[command(flatten)]
    of: Of,
    /// At most so many, the newest [default: 100, or all of --since]
    #[arg(long, value_name = "COUNT", value_parser = parse_count::<MOST>)]
    last: Option<usize>,
    /// Write into this file, which must not be there [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Leave what people and plugins said as it is; who spoke, and where, is replaced all the same
    #[arg(long)]
    keep_text: bool,
}

/// Runs the verb. It only reads, so that it makes no difference whether a host runs.
pub(super) fn run(meant: &Meant, args: ExportArgs) -> Result<ExitCode, Failure> {
    let all = match args.of.since {
        Some(_) => MOST,
        None => EXPORTED,
    };
    let exported = export(ExportOptions {
        settings: meant.settings()?,
        which: args.of.query(args.last.unwrap_or(all), now()),
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
