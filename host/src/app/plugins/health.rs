//! What led to where a plugin stands, and how much is left of its faults.

use super::{Known, Plugins};
use crate::app::clock;
use crate::config::write_sha256;
use crate::mailbox::control::{FaultLine, PluginHealth};
use crate::runtime::ArtifactHash;
use crate::runtime::lanes::{PluginState, PluginStatus};

/// What is wrong with a plugin that serves or did: why it is not called, and its last fault.
pub(super) fn problem_of(live: &PluginStatus) -> Option<String> {
    let held = live
        .held_by
        .as_ref()
        .filter(|_| live.state == PluginState::Quarantined);
    match (held, &live.last_fault) {
        (Some(held), Some(fault)) => Some(format!("in quarantine: {held}; last fault: {fault}")),
        (Some(held), None) => Some(format!("in quarantine: {held}")),
        (None, fault) => fault.clone(),
    }
}

impl Plugins {
    /// Why plugins, or changes of them, are refused.
    pub(in crate::app) fn refusals(&self) -> Vec<String> {
        self.known.lock().refused.values().cloned().collect()
    }

    /// How a plugin that serves does.
    pub(super) fn health(
        &self,
        name: &str,
        known: &Known,
        live: Option<&PluginStatus>,
    ) -> PluginHealth {
        let mut health = PluginHealth::default();
        if let Some(serving) = known.serving.get(name) {
            health.sha256 = write_sha256(&serving.sha256);
            health.probation = serving.probation.is_some();
            let builds = known.builds.get(name);
            let before = builds.map(|it| it.instead_of(ArtifactHash(serving.sha256)));
            let before = before.unwrap_or_default().into_iter().next();
            // What the settings ask for does not give way.
            let before = before.filter(|_| serving.settings.sha256.is_none());
            health.rollback_to = before.map(|build| build.version);
        }
        let Some(live) = live else {
            return health;
        };
        health.failed = live.budget.faults;
        health.failed_left = live.budget.faults_left;
        health.conversations = live.budget.conversations;
        health.conversations_left = live.budget.conversations_left;
        let wait = live.probe_in.map(|wait| u64::try_from(wait.as_millis()));
        health.probe_at = wait.map(|wait| clock::now().saturating_add(wait.unwrap_or(u64::MAX)));
        let recent = live.recent.iter().map(|fault| FaultLine {
            at: fault.at,
            version: fault.version.clone(),
            event: fault.event.clone(),
            conversation: fault.conversation.clone(),
            attempt: fault.attempt,
            text: fault.text.clone(),
        });
        health.recent = recent.collect();
        health
    }
}
