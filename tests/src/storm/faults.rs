//! A platform that delivers twice and out of order, and whose sends fail: what any real one may do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use parlor_host::app::platforms::{BuiltIn, Platforms};
use parlor_host::config::BotConfig;
use parlor_host::content::hosted::Shows;
use parlor_host::journal::{Durable, Part, Sent};
use parlor_host::mailbox::session::{BotTuning, Session, SessionEnd, Watch};
use parlor_host::mailbox::{
    Acceptance, Connector, Incoming, Intake, IntakeError, Pace, Read, ReadAnswer, SendError,
};
use parlor_host::model::Name;
use parlor_host::model::action::Action;
use parlor_host::model::directory::ReadError;
use parlor_host::model::event::Bot;
use tokio_util::sync::CancellationToken;

use super::tally::{Did, Tally};
use crate::random::Random;

/// Of so many events one comes twice.
const TWICE: u64 = 20;
/// Of so many sends one fails…
const FAILS: u64 = 20;
/// … and of so many of those, one after it may have been done.
const IN_DOUBT: u64 = 5;
/// How long a platform asks for at most, in milliseconds.
const RETRY_AFTER_MS: u64 = 50;
/// Of so many sends that do not fail one is slow, by so many milliseconds at most.
const SLOW: (u64, u64) = (30, 100);
/// Of so many sends one is done twice, where that is to be.
const DOUBLES: u64 = 20;
/// Added to a part's number, it is another part for the platform.
const ANOTHER: u64 = 1 << 40;
/// How long to wait while intake pauses.
const PAUSE: Duration = Duration::from_millis(10);

/// How the dice fall.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice {
    pub(super) seed: u64,
    /// Some sends are done twice.
    pub(super) doubles: bool,
}

/// The platforms of the host, each bot of which is faulty.
pub(super) struct FaultyPlatforms {
    pub(super) inner: BuiltIn,
    pub(super) dice: Dice,
    pub(super) tally: Arc<Tally>,
}

impl Platforms for FaultyPlatforms {
    fn session(&self, tenant: &Name, bot: &BotConfig) -> anyhow::Result<Arc<dyn Session>> {
        Ok(Arc::new(FaultyBot {
            inner: self.inner.session(tenant, bot)?,
            random: Mutex::new(Random::new(self.dice.seed)),
            doubles: self.dice.doubles,
            tally: Arc::clone(&self.tally),
        }))
    }
}

struct FaultyBot {
    inner: Arc<dyn Session>,
    random: Mutex<Random>,
    doubles: bool,
    tally: Arc<Tally>,
}

/// What comes of a send.
enum Fate {
    /// It is done.
    Done,
    /// It is done, and takes so long before and after that.
    Slow(Duration, Duration),
    /// Nobody hears whether it was done.
    InDoubt,
    /// It fails before anything is done.
    Again(Option<Duration>),
}

impl FaultyBot {
    fn fate(&self) -> Fate {
        let mut random = self.random.lock();
        if !random.one_in(FAILS) {
            let (often, most) = SLOW;
            if !random.one_in(often) {
                return Fate::Done;
            }
            let late = Duration::from_millis(random.between(1, most));
            // A kill may come before it is done, or while the platform has it and has not said so.
            return match random.one_in(2) {
                true => Fate::Slow(late, Duration::ZERO),
                false => Fate::Slow(Duration::ZERO, late),
            };
        }
        if random.one_in(IN_DOUBT) {
            return Fate::InDoubt;
        }
        let after = random.between(1, RETRY_AFTER_MS);
        Fate::Again(random.one_in(2).then(|| Duration::from_millis(after)))
    }

    async fn send(&self, part: &Part, notes: &[String]) -> Result<Sent, SendError> {
        let is_double = self.doubles && self.random.lock().one_in(DOUBLES);
        if is_double {
            let another = Part {
                number: part.number + ANOTHER,
                ..part.clone()
            };
            self.inner.perform_noted(&another, notes).await?;
        }
        self.inner.perform_noted(part, notes).await
    }
}

#[async_trait]
impl Connector for FaultyBot {
    fn bot(&self) -> Bot {
        self.inner.bot()
    }

    fn pace(&self) -> Pace {
        self.inner.pace()
    }

    fn shows(&self) -> Shows {
        self.inner.shows()
    }

    fn plan(&self, action: Action) -> Vec<Action> {
        self.inner.plan(action)
    }

    async fn perform(&self, part: &Part) -> Result<Sent, SendError> {
        self.perform_noted(part, &[]).await
    }

