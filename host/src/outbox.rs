//! Performs committed parts: in commit order within a lane, paced per bot and conversation, each once.
//!
//! A lane is (bot, conversation, plugin). Ready lanes are served by urgency, with fair turns
//! between plugins; a part that waits, is retried or is in doubt holds up its own lane only.

mod bot;
mod broadcast;
mod edit;
mod fair;
mod files;
mod forms;
mod hold;
mod hosted;
mod keys;
mod opening;
mod operator;
mod pace;
mod perform;
mod recorder;
pub mod requests;
mod worker;

#[cfg(test)]
mod edit_tests;
#[cfg(test)]
mod fakes;
#[cfg(test)]
mod operator_tests;
#[cfg(test)]
mod pace_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::bot::BotOutbox;
use self::bot::{BotQueue, Item};
use self::broadcast::Broadcasts;
pub use self::edit::EditSentences;
use self::edit::Reposts;
use self::hold::Holds;
pub use self::hold::MAX_HOLDS;
pub use self::hosted::{HostedSentences, shown_on};
use self::keys::Keys;
use self::opening::Opening;
pub use self::operator::Dropped;
use self::recorder::Recorder;
use crate::journal::{
    Broadcast, Journal, JournalResult, OpenForm, Part, PartNumber, PartState, Sent,
};
use crate::mailbox::{Clock, Connectors, LaneKey, OutboxHandle, SystemClock};
use crate::model::payload::ActionError;
use crate::model::{Name, NameMap};

/// Parts read from the journal at a time.
const PAGE: usize = 1_000;

/// What to do where a platform cannot tell whether a message was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InDoubt {
    /// Send it again: somebody may read it twice.
    #[default]
    Resend,
    /// Leave it: nobody may read it.
    Drop,
}

/// How the outbox behaves.
#[derive(Clone)]
pub struct OutboxConfig {
    /// Requests of one bot under way at one time.
    pub requests: usize,
    /// Parts of one bot that may wait before the plugins that write to it are held.
    pub waiting: usize,
    /// Requests for one part before it fails as unavailable.
    pub tries: u32,
    /// Time in which they are made.
    pub tries_within: Duration,
    /// Wait after the first try, before jitter; twice as long after each further one.
    pub first_wait: Duration,
    /// The longest wait between two tries.
    pub max_wait: Duration,
    /// How long to wait before a platform is asked for a part whose end is in doubt.
    pub doubt_wait: Duration,
    /// What to do where it cannot tell.
    pub in_doubt: InDoubt,
    /// The least time between two messages that stand for edits of one, where a platform will not edit.
    pub repost_gap: Duration,
    /// After this time without work a worker goes.
    pub idle: Duration,
    /// How long requests under way may take when the host stops.
    pub stop_within: Duration,
    /// What is said where the host runs forms itself.
    pub sentences: Arc<ArcSwap<HostedSentences>>,
    /// Tells when forms are over.
    pub clock: Arc<dyn Clock>,
}

