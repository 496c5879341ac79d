//! Reads deliveries that were left in the journal, because too many waited in memory.

use std::sync::Arc;
use std::time::Duration;

use super::plugin::{Plugin, State};
use super::{PAGE, Shared};

/// Looks in vain before what cannot be found counts as gone.
const LOOKS: u32 = 40;
/// The time between two looks.
const LOOK_GAP: Duration = Duration::from_millis(50);

/// Keeps anything from being read until [`release`]; false where something is being read now.
pub(super) fn hold(plugin: &Plugin) -> bool {
    let mut state = plugin.state.lock();
    !std::mem::replace(&mut state.refilling, true)
}

/// Ends what [`hold`] began.
pub(super) fn release(shared: &Arc<Shared>, plugin: &Arc<Plugin>) {
    plugin.state.lock().refilling = false;
    look(shared, plugin);
}

/// Reads where it is time to, after something was taken out that no call will ask for.
pub(super) fn look(shared: &Arc<Shared>, plugin: &Arc<Plugin>) {
    let starts = start(&mut plugin.state.lock(), shared);
    if starts {
        spawn(shared, plugin);
    }
}

/// Tells whether it is time to read, and notes that it is being done.
pub(super) fn start(state: &mut State, shared: &Arc<Shared>) -> bool {
    let wanted = state.left_in_journal.is_some()
        && !state.refilling
        && state.waiting <= shared.config.waiting / 2
        && state.waiting_bytes <= shared.config.waiting_bytes / 2
        && !shared.cancel.is_cancelled();
    state.refilling |= wanted;
    wanted
}

pub(super) fn spawn(shared: &Arc<Shared>, plugin: &Arc<Plugin>) {
    let (shared, plugin) = (Arc::clone(shared), Arc::clone(plugin));
    let tracker = shared.tracker.clone();
    let handle = shared.handle.clone();
    tracker.spawn_on(
        async move {
            let read = read(&shared, &plugin);
            let ended = shared.cancel.run_until_cancelled(read).await;
            if ended.is_none() {
                plugin.state.lock().refilling = false;
            }
        },
        &handle,
    );
}

async fn read(shared: &Arc<Shared>, plugin: &Arc<Plugin>) {
    let Some((first, _)) = plugin.state.lock().left_in_journal else {
        plugin.state.lock().refilling = false;
        return;
    };
    let mut cursor = first.saturating_sub(1);
    let mut looks = 0;
    loop {
        let page = shared.parts.journal.pending_deliveries(cursor, PAGE).await;
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, plugin = %plugin.name, "deliveries not read from the journal");
                tokio::time::sleep(LOOK_GAP).await;
                continue;
            }
        };
        let was_empty = page.is_empty();
        {
            let mut state = plugin.state.lock();
            for delivery in page {
                cursor = delivery.number;
                if *delivery.plugin != *plugin.name || *delivery.tenant != *plugin.tenant {
                    continue;
                }
                if state.is_full(shared) {
                    if let Some((first, _)) = &mut state.left_in_journal {
                        *first = delivery.number;
                    }
                    state.refilling = false;
                    return;
                }
                plugin.queue(&mut state, shared, delivery);
            }
            let last = state.left_in_journal.map_or(0, |(_, last)| last);
            looks = if was_empty { looks + 1 } else { 0 };
            if cursor >= last || looks >= LOOKS {
                state.left_in_journal = None;
                state.refilling = false;
                return;
            }
        }
        if was_empty {
            tokio::time::sleep(LOOK_GAP).await;
        }
    }
}