    async fn perform_noted(&self, part: &Part, notes: &[String]) -> Result<Sent, SendError> {
        self.tally.note(Did::Send, 1);
        match self.fate() {
            Fate::Done => self.send(part, notes).await,
            Fate::Slow(before, after) => {
                self.tally.note(Did::Slow, 1);
                tokio::time::sleep(before).await;
                let sent = self.send(part, notes).await;
                tokio::time::sleep(after).await;
                sent
            }
            Fate::InDoubt => {
                let is_done = self.random.lock().one_in(2);
                if is_done {
                    self.send(part, notes).await?;
                }
                self.tally.note(Did::Failed, 1);
                self.tally.note(Did::InDoubt, 1);
                Err(SendError::InDoubt("the connection was cut".to_owned()))
            }
            Fate::Again(after) => {
                self.tally.note(Did::Failed, 1);
                let detail = "busy".to_owned();
                Err(SendError::Again { after, detail })
            }
        }
    }

    async fn find_sent(&self, part: &Part) -> Result<Option<Sent>, SendError> {
        self.inner.find_sent(part).await
    }

    async fn read(&self, read: Read) -> Result<ReadAnswer, ReadError> {
        self.inner.read(read).await
    }

    async fn read_as(&self, user: &str, read: Read) -> Result<ReadAnswer, ReadError> {
        self.inner.read_as(user, read).await
    }
}

#[async_trait]
impl Session for FaultyBot {
    async fn run(
        &self,
        intake: &dyn Intake,
        watch: &dyn Watch,
        stop: CancellationToken,
    ) -> SessionEnd {
        let seed = self.random.lock().draw();
        let intake = FaultyIntake {
            inner: intake,
            random: Mutex::new(Random::new(seed)),
            twice: Mutex::default(),
            tally: &self.tally,
        };
        self.inner.run(&intake, watch, stop).await
    }

    fn tune(&self, tuning: BotTuning) {
        self.inner.tune(tuning);
    }

    fn leave(&self) {
        self.inner.leave();
    }

    fn quiet(&self) -> Option<(u64, u64)> {
        self.inner.quiet()
    }
}

/// The way in of a platform that repeats itself and keeps order within a conversation only.
struct FaultyIntake<'a> {
    inner: &'a dyn Intake,
    random: Mutex<Random>,
    /// What comes once more, behind what comes next.
    twice: Mutex<Vec<Incoming>>,
    tally: &'a Tally,
}

impl FaultyIntake<'_> {
    /// Another order of events, in which those of one conversation keep theirs.
    fn reorder(&self, incoming: &[Incoming]) -> Vec<usize> {
        let mut swaps = 0;
        let mut random = self.random.lock();
        let mut order: Vec<usize> = (0..incoming.len()).collect();
        let conversation = |place: usize| {
            let conversation = incoming[place].event.conversation.as_ref();
            conversation.map(|conversation| &conversation.id)
        };
        for place in 1..order.len() {
            let differ = conversation(order[place - 1]) != conversation(order[place]);
            if differ && random.one_in(2) {
                order.swap(place - 1, place);
                swaps += 1;
            }
        }
        self.tally.note(Did::Swapped, swaps);
        order
    }

    /// Offers all, however often intake pauses.
    async fn offer(
        &self,
        mut rest: Vec<Incoming>,
    ) -> Result<(Vec<Acceptance>, Durable), IntakeError> {
        let mut taken = Vec::with_capacity(rest.len());
        let mut last = Durable::done();
        while !rest.is_empty() {
            match self.inner.take_ordered(rest.clone()).await {
                Ok((accepted, durable)) => {
                    let lost = |error: parlor_host::journal::JournalError| {
                        IntakeError::Paused(error.to_string())
                    };
                    last.wait().await.map_err(lost)?;
                    last = durable;
                    rest.drain(..accepted.len());
                    taken.extend(accepted);
                }
                Err(IntakeError::Paused(_)) if !taken.is_empty() => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok((taken, last))
    }
}

#[async_trait]
impl Intake for FaultyIntake<'_> {
    async fn take_ordered(
        &self,
        incoming: Vec<Incoming>,
    ) -> Result<(Vec<Acceptance>, Durable), IntakeError> {
        let order = self.reorder(&incoming);
        let shuffled = order.iter().map(|place| incoming[*place].clone());
        let again = std::mem::take(&mut *self.twice.lock());
        let (count, twice) = (incoming.len(), again.len());
        let offered: Vec<Incoming> = shuffled.chain(again).collect();
        let (taken, durable) = self.offer(offered).await?;
        self.tally.note(Did::Event, count);
        self.tally.note(Did::Twice, twice);
        {
            let mut random = self.random.lock();
            let twice = incoming.iter().filter(|_| random.one_in(TWICE));
            self.twice.lock().extend(twice.cloned());
        }
        let mut accepted = vec![Acceptance::Duplicate; count];
        for (place, acceptance) in order.into_iter().zip(taken) {
            accepted[place] = acceptance;
        }
        Ok((accepted, durable))
    }
}
