//! `parlor doctor`: what is wrong with a set-up. The machine, then each bot with its connector's own
//! logins, then the listener as its platform would call it; beside a running host or without one.

mod machine;
mod reach;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use serde::Serialize;

use self::reach::Door;
use super::entry::UsageError;
use crate::config::{BotConfig, Platform, Settings};
use crate::connectors::{livechat, lseg, symphony, webex};
use crate::mailbox::control::{self, Ask, AskError, BotLine, BotState, Line, OutboxCounts};
use crate::mailbox::doctor::{Check, Checks, Finding, Patient};
use crate::model::DEFAULT_TENANT;

/// Bots that are looked at at one time.
const AT_ONCE: usize = 8;
const HEARS: &str = "the running host hears the platform";

/// What is looked at, and how long.
#[derive(Clone, Copy, Debug)]
pub struct DoctorOptions<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// The only bot that is meant; none: the machine and all bots.
    pub bot: Option<&'a str>,
    /// How long one question may take.
    pub patience: Duration,
}

/// A check, and of what it is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DoctorLine {
    /// The bot; none: the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bot: Option<String>,
    /// Its platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<&'static str>,
    /// The check.
    #[serde(flatten)]
    pub check: Check,
}

impl DoctorLine {
    /// Whether it is not as it should be.
    pub fn is_wrong(&self) -> bool {
        self.check.finding == Finding::Wrong
    }
}

/// Looks at everything that is meant.
///
/// # Errors
/// When there is no such bot.
pub async fn examine(options: DoctorOptions<'_>) -> Result<Vec<DoctorLine>, UsageError> {
    let DoctorOptions { settings, bot, .. } = options;
    let bots: Vec<&BotConfig> = settings
        .bots
        .iter()
        .filter(|config| bot.is_none_or(|bot| bot == config.name))
        .collect();
    if let Some(bot) = bot.filter(|_| bots.is_empty()) {
        let names: Vec<&str> = settings.bots.iter().map(|bot| bot.name.as_str()).collect();
        let names = names.join(", ");
        return Err(UsageError(format!(
            "there is no bot {bot}; there are {names}"
        )));
    }
    let mut checks = Checks::default();
    let served = served(&options, &mut checks).await;
    if bot.is_none() {
        machine::examine(settings, served.is_some(), &mut checks);
    }
    let is_called = bots.iter().any(|bot| bot.platform.is_called());
    let door = match is_called {
        true => Door::open(settings, &bots, served.is_some(), &mut checks),
        false => Door::closed(),
    };
    let mut lines = lines_of(None, checks);
    let examined = bots.into_iter().map(|bot| {
        let patient = Patient {
            tenant: DEFAULT_TENANT.into(),
            name: bot.name.as_str().into(),
            served: served.as_ref().and_then(|all| all.get(&bot.name).cloned()),
            address: door.address_of(bot),
            patience: options.patience,
        };
        let door = &door;
        async move {
            let checks = examine_bot(settings, bot, door, &patient).await;
            lines_of(Some(bot), checks)
        }
    });
    let examined: Vec<Vec<DoctorLine>> = stream::iter(examined).buffered(AT_ONCE).collect().await;
    lines.extend(examined.into_iter().flatten());
    door.close().await;
    Ok(lines)
}

/// What the running host says of its bots; none where none runs.
async fn served(
    options: &DoctorOptions<'_>,
    checks: &mut Checks,
) -> Option<BTreeMap<String, BotLine>> {
    const EXPECTED: &str = "a host that runs answers on its socket";

    let data = &options.settings.data;
    let asked = control::ask(data, Ask::Bots, options.patience);
    let why = match tokio::time::timeout(options.patience, asked).await {
        Ok(Ok((lines, _))) => {
            let bots = lines.into_iter().filter_map(|line| match line {
                Line::Bot(bot) => Some((bot.bot.clone(), bot)),
                _ => None,
            });
            let bots: BTreeMap<String, BotLine> = bots.collect();
            let found = format!("one runs on {}, with {} bots", data.display(), bots.len());
            checks.ok("host", EXPECTED, found);
            return Some(bots);
        }
        Ok(Err(AskError::NoHost(_))) => {
            let found = format!("none runs on {}", data.display());
            checks.ok("host", EXPECTED, found);
            return None;
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", options.patience.as_secs()),
    };
    let change = "ask as the user whom the host runs as; where it hangs, its log says why";
    checks.wrong("host", EXPECTED, why, change);
    // What it may hold is not taken from it.
    let bots = options.settings.bots.iter();
    Some(bots.map(|bot| (bot.name.clone(), silent(bot))).collect())
}

/// A bot of a host that does not answer.
fn silent(bot: &BotConfig) -> BotLine {
    BotLine {
        bot: bot.name.clone(),
        platform: bot.platform.name().to_owned(),
        state: BotState::Disconnected,
        since: None,
        last_event_in: None,
        reason: Some("the host does not answer".to_owned()),
        outbox: OutboxCounts::default(),
    }
}

async fn examine_bot(
    settings: &Settings,
    bot: &BotConfig,
    door: &Door,
    patient: &Patient,
) -> Checks {
    let mut checks = match &bot.platform {
        Platform::LiveChat(config) => livechat::examine(config, patient).await,
        Platform::Local(_) => {
            let mut checks = Checks::default();
            checks.ok(
                "login",
                "the local platform has the bot",
                "it needs no login",
            );
            checks
        }
        Platform::Lseg(config) => lseg::examine(config, patient).await,
        Platform::Symphony(config) => symphony::examine(config, patient).await,
        Platform::Webex(config) => webex::examine(config, patient).await,
    };
    if let Some(served) = &patient.served {
        check_session(served, &mut checks);
    }
    door.check(settings, bot, patient, &mut checks).await;
    checks
}

fn check_session(served: &BotLine, checks: &mut Checks) {
    let state = served.state.name();
    let reason = served.reason.as_deref().unwrap_or("no reason is known");
    match served.state {
        BotState::Connected => checks.ok("session", HEARS, state),
        BotState::Paused => {
            let change = format!("`parlor bots resume {}` lets it go on", served.bot);
            checks.note("session", HEARS, state, &change);
        }
        BotState::Connecting => {
            checks.note(
                "session",
                HEARS,
                format!("{state}; {reason}"),
                "ask again soon",
            );
        }
        BotState::Stopped | BotState::Disconnected => {
            let change = format!(
                "what is wrong above; `parlor bots resume {}` tries a bot again that was refused",
                served.bot
            );
            checks.wrong("session", HEARS, format!("{state}; {reason}"), &change);
        }
    }
}

fn lines_of(bot: Option<&BotConfig>, checks: Checks) -> Vec<DoctorLine> {
    let line = |check| DoctorLine {
        bot: bot.map(|bot| bot.name.clone()),
        platform: bot.map(|bot| bot.platform.name()),
        check,
    };
    checks.into_all().into_iter().map(line).collect()
}
