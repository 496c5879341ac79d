//! What the platform tells its bots.

use super::convert::{model_message, model_room};
use super::hub::Hub;
use super::hub::files::FILE_MAX;
use super::hub::names::{
    find_room, find_user, is_available, model_member, model_user, somebody_there,
};
use super::hub::rules::TEXT_MAX;
use super::hub::state::{Room, State};
use crate::mailbox::rooms::RoomMessage;
use crate::mailbox::{Read, ReadAnswer};
use crate::model::directory::{
    Chunk, ContactStatus, ConversationCapabilities, ConversationPage, PastMessage, ReadError,
    TransferOption, UserPage,
};
use crate::model::event::{Bot, ConversationKind, ConversationRole, UserKind};
use crate::model::payload::PresenceStatus;

/// Entries of one page.
pub const PAGE: usize = 100;
/// Messages of one history read.
pub const HISTORY_PAGE: u32 = 50;
/// Bytes of one chunk of a file.
pub const CHUNK: usize = 1024 * 1024;

/// Answers a read of a bot.
///
/// # Errors
/// [`ReadError`] as the plugin hears it.
pub fn answer(hub: &Hub, bot: &Bot, edits: bool, read: Read) -> Result<ReadAnswer, ReadError> {
    if let Read::Attachment { id, offset } = &read {
        may_read_file(hub, bot, id)?;
        return attachment(hub, id, *offset);
    }
    hub.read(|state| match read {
        Read::FindConversation { name } => {
            let room = find_room(state, &name)
                .or_else(|| state.rooms.get(name.as_str()))
                .filter(|room| may_see(room, bot))
                .ok_or(ReadError::NotFound)?;
            Ok(ReadAnswer::Conversation(model_room(&room.info, None)))
        }
        Read::Conversations { cursor } => Ok(conversations(state, bot, cursor.as_deref())),
        Read::Members {
            conversation,
            cursor,
        } => members(seen(state, bot, &conversation)?, cursor.as_deref()),
        Read::FindUser { name } => find_user(state, &name)
            .map(|user| ReadAnswer::User(model_user(user)))
            .ok_or(ReadError::NotFound),
        Read::Contact { user } => {
            let user = find_user(state, &user).ok_or(ReadError::NotFound)?;
            let key = (bot.user_id.as_str().into(), user.id.clone());
            let status = state.contacts.get(&key).copied();
            Ok(ReadAnswer::Contact(status.unwrap_or(ContactStatus::None)))
        }
        Read::Presence { user } => {
            let user = find_user(state, &user).ok_or(ReadError::NotFound)?;
            let status = state.presence.get(&user.id).copied();
            Ok(ReadAnswer::Presence(
                status.unwrap_or(PresenceStatus::Offline),
            ))
        }
        Read::Message { id } => {
            let (room, message) = state.message(&id).ok_or(ReadError::NotFound)?;
            if !may_see(room, bot) || message.deleted {
                return Err(ReadError::NotFound);
            }
            Ok(ReadAnswer::Message(past(state, bot, room, message)))
        }
        Read::History {
            conversation,
            before,
            count,
        } => {
            let room = seen(state, bot, &conversation)?;
            let count = count.min(HISTORY_PAGE) as usize;
            let messages: Vec<PastMessage> = room
                .messages
                .iter()
                .rev()
                .filter(|m| !m.deleted && before.is_none_or(|before| m.at < before))
                .take(count)
                .map(|message| past(state, bot, room, message))
                .collect();
            Ok(ReadAnswer::History(messages))
        }
        Read::TransferTargets { conversation } => {
            let room = seen(state, bot, &conversation)?;
            if room.info.kind != ConversationKind::CustomerChat {
                return Err(ReadError::Unsupported);
            }
            Ok(ReadAnswer::TransferTargets(targets(hub, state, room)))
        }
        Read::Capabilities { conversation } => {
            seen(state, bot, &conversation)?;
            Ok(ReadAnswer::Capabilities(ConversationCapabilities {
                edit: edits,
                forms: true,
                threads: true,
                visibility: true,
                message_bytes: TEXT_MAX as u64,
                file_bytes: FILE_MAX as u64,
                rate: u32::MAX,
            }))
        }
        Read::Attachment { .. } => Err(ReadError::Unsupported),
    })
}

