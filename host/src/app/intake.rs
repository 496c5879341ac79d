//! An event on its way in: routed, stored, put into its lanes, acknowledged.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;

use super::clock;
use super::forms::Forms;
use super::hosting::Hosting;
use crate::journal::{
    Accepted, Arrival, Durable, EventKey, FiredTimer, FormChange, Journal, JournalError,
};
use crate::mailbox::{Acceptance, DeliverySink, Incoming, Intake, IntakeError};
use crate::model::content::Block;
use crate::model::delivery::{Route, View};
use crate::model::event::Event;
use crate::model::payload::EventPayload;
use crate::model::{HOST_PLUGIN, Name};
use crate::router::{FormsView, Routing, Table};

/// The way in: the only one that writes to the inbox.
pub struct Inbox {
    journal: Arc<dyn Journal>,
    lanes: Arc<dyn DeliverySink>,
    pub(super) forms: Arc<Forms>,
    pub(super) hosting: Hosting,
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
            hosting: Hosting::default(),
            tables: ArcSwap::default(),
            host: HOST_PLUGIN.into(),
        }
    }

    /// Sets how forms are run where a platform has none.
    #[must_use]
    pub(super) fn with_hosting(mut self, hosting: Hosting) -> Self {
        self.hosting = hosting;
        self
    }

    pub(super) fn table(&self, tenant: &Name) -> Option<Arc<Table>> {
        self.tables.load().get(tenant).cloned()
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
        self.store(tenant, key, event, vec![route_to(plugin)], None, Vec::new())
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
            vec![route_to(directed.plugin)]
        };
        let Directed {
            tenant, key, event, ..
        } = directed;
        self.store(tenant, key, event, routes, Some(timer), Vec::new())
            .await?;
        Ok(())
    }

    pub(super) async fn store(
        &self,
        tenant: Name,
        key: EventKey,
        mut event: Event,
        routes: Vec<Route>,
        timer: Option<FiredTimer>,
        forms: Vec<FormChange>,
    ) -> Result<(Acceptance, Durable), IntakeError> {
        event.received_at = clock::now();
        let tenant_of_changes = tenant.clone();
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
                self.forms.apply(&tenant_of_changes, &forms);
                let count = deliveries.len();
                if count > 0 {
                    self.lanes.deliver(deliveries);
                }
                Acceptance::New(count)
            }
        };
        Ok((acceptance, ordered.durable))
    }

    pub(super) fn say(&self, blocks: Vec<Block>) -> Route {
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
        let table = self.table(&tenant);
        let route = |event: &Event| {
            let view = OpenForms(&self.forms, &tenant);
            table.as_ref().map(|table| table.route(event, &view))
        };
        let is_message = matches!(event.payload, EventPayload::Message(_));
        let mut routing = is_message.then(|| route(&event)).flatten();
        // Held until the event is in the journal: of two answers at one time, one is the first.
        let turn = self.hosting_turn(&tenant, &event).await;
        let (mut changes, mut says, mut for_plugins) = (Vec::new(), Vec::new(), true);
        if turn.is_some() {
            let table = table.as_deref();
            let hearing = self.hear(&tenant, &mut event, table, routing.as_ref());
            let hearing = hearing.await?;
            (changes, says, for_plugins) = (hearing.changes, hearing.says, hearing.for_plugins);
            // It may be another event now: an answer is a submission, a number is a press.
            routing = None;
        }
        let routing = match routing {
            Some(routing) => routing,
            None if for_plugins => route(&event).unwrap_or_default(),
            None => Routing::default(),
        };
        let mut routes = routing.routes;
        if let Some(said) = routing.host.as_ref() {
            says.extend_from_slice(said.content());
        }
        if !says.is_empty() {
            routes.push(self.say(says));
        }
        self.store(tenant, key, event, routes, None, changes).await
    }
}

/// What the router may know of open forms.
struct OpenForms<'a>(&'a Forms, &'a Name);

impl FormsView for OpenForms<'_> {
    fn owner(&self, event: &Event, message_id: &str) -> Option<Name> {
        let bot = event.bot.as_ref()?;
        self.0.owner(self.1, &bot.name, message_id)
    }
}

fn route_to(plugin: Name) -> Route {
    Route {
        plugin,
        view: View::Whole,
        roles: Vec::new(),
    }
}

pub(super) fn refusal(error: JournalError) -> IntakeError {
    match error {
        JournalError::Closed | JournalError::Fenced => IntakeError::Stopping,
        JournalError::Full(_) | JournalError::Failed(_) => IntakeError::Paused(error.to_string()),
    }
}
