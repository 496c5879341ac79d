//! People who talk to a host: a generator in the same process, with the answers' times.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use parlor_host::connectors::local::Hub;
use parlor_host::mailbox::rooms::{Change, Command, Rooms as _, Say, View};
use parlor_host::model::Name;
use parlor_tests::harness::{BOT, TestHost};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::note;

/// Conversations that messages go round.
pub(crate) const CONVERSATIONS: usize = 200;
/// Messages that wait for their answers in a closed loop.
pub(crate) const OUTSTANDING: usize = 256;
/// Who talks and who listens let others run after so many messages of a closed loop: people come by connections
/// of their own, and hold up nothing that they have woken.
const GIVE_WAY: usize = 64;
/// An answer comes within this, or the measurement has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often an open loop sends what is due.
pub(crate) const TICK: Duration = Duration::from_millis(1);
/// Who looks on.
const WATCHER: &str = "watcher";

/// The conversations of a host, and a view of them.
pub(crate) struct Crowd {
    hub: Hub,
    people: Arc<[Person]>,
    /// When what was not answered yet should have been sent, of each person.
    asked: Vec<VecDeque<Instant>>,
    places: HashMap<Name, usize>,
    view: View,
    processor_each: f64,
    processors: f64,
}

/// What an open loop saw.
pub(crate) struct Open {
    /// From when a message should have been sent to its answer.
    pub(crate) times: Vec<Duration>,
    /// From when a message should have been sent to when it was: what of the times is the generator's.
    pub(crate) late: Vec<Duration>,
}

impl Open {
    /// Shows the times, and how much of them is the generator's; gives the p99.
    pub(crate) fn show(&mut self, what: &str) -> f64 {
        let p99 = percentile(&mut self.times, 0.99);
        note(&format!(
            "{what}: p50 {:.2} ms, p99 {p99:.2} ms; sent late: p50 {:.2} ms, p99 {:.2} ms",
            percentile(&mut self.times, 0.5),
            percentile(&mut self.late, 0.5),
            percentile(&mut self.late, 0.99),
        ));
        p99
    }
}

/// One who talks to the bot, in a room of their own.
struct Person {
    room: String,
    user: String,
}

impl Person {
    async fn say(&self, hub: &Hub) -> anyhow::Result<()> {
        let say = Command::Say(Say {
            conversation: self.room.clone(),
            text: "hello".to_owned(),
            ..Say::default()
        });
        hub.act(&self.user, say).await?;
        Ok(())
    }
}

impl Crowd {
    /// Opens so many conversations.
    pub(crate) async fn gather(host: &TestHost, conversations: usize) -> anyhow::Result<Self> {
        let hub = host.host().hub().clone();
        let mut people = Vec::new();
        let mut places = HashMap::new();
        for number in 0..conversations {
            let user = format!("user{number}");
            let room = host.room(&user, &format!("bench{number}")).await;
            places.insert(Name::from(room.as_str()), number);
            people.push(Person { room, user });
        }
        host.idle().await;
        let (_, view) = hub.view(WATCHER)?;
        Ok(Self {
            hub,
            asked: vec![VecDeque::new(); people.len()],
            people: people.into(),
            places,
            view,
            processor_each: 0.0,
            processors: 0.0,
        })
    }

    /// Whose conversation a bot's message is in.
    fn answered(&self, change: &Change) -> Option<usize> {
        let Change::Posted(message) = change else {
            return None;
        };
        if !message.author.ends_with(BOT) {
            return None;
        }
        self.places.get(&message.conversation).copied()
    }

    /// How long a bot's message took.
    fn taken(&mut self, change: &Change) -> Option<Duration> {
        let place = self.answered(change)?;
        Some(self.asked[place].pop_front()?.elapsed())
    }

