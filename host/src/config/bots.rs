//! `[[bot]]`: accounts on platforms.

use std::path::Path;

use super::livechat::read_livechat;
use super::lseg::read_lseg;
use super::names::report_bad_name;
use super::problem::Spot;
use super::read::{Item, Reader, Table, one_of};
use super::symphony::read_symphony;
use super::webex::read_webex;
use crate::connectors::livechat::LiveChatConfig;
use crate::connectors::lseg::LsegConfig;
use crate::connectors::symphony::SymphonyConfig;
use crate::connectors::webex::WebexConfig;
use crate::connectors::webex::config::Events;
use crate::model::DEFAULT_TENANT;
use crate::net::NetConfig;
use crate::web::bot_path;

/// Bots that a file may name.
const MAX_BOTS: usize = 1_000;
/// Requests a minute that a bot may be allowed.
const MAX_PER_MINUTE: u64 = 600_000;
/// The folder in the data folder where connectors keep how far they are.
const CONNECTORS_FOLDER: &str = "connectors";

const LIVECHAT: &str = "livechat";
const LOCAL: &str = "local";
const LSEG: &str = "lseg";
const SYMPHONY: &str = "symphony";
const WEBEX: &str = "webex";
/// Platforms that this version knows.
const PLATFORMS: [&str; 5] = [LIVECHAT, LOCAL, LSEG, SYMPHONY, WEBEX];

/// A bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotConfig {
    /// Its name in settings and logs.
    pub name: String,
    /// Requests a minute that it may make; none is as many as its platform takes.
    pub messages_per_minute: Option<u32>,
    /// Messages a minute in one conversation; none is as many as its platform takes.
    pub conversation_messages_per_minute: Option<u32>,
    /// Its platform, and what only that one wants to know.
    pub platform: Platform,
}

/// A platform with a bot's settings for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Platform {
    /// LiveChat, and chat.io before it.
    LiveChat(Box<LiveChatConfig>),
    /// Rooms and users of our own.
    Local(LocalBot),
    /// LSEG Messenger.
    Lseg(Box<LsegConfig>),
    /// Symphony.
    Symphony(Box<SymphonyConfig>),
    /// Webex.
    Webex(Box<WebexConfig>),
}

impl Platform {
    /// Its name in the settings.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LiveChat(_) => LIVECHAT,
            Self::Local(_) => LOCAL,
            Self::Lseg(_) => LSEG,
            Self::Symphony(_) => SYMPHONY,
            Self::Webex(_) => WEBEX,
        }
    }

    /// Whether it calls its bots, so that the listener for calls is needed from the start.
    pub fn is_called(&self) -> bool {
        match self {
            Self::LiveChat(_) => true,
            Self::Local(_) | Self::Lseg(_) | Self::Symphony(_) => false,
            Self::Webex(config) => matches!(config.events, Events::Webhook(_)),
        }
    }

    /// The path at which it calls a bot of this name; none where it does not call.
    pub fn call_path(&self, bot: &str) -> Option<String> {
        let usual = || bot_path(DEFAULT_TENANT, bot);
        self.is_called()
            .then(|| self.own_path().unwrap_or_else(usual))
    }

    /// The path of the bot's own at which it is called.
    fn own_path(&self) -> Option<String> {
        match self {
            Self::LiveChat(config) => {
                let redirect = config.app.redirect.as_ref();
                redirect.map(|url| url.path().to_owned())
            }
            Self::Webex(config) => match &config.events {
                Events::Webhook(hooks) => hooks.path.clone(),
                Events::Websocket(_) => None,
            },
            Self::Local(_) | Self::Lseg(_) | Self::Symphony(_) => None,
        }
    }

    /// The setting that names that path.
    fn path_key(&self) -> &'static str {
        match self {
            Self::LiveChat(_) => "redirect-uri",
            _ => "path",
        }
    }

    /// What the local platform shows of such a bot: everything, where it is of another.
    pub fn local(&self) -> LocalBot {
        match self {
            Self::Local(local) => *local,
            Self::LiveChat(_) | Self::Lseg(_) | Self::Symphony(_) | Self::Webex(_) => {
                LocalBot::default()
            }
        }
    }
}

/// A bot on the local platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalBot {
    /// It shows text only, as a platform without forms and buttons does.
    pub text_only: bool,
    /// Its messages can be changed.
    pub edits: bool,
}

impl Default for LocalBot {
    fn default() -> Self {
        Self {
            text_only: false,
            edits: true,
        }
    }
}

impl BotConfig {
    /// A bot on the local platform.
    pub fn local(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            messages_per_minute: None,
            conversation_messages_per_minute: None,
            platform: Platform::Local(LocalBot::default()),
        }
    }
}

/// What of other sections bots begin with.
pub(super) struct Around<'a> {
    /// The way out.
    pub(super) net: &'a NetConfig,
    /// The data folder.
    pub(super) data: &'a Path,
}

