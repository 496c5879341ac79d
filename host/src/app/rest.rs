//! What can be told of a host that does not run: from its journal and the local platform's log, of
//! which nothing is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::control::{conversation_line, parse_holds};
use super::entry::ROOMS_FOLDER;
use super::sessions::PAUSED;
use crate::config::{Platform, Settings};
use crate::connectors::local::conversations_at_rest;
use crate::journal::sqlite::RestingJournal;
use crate::journal::{Broadcast, EventQuery, Part, PartState};
use crate::mailbox::control::{
    BotLine, BotState, BroadcastLine, HoldLine, LaneLine, LaneState, Line, OutboxCounts, Selector,
};
use crate::mailbox::{LaneKey, LaneKind};

/// Parts and broadcasts read at a time.
const PAGE: usize = 1_000;

/// What a journal at rest holds of the outbox.
#[derive(Default)]
struct Waiting {
    parts: Vec<Part>,
    broadcasts: Vec<Broadcast>,
    holds: Vec<Selector>,
    paused: BTreeSet<String>,
}

/// The bots of the settings, with what the journal knows of them.
///
/// # Errors
/// When the journal cannot be read.
pub fn bots(settings: &Settings) -> anyhow::Result<Vec<Line>> {
    let journal = RestingJournal::open(&settings.data)?;
    let waiting = waiting(journal.as_ref())?;
    let last = match &journal {
        Some(journal) => journal.last_events()?,
        None => BTreeMap::new(),
    };
    let line = |name: &String, platform: &Platform| {
        let is_paused = waiting.paused.contains(name);
        let own = waiting.parts.iter();
        let own = own.filter(|part| *part.what.bot == **name).count();
        let to_come = waiting.broadcasts.iter();
        let to_come = to_come.filter(|it| *it.what.bot == **name);
        let held = waiting.parts.iter();
        let held = held.filter(|part| *part.what.bot == **name && waiting.holds(part));
        Line::Bot(BotLine {
            bot: name.clone(),
            platform: platform.name().to_owned(),
            state: if is_paused {
                BotState::Paused
            } else {
                BotState::Stopped
            },
            since: None,
            last_event_in: last.get(name).copied(),
            reason: Some("no host runs".to_owned()),
            outbox: OutboxCounts {
                waiting: (own + to_come.map(Broadcast::parts_left).sum::<usize>()) as u64,
                held: held.count() as u64,
                ..OutboxCounts::default()
            },
        })
    };
    let bots = settings.bots.iter();
    Ok(bots.map(|bot| line(&bot.name, &bot.platform)).collect())
}

/// What waits in the outbox of a data folder.
///
/// # Errors
/// When the journal cannot be read.
pub fn outbox(data: &Path, selector: &Selector) -> anyhow::Result<Vec<Line>> {
    let waiting = waiting(RestingJournal::open(data)?.as_ref())?;
    let holds = waiting.holds.iter().filter(|held| held.meets(selector));
    let mut lines: Vec<Line> = holds
        .map(|held| {
            Line::Hold(HoldLine {
                held: held.clone(),
                released: false,
            })
        })
        .collect();
    lines.extend(waiting.broadcast_lines(selector));
    lines.extend(waiting.lane_lines(selector));
    Ok(lines)
}

/// Copies the journal of a data folder into a new file; gives back its bytes.
///
/// # Errors
/// When there is no journal, or the file is there already or cannot be written.
pub fn back_up(data: &Path, to: &Path) -> anyhow::Result<u64> {
    let Some(journal) = RestingJournal::open(data)? else {
        anyhow::bail!("there is no journal in {}", data.display());
    };
    Ok(journal.back_up(to)?)
}

/// What has been, from the journal of a data folder, the newest first.
///
/// # Errors
/// When the journal cannot be read.
pub fn events(data: &Path, query: EventQuery) -> anyhow::Result<Vec<Line>> {
    let found = match RestingJournal::open(data)? {
        Some(journal) => journal.events(query)?,
        None => Vec::new(),
    };
    let lines = found.iter().map(super::events::event_line);
    Ok(lines.map(Line::Event).collect())
}

