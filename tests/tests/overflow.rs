//! A flood for a plugin that is in quarantine, in a host whose journal has no room for all of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parlor_host::journal::sqlite::{Durability, SqliteConfig, SqliteJournal};
use parlor_host::journal::{DeadReason, EventQuery, Journal};
use parlor_tests::guests;
use parlor_tests::harness::{PATIENCE, TestHost, TestHostParts};

/// Messages of the flood.
const FLOOD: usize = 20_000;
/// What may wait for a plugin.
const MOST: usize = 10_000;
/// Rooms that are flooded.
const ROOMS: usize = 20;
/// Messages that put the plugin into quarantine, each in a room of its own.
const FAIL: usize = 3;
/// Bytes of each message: the whole flood is more than the journal has room for, half of it is not.
const TEXT: usize = 500;
/// Bytes of the journal.
const SIZE: u64 = 22 * 1024 * 1024;
/// Percent of it at which intake pauses.
const PAUSES: u64 = 90;
/// How often what a test waits for is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// `versioned` with another answer; one that begins with `FAULT-` traps.
fn build(marker: &[u8; 17]) -> Vec<u8> {
    let mut wasm = guests::bytes("versioned");
    let found = wasm.windows(17).position(|it| it == b"ANSWER-0000000000");
    let at = found.expect("the guest has its marker");
    wasm[at..at + 17].copy_from_slice(marker);
    wasm
}

fn only(rooms: &str) -> String {
    format!("only = {{ conversations = [\"{rooms} *\"] }}\n")
}

/// The numbers that a room's answers tell, in order.
fn answered(host: &TestHost, room: &str) -> Vec<usize> {
    let answers = host.all_answers(room).into_iter();
    let numbers = answers.map(|message| {
        let number = message.text.split(' ').nth(1);
        number.and_then(|it| it.parse().ok()).expect("a number")
    });
    numbers.collect()
}

/// A host with a small journal, a plugin that traps, and a neighbour that does not.
struct Flooded {
    host: Arc<TestHost>,
    journal: Arc<SqliteJournal>,
    rooms: Vec<String>,
    _data: tempfile::TempDir,
}

impl Flooded {
    async fn start() -> Self {
        let data = tempfile::tempdir().expect("a temporary folder can be made");
        let config = SqliteConfig {
            durability: Durability::Process,
            max_bytes: SIZE,
            ..SqliteConfig::default()
        };
        let journal = SqliteJournal::open(data.path(), config).expect("a journal opens");
        let journal = Arc::new(journal);
        let host = TestHost::start(TestHostParts {
            journal: Arc::clone(&journal) as Arc<dyn Journal>,
            ..TestHostParts::default()
        })
        .await;
        let mut rooms = Vec::new();
        for number in 0..ROOMS {
            rooms.push(host.room("ada", &format!("flood {number}")).await);
        }
        let flooded = Self {
            host: Arc::new(host),
            journal,
            rooms,
            _data: data,
        };
        flooded.load("flooded", b"FAULT--0000000000", "flood").await;
        flooded
            .load("neighbour", b"ANSWER-0000000000", "desk")
            .await;
        flooded
    }

    async fn load(&self, plugin: &str, marker: &[u8; 17], rooms: &str) {
        let settings = only(rooms);
        self.host.load(plugin, build(marker), Some(&settings)).await;
        assert_eq!(self.host.row(plugin).last_error, None);
    }

    async fn say(&self, number: usize) {
        let room = &self.rooms[number % ROOMS];
        let text = format!("say {number} {}", "x".repeat(TEXT));
        self.host.say("ada", room, &text).await;
    }

    /// The text of the newest event of the plugin.
    async fn newest(&self) -> String {
        let query = EventQuery {
            plugin: Some("flooded".to_owned()),
            limit: 1,
            ..EventQuery::default()
        };
        let newest = self.journal.events(query).await.expect("read").pop();
        newest
            .map(|it| format!("{:?}", it.event.payload))
            .unwrap_or_default()
    }

    async fn waiting(&self) -> usize {
        let counts = self.journal.counts().await.expect("counted");
        usize::try_from(counts.pending_deliveries).expect("few")
    }
}

