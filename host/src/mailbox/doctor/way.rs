//! The way to a host of a platform, step by step: name, proxy, connection, certificate, clock.

use std::time::Duration;

use url::Url;

use super::Checks;
use crate::net::{EgressError, Identity, NetConfig, Probe, probe};

/// By how many seconds a clock may be wrong: what is signed is good for minutes, and no longer.
const MAX_SKEW_SECS: u64 = 60;

/// A way to a host.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// The setting that names the host.
    pub key: &'a str,
    /// The host.
    pub url: &'a Url,
    /// The way there.
    pub net: &'a NetConfig,
    /// The certificate that is shown.
    pub identity: Option<&'a Identity>,
}

/// Goes a way and notes each step; tells whether the host is reached.
pub async fn check_way(checks: &mut Checks, way: Way<'_>, patience: Duration) -> bool {
    let probe = probe(way.url, way.net, way.identity, patience).await;
    note(checks, way, &probe)
}

fn note(checks: &mut Checks, way: Way<'_>, probe: &Probe) -> bool {
    let key = way.key;
    let of = |what: &str| format!("{what} ({key})");
    let host = way.url.host_str().unwrap_or_default();
    let port = way.url.port_or_known_default().unwrap_or_default();
    let end = probe.end.as_ref();

    let (check, expected) = (of("name"), format!("{host} leads to an address"));
    match (&probe.proxy, end) {
        (Some(_), _) => checks.skip(&check, &expected, "the proxy looks it up"),
        (None, Some(EgressError::Dns(why))) => {
            let change = format!(
                "is `{key}` right, and can this machine ask for names? Where only a proxy can: \
                 `proxy` in [net]"
            );
            checks.wrong(&check, &expected, why, &change);
            return false;
        }
        (None, _) => {
            let addresses: Vec<String> = probe.addresses.iter().map(ToString::to_string).collect();
            checks.ok(&check, &expected, addresses.join(", "));
        }
    }

    if let Some(proxy) = &probe.proxy {
        let (check, expected) = (of("proxy"), format!("{proxy} leads to {host}:{port}"));
        if let Some(EgressError::Proxy(why)) = end {
            let change = "`url`, `username` and `password` of `proxy`, in [net] or of the bot; or \
                          `no-proxy`, where the host is near";
            checks.wrong(&check, &expected, why, change);
            return false;
        }
        checks.ok(&check, &expected, "it takes our requests");
    }

    let (check, expected) = (of("connection"), format!("{host}:{port} takes connections"));
    match end {
        None | Some(EgressError::Tls(_)) => checks.ok(&check, &expected, "it does"),
        Some(error) => {
            let change = match &probe.proxy {
                Some(_) => format!("is `{key}` right, and may the proxy reach it?"),
                None => format!(
                    "is `{key}` right, and does a firewall let this machine out to {host}:{port}? \
                     Where only a proxy leads out: `proxy` in [net]"
                ),
            };
            checks.wrong(&check, &expected, error.to_string(), &change);
            return false;
        }
    }

    let check = of("tls");
    let expected = format!("a certificate for {host} of an authority that is trusted");
    match end {
        Some(EgressError::Tls(why)) => {
            checks.wrong(&check, &expected, why, &change_of_tls(why, key));
            return false;
        }
        _ if matches!(way.url.scheme(), "http" | "ws") => {
            checks.skip(&check, &expected, "no TLS: it is on this machine");
        }
        _ => checks.ok(&check, &expected, "it is"),
    }

    let expected = format!("this machine's time within {MAX_SKEW_SECS} s of {host}'s");
    let check = of("clock");
    match probe.ahead_secs {
        None => checks.skip(&check, &expected, "the server does not tell the time"),
        Some(secs) if secs.unsigned_abs() <= MAX_SKEW_SECS => {
            checks.ok(&check, &expected, format!("{secs} s"));
        }
        Some(secs) => {
            let way = if secs > 0 { "ahead" } else { "behind" };
            let found = format!("this machine is {} s {way}", secs.unsigned_abs());
            let change = "set this machine's clock, by NTP: tokens end early, and signatures are not \
                          taken";
            checks.wrong(&check, &expected, found, change);
        }
    }
    true
}

