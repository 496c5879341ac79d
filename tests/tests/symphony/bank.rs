//! A pod and a host with one bot on it.

use std::time::Duration;

use parlor_host::mailbox::control::BotState;
use parlor_tests::guests;
use parlor_tests::harness::{PATIENCE, TestHost, TestHostParts};
use parlor_tests::sim::Sent;
use parlor_tests::sim::symphony::{BOT, Symphony, SymphonyOptions};
use parlor_tests::stage::all_grants;

/// The bot's name in the settings.
pub(crate) const DESK: &str = "desk";

/// A pod and a host.
pub(crate) struct Bank {
    pub(crate) sim: Symphony,
    pub(crate) host: TestHost,
}

/// The settings of the pod's bot, with more lines for it.
pub(crate) fn settings(sim: &Symphony, more: &str) -> String {
    let key = sim.file("bot.pem");
    format!(
        "[[bot]]\nname = \"{DESK}\"\nplatform = \"symphony\"\nhost = \"{}\"\nusername = \"{BOT}\"\n\
         private-key = \"file:{}\"\n{more}\n",
        sim.base_url(),
        key.display()
    )
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
        let parts = TestHostParts {
            settings,
            ..TestHostParts::default()
        };
        let host = TestHost::start(parts).await;
        for plugin in plugins {
            // As everywhere, the demo's plugins ask for nothing; the others may do everything.
            // A message of nine megabytes is more than a slow machine makes in a plugin's usual time.
            let grants = format!("{}\n[limits]\ncpu-ms = 5000\n", all_grants());
            let grants = ["actions", "reads"]
                .contains(plugin)
                .then_some(grants.as_str());
            host.load(plugin, guests::bytes(plugin), grants).await;
            assert_eq!(host.row(plugin).last_error, None, "{plugin} is refused");
        }
        let bank = Self { sim, host };
        bank.until(BotState::Connected).await;
        bank
    }

    /// How the bot does, and why.
    pub(crate) fn state(&self) -> (BotState, Option<String>) {
        let all = self.host.host().sessions().status();
        let desk = all.into_iter().find(|bot| bot.name == DESK);
        let desk = desk.expect("the bot is known");
        (desk.state, desk.reason)
    }

    /// Waits until the bot is as wanted.
    pub(crate) async fn until(&self, wanted: BotState) {
        let what = format!("the bot is {wanted:?}");
        self.host
            .eventually(&what, || self.state().0 == wanted)
            .await;
    }

    /// Waits for what the bot does next that is like this.
    pub(crate) async fn does(&self, after: u64, is_wanted: impl Fn(&Sent) -> bool) -> Sent {
        let found = self.sim.sent_like(after, PATIENCE, is_wanted).await;
        if let Some(found) = found {
            return found;
        }
        let did = self.sim.sent_after(after);
        let requests = self.sim.requests_after(0);
        let asked: Vec<String> = requests
            .iter()
            .map(|it| format!("{} {} {:?}", it.method, it.path, it.status))
            .collect();
        let given_up = self.host.dead_letters().await;
        panic!(
            "the bot did not; it did {did:#?}; state {:?}; asked {asked:#?}; given up {given_up:#?}",
            self.state()
        )
    }

    /// Waits for a message of the bot that has this in it.
    pub(crate) async fn says(&self, after: u64, text: &str) -> Sent {
        self.does(after, |sent| {
            sent.kind == "message" && sent.text.contains(text)
        })
        .await
    }

    /// Lets some time pass in which nothing may happen, and gives what the bot did all the same; what
    /// it shows of its commands is nothing that it did.
    pub(crate) async fn meanwhile(&self, after: u64) -> Vec<Sent> {
        self.sim
            .sent_like(after, Duration::from_millis(500), |_| false)
            .await;
        let did = self.sim.sent_after(after).into_iter();
        did.filter(|sent| sent.kind != "manifest").collect()
    }

    pub(crate) async fn stop(self) {
        self.host.stop().await;
        assert_eq!(self.sim.complaints(), Vec::<String>::new());
        // Whatever a test was about: what was asked and answered is as the platform describes it.
        let misfits = self.sim.misfits_after(0);
        assert!(misfits.is_empty(), "\n{}\n", misfits.join("\n"));
    }
}
