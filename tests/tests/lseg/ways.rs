//! Ways to the platform: a proxy that wants a password, for requests and for the stream, and an
//! authority of the operator's own.

use parlor_host::mailbox::control::BotState;
use parlor_tests::outside::TestProxy;
use parlor_tests::sim::Clock;
use parlor_tests::sim::lseg::{BOT, Lseg, LsegOptions, STREAM_PATH};

use crate::desk::{DESK, Desk};

const PASSWORD: &str = "pr0xy/passw0rd+1";

struct Way {
    sim: Lseg,
    proxy: TestProxy,
    folder: tempfile::TempDir,
}

impl Way {
    async fn new() -> Self {
        let options = LsegOptions {
            tls: true,
            clock: Clock::faster(60.0),
            ..LsegOptions::default()
        };
        let sim = Lseg::start(options).await.expect("a platform");
        sim.keep_times(60);
        sim.room("Desk");
        let at = sim.address();
        let names = [
            ("api.lseg.test", at),
            ("stream.lseg.test", at),
            // In no certificate.
            ("false.test", at),
        ];
        let proxy = TestProxy::start("desk", PASSWORD, &names).await;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("proxy"), PASSWORD).expect("it can be written");
        std::fs::write(folder.path().join("wrong"), "an0ther").expect("it can be written");
        Self { sim, proxy, folder }
    }

    /// The proxy with the password of this file.
    fn proxy(&self, file: &str) -> String {
        format!(
            "{{ url = \"http://{}\", username = \"desk\", password = \"file:{}\" }}",
            self.proxy.address,
            self.folder.path().join(file).display()
        )
    }

    fn settings(&self, host: &str, stream: &str, more: &str) -> String {
        format!(
            "[[bot]]\nname = \"{DESK}\"\nplatform = \"lseg\"\nhost = \"{host}\"\nstream = {stream}\n\
             username = \"{BOT}\"\npassword = \"file:{}\"\napp-key = \"file:{}\"\nrooms = \"listed\"\n{more}\n",
            self.sim.file("password").display(),
            self.sim.file("app-key").display(),
        )
    }

    fn trust(&self) -> String {
        format!("ca-files = [\"{}\"]", self.sim.file("ca.pem").display())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_stream_go_through_a_proxy_that_wants_a_password() {
    let way = Way::new().await;
    let stream = format!("\"wss://stream.lseg.test{STREAM_PATH}\"");
    let more = format!("proxy = {}\n{}", way.proxy("proxy"), way.trust());
    let text = way.settings("https://api.lseg.test", &stream, &more);
    let Way { sim, proxy, folder } = way;
    let desk = Desk::of(sim, text, &["echo"]).await;
    desk.until(BotState::Connected).await;
    desk.joins("Desk").await;
    desk.sim.say("Desk", "ada", "hello");
    desk.says(0, "Hello").await;
    let asked = proxy.asked();
    for name in ["api.lseg.test:443", "stream.lseg.test:443"] {
        assert!(asked.iter().any(|it| it == name), "{asked:?}");
    }
    desk.stop().await;
    drop(folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_has_a_way_of_its_own_where_the_settings_say_so() {
    let way = Way::new().await;
    let stream = format!(
        "{{ url = \"wss://stream.lseg.test{STREAM_PATH}\", proxy = {} }}",
        way.proxy("proxy")
    );
    let text = way.settings(&way.sim.base_url(), &stream, &way.trust());
    let Way { sim, proxy, folder } = way;
    let desk = Desk::of(sim, text, &[]).await;
    desk.until(BotState::Connected).await;
    desk.joins("Desk").await;
    assert_eq!(proxy.asked(), ["stream.lseg.test:443"]);
    desk.stop().await;
    drop(folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_will_not_have_the_bot_is_named_without_its_password() {
    for only_stream in [false, true] {
        let way = Way::new().await;
        let text = if only_stream {
            let stream = format!(
                "{{ url = \"wss://stream.lseg.test{STREAM_PATH}\", proxy = {} }}",
                way.proxy("wrong")
            );
            way.settings(&way.sim.base_url(), &stream, &way.trust())
        } else {
            let stream = format!("\"wss://stream.lseg.test{STREAM_PATH}\"");
            let more = format!("proxy = {}\n{}", way.proxy("wrong"), way.trust());
            way.settings("https://api.lseg.test", &stream, &more)
        };
        let Way { sim, proxy, folder } = way;
        let desk = Desk::of(sim, text, &[]).await;
        desk.until(BotState::Disconnected).await;
        let why = desk.state().1.expect("a reason");
        assert!(why.contains(&proxy.address.to_string()), "{why}");
        assert!(!why.contains("an0ther"), "{why}");
        assert!(proxy.asked().is_empty());
        desk.stop().await;
        drop(folder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_must_be_trusted_and_names_are_always_checked() {
    for (host, stream, trusts) in [
        ("https://api.lseg.test", "stream.lseg.test", false),
        ("https://false.test", "stream.lseg.test", true),
        ("https://api.lseg.test", "false.test", true),
    ] {
        let way = Way::new().await;
        let url = format!("\"wss://{stream}{STREAM_PATH}\"");
        let trust = if trusts { way.trust() } else { String::new() };
        let more = format!("proxy = {}\n{trust}", way.proxy("proxy"));
        let text = way.settings(host, &url, &more);
        let Way { sim, proxy, folder } = way;
        let desk = Desk::of(sim, text, &[]).await;
        desk.until(BotState::Disconnected).await;
        let why = desk.state().1.expect("a reason");
        assert!(why.contains("certificate"), "{host} {stream}: {why}");
        assert_eq!(desk.sim.streams(), 0);
        desk.stop().await;
        drop((proxy, folder));
    }
}
