//! What each request comes to.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::events;
use super::install;
use super::outbox::{check, drop_outbox, hold, list, release};
use super::send::send;
use super::{Answer, Change, refused};
use crate::app::host::Host;
use crate::app::observe::INTAKE_PAUSES;
use crate::app::plugins::{ReloadError, RollBackError};
use crate::app::sessions::{BotStatus, SessionError};
use crate::mailbox::control::{
    Ask, BotLine, ConversationLine, Line, MAX_LINES, OutboxCounts, Refused, RefusedReason,
};
use crate::mailbox::{Connectors as _, Read, ReadAnswer};
use crate::model::DEFAULT_TENANT;
use crate::model::event::Conversation;

/// Answers a request. What is begun is ended, but for what waits for somebody else: that ends with
/// the host.
pub(super) async fn answer(
    host: &Arc<Host>,
    ask: Ask,
    stop: &CancellationToken,
) -> Result<Answer, Refused> {
    let (lines, change) = match ask {
        Ask::Bots => (bots(host), None),
        Ask::Plugins => (plugins(host), None),
        Ask::RollbackPlugin { plugin } => {
            let rolled = host.plugins().roll_back(&plugin).await;
            rolled.map_err(|error| {
                let reason = match &error {
                    RollBackError::Unknown(_) => RefusedReason::NotFound,
                    _ => RefusedReason::Failed,
                };
                refused(reason, error.to_string())
            })?;
            let lines = host.plugins().lines().into_iter();
            let line = lines.filter(|line| line.plugin == plugin).map(Line::Plugin);
            (line.collect(), Some(Change::RolledBack { plugin }))
        }
        Ask::PauseBot { bot } => {
            let is_changed = host.sessions().pause(&bot).await.map_err(session)?;
            let line = bot_line(host, &bot)?;
            (vec![line], is_changed.then_some(Change::Paused { bot }))
        }
        Ask::ResumeBot { bot } => {
            let is_changed = host.sessions().resume(&bot).await.map_err(session)?;
            let line = bot_line(host, &bot)?;
            (vec![line], is_changed.then_some(Change::Resumed { bot }))
        }
        Ask::ListOutbox(selector) => {
            check(host, &selector)?;
            (list(host, &selector), None)
        }
        Ask::HoldOutbox(selector) => {
            check(host, &selector)?;
            let (lines, is_changed) = hold(host, selector.clone()).await?;
            (lines, is_changed.then_some(Change::Held(selector)))
        }
        Ask::ReleaseOutbox(selector) => {
            let (lines, is_changed) = release(host, &selector).await?;
            (lines, is_changed.then_some(Change::Released(selector)))
        }
        Ask::DropOutbox(selector) => {
            check(host, &selector)?;
            let (lines, total) = drop_outbox(host, &selector).await?;
            let change = Change::Dropped {
                selector,
                parts: total.dropped,
                in_doubt: total.in_doubt,
            };
            (lines, Some(change))
        }
        Ask::Conversations { bot } => (conversations(host, bot.as_deref()).await?, None),
        Ask::Events(query) => (events::list(host, query).await?, None),
        Ask::RetryEvent { event, plugin } => {
            let lines = events::retry(host, event, plugin.as_deref()).await?;
            let plugins = lines.iter().filter_map(|line| match line {
                Line::PutBack(line) => Some(line.plugin.clone()),
                _ => None,
            });
            let plugins = plugins.collect();
            (lines, Some(Change::Retried { event, plugins }))
        }
        Ask::Forget { user } => {
            let line = events::forget(host, user.clone()).await?;
            let change = Change::Forgot {
                user,
                events: line.events,
                values: line.values,
            };
            (vec![Line::Forgot(line)], Some(change))
        }
        Ask::Send(ask) => {
            let change = Change::Sent {
                bot: ask.bot.clone(),
                to: ask.to.clone(),
            };
            let sent = stop.run_until_cancelled(send(host, ask)).await;
            let sent = sent.ok_or_else(stopping)?;
            (vec![Line::Sent(sent?)], Some(change))
        }
        Ask::Install { bot, link } => {
            let lines = install::lines(host, bot.as_deref(), link)?;
            (lines, None)
        }
        Ask::Reload { plugin } => {
            let reload = host.reload(plugin.as_deref());
            let reloaded = stop.run_until_cancelled(reload).await;
            let reloaded = reloaded.ok_or_else(stopping)?;
            let reloaded = reloaded.map_err(|error| {
                let ReloadError::Unknown(_) = &error;
                refused(RefusedReason::NotFound, error.to_string())
            })?;
            let mut lines = settings(host);
            lines.push(Line::Reloaded(reloaded));
            (lines, Some(Change::Reloaded { plugin }))
        }
    };
    Ok(Answer { lines, change })
}

