//! Hands committed parts to the outbox when they are on disk, in commit order; puts back what was lost.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::Shared;
use super::plugin::Plugin;
use crate::journal::{Durable, Part};
use crate::mailbox::LaneKey;
use crate::model::Name;
use crate::model::delivery::Delivery;

/// Turns taken from the queue at a time.
const BATCH: usize = 256;

/// What waits for the disk.
pub(super) enum Settling {
    /// A delivery's end.
    Turn(Box<Unsettled>),
    /// Somebody wants to know that everything before it is settled.
    Marker(oneshot::Sender<()>),
}

/// A delivery's end that is ordered and not on disk.
pub(super) struct Unsettled {
    pub(super) plugin: Arc<Plugin>,
    pub(super) delivery: Delivery,
    pub(super) durable: Durable,
    pub(super) parts: Vec<Part>,
    pub(super) reserved: Vec<LaneKey>,
}

/// Waits until everything that is in the queue now is settled.
pub(super) async fn catch_up(shared: &Shared) {
    let (done, wait) = oneshot::channel();
    if shared.settling.send(Settling::Marker(done)).await.is_ok() {
        // An error says that the queue ended, and then nothing is to be waited for.
        let _ended = wait.await;
    }
}

/// Turns that are on disk, to be handed over together.
#[derive(Default)]
struct Ready {
    parts: Vec<Part>,
    /// The lanes that the turns are of. They hear of it when the outbox has the parts, and not before:
    /// until then a later turn of the lane must not go there by itself.
    lanes: Vec<(Arc<Plugin>, Name)>,
}

/// Settles turns until the lanes stop and none is left.
pub(super) async fn run(shared: Arc<Shared>, mut queue: mpsc::Receiver<Settling>) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut ready = Ready::default();
    loop {
        let received = queue.recv_many(&mut batch, BATCH);
        let Some(_) = shared.settle_cancel.run_until_cancelled(received).await else {
            // Workers have ended: what they left is all there is.
            while let Ok(left) = queue.try_recv() {
                settle(&shared, left, &mut ready).await;
            }
            flush(&shared, &mut ready);
            return;
        };
        for settling in batch.drain(..) {
            settle(&shared, settling, &mut ready).await;
        }
        flush(&shared, &mut ready);
    }
}

async fn settle(shared: &Arc<Shared>, settling: Settling, ready: &mut Ready) {
    let unsettled = match settling {
        Settling::Turn(unsettled) => *unsettled,
        Settling::Marker(done) => {
            flush(shared, ready);
            // Whoever asked may have gone.
            let _gone = done.send(());
            return;
        }
    };
    let Unsettled {
        plugin,
        delivery,
        durable,
        mut parts,
        reserved,
    } = unsettled;
    if !durable.is_done() {
        flush(shared, ready);
    }
    match durable.wait().await {
        Ok(()) => {
            // A delivery that was through before has no parts: its lanes go back.
            if parts.is_empty() {
                release(shared, &reserved);
            }
            ready.parts.append(&mut parts);
            ready.lanes.push((plugin, delivery.lane));
        }
        Err(error) => {
            shared.gate.close(&error);
            release(shared, &reserved);
            let lane = Arc::clone(&delivery.lane);
            plugin.settled(shared, &lane, Some(delivery));
        }
    }
}

fn flush(shared: &Arc<Shared>, ready: &mut Ready) {
    if !ready.parts.is_empty() {
        shared
            .parts
            .outbox
            .enqueue(std::mem::take(&mut ready.parts));
    }
    for (plugin, lane) in ready.lanes.drain(..) {
        plugin.settled(shared, &lane, None);
    }
}

fn release(shared: &Shared, reserved: &[LaneKey]) {
    for lane in reserved {
        shared.parts.outbox.release(lane);
    }
}
