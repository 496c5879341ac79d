//! `[net]`: the way out of every bot and plugin.

use super::read::{Item, Reader, Table, read_file};
use crate::net::{Bypass, NetConfig, NoBypass, Proxy, ProxyError, read_authorities};

/// Names that go past the proxy.
const MAX_BYPASSES: usize = 1_000;
/// Files of certificates.
const MAX_CA_FILES: usize = 100;
/// Bytes of such a file; a system's whole list has a quarter of it.
const MAX_CA_BYTES: u64 = 1024 * 1024;

const EXPECTED_PROXY: &str = "an address such as \"http://proxy.example.com:8080\"";
const EXPECTED_BYPASS: &str =
    "a name, \"*.example.com\", an address, or a network such as \"10.0.0.0/8\"";

pub(super) fn read_net(reader: &mut Reader<'_>, item: Option<&Item<'_>>) -> NetConfig {
    let config = NetConfig::default();
    let Some(mut table) = item.and_then(|item| item.table(reader)) else {
        return config;
    };
    let config = read_way(reader, &mut table, &config);
    table.finish(reader);
    config
}

/// Reads the keys of a way out; what is not said is as it was. Authorities come in addition.
pub(super) fn read_way(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    before: &NetConfig,
) -> NetConfig {
    let mut config = before.clone();
    if let Some(item) = table.get(reader, "proxy") {
        config.proxy = read_proxy(reader, &item);
    }
    if let Some(item) = table.get(reader, "no-proxy") {
        let items = item.list(reader, MAX_BYPASSES).unwrap_or_default();
        config.no_proxy = items
            .iter()
            .filter_map(|item| read_bypass(reader, item))
            .collect();
    }
    if let Some(item) = table.get(reader, "ca-files") {
        for item in item.list(reader, MAX_CA_FILES).unwrap_or_default() {
            config.authorities.extend(read_ca_file(reader, &item));
        }
    }
    config
}

fn read_proxy(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Proxy> {
    if !item.is_table() {
        let url = item.text(reader)?;
        return make_proxy(reader, item, Proxy::new(url, None));
    }
    let mut table = item.table(reader)?;
    let url = table.require(reader, "url");
    let account = read_account(reader, &mut table);
    table.finish(reader);
    let url_item = url?;
    let url = url_item.text(reader)?;
    let (account, password) = match account? {
        None => (None, None),
        Some((account, password)) => (Some(account), Some(password)),
    };
    let shown = account.as_ref().zip(password.as_ref());
    make_proxy(reader, &url_item, Proxy::new(url, shown))
}

type Login = (crate::net::Account, super::Secret);

/// Reads both or neither; none where there is a mistake.
fn read_account(reader: &mut Reader<'_>, table: &mut Table<'_>) -> Option<Option<Login>> {
    let has_username = table.get(reader, "username").is_some();
    let has_password = table.get(reader, "password").is_some();
    if !has_username && !has_password {
        return Some(None);
    }
    let username = table.require(reader, "username");
    let password = table.require(reader, "password");
    let account = username.and_then(|item| item.account(reader));
    let password = password.and_then(|item| item.secret(reader));
    Some(Some((account?, password?)))
}

/// The address is never quoted: people write passwords into it.
fn make_proxy(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    made: Result<Proxy, ProxyError>,
) -> Option<Proxy> {
    let error = match made {
        Ok(proxy) => return Some(proxy),
        Err(error) => error,
    };
    let problem = item.problem(error);
    reader.report(match error {
        ProxyError::Address => problem.expected(EXPECTED_PROXY),
        ProxyError::Credentials => problem.expected("`username` and `password` beside `url`"),
        ProxyError::Credential(reason) => item.spot.problem(format!(
            "the user name or the password of the proxy {reason}"
        )),
    });
    None
}

fn read_bypass(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Bypass> {
    let bypass: Result<Bypass, NoBypass> = item.text(reader)?.parse();
    if bypass.is_err() {
        item.wrong(reader, EXPECTED_BYPASS);
    }
    bypass.ok()
}

fn read_ca_file(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
) -> Vec<rustls::pki_types::CertificateDer<'static>> {
    let Some(path) = item.path(reader) else {
        return Vec::new();
    };
    let read = read_file(&path, MAX_CA_BYTES).and_then(|pem| {
        read_authorities(&pem).map_err(|error| format!("{} {error}", path.display()))
    });
    read.unwrap_or_else(|reason| {
        let problem = item.problem(format!("cannot be used: {reason}"));
        reader.report(problem.expected("a file of certificates in PEM"));
        Vec::new()
    })
}
