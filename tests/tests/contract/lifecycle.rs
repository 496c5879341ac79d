//! What a plugin hears of its own life.

use parlor_tests::guests;
use parlor_tests::harness::{TestHost, TestHostParts};

const TWO_BOTS: &str = r#"
[[bot]]
name = "parlor"
platform = "local"
[[bot]]
name = "second"
platform = "local"
"#;

/// A host with two bots and a room; nothing is loaded.
async fn host() -> (TestHost, String) {
    let host = TestHost::start(TestHostParts {
        settings: TWO_BOTS.to_owned(),
        ..TestHostParts::default()
    })
    .await;
    let lobby = host.room("ada", "Lobby").await;
    (host, lobby)
}

/// The guest's settings: it tells the room, and has this word.
fn settings(room: &str, word: &str) -> String {
    format!(
        "grants.actions = [\"send-conversation\"]\nconfig = {{ to = \"{room}\", word = \"{word}\" }}"
    )
}

/// Gives `life` a build and settings.
async fn load(host: &TestHost, guest: &str, settings: Option<&str>) {
    host.load("life", guests::bytes(guest), settings).await;
    assert_eq!(host.row("life").last_error, None);
    host.idle().await;
}

/// What was told, in the order of the telling.
fn told(host: &TestHost, room: &str) -> Vec<String> {
    let messages = host.messages("ada", room);
    messages.iter().map(|m| m.text.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lifecycle_started() {
    let (host, lobby) = host().await;
    let settings = settings(&lobby, "one");
    load(&host, "lifecycle", Some(&settings)).await;
    let mut heard = told(&host, &lobby);
    heard.sort();
    assert_eq!(heard, ["started, parlor", "started, second"]);
    // The same again, and gone and back: it has started already.
    load(&host, "lifecycle", Some(&settings)).await;
    let removed = parlor_host::app::reload::FolderChange::Removed {
        name: "life".to_owned(),
    };
    host.host().plugins().apply(removed).await;
    load(&host, "lifecycle", Some(&settings)).await;
    assert_eq!(told(&host, &lobby).len(), 2);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lifecycle_config_changed() {
    let (host, lobby) = host().await;
    load(&host, "lifecycle", Some(&settings(&lobby, "one"))).await;
    load(&host, "lifecycle", Some(&settings(&lobby, "two"))).await;
    assert_eq!(told(&host, &lobby)[2..], ["config-changed to two, no bot"]);
    // Where the line stands in the file is no change.
    let moved = format!("\n\n{}", settings(&lobby, "two"));
    load(&host, "lifecycle", Some(&moved)).await;
    assert_eq!(told(&host, &lobby).len(), 3);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lifecycle_reloaded() {
    let (host, lobby) = host().await;
    // `kinds` states version 1.0.0 and `lifecycle` 2.0.0.
    load(&host, "kinds", None).await;
    load(&host, "lifecycle", Some(&settings(&lobby, "one"))).await;
    assert_eq!(told(&host, &lobby), ["reloaded from 1.0.0, no bot"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lifecycle_draining() {
    let (host, lobby) = host().await;
    load(&host, "lifecycle", Some(&settings(&lobby, "one"))).await;
    let before = told(&host, &lobby).len();
    host.host().clone().stop().await;
    assert_eq!(told(&host, &lobby)[before..], ["draining, no bot"]);
}
