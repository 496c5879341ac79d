//! Webhooks of plugins: from `curl` to a message in a room.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use parlor_tests::flood::{Flood, flood};
use parlor_tests::guests;
use parlor_tests::harness::{PATIENCE, TestHost, TestHostParts};
use parlor_tests::hooks::{Caller, secret_file, signed_webhook};
use parlor_tests::process::{HostProcess, PageSocket};

/// How often a host is killed right after it has said that it has a call.
const KILLS: usize = 4;
/// Random bodies of strangers; `parlor-flood` sends as many as it is told.
const BODIES: usize = 20_000;
/// How long a good call may take among strangers, at the 99th percentile: they send as fast as they
/// can from the same two processors.
const AMONG_STRANGERS: Duration = Duration::from_millis(500);

const PAGER: &str = "/hooks/default/pager/pager";

/// A host in memory whose webhooks are open, and a caller of them.
async fn host_with(plugin: &str, settings: &str) -> (TestHost, Caller) {
    let host = TestHost::start(TestHostParts {
        settings: "[http]\nlisten = \"127.0.0.1:0\"\n".to_owned(),
        ..TestHostParts::default()
    })
    .await;
    host.host().hooks().open(None);
    host.load(plugin, guests::bytes(plugin), Some(settings))
        .await;
    assert_eq!(host.row(plugin).last_error, None);
    let address = host.host().hooks().address().expect("webhooks are open");
    (host, Caller::new(&address.to_string()))
}

