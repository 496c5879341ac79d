//! An event on its way in: routed, stored, put into its lanes, acknowledged.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;

use super::activity::Activity;
use super::clock;
use super::forms::Forms;
use super::submission::{self, Checked};
use crate::journal::{
    Accepted, Arrival, Durable, EventKey, FiredTimer, FormChange, Journal, JournalError,
};
use crate::mailbox::{Acceptance, DeliverySink, Incoming, Intake, IntakeError};
use crate::model::delivery::{Route, View};
use crate::model::event::Event;
use crate::model::{HOST_PLUGIN, Name};
use crate::router::{FormsView, Routing, Table};

/// The way in: the only one that writes to the inbox.
pub struct Inbox {
    journal: Arc<dyn Journal>,
    lanes: Arc<dyn DeliverySink>,
    forms: Arc<Forms>,
    tables: ArcSwap<BTreeMap<Name, Arc<Table>>>,
    activity: Activity,
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
            activity: Activity::default(),
            host: HOST_PLUGIN.into(),
        }
    }

    /// What has arrived.
    pub fn activity(&self) -> &Activity {
        &self.activity
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
        let arriving = self.activity.arriving(&tenant, &event);
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
        let ordered = match self.journal.accept(arrival).await {
            Ok(ordered) => ordered,
            Err(error) => {
                arriving.refused();
                return Err(refusal(error));
            }
        };
        arriving.arrived(matches!(ordered.value, Accepted::Duplicate));
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
        match submission::check(&self.forms, &mut event, clock::now()) {
            Checked::NotAForm => {}
            Checked::Good(change) => changes.extend(change),
            Checked::Bad(blocks) => {
                let routes = vec![self.say(blocks)];
                return self.store(tenant, key, event, routes, None, changes).await;
            }
        }
        let table = self.tables.load().get(&tenant).cloned();
        let routing = match table {
            Some(table) => table.route(&event, &OpenForms(&self.forms)),
            None => Routing::default(),
        };
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

fn route_to(plugin: Name) -> Route {
    Route {
        plugin,
        view: View::Whole,
        roles: Vec::new(),
    }
}

fn refusal(error: JournalError) -> IntakeError {
    match error {
        JournalError::Closed | JournalError::Fenced => IntakeError::Stopping,
        JournalError::Full(_) | JournalError::Failed(_) => IntakeError::Paused(error.to_string()),
    }
}
