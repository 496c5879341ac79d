//! A pod and a host with one bot on it.

use std::ops::Deref;

use parlor_host::mailbox::control::BotState;
use parlor_tests::bots::{OneBot, section};
use parlor_tests::sim::Sent;
use parlor_tests::sim::symphony::{Symphony, SymphonyOptions};

pub(crate) use parlor_tests::bots::DESK;

/// A pod and a host.
pub(crate) struct Bank(OneBot<Symphony>);

/// The settings of the pod's bot, with more lines for it.
pub(crate) fn settings(sim: &Symphony, more: &str) -> String {
    section::symphony(sim, DESK, more)
}

impl Bank {
    /// Starts both, with these plugins.
    pub(crate) async fn with(plugins: &[&str]) -> Self {
        Self::of(SymphonyOptions::default(), plugins, "").await
    }

    /// Starts both, with these plugins and more lines of the bot's settings.
    pub(crate) async fn of(options: SymphonyOptions, plugins: &[&str], more: &str) -> Self {
        let sim = Symphony::start(options).await.expect("a pod");
        let text = settings(&sim, more);
        Self::on(sim, text, plugins).await
    }

    /// Starts a host on a pod.
    pub(crate) async fn on(sim: Symphony, settings: String, plugins: &[&str]) -> Self {
        let bank = Self(OneBot::on(sim, settings, plugins).await);
        bank.until(BotState::Connected).await;
        bank
    }

    /// Lets some time pass in which nothing may happen, and gives what the bot did all the same; what
    /// it shows of its commands is nothing that it did.
    pub(crate) async fn meanwhile(&self, after: u64) -> Vec<Sent> {
        let did = self.0.meanwhile(after).await.into_iter();
        did.filter(|sent| sent.kind != "manifest").collect()
    }

    /// Stops the host, and gives the pod.
    pub(crate) async fn close(self) -> Symphony {
        self.0.close().await
    }

    pub(crate) async fn stop(self) {
        let sim = self.close().await;
        assert_eq!(sim.complaints(), Vec::<String>::new());
        // Whatever a test was about: what was asked and answered is as the platform describes it.
        let misfits = sim.misfits_after(0);
        assert!(misfits.is_empty(), "\n{}\n", misfits.join("\n"));
    }
}

impl Deref for Bank {
    type Target = OneBot<Symphony>;

    fn deref(&self) -> &OneBot<Symphony> {
        &self.0
    }
}
