//! What a plugin asks for, beside what its settings grant.

use super::PluginSettings;
use crate::mailbox::control::PluginAsk;
use crate::model::description::{Capability, CapabilityRequest, Description};

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
