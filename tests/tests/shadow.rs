//! `shadow = true`: a new build beside the old one, of which the room hears nothing until it is let serve.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_host::app::control::{ControlSocket, serve};
use parlor_host::config::{sha256_of, write_sha256};
use parlor_host::journal::sqlite::{SqliteConfig, SqliteJournal};
use parlor_host::mailbox::control::{Ask, Line, PluginLine, ShadowLine, ask};
use parlor_host::telemetry::Audit;
use parlor_tests::api::Api;
use parlor_tests::candidate::{CANDIDATE, new_build, old_build, same_build};
use parlor_tests::harness::{PATIENCE, TestHost, TestHostParts};

const SHADOW: &str = "shadow = true\n";

async fn load(host: &TestHost, wasm: Vec<u8>, settings: &str) {
    host.load(CANDIDATE, wasm, Some(settings)).await;
    assert_eq!(host.row(CANDIDATE).last_error, None);
}

/// A host where the old build serves and this one is in its shadow.
async fn in_shadow(wasm: Vec<u8>, settings: &str) -> TestHost {
    let host = TestHost::start(TestHostParts::default()).await;
    let settings = format!("{SHADOW}{settings}");
    load(&host, old_build(), &settings).await;
    assert_eq!(host.row(CANDIDATE).shadow, None, "the first one serves");
    load(&host, wasm, &settings).await;
    host
}

fn shadow(host: &TestHost) -> ShadowLine {
    host.row(CANDIDATE).shadow.expect("there is a shadow")
}

/// Waits until so many calls were compared or left out.
async fn compared(host: &TestHost, calls: u64) -> ShadowLine {
    let row = host
        .until(CANDIDATE, |row| {
            let shadow = row.shadow.as_ref();
            shadow.is_some_and(|it| it.compared + it.skipped >= calls)
        })
        .await;
    row.shadow.expect("there is a shadow")
}

/// Asks a host on its control socket.
async fn control(host: &TestHost, request: Ask) -> Vec<Line> {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = ControlSocket::bind(folder.path()).expect("a socket");
    let stop = tokio_util::sync::CancellationToken::new();
    let audit = Arc::new(Audit::default());
    let serving = serve(socket, host.host().clone(), audit, stop.clone());
    let served = tokio::spawn(serving);
    let answer = ask(folder.path(), request, PATIENCE).await;
    stop.cancel();
    served.await.expect("it ends");
    answer.expect("it answers").0
}

async fn let_serve(host: &TestHost) {
    let plugin = Some(CANDIDATE.to_owned());
    control(host, Ask::Reload { plugin }).await;
}

async fn drop_shadow(host: &TestHost) -> PluginLine {
    let plugin = CANDIDATE.to_owned();
    let lines = control(host, Ask::RollbackPlugin { plugin }).await;
    let line = lines.into_iter().find_map(|line| match line {
        Line::Plugin(line) => Some(line),
        _ => None,
    });
    line.expect("it is told")
}

fn serves(host: &TestHost) -> String {
    host.row(CANDIDATE).health.expect("it serves").sha256
}

