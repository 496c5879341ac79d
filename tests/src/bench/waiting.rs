//! What conversations of a plugin feel of others of the same plugin that wait for HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use parlor_tests::guests;
use parlor_tests::harness::TestHost;

use super::load::{Crowd, middle, on_own_thread, percentile};
use super::{Row, note};

/// Conversations that wait.
const WAITING: usize = 7;
/// Instances of the plugin: one is left for all others.
const INSTANCES: usize = 8;
/// Conversations that go on.
const OTHERS: usize = 50;
/// How long an answer to a request takes.
const WAIT: Duration = Duration::from_secs(4);
/// How long the others are measured, well within that.
const MEASURED: Duration = Duration::from_secs(3);
/// Messages a second of all others together.
const RATE: u32 = 1_000;
/// Rounds, each with and without waiting ones; the middle one counts.
const ROUNDS: usize = 3;
/// A request is made within this, and answered.
const PATIENCE: Duration = Duration::from_secs(15);

/// The p99 of fifty conversations while seven wait, in those while none does.
pub(crate) async fn neighbours() -> anyhow::Result<Vec<Row>> {
    let open = Arc::new(AtomicUsize::new(0));
    let url = serve(open.clone()).await?;
    let host = TestHost::with(&[]).await;
    let settings = format!(
        "config = {{ url = \"{url}\" }}\ngrants.http = [\"GET {url}\"]\n\
         limits = {{ instances = {INSTANCES} }}"
    );
    host.load("wait", guests::bytes("wait"), Some(&settings))
        .await;
    if let Some(error) = host.row("wait").last_error {
        anyhow::bail!("wait is refused: {error}");
    }
    let row = measure(&host, &open).await;
    host.stop().await;
    Ok(vec![row?])
}

async fn measure(host: &TestHost, open: &AtomicUsize) -> anyhow::Result<Row> {
    let mut slow = Vec::new();
    for number in 0..WAITING {
        let user = format!("waiter{number}");
        let room = host.room(&user, &format!("slow {number}")).await;
        slow.push((user, room));
    }
    let mut crowd = Crowd::gather(host, OTHERS).await?;
    let (mut idle, mut busy) = (Vec::new(), Vec::new());
    // The first one warms everything up.
    for round in 0..=ROUNDS {
        let alone;
        (crowd, alone) = p99(crowd).await?;
        for (user, room) in &slow {
            host.say(user, room, "wait 4").await;
        }
        until(open, WAITING).await?;
        let beside;
        (crowd, beside) = p99(crowd).await?;
        let still = open.load(Ordering::SeqCst);
        anyhow::ensure!(still == WAITING, "only {still} waited until the end");
        until(open, 0).await?;
        host.idle().await;
        if round > 0 {
            note(&format!(
                "p99 of {OTHERS} conversations: {alone:.2} ms alone, {beside:.2} ms while {WAITING} wait"
            ));
            idle.push(alone);
            busy.push(beside);
        }
    }
    let (idle, busy) = (middle(&mut idle), middle(&mut busy));
    Ok(Row::ratio(
        "neighbours-of-waiting-p99",
        busy,
        "ms",
        idle,
        2.0,
    ))
}

pub(super) async fn p99(mut crowd: Crowd) -> anyhow::Result<(Crowd, f64)> {
    on_own_thread(async move {
        let mut open = crowd.open_loop(RATE, MEASURED).await?;
        Ok((crowd, percentile(&mut open.times, 0.99)))
    })
    .await
}

/// Waits until so many requests are open.
async fn until(open: &AtomicUsize, count: usize) -> anyhow::Result<()> {
    let reached = async {
        while open.load(Ordering::SeqCst) != count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached)
        .await
        .with_context(|| format!("never {count} requests open"))
}

/// Serves an answer that takes its time, and counts the requests that wait for it; its address.
async fn serve(open: Arc<AtomicUsize>) -> anyhow::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/slow", listener.local_addr()?);
    let slow = move || {
        let open = open.clone();
        async move {
            open.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(WAIT).await;
            open.fetch_sub(1, Ordering::SeqCst);
            "late"
        }
    };
    let router = axum::Router::new().route("/slow", axum::routing::get(slow));
    // It ends with the process, as the program does after its last row.
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}
