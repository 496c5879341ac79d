//! How a Webex is started.

use crate::sim::Clock;

/// What a Webex is asked to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebexOptions {
    /// Its port; 0: any free one.
    pub port: u16,
    /// Whether it serves with a certificate of an authority made for the run.
    pub tls: bool,
    /// Whether it calls itself by the platform's real names, for clients that go through a proxy.
    pub real_names: bool,
    /// How fast its waits pass.
    pub clock: Clock,
}
