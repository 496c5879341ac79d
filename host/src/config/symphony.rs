//! A bot on Symphony: hosts, ways to them, credentials, feed.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::address::address_of_host;
use super::net::read_way;
use super::read::{Item, Reader, Table, read_file};
use crate::connectors::symphony::config::{
    AccountCertificate, AccountKey, AgentsOnly, AppConfig, Balancing, Credential, Endpoint,
    FeedConfig, FeedVersion, LOGIN_WAIT, MAX_TAG, SymphonyConfig,
};
use crate::model::secret::Secret;
use crate::net::{Identity, NetConfig};

/// Agents that a bot may name.
const MAX_AGENTS: usize = 32;
/// Headers that an endpoint may add.
const MAX_HEADERS: usize = 32;
/// Bytes of a certificate's file.
const MAX_CERTIFICATE_BYTES: u64 = 256 * 1024;
/// Where logins by certificate are as a rule (symphony.md §1.1).
const CERTIFICATE_PORT: u16 = 8444;

const EXPECTED_HOST: &str = "a name, \"acme.symphony.com\", with a port and a path where they are needed; \
     `http://` only for this machine";
const EXPECTED_KEY: &str = "an RSA private key in PEM, not encrypted";
const EXPECTED_CERTIFICATE: &str =
    "a certificate with its key: PKCS#12, or PEM that is not encrypted";

/// Reads a bot's settings; none where there is a mistake that leaves nothing to go on with.
pub(super) fn read_symphony(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    net: &NetConfig,
    folder: Option<PathBuf>,
) -> Option<SymphonyConfig> {
    let way = read_way(reader, table, net);
    let headers = table.get(reader, "headers");
    let headers = headers.map_or_else(HeaderMap::new, |item| read_headers(reader, &item));
    let host_item = table.require(reader, "host");
    let host = host_item
        .as_ref()
        .and_then(|item| read_address(reader, item));
    let username = table.require(reader, "username");
    let username = username.and_then(|item| item.text(reader).map(str::to_owned));
    let credential = read_credential(reader, table);
    let common = host.clone().map(|base| Endpoint {
        base,
        net: way,
        headers,
    });
    let has_port = host_item.as_ref().is_some_and(|item| {
        let text = item.value().as_str().unwrap_or_default();
        text_port(text).is_some()
    });
    // Where certificates are shown is another port, unless something else is said.
    let app = table.get(reader, "app");
    let app = app.and_then(|item| read_app(reader, &item));
    let login = |by_certificate: bool| {
        common.clone().map(|mut endpoint| {
            if by_certificate && !has_port {
                // An address with a host takes a port.
                let _ = endpoint.base.set_port(Some(CERTIFICATE_PORT));
            }
            endpoint
        })
    };
    let pod = read_endpoint(reader, table, "pod", common.as_ref());
    let own = login(is_certificate(credential.as_ref()));
    let key_manager = read_endpoint(reader, table, "key-manager", own.as_ref());
    // A bot with a key does not ask it, so that its app's certificate alone can choose.
    let app_shows = is_certificate(app.as_ref().map(|app| &app.credential));
    let any = login(app_shows || is_certificate(credential.as_ref()));
    let session_auth = read_endpoint(reader, table, "session-auth", any.as_ref());
    let agents = read_agents(reader, table, common.as_ref());
    let choices = [
        ("round-robin", Balancing::RoundRobin),
        ("random", Balancing::Random),
        ("external", Balancing::External),
    ];
    let balancing = table
        .get(reader, "balancing")
        .and_then(|item| item.choice(reader, &choices))
        .unwrap_or_default();
    let feed = table.get(reader, "datafeed");
    let feed = feed.map_or_else(FeedConfig::default, |item| read_feed(reader, &item));
    let login_wait = table.get(reader, "login-wait-secs");
    let login_wait = login_wait.and_then(|item| item.integer(reader, 1..=3_600));
    let common_jwt = table.get(reader, "common-jwt");
    let common_jwt = common_jwt.and_then(|item| item.flag(reader));
    let choices = [("refuse", AgentsOnly::Refuse), ("all", AgentsOnly::All)];
    let agents_only = table
        .get(reader, "agents-only")
        .and_then(|item| item.choice(reader, &choices))
        .unwrap_or_default();
    Some(SymphonyConfig {
        username: username?,
        credential: credential?,
        pod: pod?,
        agents: agents?,
        balancing,
        key_manager: key_manager?,
        session_auth: session_auth?,
        app,
        feed,
        login_wait: login_wait.map_or(LOGIN_WAIT, Duration::from_secs),
        common_jwt: common_jwt.unwrap_or_default(),
        agents_only,
        folder,
    })
}

