//! Gives up the oldest of what waits for a plugin where more waits than may: it is in quarantine, gone,
//! or cannot keep up. What waits is counted by the journal; the lanes hold a part of it only.

use std::sync::Arc;
use std::time::Duration;

use super::letters::{self, LETTERS};
use super::plugin::Plugin;
use super::{Shared, refill};
use crate::journal::{Crowd, DeadReason, DeliveryLoad};
use crate::model::delivery::Delivery;

/// The least time between two looks: what a flood brings meanwhile is given up together.
const GAP: Duration = Duration::from_millis(100);

/// Looks where deliveries call for it, and now and then, until the lanes stop.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        let called = tokio::time::timeout(shared.config.overflow, shared.crowded.notified());
        if shared.cancel.run_until_cancelled(called).await.is_none() {
            return;
        }
        // Where the journal takes no writes, nothing can be given up.
        if !shared.gate.is_closed() {
            sweep(&shared).await;
        }
        let pause = tokio::time::sleep(GAP);
        if shared.cancel.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}

async fn sweep(shared: &Arc<Shared>) {
    // Never closed.
    let _reading = shared.reading.acquire().await;
    let most = shared.config.most_waiting;
    let crowds = match shared.parts.journal.crowds(most).await {
        Ok(crowds) => crowds,
        Err(error) => {
            tracing::warn!(%error, "what waits for plugins could not be counted");
            return;
        }
    };
    for crowd in crowds {
        let plugin = shared.plugin(&crowd.plugin.tenant, &crowd.plugin.plugin);
        // What is being read into memory must not end meanwhile.
        if !refill::hold(&plugin) {
            shared.crowded.notify_one();
            continue;
        }
        relieve(shared, &plugin, &crowd).await;
        refill::release(shared, &plugin);
    }
}

async fn relieve(shared: &Arc<Shared>, plugin: &Arc<Plugin>, crowd: &Crowd) {
    let most = shared.config.most_waiting;
    let text = detail(crowd.load, most);
    let mut after = 0;
    let mut count = 0;
    while !shared.cancel.is_cancelled() {
        let journal = &shared.parts.journal;
        let page = journal.overflow(&crowd.plugin, most, after, LETTERS);
        let page = match page.await {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, plugin = %plugin.name, "deliveries not read from the journal");
                break;
            }
        };
        let Some(last) = page.last() else {
            break;
        };
        after = last.number;
        let taken = plugin.take_out(page).into_iter();
        let taken: Vec<(Delivery, String)> = taken.map(|it| (it, text.clone())).collect();
        count += taken.len();
        if !letters::give_up(shared, plugin, DeadReason::Overflow, taken).await {
            break;
        }
    }
    if count > 0 {
        tracing::warn!(plugin = %plugin.name, count, detail = text, "too much waits for a plugin; the oldest deliveries are dead letters");
    }
}

/// Says what was found and what may be.
fn detail(found: DeliveryLoad, most: DeliveryLoad) -> String {
    let count = (found.count > most.count)
        .then(|| format!("{} deliveries waited, at most {}", found.count, most.count));
    let bytes = (found.bytes > most.bytes).then(|| {
        let (found, most) = (found.bytes, most.bytes);
        format!("{found} bytes of events waited, at most {most}")
    });
    let both = count.into_iter().chain(bytes);
    both.collect::<Vec<_>>().join("; ")
}