fn stopping() -> Refused {
    let text = "the host is stopping; what was asked may have been done";
    refused(RefusedReason::Stopping, text)
}

/// What a person should know of the settings.
fn settings(host: &Host) -> Vec<Line> {
    let notes = host.plugins().settings_notes();
    notes.into_iter().map(Line::Settings).collect()
}

fn bots(host: &Host) -> Vec<Line> {
    let mut lines = settings(host);
    let status = host.sessions().status();
    lines.extend(status.iter().map(|bot| Line::Bot(line(host, bot))));
    lines
}

fn bot_line(host: &Host, name: &str) -> Result<Line, Refused> {
    let status = host.sessions().status();
    let bot = status.iter().find(|bot| bot.name == name);
    let bot = bot.ok_or_else(|| unknown_bot(name))?;
    Ok(Line::Bot(line(host, bot)))
}

fn line(host: &Host, bot: &BotStatus) -> BotLine {
    let outbox = host.outbox().status();
    let own = outbox.iter().find(|own| *own.bot == *bot.name);
    let outbox = own.map_or_else(
        || OutboxCounts {
            sent: Some(0),
            failed: Some(0),
            retried: Some(0),
            in_doubt: Some(0),
            dropped: Some(0),
            ..OutboxCounts::default()
        },
        |own| OutboxCounts {
            waiting: own.open as u64,
            held: own.held as u64,
            sent: Some(own.sent),
            failed: Some(own.failed),
            retried: Some(own.retried),
            in_doubt: Some(own.in_doubt),
            dropped: Some(own.dropped),
            last_error: own.last_error.clone(),
        },
    );
    BotLine {
        bot: bot.name.clone(),
        platform: bot.platform.clone(),
        state: bot.state,
        since: Some(bot.since),
        last_event_in: bot.last_event_in,
        reason: match host.inbox().activity().is_paused() {
            true => Some(format!("{INTAKE_PAUSES}: the journal takes no events")),
            false => bot.reason.clone(),
        },
        outbox,
    }
}

fn plugins(host: &Host) -> Vec<Line> {
    let mut lines = settings(host);
    lines.extend(host.plugins().lines().into_iter().map(Line::Plugin));
    lines
}

async fn conversations(host: &Host, bot: Option<&str>) -> Result<Vec<Line>, Refused> {
    let known = host.sessions().status();
    if let Some(name) = bot
        && !known.iter().any(|bot| bot.name == name)
    {
        return Err(unknown_bot(name));
    }
    let mut lines = Vec::new();
    for status in known {
        if bot.is_some_and(|name| name != status.name) {
            continue;
        }
        let connector = host.directory().connector(DEFAULT_TENANT, &status.name);
        let Some(connector) = connector else {
            continue;
        };
        let mut cursor = None;
        loop {
            let read = Read::Conversations { cursor };
            let page = match connector.read(read).await {
                Ok(ReadAnswer::Conversations(page)) => page,
                Ok(_) => break,
                Err(error) => {
                    let text = format!("conversations of {}: {error:?}", status.name);
                    return Err(refused(RefusedReason::Failed, text));
                }
            };
            let items = page.items.into_iter();
            lines.extend(items.map(|place| conversation_line(&status.name, place)));
            cursor = page.next;
            // What is beyond is counted, so one more than can be told is enough.
            if cursor.is_none() || lines.len() > MAX_LINES {
                break;
            }
        }
    }
    Ok(lines)
}

/// The line of a bot's conversation.
pub(in crate::app) fn conversation_line(bot: &str, place: Conversation) -> Line {
    Line::Conversation(ConversationLine {
        bot: bot.to_owned(),
        conversation: place.id,
        kind: place.kind,
        name: place.name,
        external: place.external,
    })
}

/// Says that there is no such bot.
pub(super) fn unknown_bot(name: &str) -> Refused {
    let text = SessionError::Unknown(name.to_owned()).to_string();
    refused(
        RefusedReason::NotFound,
        format!("{text}; `parlor bots` lists them"),
    )
}

fn session(error: SessionError) -> Refused {
    match error {
        SessionError::Unknown(name) => unknown_bot(&name),
        SessionError::Journal(_) => refused(RefusedReason::Failed, error.to_string()),
    }
}