fn is_certificate(credential: Option<&Credential>) -> bool {
    matches!(credential, Some(Credential::Certificate(_)))
}

/// An endpoint of its own: an address, or a table with one and a way; else the common one.
fn read_endpoint(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    name: &'static str,
    common: Option<&Endpoint>,
) -> Option<Endpoint> {
    match table.get(reader, name) {
        None => common.cloned(),
        Some(item) => read_own(reader, &item, common),
    }
}

fn read_own(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    common: Option<&Endpoint>,
) -> Option<Endpoint> {
    if !item.is_table() {
        let base = read_address(reader, item)?;
        return Some(Endpoint {
            base,
            ..common?.clone()
        });
    }
    let mut table = item.table(reader)?;
    let base = match table.get(reader, "host") {
        Some(item) => read_address(reader, &item),
        None => common.map(|common| common.base.clone()),
    };
    let empty = NetConfig::default();
    let net = read_way(
        reader,
        &mut table,
        common.map_or(&empty, |common| &common.net),
    );
    let mut headers = common
        .map(|common| common.headers.clone())
        .unwrap_or_default();
    if let Some(item) = table.get(reader, "headers") {
        headers.extend(read_headers(reader, &item));
    }
    table.finish(reader);
    Some(Endpoint {
        base: base?,
        net,
        headers,
    })
}

fn read_agents(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    common: Option<&Endpoint>,
) -> Option<Vec<Endpoint>> {
    let one = table.get(reader, "agent");
    let Some(item) = table.get(reader, "agents") else {
        let agent = match one {
            None => common.cloned(),
            Some(item) => read_own(reader, &item, common),
        };
        return agent.map(|agent| vec![agent]);
    };
    if one.is_some() {
        reader.report(
            item.problem("stands beside `agent`")
                .expected("one of the two"),
        );
        return None;
    }
    let items = item.list(reader, MAX_AGENTS)?;
    if items.is_empty() {
        item.wrong(reader, "at least one agent");
        return None;
    }
    let agents = items.iter().map(|item| read_own(reader, item, common));
    agents.collect()
}

/// The address of a host of the platform, without what the platform adds to it.
fn read_address(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Url> {
    let text = item.text(reader)?;
    let address = address_of_host(text);
    if address.is_none() {
        item.wrong(reader, EXPECTED_HOST);
    }
    address
}

/// The port that is written out, even where it is the usual one.
fn text_port(text: &str) -> Option<u16> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = rest.split('/').next()?;
    host.rsplit_once(':')?.1.parse().ok()
}

fn read_headers(reader: &mut Reader<'_>, item: &Item<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(table) = item.table(reader) else {
        return headers;
    };
    let items = table.items(reader);
    if items.len() > MAX_HEADERS {
        let problem = item.problem(format!("has {} headers", items.len()));
        reader.report(problem.expected(format!("at most {MAX_HEADERS}")));
    }
    for item in items.iter().take(MAX_HEADERS) {
        let name = item.name.parse::<HeaderName>();
        let value = item.text(reader).map(HeaderValue::from_str);
        match (name, value) {
            (Ok(name), Some(Ok(value))) => {
                headers.insert(name, value);
            }
            (_, None) => {}
            _ => item.wrong(reader, "a header: X-Tenant = \"desk\""),
        }
    }
    headers
}

