//! A storm over a bot on a platform that is not ours: a simulator in this process, which lives on while the
//! host is killed, and whose own record tells afterwards what was said, handed out and answered.

mod audit;
mod door;
mod ground;
mod livechat;
mod lseg;
mod people;
mod symphony;
mod weather;
mod webex;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use self::audit::{Record, audit};
use self::door::Door;
use self::ground::Ground;
use self::people::{Crowd, is_answer};
use self::weather::Counts;
use super::builds::Builds;
use super::{
    CUT_SHORT, FULL, FULL_FOR, Findings, LAST_PERCENT, LATER_US, LIFE, NOTICED, Report, START_MS,
    StormOptions, Subject, WARM_PERCENT, nothing_is_left, p99_ms,
};
use crate::harness::PATIENCE;
use crate::process::HostProcess;
use crate::random::Random;

/// Of so many kills one has people and platform do things that the host does not live to see.
const WHILE_DEAD: u64 = 3;
/// In this time a host that has nothing to say says what it has.
const SILENCE: Duration = Duration::from_secs(3);
/// After this long nobody waits any more for an answer on a platform that forgets.
const GIVEN_UP: Duration = Duration::from_secs(2);

/// A platform that a storm can pass over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remote {
    /// A pod of Symphony.
    Symphony,
    /// Webex, by webhooks.
    Webex,
    /// LiveChat.
    LiveChat,
    /// LSEG Messenger.
    Lseg,
}

/// Lets a storm pass over a host whose bot is on this platform, and looks at what it left.
///
/// # Errors
/// When the host does something else than to answer late: it does not start, ends by itself, or falls silent.
pub async fn run_on(remote: Remote, options: StormOptions) -> anyhow::Result<Report> {
    match remote {
        Remote::Symphony => pass_over(symphony::Pod::start().await?, options).await,
        Remote::Webex => pass_over(webex::Cloud::start().await?, options).await,
        Remote::LiveChat => pass_over(livechat::Desk::start().await?, options).await,
        Remote::Lseg => {
            let ground = lseg::Messenger::start(options.talkers).await?;
            pass_over(ground, options).await
        }
    }
}

/// A storm that goes on.
struct Storm<G> {
    options: StormOptions,
    folder: tempfile::TempDir,
    ground: G,
    /// Where the platform calls the host, where it does.
    door: Option<Door>,
    crowd: Crowd,
    counts: Arc<Counts>,
    random: Random,
    builds: Builds,
    /// Messages of the record when hosts were killed, and when the next ones served.
    kills: Vec<(usize, usize)>,
    full: u64,
}

/// How long people talk.
#[derive(Clone, Copy)]
enum Until {
    /// So many messages are through, by all lives together.
    Through(u64),
    /// Everything is said, and answered.
    Done,
}

async fn pass_over<G: Ground>(ground: G, options: StormOptions) -> anyhow::Result<Report> {
    let began = Instant::now();
    let door = match G::IS_CALLED {
        true => Some(Door::open().await?),
        false => None,
    };
    let folder = tempfile::tempdir()?;
    let settings = settings(door.as_ref(), &ground.section(folder.path())?);
    std::fs::write(folder.path().join("parlor.toml"), settings)?;
    let plugins = ["echo", "counter", "trap-handle", "loop"];
    let builds = Builds::start(&folder.path().join("plugins"), &plugins)?;
    let crowd = Crowd::new(options.talkers);
    ground.prepare(crowd.places());
    let mut storm = Storm {
        random: Random::new(options.seed),
        crowd,
        counts: Arc::default(),
        builds,
        kills: Vec::new(),
        full: 0,
        folder,
        ground,
        door,
        options,
    };
    match storm.pass().await {
        Ok(growth) => Ok(storm.report(growth, began.elapsed())),
        Err(error) => {
            let left = storm.folder.keep();
            Err(error.context(format!("the host's folder is left at {}", left.display())))
        }
    }
}

fn settings(door: Option<&Door>, bot: &str) -> String {
    let http = door.map(|door| {
        format!(
            "[http]\nlisten = \"127.0.0.1:0\"\npublic-url = \"{}\"\n",
            door.url()
        )
    });
    format!(
        r#"
data = "data"
plugins = "plugins"

{}
[local]
listen = "127.0.0.1:0"

[outbox]
doubt-wait = "300ms"

[log]
level = "warn"

{bot}
[plugin.loop]
limits = {{ cpu-ms = 20 }}
"#,
        http.unwrap_or_default()
    )
}