/// The conversations of the settings' bots, or of one of them.
///
/// # Errors
/// When there is no such bot, or the platform's log cannot be read.
pub fn conversations(settings: &Settings, bot: Option<&str>) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut is_known = bot.is_none();
    for config in &settings.bots {
        if bot.is_some_and(|bot| bot != config.name) {
            continue;
        }
        is_known = true;
        // The others keep their conversations themselves, and are asked by a running host only.
        let Platform::Local(_) = config.platform else {
            continue;
        };
        let folder = settings.data.join(ROOMS_FOLDER);
        let places = conversations_at_rest(&folder, &config.name)?;
        let places = places.into_iter();
        lines.extend(places.map(|place| conversation_line(&config.name, place)));
    }
    if let Some(bot) = bot.filter(|_| !is_known) {
        anyhow::bail!("there is no bot {bot}; `parlor bots` lists them");
    }
    Ok(lines)
}

fn waiting(journal: Option<&RestingJournal>) -> anyhow::Result<Waiting> {
    let mut waiting = Waiting::default();
    let Some(journal) = journal else {
        return Ok(waiting);
    };
    loop {
        let after = waiting.parts.last().map_or(0, |part| part.number);
        let page = journal.pending_parts(after, PAGE)?;
        if page.is_empty() {
            break;
        }
        waiting.parts.extend(page);
    }
    loop {
        let after = waiting.broadcasts.last().map_or(0, |it| it.number);
        let page = journal.pending_broadcasts(after, PAGE)?;
        if page.is_empty() {
            break;
        }
        waiting.broadcasts.extend(page);
    }
    waiting.holds = parse_holds(journal.host_value(super::control::HOLDS)?.as_deref());
    let paused = journal.host_value(PAUSED)?.unwrap_or_default();
    if !paused.is_empty() {
        waiting.paused = serde_json::from_str(&paused)?;
    }
    Ok(waiting)
}

impl Waiting {
    fn holds(&self, part: &Part) -> bool {
        let lane = LaneKey::of(&part.tenant, &part.plugin, &part.what);
        self.state(&lane) != LaneState::Stopped
    }

    fn state(&self, lane: &LaneKey) -> LaneState {
        let mut holds = self.holds.iter();
        if self.paused.contains(&*lane.bot) {
            LaneState::Paused
        } else if holds.any(|held| held.matches(&lane.bot, &lane.plugin, &lane.conversation)) {
            LaneState::Held
        } else {
            LaneState::Stopped
        }
    }

    fn broadcast_lines(&self, selector: &Selector) -> Vec<Line> {
        let meant = self.broadcasts.iter().filter(|it| {
            let mut targets = it.what.targets.iter();
            let of = selector.conversation.as_deref();
            of.is_none_or(|of| targets.any(|target| **target == *of))
                && selector.matches(&it.what.bot, &it.plugin, of.unwrap_or_default())
        });
        meant
            .map(|it| {
                let own = self.parts.iter();
                let own = own.filter(|part| part.broadcast == Some(it.number));
                Line::Broadcast(BroadcastLine {
                    broadcast: it.number,
                    bot: it.what.bot.to_string(),
                    plugin: it.plugin.to_string(),
                    sent: it.sent,
                    failed: it.failed,
                    sending: 0,
                    waiting: own.count() as u64,
                    to_come: it.parts_left() as u64,
                    dropped: 0,
                    since: it.origin.received_at,
                })
            })
            .collect()
    }

    fn lane_lines(&self, selector: &Selector) -> Vec<Line> {
        let mut lanes: BTreeMap<[String; 3], BTreeMap<bool, LaneLine>> = BTreeMap::new();
        for part in &self.parts {
            let key = LaneKey::of(&part.tenant, &part.plugin, &part.what);
            if !selector.matches(&key.bot, &key.plugin, &key.conversation) {
                continue;
            }
            let broadcast = key.kind == LaneKind::Broadcast;
            let of = [&key.bot, &key.plugin, &key.conversation].map(|name| name.to_string());
            let line = lanes.entry(of).or_default().entry(broadcast);
            let line = line.or_insert_with(|| LaneLine {
                bot: key.bot.to_string(),
                plugin: key.plugin.to_string(),
                conversation: key.conversation.to_string(),
                broadcast,
                state: self.state(&key),
                parts: 0,
                first: part.what.action.kind.name().to_owned(),
                in_doubt: part.state == PartState::Sending,
                since: part.origin.received_at,
                tries: 0,
                until: None,
            });
            line.parts += 1;
        }
        let lanes = lanes.into_values().flat_map(BTreeMap::into_values);
        lanes.map(Line::Lane).collect()
    }
}
