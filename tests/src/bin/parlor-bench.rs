//! Measures the whole host against its targets and prints one table, or with `--json` one object a row.
//!
//! ```text
//! cargo run --config profile.dev.opt-level=3 -p parlor-tests --bin parlor-bench
//! ```
//!
//! builds the workspace's own crates at full speed and leaves the dependencies as they are, so that
//! wasmtime is not built again. `--only NAME` measures the rows whose name has NAME in it.

#[path = "../bench.rs"]
mod bench;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// As the `parlor` command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the whole host against its targets.
#[derive(Debug, Parser)]
struct Arguments {
    /// One JSON object a row.
    #[arg(long)]
    json: bool,
    /// Only rows whose name has this in it.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Measures in this process, which nothing else has used: `idle` or `start`.
    #[arg(long, hide = true)]
    child: Option<String>,
    /// The folder that a child works in.
    #[arg(long, hide = true)]
    folder: Option<PathBuf>,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if let Some(child) = &arguments.child {
        let folder = arguments.folder.unwrap_or_default();
        runtime.block_on(bench::child(child, &folder))?;
        return Ok(ExitCode::SUCCESS);
    }
    let only = arguments.only.as_deref().unwrap_or_default();
    let rows = runtime.block_on(bench::run(only, arguments.json));
    let all_met = rows.iter().all(|row| row.met);
    Ok(if all_met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
