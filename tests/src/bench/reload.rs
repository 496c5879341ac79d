//! From a saved build to the first answer of it.

use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use parlor_host::app::reload::{FolderWatch, FolderWatcher};
use parlor_host::config::Settings;
use parlor_host::mailbox::rooms::{Change, Command, Rooms as _, Say, View};
use parlor_tests::guests;
use parlor_tests::harness::{BOT, TestHost, TestHostParts};

use super::load::percentile;
use super::{Row, disk_folder, note};

/// What the guest answers before it is replaced.
const MARKER: &[u8] = b"ANSWER-0000000000";
/// Saves that are measured.
const SAVES: u64 = 20;
/// A new build answers within this, or the measurement has failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// The time from a save of a small component to the first answer of the new build.
pub(crate) async fn save() -> anyhow::Result<Vec<Row>> {
    let p95 = save_of("versioned").await?;
    Ok(vec![Row::at_most("save-to-answer-p95", p95, "ms", 200.0)])
}

/// The same for one that has the SDK's templates.
pub(crate) async fn save_templates() -> anyhow::Result<Vec<Row>> {
    let p95 = save_of(guests::TEMPLATED).await?;
    Ok(vec![Row::at_most("save-templates-p95", p95, "ms", 1_200.0)])
}

async fn save_of(guest: &str) -> anyhow::Result<f64> {
    let wasm = guests::bytes(guest);
    let place = wasm
        .windows(MARKER.len())
        .position(|bytes| bytes == MARKER)
        .context("the guest has no marker")?;
    note(&format!("save: a component of {} KiB", wasm.len() / 1024));
    let folder = disk_folder()?;
    let file = folder.path().join(format!("{guest}.wasm"));
    std::fs::write(&file, &wasm)?;
    let host = TestHost::start(TestHostParts::default()).await;
    let settings = Settings::defaults(folder.path(), folder.path());
    let watch = FolderWatch::new(folder.path(), None, &settings.reload);
    host.host().follow(FolderWatcher::start(watch)?).await;
    let room = host.room("ada", "Lobby").await;
    let (_, mut view) = host.host().hub().view("ada")?;
    // No build of an earlier run may lie in the cache.
    let first = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)?
        .as_millis() as u64
        * 100;
    let mut times = Vec::new();
    for number in 1..=SAVES {
        let marker = format!("ANSWER-{:010}", (first + number) % 10_000_000_000);
        let mut build = wasm.clone();
        build[place..place + MARKER.len()].copy_from_slice(marker.as_bytes());
        let start = Instant::now();
        std::fs::write(&file, &build)?;
        while ask(&host, &room, &mut view).await? != marker {
            anyhow::ensure!(start.elapsed() < PATIENCE, "{marker} is not answered");
        }
        times.push(start.elapsed());
        // What comes after a swap is not part of the next save.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    host.stop().await;
    let (p50, p95) = (percentile(&mut times, 0.5), percentile(&mut times, 0.95));
    note(&format!("save: p50 {p50:.0} ms, p95 {p95:.0} ms"));
    Ok(p95)
}

async fn ask(host: &TestHost, room: &str, view: &mut View) -> anyhow::Result<String> {
    let say = Command::Say(Say {
        conversation: room.to_owned(),
        text: "what?".to_owned(),
        ..Say::default()
    });
    host.act("ada", say).await?;
    loop {
        let event = tokio::time::timeout(PATIENCE, view.next()).await??;
        if let Change::Posted(message) = &event.change
            && message.author.ends_with(BOT)
        {
            // A breath, so that asking does not take the processor from the compiler.
            tokio::time::sleep(Duration::from_millis(2)).await;
            return Ok(message.text.clone());
        }
    }
}
