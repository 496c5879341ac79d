//! What the host adds to a granted request: `bearer`, `basic`, `header`, `oauth2`, `client-certificate`.

use url::Url;

use super::read::{Item, Reader, Table};
use crate::net::{ClientAuth, Credential, CredentialError, Identity, OAuth2, PemError};

/// Credentials that go into a header; a request has one at most.
const IN_HEADER: [&str; 4] = ["bearer", "basic", "header", "oauth2"];
const EXPECTED_TOKEN_URL: &str = "an address such as \"https://login.example.com/token\"";

/// Reads the credential of a grant; none where there is none, or a mistake.
pub(super) fn read_credential(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    table: &mut Table<'_>,
) -> Option<Credential> {
    let mut found = Vec::new();
    for name in IN_HEADER {
        let Some(item) = table.get(reader, name) else {
            continue;
        };
        found.push(match name {
            "bearer" => read_bearer(reader, &item),
            "basic" => read_basic(reader, &item),
            "header" => read_header(reader, &item),
            _ => read_oauth2(reader, &item),
        });
    }
    if found.len() > 1 {
        let problem = item.problem("has several credentials").expected(
            "one of `bearer`, `basic`, `header`, `oauth2`; `client-certificate` may stand beside it",
        );
        reader.report(problem);
    }
    found.into_iter().flatten().next()
}

fn read_bearer(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Credential> {
    let token = item.secret(reader)?;
    made(reader, item, Credential::bearer(&token))
}

fn read_basic(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Credential> {
    let mut table = item.table(reader)?;
    let username_item = table.require(reader, "username");
    let account = username_item.as_ref().and_then(|item| item.account(reader));
    // A key that is given as the user name goes without a password.
    let needs_password = !matches!(account, Some(crate::net::Account::Hidden(_)));
    let password_item = if needs_password {
        Some(table.require(reader, "password"))
    } else {
        table.get(reader, "password").map(Some)
    };
    table.finish(reader);
    let password = match password_item {
        None => None,
        Some(item) => Some(item?.secret(reader)?),
    };
    made(
        reader,
        item,
        Credential::basic(&account?, password.as_ref()),
    )
}

fn read_header(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Credential> {
    let mut table = item.table(reader)?;
    let name_item = table.require(reader, "name");
    let name = name_item
        .as_ref()
        .and_then(|item| item.parse::<http::HeaderName>(reader, "a header's name, \"X-Api-Key\""));
    let value_item = table.require(reader, "value");
    let value = value_item.as_ref().and_then(|item| item.secret(reader));
    table.finish(reader);
    let made_of = Credential::header(name?, &value?);
    let wrong = match made_of {
        Err(CredentialError::Reserved) => name_item?,
        _ => value_item?,
    };
    made(reader, &wrong, made_of)
}

fn read_oauth2(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Credential> {
    let mut table = item.table(reader)?;
    let token_url = table
        .require(reader, "token-url")
        .and_then(|item| read_token_url(reader, &item));
    let client_id = table
        .require(reader, "client-id")
        .and_then(|item| item.account(reader));
    let client_secret = table
        .require(reader, "client-secret")
        .and_then(|item| item.secret(reader));
    let mut text = |reader: &mut Reader<'_>, name| {
        let item = table.get(reader, name)?;
        item.text(reader).map(str::to_owned)
    };
    let scope = text(reader, "scope");
    let audience = text(reader, "audience");
    let choices = [("basic", ClientAuth::Basic), ("body", ClientAuth::Body)];
    let client_auth = table
        .get(reader, "client-auth")
        .and_then(|item| item.choice(reader, &choices))
        .unwrap_or_default();
    table.finish(reader);
    let settings = OAuth2 {
        token_url: token_url?,
        client_id: client_id?,
        client_secret: client_secret?,
        scope,
        audience,
        client_auth,
    };
    made(reader, item, Credential::oauth2(settings))
}

/// The address is not quoted: it may hold a key.
fn read_token_url(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Url> {
    let url = item.text(reader)?.parse::<Url>().ok();
    let url = url.filter(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.host().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    });
    if url.is_none() {
        let problem = item.problem("is no address of a token endpoint");
        reader.report(problem.expected(EXPECTED_TOKEN_URL));
    }
    url
}

fn made(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    made: Result<Credential, CredentialError>,
) -> Option<Credential> {
    match made {
        Ok(credential) => Some(credential),
        Err(error) => {
            reader.report(item.problem(error));
            None
        }
    }
}

/// Reads the certificate that a grant shows.
pub(super) fn read_certificate(reader: &mut Reader<'_>, table: &mut Table<'_>) -> Option<Identity> {
    let item = table.get(reader, "client-certificate")?;
    let mut table = item.table(reader)?;
    let certificate_item = table.require(reader, "certificate");
    let certificate = certificate_item
        .as_ref()
        .and_then(|item| item.secret(reader));
    let key_item = table.require(reader, "key");
    let key = key_item.as_ref().and_then(|item| item.secret(reader));
    table.finish(reader);
    let identity = Identity::from_pem(certificate?.expose().as_bytes(), &key?);
    let (wrong, expected) = match &identity {
        Err(PemError::NoKey | PemError::OtherKey) => (
            key_item?,
            "the certificate's private key in PEM, not encrypted",
        ),
        _ => (
            certificate_item?,
            "a certificate in PEM, those that vouch for it after it",
        ),
    };
    match identity {
        Ok(identity) => Some(identity),
        Err(error) => {
            reader.report(wrong.problem(error).expected(expected));
            None
        }
    }
}
