//! `parlor bots`: how the bots do; pause, resume.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::ask::{Answer, Meant, PATIENCE, ago, now, settings_lines, waiting};
use super::output::{Failure, table};
use super::start::Place;
use crate::app::rest;
use crate::mailbox::control::{Ask, BotLine, BotState, Line};
use crate::model::Timestamp;

#[derive(Debug, Args)]
pub(super) struct BotsArgs {
    #[command(subcommand)]
    change: Option<BotsVerb>,
    /// Print one JSON object per bot
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum BotsVerb {
    /// Let a bot take no events and send nothing, over restarts too
    Pause {
        /// The bot
        name: String,
    },
    /// Let a paused bot go on
    Resume {
        /// The bot
        name: String,
    },
}

/// Runs the verb.
pub(super) fn run(place: &Place<'_>, args: BotsArgs) -> Result<ExitCode, Failure> {
    let meant = Meant::of(place)?;
    match args.change {
        None => {
            let answer = match meant.ask(Ask::Bots, PATIENCE)? {
                Some(answer) => answer,
                None => Answer::here(rest::bots(&meant.settings()?)?),
            };
            answer.print(args.json, |lines| list(lines, now()))
        }
        Some(BotsVerb::Pause { name }) => {
            let answer = meant.require(Ask::PauseBot { bot: name }, PATIENCE)?;
            answer.print(args.json, changed)
        }
        Some(BotsVerb::Resume { name }) => {
            let answer = meant.require(Ask::ResumeBot { bot: name }, PATIENCE)?;
            answer.print(args.json, changed)
        }
    }
}

fn bots(lines: &[Line]) -> impl Iterator<Item = &BotLine> {
    lines.iter().filter_map(|line| match line {
        Line::Bot(bot) => Some(bot),
        _ => None,
    })
}

/// The bots as a table.
pub(super) fn list(lines: &[Line], now: Timestamp) -> Vec<String> {
    let mut rows = vec![
        [
            "BOT",
            "PLATFORM",
            "STATE",
            "SINCE",
            "LAST EVENT",
            "WAITING",
            "HELD",
            "SENT",
            "FAILED",
            "REASON",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let ago = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| ago(now, at));
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |it| it.to_string());
    for bot in bots(lines) {
        let outbox = &bot.outbox;
        let reason = bot.reason.as_deref().or(outbox.last_error.as_deref());
        rows.push(vec![
            bot.bot.clone(),
            bot.platform.clone(),
            bot.state.name().to_owned(),
            ago(bot.since),
            ago(bot.last_event_in),
            outbox.waiting.to_string(),
            outbox.held.to_string(),
            number(outbox.sent),
            number(outbox.failed),
            reason.unwrap_or_default().to_owned(),
        ]);
    }
    let mut shown = settings_lines(lines);
    shown.extend(table(&rows));
    shown
}

/// What became of one bot.
pub(super) fn changed(lines: &[Line]) -> Vec<String> {
    let say = |bot: &BotLine| {
        let waiting = waiting(bot.outbox.waiting);
        match bot.state {
            BotState::Paused => format!("{} is paused; {waiting} in its outbox", bot.bot),
            state => format!("{} is {}; {waiting} in its outbox", bot.bot, state.name()),
        }
    };
    bots(lines).map(say).collect()
}
