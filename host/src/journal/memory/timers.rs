//! Timers by name, and those that are not parked by the time at which they are due.

use std::collections::{BTreeMap, HashMap};

use crate::journal::{FiredTimer, PluginKey, Timer, TimerChange, TimerKey};
use crate::model::{Name, Timestamp};

#[derive(Debug, Default)]
pub(super) struct Timers {
    timers: HashMap<TimerKey, (u64, Timer)>,
    /// Parked ones are not in it.
    due: BTreeMap<(Timestamp, u64), TimerKey>,
    next_id: u64,
}

impl Timers {
    pub(super) fn change(&mut self, change: TimerChange) {
        match change {
            TimerChange::Set(timer) => {
                self.set(timer);
            }
            TimerChange::Cancel(key) => {
                self.take(&key);
            }
        }
    }

    /// Ends the timers that a user's events set; tells how many.
    pub(super) fn forget(&mut self, tenant: &str, user: &str) -> u64 {
        let timers = self.timers.iter().filter(|(key, (_, timer))| {
            let actor = timer.origin.actor.as_ref();
            *key.tenant == *tenant && actor.is_some_and(|actor| actor.id == user)
        });
        let keys: Vec<TimerKey> = timers.map(|(key, _)| key.clone()).collect();
        for key in &keys {
            self.take(key);
        }
        keys.len() as u64
    }

    /// Re-arms or ends a timer that fired, unless it was set anew since. One that was parked
    /// meanwhile stays so.
    pub(super) fn fire(&mut self, fired: &FiredTimer) {
        let found = self.timers.get(&fired.key);
        let Some((id, _)) = found.filter(|(_, timer)| timer.due_at == fired.due_at) else {
            return;
        };
        let is_parked = !self.due.contains_key(&(fired.due_at, *id));
        if let (Some(mut timer), Some(next)) = (self.take(&fired.key), fired.next) {
            timer.due_at = next;
            let id = self.set(timer);
            if is_parked {
                self.due.remove(&(next, id));
            }
        }
    }

    pub(super) fn due(
        &self,
        now: Timestamp,
        after: Option<&PluginKey>,
        each: usize,
        limit: usize,
    ) -> Vec<Timer> {
        let due = || self.due.range(..=(now, u64::MAX)).map(|(_, key)| key);
        let timer = |key: &TimerKey| self.timers.get(key).map(|(_, timer)| timer.clone());
        if due().nth(limit).is_none() {
            return due().filter_map(timer).collect();
        }
        let mut plugins: BTreeMap<PluginKey, Vec<&TimerKey>> = BTreeMap::new();
        for key in due() {
            let keys = plugins.entry(plugin_of(key)).or_default();
            if keys.len() < each {
                keys.push(key);
            }
        }
        let is_later = |plugin: &PluginKey| after.is_none_or(|after| plugin > after);
        let (later, sooner): (Vec<_>, Vec<_>) = plugins
            .into_iter()
            .partition(|(plugin, _)| is_later(plugin));
        let keys = later.into_iter().chain(sooner).flat_map(|(_, keys)| keys);
        keys.take(limit).filter_map(timer).collect()
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn park(&mut self, tenant: &str, plugin: &str, is_parked: bool) {
        for (key, (id, timer)) in &self.timers {
            if *key.tenant != *tenant || *key.plugin != *plugin {
                continue;
            }
            if is_parked {
                self.due.remove(&(timer.due_at, *id));
            } else {
                self.due.insert((timer.due_at, *id), key.clone());
            }
        }
    }

    pub(super) fn has(&self, key: &TimerKey) -> bool {
        self.timers.contains_key(key)
    }

    pub(super) fn count(&self, tenant: &str, plugin: &str) -> u64 {
        self.timers
            .keys()
            .filter(|key| *key.tenant == *tenant && *key.plugin == *plugin)
            .count() as u64
    }

    pub(super) fn len(&self) -> u64 {
        self.timers.len() as u64
    }

    fn set(&mut self, timer: Timer) -> u64 {
        self.take(&timer.key);
        let id = self.next_id;
        self.next_id += 1;
        self.due.insert((timer.due_at, id), timer.key.clone());
        self.timers.insert(timer.key.clone(), (id, timer));
        id
    }

    fn take(&mut self, key: &TimerKey) -> Option<Timer> {
        let (id, timer) = self.timers.remove(key)?;
        self.due.remove(&(timer.due_at, id));
        Some(timer)
    }
}

fn plugin_of(key: &TimerKey) -> PluginKey {
    PluginKey {
        tenant: Name::clone(&key.tenant),
        plugin: Name::clone(&key.plugin),
    }
}
