//! The platform and a host with one bot on it.

use std::time::Duration;

use parlor_host::journal::Journal;
use parlor_host::journal::memory::MemoryJournal;
use parlor_host::mailbox::control::BotState;
use parlor_tests::guests;
use parlor_tests::harness::{PATIENCE, TestHost, TestHostParts};
use parlor_tests::sim::Sent;
use parlor_tests::sim::livechat::{
    ACCOUNT, CLIENT_ID, CLIENT_SECRET, LiveChat, LiveChatOptions, ORGANIZATION, PAT,
};
use parlor_tests::stage::all_grants;
use serde_json::json;

/// The bot's name in the settings.
pub(crate) const DESK: &str = "desk";
/// Where the app's redirect leads, as it is registered. Tests follow it to where the host is.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:1/token";

/// The platform and a host.
pub(crate) struct Front {
    pub(crate) sim: LiveChat,
    pub(crate) host: TestHost,
}

/// The folder of the secrets, made once for all tests: settings name files, and nothing written out.
fn secrets() -> &'static std::path::Path {
    static FOLDER: std::sync::OnceLock<std::path::PathBuf> = std::sync::OnceLock::new();

    FOLDER.get_or_init(|| {
        let name = format!("livechat-{}", std::process::id());
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, text) in [("pat", PAT), ("key", CLIENT_SECRET)] {
            std::fs::write(folder.join(name), text).expect("a secret is written");
        }
        folder
    })
}

fn secret(name: &str) -> String {
    format!("\"file:{}\"", secrets().join(name).display())
}

/// A bot that a personal token owns, with more lines for it.
pub(crate) fn personal(sim: &LiveChat, more: &str) -> String {
    let pat = secret("pat");
    let base = sim.base_url();
    format!(
        "[http]\nlisten = \"127.0.0.1:0\"\n[[bot]]\nname = \"{DESK}\"\nplatform = \"livechat\"\n\
         client-id = \"{CLIENT_ID}\"\naccount-id = \"{ACCOUNT}\"\npersonal-token = {pat}\n\
         organization-id = \"{ORGANIZATION}\"\ndisplay-name = \"Desk Bot\"\napi = \"{base}\"\n\
         accounts = \"{base}\"\n{more}\n"
    )
}

/// A bot that is installed by consent, with more lines for it.
pub(crate) fn installed(sim: &LiveChat, more: &str) -> String {
    let key = secret("key");
    let base = sim.base_url();
    format!(
        "[http]\nlisten = \"127.0.0.1:0\"\n[[bot]]\nname = \"{DESK}\"\nplatform = \"livechat\"\n\
         client-id = \"{CLIENT_ID}\"\nclient-secret = {key}\nredirect-uri = \"{REDIRECT}\"\n\
         display-name = \"Pizza BOT\"\napi = \"{base}\"\naccounts = \"{base}\"\n{more}\n"
    )
}

/// A personal token that registers webhooks, and is the bot's owner nowhere.
pub(crate) fn registrar() -> String {
    let pat = secret("pat");
    format!("account-id = \"{ACCOUNT}\"\npersonal-token = {pat}\n")
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
        let journal = std::sync::Arc::new(MemoryJournal::new());
        Self::again(sim, settings, plugins, journal).await
    }

    /// Starts a host on the platform, with the journal of one before it.
    pub(crate) async fn again(
        sim: LiveChat,
        settings: String,
        plugins: &[&str],
        journal: std::sync::Arc<dyn Journal>,
    ) -> Self {
        sim.set(json!({"redirects": [REDIRECT]}));
        let parts = TestHostParts {
            settings,
            journal,
            ..TestHostParts::default()
        };
        let host = TestHost::start(parts).await;
        for plugin in plugins {
            // As everywhere, the demo's plugins ask for nothing; the others may do everything.
            let grants = match *plugin {
                "actions" | "reads" => Some(all_grants()),
                "expense" => Some("grants.actions = [\"send-user\"]\n".to_owned()),
                "front-desk" => Some(format!(
                    "{}config = {{ groups = [\"7\", \"8\"] }}\n",
                    all_grants()
                )),
                _ => None,
            };
            host.load(plugin, guests::bytes(plugin), grants.as_deref())
                .await;
            assert_eq!(host.row(plugin).last_error, None, "{plugin} is refused");
        }
        host.host().hooks().open(None);
        Self { sim, host }
    }

    /// Where the bot is called.
    pub(crate) fn address(&self) -> String {
        let address = self.host.host().hooks().bot_address(DESK);
        address.expect("the bot is called somewhere")
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
        let waited = async {
            while self.state().0 != wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let ended = tokio::time::timeout(PATIENCE, waited).await;
        assert!(
            ended.is_ok(),
            "never {wanted:?}: {:?}; {:#?}",
            self.state(),
            self.asked()
        );
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        let requests = self.sim.requests_after(0);
        let asked = requests.iter().map(|it| {
            format!(
                "{} {} {:?} {} → {}",
                it.method, it.path, it.status, it.body, it.answer
            )
        });
        asked.collect()
    }

    /// Waits for what the bot does next that is like this.
    pub(crate) async fn does(&self, after: u64, is_wanted: impl Fn(&Sent) -> bool) -> Sent {
        if let Some(found) = self.sim.sent_like(after, PATIENCE, is_wanted).await {
            return found;
        }
        let did = self.sim.sent_after(after);
        let given_up = self.host.dead_letters().await;
        let delivered = self.sim.delivered();
        panic!(
            "the bot did not; it did {did:#?}; state {:?}; asked {:#?}; heard {delivered:#?}; given up {given_up:#?}",
            self.state(),
            self.asked(),
        )
    }

    /// Waits for a message of the bot that has this in it.
    pub(crate) async fn says(&self, after: u64, text: &str) -> Sent {
        self.does(after, |sent| {
            sent.kind == "message" && sent.text.contains(text)
        })
        .await
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

    /// Lets some time pass in which nothing may happen, and gives what the bot did all the same.
    pub(crate) async fn meanwhile(&self, after: u64) -> Vec<Sent> {
        self.sim
            .sent_like(after, Duration::from_millis(400), |_| false)
            .await;
        self.sim.sent_after(after)
    }

    /// What the bot did: kind, text, who sees it.
    pub(crate) fn did(&self, after: u64) -> Vec<(String, String, String)> {
        let sent = self.sim.sent_after(after).into_iter();
        let sent = sent.filter(|sent| sent.kind != "status");
        sent.map(|sent| (sent.kind, sent.text, sent.visibility))
            .collect()
    }

    pub(crate) async fn stop(self) {
        self.host.stop().await;
    }
}

/// A browser that follows redirects, those of the app to where the host is.
pub(crate) async fn browse(front: &Front, link: &str) -> (u16, String) {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client");
    let mut at = link.to_owned();
    for _ in 0..6 {
        let answer = client.get(&at).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let Some(to) = answer.headers().get("location") else {
            return (status, answer.text().await.expect("a page"));
        };
        let to = to.to_str().expect("an address").to_owned();
        at = match to.strip_prefix(REDIRECT) {
            Some(rest) => format!("{}{rest}", front.address()),
            None if to.starts_with('/') => format!("{}{to}", front.sim.base_url()),
            None => to,
        };
    }
    panic!("redirects without an end: {at}")
}
