//! An event on its way in: routed, stored, put into its lanes, acknowledged.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;

use super::clock;
use super::forms::Forms;
use super::submission::{self, Checked};
use crate::journal::{
    Accepted, Arrival, Durable, EventKey, FiredTimer, FormChange, Journal, JournalError,
};
use crate::mailbox::{Acceptance, DeliverySink, Incoming, Intake, IntakeError};
use crate::model::delivery::{Route, View};
use crate::model::event::Event;
use crate::model::payload::EventPayload;
use crate::model::{HOST_PLUGIN, Name};
use crate::router::{FormsView, HostSays, Routing, Table};

/// The way in: the only one that writes to the inbox.
pub struct Inbox {
    journal: Arc<dyn Journal>,
    lanes: Arc<dyn DeliverySink>,
    forms: Arc<Forms>,
    tables: ArcSwap<BTreeMap<Name, Arc<Table>>>,
    host: Name,
}

/// An event whose plugin is known without routing: a timer's, an outcome's, a plugin's own life.
pub struct Directed {
    /// The tenant.
    pub tenant: Name,
    /// The plugin.
    pub plugin: Name,
    /// What makes it one and the same.
    pub key: EventKey,
    /// The event.
    pub event: Event,
}

impl Inbox {
    /// Makes the way in. Nothing is routed before [`Inbox::set_table`].
    pub fn new(journal: Arc<dyn Journal>, lanes: Arc<dyn DeliverySink>, forms: Arc<Forms>) -> Self {
        Self {
            journal,
            lanes,
            forms,
            tables: ArcSwap::default(),
            host: HOST_PLUGIN.into(),
        }
    }

    /// Replaces a tenant's routes. Events already routed keep theirs.
    pub fn set_table(&self, tenant: &Name, table: Arc<Table>) {
        self.tables.rcu(|tables| {
            let mut tables = BTreeMap::clone(tables);
            tables.insert(tenant.clone(), table.clone());
            tables
        });
    }

    /// Takes an event whose plugin is known.
    ///
    /// # Errors
    /// The event was not taken.
    pub async fn take_directed(
        &self,
        directed: Directed,
    ) -> Result<(Acceptance, Durable), IntakeError> {
        let Directed {
            tenant,
            plugin,
            key,
            event,
        } = directed;
        let routes = self.routes_to(&tenant, plugin, &event);
        self.store(tenant, key, event, routes, None, Vec::new())
            .await
    }

    /// Takes a timer's firing, re-arming or ending the timer in the same transaction.
    ///
    /// # Errors
    /// The firing was not taken; the timer is still due.
    pub async fn fire(
        &self,
        directed: Directed,
        timer: FiredTimer,
        skipped: bool,
    ) -> Result<(), IntakeError> {
        let routes = if skipped {
            Vec::new()
        } else {
            self.routes_to(&directed.tenant, directed.plugin, &directed.event)
        };
        let Directed {
            tenant, key, event, ..
        } = directed;
        self.store(tenant, key, event, routes, Some(timer), Vec::new())
            .await?;
        Ok(())
    }

    /// The way to a plugin that is known, where the operator still lets it take part there. One that
    /// is not loaded now gets the event when it is.
    fn routes_to(&self, tenant: &Name, plugin: Name, event: &Event) -> Vec<Route> {
        let tables = self.tables.load();
        match tables.get(tenant).filter(|table| table.knows(&plugin)) {
            Some(table) => table.route_to(&plugin, event).into_iter().collect(),
            None => vec![Route {
                plugin,
                view: View::Whole,
                roles: event
                    .actor
                    .as_ref()
                    .map_or_else(Vec::new, |actor| actor.roles.clone()),
            }],
        }
    }

    async fn store(
        &self,
        tenant: Name,
        key: EventKey,
        mut event: Event,
        routes: Vec<Route>,
        timer: Option<FiredTimer>,
        forms: Vec<FormChange>,
    ) -> Result<(Acceptance, Durable), IntakeError> {
        event.received_at = clock::now();
        let lane: Name = match &event.conversation {
            Some(conversation) => conversation.id.as_str().into(),
            None => Name::from(""),
        };
        let arrival = Arrival {
            tenant,
            key,
            event: Arc::new(event),
            lane,
            routes: Some(routes),
            timer,
            forms: forms.clone(),
        };
        let ordered = self.journal.accept(arrival).await.map_err(refusal)?;
        let acceptance = match ordered.value {
            Accepted::Duplicate => Acceptance::Duplicate,
            Accepted::New { deliveries, .. } => {
                for change in &forms {
                    self.forms.apply(change);
                }
                let count = deliveries.len();
                if count > 0 {
                    self.lanes.deliver(deliveries);
                }
                Acceptance::New(count)
            }
        };
        Ok((acceptance, ordered.durable))
    }

    fn say(&self, blocks: Vec<crate::model::content::Block>) -> Route {
        Route {
            plugin: self.host.clone(),
            view: View::Say(blocks),
            roles: Vec::new(),
        }
    }
}

#[async_trait]
impl Intake for Inbox {
    async fn take_ordered(&self, incoming: Incoming) -> Result<(Acceptance, Durable), IntakeError> {
        let Incoming {
            tenant,
            key,
            mut event,
        } = incoming;
        let mut changes = Vec::new();
        let table = self.tables.load().get(&tenant).cloned();
        if let (Some(table), EventPayload::FormSubmitted(_)) = (&table, &event.payload) {
            // Whom a form is for may be said by roles.
            if let Some(actor) = &mut event.actor {
                actor.roles = table.roles_of(actor);
            }
        }
        match submission::check(&self.forms, &mut event, clock::now()) {
            Checked::NotAForm => {}
            Checked::Good(change) => changes.extend(change),
            Checked::Bad(blocks) => {
                let routes = vec![self.say(blocks)];
                return self.store(tenant, key, event, routes, None, changes).await;
            }
        }
        let routing = match table {
            Some(table) => table.route(&event, &OpenForms(&self.forms)),
            None => Routing::default(),
        };
        if let Some(HostSays::Refused { plugin, key, .. }) = &routing.host {
            let actor = event.actor.as_ref().map(|actor| actor.id.as_str());
            tracing::info!(plugin = &**plugin, actor, setting = key, "not allowed");
        }
        let mut routes = routing.routes;
        let says = routing.host.as_ref().map(|says| says.content().to_vec());
        routes.extend(says.map(|blocks| self.say(blocks)));
        self.store(tenant, key, event, routes, None, changes).await
    }
}

/// What the router may know of open forms.
struct OpenForms<'a>(&'a Forms);

impl FormsView for OpenForms<'_> {
    fn owner(&self, event: &Event, message_id: &str) -> Option<Name> {
        let bot = event.bot.as_ref()?;
        self.0.owner(&bot.name, message_id, clock::now())
    }
}

fn refusal(error: JournalError) -> IntakeError {
    match error {
        JournalError::Closed | JournalError::Fenced => IntakeError::Stopping,
        JournalError::Full(_) | JournalError::Failed(_) => IntakeError::Paused(error.to_string()),
    }
}
