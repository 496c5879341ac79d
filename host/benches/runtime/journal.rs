//! A journal that keeps nothing.

use std::sync::Arc;

use async_trait::async_trait;

use parlor_host::journal::{
    Accepted, Arrival, Broadcast, BroadcastNumber, Committed, Counts, DeadLetter, DeliveryEnd,
    Journal, JournalError, JournalResult, OpenForm, Ordered, Part, PartNumber, PartUpdate,
    PendingRequest, PluginKey, RequestLoad, RequestNumber, RequestState, SentMessage, StateKey,
    StateScope, Timer, TimerKey, Turn, Unrouted,
};
use parlor_host::model::delivery::{Delivery, DeliveryNumber, EventNumber, Route};
use parlor_host::model::event::Event;
use parlor_host::model::{Name, Timestamp};

/// Keeps nothing.
pub(crate) struct NoJournal;

#[async_trait]
impl Journal for NoJournal {
    async fn state_get(&self, _key: &StateKey) -> JournalResult<(Option<Vec<u8>>, u64)> {
        Ok((None, 0))
    }

    async fn state_keys(
        &self,
        _scope: &StateScope,
        _prefix: &str,
        _after: Option<&str>,
        _limit: usize,
    ) -> JournalResult<(Vec<String>, u64)> {
        Ok((Vec::new(), 0))
    }

    async fn state_size(&self, _tenant: &str, _plugin: &str) -> JournalResult<u64> {
        Ok(0)
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

    async fn unrouted(&self, _: EventNumber, _: usize) -> JournalResult<Vec<Unrouted>> {
        Err(JournalError::Closed)
    }

    async fn dead_letters(&self, _: DeliveryNumber, _: usize) -> JournalResult<Vec<DeadLetter>> {
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
