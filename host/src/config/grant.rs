//! Grants: what a plugin may do outside its conversation.

use url::Url;

use super::credential::{read_certificate, read_credential};
use super::problem::nearest;
use super::read::{Item, Reader, one_of};
use crate::model::grants::{ACTION_GRANTS, READ_GRANTS};
pub use crate::net::HttpGrant;

/// Grants of one kind that a plugin may have.
const MAX_GRANTS: usize = 200;

const METHODS: [&str; 8] = [
    "*", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS",
];
const EXPECTED_HTTP: &str = "a method and an address, \"GET https://api.example.com/v1/*\"";

/// What a plugin may do outside its conversation. Nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// HTTP requests.
    pub http: Vec<HttpGrant>,
    /// Actions by name, among [`ACTION_GRANTS`].
    pub actions: Vec<String>,
    /// Reads by name, among [`READ_GRANTS`].
    pub reads: Vec<String>,
}

pub(super) fn read_grants(reader: &mut Reader<'_>, item: &Item<'_>) -> Grants {
    let mut grants = Grants::default();
    let Some(mut table) = item.table(reader) else {
        return grants;
    };
    if let Some(item) = table.get(reader, "http") {
        let items = item.list(reader, MAX_GRANTS).unwrap_or_default();
        grants.http = items
            .iter()
            .filter_map(|item| read_http(reader, item))
            .collect();
    }
    if let Some(item) = table.get(reader, "actions") {
        grants.actions = read_known(reader, &item, &ACTION_GRANTS);
    }
    if let Some(item) = table.get(reader, "reads") {
        grants.reads = read_known(reader, &item, &READ_GRANTS);
    }
    table.finish(reader);
    grants
}

fn read_known(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    known: &[(&'static str, &'static str)],
) -> Vec<String> {
    let names = item.texts(reader, MAX_GRANTS).unwrap_or_default();
    let known = || known.iter().map(|(name, _)| *name);
    for name in &names {
        if known().any(|known| known == name) {
            continue;
        }
        let mut problem = item
            .problem(format!("grants \"{name}\", which is unknown"))
            .expected(one_of(known()));
        if let Some(name) = nearest(name, known()) {
            problem = problem.hint(format!("did you mean `{name}`?"));
        }
        reader.report(problem);
    }
    names
}

fn read_http(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<HttpGrant> {
    if !item.is_table() {
        return Some(HttpGrant {
            allow: read_address(reader, item)?,
            credential: None,
            certificate: None,
        });
    }
    let mut table = item.table(reader)?;
    let allow_item = table.require(reader, "allow");
    let credential = read_credential(reader, item, &mut table);
    let certificate = read_certificate(reader, &mut table);
    table.finish(reader);
    let allow_item = allow_item?;
    let allow = read_address(reader, &allow_item)?;
    if certificate.is_some() && !allow.contains(" https://") {
        let problem = allow_item.problem("is no https address, where certificates are shown");
        reader.report(problem);
    }
    Some(HttpGrant {
        allow,
        credential,
        certificate,
    })
}

fn read_address(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<String> {
    let text = item.text(reader)?;
    if item.report_references(reader, text) {
        return None;
    }
    if is_address(text) {
        return Some(text.to_owned());
    }
    if text.contains('@') {
        // Not quoted: what stands before it may be a password.
        let problem = item.problem("has an `@`, as before a password");
        reader.report(problem.expected("`basic` beside `allow` for a user name and a password"));
    } else {
        item.wrong(reader, EXPECTED_HTTP);
    }
    None
}

/// Tells whether a text is a method and an address as a grant has them.
pub(super) fn is_address(text: &str) -> bool {
    let Some((method, address)) = text.split_once(' ') else {
        return false;
    };
    let Ok(url) = Url::parse(address) else {
        return false;
    };
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let is_host = url
        .host_str()
        .is_some_and(|host| !host.strip_prefix("*.").unwrap_or(host).contains('*'));
    METHODS.contains(&method) && matches!(url.scheme(), "http" | "https") && is_host && plain
}
