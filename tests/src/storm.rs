//! A storm: people talk to a host that is killed, runs full, is given new and broken builds, hears
//! things twice and fails to send. Afterwards everything that it took is answered once, in order.

mod builds;
mod faults;
mod findings;
mod host;
mod remote;
mod talker;
mod tally;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinSet;

pub use self::findings::Findings;
pub use self::host::{Weather, serve};
pub use self::remote::{Remote, run_on};

use self::builds::Builds;
use self::talker::{Progress, Talker, audit};
use self::tally::{Did, Tallied};
use crate::process::{HostProcess, PageSocket};
use crate::random::Random;

/// How much later than the wanted message a kill comes at most, in microseconds: a few commits.
const LATER_US: u64 = 5_000;
/// Of so many lives one is killed while it starts…
const CUT_SHORT: u64 = 4;
/// … after this time at most, in milliseconds.
const START_MS: u64 = 600;
/// Of so many lives one has a journal that is full.
const FULL: usize = 10;
/// How long a host whose journal is full is left to it.
const FULL_FOR: Duration = Duration::from_millis(1_500);
/// Of all messages, percent that are left for the last life, which is not killed.
const LAST_PERCENT: u64 = 20;
/// Of the last life's messages, percent after which memory is not to grow any more.
const WARM_PERCENT: u64 = 25;
/// After how long a broken build is noticed where nothing answers.
const NOTICED: Duration = Duration::from_secs(1);
/// The longest that one life may take.
const LIFE: Duration = Duration::from_secs(600);

const SETTINGS: &str = r#"
data = "data"
plugins = "plugins"

[local]
listen = "127.0.0.1:0"

[outbox]
doubt-wait = "20ms"

[log]
level = "warn"

[[bot]]
name = "parlor"
platform = "local"

[plugin.loop]
limits = { cpu-ms = 20 }
"#;

/// Which host is stormed.
#[derive(Clone, Debug)]
pub enum Subject {
    /// `parlor run` itself, on a platform that works.
    Parlor(PathBuf),
    /// A program that runs [`serve`] for `--host FOLDER --seed N [--max-bytes N]`.
    Faulty(PathBuf),
    /// As [`Subject::Faulty`], and its platform sends something twice now and then: no host can help that, and the
    /// audit is to find it.
    Doubling(PathBuf),
}

impl Subject {
    /// Tells whether its platform fails, its plugins may, and its journal can be made full.
    fn is_faulty(&self) -> bool {
        matches!(self, Self::Faulty(_) | Self::Doubling(_))
    }
}

/// How much happens in a storm.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    /// Messages.
    pub events: u64,
    /// Kills while people talk; those at a start come on top.
    pub kills: u64,
    /// Builds that are shipped.
    pub reloads: u64,
}

/// How large a storm is.
#[derive(Clone, Debug)]
pub struct StormOptions {
    /// Which host is stormed.
    pub subject: Subject,
    /// What the storm's dice begin with.
    pub seed: u64,
    /// Messages.
    pub events: u64,
    /// Kills while people talk; those at a start come on top.
    pub kills: u64,
    /// Builds that are shipped.
    pub reloads: u64,
    /// People, each in a room of their own.
    pub talkers: usize,
}

/// What came of a storm.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Messages that the host took.
    pub events: u64,
    /// Kills, those at a start included.
    pub kills: u64,
    /// Builds that were shipped.
    pub reloads: u64,
    /// Those of them that were broken.
    pub broken: u64,
    /// Lives with a full journal.
    pub full: u64,
    /// Messages taken and never answered.
    pub lost: u64,
    /// Answers too many.
    pub duplicated: u64,
    /// Answers out of order.
    pub inverted: u64,
    /// Sends that nobody saw end, kills apart.
    pub in_doubt: u64,
    /// The time of an answer, where the host lived from the question on.
    pub p99_ms: f64,
    /// How much memory the last life took after it was warm.
    pub rss_growth_mib: f64,
    /// The whole storm.
    pub seconds: f64,
    /// What else this platform did.
    #[serde(flatten)]
    pub platform: BTreeMap<&'static str, u64>,
    /// What is wrong, in words.
    #[serde(skip)]
    pub findings: String,
}

impl Report {
    /// Tells whether nothing was lost, twice or out of order.
    pub fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.inverted == 0
    }
}

/// A storm that goes on.
struct Storm {
    options: StormOptions,
    folder: tempfile::TempDir,
    random: Random,
    /// Those who do not talk just now.
    talkers: Vec<Talker>,
    talking: JoinSet<anyhow::Result<Talker>>,
    progress: Arc<Progress>,
    builds: Builds,
    kills: u64,
    full: u64,
    lives: u64,
}

