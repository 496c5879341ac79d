//! Lets a storm pass over a host and prints what it left: one table, or with `--json` one object.
//!
//! ```text
//! cargo run -p parlor-tests --bin parlor-storm -- --events 1000000 --kills 200 --reloads 1000
//! ```
//!
//! Ends with 1 when anything was lost, answered twice or out of order.
//!
//! With `--wear` no storm passes over it; plugins that leak and trap wear it instead, and it ends with 1 also
//! where its memory grows.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use parlor_tests::storm::{self, Remote, StormOptions, Subject, Weather};
use parlor_tests::wear::{self, WearOptions};
use serde::Serialize;

/// As the `parlor` command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Platforms that a storm can pass over.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Platform {
    /// Rooms and users of our own, with faults put in.
    Local,
    /// A pod of the simulator, in this process.
    Symphony,
    /// Webex, likewise, by webhooks.
    Webex,
    /// LiveChat, likewise.
    #[value(name = "livechat")]
    LiveChat,
    /// LSEG Messenger, likewise.
    Lseg,
}

/// Lets a storm pass over a host.
#[derive(Debug, Parser)]
struct Arguments {
    /// What the dice begin with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Messages.
    #[arg(long, default_value_t = 100_000)]
    events: u64,
    /// Kills while people talk.
    #[arg(long, default_value_t = 50)]
    kills: u64,
    /// Builds that are shipped, a tenth of them broken.
    #[arg(long, default_value_t = 200)]
    reloads: u64,
    /// People, each in a room of their own.
    #[arg(long, default_value_t = 60)]
    talkers: usize,
    /// Where they talk.
    #[arg(long, value_enum, default_value_t = Platform::Local)]
    platform: Platform,
    /// Plugins that leak and trap wear the host, instead of a storm.
    #[arg(long, conflicts_with_all = ["seed", "kills", "reloads", "talkers", "platform"])]
    wear: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// Is the host of a storm, in this folder.
    #[arg(long, hide = true)]
    host: Option<PathBuf>,
    /// The size of that host's journal.
    #[arg(long, hide = true)]
    max_bytes: Option<u64>,
    /// That host's platform works.
    #[arg(long, hide = true)]
    calm: bool,
    /// The local platform sends something twice now and then, which the audit is to find.
    #[arg(long, hide = true)]
    doubling: bool,
}

/// How much memory a worn host may take after it was warm, in MiB.
const GROWTH_MIB: f64 = 8.0;
/// Conversations that wait half a second at every tenth message: as many as a page shows.
const WORN_ROOMS: usize = 160;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    if let Some(folder) = &arguments.host {
        let weather = match (arguments.calm, arguments.doubling) {
            (true, _) => Weather::Calm,
            (false, true) => Weather::Doubling(arguments.seed),
            (false, false) => Weather::Storm(arguments.seed),
        };
        storm::serve(folder, weather, arguments.max_bytes).await?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.wear {
        let report = wear::run(&WearOptions {
            program: std::env::current_exe()?,
            arguments: vec!["--host", ".", "--calm"],
            events: arguments.events,
            rooms: WORN_ROOMS,
        })
        .await?;
        show(&report, &report.findings, arguments.json)?;
        let is_flat = report.rss_growth_mib <= GROWTH_MIB;
        return Ok(exit_code(is_flat && report.is_clean()));
    }
    let program = std::env::current_exe()?;
    let options = StormOptions {
        subject: match arguments.doubling {
            true => Subject::Doubling(program),
            false => Subject::Faulty(program),
        },
        seed: arguments.seed,
        events: arguments.events,
        kills: arguments.kills,
        reloads: arguments.reloads,
        talkers: arguments.talkers,
    };
    let report = match arguments.platform {
        Platform::Local => storm::run(options).await?,
        Platform::Symphony => storm::run_on(Remote::Symphony, options).await?,
        Platform::Webex => storm::run_on(Remote::Webex, options).await?,
        Platform::LiveChat => storm::run_on(Remote::LiveChat, options).await?,
        Platform::Lseg => storm::run_on(Remote::Lseg, options).await?,
    };
    show(&report, &report.findings, arguments.json)?;
    Ok(exit_code(report.is_clean()))
}

fn exit_code(is_good: bool) -> ExitCode {
    match is_good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

#[expect(clippy::print_stdout, reason = "it is what the program is for")]
fn show(report: &impl Serialize, findings: &str, as_json: bool) -> anyhow::Result<()> {
    let value = serde_json::to_value(report)?;
    if as_json {
        println!("{value}");
        return Ok(());
    }
    for (name, figure) in value.as_object().into_iter().flatten() {
        println!("{name:<16}{figure:>12}");
    }
    println!("{findings}");
    Ok(())
}