#[tokio::test(flavor = "multi_thread")]
async fn event_webhook_received() {
    let (host, mut caller) = host_with("kinds", &signed_webhook("build", "")).await;
    let status = caller
        .post("/hooks/default/kinds/build", "7", b"{\"ok\":true}")
        .await
        .expect("the ingress answers");
    assert_eq!(status, 202);
    host.idle().await;
    let seen = host.ask("seen webhook-received").await.pop();
    let seen = seen.expect("it answers");
    for part in [
        "name: \"build\"",
        "delivery-id: Some(\"7\")",
        "method: \"POST\"",
        "body: [123, 34, 111, 107",
    ] {
        assert!(seen.contains(part), "{part}: {seen}");
    }
    // The signature is nobody else's.
    assert!(!seen.contains("sha256="), "{seen}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_answered_in_the_conversation_that_the_settings_name() {
    let settings = signed_webhook("pager", "conversation = \"Ops\"");
    let (host, mut caller) = host_with("pager", &settings).await;
    let ops = host.room("ada", "Ops").await;
    for _ in 0..3 {
        let status = caller.post(PAGER, "1", b"disk full").await;
        assert_eq!(status.expect("the ingress answers"), 202);
    }
    host.idle().await;
    let answers = host.all_answers(&ops);
    let texts: Vec<&str> = answers.iter().map(|message| &*message.text).collect();
    assert_eq!(texts, ["alert: disk full"], "one delivery is one message");
    let row = host.row("pager").webhooks.remove(0);
    assert_eq!((row.taken, row.duplicates), (1, 2));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_plugin_that_declares_a_webhook_hears_it() {
    let (host, mut caller) = host_with("pager", &signed_webhook("pager", "")).await;
    host.load("kinds", guests::bytes("kinds"), None).await;
    let status = caller.post(PAGER, "1", b"x").await;
    assert_eq!(status.expect("the ingress answers"), 202);
    let status = caller.post("/hooks/default/kinds/pager", "1", b"x").await;
    assert_eq!(status.expect("the ingress answers"), 404);
    host.idle().await;
    let seen = host.ask("seen webhook-received").await.pop();
    assert_eq!(seen.as_deref(), Some("nothing"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_follow_the_settings_without_a_restart() {
    let (host, mut caller) = host_with("pager", &signed_webhook("pager", "")).await;
    let mut post = async |id: &str| caller.post(PAGER, id, b"x").await;
    assert_eq!(post("1").await.expect("an answer"), 202);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let other = folder.path().join("secret");
    std::fs::write(&other, "another secret").expect("a secret can be written");
    let other = other.display().to_string();
    let other = signed_webhook("pager", "").replace(&secret_file(), &other);
    host.load("pager", guests::bytes("pager"), Some(&other))
        .await;
    assert_eq!(post("2").await.expect("an answer"), 401);
    let row = host.row("pager").webhooks.remove(0);
    assert_eq!(row.refused["wrong proof of the sender"], 1);
    assert_eq!(
        row.last_refusal.as_deref(),
        Some("wrong proof of the sender")
    );
    host.load("pager", guests::bytes("pager"), Some("")).await;
    assert_eq!(host.host().hooks().address(), None, "nothing needs it");
    // A connection that was open may be answered once more before it is closed.
    while let Ok(status) = post("3").await {
        assert_eq!(status, 404);
    }
    let open = signed_webhook("pager", "");
    host.load("pager", guests::bytes("pager"), Some(&open))
        .await;
    assert!(host.host().hooks().address().is_some());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_is_wrong_refuses_its_plugin_and_names_the_line() {
    let host = TestHost::start(TestHostParts::default()).await;
    let settings = "\n[webhooks.pager]\nverify = \"nothing\"\n";
    host.load("pager", guests::bytes("pager"), Some(settings))
        .await;
    let error = host.row("pager").last_error.unwrap_or_default();
    assert!(error.contains("pager.toml:3: `verify`"), "{error}");
    host.stop().await;
}

/// Where a host's webhook is called, as its panel says.
async fn hook_address(socket: &mut PageSocket) -> Result<String> {
    while let Some(frame) = socket.next().await? {
        let url = frame["plugins"]
            .as_array()
            .into_iter()
            .flatten()
            .find_map(|row| row["webhooks"][0]["url"].as_str());
        if let Some(url) = url {
            let rest = url.strip_prefix("http://").context("a local address")?;
            let (address, path) = rest.split_once('/').context("a path")?;
            ensure!(format!("/{path}") == PAGER, "{url}");
            return Ok(address.to_owned());
        }
    }
    anyhow::bail!("the page ended")
}

/// What the bot has said in the lobby, once this is among it.
async fn alerts(socket: &mut PageSocket, wanted: &str) -> Result<Vec<String>> {
    socket.speak_as("ada").await?;
    let mut said: Vec<String> = Vec::new();
    while let Some(frame) = socket.next().await? {
        if frame.get("snapshot").is_some() {
            said.clear();
        }
        let room = frame["snapshot"]["rooms"].as_array().into_iter().flatten();
        let old = room.flat_map(|room| room["messages"].as_array().into_iter().flatten());
        let new = &frame["event"]["change"]["posted"];
        for message in old.chain([new]) {
            let text = message["text"].as_str().unwrap_or_default();
            if text.starts_with("alert: ") {
                said.push(text.to_owned());
            }
        }
        if said.iter().any(|text| text == wanted) {
            return Ok(said);
        }
    }
    anyhow::bail!("the page ended")
}

fn folder_with_pager() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins)?;
    std::fs::copy(guests::component("pager"), plugins.join("pager.wasm"))?;
    let hook = signed_webhook("pager", "conversation = \"lobby\"");
    std::fs::write(plugins.join("pager.toml"), hook)?;
    std::fs::write(
        folder.path().join("parlor.toml"),
        "[http]\nlisten = \"127.0.0.1:0\"\n[local]\nlisten = \"127.0.0.1:0\"\n",
    )?;
    Ok(folder)
}

async fn start(folder: &Path) -> Result<(HostProcess, PageSocket, Caller)> {
    let program = Path::new(env!("CARGO_BIN_EXE_parlor-under-test"));
    let mut host = HostProcess::start(program, folder)?;
    let page = host.page().await?;
    let mut socket = PageSocket::open(&page).await?;
    let address = hook_address(&mut socket).await?;
    Ok((host, socket, Caller::new(&address)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_answered_is_a_message_once_whatever_kills_the_host() -> Result<()> {
    let folder = folder_with_pager()?;
    for kill in 0..KILLS {
        let (host, _, mut caller) = start(folder.path()).await?;
        let (id, body) = (format!("id-{kill}"), format!("alert {kill}"));
        let status = caller.post(PAGER, &id, body.as_bytes()).await?;
        ensure!(status == 202, "answered {status}");
        host.kill().await?;
    }
    let (host, mut socket, mut caller) = start(folder.path()).await?;
    for kill in 0..KILLS {
        let (id, body) = (format!("id-{kill}"), format!("alert {kill}"));
        let status = caller.post(PAGER, &id, body.as_bytes()).await?;
        ensure!(status == 202, "one that came before is answered {status}");
    }
    // It comes after all of them in their conversation's order.
    let status = caller.post(PAGER, "last", b"last").await?;
    ensure!(status == 202, "answered {status}");
    let said = alerts(&mut socket, "alert: last").await?;
    let mut wanted: Vec<String> = (0..KILLS)
        .map(|kill| format!("alert: alert {kill}"))
        .collect();
    wanted.push("alert: last".to_owned());
    ensure!(said == wanted, "{said:?}");
    host.stop().await?;
    the_secret_is_nowhere(folder.path())
}

/// Looks through everything that the host left for the secret of the webhook.
fn the_secret_is_nowhere(folder: &Path) -> Result<()> {
    let secret = std::fs::read(secret_file())?;
    let mut folders = vec![folder.to_owned()];
    let mut seen = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path)?;
            let holds = bytes.windows(secret.len()).any(|part| part == secret);
            ensure!(!holds, "{} holds the secret", path.display());
            seen.extend(path.file_name().map(|name| name.to_owned()));
        }
    }
    for file in ["audit.log", "parlor.log", "journal.sqlite", "rooms.jsonl"] {
        ensure!(
            seen.iter().any(|name| name == file),
            "no {file} in {seen:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bodies_do_not_hold_up_good_ones() -> Result<()> {
    let flood = tokio::time::timeout(PATIENCE * 3, flood(BODIES)).await??;
    let sent: usize = flood.answers.values().sum();
    assert_eq!(sent, BODIES, "every body has its answer");
    let p99 = Flood::percentile(&flood.among_strangers, 99);
    assert!(p99 < AMONG_STRANGERS, "{p99:?} among strangers");
    Ok(())
}