fn hash(wasm: &[u8]) -> String {
    write_sha256(&sha256_of(wasm))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_does_the_same_is_compared_and_then_let_serve() {
    let host = in_shadow(same_build(), "").await;
    assert_eq!(serves(&host), hash(&old_build()));
    assert_eq!(shadow(&host).sha256, hash(&same_build()));
    assert!(!shadow(&host).hears_otherwise);
    // State that both read and write, reads of the platform, timers.
    for (text, answer) in [
        ("hello", "heard hello"),
        ("count", "count 1"),
        ("count", "count 2"),
        ("members", "members Ok(2) None"),
        ("timer", "set"),
        ("mend", ""),
    ] {
        if answer.is_empty() {
            host.given_up(text).await;
        } else {
            assert_eq!(host.ask(text).await, [answer]);
        }
    }
    // The three tries of a call that fails are three calls.
    let found = compared(&host, 8).await;
    assert_eq!(
        (found.compared, found.differ, found.skipped),
        (8, 0, 0),
        "{found:?}"
    );
    assert!(found.recent.is_empty());

    let_serve(&host).await;
    let row = host.row(CANDIDATE);
    assert_eq!(row.shadow, None);
    assert_eq!(row.health.map(|it| it.sha256), Some(hash(&same_build())));
    assert_eq!(host.ask("count").await, ["count 3"], "nobody counted twice");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_changed_build_would_do_is_told_and_the_room_hears_the_old_one() {
    let host = in_shadow(new_build(), "").await;
    for (text, answer) in [
        ("hello", "heard hello"),
        ("greet", "good day"),
        ("trap", "heard trap"),
        ("refuse", "heard refuse"),
        ("note", "noted None"),
        ("note", "noted Some(\"old\")"),
    ] {
        assert_eq!(host.ask(text).await, [answer]);
    }
    let found = compared(&host, 6).await;
    // Both saw the same before each note: what the new build would write stays nowhere.
    assert_eq!(
        (found.compared, found.differ, found.skipped),
        (6, 3, 0),
        "{found:?}"
    );
    let [greet, trap, refuse] = found.recent.as_slice() else {
        panic!("{found:?}")
    };
    assert!(greet.was[0].ends_with(": good day"), "{greet:?}");
    assert!(greet.now[0].ends_with(": good evening"), "{greet:?}");
    assert!(greet.conversation.is_some());
    assert!(trap.now[0].contains("the new build traps"), "{trap:?}");
    assert_eq!(refuse.now, ["refused: not any more"]);
    let row = host.row(CANDIDATE);
    assert_eq!((row.state.as_str(), row.last_error), ("serving", None));
    let health = row.health.expect("it serves");
    assert_eq!(
        (health.failed, health.recent.len()),
        (0, 0),
        "its faults are its own"
    );
    assert!(host.dead_letters().await.is_empty());
    let lines = control(&host, Ask::Plugins).await;
    let told = lines.iter().any(|line| match line {
        Line::Plugin(line) => line.shadow.as_deref() == Some(&found),
        _ => false,
    });
    assert!(told, "{lines:?}");
    // Whoever is forgotten is not told of here either.
    let user = "user:ada".to_owned();
    control(&host, Ask::Forget { user }).await;
    let left = shadow(&host);
    assert_eq!((left.differ, left.recent.len()), (3, 0));

    let_serve(&host).await;
    assert_eq!(host.ask("greet").await, ["good evening"]);
    assert_eq!(host.ask("note").await, ["noted Some(\"old\")"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_shadow_leaves_and_its_reads_are_those_of_the_other() {
    let api = Api::start().await;
    let grants = format!("{}\ngrants.reads = [\"contact\"]\n", api.grant());
    let host = in_shadow(new_build(), &grants).await;
    let url = api.url("/secret");
    assert_eq!(host.ask(&url).await, [format!("heard {url}")]);
    assert_eq!(host.ask("members").await, ["members Ok(2) None"]);
    let found = compared(&host, 2).await;
    let [asked, members] = found.recent.as_slice() else {
        panic!("{found:?}")
    };
    assert!(asked.now[0].ends_with("error denied"), "{asked:?}");
    assert!(api.asked().is_empty());
    // What the other has asked is answered as it was; what it has not is denied, whatever is granted.
    let now = &members.now[0];
    assert!(now.contains("members Ok(2) Some(Err("), "{now}");
    assert!(now.contains("Denied"), "{now}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_that_is_late_sees_the_time_of_the_call() {
    let limits = "limits = { deadline-ms = 3000 }\n";
    let host = in_shadow(new_build(), limits).await;
    let lobby = host.room("ada", "Lobby").await;
    host.say("ada", &lobby, "sleep").await;
    host.say("ada", &lobby, "clock").await;
    let found = compared(&host, 2).await;
    let [sleep, clock] = found.recent.as_slice() else {
        panic!("{found:?}")
    };
    assert!(sleep.now[0].contains("Deadline"), "{sleep:?}");
    let at = |lines: &[String]| -> u64 {
        let said = lines[0].rsplit(' ').next().and_then(|at| at.parse().ok());
        said.expect("a moment")
    };
    let apart = at(&clock.now).abs_diff(at(&clock.was));
    assert!(apart < 2_000, "{clock:?}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_that_hangs_holds_up_nobody() {
    let host = in_shadow(new_build(), "").await;
    let lobby = host.room("ada", "Lobby").await;
    let begun = Instant::now();
    let mut said = 0;
    for _ in 0..20 {
        for text in ["sleep", "spin", "count", "hello"] {
            host.say("ada", &lobby, text).await;
            said += 1;
        }
    }
    host.until_answers(&lobby, said).await;
    let took = begun.elapsed();
    // One call of the shadow alone may take five seconds.
    assert!(took < Duration::from_secs(4), "{took:?}");
    let behind = shadow(&host);
    assert!(behind.compared < said as u64, "{behind:?}");
    let counts = host.all_answers(&lobby);
    let counts = counts.iter().filter(|it| it.text.starts_with("count "));
    let counts: Vec<String> = counts.map(|it| it.text.clone()).collect();
    let wanted: Vec<String> = (1..=20).map(|n| format!("count {n}")).collect();
    assert_eq!(counts, wanted);
    // What it could not keep up with is counted and not made up for.
    let found = compared(&host, said as u64 - 64).await;
    assert!(found.skipped > 0, "{found:?}");
    let begun = Instant::now();
    drop_shadow(&host).await;
    assert_eq!(host.ask("count").await, ["count 21"]);
    host.stop().await;
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "a stop waits for nothing of it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_is_dropped_by_an_operator_or_by_the_old_file() {
    let host = in_shadow(new_build(), "").await;
    let line = drop_shadow(&host).await;
    assert_eq!(line.shadow, None);
    let why = line.problem.unwrap_or_default();
    assert!(why.contains("was dropped from the shadow"), "{why}");
    assert_eq!(serves(&host), hash(&old_build()));
    // It does not come back by itself.
    host.load(CANDIDATE, new_build(), Some(SHADOW)).await;
    assert_eq!(host.row(CANDIDATE).shadow, None);
    assert_eq!(host.ask("greet").await, ["good day"]);
    // Another file does, and goes with the file.
    load(&host, same_build(), SHADOW).await;
    assert_eq!(shadow(&host).sha256, hash(&same_build()));
    load(&host, old_build(), SHADOW).await;
    assert_eq!(host.row(CANDIDATE).shadow, None);
    // A reload by name tries again what was dropped.
    host.load(CANDIDATE, new_build(), Some(SHADOW)).await;
    let_serve(&host).await;
    assert_eq!(host.ask("greet").await, ["good evening"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_change_both_and_without_the_setting_the_new_one_serves() {
    let host = in_shadow(new_build(), "").await;
    assert_eq!(host.ask("greet").await, ["good day"]);
    compared(&host, 1).await;
    let settings = format!("{SHADOW}limits = {{ deadline-ms = 4000 }}\n");
    load(&host, new_build(), &settings).await;
    assert_eq!(serves(&host), hash(&old_build()));
    assert_eq!(shadow(&host).compared, 0, "it begins anew");
    // The same again changes nothing.
    assert_eq!(host.ask("greet").await, ["good day"]);
    compared(&host, 1).await;
    load(&host, new_build(), &settings).await;
    assert_eq!(shadow(&host).compared, 1);
    load(&host, new_build(), "").await;
    assert_eq!(host.row(CANDIDATE).shadow, None);
    assert_eq!(host.ask("greet").await, ["good evening"]);
    host.stop().await;
}

/// A host over what the folder holds of one before.
async fn start(folder: &Path) -> TestHost {
    let journal = SqliteJournal::open(&folder.join("data"), SqliteConfig::default());
    TestHost::start(TestHostParts {
        journal: Arc::new(journal.expect("a journal opens")),
        artifacts: Some(folder.join("artifacts")),
        ..TestHostParts::default()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_does_not_let_a_shadow_serve() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = start(folder.path()).await;
    load(&host, old_build(), SHADOW).await;
    load(&host, new_build(), SHADOW).await;
    host.stop().await;

    let host = start(folder.path()).await;
    load(&host, new_build(), SHADOW).await;
    assert_eq!(serves(&host), hash(&old_build()));
    assert_eq!(host.ask("greet").await, ["good day"]);
    assert_eq!(compared(&host, 1).await.differ, 1);
    let_serve(&host).await;
    assert_eq!(host.ask("greet").await, ["good evening"]);
    host.stop().await;

    // Let serve, it serves at the next start.
    let host = start(folder.path()).await;
    load(&host, new_build(), SHADOW).await;
    assert_eq!(host.row(CANDIDATE).shadow, None);
    assert_eq!(host.ask("greet").await, ["good evening"]);
    host.stop().await;
}
