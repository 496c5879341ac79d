//! Ways to the platform: proxies, private authorities, certificates, several bots in one process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use parlor_host::mailbox::control::BotState;
use parlor_tests::guests;
use parlor_tests::harness::{PATIENCE, TestHost, TestHostParts};
use parlor_tests::outside::{Authority, Pair, TestProxy};
use parlor_tests::sim::symphony::{BOT, Symphony, SymphonyOptions};

use crate::bank::{Bank, DESK, settings};

/// What no error may show.
const PASSWORD: &str = "s3cret-of-the-proxy";

async fn tls() -> Symphony {
    let sim = Symphony::start(SymphonyOptions::default().tls()).await;
    sim.expect("a pod")
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A proxy as settings have it, with the password in a file.
fn proxy(folder: &Path, proxy: &TestProxy, password: &str) -> String {
    let file = folder.join(format!("password-{}", proxy.address.port()));
    std::fs::write(&file, password).expect("a password can be written");
    format!(
        "proxy = {{ url = \"http://{}\", username = \"joe\", password = \"file:{}\" }}",
        proxy.address,
        file.display()
    )
}

/// How a bot of a host does, and why.
fn state(host: &TestHost, name: &str) -> (BotState, String) {
    let all = host.host().sessions().status();
    let bot = all.into_iter().find(|bot| bot.name == name);
    bot.map(|bot| (bot.state, bot.reason.unwrap_or_default()))
        .expect("the bot is there")
}

async fn host(settings: String) -> TestHost {
    TestHost::start(TestHostParts {
        settings,
        ..TestHostParts::default()
    })
    .await
}

fn is_all(asked: &[String], name: &str) -> bool {
    let wanted = format!("{name}:443");
    !asked.is_empty() && asked.iter().all(|asked| *asked == wanted)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_component_has_a_proxy_of_its_own_that_wants_a_password() {
    let sim = tls().await;
    let strict = sim.certificate_url().unwrap();
    let strict: SocketAddr = strict.trim_start_matches("https://").parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let start = async |name: &str, address: SocketAddr| {
        TestProxy::start("joe", PASSWORD, &[(name, address)]).await
    };
    let pod = start("pod.symphony.test", local(sim.port())).await;
    let agent = start("agent.symphony.test", local(sim.port())).await;
    let keys = start("keys.symphony.test", strict).await;
    let sessions = start("sessions.symphony.test", strict).await;
    let by = |it: &TestProxy| proxy(folder.path(), it, PASSWORD);
    let text = format!(
        "[[bot]]\nname = \"{DESK}\"\nplatform = \"symphony\"\nusername = \"{BOT}\"\n\
         host = \"pod.symphony.test\"\n{}\n\
         agent = {{ host = \"agent.symphony.test\", {} }}\n\
         key-manager = {{ host = \"keys.symphony.test\", {} }}\n\
         session-auth = {{ host = \"sessions.symphony.test\", {} }}\n\
         certificate = \"file:{}\"\nca-files = [\"{}\"]\n",
        by(&pod),
        by(&agent),
        by(&keys),
        by(&sessions),
        sim.file("bot-certificate.pem").display(),
        sim.file("ca.pem").display(),
    );
    let bank = Bank::on(sim, text, &["echo"]).await;
    bank.sim.say("Desk", "ada", "/echo through four proxies");
    bank.says(0, "through four proxies").await;
    assert!(is_all(&pod.asked(), "pod.symphony.test"));
    assert!(is_all(&agent.asked(), "agent.symphony.test"));
    assert!(is_all(&keys.asked(), "keys.symphony.test"));
    assert!(is_all(&sessions.asked(), "sessions.symphony.test"));
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_proxy_serves_all_components_but_those_that_go_past_it() {
    let sim = tls().await;
    let folder = tempfile::tempdir().unwrap();
    let names = [("pod.symphony.test", local(sim.port()))];
    let common = TestProxy::start("joe", PASSWORD, &names).await;
    // The agent is on this machine, where no proxy is needed.
    let text = format!(
        "[[bot]]\nname = \"{DESK}\"\nplatform = \"symphony\"\nusername = \"{BOT}\"\n\
         host = \"pod.symphony.test\"\n{}\nno-proxy = [\"127.0.0.1\"]\nagent = \"{}\"\n\
         private-key = \"file:{}\"\nca-files = [\"{}\"]\n",
        proxy(folder.path(), &common, PASSWORD),
        sim.base_url(),
        sim.file("bot.pem").display(),
        sim.file("ca.pem").display(),
    );
    let bank = Bank::on(sim, text, &["echo"]).await;
    bank.sim.say("Desk", "ada", "/echo past it");
    bank.says(0, "past it").await;
    assert!(is_all(&common.asked(), "pod.symphony.test"));
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_refuses_the_password_is_named_without_it() {
    let sim = tls().await;
    let folder = tempfile::tempdir().unwrap();
    let names = [("pod.symphony.test", local(sim.port()))];
    let common = TestProxy::start("joe", "another", &names).await;
    let text = settings(&sim, &proxy(folder.path(), &common, PASSWORD));
    let text = text.replace(&sim.base_url(), "pod.symphony.test");
    let host = host(format!(
        "{text}ca-files = [\"{}\"]\n",
        sim.file("ca.pem").display()
    ))
    .await;
    let named = format!("by the proxy http://{}", common.address);
    let is_told = || state(&host, DESK).1.contains(&named);
    host.eventually("the proxy is named", is_told).await;
    let (state, reason) = state(&host, DESK);
    assert!(reason.contains("proxy auth"), "{reason}");
    assert!(!reason.contains(PASSWORD), "{reason}");
    assert_ne!(state, BotState::Stopped, "somebody may set it right");
    assert_eq!(sim.request_count(), 0);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_trusted_where_the_settings_name_it() {
    let sim = tls().await;
    let text = settings(&sim, "");
    let stranger = host(text.clone()).await;
    let is_told = || state(&stranger, DESK).1.contains("UnknownIssuer");
    stranger
        .eventually("the authority is unknown", is_told)
        .await;
    assert_eq!(sim.request_count(), 0);
    stranger.stop().await;

    let text = format!("{text}ca-files = [\"{}\"]\n", sim.file("ca.pem").display());
    let bank = Bank::on(sim, text, &["echo"]).await;
    bank.sim.say_im("ada", "/echo trusted");
    bank.says(0, "trusted").await;
    bank.stop().await;
}

/// A bot by certificate, and one by key beside it.
async fn refused_beside_another(sim: &Symphony, shown: &Pair) -> (TestHost, PathBuf) {
    let file = sim.file("shown.pem");
    std::fs::write(&file, format!("{}{}", shown.certificate, shown.key))
        .expect("a certificate can be written");
    let strict = sim.certificate_url().expect("the pod serves with TLS");
    let ca = format!("ca-files = [\"{}\"]\n", sim.file("ca.pem").display());
    let refused = settings(sim, &format!("login-wait-secs = 1\n{ca}"))
        .replace("private-key", "certificate")
        .replace("bot.pem", "shown.pem");
    let other = settings(sim, &ca).replace(DESK, "other");
    let text = format!("{refused}key-manager = \"{strict}\"\nsession-auth = \"{strict}\"\n{other}");
    let host = host(text).await;
    host.eventually("the bot gives up", || {
        state(&host, DESK).0 == BotState::Stopped
    })
    .await;
    (host, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_has_ended_stops_its_bot_alone_and_names_file_and_day() {
    let sim = tls().await;
    let ended = sim.certificate(BOT, 2020);
    let (host, file) = refused_beside_another(&sim, &ended).await;
    let (_, reason) = state(&host, DESK);
    let wanted = format!("file:{} has ended on 2020-12-31", file.display());
    assert!(reason.contains(&wanted), "{reason}");
    assert_eq!(state(&host, "other").0, BotState::Connected);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_the_server_does_not_take_stops_its_bot_alone_and_names_the_file() {
    let sim = tls().await;
    let foreign = Authority::new("somebody else").client(BOT);
    let (host, file) = refused_beside_another(&sim, &foreign).await;
    let (_, reason) = state(&host, DESK);
    let file = file.display().to_string();
    assert!(
        reason.contains("certificate not taken") && reason.contains(&file),
        "{reason}"
    );
    assert_eq!(state(&host, "other").0, BotState::Connected);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_bots_in_one_process_have_their_own_keys_proxies_and_hosts() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (tls().await, tls().await);
    let key = std::fs::read_to_string(two.file("app.pem")).unwrap();
    two.add_bot("risk.bot", "Risk Bot", &key);
    let section = async |sim: &Symphony, name: &str, username: &str, key: &str| {
        let host = format!("{name}.symphony.test");
        let password = format!("{PASSWORD} of {name}");
        let names = [(host.as_str(), local(sim.port()))];
        let own = TestProxy::start("joe", &password, &names).await;
        let text = format!(
            "[[bot]]\nname = \"{name}\"\nplatform = \"symphony\"\nusername = \"{username}\"\n\
             host = \"{host}\"\nprivate-key = \"file:{}\"\nca-files = [\"{}\"]\n{}\n",
            sim.file(key).display(),
            sim.file("ca.pem").display(),
            proxy(folder.path(), &own, &password),
        );
        (text, own)
    };
    let (first, first_proxy) = section(&one, "trade", BOT, "bot.pem").await;
    let (second, second_proxy) = section(&two, "risk", "risk.bot", "app.pem").await;
    let host = host(format!("{first}{second}")).await;
    host.load("echo", guests::bytes("echo"), None).await;
    for name in ["trade", "risk"] {
        host.eventually("it is there", || {
            state(&host, name).0 == BotState::Connected
        })
        .await;
    }
    one.say("Desk", "ada", "/echo on the first");
    two.act(
        "member",
        serde_json::json!({"conversation": "Desk", "user": "risk.bot", "change": "join"}),
    );
    two.say("Desk", "ada", "/echo on the second");
    for (sim, text) in [(&one, "on the first"), (&two, "on the second")] {
        let said = sim.sent_like(0, PATIENCE, |sent| sent.text == text).await;
        assert!(said.is_some(), "{text}: {:?}", sim.sent_after(0));
        assert_eq!(sim.complaints(), Vec::<String>::new());
        let asked = sim.requests_after(0);
        assert!(asked.iter().all(|it| it.status != Some(401)), "{asked:#?}");
    }
    assert!(is_all(&first_proxy.asked(), "trade.symphony.test"));
    assert!(is_all(&second_proxy.asked(), "risk.symphony.test"));

    // One of them loses its session; the other does not notice.
    let before = two.request_count();
    one.fault(parlor_tests::sim::Fault::default().expire_tokens());
    one.say("Desk", "ada", "/echo once more");
    let said = one
        .sent_like(0, PATIENCE, |sent| sent.text == "once more")
        .await;
    assert!(said.is_some());
    let logins = two.requests_after(before).into_iter();
    assert_eq!(
        logins.filter(|it| it.path.contains("authenticate")).count(),
        0
    );
    host.stop().await;
}
