//! A storm over a bot on Symphony: the pod is a simulator in this process, which lives on while the host is
//! killed, and whose own record tells afterwards what was said, handed out and answered.

mod audit;
mod people;
mod weather;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::json;

use self::audit::audit;
use self::people::{Crowd, is_answer};
use self::weather::{Counts, dice};
use super::builds::Builds;
use super::{
    CUT_SHORT, FULL, FULL_FOR, Findings, LAST_PERCENT, LATER_US, LIFE, NOTICED, Report, START_MS,
    StormOptions, Subject, WARM_PERCENT, nothing_is_left, p99_ms,
};
use crate::harness::PATIENCE;
use crate::process::HostProcess;
use crate::random::Random;
use crate::sim::Fault;
use crate::sim::symphony::{BOT, Symphony, SymphonyOptions};

/// Of a hundred events so many come twice.
const DUPLICATES_PERCENT: u64 = 5;
/// How long the pod waits for an acknowledgement before it hands events out again: the real one waits
/// thirty seconds, which are too long to wait for after each kill.
const VISIBILITY_MS: u64 = 2_000;
/// How long a read of the feed waits.
const LONG_POLL_MS: u64 = 3_000;
/// After so many messages all sessions end …
const EXPIRE_EVERY: u64 = 250;
/// … all feeds are gone …
const FEEDS_GO_EVERY: u64 = 400;
/// … and connections that wait for events are closed.
const CLOSE_EVERY: u64 = 1_500;
/// Of so many kills one takes the feeds along.
const GONE_WHILE_DEAD: u64 = 3;
/// In this time a host that has nothing to say says what it has.
const SILENCE: Duration = Duration::from_secs(3);

/// A storm that goes on.
struct Storm {
    options: StormOptions,
    folder: tempfile::TempDir,
    sim: Symphony,
    crowd: Crowd,
    counts: Arc<Counts>,
    random: Random,
    builds: Builds,
    kills: u64,
    full: u64,
    /// How often each was done so far.
    expired: u64,
    feeds_gone: u64,
    closed: u64,
}

/// How long people talk.
#[derive(Clone, Copy)]
enum Until {
    /// So many messages are answered, by all lives together.
    Answered(u64),
    /// Everything is said, and answered.
    Done,
}

/// Lets a storm pass over a host whose bot is on Symphony, and looks at what it left.
///
/// # Errors
/// When the host does something else than to answer late: it does not start, ends by itself, or falls silent.
pub async fn run_on_symphony(options: StormOptions) -> anyhow::Result<Report> {
    let began = Instant::now();
    let sim = Symphony::start(SymphonyOptions::default()).await?;
    sim.set(json!({
        "duplicates_percent": DUPLICATES_PERCENT,
        "shuffled": true,
        "visibility_ms": VISIBILITY_MS,
        "long_poll_ms": LONG_POLL_MS,
    }));
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("parlor.toml"), settings(&sim))?;
    let plugins = ["echo", "counter", "trap-handle", "loop"];
    let builds = Builds::start(&folder.path().join("plugins"), &plugins)?;
    let mut storm = Storm {
        random: Random::new(options.seed),
        crowd: Crowd::new(options.talkers),
        counts: Arc::default(),
        builds,
        kills: 0,
        full: 0,
        expired: 0,
        feeds_gone: 0,
        closed: 0,
        folder,
        sim,
        options,
    };
    let rss_growth_mib = match storm.pass().await {
        Ok(growth) => growth,
        Err(error) => {
            let left = storm.folder.keep();
            return Err(error.context(format!("the host's folder is left at {}", left.display())));
        }
    };
    let mut findings = Findings::default();
    let messages = storm.sim.messages_from(0);
    let handed = audit(&messages, &storm.sim.handouts(), &mut findings);
    let counts = &storm.counts;
    let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    Ok(Report {
        events: storm.crowd.said,
        kills: storm.kills,
        reloads: storm.builds.shipped,
        broken: storm.builds.broken,
        full: storm.full,
        lost: findings.lost,
        duplicated: findings.duplicated,
        inverted: findings.inverted,
        in_doubt: count(&counts.in_doubt),
        p99_ms: p99_ms(std::mem::take(&mut storm.crowd.times)),
        rss_growth_mib,
        seconds: began.elapsed().as_secs_f64(),
        platform: BTreeMap::from([
            ("failed_sends", count(&counts.failed_sends)),
            ("throttled_sends", count(&counts.throttled)),
            ("slow_sends", count(&counts.slow)),
            ("failed_calls", count(&counts.failed_calls)),
            ("sessions_expired", storm.expired),
            ("feeds_gone", storm.feeds_gone),
            ("polls_closed", storm.closed),
            ("handed_twice", handed.twice),
            ("handed_out_of_order", handed.out_of_order),
        ]),
        findings: findings.to_string(),
    })
}

