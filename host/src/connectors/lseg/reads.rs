//! What the platform tells its bots, which is the list of their rooms.

use std::collections::HashMap;

use super::LsegConnector;
use super::api::{ApiError, Call};
use super::rooms::KnownRoom;
use super::wire::{ListedRoom, RoomList, rooms_of};
use crate::mailbox::{Read, ReadAnswer};
use crate::model::directory::{ConversationCapabilities, ConversationPage, ReadError};
use crate::model::event::{Conversation, ConversationKind};

/// Rooms of one page.
const PAGE: usize = 50;
/// Messages a minute.
const RATE: u32 = 60;

impl LsegConnector {
    /// Answers a read. Members, messages and people cannot be asked for.
    pub(super) async fn answer(&self, read: Read) -> Result<ReadAnswer, ReadError> {
        match read {
            Read::FindConversation { name } => {
                let rooms = self.listed_now().await?;
                // Two of one name: the one whose id comes first, always.
                let same = |room: &KnownRoom| room.name.as_deref() == Some(name.as_str());
                let found = rooms.iter().find(|room| same(room));
                let found = found.or_else(|| rooms.iter().find(|room| room.id == name));
                found
                    .map(|room| ReadAnswer::Conversation(conversation(room)))
                    .ok_or(ReadError::NotFound)
            }
            Read::Conversations { cursor } => {
                let skip = match &cursor {
                    None => 0,
                    Some(cursor) => cursor
                        .parse::<usize>()
                        .map_err(|_| ReadError::Failed("this cursor is none of ours".to_owned()))?,
                };
                let rooms = match skip {
                    0 => self.listed_now().await?,
                    _ => self.rooms.listed(),
                };
                let page = rooms.iter().skip(skip).take(PAGE).map(conversation);
                Ok(ReadAnswer::Conversations(ConversationPage {
                    items: page.collect(),
                    next: (rooms.len() > skip + PAGE).then(|| (skip + PAGE).to_string()),
                }))
            }
            Read::Capabilities { .. } => Ok(ReadAnswer::Capabilities(ConversationCapabilities {
                edit: false,
                forms: false,
                threads: false,
                visibility: false,
                message_bytes: self.config.message_chars as u64,
                file_bytes: 0,
                rate: RATE,
            })),
            Read::Members { .. }
            | Read::FindUser { .. }
            | Read::Contact { .. }
            | Read::Presence { .. }
            | Read::Message { .. }
            | Read::History { .. }
            | Read::Attachment { .. }
            | Read::TransferTargets { .. } => Err(ReadError::Unsupported),
        }
    }

    /// The rooms as they are listed now. What is new in the list is told by the session, at its next.
    async fn listed_now(&self) -> Result<Vec<KnownRoom>, ReadError> {
        let found = self.list().await.map_err(|error| error.read_error())?;
        let mut rooms: Vec<KnownRoom> = found
            .rooms
            .into_iter()
            .map(|(room, managed)| KnownRoom {
                id: room.id,
                name: room.name,
                managed,
                listed: true,
            })
            .collect();
        rooms.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(rooms)
    }

    /// Lists the rooms, and which of them are managed. A platform without managed rooms, or one that
    /// does not let the bot see them, has none; where they cannot be read, nothing is known of them,
    /// which is not to have none: else the bot would go out of all of them.
    pub(super) async fn list(&self) -> Result<RoomList, ApiError> {
        let answer = self.api.ask(&Call::get(&["chatrooms"])).await?;
        let rooms = rooms_of(&answer.body).ok_or_else(|| self.api.nonsense())?;
        let mut rooms: Vec<(ListedRoom, bool)> =
            rooms.into_iter().map(|room| (room, false)).collect();
        let managed = match self.api.try_ask(&Call::get(&["managed_chatrooms"])).await {
            Ok(answer) => rooms_of(&answer.body).ok_or_else(|| self.api.nonsense()),
            Err(error) if error.has_none() && !self.rooms.has_managed() => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        let managed = managed.map_err(|error| {
            tracing::debug!(bot = self.name(), %error, "managed rooms are not listed");
        });
        let knows_managed = managed.is_ok();
        let places = rooms.iter().zip(0_usize..);
        let places: HashMap<String, usize> = places
            .map(|((room, _), place)| (room.id.clone(), place))
            .collect();
        for room in managed.unwrap_or_default() {
            match places.get(&room.id) {
                Some(place) => rooms[*place].1 = true,
                None => rooms.push((room, true)),
            }
        }
        Ok(RoomList {
            rooms,
            knows_managed,
        })
    }
}

fn conversation(room: &KnownRoom) -> Conversation {
    Conversation {
        id: room.id.clone(),
        kind: ConversationKind::Room,
        name: room.name.clone(),
        external: true,
        cross_pod: false,
        thread: None,
    }
}
