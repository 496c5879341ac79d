//! What is called from outside. Webhooks of plugins: their routes follow the settings, the listener is
//! open while there are any, and a call that passed its checks becomes an event of its plugin. Bots
//! that their platforms call are beside them.

mod bots;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::bots::CalledBots;
use super::clock;
use super::intake::{Directed, Inbox, WholeIntake};
use crate::config::{Settings, WebhookSettings, bind};
use crate::journal::EventKey;
use crate::mailbox::calls::{Call, CallAnswer, Called};
use crate::mailbox::{Acceptance, Connectors, IntakeError, Read, ReadAnswer};
use crate::model::Name;
use crate::model::directory::ReadError;
use crate::model::event::{Addressing, Bot, Conversation, ConversationKind, Event, Header};
use crate::model::payload::{EventPayload, WebhookReceived};
use crate::web::{HookCall, HookRoute, HookSink, Ingress, WebhookRow};

/// How long a conversation that was looked up is taken to be the same.
const LOOK_UP_EVERY: Duration = Duration::from_secs(60);
/// How long a platform may take to find a conversation while a sender waits.
const LOOK_UP_WITHIN: Duration = Duration::from_secs(5);
/// How often a listener is tried again that could not be opened.
const OPEN_EVERY: Duration = Duration::from_secs(5);