/// What helps where a certificate is not taken; the words are those of the library.
fn change_of_tls(why: &str, key: &str) -> String {
    if why.contains("UnknownIssuer") || why.contains("CaUsedAsEndEntity") {
        return "put the authority that signs it into `ca-files`, in [net] or of the bot"
            .to_owned();
    }
    if why.contains("xpired") {
        return "the server's certificate has ended, or this machine's clock is wrong".to_owned();
    }
    if why.contains("not valid for name") || why.contains("NotValidForName") {
        return format!("`{key}` must be a name that is in the certificate");
    }
    format!("is `{key}` the address of a server that speaks TLS, and the port right?")
}

#[cfg(test)]
mod tests {
    use super::super::{Check, Finding};
    use super::*;

    /// What each step comes to of a way that ends so.
    fn steps(probe: &Probe) -> (bool, Vec<Check>) {
        let url = Url::parse("https://api.acme.com").unwrap();
        let net = NetConfig::default();
        let way = Way {
            key: "api",
            url: &url,
            net: &net,
            identity: None,
        };
        let mut checks = Checks::default();
        let is_reached = note(&mut checks, way, probe);
        (is_reached, checks.into_all())
    }

    fn names(checks: &[Check]) -> Vec<(&str, Finding)> {
        let step = |check: &Check| check.finding;
        let names = checks.iter().map(|check| check.check.as_str());
        names.zip(checks.iter().map(step)).collect()
    }

    fn good() -> Probe {
        Probe {
            proxy: None,
            addresses: vec![[10, 0, 0, 1].into()],
            ahead_secs: Some(0),
            end: None,
        }
    }

    #[test]
    fn a_way_ends_at_its_first_step_that_is_wrong() {
        let ended = |end: EgressError| Probe {
            end: Some(end),
            ..good()
        };
        let (ok, wrong) = (Finding::Ok, Finding::Wrong);
        let text = || "why".to_owned();
        for (probe, is_reached, wanted) in [
            (
                good(),
                true,
                vec![
                    ("name (api)", ok),
                    ("connection (api)", ok),
                    ("tls (api)", ok),
                    ("clock (api)", ok),
                ],
            ),
            (
                ended(EgressError::Dns(text())),
                false,
                vec![("name (api)", wrong)],
            ),
            (
                ended(EgressError::ConnectTimedOut),
                false,
                vec![("name (api)", ok), ("connection (api)", wrong)],
            ),
            (
                ended(EgressError::Tls(text())),
                false,
                vec![
                    ("name (api)", ok),
                    ("connection (api)", ok),
                    ("tls (api)", wrong),
                ],
            ),
            (
                Probe {
                    proxy: Some("http://proxy:8080".to_owned()),
                    ..ended(EgressError::Proxy(text()))
                },
                false,
                vec![("name (api)", Finding::Skipped), ("proxy (api)", wrong)],
            ),
        ] {
            let (reached, checks) = steps(&probe);
            assert_eq!(reached, is_reached, "{probe:?}");
            assert_eq!(names(&checks), wanted, "{probe:?}");
            for check in checks.iter().filter(|check| check.finding == wrong) {
                assert!(check.change.is_some(), "{check:?}");
            }
        }
    }

    #[test]
    fn a_clock_that_is_wrong_is_said_with_its_direction_and_ends_nothing() {
        for (ahead, found) in [
            (61, "this machine is 61 s ahead"),
            (-3_600, "this machine is 3600 s behind"),
        ] {
            let (reached, checks) = steps(&Probe {
                ahead_secs: Some(ahead),
                ..good()
            });
            let clock = checks.last().unwrap();
            assert!(reached);
            assert_eq!(
                (clock.finding, clock.found.as_str()),
                (Finding::Wrong, found)
            );
        }
        let (_, checks) = steps(&Probe {
            ahead_secs: Some(-60),
            ..good()
        });
        assert_eq!(checks.last().unwrap().finding, Finding::Ok);
    }

    #[test]
    fn what_helps_depends_on_what_is_wrong_with_a_certificate() {
        let change = |why: &str| change_of_tls(why, "api");
        assert!(change("invalid peer certificate: UnknownIssuer").contains("`ca-files`"));
        assert!(change("invalid peer certificate: certificate expired: …").contains("clock"));
        let name = "invalid peer certificate: certificate not valid for name \"x\"";
        assert!(change(name).contains("`api` must be a name"));
        assert!(change("received corrupt message").contains("speaks TLS"));
    }
}