async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < 4 * PATIENCE, "{what}: never");
        tokio::time::sleep(LOOK).await;
    }
}

/// Talks to the neighbour until it is told to stop; gives how often it answered.
async fn talk(host: Arc<TestHost>, stop: Arc<AtomicBool>) -> usize {
    let desk = host.room("bob", "desk 1").await;
    let mut said = 0;
    while !stop.load(Ordering::Relaxed) {
        host.say("bob", &desk, &format!("say {said}")).await;
        said += 1;
        host.until_answers(&desk, said).await;
    }
    assert_eq!(answered(&host, &desk), (0..said).collect::<Vec<_>>());
    said
}

/// Looks again and again how much of the journal is used; gives the most.
async fn watch(journal: Arc<SqliteJournal>, stop: Arc<AtomicBool>) -> u64 {
    let peak = AtomicU64::new(0);
    while !stop.load(Ordering::Relaxed) {
        peak.fetch_max(journal.bytes_used(), Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    peak.into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_for_a_plugin_in_quarantine_pauses_nobody_and_leaves_the_newest_in_order() {
    let flooded = Flooded::start().await;
    let host = &flooded.host;
    for number in 0..FAIL {
        flooded.say(number).await;
    }
    let is_quarantined = || host.row("flooded").state == "quarantined";
    host.eventually("it is quarantined", is_quarantined).await;
    let stop = Arc::new(AtomicBool::new(false));
    let neighbour = tokio::spawn(talk(Arc::clone(host), Arc::clone(&stop)));
    let peak = tokio::spawn(watch(Arc::clone(&flooded.journal), Arc::clone(&stop)));
    let last = FAIL + FLOOD - 1;
    for number in FAIL..=last {
        flooded.say(number).await;
    }
    let wanted = format!("say {last} ");
    until(
        "the flood is taken in, and what is over given up",
        async || flooded.newest().await.contains(&wanted) && flooded.waiting().await <= MOST + 1,
    )
    .await;
    stop.store(true, Ordering::Relaxed);
    let talked = neighbour.await.expect("the neighbour answers");
    assert!(talked >= 3, "it answered {talked} times meanwhile");

    // There was never too much in the journal, and would have been.
    let peak = peak.await.expect("watched");
    assert!(peak < SIZE * PAUSES / 100, "{peak} bytes at one time");
    let counts = flooded.journal.counts().await.expect("counted");
    let each = flooded.journal.bytes_used() / counts.events;
    assert!(
        each * FLOOD as u64 > SIZE * PAUSES / 100,
        "{each} bytes each"
    );
    let letters = flooded.journal.dead_letters(0, 2 * FLOOD).await;
    let letters = letters.expect("listed");
    let over = letters
        .iter()
        .filter(|it| it.reason == DeadReason::Overflow);
    let details: Vec<&str> = over.map(|it| it.detail.as_str()).collect();
    assert!(!details.is_empty());
    let bound = " deliveries waited, at most 10000";
    assert!(
        details.iter().all(|it| it.ends_with(bound)),
        "{}",
        details[0]
    );

    // Mended, it gets what is left: the newest, in the order of each room. So many answers at one time
    // take more room than the flood.
    let roomy = flooded.journal.set_max_bytes(4 * SIZE).await;
    roomy.expect("the journal is open");
    flooded.load("flooded", b"ANSWER-0000000001", "flood").await;
    until("what waits is answered", async || {
        for room in &flooded.rooms {
            host.all_answers(room);
        }
        flooded.waiting().await == 0
    })
    .await;
    host.idle().await;
    let mut all = 0;
    for (place, room) in flooded.rooms.iter().enumerate() {
        let answers = answered(host, room);
        let said: Vec<usize> = (0..=last).filter(|it| it % ROOMS == place).collect();
        assert_eq!(answers, said[said.len() - answers.len()..], "room {place}");
        all += answers.len();
    }
    // Those with which it was tried meanwhile, and failed, are not among them.
    assert!((MOST - 10..=MOST).contains(&all), "{all} answers");
    let host = Arc::into_inner(flooded.host).expect("nobody talks any more");
    host.stop().await;
}
