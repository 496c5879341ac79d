//! What the host adds to a plugin's request after it has left the guest. Pure.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, header};
use url::Url;

use super::egress::HOP_BY_HOP;
use super::mask::SHORTEST_SECRET;
use super::tls::Identity;
use crate::model::secret::Secret;

/// Bytes of a secret that goes into a header; servers refuse more.
pub const MAX_SECRET_BYTES: usize = 8 * 1024;

/// Headers that the sender makes itself.
const OWN: [HeaderName; 7] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::ACCEPT_ENCODING,
    header::RANGE,
    header::EXPECT,
];

/// Why something cannot be a credential. Never holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// It holds what a header cannot.
    #[error("holds a line break or another character that no header can hold")]
    Character,
    /// It is too short to be taken out of answers.
    #[error("is shorter than {SHORTEST_SECRET} bytes: it would be found in every answer")]
    Short,
    /// It is too long.
    #[error("is longer than {MAX_SECRET_BYTES} bytes")]
    Long,
    /// A user name holds a colon.
    #[error("holds a colon, which ends a user name")]
    Colon,
    /// The header is the sender's own.
    #[error("is a header that the sender makes itself")]
    Reserved,
}

/// A user name or a client's id: open, or a secret like a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// Anybody may read it.
    Open(String),
    /// Nobody may.
    Hidden(Secret),
}

impl Account {
    /// Shows it, for use in a request.
    pub fn expose(&self) -> &str {
        match self {
            Self::Open(text) => text,
            Self::Hidden(secret) => secret.expose(),
        }
    }

    pub(super) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Open(_) => None,
            Self::Hidden(secret) => Some(secret),
        }
    }
}

/// How a client shows itself where it asks for a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// In the header, which every server must take (RFC 6749, 2.3.1).
    #[default]
    Basic,
    /// In the body, for servers that take nothing else.
    Body,
}

/// Tokens by OAuth 2.0 client credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth2 {
    /// Where tokens come from.
    pub token_url: Url,
    /// The client.
    pub client_id: Account,
    /// Its secret.
    pub client_secret: Secret,
    /// What the token should be good for.
    pub scope: Option<String>,
    /// Whom the token should be good for.
    pub audience: Option<String>,
    /// How the client shows itself.
    pub client_auth: ClientAuth,
}

/// A credential that goes into a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential(pub(super) Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The same each time. The value is marked sensitive: its `Debug` hides it.
    Fixed {
        name: HeaderName,
        value: HeaderValue,
        hidden: Vec<Secret>,
    },
    /// A token that is fetched.
    OAuth2(Arc<OAuth2>),
}

impl Credential {
    /// Makes `Authorization: Bearer …`.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub fn bearer(token: &Secret) -> Result<Self, CredentialError> {
        check(token)?;
        Ok(Self(Kind::Fixed {
            name: header::AUTHORIZATION,
            value: bearer_value(token)?,
            hidden: vec![token.clone()],
        }))
    }

    /// Makes `Authorization: Basic …`; an account that is a secret needs no password.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub fn basic(account: &Account, password: Option<&Secret>) -> Result<Self, CredentialError> {
        let (value, hidden) = basic_value(account, password)?;
        Ok(Self(Kind::Fixed {
            name: header::AUTHORIZATION,
            value,
            hidden,
        }))
    }

    /// Makes a header of the API's own.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub fn header(name: HeaderName, value: &Secret) -> Result<Self, CredentialError> {
        if OWN.contains(&name) || HOP_BY_HOP.contains(&name) {
            return Err(CredentialError::Reserved);
        }
        check(value)?;
        let mut hidden = vec![value.clone()];
        // `Token abc`: the scheme is no secret, what follows it is one by itself.
        if let Some((_, rest)) = value.expose().split_once(' ') {
            hidden.push(Secret::new(rest.trim().to_owned()));
        }
        Ok(Self(Kind::Fixed {
            name,
            value: sensitive(value.expose())?,
            hidden,
        }))
    }

    /// Makes one that fetches tokens.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub fn oauth2(settings: OAuth2) -> Result<Self, CredentialError> {
        check(&settings.client_secret)?;
        if let Some(id) = settings.client_id.secret() {
            check(id)?;
        }
        Ok(Self(Kind::OAuth2(Arc::new(settings))))
    }

    /// The header that it sets.
    pub fn header_name(&self) -> &HeaderName {
        match &self.0 {
            Kind::Fixed { name, .. } => name,
            Kind::OAuth2(_) => &header::AUTHORIZATION,
        }
    }

    /// Everything in it that nobody may see.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        match &self.0 {
            Kind::Fixed { hidden, .. } => hidden.clone(),
            Kind::OAuth2(settings) => settings.secrets(),
        }
    }
}

