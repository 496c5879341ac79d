//! `parlor password`: a bot's password is changed with its platform. It is asked for, and never shown.

use std::io::{BufRead as _, Read as _};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::ask::Meant;
use super::output::{Failure, print_line, say};
use super::start::Place;
use super::{block_on, load, reload};
use crate::app::password::{KeptIn, change_password};
use crate::config::{Secret, Settings};
use crate::mailbox::control::Ask;
use crate::telemetry::strip_control;

/// Bytes of a password that are read.
const MAX_BYTES: u64 = 1024;
/// How long a running host may take to read its settings again.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

#[derive(Debug, Args)]
pub(super) struct PasswordArgs {
    #[command(subcommand)]
    of: PasswordOf,
}

#[derive(Debug, Subcommand)]
enum PasswordOf {
    /// Change the password of a bot on LSEG Messenger; the new one is asked for, or read from a pipe
    Lseg {
        /// The bot's name in the settings
        #[arg(value_name = "BOT")]
        bot: String,
    },
}

/// Runs the verb.
pub(super) fn run(place: &Place<'_>, args: PasswordArgs) -> Result<ExitCode, Failure> {
    let PasswordOf::Lseg { bot: name } = args.of;
    let settings = load(&place.require_settings()?)?;
    let bot = find(&settings, &name)?;
    let new = match place.is_terminal {
        true => ask(&name)?,
        false => from_pipe()?,
    };
    let kept = block_on(async {
        let changed = change_password(&bot, &new).await;
        changed.map_err(|error| Failure::Failed(error.into()))
    })?;
    print_line(&strip_control(
        &format!("the password of {name} is changed"),
        false,
    ))?;
    match kept {
        // The running host has the old one, and its tokens have ended with it.
        KeptIn::File => let_host_know(place),
        KeptIn::Nowhere => {
            say(
                "the settings do not read it from a file: change it where they do, then `parlor reload`",
            );
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn find(settings: &Settings, name: &str) -> Result<crate::config::BotConfig, Failure> {
    let found = settings.bots.iter().find(|bot| bot.name == name);
    let bot = found.ok_or_else(|| {
        let names: Vec<&str> = settings.bots.iter().map(|bot| bot.name.as_str()).collect();
        Failure::usage(format!(
            "there is no bot {name}; there are {}",
            names.join(", ")
        ))
    })?;
    if bot.platform.name() != "lseg" {
        let platform = bot.platform.name();
        return Err(Failure::usage(format!(
            "bot {name} is on {platform}, not on lseg"
        )));
    }
    Ok(bot.clone())
}

fn let_host_know(place: &Place<'_>) -> Result<ExitCode, Failure> {
    let meant = Meant::of(place)?;
    match meant.ask(Ask::Reload { plugin: None }, PATIENCE)? {
        Some(answer) => {
            answer.print(false, reload::shown)?;
            Ok(ExitCode::SUCCESS)
        }
        None => {
            print_line("no host runs; it is used at the next start")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Asks twice, without showing what is typed.
fn ask(name: &str) -> Result<Secret, Failure> {
    let read = |prompt: &str| rpassword::prompt_password(prompt).map_err(Failure::from);
    let first = read(&format!("New password of {}: ", strip_control(name, false)))?;
    if first != read("Once more: ")? {
        return Err(Failure::usage("the two are not the same"));
    }
    checked(first)
}

/// Reads the first line of a pipe.
fn from_pipe() -> Result<Secret, Failure> {
    let mut line = String::new();
    let mut input = std::io::stdin().lock().take(MAX_BYTES);
    input.read_line(&mut line)?;
    checked(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// What the settings would read back differently is no password for a file.
fn checked(text: String) -> Result<Secret, Failure> {
    if text.is_empty() {
        return Err(Failure::usage("the new password is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(Failure::usage(
            "the new password has control characters in it",
        ));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure<T>(failed: Result<T, Failure>) -> String {
        match failed {
            Err(Failure::Usage(lines)) => lines.join("\n"),
            _ => panic!("it is no mistake of use"),
        }
    }

    #[test]
    fn a_password_that_would_not_be_read_back_is_refused() {
        assert!(failure(checked(String::new())).contains("empty"));
        assert!(failure(checked("a\tb".to_owned())).contains("control"));
        let Ok(secret) = checked(" spaces stay ".to_owned()) else {
            panic!("it is a password");
        };
        assert_eq!(secret.expose(), " spaces stay ");
    }

    #[test]
    fn only_bots_of_the_platform_have_one() {
        let here = std::path::Path::new("/nonexistent");
        let settings = Settings::defaults(here, here);
        let local = settings.bots[0].name.clone();
        assert!(failure(find(&settings, "desk")).contains("there is no bot desk"));
        assert!(failure(find(&settings, &local)).contains("is on local"));
    }
}
