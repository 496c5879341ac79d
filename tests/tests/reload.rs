//! Builds that give way: probation, the last good build, rollback, a pinned hash; over restarts too.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parlor_host::app::control::{ControlSocket, serve};
use parlor_host::config::{sha256_of, write_sha256};
use parlor_host::journal::sqlite::{SqliteConfig, SqliteJournal};
use parlor_host::mailbox::control::{
    Ask, AskError, Line, PluginHealth, PluginLine, RefusedReason, ask,
};
use parlor_host::telemetry::Audit;
use parlor_tests::guests;
use parlor_tests::harness::{PATIENCE, TestHost, TestHostParts};

const PLUGIN: &str = "versioned";
/// A build that answers with this.
const FIRST: &str = "ANSWER-0000000001";
/// Another.
const SECOND: &str = "ANSWER-0000000002";
/// A third.
const THIRD: &str = "ANSWER-0000000003";
/// A build that traps.
const FAULTY: &str = "FAULT-00000000001";

/// `versioned` with another marker: a new build without a compiler.
fn build(marker: &str) -> Vec<u8> {
    let mut wasm = guests::bytes(PLUGIN);
    let old = b"ANSWER-0000000000";
    let at = wasm.windows(old.len()).position(|window| window == old);
    let at = at.expect("the guest has its marker");
    wasm[at..at + old.len()].copy_from_slice(marker.as_bytes());
    wasm
}

fn health(host: &TestHost) -> PluginHealth {
    host.row(PLUGIN).health.expect("it serves")
}

/// What is wrong with the plugin.
fn problem(host: &TestHost) -> String {
    host.row(PLUGIN).last_error.unwrap_or_default()
}

async fn load(host: &TestHost, wasm: Vec<u8>) {
    host.load(PLUGIN, wasm, None).await;
}

/// A host in which the first build is good, and the second serves.
async fn two_builds() -> TestHost {
    let host = TestHost::start(TestHostParts::default()).await;
    load(&host, build(FIRST)).await;
    load(&host, build(SECOND)).await;
    assert_eq!(host.ask("hello").await, [SECOND]);
    assert_eq!(problem(&host), "");
    host
}

/// Asks a host on its control socket.
async fn control(host: &TestHost, request: Ask) -> Result<Vec<Line>, AskError> {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = ControlSocket::bind(folder.path()).expect("a socket");
    let stop = tokio_util::sync::CancellationToken::new();
    let serving = serve(
        socket,
        host.host().clone(),
        Arc::new(Audit::default()),
        stop.clone(),
    );
    let served = tokio::spawn(serving);
    let answer = ask(folder.path(), request, PATIENCE).await;
    stop.cancel();
    served.await.expect("it ends");
    answer.map(|(lines, _)| lines)
}

async fn roll_back(host: &TestHost) -> PluginLine {
    let plugin = PLUGIN.to_owned();
    let answer = control(host, Ask::RollbackPlugin { plugin }).await;
    match answer.expect("it is rolled back").as_slice() {
        [_, Line::Plugin(line)] | [Line::Plugin(line)] => line.clone(),
        other => panic!("{other:?}"),
    }
}

async fn refusal(host: &TestHost, plugin: &str) -> (RefusedReason, String) {
    let plugin = plugin.to_owned();
    match control(host, Ask::RollbackPlugin { plugin }).await {
        Err(AskError::Refused(refused)) => (refused.reason, refused.text),
        other => panic!("{other:?}"),
    }
}

