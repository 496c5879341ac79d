//! Messages in at the local platform's connector, answers out.

use std::sync::Arc;
use std::time::Duration;

use parlor_host::journal::sqlite::{JOURNAL_FILE, SqliteConfig, SqliteJournal};
use parlor_tests::guests;
use parlor_tests::harness::{TestHost, TestHostParts};

use super::load::{CONVERSATIONS, Crowd, Open, middle, on_own_thread};
use super::{Row, bare, disk_folder, note};

/// Messages before anything is measured.
const WARM_UP: usize = 5_000;
/// Rounds of a closed loop; the best counts, because whatever else the machine does only slows it.
const ROUNDS: usize = 5;
/// Rounds of an open loop, each beside one of the bare writer; the middle one counts.
const OPEN_ROUNDS: usize = 3;
/// How long an open loop goes on.
const OPEN_FOR: Duration = Duration::from_secs(4);
/// Plugins that do not want the message.
const OTHERS: usize = 99;

/// Through the memory journal.
pub(crate) async fn memory() -> anyhow::Result<Vec<Row>> {
    let host = TestHost::with(&["echo"]).await;
    let rate = rate(&host, 40_000).await;
    host.stop().await;
    let rate = rate?;
    Ok(vec![Row::at_least(
        "end-to-end-memory",
        rate,
        "msg/s",
        100_000.0,
    )])
}

/// Through SQLite, safe against the loss of power.
pub(crate) async fn power() -> anyhow::Result<Vec<Row>> {
    let folder = disk_folder()?;
    let host = on_disk(&folder).await?;
    let rate = rate(&host, 30_000).await;
    host.stop().await;
    let rate = rate?;
    Ok(vec![Row::at_least(
        "end-to-end-power",
        rate,
        "msg/s",
        30_000.0,
    )])
}

/// The times of answers at a rate, through SQLite, beside those of a bare writer of the same rows.
pub(crate) async fn open_loop(rate: u32, target: f64) -> anyhow::Result<Vec<Row>> {
    let (name, to_bare) = match rate {
        5_000 => ("open-loop-5000-p99", "open-loop-5000-to-bare"),
        _ => ("open-loop-30000-p99", "open-loop-30000-to-bare"),
    };
    let (mut own, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..OPEN_ROUNDS {
        let folder = disk_folder()?;
        let mut open = open_once(&folder, rate).await?;
        own.push(open.show(&format!("open loop at {rate}/s")));
        let rows = bare::rows_of(&folder.path().join(JOURNAL_FILE), WARM_UP)?;
        let mut open = bare::write(rows, rate).await?;
        bare.push(open.show(&format!("bare writer at {rate}/s")));
    }
    let (own, bare) = (middle(&mut own), middle(&mut bare));
    Ok(vec![
        Row::at_most(name, own, "ms", target),
        Row::ratio(to_bare, own, "ms", bare, 1.5),
    ])
}

async fn open_once(folder: &tempfile::TempDir, rate: u32) -> anyhow::Result<Open> {
    let host = on_disk(folder).await?;
    let open = match Crowd::gather(&host, CONVERSATIONS).await {
        Ok(mut crowd) => {
            on_own_thread(async move {
                crowd.closed_loop(WARM_UP).await?;
                crowd.open_loop(rate, OPEN_FOR).await
            })
            .await
        }
        Err(error) => Err(error),
    };
    host.stop().await;
    open
}

/// What a message costs where 99 plugins do not want it.
pub(crate) async fn one_among() -> anyhow::Result<Vec<Row>> {
    let alone = TestHost::with(&["echo"]).await;
    let among = TestHost::with(&["echo"]).await;
    let pizza = guests::bytes("pizza");
    for number in 0..OTHERS {
        let name = format!("pizza-{number}");
        among.load(&name, pizza.clone(), None).await;
        if let Some(error) = among.row(&name).last_error {
            anyhow::bail!("{name} is refused: {error}");
        }
    }
    let (mut few, mut many) = (
        Crowd::gather(&alone, CONVERSATIONS).await?,
        Crowd::gather(&among, CONVERSATIONS).await?,
    );
    let best = on_worker(async move {
        few.closed_loop(WARM_UP).await?;
        many.closed_loop(WARM_UP).await?;
        let (mut best_few, mut best_many) = (0.0_f64, 0.0_f64);
        for _ in 0..ROUNDS {
            best_few = best_few.max(few.closed_loop(40_000).await?);
            best_many = best_many.max(many.closed_loop(40_000).await?);
        }
        Ok((best_few, best_many))
    })
    .await;
    alone.stop().await;
    among.stop().await;
    let (best_few, best_many) = best?;
    let cost = |rate: f64| 1e6 / rate;
    let row = Row::ratio(
        "one-among-100",
        cost(best_many),
        "us/msg",
        cost(best_few),
        1.1,
    );
    Ok(vec![row])
}

async fn on_disk(folder: &tempfile::TempDir) -> anyhow::Result<TestHost> {
    let journal = SqliteJournal::open(folder.path(), SqliteConfig::default())?;
    let host = TestHost::start(TestHostParts {
        journal: Arc::new(journal),
        ..TestHostParts::default()
    })
    .await;
    host.load("echo", guests::bytes("echo"), None).await;
    Ok(host)
}

async fn rate(host: &TestHost, count: usize) -> anyhow::Result<f64> {
    let mut crowd = Crowd::gather(host, CONVERSATIONS).await?;
    on_worker(async move {
        crowd.closed_loop(WARM_UP).await?;
        let mut best = 0.0_f64;
        for _ in 0..ROUNDS {
            let rate = crowd.closed_loop(count).await?;
            note(&format!(
                "closed loop: {rate:.0}/s, {}",
                crowd.processor_use()
            ));
            best = best.max(rate);
        }
        Ok(best)
    })
    .await
}

/// Runs on a worker of the runtime: the thread that blocks on it would be woken for each answer.
/// Ends when nobody waits for it any more.
async fn on_worker<T: Send + 'static>(
    work: impl Future<Output = anyhow::Result<T>> + Send + 'static,
) -> anyhow::Result<T> {
    let mut set = tokio::task::JoinSet::new();
    set.spawn(work);
    match set.join_next().await {
        Some(result) => result?,
        None => anyhow::bail!("nothing was measured"),
    }
}
