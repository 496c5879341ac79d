//! What arrives, counted: by kind, and by bot with the time of the last.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};

use super::clock;
use crate::journal::Durable;
use crate::model::event::Event;
use crate::model::payload::EventPayload;
use crate::model::{Name, Timestamp};
use crate::telemetry::latency::{Latency, LatencyCounts};

/// Bots that are counted one by one: more than settings can name.
const MAX_BOTS: usize = 10_000;
/// How long a refusal of the journal counts, where nothing else arrives to find out by: whoever
/// watches would otherwise keep events away for ever.
const PAUSED_FOR_MS: u64 = 60_000;

/// The kinds of events, as metrics name them.
const KINDS: [&str; 19] = [
    "message",
    "message-edited",
    "message-deleted",
    "form-submitted",
    "form-closed",
    "button-pressed",
    "member-changed",
    "conversation-changed",
    "contact-changed",
    "reaction",
    "typing",
    "presence",
    "timer-fired",
    "response-received",
    "webhook-received",
    "action-done",
    "action-failed",
    "lifecycle",
    "other",
];

/// Counts of events.
#[derive(Default)]
pub struct Activity {
    kinds: [AtomicU64; KINDS.len()],
    bots: RwLock<HashMap<Name, HashMap<String, Arc<Counts>>>>,
    took: Latency,
    /// When the journal last took nothing; 0 once it takes something again.
    refused_at: AtomicU64,
    /// The last write of events that was ordered: how it ends tells whether the disk takes any.
    last: Mutex<Option<Durable>>,
}

#[derive(Default)]
struct Counts {
    events: AtomicU64,
    duplicates: AtomicU64,
    last_event_at: AtomicU64,
    gaps: AtomicU64,
    unheld_ms: AtomicU64,
}

/// An event on its way into the journal.
pub(super) struct Arriving<'a> {
    activity: &'a Activity,
    kind: usize,
    bot: Option<Arc<Counts>>,
    at: Timestamp,
    began: Instant,
}

impl Arriving<'_> {
    /// Counts it: its place is fixed, or it was there before.
    pub(super) fn arrived(self, is_duplicate: bool) {
        let activity = self.activity;
        activity.took.took(self.began.elapsed());
        if !is_duplicate {
            activity.kinds[self.kind].fetch_add(1, Ordering::Relaxed);
        }
        let Some(bot) = self.bot else {
            return;
        };
        let counter = if is_duplicate {
            &bot.duplicates
        } else {
            &bot.events
        };
        counter.fetch_add(1, Ordering::Relaxed);
        bot.last_event_at.fetch_max(self.at, Ordering::Relaxed);
    }
}

/// What a bot heard of its platform since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BotActivity {
    /// Events.
    pub events: u64,
    /// Events that came again.
    pub duplicates: u64,
    /// When the last one came.
    pub last_event_at: Option<Timestamp>,
    /// Times when nobody heard its platform, which keeps nothing.
    pub gaps: u64,
    /// How long they were, in milliseconds.
    pub unheld_ms: u64,
}

