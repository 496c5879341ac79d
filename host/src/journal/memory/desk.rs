//! What is asked for seldom: timers, forms, message keys, joins, dead letters. One lock for all.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::journal::shared::{KEEP_DEAD_MS, KEEP_ENDED_FORMS_MS, KEEP_MESSAGE_KEYS_MS};
use crate::journal::{
    DeadLetter, FiredTimer, FormChange, OpenForm, SentMessage, Timer, TimerChange, TimerKey,
    Unrouted,
};
use crate::model::delivery::EventNumber;
use crate::model::{Name, Timestamp};

/// Dead letters kept in memory; the oldest give way.
const DEAD_LETTERS: usize = 10_000;
/// Forms kept in memory; the oldest give way.
const FORMS: usize = 100_000;
/// Keys of messages kept in memory; the oldest give way.
const MESSAGE_KEYS: usize = 100_000;

/// Tenant, bot and message of a form.
type FormKey = (Name, Name, String);
/// Tenant, plugin and key of a message.
type MessageKey = (Name, Name, String);
/// Tenant, plugin, bot and message of a message that is remembered as the plugin's own.
type OwnKey = (Name, Name, Name, String);
/// Tenant, plugin, bot and conversation of joins.
type JoinKey = (Name, Name, Name, Name);

#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) unrouted: BTreeMap<EventNumber, Unrouted>,
    pub(super) dead: VecDeque<DeadLetter>,
    timers: HashMap<TimerKey, (u64, Timer)>,
    due: BTreeMap<(Timestamp, u64), TimerKey>,
    next_timer_id: u64,
    forms: Bounded<FormKey, OpenForm>,
    messages: Bounded<MessageKey, (SentMessage, Timestamp)>,
    own: Bounded<OwnKey, (SentMessage, Timestamp)>,
    joins: HashMap<JoinKey, u64>,
    pub(super) host_values: HashMap<String, String>,
}

impl Desk {
    pub(super) fn bury(&mut self, letter: DeadLetter) {
        if self.dead.len() >= DEAD_LETTERS {
            self.dead.pop_front();
        }
        self.dead.push_back(letter);
    }

    pub(super) fn change_timer(&mut self, change: TimerChange) {
        match change {
            TimerChange::Set(timer) => self.set_timer(timer),
            TimerChange::Cancel(key) => {
                self.take_timer(&key);
            }
        }
    }

    /// Re-arms or ends a timer that fired, unless it was set anew since.
    pub(super) fn fire_timer(&mut self, fired: &FiredTimer) {
        let is_same = self
            .timers
            .get(&fired.key)
            .is_some_and(|(_, timer)| timer.due_at == fired.due_at);
        if !is_same {
            return;
        }
        if let (Some(mut timer), Some(next)) = (self.take_timer(&fired.key), fired.next) {
            timer.due_at = next;
            self.set_timer(timer);
        }
    }

    pub(super) fn due_timers(&self, now: Timestamp, limit: usize) -> Vec<Timer> {
        self.due
            .range(..=(now, u64::MAX))
            .take(limit)
            .filter_map(|(_, key)| self.timers.get(key))
            .map(|(_, timer)| timer.clone())
            .collect()
    }

    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn timer_count(&self, tenant: &str, plugin: &str) -> u64 {
        self.timers
            .keys()
            .filter(|key| *key.tenant == *tenant && *key.plugin == *plugin)
            .count() as u64
    }

    pub(super) fn timers(&self) -> u64 {
        self.timers.len() as u64
    }

    pub(super) fn open_form(&mut self, form: OpenForm) {
        let key = (
            Name::clone(&form.tenant),
            Name::clone(&form.bot),
            form.message.clone(),
        );
        self.forms.insert(key, form, FORMS);
    }

    pub(super) fn change_form(&mut self, tenant: &Name, change: FormChange) {
        match change {
            FormChange::Answered { bot, message, user } => {
                let key = (Name::clone(tenant), bot, message);
                if let Some(form) = self.forms.values.get_mut(&key)
                    && !form.answered.contains(&user)
                {
                    form.answered.push(user);
                }
            }
            FormChange::Closed { bot, message } => {
                self.forms
                    .values
                    .remove(&(Name::clone(tenant), bot, message));
            }
        }
    }

