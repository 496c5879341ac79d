//! What became of actions: open forms are made known, and plugins that listen hear of it.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;

use super::clock;
use super::forms::Forms;
use super::intake::{Directed, Inbox};
use super::plugins::Plugins;
use crate::journal::{EventKey, OpenForm, Part, Sent};
use crate::model::description::EventKind;
use crate::model::event::Event;
use crate::model::payload::{ActionDone, ActionError, ActionFailed, ActionRef, EventPayload};
use crate::outbox::{Outcomes, PartEnd};

/// What a plugin reads of an action that was not tried.
const SKIPPED: &str = "skipped: an action before it in its list failed";

/// Hears how parts end.
pub(super) struct Tell {
    forms: Arc<Forms>,
    inbox: OnceLock<Weak<Inbox>>,
    plugins: OnceLock<Weak<Plugins>>,
}

impl Tell {
    /// Makes one that tells nobody yet.
    pub(super) fn new(forms: Arc<Forms>) -> Self {
        Self {
            forms,
            inbox: OnceLock::new(),
            plugins: OnceLock::new(),
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
}

#[async_trait]
impl Outcomes for Tell {
    fn opened(&self, form: OpenForm) {
        self.forms.opened(form);
    }

    fn wants(&self, part: &Part, end: &PartEnd) -> bool {
        let kind = match end {
            PartEnd::Sent(_) => EventKind::ActionDone,
            PartEnd::Failed(..) | PartEnd::Retrying(..) | PartEnd::Skipped => {
                EventKind::ActionFailed
            }
        };
        let plugins = self.plugins.get().and_then(Weak::upgrade);
        plugins.is_some_and(|plugins| plugins.listens(&part.plugin, kind))
    }

    async fn ended(&self, part: &Part, end: &PartEnd) {
        let Some(inbox) = self.inbox.get().and_then(Weak::upgrade) else {
            return;
        };
        // What goes on being tried ends later, and that is another event.
        let mark = match end {
            PartEnd::Retrying(..) => ":retrying",
            PartEnd::Sent(_) | PartEnd::Failed(..) | PartEnd::Skipped => "",
        };
        let id = format!("outcome:{}{mark}", part.number);
        let event = Event {
            id: id.clone(),
            occurred_at: clock::now(),
            cause: Some(part.origin.id.clone()),
            depth: part.origin.depth + 1,
            raw: None,
            extras: Vec::new(),
            payload: payload(part, end),
            ..Event::clone(&part.origin)
        };
        let directed = Directed {
            tenant: part.tenant.clone(),
            plugin: part.plugin.clone(),
            key: EventKey::new(&["outcome", &part.plugin, &part.origin.id, &id]),
            event,
        };
        if let Err(error) = inbox.take_directed(directed).await {
            tracing::warn!(plugin = &*part.plugin, %error, "outcome of an action not taken");
        }
    }
}

fn payload(part: &Part, end: &PartEnd) -> EventPayload {
    let action = ActionRef {
        key: part.what.action.key.clone(),
        index: part.what.index,
    };
    match end {
        PartEnd::Sent(sent) => done(action, sent),
        PartEnd::Failed(error, detail) => failed(action, *error, false, detail),
        PartEnd::Retrying(error, detail) => failed(action, *error, true, detail),
        PartEnd::Skipped => failed(action, ActionError::Failed, false, SKIPPED),
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

fn failed(action: ActionRef, error: ActionError, retrying: bool, detail: &str) -> EventPayload {
    EventPayload::ActionFailed(ActionFailed {
        action,
        error,
        retrying,
        detail: detail.to_owned(),
    })
}
