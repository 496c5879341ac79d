//! Plugins' state as it is ordered: a cache above the tables, which also holds what the open batch
//! has written and not yet committed.
//!
//! The writer alone changes values. Readers fill in what they read from disk; an entry that was
//! read too early does no harm, because a commit compares versions.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::journal::shared::{is_over, now};
use crate::journal::{StateKey, StateScope};
use crate::model::{Name, Timestamp};

/// Bytes of values kept in memory, in two generations.
const VALUE_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of scopes kept in memory, in two generations.
const SCOPE_BYTES: usize = 8 * 1024 * 1024;
/// Bytes that an entry takes beside key and value, roughly.
const ENTRY_BYTES: usize = 192;

/// A value with its version.
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    /// None where there is none.
    pub(super) bytes: Option<Arc<[u8]>>,
    pub(super) version: u64,
    pub(super) expires_at: Option<Timestamp>,
}

impl Value {
    /// The value and its version at a moment.
    pub(super) fn at(&self, now: Timestamp) -> (Option<&[u8]>, u64) {
        match &self.bytes {
            Some(bytes) if !is_over(self.expires_at, now) => (Some(bytes), self.version),
            _ => (None, 0),
        }
    }
}

/// A scope with its version.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scope {
    /// Its row; 0 where there is none.
    pub(super) id: u64,
    /// Rises when a key comes or goes.
    pub(super) version: u64,
    pub(super) bytes: u64,
}

/// What the cache knows of a value.
pub(super) enum Lookup {
    Known(Value),
    /// It is to be read from disk; the mark goes with it into [`StateCache::fill`].
    Unknown(u64),
}

/// What the open batch did to a scope's keys, and the scope's version.
pub(super) struct Overlay {
    pub(super) keys: BTreeMap<String, bool>,
    pub(super) version: Option<u64>,
}

/// The cache.
#[derive(Debug)]
pub(super) struct StateCache(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    values: Generations<StateKey, Value>,
    scopes: Generations<StateScope, Scope>,
    /// Keys that the open batch made (true) or took away (false).
    open_keys: HashMap<StateScope, BTreeMap<String, bool>>,
    sizes: HashMap<(Name, Name), u64>,
}

impl StateCache {
    pub(super) fn new(sizes: HashMap<(Name, Name), u64>) -> Self {
        Self(Mutex::new(Inner {
            values: Generations::new(VALUE_BYTES),
            scopes: Generations::new(SCOPE_BYTES),
            open_keys: HashMap::new(),
            sizes,
        }))
    }

    pub(super) fn value(&self, key: &StateKey) -> Lookup {
        let mut inner = self.0.lock();
        match inner.values.get(key) {
            Some(value) => Lookup::Known(value.clone()),
            None => Lookup::Unknown(inner.values.drops),
        }
    }

    pub(super) fn scope(&self, scope: &StateScope) -> Option<Scope> {
        self.0.lock().scopes.get(scope).copied()
    }

    /// Keeps a value that was read from disk, unless a newer one may have come and gone meanwhile.
    pub(super) fn fill(&self, key: &StateKey, value: Value, mark: u64) {
        let mut inner = self.0.lock();
        if inner.values.drops == mark && inner.values.get(key).is_none() {
            let cost = value_cost(key, &value);
            inner.values.put(key.clone(), value, cost, Kept::Clean);
        }
    }

    /// Keeps what the writer wrote, or read for itself.
    pub(super) fn put_value(&self, key: &StateKey, value: Value, kept: Kept) {
        let mut inner = self.0.lock();
        if kept == Kept::Open {
            let is_over = value.expires_at.is_some() && is_over(value.expires_at, now());
            inner
                .open_keys
                .entry(key.scope.clone())
                .or_default()
                .insert(key.key.clone(), value.bytes.is_some() && !is_over);
        }
        let cost = value_cost(key, &value);
        inner.values.put(key.clone(), value, cost, kept);
    }