/// What a plugin may request over HTTP, and what the host adds to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpGrant {
    /// Method and address, `GET https://api.example.com/v1/*`. `*` stands for any method, for any
    /// name at the beginning of a host, and for anything in a path.
    pub allow: String,
    /// What goes into a header.
    pub credential: Option<Credential>,
    /// What is shown to a server that wants a certificate.
    pub certificate: Option<Identity>,
}

/// The value of a token's header.
pub(super) fn bearer_value(token: &Secret) -> Result<HeaderValue, CredentialError> {
    if token.expose().contains(char::is_whitespace) {
        return Err(CredentialError::Character);
    }
    sensitive(&format!("Bearer {}", token.expose()))
}

/// The value of a header that shows a name and a password, and what is secret in it.
pub(super) fn basic_value(
    account: &Account,
    password: Option<&Secret>,
) -> Result<(HeaderValue, Vec<Secret>), CredentialError> {
    if account.expose().contains(':') {
        return Err(CredentialError::Colon);
    }
    let mut hidden: Vec<Secret> = account
        .secret()
        .into_iter()
        .chain(password)
        .cloned()
        .collect();
    for secret in &hidden {
        check(secret)?;
    }
    let password = password.map_or("", Secret::expose);
    let pair = format!("{}:{password}", account.expose());
    if pair.contains(char::is_control) {
        return Err(CredentialError::Character);
    }
    let encoded = STANDARD.encode(pair);
    let value = sensitive(&format!("Basic {encoded}"))?;
    hidden.push(Secret::new(encoded.trim_end_matches('=').to_owned()));
    Ok((value, hidden))
}

fn check(secret: &Secret) -> Result<(), CredentialError> {
    match secret.expose().len() {
        ..SHORTEST_SECRET => Err(CredentialError::Short),
        length if length > MAX_SECRET_BYTES => Err(CredentialError::Long),
        _ => Ok(()),
    }
}

fn sensitive(text: &str) -> Result<HeaderValue, CredentialError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| CredentialError::Character)?;
    // Hidden from `Debug`, and kept out of the tables by which HTTP/2 compresses headers.
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn check_header(credential: Result<Credential, CredentialError>, header: &str, hides: &[&str]) {
        let credential = credential.expect("a credential");
        let Kind::Fixed { name, value, .. } = &credential.0 else {
            panic!("a fixed credential");
        };
        assert_eq!(format!("{name}: {}", value.to_str().unwrap()), header);
        let secrets = credential.secrets();
        let hidden: Vec<&str> = secrets.iter().map(Secret::expose).collect();
        assert_eq!(hidden, hides);
        let debug = format!("{credential:?}");
        assert!(hides.iter().all(|it| !debug.contains(it)), "{debug}");
    }

    #[test]
    fn makes_headers() {
        check_header(
            Credential::bearer(&secret("t0ken")),
            "authorization: Bearer t0ken",
            &["t0ken"],
        );
        check_header(
            Credential::basic(&Account::Open("joe".into()), Some(&secret("passw"))),
            "authorization: Basic am9lOnBhc3N3",
            &["passw", "am9lOnBhc3N3"],
        );
        check_header(
            Credential::basic(&Account::Hidden(secret("sk_live")), None),
            "authorization: Basic c2tfbGl2ZTo=",
            &["sk_live", "c2tfbGl2ZTo"],
        );
        check_header(
            Credential::header(HeaderName::from_static("x-key"), &secret("Token abcd")),
            "x-key: Token abcd",
            &["Token abcd", "abcd"],
        );
    }

    #[test]
    fn refuses_what_no_header_can_be() {
        let bearer = |text: &str| Credential::bearer(&secret(text)).unwrap_err();
        assert_eq!(bearer("two\nlines"), CredentialError::Character);
        assert_eq!(bearer("two words"), CredentialError::Character);
        assert_eq!(bearer("abc"), CredentialError::Short);
        assert_eq!(bearer(&"x".repeat(9_000)), CredentialError::Long);
        let name = |name| Credential::header(name, &secret("secret")).unwrap_err();
        for reserved in [
            header::HOST,
            header::CONNECTION,
            header::PROXY_AUTHORIZATION,
        ] {
            assert_eq!(name(reserved), CredentialError::Reserved);
        }
        let account = Account::Open("a:b".into());
        let colon = Credential::basic(&account, Some(&secret("secret"))).unwrap_err();
        assert_eq!(colon, CredentialError::Colon);
    }
}
