//! What the platform tells its bots.

use serde_json::{Value, json};

use super::LiveChatConnector;
use super::convert::{conversation_of, message_from_wire, user_from_wire, user_of_id};
use super::dialect::{By, Call, get_chat};
use super::ids::ChatId;
use super::licence::Licence;
use super::render::MAX_TEXT_BYTES;
use super::send::FILE_BYTES;
use super::site::ApiError;
use super::wire::{Chat, WireEvent, WireUser, list, text};
use crate::mailbox::{Read, ReadAnswer};
use crate::model::Timestamp;
use crate::model::directory::{
    Chunk, ConversationCapabilities, ConversationPage, PastMessage, ReadError, TransferOption,
    UserPage,
};
use crate::model::event::{Conversation, User};
use crate::model::payload::{EventPayload, PresenceStatus};

/// Chats of one page.
const PAGE: usize = 50;
/// Bytes of one chunk of a file.
const CHUNK: usize = 1024 * 1024;
/// Threads that are looked through for what was said before.
const THREADS: usize = 20;
/// Messages a minute that nobody has complained of; the platform tells no number.
const RATE: u32 = 60;

impl LiveChatConnector {
    /// Answers a read.
    pub(super) async fn answer(&self, read: Read) -> Result<ReadAnswer, ReadError> {
        match read {
            Read::FindConversation { name } => self.find_conversation(&name).await,
            Read::Conversations { cursor } => self.conversations(cursor.as_deref()).await,
            Read::Members { conversation, .. } => self.members(&conversation).await,
            Read::FindUser { name } => self.find_user(&name).await,
            Read::Contact { .. } => Err(ReadError::Unsupported),
            Read::Presence { user } => self.presence(&user).await,
            Read::Message { id } => {
                let (event, chat) = self.event(&id).await.map_err(no)?;
                let past = self.past(&event, &chat).ok_or(ReadError::NotFound)?;
                Ok(ReadAnswer::Message(past))
            }
            Read::History {
                conversation,
                before,
                count,
            } => self.history(&conversation, before, count).await,
            Read::Attachment { id, offset } => {
                let bytes = self.received(&id).await.map_err(no)?;
                let total = bytes.len();
                let start = usize::try_from(offset).map_or(total, |offset| offset.min(total));
                let end = total.min(start + CHUNK);
                Ok(ReadAnswer::Attachment(Chunk {
                    bytes: bytes[start..end].to_vec(),
                    total: total as u64,
                }))
            }
            Read::TransferTargets { conversation } => self.targets(&conversation).await,
            Read::Capabilities { .. } => {
                let version = self.0.config.version;
                Ok(ReadAnswer::Capabilities(ConversationCapabilities {
                    edit: false,
                    forms: false,
                    threads: false,
                    visibility: true,
                    message_bytes: MAX_TEXT_BYTES as u64,
                    file_bytes: FILE_BYTES as u64,
                    rate: match version.is_chatio() {
                        true => RATE / 2,
                        false => RATE,
                    },
                }))
            }
        }
    }

    /// A chat by its id or by the customer's name or e-mail address, of those that are open.
    async fn find_conversation(&self, name: &str) -> Result<ReadAnswer, ReadError> {
        if let Some((licence, chat)) = self.0.place(name) {
            let (_, known) = self.ask_chat(&licence, &chat).await?;
            return Ok(ReadAnswer::Conversation(conversation_of(&chat, &known)));
        }
        let mut cursor = None;
        for _ in 0..10 {
            let page = self.page(cursor.as_deref()).await?;
            let same = |place: &Conversation, chat: &Chat| {
                let email = chat.customer().and_then(|it| it.email.as_deref());
                place.name.as_deref() == Some(name) || email == Some(name)
            };
            let found = page.0.into_iter().find(|(place, chat)| same(place, chat));
            if let Some((place, _)) = found {
                return Ok(ReadAnswer::Conversation(place));
            }
            cursor = page.1;
            if cursor.is_none() {
                break;
            }
        }
        Err(ReadError::NotFound)
    }

    async fn conversations(&self, cursor: Option<&str>) -> Result<ReadAnswer, ReadError> {
        let (chats, next) = self.page(cursor).await?;
        Ok(ReadAnswer::Conversations(ConversationPage {
            items: chats.into_iter().map(|(place, _)| place).collect(),
            next,
        }))
    }

