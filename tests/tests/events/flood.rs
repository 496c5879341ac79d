//! More failures at one time than the host keeps to tell.

use std::time::Duration;

use parlor_tests::person::Listener;

use super::*;

/// Commands that come to nothing at one time.
const COMMANDS: usize = 1_500;
/// What an asker is told.
const TOLD: &str = "That did not work";

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_failures_is_told_within_bounds_and_holds_up_nobody() -> anyhow::Result<()> {
    let settings = format!("{SETTINGS}\n[plugin.echo]\nmax-age = {{ commands = \"1s\" }}\n");
    let place = Place::new(&settings, &[("echo", "echo"), ("counter", "counter")])?;
    let mut host = HostProcess::start(program(), place.path())?;
    let page = host.page().await?;
    let mut ada = Person::open(&page, "ada").await?;
    let mut bob = Person::open(&page, "bob").await?;
    let lobby = open_room(&mut ada, "Lobby").await?;
    let den = open_room(&mut bob, "Den").await?;
    say(&mut ada, &lobby, "/echo first").await?;
    ada.hears("first").await?;
    let listener = Listener::open(&page, "carl", "parlor").await?;
    // The platform keeps what is said while nobody listens, until all of it is too old.
    place.printed(&["bots", "pause", "parlor"]).await?;
    for number in 0..COMMANDS {
        say(&mut ada, &lobby, &format!("/echo late {number}")).await?;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    place.printed(&["bots", "resume", "parlor"]).await?;
    say(&mut bob, &den, "+1").await?;
    bob.hears("1").await?;

    // Each asker is told, or the log says that one was not; none is told twice.
    let told = || {
        listener
            .heard()
            .iter()
            .filter(|it| it.starts_with(TOLD))
            .count()
    };
    let log = place.path().join("parlor.log");
    let untold = || {
        let log = std::fs::read_to_string(&log).unwrap_or_default();
        log.matches("too many failures wait").count()
    };
    let all = async {
        while told() + untold() < COMMANDS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(2 * PATIENCE, all).await;
    waited.with_context(|| format!("{} told, {} not", told(), untold()))?;
    let heard = listener.heard();
    let mut traces: Vec<&str> = heard
        .iter()
        .filter(|it| it.starts_with(TOLD))
        .map(String::as_str)
        .collect();
    traces.sort_unstable();
    traces.dedup();
    assert_eq!(traces.len(), told(), "nobody is told twice");
    let limit = (COMMANDS + 1).to_string();
    let dead = place.json(&["events", "--dead", "--limit", &limit]).await?;
    assert_eq!(dead.len(), COMMANDS);
    let is_expired = |event: &Value| event["deliveries"][0]["reason"] == "expired";
    assert!(dead.iter().all(is_expired));
    say(&mut bob, &den, "+1").await?;
    bob.hears("2").await?;
    assert!(host.stop().await?.success());
    assert_eq!(told() + untold(), COMMANDS);
    Ok(())
}