fn settings(sim: &Symphony) -> String {
    format!(
        r#"
data = "data"
plugins = "plugins"

[local]
listen = "127.0.0.1:0"

[outbox]
doubt-wait = "300ms"

[log]
level = "warn"

[[bot]]
name = "desk"
platform = "symphony"
host = "{}"
username = "{BOT}"
private-key = "file:{}"
conversation-messages-per-minute = 600000

[plugin.loop]
limits = {{ cpu-ms = 20 }}
"#,
        sim.base_url(),
        sim.file("bot.pem").display()
    )
}

impl Storm {
    /// Gives how much memory the last host took, in MiB.
    async fn pass(&mut self) -> anyhow::Result<f64> {
        self.begin().await?;
        self.kill_again_and_again().await?;
        let growth = self.last_life().await.context("the last life")?;
        nothing_is_left(self.folder.path())?;
        self.nothing_more_is_said().await?;
        Ok(growth)
    }

    fn start(&mut self, is_full: bool) -> anyhow::Result<HostProcess> {
        self.crowd.begin_life();
        let folder = self.folder.path();
        match &self.options.subject {
            Subject::Parlor(program) => HostProcess::start(program, folder),
            Subject::Faulty(program) => {
                let place = folder.to_string_lossy().into_owned();
                let mut arguments = vec!["--host", &place, "--calm"];
                if is_full {
                    // Less than there is already.
                    arguments.extend(["--max-bytes", "1"]);
                }
                HostProcess::start_with(program, &arguments, folder)
            }
        }
    }

    /// Lets the bot come to the platform for the first time: what is said before that is not for it.
    async fn begin(&mut self) -> anyhow::Result<()> {
        let mut host = self.start(false)?;
        host.page().await?;
        self.has_feed(0).await?;
        host.kill().await?;
        self.kills += 1;
        let seed = self.options.seed ^ 0x5eed;
        self.sim.fault_by(dice(seed, Arc::clone(&self.counts)));
        Ok(())
    }

    /// Waits until a host reads its feed, by a request after this one.
    async fn has_feed(&self, after: u64) -> anyhow::Result<()> {
        let read = self.sim.request_like(after, PATIENCE, |request| {
            request.path.starts_with("/agent/v5/datafeeds/") && request.path.ends_with("/read")
        });
        read.await.context("the host reads no feed")?;
        Ok(())
    }

