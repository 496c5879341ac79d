//! A build of a plugin and its live instances: the calls themselves.

use std::collections::BTreeMap;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use wasmtime::Store;

use super::artifact::Artifact;
use super::bindings::Plugin;
use super::bindings::exports::parlor::bot::behaviour::HandleError;
use super::bindings::parlor::bot::actions;
use super::call::{Bounds, Pace, Stay, Stopped};
use super::convert::{action_from_wit, event_to_wit};
use super::engine::Engine;
use super::fair::Permit;
use super::fault::{add_backtrace, fault, fault_of_error, fault_of_stop, places};
use super::guest::{
    Build, CallEnd, Called, Fault, FaultKind, Instance, Spent, TrialBuild, TrialView, Tried,
};
use super::host::log::{LogLevel, LogSink, TracingLog};
use super::host::{DirectoryReads, StateFrom};
use super::notes::Notes;
use super::store::{Outside, PluginShared, Purpose, StoreData, UNKNOWN_SIZE, make_store};
use crate::journal::{Journal, StateDelta};
use crate::model::config::ConfigValue;
use crate::model::delivery::Delivery;
use crate::model::description::Description;
use crate::model::limits::Limits;
use crate::model::{DEFAULT_TENANT, Name};
use crate::net::HttpGrants;

/// The longest text of a refusal or failure that is kept.
const REASON_BYTES: usize = 4 * 1024;

/// What a build is made of.
pub struct PluginParts {
    /// The tenant.
    pub tenant: Name,
    /// The plugin's name in the settings.
    pub name: Name,
    /// Its code.
    pub artifact: Arc<Artifact>,
    /// What it says of itself.
    pub description: Arc<Description>,
    /// Its settings, checked, defaults filled in.
    pub config: BTreeMap<String, ConfigValue>,
    /// What it may request over HTTP.
    pub http_grants: HttpGrants,
    /// What it may use.
    pub limits: Limits,
    /// Where its state lies.
    pub journal: Arc<dyn Journal>,
    /// Who answers its reads.
    pub reads: Arc<dyn DirectoryReads>,
    /// Where its lines go.
    pub log: Arc<dyn LogSink>,
}

/// One build of a plugin with its settings.
pub struct PluginBuild {
    core: Arc<Core>,
    description: Arc<Description>,
}

struct Core {
    engine: Engine,
    artifact: Arc<Artifact>,
    shared: Arc<PluginShared>,
    pace: Pace,
    bounds: Bounds,
    /// Its calls run behind those that serve.
    is_trial: bool,
}

impl PluginBuild {
    /// Makes a build.
    pub fn new(engine: &Engine, parts: PluginParts) -> Self {
        let shared = PluginShared {
            tenant: parts.tenant,
            name: parts.name,
            config: parts.config,
            grants: Arc::new(parts.http_grants),
            limits: parts.limits,
            outside: Some(Outside {
                state: StateFrom::Journal(parts.journal),
                directory: parts.reads,
            }),
            log: parts.log,
            state_size: AtomicU64::new(UNKNOWN_SIZE),
        };
        Self {
            description: parts.description,
            core: Arc::new(Core::new(engine, parts.artifact, shared)),
        }
    }

    /// Makes an instance and lets it go: a build that cannot start is refused before it serves.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn probe(&self) -> Result<(), Fault> {
        // Without a place among the instances: where all are taken, a swap must not wait for one.
        start(&self.core, Purpose::Serve).await.map(drop)
    }

    /// What it says of itself.
    pub fn description(&self) -> &Arc<Description> {
        &self.description
    }

    /// Its code.
    pub fn artifact(&self) -> &Arc<Artifact> {
        &self.core.artifact
    }

    /// What it may use.
    pub fn limits(&self) -> &Limits {
        &self.core.shared.limits
    }
}

#[async_trait]
impl Build for PluginBuild {
    async fn instantiate(&self) -> Result<Box<dyn Instance>, Fault> {
        let core = &self.core;
        let gate = &core.engine.inner.instances;
        let permit = gate.acquire(&core.shared.tenant, &core.shared.name).await;
        let (store, plugin) = start(core, Purpose::Serve).await?;
        Ok(Box::new(PluginInstance {
            live: Box::new(Live {
                store,
                plugin,
                _permit: permit,
            }),
            core: core.clone(),
        }))
    }
}

