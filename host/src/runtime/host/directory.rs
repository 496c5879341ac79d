//! The import `directory`: reads go to who knows the connectors; here they only change shape.

use std::sync::Arc;

use async_trait::async_trait;

use crate::mailbox::{Read, ReadAnswer, ReadRequest};
use crate::model::Name;
use crate::model::directory::ReadError;
use crate::model::event::Event;
use crate::runtime::bindings::parlor::bot::directory as wit;
use crate::runtime::bindings::parlor::bot::{content, events};
use crate::runtime::convert::{
    capabilities_to_wit, chunk_to_wit, contact_status_to_wit, conversation_page_to_wit,
    conversation_to_wit, past_message_to_wit, presence_status_to_wit, read_error_to_wit,
    transfer_option_to_wit, user_page_to_wit, user_to_wit,
};
use crate::runtime::store::StoreData;

/// Answers the reads of plugins: checks grants, paces, caches, asks the connector.
#[async_trait]
pub trait DirectoryReads: Send + Sync {
    /// Answers one read, asked while `event` is handled.
    ///
    /// # Errors
    /// [`ReadError`] as the plugin hears it.
    async fn read(
        &self,
        tenant: &Name,
        plugin: &Name,
        event: &Arc<Event>,
        request: ReadRequest,
    ) -> Result<ReadAnswer, ReadError>;
}

/// Asks nobody: every read fails like this.
pub struct NoReads(pub ReadError);

#[async_trait]
impl DirectoryReads for NoReads {
    async fn read(
        &self,
        _tenant: &Name,
        _plugin: &Name,
        _event: &Arc<Event>,
        _request: ReadRequest,
    ) -> Result<ReadAnswer, ReadError> {
        Err(self.0.clone())
    }
}

impl StoreData {
    async fn read(&mut self, bot: Option<String>, read: Read) -> Answer<ReadAnswer> {
        self.read_as(bot, None, read).await
    }

    async fn read_as(
        &mut self,
        bot: Option<String>,
        as_user: Option<String>,
        read: Read,
    ) -> Answer<ReadAnswer> {
        let event = self.call_event()?;
        let plugin = self.plugin.clone();
        let request = ReadRequest { bot, as_user, read };
        let asked = self
            .notes
            .as_ref()
            .map(|notes| (notes.clone(), request.clone()));
        let answer = self
            .outside()?
            .directory
            .read(&plugin.tenant, &plugin.name, &event, request)
            .await;
        if let Some((notes, request)) = asked {
            notes.note_read(request, &answer);
        }
        Ok(answer.map_err(|error| read_error_to_wit(&error)))
    }
}

/// Takes the case that belongs to the question out of an answer.
macro_rules! expect_answer {
    ($answer:expr, $case:ident, $convert:expr) => {
        Ok(match $answer? {
            Ok(ReadAnswer::$case(value)) => Ok($convert(&value)),
            Ok(_) => Err(wit::ReadError::Failed("answer of another kind".to_owned())),
            Err(error) => Err(error),
        })
    };
}

type Answer<T> = wasmtime::Result<Result<T, wit::ReadError>>;

impl wit::Host for StoreData {
    async fn find_conversation(
        &mut self,
        bot: String,
        name: String,
    ) -> Answer<events::Conversation> {
        let answer = self.read(Some(bot), Read::FindConversation { name }).await;
        expect_answer!(answer, Conversation, conversation_to_wit)
    }

    async fn conversations(
        &mut self,
        bot: String,
        cursor: Option<String>,
        as_user: Option<String>,
    ) -> Answer<wit::ConversationPage> {
        let read = Read::Conversations { cursor };
        let answer = self.read_as(Some(bot), as_user, read).await;
        expect_answer!(answer, Conversations, conversation_page_to_wit)
    }

    async fn members(
        &mut self,
        conversation: String,
        cursor: Option<String>,
    ) -> Answer<wit::UserPage> {
        let read = Read::Members {
            conversation,
            cursor,
        };
        let answer = self.read(None, read).await;
        expect_answer!(answer, Members, user_page_to_wit)
    }

    async fn find_user(&mut self, bot: String, name: String) -> Answer<events::User> {
        let answer = self.read(Some(bot), Read::FindUser { name }).await;
        expect_answer!(answer, User, user_to_wit)
    }

    async fn contact(
        &mut self,
        user: String,
        as_user: Option<String>,
    ) -> Answer<wit::ContactStatus> {
        let answer = self.read_as(None, as_user, Read::Contact { user }).await;
        expect_answer!(answer, Contact, contact_status_to_wit)
    }

    async fn presence(
        &mut self,
        user: String,
        as_user: Option<String>,
    ) -> Answer<events::PresenceStatus> {
        let answer = self.read_as(None, as_user, Read::Presence { user }).await;
        expect_answer!(answer, Presence, presence_status_to_wit)
    }

    async fn message(&mut self, id: String) -> Answer<wit::PastMessage> {
        let answer = self.read(None, Read::Message { id }).await;
        expect_answer!(answer, Message, past_message_to_wit)
    }

    async fn history(
        &mut self,
        conversation: String,
        before: Option<content::Timestamp>,
        count: u32,
    ) -> Answer<Vec<wit::PastMessage>> {
        let read = Read::History {
            conversation,
            before,
            count,
        };
        let answer = self.read(None, read).await;
        expect_answer!(answer, History, |messages: &Vec<_>| {
            messages.iter().map(past_message_to_wit).collect()
        })
    }

    async fn attachment(&mut self, id: String, offset: u64) -> Answer<wit::Chunk> {
        let answer = self.read(None, Read::Attachment { id, offset }).await;
        expect_answer!(answer, Attachment, chunk_to_wit)
    }

    async fn transfer_targets(&mut self, conversation: String) -> Answer<Vec<wit::TransferOption>> {
        let answer = self
            .read(None, Read::TransferTargets { conversation })
            .await;
        expect_answer!(answer, TransferTargets, |options: &Vec<_>| {
            options.iter().map(transfer_option_to_wit).collect()
        })
    }

    async fn capabilities(
        &mut self,
        conversation: String,
    ) -> Answer<wit::ConversationCapabilities> {
        let answer = self.read(None, Read::Capabilities { conversation }).await;
        expect_answer!(answer, Capabilities, capabilities_to_wit)
    }
}
