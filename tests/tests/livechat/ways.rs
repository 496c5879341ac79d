//! The way to the platform: a proxy that wants a password.

use parlor_host::mailbox::control::BotState;
use parlor_tests::outside::TestProxy;
use parlor_tests::sim::livechat::{LiveChat, LiveChatOptions};

use crate::desk::{Front, personal};

const PASSWORD: &str = "pr0xy/passw0rd+1";

struct Way {
    sim: LiveChat,
    proxy: TestProxy,
    folder: tempfile::TempDir,
}

impl Way {
    async fn new() -> Self {
        let options = LiveChatOptions::default().tls();
        let sim = LiveChat::start(options).await.expect("a platform");
        let at = sim.base_url().parse::<url::Url>().expect("an address");
        let at = at.socket_addrs(|| None).expect("an address")[0];
        let names = [("api.livechat.test", at), ("accounts.livechat.test", at)];
        let proxy = TestProxy::start("desk", PASSWORD, &names).await;
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [("right", PASSWORD), ("wrong", "an0ther")] {
            std::fs::write(folder.path().join(name), text).expect("it is written");
        }
        Self { sim, proxy, folder }
    }

    fn settings(&self, password: &str) -> String {
        let base = self.sim.base_url();
        let more = format!(
            "ca-files = [\"{}\"]\nproxy = {{ url = \"http://{}\", username = \"desk\", password = \"file:{}\" }}\n",
            self.sim.ca_file().display(),
            self.proxy.address,
            self.folder.path().join(password).display()
        );
        let settings = personal(&self.sim, &more);
        let api = settings.replacen(&base, "https://api.livechat.test", 1);
        api.replacen(&base, "https://accounts.livechat.test", 1)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_through_a_proxy_that_wants_a_password() {
    let way = Way::new().await;
    let settings = way.settings("right");
    let Way { sim, proxy, folder } = way;
    let front = Front::on(sim, settings, &["pizza"]).await;
    front.until(BotState::Connected).await;
    front.sim.say("shop", "ann", "pizza");
    front.does(0, |sent| sent.kind == "leave").await;
    let asked = proxy.asked();
    assert!(!asked.is_empty());
    assert!(
        asked.iter().all(|it| it == "api.livechat.test:443"),
        "{asked:?}"
    );
    front.stop().await;
    drop(folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_refuses_the_bot_is_named_without_its_password() {
    let way = Way::new().await;
    let settings = way.settings("wrong");
    let Way { sim, proxy, folder } = way;
    let front = Front::on(sim, settings, &[]).await;
    front.until(BotState::Disconnected).await;
    let why = front.state().1.expect("a reason");
    assert!(why.contains(&proxy.address.to_string()), "{why}");
    assert!(!why.contains("an0ther"), "{why}");
    assert!(proxy.asked().is_empty());
    front.stop().await;
    drop(folder);
}
