//! Answers what plugins ask of platforms: grants first, then a short memory, then the connector.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};

use crate::mailbox::{Connectors, Read, ReadAnswer, ReadRequest};
use crate::model::Name;
use crate::model::directory::ReadError;
use crate::model::event::Event;
use crate::model::grants::{AS_USER, PluginGrants};
use crate::model::payload::EventPayload;
use crate::outbox::Outbox;
use crate::runtime::DirectoryReads;

/// How long an answer is given again; the contract states it.
const KEEP: Duration = Duration::from_secs(60);
/// Answers kept. Beyond this all are forgotten: they are a convenience, not a store.
const MAX_KEPT: usize = 10_000;

/// Tenant, bot, on whose behalf, what: an answer is for whom it was asked, and for nobody else.
type Key = (Name, Name, Option<String>, Read);

/// Answers reads.
pub struct Reads {
    connectors: Arc<dyn Connectors>,
    outbox: Arc<Outbox>,
    grants: RwLock<BTreeMap<Name, PluginGrants>>,
    /// What each plugin was denied last, for the operator.
    denied: Mutex<BTreeMap<Name, String>>,
    kept: Mutex<HashMap<Key, (Instant, ReadAnswer)>>,
}

impl Reads {
    /// Makes the one that asks these connectors, at the rate that the outbox keeps.
    pub fn new(connectors: Arc<dyn Connectors>, outbox: Arc<Outbox>) -> Self {
        Self {
            connectors,
            outbox,
            grants: RwLock::default(),
            denied: Mutex::default(),
            kept: Mutex::default(),
        }
    }

    /// Sets what a plugin may read beyond its event's own conversation.
    pub fn set_grants(&self, plugin: &Name, grants: PluginGrants) {
        self.grants.write().insert(plugin.clone(), grants);
        self.denied.lock().remove(plugin);
    }

    /// What a plugin was denied last since its settings were read, with the line that is missing.
    pub fn last_denied(&self, plugin: &str) -> Option<String> {
        self.denied.lock().get(plugin).cloned()
    }

    /// Says why a plugin may not read something; none where it may.
    fn refusal(
        &self,
        plugin: &Name,
        event: &Event,
        bot: &str,
        request: &ReadRequest,
    ) -> Option<String> {
        let read = &request.read;
        let grants = self.grants.read();
        let nothing = PluginGrants::default();
        let granted = grants.get(plugin).unwrap_or(&nothing);
        if !granted.covers_bot(bot) {
            return Some(format!(
                "a read is for the bot {bot:?}, which `only.bots` of plugin {plugin} leaves out"
            ));
        }
        let name = name_of(read);
        if !is_free(event, bot, read) && !granted.reads.allows(name) {
            let line = granted.reads.line_with(name);
            return Some(format!("the read \"{name}\" needs a grant: write {line}"));
        }
        if request.as_user.is_some() && !granted.actions.allows(AS_USER) {
            let line = granted.actions.line_with(AS_USER);
            return Some(format!(
                "the read \"{name}\" on behalf of a user needs the grant \"{AS_USER}\": write {line}"
            ));
        }
        None
    }

    /// The bot that a read is for: the one named, the event's, or the only one there is.
    fn bot(&self, tenant: &Name, named: Option<&str>, event: &Event) -> Option<Name> {
        let own = event.bot.as_ref().map(|bot| bot.name.as_str());
        if let Some(bot) = named.or(own) {
            return Some(bot.into());
        }
        let mut bots = self.connectors.bots(tenant);
        bots.pop().filter(|_| bots.is_empty())
    }
}

/// Tells whether a read needs no grant: it is of the event's own place.
fn is_free(event: &Event, bot: &str, read: &Read) -> bool {
    let own_bot = event.bot.as_ref().is_some_and(|own| own.name == bot);
    let here = event.conversation.as_ref().map(|c| c.id.as_str());
    let own_place = |conversation: &str| own_bot && here == Some(conversation);
    match read {
        Read::Members { conversation, .. }
        | Read::Capabilities { conversation }
        | Read::TransferTargets { conversation } => own_place(conversation),
        Read::Attachment { id, .. } => own_bot && has_attachment(event, id),
        _ => false,
    }
}

#[async_trait]
impl DirectoryReads for Reads {
    async fn read(
        &self,
        tenant: &Name,
        plugin: &Name,
        event: &Arc<Event>,
        request: ReadRequest,
    ) -> Result<ReadAnswer, ReadError> {
        let bot = self.bot(tenant, request.bot.as_deref(), event);
        let bot = bot.ok_or(ReadError::NotFound)?;
        if let Some(reason) = self.refusal(plugin, event, &bot, &request) {
            tracing::warn!(plugin = &**plugin, reason, "read denied");
            self.denied.lock().insert(plugin.clone(), reason);
            return Err(ReadError::Denied);
        }
        let connector = self
            .connectors
            .connector(tenant, &bot)
            .ok_or(ReadError::NotFound)?;
        let ReadRequest { as_user, read, .. } = request;
        let key = (tenant.clone(), bot.clone(), as_user.clone(), read.clone());
        if let Some((at, answer)) = self.kept.lock().get(&key)
            && at.elapsed() < KEEP
        {
            return Ok(answer.clone());
        }
        if let Some(wait) = self.outbox.charge(tenant, &bot) {
            let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            return Err(ReadError::Throttled(ms.max(1)));
        }
        let answer = match as_user {
            None => connector.read(read).await?,
            Some(user) => connector.read_as(&user, read).await?,
        };
        if keeps(&answer) {
            let mut kept = self.kept.lock();
            if kept.len() >= MAX_KEPT {
                kept.clear();
            }
            kept.insert(key, (Instant::now(), answer.clone()));
        }
        Ok(answer)
    }
}

/// What changes with every message is asked anew; so are bytes, which are large.
fn keeps(answer: &ReadAnswer) -> bool {
    !matches!(
        answer,
        ReadAnswer::History(_)
            | ReadAnswer::Message(_)
            | ReadAnswer::Attachment(_)
            | ReadAnswer::Presence(_)
    )
}

fn has_attachment(event: &Event, id: &str) -> bool {
    match &event.payload {
        EventPayload::Message(message) => message.attachments.iter().any(|file| file.id == id),
        EventPayload::MessageEdited(edited) => {
            let files = &edited.message.attachments;
            files.iter().any(|file| file.id == id)
        }
        _ => false,
    }
}

/// The name of a read in the contract and in `grants.reads`.
fn name_of(read: &Read) -> &'static str {
    match read {
        Read::FindConversation { .. } => "find-conversation",
        Read::Conversations { .. } => "conversations",
        Read::Members { .. } => "members",
        Read::FindUser { .. } => "find-user",
        Read::Contact { .. } => "contact",
        Read::Presence { .. } => "presence",
        Read::Message { .. } => "message",
        Read::History { .. } => "history",
        Read::Attachment { .. } => "attachment",
        Read::TransferTargets { .. } => "transfer-targets",
        Read::Capabilities { .. } => "capabilities",
    }
}
