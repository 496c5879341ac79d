//! What both shapes of file are read into: a bot as parlor's settings see it, before it is written.

use std::net::IpAddr;

use url::Url;

use super::credentials::Credential;
use super::fields::Field;
use super::{Import, NoteKind};

/// Where the platform and its proxies are as a rule.
pub(super) const DEFAULT_PORT: u16 = 443;

/// A bot.
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) username: String,
    pub(super) credential: Credential,
    /// What `host` and the keys of the bot itself say.
    pub(super) common: Server,
    pub(super) pod: Server,
    /// Never empty.
    pub(super) agents: Vec<Server>,
    pub(super) balancing: Option<&'static str>,
    pub(super) key_manager: Server,
    pub(super) session_auth: Server,
    pub(super) ca_files: Vec<String>,
    pub(super) app: Option<(String, Credential)>,
    pub(super) feed: Feed,
    pub(super) common_jwt: bool,
}

/// `datafeed`.
#[derive(Default)]
pub(super) struct Feed {
    pub(super) version: Option<&'static str>,
    pub(super) tag: Option<String>,
    pub(super) reuse: Option<bool>,
    pub(super) id_file: Option<String>,
}

/// A host and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) address: Address,
    pub(super) proxy: Option<Proxy>,
    /// Its own, beside those of the bot.
    pub(super) headers: Vec<(String, String)>,
}

/// Where a component is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) is_plain: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// With a `/` before it and none behind; may be empty.
    pub(super) context: String,
}

/// A proxy, as the settings write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) url: String,
    /// The user's name, and where the password is read from.
    pub(super) login: Option<(String, String)>,
}

/// Whether an address is written with the usual port too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ports {
    /// Only another one.
    Unusual,
    /// Every one.
    All,
}

impl Address {
    pub(super) fn https(host: String) -> Self {
        Self {
            is_plain: false,
            host,
            port: DEFAULT_PORT,
            context: String::new(),
        }
    }

    /// `agent.acme.com:8443/context`.
    pub(super) fn written(&self, ports: Ports) -> String {
        let usual = if self.is_plain { 80 } else { DEFAULT_PORT };
        let scheme = if self.is_plain { "http://" } else { "" };
        let port = match self.port == usual && ports == Ports::Unusual {
            true => String::new(),
            false => format!(":{}", self.port),
        };
        format!("{scheme}{}{port}{}", self.host, self.context)
    }
}

/// A path before the platform's own.
pub(super) fn context(text: &str) -> String {
    let inner = text.trim_matches('/');
    match inner.is_empty() {
        true => String::new(),
        false => format!("/{inner}"),
    }
}

/// Whether a host is this machine, the only one that is spoken to without TLS.
pub(super) fn is_own_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

impl Import<'_> {
    /// A host's name. People write the scheme before it, which is taken off.
    pub(super) fn host(&mut self, field: &Field<'_>) -> Option<String> {
        let text = field.text(self)?;
        let bare = text.strip_prefix("https://").unwrap_or(&text);
        let bare = bare.trim_end_matches('/');
        let url = Url::parse(&format!("https://{bare}/")).ok();
        let is_host = url.is_some_and(|url| {
            url.host_str()
                .is_some_and(|host| host.eq_ignore_ascii_case(bare))
                && url.port().is_none()
                && url.username().is_empty()
                && url.path() == "/"
                && url.query().is_none()
        });
        if !is_host {
            let found = format!("`{}` is no host", field.key);
            let expected = "a name such as acme.symphony.com; port and path have keys of their own";
            self.report(field.line, found, expected);
            return None;
        }
        if bare.len() < text.len() {
            let text = "a host stands there without `https://` and `/`";
            self.note(NoteKind::Mended, field.line, &field.key, text);
        }
        Some(bare.to_owned())
    }
}
