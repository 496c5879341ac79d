//! A bot on LSEG Messenger: account, addresses and ways, rooms.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::address::{address_of_host, stream_address};
use super::bots::{BotConfig, Platform};
use super::net::read_way;
use super::read::{Item, Reader, Table};
use crate::connectors::lseg::MESSAGE_CHARS;
use crate::connectors::lseg::config::{
    API_PATH, GATEWAY, HoldConfig, LsegConfig, REDIRECT_HOSTS, SCOPE, STREAM, TOKEN_PATH,
    WantedRooms,
};
use crate::mailbox::AgentsOnly;
use crate::net::NetConfig;

/// Rooms that a bot may name.
const MAX_ROOMS: usize = 1_000;
/// Hosts that a login may be sent on to.
const MAX_REDIRECT_HOSTS: usize = 16;
/// Seconds that a time of the stream may have.
const MAX_SECS: u64 = 24 * 60 * 60;
/// Characters that a message may have.
const MAX_CHARS: u64 = 65_536;
/// Fewer would cut every message to pieces.
const MIN_CHARS: u64 = 100;
/// The file of tokens in the connector's folder.
const TOKEN_FILE: &str = "token.json";

const EXPECTED_HOST: &str =
    "an address such as \"https://api.refinitiv.com\"; `http://` only for this machine";
const EXPECTED_STREAM: &str =
    "an address such as \"wss://api.collab.refinitiv.com/…/stream\"; `ws://` only for this machine";
const EXPECTED_PATH: &str = "a path such as \"/messenger/beta1\"";
const EXPECTED_ROOMS: &str = "names of rooms, [\"Desk\"], or \"listed\" for all that the bot is in";

/// Reads a bot's settings; none where there is a mistake that leaves nothing to go on with.
pub(super) fn read_lseg(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    net: &NetConfig,
    folder: Option<PathBuf>,
    others: &[BotConfig],
) -> Option<LsegConfig> {
    let net = read_way(reader, table, net);
    let username = table.require(reader, "username");
    let username = username.and_then(|item| read_username(reader, &item, others));
    let password_item = table.require(reader, "password");
    let password = password_item.as_ref().and_then(|item| item.secret(reader));
    let password_file = password_item.as_ref().and_then(|item| {
        let path = item.value().as_str()?.strip_prefix("file:")?;
        Some(reader.source.folder().join(path))
    });
    let app_key = table.require(reader, "app-key");
    let app_key = app_key.and_then(|item| item.secret(reader));
    let display_name = table.get(reader, "display-name");
    let display_name = display_name.and_then(|item| item.text(reader).map(str::to_owned));
    let gateway = match table.get(reader, "host") {
        Some(item) => read_gateway(reader, &item),
        None => Url::parse(GATEWAY).ok(),
    };
    let (stream, stream_net) = read_stream(reader, table, &net);
    let token_path = read_path(reader, table, "token-path", TOKEN_PATH);
    let api_path = read_path(reader, table, "api-path", API_PATH);
    let scope = table.get(reader, "scope");
    let scope = scope.and_then(|item| item.text(reader).map(str::to_owned));
    let exclusive = table.get(reader, "exclusive");
    let exclusive = exclusive.and_then(|item| item.flag(reader));
    let redirect_hosts = table.get(reader, "redirect-hosts");
    let redirect_hosts = redirect_hosts.and_then(|item| read_hosts(reader, &item));
    let rooms = table.get(reader, "rooms");
    let rooms = rooms.and_then(|item| read_rooms(reader, &item));
    let accept_invites = table.get(reader, "accept-invites");
    let accept_invites = accept_invites.and_then(|item| item.flag(reader));
    let chars = table.get(reader, "message-characters");
    let chars = chars.and_then(|item| item.integer(reader, MIN_CHARS..=MAX_CHARS));
    let choices = [("refuse", AgentsOnly::Refuse), ("all", AgentsOnly::All)];
    let agents_only = table
        .get(reader, "agents-only")
        .and_then(|item| item.choice(reader, &choices));
    let token_file = match table.get(reader, "token-file") {
        Some(item) => item.path(reader),
        None => folder.as_ref().map(|folder| folder.join(TOKEN_FILE)),
    };
    let hold = read_hold(reader, table);
    Some(LsegConfig {
        username: username?,
        password: password?,
        password_file,
        app_key: app_key?,
        display_name: display_name.filter(|name| !name.trim().is_empty()),
        gateway: gateway?,
        token_path: token_path?,
        api_path: api_path?,
        stream: stream?,
        scope: scope.unwrap_or_else(|| SCOPE.to_owned()),
        exclusive: exclusive.unwrap_or(true),
        redirect_hosts: redirect_hosts
            .unwrap_or_else(|| REDIRECT_HOSTS.map(str::to_owned).to_vec()),
        net,
        stream_net,
        hold,
        rooms: rooms.unwrap_or(WantedRooms::Named(Vec::new())),
        accept_invites: accept_invites.unwrap_or(false),
        message_chars: chars
            .and_then(|chars| usize::try_from(chars).ok())
            .unwrap_or(MESSAGE_CHARS),
        agents_only: agents_only.unwrap_or_default(),
        token_file,
        folder,
    })
}

