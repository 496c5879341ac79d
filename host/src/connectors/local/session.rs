//! Hands over what a bot hears, in order, and tells the platform what was accepted.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesOrdered;

use super::LocalConnector;
use super::convert::event_from_change;
use crate::journal::JournalError;
use crate::mailbox::{Intake, IntakeError};

/// Changes that are handed over at a time.
const BATCH: usize = 256;
/// Batches that may wait for the disk.
const BATCHES_WAITING: usize = 64;
/// How long the first pause is when intake pauses.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// How long a pause is at most.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How long after the last event the acceptance is written down.
const QUIET: Duration = Duration::from_secs(1);

type Durable = Pin<Box<dyn Future<Output = (usize, Result<(), JournalError>)> + Send>>;

impl LocalConnector {
    /// Runs the bot's session until `stop` resolves or the host stops taking events.
    pub async fn run(&self, intake: &dyn Intake, stop: impl Future<Output = ()>) {
        self.is_running.store(true, Ordering::Release);
        let mut stop = std::pin::pin!(stop);
        let mut waiting: FuturesOrdered<Durable> = FuturesOrdered::new();
        let mut unwritten = false;
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some((count, end)) = waiting.next(), if !waiting.is_empty() => match end {
                    Ok(()) => {
                        self.hub.accepted(&self.user, count);
                        unwritten = true;
                    }
                    Err(error) => {
                        // Everything ordered after it has failed too, so all of it is offered again.
                        tracing::warn!(%error, "events were not kept; offering them again");
                        waiting = FuturesOrdered::new();
                        self.hub.offer_again(&self.user);
                        tokio::time::sleep(PAUSE_MIN).await;
                    }
                },
                batch = self.hub.next_for(&self.user, BATCH), if waiting.len() < BATCHES_WAITING => {
                    let count = batch.len();
                    let mut last = crate::journal::Durable::done();
                    let mut stopping = false;
                    for heard in &batch {
                        let Some(incoming) =
                            event_from_change(&self.tenant, &self.bot, self.hub.epoch(), heard)
                        else {
                            continue;
                        };
                        match self.take(intake, incoming, &mut stop).await {
                            Some(durable) => last = durable,
                            None => {
                                stopping = true;
                                break;
                            }
                        }
                    }
                    if stopping {
                        break;
                    }
                    if last.is_done() && waiting.is_empty() {
                        self.hub.accepted(&self.user, count);
                        unwritten = true;
                    } else {
                        waiting.push_back(Box::pin(async move { (count, last.wait().await) }));
                    }
                }
                () = tokio::time::sleep(QUIET), if unwritten && waiting.is_empty() => {
                    unwritten = false;
                    self.write_marks();
                }
            }
        }
        self.is_running.store(false, Ordering::Release);
        while let Some((count, Ok(()))) = waiting.next().await {
            self.hub.accepted(&self.user, count);
        }
        self.write_marks();
    }

    /// Offers an event until it is taken; none when the session ends.
    async fn take(
        &self,
        intake: &dyn Intake,
        incoming: crate::mailbox::Incoming,
        stop: &mut Pin<&mut impl Future<Output = ()>>,
    ) -> Option<crate::journal::Durable> {
        let mut pause = PAUSE_MIN;
        loop {
            match intake.take_ordered(incoming.clone()).await {
                Ok((_, durable)) => return Some(durable),
                Err(IntakeError::Stopping) => return None,
                Err(IntakeError::Paused(why)) => {
                    tracing::debug!(why, "intake pauses");
                    tokio::select! {
                        () = stop.as_mut() => return None,
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    fn write_marks(&self) {
        if let Err(error) = self.hub.write_marks(&self.user) {
            // Without them the next start offers again what the journal then knows.
            tracing::warn!(%error, "acceptance is not written down");
        }
    }
}
