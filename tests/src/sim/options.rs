//! How a simulator is started.

use super::Clock;

/// What a platform is asked to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimOptions {
    /// Its port; 0: any free one.
    pub port: u16,
    /// Whether it serves with a certificate of an authority made for the run.
    pub tls: bool,
    /// How fast its waits pass.
    pub clock: Clock,
}

impl SimOptions {
    /// Serves with TLS.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Lets waits pass so many times as fast.
    #[must_use]
    pub fn clock(mut self, speed: f64) -> Self {
        self.clock = Clock::faster(speed);
        self
    }
}