/// An account's name. Two bots of one account would log one another out for ever.
fn read_username(reader: &mut Reader<'_>, item: &Item<'_>, others: &[BotConfig]) -> Option<String> {
    let name = item.text(reader)?;
    if !name.contains('@') || name.contains(char::is_whitespace) {
        item.wrong(reader, "the account's address: \"bot_agent.desk@acme.com\"");
        return None;
    }
    let other = others.iter().find(|bot| match &bot.platform {
        Platform::Lseg(config) => config.username.eq_ignore_ascii_case(name),
        _ => false,
    });
    if let Some(other) = other {
        let problem = item.problem(format!("is the account of bot {} too", other.name));
        reader.report(
            problem.expected("an account of its own: a login ends every other of an account"),
        );
        return None;
    }
    Some(name.to_owned())
}

fn read_gateway(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Url> {
    let url = address_of_host(item.text(reader)?).filter(|url| url.path() == "/");
    if url.is_none() {
        item.wrong(reader, EXPECTED_HOST);
    }
    url
}

/// The stream: an address, or a table with one and a way of its own.
fn read_stream(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    net: &NetConfig,
) -> (Option<Url>, NetConfig) {
    let usual = || Url::parse(STREAM).ok();
    let Some(item) = table.get(reader, "stream") else {
        return (usual(), net.clone());
    };
    if !item.is_table() {
        return (read_stream_url(reader, &item), net.clone());
    }
    let Some(mut own) = item.table(reader) else {
        return (None, net.clone());
    };
    let url = match own.get(reader, "url") {
        Some(item) => read_stream_url(reader, &item),
        None => usual(),
    };
    let way = read_way(reader, &mut own, net);
    own.finish(reader);
    (url, way)
}

fn read_stream_url(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Url> {
    let url = stream_address(item.text(reader)?);
    if url.is_none() {
        item.wrong(reader, EXPECTED_STREAM);
    }
    url
}

/// A path; the usual one where there is none, none where there is a mistake.
fn read_path(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    name: &'static str,
    usual: &str,
) -> Option<String> {
    let Some(item) = table.get(reader, name) else {
        return Some(usual.to_owned());
    };
    let path = item.text(reader)?;
    let is_path = path.starts_with('/')
        && !path.contains(|c: char| matches!(c, '?' | '#') || c.is_whitespace());
    if !is_path {
        item.wrong(reader, EXPECTED_PATH);
        return None;
    }
    Some(path.to_owned())
}

fn read_hosts(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Vec<String>> {
    let hosts = item.texts(reader, MAX_REDIRECT_HOSTS)?;
    let is_host = |host: &String| {
        let signs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        host.contains('.') && !host.starts_with('.') && host.chars().all(signs)
    };
    if !hosts.iter().all(is_host) {
        item.wrong(reader, "ends of names: [\"refinitiv.com\"]");
        return None;
    }
    Some(hosts.iter().map(|host| host.to_ascii_lowercase()).collect())
}

fn read_rooms(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<WantedRooms> {
    if item.value().as_str() == Some("listed") {
        return Some(WantedRooms::Listed);
    }
    if !item.is_list() {
        item.wrong(reader, EXPECTED_ROOMS);
        return None;
    }
    item.texts(reader, MAX_ROOMS).map(WantedRooms::Named)
}

fn read_hold(reader: &mut Reader<'_>, table: &mut Table<'_>) -> HoldConfig {
    let mut hold = HoldConfig::default();
    let margin_item = table.get(reader, "stream-margin-secs");
    for (item, time) in [
        (table.get(reader, "stream-window-secs"), &mut hold.window),
        (margin_item.clone(), &mut hold.margin),
        (table.get(reader, "rejoin-secs"), &mut hold.rejoin),
    ] {
        if let Some(secs) = item.and_then(|item| item.integer(reader, 1..=MAX_SECS)) {
            *time = Duration::from_secs(secs);
        }
    }
    if hold.margin >= hold.window
        && let Some(item) = margin_item
    {
        item.wrong(reader, "less than `stream-window-secs`");
    }
    if let Some(item) = table.get(reader, "heartbeat") {
        hold.heartbeat = read_heartbeat(reader, &item).or(hold.heartbeat);
        if item.value().as_bool() == Some(false) {
            hold.heartbeat = None;
        }
    }
    hold
}

/// `{ every-secs = 60, timeout-secs = 10 }`; `false` sends no pings.
fn read_heartbeat(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<(Duration, Duration)> {
    match item.value().as_bool() {
        Some(false) => return None,
        Some(true) => {
            item.wrong(reader, "`false`, or { every-secs = 60, timeout-secs = 10 }");
            return None;
        }
        None => {}
    }
    let (usual_every, usual_timeout) = HoldConfig::default().heartbeat?;
    let mut table = item.table(reader)?;
    let mut secs = |name: &'static str, usual: Duration| {
        let item = table.get(reader, name);
        let secs = item.and_then(|item| item.integer(reader, 1..=MAX_SECS));
        secs.map_or(usual, Duration::from_secs)
    };
    let every = secs("every-secs", usual_every);
    let timeout = secs("timeout-secs", usual_timeout);
    table.finish(reader);
    Some((every, timeout))
}
