//! A platform and a host with one bot on it.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use parlor_host::journal::sqlite::{SqliteConfig, SqliteJournal};
use parlor_host::mailbox::control::BotState;
use parlor_tests::bots::{DESK, OneBot, section};
use parlor_tests::harness::TestHostParts;
use parlor_tests::sim::webex::{TOKEN, Webex, WebexOptions};

/// A platform and a host.
pub(crate) struct Cloud {
    bot: OneBot<Webex>,
    folder: tempfile::TempDir,
}

/// A platform whose host is down, and what that has left.
pub(crate) struct Down {
    pub(crate) sim: Webex,
    folder: tempfile::TempDir,
}

/// The settings of the platform's bot, with more lines for it.
pub(crate) fn settings(sim: &Webex, folder: &Path, more: &str) -> String {
    let token = folder.join("token");
    std::fs::write(&token, TOKEN).expect("a token can be written");
    format!(
        "data = {:?}\n[http]\nlisten = \"127.0.0.1:0\"\n\n{}",
        folder.join("data").display().to_string(),
        section::webex(sim, DESK, &token, more)
    )
}

/// The same for a bot that hears by WebSocket.
pub(crate) fn by_socket(sim: &Webex, folder: &Path) -> String {
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
        settings: impl Fn(&Webex, &Path, &str) -> String,
    ) -> Self {
        let cloud = Self::closed(sim, plugins, settings).await;
        cloud.until(BotState::Connected).await;
        cloud
    }

    /// As [`Cloud::on`], without waiting for the bot.
    pub(crate) async fn closed(
        sim: Webex,
        plugins: &[&str],
        settings: impl Fn(&Webex, &Path, &str) -> String,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self::begin(sim, folder, plugins, settings).await
    }

    async fn begin(
        sim: Webex,
        folder: tempfile::TempDir,
        plugins: &[&str],
        settings: impl Fn(&Webex, &Path, &str) -> String,
    ) -> Self {
        let data = folder.path().join("journal");
        let journal = SqliteJournal::open(&data, SqliteConfig::default());
        let parts = TestHostParts {
            settings: settings(&sim, folder.path(), ""),
            journal: Arc::new(journal.expect("a journal opens")),
            has_settings_file: true,
            ..TestHostParts::default()
        };
        let bot = OneBot::with(sim, parts, plugins).await;
        Self { bot, folder }
    }

    /// Ends the host; the platform goes on.
    pub(crate) async fn down(self) -> Down {
        Down {
            sim: self.bot.close().await,
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

    pub(crate) async fn stop(self) {
        let sim = self.bot.close().await;
        // Whatever a test was about: what was asked is as the platform describes it.
        let misfits = sim.misfits_after(0);
        assert!(misfits.is_empty(), "\n{}\n", misfits.join("\n"));
        let (complaints, _) = sim.socket_state();
        assert_eq!(complaints, Vec::<String>::new());
    }
}

impl Deref for Cloud {
    type Target = OneBot<Webex>;

    fn deref(&self) -> &OneBot<Webex> {
        &self.bot
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
