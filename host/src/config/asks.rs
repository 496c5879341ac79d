//! What a plugin asks for, beside what its settings grant; where it is called from outside.

use std::net::SocketAddr;
use std::path::Path;

use http::{Method, Uri};

use super::grant::is_address;
use super::{PluginSettings, Settings};
use crate::mailbox::control::{PluginAsk, PluginWebhook};
use crate::model::DEFAULT_TENANT;
use crate::model::description::{Capability, CapabilityRequest, Description};
use crate::model::grants::{ACTION_GRANTS, GrantList, READ_GRANTS};
use crate::net::{HttpGrant, HttpGrants};
use crate::web::hooks::hook_path;

/// Lists what a plugin asks for, and with which line of its settings it would be granted.
/// `settings_file` is where the section of a plugin goes that has no settings yet.
pub fn asks(
    description: &Description,
    settings: &PluginSettings,
    settings_file: &Path,
) -> Vec<PluginAsk> {
    let granted = settings.granted(settings_file);
    let in_list = |list: &GrantList, known: &[(&str, &str)], name: &str| {
        let is_known = known.iter().any(|(known, _)| *known == name);
        let line = is_known.then(|| list.line_with(name));
        (list.allows(name), line)
    };
    let ask = |request: &CapabilityRequest| {
        let (what, (granted, line)) = match &request.what {
            Capability::Http(address) => {
                let line = is_address(address);
                let line = line.then(|| settings.http_line(settings_file, address));
                let is_granted = covers(&settings.grants.http, address);
                (format!("http {address}"), (is_granted, line))
            }
            Capability::Action(name) => (
                format!("action {name}"),
                in_list(&granted.actions, &ACTION_GRANTS, name),
            ),
            Capability::Read(name) => (
                format!("read {name}"),
                in_list(&granted.reads, &READ_GRANTS, name),
            ),
            Capability::Other(name) => (name.clone(), (false, None)),
        };
        PluginAsk {
            what,
            reason: request.reason.clone(),
            optional: request.optional,
            granted,
            line: line.filter(|_| !granted),
        }
    };
    description.capabilities.iter().map(ask).collect()
}

/// Tells whether grants cover all that an address stands for; a `*` in it is anything.
fn covers(grants: &[HttpGrant], asked: &str) -> bool {
    let allowed: Vec<&str> = grants.iter().map(|grant| grant.allow.as_str()).collect();
    if allowed.contains(&asked) {
        return true;
    }
    let covered = || {
        let (method, address) = asked.split_once(' ')?;
        let method = Method::from_bytes(method.as_bytes()).ok()?;
        let address: Uri = address.parse().ok()?;
        let grants = HttpGrants::parse(&allowed).ok()?;
        grants.check(&method, &address).ok()
    };
    covered().is_some()
}

/// Lists a plugin's webhooks with their addresses; `bound` is where the listener is, if it is open.
pub fn webhooks(
    settings: &Settings,
    plugin: &PluginSettings,
    bound: Option<SocketAddr>,
) -> Vec<PluginWebhook> {
    let base = settings.http.base_url(bound);
    let own = plugin.webhooks.iter();
    own.map(|(name, webhook)| PluginWebhook {
        name: name.clone(),
        url: format!("{base}{}", hook_path(DEFAULT_TENANT, &plugin.name, name)),
        verify: webhook.check.verify.name().to_owned(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(allow: &[&str]) -> Vec<HttpGrant> {
        let grant = |allow: &&str| HttpGrant {
            allow: (*allow).to_owned(),
            credential: None,
            certificate: None,
        };
        allow.iter().map(grant).collect()
    }

    #[test]
    fn a_wider_grant_covers_what_is_asked_for() {
        for (allowed, asked, covered) in [
            ("GET https://a.example/x", "GET https://a.example/x", true),
            (
                "GET https://a.example/*",
                "GET https://a.example/v1/*",
                true,
            ),
            ("* https://a.example/*", "POST https://a.example/v1", true),
            (
                "GET https://*.example.com/",
                "GET https://*.example.com/",
                true,
            ),
            ("GET https://a.example/x", "GET https://a.example/*", false),
            ("GET https://a.example/*", "* https://a.example/*", false),
            ("GET https://a.example/*", "GET http://a.example/", false),
            ("GET https://a.example/*", "no address", false),
        ] {
            let found = covers(&grants(&[allowed]), asked);
            assert_eq!(found, covered, "{allowed} for {asked}");
        }
        assert!(!covers(&[], "GET https://a.example/"));
    }
}
