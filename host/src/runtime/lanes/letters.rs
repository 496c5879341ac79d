//! Ends deliveries that were taken out of the lanes as dead letters, many in one write.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Shared;
use super::plugin::Plugin;
use crate::journal::DeadReason;
use crate::model::delivery::Delivery;

/// Letters of one write.
pub(super) const LETTERS: usize = 500;

/// Ends deliveries, each with what is said of it. What the journal does not keep goes back to its
/// lane, and the lanes wait; tells whether it kept all.
pub(super) async fn give_up(
    shared: &Arc<Shared>,
    plugin: &Arc<Plugin>,
    reason: DeadReason,
    mut taken: Vec<(Delivery, String)>,
) -> bool {
    while !taken.is_empty() {
        let rest = taken.split_off(taken.len().min(LETTERS));
        if let Some(hear) = shared.dead.get() {
            for (delivery, text) in &taken {
                hear(delivery, reason, text);
            }
        }
        let letters = taken.iter();
        let letters = letters.map(|(delivery, text)| (delivery.number, text.clone()));
        let journal = &shared.parts.journal;
        let kept = match journal.give_up(reason, letters.collect()).await {
            Ok(ordered) => ordered.durable.wait().await,
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            shared.gate.close(&error);
            for (delivery, _) in taken.into_iter().chain(rest) {
                plugin.push(shared, delivery);
            }
            return false;
        }
        let dead = &plugin.counters.dead;
        dead.fetch_add(taken.len() as u64, Ordering::Relaxed);
        taken = rest;
    }
    true
}
