//! The way in of one bot: notes when the last event came.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use crate::app::clock;
use crate::app::intake::Inbox;
use crate::journal::Durable;
use crate::mailbox::{Acceptance, Incoming, Intake, IntakeError};

/// An intake that is watched.
pub(super) struct Watched<'a> {
    pub(super) inbox: &'a Inbox,
    pub(super) last_event_in: &'a AtomicU64,
}

#[async_trait]
impl Intake for Watched<'_> {
    async fn take_ordered(
        &self,
        incoming: Vec<Incoming>,
    ) -> Result<(Vec<Acceptance>, Durable), IntakeError> {
        let taken = self.inbox.take_ordered(incoming).await?;
        self.last_event_in.store(clock::now(), Ordering::Relaxed);
        Ok(taken)
    }
}
