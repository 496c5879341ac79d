//! `parlor conversations`: where the bots are, with the ids that settings want.

use std::process::ExitCode;

use clap::Args;

use super::ask::{Answer, Meant, PATIENCE};
use super::output::{Failure, table};
use super::start::Place;
use crate::app::rest;
use crate::mailbox::control::{Ask, Line};
use crate::model::event::ConversationKind;

#[derive(Debug, Args)]
pub(super) struct ConversationsArgs {
    /// Only those of this bot
    bot: Option<String>,
    /// Print one JSON object per conversation
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(super) fn run(place: &Place<'_>, args: ConversationsArgs) -> Result<ExitCode, Failure> {
    let meant = Meant::of(place)?;
    let ask = Ask::Conversations {
        bot: args.bot.clone(),
    };
    let answer = match meant.ask(ask, PATIENCE)? {
        Some(answer) => answer,
        None => {
            let settings = meant.settings()?;
            Answer::here(rest::conversations(&settings, args.bot.as_deref())?)
        }
    };
    answer.print(args.json, list)
}

/// The conversations as a table.
pub(super) fn list(lines: &[Line]) -> Vec<String> {
    let mut rows = vec![
        ["BOT", "CONVERSATION", "KIND", "NAME"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for line in lines {
        let Line::Conversation(place) = line else {
            continue;
        };
        let external = if place.external { ", external" } else { "" };
        rows.push(vec![
            place.bot.clone(),
            place.conversation.clone(),
            format!("{}{external}", kind_name(place.kind)),
            place.name.clone().unwrap_or_default(),
        ]);
    }
    if rows.len() == 1 {
        return vec!["no conversations".to_owned()];
    }
    table(&rows)
}

fn kind_name(kind: ConversationKind) -> &'static str {
    match kind {
        ConversationKind::Direct => "direct",
        ConversationKind::Group => "group",
        ConversationKind::Room => "room",
        ConversationKind::CustomerChat => "customer chat",
        ConversationKind::Post => "post",
        ConversationKind::Other => "other",
    }
}
