//! `parlor outbox`: what waits to be sent; hold, release, drop.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::ask::{Answer, Meant, PATIENCE, ago, count, now, waiting};
use super::output::{Failure, table};
use super::start::Place;
use crate::app::rest;
use crate::mailbox::control::{Ask, BroadcastLine, DroppedLine, LaneLine, Line, Selector};
use crate::model::Timestamp;

#[derive(Debug, Args)]
pub(super) struct OutboxArgs {
    #[command(subcommand)]
    verb: OutboxVerb,
}

#[derive(Debug, Subcommand)]
enum OutboxVerb {
    /// List what waits
    List(Which),
    /// Let it wait, over restarts too; what comes later waits as well
    Hold(Which),
    /// Let go what is held
    Release(Which),
    /// Give up what waits; a message that is being sent at this moment is not dropped
    Drop(Which),
}

#[derive(Debug, Args)]
struct Which {
    /// Only of this bot
    #[arg(long, value_name = "BOT")]
    bot: Option<String>,
    /// Only of this plugin
    #[arg(long, value_name = "PLUGIN")]
    plugin: Option<String>,
    /// Only to this conversation, by id
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

impl Which {
    fn selector(&self) -> Selector {
        Selector {
            bot: self.bot.clone(),
            plugin: self.plugin.clone(),
            conversation: self.conversation.clone(),
        }
    }
}

/// Runs the verb.
pub(super) fn run(place: &Place<'_>, args: OutboxArgs) -> Result<ExitCode, Failure> {
    let meant = Meant::of(place)?;
    match args.verb {
        OutboxVerb::List(which) => {
            let selector = which.selector();
            let answer = match meant.ask(Ask::ListOutbox(selector.clone()), PATIENCE)? {
                Some(answer) => answer,
                None => Answer::here(rest::outbox(&meant.data, &selector)?),
            };
            answer.print(which.json, |lines| list(lines, now()))
        }
        OutboxVerb::Hold(which) => {
            let answer = meant.require(Ask::HoldOutbox(which.selector()), PATIENCE)?;
            answer.print(which.json, held)
        }
        OutboxVerb::Release(which) => {
            let answer = meant.require(Ask::ReleaseOutbox(which.selector()), PATIENCE)?;
            answer.print(which.json, released)
        }
        OutboxVerb::Drop(which) => {
            let answer = meant.require(Ask::DropOutbox(which.selector()), PATIENCE)?;
            answer.print(which.json, dropped)
        }
    }
}

/// Holds, broadcasts and lanes.
pub(super) fn list(lines: &[Line], now: Timestamp) -> Vec<String> {
    let mut shown = Vec::new();
    let mut broadcasts = Vec::new();
    let mut lanes = Vec::new();
    for line in lines {
        match line {
            Line::Hold(hold) => shown.push(format!("held: {}", hold.held)),
            Line::Broadcast(line) => broadcasts.push(broadcast_row(line, now)),
            Line::Lane(line) => lanes.push(lane_row(line, now)),
            _ => {}
        }
    }
    if broadcasts.is_empty() && lanes.is_empty() {
        shown.push("nothing waits".to_owned());
    }
    for (head, mut rows) in [
        (
            vec![
                "BROADCAST",
                "BOT",
                "PLUGIN",
                "SENT",
                "FAILED",
                "SENDING",
                "WAITING",
                "TO COME",
                "SINCE",
            ],
            broadcasts,
        ),
        (
            vec![
                "BOT",
                "PLUGIN",
                "CONVERSATION",
                "STATE",
                "PARTS",
                "FIRST",
                "TRIES",
                "SINCE",
            ],
            lanes,
        ),
    ] {
        if !rows.is_empty() {
            rows.insert(0, head.into_iter().map(str::to_owned).collect());
            shown.extend(table(&rows));
        }
    }
    shown
}

fn broadcast_row(line: &BroadcastLine, now: Timestamp) -> Vec<String> {
    vec![
        line.broadcast.to_string(),
        line.bot.clone(),
        line.plugin.clone(),
        line.sent.to_string(),
        line.failed.to_string(),
        line.sending.to_string(),
        line.waiting.to_string(),
        line.to_come.to_string(),
        ago(now, line.since),
    ]
}

fn lane_row(line: &LaneLine, now: Timestamp) -> Vec<String> {
    let state = match line.until {
        Some(until) => format!("{} {} more", line.state.name(), ago(until, now)),
        None => line.state.name().to_owned(),
    };
    let doubt = if line.in_doubt { ", in doubt" } else { "" };
    vec![
        line.bot.clone(),
        line.plugin.clone(),
        line.conversation.clone(),
        format!("{state}{doubt}"),
        line.parts.to_string(),
        line.first.clone(),
        line.tries.to_string(),
        ago(now, line.since),
    ]
}

/// What is held now.
pub(super) fn held(lines: &[Line]) -> Vec<String> {
    let held = lines.iter().find_map(|line| match line {
        Line::Total(total) => Some(total.held),
        _ => None,
    });
    let waiting = waiting(held.unwrap_or_default());
    let holds = lines.iter().filter_map(|line| match line {
        Line::Hold(hold) => Some(format!("held: {}; {waiting}", hold.held)),
        _ => None,
    });
    holds.collect()
}

/// What is held no more, and what still is.
pub(super) fn released(lines: &[Line]) -> Vec<String> {
    let holds = lines.iter().filter_map(|line| match line {
        Line::Hold(hold) if hold.released => Some(format!("released: {}", hold.held)),
        Line::Hold(hold) => Some(format!("still held: {}", hold.held)),
        _ => None,
    });
    let mut shown: Vec<String> = holds.collect();
    if !shown.iter().any(|line| line.starts_with("released")) {
        shown.insert(0, "nothing was released".to_owned());
    }
    shown
}

/// What was given up, what had gone before and what is on its way.
pub(super) fn dropped(lines: &[Line]) -> Vec<String> {
    let mut shown = Vec::new();
    for line in lines {
        match line {
            Line::Total(total) => {
                let mut text = format!("dropped {}", count(total.dropped, "part"));
                if total.in_doubt > 0 {
                    text += &format!("; {} may have been sent", total.in_doubt);
                }
                shown.push(text + &still_sending(total.sending));
            }
            Line::Broadcast(line) => shown.push(format!(
                "broadcast {} of {} by {}: {} sent, {} failed, {} dropped{}",
                line.broadcast,
                line.plugin,
                line.bot,
                line.sent,
                line.failed,
                line.dropped,
                still_sending(line.sending)
            )),
            Line::Dropped(line) if !line.broadcast => shown.push(lane_dropped(line)),
            _ => {}
        }
    }
    shown
}

fn lane_dropped(line: &DroppedLine) -> String {
    format!(
        "{} of {} by {}: {} dropped{}",
        line.conversation,
        line.plugin,
        line.bot,
        line.dropped,
        still_sending(line.sending)
    )
}

fn still_sending(sending: u64) -> String {
    match sending {
        0 => String::new(),
        1 => "; 1 is being sent and was not dropped".to_owned(),
        many => format!("; {many} are being sent and were not dropped"),
    }
}