    /// A page of the chats that are open, licence after licence: behind the licence stands the
    /// platform's own cursor.
    async fn page(
        &self,
        cursor: Option<&str>,
    ) -> Result<(Vec<(Conversation, Chat)>, Option<String>), ReadError> {
        let (id, page) = match cursor.map(|cursor| cursor.split_once(' ').unwrap_or((cursor, ""))) {
            Some((id, page)) => (Some(id), page),
            None => (None, ""),
        };
        let licences = self.0.licences();
        let place = match id {
            None => 0,
            Some(id) => licences
                .iter()
                .position(|licence| licence.id == id)
                .ok_or(ReadError::NotFound)?,
        };
        let Some(licence) = licences.get(place) else {
            return Ok((Vec::new(), None));
        };
        if self.0.config.version.is_chatio() {
            return Err(ReadError::Unsupported);
        }
        let body = match page {
            "" => json!({"filters": {"active": true}, "limit": PAGE}),
            page => json!({"page_id": page}),
        };
        let call = Call::agent("list_chats", By::Owner, body);
        let answer = self.0.ask(licence, &call).await.map_err(no)?;
        let names = ["chats_summary", "chats_info"];
        let found = names.iter().flat_map(|name| list(&answer, name));
        let bot = self.0.bot_on(&licence.id).user_id;
        let chats = found.filter_map(Chat::read).map(|chat| {
            let id = ChatId::new(&chat.id, &licence.id);
            if !self.0.places.knows(&id) {
                self.0.places.learn_chat(&licence.id, &bot, &chat);
            }
            (conversation_of(&id, &self.0.places.of(&id)), chat)
        });
        let chats = chats.collect();
        let more = text(&answer, "next_page_id").map(|page| format!("{} {page}", licence.id));
        let next = || licences.get(place + 1).map(|licence| licence.id.clone());
        Ok((chats, more.or_else(next)))
    }

    async fn members(&self, conversation: &str) -> Result<ReadAnswer, ReadError> {
        let (licence, chat) = self.0.place(conversation).ok_or(ReadError::NotFound)?;
        let bot = self.0.bot_on(&licence.id);
        let (found, _) = self.ask_chat(&licence, &chat).await?;
        let present = |user: &&WireUser| user.present || user.is_customer();
        let users = found.users.iter().filter(present);
        Ok(ReadAnswer::Members(UserPage {
            items: users.map(|user| user_from_wire(user, &bot)).collect(),
            next: None,
        }))
    }

    async fn ask_chat(
        &self,
        licence: &Licence,
        chat: &ChatId,
    ) -> Result<(Chat, super::places::Known), ReadError> {
        let call = get_chat(self.0.config.version, &chat.chat, None);
        let call = call.ok_or(ReadError::Unsupported)?;
        let answer = self.0.ask(licence, &call).await.map_err(no)?;
        let found = Chat::read(&answer).ok_or(ReadError::NotFound)?;
        let bot = self.0.bot_on(&licence.id).user_id;
        self.0.places.learn_chat(&licence.id, &bot, &found);
        Ok((found, self.0.places.of(chat)))
    }

    /// An agent by e-mail address, which is the id; a customer by id.
    async fn find_user(&self, name: &str) -> Result<ReadAnswer, ReadError> {
        if self.0.config.version.is_chatio() {
            return Err(ReadError::Unsupported);
        }
        for licence in self.0.licences() {
            let bot = self.0.bot_on(&licence.id);
            let call = match name.contains('@') {
                true => Call::configuration("get_agent", json!({"id": name})),
                false => Call::agent("get_customer", By::Owner, json!({"id": name})),
            };
            match self.0.ask(&licence, &call).await {
                Ok(answer) => {
                    let mut user = WireUser::read(&answer).ok_or(ReadError::NotFound)?;
                    let kind = if name.contains('@') {
                        "agent"
                    } else {
                        "customer"
                    };
                    user.kind = kind.to_owned();
                    return Ok(ReadAnswer::User(user_from_wire(&user, &bot)));
                }
                Err(error) if matches!(error.kind(), "not_found" | "validation") => {}
                Err(error) => return Err(no(error)),
            }
        }
        Err(ReadError::NotFound)
    }

