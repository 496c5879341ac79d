//! A platform that delivers twice and out of order, and whose sends fail: what any real one may do.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
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

use crate::random::Random;

/// Of so many events one comes twice.
const TWICE: u64 = 20;
/// Of so many sends one fails…
const FAILS: u64 = 20;
/// … and of so many of those, one after it may have been done.
const IN_DOUBT: u64 = 5;
/// How long a platform asks for at most, in milliseconds.
const RETRY_AFTER_MS: u64 = 50;
/// How long to wait while intake pauses.
const PAUSE: Duration = Duration::from_millis(10);

/// The platforms of the host, each bot of which is faulty.
pub(super) struct FaultyPlatforms {
    pub(super) inner: BuiltIn,
    pub(super) seed: u64,
    /// Gets a byte for each send that is left in doubt.
    pub(super) doubts: PathBuf,
}

impl Platforms for FaultyPlatforms {
    fn session(&self, tenant: &Name, bot: &BotConfig) -> anyhow::Result<Arc<dyn Session>> {
        Ok(Arc::new(FaultyBot {
            inner: self.inner.session(tenant, bot)?,
            random: Mutex::new(Random::new(self.seed)),
            doubts: self.doubts.clone(),
        }))
    }
}

struct FaultyBot {
    inner: Arc<dyn Session>,
    random: Mutex<Random>,
    doubts: PathBuf,
}

impl FaultyBot {
    fn note_doubt(&self) -> std::io::Result<()> {
        let mut options = File::options();
        let mut file = options.create(true).append(true).open(&self.doubts)?;
        file.write_all(b".")
    }

    /// Fails a send before it is done; otherwise tells whether it is to be in doubt afterwards.
    fn before(&self) -> Result<bool, SendError> {
        let mut random = self.random.lock();
        if !random.one_in(FAILS) {
            return Ok(false);
        }
        if random.one_in(IN_DOUBT) {
            return Ok(true);
        }
        let after = random.between(1, RETRY_AFTER_MS);
        Err(SendError::Again {
            after: random.one_in(2).then(|| Duration::from_millis(after)),
            detail: "busy".to_owned(),
        })
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
        let is_in_doubt = self.before()?;
        if !is_in_doubt {
            return self.inner.perform_noted(part, notes).await;
        }
        let is_done = self.random.lock().one_in(2);
        if is_done {
            self.inner.perform_noted(part, notes).await?;
        }
        if let Err(error) = self.note_doubt() {
            tracing::error!(%error, "a doubt is not counted");
        }
        Err(SendError::InDoubt("the connection was cut".to_owned()))
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
}

impl FaultyIntake<'_> {
    /// Another order of events, in which those of one conversation keep theirs.
    fn reorder(&self, incoming: &[Incoming]) -> Vec<usize> {
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
            }
        }
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
        let count = incoming.len();
        let offered: Vec<Incoming> = shuffled.chain(again).collect();
        let (taken, durable) = self.offer(offered).await?;
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
