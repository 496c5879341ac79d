//! Bots on Symphony.

use std::net::SocketAddr;

use parlor_tests::outside::Authority;
use parlor_tests::sim::Fault;
use parlor_tests::sim::symphony::{APP, BOT, Symphony, SymphonyOptions};

use crate::room::{
    DESK, Room, tells_what_a_proxy_refuses, tells_what_is_not_reached, tells_whom_it_does_not_trust,
};

async fn pod() -> Symphony {
    Symphony::start(SymphonyOptions::default())
        .await
        .expect("a pod")
}

fn section(sim: &Symphony, base: &str, key: &str, more: &str) -> String {
    format!(
        "[[bot]]\nname = \"{DESK}\"\nplatform = \"symphony\"\nhost = \"{base}\"\n\
         username = \"{BOT}\"\nprivate-key = \"file:{}\"\n{more}",
        sim.file(key).display()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_bot_and_its_app_are_found_well_and_no_feed_is_made() {
    let sim = pod().await;
    let app = format!(
        "app = {{ id = \"{APP}\", private-key = \"file:{}\" }}\n",
        sim.file("app.pem").display()
    );
    let room = Room::new(&section(&sim, &sim.base_url(), "bot.pem", &app));
    let report = room.doctor().await;
    report.is_well();
    assert!(report.of("login").1.contains(BOT), "{}", report.printed);
    for check in ["connection (pod)", "clock (pod)", "feeds", "app"] {
        assert_eq!(report.is(check), "ok", "{check}: {}", report.printed);
    }
    assert!(
        !report.names().contains(&"connection (agent)"),
        "one host, once"
    );
    let asked = sim.requests_after(0);
    let is_made = asked
        .iter()
        .any(|it| it.method == "POST" && it.path.contains("datafeed"));
    assert!(!is_made, "{asked:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_and_an_app_that_are_refused_are_told() {
    let sim = pod().await;
    let room = Room::new(&section(&sim, &sim.base_url(), "app.pem", ""));
    let report = room.doctor().await;
    report.has_wrong("login", BOT, "`private-key`");
    report.hides("PRIVATE KEY");

    let app = format!(
        "app = {{ id = \"{APP}\", private-key = \"file:{}\" }}\n",
        sim.file("bot.pem").display()
    );
    let room = Room::new(&section(&sim, &sim.base_url(), "bot.pem", &app));
    let report = room.doctor().await;
    report.has_wrong("app", APP, "of `app`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_shown_on_the_way_and_told_where_it_is_not_taken() {
    let sim = Symphony::start(SymphonyOptions::default().tls()).await;
    let sim = sim.expect("a pod");
    let strict = sim.certificate_url().expect("it has TLS");
    let by = |certificate: &str| {
        Room::new(&format!(
            "[[bot]]\nname = \"{DESK}\"\nplatform = \"symphony\"\nhost = \"{}\"\n\
             username = \"{BOT}\"\nkey-manager = \"{strict}\"\nsession-auth = \"{strict}\"\n\
             certificate = \"file:{certificate}\"\nca-files = [\"{}\"]\n",
            sim.base_url(),
            sim.file("ca.pem").display(),
        ))
    };
    let report = by(&sim.file("bot-certificate.pem").display().to_string())
        .doctor()
        .await;
    report.is_well();
    // It answers nobody who shows no certificate: its clock is read behind one.
    for check in ["tls (key-manager)", "clock (key-manager)", "login"] {
        assert_eq!(report.is(check), "ok", "{check}: {}", report.printed);
    }
    let other = Authority::new("nobody's").client(BOT);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("other.pem");
    std::fs::write(&file, other.certificate + &other.key).expect("it can be written");
    let report = by(&file.display().to_string()).doctor().await;
    report.has_wrong("login", BOT, "`certificate`");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_lets_the_bot_read_nothing_is_told() {
    let sim = pod().await;
    sim.fault(Fault::on("GET /agent/v5/datafeeds").status(403).times(0));
    let room = Room::new(&section(&sim, &sim.base_url(), "bot.pem", ""));
    room.doctor()
        .await
        .has_wrong("feeds", "403", "administrator of the pod");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_told_before_anything_is_signed() {
    let sim = pod().await;
    let past = Fault::on("HEAD /")
        .status(404)
        .header("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    sim.fault(past.times(0));
    let room = Room::new(&section(&sim, &sim.base_url(), "bot.pem", ""));
    room.doctor()
        .await
        .has_wrong("clock (pod)", "s ahead", "by NTP");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_the_way_is_told() {
    let sim = pod().await;
    tells_what_is_not_reached("pod", |base| section(&sim, base, "bot.pem", "")).await;

    let sim = Symphony::start(SymphonyOptions::default().tls()).await;
    let sim = sim.expect("a pod");
    let own = section(&sim, &sim.base_url(), "bot.pem", "");
    tells_whom_it_does_not_trust("pod", &own, &sim.file("ca.pem")).await;

    let ca = format!("ca-files = [\"{}\"]\n", sim.file("ca.pem").display());
    let named = section(&sim, "https://pod.symphony.test", "bot.pem", &ca);
    let at = SocketAddr::from(([127, 0, 0, 1], sim.port()));
    tells_what_a_proxy_refuses("pod", &named, &[("pod.symphony.test", at)]).await;
}
