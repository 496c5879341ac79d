//! `parlor doctor`: what is wrong, and what helps; a line a check.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::ask::Meant;
use super::output::{Failure, print_json, print_line, table};
use super::start::Place;
use crate::app::doctor::{DoctorLine, DoctorOptions, examine};
use crate::telemetry::strip_control;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// The only bot to look at [default: the machine and all bots]
    #[arg(value_name = "BOT")]
    bot: Option<String>,
    /// How long one question may take
    #[arg(long, value_name = "SECS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout_secs: u64,
    /// Print one JSON object per check
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(super) fn run(place: &Place<'_>, args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let settings = Meant::of(place)?.settings()?;
    let options = DoctorOptions {
        settings: &settings,
        bot: args.bot.as_deref(),
        patience: Duration::from_secs(args.timeout_secs),
    };
    let lines = examine_now(options)?;
    if args.json {
        print_json(&lines)?;
    } else {
        for line in shown(&lines) {
            print_line(&strip_control(&line, false))?;
        }
    }
    Ok(match lines.iter().any(DoctorLine::is_wrong) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn examine_now(options: DoctorOptions<'_>) -> Result<Vec<DoctorLine>, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.enable_all().build()?;
    let examined = runtime.block_on(examine(options));
    // A resolver that never answers is not waited for.
    runtime.shutdown_background();
    examined.map_err(|error| anyhow::Error::from(error).into())
}

/// The checks as a table, and how many are wrong.
fn shown(lines: &[DoctorLine]) -> Vec<String> {
    let mut rows = vec![["BOT", "CHECK", "IS", "FOUND"].map(str::to_owned).to_vec()];
    for line in lines {
        let check = &line.check;
        let mut found = format!("{}; expected: {}", check.found, check.expected);
        if let Some(change) = &check.change {
            found = format!("{found}; what helps: {change}");
        }
        rows.push(vec![
            line.bot.clone().unwrap_or_else(|| "-".to_owned()),
            check.check.clone(),
            check.finding.name().to_owned(),
            found,
        ]);
    }
    let mut shown = table(&rows);
    let wrong = lines.iter().filter(|line| line.is_wrong()).count();
    shown.push(match wrong {
        0 => "nothing is wrong".to_owned(),
        1 => "1 check is wrong".to_owned(),
        wrong => format!("{wrong} checks are wrong"),
    });
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::doctor::{Check, Finding};

    fn line(bot: Option<&str>, finding: Finding, change: Option<&str>) -> DoctorLine {
        DoctorLine {
            bot: bot.map(str::to_owned),
            platform: bot.map(|_| "webex"),
            check: Check {
                check: "login".to_owned(),
                finding,
                expected: "a token".to_owned(),
                found: "none".to_owned(),
                change: change.map(str::to_owned),
            },
        }
    }

    #[test]
    fn a_line_says_what_was_found_what_was_expected_and_what_helps() {
        let lines = [
            line(None, Finding::Ok, None),
            line(Some("desk"), Finding::Wrong, Some("`token`")),
        ];
        assert_eq!(
            shown(&lines),
            [
                "BOT   CHECK  IS     FOUND",
                "-     login  ok     none; expected: a token",
                "desk  login  wrong  none; expected: a token; what helps: `token`",
                "1 check is wrong",
            ]
        );
        assert_eq!(shown(&lines[..1]).last().unwrap(), "nothing is wrong");
        let json = serde_json::to_string(&lines[1]).unwrap();
        assert_eq!(
            json,
            "{\"bot\":\"desk\",\"platform\":\"webex\",\"check\":\"login\",\"finding\":\"wrong\",\
             \"expected\":\"a token\",\"found\":\"none\",\"change\":\"`token`\"}"
        );
    }
}