fn may_see(room: &Room, bot: &Bot) -> bool {
    room.member(&bot.user_id).is_some() || !crate::mailbox::rooms::is_private(&room.info)
}

fn seen<'a>(state: &'a State, bot: &Bot, id: &str) -> Result<&'a Room, ReadError> {
    let room = state.rooms.get(id).ok_or(ReadError::NotFound)?;
    if may_see(room, bot) {
        Ok(room)
    } else {
        Err(ReadError::Denied)
    }
}

fn may_read_file(hub: &Hub, bot: &Bot, id: &str) -> Result<(), ReadError> {
    let (message, _) = id.rsplit_once('.').ok_or(ReadError::NotFound)?;
    hub.read(|state| {
        let (room, _) = state.message(message).ok_or(ReadError::NotFound)?;
        if may_see(room, bot) {
            Ok(())
        } else {
            Err(ReadError::Denied)
        }
    })
}

fn attachment(hub: &Hub, id: &str, offset: u64) -> Result<ReadAnswer, ReadError> {
    let file = hub.file_bytes(id).ok_or(ReadError::NotFound)?;
    let total = file.bytes.len();
    let start = usize::try_from(offset).map_or(total, |offset| offset.min(total));
    let end = total.min(start + CHUNK);
    Ok(ReadAnswer::Attachment(Chunk {
        bytes: file.bytes[start..end].to_vec(),
        total: total as u64,
    }))
}

fn conversations(state: &State, bot: &Bot, cursor: Option<&str>) -> ReadAnswer {
    let mut rooms: Vec<&Room> = state
        .rooms
        .values()
        .filter(|room| room.member(&bot.user_id).is_some())
        .filter(|room| cursor.is_none_or(|cursor| &*room.info.id > cursor))
        .collect();
    rooms.sort_by(|a, b| a.info.id.cmp(&b.info.id));
    let more = rooms.len() > PAGE;
    rooms.truncate(PAGE);
    let next = rooms.last().map(|room| room.info.id.to_string());
    ReadAnswer::Conversations(ConversationPage {
        items: rooms
            .iter()
            .map(|room| model_room(&room.info, None))
            .collect(),
        next: next.filter(|_| more),
    })
}

fn members(room: &Room, cursor: Option<&str>) -> Result<ReadAnswer, ReadError> {
    let mut members: Vec<_> = room
        .members
        .iter()
        .filter(|member| cursor.is_none_or(|cursor| &*member.user.id > cursor))
        .collect();
    members.sort_by(|a, b| a.user.id.cmp(&b.user.id));
    let more = members.len() > PAGE;
    members.truncate(PAGE);
    let next = members.last().map(|member| member.user.id.to_string());
    Ok(ReadAnswer::Members(UserPage {
        items: members
            .iter()
            .map(|member| model_member(&member.user, member.role))
            .collect(),
        next: next.filter(|_| more),
    }))
}

fn past(state: &State, bot: &Bot, room: &Room, message: &RoomMessage) -> PastMessage {
    let role = room
        .member(&message.author)
        .map_or(ConversationRole::Unknown, |member| member.role);
    let author = state
        .users
        .get(&message.author)
        .cloned()
        .unwrap_or_else(|| {
            std::sync::Arc::new(crate::mailbox::rooms::RoomUser {
                id: message.author.clone(),
                name: message.author.clone(),
                kind: UserKind::System,
            })
        });
    PastMessage {
        author: model_member(&author, role),
        at: message.at,
        message: model_message(bot, message, &room.members).0,
    }
}

fn targets(hub: &Hub, state: &State, room: &Room) -> Vec<TransferOption> {
    let groups = hub.groups().iter().map(|(group, people)| TransferOption {
        group: true,
        id: group.clone(),
        name: group.clone(),
        available: somebody_there(state, people).is_some(),
    });
    let mut agents: Vec<_> = state
        .users
        .values()
        .filter(|user| user.kind == UserKind::Human)
        .filter(|user| {
            room.member(&user.id)
                .is_none_or(|member| member.role != ConversationRole::Customer)
        })
        .map(|user| TransferOption {
            group: false,
            id: user.id.to_string(),
            name: user.name.to_string(),
            available: is_available(state, &user.id),
        })
        .collect();
    agents.sort_by(|a, b| a.id.cmp(&b.id));
    groups.chain(agents).take(PAGE).collect()
}
