//! What the platform tells its bots.

use http::StatusCode;
use serde_json::{Value, json};

use super::SymphonyConnector;
use super::api::ApiError;
use super::convert::{message_from_wire, user_from_wire};
use super::ids::id_from_wire;
use super::site::Call;
use super::wire::event::V4Message;
use super::wire::rest::{
    Connection, Member, PodUser, Presence, RoomDetail, RoomsFound, StreamListed, Users,
};
use crate::mailbox::{Read, ReadAnswer, SendError};
use crate::model::directory::{
    Chunk, ContactStatus, ConversationCapabilities, ConversationPage, PastMessage, ReadError,
    UserPage,
};
use crate::model::event::{Conversation, ConversationKind, ConversationRole, User, UserKind};
use crate::model::payload::{ActionError, PresenceStatus};

/// Conversations or members of one page.
const PAGE: usize = 50;
/// Pages of a search for rooms that are read.
const SEARCHED: usize = 20;
/// Users that one lookup takes (symphony.md §7).
const LOOKUP: usize = 100;
/// Bytes of one chunk of a file.
const CHUNK: usize = 1024 * 1024;
/// Bytes of a file that is read at all.
const FILE_BYTES: usize = super::send::FILES_BYTES;
/// Bytes of a message with its data (symphony.md §5.2).
const MESSAGE_BYTES: u64 = 1_500_000;
/// Messages a minute in one conversation that are recommended.
const RATE: u32 = 120;

impl SymphonyConnector {
    /// Answers a read.
    pub(super) async fn answer(&self, read: Read) -> Result<ReadAnswer, ReadError> {
        match read {
            Read::FindConversation { name } => self.find_conversation(&name).await,
            Read::Conversations { cursor } => self.conversations(None, cursor.as_deref()).await,
            Read::Members {
                conversation,
                cursor,
            } => self.members(&conversation, cursor.as_deref()).await,
            Read::FindUser { name } => Ok(ReadAnswer::User(self.find_user(&name).await?)),
            Read::Contact { user } => self.contact_of(None, &user).await,
            Read::Presence { user } => self.presence_of(None, &user).await,
            Read::Message { id } => {
                let id = id_from_wire(&id);
                let call = Call::get(&["agent", "v1", "message", &id]);
                let found: Option<V4Message> = self.api.ask_agent(&call).await.map_err(no)?;
                let found = found.ok_or(ReadError::NotFound)?;
                let past = self.past(&found).ok_or(ReadError::NotFound)?;
                Ok(ReadAnswer::Message(past))
            }
            Read::History {
                conversation,
                before,
                count,
            } => self.history(&conversation, before, count).await,
            Read::Attachment { id, offset } => {
                let bytes = self.file(&id).await.map_err(no_file)?;
                let total = bytes.len();
                let start = usize::try_from(offset).map_or(total, |offset| offset.min(total));
                let end = total.min(start + CHUNK);
                Ok(ReadAnswer::Attachment(Chunk {
                    bytes: bytes[start..end].to_vec(),
                    total: total as u64,
                }))
            }
            Read::TransferTargets { .. } => Err(ReadError::Unsupported),
            Read::Capabilities { .. } => Ok(ReadAnswer::Capabilities(ConversationCapabilities {
                edit: true,
                forms: true,
                threads: false,
                visibility: false,
                message_bytes: MESSAGE_BYTES,
                file_bytes: FILE_BYTES as u64,
                rate: RATE,
            })),
        }
    }

    /// Answers a read on behalf of a user: those for which apps have a permission (symphony.md §2.6).
    pub(super) async fn answer_as(&self, by: &str, read: Read) -> Result<ReadAnswer, ReadError> {
        let by = Some(by);
        match read {
            Read::Conversations { cursor } => self.conversations(by, cursor.as_deref()).await,
            Read::Contact { user } => self.contact_of(by, &user).await,
            Read::Presence { user } => self.presence_of(by, &user).await,
            _ => Err(ReadError::Unsupported),
        }
    }

    /// A room by its name, of those that the bot can see, else a stream by its id.
    async fn find_conversation(&self, name: &str) -> Result<ReadAnswer, ReadError> {
        if let Some(room) = self.find_room(name).await? {
            let cross_pod = room.room_attributes.cross_pod.unwrap_or_default();
            return Ok(ReadAnswer::Conversation(Conversation {
                id: id_from_wire(&room.room_system_info.id),
                kind: ConversationKind::Room,
                name: room.room_attributes.name.clone(),
                external: cross_pod,
                cross_pod,
                thread: None,
            }));
        }
        let id = id_from_wire(name);
        let call = Call::get(&["pod", "v2", "streams", &id, "info"]);
        let info: Result<StreamListed, ApiError> = self.api.ask_pod_whole(&call).await;
        match info {
            Ok(info) => Ok(ReadAnswer::Conversation(conversation(&info))),
            Err(error) => Err(match no(error) {
                ReadError::Throttled(wait) => ReadError::Throttled(wait),
                _ => ReadError::NotFound,
            }),
        }
    }

