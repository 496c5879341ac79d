//! `parlor backup`: the journal as one file that carries on elsewhere.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::ask::Meant;
use super::output::{Failure, print_json, print_line};
use super::start::Place;
use crate::app::rest;

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The file to make; it must not be there
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct BackedUp {
    file: PathBuf,
    bytes: u64,
}

/// Runs the verb. It only reads, so that it makes no difference whether a host runs.
pub(super) fn run(place: &Place<'_>, args: BackupArgs) -> Result<ExitCode, Failure> {
    let meant = Meant::of(place)?;
    let bytes = rest::back_up(&meant.data, &args.file)?;
    let made = BackedUp {
        file: args.file,
        bytes,
    };
    if args.json {
        print_json(&[made])?;
    } else {
        print_line(&format!(
            "{} ({} KiB); as `journal.sqlite` in an empty data folder it carries on",
            made.file.display(),
            made.bytes.div_ceil(1024)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
