//! What became of actions: open forms are made known, and plugins that listen hear of it.

use std::sync::{Arc, OnceLock, Weak};

use tokio::sync::mpsc;

use super::clock;
use super::forms::Forms;
use super::intake::{Directed, Inbox};
use super::plugins::Plugins;
use super::sends::Sends;
use crate::journal::{Broadcast, EventKey, OpenForm, Part, Sent};
use crate::model::Name;
use crate::model::description::EventKind;
use crate::model::event::Event;
use crate::model::payload::{ActionDone, ActionError, ActionFailed, ActionRef, EventPayload};
use crate::outbox::{Outcomes, PartEnd};

/// Outcomes that wait to become events; beyond this the outbox goes on and an outcome is dropped,
/// with a line in the log.
const MAX_WAITING: usize = 10_000;

/// Hears how parts end.
pub(super) struct Tell {
    forms: Arc<Forms>,
    sends: Arc<Sends>,
    inbox: OnceLock<Weak<Inbox>>,
    plugins: OnceLock<Weak<Plugins>>,
    queue: mpsc::Sender<Directed>,
    waiting: parking_lot::Mutex<Option<mpsc::Receiver<Directed>>>,
}

impl Tell {
    /// Makes one that tells nobody yet.
    pub(super) fn new(forms: Arc<Forms>, sends: Arc<Sends>) -> Self {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        Self {
            forms,
            sends,
            inbox: OnceLock::new(),
            plugins: OnceLock::new(),
            queue,
            waiting: parking_lot::Mutex::new(Some(waiting)),
        }
    }

    /// Sets where the events go.
    pub(super) fn set_inbox(&self, inbox: &Arc<Inbox>) {
        // Set once, by the one who joins the host.
        let _ = self.inbox.set(Arc::downgrade(inbox));
    }

    /// Sets who knows which plugins listen.
    pub(super) fn set_plugins(&self, plugins: &Arc<Plugins>) {
        // As above.
        let _ = self.plugins.set(Arc::downgrade(plugins));
    }

    /// Takes outcomes to the inbox until it is gone.
    pub(super) fn run(&self) -> impl Future<Output = ()> + Send + use<> {
        let waiting = self.waiting.lock().take();
        let inbox = self.inbox.get().cloned();
        async move {
            let (Some(mut waiting), Some(inbox)) = (waiting, inbox) else {
                return;
            };
            while let Some(directed) = waiting.recv().await {
                let Some(inbox) = inbox.upgrade() else {
                    return;
                };
                if let Err(error) = inbox.take_directed(directed).await {
                    tracing::warn!(%error, "outcome of an action not taken");
                }
            }
        }
    }

    fn listens(&self, plugin: &str, kind: EventKind) -> bool {
        let plugins = self.plugins.get().and_then(Weak::upgrade);
        plugins.is_some_and(|plugins| plugins.listens(plugin, kind))
    }

    fn tell(&self, part: &Part, kind: EventKind, payload: impl FnOnce(ActionRef) -> EventPayload) {
        let action = ActionRef {
            key: part.what.action.key.clone(),
            index: part.what.index,
        };
        let of = Outcome {
            tenant: &part.tenant,
            plugin: &part.plugin,
            number: part.number.to_string(),
            origin: &part.origin,
        };
        self.put(of, kind, || payload(action));
    }

    fn put(&self, of: Outcome<'_>, kind: EventKind, payload: impl FnOnce() -> EventPayload) {
        let Outcome {
            tenant,
            plugin,
            number,
            origin,
        } = of;
        if !self.listens(plugin, kind) {
            return;
        }
        let event = Event {
            id: format!("outcome:{number}"),
            occurred_at: clock::now(),
            cause: Some(origin.id.clone()),
            depth: origin.depth + 1,
            raw: None,
            extras: Vec::new(),
            payload: payload(),
            ..Event::clone(origin)
        };
        let directed = Directed {
            tenant: tenant.clone(),
            plugin: plugin.clone(),
            key: EventKey::new(&["outcome", plugin, &number]),
            event,
        };
        if self.queue.try_send(directed).is_err() {
            tracing::warn!(
                plugin = &**plugin,
                "too many outcomes wait; one is not told"
            );
        }
    }
}

/// What an outcome is of.
struct Outcome<'a> {
    tenant: &'a Name,
    plugin: &'a Name,
    /// What tells it from others.
    number: String,
    origin: &'a Event,
}

impl Outcomes for Tell {
    fn opened(&self, form: OpenForm) {
        self.forms.opened(form);
    }

    fn ended(&self, part: &Part, end: &PartEnd) {
        self.sends.ended(part, end);
        match end {
            PartEnd::Sent(sent) => {
                self.tell(part, EventKind::ActionDone, |action| done(action, sent))
            }
            PartEnd::Failed(error, detail) => {
                tracing::warn!(plugin = &*part.plugin, ?error, detail, "action failed");
                self.tell(part, EventKind::ActionFailed, |action| {
                    failed(action, *error, detail)
                });
            }
            PartEnd::Skipped => {}
        }
    }

    fn dropped(&self, broadcast: &Broadcast, parts: usize) {
        let of = Outcome {
            tenant: &broadcast.tenant,
            plugin: &broadcast.plugin,
            // A broadcast may be dropped a piece at a time.
            number: format!(
                "broadcast:{}:{}",
                broadcast.number,
                broadcast.what.targets.len()
            ),
            origin: &broadcast.origin,
        };
        let action = ActionRef {
            key: broadcast.what.actions.iter().find_map(|it| it.key.clone()),
            index: broadcast.what.index,
        };
        self.put(of, EventKind::ActionFailed, || {
            let detail = format!("the operator dropped {parts} messages of a broadcast");
            failed(action, ActionError::RefusedByPolicy, &detail)
        });
    }
}

fn done(action: ActionRef, sent: &Sent) -> EventPayload {
    EventPayload::ActionDone(ActionDone {
        action,
        message_id: sent.message.clone(),
        conversation: sent.conversation.clone(),
        notes: sent.notes.clone(),
    })
}

fn failed(action: ActionRef, error: ActionError, detail: &str) -> EventPayload {
    EventPayload::ActionFailed(ActionFailed {
        action,
        error,
        retrying: false,
        detail: detail.to_owned(),
    })
}
