//! Hands over what a bot hears, in order, and tells the platform what was accepted.

use std::pin::Pin;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesOrdered;

use super::LocalConnector;
use super::convert::event_from_change;
use super::hub::Heard;
use crate::journal::{Durable, JournalError};
use crate::mailbox::{Incoming, Intake, IntakeError};

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

/// The end of a batch: how many changes it was, and whether they are on disk.
type Kept = Pin<Box<dyn Future<Output = (usize, Result<(), JournalError>)> + Send>>;

impl LocalConnector {
    /// Runs the bot's session until `stop` resolves or the host stops taking events.
    pub async fn hear(&self, intake: &dyn Intake, stop: impl Future<Output = ()>) {
        let missed = self.hub.come_back(&self.user);
        if missed > 0 {
            tracing::warn!(
                bot = self.bot.name,
                missed,
                "too much happened while the bot was away"
            );
        }
        let mut stop = std::pin::pin!(stop);
        let mut waiting: FuturesOrdered<Kept> = FuturesOrdered::new();
        let mut last: Option<Durable> = None;
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
                        last = None;
                        self.hub.offer_again(&self.user);
                        tokio::time::sleep(PAUSE_MIN).await;
                    }
                },
                batch = self.hub.next_for(&self.user, BATCH), if waiting.len() < BATCHES_WAITING => {
                    let count = batch.len();
                    let Some(writes) = self.offer(intake, &batch, &mut last, &mut stop).await else {
                        break;
                    };
                    if waiting.is_empty() && writes.iter().all(Durable::is_done) {
                        self.hub.accepted(&self.user, count);
                        unwritten = true;
                    } else {
                        waiting.push_back(Box::pin(async move { (count, all(writes).await) }));
                    }
                }
                () = tokio::time::sleep(QUIET), if unwritten && waiting.is_empty() => {
                    unwritten = false;
                    self.write_marks();
                }
            }
        }
        while let Some((count, Ok(()))) = waiting.next().await {
            self.hub.accepted(&self.user, count);
        }
        self.write_marks();
    }

    /// Offers changes until all are taken, and gives the writes that keep them; none when the session
    /// ends. Where the `last` write was lost, no more is offered and that one is given too: what it
    /// held must come before these.
    async fn offer(
        &self,
        intake: &dyn Intake,
        batch: &[Heard],
        last: &mut Option<Durable>,
        stop: &mut Pin<&mut impl Future<Output = ()>>,
    ) -> Option<Vec<Durable>> {
        let mut writes = Vec::new();
        let mut pause = PAUSE_MIN;
        let mut from = 0;
        // So many at a time as were taken of the last, or twice as many where those were all: what
        // is not taken is converted again, and that must not be the whole rest each time.
        let mut size = batch.len();
        while from < batch.len() {
            let end = batch.len().min(from + size);
            let heard = batch.iter().enumerate().take(end).skip(from);
            let (places, incoming): (Vec<usize>, Vec<Incoming>) = heard
                .filter_map(|(place, heard)| {
                    let epoch = self.hub.epoch();
                    let incoming = event_from_change(&self.tenant, &self.bot, epoch, heard)?;
                    Some((place, incoming))
                })
                .unzip();
            if incoming.is_empty() {
                from = end;
                continue;
            }
            if let Some(lost) = last.as_ref().filter(|last| last.has_failed()) {
                writes.push(lost.clone());
                break;
            }
            match intake.take_ordered(incoming).await {
                Ok((taken, durable)) => {
                    *last = Some(durable.clone());
                    // The next is the first that was not taken.
                    match places.get(taken.len()) {
                        Some(place) => {
                            from = *place;
                            size = taken.len().max(1);
                        }
                        None => {
                            from = end;
                            size *= 2;
                        }
                    }
                    writes.push(durable);
                    pause = PAUSE_MIN;
                }
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
        Some(writes)
    }

    fn write_marks(&self) {
        if let Err(error) = self.hub.write_marks(&self.user) {
            // Without them the next start offers again what the journal then knows.
            tracing::warn!(%error, "acceptance is not written down");
        }
    }
}

/// Waits until all writes are on disk: one may have failed that a later one does not know of.
async fn all(writes: Vec<Durable>) -> Result<(), JournalError> {
    for write in writes {
        write.wait().await?;
    }
    Ok(())
}