impl Default for OutboxConfig {
    fn default() -> Self {
        Self {
            requests: 16,
            waiting: 10_000,
            tries: 20,
            tries_within: Duration::from_secs(60 * 60),
            first_wait: Duration::from_millis(500),
            max_wait: Duration::from_secs(300),
            doubt_wait: Duration::from_secs(10),
            in_doubt: InDoubt::Resend,
            repost_gap: Duration::from_secs(60),
            idle: Duration::from_secs(60),
            stop_within: Duration::from_secs(10),
            sentences: Arc::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// How a part ended.
#[derive(Clone, Debug)]
pub enum PartEnd {
    /// It is done.
    Sent(Sent),
    /// It failed for good.
    Failed(ActionError, String),
    /// It failed, and is tried again; told once a part.
    Retrying(ActionError, String),
    /// It was not tried, because one before it in its list failed.
    Skipped,
}

/// Hears how parts end: makes `action-done` and `action-failed` of it, and tells people.
#[async_trait]
pub trait Outcomes: Send + Sync {
    /// Takes a form or buttons that can be used from now on. Must not block.
    fn opened(&self, form: OpenForm);

    /// Tells whether the end of a part is to be told. Asked for every part.
    fn wants(&self, part: &Part, end: &PartEnd) -> bool;

    /// Takes the end of a part that is wanted. The end is recorded after this, so that no crash
    /// comes between the two; after one it may be told again.
    async fn ended(&self, part: &Part, end: &PartEnd);

    /// Takes that so many parts of a broadcast, which are not made yet, were dropped.
    async fn dropped(&self, _broadcast: &Broadcast, _parts: usize) {}
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOutcomes;

#[async_trait]
impl Outcomes for NoOutcomes {
    fn opened(&self, _form: OpenForm) {}

    fn wants(&self, _part: &Part, _end: &PartEnd) -> bool {
        false
    }

    async fn ended(&self, _part: &Part, _end: &PartEnd) {}
}

/// The actions accepted and not yet performed.
pub struct Outbox {
    shared: Arc<Shared>,
}

type Bots = NameMap<Name, NameMap<Name, Arc<BotQueue>>>;

struct Shared {
    /// Taken before `holds` where both are held.
    bots: RwLock<Bots>,
    holds: Mutex<Holds>,
    broadcasts: Broadcasts,
    journal: Arc<dyn Journal>,
    connectors: Arc<dyn Connectors>,
    outcomes: Arc<dyn Outcomes>,
    recorder: Arc<Recorder>,
    keys: Keys,
    opening: Opening,
    reposts: Reposts,
    config: OutboxConfig,
    tracker: TaskTracker,
    record_tracker: TaskTracker,
    cancel: CancellationToken,
    kill: CancellationToken,
    record_cancel: CancellationToken,
    handle: tokio::runtime::Handle,
}

impl Outbox {
    /// Makes an outbox with nothing in it. Must be called within a tokio runtime, which runs the workers.
    pub fn new(
        journal: Arc<dyn Journal>,
        connectors: Arc<dyn Connectors>,
        outcomes: Arc<dyn Outcomes>,
        config: OutboxConfig,
    ) -> Self {
        let (recorder, unconfirmed) = Recorder::new(Arc::clone(&journal), Arc::clone(&outcomes));
        let recorder = Arc::new(recorder);
        let shared = Arc::new(Shared {
            bots: RwLock::default(),
            holds: Mutex::default(),
            broadcasts: Broadcasts::default(),
            journal,
            connectors,
            outcomes,
            recorder: Arc::clone(&recorder),
            keys: Keys::default(),
            opening: Opening::default(),
            reposts: Reposts::default(),
            config,
            tracker: TaskTracker::new(),
            record_tracker: TaskTracker::new(),
            cancel: CancellationToken::new(),
            kill: CancellationToken::new(),
            record_cancel: CancellationToken::new(),
            handle: tokio::runtime::Handle::current(),
        });
        let confirm = recorder::run(recorder, unconfirmed, shared.record_cancel.clone());
        shared.record_tracker.spawn_on(confirm, &shared.handle);
        let expand = broadcast::run(Arc::clone(&shared));
        shared.tracker.spawn_on(expand, &shared.handle);
        Self { shared }
    }

    /// Orders everything in the journal that is known of parts up to now.
    ///
    /// # Errors
    /// The journal's; it is written later.
    pub async fn record(&self) -> JournalResult<()> {
        self.shared.recorder.flush().await
    }

    /// Tells whether a message with a form or buttons is on its way: seldom so.
    pub fn is_opening(&self) -> bool {
        !self.shared.opening.is_empty()
    }

    /// Waits, no longer than is bearable, until it is known what became of the messages with a form or
    /// buttons that are on their way: those of one conversation, or all of a bot. Ends early where
    /// what was waited for is there.
    pub async fn wait_for_opening(
        &self,
        tenant: &Name,
        bot: &str,
        conversation: Option<&str>,
        is_there: impl Fn() -> bool,
    ) {
        let is_meant = |place: &(Name, Name, Name)| {
            place.0 == *tenant
                && *place.1 == *bot
                && conversation.is_none_or(|conversation| *place.2 == *conversation)
        };
        self.shared.opening.wait(is_meant, is_there).await;
    }

    /// Takes up what the journal holds from before. To be called once, before lanes run.
    ///
    /// # Errors
    /// The journal's.
    pub async fn recover(&self) -> JournalResult<u64> {
        let shared = &self.shared;
        let mut after: PartNumber = 0;
        let mut count = 0;
        {
            let _turn = shared.broadcasts.turn().await;
            shared.load_broadcasts().await?;
            loop {
                let page = shared.journal.pending_parts(after, PAGE).await?;
                let Some(last) = page.last() else {
                    break;
                };
                after = last.number;
                count += page.len() as u64;
                for part in &page {
                    shared.broadcasts.recovered(part.broadcast);
                }
                self.put(page, Item::recovered);
            }
        }
        shared.broadcasts.look();
        Ok(count)
    }

    /// Tells how each bot does, by tenant and name.
    pub fn status(&self) -> Vec<BotOutbox> {
        let mut all: Vec<BotOutbox> = {
            let bots = self.shared.bots.read();
            let bots = bots.values().flat_map(NameMap::values);
            bots.map(|bot| bot.status()).collect()
        };
        all.sort_by(|a, b| (&a.tenant, &a.bot).cmp(&(&b.tenant, &b.bot)));
        all
    }

    /// Tells how many parts are not through, those of broadcasts included that are in no lane yet.
    pub fn open_parts(&self) -> usize {
        let bots = self.shared.bots.read();
        let bots = bots.values().flat_map(NameMap::values);
        bots.map(|bot| bot.open_parts()).sum()
    }

    /// Takes a read's share of what a bot may ask its platform; how long to wait where there is none left.
    pub fn charge(&self, tenant: &Name, bot: &Name) -> Option<Duration> {
        let connector = self.shared.connectors.connector(tenant, bot)?;
        let rate = connector.pace().bot;
        match self.shared.find(tenant, bot) {
            Some(bot) => bot.charge(rate),
            // A bot that sent nothing yet has no queue, and needs none where it is not paced.
            None if rate.is_none() => None,
            None => self.shared.bot(tenant, bot).charge(rate),
        }
    }

    /// Ends: requests under way end, what they came to is recorded, nothing new begins.
    pub async fn stop(&self) {
        let shared = &self.shared;
        shared.cancel.cancel();
        for bot in shared.bots.read().values().flat_map(NameMap::values) {
            bot.wake_all();
        }
        shared.tracker.close();
        let ended = shared.tracker.wait();
        if tokio::time::timeout(shared.config.stop_within, ended)
            .await
            .is_err()
        {
            // What is cut here stays marked as being sent, and is in doubt at the next start.
            shared.kill.cancel();
            shared.tracker.wait().await;
        }
        if let Err(error) = shared.recorder.flush().await {
            tracing::warn!(%error, "results of sends not recorded, they are in doubt at the next start");
        }
        shared.record_cancel.cancel();
        shared.record_tracker.close();
        shared.record_tracker.wait().await;
    }

    /// Puts parts into their lanes, all of a bot before any of them is performed: where one fails
    /// for good, the rest of its list must be there to be skipped.
    fn put(&self, parts: Vec<Part>, item: fn(Part) -> Item) {
        let Some(first) = parts.first() else {
            return;
        };
        for part in &parts {
            self.shared.keys.put(part);
            if part.state == PartState::Sending {
                // The host before this one may have sent it.
                self.shared.opening.begin(part);
            }
        }
        let is_same = |part: &Part| part.what.bot == first.what.bot && part.tenant == first.tenant;
        if parts.iter().all(is_same) {
            let bot = self.shared.bot(&first.tenant, &first.what.bot);
            bot.put(&self.shared, parts.into_iter().map(item));
            return;
        }
        let mut bots: Vec<(Arc<BotQueue>, Vec<Item>)> = Vec::new();
        for item in parts.into_iter().map(item) {
            let part = &item.part;
            let found = bots
                .iter_mut()
                .find(|(bot, _)| bot.tenant == part.tenant && bot.bot == part.what.bot);
            match found {
                Some((_, items)) => items.push(item),
                None => bots.push((self.shared.bot(&part.tenant, &part.what.bot), vec![item])),
            }
        }
        for (bot, items) in bots {
            bot.put(&self.shared, items.into_iter());
        }
    }
}

impl OutboxHandle for Outbox {
    fn reserve(&self, lane: &LaneKey) -> bool {
        self.shared.bot(&lane.tenant, &lane.bot).reserve(lane)
    }

    fn release(&self, lane: &LaneKey) {
        let bot = self.shared.bot(&lane.tenant, &lane.bot);
        bot.release(&self.shared, lane);
    }

    fn enqueue(&self, parts: Vec<Part>) {
        self.put(parts, Item::new);
    }

    fn look_for_broadcasts(&self) {
        self.shared.broadcasts.look();
    }

    fn is_full(&self, tenant: &str, bot: &str) -> bool {
        let bot = self.shared.find(tenant, bot);
        bot.is_some_and(|bot| bot.open_parts() >= self.shared.config.waiting)
    }
}

impl Shared {
    fn find(&self, tenant: &str, bot: &str) -> Option<Arc<BotQueue>> {
        let bots = self.bots.read();
        bots.get(tenant)?.get(bot).map(Arc::clone)
    }

    fn bot(&self, tenant: &Name, bot: &Name) -> Arc<BotQueue> {
        if let Some(bot) = self.find(tenant, bot) {
            return bot;
        }
        let mut bots = self.bots.write();
        let names = bots.entry(Name::clone(tenant)).or_default();
        let queue = names.entry(Name::clone(bot)).or_insert_with(|| {
            let holds = self.holds.lock().of(bot);
            let queue = BotQueue::new(Name::clone(tenant), Name::clone(bot), holds);
            Arc::new(queue)
        });
        Arc::clone(queue)
    }

    fn change_holds(self: &Arc<Self>, change: impl FnOnce(&mut Holds)) {
        // No bot comes meanwhile that would miss the change.
        let bots = self.bots.write();
        let mut holds = self.holds.lock();
        change(&mut holds);
        for bot in bots.values().flat_map(NameMap::values) {
            bot.set_holds(self, holds.of(&bot.bot));
        }
    }

    fn spawn_worker(self: &Arc<Self>, bot: &Arc<BotQueue>) {
        let worker = worker::run(Arc::clone(self), Arc::clone(bot));
        self.tracker.spawn_on(worker, &self.handle);
    }
}