    async fn presence(&self, user: &str) -> Result<ReadAnswer, ReadError> {
        if self.0.config.version.is_chatio() {
            return Err(ReadError::Unsupported);
        }
        for licence in self.0.licences() {
            let call = Call::agent("list_routing_statuses", By::Owner, json!({}));
            let answer = self.0.ask(&licence, &call).await.map_err(no)?;
            let found = rows(&answer)
                .iter()
                .find(|row| text(row, "agent_id").as_deref() == Some(user));
            if let Some(status) = found.and_then(|row| text(row, "status")) {
                return Ok(ReadAnswer::Presence(match status.as_str() {
                    "accepting_chats" => PresenceStatus::Available,
                    "not_accepting_chats" => PresenceStatus::Busy,
                    _ => PresenceStatus::Offline,
                }));
            }
        }
        Err(ReadError::NotFound)
    }

    async fn history(
        &self,
        conversation: &str,
        before: Option<Timestamp>,
        count: u32,
    ) -> Result<ReadAnswer, ReadError> {
        let (licence, chat) = self.0.place(conversation).ok_or(ReadError::NotFound)?;
        if self.0.config.version.is_chatio() {
            return Err(ReadError::Unsupported);
        }
        self.0.look_up(&licence, &chat).await;
        let threads = self.threads(&licence, &chat, THREADS, before).await;
        let threads = threads.map_err(no)?;
        let events = threads.iter().flat_map(|thread| thread.events.iter().rev());
        let is_earlier =
            |event: &&WireEvent| before.is_none_or(|before| event.at.is_some_and(|at| at < before));
        let past = events.filter(is_earlier);
        let past = past.filter_map(|event| self.past(event, &chat));
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Ok(ReadAnswer::History(past.take(count).collect()))
    }

    fn past(&self, event: &WireEvent, chat: &ChatId) -> Option<PastMessage> {
        let bot = self.0.bot_on(&chat.licence);
        let known = self.0.places.of(chat);
        let author = event.author.as_deref()?;
        let user = known.user(author);
        let author = user.map_or_else(
            || user_of_id(author, &bot),
            |user| user_from_wire(user, &bot),
        );
        let members: Vec<User> = Vec::new();
        match message_from_wire(&bot, chat, event, &members).payload {
            EventPayload::Message(message) => Some(PastMessage {
                author,
                at: event.at.unwrap_or_default(),
                message,
            }),
            _ => None,
        }
    }

    /// Agents that a chat can be handed to, and groups of which one of them is there.
    async fn targets(&self, conversation: &str) -> Result<ReadAnswer, ReadError> {
        let (licence, chat) = self.0.place(conversation).ok_or(ReadError::NotFound)?;
        if self.0.config.version.is_chatio() {
            return Err(ReadError::Unsupported);
        }
        let body = json!({"chat_id": chat.chat});
        let call = Call::agent("list_agents_for_transfer", By::Owner, body);
        let agents = self.0.ask(&licence, &call).await.map_err(no)?;
        let mut options: Vec<TransferOption> = rows(&agents)
            .iter()
            .filter_map(|agent| text(agent, "agent_id"))
            .map(|id| TransferOption {
                group: false,
                name: id.clone(),
                id,
                available: true,
            })
            .collect();
        let body = json!({"fields": ["routing_status"]});
        let call = Call::configuration("list_groups", body);
        match self.0.ask(&licence, &call).await {
            Ok(groups) => options.extend(rows(&groups).iter().filter_map(|group| {
                let id = text(group, "id")?;
                let status = text(group, "routing_status");
                Some(TransferOption {
                    group: true,
                    name: text(group, "name").unwrap_or_else(|| id.clone()),
                    id,
                    available: status.as_deref() == Some("accepting_chats"),
                })
            })),
            // The right to read groups is one of its own.
            Err(error) if matches!(error.kind(), "authorization" | "missing_access") => {}
            Err(error) => return Err(no(error)),
        }
        Ok(ReadAnswer::TransferTargets(options))
    }
}

fn rows(answer: &Value) -> &[Value] {
    answer.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn no(error: ApiError) -> ReadError {
    error.read_error()
}
