//! What an operator asks of the outbox: what waits, let it wait, let it go, give it up.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::bot::{BotQueue, Item, Taken, add};
use super::broadcast::Running;
use super::{Outbox, PartEnd};
use crate::journal::{BroadcastNumber, JournalResult, PartUpdate};
use crate::mailbox::LaneKind;
use crate::mailbox::control::{BroadcastLine, DroppedLine, LaneLine, Selector, TotalLine};
use crate::model::payload::ActionError;
use crate::model::{Name, NameMap, Timestamp};

/// Parts whose end is written at a time.
const BATCH: usize = 500;
/// What a plugin hears of a part that was dropped.
const DROPPED: &str = "dropped by the operator";
const DROPPED_IN_DOUBT: &str = "dropped by the operator while its end was in doubt";

/// What a drop came to.
#[derive(Clone, Debug, Default)]
pub struct Dropped {
    /// Lanes that had something, by bot, plugin and conversation.
    pub lanes: Vec<DroppedLine>,
    /// Broadcasts that had something.
    pub broadcasts: Vec<BroadcastLine>,
    /// All together.
    pub total: TotalLine,
}

impl Outbox {
    /// Tells what waits in lanes, by bot, plugin and conversation.
    pub fn lanes(&self, selector: &Selector, now: Timestamp) -> Vec<LaneLine> {
        let mut lines: Vec<LaneLine> = self
            .bots_of(selector)
            .iter()
            .flat_map(|bot| bot.lanes(selector, now))
            .collect();
        lines.sort_by(|a, b| {
            let key = |line: &LaneLine| {
                let of = [&line.bot, &line.plugin, &line.conversation].map(String::clone);
                (of, line.broadcast)
            };
            key(a).cmp(&key(b))
        });
        lines
    }

    /// Tells of the broadcasts that are not through.
    pub fn broadcasts(&self, selector: &Selector) -> Vec<BroadcastLine> {
        let sending = self.sending();
        let all = self.shared.broadcasts.all();
        let meant = all.iter().filter(|running| means(selector, running));
        meant
            .map(|running| {
                let number = running.broadcast.number;
                line(running, sending.get(&number).copied().unwrap_or(0))
            })
            .collect()
    }

    /// Parts that go nowhere until an operator lets them, those of broadcasts included that are in no
    /// lane yet.
    pub fn held_parts(&self) -> usize {
        let in_lanes: usize = self
            .bots_of(&Selector::default())
            .iter()
            .map(|bot| bot.held_parts())
            .sum();
        let broadcasts = self.shared.broadcasts.all();
        let holds = self.shared.holds.lock();
        let to_come = broadcasts.iter().filter(|running| {
            let broadcast = &running.broadcast;
            let bot = &*broadcast.what.bot;
            let mut whole = holds.selectors.iter();
            holds.paused.contains(bot)
                || whole.any(|held| {
                    held.conversation.is_none() && held.matches(bot, &broadcast.plugin, "")
                })
        });
        let to_come = to_come.map(|running| running.broadcast.parts_left());
        in_lanes + to_come.sum::<usize>()
    }

    /// The holds.
    pub fn holds(&self) -> Vec<Selector> {
        self.shared.holds.lock().selectors.clone()
    }

    /// Replaces the holds; what is held no more goes on.
    pub fn set_holds(&self, selectors: Vec<Selector>) {
        self.shared
            .change_holds(|holds| holds.selectors = selectors);
    }

    /// Lets a bot send nothing, or go on.
    pub fn set_paused(&self, bot: &str, is_paused: bool) {
        self.shared.change_holds(|holds| {
            if is_paused {
                holds.paused.insert(bot.to_owned());
            } else {
                holds.paused.remove(bot);
            }
        });
    }

    /// Gives up what waits, the rest of broadcasts included. What is being sent at this moment is
    /// told and not dropped.
    ///
    /// # Errors
    /// The journal's: some may be dropped and some not.
    pub async fn drop_parts(&self, selector: &Selector) -> JournalResult<Dropped> {
        let shared = &self.shared;
        // No parts of broadcasts are made meanwhile.
        let _turn = shared.broadcasts.turn().await;
        shared.load_broadcasts().await?;
        let mut broadcasts: BTreeMap<BroadcastNumber, BroadcastLine> = BTreeMap::new();
        let mut lanes = Vec::new();
        for running in shared.broadcasts.all() {
            if !means(selector, &running) {
                continue;
            }
            let of = selector.conversation.as_deref();
            let keeps = |target: &Name| of.is_some_and(|of| *of != **target);
            let targets = shared.retarget(&running, keeps).await?;
            let broadcast = &running.broadcast;
            let each = broadcast.what.actions.len();
            if !targets.is_empty() {
                let parts = targets.len() * each;
                shared.outcomes.dropped(broadcast, parts).await;
            }
            let mut line = line(&running, 0);
            line.dropped = (targets.len() * each) as u64;
            line.to_come -= line.dropped;
            broadcasts.insert(broadcast.number, line);
            lanes.extend(targets.iter().map(|target| DroppedLine {
                bot: broadcast.what.bot.to_string(),
                plugin: broadcast.plugin.to_string(),
                conversation: target.to_string(),
                broadcast: true,
                dropped: each as u64,
                in_doubt: 0,
                sending: 0,
            }));
        }
        for bot in self.bots_of(selector) {
            let (all, now) = bot.take(shared, selector);
            for running in now.iter().filter(|one| *one.broadcast.what.bot == *bot.bot) {
                if let Some(line) = broadcasts.get_mut(&running.broadcast.number) {
                    line.sent = running.broadcast.sent;
                    line.failed = running.broadcast.failed.saturating_sub(line.dropped);
                    line.waiting = running.open as u64;
                }
            }
            for taken in all {
                lanes.push(dropped_line(&taken, &mut broadcasts));
                self.give_up(&bot, taken.items).await?;
            }
        }
        shared.recorder.settle().await?;
        Ok(Dropped::of(lanes, broadcasts))
    }