    /// A room of exactly this name. The search finds all that have it in their name or description, in
    /// an order of its own.
    async fn find_room(&self, name: &str) -> Result<Option<RoomDetail>, ReadError> {
        for page in 0..SEARCHED {
            let body = json!({"query": name, "active": true});
            let call = Call::post(&["pod", "v3", "room", "search"], body)
                .query("skip", page * PAGE)
                .query("limit", PAGE);
            let found: RoomsFound = self.api.ask_pod(&call).await.map_err(no)?;
            let is_last = found.rooms.len() < PAGE;
            let room = found.rooms.into_iter().find(|room| {
                let found = room.room_attributes.name.as_deref();
                found.is_some_and(|found| found.eq_ignore_ascii_case(name))
            });
            if room.is_some() || is_last {
                return Ok(room);
            }
        }
        Ok(None)
    }

    async fn conversations(
        &self,
        by: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<ReadAnswer, ReadError> {
        let skip = offset(cursor)?;
        let body = json!({"includeInactiveStreams": false});
        let call = Call::post(&["pod", "v1", "streams", "list"], body)
            .on_behalf_of(by)
            .query("skip", skip)
            .query("limit", PAGE);
        let streams: Vec<StreamListed> = self.api.ask_pod(&call).await.map_err(no)?;
        let is_full = streams.len() == PAGE;
        Ok(ReadAnswer::Conversations(ConversationPage {
            items: streams.iter().map(conversation).collect(),
            next: is_full.then(|| (skip + PAGE).to_string()),
        }))
    }

    async fn members(
        &self,
        conversation: &str,
        cursor: Option<&str>,
    ) -> Result<ReadAnswer, ReadError> {
        let skip = offset(cursor)?;
        let stream = id_from_wire(conversation);
        let call = Call::get(&["pod", "v2", "streams", &stream, "info"]);
        let info: StreamListed = self.api.ask_pod_whole(&call).await.map_err(no)?;
        let members: Vec<Member> = if info.stream_type.r#type == "ROOM" {
            let call = Call::get(&["pod", "v2", "room", &stream, "membership", "list"]);
            self.api.ask_pod(&call).await.map_err(no)?
        } else {
            let members = info.stream_attributes.unwrap_or_default().members;
            members.iter().map(member_of).collect()
        };
        let page: Vec<&Member> = members.iter().skip(skip).take(LOOKUP).collect();
        let ids: Vec<&str> = page.iter().map(|member| member.id.as_str()).collect();
        let users = self.look_up("uid", &ids.join(",")).await?;
        let items = page.iter().map(|member| {
            let known = users.iter().find(|user| user.id == member.id);
            let user = known.map_or_else(|| User::of_id(&member.id), user);
            User {
                role_here: if member.owner {
                    ConversationRole::Owner
                } else {
                    ConversationRole::Member
                },
                ..user
            }
        });
        Ok(ReadAnswer::Members(UserPage {
            items: items.collect(),
            next: (members.len() > skip + LOOKUP).then(|| (skip + LOOKUP).to_string()),
        }))
    }

    async fn find_user(&self, name: &str) -> Result<User, ReadError> {
        let kind = match name {
            _ if name.bytes().all(|byte| byte.is_ascii_digit()) => "uid",
            _ if name.contains('@') => "email",
            _ => "username",
        };
        let found = self.look_up(kind, name).await?;
        found.first().map(user).ok_or(ReadError::NotFound)
    }

    async fn look_up(&self, kind: &'static str, names: &str) -> Result<Vec<PodUser>, ReadError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let call = Call::get(&["pod", "v3", "users"])
            .query(kind, names)
            .query("local", false);
        let found: Users = self.api.ask_pod(&call).await.map_err(no)?;
        Ok(found.users)
    }