/// The webhooks of one tenant's plugins.
pub struct Hooks {
    ingress: Arc<Ingress>,
    places: Arc<Places>,
    tenant: Name,
    bots: CalledBots,
    door: Mutex<Door>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// The listener: where it should be, and where it is.
struct Door {
    settings: Arc<Settings>,
    /// Nothing is opened before the host serves.
    may_open: bool,
    has_routes: bool,
    open: Option<OpenDoor>,
    trouble: Option<String>,
    is_retrying: bool,
}

struct OpenDoor {
    /// As the settings have it: port 0 stays 0.
    wanted: SocketAddr,
    bound: SocketAddr,
    stop: CancellationToken,
}

impl Hooks {
    /// Makes webhooks without routes.
    pub(super) fn new(
        tenant: Name,
        settings: Settings,
        inbox: &Arc<Inbox>,
        connectors: Arc<dyn Connectors>,
    ) -> Arc<Self> {
        let places = Arc::new(Places {
            inbox: Arc::downgrade(inbox),
            connectors,
            targets: ArcSwap::default(),
        });
        Arc::new(Self {
            ingress: Arc::new(Ingress::new(places.clone())),
            places,
            tenant,
            bots: CalledBots::default(),
            door: Mutex::new(Door {
                settings: Arc::new(settings),
                may_open: false,
                has_routes: false,
                open: None,
                trouble: None,
                is_retrying: false,
            }),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// The ingress, for its counts.
    pub fn ingress(&self) -> &Arc<Ingress> {
        &self.ingress
    }

    /// Where the listener is, while it is open.
    pub fn address(&self) -> Option<SocketAddr> {
        self.door.lock().open.as_ref().map(|open| open.bound)
    }

    /// Replaces the routes by those of the plugins that serve, and opens or closes the listener.
    pub(super) fn set<'a>(
        self: &Arc<Self>,
        settings: &Arc<Settings>,
        plugins: impl Iterator<Item = (&'a str, &'a BTreeMap<String, WebhookSettings>)>,
    ) {
        let mut routes = Vec::new();
        let mut targets = BTreeMap::new();
        let before = self.places.targets.load();
        for (plugin, webhooks) in plugins {
            for (name, webhook) in webhooks {
                routes.push(HookRoute {
                    tenant: self.tenant.clone(),
                    plugin: plugin.into(),
                    name: name.as_str().into(),
                    config: webhook.check.clone(),
                });
                let key = (Name::from(plugin), Name::from(name.as_str()));
                let target = match before.get(&key) {
                    Some(old) if old.names(webhook) => old.clone(),
                    _ => Arc::new(Target::new(webhook)),
                };
                targets.insert(key, target);
            }
        }
        let has_routes = !routes.is_empty();
        self.places.targets.store(Arc::new(targets));
        self.ingress.set_routes(routes);
        let mut door = self.door.lock();
        door.settings = settings.clone();
        door.has_routes = has_routes;
        self.adjust(&mut door, None);
    }

    /// Lets the listener open, now and whenever something needs it. `listener` is one that is bound
    /// already, to what the settings say.
    pub fn open(self: &Arc<Self>, listener: Option<TcpListener>) {
        let mut door = self.door.lock();
        door.may_open = true;
        self.adjust(&mut door, listener);
    }

    /// Takes a call as if it had come in and passed every check; `number` tells it from others.
    pub(super) async fn take_checked(
        &self,
        plugin: &str,
        name: &str,
        number: u64,
        body: Vec<u8>,
    ) -> Result<(), IntakeError> {
        let kind = match serde_json::from_slice::<serde::de::IgnoredAny>(&body) {
            Ok(_) => "application/json",
            Err(_) => "text/plain",
        };
        let call = HookCall {
            tenant: self.tenant.clone(),
            plugin: plugin.into(),
            key: EventKey::new(&["checked", plugin, name, &number.to_string()]),
            payload: WebhookReceived {
                name: name.to_owned(),
                delivery_id: None,
                method: "POST".to_owned(),
                headers: vec![Header {
                    name: "content-type".to_owned(),
                    value: kind.to_owned(),
                }],
                body,
            },
        };
        self.places.take(call).await.map(drop)
    }

    /// Takes no more calls; those under way end.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Tells `changed` that counts have changed, at most once a second.
    pub(super) fn follow_counts(self: &Arc<Self>, changed: impl Fn() + Send + 'static) {
        let (ingress, stop) = (self.ingress.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = ingress.counted() => changed(),
                }
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                }
            }
        });
    }

    /// How the webhooks do, by plugin.
    pub(super) fn rows(&self) -> BTreeMap<Name, Vec<WebhookRow>> {
        let status = self.ingress.status();
        let door = self.door.lock();
        let bound = door.open.as_ref().map(|open| open.bound);
        let base = door.settings.http.base_url(bound);
        let mut rows: BTreeMap<Name, Vec<WebhookRow>> = BTreeMap::new();
        for hook in status {
            let refused = hook.refused.into_iter();
            let row = WebhookRow {
                name: hook.name.to_string(),
                url: format!("{base}{}", hook.path),
                verify: hook.verify.to_owned(),
                taken: hook.taken,
                duplicates: hook.duplicates,
                refused: refused
                    .map(|(reason, count)| (reason.to_owned(), count))
                    .collect(),
                last_refusal: hook.last_refusal.map(|(reason, _)| reason.to_owned()),
                last_refused_at: hook.last_refusal.map(|(_, at)| at),
                trouble: door.trouble.clone(),
            };
            rows.entry(hook.plugin).or_default().push(row);
        }
        rows
    }

    /// Opens, moves or closes the listener so that it is as it should be, and tells bots where it is.
    fn adjust(self: &Arc<Self>, door: &mut Door, ready: Option<TcpListener>) {
        self.adjust_door(door, ready);
        self.tell_addresses(door);
    }

    fn adjust_door(self: &Arc<Self>, door: &mut Door, ready: Option<TcpListener>) {
        if !door.may_open || self.stop.is_cancelled() {
            return;
        }
        if !door.has_routes && self.bots.is_empty() {
            door.trouble = None;
            if let Some(open) = door.open.take() {
                open.stop.cancel();
                tracing::info!(address = %open.bound, "nothing is called any more; listener closed");
            }
            return;
        }
        let wanted = door.settings.http.address();
        if door.open.as_ref().is_some_and(|open| open.wanted == wanted) {
            door.trouble = None;
            return;
        }
        // The settings may have changed since it was bound.
        let is_right = |listener: &TcpListener| {
            listener.local_addr().is_ok_and(|bound| {
                bound.ip() == wanted.ip() && (wanted.port() == 0 || bound.port() == wanted.port())
            })
        };
        let opened = match ready.filter(is_right) {
            Some(listener) => Ok(listener),
            None => bind(&door.settings, "http.listen", wanted).map_err(|error| error.to_string()),
        };
        let opened = opened.and_then(|listener| {
            let stop = self.stop.child_token();
            let (bound, serving) = self
                .ingress
                .listen(listener, stop.clone())
                .map_err(|error| error.to_string())?;
            self.tasks.spawn(serving);
            Ok(OpenDoor {
                wanted,
                bound,
                stop,
            })
        });
        match opened {
            Ok(open) => {
                tracing::info!(address = %open.bound, "webhooks are taken");
                door.trouble = None;
                // The new one takes calls before the old one stops.
                if let Some(old) = door.open.replace(open) {
                    old.stop.cancel();
                }
            }
            Err(reason) => {
                tracing::error!(reason, "webhooks cannot be taken");
                door.trouble = Some(reason);
                self.retry(door);
            }
        }
    }

    /// Tries again after a while: whoever has the port may go.
    fn retry(self: &Arc<Self>, door: &mut Door) {
        if std::mem::replace(&mut door.is_retrying, true) {
            return;
        }
        let hooks = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = hooks.stop.cancelled() => return,
                () = tokio::time::sleep(OPEN_EVERY) => {}
            }
            let mut door = hooks.door.lock();
            door.is_retrying = false;
            hooks.adjust(&mut door, None);
        });
    }
}

