//! What became of actions: open forms are made known, and plugins that listen hear of it.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;

use super::forms::Forms;
use super::intake::{Directed, Inbox};
use super::plugins::Plugins;
use super::sends::Sends;
use super::stage::OnEnd;
use crate::journal::{Broadcast, EventKey, OpenForm, Part, Sent};
use crate::model::Name;
use crate::model::description::EventKind;
use crate::model::event::Event;
use crate::model::payload::{ActionDone, ActionError, ActionFailed, ActionRef, EventPayload};
use crate::outbox::{Outcomes, PartEnd};

/// What a plugin reads of an action that was not tried.
const SKIPPED: &str = "skipped: an action before it in its list failed";

/// Hears how parts end.
pub(super) struct Tell {
    forms: Arc<Forms>,
    sends: Arc<Sends>,
    inbox: OnceLock<Weak<Inbox>>,
    plugins: OnceLock<Weak<Plugins>>,
    on_end: Option<OnEnd>,
}

impl Tell {
    /// Makes one that tells nobody yet but `on_end`.
    pub(super) fn new(forms: Arc<Forms>, sends: Arc<Sends>, on_end: Option<OnEnd>) -> Self {
        Self {
            forms,
            sends,
            inbox: OnceLock::new(),
            plugins: OnceLock::new(),
            on_end,
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

    fn listens(&self, plugin: &str, kind: EventKind) -> bool {
        let plugins = self.plugins.get().and_then(Weak::upgrade);
        plugins.is_some_and(|plugins| plugins.listens(plugin, kind))
    }

    async fn put(&self, of: Outcome<'_>, payload: EventPayload) {
        let Some(inbox) = self.inbox.get().and_then(Weak::upgrade) else {
            return;
        };
        let Outcome {
            tenant,
            plugin,
            number,
            origin,
        } = of;
        let id = format!("outcome:{number}");
        let directed = Directed {
            tenant: tenant.clone(),
            plugin: plugin.clone(),
            key: EventKey::new(&["outcome", plugin, &origin.id, &id]),
            event: Event {
                id,
                occurred_at: inbox.clock.now(),
                cause: Some(origin.id.clone()),
                depth: origin.depth + 1,
                raw: None,
                extras: Vec::new(),
                payload,
                ..Event::clone(origin)
            },
        };
        if let Err(error) = inbox.take_directed(directed).await {
            tracing::warn!(plugin = &**plugin, %error, "outcome of an action not taken");
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

#[async_trait]
impl Outcomes for Tell {
    fn opened(&self, form: OpenForm) {
        self.forms.opened(form);
    }

    fn wants(&self, part: &Part, end: &PartEnd) -> bool {
        self.on_end.is_some()
            || self.sends.waits_for(part)
            || self.listens(&part.plugin, kind_of(end))
    }

    async fn ended(&self, part: &Part, end: &PartEnd) {
        self.sends.ended(part, end);
        if let Some(hear) = &self.on_end {
            hear(part, end);
        }
        if !self.listens(&part.plugin, kind_of(end)) {
            return;
        }
        // What goes on being tried ends later, and that is another event.
        let mark = match end {
            PartEnd::Retrying(..) => ":retrying",
            PartEnd::Sent(_) | PartEnd::Failed(..) | PartEnd::Skipped => "",
        };
        let of = Outcome {
            tenant: &part.tenant,
            plugin: &part.plugin,
            number: format!("{}{mark}", part.number),
            origin: &part.origin,
        };
        self.put(of, payload(part, end)).await;
    }

    async fn dropped(&self, broadcast: &Broadcast, parts: usize) {
        if !self.listens(&broadcast.plugin, EventKind::ActionFailed) {
            return;
        }
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
        let detail = format!("the operator dropped {parts} messages of a broadcast");
        let payload = failed(action, ActionError::RefusedByPolicy, false, &detail);
        self.put(of, payload).await;
    }
}

fn kind_of(end: &PartEnd) -> EventKind {
    match end {
        PartEnd::Sent(_) => EventKind::ActionDone,
        PartEnd::Failed(..) | PartEnd::Retrying(..) | PartEnd::Skipped => EventKind::ActionFailed,
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
