//! `parlor install`: bots that somebody has to agree to.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};

use super::ask::{Meant, PATIENCE};
use super::block_on;
use super::output::{Failure, print_json, print_line, say};
use super::start::Place;
use crate::mailbox::control::{Ask, InstallLine, Line};
use crate::telemetry::strip_control;

/// How long somebody may take to agree; a link is good for as long.
const AGREEING: Duration = Duration::from_secs(30 * 60);
/// How often it is looked whether somebody has.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct InstallArgs {
    #[command(subcommand)]
    on: InstallOn,
}

#[derive(Debug, Subcommand)]
enum InstallOn {
    /// Print where somebody agrees to the bot, and say when it is ready; each further licence has it too
    #[command(name = "livechat")]
    LiveChat {
        /// The bot [default: the only one that is installed so]
        #[arg(value_name = "BOT")]
        bot: Option<String>,
        /// Open the address in the browser
        #[arg(long)]
        open: bool,
        /// Do not wait until somebody has agreed
        #[arg(long)]
        no_wait: bool,
        /// Print JSON objects: the link with where the bot is, then each licence that it came onto
        #[arg(long)]
        json: bool,
    },
}

/// Runs the verb.
pub(super) fn run(place: &Place<'_>, args: InstallArgs) -> Result<ExitCode, Failure> {
    let InstallOn::LiveChat {
        bot,
        open,
        no_wait,
        json,
    } = args.on;
    let meant = Meant::of(place)?;
    let first = ask(&meant, bot, true)?;
    let Some(link) = first.link.clone() else {
        return Err(Failure::Failed(anyhow::anyhow!(
            "{} cannot be installed: its settings have no `redirect-uri`",
            first.bot
        )));
    };
    if json {
        print_json(std::slice::from_ref(&first))?;
    } else {
        for line in lines(&first) {
            print_line(&strip_control(&line, false))?;
        }
    }
    if open && let Err(error) = open_in_browser(&link) {
        say(&format!("the browser was not opened: {error}"));
    }
    if no_wait {
        return Ok(ExitCode::SUCCESS);
    }
    wait(&meant, &first, json)
}

/// What is said before somebody has agreed.
pub(super) fn lines(line: &InstallLine) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for on in &line.licences {
        lines.push(match &on.reason {
            None => format!("{} is ready on licence {}", line.bot, on.licence),
            Some(why) => format!("{} is not ready on licence {}: {why}", line.bot, on.licence),
        });
    }
    if let Some(link) = &line.link {
        lines.push("Somebody who may install apps there opens:".to_owned());
        lines.push(link.clone());
    }
    lines
}

/// Waits until the bot is ready on a licence where it was not, or was put there anew.
fn wait(meant: &Meant, first: &InstallLine, json: bool) -> Result<ExitCode, Failure> {
    let until = Instant::now() + AGREEING;
    let mut told: Option<String> = None;
    while Instant::now() < until {
        block_on(async {
            tokio::time::sleep(LOOK).await;
            Ok(())
        })?;
        let now = ask(meant, Some(first.bot.clone()), false)?;
        for on in &now.licences {
            if first.licences.contains(on) {
                continue;
            }
            match &on.reason {
                None if json => print_json(std::slice::from_ref(on))?,
                None => print_line(&format!("{} is ready on licence {}", now.bot, on.licence))?,
                // It may be on its way: it is said once, and waited for.
                Some(why) if told.as_ref() != Some(why) => {
                    say(&strip_control(
                        &format!("licence {}: {why}", on.licence),
                        false,
                    ));
                    told = Some(why.clone());
                    continue;
                }
                Some(_) => continue,
            }
            return Ok(ExitCode::SUCCESS);
        }
    }
    Err(Failure::Failed(anyhow::anyhow!(
        "nobody has agreed within half an hour; ask for a new link"
    )))
}

fn ask(meant: &Meant, bot: Option<String>, link: bool) -> Result<InstallLine, Failure> {
    let answer = meant.require(Ask::Install { bot, link }, PATIENCE)?;
    let mut lines = answer.lines.into_iter();
    let found = lines.find_map(|line| match line {
        Line::Install(line) => Some(line),
        _ => None,
    });
    found.ok_or_else(|| Failure::Failed(anyhow::anyhow!("the host did not say how")))
}

fn open_in_browser(link: &str) -> std::io::Result<()> {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let mut command = std::process::Command::new(program);
    let quiet = std::process::Stdio::null;
    command
        .arg(link)
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet());
    command.spawn().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::control::InstalledOn;

    #[test]
    fn it_is_said_where_the_bot_is_and_where_to_go() {
        let on = |licence: &str, reason: Option<&str>| InstalledOn {
            licence: licence.to_owned(),
            reason: reason.map(str::to_owned),
            installed_at: None,
        };
        let line = InstallLine {
            bot: "pizza".to_owned(),
            link: Some("https://accounts.example/?state=s".to_owned()),
            licences: vec![on("a", None), on("b", Some("token refused"))],
        };
        assert_eq!(
            lines(&line),
            [
                "pizza is ready on licence a",
                "pizza is not ready on licence b: token refused",
                "Somebody who may install apps there opens:",
                "https://accounts.example/?state=s",
            ]
        );
    }
}
