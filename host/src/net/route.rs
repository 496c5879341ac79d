//! The way out: straight, or through a proxy. Pure.

use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderValue;
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use url::{Host, Url};

use super::credential::{Account, CredentialError, basic_value};
use super::mask::Mask;
use crate::model::secret::Secret;

/// The way out of every bot and plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetConfig {
    /// What requests go through.
    pub proxy: Option<Proxy>,
    /// What they reach without it.
    pub no_proxy: Vec<Bypass>,
    /// Authorities that are trusted beside the system's.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// Why an address is no proxy's. Never holds it: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// It is another kind of address.
    #[error("is no address of a proxy")]
    Address,
    /// It holds a user name or a password.
    #[error("holds a user name or a password")]
    Credentials,
    /// The user name or the password cannot be used.
    #[error("{0}")]
    Credential(#[from] CredentialError),
}

/// A proxy that speaks HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    url: Url,
    authorization: Option<HeaderValue>,
    hidden: Vec<Secret>,
}

impl Proxy {
    /// Makes one of its address and what it wants to be shown.
    ///
    /// # Errors
    /// [`ProxyError`].
    pub fn new(url: &str, account: Option<(&Account, &Secret)>) -> Result<Self, ProxyError> {
        let url = Url::parse(url).map_err(|_| ProxyError::Address)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ProxyError::Credentials);
        }
        let is_address = matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_address {
            return Err(ProxyError::Address);
        }
        let (authorization, hidden) = match account {
            None => (None, Vec::new()),
            Some((account, password)) => {
                let (value, hidden) = basic_value(account, Some(password))?;
                (Some(value), hidden)
            }
        };
        Ok(Self {
            url,
            authorization,
            hidden,
        })
    }

    /// Names it for an operator: `http://proxy:8080`.
    pub fn name(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    pub(super) fn uri(&self) -> http::Uri {
        let uri = self.url.as_str().parse();
        uri.expect("an http address with a host is a URI")
    }

    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    pub(super) fn mask(&self) -> Mask {
        Mask::new(self.hidden.iter().flat_map(Secret::expose_all))
    }
}

/// What is reached without the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bypass {
    /// This name.
    Name(String),
    /// Names that end so: a dot and a name.
    Under(String),
    /// Addresses of this network; names that lead there go through the proxy.
    Network(IpNet),
}

/// A text that names nothing to be reached without the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("names nothing that can be reached without the proxy")]
pub struct NoBypass;

impl FromStr for Bypass {
    type Err = NoBypass;

    fn from_str(text: &str) -> Result<Self, NoBypass> {
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network.trunc()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(address.into()));
        }
        let (is_under, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
        if name.starts_with('.') || !name.chars().all(is_name) {
            return Err(NoBypass);
        }
        // In the form in which names are compared: small letters, Punycode.
        match Host::parse(name.trim_end_matches('.')) {
            Ok(Host::Domain(name)) if is_under => Ok(Self::Under(format!(".{name}"))),
            Ok(Host::Domain(name)) => Ok(Self::Name(name)),
            _ => Err(NoBypass),
        }
    }
}

impl Bypass {
    fn covers(&self, host: &str) -> bool {
        match self {
            Self::Name(name) => name == host,
            Self::Under(suffix) => host.ends_with(suffix),
            Self::Network(network) => {
                let bare = host.trim_start_matches('[').trim_end_matches(']');
                bare.parse()
                    .is_ok_and(|address: IpAddr| network.contains(&address))
            }
        }
    }
}

impl NetConfig {
    /// The proxy that a host is reached through; none where it is reached straight.
    pub(super) fn proxy_for(&self, host: &str) -> Option<&Proxy> {
        let host = host.trim_end_matches('.');
        let proxy = self.proxy.as_ref()?;
        let is_straight = self.no_proxy.iter().any(|bypass| bypass.covers(host));
        (!is_straight).then_some(proxy)
    }
}

/// Tells whether a name is the machine's own, which for a proxy would be the proxy itself.
pub(super) fn is_own_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(no_proxy: &[&str], host: &str, straight: bool) {
        let config = NetConfig {
            proxy: Some(Proxy::new("http://proxy:8080", None).unwrap()),
            no_proxy: no_proxy.iter().map(|text| text.parse().unwrap()).collect(),
            authorities: Vec::new(),
        };
        assert_eq!(
            config.proxy_for(host).is_none(),
            straight,
            "{no_proxy:?} {host}"
        );
    }

    #[test]
    fn names_and_networks_go_straight() {
        check(&[], "api.acme.net", false);
        check(&["*.acme.net"], "api.acme.net", true);
        check(&["*.acme.net"], "api.acme.net.", true);
        check(&["*.acme.net"], "a.b.acme.net", true);
        check(&["*.acme.net"], "acme.net", false);
        check(&["*.acme.net"], "evilacme.net", false);
        check(&["acme.net"], "acme.net", true);
        check(&["acme.net"], "api.acme.net", false);
        check(&["*.ACME.net", "Büro.example"], "xn--bro-hoa.example", true);
        check(&["10.0.0.0/8"], "10.1.2.3", true);
        check(&["10.0.0.0/8"], "11.1.2.3", false);
        check(&["10.0.0.0/8"], "ten.example", false);
        check(&["::1", "127.0.0.1"], "[::1]", true);
        check(&["::1", "127.0.0.1"], "127.0.0.1", true);
        check(&["::1", "127.0.0.1"], "127.0.0.2", false);
        assert!(NetConfig::default().proxy_for("api.acme.net").is_none());
    }

    #[test]
    fn refuses_what_is_no_name() {
        for text in [
            "",
            "*",
            "*.",
            ".acme.net",
            "a.*.net",
            "acme.net:443",
            "http://a",
            "10.0.0.0/40",
            "a b",
        ] {
            assert_eq!(text.parse::<Bypass>(), Err(NoBypass), "{text}");
        }
    }

    #[test]
    fn a_proxy_is_an_address_without_a_password() {
        let proxy = |url| Proxy::new(url, None).map(|proxy| proxy.name().to_owned());
        assert_eq!(proxy("http://proxy:8080").unwrap(), "http://proxy:8080");
        assert_eq!(
            proxy("https://proxy.acme.net/").unwrap(),
            "https://proxy.acme.net"
        );
        assert_eq!(proxy("http://a:b@proxy"), Err(ProxyError::Credentials));
        for wrong in [
            "proxy:8080",
            "socks5://proxy",
            "http://proxy/path",
            "http://proxy?x",
        ] {
            assert_eq!(proxy(wrong), Err(ProxyError::Address), "{wrong}");
        }
        let account = Account::Open("joe".into());
        let secret = Secret::new("s3cret".into());
        let proxy = Proxy::new("http://proxy", Some((&account, &secret))).unwrap();
        let value = proxy.authorization().unwrap();
        assert_eq!(value, "Basic am9lOnMzY3JldA==");
        assert!(!format!("{proxy:?}").contains("am9lOnMzY3JldA"));
    }

    #[test]
    fn own_names_are_known() {
        assert!(is_own_name("localhost") && is_own_name("API.Localhost."));
        assert!(!is_own_name("localhost.example"));
    }
}
