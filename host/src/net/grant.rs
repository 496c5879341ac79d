//! What a plugin may request over HTTP, and by which of its grants. Pure.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use url::{Host, Url};

use super::credential::{HttpGrant, Kind};
use super::mask::{Mask, Secrets};
use super::oauth::TokenSource;
use super::tls::Identity;
use crate::model::secret::Secret;

/// The longest grant or request address that is looked at.
const URL_BYTES: usize = 8 * 1024;

/// Why a grant cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("grant {grant:?}: {problem}")]
pub struct GrantError {
    /// The grant as it was written.
    pub grant: String,
    /// What is wrong and what is expected.
    pub problem: String,
}

/// Why a request is not covered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotGranted(pub String);

/// What a plugin may request. Clones share the tokens that are fetched for it.
#[derive(Clone, Debug)]
pub struct HttpGrants {
    rules: Arc<[Rule]>,
    secrets: Arc<Secrets>,
}

/// One method, or any, on addresses of one scheme, host and port whose path matches.
#[derive(Debug)]
struct Rule {
    method: Option<Method>,
    scheme: String,
    host: HostRule,
    port: u16,
    path: String,
    /// None where nothing is added to the request.
    rights: Option<Arc<Rights>>,
}

/// What the host adds to a request.
#[derive(Debug)]
pub(super) struct Rights {
    fixed: Option<(HeaderName, HeaderValue)>,
    header: Option<HeaderName>,
    /// Where tokens come from that change.
    pub(super) tokens: Option<TokenSource>,
    /// What is shown to a server that wants a certificate.
    pub(super) certificate: Option<Identity>,
}

impl Rights {
    fn of(grant: &HttpGrant, secrets: &Arc<Secrets>) -> Option<Self> {
        let credential = grant.credential.as_ref();
        if credential.is_none() && grant.certificate.is_none() {
            return None;
        }
        let (fixed, tokens) = match credential.map(|credential| &credential.0) {
            None => (None, None),
            Some(Kind::Fixed { name, value, .. }) => (Some((name.clone(), value.clone())), None),
            Some(Kind::OAuth2(settings)) => {
                let source = TokenSource::new(settings.clone(), secrets.clone());
                (None, Some(source))
            }
        };
        Some(Self {
            fixed,
            header: credential.map(|credential| credential.header_name().clone()),
            tokens,
            certificate: grant.certificate.clone(),
        })
    }

    /// The header that is the same each time.
    pub(super) fn fixed_header(&self) -> Option<&(HeaderName, HeaderValue)> {
        self.fixed.as_ref()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostRule {
    /// This name.
    Name(String),
    /// Names that end so: a dot and a name.
    Under(String),
    /// This address, wherever it is.
    Address(IpAddr),
}

/// A request that is covered: exactly this address is requested.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The address in its normal form, which is what was compared.
    pub url: Url,
    rights: Option<Arc<Rights>>,
}

impl Granted {
    pub(super) fn rights(&self) -> Option<&Rights> {
        self.rights.as_deref()
    }

    /// The first header of a request that only the host may set.
    fn own_header(&self, headers: &HeaderMap) -> Option<&HeaderName> {
        let name = self.rights.as_ref()?.header.as_ref()?;
        headers.contains_key(name).then_some(name)
    }
}

impl Default for HttpGrants {
    fn default() -> Self {
        Self::of_rules(Vec::new(), Arc::new(Secrets::new(Vec::new())))
    }
}

impl HttpGrants {
    /// Reads grants without credentials: `GET https://api.example.com/v1/*`. `*` stands for any
    /// method; `*.` before a host for any name under it; `*` in a path for anything.
    ///
    /// # Errors
    /// The first grant that cannot be read.
    pub fn parse<S: AsRef<str>>(grants: &[S]) -> Result<Self, GrantError> {
        let grants: Vec<HttpGrant> = grants
            .iter()
            .map(|grant| HttpGrant {
                allow: grant.as_ref().to_owned(),
                credential: None,
                certificate: None,
            })
            .collect();
        Self::new(&grants)
    }

    /// Reads grants with what the host adds to their requests. Where several cover a request, the
    /// first counts.
    ///
    /// # Errors
    /// The first grant that cannot be read.
    pub fn new(grants: &[HttpGrant]) -> Result<Self, GrantError> {
        let credentials = grants.iter().filter_map(|grant| grant.credential.as_ref());
        let fixed: Vec<Secret> = credentials.flat_map(|it| it.secrets()).collect();
        let secrets = Arc::new(Secrets::new(fixed));
        let read = |grant: &HttpGrant| {
            let rule = parse_grant(&grant.allow).map_err(|problem| GrantError {
                grant: grant.allow.clone(),
                problem,
            })?;
            Ok(Rule {
                rights: Rights::of(grant, &secrets).map(Arc::new),
                ..rule
            })
        };
        let rules: Result<Vec<Rule>, GrantError> = grants.iter().map(read).collect();
        Ok(Self::of_rules(rules?, secrets))
    }

    fn of_rules(rules: Vec<Rule>, secrets: Arc<Secrets>) -> Self {
        Self {
            rules: rules.into(),
            secrets,
        }
    }