    async fn contact_of(&self, by: Option<&str>, user: &str) -> Result<ReadAnswer, ReadError> {
        let call = Call::get(&["pod", "v1", "connection", "user", user, "info"]);
        let call = call.on_behalf_of(by);
        let found: Result<Connection, ApiError> = self.api.ask_pod_whole(&call).await;
        let status = match found {
            Ok(found) => contact(found.status.as_deref()),
            Err(error) => {
                let status = error.refusal().map(|refusal| refusal.status);
                if status != Some(StatusCode::NOT_FOUND) {
                    return Err(no(error));
                }
                ContactStatus::None
            }
        };
        Ok(ReadAnswer::Contact(status))
    }

    async fn presence_of(&self, by: Option<&str>, user: &str) -> Result<ReadAnswer, ReadError> {
        let call = Call::get(&["pod", "v3", "user", user, "presence"]);
        let call = call.on_behalf_of(by).query("local", false);
        let found: Presence = self.api.ask_pod_whole(&call).await.map_err(no)?;
        Ok(ReadAnswer::Presence(presence(&found.category)))
    }

    async fn history(
        &self,
        conversation: &str,
        before: Option<u64>,
        count: u32,
    ) -> Result<ReadAnswer, ReadError> {
        let stream = id_from_wire(conversation);
        let count = usize::try_from(count).map_or(PAGE, |count| count.clamp(1, PAGE));
        let said = self.said_last(&stream, before, count).await.map_err(no)?;
        let found = said.messages.iter().rev();
        let found = found.filter_map(|(message, _)| self.past(message));
        Ok(ReadAnswer::History(found.collect()))
    }

    fn past(&self, found: &V4Message) -> Option<PastMessage> {
        Some(PastMessage {
            author: user_from_wire(found.user.as_ref()?),
            at: found.timestamp.unwrap_or_default(),
            message: message_from_wire(&self.bot_now(), found).into_message()?,
        })
    }
}

fn conversation(stream: &StreamListed) -> Conversation {
    let kind = match stream.stream_type.r#type.as_str() {
        "IM" => ConversationKind::Direct,
        "MIM" => ConversationKind::Group,
        "ROOM" => ConversationKind::Room,
        "POST" => ConversationKind::Post,
        _ => ConversationKind::Other,
    };
    Conversation {
        id: id_from_wire(&stream.id),
        kind,
        name: stream
            .room_attributes
            .as_ref()
            .and_then(|room| room.name.clone()),
        external: stream.cross_pod,
        cross_pod: stream.cross_pod,
        thread: None,
    }
}

fn user(found: &PodUser) -> User {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    User {
        display_name: text(&found.display_name).unwrap_or_else(|| found.id.clone()),
        user_name: text(&found.username),
        first_name: text(&found.first_name),
        last_name: text(&found.last_name),
        email: text(&found.email_address),
        kind: match found.account_type.as_deref() {
            Some("SYSTEM") => UserKind::Bot,
            _ => UserKind::Human,
        },
        ..User::of_id(&found.id)
    }
}

fn member_of(id: &Value) -> Member {
    Member {
        id: match id {
            Value::String(id) => id.clone(),
            other => other.to_string(),
        },
        owner: false,
    }
}

fn contact(status: Option<&str>) -> ContactStatus {
    match status {
        Some("ACCEPTED") => ContactStatus::Accepted,
        Some("PENDING_INCOMING") => ContactStatus::Pending,
        Some("PENDING_OUTGOING") => ContactStatus::Requested,
        Some("REJECTED") => ContactStatus::Rejected,
        _ => ContactStatus::None,
    }
}

fn presence(category: &str) -> PresenceStatus {
    match category {
        "AVAILABLE" => PresenceStatus::Available,
        "BUSY" | "ON_THE_PHONE" | "IN_A_MEETING" => PresenceStatus::Busy,
        "DO_NOT_DISTURB" => PresenceStatus::DoNotDisturb,
        "AWAY" | "BE_RIGHT_BACK" | "OUT_OF_OFFICE" => PresenceStatus::Away,
        _ => PresenceStatus::Offline,
    }
}

fn offset(cursor: Option<&str>) -> Result<usize, ReadError> {
    match cursor {
        None => Ok(0),
        Some(cursor) => cursor
            .parse()
            .map_err(|_| ReadError::Failed("this cursor is none of ours".to_owned())),
    }
}

fn no(error: ApiError) -> ReadError {
    error.read_error()
}

fn no_file(error: SendError) -> ReadError {
    match error {
        SendError::Permanent {
            class: ActionError::NotFound,
            ..
        } => ReadError::NotFound,
        SendError::Permanent {
            class: ActionError::Denied,
            ..
        } => ReadError::Denied,
        SendError::Throttled { after: wait, .. } => {
            ReadError::Throttled(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
        }
        other => ReadError::Failed(other.to_string()),
    }
}