#[async_trait]
impl TrialBuild for PluginBuild {
    async fn try_out(&self, delivery: Delivery, view: TrialView) -> Tried {
        let now = view.now;
        let core = Arc::new(self.core.on_trial(view));
        let gate = &core.engine.inner.trials;
        let permit = gate.acquire(&core.shared.tenant, &core.shared.name).await;
        let (store, plugin) = match start(&core, Purpose::Trial(now)).await {
            Ok(started) => started,
            Err(fault) => {
                return Tried {
                    end: CallEnd::Fault(fault),
                    state: StateDelta::default(),
                };
            }
        };
        let instance = PluginInstance {
            live: Box::new(Live {
                store,
                plugin,
                _permit: permit,
            }),
            core,
        };
        let called = instance.call(delivery, None).await;
        Tried {
            end: called.end,
            state: called.state,
        }
    }
}

impl Core {
    fn new(engine: &Engine, artifact: Arc<Artifact>, shared: PluginShared) -> Self {
        Self {
            engine: engine.clone(),
            artifact,
            bounds: Bounds {
                cpu: Duration::from_millis(u64::from(shared.limits.cpu_ms)),
                deadline: Duration::from_millis(u64::from(shared.limits.deadline_ms)),
            },
            shared: Arc::new(shared),
            pace: Pace::new(),
            is_trial: false,
        }
    }

    /// The same build for one call on trial.
    fn on_trial(&self, view: TrialView) -> Self {
        let serving = &self.shared;
        let shared = PluginShared {
            tenant: serving.tenant.clone(),
            name: serving.name.clone(),
            config: serving.config.clone(),
            grants: serving.grants.clone(),
            limits: serving.limits.clone(),
            outside: Some(Outside {
                state: StateFrom::Trial(view.state),
                directory: view.directory,
            }),
            log: serving.log.clone(),
            state_size: AtomicU64::new(UNKNOWN_SIZE),
        };
        Self {
            is_trial: true,
            ..Self::new(&self.engine, self.artifact.clone(), shared)
        }
    }

    /// Adds to a fault in which functions it was, and in which lines where its build has them.
    async fn add_frames(&self, fault: &mut Fault, error: &wasmtime::Error) {
        let places = places(error);
        let lines = match &self.artifact.lines {
            Some(lines) if !places.is_empty() => lines.of(&places).await,
            _ => Arc::from(Vec::new()),
        };
        add_backtrace(fault, error, &lines);
    }