impl<G: Ground> Storm<G> {
    /// Gives how much memory the last host took, in MiB.
    async fn pass(&mut self) -> anyhow::Result<f64> {
        self.begin().await?;
        self.kill_again_and_again().await?;
        let growth = self.last_life().await.context("the last life")?;
        nothing_is_left(self.folder.path())?;
        self.nothing_more_is_said().await?;
        Ok(growth)
    }

    async fn start(&mut self, is_full: bool) -> anyhow::Result<HostProcess> {
        let requests = self.ground.request_count();
        let mut host = self.spawn(is_full)?;
        host.page().await?;
        if let Some(door) = &self.door {
            door.lead(Some(host.called().await?));
        }
        if G::FORGETS && !self.kills.is_empty() && !is_full {
            // What is said before is for nobody.
            let is_heard = self.ground.is_heard(requests.max(1)).await;
            ensure!(is_heard, "the host hears nothing");
        }
        // What the host before had on the way has come by now.
        self.crowd.look(&self.ground);
        if let Some((_, until)) = self.kills.last_mut() {
            *until = self.crowd.seen;
        }
        Ok(host)
    }

    fn spawn(&mut self, is_full: bool) -> anyhow::Result<HostProcess> {
        self.crowd.begin_life();
        let Subject::Faulty(program) = &self.options.subject else {
            bail!("a storm over a platform of others is over a program that runs `serve`");
        };
        let folder = self.folder.path();
        let place = folder.to_string_lossy().into_owned();
        let mut arguments = vec!["--host", &place, "--calm"];
        if is_full {
            // Less than there is already.
            arguments.extend(["--max-bytes", "1"]);
        }
        HostProcess::start_with(program, &arguments, folder)
    }

    /// Lets the bot come to the platform for the first time: what is said before that is not for it.
    async fn begin(&mut self) -> anyhow::Result<()> {
        let host = self.start(false).await?;
        ensure!(self.ground.is_heard(0).await, "the host hears nothing");
        // Whoever has heard something knows from then on what was missed.
        self.reach(Until::Through(1)).await?;
        self.kill(host).await?;
        let seed = self.options.seed ^ 0x5eed;
        let dice = self.ground.dice(seed, Arc::clone(&self.counts));
        self.ground.fault_by(dice);
        Ok(())
    }

