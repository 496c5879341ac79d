//! Bots on LSEG Messenger.

use parlor_tests::sim::Fault;
use parlor_tests::sim::lseg::{APP_KEY, BOT, Lseg, LsegOptions, PASSWORD, STREAM_PATH};
use serde_json::json;

use crate::room::{
    DESK, Room, tells_what_a_proxy_refuses, tells_what_is_not_reached, tells_whom_it_does_not_trust,
};

pub(crate) async fn sim() -> Lseg {
    Lseg::start(LsegOptions::default())
        .await
        .expect("a platform")
}

/// A bot whose gateway and stream are at these addresses.
pub(crate) fn section(sim: &Lseg, base: &str, stream: &str, more: &str) -> String {
    format!(
        "[[bot]]\nname = \"{DESK}\"\nplatform = \"lseg\"\nhost = \"{base}\"\n\
         stream = \"{stream}{STREAM_PATH}\"\nusername = \"{BOT}\"\npassword = \"file:{}\"\n\
         app-key = \"file:{}\"\n{more}",
        sim.file("password").display(),
        sim.file("app-key").display(),
    )
}

pub(crate) fn own(sim: &Lseg, more: &str) -> String {
    let base = sim.base_url();
    section(sim, &base, &base.replacen("http", "ws", 1), more)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_bot_is_found_well() {
    let sim = sim().await;
    sim.room("Desk");
    let room = Room::new(&own(&sim, "rooms = [\"Desk\"]\n"));
    let report = room.doctor().await;
    report.is_well();
    assert!(report.of("login").1.contains(BOT), "{}", report.printed);
    for check in [
        "connection (host)",
        "connection (stream)",
        "rooms",
        "stream",
    ] {
        assert_eq!(report.is(check), "ok", "{check}: {}", report.printed);
    }
    assert!(!sim.has_joined("Desk"), "that is the host's to do");
    report.hides(PASSWORD);
    report.hides(APP_KEY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_refused_is_told_and_never_shown() {
    let sim = sim().await;
    std::fs::write(sim.file("password"), "wr0ng-password").expect("it can be written");
    let report = Room::new(&own(&sim, "")).doctor().await;
    report.has_wrong("login", "Invalid username or password", "`password`");
    report.hides("wr0ng-password");
    report.hides(APP_KEY);
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_that_are_not_there_and_rights_that_are_missing_are_told() {
    let sim = sim().await;
    let room = Room::new(&own(&sim, "rooms = [\"Nowhere\"]\n"));
    room.doctor()
        .await
        .has_wrong("rooms", "not listed: Nowhere", "drags the bot");
    let denied = json!({"error": {"code": 403, "message": "no entitlement"}});
    let list = Fault::on("GET */chatrooms").status(403).body(denied);
    sim.fault(list.times(0));
    let room = Room::new(&own(&sim, ""));
    room.doctor()
        .await
        .has_wrong("rooms", "no entitlement", "Bot API");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_the_way_is_told() {
    let sim = sim().await;
    let of = |base: &str| section(&sim, base, &base.replacen("http", "ws", 1), "");
    tells_what_is_not_reached("host", of).await;

    let options = LsegOptions::default().tls();
    let sim = Lseg::start(options).await.expect("a platform");
    tells_whom_it_does_not_trust("host", &own(&sim, ""), &sim.file("ca.pem")).await;

    let names = [
        ("api.lseg.test", sim.address()),
        ("stream.lseg.test", sim.address()),
    ];
    let ca = format!("ca-files = [\"{}\"]\n", sim.file("ca.pem").display());
    let named = section(&sim, "https://api.lseg.test", "wss://stream.lseg.test", &ca);
    tells_what_a_proxy_refuses("host", &named, &names).await;
}
