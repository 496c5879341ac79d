//! A platform and a host with one bot on it.

use std::sync::Arc;
use std::time::Duration;

use parlor_host::journal::sqlite::{SqliteConfig, SqliteJournal};
use parlor_host::mailbox::control::BotState;
use parlor_tests::guests;
use parlor_tests::harness::{PATIENCE, TestHost, TestHostParts};
use parlor_tests::sim::Sent;
use parlor_tests::sim::webex::{TOKEN, Webex, WebexOptions};
use parlor_tests::stage::all_grants;

/// The bot's name in the settings.
pub(crate) const DESK: &str = "desk";

/// A platform and a host.
pub(crate) struct Cloud {
    pub(crate) sim: Webex,
    pub(crate) host: TestHost,
    folder: tempfile::TempDir,
}

/// A platform whose host is down, and what that has left.
pub(crate) struct Down {
    pub(crate) sim: Webex,
    folder: tempfile::TempDir,
}

/// The settings of the platform's bot, with more lines for it.
pub(crate) fn settings(sim: &Webex, folder: &std::path::Path, more: &str) -> String {
    let token = folder.join("token");
    std::fs::write(&token, TOKEN).expect("a token can be written");
    format!(
        "data = {:?}\n[http]\nlisten = \"127.0.0.1:0\"\n\n\
         [[bot]]\nname = \"{DESK}\"\nplatform = \"webex\"\napi = \"{}/v1\"\n\
         token = \"file:{}\"\nwebhook-check-secs = 1\n{more}\n",
        folder.join("data").display().to_string(),
        sim.base_url(),
        token.display()
    )
}

/// The same for a bot that hears by WebSocket.
pub(crate) fn by_socket(sim: &Webex, folder: &std::path::Path) -> String {
    let discovery = format!("{}/u2c/api/v1", sim.base_url());
    let text = settings(sim, folder, "");
    let text = text.replace("webhook-check-secs = 1\n", "");
    format!("{text}events = \"websocket\"\ndiscovery = \"{discovery}\"\n")
}

impl Cloud {
    /// Starts both, with these plugins.
    pub(crate) async fn with(plugins: &[&str]) -> Self {
        let sim = Webex::start(WebexOptions::default())
            .await
            .expect("a platform");
        Self::on(sim, plugins, settings).await
    }

    /// Starts both, the bot hearing by WebSocket.
    pub(crate) async fn with_socket(plugins: &[&str]) -> Self {
        let sim = Webex::start(WebexOptions::default())
            .await
            .expect("a platform");
        Self::on(sim, plugins, |sim, folder, _| by_socket(sim, folder)).await
    }

    /// Starts a host on a platform.
    pub(crate) async fn on(
        sim: Webex,
        plugins: &[&str],
        settings: impl Fn(&Webex, &std::path::Path, &str) -> String,
    ) -> Self {
        let cloud = Self::closed(sim, plugins, settings).await;
        cloud.until(BotState::Connected).await;
        cloud
    }

    /// As [`Cloud::on`], without waiting for the bot.
    pub(crate) async fn closed(
        sim: Webex,
        plugins: &[&str],
        settings: impl Fn(&Webex, &std::path::Path, &str) -> String,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self::begin(sim, folder, plugins, settings).await
    }

    async fn begin(
        sim: Webex,
        folder: tempfile::TempDir,
        plugins: &[&str],
        settings: impl Fn(&Webex, &std::path::Path, &str) -> String,
    ) -> Self {
        let data = folder.path().join("journal");
        let journal = SqliteJournal::open(&data, SqliteConfig::default());
        let journal = journal.expect("a journal opens");
        let parts = TestHostParts {
            settings: settings(&sim, folder.path(), ""),
            journal: Arc::new(journal),
            has_settings_file: true,
            ..TestHostParts::default()
        };
        let host = TestHost::start(parts).await;
        for plugin in plugins {
            let grants = all_grants();
            let grants = ["actions", "reads"]
                .contains(plugin)
                .then_some(grants.as_str());
            host.load(plugin, guests::bytes(plugin), grants).await;
            assert_eq!(host.row(plugin).last_error, None, "{plugin} is refused");
        }
        host.host().hooks().open(None);
        Self { sim, host, folder }
    }

    /// Ends the host; the platform goes on.
    pub(crate) async fn down(self) -> Down {
        self.host.stop().await;
        Down {
            sim: self.sim,
            folder: self.folder,
        }
    }

    /// Has the host follow settings with other lines for the bot.
    pub(crate) async fn change(&self, more: &str) {
        let text = settings(&self.sim, self.folder.path(), more);
        self.host.change_settings(&text).await;
    }

    /// Has the bot hear by WebSocket from now on.
    pub(crate) async fn change_to_socket(&self) {
        let text = by_socket(&self.sim, self.folder.path());
        self.host.change_settings(&text).await;
    }

    /// Where the bot keeps how far it is.
    pub(crate) fn kept(&self) -> std::path::PathBuf {
        self.folder.path().join("data/connectors").join(DESK)
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
        let what = format!("the bot is {wanted:?}: {:?}", self.state());
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
            .map(|it| format!("{} {} {:?} {}", it.method, it.path, it.status, it.answer))
            .collect();
        let given_up = self.host.dead_letters().await;
        panic!(
            "the bot did not; it did {did:#?}; state {:?}; asked {asked:#?}; told {:#?}; given up {given_up:#?}",
            self.state(),
            self.sim.deliveries(),
        )
    }

    /// Waits for a message of the bot that has this in it.
    pub(crate) async fn says(&self, after: u64, text: &str) -> Sent {
        self.does(after, |sent| {
            sent.kind == "message" && sent.text.contains(text)
        })
        .await
    }

    /// Lets some time pass in which nothing may happen, and gives what the bot did all the same.
    pub(crate) async fn meanwhile(&self, after: u64) -> Vec<Sent> {
        self.sim
            .sent_like(after, Duration::from_millis(500), |_| false)
            .await;
        self.sim.sent_after(after)
    }

    pub(crate) async fn stop(self) {
        self.host.stop().await;
        // Whatever a test was about: what was asked is as the platform describes it.
        let misfits = self.sim.misfits_after(0);
        assert!(misfits.is_empty(), "\n{}\n", misfits.join("\n"));
        let (complaints, _) = self.sim.socket_state();
        assert_eq!(complaints, Vec::<String>::new());
    }
}

impl Down {
    /// Starts a host again where the last one ended.
    pub(crate) async fn up(self, plugins: &[&str]) -> Cloud {
        let cloud = Cloud::begin(self.sim, self.folder, plugins, settings).await;
        cloud.until(BotState::Connected).await;
        cloud
    }
}
