//! A component that takes its compiler seconds: everybody else is served meanwhile, and it is told how
//! long it takes.

use std::time::{Duration, Instant, SystemTime};

use parlor_host::mailbox::control::CompilingLine;
use parlor_host::web::PluginRow;
use parlor_tests::guests;
use parlor_tests::harness::TestHost;
use parlor_tests::logs;

/// Functions that nobody calls, and how often each does the same to its argument.
const FUNCTIONS: u32 = 1_500;
const STEPS: usize = 150;

/// A number as WebAssembly writes it, signed or not.
fn leb(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

fn section(id: u8, body: &[u8]) -> Vec<u8> {
    [vec![id], leb(body.len() as u64), body.to_vec()].concat()
}

/// A module of several MiB of code.
fn module() -> Vec<u8> {
    // Of its own, so that its code lies in no cache: salt of nine times seven bits.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let salt = now.expect("it is later than 1970").as_nanos() as u64;
    let salt: Vec<u8> = (0..8)
        .map(|n| (salt >> (n * 7)) as u8 | 0x80)
        .chain([0])
        .collect();
    let step = [&[0x20, 0, 0x42][..], &salt, &[0x7e, 0x20, 0, 0x85, 0x21, 0]].concat();
    let body = [&[0][..], &step.repeat(STEPS), &[0x20, 0, 0x0b]].concat();
    let body = [leb(body.len() as u64), body].concat();
    let count = leb(u64::from(FUNCTIONS));
    let kinds = vec![0; FUNCTIONS as usize];
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 1, 0x7e, 1, 0x7e]),
        section(3, &[count.clone(), kinds].concat()),
        section(10, &[count, body.repeat(FUNCTIONS as usize)].concat()),
    ]
    .concat()
}

/// A guest that carries a module it does not use.
fn heavy(guest: &str) -> Vec<u8> {
    [guests::bytes(guest), section(1, &module())].concat()
}

fn is_compiling(row: &PluginRow) -> bool {
    row.compiling.is_some_and(|it| it.secs.is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn others_and_the_build_before_serve_while_a_large_one_is_compiled() {
    logs::keep();
    let host = TestHost::in_folder(&["echo"]).await;
    let mut large = heavy("adder");
    assert!(large.len() > 3 * 1024 * 1024, "{}", large.len());
    let begun = Instant::now();
    host.put("adder", &large);
    let row = host.until("adder", is_compiling).await;
    assert_eq!(row.state, "compiling");
    let line = row.compiling.expect("it is told");
    assert_eq!(line.bytes, large.len() as u64);
    let told = host.host().plugins().lines();
    let told = told
        .iter()
        .find(|line| line.plugin == "adder")
        .expect("it is listed");
    assert_eq!(told.state, "compiling");
    assert!(told.compiling.is_some());

    // One that serves, and one that comes, need not wait.
    assert_eq!(host.ask("hello").await, ["Hello ada"]);
    host.put("pizza", &guests::bytes("pizza"));
    host.until("pizza", |row| row.state == "serving").await;
    assert!(is_compiling(&host.row("adder")), "it is not so quick");
    let row = host.until("adder", |row| row.state == "serving").await;
    assert_eq!(row.compiling, None);
    assert!(begun.elapsed() > Duration::from_millis(500));
    assert_eq!(host.ask("+1").await.len(), 1);

    // Its next build: the one before goes on.
    large = heavy("adder");
    host.put("adder", &large);
    let row = host.until("adder", is_compiling).await;
    assert_eq!(row.state, "serving");
    assert_eq!(host.ask("+1").await.len(), 1);
    assert!(is_compiling(&host.row("adder")), "it is not so quick");
    // A third one that is small comes before that is done: it serves, and the large one never does.
    let small = guests::bytes("adder");
    host.put("adder", &small);
    let sha256 = |wasm: &[u8]| parlor_host::runtime::ArtifactHash::of(wasm).to_string();
    let serves = |row: &PluginRow, wasm: &[u8]| {
        row.health
            .as_ref()
            .is_some_and(|it| it.sha256 == sha256(wasm))
    };
    host.until("adder", |row| {
        serves(row, &small) && row.compiling.is_none()
    })
    .await;
    host.put("adder", &large);
    host.until("adder", |row| serves(row, &large)).await;

    let lines = logs::about("adder");
    let mib = large.len().div_ceil(1024 * 1024).to_string();
    for message in ["compiling", "compiled"] {
        let mut told = lines.iter().filter(|line| line.field("message") == message);
        assert!(
            told.any(|line| line.field("mib") == mib),
            "{message}: {lines:#?}"
        );
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_one_that_cannot_be_compiled_is_refused_and_the_one_before_serves() {
    let host = TestHost::in_folder(&["adder"]).await;
    let mut wrong = heavy("adder");
    // The last function ends too early.
    let end = wrong.len() - 1;
    wrong[end] = 0x0f;
    host.put("adder", &wrong);
    let is_told = |row: &PluginRow| {
        row.last_error
            .as_ref()
            .is_some_and(|it| it.contains("invalid"))
    };
    let row = host.until("adder", is_told).await;
    assert_eq!(
        (row.state.as_str(), row.compiling),
        ("serving", None::<CompilingLine>)
    );
    assert_eq!(host.ask("+1").await.len(), 1);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_goes_while_it_is_compiled_is_no_plugin() {
    let host = TestHost::in_folder(&["echo"]).await;
    host.put("adder", &heavy("adder"));
    host.until("adder", is_compiling).await;
    std::fs::remove_file(host.plugin_folder().join("adder.wasm")).expect("it goes");
    let plugins = host.host().plugins();
    use parlor_host::web::PanelSource as _;
    host.eventually("it is listed no more", || {
        plugins.plugins().iter().all(|row| row.name != "adder")
    })
    .await;
    host.put("counter", &guests::bytes("counter"));
    host.until("counter", |row| row.state == "serving").await;
    assert_eq!(host.ask("hello").await, ["Hello ada"]);
    host.stop().await;
}
