//! Hostile guests: each is stopped, the host and a neighbour go on.

#[path = "../../host/src/runtime/testing/guest.rs"]
mod guest;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::get;
use parlor_tests::harness::{PATIENCE, TestHost};
use parlor_tests::{guests, logs};

use guest::Guest;

/// Says something to a hostile guest while a neighbour is spoken to, and gives what the guest
/// answered and the last fault it was charged with.
async fn provoke(host: &TestHost, guest: &str, text: &str) -> (Vec<String>, Option<String>) {
    let room = host.room("mallory", "Hostile").await;
    let before = host.answers("mallory", &room).len();
    host.say("mallory", &room, text).await;
    let neighbour = tokio::time::timeout(PATIENCE, greeted(host)).await;
    neighbour.expect("the neighbour is answered while the guest does its worst");
    host.idle().await;
    let answers = host.answers("mallory", &room);
    let texts = answers[before..].iter().map(|m| m.text.clone()).collect();
    (texts, host.row(guest).last_error)
}

/// Says hello in the lobby and waits for the greeting, whatever else is going on.
async fn greeted(host: &TestHost) {
    let lobby = host.room("ada", "Lobby").await;
    let before = host.answers("ada", &lobby).len();
    host.say("ada", &lobby, "hello").await;
    let is_greeted = || host.answers("ada", &lobby).len() > before;
    host.eventually("a greeting comes", is_greeted).await;
}

async fn with_guest(guest: &str) -> TestHost {
    let host = TestHost::with(&["echo", guest]).await;
    greeted(&host).await;
    host
}

/// The guest is stopped and charged with a fault that says this.
async fn is_faulted(guest: &str, text: &str, fault: &str) {
    let host = with_guest(guest).await;
    let (answers, error) = provoke(&host, guest, text).await;
    assert_eq!(answers, Vec::<String>::new());
    let error = error.expect("a fault is on record").to_lowercase();
    assert!(error.contains(fault), "{error} does not say {fault}");
    host.stop().await;
}

/// The guest is refused what is too much, and goes on: it answers this, and nothing is on record.
async fn is_bounded(guest: &str, text: &str, answer: &str) {
    let host = with_guest(guest).await;
    let (answers, error) = provoke(&host, guest, text).await;
    assert_eq!((answers, error), (vec![answer.to_owned()], None));
    greeted(&host).await;
    host.stop().await;
}

