//! What a plugin asks for, beside what its settings grant; where it is called from outside.

use std::net::SocketAddr;

use super::{PluginSettings, Settings};
use crate::mailbox::control::{PluginAsk, PluginWebhook};
use crate::model::DEFAULT_TENANT;
use crate::model::description::{Capability, CapabilityRequest, Description};
use crate::web::hooks::hook_path;

/// Lists what a plugin asks for; without settings nothing is granted.
pub fn asks(description: &Description, settings: Option<&PluginSettings>) -> Vec<PluginAsk> {
    let grants = settings.map(|settings| &settings.grants);
    let ask = |request: &CapabilityRequest| {
        let (what, granted) = match &request.what {
            Capability::Http(address) => (
                format!("http {address}"),
                grants.is_some_and(|it| it.http.iter().any(|grant| grant.allow == *address)),
            ),
            Capability::Action(name) => (
                format!("action {name}"),
                grants.is_some_and(|it| it.actions.contains(name)),
            ),
            Capability::Read(name) => (
                format!("read {name}"),
                grants.is_some_and(|it| it.reads.contains(name)),
            ),
            Capability::Other(name) => (name.clone(), false),
        };
        PluginAsk {
            what,
            reason: request.reason.clone(),
            optional: request.optional,
            granted,
        }
    };
    description.capabilities.iter().map(ask).collect()
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
