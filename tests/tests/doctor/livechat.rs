//! Bots on LiveChat.

use std::net::SocketAddr;

use parlor_tests::sim::Fault;
use parlor_tests::sim::livechat::{
    ACCOUNT, CLIENT_ID, CLIENT_SECRET, LiveChat, LiveChatOptions, ORGANIZATION, PAT, error,
};
use serde_json::json;

use crate::room::{
    DESK, Room, tells_what_a_proxy_refuses, tells_what_is_not_reached, tells_whom_it_does_not_trust,
};

const WRONG: &str = "wr0ng-personal-token";

/// The files of secrets; the folder is kept as long as the test runs.
struct Secrets(tempfile::TempDir);

impl Secrets {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [("pat", PAT), ("key", CLIENT_SECRET), ("wrong", WRONG)] {
            std::fs::write(folder.path().join(name), text).expect("it can be written");
        }
        Self(folder)
    }

    fn file(&self, name: &str) -> String {
        format!("\"file:{}\"", self.0.path().join(name).display())
    }

    fn personal(&self, base: &str, token: &str) -> String {
        format!(
            "[[bot]]\nname = \"{DESK}\"\nplatform = \"livechat\"\nclient-id = \"{CLIENT_ID}\"\n\
             account-id = \"{ACCOUNT}\"\npersonal-token = {}\n\
             organization-id = \"{ORGANIZATION}\"\ndisplay-name = \"Desk Bot\"\n\
             api = \"{base}\"\naccounts = \"{base}\"\n",
            self.file(token)
        )
    }
}

async fn sim() -> LiveChat {
    LiveChat::start(LiveChatOptions::default())
        .await
        .expect("the platform")
}

fn login() -> String {
    format!("login ({ORGANIZATION})")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_bot_is_found_well_and_nothing_is_made() {
    let (sim, secrets) = (sim().await, Secrets::new());
    let room = Room::new(&secrets.personal(&sim.base_url(), "pat"));
    let report = room.doctor().await;
    report.is_well();
    for check in [
        "connection (api)",
        "connection (accounts)",
        "address",
        "call",
    ] {
        assert_eq!(report.is(check), "ok", "{check}: {}", report.printed);
    }
    assert_eq!(report.is(&login()), "ok");
    assert_eq!(report.is(&format!("permissions ({ORGANIZATION})")), "ok");
    // The host makes both when it starts.
    assert_eq!(report.is(&format!("bot ({ORGANIZATION})")), "note");
    assert_eq!(report.is("webhooks"), "note");
    assert!(sim.bots().iter().all(|(_, name, _)| name != "Desk Bot"));
    assert!(sim.hooks().is_empty() && !room.path().join("data").exists());
    report.hides(PAT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_token_that_is_refused_is_told_and_never_shown() {
    let (sim, secrets) = (sim().await, Secrets::new());
    let body = json!({"error": {
        "type": "authentication", "message": format!("{ACCOUNT}:{WRONG} is nobody"),
    }});
    let refused = Fault::on("POST */list_bots").status(401).body(body);
    sim.fault(refused.times(0));
    let room = Room::new(&secrets.personal(&sim.base_url(), "wrong"));
    let report = room.doctor().await;
    let (finding, _, change) = report.of(&login());
    assert_eq!(finding, "wrong", "{}", report.printed);
    assert!(change.contains("`personal-token`"), "{change}");
    assert_eq!(report.code, Some(1));
    report.hides(WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_that_are_missing_are_told() {
    let (sim, secrets) = (sim().await, Secrets::new());
    let room = Room::new(&secrets.personal(&sim.base_url(), "pat"));
    sim.fault(error("POST */list_chats", "authorization").times(1));
    room.doctor().await.has_wrong(
        &format!("permissions ({ORGANIZATION})"),
        "authorization",
        "`chats--all:rw`",
    );
    sim.fault(error("POST */list_webhooks", "authorization").times(1));
    room.doctor()
        .await
        .has_wrong("webhooks", "authorization", "`webhooks.configuration:rw`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_nobody_has_installed_is_told_with_what_to_do() {
    let (sim, secrets) = (sim().await, Secrets::new());
    let base = sim.base_url();
    let room = Room::new(&format!(
        "[[bot]]\nname = \"{DESK}\"\nplatform = \"livechat\"\nclient-id = \"{CLIENT_ID}\"\n\
         client-secret = {}\nredirect-uri = \"http://127.0.0.1:1/token\"\n\
         api = \"{base}\"\naccounts = \"{base}\"\n",
        secrets.file("key")
    ));
    let report = room.doctor().await;
    report.is_well();
    let (finding, _, change) = report.of("licences");
    assert_eq!(finding, "note");
    assert!(
        change.contains("`parlor install livechat desk`"),
        "{change}"
    );
    // It is called at its redirect's path, which leads elsewhere.
    assert_eq!(report.is("call"), "ok", "{}", report.printed);
    assert_eq!(report.is("redirect"), "note");
    report.hides(CLIENT_SECRET);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_the_way_is_told() {
    let secrets = Secrets::new();
    tells_what_is_not_reached("api", |base| secrets.personal(base, "pat")).await;

    let options = LiveChatOptions::default().tls();
    let sim = LiveChat::start(options).await.expect("the platform");
    let own = secrets.personal(&sim.base_url(), "pat");
    tells_whom_it_does_not_trust("api", &own, &sim.ca_file()).await;

    let at: SocketAddr = sim
        .base_url()
        .trim_start_matches("https://")
        .parse()
        .expect("an address");
    let ca = format!("ca-files = [\"{}\"]\n", sim.ca_file().display());
    let named = secrets.personal("https://api.livechat.test", "pat") + &ca;
    tells_what_a_proxy_refuses("api", &named, &[("api.livechat.test", at)]).await;
}
