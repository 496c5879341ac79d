//! What a host takes of memory and time, measured in processes that have done nothing else.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use parlor_host::app::platforms::BuiltIn;
use parlor_host::app::reload::{FolderWatch, FolderWatcher};
use parlor_host::app::{Host, HostParts};
use parlor_host::config::Settings;
use parlor_host::connectors::local::{Hub, LocalConfig};
use parlor_host::journal::memory::MemoryJournal;
use parlor_host::mailbox::SystemClock;
use parlor_host::mailbox::rooms::{Change, Rooms as _};
use parlor_host::runtime::CompilerProgram;
use parlor_host::web::PanelSource as _;
use parlor_tests::guests;
use parlor_tests::harness::{BOT, TestHost, TestHostParts};

use super::{Row, cache_folder, disk_folder, note};

type Figures = BTreeMap<String, f64>;

/// Plugins that idle.
const IDLE: usize = 200;
/// How long they idle before they are weighed.
const IDLE_FOR: Duration = Duration::from_secs(3);
/// What a host starts with.
const TEN: [&str; 10] = [
    "echo",
    "joke",
    "pizza",
    "activities",
    "complex-message",
    "adder",
    "counter",
    "versioned",
    "flaky",
    "state",
];
/// Starts; the middle one counts. The one before them fills the cache.
const STARTS: usize = 5;

/// The row of an idle plugin.
pub(crate) async fn idle_row() -> anyhow::Result<Vec<Row>> {
    let folder = disk_folder()?;
    std::fs::write(folder.path().join("echo.wasm"), guests::bytes("echo"))?;
    let figures = in_child("idle", folder.path()).await?;
    let resident = figures.get("kib").copied().unwrap_or(f64::NAN);
    Ok(vec![Row::at_most("idle-plugin", resident, "KiB", 300.0)])
}

/// In the child: what each of [`IDLE`] plugins has resident.
pub(crate) async fn idle(folder: &Path) -> anyhow::Result<Figures> {
    let wasm = std::fs::read(folder.join("echo.wasm"))?;
    let host = TestHost::start(TestHostParts::default()).await;
    host.load("echo", wasm.clone(), None).await;
    host.ask("hello").await;
    tokio::time::sleep(IDLE_FOR).await;
    let before = resident_kib()?;
    for number in 0..IDLE {
        host.load(&format!("echo-{number}"), wasm.clone(), None)
            .await;
    }
    let (_, mut view) = host.host().hub().view("ada")?;
    host.ask("hello").await;
    let mut answers = 0;
    while let Some(event) = view.try_next()? {
        answers += usize::from(
            matches!(&event.change, Change::Posted(said) if said.author.ends_with(BOT)),
        );
    }
    anyhow::ensure!(answers == IDLE + 1, "{answers} answers");
    tokio::time::sleep(IDLE_FOR).await;
    let after = resident_kib()?;
    host.stop().await;
    let each = (after - before) / IDLE as f64;
    Ok(Figures::from([("kib".to_owned(), each)]))
}

/// The rows of a start.
pub(crate) async fn start_rows() -> anyhow::Result<Vec<Row>> {
    let folder = disk_folder()?;
    let plugins = folder.path().join("plugins");
    std::fs::create_dir_all(&plugins)?;
    for name in TEN {
        std::fs::write(plugins.join(format!("{name}.wasm")), guests::bytes(name))?;
    }
    in_child("start", folder.path()).await?;
    let (mut times, mut sizes) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let figures = in_child("start", folder.path()).await?;
        times.push(figures.get("ms").copied().context("no time")?);
        sizes.push(figures.get("mib").copied().context("no size")?);
    }
    times.sort_by(f64::total_cmp);
    sizes.sort_by(f64::total_cmp);
    note(&format!("starts: {times:.1?} ms, {sizes:.1?} MiB"));
    let middle = STARTS / 2;
    Ok(vec![
        Row::at_most("start-10-cached", times[middle], "ms", 300.0),
        Row::at_most("start-10-cached-resident", sizes[middle], "MiB", 40.0),
    ])
}

/// In the child: time from the start until the host is open, and what is resident then.
pub(crate) async fn start(folder: &Path) -> anyhow::Result<Figures> {
    let start = Instant::now();
    let settings = Settings::defaults(&folder.join("plugins"), folder);
    let watch = FolderWatch::new(&settings.plugins_folder, None, &settings.reload);
    let watcher = FolderWatcher::start(watch)?;
    let hub = Hub::open(LocalConfig::default())?;
    let host = Host::start(HostParts {
        artifacts: None,
        settings,
        journal: Arc::new(MemoryJournal::new()),
        platforms: Arc::new(BuiltIn::new(hub.clone())),
        hub,
        cache: cache_folder(),
        compiler: CompilerProgram::Thread,
        clock: Arc::new(SystemClock),
    })
    .await?;
    host.follow(watcher).await;
    host.open().await?;
    let time = start.elapsed();
    let resident = resident_kib()? / 1024.0;
    let rows = host.plugins().plugins();
    anyhow::ensure!(rows.len() == TEN.len(), "{} plugins", rows.len());
    for row in rows {
        if let Some(error) = row.last_error {
            anyhow::bail!("{} is refused: {error}", row.name);
        }
    }
    host.stop().await;
    Ok(Figures::from([
        ("ms".to_owned(), time.as_secs_f64() * 1e3),
        ("mib".to_owned(), resident),
    ]))
}

async fn in_child(what: &str, folder: &Path) -> anyhow::Result<Figures> {
    let output = tokio::process::Command::new(std::env::current_exe()?)
        .args(["--child", what, "--folder"])
        .arg(folder)
        .kill_on_drop(true)
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last();
    let figures = last.and_then(|line| serde_json::from_str(line).ok());
    figures.with_context(|| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let said = said.lines().next().unwrap_or_default();
        format!("child {what}: {}: {said}", output.status)
    })
}

fn resident_kib() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages = text.split(' ').nth(1).context("no pages")?;
    let pages: f64 = pages.parse()?;
    // SAFETY: it only reads a number of the system.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Ok(pages * page as f64 / 1024.0)
}
