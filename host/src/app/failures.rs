//! Tells the person whose command, mention or direct message came to nothing: one line, with the
//! trace id by which an operator finds it.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use super::clock;
use super::intake::Inbox;
use crate::content::{fill, plain};
use crate::journal::EventKey;
use crate::model::content::Block;
use crate::model::delivery::{Delivery, View};
use crate::model::event::{Addressing, Event, UserKind};
use crate::model::payload::{EventPayload, OtherEvent};
use crate::model::{HOST_PLUGIN, Name};

/// Failures that wait to be told; beyond this one is not told, with a line in the log.
const MAX_WAITING: usize = 1_000;

/// A failure to tell.
type Failure = (Name, Arc<Event>);

/// Tells people of failures.
pub(super) struct Failures {
    /// What is said; empty says nothing.
    sentence: ArcSwap<String>,
    inbox: OnceLock<Weak<Inbox>>,
    queue: mpsc::Sender<Failure>,
    waiting: parking_lot::Mutex<Option<mpsc::Receiver<Failure>>>,
    open: AtomicUsize,
}

impl Failures {
    /// Makes one that says this.
    pub(super) fn new(sentence: &str) -> Self {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        Self {
            sentence: ArcSwap::from_pointee(sentence.to_owned()),
            inbox: OnceLock::new(),
            queue,
            waiting: parking_lot::Mutex::new(Some(waiting)),
            open: AtomicUsize::new(0),
        }
    }

    /// Sets where the lines go.
    pub(super) fn set_inbox(&self, inbox: &Arc<Inbox>) {
        // Set once, by the one who joins the host.
        let _ = self.inbox.set(Arc::downgrade(inbox));
    }

    /// Says something else from now on.
    pub(super) fn set_sentence(&self, sentence: &str) {
        self.sentence.store(Arc::new(sentence.to_owned()));
    }

    /// Tells whether everything is told.
    pub(super) fn is_idle(&self) -> bool {
        self.open.load(Ordering::Acquire) == 0
    }

    /// Hears of a delivery that came to nothing.
    pub(super) fn dead(&self, delivery: &Delivery) {
        if self.sentence.load().is_empty() || !is_owed(delivery) {
            return;
        }
        self.open.fetch_add(1, Ordering::AcqRel);
        let failure = (Name::clone(&delivery.tenant), Arc::clone(&delivery.event));
        if self.queue.try_send(failure).is_err() {
            self.open.fetch_sub(1, Ordering::AcqRel);
            tracing::warn!(event = %delivery.event.id, "too many failures wait; one is not told");
        }
    }

    /// Tells failures until the host is gone.
    pub(super) async fn run(self: Arc<Self>) {
        let Some(mut waiting) = self.waiting.lock().take() else {
            return;
        };
        while let Some((tenant, event)) = waiting.recv().await {
            let Some(inbox) = self.inbox.get().and_then(Weak::upgrade) else {
                return;
            };
            self.tell(&inbox, tenant, &event).await;
            self.open.fetch_sub(1, Ordering::AcqRel);
        }
    }

    async fn tell(&self, inbox: &Inbox, tenant: Name, origin: &Event) {
        let text = fill(&self.sentence.load(), &[("trace", &origin.trace_id)]);
        let said = inbox.say(vec![Block::Paragraph(vec![plain(text)])]);
        // However many plugins failed over it, and however often, it is told once.
        let key = EventKey::new(&["failure", &origin.id]);
        let arrival = inbox.arrival(tenant, key, event(origin), vec![said]);
        if let Err(error) = inbox.store(vec![arrival]).await {
            tracing::warn!(%error, event = %origin.id, "a failure is not told");
        }
    }
}

/// Tells whether somebody waits for the answer.
fn is_owed(delivery: &Delivery) -> bool {
    let event = &delivery.event;
    let is_person = event
        .actor
        .as_ref()
        .is_some_and(|actor| !matches!(actor.kind, UserKind::Bot | UserKind::System));
    let is_asked = match &event.payload {
        EventPayload::Message(_) => {
            matches!(delivery.view, View::Command { .. }) || event.addressing != Addressing::Ambient
        }
        EventPayload::FormSubmitted(_) | EventPayload::ButtonPressed(_) => true,
        _ => false,
    };
    *delivery.plugin != *HOST_PLUGIN
        && event.depth == 0
        && event.conversation.is_some()
        && is_person
        && is_asked
}

/// The event whose answer the line is: in the place of the one that failed.
fn event(origin: &Event) -> Event {
    Event {
        id: format!("failure:{}", origin.id),
        occurred_at: clock::now(),
        cause: Some(origin.id.clone()),
        depth: origin.depth + 1,
        raw: None,
        extras: Vec::new(),
        payload: EventPayload::Other(OtherEvent {
            kind: "failure".to_owned(),
            json: String::new(),
        }),
        ..Event::clone(origin)
    }
}
