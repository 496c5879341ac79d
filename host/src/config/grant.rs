//! Grants: what a plugin may do outside its conversation.

use url::Url;

use super::problem::nearest;
use super::read::{Item, Reader, one_of};
use super::secret::Secret;
use crate::model::grants::{ACTION_GRANTS, READ_GRANTS};

/// Grants of one kind that a plugin may have.
const MAX_GRANTS: usize = 200;

/// Whether the host's sender adds credentials. Until it does, a grant that carries one is refused:
/// what nothing enforces is no setting.
const ADDS_CREDENTIALS: bool = false;

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

/// HTTP requests that a plugin may make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpGrant {
    /// Method and address as written, `GET https://api.example.com/v1/*`. `*` stands for any method,
    /// for any name at the beginning of a host, and for anything in a path.
    pub allow: String,
    /// What the host adds to the request.
    pub credential: Option<Credential>,
}

/// What the host adds to a request after it has left the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization: Bearer …`
    Bearer(Secret),
    /// `Authorization: Basic …`
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A header of its own.
    Header {
        /// The header's name.
        name: String,
        /// Its value.
        value: Secret,
    },
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
        return read_address(reader, item, None);
    }
    let mut table = item.table(reader)?;
    let allow = table.require(reader, "allow");
    let mut credentials = Vec::new();
    if let Some(item) = table.get(reader, "bearer") {
        credentials.push(item.secret(reader).map(Credential::Bearer));
    }
    if let Some(item) = table.get(reader, "basic") {
        credentials.push(read_basic(reader, &item));
    }
    if let Some(item) = table.get(reader, "header") {
        credentials.push(read_header(reader, &item));
    }
    for name in ["oauth2", "client-certificate"] {
        if let Some(item) = table.get(reader, name) {
            item.report_not_yet(reader);
        }
    }
    table.finish(reader);
    if credentials.len() > 1 {
        let problem = item
            .problem("has several credentials")
            .expected("one of `bearer`, `basic`, `header`");
        reader.report(problem);
    }
    let credential = credentials.into_iter().flatten().next();
    if credential.is_some() && !ADDS_CREDENTIALS {
        let problem = item.problem("has a credential, which is not supported yet by this version");
        reader.report(problem);
    }
    read_address(reader, &allow?, credential)
}

fn read_basic(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Credential> {
    let mut table = item.table(reader)?;
    let username = table
        .require(reader, "username")
        .and_then(|item| item.text(reader));
    let password = table
        .require(reader, "password")
        .and_then(|item| item.secret(reader));
    table.finish(reader);
    Some(Credential::Basic {
        username: username?.to_owned(),
        password: password?,
    })
}

fn read_header(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Credential> {
    let mut table = item.table(reader)?;
    let name = table
        .require(reader, "name")
        .and_then(|item| item.parse::<http::HeaderName>(reader, "a header's name, \"X-Api-Key\""));
    let value = table
        .require(reader, "value")
        .and_then(|item| item.secret(reader));
    table.finish(reader);
    Some(Credential::Header {
        name: name?.as_str().to_owned(),
        value: value?,
    })
}

fn read_address(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    credential: Option<Credential>,
) -> Option<HttpGrant> {
    let text = item.text(reader)?;
    if item.report_references(reader, text) {
        return None;
    }
    if !is_address(text) {
        item.wrong(reader, EXPECTED_HTTP);
        return None;
    }
    Some(HttpGrant {
        allow: text.to_owned(),
        credential,
    })
}

fn is_address(text: &str) -> bool {
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
