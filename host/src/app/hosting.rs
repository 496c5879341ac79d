//! The way in, where it concerns forms: whose turn it is, who has to be looked up, what is told by
//! itself.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, MutexGuard};

use super::closing;
use super::hearing::{Found, Hearing, Hearings};
use super::intake::{Inbox, refusal};
use crate::content::hosted::Shows;
use crate::journal::Arrival;
use crate::mailbox::{Acceptance, Connectors, IntakeError, Read, ReadAnswer};
use crate::model::event::{ConversationKind, Event, User};
use crate::model::payload::{ButtonPressed, EventPayload, FormSubmitted};
use crate::model::{Name, Timestamp};
use crate::outbox::{HostedSentences, Outbox};
use crate::router::{Routing, Table};

/// Locks that conversations share.
const TURNS: usize = 64;
/// How long all names of one answer may take to be looked up.
const LOOK_UP: Duration = Duration::from_secs(5);
/// Forms that are told of before others get their turn.
const MAX_A_ROUND: usize = 100;

/// What running forms needs of the rest of the host.
#[derive(Default)]
pub(super) struct Hosting {
    connectors: Option<Arc<dyn Connectors>>,
    sentences: Arc<ArcSwap<HostedSentences>>,
    outbox: OnceLock<Weak<Outbox>>,
    turns: Turns,
}

struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Turns {
    async fn take(&self, place: &(Name, &str, &str)) -> MutexGuard<'_, ()> {
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        let number = hasher.hash_one(place) % TURNS as u64;
        self.0[usize::try_from(number).unwrap_or_default()]
            .lock()
            .await
    }
}

impl Hosting {
    /// Makes it with those who know people and conversations.
    pub(super) fn new(
        connectors: Arc<dyn Connectors>,
        sentences: Arc<ArcSwap<HostedSentences>>,
    ) -> Self {
        Self {
            connectors: Some(connectors),
            sentences,
            ..Self::default()
        }
    }

    /// Sets who knows of messages that were sent and are not recorded yet.
    pub(super) fn set_outbox(&self, outbox: &Arc<Outbox>) {
        // Set once, by the one who joins the host.
        let _ = self.outbox.set(Arc::downgrade(outbox));
    }
}

impl Inbox {
    /// Waits where an event may answer a message that was sent a moment ago and is not known yet.
    pub(super) async fn wait_for_opening(&self, tenant: &Name, event: &Event) {
        let Some(bot) = event.bot.as_ref().map(|bot| &bot.name) else {
            return;
        };
        let outbox = self.hosting.outbox.get().and_then(Weak::upgrade);
        let Some(outbox) = outbox.filter(|outbox| outbox.is_opening()) else {
            return;
        };
        match &event.payload {
            EventPayload::FormSubmitted(FormSubmitted { message_id, .. })
            | EventPayload::ButtonPressed(ButtonPressed { message_id, .. }) => {
                let key = (tenant.clone(), bot.as_str().into(), message_id.clone());
                let is_there = || self.forms.has(&key);
                outbox.wait_for_opening(tenant, bot, None, is_there).await;
            }
            EventPayload::Message(_) => {
                let connectors = self.hosting.connectors.as_ref();
                let connector = connectors.and_then(|all| all.connector(tenant, bot));
                // Elsewhere nobody is asked in messages.
                let asks = connector.is_some_and(|found| found.shows() != Shows::ALL);
                let place = event.conversation.as_ref().filter(|_| asks);
                if let Some(place) = place {
                    let place = Some(place.id.as_str());
                    outbox.wait_for_opening(tenant, bot, place, || false).await;
                }
            }
            _ => {}
        }
    }

