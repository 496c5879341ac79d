//! Requests: numbered with their turn, and what becomes of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::MemoryJournal;
use crate::journal::open_requests::{no_request, plugin_key};
use crate::journal::shared::token;
use crate::journal::{JournalResult, PendingRequest, PluginKey, RequestNumber, RequestState, Turn};
use crate::model::Name;

impl MemoryJournal {
    /// Makes the requests of a turn, before anything of it is kept: chance may not be had.
    pub(super) fn number_requests(&self, turn: &Turn) -> JournalResult<Vec<PendingRequest>> {
        let requests = turn.requests.iter();
        let requests = requests.map(|what| {
            Ok(PendingRequest {
                number: self.next_request.fetch_add(1, Ordering::Relaxed),
                tenant: Name::clone(&turn.tenant),
                plugin: Name::clone(&turn.plugin),
                origin: Arc::clone(&turn.event),
                what: what.clone(),
                token: token()?,
                state: RequestState::Queued,
                attempts: 0,
            })
        });
        requests.collect()
    }

    pub(super) fn add_request(&self, request: PendingRequest) {
        let plugin = plugin_key(&request.tenant, &request.plugin);
        let bytes = request.what.request.body.len() as u64;
        let mut desk = self.desk.lock();
        desk.requests.insert(request.number, plugin, bytes, request);
    }

    pub(super) fn requests_of(
        &self,
        plugin: &PluginKey,
        after: RequestNumber,
        limit: usize,
    ) -> Vec<PendingRequest> {
        let desk = self.desk.lock();
        let numbers = desk.requests.of(plugin, after, limit).into_iter();
        numbers
            .filter_map(|number| desk.requests.get(number).cloned())
            .collect()
    }

    pub(super) fn set_request_state(
        &self,
        request: RequestNumber,
        state: RequestState,
    ) -> JournalResult<()> {
        let mut desk = self.desk.lock();
        let found = desk.requests.get_mut(request);
        let found = found.ok_or_else(|| no_request(request))?;
        found.state = state;
        found.attempts += u32::from(state == RequestState::Sending);
        Ok(())
    }
}