    /// Tells whether nothing is granted.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Tells whether answers must be looked through for secrets.
    pub(super) fn has_secrets(&self) -> bool {
        !self.mask().is_empty()
    }

    /// What hides the secrets of all grants.
    pub(super) fn mask(&self) -> Mask {
        self.secrets.mask()
    }

    /// Looks whether a request is covered, by its method and address.
    ///
    /// # Errors
    /// [`NotGranted`], which says what was asked for.
    pub fn check(&self, method: &Method, uri: &Uri) -> Result<Granted, NotGranted> {
        let text = uri.to_string();
        if text.len() > URL_BYTES {
            return Err(NotGranted("the address is too long".to_owned()));
        }
        let refuse = |why: &str| NotGranted(format!("{method} {}: {why}", shown(uri)));
        // One makes a tunnel, the other has the server repeat what the host added.
        if matches!(*method, Method::CONNECT | Method::TRACE) {
            return Err(refuse("this method is never granted"));
        }
        let mut url = Url::parse(&text).map_err(|error| refuse(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("an address must not hold credentials"));
        }
        url.set_fragment(None);
        let rule = self.rules.iter().find(|rule| rule.covers(method, &url));
        let rule = rule.ok_or_else(|| refuse("no grant covers it"))?;
        Ok(Granted {
            url,
            rights: rule.rights.clone(),
        })
    }

    /// Looks whether a request is covered, its headers included: one that the host sets must not be
    /// there.
    ///
    /// # Errors
    /// [`NotGranted`], which says what was asked for.
    pub fn admit<B>(&self, request: &Request<B>) -> Result<Granted, NotGranted> {
        let (method, uri) = (request.method(), request.uri());
        let granted = self.check(method, uri)?;
        match granted.own_header(request.headers()) {
            Some(name) => Err(NotGranted(format!(
                "{method} {}: the header {name} is set by the host",
                shown(uri)
            ))),
            None => Ok(granted),
        }
    }
}

/// The address without its query, which may hold what does not belong in a log.
fn shown(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    format!("{scheme}://{host}{}", uri.path())
}

fn parse_grant(grant: &str) -> Result<Rule, String> {
    const SHAPE: &str = "expected a method and an address, `GET https://api.example.com/v1/*`";
    if grant.len() > URL_BYTES {
        return Err("it is too long".to_owned());
    }
    let (method, address) = grant.trim().split_once(' ').ok_or(SHAPE)?;
    let method = match method {
        "*" => None,
        method if method.bytes().all(|b| b.is_ascii_uppercase()) => Some(
            Method::from_bytes(method.as_bytes())
                .map_err(|_| format!("{method:?} is no method"))?,
        ),
        method => return Err(format!("{method:?} is no method in capitals; {SHAPE}")),
    };
    let address = address.trim();
    let url = Url::parse(address).map_err(|error| format!("{error}; {SHAPE}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "the scheme is {:?}; only http and https can be granted",
            url.scheme()
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address must not hold credentials".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a grant ends with the path; any query is covered".to_owned());
    }
    let host = match url.host().ok_or(SHAPE)? {
        Host::Ipv4(address) => HostRule::Address(address.into()),
        Host::Ipv6(address) => HostRule::Address(address.into()),
        Host::Domain(name) => parse_host(name)?,
    };
    Ok(Rule {
        method,
        scheme: url.scheme().to_owned(),
        host,
        port: url.port_or_known_default().ok_or("it has no port")?,
        path: url.path().to_owned(),
        rights: None,
    })
}

fn parse_host(name: &str) -> Result<HostRule, String> {
    let name = name.trim_end_matches('.');
    match name.strip_prefix("*.") {
        Some(under) if !under.contains('*') && under.contains('.') => {
            Ok(HostRule::Under(format!(".{under}")))
        }
        None if !name.contains('*') => Ok(HostRule::Name(name.to_owned())),
        _ => Err("`*` in a host stands only before a name with a dot, `*.example.com`".to_owned()),
    }
}

impl Rule {
    fn covers(&self, method: &Method, url: &Url) -> bool {
        let is_host = match (&self.host, url.host()) {
            (HostRule::Name(rule), Some(Host::Domain(name))) => rule == name.trim_end_matches('.'),
            (HostRule::Under(rule), Some(Host::Domain(name))) => {
                name.trim_end_matches('.').ends_with(rule)
            }
            (HostRule::Address(rule), Some(Host::Ipv4(address))) => *rule == IpAddr::V4(address),
            (HostRule::Address(rule), Some(Host::Ipv6(address))) => *rule == IpAddr::V6(address),
            _ => false,
        };
        is_host
            && self.method.as_ref().is_none_or(|rule| rule == method)
            && self.scheme == url.scheme()
            && url.port_or_known_default() == Some(self.port)
            && covers_path(&self.path, url.path())
    }
}

/// Compares a path with a pattern whose `*` stands for anything.
fn covers_path(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    // A server may take an encoded slash or dot for a real one and leave the granted folder.
    let lower = path.to_ascii_lowercase();
    let leads_out = ["%2f", "%5c", "%2e", "\\"]
        .iter()
        .any(|e| lower.contains(e));
    if leads_out && pattern != "/*" {
        return false;
    }
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests;