    pub(super) fn open_forms(&self) -> Vec<OpenForm> {
        self.forms.values.values().cloned().collect()
    }

    pub(super) fn name_message(&mut self, key: MessageKey, message: SentMessage, now: Timestamp) {
        self.messages.insert(key, (message, now), MESSAGE_KEYS);
    }

    pub(super) fn message(&self, tenant: &str, plugin: &str, key: &str) -> Option<SentMessage> {
        let key = (Name::from(tenant), Name::from(plugin), key.to_owned());
        self.messages
            .values
            .get(&key)
            .map(|(message, _)| message.clone())
    }

    pub(super) fn remember(
        &mut self,
        tenant: &Name,
        plugin: &Name,
        message: SentMessage,
        now: Timestamp,
    ) {
        let bot = Name::from(message.bot.as_str());
        let id = message.message.clone();
        let key = (Name::clone(tenant), Name::clone(plugin), bot, id);
        self.own.insert(key, (message, now), MESSAGE_KEYS);
    }

    pub(super) fn own_message(
        &self,
        tenant: &str,
        plugin: &str,
        bot: &str,
        message: &str,
    ) -> Option<SentMessage> {
        let [tenant, plugin, bot] = [tenant, plugin, bot].map(Name::from);
        let found = self
            .own
            .values
            .get(&(tenant, plugin, bot, message.to_owned()));
        found.map(|(message, _)| message.clone())
    }

    pub(super) fn join(&mut self, key: JoinKey, joins: i64) {
        let count = self.joins.get(&key).copied().unwrap_or(0);
        match count.saturating_add_signed(joins) {
            0 => self.joins.remove(&key),
            count => self.joins.insert(key, count),
        };
    }

    pub(super) fn joins(&self, tenant: &str, plugin: &str, bot: &str, conversation: &str) -> u64 {
        let key = [tenant, plugin, bot, conversation].map(Name::from).into();
        self.joins.get(&key).copied().unwrap_or(0)
    }

    pub(super) fn prune(&mut self, now: Timestamp) {
        let is_young = |at: Timestamp, keep: u64| at.saturating_add(keep) > now;
        self.dead.retain(|letter| is_young(letter.at, KEEP_DEAD_MS));
        self.forms
            .values
            .retain(|_, form| is_young(form.ends_at, KEEP_ENDED_FORMS_MS));
        self.messages
            .values
            .retain(|_, (_, at)| is_young(*at, KEEP_MESSAGE_KEYS_MS));
        self.own
            .values
            .retain(|_, (_, at)| is_young(*at, KEEP_MESSAGE_KEYS_MS));
    }

    fn set_timer(&mut self, timer: Timer) {
        self.take_timer(&timer.key);
        let id = self.next_timer_id;
        self.next_timer_id += 1;
        self.due.insert((timer.due_at, id), timer.key.clone());
        self.timers.insert(timer.key.clone(), (id, timer));
    }

    fn take_timer(&mut self, key: &TimerKey) -> Option<Timer> {
        let (id, timer) = self.timers.remove(key)?;
        self.due.remove(&(timer.due_at, id));
        Some(timer)
    }
}

/// A map that drops what came first when it is full.
#[derive(Debug)]
struct Bounded<K, V> {
    values: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<K: Clone + Eq + std::hash::Hash, V> Bounded<K, V> {
    fn insert(&mut self, key: K, value: V, most: usize) {
        if self.values.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        while self.values.len() > most
            && let Some(oldest) = self.order.pop_front()
        {
            self.values.remove(&oldest);
        }
        // Keys removed and set again stand in the order twice; it must not grow without end.
        if self.order.len() > 2 * most {
            let mut seen = std::collections::HashSet::new();
            let values = &self.values;
            self.order
                .retain(|key| values.contains_key(key) && seen.insert(key.clone()));
        }
    }
}
