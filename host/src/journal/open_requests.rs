//! Which requests have not ended, and what each plugin's amount to. Both stores keep it in memory.

use std::collections::{BTreeSet, HashMap};

use super::numbers::NumberMap;
use super::{JournalError, PluginKey, RequestLoad, RequestNumber};

/// Requests that have not ended, each with what a store wants to know of it.
#[derive(Debug)]
pub(super) struct OpenRequests<T> {
    rows: NumberMap<Row<T>>,
    plugins: HashMap<PluginKey, Share>,
}

#[derive(Debug)]
struct Row<T> {
    plugin: PluginKey,
    bytes: u64,
    value: T,
}

/// One plugin's.
#[derive(Debug, Default)]
struct Share {
    numbers: BTreeSet<RequestNumber>,
    bytes: u64,
}

impl<T> Default for OpenRequests<T> {
    fn default() -> Self {
        Self {
            rows: NumberMap::default(),
            plugins: HashMap::new(),
        }
    }
}

impl<T> OpenRequests<T> {
    pub(super) fn insert(
        &mut self,
        number: RequestNumber,
        plugin: PluginKey,
        bytes: u64,
        value: T,
    ) {
        let share = self.plugins.entry(plugin.clone()).or_default();
        share.numbers.insert(number);
        share.bytes += bytes;
        let row = Row {
            plugin,
            bytes,
            value,
        };
        self.rows.insert(number, row);
    }

    pub(super) fn remove(&mut self, number: RequestNumber) -> Option<T> {
        let row = self.rows.remove(&number)?;
        if let Some(share) = self.plugins.get_mut(&row.plugin) {
            share.numbers.remove(&number);
            share.bytes -= row.bytes;
            if share.numbers.is_empty() {
                self.plugins.remove(&row.plugin);
            }
        }
        Some(row.value)
    }

    pub(super) fn get(&self, number: RequestNumber) -> Option<&T> {
        self.rows.get(&number).map(|row| &row.value)
    }

    pub(super) fn get_mut(&mut self, number: RequestNumber) -> Option<&mut T> {
        self.rows.get_mut(&number).map(|row| &mut row.value)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.rows.values().map(|row| &row.value)
    }

    pub(super) fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// The numbers of a plugin's requests after `after`, in order.
    pub(super) fn of(
        &self,
        plugin: &PluginKey,
        after: RequestNumber,
        limit: usize,
    ) -> Vec<RequestNumber> {
        let share = self.plugins.get(plugin);
        let numbers = share.into_iter().flat_map(|share| {
            let later = (std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded);
            share.numbers.range(later)
        });
        numbers.take(limit).copied().collect()
    }

    pub(super) fn load(&self, plugin: &PluginKey) -> RequestLoad {
        let share = self.plugins.get(plugin);
        share.map_or_else(RequestLoad::default, |share| RequestLoad {
            count: share.numbers.len() as u64,
            bytes: share.bytes,
        })
    }
}

/// Makes the key of a plugin from its names.
pub(super) fn plugin_key(tenant: &str, plugin: &str) -> PluginKey {
    PluginKey {
        tenant: tenant.into(),
        plugin: plugin.into(),
    }
}

/// Says that a request has ended or never was.
pub(super) fn no_request(number: RequestNumber) -> JournalError {
    JournalError::Failed(format!("there is no request {number} that has not ended"))
}
