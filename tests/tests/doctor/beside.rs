//! Beside a running host, which loses nothing by it; and what is a mistake of whoever asks.

use std::path::Path;

use anyhow::{Context as _, Result};
use parlor_tests::harness::PATIENCE;
use parlor_tests::process::HostProcess;
use parlor_tests::sim::lseg::TOKEN_PATH;
use parlor_tests::sim::webex::{TOKEN, Webex, WebexOptions};

use crate::room::{DESK, Room, closed_port};

async fn serve(room: &Room) -> Result<HostProcess> {
    let program = Path::new(env!("CARGO_BIN_EXE_parlor-under-test"));
    let mut host = HostProcess::start(program, room.path())?;
    host.page().await?;
    Ok(host)
}

/// Asks until the bot is connected.
async fn connected(room: &Room) -> Result<crate::room::Report> {
    let asked = async {
        loop {
            let report = room.doctor().await;
            if report.is("session") == "ok" {
                return report;
            }
        }
    };
    let asked = tokio::time::timeout(PATIENCE, asked).await;
    asked.context("the bot does not connect")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_login_is_made_that_would_end_the_running_hosts() -> Result<()> {
    let sim = crate::lseg::sim().await;
    sim.room("Desk");
    let room = Room::new(&crate::lseg::own(&sim, "rooms = [\"Desk\"]\n"));
    let host = serve(&room).await?;
    let joined = sim.comes_to(PATIENCE, |sim| sim.has_joined("Desk")).await;
    assert!(joined, "the host is in");
    let report = connected(&room).await?;
    report.is_well();
    assert_eq!(report.of("login").1, "the running host is logged in");
    assert_eq!(report.is("rooms"), "skipped");
    let requests = sim.requests_after(0);
    let logins = requests.iter().filter(|it| it.path == TOKEN_PATH);
    assert_eq!(logins.count(), 1, "{requests:#?}");
    assert_eq!(sim.streams(), 1);
    host.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_may_hold_that_does_not_answer_is_not_taken_from_it() -> Result<()> {
    let sim = crate::lseg::sim().await;
    let room = Room::new(&crate::lseg::own(&sim, ""));
    let data = room.path().join("data");
    std::fs::create_dir(&data)?;
    let _silent = tokio::net::UnixListener::bind(data.join("control.sock"))?;
    let report = room.ask(&["--json", "--timeout-secs", "1"]).await;
    assert_eq!(report.code, Some(1), "{}", report.printed);
    let host = "\"check\":\"host\",\"finding\":\"wrong\"";
    assert!(report.printed.contains(host), "{}", report.printed);
    assert!(report.of("login").1.contains("the host does not answer"));
    let requests = sim.requests_after(0);
    assert!(
        requests.iter().all(|it| it.path != TOKEN_PATH),
        "{requests:#?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_and_the_running_hosts_listener_are_looked_at() -> Result<()> {
    let sim = Webex::start(WebexOptions::default()).await?;
    let port = closed_port().await;
    let room = Room::with_http(
        &format!("listen = \"127.0.0.1:{port}\""),
        &format!(
            "[[bot]]\nname = \"{DESK}\"\nplatform = \"webex\"\napi = \"{}/v1\"\n\
             token = \"file:token\"\nwebhook-check-secs = 3600\n",
            sim.base_url()
        ),
    );
    room.write("token", TOKEN);
    let host = serve(&room).await?;
    let report = connected(&room).await?;
    report.is_well();
    for check in ["webhooks", "address", "call"] {
        assert_eq!(report.is(check), "ok", "{check}: {}", report.printed);
    }
    // Somebody takes one away, and the host has not looked yet.
    let hook = sim.hooks().into_iter().next().context("a webhook")?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let id = hook["id"].as_str().context("an id")?;
    let url = format!("{}/v1/webhooks/{id}", sim.base_url());
    let taken = client.delete(&url).bearer_auth(TOKEN).send().await?;
    assert!(taken.status().is_success(), "{taken:?}");
    let report = room.doctor().await;
    report.has_wrong("webhooks", "is missing", "looks again every 3600 s");
    host.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_of_the_settings_or_of_a_name_ends_with_64() {
    let room = Room::new("[[bot]]\nname = \"desk\"\nplatform = \"webex\"\ntokn = \"x\"\n");
    let report = room.ask(&[]).await;
    assert_eq!(report.code, Some(64), "{}", report.printed);
    assert!(
        report.printed.contains("unknown key `tokn`"),
        "{}",
        report.printed
    );

    let room = Room::new("[[bot]]\nname = \"desk\"\nplatform = \"webex\"\ntoken = \"file:none\"\n");
    let report = room.ask(&[]).await;
    assert_eq!(report.code, Some(64), "{}", report.printed);
    assert!(report.printed.contains("`token`"), "{}", report.printed);

    let room = Room::new("[[bot]]\nname = \"desk\"\nplatform = \"local\"\n");
    let report = room.ask(&["other"]).await;
    assert_eq!(report.code, Some(64), "{}", report.printed);
    assert!(
        report
            .printed
            .contains("there is no bot other; there are desk")
    );
    let report = room.doctor().await;
    report.is_well();
    assert_eq!(report.is("login"), "ok");
    for check in [
        "host",
        "plugins folder",
        "data folder",
        "journal",
        "disk",
        "open files",
        "page",
    ] {
        let named = format!("\"check\":\"{check}\"");
        assert!(
            report.printed.contains(&named),
            "{check}: {}",
            report.printed
        );
    }
}
