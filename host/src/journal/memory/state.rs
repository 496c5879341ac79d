//! Plugins' state in memory.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use crate::journal::shared::{add, is_over};
use crate::journal::{StateChange, StateDelta, StateKey, StateScope};
use crate::model::{Name, Timestamp};

/// The state of some plugins, behind one lock.
#[derive(Debug, Default)]
pub(super) struct StateTable {
    scopes: HashMap<StateScope, Scope>,
    sizes: HashMap<(Name, Name), u64>,
}

#[derive(Debug, Default)]
struct Scope {
    /// Rises when a key comes or goes.
    version: u64,
    values: BTreeMap<String, Value>,
}

#[derive(Debug)]
struct Value {
    bytes: Vec<u8>,
    version: u64,
    expires_at: Option<Timestamp>,
}

impl StateTable {
    pub(super) fn get(&self, key: &StateKey, now: Timestamp) -> (Option<Vec<u8>>, u64) {
        self.live(key, now).map_or((None, 0), |value| {
            (Some(value.bytes.clone()), value.version)
        })
    }

    pub(super) fn keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> (Vec<String>, u64) {
        let Some(scope) = self.scopes.get(scope) else {
            return (Vec::new(), 0);
        };
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let keys = scope
            .values
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(_, value)| !is_over(value.expires_at, now))
            .take(limit)
            .map(|(key, _)| key.clone())
            .collect();
        (keys, scope.version)
    }

    /// Deletes every value of a scope, whichever plugin's; tells how many.
    pub(super) fn forget(
        &mut self,
        tenant: &str,
        scope: &str,
        version: u64,
        now: Timestamp,
    ) -> u64 {
        let scopes = self.scopes.iter();
        let meant = scopes.filter(|(it, _)| *it.tenant == *tenant && *it.scope == *scope);
        let keys = meant.flat_map(|(it, found)| {
            found.values.keys().map(|key| StateKey {
                scope: it.clone(),
                key: key.clone(),
            })
        });
        let writes: Vec<_> = keys.map(|key| (key, StateChange::Delete)).collect();
        let count = writes.len() as u64;
        self.apply(writes, version, now);
        count
    }

    pub(super) fn size(&self, tenant: &str, plugin: &str) -> u64 {
        self.sizes
            .get(&(Name::from(tenant), Name::from(plugin)))
            .copied()
            .unwrap_or(0)
    }

    /// Tells whether everything that was read is as it was.
    pub(super) fn is_unchanged(&self, delta: &StateDelta, now: Timestamp) -> bool {
        delta
            .reads
            .iter()
            .all(|(key, seen)| self.live(key, now).map_or(0, |value| value.version) == *seen)
            && delta.lists.iter().all(|(scope, seen)| {
                self.scopes.get(scope).map_or(0, |scope| scope.version) == *seen
            })
    }

    pub(super) fn apply(
        &mut self,
        writes: Vec<(StateKey, StateChange)>,
        version: u64,
        now: Timestamp,
    ) {
        for (key, change) in writes {
            self.write(key, change, version, now);
        }
    }

    /// Drops values whose time is over, and scopes without values.
    pub(super) fn prune(&mut self, now: Timestamp) {
        for (scope, content) in &mut self.scopes {
            let mut freed = 0;
            content.values.retain(|key, value| {
                let over = is_over(value.expires_at, now);
                if over {
                    freed += size(key, &value.bytes);
                }
                !over
            });
            if freed > 0 {
                let owner = (Name::clone(&scope.tenant), Name::clone(&scope.plugin));
                resize(&mut self.sizes, owner, freed, 0);
            }
        }
        self.scopes.retain(|_, scope| !scope.values.is_empty());
    }

    fn live(&self, key: &StateKey, now: Timestamp) -> Option<&Value> {
        self.scopes
            .get(&key.scope)?
            .values
            .get(key.key.as_str())
            .filter(|value| !is_over(value.expires_at, now))
    }

    fn write(&mut self, key: StateKey, change: StateChange, version: u64, now: Timestamp) {
        let StateKey { scope: name, key } = key;
        let owner = (Name::clone(&name.tenant), Name::clone(&name.plugin));
        let scope = self.scopes.entry(name).or_default();
        let before = scope.values.remove(&key);
        let freed = before.as_ref().map_or(0, |value| size(&key, &value.bytes));
        let live = before.filter(|value| !is_over(value.expires_at, now));
        let was_there = live.is_some();
        let after = match change {
            StateChange::Set(bytes, expires_at) => Some((bytes, expires_at)),
            StateChange::Delete => None,
            StateChange::Add(delta) => Some((
                add(live.as_ref().map(|value| value.bytes.as_slice()), delta),
                live.and_then(|value| value.expires_at),
            )),
        };
        if was_there != after.is_some() {
            scope.version = version;
        }
        let taken = after.map_or(0, |(bytes, expires_at)| {
            let taken = size(&key, &bytes);
            scope.values.insert(
                key,
                Value {
                    bytes,
                    version,
                    expires_at,
                },
            );
            taken
        });
        resize(&mut self.sizes, owner, freed, taken);
    }
}

fn size(key: &str, value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64
}

fn resize(sizes: &mut HashMap<(Name, Name), u64>, owner: (Name, Name), freed: u64, taken: u64) {
    let size = sizes.entry(owner).or_default();
    *size = size.saturating_sub(freed).saturating_add(taken);
}