impl Activity {
    /// Looks up where an event is counted, before it is handed over.
    pub(super) fn arriving(&self, tenant: &Name, event: &Event) -> Arriving<'_> {
        let bot = event.bot.as_ref();
        let bot = bot.filter(|_| is_of_platform(&event.payload));
        Arriving {
            activity: self,
            kind: kind_of(&event.payload),
            bot: bot.and_then(|bot| self.counts(tenant, &bot.name)),
            at: event.received_at,
            began: Instant::now(),
        }
    }

    /// Notes that nobody heard a bot's platform for so long, and that what was said then is gone.
    pub(super) fn missed(&self, tenant: &Name, bot: &str, gap: Duration) {
        if let Some(counts) = self.counts(tenant, bot) {
            let ms = u64::try_from(gap.as_millis()).unwrap_or(u64::MAX);
            counts.gaps.fetch_add(1, Ordering::Relaxed);
            counts.unheld_ms.fetch_add(ms, Ordering::Relaxed);
        }
    }

    /// Notes that the journal took nothing of what was handed over.
    pub(super) fn refused(&self) {
        // What was taken before says nothing any more.
        *self.last.lock() = None;
        self.refused_at.store(clock::now(), Ordering::Relaxed);
    }

    /// What a bot heard.
    pub fn bot(&self, tenant: &str, bot: &str) -> BotActivity {
        let bots = self.bots.read();
        let counts = bots.get(tenant).and_then(|bots| bots.get(bot));
        counts.map_or_else(BotActivity::default, |counts| {
            let last = counts.last_event_at.load(Ordering::Relaxed);
            BotActivity {
                events: counts.events.load(Ordering::Relaxed),
                duplicates: counts.duplicates.load(Ordering::Relaxed),
                last_event_at: (last > 0).then_some(last),
                gaps: counts.gaps.load(Ordering::Relaxed),
                unheld_ms: counts.unheld_ms.load(Ordering::Relaxed),
            }
        })
    }

    /// Notes that events have their place. A disk that is full says so only when they get there.
    pub(super) fn ordered(&self, durable: &Durable) {
        let mut last = self.last.lock();
        self.learn(last.as_ref());
        *last = Some(durable.clone());
    }

    fn learn(&self, last: Option<&Durable>) {
        match last {
            Some(last) if last.has_failed() => {
                self.refused_at.store(clock::now(), Ordering::Relaxed);
            }
            Some(last) if last.is_done() => self.refused_at.store(0, Ordering::Relaxed),
            _ => {}
        }
    }

    /// Tells whether the journal took nothing lately.
    pub(super) fn is_paused(&self) -> bool {
        self.learn(
            self.last
                .lock()
                .take_if(|last| last.is_done() || last.has_failed())
                .as_ref(),
        );
        let at = self.refused_at.load(Ordering::Relaxed);
        at > 0 && clock::now().saturating_sub(at) < PAUSED_FOR_MS
    }

    /// Events by kind.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.kinds.iter().map(|kind| kind.load(Ordering::Relaxed));
        KINDS.into_iter().zip(counts)
    }

    /// How long it took until the place of an event was fixed.
    pub(super) fn took(&self) -> LatencyCounts {
        self.took.counts()
    }

    fn counts(&self, tenant: &Name, bot: &str) -> Option<Arc<Counts>> {
        if let Some(counts) = self.bots.read().get(tenant).and_then(|bots| bots.get(bot)) {
            return Some(counts.clone());
        }
        let mut tenants = self.bots.write();
        let bots = tenants.entry(tenant.clone()).or_default();
        if bots.len() >= MAX_BOTS {
            return None;
        }
        Some(bots.entry(bot.to_owned()).or_default().clone())
    }
}

/// Whether a platform sent it, and not the host.
fn is_of_platform(payload: &EventPayload) -> bool {
    !matches!(
        payload,
        EventPayload::FormClosed(_)
            | EventPayload::TimerFired(_)
            | EventPayload::ResponseReceived(_)
            | EventPayload::WebhookReceived(_)
            | EventPayload::ActionDone(_)
            | EventPayload::ActionFailed(_)
            | EventPayload::Lifecycle(_)
    )
}

fn kind_of(payload: &EventPayload) -> usize {
    match payload {
        EventPayload::Message(_) => 0,
        EventPayload::MessageEdited(_) => 1,
        EventPayload::MessageDeleted(_) => 2,
        EventPayload::FormSubmitted(_) => 3,
        EventPayload::FormClosed(_) => 4,
        EventPayload::ButtonPressed(_) => 5,
        EventPayload::MemberChanged(_) => 6,
        EventPayload::ConversationChanged(_) => 7,
        EventPayload::ContactChanged(_) => 8,
        EventPayload::Reaction(_) => 9,
        EventPayload::Typing(_) => 10,
        EventPayload::Presence(_) => 11,
        EventPayload::TimerFired(_) => 12,
        EventPayload::ResponseReceived(_) => 13,
        EventPayload::WebhookReceived(_) => 14,
        EventPayload::ActionDone(_) => 15,
        EventPayload::ActionFailed(_) => 16,
        EventPayload::Lifecycle(_) => 17,
        EventPayload::Other(_) => 18,
    }
}
