//! What is asked for seldom: timers, requests, forms, message keys, joins, dead letters. One lock for all.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::timers::Timers;
use crate::journal::forms::take_place;
use crate::journal::open_requests::OpenRequests;
use crate::journal::shared::{KEEP_DEAD_MS, KEEP_ENDED_FORMS_MS, KEEP_MESSAGE_KEYS_MS};
use crate::journal::{DeadLetter, FormChange, OpenForm, PendingRequest, SentMessage, Unrouted};
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
    pub(super) timers: Timers,
    pub(super) requests: OpenRequests<PendingRequest>,
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

    /// Opens what a message that was sent or changed has, in the place of what it had.
    pub(super) fn open_form(&mut self, form: OpenForm) {
        let key = (
            Name::clone(&form.tenant),
            Name::clone(&form.bot),
            form.message.clone(),
        );
        let old = self.forms.values.remove(&key);
        if let Some(form) = take_place(old, form) {
            self.forms.insert(key, form, FORMS);
        }
    }

    pub(super) fn change_form(&mut self, tenant: &Name, change: FormChange) {
        let key = (Name::clone(tenant), change.bot, change.message);
        if let Some(form) = self.forms.values.get_mut(&key)
            && !form.apply(change.what)
        {
            self.forms.values.remove(&key);
        }
    }

    /// Forgets a person in every form of a tenant; tells how many changed.
    pub(super) fn forget_in_forms(&mut self, tenant: &str, user: &str) -> u64 {
        let forms = self.forms.values.values_mut();
        let own = forms.filter(|form| *form.tenant == *tenant);
        own.map(|form| u64::from(form.forget(user))).sum()
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
