//! What the page's panel shows of the plugins. `app` fills it in.

use serde::Serialize;
use tokio::sync::watch;

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
}

/// Tells of the plugins.
pub trait PanelSource: Send + Sync {
    /// All plugins, by name.
    fn plugins(&self) -> Vec<PluginRow>;

    /// Changes its value whenever the answer may have changed.
    fn changed(&self) -> watch::Receiver<u64>;
}
