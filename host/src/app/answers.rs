//! Answers of requests become events of the plugin that asked.

use std::sync::Arc;

use async_trait::async_trait;

use super::intake::{Directed, Inbox};
use crate::journal::{EventKey, PendingRequest};
use crate::mailbox::{Clock, IntakeError};
use crate::model::event::{Addressing, Event};
use crate::model::payload::{EventPayload, Response, ResponseError, ResponseReceived};
use crate::outbox::requests::Responses;

/// Takes answers to the inbox.
pub(super) struct Answers {
    /// The way in.
    pub(super) inbox: Arc<Inbox>,
    /// The time.
    pub(super) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Responses for Answers {
    async fn take(
        &self,
        request: &PendingRequest,
        outcome: &Result<Response, ResponseError>,
    ) -> Result<(), IntakeError> {
        let origin = &request.origin;
        // The id is the request's: however often its answer is handed over, it is one event.
        let event = Event {
            id: format!("response:{}", request.token),
            occurred_at: self.clock.now(),
            addressing: Addressing::Ambient,
            cause: Some(origin.id.clone()),
            depth: origin.depth + 1,
            extras: Vec::new(),
            raw: None,
            payload: EventPayload::ResponseReceived(ResponseReceived {
                key: request.what.key.clone(),
                outcome: outcome.clone(),
            }),
            ..Event::clone(origin)
        };
        let directed = Directed {
            tenant: request.tenant.clone(),
            plugin: request.plugin.clone(),
            key: EventKey::new(&["response", &request.plugin, &request.token]),
            event,
        };
        self.inbox.answer(directed, request.number).await
    }
}