    async fn kill_again_and_again(&mut self) -> anyhow::Result<()> {
        let kills = self.options.kills;
        let stormy = self.options.events * (100 - LAST_PERCENT) / 100;
        for kill in 1..=kills {
            if self.random.one_in(CUT_SHORT) {
                let host = self.start(false)?;
                let wait = self.random.between(0, START_MS);
                tokio::time::sleep(Duration::from_millis(wait)).await;
                self.kill(host).await?;
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
            self.kill(host).await?;
            self.full += u64::from(is_full);
        }
        Ok(())
    }

    /// Kills a host; people go on, and now and then the feed does not survive it.
    async fn kill(&mut self, host: HostProcess) -> anyhow::Result<()> {
        host.kill().await?;
        self.kills += 1;
        if self.random.one_in(GONE_WHILE_DEAD) {
            self.crowd.talk(&self.sim, self.options.events);
            self.lose_feeds();
        }
        self.crowd.talk(&self.sim, self.options.events);
        Ok(())
    }

    /// Starts a host and lets everybody talk until so many messages are answered, by all lives together.
    async fn live(&mut self, until: u64, is_full: bool) -> anyhow::Result<HostProcess> {
        let mut host = self.start(is_full)?;
        host.page().await?;
        if is_full {
            self.crowd.talk(&self.sim, self.options.events);
            tokio::time::sleep(FULL_FOR).await;
        } else {
            self.reach(Until::Answered(until)).await?;
        }
        let later = self.random.between(0, LATER_US);
        tokio::time::sleep(Duration::from_micros(later)).await;
        Ok(host)
    }

    /// Lets people talk, ships builds meanwhile, and lets the platform have its troubles.
    async fn reach(&mut self, until: Until) -> anyhow::Result<()> {
        let mut bell = self.sim.bell();
        let mut heard = Instant::now();
        loop {
            bell.borrow_and_update();
            let before = self.crowd.answered;
            self.crowd.look(&self.sim);
            if self.crowd.answered > before {
                heard = Instant::now();
            }
            self.trouble();
            let (events, reloads) = (self.options.events, self.options.reloads);
            let next = (self.builds.shipped + 1) * events / (reloads + 1);
            if self.builds.shipped < reloads && next <= self.crowd.answered {
                self.builds.ship(&mut self.random)?;
            }
            let is_reached = match until {
                Until::Answered(count) => self.crowd.answered >= count,
                // What is never answered is for the audit.
                Until::Done => self.crowd.is_done(events) || heard.elapsed() > PATIENCE,
            };
            if is_reached {
                return Ok(());
            }
            if heard.elapsed() > PATIENCE {
                bail!("nothing is answered: {}", self.crowd.standing());
            }
            self.crowd.talk(&self.sim, events);
            tokio::select! {
                rung = bell.changed() => rung?,
                // A host that starts on a broken build has none that answers: somebody ships another.
                () = tokio::time::sleep(NOTICED) => {
                    if self.builds.is_broken {
                        self.builds.ship(&mut self.random)?;
                    }
                }
            }
        }
    }

    /// Lets happen what is due by now.
    fn trouble(&mut self) {
        let answered = self.crowd.answered;
        if answered / EXPIRE_EVERY > self.expired {
            self.expired += 1;
            self.sim.fault(Fault::default().expire_tokens());
        }
        if answered / FEEDS_GO_EVERY > self.feeds_gone {
            self.lose_feeds();
        }
        if answered / CLOSE_EVERY > self.closed {
            self.closed += 1;
            let read = "POST /agent/v5/datafeeds/*/read";
            self.sim.fault(Fault::on(read).close_socket());
        }
    }

    fn lose_feeds(&mut self) {
        self.feeds_gone += 1;
        self.sim.act("restart", json!({ "what": "feeds" }));
    }

    /// Lives on without a kill until everything is answered. Gives how much memory the host took after
    /// it was warm, in MiB.
    async fn last_life(&mut self) -> anyhow::Result<f64> {
        let mut host = self.start(false)?;
        host.page().await?;
        let events = self.options.events;
        let begun = self.crowd.answered.min(events);
        let life = async {
            let warm = begun + (events - begun) * WARM_PERCENT / 100;
            self.reach(Until::Answered(warm)).await?;
            let warm = host.resident_kib()?;
            self.builds.mend()?;
            self.builds.is_broken = false;
            self.reach(Until::Done).await?;
            let end = host.resident_kib()?;
            anyhow::Ok((end as f64 - warm as f64) / 1024.0)
        };
        let growth = tokio::time::timeout(LIFE, life).await;
        let growth = growth.context("the last life takes too long")??;
        // What is answered may be answered once too often a little later.
        self.sim
            .sent_like(self.sim.sent_count(), SILENCE, |_| false)
            .await;
        let status = host.stop().await?;
        ensure!(status.success(), "the host does not stop cleanly: {status}");
        Ok(growth)
    }

    /// Starts the host once more: what is done is not done again.
    async fn nothing_more_is_said(&mut self) -> anyhow::Result<()> {
        self.sim.clear_faults();
        let (requests, said) = (self.sim.request_count(), self.sim.messages_from(0).len());
        let mut host = self.start(false)?;
        host.page().await?;
        self.has_feed(requests).await?;
        self.sim
            .sent_like(self.sim.sent_count(), SILENCE, |sent| {
                sent.kind == "message"
            })
            .await;
        // The host may still tell people of what a plugin that traps did not answer.
        let more = self.sim.messages_from(said).into_iter();
        let more: Vec<String> = more
            .filter(|posted| posted.by_bot && is_answer(&posted.text))
            .map(|posted| posted.text)
            .collect();
        ensure!(more.is_empty(), "said again after a restart: {more:?}");
        let status = host.stop().await?;
        ensure!(status.success(), "the host does not stop cleanly: {status}");
        Ok(())
    }
}
