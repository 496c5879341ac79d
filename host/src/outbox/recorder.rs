//! Records what became of parts: several at a time, and once more where the disk lost them.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::{Outcomes, PartEnd};
use crate::journal::{Durable, Journal, JournalError, JournalResult, Part, PartNumber, PartUpdate};

/// Updates that are collected before they are written.
const BATCH: usize = 64;
/// Writes that may wait for the disk.
const UNCONFIRMED: usize = 1_024;
/// How long to wait before lost updates are written once more.
const AGAIN: Duration = Duration::from_millis(500);

/// A write that is ordered and not on disk.
pub(super) type Unconfirmed = (Durable, Vec<PartUpdate>);

/// Collects updates and writes them.
pub(super) struct Recorder {
    journal: Arc<dyn Journal>,
    outcomes: Arc<dyn Outcomes>,
    updates: Mutex<Vec<PartUpdate>>,
    /// Ends that are to be told before their updates are written.
    untold: Mutex<Vec<(Part, PartEnd)>>,
    /// Held while a write is being ordered, so that whoever holds it knows what came before.
    turn: tokio::sync::Mutex<()>,
    unconfirmed: mpsc::Sender<Unconfirmed>,
    /// Something was put back and is to be written once more.
    lost: Notify,
}

impl Recorder {
    pub(super) fn new(
        journal: Arc<dyn Journal>,
        outcomes: Arc<dyn Outcomes>,
    ) -> (Self, mpsc::Receiver<Unconfirmed>) {
        let (unconfirmed, confirm) = mpsc::channel(UNCONFIRMED);
        let recorder = Self {
            journal,
            outcomes,
            updates: Mutex::default(),
            untold: Mutex::default(),
            turn: tokio::sync::Mutex::new(()),
            unconfirmed,
            lost: Notify::new(),
        };
        (recorder, confirm)
    }

    /// Notes an update.
    pub(super) fn note(&self, update: PartUpdate) {
        self.updates.lock().push(update);
    }

    /// Tells whoever wants to hear how a part ended; to be called before the end is noted.
    pub(super) fn tell(&self, part: &Part, end: &PartEnd) -> bool {
        let is_wanted = self.outcomes.wants(part, end);
        if is_wanted {
            self.untold.lock().push((part.clone(), end.clone()));
        }
        is_wanted
    }

    /// Hands over what is to be told. Whoever calls this has taken the updates that go with it: then
    /// what is told stands before them in the journal.
    async fn tell_all(&self) {
        let untold = std::mem::take(&mut *self.untold.lock());
        for (part, end) in untold {
            self.outcomes.ended(&part, &end).await;
        }
    }

    /// Tells whether it is time to write.
    pub(super) fn is_due(&self) -> bool {
        self.updates.lock().len() >= BATCH
    }

    /// Tells whether nothing waits to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.updates.lock().is_empty() && self.untold.lock().is_empty()
    }

    /// Writes everything noted before this call.
    ///
    /// # Errors
    /// The journal's; the updates are kept for later.
    pub(super) async fn flush(&self) -> JournalResult<()> {
        let _turn = self.turn.lock().await;
        let updates = std::mem::take(&mut *self.updates.lock());
        self.tell_all().await;
        if updates.is_empty() {
            return Ok(());
        }
        let written = self.journal.record(updates.clone()).await;
        self.keep(written.map(|ordered| ordered.durable), updates)
            .await?;
        Ok(())
    }

    /// Writes everything noted before this call, and waits until it is on disk.
    ///
    /// # Errors
    /// The journal's; the updates are kept for later.
    pub(super) async fn settle(&self) -> JournalResult<()> {
        let durable = {
            let _turn = self.turn.lock().await;
            let updates = std::mem::take(&mut *self.updates.lock());
            self.tell_all().await;
            let written = self.journal.record(updates.clone()).await;
            self.keep(written.map(|ordered| ordered.durable), updates)
                .await?
        };
        durable.wait().await
    }

    /// Marks a part as being sent, with everything noted before, and waits until that is on disk.
    ///
    /// # Errors
    /// The journal's; the part is not marked.
    pub(super) async fn mark(&self, part: PartNumber) -> JournalResult<()> {
        let durable = {
            let _turn = self.turn.lock().await;
            let mut updates = std::mem::take(&mut *self.updates.lock());
            self.tell_all().await;
            updates.push(PartUpdate::Sending(part));
            let kept = updates[..updates.len() - 1].to_vec();
            let written = self.journal.record(updates).await;
            self.keep(written.map(|ordered| ordered.durable), kept)
                .await?
        };
        durable.wait().await
    }

    /// Keeps what was written until it is on disk, and what was not written for the next time.
    async fn keep(
        &self,
        written: JournalResult<Durable>,
        updates: Vec<PartUpdate>,
    ) -> JournalResult<Durable> {
        match written {
            Ok(durable) => {
                if !updates.is_empty() && !durable.is_done() {
                    let unconfirmed = (durable.clone(), updates);
                    if self.unconfirmed.send(unconfirmed).await.is_err() {
                        return Err(JournalError::Closed);
                    }
                }
                Ok(durable)
            }
            Err(error) => {
                self.put_back(updates);
                Err(error)
            }
        }
    }

    fn put_back(&self, mut lost: Vec<PartUpdate>) {
        let mut updates = self.updates.lock();
        lost.append(&mut updates);
        *updates = lost;
        self.lost.notify_one();
    }
}

/// Waits for the disk behind the writes, and writes once more what it lost.
pub(super) async fn run(
    recorder: Arc<Recorder>,
    mut confirm: mpsc::Receiver<Unconfirmed>,
    cancel: CancellationToken,
) {
    loop {
        let next = async {
            tokio::select! {
                received = confirm.recv() => received,
                () = recorder.lost.notified() => {
                    write_again(&recorder).await;
                    None
                }
            }
        };
        let Some(received) = cancel.run_until_cancelled(next).await else {
            break;
        };
        let Some((durable, updates)) = received else {
            continue;
        };
        if let Err(error) = durable.wait().await {
            tracing::warn!(%error, "results of sends were lost, they are written again");
            recorder.put_back(updates);
        }
    }
    while let Ok((durable, _)) = confirm.try_recv() {
        if let Err(error) = durable.wait().await {
            tracing::warn!(%error, "results of sends not recorded, they are in doubt at the next start");
        }
    }
}

async fn write_again(recorder: &Recorder) {
    loop {
        tokio::time::sleep(AGAIN).await;
        if recorder.flush().await.is_ok() {
            return;
        }
    }
}