/// The guest writes far too much into its log, under a name of the test's own: it goes on, and
/// what is kept is at most a call's share and one note.
async fn log_is_bounded(name: &str, guest: &str, text: &str) {
    logs::keep();
    let host = TestHost::with(&["echo"]).await;
    // Not its time is looked at, which a debug build of the host uses up.
    let settings = "limits = { cpu-ms = 60000, deadline-ms = 600000 }";
    host.load(name, guests::bytes(guest), Some(settings)).await;
    let (answers, error) = provoke(&host, name, text).await;
    assert_eq!((answers, error), (vec!["flooded".to_owned()], None));
    let lines = logs::written_by(name).into_iter().map(|(_, text)| text);
    let (notes, written): (Vec<_>, Vec<_>) =
        lines.partition(|text| text.ends_with("bytes of this call's log were dropped"));
    // A control character is kept as one of three bytes.
    let bytes: usize = written.iter().map(String::len).sum();
    assert!(bytes <= 3 * 65_536, "{bytes}");
    assert!(written.iter().all(|line| !line.contains('\u{1b}')));
    assert_eq!(notes.len(), 1, "{notes:?}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_loop_ends() {
    is_faulted("loop", "loop", "cpu").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_loop_of_host_calls_ends() {
    is_faulted("host-loop", "log", "cpu").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_growth_is_refused() {
    is_faulted(
        "memory",
        "trap",
        "wanted more than 67108864 bytes of memory",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_growth_stops_at_the_limit() {
    let host = with_guest("memory").await;
    let (answers, _) = provoke(&host, "memory", "grow").await;
    let pages = answers[0].strip_prefix("refused after ");
    let pages = pages.and_then(|rest| rest.strip_suffix(" pages"));
    let pages: u32 = pages.and_then(|n| n.parse().ok()).expect("it tells");
    // 64 MiB are 1,024 pages, and it had some.
    assert!((900..1_024).contains(&pages), "{pages}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn table_growth_is_refused() {
    let guest = Guest {
        module: "(table $t 0 funcref)",
        // It hears messages: its subscription has one kind, and byte 600 is the first of the kinds.
        describe: "(i32.store (i32.const 1080) (i32.const 600)) (i32.store (i32.const 1084) (i32.const 1))",
        handle: "(loop $more (if (i32.eq (i32.const -1) \
            (table.grow $t (ref.null func) (i32.const 1000))) (then unreachable)) (br $more))",
        ..Guest::default()
    };
    let host = TestHost::with(&["echo"]).await;
    host.load("tables", guest.component(), None).await;
    assert_eq!(host.row("tables").last_error, None);
    let (answers, error) = provoke(&host, "tables", "anything").await;
    assert_eq!(answers, Vec::<String>::new());
    let error = error.expect("a fault is on record");
    assert!(
        error.contains("wanted more than 20000 table elements"),
        "{error}"
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_recursion_ends() {
    is_faulted("recursion", "recurse", "call stack exhausted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_in_handle_is_a_fault() {
    is_faulted("trap-handle", "trap", "handle does not work").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_in_describe_refuses_the_plugin() {
    let host = TestHost::with(&["echo"]).await;
    host.load("trap-describe", guests::bytes("trap-describe"), None)
        .await;
    let row = host.row("trap-describe");
    assert_eq!(row.state, "refused");
    assert!(row.last_error.unwrap_or_default().contains("describe"));
    greeted(&host).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_a_gibibyte_is_refused() {
    is_faulted("big-list", "anything", "out of bounds of memory").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_actions_are_refused() {
    is_faulted("big-result", "actions", "gave the host more than").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_10_mib_is_refused() {
    is_faulted(
        "big-message",
        "big",
        "bytes of text in a message: 10485760, at most 65536",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_flood_is_dropped() {
    log_is_bounded("lines", "log-flood", "flood").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_huge_log_line_is_cut() {
    log_is_bounded("one-line", "log-flood", "huge").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stdout_flood_is_dropped() {
    log_is_bounded("stdout", "stdout-flood", "stdout").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stderr_flood_is_dropped() {
    log_is_bounded("stderr", "stdout-flood", "stderr").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_flood_is_refused() {
    // 512 KiB are what one call may write; the eighth value with its key is over that.
    is_bounded("state-flood", "flood", "StateError::Full after 7").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flood_of_small_state_is_refused() {
    is_bounded("state-flood", "small", "StateError::Full after 1000").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handle_leak_ends() {
    is_faulted("handles", "leak", "held more than 1024 handles").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pollables_by_the_million_end() {
    is_faulted("pollables", "leak", "held more than 1024 handles").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_ever_ends_at_the_deadline() {
    is_faulted("pollables", "forever", "deadline").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_flood_ends() {
    is_faulted("random-flood", "once", "more than 65536 random bytes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_is_a_fault_of_the_guest_alone() {
    is_faulted("exit", "exit 3", "exit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_waits_of_5_ms_live() {
    let host = with_guest("sleep").await;
    let (answers, error) = provoke(&host, "sleep", "sleep").await;
    assert_eq!((answers.len(), error), (1, None));
    host.stop().await;
}

async fn refused_because(wasm: Vec<u8>, words: &[&str]) {
    let host = TestHost::with(&["echo"]).await;
    host.load("odd", wasm, None).await;
    let row = host.row("odd");
    let error = row.last_error.expect("it is refused with a reason");
    for word in words {
        assert!(error.contains(word), "`{error}` does not say `{word}`");
    }
    greeted(&host).await;
    host.stop().await;
}

/// A guest of `tests/guests/wat`.
fn assembled(name: &str) -> Vec<u8> {
    let folder = guests::workspace().join("tests/guests/wat");
    wat::parse_file(folder.join(name)).expect("the text is WebAssembly")
}

#[tokio::test(flavor = "multi_thread")]
async fn another_contract_version_is_named() {
    let mut wasm = guests::bytes("limits");
    let mut changed = 0;
    for at in 0..wasm.len() - 6 {
        if &wasm[at..at + 6] == b"@0.1.0" {
            wasm[at + 1..at + 6].copy_from_slice(b"0.0.9");
            changed += 1;
        }
    }
    assert!(changed > 0);
    for wasm in [wasm, assembled("older-contract.wat")] {
        refused_because(wasm, &["0.0.9", "0.1.0"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_module_is_named() {
    let wasm = assembled("core-module.wat");
    refused_because(wasm, &["core module", "wasm32-wasip2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_no_component() {
    refused_because(
        b"hello, I am a plugin".to_vec(),
        &["the file is text", "binary component"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_file_is_refused() {
    let mut wasm = guests::bytes("limits");
    wasm.truncate(wasm.len() / 2);
    refused_because(wasm, &["ends", "bytes"]).await;
}

/// A server on loopback that redirects, dawdles and never ends.
async fn server() -> u16 {
    let endless = || async {
        let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 65_536]));
        Body::from_stream(chunks)
    };
    let slow = || async {
        let never = futures::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        Body::from_stream(never)
    };
    let router = Router::new()
        .route("/ok", get(|| async { "fine" }))
        .route(
            "/away",
            get(|| async { Redirect::to("http://127.0.0.1:1/") }),
        )
        .route("/endless", get(endless))
        .route("/slow", get(slow))
        .fallback(|| async { StatusCode::NOT_FOUND });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("loopback can be listened on");
    let port = listener.local_addr().expect("it has an address").port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

async fn fetcher(grant: &str) -> TestHost {
    let host = TestHost::with(&["echo"]).await;
    let settings = format!("grants.http = [\"{grant}\"]");
    host.load("http", guests::bytes("http"), Some(&settings))
        .await;
    assert_eq!(host.row("http").last_error, None);
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn loopback_is_denied_without_a_grant_for_it() {
    let port = server().await;
    let host = TestHost::with(&["http"]).await;
    assert!(host.ask(&format!("fetch http://127.0.0.1:{port}/ok")).await[0].contains("denied"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_resolves_to_loopback_is_denied() {
    let port = server().await;
    let host = fetcher(&format!("GET http://localhost:{port}/*")).await;
    let answer = host.ask(&format!("fetch http://localhost:{port}/ok")).await;
    assert_eq!(answer, ["denied"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_granted_address_is_reached_and_no_other() {
    let port = server().await;
    let host = fetcher(&format!("GET http://127.0.0.1:{port}/ok")).await;
    assert_eq!(
        host.ask(&format!("fetch http://127.0.0.1:{port}/ok")).await,
        ["200 4"]
    );
    let other = host
        .ask(&format!("fetch http://127.0.0.1:{port}/slow"))
        .await;
    assert!(other[0].contains("denied"), "{other:?}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let port = server().await;
    let host = fetcher(&format!("GET http://127.0.0.1:{port}/*")).await;
    let answer = host
        .ask(&format!("fetch http://127.0.0.1:{port}/away"))
        .await;
    assert!(answer[0].starts_with("303"), "{answer:?}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_body_is_cut_off() {
    let port = server().await;
    let host = fetcher(&format!("GET http://127.0.0.1:{port}/*")).await;
    // By the SDK at its own cap, and by the host where a guest has none.
    let url = format!("http://127.0.0.1:{port}/endless");
    assert_eq!(host.ask(&format!("fetch {url}")).await, ["too-large"]);
    assert_eq!(host.ask(&format!("large {url}")).await, ["failed"]);
    greeted(&host).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_ends_at_the_deadline() {
    let port = server().await;
    let host = fetcher(&format!("GET http://127.0.0.1:{port}/*")).await;
    let room = host.room("mallory", "Hostile").await;
    let text = format!("fetch http://127.0.0.1:{port}/slow");
    host.say("mallory", &room, &text).await;
    let neighbour = tokio::time::timeout(Duration::from_secs(4), greeted(&host)).await;
    neighbour.expect("the neighbour is answered before the slow body ends");
    host.idle().await;
    // The request and the call have the same time; the guest may hear of the first before the second ends.
    let answers = host.answers("mallory", &room);
    let heard = answers.first().map(|answer| answer.text.as_str());
    let fault = host.row("http").last_error.unwrap_or_default();
    let ended = fault.contains("took longer than 5000 ms");
    assert!(
        heard == Some("failed") || (heard.is_none() && ended),
        "{heard:?} {fault}"
    );
    host.stop().await;
}
