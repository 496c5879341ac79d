//! Messages that somebody waits for: `parlor send` hears how its message ended.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::journal::Part;
use crate::mailbox::{LaneKey, OutboxHandle};
use crate::model::HOST_PLUGIN;
use crate::outbox::{Outbox, PartEnd};

/// How far a message is.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// Its parts, once it is committed.
    pub(super) parts: Option<usize>,
    /// How parts ended.
    pub(super) ends: Vec<PartEnd>,
    /// Why it was never committed.
    pub(super) dead: Option<String>,
}

impl Progress {
    /// Tells whether nothing more will come.
    pub(super) fn is_over(&self) -> bool {
        self.dead.is_some() || self.parts.is_some_and(|parts| self.ends.len() >= parts)
    }
}

/// The messages that somebody waits for, by the id of their event.
#[derive(Default)]
pub(super) struct Sends {
    waiting: Mutex<HashMap<String, watch::Sender<Progress>>>,
    count: AtomicUsize,
}

/// A message that is waited for, until this is dropped.
pub(super) struct Awaited {
    sends: Arc<Sends>,
    event: String,
    pub(super) progress: watch::Receiver<Progress>,
}

impl Sends {
    /// Begins to wait for the message of an event.
    pub(super) fn wait_for(self: &Arc<Self>, event: &str) -> Awaited {
        let (sender, progress) = watch::channel(Progress::default());
        let mut waiting = self.waiting.lock();
        waiting.insert(event.to_owned(), sender);
        self.count.store(waiting.len(), Ordering::Release);
        Awaited {
            sends: self.clone(),
            event: event.to_owned(),
            progress,
        }
    }

    /// Tells whether somebody waits for a part.
    pub(super) fn waits_for(&self, part: &Part) -> bool {
        *part.plugin == *HOST_PLUGIN
            && self.count.load(Ordering::Acquire) > 0
            && self.waiting.lock().contains_key(&part.origin.id)
    }

    /// Notes how a part ended.
    pub(super) fn ended(&self, part: &Part, end: &PartEnd) {
        let is_over = !matches!(end, PartEnd::Retrying(..));
        if is_over && *part.plugin == *HOST_PLUGIN {
            self.note(&part.origin.id, |progress| progress.ends.push(end.clone()));
        }
    }

    /// Notes that a delivery came to nothing.
    pub(super) fn dead(&self, event: &str, detail: &str) {
        self.note(event, |progress| progress.dead = Some(detail.to_owned()));
    }

    fn committed(&self, parts: &[Part]) {
        let own = parts.iter().filter(|part| *part.plugin == *HOST_PLUGIN);
        for part in own {
            self.note(&part.origin.id, |progress| {
                *progress.parts.get_or_insert(0) += 1;
            });
        }
    }

    fn note(&self, event: &str, note: impl FnOnce(&mut Progress)) {
        // Nearly always nobody waits.
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        if let Some(sender) = self.waiting.lock().get(event) {
            sender.send_modify(note);
        }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        let mut waiting = self.sends.waiting.lock();
        waiting.remove(&self.event);
        self.sends.count.store(waiting.len(), Ordering::Release);
    }
}

/// The outbox as the lanes have it: parts are counted before they can end.
pub(super) struct CountedOutbox {
    pub(super) outbox: Arc<Outbox>,
    pub(super) sends: Arc<Sends>,
}

impl OutboxHandle for CountedOutbox {
    fn reserve(&self, lane: &LaneKey) -> bool {
        self.outbox.reserve(lane)
    }

    fn release(&self, lane: &LaneKey) {
        OutboxHandle::release(&*self.outbox, lane);
    }

    fn enqueue(&self, parts: Vec<Part>) {
        // The parts of one turn come together.
        self.sends.committed(&parts);
        self.outbox.enqueue(parts);
    }

    fn look_for_broadcasts(&self) {
        self.outbox.look_for_broadcasts();
    }

    fn is_full(&self, tenant: &str, bot: &str) -> bool {
        self.outbox.is_full(tenant, bot)
    }
}
