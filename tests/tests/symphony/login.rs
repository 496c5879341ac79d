//! Logins: by key and by certificate, refused, renewed; whoever cannot log in stops alone.

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKeyChain};
use parlor_host::config::Settings;
use parlor_host::mailbox::control::BotState;
use parlor_tests::harness::PATIENCE;
use parlor_tests::sim::Fault;
use parlor_tests::sim::symphony::{Symphony, SymphonyOptions};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::bank::{Bank, DESK, settings};

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_logs_in_by_certificate() {
    let sim = Symphony::start(SymphonyOptions::default().tls())
        .await
        .unwrap();
    let strict = sim.certificate_url().unwrap();
    let text = settings(&sim, "")
        .replace("private-key", "certificate")
        .replace("bot.pem", "bot-certificate.pem");
    let text = format!(
        "{text}key-manager = \"{strict}\"\nsession-auth = \"{strict}\"\nca-files = [\"{}\"]\n",
        sim.file("ca.pem").display()
    );
    let bank = Bank::on(sim, text, &["echo"]).await;
    bank.sim.say_im("ada", "/echo by certificate");
    bank.says(0, "by certificate").await;
    // Real servers have refused a login with a body.
    let asked = bank.sim.requests_after(0).into_iter();
    let logins = asked.filter(|it| it.path.ends_with("auth/v1/authenticate"));
    let logins: Vec<(String, usize)> = logins.map(|it| (it.path, it.size)).collect();
    let wanted = ["/sessionauth/v1/authenticate", "/keyauth/v1/authenticate"];
    assert_eq!(logins, wanted.map(|path| (path.to_owned(), 0)));
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_in_pkcs12_is_opened_by_its_password() {
    let sim = Symphony::start(SymphonyOptions::default().tls())
        .await
        .unwrap();
    let pem = std::fs::read(sim.file("bot-certificate.pem")).unwrap();
    let certificate = CertificateDer::from_pem_slice(&pem).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&pem).unwrap();
    let chain = [Certificate::from_der(&certificate).unwrap()];
    let mut store = KeyStore::new();
    let chain = PrivateKeyChain::new(key.secret_der(), [1], chain);
    store.add_entry("bot", KeyStoreEntry::PrivateKeyChain(chain));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bot.p12");
    std::fs::write(&file, store.writer("opens it").write().unwrap()).unwrap();
    let strict = sim.certificate_url().unwrap();
    let password = folder.path().join("password");
    let text = |said: &str| {
        std::fs::write(&password, said).unwrap();
        format!(
            "[[bot]]\nname = \"{DESK}\"\nplatform = \"symphony\"\nhost = \"{}\"\n\
             username = \"trade.bot\"\ncertificate = \"file:{}\"\n\
             certificate-password = \"file:{}\"\nkey-manager = \"{strict}\"\n\
             session-auth = \"{strict}\"\nca-files = [\"{}\"]\n",
            sim.base_url(),
            file.display(),
            password.display(),
            sim.file("ca.pem").display()
        )
    };
    let path = folder.path().join("parlor.toml");
    let wrong = Settings::parse(&path, &text("guessed"), &|_| None).unwrap_err();
    let wrong = wrong[0].to_string();
    assert!(
        wrong.contains("parlor.toml:6") && wrong.contains("bot.p12"),
        "{wrong}"
    );
    assert!(
        wrong.contains("password") && !wrong.contains("guessed"),
        "{wrong}"
    );
    let right = text("opens it");
    let bank = Bank::on(sim, right, &["echo"]).await;
    bank.sim.say_im("ada", "/echo by pkcs12");
    bank.says(0, "by pkcs12").await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_in_mid_feed_is_renewed() {
    let bank = Bank::with(&["echo"]).await;
    bank.sim.say_im("ada", "/echo one");
    let one = bank.says(0, "one").await;
    bank.sim.fault(Fault::default().expire_tokens());
    bank.sim.say_im("ada", "/echo two");
    let two = bank.says(one.n, "two").await;
    assert_eq!(bank.meanwhile(two.n).await.len(), 0);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_stops_the_bot_alone_and_names_the_file() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    // The app's key is a good one, of another account.
    let wrong = settings(&sim, "login-wait-secs = 2").replace("bot.pem", "app.pem");
    let other = settings(&sim, "").replace(DESK, "other");
    let text = format!("{wrong}\n{other}");
    let parts = parlor_tests::harness::TestHostParts {
        settings: text,
        ..Default::default()
    };
    let host = parlor_tests::harness::TestHost::start(parts).await;
    let state = |name: &str| {
        let all = host.host().sessions().status();
        let bot = all.into_iter().find(|bot| bot.name == name);
        bot.map(|bot| (bot.state, bot.reason.unwrap_or_default()))
            .unwrap()
    };
    host.eventually("the bot gives up", || state(DESK).0 == BotState::Stopped)
        .await;
    let (_, reason) = state(DESK);
    assert!(
        reason.contains("app.pem") && reason.contains("401"),
        "{reason}"
    );
    assert!(reason.contains("parlor bots resume desk"), "{reason}");
    assert_eq!(state("other").0, BotState::Connected);
    let logins = |sim: &Symphony| -> Vec<i64> {
        let all = sim.requests_after(0);
        all.iter()
            .filter(|it| it.path == "/login/pubkey/authenticate" && it.status == Some(401))
            .map(|it| it.at)
            .collect()
    };
    let tries = logins(&sim);
    assert_eq!(tries.len(), 5);
    // Between two of them there is as long as the settings say, however short the usual wait is.
    let pairs = tries.iter().zip(&tries[1..]);
    assert!(
        pairs.clone().all(|(one, next)| next - one >= 1_990),
        "{tries:?}"
    );

    // It stays so until somebody asks for another try.
    let resumed = host.host().sessions().resume(DESK).await.unwrap();
    assert!(resumed);
    host.eventually("it tries again", || logins(&sim).len() > 5)
        .await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_manager_that_is_down_is_waited_for() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    sim.fault(
        Fault::on("POST /relay/pubkey/authenticate")
            .status(503)
            .times(2),
    );
    let text = settings(&sim, "");
    let bank = Bank::on(sim, text, &["echo"]).await;
    let tries = bank.sim.requests_after(0);
    let tries = tries
        .iter()
        .filter(|it| it.path == "/relay/pubkey/authenticate");
    assert!(tries.count() >= 3);
    bank.sim.say_im("ada", "/echo up");
    bank.says(0, "up").await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn simplified_keys_need_no_key_manager() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    sim.set(serde_json::json!({"simplified_keys": true, "agent_version": "Agent-24.12.1-7"}));
    let text = settings(&sim, "");
    let bank = Bank::on(sim, text, &["echo"]).await;
    bank.sim.say_im("ada", "/echo simple");
    bank.says(0, "simple").await;
    let asked = bank.sim.requests_after(0);
    assert!(asked.iter().all(|it| !it.path.starts_with("/relay")));
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pod_is_asked_with_a_common_token_where_the_settings_say_so() {
    let bank = Bank::of(SymphonyOptions::default(), &["echo"], "common-jwt = true").await;
    bank.sim.say_im("ada", "/echo jwt");
    bank.says(0, "jwt").await;
    let asked = bank.sim.requests_after(0);
    let own = asked
        .iter()
        .find(|it| it.path == "/pod/v2/sessioninfo")
        .unwrap();
    assert!(
        own.header("authorization")
            .is_some_and(|it| it.starts_with("Bearer "))
    );
    assert_eq!(own.header("sessiontoken"), None);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_a_long_poll_at_once() {
    let bank = Bank::with(&["echo"]).await;
    let reading = bank
        .sim
        .request_like(0, PATIENCE, |it| it.path.ends_with("/read"))
        .await;
    assert!(reading.is_some());
    let begun = std::time::Instant::now();
    bank.stop().await;
    // The poll itself would have taken thirty.
    assert!(begun.elapsed().as_secs() < 15);
}