    async fn give_up(&self, bot: &Arc<BotQueue>, items: Vec<Item>) -> JournalResult<()> {
        let shared = &self.shared;
        for (count, item) in (1..).zip(items) {
            let (class, detail) = if item.is_in_doubt {
                (ActionError::InDoubt, DROPPED_IN_DOUBT)
            } else {
                (ActionError::RefusedByPolicy, DROPPED)
            };
            add(&bot.counters.dropped);
            let number = item.part.number;
            let end = PartEnd::Failed(class, detail.to_owned());
            shared.recorder.tell(&item.part, &end);
            let update = PartUpdate::Failed(number, class, detail.to_owned());
            shared.recorder.note(update);
            shared.keys.ended(&item.part);
            shared.opening.end(number);
            shared.broadcasts.ended(item.part.broadcast, false);
            if count % BATCH == 0 {
                shared.recorder.flush().await?;
            }
        }
        Ok(())
    }

    fn bots_of(&self, selector: &Selector) -> Vec<Arc<BotQueue>> {
        let bots = self.shared.bots.read();
        let bots = bots.values().flat_map(NameMap::values);
        let is_meant = |bot: &&Arc<BotQueue>| {
            let wanted = selector.bot.as_deref();
            wanted.is_none_or(|wanted| wanted == &*bot.bot)
        };
        bots.filter(is_meant).cloned().collect()
    }

    fn sending(&self) -> HashMap<BroadcastNumber, u64> {
        let mut counts = HashMap::new();
        for bot in self.bots_of(&Selector::default()) {
            for broadcast in bot.sending() {
                *counts.entry(broadcast).or_default() += 1;
            }
        }
        counts
    }
}

impl Dropped {
    fn of(
        mut lanes: Vec<DroppedLine>,
        broadcasts: BTreeMap<BroadcastNumber, BroadcastLine>,
    ) -> Self {
        lanes.sort_by(|a, b| {
            let key = |line: &DroppedLine| {
                [&line.bot, &line.plugin, &line.conversation].map(String::clone)
            };
            key(a).cmp(&key(b))
        });
        let sum = |of: fn(&DroppedLine) -> u64| lanes.iter().map(of).sum();
        let total = TotalLine {
            dropped: sum(|line| line.dropped),
            in_doubt: sum(|line| line.in_doubt),
            sending: sum(|line| line.sending),
            held: 0,
        };
        let mut broadcasts: Vec<BroadcastLine> = broadcasts.into_values().collect();
        broadcasts.retain(|line| line.dropped + line.sending > 0);
        Self {
            lanes,
            broadcasts,
            total,
        }
    }
}

/// What was taken out of a lane, counted for its broadcasts too.
fn dropped_line(
    taken: &Taken,
    broadcasts: &mut BTreeMap<BroadcastNumber, BroadcastLine>,
) -> DroppedLine {
    let mut of = |broadcast: Option<BroadcastNumber>, is_sending: bool| {
        let line = broadcast.and_then(|number| broadcasts.get_mut(&number));
        if let Some(line) = line {
            line.waiting = line.waiting.saturating_sub(1);
            line.sending += u64::from(is_sending);
            line.dropped += u64::from(!is_sending);
        }
    };
    if let Some(broadcast) = taken.sending {
        of(broadcast, true);
    }
    for item in &taken.items {
        of(item.part.broadcast, false);
    }
    let in_doubt = taken.items.iter().filter(|item| item.is_in_doubt);
    DroppedLine {
        bot: taken.lane.bot.to_string(),
        plugin: taken.lane.plugin.to_string(),
        conversation: taken.lane.conversation.to_string(),
        broadcast: taken.lane.kind == LaneKind::Broadcast,
        dropped: taken.items.len() as u64,
        in_doubt: in_doubt.count() as u64,
        sending: u64::from(taken.sending.is_some()),
    }
}

/// Tells whether something of a broadcast is meant.
fn means(selector: &Selector, running: &Running) -> bool {
    let broadcast = &running.broadcast;
    let conversation = selector.conversation.as_deref();
    let is_target = conversation.is_none_or(|wanted| {
        let mut targets = broadcast.what.targets.iter();
        targets.any(|target| **target == *wanted)
    });
    let of = selector.conversation.as_deref().unwrap_or_default();
    is_target && selector.matches(&broadcast.what.bot, &broadcast.plugin, of)
}

fn line(running: &Running, sending: u64) -> BroadcastLine {
    let broadcast = &running.broadcast;
    BroadcastLine {
        broadcast: broadcast.number,
        bot: broadcast.what.bot.to_string(),
        plugin: broadcast.plugin.to_string(),
        sent: broadcast.sent,
        failed: broadcast.failed,
        sending,
        waiting: (running.open as u64).saturating_sub(sending),
        to_come: broadcast.parts_left() as u64,
        dropped: 0,
        since: broadcast.origin.received_at,
    }
}