/// Where the events of a webhook belong.
struct Target {
    bot: Option<String>,
    conversation: Option<String>,
    found: Mutex<Option<(Instant, Conversation)>>,
}

impl Target {
    fn new(webhook: &WebhookSettings) -> Self {
        Self {
            bot: webhook.bot.clone(),
            conversation: webhook.conversation.clone(),
            found: Mutex::default(),
        }
    }

    fn names(&self, webhook: &WebhookSettings) -> bool {
        self.bot == webhook.bot && self.conversation == webhook.conversation
    }
}

/// Makes events of calls.
struct Places {
    inbox: Weak<Inbox>,
    connectors: Arc<dyn Connectors>,
    targets: ArcSwap<BTreeMap<(Name, Name), Arc<Target>>>,
}

impl Places {
    /// The bot and the conversation of a webhook's events.
    async fn place(
        &self,
        tenant: &Name,
        target: &Target,
    ) -> Result<(Option<Bot>, Option<Conversation>), IntakeError> {
        let Some(name) = &target.bot else {
            return Ok((None, None));
        };
        let connector = self
            .connectors
            .connector(tenant, name)
            .ok_or_else(|| IntakeError::Paused(format!("there is no bot {name}")))?;
        let bot = Some(connector.bot());
        let Some(written) = &target.conversation else {
            return Ok((bot, None));
        };
        let known = target.found.lock().clone();
        if let Some((at, conversation)) = &known
            && at.elapsed() < LOOK_UP_EVERY
        {
            return Ok((bot, Some(conversation.clone())));
        }
        let read = connector.read(Read::FindConversation {
            name: written.clone(),
        });
        let answer = tokio::time::timeout(LOOK_UP_WITHIN, read).await;
        let conversation = match (answer, known) {
            (Ok(Ok(ReadAnswer::Conversation(conversation))), _) => {
                *target.found.lock() = Some((Instant::now(), conversation.clone()));
                conversation
            }
            // The platform does not say now; it did before.
            (
                Err(_) | Ok(Err(ReadError::Throttled(_) | ReadError::Failed(_))),
                Some((_, known)),
            ) => known,
            (Err(_) | Ok(Err(ReadError::Throttled(_) | ReadError::Failed(_))), None) => {
                let reason = format!("bot {name} does not find its conversation now");
                return Err(IntakeError::Paused(reason));
            }
            // A platform need not find by id: what is written is one then, and a message to an id
            // that is none fails as `not-found`.
            (Ok(Ok(_) | Err(_)), _) => Conversation {
                id: written.clone(),
                kind: ConversationKind::Other,
                name: None,
                external: false,
                cross_pod: false,
                thread: None,
            },
        };
        Ok((bot, Some(conversation)))
    }
}

#[async_trait]
impl HookSink for Places {
    async fn take(&self, call: HookCall) -> Result<Acceptance, IntakeError> {
        let inbox = self.inbox.upgrade().ok_or(IntakeError::Stopping)?;
        let HookCall {
            tenant,
            plugin,
            key,
            payload,
        } = call;
        let target = {
            let targets = self.targets.load();
            let hook = Name::from(payload.name.as_str());
            targets.get(&(plugin.clone(), hook)).cloned()
        };
        let (bot, conversation) = match target {
            Some(target) => self.place(&tenant, &target).await?,
            // The webhook went while its call was read.
            None => return Err(IntakeError::Paused("the webhook is gone".to_owned())),
        };
        let now = inbox.clock.now();
        let event = Event {
            id: format!("webhook:{plugin}:{}:{}", payload.name, digits(&key)),
            sequence: 0,
            attempt: 1,
            occurred_at: now,
            received_at: now,
            bot,
            conversation,
            actor: None,
            addressing: Addressing::Ambient,
            cause: None,
            depth: 0,
            trace_id: clock::trace_id(),
            extras: Vec::new(),
            raw: None,
            payload: EventPayload::WebhookReceived(payload),
        };
        let directed = Directed {
            tenant,
            plugin,
            key,
            event,
        };
        let own = inbox.clone();
        let taking = async move { own.take_directed(directed).await };
        let (acceptance, durable) = inbox.see_through(taking).await?;
        // Only what is on disk is acknowledged, a repeated call's first one included.
        durable
            .wait()
            .await
            .map_err(|error| IntakeError::Paused(error.to_string()))?;
        Ok(acceptance)
    }

    async fn ring(&self, called: &dyn Called, call: Call) -> CallAnswer {
        match self.inbox.upgrade() {
            Some(inbox) => called.take(call, &WholeIntake(inbox)).await,
            None => CallAnswer::Later,
        }
    }
}

/// A key as hexadecimal digits.
fn digits(key: &EventKey) -> String {
    key.0.iter().map(|byte| format!("{byte:02x}")).collect()
}
