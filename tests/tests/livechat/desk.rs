//! The platform and a host with one bot on it.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parlor_host::journal::Journal;
use parlor_host::journal::memory::MemoryJournal;
use parlor_host::mailbox::control::BotState;
use parlor_tests::bots::{Consent, DESK, OneBot, section};
use parlor_tests::harness::{PATIENCE, TestHostParts};
use parlor_tests::sim::livechat::{ACCOUNT, CLIENT_SECRET, LiveChat, LiveChatOptions, PAT};
use serde_json::json;

/// Where the app's redirect leads, as it is registered. Tests follow it to where the host is.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:1/token";

/// The platform and a host.
pub(crate) struct Front(OneBot<LiveChat>);

/// The folder of the secrets, made once for all tests: settings name files, and nothing written out.
fn secrets() -> &'static Path {
    static FOLDER: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();

    FOLDER.get_or_init(|| {
        let name = format!("livechat-{}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, text) in [("pat", PAT), ("key", CLIENT_SECRET)] {
            std::fs::write(folder.join(name), text).expect("a secret is written");
        }
        folder
    })
}

const HTTP: &str = "[http]\nlisten = \"127.0.0.1:0\"\n";

/// A bot that a personal token owns, with more lines for it.
pub(crate) fn personal(sim: &LiveChat, more: &str) -> String {
    let section = section::livechat(sim, DESK, &secrets().join("pat"), more);
    format!("{HTTP}{section}")
}

/// A bot that is installed by consent, with more lines for it.
pub(crate) fn installed(sim: &LiveChat, more: &str) -> String {
    let section = section::installed(sim, DESK, &secrets().join("key"), REDIRECT, more);
    format!("{HTTP}{section}")
}

/// A personal token that registers webhooks, and is the bot's owner nowhere.
pub(crate) fn registrar() -> String {
    let pat = secrets().join("pat");
    format!(
        "account-id = \"{ACCOUNT}\"\npersonal-token = \"file:{}\"\n",
        pat.display()
    )
}

impl Front {
    /// Starts both with a bot that is ready, and these plugins.
    pub(crate) async fn with(plugins: &[&str]) -> Self {
        Self::of(LiveChatOptions::default(), plugins, "").await
    }

    /// As [`Front::with`], with more lines of the bot's settings.
    pub(crate) async fn of(options: LiveChatOptions, plugins: &[&str], more: &str) -> Self {
        let sim = LiveChat::start(options).await.expect("the platform");
        let settings = personal(&sim, more);
        let front = Self::on(sim, settings, plugins).await;
        front.until(BotState::Connected).await;
        front
    }

    /// Starts a host on the platform.
    pub(crate) async fn on(sim: LiveChat, settings: String, plugins: &[&str]) -> Self {
        let journal = Arc::new(MemoryJournal::new());
        Self::again(sim, settings, plugins, journal).await
    }

    /// Starts a host on the platform, with the journal of one before it.
    pub(crate) async fn again(
        sim: LiveChat,
        settings: String,
        plugins: &[&str],
        journal: Arc<dyn Journal>,
    ) -> Self {
        sim.set(json!({"redirects": [REDIRECT]}));
        let parts = TestHostParts {
            settings,
            journal,
            ..TestHostParts::default()
        };
        Self(OneBot::with(sim, parts, plugins).await)
    }

    /// Where the bot is called.
    pub(crate) fn address(&self) -> String {
        let address = self.host.host().hooks().bot_address(DESK);
        address.expect("the bot is called somewhere")
    }

    /// Waits until a webhook of this action was answered so.
    pub(crate) async fn hears(&self, action: &str, status: u16) {
        let found = self
            .sim
            .delivered_like(PATIENCE, |it| {
                it.action == action && it.status == Some(status)
            })
            .await;
        assert!(
            found.is_some(),
            "no {action} {status}: {:#?}",
            self.sim.delivered()
        );
    }

    /// What the bot did: kind, text, who sees it.
    pub(crate) fn did(&self, after: u64) -> Vec<(String, String, String)> {
        let sent = self.sim.sent_after(after).into_iter();
        let sent = sent.filter(|sent| sent.kind != "status");
        sent.map(|sent| (sent.kind, sent.text, sent.visibility))
            .collect()
    }

    /// Stops the host, and gives the platform.
    pub(crate) async fn close(self) -> LiveChat {
        self.0.close().await
    }

    pub(crate) async fn stop(self) {
        self.close().await;
    }
}

impl Deref for Front {
    type Target = OneBot<LiveChat>;

    fn deref(&self) -> &OneBot<LiveChat> {
        &self.0
    }
}

/// A browser that follows redirects, those of the app to where the host is.
pub(crate) async fn browse(front: &Front, link: &str) -> (u16, String) {
    let consent = Consent {
        base: &front.sim.base_url(),
        redirect: REDIRECT,
        called: &front.address(),
    };
    consent.browse(link).await
}
