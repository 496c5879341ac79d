//! Timers that are due become events.
//!
//! A firing goes through the journal with the id (plugin, conversation, name, due-at) and is re-armed
//! in the same transaction, so it comes once, over restarts too. Timers of a plugin that is not there
//! are parked: they wait until it is there again.
//!
//! A firing is missed where the host was not running, or the plugin not there, when it was due. Of
//! missed ones there are at most 100 a second, so that a long stop is not followed by a flood.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::clock;
use super::intake::{Directed, Inbox};
use super::plugins::Plugins;
use crate::journal::{EventKey, FiredTimer, Journal, JournalResult, PluginKey, Timer};
use crate::mailbox::{Clock, IntakeError};
use crate::model::action::Missed;
use crate::model::event::{Addressing, Event};
use crate::model::payload::{EventPayload, TimerFired};
use crate::model::{Name, Timestamp};
use crate::runtime::turn::schedule::following;
use crate::web::PanelSource as _;

/// The longest sleep: a timer set meanwhile is seen after this at the latest.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Timers read at a time.
const PAGE: usize = 200;
/// Timers of one plugin among them where more are due: plugins take turns.
const PAGE_OF_PLUGIN: usize = 20;
/// Missed firings of one look: 100 a second, with the pause after it.
const MISSED: usize = 20;
/// The pause after a look with so many.
const MISSED_PAUSE: Duration = Duration::from_millis(200);
/// A firing that was due longer than this before the host, or its plugin, came back was missed.
/// Also the longest time between two looks after which the host counts as stopped in between, as on a
/// machine that was asleep.
const MISSED_AFTER_MS: u64 = 60_000;
/// A timer that waited this long begins a new chain of causes.
const NEW_CHAIN_MS: u64 = 10_000;

/// Fires timers.
pub(super) struct Timers {
    journal: Arc<dyn Journal>,
    inbox: Arc<Inbox>,
    plugins: Arc<Plugins>,
    clock: Arc<dyn Clock>,
    /// Plugins that are there, each with the moment since when.
    since: HashMap<PluginKey, Timestamp>,
    /// The last look that succeeded.
    looked_at: Timestamp,
    /// The plugin served last where there was too much for one round.
    served: Option<PluginKey>,
    is_failing: bool,
}

impl Timers {
    pub(super) fn new(
        journal: Arc<dyn Journal>,
        inbox: Arc<Inbox>,
        plugins: Arc<Plugins>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            journal,
            inbox,
            plugins,
            looked_at: clock.now(),
            clock,
            since: HashMap::new(),
            served: None,
            is_failing: false,
        }
    }

    /// Fires timers until it is told to stop. `look` has it look at the clock at once.
    pub(super) async fn run(mut self, look: Arc<Notify>, stop: CancellationToken) {
        let mut changed = self.plugins.changed();
        changed.mark_changed();
        loop {
            let has_changed = changed.has_changed().unwrap_or(false);
            if has_changed {
                changed.mark_unchanged();
            }
            let wait = match self.look(has_changed).await {
                Ok(wait) => {
                    self.is_failing = false;
                    wait
                }
                Err(error) => {
                    if has_changed {
                        changed.mark_changed();
                    }
                    if !std::mem::replace(&mut self.is_failing, true) {
                        tracing::warn!(%error, "timers wait for the journal");
                    }
                    LOOK_EVERY
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = look.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Fires what is due; tells how long to wait before the next look.
    async fn look(&mut self, plugins_changed: bool) -> anyhow::Result<Duration> {
        let now = self.clock.now();
        if now.saturating_sub(self.looked_at) > MISSED_AFTER_MS {
            self.since.values_mut().for_each(|since| *since = now);
        }
        if plugins_changed {
            self.meet_plugins(now).await?;
        }
        let journal = &self.journal;
        let due = journal
            .due_timers(now, self.served.as_ref(), PAGE_OF_PLUGIN, PAGE)
            .await?;
        self.looked_at = now;
        let is_full = due.len() == PAGE;
        self.served = due.last().filter(|_| is_full).map(plugin_of);
        let mut missed = 0;
        let mut parked = HashSet::new();
        for timer in due {
            let plugin = plugin_of(&timer);
            match self.since.get(&plugin) {
                Some(since) => {
                    missed += usize::from(self.attend(timer, now, *since, missed).await?);
                }
                None if parked.contains(&plugin) => {}
                None => {
                    self.park(&plugin, true).await?;
                    parked.insert(plugin);
                }
            }
        }
        if missed >= MISSED {
            return Ok(MISSED_PAUSE);
        }
        let next = self.journal.next_timer().await?;
        let wait = next.map_or(LOOK_EVERY, |due| {
            Duration::from_millis(due.saturating_sub(self.clock.now()))
        });
        Ok(wait.min(LOOK_EVERY))
    }

    /// Takes up the timers of plugins that came, and forgets those that went.
    async fn meet_plugins(&mut self, now: Timestamp) -> JournalResult<()> {
        let serving = self.plugins.serving();
        self.since.retain(|plugin, _| serving.contains(plugin));
        for plugin in serving {
            if self.since.contains_key(&plugin) {
                continue;
            }
            self.park(&plugin, false).await?;
            self.since.insert(plugin, now);
        }
        Ok(())
    }

    async fn park(&self, plugin: &PluginKey, is_parked: bool) -> JournalResult<()> {
        let PluginKey { tenant, plugin } = plugin;
        self.journal
            .park_timers(tenant, plugin, is_parked)
            .await
            .map(drop)
    }

    /// Fires a timer of a plugin that is there `since` then, unless enough were missed before it;
    /// tells whether it fired and was missed.
    async fn attend(
        &self,
        timer: Timer,
        now: Timestamp,
        since: Timestamp,
        missed_before: usize,
    ) -> Result<bool, IntakeError> {
        let is_missed = timer.due_at.saturating_add(MISSED_AFTER_MS) < since;
        if is_missed && missed_before >= MISSED {
            return Ok(false);
        }
        let fired = FiredTimer {
            key: timer.key.clone(),
            due_at: timer.due_at,
            next: following(&timer.schedule, timer.due_at, now),
        };
        let is_skipped = is_missed && timer.missed == Missed::Skip;
        let firing = firing(timer, now);
        self.inbox.fire(firing, fired, is_skipped).await?;
        Ok(is_missed)
    }
}

fn plugin_of(timer: &Timer) -> PluginKey {
    PluginKey {
        tenant: Name::clone(&timer.key.tenant),
        plugin: Name::clone(&timer.key.plugin),
    }
}

fn firing(timer: Timer, now: Timestamp) -> Directed {
    let Timer {
        key,
        due_at,
        payload,
        origin,
        ..
    } = timer;
    let due = due_at.to_string();
    let event_key = EventKey::new(&["timer", &key.plugin, &key.conversation, &key.name, &due]);
    let waited = due_at.saturating_sub(origin.received_at);
    let event = Event {
        id: format!(
            "timer:{}:{}:{}:{due}",
            key.plugin, key.conversation, key.name
        ),
        occurred_at: now,
        addressing: Addressing::Ambient,
        cause: Some(origin.id.clone()),
        depth: if waited >= NEW_CHAIN_MS {
            0
        } else {
            origin.depth + 1
        },
        trace_id: clock::trace_id(),
        extras: Vec::new(),
        raw: None,
        payload: EventPayload::TimerFired(TimerFired {
            name: key.name.clone(),
            payload,
            due_at,
        }),
        ..Event::clone(&origin)
    };
    Directed {
        tenant: key.tenant,
        plugin: key.plugin,
        key: event_key,
        event,
    }
}