    async fn kill_again_and_again(&mut self) -> anyhow::Result<()> {
        let kills = self.options.kills;
        let stormy = self.options.events * (100 - LAST_PERCENT) / 100;
        for kill in 1..=kills {
            if self.random.one_in(CUT_SHORT) {
                let host = self.spawn(false)?;
                let wait = self.random.between(0, START_MS);
                tokio::time::sleep(Duration::from_millis(wait)).await;
                self.kill(host).await?;
            }
            // Anywhere in its share: lives are not of one length.
            let share = (stormy / kills).max(2);
            let until = stormy * (kill - 1) / kills + self.random.between(share / 2, share);
            let is_full = usize::try_from(kill)?.is_multiple_of(FULL);
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

    /// Kills a host; people go on, and now and then the platform does something meanwhile.
    async fn kill(&mut self, host: HostProcess) -> anyhow::Result<()> {
        host.kill().await?;
        if let Some(door) = &self.door {
            door.lead(None);
        }
        self.crowd.look(&self.ground);
        let seen = self.crowd.seen;
        self.kills.push((seen, seen));
        let does_something = self.random.one_in(WHILE_DEAD);
        if does_something {
            self.crowd.talk(&self.ground, self.options.events);
            self.ground.outlived();
        }
        // On a platform that forgets all of it is gone: there it is enough now and then.
        if does_something || !G::FORGETS {
            self.crowd.talk(&self.ground, self.options.events);
        }
        Ok(())
    }

    /// Messages that are through: answered, or nobody waits for their answers any more.
    fn through(&self) -> u64 {
        match G::FORGETS {
            true => self.crowd.said - self.crowd.waiting(),
            false => self.crowd.answered,
        }
    }

    /// Starts a host and lets everybody talk until so many messages are through, by all lives together.
    async fn live(&mut self, until: u64, is_full: bool) -> anyhow::Result<HostProcess> {
        let host = self.start(is_full).await?;
        if is_full {
            self.crowd.talk(&self.ground, self.options.events);
            tokio::time::sleep(FULL_FOR).await;
        } else {
            self.reach(Until::Through(until)).await?;
        }
        let later = self.random.between(0, LATER_US);
        tokio::time::sleep(Duration::from_micros(later)).await;
        Ok(host)
    }

    /// Lets people talk, ships builds meanwhile, and lets the platform have its troubles.
    async fn reach(&mut self, until: Until) -> anyhow::Result<()> {
        let mut bell = self.ground.platform.bell();
        let mut heard = Instant::now();
        let mut forgiven = heard;
        loop {
            bell.borrow_and_update();
            let before = self.crowd.answered;
            self.crowd.look(&self.ground);
            if self.crowd.answered > before {
                heard = Instant::now();
            }
            let events = self.options.events;
            self.ground.trouble(self.crowd.answered);
            let next = (self.builds.shipped + 1) * events / (self.options.reloads + 1);
            if self.builds.shipped < self.options.reloads && next <= self.through() {
                self.builds.ship(&mut self.random)?;
                // Several may be due.
                continue;
            }
            if G::FORGETS && heard.max(forgiven).elapsed() > GIVEN_UP {
                forgiven = Instant::now();
                self.crowd.forgive();
            }
            let is_reached = match until {
                Until::Through(count) => self.through() >= count,
                // What is never answered is for the audit.
                Until::Done => self.crowd.is_done(events) || heard.elapsed() > PATIENCE,
            };
            if is_reached {
                return Ok(());
            }
            if heard.elapsed() > PATIENCE {
                bail!("nothing is answered: {}", self.crowd.standing());
            }
            self.crowd.talk(&self.ground, events);
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

    /// Lives on without a kill until everything is answered. Gives how much memory the host took after
    /// it was warm, in MiB.
    async fn last_life(&mut self) -> anyhow::Result<f64> {
        let host = self.start(false).await?;
        let events = self.options.events;
        let begun = self.through().min(events);
        let life = async {
            let warm = begun + (events - begun) * WARM_PERCENT / 100;
            self.reach(Until::Through(warm)).await?;
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
        self.ground
            .sent_like(self.ground.sent_count(), SILENCE, |_| false)
            .await;
        let status = host.stop().await?;
        ensure!(status.success(), "the host does not stop cleanly: {status}");
        Ok(growth)
    }

    /// Starts the host once more: what is done is not done again.
    async fn nothing_more_is_said(&mut self) -> anyhow::Result<()> {
        self.ground.clear_faults();
        let requests = self.ground.request_count();
        let said = self.ground.messages_from(0).len();
        let host = self.start(false).await?;
        let is_heard = self.ground.is_heard(requests.max(1)).await;
        ensure!(is_heard, "the host hears nothing");
        self.ground
            .sent_like(self.ground.sent_count(), SILENCE, |sent| {
                sent.kind == "message"
            })
            .await;
        // The host may still tell people of what a plugin that traps did not answer.
        let more = self.ground.messages_from(said).into_iter();
        let more: Vec<String> = more
            .filter(|posted| posted.by_bot && is_answer(&posted.text))
            .map(|posted| posted.text)
            .collect();
        ensure!(more.is_empty(), "said again after a restart: {more:?}");
        let status = host.stop().await?;
        ensure!(status.success(), "the host does not stop cleanly: {status}");
        Ok(())
    }

    /// Looks at what is left.
    fn report(&mut self, rss_growth_mib: f64, took: Duration) -> Report {
        let ground = &self.ground;
        let messages = ground.messages_from(0);
        let conversations: BTreeSet<&String> = messages.iter().map(|it| &it.conversation).collect();
        let blind = conversations
            .into_iter()
            .filter(|conversation| !ground.shows_own(conversation));
        let record = Record {
            blind: blind.cloned().collect(),
            handouts: ground.handouts(),
            unheld: ground.unheld(),
            hidden: ground.record().hidden(),
            kills: self.kills.clone(),
            messages,
        };
        let mut findings = Findings::default();
        let handed = audit(&record, &mut findings);
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.counts;
        let mut platform = BTreeMap::from([
            ("failed_sends", count(&counts.failed_sends)),
            ("throttled_sends", count(&counts.throttled)),
            ("slow_sends", count(&counts.slow)),
            ("failed_calls", count(&counts.failed_calls)),
            ("handed_twice", handed.twice),
            ("handed_out_of_order", handed.out_of_order),
        ]);
        platform.extend(ground.told());
        if !record.blind.is_empty() {
            platform.insert("resent", handed.resent);
        }
        if G::FORGETS {
            platform.insert("unheld", handed.unheld);
        }
        Report {
            events: self.crowd.said,
            kills: self.kills.len() as u64,
            reloads: self.builds.shipped,
            broken: self.builds.broken,
            full: self.full,
            lost: findings.lost,
            duplicated: findings.duplicated,
            inverted: findings.inverted,
            in_doubt: count(&counts.in_doubt),
            p99_ms: p99_ms(std::mem::take(&mut self.crowd.times)),
            rss_growth_mib,
            seconds: took.as_secs_f64(),
            platform,
            findings: findings.to_string(),
        }
    }
}