    /// Keeps a scope, as for values.
    pub(super) fn put_scope(&self, scope: &StateScope, content: Scope, kept: Kept) {
        let cost = ENTRY_BYTES + scope.scope.len();
        self.0.lock().scopes.put(scope.clone(), content, cost, kept);
    }

    /// Adds to the size of a plugin's state.
    pub(super) fn resize(&self, scope: &StateScope, freed: u64, taken: u64) {
        let owner = (Arc::clone(&scope.tenant), Arc::clone(&scope.plugin));
        let mut inner = self.0.lock();
        let size = inner.sizes.entry(owner).or_default();
        *size = size.saturating_sub(freed).saturating_add(taken);
    }

    pub(super) fn size(&self, tenant: &str, plugin: &str) -> u64 {
        let owner = (Name::from(tenant), Name::from(plugin));
        self.0.lock().sizes.get(&owner).copied().unwrap_or(0)
    }

    pub(super) fn overlay(&self, scope: &StateScope) -> Overlay {
        let mut inner = self.0.lock();
        Overlay {
            keys: inner.open_keys.get(scope).cloned().unwrap_or_default(),
            version: inner.scopes.get(scope).map(|scope| scope.version),
        }
    }

    /// The open batch is committed: what it wrote may be read from disk.
    pub(super) fn commit(&self) {
        let mut inner = self.0.lock();
        inner.open_keys.clear();
        inner.values.release();
        inner.scopes.release();
    }

    /// The open batch failed, or rows were pruned: nothing is known any more.
    pub(super) fn reset(&self, sizes: HashMap<(Name, Name), u64>) {
        let mut inner = self.0.lock();
        inner.open_keys.clear();
        inner.values.clear();
        inner.scopes.clear();
        inner.sizes = sizes;
    }
}

fn value_cost(key: &StateKey, value: &Value) -> usize {
    ENTRY_BYTES + key.key.len() + value.bytes.as_ref().map_or(0, |bytes| bytes.len())
}

/// Whether an entry may be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It stands on disk as well.
    Clean,
    /// It belongs to the open batch and is nowhere else.
    Open,
}

/// A cache in two generations: what was not asked for during one is dropped with it. Entries of
/// the open batch stay; the bound on commands in a batch bounds them.
#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, (V, Kept, usize)>,
    old: HashMap<K, (V, Kept, usize)>,
    open: Vec<K>,
    cost: usize,
    most: usize,
    /// How often entries were dropped.
    drops: u64,
}

impl<K: Clone + Eq + Hash, V> Generations<K, V> {
    fn new(most: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            open: Vec::new(),
            cost: 0,
            most,
            drops: 0,
        }
    }

    fn get(&mut self, key: &K) -> Option<&V> {
        if let Some((key, entry)) = self.old.remove_entry(key) {
            self.cost += entry.2;
            self.young.insert(key, entry);
        }
        self.young.get(key).map(|(value, _, _)| value)
    }

    fn put(&mut self, key: K, value: V, cost: usize, kept: Kept) {
        if kept == Kept::Open {
            self.open.push(key.clone());
        }
        self.old.remove(&key);
        self.cost += cost;
        if let Some((_, _, before)) = self.young.insert(key, (value, kept, cost)) {
            self.cost = self.cost.saturating_sub(before);
        }
        if self.cost > self.most / 2 {
            self.turn();
        }
    }

    fn turn(&mut self) {
        self.drops += 1;
        let mut dropped = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
        self.cost = 0;
        for (key, entry) in dropped.drain() {
            if entry.1 == Kept::Open {
                self.cost += entry.2;
                self.young.insert(key, entry);
            }
        }
    }

    fn release(&mut self) {
        for key in self.open.drain(..) {
            if let Some((_, kept, _)) = self.young.get_mut(&key) {
                *kept = Kept::Clean;
            } else if let Some((_, kept, _)) = self.old.get_mut(&key) {
                *kept = Kept::Clean;
            }
        }
    }

    fn clear(&mut self) {
        self.drops += 1;
        self.young.clear();
        self.old.clear();
        self.open.clear();
        self.cost = 0;
    }
}