    /// Runs a stay in the guest where it belongs: on this worker, or on the slow pool.
    async fn run<T: Send + 'static>(&self, stay: Stay<T>) -> Result<T, Stopped> {
        if self.is_trial || self.pace.begins_slow() {
            return self.run_slow(stay).await;
        }
        let stay = {
            let mut stay = Some(stay);
            let ended = poll_fn(|cx| {
                let Some(inside) = &mut stay else {
                    return Poll::Ready(None);
                };
                match pin!(&mut *inside).poll(cx) {
                    Poll::Ready(end) => Poll::Ready(Some(end)),
                    // It goes with all it has; the pool polls it at once and gives it a new waker.
                    Poll::Pending if inside.is_heavy() => Poll::Ready(None),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await;
            if let Some(end) = ended {
                return end;
            }
            stay
        };
        self.pace.was_handed_over();
        match stay {
            Some(stay) => self.run_slow(stay).await,
            None => Err(Stopped::Lost),
        }
    }

    async fn run_slow<T: Send + 'static>(&self, stay: Stay<T>) -> Result<T, Stopped> {
        stay.go_slow();
        let inner = &self.engine.inner;
        let pool = if self.is_trial {
            &inner.trial_pool
        } else {
            &inner.slow
        };
        let end = pool.run(&self.shared.tenant, &self.shared.name, stay).await;
        end.unwrap_or(Err(Stopped::Lost))
    }
}

/// Makes a store with an instance in it, under the plugin's limits.
async fn start(core: &Arc<Core>, purpose: Purpose) -> Result<(Store<StoreData>, Plugin), Fault> {
    let inner = &core.engine.inner;
    let shared = &core.shared;
    // Those on trial have places of their own.
    let _call = match core.is_trial {
        true => None,
        false => Some(inner.calls.acquire(&shared.tenant, &shared.name).await),
    };
    let mut store = make_store(
        &inner.wasm,
        shared,
        &inner.egress,
        &inner.memory,
        purpose,
        inner.config.world.as_ref(),
    );
    let clock = store.data().clock.clone();
    let artifact = core.artifact.clone();
    let stay = Stay::new(
        Box::pin(async move {
            let made = artifact.pre.instantiate_async(&mut store).await;
            (store, made)
        }),
        clock,
        core.bounds,
        inner.ticker.enter(),
    );
    match core.run(stay).await {
        Ok((store, Ok(plugin))) => Ok((store, plugin)),
        Ok((store, Err(error))) => {
            let data = store.data();
            let words = data.log.end_call();
            let refused = data.limiter.refused();
            let limits = &shared.limits;
            let mut fault = fault_of_error(&error, refused, limits, words.as_deref());
            core.add_frames(&mut fault, &error).await;
            if fault.kind == FaultKind::Trap {
                fault.kind = FaultKind::Start;
            }
            Err(fault)
        }
        Err(stopped) => Err(fault_of_stop(stopped, &core.bounds)),
    }
}

/// A live copy of a plugin.
struct PluginInstance {
    live: Box<Live>,
    core: Arc<Core>,
}

struct Live {
    store: Store<StoreData>,
    plugin: Plugin,
    _permit: Permit,
}

type Handled = wasmtime::Result<Result<Vec<actions::Action>, HandleError>>;

#[async_trait]
impl Instance for PluginInstance {
    async fn handle(self: Box<Self>, delivery: Delivery) -> Called {
        self.serve(delivery, None).await
    }

    async fn handle_noted(self: Box<Self>, delivery: Delivery, notes: Arc<Notes>) -> Called {
        self.serve(delivery, Some(notes)).await
    }
}

impl PluginInstance {
    async fn serve(self, delivery: Delivery, notes: Option<Arc<Notes>>) -> Called {
        let core = &self.core;
        let gate = &core.engine.inner.calls;
        let _permit = match gate.try_acquire() {
            Some(permit) => permit,
            None => gate.acquire(&core.shared.tenant, &core.shared.name).await,
        };
        if let Some(world) = &core.engine.inner.config.world {
            world.called(&delivery);
        }
        self.call(delivery, notes).await
    }