fn read_credential(reader: &mut Reader<'_>, table: &mut Table<'_>) -> Option<Credential> {
    let key = table.get(reader, "private-key");
    let certificate = table.get(reader, "certificate");
    let password = table.get(reader, "certificate-password");
    match (key, certificate) {
        (Some(item), None) => read_key(reader, &item).map(Credential::Key),
        (None, Some(item)) => {
            let password = match password {
                Some(item) => Some(item.secret(reader)?),
                None => None,
            };
            let identity = read_certificate(reader, &item, password.as_ref())?;
            Some(Credential::Certificate(AccountCertificate {
                identity,
                origin: origin(&item),
            }))
        }
        (Some(_), Some(item)) => {
            let problem = item.problem("stands beside `private-key`");
            reader.report(problem.expected("one of the two"));
            None
        }
        (None, None) => {
            let problem = table
                .spot
                .problem("`private-key` or `certificate` is missing");
            reader.report(problem.hint("private-key = \"file:/run/secrets/bot.pem\""));
            None
        }
    }
}

/// What the settings say, which is where a secret is and never the secret.
fn origin(item: &Item<'_>) -> String {
    item.value().as_str().unwrap_or_default().to_owned()
}

fn read_key(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<AccountKey> {
    let pem = item.secret(reader)?;
    match AccountKey::from_pem(pem, origin(item)) {
        Ok(key) => Some(key),
        Err(error) => {
            let problem = item.problem(format!("({}) {error}", origin(item)));
            reader.report(problem.expected(EXPECTED_KEY));
            None
        }
    }
}

/// Read as bytes: a file of another kind is told as what it is.
fn read_certificate(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    password: Option<&Secret>,
) -> Option<Identity> {
    let text = item.text(reader)?;
    let Some(path) = text.strip_prefix("file:") else {
        let problem = item.problem("is no file");
        reader.report(problem.expected("`file:PATH`"));
        return None;
    };
    let path = reader.source.folder().join(path);
    let read = read_file(&path, MAX_CERTIFICATE_BYTES).and_then(|bytes| {
        let identity = Identity::from_file(&bytes, password);
        identity.map_err(|error| format!("{} {error}", path.display()))
    });
    match read {
        Ok(identity) => Some(identity),
        Err(reason) => {
            let problem = item.problem(format!("cannot be used: {reason}"));
            reader.report(problem.expected(EXPECTED_CERTIFICATE));
            None
        }
    }
}

fn read_app(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<AppConfig> {
    let mut table = item.table(reader)?;
    let id_item = table.require(reader, "id");
    let id = id_item.as_ref().and_then(|item| item.text(reader));
    let credential = read_credential(reader, &mut table);
    table.finish(reader);
    let id = id?;
    if id.is_empty() || id.contains(':') {
        // The platform refuses such an app whatever it shows.
        id_item?.wrong(reader, "an app's id, which has no colon");
        return None;
    }
    Some(AppConfig {
        id: id.to_owned(),
        credential: credential?,
    })
}

fn read_feed(reader: &mut Reader<'_>, item: &Item<'_>) -> FeedConfig {
    let mut feed = FeedConfig::default();
    let Some(mut table) = item.table(reader) else {
        return feed;
    };
    let choices = [("v1", FeedVersion::V1), ("v2", FeedVersion::V2)];
    if let Some(version) = table
        .get(reader, "version")
        .and_then(|item| item.choice(reader, &choices))
    {
        feed.version = version;
    }
    if let Some(item) = table.get(reader, "tag")
        && let Some(tag) = item.text(reader)
    {
        if tag.is_empty() || tag.chars().count() > MAX_TAG {
            item.wrong(reader, "1 to 100 characters");
        }
        feed.tag = Some(tag.to_owned());
    }
    if let Some(item) = table.get(reader, "id-file") {
        feed.id_file = item.path(reader);
    }
    for (name, flag) in [
        ("reuse", &mut feed.reuse),
        ("updates-presence", &mut feed.updates_presence),
    ] {
        let item = table.get(reader, name);
        if let Some(found) = item.and_then(|item| item.flag(reader)) {
            *flag = found;
        }
    }
    table.finish(reader);
    feed
}

#[cfg(test)]
mod tests {
    use super::text_port;

    #[test]
    fn a_port_that_is_written_out_is_one() {
        assert_eq!(text_port("acme.symphony.com:443"), Some(443));
        assert_eq!(text_port("https://acme.com:8444/x"), Some(8444));
        assert_eq!(text_port("https://acme.com/x"), None);
    }
}
