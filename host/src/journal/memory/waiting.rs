//! Deliveries that are not done, in shards.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::{MemoryJournal, OPEN_ROWS, SHARDS, shard};
use crate::journal::open_deliveries::{OpenDeliveries, crowds, excess};
use crate::journal::{
    Crowd, DeadLetter, DeliveryEnd, DeliveryLoad, JournalError, JournalResult, PluginKey,
};
use crate::model::delivery::{Delivery, DeliveryNumber};
use crate::model::event::Event;
use crate::model::payload::EventPayload;

/// What an event takes besides its texts, about.
const EVENT_BYTES: usize = 512;

/// Deliveries that are not done.
#[derive(Default)]
pub(super) struct Waiting([Mutex<OpenDeliveries<Delivery>>; SHARDS]);

impl Waiting {
    /// The shard of a number.
    pub(super) fn shard(&self, number: DeliveryNumber) -> &Mutex<OpenDeliveries<Delivery>> {
        shard(&self.0, number)
    }

    pub(super) fn shards(&self) -> impl Iterator<Item = &Mutex<OpenDeliveries<Delivery>>> {
        self.0.iter()
    }

    pub(super) fn check_room(&self, next: DeliveryNumber) -> JournalResult<()> {
        if self.shard(next).lock().len() >= OPEN_ROWS / SHARDS {
            return Err(JournalError::Full("too many open deliveries".to_owned()));
        }
        Ok(())
    }

    pub(super) fn insert(&self, delivery: Delivery) {
        let number = delivery.number;
        let bytes = bytes_of(&delivery.event);
        let mut shard = self.shard(number).lock();
        let (tenant, plugin) = (delivery.tenant.clone(), delivery.plugin.clone());
        shard.insert(number, (&tenant, &plugin), bytes, delivery);
    }

    fn get(&self, number: DeliveryNumber) -> Option<Delivery> {
        self.shard(number).lock().get(number).cloned()
    }

    /// Those after a number, in order.
    pub(super) fn in_order(&self, after: DeliveryNumber, limit: usize) -> Vec<Delivery> {
        let mut numbers: Vec<DeliveryNumber> = Vec::new();
        for shard in self.shards() {
            let shard = shard.lock();
            numbers.extend(shard.numbers().filter(|number| *number > after));
        }
        numbers.sort_unstable();
        let found = numbers.into_iter().filter_map(|number| self.get(number));
        found.take(limit).collect()
    }

    pub(super) fn crowds(&self, most: DeliveryLoad) -> Vec<Crowd> {
        let mut loads: HashMap<PluginKey, DeliveryLoad> = HashMap::new();
        for shard in self.shards() {
            for (plugin, load) in shard.lock().loads() {
                let sum = loads.entry(plugin.clone()).or_default();
                sum.count += load.count;
                sum.bytes += load.bytes;
            }
        }
        crowds(loads.iter().map(|(plugin, load)| (plugin, *load)), most)
    }

    pub(super) fn overflow(
        &self,
        plugin: &PluginKey,
        most: DeliveryLoad,
        after: DeliveryNumber,
        limit: usize,
    ) -> Vec<Delivery> {
        let mut load = DeliveryLoad::default();
        let mut all: Vec<(DeliveryNumber, u64)> = Vec::new();
        for shard in self.shards() {
            let shard = shard.lock();
            let own = shard.load(plugin);
            load.count += own.count;
            load.bytes += own.bytes;
            all.extend(shard.of(plugin));
        }
        all.sort_unstable();
        let picked = excess(load, all.into_iter(), most, after, limit);
        let found = picked.into_iter().filter_map(|number| self.get(number));
        found.collect()
    }
}

impl MemoryJournal {
    /// Ends a delivery without effects, or notes another attempt.
    pub(super) fn end_delivery(&self, number: DeliveryNumber, end: DeliveryEnd) {
        let mut waiting = self.waiting.shard(number).lock();
        match end {
            DeliveryEnd::Again(attempt) => {
                if let Some(delivery) = waiting.get_mut(number) {
                    delivery.attempt = attempt;
                }
            }
            DeliveryEnd::Refused(_) => {
                waiting.remove(number);
            }
            DeliveryEnd::Dead(reason, detail) => {
                if let Some(delivery) = waiting.remove(number) {
                    self.desk.lock().bury(DeadLetter {
                        delivery,
                        reason,
                        detail,
                        at: self.clock.now(),
                    });
                }
            }
        }
    }
}

/// About what an event takes. It is not written as text here, which would tell.
fn bytes_of(event: &Event) -> u64 {
    let text = match &event.payload {
        EventPayload::Message(message) => message.text.len(),
        other => other.body_bytes(),
    };
    let raw = event.raw.as_ref().map_or(0, String::len);
    (EVENT_BYTES + text + raw) as u64
}
