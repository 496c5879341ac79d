//! `parlor replay`: events of the past through a build, and in what it differs from what went then.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::ask::{Meant, ago, count, now};
use super::block_on;
use super::events::{parse_count, parse_since};
use super::output::{Failure, print_json, print_line};
use super::start::Place;
use crate::app::replay::{Compared, ReplayLine, ReplayOptions, ReplayTotal, ReplayedLine, replay};
use crate::config::LogLevel;
use crate::journal::RecordedQuery;
use crate::model::Timestamp;
use crate::telemetry::strip_control;

/// Events that are replayed where nothing is said.
const REPLAYED: usize = 100;
/// Events that can be replayed at one time.
const MOST: usize = 100_000;

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The plugin whose events are replayed, with its settings
    plugin: String,
    /// The build to run [default: the plugin's file in the plugin folder]
    #[arg(long, value_name = "FILE.wasm")]
    build: Option<PathBuf>,
    /// Compare with what this build does now, instead of with what went then
    #[arg(long, value_name = "FILE.wasm")]
    against: Option<PathBuf>,
    /// Only this event, by number
    #[arg(long, value_name = "EVENT", conflicts_with_all = ["since", "last"])]
    event: Option<u64>,
    /// Only events of this last time: 10m, 2h, 1d
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<u64>,
    /// At most so many, the newest [default: 100, or all of --since]
    #[arg(long, value_name = "COUNT", value_parser = parse_count::<MOST>)]
    last: Option<usize>,
    /// Print one JSON object per event
    #[arg(long)]
    json: bool,
}

/// Runs the verb: 0 where all comes to the same, 1 where something does not.
pub(super) fn run(place: &Place<'_>, args: ReplayArgs) -> Result<ExitCode, Failure> {
    let meant = Meant::of(place)?;
    super::logs(LogLevel::Warn)?;
    let begun = now();
    let all = if args.since.is_some() { MOST } else { REPLAYED };
    let options = ReplayOptions {
        settings: meant.settings()?,
        build: args.build,
        against: args.against,
        which: RecordedQuery {
            plugin: args.plugin,
            event: args.event,
            since: args.since.map(|since| begun.saturating_sub(since)),
            limit: args.last.unwrap_or(all),
        },
    };
    let json = args.json;
    let mut broken = false;
    let told = block_on(async {
        let tell = |line: ReplayLine| match print(&line, json, begun) {
            Ok(()) => Ok(()),
            Err(Failure::BrokenPipe) => {
                broken = true;
                Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into())
            }
            Err(_) => Err(anyhow::anyhow!("standard output cannot be written")),
        };
        Ok(replay(options, tell).await)
    })?;
    if broken {
        return Err(Failure::BrokenPipe);
    }
    Ok(match told?.differ {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn print(line: &ReplayLine, json: bool, now: Timestamp) -> Result<(), Failure> {
    if json {
        return print_json(std::slice::from_ref(line));
    }
    let shown = match line {
        ReplayLine::Replayed(line) => event_lines(line, now),
        ReplayLine::Total(total) => vec![total_line(total)],
    };
    for line in shown {
        print_line(&strip_control(&line, false))?;
    }
    Ok(())
}

/// An event for a person: what went then with `-`, what would go now with `+`.
pub(super) fn event_lines(line: &ReplayedLine, now: Timestamp) -> Vec<String> {
    let mut head = format!("{} · {} ago · {}", line.event, ago(now, line.at), line.kind);
    if let Some(user) = &line.user_name {
        head.push_str(&format!(" of {user}"));
    }
    if let Some(place) = &line.conversation {
        head.push_str(&format!(" in {place}"));
    }
    if let Some(text) = &line.text {
        head.push_str(&format!(" · {}", text.replace('\n', " ")));
    }
    let detail = line.detail.as_deref();
    head.push_str(&match (line.compared, detail) {
        (Compared::Same, None) => ": same".to_owned(),
        (Compared::Same, Some(_)) => ": same, it fails as it did".to_owned(),
        (Compared::Differs, _) => ": differs".to_owned(),
        (Compared::Skipped, why) => format!(": skipped, {}", why.unwrap_or_default()),
    });
    let mut shown = vec![head];
    shown.extend(line.was.iter().map(|it| format!("  - {it}")));
    shown.extend(line.now.iter().map(|it| format!("  + {it}")));
    shown.extend(line.fields.iter().map(|it| format!("    {it}")));
    shown
}

/// The last line, for a person.
pub(super) fn total_line(total: &ReplayTotal) -> String {
    let ReplayTotal {
        plugin,
        version,
        file,
        same,
        differ,
        skipped,
        ..
    } = total;
    let events = same + differ + skipped;
    if events == 0 {
        return format!("no event that {plugin} got is kept; nothing was replayed");
    }
    let skipped = match skipped {
        0 => String::new(),
        skipped => format!(", {skipped} skipped"),
    };
    format!(
        "{plugin} {version} ({}): {}: {same} the same, {differ} different{skipped}; nothing was sent",
        file.display(),
        count(events, "event")
    )
}