/// Lets a storm pass over a host, and looks at what it left.
///
/// # Errors
/// When the host does something else than to answer late: it does not start, ends by itself, refuses.
pub async fn run(options: StormOptions) -> anyhow::Result<Report> {
    let began = Instant::now();
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("parlor.toml"), SETTINGS)?;
    let mut plugins = vec!["echo", "counter"];
    let is_faulty = options.subject.is_faulty();
    if is_faulty {
        plugins.extend(["trap-handle", "loop"]);
    }
    let builds = Builds::start(&folder.path().join("plugins"), &plugins)?;
    let talkers = (0..options.talkers).map(|number| Talker::new(number, is_faulty));
    let mut storm = Storm {
        random: Random::new(options.seed),
        talkers: talkers.collect(),
        talking: JoinSet::new(),
        progress: Arc::new(Progress::new()),
        builds,
        kills: 0,
        full: 0,
        lives: 0,
        folder,
        options,
    };
    let passed = storm.pass().await;
    let (sum, rss_growth_mib) = match passed {
        Ok(passed) => passed,
        Err(error) => {
            let left = storm.folder.keep();
            return Err(error.context(format!("the host's folder is left at {}", left.display())));
        }
    };

    let mut findings = Findings::default();
    let counted = audit(&storm.talkers, &mut findings);
    ensure!(
        counted == sum,
        "the counter says {sum}, its answers {counted}"
    );
    let talkers = storm.talkers.iter_mut();
    let times: Vec<Duration> = talkers.flat_map(|talker| talker.times.drain(..)).collect();
    let tallied = Tallied::read(storm.folder.path())?;
    Ok(Report {
        events: storm.progress.count(),
        kills: storm.kills,
        reloads: storm.builds.shipped,
        broken: storm.builds.broken,
        full: storm.full,
        lost: findings.lost,
        duplicated: findings.duplicated,
        inverted: findings.inverted,
        in_doubt: tallied.as_ref().map_or(0, |it| it.count(Did::InDoubt)),
        p99_ms: p99_ms(times),
        rss_growth_mib,
        seconds: began.elapsed().as_secs_f64(),
        platform: tallied.map_or_else(BTreeMap::new, |it| platform_did(&it)),
        findings: findings.to_string(),
    })
}

/// What a report tells of a faulty platform.
fn platform_did(tallied: &Tallied) -> BTreeMap<&'static str, u64> {
    let told = [
        ("told_events", Did::Event),
        ("told_twice", Did::Twice),
        ("told_out_of_order", Did::Swapped),
        ("sends", Did::Send),
        ("failed_sends", Did::Failed),
        ("slow_sends", Did::Slow),
    ];
    told.map(|(name, did)| (name, tallied.count(did))).into()
}

impl Storm {
    /// Gives the counter's own sum, and how much memory the last host took, in MiB.
    async fn pass(&mut self) -> anyhow::Result<(u64, f64)> {
        self.kill_again_and_again().await?;
        let last = self.last_life().await.context("the last life")?;
        nothing_is_left(self.folder.path())?;
        self.nothing_more_is_said().await?;
        Ok(last)
    }

    fn start(&mut self, is_full: bool) -> anyhow::Result<HostProcess> {
        self.lives += 1;
        let folder = self.folder.path();
        match &self.options.subject {
            Subject::Parlor(program) => HostProcess::start(program, folder),
            Subject::Faulty(program) | Subject::Doubling(program) => {
                let seed = self.options.seed.wrapping_add(self.lives).to_string();
                let place = folder.to_string_lossy().into_owned();
                let mut arguments = vec!["--host", &place, "--seed", &seed];
                if matches!(self.options.subject, Subject::Doubling(_)) {
                    arguments.push("--doubling");
                }
                if is_full {
                    // Less than there is already.
                    arguments.extend(["--max-bytes", "1"]);
                }
                HostProcess::start_with(program, &arguments, folder)
            }
        }
    }

    async fn kill_again_and_again(&mut self) -> anyhow::Result<()> {
        let kills = self.options.kills;
        let stormy = self.options.events * (100 - LAST_PERCENT) / 100;
        for kill in 1..=kills {
            if self.random.one_in(CUT_SHORT) {
                let host = self.start(false)?;
                let wait = self.random.between(0, START_MS);
                tokio::time::sleep(Duration::from_millis(wait)).await;
                host.kill().await?;
                self.kills += 1;
            }
            // Anywhere in its share: lives are not of one length.
            let share = (stormy / kills).max(2);
            let until = stormy * (kill - 1) / kills + self.random.between(share / 2, share);
            let is_full =
                self.options.subject.is_faulty() && usize::try_from(kill)?.is_multiple_of(FULL);
            let life = self.live(until, is_full);
            let life = tokio::time::timeout(LIFE, life).await;
            let host = life
                .with_context(|| format!("life {kill} takes too long"))?
                .with_context(|| format!("life {kill}"))?;
            host.kill().await?;
            self.kills += 1;
            self.full += u64::from(is_full);
            self.gather().await?;
        }
        Ok(())
    }