    /// Keeps [`OUTSTANDING`] messages open until `count` are answered; messages per second. Who talks
    /// and who listens are two: they do not wait for each other.
    pub(crate) async fn closed_loop(&mut self, count: usize) -> anyhow::Result<f64> {
        let (start, used) = (Instant::now(), processor_seconds());
        let (next, mut turns) = mpsc::channel::<usize>(OUTSTANDING);
        let (hub, people) = (self.hub.clone(), self.people.clone());
        let mut talking = JoinSet::new();
        talking.spawn(async move {
            let mut said = 0_usize;
            while let Some(place) = turns.recv().await {
                people[place].say(&hub).await?;
                said += 1;
                if said.is_multiple_of(GIVE_WAY) {
                    tokio::task::yield_now().await;
                }
            }
            anyhow::Ok(())
        });
        let mut sent = OUTSTANDING.min(count);
        for turn in 0..sent {
            next.try_send(turn % self.people.len())?;
        }
        let mut answered = 0;
        while answered < count {
            let event = tokio::time::timeout(PATIENCE, self.view.next())
                .await
                .with_context(|| format!("{answered} of {count} answered"))??;
            let Some(place) = self.answered(&event.change) else {
                continue;
            };
            answered += 1;
            if answered.is_multiple_of(GIVE_WAY) {
                tokio::task::yield_now().await;
            }
            if sent < count {
                next.try_send(place)?;
                sent += 1;
            }
        }
        drop(next);
        while let Some(talked) = talking.join_next().await {
            talked??;
        }
        let taken = start.elapsed().as_secs_f64();
        let used = processor_seconds() - used;
        self.processor_each = used * 1e6 / count as f64;
        self.processors = used / taken;
        Ok(count as f64 / taken)
    }

    /// What the last closed loop took of processors, for machines that do other things as well.
    pub(crate) fn processor_use(&self) -> String {
        format!(
            "{:.1} us of processor a message, {:.2} processors",
            self.processor_each, self.processors
        )
    }

    /// Sends `rate` messages a second for a time, whatever comes back. Everything counts from when a
    /// message should have been sent, so that one sent late is an answer that is late.
    pub(crate) async fn open_loop(&mut self, rate: u32, time: Duration) -> anyhow::Result<Open> {
        let count = (f64::from(rate) * time.as_secs_f64()) as usize;
        let step = Duration::from_secs(1) / rate;
        let start = Instant::now() + Duration::from_millis(5);
        let mut tick = tokio::time::interval(TICK);
        let mut open = Open {
            times: Vec::with_capacity(count),
            late: Vec::with_capacity(count),
        };
        let patience = time + PATIENCE;
        while open.times.len() < count {
            if start.elapsed() > patience {
                bail!("{} of {count} answered", open.times.len());
            }
            tokio::select! {
                biased;
                _ = tick.tick(), if open.late.len() < count => {
                    let now = Instant::now();
                    while let sent = open.late.len()
                        && sent < count
                        && let due = start + step * sent as u32
                        && due <= now
                    {
                        open.late.push(due.elapsed());
                        let place = sent % self.people.len();
                        self.asked[place].push_back(due);
                        self.people[place].say(&self.hub).await?;
                        self.collect(&mut open.times)?;
                    }
                }
                event = self.view.next() => {
                    let event = event?;
                    open.times.extend(self.taken(&event.change));
                    self.collect(&mut open.times)?;
                }
            }
        }
        Ok(open)
    }

    fn collect(&mut self, times: &mut Vec<Duration>) -> anyhow::Result<()> {
        while let Some(event) = self.view.try_next()? {
            times.extend(self.taken(&event.change));
        }
        Ok(())
    }
}

/// Runs on a thread of its own, so that who asks does not wait for the workers of who answers.
pub(crate) async fn on_own_thread<T: Send + 'static>(
    work: impl Future<Output = anyhow::Result<T>> + Send + 'static,
) -> anyhow::Result<T> {
    let (done, result) = oneshot::channel();
    std::thread::Builder::new()
        .name("crowd".to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build();
            let result = runtime.map_err(anyhow::Error::from);
            let result = result.and_then(|runtime| runtime.block_on(work));
            // Nobody waits where the measurement took too long.
            let _ = done.send(result);
        })?;
    result.await?
}

/// Processor time of this process.
fn processor_seconds() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the system writes into a value of its own type that lives until the call is over.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    if result == 0 {
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    } else {
        f64::NAN
    }
}

/// The time below which this share of the times lies, in milliseconds.
pub(crate) fn percentile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let place = (times.len() as f64 * share).ceil() as usize;
    times
        .get(place.saturating_sub(1))
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

/// The middle one of several figures.
pub(crate) fn middle(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
