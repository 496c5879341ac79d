//! Bots on Webex.

use parlor_tests::sim::Fault;
use parlor_tests::sim::webex::{TOKEN, Webex, WebexOptions};
use serde_json::json;

use crate::room::{
    DESK, Report, Room, closed_port, tells_what_a_proxy_refuses, tells_what_is_not_reached,
    tells_whom_it_does_not_trust,
};

const WRONG: &str = "wr0ng-token-of-nobody";

/// The files of tokens; the folder is kept as long as the test runs.
struct Tokens(tempfile::TempDir);

impl Tokens {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, token) in [("token", TOKEN), ("wrong", WRONG)] {
            std::fs::write(folder.path().join(name), token).expect("it can be written");
        }
        Self(folder)
    }

    fn section(&self, base: &str, token: &str, more: &str) -> String {
        format!(
            "[[bot]]\nname = \"{DESK}\"\nplatform = \"webex\"\napi = \"{base}/v1\"\n\
             token = \"file:{}\"\n{more}",
            self.0.path().join(token).display()
        )
    }
}

async fn sim() -> Webex {
    Webex::start(WebexOptions::default())
        .await
        .expect("a platform")
}

fn socket(base: &str) -> String {
    format!("events = \"websocket\"\ndiscovery = \"{base}/u2c/api/v1\"\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_bot_is_found_well_and_nothing_is_made() {
    let (sim, tokens) = (sim().await, Tokens::new());
    let room = Room::new(&tokens.section(&sim.base_url(), "token", ""));
    let report: Report = room.doctor().await;
    report.is_well();
    assert!(
        report.of("login").1.contains("Trade Bot"),
        "{}",
        report.printed
    );
    for check in [
        "connection (api)",
        "clock (api)",
        "account",
        "permissions",
        "address",
        "call",
    ] {
        assert_eq!(report.is(check), "ok", "{check}: {}", report.printed);
    }
    // The host makes them when it starts.
    assert_eq!(report.is("webhooks"), "note");
    assert!(sim.hooks().is_empty());
    assert!(!room.path().join("data").exists());
    report.hides(TOKEN);

    let people = room.ask(&[DESK]).await;
    assert_eq!(people.code, Some(0), "{}", people.printed);
    assert!(people.printed.starts_with("BOT "), "{}", people.printed);
    assert!(
        people.printed.ends_with("nothing is wrong\n"),
        "{}",
        people.printed
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_of_the_websocket_has_its_devices_looked_at_and_none_made() {
    let (sim, tokens) = (sim().await, Tokens::new());
    let base = sim.base_url();
    let room = Room::new(&tokens.section(&base, "token", &socket(&base)));
    let report = room.doctor().await;
    report.is_well();
    assert_eq!(report.is("connection (discovery)"), "ok");
    assert_eq!(report.is("devices"), "ok");
    assert!(!report.names().contains(&"call"), "nobody calls it");
    assert_eq!(sim.devices(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_is_told_and_never_shown() {
    let (sim, tokens) = (sim().await, Tokens::new());
    // Some servers say what they were shown.
    let body = json!({"message": format!("the token {WRONG} is not valid")});
    sim.fault(
        Fault::on("GET /v1/people/me")
            .status(401)
            .body(body)
            .times(0),
    );
    let room = Room::new(&tokens.section(&sim.base_url(), "wrong", ""));
    let report = room.doctor().await;
    report.has_wrong("login", "is not valid", "Regenerate Access Token");
    report.hides(WRONG);
    report.hides(TOKEN);
    let people = room.ask(&[]).await;
    assert!(
        people.printed.ends_with("1 check is wrong\n"),
        "{}",
        people.printed
    );
    people.hides(WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_rights_and_a_person_s_are_told() {
    let (sim, tokens) = (sim().await, Tokens::new());
    let room = Room::new(&tokens.section(&sim.base_url(), "token", ""));
    sim.fault(Fault::on("GET /v1/rooms").status(403).times(1));
    room.doctor()
        .await
        .has_wrong("permissions", "403", "needs its scopes");
    let person =
        json!({"id": "p", "type": "person", "displayName": "Ada", "emails": ["ada@acme.com"]});
    sim.fault(
        Fault::on("GET /v1/people/me")
            .status(200)
            .body(person)
            .times(1),
    );
    let report = room.doctor().await;
    report.is_well();
    assert_eq!(report.is("account"), "note");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_the_way_is_told() {
    let tokens = Tokens::new();
    tells_what_is_not_reached("api", |base| tokens.section(base, "token", "")).await;

    let options = WebexOptions {
        tls: true,
        ..WebexOptions::default()
    };
    let sim = Webex::start(options).await.expect("a platform");
    let ca = tokens.0.path().join("ca.pem");
    std::fs::write(&ca, sim.authority().unwrap_or_default()).expect("it can be written");
    let section = tokens.section(&sim.base_url(), "token", "");
    tells_whom_it_does_not_trust("api", &section, &ca).await;

    let options = WebexOptions {
        real_names: true,
        ..options
    };
    let sim = Webex::start(options).await.expect("a platform");
    std::fs::write(&ca, sim.authority().unwrap_or_default()).expect("it can be written");
    let (api, mercury) = sim.addresses();
    let names = [("webexapis.com", api), ("mercury.wbx2.com", mercury)];
    let base = sim.base_url();
    let more = format!("{}ca-files = [\"{}\"]\n", socket(&base), ca.display());
    let section = tokens.section(&base, "token", &more);
    tells_what_a_proxy_refuses("api", &section, &names).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_address_that_does_not_lead_here_is_told() {
    let (sim, tokens) = (sim().await, Tokens::new());
    let section = tokens.section(&sim.base_url(), "token", "");
    let with = |public: &str| {
        let http = format!("listen = \"127.0.0.1:0\"\npublic-url = \"{public}\"");
        Room::with_http(&http, &section)
    };
    // Another server answers there.
    let report = with(&sim.base_url()).doctor().await;
    report.has_wrong("call", "(401)", "must lead");
    let dead = format!("http://127.0.0.1:{}", closed_port().await);
    let report = with(&dead).doctor().await;
    report.has_wrong("connection (public-url)", "refused", "public-url");
    assert_eq!(report.is("call"), "skipped");

    // The listener is somebody else's.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let http = format!("listen = \"{}\"", taken.local_addr().expect("an address"));
    let report = Room::with_http(&http, &section).doctor().await;
    assert_eq!(report.code, Some(1));
    assert!(report.printed.contains("is in use"), "{}", report.printed);

    // A platform that is elsewhere cannot call this machine's own address.
    let elsewhere = section.replace(&sim.base_url(), &format!("https://{}.test", "x".repeat(64)));
    let report = Room::new(&elsewhere).doctor().await;
    let (finding, found, change) = report.of("address");
    assert_eq!(finding, "wrong", "{}", report.printed);
    assert!(found.contains("127.0.0.1") && change.contains("`public-url`"));
}