    async fn call(self, delivery: Delivery, notes: Option<Arc<Notes>>) -> Called {
        let Self { mut live, core } = self;
        let inner = &core.engine.inner;
        let clock = live.store.data().clock.clone();
        let (used, inside) = (clock.clone(), core.clone());
        let stay = Stay::new(
            Box::pin(async move {
                let event = event_to_wit(&delivery);
                let data = live.store.data_mut();
                data.log.begin_call(&delivery.event, notes.as_ref());
                data.door.begin_call(notes.as_ref());
                data.event = Some(delivery.event);
                data.notes = notes;
                live.store.set_epoch_deadline(1);
                let behaviour = live.plugin.parlor_bot_behaviour();
                let handled: Handled = behaviour.call_handle(&mut live.store, &event).await;
                // Here, so that an instance that is given up is taken apart where its call ended: giving
                // back its memory takes as long as the guest made it take.
                end_call(live, inside, handled)
            }),
            clock,
            core.bounds,
            inner.ticker.enter(),
        );
        let ended = core.run(stay).await;
        let (mut called, error) = ended.unwrap_or_else(|stopped| {
            // The store went with the call.
            let called = Called {
                end: CallEnd::Fault(fault_of_stop(stopped, &core.bounds)),
                state: StateDelta::default(),
                spent: Spent::default(),
                instance: None,
            };
            (called, None)
        });
        called.spent.cpu = used.used();
        // Outside of the call: looking for lines is no time of the guest's.
        if let (CallEnd::Fault(fault), Some(error)) = (&mut called.end, error) {
            core.add_frames(fault, &error).await;
        }
        match &called.end {
            CallEnd::Fault(fault) if fault.kind != FaultKind::Failed => core.pace.was_stopped(),
            _ if !used.is_slow() => core.pace.was_quick(),
            _ => {}
        }
        called
    }
}

/// What a call came to, with what ended it where that was no answer.
fn end_call(
    mut live: Box<Live>,
    core: Arc<Core>,
    handled: Handled,
) -> (Called, Option<wasmtime::Error>) {
    let limits = &core.shared.limits;
    let data = live.store.data_mut();
    data.event = None;
    data.notes = None;
    let words = data.log.end_call();
    let state = std::mem::take(&mut data.state).finish();
    let refused = data.limiter.refused();
    let has_open = data.door.has_open();
    let spent = Spent {
        memory_bytes: Some(data.limiter.memory()),
        http_requests: data.door.requests(),
        ..Spent::default()
    };
    let mut trapped = None;
    let end = match handled {
        Err(error) => {
            let fault = fault_of_error(&error, refused, limits, words.as_deref());
            trapped = Some(error);
            CallEnd::Fault(fault)
        }
        Ok(Ok(actions)) if actions.len() > limits.actions as usize => {
            let text = format!(
                "returned {} actions; at most {} are taken",
                actions.len(),
                limits.actions
            );
            CallEnd::Fault(fault(FaultKind::Limit, text))
        }
        Ok(Ok(actions)) => CallEnd::Done(actions.into_iter().map(action_from_wit).collect()),
        Ok(Err(HandleError::Retry(after))) => CallEnd::Retry(after),
        Ok(Err(HandleError::Refused(text))) => CallEnd::Refused(bounded(text)),
        Ok(Err(HandleError::Failed(text))) => {
            CallEnd::Fault(fault(FaultKind::Failed, bounded(text)))
        }
    };
    // After an error the guest's memory may hold half of what it meant to do.
    let is_clean = matches!(end, CallEnd::Done(_) | CallEnd::Refused(_));
    if is_clean && has_open {
        data.log.note(
            LogLevel::Warn,
            "a request was left open; it was aborted and the instance replaced",
        );
    }
    let instance: Option<Box<dyn Instance>> = if is_clean && !has_open {
        Some(Box::new(PluginInstance { live, core }))
    } else {
        None
    };
    let called = Called {
        end,
        state,
        spent,
        instance,
    };
    (called, trapped)
}

fn bounded(mut text: String) -> String {
    if text.len() > REASON_BYTES {
        let mut end = REASON_BYTES;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Asks a fresh instance what it is, where nothing but the artifact can be told.
pub(super) async fn ask_description(
    engine: &Engine,
    artifact: Arc<Artifact>,
    limits: Limits,
) -> Result<Description, Fault> {
    let shared = PluginShared {
        tenant: DEFAULT_TENANT.into(),
        name: artifact.hash.to_string().into(),
        config: BTreeMap::new(),
        grants: Arc::new(HttpGrants::default()),
        limits,
        outside: None,
        log: Arc::new(TracingLog),
        state_size: AtomicU64::new(UNKNOWN_SIZE),
    };
    let core = Arc::new(Core::new(engine, artifact, shared));
    let (mut store, plugin) = start(&core, Purpose::Describe).await?;
    let inner = &engine.inner;
    let clock = store.data().clock.clone();
    let stay = Stay::new(
        Box::pin(async move {
            store.set_epoch_deadline(1);
            let behaviour = plugin.parlor_bot_behaviour();
            let said = behaviour.call_describe(&mut store).await;
            (store, said)
        }),
        clock,
        core.bounds,
        inner.ticker.enter(),
    );
    match core.run(stay).await {
        Ok((_, Ok(said))) => Ok(super::convert::description_from_wit(said)),
        Ok((store, Err(error))) => {
            let data = store.data();
            let words = data.log.end_call();
            let refused = data.limiter.refused();
            let limits = &core.shared.limits;
            let mut fault = fault_of_error(&error, refused, limits, words.as_deref());
            core.add_frames(&mut fault, &error).await;
            Err(fault)
        }
        Err(stopped) => Err(fault_of_stop(stopped, &core.bounds)),
    }
}