    /// Takes the turn of a conversation for an event that may concern a form; none where it does not.
    pub(super) async fn hosting_turn(
        &self,
        tenant: &Name,
        event: &Event,
    ) -> Option<MutexGuard<'_, ()>> {
        let bot = event.bot.as_ref()?.name.as_str();
        let conversation = event.conversation.as_ref().map(|place| place.id.as_str());
        let has_place = || {
            let place = conversation.map(|id| (tenant.clone(), bot.into(), id.into()));
            !self.forms.has_no_places() && place.is_some_and(|place| self.forms.has_place(&place))
        };
        let concerns = match &event.payload {
            EventPayload::FormSubmitted(_) | EventPayload::ButtonPressed(_) => true,
            EventPayload::Message(_) | EventPayload::MemberChanged(_) => has_place(),
            EventPayload::MessageDeleted(gone) => {
                let key = (tenant.clone(), bot.into(), gone.message_id.clone());
                self.forms.has(&key)
            }
            _ => false,
        };
        if !concerns {
            return None;
        }
        let place = (tenant.clone(), bot, conversation.unwrap_or_default());
        Some(self.hosting.turns.take(&place).await)
    }

    /// Decides an event that may concern a form. The conversation's turn is held.
    pub(super) async fn hear(
        &self,
        tenant: &Name,
        event: &mut Event,
        table: Option<&Table>,
        routing: Option<&Routing>,
    ) -> Result<Hearing, IntakeError> {
        let kind = event.conversation.as_ref().map(|place| place.kind);
        let bot = event.bot.as_ref().map(|bot| bot.name.clone());
        let connector = match (&self.hosting.connectors, &bot) {
            (Some(connectors), Some(bot)) => connectors.connector(tenant, bot),
            _ => None,
        };
        let mut found = Found::default();
        let sentences = self.hosting.sentences.load_full();
        let hearings = |found| Hearings {
            forms: &self.forms,
            tenant,
            table,
            sentences: &sentences,
            found,
            kind: kind.unwrap_or(ConversationKind::Other),
            shows_forms: connector.as_ref().is_none_or(|found| found.shows().forms),
            now: self.clock.now(),
        };
        let nobody = Found::default();
        let (users, conversations) = hearings(&nobody).names(event);
        if !users.is_empty() || !conversations.is_empty() {
            let looked = self.look_up(tenant, event, users, conversations);
            found = tokio::time::timeout(LOOK_UP, looked)
                .await
                .unwrap_or_else(|_| {
                    tracing::warn!(
                        event = event.id,
                        "names in an answer took too long to look up"
                    );
                    Found::default()
                });
        }
        let hearing = hearings(&found).hear(event, routing);
        if !hearing.changes.is_empty()
            && let Some(outbox) = self.hosting.outbox.get().and_then(Weak::upgrade)
        {
            // The form that changes may be of a message that was sent a moment ago.
            outbox.record().await.map_err(refusal)?;
        }
        Ok(hearing)
    }

    async fn look_up(
        &self,
        tenant: &Name,
        event: &Event,
        users: Vec<String>,
        conversations: Vec<String>,
    ) -> Found {
        let mut found = Found::default();
        let connector = match (&self.hosting.connectors, &event.bot) {
            (Some(connectors), Some(bot)) => connectors.connector(tenant, &bot.name),
            _ => None,
        };
        let Some(connector) = connector else {
            return found;
        };
        let mentions: HashMap<String, &str> = match &event.payload {
            EventPayload::Message(message) => {
                let mentions = message.mentions.iter();
                mentions
                    .map(|mention| (mention.text.to_lowercase(), mention.user_id.as_str()))
                    .collect()
            }
            _ => HashMap::new(),
        };
        for name in users {
            let mentioned = mentions.get(&name.to_lowercase()).copied();
            let read = Read::FindUser {
                name: mentioned.unwrap_or(&name).to_owned(),
            };
            let user = match connector.read(read).await {
                Ok(ReadAnswer::User(user)) => Some(user),
                // Whom a mention names is there, whether or not the platform finds people by id.
                _ => mentioned.map(|id| User {
                    display_name: name.clone(),
                    ..User::of_id(id)
                }),
            };
            if let Some(user) = user {
                found.users.insert(name, user);
            }
        }
        for name in conversations {
            let read = Read::FindConversation { name: name.clone() };
            if let Ok(ReadAnswer::Conversation(place)) = connector.read(read).await {
                found.conversations.insert(name, place.id);
            }
        }
        found
    }

    /// Tells of every form that closes by itself by now.
    ///
    /// # Errors
    /// The journal takes nothing; what is left is told later.
    pub(super) async fn close_due(&self) -> Result<(), IntakeError> {
        for _ in 0..MAX_A_ROUND {
            let Some(key) = self.forms.due(self.clock.now()) else {
                return Ok(());
            };
            let Some(seen) = self.forms.find(&key) else {
                continue;
            };
            let place = (key.0.clone(), &*key.1, &*seen.conversation);
            let _turn = self.hosting.turns.take(&place).await;
            // It may have been answered while the turn was waited for.
            let now = self.clock.now();
            let Some(open) = self.forms.find(&key) else {
                continue;
            };
            let sentences = self.hosting.sentences.load_full();
            match closing::next(&open, &sentences, now) {
                Some(closing) => self.close(&key.0, &open.plugin, closing).await?,
                None if self.forms.due(now).as_ref() == Some(&key) => self.forms.forget(&key),
                None => {}
            }
        }
        // There may be more, and others wait.
        self.forms.wake();
        Ok(())
    }

    async fn close(
        &self,
        tenant: &Name,
        plugin: &Name,
        closing: closing::Closing,
    ) -> Result<(), IntakeError> {
        let closing::Closing {
            key,
            event,
            changes,
            for_plugin,
            says,
        } = closing;
        if let Some(outbox) = self.hosting.outbox.get().and_then(Weak::upgrade) {
            outbox.record().await.map_err(refusal)?;
        }
        let mut routes = Vec::new();
        if let Some(table) = self.table(tenant).filter(|_| for_plugin) {
            routes.extend(table.route_to(plugin, &event));
        }
        if !says.is_empty() {
            routes.push(self.say(says));
        }
        let arrival = Arrival {
            forms: changes.clone(),
            ..self.arrival(tenant.clone(), key, event, routes)
        };
        let (taken, _) = self.store(vec![arrival]).await?;
        if taken.first() == Some(&Acceptance::Duplicate) {
            // Told before a stop, and the view was read before that was known.
            self.forms.apply(tenant, &changes);
        }
        Ok(())
    }

    /// Tells whether something is to be told of a form by now.
    pub(super) fn has_due_forms(&self) -> bool {
        self.forms.due(self.clock.now()).is_some()
    }

    /// Rises with every change of a form.
    pub(super) fn forms_generation(&self) -> u64 {
        self.forms.generation()
    }

    /// When a form closes next by itself.
    pub(super) fn next_closing(&self) -> Option<Timestamp> {
        self.forms.next_due()
    }

    /// Resolves when forms have changed.
    pub(super) async fn forms_changed(&self) {
        self.forms.wait_for_change().await;
    }
}
