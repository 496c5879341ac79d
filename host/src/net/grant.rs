//! What a plugin may request over HTTP. Pure.

use std::net::IpAddr;

use http::{Method, Uri};
use url::{Host, Url};

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

/// What a plugin may request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpGrants(Vec<HttpGrant>);

/// One method, or any, on addresses of one scheme, host and port whose path matches.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HttpGrant {
    method: Option<Method>,
    scheme: String,
    host: HostRule,
    port: u16,
    path: String,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The address in its normal form, which is what was compared.
    pub url: Url,
}

impl HttpGrants {
    /// Reads grants: `GET https://api.example.com/v1/*`. `*` stands for any method; `*.` before a
    /// host for any name under it; `*` in a path for anything.
    ///
    /// # Errors
    /// The first grant that cannot be read.
    pub fn parse<S: AsRef<str>>(grants: &[S]) -> Result<Self, GrantError> {
        let grants = grants.iter().map(|grant| {
            let grant = grant.as_ref();
            parse_grant(grant).map_err(|problem| GrantError {
                grant: grant.to_owned(),
                problem,
            })
        });
        Ok(Self(grants.collect::<Result<_, _>>()?))
    }

    /// Tells whether nothing is granted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks whether a request is covered.
    ///
    /// # Errors
    /// [`NotGranted`], which says what was asked for.
    pub fn check(&self, method: &Method, uri: &Uri) -> Result<Granted, NotGranted> {
        let text = uri.to_string();
        if text.len() > URL_BYTES {
            return Err(NotGranted("the address is too long".to_owned()));
        }
        let refuse = |why: &str| NotGranted(format!("{method} {}: {why}", shown(uri)));
        let mut url = Url::parse(&text).map_err(|error| refuse(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("an address must not hold credentials"));
        }
        url.set_fragment(None);
        if self.0.iter().any(|grant| grant.covers(method, &url)) {
            Ok(Granted { url })
        } else {
            Err(refuse("no grant covers it"))
        }
    }
}

/// The address without its query, which may hold what does not belong in a log.
fn shown(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    format!("{scheme}://{host}{}", uri.path())
}

fn parse_grant(grant: &str) -> Result<HttpGrant, String> {
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
    Ok(HttpGrant {
        method,
        scheme: url.scheme().to_owned(),
        host,
        port: url.port_or_known_default().ok_or("it has no port")?,
        path: url.path().to_owned(),
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

impl HttpGrant {
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
mod tests {
    use super::*;

    fn check(grant: &str, request: &str, covered: bool) {
        let grants = HttpGrants::parse(&[grant]).expect("a grant");
        let (method, uri) = request.split_once(' ').expect("a request");
        let method = method.parse().expect("a method");
        let uri = uri.parse().expect("an address");
        let got = grants.check(&method, &uri);
        assert_eq!(got.is_ok(), covered, "{grant} · {request}: {got:?}");
    }

    #[test]
    fn covers_what_it_names() {
        check(
            "GET https://a.example/v1/*",
            "GET https://a.example/v1/x?q=1",
            true,
        );
        check(
            "GET https://a.example/v1/*",
            "GET https://A.example:443/v1/x/y",
            true,
        );
        check("GET https://a.example/v1", "GET https://a.example/v1", true);
        check(
            "* https://*.a.example/*",
            "PATCH https://b.a.example/",
            true,
        );
        check(
            "GET http://127.0.0.1:8080/x*",
            "GET http://127.0.0.1:8080/xy",
            true,
        );
        check("GET http://[::1]/*", "GET http://[0:0::1]/", true);
        check(
            "GET https://a.example/u/*/file",
            "GET https://a.example/u/7/file",
            true,
        );
    }

    #[test]
    fn covers_nothing_else() {
        check(
            "GET https://a.example/v1/*",
            "POST https://a.example/v1/x",
            false,
        );
        check(
            "GET https://a.example/v1/*",
            "GET http://a.example/v1/x",
            false,
        );
        check(
            "GET https://a.example/v1/*",
            "GET https://a.example:8443/v1/x",
            false,
        );
        check(
            "GET https://a.example/v1/*",
            "GET https://b.example/v1/x",
            false,
        );
        check(
            "GET https://a.example/v1/*",
            "GET https://a.example/v2",
            false,
        );
        check(
            "GET https://a.example/v1/*",
            "GET https://a.example/v1/../v2",
            false,
        );
        check(
            "GET https://a.example/v1/*",
            "GET https://a.example/v1/%2e%2e/v2",
            false,
        );
        check(
            "GET https://a.example/v1/*",
            "GET https://a.example/v1/..%2fv2",
            false,
        );
        check(
            "GET https://a.example/*",
            "GET https://u:p@a.example/x",
            false,
        );
        check("* https://*.a.example/*", "GET https://a.example/", false);
        check(
            "* https://*.a.example/*",
            "GET https://evila.example/",
            false,
        );
        check(
            "GET https://a.example/v1",
            "GET https://a.example/v1/x",
            false,
        );
        check("GET http://127.0.0.1/*", "GET http://127.0.0.2/", false);
        // What an address parser makes of other spellings is what is compared.
        check("GET http://localhost/*", "GET http://127.1/", false);
    }

    fn check_error(grant: &str, part: &str) {
        let error = HttpGrants::parse(&[grant]).expect_err("is refused");
        assert!(error.to_string().contains(part), "{error}");
    }

    #[test]
    fn says_what_is_wrong() {
        check_error("https://a.example", "expected a method");
        check_error("get https://a.example/", "no method in capitals");
        check_error("GET a.example/", "expected a method");
        check_error("GET ftp://a.example/", "only http and https");
        check_error("GET https://u:p@a.example/", "credentials");
        check_error("GET https://a.example/?q=1", "ends with the path");
        check_error("GET https://*/x", "stands only before");
        check_error("GET https://*.com/x", "stands only before");
    }
}