pub(super) fn read_bots(
    reader: &mut Reader<'_>,
    item: Option<&Item<'_>>,
    around: &Around<'_>,
) -> Vec<BotConfig> {
    let mut bots: Vec<BotConfig> = Vec::new();
    let mut paths: Vec<TakenPath> = Vec::new();
    let items = item.and_then(|item| {
        if item.is_table() {
            item.wrong(reader, "`[[bot]]`, with two brackets");
            return None;
        }
        item.list(reader, MAX_BOTS)
    });
    for item in items.into_iter().flatten() {
        let Some(mut table) = item.table(reader) else {
            continue;
        };
        let name = read_name(reader, &mut table, &bots);
        let Some(platform) = read_platform(reader, &mut table) else {
            // Its other keys belong to the platform, and are not known.
            continue;
        };
        let messages_per_minute = read_per_minute(reader, &mut table, "messages-per-minute");
        let conversation_messages_per_minute =
            read_per_minute(reader, &mut table, "conversation-messages-per-minute");
        let folder = name.as_deref().map(|name| {
            let folder = around.data.join(CONNECTORS_FOLDER);
            folder.join(name)
        });
        let platform = match platform {
            LIVECHAT => {
                let read = read_livechat(reader, &mut table, around.net, folder, &bots);
                read.map(|config| Platform::LiveChat(Box::new(config)))
            }
            LSEG => {
                let read = read_lseg(reader, &mut table, around.net, folder, &bots);
                read.map(|config| Platform::Lseg(Box::new(config)))
            }
            SYMPHONY => {
                let read = read_symphony(reader, &mut table, around.net, folder);
                read.map(|config| Platform::Symphony(Box::new(config)))
            }
            WEBEX => {
                let read = read_webex(reader, &mut table, around.net, folder);
                read.map(|config| Platform::Webex(Box::new(config)))
            }
            _ => Some(Platform::Local(read_local(reader, &mut table))),
        };
        if let Some(platform) = &platform {
            check_path(reader, &mut table, platform, &mut paths);
        }
        table.finish(reader);
        if let (Some(name), Some(platform)) = (name, platform) {
            bots.push(BotConfig {
                name,
                messages_per_minute,
                conversation_messages_per_minute,
                platform,
            });
        }
    }
    bots
}

/// A path of a bot's own, and where it stands in the settings.
struct TakenPath {
    path: String,
    key: &'static str,
    spot: Spot,
}

/// Reports a path that another bot has: whom a call is for could not be told.
fn check_path(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    platform: &Platform,
    taken: &mut Vec<TakenPath>,
) {
    let key = platform.path_key();
    let Some(path) = platform.own_path() else {
        return;
    };
    let Some(item) = table.get(reader, key) else {
        return;
    };
    match taken.iter().find(|other| other.path == path) {
        Some(other) => {
            let (key, line) = (other.key, other.spot.line);
            let problem = item.problem(format!("has the path {path} of `{key}` in line {line}"));
            let expected = "a path of its own: all bots are called at the one listener";
            reader.report(problem.expected(expected));
        }
        None => taken.push(TakenPath {
            path,
            key,
            spot: item.spot.clone(),
        }),
    }
}

fn read_per_minute(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    key: &'static str,
) -> Option<u32> {
    let item = table.get(reader, key)?;
    let number = item.integer(reader, 1..=MAX_PER_MINUTE)?;
    u32::try_from(number).ok()
}

fn read_local(reader: &mut Reader<'_>, table: &mut Table<'_>) -> LocalBot {
    let mut bot = LocalBot::default();
    for (name, flag) in [("text-only", &mut bot.text_only), ("edits", &mut bot.edits)] {
        let item = table.get(reader, name);
        if let Some(found) = item.and_then(|item| item.flag(reader)) {
            *flag = found;
        }
    }
    bot
}

fn read_name(reader: &mut Reader<'_>, table: &mut Table<'_>, bots: &[BotConfig]) -> Option<String> {
    let item = table.require(reader, "name")?;
    let name = item.text(reader)?;
    if report_bad_name(reader, &item, name) {
        return None;
    }
    if bots.iter().any(|bot| bot.name == name) {
        let problem = item
            .problem(format!("is \"{name}\", which another bot has"))
            .expected("a name of its own");
        reader.report(problem);
        return None;
    }
    Some(name.to_owned())
}

fn read_platform(reader: &mut Reader<'_>, table: &mut Table<'_>) -> Option<&'static str> {
    let item = table.require(reader, "platform")?;
    let platform = item.text(reader)?;
    if let Some(known) = PLATFORMS.into_iter().find(|known| *known == platform) {
        return Some(known);
    }
    let problem = item
        .problem(format!(
            "is \"{platform}\", which is not supported yet by this version"
        ))
        .expected(one_of(PLATFORMS));
    reader.report(problem);
    None
}
