//! What the page's panel shows of the plugins. `app` fills it in.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::sync::watch;

use crate::mailbox::control::{CompilingLine, PluginHealth, ShadowLine};
use crate::model::Timestamp;

/// One plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PluginRow {
    /// Its name.
    pub name: String,
    /// `serving`, `refused`, `quarantined`, …
    pub state: String,
    /// The version that its artifact states.
    pub version: Option<String>,
    /// When the build that serves was loaded.
    pub last_reload: Option<Timestamp>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Deliveries that wait for it.
    pub waiting: u64,
    /// How far it is from quarantine, and what led there.
    pub health: Option<PluginHealth>,
    /// The build that is compared with the one that serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowLine>,
    /// Its new build is being compiled; what serves goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiling: Option<CompilingLine>,
    /// Its webhooks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<WebhookRow>,
}

/// One webhook of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WebhookRow {
    /// Its name.
    pub name: String,
    /// Where it is called.
    pub url: String,
    /// How a sender proves itself: `hmac-sha256`, `token`, `basic` or `none`.
    pub verify: String,
    /// Calls that became events.
    pub taken: u64,
    /// Calls that came again.
    pub duplicates: u64,
    /// Calls that were refused, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Why the last one was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_refusal: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_refused_at: Option<Timestamp>,
    /// Why nothing reaches it, where the listener is not open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// Tells of the plugins.
pub trait PanelSource: Send + Sync {
    /// All plugins, by name.
    fn plugins(&self) -> Vec<PluginRow>;

    /// Changes its value whenever the answer may have changed.
    fn changed(&self) -> watch::Receiver<u64>;
}
