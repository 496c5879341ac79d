//! A journal that knows state only.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::journal::{
    Accepted, Arrival, Broadcast, BroadcastNumber, Committed, Counts, DeadLetter, DeliveryEnd,
    Journal, JournalError, JournalResult, OpenForm, Ordered, Part, PartNumber, PartUpdate,
    PendingRequest, PluginKey, RequestLoad, RequestNumber, RequestState, SentMessage, StateKey,
    StateScope, Timer, TimerKey, Turn, Unrouted,
};
use crate::model::delivery::{Delivery, DeliveryNumber, EventNumber, Route};
use crate::model::event::Event;
use crate::model::{Name, Timestamp};

type Values = BTreeMap<(String, String), (Vec<u8>, u64)>;

/// Values with their versions, by scope and key.
#[derive(Default)]
pub(in crate::runtime) struct TestJournal {
    pub(in crate::runtime) values: Mutex<Values>,
    pub(in crate::runtime) size: Mutex<u64>,
}

#[async_trait]
impl Journal for TestJournal {
    async fn state_get(&self, key: &StateKey) -> JournalResult<(Option<Vec<u8>>, u64)> {
        let entry = (key.scope.scope.to_string(), key.key.clone());
        let found = self.values.lock().get(&entry).cloned();
        Ok(found.map_or((None, 0), |(value, version)| (Some(value), version)))
    }

    async fn state_keys(
        &self,
        scope: &StateScope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> JournalResult<(Vec<String>, u64)> {
        let values = self.values.lock();
        let keys = values
            .keys()
            .filter(|(of, key)| {
                **of == *scope.scope
                    && key.starts_with(prefix)
                    && after.is_none_or(|after| key.as_str() > after)
            })
            .map(|(_, key)| key.clone())
            .take(limit)
            .collect();
        Ok((keys, 9))
    }

    async fn state_size(&self, _tenant: &str, _plugin: &str) -> JournalResult<u64> {
        Ok(*self.size.lock())
    }

    async fn accept(&self, _arrival: Arrival) -> JournalResult<Ordered<Accepted>> {
        Err(JournalError::Closed)
    }

    async fn route(
        &self,
        _number: EventNumber,
        _event: Arc<Event>,
        _routes: Vec<Route>,
    ) -> JournalResult<Ordered<Vec<Delivery>>> {
        Err(JournalError::Closed)
    }

    async fn commit(&self, _turn: Turn) -> JournalResult<Ordered<Committed>> {
        Err(JournalError::Closed)
    }

    async fn settle(
        &self,
        _delivery: DeliveryNumber,
        _end: DeliveryEnd,
    ) -> JournalResult<Ordered<()>> {
        Err(JournalError::Closed)
    }

    async fn record(&self, _updates: Vec<PartUpdate>) -> JournalResult<Ordered<()>> {
        Err(JournalError::Closed)
    }

    async fn unrouted(&self, _after: EventNumber, _limit: usize) -> JournalResult<Vec<Unrouted>> {
        Err(JournalError::Closed)
    }

    async fn dead_letters(
        &self,
        _after: DeliveryNumber,
        _limit: usize,
    ) -> JournalResult<Vec<DeadLetter>> {
        Err(JournalError::Closed)
    }

    async fn pending_deliveries(
        &self,
        _after: DeliveryNumber,
        _limit: usize,
    ) -> JournalResult<Vec<Delivery>> {
        Err(JournalError::Closed)
    }

    async fn pending_parts(&self, _after: PartNumber, _limit: usize) -> JournalResult<Vec<Part>> {
        Err(JournalError::Closed)
    }

    async fn pending_broadcasts(
        &self,
        _after: BroadcastNumber,
        _limit: usize,
    ) -> JournalResult<Vec<Broadcast>> {
        Err(JournalError::Closed)
    }

    async fn expand(
        &self,
        _broadcast: &Broadcast,
        _rows: usize,
    ) -> JournalResult<Ordered<Vec<Part>>> {
        Err(JournalError::Closed)
    }

    async fn retarget(
        &self,
        _broadcast: &Broadcast,
        _kept: Vec<Name>,
    ) -> JournalResult<Ordered<bool>> {
        Err(JournalError::Closed)
    }

    async fn pending_requests(
        &self,
        _tenant: &str,
        _plugin: &str,
        _after: RequestNumber,
        _limit: usize,
    ) -> JournalResult<Vec<PendingRequest>> {
        Err(JournalError::Closed)
    }

    async fn mark_request(
        &self,
        _request: RequestNumber,
        _state: RequestState,
    ) -> JournalResult<Ordered<()>> {
        Err(JournalError::Closed)
    }

    async fn request_load(&self, _tenant: &str, _plugin: &str) -> JournalResult<RequestLoad> {
        Err(JournalError::Closed)
    }

    async fn due_timers(
        &self,
        _now: Timestamp,
        _after: Option<&PluginKey>,
        _each: usize,
        _limit: usize,
    ) -> JournalResult<Vec<Timer>> {
        Err(JournalError::Closed)
    }

    async fn next_timer(&self) -> JournalResult<Option<Timestamp>> {
        Err(JournalError::Closed)
    }

    async fn park_timers(
        &self,
        _tenant: &str,
        _plugin: &str,
        _is_parked: bool,
    ) -> JournalResult<Ordered<()>> {
        Err(JournalError::Closed)
    }

    async fn has_timer(&self, _key: &TimerKey) -> JournalResult<bool> {
        Err(JournalError::Closed)
    }

    async fn timer_count(&self, _tenant: &str, _plugin: &str) -> JournalResult<u64> {
        Err(JournalError::Closed)
    }

    async fn open_forms(&self) -> JournalResult<Vec<OpenForm>> {
        Err(JournalError::Closed)
    }

    async fn message_by_key(
        &self,
        _tenant: &str,
        _plugin: &str,
        _key: &str,
    ) -> JournalResult<Option<SentMessage>> {
        Err(JournalError::Closed)
    }

    async fn sent_message(
        &self,
        _tenant: &str,
        _plugin: &str,
        _bot: &str,
        _message: &str,
    ) -> JournalResult<Option<SentMessage>> {
        Err(JournalError::Closed)
    }

    async fn join_count(
        &self,
        _tenant: &str,
        _plugin: &str,
        _bot: &str,
        _conversation: &str,
    ) -> JournalResult<u64> {
        Err(JournalError::Closed)
    }

    async fn host_value(&self, _name: &str) -> JournalResult<Option<String>> {
        Err(JournalError::Closed)
    }

    async fn set_host_value(&self, _name: &str, _value: &str) -> JournalResult<Ordered<()>> {
        Err(JournalError::Closed)
    }

    async fn counts(&self) -> JournalResult<Counts> {
        Err(JournalError::Closed)
    }

    async fn prune(&self, _now: Timestamp) -> JournalResult<()> {
        Err(JournalError::Closed)
    }

    async fn close(&self) -> JournalResult<()> {
        Err(JournalError::Closed)
    }
}
