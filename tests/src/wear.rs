//! Wear: one plugin leaks, one traps on every tenth event, one on each. A host bears them for as long as one
//! likes, within the memory that it took when it was warm, and loses nothing of what it was told.

mod audit;
mod group;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tokio::task::JoinSet;

use self::audit::{Journal, audit};
use self::group::{Group, Progress};
use crate::guests;
use crate::harness::PATIENCE;
use crate::process::HostProcess;
use crate::storm::Findings;

/// Of all messages, percent after which memory is not to grow any more.
const WARM_PERCENT: u64 = 25;
/// How often the host's memory and its journal are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// The longest that a message may take, of many.
const EACH: Duration = Duration::from_millis(20);
/// The marker in `versioned` that tests replace, and one with which it traps.
const MARKER: &[u8; 17] = b"ANSWER-0000000000";
const FAULT: &[u8; 17] = b"FAULT-00000000000";
/// The plugin that traps on each event until a build is shipped that does not.
const ALWAYS: &str = "always";
/// Of its messages, one in so many may come to nothing before it is left alone.
const TRIED: u64 = 4;

const SETTINGS: &str = r#"
data = "data"
plugins = "plugins"

[local]
listen = "127.0.0.1:0"

[log]
level = "error"

[[bot]]
name = "parlor"
platform = "local"

# What guests hold is theirs, and comes and goes: little, so that what the host holds is seen.
[plugin.leak]
only = { conversations = ["leak *"] }
limits = { memory-mib = 4, instances = 1 }

[plugin.flaky]
only = { conversations = ["flaky *"] }

[plugin.always]
only = { conversations = ["always *"] }
"#;

/// How long the host is worn.
#[derive(Clone, Debug)]
pub struct WearOptions {
    /// The host.
    pub program: PathBuf,
    /// What it is started with, in the folder of its settings.
    pub arguments: Vec<&'static str>,
    /// Messages.
    pub events: u64,
    /// Conversations of the plugin that traps now and then. Each waits half a second when it does.
    pub rooms: usize,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct WearReport {
    /// Messages that the host took.
    pub events: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Those that the plugin which leaks gave up.
    pub leak_dead: u64,
    /// … and the one that traps on every tenth.
    pub flaky_dead: u64,
    /// … and the one that traps on each, of those below: the others waited for its new build.
    pub always_dead: u64,
    /// Messages for the one that traps on each.
    pub always: u64,
    /// Messages that are neither answered nor a dead letter.
    pub lost: u64,
    /// Answers too many.
    pub duplicated: u64,
    /// Answers out of order.
    pub inverted: u64,
    /// The most memory that the host took in the eighth of the messages after which it is warm.
    pub rss_warm_mib: f64,
    /// How much more the most is that it took after that.
    pub rss_growth_mib: f64,
    /// All of it.
    pub seconds: f64,
    /// What is wrong, in words.
    #[serde(skip)]
    pub findings: String,
}

impl WearReport {
    /// Tells whether the state of every message is known and right.
    pub fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.inverted == 0
            && self.answered + self.dead() == self.events
            && self.always_dead * TRIED <= self.always
    }

    /// Messages that came to nothing.
    pub fn dead(&self) -> u64 {
        self.leak_dead + self.flaky_dead + self.always_dead
    }
}

/// Wears a host, and looks at what became of each message.
///
/// # Errors
/// When the host does something else than to answer late: it does not start, ends by itself, refuses.
pub async fn run(options: &WearOptions) -> anyhow::Result<WearReport> {
    let folder = tempfile::tempdir()?;
    match wear(options, folder.path()).await {
        Ok(report) => Ok(report),
        Err(error) => {
            let left = folder.keep();
            Err(error.context(format!("the host's folder is left at {}", left.display())))
        }
    }
}

