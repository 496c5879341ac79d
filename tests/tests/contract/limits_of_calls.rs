//! Limits of a call and of an instance: what is over one ends in an error that the guest hears, or in
//! a fault that names the limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parlor_host::journal::DeadReason;
use parlor_tests::guests;
use parlor_tests::harness::{PATIENCE, TestHost};
use tokio::sync::watch;
use wasmparser::{Parser, Payload};

/// Says something over which the guest is stopped at each of its tries, and gives why.
async fn fault(host: &TestHost, text: &str) -> String {
    let letter = host.given_up(text).await;
    let is_tried = (letter.reason, letter.delivery.attempt) == (DeadReason::Failed, 3);
    assert!(is_tried, "{letter:?}");
    letter.detail
}

fn says(fault: &str, part: &str) {
    assert!(fault.contains(part), "`{fault}` does not say `{part}`");
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_memory_bytes() {
    // 2 MiB are 32 pages. Each event has an instance of its own.
    let settings = "fresh = true\nlimits = { memory-mib = 2 }";
    let host = TestHost::with_settings("memory", settings).await;
    assert_eq!(host.ask("reach 32").await, ["reached 32 pages"]);
    assert_eq!(host.ask("reach 33").await, ["refused at 32 pages"]);
    // Who cannot go on without more is stopped, and told why.
    let fault = fault(&host, "trap").await;
    says(&fault, "wanted more than 2097152 bytes of memory");
    // What needs more at once is not loaded.
    let least = "limits = { memory-mib = 1 }";
    host.load("memory", guests::bytes("memory"), Some(least))
        .await;
    let error = host.row("memory").last_error.unwrap_or_default();
    says(&error, "wanted more than 1048576 bytes of memory");
    host.stop().await;
}

/// Elements of all tables of a component, as its modules declare them.
fn table_elements(wasm: &[u8]) -> u64 {
    let payloads = Parser::new(0).parse_all(wasm);
    let tables = payloads.filter_map(|payload| match payload.expect("it parses") {
        Payload::TableSection(tables) => Some(tables),
        _ => None,
    });
    tables
        .flatten()
        .map(|table| table.expect("it parses").ty.initial)
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_table_elements() {
    let wasm = guests::bytes("tables");
    let needed = table_elements(&wasm);
    assert!(needed > 1_000, "{needed}");
    let settings = |elements: u64| format!("limits = {{ table-elements = {elements} }}");
    let host = TestHost::with_settings("tables", &settings(needed)).await;
    assert_eq!(host.ask("call 999").await, ["function 999"]);
    host.load("tables", wasm, Some(&settings(needed - 1))).await;
    let row = host.row("tables");
    let part = format!("wanted more than {} table elements", needed - 1);
    says(&row.last_error.unwrap_or_default(), &part);
    assert_eq!(row.state, "serving", "with the settings before");
    assert_eq!(host.ask("call 0").await, ["function 0"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_cpu_ms() {
    // The wall clock is to play no part: machines under load give little time to much work.
    let settings = |ms: u32| format!("limits = {{ cpu-ms = {ms}, deadline-ms = 600000 }}");
    let host = TestHost::with_settings("loop", &settings(60_000)).await;
    assert_eq!(host.ask("spin 1000").await, ["spun"]);
    host.change("loop", &settings(150)).await;
    assert_eq!(host.ask("spin 1").await, ["spun"]);
    let fault = fault(&host, "spin 1000").await;
    says(&fault, "used more than 150 ms of processor time");
    // Waiting is no work.
    host.change("sleep", &settings(150)).await;
    assert_eq!(host.ask("sleep 400").await, ["slept 400"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_deadline_ms() {
    let settings = |ms: u32| format!("limits = {{ deadline-ms = {ms} }}");
    let host = TestHost::with_settings("sleep", &settings(1_000)).await;
    assert_eq!(host.ask("sleep 100").await, ["slept 100"]);
    let fault = fault(&host, "sleep 1050").await;
    says(&fault, "took longer than 1000 ms");
    host.change("sleep", &settings(60_000)).await;
    assert_eq!(host.ask("sleep 1050").await, ["slept 1050"]);
    host.stop().await;
}

/// A server whose answers wait, and that counts who waits.
struct Door {
    open: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
    most: AtomicUsize,
}

impl Door {
    /// Starts it; its address.
    async fn start() -> (Arc<Self>, String) {
        let door = Arc::new(Self {
            open: watch::Sender::new(false),
            waiting: watch::Sender::new(0),
            most: AtomicUsize::new(0),
        });
        let inside = door.clone();
        let pass = move || {
            let door = inside.clone();
            async move {
                door.waiting.send_modify(|waiting| {
                    *waiting += 1;
                    door.most.fetch_max(*waiting, Ordering::SeqCst);
                });
                let opened = door.open.subscribe().wait_for(|open| *open).await.is_ok();
                door.waiting.send_modify(|waiting| *waiting -= 1);
                opened.to_string()
            }
        };
        let router = axum::Router::new().route("/", axum::routing::get(pass));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("loopback can be listened on");
        let address = listener.local_addr().expect("it has an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        (door, format!("http://{address}/"))
    }

    /// Waits until so many wait.
    async fn until(&self, count: usize) {
        let mut waiting = self.waiting.subscribe();
        let reached = waiting.wait_for(|waiting| *waiting == count);
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        reached.expect("so many come").expect("the door stays");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_instances() {
    let (door, url) = Door::start().await;
    let settings = |instances: u32| {
        format!(
            "config = {{ url = \"{url}\" }}\ngrants.http = [\"GET {url}\"]\n\
             limits = {{ instances = {instances}, deadline-ms = 600000 }}"
        )
    };
    let host = TestHost::with_settings("wait", &settings(2)).await;
    let mut rooms = Vec::new();
    for number in 0..3 {
        rooms.push(host.room("ada", &format!("Room {number}")).await);
    }
    let ask = async || {
        for room in &rooms {
            host.say("ada", room, "wait 1").await;
        }
    };
    let answers = || -> Vec<usize> { rooms.iter().map(|it| host.all_answers(it).len()).collect() };
    ask().await;
    door.until(2).await;
    let third = "the third conversation waits for an instance";
    host.eventually(third, || host.row("wait").waiting == 1)
        .await;
    door.open.send_replace(true);
    host.idle().await;
    assert_eq!(answers(), [1, 1, 1]);
    assert_eq!(door.most.load(Ordering::SeqCst), 2);
    // One more may live: all three are in their calls at one time.
    door.open.send_replace(false);
    host.change("wait", &settings(3)).await;
    ask().await;
    door.until(3).await;
    door.open.send_replace(true);
    host.idle().await;
    assert_eq!(answers(), [2, 2, 2]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_random_bytes() {
    let host = TestHost::with(&["random-flood"]).await;
    assert_eq!(host.ask("bytes 65536").await, ["65536 bytes"]);
    let fault = fault(&host, "bytes 65537").await;
    says(&fault, "asked for more than 65536 random bytes at once");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_handles() {
    // Each event has an instance of its own, whose standard streams take a few.
    let host = TestHost::with_settings("handles", "fresh = true").await;
    assert_eq!(host.ask("leak 1000").await, ["leaked 1000"]);
    let fault = fault(&host, "leak 1025").await;
    says(&fault, "held more than 1024 handles");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_result_bytes() {
    let host = TestHost::with_settings("big-message", "limits = { cpu-ms = 5000 }").await;
    // 24 MiB less a page for what is around the text: the host takes it, and looks at the text.
    let letter = host.given_up("exact 25161728").await;
    says(&letter.detail, "bytes of text in a message: 25161728");
    let fault = fault(&host, "exact 25165824").await;
    says(&fault, "gave the host more than 25165824 bytes at once");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_told_to_the_guest_as_they_are_set() {
    let settings = "limits = { memory-mib = 3, state-mib = 2, message-kib = 5, timers = 7 }";
    let host = TestHost::with_settings("limits", settings).await;
    let told = host.ask("limits").await;
    let told: Vec<&str> = told[0].lines().collect();
    let wanted = [
        "memory-bytes=3145728",
        "table-elements=20000",
        "cpu-ms=100",
        "deadline-ms=5000",
        "instances=8",
        "actions=100",
        "message-bytes=5120",
        "attachment-bytes=10485760",
        "attachments-bytes=16777216",
        "broadcast=1000",
        "action-key-bytes=64",
        "log-bytes=65536",
        "state-key-bytes=256",
        "state-value-bytes=65536",
        "state-bytes=2097152",
        "random-bytes=65536",
        "handles=1024",
        "http-requests=16",
        "http-open=4",
        "http-body-bytes=4194304",
        "http-header-bytes=16384",
        "timers=7",
        "result-bytes=25165824",
    ];
    assert_eq!(told, wanted);
    host.stop().await;
}
