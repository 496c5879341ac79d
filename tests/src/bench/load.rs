//! People who talk to a host: a generator in the same process, with the answers' times.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use parlor_host::connectors::local::Hub;
use parlor_host::mailbox::rooms::{Change, Command, Rooms as _, Say, View};
use parlor_host::model::Name;
use parlor_tests::harness::{BOT, TestHost};

/// Conversations that messages go round.
pub(crate) const CONVERSATIONS: usize = 200;
/// Messages that wait for their answers in a closed loop.
pub(crate) const OUTSTANDING: usize = 256;
/// An answer comes within this, or the measurement has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Who looks on.
const WATCHER: &str = "watcher";

/// The conversations of a host, and a view of them.
pub(crate) struct Crowd {
    hub: Hub,
    rooms: Vec<Room>,
    places: HashMap<Name, usize>,
    view: View,
    processor_each: f64,
    processors: f64,
}

struct Room {
    id: String,
    user: String,
    asked: VecDeque<Instant>,
}

impl Crowd {
    /// Opens the conversations.
    pub(crate) async fn gather(host: &TestHost) -> anyhow::Result<Self> {
        let hub = host.host().hub().clone();
        let mut rooms = Vec::new();
        let mut places = HashMap::new();
        for number in 0..CONVERSATIONS {
            let user = format!("user{number}");
            let id = host.room(&user, &format!("bench{number}")).await;
            places.insert(Name::from(id.as_str()), number);
            rooms.push(Room {
                id,
                user,
                asked: VecDeque::new(),
            });
        }
        host.idle().await;
        let (_, view) = hub.view(WATCHER)?;
        Ok(Self {
            hub,
            rooms,
            places,
            view,
            processor_each: 0.0,
            processors: 0.0,
        })
    }

    async fn say(&mut self, place: usize, at: Instant) -> anyhow::Result<()> {
        let room = &mut self.rooms[place];
        room.asked.push_back(at);
        let say = Command::Say(Say {
            conversation: room.id.clone(),
            text: "hello".to_owned(),
            ..Say::default()
        });
        self.hub.act(&room.user, say).await?;
        Ok(())
    }

    /// The conversation of a bot's message, and how long it took.
    fn answered(&mut self, change: &Change) -> Option<(usize, Duration)> {
        let Change::Posted(message) = change else {
            return None;
        };
        if !message.author.ends_with(BOT) {
            return None;
        }
        let place = *self.places.get(&message.conversation)?;
        let asked = self.rooms[place].asked.pop_front()?;
        Some((place, asked.elapsed()))
    }

    /// Keeps [`OUTSTANDING`] messages open until `count` are answered; messages per second.
    pub(crate) async fn closed_loop(&mut self, count: usize) -> anyhow::Result<f64> {
        let (start, used) = (Instant::now(), processor_seconds());
        let mut sent = 0;
        while sent < OUTSTANDING.min(count) {
            self.say(sent % CONVERSATIONS, Instant::now()).await?;
            sent += 1;
        }
        let mut answered = 0;
        while answered < count {
            let event = tokio::time::timeout(PATIENCE, self.view.next())
                .await
                .with_context(|| format!("{answered} of {count} answered"))??;
            let Some((place, _)) = self.answered(&event.change) else {
                continue;
            };
            answered += 1;
            if sent < count {
                self.say(place, Instant::now()).await?;
                sent += 1;
            }
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

    /// Sends `rate` messages a second for a time, whatever comes back; the answers' times, counted
    /// from when a message should have been sent.
    pub(crate) async fn open_loop(
        &mut self,
        rate: u32,
        time: Duration,
    ) -> anyhow::Result<Vec<Duration>> {
        let count = (f64::from(rate) * time.as_secs_f64()) as usize;
        let step = Duration::from_secs(1) / rate;
        let start = Instant::now() + Duration::from_millis(5);
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        let (mut sent, mut times) = (0, Vec::with_capacity(count));
        let patience = time + PATIENCE;
        while times.len() < count {
            if start.elapsed() > patience {
                bail!("{} of {count} answered", times.len());
            }
            tokio::select! {
                biased;
                _ = tick.tick(), if sent < count => {
                    let now = Instant::now();
                    while sent < count && start + step * sent as u32 <= now {
                        self.say(sent % CONVERSATIONS, start + step * sent as u32).await?;
                        sent += 1;
                        self.collect(&mut times)?;
                    }
                }
                event = self.view.next() => {
                    let event = event?;
                    times.extend(self.answered(&event.change).map(|(_, time)| time));
                    self.collect(&mut times)?;
                }
            }
        }
        Ok(times)
    }

    fn collect(&mut self, times: &mut Vec<Duration>) -> anyhow::Result<()> {
        while let Some(event) = self.view.try_next()? {
            times.extend(self.answered(&event.change).map(|(_, time)| time));
        }
        Ok(())
    }
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
