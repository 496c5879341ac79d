//! The HTTP listeners, each on an address of its own: the page of the local platform, on loopback
//! only; the webhooks that partners call; and what tells machines how the host does.

pub mod guard;
pub mod hooks;
mod limited;
pub mod observe;
pub mod page;
pub mod panel;
mod serve;
mod socket;

#[cfg(test)]
mod tests;

pub use hooks::bots::{BotCallsStatus, bot_path};
pub use hooks::{HookCall, HookRoute, HookSink, HookStatus, Ingress};
pub use observe::{BotReadiness, ObserveServer, Readiness, Watched};
pub use page::{PageConfig, PageServer};
pub use panel::{PanelSource, PluginRow, WebhookRow};

/// Why a listener did not start or ended.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// Whoever reaches the page speaks as anybody, so it stays on this machine.
    #[error("the page listens on loopback only: 127.0.0.1 or [::1], not {0}")]
    NotLoopback(std::net::IpAddr),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// No token could be made.
    #[error("the system has no random bytes: {0}")]
    Random(String),
    /// The listener ended.
    #[error("listener ended: {0}")]
    Ended(std::io::Error),
}
