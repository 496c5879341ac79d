//! Answers what plugins ask of platforms: grants first, then a short memory, then the connector.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};

use crate::mailbox::{Connectors, Read, ReadAnswer};
use crate::model::Name;
use crate::model::directory::ReadError;
use crate::model::event::Event;
use crate::model::payload::EventPayload;
use crate::runtime::DirectoryReads;

/// How long an answer is given again; the contract states it.
const KEEP: Duration = Duration::from_secs(60);
/// Answers kept. Beyond this all are forgotten: they are a convenience, not a store.
const MAX_KEPT: usize = 10_000;

type Key = (Name, String, Read);

/// Answers reads.
pub struct Reads {
    connectors: Arc<dyn Connectors>,
    grants: RwLock<BTreeMap<Name, BTreeSet<String>>>,
    kept: Mutex<HashMap<Key, (Instant, ReadAnswer)>>,
}

impl Reads {
    /// Makes the one that asks these connectors.
    pub fn new(connectors: Arc<dyn Connectors>) -> Self {
        Self {
            connectors,
            grants: RwLock::default(),
            kept: Mutex::default(),
        }
    }

    /// Sets what a plugin may read beyond its event's own conversation.
    pub fn set_grants(&self, plugin: &Name, grants: &[String]) {
        let grants = grants.iter().cloned().collect();
        self.grants.write().insert(plugin.clone(), grants);
    }

    fn may(&self, plugin: &Name, event: &Event, bot: &str, read: &Read) -> bool {
        let own_bot = event.bot.as_ref().is_some_and(|own| own.name == bot);
        let here = event.conversation.as_ref().map(|c| c.id.as_str());
        let own_place = |conversation: &str| own_bot && here == Some(conversation);
        let free = match read {
            Read::Members { conversation, .. }
            | Read::Capabilities { conversation }
            | Read::TransferTargets { conversation } => own_place(conversation),
            Read::Attachment { id, .. } => own_bot && has_attachment(event, id),
            _ => false,
        };
        let granted = |name: &str| {
            let grants = self.grants.read();
            grants.get(plugin).is_some_and(|names| names.contains(name))
        };
        free || granted(name_of(read))
    }
}

#[async_trait]
impl DirectoryReads for Reads {
    async fn read(
        &self,
        tenant: &Name,
        plugin: &Name,
        event: &Arc<Event>,
        bot: Option<&str>,
        read: Read,
    ) -> Result<ReadAnswer, ReadError> {
        let bot = match (bot, &event.bot) {
            (Some(bot), _) => bot.to_owned(),
            (None, Some(bot)) => bot.name.clone(),
            (None, None) => return Err(ReadError::NotFound),
        };
        if !self.may(plugin, event, &bot, &read) {
            return Err(ReadError::Denied);
        }
        let connector = self
            .connectors
            .connector(tenant, &bot)
            .ok_or(ReadError::NotFound)?;
        let key = (tenant.clone(), bot, read.clone());
        if let Some((at, answer)) = self.kept.lock().get(&key)
            && at.elapsed() < KEEP
        {
            return Ok(answer.clone());
        }
        let answer = connector.read(read).await?;
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
