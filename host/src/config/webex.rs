//! A bot on Webex: token, way, how it hears.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::address::address;
use super::net::read_way;
use super::read::{Item, Reader, Table};
use crate::connectors::webex::config::{
    DEFAULT_BASE, DEFAULT_CHECK, DEFAULT_DISCOVERY, DEFAULT_READ_BACK, Events, SocketConfig, Token,
    WebexConfig, WebhookConfig,
};
use crate::net::NetConfig;
use crate::web::hooks::bots::RESERVED;

/// Seconds between two looks at the webhooks.
const CHECK_SECS: std::ops::RangeInclusive<u64> = 1..=3_600;
/// Seconds between two readings of what should have been heard.
const READ_BACK_SECS: std::ops::RangeInclusive<u64> = 1..=86_400;
/// Bytes of a path of the bot's own.
const MAX_PATH: usize = 200;

const EXPECTED_ADDRESS: &str =
    "an address such as \"https://webexapis.com/v1\"; `http://` only for this machine";
const EXPECTED_PATH: &str = "a path such as \"/webex\", which does not begin with /hooks or /bots";
const EXPECTED_TOKEN: &str = "a bot's token, of letters, digits and signs without spaces";

#[derive(Clone, Copy)]
enum Heard {
    Webhook,
    Websocket,
}

/// Reads a bot's settings; none where there is a mistake that leaves nothing to go on with.
pub(super) fn read_webex(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    net: &NetConfig,
    folder: Option<PathBuf>,
) -> Option<WebexConfig> {
    let net = read_way(reader, table, net);
    let token_item = table.require(reader, "token");
    let token = token_item
        .as_ref()
        .and_then(|item| read_token(reader, item));
    let base = match table.get(reader, "api") {
        Some(item) => read_address(reader, &item),
        None => Url::parse(DEFAULT_BASE).ok(),
    };
    let choices = [("webhook", Heard::Webhook), ("websocket", Heard::Websocket)];
    let heard = table
        .get(reader, "events")
        .and_then(|item| item.choice(reader, &choices));
    let events = match heard.unwrap_or(Heard::Webhook) {
        Heard::Webhook => Events::Webhook(read_webhook(reader, table)),
        Heard::Websocket => {
            let discovery = match table.get(reader, "discovery") {
                Some(item) => read_address(reader, &item),
                None => Url::parse(DEFAULT_DISCOVERY).ok(),
            };
            Events::Websocket(SocketConfig {
                discovery: discovery?,
            })
        }
    };
    let read_back = table.get(reader, "read-back-secs");
    let read_back = read_back.and_then(|item| item.integer(reader, READ_BACK_SECS));
    Some(WebexConfig {
        token: token?,
        base: base?,
        net,
        events,
        read_back: read_back.map_or(DEFAULT_READ_BACK, Duration::from_secs),
        folder,
    })
}

fn read_webhook(reader: &mut Reader<'_>, table: &mut Table<'_>) -> WebhookConfig {
    let path = table.get(reader, "path");
    let path = path.and_then(|item| read_path(reader, &item));
    let secret = table.get(reader, "webhook-secret");
    let secret = secret.and_then(|item| item.secret(reader)).map(Token);
    let takes_sha256 = table.get(reader, "webhook-sha256");
    let takes_sha256 = takes_sha256.and_then(|item| item.flag(reader));
    let check = table.get(reader, "webhook-check-secs");
    let check = check.and_then(|item| item.integer(reader, CHECK_SECS));
    WebhookConfig {
        path,
        secret,
        takes_sha256: takes_sha256.unwrap_or_default(),
        check: check.map_or(DEFAULT_CHECK, Duration::from_secs),
    }
}

fn read_token(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Token> {
    let token = item.secret(reader)?;
    let text = token.expose();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        item.wrong(reader, EXPECTED_TOKEN);
        return None;
    }
    Some(Token(token))
}

/// A path that a platform knows a bot by.
pub(super) fn read_path(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<String> {
    let text = item.text(reader)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let is_reserved = RESERVED.iter().any(|own| {
        let rest = text.strip_prefix(own);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let is_good = text.starts_with('/')
        && text.len() > 1
        && text.len() <= MAX_PATH
        && !text.ends_with('/')
        && !text.contains("//")
        && !text.split('/').any(|part| part == "." || part == "..")
        && text.bytes().all(is_plain)
        && !is_reserved;
    if !is_good {
        item.wrong(reader, EXPECTED_PATH);
        return None;
    }
    Some(text.to_owned())
}

fn read_address(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Url> {
    let text = item.text(reader)?;
    let address = address(text);
    if address.is_none() {
        item.wrong(reader, EXPECTED_ADDRESS);
    }
    address
}