    /// Starts a host and lets everybody talk until so many messages are taken, by all lives together.
    async fn live(&mut self, until: u64, is_full: bool) -> anyhow::Result<HostProcess> {
        let mut host = self.start(is_full)?;
        let url = host.page().await?;
        self.let_talk(&url);
        if is_full {
            tokio::time::sleep(FULL_FOR).await;
        } else {
            self.reach(until).await?;
        }
        let later = self.random.between(0, LATER_US);
        tokio::time::sleep(Duration::from_micros(later)).await;
        Ok(host)
    }

    fn let_talk(&mut self, url: &str) {
        for talker in self.talkers.drain(..) {
            let talk = talker.talk(url.to_owned(), Arc::clone(&self.progress));
            self.talking.spawn(talk);
        }
    }

    /// Waits until so many messages are taken, and ships builds meanwhile.
    async fn reach(&mut self, until: u64) -> anyhow::Result<()> {
        loop {
            let (events, reloads) = (self.options.events, self.options.reloads);
            let next = (self.builds.shipped + 1) * events / (reloads + 1);
            let is_due = self.builds.shipped < reloads && next <= until;
            let target = if is_due { next } else { until };
            tokio::select! {
                () = self.progress.reached(target) => {}
                // A host that starts on a broken build has none that answers: somebody ships another.
                () = tokio::time::sleep(NOTICED), if self.builds.is_broken => {}
                Some(ended) = self.talking.join_next() => {
                    ended??;
                    bail!("a connection ended while the host lived");
                }
            }
            if self.progress.count() >= until {
                return Ok(());
            }
            self.builds.ship(&mut self.random)?;
        }
    }

    /// Waits until everybody has stopped talking.
    async fn gather(&mut self) -> anyhow::Result<()> {
        while let Some(talker) = self.talking.join_next().await {
            self.talkers.push(talker??);
        }
        self.talkers.sort_by_key(Talker::number);
        Ok(())
    }

    /// Lives on without a kill until everything is answered. Gives the counter's own sum, and how much
    /// memory the host took after it was warm, in MiB.
    async fn last_life(&mut self) -> anyhow::Result<(u64, f64)> {
        let mut host = self.start(false)?;
        let url = host.page().await?;
        self.let_talk(&url);
        let events = self.options.events;
        let begun = self.progress.count().min(events);
        let life = async {
            self.reach(begun + (events - begun) * WARM_PERCENT / 100)
                .await?;
            let warm = host.resident_kib()?;
            self.reach(events).await?;
            let end = host.resident_kib()?;
            self.builds.mend()?;
            self.progress.end();
            self.gather().await?;
            anyhow::Ok((end as f64 - warm as f64) / 1024.0)
        };
        let life = tokio::time::timeout(LIFE, life).await;
        let growth = life.context("the last life takes too long")??;
        for talker in &mut self.talkers {
            talker.wait_for_answers(&url).await?;
        }
        let sum = total(&url, &self.talkers[0]).await?;
        self.talkers[0].allow_total();
        let status = host.stop().await?;
        ensure!(status.success(), "the host does not stop cleanly: {status}");
        Ok((sum, growth))
    }

    /// Starts the host once more: what is done is not done again.
    async fn nothing_more_is_said(&mut self) -> anyhow::Result<()> {
        let mut host = self.start(false)?;
        let url = host.page().await?;
        for talker in &mut self.talkers {
            talker.wait_for_answers(&url).await?;
        }
        let status = host.stop().await?;
        ensure!(status.success(), "the host does not stop cleanly: {status}");
        Ok(())
    }
}

/// Looks into the journal at rest of a host's folder: nothing waits, nothing failed but what was to fail.
fn nothing_is_left(folder: &Path) -> anyhow::Result<()> {
    let journal = folder.join("data").join("journal.sqlite");
    let journal = rusqlite::Connection::open(journal)?;
    for wrong in [
        "SELECT count(*) FROM events WHERE unrouted IS NOT NULL",
        "SELECT count(*) FROM deliveries WHERE ended IS NOT 'done'
            AND plugin NOT IN ('trap-handle', 'loop')",
        "SELECT count(*) FROM parts WHERE state <> 'sent'",
    ] {
        let count: u64 = journal.query_row(wrong, [], |row| row.get(0))?;
        ensure!(count == 0, "{count} rows: {wrong}");
    }
    Ok(())
}

/// The time within which 99 of 100 answers came, in milliseconds.
fn p99_ms(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let p99 = times.get(times.len() * 99 / 100);
    p99.copied().unwrap_or_default().as_secs_f64() * 1e3
}

/// What the counter says itself.
async fn total(url: &str, talker: &Talker) -> anyhow::Result<u64> {
    let mut page = PageSocket::open(url).await?;
    page.speak_as(talker.user()).await?;
    let say = json!({ "say": { "conversation": talker.room()?, "text": "total" } });
    page.ask(0, say).await?;
    while let Some(frame) = page.next().await? {
        let posted = &frame["event"]["change"]["posted"];
        if posted["author"] == "parlor" && posted["conversation"] == talker.room()? {
            let text = posted["text"].as_str().context("an answer without text")?;
            return Ok(text.parse()?);
        }
    }
    bail!("the host ended")
}
