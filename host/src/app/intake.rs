//! An event on its way in: routed, stored, put into its lanes, acknowledged.

mod whole;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use tokio::sync::MutexGuard;
use tokio_util::task::TaskTracker;

pub(super) use self::whole::WholeIntake;

use super::activity::{Activity, Arriving};
use super::forms::Forms;
use super::hosting::Hosting;
use super::trace::Trace;
use crate::journal::{
    Accepted, Arrival, Durable, EventKey, FiredTimer, Journal, JournalError, RequestNumber,
};
use crate::mailbox::{Acceptance, Clock, DeliverySink, Incoming, Intake, IntakeError};
use crate::model::action::Action;
use crate::model::content::Block;
use crate::model::delivery::{Route, View};
use crate::model::event::Event;
use crate::model::payload::EventPayload;
use crate::model::{HOST_PLUGIN, Name};
use crate::router::{Decision, FormsView, HostSays, Routing, Table};

/// The way in: the only one that writes to the inbox.
pub struct Inbox {
    journal: Arc<dyn Journal>,
    lanes: Arc<dyn DeliverySink>,
    pub(super) forms: Arc<Forms>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hosting: Hosting,
    tables: ArcSwap<BTreeMap<Name, Arc<Table>>>,
    activity: Activity,
    host: Name,
    /// What is seen through.
    taking: TaskTracker,
    /// Who traces events.
    trace: OnceLock<Arc<Trace>>,
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
    pub fn new(
        journal: Arc<dyn Journal>,
        lanes: Arc<dyn DeliverySink>,
        forms: Arc<Forms>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            journal,
            lanes,
            forms,
            clock,
            hosting: Hosting::default(),
            tables: ArcSwap::default(),
            activity: Activity::default(),
            host: HOST_PLUGIN.into(),
            taking: TaskTracker::new(),
            trace: OnceLock::new(),
        }
    }

    /// Sets how forms are run where a platform has none.
    #[must_use]
    pub(super) fn with_hosting(mut self, hosting: Hosting) -> Self {
        self.hosting = hosting;
        self
    }

    /// Sets who traces events; the first stays.
    pub(super) fn set_trace(&self, trace: Arc<Trace>) {
        // Whoever joins the host does it once.
        let _ = self.trace.set(trace);
    }

    /// What has arrived.
    pub fn activity(&self) -> &Activity {
        &self.activity
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
        let routes = self.routes_to(&tenant, plugin, &event);
        let arrival = self.arrival(tenant, key, event, routes);
        let (mut taken, durable) = self.store(vec![arrival]).await?;
        let acceptance = taken.pop().ok_or(IntakeError::Stopping)?;
        Ok((acceptance, durable))
    }

    /// Takes what an operator asks the host itself to do.
    ///
    /// # Errors
    /// It was not taken, and nothing is done.
    pub async fn take_act(
        &self,
        tenant: &Name,
        event: Event,
        actions: Vec<Action>,
    ) -> Result<(Acceptance, Durable), IntakeError> {
        let key = EventKey::new(&["act", &event.id]);
        let route = Route {
            view: View::Act(actions),
            ..route_to(self.host.clone(), &event)
        };
        let arrival = self.arrival(tenant.clone(), key, event, vec![route]);
        let (mut taken, durable) = self.store(vec![arrival]).await?;
        let acceptance = taken.pop().ok_or(IntakeError::Stopping)?;
        Ok((acceptance, durable))
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
        let arrival = Arrival {
            timer: Some(timer),
            ..self.arrival(tenant, key, event, routes)
        };
        self.store(vec![arrival]).await?;
        Ok(())
    }

    /// Takes the answer of a request, ending the request in the same transaction; resolves when
    /// that is on disk.
    ///
    /// # Errors
    /// The answer was not taken; the request has not ended.
    pub async fn answer(
        &self,
        directed: Directed,
        request: RequestNumber,
    ) -> Result<(), IntakeError> {
        let Directed {
            tenant,
            plugin,
            key,
            event,
        } = directed;
        let routes = self.routes_to(&tenant, plugin, &event);
        let arrival = Arrival {
            request: Some(request),
            ..self.arrival(tenant, key, event, routes)
        };
        let (_, durable) = self.store(vec![arrival]).await?;
        durable.wait().await.map_err(refusal)
    }

    /// The way to a plugin that is known, where the operator still lets it take part there. One that
    /// is not loaded now gets the event when it is.
    fn routes_to(&self, tenant: &Name, plugin: Name, event: &Event) -> Vec<Route> {
        match self.table(tenant).filter(|table| table.knows(&plugin)) {
            Some(table) => table.route_to(&plugin, event).into_iter().collect(),
            None => vec![route_to(plugin, event)],
        }
    }

    pub(super) fn arrival(
        &self,
        tenant: Name,
        key: EventKey,
        mut event: Event,
        routes: Vec<Route>,
    ) -> Arrival {
        event.received_at = self.clock.now();
        let lane: Name = match &event.conversation {
            Some(conversation) => conversation.id.as_str().into(),
            None => Name::from(""),
        };
        Arrival {
            tenant,
            key,
            event: Arc::new(event),
            lane,
            routes: Some(routes),
            timer: None,
            request: None,
            forms: Vec::new(),
        }
    }

    /// Stores arrivals, of which only the last may change forms.
    pub(super) async fn store(
        &self,
        arrivals: Vec<Arrival>,
    ) -> Result<(Vec<Acceptance>, Durable), IntakeError> {
        let count = arrivals.len();
        let changes = arrivals
            .last()
            .map(|last| (last.tenant.clone(), last.forms.clone()));
        let arriving: Vec<Arriving<'_>> = arrivals
            .iter()
            .map(|arrival| self.activity.arriving(&arrival.tenant, &arrival.event))
            .collect();
        let traced = self.trace.get().map(|trace| {
            let ways = arrivals.iter();
            let ways = ways.map(|it| (it.event.clone(), it.routes.clone().unwrap_or_default()));
            (trace, ways.collect::<Vec<_>>())
        });
        let is_failing = self.activity.is_paused();
        let stored = match self.journal.accept_all(arrivals).await {
            Ok(stored) => stored,
            Err(error) => {
                self.activity.refused();
                return Err(refusal(error));
            }
        };
        self.activity.ordered(&stored.durable);
        if is_failing && let Err(error) = stored.durable.clone().wait().await {
            // A full disk says so only now. Nothing of it goes on; whoever offered it waits.
            self.activity.refused();
            return Err(refusal(error));
        }
        for (arriving, accepted) in arriving.into_iter().zip(&stored.value) {
            arriving.arrived(matches!(accepted, Accepted::Duplicate));
        }
        if let Some((trace, ways)) = traced {
            for ((event, routes), accepted) in ways.iter().zip(&stored.value) {
                match accepted {
                    Accepted::Duplicate => trace.came_again(event),
                    Accepted::New { .. } => trace.came(event, routes),
                }
            }
        }
        let is_whole = stored.value.len() == count;
        let mut taken = Vec::with_capacity(stored.value.len());
        let mut to_deliver = Vec::new();
        for accepted in stored.value {
            taken.push(match accepted {
                Accepted::Duplicate => Acceptance::Duplicate,
                Accepted::New { deliveries, .. } => {
                    let count = deliveries.len();
                    to_deliver.extend(deliveries);
                    Acceptance::New(count)
                }
            });
        }
        if is_whole
            && matches!(taken.last(), Some(Acceptance::New(_)))
            && let Some((tenant, changes)) = &changes
        {
            self.forms.apply(tenant, changes);
        }
        if !to_deliver.is_empty() {
            self.lanes.deliver(to_deliver);
        }
        Ok((taken, stored.durable))
    }

    /// Routes an event and hears what it says to a form; with the conversation's turn where it may
    /// concern one.
    async fn route(
        &self,
        incoming: Incoming,
    ) -> Result<(Arrival, Option<MutexGuard<'_, ()>>), IntakeError> {
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
        self.wait_for_opening(&tenant, &event).await;
        let turn = self.hosting_turn(&tenant, &event).await;
        let (mut forms, mut says, mut for_plugins) = (Vec::new(), Vec::new(), true);
        if turn.is_some() {
            let table = table.as_deref();
            let hearing = self.hear(&tenant, &mut event, table, routing.as_ref());
            let hearing = hearing.await?;
            (forms, says, for_plugins) = (hearing.changes, hearing.says, hearing.for_plugins);
            // It may be another event now: an answer is a submission, a number is a press.
            routing = None;
        }
        let routing = match routing {
            Some(routing) => routing,
            None if for_plugins => route(&event).unwrap_or_default(),
            None => Routing::default(),
        };
        if let Some(HostSays::Refused { plugin, key, .. }) = &routing.host {
            let actor = event.actor.as_ref().map(|actor| actor.id.as_str());
            tracing::info!(plugin = &**plugin, actor, setting = key, "not allowed");
        }
        if let (Some(trace), Some(table)) = (self.trace.get(), &table) {
            trace.decided(
                &event,
                match for_plugins {
                    true => table.explain(&event, &routing),
                    false => vec![Decision {
                        plugin: None,
                        gets: true,
                        why: "takes it as an answer in a form that it runs".to_owned(),
                    }],
                },
            );
        }
        let mut routes = routing.routes;
        if let Some(said) = routing.host.as_ref() {
            says.extend_from_slice(said.content());
        }
        if !says.is_empty() {
            routes.push(self.say(says));
        }
        let arrival = Arrival {
            forms,
            ..self.arrival(tenant, key, event, routes)
        };
        Ok((arrival, turn))
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
    async fn take_ordered(
        &self,
        incoming: Vec<Incoming>,
    ) -> Result<(Vec<Acceptance>, Durable), IntakeError> {
        let mut arrivals = Vec::with_capacity(incoming.len());
        // Held until the event is in the journal: of two answers at one time, one is the first.
        let mut turn = None;
        for incoming in incoming {
            match self.route(incoming).await {
                Ok((arrival, held)) => {
                    let changes_forms = !arrival.forms.is_empty();
                    arrivals.push(arrival);
                    turn = held;
                    // What comes after it has to see the forms as they are then.
                    if changes_forms || turn.is_some() {
                        break;
                    }
                }
                Err(error) if arrivals.is_empty() => return Err(error),
                // Those before it are taken; it is offered again.
                Err(_) => break,
            }
        }
        let taken = self.store(arrivals).await;
        drop(turn);
        taken
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

/// The way of an event to its plugin. What grew out of an event has that one's actor, with the roles
/// that it had there.
fn route_to(plugin: Name, event: &Event) -> Route {
    let actor = event.actor.as_ref();
    Route {
        plugin,
        view: View::Whole,
        roles: actor.map_or_else(Vec::new, |actor| actor.roles.clone()),
    }
}

pub(super) fn refusal(error: JournalError) -> IntakeError {
    match error {
        JournalError::Closed | JournalError::Fenced => IntakeError::Stopping,
        JournalError::Full(_)
        | JournalError::Failed(_)
        | JournalError::NoDelivery(_)
        | JournalError::NoPast => IntakeError::Paused(error.to_string()),
    }
}
