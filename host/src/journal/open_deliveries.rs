//! Which deliveries are not done, and what each plugin's amount to. Both stores keep it in memory, so
//! that what a flood comes to is known without a look at its rows.

use std::collections::BTreeMap;

use super::numbers::NumberMap;
use super::{Crowd, DeliveryLoad, PluginKey};
use crate::model::delivery::DeliveryNumber;
use crate::model::{Name, NameMap};

/// Bytes of events at which a list of what is too much ends early.
const PAGE_BYTES: u64 = 16 * 1024 * 1024;

/// Deliveries that are not done, each with what a store wants to know of it.
#[derive(Debug)]
pub(super) struct OpenDeliveries<T> {
    rows: NumberMap<Row<T>>,
    /// The place of each plugin's share. Those of plugins that are gone stay: they are few, and making
    /// them anew for every event that finds nothing waiting is not free.
    places: NameMap<Name, NameMap<Name, usize>>,
    shares: Vec<Share>,
}

#[derive(Debug)]
struct Row<T> {
    share: usize,
    value: T,
}

/// One plugin's.
#[derive(Debug)]
struct Share {
    plugin: PluginKey,
    /// The bytes of each one's event.
    numbers: BTreeMap<DeliveryNumber, u64>,
    bytes: u64,
}

impl Share {
    fn load(&self) -> DeliveryLoad {
        DeliveryLoad {
            count: self.numbers.len() as u64,
            bytes: self.bytes,
        }
    }

    fn remove(&mut self, number: DeliveryNumber) {
        if let Some(bytes) = self.numbers.remove(&number) {
            self.bytes -= bytes;
        }
    }
}

impl<T> Default for OpenDeliveries<T> {
    fn default() -> Self {
        Self {
            rows: NumberMap::default(),
            places: NameMap::default(),
            shares: Vec::new(),
        }
    }
}

impl<T> OpenDeliveries<T> {
    pub(super) fn insert(
        &mut self,
        number: DeliveryNumber,
        (tenant, plugin): (&Name, &Name),
        bytes: u64,
        value: T,
    ) {
        let share = self.place(tenant, plugin);
        if let Some(old) = self.rows.insert(number, Row { share, value }) {
            self.shares[old.share].remove(number);
        }
        let share = &mut self.shares[share];
        share.numbers.insert(number, bytes);
        share.bytes += bytes;
    }

    fn place(&mut self, tenant: &Name, plugin: &Name) -> usize {
        let names = self.places.get(&**tenant);
        if let Some(place) = names.and_then(|names| names.get(&**plugin)) {
            return *place;
        }
        let place = self.shares.len();
        self.shares.push(Share {
            plugin: PluginKey {
                tenant: Name::clone(tenant),
                plugin: Name::clone(plugin),
            },
            numbers: BTreeMap::new(),
            bytes: 0,
        });
        let names = self.places.entry(Name::clone(tenant)).or_default();
        names.insert(Name::clone(plugin), place);
        place
    }

    pub(super) fn remove(&mut self, number: DeliveryNumber) -> Option<T> {
        let row = self.rows.remove(&number)?;
        self.shares[row.share].remove(number);
        Some(row.value)
    }

    /// Takes out what is meant.
    pub(super) fn take(&mut self, is_meant: impl Fn(&T) -> bool) -> Vec<T> {
        let rows = self.rows.iter();
        let meant = rows.filter(|(_, row)| is_meant(&row.value));
        let meant: Vec<DeliveryNumber> = meant.map(|(number, _)| *number).collect();
        let taken = meant.into_iter().filter_map(|number| self.remove(number));
        taken.collect()
    }

    pub(super) fn get(&self, number: DeliveryNumber) -> Option<&T> {
        self.rows.get(&number).map(|row| &row.value)
    }

    pub(super) fn get_mut(&mut self, number: DeliveryNumber) -> Option<&mut T> {
        self.rows.get_mut(&number).map(|row| &mut row.value)
    }

    pub(super) fn contains(&self, number: DeliveryNumber) -> bool {
        self.rows.contains_key(&number)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.rows.values().map(|row| &row.value)
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = DeliveryNumber> {
        self.rows.keys().copied()
    }

    /// What each plugin's amount to.
    pub(super) fn loads(&self) -> impl Iterator<Item = (&PluginKey, DeliveryLoad)> {
        self.shares
            .iter()
            .map(|share| (&share.plugin, share.load()))
    }

    /// What a plugin's amount to.
    pub(super) fn load(&self, plugin: &PluginKey) -> DeliveryLoad {
        let share = self.share(plugin);
        share.map_or_else(DeliveryLoad::default, Share::load)
    }

    /// A plugin's, the oldest first, with the bytes of each one's event.
    pub(super) fn of(&self, plugin: &PluginKey) -> impl Iterator<Item = (DeliveryNumber, u64)> {
        let share = self.share(plugin);
        let numbers = share.into_iter().flat_map(|share| &share.numbers);
        numbers.map(|(number, bytes)| (*number, *bytes))
    }

    fn share(&self, plugin: &PluginKey) -> Option<&Share> {
        let place = self.places.get(&*plugin.tenant)?.get(&*plugin.plugin)?;
        self.shares.get(*place)
    }
}

/// Picks those for which too much waits.
pub(super) fn crowds<'a>(
    loads: impl Iterator<Item = (&'a PluginKey, DeliveryLoad)>,
    most: DeliveryLoad,
) -> Vec<Crowd> {
    let over = loads.filter(|(_, load)| load.is_over(most));
    over.map(|(plugin, load)| Crowd {
        plugin: plugin.clone(),
        load,
    })
    .collect()
}

/// Picks of a plugin's deliveries, the oldest first, those that must go for the rest to keep within
/// `most`, from the one after `after`.
pub(super) fn excess(
    mut load: DeliveryLoad,
    oldest: impl Iterator<Item = (DeliveryNumber, u64)>,
    most: DeliveryLoad,
    after: DeliveryNumber,
    limit: usize,
) -> Vec<DeliveryNumber> {
    let mut picked = Vec::new();
    let mut picked_bytes = 0;
    for (number, bytes) in oldest {
        if !load.is_over(most) || picked.len() >= limit || picked_bytes >= PAGE_BYTES {
            break;
        }
        load.count -= 1;
        load.bytes -= bytes;
        if number > after {
            picked.push(number);
            picked_bytes += bytes;
        }
    }
    picked
}