async fn wear(options: &WearOptions, folder: &Path) -> anyhow::Result<WearReport> {
    let began = Instant::now();
    std::fs::write(folder.join("parlor.toml"), SETTINGS)?;
    let plugins = folder.join("plugins");
    std::fs::create_dir(&plugins)?;
    for plugin in ["leak", "flaky"] {
        std::fs::write(
            plugins.join(format!("{plugin}.wasm")),
            guests::bytes(plugin),
        )?;
    }
    std::fs::write(plugins.join("always.wasm"), marked(FAULT)?)?;

    let mut host = HostProcess::start_with(&options.program, &options.arguments, folder)?;
    let url = host.page().await?;
    let progress = Arc::new(Progress::default());
    let mut groups = JoinSet::new();
    let rooms = options.rooms;
    let always = (options.events / 100).max(40);
    let leak = (options.events - always) / 2;
    let flaky = options.events - always - leak;
    for (plugin, rooms, messages, patient) in [
        ("leak", rooms.div_ceil(4), leak, true),
        ("flaky", rooms, flaky, true),
        (ALWAYS, 4, always, false),
    ] {
        let group = Group::new(plugin, rooms, messages, patient);
        groups.spawn(group.talk(url.clone(), Arc::clone(&progress)));
    }

    let journal = Journal::open(folder)?;
    let worn = async {
        let warm = options.events * WARM_PERCENT / 100;
        let mut memory = Memory::default();
        while progress.said() < warm {
            if progress.said() >= warm / 2 {
                memory.warm = memory.warm.max(host.resident_kib()?);
            }
            tokio::time::sleep(LOOK).await;
        }
        let others = "plugin <> 'always'";
        while progress.said() < options.events || journal.open_deliveries(others)? > 0 {
            memory.look(host.resident_kib()?);
            tokio::time::sleep(LOOK).await;
        }
        memory.look(host.resident_kib()?);
        // All of its messages wait, but those that it was tried with.
        ensure!(
            journal.open_deliveries("plugin = 'always'")? > 0,
            "nothing waits"
        );
        let mended = plugins.join(".always");
        std::fs::write(&mended, marked(MARKER)?)?;
        std::fs::rename(mended, plugins.join("always.wasm"))?;
        while journal.open_deliveries("true")? > 0 || journal.open_parts()? > 0 {
            tokio::time::sleep(LOOK).await;
        }
        progress.end();
        anyhow::Ok(memory)
    };
    let mut talked = Vec::new();
    let talk = async {
        while let Some(group) = groups.join_next().await {
            talked.push(group??);
        }
        anyhow::Ok(())
    };
    let events = u32::try_from(options.events)?;
    let within = PATIENCE + EACH * events;
    let worn = tokio::time::timeout(within, async { tokio::try_join!(worn, talk) });
    let (memory, ()) = worn.await.with_context(|| {
        let said = progress.said();
        format!("{said} messages are taken, and not all have ended, after {within:?}")
    })??;
    drop(journal);
    let status = host.stop().await?;
    ensure!(status.success(), "the host does not stop cleanly: {status}");

    let mut findings = Findings::default();
    let journal = Journal::open(folder)?;
    let mut report = WearReport {
        events: progress.said(),
        answered: 0,
        leak_dead: 0,
        flaky_dead: 0,
        always_dead: 0,
        always,
        lost: 0,
        duplicated: 0,
        inverted: 0,
        rss_warm_mib: mib(memory.warm),
        rss_growth_mib: mib(memory.most.saturating_sub(memory.warm)),
        seconds: began.elapsed().as_secs_f64(),
        findings: String::new(),
    };
    for group in &talked {
        let dead = audit(&journal, group, &mut findings)?;
        report.answered += group.answers();
        *match group.plugin() {
            "leak" => &mut report.leak_dead,
            "flaky" => &mut report.flaky_dead,
            _ => &mut report.always_dead,
        } += dead;
    }
    report.lost = findings.lost;
    report.duplicated = findings.duplicated;
    report.inverted = findings.inverted;
    report.findings = findings.to_string();
    Ok(report)
}

/// KiB that are resident. What guests hold comes and goes, by megabytes: the most is compared with the
/// most.
#[derive(Clone, Copy, Default)]
struct Memory {
    /// While it got warm.
    warm: u64,
    /// Since then.
    most: u64,
}

impl Memory {
    fn look(&mut self, resident: u64) {
        self.most = self.most.max(resident);
    }
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// `versioned` with a marker of its own.
fn marked(marker: &[u8; 17]) -> anyhow::Result<Vec<u8>> {
    let mut wasm = guests::bytes("versioned");
    let at = wasm.windows(MARKER.len()).position(|part| part == MARKER);
    let at = at.context("versioned has no marker")?;
    wasm[at..at + MARKER.len()].copy_from_slice(marker);
    Ok(wasm)
}