async fn reload(host: &TestHost, plugin: Option<&str>) {
    let plugin = plugin.map(str::to_owned);
    let answer = control(host, Ask::Reload { plugin }).await;
    answer.expect("it is reloaded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_faults_on_probation_gives_way_and_loses_no_event() {
    let host = TestHost::start(TestHostParts::default()).await;
    load(&host, build(FIRST)).await;
    assert_eq!(host.ask("hello").await, [FIRST]);
    load(&host, build(FAULTY)).await;
    let on_probation = health(&host);
    assert!(on_probation.probation);
    assert_eq!(on_probation.rollback_to.as_deref(), Some("0.1.0"));

    assert_eq!(host.ask("hello").await, [FIRST], "the old build answers");
    assert!(host.dead_letters().await.is_empty());
    let row = host
        .until(PLUGIN, |row| {
            let said = row.last_error.as_deref().unwrap_or_default();
            said.contains("had a fault in its probation")
        })
        .await;
    assert_eq!(row.state, "serving");
    let said = row.last_error.unwrap_or_default();
    assert!(said.contains("as the marker says"), "{said}");
    assert!(said.contains("version 0.1.0 serves instead"), "{said}");
    let health = row.health.expect("it serves");
    assert_eq!(health.sha256, write_sha256(&sha256_of(&build(FIRST))));
    assert!(!health.probation, "it is good");
    assert_eq!(health.recent.len(), 1);
    assert_eq!(health.recent[0].attempt, 1);

    // A fault may quote somebody, who is forgotten here too; that there was one is not.
    let user = "user:somebody".to_owned();
    let forgot = control(&host, Ask::Forget { user }).await;
    forgot.expect("it answers");
    let said = problem(&host);
    assert!(!said.contains("as the marker says"), "{said}");
    assert!(said.contains("had a fault in its probation"), "{said}");
    assert!(said.contains("version 0.1.0 serves instead"), "{said}");
    let told = host.row(PLUGIN).health.expect("it serves").recent;
    assert_eq!(told[0].text, "what it said was forgotten");

    // The same file again is not tried again; another one is, and clears the record.
    load(&host, build(FAULTY)).await;
    assert_eq!(host.ask("again").await, [FIRST]);
    assert!(problem(&host).contains("had a fault in its probation"));
    load(&host, build(SECOND)).await;
    assert_eq!(problem(&host), "");
    assert_eq!(host.ask("hello").await, [SECOND]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_without_a_build_to_return_to_is_a_fault_like_any_other() {
    let host = TestHost::start(TestHostParts::default()).await;
    load(&host, build(FAULTY)).await;
    let letter = host.given_up("hello").await;
    assert!(letter.detail.contains("try 3 of 3"), "{}", letter.detail);
    assert!(problem(&host).contains("as the marker says"));
    let all = health(&host);
    assert!(all.probation);
    assert_eq!((all.failed, all.failed_left), (1, 9));
    assert_eq!((all.conversations, all.conversations_left), (1, 1));
    assert_eq!(all.recent.len(), 3, "each call is told");
    // What a build left that is gone says nothing of the one that serves.
    load(&host, build(FIRST)).await;
    assert_eq!(problem(&host), "");
    assert_eq!(host.ask("hello").await, [FIRST]);
    // The faulty one was never good: it is nothing to return to.
    let (reason, text) = refusal(&host, PLUGIN).await;
    assert_eq!(reason, RefusedReason::Failed);
    assert!(text.contains("no good build from before"), "{text}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_served_out_its_probation_is_the_one_returned_to() {
    let settings = "[reload]\nprobation-secs = 1\n".to_owned();
    let host = TestHost::start(TestHostParts {
        settings,
        ..TestHostParts::default()
    })
    .await;
    for marker in [FIRST, SECOND] {
        load(&host, build(marker)).await;
        assert!(health(&host).probation);
        assert_eq!(host.ask("hello").await, [marker]);
        let is_good = |row: &parlor_host::web::PluginRow| {
            let health = row.health.as_ref();
            health.is_some_and(|health| !health.probation)
        };
        host.until(PLUGIN, is_good).await;
    }
    load(&host, build(FAULTY)).await;
    assert_eq!(host.ask("hello").await, [SECOND]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_rolls_a_build_back_and_lets_it_serve_again() {
    let host = two_builds().await;
    let line = roll_back(&host).await;
    assert_eq!(line.state, "serving");
    let why = line.problem.expect("it says why");
    assert!(why.contains("was rolled back"), "{why}");
    assert_eq!(host.ask("hello").await, [FIRST]);
    // Neither the same file nor a reload of everything undoes what an operator decided.
    load(&host, build(SECOND)).await;
    reload(&host, None).await;
    assert_eq!(host.ask("hello").await, [FIRST]);
    assert!(problem(&host).contains("was rolled back"));
    let (reason, text) = refusal(&host, PLUGIN).await;
    assert_eq!(reason, RefusedReason::Failed, "{text}");

    reload(&host, Some(PLUGIN)).await;
    assert_eq!(host.ask("hello").await, [SECOND]);
    assert_eq!(problem(&host), "");
    let (reason, _) = refusal(&host, "nobody").await;
    assert_eq!(reason, RefusedReason::NotFound);
    host.stop().await;
}

/// A host over what the folder holds of one before.
async fn start(folder: &Path) -> TestHost {
    let journal = SqliteJournal::open(&folder.join("data"), SqliteConfig::default());
    TestHost::start(TestHostParts {
        journal: Arc::new(journal.expect("a journal opens")),
        artifacts: Some(artifacts_of(folder)),
        ..TestHostParts::default()
    })
    .await
}

fn artifacts_of(folder: &Path) -> PathBuf {
    folder.join("artifacts")
}

fn kept(artifacts: &Path) -> usize {
    std::fs::read_dir(artifacts).expect("the folder").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_knows_the_good_builds_and_the_ones_set_aside() {
    let folder = tempfile::tempdir().expect("a folder");
    let artifacts = artifacts_of(folder.path());
    let host = start(folder.path()).await;
    load(&host, build(FIRST)).await;
    load(&host, build(SECOND)).await;
    load(&host, build(THIRD)).await;
    assert_eq!(kept(&artifacts), 2, "the second never was good");
    load(&host, build(FAULTY)).await;
    assert_eq!(host.ask("hello").await, [FIRST]);
    host.until(PLUGIN, |row| row.last_error.is_some()).await;
    assert_eq!(kept(&artifacts), 1);
    host.stop().await;

    // The faulty build is still in the folder.
    let host = start(folder.path()).await;
    load(&host, build(FAULTY)).await;
    assert!(problem(&host).contains("had a fault in its probation"));
    assert_eq!(host.ask("hello").await, [FIRST]);
    host.stop().await;

    // What does not load at all gives way as well.
    let host = start(folder.path()).await;
    load(&host, b"no component".to_vec()).await;
    let said = problem(&host);
    assert!(said.contains("not a WebAssembly component"), "{said}");
    assert!(said.contains("version 0.1.0 serves instead"), "{said}");
    assert_eq!(host.ask("hello").await, [FIRST]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_changed_its_state_is_held_until_an_operator_decides() {
    let host = TestHost::start(TestHostParts::default()).await;
    load(&host, build(FIRST)).await;
    load(&host, guests::bytes("raised")).await;
    let lobby = host.room("ada", "Lobby").await;
    assert_eq!(host.ask("one").await, ["raised one"]);
    host.say("ada", &lobby, "trap").await;
    let row = host
        .until(PLUGIN, |row| {
            let said = row.last_error.as_deref().unwrap_or_default();
            said.contains("state-version 0 and 1")
        })
        .await;
    assert_eq!(row.state, "quarantined");
    // It stays so, whatever else is reloaded, and what comes waits.
    host.say("ada", &lobby, "two").await;
    reload(&host, None).await;
    let row = host.row(PLUGIN);
    assert_eq!(row.state, "quarantined");
    assert!(problem(&host).contains("parlor plugins rollback versioned"));
    assert_eq!(row.waiting, 2);
    assert_eq!(host.answers("ada", &lobby).len(), 1);

    roll_back(&host).await;
    host.idle().await;
    let said: Vec<String> = host.answers("ada", &lobby)[1..]
        .iter()
        .map(|message| message.text.clone())
        .collect();
    assert_eq!(said, [FIRST, FIRST]);
    assert!(host.dead_letters().await.is_empty());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_plugin_takes_no_other_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = start(folder.path()).await;
    let (first, second) = (
        write_sha256(&sha256_of(&build(FIRST))),
        write_sha256(&sha256_of(&build(SECOND))),
    );
    let pin = format!("fresh = true\nsha256 = \"{first}\"\n");
    host.load(PLUGIN, build(SECOND), Some(&pin)).await;
    let row = host.row(PLUGIN);
    assert_eq!(row.state, "refused");
    assert_eq!(
        row.last_error.unwrap_or_default(),
        format!("versioned.toml:2: versioned.wasm has the hash {second}; expected {first}")
    );
    host.load(PLUGIN, build(FIRST), Some(&pin)).await;
    assert_eq!(problem(&host), "");
    host.load(PLUGIN, build(SECOND), Some(&pin)).await;
    assert_eq!(host.row(PLUGIN).state, "serving");
    assert!(problem(&host).contains(&second));
    assert_eq!(host.ask("hello").await, [FIRST]);
    let (_, text) = refusal(&host, PLUGIN).await;
    assert!(text.contains("is pinned"), "{text}");
    host.stop().await;

    // The build is kept: a restart does not need the file.
    let host = start(folder.path()).await;
    host.load(PLUGIN, build(SECOND), Some(&pin)).await;
    assert_eq!(host.ask("hello").await, [FIRST]);
    let pin = format!("sha256 = \"{second}\"\n");
    host.load(PLUGIN, build(SECOND), Some(&pin)).await;
    assert_eq!(problem(&host), "");
    assert_eq!(host.ask("hello").await, [SECOND]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_begins_large_is_described_within_its_own_limits() {
    let host = TestHost::start(TestHostParts::default()).await;
    host.load("large", guests::bytes("large"), None).await;
    let row = host.row("large");
    assert_eq!(row.state, "refused");
    let said = row.last_error.unwrap_or_default();
    assert!(said.contains("wanted more than 67108864 bytes"), "{said}");
    let settings = "limits = { memory-mib = 96 }";
    host.load("large", guests::bytes("large"), Some(settings))
        .await;
    assert_eq!(host.row("large").last_error, None);
    assert_eq!(host.ask("hello").await, ["0 before, in 80 MiB"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_in_quarantine_says_why_and_what_led_there() {
    let host = TestHost::with(&["trap-handle"]).await;
    for room in ["one", "two", "three"] {
        let room = host.room("ada", room).await;
        host.say("ada", &room, "error").await;
    }
    host.eventually("it is quarantined", || {
        host.row("trap-handle").state == "quarantined"
    })
    .await;
    let lines = control(&host, Ask::Plugins).await.expect("it answers");
    let line = lines.into_iter().find_map(|line| match line {
        Line::Plugin(line) if line.plugin == "trap-handle" => Some(line),
        _ => None,
    });
    let line = line.expect("it is listed");
    let why = line.problem.unwrap_or_default();
    assert!(
        why.starts_with(
            "in quarantine: 3 of the last 50 deliveries failed, in 3 conversations; last fault: Failed"
        ),
        "{why}"
    );
    let health = line.health.expect("it serves");
    assert!(health.probe_at.is_some());
    assert_eq!((health.failed, health.failed_left), (3, 7));
    assert_eq!((health.conversations, health.conversations_left), (3, 0));
    let places: std::collections::BTreeSet<_> = health
        .recent
        .iter()
        .map(|fault| fault.conversation.clone())
        .collect();
    assert_eq!(places.len(), 3);
    assert!(health.recent.iter().all(|fault| !fault.event.is_empty()));
    assert_eq!(host.row("trap-handle").health.map(|it| it.failed), Some(3));
    host.stop().await;
}
